"""The tables that Athena has of a lake, in the embedded engine: the same names with the same columns.

In Athena a table's view has every column of the object, and year, month and day of its partition. Here the rows come
from the warehouse where it is embedded, which is faster, and from the lake's files otherwise.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING

import duckdb

from trunkline.engines.duckdb import DUCKDB
from trunkline.engines.model import quote_qualified
from trunkline.objects.model import Object
from trunkline.sql.ddl import create_schema
from trunkline.sql.lake.views import PARTITION_KEYS, VERSIONS_SUFFIX
from trunkline.sql.order import day_of
from trunkline.warehouse.duckdb.attachment import CATALOG

if TYPE_CHECKING:
    from trunkline.sql.trino.inference import Tables
    from trunkline.sql.trino.translate import Relations

ATHENA_CATALOG = "athena"
_FORMATS = dict(zip(PARTITION_KEYS, ("%Y", "%m", "%d"), strict=True))


def known_tables(
    con: duckdb.DuckDBPyConnection, objects: Mapping[str, Object], is_embedded: bool
) -> tuple[Tables, Relations]:
    """The columns of every table that a query may name, and where each table is in the engine.

    `connect_datalake.contact_record` and its like are as in Athena; the others are the warehouse's, and the lake's
    files as `lake.<table>`.
    """
    _create_views(con, objects, is_embedded)
    rows = con.execute(
        "SELECT database_name, schema_name, table_name, column_name, data_type FROM duckdb_columns() "
        "WHERE database_name IN ($1, $2, 'lake') ORDER BY database_name = $2 DESC, column_index",
        [CATALOG, ATHENA_CATALOG],
    ).fetchall()
    tables: dict[str, dict[str, str]] = {}
    relations: dict[str, tuple[str, str, str]] = {}
    for catalog, schema, table, column, type_ in rows:
        name = f"{'lake' if (catalog, schema) == ('lake', 'main') else schema}.{table}"
        if relations.setdefault(name, (catalog, schema, table)) == (catalog, schema, table):
            tables.setdefault(name, {})[column] = type_
    return tables, relations


def _create_views(con: duckdb.DuckDBPyConnection, objects: Mapping[str, Object], is_embedded: bool) -> None:
    """Once a connection; the catalog is in memory."""
    if con.execute("SELECT 1 FROM duckdb_views() WHERE database_name = $1 LIMIT 1", [ATHENA_CATALOG]).fetchone():
        return
    rows = con.execute("SELECT view_name FROM duckdb_views() WHERE database_name = 'lake'").fetchall()
    in_lake = {name for (name,) in rows}
    installed = installed_columns(con)
    for obj in objects.values():
        is_there = obj.warehouse_table in installed if is_embedded else obj.view_name in in_lake
        con.execute(create_schema(DUCKDB, obj.database, ATHENA_CATALOG))
        if is_there:
            lake_view = f"SELECT * FROM lake.main.{DUCKDB.quote(obj.view_name)}"
            source = _of_warehouse(obj, installed[obj.warehouse_table]) if is_embedded else lake_view
            con.execute(f"CREATE VIEW {ATHENA_CATALOG}.{quote_qualified(DUCKDB, obj.public_view)} AS {source}")
        for name in (obj.table_name + VERSIONS_SUFFIX, obj.plain_view.rpartition(".")[2]):
            if name in in_lake:
                view = f"{ATHENA_CATALOG}.{quote_qualified(DUCKDB, f'{obj.database}.{name}')}"
                con.execute(f"CREATE VIEW {view} AS SELECT * FROM lake.main.{DUCKDB.quote(name)}")


def installed_columns(con: duckdb.DuckDBPyConnection) -> Mapping[str, set[str]]:
    """The columns of each table of the warehouse. One that an older version wrote lacks those that came later."""
    sql = "SELECT schema_name || '.' || table_name, column_name FROM duckdb_columns() WHERE database_name = $1"
    tables: dict[str, set[str]] = {}
    for table, column in con.execute(sql, [CATALOG]).fetchall():
        tables.setdefault(table, set()).add(column)
    return tables


def _of_warehouse(obj: Object, installed: Collection[str]) -> str:
    columns = [
        DUCKDB.quote(column.name)
        if column.name in installed
        else f"CAST(NULL AS {DUCKDB.type_of(column)}) AS {DUCKDB.quote(column.name)}"
        for column in obj.columns
    ]
    day = day_of(DUCKDB.quote(obj.partition))
    keys = [f"strftime({day}, '{codes}') AS {key}" for key, codes in _FORMATS.items()]
    table = f"{CATALOG}.{quote_qualified(DUCKDB, obj.warehouse_table)}"
    # A deletion is a row of the table, as it is in no view of the lake.
    return f"SELECT {', '.join([*columns, *keys])} FROM {table} WHERE NOT record_is_deleted"
