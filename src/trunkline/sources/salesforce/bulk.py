"""Results of the Bulk API 2.0: rows of a table, or the JSON records that REST gives where a column needs them. Pure.

Source: Bulk API 2.0 developer guide. A page is CSV with dotted names in its header row; null and an empty text are both
an empty cell. Rows are read by column later on; here each is looked at as far as its stamp and whether it is deleted.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Final

import msgspec

from trunkline.errors import RecordError
from trunkline.objects.model import AS_USUAL, Column, Object
from trunkline.objects.origins import SalesforceOrigin
from trunkline.objects.table_rows import NUMBER, paths_of, row_text, split_rows
from trunkline.records import KeptLetter, Mark, RowLayout
from trunkline.sources.files.tables.csv_rows import first_row, frame_rows
from trunkline.sources.pages import PagedRecord, PagedRows
from trunkline.sources.salesforce.records import (
    STAMP,
    SalesforceShape,
    columns_by_field,
    fields_of,
    paged_record,
    put_value,
    with_utc,
)

_OFFSET: Final = re.compile(rb'T\d\d:\d\d:\d\d(?:[.]\d+)?[+]0000(?:[",\r\n]|\Z)')
_CELL: Final = rb'(?:"[^"]*+(?:""[^"]*+)*+"|[^",\r\n]*+)'
_STAMP_CELL: Final = rb'"?(?P<stamp>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)[.]\d{3}Z"?'
_DELETED_CELL: Final = rb'"?(?P<deleted>true|false)"?'
_KINDS_OF_TYPES: Final = {"boolean": "boolean", "bigint": "number", "integer": "number", "double": "number"}

Spans = Sequence[tuple[float, float]]
"""Spans of versions in Unix seconds, both ends included."""


def read_page(
    obj: Object, shape: SalesforceShape, page: bytes, compared: Spans
) -> tuple[list[PagedRecord], PagedRows | None]:
    """The records of a page, or its rows where all columns of the object can be read from rows.

    Rows are compared with what is known if their stamp is in the spans `compared` or not as usual, or if they are
    deleted, since deletions are listed once more. An empty page has no records. A row that is none is a record that is
    no JSON.
    """
    start, end = first_row(io.BytesIO(page).read, '"')
    header = page[start:end].rstrip(b"\r\n")
    if not header:
        return [], None
    names = tuple(split_rows([header.decode(errors="replace")], RowLayout(("",)), is_header=True)[0])
    numbers = frozenset(name for name in names if shape.kind(name) == "number")
    layout = RowLayout(names, header=header, left_out=_left_out(names, shape.kept), numbers=numbers)
    rows = _rows(page, layout, end)
    if not can_be_rows(obj, shape, layout) or _OFFSET.search(page):
        return list(_records(shape, layout, rows)), None
    return [], _table(shape, layout, rows, compared)


def _left_out(names: Sequence[str], kept: set[str]) -> frozenset[str]:
    return frozenset(name for name in names if name.partition(".")[0] not in kept)


def _rows(page: bytes, layout: RowLayout, begins: int) -> list[bytes]:
    """The rows behind the header row of a page.

    One that is longer than rows of files may be is found by reading them all, and then each is written again.
    """
    behind = io.BytesIO(page)
    behind.seek(begins)
    (block,) = frame_rows(behind.read, begins, lambda: None, len(page) + 1, layout, begins)
    if not block.broken:
        return block.texts.records
    text = io.StringIO(page[begins:].decode(errors="surrogateescape"), newline="")
    try:
        return [_written(cells) for cells in csv.reader(text) if cells]
    except csv.Error:
        return [page[begins:]]


def _written(cells: Sequence[str]) -> bytes:
    row = io.StringIO(newline="")
    csv.writer(row, quoting=csv.QUOTE_ALL, lineterminator="").writerow(cells)
    return row.getvalue().encode(errors="surrogateescape")


def can_be_rows(obj: Object, shape: SalesforceShape, layout: RowLayout) -> bool:
    """Whether rows of this layout give the same values as JSON records."""
    columns, paths = columns_by_field(obj), paths_of(obj, layout.names)
    is_usual = STAMP in layout.names and len(set(layout.names)) == len(layout.names)
    return is_usual and all(
        name in layout.left_out
        or (name in columns and path == columns[name].path and _has_rows(obj, columns[name], shape.kind(name)))
        for name, path in zip(layout.names, paths, strict=True)
    )


def _has_rows(obj: Object, column: Column, kind: str) -> bool:
    """Whether the cells of a field are for all columns that read it what its JSON values are."""
    return all(
        isinstance(other.type, str)
        and other.notation == AS_USUAL
        and not other.rule
        and _KINDS_OF_TYPES.get(other.type, kind) == kind
        for other in obj.data_columns
        if other.path == column.path
    )


def _records(shape: SalesforceShape, layout: RowLayout, rows: Sequence[bytes]) -> Iterator[PagedRecord]:
    kinds = [shape.kind(name) for name in layout.names]
    for row, cells in zip(rows, _cells(layout, rows), strict=True):
        if cells is None:
            yield PagedRecord(layout.with_header(row), None, None)
            continue
        record: dict[str, Any] = {}
        for name, kind, cell in zip(layout.names, kinds, cells, strict=True):
            put_value(record, name.split("."), _value(kind, cell))
        yield paged_record(shape, record)


def _cells(layout: RowLayout, rows: Sequence[bytes]) -> Sequence[list[str] | None]:
    """The values of rows; None for what is no row."""
    try:
        return split_rows([row.decode() for row in rows], layout)
    except (RecordError, UnicodeDecodeError):
        return [_cells(layout, [row])[0] for row in rows] if len(rows) > 1 else [None]


def _value(kind: str, cell: str) -> Any:
    if not cell:
        return None
    if kind == "boolean" and cell in ("true", "false"):
        return cell == "true"
    if kind == "number" and NUMBER.fullmatch(cell):
        return msgspec.Raw(cell.encode())
    return with_utc(cell)


def _table(shape: SalesforceShape, layout: RowLayout, rows: Sequence[bytes], compared: Spans) -> PagedRows:
    spans = [(_second(first), _second(last)) for first, last in compared]
    match = _pattern(layout.names).match
    numbers: list[int] = []
    for number, row in enumerate(rows):
        cells = match(row)
        if cells is None:
            numbers.append(number)
            continue
        stamp, is_deleted = cells.group("stamp", "deleted")
        if is_deleted == b"true" or any(first <= stamp <= last for first, last in spans):
            numbers.append(number)
    records = dict(zip(numbers, _records(shape, layout, [rows[number] for number in numbers]), strict=True))
    return PagedRows(layout, rows, records, _marks(len(rows), records))


def _marks(count: int, records: Mapping[int, PagedRecord]) -> list[Mark] | None:
    """The marks of rows, of which these records may be deleted; None: no row is."""
    if not any(record.mark.is_deleted for record in records.values()):
        return None
    marks = [Mark()] * count
    for number, record in records.items():
        marks[number] = record.mark
    return marks


def _second(at_s: float) -> bytes:
    """A time as the first 19 characters of a stamp, which sort like times."""
    try:
        return datetime.fromtimestamp(at_s, UTC).strftime("%Y-%m-%dT%H:%M:%S").encode()
    except (OverflowError, ValueError):
        return b"" if at_s < 0 else b"~"


@lru_cache(16)
def _pattern(names: tuple[str, ...]) -> re.Pattern[bytes]:
    """Matches a row, as usual, as far as it tells its stamp and whether it is deleted."""
    cells = {STAMP: _STAMP_CELL, "IsDeleted": _DELETED_CELL}
    last = max((number for number, name in enumerate(names) if name in cells), default=0)
    parts = [cells.get(name, _CELL) for name in names[: last + 1]]
    rest = b"" if "IsDeleted" in names else b"(?P<deleted>)"
    return re.compile(b",".join(parts) + rest + rb"(?=,|\r?\Z)")


def revive_row(letter: KeptLetter, obj: Object) -> tuple[str, Mark] | None:
    """The record of a dead letter whose bytes are a header row and exactly one row; None for anything else."""
    start, end = first_row(io.BytesIO(letter.payload).read, '"')
    header = letter.payload[start:end].rstrip(b"\r\n")
    try:
        names = tuple(split_rows([header.decode()], RowLayout(("",)), is_header=True)[0]) if header else ()
        origin = obj.origin if isinstance(obj.origin, SalesforceOrigin) else None
        kept = {name.partition(".")[0] for name in fields_of(obj, origin)}
        layout = RowLayout(names, header=header, left_out=_left_out(names, kept))
        rows = _rows(letter.payload, layout, end)
        if "Id" not in names or not letter.is_whole or len(rows) != 1:
            return None
        return row_text(obj, layout, split_rows([rows[0].decode()], layout)[0]), letter.mark or Mark()
    except (RecordError, UnicodeDecodeError):
        return None
