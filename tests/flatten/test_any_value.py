"""One optional value of an unexpected form never costs a record: the row is there, and the value can be found."""

from __future__ import annotations

import json
from datetime import datetime
from decimal import Decimal
from functools import cache
from typing import Any

import pytest
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
from trunkline.sql.flatten.values import tree_of

AT = datetime(2026, 3, 9, 12)
OBJECTS = catalogue.load([])
Path = tuple[str, ...]

TEXTS = st.one_of(
    st.text(max_size=12),
    st.sampled_from(
        ["", " ", "soon", "2026-03-03T10:00:00Z", "2026-03-03T10:00:00+05:30", "1999-01-01T00:00:00Z", "2026-02-30T10:00:00Z",
         "true", "12", "1e3", "3.5", "infinity", "Zoe \ud83d", "arn:x/queue/q1", "2026-03-03"]
    ),
)  # fmt: skip
NUMBERS = st.one_of(
    st.integers(-(2**70), 2**70), st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from([0, -0.0, 33.5, 1e-21, 0.30000000000000004, 1_700_000_000_000]),
)  # fmt: skip
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXTS,
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


def base(obj: Object) -> dict[str, Any]:
    """The least record of an object."""
    record: dict[str, Any] = {}
    for name in (*obj.key, obj.version, obj.partition):
        column = obj.by_name[name]
        put(record, column.path or (), "2026-03-03T10:00:00Z" if column.type == "timestamp" else "k1")
    return record


def put(record: dict[str, Any], path: Path, value: Any) -> None:
    """Set the value at a path of keys."""
    for key in path[:-1]:
        record = record.setdefault(key, {})
    record[path[-1]] = value


def optional_paths(obj: Object) -> list[Path]:
    """The paths of leaves and known objects that no mandatory column is at or below."""
    tree = tree_of(obj)
    needed = [obj.by_name[name].path or () for name in (*obj.key, obj.version, obj.partition)]
    paths = [*(leaf.path for leaf in tree.leaves), *tree.objects[1:]]
    return [path for path in paths if not any(other[: len(path)] == path for other in needed)]


def written(value: Any) -> Any:
    """The value as the lake can have it: no half of a surrogate pair."""
    if isinstance(value, str):
        return "".join("\ufffd" if 0xD800 <= ord(c) < 0xE000 else c for c in value)
    if isinstance(value, list):
        return [written(item) for item in value]
    return {written(key): written(member) for key, member in value.items()} if isinstance(value, dict) else value


@pytest.mark.parametrize("name", sorted(OBJECTS))
def test_any_optional_value_may_be_anything(name: str) -> None:
    """Whatever the value: one row, no dead letter; its columns are NULL and it is kept whole, or they hold it."""
    obj = OBJECTS[name]
    paths = optional_paths(obj)
    columns = {path: [c.name for c in obj.columns if c.path and c.path[: len(path)] == path] for path in paths}

    @settings(max_examples=150, deadline=None)
    @given(path=st.sampled_from(paths), value=VALUES)
    def check(path: Path, value: Any) -> None:
        record = base(obj)
        put(record, path, value)
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


def is_empty(value: Any) -> bool:
    """Whether all of a value is null."""
    if isinstance(value, dict):
        return all(is_empty(member) for member in value.values())
    return all(map(is_empty, value)) if isinstance(value, list) else value is None


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
    put(record, source, "@@")
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
