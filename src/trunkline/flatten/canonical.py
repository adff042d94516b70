"""Canonical JSON text: keys sorted, no spaces, numbers as they were written. Two spellings of a value become one."""

from __future__ import annotations

import json

import msgspec

from trunkline.errors import RecordError

_pairs = msgspec.json.Decoder(dict[str, msgspec.Raw])
_items = msgspec.json.Decoder(list[msgspec.Raw])
_text = msgspec.json.Decoder(str)
_encode = msgspec.json.Encoder().encode

_KINDS = {b"{": "object", b"[": "array", b'"': "string", b"t": "boolean", b"f": "boolean", b"n": "null"}


def members(raw: bytes, where: str = "") -> dict[str, bytes]:
    """The members of a JSON object, each value as its raw text.

    Raises RecordError `duplicate_key` when a key comes twice: keeping either value would lose the other.
    """
    try:
        found = {key: bytes(value) for key, value in _pairs.decode(raw).items()}
    except msgspec.DecodeError:
        # The grammar holds, so it is a text that stands for no characters: half of a surrogate pair.
        raise RecordError("invalid_json", "a text holds half of a surrogate pair") from None
    if _count_keys(raw) != len(found):
        raise RecordError("duplicate_key", f"an object{f' at {where}' if where else ''} names one key twice")
    return found


def elements(raw: bytes) -> list[bytes]:
    """The elements of a JSON array, each as its raw text."""
    return [bytes(item) for item in _items.decode(raw)]


def kind(raw: bytes) -> str:
    """object, array, string, number, boolean or null, by the first character."""
    return _KINDS.get(raw.lstrip()[:1], "number")


def text_of(raw: bytes) -> str:
    """The text of a JSON string."""
    try:
        return _text.decode(raw)
    except msgspec.DecodeError:
        raise RecordError("invalid_json", "a text holds half of a surrogate pair") from None


def canonical(raw: bytes, lower_camel: bool = False) -> str:
    """Canonical text of any JSON value. Raises RecordError on a repeated key."""
    match kind(raw):
        case "object":
            inner = members(raw)
            if lower_camel:
                inner = {key[:1].lower() + key[1:]: value for key, value in inner.items()}
            parts = (f"{quote(key)}:{canonical(inner[key], lower_camel)}" for key in sorted(inner))
            return "{" + ",".join(parts) + "}"
        case "array":
            return "[" + ",".join(canonical(item, lower_camel) for item in elements(raw)) + "]"
        case "string":
            return quote(text_of(raw))
        case _:
            return raw.strip().decode()


def quote(text: str) -> str:
    """A JSON string, non-ASCII characters as they are."""
    return _encode(text).decode()


def _count_keys(raw: bytes) -> int:
    """How many members an object has, repeated keys counted. The object is known to be well-formed."""
    return len(json.loads(raw, object_pairs_hook=list, parse_int=str, parse_float=str))
