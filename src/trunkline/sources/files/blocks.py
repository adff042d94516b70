"""What framing finds: blocks of records with their offsets, and spans of broken text."""

from __future__ import annotations

from array import array
from dataclasses import dataclass, field
from typing import NamedTuple

from trunkline import limits
from trunkline.records import Texts
from trunkline.sources.files.json_text import WHITE, Found


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
    """A broken span while its end is sought: its first MiB, and where its last byte that is not white space lies."""

    def __init__(self, start: int) -> None:
        self.start = self.taken = self.end = start
        self.head = bytearray()

    def take(self, buf: bytes, base: int, index: int) -> None:
        """Add what lies before `index` of `buf` and was not added yet."""
        piece = buf[self.taken - base : index]
        kept = len(piece.rstrip(WHITE))
        if kept:
            self.end = self.taken + kept
        self.head += piece[: limits.DEAD_LETTER_BYTES_MAX - len(self.head)]
        self.taken = base + index

    def done(self, why: Found) -> Span:
        """The span without white space at its end."""
        length = self.end - self.start
        return Span(self.start, bytes(self.head[:length]), length, why.reason or "", why.detail)


__all__ = ["Block", "GrowingSpan", "Span"]
