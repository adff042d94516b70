"""The oracle of agents: equal to what the centre did, which it does not read."""

from __future__ import annotations

import random
from collections import defaultdict

import pytest

from trunkline.simulator.centre.journal import AVAILABLE, CUSTOM_STATUSES, OFFLINE
from trunkline.simulator.events.day import EventKind, arrivals, simulate_day
from trunkline.simulator.oracle.agent_statistics import agent_statistics
from trunkline.simulator.oracle.present import present_oracle
from trunkline.simulator.spec import Spec

SPEC = Spec(contacts=500, seed=8)


@pytest.fixture(scope="module")
def day():
    return simulate_day(SPEC)


@pytest.fixture(scope="module")
def statistics(day):
    events = [a.event for a in arrivals(day, kinds=frozenset((EventKind.AGENT_EVENT,)))]
    random.Random(1).shuffle(events)
    disconnects = {c.contact_id: c.disconnected_at for c in day.played.contacts}
    return agent_statistics([*events, *events[::7]], disconnects)


def test_times_add_up_to_the_shifts(day, statistics):
    """Online time is that of the timelines, and what an agent does in a routable status fills it."""
    by_agent = defaultdict(lambda: defaultdict(int))
    for (arn, _), quarter in statistics.agents.items():
        for name in ("online", "non_productive", "on_contact", "idle", "offered"):
            by_agent[arn][name] += getattr(quarter, name)
        assert quarter.online <= 900_000
        assert sum(quarter.by_status.values()) <= 900_000
    for line in day.timelines:
        online = defaultdict(int)
        for state, after in zip(line.states, line.states[1:], strict=False):
            online[state.status] += after.at_ms - state.at_ms if state.status != OFFLINE else 0
        total = by_agent[line.agent.arn]
        assert total["online"] == sum(online.values())
        assert total["non_productive"] == sum(online[name] for name in CUSTOM_STATUSES)
        assert total["on_contact"] + total["idle"] + total["offered"] == online[AVAILABLE]


def test_offers_are_those_of_the_records(day, statistics):
    """Each attempt of a record is an offer, accepted or not; contacts handled are those with an agent after an offer."""
    totals = defaultdict(int)
    for quarter in statistics.queues.values():
        for name in ("offered", "accepted", "handled", "non_response", "non_response_without_abandons", "handle"):
            totals[name] += getattr(quarter, name)
    contacts = day.played.contacts
    assert totals["offered"] == sum(c.attempts for c in contacts if c.method != "OUTBOUND")
    assert totals["accepted"] + totals["non_response"] == totals["offered"]
    handled = [c for c in contacts if c.agent and c.method not in ("OUTBOUND", "MONITOR", "AGENT_REPLY")]
    assert totals["handled"] == len(handled)
    assert totals["accepted"] >= totals["handled"]
    assert 0 < totals["non_response_without_abandons"] <= totals["non_response"]
    seconds = sum(
        c.completed_at - c.agent_at for c in contacts if c.agent and c.method not in ("MONITOR", "AGENT_REPLY")
    )
    rings = sum(c.completed_at - c.dequeued_at for c in contacts if c.agent is None and c.method == "CALLBACK")
    assert totals["handle"] == pytest.approx((seconds + rings) * 1000, rel=0.001)


def test_queues_at_any_moment(day):
    """Contacts in queue are those that were queued and have neither been offered nor left."""
    oracle = present_oracle(day)
    moments = random.Random(2).sample(range(SPEC.start_s, SPEC.end_s), 300)
    waits = 0
    for second in moments:
        at_ms = second * 1000 + 950  # after every event of that second
        expected = defaultdict(int)
        ringing = {
            item.contact.contact_id
            for state in oracle.agent_states(at_ms).values()
            for item in state.contacts
            if item.state in ("CONNECTING", "INCOMING")
        }
        for contact in day.played.contacts:
            if contact.queue is None or contact.enqueued_at is None:
                continue
            if contact.enqueued_at <= second < contact.dequeued_at and contact.contact_id not in ringing:
                expected[contact.queue.name] += 1
        assert {name: count for name, count in oracle.in_queue(at_ms).items() if count} == dict(expected)
        waits += sum(expected.values())
    assert waits > 20
