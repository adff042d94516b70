"""Arrivals: the daily curve with two peaks, in local time, per kind of demand."""

from __future__ import annotations

import bisect
import functools
import itertools
import math
import random
from dataclasses import dataclass
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from trunkline.simulator.centre.centre import Centre
from trunkline.simulator.spec import CENTRE_ZONE, DAY_S, Spec

SLOT_S = 900
RUSH = 1.6
RUSH_SLOTS = 6


@dataclass(frozen=True, slots=True)
class Demand:
    """A kind of demand: its share of all arrivals, its queue, and the mean seconds of work per contact for an agent.

    `reaches` is the share that needs an agent (the rest end in the flow, or reach an answering machine).
    """

    kind: str
    share: float
    queue: str
    work_s: float
    reaches: float


DEMAND = (
    Demand("call", 0.175, "Sales", 340.0, 0.86),
    Demand("call", 0.300, "Support", 360.0, 0.86),
    Demand("call", 0.175, "Billing", 290.0, 0.86),
    Demand("call", 0.030, "Retention", 400.0, 0.86),
    Demand("chat", 0.120, "Chat", 400.0, 0.95),
    Demand("task", 0.045, "Back office", 400.0, 1.0),
    Demand("email", 0.025, "Back office", 370.0, 1.0),
    Demand("campaign", 0.085, "Collections", 215.0, 0.5),
    Demand("dial", 0.040, "Sales", 200.0, 1.0),
    Demand("monitor", 0.005, "Sales", 0.0, 0.0),
)


@dataclass(frozen=True, slots=True)
class ArrivalPlan:
    """Slots of 15 minutes over the simulated days, with the expected number of arrivals of each demand in each."""

    starts: list[int]
    hours: list[float]
    expected: list[list[float]]


def shape(centre: Centre, spec: Spec, arrivals: int) -> ArrivalPlan:
    """The forecast that staffing is based on."""
    starts = list(range(spec.start_s, spec.end_s, SLOT_S))
    hours: list[float] = []
    weights: list[float] = []
    for start in starts:
        hours.append(local_hour(start))
        weights.append(_day_weight(spec, start))
    expected = []
    for demand in DEMAND:
        queue = centre.queues[demand.queue]
        curve = [
            weight * _density(hour, queue.opens, queue.closes, demand.kind)
            for hour, weight in zip(hours, weights, strict=True)
        ]
        total = sum(curve)
        expected.append([arrivals * demand.share * value / total for value in curve])
    return ArrivalPlan(starts, hours, expected)


def _day_weight(spec: Spec, start: int) -> float:
    """Days differ slightly, weekends strongly. The weight depends on the seed and the date only."""
    day = datetime.fromtimestamp(start - (start - spec.start_s) % DAY_S, UTC).date()
    wobble = random.Random(f"day {spec.seed} {day.isoformat()}").uniform(0.93, 1.07)
    return wobble * (0.6 if day.weekday() >= 5 and spec.days > 1 else 1.0)


def _density(hour: float, opens: float, closes: float, kind: str) -> float:
    humps = math.exp(-(((hour - 10.6) / 1.6) ** 2)) + 0.85 * math.exp(-(((hour - 14.9) / 1.9) ** 2)) + 0.16
    if closes - opens >= 24.0:
        quiet = 0.02 + 0.05 * math.exp(-(((hour - 20.0) / 2.5) ** 2))
        return humps if 7.5 <= hour < 19.0 else quiet
    if opens <= hour < closes - 0.25:
        return humps
    # Some customers call outside opening hours.
    return 0.012 if kind in ("call", "chat") else 0.0


@functools.lru_cache(maxsize=100_000)
def _slot_hour(slot: int) -> float:
    local = datetime.fromtimestamp(slot * SLOT_S, UTC).astimezone(ZoneInfo(CENTRE_ZONE))
    return local.hour + local.minute / 60


def local_hour(second: int) -> float:
    """The centre's wall clock as a number of hours, exact to a quarter."""
    return _slot_hour(second // SLOT_S)


def draw(plan: ArrivalPlan, spec: Spec, arrivals: int) -> list[tuple[int, int]]:
    """`arrivals` pairs (Unix second, index into DEMAND), in order of time.

    The forecast is never exact: each hour has a random error, and each day has rushes, which cause queues.
    """
    rng = random.Random(f"customers {spec.seed}")
    counts = _split([demand.share for demand in DEMAND], arrivals)
    per_hour = 3600 // SLOT_S
    error = [rng.lognormvariate(0.0, 0.08) for _ in range(len(plan.starts) // per_hour + 1)]
    rushes = _rushes(rng, plan)
    result: list[tuple[int, int]] = []
    for index, count in enumerate(counts):
        expected = plan.expected[index]
        curve = [
            value * error[slot // per_hour] * rushes.get((index, slot), 1.0) for slot, value in enumerate(expected)
        ]
        cumulative = list(itertools.accumulate(curve))
        for _ in range(count):
            slot = bisect.bisect_left(cumulative, rng.random() * cumulative[-1])
            result.append((plan.starts[min(slot, len(plan.starts) - 1)] + rng.randrange(SLOT_S), index))
    result.sort()
    return result


def _rushes(rng: random.Random, plan: ArrivalPlan) -> dict[tuple[int, int], float]:
    """(demand, slot) -> factor: each voice queue is overloaded once a day for an hour and a half."""
    result: dict[tuple[int, int], float] = {}
    per_day = DAY_S // SLOT_S
    for first in range(0, len(plan.starts), per_day):
        for index, demand in enumerate(DEMAND):
            slots = range(first, min(first + per_day, len(plan.starts)))
            busy = [slot for slot in slots if 9.0 <= plan.hours[slot] < 16.5]
            if demand.kind == "call" and busy:
                start = rng.choice(busy)
                result.update({(index, slot): RUSH for slot in range(start, start + RUSH_SLOTS)})
    return result


def _split(shares: list[float], total: int) -> list[int]:
    """Whole numbers in proportion to `shares` that add up to `total` (largest remainder)."""
    whole = sum(shares)
    exact = [share * total / whole for share in shares]
    counts = [int(value) for value in exact]
    order = sorted(range(len(shares)), key=lambda i: (counts[i] - exact[i], i))
    for i in order[: total - sum(counts)]:
        counts[i] += 1
    return counts
