"""Contacts out of events: the join's laws, phases, early numbers, after contact work, and what is dropped when."""

from __future__ import annotations

import itertools
from datetime import datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from live_events import (
    AGENT,
    INSTANCE,
    NOON,
    QUEUE,
    after,
    agent_event,
    contact_event,
    contact_record,
    folded,
    offered,
    snapshot,
    stamp,
)

from trunkline.live import fold
from trunkline.live.contacts import LiveContact, join
from trunkline.live.fold import AGENT_QUEUES, LiveState
from trunkline.live.phases import Phase, end_of, expected_row, phase_of
from trunkline.live.rules import LiveRules
from trunkline.live.terms import ContactRow
from trunkline.live.views import QueueView, contact_views, contacts_behind, queue_views, today

QUEUED = {"queueInfo": {"queueArn": QUEUE, "queueType": "STANDARD", "enqueueTimestamp": stamp(after(0))}}
CONNECTED = QUEUED | {"agentInfo": {"agentArn": AGENT, "connectedToAgentTimestamp": stamp(after(12.5))}}
ENDED = CONNECTED | {"disconnectTimestamp": stamp(after(60.2))}


def queue(state: LiveState, at_s: float) -> QueueView:
    (view,) = queue_views(state, after(at_s))
    return view


times = st.none() | st.integers(0, 5).map(after)
texts = st.none() | st.sampled_from(["a", "b"])
numbers = st.none() | st.integers(0, 3)


@st.composite
def facts(draw: st.DrawFn) -> LiveContact:
    values = {
        field: draw(times if field.endswith("_at") else numbers if field.endswith("_s") else texts)
        for field in LiveContact.__struct_fields__
        if field not in ("contact_id", "seen", "record", "version", "changes")
    }
    row = (
        ContactRow(contact_id="c", queue_name=draw(texts), queue_duration_ms=draw(numbers))
        if draw(st.booleans())
        else None
    )
    changes = draw(
        st.lists(st.tuples(st.integers(0, 5).map(after), st.sampled_from(["PAUSED", "CONNECTED"])), max_size=3)
    )
    values["changes"] = tuple(sorted(set(changes)))
    return LiveContact("c", **values, seen=draw(st.integers(0, 7)), record=row, version=draw(times) if row else None)


@given(facts(), facts(), facts())
@settings(max_examples=80, deadline=None)
def test_the_join_has_no_order(first: LiveContact, second: LiveContact, third: LiveContact) -> None:
    """Commutative, associative, idempotent: what makes order, repetition and loss harmless."""
    assert join(first, second) == join(second, first)
    assert join(join(first, second), third) == join(first, join(second, third))
    assert join(first, first) == first


@pytest.mark.parametrize(
    ("event", "phase"),
    [
        (contact_event("INITIATED"), Phase.FLOW),
        (contact_event("QUEUED", **QUEUED), Phase.QUEUED),
        (contact_event("CONNECTED_TO_AGENT", **CONNECTED), Phase.CONNECTED),
        (contact_event("DISCONNECTED", **ENDED), Phase.AFTER_CONTACT_WORK),
        (contact_event("COMPLETED", **ENDED), Phase.DONE),
        (contact_event("DISCONNECTED", **QUEUED, disconnectTimestamp=stamp(after(9))), Phase.DONE),
        (contact_event("INITIATED", scheduledTimestamp=stamp(after(900))), Phase.SCHEDULED),
        (contact_event("SOMETHING_NEW"), Phase.FLOW),
    ],
)
def test_phases(event: bytes, phase: Phase) -> None:
    """Each event says where the contact is, without the earlier ones."""
    assert phase_of(folded(event).contacts["c-1"], after(70)) is phase


def test_events_in_any_order() -> None:
    """All orders of a contact's events and records give one state."""
    events = [
        contact_event("INITIATED"),
        contact_event("QUEUED", **QUEUED),
        contact_event("DISCONNECTED", **ENDED),
        agent_event(12.5, snapshot(contacts=[offered("c-1", "CONNECTED", 12.5, 12.5)])),
        contact_record(),
    ]
    states = [folded(*order).contacts for order in itertools.permutations(events)]
    assert all(state == states[0] for state in states)


