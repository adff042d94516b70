"""Points: which series there are, that their number is bounded, and points of single events."""

from __future__ import annotations

import random
from dataclasses import replace

import live_events as make
import msgspec
from live_events import (
    AGENT,
    INSTANCE,
    NOON,
    QUEUE,
    after,
    agent_event,
    contact_event,
    folded,
    offered,
    snapshot,
    stamp,
)

from trunkline.live.events import decode
from trunkline.live.fold import LiveState
from trunkline.live.points import (
    EVENT_TYPES,
    SERIES,
    Point,
    agent_event_point,
    board_points,
    contact_event_point,
    series_max,
    tag_value,
)
from trunkline.live.rules import LiveRules
from trunkline.live.stores.model import sift
from trunkline.live.wire import AgentEvent, ContactEvent
from trunkline.simulator.events.day import EventKind


def of_contact(text: bytes) -> Point:
    event = decode(text)
    assert isinstance(event, ContactEvent)
    return contact_event_point(event, NOON)


def test_a_point_of_an_agent_event() -> None:
    """By the event alone: what a function without memory can say."""
    event = decode(agent_event(30, snapshot(contacts=[offered("c", "CONNECTED", 10, 10)])))
    assert isinstance(event, AgentEvent)
    point = agent_event_point(event)
    assert point.tags == (("agent", "a-1"), ("instance", "inst-1"))
    assert point.fields == {"activity": 3, "time_in_activity_s": 20, "contacts": 1, "is_online": 1, "is_silent": 0}
    assert point.at == after(30)
    # The fold writes the same series.
    assert point in board_points(
        folded(agent_event(30, snapshot(contacts=[offered("c", "CONNECTED", 10, 10)]))), after(30)
    )


def test_a_point_of_a_contact_event() -> None:
    """Its time is the latest that it names, its offset is its own, its fields what it can say."""
    ended = contact_event(
        "COMPLETED",
        queueInfo={"queueArn": QUEUE, "enqueueTimestamp": stamp(after(0))},
        agentInfo={
            "agentArn": AGENT,
            "connectedToAgentTimestamp": stamp(after(12.5)),
            "afterContactWorkEndTimestamp": stamp(after(70)),
        },
        disconnectTimestamp=stamp(after(60)),
    )
    point = of_contact(ended)
    assert dict(point.tags) == {"channel": "VOICE", "event_type": "COMPLETED", "instance": "inst-1", "queue": "q-1"}
    assert point.fields == {"events": 1, "wait_s": 12.5, "handle_s": 57.5}
    assert (point.at, point.time_ns // 1_000_000 * 1_000_000) == (after(60), 1772539260000000000)
    assert of_contact(ended) == point
    assert of_contact(contact_event("QUEUED", instanceArn=None, initiationTimestamp=None)).at == NOON


def test_unknown_words_are_other() -> None:
    """A new event type or channel makes one more series, not any number."""
    points = [of_contact(contact_event(f"NEW_{n}", channel=f"NEW_{n}")) for n in range(50)]
    assert {dict(p.tags)["event_type"] for p in points} == {"OTHER"}
    assert {dict(p.tags)["channel"] for p in points} == {"OTHER"}
    assert "OTHER" in EVENT_TYPES


def test_the_number_of_series_is_bounded() -> None:
    """Over a simulated day with its events: not more than the formula says, and no contact in any tag."""
    day = make.simulated(300, 1)
    state, series, rng = LiveState(LiveRules()), set(), random.Random(1)
    for now, kind, text in make.texts_of(day):
        event = state.apply(text, now)
        points = [contact_event_point(event, now)] if kind is EventKind.CONTACT_EVENT else []
        if rng.random() < 0.02:
            points += board_points(state, now)
        assert sift(points, now)[1] == ()
        series |= {(p.series, p.tags) for p in points}
    queues, profiles = len(state.queue_names), 7
    assert len(series) <= series_max(1, queues, len(state.agents), profiles)
    contacts = {contact.contact_id for contact in day.played.contacts}
    assert not [tag for _, tags in series for _, tag in tags if tag in contacts]


def test_points_have_declared_tags_and_fields_alone() -> None:
    """What SERIES says, for help texts, dashboards and stores; names that no store reserves."""
    for family in SERIES.values():
        assert not set(family.tags) & set(family.fields)
        assert not {"time", "measure_name", "measure_value", "job"} & {*family.tags, *family.fields}
    state = folded(
        agent_event(1, snapshot()),
        contact_event("QUEUED", queueInfo={"queueArn": QUEUE, "enqueueTimestamp": stamp(after(0))}),
    )
    points = board_points(state, after(10))
    assert sift(points, after(10))[1] == ()
    queue = next(p for p in points if p.series == "trunkline_queue")
    assert (queue.fields["waiting"], queue.fields["longest_wait_s"], queue.fields["without_record"]) == (1, 10, 0)
    assert "today_service_level" not in queue.fields, "not known, so not written"


def test_tag_values() -> None:
    """What some store cannot have is replaced, and no value is empty."""
    assert [tag_value(text) for text in ("a\\b", "a\nb", " ", "x" * 300)] == ["a/b", "a b", "-", "x" * 256]
    other = msgspec.json.decode(contact_event("QUEUED"))
    other["detail"]["queueInfo"] = {"queueArn": f"{INSTANCE}/queue/\\"}
    assert dict(of_contact(msgspec.json.encode(other)).tags)["queue"] == "/"
    assert sift([replace(of_contact(contact_event("QUEUED")), at=after(-1))], NOON)[1] == ()
