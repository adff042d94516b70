"""A day in the life: stream files with losses, the Connect API within its quota, lake and warehouse, days later."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from collecting import INSTANCE, centre_home, collector, service
from connect import emulator
from homes import contacts, load_into
from hypothesis import given, settings
from hypothesis import strategies as st
from virtual_clock import VirtualClock

from trunkline.completeness.period_records import load_records, open_findings
from trunkline.completeness.periods import settle_rule
from trunkline.pipelines.connect.reconcile import ReconcileRequest, ReconcileResult, reconcile
from trunkline.pipelines.connect.system_of_record import ConnectSystemOfRecord
from trunkline.pipelines.connect.verify import verify_all
from trunkline.pipelines.home import Home
from trunkline.simulator.centre.centre import INSTANCE_ARN
from trunkline.simulator.connect_api.contacts import SimulatedInstance, simulate_instance
from trunkline.simulator.run import simulate
from trunkline.simulator.spec import Spec

pytestmark = pytest.mark.timeout(300)
SPEC = Spec(contacts=90, seed=3, date=date(2026, 3, 3))
MIDNIGHT = datetime(2026, 3, 4, tzinfo=UTC)


class Life:
    """One home beside one instance, on one clock."""

    def __init__(self, home: Home, instance: SimulatedInstance, **assumed: Any) -> None:
        self.home, self.instance = home, instance
        self.clock = VirtualClock(MIDNIGHT.timestamp())
        self.api = emulator(instance, self.clock, **assumed)

    def reconcile(self, hours: float, **more: Any) -> ReconcileResult:
        """Reconcile so many hours after the day's end."""
        self.clock.set(max(self.clock.now_s(), (MIDNIGHT + timedelta(hours=hours)).timestamp()))
        register = ConnectSystemOfRecord(collector(self.home, service(self.api, self.clock)), INSTANCE)
        now = datetime.fromtimestamp(self.clock.now_s(), UTC)
        return reconcile(
            self.home, contacts(self.home), register, ReconcileRequest(now, settle_rule((6, 24, 72)), **more)
        )

    def missing(self, outcome: ReconcileResult) -> set[str]:
        """Ids that are missing."""
        found = [one for rec in outcome.records for one in open_findings(self.home.store, rec, self.home.scratch)]
        return {one.id for one in found if one.why != "only in stream"}

    def ended(self) -> dict[str, int]:
        """The instance's contacts by id, with when they ended."""
        return {
            id_: one.disconnected_at for id_, one in self.instance.contacts.items() if one.disconnected_at is not None
        }


def test_a_day_with_losses_is_found_healed_and_certified(tmp_path: Path) -> None:
    """Files are lost; what is missing is named, fetched within the quota, certified; then the files turn up."""
    made = simulate(SPEC, tmp_path / "sim")
    lost = tmp_path / "lost"
    lost.mkdir()
    for path in made.files[1::3]:
        path.rename(lost / path.name)
    with centre_home(tmp_path / "home") as home:
        life = Life(home, simulate_instance(SPEC, INSTANCE_ARN))
        load_into(home, made.folder)
        held = {id_ for (id_,) in home.con.execute("SELECT contact_id FROM connect.f_calls").fetchall()}
        absent = life.ended().keys() - held
        assert 5 < len(absent) < 85
        assert life.missing(life.reconcile(1)) <= absent
        assert life.missing(life.reconcile(80)) == absent
        assert life.api.count()["DescribeContact"] == 0
        healed = life.reconcile(81, is_healing=True)
        assert (life.missing(healed), healed.is_complete) == (set(), True)
        assert life.api.count()["DescribeContact"] == healed.healed == len(absent)
        assert life.api.count("ThrottlingException") == {}
        day = next(one for one in healed.records if one.name == "2026-03-03")
        assert day.state == "closed"
        assert sum(one.pairs or 0 for one in healed.records) == len(life.ended())
        assert sum(one.counts.at_api_fidelity for one in healed.records) == len(absent)
        rows = "SELECT count(*), count(*) FILTER (record_fidelity = 'api') FROM connect.f_calls"
        assert home.con.execute(rows).fetchall() == [(len(life.ended()), len(absent))]

        load_into(home, lost)
        assert home.con.execute(rows).fetchall() == [(len(life.ended()), 0)]
        assert life.reconcile(90).amended == ()
        records = load_records(home.store, "contact_record")
        assert {one.counts.at_api_fidelity for one in records} == {0}
        assert sum(one.counts.stream for one in records) == len(life.ended())
        assert all(one.holds and not one.changed for one in verify_all(home, contacts(home)))


LEFT_OUT = Spec(contacts=24, seed=1, date=date(2026, 3, 3))
CENTRE = simulate_instance(LEFT_OUT, INSTANCE_ARN)


def assert_named_and_healed(folder: Path, lost: set[int], **assumed: Any) -> None:
    """Exported records without some; reconcile names exactly those, heal makes the set whole, no call is refused."""
    import json

    ids = sorted(CENTRE.contacts)
    gone = {ids[n] for n in lost}
    later = MIDNIGHT + timedelta(hours=80)
    kept = [CENTRE.contacts[one].record_at(later.timestamp()) for one in ids if one not in gone]
    (folder / "stream.json").write_text("".join(map(json.dumps, kept)))
    with centre_home(folder / "home") as home:
        life = Life(home, CENTRE, **assumed)
        load_into(home, folder / "stream.json")
        since = date(2026, 3, 3)
        assert life.missing(life.reconcile(80, since=since)) == gone
        healed = life.reconcile(81, since=since, is_healing=True)
        assert (life.missing(healed), healed.healed, healed.is_complete) == (set(), len(gone), True)
        assert life.api.count()["DescribeContact"] == len(gone)
        assert life.api.count("ThrottlingException") == {}


@pytest.mark.parametrize("lost", [{0, 5, 6, 23}])
def test_what_is_lost_is_named_and_healed_through_the_api(tmp_path: Path, lost: set[int]) -> None:
    """Against the emulator, whose quota refuses one call too many."""
    assert_named_and_healed(tmp_path, lost)


@pytest.mark.soak
@given(lost=st.sets(st.integers(0, 23)), ends=st.booleans(), sorts=st.booleans(), late=st.booleans())
@settings(max_examples=40, deadline=None)
def test_any_loss_under_any_undocumented_behavior(
    tmp_path_factory: pytest.TempPathFactory, lost: set[int], ends: bool, sorts: bool, late: bool
) -> None:
    """Any subset of records lost, under the emulator's other assumptions."""
    lag = 1800.0 if late else 0.0
    assert_named_and_healed(
        tmp_path_factory.mktemp("life"), lost, includes_end=ends, includes_start=not ends, sorts=sorts, index_lag_s=lag
    )
