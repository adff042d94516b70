"""Merge and rebuild of the embedded warehouse, statement by statement, over one DuckDB connection."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import replace
from datetime import date
from pathlib import Path

import duckdb

from trunkline.accounting import Counts
from trunkline.engines.duckdb import DUCKDB
from trunkline.engines.model import quote_qualified, text_literal
from trunkline.objects.model import Object
from trunkline.sql.merge.embedded import are_current, file_columns_sql, merge_sql, merge_tables, rebuild_sql, stage_sql
from trunkline.sql.relation import PARTITION_DATE, Relation

KEPT_MB = 64
"""Memory for table blocks between two merges: the latest rows' keys and the free blocks of the file."""


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


def merge(
    con: duckdb.DuckDBPyConnection,
    obj: Object,
    files: Sequence[Path],
    before_commit: Callable[[dict[str, Counts]], None],
) -> dict[str, Counts]:
    """Merge lake files of one or more batches in one transaction; counts by batch id (only the merge's terms).

    `before_commit` is called with the counts when all is in place, to write what must commit together and to publish
    the tombstones, which are in `merge_tables(obj).moved`.
    """
    counts: dict[str, Counts] = {}
    with _one_thread(con) if len(files) > 1 else nullcontext(), transaction(con):
        if files:
            paths = [str(path) for path in files]
            con.execute(stage_sql(obj), [paths])
            first, last = con.execute(_dates(obj)).fetchall()[0]
            if first is not None:
                counts = _merge_staged(con, obj, paths, first, last)
        before_commit(counts)
    _drop_temporary(con, obj)
    _release_memory(con)
    return counts


def _merge_staged(
    con: duckdb.DuckDBPyConnection, obj: Object, paths: Sequence[str], first: date, last: date
) -> dict[str, Counts]:
    types = {name: type_ for name, type_, *_ in con.execute(file_columns_sql(), [paths]).fetchall()}
    sql = merge_sql(obj, first, last, are_current(obj, types))
    con.execute(sql.held)
    con.execute(sql.held_elsewhere)
    if con.execute(sql.ties).fetchall()[0][0]:
        con.execute(sql.places, [paths])
        con.execute(sql.place_stage)
        con.execute(sql.place_held)
    con.execute(sql.best)
    rows = con.execute(sql.counts).fetchall()
    con.execute(sql.moved)
    con.execute(sql.delete)
    con.execute(sql.insert, [paths])
    return {
        batch_id: replace(
            Counts(), inserted=inserted, updated=updated, deleted=deleted, superseded=superseded, duplicate=duplicate
        )
        for batch_id, inserted, updated, deleted, superseded, duplicate in rows
    }


def _dates(obj: Object) -> str:
    return f"SELECT min({PARTITION_DATE}), max({PARTITION_DATE}) FROM {merge_tables(obj).stage.sql}"


def _drop_temporary(con: duckdb.DuckDBPyConnection, obj: Object) -> None:
    con.execute("; ".join(f"DROP TABLE IF EXISTS temp.{table.sql}" for table in merge_tables(obj).all()))


@contextmanager
def _one_thread(con: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """Each thread of an INSERT from several files holds rows of its own, 100 MB of them.

    Ending and starting threads takes some 40 ms.
    """
    threads = con.execute("SELECT current_setting('threads')").fetchall()[0][0]
    con.execute("SET threads = 1")
    try:
        yield
    finally:
        con.execute(f"SET threads = {threads}")


def _release_memory(con: duckdb.DuckDBPyConnection) -> None:
    """Give back the memory of table blocks, which the engine keeps up to its limit, to the flattening beside it."""
    limit = con.execute("SELECT current_setting('memory_limit')").fetchall()[0][0]
    with suppress(duckdb.OutOfMemoryException):  # what is in use stays
        con.execute(f"SET memory_limit = '{KEPT_MB}MB'")
    con.execute(f"SET memory_limit = {text_literal(limit)}")


def rebuild(con: duckdb.DuckDBPyConnection, obj: Object, groups: Sequence[Sequence[Path]]) -> None:
    """Fill the table again from the lake, group of partitions by group. Call inside a transaction.

    A key lives in one partition (tombstones say which), so that each group can be folded alone.
    """
    sql = rebuild_sql(obj)
    con.execute(f"DELETE FROM {quote_qualified(DUCKDB, obj.warehouse_table)}")
    for group in groups:
        paths = [str(path) for path in group]
        con.execute(sql.stage, [paths])
        if con.execute(sql.ties).fetchall()[0][0]:
            con.execute(sql.places, [paths])
            con.execute(sql.place_stage)
        con.execute(sql.insert, [paths])
    _drop_temporary(con, obj)


def refold(con: duckdb.DuckDBPyConnection, obj: Object, touched: Relation, winners: Relation) -> None:
    """Delete the rows whose keys are in `touched`, insert those of `winners`. Call inside a transaction."""
    target = quote_qualified(DUCKDB, obj.warehouse_table)
    keys = ", ".join(DUCKDB.quote(key) for key in obj.key)
    names = ", ".join(DUCKDB.quote(column.name) for column in obj.columns)
    con.execute(f"DELETE FROM {target} WHERE ({keys}) IN (SELECT ({keys}) FROM {touched.sql})")
    con.execute(f"INSERT INTO {target} ({names}) SELECT {names} FROM {winners.sql}")


def count(con: duckdb.DuckDBPyConnection, obj: Object) -> int:
    """Rows of the warehouse table, without deleted ones."""
    table = quote_qualified(DUCKDB, obj.warehouse_table)
    rows: int = con.execute(f"SELECT count(*) FROM {table} WHERE NOT record_is_deleted").fetchall()[0][0]
    return rows
