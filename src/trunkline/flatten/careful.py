"""The careful reading of a record: exact, and an order of magnitude slower than the flatten statement.

It sees the records that the statement would round, reorder or lose something of. It makes them plain, so that the
statement reads them, or refuses them. Nested values go through `read_nested` where the quick way (`flatten/nested.py`)
does not take them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from trunkline.errors import RecordError
from trunkline.flatten.exact import (
    canonical,
    json_type,
    kind,
    members,
    parse_exact,
    parse_instant,
    plain_scalar,
    quote,
    scalar_text,
)
from trunkline.flatten.privacy import SAFE_MARK, Hiding, PiiRule, has_pii, hide_map, hide_unmapped, own_numbers
from trunkline.limits import EVENT_AHEAD_DAYS_MAX, EVENT_YEAR_MIN, VERSION_AHEAD_S_MAX
from trunkline.objects.model import Column, Json, ListOf, MapOf, Object, Scalar, Struct, Type
from trunkline.sql.flatten.statement import nested_leaves
from trunkline.sql.flatten.tree import Leaf, leaves_by_path, tree_of

Path = tuple[str, ...]
ScalarValue = str | int | bool


@dataclass(frozen=True, slots=True)
class PlainRecord:
    """A record made plain.

    `scalars`: by leaf number its value, a text, a whole number or a boolean. `nested`: by leaf number the text of any
    other leaf and the text that is hashed (None: the same). `unmapped` is canonical JSON of the fields that the
    catalogue does not know, by dotted path, None without any; `unmapped_safe` is hashed in its place.
    """

    scalars: dict[int, ScalarValue]
    nested: dict[int, tuple[str, str | None]]
    unmapped: str | None
    unmapped_safe: str | None

    @property
    def leaves(self) -> set[int]:
        """The numbers of the leaves that have a value."""
        return self.scalars.keys() | self.nested.keys()


@dataclass(slots=True)
class Findings:
    """What was found beside values: unknown fields by path, and columns whose value does not fit."""

    unknown: dict[str, Any] = field(default_factory=dict)
    bad: dict[str, Type] = field(default_factory=dict)


def make_plain(obj: Object, text: str, rule: PiiRule, arrived_at: datetime) -> PlainRecord:
    """Read one record with care.

    Raises RecordError: duplicate_key, wrong_type, missing_key, implausible_time, invalid_json or too_deep, naming the
    path or the column.
    """
    findings = Findings()
    values: dict[Path, Any] = {}
    _walk(obj, parse_exact(text), (), findings, values)
    scalars: dict[int, ScalarValue] = {}
    for n, leaf in _scalar_leaves(obj):
        value = _scalar(leaf, values.get(leaf.path), findings)
        if value is not None:
            scalars[n] = value
    hiding = Hiding(rule, own_numbers_of(obj, values))
    nested: dict[int, tuple[str, str | None]] = {}
    for n, leaf in nested_leaves(obj):
        if leaf.path in values:
            nested[n] = read_nested(leaf, values[leaf.path], hiding, findings)
    _judge(obj, values, findings, arrived_at)
    unmapped = hide_unmapped(findings.unknown, hiding) if findings.unknown else (None, None)
    return PlainRecord(scalars, nested, *unmapped)


def own_numbers_of(obj: Object, values: Mapping[Path, Any]) -> list[str]:
    """The record's own numbers and addresses, as other texts would contain them."""
    paths = dict.fromkeys(c.path for c in obj.direct_pii if c.path is not None and c.type == "text")
    return own_numbers([scalar_text(values[path]) for path in paths if path in values])


@cache
def _scalar_leaves(obj: Object) -> tuple[tuple[int, Leaf], ...]:
    return tuple((n, leaf) for n, leaf in enumerate(tree_of(obj).leaves) if isinstance(leaf.type, str))


def _walk(obj: Object, value: dict[str, Any], path: Path, findings: Findings, values: dict[Path, Any]) -> None:
    """Note the value of every leaf of a known object, and what is unknown."""
    leaves, objects = leaves_by_path(obj), tree_of(obj).objects
    for key, member in members(value, ".".join(path)).items():
        member_path = (*path, key)
        if member is None:
            continue
        if member_path in leaves:
            values[member_path] = member
        elif member_path in objects:
            _expect(member, "object", member_path)
            _walk(obj, member, member_path, findings, values)
        else:
            findings.unknown[".".join(member_path)] = member


def _scalar(leaf: Leaf, value: Any, findings: Findings) -> ScalarValue | None:
    """The value of a scalar leaf for the statement; None if there is none, or it does not fit."""
    if value is None:
        return None
    text, is_bad = scalar_text(value), False
    for column in leaf.columns:
        assert isinstance(column.type, str)
        typed = plain_scalar(column.type, text, column.transform)
        if typed is None:
            findings.bad[column.name] = column.type
            is_bad = True
        else:
            text = typed
    if is_bad:
        return None
    quote(text)  # raises for half of a surrogate pair, which stands for no character
    match leaf.type:
        case "bigint" | "integer":
            return int(text)
        case "boolean":
            return text == "true"
        case _:
            return text


