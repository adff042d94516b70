"""Points of time series: what is written to a store, the same series, tags and fields in every one.

A series is a name and its tags, and the number of series is bounded (`series_max`): tags are ids of queues, agents and
profiles, and small sets of words, never a contact. Values are numbers alone, since not every store has texts: a name is
the tag of an info series. A value that is not known is not written.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, Literal

from trunkline.live.agents import Activity, AgentTotals, AgentView, channel_name, fold_agent, total_agents, view_agent
from trunkline.live.contacts import SEEN, of_contact_event
from trunkline.live.fold import LiveState, last_segment, queue_id_of
from trunkline.live.terms import LIVE_METRICS
from trunkline.live.views import QueueView, agent_views, queue_views
from trunkline.live.wire import AgentEvent, ContactEvent

OTHER: Final = "OTHER"
CHANNELS: Final = ("VOICE", "CHAT", "TASK", "EMAIL", OTHER)
EVENT_TYPES: Final = (*SEEN, OTHER)
TAG_CHARS_MAX: Final = 256
Unit = Literal["count", "seconds", "percent", "code", "flag"]


@dataclass(frozen=True, slots=True)
class Series:
    """A family of series: its tags and its fields, with unit and meaning."""

    name: str
    help: str
    tags: tuple[str, ...]
    fields: Mapping[str, tuple[Unit, str]]


@dataclass(frozen=True, slots=True)
class Point:
    """Values of one series at an instant. Of two points of one series and time the one with the higher version counts.

    `offset_ns` is below the millisecond, so that events of one series in one millisecond are two points.
    """

    series: str
    tags: tuple[tuple[str, str], ...]
    fields: Mapping[str, float]
    at: datetime
    offset_ns: int = 0
    version: int = field(default=1, compare=False)

    @property
    def time_ns(self) -> int:
        """Unix nanoseconds."""
        return (self.at - _EPOCH) // _MICROSECOND * 1000 + self.offset_ns


_EPOCH: Final = datetime.fromisoformat("1970-01-01T00:00:00+00:00")
_MICROSECOND: Final = timedelta(microseconds=1)

_QUEUE_FIELDS: Final[dict[str, tuple[Unit, str]]] = {
    "waiting": ("count", "Contacts in queue that are not offered to an agent."),
    "offered": ("count", "Contacts in queue that ring at an agent."),
    "longest_wait_s": ("seconds", "The longest wait of a contact in queue, from when it was enqueued."),
    "longest_open_wait_s": ("seconds", "The longest wait in opening hours."),
    "in_progress": ("count", "Contacts that are connected to an agent."),
    "after_contact_work": ("count", "Contacts in after contact work."),
    "breaching": ("count", "Contacts that have waited as long as the target in opening hours, or longer."),
    "target_s": ("seconds", "The target of the service level, X."),
    "is_open": ("flag", "1 in opening hours, else 0."),
    "without_record": ("count", "Contacts of today's numbers whose record has not come: 0 when they are final."),
}
_TODAY_FIELDS: Final[dict[str, tuple[Unit, str]]] = {
    f"today_{metric.column}": (metric.unit, f"{metric.title}, of contacts that ended today.") for metric in LIVE_METRICS
}
_AGENT_FIELDS: Final[dict[str, tuple[Unit, str]]] = {
    "activity": ("code", ", ".join(f"{activity.value} {activity.name.lower()}" for activity in Activity) + "."),
    "time_in_activity_s": ("seconds", "Time in the present activity."),
    "contacts": ("count", "Contacts that the agent has, in any state."),
    "is_online": ("flag", "1 when the status is not Offline and events still come."),
    "is_silent": ("flag", "1 when no event has come for longer than two heartbeats."),
}
_TOTAL_FIELDS: Final[dict[str, tuple[Unit, str]]] = {
    "online": ("count", "Agents whose status is not Offline."),
    "staffed": ("count", "Agents whose status is Available, with or without contacts."),
    "available": ("count", "Agents whose status is Available and who have no contact."),
    "on_contact": ("count", "Agents on a contact or in after contact work."),
    "after_contact_work": ("count", "Contacts in after contact work."),
    "error": ("count", "Agents with a missed, rejected or failed contact."),
    "non_productive": ("count", "Agents whose status is a custom one."),
    "silent": ("count", "Agents of whom nothing has come for longer than two heartbeats."),
}
_EVENT_FIELDS: Final[dict[str, tuple[Unit, str]]] = {
    "events": ("count", "1: the sum counts events."),
    "wait_s": ("seconds", "From the queue to the agent, or to the end without one."),
    "handle_s": ("seconds", "From the agent to the end, with after contact work where it is known."),
}
SERIES: Final = {
    series.name: series
    for series in (
        Series(
            "trunkline_queue",
            "A queue and channel.",
            ("instance", "queue", "channel"),
            {**_QUEUE_FIELDS, **_TODAY_FIELDS},
        ),
        Series("trunkline_queue_info", "The name of a queue.", ("queue", "name"), {"info": ("flag", "Always 1.")}),
        Series("trunkline_agent", "An agent.", ("instance", "agent"), _AGENT_FIELDS),
        Series("trunkline_agents", "Agents of a routing profile.", ("profile",), _TOTAL_FIELDS),
        Series(
            "trunkline_contact_event",
            "Contact events, a point each.",
            ("instance", "queue", "channel", "event_type"),
            _EVENT_FIELDS,
        ),
    )
}


def series_max(instances: int, queues: int, agents: int, profiles: int) -> int:
    """How many series there can be for so many instances, queues, agents and routing profiles.

    Names count once; a renamed queue or profile adds one. Contacts without a queue and agents' own queues are two more.
    """
    groups = (queues + 2) * len(CHANNELS) * instances
    return groups * (1 + len(EVENT_TYPES)) + queues + agents + profiles + 1


def board_points(state: LiveState, now: datetime) -> list[Point]:
    """A point of every series but those of events, at `now`: what a process that folds writes at each tick."""
    agents = agent_views(state, now)
    profiles: dict[str, list[AgentView]] = {}
    for view in agents:
        profiles.setdefault(view.profile or "", []).append(view)
    return [
        *(_queue_point(view, now) for view in queue_views(state, now)),
        *(
            make_point("trunkline_queue_info", {"queue": last_segment(arn), "name": name}, {"info": 1}, now)
            for arn, name in state.queue_names.items()
        ),
        *(agent_point(view, now) for view in agents),
        *(_total_point(profile, total_agents(views), now) for profile, views in profiles.items()),
    ]


def agent_event_point(event: AgentEvent) -> Point:
    """The agent after one event, by that event alone, at its time."""
    return agent_point(view_agent(fold_agent(None, event), event.at), event.at)


def contact_event_point(event: ContactEvent, envelope_at: datetime) -> Point:
    """One contact event, at the latest time that it names; `envelope_at` where it names none."""
    facts = of_contact_event(event)
    at = facts.touched_at or envelope_at
    event_type = event.event_type if event.event_type in EVENT_TYPES else OTHER
    left_at = facts.agent_at or facts.disconnected_at
    handled_until = facts.cleared_at or facts.disconnected_at
    tags = {
        "instance": last_segment(facts.instance_arn),
        "queue": queue_id_of(facts.queue_arn),
        "channel": _channel(facts.channel),
        "event_type": event_type,
    }
    fields = {
        "events": 1,
        "wait_s": _seconds(facts.enqueued_at, left_at),
        "handle_s": _seconds(facts.agent_at, handled_until),
    }
    identity = f"{facts.contact_id} {event.event_type}".encode()
    offset_ns = int.from_bytes(hashlib.blake2b(identity, digest_size=4).digest()) % 1_000_000
    return make_point("trunkline_contact_event", tags, fields, at, offset_ns)


def _queue_point(view: QueueView, now: datetime) -> Point:
    group, values = view.group, view.today
    tags = {"instance": group.instance_id, "queue": group.queue_id, "channel": _channel(group.channel)}
    pending = next(iter(values.values())).waiting_for if values else 0
    fields = {name: getattr(view, name) for name in _QUEUE_FIELDS if name != "without_record"}
    fields |= {"without_record": pending}
    fields |= {f"today_{metric.column}": values[metric.name].value for metric in LIVE_METRICS}
    return make_point("trunkline_queue", tags, fields, now)


def agent_point(view: AgentView, at: datetime) -> Point:
    """An agent at an instant."""
    tags = {"instance": last_segment(view.instance_arn), "agent": last_segment(view.arn)}
    fields = {
        "activity": view.activity.value,
        "time_in_activity_s": view.time_in_activity_s,
        "contacts": len(view.contacts),
        "is_online": view.is_online,
        "is_silent": view.is_silent,
    }
    return make_point("trunkline_agent", tags, fields, at)


def _total_point(profile: str, totals: AgentTotals, now: datetime) -> Point:
    fields = {name: getattr(totals, name) for name in _TOTAL_FIELDS}
    return make_point("trunkline_agents", {"profile": profile}, fields, now)


def _channel(channel: str | None) -> str:
    name = channel_name(channel)
    return name if name in CHANNELS else OTHER


def _seconds(start: datetime | None, end: datetime | None) -> float | None:
    return None if start is None or end is None else max(0.0, (end - start).total_seconds())


def make_point(
    series: str, tags: Mapping[str, str | None], fields: Mapping[str, float | None], at: datetime, offset_ns: int = 0
) -> Point:
    """A point without what is not known. A time is cut to milliseconds, which every store has."""
    at = at.replace(microsecond=at.microsecond // 1000 * 1000)
    named = tuple((name, tag_value(value)) for name, value in sorted(tags.items()) if value)
    known = {name: float(value) for name, value in fields.items() if value is not None}
    return Point(series, named, known, at, offset_ns, max(1, (at - _EPOCH) // timedelta(milliseconds=1)))


def tag_value(text: str) -> str:
    """A text as a tag: no backslash and no control character, which not every store can have; cut to 256 characters."""
    plain = "".join("/" if sign == "\\" else sign if sign.isprintable() else " " for sign in text)
    return plain[:TAG_CHARS_MAX].strip() or "-"
