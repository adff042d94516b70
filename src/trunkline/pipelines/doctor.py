"""The state of a home, for `warehouse status` and `doctor`."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from datetime import datetime

from trunkline.accounting import Counts
from trunkline.completeness.period_records import load_records
from trunkline.engines.duckdb import DUCKDB
from trunkline.engines.model import quote_qualified
from trunkline.lake import layout
from trunkline.lake.store import Store, open_store
from trunkline.ledger import index
from trunkline.ledger.drift import findings as drift_findings
from trunkline.objects.model import Object
from trunkline.pipelines.reading import Reader
from trunkline.serve.report import wording
from trunkline.warehouse.targets import target_of


@dataclass(frozen=True, slots=True)
class TableState:
    """One object's table: rows, range of event times, loads, records set aside.

    `installed` is the version of Trunkline that installed it on a server, None for an embedded warehouse.
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
    """One line of `doctor`: what was checked, whether it is as it should be, and if not, what to do."""

    check: str
    is_well: bool
    detail: str


def table_states(reader: Reader) -> list[TableState]:
    """The state of every object's table."""
    is_server = not target_of(reader.settings.warehouse).is_embedded
    versions = index.installed_versions(reader.warehouse) if is_server else {}
    return [_table_state(reader, obj, versions.get(name)) for name, obj in reader.objects.items()]


def _table_state(reader: Reader, obj: Object, installed: str | None) -> TableState:
    engine = reader.warehouse.engine
    table, event = quote_qualified(engine, obj.warehouse_table), engine.quote(obj.event_time)
    ((rows, first, last),) = reader.warehouse.query(
        f"SELECT count(*), min({event}), max({event}) FROM {table} WHERE NOT record_is_deleted"
    )
    loads = index.loads(reader.warehouse, obj.name)
    return TableState(
        object_name=obj.name,
        table=obj.warehouse_table,
        rows=rows,
        first=first,
        last=last,
        batches=loads.batches,
        last_load=loads.last_load,
        set_aside=loads.set_aside,
        installed=installed,
    )


def examine(reader: Reader) -> list[Finding]:
    """Check everything that must hold: accounting, unfinished work, one row a key, lake and warehouse, drift."""
    store = open_store(reader.settings.lake)
    findings: list[Finding] = []
    for name, obj in reader.objects.items():
        if not index.loads(reader.warehouse, name).batches:
            findings.append(Finding(f"{name}: loads", True, "nothing was loaded yet"))
            continue
        counts = index.totals(reader.warehouse, name)
        findings.append(Finding(f"{name}: accounting", counts.is_balanced, counts.sentence()))
        findings.append(_unfinished(store, name))
        findings += _rows(reader, obj, counts)
        findings.append(_set_aside(name, counts))
        findings += _completeness(store, name)
        findings += [Finding(f"{name}: drift", False, line) for line in drift_lines(reader, name)]
    return findings


def _unfinished(store: Store, name: str) -> Finding:
    plans = sum(1 for _ in store.list(layout.plan_prefix(name)))
    detail = "no batch is unfinished" if not plans else f"{plans:,} batches are unfinished; the next load ends them"
    return Finding(f"{name}: unfinished", not plans, detail)


def _rows(reader: Reader, obj: Object, counts: Counts) -> list[Finding]:
    """One row a key, as many rows as the accounting says, and the same in the lake."""
    engine, name = reader.warehouse.engine, obj.name
    table, keys = quote_qualified(engine, obj.warehouse_table), ", ".join(engine.quote(key) for key in obj.key)
    ((stored, deleted),) = reader.warehouse.query(
        f"SELECT count(*), COALESCE(sum(CASE WHEN record_is_deleted THEN 1 ELSE 0 END), 0) FROM {table}"
    )
    ((distinct,),) = reader.warehouse.query(
        f"SELECT count(*) FROM (SELECT DISTINCT {keys} FROM {table}) AS distinct_keys"
    )
    rows = int(stored) - int(deleted)
    more = f" ({int(deleted):,} of the rows mark a deleted key)" if deleted else ""
    findings = [Finding(f"{name}: one row a key", stored == distinct, f"{stored:,} rows, {distinct:,} keys{more}")]
    expected = counts.inserted - counts.deleted
    if rows != expected:
        detail = f"{rows:,} rows, and {expected:,} by the accounting"
        findings.append(Finding(f"{name}: accounting", False, detail))
    return [*findings, _lake_rows(reader, obj, rows, counts)]


def _lake_rows(reader: Reader, obj: Object, rows: int, counts: Counts) -> Finding:
    check, lake = f"{obj.name}: lake = warehouse", reader.settings.lake
    if not lake.startswith("file://"):
        return Finding(check, True, f"not compared: the lake is {lake}; `trunkline warehouse rebuild` reads it whole")
    view = f"lake.main.{DUCKDB.quote(obj.view_name)}"
    lake_rows = reader.con.execute(f"SELECT count(*) FROM {view}").fetchall()[0][0]
    # A row that the warehouse refused is in the lake alone.
    is_same = rows <= lake_rows <= rows + counts.rejected
    return Finding(check, is_same, f"{lake_rows:,} rows in the lake, {rows:,} in the warehouse")


def _set_aside(name: str, counts: Counts) -> Finding:
    letters = counts.dead_letter + counts.rejected
    detail = f"{letters:,} records are set aside; see trunkline dead-letter list" if letters else "none"
    return Finding(f"{name}: set aside", not letters, detail)


def _completeness(store: Store, name: str) -> list[Finding]:
    """What the last reconcile found, by source, and certified contacts that are missing since."""
    findings = []
    for source, group in itertools.groupby(load_records(store, name), key=lambda record: record.source):
        periods = list(group)
        is_whole = all(period.counts.is_complete for period in periods)
        compared = max(period.examined_at for period in periods)
        detail = f"{wording.completeness_summary(periods)} (compared {compared:%Y-%m-%d %H:%M} UTC with {source})"
        findings.append(Finding(f"{name}: completeness", is_whole, detail))
        if lost := wording.lost_count(periods):
            detail = f"{lost:,} certified contacts are missing; trunkline ledger verify names them"
            findings.append(Finding(f"{name}: certified", False, detail))
    return findings


def drift_lines(reader: Reader, name: str) -> list[str]:
    """How the latest load differs from the catalogue and from the loads before, as sentences."""
    drifts = index.last_drifts(reader.warehouse, name)
    # The latest load against those before it.
    merged = index.last_load_batches(reader.warehouse, name)
    return drift_findings(drifts[:merged], drifts[merged:])
