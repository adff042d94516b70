"""The ids of a warehouse table, as the ledger compares them: by time of end, by id, and how many a day."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

import duckdb

from trunkline.engines.duckdb import DUCKDB
from trunkline.engines.model import quote_qualified, text_literal
from trunkline.ledger.census import Scope
from trunkline.objects.model import Object
from trunkline.windows import Window


@dataclass(frozen=True, slots=True)
class Day:
    """What a warehouse table holds of one UTC date of end: rows that are not deleted, and when the last was written."""

    rows: int
    last_loaded_at: datetime


def write_period(con: duckdb.DuckDBPyConnection, obj: Object, period: Window, scope: Scope, path: Path) -> None:
    """Write the rows that ended in a period to a Parquet file: id, began, ended, is_live, fidelity."""
    start, end = (f"TIMESTAMP '{at.replace(tzinfo=None)}'" for at in (period.start, period.end))
    ended = DUCKDB.quote(obj.event_time)
    _copy(con, obj, f"{ended} >= {start} AND {ended} < {end}", scope, path)


def write_ids(con: duckdb.DuckDBPyConnection, obj: Object, ids: Path, scope: Scope, path: Path) -> None:
    """The same of the rows whose id is in a Parquet file, whenever they ended."""
    within = f"SELECT id FROM read_parquet({text_literal(str(ids))})"
    _copy(con, obj, f"{DUCKDB.quote(obj.key[0])} IN ({within})", scope, path)


def _copy(con: duckdb.DuckDBPyConnection, obj: Object, where: str, scope: Scope, path: Path) -> None:
    key, began, ended = (DUCKDB.quote(name) for name in (obj.key[0], obj.partition, obj.event_time))
    con.execute(
        f"COPY (SELECT {key} AS id, {began} AS began, date_trunc('second', {ended}) AS ended, "
        f"NOT record_is_deleted AS is_live, record_fidelity AS fidelity FROM {_table(obj)} WHERE {where}{_of(scope)}) "
        f"TO {text_literal(str(path))} (FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1)"
    )


def days(con: duckdb.DuckDBPyConnection, obj: Object, scope: Scope) -> Mapping[date, Day]:
    """What the table holds, by UTC date of end, in order."""
    ended = DUCKDB.quote(obj.event_time)
    rows = con.execute(
        f"SELECT CAST({ended} AS DATE) AS day, count(*), max(record_loaded_at) FROM {_table(obj)} "
        f"WHERE {ended} IS NOT NULL AND NOT record_is_deleted{_of(scope)} GROUP BY 1 ORDER BY 1"
    ).fetchall()
    return {day: Day(count, loaded_at) for day, count, loaded_at in rows}


def open_rows(con: duckdb.DuckDBPyConnection, obj: Object, scope: Scope) -> int:
    """Rows without a time of end: they belong to no period yet."""
    ended = DUCKDB.quote(obj.event_time)
    count: int = con.execute(
        f"SELECT count(*) FROM {_table(obj)} WHERE {ended} IS NULL AND NOT record_is_deleted{_of(scope)}"
    ).fetchall()[0][0]
    return count


def _table(obj: Object) -> str:
    return quote_qualified(DUCKDB, obj.warehouse_table)


def _of(scope: Scope) -> str:
    return f" AND {DUCKDB.quote(scope[0])} = {text_literal(scope[1])}" if scope else ""
