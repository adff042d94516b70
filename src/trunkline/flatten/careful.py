"""The careful reading of a record: exact, and an order of magnitude slower than the flatten statement.

It sees the records that the statement would round, reorder or lose something of. It makes them plain, so that the
statement reads them, or refuses them. Nested values go through `read_nested` where the quick way (`flatten/nested.py`)
does not take them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from trunkline.errors import RecordError
from trunkline.flatten.exact import (
    EXPECTED_JSON_TYPES,
    canonical,
    json_type,
    members,
    parse_exact,
    parse_instant,
    plain_scalar,
    quote,
    replace_surrogates,
    round_decimal,
    scalar_text,
)
from trunkline.flatten.foreign import describe
from trunkline.flatten.notations import read_decimal, read_scalar
from trunkline.flatten.privacy import SAFE_MARK, Hiding, PiiRule, has_pii, hide_map, hide_unmapped, own_numbers
from trunkline.limits import EVENT_AHEAD_DAYS_MAX, EVENT_YEAR_MIN, VERSION_AHEAD_S_MAX
from trunkline.objects.model import (
    AS_USUAL,
    DECIMAL_SCALE,
    READ_AT,
    TIME_TYPES,
    TIME_UNITS,
    Column,
    Json,
    ListOf,
    MapOf,
    Object,
    Scalar,
    Struct,
    Type,
)
from trunkline.sql.flatten.statement import nested_leaves
from trunkline.sql.flatten.values import Leaf, leaves_by_path, tree_of

_INDEX = re.compile(r"\[[0-9]+\]")
_SURROGATE_ESCAPE = re.compile(r"\\u[dD][89a-fA-F]")

Path = tuple[str, ...]
ScalarValue = str | int | bool


@dataclass(frozen=True, slots=True)
class PlainRecord:
    """A record made plain.

    `scalars`: by leaf number its value, a text, a whole number or a boolean. `nested`: by leaf number the text of any
    other leaf and the text that is hashed (None: the same). `unmapped` is canonical JSON of what has no column, by
    dotted path: fields that the catalogue does not know, and values that do not fit their column. None without any;
    `unmapped_safe` is hashed in its place. `changes` names the values that do not fit, for the drift.
    """

    scalars: dict[int, ScalarValue]
    nested: dict[int, tuple[str, str | None]]
    unmapped: str | None
    unmapped_safe: str | None
    changes: tuple[str, ...] = ()

    @property
    def leaves(self) -> set[int]:
        """The numbers of the leaves that have a value."""
        return self.scalars.keys() | self.nested.keys()


@dataclass(slots=True)
class Findings:
    """What was found beside values: what has no column, by path, and what does not fit, for the drift."""

    unmapped: dict[Path, Any] = field(default_factory=dict)
    changes: list[str] = field(default_factory=list)

    def unfit(self, path: Path, value: Any, seen: str | None) -> None:
        """Keep a value that does not fit its column, or not whole. `seen` is None where `drift.py` counts it."""
        self.unmapped[path] = value
        if seen is not None:
            self.changes.append(f"{_pattern(path)} is {seen}")


class _MapKey(str):
    """A key of a map, of which there are many, in a path."""

    __slots__ = ()


def _pattern(path: Path) -> str:
    """The path without what differs from record to record: indexes of lists and keys of maps."""
    return ".".join("*" if isinstance(key, _MapKey) else _INDEX.sub("[]", key) for key in path)


def make_plain(
    obj: Object, text: str, rule: PiiRule, arrived_at: datetime, file_time: str | None = None
) -> PlainRecord:
    """Read one record with care. A value that does not fit its column is NULL there and kept in `unmapped`.

    `file_time` is what a column of the file's time gets, if the record has no such value.

    Raises RecordError: duplicate_key or too_deep; wrong_type, missing_key or implausible_time where the value is of the
    key, the version or the partition, without which there is no row.
    """
    findings = Findings()
    record = _repaired(parse_exact(text), text, findings)
    values: dict[Path, Any] = {}
    _walk(obj, record, (), findings, values)
    if file_time is not None and values.get((READ_AT,)) is None:
        values[READ_AT,] = file_time
    _require(obj, record, values, findings, arrived_at)
    scalars: dict[int, ScalarValue] = {}
    latest = arrived_at + timedelta(days=EVENT_AHEAD_DAYS_MAX)
    for n, leaf in _scalar_leaves(obj):
        value = _scalar(leaf, values.get(leaf.path), latest, findings)
        if value is not None:
            scalars[n] = value
    hiding = Hiding(rule, own_numbers_of(obj, values))
    nested: dict[int, tuple[str, str | None]] = {}
    for n, leaf in nested_leaves(obj):
        if leaf.path in values:
            texts = read_nested(leaf, values[leaf.path], hiding, findings)
            if texts is not None:
                nested[n] = texts
    return PlainRecord(scalars, nested, *_unmapped(obj, findings, hiding), tuple(findings.changes))


def _repaired(record: dict[str, Any], text: str, findings: Findings) -> dict[str, Any]:
    """The record without halves of surrogate pairs."""
    if not _SURROGATE_ESCAPE.search(text):
        return record
    places: list[Path] = []
    repaired: dict[str, Any] = replace_surrogates(record, (), places)
    findings.changes += [f"{'.'.join(path)} is VARCHAR with half of a surrogate pair" for path in places]
    return repaired


def _unmapped(obj: Object, findings: Findings, hiding: Hiding) -> tuple[str | None, str | None]:
    if not findings.unmapped:
        return None, None
    direct = [c.path for c in obj.direct_pii if c.path is not None]
    hidden = [".".join(at) for at in findings.unmapped if any(path[: len(at)] == at for path in direct)]
    return hide_unmapped({".".join(path): value for path, value in findings.unmapped.items()}, hiding, hidden)


def own_numbers_of(obj: Object, values: Mapping[Path, Any]) -> list[str]:
    """The record's own numbers and addresses, as other texts would contain them."""
    paths = dict.fromkeys(c.path for c in obj.direct_pii if c.path is not None and c.type == "text")
    return own_numbers([scalar_text(values[path]) for path in paths if path in values])


