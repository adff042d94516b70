"""Tables, merge and rebuild of the embedded warehouse, statement by statement, over one DuckDB connection."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import duckdb

from trunkline.batch import Counts
from trunkline.compile.ddl import create_schema, create_table, ledger_statements, warehouse_statements
from trunkline.compile.family import family_statements
from trunkline.compile.fold import order_by
from trunkline.compile.lake_views import lake_rows
from trunkline.compile.merge import held_sql, merge_sql
from trunkline.compile.star import star_statements
from trunkline.compile.views import create_view, views_on
from trunkline.engines.duckdb import DUCKDB
from trunkline.engines.model import quote_qualified
from trunkline.objects.ledger import LEDGER_TABLES
from trunkline.objects.model import Object
from trunkline.objects.view import View


@contextmanager
def transaction(con: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """All or nothing, also when the process is stopped in between."""
    con.execute("BEGIN")
    try:
        yield
    except BaseException:
        con.execute("ROLLBACK")
        raise
    con.execute("COMMIT")


def install(con: duckdb.DuckDBPyConnection, objects: Sequence[Object], views: Sequence[View]) -> None:
    """Create schemas, tables and views that are not there, and follow the catalogue's columns and types."""
    for statement in ledger_statements(LEDGER_TABLES, DUCKDB):
        con.execute(statement)
    for obj in objects:
        con.execute(create_schema(DUCKDB, obj.warehouse_table))
        con.execute(create_table(obj, DUCKDB))
        _mend_columns(con, obj)
        for statement in warehouse_statements(obj, DUCKDB):
            con.execute(statement)
    for view in views_on(objects, views):
        con.execute(create_view(view, DUCKDB.name))
    for statement in (*star_statements(objects, DUCKDB), *family_statements(objects, DUCKDB)):
        con.execute(statement)


def _mend_columns(con: duckdb.DuckDBPyConnection, obj: Object) -> None:
    """Add columns that are missing and change types that differ: an INSERT would cast without a word, 7.5 to 8.

    A stored value that does not fit the new type becomes NULL; its record can be run again from its source.
    """
    schema, table = obj.warehouse_table.split(".")
    there: dict[str, str] = dict(
        con.execute(
            "SELECT column_name, data_type FROM duckdb_columns() WHERE schema_name = $1 AND table_name = $2",
            [schema, table],
        ).fetchall()
    )
    alter = f"ALTER TABLE {quote_qualified(DUCKDB, obj.warehouse_table)}"
    for column in obj.columns:
        name, wanted = DUCKDB.quote(column.name), DUCKDB.type_of(column)
        held = there.get(column.name)
        if held is None:
            con.execute(f"{alter} ADD COLUMN {name} {wanted}")
        elif held.replace('"', "") != wanted.replace('"', ""):
            con.execute(f"{alter} ALTER {name} TYPE {wanted} USING TRY_CAST({name} AS {wanted})")


def merge(
    con: duckdb.DuckDBPyConnection,
    obj: Object,
    files: Sequence[Path],
    before_commit: Callable[[dict[str, Counts]], None],
) -> dict[str, Counts]:
    """Merge lake files of one or more batches in one transaction; counts by batch id (only the merge's terms).

    `before_commit` is called with the counts when all is in place, to write what must commit together and to publish
    the tombstones in table `moved`.
    """
    sql = merge_sql(obj)
    with transaction(con):
        counts: dict[str, Counts] = {}
        if files:
            con.execute(sql.stage, [[str(path) for path in files]])
            first, last = con.execute("SELECT min(partition_date), max(partition_date) FROM stage").fetchall()[0]
            if first is not None:
                counts = _merge_staged(con, obj, first, last)
        before_commit(counts)
    for table in ("stage", "best", "held", "moved"):
        con.execute(f"DROP TABLE IF EXISTS temp.{table}")
    return counts


def _merge_staged(con: duckdb.DuckDBPyConnection, obj: Object, first: object, last: object) -> dict[str, Counts]:
    sql = merge_sql(obj)
    con.execute(sql.best)
    con.execute(held_sql(obj, first, last, is_create=True))  # type: ignore[arg-type]
    con.execute(held_sql(obj, first, last, is_create=False))  # type: ignore[arg-type]
    rows = con.execute(sql.counts).fetchall()
    con.execute(sql.moved)
    con.execute(sql.delete)
    con.execute(sql.insert)
    return {
        batch_id: replace(
            Counts(), inserted=inserted, updated=updated, deleted=deleted, superseded=superseded, duplicate=duplicate
        )
        for batch_id, inserted, updated, deleted, superseded, duplicate in rows
    }


def rebuild(con: duckdb.DuckDBPyConnection, obj: Object, groups: Sequence[Sequence[Path]]) -> None:
    """Fill the table again from the lake, group of partitions by group. Call inside a transaction.

    A key lives in one partition (tombstones say which), so that each group can be folded alone.
    """
    target = quote_qualified(DUCKDB, obj.warehouse_table)
    # Files of an older catalogue may hold another type.
    names = ", ".join(DUCKDB.quote(column.name) for column in obj.columns)
    columns = ", ".join(f"TRY_CAST({DUCKDB.quote(c.name)} AS {DUCKDB.type_of(c)})" for c in obj.columns)
    source = lake_rows(
        obj,
        "read_parquet($1, filename = true, file_row_number = true, union_by_name = true, hive_partitioning = false)",
        [("filename", "VARCHAR"), ("file_row_number", "BIGINT")],
    )
    keys = ", ".join(DUCKDB.quote(key) for key in obj.key)
    con.execute(f"DELETE FROM {target}")
    for paths in groups:
        con.execute(
            f"INSERT INTO {target} ({names}) SELECT {columns} FROM (SELECT *, row_number() OVER (PARTITION BY {keys} "
            f"ORDER BY {order_by(obj, DUCKDB)}, record_moved_to NULLS FIRST, filename, file_row_number) AS place "
            f"FROM {source}) WHERE place = 1 AND record_moved_to IS NULL",
            [[str(path) for path in paths]],
        )


def refold(con: duckdb.DuckDBPyConnection, obj: Object) -> None:
    """Take out the rows of table `touched` and put in those of `winners`. Call inside a transaction."""
    target = quote_qualified(DUCKDB, obj.warehouse_table)
    keys = ", ".join(DUCKDB.quote(key) for key in obj.key)
    names = ", ".join(DUCKDB.quote(column.name) for column in obj.columns)
    con.execute(f"DELETE FROM {target} WHERE ({keys}) IN (SELECT ({keys}) FROM touched)")
    con.execute(f"INSERT INTO {target} ({names}) SELECT {names} FROM winners")


def count(con: duckdb.DuckDBPyConnection, obj: Object) -> int:
    """Rows of the warehouse table; one that says deleted is none."""
    table = quote_qualified(DUCKDB, obj.warehouse_table)
    rows: int = con.execute(f"SELECT count(*) FROM {table} WHERE NOT record_is_deleted").fetchall()[0][0]
    return rows
