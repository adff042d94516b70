"""Opening hours as people write them, and what a clock that changes makes of them."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline.errors import UsageError
from trunkline.opening_hours import OpeningHours, parse_holidays, parse_hours, parse_queue_hours

UTC_ZONE = ZoneInfo("UTC")
NEW_YORK = ZoneInfo("America/New_York")
SPRING, AUTUMN = date(2026, 3, 8), date(2026, 11, 1)


def span(start: int, end: int) -> tuple[time, time]:
    return time(start), time(end % 24)


def test_days_and_times() -> None:
    """A day or a range of days, several times of a day, midnight, closed days, in any letter case."""
    hours = parse_hours("mon-Wed FRI 09:00-12:00 13:00-24:00; Sat 8:00-9:00; Thu closed", NEW_YORK)
    day = (span(9, 12), span(13, 24))
    assert hours == OpeningHours(NEW_YORK, {0: day, 1: day, 2: day, 4: day, 5: (span(8, 9),), 3: ()})
    assert parse_hours("Sat-Mon 09:00-10:00", UTC_ZONE).week.keys() == {5, 6, 0}


def test_dates_and_zone() -> None:
    """Dates of the text win over the holidays of all queues; a zone in the text over the home's."""
    everywhere = parse_holidays(["2026-12-25", "2026-12-26 10:00-12:00"])
    text = "Mon-Fri 09:00-17:00; 2026-12-25 10:00-11:00; 2026-12-31 closed; zone Europe/London"
    hours = parse_hours(text, NEW_YORK, everywhere)
    assert hours.zone.key == "Europe/London"
    assert hours.holidays == {
        date(2026, 12, 25): (span(10, 11),), date(2026, 12, 26): (span(10, 12),), date(2026, 12, 31): (),
    }  # fmt: skip


def test_always_is_open_on_holidays_too() -> None:
    """One word for a queue that never closes."""
    hours = parse_hours("always", NEW_YORK, parse_holidays(["2026-12-25"]))
    assert hours.is_open(datetime(2026, 12, 25, 12, tzinfo=UTC))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Mon-Fri", "no valid times"),
        ("Monday 09:00-17:00", "'Monday' is not a day"),
        ("09:00-17:00", "names no day"),
        ("Mon 9-17", "no valid times"),
        ("Mon 09:00-25:00", "no valid times"),
        ("Mon 09:00-17:00; Mon 18:00-19:00", "names Mon a second time"),
        ("Mon 13:00-14:00 09:00-10:00", "without overlap"),
        ("Mon 09:00-17:00; zone Atlantis", "'Atlantis' is not known"),
        ("Mon 09:00-17:00; 2026-13-01 closed", "not a valid holiday"),
        ("Mon 09:00-17:00; 2026-12-01; 2026-12-01 closed", "a second time"),
        ("2026-12-25 closed", "names no day of the week"),
        ("", "names no day of the week"),
    ],
)
def test_a_mistake_is_named_with_an_example(text: str, words: str) -> None:
    """The part that is wrong, and what is valid."""
    with pytest.raises(UsageError, match=words):
        parse_hours(text, UTC_ZONE)
    with pytest.raises(UsageError, match=f"queue Sales: .*{words}"):
        parse_queue_hours({"Sales": text}, UTC_ZONE, {})


def test_over_midnight() -> None:
    """A span belongs to the day on which it begins: on a holiday it does not begin, and the day before ends in it."""
    hours = parse_hours("Mon-Fri 22:00-06:00; 2026-03-04 closed", UTC_ZONE)
    at = datetime(2026, 3, 2, 21, 59, tzinfo=UTC)  # a Monday
    opened = [hour for hour in range(7 * 24) if hours.is_open(at + timedelta(hours=hour, minutes=1))]
    nights = [night * 24 + hour for night in (0, 1, 3, 4) for hour in range(8)]
    assert opened == nights
    assert hours.open_s(at, at + timedelta(days=7)) == 4 * 8 * 3600
    assert hours.opened_at(at + timedelta(hours=5)) == at + timedelta(minutes=1)
    assert hours.opened_at(at) is None


