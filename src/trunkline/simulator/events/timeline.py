"""Each agent's state over time, in milliseconds, from the journal of the centre.

The journal and contact records have whole seconds. Every contact has its own fraction of a second. Changes of one agent
within a second keep their order, so some happen a little later within it.
"""

from __future__ import annotations

import bisect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from trunkline.simulator.centre.centre import Agent, Contact
from trunkline.simulator.centre.journal import AVAILABLE, OFFLINE, JournalEntry
from trunkline.simulator.centre.play import Played

LOGIN, LOGOUT, STATE_CHANGE, HEART_BEAT = "LOGIN", "LOGOUT", "STATE_CHANGE", "HEART_BEAT"


@dataclass(frozen=True, slots=True)
class AgentContact:
    """A contact at an agent. `since_ms` is when this state began; `connected_ms` is None before the connection."""

    contact: Contact
    state: str
    since_ms: int
    connected_ms: int | None


@dataclass(frozen=True, slots=True)
class AgentState:
    """An agent's state from `at_ms` (Unix milliseconds) until the next one.

    `cause` is the type of the event that publishes it, `next_status` the status chosen for after the current contacts,
    and since when.
    """

    at_ms: int
    cause: str
    status: str
    status_ms: int
    next_status: tuple[str, int] | None
    contacts: tuple[AgentContact, ...]


@dataclass(frozen=True, slots=True)
class AgentTimeline:
    """An agent's states in order of time, each with a later start than the one before."""

    agent: Agent
    states: list[AgentState]

    def at(self, at_ms: int) -> AgentState | None:
        """The state at that time; None before the first login."""
        position = bisect.bisect_right(self.states, at_ms, key=lambda state: state.at_ms)
        return self.states[position - 1] if position else None


def millisecond(contact: Contact, second: int) -> int:
    """A second of a contact's life in Unix milliseconds, with the contact's own fraction."""
    return second * 1000 + contact.number * 7919 % 900


def timelines(played: Played) -> list[AgentTimeline]:
    """The timelines of all agents who logged in, in order of their numbers."""
    entries: dict[int, list[JournalEntry]] = {}
    for entry in played.journal:
        entries.setdefault(entry.agent.number, []).append(entry)
    return [
        AgentTimeline(agent, _states(agent, entries[agent.number]))
        for agent in played.agents
        if agent.number in entries
    ]


def _states(agent: Agent, entries: list[JournalEntry]) -> list[AgentState]:
    entries.sort(key=lambda entry: entry.at)  # stable: what happens in one second keeps its order
    states: list[AgentState] = []
    for position, entry in enumerate(entries):
        if not _is_brief(entry, entries, position):
            _append(states, agent, entry)
    return states


def _is_brief(entry: JournalEntry, entries: Sequence[JournalEntry], position: int) -> bool:
    """Whether a later entry of the same second replaces this one, so that nobody sees it."""
    for later in entries[position + 1 :]:
        if later.at != entry.at:
            return False
        if later.contact is entry.contact and not (entry.contact is None and later.is_next and not entry.is_next):
            return True
    return False


def _append(states: list[AgentState], agent: Agent, entry: JournalEntry) -> None:
    """Add the state after one entry, and a login before it or a logout after it."""
    now = AgentState(0, STATE_CHANGE, OFFLINE, 0, None, ()) if not states else states[-1]
    if entry.contact is not None:
        at_ms = max(millisecond(entry.contact, entry.at), now.at_ms + 1)
        contacts = _changed(now.contacts, entry.contact, entry.name, at_ms)
        if contacts is not None:
            states.append(AgentState(at_ms, STATE_CHANGE, now.status, now.status_ms, now.next_status, contacts))
        return
    assert entry.name is not None
    at_ms = max(entry.at * 1000 + agent.number * 37 % 900, now.at_ms + 1)
    if entry.is_next:
        states.append(AgentState(at_ms, STATE_CHANGE, now.status, now.status_ms, (entry.name, at_ms), now.contacts))
        return
    if now.status == OFFLINE and entry.name == AVAILABLE:
        login_ms = at_ms - 1000 * (3 + agent.number % 25)
        if login_ms > now.at_ms:
            states.append(AgentState(login_ms, LOGIN, OFFLINE, login_ms, None, now.contacts))
    states.append(AgentState(at_ms, STATE_CHANGE, entry.name, at_ms, None, now.contacts))
    if entry.name == OFFLINE:
        logout_ms = at_ms + 1000 * (1 + agent.number % 20)
        states.append(AgentState(logout_ms, LOGOUT, OFFLINE, at_ms, None, now.contacts))


def _changed(
    contacts: tuple[AgentContact, ...], contact: Contact, state: str | None, at_ms: int
) -> tuple[AgentContact, ...] | None:
    """The agent's contacts after one of them changes; None where nothing changes.

    Nothing follows the end of a contact but its removal: a hold planned for later does not come.
    """
    known = next((item for item in contacts if item.contact is contact), None)
    if state is None:
        return None if known is None else tuple(item for item in contacts if item is not known)
    if known is None:
        connected_ms = at_ms if state == "CONNECTED" else None
        return (*contacts, AgentContact(contact, state, at_ms, connected_ms))
    if known.state in ("ENDED", state):
        return None
    connected_ms = known.connected_ms
    if connected_ms is None and state == "CONNECTED":
        connected_ms = at_ms
    changed = AgentContact(contact, state, at_ms, connected_ms)
    return tuple(changed if item is known else item for item in contacts)


def contact_moments(lines: Sequence[AgentTimeline]) -> Mapping[tuple[int, str | None], int]:
    """(contact number, state) to the first time (Unix milliseconds) of that state at an agent; state None: it left.

    A contact that an agent missed goes on elsewhere, so that its leaving there is none.
    """
    result: dict[tuple[int, str | None], int] = {}
    for line in lines:
        before: tuple[AgentContact, ...] = ()
        for state in line.states:
            for item in state.contacts:
                result.setdefault((item.contact.number, item.state), item.since_ms)
            numbers = {item.contact.number for item in state.contacts}
            for item in before:
                if item.contact.number not in numbers and item.state != "MISSED":
                    result[item.contact.number, None] = state.at_ms
            before = state.contacts
    return result


def offers(lines: Sequence[AgentTimeline]) -> Mapping[int, list[tuple[int, int]]]:
    """Contact number to the half-open times (Unix milliseconds) during which it is offered to an agent."""
    result: dict[int, list[tuple[int, int]]] = {}
    for line in lines:
        open_offers: dict[int, int] = {}
        for state in line.states:
            offered = {item.contact.number for item in state.contacts if is_offer(item)}
            for number in [number for number in open_offers if number not in offered]:
                result.setdefault(number, []).append((open_offers.pop(number), state.at_ms))
            for number in offered:
                open_offers.setdefault(number, state.at_ms)
    return result


def is_offer(item: AgentContact) -> bool:
    """Whether the contact waits for this agent to accept it. An agent's own call, or an accepted callback, does not."""
    if item.state == "INCOMING":
        return True
    return item.state == "CONNECTING" and item.contact.method not in ("OUTBOUND", "CALLBACK")
