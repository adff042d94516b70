"""The state of a home, for `warehouse status` and `doctor`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from trunkline.engines.duckdb import DUCKDB
from trunkline.engines.model import quote_qualified
from trunkline.lake import layout
from trunkline.lake.store import open_store
from trunkline.ledger import index
from trunkline.ledger.drift import findings
from trunkline.pipelines.reading import Reader


@dataclass(frozen=True, slots=True)
class TableState:
    """One object's table: rows, range of event times, loads, records set aside."""

    object_name: str
    table: str
    rows: int
    first: datetime | None
    last: datetime | None
    batches: int
    last_load: datetime | None
    set_aside: int


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of `doctor`: what was looked at, whether it is well, and what to do where it is not."""

    check: str
    is_well: bool
    detail: str


def table_states(reader: Reader) -> list[TableState]:
    """The state of every object's table."""
    states = []
    for name, obj in reader.objects.items():
        event = DUCKDB.quote(obj.event_time)
        rows = reader.con.execute(
            f"SELECT count(*), min({event}), max({event}) FROM {quote_qualified(DUCKDB, obj.warehouse_table)} "
            "WHERE NOT record_is_deleted"
        ).fetchall()[0]
        loads = reader.con.execute(
            "SELECT count(*), max(merged_at) FROM ledger.batch WHERE object = $1", [name]
        ).fetchall()[0]
        aside = reader.con.execute(
            "SELECT count(*) FROM ledger.dead_letter WHERE object = $1 AND replayed_in IS NULL", [name]
        ).fetchall()[0]
        states.append(TableState(name, obj.warehouse_table, *rows, *loads, *aside))
    return states


def examine(reader: Reader) -> list[Finding]:
    """Look at everything that should hold: accounting, unfinished work, one row a key, lake and warehouse, drift."""
    found: list[Finding] = []
    store = open_store(reader.settings.lake)
    for name, obj in reader.objects.items():
        counts = index.totals(reader.con, name)
        if not counts.read:
            found.append(Finding(f"{name}: loads", True, "nothing was loaded yet"))
            continue
        found.append(Finding(f"{name}: accounting", counts.is_balanced, counts.sentence()))
        plans = sum(1 for _ in store.list(layout.plan_prefix(name)))
        detail = "no batch is unfinished" if not plans else f"{plans:,} batches are unfinished; the next load ends them"
        found.append(Finding(f"{name}: unfinished", not plans, detail))
        table = quote_qualified(DUCKDB, obj.warehouse_table)
        keys = ", ".join(DUCKDB.quote(key) for key in obj.key)
        rows, held, distinct = reader.con.execute(
            f"SELECT count(*) FILTER (NOT record_is_deleted), count(*), count(DISTINCT ({keys})) FROM {table}"
        ).fetchall()[0]
        gone = f" ({held - rows:,} more say that their key is gone)" if held > rows else ""
        found.append(Finding(f"{name}: one row a key", held == distinct, f"{held:,} rows, {distinct:,} keys{gone}"))
        wanted = counts.inserted - counts.deleted
        if rows != wanted:
            found.append(Finding(f"{name}: accounting", False, f"{rows:,} rows, and {wanted:,} by the accounting"))
        if reader.settings.lake.startswith("file://"):
            view = f"lake.main.{DUCKDB.quote(obj.view_name)}"
            lake_rows = reader.con.execute(f"SELECT count(*) FROM {view}").fetchall()[0][0]
            detail = f"{lake_rows:,} rows in the lake, {rows:,} in the warehouse"
            found.append(Finding(f"{name}: lake = warehouse", lake_rows == rows, detail))
        else:
            detail = f"not compared: the lake is {reader.settings.lake}; `trunkline warehouse rebuild` reads it whole"
            found.append(Finding(f"{name}: lake = warehouse", True, detail))
        open_letters = counts.dead_letter
        detail = f"{open_letters:,} records are set aside; see trunkline dead-letter list"
        found.append(Finding(f"{name}: set aside", not open_letters, detail if open_letters else "none"))
        found += [Finding(f"{name}: drift", False, line) for line in drift_lines(reader, name)]
    return found


def drift_lines(reader: Reader, name: str) -> list[str]:
    """How the latest load differs from the catalogue and from the loads before, as sentences."""
    drifts = index.last_drifts(reader.con, name)
    # The latest load against those before it; a load is what was merged in one go.
    merged = reader.con.execute(
        "SELECT count(*) FROM ledger.batch WHERE object = $1 AND drift IS NOT NULL AND merged_at = "
        "(SELECT max(merged_at) FROM ledger.batch WHERE object = $1 AND drift IS NOT NULL)",
        [name],
    ).fetchall()[0][0]
    return findings(drifts[:merged], drifts[merged:])
