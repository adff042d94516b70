from __future__ import annotations

import itertools
from collections import defaultdict
from datetime import datetime

import pytest

from trunkline.errors import UsageError
from trunkline.limits import AGENT_HEARTBEAT_S
from trunkline.simulator.events.day import Arrival, EventKind, arrivals, replay, simulate_day
from trunkline.simulator.events.timeline import contact_moments, offers
from trunkline.simulator.spec import Spec, StreamFaults

SPEC = Spec(contacts=600, seed=5)


@pytest.fixture(scope="module")
def day():
    return simulate_day(SPEC)


@pytest.fixture(scope="module")
def events(day):
    return list(arrivals(day))


@pytest.fixture(scope="module")
def of_agents(events):
    """Agent events by agent, in order of arrival."""
    result = defaultdict(list)
    for arrival in events:
        if arrival.kind is EventKind.AGENT_EVENT:
            result[arrival.event["AgentARN"]].append(arrival.event)
    return result


def _at(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def test_the_same_spec_gives_the_same_events(events):
    """Ids, times and order depend on the spec only."""
    assert list(arrivals(simulate_day(SPEC))) == events
    assert [a.at_s for a in events] == sorted(a.at_s for a in events)


def test_event_ids_are_unique(events):
    """An id names one event."""
    ids = [a.event.get("EventId") or a.event["id"] for a in events]
    assert len(set(ids)) == len(ids)


def test_snapshots_follow_each_other(of_agents):
    """The previous snapshot of each event is the current one of the event before; a login has none."""
    for events in of_agents.values():
        assert events[0]["EventType"] == "LOGIN"
        assert events[0]["PreviousAgentSnapshot"] is None
        for before, event in itertools.pairwise(events):
            assert before["EventTimestamp"] < event["EventTimestamp"]
            if event["EventType"] != "LOGIN":
                assert event["PreviousAgentSnapshot"] == before["CurrentAgentSnapshot"]


def test_heartbeats_fill_the_silence(of_agents):
    """Nobody who is logged in is silent for more than 120 seconds; heartbeats go on after a logout, an hour at most."""
    beats_after_logout = 0
    for events in of_agents.values():
        logout_at = None
        for before, event in itertools.pairwise(events):
            if before["EventType"] == "LOGOUT":
                logout_at = _at(before["EventTimestamp"])
            if event["EventType"] == "LOGIN":
                logout_at = None
                continue
            assert _at(event["EventTimestamp"]) - _at(before["EventTimestamp"]) <= AGENT_HEARTBEAT_S + 0.001
            if logout_at is not None:
                assert event["EventType"] == "HEART_BEAT"
                assert _at(event["EventTimestamp"]) - logout_at <= 3600
                beats_after_logout += 1
    assert beats_after_logout > 100


def test_every_status_is_there(of_agents):
    """Routable, custom and offline statuses; breaks are chosen ahead as the next status."""
    statuses, chosen = set(), set()
    for event in itertools.chain.from_iterable(of_agents.values()):
        snapshot = event["CurrentAgentSnapshot"]
        statuses.add((snapshot["AgentStatus"]["Name"], snapshot["AgentStatus"]["Type"]))
        if snapshot["NextAgentStatus"] is not None:
            chosen.add(snapshot["NextAgentStatus"]["Name"])
    assert {("Available", "ROUTABLE"), ("Offline", "OFFLINE"), ("Break", "CUSTOM"), ("Lunch", "CUSTOM")} <= statuses
    assert chosen >= {"Break", "Lunch", "Offline"}


def test_agents_and_records_agree(day, of_agents):
    """Each record with an agent shows at this agent: connected, on hold, paused and in after contact work as long."""
    spans = defaultdict(lambda: defaultdict(float))
    for arn, events in of_agents.items():
        for event, after in itertools.pairwise(events):
            for contact in event["CurrentAgentSnapshot"]["Contacts"]:
                seconds = _at(after["EventTimestamp"]) - _at(event["EventTimestamp"])
                spans[contact["ContactId"], arn][contact["State"]] += seconds
    for contact in day.played.contacts:
        if contact.agent is None:
            assert not [key for key in spans if key[0] == contact.contact_id and "CONNECTED" in spans[key]]
            continue
        seconds = spans.pop((contact.contact_id, contact.agent.arn))
        handled = sum(seconds[name] for name in ("CONNECTED", "CONNECTED_ONHOLD", "PAUSED"))
        if contact.method in ("OUTBOUND", "CALLBACK"):
            handled += seconds["CONNECTING"]
        assert handled == pytest.approx(contact.disconnected_at - contact.agent_at, abs=1.0)
        assert seconds["ENDED"] == pytest.approx(contact.acw_s or 0, abs=1.0)
        assert seconds["PAUSED"] == pytest.approx(contact.pause_s or 0, abs=1.0)
        if contact.personal_queue_of is None and contact.channel == "VOICE":
            assert seconds["CONNECTED_ONHOLD"] == pytest.approx(contact.hold_s, abs=1.0)


def test_missed_offers_are_seen(day):
    """A contact is offered as often as its record has attempts; missed and rejected offers are states."""
    offered = offers(day.timelines)
    for contact in day.played.contacts:
        if contact.enqueued_at is not None:
            assert len(offered.get(contact.number, ())) == contact.attempts
    states = {item.state for line in day.timelines for state in line.states for item in state.contacts}
    assert states == {
        "INCOMING", "CONNECTING", "CONNECTED", "CONNECTED_ONHOLD", "PAUSED", "ENDED", "MISSED", "REJECTED",
    }  # fmt: skip


def test_contact_events_follow_the_contact(day, events):
    """Each contact has its life cycle in order, with times to the millisecond that agree with the agent events."""
    of_contact = defaultdict(list)
    for arrival in events:
        if arrival.kind is EventKind.CONTACT_EVENT:
            of_contact[arrival.event["detail"]["contactId"]].append(arrival.event["detail"])
    moments = contact_moments(day.timelines)
    for contact in day.played.contacts:
        details = of_contact[contact.contact_id]
        names = [detail["eventType"] for detail in details]
        assert names[0] == "INITIATED"
        assert names[-2:] == ["DISCONNECTED", "COMPLETED"]
        assert ("QUEUED" in names) == (contact.enqueued_at is not None)
        assert ("CONNECTED_TO_AGENT" in names) == (contact.agent is not None)
        assert ("agentInfo" in details[-1]) == (contact.agent is not None)
        if (contact.number, "ENDED") in moments:
            assert round(_at(details[-1]["disconnectTimestamp"]) * 1000) == moments[contact.number, "ENDED"]
        assert int(_at(details[-1]["disconnectTimestamp"])) == contact.disconnected_at


def test_faults_do_what_they_say(day, events):
    """Lost events are missing, repeated ones are there twice, late and overtaken ones are out of order."""
    faulty = list(arrivals(day, StreamFaults(loss=0.1, duplication=0.1, delay=0.02, reordering=0.1)))
    ids = [a.event.get("EventId") or a.event["id"] for a in faulty]
    assert 0.87 < len(set(ids)) / len(events) < 0.93
    assert 0.08 < len(ids) / len(set(ids)) - 1 < 0.12
    times = [a.event["EventTimestamp"] for a in faulty if a.kind is EventKind.AGENT_EVENT]
    assert times != sorted(times)
    with pytest.raises(UsageError, match="loss is 1.5"):
        StreamFaults(loss=1.5)


def test_records_arrive_among_the_events(day):
    """With contact records, every contact's record comes after its last event."""
    completed, recorded = {}, set()
    for arrival in arrivals(day, kinds=frozenset(EventKind)):
        if arrival.kind is EventKind.CONTACT_RECORD:
            recorded.add(arrival.event["ContactId"])
            assert completed[arrival.event["ContactId"]] <= arrival.at_s
        elif arrival.kind is EventKind.CONTACT_EVENT and arrival.event["detail"]["eventType"] == "COMPLETED":
            completed[arrival.event["detail"]["contactId"]] = arrival.at_s
    assert recorded == {contact.contact_id for contact in day.played.contacts}


def test_replay_keeps_the_pace():
    """At speed 60, a minute of the centre takes a second; the clock's own progress is taken into account."""
    now = [100.0]
    waits = []

    def wait(seconds: float) -> None:
        waits.append(seconds)
        now[0] += seconds + 0.25

    events = [Arrival(at_s, EventKind.AGENT_EVENT, {}) for at_s in (1000.0, 1060.0, 1060.0, 1120.0, 1121.0)]
    assert list(replay(iter(events), 60.0, lambda: now[0], wait)) == events
    assert waits == [1.0, 0.75]
