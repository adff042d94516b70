"""`reconcile`: compare the system of record's listing with lake and warehouse, period by period; heal, certify, amend.

Every step is durable by itself: a window listed, a group of contacts fetched, a period's state, a certificate. A run
that was stopped continues where it was and repeats no call whose result was stored.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Final

from msgspec import structs

from trunkline.completeness import certifying, findings, periods
from trunkline.completeness.census import Scope
from trunkline.completeness.findings import HEALED_BY_API
from trunkline.completeness.listings import SystemOfRecord, check_source, store_listing, stored_listings
from trunkline.completeness.period_records import PeriodRecord, batched, index_records, load_records, store_record
from trunkline.completeness.periods import SettleRule, period_name
from trunkline.completeness.workspace import (
    DayRows,
    Workspace,
    count_open_rows,
    open_workspace,
    rows_by_day,
    take_census,
)
from trunkline.errors import TerminalError
from trunkline.lake import layout
from trunkline.objects.model import Object
from trunkline.pipelines.home import Home
from trunkline.pipelines.runner import Runner
from trunkline.schedules.windows import Window, merge_adjacent
from trunkline.sql.relation import Relation

Advance = Callable[[int], None]
ShowProgress = Callable[[str, int | None, str], AbstractContextManager[Advance]]
"""Shows the progress of a task with a description, a total and a unit; gives a function that advances it."""

HEAL_IDS: Final = 500
"""Contacts that are fetched and merged as one group: a run that was stopped repeats one group at most."""
_CLOCK_SKEW: Final = timedelta(minutes=10)
"""Clocks of two machines that write one lake may differ by this. A closed period is rather examined once too often."""


@dataclass(frozen=True, slots=True)
class ReconcileRequest:
    """What to reconcile. `since` None: the periods that are not closed; a date: all from then on, listed again."""

    now: datetime
    rule: SettleRule
    since: date | None = None
    is_healing: bool = False


@dataclass(frozen=True, slots=True)
class ReconcilePlan:
    """What a run would do: windows to list, contacts expected in them, contacts known to be missing, calls, seconds."""

    periods: int
    windows: tuple[Window, ...]
    contacts: int
    missing: int
    calls: int
    seconds: float


@dataclass(frozen=True, slots=True)
class ReconcileResult:
    """What a run found, oldest period first.

    `amended` names closed periods that changed. `healed` counts contacts that were fetched. `open_rows` have no end
    yet. `recovered` counts batches of an earlier run that were finished first.
    """

    records: tuple[PeriodRecord, ...]
    amended: tuple[str, ...]
    healed: int
    open_rows: int
    recovered: int

    @property
    def missing(self) -> int:
        """The number of contacts that are still missing."""
        return sum(record.counts.missing for record in self.records)

    @property
    def is_complete(self) -> bool:
        """Whether nothing is missing and nothing certified was lost."""
        return all(record.is_complete for record in self.records)


@contextmanager
def no_progress(description: str, total: int | None, unit: str) -> Iterator[Advance]:
    """Shows nothing."""
    yield lambda steps: None


def plan(home: Home, obj: Object, system: SystemOfRecord, request: ReconcileRequest) -> ReconcilePlan:
    """What `reconcile` would do now, and about what it would cost. Changes nothing."""
    check_source(system.source)
    records = load_records(home.store, obj.name, system.source)
    days = rows_by_day(home.warehouse, obj, system.scope)
    chosen = _choose_periods(records, days, request)
    windows = [window for period in chosen for window in _windows_to_list(home, obj, system.source, period, request)]
    shares = [(days.get(window.start.date()), (window.end - window.start) / periods.DAY) for window in windows]
    contacts = round(sum(day.rows * share for day, share in shares if day is not None))
    missing = sum(record.counts.missing for record in records)
    fetched = missing if request.is_healing else 0
    # A stretch without contacts takes a call too.
    calls, seconds = system.estimate(contacts, fetched, len(merge_adjacent(windows)))
    return ReconcilePlan(len(chosen), tuple(windows), contacts, missing, calls, seconds)


def reconcile(
    home: Home,
    obj: Object,
    system: SystemOfRecord,
    request: ReconcileRequest,
    show_progress: ShowProgress = no_progress,
) -> ReconcileResult:
    """List what is due, count every period that is not closed, heal, close settled periods, amend changed ones.

    Raises UsageError for a `since` that Connect cannot list, and what the system of record raises.
    """
    check_source(system.source)
    recovered = Runner(home, obj).recover()
    days = rows_by_day(home.warehouse, obj, system.scope)
    chosen = _choose_periods(load_records(home.store, obj.name, system.source), days, request)
    with workspace(home, obj, system.source, system.scope) as space:
        _list(home, space, system, chosen, request, show_progress)
        records = _examine(space, chosen, request, show_progress)
        healed = 0
        if request.is_healing:
            incomplete = [record for record in records if record.counts.missing]
            healed = _heal(space, system, incomplete, show_progress)
            again = _examine(space, [record.period for record in incomplete], request, show_progress)
            latest = {record.name: record for record in [*records, *again]}
            records = sorted(latest.values(), key=lambda record: record.start)
        looked_at = _amend(space, request, {record.name for record in records}, show_progress)
        changed = [*records, *(record for record, _ in looked_at)]
        index_records(home.store, home.warehouse, obj, system.source, changed, space.scratch)
    amended = [record for record, is_amended in looked_at if is_amended]
    open_rows = count_open_rows(home.warehouse, obj, system.scope)
    shown = sorted([*records, *amended], key=lambda record: record.start)
    return ReconcileResult(tuple(shown), tuple(record.name for record in amended), healed, open_rows, recovered)


def workspace(home: Home, obj: Object, source: str, scope: Scope) -> AbstractContextManager[Workspace]:
    """A workspace for censuses of a home."""
    return open_workspace(
        home.store,
        home.warehouse,
        obj,
        source,
        scope,
        scratch=home.scratch,
        memory_mb=home.settings.memory_mb,
        threads=home.settings.threads,
    )


def _choose_periods(
    records: Sequence[PeriodRecord], days: Mapping[date, DayRows], request: ReconcileRequest
) -> list[Window]:
    """The periods to examine: from the first with a record or rows on."""
    first = min([*(record.start.date() for record in records), *days], default=request.now.date())
    closed = {record.name for record in records if record.state == "closed"}
    return periods.periods_to_examine(request.now, first, closed, request.since)


def _windows_to_list(home: Home, obj: Object, source: str, period: Window, request: ReconcileRequest) -> list[Window]:
    listed = [part for _, part in stored_listings(home.store, obj, source, period)]
    # A stopped run with --since continues within the hour; later, the user wants a new listing.
    fresh = request.now - timedelta(hours=1) if request.since is not None else None
    return periods.windows_to_list(period, listed, request.rule, request.now, fresh)


def _list(
    home: Home,
    space: Workspace,
    system: SystemOfRecord,
    chosen: Sequence[Window],
    request: ReconcileRequest,
    show_progress: ShowProgress,
) -> None:
    windows = [
        window for period in chosen for window in _windows_to_list(home, space.obj, space.source, period, request)
    ]
    total = round(sum((window.end - window.start).total_seconds() for window in windows))
    with show_progress("Listing contacts", total, "seconds of time") as advance:
        # Together, because a call returns a page of contacts: days with few contacts cost no call each.
        for window in merge_adjacent(windows):
            for listing in system.list_window(window):
                for part in periods.split_by_period(listing.window):
                    by_period = replace(listing, window=part)
                    store_listing(space.store, space.scratch, space.obj, space.con, space.source, by_period)
                advance(round((listing.window.end - listing.window.start).total_seconds()))


def _examine(
    space: Workspace, chosen: Sequence[Window], request: ReconcileRequest, show_progress: ShowProgress
) -> list[PeriodRecord]:
    """Take the census of each period, write its findings and state; close it where it is settled and complete."""
    records = []
    with show_progress("Comparing", len(chosen), "periods") as advance:
        for period in chosen:
            records.append(_examine_period(space, period, request))
            advance(1)
    return records


def _examine_period(space: Workspace, period: Window, request: ReconcileRequest) -> PeriodRecord:
    listed = [part for _, part in stored_listings(space.store, space.obj, space.source, period)]
    unlisted = periods.uncovered(period, [part.window for part in listed])
    taken = take_census(space, period, unlisted[0].start if unlisted else period.end)
    why = _write_findings(space, period, taken.matched, request)
    as_of = periods.listed_as_of(period, listed)
    chain = certifying.chain_of(space.store, space.obj, space.source, period)
    lost = 0
    if chain is not None:
        amended = certifying.amend(space, period, chain, request.now)
        chain, lost = amended.chain, amended.lost
    elif as_of is not None and periods.is_settled(period, listed, request.rule) and taken.counts.is_complete:
        chain = certifying.certify(space, period, taken, as_of, request.rule, request.now)
    record = PeriodRecord(
        object=space.obj.name,
        source=space.source,
        start=period.start,
        end=period.end,
        state=periods.state_of(period, request.now, chain is not None),
        counts=taken.counts,
        why=why,
        examined_at=request.now,
        listed_as_of=as_of,
        closed_at=chain.certificate.closed_at if chain else None,
        pairs=chain.last.pairs if chain else None,
        sha256=chain.last.sha256 if chain else None,
        amendments=len(chain.amendments) if chain else 0,
        gone=lost,
    )
    store_record(space.store, record)
    return record


def _write_findings(space: Workspace, period: Window, matched: Relation, request: ReconcileRequest) -> dict[str, int]:
    key = layout.finding_key(space.obj.name, space.source, period_name(period))
    before = _fetch_again(space, key)
    path = space.scratch / "findings.parquet"
    now = request.now.replace(tzinfo=None)
    if not findings.write(space.con, matched, space.causes, before, path, now, request.rule.ages[0]):
        return {}
    why = findings.tally(path)
    space.store.put_file(path, key)
    return why


def _fetch_again(space: Workspace, key: str) -> Path | None:
    """A local path of a lake object that may have changed since it was fetched; None when there is none."""
    if space.store.get_bytes(key) is None:
        return None
    folder = space.scratch / "fetched-again"
    for old in folder.glob("*") if folder.exists() else ():
        old.unlink()
    return space.store.fetch(key, folder)


def _heal(
    space: Workspace, system: SystemOfRecord, incomplete: Sequence[PeriodRecord], show_progress: ShowProgress
) -> int:
    """Fetch what is missing, group by group; returns the number fetched. Contacts that are unknown are noted."""
    total = sum(count for record in incomplete for why, count in record.why.items() if why in HEALED_BY_API)
    healed = 0
    with show_progress("Fetching what is missing", total, "contacts") as advance:
        for record in incomplete:
            path = _fetch_again(space, layout.finding_key(space.obj.name, space.source, record.name))
            for group in _groups(path) if path is not None else ():
                unknown = system.fetch(group, advance)
                findings.add_unknown(space.con, space.causes, unknown)
                healed += len(group) - len(unknown)
    return healed


def _groups(path: Path) -> Iterator[dict[str, datetime]]:
    """Ids to fetch, with their end (naive UTC), in groups."""
    contacts = (
        (finding.id, finding.ended_at)
        for chunk in findings.read(path, HEALED_BY_API)
        for finding in chunk
        if finding.ended_at is not None
    )
    for group in batched(contacts, HEAL_IDS):
        yield dict(group)


def _amend(
    space: Workspace, request: ReconcileRequest, done: set[str], show_progress: ShowProgress
) -> list[tuple[PeriodRecord, bool]]:
    """Look at the closed periods that may have changed; each with whether it changed."""
    days = rows_by_day(space.warehouse, space.obj, space.scope)
    closed = [
        record
        for record in load_records(space.store, space.obj.name, space.source)
        if record.state == "closed" and record.name not in done
    ]
    suspects = [record for record in closed if _may_have_changed(record, days.get(record.start.date()))]
    looked_at = []
    with show_progress("Looking for late changes", len(suspects), "periods") as advance:
        for record in suspects:
            chain = certifying.chain_of(space.store, space.obj, space.source, record.period)
            if chain is None:
                raise TerminalError(
                    f"{record.name} is closed and its certificate is missing from the lake: trunkline ledger verify "
                    "names all such periods. Restore it from a backup"
                )
            amended = certifying.amend(space, record.period, chain, request.now)
            after = _amended_record(record, amended, request.now)
            store_record(space.store, after)
            looked_at.append((after, amended.chain.last is not chain.last or amended.lost != record.gone))
            advance(1)
    return looked_at


def _may_have_changed(record: PeriodRecord, day: DayRows | None) -> bool:
    """Whether the warehouse has another number of rows, or wrote a row since the period was examined."""
    if day is None:
        return record.pairs != 0
    return day.rows != record.pairs or day.last_loaded_at >= record.examined_at.replace(tzinfo=None) - _CLOCK_SKEW


def _amended_record(record: PeriodRecord, amended: certifying.Amended, now: datetime) -> PeriodRecord:
    names = ("stream", "lake", "warehouse", "at_api_fidelity", "differing")
    counts = replace(record.counts, **{name: getattr(amended.counts, name) for name in names})
    last = amended.chain.last
    return structs.replace(
        record,
        counts=counts,
        pairs=last.pairs,
        sha256=last.sha256,
        gone=amended.lost,
        amendments=len(amended.chain.amendments),
        examined_at=now,
    )
