"""The page on own objects, word for word: its file and its exports, from S3 to each kind of warehouse."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from homes import letters, opened, table, totals
from pages import ROOT, steps
from s3 import bucket

from trunkline.pipelines.home import Home
from trunkline.pipelines.jobs.load import load

PAGE = ROOT / "docs" / "how-to" / "add-your-own-object.md"
FILES = {step.name: "\n".join(step.output) + "\n" for step in steps(PAGE.read_text()) if step.name}


def shown(home: Home) -> list[tuple[Any, ...]]:
    names = ("id", "status", "is_open", "amount")
    rows = table(home, home.objects["crm_task"])
    return [tuple(row[name] for name in names) for row in rows if not row["record_is_deleted"]]


def test_the_page_goes_from_s3_to_each_warehouse(each_target: str, tmp_path: Path) -> None:
    """The page's object and exports, delivered twice and newest first: the same rows, a deletion, one row set aside."""
    path = tmp_path / "home"
    (path / "objects").mkdir(parents=True)
    (path / "objects" / "crm_task.toml").write_text(FILES["trunkline-data/objects/crm_task.toml"])
    with bucket("acme-exports") as client:
        client.put_object(Bucket="acme-exports", Key="salesforce/next.csv", Body=FILES["next.csv"].encode())
        with opened(path) as home:
            obj = home.objects["crm_task"]
            home.warehouse.install([obj], [], "UTC")
            first = load(home, obj, ["s3://acme-exports/salesforce/"])
            assert (first.counts.read, first.counts.dead_letter) == (3, 1)
            client.put_object(Bucket="acme-exports", Key="salesforce/tasks.csv", Body=FILES["tasks.csv"].encode())
            second = load(home, obj, ["s3://acme-exports/salesforce/"])
            assert (second.counts.read, second.counts.superseded, second.counts.inserted) == (3, 2, 1)
            client.put_object(
                Bucket="acme-exports", Key="salesforce/tasks.csv", Body=FILES["tasks.csv"].encode() + b"\n"
            )
            assert load(home, obj, ["s3://acme-exports/salesforce/"]).counts.inserted == 0
            assert [(*row[:3], str(row[3])) for row in shown(home)] == [
                ("00T01", "completed", False, "12.50"), ("00T02", "completed", False, "100.00"),
            ]  # fmt: skip
            assert [letter.reason for letter in letters(home, obj)] == ["invalid_row"]
            assert totals(home, obj).is_balanced
