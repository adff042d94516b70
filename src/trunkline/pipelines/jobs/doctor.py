"""The state of a home, for `warehouse status` and `doctor`."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from trunkline.accounting import Counts, findings, vanished_keys
from trunkline.aws.secrets import read_secret
from trunkline.completeness.period_records import load_records
from trunkline.engines.duckdb import DUCKDB
from trunkline.engines.model import quote_qualified
from trunkline.errors import UsageError
from trunkline.lake import layout
from trunkline.lake.store import Store, open_store
from trunkline.ledger import index
from trunkline.objects.business.salesforce import CASE, TASK
from trunkline.objects.catalogue import BUSINESS_VIEWS
from trunkline.objects.contact_record import CONTACT_RECORD
from trunkline.objects.model import Object
from trunkline.objects.origins import secrets_of
from trunkline.pipelines.reading import Reader
from trunkline.serve.report import wording
from trunkline.sql.flatten.values import tree_of
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


State = Literal["ok", "look", "failed"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of `doctor`: what was checked, its state, and what to do where it is not `ok`.

    `failed` means that something that must hold does not; `look` means that a person should see it.
    """

    check: str
    state: State
    detail: str

    @property
    def is_well(self) -> bool:
        """Whether there is nothing to look at."""
        return self.state == "ok"


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
    of_objects = [finding for obj in reader.objects.values() for finding in _examine_object(reader, store, obj)]
    named = {finding.check.partition(":")[0] for finding in of_objects}
    empty = [name for name in reader.objects if name not in named]
    more = [Finding("not loaded yet", "ok", ", ".join(empty))] if empty else []
    sources = [finding for obj in reader.objects.values() for finding in _examine_source(obj)]
    return [*of_objects, *_examine_links(reader, empty), *sources, *more]


def _examine_source(obj: Object) -> Iterator[Finding]:
    """Whether the secrets of its source can be read that are on this machine; others are read when it runs."""
    for secret in secrets_of(obj.origin):
        if secret.store in ("env", "file"):
            try:
                read_secret(secret)
            except UsageError as error:
                yield Finding(f"{obj.name}: source", "look", str(error))


def _examine_links(reader: Reader, empty: Collection[str]) -> Iterator[Finding]:
    """How many contacts have a case, where both are loaded and the view that links them is there."""
    if not {CONTACT_RECORD.name, CASE.name} <= reader.objects.keys() - set(empty) or TASK.name not in reader.objects:
        return
    table = quote_qualified(reader.warehouse.engine, BUSINESS_VIEWS["bridge_contact_case"].public_view)
    where = ("1 = 1", "link IS NOT NULL", "link IN ('attribute', 'both')", "link IN ('task', 'both')")
    counted = ", ".join(f"count(DISTINCT CASE WHEN {condition} THEN contact_id END)" for condition in where)
    ((contacts, linked, by_attribute, by_task),) = reader.warehouse.query(f"SELECT {counted} FROM {table}")
    detail = f"{linked:,} of {contacts:,} contacts have a case"
    if linked:
        detail += f": {by_attribute:,} by an attribute, {by_task:,} by a task"
        yield Finding("contact_record: cases", "ok", detail)
        return
    links = ", ".join(reader.settings.contact_link) or "empty"
    yield Finding("contact_record: cases", "look", f"{detail}; setting contact_link ({links}) says where to find it")


def _examine_object(reader: Reader, store: Store, obj: Object) -> Iterator[Finding]:
    name = obj.name
    counts = index.totals(reader.warehouse, name)
    merged = index.merged_batches(reader.warehouse, name)
    unmerged = sum(1 for key in store.list(layout.batch_prefix(name)) if layout.id_of(key) not in merged)
    if unmerged:
        batches = "1 batch awaits" if unmerged == 1 else f"{unmerged:,} batches await"
        detail = f"{batches} the merge; run the same load again, or: trunkline warehouse rebuild"
        yield Finding(f"{name}: unmerged", "look", detail)
    if not index.loads(reader.warehouse, name).batches:
        return
    yield Finding(f"{name}: accounting", "ok" if counts.is_balanced else "failed", counts.sentence())
    plans = sum(1 for _ in store.list(layout.plan_prefix(name)))
    detail = "no batch is unfinished" if not plans else f"{plans:,} batches are unfinished; the next load finishes them"
    yield Finding(f"{name}: unfinished", "look" if plans else "ok", detail)
    yield from _examine_rows(reader, obj, counts, is_merged=not unmerged)
    set_aside = counts.dead_letter + counts.rejected
    detail = f"{set_aside:,} records are set aside; see trunkline dead-letter list" if set_aside else "none"
    yield Finding(f"{name}: set aside", "look" if set_aside else "ok", detail)
    yield from _completeness(store, name)
    yield from (Finding(f"{name}: drift", "look", line) for line in drift_lines(reader, name))


