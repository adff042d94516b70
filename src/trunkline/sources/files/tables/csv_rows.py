"""Cuts CSV text into rows with their offsets, the bytes of each unchanged. Pure: no files, no compression.

A row ends at a line feed outside quotation marks. A quoted value begins after a separator or at the row's start, and a
mark in it is written twice (RFC 4180). Where a quoted value does not end within `limits.ROW_BYTES_MAX`, its first line
is a broken span, and the next line is read as a row. Blank lines are no rows. The result depends on the bytes alone.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import lru_cache
from itertools import accumulate

from trunkline import limits
from trunkline.records import RowLayout
from trunkline.sources.files.json_text import Block, Span

Read = Callable[[int], bytes]


def first_row(read: Read, quote: str) -> tuple[int, int]:
    """Where the first row that is not blank begins and where it ends, with its line feed; equal where there is none."""
    for block in _Rows(read, 0, RowLayout((), quote=quote), limits.MIB).blocks(is_single=True):
        if block.texts:
            return block.offsets[0], block.end
    return 0, 0


def frame_rows(
    read: Read, start: int, damage: Callable[[], str | None], block_bytes: int, layout: RowLayout, begins: int
) -> Iterator[Block]:
    """The blocks of one file from byte `start`: 0 or the end of an earlier block; rows begin at byte `begins`.

    `read(n)` gives the next bytes, b"" at the end. `damage()` then says why the rest could not be decoded, or None: the
    file's end becomes one span with reason `corrupt_compression`.
    """
    skip = max(begins - start, 0)
    while skip > 0 and (data := read(skip)):
        if len(data) > skip:
            read = _after(data[skip:], read)
        skip -= min(skip, len(data))
    rows = _Rows(read, max(start, begins), layout, block_bytes)
    for block in rows.blocks():
        if block.is_last and (why := damage()) is not None:
            _mark_damage(block, why)
        yield block


def _after(first: bytes, read: Read) -> Read:
    """A reading with bytes put back before it."""
    rest = [first]
    return lambda size: rest.pop() if rest else read(size)


def _mark_damage(block: Block, why: str) -> None:
    """Let the last row, which was perhaps cut off, be a span of the damage."""
    offset, payload = block.end, b""
    if block.texts:
        offset, payload = block.offsets.pop(), block.texts.records.pop()
    block.broken.append(Span(offset, payload[: limits.DEAD_LETTER_BYTES_MAX], len(payload), "corrupt_compression", why))


class _Rows:
    """The state of reading one file. `base` is the offset of the first byte of `buf`, which begins a row."""

    def __init__(self, read: Read, base: int, layout: RowLayout, block_bytes: int) -> None:
        self.read, self.base, self.layout, self.block_bytes = read, base, layout, max(block_bytes, 1)
        self.quote = layout.quote.encode()
        self.dropped = bytes(byte for byte in range(256) if byte not in b"\n" + self.quote)
        self.buf, self.is_eof = b"", False

    def blocks(self, is_single: bool = False) -> Iterator[Block]:
        """The blocks, the last with the end of the file; with `is_single` one row alone."""
        while True:
            block = self._block(is_single)
            yield block
            if block.is_last or (is_single and block.texts):
                return

    def _block(self, is_single: bool) -> Block:
        block, begun = Block(), self.base
        while not block.is_last and self.base - begun < self.block_bytes and not (is_single and block.texts):
            self._fill()
            lines = self._lines()
            if is_single:
                lines = lines[: self._rows_of_first(lines)]
            self._take(lines, block)
            block.is_last = self.is_eof and not self.buf
        block.end = self.base
        return block

    def _fill(self) -> None:
        """Read until there is a whole line, or the end of the file."""
        is_first = True
        while not self.is_eof and (is_first or b"\n" not in self.buf):
            data = self.read(min(self.block_bytes, limits.MIB) + 1)
            self.buf += data
            self.is_eof, is_first = not data, False

    def _lines(self) -> list[bytes]:
        """The whole lines in the buffer, without their line feeds; at the end of the file its last one too."""
        lines = self.buf.split(b"\n")
        if not (self.is_eof and lines[-1]):
            del lines[-1]
        return lines

    def _rows_of_first(self, lines: list[bytes]) -> int:
        for number, line in enumerate(lines):
            if line.strip(b"\r \t"):
                end = self._end_of_row(lines, number)
                return len(lines) if end is None else end
        return len(lines)

    def _take(self, lines: list[bytes], block: Block) -> None:
        """Take the rows of lines, as far as they are whole, and drop them from the buffer."""
        starts = [0, *accumulate([len(line) + 1 for line in lines])]
        first = 0
        for number in self._odd_lines(lines):
            if number < first or not self._is_open(lines[number]):
                continue
            self._take_lines(lines[first:number], starts[first:number], block)
            first = number
            after = self._end_of_row(lines, number)
            if after is not None:
                self._take_lines([b"\n".join(lines[number:after])], starts[number : number + 1], block)
                first = after
            elif self.is_eof or len(self.buf) - starts[number] >= limits.ROW_BYTES_MAX:
                block.broken.append(self._unclosed(lines[number], self.base + starts[number]))
                first = number + 1
            else:
                break
        else:
            self._take_lines(lines[first:], starts[first:-1], block)
            first = len(lines)
        at = min(starts[first], len(self.buf))
        self.buf, self.base = self.buf[at:], self.base + at

    def _take_lines(self, rows: list[bytes], starts: list[int], block: Block) -> None:
        """Take whole rows, each with its place in the buffer, but for the blank ones."""
        filled = [number for number, row in enumerate(rows) if row.strip(b"\r \t")]
        if len(filled) < len(rows):
            rows, starts = [rows[number] for number in filled], [starts[number] for number in filled]
        block.texts.records += rows
        base = self.base
        block.offsets.extend([base + start for start in starts])

    def _odd_lines(self, lines: list[bytes]) -> Iterator[int]:
        """The numbers of the lines with an odd number of quotation marks: a value is open at the end of no other."""
        marks = self.buf.translate(None, self.dropped)
        if not self.is_eof:
            marks = marks.rpartition(b"\n")[0]
        if not self.quote or self.quote not in marks.replace(self.quote * 2, b""):
            return iter(())
        numbered = enumerate(marks.split(b"\n")[: len(lines)])
        return (number for number, quotes in numbered if len(quotes) & 1)

    def _is_open(self, line: bytes) -> bool:
        return _open_pattern(self.layout.separator.encode(), self.quote).match(line) is not None

    def _end_of_row(self, lines: list[bytes], number: int) -> int | None:
        """The number of the line after the row that begins at a line; None where its quoted value does not end."""
        if not self.quote or not lines[number].count(self.quote) & 1 or not self._is_open(lines[number]):
            return number + 1
        size = len(lines[number])
        for after in range(number + 1, len(lines)):
            size += len(lines[after]) + 1
            if size > limits.ROW_BYTES_MAX:
                return None
            if lines[after].count(self.quote) & 1:
                return after + 1
        return None

    def _unclosed(self, line: bytes, offset: int) -> Span:
        why = f"{limits.DEAD_LETTER_REASONS['invalid_row']}: a quotation mark does not end"
        row = self.layout.with_header(line)
        return Span(offset, row[: limits.DEAD_LETTER_BYTES_MAX], len(row), "invalid_row", why)


@lru_cache(16)
def _open_pattern(separator: bytes, quote: bytes) -> re.Pattern[bytes]:
    """Matches a line that ends inside a quoted value."""
    s, q = re.escape(separator), re.escape(quote)
    quoted = rb"%s(?:[^%s]|%s%s)*+" % (q, q, q, q)
    plain = rb"(?:[^%s%s][^%s]*+)?+" % (q, s, s)
    return re.compile(rb"(?:(?:%s%s|%s)%s)*+%s\Z" % (quoted, q, plain, s, quoted), re.DOTALL)
