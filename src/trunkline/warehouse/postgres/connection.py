"""Connections to a PostgreSQL: the URL and the encoding are checked, the server's errors translated."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import psycopg
from psycopg import errors
from psycopg.conninfo import conninfo_to_dict

from trunkline.errors import TerminalError, TransientError, UsageError
from trunkline.limits import CONNECT_S
from trunkline.urls import WAREHOUSE_URLS, public_url
from trunkline.version import __version__
from trunkline.warehouse.model import Opening

Connection = psycopg.Connection[tuple[Any, ...]]


@contextmanager
def connected(opening: Opening, purpose: str) -> Iterator[Connection]:
    """A connection in UTC, before whose first statement the database's encoding is known to be UTF8."""
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
    except psycopg.ProgrammingError:
        options = {}
    reason = None
    if re.search(r"\s", url):
        reason = "it has a space or a line break; write %20 for a space"
    elif re.search(r"%(?![0-9A-Fa-f]{2})", url):
        reason = "a % that two hexadecimal digits do not follow; write %25 for the sign itself"
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
    """Translate the server's errors. Its messages are shown where they cannot hold a value of a row."""
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
