"""Run the centre: arrivals, staff and the event loop; then reduce to the exact number of contacts.

Agents needed by the forecast (square-root staffing) are covered by shifts with breaks.
"""

from __future__ import annotations

import math
import random
from dataclasses import dataclass

from trunkline.errors import TerminalError
from trunkline.simulator.centre.arrivals import DEMAND, SLOT_S, ArrivalPlan, draw, shape
from trunkline.simulator.centre.centre import Agent, Centre, Contact, Profile, build, hire
from trunkline.simulator.centre.engine import EventLoop
from trunkline.simulator.centre.handling import connected
from trunkline.simulator.centre.journal import JournalEntry
from trunkline.simulator.centre.journeys import arrive, leave
from trunkline.simulator.spec import Spec

# Square-root staffing: load + BETA * sqrt(load). Higher means shorter queues and idler agents.
BETA = -0.12
BREAKS_SHARE = 0.05
REST_S = 8 * 3600
# Agents on shift when the simulated days end stay on to work off the queues.
DRAIN_S = 3600
_LENGTHS = (34, 24, 16)  # shifts of 8.5, 6 and 4 hours, in slots of 15 minutes
# The share of each queue's load that a profile handles.
LOAD_SHARES = {
    "Sales": {"Sales": 0.77},
    "Support": {"Support": 1.0, "Billing": 0.3},
    "Billing": {"Billing": 0.7},
    "Retention": {"Retention": 0.9, "Sales": 0.15},
    "Digital": {"Chat": 1.0},
    "Back office": {"Back office": 0.91},
    "Outbound": {"Collections": 1.0, "Retention": 0.1},
}
# Transfers and callbacks add work that the arrivals do not include.
FOLLOW_ON = {"Retention": 2.0, "Support": 1.06, "Billing": 1.06, "Sales": 1.04}


@dataclass(frozen=True, slots=True)
class Shift:
    """One agent's shift: Unix seconds, with breaks as (planned start, seconds)."""

    agent: Agent
    start: int
    end: int
    breaks: tuple[tuple[int, int], ...]


def roster(centre: Centre, plan: ArrivalPlan, seed: int) -> list[Shift]:
    """Shifts for all profiles, in order of start within each profile."""
    rng = random.Random(f"roster {seed}")
    shifts: list[Shift] = []
    for profile in centre.profiles.values():
        free_at: list[tuple[int, Agent]] = []
        for first, last in _cover(requirement(plan, profile)):
            start, end = plan.starts[first], plan.starts[0] + last * SLOT_S
            if last == len(plan.starts):
                end += DRAIN_S
            agent = _resting(free_at, start) or hire(centre, profile)
            free_at.append((end + REST_S, agent))
            shifts.append(Shift(agent, start, end, _breaks(rng, start, end)))
    return shifts


def requirement(plan: ArrivalPlan, profile: Profile) -> list[int]:
    """Agents of a profile needed in each slot, and one agent for one slot after the demand ends."""
    shares = LOAD_SHARES[profile.name]
    slots_used = 1.0 if profile.slots == 1 else profile.slots * 0.74
    needs = [0] * len(plan.starts)
    for slot in range(len(plan.starts)):
        load = 0.0
        for index, demand in enumerate(DEMAND):
            share = shares.get(demand.queue, 0.0)
            factor = FOLLOW_ON.get(demand.queue, 1.0) * share * demand.reaches * demand.work_s / SLOT_S
            load += plan.expected[index][slot] * factor if _is_open(profile, demand.queue, plan.hours[slot]) else 0.0
        load /= slots_used
        if load > 0.0:
            needs[slot] = math.ceil((load + BETA * math.sqrt(load)) * (1 + BREAKS_SHARE))
    return [max(need, min(1, needs[slot - 1] if slot else 0)) for slot, need in enumerate(needs)]


def _is_open(profile: Profile, name: str, hour: float) -> bool:
    return any(queue.opens <= hour < queue.closes for queue in profile.queues if queue.name == name)


def _cover(needs: list[int]) -> list[tuple[int, int]]:
    """Shifts as half-open slot ranges, so that every slot has at least the agents it needs.

    Goes through the slots; where agents are missing, it starts a shift of the length that wastes least.
    """
    cover = [0] * len(needs)
    shifts: list[tuple[int, int]] = []
    for slot, need in enumerate(needs):
        while cover[slot] < need:
            end = min((_waste(needs, cover, slot, length), -length, slot + length) for length in _LENGTHS)[2]
            while end > slot + 1 and (end > len(needs) or needs[end - 1] == 0):
                end -= 1
            for covered in range(slot, end):
                cover[covered] += 1
            shifts.append((slot, end))
    return shifts


def _waste(needs: list[int], cover: list[int], start: int, length: int) -> float:
    slots = range(start, min(start + length, len(needs)))
    return sum(1 for slot in slots if needs[slot] and cover[slot] >= needs[slot]) / max(1, len(slots))


def _resting(free_at: list[tuple[int, Agent]], start: int) -> Agent | None:
    """Remove and return the first agent who has rested enough; None if there is none."""
    for position, (free, agent) in enumerate(free_at):
        if free <= start:
            del free_at[position]
            return agent
    return None


def _breaks(rng: random.Random, start: int, end: int) -> tuple[tuple[int, int], ...]:
    hours = (end - start) / 3600
    if hours >= 6:
        plan = [(0.25, 900), (0.5, 1800), (0.78, 900)]
    elif hours >= 3:
        plan = [(0.5, 900)]
    else:
        return ()
    return tuple((int(start + (end - start) * part) + rng.randrange(-1500, 1500), length) for part, length in plan)


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
