"""What `collect` listed is not searched for again: the ledger counts, heals and certifies from it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from collecting import INSTANCE, KilledError, centre_home, collector, kill_at, service
from connect import contact_at, emulator, instance_with
from homes import contacts, table
from virtual_clock import VirtualClock

from trunkline.completeness.listings import stored_listings
from trunkline.completeness.periods import LISTING_LAG, ListedWindow, period_of, settle_rule
from trunkline.lake.store import FolderStore
from trunkline.pipelines.connect.connect_ledger import source_of
from trunkline.pipelines.connect.reconcile import ReconcileRequest, ReconcileResult, plan, reconcile
from trunkline.pipelines.connect.system_of_record import ConnectSystemOfRecord
from trunkline.pipelines.home import Home
from trunkline.schedules.windows import Window, merge_adjacent
from trunkline.simulator.connect_api.instance import ConnectApi
from trunkline.sources.connect_api.search import ContactQuery

DAY = datetime(2026, 3, 3, tzinfo=UTC)
SETTLED = DAY + timedelta(days=4, hours=1)
"""When 3 March has reached its last age, three days after its end."""
HOUR = timedelta(hours=1)
RULE = settle_rule((6, 24, 72))


class Centre:
    """An instance with a contact every ten minutes of 3 March, on a clock."""

    def __init__(self, now: datetime, contacts: int = 144, **assumed: object) -> None:
        began = int(DAY.timestamp())
        self.instance = instance_with([contact_at(n, began + 600 * n + 300) for n in range(contacts)])
        self.clock = VirtualClock(now.timestamp())
        self.api: ConnectApi = emulator(self.instance, self.clock, check=False, **assumed)

    @property
    def now(self) -> datetime:
        return datetime.fromtimestamp(self.clock.now_s(), UTC)

    @property
    def searches(self) -> int:
        return self.api.count()["SearchContacts"]

    def collect(self, home: Home, since: datetime, until: datetime, **options: object) -> None:
        collector(home, service(self.api, self.clock), **options).collect(INSTANCE, since, until)

    def system(self, home: Home) -> ConnectSystemOfRecord:
        return ConnectSystemOfRecord(collector(home, service(self.api, self.clock)), INSTANCE)

    def reconcile(self, home: Home, now: datetime, **more: object) -> ReconcileResult:
        return reconcile(home, contacts(home), self.system(home), ReconcileRequest(now, RULE, **more))


def listed(home: Home, day: datetime = DAY) -> list[ListedWindow]:
    """What is kept of a day's listing."""
    return [one for _, one in stored_listings(home.store, contacts(home), source_of(INSTANCE), period_of(day.date()))]


def test_a_day_that_was_collected_is_certified_without_a_search(tmp_path: Path) -> None:
    """One collect after the day has settled, one reconcile: not one SearchContacts more, and the day is closed."""
    centre = Centre(SETTLED)
    with centre_home(tmp_path) as home:
        centre.collect(home, DAY - timedelta(days=1), SETTLED)
        asked = centre.searches
        assert plan(home, contacts(home), centre.system(home), ReconcileRequest(SETTLED, RULE)).windows == ()
        outcome = centre.reconcile(home, SETTLED)
        assert centre.searches == asked
        day = next(one for one in outcome.records if one.name == "2026-03-03")
        assert (day.state, day.counts.listed, day.pairs, outcome.missing) == ("closed", 144, 144, 0)


def test_what_collect_listed_and_the_warehouse_lost_is_found_and_healed(tmp_path: Path) -> None:
    """The listing is the API's and not what was loaded: a row that is gone is named, and fetched without a search."""
    centre = Centre(SETTLED)
    with centre_home(tmp_path) as home:
        centre.collect(home, DAY, SETTLED)
        home.con.execute("DELETE FROM connect.f_calls WHERE contact_id LIKE '%7'")
        for path in (tmp_path / "lake" / "connect_datalake").rglob("*.parquet"):
            path.unlink()
        asked = centre.searches
        assert centre.reconcile(home, SETTLED).missing == 144
        healed = centre.reconcile(home, SETTLED, is_healing=True)
        assert (healed.healed, healed.missing, centre.searches) == (144, 0, asked)


