"""Recognises CSV: whether a file is of rows, their separator, and their columns, from the header row."""

from __future__ import annotations

import codecs
import io
import re
from typing import Final

from trunkline.errors import RecordError
from trunkline.objects.model import Object
from trunkline.objects.table_rows import paths_of, split_rows, unique_names
from trunkline.records import RowLayout
from trunkline.sources.files.containers import FormatError
from trunkline.sources.files.tables.csv_rows import first_row

SEPARATORS: Final = (",", ";", "\t", "|")
_NAMED: Final = re.compile(r"[.](?:csv|tsv|tab)(?:[.](?:gz|zst|zip|snappy))?\Z", re.IGNORECASE)
READ_FORMATS: Final = "JSON, NDJSON, CSV, Parquet and Excel, as they are or as gzip, zstd, ZIP or Snappy"


def find_layout(head: bytes, uri: str, obj: Object) -> tuple[RowLayout, int] | None:
    """How a file's texts are rows, and the byte where they begin; None for a file of JSON.

    `head` are its first bytes in UTF-8. Text is rows where the object says so, where the file's name ends with .csv or
    .tsv, or where its first line names the columns of the key. Raises FormatError for rows without the key's columns.
    """
    text = head.removeprefix(codecs.BOM_UTF8)
    is_json = text.lstrip(b" \t\r\n\0")[:1] in (b"{", b"[")
    kind = obj.format.kind
    if kind in ("json", "parquet", "excel") or (is_json and kind != "csv") or not text.strip():
        return None
    begins = len(head) - len(text)
    if obj.format.header:
        names, separator = unique_names(obj.format.header), obj.format.separator or _separator(text, obj.format.header)
        return RowLayout(names, separator, obj.format.quote), begins
    start, end = first_row(io.BytesIO(text).read, obj.format.quote)
    header = text[start:end].rstrip(b"\r\n")
    layout = _best(header, obj)
    is_rows = layout is not None and not _missing(layout, obj)
    if is_rows and layout is not None:
        return layout, begins + end
    if kind == "csv" or _NAMED.search(uri):
        raise FormatError(_why(layout, obj))
    return None


def _best(header: bytes, obj: Object) -> RowLayout | None:
    """The layout by the separator with which the header row names most columns of the object, or most columns."""
    candidates: list[tuple[int, int, RowLayout]] = []
    for separator in (obj.format.separator,) if obj.format.separator else SEPARATORS:
        try:
            (names,) = split_rows([header.decode()], RowLayout(("",), separator, obj.format.quote), is_header=True)
        except (RecordError, UnicodeDecodeError):
            continue
        layout = RowLayout(unique_names(names), separator, obj.format.quote, header)
        known = sum(path is not None for path in paths_of(obj, layout.names))
        candidates.append((known, len(names), layout))
    return max(candidates, key=lambda item: item[:2])[2] if candidates else None


def _separator(text: bytes, header: tuple[str, ...]) -> str:
    """The separator that the first row has as often as the declared columns need."""
    line = text.split(b"\n", 1)[0].decode(errors="replace")
    return max(SEPARATORS, key=lambda separator: (line.count(separator) == len(header) - 1, line.count(separator)))


def _missing(layout: RowLayout, obj: Object) -> list[str]:
    """Columns of the key that the table does not have, as paths."""
    there = set(paths_of(obj, layout.names))
    paths = [obj.by_name[name].path or (name,) for name in obj.key]
    return [".".join(path) for path in paths if path not in there]


def _why(layout: RowLayout | None, obj: Object) -> str:
    if layout is None:
        return "a CSV file whose first row is no header row in UTF-8 (declare its encoding in [csv] of the object)"
    missing = ", ".join(_missing(layout, obj))
    return (
        f"a CSV file without the column {missing}, which the key of {obj.name} reads: its header row has "
        f"{len(layout.names)} columns (declare their names as header in [csv] of the object if it has no header row)"
    )
