"""EventBridge schedule expressions, read strictly: `cron(40 0/2 * * ? *)` and `rate(2 hours)`.

Pure calendar: the times here are wall-clock times without zone, one for every minute that an expression names.
`schedule` turns them into instants of a zone. Sources: EventBridge Scheduler User Guide, "Schedule types"; an
expression that is ambiguous by that page is refused.
"""

from __future__ import annotations

import calendar
import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal

from trunkline.errors import UsageError

MONTHS: Final = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
WEEKDAYS: Final = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
YEAR_MIN: Final = 1970
YEAR_MAX: Final = 2199
_SATURDAY: Final = 7
_EVER: Final = datetime(YEAR_MAX + 1, 1, 1)
_FIELDS: Final = "minutes hours day-of-month month day-of-week year"
_UNITS: Final = {"minute": timedelta(minutes=1), "hour": timedelta(hours=1), "day": timedelta(days=1)}

DayKind = Literal[
    "days", "weekdays", "last day", "last weekday", "nearest weekday", "nth of weekday", "last of weekday"
]


@dataclass(frozen=True, slots=True)
class DayRule:
    """The days of a month that an expression matches. Weekdays count from 1, Sunday, to 7, Saturday.

    `values`: days of the month; weekdays; empty for the last day and the last weekday of the month; the day of the
    month for `nearest weekday`; weekday and its number in the month; the weekday for `last of weekday`.
    """

    kind: DayKind
    values: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Cron:
    """A cron expression: its minutes, hours, months and years ascending, and its rule for days."""

    text: str
    minutes: tuple[int, ...]
    hours: tuple[int, ...]
    days: DayRule
    months: tuple[int, ...]
    years: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Rate:
    """A rate expression: elapsed time between runs, unaffected by clock changes."""

    text: str
    every: timedelta


@dataclass(frozen=True, slots=True)
class _Field:
    name: str
    low: int
    high: int
    names: tuple[str, ...] = ()

    def fault(self, text: str, why: str) -> UsageError:
        named = f" or {self.names[0]} to {self.names[-1]}" if self.names else ""
        return UsageError(
            f"The schedule's {self.name} is {text!r}: {why}. Valid are {self.low} to {self.high}{named}, lists (1,2), "
            "ranges (1-5), steps (0/2) and *."
        )

    def value(self, word: str, text: str) -> int:
        """The value of one number or name."""
        if word.upper() in self.names:
            return self.low + self.names.index(word.upper())
        if not re.fullmatch(r"[0-9]{1,4}", word):
            raise self.fault(text, f"{word!r} is not a value")
        if not self.low <= int(word) <= self.high:
            raise self.fault(text, f"{word} is out of range")
        return int(word)

    def values(self, text: str) -> tuple[int, ...]:
        """All values of a field of lists, ranges and steps, ascending."""
        chosen: set[int] = set()
        for item in text.split(","):
            base, slash, step = item.partition("/")
            first, dash, last = base.partition("-")
            low = self.low if base == "*" else self.value(first, text)
            high = self.high if base == "*" or (slash and not dash) else self.value(last if dash else first, text)
            if low > high:
                raise self.fault(text, f"{base} runs backwards; name both parts in a list")
            if slash and not (re.fullmatch(r"[0-9]{1,4}", step) and 1 <= int(step) <= self.high):
                raise self.fault(text, f"the step {step!r} is not 1 to {self.high}")
            chosen.update(range(low, high + 1, int(step) if slash else 1))
        return tuple(sorted(chosen))


_MINUTES: Final = _Field("minutes", 0, 59)
_HOURS: Final = _Field("hours", 0, 23)
_DAYS: Final = _Field("day-of-month", 1, 31)
_MONTHS: Final = _Field("month", 1, 12, MONTHS)
_WEEKDAYS: Final = _Field("day-of-week", 1, 7, WEEKDAYS)
_YEARS: Final = _Field("year", YEAR_MIN, YEAR_MAX)


def parse_expression(text: str) -> Cron | Rate:
    """An EventBridge expression, `cron(...)` or `rate(...)`; UsageError with the field, the value and what is valid.

    >>> parse_expression("cron(40 0/2 * * ? *)").hours
    (0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22)
    >>> parse_expression("rate(2 hours)").every
    datetime.timedelta(seconds=7200)
    """
    match = re.fullmatch(r"(cron|rate)\((.*)\)", text.strip(), flags=re.DOTALL)
    if match is None:
        raise UsageError(
            f"The schedule is {text!r}; valid is cron({_FIELDS}), such as cron(40 0/2 * * ? *), or rate(value unit), "
            "such as rate(2 hours)."
        )
    return (_cron if match[1] == "cron" else _rate)(text.strip(), match[2].split())


def _rate(text: str, words: list[str]) -> Rate:
    value, unit = words if len(words) == 2 else ("", "")
    whole = re.fullmatch(r"[1-9][0-9]{0,5}", value)
    singular = unit.removesuffix("s")
    # Rules require the singular for 1, Scheduler writes plurals: both forms are accepted.
    if whole is None or singular not in _UNITS or (unit == singular and value != "1"):
        raise UsageError(
            f"The schedule is {text!r}; a rate is a whole number above 0 and minutes, hours or days: rate(2 hours)."
        )
    return Rate(text, int(value) * _UNITS[singular])


