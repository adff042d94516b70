"""Cuts decoded bytes into JSON objects and broken spans. Pure: no files, no compression, no network.

A file is a sequence of values with nothing or white space between them. A top-level array counts as its elements.
The result depends on the bytes alone, not on how they were read or batched.

After broken text, reading resumes at the next line that begins with something other than white space, a closing
bracket or a comma (so a damaged pretty-printed record is one span), or at a `{` that begins a strict object with the
anchor as a key (that of the object, such as ContactId), whichever comes first after the broken text's first byte. A
broken value whose end is certain (not an object, not UTF-8, too deep with balanced brackets) ends there instead.

In an array: `]` after a comma, and the end of the file before `]`, are one broken span each; an object without a comma
before it ends the array (one empty span) and is read as a record.

Reading can resume at the end of a block. The byte there shows the state: `,` inside an array, a
line feed inside an array after broken text, anything else between top-level values.
"""

from __future__ import annotations

import codecs
import re
from array import array
from collections.abc import Callable, Iterator
from enum import Enum
from typing import Final

import msgspec

from trunkline import limits
from trunkline.sources.files.json_text import (
    MORE,
    QUOTE,
    RAW,
    RAW_LIST,
    WHITE,
    Anchor,
    Block,
    Found,
    GrowingSpan,
    Span,
    has_any_key,
    is_flat,
    is_scalar,
    probe,
    utf8_of,
)

Read = Callable[[int], bytes]

# Small enough to stay in the processor's cache, large enough that costs per block do not count.
BLOCK_BYTES: Final = limits.MIB // 4
BLOCK_ITEMS_MAX: Final = 16_384
STRIDE_BYTES: Final = 32 * 1024

_BOM: Final = codecs.BOM_UTF8
_NOT_WHITE: Final = re.compile(rb"[^ \t\r\n]")
_RUN: Final = re.compile(rb'[^ \t\r\n,\[\]{}"]{1,1024}')
_RESTART: Final = re.compile(rb"[\n{]")
_NO_LINE_START: Final = b" \t\r\n]},"
_OPEN, _CLOSE, _COMMA, _OBJECT, _LINE_FEED = b"[],{\n"


class _At(Enum):
    """Where in the grammar the next byte stands."""

    TOP = "between top-level values"
    OPENED = "after ["
    VALUE = "in an array after a value"
    COMMA = "in an array after a comma"
    DAMAGE = "in an array after broken text"


def frame(
    read: Read,
    start: int = 0,
    damage: Callable[[], str | None] = lambda: None,
    block_bytes: int = BLOCK_BYTES,
    anchor: Anchor = "ContactId",
) -> Iterator[Block]:
    """The blocks of one file from byte `start`: 0 or the end of an earlier block.

    `read(n)` gives the next bytes, about n of them, and b"" at the end. `damage()` then says why the rest could not be
    decoded, or None: the file's end becomes one span with reason `corrupt_compression`, with the text of the record
    that was cut off. A block has about `block_bytes`, more only where one record is longer.
    """
    return _Framer(read, start, damage, block_bytes, anchor).blocks()


