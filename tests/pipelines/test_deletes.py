"""Deletions through lake, merge and rebuild: the key is gone from views, and nothing older brings it back."""

from __future__ import annotations

import itertools
import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from homes import NARROW, Row, assert_adds_up, lake_best, lake_versions, opened, settings_of, table, totals

from trunkline.accounting import Counts
from trunkline.flatten.flattener import Flattener
from trunkline.pipelines import batches
from trunkline.pipelines.home import Home
from trunkline.pipelines.jobs.doctor import examine
from trunkline.pipelines.jobs.upkeep import compact, rebuild
from trunkline.pipelines.merging import merge_batches
from trunkline.pipelines.reading import open_reader
from trunkline.positions import FileRange, Plan
from trunkline.records import Framed, Mark

AT = datetime(2026, 3, 8, 12)
Change = tuple[str, str, bool, str]
"""Key, version, whether it says deleted, and its day."""


def change(key: str, version: str, is_deleted: bool = False, day: str = "03") -> Change:
    return key, version, is_deleted, day


def load(home: Home, number: int, changes: Sequence[Change]) -> Counts:
    """One batch of changes, from flatten to warehouse."""
    texts = [
        json.dumps(
            {"ContactId": key, "Score": int(version[1:]), **({"Began": f"2026-03-{day}T10:00:00Z"} if day else {})}
        )
        for key, version, _, day in changes
    ]
    marks = [Mark("stream", version, is_deleted) for _, version, is_deleted, _ in changes]
    plan = Plan(NARROW.name, "test", (FileRange("changes", str(number), 0, len(changes), True, AT),))
    framed = Framed(plan, texts, [0] * len(texts), list(range(len(texts))), [], 100, marks)
    record = batches.put(home.store, home.scratch, Flattener(NARROW, home.rule), framed)
    (counts,) = merge_batches(home, NARROW, [record])
    assert_adds_up(counts)
    return counts


def live(rows: Sequence[Row]) -> list[tuple[str, int]]:
    return [(row["id"], row["score"]) for row in rows if not row["record_is_deleted"]]


def counted(counts: Counts) -> tuple[int, int, int, int, int]:
    return counts.inserted, counts.updated, counts.deleted, counts.superseded, counts.duplicate


HISTORY = [
    change("a", "v1"),
    change("a", "v2", is_deleted=True),
    change("a", "v0"),
    change("b", "v1"),
    change("b", "v1", True),
]


def test_a_deletion_hides_the_key_and_late_versions_do_not_bring_it_back(tmp_path: Path) -> None:
    """Each order of insert, deletion and a late older version, of a key of its own, batch by batch, ends without the key."""
    orders = [*itertools.permutations(HISTORY[:3])]
    with opened(tmp_path, NARROW) as home:
        for batch in range(3):
            load(home, batch, [(f"a{number}", *order[batch][1:]) for number, order in enumerate(orders)])
        assert live(table(home, NARROW)) == live(lake_best(home, NARROW)) == []
        assert [row["record_is_deleted"] for row in table(home, NARROW)] == [True] * len(orders)
        assert len(lake_versions(home, NARROW)) == 3 * len(orders)


def test_live_rows_are_inserted_minus_deleted(tmp_path: Path) -> None:
    """What comes after a deletion is inserted again; a deletion of what is not there is a duplicate."""
    with opened(tmp_path, NARROW) as home:
        assert counted(load(home, 1, [change("a", "v1"), change("b", "v1")])) == (2, 0, 0, 0, 0)
        assert counted(load(home, 2, [change("a", "v2", True), change("c", "v1", True)])) == (0, 0, 1, 0, 1)
        assert counted(load(home, 3, [change("a", "v3", True)])) == (0, 0, 0, 0, 1)
        assert counted(load(home, 4, [change("a", "v4"), change("b", "v2")])) == (1, 1, 0, 0, 0)
        assert counted(load(home, 5, [change("d", "v1"), change("d", "v2", True), change("c", "v0")])) == (
            0,
            0,
            0,
            2,
            1,
        )
        assert live(table(home, NARROW)) == live(lake_best(home, NARROW)) == [("a", 4), ("b", 2)]
        assert totals(home, NARROW).inserted - totals(home, NARROW).deleted == 2


@pytest.mark.parametrize("day", ["03", "05", ""], ids=["same day", "another day", "no day"])
def test_a_deletion_reaches_the_row_on_whatever_day_it_lies(tmp_path: Path, day: str) -> None:
    """A deletion may know nothing but the key, and then has no date: the row on its own day is hidden all the same."""
    with opened(tmp_path, NARROW) as home:
        load(home, 1, [change("a", "v1"), change("b", "v1")])
        assert load(home, 2, [change("a", "v2", True, day)]).deleted == 1
        assert live(lake_best(home, NARROW)) == live(table(home, NARROW)) == [("b", 1)]
        load(home, 3, [change("a", "v1")])
        assert live(lake_best(home, NARROW)) == live(table(home, NARROW)) == [("b", 1)]


def test_rebuilt_and_compacted_it_stays_gone(tmp_path: Path) -> None:
    """The tombstone outlives compaction and rebuild, and a late version loses after both."""
    with opened(tmp_path, NARROW) as home:
        load(home, 1, [change("a", "v1"), change("b", "v1"), change("c", "v1")])
        load(home, 2, [change("a", "v2", True, ""), change("b", "v2", True)])
        held = table(home, NARROW)
        assert rebuild(home, NARROW) == 1
        assert table(home, NARROW) == held
        compact(home, NARROW, timedelta(0))
        assert live(lake_best(home, NARROW)) == [("c", 1)]
        home.con.execute("DELETE FROM connect.f_narrow; DELETE FROM ledger.batch")
        assert rebuild(home, NARROW) == 1
        assert table(home, NARROW) == held
        load(home, 3, [change("a", "v1"), change("b", "v0")])
        assert live(table(home, NARROW)) == live(lake_best(home, NARROW)) == [("c", 1)]


def test_doctor_finds_no_fault_where_rows_were_deleted(tmp_path: Path) -> None:
    """Accounting, lake and warehouse agree on the live rows; the tombstones are told."""
    (tmp_path / "objects.toml").write_text(
        '[object.note]\nkey = "id"\nevent_time = "began_at"\nversion = "began_at"\n[object.note.columns]\n'
        'id = { type = "text", path = "ContactId" }\nbegan_at = { type = "timestamp", path = "Began" }\n'
    )
    with opened(tmp_path) as home:
        note = home.objects["note"]
        for number, (key, version, is_deleted, _) in enumerate(HISTORY):
            text = json.dumps({"ContactId": key, "Began": "2026-03-03T10:00:00Z"})
            plan = Plan(note.name, "test", (FileRange("changes", str(number), 0, 1, True, AT),))
            framed = Framed(plan, [text], [0], [0], [], 100, [Mark("stream", version, is_deleted)])
            merge_batches(home, note, [batches.put(home.store, home.scratch, Flattener(note, home.rule), framed)])
    with open_reader(settings_of(tmp_path)) as reader:
        found = {one.check: one for one in examine(reader)}
    for check in ("accounting", "one row a key", "lake = warehouse"):
        assert found[f"note: {check}"].is_well, found[f"note: {check}"]
    assert "of the rows mark a deleted key" in found["note: one row a key"].detail
