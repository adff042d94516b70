"""Statements that query and write one Redshift, through the Data API or over a connection."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from trunkline.aws.redshift_data import SqlError
from trunkline.aws.redshift_once import StatementApi
from trunkline.engines.model import Engine
from trunkline.engines.redshift import REDSHIFT
from trunkline.errors import UsageError
from trunkline.objects.ledger import LedgerTable
from trunkline.sql.merge.redshift_load import create_staged, put_statements, staged_table
from trunkline.sql.session import Rows
from trunkline.warehouse.model import Answer, Lock
from trunkline.warehouse.redshift.address import Address
from trunkline.warehouse.redshift.bound import Bound, as_text, from_api

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
        self.api.ended(self.api.batch(list(sqls), uuid.uuid4().hex, parameters), self.address.timeout_s)

    def ask(self, sql: str) -> Answer:
        """One read-only query of a person. Raises UsageError with the engine's message."""
        check_question(sql)
        # A session lasts as long as a request, so the search path is set in each.
        path = ", ".join(map(REDSHIFT.quote, [*self.schemas, "public"]))
        batch = self.api.batch([f"SET search_path TO {path}", sql], uuid.uuid4().hex)
        try:
            self.api.ended(batch, self.address.timeout_s)
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
