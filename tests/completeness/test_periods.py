"""Periods: every instant is asked for, again at each age, and nothing is settled by what was asked for too soon."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline.completeness.periods import (
    DAY,
    ListedWindow,
    due_since,
    is_settled,
    listed_as_of,
    period_name,
    period_of,
    periods_between,
    settle_rule,
    state_of,
    uncovered,
    windows_to_list,
)
from trunkline.errors import UsageError
from trunkline.schedules.windows import Window

RULE = settle_rule((6, 24, 72))
PERIOD = period_of(date(2026, 3, 3))
HOUR = timedelta(hours=1)


def at(hours: float) -> datetime:
    """Hours since the period began."""
    return PERIOD.start + HOUR * hours


def stretch(start: float, end: float) -> Window:
    return Window(at(start), at(end))


def test_periods_tile_time() -> None:
    """Neighbours share a bound; a period is a UTC day and is called by its date."""
    found = periods_between(date(2024, 2, 28), date(2024, 3, 1))
    assert [period_name(one) for one in found] == ["2024-02-28", "2024-02-29", "2024-03-01"]
    assert all(one.end == other.start for one, other in pairwise(found))


def test_an_open_period_is_listed_once_up_to_the_lag() -> None:
    """Each run lists what has passed since the last one, and leaves what cannot be listed yet."""
    assert windows_to_list(PERIOD, [], RULE, at(10)) == [stretch(0, 9.75)]
    assert windows_to_list(PERIOD, [ListedWindow(stretch(0, 9.75), at(10))], RULE, at(12)) == [stretch(9.75, 11.75)]
    assert windows_to_list(PERIOD, [], RULE, at(0.1)) == []


def test_a_period_is_listed_anew_at_each_age() -> None:
    """What was asked for before the age does not count; what a stopped run asked for after it does."""
    early = [ListedWindow(stretch(0, 24), at(25))]
    assert windows_to_list(PERIOD, early, RULE, at(29)) == []
    assert windows_to_list(PERIOD, early, RULE, at(30)) == [PERIOD]
    half = [*early, ListedWindow(stretch(0, 12), at(30.1))]
    assert windows_to_list(PERIOD, half, RULE, at(31)) == [stretch(12, 24)]
    whole = [*half, ListedWindow(stretch(12, 24), at(31))]
    assert windows_to_list(PERIOD, whole, RULE, at(47)) == []
    assert windows_to_list(PERIOD, whole, RULE, at(48)) == [PERIOD]


def test_runs_that_come_late_list_once() -> None:
    """After an outage the last age reached is what counts: no visit is made up for."""
    assert due_since(PERIOD, RULE, at(400)) == PERIOD.end + 72 * HOUR
    assert windows_to_list(PERIOD, [ListedWindow(PERIOD, at(400))], RULE, at(900)) == []


def test_a_requested_day_is_listed_again() -> None:
    """`fresh_since` does not take what is older."""
    done = [ListedWindow(PERIOD, at(100))]
    assert windows_to_list(PERIOD, done, RULE, at(500), at(499)) == [PERIOD]
    assert windows_to_list(PERIOD, [*done, ListedWindow(stretch(0, 20), at(499.5))], RULE, at(500), at(499)) == [
        stretch(20, 24)
    ]


def test_a_period_is_settled_when_listed_completely_after_the_last_age() -> None:
    """One part that was asked for sooner, and it is not settled."""
    assert not is_settled(PERIOD, [ListedWindow(PERIOD, at(95.9))], RULE)
    assert is_settled(PERIOD, [ListedWindow(PERIOD, at(96))], RULE)
    assert not is_settled(PERIOD, [ListedWindow(stretch(0, 12), at(97)), ListedWindow(stretch(12, 24), at(95))], RULE)
    assert listed_as_of(PERIOD, [ListedWindow(stretch(0, 12), at(97)), ListedWindow(PERIOD, at(95))]) == at(95)
    assert listed_as_of(PERIOD, [ListedWindow(stretch(0, 12), at(97))]) is None


def test_states() -> None:
    """Open until it ends, settling until it is certified."""
    assert [state_of(PERIOD, at(hour), False) for hour in (0, 23.9, 24, 900)] == [
        "open",
        "open",
        "settling",
        "settling",
    ]
    assert state_of(PERIOD, at(900), True) == "closed"


@pytest.mark.parametrize("hours", [(), (0,), (-1, 2), (6, 6), (24, 6)])
def test_invalid_ages_are_refused(hours: tuple[int, ...]) -> None:
    """A rule that would never settle, or settle at once, is refused in words."""
    with pytest.raises(UsageError, match="settle_hours"):
        settle_rule(hours)


@given(st.lists(st.tuples(st.integers(-5, 30), st.integers(1, 12)), max_size=8))
def test_what_is_uncovered_and_the_parts_are_the_whole(parts: list[tuple[int, int]]) -> None:
    """Together they hold each hour of the period, and what is uncovered holds none that a part has."""
    windows = [stretch(start, start + length) for start, length in parts]
    left = uncovered(PERIOD, windows)
    for hour in range(24):
        held = any(one.holds(at(hour)) for one in windows)
        assert held != any(one.holds(at(hour)) for one in left)
    assert sum((one.end - one.start for one in left), timedelta()) <= DAY
    assert uncovered(PERIOD, [*windows, *left]) == []


def test_bounds_are_utc() -> None:
    """A period is of UTC whatever zone people read in."""
    assert PERIOD.start.tzinfo is UTC