def test_a_day_collected_too_early_is_not_certified(tmp_path: Path) -> None:
    """A day collected an hour after its end is counted from that, and requested again before it is closed."""
    centre = Centre(DAY + 25 * HOUR)
    with centre_home(tmp_path) as home:
        centre.collect(home, DAY, centre.now)
        asked = centre.searches
        early = centre.reconcile(home, DAY + 25 * HOUR)
        assert centre.searches == asked
        first = early.records[0]
        assert (first.name, first.state, first.counts.listed) == ("2026-03-03", "settling", 144)
        centre.clock.set(SETTLED.timestamp())
        late = centre.reconcile(home, SETTLED)
        assert centre.searches > asked
        assert late.records[0].state == "closed"


def test_what_has_ended_just_now_is_left_for_the_next_run(tmp_path: Path) -> None:
    """The last minutes may not be indexed yet, and parts of seconds were not asked for: neither counts as listed."""
    now = DAY + 12 * HOUR
    centre = Centre(now, index_lag_s=600.0)
    with centre_home(tmp_path) as home:
        centre.collect(home, DAY + timedelta(milliseconds=500), now)
        (whole,) = merge_adjacent(one.window for one in listed(home))
        assert whole == Window(DAY + timedelta(seconds=1), now - LISTING_LAG)
        assert {one.counts.only_in_stream for one in centre.reconcile(home, now).records} == {0}


def test_a_search_by_another_time_is_not_a_listing_of_a_day(tmp_path: Path) -> None:
    """Who began in a window is not who ended in it."""
    with centre_home(tmp_path) as home:
        Centre(SETTLED).collect(home, DAY, SETTLED, query=ContactQuery("INITIATION_TIMESTAMP"))
        assert listed(home) == []


def test_answers_of_a_killed_run_are_as_old_as_they_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Asked before the last age and read from the journal after it: the day is not settled by that."""
    before = DAY + timedelta(days=4) - timedelta(minutes=20)
    centre = Centre(before)

    with centre_home(tmp_path) as home:
        with monkeypatch.context() as patched:
            kill_at(patched, "/collect/")
            with pytest.raises(KilledError):
                centre.collect(home, DAY, before)
        asked = centre.searches
        centre.clock.sleep(1800)
        centre.collect(home, DAY, before)
        assert centre.searches == asked
        assert max(one.as_of for one in listed(home)) <= before + timedelta(minutes=1)
        assert centre.reconcile(home, centre.now).records[0].state == "closed"
        assert centre.searches > asked


@pytest.mark.parametrize("deadline_s", [4.0, 40.0])
def test_a_run_out_of_time_stores_only_what_it_listed(tmp_path: Path, deadline_s: float) -> None:
    """Ended by its deadline, only seconds that were listed whole are kept; the next runs bring the rest."""
    centre = Centre(SETTLED)
    with centre_home(tmp_path, collect_describe="never") as home:
        given = service(centre.api, centre.clock, centre.clock.now_s() + deadline_s)
        done = collector(home, given).collect(INSTANCE, DAY, DAY + 24 * HOUR)
        covered = merge_adjacent(one.window for one in listed(home))
        assert covered == ((Window(DAY, done.through),) if done.through > DAY else ())
        centre.collect(home, DAY, DAY + 24 * HOUR)
        assert merge_adjacent(one.window for one in listed(home)) == (period_of(DAY.date()),)


class Deadly:
    """The folder's store, at whose write number `at` the process dies, before the write or after it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.writes, self.at, self.is_after = 0, 0, False
        for name in ("put_file", "put_bytes", "remove"):
            monkeypatch.setattr(FolderStore, name, self._deadly(getattr(FolderStore, name)))

    def _deadly(self, real: Callable[..., None]) -> Callable[..., None]:
        def write(*given: Any, **named: Any) -> None:
            self.writes += 1
            if self.writes == self.at and not self.is_after:
                raise KilledError
            real(*given, **named)
            if self.writes == self.at:
                raise KilledError

        return write


