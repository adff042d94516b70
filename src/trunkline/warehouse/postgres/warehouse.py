"""A PostgreSQL warehouse: rows by binary COPY into a staging table of the run's own, then the generated procedure.

The merge and its ledger rows are one transaction under a lock on the table; a second loader waits for the lock. Staging
comes before it, on other connections, so that only the merge holds the lock. A staging table that a killed run left is
dropped by the next run.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, closing, contextmanager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import duckdb
import psycopg
from psycopg import errors

from trunkline.accounting import Counts
from trunkline.engines.model import Engine, quote_qualified
from trunkline.engines.postgres import POSTGRES
from trunkline.errors import TerminalError, TransientError, UsageError
from trunkline.limits import LOCK_WAIT_S
from trunkline.objects.ledger import LedgerTable
from trunkline.objects.model import Object
from trunkline.objects.view import View
from trunkline.sql.merge.plpgsql import COUNTS, ELSEWHERE, lock_statement, temporary
from trunkline.sql.merge.procedures import procedure_name
from trunkline.sql.relation import BATCH_ID, Relation
from trunkline.sql.session import Rows, Session
from trunkline.urls import public_url
from trunkline.warehouse import staging
from trunkline.warehouse.duckdb.warehouse import open_beside
from trunkline.warehouse.model import Answer, CommitHooks, Lock, Opening, Staged
from trunkline.warehouse.postgres import install as postgres_install
from trunkline.warehouse.postgres.connection import Connection, Copier, connected, own_table, translate_server_errors
from trunkline.warehouse.staging import StagedRows

_QUESTIONS = ("select", "with", "values", "table", "show", "explain", "(")


@dataclass(frozen=True, slots=True)
class PostgresWarehouse:
    """An open PostgreSQL database.

    `local` reads the lake's files, `copier` stages what it read, `schemas` are those of the catalogue.
    """

    con: Connection
    local: duckdb.DuckDBPyConnection
    copier: Copier
    schemas: Sequence[str]

    @property
    def engine(self) -> Engine:
        """PostgreSQL."""
        return POSTGRES

    def query(self, sql: str, values: Sequence[object] = ()) -> Rows:
        """All rows of a query."""
        return self.con.execute(sql, list(values) or None).fetchall()

    def run(self, sql: str, values: Sequence[object] = ()) -> None:
        """A statement that changes something."""
        self.con.execute(sql, list(values) or None)

    def put(self, table: LedgerTable, rows: Sequence[Mapping[str, Any]], better: Sequence[str] = ()) -> None:
        """Insert rows whose key is not there, and replace those that are worse in `better`; two statements for all."""
        if not rows:
            return
        target = quote_qualified(POSTGRES, table.name)
        listed = ", ".join(POSTGRES.quote(column.name) for column in table.columns)
        arrays = ", ".join(f"${n}::{POSTGRES.type_of(column)}[]" for n, column in enumerate(table.columns, 1))
        new_rows = f"unnest({arrays}) AS new_rows ({listed})"
        there = " AND ".join(f"t.{POSTGRES.quote(key)} = new_rows.{POSTGRES.quote(key)}" for key in table.key)
        values = [[row[column.name] for row in rows] for column in table.columns]
        if better:
            held, new = (f"ROW({', '.join(f'{a}.{POSTGRES.quote(c)}' for c in better)})" for a in ("t", "new_rows"))
            self.con.execute(f"DELETE FROM {target} AS t USING {new_rows} WHERE {there} AND {held} < {new}", values)
        self.con.execute(
            f"INSERT INTO {target} ({listed}) SELECT {listed} FROM {new_rows} "
            f"WHERE NOT EXISTS (SELECT 1 FROM {target} AS t WHERE {there})",
            values,
        )

    def query_read_only(self, sql: str) -> Answer:
        """One query in a read-only transaction. Raises UsageError for anything else."""
        if not sql.lstrip().lower().startswith(_QUESTIONS):
            raise UsageError("one query is needed; valid is one SELECT, WITH, VALUES, TABLE, SHOW or EXPLAIN")
        try:
            with self.con.transaction(force_rollback=True):
                self.con.execute("SET TRANSACTION READ ONLY")
                cursor = self.con.execute(sql, prepare=True)  # the server prepares one statement alone
                columns = [column.name for column in cursor.description or []]
                return Answer(columns, cursor.fetchall() if columns else [])
        except (errors.QueryCanceled, psycopg.OperationalError):
            raise  # not the question's fault
        except psycopg.Error as error:
            raise UsageError(f"the query cannot be run: {str(error).strip()}") from None

    def shared(self) -> AbstractContextManager[None]:
        """Nothing to do: a server is always shared."""
        return nullcontext()

    def locks(self) -> list[Lock]:
        """Who holds or waits for the catalogue's tables now."""
        return [Lock(*row) for row in self.query(_LOCKS, [list(self.schemas)])]

    def install(self, objects: Sequence[Object], views: Sequence[View], zone: str = "UTC") -> list[str]:
        """Create what is not there, add columns that the catalogue has gained."""
        return postgres_install.install(self, self.con, objects, views, zone)

    def missing(self, objects: Sequence[Object], views: Sequence[View] = (), zone: str = "UTC") -> list[str]:
        """Objects whose tables are not there, or were made from another catalogue."""
        return postgres_install.missing(self, objects)

    def merge(self, obj: Object, batches: Sequence[Staged], hooks: CommitHooks) -> dict[str, Counts]:
        """Stage all batches at once, then call the procedure for each of them in one transaction with the ledger."""
        counts = {batch.batch_id: Counts() for batch in batches}
        files = [path for batch in batches for path in batch.files]
        if not files:
            with self._locked(obj):
                hooks.ledger(self, counts, [])
            return counts
        staged = staging.stage(self.local, obj, POSTGRES, files)
        ids = staging.batches(self.local, staged.rows)
        with_two_dates = staging.batches_with_two_dates(self.local, obj, staged.rows)
        tombstones = staging.Tombstones(self.local, staged)
        with own_table(self.con, obj, has_batches=len(ids) > 1) as own:
            if ids:
                self._stage(staged, own, len(ids) > 1)
            with self._locked(obj):
                for batch_id in ids:
                    counts[batch_id] = self._merge_batch(obj, batch_id, own, len(ids) > 1)
                    elsewhere = self._elsewhere(obj)
                    if elsewhere or batch_id in with_two_dates:
                        tombstones.add(batch_id, elsewhere)
                for refused in staged.refused:
                    merged = counts[refused.batch_id]
                    counts[refused.batch_id] = replace(merged, rejected=merged.rejected + 1)
                moved = tombstones.batches()
                if moved:
                    hooks.tombstones(tombstones.rows, moved)
                hooks.ledger(self, counts, staged.refused)
        return counts

    def _stage(self, staged: StagedRows, own: str, has_batches: bool) -> None:
        """Copy staged rows. Nothing is analysed: the procedure's plans do not depend on it, and it takes a while."""
        self.copier.copy(staged.obj, staged.rows, own, has_batches=has_batches)
        if has_batches:
            self.con.execute(f"CREATE INDEX ON {quote_qualified(POSTGRES, own)} ({BATCH_ID})")

    def _merge_batch(self, obj: Object, batch_id: str, own: str, has_batches: bool) -> Counts:
        """One call of the procedure; one of several batches is shown to it by a view."""
        procedure = quote_qualified(POSTGRES, procedure_name(obj))
        shown = f"trunkline_batch_{batch_id}" if has_batches else own
        if has_batches:
            self.con.execute(
                f"CREATE TEMP VIEW {shown} AS SELECT s.ctid, s.* FROM {quote_qualified(POSTGRES, own)} AS s "
                f"WHERE {BATCH_ID} = '{batch_id}'"
            )
        (row,) = self.query(f"CALL {procedure}($1, $2)", [shown, batch_id])
        if has_batches:
            self.con.execute(f"DROP VIEW {shown}")
        return replace(Counts(), **dict(zip(COUNTS, map(int, row), strict=True)))

    def _elsewhere(self, obj: Object) -> Rows:
        """Rows that the table held at another date than the batch just merged; the procedure leaves them if any."""
        left = f"pg_temp.{temporary(obj, POSTGRES, ELSEWHERE)}"
        is_left = self.query("SELECT to_regclass($1) IS NOT NULL", [left]) == [(True,)]
        return self.query(f"SELECT * FROM {left}") if is_left else []

    def rebuild(
        self, obj: Object, groups: Sequence[Sequence[Path]], before_commit: Callable[[Session, int], None]
    ) -> int:
        """Fold the lake here, group by group, and copy what comes out; readers see the old rows until the end."""
        table = quote_qualified(POSTGRES, obj.warehouse_table)
        with own_table(self.con, obj) as own:
            for paths in groups:
                self.copier.copy(obj, staging.fold(self.local, obj, POSTGRES, paths), own)
            names = ", ".join(POSTGRES.quote(column.name) for column in obj.columns)
            with self._locked(obj):
                self.con.execute(f"DELETE FROM {table}")
                self.con.execute(f"INSERT INTO {table} ({names}) SELECT {names} FROM {quote_qualified(POSTGRES, own)}")
                rows = self.count(obj)
                before_commit(self, rows)
        return rows

    def refold(
        self, obj: Object, touched: Relation, winners: Relation, before_commit: Callable[[Session, int], None]
    ) -> None:
        """Delete the rows whose keys are in `touched`, insert those of `winners`; both are staged first."""
        table = quote_qualified(POSTGRES, obj.warehouse_table)
        names = ", ".join(POSTGRES.quote(column.name) for column in obj.columns)
        keys = ", ".join(POSTGRES.quote(key) for key in obj.key)
        with own_table(self.con, obj) as own_touched, own_table(self.con, obj) as own_winners:
            self.copier.copy(obj, touched, own_touched, obj.key)
            self.copier.copy(obj, winners, own_winners)
            with self._locked(obj):
                before = self.count(obj)
                old, new = quote_qualified(POSTGRES, own_touched), quote_qualified(POSTGRES, own_winners)
                self.con.execute(f"DELETE FROM {table} WHERE ({keys}) IN (SELECT {keys} FROM {old})")
                self.con.execute(f"INSERT INTO {table} ({names}) SELECT {names} FROM {new}")
                before_commit(self, self.count(obj) - before)

    def count(self, obj: Object) -> int:
        """Rows of the table that are not deleted."""
        table = quote_qualified(POSTGRES, obj.warehouse_table)
        return int(self.query(f"SELECT count(*) FROM {table} WHERE NOT record_is_deleted")[0][0])

    @contextmanager
    def _locked(self, obj: Object) -> Iterator[None]:
        """A transaction that holds the table's lock. Raises TransientError with the holder's name after a minute."""
        with self.con.transaction():
            self.con.execute(f"SET LOCAL lock_timeout = '{LOCK_WAIT_S}s'")
            try:
                with self.con.transaction():
                    self.con.execute(lock_statement(obj, POSTGRES))
            except errors.LockNotAvailable:
                table = obj.warehouse_table
                holders = [lock.holder for lock in self.locks() if lock.is_granted and lock.table == table]
                raise TransientError(
                    f"{table} was locked for {LOCK_WAIT_S} s by {' and '.join(holders) or 'another session'}; nothing "
                    "is lost: run the same command again when that has ended (trunkline warehouse status shows it)"
                ) from None
            self.con.execute("SET LOCAL lock_timeout = 0")
            yield


