"""What one JSON value is: where it ends, whether it is strict, and why not. Pure functions over bytes in memory.

The grammar is RFC 8259 as `msgspec` skips it: it refuses NaN, Infinity, trailing commas, single quotes, comments,
control characters in strings, `01`, `1.`, `+1`, bad escapes, and escapes of half a surrogate pair (such text
could not be stored as UTF-8). It does not look at UTF-8, so `text_of` does.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import msgspec

from trunkline import limits

WHITE: Final = b" \t\r\n"
QUOTE: Final = ord('"')
RAW: Final = msgspec.json.Decoder(msgspec.Raw)
RAW_LIST: Final = msgspec.json.Decoder(list[msgspec.Raw])


# A string (also one that never ends), or a bracket: all that nesting needs.
_NESTING: Final = re.compile(rb'"(?:[^"\\]++|\\.)*+(?:"|\\?\Z)|[\[\]{}]', re.DOTALL)
_SCALAR: Final = re.compile(rb"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?|true|false|null")


@dataclass(frozen=True, slots=True)
class Found:
    """What stands at the start of a view.

    `end` > 0: a value of that many bytes stands there; with a `reason` it is of no use but its extent is known.
    `end` = 0 and a `reason`: broken, its extent unknown. Neither: more bytes are needed to tell.
    """

    end: int = 0
    reason: str | None = None
    detail: str = ""


MORE: Final = Found()
NO_VALUE: Final = Found(0, "invalid_json")


def probe(view: memoryview, is_final: bool, is_capped: bool, wants_why: bool = True) -> Found:
    """The value that starts at the view's first byte, which is one of `{`, `[` and `"`.

    `is_final`: the view ends where the file ends. `is_capped`: the view is as long as a record may be, and the
    file goes on. Without `wants_why`, what is no good value gives `NO_VALUE`, which is cheaper. The answer is the same
    however many bytes the view has beyond what is needed.
    """
    size = len(view)
    try:
        RAW.decode(view)
    except msgspec.DecodeError as error:
        message, at = _parts(str(error), size)
        if message == "trailing characters":
            return _sized(view, at - 1)
        if "truncated" in message or (at >= size - 1 and not is_final) or at >= size:
            return _unended(view, is_final, is_capped, wants_why)
        if not wants_why:
            return NO_VALUE
        if _nesting(view[:at])[0] > limits.JSON_DEPTH_MAX:
            return _deep(view, is_final, is_capped)
        return Found(0, "invalid_json", f"{limits.DEAD_LETTER_REASONS['invalid_json']}: {message} at byte {at}")
    except RecursionError:
        return _deep(view, is_final, is_capped) if wants_why else NO_VALUE
    return _sized(view, size)


def utf8_of(piece: bytes) -> bytes | Found:
    """The piece, known to be UTF-8, or why it is not."""
    try:
        if not piece.isascii():
            piece.decode()
    except UnicodeDecodeError as error:
        told = f"{limits.DEAD_LETTER_REASONS['invalid_utf8']} at byte {error.start}"
        return Found(len(piece), "invalid_utf8", told)
    return piece


def is_scalar(run: bytes) -> bool:
    """Whether the bytes are one JSON number, true, false or null."""
    return _SCALAR.fullmatch(run) is not None


def has_key(piece: bytes, key: str) -> bool:
    """Whether a strict JSON object, nested no deeper than allowed, has this key of its own."""
    try:
        _decoder_of(key).decode(piece)
    except msgspec.DecodeError:
        return False
    return True


@lru_cache
def _decoder_of(key: str) -> msgspec.json.Decoder[msgspec.Struct]:
    """A decoder that refuses every object without this key."""
    field = ("value", msgspec.Raw, msgspec.field(name=key))
    return msgspec.json.Decoder(msgspec.defstruct("HasKey", [field]))


def is_flat(record: bytes) -> bool:
    """Whether the bytes have too few brackets to nest too deep. False says nothing."""
    return record.count(b"{") + record.count(b"[") <= limits.JSON_DEPTH_MAX


def _parts(told: str, size: int) -> tuple[str, int]:
    """The parser's message without its place, and the place (`size` where it names none)."""
    body, _, place = told.removeprefix("JSON is malformed: ").rpartition(" (byte ")
    if body and place.endswith(")") and place[:-1].isdigit():
        return body, int(place[:-1])
    return told, size


def _sized(view: memoryview, end: int) -> Found:
    """A strict value and the white space after it end at `end`."""
    while end:
        step = bytes(view[max(0, end - 4096) : end])
        kept = len(step.rstrip(WHITE))
        end -= len(step) - kept
        if kept:
            break
    if view[:end].nbytes > 2 * limits.JSON_DEPTH_MAX and _nesting(view[:end])[0] > limits.JSON_DEPTH_MAX:
        return Found(end, "too_deep", limits.DEAD_LETTER_REASONS["too_deep"])
    return Found(end)


def _unended(view: memoryview, is_final: bool, is_capped: bool, wants_why: bool) -> Found:
    if is_capped:
        return Found(0, "too_long", limits.DEAD_LETTER_REASONS["too_long"])
    if not is_final:
        return MORE
    if not wants_why:
        return NO_VALUE
    depth, end = _nesting(view, is_whole=True)
    if depth > limits.JSON_DEPTH_MAX:
        return _deep(view, is_final, is_capped)
    if end and view[0] != QUOTE:  # the parser calls half a surrogate pair at the very end "truncated"
        return Found(0, "invalid_json", f"{limits.DEAD_LETTER_REASONS['invalid_json']}: half a surrogate pair")
    return Found(0, "truncated", limits.DEAD_LETTER_REASONS["truncated"])


def _deep(view: memoryview, is_final: bool, is_capped: bool) -> Found:
    """Too deep a value: where its brackets balance its end is known even so."""
    end = _nesting(view, is_whole=True)[1]
    if not end and not is_final and not is_capped:
        return MORE
    return Found(end, "too_deep", limits.DEAD_LETTER_REASONS["too_deep"])


def _nesting(view: memoryview, is_whole: bool = False) -> tuple[int, int]:
    """The greatest depth, and where the first value's brackets balance (0: nowhere).

    Without `is_whole` the depth is only measured where it can matter: few brackets give (0, 0).
    """
    piece = bytes(view)
    if not is_whole and piece.count(b"{") + piece.count(b"[") <= limits.JSON_DEPTH_MAX:
        return 0, 0
    depth = deepest = 0
    for token in _NESTING.finditer(piece):
        first = piece[token.start()]
        if first in b"{[":
            depth += 1
            deepest = max(deepest, depth)
        elif first in b"}]":
            depth -= 1
        if depth <= 0:
            return deepest, token.end()
    return deepest, 0


__all__ = [
    "MORE",
    "QUOTE",
    "RAW",
    "RAW_LIST",
    "WHITE",
    "Found",
    "has_key",
    "is_flat",
    "is_scalar",
    "probe",
    "utf8_of",
]
