"""Taking the census of a period: fetch what the lake knows of it, ask the warehouse, set the ids against each other."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date, datetime
from pathlib import Path

import duckdb

from trunkline.completeness import census, certificate, findings
from trunkline.completeness.census import Counts, Scope
from trunkline.completeness.periods import DAY, name_of
from trunkline.lake import layout
from trunkline.ledger import index
from trunkline.ledger.records import decode_bytes
from trunkline.objects.model import Object
from trunkline.pipelines import stored
from trunkline.pipelines.home import Home
from trunkline.pipelines.sightings import listings
from trunkline.schedules.windows import Window

# How often rows may point to further partitions: a contact's date of begin moves once at most, by a correction.
_MOVES_MAX = 4


@dataclass(frozen=True, slots=True)
class Desk:
    """Where a census is taken: a home, an object, whose listing, and an engine of its own for the ids."""

    home: Home
    obj: Object
    source: str
    scope: Scope
    con: duckdb.DuckDBPyConnection
    scratch: Path


@contextmanager
def open_desk(home: Home, obj: Object, source: str, scope: Scope) -> Iterator[Desk]:
    """A desk with empty tables, gone afterwards."""
    scratch = home.scratch / "census"
    scratch.mkdir(parents=True, exist_ok=True)
    con = census.connect(scratch, home.settings.memory_mb, home.settings.threads)
    try:
        findings.prepare(con)
        yield Desk(home, obj, source, scope, con, scratch)
    finally:
        con.close()
        for path in scratch.iterdir():
            if path.is_file():
                path.unlink()


def count_listed(desk: Desk, period: Window, listed_until: datetime | None) -> Counts:
    """The census of a period against everything that was listed of it. `listed_until`: aware UTC, None for nothing."""
    census.fill_listed(desk.con, _parts(desk, period), period)
    _fill_held(desk, period)
    neighbours = [Window(period.start - DAY, period.start), Window(period.end, period.end + DAY)]
    census.match(desk.con, period, listed_until)
    census.listed_elsewhere(desk.con, [path for one in neighbours for path in _parts(desk, one)])
    counts = census.count(desk.con)
    if counts.missing:
        _look_at_letters(desk)
    return replace(counts, stream=counts.stream + findings.lettered_absent(desk.con))


def count_certified(desk: Desk, period: Window) -> Counts:
    """The census of a period against what table `certified` says it held."""
    desk.con.execute("CREATE OR REPLACE TABLE listed AS SELECT id, began, ended FROM certified")
    _fill_held(desk, period)
    census.match(desk.con, period, None)
    return census.count(desk.con)


def fill_certified(desk: Desk, period: Window, chain: certificate.Chain) -> None:
    """Table `certified` of a period: its pairs with the amendments applied."""
    key = layout.pairs_key(desk.obj.name, desk.source, name_of(period))
    certificate.fill_certified(desk.con, desk.home.store.fetch(key, desk.scratch), chain)


def _parts(desk: Desk, period: Window) -> list[Path]:
    found = listings(desk.home, desk.obj, desk.source, period)
    return [desk.home.store.fetch(key, desk.scratch) for key, _ in found]


def _fill_held(desk: Desk, period: Window) -> None:
    """`stored` and `kept`: the warehouse's rows first, since they say which of the lake's partitions to read."""
    home, obj = desk.home, desk.obj
    path, others, ids = (desk.scratch / name for name in ("stored.parquet", "stored-others.parquet", "ids.parquet"))
    stored.write_period(home.warehouse, desk.con, obj, period, desk.scope, path)
    census.fill_stored(desk.con, [path])
    if census.write_not_stored(desk.con, ids):
        stored.write_ids(home.warehouse, desk.con, obj, ids, desk.scope, others)
        census.fill_stored(desk.con, [path, others])
    dates: set[date] = set()
    more = census.dates(desk.con)
    for _ in range(_MOVES_MAX):
        if more <= dates:
            break
        dates |= more
        more = census.fill_kept(desk.con, obj, _lake_files(desk, sorted(dates)), desk.scope)
    else:
        return
    if not dates:
        census.fill_kept(desk.con, obj, [], desk.scope)


def _lake_files(desk: Desk, dates: Sequence[date]) -> list[Path]:
    store = desk.home.store
    keys = [key for day in dates for key in store.list(layout.partition_prefix(desk.obj, day))]
    return [store.fetch(key, desk.scratch) for key in keys if key.endswith(".parquet")]


def _look_at_letters(desk: Desk) -> None:
    """Fill `lettered` from the bytes of all records set aside, once: ids that the stream had."""
    if desk.con.execute("SELECT count(*) FROM lettered").fetchall()[0][0]:
        return
    wanted = re.compile(rb'"' + re.escape(desk.obj.anchor.encode()) + rb'"\s*:\s*"([^"\\]{1,256})"')
    letters = index.dead_letters(desk.home.warehouse, desk.obj.name)
    about = {(one.position, one.payload_hash): one for one in letters}
    for batch_id in sorted({one.batch_id for one in letters}):
        data = desk.home.store.get_bytes(layout.bytes_key(desk.obj.name, batch_id)) or b""
        found: list[tuple[str, str]] = []
        for kept in decode_bytes(data):
            letter = about.get((kept.position, kept.payload_hash))
            if letter is not None:
                said = f"{letter.reason} at {letter.position}"[:4096]
                found += [(id_.decode(errors="replace"), said) for id_ in wanted.findall(kept.payload)]
        findings.add_lettered(desk.con, found)
