"""Contacts through the API into lake and warehouse: whole, once, durable before the watermark, below the export."""

from __future__ import annotations

import dataclasses
import json
from collections import Counter
from datetime import timedelta
from pathlib import Path

import pytest
from collecting import (
    INSTANCE,
    KilledError,
    at,
    centre_home,
    collect,
    collector,
    kill_at,
    rows,
    run_due,
    service,
    watermark,
)
from connect import DAY, contact_at, emulator, instance_with, simulated
from homes import contacts, load_into
from servers import on_servers
from virtual_clock import VirtualClock

from trunkline.errors import UsageError
from trunkline.pipelines import batches
from trunkline.pipelines.flattening import FlattenPool
from trunkline.pipelines.merging import merge_batches
from trunkline.schedules.schedule import make_schedule
from trunkline.schedules.windows import Window, previous_window
from trunkline.serve.report.wording import contacts_by_fidelity
from trunkline.simulator.connect_api.contacts import ApiContact
from trunkline.sources.connect_api.client import NoCache, parse_instance
from trunkline.sources.files import listing
from trunkline.sources.files import reader as s3_files

START_S = int(DAY.timestamp())
LATER_S = START_S + 10 * 86_400
UNTIL = DAY + timedelta(hours=36)
# In winter New York's even hours are UTC's odd ones: this is a window of the default schedule.
FROM, TO = DAY + timedelta(hours=5), DAY + timedelta(hours=7)
FROM_S, RUN_S = START_S + 5 * 3600, START_S + 7 * 3600 + 40 * 60
DURATIONS = (
    "queue_duration_ms, queue_dequeue_timestamp, agent_interaction_duration_ms, agent_customer_hold_duration_ms, "
    "agent_number_of_holds, agent_longest_hold_duration_ms, next_contact_id, agent_connection_attempts, "
    "transfer_completed_timestamp, agent_routing_profile_arn"
)
COMPARED = f"contact_id, record_fidelity, record_hash, record_version, disconnect_timestamp, {DURATIONS}"


def test_a_day_from_the_api_is_complete_and_invents_no_value(tmp_path: Path) -> None:
    """Every contact once, fidelity api; what the API cannot give is NULL and never zero. Asked again, few are described."""
    instance = simulated(60)
    clock = VirtualClock(LATER_S)
    api = emulator(instance, clock)
    with centre_home(tmp_path) as home:
        done = collect(home, service(api, clock), DAY, UNTIL)
        assert done.is_done
        assert done.through == UNTIL
        assert (done.counts.read, done.counts.inserted) == (60, 60)
        assert done.tally.described == {"not held": 60}
        assert rows(home, "contact_id, record_fidelity") == [(one, "api") for one in sorted(instance.contacts)]
        assert {value for row in rows(home, DURATIONS) for value in row} == {None}
        assert Counter(value is None for (value,) in rows(home, "agent_after_contact_work_duration_ms"))[False] > 20
        again = collect(home, service(api, clock), DAY, UNTIL)
    assert sum(again.tally.described.values()) < 10  # those whose agents had no after contact work
    assert api.count("ThrottlingException") == {}
    assert api.count("InvalidParameterException") == {}
    assert list((tmp_path / "collect").iterdir()) == []


def deliver(path: Path, contact_ids: list[str]) -> Path:
    """The exported records of contacts, as a file."""
    path.write_text("".join(json.dumps(simulated(24).contacts[one].record_at(LATER_S)) for one in contact_ids))
    return path


@pytest.mark.parametrize("order", ["api first", "stream first", "one batch", "api asked for all"])
def test_the_export_wins_in_any_order(tmp_path: Path, order: str) -> None:
    """By API then by stream, the reverse, both merged at once, and described though held: the exported rows in the end."""
    ids = sorted(simulated(24).contacts)
    clock = VirtualClock(LATER_S)
    given = service(emulator(simulated(24), clock), clock)
    stream = deliver(tmp_path / "stream.json", ids)
    with centre_home(tmp_path / "exported") as home:
        load_into(home, stream)
        exported = rows(home, COMPARED)
    asks_all = order == "api asked for all"
    with centre_home(tmp_path / "home", collect_describe="all" if asks_all else "missing") as home:
        if order == "one batch":
            _merged_at_once(home, given, stream)
        elif order == "api first":
            assert collect(home, given, DAY, UNTIL).counts.inserted == 24
            assert load_into(home, stream).counts.updated == 24
        else:
            load_into(home, stream)
            done = collect(home, given, DAY, UNTIL)
            described = 24 if asks_all else 0
            assert (done.counts.filtered, done.counts.superseded) == (24 - described, described)
            assert sum(done.tally.described.values()) == described
        assert rows(home, COMPARED) == exported
    assert {row[1] for row in exported} == {"stream"}


