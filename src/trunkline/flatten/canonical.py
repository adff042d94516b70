"""JSON read exactly, and its canonical text: keys sorted, no spaces, numbers as they were written.

Two spellings of a value become one text; no digit is lost, and no member of a repeated key either.
"""

from __future__ import annotations

import json
from typing import Any

import msgspec

from trunkline.errors import RecordError

_encode = msgspec.json.Encoder().encode


class Number(str):
    """A JSON number, as it was written."""

    __slots__ = ()


class Repeated(dict[str, Any]):
    """An object that names a key twice: keeping either value would lose the other."""


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    return found if len(found) == len(pairs) else Repeated(found)


_decoder = json.JSONDecoder(object_pairs_hook=_object, parse_int=Number, parse_float=Number)


def exact(text: str) -> Any:
    """The value of strict JSON text: dict, list, str, `Number`, bool or None.

    Raises RecordError `too_deep` where Python cannot follow.
    """
    try:
        return _decoder.decode(text)
    except RecursionError:
        raise RecordError("too_deep", "the record nests too deep to be read") from None


def members(value: dict[str, Any], where: str = "") -> dict[str, Any]:
    """The members of an object. Raises RecordError `duplicate_key` when a key comes twice."""
    if isinstance(value, Repeated):
        raise RecordError("duplicate_key", f"an object{f' at {where}' if where else ''} names one key twice")
    return value


def kind(value: Any) -> str:
    """object, array, string, number, boolean or null."""
    match value:
        case dict():
            return "object"
        case list():
            return "array"
        case Number():
            return "number"
        case str():
            return "string"
        case None:
            return "null"
        case _:
            return "boolean"


def json_type(value: Any) -> str:
    """The value's type as DuckDB's `json_type` names it."""
    if isinstance(value, Number):
        return "DOUBLE" if set(value) & set(".eE") else "BIGINT" if value.startswith("-") else "UBIGINT"
    return {"string": "VARCHAR"}.get(kind(value), kind(value).upper())


def canonical(value: Any, lower_camel: bool = False) -> str:
    """Canonical text of a value. Raises RecordError on a repeated key, and where half of a surrogate pair stands."""
    match value:
        case dict():
            inner = members(value)
            if lower_camel:
                inner = {key[:1].lower() + key[1:]: one for key, one in inner.items()}
            return "{" + ",".join(f"{quote(key)}:{canonical(inner[key], lower_camel)}" for key in sorted(inner)) + "}"
        case list():
            return "[" + ",".join(canonical(item, lower_camel) for item in value) + "]"
        case Number():
            return str(value)
        case str():
            return quote(value)
        case None:
            return "null"
        case _:
            return "true" if value else "false"


def scalar_text(value: Any) -> str:
    """A text as it is, a number with its digits, an object where text belongs as its canonical text."""
    return str(value) if isinstance(value, str) else canonical(value)


def quote(text: str) -> str:
    """A JSON string, non-ASCII characters as they are. Raises RecordError for half of a surrogate pair."""
    try:
        return _encode(text).decode()
    except UnicodeEncodeError:
        # The grammar holds, so it is a text that stands for no characters.
        raise RecordError("invalid_json", "a text holds half of a surrogate pair") from None