def test_waiting_offered_connected() -> None:
    """A contact that rings at an agent does not wait; one that was missed waits again, since it was enqueued."""
    state = folded(contact_event("QUEUED", **QUEUED))
    assert (queue(state, 10).waiting, queue(state, 10).longest_wait_s, queue(state, 10).queue_name) == (1, 10, None)
    ringing = snapshot(contacts=[offered("c-1", "CONNECTING", 11)])
    state.apply(agent_event(11, ringing, snapshot()), after(11))
    assert (queue(state, 12).waiting, queue(state, 12).offered, queue(state, 12).queue_name) == (0, 1, "Sales")
    missed = snapshot(contacts=[offered("c-1", "MISSED", 30)])
    state.apply(agent_event(30, missed, ringing), after(30))
    assert (queue(state, 40).waiting, queue(state, 40).longest_wait_s) == (1, 40)
    state.apply(agent_event(50, snapshot(contacts=[offered("c-1", "CONNECTED", 50, 50)]), missed), after(50))
    assert (queue(state, 60).waiting, queue(state, 60).in_progress) == (0, 1)


def test_after_contact_work_of_amazons_example() -> None:
    """From ENDED to the first change without the contact: 18:55:27.017 to 18:55:32.022, 5.005 s."""
    connected = [offered("c-1", "CONNECTED", 12, 12)]
    ended = [offered("c-1", "ENDED", 60.017, 12)]
    change = agent_event(65.022, snapshot(), snapshot(contacts=ended))
    events = [agent_event(60.017, snapshot(contacts=ended), snapshot(contacts=connected)), change]
    for order in (events, events[::-1], [change]):
        contact = folded(*order).contacts["c-1"]
        assert contact.cleared_at is not None
        assert contact.ended_at is not None
        assert (contact.cleared_at - contact.ended_at).total_seconds() == 5.005
    assert queue(folded(events[0]), 62).after_contact_work == 1
    assert queue(folded(*events), 66).after_contact_work == 0


def test_hold_is_measured_from_the_change() -> None:
    """The state's own start may stay at the connection; events in any order give the same."""
    talk, hold = [offered("c-1", "CONNECTED", 12, 12)], [offered("c-1", "CONNECTED_ONHOLD", 12, 12)]
    events = [
        agent_event(20, snapshot(contacts=hold), snapshot(contacts=talk)),
        agent_event(30, snapshot(contacts=talk), snapshot(contacts=hold)),
        agent_event(150, snapshot(contacts=talk), snapshot(contacts=talk), "HEART_BEAT"),
    ]
    end = agent_event(160, snapshot(contacts=[offered("c-1", "ENDED", 160, 12)]), snapshot(contacts=talk))
    for order in itertools.permutations([*events, end]):
        row = expected_row(folded(*order).contacts["c-1"])
        assert (row.agent_customer_hold_duration_ms, row.agent_number_of_holds) == (10_000, 1)
        assert row.agent_interaction_duration_ms == 138_000
    only_on = expected_row(folded(events[0], end).contacts["c-1"])
    assert only_on.agent_customer_hold_duration_ms == 140_000, "the end of the hold was lost"


def test_pauses_of_tasks() -> None:
    """Time paused is no interaction; a task has no holds."""
    work, paused = (offered("c-1", state, 12, 12, Channel="TASKS") for state in ("CONNECTED", "PAUSED"))
    row = expected_row(
        folded(
            agent_event(20, snapshot(contacts=[paused]), snapshot(contacts=[work])),
            agent_event(50, snapshot(contacts=[work]), snapshot(contacts=[paused])),
            agent_event(72, snapshot(), snapshot(contacts=[work])),
        ).contacts["c-1"]
    )
    assert (row.agent_pause_duration_ms, row.agent_interaction_duration_ms) == (30_000, 30_000)
    assert (row.agent_customer_hold_duration_ms, row.agent_number_of_holds) == (None, None)


def test_lost_ends_are_seen_from_the_agent() -> None:
    """No DISCONNECTED, no ENDED: the agent's next snapshot lacks the contact, so it is over."""
    state = folded(contact_event("CONNECTED_TO_AGENT", **CONNECTED))
    assert queue(state, 20).in_progress == 1
    state.apply(agent_event(100, snapshot(), snapshot(), "HEART_BEAT"), after(100))
    assert contact_views(state, after(101)) == []
    released = folded(agent_event(90, snapshot(), snapshot(contacts=[offered("c-1", "CONNECTED", 12, 12)])))
    assert released.contacts["c-1"].ended_at == after(90)


@pytest.mark.parametrize(("channel", "days"), [("VOICE", 1), ("CHAT", 7), ("TASKS", 90), ("EMAIL", 90), ("NEW", 90)])
def test_contacts_that_never_end(channel: str, days: int) -> None:
    """They are over after a time that the channel allows, and are dropped."""
    state = folded(contact_event("QUEUED", **QUEUED, channel=channel))
    assert len(contact_views(state, NOON + timedelta(days=days))) == 1
    assert contact_views(state, NOON + timedelta(days=days, seconds=1)) == []
    state.sweep(NOON + timedelta(days=days + 2))
    assert state.contacts == {}