@pytest.mark.parametrize("each_target", on_servers(), indirect=True)
def test_a_server_gets_the_same_rows(tmp_path: Path, each_target: str) -> None:
    """What is held is asked of the server: the second run describes no settled contact; then the export replaces all."""
    clock = VirtualClock(LATER_S)
    given = service(emulator(simulated(24), clock), clock)
    with centre_home(tmp_path / each_target, pii="drop") as home:
        assert collect(home, given, DAY, UNTIL).counts.inserted == 24
        made = collector(home, given)
        planned = made.estimate(INSTANCE, DAY, UNTIL)
        again = made.collect(INSTANCE, DAY, UNTIL)
        assert planned.describe_calls == sum(again.tally.described.values()) < 10
        assert {value for row in rows(home, DURATIONS) for value in row} == {None}
        assert contacts_by_fidelity(home.warehouse, DAY, UNTIL) == {"stream": 0, "api": 24}
        load_into(home, deliver(tmp_path / "stream.json", sorted(simulated(24).contacts)))
        assert contacts_by_fidelity(home.warehouse, None, None) == {"stream": 24, "api": 0}
        assert collect(home, given, DAY, UNTIL).tally.described == {}


def _merged_at_once(home, given, stream: Path) -> None:
    """Batches from the API and one from a file, in one merge."""
    obj = contacts(home)
    flatteners = FlattenPool(home.lake, obj)
    source, journal = collector(home, given).reader(INSTANCE, "test")
    framed = [part.framed for part in source.read(Window(DAY, UNTIL)) if part.framed]
    framed += s3_files.read_batches(listing.list_files([str(stream)]), {}, obj.name, home.settings.batch_bytes)
    records = []
    for one in framed:
        batches.record_plan(home.store, one.plan)
        records.append(flatteners.put(one))
    journal.close()
    assert len({record.plan.source for record in records}) == 2
    merge_batches(home, obj, records)


def test_a_run_killed_at_any_call_repeats_no_call(tmp_path: Path) -> None:
    """Known flaw 17: killed before each call in turn, or after its answer was written down: the same rows, each
    question asked once.
    """
    instance = instance_with([contact_at(n, FROM_S + 600 + n * 20) for n in range(6)])
    calls = {"SearchContacts": 1, "DescribeContact": 6, "ListQueues": 1, "ListUsers": 1, "ListUserHierarchyGroups": 1}
    made = [0]

    def deadly(invoke):
        def killed(operation, parameters):
            made[0] -= 1
            if made[0] == 0:
                raise KilledError
            return invoke(operation, parameters)

        return killed

    with centre_home(tmp_path) as home:
        for call in range(1, sum(calls.values()) + 1):
            home.con.execute("DELETE FROM connect.f_calls")
            home.store.remove("_ledger/collect/" + INSTANCE.instance_id + "/names.json")
            clock = VirtualClock(LATER_S)
            api = emulator(instance, clock)
            made[0] = call
            with pytest.raises(KilledError):
                collect(home, service(api, clock, around=deadly), FROM, TO)
            assert rows(home) == []
            assert collect(home, service(api, clock), FROM, TO).is_done
            assert rows(home) == [(one,) for one in instance.contacts]
            assert api.count() == calls
            assert api.count("ThrottlingException") == {}


