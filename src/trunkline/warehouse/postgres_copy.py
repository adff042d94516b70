"""Binary COPY: from the embedded engine's Arrow stream to PostgreSQL's wire format, without a row in Python."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from typing import Any

import adbc_driver_manager as adbc
import duckdb
import psycopg
from adbc_driver_postgresql import connect

from trunkline.compile.ddl import create_staging
from trunkline.engines.model import quote_qualified
from trunkline.engines.postgres import POSTGRES
from trunkline.errors import TerminalError, TransientError
from trunkline.objects.model import Object
from trunkline.warehouse import staging

BATCH = "record_batch"
"""A column of the run's own staging table alone: the batch that a row belongs to."""
_LATER = ("08", "53", "57")  # SQLSTATE classes: connection, resources, the operator stepped in


@contextmanager
def own_table(con: psycopg.Connection[Any], obj: Object) -> Iterator[str]:
    """A staging table of this run's own, `schema.table`; those that killed runs have left are dropped.

    Whoever made one holds a lock of its name while it lives, which ends with the session, however that ends.
    """
    schema, table = obj.warehouse_table.split(".")
    # A session gets its own locks again, so that what it holds is told by its number in the name.
    prefix, mine = f"{table[:36]}_run_", f"{table[:36]}_run_{con.info.backend_pid:x}_"
    left = con.execute(
        "SELECT tablename FROM pg_tables WHERE schemaname = $1 AND starts_with(tablename, $2) "
        "AND NOT starts_with(tablename, $3)",
        [schema, prefix, mine],
    )
    for (name,) in left.fetchall():
        if con.execute("SELECT pg_try_advisory_lock(hashtextextended($1, 0))", [name]).fetchall() == [(True,)]:
            con.execute(f"DROP TABLE IF EXISTS {quote_qualified(POSTGRES, f'{schema}.{name}')}")
            con.execute("SELECT pg_advisory_unlock(hashtextextended($1, 0))", [name])
    name = mine + secrets.token_hex(4)
    con.execute("SELECT pg_advisory_lock(hashtextextended($1, 0))", [name])
    own = f"{schema}.{name}"
    create = create_staging(obj, POSTGRES, own).replace("CREATE TABLE IF NOT EXISTS", "CREATE UNLOGGED TABLE", 1)
    con.execute(f"{create.rstrip().removesuffix(')')}, {BATCH} text) WITH (autovacuum_enabled = false)")
    try:
        yield own
    finally:
        # A connection that is gone has given its lock back; the next run drops the table.
        if not con.broken:
            con.execute(f"DROP TABLE IF EXISTS {quote_qualified(POSTGRES, own)}")
            con.execute("SELECT pg_advisory_unlock(hashtextextended($1, 0))", [name])


class Copier:
    """A connection that copies tables of the embedded engine to a server; opened when it is first used.

    Apart from the warehouse's own, since only this driver turns Arrow into binary COPY, and it speaks nothing else.
    """

    def __init__(self, url: str, local: duckdb.DuckDBPyConnection) -> None:
        self._url, self._local = url, local
        self._open = ExitStack()
        self._con: adbc.AdbcConnection | None = None

    def close(self) -> None:
        """Close the connection."""
        self._open.close()
        self._con = None

    def copy(self, obj: Object, source: str, target: str, columns: Sequence[str] = ()) -> int:
        """Append a table of the embedded engine to a server's `schema.table`, by name; the rows.

        Columns without a value are not sent, nor others than `columns` where these are named. Raises TransientError
        where the connection ends.
        """
        names = staging.filled_columns(self._local, obj, source)
        if columns:
            names = [name for name in names if name in columns]
        if not names:
            return 0
        listed = staging.binary_json(obj, names)
        if source == "staged":
            listed += f", batch_id AS {BATCH}"
        schema, table = target.split(".")
        options = {"target_db_schema": schema, "target_table": table, "mode": "adbc.ingest.mode.append"}
        try:
            with closing(adbc.AdbcStatement(self._connection())) as statement:
                statement.set_options(**{f"adbc.ingest.{name}": value for name, value in options.items()})
                statement.bind_stream(self._local.sql(f"SELECT {listed} FROM {source}").__arrow_c_stream__())
                return int(statement.execute_update())
        except adbc.Error as error:
            self.close()
            state = error.sqlstate or ""
            if not state or state.startswith(_LATER):
                raise TransientError(
                    f"copying rows into {target} was cut off ({state or 'no answer'}): nothing is lost, run the same "
                    "command again when the server answers"
                ) from None
            # Not the server's words: they may quote a value.
            raise TerminalError(f"the server refuses rows copied into {target} with SQLSTATE {state}") from None

    def _connection(self) -> adbc.AdbcConnection:
        if self._con is None:
            database = self._open.enter_context(closing(connect(self._url)))
            self._con = self._open.enter_context(closing(adbc.AdbcConnection(database)))
        return self._con