def _examine_rows(reader: Reader, obj: Object, counts: Counts, is_merged: bool) -> Iterator[Finding]:
    """One row a key, as many rows as the accounting says, and the same rows in lake and warehouse."""
    name, engine = obj.name, reader.warehouse.engine
    table, keys = quote_qualified(engine, obj.warehouse_table), ", ".join(engine.quote(key) for key in obj.key)
    ((all_rows, deleted),) = reader.warehouse.query(
        f"SELECT count(*), COALESCE(sum(CASE WHEN record_is_deleted THEN 1 ELSE 0 END), 0) FROM {table}"
    )
    ((distinct,),) = reader.warehouse.query(
        f"SELECT count(*) FROM (SELECT DISTINCT {keys} FROM {table}) AS distinct_keys"
    )
    rows = int(all_rows) - int(deleted)
    more = f"; {int(deleted):,} of the rows mark a deleted key" if deleted else ""
    detail = f"{all_rows:,} rows, {distinct:,} keys{more}"
    yield Finding(f"{name}: one row a key", "ok" if all_rows == distinct else "failed", detail)
    expected = counts.inserted - counts.deleted
    if rows != expected:
        detail = f"{rows:,} rows, but {expected:,} by the accounting"
        yield Finding(f"{name}: accounting", "failed", detail)
    if not reader.settings.lake.startswith("file://"):
        detail = f"not compared: the lake is {reader.settings.lake}; `trunkline warehouse rebuild` reads it whole"
        yield Finding(f"{name}: lake = warehouse", "ok", detail)
        return
    view = f"lake.main.{DUCKDB.quote(obj.view_name)}"
    lake_rows = reader.con_with_lake().execute(f"SELECT count(*) FROM {view}").fetchall()[0][0]
    detail = f"{lake_rows:,} rows in the lake, {rows:,} in the warehouse"
    # Rows that the warehouse refused, and those of batches that are not merged yet, are only in the lake.
    is_same = rows <= lake_rows <= rows + counts.rejected
    state: State = "ok" if is_same else "failed" if is_merged else "look"
    yield Finding(f"{name}: lake = warehouse", state, detail)


def _completeness(store: Store, name: str) -> Iterator[Finding]:
    """What the last reconcile found, source by source, and certified contacts that are gone."""
    for source, group in itertools.groupby(load_records(store, name), key=lambda record: record.source):
        periods = list(group)
        is_whole = all(period.counts.is_complete for period in periods)
        compared = max(period.examined_at for period in periods)
        detail = f"{wording.completeness_summary(periods)} (compared {compared:%Y-%m-%d %H:%M} UTC with {source})"
        yield Finding(f"{name}: completeness", "ok" if is_whole else "look", detail)
        if gone := wording.lost_count(periods):
            detail = f"{gone:,} certified contacts are gone; trunkline ledger verify names them"
            yield Finding(f"{name}: certified", "failed", detail)


def drift_lines(reader: Reader, name: str) -> list[str]:
    """How all loads together differ from the catalogue, and the latest one from those before, as sentences."""
    drifts = index.drifts(reader.warehouse, name)
    merged = index.last_load_batches(reader.warehouse, name)
    tree = tree_of(reader.objects[name])
    known = {".".join(path) for path in (*(leaf.path for leaf in tree.leaves), *tree.objects)}
    return findings(drifts, vanished_keys(drifts[:merged], drifts[merged:]), known)
