"""Rows of the lake made ready for a server, in the embedded engine: read, what the server refuses taken out, folded.

The tables `stage`, `best`, `held` and `moved` are those of `sql/merge/staged.py`; here `staged` holds the rows of all
batches that are merged together, and `stage` those of one.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import duckdb

from trunkline.engines.duckdb import DUCKDB
from trunkline.engines.model import Engine
from trunkline.objects.model import Object
from trunkline.records import Refused
from trunkline.sql.lake.views import lake_rows
from trunkline.sql.merge.moved import local_held
from trunkline.sql.merge.refusals import json_text, refusal_sql, suspects_sql
from trunkline.sql.merge.staged import staging_sql
from trunkline.sql.order import order_by

_LIMITS = {
    "refused_length": "it is longer than its column",
    "refused_character": "it holds U+0000",
    "refused_number": "a number in it is out of range",
}

# From the files' footers. A nested column counts as filled: in a footer an empty list looks like none.
_PERHAPS_FILLED = """
SELECT DISTINCT split_part(path_in_schema, ', ', 1) FROM parquet_metadata($1)
WHERE contains(path_in_schema, ', ') OR stats_null_count IS DISTINCT FROM num_values
"""


def stage(con: duckdb.DuckDBPyConnection, obj: Object, files: Sequence[Path]) -> Object:
    """Fill table `staged` with the rows of batches; tombstones are left out. The object as the table has it.

    Columns that have no value in any row are left out: of 170 an export fills a few dozen, and each costs.
    """
    paths = [str(path) for path in files]
    narrow = _with(obj, [name for (name,) in con.execute(_PERHAPS_FILLED, [paths]).fetchall()])
    con.execute(staging_sql(narrow).stage.replace("TEMP TABLE stage ", "TEMP TABLE staged ", 1), [paths])
    return _with(narrow, filled_columns(con, narrow, "staged"))


def _with(obj: Object, names: Collection[str]) -> Object:
    """The object with the named columns, and those that every row has or that the steps of a merge name."""
    named = {*names, *obj.key, obj.partition, obj.event_time, obj.version}
    return replace(obj, columns=tuple(c for c in obj.columns if c.name in named or c.name.startswith("record_")))


def refuse(con: duckdb.DuckDBPyConnection, obj: Object, engine: Engine, table: str = "staged") -> list[Refused]:
    """Take the rows that the engine refuses out of a table, and tell of each."""
    sql = suspects_sql(obj, engine, table)
    suspects = [rowid for (rowid,) in con.execute(sql).fetchall()] if sql is not None else []
    rows = con.execute(refusal_sql(obj, engine, table), [suspects]).fetchall() if suspects else []
    if rows:
        con.execute(f"DELETE FROM {table} WHERE rowid IN (SELECT unnest($1::BIGINT[]))", [[row[0] for row in rows]])
    return [_refused(engine, *row[1:]) for row in rows]


def _refused(
    engine: Engine,
    batch_id: str,
    position: str,
    row_hash: str,
    arrived_at: datetime,
    reason: str,
    name: str,
    length: int,
) -> Refused:
    detail = f"{engine.name} refuses column {name} of {length:,} bytes: {_LIMITS[reason]} there"
    return Refused(batch_id, position, row_hash, reason, detail, length, arrived_at)


def filled_columns(con: duckdb.DuckDBPyConnection, obj: Object, table: str) -> list[str]:
    """Columns that have a value in some row; the others need not be sent."""
    counts = ", ".join(f"count({DUCKDB.quote(column.name)})" for column in obj.columns)
    found = con.execute(f"SELECT {counts} FROM {table}").fetchall()[0]
    return [column.name for column, count in zip(obj.columns, found, strict=True) if count]


def binary_json(obj: Object, names: Sequence[str]) -> str:
    """SELECT list of columns as PostgreSQL's binary COPY takes them: on the wire, jsonb is a byte 1 and its text."""
    columns = [obj.by_name[name] for name in names]
    return ", ".join(
        DUCKDB.quote(c.name) if isinstance(c.type, str) else f"chr(1) || {json_text(c)} AS {DUCKDB.quote(c.name)}"
        for c in columns
    )


