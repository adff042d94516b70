"""DynamoDB's typed attribute values to plain JSON text, exactly: no digit is lost and no type is guessed.

Source: Amazon DynamoDB API reference, AttributeValue. S, N, BOOL, NULL, M and L have their own words in JSON. B, SS, NS
and BS have none and keep their tag (`{"SS":["a"]}`), as does a map that could be taken for one of these, so that two
different values never read the same. Members of a set are sorted: a set has no order.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Final

import msgspec
from msgspec import UNSET, Raw, UnsetType

from trunkline.errors import RecordError

DIGITS_MAX: Final = 38
"""Significant digits of a number (developer guide, naming rules and data types)."""
EXPONENT_MIN, EXPONENT_MAX = -130, 125
NESTING_MAX: Final = 32
TAGS: Final = ("S", "N", "M", "L", "BOOL", "NULL", "B", "SS", "NS", "BS")


class Attribute(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    """One typed value as it stands in streams, scans and exports: exactly one field is set. `S` keeps its raw text."""

    S: Raw | UnsetType = UNSET
    N: str | UnsetType = UNSET
    M: dict[str, Attribute] | UnsetType = UNSET
    L: list[Attribute] | UnsetType = UNSET
    BOOL: bool | UnsetType = UNSET
    NULL: bool | UnsetType = UNSET
    B: str | UnsetType = UNSET
    SS: list[str] | UnsetType = UNSET
    NS: list[str] | UnsetType = UNSET
    BS: list[str] | UnsetType = UNSET


Item = dict[str, Attribute]
"""The attributes of one item by name."""
Path = tuple[str, ...]
NONE: Final[Mapping[Path, bool]] = {}

# What every reader of JSON takes for what it is, without rounding: 15 digits.
_SHORT: Final = r"(?:0|-?[1-9][0-9]{0,14}|-?(?:0|[1-9][0-9]{0,6})\.[0-9]{0,6}[1-9])"

_PLAIN: Final = re.compile(_SHORT + r"\Z")
_NUMBER: Final = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]{1,4})?\Z")
_BASE64: Final = re.compile(r"(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?\Z")
_SIMPLE_KEY: Final = re.compile(r"[A-Za-z0-9_.-]*\Z")
_SHORT_NUMBER: Final = re.compile(rf'(:)\{{"N":"({_SHORT})"(?=\}})'.encode())
_WORDS: Final = ((b':{"BOOL":true', b":true"), (b':{"BOOL":false', b":false"), (b':{"NULL":true', b":null"))
_TAGGED: Final = re.compile(rb'\{"(?:S|N|M|L|BOOL|NULL|B|SS|NS|BS)":')
# JSON has no control characters, so they can stand for what would mislead: escapes, and braces inside texts.
_ESCAPES: Final = ((b"\\\\", b"\x01"), (b'\\"', b"\x02"))
_BRACES: Final = ((b"{", b"\x03"), (b"}", b"\x04"))

_CLOSED: Final = bytes.maketrans(b"\x05", b"}")

_encode = msgspec.json.Encoder().encode


def untagged(typed: bytes) -> bytes | None:
    """Typed items, each compact JSON and a line of its own, in plain JSON; None where value by value must be read.

    Texts, short numbers, booleans, NULLs and maps of them lose their tags, all items at once. That nothing else is
    there is counted: each such value has so many texts and braces, and a member that is none adds more.
    """
    if b"[" in typed and b'":[' in typed:
        return None
    escaped = typed.count(b'\\"') if b"\\" in typed else 0
    found = None if escaped and b"\\\\" in typed else _counted(typed, escaped)
    found = found or _masked(typed)
    # A map that could be taken for a tag keeps its own.
    return None if found is None or _TAGGED.search(found) else found


def _masked(typed: bytes) -> bytes | None:
    """The same where texts hold braces or escapes that mislead."""
    parts = _replaced(typed, _ESCAPES).split(b'"')
    parts[1::2] = [_replaced(one, _BRACES) if b"{" in one or b"}" in one else one for one in parts[1::2]]
    found = _counted(b'"'.join(parts), 0)
    return None if found is None else _replaced(found, ((new, old) for old, new in (*_BRACES, *_ESCAPES)))


def _counted(typed: bytes, escaped: int) -> bytes | None:
    """Without tags, or None where texts and braces are not those of the values it takes tags from.

    `escaped` quotation marks stand inside texts. Neither `{"` nor `":` does, since marks are escaped there.
    """
    opened, marks = typed.count(b"{"), typed.count(b'"') - escaped
    if typed.count(b"}") != opened:
        return None
    size = typed.count(b"\n") + 1
    pieces = _SHORT_NUMBER.split(typed)
    bare = b"".join(pieces)
    text = bare.replace(b':{"S":"', b':"')
    values = (len(bare) - len(text)) // 5 + len(pieces) // 3
    bare, text = text, text.replace(b':{"M":{', b":{")
    maps = (len(bare) - len(text)) // 5
    words = opened - size - values - 2 * maps
    if words:
        text, words = _worded(text, words)
    if words < 0 or marks != 6 * values + 4 * (words + maps):
        return None
    # A value ends with a brace, a map with two and an item with one. Where they stand together, a value's own goes and
    # of each pair one. An empty map at an item's end has no value in it, and shows in the count.
    bare, text = text, text.replace(b"}}", b"\x05")
    return text.translate(_CLOSED, b"}") if len(bare) - len(text) == size + maps else None


def _worded(text: bytes, expected: int) -> tuple[bytes, int]:
    """With booleans and NULLs untagged, and how many they were; -1 where not as many as `expected`."""
    words = 0
    for tagged, word in _WORDS:
        before, text = len(text), text.replace(tagged, word)
        words += (before - len(text)) // (len(tagged) - len(word))
    return text, words if words == expected else -1


def _replaced(text: bytes, pairs: Iterable[tuple[bytes, bytes]]) -> bytes:
    for old, new in pairs:
        text = text.replace(old, new)
    return text


def object_text(attributes: Item, exact: Mapping[Path, bool] = NONE, path: Path = ()) -> str:
    """A JSON object of attributes, in their order. Raises RecordError `wrong_type`, which names a path and no value.

    A number at one of the paths `exact` is written as a text where a reader might round it, or always where it says so.
    """
    if len(path) > NESTING_MAX:
        raise _wrong(path[:1], f"it nests deeper than {NESTING_MAX} levels")
    parts = [f"{quote(key)}:{text_of(value, exact, (*path, key))}" for key, value in attributes.items()]
    return "{" + ",".join(parts) + "}"


def text_of(attribute: Attribute, exact: Mapping[Path, bool] = NONE, path: Path = ()) -> str:
    """Plain JSON text of one value; see `object_text`."""
    found = [(tag, value) for tag in TAGS if (value := getattr(attribute, tag)) is not UNSET]
    if len(found) != 1:
        raise _wrong(path, f"a value has exactly one type and this has {len(found)}")
    ((tag, value),) = found
    match tag:
        case "S":
            return _string(value, path)
        case "N":
            text = number(value, path)
            is_text = path in exact and (exact[path] or not _PLAIN.match(text))
            return f'"{text}"' if is_text else text
        case "M":
            text = object_text(value, exact, path)
            return f'{{"M":{text}}}' if len(value) == 1 and next(iter(value)) in TAGS else text
        case "L":
            if len(path) > NESTING_MAX:
                raise _wrong(path[:1], f"it nests deeper than {NESTING_MAX} levels")
            return "[" + ",".join(text_of(one, exact, (*path, "[]")) for one in value) + "]"
        case "BOOL":
            return "true" if value else "false"
        case "NULL":
            return _null(value, path)
        case "B":
            return f'{{"B":{_binary(value, path)}}}'
        case _:
            return _set(tag, value, path)


def _string(raw: Raw, path: Path) -> str:
    text = bytes(raw)
    if text[:1] != b'"':
        raise _wrong(path, "S is no text")
    return text.decode()


def _null(value: bool, path: Path) -> str:
    if not value:
        raise _wrong(path, "NULL can only be true")
    return "null"


def _set(tag: str, members: list[str], path: Path) -> str:
    match tag:
        case "SS":
            texts = [_encode(one).decode() for one in sorted(members)]
        case "BS":
            texts = [_binary(one, path) for one in sorted(members)]
        case _:
            texts = sorted((number(one, path) for one in members), key=Decimal)
    if not texts or len(set(texts)) < len(texts):
        raise _wrong(path, f"a set ({tag}) has at least one member and none twice")
    return f'{{"{tag}":[{",".join(texts)}]}}'


def quote(text: str) -> str:
    """A JSON string."""
    return f'"{text}"' if _SIMPLE_KEY.match(text) else _encode(text).decode()


def with_member(text: bytes, member: str) -> bytes:
    """A JSON object with one more member, before the others."""
    return b"{%b,%b" % (member.encode(), text[1:]) if text != b"{}" else b"{%b}" % member.encode()


def number(text: str, path: Path = ()) -> str:
    """A number as a JSON number in plain notation, every digit kept: `1E5` is 100000, `1.50` is 1.5."""
    if _PLAIN.match(text):
        return text
    if not _NUMBER.match(text):
        raise _wrong(path, "N is no number")
    sign, all_digits, exponent = Decimal(text).as_tuple()
    assert isinstance(exponent, int)
    digits = "".join(map(str, all_digits)).lstrip("0")
    significant = digits.rstrip("0")
    if not significant:
        return "0"
    exponent += len(digits) - len(significant)
    if len(significant) > DIGITS_MAX or not EXPONENT_MIN <= exponent + len(significant) - 1 <= EXPONENT_MAX:
        raise _wrong(path, f"N has more than {DIGITS_MAX} digits or is outside 1E{EXPONENT_MIN} to 9.9E{EXPONENT_MAX}")
    return f"{Decimal((sign, tuple(map(int, significant)), exponent)):f}"


def _binary(text: str, path: Path) -> str:
    if not _BASE64.match(text):
        raise _wrong(path, "a binary value is no base64")
    return f'"{text}"'


def _wrong(path: Path, what: str) -> RecordError:
    return RecordError("wrong_type", f"attribute {'.'.join(path) or '?'}: {what}")
