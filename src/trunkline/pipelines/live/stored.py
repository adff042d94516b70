"""Stored rows as the events and records that they were made of, for the live state."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from trunkline.limits import EVENT_YEAR_MIN
from trunkline.live.wire import (
    AgentEvent,
    AgentInfo,
    AgentSnapshot,
    ContactEvent,
    ContactRecord,
    EarlierSnapshot,
    Named,
    OfferedContact,
    QueueInfo,
    RecordAgent,
    RecordEndpoint,
    RecordQueue,
)


def aware(value: Any) -> Any:
    """A stored value; a time as UTC with its zone, None for one that is unset (1970)."""
    if not isinstance(value, datetime):
        return value
    return value.replace(tzinfo=UTC) if value.year >= EVENT_YEAR_MIN else None


def contact_event_of(row: Mapping[str, Any]) -> ContactEvent:
    """The contact event that a row was made of, in so far as the live state reads it. Times are aware."""
    names = ("contact_id", "event_type", "instance_arn", "previous_contact_id", "channel", "initiation_method")
    times = ("initiation", "connected_to_system", "scheduled", "disconnect")
    return ContactEvent(
        **{name: row[name] for name in names},
        **{f"{name}_timestamp": row[f"{name}_timestamp"] for name in times},
        queue_info=QueueInfo(queue_arn=row["queue_arn"], enqueue_timestamp=row["queue_enqueue_timestamp"]),
        agent_info=AgentInfo(
            agent_arn=row["agent_arn"],
            connected_to_agent_timestamp=row["agent_connected_to_agent_timestamp"],
            agent_initiated_hold_duration=_seconds(row["agent_initiated_hold_duration_ms"]),
            after_contact_work_end_timestamp=row["agent_after_contact_work_end_timestamp"],
            after_contact_work_duration=_seconds(row["agent_after_contact_work_duration_ms"]),
        ),
    )


def agent_event_of(row: Mapping[str, Any]) -> AgentEvent:
    """The agent event that a row was made of: its contacts. Times are aware."""
    return AgentEvent(
        agent_arn=row["agent_arn"],
        event_id=row["event_id"],
        at=row["event_timestamp"],
        kind=row["event_type"] or "",
        instance_arn=row["instance_arn"],
        current=AgentSnapshot(contacts=_contacts(row["current_contacts"])),
        previous=EarlierSnapshot(contacts=_contacts(row["previous_contacts"])),
    )


def _contacts(contacts: Iterable[Mapping[str, Any]] | None) -> tuple[OfferedContact, ...]:
    return tuple(
        OfferedContact(
            contact_id=contact["contact_id"],
            channel=contact["channel"],
            method=contact["initiation_method"],
            state=contact["state"],
            since=aware(contact["state_start_timestamp"]),
            connected_at=aware(contact["connected_to_agent_timestamp"]),
            enqueued_at=aware(contact["queue_timestamp"]),
            queue=Named(**contact["queue"]) if contact["queue"] is not None else None,
        )
        for contact in contacts or ()
        if contact["contact_id"] is not None
    )


def record_of(row: Mapping[str, Any]) -> ContactRecord:
    """The contact record that a row was made of, in so far as the live state reads it. Times are aware."""
    names, endpoint = (
        [name for name in ContactRecord.__struct_fields__ if name in row],
        row["transferred_endpoint_type"],
    )
    return ContactRecord(
        **{name: row[name] for name in names},
        transferred_to_endpoint=None if endpoint is None else RecordEndpoint(type=endpoint),
        queue=RecordQueue(
            arn=row["queue_arn"],
            name=row["queue_name"],
            enqueue_timestamp=row["queue_enqueue_timestamp"],
            duration=_seconds(row["queue_duration_ms"]),
        ),
        agent=RecordAgent(
            arn=row["agent_arn"],
            connected_to_agent_timestamp=row["agent_connected_to_agent_timestamp"],
            agent_interaction_duration=_seconds(row["agent_interaction_duration_ms"]),
            customer_hold_duration=_seconds(row["agent_customer_hold_duration_ms"]),
            number_of_holds=row["agent_number_of_holds"],
            agent_pause_duration=_seconds(row["agent_pause_duration_ms"]),
            after_contact_work_duration=_seconds(row["agent_after_contact_work_duration_ms"]),
            after_contact_work_end_timestamp=row["agent_after_contact_work_end_timestamp"],
        ),
    )


def _seconds(duration_ms: int | None) -> int | None:
    """Whole seconds, which events and records have."""
    return None if duration_ms is None else duration_ms // 1000
