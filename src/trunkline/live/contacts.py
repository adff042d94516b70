"""Contacts from initiation to completion: what events and records say of one, joined in any order.

Each source adds facts to a contact, and of two values of a fact a rule takes one, so that the join is commutative,
associative and idempotent: events may be out of order, repeated or lost, and each says what the earlier ones said. A
contact record replaces what the events said, as the truth; what they said stays, for the comparison.
Sources: administrator guide, "Contact events", "Agent event streams data model", "Contact records data model".
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Final, TypeAlias, TypeVar

import msgspec
from msgspec import structs

from trunkline.limits import CONTACT_CHANGES_MAX
from trunkline.live.agents import channel_name
from trunkline.live.terms import ContactRow
from trunkline.live.wire import AgentEvent, ContactEvent, ContactRecord, OfferedContact, RecordAgent, RecordQueue

# Bits of `seen`: the kinds of events that a contact had.
SEEN: Final = {
    "INITIATED": 1, "CONNECTED_TO_SYSTEM": 2, "QUEUED": 4, "CONNECTED_TO_AGENT": 8, "DISCONNECTED": 16,
    "COMPLETED": 32, "CONTACT_DATA_UPDATED": 64, "PAUSED": 128, "RESUMED": 256,
}  # fmt: skip
SEEN_OTHER: Final = 512
SEEN_AGENT: Final = 1024


_Fact = TypeVar("_Fact", datetime, str, int)


Change: TypeAlias = tuple[datetime, str]
"""When a contact went on hold or was paused, and when it came back: the time, and the state from then on."""
INTERRUPTIONS: Final = frozenset(("CONNECTED_ONHOLD", "PAUSED"))


class LiveContact(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What is known of one contact. Times are UTC; None where nothing has said so.

    `disconnected_at` is from contact events, `ended_at` from agent events: the end of the conversation, or when the
    agent no longer had the contact. `cleared_at` is the end of after contact work, `work_s` its whole seconds.
    `changes` are of holds and pauses, in order of time, the last 200. `next_id` is a contact that names this one as its
    previous. `seen` has a bit for each kind of event. `record` is the row of the best contact record and `version` its
    LastUpdateTimestamp.
    """

    contact_id: str
    instance_arn: str | None = None
    channel: str | None = None
    method: str | None = None
    queue_arn: str | None = None
    enqueued_at: datetime | None = None
    agent_arn: str | None = None
    agent_at: datetime | None = None
    initiated_at: datetime | None = None
    system_at: datetime | None = None
    scheduled_at: datetime | None = None
    disconnected_at: datetime | None = None
    ended_at: datetime | None = None
    cleared_at: datetime | None = None
    changes: tuple[Change, ...] = ()
    work_s: int | None = None
    hold_s: int | None = None
    next_id: str | None = None
    seen: int = 0
    touched_at: datetime | None = None
    record: ContactRow | None = None
    version: datetime | None = None


def _greatest(first: _Fact | None, second: _Fact) -> _Fact:
    return second if first is None or second > first else first


def join(first: LiveContact, second: LiveContact) -> LiveContact:
    """What both say of one contact. Commutative, associative, idempotent.

    The latest of each time, the queue that was entered last, the agent who was connected last; of two records the one
    with the later version, and of those that tie the greater row: history ties by a hash of the whole row instead.
    """
    queue_arn, enqueued_at = _pair(first.queue_arn, first.enqueued_at, second.queue_arn, second.enqueued_at)
    agent_arn, agent_at = _pair(first.agent_arn, first.agent_at, second.agent_arn, second.agent_at)
    record, version = first.record, first.version
    if second.record is not None and (record is None or _is_better(second.record, second.version, record, version)):
        record, version = second.record, second.version
    return LiveContact(
        first.contact_id,
        first.instance_arn if second.instance_arn is None else _greatest(first.instance_arn, second.instance_arn),
        first.channel if second.channel is None else _greatest(first.channel, second.channel),
        first.method if second.method is None else _greatest(first.method, second.method),
        queue_arn,
        enqueued_at,
        agent_arn,
        agent_at,
        first.initiated_at if second.initiated_at is None else _greatest(first.initiated_at, second.initiated_at),
        first.system_at if second.system_at is None else _greatest(first.system_at, second.system_at),
        first.scheduled_at if second.scheduled_at is None else _greatest(first.scheduled_at, second.scheduled_at),
        first.disconnected_at
        if second.disconnected_at is None
        else _greatest(first.disconnected_at, second.disconnected_at),
        first.ended_at if second.ended_at is None else _greatest(first.ended_at, second.ended_at),
        first.cleared_at if second.cleared_at is None else _greatest(first.cleared_at, second.cleared_at),
        first.changes if not second.changes else _union(first.changes, second.changes),
        first.work_s if second.work_s is None else _greatest(first.work_s, second.work_s),
        first.hold_s if second.hold_s is None else _greatest(first.hold_s, second.hold_s),
        first.next_id if second.next_id is None else _greatest(first.next_id, second.next_id),
        first.seen | second.seen,
        first.touched_at if second.touched_at is None else _greatest(first.touched_at, second.touched_at),
        record,
        version,
    )


