"""Agents as they are now: a fold that keeps the newest snapshot, and what it means.

Every agent event is a whole snapshot, so the newest one is the state, whatever was lost before it. Events may come in
any order and any number of times. Source: administrator guide, "Agent event streams", "About contact states", and the
order of activities in "Metrics definitions" ("Agent activity").
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum
from typing import Final

import msgspec

from trunkline.limits import AGENT_SILENT_S
from trunkline.live.wire import AgentEvent, AgentSnapshot, AgentStatus, OfferedContact

_NO_SNAPSHOT: Final = AgentSnapshot()
# Events of the same millisecond: the later one of a session.
_KINDS: Final = {"LOGIN": 0, "STATE_CHANGE": 1, "HEART_BEAT": 2, "LOGOUT": 3}


class Activity(IntEnum):
    """What an agent does, by Amazon's precedence: of several contacts the one with the smallest number counts."""

    ERROR = 0
    MISSED = 1
    REJECTED = 2
    ON_CONTACT = 3
    AFTER_CONTACT_WORK = 4
    INCOMING = 5
    CUSTOM = 6
    AVAILABLE = 7
    OFFLINE = 8


# PAUSED is of tasks. A state that nobody knows means that the agent has the contact.
_ACTIVITIES: Final = {
    "ERROR": Activity.ERROR,
    "MISSED": Activity.MISSED,
    "REJECTED": Activity.REJECTED,
    "CONNECTED": Activity.ON_CONTACT,
    "CONNECTED_ONHOLD": Activity.ON_CONTACT,
    "PAUSED": Activity.ON_CONTACT,
    "ENDED": Activity.AFTER_CONTACT_WORK,
    "INCOMING": Activity.INCOMING,
    "PENDING": Activity.INCOMING,
    "CONNECTING": Activity.INCOMING,
}
_DIALED: Final = frozenset(("OUTBOUND", "CALLBACK"))
_STATUSES: Final = {"ROUTABLE": Activity.AVAILABLE, "OFFLINE": Activity.OFFLINE, "CUSTOM": Activity.CUSTOM}


class AgentNow(msgspec.Struct, frozen=True, gc=False):
    """One agent after the newest event. Times are UTC; the log-in and log-out are the latest that were seen."""

    arn: str
    at: datetime
    event_id: str
    kind: str
    snapshot: AgentSnapshot
    instance_arn: str | None = None
    logged_in_at: datetime | None = None
    logged_out_at: datetime | None = None


def fold_agent(agent: AgentNow | None, event: AgentEvent) -> AgentNow:
    """The agent after an event. Idempotent, and the same for any order of events.

    Among events of the same millisecond the one whose snapshot has the newest start wins, then by kind, then by id.
    """
    in_at = agent.logged_in_at if agent is not None else None
    out_at = agent.logged_out_at if agent is not None else None
    at = event.at
    if event.kind == "LOGIN" and (in_at is None or at > in_at):
        in_at = at
    elif event.kind == "LOGOUT" and (out_at is None or at > out_at):
        out_at = at
    if agent is not None and (at < agent.at or (at == agent.at and not _outranks(event, agent))):
        if in_at is agent.logged_in_at and out_at is agent.logged_out_at:
            return agent
        return msgspec.structs.replace(agent, logged_in_at=in_at, logged_out_at=out_at)
    snapshot = event.current or _NO_SNAPSHOT
    return AgentNow(event.agent_arn, at, event.event_id, event.kind, snapshot, event.instance_arn, in_at, out_at)


def _outranks(event: AgentEvent, agent: AgentNow) -> bool:
    newer = _newest_start(event.current or _NO_SNAPSHOT, event.at), _KINDS.get(event.kind, -1), event.event_id
    return newer > (_newest_start(agent.snapshot, agent.at), _KINDS.get(agent.kind, -1), agent.event_id)


def _newest_start(snapshot: AgentSnapshot, at: datetime) -> float:
    """Seconds from `at` to the newest start in a snapshot; the smallest number where it has none."""
    starts = [contact.since for contact in snapshot.contacts or () if contact.since is not None]
    if snapshot.status is not None and snapshot.status.since is not None:
        starts.append(snapshot.status.since)
    return max(((start - at).total_seconds() for start in starts), default=float("-inf"))


