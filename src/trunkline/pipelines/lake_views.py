"""The lake's files as views of the embedded engine: attached when a home is opened, created when a query needs them.

Creating the views binds each one, and so opens files of every object: a third of a second for a home with all objects,
which a question about the warehouse need not wait for.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

import duckdb

from trunkline.engines.duckdb import DUCKDB
from trunkline.engines.model import quote_qualified
from trunkline.lake import layout
from trunkline.lake.store import FolderStore, open_store
from trunkline.objects import catalogue
from trunkline.objects.model import Object
from trunkline.pipelines.athena_names import ATHENA_CATALOG
from trunkline.settings.installation import Settings
from trunkline.sql.ddl import create_schema, view_columns
from trunkline.sql.lake.views import PARTITION_KEYS, lake_columns, lake_rows, lake_views
from trunkline.sql.views import create_view, select_view, views_on
from trunkline.warehouse.targets import target_of

LAKE_PATH: Final = "lake.connect_datalake,lake.main"
"""Where names without a schema are looked up in an engine whose warehouse is elsewhere."""

_NAMES_THE_LAKE: Final = re.compile(r"lake|duckdb_|information_schema|pg_|\b(show|describe|summarize)\b", re.IGNORECASE)


def attach_lake(con: duckdb.DuckDBPyConnection, settings: Settings, objects: Mapping[str, Object]) -> None:
    """Attach the lake's catalog, without views, and shut the engine in.

    A query reads the lake's tables and the warehouse and nothing else: not the home with its key, nor the bytes of
    dead letters.
    """
    con.execute(f"ATTACH ':memory:' AS lake; ATTACH ':memory:' AS {ATHENA_CATALOG}")
    if not target_of(settings.warehouse).is_embedded:
        for database in dict.fromkeys(obj.database for obj in objects.values()):
            con.execute(create_schema(DUCKDB, database, "lake"))
    store = open_store(settings.lake)
    folders: list[str] = []
    if isinstance(store, FolderStore):
        folders = sorted({str(store.root / layout.table_prefix(obj)) for obj in objects.values()})
        # The engine compares the pattern with these as it is written, and then each file that it finds.
        folders += [_literal(folder) for folder in folders]
    con.execute("SET allowed_directories = $1", [[folder.rstrip("/") + "/" for folder in folders]])
    con.execute("SET enable_external_access = false")


def needs_lake(con: duckdb.DuckDBPyConnection, sql: str) -> bool:
    """Whether a query of the warehouse names the lake, lists what there is, or cannot be bound without the lake.

    The error of a query that cannot be bound names the lake's tables too.
    """
    if _NAMES_THE_LAKE.search(sql):
        return True
    try:
        con.execute(f"EXPLAIN {sql}").fetchall()
    except duckdb.Error:
        return True
    return False


def create_lake_views(con: duckdb.DuckDBPyConnection, settings: Settings, objects: Mapping[str, Object]) -> None:
    """Create `lake.main.<table>[_versions]` and the views on them, once a connection.

    Where the warehouse is another engine's they also get the names that the warehouse has.
    """
    if con.execute("SELECT 1 FROM duckdb_views() WHERE database_name = 'lake' LIMIT 1").fetchall():
        return
    store = open_store(settings.lake)
    if isinstance(store, FolderStore):
        for obj in objects.values():
            for name, body in _lake_bodies(obj, store):
                con.execute(f"CREATE VIEW lake.main.{DUCKDB.quote(name)} AS {body}")
        for view in views_on(objects.values(), catalogue.VIEWS.values()):
            body = select_view(view, DUCKDB, _in_lake, is_lake=True)
            con.execute(f"CREATE VIEW lake.main.{DUCKDB.quote(view.name)} AS {body}")
    if not target_of(settings.warehouse).is_embedded:
        _name_as_amazon_does(con, objects)


def _name_as_amazon_does(con: duckdb.DuckDBPyConnection, objects: Mapping[str, Object]) -> None:
    """The lake under the names that the warehouse has where that is not in this engine, with the views on it."""
    ((path,),) = con.execute("SELECT current_setting('search_path')").fetchall()
    con.execute("USE lake")
    for obj in objects.values():
        name = DUCKDB.quote(obj.view_name)
        columns = ", ".join(DUCKDB.quote(column.name) for column in view_columns(obj))
        con.execute(f"CREATE VIEW {quote_qualified(DUCKDB, obj.public_view)} AS SELECT {columns} FROM lake.main.{name}")
    for view in views_on(objects.values(), catalogue.VIEWS.values()):
        con.execute(create_view(view, DUCKDB))
    con.execute(f"SET search_path = '{path}'")


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
