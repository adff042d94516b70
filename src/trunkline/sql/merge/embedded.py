"""The merge of a DuckDB warehouse: stage, find what is held, keep the best per key, delete, insert.

Set by set, in one transaction. Measured on 200 adversarial runs: by key alone 200 are wrong, without the staleness
step 189, with this plan none. No primary-key index: it makes the same merge nearly three times slower.

All but the last statement work on the key, the order of versions and the place of a row (file and line), because a
statement over every column costs 10 ms to plan and the rows' width to run. What the order compares beyond the hash is
looked up for rows whose hash occurs twice; whole rows are read once, from the files to the table.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import date, timedelta
from functools import cache

from trunkline.engines.duckdb import DUCKDB
from trunkline.engines.model import quote_qualified
from trunkline.objects.model import Object
from trunkline.sql.lake.views import MOVED_TO, lake_columns, lake_rows
from trunkline.sql.order import (
    ORDER_COLUMNS,
    UNDATED,
    compared_columns,
    hashed_terms,
    partition_date,
    same_key,
    tail_terms,
)
from trunkline.sql.relation import (
    BATCH_ID,
    LOST_DATE,
    PARTITION_DATE,
    WINNER,
    WON_DATE,
    Relation,
    relation,
    tombstone_rows,
)

_OPTIONS = "filename = 'record_file', file_row_number = true, union_by_name = true, hive_partitioning = false"
_FILES = f"read_parquet($1, {_OPTIONS})"
_BATCH_OF = "regexp_extract(record_file, '([0-9a-f]{32})[.]parquet$', 1)"
_DELIVERY = tuple(name for name in WINNER if name not in ORDER_COLUMNS)


@dataclass(frozen=True, slots=True)
class MergeTables:
    """The temporary tables of a merge.

    `stage` has what the merge needs to know of each staged row, `held` the same of the target's rows of these keys.
    `ties` has the hashes that occur more than once, `places` the order of the rows that have one, `best` the best
    staged row per key beside the held one, `moved` the tombstones to write.
    """

    stage: Relation
    held: Relation
    ties: Relation
    places: Relation
    best: Relation
    moved: Relation

    def all(self) -> tuple[Relation, ...]:
        """Each of them."""
        return tuple(getattr(self, field.name) for field in fields(self))


@cache
def merge_tables(obj: Object) -> MergeTables:
    """The temporary tables of an object's merge."""
    row = (*WINNER, "record_is_deleted", "record_tie_place")
    best = ("record_stage_row", BATCH_ID, "record_held_row", "record_held_date", "record_held_record_is_deleted")
    return MergeTables(
        stage=relation("stage", [*obj.key, *row, PARTITION_DATE, BATCH_ID, "record_file", "record_line"]),
        held=relation("held", [*obj.key, *row, PARTITION_DATE, "record_held_row"]),
        ties=relation("ties", ["record_hash"]),
        places=relation("places", ["record_stage_row", "record_held_row", "record_tie_place"]),
        best=relation("best", [*obj.key, *best, "record_is_better", WON_DATE, *ORDER_COLUMNS, "record_tie_place"]),
        moved=tombstone_rows(obj),
    )


@dataclass(frozen=True, slots=True)
class MergeSql:
    """The steps of a merge, in order. `stage`, `places` and `insert` take the list of files as their parameter.

    `held` finds the target's rows of the staged keys within the staged dates, `held_elsewhere` those of the keys that
    are not found there. `ties` gives the number of hashes that occur more than once; without any, the two steps after
    it have nothing to do. `counts` gives one row per batch: its id, then inserted, updated, deleted, superseded,
    duplicate. `moved` makes the table of tombstones to write.
    """

    stage: str
    held: str
    held_elsewhere: str
    ties: str
    places: str
    place_stage: str
    place_held: str
    best: str
    counts: str
    moved: str
    delete: str
    insert: str


