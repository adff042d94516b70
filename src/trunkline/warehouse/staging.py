"""Rows of the lake made ready for a server, in the embedded engine: read, refused rows taken out, folded.

The statements and tables are those of `sql/merge/staged.py`.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

import duckdb

from trunkline.engines.duckdb import DUCKDB
from trunkline.engines.model import Engine
from trunkline.objects.model import Object
from trunkline.records import Refused
from trunkline.sql.lake.views import lake_rows
from trunkline.sql.merge.staged import StagingSql, json_text, refusal_sql, staging_sql, suspects_sql
from trunkline.sql.order import order_by
from trunkline.sql.relation import BATCH_ID, PARTITION_DATE, Relation, object_rows, relation, tombstone_rows

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


@dataclass(frozen=True, slots=True)
class StagedRows:
    """Rows of one or more batches in the embedded engine, without those that the server refuses.

    `obj` has the columns that were read. `rows` may have more.
    """

    obj: Object
    rows: Relation
    refused: list[Refused]


def stage(
    con: duckdb.DuckDBPyConnection, obj: Object, engine: Engine, files: Sequence[Path], has_all_columns: bool = False
) -> StagedRows:
    """Read batches from their lake files; tombstones are left out.

    Unless the server needs them all, columns that have no value in any row are left out: of 170 an export fills a few
    dozen, and each costs.
    """
    paths = [str(path) for path in files]
    if not has_all_columns:
        obj = _with(obj, [name for (name,) in con.execute(_PERHAPS_FILLED, [paths]).fetchall()])
    sql = staging_sql(obj)
    con.execute(sql.stage, [paths])
    if not has_all_columns:
        obj = _with(obj, filled_columns(con, obj, sql.rows))
    return StagedRows(obj, sql.rows, refuse(con, obj, engine, sql.rows))


def _with(obj: Object, names: Collection[str]) -> Object:
    """The object with the named columns, and those that every row has or that the steps of a merge name."""
    named = {*names, *obj.key, obj.partition, obj.event_time, obj.version}
    return replace(obj, columns=tuple(c for c in obj.columns if c.name in named or c.name.startswith("record_")))


def refuse(con: duckdb.DuckDBPyConnection, obj: Object, engine: Engine, rows: Relation) -> list[Refused]:
    """Delete the rows that the engine refuses; what each was and why."""
    sql = suspects_sql(obj, engine, rows)
    suspects = [rowid for (rowid,) in con.execute(sql).fetchall()] if sql is not None else []
    refused = con.execute(refusal_sql(obj, engine, rows), [suspects]).fetchall() if suspects else []
    if refused:
        listed = [row[0] for row in refused]
        con.execute(f"DELETE FROM {rows.sql} WHERE rowid IN (SELECT unnest($1::BIGINT[]))", [listed])
    return [_refused(engine, *row[1:]) for row in refused]


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


def filled_columns(con: duckdb.DuckDBPyConnection, obj: Object, rows: Relation) -> list[str]:
    """Columns that have a value in some row; the others need not be sent."""
    counts = ", ".join(f"count({DUCKDB.quote(column.name)})" for column in obj.columns)
    filled = con.execute(f"SELECT {counts} FROM {rows.sql}").fetchall()[0]
    return [column.name for column, count in zip(obj.columns, filled, strict=True) if count]


def binary_json(obj: Object, names: Sequence[str]) -> str:
    """SELECT list of columns as PostgreSQL's binary COPY takes them: on the wire, jsonb is a byte 1 and its text."""
    columns = [obj.by_name[name] for name in names]
    return ", ".join(
        DUCKDB.quote(c.name) if isinstance(c.type, str) else f"chr(1) || {json_text(c)} AS {DUCKDB.quote(c.name)}"
        for c in columns
    )


def batches(con: duckdb.DuckDBPyConnection, rows: Relation) -> list[str]:
    """Batches that have staged rows."""
    found = con.execute(f"SELECT DISTINCT {BATCH_ID} FROM {rows.sql} ORDER BY 1").fetchall()
    return [batch_id for (batch_id,) in found]


