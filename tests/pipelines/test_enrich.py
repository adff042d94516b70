"""Calls that are without a transcript: looked for under their keys, each file read once, misses remembered."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from homes import letters, load_into, opened, write
from s3 import bucket
from transcript_files import TALK, put, transcribe

from trunkline import clock, limits
from trunkline.errors import UsageError
from trunkline.objects.post_call.transcript import TRANSCRIPT
from trunkline.pipelines.home import Home
from trunkline.pipelines.post_call.enrich import EnrichResult, due_calls, enrich

NOON = datetime(2026, 2, 11, 12)


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> list[datetime]:
    """The present, which a test may move."""
    present = [datetime(2026, 2, 11, 13)]
    monkeypatch.setattr(clock, "now_naive", lambda: present[0])
    return present


def calls(home: Home, folder: Path, *ids: str) -> None:
    items = [{"callId": one, "callTimestampUTC": "2026-02-11T12:00:00Z", "payload": {}} for one in ids]
    load_into(home, write(folder / f"{'-'.join(ids).replace('/', '_')}.json", *items), obj=home.objects["call"])


def run(home: Home, client: Any = None, again: bool = False) -> EnrichResult:
    due, without = due_calls(home, NOON, NOON + timedelta(hours=1), again)
    return enrich(home, due, without, client=client)


def test_each_transcript_is_read_once_and_a_miss_is_recorded(tmp_path: Path, now: list[datetime]) -> None:
    """What is missing is asked for again after 15 minutes, then 30, at last not at all; what is there is not asked for."""
    with bucket("recordings") as s3:
        asked: list[tuple[str, str]] = []
        for name in ("HeadObject", "GetObject"):
            s3.meta.events.register(
                f"provide-client-params.s3.{name}", lambda params, name=name, **_: asked.append((name, params["Key"]))
            )
        body = json.dumps(transcribe(TALK, "channel")).encode()
        s3.put_object(Bucket="recordings", Key="in/transcripts/there.json", Body=body)
        with opened(tmp_path / "home", transcripts="s3://recordings/in/") as home:
            calls(home, tmp_path, "there", "late", "never")
            first = run(home, s3)
            assert (first.without, first.looked_for, first.found, first.counts.inserted) == (3, 3, 1, 1)
            assert [key for what, key in asked if what == "GetObject"] == ["in/transcripts/there.json"]
            assert run(home, s3) == EnrichResult(2, 0, 0, first.counts.__class__())
            s3.put_object(Bucket="recordings", Key="in/transcripts/late.json", Body=body)
            now[0] += timedelta(minutes=15)
            asked.clear()
            second = run(home, s3)
            assert (second.without, second.looked_for, second.found) == (2, 2, 1)
            assert not [key for _, key in asked if "there" in key]
            now[0] += timedelta(minutes=29)
            assert run(home, s3).looked_for == 0
            now[0] += timedelta(minutes=1)
            assert run(home, s3).looked_for == 1
            now[0] += timedelta(days=limits.LOOKUP_DAYS_MAX)
            assert run(home, s3).looked_for == 1
            now[0] += timedelta(days=1)
            assert run(home, s3).looked_for == 0
            assert run(home, s3, again=True).looked_for == 1
            found = home.con.execute("SELECT call_id, answer_type FROM post_call_analytics.calls ORDER BY 1").fetchall()
    assert found == [("late", "Human"), ("never", "Unknown"), ("there", "Human")]


def test_a_call_id_never_leads_out_of_the_folder(tmp_path: Path, now: list[datetime]) -> None:
    """Local places work as buckets do; an id that is a path finds nothing; the redacted name is a call's too."""
    put(tmp_path, "place/transcripts/redacted-a.json", transcribe(TALK, "channel"))
    put(tmp_path, "x.json", transcribe(TALK, "channel"))
    with opened(tmp_path / "home", transcripts=f"file://{tmp_path}/place") as home:
        calls(home, tmp_path, "a", "../../x")
        result = run(home)
        assert (result.looked_for, result.found, result.counts.inserted) == (2, 1, 1)


def test_an_unreadable_transcript_is_not_searched_again_at_once(tmp_path: Path, now: list[datetime]) -> None:
    """It is set aside once and its call remembered as one without."""
    put(tmp_path, "place/transcripts/a.json", b"{")
    with opened(tmp_path / "home", transcripts=f"file://{tmp_path}/place") as home:
        calls(home, tmp_path, "a")
        assert (run(home).counts.dead_letter, run(home).looked_for) == (1, 0)
        now[0] += timedelta(minutes=16)
        again = run(home)
        assert (again.found, again.counts.read, len(letters(home, TRANSCRIPT))) == (1, 0, 1)
        now[0] += timedelta(minutes=16)
        assert run(home).looked_for == 0


def test_an_empty_setting_is_named(tmp_path: Path, now: list[datetime]) -> None:
    """What to write, and where."""
    with opened(tmp_path / "home") as home, pytest.raises(UsageError, match="TRUNKLINE_TRANSCRIPTS"):
        run(home)
