"""When a queue is open: days and times of a zone's wall clock, and holidays; as people write them in a setting.

`Mon-Fri 09:00-17:30; Sat 10:00-14:00; 2026-12-25 closed; zone Europe/London`. A time that the clock shows twice is the
first of the two, and one that it skips is the moment at which it jumps.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from itertools import groupby, pairwise
from operator import itemgetter
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from trunkline.errors import UsageError

Span = tuple[time, time]
"""From a local time up to another, not included. An end at or before the start is on the next day, 00:00 its begin."""
WEEKDAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
EXAMPLE: Final = "Mon-Fri 09:00-17:30; Sat 10:00-14:00; 2026-12-25 closed"
ALWAYS: Final = "always"
_DAY: Final = timedelta(days=1)
_SECOND: Final = timedelta(seconds=1)
_LOOK_DAYS_MAX: Final = 370  # a queue that opens in none of them never opens
_BACK_DAYS: Final = 8
_INSTANTS_MAX: Final = 4096
_SPAN: Final = re.compile(r"(\d{1,2}:\d\d)-(\d{1,2}:\d\d)")
_DATE: Final = re.compile(r"\d{4}-\d\d-\d\d")


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
            overlaps = any(_ends_next_day(first) or first[1] > second[0] for first, second in pairwise(spans))
            if overlaps:
                name = WEEKDAYS[day] if isinstance(day, int) else day
                raise UsageError(
                    f"the opening hours of {name} are {_spans_text(spans)}; put the times in order, without overlap."
                )

    def is_open(self, at: datetime) -> bool:
        """Whether the queue is open at an instant."""
        day = at.astimezone(self.zone).date()
        return any(start <= at < end for start, end in (*self._spans(day - _DAY), *self._spans(day)))

    def open_s(self, start: datetime, end: datetime) -> float:
        """Seconds from `start` to `end` during which the queue is open."""
        day, last = start.astimezone(self.zone).date() - _DAY, end.astimezone(self.zone).date()
        seconds, counted = 0.0, start
        while day <= last:
            for opens, closes in self._spans(day):
                seconds += max(0.0, (min(closes, end) - max(opens, counted)).total_seconds())
                counted = max(counted, closes)
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

    def opened_at(self, at: datetime) -> datetime | None:
        """Since when the queue has been open without a break, at most some days; None where it is closed."""
        day = at.astimezone(self.zone).date()
        spans = [span for back in range(_BACK_DAYS, -1, -1) for span in self._spans(day - back * _DAY)]
        since: datetime | None = None
        until = at
        for opens, closes in spans:
            if opens > at:
                break
            since = since if since is not None and opens <= until else opens
            until = closes
        return since if since is not None and at < until else None

    def with_holidays(self, holidays: Mapping[date, tuple[Span, ...]]) -> OpeningHours:
        """The same with more dates; these win."""
        return replace(self, holidays={**self.holidays, **holidays})

    def _spans(self, day: date) -> tuple[tuple[datetime, datetime], ...]:
        """The instants between which the queue is open, of the spans that begin on a local date."""
        return _instants(self.zone, day, self.holidays.get(day, self.week.get(day.weekday(), ())))

    def __str__(self) -> str:
        """As it would be written, with its zone."""
        days = [(name, _spans_text(self.week.get(day, ()))) for day, name in enumerate(WEEKDAYS)]
        runs = [(spans, [name for name, _ in group]) for spans, group in groupby(days, key=itemgetter(1))]
        parts = [f"{names[0]}-{names[-1]} {spans}" if names[1:] else f"{names[0]} {spans}" for spans, names in runs]
        parts += [f"{day} {_spans_text(spans)}" for day, spans in sorted(self.holidays.items())]
        return "; ".join([*parts, f"zone {self.zone}"])


@lru_cache(maxsize=_INSTANTS_MAX)
def _instants(zone: ZoneInfo, day: date, spans: tuple[Span, ...]) -> tuple[tuple[datetime, datetime], ...]:
    """Spans of a local date as instants. A board looks at the same few days at every change."""
    return tuple(
        (_instant(zone, day, span[0]), _instant(zone, day + _DAY if _ends_next_day(span) else day, span[1]))
        for span in spans
    )


def _instant(zone: ZoneInfo, day: date, at: time) -> datetime:
    """The first instant at which the clock shows a time, or a later one where it skips it."""
    local = datetime.combine(day, at, zone)
    instant, earlier = local.astimezone(UTC), local.replace(fold=1).astimezone(UTC)
    if earlier >= instant:
        return instant
    before = earlier.astimezone(zone).utcoffset()
    low, high = 0, (instant - earlier) // _SECOND
    while high - low > 1:
        middle = (low + high) // 2
        is_before = (earlier + middle * _SECOND).astimezone(zone).utcoffset() == before
        low, high = (middle, high) if is_before else (low, middle)
    return earlier + high * _SECOND


def _ends_next_day(span: Span) -> bool:
    return span[1] <= span[0]


def _spans_text(spans: Iterable[Span]) -> str:
    return " ".join(f"{start:%H:%M}-{end:%H:%M}" for start, end in spans) or "closed"


# --- as text ---


def parse_hours(text: str, zone: ZoneInfo, holidays: Mapping[date, tuple[Span, ...]] | None = None) -> OpeningHours:
    """Opening hours from parts between semicolons: days or a date, then times or `closed`; or `zone` and its name.

    A day that no part names is closed; `always` alone is open at every time, also on holidays. `zone` and `holidays`
    hold where the text does not say otherwise. Raises UsageError with the part that is not valid.
    """
    if text.strip().lower() == ALWAYS:
        return OpeningHours(zone, dict.fromkeys(range(7), ((time(), time()),)))
    week: dict[int, tuple[Span, ...]] = {}
    dates = dict(holidays or {})
    own: set[date] = set()
    for part in filter(None, (part.strip() for part in text.split(";"))):
        words = part.split()
        if words[0].lower() == "zone" and len(words) == 2:
            zone = _zone(words[1])
        elif _DATE.fullmatch(words[0]):
            (day,) = parse_holidays([part])
            if day in own:
                raise UsageError(f"{part!r} names {day} a second time; name each date once.")
            own.add(day)
            dates |= parse_holidays([part])
        else:
            _add_days(week, words, part)
    if not week:
        raise UsageError(f"{text!r} names no day of the week; write for example {EXAMPLE}, or {ALWAYS}.")
    return OpeningHours(zone, week, dates)


def parse_holidays(texts: Iterable[str]) -> dict[date, tuple[Span, ...]]:
    """Dates, each alone or followed by `closed` or by times: `2026-12-25`, `2026-12-24 09:00-12:00`.

    Raises UsageError for a text that is not valid.
    """
    dates: dict[date, tuple[Span, ...]] = {}
    for text in texts:
        day, *rest = text.split() or [""]
        try:
            dates[date.fromisoformat(day)] = _spans(rest or ["closed"], text)
        except ValueError:
            raise UsageError(f"{text!r} is not a valid holiday; write 2026-12-25 or 2026-12-24 09:00-12:00.") from None
    return dates


def parse_queue_hours(
    texts: Mapping[str, str], zone: ZoneInfo, holidays: Mapping[date, tuple[Span, ...]]
) -> dict[str, OpeningHours]:
    """The opening hours of queues by id or name. Raises UsageError with the queue and the part that is not valid."""
    hours: dict[str, OpeningHours] = {}
    for queue, text in texts.items():
        try:
            hours[queue] = parse_hours(text, zone, holidays)
        except UsageError as error:
            raise UsageError(f"queue {queue}: {error}") from None
    return hours


def _add_days(week: dict[int, tuple[Span, ...]], words: list[str], part: str) -> None:
    """Add the days of a part; `Mon-Fri`, `Sat`, or several before the times."""
    count = next((place for place, word in enumerate(words) if word == "closed" or _SPAN.fullmatch(word)), len(words))
    spans = _spans(words[count:], part)
    days = [day for word in words[:count] for day in _days(word, part)]
    for day in days or [-1]:
        if day < 0 or day in week:
            why = "names no day" if day < 0 else f"names {WEEKDAYS[day]} a second time"
            raise UsageError(f"{part!r} {why}; write for example {EXAMPLE}.")
        week[day] = spans


def _days(word: str, part: str) -> list[int]:
    names = [name.lower() for name in WEEKDAYS]
    first, _, last = word.lower().partition("-")
    if first not in names or (last or first) not in names:
        raise UsageError(f"{part!r}: {word!r} is not a day; write {', '.join(WEEKDAYS)}, or Mon-Fri.")
    start, end = names.index(first), names.index(last or first)
    return [(start + step) % 7 for step in range((end - start) % 7 + 1)]


def _spans(words: list[str], part: str) -> tuple[Span, ...]:
    if words == ["closed"]:
        return ()
    try:
        spans = [_SPAN.fullmatch(word) for word in words]
        if not spans or None in spans:
            raise ValueError
        return tuple((_time(span[1]), _time(span[2])) for span in spans if span is not None)
    except ValueError:
        raise UsageError(f"{part!r} has no valid times; write 09:00-17:30, several in order, or closed.") from None


def _time(text: str) -> time:
    return time() if text == "24:00" else time.fromisoformat(text.zfill(5))


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise UsageError(f"time zone {name!r} is not known; write an IANA name such as Europe/London.") from None
