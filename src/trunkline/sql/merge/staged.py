"""What a server's merge does in the embedded engine: staged rows, the best of each key, the tombstones, the refusals.

The server itself merges by a procedure. The embedded warehouse has a merge of its own, `embedded.py`.

One value that a server cannot store would fail the whole batch there. Such rows are found before anything is staged,
by the limits that the engine declares: text too long in bytes, characters and numbers that it cannot store. The rest
loads.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from trunkline.engines.duckdb import DUCKDB
from trunkline.engines.model import Engine, text_literal
from trunkline.limits import RECORD_BYTES_MAX
from trunkline.objects.model import Column, Json, Object
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


# A text in JSON, so that digits in it are not taken for a number.
_STRINGS = r'"(\\.|[^"\\])*"'
# U+0000 escaped: an even number of backslashes before it would make it plain text.
_ESCAPED_NUL = r"(^|[^\\])(\\\\)*\\u0000"
# A number that may be out of range has an exponent of three digits, or very many digits.
_LARGE = "[0-9][eE][+-]?[0-9]{3}|[0-9]{300}"


def json_text(column: Column) -> str:
    """A nested or JSON column of a lake row as JSON text; NULL for NULL."""
    name = DUCKDB.quote(column.name)
    if isinstance(column.type, Json) and column.pii == "direct":
        # The rule for personal data has put a hash in the value's place: a text, and of 32 digits perhaps a number.
        return f"CASE WHEN regexp_full_match({name}, '[0-9a-f]{{32}}') THEN '\"' || {name} || '\"' ELSE {name} END"
    return name if isinstance(column.type, str | Json) else f"CAST(to_json({name}) AS VARCHAR)"


def suspects_sql(obj: Object, engine: Engine, source: Relation) -> str | None:
    """SELECT of the rowids of rows that the engine may refuse, cheap to plan and to run; None where it takes all.

    Every refused row is among them. A condition on each of some 150 columns takes a tenth of a second to plan, so
    that texts are looked through together.
    """
    texts = [DUCKDB.quote(column.name) for column in obj.columns if column.type == "text"]
    nested = [json_text(column) for column in obj.columns if not isinstance(column.type, str)]
    conditions = [
        f"strlen({value}) > {length_max}"
        for column in obj.columns
        if (length_max := _length_max(obj, engine, column)) is not None
        for value in [json_text(column)]
    ]
    if engine.refuses_nul:
        conditions.append(f"contains(concat_ws('', {', '.join(texts)}), chr(0))")
    pattern = "|".join(["u0000"] * engine.refuses_nul + [_LARGE] * (engine.json_exponent_max is not None))
    if nested and pattern:
        conditions.append(f"regexp_matches(concat_ws(' ', {', '.join(nested)}), '{pattern}')")
    return f"SELECT rowid FROM {source.sql} WHERE {' OR '.join(conditions)}" if conditions else None


def refusal_sql(obj: Object, engine: Engine, source: Relation) -> str:
    """SELECT of the rows of `source` that the engine refuses; $1 is the list of rowids to look at.

    Columns: the row's rowid, BATCH_ID, record_position, record_hash, record_arrived_at, reason, column's name, the
    value's length in bytes. A row is there once, for its first column that does not fit.
    """
    refusal = "\n".join(arm for column in obj.columns for arm in _arms(obj, engine, column))
    return (
        f"SELECT record_row, {BATCH_ID}, record_position, record_hash, record_arrived_at, record_refusal.reason, "
        f"record_refusal.name, record_refusal.length_bytes FROM (SELECT rowid AS record_row, {BATCH_ID}, "
        f"record_position, record_hash, record_arrived_at, CASE\n{refusal}\nEND AS record_refusal "
        f"FROM {source.sql} WHERE rowid IN (SELECT unnest($1::BIGINT[]))) WHERE record_refusal IS NOT NULL "
        "ORDER BY record_row"
    )


def _length_max(obj: Object, engine: Engine, column: Column) -> int | None:
    """The most bytes that a value may have; None where the type or the record's own limit keeps it below."""
    if isinstance(column.type, str) and column.type != "text":
        return None
    limits = [engine.value_bytes_max(column)]
    if column.name in obj.key and engine.key_bytes_max is not None:
        limits.append(engine.key_bytes_max // len(obj.key))
    return min((limit for limit in limits if limit is not None and limit < RECORD_BYTES_MAX), default=None)


def _arms(obj: Object, engine: Engine, column: Column) -> Iterator[str]:
    if isinstance(column.type, str) and column.type != "text":
        return
    value = json_text(column)
    length_max = _length_max(obj, engine, column)
    if length_max is not None:
        yield _arm(f"strlen({value}) > {length_max}", "refused_length", column, value)
    if engine.refuses_nul:
        is_text = column.type == "text"
        has_nul = f"contains({value}, chr(0))" if is_text else f"regexp_matches({value}, '{_ESCAPED_NUL}')"
        yield _arm(has_nul, "refused_character", column, value)
    if not isinstance(column.type, str) and engine.json_exponent_max is not None:
        bare = f"regexp_replace({value}, '{_STRINGS}', '', 'g')"
        exponents = f"regexp_extract_all({bare}, '[0-9][eE][+-]?([0-9]+)', 1)"
        powers = f"list_transform({exponents}, lambda d: coalesce(try_cast(d AS BIGINT), {2**62}))"
        digits = f"list_transform(regexp_extract_all({bare}, '[0-9]+'), lambda d: strlen(d))"
        largest = f"greatest(coalesce(list_max({powers}), 0), coalesce(list_max({digits}), 0))"
        yield _arm(f"{largest} > {engine.json_exponent_max}", "refused_number", column, value)


def _arm(condition: str, reason: str, column: Column, value: str) -> str:
    return (
        f"WHEN {condition} THEN {{'reason': '{reason}', 'name': {text_literal(column.name)}, "
        f"'length_bytes': strlen({value})}}"
    )
