"""What the clock on the wall of a zone shows: its offset, when the offset changes, and times that come twice or never.

Built on one question only, the offset at an instant, so that it holds for whatever time zone database a machine has.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, Literal
from zoneinfo import ZoneInfo

from trunkline.errors import UsageError
from trunkline.schedules.cron import Cron, times

# Two changes of offset in one zone are never nearer than this: the nearest since 1800 are 3 days and 23 hours apart
# (Africa/Freetown, 1939), and a test reads every zone's file to see that it stays so.
_PROBE: Final = timedelta(days=1)
# No clock is moved by more: Pacific/Apia left out 2011-12-30.
SHIFT_MAX: Final = timedelta(days=1)
_SECOND: Final = timedelta(seconds=1)

Kind = Literal["shown", "shown again", "left out"]


@dataclass(frozen=True, slots=True)
class Reading:
    """A wall-clock time, the instant (UTC) it belongs to, and how.

    `shown`: the clock shows it, for the first or only time. `shown again`: it had shown it `shift` ago, before it was
    set back. `left out`: the clock was set forward over it, by `shift`; the instant is that of the change.
    """

    at: datetime
    wall: datetime
    kind: Kind
    shift: timedelta


@dataclass(frozen=True, slots=True)
class _Span:
    """A stretch of at most a day in which the offset stays."""

    start: datetime
    end: datetime
    offset: timedelta


def zone_named(zone: str | ZoneInfo) -> ZoneInfo:
    """The zone of an IANA name; UsageError where the database has none of that name."""
    if isinstance(zone, ZoneInfo):
        return zone
    try:
        return ZoneInfo(zone)
    except (KeyError, ValueError, OSError, TypeError) as error:
        raise UsageError(
            f"The zone is {zone!r}, which is no IANA time zone; valid is for example Europe/Berlin."
        ) from error


def utc(instant: datetime, what: str) -> datetime:
    """The same instant in UTC; UsageError for a time without zone, which could mean anything."""
    if instant.tzinfo is None:
        raise UsageError(f"{what} is {instant}, which has no zone; give an aware time, such as clock.now().")
    return instant.astimezone(UTC)


def offset_at(zone: ZoneInfo, instant: datetime) -> timedelta:
    """Wall clock less UTC."""
    offset = instant.astimezone(zone).utcoffset()
    assert offset is not None
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


def readings(cron: Cron, zone: ZoneInfo, start: datetime, end: datetime, delay: timedelta) -> Iterator[Reading]:
    """The wall-clock times of an expression, `delay` earlier on the clock, whose instants lie in [start, end).

    Ascending by instant; of several times left out by one change only the first is given. Bounded by [start, end),
    lazy, and the same for every start: what is read at an instant does not depend on where reading began.
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
                    yield Reading(span.start, time - delay, "left out", shift)
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
                "shown again" if again else "shown",
                shift if again else timedelta(0),
            )
