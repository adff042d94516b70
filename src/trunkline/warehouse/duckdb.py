"""The embedded warehouse: one DuckDB file, written by one process at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import duckdb

from trunkline.batch import Counts
from trunkline.compile.ddl import create_schema, create_table, warehouse_statements
from trunkline.compile.family import family_statements
from trunkline.compile.fold import order_by
from trunkline.compile.lake_views import lake_rows
from trunkline.compile.merge import held_sql, merge_sql
from trunkline.compile.star import star_statements
from trunkline.compile.views import create_view, views_on
from trunkline.engines.duckdb import DUCKDB
from trunkline.engines.model import quote_qualified, text_literal
from trunkline.errors import TerminalError, TransientError
from trunkline.objects.model import Object
from trunkline.objects.view import View

CATALOG = "warehouse"
"""What a reader's connection calls the warehouse file."""
# DuckDB's storage format: a main header and two database headers of 4,096 bytes, the magic word after a checksum.
_HEADERS_BYTES = 3 * 4_096
_MAGIC = b"DUCK"
_MAGIC_END = 12


@contextmanager
def open_warehouse(path: Path, memory_mb: int, threads: int) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection to the warehouse file, to write it; UTC, and nothing is installed from outside.

    Raises TransientError when another process holds the file, TerminalError when it is no DuckDB file.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    config = _config(memory_mb, threads) | {"temp_directory": str(path.parent / "scratch" / "spill")}
    _forget_unfinished(path)
    with _explained(path):
        con = duckdb.connect(str(path), config=config)
    try:
        _set_session(con)
        yield con
    finally:
        con.close()


@contextmanager
def open_reader(path: Path, memory_mb: int, threads: int) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection that sees the warehouse file as catalog `warehouse` and cannot change it.

    The file is attached and not opened: a connection that is read-only as a whole may not hold views of its own.
    """
    # Beside the warehouse, not in the folder that the person happens to be in.
    config = _config(memory_mb, threads) | {"temp_directory": str(path.parent / ".spill")}
    con = duckdb.connect(config=config)
    try:
        _set_session(con)
        with _explained(path):
            con.execute(f"ATTACH {text_literal(str(path))} AS {CATALOG} (READ_ONLY)")
        yield con
    finally:
        con.close()


def _set_session(con: duckdb.DuckDBPyConnection) -> None:
    # The engine's own progress bar would go to standard output, among the data.
    con.execute("SET TimeZone = 'UTC'; SET enable_progress_bar = false")


def _config(memory_mb: int, threads: int) -> dict[str, str | bool | int | float | list[str]]:
    return {
        "threads": threads,
        "memory_limit": f"{memory_mb}MB",
        "autoinstall_known_extensions": False,
        "preserve_insertion_order": False,
    }


def _forget_unfinished(path: Path) -> None:
    """Remove a file whose creation was cut short (a full disk, a kill): it holds no table, and DuckDB refuses it."""
    if not path.is_file() or path.stat().st_size >= _HEADERS_BYTES:
        return
    with path.open("rb") as file:
        start = file.read(_MAGIC_END)
    if not start or start.endswith(_MAGIC):
        path.unlink()


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    try:
        yield
    except duckdb.IOException as error:
        if "could not write" in str(error).lower():
            raise  # no room; whoever opens the home says so
        if "lock" in str(error).lower():
            raise TransientError(
                f"the warehouse {path} is open in another process; wait for it to end or stop it, then try again"
            ) from None
        raise TerminalError(
            f"the warehouse {path} cannot be opened: it is no DuckDB 2 file, or unreadable. Where it is damaged, move "
            "it away and fill a new one from the lake with `trunkline warehouse rebuild`"
        ) from error


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
    before_commit: Callable[[Mapping[str, Counts]], None],
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
            f"ORDER BY {order_by(obj, DUCKDB)}, record_moved_to NULLS LAST, filename, file_row_number) AS place "
            f"FROM {source}) WHERE place = 1 AND record_moved_to IS NULL",
            [[str(path) for path in paths]],
        )


def count(con: duckdb.DuckDBPyConnection, obj: Object) -> int:
    """Rows of the warehouse table; one that says deleted is none."""
    table = quote_qualified(DUCKDB, obj.warehouse_table)
    rows: int = con.execute(f"SELECT count(*) FROM {table} WHERE NOT record_is_deleted").fetchall()[0][0]
    return rows
