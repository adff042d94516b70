"""What live numbers were before the contact records came, for a day that is stored: its events are folded once more.

The folds have no order, so the stored events give what a live process had when all of them had arrived.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final

from trunkline.errors import UsageError
from trunkline.live.convergence import LiveReconciliation, reconcile_live
from trunkline.live.fold import LiveState
from trunkline.live.rules import live_rules
from trunkline.pipelines.live.stored import agent_event_of, aware, contact_event_of, record_of
from trunkline.pipelines.reading import Reader, query_table

_DAY: Final = timedelta(days=1)
_RECORDS: Final = """
SELECT contact_id, instance_arn, last_update_timestamp, channel, initiation_method, disconnect_reason, next_contact_id,
    previous_contact_id, initiation_timestamp, connected_to_system_timestamp, transfer_completed_timestamp,
    disconnect_timestamp, transferred_endpoint_type, queue_arn, queue_name, queue_enqueue_timestamp, queue_duration_ms,
    agent_arn, agent_connected_to_agent_timestamp, agent_interaction_duration_ms, agent_customer_hold_duration_ms,
    agent_number_of_holds, agent_pause_duration_ms, agent_after_contact_work_duration_ms,
    agent_after_contact_work_end_timestamp
FROM contact_record WHERE disconnect_timestamp >= TIMESTAMP '{since}' AND disconnect_timestamp < TIMESTAMP '{until}'"""
_CONTACT_EVENTS: Final = """
SELECT contact_id, event_type, instance_arn, previous_contact_id, channel, initiation_method, initiation_timestamp,
    connected_to_system_timestamp, scheduled_timestamp, disconnect_timestamp, queue_arn, queue_enqueue_timestamp,
    agent_arn, agent_connected_to_agent_timestamp, agent_initiated_hold_duration_ms,
    agent_after_contact_work_end_timestamp, agent_after_contact_work_duration_ms
FROM contact_event WHERE contact_id IS NOT NULL AND event_type IS NOT NULL
    AND event_timestamp >= TIMESTAMP '{since}' AND event_timestamp < TIMESTAMP '{until}'"""
_AGENT_EVENTS: Final = """
SELECT agent_arn, event_id, event_timestamp, event_type, instance_arn, current_contacts, previous_contacts
FROM agent_event WHERE (len(current_contacts) > 0 OR len(previous_contacts) > 0) AND agent_arn IS NOT NULL
    AND event_timestamp >= TIMESTAMP '{since}' AND event_timestamp < TIMESTAMP '{until}'"""


def reconcile_live_day(reader: Reader, day: date, zone: str) -> LiveReconciliation:
    """Compare, for the contacts that ended on a local day, what the stored events say with the stored records.

    Events from a day before it to a day after it are read. Raises UsageError where no event is stored.
    """
    rules = live_rules(reader.settings)
    state = LiveState(rules)
    start = datetime.combine(day, time(), rules.zone).astimezone(UTC)
    end = datetime.combine(day + _DAY, time(), rules.zone).astimezone(UTC)
    contact_events = [*map(contact_event_of, _rows(reader, _CONTACT_EVENTS, start - _DAY, end + _DAY))]
    for contact_event in contact_events:
        state.fold(contact_event)
    agent_events = [*map(agent_event_of, _rows(reader, _AGENT_EVENTS, start - _DAY, end + _DAY))]
    for agent_event in agent_events:
        state.fold(agent_event)
    if not contact_events and not agent_events:
        raise UsageError(
            f"no agent event and no contact event around {day} is stored: load them (trunkline load agent_event PATH, "
            "trunkline load contact_event PATH), or follow their stream (trunkline stream)."
        )
    for record in map(record_of, _rows(reader, _RECORDS, start, end)):
        state.fold(record)
    return reconcile_live(state, day)


def _rows(reader: Reader, sql: str, since: datetime, until: datetime) -> Iterator[Mapping[str, Any]]:
    """Rows by column name; their times are aware, UTC."""
    bounds = {"since": since.replace(tzinfo=None), "until": until.replace(tzinfo=None)}
    table = query_table(reader, sql.format(**bounds), "duckdb")
    for row in table.rows():
        yield {name: aware(value) for name, value in zip(table.columns, row, strict=True)}
