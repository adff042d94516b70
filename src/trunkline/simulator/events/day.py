"""The events of the simulated days as they arrive: late, lost, repeated and out of order, by option."""

from __future__ import annotations

import heapq
import operator
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Any

from trunkline.simulator.centre.play import Played, play
from trunkline.simulator.events.agent_events import agent_events
from trunkline.simulator.events.contact_events import contact_events
from trunkline.simulator.events.timeline import AgentTimeline, contact_moments, timelines
from trunkline.simulator.export.delivery import schedule
from trunkline.simulator.export.record import export
from trunkline.simulator.spec import Spec, StreamFaults

_REORDERED_S = 8.0
_LATE_S = (30.0, 900.0)
_REPEATED_S = (0.0, 120.0)
_ARRIVED = operator.attrgetter("at_s")


class EventKind(Enum):
    """What arrives; the values are the names of the objects."""

    AGENT_EVENT = "agent_event"
    CONTACT_EVENT = "contact_event"
    CONTACT_RECORD = "contact_record"


@dataclass(frozen=True, slots=True)
class Arrival:
    """An event that reaches the stream at `at_s` (Unix seconds, with fractions). It is read-only: parts are shared."""

    at_s: float
    kind: EventKind
    event: dict[str, Any]


@dataclass(frozen=True, slots=True)
class SimulatedDay:
    """What happened, and the agents' timelines, from which the events and the right answers come."""

    spec: Spec
    played: Played
    timelines: list[AgentTimeline]


def simulate_day(spec: Spec) -> SimulatedDay:
    """Play the days of `spec`, whose contacts are those of `simulate`. Raises TerminalError as `play` does."""
    return day_of(spec, play(spec))


def day_of(spec: Spec, played: Played) -> SimulatedDay:
    """The days that `play(spec)` gave, with the agents' timelines."""
    return SimulatedDay(spec, played, timelines(played))


def arrivals(
    day: SimulatedDay,
    faults: StreamFaults | None = None,
    kinds: frozenset[EventKind] = frozenset((EventKind.AGENT_EVENT, EventKind.CONTACT_EVENT)),
) -> Iterator[Arrival]:
    """All events of those kinds in order of arrival. The same arguments give the same events.

    Without faults an agent event arrives within 1 second, a contact event within 3, each agent's and each contact's
    events in order. Contact records come with the versions, copies and delays of `simulate`, without `faults`.
    """
    faults = faults or StreamFaults()
    streams: list[Iterator[Arrival]] = []
    if EventKind.AGENT_EVENT in kinds:
        streams.append(iter(_agent_arrivals(day, faults)))
    if EventKind.CONTACT_EVENT in kinds:
        streams.append(iter(_contact_arrivals(day, faults)))
    if EventKind.CONTACT_RECORD in kinds:
        streams.append(_record_arrivals(day))
    return heapq.merge(*streams, key=_ARRIVED)


def _agent_arrivals(day: SimulatedDay, faults: StreamFaults) -> list[Arrival]:
    rng = random.Random(f"agent event delivery {day.spec.seed}")
    result: list[Arrival] = []
    for line in day.timelines:
        _deliver(result, EventKind.AGENT_EVENT, agent_events(line, day.spec.seed), faults, rng, 0.9)
    result.sort(key=_ARRIVED)
    return result


def _contact_arrivals(day: SimulatedDay, faults: StreamFaults) -> list[Arrival]:
    rng = random.Random(f"contact event delivery {day.spec.seed}")
    moments = contact_moments(day.timelines)
    result: list[Arrival] = []
    for contact in day.played.contacts:
        _deliver(result, EventKind.CONTACT_EVENT, contact_events(contact, moments, day.spec.seed), faults, rng, 2.9)
    result.sort(key=_ARRIVED)
    return result


def _record_arrivals(day: SimulatedDay) -> Iterator[Arrival]:
    for delivery in schedule(day.played.contacts, day.spec):
        record = export(delivery.contact, delivery.version, day.spec.seed)
        yield Arrival(float(delivery.arrives_at), EventKind.CONTACT_RECORD, record)


def _deliver(
    result: list[Arrival],
    kind: EventKind,
    events: Iterator[tuple[int, dict[str, Any]]],
    faults: StreamFaults,
    rng: random.Random,
    delay_s_max: float,
) -> None:
    """Add the arrivals of the events of one agent or one contact."""
    last_s = 0.0
    for at_ms, event in events:
        at_s = last_s = max(last_s, at_ms / 1000 + 0.1 + rng.random() * (delay_s_max - 0.1))
        if rng.random() < faults.loss:
            continue
        if rng.random() < faults.delay:
            at_s += rng.uniform(*_LATE_S)
        elif rng.random() < faults.reordering:
            at_s += rng.random() * _REORDERED_S
        result.append(Arrival(at_s, kind, event))
        if rng.random() < faults.duplication:
            result.append(Arrival(at_s + rng.uniform(*_REPEATED_S), kind, event))


def replay(
    events: Iterator[Arrival], speed: float, now_s: Callable[[], float], wait: Callable[[float], None]
) -> Iterator[Arrival]:
    """The same events, each no earlier than its time, `speed` times as fast as they happened.

    The first comes at once. `now_s` is a clock in seconds, `wait` pauses for seconds.
    """
    started_s, first_s = now_s(), None
    for event in events:
        first_s = event.at_s if first_s is None else first_s
        pause_s = (event.at_s - first_s) / speed - (now_s() - started_s)
        if pause_s > 0:
            wait(pause_s)
        yield event
