"""`reconcile --live` over stored events: the same as over the events themselves."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import live_events
import pytest

import trunkline
from trunkline.cli.main import run
from trunkline.errors import UsageError
from trunkline.live.convergence import reconcile_live
from trunkline.live.fold import LiveState
from trunkline.live.rules import LiveRules
from trunkline.pipelines.live.reconcile_live import reconcile_live_day
from trunkline.pipelines.reading import open_reader
from trunkline.settings.installation import Settings

DAY = date(2026, 3, 3)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with a day of contact records, agent events and contact events."""
    folder = tmp_path_factory.mktemp("live")
    files: dict[str, list[bytes]] = {}
    for _, kind, text in live_events.texts_of(live_events.simulated(60, 5)):
        files.setdefault(kind.value, []).append(text)
    handle = trunkline.open(folder / "home")
    for name, texts in files.items():
        (folder / f"{name}.json").write_bytes(b"\n".join(texts))
        assert handle.load(name, folder / f"{name}.json").counts.dead_letter == 0
    return folder / "home"


def test_stored_events_give_what_the_stream_gave(home: Path) -> None:
    """Each difference, number and reason."""
    state = LiveState(LiveRules())
    for now, _, text in live_events.texts_of(live_events.simulated(60, 5)):
        state.apply(text, now)
    with open_reader(Settings.load(home)) as reader:
        stored = reconcile_live_day(reader, DAY, "UTC")
    expected = reconcile_live(state, DAY)
    assert stored == expected
    assert stored.compared > 50
    assert stored.differences


def test_a_home_without_events(home: Path) -> None:
    """Says what to load."""
    with open_reader(Settings.load(home)) as reader, pytest.raises(UsageError, match="trunkline load agent_event"):
        reconcile_live_day(reader, date(2025, 1, 1), "UTC")


def test_the_command(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A table of what differs with the reasons; JSON has every difference."""
    with open_reader(Settings.load(home)) as reader:
        expected = reconcile_live_day(reader, DAY, "UTC")
    assert run(["reconcile", "--live", "2026-03-03", "--home", str(home), "--output", "json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert [(row["contact"], row["metric"], row["live"], row["final"], row["reason"]) for row in rows] == [
        (d.contact_id, d.metric, d.early, d.final, d.reason) for d in expected.differences
    ]
    assert run(["reconcile", "--live", "2026-03-03", "--home", str(home)]) == 0
    shown = capsys.readouterr()
    assert f"{expected.compared} contacts ended on 2026-03-03" in shown.err
    assert all(reason in shown.out for reason in expected.reasons)
    assert run(["reconcile", "--live", "someday", "--home", str(home)]) == 2
