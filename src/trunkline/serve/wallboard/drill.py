"""The contacts behind a number of the board, and what is known of one contact.

What a number of the day counts is decided by the metric's own terms, so that the list has as many contacts as the
number says. The live state knows no customer's number, so none can be shown.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from trunkline.errors import UsageError
from trunkline.live.contacts import LiveContact
from trunkline.live.fold import LiveState, queue_id_of
from trunkline.live.phases import Phase, end_of, phase_of, row_of
from trunkline.live.terms import LIVE_METRICS, ContactRow, live_terms
from trunkline.live.views import ContactView, contact_views, contacts_behind

_METRICS: Final = {metric.name: metric for metric in LIVE_METRICS}
_PRESENT: Final[dict[str, tuple[str, Callable[[ContactView], bool]]]] = {
    "waiting": ("Contacts waiting", lambda view: view.phase is Phase.QUEUED and not view.is_offered),
    "offered": ("Contacts ringing", lambda view: view.phase is Phase.QUEUED and view.is_offered),
    "in_progress": ("Contacts with an agent", lambda view: view.phase is Phase.CONNECTED),
    "after_contact_work": ("Contacts in after contact work", lambda view: view.phase is Phase.AFTER_CONTACT_WORK),
    "open": ("Contacts that are going on", lambda view: True),
}


@dataclass(frozen=True, slots=True)
class BehindContact:
    """A contact behind a number. Times are UTC, durations seconds, None is not known.

    `counts` is whether the number counts it: a service level is of every queued contact, and counts those within the
    target. `is_final` is whether the contact's record has come.
    """

    contact_id: str
    queue: str | None
    channel: str | None
    agent: str | None
    phase: str
    initiated: datetime | None
    enqueued: datetime | None
    connected: datetime | None
    ended: datetime | None
    wait_s: float | None
    handle_s: float | None
    counts: bool
    is_final: bool


@dataclass(frozen=True, slots=True)
class BehindNumber:
    """The contacts of a number, the newest first, and their count before the list is cut."""

    title: str
    contacts: list[BehindContact]
    count: int
    counted: int


def whats() -> list[str]:
    """What can be looked behind: the numbers of the present, arrivals, and each live metric."""
    return [*_PRESENT, "arrived", *_METRICS]


def behind(
    state: LiveState, now: datetime, what: str, queue_id: str | None, channel: str | None, limit: int
) -> BehindNumber:
    """The contacts that a number is of, of one queue and channel or of all. Raises UsageError for an unknown number."""
    if what in _PRESENT:
        title, test = _PRESENT[what]
        views = {view.contact_id: view for view in contact_views(state, now) if test(view)}
        chosen = [(state.contacts[contact_id], True) for contact_id in views]
    elif what == "arrived":
        title, day = "Contacts that entered a queue today", state.rules.day_of(now)
        contacts = [(contact, _enqueued(contact)) for contact in state.contacts.values()]
        chosen = [(contact, True) for contact, at in contacts if at is not None and state.rules.day_of(at) == day]
        chosen.sort(key=lambda pair: _enqueued(pair[0]) or now, reverse=True)
    elif what in _METRICS:
        title = f"{_METRICS[what].title.removesuffix(' X')}: contacts that ended today"
        chosen = _of_metric(state, contacts_behind(state, now, queue_id), what)
    else:
        raise UsageError(f"there is no number {what!r}; valid are {', '.join(whats())}")
    kept = [pair for pair in chosen if _is_of(pair[0], queue_id, channel)]
    listed = [_listed(state, contact, now, counts) for contact, counts in kept[:limit]]
    return BehindNumber(title, listed, len(kept), sum(counts for _, counts in kept))


def _of_metric(state: LiveState, contacts: Sequence[LiveContact], what: str) -> list[tuple[LiveContact, bool]]:
    """The contacts of a metric, each with whether the number counts it: of a rate the contacts of its base."""
    terms, metric = live_terms(), _METRICS[what]
    top, base = terms.places[metric.name]
    chosen = []
    for contact in contacts:
        row = row_of(contact)
        values = terms.of(row, _x_ms(state, row))
        is_in = values[top] if base is None else values[base]
        if is_in:
            chosen.append((contact, bool(values[top]) if metric.shape == "rate" else True))
    return chosen


def _x_ms(state: LiveState, row: ContactRow) -> float:
    name = row.queue_name or state.queue_names.get(row.queue_arn or "")
    queue_id = None if row.queue_arn is None else row.queue_arn.rpartition("/")[2]
    return state.rules.target_s(queue_id, name, row.channel) * 1000


def _enqueued(contact: LiveContact) -> datetime | None:
    return row_of(contact).queue_enqueue_timestamp


def _is_of(contact: LiveContact, queue_id: str | None, channel: str | None) -> bool:
    row = row_of(contact)
    if queue_id is not None and queue_id_of(row.queue_arn) != queue_id:
        return False
    return channel is None or row.channel == channel


def contact_details(state: LiveState, contact_id: str, now: datetime) -> BehindContact | None:
    """What is known of one contact; None where the state does not hold it."""
    contact = state.contacts.get(contact_id)
    return None if contact is None else _listed(state, contact, now, True)


def _listed(state: LiveState, contact: LiveContact, now: datetime, counts: bool) -> BehindContact:
    row = row_of(contact)
    handled = (
        row.agent_interaction_duration_ms,
        row.agent_customer_hold_duration_ms,
        row.agent_after_contact_work_duration_ms,
        row.agent_pause_duration_ms,
    )
    known = [value for value in handled if value is not None]
    return BehindContact(
        contact_id=contact.contact_id,
        queue=row.queue_name or state.queue_names.get(row.queue_arn or ""),
        channel=row.channel,
        agent=_agent_name(state, row.agent_arn),
        phase=phase_of(contact, now).name,
        initiated=row.initiation_timestamp,
        enqueued=row.queue_enqueue_timestamp,
        connected=row.agent_connected_to_agent_timestamp,
        ended=end_of(contact),
        wait_s=_wait_s(row, now),
        handle_s=sum(known) / 1000 if known else None,
        counts=counts,
        is_final=contact.record is not None,
    )


def _wait_s(row: ContactRow, now: datetime) -> float | None:
    """Seconds in queue; of a contact that still waits, until now."""
    if row.queue_enqueue_timestamp is None:
        return None
    if row.queue_duration_ms is not None:
        return row.queue_duration_ms / 1000
    return max(0.0, (now - row.queue_enqueue_timestamp).total_seconds())


def _agent_name(state: LiveState, arn: str | None) -> str | None:
    if arn is None:
        return None
    agent = state.agents.get(arn)
    configuration = agent.snapshot.configuration if agent is not None else None
    return (configuration.username if configuration is not None else None) or arn.rpartition("/")[2][:8]
