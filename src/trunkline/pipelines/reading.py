"""Reading a home without owning it: the warehouse read-only, the lake as views, SQL in DuckDB's or Athena's words."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

import duckdb

from trunkline.engines.athena import ATHENA
from trunkline.engines.duckdb import DUCKDB
from trunkline.engines.model import quote_qualified
from trunkline.errors import TerminalError, UsageError
from trunkline.lake import layout
from trunkline.lake.store import FolderStore, open_store
from trunkline.objects import catalogue
from trunkline.objects.model import Object
from trunkline.pipelines.athena_names import ATHENA_CATALOG, installed_columns, known_tables
from trunkline.pipelines.engine_errors import check_paths, translate_engine_errors
from trunkline.pipelines.home import opening_of, user_object_files
from trunkline.settings.installation import Settings
from trunkline.sql.ddl import create_schema, view_columns
from trunkline.sql.lake import pruning
from trunkline.sql.lake.views import PARTITION_KEYS, lake_columns, lake_rows, lake_views
from trunkline.sql.trino import translate as trino
from trunkline.sql.views import create_view, select_view, views_on
from trunkline.table import Table, table_of
from trunkline.warehouse.duckdb.attachment import CATALOG
from trunkline.warehouse.duckdb.warehouse import DuckDBWarehouse
from trunkline.warehouse.model import Answer, Readable
from trunkline.warehouse.targets import target_of

LAKE_PATH = "lake.connect_datalake,lake.main"


@dataclass(frozen=True, slots=True)
class Reader:
    """An open home for questions. `con` is the embedded engine, which sees the lake as `lake.<table>[_versions]`."""

    settings: Settings
    objects: Mapping[str, Object]
    warehouse: Readable

    @property
    def con(self) -> duckdb.DuckDBPyConnection:
        """The embedded engine: the warehouse too where that is DuckDB."""
        return self.warehouse.local


@contextmanager
def open_reader(settings: Settings) -> Iterator[Reader]:
    """Open a home for reading; several may read at once, and between the merges of a load.

    Raises TerminalError when nothing was ever loaded or an older version's warehouse lacks what is read, TransientError
    while another process merges.
    """
    check_paths(settings)
    objects = catalogue.load(user_object_files(settings))
    target = target_of(settings.warehouse)
    with translate_engine_errors(settings), target.open_reader(opening_of(settings, objects)) as warehouse:
        _show_lake(warehouse.local, settings, objects)
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


def _show_lake(con: duckdb.DuckDBPyConnection, settings: Settings, objects: Mapping[str, Object]) -> None:
    """The lake as views, and the engine shut in: a query reads the lake's tables and the warehouse and nothing else.

    Not the home with its key, nor the bytes of dead letters.
    """
    con.execute(f"ATTACH ':memory:' AS lake; ATTACH ':memory:' AS {ATHENA_CATALOG}")
    store = open_store(settings.lake)
    folders: list[str] = []
    if isinstance(store, FolderStore):
        folders = sorted({str(store.root / layout.table_prefix(obj)) for obj in objects.values()})
        # The engine compares the pattern with these as it is written, and then each file that it finds.
        folders += [_literal(folder) for folder in folders]
        for obj in objects.values():
            for name, body in _lake_bodies(obj, store):
                con.execute(f"CREATE VIEW lake.main.{DUCKDB.quote(name)} AS {body}")
        for view in views_on(objects.values(), catalogue.VIEWS.values()):
            body = select_view(view, DUCKDB, _in_lake, is_lake=True)
            con.execute(f"CREATE VIEW lake.main.{DUCKDB.quote(view.name)} AS {body}")
    if not target_of(settings.warehouse).is_embedded:
        _name_as_amazon_does(con, objects)
    con.execute("SET allowed_directories = $1", [[folder.rstrip("/") + "/" for folder in folders]])
    con.execute("SET enable_external_access = false")


def _name_as_amazon_does(con: duckdb.DuckDBPyConnection, objects: Mapping[str, Object]) -> None:
    """The lake under the names that the warehouse has where that is not in this engine, with the views on it."""
    con.execute("USE lake")
    for obj in objects.values():
        con.execute(create_schema(DUCKDB, obj.database))
        name = DUCKDB.quote(obj.view_name)
        columns = ", ".join(DUCKDB.quote(column.name) for column in view_columns(obj))
        con.execute(f"CREATE VIEW {quote_qualified(DUCKDB, obj.public_view)} AS SELECT {columns} FROM lake.main.{name}")
    for view in views_on(objects.values(), catalogue.VIEWS.values()):
        con.execute(create_view(view, DUCKDB))
    con.execute("USE memory")


def _lake_bodies(obj: Object, store: FolderStore) -> list[tuple[str, str]]:
    types = ", ".join(f"'{key}': VARCHAR" for key in PARTITION_KEYS)
    pattern = _literal(str(store.root / layout.table_prefix(obj))) + "/*/*/*/*.parquet"
    has_files = next(iter(store.list(layout.table_prefix(obj))), None) is not None
    if has_files:
        quoted = pattern.replace("'", "''")
        files = f"read_parquet('{quoted}', hive_partitioning = true, hive_types = {{{types}}}, union_by_name = true)"
        source = lake_rows(obj, files, [(key, "VARCHAR") for key in PARTITION_KEYS])
    else:
        columns = [f"CAST(NULL AS {DUCKDB.type_of(c)}) AS {DUCKDB.quote(c.name)}" for c in lake_columns(obj)]
        columns += [f"CAST(NULL AS VARCHAR) AS {key}" for key in PARTITION_KEYS]
        source = f"(SELECT {', '.join(columns)} WHERE false) AS none"
    return [(name.rpartition(".")[2], body) for name, body in lake_views(obj, DUCKDB, source).items()]


def _in_lake(name: str) -> str:
    return f"lake.main.{DUCKDB.quote(name.rpartition('.')[2])}"


def _literal(path: str) -> str:
    """The path as a pattern of the engine's that means itself."""
    return path.replace("[", "[[]")


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
    return pruning.prune(sql, reader.objects)


def _from_trino(reader: Reader, sql: str) -> str:
    is_embedded = target_of(reader.settings.warehouse).is_embedded
    tables, relations = known_tables(reader.con, reader.objects, is_embedded)
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
