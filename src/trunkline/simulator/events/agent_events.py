"""Agent events as Amazon Connect publishes them: full snapshots, before and after.

Source: https://docs.aws.amazon.com/connect/latest/adminguide/agent-event-stream-model.html. A heartbeat follows every
120 seconds without another event, for up to an hour after the logout.
"""

from __future__ import annotations

import functools
import random
from collections.abc import Iterator
from typing import Any

from trunkline.limits import AGENT_HEARTBEAT_S
from trunkline.simulator.centre.centre import ACCOUNT_ID, INSTANCE_ARN, Agent, Profile, Queue, arn, stamp, uuid_of
from trunkline.simulator.centre.journal import AVAILABLE, OFFLINE
from trunkline.simulator.events.timeline import (
    HEART_BEAT,
    LOGIN,
    LOGOUT,
    AgentContact,
    AgentState,
    AgentTimeline,
    millisecond,
)

Event = dict[str, Any]
_VERSION = "2019-05-25"
_CHANNELS = ("VOICE", "CHAT", "TASKS", "EMAIL")
_CHANNEL_OF_QUEUE = {"Chat": ("CHAT",), "Back office": ("TASKS", "EMAIL")}


def agent_events(line: AgentTimeline, seed: int) -> Iterator[tuple[int, Event]]:
    """The events of one agent as (Unix milliseconds, event), in order of time, without faults.

    An event is read-only: parts of it are shared with others.
    """
    rng = random.Random(f"agent events {seed} {line.agent.number}")
    before: Event | None = None
    for position, state in enumerate(line.states):
        snapshot = _snapshot(line.agent, state)
        yield (
            state.at_ms,
            _event(line.agent, rng, state.at_ms, state.cause, snapshot, None if state.cause == LOGIN else before),
        )
        before = snapshot
        for beat_ms in _beats(line, position):
            yield beat_ms, _event(line.agent, rng, beat_ms, HEART_BEAT, snapshot, snapshot)


def _beats(line: AgentTimeline, position: int) -> range:
    """The heartbeats between a state and the next one."""
    state = line.states[position]
    step = AGENT_HEARTBEAT_S * 1000
    until = line.states[position + 1].at_ms if position + 1 < len(line.states) else None
    if state.cause == LOGOUT or until is None:
        # The agent's page may be closed at once: after the logout heartbeats last up to an hour.
        last = state.at_ms + 60_000 * (line.agent.number * 17 % 60)
        until = last if until is None else min(until, last)
    return range(state.at_ms + step, until, step)


def _event(agent: Agent, rng: random.Random, at_ms: int, kind: str, current: Event, previous: Event | None) -> Event:
    return {
        "AWSAccountId": ACCOUNT_ID,
        "AgentARN": agent.arn,
        "CurrentAgentSnapshot": current,
        "EventId": uuid_of(rng),
        "EventTimestamp": stamp_ms(at_ms),
        "EventType": kind,
        "InstanceARN": INSTANCE_ARN,
        "PreviousAgentSnapshot": previous,
        "Version": _VERSION,
    }


def stamp_ms(at_ms: int) -> str:
    """Unix milliseconds as `yyyy-mm-ddThh:mm:ss.sssZ`."""
    return f"{stamp(at_ms // 1000)[:-1]}.{at_ms % 1000:03d}Z"


def _snapshot(agent: Agent, state: AgentState) -> Event:
    next_status = None
    if state.next_status is not None:
        name, chosen_ms = state.next_status
        next_status = {"ARN": status_arn(name), "EnqueuedTimestamp": stamp_ms(chosen_ms), "Name": name}
    return {
        "AgentStatus": {
            "ARN": status_arn(state.status),
            "Name": state.status,
            "StartTimestamp": stamp_ms(state.status_ms),
            "Type": {AVAILABLE: "ROUTABLE", OFFLINE: "OFFLINE"}.get(state.status, "CUSTOM"),
        },
        "Configuration": _configuration(agent, len(state.contacts)),
        "Contacts": [_contact(item) for item in state.contacts],
        "NextAgentStatus": next_status,
    }


@functools.cache
def status_arn(name: str) -> str:
    """The ARN of an agent status. It depends on the name only."""
    return arn("agent-state", uuid_of(random.Random(f"status {name}")))


def _contact(item: AgentContact) -> Event:
    contact = item.contact
    return {
        "Channel": "TASKS" if contact.channel == "TASK" else contact.channel,
        "ConnectedToAgentTimestamp": None if item.connected_ms is None else stamp_ms(item.connected_ms),
        "ContactId": contact.contact_id,
        "InitialContactId": contact.initial_id,
        "InitiationMethod": contact.method,
        "Queue": _contact_queue(item),
        "QueueTimestamp": None if contact.enqueued_at is None else stamp_ms(millisecond(contact, contact.enqueued_at)),
        "State": item.state,
        "StateStartTimestamp": stamp_ms(item.since_ms),
    }


def _contact_queue(item: AgentContact) -> Event | None:
    contact = item.contact
    if contact.personal_queue_of is not None:
        return {"ARN": arn("queue", f"agent/{contact.personal_queue_of.agent_id}"), "Name": None}
    return None if contact.queue is None else {"ARN": contact.queue.arn, "Name": contact.queue.name}


@functools.lru_cache(maxsize=20_000)
def _configuration(agent: Agent, load: int) -> Event:
    first, _, last = agent.username.partition(".")
    groups: Event | None = None
    if agent.levels:
        groups = {f"Level{level}": None for level in range(1, 6)}
        for level, group in enumerate(agent.levels, 1):
            groups[f"Level{level}"] = {"ARN": group.arn, "Name": group.name}
    return {
        "AgentHierarchyGroups": groups,
        "FirstName": first.title(),
        "LastName": last.title(),
        "Proficiencies": [],
        "RoutingProfile": _profile(agent, load),
        "Username": agent.username,
    }


def _profile(agent: Agent, load: int) -> Event:
    profile = agent.profile
    personal = {"ARN": arn("queue", f"agent/{agent.agent_id}"), "Channels": list(_CHANNELS), "Name": None}
    slots = {channel: profile.slots if channel == "CHAT" else 1 for channel in _channels(profile)}
    return {
        "ARN": profile.arn,
        "Concurrency": [
            {"AvailableSlots": max(0, maximum - load), "Channel": channel, "MaximumSlots": maximum}
            for channel, maximum in slots.items()
        ],
        "DefaultOutboundQueue": _queue(profile.queues[0]),
        "InboundQueues": [personal, *(_queue(queue) for queue in profile.queues)],
        "Name": profile.name,
    }


def _channels(profile: Profile) -> list[str]:
    return list(dict.fromkeys(channel for queue in profile.queues for channel in _channels_of(queue)))


def _channels_of(queue: Queue) -> tuple[str, ...]:
    return _CHANNEL_OF_QUEUE.get(queue.name, ("VOICE",))


def _queue(queue: Queue) -> Event:
    return {"ARN": queue.arn, "Channels": list(_channels_of(queue)), "Name": queue.name}
