"""Periods: the UTC days that completeness is stated for, when each one is listed again, and when it is settled. Pure.

A contact belongs to the period that contains its end (disconnect time for contact records). Connect lists a contact
only when after-contact work is over, which can be hours later, so a period is listed again at each age of a
`SettleRule`, measured from the period's end. A listing made before the last age proves nothing, and no certificate
relies on it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final, Literal

from trunkline.errors import UsageError
from trunkline.limits import SEARCH_LOOK_BACK_DAYS_MAX
from trunkline.schedules.windows import Window, merge_adjacent

PeriodState = Literal["open", "settling", "closed"]
"""open: the day has not ended. settling: contacts may still complete, or some are missing. closed: certified."""

DAY: Final = timedelta(days=1)
LISTING_LAG: Final = timedelta(minutes=15)
"""A contact that ended less than this before a listing may not be in it yet."""


@dataclass(frozen=True, slots=True)
class SettleRule:
    """When periods are listed. `ages` ascend; a period that was listed after the last one is settled.

    `lag`: contacts that ended less than this ago are left to the next run, because they may not be listed yet.
    """

    ages: tuple[timedelta, ...]
    lag: timedelta = LISTING_LAG

    def __post_init__(self) -> None:
        """Raises UsageError unless the ages are above zero and ascending."""
        if not self.ages or self.ages[0] <= timedelta(0) or list(self.ages) != sorted(set(self.ages)):
            shown = ", ".join(f"{age / timedelta(hours=1):g}" for age in self.ages)
            raise UsageError(
                f"settle_hours is [{shown}]; valid are hours above 0, each greater than the one before, "
                "such as [6, 24, 72]"
            )

    @property
    def settled_after(self) -> timedelta:
        """The age after which no more contacts are expected."""
        return self.ages[-1]


@dataclass(frozen=True, slots=True)
class ListedWindow:
    """A window that was listed completely: every contact that had ended in it at `as_of` (aware UTC)."""

    window: Window
    as_of: datetime


def settle_rule(hours: Sequence[float]) -> SettleRule:
    """The rule of the setting `settle_hours`. Raises UsageError."""
    return SettleRule(tuple(timedelta(hours=age) for age in hours))


def period_of(day: date) -> Window:
    """The period of a UTC date."""
    start = datetime.combine(day, time(), UTC)
    return Window(start, start + DAY)


def periods_between(first: date, last: date) -> list[Window]:
    """The periods of all dates from `first` to `last`, both included."""
    return [period_of(first + DAY * number) for number in range((last - first).days + 1)]


def split_by_period(window: Window) -> list[Window]:
    """A window cut at period boundaries, so that each part lies in one period."""
    days = periods_between(window.start.date(), window.end.date())
    return [Window(max(day.start, window.start), min(day.end, window.end)) for day in days if day.start < window.end]


def period_name(period: Window) -> str:
    """The name of a period: its UTC date.

    >>> period_name(period_of(date(2026, 3, 3)))
    '2026-03-03'
    """
    return period.start.date().isoformat()


def periods_to_examine(
    now: datetime, first_known: date, closed: Collection[str], since: date | None = None
) -> list[Window]:
    """The periods that a reconciliation looks at, oldest first, up to today.

    Without `since`, all from `first_known` on whose names are not in `closed`, as far back as Connect lists contacts.
    With it, all from that date on. Raises UsageError for a date in the future or beyond Connect's look-back.
    """
    today = now.date()
    oldest = (now - timedelta(days=SEARCH_LOOK_BACK_DAYS_MAX - 1)).date()
    if since is None:
        periods = periods_between(max(min(first_known, today), oldest), today)
        return [period for period in periods if period_name(period) not in closed]
    if since > today:
        raise UsageError(f"--since {since} is in the future; valid is a date up to today, {today} (UTC)")
    if since < oldest:
        raise UsageError(
            f"--since {since} is further back than Connect lists contacts; valid are dates from {oldest} on"
        )
    return periods_between(since, today)


def due_since(period: Window, rule: SettleRule, now: datetime) -> datetime | None:
    """The instant at which the period reached its latest age; None before the first one."""
    reached = [period.end + age for age in rule.ages if period.end + age <= now]
    return reached[-1] if reached else None


def windows_to_list(
    period: Window, listed: Iterable[ListedWindow], rule: SettleRule, now: datetime, fresh_since: datetime | None = None
) -> list[Window]:
    """The parts of a period that must be listed now, in order; empty when nothing is due.

    A period that reached an age is listed again completely. Before that, the time between its start and the lag is
    listed once. With `fresh_since`, everything listed before that instant is listed again.
    """
    since = due_since(period, rule, now)
    if fresh_since is not None:
        since = max(since, fresh_since) if since is not None else fresh_since
    end = min(period.end, now - rule.lag)
    if end <= period.start:
        return []
    valid = [part.window for part in listed if since is None or part.as_of >= since]
    return uncovered(Window(period.start, end), valid)


def uncovered(whole: Window, parts: Iterable[Window]) -> list[Window]:
    """The parts of a window that none of `parts` covers, in order."""
    gaps: list[Window] = []
    edge = whole.start
    for part in merge_adjacent(parts):
        if part.end <= edge or part.start >= whole.end:
            continue
        if part.start > edge:
            gaps.append(Window(edge, part.start))
        edge = max(edge, part.end)
    if edge < whole.end:
        gaps.append(Window(edge, whole.end))
    return gaps


def listed_as_of(period: Window, listed: Sequence[ListedWindow]) -> datetime | None:
    """The latest instant after which every part of the period was listed; None while a part never was."""
    for as_of in sorted({part.as_of for part in listed}, reverse=True):
        if not uncovered(period, [part.window for part in listed if part.as_of >= as_of]):
            return as_of
    return None


def is_settled(period: Window, listed: Sequence[ListedWindow], rule: SettleRule) -> bool:
    """Whether the whole period was listed after its last age."""
    as_of = listed_as_of(period, listed)
    return as_of is not None and as_of >= period.end + rule.settled_after


def state_of(period: Window, now: datetime, is_certified: bool) -> PeriodState:
    """The state of a period at an instant."""
    if is_certified:
        return "closed"
    return "open" if now < period.end else "settling"
