"""Windows: the periods of time that a schedule's runs cover, half-open, in UTC, without gap or overlap in any zone.

Two neighboring bounds of a schedule make a window, so windows tile time even where clocks change (a test checks all).
Nothing here depends on when, or how often, a run is really started: a run covers what is due since the watermark, and
covers again what has since become old enough for late completions.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice, pairwise
from typing import Final
from zoneinfo import ZoneInfo

from trunkline.errors import UsageError
from trunkline.limits import SCHEDULE_PRECISION_S, WINDOWS_PER_RUN_MAX
from trunkline.schedules.schedule import Schedule, bounds, utc

_INSTANT: Final = timedelta.resolution
_MILLISECOND: Final = timedelta(milliseconds=1)
# How far back or ahead to look for a bound; 29 February can be eight years away (2096 to 2104).
_LOOK: Final = tuple(timedelta(days=days) for days in (1, 8, 64, 512, 4096))


@dataclass(frozen=True, order=True, slots=True)
class Window:
    """The time from `start` up to, not including, `end`; both aware, UTC. Windows sort by start."""

    start: datetime
    end: datetime

    def __post_init__(self) -> None:
        """Both in UTC and in order, else UsageError."""
        object.__setattr__(self, "start", utc(self.start, "The window's start"))
        object.__setattr__(self, "end", utc(self.end, "The window's end"))
        if self.start >= self.end:
            raise UsageError(
                f"The window from {self.start} to {self.end} is empty; its end must be later than its start."
            )

    def holds(self, instant: datetime) -> bool:
        """Whether the instant is in the window."""
        return self.start <= instant < self.end


def window_at(instant: datetime, schedule: Schedule) -> Window:
    """The one window of a schedule that holds an instant; UsageError where its years have none.

    >>> from datetime import UTC
    >>> from trunkline.schedules.schedule import make_schedule
    >>> print(label(window_at(datetime(2026, 3, 8, 7, 30, tzinfo=UTC), make_schedule()), make_schedule().zone))
    2026-03-08 03:00 to 04:00 -04:00
    """
    instant = utc(instant, "The instant")
    after = instant + _INSTANT
    for look in _LOOK:
        earlier = list(bounds(schedule, instant - look, after))
        if earlier:
            for further in _LOOK:
                later = next(bounds(schedule, after, after + further), None)
                if later is not None:
                    return Window(earlier[-1], later)
            break
    raise UsageError(
        f"The schedule {schedule.expression.text!r} has no window that holds {instant}; choose years around it."
    )


def previous_window(now: datetime, schedule: Schedule) -> Window:
    """The last window that has ended by `now`, which may be any minute.

    >>> from trunkline.schedules.schedule import make_schedule
    >>> now = datetime(2026, 7, 1, 10, 40, tzinfo=ZoneInfo("America/New_York"))
    >>> window = previous_window(now, make_schedule())
    >>> str(window.start), str(window.end), label(window, make_schedule().zone)
    ('2026-07-01 12:00:00+00:00', '2026-07-01 14:00:00+00:00', '2026-07-01 08:00 to 10:00 -04:00')
    """
    ended = window_at(now, schedule).start
    return window_at(ended - _INSTANT, schedule)


def windows_since(
    watermark: datetime, now: datetime, schedule: Schedule, *, limit: int = WINDOWS_PER_RUN_MAX
) -> tuple[Window, ...]:
    """The windows that are due and were not collected, oldest first, at most `limit`; the next run gets the others.

    The first begins at the watermark, wherever that is, so that nothing is skipped when a schedule changes. A window
    is due `delay` after its end, by a clock that may be a minute behind. When all are durable, the new watermark is
    the last one's end. A watermark ahead of now gives none. Raises UsageError for a limit below 1.

    >>> from datetime import UTC
    >>> from trunkline.schedules.schedule import make_schedule
    >>> taken, schedule = datetime(2026, 3, 8, 5, tzinfo=UTC), make_schedule()
    >>> [label(window, schedule.zone) for window in windows_since(taken, taken + timedelta(hours=4), schedule)]
    ['2026-03-08 00:00 -05:00 to 03:00 -04:00', '2026-03-08 03:00 to 04:00 -04:00']
    """
    watermark, now = utc(watermark, "The watermark"), utc(now, "Now")
    if limit < 1:
        raise UsageError(f"The limit is {limit} windows; a run takes at least 1.")
    due = min(now, now - schedule.delay + timedelta(seconds=SCHEDULE_PRECISION_S))
    ends = bounds(schedule, watermark + _INSTANT, due + _INSTANT)
    return tuple(Window(start, end) for start, end in pairwise([watermark, *islice(ends, limit)]))


def windows_again(
    watermark: datetime,
    last_run: datetime,
    now: datetime,
    schedule: Schedule,
    lateness: Sequence[timedelta],
    *,
    since: datetime,
) -> tuple[Window, ...]:
    """The windows collected before that are due again, because contacts complete late; oldest first.

    A window is due again when each age in `lateness` has passed since its end; after the last it is settled. Returned
    are those that reached an age in (last_run, now], so that no visit is lost when runs are late and none is repeated.
    `last_run` is the `now` of the last run whose windows, these and those of `windows_since`, all became durable.
    `since`, where collecting began, cuts the first one. Raises UsageError for an age that is not positive.
    """
    watermark, since = utc(watermark, "The watermark"), utc(since, "The beginning")
    last_run, now = utc(last_run, "The last run"), utc(now, "Now")
    if any(age <= timedelta(0) for age in lateness):
        raise UsageError(f"The lateness is {[str(age) for age in lateness]}; every age must be above 0.")
    due: set[Window] = set()
    for age in lateness:
        low, high = max(last_run - age, since), min(now - age, watermark)
        if low >= high:
            continue
        ends = [*bounds(schedule, low + _INSTANT, high + _INSTANT)]
        if high == watermark and (not ends or ends[-1] != watermark):
            ends.append(watermark)  # a watermark between two bounds is the end of what was collected
        if ends:
            due.update(Window(start, end) for start, end in pairwise([_bound_before(schedule, ends[0], since), *ends]))
    return tuple(sorted(due))


def _bound_before(schedule: Schedule, end: datetime, floor: datetime) -> datetime:
    """The last bound before `end`, not before `floor`."""
    for look in _LOOK:
        low = max(floor, end - look)
        earlier = list(bounds(schedule, low, end))
        if earlier:
            return earlier[-1]
        if low == floor:
            break
    return floor


def split(window: Window, parts: int) -> tuple[Window, ...]:
    """A window as `parts` tiles of equal length, to the millisecond that Amazon's times have.

    Raises UsageError for less than one part, or for more than the window has milliseconds.

    >>> from datetime import UTC
    >>> start = datetime(2026, 1, 1, tzinfo=UTC)
    >>> [f"{tile.start:%H:%M}" for tile in split(Window(start, start + timedelta(hours=2)), 3)]
    ['00:00', '00:40', '01:20']
    """
    length = window.end - window.start
    if not 1 <= parts <= max(1, length // _MILLISECOND):
        raise UsageError(
            f"A window of {length} cannot be split into {parts} parts; valid are 1 to one per millisecond."
        )
    steps = length // _MILLISECOND
    edges = [window.start + steps * part // parts * _MILLISECOND for part in range(parts)]
    return tuple(Window(start, end) for start, end in pairwise([*edges, window.end]))


def split_longer(window: Window, longest: timedelta) -> tuple[Window, ...]:
    """A window as the fewest tiles of equal length that are no longer than `longest`.

    Raises UsageError for a longest part below a millisecond.
    """
    if longest < _MILLISECOND:
        raise UsageError(f"The longest part is {longest}; it must be at least a millisecond.")
    whole = longest // _MILLISECOND * _MILLISECOND
    # Rounding to milliseconds can lengthen a tile by less than one: one more tile then keeps the bound.
    parts = -(-(window.end - window.start) // whole)
    tiles = split(window, parts)
    return tiles if all(tile.end - tile.start <= longest for tile in tiles) else split(window, parts + 1)


def merge_adjacent(windows: Iterable[Window]) -> tuple[Window, ...]:
    """The same instants in the fewest windows: those that touch or overlap become one."""
    merged: list[Window] = []
    for window in sorted(windows):
        if merged and window.start <= merged[-1].end:
            merged[-1] = Window(merged[-1].start, max(merged[-1].end, window.end))
        else:
            merged.append(window)
    return tuple(merged)


def label(window: Window, zone: ZoneInfo) -> str:
    """A window on a zone's wall clock, with offsets: repeated hours differ, and a label names exactly two instants.

    >>> from datetime import UTC
    >>> night = Window(datetime(2026, 11, 1, 4, tzinfo=UTC), datetime(2026, 11, 1, 7, tzinfo=UTC))
    >>> label(night, ZoneInfo("America/New_York"))
    '2026-11-01 00:00 -04:00 to 02:00 -05:00'
    """
    start, end = window.start.astimezone(zone), window.end.astimezone(zone)
    walls = [at.replace(tzinfo=None) for at in (start, end)]
    detail = "auto" if any(wall.second or wall.microsecond for wall in walls) else "minutes"
    first, last = (wall.isoformat(" ", detail) for wall in walls)
    # An offset is what a full time has beyond the wall clock; it has seconds where old clocks kept sun time.
    offset, last_offset = (
        at.isoformat()[len(wall.isoformat()) :] for at, wall in zip((start, end), walls, strict=True)
    )
    if walls[0].date() == walls[1].date():
        last = last.partition(" ")[2]
    return f"{first} {'' if offset == last_offset else offset + ' '}to {last} {last_offset}"
