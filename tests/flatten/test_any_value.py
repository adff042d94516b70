"""One optional value of an unexpected form never costs a record: the row is there, and the value can be found."""

from __future__ import annotations

import json
from datetime import datetime
from decimal import Decimal
from functools import cache
from typing import Any

import pytest
from any_value import NUMBERS, TEXTS, Path, base, columns_at, is_empty, optional_paths, put_value, written
from flat_rows import flat_rows
from hypothesis import given, settings
from hypothesis import strategies as st

from trunkline.accounting import Drift
from trunkline.flatten.flattener import Flattener
from trunkline.flatten.privacy import PiiRule
from trunkline.objects import catalogue
from trunkline.objects.model import Object
from trunkline.positions import FileRange, Plan
from trunkline.records import Framed

AT = datetime(2026, 3, 9, 12)
OBJECTS = catalogue.load([])
SCALARS = st.one_of(
    st.text(max_size=12), st.sampled_from(TEXTS), st.integers(-(2**70), 2**70), st.sampled_from(NUMBERS),
    st.floats(allow_nan=False, allow_infinity=False),
)  # fmt: skip
VALUES = st.recursive(
    st.none() | st.booleans() | SCALARS,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=4), inner, max_size=2),
    max_leaves=5,
)


@cache
def flattener_of(name: str) -> Flattener:
    """One flattener for all examples."""
    return Flattener(OBJECTS[name], PiiRule("keep", b"key"))


def flatten(obj: Object, text: str) -> tuple[list[dict[str, Any]], list[str], Drift]:
    """Rows, reasons of dead letters, drift."""
    flattener = flattener_of(obj.name)
    plan = Plan(obj.name, "test", (FileRange("file", "1", 0, len(text), True, AT),))
    result = flattener.flatten(Framed(plan, [text], [0], [0], [], len(text)), AT)
    return flat_rows(flattener, result), [letter.reason for letter in result.dead_letters], result.drift


@pytest.mark.parametrize("name", sorted(OBJECTS))
def test_any_optional_value_may_be_anything(name: str) -> None:
    """Whatever the value: one row, no dead letter; its columns are NULL and it is kept whole, or they hold it."""
    obj = OBJECTS[name]
    paths = optional_paths(obj)
    columns = {path: columns_at(obj, path) for path in paths}

    @settings(max_examples=60 if name == "contact_record" else 15, deadline=None)
    @given(path=st.sampled_from(paths), value=VALUES)
    def check(path: Path, value: Any) -> None:
        record = base(obj)
        put_value(record, path, value)
        rows, reasons, drift = flatten(obj, json.dumps(record))
        assert reasons == []
        (row,) = rows
        kept = json.loads(row["record_unmapped"] or "{}")
        at = ".".join(path)
        if at in kept:
            assert kept[at] == written(value)
            changes = {change: n for change, n in drift.type_changes.items() if change.startswith(f"{at} is ")}
            assert sum(n for change, n in changes.items() if "surrogate" not in change) == 1
            is_rounded = any("decimal places" in change for change in drift.type_changes)
            assert is_rounded or all(row[column] is None for column in columns[path])
        elif value is not None and value not in ({}, []):
            below = [key for key in kept if key.startswith((at + ".", at + "["))]
            assert below or any(row[column] is not None for column in columns[path]) or is_empty(value)

    check()


@pytest.mark.parametrize(
    ("name", "path", "raw", "column", "stored", "kept"),
    [
        ("scorecard", "overallScore", '"3.333333333333333333333333333"', None, "3.33333333333333333333", '"3.333333333333333333333333333"'),
        ("scorecard", "overallScore", '"0.000000000000000000025"', None, "0.00000000000000000002", '"0.000000000000000000025"'),
        ("scorecard", "overallScore", '"0.000000000000000000035"', None, "0.00000000000000000004", '"0.000000000000000000035"'),
        ("scorecard", "overallScore", "1E-21", None, "0.00000000000000000000", "1E-21"),
        ("scorecard", "overallScore", '"0.30000000000000004"', None, "0.30000000000000004000", None),
        ("scorecard", "overallScore", '"3.3333333"', None, "3.33333330000000000000", None),
        ("contact_record", "Channel", '"Zoe \\ud83d"', "channel", "Zoe \ufffd", None),
        ("contact_record", "RoutingCriteria", '{"Steps":[]}', "routing_criteria", None, '{"Steps":[]}'),
        ("contact_record", "DisconnectTimestamp", '"2038-01-19T03:14:08Z"', "disconnect_timestamp", None, '"2038-01-19T03:14:08Z"'),
    ],
)  # fmt: skip
def test_values_of_the_field(name: str, path: str, raw: str, column: str | None, stored: Any, kept: str | None) -> None:
    """What exporters really write: long decimals rounded half even, half an emoji, an object for a list."""
    obj = OBJECTS[name]
    column = column or next(c.name for c in obj.columns if c.path and c.path[-1] == path)
    record = base(obj)
    source = obj.by_name[column].path or ()
    put_value(record, source, "@@")
    rows, reasons, drift = flatten(obj, json.dumps(record).replace('"@@"', raw))
    assert reasons == []
    value = rows[0][column]
    assert (f"{value:f}" if isinstance(value, Decimal) else value) == stored
    at = ".".join(source)
    assert rows[0]["record_unmapped"] == (None if kept is None else f'{{"{at}":{kept}}}')
    assert bool(drift.type_changes) == (kept is not None or "\\u" in raw)


def test_a_nested_value_that_does_not_fit_is_null_in_its_place() -> None:
    """A recording's time in milliseconds costs that time alone."""
    obj = OBJECTS["contact_record"]
    recordings = [{"Location": "a", "StartTimestamp": 1_700_000_000_000}, {"Location": "b"}]
    rows, reasons, drift = flatten(obj, json.dumps(base(obj) | {"Recordings": recordings}))
    assert reasons == []
    assert [(r["location"], r["start_timestamp"]) for r in rows[0]["recordings"]] == [("a", None), ("b", None)]
    assert rows[0]["record_unmapped"] == '{"Recordings[0].StartTimestamp":1700000000000}'
    assert drift.type_changes == {"Recordings[].StartTimestamp is UBIGINT": 1}


def test_a_value_in_the_place_of_personal_data_is_hidden_whole() -> None:
    """A name where the endpoint's object belongs is as direct as the fields below it."""
    obj = OBJECTS["contact_record"]
    flattener = Flattener(obj, PiiRule("hash", b"key"))
    text = json.dumps(base(obj) | {"CustomerEndpoint": ["Ann Smith"]})
    plan = Plan(obj.name, "test", (FileRange("file", "1", 0, len(text), True, AT),))
    result = flattener.flatten(Framed(plan, [text], [0], [0], [], len(text)), AT)
    (row,) = flat_rows(flattener, result)
    assert json.loads(row["record_unmapped"]) == {"CustomerEndpoint": PiiRule("hash", b"key").hide('["Ann Smith"]')}
