"""Schedules in a time zone: when runs are due, and the bounds of the windows that they cover.

A schedule's wall-clock times, less its delay, are the bounds of its windows. Where clocks change:
- A bound that the clock skips is at the change: the window around it is shorter.
- A bound that the clock shows twice is one bound, at its first time: the window around it is longer. Only where the
  clock goes back by at least the schedule's own step do the repeated hours have windows of their own (hourly windows
  in most zones: a day of 25).
A bound does not depend on where counting began, so every run sees the same bounds.

What a zone's clock shows is found through one question only, the offset at an instant, so this holds for whatever time
zone database a machine has.
"""

from __future__ import annotations

import zoneinfo
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Final, Literal
from zoneinfo import ZoneInfo

from trunkline.errors import UsageError
from trunkline.limits import COLLECT_SCHEDULE, COLLECT_ZONE
from trunkline.schedules.cron import Cron, Rate, parse_expression, time_before, times

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Schedule:
    """When runs are due (`expression` in `zone`) and how long before a run its window ends (`delay`)."""

    expression: Cron | Rate
    zone: ZoneInfo
    delay: timedelta


def make_schedule(
    expression: str = COLLECT_SCHEDULE, zone: str | ZoneInfo = COLLECT_ZONE, delay: timedelta | None = None
) -> Schedule:
    """A schedule from an EventBridge expression and an IANA zone; UsageError where either is not valid.

    Without a delay, a cron expression with one minute means windows that end on the full hour;
    any other means windows that end when the run begins. A rate counts elapsed time from 1970-01-01 UTC; its zone
    only affects labels.

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
    """The bounds of a schedule's windows in [start, end): UTC, ascending, each once; computed lazily.

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
        # A skipped time may coincide with the first one shown after the change.
        if reading.at != last and _is_bound(reading, expression, schedule.delay):
            yield reading.at
            last = reading.at


def _is_bound(reading: Reading, expression: Cron, delay: timedelta) -> bool:
    if reading.kind != "repeated":
        return True
    before = time_before(expression, reading.wall + delay)
    return before is not None and reading.shift >= reading.wall + delay - before


# Two changes of offset in one zone are never nearer than this: the nearest since 1800 are 3 days and 23 hours apart
# (Africa/Freetown, 1939), and a test checks every zone's file.
_PROBE: Final = timedelta(days=1)
# No clock is moved by more: Pacific/Apia skipped 2011-12-30.
SHIFT_MAX: Final = timedelta(days=1)
_SECOND: Final = timedelta(seconds=1)

Kind = Literal["shown", "repeated", "skipped"]


@dataclass(frozen=True, slots=True)
class Reading:
    """A wall-clock time, the instant (UTC) it belongs to, and how.

    `shown`: the clock shows it, for the first or only time. `repeated`: it had shown it `shift` earlier, before it was
    set back. `skipped`: the clock was set forward over it, by `shift`; the instant is that of the change.
    """

    at: datetime
    wall: datetime
    kind: Kind
    shift: timedelta


@dataclass(frozen=True, slots=True)
class _Span:
    """At most a day with one offset."""

    start: datetime
    end: datetime
    offset: timedelta


def zone_named(zone: str | ZoneInfo) -> ZoneInfo:
    """The zone of an IANA name; UsageError for a name that the database does not have."""
    if isinstance(zone, ZoneInfo):
        return zone
    try:
        return ZoneInfo(zone)
    except (KeyError, ValueError, OSError, TypeError) as error:
        raise UsageError(
            f"The zone is {zone!r}, which is not an IANA time zone; valid is, for example, Europe/Berlin."
        ) from error


@cache
def zone_names() -> frozenset[str]:
    """The zones that the time zone database has. Listing its folders takes 25 ms, so it is done once in a process."""
    # `localtime` is the machine's, which a few systems list.
    return frozenset(zoneinfo.available_timezones() - {"localtime"})


def utc(instant: datetime, what: str) -> datetime:
    """The same instant in UTC; UsageError for a time without a zone, which is ambiguous."""
    if instant.tzinfo is None:
        raise UsageError(f"{what} is {instant}, which has no zone; pass an aware time, such as clock.now().")
    return instant.astimezone(UTC)


def offset_at(zone: ZoneInfo, instant: datetime) -> timedelta:
    """Wall clock minus UTC."""
    offset = instant.astimezone(zone).utcoffset()
    assert offset is not None, "an aware time has an offset"
    return offset


def _change(zone: ZoneInfo, low: datetime, high: datetime) -> datetime:
    """The first instant in (low, high] with another offset than `low`, which is a whole second; high has another."""
    before = offset_at(zone, low)
    while high - low > _SECOND:
        middle = low + (high - low) // 2 // _SECOND * _SECOND
        low, high = (middle, high) if offset_at(zone, middle) == before else (low, middle)
    return high


def _spans(zone: ZoneInfo, start: datetime, end: datetime) -> Iterator[_Span]:
    at, offset = start.replace(microsecond=0), offset_at(zone, start)
    while at < end:
        following = at + _PROBE
        ahead = offset_at(zone, following)
        if ahead != offset:
            following = _change(zone, at, following)
            ahead = offset_at(zone, following)
        yield _Span(at, following, offset)
        at, offset = following, ahead


def offset_changes(zone: ZoneInfo, start: datetime, end: datetime) -> Iterator[datetime]:
    """The instants (UTC) in (start, end) at which the zone's offset changes."""
    spans = _spans(zone, start, end)
    before = next(spans, None)
    for span in spans:
        if before is not None and span.offset != before.offset:
            yield span.start
        before = span


def readings(cron: Cron, zone: ZoneInfo, start: datetime, end: datetime, delay: timedelta) -> Iterator[Reading]:
    """The wall-clock times of an expression, `delay` earlier on the clock, whose instants lie in [start, end).

    Ascending by instant; of several times skipped by one change only the first is returned. Lazy. A reading
    does not depend on `start`.
    """
    before: timedelta | None = None
    repeated_until, shift = datetime(1, 1, 1), timedelta(0)
    for span in _spans(zone, start - SHIFT_MAX - _PROBE, end):
        wall_start = span.start.replace(tzinfo=None) + span.offset
        if before is not None and span.offset != before:
            wall_before = span.start.replace(tzinfo=None) + before
            shift = abs(span.offset - before)
            repeated_until = wall_before
            if start <= span.start < end and wall_start > wall_before:
                for time in times(cron, wall_before + delay, wall_start + delay):
                    yield Reading(span.start, time - delay, "skipped", shift)
                    break
        before = span.offset
        low = max(span.start, start).replace(tzinfo=None) + span.offset
        high = min(span.end, end).replace(tzinfo=None) + span.offset
        for time in times(cron, low + delay, high + delay) if low < high else ():
            wall = time - delay
            again = wall < repeated_until
            yield Reading(
                (wall - span.offset).replace(tzinfo=UTC),
                wall,
                "repeated" if again else "shown",
                shift if again else timedelta(0),
            )
