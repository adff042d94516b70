"""Values for statements of the Data API: bound by name, each value once; NULL and the empty text are written out.

The API binds neither of the two, and requires every parameter to be used. Values that are not text are cast, so that
nothing depends on what the database infers; text is not, since a cast to VARCHAR would truncate it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final

from trunkline.engines.redshift import REDSHIFT, SCALARS
from trunkline.limits import DATA_API_STATEMENT_BYTES_MAX
from trunkline.objects.model import Column
from trunkline.sql.merge.redshift_load import value_at

_PLACE: Final = re.compile(r"\$(\d+)")
_LIST: Final = re.compile(r"\(\$(\d+)(?:, \$\d+)*, \$(\d+)\)")


class Bound:
    """The parameters of one request. Statements of a batch share them; one parameter has one type everywhere."""

    def __init__(self) -> None:
        self._names: dict[tuple[str, str | None], str] = {}

    @property
    def parameters(self) -> Mapping[str, str]:
        """Value by name."""
        return {name: value for (value, _), name in self._names.items()}

    @property
    def size_bytes(self) -> int:
        """All values together."""
        return sum(len(value.encode()) for value, _ in self._names)

    def fits(self, statements: Sequence[str]) -> bool:
        """Whether the API takes these statements with all the values; whether it counts them is not documented."""
        longest = max((len(sql.encode()) for sql in statements), default=0)
        return longest + self.size_bytes <= DATA_API_STATEMENT_BYTES_MAX

    def value(self, text: str | None, type_: str | None = None) -> str:
        """An expression for a value; `type_` is the database's for what is no text."""
        if text is None:
            return "NULL"
        if text == "":
            return "''"
        name = f":{self._names.setdefault((text, type_), f'p{len(self._names)}')}"
        return f"CAST({name} AS {type_})" if type_ else name

    def column(self, column: Column, text: str | None) -> str:
        """An expression for a column's value, given as text."""
        is_text = not isinstance(column.type, str) or column.type == "text"
        return self.value(text, None if is_text else SCALARS[str(column.type)])

    def python(self, value: object) -> str:
        """An expression for a value of Python's."""
        if isinstance(value, bool):
            return "TRUE" if value else "FALSE"
        return self.value(as_text(value), kind_of(value))

    def statement(self, sql: str, values: Sequence[object] = ()) -> str:
        """A statement with marks `$1, $2, ...`, each replaced by an expression."""
        return _PLACE.sub(lambda mark: self.python(values[int(mark[1]) - 1]), sql)

    def insert(self, table: str, columns: Sequence[Column], rows: Sequence[Sequence[str | None]]) -> str:
        """One INSERT of many rows, each value given as text. `table` is quoted."""
        names = ", ".join(REDSHIFT.quote(column.name) for column in columns)
        lines = ",\n".join(
            "(" + ", ".join(self.column(column, text) for column, text in zip(columns, row, strict=True)) + ")"
            for row in rows
        )
        return f"INSERT INTO {table} ({names})\nVALUES\n{lines}"


def kind_of(value: object) -> str | None:
    """The database's type of a value of Python's; None for text."""
    kinds = {int: "BIGINT", float: "DOUBLE PRECISION", datetime: "TIMESTAMP"}
    return next((name for type_, name in kinds.items() if isinstance(value, type_)), None)


def filed(sql: str, values: Sequence[object], run: int) -> str:
    """A statement with marks `$1, $2, ...`, each replaced by a query of the staged value.

    A request with a COPY binds nothing: what the API makes of the colon in `s3://` beside parameters is not documented.
    """

    def staged(mark: re.Match[str]) -> str:
        place = int(mark[1])
        text, kind = as_text(values[place - 1]), kind_of(values[place - 1])
        if not text:
            return "NULL" if text is None else "''"
        query = value_at(run, place, place)
        return f"CAST({query} AS {kind})" if kind and not isinstance(values[place - 1], bool) else query

    # A list of texts is one query: there may be thousands of them.
    listed = _LIST.sub(lambda marks: value_at(run, int(marks[1]), int(marks[2])), sql)
    return _PLACE.sub(staged, listed)


def as_text(value: object) -> str | None:
    """A value of Python's as Redshift reads it; None for None."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return value.isoformat(sep=" ", timespec="microseconds")
    if isinstance(value, int | float):
        return repr(value)
    raise TypeError(f"a {type(value).__name__} cannot be bound")


def from_api(value: Any, type_name: str) -> Any:
    """A value of a result as Python has it: the API gives times, dates, decimals and SUPER as text."""
    if not isinstance(value, str):
        return value
    match type_name.partition("(")[0].strip().lower():
        case "timestamp" | "timestamptz":
            return datetime.fromisoformat(value)
        case "date":
            return date.fromisoformat(value)
        case "numeric" | "decimal":
            return Decimal(value)
        case "super":
            return json.loads(value)
        case _:
            return value
