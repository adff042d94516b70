"""The only printer. Data goes to standard output as a table, JSON or CSV; everything said about it to standard error.

Tables are for people: thousands separators, rounded fractions, NULL by name. JSON and CSV are for programs: every
digit, ISO times, NULL as null or an empty field. Text from records is never taken as markup or as terminal commands.
"""

from __future__ import annotations

import csv
import math
import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, time
from decimal import Decimal
from enum import StrEnum
from typing import Any, Final, TextIO

# Beyond these msgspec refuses an integer; DuckDB's sums of BIGINT are HUGEINT and can be larger.
_JSON_INT_MIN, _JSON_INT_MAX = -(2**63), 2**64 - 1
_CONTROL: Final = {code: f"\\x{code:02x}" for code in (*range(32), *range(127, 160))} | {10: "\\n", 13: "\\r", 9: "\\t"}


class Format(StrEnum):
    """How data is written to standard output."""

    TABLE = "table"
    JSON = "json"
    CSV = "csv"


def rows(columns: Sequence[str], values: Iterable[Sequence[object]], style: Format = Format.TABLE) -> None:
    """Writes rows, each a sequence as long as `columns`: a table, a JSON array of objects, or CSV with a header.

    JSON and CSV are written row by row, so `values` may be longer than memory; a table is laid out as a whole.
    """
    if style is Format.JSON:
        _write_json_array(columns, values)
    elif style is Format.CSV:
        _write_csv(columns, values)
    else:
        _write_table(columns, [list(row) for row in values])


def record(fields: Mapping[str, object], style: Format = Format.TABLE) -> None:
    """Writes one thing: a table of names and values, one JSON object, or CSV with one row."""
    if style is Format.JSON:
        sys.stdout.write(_json(dict(fields)) + "\n")
    elif style is Format.CSV:
        _write_csv(list(fields), [list(fields.values())])
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


def _write_csv(columns: Sequence[str], values: Iterable[Sequence[object]]) -> None:
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([_plain_text(value) for value in row] for row in values)


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
            f"{one:>{width}}" if right else f"{one:<{width}}"
            for one, width, right in zip(row, widths, is_number, strict=True)
        ]
        sys.stdout.write("  ".join(padded).rstrip() + "\n")


def _draw(heads: Sequence[str], cells: Sequence[Sequence[str]], is_number: Sequence[bool], stream: TextIO) -> None:
    """The table on a terminal. Cells are rich Text, not markup: an attribute may hold square brackets."""
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for head, right in zip(heads, is_number, strict=True):
        table.add_column(Text(head), justify="right" if right else "left", overflow="fold")
    for row in cells:
        table.add_row(*map(Text, row))
    Console(file=stream).print(table)


__all__ = ["Format", "cell", "failure", "note", "record", "rows", "text"]
