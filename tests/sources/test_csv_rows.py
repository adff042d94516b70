"""CSV is cut into rows by its bytes alone: whatever the reads, the blocks and the place where reading resumes."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trunkline import limits
from trunkline.records import RowLayout
from trunkline.sources.files.tables.csv_rows import first_row, frame_rows

LAYOUT = RowLayout(("a", "b"), header=b"a,b")


def frame(text: bytes, block_bytes: int = 1 << 20, start: int = 0, read_bytes: int = 1 << 20) -> list:
    stream = io.BytesIO(text[start:])
    return list(
        frame_rows(lambda size: stream.read(min(size, read_bytes)), start, lambda: None, block_bytes, LAYOUT, 0)
    )


def rows(blocks: list) -> list[tuple[int, bytes]]:
    return [row for block in blocks for row in zip(block.offsets, block.texts.records, strict=True)]


CELLS = st.text(alphabet='ab",;\n é', max_size=6)


@settings(max_examples=200)
@given(table=st.lists(st.lists(CELLS, min_size=2, max_size=2), max_size=12), block=st.integers(1, 40), step=st.integers(1, 30),
       end=st.sampled_from(["\n", "\r\n"]), quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]))  # fmt: skip
def test_what_csv_writes_is_cut_into_its_rows(
    table: list[list[str]], block: int, step: int, end: str, quoting: int
) -> None:
    """Every row that a writer of CSV made, quoted line feeds included, at its own offset, in blocks of any size, and the
    same from the end of each block.
    """
    out = io.StringIO()
    csv.writer(out, lineterminator=end, quoting=quoting).writerows(table)
    text = out.getvalue().encode()
    blocks = frame(text, block, read_bytes=step)
    found = rows(blocks)
    read = [next(csv.reader([row.decode()], strict=True)) for _, row in found]
    assert read == [row for row in table if not (len(row) == 1 and not row[0])]
    assert all(text[offset : offset + len(row)] == row for offset, row in found)
    assert rows(frame(text)) == found
    for number, one in enumerate(blocks[:-1]):
        assert rows(frame(text, block, start=one.end)) == rows(blocks[number + 1 :])
    assert [one.is_last for one in blocks] == [False] * (len(blocks) - 1) + [True]
    assert blocks[-1].end == len(text)


def test_a_quotation_mark_that_does_not_end_takes_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    """The line is set aside with the header, and the rows after it are read. A mark inside a plain value is text."""
    monkeypatch.setattr(limits, "ROW_BYTES_MAX", 40)
    text = b'1,5" pipe\n2,"open\n' + b"3,x\n" * 20 + b'4,"a\nb"\n'
    blocks = frame(text)
    assert [row for _, row in rows(blocks)] == [b'1,5" pipe', *[b"3,x"] * 20, b'4,"a\nb"']
    (span,) = blocks[0].broken
    assert (span.offset, span.payload, span.reason) == (10, b'a,b\n2,"open', "invalid_row")


def test_the_last_row_of_a_damaged_file_is_the_damage() -> None:
    """The row that the damage cut off is no row."""
    stream = io.BytesIO(b"1,2\n3,4")
    (block,) = frame_rows(stream.read, 0, lambda: "cut short", 100, LAYOUT, 0)
    assert block.texts.records == [b"1,2"]
    assert [(one.offset, one.payload, one.reason) for one in block.broken] == [(4, b"3,4", "corrupt_compression")]


def test_the_first_row_may_be_quoted_and_after_blank_lines() -> None:
    """Its begin and end, with the line feed."""
    text = b'\n\r\n"a\nb",c\r\n1,2\n'
    begin, end = first_row(io.BytesIO(text).read, '"')
    assert text[begin:end] == b'"a\nb",c\r\n'
    assert first_row(io.BytesIO(b"").read, '"') == (0, 0)
