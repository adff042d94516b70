"""Opening hours and holidays on a queue's wall clock."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import live_events as make
import pytest
from live_events import QUEUE, contact_event, folded

from trunkline.errors import UsageError
from trunkline.live.rules import LiveRules, OpeningHours
from trunkline.live.views import queue_views

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


@pytest.mark.parametrize("spans", [((time(12), time(9)),), ((time(9), time(12)), (time(11), time(13)))])
def test_bad_hours_are_refused(spans) -> None:
    """Out of order, overlapping."""
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
