"""The live state against the simulator, which knows what was and what is: the numbers of the day, and the present."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import live_events
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from live_events import Arrived

from trunkline.live.fold import LiveState
from trunkline.live.phases import Phase
from trunkline.live.rules import LiveRules
from trunkline.live.terms import LIVE_METRICS
from trunkline.live.views import agent_views, contact_views, live_numbers
from trunkline.simulator.events.day import EventKind, SimulatedDay, StreamFaults
from trunkline.simulator.events.timeline import millisecond
from trunkline.simulator.export.delivery import schedule
from trunkline.simulator.export.record import export
from trunkline.simulator.oracle.oracle import answers
from trunkline.simulator.oracle.terms import TrueContact

ZONE = "America/New_York"
RULES = LiveRules(zone=ZoneInfo(ZONE), x_s=20, x_by_queue={"Sales": 30, "Chat": 60})
EVENTS = frozenset((EventKind.AGENT_EVENT, EventKind.CONTACT_EVENT))
SETTLE = timedelta(seconds=3)  # without delays an event reaches the stream within this time
Numbers = dict[tuple[date, str | None, str | None], dict[str, Any]]


def true_contacts(day: SimulatedDay) -> list[TrueContact]:
    winners = [delivery for delivery in schedule(day.played.contacts, day.spec) if delivery.is_winner]
    return [TrueContact.from_record(export(won.contact, won.version, day.spec.seed)) for won in winners]


def expected_numbers(contacts: list[TrueContact]) -> Numbers:
    """The oracle's numbers by local day, queue and channel."""
    names = [metric.name for metric in LIVE_METRICS]
    x_s = {"default": 20, **RULES.x_by_queue}
    by = answers(contacts, names, ("queue", "channel"), "day", ZONE, x_s)
    return {(day, queue, channel): dict(zip(names, row, strict=True)) for (queue, channel, day), row in by.items()}


def live_by_group(state: LiveState, days: set[date], now: datetime) -> Numbers:
    return {
        (day, group.queue_id, group.channel): {n: v.value for n, v in live_numbers(state, [sums], now).items()}
        for day in days
        for group, sums in state.day_sums(day).items()
        if any(sums)
    }


