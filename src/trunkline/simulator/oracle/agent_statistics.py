"""Reference results for agents' statistics per quarter of an hour, in plain Python from raw agent events.

Written from Amazon's definitions and independent of any SQL. A state lasts until the agent's next event, 15 minutes at
most; nothing is known after the last one.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from trunkline.limits import AGENT_SILENCE_S_MAX
from trunkline.simulator.oracle.oracle import INTERVALS_S

Event = Mapping[str, Any]
_QUARTER_MS = INTERVALS_S["15min"] * 1000
_HANDLED = frozenset(("CONNECTED", "CONNECTED_ONHOLD", "PAUSED", "ENDED"))
_FAILED = frozenset(("MISSED", "REJECTED", "ERROR"))
_METHODS = dict.fromkeys(("INBOUND", "TRANSFER", "QUEUE_TRANSFER"), "incoming") | {
    "OUTBOUND": "outbound",
    "CALLBACK": "callback",
    "API": "api",
}


@dataclass(slots=True)
class AgentQuarter:
    """What one agent did in one quarter of an hour, in milliseconds. `status` is that at its end, by name."""

    online: int = 0
    non_productive: int = 0
    error: int = 0
    on_contact: int = 0
    idle: int = 0
    offered: int = 0
    status: str = ""
    by_status: dict[str, int] = field(default_factory=lambda: defaultdict(int))


@dataclass(slots=True)
class AgentQueueQuarter:
    """What one agent did for one queue and channel in one quarter of an hour; times in milliseconds."""

    offered: int = 0
    accepted: int = 0
    handled: int = 0
    non_response: int = 0
    non_response_without_abandons: int = 0
    handle: int = 0
    contact: int = 0
    connecting: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    attempts: dict[str, int] = field(default_factory=lambda: defaultdict(int))


@dataclass(frozen=True, slots=True)
class AgentStatistics:
    """By (agent ARN, begin of the quarter in Unix milliseconds), and by (agent ARN, queue ARN, channel, begin)."""

    agents: Mapping[tuple[str, int], AgentQuarter]
    queues: Mapping[tuple[str, str, str, int], AgentQueueQuarter]


def agent_statistics(events: Iterable[Event], disconnects: Mapping[str, int]) -> AgentStatistics:
    """The statistics of these events, in any order and repeated or not. `disconnects`: contact id to Unix second."""
    by_agent: dict[str, dict[str, Event]] = defaultdict(dict)
    for event in events:
        by_agent[event["AgentARN"]][event["EventId"]] = event
    agents: dict[tuple[str, int], AgentQuarter] = defaultdict(AgentQuarter)
    queues: dict[tuple[str, str, str, int], AgentQueueQuarter] = defaultdict(AgentQueueQuarter)
    for agent, known in by_agent.items():
        ordered = sorted(known.values(), key=lambda event: (event["EventTimestamp"], event["EventId"]))
        for event, start, end in _spans(ordered):
            for quarter, ms in _quarters(start, end):
                _add_agent_time(agents[agent, quarter], event["CurrentAgentSnapshot"], ms)
                _add_queue_time(queues, agent, quarter, event["CurrentAgentSnapshot"], ms)
        _count_offers(queues, agent, ordered, disconnects)
    return AgentStatistics({key: value for key, value in agents.items() if value.online}, dict(queues))


def _at_ms(text: str) -> int:
    return round(datetime.fromisoformat(text).timestamp() * 1000)


def _spans(events: Sequence[Event]) -> Iterator[tuple[Event, int, int]]:
    """Each event with the time during which its state is known."""
    times = [_at_ms(event["EventTimestamp"]) for event in events]
    for place, event in enumerate(events):
        until = times[place + 1] if place + 1 < len(times) else times[place]
        yield event, times[place], min(until, times[place] + AGENT_SILENCE_S_MAX * 1000)


def _quarters(start: int, end: int) -> Iterator[tuple[int, int]]:
    """The quarters of an hour of a span, each with the milliseconds in it; a span without length has one."""
    quarter = start - start % _QUARTER_MS
    yield quarter, min(end, quarter + _QUARTER_MS) - start
    while quarter + _QUARTER_MS < end:
        quarter += _QUARTER_MS
        yield quarter, min(end, quarter + _QUARTER_MS) - quarter


def _is_on_contact(contact: Event) -> bool:
    rings_at_customer = contact["State"] == "CONNECTING" and contact["InitiationMethod"] in ("OUTBOUND", "CALLBACK")
    return contact["State"] in _HANDLED or rings_at_customer


def _is_offer(contact: Event) -> bool:
    return contact["State"] in ("INCOMING", "PENDING", "CONNECTING") and not _is_on_contact(contact)


def _add_agent_time(total: AgentQuarter, snapshot: Event, ms: int) -> None:
    status, contacts = snapshot["AgentStatus"], snapshot["Contacts"]
    has_failed = any(contact["State"] in _FAILED for contact in contacts)
    total.status = status["Name"]
    total.by_status[status["Name"]] += ms
    total.online += ms if status["Type"] != "OFFLINE" else 0
    total.non_productive += ms if status["Type"] == "CUSTOM" else 0
    total.error += ms if has_failed else 0
    if status["Type"] != "ROUTABLE":
        return
    if any(_is_on_contact(contact) for contact in contacts):
        total.on_contact += ms
    elif has_failed or not any(_is_offer(contact) for contact in contacts):
        total.idle += ms
    else:
        total.offered += ms


def _channel(contact: Event) -> str:
    return "TASK" if contact["Channel"] == "TASKS" else str(contact["Channel"])


def _add_queue_time(
    queues: dict[tuple[str, str, str, int], AgentQueueQuarter], agent: str, quarter: int, snapshot: Event, ms: int
) -> None:
    busy: set[tuple[str, str]] = set()
    for contact in snapshot["Contacts"]:
        if contact["Queue"] is None:
            continue
        group = (contact["Queue"]["ARN"], _channel(contact))
        total = queues[agent, *group, quarter]
        if _is_on_contact(contact):
            total.handle += ms
            busy.add(group)
        if contact["State"] == "CONNECTING" and contact["InitiationMethod"] in _METHODS:
            total.connecting[_METHODS[contact["InitiationMethod"]]] += ms
    for group in busy if snapshot["AgentStatus"]["Type"] == "ROUTABLE" else ():
        queues[agent, *group, quarter].contact += ms


@dataclass(slots=True)
class _ContactState:
    contact: Event
    end_ms: int = 0
    is_last: bool = False


def _count_offers(
    queues: dict[tuple[str, str, str, int], AgentQueueQuarter],
    agent: str,
    events: Sequence[Event],
    disconnects: Mapping[str, int],
) -> None:
    """Count what began in the quarter of a state's begin, and what ended in that of its end."""
    states: dict[str, dict[tuple[str, str], _ContactState]] = defaultdict(dict)
    for place, (event, _, end) in enumerate(_spans(events)):
        for contact in event["CurrentAgentSnapshot"]["Contacts"]:
            key = (contact["StateStartTimestamp"], contact["State"])
            state = states[contact["ContactId"]].setdefault(key, _ContactState(contact))
            state.end_ms = max(state.end_ms, end)
            state.is_last |= place == len(events) - 1
    for of_contact in states.values():
        ordered = [of_contact[key] for key in sorted(of_contact, key=lambda k: (k[0], of_contact[k].end_ms, k[1]))]
        for place, state in enumerate(ordered):
            following = ordered[place + 1].contact["State"] if place + 1 < len(ordered) else None
            if state.contact["Queue"] is not None:
                _count_state(queues, agent, state, following, disconnects)


