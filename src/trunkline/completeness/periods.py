"""Periods: the UTC days that completeness is stated for, when each is asked for again, and when it is settled. Pure.

A contact belongs to the period that holds its end (disconnect time for contact records). It is listed only when
after-call work is over, hours later at times, so a period is asked for again at each age of `Rule`, counted from the
period's end. What was asked for before the period's last age proves nothing, and no certificate rests on it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final, Literal

from trunkline.errors import UsageError
from trunkline.schedules.windows import Window, merge_adjacent

State = Literal["open", "settling", "closed"]
"""open: it has not ended. settling: contacts of it may still complete, or something is missing. closed: certified."""

DAY: Final = timedelta(days=1)
LAG: Final = timedelta(minutes=15)
"""What ended less than this before it was asked for may not be listed yet."""


@dataclass(frozen=True, slots=True)
class Rule:
    """When periods are asked for. `ages` ascend; after the last one a period is settled.

    `lag`: contacts that ended less than this ago are left for the next run, since they are not listed yet.
    """

    ages: tuple[timedelta, ...]
    lag: timedelta = LAG

    def __post_init__(self) -> None:
        """Ages above 0 and ascending, else UsageError."""
        if not self.ages or self.ages[0] <= timedelta(0) or list(self.ages) != sorted(set(self.ages)):
            shown = ", ".join(f"{age / timedelta(hours=1):g}" for age in self.ages)
            raise UsageError(
                f"settle_hours is [{shown}]; valid are hours above 0, each greater than the one before, "
                "such as [6, 24, 72]"
            )

    @property
    def settled_after(self) -> timedelta:
        """The age at which nothing more is expected."""
        return self.ages[-1]


@dataclass(frozen=True, slots=True)
class Listed:
    """A stretch of time that was listed whole: each contact that had ended in it when it was asked for."""

    window: Window
    asked_at: datetime


def rule_of(hours: Sequence[float]) -> Rule:
    """The rule of the setting `settle_hours`. Raises UsageError."""
    return Rule(tuple(timedelta(hours=one) for one in hours))


def period_of(day: date) -> Window:
    """The period of a UTC date."""
    start = datetime.combine(day, time(), UTC)
    return Window(start, start + DAY)


def periods_between(first: date, last: date) -> list[Window]:
    """The periods of all dates from `first` to `last`, both included."""
    return [period_of(first + DAY * number) for number in range((last - first).days + 1)]


def by_period(window: Window) -> list[Window]:
    """A window cut where periods meet: each part lies in one."""
    days = periods_between(window.start.date(), window.end.date())
    return [Window(max(one.start, window.start), min(one.end, window.end)) for one in days if one.start < window.end]


def name_of(period: Window) -> str:
    """How a period is called: its UTC date.

    >>> name_of(period_of(date(2026, 3, 3)))
    '2026-03-03'
    """
    return period.start.date().isoformat()


def due_since(period: Window, rule: Rule, now: datetime) -> datetime | None:
    """The last age that the period has reached, as an instant; None before the first one."""
    reached = [period.end + age for age in rule.ages if period.end + age <= now]
    return reached[-1] if reached else None


def to_list(
    period: Window, listed: Iterable[Listed], rule: Rule, now: datetime, fresh_since: datetime | None = None
) -> list[Window]:
    """The stretches of a period to be listed now, in order; empty when nothing is due.

    A period that reached an age is listed anew, in whole; before that, what lies between its start and the lag is
    listed once. With `fresh_since`, all that was asked for before that instant is listed again.
    """
    since = due_since(period, rule, now)
    if fresh_since is not None:
        since = max(since, fresh_since) if since is not None else fresh_since
    end = min(period.end, now - rule.lag)
    if end <= period.start:
        return []
    counted = [one.window for one in listed if since is None or one.asked_at >= since]
    return uncovered(Window(period.start, end), counted)


def uncovered(whole: Window, parts: Iterable[Window]) -> list[Window]:
    """What of a window no part covers, in order."""
    found: list[Window] = []
    edge = whole.start
    for part in merge_adjacent(parts):
        if part.end <= edge or part.start >= whole.end:
            continue
        if part.start > edge:
            found.append(Window(edge, part.start))
        edge = max(edge, part.end)
    if edge < whole.end:
        found.append(Window(edge, whole.end))
    return found


def listed_as_of(period: Window, listed: Sequence[Listed]) -> datetime | None:
    """The latest instant since which the whole period was asked for; None while a part of it never was."""
    for asked_at in sorted({one.asked_at for one in listed}, reverse=True):
        if not uncovered(period, [one.window for one in listed if one.asked_at >= asked_at]):
            return asked_at
    return None


def is_settled(period: Window, listed: Sequence[Listed], rule: Rule) -> bool:
    """Whether the whole period was listed after its last age."""
    asked_at = listed_as_of(period, listed)
    return asked_at is not None and asked_at >= period.end + rule.settled_after


def state_of(period: Window, now: datetime, is_certified: bool) -> State:
    """The state of a period at an instant."""
    if is_certified:
        return "closed"
    return "open" if now < period.end else "settling"