@cache
def _scalar_leaves(obj: Object) -> tuple[tuple[int, Leaf], ...]:
    return tuple((n, leaf) for n, leaf in enumerate(tree_of(obj).leaves) if isinstance(leaf.type, str))


def _walk(obj: Object, value: dict[str, Any], path: Path, findings: Findings, values: dict[Path, Any]) -> None:
    """Note the value of every leaf of a known object, and what has no column."""
    leaves, objects = leaves_by_path(obj), tree_of(obj).objects
    for key, member in members(value, ".".join(path)).items():
        member_path = (*path, key)
        if member is None:
            continue
        if member_path in leaves:
            values[member_path] = member
        elif member_path not in objects:
            findings.unmapped[member_path] = member
        elif isinstance(member, dict):
            _walk(obj, member, member_path, findings, values)
        else:
            findings.unfit(member_path, member, json_type(member))


def _scalar(leaf: Leaf, value: Any, latest: datetime, findings: Findings) -> ScalarValue | None:
    """The value of a scalar leaf for the statement; None if there is none, or it does not fit."""
    if value is None:
        return None
    text = scalar_text(value)
    if leaf.type == "decimal":
        return _decimal(leaf, value, text, findings)
    for column in leaf.columns:
        assert isinstance(column.type, str)
        typed = read_scalar(column, text)
        if typed is None or (leaf.type == "timestamp" and _is_implausible(typed, latest)):
            is_counted = json_type(value) not in expected_types(column)
            findings.unfit(leaf.path, value, None if is_counted else _seen(column.type, value))
            return None
        text = typed
    match leaf.type:
        case "bigint" | "integer":
            return int(text)
        case "boolean":
            return text == "true"
        case _:
            return text


def _decimal(leaf: Leaf, value: Any, text: str, findings: Findings) -> str | None:
    column = leaf.columns[0]
    rounded = read_decimal(column, text)
    if rounded is None:
        is_counted = json_type(value) not in EXPECTED_JSON_TYPES["decimal"]
        findings.unfit(leaf.path, value, None if is_counted else _seen("decimal", value))
        return None
    if rounded[1]:
        findings.unfit(leaf.path, value, f"DOUBLE with more than {column.decimal_scale} decimal places")
    return rounded[0]


def expected_types(column: Column) -> set[str]:
    """The JSON types, as `json_type` names them, that are no drift in a scalar column."""
    if column.rule:  # over the value as text, whatever it is
        return set().union(*EXPECTED_JSON_TYPES.values())
    assert isinstance(column.type, str)
    expected = EXPECTED_JSON_TYPES[column.type]
    if column.notation.format in TIME_UNITS:
        return expected | EXPECTED_JSON_TYPES["double"]
    return expected | {"VARCHAR"} if column.notation != AS_USUAL else expected


def _seen(type_: Scalar, value: Any) -> str:
    """What a value is that does not fit: its JSON type, and that it does not fit where the type is the expected one."""
    seen = json_type(value)
    return f"{seen} that is not a valid {type_}" if seen in EXPECTED_JSON_TYPES[type_] else seen


def _is_implausible(time: str, latest: datetime) -> bool:
    at = parse_instant(time)
    return at is None or at.year < EVENT_YEAR_MIN or at >= latest


def read_nested(leaf: Leaf, value: Any, hiding: Hiding, findings: Findings) -> tuple[str, str | None] | None:
    """A nested value: its text for the statement, and the text that is hashed, None if it is the same.

    JSON gives its canonical text, anything else JSON text with typed members and sorted keys. None if it is of another
    kind than the column. Raises RecordError duplicate_key.
    """
    column = leaf.columns[0]
    if isinstance(leaf.type, Json):
        return canonical(value, leaf.type.lower_camel), None
    if leaf.type == MapOf("text"):
        if not isinstance(value, dict):
            findings.unfit(leaf.path, value, json_type(value))
            return None
        return hide_map(column, _map_texts(leaf, value), hiding)
    shown = _nested(leaf.type, value, leaf.path, findings, None)
    if shown == "null":
        return None
    if column.pii != "indirect" or not has_pii(shown, hiding.own):
        return shown, None
    return _nested(leaf.type, value, leaf.path, Findings(), hiding), SAFE_MARK


