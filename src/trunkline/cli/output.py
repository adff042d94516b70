"""The only printer. Data goes to standard output as a table, JSON or CSV; everything said about it to standard error.

Tables are for people: thousands separators, rounded fractions, NULL by name. On a terminal, rows that are too wide are
shown one column a line, and ids are never broken. JSON and CSV are for programs: every digit, ISO times, NULL as null
or an empty field. Text from records is never interpreted: not as markup, terminal commands, or formulas of a
spreadsheet.
"""

from __future__ import annotations

import csv
import math
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, time
from decimal import Decimal
from enum import StrEnum
from typing import Any, Final, TextIO

# Beyond these msgspec refuses an integer; DuckDB's sums of BIGINT are HUGEINT and can be larger.
_JSON_INT_MIN, _JSON_INT_MAX = -(2**63), 2**64 - 1
# Characters that would move the cursor, reverse the direction of text, or break a line.
_DIRECTION: Final = (0x061C, 0x200E, 0x200F, *range(0x2028, 0x202F), *range(0x2066, 0x206A))
_CONTROL: Final = (
    {code: f"\\x{code:02x}" for code in (*range(32), *range(127, 160))}
    | {10: "\\n", 13: "\\r", 9: "\\t"}
    | {code: f"\\u{code:04x}" for code in _DIRECTION}
)
# A spreadsheet runs a cell that begins like this, unless it is a number.
_FORMULA: Final = re.compile(r"[=+\-@\t\r\uff1d\uff0b\uff0d\uff20]")
_NUMBER: Final = re.compile(r"[+-]?\d+(?:\.\d+)?")
_WRAP_WIDTH: Final = 24
"""Prose is wrapped to this width or more; below it, rows are shown one column a line."""


class Format(StrEnum):
    """How data is written to standard output. `csv-raw` is CSV whose text a spreadsheet may take as formulas."""

    TABLE = "table"
    JSON = "json"
    CSV = "csv"
    RAW_CSV = "csv-raw"


def rows(columns: Sequence[str], values: Iterable[Sequence[object]], style: Format = Format.TABLE) -> None:
    """Writes rows, each a sequence as long as `columns`: a table, a JSON array of objects, or CSV with a header.

    JSON and CSV are written row by row, so `values` may be longer than memory; a table is laid out as a whole.
    """
    if style is Format.JSON:
        _write_json_array(columns, values)
    elif style in (Format.CSV, Format.RAW_CSV):
        _write_csv(columns, values, style)
    else:
        _write_table(columns, [list(row) for row in values])


def record(fields: Mapping[str, object], style: Format = Format.TABLE) -> None:
    """Writes one thing: a table of names and values, one JSON object, or CSV with one row."""
    if style is Format.JSON:
        sys.stdout.write(_json(dict(fields)) + "\n")
    elif style in (Format.CSV, Format.RAW_CSV):
        _write_csv(list(fields), [list(fields.values())], style)
    else:
        width = max(map(len, fields), default=0)
        for name, value in fields.items():
            sys.stdout.write(f"{name:<{width}}  {cell(value)}".rstrip() + "\n")


def text(lines: str) -> None:
    """Writes text that is itself the data, such as SQL or a page, to standard output as it is."""
    sys.stdout.write(lines if lines.endswith("\n") else lines + "\n")


def flush() -> None:
    """Shows what was written so far, where a command that goes on running must be read by a program."""
    sys.stdout.flush()


def note(line: str) -> None:
    """Says one line to the person at the terminal: standard error, so that data can be piped."""
    sys.stderr.write(line.translate({**_CONTROL, 10: "\n"}) + "\n")


def failure(line: str) -> None:
    """Says why a command could not do what was asked."""
    note(f"trunkline: {line}")


def cell(value: object) -> str:
    """A value as a person reads it in a table."""
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return _fraction(value)
    if isinstance(value, Decimal):
        return f"{value:,f}" if value.is_finite() else str(value)
    return _plain_text(value).translate(_CONTROL)


def _fraction(value: float) -> str:
    """Two decimals, or four digits below one, so that a small rate does not read as zero."""
    if not math.isfinite(value):
        return str(value)
    return f"{value:,.2f}" if abs(value) >= 1 or value == 0 else f"{value:.4g}"


