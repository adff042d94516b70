"""The event loop and the routing of contacts to queues and agents."""

from __future__ import annotations

import heapq
import random
from collections.abc import Callable, Sequence
from typing import Any

from trunkline.simulator.centre.centre import Agent, Centre, Contact, Queue, State, uuid_of
from trunkline.simulator.centre.journal import AVAILABLE, OFFLINE, JournalEntry, break_name

MISS_S = 20  # how long an offer rings before it counts as missed
_MISSED = 0.015


class EventLoop:
    """A discrete-event simulation in whole seconds. Events of one second run in the order they were scheduled."""

    def __init__(
        self,
        centre: Centre,
        seed: int,
        on_connect: Callable[[EventLoop, Contact, Agent], None],
        on_leave: Callable[[EventLoop, Contact], None],
    ) -> None:
        self.centre = centre
        self.rng = random.Random(f"engine {seed}")
        self.now = 0
        self.contacts: list[Contact] = []
        self.journal: list[JournalEntry] = []
        self._heap: list[tuple[int, int, Callable[..., None], tuple[Any, ...]]] = []
        self._sequence = 0
        self._on_connect = on_connect
        self._on_leave = on_leave

    def at(self, when: int, action: Callable[..., None], *arguments: Any) -> None:
        """Call `action(*arguments)` at that second."""
        self._sequence += 1
        heapq.heappush(self._heap, (when, self._sequence, action, arguments))

    def feed(self, arrivals: Sequence[tuple[int, int]], arrive: Callable[[EventLoop, int], None]) -> None:
        """Call `arrive(self, index)` for each (second, index) in order. Only the next arrival is on the heap."""

        def arrive_next(position: int) -> None:
            arrive(self, arrivals[position][1])
            if position + 1 < len(arrivals):
                self.at(arrivals[position + 1][0], arrive_next, position + 1)

        if arrivals:
            self.at(arrivals[0][0], arrive_next, 0)

    def run(self) -> None:
        """Run until no events are left."""
        heap = self._heap
        while heap:
            self.now, _, action, arguments = heapq.heappop(heap)
            action(*arguments)

    def note_contact(self, agent: Agent, contact: Contact, state: str | None, at: int | None = None) -> None:
        """Record the state of an agent's contact from now, or from `at`. None: the contact has left the agent."""
        self.journal.append(JournalEntry(self.now if at is None else at, agent, state, contact))

    def note_status(self, agent: Agent, status: str, *, is_next: bool = False) -> None:
        """Record the status that an agent has from now, or has chosen to have after the current contacts."""
        self.journal.append(JournalEntry(self.now, agent, status, is_next=is_next))

    def contact(self, channel: str, method: str, parent: Contact | None = None) -> Contact:
        """A new contact. With a parent it is the next leg of the parent's journey."""
        number = len(self.contacts)
        contact = Contact(number, uuid_of(self.rng), number, channel, method, self.now)
        if parent is not None:
            contact.call_key = parent.call_key
            contact.initial_id = parent.initial_id or parent.contact_id
            contact.previous_id = parent.contact_id
            contact.subtype = parent.subtype
            contact.hops = parent.hops + 1
            parent.next_id = contact.contact_id
        self.contacts.append(contact)
        return contact

    # --- queues ---

    def enqueue(self, contact: Contact, queue: Queue, patience_s: int) -> None:
        """Put a contact in a queue. After `patience_s` without an agent, `on_leave` is called."""
        contact.queue = queue
        contact.enqueued_at = self.now
        self.at(self.now + patience_s, self._give_up, contact)
        self._wait(contact, queue, is_first=False)

    def leave_queue(self, contact: Contact) -> None:
        """Remove a waiting or ringing contact from its queue without connecting it to an agent."""
        contact.pre_disconnect_state = "CONNECTING" if contact.state is State.RINGING else "IN_QUEUE"
        agent = contact.ringing
        contact.dequeued_at = self.now
        contact.state = State.FLOW
        contact.ringing = None
        if agent is not None:
            self.release(agent, contact)

    def _wait(self, contact: Contact, queue: Queue, *, is_first: bool) -> None:
        agent = self.idle_agent(queue)
        if agent is not None:
            self._offer(contact, agent)
            return
        contact.state = State.QUEUED
        if is_first:
            queue.waiting.appendleft(contact)
        else:
            queue.waiting.append(contact)

    def _give_up(self, contact: Contact) -> None:
        if contact.state is State.QUEUED or contact.state is State.RINGING:
            self._on_leave(self, contact)

    # --- offers ---

    def _offer(self, contact: Contact, agent: Agent) -> None:
        contact.state = State.RINGING
        contact.ringing = agent
        contact.attempts += 1
        self.seize(agent, contact, "INCOMING" if contact.method == "CALLBACK" else "CONNECTING")
        if self.rng.random() < _MISSED:
            self.at(self.now + MISS_S, self._miss, contact, agent, contact.attempts)
        else:
            self.at(self.now + self.rng.randrange(2, 7), self._answer, contact, agent, contact.attempts)

    def _answer(self, contact: Contact, agent: Agent, attempt: int) -> None:
        if contact.state is not State.RINGING or contact.attempts != attempt:
            return
        contact.state = State.CONNECTED
        contact.ringing = None
        contact.dequeued_at = self.now
        self._on_connect(self, contact, agent)

    def _miss(self, contact: Contact, agent: Agent, attempt: int) -> None:
        if contact.state is not State.RINGING or contact.attempts != attempt:
            return
        contact.ringing = None
        self._account(agent)
        self._remove_idle(agent)
        agent.load -= 1
        agent.is_away = True
        self.note_contact(agent, contact, "MISSED" if contact.channel == "VOICE" else "REJECTED")
        self.at(self.now + self.rng.randrange(20, 90), self._return, agent, contact)
        assert contact.queue is not None
        self._wait(contact, contact.queue, is_first=True)

    # --- agents ---

    def start_shift(self, agent: Agent) -> None:
        """The agent logs in and is available."""
        agent.since = self.now
        agent.is_on_shift = True
        agent.is_leaving = False
        agent.is_away = False
        agent.break_s = 0
        self.note_status(agent, AVAILABLE)
        self._next_activity(agent)

    def end_shift(self, agent: Agent) -> None:
        """The agent accepts no more contacts and logs out when the last one is done."""
        agent.is_leaving = True
        self.note_status(agent, OFFLINE, is_next=True)
        self._next_activity(agent)

    def take_break(self, agent: Agent, seconds: int) -> None:
        """The agent takes a break when the current contacts are done."""
        agent.break_s = seconds
        if agent.is_on_shift and not agent.is_leaving:
            self.note_status(agent, break_name(agent, seconds), is_next=True)
        self._next_activity(agent)

    def seize(self, agent: Agent, contact: Contact, state: str) -> None:
        """Occupy the agent with one more contact, which is in that state of Connect."""
        self.note_contact(agent, contact, state)
        self._account(agent)
        self._remove_idle(agent)
        agent.load += 1
        self._next_activity(agent)

    def release(self, agent: Agent, contact: Contact) -> None:
        """Free the agent from one contact."""
        self.note_contact(agent, contact, None)
        self._account(agent)
        self._remove_idle(agent)
        agent.load -= 1
        self._next_activity(agent)

    def idle_count(self, queue: Queue) -> int:
        """Agents who could take a contact of that queue now."""
        return sum(len(idle) for profile in queue.profiles for idle in profile.idle)

    def _return(self, agent: Agent, missed: Contact | None = None) -> None:
        """Return from a break, or clear a missed contact."""
        self._account(agent)
        agent.is_away = False
        if missed is not None:
            self.note_contact(agent, missed, None)
        else:
            self.note_status(agent, AVAILABLE)
        self._next_activity(agent)

    def _account(self, agent: Agent) -> None:
        if agent.is_on_shift:
            if agent.load:
                agent.on_contact_s += self.now - agent.since
            elif not agent.is_away:
                agent.idle_s += self.now - agent.since
        agent.since = self.now

    def _remove_idle(self, agent: Agent) -> None:
        idle = agent.profile.idle
        if agent.load < len(idle):
            idle[agent.load].pop(agent.number, None)

    def _next_activity(self, agent: Agent) -> None:
        """Decide what an agent does after a change: log out, take a break, take the next contact, or wait idle."""
        if not agent.is_on_shift or agent.is_away:
            return
        if agent.is_leaving or agent.break_s:
            self._remove_idle(agent)
            if agent.load == 0:
                self._account(agent)
                if agent.is_leaving:
                    agent.is_on_shift = False
                    self.note_status(agent, OFFLINE)
                else:
                    agent.is_away = True
                    self.note_status(agent, break_name(agent, agent.break_s))
                    self.at(self.now + agent.break_s, self._return, agent)
                agent.break_s = 0
            return
        if agent.load >= agent.profile.slots:
            return
        for queue in agent.profile.queues:
            waiting = queue.waiting
            while waiting:
                contact = waiting.popleft()
                if contact.state is State.QUEUED:
                    self._offer(contact, agent)
                    return
        agent.profile.idle[agent.load].setdefault(agent.number, agent)

    def idle_agent(self, queue: Queue) -> Agent | None:
        """The agent who is offered a contact of that queue now: least loaded first, then longest idle. None if busy."""
        best: Agent | None = None
        for profile in queue.profiles:
            for idle in profile.idle:
                if idle:
                    agent = next(iter(idle.values()))
                    if best is None or (agent.load, agent.since, agent.number) < (best.load, best.since, best.number):
                        best = agent
                    break
        return best
