"""Taking the census of a period: read what the lake has of it, query the warehouse, compare the ids.

The warehouse's ids are read by time of end, by id, and counted by day.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Final

import duckdb

from trunkline.completeness import census, certificates, findings
from trunkline.completeness.census import CensusCounts, Scope
from trunkline.completeness.findings import Causes
from trunkline.completeness.listings import stored_listings
from trunkline.completeness.periods import DAY, period_name
from trunkline.engines.duckdb import DUCKDB
from trunkline.engines.model import Engine, quote_qualified, text_literal
from trunkline.lake import layout
from trunkline.lake.store import Store
from trunkline.ledger import index
from trunkline.ledger.records import decode_bytes
from trunkline.objects.model import Object
from trunkline.schedules.windows import Window, split_longer
from trunkline.sql.relation import Relation
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


def count_open_rows(warehouse: Warehouse, obj: Object, scope: Scope) -> int:
    """The number of rows without a time of end, which belong to no period yet."""
    engine = warehouse.engine
    rows = warehouse.query(
        f"SELECT count(*) FROM {quote_qualified(engine, obj.warehouse_table)} "
        f"WHERE {engine.quote(obj.event_time)} IS NULL AND NOT record_is_deleted{_in_scope(engine, scope)}"
    )
    return int(rows[0][0])


def _in_scope(engine: Engine, scope: Scope) -> str:
    return f" AND {engine.quote(scope[0])} = {text_literal(scope[1])}" if scope else ""


# How often rows may point to further partitions: a correction moves a contact's date of begin once.
_MOVES_MAX: Final = 4


@dataclass(frozen=True, slots=True)
class Workspace:
    """Where a census is taken: lake, warehouse, object, whose listing, and a separate engine for the ids.

    `causes` collects what is known about contacts that are not held.
    """

    store: Store
    warehouse: Warehouse
    obj: Object
    source: str
    scope: Scope
    con: duckdb.DuckDBPyConnection
    scratch: Path
    causes: Causes

    def fetch(self, key: str) -> Path:
        """A local path of a lake object."""
        return self.store.fetch(key, self.scratch)


@dataclass(frozen=True, slots=True)
class Census:
    """A period's counts, and the rows that they are of."""

    counts: CensusCounts
    matched: Relation


@contextmanager
def open_workspace(
    store: Store,
    warehouse: Warehouse,
    obj: Object,
    source: str,
    scope: Scope,
    *,
    scratch: Path,
    memory_mb: int,
    threads: int,
) -> Iterator[Workspace]:
    """An empty workspace below `scratch`, removed at the end."""
    folder = scratch / "census"
    folder.mkdir(parents=True, exist_ok=True)
    con = census.connect(folder, memory_mb, threads)
    try:
        yield Workspace(store, warehouse, obj, source, scope, con, folder, findings.prepare(con))
    finally:
        con.close()
        for path in folder.iterdir():
            if path.is_file():
                path.unlink()


def take_census(space: Workspace, period: Window, listed_until: datetime | None) -> Census:
    """The census of a period against all its listings, which reach `listed_until` (aware UTC; None: nothing listed)."""
    listed = census.load_listed(space.con, _listing_files(space, period), period)
    matched = _match(space, period, listed, listed_until)
    neighbours = [Window(period.start - DAY, period.start), Window(period.end, period.end + DAY)]
    parts = [path for neighbour in neighbours for path in _listing_files(space, neighbour)]
    census.accept_listed_elsewhere(space.con, matched, parts)
    counts = census.count(space.con, matched)
    if counts.missing:
        _read_dead_letters(space)
    in_dead_letters = findings.count_dead_lettered(space.con, space.causes, matched)
    return Census(replace(counts, stream=counts.stream + in_dead_letters), matched)


def census_of_certified(space: Workspace, period: Window, certified: Relation) -> Census:
    """The census of a period against what is certified."""
    matched = _match(space, period, census.as_listed(space.con, certified), None)
    return Census(census.count(space.con, matched), matched)


def load_certified(space: Workspace, period: Window, chain: certificates.Chain) -> Relation:
    """The certified contacts of a period: the certificate's pairs with all amendments applied."""
    pairs = space.fetch(layout.pairs_key(space.obj.name, space.source, period_name(period)))
    return certificates.load_certified(space.con, pairs, chain)


def _listing_files(space: Workspace, period: Window) -> list[Path]:
    return [space.fetch(key) for key, _ in stored_listings(space.store, space.obj, space.source, period)]


def _match(space: Workspace, period: Window, listed: Relation, listed_until: datetime | None) -> Relation:
    """Compare the listing with what is held. The warehouse's rows say which of the lake's partitions to read."""
    con, obj, scope = space.con, space.obj, space.scope
    path, others, ids = (space.scratch / f"{name}.parquet" for name in ("warehouse", "warehouse-others", "ids"))
    write_period(space.warehouse, con, obj, period, scope, path)
    warehouse = census.load_warehouse_rows(con, [path])
    if census.write_ids_not_in_warehouse(con, listed, warehouse, ids):
        write_ids(space.warehouse, con, obj, ids, scope, others)
        warehouse = census.load_warehouse_rows(con, [path, others])
    lake = _load_lake(space, census.partition_dates(con, listed, warehouse))
    return census.match(con, period, listed, lake, warehouse, listed_until)


def _load_lake(space: Workspace, days: set[date]) -> Relation:
    """The best row per id of these partitions, and of those that the rows have moved to."""
    for _ in range(_MOVES_MAX):
        lake, moved_to = census.load_lake_rows(space.con, space.obj, _lake_files(space, sorted(days)), space.scope)
        if moved_to <= days:
            break
        days = days | moved_to
    return lake


def _lake_files(space: Workspace, days: Sequence[date]) -> list[Path]:
    keys = [key for day in days for key in space.store.list(layout.partition_prefix(space.obj, day))]
    return [space.fetch(key) for key in keys if key.endswith(".parquet")]


def _read_dead_letters(space: Workspace) -> None:
    """Collect the ids in the bytes of all dead letters, once: the stream had these contacts."""
    if findings.has_dead_letters(space.con, space.causes):
        return
    ids = re.compile(rb'"' + re.escape(space.obj.anchor.encode()) + rb'"\s*:\s*"([^"\\]{1,256})"')
    letters = index.dead_letters(space.warehouse, space.obj.name)
    by_identity = {(letter.position, letter.payload_hash): letter for letter in letters}
    for batch_id in sorted({letter.batch_id for letter in letters}):
        data = space.store.get_bytes(layout.bytes_key(space.obj.name, batch_id)) or b""
        named: list[tuple[str, str]] = []
        for kept in decode_bytes(data):
            letter = by_identity.get((kept.position, kept.payload_hash))
            if letter is not None:
                detail = f"{letter.reason} at {letter.position}"[:4096]
                named += [(id_.decode(errors="replace"), detail) for id_ in ids.findall(kept.payload)]
        findings.add_dead_lettered(space.con, space.causes, named)