def status_activity(status: AgentStatus | None) -> Activity:
    """What a status means by itself. Old events lack its type; then its name decides, and an unknown one is custom."""
    if status is None:
        return Activity.OFFLINE
    if status.name == "Error":
        return Activity.ERROR
    if status.kind in _STATUSES:
        return _STATUSES[status.kind]
    return {"Available": Activity.AVAILABLE, "Offline": Activity.OFFLINE}.get(status.name or "", Activity.CUSTOM)


def contact_activity(contact: OfferedContact) -> Activity:
    """What a contact makes its agent do: a call that the agent dials is a contact while it rings."""
    if contact.state == "CONNECTING" and contact.method in _DIALED:
        return Activity.ON_CONTACT
    return _ACTIVITIES.get(contact.state or "", Activity.ON_CONTACT)


def is_logged_out(agent: AgentNow) -> bool:
    """Whether the agent has logged out. Heartbeats after that mean nothing; a log-in or a newer status does."""
    out_at = agent.logged_out_at
    if out_at is None or (agent.logged_in_at is not None and agent.logged_in_at > out_at):
        return False
    since = agent.snapshot.status.since if agent.snapshot.status is not None else None
    return since is None or since <= out_at


def is_silent(agent: AgentNow, now: datetime) -> bool:
    """Whether heartbeats have stopped, so that the last state may no longer hold."""
    return (now - agent.at).total_seconds() > AGENT_SILENT_S


@dataclass(frozen=True, slots=True)
class AgentView:
    """An agent at an instant.

    `activity` is by Amazon's precedence and `label` its name for people, which of a custom status is the status's own.
    `since` is when it began and `time_in_activity_s` how long ago, None where no event says so; `age_s` is the time
    since the last event. `slots` are available and most contacts by channel. A silent agent has
    its last known state, and counts nowhere. `contacts` are those of the newest snapshot.
    """

    arn: str
    instance_arn: str | None
    username: str | None
    name: str | None
    profile: str | None
    levels: tuple[str, ...]
    status: str | None
    status_kind: Activity
    next_status: str | None
    activity: Activity
    label: str
    since: datetime | None
    time_in_activity_s: float | None
    contacts: tuple[OfferedContact, ...]
    slots: Mapping[str, tuple[int, int]]
    is_online: bool
    is_silent: bool
    age_s: float


_LABELS: Final = {
    Activity.ERROR: "Error",
    Activity.MISSED: "Missed",
    Activity.REJECTED: "Rejected",
    Activity.ON_CONTACT: "On contact",
    Activity.AFTER_CONTACT_WORK: "After contact work",
    Activity.INCOMING: "Incoming",
    Activity.AVAILABLE: "Available",
    Activity.OFFLINE: "Offline",
}


def view_agent(agent: AgentNow, now: datetime) -> AgentView:
    """The agent at `now`."""
    snapshot, silent = agent.snapshot, is_silent(agent, now)
    status, configuration = snapshot.status, snapshot.configuration
    profile = configuration.profile if configuration is not None else None
    logged_out = is_logged_out(agent)
    activity, since = (Activity.OFFLINE, agent.logged_out_at) if logged_out else _activity(snapshot)
    is_online = not silent and not logged_out and status_activity(status) is not Activity.OFFLINE
    custom = (status.name if status is not None else None) or "Custom"
    return AgentView(
        arn=agent.arn,
        instance_arn=agent.instance_arn,
        username=configuration.username if configuration is not None else None,
        name=_full_name(snapshot),
        profile=profile.name if profile is not None else None,
        levels=_levels(snapshot),
        status=status.name if status is not None else None,
        status_kind=status_activity(status),
        next_status=snapshot.next_status.name if snapshot.next_status is not None else None,
        activity=activity,
        label=_LABELS.get(activity, custom),
        since=since,
        time_in_activity_s=None if since is None else max(0.0, (now - since).total_seconds()),
        contacts=() if logged_out else snapshot.contacts or (),
        slots=_slots(snapshot),
        is_online=is_online,
        is_silent=silent,
        age_s=(now - agent.at).total_seconds(),
    )


