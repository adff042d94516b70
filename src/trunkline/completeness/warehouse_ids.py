"""The ids of a warehouse table, as a census compares them: by time of end, by id, and how many on each day."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Final

import duckdb

from trunkline.completeness import census
from trunkline.completeness.census import Scope
from trunkline.engines.duckdb import DUCKDB
from trunkline.engines.model import Engine, quote_qualified, text_literal
from trunkline.objects.model import Object
from trunkline.schedules.windows import Window, split_longer
from trunkline.warehouse.model import Warehouse

# What one query to a server asks for, so that its result fits into memory: an hour of contacts, or this many ids.
_SLICE: Final = timedelta(hours=1)
_IDS: Final = 1_000


@dataclass(frozen=True, slots=True)
class DayRows:
    """What a warehouse table holds of one UTC date of end: rows that are not deleted, and when the last was written."""

    rows: int
    last_loaded_at: datetime


def write_period(
    warehouse: Warehouse, con: duckdb.DuckDBPyConnection, obj: Object, period: Window, scope: Scope, path: Path
) -> None:
    """Write the rows that ended in a period to a Parquet file for `census.load_warehouse_rows`."""
    engine = warehouse.engine
    if engine is DUCKDB:
        _copy(warehouse, _select(engine, obj, _ended_in(engine, obj, period), scope), path)
        return
    slices = split_longer(period, _SLICE)
    census.write_server_rows(
        con, (warehouse.query(_select(engine, obj, _ended_in(engine, obj, part), scope)) for part in slices), path
    )


def write_ids(
    warehouse: Warehouse, con: duckdb.DuckDBPyConnection, obj: Object, ids: Path, scope: Scope, path: Path
) -> None:
    """Write the rows whose id is in the Parquet file `ids`, whenever they ended."""
    engine, key = warehouse.engine, warehouse.engine.quote(obj.key[0])
    if engine is DUCKDB:
        within = f"{key} IN (SELECT id FROM read_parquet({text_literal(str(ids))}))"
        _copy(warehouse, _select(engine, obj, within, scope), path)
        return

    def rows_of(chunk: Sequence[str]) -> list[tuple[object, ...]]:
        marks = ", ".join(f"${number}" for number in range(1, len(chunk) + 1))
        return warehouse.query(_select(engine, obj, f"{key} IN ({marks})", scope), chunk)

    census.write_server_rows(con, map(rows_of, _read_ids(con, ids)), path)


def _read_ids(con: duckdb.DuckDBPyConnection, ids: Path) -> Iterator[list[str]]:
    cursor = con.cursor()
    cursor.execute("SELECT id FROM read_parquet($1)", [str(ids)])
    while rows := cursor.fetchmany(_IDS):
        yield [id_ for (id_,) in rows]


def _ended_in(engine: Engine, obj: Object, window: Window) -> str:
    start, end = (f"TIMESTAMP '{at.replace(tzinfo=None)}'" for at in (window.start, window.end))
    return f"{engine.quote(obj.event_time)} >= {start} AND {engine.quote(obj.event_time)} < {end}"


def _select(engine: Engine, obj: Object, where: str, scope: Scope) -> str:
    key, began, ended = (engine.quote(name) for name in (obj.key[0], obj.partition, obj.event_time))
    return (
        f"SELECT {key} AS id, {began} AS began, date_trunc('second', {ended}) AS ended, "
        "NOT record_is_deleted AS is_live, record_fidelity AS fidelity "
        f"FROM {quote_qualified(engine, obj.warehouse_table)} WHERE {where}{_in_scope(engine, scope)}"
    )


def _copy(warehouse: Warehouse, select: str, path: Path) -> None:
    warehouse.local.execute(f"COPY ({select}) TO {text_literal(str(path))} ({census.PARQUET})")


def rows_by_day(warehouse: Warehouse, obj: Object, scope: Scope) -> Mapping[date, DayRows]:
    """What the table holds, by UTC date of end, in order."""
    engine = warehouse.engine
    ended = engine.quote(obj.event_time)
    rows = warehouse.query(
        f"SELECT CAST({ended} AS DATE) AS day, count(*), max(record_loaded_at) "
        f"FROM {quote_qualified(engine, obj.warehouse_table)} "
        f"WHERE {ended} IS NOT NULL AND NOT record_is_deleted{_in_scope(engine, scope)} GROUP BY 1 ORDER BY 1"
    )
    return {day: DayRows(count, loaded_at) for day, count, loaded_at in rows}


def open_rows(warehouse: Warehouse, obj: Object, scope: Scope) -> int:
    """The number of rows without a time of end, which belong to no period yet."""
    engine = warehouse.engine
    rows = warehouse.query(
        f"SELECT count(*) FROM {quote_qualified(engine, obj.warehouse_table)} "
        f"WHERE {engine.quote(obj.event_time)} IS NULL AND NOT record_is_deleted{_in_scope(engine, scope)}"
    )
    return int(rows[0][0])


def _in_scope(engine: Engine, scope: Scope) -> str:
    return f" AND {engine.quote(scope[0])} = {text_literal(scope[1])}" if scope else ""
