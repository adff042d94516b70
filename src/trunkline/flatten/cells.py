"""The rows of a batch as columns: split by the engine where all of them are well-formed, else one by one.

Both give the same values. The engine reads a file of the batch's rows. Where a row is not written as RFC 4180 has it,
has another number of values or is not UTF-8, the rows are split by Python and written to the file again, those that
are no rows as empty ones; the file has a row for each of the batch's, always.
"""

from __future__ import annotations

import csv
import io
import re
import tempfile
from codecs import BOM_UTF8
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import IO, Any, Final, cast

import duckdb

from trunkline.errors import RecordError
from trunkline.limits import DEAD_LETTER_REASONS
from trunkline.objects.table_rows import split_rows
from trunkline.records import Framed, RowLayout, Texts
from trunkline.sql.flatten.cells import cells_of, measure_cells, read_cells
from trunkline.sql.flatten.values import Leaf

Row = list[str] | RecordError
"""The values of a row, or why it is none."""
# What the engine raises for a file that is not as it should be; its words are not shown, since they quote the file.
_REFUSALS: Final = (duckdb.DataError, duckdb.InvalidInputException, duckdb.BinderException)
ENGINE_ROWS_MIN: Final = 500
"""Fewer rows than these are split by Python: the engine takes some milliseconds for the least file."""


class SplitCells:
    """The values of a batch of rows, split by Python; those of what is no row are empty.

    `rows` has the values of each, or why it is none, `refused` the numbers of those that are none.
    """

    def __init__(self, rows: Sequence[Row], layout: RowLayout) -> None:
        blank = [""] * len(layout.names)
        self.rows, self.refused = rows, _refused(rows)
        self._columns = list(zip(*(blank if isinstance(row, RecordError) else row for row in rows), strict=True))

    def count(self, column: int) -> int:
        """How many values of a column are not empty."""
        values = self._columns[column]
        return len(values) - values.count("")

    def texts(self, column: int) -> Sequence[str]:
        """The values of a column."""
        return self._columns[column]

    def is_plain(self, column: int) -> bool:
        """Never."""
        return False


@dataclass(frozen=True, slots=True)
class EngineCells:
    """The same in a table of the engine, until the next batch.

    `measured` has for each column the number of its values, and whether all of them are plain.
    """

    con: duckdb.DuckDBPyConnection
    layout: RowLayout
    rows: Sequence[Row]
    refused: Collection[int]
    measured: Sequence[tuple[int, bool]]

    def count(self, column: int) -> int:
        """How many values of a column are not empty."""
        return self.measured[column][0]

    def texts(self, column: int) -> Sequence[str]:
        """The values of a column."""
        cells = cells_of(self.layout)
        values = self.con.execute(f"SELECT {cells.columns[column]} FROM {cells.sql}").fetchall()
        return [value or "" for (value,) in values]

    def is_plain(self, column: int) -> bool:
        """Whether all values of the column are plain."""
        return self.measured[column][1]


Cells = SplitCells | EngineCells


def split_cells(framed: Framed, layout: RowLayout) -> SplitCells:
    """The cells of a batch, split by Python."""
    return SplitCells(_split(_records(framed), layout), layout)


def read_batch(
    con: duckdb.DuckDBPyConnection,
    framed: Framed,
    layout: RowLayout,
    leaves: Sequence[Leaf | None],
    folder: Path | None,
) -> Cells:
    """The cells of a batch, in the engine where it is worth it. `leaves` are those that the layout's columns fill.

    `folder` is where the file of the rows is made; it is removed before this returns.
    """
    records = _records(framed)
    if len(records) < ENGINE_ROWS_MIN:
        return split_cells(framed, layout)
    with _rows_file(folder) as file:
        size = _write_well_formed(file, records, layout)
        measured = _measure(con, file.name, size, layout, leaves)
        if measured and measured[0] == len(records):
            return EngineCells(con, layout, _LazyRows(records, layout), (), _by_column(measured))
        rows = _split(records, layout)
        size = _write_split(file, rows, layout)
        measured = _measure(con, file.name, size, layout, leaves)
    if measured and measured[0] == len(records):
        return EngineCells(con, layout, rows, _refused(rows), _by_column(measured))
    return SplitCells(rows, layout)


