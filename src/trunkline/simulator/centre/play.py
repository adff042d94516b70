"""Run the centre: arrivals, shifts and the event loop; then reduce to the exact number of contacts."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass

from trunkline.errors import TerminalError
from trunkline.simulator.centre.arrivals import draw, shape
from trunkline.simulator.centre.centre import Agent, Contact, build
from trunkline.simulator.centre.engine import EventLoop
from trunkline.simulator.centre.handling import connected
from trunkline.simulator.centre.journal import JournalEntry
from trunkline.simulator.centre.journeys import arrive, leave
from trunkline.simulator.centre.staffing import Shift, roster
from trunkline.simulator.spec import Spec

_LEGS_PER_ARRIVAL = 1.11
_TRIES_MAX = 20


@dataclass(frozen=True, slots=True)
class Played:
    """What happened: contacts in order of creation, the agents, their shifts, and what agents and contacts did."""

    contacts: list[Contact]
    agents: list[Agent]
    shifts: list[Shift]
    journal: list[JournalEntry]


def play(spec: Spec) -> Played:
    """Simulate exactly `spec.contacts` contacts.

    Slightly more arrivals than needed are planned; then whole journeys, chosen by the seed, are removed. Raises
    TerminalError when no number of arrivals gives the exact count.
    """
    arrivals = math.ceil((spec.contacts + 2 * math.sqrt(spec.contacts) + 2) / _LEGS_PER_ARRIVAL)
    for _ in range(_TRIES_MAX):
        played = _run(spec, arrivals if spec.contacts else 0)
        remaining = _cut(played.contacts, spec)
        if remaining is not None:
            kept = {contact.number for contact in remaining}
            journal = [entry for entry in played.journal if entry.contact is None or entry.contact.number in kept]
            return Played(remaining, played.agents, played.shifts, journal)
        arrivals += max(2, arrivals // 50)
    raise TerminalError(f"{spec.contacts} contacts with seed {spec.seed} cannot be simulated exactly; try another seed")


def _run(spec: Spec, arrivals: int) -> Played:
    # The centre does not depend on the seed: another seed is another day of the same company.
    centre = build(random.Random("centre"))
    plan = shape(centre, spec, arrivals)
    shifts = roster(centre, plan, spec.seed)
    sim = EventLoop(centre, spec.seed, connected, leave)
    for shift in shifts:
        sim.at(shift.start, sim.start_shift, shift.agent)
        for start, seconds in shift.breaks:
            sim.at(start, sim.take_break, shift.agent, seconds)
        sim.at(shift.end, sim.end_shift, shift.agent)
    sim.feed(draw(plan, spec, arrivals), arrive)
    sim.run()
    return Played(sim.contacts, centre.agents, shifts, sim.journal)


def _cut(contacts: list[Contact], spec: Spec) -> list[Contact] | None:
    """Remove whole journeys until the number is exact; None if that is impossible."""
    excess = len(contacts) - spec.contacts
    if excess < 0:
        return None
    sizes: dict[int, int] = {}
    for contact in contacts:
        sizes[contact.call_key] = sizes.get(contact.call_key, 0) + 1
    order = sorted(sizes)
    random.Random(f"cut {spec.seed}").shuffle(order)
    removed: set[int] = set()
    for key in order:
        if excess == 0:
            break
        if sizes[key] <= excess:
            removed.add(key)
            excess -= sizes[key]
    return [contact for contact in contacts if contact.call_key not in removed] if excess == 0 else None