@pytest.mark.parametrize("every", [13, pytest.param(1, marks=[pytest.mark.soak, pytest.mark.timeout(900)])])
def test_runs_killed_at_any_write_issue_the_same_certificate(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, every: int
) -> None:
    """Collected and reconciled, killed before or after a write of the lake, and run again: the same certificate."""
    deadly = Deadly(monkeypatch)

    def outcome(folder: Path, at: int) -> tuple[object, ...]:
        centre = Centre(SETTLED, 7)
        deadly.writes, deadly.at = 0, at
        for _ in range(2 if at else 1):
            with suppress(KilledError), centre_home(folder) as home:
                centre.collect(home, DAY, SETTLED)
                centre.reconcile(home, SETTLED)
        with centre_home(folder) as home:
            found = home.warehouse.query(
                "SELECT period_start, state, listed, pairs, sha256 FROM ledger.period ORDER BY 1"
            )
            return found, len(table(home, contacts(home))), centre.api.count()["DescribeContact"]

    expected = outcome(tmp_path / "whole", 0)
    assert expected[1:] == (7, 7)
    for at in range(2, deadly.writes, every):
        for deadly.is_after in (False, True) if every == 1 else (bool(at % 2),):
            assert outcome(tmp_path / f"{at}-{deadly.is_after}", at) == expected


@pytest.mark.parametrize(("stretch", "files"), [(50, 2), (5_000, 1)])
def test_listings_are_stored_in_files_of_bounded_size(tmp_path: Path, stretch: int, files: int) -> None:
    """Parts are gathered up to a number of contacts; whatever it is, the day is covered and has each contact once."""
    centre = Centre(SETTLED)
    with centre_home(tmp_path) as home:
        centre.collect(home, DAY, DAY + 24 * HOUR, batch_contacts=20, listing_contacts=stretch)
        found = listed(home)
        assert len(found) == files
        assert merge_adjacent(one.window for one in found) == (period_of(DAY.date()),)
        outcome = centre.reconcile(home, SETTLED)
        assert [one.counts.listed for one in outcome.records if one.name == "2026-03-03"] == [144]


@pytest.mark.parametrize(
    ("days", "searches"),
    [
        pytest.param(3, 1, marks=pytest.mark.soak),
        (15, 1),
        *(pytest.param(*more, marks=pytest.mark.soak) for more in ((50, 1), (100, 2))),
    ],
)
def test_days_without_contacts_cost_no_call_each(tmp_path: Path, days: int, searches: int) -> None:
    """Due days that follow each other are listed together, up to the eight weeks of a search; each has its own listing."""
    centre = Centre(DAY + days * 24 * HOUR + HOUR, contacts=7)
    with centre_home(tmp_path) as home:
        now = centre.now
        request = ReconcileRequest(now, RULE, since=DAY.date())
        assert plan(home, contacts(home), centre.system(home), request).calls == 1
        outcome = centre.reconcile(home, now, since=DAY.date())
        assert centre.searches == searches
        assert [record.counts.listed for record in outcome.records] == [7] + [0] * days
        assert [merge_adjacent(part.window for part in listed(home, DAY + n * 24 * HOUR)) for n in range(days)] == [
            (period_of((DAY + n * 24 * HOUR).date()),) for n in range(days)
        ]
        centre.reconcile(home, now)
        assert centre.searches == searches


def test_the_schedule_alone_certifies(tmp_path: Path) -> None:
    """Windows are read again four days later: that settles the day, and reconcile does not search for it."""
    centre = Centre(DAY - 2 * HOUR)
    with centre_home(tmp_path, collect_again_h="12,96") as home:
        for hours in (-2, 26, 125):
            centre.clock.set((DAY + hours * HOUR).timestamp())
            collector(home, service(centre.api, centre.clock)).run_due(INSTANCE)
        windows = plan(home, contacts(home), centre.system(home), ReconcileRequest(centre.now, RULE)).windows
        assert min(one.start for one in windows) >= DAY + 24 * HOUR
        outcome = centre.reconcile(home, centre.now)
        assert [one.pairs for one in outcome.records if one.name == "2026-03-03"] == [144]