def _union(first: tuple[Change, ...], second: tuple[Change, ...]) -> tuple[Change, ...]:
    """Both in order, each once; of more than the bound the last ones, which makes no difference to the join's laws."""
    return tuple(sorted({*first, *second})[-CONTACT_CHANGES_MAX:])


def _pair(
    name: str | None, at: datetime | None, other: str | None, other_at: datetime | None
) -> tuple[str | None, datetime | None]:
    """The later of two names with a time; a name without a time is the earliest."""
    if other is None and other_at is None:
        return name, at
    if at == other_at:
        return (name if other is None else _greatest(name, other)), at
    if at is None or (other_at is not None and other_at > at):
        return other, other_at
    return name, at


def _is_better(row: ContactRow, version: datetime | None, best: ContactRow, best_version: datetime | None) -> bool:
    if version != best_version:
        return best_version is None or (version is not None and version > best_version)
    return row != best and _order(row) > _order(best)


def _order(row: ContactRow) -> tuple[str, ...]:
    return tuple("" if value is None else str(value) for value in msgspec.structs.astuple(row))


def of_contact_event(event: ContactEvent) -> LiveContact:
    """What a contact event says of its contact."""
    queue, agent = event.queue_info, event.agent_info
    queue_arn = enqueued_at = agent_arn = agent_at = cleared_at = work_s = hold_s = None
    if queue is not None:
        queue_arn, enqueued_at = queue.queue_arn, queue.enqueue_timestamp
    if agent is not None:
        agent_arn, agent_at = agent.agent_arn, agent.connected_to_agent_timestamp
        cleared_at, work_s = agent.after_contact_work_end_timestamp, agent.after_contact_work_duration
        hold_s = agent.agent_initiated_hold_duration
    disconnected_at, initiated_at = event.disconnect_timestamp, event.initiation_timestamp
    return LiveContact(
        event.contact_id,
        event.instance_arn,
        channel_name(event.channel),
        event.initiation_method,
        queue_arn,
        enqueued_at,
        agent_arn,
        agent_at,
        initiated_at,
        event.connected_to_system_timestamp,
        event.scheduled_timestamp,
        disconnected_at,
        None,
        cleared_at,
        (),
        work_s,
        hold_s,
        None,
        SEEN.get(event.event_type, SEEN_OTHER),
        newest_time(event),
    )


def newest_time(event: ContactEvent) -> datetime | None:
    """The time of the last thing that a contact event says has happened. None where it has no time."""
    queue, agent = event.queue_info, event.agent_info
    return (
        event.disconnect_timestamp
        or (agent.connected_to_agent_timestamp if agent is not None else None)
        or (queue.enqueue_timestamp if queue is not None else None)
        or event.connected_to_system_timestamp
        or event.initiation_timestamp
    )


def of_previous(event: ContactEvent) -> LiveContact | None:
    """What a contact event says of the contact before its own: that another one followed."""
    if event.previous_contact_id is None:
        return None
    return LiveContact(event.previous_contact_id, next_id=event.contact_id, touched_at=event.initiation_timestamp)


def of_agent_event(event: AgentEvent) -> Iterator[LiveContact]:
    """What an agent event says of the contacts that the agent has or had a moment ago."""
    current = event.current.contacts or () if event.current is not None else ()
    previous = event.previous.contacts or () if event.previous is not None else ()
    if len(current) == 1 == len(previous) and current[0].contact_id == previous[0].contact_id:
        yield _of_offered(event, current[0], previous[0])
        return
    before = {contact.contact_id: contact for contact in previous}
    for contact in current:
        yield _of_offered(event, contact, before.pop(contact.contact_id, None))
    for contact in before.values():
        yield _of_released(event, contact)


