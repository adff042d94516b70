"""The event loop and the routing: who waits where, which agent is offered what."""

from __future__ import annotations

import heapq
import random
from collections.abc import Callable, Sequence
from typing import Any

from trunkline.simulator.centre.centre import Agent, Centre, Contact, Queue, State, uuid_of

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
        self._heap: list[tuple[int, int, Callable[..., None], tuple[Any, ...]]] = []
        self._sequence = 0
        self._on_connect = on_connect
        self._on_leave = on_leave

    def at(self, when: int, action: Callable[..., None], *arguments: Any) -> None:
        """Call `action(*arguments)` at that second."""
        self._sequence += 1
        heapq.heappush(self._heap, (when, self._sequence, action, arguments))

    def feed(self, arrivals: Sequence[tuple[int, int]], arrive: Callable[[EventLoop, int], None]) -> None:
        """Let `arrive(engine, what)` happen at each (second, what), in order; keeps the heap small."""

        def next_one(position: int) -> None:
            arrive(self, arrivals[position][1])
            if position + 1 < len(arrivals):
                self.at(arrivals[position + 1][0], next_one, position + 1)

        if arrivals:
            self.at(arrivals[0][0], next_one, 0)

    def run(self) -> None:
        """Until nothing is left to happen."""
        heap = self._heap
        while heap:
            self.now, _, action, arguments = heapq.heappop(heap)
            action(*arguments)

    def contact(self, channel: str, method: str, parent: Contact | None = None) -> Contact:
        """A new contact, a leg of the parent's journey where there is a parent."""
        number = len(self.contacts)
        one = Contact(number, uuid_of(self.rng), number, channel, method, self.now)
        if parent is not None:
            one.call_key = parent.call_key
            one.initial_id = parent.initial_id or parent.contact_id
            one.previous_id = parent.contact_id
            one.subtype = parent.subtype
            one.hops = parent.hops + 1
            parent.next_id = one.contact_id
        self.contacts.append(one)
        return one

    # --- queues ---

    def enqueue(self, one: Contact, queue: Queue, patience_s: int) -> None:
        """Put a contact in a queue; after `patience_s` without an agent it is lost (`on_leave`)."""
        one.queue = queue
        one.enqueued_at = self.now
        self.at(self.now + patience_s, self._lose_patience, one)
        self._wait(one, queue, is_first=False)

    def leave_queue(self, one: Contact) -> None:
        """Take a waiting (or ringing) contact out of its queue without an agent."""
        one.pre_disconnect_state = "CONNECTING" if one.state is State.RINGING else "IN_QUEUE"
        agent = one.ringing
        one.dequeued_at = self.now
        one.state = State.FLOW
        one.ringing = None
        if agent is not None:
            self.release(agent)

    def _wait(self, one: Contact, queue: Queue, *, is_first: bool) -> None:
        agent = self.idle_agent(queue)
        if agent is not None:
            self._offer(one, agent)
            return
        one.state = State.QUEUED
        if is_first:
            queue.waiting.appendleft(one)
        else:
            queue.waiting.append(one)

    def _lose_patience(self, one: Contact) -> None:
        if one.state is State.QUEUED or one.state is State.RINGING:
            self._on_leave(self, one)

    # --- offers ---

    def _offer(self, one: Contact, agent: Agent) -> None:
        one.state = State.RINGING
        one.ringing = agent
        one.attempts += 1
        self.seize(agent)
        if self.rng.random() < _MISSED:
            self.at(self.now + MISS_S, self._miss, one, agent, one.attempts)
        else:
            self.at(self.now + self.rng.randrange(2, 7), self._answer, one, agent, one.attempts)

    def _answer(self, one: Contact, agent: Agent, attempt: int) -> None:
        if one.state is not State.RINGING or one.attempts != attempt:
            return
        one.state = State.CONNECTED
        one.ringing = None
        one.dequeued_at = self.now
        self._on_connect(self, one, agent)

    def _miss(self, one: Contact, agent: Agent, attempt: int) -> None:
        if one.state is not State.RINGING or one.attempts != attempt:
            return
        one.ringing = None
        self._account(agent)
        self._forget(agent)
        agent.load -= 1
        agent.is_away = True
        self.at(self.now + self.rng.randrange(20, 90), self._return, agent)
        assert one.queue is not None
        self._wait(one, one.queue, is_first=True)

    # --- agents ---

    def start_shift(self, agent: Agent) -> None:
        """The agent logs in and is available."""
        agent.since = self.now
        agent.is_on_shift = True
        agent.is_leaving = False
        agent.is_away = False
        agent.break_s = 0
        self._settle(agent)

    def end_shift(self, agent: Agent) -> None:
        """The agent takes no more work and goes once the last contact is done."""
        agent.is_leaving = True
        self._settle(agent)

    def take_break(self, agent: Agent, seconds: int) -> None:
        """The agent takes a break once the contacts in hand are done."""
        agent.break_s = seconds
        self._settle(agent)

    def seize(self, agent: Agent) -> None:
        """The agent takes one more contact."""
        self._account(agent)
        self._forget(agent)
        agent.load += 1
        self._settle(agent)

    def release(self, agent: Agent) -> None:
        """The agent is done with one contact."""
        self._account(agent)
        self._forget(agent)
        agent.load -= 1
        self._settle(agent)

    def idle_count(self, queue: Queue) -> int:
        """Agents who could take a contact of that queue now."""
        return sum(len(idle) for profile in queue.profiles for idle in profile.idle)

    def _return(self, agent: Agent) -> None:
        self._account(agent)
        agent.is_away = False
        self._settle(agent)

    def _account(self, agent: Agent) -> None:
        if agent.is_on_shift:
            if agent.load:
                agent.on_contact_s += self.now - agent.since
            elif not agent.is_away:
                agent.idle_s += self.now - agent.since
        agent.since = self.now

    def _forget(self, agent: Agent) -> None:
        idle = agent.profile.idle
        if agent.load < len(idle):
            idle[agent.load].pop(agent.number, None)

    def _settle(self, agent: Agent) -> None:
        """Bring an agent who has just changed to rest: home, break, the next contact, or idle."""
        if not agent.is_on_shift or agent.is_away:
            return
        if agent.is_leaving or agent.break_s:
            self._forget(agent)
            if agent.load == 0:
                self._account(agent)
                if agent.is_leaving:
                    agent.is_on_shift = False
                else:
                    agent.is_away = True
                    self.at(self.now + agent.break_s, self._return, agent)
                agent.break_s = 0
            return
        if agent.load >= agent.profile.slots:
            return
        for queue in agent.profile.queues:
            waiting = queue.waiting
            while waiting:
                one = waiting.popleft()
                if one.state is State.QUEUED:
                    self._offer(one, agent)
                    return
        agent.profile.idle[agent.load].setdefault(agent.number, agent)

    def idle_agent(self, queue: Queue) -> Agent | None:
        """Whom a contact of that queue is offered now: the least loaded, then longest idle agent of its profiles."""
        best: Agent | None = None
        for profile in queue.profiles:
            for idle in profile.idle:
                if idle:
                    agent = next(iter(idle.values()))
                    if best is None or (agent.load, agent.since, agent.number) < (best.load, best.since, best.number):
                        best = agent
                    break
        return best
