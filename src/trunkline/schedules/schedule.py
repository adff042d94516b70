"""Schedules in a zone: when runs are asked for, and the bounds of the windows that they are for.

A schedule's wall-clock times, less its delay, are the bounds of its windows. Where clocks change:
- A bound that the clock leaves out lies at the change: the window around it is shorter.
- A bound that the clock shows twice is one bound, at its first time: the window around it is longer. Only where the
  clock goes back by at least the schedule's own step do the repeated hours have windows of their own (hourly windows
  in most zones: a day of 25).
A bound does not depend on where counting began, so every run sees the same ones.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from trunkline.errors import UsageError
from trunkline.limits import COLLECT_SCHEDULE, COLLECT_ZONE
from trunkline.schedules.cron import Cron, Rate, parse_expression, time_before
from trunkline.schedules.wall_clock import Reading, readings, utc, zone_named

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Schedule:
    """When runs are asked for (`expression` in `zone`) and how long before a run its window ends (`delay`)."""

    expression: Cron | Rate
    zone: ZoneInfo
    delay: timedelta


def make_schedule(
    expression: str = COLLECT_SCHEDULE, zone: str | ZoneInfo = COLLECT_ZONE, delay: timedelta | None = None
) -> Schedule:
    """A schedule from an EventBridge expression and an IANA zone; UsageError where either is none.

    Without a delay, a cron expression with one minute means windows that end on the full hour, as the mission has it;
    any other means windows that end when the run begins. A rate counts elapsed time from 1970-01-01 UTC; its zone
    only words the labels.

    >>> make_schedule().delay
    datetime.timedelta(seconds=2400)
    """
    parsed = parse_expression(expression)
    if delay is None:
        minutes = parsed.minutes if isinstance(parsed, Cron) else ()
        delay = timedelta(minutes=minutes[0]) if len(minutes) == 1 else timedelta(0)
    if delay < timedelta(0):
        raise UsageError(f"The schedule's delay is {delay}; a window cannot end after its run begins, so 0 or more.")
    return Schedule(parsed, zone_named(zone), delay)


def bounds(schedule: Schedule, start: datetime, end: datetime) -> Iterator[datetime]:
    """The bounds of a schedule's windows in [start, end): UTC, ascending, each once, found as they are asked for.

    >>> day = make_schedule("cron(0 0 * * ? *)", "America/Havana")  # midnight came twice there on 2025-11-02
    >>> start, end = datetime(2025, 11, 1, tzinfo=UTC), datetime(2025, 11, 4, tzinfo=UTC)
    >>> [f"{bound:%d %H:%M}" for bound in bounds(day, start, end)]
    ['01 04:00', '02 04:00', '03 05:00']
    """
    start, end = utc(start, "The start"), utc(end, "The end")
    expression = schedule.expression
    if isinstance(expression, Rate):
        bound = _EPOCH - schedule.delay - (_EPOCH - schedule.delay - start) // expression.every * expression.every
        while bound < end:
            yield bound
            bound += expression.every
        return
    last: datetime | None = None
    for reading in readings(expression, schedule.zone, start, end, schedule.delay):
        # A time left out may fall together with the first one shown after the change.
        if reading.at != last and _is_bound(reading, expression, schedule.delay):
            yield reading.at
            last = reading.at


def _is_bound(reading: Reading, expression: Cron, delay: timedelta) -> bool:
    if reading.kind != "shown again":
        return True
    before = time_before(expression, reading.wall + delay)
    return before is not None and reading.shift >= reading.wall + delay - before
