"""`object new` proposes from a sample of any format a file that loads; its guesses are marked, and no value is written."""

from __future__ import annotations

import json
import os
from datetime import datetime
from pathlib import Path

import duckdb
import pytest
from packed import workbook

from trunkline.cli.main import run
from trunkline.flatten.flattener import Flattener
from trunkline.flatten.privacy import PiiRule
from trunkline.objects.model import Object
from trunkline.objects.user.declare import read_objects
from trunkline.objects.user.guesses import guess_type
from trunkline.objects.user.propose import propose
from trunkline.sources.files.listing import list_files
from trunkline.sources.files.reader import read_batches
from trunkline.sources.files.tables.sample import read_sample

ROWS = [
    {"Id": f"00T{n}", "Account": {"Name": "Ann"}, "Phone": f"+1536555010{n}", "Amount__c": f"{n}.50", "Count": n,
     "IsDeleted": n == 2, "Tags": ["a"], "CreatedDate": 1_772_530_200_000 + n, "SystemModstamp": "2026-03-03T10:00:00.000+0000",
     "Due": "2026-03-05", "ZipCode": f"0{n}234"}
    for n in range(3)
]  # fmt: skip


def proposed(folder: Path, sample: Path, capfd: pytest.CaptureFixture[str]) -> tuple[Object, str]:
    out = folder / f"{sample.name}.toml"
    assert run(["object", "new", "crm_task", "--from", str(sample), "--out", str(out)]) == 0, capfd.readouterr().err
    assert run(["object", "check", str(out)]) == 0
    capfd.readouterr()
    return read_objects(out)[0], out.read_text()


