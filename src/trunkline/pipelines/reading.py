"""Reading a home without owning it: the warehouse read-only, the lake as views, SQL in DuckDB's or Athena's words."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

import duckdb

from trunkline.aws.secrets import WAREHOUSE_URL, resolve_secrets
from trunkline.engines.athena import ATHENA
from trunkline.engines.duckdb import DUCKDB
from trunkline.errors import TerminalError, UsageError
from trunkline.objects import catalogue
from trunkline.objects.model import Object
from trunkline.pipelines.athena_names import installed_columns, known_tables
from trunkline.pipelines.engine_errors import check_paths, translate_engine_errors
from trunkline.pipelines.home import opening_of, user_object_files
from trunkline.pipelines.lake_views import LAKE_PATH, attach_lake, create_lake_views, needs_lake
from trunkline.settings.installation import Settings
from trunkline.table import Table, table_of
from trunkline.warehouse.duckdb.attachment import CATALOG
from trunkline.warehouse.duckdb.warehouse import DuckDBWarehouse
from trunkline.warehouse.model import Answer, Readable
from trunkline.warehouse.targets import target_of


@dataclass(frozen=True, slots=True)
class Reader:
    """An open home for questions."""

    settings: Settings
    objects: Mapping[str, Object]
    warehouse: Readable

    @property
    def con(self) -> duckdb.DuckDBPyConnection:
        """The embedded engine: the warehouse too where that is DuckDB."""
        return self.warehouse.local

    def con_with_lake(self) -> duckdb.DuckDBPyConnection:
        """The embedded engine, which sees the lake as `lake.<table>[_versions]`."""
        create_lake_views(self.con, self.settings, self.objects)
        return self.con


@contextmanager
def open_reader(settings: Settings) -> Iterator[Reader]:
    """Open a home for reading; several may read at once, and between the merges of a load.

    Raises TerminalError when nothing was ever loaded or an older version's warehouse lacks what is read, TransientError
    while another process merges.
    """
    settings = resolve_secrets(settings, WAREHOUSE_URL)
    check_paths(settings)
    objects = catalogue.load(user_object_files(settings))
    target = target_of(settings.warehouse)
    with translate_engine_errors(settings), target.open_reader(opening_of(settings, objects)) as warehouse:
        attach_lake(warehouse.local, settings, objects)
        path = _search_path(warehouse.local, objects) if target.is_embedded else LAKE_PATH
        warehouse.local.execute(f"SET search_path = '{path}'")
        try:
            yield Reader(settings, objects, warehouse)
        except (duckdb.CatalogException, duckdb.BinderException) as error:
            lacking = _lacking(warehouse.local, objects) if target.is_embedded else ""
            if not lacking:
                raise
            raise TerminalError(
                f"the warehouse was written by an older version of Trunkline and lacks {lacking}; to add it, run: "
                f"trunkline warehouse install --home {settings.home}"
            ) from error


def _lacking(con: duckdb.DuckDBPyConnection, objects: Mapping[str, Object]) -> str:
    """The first table that is not there as the catalogue has it, or one of its columns; empty where all are."""
    installed = installed_columns(con)
    for obj in objects.values():
        columns = installed.get(obj.warehouse_table)
        if columns is None:
            return obj.warehouse_table
        missing = [column.name for column in obj.columns if column.name not in columns]
        if missing:
            return f"the column {missing[0]} of {obj.warehouse_table}"
    return ""


def _search_path(con: duckdb.DuckDBPyConnection, objects: Mapping[str, Object]) -> str:
    """Where names without a schema are looked up: the schemas of the catalogue that the warehouse has."""
    rows = con.execute("SELECT schema_name FROM duckdb_schemas() WHERE database_name = $1", [CATALOG]).fetchall()
    names = [name for name in catalogue.schemas(objects.values()) if (name,) in rows]
    return ",".join(f"{CATALOG}.{DUCKDB.quote(name)}" for name in names)


def query(reader: Reader, sql: str, dialect: str | None = None) -> Answer:
    """Run one query in the warehouse's own SQL, or in `athena`'s or `duckdb`'s, which a server's lake runs.

    Raises UsageError for SQL that cannot be run, in the engine's words. Only queries run: COPY could write into the
    lake, which the engine must be able to read.
    """
    target, text = _resolve(reader, sql, dialect)
    return target.query_read_only(text)


def query_table(reader: Reader, sql: str, dialect: str | None = None) -> Table:
    """Like `query`, as an Arrow table. A server's column types are inferred from the values."""
    target, text = _resolve(reader, sql, dialect)
    if isinstance(target, DuckDBWarehouse):
        return target.table(text)
    answer = target.query_read_only(text)
    return table_of(answer.columns, answer.rows)


def _resolve(reader: Reader, sql: str, dialect: str | None) -> tuple[Readable, str]:
    """The engine that runs a query of a dialect, and the query in that engine's SQL."""
    own = reader.warehouse.engine.name
    wanted = dialect or own
    if wanted in _LOCAL_DIALECTS:
        is_local = target_of(reader.settings.warehouse).is_embedded
        text = _LOCAL_DIALECTS[wanted](reader, sql)
        return (reader.warehouse if is_local else DuckDBWarehouse(reader.con)), text
    if wanted == own:
        return reader.warehouse, sql
    valid = " and ".join(dict.fromkeys([own, *_LOCAL_DIALECTS]))
    raise UsageError(f"there is no dialect {dialect!r} here; valid are {valid}")


def _from_duckdb(reader: Reader, sql: str) -> str:
    _check_question(sql)
    is_embedded = target_of(reader.settings.warehouse).is_embedded
    if is_embedded and not needs_lake(reader.con, sql):
        return sql
    # The parser takes longer to import than a question about the warehouse takes.
    from trunkline.sql.lake import pruning

    reader.con_with_lake()
    return pruning.prune(sql, reader.objects)


def _from_trino(reader: Reader, sql: str) -> str:
    from trunkline.sql.trino import translate as trino

    is_embedded = target_of(reader.settings.warehouse).is_embedded
    tables, relations = known_tables(reader.con_with_lake(), reader.objects, is_embedded)
    text = trino.to_duckdb(sql, tables, relations=relations)
    for setting in trino.SETTINGS:
        reader.con.execute(setting)
    return text


_LOCAL_DIALECTS: Final[Mapping[str, Callable[[Reader, str], str]]] = {
    DUCKDB.name: _from_duckdb,
    ATHENA.name: _from_trino,
}
"""Dialects that the embedded engine runs, whatever the warehouse is, and what turns a query into its SQL."""


def _check_question(sql: str) -> None:
    try:
        statements = duckdb.extract_statements(sql)
    except duckdb.Error as error:
        raise UsageError(f"the query cannot be run: {str(error).strip()}") from None
    if len(statements) != 1 or statements[0].type != duckdb.StatementType.SELECT:
        kinds = ", ".join(statement.type.name for statement in statements) or "nothing"
        raise UsageError(
            f"one query is needed and {kinds} was given; valid is one SELECT, WITH, FROM, VALUES, SHOW or DESCRIBE"
        )
