"""A table of results: Arrow data that any data frame library can take, without one of ours."""

from __future__ import annotations

import html
from collections.abc import Sequence
from datetime import UTC
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from trunkline.errors import UsageError

if TYPE_CHECKING:
    import duckdb

_SHOWN_ROWS = 20
_ZONED = "TIMESTAMP WITH TIME ZONE"


class Table:
    """The rows of a query, in memory and independent of the home they came from.

    Implements Arrow's C stream protocol (`__arrow_c_stream__`), so that `polars.DataFrame(table)`,
    `pyarrow.table(table)`, `duckdb.from_arrow(table)` and pandas take it as it is. Times are UTC without a zone unless
    the column says otherwise; NULL stays null.
    """

    def __init__(self, stream: Any) -> None:
        """Reads an Arrow stream (any object with `__arrow_c_stream__`) to its end."""
        import nanoarrow

        self._data = nanoarrow.ArrayStream(stream).read_all()

    def __arrow_c_stream__(self, requested_schema: object = None) -> Any:
        """Arrow's C stream protocol. The table can be read any number of times."""
        return self._data.__arrow_c_stream__(requested_schema)

    def __len__(self) -> int:
        return len(self._data)

    @property
    def columns(self) -> list[str]:
        """The names of the columns."""
        return [field.name for field in self._data.schema.fields]

    def rows(self) -> list[tuple[Any, ...]]:
        """All rows as tuples of Python values: numbers exact, times as `datetime`, lists and maps as such."""
        return rows_of(self._relation())

    def column(self, name: str) -> list[Any]:
        """The values of a column, as `rows` gives them. Raises UsageError where there is none of this name."""
        self._require(name)
        return [value for (value,) in rows_of(self._relation().select(_quoted(name)))]

    def replace(self, name: str, values: Sequence[object]) -> Table:
        """The table with other values of one column, which keeps its type. None is NULL.

        Raises UsageError for another number of values than rows, and for values that do not fit the type.
        """
        import duckdb

        self._require(name)
        if len(values) != len(self):
            raise UsageError(f"column {name}: {len(values)} values for {len(self)} rows; give one value for each row")
        engine = duckdb.connect(config={"threads": 1})
        engine.execute("SET TimeZone = 'UTC'")
        column = _quoted(name)
        engine.register("given", self)
        type_ = dict(zip(self.columns, engine.table("given").types, strict=True))[name]
        try:
            return Table(
                engine.sql(
                    f"SELECT g.* REPLACE (v.new AS {column}) FROM given AS g POSITIONAL JOIN "
                    f"(SELECT CAST(unnest($1) AS {type_}) AS new) AS v",
                    params=[list(values)],
                )
            )
        except duckdb.Error as error:
            raise UsageError(f"column {name}: a value does not fit its type {type_} ({type(error).__name__})") from None

    def _require(self, name: str) -> None:
        if name not in self.columns:
            raise UsageError(f"there is no column {name!r}; columns are {', '.join(self.columns)}")

    def df(self) -> Any:
        """A data frame of pandas, or of polars where pandas is not installed.

        Raises UsageError where neither is.
        """
        if find_spec("pandas"):
            return self._relation().df()
        if find_spec("polars"):
            import polars as pl

            return pl.DataFrame(self)
        raise UsageError(
            "df() needs pandas or polars, and neither is installed: pip install pandas, or pip install polars. "
            "rows() gives Python values without either."
        )

    def __repr__(self) -> str:
        shown = [tuple("NULL" if value is None else str(value) for value in row) for row in self._first_rows()]
        widths = [max(map(len, column)) for column in zip(self.columns, *shown, strict=True)]
        lines = [
            "  ".join(f"{text:<{width}}" for text, width in zip(row, widths, strict=True)).rstrip()
            for row in [tuple(self.columns), tuple("-" * width for width in widths), *shown]
        ]
        return "\n".join([*lines, self._size()])

    def _repr_html_(self) -> str:
        """How a notebook shows the table: the first rows, text from records escaped."""
        head = _html_row("th", self.columns)
        body = "".join(
            _html_row("td", ["NULL" if value is None else str(value) for value in row]) for row in self._first_rows()
        )
        return f"<table><thead>{head}</thead><tbody>{body}</tbody></table><p>{self._size()}</p>"

    def _first_rows(self) -> list[tuple[Any, ...]]:
        return rows_of(self._relation().limit(_SHOWN_ROWS))

    def _size(self) -> str:
        rows = f"{len(self):,} {'row' if len(self) == 1 else 'rows'}"
        return rows if len(self) <= _SHOWN_ROWS else f"{rows}, the first {_SHOWN_ROWS} shown"

    def _relation(self) -> duckdb.DuckDBPyRelation:
        import duckdb

        engine = duckdb.connect()
        engine.execute("SET TimeZone = 'UTC'")
        return engine.from_arrow(self)


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _html_row(tag: str, cells: Sequence[str]) -> str:
    return "<tr>" + "".join(f"<{tag}>{html.escape(cell)}</{tag}>" for cell in cells) + "</tr>"


def rows_of(relation: duckdb.DuckDBPyRelation) -> list[tuple[Any, ...]]:
    """The rows of a DuckDB relation. Times with a time zone are aware, in UTC; inside lists and the like they are text.

    DuckDB itself needs a package for them that is not installed.
    """
    zoned = [str(type_) for type_ in relation.types]
    if not any(_ZONED in type_ for type_ in zoned):
        return relation.fetchall()
    columns = [
        f"#{n} AT TIME ZONE 'UTC'" if type_ == _ZONED else f"CAST(#{n} AS VARCHAR)" if _ZONED in type_ else f"#{n}"
        for n, type_ in enumerate(zoned, 1)
    ]
    aware = [n for n, type_ in enumerate(zoned) if type_ == _ZONED]
    rows = []
    for row in relation.project(", ".join(columns)).fetchall():
        values = list(row)
        for n in aware:
            values[n] = values[n].replace(tzinfo=UTC) if values[n] is not None else None
        rows.append(tuple(values))
    return rows


def table_of(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> Table:
    """Python rows as a table. Types are inferred; a column without any value has Arrow's null type.

    Raises UsageError for no columns.
    """
    import duckdb

    if not columns:
        raise UsageError("the statement returns no rows")
    listed = ", ".join(f"unnest(${n}) AS {_quoted(name)}" for n, name in enumerate(columns, 1))
    values = [[row[n] for row in rows] for n in range(len(columns))]
    return Table(duckdb.connect().sql(f"SELECT {listed}", params=values))