def test_json_in_a_document(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Types, epoch times, the array's path, key, version, deletion and personal data."""
    sample = tmp_path / "tasks.json"
    sample.write_text(json.dumps({"done": True, "records": ROWS}))
    obj, text = proposed(tmp_path, sample, capfd)
    assert (obj.key, obj.version, obj.event_time, obj.deleted) == (
        ("id",),
        "system_modstamp",
        "created_date",
        "is_deleted",
    )
    assert obj.records == ("records",)
    columns = obj.by_name
    assert columns["account_name"].path == ("Account", "Name")
    assert (columns["amount"].type, columns["amount"].scale) == ("decimal", 2)
    assert columns["created_date"].notation.format == "epoch_ms"
    assert [columns[name].type for name in ("count", "due", "zip_code")] == ["bigint", "date", "text"]
    assert columns["phone"].pii == "direct"
    assert "+1536" not in text
    assert "Ann" not in text


def test_tables(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """CSV with semicolons and decimal commas, Parquet, and Excel."""
    csv = tmp_path / "t.csv"
    csv.write_text("id;at;amount;when\n1;2026-03-03 10:00;1.234,50;03.03.2026\n2;2026-03-03 11:00;0,5;04.03.2026\n")
    obj, text = proposed(tmp_path, csv, capfd)
    assert (obj.format.kind, obj.format.separator) == ("csv", ";")
    assert (obj.by_name["amount"].scale, obj.by_name["amount"].notation.decimal_comma) == (2, True)
    assert (obj.by_name["when"].notation.format, obj.by_name["at"].notation.zone) == ("%d.%m.%Y", "UTC")
    assert 'zone = "UTC"  # guess' in text
    parquet = tmp_path / "t.parquet"
    duckdb.execute(
        f"COPY (SELECT 1 AS id, TIMESTAMP '2026-03-03 10:00:00' AS at UNION ALL SELECT 2, NULL) TO '{parquet}'"
    )
    assert proposed(tmp_path, parquet, capfd)[0].format.kind == "parquet"
    pytest.importorskip("python_calamine", reason="python-calamine is not installed")
    excel = tmp_path / "t.xlsx"
    excel.write_bytes(workbook({"A": [["Id", "At"], [1, "2026-03-03T10:00:00Z"], [2, "2026-03-04T10:00:00Z"]]}))
    assert proposed(tmp_path, excel, capfd)[0].by_name["at"].type == "timestamp"


def test_a_salesforce_describe(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Its fields say types and scales, and which are addresses of people."""
    fields = [
        {"name": "Id", "type": "id"}, {"name": "Amount__c", "type": "currency", "scale": 3}, {"name": "Email", "type": "email"},
        {"name": "SystemModstamp", "type": "datetime"}, {"name": "IsDeleted", "type": "boolean"},
    ]  # fmt: skip
    sample = tmp_path / "describe.json"
    sample.write_text(json.dumps({"name": "Task", "fields": fields}))
    obj, _ = proposed(tmp_path, sample, capfd)
    assert (obj.key, obj.version, obj.deleted) == (("id",), "system_modstamp", "is_deleted")
    assert (obj.by_name["amount"].scale, obj.by_name["email"].pii) == (3, "direct")


def test_what_cannot_be_proposed(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """A file that is there stays as it is; a sample without a key, of something else, empty or missing is a usage error."""
    sample, empty = tmp_path / "t.csv", tmp_path / "empty.csv"
    sample.write_text("id,name\n1,a\n1,a\n")
    empty.write_text("")
    out = tmp_path / "there.toml"
    out.write_text("mine")
    for given, named, expected in [
        (sample, out, "exists and is not overwritten"),
        (sample, tmp_path / "new.toml", "tells its rows apart"),
        (empty, tmp_path / "new.toml", "is empty"),
        (tmp_path / "absent.csv", tmp_path / "new.toml", "cannot be read"),
        (out, tmp_path / "new.toml", "neither JSON nor a table"),
    ]:
        assert run(["object", "new", "crm_task", "--from", str(given), "--out", str(named)]) == 2
        message = capfd.readouterr().err
        assert expected in message
        assert "docs/how-to/add-your-own-object.md" in message or given == tmp_path / "absent.csv" or named == out
    assert out.read_text() == "mine"
    assert not (tmp_path / "new.toml").exists()


@pytest.mark.parametrize(
    ("name", "values", "line", "note"),
    [
        ("when", ["03/04/2026", "04/04/2026"], 'date format = "%d/%m/%Y"', 'write format = "%m/%d/%Y"'),
        ("when", ["13/04/2026", "04/04/2026"], 'date format = "%d/%m/%Y"', "day before month"),
        ("when", ["03/31/2026 01:00 PM"], 'timestamp format = "%m/%d/%Y %I:%M %p"', "month before day, times without"),
        ("when", ["3.4.2026 10:15:00"], 'timestamp format = "%d.%m.%Y %H:%M:%S"', "day before month, times without"),
        ("when", ["2026/04/03"], 'date format = "%Y/%m/%d"', "year first"),
        ("when", ["31/02/2026"], "text", ""),
        ("when", ["13/04/2026", "04/13/2026"], "text", ""),
        ("paid", ["Yes", "no"], 'boolean format = "yes/no"', "the words"),
        ("deleted", ["N", "N"], 'boolean format = "y/n"', "the words"),
        ("is_open", [1, 0], 'boolean format = "1/0"', "the words"),
        ("count", [1, 0], "bigint", ""),
        ("country", ["NO", "NO"], "text", ""),
        ("started_at", [1772530200], 'timestamp format = "epoch_s"', "a number that is a time"),
        ("ts", ["1772530200000"], 'timestamp format = "epoch_ms"', "a number that is a time"),
        ("order_date", [1000000000], "bigint", ""),
        ("amount", ["1,234", "5,678"], "text", "decimal comma or separate thousands"),
        ("amount", ["1.234,50", "7"], "decimal scale = 2 decimal_comma = true", "a comma before"),
        ("code", ["007.5"], "text", ""),
    ],
)  # fmt: skip
def test_notations(name: str, values: list[object], line: str, note: str) -> None:
    """Dates, booleans, epoch times and numbers as sources write them; what is ambiguous says how to write the other."""
    guess = guess_type(name, values)
    assert " ".join([guess.type, *guess.keys]) == line
    assert note in ", ".join(guess.notes) if note else not guess.notes


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ("\ufeffNr;Am;Aktiv\r\nA1;03.04.2026 10:15;Ja\r\nA2;14.04.2026 10:16;Nein\r\n", ("nr", "read_at", "am", "A1")),
        ('id,note,ts\n1,"one\nand, two",1772530200000\n2,b,1772530200001\n', ("id", "read_at", "ts", 1)),
        ("id,name,name,\n1,a,b,c\n2,d,e,f\n", ("id", "read_at", "read_at", 1)),
        ("1001,Berlin,2026-03-03 10:00\n1002,Bonn,2026-03-03 11:00\n", ("column_1", "read_at", "column_3", 1001)),
        ("id,birth_date\n1,2011-01-01\n2,2012-01-01\n", ("id", "read_at", "read_at", 1)),
        ('{"next": 1, "data": {"items": [{"id": "x", "n": 1}]}}\n{"data": {"items": [{"id": "y"}]}}', ("id", "read_at", "read_at", "x")),
        ('{"id": 7, "lines": [{"n": 1}]}', ("id", "read_at", "read_at", 7)),
        ("id;name\n1;Zo\u00eb\n2;M\u00fcller\n", ("id", "read_at", "read_at", 1)),
    ],
)  # fmt: skip
def test_samples_load_as_proposed(tmp_path: Path, data: str, expected: tuple[str, ...]) -> None:
    """Each sample is proposed and gives rows: byte order mark, quoted line ends, headers twice or none, one record."""
    path = tmp_path / "sample.txt"
    path.write_bytes(data.encode("cp1252" if "Zo" in data else "utf-8"))
    file = tmp_path / "x.toml"
    file.write_text(propose("x", read_sample(path)), encoding="utf-8")
    (obj,) = read_objects(file)
    (framed,) = read_batches(list_files([str(path)]), {}, obj.name, anchor=obj.anchor, obj=obj)
    flattener = Flattener(obj, PiiRule("keep", b"key"))
    flat = flattener.flatten(framed, datetime(2026, 11, 30))
    assert flat.dead_letters == []
    result = flattener.con.execute(f"SELECT * FROM {flat.rows.sql}")
    names = [column[0] for column in result.description or ()]
    rows = [dict(zip(names, row, strict=True)) for row in result.fetchall()]
    key, *roles = expected[:3]
    assert (obj.key, obj.version, obj.event_time) == ((key,), *roles)
    assert rows[0][key] == expected[3]
    assert all(row[obj.version] is not None and row[obj.event_time] is not None for row in rows)


@pytest.mark.parametrize(
    ("file", "data", "line"),
    [
        ("x.json", '[{"Id": "1"}, {"Id": "2"}]', 'id = { type = "text", path = "Id" }'),
        ("x.json", '[{"Id": 1}, {"Id": 2}]', 'id = { type = "bigint", path = "Id" }'),
        ("x.csv", "Id,Stra\u00dfe,Pr\u00e9nom\n1,a,b\n2,a,b\n", 'strasse = { type = "text", path = "Stra\u00dfe" }'),
        ("x.csv", "Id,Stra\u00dfe,Pr\u00e9nom\n1,a,b\n2,a,b\n", 'prenom = { type = "text", path = "Pr\u00e9nom" }'),
    ],
)
def test_ids_and_names(tmp_path: Path, file: str, data: str, line: str) -> None:
    """Digits that JSON has as a text stay a text; a name keeps its letters without their accents."""
    path = tmp_path / file
    path.write_text(data, encoding="utf-8")
    assert line in propose("x", read_sample(path))


def test_two_columns_are_the_key(tmp_path: Path) -> None:
    """Where none tells the rows apart alone."""
    path = tmp_path / "calls.csv"
    path.write_text("site,date,calls\nA,2026-03-01,1\nA,2026-03-02,1\nB,2026-03-01,1\n")
    assert 'key = ["site", "date"]  # guess' in propose("x", read_sample(path))


def test_a_workbook_of_several_sheets(tmp_path: Path) -> None:
    """The first with records is proposed, and the others are named."""
    pytest.importorskip("python_calamine", reason="python-calamine is not installed")
    path = tmp_path / "t.xlsx"
    path.write_bytes(workbook({"Blank": [], "Data": [["Id", "At"], [1, "2026-03-03"]], "More": [["x"]]}))
    text = propose("x", read_sample(path))
    assert '[object.x.excel]\nsheet = "Data"  # guess: the workbook has the sheets Blank, Data, More' in text


@pytest.mark.parametrize("order", [("old", "new"), ("new", "old")])
def test_the_newest_file_wins(tmp_path: Path, order: tuple[str, str], capfd: pytest.CaptureFixture[str]) -> None:
    """Of rows without a time, in any order of loading, also when their files are of different days."""
    home = ["--home", str(tmp_path / "home")]
    for number, name in enumerate(("old", "new")):
        (tmp_path / f"{name}.csv").write_text(f"Site,City,Seats\nB1,Berlin,{number + 1}\nM1,Munich,5\n")
        at = 1_772_530_200 + number * 86_400
        os.utime(tmp_path / f"{name}.csv", (at, at))
    assert run(["object", "new", "site", "--from", str(tmp_path / "old.csv"), *home]) == 0
    for name in order:
        assert run(["load", "site", str(tmp_path / f"{name}.csv"), *home]) == 0
    last = "2 updated" if order[1] == "new" else "2 superseded"
    assert capfd.readouterr().out.splitlines()[-1] == f"2 records read = 0 inserted + {last}"
    query = "SELECT site, seats, read_at FROM own.site ORDER BY site"
    assert run(["sql", query, *home, "--output", "csv"]) == 0
    assert capfd.readouterr().out.splitlines()[1:] == ["B1,2,2026-03-04T09:30:00", "M1,5,2026-03-04T09:30:00"]


def test_examples_that_do_not_hold_are_named(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Each with its number, the column and both values; the command then fails."""
    file = tmp_path / "task.toml"
    file.write_text(
        '[object.task]\nkey = "id"\nevent_time = "at"\n[object.task.columns]\nid = {}\nat = { type = "timestamp" }\n'
        'n = { type = "decimal" }\n'
        '[[object.task.example]]\nrecord = { id = "a", at = "2026-03-03T10:00:00Z", n = 1.5 }\n'
        'row = { id = "a", at = 2026-03-03T10:00:00Z, n = 1.5 }\n'
        '[[object.task.example]]\nrecord = { id = "a", at = "2026-03-03T10:00:00Z" }\nrow = { id = "b", n = "", m = 1 }\n'
        '[[object.task.example]]\nrecord = { id = "a", at = "soon" }\nerror = "missing_key"\n'
        '[[object.task.example]]\nrecord = { id = "a", at = "2026-03-03T10:00:00Z" }\nerror = "wrong_type"\n'
    )
    assert run(["object", "check", str(file)]) == 1
    assert capfd.readouterr().out.splitlines() == [
        "task: 3 columns, 4 examples, 4 problems",
        "  example 2: m is no column of task",
        "  example 2: id is a, and b is expected",
        "  example 3: is set aside: wrong_type (at: the value is not a valid timestamp)",
        "  example 4: gives a row, and wrong_type is expected",
    ]
    file.write_text(file.read_text().replace("record", "recrd", 1))
    assert run(["object", "check", str(file)]) == 2
    assert "line 9: [object.task.example] has an unknown key 'recrd'" in capfd.readouterr().err
