"""Contact events as EventBridge delivers them.

Source: https://docs.aws.amazon.com/connect/latest/adminguide/contact-events.html. Like Amazon's samples, they say less
than contact records: no queue name, no username, no customer endpoint, no attributes.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from typing import Any

from trunkline.simulator.centre.centre import ACCOUNT_ID, INSTANCE_ARN, REGION, Contact, arn, stamp, uuid_of
from trunkline.simulator.events.agent_events import stamp_ms
from trunkline.simulator.events.timeline import millisecond

Event = dict[str, Any]
DETAIL_TYPE = "Amazon Connect Contact Event"
Moments = Mapping[tuple[int, str | None], int]


def contact_events(contact: Contact, moments: Moments, seed: int) -> Iterator[tuple[int, Event]]:
    """The events of one contact as (Unix milliseconds, event), in order of time, without faults.

    `moments` is `contact_moments` of all agents: events of both streams have the same times.
    """
    rng = random.Random(f"contact events {seed} {contact.number}")
    times = _times(contact, moments)
    for kind, at_ms in times:
        happened = {name: when for name, when in times if when <= at_ms}
        yield at_ms, _envelope(contact, rng, at_ms, _detail(contact, kind, happened))


def _times(contact: Contact, moments: Moments) -> list[tuple[str, int]]:
    """(event type, Unix milliseconds) in order of time. Plain inbound calls have no CONNECTED_TO_SYSTEM."""
    assert contact.disconnected_at is not None
    assert contact.completed_at is not None
    number = contact.number
    times = [("INITIATED", millisecond(contact, contact.initiated_at))]
    if contact.scheduled_at is not None:
        times.append(("CONTACT_DATA_UPDATED", millisecond(contact, contact.initiated_at)))
    if contact.system_at is not None and (contact.channel != "VOICE" or contact.method != "INBOUND"):
        times.append(("CONNECTED_TO_SYSTEM", millisecond(contact, contact.system_at)))
    if contact.enqueued_at is not None:
        times.append(("QUEUED", millisecond(contact, contact.enqueued_at)))
    if contact.agent_at is not None:
        times.append(("CONNECTED_TO_AGENT", _connected_ms(contact, moments)))
    if contact.paused_at is not None and contact.resumed_at is not None:
        times.append(("PAUSED", moments.get((number, "PAUSED"), millisecond(contact, contact.paused_at))))
        times.append(("RESUMED", millisecond(contact, contact.resumed_at)))
    ended_ms = moments.get((number, "ENDED"), millisecond(contact, contact.disconnected_at))
    cleared_ms = moments.get((number, None), ended_ms) if contact.agent is not None else ended_ms
    ended_ms = min(ended_ms, cleared_ms) if contact.agent is not None else ended_ms
    times += [("DISCONNECTED", ended_ms), ("COMPLETED", max(ended_ms, cleared_ms))]
    return sorted(times, key=lambda item: item[1])


def _connected_ms(contact: Contact, moments: Moments) -> int:
    """When the agent accepted the contact. Outbound calls and callbacks ring at the customer after that."""
    assert contact.agent_at is not None
    state = "CONNECTING" if contact.method in ("OUTBOUND", "CALLBACK") else "CONNECTED"
    return moments.get((contact.number, state), millisecond(contact, contact.agent_at))


def _detail(contact: Contact, kind: str, happened: Mapping[str, int]) -> Event:
    detail: Event = {
        "channel": contact.channel,
        "contactId": contact.contact_id,
        "eventType": kind,
        "initialContactId": contact.initial_id,
        "initiationMethod": contact.method,
        "initiationTimestamp": stamp_ms(happened["INITIATED"]),
        "instanceArn": INSTANCE_ARN,
        "previousContactId": contact.previous_id,
        "relatedContactId": contact.related_id,
    }
    if contact.system_at is not None and millisecond(contact, contact.system_at) <= happened[kind]:
        detail["connectedToSystemTimestamp"] = stamp_ms(millisecond(contact, contact.system_at))
    if kind == "CONTACT_DATA_UPDATED":
        detail["updatedProperties"] = ["ScheduledTimestamp"]
    if contact.scheduled_at is not None:
        detail["scheduledTimestamp"] = stamp_ms(contact.scheduled_at * 1000)
    if "QUEUED" in happened and contact.method != "OUTBOUND":
        detail["queueInfo"] = _queue(contact, happened["QUEUED"])
    if "CONNECTED_TO_AGENT" in happened:
        detail["agentInfo"] = _agent(contact, happened)
    if "DISCONNECTED" in happened:
        detail["disconnectTimestamp"] = stamp_ms(happened["DISCONNECTED"])
    return {name: value for name, value in detail.items() if value is not None}


def _queue(contact: Contact, queued_ms: int) -> Event:
    if contact.personal_queue_of is not None:
        queue_arn, kind = arn("queue", f"agent/{contact.personal_queue_of.agent_id}"), "AGENT"
    else:
        assert contact.queue is not None
        queue_arn, kind = contact.queue.arn, "STANDARD"
    return {"enqueueTimestamp": stamp_ms(queued_ms), "queueArn": queue_arn, "queueType": kind}


def _agent(contact: Contact, happened: Mapping[str, int]) -> Event:
    assert contact.agent is not None
    info: Event = {
        "agentArn": contact.agent.arn,
        "connectedToAgentTimestamp": stamp_ms(happened["CONNECTED_TO_AGENT"]),
    }
    if "COMPLETED" in happened and contact.acw_s is not None:
        start_ms, end_ms = happened["DISCONNECTED"], happened["COMPLETED"]
        info["afterContactWorkStartTimestamp"] = stamp_ms(start_ms)
        info["afterContactWorkEndTimestamp"] = stamp_ms(end_ms)
        info["afterContactWorkDuration"] = (end_ms - start_ms) // 1000
    if contact.agent.levels:
        groups = enumerate(contact.agent.levels, 1)
        info["hierarchyGroups"] = {f"level{level}": {"arn": group.arn} for level, group in groups}
    return info


def _envelope(contact: Contact, rng: random.Random, at_ms: int, detail: Event) -> Event:
    return {
        "version": "0",
        "id": uuid_of(rng),
        "detail-type": DETAIL_TYPE,
        "source": "aws.connect",
        "account": ACCOUNT_ID,
        "time": stamp(at_ms // 1000),
        "region": REGION,
        "resources": [arn("contact", contact.contact_id), INSTANCE_ARN],
        "detail": detail,
    }
