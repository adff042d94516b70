"""A Redshift over its own protocol, `redshift://`, for networks where the Data API is not wanted: an extra, psycopg.

The statements are those of the Data API, and so is the order of things. What differs is who remembers: a transaction
ends with its connection, so there is nothing to adopt or to cancel afterwards, and after a crash the ledger decides.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final

import psycopg
from psycopg import errors

from trunkline.aws.clients import make_client
from trunkline.aws.redshift_data import ListedStatement, RedshiftTarget, SqlError, Statement, StatementTimeoutError
from trunkline.errors import TerminalError, TransientError
from trunkline.limits import CONNECT_S
from trunkline.urls import public_url
from trunkline.version import __version__
from trunkline.warehouse.duckdb.warehouse import open_beside
from trunkline.warehouse.model import Opening
from trunkline.warehouse.redshift.address import wire_address_of
from trunkline.warehouse.redshift.loading import RedshiftLoader
from trunkline.warehouse.redshift.session import RedshiftSession
from trunkline.warehouse.redshift.warehouse import RedshiftWarehouse

# A name in a text, in double quotes or in a comment is none; `::` is a cast and `:=` an assignment.
_PIECE: Final = re.compile(
    r"(?P<other>'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|--[^\n]*|/\*.*?\*/|::|:=)|:(?P<name>p[0-9]+)\b", re.DOTALL
)
_TEMPORARY: Final = re.compile(r'CREATE TEMP TABLE ("(?:[^"]|"")+")')


@dataclass(slots=True)
class WireApi:
    """What a RedshiftSession needs of the Data API, over one connection: a statement has ended when it was sent."""

    connection: Any
    target: RedshiftTarget
    sleep: Callable[[float], None]
    _ended: dict[str, Statement] = field(default_factory=dict)
    _tables: dict[str, tuple[list[tuple[str, str]], list[tuple[Any, ...]]]] = field(default_factory=dict)
    _numbers: Iterator[int] = field(default_factory=itertools.count)

    @property
    def client(self) -> Any:
        """What is closed at the end."""
        return self.connection

    def statements_named(self, prefix: str) -> list[ListedStatement]:
        """None: no statement outlives its connection."""
        return []

    def describe(self, statement_id: str, wait_s: float = 0) -> Statement:
        """How a statement ended."""
        return self._ended[statement_id]

    def batch(
        self, sqls: Sequence[str], token: str, parameters: Mapping[str, str] | None = None, name: str = ""
    ) -> str:
        """Run statements as one transaction; its id. Raises TransientError where the connection ends."""
        statement_id = f"wire-{next(self._numbers)}"
        status, error = "FINISHED", None
        try:
            with self.connection.transaction():
                for sql in sqls:
                    self._execute(statement_id, sql, parameters or {})
                # With the Data API a session is one batch, and its temporary tables end with it.
                for table in dict.fromkeys(created[1] for sql in sqls if (created := _TEMPORARY.match(sql))):
                    self.connection.execute(f"DROP TABLE {table}", [])
        except errors.QueryCanceled as failed:
            status, error = "ABORTED", _words(failed)
        except (psycopg.OperationalError, psycopg.InterfaceError) as failed:
            if self.connection.closed:
                raise TransientError(
                    f"the connection to {self.target.database} broke: {_words(failed)}. Run the same command again: "
                    "the ledger knows whether the load took effect."
                ) from failed
            status, error = "FAILED", _words(failed)
        except psycopg.Error as failed:
            status, error = "FAILED", _words(failed)
        self._ended = {statement_id: Statement(statement_id, status, error)}
        return statement_id

    def run(
        self, sql: str, token: str, parameters: Mapping[str, str] | None = None, name: str = "", timeout_s: float = 300
    ) -> Statement:
        """One statement, with its rows."""
        return self.wait_for(self.batch([sql], token, parameters, name), timeout_s)

    def wait_for(self, statement_id: str, timeout_s: float) -> Statement:
        """How it ended. Raises as DataApi does."""
        seen = self._ended[statement_id]
        if seen.status == "ABORTED":
            raise StatementTimeoutError(seen, timeout_s)
        if seen.status != "FINISHED":
            raise SqlError(seen.error or seen.status, statement_id)
        return seen

    def table(self, statement_id: str) -> tuple[list[tuple[str, str]], list[tuple[Any, ...]]]:
        """Columns and rows of the last statement of a batch."""
        return self._tables.get(statement_id.partition(":")[0], ([], []))

    def rows(self, statement_id: str) -> Iterator[tuple[Any, ...]]:
        """Its rows alone."""
        return iter(self.table(statement_id)[1])

    def _execute(self, statement_id: str, sql: str, parameters: Mapping[str, str]) -> None:
        text, values = bind(sql, parameters)
        cursor = self.connection.execute(text, values)
        self._tables = {}
        if cursor.description is not None:
            columns = [(column.name, column.type_display) for column in cursor.description]
            self._tables[statement_id] = (columns, cursor.fetchall())


def bind(sql: str, parameters: Mapping[str, str]) -> tuple[str, list[str]]:
    """A statement with `$1` and so on for `:p0`, and the values in that order."""
    names: list[str] = []

    def replaced(piece: re.Match[str]) -> str:
        if piece["name"] is None:
            return piece[0]
        if piece["name"] not in names:
            names.append(piece["name"])
        return f"${names.index(piece['name']) + 1}"

    return (_PIECE.sub(replaced, sql) if parameters else sql), [parameters[name] for name in names]


def _words(error: psycopg.Error) -> str:
    return str(error.diag.message_primary or error).strip()


def connect(connection_string: str, place: str) -> Any:
    """A connection to the database; `place` names it in messages.

    Raises TransientError where it cannot be reached, TerminalError where the login failed.
    """
    try:
        return psycopg.connect(
            connection_string,
            autocommit=True,
            cursor_factory=psycopg.RawCursor,
            prepare_threshold=None,
            connect_timeout=CONNECT_S,
            application_name=f"trunkline {__version__}",
        )
    except psycopg.OperationalError as error:
        if "password" in str(error):
            raise TerminalError(f"{place}: login failed: {_words(error)}. Set PGPASSWORD.") from error
        raise TransientError(f"{place} cannot be reached: {_words(error)}. Try again later.") from error


@contextmanager
def open_warehouse(opening: Opening) -> Iterator[RedshiftWarehouse]:
    """The database over its own protocol. Raises TransientError where it cannot be reached."""
    import time

    address, connection_string = wire_address_of(opening.url)
    clients: list[Any] = []

    def s3() -> Any:
        if not clients:
            clients.append(make_client("s3"))
        return clients[0]

    connection = connect(connection_string, public_url(opening.url))
    try:
        # SET binds no values; the number is ours.
        connection.execute(f"SET statement_timeout = {int(address.timeout_s * 1000)}")
        api = WireApi(connection, address.target, time.sleep)
        opening.scratch.mkdir(parents=True, exist_ok=True)
        with open_beside(opening, opening.scratch / "spill") as local:
            db = RedshiftSession(api, address, opening.schemas)
            yield RedshiftWarehouse(db, RedshiftLoader(db, local, s3, opening.scratch))
    finally:
        for client in [connection, *clients]:
            client.close()


open_reader = open_warehouse
