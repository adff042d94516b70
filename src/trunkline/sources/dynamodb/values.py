"""DynamoDB's typed attribute values to plain JSON text, exactly: no digit is lost and no type is guessed.

Source: Amazon DynamoDB API reference, AttributeValue. S, N, BOOL, NULL, M and L have types of their own in JSON. B, SS,
NS and BS have none and keep their tag (`{"SS":["a"]}`), as does a map that looks like one of these, so that two
different values never have the same text. Members of a set are sorted: a set has no order.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Final

import msgspec
from msgspec import UNSET, Raw, UnsetType

from trunkline.errors import RecordError
from trunkline.limits import DYNAMODB_DIGITS_MAX, DYNAMODB_EXPONENT_MAX, DYNAMODB_EXPONENT_MIN, DYNAMODB_NESTING_MAX

TAGS: Final = ("S", "N", "M", "L", "BOOL", "NULL", "B", "SS", "NS", "BS")


class Attribute(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    """One typed value as streams, scans and exports have it: exactly one field is set. `S` keeps its raw text."""

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

# What every JSON reader reads without rounding: 15 digits.
_SHORT: Final = r"(?:0|-?[1-9][0-9]{0,14}|-?(?:0|[1-9][0-9]{0,6})\.[0-9]{0,6}[1-9])"

_PLAIN: Final = re.compile(_SHORT + r"\Z")
_NUMBER: Final = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]{1,4})?\Z")
_BASE64: Final = re.compile(r"(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?\Z")
_SIMPLE_KEY: Final = re.compile(r"[A-Za-z0-9_.-]*\Z")
_SHORT_NUMBER: Final = re.compile(rf'(:)\{{"N":"({_SHORT})"(?=\}})'.encode())
_WORDS: Final = ((b':{"BOOL":true', b":true"), (b':{"BOOL":false', b":false"), (b':{"NULL":true', b":null"))
_ANY_TAG: Final = {tag: tag for tag in TAGS} | {"NUL": "NULL", "NULLVALUE": "NULL"}
_TYPED_MEMBER: Final = re.compile(rb':\s*\{\s*"(?:S|N|M|L|BOOL|NULL|B|SS|NS|BS|NUL|NULLVALUE)"\s*:', re.IGNORECASE)
_TAGGED: Final = re.compile(rb'\{"(?:S|N|M|L|BOOL|NULL|B|SS|NS|BS)":')
# JSON has no control characters, so they can replace what misleads the counts: escapes, and braces inside texts.
_ESCAPES: Final = ((b"\\\\", b"\x01"), (b'\\"', b"\x02"))
_BRACES: Final = ((b"{", b"\x03"), (b"}", b"\x04"))

_CLOSED: Final = bytes.maketrans(b"\x05", b"}")

_encode = msgspec.json.Encoder().encode


def is_typed(text: bytes) -> bool:
    """Whether a member of a JSON text looks like a typed value, also with the tags of Java's libraries."""
    return _TYPED_MEMBER.search(text) is not None


def upper_tags(typed: bytes) -> bytes:
    """A typed item with the tags that DynamoDB has.

    Java's libraries write them in lower case (`{"s":"x"}`, `{"bOOL":true}`), beside members that are null. Raises
    RecordError `wrong_type` where a value has not exactly one known tag.
    """
    item = msgspec.json.decode(typed)
    if not isinstance(item, dict):
        raise _wrong((), "an item must be an object")
    return _encode({name: _upper_value(value, (name,)) for name, value in item.items()})


def _upper_value(value: object, path: Path) -> dict[str, object]:
    members = value.items() if isinstance(value, dict) else ()
    known = [(_ANY_TAG.get(str(tag).upper()), inner) for tag, inner in members if inner is not None]
    tag, inner = known[0] if len(known) == 1 else (None, None)
    if tag is None:
        raise _wrong(path, "a value must have exactly one type")
    if tag == "M" and isinstance(inner, dict):
        inner = {name: _upper_value(member, (*path, name)) for name, member in inner.items()}
    elif tag == "L" and isinstance(inner, list):
        inner = [_upper_value(member, (*path, "[]")) for member in inner]
    return {tag: inner}


def remove_tags(typed: bytes) -> bytes | None:
    """Typed items, one per line of compact JSON, in plain JSON; None where they must be read value by value.

    Texts, short numbers, booleans, NULLs and maps of them lose their tags, all items at once. Counting proves that
    there is nothing else: each such value has a fixed number of quotation marks and braces; other values add more.
    """
    if b"[" in typed and b'":[' in typed:
        return None
    escaped = typed.count(b'\\"') if b"\\" in typed else 0
    plain = None if escaped and b"\\\\" in typed else _remove_counted(typed, escaped)
    plain = plain or _remove_masked(typed)
    # A map that looks like a tag keeps its own.
    return None if plain is None or _TAGGED.search(plain) else plain


def _remove_masked(typed: bytes) -> bytes | None:
    """The same where texts contain braces or escapes that mislead the counts."""
    parts = _replace_all(typed, _ESCAPES).split(b'"')
    parts[1::2] = [_replace_all(text, _BRACES) if b"{" in text or b"}" in text else text for text in parts[1::2]]
    plain = _remove_counted(b'"'.join(parts), 0)
    return None if plain is None else _replace_all(plain, ((new, old) for old, new in (*_BRACES, *_ESCAPES)))


