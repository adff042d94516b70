"""Files that hold contact records and agent events together are read once for both."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from homes import NARROW, assert_adds_up, letters, load_into, narrow, opened, table, totals

from trunkline.accounting import Counts, total
from trunkline.errors import UsageError
from trunkline.flatten.flattener import Flattener
from trunkline.lake import layout
from trunkline.objects.model import Object
from trunkline.pipelines import batches, flattening
from trunkline.pipelines.home import Home
from trunkline.pipelines.jobs.load_mixed import load_mixed
from trunkline.pipelines.runner import LoadResult, Runner
from trunkline.sources.files.listing import list_files
from trunkline.sources.registry import open_source

CONTACT = replace(NARROW, name="contact_record")
EVENT = replace(
    NARROW, name="agent_event", warehouse_table="connect.f_narrow_event", anchor="AgentARN",
    columns=tuple(replace(c, path=("EventId",)) if c.name == "id" else c for c in NARROW.columns),
)  # fmt: skip
BOTH = (CONTACT, EVENT)


def contact(id_: str, **changes: object) -> dict[str, object]:
    return narrow(id_, AWSContactTraceRecordFormatVersion="2017-03-10", **changes)


def event(id_: str) -> dict[str, object]:
    return narrow(id_, ContactId=..., EventId=id_, AgentARN="a", EventType="LOGIN")


def _write(path: Path, *records: dict[str, object] | str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(record if isinstance(record, str) else json.dumps(record) for record in records))
    return path


def _load(home: Home, *paths: Path, objs: tuple[Object, ...] = BOTH) -> list[LoadResult]:
    results = load_mixed(home, [home.objects[obj.name] for obj in objs], [str(path) for path in paths])
    for result in results:
        assert_adds_up(result.counts)
    return results


def _ids(home: Home, obj: Object) -> list[str]:
    return sorted(row["id"] for row in table(home, obj))


@contextmanager
def _opened_files(folder: Path) -> Iterator[list[str]]:
    """The names of the files below a folder that are opened meanwhile, each as often as it is."""
    names: list[str] = []
    is_on = True

    def hook(what: str, arguments: tuple[object, ...]) -> None:
        if is_on and what == "open" and str(arguments[0]).startswith(str(folder)):
            names.append(Path(str(arguments[0])).name)

    sys.addaudithook(hook)
    yield names
    is_on = False


def test_each_record_goes_to_its_object(tmp_path: Path) -> None:
    """One reading of each file; what is broken or of no shape is set aside once, by the first object."""
    data = tmp_path / "data"
    _write(data / "1.json", contact("c1"), event("e1"), event("e2"), contact("c2"))
    _write(data / "2.json", event("e1"), "{broken ", contact("c3"), {"neither": 1}, event("e3"))
    with opened(tmp_path / "home", *BOTH) as home:
        with _opened_files(data) as names:
            first, second = _load(home, data)
        assert sorted(names) == ["1.json", "2.json"]
        assert (_ids(home, CONTACT), _ids(home, EVENT)) == (["c1", "c2", "c3"], ["e1", "e2", "e3"])
        assert len(letters(home, CONTACT)) == 2
        assert letters(home, EVENT) == []
        again = _load(home, data)
        assert [result.counts.read for result in again] == [0, 0]
    assert first.counts == Counts(read=9, filtered=4, dead_letter=2, inserted=3)
    assert second.counts == Counts(read=9, filtered=5, inserted=3, duplicate=1)


def test_what_one_object_has_read_is_read_for_the_other_alone(tmp_path: Path) -> None:
    """A file that was loaded for one object before; new files are read once for both."""
    data = tmp_path / "data"
    _write(data / "1.json", contact("c1"))
    with opened(tmp_path / "home", *BOTH) as home:
        load_into(home, data, obj=home.objects[CONTACT.name])
        _write(data / "2.json", event("e1"), contact("c2"))
        first, second = _load(home, data)
        assert (_ids(home, CONTACT), _ids(home, EVENT)) == (["c1", "c2"], ["e1"])
    assert (first.counts.read, second.counts.read) == (2, 3)


def test_other_objects_are_left_out(tmp_path: Path) -> None:
    """A contact event in the same files is filtered for both; the order of the objects decides what is unknown."""
    contact_event = {"version": "0", "detail-type": "Amazon Connect Contact Event", "detail": {"contactId": "c1"}}
    path = _write(tmp_path / "1.json", contact_event, {"neither": 1}, contact("c1"))
    with opened(tmp_path / "home", *BOTH) as home:
        second, first = _load(home, path, objs=(EVENT, CONTACT))
    assert second.counts == Counts(read=3, filtered=2, dead_letter=1)
    assert first.counts == Counts(read=3, filtered=2, inserted=1)


@pytest.mark.parametrize("name", ["mixed_files", "mixed_files_rest"])
def test_a_run_that_died_after_planning_is_finished(tmp_path: Path, name: str) -> None:
    """The plan says what belongs to the object: nothing of another object is set aside, and nothing is lost."""
    path = _write(tmp_path / "1.json", event("e1"), {"neither": 1}, contact("c1"), "{broken ", contact("c2"))
    obj, is_first = (CONTACT, True) if name == "mixed_files" else (EVENT, False)
    with opened(tmp_path / "home", *BOTH) as home:
        runner = Runner(home, home.objects[obj.name])
        (framed,) = open_source(name, runner.context, files=list_files([str(path)])).read({})
        assert framed is not None
        batches.record_plan(home.store, framed.plan)
    with opened(tmp_path / "home", *BOTH) as home:
        results = _load(home, path, objs=(obj, EVENT if is_first else CONTACT))
        assert [result.recovered for result in results] == [1, 0]
        assert list(home.store.list(layout.plan_prefix(obj.name))) == []
        assert (_ids(home, CONTACT), _ids(home, EVENT)) == (["c1", "c2"], ["e1"])
        counts = totals(home, obj)
    assert counts == (
        Counts(read=5, filtered=1, dead_letter=2, inserted=2) if is_first else Counts(read=5, filtered=4, inserted=1)
    )


def test_many_batches_equal_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Small batches on two cores, merged in groups, give the same rows and totals."""
    monkeypatch.setattr(flattening, "Flattener", Flattener)  # the tests' shared one is for one thread
    data = tmp_path / "data"
    for number in range(12):
        _write(data / f"{number}.json", *(contact(f"c{number}-{n}") for n in range(3)), event(f"e{number}"))
    with opened(tmp_path / "home", *BOTH, batch_bytes=1, threads=2) as home:
        results = _load(home, data)
        assert (len(_ids(home, CONTACT)), len(_ids(home, EVENT))) == (36, 12)
    assert total(result.counts for result in results) == Counts(read=96, filtered=48, inserted=48)
    assert results[0].batches > 12


def test_objects_that_cannot_be_told_apart_are_refused(tmp_path: Path) -> None:
    """A record of users has no shape that distinguishes it in a stream; an object is named once."""
    with opened(tmp_path / "home", *BOTH, NARROW) as home:
        with pytest.raises(UsageError, match="records of narrow are not told apart"):
            load_mixed(home, [CONTACT, NARROW], [str(tmp_path)])
        with pytest.raises(UsageError, match="named twice"):
            load_mixed(home, [CONTACT, CONTACT], [str(tmp_path)])
