from __future__ import annotations

import doctest
from datetime import datetime, timedelta
from itertools import islice, pairwise

import pytest

from trunkline.errors import UsageError
from trunkline.schedules import cron as module
from trunkline.schedules.cron import Cron, Rate, days_in, parse_expression, time_before, times


def cron(text: str) -> Cron:
    parsed = parse_expression(text)
    assert isinstance(parsed, Cron)
    return parsed


def first(text: str, count: int, start: datetime = datetime(2026, 1, 1)) -> list[str]:
    return [f"{time:%Y-%m-%d %H:%M}" for time in islice(times(cron(text), start, datetime(2200, 1, 1)), count)]


def test_examples_in_docstrings() -> None:
    """What the docstrings show is what happens."""
    result = doctest.testmod(module)
    assert result.attempted > 0
    assert result.failed == 0


# Expression -> its first times from 2026-01-01, a Thursday.
EXAMPLES = {
    "cron(40 0/2 * * ? *)": ["2026-01-01 00:40", "2026-01-01 02:40", "2026-01-01 04:40"],
    "cron(0 10 * * ? *)": ["2026-01-01 10:00", "2026-01-02 10:00"],
    "cron(15 12 ? * * *)": ["2026-01-01 12:15", "2026-01-02 12:15"],
    "cron(0 18 ? * MON-FRI *)": ["2026-01-01 18:00", "2026-01-02 18:00", "2026-01-05 18:00"],
    "cron(0 8 1 * ? *)": ["2026-01-01 08:00", "2026-02-01 08:00"],
    "cron(0/10 * ? * mon-fri *)": ["2026-01-01 00:00", "2026-01-01 00:10"],
    "cron(0/30 20-22/2 ? * 2,SUN *)": ["2026-01-04 20:00", "2026-01-04 20:30", "2026-01-04 22:00"],
    "cron(5,35 14 * jan,3 ? 2027)": ["2027-01-01 14:05", "2027-01-01 14:35"],
    "cron(15 10 ? * 6L 2026-2028)": ["2026-01-30 10:15", "2026-02-27 10:15", "2026-03-27 10:15"],
    "cron(0 0 ? * L *)": ["2026-01-03 00:00", "2026-01-10 00:00"],
    "cron(0 9 ? * 3#2 *)": ["2026-01-13 09:00", "2026-02-10 09:00"],
    "cron(0 9 ? * FRI#5 *)": ["2026-01-30 09:00", "2026-05-29 09:00"],
    "cron(0 0 L * ? *)": ["2026-01-31 00:00", "2026-02-28 00:00", "2026-03-31 00:00"],
    "cron(0 0 LW * ? *)": ["2026-01-30 00:00", "2026-02-27 00:00", "2026-03-31 00:00"],
    "cron(0 0 3W * ? *)": ["2026-01-02 00:00", "2026-02-03 00:00", "2026-03-03 00:00"],
    "cron(0 0 1W * ? *)": ["2026-01-01 00:00", "2026-02-02 00:00", "2026-03-02 00:00"],
    "cron(0 0 31W 5 ? *)": ["2026-05-29 00:00", "2027-05-31 00:00"],
    "cron(0 0 29 2 ? 2096/1)": ["2096-02-29 00:00", "2104-02-29 00:00"],
    "cron(0 0 1/15 * ? *)": ["2026-01-01 00:00", "2026-01-16 00:00", "2026-01-31 00:00", "2026-02-01 00:00"],
}


@pytest.mark.parametrize("text", EXAMPLES)
def test_times_of_an_expression(text: str) -> None:
    """The times are those of a calendar."""
    assert first(text, len(EXAMPLES[text])) == EXAMPLES[text]


@pytest.mark.parametrize("text", EXAMPLES)
def test_time_before_is_the_one_that_came_before(text: str) -> None:
    """Going back finds what going forward gave."""
    one = cron(text)
    ahead = list(islice(times(one, datetime(2026, 1, 1), datetime(2200, 1, 1)), 40))
    for earlier, later in pairwise(ahead):
        assert time_before(one, later) == earlier
        assert time_before(one, later - timedelta(seconds=1)) == earlier
        assert time_before(one, later + timedelta(seconds=1)) == later
    assert time_before(one, datetime(one.years[0], 1, 1)) is None


def test_times_end_before_the_end() -> None:
    """The range is half-open, and inner seconds count."""
    daily = cron("cron(0 6 * * ? *)")
    six = datetime(2026, 1, 1, 6)
    assert list(times(daily, six, six)) == []
    assert list(times(daily, six, six + timedelta(seconds=1))) == [six]
    assert list(times(daily, six + timedelta(microseconds=1), six + timedelta(days=1))) == []


