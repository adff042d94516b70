"""The first rows of a tab as a sample of records, for an object that is not declared yet."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any, Final
from zoneinfo import ZoneInfo

from trunkline.errors import UsageError, printable
from trunkline.objects.origins import Origin, SheetOrigin
from trunkline.objects.user.origin_tables import origin_from_table
from trunkline.objects.user.propose import HOW_TO, Sample, toml_text
from trunkline.sources.sheets.cells import ERRORS, date_of, instant
from trunkline.sources.sheets.client import read_first_rows

PREFIX: Final = "sheet:"
_ADDRESS: Final = "https://docs.google.com/spreadsheets/"
_ROWS_MAX: Final = 1_000
_HEADER_ROW_MAX: Final = 10


def is_sheet(text: str) -> bool:
    """Whether a text names a tab of a Google Sheet."""
    return text.startswith((PREFIX, _ADDRESS))


def read_tab(text: str, credentials: str, endpoint: str = "") -> Sample:
    """The sample in a tab, which is named as `sheet:ID!TAB`, or with the sheet's address in place of the id.

    Dates and times are recognised by what the sheet shows, and are read as a run reads them. A column without a
    header, or with one that another column has, is left out, since nothing could be declared of it.

    Raises UsageError for a name that is not valid and for a tab without records, and what reading a tab raises.
    """
    sheet, mark, tab = text.removeprefix(PREFIX).partition("!")
    if not mark or not tab:
        raise UsageError(f"--from {text} names no tab; write sheet:ID!TAB, the tab's name after an exclamation mark")
    if not credentials:
        raise UsageError(
            "a Google Sheet is read with a service account; name the place of its key with --credentials, such as "
            "file:/etc/trunkline/google.json (see docs/how-to/read-google-sheets.md)"
        )
    table = {"type": "sheet", "sheet": sheet, "tab": tab.strip("'"), "credentials": credentials}
    origin = _as_sheet(origin_from_table(table, lambda key: f"--{'credentials' if key == 'credentials' else 'from'}:"))
    stored, shown = read_first_rows(origin, _ROWS_MAX + _HEADER_ROW_MAX, endpoint)
    header = _header_row(stored.rows)
    names = _names(stored.rows[header - 1] if header else [])
    records = _records(names, stored.rows[header:], shown.rows[header:], ZoneInfo(stored.zone))
    filled = [record for record in records if record][:_ROWS_MAX]
    if not filled:
        raise UsageError(
            f"the tab {printable(origin.tab)!r} has no rows below a row of headers; name another tab (see {HOW_TO})"
        )
    lines = [f"{key} = {toml_text(value)}" for key, value in table.items()]
    if header > 1:
        lines.append(f"header_row = {header}  # guess: the first row in which most cells are texts")
    return Sample("sheet", filled, source=tuple(lines))


def _as_sheet(origin: Origin) -> SheetOrigin:
    assert isinstance(origin, SheetOrigin)
    return origin


def _header_row(rows: Sequence[Sequence[Any]]) -> int:
    """The number of the first row that is nothing but texts, at least half as many as the widest row has; else 0."""
    filled = [[cell for cell in row if not _is_empty(cell)] for row in rows[:_HEADER_ROW_MAX]]
    widest = max(map(len, filled), default=0)
    for number, cells in enumerate(filled, 1):
        if cells and 2 * len(cells) >= widest and all(isinstance(cell, str) for cell in cells):
            return number
    return 0


def _names(header: Sequence[Any]) -> list[str]:
    """The header of each column; empty where it has none of its own."""
    names = [" ".join(str(cell).split()) for cell in header]
    counts = Counter(name.casefold() for name in names)
    return [name if counts[name.casefold()] == 1 else "" for name in names]


def _records(
    names: Sequence[str], stored: Sequence[Sequence[Any]], shown: Sequence[Sequence[Any]], zone: ZoneInfo
) -> list[dict[str, Any]]:
    """Each row by header. Where a column has a time, its dates are times too."""
    rows = [list(zip(names, *cells, strict=False)) for cells in zip(stored, shown, strict=False)]
    timed = {name for row in rows for name, cell, text in row if _is_dated(cell, text) and not float(cell).is_integer()}
    return [
        {
            name: _value(cell, _is_dated(cell, text), zone if name in timed else None)
            for name, cell, text in row
            if name and not _is_empty(cell) and cell not in ERRORS
        }
        for row in rows
    ]


def _is_dated(cell: Any, text: Any) -> bool:
    """Whether a cell is a date or time; what is less than a day, such as a duration, is a number."""
    return _is_number(cell) and cell >= 1 and isinstance(text, str)


def _value(cell: Any, is_dated: bool, zone: ZoneInfo | None) -> Any:
    """A cell as JSON has it: a date or, with a zone, a UTC time in ISO 8601; a whole number without a point."""
    if is_dated:
        return date_of(cell) if zone is None else instant(cell, zone)
    return int(cell) if _is_number(cell) and float(cell).is_integer() else cell


def _is_number(cell: Any) -> bool:
    return isinstance(cell, int | float) and not isinstance(cell, bool)


def _is_empty(cell: Any) -> bool:
    return cell is None or (isinstance(cell, str) and not cell.strip())
