"""A batch of records as the Arrow stream that the flatten statement reads: their bytes are copied once.

The stream is registered with DuckDB once and gives the batch that was set last, so that statements stay planned.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Sequence
from itertools import accumulate
from typing import Any

import nanoarrow as na

Column = tuple[Any, Sequence[Any]]
"""An Arrow type and the buffers of a column: validity (None: nothing is NULL), then those of the type."""


def texts(values: Sequence[bytes | None]) -> Column:
    """A column of UTF-8 texts; None is NULL."""
    validity = _validity(values)
    if validity is not None:
        values = [value or b"" for value in values]
    ends = array("q", accumulate(map(len, values), initial=0))  # type: ignore[arg-type]
    return na.large_string(), (validity, ends, b"".join(values))  # type: ignore[arg-type]


def no_texts(count: int) -> Column:
    """A column of texts that are all NULL."""
    return na.large_string(), (bytes((count + 7) // 8), bytes(8 * (count + 1)), b"")


def same_bytes(value: bytes, count: int) -> Column:
    """A column of bytes that are all the same."""
    return na.large_binary(), (None, array("q", range(0, len(value) * count + 1, len(value))), value * count)


def integers(values: Iterable[int]) -> Column:
    """A column of 32-bit integers, none NULL."""
    return na.int32(), (None, array("i", values))


def booleans(values: Sequence[bool]) -> Column:
    """A column of booleans, none NULL."""
    return na.bool_(), (None, _bits(values))


def times(values: Iterable[int]) -> Column:
    """A column of timestamps without zone from microseconds since 1970, none NULL."""
    return na.timestamp("us"), (None, array("q", values))


def _validity(values: Sequence[object]) -> bytes | None:
    return None if None not in values else _bits([value is not None for value in values])


def _bits(values: Sequence[bool]) -> bytes:
    # The first value is the lowest bit: written as a number in base 2 it stands last.
    number = int(bytes(values)[::-1].translate(_DIGITS) or b"0", 2)
    return number.to_bytes((len(values) + 7) // 8 or 1, "little")


_DIGITS = bytes([48, 49]) + bytes(254)


class Records:
    """What DuckDB reads as a table: the batch that was set last."""

    def __init__(self) -> None:
        self._batch: Any = None

    def set(self, count: int, columns: dict[str, Column]) -> None:
        """Let the table hold these columns, each of `count` values."""
        children = [
            na.c_array_from_buffers(type_, count, buffers, null_count=0 if buffers[0] is None else -1)
            for type_, buffers in columns.values()
        ]
        schema = na.struct({name: type_ for name, (type_, _) in columns.items()})
        self._batch = na.c_array_from_buffers(schema, count, [None], null_count=0, children=children)

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        """The batch as an Arrow C stream (Arrow PyCapsule interface)."""
        return na.c_array_stream(self._batch).__arrow_c_stream__(None)
