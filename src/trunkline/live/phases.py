"""Where a contact is at an instant, and the row that is expected of its record before that comes."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import Enum, auto
from typing import Final

from trunkline.limits import ACW_HOURS_MAX, OPEN_DAYS_MAX
from trunkline.live.contacts import SEEN, SEEN_AGENT, LiveContact, milliseconds
from trunkline.live.terms import ContactRow

_OVER: Final = SEEN["COMPLETED"]
_CAN_HOLD: Final = frozenset(("VOICE", "CHAT"))


def final_row(contact: LiveContact) -> ContactRow | None:
    """The row of the contact's record. None before one has come that says when the contact ended."""
    record = contact.record
    return record if record is not None and record.disconnect_timestamp is not None else None


def end_of(contact: LiveContact) -> datetime | None:
    """When a contact ended, by the best source there is. None while it is open."""
    final = final_row(contact)
    return final.disconnect_timestamp if final is not None else contact.disconnected_at or contact.ended_at


def row_of(contact: LiveContact) -> ContactRow:
    """The contact's final row, or before it comes what the events let expect of it."""
    return final_row(contact) or expected_row(contact)


def expected_row(contact: LiveContact) -> ContactRow:
    """The row that the events alone let expect. Records have whole seconds, cut, so times are cut before a difference.

    Not in any event: a completed transfer, and why a contact ended. Without agent events a hold counts as interaction
    unless the contact event says how long it was; the handle time is of both together.
    """
    end_at = contact.disconnected_at or contact.ended_at
    left_queue_at = contact.agent_at or end_at
    talk_s = _seconds(contact.agent_at, end_at)
    hold_s, holds, pause_s = _interruptions(contact, end_at)
    if talk_s is not None:
        talk_s = max(0, talk_s - (hold_s or 0) - (pause_s or 0))
    work_s = contact.work_s
    if work_s is None and contact.agent_at is not None:
        work_s = _seconds(end_at, contact.cleared_at)
    is_queued = contact.enqueued_at is not None
    return ContactRow(
        contact_id=contact.contact_id,
        channel=contact.channel,
        initiation_method=contact.method,
        next_contact_id=contact.next_id,
        initiation_timestamp=contact.initiated_at,
        connected_to_system_timestamp=contact.system_at,
        disconnect_timestamp=end_at,
        queue_arn=contact.queue_arn,
        queue_enqueue_timestamp=contact.enqueued_at,
        queue_duration_ms=milliseconds(_seconds(contact.enqueued_at, left_queue_at)) if is_queued else None,
        agent_arn=contact.agent_arn,
        agent_connected_to_agent_timestamp=contact.agent_at,
        agent_interaction_duration_ms=milliseconds(talk_s),
        agent_customer_hold_duration_ms=milliseconds(hold_s),
        agent_number_of_holds=holds,
        agent_pause_duration_ms=milliseconds(pause_s),
        agent_after_contact_work_duration_ms=milliseconds(work_s),
        agent_after_contact_work_end_timestamp=contact.cleared_at,
    )


def _interruptions(contact: LiveContact, end_at: datetime | None) -> tuple[int | None, int | None, int | None]:
    """Seconds on hold, the number of holds, seconds paused; None where no event can tell, or the channel has none."""
    if contact.agent_at is None:
        return None, None, None
    if not contact.seen & SEEN_AGENT:
        return contact.hold_s, None, None
    hold_s, holds = _time_in(contact, "CONNECTED_ONHOLD", end_at) if contact.channel in _CAN_HOLD else (None, None)
    return hold_s, holds, _time_in(contact, "PAUSED", end_at)[0] if contact.channel == "TASK" else None


def _time_in(contact: LiveContact, state: str, end_at: datetime | None) -> tuple[int, int]:
    """Seconds in an interrupting state, and how often; one that nothing ended lasts to the end."""
    seconds, times, since = 0, 0, None
    for at, new_state in contact.changes:
        if new_state == state and since is None:
            times, since = times + 1, at
        elif new_state != state and since is not None:
            seconds, since = seconds + (_seconds(since, at) or 0), None
    return seconds + (_seconds(since, end_at) or 0), times


def _seconds(start: datetime | None, end: datetime | None) -> int | None:
    """Whole seconds between two times that are cut to seconds, not below 0."""
    if start is None or end is None:
        return None
    return max(0, round((end.replace(microsecond=0) - start.replace(microsecond=0)).total_seconds()))


class Phase(Enum):
    """Where a contact is."""

    SCHEDULED = auto()
    FLOW = auto()
    QUEUED = auto()
    CONNECTED = auto()
    AFTER_CONTACT_WORK = auto()
    DONE = auto()


def phase_of(contact: LiveContact, now: datetime) -> Phase:
    """Where a contact is at `now`, by what is known of it alone.

    A contact that never completes is over after a time that its channel allows: a day for calls, longer for others.
    """
    if contact.seen & _OVER or final_row(contact) is not None:
        return Phase.DONE
    end_at = end_of(contact)
    if end_at is not None:
        is_working = contact.agent_at is not None and contact.cleared_at is None
        return Phase.AFTER_CONTACT_WORK if is_working and now - end_at < _WORK_MAX else Phase.DONE
    start = contact.scheduled_at or contact.touched_at
    if start is not None and now - start > open_time_max(contact.channel):
        return Phase.DONE
    if contact.agent_at is not None:
        return Phase.CONNECTED
    if contact.enqueued_at is not None:
        return Phase.QUEUED
    if contact.scheduled_at is not None and contact.scheduled_at > now:
        return Phase.SCHEDULED
    return Phase.FLOW


_WORK_MAX: Final = timedelta(hours=ACW_HOURS_MAX)


def open_time_max(channel: str | None) -> timedelta:
    """How long a contact of a channel can be open; other channels have the longest time."""
    return timedelta(days=OPEN_DAYS_MAX.get(channel or "", max(OPEN_DAYS_MAX.values())))
