"""Hive's type names as values, and which change of a column's type keeps every file readable. Pure.

Source of what is wider: Athena user guide, "Change a column data type": a column of one whole-number type may be read
as a longer one, and float as double; a decimal of more digits on both sides of the point holds every value of one with
fewer (Trino reads it so). Lists, maps and records widen where what they hold does; a record may gain fields, since
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
    """A type: `name` in lower case, with its digits where it has some; `fields` of array, map and struct by name."""

    name: str
    fields: tuple[tuple[str, HiveType], ...] = ()


def parse(text: str) -> HiveType:
    """The type of this name. Raises ValueError for what is no Hive type name."""
    tokens: list[str] = []
    at = 0
    while at < len(text.rstrip()):
        found = _TOKEN.match(text, at)
        if found is None:
            raise ValueError(f"{text!r} is no Hive type: {text[at:]!r} cannot be read")
        tokens.append(found[1])
        at = found.end()
    type_, rest = _read(tokens, text)
    if rest:
        raise ValueError(f"{text!r} is no Hive type: {''.join(rest)!r} is left over")
    return type_


def _read(tokens: list[str], text: str) -> tuple[HiveType, list[str]]:
    if not tokens or tokens[0] in "<>:,":
        raise ValueError(f"{text!r} is no Hive type: a type is missing")
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
                raise ValueError(f"{text!r} is no Hive type: a field of struct has no type")
            field, rest = rest[0].strip("`").lower(), rest[2:]
        type_, rest = _read(rest, text)
        fields.append((field, type_))
        if rest[:1] not in ([","], [">"]):
            raise ValueError(f"{text!r} is no Hive type: a bracket is not closed")
    return HiveType(name, tuple(fields)), rest[1:]


def is_same(one: str, other: str) -> bool:
    """Whether two names name one type."""
    return parse(one) == parse(other)


def is_widening(held: str, wanted: str) -> bool:
    """Whether every file written for `held` reads right as `wanted`, which holds more. False for one type."""
    return not is_same(held, wanted) and _holds(parse(wanted), parse(held))


def _holds(wide: HiveType, narrow: HiveType) -> bool:
    if wide == narrow:
        return True
    if wide.fields or narrow.fields:
        held = dict(narrow.fields)
        named = dict(wide.fields)
        grows = wide.name == "struct" or held.keys() == named.keys()
        return wide.name == narrow.name and grows and all(
            name in named and _holds(named[name], type_) for name, type_ in held.items()
        )  # fmt: skip
    if wide.name in _WHOLE and narrow.name in _WHOLE:
        return _WHOLE[wide.name] >= _WHOLE[narrow.name]
    decimals = _DECIMAL.fullmatch(wide.name), _DECIMAL.fullmatch(narrow.name)
    if decimals[0] and decimals[1]:
        (digits, scale), (fewer, less) = ((int(found[1]), int(found[2] or 0)) for found in decimals if found)
        return scale >= less and digits - scale >= fewer - less
    return (narrow.name, wide.name) == ("float", "double")
