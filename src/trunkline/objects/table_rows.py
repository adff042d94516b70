"""Rows of tables as records of an object: which column is which key path, and a row as the JSON text of its record."""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Final

import msgspec

from trunkline.errors import RecordError
from trunkline.limits import DEAD_LETTER_REASONS, RECORD_BYTES_MAX
from trunkline.objects.model import Column, Object
from trunkline.records import RowLayout

Path = tuple[str, ...]

NUMBER: Final = re.compile(r"-?(?:0|[1-9][0-9]*)(?:[.][0-9]+)?(?:[eE][+-]?[0-9]+)?")
"""A number as JSON writes it."""
# Numbers of a type that JSON writes the same way. Decimals stay text, which every record may have for them.
_NUMBERS: Final = {
    "bigint": re.compile(r"-?(?:0|[1-9][0-9]{0,17})"),
    "integer": re.compile(r"-?(?:0|[1-9][0-9]{0,8})"),
    "double": NUMBER,
}
csv.field_size_limit(RECORD_BYTES_MAX)


@lru_cache(64)
def paths_of(obj: Object, names: tuple[str, ...]) -> tuple[Path | None, ...]:
    """The key path that each column of a table is; None for one that the object does not have.

    A name is a path's keys with dots between, first as it is written, else in any letter case. A path that two columns
    could be is the first one's.
    """
    exact = {".".join(column.path): column.path for column in obj.columns if column.path is not None}
    folded = {name.casefold(): path for name, path in reversed(exact.items())}
    paths: list[Path | None] = []
    for name in names:
        path = exact.get(name.strip()) or folded.get(name.strip().casefold())
        paths.append(path if path not in paths else None)
    return tuple(paths)


def unique_names(names: Sequence[str]) -> tuple[str, ...]:
    """The columns of a header row, each with a name of its own: an empty one gets its number, a repeated one too."""
    unique: list[str] = []
    for number, name in enumerate(names, 1):
        shown = name.strip() or f"column {number}"
        unique.append(shown if shown not in unique else f"{shown} {number}")
    return tuple(unique)


def split_rows(texts: Sequence[str], layout: RowLayout, is_header: bool = False) -> list[list[str]]:
    """The values of rows. Raises RecordError `invalid_row` where one of them is no row, without saying which.

    A header row has any number of values.
    """
    separator, quote = layout.separator, layout.quote
    try:
        if quote:
            rows = list(csv.reader(texts, delimiter=separator, quotechar=quote, strict=True))
        else:
            rows = list(csv.reader(texts, delimiter=separator, quoting=csv.QUOTE_NONE, strict=True))
    except csv.Error as error:
        raise _invalid(str(error)) from None
    if is_header:
        return rows
    width = len(layout.names)
    if len(rows) != len(texts) or any(len(row) != width for row in rows):
        rows = [_fitted(row, width) for row in rows]
        if len(rows) != len(texts):
            raise _invalid("a quotation mark does not end")
    return rows


def _fitted(row: list[str], width: int) -> list[str]:
    """A row without the empty values that a spreadsheet adds at its end."""
    if len(row) > width and not any(row[width:]):
        return row[:width]
    if len(row) != width:
        raise _invalid(f"it has {len(row)} values, and the header row {width}")
    return row


def _invalid(why: str) -> RecordError:
    return RecordError("invalid_row", f"{DEAD_LETTER_REASONS['invalid_row']}: {why}")


def row_text(obj: Object, layout: RowLayout, row: Sequence[str]) -> str:
    """A row as the JSON text of a record; empty values are left out, and those of the columns `left_out`.

    A value is a text, unless its column is of numbers, booleans, lists, maps or JSON and it is one, or the layout says
    that it is a number.
    """
    columns = {column.path: column for column in obj.columns if column.path is not None}
    record: dict[str, Any] = {}
    for name, path, value in zip(layout.names, paths_of(obj, layout.names), row, strict=True):
        if value and name not in layout.left_out:
            below = record
            for key in (path or ())[:-1]:
                below = below.setdefault(key, {})
            is_number = name in layout.numbers and NUMBER.fullmatch(value)
            raw = msgspec.Raw(value.encode()) if is_number else value
            below[path[-1] if path else name] = _json_value(columns[path], value) if path and not is_number else raw
    return msgspec.json.encode(record).decode()


def _json_value(column: Column, value: str) -> Any:
    if column.rule:
        return value
    if column.type in _NUMBERS and not column.notation.decimal_comma:
        return msgspec.Raw(value.encode()) if _NUMBERS[column.type].fullmatch(value) else value
    if column.type == "boolean" and not column.notation.format:
        return {"true": True, "false": False}.get(value.lower(), value)
    if isinstance(column.type, str):
        return value
    try:
        msgspec.json.decode(value, type=msgspec.Raw)
    except (msgspec.DecodeError, RecursionError):
        return value
    return msgspec.Raw(value.encode())


class RowTexts(Sequence[str]):
    """Rows of a table as JSON texts of records, each made when it is looked at."""

    __slots__ = ("_layout", "_obj", "_rows")

    def __init__(self, obj: Object, layout: RowLayout, rows: Sequence[Sequence[str] | RecordError]) -> None:
        self._obj, self._layout, self._rows = obj, layout, rows

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, index: Any) -> Any:
        """The text of a row. Raises RecordError where the row is none."""
        row = self._rows[index]
        if isinstance(row, RecordError):
            raise row
        return row_text(self._obj, self._layout, row)
