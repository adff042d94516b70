"""Connections to a PostgreSQL, and binary COPY into it.

The URL and the encoding are checked, and the server's errors translated. COPY goes from the embedded engine's Arrow
stream to PostgreSQL's wire format, without a row in Python.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from typing import Any
from urllib.parse import unquote, urlsplit

import adbc_driver_manager as adbc
import duckdb
import nanoarrow as na
import psycopg
from adbc_driver_postgresql import connect
from nanoarrow.c_array_stream import CArrayStream
from psycopg import errors
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from trunkline import limits
from trunkline.engines.model import quote_qualified
from trunkline.engines.postgres import POSTGRES
from trunkline.errors import TerminalError, TransientError, UsageError
from trunkline.limits import CONNECT_S
from trunkline.objects.model import Object
from trunkline.sql.ddl import create_staging
from trunkline.sql.relation import BATCH_ID, Relation
from trunkline.urls import WAREHOUSE_URLS, public_url
from trunkline.version import __version__
from trunkline.warehouse import staging
from trunkline.warehouse.model import Opening

Connection = psycopg.Connection[tuple[Any, ...]]


@contextmanager
def connected(opening: Opening, purpose: str) -> Iterator[Connection]:
    """A connection in UTC, before whose first statement the database's encoding is known to be UTF8.

    Raises TerminalError for a database of another encoding.
    """
    check_connection_url(opening.url)
    con: Connection = psycopg.connect(
        opening.url,
        autocommit=True,
        cursor_factory=psycopg.RawCursor,
        connect_timeout=CONNECT_S,
        application_name=f"trunkline {__version__} {purpose}",
        client_encoding="utf8",
    )
    try:
        encoding = con.info.parameter_status("server_encoding")
        if encoding != "UTF8":
            raise TerminalError(
                f"the database {public_url(opening.url)} has the encoding {encoding}, which cannot hold every text; "
                "create one with CREATE DATABASE name ENCODING 'UTF8' TEMPLATE template0 and set it in the "
                "setting warehouse"
            )
        con.execute("SET TIME ZONE 'UTC'")
        con.execute("SET client_min_messages = warning")
        yield con
    finally:
        con.close()


def check_connection_url(url: str) -> None:
    """Raises UsageError for what the driver cannot read. Not in the driver's words, which may quote a password."""
    try:
        options = conninfo_to_dict(url)
    except (psycopg.ProgrammingError, UnicodeDecodeError):
        options = {}
    reason = None
    if re.search(r"\s", url):
        reason = "it has a space or a line break; write %20 for a space"
    elif re.search(r"%(?![0-9A-Fa-f]{2})", url):
        reason = "a % that two hexadecimal digits do not follow; write %25 for the sign itself"
    elif _is_no_text(url):
        reason = "the bytes that its % signs stand for are not UTF-8; write %25 for a % sign itself"
    elif url.count("[") != url.count("]"):
        reason = "the bracket around an IPv6 address is not closed"
    elif not options:
        known = {option.keyword.decode() for option in psycopg.pq.Conninfo.get_defaults()}
        names = [pair.partition("=")[0] for pair in urlsplit(url).query.split("&")]
        unknown = [name for name in names if name.isidentifier() and name not in known]
        reason = f"{unknown[0]} is not a connection option" if unknown else "the driver cannot read it"
    if reason:
        raise UsageError(
            f"the setting warehouse is {public_url(url)!r}: {reason}; valid is a URL such as "
            f"{WAREHOUSE_URLS['postgresql']}, where %2F %3F %23 %40 %3A stand for / ? # @ : in a user or password"
        )


@contextmanager
def translate_server_errors(opening: Opening) -> Iterator[None]:
    """Translate the server's errors. Its messages are shown where they cannot hold a value of a row.

    Raises TransientError where the same command may succeed later, TerminalError where a person must act.
    """
    place = public_url(opening.url)
    try:
        yield
    except errors.InsufficientPrivilege as error:
        raise TerminalError(
            f"{place}: {_words(error)}. Let the role own Trunkline's schemas, or grant it what is named"
        ) from error
    except (errors.UndefinedTable, errors.UndefinedColumn, errors.UndefinedFunction, errors.InvalidSchemaName) as error:
        raise TerminalError(
            f"{place}: {_words(error)}. Put it in place with: trunkline warehouse install --home {opening.home}"
        ) from error
    except psycopg.OperationalError as error:
        if error.sqlstate is None and ("password" in str(error) or "does not exist" in str(error)):
            raise TerminalError(f"{place}: login failed: {_words(error)}. Correct the setting warehouse") from error
        raise TransientError(
            f"{place}: {_words(error)}. Nothing is lost: run the same command again when the server answers"
        ) from error


def _words(error: psycopg.Error) -> str:
    """The server's own message without details, which may quote a row, or the driver's, which names the user."""
    text = error.diag.message_primary or " ".join(line.strip() for line in str(error).splitlines())
    return re.sub(r'\b(user|role) "[^"]*"', r"this \1", text.strip()).rstrip(".?")


_LATER = ("08", "53", "57")  # SQLSTATE classes: connection, resources, the operator stepped in
_LANES = 2  # a connection either converts rows or waits for its server; with two, one does each


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
        where a connection ends; some rows may have been copied by then, and
        TerminalError for any other error. `has_batches`: as the target has them.
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
    for start in range(0, rows.length, limits.POSTGRES_COPY_ROWS):
        end = min(start + limits.POSTGRES_COPY_ROWS, rows.length)
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


def _is_no_text(url: str) -> bool:
    try:
        unquote(url, errors="strict")
    except UnicodeDecodeError:
        return True
    return False