def batches(con: duckdb.DuckDBPyConnection) -> list[str]:
    """Batches that have rows in `staged`."""
    return [batch_id for (batch_id,) in con.execute("SELECT DISTINCT batch_id FROM staged ORDER BY 1").fetchall()]


def batches_with_two_dates(con: duckdb.DuckDBPyConnection, obj: Object) -> set[str]:
    """Batches of `staged` that hold a key at two partition dates."""
    keys = ", ".join(DUCKDB.quote(key) for key in obj.key)
    rows = con.execute(
        f"SELECT DISTINCT batch_id FROM (SELECT batch_id FROM staged GROUP BY batch_id, {keys} "
        "HAVING min(partition_date) <> max(partition_date))"
    ).fetchall()
    return {batch_id for (batch_id,) in rows}


def add_moved(
    con: duckdb.DuckDBPyConnection, obj: Object, batch_id: str, elsewhere: Sequence[tuple[object, ...]]
) -> None:
    """Add a batch's tombstones to table `all_moved`; `elsewhere` are the server's rows at another date."""
    sql = staging_sql(obj)
    create, insert = local_held(obj)
    con.execute("CREATE OR REPLACE TEMP TABLE stage AS SELECT * FROM staged WHERE batch_id = $1", [batch_id])
    con.execute(sql.best)
    con.execute(create)
    for row in elsewhere:
        con.execute(insert, list(row))
    con.execute(sql.moved)
    con.execute("CREATE TEMP TABLE IF NOT EXISTS all_moved AS SELECT * FROM moved WHERE false")
    con.execute("INSERT INTO all_moved SELECT * FROM moved")


def finish_moved(con: duckdb.DuckDBPyConnection) -> list[str]:
    """Make `moved` the tombstones of all batches; their ids."""
    there = con.execute("SELECT count(*) FROM duckdb_tables() WHERE table_name = 'all_moved'").fetchall()[0][0]
    if not there:
        return []
    con.execute("CREATE OR REPLACE TEMP TABLE moved AS SELECT * FROM all_moved")
    con.execute("DROP TABLE all_moved")
    return [batch_id for (batch_id,) in con.execute("SELECT DISTINCT batch_id FROM moved ORDER BY 1").fetchall()]


def fold(con: duckdb.DuckDBPyConnection, obj: Object, engine: Engine, files: Sequence[Path]) -> None:
    """Fill table `folded` with the best row of each key in whole partitions, without what the engine refuses.

    A key whose best row lies in another partition has a tombstone in this one, and no row here.
    """
    places = [("filename", "VARCHAR"), ("file_row_number", "BIGINT")]
    read = "read_parquet($1, filename = true, file_row_number = true, union_by_name = true, hive_partitioning = false)"
    con.execute(
        "CREATE OR REPLACE TEMP TABLE folding AS SELECT *, '' AS batch_id FROM " + lake_rows(obj, read, places),
        [[str(path) for path in files]],
    )
    refuse(con, obj, engine, "folding")
    keys = ", ".join(DUCKDB.quote(key) for key in obj.key)
    # Files of an older catalogue may hold another type.
    columns = ", ".join(
        f"TRY_CAST({DUCKDB.quote(c.name)} AS {DUCKDB.type_of(c)}) AS {DUCKDB.quote(c.name)}" for c in obj.columns
    )
    con.execute(
        f"CREATE OR REPLACE TEMP TABLE folded AS SELECT {columns} FROM (SELECT *, row_number() OVER "
        f"(PARTITION BY {keys} ORDER BY {order_by(obj, DUCKDB)}, record_moved_to NULLS FIRST, filename, "
        "file_row_number) AS place FROM folding) WHERE place = 1 AND record_moved_to IS NULL"
    )
    con.execute("DROP TABLE folding")