@dataclass(frozen=True, slots=True)
class RebuildSql:
    """The steps that fill a table from one group of files, in order; `insert` too takes the list of files."""

    stage: str
    ties: str
    places: str
    place_stage: str
    insert: str


def _q(name: str) -> str:
    return DUCKDB.quote(name)


def _keys(obj: Object, alias: str = "") -> str:
    prefix = f"{alias}." if alias else ""
    return ", ".join(f"{prefix}{_q(key)}" for key in obj.key)


def _named(names: tuple[str, ...], alias: str) -> str:
    return ", ".join(f"{alias}.{name}" for name in names)


def _order(obj: Object, alias: str) -> str:
    """The place of a row in the order of versions, as one value; `record_tie_place` decides between equal hashes."""
    return f"ROW({', '.join(hashed_terms(obj, DUCKDB, alias))}, {alias}.record_tie_place)"


def _best_first(obj: Object, alias: str) -> str:
    return ", ".join(f"{term} DESC" for term in hashed_terms(obj, DUCKDB, alias))


def steps(obj: Object) -> tuple[str, ...]:
    """The statements of a merge for people to read, with a date as an example."""
    sql = merge_sql(obj, date(2026, 3, 8), date(2026, 3, 8))
    return tuple(getattr(sql, field.name) for field in fields(sql))


def merge_sql(obj: Object, first: date, last: date, is_current: bool = True) -> MergeSql:
    """The merge of an object whose staged rows lie in the partitions of `first` to `last`. Pure.

    The dates are literals in the statements, so that the cost of a merge does not grow with the table.
    `is_current`: the files have the columns and types of the current catalogue.
    """
    target, t = quote_qualified(DUCKDB, obj.warehouse_table), merge_tables(obj)
    within = _within(obj, first, last)
    not_found = f"(FROM {t.stage.sql} AS s ANTI JOIN {t.held.sql} AS h ON {same_key(obj, DUCKDB, 's', 'h')})"
    better = f"FROM {t.best.sql} WHERE record_is_better"
    winners = f"SELECT record_file, record_line FROM {t.stage.sql} WHERE rowid IN (SELECT record_stage_row {better})"
    hashes = f"SELECT record_hash FROM {t.stage.sql} UNION ALL SELECT record_hash FROM {t.held.sql}"
    return MergeSql(
        stage=stage_sql(obj),
        held=f"CREATE OR REPLACE TEMP TABLE {t.held.sql} AS {_held(obj, t.stage.sql)} WHERE {within}",
        held_elsewhere=f"INSERT INTO {t.held.sql} {_held(obj, not_found)} WHERE NOT COALESCE({within}, false)",
        ties=_ties(t, hashes),
        places=_places(obj, f"{_tails_of_stage(obj, is_current)} UNION ALL {_tails_of_held(obj)}"),
        place_stage=_place(t, t.stage, "rowid", "record_stage_row"),
        place_held=_place(t, t.held, "record_held_row", "record_held_row"),
        best=_best(obj),
        counts=_counts(obj),
        moved=_moved(obj),
        delete=f"DELETE FROM {target} WHERE rowid IN (SELECT record_held_row {better} AND record_held_row IS NOT NULL)",
        insert=_insert(obj, winners, is_current),
    )


def rebuild_sql(obj: Object) -> RebuildSql:
    """Fill a table from one group of partitions. A tombstone beats every version but the one that it speaks of."""
    t = merge_tables(obj)
    winners = (
        f"SELECT record_file, record_line FROM (SELECT * FROM {t.stage.sql} AS s QUALIFY row_number() OVER (PARTITION "
        f"BY {_keys(obj, 's')} ORDER BY {_best_first(obj, 's')}, record_is_moved, record_tie_place DESC, record_file, "
        "record_line) = 1) WHERE NOT record_is_moved"
    )
    return RebuildSql(
        stage=stage_sql(obj, is_rebuild=True),
        ties=_ties(t, f"SELECT record_hash FROM {t.stage.sql} WHERE NOT record_is_moved"),
        places=_places(obj, _tails_of_stage(obj, is_current=False)),
        place_stage=_place(t, t.stage, "rowid", "record_stage_row"),
        insert=_insert(obj, winners, is_current=False),
    )


