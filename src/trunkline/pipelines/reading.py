"""Reading a home without owning it: the warehouse read-only, the lake as views, SQL in DuckDB's or Athena's words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import duckdb

from trunkline.compile import pruning, trino
from trunkline.compile.lake_views import PARTITION_KEYS, best_body, lake_columns, lake_rows, versions_body
from trunkline.compile.views import select_view, views_on
from trunkline.engines.duckdb import DUCKDB
from trunkline.errors import TerminalError, UsageError
from trunkline.lake import layout
from trunkline.lake.store import FolderStore, open_store
from trunkline.objects import catalogue
from trunkline.objects.model import Object
from trunkline.pipelines.faults import check_places, explained
from trunkline.pipelines.home import user_object_files
from trunkline.settings import Settings, path_of
from trunkline.warehouse import duckdb as warehouse

SCHEMAS = ("connect_datalake", "connect", "post_call_analytics", "ledger")
"""Where names without a database are looked up, in this order."""
SEARCH_PATH = ",".join(f"{warehouse.CATALOG}.{schema}" for schema in SCHEMAS)


@dataclass(frozen=True, slots=True)
class Reader:
    """An open home for questions; `con` sees the warehouse, and the lake as `lake.<table>[_versions]`."""

    settings: Settings
    objects: Mapping[str, Object]
    con: duckdb.DuckDBPyConnection


@dataclass(frozen=True, slots=True)
class Answer:
    """Rows of a query."""

    columns: list[str]
    rows: list[tuple[object, ...]]


@contextmanager
def open_reader(settings: Settings) -> Iterator[Reader]:
    """Open a home for reading; several may read at once, nobody while somebody loads.

    Raises TerminalError when nothing was ever loaded, TransientError while another process loads.
    """
    check_places(settings)
    path = path_of(settings.warehouse)
    if not path.exists():
        raise TerminalError(
            f"there is no warehouse at {path} yet; load something first: trunkline load contact_record FOLDER, "
            "or name another home with --home"
        )
    objects = catalogue.load(user_object_files(settings))
    with explained(settings), warehouse.open_reader(path, settings.memory_mb, settings.threads) as con:
        _show_lake(con, settings, objects)
        con.execute(f"SET search_path = '{SEARCH_PATH}'")
        yield Reader(settings, objects, con)


def _show_lake(con: duckdb.DuckDBPyConnection, settings: Settings, objects: Mapping[str, Object]) -> None:
    """The lake as views, and the engine shut in: a query reads the lake's tables and the warehouse and nothing else.

    Not the home with its key, nor the bytes of dead letters.
    """
    con.execute("ATTACH ':memory:' AS lake")
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
            body = select_view(view, DUCKDB.name, _in_lake, is_lake=True)
            con.execute(f"CREATE VIEW lake.main.{DUCKDB.quote(view.name)} AS {body}")
    con.execute("SET allowed_directories = $1", [[folder.rstrip("/") + "/" for folder in folders]])
    con.execute("SET enable_external_access = false")


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
    return [
        (obj.view_name, best_body(obj, DUCKDB, source)),
        (f"{obj.table_name}_versions", versions_body(obj, DUCKDB, source)),
    ]


def _in_lake(name: str) -> str:
    return f"lake.main.{DUCKDB.quote(name.rpartition('.')[2])}"


def _literal(path: str) -> str:
    """The path as a pattern of the engine's that means itself."""
    return path.replace("[", "[[]")


def query(reader: Reader, sql: str, dialect: str = "duckdb") -> Answer:
    """Run one question. Raises UsageError for SQL that cannot be, in the engine's words.

    Only a query: COPY could write into the lake, which the engine must be able to read.
    """
    if dialect == "athena":
        sql = trino.to_duckdb(sql, _tables(reader))
        for setting in trino.SETTINGS:
            reader.con.execute(setting)
    elif dialect != "duckdb":
        raise UsageError(f"there is no dialect {dialect!r}; valid are duckdb and athena")
    else:
        _check_question(sql)
        sql = pruning.prune(sql, reader.objects)
    try:
        reader.con.execute(sql)
        columns = [str(column[0]) for column in reader.con.description or []]
        return Answer(columns, reader.con.fetchall() if columns else [])
    except (duckdb.InterruptException, duckdb.OutOfMemoryException, duckdb.IOException):
        raise  # not the question's fault: `explained` says whose
    except duckdb.CatalogException as error:
        tables = ", ".join(sorted(_tables(reader)))
        raise UsageError(f"the query cannot be run: {str(error).strip()}\nTables: {tables}") from None
    except duckdb.Error as error:
        if type(error) is duckdb.Error or (
            ".parquet" in str(error) and isinstance(error, duckdb.InvalidInputException)
        ):
            raise
        raise UsageError(f"the query cannot be run: {str(error).strip()}") from None


def _check_question(sql: str) -> None:
    try:
        statements = duckdb.extract_statements(sql)
    except duckdb.Error as error:
        raise UsageError(f"the query cannot be run: {str(error).strip()}") from None
    if len(statements) != 1 or statements[0].type != duckdb.StatementType.SELECT:
        kinds = ", ".join(one.type.name for one in statements) or "nothing"
        raise UsageError(
            f"one query is needed and {kinds} was given; valid is one SELECT, WITH, FROM, VALUES, SHOW or DESCRIBE"
        )


def _tables(reader: Reader) -> dict[str, dict[str, str]]:
    rows = reader.con.execute(
        "SELECT schema_name || '.' || table_name, column_name, data_type FROM duckdb_columns() "
        "WHERE database_name = $1 ORDER BY column_index",
        [warehouse.CATALOG],
    ).fetchall()
    found: dict[str, dict[str, str]] = {}
    for table, column, type_ in rows:
        found.setdefault(table, {})[column] = type_
    return found