def _of_offered(event: AgentEvent, contact: OfferedContact, earlier: OfferedContact | None) -> LiveContact:
    ended_at = contact.since if contact.state == "ENDED" else None
    changes: tuple[Change, ...] = ()
    # A state's own start may stay at the connection while a contact is on hold: what counts is when it changed.
    if earlier is not None and contact.state is not None and earlier.state != contact.state:
        is_interruption = contact.state in INTERRUPTIONS or earlier.state in INTERRUPTIONS
        changes = ((event.at, contact.state),) if is_interruption else ()
    return _facts(event, contact, ended_at, None, changes)


def _of_released(event: AgentEvent, contact: OfferedContact) -> LiveContact:
    """A contact that the agent no longer has. One that was never connected goes back to where it came from."""
    if contact.state == "ENDED":
        return _facts(event, contact, contact.since, event.at)
    ended_at = event.at if contact.connected_at is not None else None
    return _facts(event, contact, ended_at, ended_at)


def _facts(
    event: AgentEvent,
    contact: OfferedContact,
    ended_at: datetime | None = None,
    cleared_at: datetime | None = None,
    changes: tuple[Change, ...] = (),
) -> LiveContact:
    queue, connected_at = contact.queue, contact.connected_at
    return LiveContact(
        contact.contact_id,
        event.instance_arn,
        channel_name(contact.channel),
        contact.method,
        # An outbound call has a queue but never waited in it.
        queue.arn if queue is not None else None,
        contact.enqueued_at,
        event.agent_arn if connected_at is not None else None,
        connected_at,
        None,
        None,
        None,
        None,
        ended_at,
        cleared_at,
        changes,
        None,
        None,
        None,
        SEEN_AGENT,
        event.at,
    )


def of_record(record: ContactRecord) -> LiveContact:
    """What a contact record says."""
    queue, agent = record.queue or _NO_QUEUE, record.agent or _NO_AGENT
    target = record.transferred_to_endpoint
    row = ContactRow(
        contact_id=record.contact_id,
        channel=channel_name(record.channel),
        initiation_method=record.initiation_method,
        disconnect_reason=record.disconnect_reason,
        next_contact_id=record.next_contact_id,
        initiation_timestamp=record.initiation_timestamp,
        connected_to_system_timestamp=record.connected_to_system_timestamp,
        disconnect_timestamp=record.disconnect_timestamp,
        transfer_completed_timestamp=record.transfer_completed_timestamp,
        transferred_endpoint_type=target.type if target is not None else None,
        queue_arn=queue.arn,
        queue_name=queue.name,
        queue_enqueue_timestamp=queue.enqueue_timestamp,
        queue_duration_ms=milliseconds(queue.duration),
        agent_arn=agent.arn,
        agent_connected_to_agent_timestamp=agent.connected_to_agent_timestamp,
        agent_interaction_duration_ms=milliseconds(agent.agent_interaction_duration),
        agent_customer_hold_duration_ms=milliseconds(agent.customer_hold_duration),
        agent_number_of_holds=agent.number_of_holds,
        agent_pause_duration_ms=milliseconds(agent.agent_pause_duration),
        agent_after_contact_work_duration_ms=milliseconds(agent.after_contact_work_duration),
        agent_after_contact_work_end_timestamp=agent.after_contact_work_end_timestamp,
    )
    return LiveContact(
        record.contact_id,
        instance_arn=record.instance_arn,
        touched_at=record.disconnect_timestamp or record.initiation_timestamp,
        record=row,
        version=record.last_update_timestamp,
    )


def with_shared_texts(contact: LiveContact, texts: dict[str, str]) -> LiveContact:
    """The same, with one copy in memory of each ARN and word that many contacts have. `texts` has the copies."""
    share, record = texts.setdefault, contact.record
    if record is not None:
        named = {name: share(text, text) for name in _SHARED if (text := getattr(record, name)) is not None}
        record = structs.replace(record, contact_id=contact.contact_id, **named)
    shared = (contact.instance_arn, contact.channel, contact.method, contact.queue_arn, contact.agent_arn)
    instance, channel, method, queue, agent = (None if text is None else share(text, text) for text in shared)
    return structs.replace(
        contact, instance_arn=instance, channel=channel, method=method, queue_arn=queue, agent_arn=agent, record=record
    )


_SHARED: Final = ("channel", "initiation_method", "disconnect_reason", "queue_arn", "queue_name", "agent_arn")
_NO_QUEUE: Final = RecordQueue()
_NO_AGENT: Final = RecordAgent()


def milliseconds(seconds: int | None) -> int | None:
    """Seconds as the catalogue has durations."""
    return None if seconds is None else seconds * 1000