def batches_with_two_dates(con: duckdb.DuckDBPyConnection, obj: Object, rows: Relation) -> set[str]:
    """Batches that hold a key at two partition dates."""
    keys = ", ".join(DUCKDB.quote(key) for key in obj.key)
    found = con.execute(
        f"SELECT DISTINCT {BATCH_ID} FROM (SELECT {BATCH_ID} FROM {rows.sql} GROUP BY {BATCH_ID}, {keys} "
        f"HAVING min({PARTITION_DATE}) <> max({PARTITION_DATE}))"
    ).fetchall()
    return {batch_id for (batch_id,) in found}


def find_moved(con: duckdb.DuckDBPyConnection, sql: StagingSql, elsewhere: Sequence[tuple[object, ...]]) -> Relation:
    """The tombstones of staged rows; `elsewhere` are the server's rows of their keys at another date."""
    con.execute(sql.best)
    con.execute(sql.held)
    for row in elsewhere:
        con.execute(sql.add_held, list(row))
    con.execute(sql.moved)
    return sql.tombstones


def drop(con: duckdb.DuckDBPyConnection, obj: Object) -> None:
    """Drop the tables of `stage` and `find_moved`."""
    sql = staging_sql(obj)
    for table in (sql.rows, sql.best_rows, sql.held_rows, sql.tombstones):
        con.execute(f"DROP TABLE IF EXISTS temp.{table.sql}")


class Tombstones:
    """The tombstones of batches that are merged one after the other in one transaction."""

    def __init__(self, con: duckdb.DuckDBPyConnection, staged: StagedRows) -> None:
        self._con, self._staged = con, staged
        self.rows = relation("all_moved", tombstone_rows(staged.obj).columns)
        self._is_made = False

    def add(self, batch_id: str, elsewhere: Sequence[tuple[object, ...]]) -> None:
        """Add those of one batch; `elsewhere` as `find_moved` takes them."""
        sql = staging_sql(self._staged.obj, part="_batch")
        self._con.execute(
            f"CREATE OR REPLACE TEMP TABLE {sql.rows.sql} AS SELECT * FROM {self._staged.rows.sql} "
            f"WHERE {BATCH_ID} = $1",
            [batch_id],
        )
        moved = find_moved(self._con, sql, elsewhere)
        if not self._is_made:
            self._con.execute(f"CREATE OR REPLACE TEMP TABLE {self.rows.sql} AS FROM {moved.sql} WHERE false")
            self._is_made = True
        self._con.execute(f"INSERT INTO {self.rows.sql} FROM {moved.sql}")

    def batches(self) -> list[str]:
        """The batches that have any, once all are added."""
        return batches(self._con, self.rows) if self._is_made else []


def fold(con: duckdb.DuckDBPyConnection, obj: Object, engine: Engine, files: Sequence[Path]) -> Relation:
    """The best row of each key in whole partitions, without what the engine refuses.

    A key whose best row lies in another partition has a tombstone in this one, and no row here.
    """
    folding = object_rows(obj, "folding", ["record_moved_to", "record_file", "file_row_number", BATCH_ID])
    folded = object_rows(obj, "folded")
    places = [("record_file", "VARCHAR"), ("file_row_number", "BIGINT")]
    read = (
        "read_parquet($1, filename = 'record_file', file_row_number = true, union_by_name = true, "
        "hive_partitioning = false)"
    )
    con.execute(
        f"CREATE OR REPLACE TEMP TABLE {folding.sql} AS SELECT *, '' AS {BATCH_ID} FROM {lake_rows(obj, read, places)}",
        [[str(path) for path in files]],
    )
    refuse(con, obj, engine, folding)
    keys = ", ".join(DUCKDB.quote(key) for key in obj.key)
    # Files of an older catalogue may hold another type.
    columns = ", ".join(
        f"TRY_CAST({DUCKDB.quote(c.name)} AS {DUCKDB.type_of(c)}) AS {DUCKDB.quote(c.name)}" for c in obj.columns
    )
    con.execute(
        f"CREATE OR REPLACE TEMP TABLE {folded.sql} AS SELECT {columns} FROM (SELECT *, row_number() OVER "
        f"(PARTITION BY {keys} ORDER BY {order_by(obj, DUCKDB)}, record_moved_to NULLS FIRST, record_file, "
        f"file_row_number) AS record_place FROM {folding.sql}) WHERE record_place = 1 AND record_moved_to IS NULL"
    )
    con.execute(f"DROP TABLE {folding.sql}")
    return folded
