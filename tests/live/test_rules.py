"""Opening hours and holidays on a queue's wall clock."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import live_events as make
import pytest
from live_events import QUEUE, contact_event, folded

from trunkline.errors import UsageError
from trunkline.live.rules import LiveRules, live_rules
from trunkline.live.views import open_since, queue_views
from trunkline.opening_hours import OpeningHours, parse_hours
from trunkline.settings.installation import Settings

NEW_YORK = ZoneInfo("America/New_York")
WEEK = {day: ((time(9), time(12)), (time(13), time(17))) for day in range(5)}
HOURS = OpeningHours(NEW_YORK, WEEK, {date(2026, 7, 3): (), date(2026, 7, 4): ((time(10), time(0)),)})


def local(day: date, hour: int, minute: int = 0) -> datetime:
    return datetime(day.year, day.month, day.day, hour, minute, tzinfo=NEW_YORK).astimezone(UTC)


@pytest.mark.parametrize(
    ("at", "is_open"),
    [
        (local(date(2026, 7, 2), 9), True),
        (local(date(2026, 7, 2), 8, 59), False),
        (local(date(2026, 7, 2), 12), False),
        (local(date(2026, 7, 2), 16, 59), True),
        (local(date(2026, 7, 3), 10), False),
        (local(date(2026, 7, 4), 23, 59), True),
        (local(date(2026, 7, 5), 10), False),
    ],
)
def test_is_open(at: datetime, is_open: bool) -> None:
    """Half-open spans; a holiday replaces the weekday, and 00:00 ends a day."""
    assert HOURS.is_open(at) is is_open


def test_open_seconds_and_next_opening() -> None:
    """Over a closed holiday, and to the next opening after it."""
    start, end = local(date(2026, 7, 2), 16), local(date(2026, 7, 4), 11)
    assert HOURS.open_s(start, end) == 2 * 3600
    assert HOURS.opens_at(local(date(2026, 7, 2), 17)) == local(date(2026, 7, 4), 10)
    assert OpeningHours(NEW_YORK, {}).opens_at(start) is None


@pytest.mark.parametrize("change", [date(2026, 3, 8), date(2026, 11, 1)])
def test_clock_changes(change: date) -> None:
    """A day of 23 or 25 hours has as many open hours when it is open all day."""
    always = OpeningHours(NEW_YORK, {day: ((time(), time()),) for day in range(7)})
    start, end = local(change, 0), local(change + timedelta(days=1), 0)
    assert always.open_s(start, end) == (end - start).total_seconds()
    assert all(always.is_open(start + timedelta(minutes=15 * n)) for n in range(92))


@pytest.mark.parametrize(
    "spans",
    [
        ((time(13), time(17)), (time(9), time(12))),
        ((time(9), time(12)), (time(11), time(13))),
        ((time(22), time(6)), (time(23), time(23, 30))),
    ],
)
def test_bad_hours_are_refused(spans) -> None:
    """Out of order, overlapping, after a span that goes on over midnight."""
    with pytest.raises(UsageError, match="without overlap"):
        OpeningHours(NEW_YORK, {0: spans})


def test_a_closed_queue_does_not_breach() -> None:
    """A wait counts in opening hours alone: an e-mail of the night is not late before the morning."""
    night = local(date(2026, 3, 3), 3)
    queued = {"queueArn": QUEUE, "enqueueTimestamp": make.stamp(night)}
    event = contact_event("QUEUED", channel="EMAIL", queueInfo=queued)
    rules = LiveRules(x_by_channel={"EMAIL": 3600}, hours_by_queue={"q-1": HOURS})
    for hour, minute, breaching, is_open in ((8, 0, 0, False), (9, 59, 0, True), (10, 0, 1, True)):
        now = local(date(2026, 3, 3), hour, minute)
        (view,) = queue_views(folded(event, rules=rules), now)
        assert (view.breaching, view.is_open, view.longest_wait_s) == (
            breaching,
            is_open,
            (now - night).total_seconds(),
        )
        assert view.opens_at == (None if is_open else local(date(2026, 3, 3), 9))
    (view,) = queue_views(folded(event), local(date(2026, 3, 3), 8))
    assert (view.breaching, view.is_open) == (1, True)


def test_a_homes_settings_are_the_rules() -> None:
    """Hours of all queues and of one, and holidays, in the home's zone; without any, everything is always open."""
    assert (live_rules(Settings.load(None, {})).hours, live_rules(Settings.load(None, {})).hours_by_queue) == (None, {})
    variables = {
        "TRUNKLINE_ZONE": "America/New_York",
        "TRUNKLINE_OPENING_HOURS": "Mon-Fri 09:00-17:00",
        "TRUNKLINE_OPENING_HOURS_QUEUE": "Night=daily 22:00-06:00,Support=always".replace("daily", "Mon-Sun"),
        "TRUNKLINE_HOLIDAYS": "2026-07-03, 2026-07-02 09:00-12:00",
    }
    rules = live_rules(Settings.load(None, variables))
    thursday, friday = date(2026, 7, 2), date(2026, 7, 3)
    for queue, at, is_open in (
        ("Sales", local(thursday, 11), True),
        ("Sales", local(thursday, 13), False),
        ("Sales", local(friday, 10), False),
        ("Sales", local(date(2026, 7, 6), 10), True),
        ("Support", local(friday, 10), True),
        ("Night", local(date(2026, 7, 7), 5), True),
        ("Night", local(date(2026, 7, 7), 7), False),
        ("Night", local(friday, 23), False),
    ):
        hours = rules.hours_of("q-1", queue)
        assert hours is not None
        assert hours.is_open(at) is is_open, (queue, at)


def test_a_holiday_closes_queues_without_hours() -> None:
    """Holidays alone: open on every other day."""
    rules = live_rules(Settings.load(None, {"TRUNKLINE_HOLIDAYS": "2026-12-25"}))
    assert rules.hours is not None
    christmas = datetime(2026, 12, 25, tzinfo=UTC)
    assert not rules.hours.is_open(christmas + timedelta(hours=12))
    assert rules.hours.is_open(christmas - timedelta(seconds=1))
    assert rules.hours.opens_at(christmas) == christmas + timedelta(days=1)


def test_the_board_replaces_hours_and_adds_holidays() -> None:
    """What is set on the page wins over the file, by queue; a date on the page holds for the file's hours too."""
    base = live_rules(Settings.load(None, {"TRUNKLINE_OPENING_HOURS": "Mon-Fri 09:00-17:00"}))
    rules = base.with_hours("", {"Sales": "Mon-Sun 08:00-20:00"}, ["2026-07-02"])
    general, sales = rules.hours_of(None, "Other"), rules.hours_of(None, "Sales")
    assert general is not None
    assert sales is not None
    at = datetime(2026, 7, 2, 10, tzinfo=UTC)
    assert [hours.is_open(at) for hours in (general, sales)] == [False, False]
    assert [hours.is_open(at + timedelta(days=2)) for hours in (general, sales)] == [False, True]


def test_open_since() -> None:
    """Silence counts from the opening, so that the evening's last event is no alarm in the morning; not at night."""
    rules = LiveRules(hours=parse_hours("Mon-Fri 09:00-17:00", NEW_YORK))
    tuesday = date(2026, 7, 7)
    for hour, minute, is_open in ((3, 0, False), (8, 59, False), (9, 4, True), (16, 59, True), (17, 0, False)):
        since = open_since(folded(rules=rules), local(tuesday, hour, minute), [])
        assert since == (local(tuesday, 9) if is_open else None)
    assert open_since(folded(), local(tuesday, 9), []) is None
