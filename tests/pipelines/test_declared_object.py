"""A declared object with a number for a key, epoch versions, local times, scales and a deletion field, in each engine."""

from __future__ import annotations

import json
from datetime import date, datetime
from decimal import Decimal
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest
from homes import lake_best, letters, load_into, opened, table, totals

from trunkline.pipelines.home import Home
from trunkline.pipelines.jobs.upkeep import rebuild

TASK = """
[object.crm_task]
key = ["task_no", "part"]
version = "changed_at"
event_time = "due_on"
deleted = "is_deleted"
records = "records"
zone = "Europe/Berlin"

[object.crm_task.columns]
task_no = { type = "bigint", path = "TaskNo" }
part = { type = "date", path = "Part" }
subject = { path = "Subject" }
due_on = { type = "date", path = "DueOn" }
changed_at = { type = "timestamp", path = "Changed", format = "epoch_ms" }
began_at = { type = "timestamp", path = "Began" }
ended_at = { type = "timestamp", path = "Ended", format = "%d/%m/%Y %H:%M" }
amount = { type = "decimal", path = "Amount", scale = 2 }
price = { type = "decimal", path = "Price", scale = 3, decimal_comma = true }
is_deleted = { type = "boolean", path = "IsDeleted", format = "Y/N" }
"""
T0 = 1_772_530_200_000  # 2026-03-03T09:30:00Z


def task(number: int, minute: int, **more: Any) -> dict[str, Any]:
    return {
        "TaskNo": number, "Part": "2026-01-01", "Subject": f"v{minute}", "DueOn": "2026-03-05",
        "Changed": T0 + minute * 60_000, "Began": "2026-03-03 10:30", "Ended": "03/03/2026 10:45", "Amount": 12.5,
        "Price": "1.234,5", "IsDeleted": "N", **more,
    }  # fmt: skip


def write(path: Path, records: list[dict[str, Any]]) -> Path:
    path.write_text(json.dumps({"totalSize": len(records), "done": True, "records": records}, indent=1))
    return path


def show(home: Home) -> list[tuple[Any, ...]]:
    obj = home.objects["crm_task"]
    return [(row["task_no"], row["subject"]) for row in table(home, obj) if not row["record_is_deleted"]]


def test_values_keys_versions_and_deletions(each_target: str, tmp_path: Path) -> None:
    """Out of order and twice: the newest version of each key wins, a deletion hides its key, and an older copy does
    not bring it back. Times are in UTC, decimals as written.
    """
    home_path = tmp_path / "home"
    home_path.mkdir()
    (home_path / "objects.toml").write_text(TASK)
    first = write(tmp_path / "1.json", [task(1, 2), task(-2, 1), task(3, 5), task(1, 1), task(3, 5)])
    second = write(
        tmp_path / "2.json", [task(3, 6, IsDeleted="y", DueOn="2026-03-09"), task(-2, 3, DueOn="2026-04-01")]
    )
    third = write(tmp_path / "3.json", [task(3, 4), task(-2, 2), {"TaskNo": 3}, task(4, 1, Amount="x")])
    with opened(home_path) as home:
        obj = home.objects["crm_task"]
        home.warehouse.install([obj], [], "UTC")
        load_into(home, second, obj=obj)
        load_into(home, first, obj=obj)
        load_into(home, third, obj=obj)
        assert show(home) == [(-2, "v3"), (1, "v2"), (4, "v1")]
        row = table(home, obj)[0]
        assert (row["part"], row["due_on"]) == (date(2026, 1, 1), date(2026, 4, 1))
        assert row["changed_at"] == datetime(2026, 3, 3, 9, 33)
        assert row["began_at"] == datetime(2026, 3, 3, 9, 30)
        assert row["ended_at"] == datetime(2026, 3, 3, 9, 45)
        assert (str(row["amount"]), str(row["price"])) == ("12.50", "1234.500")
        assert [letter.reason for letter in letters(home, obj)] == ["missing_key"]
        counts = totals(home, obj)
        assert (counts.read, counts.dead_letter, counts.inserted - counts.deleted) == (11, 1, 3)
        best = [row["subject"] for row in lake_best(home, obj)]
        assert best == ["v3", "v2", "v1"]
        held = table(home, obj)
        rebuild(home, obj)
        assert table(home, obj) == held


VERSIONS = {
    "bigint": [-9_223_372_036_854_775_807, -10, -9, 0, 9, 10, 9_223_372_036_854_775_807],
    "integer": [-2_147_483_648, -1, 0, 1, 2, 10],
    "date": ["2024-12-31", "2025-01-02", "2025-01-10"],
    "text": ["", "A", "B", "a", "é"],
}


@pytest.mark.parametrize("type_", VERSIONS)
def test_a_version_of_any_type_sorts_as_its_values_do(type_: str, tmp_path: Path) -> None:
    """Of any two versions the greater one is the row that stays, whichever comes first: their texts sort like the values."""
    home_path = tmp_path / "home"
    home_path.mkdir()
    (home_path / "objects.toml").write_text(
        '[object.note]\nkey = "id"\nversion = "v"\nevent_time = "at"\n[object.note.columns]\nid = {}\n'
        f'at = {{ type = "timestamp" }}\nv = {{ type = "{type_}" }}\nn = {{ type = "integer" }}\n'
    )
    values = VERSIONS[type_]
    orders = [*permutations(range(len(values)), 2)]
    with opened(home_path) as home:
        obj = home.objects["note"]
        for place in (0, 1):
            records = [
                {"id": f"{order}", "at": "2026-03-03T10:00:00Z", "v": values[order[place]], "n": order[place]}
                for order in orders
            ]
            path = tmp_path / f"{place}.json"
            path.write_text("".join(map(json.dumps, records)))
            load_into(home, path, obj=obj)
        assert {row["id"]: row["n"] for row in table(home, obj)} == {f"{order}": max(order) for order in orders}
        assert home.con.execute("SELECT count(record_version) FROM connect.note").fetchall() == [(len(orders),)]


def test_values_in_another_notation_are_kept(tmp_path: Path) -> None:
    """What is not in the declared form is NULL, kept in record_unmapped, and told as drift; the row is loaded."""
    home_path = tmp_path / "home"
    home_path.mkdir()
    (home_path / "objects.toml").write_text(TASK)
    wrong = task(1, 1, Ended="2026-03-03T10:00:00Z", Price="12.5", Amount="1,5", Began="03.03.2026", Subject=None)
    fits = task(2, 1, Price=12.5, Amount="7", Began="2026-03-03T10:30:00+02:00", Changed=str(T0), Part="2026-01-02")
    with opened(home_path) as home:
        obj = home.objects["crm_task"]
        load_into(home, write(tmp_path / "1.json", [wrong, fits]), obj=obj)
        first, second = table(home, obj)
        assert (first["ended_at"], first["price"], first["amount"], first["began_at"]) == (None, None, None, None)
        kept = json.loads(first["record_unmapped"])
        assert kept == {"Amount": "1,5", "Began": "03.03.2026", "Ended": "2026-03-03T10:00:00Z", "Price": "12.5"}
        assert (second["price"], second["amount"]) == (Decimal("12.500"), Decimal("7.00"))
        assert second["began_at"] == datetime(2026, 3, 3, 8, 30)
        assert second["changed_at"] == datetime(2026, 3, 3, 9, 30)
        assert second["record_unmapped"] is None
