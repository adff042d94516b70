"""What a state says at an instant: the agents, the contacts that are going on, and each queue with its day.

Nothing is stored here: a view is a function of the state and of `now`, so that two processes with one state show the
same. Contacts are seen together with agents: a contact that is offered to an agent does not wait, and one that its
agent no longer has is over, whatever event was lost.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from trunkline.errors import UsageError
from trunkline.live.agents import Activity, AgentView, contact_activity, is_logged_out, is_silent, view_agent
from trunkline.live.contacts import LiveContact
from trunkline.live.fold import ContactGroup, LiveState, Sums, last_segment, queue_id_of
from trunkline.live.phases import Phase, phase_of
from trunkline.live.terms import LIVE_METRICS, live_terms

Number = int | float | None
_LONG: Final = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class LiveNumber:
    """A number of today with its confidence.

    `waiting_for` contacts in it have no record yet: with 0 it is what the warehouse computes from the same records.
    `age_s` is the time since the newest event of any contact, None before the first.
    """

    value: Number
    waiting_for: int
    age_s: float | None

    @property
    def is_complete(self) -> bool:
        """Whether every contact in it has its record."""
        return self.waiting_for == 0

    @property
    def confidence(self) -> str:
        """For people: complete, or how many contacts are missing their record."""
        if self.is_complete:
            return "complete"
        return f"waiting for {self.waiting_for:,} contact{'' if self.waiting_for == 1 else 's'}"


@dataclass(frozen=True, slots=True)
class ContactView:
    """A contact that is going on. `since` is when its phase began, `agent_arn` whose it is or to whom it is offered."""

    contact_id: str
    group: ContactGroup
    phase: Phase
    since: datetime | None
    is_offered: bool
    agent_arn: str | None


@dataclass(frozen=True, slots=True)
class QueueView:
    """A queue and channel at an instant. Times are seconds.

    `waiting` contacts are in queue and not offered to an agent; `offered` ones ring. `longest_wait_s` is since the
    contact was enqueued, `longest_open_wait_s` counts opening hours alone; both None when none waits. `in_progress`
    contacts are connected to an agent. `breaching` contacts have waited X or longer in opening hours. `opens_at` is the
    next opening of a closed queue. `today` has every metric of LIVE_METRICS by name, over contacts that ended today.
    """

    group: ContactGroup
    queue_name: str | None
    waiting: int
    offered: int
    longest_wait_s: float | None
    longest_open_wait_s: float | None
    in_progress: int
    after_contact_work: int
    breaching: int
    target_s: float
    is_open: bool
    opens_at: datetime | None
    today: Mapping[str, LiveNumber]


def agent_views(state: LiveState, now: datetime) -> list[AgentView]:
    """Every agent, by user name."""
    views = [view_agent(agent, now) for agent in state.agents.values()]
    return sorted(views, key=lambda view: (view.username or "", view.arn))


def contact_views(state: LiveState, now: datetime) -> list[ContactView]:
    """The contacts that are going on, the one that began its phase first before the others."""
    offers: dict[str, str] = {}
    with_agents: set[str] = set()
    for agent in state.agents.values():
        if is_silent(agent, now) or is_logged_out(agent):
            continue
        for contact in agent.snapshot.contacts or ():
            with_agents.add(contact.contact_id)
            if contact_activity(contact) is Activity.INCOMING:
                offers[contact.contact_id] = agent.arn
    views = [_contact_view(state, contact, offers, with_agents, now) for contact in state.open_contacts()]
    return sorted(
        (view for view in views if view.phase is not Phase.DONE),
        key=lambda view: (view.since is None, view.since or now, view.contact_id),
    )


def _contact_view(
    state: LiveState, contact: LiveContact, offers: Mapping[str, str], with_agents: set[str], now: datetime
) -> ContactView:
    phase = phase_of(contact, now)
    since = {
        Phase.QUEUED: contact.enqueued_at,
        Phase.CONNECTED: contact.agent_at,
        Phase.AFTER_CONTACT_WORK: contact.disconnected_at or contact.ended_at,
        Phase.SCHEDULED: contact.scheduled_at,
    }.get(phase, contact.initiated_at)
    has_agent = phase in (Phase.CONNECTED, Phase.AFTER_CONTACT_WORK)
    if has_agent and contact.contact_id not in with_agents and _is_released(state, contact, since, now):
        phase = Phase.DONE
    return ContactView(
        contact.contact_id,
        ContactGroup(last_segment(contact.instance_arn), queue_id_of(contact.queue_arn), contact.channel),
        phase,
        since,
        phase is Phase.QUEUED and contact.contact_id in offers,
        contact.agent_arn if has_agent else offers.get(contact.contact_id),
    )


def _is_released(state: LiveState, contact: LiveContact, since: datetime | None, now: datetime) -> bool:
    """Whether the agent's later snapshot shows that the contact is over, though no event of its own said so."""
    agent = state.agents.get(contact.agent_arn or "")
    return agent is not None and not is_silent(agent, now) and since is not None and agent.at > since


