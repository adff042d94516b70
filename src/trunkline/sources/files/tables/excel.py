"""Excel workbooks as JSON texts: one sheet, its first row that is not blank the header row, one record a row after it.

Numbers without a fraction are whole, a time at midnight is a date, and other times have no offset, as Excel has none: a
timestamp column of such a sheet declares a `zone`. Blank cells are left out, blank rows are none.
"""

from __future__ import annotations

import datetime as dt
import io
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

import msgspec

from trunkline import limits
from trunkline.objects.model import Object
from trunkline.objects.table_rows import paths_of, unique_names
from trunkline.sources.files.containers import ZIP_MAGIC, FormatError

_OLD_MAGIC: Final = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_MEMBERS: Final = (b"[Content_Types].xml", b"_rels/", b"docProps/", b"xl/", b"mimetype")
_NEEDS: Final = "an Excel workbook, which needs a package that is not installed: pip install 'trunkline[excel]'"


def is_workbook(head: bytes) -> bool:
    """Whether the first bytes of a file are those of an Office document."""
    return head.startswith(_OLD_MAGIC) or (head.startswith(ZIP_MAGIC) and head[30:].startswith(_MEMBERS))


def read_sheet(data: bytes, sheet: str = "") -> list[list[Any]]:
    """The rows of a sheet, the first one by default, as values of Python.

    Raises FormatError for what is no workbook, a sheet that is not there, and where the package is not installed.
    """
    book = _open_workbook(data)
    if sheet and sheet not in book.sheet_names:
        raise FormatError(f"a workbook without a sheet {sheet!r}; its sheets are {', '.join(book.sheet_names)}")
    return list(book.get_sheet_by_name(sheet or book.sheet_names[0]).to_python())


def read_sheets(data: bytes) -> dict[str, list[list[Any]]]:
    """The rows of each sheet by its name, in the workbook's order. Raises FormatError as `read_sheet` does."""
    book = _open_workbook(data)
    return {name: list(book.get_sheet_by_name(name).to_python()) for name in book.sheet_names}


def _open_workbook(data: bytes) -> Any:
    try:
        import python_calamine
    except ModuleNotFoundError:
        raise FormatError(_NEEDS) from None
    try:
        return python_calamine.CalamineWorkbook.from_filelike(io.BytesIO(data))
    except python_calamine.CalamineError as error:
        kind = ".xls" if data.startswith(_OLD_MAGIC) else ".xlsx"
        raise FormatError(f"an Office document (such as an {kind} workbook) that cannot be read ({error})") from None


def cell_value(value: Any) -> Any:
    """A cell as JSON has it; None for a blank one."""
    match value:
        case float() if value.is_integer() and abs(value) < 2**53:
            return int(value)
        case dt.datetime() if value.time() == dt.time():
            return value.date().isoformat()
        case dt.datetime():
            return value.isoformat()
        case dt.date() | dt.time():
            return value.isoformat()
        case dt.timedelta():
            return str(value)
        case str():
            return value.strip() or None
        case _:
            return value


def sheet_records(rows: Sequence[Sequence[Any]], obj: Object | None) -> Iterator[dict[str, Any]]:
    """The rows of a sheet after its header row as records; by the object's key paths where its columns are named so."""
    filled = (row for row in rows if any(cell not in ("", None) for cell in row))
    names = unique_names([str(cell_value(cell) or "") for cell in next(filled, [])])
    paths = paths_of(obj, names) if obj else [None] * len(names)
    for row in filled:
        record: dict[str, Any] = {}
        for name, path, cell in zip(names, paths, row, strict=False):
            if (value := cell_value(cell)) is not None:
                below = record
                for key in (path or ())[:-1]:
                    below = below.setdefault(key, {})
                below[path[-1] if path else name] = value
        yield record


class ExcelText:
    """The rows of one sheet as JSON objects, one a line, in the sheet's order."""

    damage: str | None = None

    def __init__(self, head: bytes, read: Callable[[int], bytes], obj: Object) -> None:
        """Reads the whole workbook. Raises FormatError for what is no workbook, or without the declared sheet."""
        if obj.format.kind not in ("", "excel"):
            raise FormatError(f"an Excel workbook, and {obj.name} is declared to come as {obj.format.kind}")
        parts = [head]
        while data := read(limits.MIB):
            parts.append(data)
        records = sheet_records(read_sheet(b"".join(parts), obj.format.sheet), obj)
        self._stream = io.BytesIO(b"".join(msgspec.json.encode(record) + b"\n" for record in records))

    def read(self, size: int, /) -> bytes:
        """The next bytes, b"" at the end."""
        return self._stream.read(size)
