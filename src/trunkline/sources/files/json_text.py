"""One JSON value: where it ends, whether it is strict, and if not, why; and the blocks and spans that framing makes.

Pure functions over bytes in memory.

The grammar is RFC 8259 as `msgspec` skips it: it refuses NaN, Infinity, trailing commas, single quotes, comments,
control characters in strings, `01`, `1.`, `+1`, bad escapes. Escapes of half a surrogate pair,
which it refuses too, are allowed. It does not check UTF-8, so `utf8_of` does.
"""

from __future__ import annotations

import re
from array import array
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final, NamedTuple

import msgspec

from trunkline import limits
from trunkline.records import Texts

WHITE: Final = b" \t\r\n"
QUOTE: Final = ord('"')
RAW: Final = msgspec.json.Decoder(msgspec.Raw)
RAW_LIST: Final = msgspec.json.Decoder(list[msgspec.Raw])


# A string (also one that never ends), or a bracket: all that nesting needs.
_NESTING: Final = re.compile(rb'"(?:[^"\\]++|\\.)*+(?:"|\\?\Z)|[\[\]{}]', re.DOTALL)
_SURROGATE: Final = re.compile(rb"\\u[dD][89a-fA-F]")
# A pair, or half of one (group 1), or another escape.
_ESCAPE: Final = re.compile(
    rb"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(\\u[dD][89a-fA-F][0-9a-fA-F]{2})|\\.", re.DOTALL
)
_SCALAR: Final = re.compile(rb"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?|true|false|null")


@dataclass(frozen=True, slots=True)
class Found:
    """What is at the start of a view.

    `end` > 0: a value of that many bytes; with a `reason` it is unusable, and its extent is known.
    `end` = 0 and a `reason`: broken, with unknown extent. Neither: more bytes are needed.
    """

    end: int = 0
    reason: str | None = None
    detail: str = ""


MORE: Final = Found()
NO_VALUE: Final = Found(0, "invalid_json")


def probe(view: memoryview, is_final: bool, is_capped: bool, wants_why: bool = True) -> Found:
    """The value that starts at the view's first byte, which is one of `{`, `[` and `"`.

    `is_final`: the view ends where the file ends. `is_capped`: the view is as long as a record may be, and the
    file goes on. Without `wants_why`, anything but a strict value gives `NO_VALUE`, which is cheaper. The result does
    not depend on bytes beyond those that are needed.
    """
    size = len(view)
    try:
        RAW.decode(view)
    except msgspec.DecodeError as error:
        repaired = without_lone_surrogates(view)
        if repaired is not None:
            return probe(memoryview(repaired), is_final, is_capped, wants_why)
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


def without_lone_surrogates(view: memoryview | bytes) -> bytes | None:
    """A copy in which each escape of half a surrogate pair is that of U+FFFD, which is as long; None without any.

    JSON's grammar allows such an escape and parsers refuse it. The record keeps it until it is flattened, which counts
    it.
    """
    piece = bytes(view)
    if not _SURROGATE.search(piece):
        return None
    repaired = _ESCAPE.sub(lambda match: b"\\ufffd" if match[1] else match[0], piece)
    return repaired if repaired != piece else None


def utf8_of(piece: bytes) -> bytes | Found:
    """The piece if it is UTF-8, else why it is not."""
    try:
        if not piece.isascii():
            piece.decode()
    except UnicodeDecodeError as error:
        detail = f"{limits.DEAD_LETTER_REASONS['invalid_utf8']} at byte {error.start}"
        return Found(len(piece), "invalid_utf8", detail)
    return piece


def is_scalar(run: bytes) -> bool:
    """Whether the bytes are one JSON number, true, false or null."""
    return _SCALAR.fullmatch(run) is not None


Anchor = str | tuple[str, ...]
"""The key that marks a record, or one for each of several kinds of record."""


def has_any_key(piece: bytes, anchor: Anchor) -> bool:
    """Whether a strict JSON object has one of these keys of its own; see `has_key`."""
    return any(has_key(piece, key) for key in ((anchor,) if isinstance(anchor, str) else anchor))


def has_key(piece: bytes, key: str) -> bool:
    """Whether a strict JSON object, nested no deeper than allowed, has this key of its own."""
    try:
        _decoder_of(key).decode(piece)
    except msgspec.DecodeError:
        repaired = without_lone_surrogates(piece)
        return repaired is not None and has_key(repaired, key)
    return True


def all_have_key(records: Sequence[bytes], key: Anchor) -> bool:
    """Whether each of these strict JSON objects has this key of its own. False proves nothing."""
    if not isinstance(key, str):
        return False
    try:
        _decoder_of(key).decode_lines(b"".join(records))
    except (msgspec.DecodeError, RecursionError):
        return False
    return True


@lru_cache
def _decoder_of(key: str) -> msgspec.json.Decoder[msgspec.Struct]:
    """A decoder that refuses every object without this key."""
    field = ("value", msgspec.Raw, msgspec.field(name=key))
    return msgspec.json.Decoder(msgspec.defstruct("HasKey", [field]))


def is_flat(record: bytes) -> bool:
    """Whether the bytes have too few brackets to be nested too deep. False proves nothing."""
    return record.count(b"{") + record.count(b"[") <= limits.JSON_DEPTH_MAX


def _parts(error: str, size: int) -> tuple[str, int]:
    """The parser's message without its position, and the position (`size` where the message has none)."""
    body, _, place = error.removeprefix("JSON is malformed: ").rpartition(" (byte ")
    if body and place.endswith(")") and place[:-1].isdigit():
        return body, int(place[:-1])
    return error, size


def _sized(view: memoryview, end: int) -> Found:
    """A strict value and the white space after it end at `end`."""
    while end:
        step = bytes(view[max(0, end - 4096) : end])
        length = len(step.rstrip(WHITE))
        end -= len(step) - length
        if length:
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
    """A value that is nested too deep. If its brackets balance, its end is known."""
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


class Span(NamedTuple):
    """Broken bytes: offset in the file, first MiB, whole length without white space at its end, reason, detail."""

    offset: int
    payload: bytes
    length: int
    reason: str
    detail: str


@dataclass(slots=True)
class Block:
    """Consecutive records of one file. `end` is the offset where the next block starts; `is_last`: the file's end."""

    texts: Texts = field(default_factory=Texts)
    offsets: array[int] = field(default_factory=lambda: array("q"))
    broken: list[Span] = field(default_factory=list)
    end: int = 0
    is_last: bool = False


class GrowingSpan:
    """A broken span whose end is not found yet: its first MiB, and the end of its last byte that is not white space."""

    def __init__(self, start: int) -> None:
        self.start = self.taken = self.end = start
        self.head = bytearray()

    def take(self, buf: bytes, base: int, index: int) -> None:
        """Add what is before `index` of `buf` and was not added yet."""
        piece = buf[self.taken - base : index]
        length = len(piece.rstrip(WHITE))
        if length:
            self.end = self.taken + length
        self.head += piece[: limits.DEAD_LETTER_BYTES_MAX - len(self.head)]
        self.taken = base + index

    def finish(self, why: Found) -> Span:
        """The span without white space at its end."""
        length = self.end - self.start
        return Span(self.start, bytes(self.head[:length]), length, why.reason or "", why.detail)
