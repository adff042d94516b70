"""Staffing: agents needed by the forecast (square-root staffing), covered by shifts with breaks."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass

from trunkline.simulator.centre.arrivals import DEMAND, SLOT_S, ArrivalPlan
from trunkline.simulator.centre.centre import Agent, Centre, Profile, hire

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
