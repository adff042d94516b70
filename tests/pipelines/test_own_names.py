"""An object may call its columns what it likes, and may bring a schema of its own, on every target."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest
from homes import lake_best, load_into, opened, table
from servers import SERVERS, uri_of

from trunkline.objects import catalogue
from trunkline.objects.model import Object
from trunkline.objects.user.declare import read_objects
from trunkline.pipelines.home import Home
from trunkline.pipelines.jobs.undo import undo
from trunkline.pipelines.jobs.upkeep import rebuild
from trunkline.pipelines.reading import open_reader

# Names that generated statements used for themselves, and the commonest names of business objects.
VALUES = (
    "place", "staging", "staged_row", "standing", "comparison", "is_new", "is_moved", "n_staged", "n_keys", "inserted",
    "updated", "duplicate", "first_date", "source_name", "held_row", "held_date", "stage_row", "stage_date", "verdict",
    "is_better", "row_id", "partition_date", "is_odd", "tie_place", "lost_date", "won_date", "batch", "filename", "head",
    "tail", "s", "t", "r", "m", "b", "h", "w", "v", "i", "stage", "held", "best", "moved", "flat", "taken", "merged",
    "name", "value", "text", "type", "user", "order", "group", "select", "run", "texts", "records", "keys",
)  # fmt: skip
OBJECT = """
[object.batch]
grain = "One row per place of a batch."
database = "fresh"
warehouse_table = "fresh.f_batch"
key = ["batch_id", "is_deleted"]
version = "n_beaten"
event_time = "n_merged"
partition = "n_merged"
source = "test"

[object.batch.columns]
batch_id = { type = "text", length_max = 40 }
is_deleted = { type = "text", length_max = 40 }
n_beaten = { type = "timestamp" }
n_merged = { type = "timestamp" }
n_better = { type = "text", pii = "direct" }
"""


@pytest.fixture
def obj(tmp_path: Path) -> Object:
    path = tmp_path / "objects.toml"
    path.write_text(OBJECT + "\n".join(f'"{name}" = {{ type = "text" }}' for name in VALUES))
    (found,) = read_objects(path)
    return found


@pytest.fixture
def home(each_target: str, obj: Object, tmp_path: Path) -> Iterator[Home]:
    with opened(tmp_path / "home", obj) as home:
        if each_target != "duckdb":
            home.warehouse.install([obj], [])
        yield home


def _record(key: str, second: int, day: int, value: str = "x", **more: Any) -> dict[str, Any]:
    return {
        "batch_id": key, "is_deleted": "no", "n_beaten": f"2026-03-09T10:00:0{second}Z",
        "n_merged": f"2026-03-0{day}T10:00:00Z", **dict.fromkeys(VALUES, value), **more,
    }  # fmt: skip


def _write(path: Path, *records: dict[str, Any]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(map(json.dumps, records)))
    return path


def test_columns_may_have_any_name(home: Home, obj: Object, tmp_path: Path) -> None:
    """As keys and as columns: inserted, updated, superseded, repeated, tied, moved to another day, rebuilt, undone."""
    first = _write(
        tmp_path / "in" / "1",
        _record("a", 1, 3), _record("b", 1, 3), _record("b", 0, 3), _record("c", 1, 3), _record("d", 1, 3, n_better="1"),
    )  # fmt: skip
    assert asdict(load_into(home, first, obj=obj).counts) | {"read": 0} == _counts(inserted=4, superseded=1)
    before = table(home, obj)
    second = _write(
        tmp_path / "in" / "2",
        _record("a", 2, 3, "y"), _record("b", 0, 3), _record("c", 2, 4, "y"), _record("d", 1, 3, n_better="2"),
        _record("e", 1, 3), _record("a", 1, 3),
    )  # fmt: skip
    result = load_into(home, second, obj=obj)
    # The two versions of d differ in their personal data alone.
    assert result.counts.inserted == 1
    assert result.counts.updated + result.counts.superseded + result.counts.duplicate == 5
    rows = {row["batch_id"]: row for row in table(home, obj)}
    assert sorted(rows) == ["a", "b", "c", "d", "e"]
    assert [rows[key]["place"] for key in "abc"] == ["y", "x", "y"]
    assert rows["c"]["n_merged"] == datetime(2026, 3, 4, 10)
    assert {rows["a"][name] for name in VALUES} == {"y"}
    assert list(rows.values()) == lake_best(home, obj)
    rebuild(home, obj)
    assert table(home, obj) == list(rows.values())
    ((batch,),) = home.warehouse.query(
        "SELECT batch_id FROM ledger.batch WHERE first_position LIKE $1", [f"{second}@%"]
    )
    undo(home, [obj], batch)
    assert table(home, obj) == before == lake_best(home, obj)


def _counts(**counts: int) -> dict[str, int]:
    names = ("read", "filtered", "dead_letter", "inserted", "updated", "deleted", "superseded", "duplicate", "rejected")
    return dict.fromkeys(names, 0) | counts


@pytest.mark.parametrize("each_target", [name for name in SERVERS if "files" not in name], indirect=True)
def test_a_lock_in_a_schema_of_its_own_shows(home: Home, request: pytest.FixtureRequest) -> None:
    """Whoever holds a table of any schema of the catalogue is listed."""
    uri = uri_of(home.settings.warehouse, request.getfixturevalue("redshift_databases"))
    with psycopg.connect(uri) as other:
        other.execute("LOCK TABLE fresh.f_batch IN ACCESS EXCLUSIVE MODE")
        assert "fresh.f_batch" in [lock.table for lock in home.warehouse.locks() if lock.is_granted]
    assert home.warehouse.locks() == []


@pytest.mark.parametrize("each_target", [name for name in SERVERS if "files" not in name], indirect=True)
def test_a_schema_of_its_own_is_in_the_search_path(home: Home, obj: Object, monkeypatch: pytest.MonkeyPatch) -> None:
    """A person names the table without its schema."""
    monkeypatch.setattr(catalogue, "load", lambda files: {**catalogue.OBJECTS, obj.name: obj})
    with open_reader(home.settings) as reader:
        assert reader.warehouse.query_read_only("SELECT count(*) FROM f_batch").rows == [(0,)]