class _Framer:
    """The state of reading one file. `pos` is an index of `buf`, whose first byte is byte `base` of the file."""

    def __init__(
        self, read: Read, start: int, damage: Callable[[], str | None], block_bytes: int, anchor: Anchor
    ) -> None:
        self.read, self.damage, self.block_bytes, self.anchor = read, damage, max(block_bytes, 1), anchor
        self.buf, self.base, self.pos, self.is_eof = b"", start, 0, False
        self.at = _At.TOP
        self.is_line_start = False  # whether broken text ended at a line's start
        self.is_cut_at_eof = False  # whether the last span reaches the end of the file
        self.junction = b""  # the last seen bytes from the end of a record to the start of the next
        self.strides_from = 0  # records before this offset are taken one by one
        self.block = Block()

    def blocks(self) -> Iterator[Block]:
        begun = self.base
        self._begin()
        while self._skip_white():
            done = self.base + self.pos - begun
            if done >= self.block_bytes or len(self.block.texts) + len(self.block.broken) >= BLOCK_ITEMS_MAX:
                end = self._cut()
                if end is not None and end > begun:
                    begun = self.block.end = end
                    yield self.block
                    self.block = Block()
            self._step()
        self._finish()
        yield self.block

    def _begin(self) -> None:
        """Restore the state that the first byte shows."""
        while len(self.buf) < len(_BOM) and self._fill(0):
            pass
        if self.base == 0:
            self.pos = len(_BOM) if self.buf.startswith(_BOM) else 0
        elif self.buf.startswith(b","):
            self.at = _At.VALUE
        elif self.buf.startswith(b"\n"):
            self.at = _At.DAMAGE

    def _fill(self, keep: int) -> bool:
        """Read more and drop what is before index `keep`; `pos` stays at its byte. False at the end of the file."""
        if not self.is_eof:
            # At least as many bytes again as remain, so that a long record costs a few attempts, not one a read.
            wanted = max(min(self.block_bytes, BLOCK_BYTES), min(len(self.buf) - keep, 8 * limits.MIB))
            parts = [self.buf[keep:]]
            while wanted > 0 and not self.is_eof:
                parts.append(self.read(wanted))
                wanted -= len(parts[-1])
                self.is_eof = not parts[-1]
            self.buf = b"".join(parts)
            self.base += keep
            self.pos -= keep
            return len(parts) > 2 or not self.is_eof
        return False

    def _skip_white(self) -> bool:
        """Go to the next byte that is not white space; False at the end of the file."""
        while True:
            found = _NOT_WHITE.search(self.buf, self.pos)
            if found:
                self.pos = found.start()
                return True
            self.pos = len(self.buf)
            if not self._fill(self.pos):
                return False

    def _cut(self) -> int | None:
        """The offset where a block may end here, or None: the next block's first byte must show the state."""
        here, byte = self.base + self.pos, self.buf[self.pos]
        if self.at is _At.TOP:
            return here if byte != _COMMA else None
        if self.at is _At.VALUE:
            return here if byte == _COMMA else None
        is_marked = self.at is _At.DAMAGE and self.is_line_start and self.pos and self.buf[self.pos - 1] == _LINE_FEED
        return here - 1 if is_marked else None

    def _step(self) -> None:
        """Take one token: a separator, a value, a run of values, or broken text."""
        at, byte = self.at, self.buf[self.pos]
        if at is _At.TOP:
            if byte == _OPEN:
                self.pos, self.at = self.pos + 1, _At.OPENED
            else:
                self._value(byte)
        elif byte == _CLOSE:
            if at is _At.COMMA:
                self._span(self.pos, self.pos + 1, Found(1, "invalid_json", "an array ends with a comma"))
            self.pos, self.at = self.pos + 1, _At.TOP
        elif byte == _COMMA and at in (_At.VALUE, _At.DAMAGE):
            self.pos, self.at = self.pos + 1, _At.COMMA
        elif byte in (_OBJECT, _OPEN) and at is _At.VALUE:
            self._span(
                self.pos, self.pos, Found(0, "invalid_json", "a comma is missing in an array, so the array ends here")
            )
            self.at = _At.TOP
            self._step()  # at once: no block may end here, as the empty span would belong to both sides
        elif at is _At.VALUE:
            self._resync(Found(0, "invalid_json", "a comma is missing in an array"))
        else:
            self._value(byte)

    def _value(self, byte: int) -> None:
        """Take the value at `pos`: a record, or broken."""
        if byte == _OBJECT and self.junction and self.base + self.pos >= self.strides_from and self._stride():
            return
        found = self._probe() if byte in (_OBJECT, _OPEN, QUOTE) else self._scalar()
        if not found.end:
            self._resync(found)
            return
        end = self.pos + found.end
        if found.reason is None:
            text = utf8_of(self.buf[self.pos : end])
            if isinstance(text, Found):
                found = text
            elif byte == _OBJECT:
                self.block.texts.records.append(text)
                self.block.offsets.append(self.base + self.pos)
                self._learn(end)
            elif self._is_ended(end):
                end = self.pos + found.end
                found = Found(found.end, "not_an_object", limits.DEAD_LETTER_REASONS["not_an_object"])
            else:
                self._resync(Found(0, "invalid_json", limits.DEAD_LETTER_REASONS["invalid_json"]))
                return
        if found.reason is not None:
            self._span(self.pos, end, found)
        self.pos = end
        self.at = _At.TOP if self.at is _At.TOP else _At.VALUE

    def _probe(self, wants_why: bool = True) -> Found:
        """The value at `pos`, after reading as far as needed."""
        while True:
            index = self.pos
            size = min(len(self.buf) - index, limits.RECORD_BYTES_MAX)
            is_final = self.is_eof and size == len(self.buf) - index
            # A full window needs one byte more, or the end of the file.
            is_capped = size < len(self.buf) - index
            with memoryview(self.buf) as whole, whole[index : index + size] as view:
                found = probe(view, is_final, is_capped, wants_why)
            if found is not MORE:
                return found
            self._fill(self.pos)

    def _scalar(self) -> Found:
        """A number, a word or junk at `pos`."""
        while True:
            run = _RUN.match(self.buf, self.pos)
            if run is None or run.end() < len(self.buf) or self.is_eof:
                break
            self._fill(self.pos)
        piece = run.group() if run else b""
        if is_scalar(piece):
            return Found(len(piece))
        try:
            codecs.utf_8_decode(piece, "strict", False)
        except UnicodeDecodeError:
            return Found(0, "invalid_utf8", limits.DEAD_LETTER_REASONS["invalid_utf8"])
        return Found(0, "invalid_json", limits.DEAD_LETTER_REASONS["invalid_json"])

    def _is_ended(self, end: int) -> bool:
        """Whether a value that is not an object ends here: white space, a separator or another value follows."""
        size = end - self.pos
        while self.pos + size >= len(self.buf):
            if not self._fill(self.pos):
                return True
        follows = self.buf[self.pos + size]
        return follows in WHITE or follows in (b"{[" if self.at is _At.TOP else b"{[,]")

    def _learn(self, end: int) -> None:
        """Remember what separates records in this file, for `_stride`."""
        gap = 0
        while gap < 8 and end + gap < len(self.buf) and self.buf[end + gap] in b" \t\r\n,":
            gap += 1
        begins = self.buf[end + gap : end + gap + 8]
        self.junction = self.buf[end - 1 : end + gap] + begins if begins[:1] == b"{" else b""

    def _stride(self) -> bool:
        """Take many records at once if all up to a likely boundary are strict. Gives the same result as one by one."""
        last = self.buf.rfind(self.junction, self.pos, self.pos + min(STRIDE_BYTES, self.block_bytes))
        if last < 0:
            return False
        stride = self.buf[self.pos : last + 1]
        try:
            raws = RAW.decode_lines(stride) if self.at is _At.TOP else RAW_LIST.decode(b"[" + stride + b"]")
            if not stride.isascii():
                stride.decode()
        except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
            self.strides_from = self.base + last
            return False
        records = list(map(bytes, raws))
        offsets, index = array("q"), 0
        for record in records:
            while stride[index] in b" \t\r\n,":
                index += 1
            if stride[index] != _OBJECT or not is_flat(record):
                self.strides_from = self.base + last
                return False
            offsets.append(self.base + self.pos + index)
            index += len(record)
        self.block.texts.records += records
        self.block.offsets += offsets
        self.pos = last + 1
        self.at = _At.TOP if self.at is _At.TOP else _At.VALUE
        return True

    def _resync(self, why: Found) -> None:
        """Make a span of the broken text at `pos`, and go to where reading resumes."""
        span = GrowingSpan(self.base + self.pos)
        self.pos += 1
        self.is_line_start = False
        while True:
            found = _RESTART.search(self.buf, self.pos)
            self.pos = found.start() if found else len(self.buf)
            span.take(self.buf, self.base, self.pos)
            is_line_end = found is not None and self.buf[self.pos] == _LINE_FEED
            if found is None or (is_line_end and self.pos + 1 == len(self.buf)):
                if self._fill(self.pos):
                    continue
                self.pos = len(self.buf)
                self.is_cut_at_eof = True
                break
            if is_line_end and self.buf[self.pos + 1] not in _NO_LINE_START:
                self.pos += 1
                self.is_line_start = True
                break
            if not is_line_end and self._is_record():
                break
            self.pos += 1
        self.block.broken.append(span.finish(why))
        self.at = _At.TOP if self.at is _At.TOP else _At.DAMAGE

    def _is_record(self) -> bool:
        """Whether a strict object with the anchor as a key begins at `pos`."""
        if self.pos + 1 < len(self.buf) and self.buf[self.pos + 1] not in b'" \t\r\n':
            return False
        found = self._probe(wants_why=False)
        if not found.end or found.reason:
            return False
        piece = self.buf[self.pos : self.pos + found.end]
        return isinstance(utf8_of(piece), bytes) and has_any_key(piece, self.anchor)

    def _span(self, begin: int, end: int, why: Found) -> None:
        """Add a broken span between two indexes."""
        payload = self.buf[begin : min(end, begin + limits.DEAD_LETTER_BYTES_MAX)]
        self.block.broken.append(Span(self.base + begin, payload, end - begin, why.reason or "", why.detail))

    def _finish(self) -> None:
        """Add the span of what the end of the file cuts off."""
        if self.at is not _At.TOP and not self.is_cut_at_eof:
            self._span(self.pos, self.pos, Found(0, "truncated", "the file ends inside an array"))
            self.is_cut_at_eof = True
        damage = self.damage()
        if damage is not None:
            if not self.is_cut_at_eof:
                self._span(self.pos, self.pos, MORE)
            self.block.broken[-1] = self.block.broken[-1]._replace(reason="corrupt_compression", detail=damage)
        self.block.end, self.block.is_last = self.base + self.pos, True
