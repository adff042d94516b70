"""What a system that answers in pages gives: records or rows of a table, and pages of them as one batch."""

from __future__ import annotations

import hashlib
from array import array
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from trunkline.errors import RecordError
from trunkline.limits import DEAD_LETTER_BYTES_MAX
from trunkline.objects.model import Object
from trunkline.positions import Plan, Snapshot
from trunkline.records import Broken, Framed, Mark, RowLayout, Texts
from trunkline.sources.kinesis.framing import one_object


@dataclass(frozen=True, slots=True)
class PagedRecord:
    """One record as JSON bytes, its key (None: it has none), and its version in Unix seconds (None: unknown)."""

    data: bytes
    key: str | None
    version: float | None
    mark: Mark = field(default_factory=Mark)

    @property
    def digest(self) -> str:
        """Tells one content of a record from another; all deletions of a key are the same."""
        return "deleted" if self.mark.is_deleted else hashlib.sha256(self.data).hexdigest()[:20]

    @property
    def identity(self) -> str:
        """A hash of the key, or of the content of a record without one. A key may be personal data."""
        return self.digest if self.key is None else hashlib.sha256(self.key.encode()).hexdigest()[:20]


@dataclass(frozen=True, slots=True)
class PagedRows:
    """The records of a page as rows of a table.

    `marks` are those of the rows; None: each has the default mark. `compared` has the records of the rows that may
    have been given before, or may come again, by the row's number; any other row is new, and not remembered.
    """

    layout: RowLayout
    rows: Sequence[bytes]
    compared: Mapping[int, PagedRecord]
    marks: Sequence[Mark] | None = None

    @property
    def size(self) -> int:
        """The bytes of its rows."""
        return sum(map(len, self.rows))

    def without(self, numbers: Collection[int]) -> PagedRows:
        """The page without these rows."""
        kept = [number for number in range(len(self.rows)) if number not in numbers]
        return replace(
            self,
            rows=[self.rows[number] for number in kept],
            compared={new: self.compared[old] for new, old in enumerate(kept) if old in self.compared},
            marks=None if self.marks is None else [self.marks[number] for number in kept],
        )


@dataclass(frozen=True, slots=True)
class RecordPage:
    """One page. `cursor` is what the next one is asked by; None: there is none. `read_at` is naive UTC.

    With `table` the page has rows of a table, and no `records`.
    """

    records: Sequence[PagedRecord]
    cursor: str | None
    read_at: datetime
    table: PagedRows | None = None

    @property
    def layout(self) -> RowLayout | None:
        """How the page has rows of a table; None: it has JSON records."""
        return None if self.table is None else self.table.layout

    @property
    def count(self) -> int:
        """The number of its records or rows."""
        return len(self.records) if self.table is None else len(self.table.rows)

    @property
    def size(self) -> int:
        """The bytes of its records."""
        return sum(len(record.data) for record in self.records) if self.table is None else self.table.size

    def compared(self) -> Iterable[tuple[int, PagedRecord]]:
        """The records that may have been given before, or may come again, each with its number."""
        return enumerate(self.records) if self.table is None else self.table.compared.items()

    def without(self, numbers: Collection[int]) -> RecordPage:
        """The page without the records or rows of these numbers."""
        if not numbers:
            return self
        if self.table is not None:
            return replace(self, table=self.table.without(numbers))
        return replace(self, records=[r for number, r in enumerate(self.records) if number not in numbers])


def frame_pages(obj: Object, source: str, uri: str, pages: Sequence[tuple[int, RecordPage]]) -> Framed:
    """Numbered pages of one layout as one batch, a range each. A page that is read again is a new range.

    An offset is the number of a record or row in its page.
    """
    ranges = tuple(Snapshot(uri, "pages", number, 0, page.count, page.read_at, page.cursor) for number, page in pages)
    plan = Plan(obj.name, source, ranges)
    tables = [page.table for _, page in pages if page.table is not None]
    return _framed_rows(plan, tables) if tables else _framed_records(plan, [page.records for _, page in pages])


def _framed_rows(plan: Plan, tables: Sequence[PagedRows]) -> Framed:
    texts, indexes, offsets = Texts(), array("l"), array("q")
    for index, table in enumerate(tables):
        texts.records += table.rows
        indexes.extend([index] * len(table.rows))
        offsets.extend(range(len(table.rows)))
    marks = None
    if any(table.marks for table in tables):
        marks = [mark for table in tables for mark in table.marks or [Mark()] * len(table.rows)]
    size = sum(table.size for table in tables)
    return Framed(plan, texts, indexes, offsets, [], size, marks, layout=tables[0].layout)


def _framed_records(plan: Plan, pages: Sequence[Sequence[PagedRecord]]) -> Framed:
    texts, indexes, offsets = Texts(), array("l"), array("q")
    marks: list[Mark] = []
    broken: list[Broken] = []
    for index, records in enumerate(pages):
        for offset, record in enumerate(records):
            try:
                texts.records.append(one_object(record.data))
            except RecordError as error:
                data = record.data
                broken.append(Broken(index, offset, data[:DEAD_LETTER_BYTES_MAX], len(data), error.code, str(error)))
                continue
            indexes.append(index)
            offsets.append(offset)
            marks.append(record.mark)
    size = sum(len(record.data) for records in pages for record in records)
    return Framed(plan, texts, indexes, offsets, broken, size, marks)
