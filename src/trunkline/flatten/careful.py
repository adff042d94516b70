"""The careful reading: what the flatten statement would round, reorder or lose is made plain, or refused.

It is exact and slower than the statement by an order of magnitude, so it sees only records that the statement marks
odd. Leaves that are no scalars go through `read_leaf` where the quick reading (`flatten/typed.py`) does not take them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from typing import Any

import msgspec

from trunkline.errors import RecordError
from trunkline.flatten.canonical import canonical, exact, json_type, kind, members, quote, scalar_text
from trunkline.flatten.pii import SAFE_MARK, Hiding, PiiRule, has_pii
from trunkline.flatten.scalars import instant, plain
from trunkline.flatten.unmapped import own_numbers_of, unmapped_texts
from trunkline.limits import EVENT_AHEAD_DAYS_MAX, EVENT_YEAR_MIN, VERSION_AHEAD_S_MAX
from trunkline.objects.model import Column, Json, ListOf, MapOf, Object, Scalar, Struct, Type
from trunkline.sql.flatten.statement import by_hand
from trunkline.sql.flatten.tree import Leaf, leaves_by_path, tree_of

_encode_sorted = msgspec.json.Encoder(order="deterministic").encode
Path = tuple[str, ...]
Scalars = str | int | bool


@dataclass(frozen=True, slots=True)
class Made:
    """A record made plain. `scalars`: by number of the leaf its value, a text, a whole number or a boolean.
    `leaves`: likewise the text of any other leaf and the text that is hashed, None: as the first.

    `unmapped` is canonical JSON of the fields the catalogue does not know, by dotted path, None without any;
    `unmapped_safe` is the same with a mark for every hidden value, for the hash.
    """

    scalars: dict[int, Scalars]
    leaves: dict[int, tuple[str, str | None]]
    unmapped: str | None
    unmapped_safe: str | None


@dataclass(slots=True)
class Findings:
    """What reading found beside values: unknown fields by path, and columns whose value does not fit."""

    unknown: dict[str, Any] = field(default_factory=dict)
    bad: dict[str, Type] = field(default_factory=dict)


def make_plain(obj: Object, text: str, rule: PiiRule, arrived_at: datetime) -> Made:
    """Read one record with care.

    Raises RecordError: duplicate_key, wrong_type, missing_key, implausible_time or invalid_json, naming the path or
    the column.
    """
    found = Findings()
    values: dict[Path, Any] = {}
    _walk(obj, exact(text), (), found, values)
    scalars = {
        n: plain for n, leaf in _scalars(obj) if (plain := _plain_leaf(leaf, values.get(leaf.path), found)) is not None
    }
    hiding = Hiding(rule, own_numbers_of(obj, values))
    leaves: dict[int, tuple[str, str | None]] = {}
    for n, leaf in by_hand(obj):
        if leaf.path in values:
            leaves[n] = read_leaf(leaf, values[leaf.path], hiding, found)
    _judge(obj, values, found, arrived_at)
    return Made(scalars, leaves, *unmapped_texts(found.unknown, hiding))


@cache
def _scalars(obj: Object) -> tuple[tuple[int, Leaf], ...]:
    return tuple((n, leaf) for n, leaf in enumerate(tree_of(obj).leaves) if isinstance(leaf.type, str))


def _walk(obj: Object, value: dict[str, Any], path: Path, found: Findings, values: dict[Path, Any]) -> None:
    """Note the value of every leaf of a known object, and what is unknown."""
    leaves, objects = leaves_by_path(obj), tree_of(obj).objects
    for key, one in members(value, ".".join(path)).items():
        here = (*path, key)
        if one is None:
            continue
        if here in leaves:
            values[here] = one
        elif here in objects:
            _expect(one, "object", here)
            _walk(obj, one, here, found, values)
        else:
            found.unknown[".".join(here)] = one


def _plain_leaf(leaf: Leaf, value: Any, found: Findings) -> Scalars | None:
    """The value of a scalar leaf for the statement; None: there is none, or it does not fit."""
    if value is None:
        return None
    text, is_bad = scalar_text(value), False
    for column in leaf.columns:
        assert isinstance(column.type, str)
        typed = plain(column.type, text, column.transform)
        if typed is None:
            found.bad[column.name] = column.type
            is_bad = True
        else:
            text = typed
    if is_bad:
        return None
    quote(text)  # half of a surrogate pair stands for no characters
    match leaf.type:
        case "bigint" | "integer":
            return int(text)
        case "boolean":
            return text == "true"
        case _:
            return text


def read_leaf(leaf: Leaf, value: Any, hiding: Hiding, found: Findings) -> tuple[str, str | None]:
    """A leaf that Python reads: its text for the statement, and the text that is hashed where that differs.

    JSON gives its canonical text, anything else JSON text with typed members and sorted keys. Raises RecordError.
    """
    column = leaf.columns[0]
    if isinstance(leaf.type, Json):
        return canonical(value, leaf.type.lower_camel), None
    if leaf.type == MapOf("text"):
        return read_map(column, _map_texts(leaf, value), hiding)
    shown = _nested(leaf.type, value, leaf.path, column, found, None)
    if column.pii != "indirect" or not has_pii(shown, hiding.own):
        return shown, None
    return _nested(leaf.type, value, leaf.path, column, Findings(), hiding), SAFE_MARK


def _map_texts(leaf: Leaf, value: Any) -> dict[str, str | None]:
    _expect(value, "object", leaf.path)
    inner = members(value, ".".join(leaf.path))
    is_union = leaf.columns[0].transform == "union_to_text"
    return {key: _union(one) if is_union else None if one is None else scalar_text(one) for key, one in inner.items()}


def read_map(column: Column, texts: Mapping[str, str | None], hiding: Hiding) -> tuple[str, str | None]:
    """A map of texts, hidden value by value, and what is hashed where that differs."""
    shown = _map_text(texts)
    if column.pii == "none" or not has_pii(shown, hiding.own):
        return shown, None
    hide = [
        key for key, text in texts.items()
        if text is not None and key not in hiding.rule.keep_keys and has_pii(text, hiding.own)
    ]  # fmt: skip
    if not hide:
        return shown, None
    kept = {**texts, **{key: hiding.rule.hide(texts[key] or "") for key in hide}}
    return _map_text(kept), _map_text({**texts, **dict.fromkeys(hide, SAFE_MARK)})


def _map_text(texts: Mapping[str, str | None]) -> str:
    try:
        return _encode_sorted(texts).decode()
    except UnicodeEncodeError:
        # Half of a surrogate pair: `quote` tells it.
        parts = (f"{quote(key)}:{'null' if text is None else quote(text)}" for key, text in sorted(texts.items()))
        return "{" + ",".join(parts) + "}"


def _union(value: Any) -> str | None:
    """A tagged union as the text of its one value that is not null; anything else as it is."""
    if isinstance(value, dict):
        inner = members(value)
        present = [member for member in inner.values() if member is not None]
        if inner and len(present) <= 1 and all(key.startswith("Value") for key in inner):
            value = next(iter(present), None)
    return None if value is None else scalar_text(value)


def _nested(type_: Type, value: Any, path: Path, column: Column, found: Findings, hiding: Hiding | None) -> str:
    """JSON text of a nested value with plain members; with `hiding` texts are hidden by value."""
    if value is None:
        return "null"
    match type_:
        case str():
            return _member(type_, scalar_text(value), column, found, hiding)
        case Json(lower_camel):
            return quote(canonical(value, lower_camel))
        case ListOf(item):
            _expect(value, "array", path)
            places = ((*path[:-1], f"{path[-1]}[{n}]") for n in range(len(value)))
            inner = (_nested(item, one, at, column, found, hiding) for one, at in zip(value, places, strict=True))
            return "[" + ",".join(inner) + "]"
        case MapOf(item):
            _expect(value, "object", path)
            entries = members(value, ".".join(path))
            parts = (
                f"{quote(k)}:{_nested(item, entries[k], (*path, k), column, found, hiding)}" for k in sorted(entries)
            )
            return "{" + ",".join(parts) + "}"
        case Struct(fields):
            _expect(value, "object", path)
            entries = members(value, ".".join(path))
            known = {f.key: f.type for f in sorted(fields, key=lambda f: f.key)}
            found.unknown |= {
                ".".join((*path, key)): one for key, one in entries.items() if key not in known and one is not None
            }
            parts = (
                f"{quote(key)}:{_nested(kind, entries.get(key), (*path, key), column, found, hiding)}"
                for key, kind in known.items()
            )
            return "{" + ",".join(parts) + "}"


def _member(type_: Scalar, text: str, column: Column, found: Findings, hiding: Hiding | None) -> str:
    typed = plain(type_, text)
    if typed is None:
        found.bad.setdefault(column.name, column.type)
        return "null"
    if hiding is not None and type_ == "text":
        shown = hiding.value(typed, hiding.rule.hide)
        return "null" if shown is None else quote(shown)
    return quote(typed) if type_ in ("text", "timestamp", "date", "decimal") else typed


def _expect(value: Any, wanted: str, path: Path) -> None:
    if kind(value) != wanted:
        where = ".".join(path)
        told = f"{where} is a JSON {kind(value)}, it must be an {wanted} or null"
        raise RecordError("wrong_type", told, where, json_type(value))


def _judge(obj: Object, values: dict[Path, Any], found: Findings, arrived_at: datetime) -> None:
    """Raise RecordError where the record cannot be a row."""
    texts = {
        c.name: scalar_text(values[c.path]) for c in obj.data_columns if c.path in values and isinstance(c.type, str)
    }
    if any(not texts.get(key) for key in obj.key):
        raise RecordError("missing_key", f"no value for the key {', '.join(obj.key)}")
    if found.bad:
        names = [column.name for column in obj.data_columns if column.name in found.bad]
        raise RecordError("wrong_type", f"{', '.join(names)}: the value is no {obj.by_name[names[0]].type}", names[0])
    times = {c.name: instant(texts[c.name]) for c in obj.data_columns if c.type == "timestamp" and c.name in texts}
    version = times.get(obj.version)
    latest = arrived_at + timedelta(days=EVENT_AHEAD_DAYS_MAX)
    is_implausible = any(at is not None and (at.year < EVENT_YEAR_MIN or at >= latest) for at in times.values())
    if is_implausible or (version is not None and version > arrived_at + timedelta(seconds=VERSION_AHEAD_S_MAX)):
        raise RecordError(
            "implausible_time",
            "a time is before 2010 or more than 400 days after arrival, "
            f"or {obj.version} is more than a day after arrival",
        )
