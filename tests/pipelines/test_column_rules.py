"""Rules of columns: values cleaned, mapped, parsed and derived by SQL, checked when the file is read."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path

import pytest
from homes import letters, load_into, opened, table

from trunkline.errors import UsageError
from trunkline.objects.user.declare import read_objects

TICKET = """
[object.ticket]
key = "id"
event_time = "opened_at"
deleted = "is_gone"

[object.ticket.columns]
id = { path = "Id" }
opened_at = { type = "timestamp", path = "Opened" }
status = { path = "Status", sql = "lower(trim(value))" }
status_raw = { path = "Status" }
priority = { type = "integer", path = "Priority", sql = "CASE upper(value) WHEN 'HIGH' THEN 1 WHEN 'LOW' THEN 3 ELSE 2 END" }
due_at = { type = "timestamp", path = "Due", sql = "try_strptime(value, '%d/%m/%Y')" }
age = { type = "integer", path = "Age", sql = "CAST(value AS INTEGER) + 1" }
minutes = { type = "decimal", scale = 1, sql = "CAST(seconds AS DECIMAL(18,4)) / 60", meaning = "Derived." }
seconds = { type = "integer", path = "Seconds" }
is_gone = { type = "boolean", sql = "status_raw = 'Removed'" }
phone = { path = "Phone", pii = "direct" }
"""


def declared(folder: Path, text: str = TICKET) -> Path:
    path = folder / "objects.toml"
    path.write_text(text)
    return path


@pytest.mark.parametrize("kind", ["json", "csv"])
def test_values_are_cleaned_mapped_parsed_and_derived(kind: str, tmp_path: Path) -> None:
    """The same from JSON and from CSV; a value that a rule cannot take sets its record aside, and the others load."""
    records = [
        {"Id": "1", "Opened": "2026-03-03T10:00:00Z", "Status": " Open ", "Priority": "High", "Due": "05/03/2026",
         "Age": 4, "Seconds": 90, "Phone": "+15365550101"},
        {"Id": "2", "Opened": "2026-03-03T10:00:00Z", "Status": "Removed", "Due": "soon"},
        {"Id": "3", "Opened": "2026-03-03T10:00:00Z", "Age": "old"},
    ]  # fmt: skip
    (obj,) = read_objects(declared(tmp_path))
    file = tmp_path / f"tickets.{kind}"
    if kind == "json":
        file.write_text("\n".join(map(json.dumps, records)))
    else:
        names = list(records[0])
        lines = [",".join(str(record.get(name, "")) for name in names) for record in records]
        file.write_text("\n".join([",".join(names), *lines]))
    with opened(tmp_path / "home", obj) as home:
        load_into(home, file, obj=obj)
        first, second = table(home, obj)
        assert (first["status"], first["status_raw"], first["priority"]) == ("open", " Open ", 1)
        assert (first["due_at"], first["age"], str(first["minutes"])) == (dt.datetime(2026, 3, 5), 5, "1.5")
        assert (first["is_gone"], first["record_is_deleted"]) == (False, False)
        assert (second["priority"], second["due_at"], second["minutes"]) == (None, None, None)
        assert second["record_is_deleted"]
        (letter,) = letters(home, obj)
        assert letter.reason == "rule_failed"
        assert "a rule of status, priority, due_at, age, minutes, is_gone" in letter.detail


WRONG = {
    "no expression": ("lower(value", "it is not an expression of SQL"),
    "a query": ("(SELECT 1)", "a subquery is not allowed"),
    "two": ("1), (2", "it must be one expression"),
    "from": ("1) FROM (SELECT 1", "without FROM"),
    "a file": ("read_text('/etc/passwd')", "the function read_text is not there"),
    "the clock": ("now()", "the function now is not there, or depends on more"),
    "chance": ("random()", "the function random"),
    "an aggregate": ("count(value)", "the function count"),
    "a window": ("row_number() OVER ()", "a window is not allowed"),
    "personal data": ("phone || 'x'", "it names phone; a rule may name id, opened_at"),
    "another column": ("statsu", "it names statsu"),
    "types": ("id + 1.5 || [1]", "Error"),
    "a parameter": ("$1", "a parameter is not allowed"),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_rule_is_refused_when_the_file_is_read(name: str, tmp_path: Path) -> None:
    """With the line, the rule and why; nothing of it is run."""
    rule, expected = WRONG[name]
    text = TICKET + f'wrong = {{ sql = "{rule}" }}\n'
    with pytest.raises(
        UsageError, match=r"objects\.toml, line 19: \[object\.ticket\.columns\.wrong\] sql = "
    ) as caught:
        read_objects(declared(tmp_path, text))
    assert expected in str(caught.value)


def test_a_rule_goes_with_no_other_reading(tmp_path: Path) -> None:
    """Roles, personal data and formats of their own."""
    for text, expected in [
        (
            TICKET.replace('id = { path = "Id" }', 'id = { path = "Id", sql = "trim(value)" }'),
            "key = 'id' .*with a rule",
        ),
        (TICKET + 'x = { sql = "trim(value)", pii = "direct" }', "without direct personal data"),
        (TICKET + 'x = { sql = "value", type = "date", format = "%Y" }', "leave this out"),
    ]:
        with pytest.raises(UsageError, match=expected):
            read_objects(declared(tmp_path, text))
