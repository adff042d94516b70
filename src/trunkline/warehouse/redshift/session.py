"""Statements that query and write one Redshift, through the Data API or over a connection, and how values are bound.

The Data API binds values by name, each value once, and requires every parameter to be used. It binds neither NULL nor
the empty text, which are written out. Values that are not text are cast, so that nothing depends on what the database
infers; text is not, since a cast to VARCHAR would truncate it.
"""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final

from trunkline.aws.redshift_data import SqlError
from trunkline.aws.redshift_once import StatementApi
from trunkline.engines.model import Engine
from trunkline.engines.redshift import REDSHIFT
from trunkline.errors import UsageError
from trunkline.limits import DATA_API_STATEMENT_BYTES_MAX
from trunkline.objects.ledger import LedgerTable
from trunkline.objects.model import Column
from trunkline.sql.merge.redshift_load import create_staged, put_statements, staged_table, value_at
from trunkline.sql.session import Rows
from trunkline.warehouse.model import Answer, Lock
from trunkline.warehouse.redshift.address import Address

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
        return self.value(text, None if is_text else REDSHIFT.type_of(column))

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
    kinds = {int: "BIGINT", float: "DOUBLE PRECISION", datetime: "TIMESTAMP", date: "DATE"}
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
    if isinstance(value, date):
        return value.isoformat()
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


_VALID = "valid is one SELECT, WITH, VALUES, SHOW or DESCRIBE in Redshift's dialect"


@dataclass(frozen=True, slots=True)
class RedshiftSession:
    """The statements of one database. `schemas` are those of the catalogue, in the order of the search path."""

    api: StatementApi
    address: Address
    schemas: Sequence[str]

    @property
    def engine(self) -> Engine:
        """Redshift."""
        return REDSHIFT

    def query(self, sql: str, values: Sequence[object] = ()) -> Rows:
        """All rows of a query."""
        return self._rows(self._run(sql, values))[1]

    def run(self, sql: str, values: Sequence[object] = ()) -> None:
        """A statement that changes something."""
        self._run(sql, values)

    def put(self, table: LedgerTable, rows: Sequence[Mapping[str, Any]], better: Sequence[str] = ()) -> None:
        """Insert ledger rows whose key is not there, in one transaction."""
        if rows:
            bound = Bound()
            texts = [[as_text(row[column.name]) for column in table.columns] for row in rows]
            fill = bound.insert(staged_table(table), table.columns, texts)
            self.send([create_staged(table), fill, *put_statements(table, better)], bound)

    def send(self, sqls: Sequence[str], bound: Bound | None = None) -> None:
        """Statements as one transaction that may be repeated; waits for its end."""
        parameters = bound.parameters if bound else {}
        self.api.wait_for(self.api.batch(list(sqls), uuid.uuid4().hex, parameters), self.address.timeout_s)

    def query_read_only(self, sql: str) -> Answer:
        """One read-only query of a person. Raises UsageError with the engine's message."""
        check_question(sql)
        # A session lasts as long as a request, so the search path is set in each.
        path = ", ".join(map(REDSHIFT.quote, [*self.schemas, "public"]))
        batch = self.api.batch([f"SET search_path TO {path}", sql], uuid.uuid4().hex)
        try:
            self.api.wait_for(batch, self.address.timeout_s)
        except SqlError as error:
            raise UsageError(f"the query cannot be run: {error.text}") from None
        names, rows = self._rows(f"{batch}:2")
        return Answer(names, [*rows])

    def locks(self) -> list[Lock]:
        """Who holds or waits for the catalogue's tables now."""
        marks = ", ".join(f"${number}" for number in range(1, len(self.schemas) + 1))
        rows = self.query(
            "SELECT n.nspname || '.' || c.relname, 'process ' || t.pid || ' of ' || TRIM(t.txn_owner), t.granted, "
            "t.txn_start FROM svv_transactions AS t JOIN pg_class AS c ON c.oid = t.relation "
            "JOIN pg_namespace AS n ON n.oid = c.relnamespace "
            f"WHERE t.lock_mode = 'AccessExclusiveLock' AND n.nspname IN ({marks}) ORDER BY 1, 4",
            self.schemas,
        )
        return [Lock(str(table), str(holder), bool(granted), since) for table, holder, granted, since in rows]

    def _run(self, sql: str, values: Sequence[object]) -> str:
        bound = Bound()
        text = bound.statement(sql, values)
        return self.api.run(text, uuid.uuid4().hex, bound.parameters, timeout_s=self.address.timeout_s).id

    def _rows(self, statement_id: str) -> tuple[list[str], Rows]:
        columns, rows = self.api.table(statement_id)
        types = [type_ for _, type_ in columns]
        typed = [tuple(from_api(value, type_) for value, type_ in zip(row, types, strict=True)) for row in rows]
        return [name for name, _ in columns], typed


def check_question(sql: str) -> None:
    """Raises UsageError for what is not one query, or would write: INSERT, SELECT INTO, two statements.

    A parser reads it, since the Data API has no read-only session.
    """
    import sqlglot
    from sqlglot import exp
    from sqlglot.errors import SqlglotError

    try:
        statements = [statement for statement in sqlglot.parse(sql, read=REDSHIFT.name) if statement is not None]
    except SqlglotError as error:
        raise UsageError(f"the query cannot be read: {str(error).splitlines()[0]}; {_VALID}") from None
    if len(statements) != 1:
        raise UsageError(f"one query is needed and {len(statements)} were given; {_VALID}")
    query = statements[0]
    writes = (exp.Insert, exp.Update, exp.Delete, exp.Merge, exp.Into, exp.Create, exp.Drop, exp.Command, exp.Copy)
    wrong = query if not isinstance(query, exp.Query | exp.Show | exp.Describe) else query.find(*writes)
    if wrong is not None:
        raise UsageError(f"a query is needed and {wrong.key.upper()} was given; {_VALID}")
