"""The columns that a user declares: types, paths, how the source writes their values, personal data."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

from trunkline.errors import UsageError
from trunkline.limits import POSTGRES_NAME_BYTES_MAX, TEXT_BYTES_MAX
from trunkline.objects.model import (
    AS_USUAL,
    DECIMAL_DIGITS,
    READ_AT,
    TIME_UNITS,
    Column,
    Json,
    ListOf,
    MapOf,
    Notation,
    Pii,
    Scalar,
    Transform,
    Type,
)
from trunkline.objects.user.place import Place
from trunkline.objects.user.rules import VALUE, check_type, parse_rule

SCALARS: tuple[str, ...] = get_args(Scalar)
PII: tuple[str, ...] = get_args(Pii)
TRANSFORMS: tuple[str, ...] = get_args(Transform)
COLUMN_KEYS = (
    "type", "path", "meaning", "unit", "pii", "transform", "source", "length_max", "scale", "format", "zone",
    "decimal_comma", "sql",
)  # fmt: skip
NUMBERS = ("bigint", "integer", "double", "decimal")

PARTITION_KEYS = ("year", "month", "day")
ENGINE_COLUMNS = frozenset({
    "ctid", "cmin", "cmax", "xmin", "xmax", "tableoid", "oid",  # PostgreSQL and Redshift
    "rowid", "file_row_number",  # DuckDB
})  # fmt: skip
"""Columns that an engine gives every table or file of its own, so that none can be declared."""

_NESTED = re.compile(r"(list|map)<\s*(\w+)\s*>\Z")
_OFFSET = re.compile(r"(?<!%)(?:%%)*%z")
VALID_TYPES = f"{', '.join(SCALARS)}, json, map, list<text>, map<bigint> and other lists and maps of plain types"


@dataclass(frozen=True, slots=True)
class Defaults:
    """What holds for the columns of an object that do not say it: the zone of times without an offset, and whether
    numbers in text have a decimal comma.
    """

    zone: str = ""
    decimal_comma: bool = False


def read_columns(
    place: Place, table: dict[str, Any], key: tuple[str, ...], defaults: Defaults = Defaults()
) -> tuple[Column, ...]:
    """The columns of an object's table. Raises UsageError for what is not valid."""
    declared = table.get("columns")
    if not isinstance(declared, dict) or not declared:
        raise place.missing("columns", f"declare them in [{place.table}.columns]")
    inner = place.inner("columns")
    columns = tuple(_column(inner, name, value, name not in key, defaults) for name, value in declared.items())
    for column in columns:
        for other in columns:
            if column.path and other.path and other.path[: len(column.path)] == column.path != other.path:
                raise UsageError(
                    f"{inner.at(column.name)}: [{inner.table}] {column.name} takes all of {'.'.join(column.path)} and "
                    f"{other.name} a part of it; declare either the whole or its parts"
                )
            if column.path and column.path == other.path and _source_of(column) != _source_of(other):
                raise UsageError(
                    f"{inner.at(other.name)}: [{inner.table}] {column.name} and {other.name} read "
                    f"{'.'.join(column.path or ())} in two ways; give both the same type, format and zone"
                )
    _check_rules(inner, columns)
    return columns


def _source_of(column: Column) -> tuple[Type, Notation]:
    """What the value at a column's path has to be."""
    return ("text", column.notation) if column.rule else (column.type, column.notation)


def _check_rules(columns: Place, declared: tuple[Column, ...]) -> None:
    """Raises UsageError where a rule does not fit the columns that it names."""
    types = {c.name: _sql_type(c) for c in declared if c.path and c.pii != "direct" and isinstance(c.type, str)}
    for column in declared:
        if column.rule:
            try:
                check_type(parse_rule(column.rule), {VALUE: "VARCHAR"} if column.path else types, _sql_type(column))
            except ValueError as error:
                raise columns.inner(column.name).error("sql", column.rule, str(error)) from None


def _sql_type(column: Column) -> str:
    """DuckDB's name of a plain type."""
    return f"DECIMAL({DECIMAL_DIGITS},{column.decimal_scale})" if column.type == "decimal" else str(column.type).upper()


def _rule(place: Place, value: dict[str, Any], type_: Type, pii: Pii) -> str:
    """A column's rule. Raises UsageError where its other keys do not go with one."""
    rule = place.string(value, "sql", "")
    if rule and (not isinstance(type_, str) or pii == "direct"):
        raise place.error("sql", rule, "only a column of a plain type and without direct personal data has a rule")
    for key in ("format", "zone", "decimal_comma", "transform"):
        if rule and key in value:
            raise place.error(key, value[key], "the value is what the rule in sql makes of the text; leave this out")
    return rule


def _has_path(value: dict[str, Any], rule: str, place: Place) -> bool:
    """Whether a column reads the record: a rule that does not name the value, and has no path, reads the row."""
    if not rule or "path" in value:
        return True
    try:
        return VALUE in parse_rule(rule).names
    except ValueError as error:
        raise place.error("sql", rule, str(error)) from None