def read_nested(leaf: Leaf, value: Any, hiding: Hiding, findings: Findings) -> tuple[str, str | None]:
    """A nested value: its text for the statement, and the text that is hashed, None if it is the same.

    JSON gives its canonical text, anything else JSON text with typed members and sorted keys. Raises RecordError:
    duplicate_key, wrong_type or invalid_json.
    """
    column = leaf.columns[0]
    if isinstance(leaf.type, Json):
        return canonical(value, leaf.type.lower_camel), None
    if leaf.type == MapOf("text"):
        return hide_map(column, _map_texts(leaf, value), hiding)
    shown = _nested(leaf.type, value, leaf.path, column, findings, None)
    if column.pii != "indirect" or not has_pii(shown, hiding.own):
        return shown, None
    return _nested(leaf.type, value, leaf.path, column, Findings(), hiding), SAFE_MARK


def _map_texts(leaf: Leaf, value: Any) -> dict[str, str | None]:
    _expect(value, "object", leaf.path)
    to_text = _union_text if leaf.columns[0].transform == "union_to_text" else _nullable_text
    return {key: to_text(member) for key, member in members(value, ".".join(leaf.path)).items()}


def _nullable_text(value: Any) -> str | None:
    return None if value is None else scalar_text(value)


def _union_text(value: Any) -> str | None:
    """A tagged union as the text of its one value that is not null; anything else as it is."""
    if isinstance(value, dict):
        entries = members(value)
        present = [entry for entry in entries.values() if entry is not None]
        if entries and len(present) <= 1 and all(key.startswith("Value") for key in entries):
            value = next(iter(present), None)
    return _nullable_text(value)


def _nested(type_: Type, value: Any, path: Path, column: Column, findings: Findings, hiding: Hiding | None) -> str:
    """JSON text of a nested value with plain members; with `hiding` texts are hidden by value."""
    if value is None:
        return "null"
    match type_:
        case str():
            return _member(type_, scalar_text(value), column, findings, hiding)
        case Json(lower_camel):
            return quote(canonical(value, lower_camel))
        case ListOf(item):
            _expect(value, "array", path)
            texts = (
                _nested(item, element, (*path[:-1], f"{path[-1]}[{n}]"), column, findings, hiding)
                for n, element in enumerate(value)
            )
            return "[" + ",".join(texts) + "]"
        case MapOf(item):
            _expect(value, "object", path)
            entries = members(value, ".".join(path))
            known = dict.fromkeys(sorted(entries), item)
        case Struct(fields):
            _expect(value, "object", path)
            entries = members(value, ".".join(path))
            known = {member.key: member.type for member in sorted(fields, key=lambda member: member.key)}
            findings.unknown |= {
                ".".join((*path, key)): member
                for key, member in entries.items()
                if key not in known and member is not None
            }
    parts = (
        f"{quote(key)}:{_nested(member_type, entries.get(key), (*path, key), column, findings, hiding)}"
        for key, member_type in known.items()
    )
    return "{" + ",".join(parts) + "}"


def _member(type_: Scalar, text: str, column: Column, findings: Findings, hiding: Hiding | None) -> str:
    typed = plain_scalar(type_, text)
    if typed is None:
        findings.bad.setdefault(column.name, column.type)
        return "null"
    if hiding is not None and type_ == "text":
        shown = hiding.value(typed, hiding.rule.hide)
        return "null" if shown is None else quote(shown)
    return quote(typed) if type_ in ("text", "timestamp", "date", "decimal") else typed


def _expect(value: Any, expected: str, path: Path) -> None:
    if kind(value) != expected:
        name = ".".join(path)
        detail = f"{name} is a JSON {kind(value)}, it must be an {expected} or null"
        raise RecordError("wrong_type", detail, name, json_type(value))


def _judge(obj: Object, values: dict[Path, Any], findings: Findings, arrived_at: datetime) -> None:
    """Raise RecordError where the record cannot be a row."""
    texts = {
        c.name: scalar_text(values[c.path]) for c in obj.data_columns if c.path in values and isinstance(c.type, str)
    }
    if any(not texts.get(key) for key in obj.key):
        raise RecordError("missing_key", f"no value for the key {', '.join(obj.key)}")
    if findings.bad:
        names = [column.name for column in obj.data_columns if column.name in findings.bad]
        raise RecordError("wrong_type", f"{', '.join(names)}: the value is no {obj.by_name[names[0]].type}", names[0])
    times = {
        c.name: parse_instant(texts[c.name]) for c in obj.data_columns if c.type == "timestamp" and c.name in texts
    }
    if _is_implausible([at for at in times.values() if at is not None], times.get(obj.version), arrived_at):
        raise RecordError(
            "implausible_time",
            f"a time is before {EVENT_YEAR_MIN} or more than {EVENT_AHEAD_DAYS_MAX} days after arrival, "
            f"or {obj.version} is more than a day after arrival",
        )


def _is_implausible(times: Sequence[datetime], version: datetime | None, arrived_at: datetime) -> bool:
    latest = arrived_at + timedelta(days=EVENT_AHEAD_DAYS_MAX)
    if any(at.year < EVENT_YEAR_MIN or at >= latest for at in times):
        return True
    return version is not None and version > arrived_at + timedelta(seconds=VERSION_AHEAD_S_MAX)