def test_a_chat_that_is_never_completed() -> None:
    """COMPLETED may never come when the agent goes offline: without agent events the work is over after two hours."""
    state = folded(contact_event("DISCONNECTED", **ENDED, channel="CHAT"))
    assert queue(state, 100).after_contact_work == 1
    assert queue(state, 7_300).after_contact_work == 0


def test_early_numbers_and_confidence() -> None:
    """From events: whole seconds as in records. The record replaces them, and completes the number."""
    state = folded(
        contact_event("COMPLETED", **ENDED | {"agentInfo": CONNECTED["agentInfo"] | {"afterContactWorkDuration": 7}})
    )
    early = queue(state, 70).today
    assert early["CONTACTS_HANDLED"].value == 1
    assert early["AVG_QUEUE_ANSWER_TIME"].value == 12
    assert early["AVG_HANDLE_TIME"].value == (60 - 12) + 7
    assert early["SERVICE_LEVEL"].value == 100
    assert (early["SERVICE_LEVEL"].confidence, early["SERVICE_LEVEL"].is_complete) == ("waiting for 1 contact", False)
    record = contact_record(
        Queue={"ARN": QUEUE, "Name": "Sales", "EnqueueTimestamp": stamp(after(0)), "Duration": 31},
        Agent={"ARN": AGENT, "ConnectedToAgentTimestamp": stamp(after(31)), "AgentInteractionDuration": 40},
    )
    state.apply(record, after(90))
    final = queue(state, 100).today
    assert final["AVG_QUEUE_ANSWER_TIME"].value == 31
    assert final["SERVICE_LEVEL"].value == 0
    assert (final["SERVICE_LEVEL"].confidence, final["SERVICE_LEVEL"].age_s) == ("complete", 39.8)
    assert today(state, after(100))["CONTACTS_CREATED"].value == 1
    assert [c.contact_id for c in contacts_behind(state, after(100))] == ["c-1"]


def test_an_early_abandon_is_none_when_another_contact_follows() -> None:
    """A callback names the contact before it, which therefore did not abandon."""
    abandoned = contact_event("DISCONNECTED", **QUEUED, disconnectTimestamp=stamp(after(9)))
    state = folded(abandoned)
    assert queue(state, 10).today["CONTACTS_ABANDONED"].value == 1
    callback = contact_event("INITIATED", "c-2", previousContactId="c-1", initiationMethod="CALLBACK")
    for order in ([abandoned, callback], [callback, abandoned]):
        state = folded(*order)
        assert today(state, after(10))["CONTACTS_ABANDONED"].value == 0
        assert {view.contact_id for view in contact_views(state, after(10))} == {"c-2"}


def test_the_newest_record_wins_in_any_order() -> None:
    """By LastUpdateTimestamp; a record without one is the oldest."""
    records = [
        contact_record(LastUpdateTimestamp=None, NextContactId="x"),
        contact_record(LastUpdateTimestamp=stamp(after(200)), NextContactId="y"),
        contact_record(LastUpdateTimestamp=stamp(after(300)), NextContactId="z"),
    ]
    for order in itertools.permutations(records):
        record = folded(*order).contacts["c-1"].record
        assert record is not None
        assert record.next_contact_id == "z"


def test_a_record_without_an_end_is_not_final() -> None:
    """It counts nothing; a contact that has ended by its events counts by them until the final record comes."""
    open_record = contact_record(DisconnectTimestamp=None, NextContactId="x")
    assert today(folded(open_record), after(100))["CONTACTS_CREATED"].value == 0
    state = folded(open_record, contact_event("DISCONNECTED", **ENDED))
    number = queue(state, 70).today["CONTACTS_HANDLED"]
    assert (number.value, number.waiting_for) == (1, 1)
    state.apply(contact_record(LastUpdateTimestamp=stamp(after(125))), after(130))
    assert today(state, after(130))["CONTACTS_HANDLED"].is_complete


def test_a_clock_that_is_ahead_does_not_make_numbers_fresh() -> None:
    """Up to a day ahead is plausible; the age is of what had arrived."""
    state = LiveState(LiveRules())
    state.apply(contact_event("DISCONNECTED", **QUEUED, disconnectTimestamp=stamp(after(3_600))), after(10))
    assert today(state, after(70))["CONTACTS_CREATED"].age_s == 60