def test_a_month_without_the_day_has_none() -> None:
    """The nearest weekday of a day that does not exist is none, and a fifth Friday is not a fourth."""
    assert days_in(cron("cron(0 0 31W * ? *)").days, 2026, 2) == ()
    assert days_in(cron("cron(0 0 ? * 6#5 *)").days, 2026, 2) == ()
    assert days_in(cron("cron(0 0 30 * ? *)").days, 2026, 2) == ()


@pytest.mark.parametrize(
    ("text", "every"),
    [
        ("rate(1 hour)", timedelta(hours=1)),
        ("rate(1 hours)", timedelta(hours=1)),
        ("rate(90 minutes)", timedelta(minutes=90)),
        ("rate(7 days)", timedelta(days=7)),
    ],
)
def test_rates(text: str, every: timedelta) -> None:
    """A rate is elapsed time; 1 takes the singular of rules and the plural of Scheduler."""
    assert parse_expression(text) == Rate(text, every)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("40 0/2 * * ? *", "valid is cron(minutes hours day-of-month month day-of-week year)"),
        ("", "valid is cron("),
        ("at(2026-01-01T00:00:00)", "valid is cron("),
        ("cron(40 0/2 * * ?)", "has 5 fields; valid are six"),
        ("cron(0 0 * * * *)", "exactly one of them must be '?'"),
        ("cron(0 0 ? * ? *)", "exactly one of them must be '?'"),
        ("cron(? 0 * * ? *)", "minutes is '?'"),
        ("cron(60 0 * * ? *)", "minutes is '60': 60 is out of range. Valid are 0 to 59"),
        ("cron(0 24 * * ? *)", "hours is '24'"),
        ("cron(0 0 0 * ? *)", "day-of-month is '0'"),
        ("cron(0 0 * 13 ? *)", "month is '13': 13 is out of range. Valid are 1 to 12 or JAN to DEC"),
        ("cron(0 0 ? * 0 *)", "day-of-week is '0'"),
        ("cron(0 0 ? * 8 *)", "day-of-week is '8'"),
        ("cron(0 0 ? * MO *)", "'MO' is not a value"),
        ("cron(0 0 * * ? 1969)", "year is '1969'"),
        ("cron(0 0 * * ? 2200)", "year is '2200'"),
        ("cron(0 22-2 * * ? *)", "22-2 runs backwards"),
        ("cron(0 0 ? * FRI-MON *)", "FRI-MON runs backwards"),
        ("cron(0/0 0 * * ? *)", "the step '0' is not 1 to 59"),
        ("cron(0/60 0 * * ? *)", "the step '60'"),
        ("cron(/5 0 * * ? *)", "'' is not a value"),
        ("cron(1, 0 * * ? *)", "'' is not a value"),
        ("cron(1-2-3 0 * * ? *)", "'2-3' is not a value"),
        ("cron(1/2/3 0 * * ? *)", "the step '2/3'"),
        ("cron(-1 0 * * ? *)", "'' is not a value"),
        ("cron(*/-2 0 * * ? *)", "the step '-2'"),
        ("cron(²  0 * * ? *)", "'²' is not a value"),
        ("cron(*-5 0 * * ? *)", "is not a value"),
        ("cron(0 0 L-3 * ? *)", "stand alone"),
        ("cron(0 0 1,L * ? *)", "stand alone"),
        ("cron(0 0 32W * ? *)", "32 is out of range"),
        ("cron(0 0 ? * 3#1,6#3 *)", "stands alone"),
        ("cron(0 0 ? * 3#6 *)", "no weekday number 6"),
        ("cron(0 0 ? * 8L *)", "8 is out of range"),
        ("cron(0 0 31 2 ? *)", "matches no day that exists"),
        ("rate(0 hours)", "a whole number above 0"),
        ("rate(2 hour)", "minutes, hours or days"),
        ("rate(2 weeks)", "minutes, hours or days"),
        ("rate(1.5 hours)", "a whole number"),
        ("rate(2hours)", "rate(2 hours)"),
    ],
)
def test_invalid_expressions_are_refused_with_what_is_valid(text: str, words: str) -> None:
    """A doubtful schedule is an error that names the field, never a run at a time nobody meant."""
    with pytest.raises(UsageError) as caught:
        parse_expression(text)
    assert words in str(caught.value)