def _activity(snapshot: AgentSnapshot) -> tuple[Activity, datetime | None]:
    """The activity of a snapshot and when it began: of several contacts that cause it, the one that began first."""
    status = snapshot.status
    activity, since = status_activity(status), status.since if status is not None else None
    for contact in snapshot.contacts or ():
        caused = contact_activity(contact)
        if caused < activity:
            activity, since = caused, contact.since
        elif caused == activity and contact.since is not None and (since is None or contact.since < since):
            since = contact.since
    return activity, since


def _full_name(snapshot: AgentSnapshot) -> str | None:
    configuration = snapshot.configuration
    if configuration is None:
        return None
    return " ".join(filter(None, (configuration.first_name, configuration.last_name))) or None


def _levels(snapshot: AgentSnapshot) -> tuple[str, ...]:
    """The names of the agent's hierarchy groups from the top."""
    levels = snapshot.configuration.levels if snapshot.configuration is not None else None
    if levels is None:
        return ()
    groups = (levels.level1, levels.level2, levels.level3, levels.level4, levels.level5)
    return tuple(group.name for group in groups if group is not None and group.name is not None)


def channel_name(channel: str | None) -> str | None:
    """A channel as contact records spell it: agent events say TASKS, some contact events Voice."""
    return _CHANNELS.get(channel or "") or (channel.upper() if channel is not None else None)


_CHANNELS: Final = {
    "VOICE": "VOICE",
    "CHAT": "CHAT",
    "TASK": "TASK",
    "TASKS": "TASK",
    "Tasks": "TASK",
    "EMAIL": "EMAIL",
}


def _slots(snapshot: AgentSnapshot) -> dict[str, tuple[int, int]]:
    profile = snapshot.configuration.profile if snapshot.configuration is not None else None
    slots = profile.slots if profile is not None else None
    return {channel_name(slot.channel) or "": (slot.available or 0, slot.maximum or 0) for slot in slots or ()}


@dataclass(frozen=True, slots=True)
class AgentTotals:
    """How many agents there are of each kind, by Amazon's definitions of its real-time metrics.

    `staffed` agents have a routable status; `available` ones also have no contact at all. `after_contact_work` and
    `contacts` count contacts. Silent agents count in `silent` alone. `slots` are active and available ones by channel,
    of agents who are routable.
    """

    online: int
    staffed: int
    available: int
    on_contact: int
    after_contact_work: int
    error: int
    non_productive: int
    silent: int
    contacts: Mapping[str, int]
    slots: Mapping[str, tuple[int, int]]


def total_agents(views: Iterable[AgentView]) -> AgentTotals:
    """The totals of these agents: of one routing profile, one team or all."""
    counts: Counter[str] = Counter()
    contacts: Counter[str] = Counter()
    active: Counter[str] = Counter()
    free: Counter[str] = Counter()
    for view in views:
        if view.is_silent:
            counts["silent"] += 1
            continue
        activities = Counter(contact_activity(contact) for contact in view.contacts)
        is_staffed = view.is_online and view.status_kind is Activity.AVAILABLE
        is_busy = bool(activities[Activity.ON_CONTACT] or activities[Activity.AFTER_CONTACT_WORK])
        counts["online"] += view.is_online
        counts["staffed"] += is_staffed
        counts["available"] += is_staffed and not view.contacts
        counts["non_productive"] += view.is_online and view.status_kind is Activity.CUSTOM
        counts["on_contact"] += is_busy
        counts["after_contact_work"] += activities[Activity.AFTER_CONTACT_WORK]
        counts["error"] += view.activity in (Activity.ERROR, Activity.MISSED, Activity.REJECTED)
        for contact in view.contacts:
            contacts[channel_name(contact.channel) or "OTHER"] += 1
        for channel, (available, maximum) in view.slots.items() if is_staffed else ():
            free[channel] += available
            active[channel] += max(0, maximum - available)
    return AgentTotals(
        online=counts["online"],
        staffed=counts["staffed"],
        available=counts["available"],
        on_contact=counts["on_contact"],
        after_contact_work=counts["after_contact_work"],
        error=counts["error"],
        non_productive=counts["non_productive"],
        silent=counts["silent"],
        contacts=contacts,
        slots={channel: (active[channel], free[channel]) for channel in active.keys() | free.keys()},
    )
