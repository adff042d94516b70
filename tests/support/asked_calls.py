"""A few days of calls with transcripts and contact records in a home, and the application's question answered by hand."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from homes import contact

from trunkline.pipelines.home import open_home
from trunkline.pipelines.jobs.load import load
from trunkline.settings.installation import Settings

DAY = date(2026, 2, 11)
Answer = list[tuple[str | None, str, int, float | None, int]]


@dataclass(frozen=True)
class Told:
    """One call: what the test says of it, and what has to come out."""

    call_id: str
    direction: str | None
    day: date
    seconds: int | None
    speakers: int
    status: str | None
    answer_type: str


def told() -> Iterator[Told]:
    """Every answer type in every direction on three days; some without transcript, one without direction."""
    cases = [
        (45, 2, None, "Human"), (130, 2, None, "Human"), (61, 1, None, "Voicemail"), (60, 1, None, "Voicemail"),
        (8, 2, None, "NoAnswer"), (9, 1, None, "NoAnswer"), (None, 0, None, "Unknown"), (20, 0, None, "Unknown"),
        (95, 2, "VOICEMAIL_BEEP", "Voicemail"), (30, 1, "HUMAN_ANSWERED", "Human"), (5, 1, "AMD_UNANSWERED", "NoAnswer"),
    ]  # fmt: skip
    number = 0
    for offset in (-1, 0, 1):
        for direction in ("inbound", "outbound", None):
            for seconds, speakers, status, answer in cases[: None if direction else 3]:
                number += 1
                yield Told(
                    f"call-{number:03}", direction, DAY + timedelta(days=offset), seconds, speakers, status, answer
                )


def by_hand(day: date = DAY) -> Answer:
    """The question's answer, in its order; NULL directions last, as Trino sorts."""
    groups: dict[tuple[str | None, str], list[int | None]] = {}
    for one in told():
        if one.day == day:
            groups.setdefault((one.direction, one.answer_type), []).append(one.seconds)
    rows: Answer = []
    for (direction, answer), lengths in groups.items():
        known = [seconds for seconds in lengths if seconds is not None]
        average = sum(known) / len(known) if known else None
        rows.append((direction, answer, len(lengths), average, sum(seconds > 60 for seconds in known)))
    return sorted(rows, key=lambda row: (row[0] is None, row[0] or "", row[1]))


def _call(one: Told, version: int) -> dict[str, Any]:
    at = datetime(one.day.year, one.day.month, one.day.day, 23, 59, version)
    payload = {"direction": one.direction if version else "wrong", "agentName": "Ann", "queueId": 7, "siteId": 12}
    # The clock of another zone: the day is UTC's.
    stamp = (at - timedelta(hours=5)).isoformat() + "-05:00"
    return {
        "callId": one.call_id,
        "callTimestampUTC": stamp,
        "payload": {k: v for k, v in payload.items() if v is not None},
    }


def _transcript(one: Told) -> str:
    """What Amazon Transcribe writes of it: the last word ends within the last second."""
    assert one.seconds is not None
    step = (one.seconds + 0.999) / 4
    items = [
        {
            "type": "pronunciation", "start_time": f"{step * n:.3f}", "end_time": f"{step * (n + 1):.3f}",
            "alternatives": [{"confidence": "0.99", "content": "hello"}],
            **({"speaker_label": f"spk_{n % one.speakers}"} if one.speakers else {}),
        }
        for n in range(4)
    ]  # fmt: skip
    results = {"transcripts": [{"transcript": "hello hello hello hello"}], "items": items}
    return json.dumps({"jobName": one.call_id, "accountId": "111122223333", "status": "COMPLETED", "results": results})


def loaded_home(folder: Path) -> Settings:
    """A home with all of it, calls in two versions, one of them delivered twice."""
    calls = list(told())
    files = {
        "call": [_call(one, version) for one in calls for version in (1, 0)] + [_call(one, 1) for one in calls[::5]],
        "contact_record": [
            contact(one.call_id, AnsweringMachineDetectionStatus=one.status, Agent=..., InitiationTimestamp=f"{one.day}T23:59:00Z",
                    DisconnectTimestamp=f"{one.day}T23:59:30Z", LastUpdateTimestamp=f"{one.day}T23:59:40Z")
            for one in calls if one.status is not None
        ],
    }  # fmt: skip
    transcripts = folder / "transcripts"
    transcripts.mkdir()
    for one in calls:
        if one.seconds is not None:
            (transcripts / f"{one.call_id}.json").write_text(_transcript(one))
    for name, records in files.items():
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(record) + "\n" for record in records))
    settings = Settings.load(folder / "home", {"TRUNKLINE_PII_KEY": "a key for tests", "TRUNKLINE_THREADS": "1"})
    with open_home(settings) as home:
        for name, records in files.items():
            result = load(home, home.objects[name], [str(folder / f"{name}.jsonl")])
            assert (result.counts.read, result.counts.dead_letter) == (len(records), 0), name
        result = load(home, home.objects["transcript"], [str(transcripts)])
        assert (result.counts.read, result.counts.dead_letter) == (len(list(transcripts.iterdir())), 0)
    return settings
