"""CSV, Parquet and Excel files are loaded as JSON is: the same rows, dead letters by row, resumable, accounted."""

from __future__ import annotations

import datetime as dt
import gzip
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb
import pytest
from homes import letters, load_into, opened, table, totals
from packed import workbook

from trunkline.objects.user.declare import read_objects
from trunkline.pipelines.home import Home
from trunkline.pipelines.jobs.load import load, replay

TASK = """
[object.task]
key = "id"
version = "changed_at"
event_time = "changed_at"
deleted = "is_deleted"
zone = "UTC"

[object.task.columns]
id = { path = "Id" }
subject = { path = "Subject" }
owner_name = { path = "Owner.Name" }
phone = { path = "Phone", pii = "direct" }
changed_at = { type = "timestamp", path = "SystemModstamp" }
due_on = { type = "date", path = "ActivityDate" }
amount = { type = "decimal", path = "Amount__c", scale = 2 }
ratio = { type = "double", path = "Ratio" }
calls = { type = "integer", path = "Calls" }
size = { type = "bigint", path = "Size" }
is_deleted = { type = "boolean", path = "IsDeleted" }
tags = { type = "list<text>", path = "Tags" }
"""
NAMES = ["Id", "Subject", "Owner.Name", "Phone", "SystemModstamp", "ActivityDate", "Amount__c", "Ratio", "Calls", "Size",
         "IsDeleted", "Tags", "Extra__c"]  # fmt: skip
RECORDS: list[list[Any]] = [
    ["a1", 'Say "hi", twice\nand again', "Ann", "+15365550101", "2026-03-03T10:00:00.000Z", "2026-03-05", "12.5", "0.25",
     "3", "9007199254740993", "false", "", ""],
    ["a2", "plain", "", "", "2026-03-03T12:00:00.123+02:00", "", "-3", "", "", "", "FALSE", '["x","y"]', "call +15365550101"],
    ["a3", "gone", "Bo", "", "2026-03-03T10:00:00Z", "2026-03-05", "1e2", "1e3", "-7", "0", "true", "", "more"],
    ["a4", "wrong", "", "", "2026-03-03 10:30:00", "2026-02-30", "1.234", "x", "1.5", "9" * 30, "maybe", "no", ""],
]  # fmt: skip


def as_csv(rows: list[list[Any]], separator: str = ",", end: str = "\r\n") -> str:
    def cell(value: str) -> str:
        return '"' + value.replace('"', '""') + '"' if any(mark in value for mark in f'{separator}"\n') else value

    return "".join(separator.join(map(cell, row)) + end for row in rows)


def as_json(rows: list[list[Any]]) -> str:
    """The same records as JSON, every value a text or, where it is one, a number, boolean or list."""
    records = []
    for row in rows:
        record: dict[str, Any] = {}
        for name, value in zip(NAMES, row, strict=True):
            if value and name == "Owner.Name":
                record["Owner"] = {"Name": value}
            elif value and name == "Tags" and value.startswith("["):
                record[name] = json.loads(value)
            elif value and name == "IsDeleted" and value.lower() in ("true", "false"):
                record[name] = value.lower() == "true"
            elif value:
                record[name] = value
        records.append(json.dumps(record))
    return "\n".join(records)


@contextmanager
def home_of(folder: Path, declared: str = TASK, **options: object) -> Iterator[Home]:
    """A home with the declared objects alone."""
    folder.mkdir(exist_ok=True)
    (folder / "objects.toml").write_text(declared)
    with opened(folder / "home", *read_objects(folder / "objects.toml"), **options) as home:
        yield home


def stored(home: Home) -> list[dict[str, Any]]:
    return table(home, home.objects["task"])


@pytest.mark.parametrize("batch_bytes", [1, 1 << 22])
def test_csv_gives_the_rows_of_the_same_json(tmp_path: Path, batch_bytes: int) -> None:
    """Value by value and hash by hash: numbers, times, lists, what does not fit, unknown columns, personal data."""
    (tmp_path / "t.csv").write_text(as_csv([NAMES, *RECORDS]), newline="")
    (tmp_path / "t.json").write_text(as_json(RECORDS))
    with home_of(tmp_path / "1", batch_bytes=batch_bytes) as home:
        result = load_into(home, tmp_path / "t.csv", obj=home.objects["task"])
        assert (result.counts.read, result.counts.dead_letter, result.refused) == (4, 0, ())
        rows = stored(home)
        assert load_into(home, tmp_path / "t.csv", obj=home.objects["task"]).counts.read == 0
    with home_of(tmp_path / "2") as home:
        load_into(home, tmp_path / "t.json", obj=home.objects["task"])
        assert stored(home) == rows
    by_id = {row["id"]: row for row in rows}
    assert by_id["a1"]["subject"] == 'Say "hi", twice\nand again'
    assert (str(by_id["a1"]["amount"]), by_id["a1"]["size"]) == ("12.50", 9007199254740993)
    assert by_id["a2"]["changed_at"] == dt.datetime(2026, 3, 3, 10, 0, 0, 123000)
    assert by_id["a2"]["tags"] == ["x", "y"]
    assert "+1536" not in by_id["a2"]["record_unmapped"]
    assert by_id["a3"]["record_is_deleted"]
    kept = json.loads(by_id["a4"]["record_unmapped"])
    assert kept.keys() >= {"ActivityDate", "Amount__c", "Ratio", "Calls", "Size", "IsDeleted", "Tags"}