def _plain_text(value: object) -> str:
    """A value as text without loss: CSV fields, and the ground of table cells."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, dict | list | tuple):
        return _json(value)
    return str(value)


def _json(value: object) -> str:
    import msgspec

    return msgspec.json.encode(_jsonable(value)).decode()


def _jsonable(value: object) -> Any:
    """What msgspec can encode with every digit kept; NaN and infinities become null, since JSON has none."""
    if isinstance(value, dict):
        return {str(key): _jsonable(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_jsonable(item) for item in value]
    if isinstance(value, bool | float | str) or value is None:
        return value
    if isinstance(value, int) and _JSON_INT_MIN <= value <= _JSON_INT_MAX:
        return value
    if isinstance(value, int | Decimal):
        return _exact_number(value)
    return _plain_text(value)


def _exact_number(value: int | Decimal) -> Any:
    import msgspec

    if isinstance(value, Decimal) and not value.is_finite():
        return None
    return msgspec.Raw(format(value, "f" if isinstance(value, Decimal) else "d").encode())


def _write_json_array(columns: Sequence[str], values: Iterable[Sequence[object]]) -> None:
    """One row per line, so that the array reads and compares line by line."""
    separator = "[\n"
    for row in values:
        sys.stdout.write(separator + _json(dict(zip(columns, row, strict=True))))
        separator = ",\n"
    sys.stdout.write("[]\n" if separator == "[\n" else "\n]\n")


def _write_csv(columns: Sequence[str], values: Iterable[Sequence[object]], style: Format) -> None:
    text = _plain_text if style is Format.RAW_CSV else _spreadsheet_text
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow([text(name) for name in columns])
    writer.writerows([text(value) for value in row] for row in values)


def _spreadsheet_text(value: object) -> str:
    """A value as a CSV field. Text that a spreadsheet would run gets an apostrophe in front, which shows it as text."""
    text = _plain_text(value)
    is_formula = isinstance(value, str) and _FORMULA.match(text) and not _NUMBER.fullmatch(text)
    return f"'{text}" if is_formula else text


def _write_table(columns: Sequence[str], values: Sequence[Sequence[object]]) -> None:
    is_number = [
        any(row[i] is not None for row in values)
        and all(isinstance(row[i], int | float | Decimal | None) and not isinstance(row[i], bool) for row in values)
        for i in range(len(columns))
    ]
    cells = [[cell(value) for value in row] for row in values]
    heads = [name.translate(_CONTROL) for name in columns]
    if sys.stdout.isatty():
        _draw(heads, cells, is_number, sys.stdout)
        return
    widths = [max([len(head), *(len(row[i]) for row in cells)]) for i, head in enumerate(heads)]
    for row in [heads, ["-" * width for width in widths], *cells]:
        padded = [
            f"{text:>{width}}" if right else f"{text:<{width}}"
            for text, width, right in zip(row, widths, is_number, strict=True)
        ]
        sys.stdout.write("  ".join(padded).rstrip() + "\n")


def _draw(heads: Sequence[str], cells: Sequence[Sequence[str]], is_number: Sequence[bool], stream: TextIO) -> None:
    """The table on a terminal. Cells are rich Text, not markup: an attribute may hold square brackets."""
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console(file=stream)
    widths = [_narrowest([head, *(row[i] for row in cells)]) for i, head in enumerate(heads)]
    if sum(widths) + 2 * len(widths) > console.width:
        _draw_expanded(heads, cells, console.width, stream)
        return
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for head, right, width in zip(heads, is_number, widths, strict=True):
        table.add_column(Text(head), justify="right" if right else "left", overflow="fold", min_width=width)
    for row in cells:
        table.add_row(*map(Text, row))
    console.print(table)


def _narrowest(texts: Sequence[str]) -> int:
    """The least width of a column that breaks no word. Prose may be wrapped, but not into a thin strip."""
    from rich.cells import cell_len

    longest_word = max((cell_len(word) for text in texts for word in text.split(" ")), default=0)
    longest_text = max(map(cell_len, texts), default=0)
    return max(longest_word, min(longest_text, _WRAP_WIDTH))


def _draw_expanded(heads: Sequence[str], cells: Sequence[Sequence[str]], width: int, stream: TextIO) -> None:
    """Rows one column a line, as psql's expanded display. The terminal wraps long values, so they can be copied."""
    label = max(map(len, heads), default=0)
    for number, row in enumerate(cells, 1):
        stream.write(f"─[ {number:,} ]".ljust(min(width, label + 40), "─") + "\n")
        for head, text in zip(heads, row, strict=True):
            stream.write(f"{head:<{label}}  {text}".rstrip() + "\n")
    if not cells:
        stream.write("No rows; columns: " + ", ".join(heads) + "\n")
