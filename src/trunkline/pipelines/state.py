"""The state of a home, for `warehouse status` and `doctor`."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from datetime import datetime

from trunkline.completeness.period_records import load_records
from trunkline.engines.duckdb import DUCKDB
from trunkline.engines.model import quote_qualified
from trunkline.lake import layout
from trunkline.lake.store import Store, open_store
from trunkline.ledger import index
from trunkline.ledger.drift import findings
from trunkline.pipelines.reading import Reader
from trunkline.serve.report import wording
from trunkline.warehouse.targets import target_of


@dataclass(frozen=True, slots=True)
class TableState:
    """One object's table: rows, range of event times, loads, records set aside.

    `installed` is the version of Trunkline that installed it on a server, NULL for an embedded warehouse.
    """

    object_name: str
    table: str
    rows: int
    first: datetime | None
    last: datetime | None
    batches: int
    last_load: datetime | None
    set_aside: int
    installed: str | None


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of `doctor`: what was looked at, whether it is well, and what to do where it is not."""

    check: str
    is_well: bool
    detail: str


def table_states(reader: Reader) -> list[TableState]:
    """The state of every object's table."""
    states = []
    quote = reader.warehouse.engine.quote
    is_server = not target_of(reader.settings.warehouse).is_embedded
    versions = index.installed_versions(reader.warehouse) if is_server else {}
    for name, obj in reader.objects.items():
        table, event = quote_qualified(reader.warehouse.engine, obj.warehouse_table), quote(obj.event_time)
        ((rows, first, last),) = reader.warehouse.query(
            f"SELECT count(*), min({event}), max({event}) FROM {table} WHERE NOT record_is_deleted"
        )
        done = index.loads(reader.warehouse, name)
        states.append(
            TableState(
                name,
                obj.warehouse_table,
                rows,
                first,
                last,
                done.batches,
                done.last_load,
                done.set_aside,
                versions.get(name),
            )
        )
    return states


def examine(reader: Reader) -> list[Finding]:
    """Look at everything that should hold: accounting, unfinished work, one row a key, lake and warehouse, drift."""
    found: list[Finding] = []
    store = open_store(reader.settings.lake)
    for name, obj in reader.objects.items():
        counts = index.totals(reader.warehouse, name)
        if not index.loads(reader.warehouse, name).batches:
            found.append(Finding(f"{name}: loads", True, "nothing was loaded yet"))
            continue
        found.append(Finding(f"{name}: accounting", counts.is_balanced, counts.sentence()))
        plans = sum(1 for _ in store.list(layout.plan_prefix(name)))
        detail = "no batch is unfinished" if not plans else f"{plans:,} batches are unfinished; the next load ends them"
        found.append(Finding(f"{name}: unfinished", not plans, detail))
        engine = reader.warehouse.engine
        table, keys = quote_qualified(engine, obj.warehouse_table), ", ".join(engine.quote(key) for key in obj.key)
        ((held, gone),) = reader.warehouse.query(
            f"SELECT count(*), COALESCE(sum(CASE WHEN record_is_deleted THEN 1 ELSE 0 END), 0) FROM {table}"
        )
        ((distinct,),) = reader.warehouse.query(
            f"SELECT count(*) FROM (SELECT DISTINCT {keys} FROM {table}) AS distinct_keys"
        )
        rows = int(held) - int(gone)
        told = f" ({int(gone):,} more say that their key is gone)" if gone else ""
        found.append(Finding(f"{name}: one row a key", held == distinct, f"{held:,} rows, {distinct:,} keys{told}"))
        wanted = counts.inserted - counts.deleted
        if rows != wanted:
            found.append(Finding(f"{name}: accounting", False, f"{rows:,} rows, and {wanted:,} by the accounting"))
        if reader.settings.lake.startswith("file://"):
            view = f"lake.main.{DUCKDB.quote(obj.view_name)}"
            lake_rows = reader.con.execute(f"SELECT count(*) FROM {view}").fetchall()[0][0]
            detail = f"{lake_rows:,} rows in the lake, {rows:,} in the warehouse"
            # A row that the warehouse refused is in the lake alone.
            is_same = rows <= lake_rows <= rows + counts.rejected
            found.append(Finding(f"{name}: lake = warehouse", is_same, detail))
        else:
            detail = f"not compared: the lake is {reader.settings.lake}; `trunkline warehouse rebuild` reads it whole"
            found.append(Finding(f"{name}: lake = warehouse", True, detail))
        open_letters = counts.dead_letter + counts.rejected
        detail = f"{open_letters:,} records are set aside; see trunkline dead-letter list"
        found.append(Finding(f"{name}: set aside", not open_letters, detail if open_letters else "none"))
        found += _completeness(store, name)
        found += [Finding(f"{name}: drift", False, line) for line in drift_lines(reader, name)]
    return found


def _completeness(store: Store, name: str) -> list[Finding]:
    """What reconcile found when it ran last, source by source; and contacts that are gone since they were certified."""
    found = []
    for source, group in itertools.groupby(load_records(store, name), key=lambda one: one.source):
        periods = list(group)
        is_whole = all(one.counts.is_complete for one in periods)
        compared = max(one.examined_at for one in periods)
        detail = f"{wording.completeness_summary(periods)} (compared {compared:%Y-%m-%d %H:%M} UTC with {source})"
        found.append(Finding(f"{name}: completeness", is_whole, detail))
        if gone := wording.lost_count(periods):
            detail = f"{gone:,} certified contacts are held no more; trunkline ledger verify names them"
            found.append(Finding(f"{name}: certified", False, detail))
    return found


def drift_lines(reader: Reader, name: str) -> list[str]:
    """How the latest load differs from the catalogue and from the loads before, as sentences."""
    drifts = index.last_drifts(reader.warehouse, name)
    # The latest load against those before it.
    merged = index.last_load_batches(reader.warehouse, name)
    return findings(drifts[:merged], drifts[merged:])
