"""What a server's merge does in the embedded engine: staged rows, the best of each key, the tombstones to write.

The server itself merges by a procedure. The embedded warehouse has a merge of its own, `embedded.py`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from trunkline.engines.duckdb import DUCKDB
from trunkline.engines.model import Engine
from trunkline.objects.model import Object
from trunkline.sql.lake.views import lake_rows
from trunkline.sql.order import hashed_terms, order_by, partition_date, same_key
from trunkline.sql.relation import (
    BATCH_ID,
    LOST_DATE,
    PARTITION_DATE,
    WINNER,
    WON_DATE,
    Relation,
    object_rows,
    relation,
    tombstone_rows,
)

_FILE = "record_file"
_BATCH_OF = f"regexp_extract({_FILE}, '([0-9a-f]{{32}})[.]parquet$', 1)"
_FILES = f"read_parquet($1, filename = '{_FILE}', union_by_name = true, hive_partitioning = false)"
IS_BEATEN = "record_is_beaten"
HELD_DATE = "record_held_date"


@dataclass(frozen=True, slots=True)
class StagingSql:
    """Statements and the tables that they make.

    `stage` fills `rows` and takes the list of files as its parameter. `best` makes `best_rows`, the best staged row of
    each key. `held` makes the empty table `held_rows`; `add_held` adds one row that the target has at another date,
    as `elsewhere_columns` gives it. `moved` makes `tombstones` from the three.
    """

    rows: Relation
    best_rows: Relation
    held_rows: Relation
    tombstones: Relation
    stage: str
    best: str
    held: str
    add_held: str
    moved: str


@cache
def staging_sql(obj: Object, part: str = "") -> StagingSql:
    """What is done before rows go to a server. Pure. `part` names the tables of one of several batches."""
    columns = ", ".join(DUCKDB.quote(column.name) for column in obj.columns)
    keys = ", ".join(DUCKDB.quote(key) for key in obj.key)
    rows = object_rows(obj, f"stage{part}", [BATCH_ID, PARTITION_DATE])
    best = relation(f"best{part}", ["record_stage_row", *obj.key, PARTITION_DATE, BATCH_ID])
    held = relation(f"held{part}", ["record_stage_row", HELD_DATE, IS_BEATEN, *WINNER])
    moved = tombstone_rows(obj)
    return StagingSql(
        rows=rows,
        best_rows=best,
        held_rows=held,
        tombstones=moved,
        stage=(
            f"CREATE OR REPLACE TEMP TABLE {rows.sql} AS SELECT {columns}, {_BATCH_OF} AS {BATCH_ID}, "
            f"{partition_date(obj, DUCKDB)} AS {PARTITION_DATE} FROM {lake_rows(obj, _FILES, [(_FILE, 'VARCHAR')])} "
            "WHERE record_moved_to IS NULL"
        ),
        best=(
            f"CREATE OR REPLACE TEMP TABLE {best.sql} AS SELECT rowid AS record_stage_row, {keys}, {PARTITION_DATE}, "
            f"{BATCH_ID} FROM {rows.sql} QUALIFY row_number() OVER (PARTITION BY {keys} "
            f"ORDER BY {order_by(obj, DUCKDB)}, {BATCH_ID}, rowid) = 1"
        ),
        held=f"CREATE OR REPLACE TEMP TABLE {held.sql} ({_held_columns(obj)})",
        add_held=_add_held(obj, rows, best, held),
        moved=f"CREATE OR REPLACE TEMP TABLE {moved.sql} AS {_moved(obj, rows, best, held)}",
    )


def _held_columns(obj: Object) -> str:
    typed = ", ".join(f"{name} {DUCKDB.type_of(obj.by_name[name])}" for name in WINNER)
    return f"record_stage_row BIGINT, {HELD_DATE} DATE, {IS_BEATEN} BOOLEAN, {typed}"


def _add_held(obj: Object, rows: Relation, best: Relation, held: Relation) -> str:
    """The hash covers the partition date, so that the order never needs more than its hashed terms here."""
    names = (*obj.key, HELD_DATE, *WINNER)
    typed = ((name, "DATE" if name == HELD_DATE else DUCKDB.type_of(obj.by_name[name])) for name in names)
    values = ", ".join(f"CAST(${n} AS {type_}) AS {DUCKDB.quote(name)}" for n, (name, type_) in enumerate(typed, 1))
    staged, there = (f"ROW({', '.join(hashed_terms(obj, DUCKDB, alias))})" for alias in ("s", "h"))
    winner = ", ".join(f"h.{name}" for name in WINNER)
    return (
        f"INSERT INTO {held.sql} SELECT b.record_stage_row, h.{HELD_DATE}, {staged} > {there}, {winner} "
        f"FROM (SELECT {values}) AS h JOIN {best.sql} AS b ON {same_key(obj, DUCKDB, 'h', 'b')} "
        f"JOIN {rows.sql} AS s ON s.rowid = b.record_stage_row"
    )


def _moved(obj: Object, rows: Relation, best: Relation, held: Relation) -> str:
    """Keys with a losing version in another partition than the winner's, with the winner's place in the order."""
    keys = ", ".join(f"w.{DUCKDB.quote(key)}" for key in obj.key)
    held_wins = f"h.record_stage_row IS NOT NULL AND NOT h.{IS_BEATEN}"
    winner = ", ".join(f"CASE WHEN {held_wins} THEN h.{name} ELSE w.{name} END AS {name}" for name in WINNER)
    won = f"CASE WHEN {held_wins} THEN h.{HELD_DATE} ELSE b.{PARTITION_DATE} END"
    base = (
        f"FROM {best.sql} AS b JOIN {rows.sql} AS w ON w.rowid = b.record_stage_row "
        f"LEFT JOIN {held.sql} AS h ON h.record_stage_row = b.record_stage_row"
    )
    lost_in_stage = (
        f"SELECT DISTINCT {keys}, {winner}, b.{BATCH_ID}, s.{PARTITION_DATE} AS {LOST_DATE}, {won} AS {WON_DATE} "
        f"{base} JOIN {rows.sql} AS s ON {same_key(obj, DUCKDB, 's', 'b')} WHERE s.{PARTITION_DATE} <> {won}"
    )
    lost_in_target = (
        f"SELECT {keys}, {winner}, b.{BATCH_ID}, h.{HELD_DATE} AS {LOST_DATE}, {won} AS {WON_DATE} {base} "
        f"WHERE h.{IS_BEATEN} AND h.{HELD_DATE} <> b.{PARTITION_DATE}"
    )
    return f"{lost_in_stage} UNION {lost_in_target}"


def elsewhere_columns(obj: Object, engine: Engine, alias: str) -> list[str]:
    """What `add_held` takes of one of the target's rows, in order: the key, the partition date, WINNER."""
    keys = (f"{alias}.{engine.quote(key)}" for key in obj.key)
    date = f"{partition_date(obj, engine, alias)} AS {HELD_DATE}"
    return [*keys, date, *(f"{alias}.{engine.quote(name)}" for name in WINNER)]