def stage_sql(obj: Object, is_rebuild: bool = False) -> str:
    """What the merge needs to know of each row of the files. Only a rebuild looks at tombstones."""
    moved = f"{MOVED_TO.name} IS NOT NULL AS record_is_moved, " if is_rebuild else ""
    return (
        f"CREATE OR REPLACE TEMP TABLE {merge_tables(obj).stage.sql} AS SELECT {_keys(obj, 'r')}, "
        f"{_named(WINNER, 'r')}, r.record_is_deleted, {partition_date(obj, DUCKDB, 'r')} AS {PARTITION_DATE}, "
        f"{_BATCH_OF} AS {BATCH_ID}, record_file, file_row_number AS record_line, {moved}0 AS record_tie_place "
        f"FROM {_FILES} AS r" + ("" if is_rebuild else f" WHERE {MOVED_TO.name} IS NULL")
    )


def file_columns_sql() -> str:
    """Name and type of the files' columns; takes the list of files."""
    return f"DESCRIBE SELECT * EXCLUDE (record_file, file_row_number) FROM {_FILES}"


def are_current(obj: Object, types: Mapping[str, str]) -> bool:
    """Whether files have the columns and types of the current catalogue; those of an older one are read with casts.

    A file lacks columns that have no value in it, but none that the order of versions compares.
    """
    wanted = {column.name: DUCKDB.type_of(column).replace('"', "") for column in lake_columns(obj)}
    compared = {column.name for column in compared_columns(obj)}
    return compared <= types.keys() and all(wanted.get(name) == type_.replace('"', "") for name, type_ in types.items())


def _rows(obj: Object, is_current: bool) -> str:
    if is_current:
        return f"{_FILES} AS r"
    rows = lake_rows(obj, _FILES, [("record_file", "VARCHAR"), ("file_row_number", "BIGINT")])
    return f"(SELECT * FROM {rows}) AS r"


def _within(obj: Object, first: date, last: date) -> str:
    column = f"t.{_q(obj.partition)}"
    within = f"({column} >= DATE '{first}' AND {column} < DATE '{last + timedelta(days=1)}')"
    return f"({within} OR {column} IS NULL)" if str(first) <= UNDATED <= str(last) else within


def _held(obj: Object, keys: str) -> str:
    target = quote_qualified(DUCKDB, obj.warehouse_table)
    return (
        f"SELECT {_keys(obj, 't')}, {_named(WINNER, 't')}, t.rowid AS record_held_row, t.record_is_deleted, "
        f"{partition_date(obj, DUCKDB, 't')} AS {PARTITION_DATE}, 0 AS record_tie_place "
        f"FROM {target} AS t SEMI JOIN {keys} AS s ON {same_key(obj, DUCKDB, 't', 's')}"
    )


def _ties(t: MergeTables, hashes: str) -> str:
    repeated = f"SELECT record_hash FROM ({hashes}) GROUP BY record_hash HAVING count(*) > 1"
    return f"CREATE OR REPLACE TEMP TABLE {t.ties.sql} AS {repeated}"


def _tails_of_stage(obj: Object, is_current: bool) -> str:
    t = merge_tables(obj)
    head, tail = hashed_terms(obj, DUCKDB, "s"), tail_terms(obj, DUCKDB, "r")
    return (
        f"SELECT s.rowid AS record_stage_row, CAST(NULL AS BIGINT) AS record_held_row, {_keys(obj, 's')}, "
        f"ROW({', '.join(head)}) AS record_head, ROW({', '.join(tail)}) AS record_tail FROM {_rows(obj, is_current)} "
        f"JOIN {t.stage.sql} AS s ON r.record_file = s.record_file AND r.file_row_number = s.record_line "
        f"WHERE s.record_hash IN (FROM {t.ties.sql})"
    )


