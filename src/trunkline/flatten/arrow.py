"""A batch of records as the Arrow stream that the flatten statement reads: their bytes are copied once."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import lru_cache
from itertools import accumulate
from types import NoneType
from typing import Any

import nanoarrow as na

from trunkline.positions import FileRange, LetterRange, Range
from trunkline.records import Framed, Mark, Texts

Column = tuple[Any, Any]
"""An Arrow type, and the column's array."""

_STRING, _BIGINT, _INTEGER, _BOOLEAN, _TIME = map(
    na.c_schema, (na.large_string(), na.int64(), na.int32(), na.bool_(), na.timestamp("us"))
)
# A batch has many columns without values; one array serves all of a type. Few batches are in work at once.
_SIZES = 16
_MARK = Mark()


def strings(values: Sequence[str | None]) -> Column:
    """A column of texts; None is NULL. Raises ValueError if a value is not a text."""
    return _STRING, na.c_array(values, _STRING)


def texts(values: Sequence[bytes | None]) -> Column:
    """A column of UTF-8 texts; None is NULL."""
    validity = None if None not in values else _bits([value is not None for value in values])
    if validity is not None:
        values = [value or b"" for value in values]
    ends = array("q", accumulate(map(len, values), initial=0))  # type: ignore[arg-type]
    return _buffers(_STRING, len(values), validity, ends, b"".join(values))  # type: ignore[arg-type]


@lru_cache(_SIZES)
def no_texts(count: int) -> Column:
    """A column of texts that are all NULL."""
    return _buffers(_STRING, count, bytes((count + 7) // 8), bytes(8 * (count + 1)), b"")


@lru_cache(_SIZES)
def no_values(make: Callable[[Sequence[None]], Column], count: int) -> Column:
    """A column of another type whose values are all NULL."""
    return make([None] * count)


def bigints(values: Sequence[int | None]) -> Column:
    """A column of 64-bit integers; None is NULL. Raises ValueError if a value is not an integer."""
    return _BIGINT, na.c_array(values, _BIGINT)


def counts(values: Sequence[int]) -> Column:
    """A column of 64-bit integers, none NULL."""
    return _buffers(_BIGINT, len(values), None, array("q", values))


def integers(values: Sequence[int | None]) -> Column:
    """A column of 32-bit integers; None is NULL. Raises ValueError if a value is not an integer."""
    return _INTEGER, na.c_array(values, _INTEGER)


def booleans(values: Sequence[bool | None]) -> Column:
    """A column of booleans; None is NULL. Raises ValueError if a value is not a boolean."""
    if not {bool, NoneType}.issuperset(map(type, values)):  # nanoarrow takes any value by its truth
        raise ValueError("not a boolean")
    return _BOOLEAN, na.c_array(values, _BOOLEAN)


def times(values: Sequence[int]) -> Column:
    """A column of timestamps without zone from microseconds since 1970, none NULL."""
    return _buffers(_TIME, len(values), None, array("q", values))


def _buffers(schema: Any, count: int, *buffers: Any) -> Column:
    return schema, na.c_array_from_buffers(schema, count, buffers, null_count=0 if buffers[0] is None else -1)


def _bits(values: Sequence[bool]) -> bytes:
    # The first value is the lowest bit: written as a number in base 2 it stands last.
    number = int(bytes(values)[::-1].translate(_DIGITS) or b"0", 2)
    return number.to_bytes((len(values) + 7) // 8 or 1, "little")


_DIGITS = bytes([48, 49]) + bytes(254)


class ArrowTable:
    """What DuckDB reads as a table: the batch that was set last.

    It is registered with DuckDB once, so that statements that read it stay planned. It always has the same names and
    types of columns.
    """

    def __init__(self) -> None:
        self._batch: Any = None
        self._schema: Any = None
        self._empty: Any = None

    def set(self, count: int, columns: dict[str, Column]) -> None:
        """Let the table contain these columns, each of `count` values."""
        if self._schema is None:
            self._schema = na.c_schema(na.struct({name: type_ for name, (type_, _) in columns.items()}))
            self._empty = na.c_array([], self._schema)
        children = [values for _, values in columns.values()]
        self._batch = na.c_array_from_buffers(self._schema, count, [None], null_count=0, children=children)

    def clear(self) -> None:
        """Let the table contain no rows."""
        self._batch = self._empty

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        """The batch as an Arrow C stream (Arrow PyCapsule interface)."""
        return na.c_array_stream(self._batch).__arrow_c_stream__(None)


class Batch:
    """What is known of a batch beside what is in its records, row by row. Rows of a table have no `records`."""

    def __init__(self, framed: Framed, loaded_at: datetime) -> None:
        self.framed = framed
        texts = framed.texts
        self.count = len(texts)
        self.records: Sequence[bytes] = ()
        if framed.layout is None:
            self.records = texts.records if isinstance(texts, Texts) else [text.encode() for text in texts]
        self.loaded_at, self._loaded_us = loaded_at, _microseconds(loaded_at)
        self._places = [span.place for span in framed.plan.ranges]
        self._arrived_us = [_microseconds(span.arrived_at) for span in framed.plan.ranges]
        self._file_times = [_file_time(span) for span in framed.plan.ranges]

    def arrived_at(self, row: int) -> datetime:
        """When the record arrived."""
        return self.framed.plan.ranges[self.framed.range_indexes[row]].arrived_at

    def file_time(self, row: int) -> str | None:
        """The time of the file that the record was in, in ISO 8601; None for a record of something else."""
        return self._file_times[self.framed.range_indexes[row]]

    def places(self) -> dict[str, Column]:
        """The columns that tell where each row is: in the batch, in which of its ranges, and at which offset there."""
        return {
            "record_row": integers(range(self.count)),
            "record_range": counts(self.framed.range_indexes),
            "record_offset": counts(self.framed.offsets),
        }

    def columns(self, rows: Sequence[int]) -> dict[str, Column]:
        """The columns of these rows that do not depend on what is in the records."""
        positions = [(self.framed.range_indexes[row], self.framed.offsets[row]) for row in rows]
        return {
            "record_row": integers(rows),
            "record_position": strings([f"{self._places[index]}{offset}" for index, offset in positions]),
            "record_arrived_at": times([self._arrived_us[index] for index, _ in positions]),
            "record_loaded_at": times([self._loaded_us] * len(rows)),
            **self.marks(rows),
        }

    def marks(self, rows: Sequence[int]) -> dict[str, Column]:
        """The columns of the marks of these rows."""
        marks = self.framed.marks
        chosen = [_MARK] * len(rows) if marks is None else [marks[row] for row in rows]
        return {
            "record_fidelity": strings([mark.fidelity for mark in chosen]),
            "record_version": strings([mark.version for mark in chosen]),
            "record_is_deleted": booleans([mark.is_deleted for mark in chosen]),
        }


def _file_time(span: Range) -> str | None:
    is_file = isinstance(span, FileRange | LetterRange)
    return f"{span.arrived_at.isoformat(timespec='microseconds')}Z" if is_file else None


def _microseconds(at: datetime) -> int:
    since = at - datetime(1970, 1, 1)
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds
