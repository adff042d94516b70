"""The state of the present: agents, contacts and the day's sums, folded from events in any order.

The state holds what open contacts and the contacts of today and yesterday are made of, and no event. Its size is
bounded (`limits.LIVE_*`): older contacts are dropped, agents who left are forgotten. Sums of a contact are replaced
when more becomes known of it, so that nothing is counted twice, and in the end the sums are those of the records.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Final, NamedTuple, TypeAlias

import msgspec

from trunkline.errors import RecordError
from trunkline.limits import AGENT_FORGOTTEN_S, LIVE_AGENTS_MAX, LIVE_CONTACTS_MAX, LIVE_QUEUE_NAMES_MAX
from trunkline.live.agents import AgentNow, fold_agent
from trunkline.live.contacts import (
    LiveContact,
    join,
    newest_time,
    of_agent_event,
    of_contact_event,
    of_previous,
    of_record,
    with_shared_texts,
)
from trunkline.live.events import Event, check_times, decode, queue_names
from trunkline.live.phases import Phase, end_of, final_row, phase_of, row_of
from trunkline.live.rules import LiveRules
from trunkline.live.terms import ContactRow, live_terms
from trunkline.live.wire import AgentEvent, ContactEvent, ContactRecord

AGENT_QUEUES: Final = "agent_queues"
"""The queues that belong to agents count as one, as in the metrics."""
Sums: TypeAlias = list[int]


class ContactGroup(NamedTuple):
    """The contacts of a queue and channel in one instance. Ids are the last segments of ARNs; None is not known."""

    instance_id: str | None
    queue_id: str | None
    channel: str | None


Days: TypeAlias = dict[date, dict[ContactGroup, Sums]]


def last_segment(arn: str | None) -> str | None:
    """The id at the end of an ARN."""
    return None if arn is None else arn.rpartition("/")[2]


def queue_id_of(arn: str | None) -> str | None:
    """The id of a queue, and `agent_queues` for each queue that belongs to an agent."""
    return AGENT_QUEUES if arn is not None and "/queue/agent/" in arn else last_segment(arn)


def _is_open(contact: LiveContact) -> bool:
    """Whether a contact may be going on: events were seen of it, and no record says that it has ended."""
    return bool(contact.seen) and final_row(contact) is None


class StateContents(msgspec.Struct, frozen=True):
    """A state as plain values, from which it can be made again.

    `sums` are those of each day and group, `settled_sums` the part of them that is of settled contacts. `targets` says
    which rules they are by.
    """

    agents: list[AgentNow]
    contacts: list[LiveContact]
    queue_names: dict[str, str]
    newest: dict[str, datetime]
    settled: dict[str, date]
    sums: list[tuple[date, ContactGroup, Sums]]
    settled_sums: list[tuple[date, ContactGroup, Sums]]
    targets: str


class LiveState:
    """What is known of the present. Change it by `apply` and `sweep`; `views` reads it.

    `agents` are by ARN, `contacts` by id, `queue_names` by ARN. `newest` has the time of the newest event of each kind.
    `settled` are the ids of contacts of which only the sums are kept.
    """

    def __init__(self, rules: LiveRules) -> None:
        self.rules = rules
        self.agents: dict[str, AgentNow] = {}
        self.contacts: dict[str, LiveContact] = {}
        self.queue_names: dict[str, str] = {}
        self.newest: dict[str, datetime] = {}
        self.settled: dict[str, date] = {}
        self._texts: dict[str, str] = {}
        self._profiles: set[str] = set()
        self._open: dict[str, None] = {}
        self._uncounted: dict[str, None] = {}
        # A contact as it is counted, and the target that it is counted by.
        self._counted: dict[str, tuple[LiveContact, float]] = {}
        self._days: Days = {}
        self._settled_sums: Days = {}

    @classmethod
    def of(cls, contents: StateContents, rules: LiveRules) -> LiveState:
        """The state that has these contents. Under other rules than theirs its contacts are counted again."""
        state = cls(rules)
        state.agents = {agent.arn: agent for agent in contents.agents}
        state.contacts = {contact.contact_id: with_shared_texts(contact, state._texts) for contact in contents.contacts}
        state.queue_names, state.newest, state.settled = contents.queue_names, contents.newest, contents.settled
        state._open = {contact.contact_id: None for contact in contents.contacts if _is_open(contact)}
        state._settled_sums = _nested(contents.settled_sums)
        if contents.targets == rules.targets:
            state._days = _nested(contents.sums)
            ended = (contact for contact in state.contacts.values() if end_of(contact) is not None)
            state._counted = {contact.contact_id: (contact, state._x_ms(row_of(contact))) for contact in ended}
        else:
            state.set_rules(rules)
        return state

    def contents(self) -> StateContents:
        """What the state is made of."""
        self._count()
        return StateContents(
            [*self.agents.values()],
            [*self.contacts.values()],
            self.queue_names,
            self.newest,
            self.settled,
            _flat(self._days),
            _flat(self._settled_sums),
            self.rules.targets,
        )

    # --- events ---

    def apply(self, text: bytes, now: datetime) -> Event | None:
        """Fold one JSON text in; None for one of another kind, which changes nothing. `now` is when it arrived.

        Raises RecordError for a text that is no event, or has an implausible time; the state is as before.
        """
        event = decode(text)
        if event is None:
            return None
        check_times(event, now)
        self.fold(event)
        if isinstance(event, AgentEvent):
            self._see("agent_event", event.at, now)
            self._learn_names(event, text)
        elif isinstance(event, ContactEvent):
            self._see("contact_event", newest_time(event), now)
        else:
            self._see("contact_record", event.disconnect_timestamp, now)
        return event

    def apply_all(self, texts: Iterable[bytes], now: datetime) -> list[tuple[int, RecordError]]:
        """Fold texts in; the places of those that cannot be used, with the reasons."""
        refused = []
        for place, text in enumerate(texts):
            try:
                self.apply(text, now)
            except RecordError as error:
                refused.append((place, error))
        return refused

    def fold(self, event: Event) -> None:
        """Fold a decoded event in."""
        if isinstance(event, AgentEvent):
            self._fold_agent(event)
        elif isinstance(event, ContactEvent):
            facts = of_contact_event(event)
            self._join(facts)
            if event.previous_contact_id is not None and (previous := of_previous(event)) is not None:
                self._join(previous)
        else:
            self._fold_record(event)

    def _fold_agent(self, event: AgentEvent) -> None:
        agent = self.agents.get(event.agent_arn)
        self.agents[event.agent_arn] = fold_agent(agent, event)
        current = event.current.contacts if event.current is not None else None
        previous = event.previous.contacts if event.previous is not None else None
        # A heartbeat says nothing new of contacts that the state has from the same snapshot.
        if (current or previous) and (agent is None or current != previous or current != agent.snapshot.contacts):
            for facts in of_agent_event(event):
                self._join(facts)

    def _fold_record(self, record: ContactRecord) -> None:
        facts = of_record(record)
        self._join(facts)
        queue = record.queue
        if queue is not None and queue.arn is not None and queue.name is not None:
            self.name_queue(queue.arn, queue.name)

    def _join(self, facts: LiveContact) -> None:
        contact_id = facts.contact_id
        known = self.contacts.get(contact_id)
        if known is None:
            if contact_id in self.settled:
                return
            contact = facts
        else:
            contact = join(known, facts)
            if contact == known:
                return
        self.contacts[contact_id] = contact
        is_final = contact.record is not None and final_row(contact) is not None
        if is_final or contact.disconnected_at is not None or contact.ended_at is not None:
            self._uncounted[contact_id] = None
        if contact.seen and not is_final:
            self._open[contact_id] = None
        else:
            self._open.pop(contact_id, None)

    def _see(self, kind: str, at: datetime | None, now: datetime) -> None:
        """Note how far the events of a kind have come. A clock that is ahead does not make them newer."""
        newest = self.newest.get(kind)
        if at is not None and (newest is None or at > newest):
            self.newest[kind] = min(at, now)

    def _learn_names(self, event: AgentEvent, text: bytes) -> None:
        """The names of the queues of a routing profile, once for each profile; contact events name no queue."""
        configuration = event.current.configuration if event.current is not None else None
        profile = configuration.profile if configuration is not None else None
        if profile is None or profile.arn is None or profile.arn in self._profiles:
            return
        if len(self._profiles) < LIVE_QUEUE_NAMES_MAX:
            self._profiles.add(profile.arn)
        for arn, name in queue_names(text):
            self.name_queue(arn, name)

    def name_queue(self, arn: str, name: str) -> None:
        """Set the name of a queue. Contacts whose target is by this name are counted again."""
        if self.queue_names.get(arn) == name or (
            arn not in self.queue_names and len(self.queue_names) >= LIVE_QUEUE_NAMES_MAX
        ):
            return
        self.queue_names[arn] = name
        if name in self.rules.x_by_queue:
            self.set_rules(self.rules)

    # --- the day's sums ---

    def set_rules(self, rules: LiveRules) -> None:
        """Change the rules, and count every contact again; those that are settled stay as they were counted."""
        self.rules = rules
        self._counted.clear()
        self._days = _nested(_flat(self._settled_sums))
        self._uncounted = dict.fromkeys(self.contacts)

    def day_sums(self, day: date) -> dict[ContactGroup, Sums]:
        """Sums of LIVE_METRICS' terms over a local day's contacts, by group; the last counts those without a record."""
        self._count()
        return self._days.get(day, {})

    def counted_group(self, contact_id: str) -> tuple[date, ContactGroup] | None:
        """The day and group that a contact counts in. None for one that has not ended."""
        self._count()
        counted = self._counted.get(contact_id)
        return None if counted is None else self._group(counted[0])

    def _count(self) -> None:
        for contact_id in self._uncounted:
            counted = self._counted.pop(contact_id, None)
            if counted is not None:
                self._add(self._days, *counted, sign=-1)
            contact = self.contacts.get(contact_id)
            if contact is not None and end_of(contact) is not None:
                self.contacts[contact_id] = contact = with_shared_texts(contact, self._texts)
                self._counted[contact_id] = counted = contact, self._x_ms(row_of(contact))
                self._add(self._days, *counted, sign=1)
        self._uncounted.clear()

    def _group(self, contact: LiveContact) -> tuple[date, ContactGroup] | None:
        end_at, row = end_of(contact), row_of(contact)
        group = ContactGroup(last_segment(contact.instance_arn), queue_id_of(row.queue_arn), row.channel)
        return None if end_at is None else (self.rules.day_of(end_at), group)

    def _x_ms(self, row: ContactRow) -> float:
        # A record has its queue's name of the time, as the warehouse has it.
        name = row.queue_name or self.queue_names.get(row.queue_arn or "")
        return self.rules.target_s(last_segment(row.queue_arn), name, row.channel) * 1000

    def _add(self, days: Days, contact: LiveContact, x_ms: float, sign: int) -> None:
        """Add a contact's terms to the sums of its day and group, or take them out."""
        place = self._group(contact)
        if place is None:
            return
        terms = live_terms()
        sums = days.setdefault(place[0], {}).setdefault(place[1], [0] * (terms.size + 1))
        for number, value in enumerate(terms.of(row_of(contact), x_ms)):
            if value:
                sums[number] += sign * value
        sums[-1] += sign * (final_row(contact) is None)

    # --- memory ---

    def open_contacts(self) -> Iterator[LiveContact]:
        """The contacts that may be going on."""
        return (self.contacts[contact_id] for contact_id in self._open)

    def sweep(self, now: datetime) -> None:
        """Drop what is over: contacts that ended before yesterday or have been open too long, agents who left.

        To be called every few minutes; once a day is enough for what is shown.
        """
        self._count()
        earliest = self.rules.day_of(now) - timedelta(days=1)
        for contact_id in [contact.contact_id for contact in self.contacts.values() if self._is_over(contact, now)]:
            self._drop(contact_id)
        for days in (self._days, self._settled_sums):
            for day in [day for day in days if day < earliest]:
                del days[day]
        if len(self._texts) > LIVE_AGENTS_MAX + LIVE_QUEUE_NAMES_MAX:
            self._texts.clear()
        self.settled = {contact_id: day for contact_id, day in self.settled.items() if day >= earliest}
        for arn in [a.arn for a in self.agents.values() if (now - a.at).total_seconds() > AGENT_FORGOTTEN_S]:
            del self.agents[arn]
        self._shrink()

    def _is_over(self, contact: LiveContact, now: datetime) -> bool:
        end_at = end_of(contact)
        if end_at is not None:
            return self.rules.day_of(end_at) < self.rules.day_of(now) - timedelta(days=1)
        if phase_of(contact, now) is Phase.DONE or contact.touched_at is None:
            return contact.touched_at is None or now - contact.touched_at > timedelta(days=1)
        return not contact.seen and now - contact.touched_at > timedelta(days=1)

    def _drop(self, contact_id: str) -> None:
        for index in (self.contacts, self._open, self._uncounted, self._counted):
            index.pop(contact_id, None)

    def _shrink(self) -> None:
        """Keep the bounds. First the contacts that ended first and have their record give way, then others that ended.

        Of both the sums stay. Open ones give way last, those of which nothing has come for the longest time.
        """
        excess = len(self.contacts) - LIVE_CONTACTS_MAX
        if excess > 0:
            for contact in sorted(self.contacts.values(), key=_importance)[:excess]:
                counted, end_at = self._counted.get(contact.contact_id), end_of(contact)
                if counted is not None and end_at is not None:
                    self._add(self._settled_sums, *counted, sign=1)
                    self.settled[contact.contact_id] = self.rules.day_of(end_at)
                self._drop(contact.contact_id)
        for agent in sorted(self.agents.values(), key=lambda agent: agent.at)[:-LIVE_AGENTS_MAX]:
            del self.agents[agent.arn]


def _importance(contact: LiveContact) -> tuple[bool, bool, datetime]:
    """Sorts first what a full state can best do without."""
    end_at = end_of(contact)
    return end_at is None, final_row(contact) is None, end_at or contact.touched_at or _LONG_AGO


_LONG_AGO: Final = datetime(1970, 1, 1, tzinfo=UTC)


def _flat(days: Days) -> list[tuple[date, ContactGroup, Sums]]:
    return [(day, group, sums) for day, groups in days.items() for group, sums in groups.items()]


def _nested(rows: list[tuple[date, ContactGroup, Sums]]) -> Days:
    days: Days = {}
    for day, group, sums in rows:
        days.setdefault(day, {})[group] = [*sums]
    return days