def test_targets_per_queue_and_channel() -> None:
    """A queue's id wins over its name, that over the channel, that over the default; a late name counts again."""
    record = contact_record(
        Channel="CHAT", Queue={"ARN": QUEUE, "Name": "Sales", "EnqueueTimestamp": stamp(after(0)), "Duration": 31}
    )
    for rules, level in (
        (LiveRules(), 0.0),
        (LiveRules(x_by_channel={"CHAT": 60}), 100.0),
        (LiveRules(x_by_channel={"CHAT": 60}, x_by_queue={"Sales": 30}), 0.0),
        (LiveRules(x_by_queue={"Sales": 30, "q-1": 32}), 100.0),
    ):
        assert today(folded(record, rules=rules), after(70))["SERVICE_LEVEL"].value == level
    state = folded(contact_event("DISCONNECTED", **ENDED), rules=LiveRules(x_by_queue={"Sales": 5}))
    assert queue(state, 70).today["SERVICE_LEVEL"].value == 100
    state.name_queue(QUEUE, "Sales")
    assert queue(state, 70).today["SERVICE_LEVEL"].value == 0


def test_agents_own_queues_are_one_group() -> None:
    """As in the metrics; a thousand agents are no thousand tiles."""
    info = [
        {"queueInfo": {"queueArn": f"{INSTANCE}/queue/agent/{n}", "enqueueTimestamp": stamp(after(n))}}
        for n in range(3)
    ]
    state = folded(*[contact_event("QUEUED", f"c-{n}", **detail) for n, detail in enumerate(info)])
    view = queue(state, 10)
    assert (view.group.queue_id, view.waiting) == (AGENT_QUEUES, 3)


def test_days_and_sweep() -> None:
    """Yesterday stays until its records are in; what is older is dropped, and a late copy of it counts nowhere."""
    state = folded(contact_record(), contact_event("COMPLETED", **ENDED))
    tomorrow = NOON + timedelta(days=1)
    state.sweep(tomorrow)
    assert today(state, tomorrow)["CONTACTS_CREATED"].value == 0
    assert today(state, tomorrow, days_ago=1)["CONTACTS_CREATED"].value == 1
    state.sweep(NOON + timedelta(days=2))
    assert state.contacts == {}
    state.apply(contact_record(), NOON + timedelta(days=2))
    assert today(state, NOON + timedelta(days=2))["CONTACTS_CREATED"].value == 0


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond the bound the sums of recorded contacts stay, and their copies are recognised."""
    monkeypatch.setattr(fold, "LIVE_CONTACTS_MAX", 10)
    monkeypatch.setattr(fold, "LIVE_AGENTS_MAX", 3)
    state = LiveState(LiveRules())
    for number in range(30):
        state.apply(contact_record(f"c-{number}", DisconnectTimestamp=stamp(after(number))), after(60))
        state.apply(agent_event(number, snapshot(), AgentARN=f"{AGENT}-{number}"), after(60))
        state.sweep(after(60))
    assert (len(state.contacts), len(state.settled), len(state.agents)) == (10, 20, 3)
    assert sorted(state.agents) == [f"{AGENT}-{n}" for n in (27, 28, 29)]
    for number in range(30):
        state.apply(contact_record(f"c-{number}", DisconnectTimestamp=stamp(after(number))), after(60))
    assert today(state, after(60))["CONTACTS_CREATED"].value == 30
    state.sweep(NOON + timedelta(days=2))
    assert (state.contacts, state.settled) == ({}, {})


def test_memory_is_bounded_without_records(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no record comes, ended contacts give way to open ones; their numbers stay, and say that they are early."""
    monkeypatch.setattr(fold, "LIVE_CONTACTS_MAX", 10)
    state = LiveState(LiveRules())
    for number in range(20):
        ended = QUEUED | {"disconnectTimestamp": stamp(after(number))}
        state.apply(contact_event("COMPLETED", f"ended-{number}", **ended), after(60))
        state.apply(contact_event("QUEUED", f"open-{number}", **QUEUED), after(60))
    state.sweep(after(60))
    assert len(state.contacts) == 10
    assert all(contact_id.startswith("open-") for contact_id in state.contacts)
    created = today(state, after(60))["CONTACTS_CREATED"]
    assert (created.value, created.waiting_for) == (20, 20)


def test_expected_rows_lack_what_no_event_says() -> None:
    """An open contact has no end, a contact without agent no handle time."""
    row = expected_row(folded(contact_event("QUEUED", **QUEUED)).contacts["c-1"])
    assert (row.disconnect_timestamp, row.queue_duration_ms, row.agent_interaction_duration_ms) == (None, None, None)
    assert isinstance(row.queue_enqueue_timestamp, datetime)
    assert end_of(LiveContact("c")) is None