def test_killed_again_and_again_while_pages_are_listed_ahead(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Killed every few dozen calls, with pages listed behind what is durable: none of them is requested again."""
    instance = instance_with([contact_at(n, FROM_S + n // 2) for n in range(720)])
    clock = VirtualClock(RUN_S)
    api = emulator(instance, clock, check=False)
    left = [0]

    def deadly(invoke):
        def killed(operation, parameters):
            left[0] -= 1
            if left[0] <= 0:
                raise KilledError
            return invoke(operation, parameters)

        return killed

    marks = []
    with centre_home(tmp_path) as home:
        for lived in (3, 71, 45, 130, 1, 160, 57, 2, 190):
            left[0] = lived
            with pytest.raises(KilledError):
                run_due(home, service(api, clock, around=deadly), batch_contacts=150)
            marks.append(watermark(home))
            # In order, every contact before the watermark is there.
            before = [(one,) for one in instance.contacts if at(FROM_S + int(one[-4:]) // 2) < watermark(home)]
            assert rows(home)[: len(before)] == before
        assert run_due(home, service(api, clock), batch_contacts=150).is_done
        assert rows(home) == [(one,) for one in instance.contacts]
    assert len(set(marks)) > 3
    assert marks == sorted(marks)
    assert api.count()["DescribeContact"] == 720
    assert api.count()["SearchContacts"] == 8
    assert api.count("ThrottlingException") == {}


def test_a_process_that_was_killed_leaves_nothing_behind(tmp_path: Path) -> None:
    """The home is opened anew: its lock, its journal and its plans are as after a death; the run goes on."""
    instance = instance_with([contact_at(n, FROM_S + 600 + n * 20) for n in range(6)])
    clock = VirtualClock(LATER_S)
    api = emulator(instance, clock)
    left = [6]

    def failing(operation: str, request: object) -> None:
        left[0] -= 1
        if left[0] == 0:
            raise KilledError

    api.failures = failing
    with pytest.raises(KilledError), centre_home(tmp_path) as home:
        collect(home, service(api, clock), FROM, TO)
    (journal,) = (tmp_path / "collect").iterdir()
    assert journal.stat().st_mode & 0o077 == 0
    # Cut where the process died while it wrote.
    journal.write_bytes(journal.read_bytes() + b'{"key":"cut')
    with centre_home(tmp_path) as home:
        assert collect(home, service(api, clock), FROM, TO).is_done
        assert len(rows(home)) == 6
    assert not journal.exists()
    assert api.count()["DescribeContact"] == 6


def test_an_old_journal_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An hour later the contacts may have changed: what was asked then is asked again."""
    instance = instance_with([contact_at(1, FROM_S + 600, completed_at=FROM_S + 9 * 3600)])
    clock = VirtualClock(FROM_S + 8 * 3600)
    api = emulator(instance, clock, lists_after_contact_work=True)

    with centre_home(tmp_path) as home:
        with monkeypatch.context() as patched:
            kill_at(patched, "/collect/")
            with pytest.raises(KilledError):
                collect(home, service(api, clock), FROM, TO)
        clock.sleep(2 * 3600)
        home.con.execute("DELETE FROM connect.f_calls")
        collect(home, service(api, clock), FROM, TO)
        assert rows(home, "agent_after_contact_work_duration_ms IS NULL") == [(False,)]
    assert api.count()["DescribeContact"] == 2


@pytest.mark.parametrize("step", [1, 2, 3])
def test_killed_between_effect_and_watermark(tmp_path: Path, step: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """The part is merged and the watermark is not written: it is behind the data, and the next run ends the same."""
    clock = VirtualClock(RUN_S)
    # Two pages, so that a part is cut inside the window.
    ended = {f"00000000-0000-4000-8000-{n:012d}": FROM_S + n * 20 for n in range(250)}
    api = emulator(instance_with([contact_at(n, FROM_S + n * 20) for n in range(250)]), clock, check=False)
    with centre_home(tmp_path) as home:
        with monkeypatch.context() as patched:
            # The first write says which windows are due, each further one moves the watermark.
            kill_at(patched, "/schedule.json", number=1 + step)
            with pytest.raises(KilledError):
                run_due(home, service(api, clock), batch_contacts=2)
        reached = watermark(home)
        assert reached == (FROM if step == 1 else at(FROM_S + (100 * (step - 1) - 1) * 20))
        there = {one for (one,) in rows(home)}
        assert {one for one, second in ended.items() if at(second) < reached} < there
        assert run_due(home, service(api, clock)).is_done
        assert len(rows(home)) == 250
    assert api.count()["DescribeContact"] == 250
    assert api.count()["SearchContacts"] == 3
    assert api.count("ThrottlingException") == {}


def test_killed_at_its_very_end_a_range_is_done(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All was read and durable, and the place was not forgotten: the same command says so, and makes no call."""
    clock = VirtualClock(RUN_S)
    api = emulator(instance_with([contact_at(1, FROM_S + 600)]), clock)

    with centre_home(tmp_path) as home:
        with monkeypatch.context() as patched:
            kill_at(patched, "/range-", method="remove")
            with pytest.raises(KilledError):
                collect(home, service(api, clock), FROM, TO)
        asked = api.count()
        again = collect(home, service(api, clock), FROM, TO)
        assert (again.is_done, again.through, api.count()) == (True, TO, asked)
        assert collect(home, service(api, clock), FROM, TO).tally.listed == 1


def test_the_schedule_finds_contacts_that_complete_late(tmp_path: Path) -> None:
    """Known flaw 16: after contact work that ends hours later, an index that lags, an outage of the collector: all
    there in the end.
    """
    lags = {3: 5 * 3600.0}
    instance = instance_with([
        contact_at(1, FROM_S + 3600), contact_at(2, FROM_S + 3660, completed_at=FROM_S + 8 * 3600),
        contact_at(3, FROM_S + 3720), contact_at(4, START_S + 40 * 3600), contact_at(5, START_S + 60 * 3600),
    ])  # fmt: skip
    clock = VirtualClock(RUN_S)
    api = emulator(instance, clock, index_lag_s=lambda one: lags.get(int(one.contact_id[-2:]), 60.0))
    seen: list[int] = []
    assert previous_window(at(RUN_S), make_schedule()) == Window(FROM, TO)  # what the first run collects
    with centre_home(tmp_path) as home:
        for hours in [0, 2, 12, 58, 60]:  # a run after the window, the next, a later one, and after a long pause
            clock.set(RUN_S + hours * 3600)
            assert run_due(home, service(api, clock)).is_done
            assert watermark(home) <= at(clock.now_s())
            seen.append(len(rows(home)))
    assert seen == [1, 1, 3, 5, 5]
    assert api.count()["DescribeContact"] == 5
    assert api.count("ThrottlingException") == {}


def test_a_row_that_was_open_is_described_again(tmp_path: Path) -> None:
    """Where the service lists contacts during after contact work: completed at the next visit, and then let be."""
    instance = instance_with([contact_at(1, FROM_S + 3600, completed_at=FROM_S + 7 * 3600)])
    clock = VirtualClock(RUN_S)
    api = emulator(instance, clock, lists_after_contact_work=True)
    column = "agent_after_contact_work_duration_ms"
    with centre_home(tmp_path) as home:
        run_due(home, service(api, clock))
        assert rows(home, column) == [(None,)]
        for hours in (24, 240):
            clock.set(START_S + hours * 3600)
            run_due(home, service(api, clock))
            assert rows(home, column) == [(6 * 3600 * 1000,)]
    assert api.count()["DescribeContact"] == 2


def without_after_contact_work(number: int, ended_at: int, **changes: object) -> ApiContact:
    """A contact that an agent had and that has no after-contact work."""
    contact = contact_at(number, ended_at)
    times = ("AfterContactWorkStartTimestamp", "AfterContactWorkEndTimestamp", "AfterContactWorkDuration")

    def record_at(now: float) -> dict[str, object]:
        record = contact.record_at(now)
        return record | {"Agent": record["Agent"] | dict.fromkeys(times)} | changes

    return dataclasses.replace(contact, record_at=record_at)


@pytest.mark.parametrize(
    ("changes", "described"),
    [
        ({"Channel": "EMAIL", "InitiationMethod": "AGENT_REPLY"}, [1, 0, 0, 0]),
        ({"Channel": "VOICE", "InitiationMethod": "MONITOR"}, [1, 0, 0, 0]),
        ({"Channel": "VOICE", "InitiationMethod": "INBOUND"}, [1, 1, 1, 0]),
        ({"Channel": "CHAT", "InitiationMethod": "API"}, [1, 1, 1, 0]),
    ],
)
def test_a_contact_without_after_contact_work_is_not_described_forever(
    tmp_path: Path, changes: dict[str, object], described: list[int]
) -> None:
    """One that never has any is described once, any other one at most until a month after its end."""
    instance = instance_with([without_after_contact_work(1, FROM_S + 600, **changes)])
    clock = VirtualClock(FROM_S + 2 * 3600)
    api = emulator(instance, clock)
    seen = []
    with centre_home(tmp_path) as home:
        for hours in (2, 14, 24 * 7, 24 * 31):
            clock.set(FROM_S + hours * 3600)
            before = api.count()["DescribeContact"]
            collect(home, service(api, clock), FROM, TO)
            seen.append(api.count()["DescribeContact"] - before)
        assert len(rows(home)) == 1
    assert seen == described


@pytest.mark.parametrize("skew_s", [-290.0, 290.0])
def test_clock_skew_of_minutes_loses_nothing(tmp_path: Path, skew_s: float) -> None:
    """Beyond five minutes AWS refuses signatures; within, windows are due a little early or late."""
    instance = instance_with([contact_at(n, FROM_S + n * 1700) for n in range(12)])
    clock = VirtualClock(START_S)
    api = emulator(instance, clock)
    with centre_home(tmp_path) as home:
        for hours in range(0, 18, 2):
            clock.set(RUN_S + hours * 3600 - skew_s)
            assert run_due(home, service(api, clock, skew_s=skew_s)).is_done
        assert len(rows(home)) == 12
    assert api.count()["DescribeContact"] == 12


def test_a_deadline_leaves_the_rest_to_the_next_run(tmp_path: Path) -> None:
    """Short runs: each moves the watermark on, none calls after its deadline, and nothing is described twice."""
    instance = instance_with([contact_at(n, FROM_S + n // 2) for n in range(420)])
    clock = VirtualClock(RUN_S)
    api = emulator(instance, clock, check=False)
    marks = []
    with centre_home(tmp_path) as home:
        for _ in range(8):
            deadline_s = clock.now_s() + 15
            done = run_due(home, service(api, clock, deadline_s=deadline_s))
            assert all(call.at_s < deadline_s for call in api.calls)
            marks.append(watermark(home))
            if done.is_done:
                break
            clock.set(deadline_s)
        assert done.is_done
        assert 3 <= len(marks) <= 6
        assert marks == sorted(set(marks))
        assert len(rows(home)) == 420
    assert api.count()["DescribeContact"] == 420
    assert api.count("ThrottlingException") == {}


def test_instances_of_one_account_share_its_quota_and_of_two_do_not(tmp_path: Path) -> None:
    """Buckets are by account, Region and operation; what cannot be asked for calls nothing."""
    clock = VirtualClock(LATER_S)
    api = emulator(simulated(24), clock)
    arns = [
        "arn:aws:connect:us-east-1:111122223333:instance/one", "arn:aws:connect:us-east-1:111122223333:instance/two",
        "arn:aws:connect:eu-west-2:111122223333:instance/three", "arn:aws:connect:us-east-1:444455556666:instance/four",
    ]  # fmt: skip
    with centre_home(tmp_path) as home:
        made = collector(home, service(api, clock))
        found = [made.client(parse_instance(arn, {}), NoCache()) for arn in arns]
        buckets = [one.buckets.of(one.instance.account, one.instance.region, "SearchContacts") for one in found]
        assert buckets[0] is buckets[1]
        assert len({id(one) for one in buckets}) == 3
        for since, until, said in [
            (DAY, DAY, "must be later than"), (DAY, DAY + timedelta(days=11), "is in the future"),
            (DAY - timedelta(days=800), DAY, "goes back two years"),
        ]:  # fmt: skip
            with pytest.raises(UsageError, match=said):
                made.collect(INSTANCE, since, until)
    assert api.calls == []


def test_fields_that_the_api_lacks_are_not_drift(tmp_path: Path) -> None:
    """Fields that rows of the API never have did not vanish from the stream."""
    from trunkline.ledger import index

    clock = VirtualClock(LATER_S)
    given = service(emulator(simulated(24), clock), clock)
    with centre_home(tmp_path) as home:
        load_into(home, deliver(tmp_path / "stream.json", sorted(simulated(24).contacts)[:12]))
        collect(home, given, DAY, UNTIL)
        assert len(rows(home)) == 24
        assert [drift.records for drift in index.drifts(home.warehouse, "contact_record")] == [12]


def test_an_unfinished_plan_is_dropped_by_the_next_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Killed behind the plan and before its rows: a load of files drops it, and the collector makes it anew."""
    clock = VirtualClock(LATER_S)
    api = emulator(simulated(24), clock)
    given = service(api, clock)
    ids = sorted(simulated(24).contacts)

    with centre_home(tmp_path) as home:
        with monkeypatch.context() as patch:
            kill_at(patch, "/year=", method="put_file")
            with pytest.raises(KilledError):
                collect(home, given, DAY, UNTIL)
        assert len(list(home.store.list("_ledger/plan/"))) == 1
        load_into(home, deliver(tmp_path / "stream.json", ids[:12]))
        assert list(home.store.list("_ledger/plan/")) == []
        assert collect(home, given, DAY, UNTIL).counts.inserted == 12
        assert Counter(rows(home, "record_fidelity")) == {("stream",): 12, ("api",): 12}
    assert api.count()["DescribeContact"] == 24
