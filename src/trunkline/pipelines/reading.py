"""Reading a home without owning it: the warehouse read-only, the lake as views, SQL in DuckDB's or Athena's words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import duckdb

from trunkline.compile import pruning, trino
from trunkline.compile.lake_views import PARTITION_KEYS, best_body, lake_columns, versions_body
from trunkline.engines.duckdb import DUCKDB
from trunkline.errors import TerminalError, UsageError
from trunkline.lake import layout
from trunkline.lake.store import FolderStore, open_store
from trunkline.objects import catalogue
from trunkline.objects.model import Object
from trunkline.pipelines.home import user_object_files
from trunkline.settings import Settings, path_of
from trunkline.warehouse import duckdb as warehouse

SEARCH_PATH = ",".join(f"{warehouse.CATALOG}.{schema}" for schema in ("connect_datalake", "connect", "ledger"))


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
    path = path_of(settings.warehouse)
    if not path.exists():
        raise TerminalError(
            f"there is no warehouse at {path} yet; load something first: trunkline load contact_record FOLDER, "
            "or name another home with --home"
        )
    objects = catalogue.load(user_object_files(settings))
    with warehouse.open_reader(path, settings.memory_mb, settings.threads) as con:
        _show_lake(con, settings, objects)
        con.execute(f"SET search_path = '{SEARCH_PATH}'")
        yield Reader(settings, objects, con)


def _show_lake(con: duckdb.DuckDBPyConnection, settings: Settings, objects: Mapping[str, Object]) -> None:
    """The lake as views, and the engine shut in: a query reads the lake and the warehouse and nothing else."""
    con.execute("ATTACH ':memory:' AS lake")
    store = open_store(settings.lake)
    folders = [str(settings.home)]
    if isinstance(store, FolderStore):
        folders.append(str(store.root))
        for obj in objects.values():
            for name, body in _lake_bodies(obj, store):
                con.execute(f"CREATE VIEW lake.main.{DUCKDB.quote(name)} AS {body}")
    con.execute("SET allowed_directories = $1", [[folder.rstrip("/") + "/" for folder in folders]])
    con.execute("SET enable_external_access = false")


def _lake_bodies(obj: Object, store: FolderStore) -> list[tuple[str, str]]:
    types = ", ".join(f"'{key}': VARCHAR" for key in PARTITION_KEYS)
    pattern = str(store.root / layout.table_prefix(obj)) + "/*/*/*/*.parquet"
    has_files = next(iter(store.list(layout.table_prefix(obj))), None) is not None
    if has_files:
        quoted = pattern.replace("'", "''")
        source = f"read_parquet('{quoted}', hive_partitioning = true, hive_types = {{{types}}}, union_by_name = true)"
    else:
        columns = [f"CAST(NULL AS {DUCKDB.type_of(c)}) AS {DUCKDB.quote(c.name)}" for c in lake_columns(obj)]
        columns += [f"CAST(NULL AS VARCHAR) AS {key}" for key in PARTITION_KEYS]
        source = f"(SELECT {', '.join(columns)} WHERE false) AS none"
    return [
        (obj.name, best_body(obj, DUCKDB, source)),
        (f"{obj.name}_versions", versions_body(obj, DUCKDB, source)),
    ]


def query(reader: Reader, sql: str, dialect: str = "duckdb") -> Answer:
    """Run one question. Raises UsageError for SQL that cannot be, in the engine's words."""
    if dialect == "athena":
        sql = trino.to_duckdb(sql, _tables(reader))
        for setting in trino.SETTINGS:
            reader.con.execute(setting)
    elif dialect != "duckdb":
        raise UsageError(f"there is no dialect {dialect!r}; valid are duckdb and athena")
    else:
        sql = pruning.prune(sql, reader.objects)
    try:
        reader.con.execute(sql)
        columns = [str(column[0]) for column in reader.con.description or []]
        return Answer(columns, reader.con.fetchall() if columns else [])
    except duckdb.InterruptException:
        raise KeyboardInterrupt from None
    except (duckdb.OutOfMemoryException, duckdb.IOException) as error:
        raise TerminalError(f"the query could not be run: {str(error).strip()}") from None
    except duckdb.Error as error:
        raise UsageError(f"the query cannot be run: {str(error).strip()}") from None


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