def check_final(contacts: int, seed: int, loss: float) -> None:
    """Lose, repeat and shuffle events, then bring all records in any order: the numbers are the oracle's."""
    day = live_events.simulated(contacts, seed % 4)
    rng = random.Random(seed)
    arrived = live_events.texts_of(day)
    events = [text for _, kind, text in arrived if kind in EVENTS and rng.random() >= loss]
    events += rng.sample(events, len(events) // 5)
    rng.shuffle(events)
    records = [text for _, kind, text in arrived if kind is EventKind.CONTACT_RECORD]
    rng.shuffle(records)
    now = arrived[-1][0]
    state = LiveState(RULES)
    cut = rng.randrange(len(records))
    for texts in (events, records[:cut], records[cut:]):
        assert state.apply_all(texts, now) == []
        state.day_sums(now.date())  # counted early, and replaced later
    expected = expected_numbers(true_contacts(day))
    actual = live_by_group(state, {day for day, _, _ in expected}, now)
    assert actual.keys() == expected.keys()
    for group, numbers in expected.items():
        assert actual[group] == numbers, group


@pytest.mark.parametrize("loss", [0.0, 0.3, 1.0])
def test_final_numbers_are_those_of_the_records(loss: float) -> None:
    """Whatever was lost, repeated or out of order, all records make every metric what the warehouse says."""
    check_final(150, 1, loss)


@given(seed=st.integers(0, 10**6), loss=st.floats(0, 1))
@settings(max_examples=6, deadline=None, derandomize=True)
def test_final_numbers_for_any_order(seed: int, loss: float) -> None:
    """For any order, repetition and loss."""
    check_final(60, seed, loss)


@pytest.mark.soak
@given(seed=st.integers(0, 10**6), loss=st.floats(0, 1))
@settings(max_examples=300, deadline=None)
def test_final_numbers_for_many_orders(seed: int, loss: float) -> None:
    """Hundreds of seeds."""
    check_final(150, seed, loss)


class Truth:
    """What the simulator knows of an instant."""

    def __init__(self, day: SimulatedDay, at: datetime) -> None:
        self.day, self.at_ms = day, int(at.timestamp() * 1000)
        self.states = {line.agent.arn: line.at(self.at_ms) for line in day.timelines}

    def online(self) -> Mapping[str, tuple[str, set]]:
        """Status and contacts with their states of each agent whose status is not Offline."""
        return {
            arn: (state.status, {(item.contact.contact_id, item.state) for item in state.contacts})
            for arn, state in self.states.items()
            if state is not None and state.cause != "LOGOUT" and state.status != "Offline"
        }

    def waiting(self) -> set[str]:
        """The contacts in queue that are with no agent; one that was missed goes back into the queue."""
        with_agents = {
            item.contact.number
            for state in self.states.values()
            for item in (state.contacts if state is not None else ())
            if item.state != "MISSED"
        }
        waiting = set()
        for contact in self.day.played.contacts:
            left_at = contact.agent_at if contact.agent_at is not None else contact.disconnected_at
            if contact.enqueued_at is None or contact.number in with_agents or left_at is None:
                continue
            if millisecond(contact, contact.enqueued_at) <= self.at_ms < millisecond(contact, left_at):
                waiting.add(contact.contact_id)
        return waiting

    def connected(self, *, is_dialing: bool = False) -> set[str]:
        """The contacts that agents are connected to, on hold and paused too; if wanted, also those that agents dial."""
        states = ("CONNECTED", "CONNECTED_ONHOLD", "PAUSED")
        return {
            item.contact.contact_id
            for state in self.states.values()
            for item in (state.contacts if state is not None else ())
            if item.state in states
            or (is_dialing and item.state == "CONNECTING" and item.contact.method in ("OUTBOUND", "CALLBACK"))
        }

    def moving_until(self, later: Truth) -> set[str]:
        """Contacts that entered a queue, or were with an agent whose state changed, between this and a later instant."""
        span = range(self.at_ms, later.at_ms + 1)
        entered = {
            contact.contact_id
            for contact in self.day.played.contacts
            if contact.enqueued_at is not None and millisecond(contact, contact.enqueued_at) in span
        }
        changed = [state for line in self.day.timelines for state in line.states if state.at_ms in span]
        return entered | {item.contact.contact_id for state in changed for item in state.contacts}


def check_present(day: SimulatedDay, arrived: list[Arrived], instants: int, seed: int) -> Counter[str]:
    """At random instants the state is the simulator's present; what changed within the settling time is left out."""
    rng = random.Random(seed)
    state, place = LiveState(RULES), 0
    compared: Counter[str] = Counter()
    first, last = arrived[0][0], arrived[-1][0]
    for now in sorted(first + (last - first) * rng.random() for _ in range(instants)):
        while place < len(arrived) and arrived[place][0] <= now:
            state.apply(arrived[place][2], now)
            place += 1
        then, present = Truth(day, now - SETTLE), Truth(day, now)
        views = {view.arn: view for view in agent_views(state, now) if view.is_online}
        for arn, (status, contacts) in then.online().items():
            if then.states[arn] is present.states[arn]:
                view = views[arn]
                assert view.status == status
                assert {(contact.contact_id, contact.state) for contact in view.contacts} == contacts
                compared["agents"] += 1
        waiting = {v.contact_id for v in contact_views(state, now) if v.phase is Phase.QUEUED and not v.is_offered}
        settled = then.waiting() & present.waiting()
        assert settled <= waiting | then.moving_until(present)
        assert waiting <= then.waiting() | present.waiting() | then.moving_until(present)
        compared["waiting"] += len(settled)
        connected = {v.contact_id for v in contact_views(state, now) if v.phase is Phase.CONNECTED}
        settled = then.connected() & present.connected()
        assert settled <= connected | then.moving_until(present)
        # An agent who dials is connected by the contact events, and connecting by the agent's own.
        dialing = then.connected(is_dialing=True) | present.connected(is_dialing=True)
        assert connected <= dialing | then.moving_until(present)
        compared["connected"] += len(settled)
    return compared


@pytest.mark.parametrize("seed", [0, 1])
def test_the_present_is_the_simulators(seed: int) -> None:
    """Without loss, 3 seconds after it happened, whatever the order within these seconds."""
    day = live_events.simulated(300, seed)
    compared = check_present(day, live_events.texts_of(day, kinds=EVENTS), 150, seed)
    assert compared["agents"] > 300
    assert compared["waiting"] > 5
    assert compared["connected"] > 100


def test_the_present_with_records_and_repetition() -> None:
    """Records among the events and repeated events change nothing of the present."""
    day = live_events.simulated(200, 2)
    arrived = live_events.texts_of(day, StreamFaults(duplication=0.3))
    assert check_present(day, arrived, 100, 5)["agents"] > 100


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(100))
def test_the_present_for_many_seeds(seed: int) -> None:
    """A hundred other days."""
    day = live_events.simulated(250, 100 + seed)
    check_present(day, live_events.texts_of(day, StreamFaults(duplication=0.1), EVENTS), 100, seed)
