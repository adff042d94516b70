"""`reconcile`: what the source lists against what lake and warehouse hold, period by period; heal, certify, amend.

Every step is durable by itself (a stretch listed, a group of contacts fetched, a period's state, a certificate), and a
run that was stopped goes on: it asks again for nothing that it has.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from pathlib import Path

from msgspec import structs

from trunkline.completeness import findings, period_record, periods
from trunkline.completeness.findings import MENDED_BY_API
from trunkline.completeness.period_record import PeriodRecord
from trunkline.completeness.periods import Rule, name_of
from trunkline.errors import UsageError
from trunkline.lake import layout
from trunkline.limits import SEARCH_LOOK_BACK_DAYS_MAX
from trunkline.objects.model import Object
from trunkline.pipelines import certifying, completeness, stored
from trunkline.pipelines.counting import Desk, count_listed, open_desk
from trunkline.pipelines.home import Home
from trunkline.pipelines.runner import Runner
from trunkline.pipelines.sightings import Register, check_source, list_window, listings
from trunkline.schedules.windows import Window

Advance = Callable[[int], None]
Watch = Callable[[str, int | None, str], AbstractContextManager[Advance]]
"""Shows work of a description, a total and a unit; gives what moves it on."""

# Contacts fetched and merged as one: what a stopped run repeats at most.
HEAL_IDS = 500
# Two machines that write one lake may differ by this; a closed period is looked at again rather than once too little.
_CLOCKS_DIFFER = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a run is asked for. `since` None: what is not closed yet; a date: all from then on, listed anew."""

    now: datetime
    rule: Rule
    since: date | None = None
    is_healing: bool = False


