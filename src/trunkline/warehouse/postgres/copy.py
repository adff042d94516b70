"""Binary COPY: from the embedded engine's Arrow stream to PostgreSQL's wire format, without a row in Python."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from typing import Any

import adbc_driver_manager as adbc
import duckdb
import nanoarrow as na
import psycopg
from adbc_driver_postgresql import connect
from nanoarrow.c_array_stream import CArrayStream
from psycopg.conninfo import make_conninfo

from trunkline.engines.model import quote_qualified
from trunkline.engines.postgres import POSTGRES
from trunkline.errors import TerminalError, TransientError
from trunkline.objects.model import Object
from trunkline.sql.ddl import create_staging
from trunkline.sql.relation import BATCH_ID, Relation
from trunkline.warehouse import staging

_LATER = ("08", "53", "57")  # SQLSTATE classes: connection, resources, the operator stepped in
_LANES = 2  # a connection either converts rows or waits for its server; with two, one does each
_PIECE_ROWS = 4_096  # what a connection converts before it sends


@contextmanager
def own_table(con: psycopg.Connection[Any], obj: Object, has_batches: bool = False) -> Iterator[str]:
    """A staging table of this run's own, `schema.table`; those that killed runs have left are dropped.

    `has_batches`: it has the column BATCH_ID. Without one a merge is a sixth faster: the server
    reads rows of exactly the target's columns, and copies none of them.
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
    more = f", {BATCH_ID} text" if has_batches else ""
    con.execute(f"{create.rstrip().removesuffix(')')}{more}) WITH (autovacuum_enabled = false)")
    try:
        yield own
    finally:
        # A connection that is gone has given its lock back; the next run drops the table.
        if not con.broken:
            con.execute(f"DROP TABLE IF EXISTS {quote_qualified(POSTGRES, own)}")
            con.execute("SELECT pg_advisory_unlock(hashtextextended($1, 0))", [name])


class Copier:
    """Connections that copy tables of the embedded engine to a server; opened when they are first used.

    Apart from the warehouse's own, since only this driver turns Arrow into binary COPY, and it speaks nothing else.
    """

    def __init__(self, url: str, local: duckdb.DuckDBPyConnection) -> None:
        # What the environment or the URL says of the client's encoding is for other programs: text is sent as UTF-8.
        self._connection, self._local = make_conninfo(url, client_encoding="UTF8"), local
        self._open = ExitStack()
        self._lanes: list[adbc.AdbcConnection] = []

    def close(self) -> None:
        """Close the connections."""
        self._open.close()
        self._lanes.clear()

    def copy(
        self, obj: Object, source: Relation, target: str, columns: Sequence[str] = (), has_batches: bool = False
    ) -> int:
        """Append a table of the embedded engine to a server's `schema.table`, by name; the rows.

        Columns without a value are not sent, nor others than `columns` where these are named. Raises TransientError
        where a connection ends; some rows may have been copied by then. `has_batches`: as the target has them.
        """
        names = staging.filled_columns(self._local, obj, source)
        if columns:
            names = [name for name in names if name in columns]
        if not names:
            return 0
        listed = staging.binary_json(obj, names)
        if has_batches:
            listed += f", {BATCH_ID}"
        stream = na.c_array_stream(self._local.sql(f"SELECT {listed} FROM {source.sql}"))
        try:
            return sum(self._send(list(_pieces(stream.get_schema(), rows)), target) for rows in stream if rows.length)
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

    def _send(self, pieces: Sequence[Any], target: str) -> int:
        """Copy pieces of rows over as many connections as there is work for."""
        while len(self._lanes) < min(_LANES, len(pieces)):
            database = self._open.enter_context(closing(connect(self._connection)))
            self._lanes.append(self._open.enter_context(closing(adbc.AdbcConnection(database))))
        used = self._lanes[: len(pieces)]
        shares = [pieces[number :: len(used)] for number in range(len(used))]
        with ThreadPoolExecutor(len(used)) as threads:
            return sum(threads.map(_ingest, used, shares, [target] * len(used)))


def _pieces(schema: Any, rows: Any) -> Iterator[Any]:
    """Arrow rows cut into pieces, without a copy. The driver reads columns and not a slice of the whole."""
    columns = list(rows.children)
    for start in range(0, rows.length, _PIECE_ROWS):
        end = min(start + _PIECE_ROWS, rows.length)
        cut = [column[start:end] for column in columns]
        yield na.c_array_from_buffers(schema, end - start, [None], children=cut)


def _ingest(con: adbc.AdbcConnection, pieces: Sequence[Any], target: str) -> int:
    """One COPY of pieces; the rows."""
    schema, table = target.split(".")
    options = {"target_db_schema": schema, "target_table": table, "mode": "adbc.ingest.mode.append"}
    with closing(adbc.AdbcStatement(con)) as statement:
        statement.set_options(**{f"adbc.ingest.{name}": value for name, value in options.items()})
        stream = CArrayStream.from_c_arrays(list(pieces), pieces[0].schema, validate=False)
        statement.bind_stream(stream.__arrow_c_stream__())
        return int(statement.execute_update())