def _cron(text: str, fields: list[str]) -> Cron:
    if len(fields) != 6:
        raise UsageError(f"The schedule {text!r} has {len(fields)} fields; valid are six: cron({_FIELDS}).")
    minutes, hours, of_month, months, of_week, years = fields
    if (of_month == "?") == (of_week == "?"):
        raise UsageError(
            f"The schedule {text!r} has {of_month!r} as day-of-month and {of_week!r} as day-of-week; exactly one of "
            "them must be '?'."
        )
    cron = Cron(
        text,
        _MINUTES.values(minutes),
        _HOURS.values(hours),
        _days_of_week(of_week) if of_month == "?" else _days_of_month(of_month),
        _MONTHS.values(months),
        _YEARS.values(years),
    )
    if next(times(cron, datetime(YEAR_MIN, 1, 1), _EVER), None) is None:
        raise UsageError(f"The schedule {text!r} matches no day that exists, so it would never run; change its days.")
    return cron


def _days_of_month(text: str) -> DayRule:
    upper = text.upper()
    if upper in ("L", "LW"):
        return DayRule("last day" if upper == "L" else "last weekday")
    if match := re.fullmatch(r"([0-9]+)W", upper):
        return DayRule("nearest weekday", (_DAYS.value(match[1], text),))
    if re.search(r"[LW]", upper):
        raise _DAYS.fault(text, "L, LW and a day with W (15W) stand alone")
    return DayRule("days", _DAYS.values(text))


def _days_of_week(text: str) -> DayRule:
    upper = text.upper()
    if upper == "L":
        return DayRule("weekdays", (_SATURDAY,))
    if match := re.fullmatch(r"([0-9]+|[A-Z]{3})#([0-9]+)", upper):
        if not 1 <= int(match[2]) <= 5:
            raise _WEEKDAYS.fault(text, f"a month has no weekday number {match[2]}; valid after # is 1 to 5")
        return DayRule("nth of weekday", (_WEEKDAYS.value(match[1], text), int(match[2])))
    if match := re.fullmatch(r"([0-9]+|[A-Z]{3})L", upper):
        return DayRule("last of weekday", (_WEEKDAYS.value(match[1], text),))
    if "#" in text:
        raise _WEEKDAYS.fault(text, "a weekday with # (3#2, the second Tuesday) stands alone")
    return DayRule("weekdays", _WEEKDAYS.values(text))


def _monday_to_friday(year: int, month: int, day: int, last: int) -> int:
    """The weekday nearest to a day, within its month."""
    match calendar.weekday(year, month, day):
        case calendar.SATURDAY:
            return day - 1 if day > 1 else day + 2
        case calendar.SUNDAY:
            return day + 1 if day < last else day - 2
    return day


def days_in(rule: DayRule, year: int, month: int) -> tuple[int, ...]:
    """The days of one month that a rule matches, ascending; empty for a month without such a day.

    >>> days_in(parse_expression("cron(0 6 ? * 6L *)").days, 2026, 3)  # the last Friday
    (27,)
    """
    monday_first, last = calendar.monthrange(year, month)
    sunday_first = (monday_first + 1) % 7  # weekday of the first of the month, Sunday 0
    match rule.kind:
        case "days":
            return tuple(day for day in rule.values if day <= last)
        case "weekdays":
            return tuple(day for day in range(1, last + 1) if (sunday_first + day - 1) % 7 + 1 in rule.values)
        case "last day":
            return (last,)
        case "last weekday":
            return (_monday_to_friday(year, month, last, last),)
        case "nearest weekday":
            day = rule.values[0]
            return (_monday_to_friday(year, month, day, last),) if day <= last else ()
        case "nth of weekday":
            day = 1 + (rule.values[0] - 1 - sunday_first) % 7 + 7 * (rule.values[1] - 1)
            return (day,) if day <= last else ()
        case "last of weekday":
            first = 1 + (rule.values[0] - 1 - sunday_first) % 7
            return (first + (last - first) // 7 * 7,)


def times(cron: Cron, start: datetime, end: datetime) -> Iterator[datetime]:
    """The wall-clock times in [start, end) that an expression matches, ascending, without zone.

    >>> daily = parse_expression("cron(0 6 * * ? *)")
    >>> [str(time) for time in times(daily, datetime(2026, 3, 8), datetime(2026, 3, 10))]
    ['2026-03-08 06:00:00', '2026-03-09 06:00:00']
    """
    for year in cron.years[bisect_left(cron.years, start.year) :]:
        for month in cron.months:
            if (year, month) < (start.year, start.month):
                continue
            if datetime(year, month, 1) >= end:
                return
            for day in days_in(cron.days, year, month):
                if (year, month, day) < (start.year, start.month, start.day):
                    continue
                for hour in cron.hours:
                    for minute in cron.minutes:
                        time = datetime(year, month, day, hour, minute)
                        if time >= end:
                            return
                        if time >= start:
                            yield time


def time_before(cron: Cron, before: datetime) -> datetime | None:
    """The last wall-clock time earlier than `before` that an expression matches; None where there is none."""
    for year in reversed(cron.years[: bisect_right(cron.years, before.year)]):
        for month in reversed(cron.months):
            if (year, month) > (before.year, before.month):
                continue
            for day in reversed(days_in(cron.days, year, month)):
                first = datetime(year, month, day, cron.hours[0], cron.minutes[0])
                if first < before:
                    return list(times(cron, first, min(before, first + timedelta(days=1))))[-1]
    return None