def _remove_counted(typed: bytes, escaped: int) -> bytes | None:
    """Without tags, or None where quotation marks and braces are not exactly those of the values that had tags.

    `escaped` quotation marks are inside texts. Neither `{"` nor `":` is, since marks are escaped there.
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
        text, words = _remove_word_tags(text, words)
    if words < 0 or marks != 6 * values + 4 * (words + maps):
        return None
    # A value ends with a brace, a map with two and an item with one. Where they are adjacent, the value's own is
    # removed and one of each pair. An empty map at an item's end has no value in it, and shows in the count.
    bare, text = text, text.replace(b"}}", b"\x05")
    return text.translate(_CLOSED, b"}") if len(bare) - len(text) == size + maps else None


def _remove_word_tags(text: bytes, expected: int) -> tuple[bytes, int]:
    """Without the tags of booleans and NULLs, and how many there were; -1 where that is not `expected`."""
    words = 0
    for tagged, word in _WORDS:
        before, text = len(text), text.replace(tagged, word)
        words += (before - len(text)) // (len(tagged) - len(word))
    return text, words if words == expected else -1


def _replace_all(text: bytes, pairs: Iterable[tuple[bytes, bytes]]) -> bytes:
    for old, new in pairs:
        text = text.replace(old, new)
    return text


def object_text(attributes: Item, exact: Mapping[Path, bool] = NONE, path: Path = ()) -> str:
    """A JSON object of attributes, in their order.

    `exact` has paths whose numbers are written as text where a reader might round them, or always where its value is
    true. Raises RecordError `wrong_type`, which names a path and no value.
    """
    if len(path) > DYNAMODB_NESTING_MAX:
        raise _wrong(path[:1], f"it is nested deeper than {DYNAMODB_NESTING_MAX} levels")
    parts = [f"{quote(key)}:{text_of(value, exact, (*path, key))}" for key, value in attributes.items()]
    return "{" + ",".join(parts) + "}"


def text_of(attribute: Attribute, exact: Mapping[Path, bool] = NONE, path: Path = ()) -> str:
    """Plain JSON text of one value; see `object_text`."""
    typed = [(tag, value) for tag in TAGS if (value := getattr(attribute, tag)) is not UNSET]
    if len(typed) != 1:
        raise _wrong(path, f"a value must have exactly one type, and this has {len(typed)}")
    ((tag, value),) = typed
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
            if len(path) > DYNAMODB_NESTING_MAX:
                raise _wrong(path[:1], f"it is nested deeper than {DYNAMODB_NESTING_MAX} levels")
            return "[" + ",".join(text_of(member, exact, (*path, "[]")) for member in value) + "]"
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
        raise _wrong(path, "S must be a text")
    return text.decode()


def _null(value: bool, path: Path) -> str:
    if not value:
        raise _wrong(path, "NULL must be true")
    return "null"


def _set(tag: str, members: list[str], path: Path) -> str:
    match tag:
        case "SS":
            texts = [_encode(member).decode() for member in sorted(members)]
        case "BS":
            texts = [_binary(member, path) for member in sorted(members)]
        case _:
            texts = sorted((number(member, path) for member in members), key=Decimal)
    if not texts or len(set(texts)) < len(texts):
        raise _wrong(path, f"a set ({tag}) must have at least one member and none twice")
    return f'{{"{tag}":[{",".join(texts)}]}}'


def quote(text: str) -> str:
    """A JSON string."""
    return f'"{text}"' if _SIMPLE_KEY.match(text) else _encode(text).decode()


def with_member(text: bytes, member: str) -> bytes:
    """A JSON object with one more member, before the others."""
    return b"{%b,%b" % (member.encode(), text[1:]) if text != b"{}" else b"{%b}" % member.encode()


def number(text: str, path: Path = ()) -> str:
    """A number as a JSON number in plain notation, every digit kept: `1E5` is 100000, `1.50` is 1.5.

    Raises RecordError for anything that DynamoDB does not accept as a number.
    """
    if _PLAIN.match(text):
        return text
    if not _NUMBER.match(text):
        raise _wrong(path, "N must be a number")
    sign, all_digits, exponent = Decimal(text).as_tuple()
    assert isinstance(exponent, int)  # the pattern admits neither NaN nor infinity
    digits = "".join(map(str, all_digits)).lstrip("0")
    significant = digits.rstrip("0")
    if not significant:
        return "0"
    exponent += len(digits) - len(significant)
    if (
        len(significant) > DYNAMODB_DIGITS_MAX
        or not DYNAMODB_EXPONENT_MIN <= exponent + len(significant) - 1 <= DYNAMODB_EXPONENT_MAX
    ):
        raise _wrong(
            path,
            f"N has more than {DYNAMODB_DIGITS_MAX} digits or is outside 1E{DYNAMODB_EXPONENT_MIN} to "
            f"9.9E{DYNAMODB_EXPONENT_MAX}",
        )
    return f"{Decimal((sign, tuple(map(int, significant)), exponent)):f}"


def _binary(text: str, path: Path) -> str:
    if not _BASE64.match(text):
        raise _wrong(path, "a binary value must be base64")
    return f'"{text}"'


def _wrong(path: Path, what: str) -> RecordError:
    return RecordError("wrong_type", f"attribute {'.'.join(path) or '?'}: {what}")