@dataclass(frozen=True, slots=True)
class Planned:
    """What a run would do: windows to list, contacts expected in them, contacts known to be missing, calls, seconds."""

    periods: int
    windows: tuple[Window, ...]
    contacts: int
    missing: int
    calls: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a run found, oldest period first. `open_rows` have no end yet; `recovered` batches were finished first."""

    records: tuple[PeriodRecord, ...]
    amended: tuple[str, ...]
    healed: int
    open_rows: int
    recovered: int

    @property
    def missing(self) -> int:
        """Contacts that are still missing."""
        return sum(record.counts.missing for record in self.records)

    @property
    def is_well(self) -> bool:
        """Whether nothing is missing and nothing is gone."""
        return all(record.is_well for record in self.records)


@contextmanager
def unwatched(description: str, total: int | None, unit: str) -> Iterator[Advance]:
    """Shows nothing."""
    yield lambda steps: None


def plan(home: Home, obj: Object, register: Register, wanted: Wanted) -> Planned:
    """What `reconcile` would ask for now, and about what that takes; nothing is changed."""
    check_source(register.source)
    days = stored.days(home.warehouse, obj, register.scope)
    chosen = _periods(home, obj, register, wanted, days)
    windows = [window for one in chosen for window in _to_list(home, obj, register, one, wanted)]
    rows = [(window, days[window.start.date()].rows) for window in windows if window.start.date() in days]
    contacts = round(sum(count * ((window.end - window.start) / periods.DAY) for window, count in rows))
    missing = sum(one.counts.missing for one in completeness.records(home.store, obj.name, register.source))
    calls, seconds = register.calls(contacts, missing if wanted.is_healing else 0)
    return Planned(len(chosen), tuple(windows), contacts, missing, max(calls, len(windows)), seconds)


def reconcile(home: Home, obj: Object, register: Register, wanted: Wanted, watch: Watch = unwatched) -> Outcome:
    """List what is due, count every period that is not closed, heal, close what is settled, amend what changed."""
    check_source(register.source)
    recovered = Runner(home, obj).recover()
    days = stored.days(home.warehouse, obj, register.scope)
    chosen = _periods(home, obj, register, wanted, days)
    with open_desk(home, obj, register.source, register.scope) as desk:
        _list(desk, register, chosen, wanted, watch)
        records = _examine(desk, chosen, wanted, watch)
        healed = 0
        if wanted.is_healing:
            lacking = [one for one in records if one.counts.missing]
            healed = _heal(desk, register, lacking, watch)
            again = _examine(desk, [one.period for one in lacking], wanted, watch)
            records = sorted({one.name: one for one in [*records, *again]}.values(), key=lambda one: one.start)
        touched = _amend(desk, wanted, {one.name for one in records}, watch)
        completeness.index_records(home, obj, register.source, [*records, *(one for one, _ in touched)], desk.scratch)
    amended = [one for one, is_changed in touched if is_changed]
    open_rows = stored.open_rows(home.warehouse, obj, register.scope)
    shown = sorted([*records, *amended], key=lambda one: one.start)
    return Outcome(tuple(shown), tuple(one.name for one in amended), healed, open_rows, recovered)


def _periods(
    home: Home, obj: Object, register: Register, wanted: Wanted, days: Mapping[date, stored.Day]
) -> list[Window]:
    """The periods to look at: those not closed since the first known one, or all since the date that was asked for."""
    today = wanted.now.date()
    known = {one.name: one for one in completeness.records(home.store, obj.name, register.source)}
    oldest = (wanted.now - timedelta(days=SEARCH_LOOK_BACK_DAYS_MAX - 1)).date()
    if wanted.since is not None:
        if wanted.since > today:
            raise UsageError(f"--since {wanted.since} lies ahead; valid is a date up to today, {today} (UTC)")
        if wanted.since < oldest:
            raise UsageError(
                f"--since {wanted.since} is further back than Connect lists contacts; valid are dates from {oldest} on"
            )
        return periods.periods_between(wanted.since, today)
    first = min([*(one.start.date() for one in known.values()), *days, today])
    found = periods.periods_between(max(first, oldest), today)
    return [one for one in found if name_of(one) not in known or known[name_of(one)].state != "closed"]


def _to_list(home: Home, obj: Object, register: Register, period: Window, wanted: Wanted) -> list[Window]:
    there = [listed for _, listed in listings(home, obj, register.source, period)]
    # A stopped run with --since goes on within the hour; later the person wants to know anew.
    fresh = wanted.now - timedelta(hours=1) if wanted.since is not None else None
    return periods.to_list(period, there, wanted.rule, wanted.now, fresh)


def _list(desk: Desk, register: Register, chosen: Sequence[Window], wanted: Wanted, watch: Watch) -> None:
    windows = [window for one in chosen for window in _to_list(desk.home, desk.obj, register, one, wanted)]
    total = round(sum((one.end - one.start).total_seconds() for one in windows))
    with watch("Listing contacts", total, "seconds of time") as advance:
        for window in windows:
            list_window(desk.home, desk.obj, desk.con, register, window, advance)


def _examine(desk: Desk, chosen: Sequence[Window], wanted: Wanted, watch: Watch) -> list[PeriodRecord]:
    """Count each period, write its findings and state; close it where it is settled and whole."""
    found = []
    with watch("Comparing", len(chosen), "periods") as advance:
        for period in chosen:
            found.append(_examine_one(desk, period, wanted))
            advance(1)
    return found


def _examine_one(desk: Desk, period: Window, wanted: Wanted) -> PeriodRecord:
    there = [listed for _, listed in listings(desk.home, desk.obj, desk.source, period)]
    left = periods.uncovered(period, [one.window for one in there])
    counts = count_listed(desk, period, left[0].start if left else period.end)
    why = _write_findings(desk, period, wanted)
    as_of = periods.listed_as_of(period, there)
    chain = certifying.chain_of(desk.home, desk.obj, desk.source, period)
    gone = 0
    if chain is not None:
        amended = certifying.amend(desk, period, chain, wanted.now)
        chain, gone = amended.chain, amended.gone
    elif as_of is not None and periods.is_settled(period, there, wanted.rule) and counts.is_complete:
        chain = certifying.certify(desk, period, counts, as_of, wanted.rule, wanted.now)
    record = PeriodRecord(
        object=desk.obj.name,
        source=desk.source,
        start=period.start,
        end=period.end,
        state=periods.state_of(period, wanted.now, chain is not None),
        counts=counts,
        why=why,
        examined_at=wanted.now,
        listed_as_of=as_of,
        closed_at=chain.certificate.closed_at if chain else None,
        pairs=chain.last.pairs if chain else None,
        sha256=chain.last.sha256 if chain else None,
        amendments=len(chain.amendments) if chain else 0,
        gone=gone,
    )
    key = layout.period_key(desk.obj.name, desk.source, record.name)
    desk.home.store.put_bytes(period_record.encode(record), key)
    return record


def _write_findings(desk: Desk, period: Window, wanted: Wanted) -> dict[str, int]:
    key = layout.finding_key(desk.obj.name, desk.source, name_of(period))
    before = _fetched(desk, key)
    path = desk.scratch / "findings.parquet"
    now = wanted.now.replace(tzinfo=None)
    if not findings.write(desk.con, before, path, now, wanted.rule.ages[0]):
        return {}
    why = findings.tally(path)
    desk.home.store.put_file(path, key)
    return why


def _fetched(desk: Desk, key: str) -> Path | None:
    """A local path of a lake object that may not be there, read anew."""
    if desk.home.store.get_bytes(key) is None:
        return None
    folder = desk.scratch / "fetched-anew"
    for old in folder.glob("*") if folder.exists() else ():
        old.unlink()
    return desk.home.store.fetch(key, folder)


def _heal(desk: Desk, register: Register, lacking: Sequence[PeriodRecord], watch: Watch) -> int:
    """Fetch what is missing, group by group; the number fetched. What the source knows no more is kept in mind."""
    total = sum(count for one in lacking for why, count in one.why.items() if why in MENDED_BY_API)
    healed = 0
    with watch("Fetching what is missing", total, "contacts") as advance:
        for record in lacking:
            path = _fetched(desk, layout.finding_key(desk.obj.name, desk.source, record.name))
            for group in _groups(path) if path is not None else ():
                unknown = register.fetch(desk.home, desk.obj, group, advance)
                findings.add_unknown(desk.con, unknown)
                healed += len(group) - len(unknown)
    return healed


def _groups(path: Path) -> Iterator[dict[str, datetime]]:
    """Ids to fetch, with their end (naive UTC), in groups."""
    found = (one for chunk in findings.read(path, MENDED_BY_API) for one in chunk if one.ended_at is not None)
    for some in completeness.batched(found, HEAL_IDS):
        yield {one.id: one.ended_at for one in some if one.ended_at is not None}


def _amend(desk: Desk, wanted: Wanted, done: set[str], watch: Watch) -> list[tuple[PeriodRecord, bool]]:
    """Look at closed periods that may have changed: another number of rows, or rows written since the last look.

    Gives each with whether it really changed.
    """
    days = stored.days(desk.home.warehouse, desk.obj, desk.scope)
    closed = [one for one in completeness.records(desk.home.store, desk.obj.name, desk.source) if one.state == "closed"]
    touched = [one for one in closed if one.name not in done and _is_touched(one, days.get(one.start.date()))]
    found = []
    with watch("Looking for late changes", len(touched), "periods") as advance:
        for record in touched:
            chain = certifying.chain_of(desk.home, desk.obj, desk.source, record.period)
            assert chain is not None, f"{record.name} is closed and has no certificate"
            amended = certifying.amend(desk, record.period, chain, wanted.now)
            changed = amended.chain.last is not chain.last or amended.gone != record.gone
            after = _with_chain(record, amended, wanted.now)
            desk.home.store.put_bytes(
                period_record.encode(after), layout.period_key(desk.obj.name, desk.source, record.name)
            )
            found.append((after, changed))
            advance(1)
    return found


def _is_touched(record: PeriodRecord, day: stored.Day | None) -> bool:
    if day is None:
        return record.pairs != 0
    seen_at = record.examined_at.replace(tzinfo=None) - _CLOCKS_DIFFER
    return day.rows != record.pairs or day.last_loaded_at >= seen_at


def _with_chain(record: PeriodRecord, amended: certifying.Amended, now: datetime) -> PeriodRecord:
    last, now_held = amended.chain.last, amended.counts
    counts = replace(
        record.counts, stream=now_held.stream, lake=now_held.lake, warehouse=now_held.warehouse,
        at_api_fidelity=now_held.at_api_fidelity, differing=now_held.differing,
    )  # fmt: skip
    return structs.replace(
        record, counts=counts, pairs=last.pairs, sha256=last.sha256, gone=amended.gone,
        amendments=len(amended.chain.amendments),
        examined_at=now,
    )  # fmt: skip