def _count_state(
    queues: dict[tuple[str, str, str, int], AgentQueueQuarter],
    agent: str,
    state: _ContactState,
    following: str | None,
    disconnects: Mapping[str, int],
) -> None:
    contact, method = state.contact, state.contact["InitiationMethod"]
    group = (agent, contact["Queue"]["ARN"], _channel(contact))
    begin_ms = _at_ms(contact["StateStartTimestamp"])
    begun = queues[*group, begin_ms - begin_ms % _QUARTER_MS]
    ended = queues[*group, state.end_ms - state.end_ms % _QUARTER_MS]
    begun.offered += _is_offer(contact)
    if contact["State"] == "CONNECTING" and method in _METHODS:
        begun.attempts[_METHODS[method]] += 1
    if contact["State"] in ("INCOMING", "PENDING", "CONNECTING") and method != "OUTBOUND":
        ended.handled += following in _HANDLED
    if not _is_offer(contact) or (following is None and state.is_last):
        return
    is_accepted = following in _HANDLED or (method == "CALLBACK" and following == "CONNECTING")
    ended.accepted += is_accepted
    ended.non_response += not is_accepted
    hung_up = disconnects.get(contact["ContactId"])
    is_abandoned = hung_up is not None and hung_up * 1000 <= state.end_ms
    ended.non_response_without_abandons += not is_accepted and contact["Channel"] == "VOICE" and not is_abandoned