def _tails_of_held(obj: Object) -> str:
    target, t = quote_qualified(DUCKDB, obj.warehouse_table), merge_tables(obj)
    head, tail = hashed_terms(obj, DUCKDB, "h"), tail_terms(obj, DUCKDB, "t")
    return (
        f"SELECT CAST(NULL AS BIGINT), h.record_held_row, {_keys(obj, 'h')}, ROW({', '.join(head)}), "
        f"ROW({', '.join(tail)}) FROM {target} AS t JOIN {t.held.sql} AS h ON t.rowid = h.record_held_row "
        f"WHERE h.record_hash IN (FROM {t.ties.sql})"
    )


def _places(obj: Object, tails: str) -> str:
    """Rows that tie on everything the hash covers, numbered by the stored personal data that it leaves out."""
    return (
        f"CREATE OR REPLACE TEMP TABLE {merge_tables(obj).places.sql} AS SELECT record_stage_row, record_held_row, "
        f"CAST(dense_rank() OVER (PARTITION BY {_keys(obj)}, record_head ORDER BY record_tail) AS INTEGER) "
        f"AS record_tie_place FROM ({tails})"
    )


def _place(t: MergeTables, table: Relation, row: str, place_row: str) -> str:
    return (
        f"UPDATE {table.sql} SET record_tie_place = p.record_tie_place FROM {t.places.sql} AS p "
        f"WHERE {table.sql}.{row} = p.{place_row}"
    )


def _best(obj: Object) -> str:
    """The best staged row per key beside the held one, and the order of whichever of the two is better."""
    t, names = merge_tables(obj), (*ORDER_COLUMNS, "record_tie_place")
    won = ", ".join(f"CASE WHEN record_is_better THEN {name} ELSE record_held_{name} END AS {name}" for name in names)
    held = ", ".join(f"h.{name} AS record_held_{name}" for name in (*names, "record_is_deleted"))
    return (
        f"CREATE OR REPLACE TEMP TABLE {t.best.sql} AS WITH {_chosen(obj)} SELECT {_keys(obj)}, record_stage_row, "
        f"{BATCH_ID}, record_held_row, record_held_date, record_held_record_is_deleted, record_is_better, "
        f"CASE WHEN record_is_better THEN {PARTITION_DATE} ELSE record_held_date END AS {WON_DATE}, {won} "
        f"FROM (SELECT w.*, {held}, h.record_held_row, h.{PARTITION_DATE} AS record_held_date, "
        f"h.record_held_row IS NULL OR {_order(obj, 'w')} > {_order(obj, 'h')} AS record_is_better "
        f"FROM record_chosen AS w LEFT JOIN {t.held.sql} AS h ON {same_key(obj, DUCKDB, 'w', 'h')}) AS pairs"
    )


def _chosen(obj: Object) -> str:
    """The best staged row per key. Only keys staged more than once are sorted: sorting all costs five times."""
    keys, stage = _keys(obj), merge_tables(obj).stage.sql
    shown = f"{keys}, {', '.join(ORDER_COLUMNS)}, record_tie_place, {PARTITION_DATE}, {BATCH_ID}"
    same = same_key(obj, DUCKDB, "s", "m")
    return (
        f"record_many AS MATERIALIZED (SELECT {keys} FROM {stage} GROUP BY {keys} HAVING count(*) > 1), "
        f"record_chosen AS (SELECT rowid AS record_stage_row, {shown} FROM {stage} AS s "
        f"ANTI JOIN record_many AS m ON {same} UNION ALL SELECT record_stage_row, {shown} "
        f"FROM (SELECT rowid AS record_stage_row, * FROM {stage} AS s SEMI JOIN record_many AS m ON {same}) "
        f"AS s QUALIFY row_number() OVER (PARTITION BY {keys} ORDER BY {_best_first(obj, 's')}, record_tie_place DESC, "
        f"{BATCH_ID}, record_file, record_line) = 1)"
    )