PACKED = {
    "byte order mark": lambda text: b"\xef\xbb\xbf" + text.encode(),
    "UTF-16": lambda text: text.encode("utf-16"),
    "UTF-16, big end first": lambda text: b"\xfe\xff" + text.encode("utf-16-be"),
    "gzip": lambda text: gzip.compress(text.encode()),
    "line feeds alone": lambda text: text.replace("\r\n", "\n").encode(),
    "no line feed at the end": lambda text: text.rstrip().encode(),
}


def test_csv_however_it_is_written(tmp_path: Path) -> None:
    """Separators, encodings and packing are recognised; the file's name does not matter."""
    with home_of(tmp_path) as home:
        for name, pack in PACKED.items():
            for separator in (",", ";", "\t", "|"):
                text = as_csv([NAMES, *RECORDS[:3]], separator).replace("plain", "pläin")
                file = tmp_path / f"{name} {ord(separator)}.dat"
                file.write_bytes(pack(text))
                counts = load_into(home, file, obj=home.objects["task"]).counts
                assert (counts.read, counts.dead_letter) == (3, 0), file.name
                assert counts.duplicate in (1, 3), file.name  # a deletion of what is not there is one too
        assert [row["subject"] for row in stored(home)][1] == "pläin"


def test_header_encoding_and_decimal_comma_are_declared(tmp_path: Path) -> None:
    """A file without a header row, in an old encoding, with decimal commas and words for true and false."""
    declared = """
[object.task]
key = "id"
event_time = "at"
zone = "Europe/Berlin"
decimal_comma = true
[object.task.csv]
separator = ";"
encoding = "cp1252"
header = ["id", "at", "amount", "is_open", "city"]
[object.task.columns]
id = { type = "bigint" }
at = { type = "timestamp", format = "%d.%m.%Y %H:%M" }
amount = { type = "decimal", scale = 2 }
is_open = { type = "boolean", format = "ja/nein" }
city = {}
"""
    (tmp_path / "t.txt").write_bytes(
        "1;03.03.2026 10:30;1.234,5;JA;Köln\n2;03.07.2026 10:30;0,05;nein;\n".encode("cp1252")
    )
    with home_of(tmp_path, declared) as home:
        load_into(home, tmp_path / "t.txt", obj=home.objects["task"])
        first, second = stored(home)
        assert (first["at"], str(first["amount"]), first["is_open"], first["city"]) == (
            dt.datetime(2026, 3, 3, 9, 30), "1234.50", True, "Köln",
        )  # fmt: skip
        assert (second["at"], str(second["amount"]), second["city"]) == (dt.datetime(2026, 7, 3, 8, 30), "0.05", None)
        assert first["record_unmapped"] is None


def test_a_wrong_row_is_a_dead_letter_that_can_be_replayed(tmp_path: Path) -> None:
    """Too few values, bytes that are no UTF-8 and no key: each row with its header row and its offset, and the rest loads."""
    good = as_csv(RECORDS[:1])
    text = (
        as_csv([NAMES]).encode()
        + good.encode()
        + b"b1,short\r\n"
        + b"b2,\xff"
        + b"," * 11
        + b"\r\n"
        + b"," * 12
        + b"\r\n"
    )
    text += as_csv([["b3", *RECORDS[0][1:4], "soon", *RECORDS[0][5:]]]).encode() + as_csv(RECORDS[1:2]).encode()
    file = tmp_path / "t.csv"
    file.write_bytes(text)
    with home_of(tmp_path) as home:
        obj = home.objects["task"]
        result = load_into(home, file, obj=obj)
        assert (result.counts.read, result.counts.dead_letter, result.counts.inserted) == (6, 4, 2)
        found = {letter.reason: letter for letter in letters(home, obj)}
        assert sorted(found) == ["invalid_row", "invalid_utf8", "missing_key", "wrong_type"]
        offset = int(found["invalid_row"].position.rpartition(":")[2])
        assert text[offset:].startswith(b"b1,short")
        assert "it has 2 values, and the header row 13" in found["invalid_row"].detail
        assert replay(home, obj, letters(home, obj)).counts.dead_letter == 4
    narrower = TASK.replace('due_on = { type = "date", path = "ActivityDate" }\n', "")
    with home_of(tmp_path, narrower.replace('path = "SystemModstamp"', 'path = "ActivityDate"')) as home:
        obj = home.objects["task"]
        replayed = replay(home, obj, letters(home, obj))
        assert (replayed.counts.inserted, replayed.counts.dead_letter) == (1, 3)
        assert "b3" in [row["id"] for row in stored(home)]