def _map_texts(leaf: Leaf, value: Any) -> dict[str, str | None]:
    to_text = _union_text if leaf.columns[0].transform == "union_to_text" else _nullable_text
    return {key: to_text(member) for key, member in members(value, ".".join(leaf.path)).items()}


def _nullable_text(value: Any) -> str | None:
    return None if value is None else scalar_text(value)


def _union_text(value: Any) -> str | None:
    """A tagged union as the text of its one value, whatever other tags are null; anything else as it is."""
    if isinstance(value, dict):
        entries = members(value)
        tagged = [member for member in entries.values() if member is not None]
        if entries and len(tagged) <= 1 and all(key.startswith("Value") for key in entries):
            value = tagged[0] if tagged else None
    return _nullable_text(value)


def _nested(type_: Type, value: Any, path: Path, findings: Findings, hiding: Hiding | None) -> str:
    """JSON text of a nested value with plain members, null for what does not fit.

    With `hiding`, texts are hidden by value.
    """
    if value is None:
        return "null"
    match type_:
        case str():
            return _member(type_, value, path, findings, hiding)
        case Json(lower_camel):
            return quote(canonical(value, lower_camel))
        case ListOf(item) if isinstance(value, list):
            texts = (
                _nested(item, element, (*path[:-1], f"{path[-1]}[{n}]"), findings, hiding)
                for n, element in enumerate(value)
            )
            return "[" + ",".join(texts) + "]"
        case MapOf(item) if isinstance(value, dict):
            entries = members(value, ".".join(path))
            parts = (
                f"{quote(key)}:{_nested(item, entries[key], (*path, _MapKey(key)), findings, hiding)}"
                for key in sorted(entries)
            )
            return "{" + ",".join(parts) + "}"
        case Struct(fields) if isinstance(value, dict):
            entries = members(value, ".".join(path))
            known = {member.key: member.type for member in sorted(fields, key=lambda member: member.key)}
            for key, member in entries.items():
                if key not in known and member is not None:
                    findings.unmapped[*path, key] = member
            parts = (
                f"{quote(key)}:{_nested(member_type, entries.get(key), (*path, key), findings, hiding)}"
                for key, member_type in known.items()
            )
            return "{" + ",".join(parts) + "}"
        case _:
            findings.unfit(path, value, json_type(value))
            return "null"


def _member(type_: Scalar, value: Any, path: Path, findings: Findings, hiding: Hiding | None) -> str:
    text = scalar_text(value)
    if type_ == "decimal" and (rounded := round_decimal(text)) is not None:
        text, is_rounded = rounded
        if is_rounded:
            findings.unfit(path, value, f"DOUBLE with more than {DECIMAL_SCALE} decimal places")
    typed = plain_scalar(type_, text)
    if typed is None:
        findings.unfit(path, value, _seen(type_, value))
        return "null"
    if hiding is not None and type_ == "text":
        shown = hiding.value(typed, hiding.rule.hide)
        return "null" if shown is None else quote(shown)
    return quote(typed) if type_ in ("text", "timestamp", "date", "decimal") else typed


def _require(
    obj: Object, record: Mapping[str, Any], values: Mapping[Path, Any], findings: Findings, arrived_at: datetime
) -> None:
    """Raise RecordError where the record cannot be a row: by its key, its version or its partition."""
    paths = {name: obj.by_name[name].path or () for name in (*obj.key, obj.version, obj.partition)}
    for name, path in paths.items():
        if any(path[:depth] in findings.unmapped for depth in range(1, len(path))):
            raise RecordError("wrong_type", f"{name}: a value is in the place of the object that contains it")
    texts = {name: scalar_text(values[path]) for name, path in paths.items() if path in values}
    if any(not texts.get(key) for key in obj.key):
        shape = describe(obj, record)
        detail = f"no value for the key {', '.join(obj.key)}"
        raise RecordError("missing_key", f"{detail}; the record is {shape}" if shape else detail)
    times: dict[str, datetime | None] = {}
    for name, text in texts.items():
        column = obj.by_name[name]
        assert isinstance(column.type, str)
        plain = read_scalar(column, text)
        if plain is None:
            raise RecordError("wrong_type", f"{name}: the value is not a valid {column.type}")
        if column.type in TIME_TYPES:
            times[name] = parse_instant(plain if column.type == "timestamp" else f"{plain}T00:00:00Z")
    latest = arrived_at + timedelta(days=EVENT_AHEAD_DAYS_MAX)
    version = times.get(obj.version)
    is_ahead = version is not None and version > arrived_at + timedelta(seconds=VERSION_AHEAD_S_MAX)
    if is_ahead or any(at is not None and (at.year < EVENT_YEAR_MIN or at >= latest) for at in times.values()):
        raise RecordError(
            "implausible_time",
            f"a time is before {EVENT_YEAR_MIN} or more than {EVENT_AHEAD_DAYS_MAX} days after arrival, "
            f"or {obj.version} is more than a day after arrival",
        )