def _counts(obj: Object) -> str:
    """Each staged row against the final row of its key: it is that row, it equals it, or it lost to it.

    A row that says deleted stays in the table, and counts as no row: live rows are inserted minus deleted, always. So
    what follows a deletion is inserted again, and a deletion of what is not there says nothing new: a duplicate.
    """
    t = merge_tables(obj)
    verdict = (
        "CASE WHEN s.rowid = b.record_stage_row AND b.record_is_better THEN "
        "CASE WHEN b.record_held_row IS NULL OR b.record_held_record_is_deleted "
        "THEN CASE WHEN s.record_is_deleted THEN 'duplicate' ELSE 'inserted' END "
        "ELSE CASE WHEN s.record_is_deleted THEN 'deleted' ELSE 'updated' END END "
        f"WHEN {_order(obj, 's')} = {_order(obj, 'b')} THEN 'duplicate' ELSE 'superseded' END"
    )
    names = ("inserted", "updated", "deleted", "superseded", "duplicate")
    columns = ", ".join(f"count(*) FILTER (record_verdict = '{name}') AS {name}" for name in names)
    return (
        f"SELECT {BATCH_ID}, {columns} FROM (SELECT s.{BATCH_ID}, {verdict} AS record_verdict FROM {t.stage.sql} AS s "
        f"JOIN {t.best.sql} AS b ON {same_key(obj, DUCKDB, 's', 'b')}) GROUP BY {BATCH_ID} ORDER BY {BATCH_ID}"
    )


def _moved(obj: Object) -> str:
    """Keys with a losing version in another partition than the winner's, with the winner's place in the order."""
    t = merge_tables(obj)
    delivery = ", ".join(
        f"CASE WHEN l.record_is_better THEN w.{name} ELSE h.{name} END AS {name}" for name in _DELIVERY
    )
    return (
        f"CREATE OR REPLACE TEMP TABLE {t.moved.sql} AS SELECT {_keys(obj, 'l')}, {_named(ORDER_COLUMNS, 'l')}, "
        f"{delivery}, l.{BATCH_ID}, l.{LOST_DATE}, l.{WON_DATE} FROM (SELECT b.*, s.{PARTITION_DATE} AS {LOST_DATE} "
        f"FROM {t.best.sql} AS b JOIN {t.stage.sql} AS s ON {same_key(obj, DUCKDB, 's', 'b')} "
        f"WHERE s.{PARTITION_DATE} <> b.{WON_DATE} UNION SELECT b.*, b.record_held_date "
        f"FROM {t.best.sql} AS b WHERE b.record_is_better AND b.record_held_date <> b.{WON_DATE}) AS l "
        f"JOIN {t.stage.sql} AS w ON w.rowid = l.record_stage_row "
        f"LEFT JOIN {t.held.sql} AS h ON h.record_held_row = l.record_held_row"
    )


def _insert(obj: Object, winners: str, is_current: bool) -> str:
    """Whole rows, from the files to the table. A value that does not fit its current type becomes NULL."""
    target = quote_qualified(DUCKDB, obj.warehouse_table)
    chosen = f"WHERE (record_file, file_row_number) IN ({winners})"
    if is_current:
        return (
            f"INSERT INTO {target} BY NAME SELECT * EXCLUDE ({MOVED_TO.name}, record_file, file_row_number) "
            f"FROM {_rows(obj, is_current)} {chosen}"
        )
    names = ", ".join(_q(column.name) for column in obj.columns)
    columns = ", ".join(f"TRY_CAST({_q(c.name)} AS {DUCKDB.type_of(c)})" for c in obj.columns)
    return f"INSERT INTO {target} ({names}) SELECT {columns} FROM {_rows(obj, is_current)} {chosen}"