def test_a_csv_of_something_else_is_refused_in_one_sentence(tmp_path: Path) -> None:
    """Without a column for the key no row could be one: nothing is set aside, the sentence says what is missing."""
    (tmp_path / "t.csv").write_text("Number,Subject\n1,a\n2,b\n")
    with home_of(tmp_path) as home:
        result = load(home, home.objects["task"], [str(tmp_path / "t.csv")])
        assert result.is_useless
        assert (result.counts.read, len(result.refused)) == (0, 1)
        assert "a CSV file without the column Id, which the key of task reads" in result.refused[0]


def test_a_foreign_parquet_file(tmp_path: Path) -> None:
    """Columns of Parquet's own types, in other letter case, with times without a zone."""
    file = tmp_path / "t.parquet"
    duckdb.execute(
        "COPY (SELECT 'p1' AS id, 'x' AS SUBJECT, 'Ann' AS \"Owner.Name\", TIMESTAMP '2026-03-03 10:00:00' AS systemmodstamp, "
        "DATE '2026-03-05' AS ActivityDate, 12.5::DECIMAL(9,3) AS Amount__c, 0.25::FLOAT AS Ratio, 3::TINYINT AS Calls, "
        f"9007199254740993 AS Size, false AS IsDeleted, ['x'] AS Tags) TO '{file}' (FORMAT parquet)"
    )
    with home_of(tmp_path) as home:
        load_into(home, file, obj=home.objects["task"])
        (row,) = stored(home)
        assert (row["subject"], row["owner_name"], row["changed_at"]) == ("x", "Ann", dt.datetime(2026, 3, 3, 10))
        assert (row["due_on"], str(row["amount"]), row["ratio"]) == (dt.date(2026, 3, 5), "12.50", 0.25)
        assert (row["calls"], row["size"], row["tags"]) == (3, 9007199254740993, ["x"])
        assert row["record_unmapped"] is None


def test_an_excel_workbook(tmp_path: Path) -> None:
    """The declared sheet: text, whole numbers, dates and times of the declared zone; blank rows and cells are none."""
    pytest.importorskip("python_calamine", reason="python-calamine is not installed")
    rows: list[list[Any]] = [
        ["Id", "Subject", "SystemModstamp", "ActivityDate", "Amount__c", "Calls", "IsDeleted"],
        [17, "x", dt.datetime(2026, 3, 3, 10, 30), dt.date(2026, 3, 5), 12.5, 3, True],
        [None] * 7,
        ["k2", None, dt.datetime(2026, 3, 4), None, 7, None, False],
    ]
    (tmp_path / "t.xlsx").write_bytes(workbook({"Notes": [["nothing"]], "Tasks": rows}))
    declared = TASK.replace('zone = "UTC"', 'zone = "America/New_York"').replace(
        "[object.task.columns]", '[object.task.excel]\nsheet = "Tasks"\n[object.task.columns]'
    )
    with home_of(tmp_path, declared) as home:
        result = load_into(home, tmp_path / "t.xlsx", obj=home.objects["task"])
        assert (result.counts.read, result.counts.dead_letter) == (2, 0)
        first, second = stored(home)
        assert (first["id"], first["changed_at"], first["due_on"]) == (
            "17",
            dt.datetime(2026, 3, 3, 15, 30),
            dt.date(2026, 3, 5),
        )
        assert (str(first["amount"]), first["calls"], first["record_is_deleted"]) == ("12.50", 3, True)
        assert (second["id"], second["changed_at"]) == ("k2", dt.datetime(2026, 3, 4, 5))
        assert totals(home, home.objects["task"]).read == 2
        (tmp_path / "other.xlsx").write_bytes(workbook({"Other": rows}))
        refused = load(home, home.objects["task"], [str(tmp_path / "other.xlsx")]).refused
        assert "without a sheet 'Tasks'; its sheets are Other" in refused[0]