def test_since_when_it_is_open() -> None:
    """Spans that follow each other without a break are one; a lunch break is a break."""
    hours = parse_hours("Mon 08:00-12:00 13:00-24:00; Tue 00:00-24:00; Wed 00:00-06:00", NEW_YORK)
    monday = datetime(2026, 3, 2, tzinfo=NEW_YORK)
    for at_h, since_h in ((9, 8), (12.5, None), (14, 13), (27, 13), (53, 13), (54, None)):
        opened = hours.opened_at(monday + timedelta(hours=at_h))
        assert opened == (None if since_h is None else monday + timedelta(hours=since_h))
    always = parse_hours("always", NEW_YORK).opened_at(monday)
    assert always is not None
    assert always <= monday - timedelta(days=7)


@pytest.mark.parametrize(
    ("day", "text", "start", "end"),
    [
        (SPRING, "02:30-05:00", (7, 0), (9, 0)),  # the clock goes from 2 to 3: open from the jump on
        (SPRING, "01:00-02:30", (6, 0), (7, 0)),
        (SPRING, "00:00-24:00", (5, 0), (28, 0)),
        (AUTUMN, "01:30-05:00", (5, 30), (10, 0)),  # 1:30 is there twice: the first counts
        (AUTUMN, "00:00-01:30", (4, 0), (5, 30)),
        (AUTUMN, "00:00-24:00", (4, 0), (29, 0)),
    ],
)
def test_clock_changes(day: date, text: str, start: tuple[int, int], end: tuple[int, int]) -> None:
    """New York's two changes, in UTC."""
    hours = parse_hours(f"Mon-Sat closed; Sun {text}", NEW_YORK)
    midnight = datetime(day.year, day.month, day.day, tzinfo=UTC)
    opens, closes = (midnight + timedelta(hours=hour, minutes=minute) for hour, minute in (start, end))
    assert hours.opens_at(midnight) == opens
    minutes = range(-60, 36 * 60, 5)
    assert [m for m in minutes if hours.is_open(midnight + timedelta(minutes=m))] == [
        m for m in minutes if opens <= midnight + timedelta(minutes=m) < closes
    ]
    assert hours.open_s(midnight, midnight + timedelta(hours=36)) == (closes - opens).total_seconds()


TIMES = st.integers(0, 23 * 4).map(lambda quarter: time(quarter // 4, quarter % 4 * 15))
SPANS = st.lists(TIMES, min_size=2, max_size=4, unique=True).map(
    lambda times: tuple(zip(*[iter(sorted(times))] * 2, strict=False))
)
HOURS = st.builds(
    OpeningHours,
    st.sampled_from(["America/New_York", "Europe/London", "Australia/Lord_Howe", "Asia/Kathmandu"]).map(ZoneInfo),
    st.dictionaries(st.integers(0, 6), SPANS, min_size=1),
    st.dictionaries(st.dates(date(2026, 3, 1), date(2026, 4, 10)), SPANS | st.just(()), max_size=2),
)


@given(HOURS)
def test_written_and_read_again(hours: OpeningHours) -> None:
    """The text of opening hours means the same."""
    again = parse_hours(str(hours), UTC_ZONE)
    assert (again.zone, again.holidays) == (hours.zone, hours.holidays)
    assert {day: spans for day, spans in again.week.items() if spans} == hours.week


@given(HOURS, st.datetimes(datetime(2026, 3, 1), datetime(2026, 4, 10), timezones=st.just(UTC)), st.integers(1, 60))
def test_open_seconds_are_those_that_are_open(hours: OpeningHours, start: datetime, quarters: int) -> None:
    """Counted in quarters of an hour, over any change of the clock."""
    start = start.replace(minute=start.minute // 15 * 15, second=0, microsecond=0)
    step = timedelta(minutes=15)
    assert hours.open_s(start, start + quarters * step) == 900 * sum(
        hours.is_open(start + place * step) for place in range(quarters)
    )
