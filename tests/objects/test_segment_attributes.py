"""`segment_attributes`: Connect's tagged unions as the text of their value, as Amazon's own lake has them."""

from __future__ import annotations

import json
from typing import Any

import pytest

import trunkline

NULLS = {"ValueInteger": None, "ValueMap": None, "ValueList": None, "ValueString": None}
CASES: dict[str, tuple[Any, str | None]] = {
    "one member": ({"ValueString": "connect:Telephony"}, "connect:Telephony"),
    "null siblings": (
        {"ValueInteger": None, "ValueMap": None, "ValueString": "connect:Telephony"},
        "connect:Telephony",
    ),
    "null siblings after it": ({**NULLS, "ValueString": "connect:SMS"}, "connect:SMS"),
    "a number": ({**NULLS, "ValueInteger": 10}, "10"),
    "a map": ({**NULLS, "ValueMap": {"a": {"ValueString": "b"}}}, '{"a":{"ValueString":"b"}}'),
    "nulls alone": (NULLS, None),
    "one null": ({"ValueString": None}, None),
    "two values": ({"ValueInteger": 1, "ValueString": "one"}, '{"ValueInteger":1,"ValueString":"one"}'),
    "not a union": ({"Other": None, "ValueString": "x"}, '{"Other":null,"ValueString":"x"}'),
    "plain": ("text", "text"),
}


@pytest.fixture(scope="module")
def attributes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str | None]:
    """The loaded column, one attribute a case; a second record has its keys in the other order."""
    folder = tmp_path_factory.mktemp("segment")
    values = {name: value for name, (value, _) in CASES.items()}
    record = {
        "ContactId": "c-1",
        "InitiationTimestamp": "2026-03-02T10:00:00Z",
        "DisconnectTimestamp": "2026-03-02T10:05:00Z",
        "LastUpdateTimestamp": "2026-03-02T10:06:00Z",
        "SegmentAttributes": values,
    }
    turned = {name: dict(reversed(v.items())) if isinstance(v, dict) else v for name, v in values.items()}
    lines = [json.dumps(record), json.dumps({**record, "ContactId": "c-2", "SegmentAttributes": turned})]
    (folder / "records.json").write_text("\n".join(lines) + "\n")
    with trunkline.open(folder / "home") as home:
        assert home.load("contact_record", str(folder / "records.json")).counts.inserted == 2
        rows = home.sql("SELECT segment_attributes FROM contact_record ORDER BY contact_id").rows()
    (one,), (other,) = rows
    assert one == other
    return dict(one)


@pytest.mark.parametrize("name", CASES)
def test_a_union_is_its_value(name: str, attributes: dict[str, str | None]) -> None:
    """The one value that is not null, as text; JSON only where there are several, or no union."""
    assert attributes[name] == CASES[name][1]