def queue_views(state: LiveState, now: datetime, contacts: Iterable[ContactView] | None = None) -> list[QueueView]:
    """Every queue and channel that has contacts now, or had some today. `contacts` are `contact_views`, if at hand."""
    sums = state.day_sums(state.rules.day_of(now))
    going: dict[ContactGroup, list[ContactView]] = {}
    for view in contact_views(state, now) if contacts is None else contacts:
        going.setdefault(view.group, []).append(view)
    names = {queue_id_of(arn): name for arn, name in state.queue_names.items()}
    groups = sorted(sums.keys() | going.keys(), key=lambda group: tuple(part or "" for part in group))
    return [
        _queue_view(state, group, names.get(group.queue_id), going.get(group, []), sums.get(group), now)
        for group in groups
    ]


def _queue_view(
    state: LiveState, group: ContactGroup, name: str | None, going: list[ContactView], sums: Sums | None, now: datetime
) -> QueueView:
    rules = state.rules
    hours = rules.hours_of(group.queue_id, name)
    target_s = rules.target_s(group.queue_id, name, group.channel)
    waiting = [view.since for view in going if view.phase is Phase.QUEUED and not view.is_offered and view.since]
    waits_s = [max(0.0, (now - since).total_seconds()) for since in waiting]
    open_s = waits_s if hours is None else [hours.open_s(since, now) for since in waiting]
    is_open = hours is None or hours.is_open(now)
    return QueueView(
        group=group,
        queue_name=name,
        waiting=len(waiting),
        offered=sum(view.is_offered for view in going),
        longest_wait_s=max(waits_s, default=None),
        longest_open_wait_s=max(open_s, default=None),
        in_progress=sum(view.phase is Phase.CONNECTED for view in going),
        after_contact_work=sum(view.phase is Phase.AFTER_CONTACT_WORK for view in going),
        breaching=sum(wait_s >= target_s for wait_s in open_s),
        target_s=target_s,
        is_open=is_open,
        opens_at=None if is_open or hours is None else hours.opens_at(now),
        today=live_numbers(state, [sums] if sums else [], now),
    )


def open_since(state: LiveState, now: datetime, queues: Iterable[QueueView]) -> datetime | None:
    """Since when, without a break, some queue has been open; None while all are closed.

    A queue without opening hours counts while it has contacts today, and has been open for long.
    """
    rules = state.rules
    if any(rules.hours_of(view.group.queue_id, view.queue_name) is None for view in queues):
        return now - _LONG
    known = [hours for hours in (rules.hours, *rules.hours_by_queue.values()) if hours is not None]
    return min((since for hours in known if (since := hours.opened_at(now)) is not None), default=None)


def live_numbers(state: LiveState, groups: Iterable[Sums], now: datetime) -> dict[str, LiveNumber]:
    """Each metric of LIVE_METRICS over groups of `LiveState.day_sums` together."""
    terms = live_terms()
    totals = [0] * (terms.size + 1)
    for sums in groups:
        totals = [total + value for total, value in zip(totals, sums, strict=True)]
    newest = max((at for kind, at in state.newest.items() if kind != "agent_event"), default=None)
    age_s = None if newest is None else max(0.0, (now - newest).total_seconds())
    return {metric.name: LiveNumber(terms.value(metric, totals), totals[-1], age_s) for metric in LIVE_METRICS}


def today(state: LiveState, now: datetime, queue_id: str | None = None, days_ago: int = 0) -> dict[str, LiveNumber]:
    """Each metric over the contacts that ended today, of one queue or of all. `days_ago` may be 1.

    Raises UsageError for another day: the state holds two.
    """
    if days_ago not in (0, 1):
        raise UsageError(f"days_ago is {days_ago}; the live state holds today (0) and yesterday (1).")
    sums = state.day_sums(state.rules.day_of(now) - timedelta(days=days_ago))
    return live_numbers(
        state, [values for group, values in sums.items() if queue_id is None or group.queue_id == queue_id], now
    )


def contacts_behind(state: LiveState, now: datetime, queue_id: str | None = None) -> list[LiveContact]:
    """The contacts that ended today, of one queue or of all, the last one first: what the numbers of `today` are of."""
    day = state.rules.day_of(now)
    ended = [
        contact
        for contact in state.contacts.values()
        if (counted := state.counted_group(contact.contact_id)) is not None
        and counted[0] == day
        and (queue_id is None or counted[1].queue_id == queue_id)
    ]
    return sorted(ended, key=lambda contact: contact.touched_at or now, reverse=True)
