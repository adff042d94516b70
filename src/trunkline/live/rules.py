"""What a centre has decided: service level targets, opening hours and holidays by queue, and where its day begins."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from typing import Final
from zoneinfo import ZoneInfo

from trunkline.errors import UsageError

Span = tuple[time, time]
"""From a local time up to another, not included. 00:00 as the second means the end of the day."""
_UTC: Final = ZoneInfo("UTC")
_DAY: Final = timedelta(days=1)
_LOOK_DAYS_MAX: Final = 370  # a queue that opens in none of them never opens


@dataclass(frozen=True, slots=True)
class OpeningHours:
    """When a queue is open, on its zone's wall clock. `week` is by weekday, Monday 0; a day that is missing is closed.

    `holidays` replace the weekday's spans on a date, by none where it is closed. Raises UsageError for spans that are
    out of order or overlap.
    """

    zone: ZoneInfo
    week: Mapping[int, tuple[Span, ...]]
    holidays: Mapping[date, tuple[Span, ...]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for day, spans in (*self.week.items(), *self.holidays.items()):
            edges = [edge for start, end in spans for edge in (start, time.max if end == time() else end)]
            if any(earlier > later for earlier, later in pairwise(edges)):
                raise UsageError(f"the opening hours of {day} are {spans}; valid are spans in order without overlap.")

    def is_open(self, at: datetime) -> bool:
        """Whether the queue is open at an instant."""
        day = at.astimezone(self.zone).date()
        return any(start <= at < end for start, end in self._spans(day))

    def open_s(self, start: datetime, end: datetime) -> float:
        """Seconds from `start` to `end` during which the queue is open."""
        day, last = start.astimezone(self.zone).date(), end.astimezone(self.zone).date()
        seconds = 0.0
        while day <= last:
            for opens, closes in self._spans(day):
                seconds += max(0.0, (min(closes, end) - max(opens, start)).total_seconds())
            day += _DAY
        return seconds

    def opens_at(self, at: datetime) -> datetime | None:
        """When the queue next opens after an instant. None where it does not open within a year."""
        day = at.astimezone(self.zone).date()
        for offset in range(_LOOK_DAYS_MAX):
            for opens, _ in self._spans(day + offset * _DAY):
                if opens > at:
                    return opens
        return None

    def _spans(self, day: date) -> Iterator[tuple[datetime, datetime]]:
        """The instants between which the queue is open on a local date."""
        for start, end in self.holidays.get(day, self.week.get(day.weekday(), ())):
            last = day + _DAY if end == time() else day
            yield (
                datetime.combine(day, start, self.zone).astimezone(UTC),
                datetime.combine(last, end, self.zone).astimezone(UTC),
            )


@dataclass(frozen=True, slots=True)
class LiveRules:
    """Settings of the folds. A service level target is X in seconds, whose default is `x_s`.

    A queue is named by its id or its name; the id wins. A queue's target wins over its channel's. `hours` are those of
    queues that have none of their own; None is always open. `zone` is where a day begins.
    """

    zone: ZoneInfo = _UTC
    x_s: float = 20
    x_by_queue: Mapping[str, float] = field(default_factory=dict)
    x_by_channel: Mapping[str, float] = field(default_factory=dict)
    hours: OpeningHours | None = None
    hours_by_queue: Mapping[str, OpeningHours] = field(default_factory=dict)

    def target_s(self, queue_id: str | None, queue_name: str | None, channel: str | None) -> float:
        """X of a contact, seconds."""
        for name in (queue_id, queue_name):
            if name is not None and name in self.x_by_queue:
                return self.x_by_queue[name]
        return self.x_by_channel.get(channel or "", self.x_s)

    def hours_of(self, queue_id: str | None, queue_name: str | None) -> OpeningHours | None:
        """The opening hours of a queue; None is always open."""
        for name in (queue_id, queue_name):
            if name is not None and name in self.hours_by_queue:
                return self.hours_by_queue[name]
        return self.hours

    @property
    def targets(self) -> str:
        """What the sums of a day depend on: zone and targets, as a text that is equal for equal ones."""
        return f"{self.zone} {self.x_s} {sorted(self.x_by_queue.items())} {sorted(self.x_by_channel.items())}"

    def day_of(self, at: datetime) -> date:
        """The local date of an instant."""
        return at.astimezone(self.zone).date()
