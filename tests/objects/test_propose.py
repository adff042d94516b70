"""`object new` proposes from a sample of any format a file that loads; its guesses are marked, and no value is written."""

from __future__ import annotations

import json
from pathlib import Path

import duckdb
import pytest
from packed import workbook

from trunkline.cli.main import run
from trunkline.objects.model import Object
from trunkline.objects.user.declare import read_objects

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
    """A file that is there stays as it is; a sample without times, of something else or missing is a usage error."""
    sample = tmp_path / "t.csv"
    sample.write_text("id,name\n1,a\n2,b\n")
    out = tmp_path / "there.toml"
    out.write_text("mine")
    for given, named, expected in [
        (sample, out, "exists and is not overwritten"),
        (sample, tmp_path / "new.toml", "has no column of times"),
        (tmp_path / "absent.csv", tmp_path / "new.toml", "cannot be read"),
        (out, tmp_path / "new.toml", "neither JSON nor a table"),
    ]:
        assert run(["object", "new", "crm_task", "--from", str(given), "--out", str(named)]) == 2
        assert expected in capfd.readouterr().err
    assert out.read_text() == "mine"
    assert not (tmp_path / "new.toml").exists()


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
