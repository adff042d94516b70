"""Hive type names, parsed, and which changes of a column's type keep every file readable. Pure.

Source of the widening rules: Athena user guide, "Change a column data type": a column of an integer type may be read
as a wider one, and float as double; a decimal of more digits on both sides of the point holds every value of one with
fewer (Trino reads it so). Arrays, maps and structs widen where their items do; a struct may gain fields, since
Parquet's are found by name.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_TOKEN = re.compile(r"\s*([a-z_][\w]*(?:\(\s*\d+\s*(?:,\s*\d+\s*)?\))?|[<>:,]|`[^`]+`)", re.IGNORECASE)
_WHOLE = {name: place for place, name in enumerate(("tinyint", "smallint", "int", "bigint"))}
_OTHER_NAMES = {"integer": "int", "byte": "tinyint", "short": "smallint", "long": "bigint"}
_DECIMAL = re.compile(r"decimal\((\d+)(?:,(\d+))?\)")


@dataclass(frozen=True, slots=True)
class HiveType:
    """A type: its name in lower case, with precision and scale; `fields` of an array, map or struct by name."""

    name: str
    fields: tuple[tuple[str, HiveType], ...] = ()


def parse(text: str) -> HiveType:
    """The type of this name. Raises ValueError for text that is not a Hive type name."""
    tokens: list[str] = []
    at = 0
    while at < len(text.rstrip()):
        token = _TOKEN.match(text, at)
        if token is None:
            raise ValueError(f"{text!r} is not a Hive type: {text[at:]!r} cannot be read")
        tokens.append(token[1])
        at = token.end()
    type_, rest = _read(tokens, text)
    if rest:
        raise ValueError(f"{text!r} is not a Hive type: {''.join(rest)!r} is left over")
    return type_


def _read(tokens: list[str], text: str) -> tuple[HiveType, list[str]]:
    if not tokens or tokens[0] in "<>:,":
        raise ValueError(f"{text!r} is not a Hive type: a type is missing")
    name, rest = re.sub(r"\s", "", tokens[0].lower()), tokens[1:]
    name = _OTHER_NAMES.get(name, name)
    if rest[:1] != ["<"]:
        return HiveType(name), rest
    fields: list[tuple[str, HiveType]] = []
    while rest[0] != ">":
        rest = rest[1:]
        field = str(len(fields))
        if name == "struct":
            if rest[1:2] != [":"]:
                raise ValueError(f"{text!r} is not a Hive type: a field of struct has no type")
            field, rest = rest[0].strip("`").lower(), rest[2:]
        type_, rest = _read(rest, text)
        fields.append((field, type_))
        if rest[:1] not in ([","], [">"]):
            raise ValueError(f"{text!r} is not a Hive type: a bracket is not closed")
    return HiveType(name, tuple(fields)), rest[1:]


def is_same(first: str, second: str) -> bool:
    """Whether two names stand for the same type."""
    return parse(first) == parse(second)


def is_widening(current: str, wanted: str) -> bool:
    """Whether files written with type `current` read correctly as `wanted`, a wider type. False for the same type."""
    return not is_same(current, wanted) and _holds(parse(wanted), parse(current))


def _holds(wide: HiveType, narrow: HiveType) -> bool:
    if wide == narrow:
        return True
    if wide.fields or narrow.fields:
        narrow_fields = dict(narrow.fields)
        wide_fields = dict(wide.fields)
        grows = wide.name == "struct" or narrow_fields.keys() == wide_fields.keys()
        return wide.name == narrow.name and grows and all(
            name in wide_fields and _holds(wide_fields[name], type_) for name, type_ in narrow_fields.items()
        )  # fmt: skip
    if wide.name in _WHOLE and narrow.name in _WHOLE:
        return _WHOLE[wide.name] >= _WHOLE[narrow.name]
    decimals = _DECIMAL.fullmatch(wide.name), _DECIMAL.fullmatch(narrow.name)
    if decimals[0] and decimals[1]:
        (digits, scale), (fewer, less) = ((int(match[1]), int(match[2] or 0)) for match in decimals if match)
        return scale >= less and digits - scale >= fewer - less
    return (narrow.name, wide.name) == ("float", "double")