def _column(columns: Place, name: str, value: object, nullable: bool, defaults: Defaults) -> Column:
    place = columns.inner(name)
    place.identifier("name", name, POSTGRES_NAME_BYTES_MAX)
    if name.startswith("record_") or name in PARTITION_KEYS or name in ENGINE_COLUMNS:
        taken = f"record_*, the lake's partition keys {', '.join(PARTITION_KEYS)} and the engines' own columns "
        taken += ", ".join(sorted(ENGINE_COLUMNS))
        raise place.error("name", name, f"these names are taken: {taken}; use another name and set path")
    if not isinstance(value, dict):
        raise place.error("column", value, 'write { type = "text", path = "..." }')
    place.only(value, COLUMN_KEYS)
    type_ = _type(place, value.get("type", "text"))
    length_max = place.integer(value, "length_max", 1, TEXT_BYTES_MAX)
    if length_max is not None and type_ != "text":
        raise place.error("length_max", length_max, "only a column of type text has a length, in bytes")
    scale = place.integer(value, "scale", 0, DECIMAL_DIGITS - 1)
    if scale is not None and type_ != "decimal":
        raise place.error("scale", scale, "only a column of type decimal has a scale, its decimal places")
    if value.get("path") == READ_AT and (type_ != "timestamp" or {"format", "zone", "sql"} & set(value)):
        raise place.error("path", READ_AT, "the time of the file is a timestamp, without format, zone and sql")
    pii: Pii = place.choice(value, "pii", "none", PII)
    rule = _rule(place, value, type_, pii)
    return Column(
        name=name,
        type=type_,
        path=place.keys("path", value.get("path", name)) if _has_path(value, rule, place) else None,
        meaning=place.string(value, "meaning", "Not described."),
        unit=place.string(value, "unit", "") or None,
        nullable=nullable,
        transform=_transform(place, value, type_),
        pii=pii,
        is_amazon=False,
        source=place.string(value, "source", Path(place.file).name),
        length_max=length_max,
        scale=scale,
        notation=AS_USUAL if rule else _notation(place, value, type_, defaults),
        rule=rule,
    )


def _transform(place: Place, value: dict[str, Any], type_: Type) -> Transform:
    transform: Transform = place.choice(value, "transform", "plain", TRANSFORMS)
    needed = {"seconds_to_ms": "bigint", "last_arn_segment": "text", "union_to_text": MapOf("text")}.get(transform)
    if needed is not None and type_ != needed:
        wanted = needed if isinstance(needed, str) else "map"
        raise place.error("transform", transform, f"it needs a column of type {wanted}")
    return transform


def _notation(place: Place, value: dict[str, Any], type_: Type, defaults: Defaults) -> Notation:
    """How the source writes the values, as declared for the column or for the whole object."""
    has_comma = place.boolean(value, "decimal_comma", defaults.decimal_comma and type_ in NUMBERS)
    if has_comma and type_ not in NUMBERS:
        raise place.error("decimal_comma", has_comma, f"only numbers have one: {', '.join(NUMBERS)}")
    if "zone" in value and type_ != "timestamp":
        raise place.error("zone", value["zone"], "only a column of type timestamp has a zone")
    format_ = _format(place, value, type_)
    if type_ != "timestamp":
        return Notation(format=format_, decimal_comma=has_comma)
    zone = place.zone(value, defaults.zone)
    if format_ and format_ not in TIME_UNITS and not zone and not _OFFSET.search(format_):
        raise place.missing(
            "zone", 'its format has no offset (%z), so name the zone of its times: zone = "Europe/Berlin"'
        )
    return Notation(format_, zone)


def _format(place: Place, value: dict[str, Any], type_: Type) -> str:
    format_ = place.string(value, "format", "")
    if not format_:
        return ""
    match type_:
        case "timestamp" if format_ in TIME_UNITS or "%" in format_:
            return format_
        case "date" if "%" in format_:
            return format_
        case "boolean" if len(set(format_.lower().split("/"))) == 2 and "" not in format_.split("/"):
            return format_
    raise place.error(
        "format",
        format_,
        f"valid are {', '.join(TIME_UNITS)} or a pattern such as %d/%m/%Y %H:%M:%S for a timestamp, a pattern for a "
        "date, and the words for true and false, such as Y/N, for a boolean",
    )


def _type(place: Place, value: object) -> Type:
    if not isinstance(value, str):
        raise place.error("type", value, f"valid are {VALID_TYPES}")
    if value == "json":
        return Json()
    if value == "map":
        return MapOf("text")
    nested = _NESTED.match(value)
    plain = nested[2] if nested else value
    scalar: Scalar | None = next((known for known in get_args(Scalar) if known == plain), None)
    if scalar is None:
        raise place.error("type", value, f"valid are {VALID_TYPES}")
    if nested is None:
        return scalar
    return ListOf(scalar) if nested[1] == "list" else MapOf(scalar)
