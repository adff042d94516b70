"""Events for the tests of `live/`: single ones by hand, and those of a simulated day as texts."""

from __future__ import annotations

import functools
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from trunkline.live.fold import LiveState
from trunkline.live.rules import LiveRules
from trunkline.simulator.centre.centre import Contact
from trunkline.simulator.events.day import EventKind, SimulatedDay, StreamFaults, arrivals, simulate_day
from trunkline.simulator.spec import Spec

NOON = datetime(2026, 3, 3, 12, 0, tzinfo=UTC)
INSTANCE = "arn:aws:connect:us-east-1:111122223333:instance/inst-1"
AGENT = f"{INSTANCE}/agent/a-1"
QUEUE = f"{INSTANCE}/queue/q-1"
Arrived = tuple[datetime, EventKind, bytes]


def stamp(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03d}Z"


def after(seconds: float) -> datetime:
    """So many seconds after noon."""
    return NOON + timedelta(seconds=seconds)


def offered(
    contact_id: str, state: str, since_s: float, connected_s: float | None = None, **others: Any
) -> dict[str, Any]:
    """A contact in an agent's snapshot."""
    return {
        "ContactId": contact_id,
        "Channel": "VOICE",
        "InitiationMethod": "INBOUND",
        "State": state,
        "StateStartTimestamp": stamp(after(since_s)),
        "ConnectedToAgentTimestamp": None if connected_s is None else stamp(after(connected_s)),
        "QueueTimestamp": stamp(after(0)),
        "Queue": {"ARN": QUEUE, "Name": "Sales"},
    } | others


def snapshot(status: str = "Available", since_s: float = 0, contacts: Any = (), **others: Any) -> dict[str, Any]:
    kind = {"Available": "ROUTABLE", "Offline": "OFFLINE"}.get(status, "CUSTOM")
    return {
        "AgentStatus": {"ARN": "s", "Name": status, "Type": kind, "StartTimestamp": stamp(after(since_s))},
        "Configuration": {
            "Username": "ana",
            "RoutingProfile": {"ARN": "p", "Name": "Basic", "InboundQueues": [{"ARN": QUEUE, "Name": "Sales"}]},
        },
        "Contacts": list(contacts),
        "NextAgentStatus": None,
    } | others


def agent_event(at_s: float, current: Any, previous: Any = None, kind: str = "STATE_CHANGE", **others: Any) -> bytes:
    return msgspec.json.encode(
        {
            "AgentARN": AGENT,
            "InstanceARN": INSTANCE,
            "EventId": f"e-{at_s}-{kind}",
            "EventTimestamp": stamp(after(at_s)),
            "EventType": kind,
            "CurrentAgentSnapshot": current,
            "PreviousAgentSnapshot": previous,
        }
        | others
    )


def contact_event(kind: str, contact_id: str = "c-1", **detail: Any) -> bytes:
    body = {"contactId": contact_id, "eventType": kind, "channel": "VOICE", "instanceArn": INSTANCE}
    body |= {"initiationMethod": "INBOUND", "initiationTimestamp": stamp(after(-10))} | detail
    return msgspec.json.encode({"detail-type": "Amazon Connect Contact Event", "source": "aws.connect", "detail": body})


def contact_record(contact_id: str = "c-1", **others: Any) -> bytes:
    record = {
        "AWSContactTraceRecordFormatVersion": "2017-03-10",
        "ContactId": contact_id,
        "InstanceARN": INSTANCE,
        "Channel": "VOICE",
        "InitiationMethod": "INBOUND",
        "InitiationTimestamp": stamp(after(-10)),
        "DisconnectTimestamp": stamp(after(60)),
        "LastUpdateTimestamp": stamp(after(120)),
    }
    return msgspec.json.encode(record | others)


def folded(*texts: bytes, now: datetime = NOON, rules: LiveRules | None = None) -> LiveState:
    """The state after these texts. None of them may be refused."""
    state = LiveState(rules or LiveRules())
    for text in texts:
        state.apply(text, now + timedelta(hours=1))
    return state


@functools.lru_cache(maxsize=8)
def simulated(contacts: int, seed: int) -> SimulatedDay:
    return simulate_day(Spec(contacts=contacts, seed=seed))


def texts_of(
    day: SimulatedDay, faults: StreamFaults | None = None, kinds: frozenset[EventKind] = frozenset(EventKind)
) -> list[Arrived]:
    """All events of a day in order of arrival, as Kinesis and EventBridge hand them over."""
    return [
        (datetime.fromtimestamp(arrival.at_s, UTC), arrival.kind, msgspec.json.encode(arrival.event))
        for arrival in arrivals(day, faults, kinds)
    ]


def contacts_by_id(day: SimulatedDay) -> dict[str, Contact]:
    return {contact.contact_id: contact for contact in day.played.contacts}