_LOCKS = """
SELECT n.nspname || '.' || c.relname,
  'process ' || l.pid || ' (' || COALESCE(a.usename, 'unknown user')
    || COALESCE(', ' || NULLIF(a.application_name, ''), '') || COALESCE(', from ' || host(a.client_addr), '') || ')',
  l.granted, timezone('UTC', a.xact_start)
FROM pg_locks AS l
JOIN pg_class AS c ON c.oid = l.relation
JOIN pg_namespace AS n ON n.oid = c.relnamespace
LEFT JOIN pg_stat_activity AS a ON a.pid = l.pid
WHERE l.database = (SELECT oid FROM pg_database WHERE datname = current_database()) AND c.relkind = 'r'
  AND n.nspname = ANY($1::text[])
  AND l.mode IN ('ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock')
ORDER BY l.granted DESC, 4, 2
"""


@contextmanager
def open_warehouse(opening: Opening) -> Iterator[PostgresWarehouse]:
    """The database, to write it. Raises TransientError where it cannot be reached, TerminalError for a wrong log-in."""
    with _opened(opening, "load", opening.scratch / "spill") as warehouse:
        yield warehouse


@contextmanager
def open_reader(opening: Opening) -> Iterator[PostgresWarehouse]:
    """The database, to query it; the session refuses to write. Raises TerminalError when nothing is installed there."""
    opening.home.mkdir(parents=True, exist_ok=True)
    with _opened(opening, "read", opening.home / ".spill") as warehouse:
        path = ", ".join(map(POSTGRES.quote, [*opening.schemas, "public"]))
        warehouse.run(f"SET search_path = {path}")
        warehouse.run("SET default_transaction_read_only = on")
        if not warehouse.query("SELECT 1 FROM pg_namespace WHERE nspname = 'ledger'"):
            raise TerminalError(
                f"nothing is installed in {public_url(opening.url)} yet; run: trunkline warehouse install "
                f"--home {opening.home}"
            )
        yield warehouse


@contextmanager
def _opened(opening: Opening, purpose: str, spill: Path) -> Iterator[PostgresWarehouse]:
    with (
        translate_server_errors(opening),
        connected(opening, purpose) as con,
        open_beside(opening, spill) as local,
        closing(Copier(opening.url, local)) as copier,
    ):
        yield PostgresWarehouse(con, local, copier, opening.schemas)
