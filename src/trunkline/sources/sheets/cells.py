"""Cells of a sheet as JSON records: columns by header, dates from serial numbers, ids as text. Pure.

Source: Sheets API, "Date/time serial numbers": days since 30 December 1899, without a zone. Every number is a double,
of which 15 digits can be trusted.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

import msgspec

from trunkline.errors import RecordError, TerminalError, printable
from trunkline.limits import SHEET_DIGITS_MAX
from trunkline.objects.model import Column, Object
from trunkline.objects.origins import SheetOrigin

_SERIAL_BEGIN: Final = datetime(1899, 12, 30)
ERRORS: Final = frozenset(
    {
        "#N/A",
        "#REF!",
        "#VALUE!",
        "#NAME?",
        "#DIV/0!",
        "#NUM!",
        "#NULL!",
        "#ERROR!",
        "#SPILL!",
        "Loading...",
    }
)
"""What a cell shows whose formula failed: the value is unknown."""


@dataclass(frozen=True, slots=True)
class SheetRow:
    """One row of the sheet. `number` is the sheet's, from 1. `error` says why it is no record, else it is None.

    `changes` are keys of the text whose value is not what the sheet shows, each with what is said of it.
    """

    number: int
    text: bytes
    key: tuple[str, ...] | None
    error: RecordError | None = None
    changes: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class SheetColumns:
    """Where the columns of the object are in the sheet: names by index, and the object's columns by name."""

    names: Sequence[str]
    mapped: Mapping[str, Column]
    key: Sequence[str]


def columns_of(obj: Object, origin: SheetOrigin, header: Sequence[Any]) -> SheetColumns:
    """The columns of a header row. Case, and white space around and between words, do not matter.

    A column without a header, or with one that an earlier column has, is named by its letter: what is in it is kept.
    Raises TerminalError where a header is missing, or is there twice and the object needs it.
    """
    mapped = {column.path[0]: column for column in obj.data_columns if column.path and len(column.path) == 1}
    by_header = {_plain(name): name for name in mapped}
    names: list[str] = []
    for index, cell in enumerate(header):
        plain = _plain(str(cell))
        name = by_header.get(plain, str(cell).strip())
        if name in names and name in mapped:
            raise TerminalError(
                f"the tab {printable(origin.tab)!r} has the header {printable(name)!r} twice, in the columns "
                f"{letter(names.index(name))} and {letter(index)}: rename or remove one."
            )
        names.append(f"{name} (column {letter(index)})".strip() if not plain or name in names else name)
    key = [(obj.by_name[name].path or ("",))[0] for name in obj.key]
    present = {_plain(name) for name in names}
    missing = [name for name in (*key, *origin.headers) if _plain(name) not in present]
    if missing:
        raise TerminalError(
            f"the tab {printable(origin.tab)!r} has no header {', '.join(map(repr, dict.fromkeys(missing)))} in row "
            f"{origin.header_row}; there are {', '.join(printable(name) for name in names) or 'none'}: restore the "
            "header, or correct header_row, headers or the columns' paths."
        )
    return SheetColumns(names, {name: mapped[name] for name in names if name in mapped}, key)


def row_of(columns: SheetColumns, number: int, cells: Sequence[Any], zone: ZoneInfo) -> SheetRow | None:
    """A row as a record; None for one without any value. Cells beyond the header are named by their letters."""
    values: dict[str, Any] = {}
    changes: list[tuple[str, str]] = []
    error: RecordError | None = None
    for index, cell in enumerate(cells):
        if cell is None or (isinstance(cell, str) and not cell.strip()):
            continue
        name = columns.names[index] if index < len(columns.names) else f"(column {letter(index)})"
        column = columns.mapped.get(name)
        if isinstance(cell, str) and cell.strip() in ERRORS:
            changes.append((name, "an error of a formula, read as no value"))
            continue
        try:
            values[name] = cell if column is None else converted(column, cell, zone)
        except RecordError as caught:
            values[name], error = cell, error or caught
    if not values and not changes:
        return None
    key = tuple(str(values.get(name, "")) for name in columns.key)
    text = msgspec.json.encode(values, order="deterministic")  # a column that was moved changes nothing
    return SheetRow(number, text, key if all(key) and error is None else None, error, tuple(changes))


def converted(column: Column, cell: Any, zone: ZoneInfo) -> Any:
    """A cell as a value of its column. What does not fit stays as it is, and is judged like that of any source.

    Raises RecordError for a number in a text column that has lost digits.
    """
    if isinstance(cell, bool):
        return ("TRUE" if cell else "FALSE") if column.type == "text" else cell
    if isinstance(cell, int | float):
        return _of_number(column, cell, zone)
    text = str(cell)
    if column.type == "timestamp":
        return _local_text(text.strip(), zone)
    if column.type == "boolean" and text.strip().upper() in ("TRUE", "FALSE"):
        return text.strip().upper() == "TRUE"
    return text


def _of_number(column: Column, cell: float, zone: ZoneInfo) -> Any:
    is_whole = float(cell).is_integer()
    if column.type == "text":
        if abs(cell) >= 10**SHEET_DIGITS_MAX:
            raise RecordError(
                "wrong_type",
                f"{column.name}: the cell is a number of more than {SHEET_DIGITS_MAX} digits, and Google Sheets "
                "stores no more: format the column as plain text and enter it again",
            )
        return str(int(cell)) if is_whole else repr(cell)
    if column.type == "timestamp":
        return instant(cell, zone)
    if column.type == "date":
        return date_of(cell)
    return int(cell) if is_whole and abs(cell) < 2**63 else cell


def instant(serial: float, zone: ZoneInfo) -> Any:
    """The UTC time of a serial number in the sheet's zone, whole seconds: a double has no more. ISO 8601."""
    if not _is_serial(serial):
        return serial
    return _utc(_serial(serial), zone)


def date_of(serial: float) -> Any:
    """The date of a serial number, ISO 8601; a number that is none as it is."""
    return _serial(math.floor(serial)).date().isoformat() if _is_serial(serial) else serial


def _local_text(text: str, zone: ZoneInfo) -> str:
    """A date or time that was entered as text: without an offset it is in the sheet's zone."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return text
    return text if at.tzinfo is not None else _utc(at, zone)


def _utc(local: datetime, zone: ZoneInfo) -> str:
    return local.replace(tzinfo=zone).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f").rstrip("0").rstrip(".") + "Z"


def _serial(serial: float) -> datetime:
    return _SERIAL_BEGIN + timedelta(seconds=round(serial * 86_400))


def _is_serial(number: float) -> bool:
    return math.isfinite(number) and 0 <= number < 2_958_466  # the year 9999


def letter(index: int) -> str:
    """The letter of a column: A, B, ... Z, AA."""
    text, number = "", index + 1
    while number:
        number, rest = divmod(number - 1, 26)
        text = chr(ord("A") + rest) + text
    return text


def _plain(header: str) -> str:
    return " ".join(header.split()).casefold()
