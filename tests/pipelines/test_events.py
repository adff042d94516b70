"""Agent events and contact events from files, on every target: each event is one row, in any order, however often."""

from __future__ import annotations

import random
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from homes import Row, lake_best, load_into, opened, table, totals
from servers import on_servers

from trunkline.objects.agents.agent_event import AGENT_EVENT
from trunkline.objects.contact_event import CONTACT_EVENT
from trunkline.objects.model import Json, Object
from trunkline.pipelines.jobs.upkeep import rebuild
from trunkline.simulator.run import EVENT_FOLDERS, Result, simulate
from trunkline.simulator.spec import Spec, StreamFaults

OBJECTS = {"agent_event": AGENT_EVENT, "contact_event": CONTACT_EVENT}
IDS = {"agent_event": re.compile('"EventId":"([^"]+)"'), "contact_event": re.compile('[{]"version":"0","id":"([^"]+)"')}
FAULTS = StreamFaults(loss=0.02, duplication=0.05, delay=0.02, reordering=0.1)


@pytest.fixture(scope="module")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Result]:
    folder = tmp_path_factory.mktemp("events")
    yield simulate(Spec(contacts=60, seed=3, events=FAULTS), folder)
    shutil.rmtree(folder)


@pytest.mark.parametrize("name", OBJECTS)
@pytest.mark.parametrize("each_target", ["duckdb", *on_servers()], indirect=True)
def test_events_are_rows_once(tmp_path: Path, each_target: str, simulated: Result, name: str) -> None:
    """Loaded in shuffled halves, then from another folder: every event of the files is one row, in lake and warehouse."""
    obj = OBJECTS[name]
    files = sorted(path for path in (simulated.folder.parent / EVENT_FOLDERS[name]).rglob("*") if path.is_file())
    files = files[len(files) // 3 :][:15]
    ids = {match for path in files for match in IDS[name].findall(path.read_text())}
    random.Random(name).shuffle(files)
    with opened(tmp_path / "home", obj) as home:
        for number, part in enumerate((files[: len(files) // 2], files)):
            folder = tmp_path / str(number)
            folder.mkdir()
            for place, path in enumerate(part):
                shutil.copy(path, folder / f"{place:04}")
            load_into(home, folder, obj=obj)
        counts = totals(home, obj)
        assert (counts.inserted, counts.updated, counts.superseded, counts.dead_letter) == (len(ids), 0, 0, 0)
        rows = _flat(table(home, obj), obj)
        assert ids
        assert {row["event_id"] for row in rows} == ids
        assert all(row["record_unmapped"] is None for row in rows)
        assert _flat(lake_best(home, obj), obj) == rows
        rebuild(home, obj)
        assert _flat(table(home, obj), obj) == rows


def _flat(rows: list[Row], obj: Object) -> list[Row]:
    """The rows without nested columns, whose times a server has as text; `record_hash` is over them too."""
    names = [column.name for column in obj.columns if isinstance(column.type, (str, Json)) and column.name in rows[0]]
    return [{name: row[name] for name in names} for row in rows]


def test_events_have_their_values(tmp_path: Path, simulated: Result) -> None:
    """Milliseconds, ARNs, contacts with states, and the snapshot before."""
    with opened(tmp_path / "home", AGENT_EVENT) as home:
        load_into(home, simulated.folder.parent / "agent-events", obj=AGENT_EVENT)
        rows = sorted(table(home, AGENT_EVENT), key=lambda row: (row["agent_arn"], row["event_timestamp"]))
    assert any(row["event_timestamp"].microsecond for row in rows)
    logins = [row for row in rows if row["event_type"] == "LOGIN"]
    assert logins
    assert all(row["previous_agent_status_arn"] is None for row in logins)
    states = {contact["state"] for row in rows for contact in row["current_contacts"]}
    assert {"CONNECTING", "CONNECTED", "ENDED"} <= states
    changed = next(row for row in rows if row["current_contacts"] and row["previous_contacts"] == [])
    contact = changed["current_contacts"][0]
    assert contact["queue"]["arn"].startswith(changed["instance_arn"])
    assert contact["state_start_timestamp"] <= changed["event_timestamp"]