@contextmanager
def _rows_file(folder: Path | None) -> Iterator[IO[bytes]]:
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(prefix="trunkline-rows-", suffix=".csv", dir=folder) as file:
        yield cast("IO[bytes]", file)


def _write_well_formed(file: IO[bytes], records: Sequence[bytes], layout: RowLayout) -> int:
    """Write the rows as they are; the number of bytes, 0 for rows that not every reader reads alike.

    The text is as large as the batch, and gone when this returns.
    """
    text = _joined(records)
    if b"\0" in text or text.startswith(BOM_UTF8) or not _well_formed(layout).fullmatch(text):
        return 0
    return _write(file, text)


def _write(file: IO[bytes], text: bytes) -> int:
    file.seek(0)
    file.truncate()
    file.write(text)
    file.flush()
    return len(text)


def _joined(records: Sequence[bytes]) -> bytes:
    """Rows as one text, each ended by a line feed alone."""
    text = b"\n".join([*records, b""])
    if b"\r" in text:
        text = b"\n".join([*(record.removesuffix(b"\r") for record in records), b""])
    return text


def _by_column(measured: Sequence[Any]) -> list[tuple[int, bool]]:
    return list(zip(measured[1::2], measured[2::2], strict=True))


def _refused(rows: Sequence[Row]) -> list[int]:
    return [number for number, row in enumerate(rows) if isinstance(row, RecordError)]


def _measure(
    con: duckdb.DuckDBPyConnection, path: str, size: int, layout: RowLayout, leaves: Sequence[Leaf | None]
) -> Sequence[Any]:
    """What `measure_cells` gives of the rows in a file; nothing where there are none, or the engine refuses them."""
    if not size:
        return ()
    try:
        con.execute(read_cells(layout, path, size))
    except _REFUSALS:
        return ()
    return con.execute(measure_cells(layout, leaves)).fetchall()[0]


def _write_split(file: IO[bytes], rows: Sequence[Row], layout: RowLayout) -> int:
    """Write rows that were split, every value quoted; the number of bytes, 0 where no value can be quoted."""
    if not layout.quote:
        return 0
    blank = [""] * len(layout.names)
    text = io.StringIO(newline="")
    writer = csv.writer(
        text, delimiter=layout.separator, quotechar=layout.quote, quoting=csv.QUOTE_ALL, lineterminator="\n"
    )
    writer.writerows(blank if isinstance(row, RecordError) else row for row in rows)
    written = text.getvalue().encode()
    return 0 if b"\0" in written else _write(file, written)


@lru_cache(16)
def _well_formed(layout: RowLayout) -> re.Pattern[bytes]:
    """Matches rows that every reader of CSV reads alike: a value is quoted as a whole, or has no quotation mark."""
    s, q = re.escape(layout.separator.encode()), re.escape(layout.quote.encode())
    value = rb"[^%s\r\n]*+" % s
    if q:
        value = rb"(?:%s[^%s]*+(?:%s%s[^%s]*+)*+%s|[^%s%s\r\n]*+)" % (q, q, q, q, q, q, s, q)
    return re.compile(rb"(?:%s[%s\n])*+" % (value, s))


def _records(framed: Framed) -> Sequence[bytes]:
    texts = framed.texts
    return texts.records if isinstance(texts, Texts) else [text.encode() for text in texts]


class _LazyRows(Sequence[Row]):
    """Rows that are split when they are looked at."""

    def __init__(self, records: Sequence[bytes], layout: RowLayout) -> None:
        self._records, self._layout = records, layout

    def __len__(self) -> int:
        return len(self._records)

    def __getitem__(self, index: Any) -> Any:
        return _split_row(self._records[index], self._layout)


def _split(records: Sequence[bytes], layout: RowLayout) -> list[Row]:
    """The values of each row, or why it is none."""
    try:
        return [*split_rows([record.decode() for record in records], layout)]
    except (UnicodeDecodeError, RecordError):
        return [_split_row(record, layout) for record in records]


def _split_row(record: bytes, layout: RowLayout) -> Row:
    try:
        return split_rows([record.decode()], layout)[0]
    except UnicodeDecodeError:
        return RecordError("invalid_utf8", DEAD_LETTER_REASONS["invalid_utf8"])
    except RecordError as error:
        return error
