"""The right answers at any moment of a simulated day: agents' states and contacts in queue."""

from __future__ import annotations

import bisect
from collections.abc import Mapping
from dataclasses import dataclass

from trunkline.simulator.events.day import SimulatedDay
from trunkline.simulator.events.timeline import AgentState, millisecond, offers


@dataclass(frozen=True, slots=True)
class PresentOracle:
    """Answers about any moment, in Unix milliseconds. `changes`: per queue name, sorted (time, contacts in queue)."""

    day: SimulatedDay
    changes: Mapping[str, list[tuple[int, int]]]

    def agent_states(self, at_ms: int) -> dict[str, AgentState]:
        """Agent ARN to state, of all who have logged in by then; those who have logged out since are Offline."""
        states = ((line.agent.arn, line.at(at_ms)) for line in self.day.timelines)
        return {arn: state for arn, state in states if state is not None}

    def in_queue(self, at_ms: int) -> dict[str, int]:
        """Queue name to contacts that wait there and are not offered to an agent, 0 too; without agents' own queues."""
        result = {}
        for name, changes in self.changes.items():
            place = bisect.bisect_right(changes, at_ms, key=lambda change: change[0])
            result[name] = changes[place - 1][1] if place else 0
        return result


def present_oracle(day: SimulatedDay) -> PresentOracle:
    """The oracle of a simulated day."""
    offered = offers(day.timelines)
    steps: dict[str, list[tuple[int, int]]] = {}
    for contact in day.played.contacts:
        if contact.queue is None or contact.enqueued_at is None or contact.dequeued_at is None:
            continue
        start, end = millisecond(contact, contact.enqueued_at), millisecond(contact, contact.dequeued_at)
        marks = steps.setdefault(contact.queue.name, [])
        for offer_start, offer_end in offered.get(contact.number, ()):
            if start < offer_start:
                marks += [(start, 1), (offer_start, -1)]
            start = max(start, offer_end)
        if start < end:
            marks += [(start, 1), (end, -1)]
    return PresentOracle(day, {name: _running(marks) for name, marks in steps.items()})


def _running(marks: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Steps as (time, total from then on), one per time."""
    totals: dict[int, int] = {}
    total = 0
    for at_ms, step in sorted(marks):
        total += step
        totals[at_ms] = total
    return list(totals.items())
