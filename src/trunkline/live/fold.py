"""The state of the present: agents, contacts and the day's sums, folded from events in any order.

The state holds what open contacts and the contacts of today and yesterday are made of, and no event. Its size is
bounded (`limits.LIVE_*`): older contacts are dropped, agents who left are forgotten. Sums of a contact are replaced
when more becomes known of it, so that nothing is counted twice, and in the end the sums are those of the records.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime, timedelta
from typing import Final, NamedTuple, TypeAlias

import msgspec

from trunkline.errors import RecordError
from trunkline.limits import AGENT_FORGOTTEN_S, LIVE_AGENTS_MAX, LIVE_CONTACTS_MAX, LIVE_QUEUE_NAMES_MAX
from trunkline.live.agents import AgentNow, fold_agent
from trunkline.live.contacts import LiveContact, join, of_agent_event, of_contact_event, of_previous, of_record
from trunkline.live.events import Event, check_times, decode, queue_names
from trunkline.live.phases import Phase, end_of, phase_of, row_of
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


def last_segment(arn: str | None) -> str | None:
    """The id at the end of an ARN."""
    return None if arn is None else arn.rpartition("/")[2]


def queue_id_of(arn: str | None) -> str | None:
    """The id of a queue, and `agent_queues` for each queue that belongs to an agent."""
    return AGENT_QUEUES if arn is not None and "/queue/agent/" in arn else last_segment(arn)


def _is_open(contact: LiveContact) -> bool:
    """Whether a contact may be going on: events were seen of it, and no record says that it has ended."""
    return bool(contact.seen) and (contact.record is None or contact.record.disconnect_timestamp is None)


class StateContents(msgspec.Struct, frozen=True):
    """A state as plain values, from which it can be made again. `sums` are those of the settled contacts alone."""

    agents: list[AgentNow]
    contacts: list[LiveContact]
    queue_names: dict[str, str]
    newest: dict[str, datetime]
    settled: dict[str, date]
    sums: list[tuple[date, ContactGroup, Sums]]


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
        self._profiles: set[str] = set()
        self._open: dict[str, None] = {}
        self._uncounted: dict[str, None] = {}
        self._counted: dict[str, tuple[date, ContactGroup, tuple[int, ...]]] = {}
        self._days: dict[date, dict[ContactGroup, Sums]] = {}
        self._settled_sums: dict[date, dict[ContactGroup, Sums]] = {}

    @classmethod
    def of(cls, contents: StateContents, rules: LiveRules) -> LiveState:
        """The state that has these contents. Its sums are made of its contacts when they are first asked for."""
        state = cls(rules)
        state.agents = {agent.arn: agent for agent in contents.agents}
        state.contacts = {contact.contact_id: contact for contact in contents.contacts}
        state.queue_names, state.newest, state.settled = contents.queue_names, contents.newest, contents.settled
        state._open = {contact.contact_id: None for contact in contents.contacts if _is_open(contact)}
        state._uncounted = dict.fromkeys(state.contacts)
        for day, group, sums in contents.sums:
            state._settled_sums.setdefault(day, {})[group] = sums
            state._days.setdefault(day, {})[group] = [*sums]
        return state

    def contents(self) -> StateContents:
        """What the state is made of."""
        sums = [(day, group, sums) for day, groups in self._settled_sums.items() for group, sums in groups.items()]
        agents, contacts = [*self.agents.values()], [*self.contacts.values()]
        return StateContents(agents, contacts, self.queue_names, self.newest, self.settled, sums)

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
            self._learn_names(event, text)
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
            said = of_contact_event(event)
            self._join(said)
            if event.previous_contact_id is not None and (previous := of_previous(event)) is not None:
                self._join(previous)
            self._see("contact_event", said.touched_at)
        else:
            self._fold_record(event)

    def _fold_agent(self, event: AgentEvent) -> None:
        agent = self.agents.get(event.agent_arn)
        self.agents[event.agent_arn] = fold_agent(agent, event)
        self._see("agent_event", event.at)
        current = event.current.contacts if event.current is not None else None
        previous = event.previous.contacts if event.previous is not None else None
        # A heartbeat says nothing new of contacts that the state has from the same snapshot.
        if (current or previous) and (agent is None or current != previous or current != agent.snapshot.contacts):
            for said in of_agent_event(event):
                self._join(said)

    def _fold_record(self, record: ContactRecord) -> None:
        said = of_record(record)
        self._join(said)
        queue = record.queue
        if queue is not None and queue.arn is not None and queue.name is not None:
            self.name_queue(queue.arn, queue.name)
        self._see("contact_record", said.touched_at)

    def _join(self, said: LiveContact) -> None:
        contact_id = said.contact_id
        known = self.contacts.get(contact_id)
        if known is None:
            if contact_id in self.settled:
                return
            contact = said
        else:
            contact = join(known, said)
            if contact == known:
                return
        self.contacts[contact_id] = contact
        if end_of(contact) is not None:
            self._uncounted[contact_id] = None
        if _is_open(contact):
            self._open[contact_id] = None
        else:
            self._open.pop(contact_id, None)

    def _see(self, kind: str, at: datetime | None) -> None:
        newest = self.newest.get(kind)
        if at is not None and (newest is None or at > newest):
            self.newest[kind] = at

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
            self.recount()

    # --- the day's sums ---

    def recount(self) -> None:
        """Count every ended contact again, as after a change of the rules."""
        self._uncounted.update(dict.fromkeys(self.contacts))

    def day_sums(self, day: date) -> dict[ContactGroup, Sums]:
        """Sums of LIVE_METRICS' terms over a local day's contacts, by group; the last counts those without a record."""
        self._count()
        return self._days.get(day, {})

    def counted_group(self, contact_id: str) -> tuple[date, ContactGroup] | None:
        """The day and group that a contact counts in. None for one that has not ended."""
        self._count()
        counted = self._counted.get(contact_id)
        return None if counted is None else counted[:2]

    def _count(self) -> None:
        for contact_id in self._uncounted:
            counted = self._counted.pop(contact_id, None)
            if counted is not None:
                _add(self._days, *counted, sign=-1)
            contact = self.contacts.get(contact_id)
            if contact is None or (end_at := end_of(contact)) is None:
                continue
            row = row_of(contact)
            group = ContactGroup(last_segment(contact.instance_arn), queue_id_of(row.queue_arn), row.channel)
            values = (*live_terms().of(row, self._x_ms(row, group)), int(contact.record is None))
            counted = self.rules.day_of(end_at), group, values
            self._counted[contact_id] = counted
            _add(self._days, *counted, sign=1)
        self._uncounted.clear()

    def _x_ms(self, row: ContactRow, group: ContactGroup) -> float:
        # A record has its queue's name of the time, as the warehouse has it.
        name = row.queue_name or self.queue_names.get(row.queue_arn or "")
        return self.rules.target_s(last_segment(row.queue_arn), name, group.channel) * 1000

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
        """Keep the bounds: of the contacts that ended first and have their record only the sums stay."""
        excess = len(self.contacts) - LIVE_CONTACTS_MAX
        if excess > 0:
            ended = [(end, c.contact_id) for c in self.contacts.values() if c.record and (end := end_of(c))]
            for _, contact_id in sorted(ended)[:excess]:
                counted = self._counted[contact_id]
                self.settled[contact_id] = counted[0]
                _add(self._settled_sums, *counted, sign=1)
                self._drop(contact_id)
        for agent in sorted(self.agents.values(), key=lambda agent: agent.at)[:-LIVE_AGENTS_MAX]:
            del self.agents[agent.arn]


def _add(
    days: dict[date, dict[ContactGroup, Sums]], day: date, group: ContactGroup, values: Sequence[int], sign: int
) -> None:
    """Add a contact's terms to the sums of its day and group, or take them out."""
    sums = days.setdefault(day, {}).setdefault(group, [0] * len(values))
    for place, value in enumerate(values):
        if value:
            sums[place] += sign * value
