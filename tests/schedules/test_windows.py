from __future__ import annotations

import doctest
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline.errors import UsageError
from trunkline.schedules import schedule as schedule_module
from trunkline.schedules import windows as module
from trunkline.schedules.schedule import Schedule, bounds, make_schedule
from trunkline.schedules.windows import (
    Window,
    label,
    merge_adjacent,
    previous_window,
    split,
    split_longer,
    window_at,
    windows_again,
    windows_since,
)

NEW_YORK = ZoneInfo("America/New_York")
MISSION = make_schedule()
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def tiles(start: datetime, end: datetime, schedule: Schedule) -> tuple[Window, ...]:
    """The windows of a run whose last one has just come due."""
    return windows_since(start, end + schedule.delay, schedule)


def shown(windows) -> list[str]:
    return [f"{window.start:%d %H:%M} {window.end:%d %H:%M}" for window in windows]


@pytest.mark.parametrize("tested", [module, schedule_module], ids=lambda tested: tested.__name__)
def test_examples_in_docstrings(tested) -> None:
    """What the docstrings show is what happens."""
    result = doctest.testmod(tested)
    assert result.attempted > 0
    assert result.failed == 0


def taken_by_mission_runs(day: str) -> list[Window]:
    """What runs at minute 40 of even UTC hours take, the rule's zone being UTC while windows are New York's."""
    watermark, taken = at(day) - DAY, []
    for run in bounds(make_schedule("cron(40 0/2 * * ? *)", "UTC", timedelta(0)), at(day), at(day) + 2 * DAY):
        due = windows_since(watermark, run, MISSION)
        taken += due
        watermark = due[-1].end if due else watermark
    return taken


def test_new_york_spring_forward_2026_03_08_collects_05_to_07_utc() -> None:
    """Known flaw 15: the window 05:00 to 07:00 UTC was never collected. Each instant of the day is, once."""
    taken = taken_by_mission_runs("2026-03-08")
    assert {"08 05:00 08 07:00", "08 07:00 08 08:00", "08 08:00 08 10:00"} <= set(shown(taken))
    assert all(earlier.end == later.start for earlier, later in pairwise(taken))
    day = tiles(at("2026-03-08T05:00"), at("2026-03-09T04:00"), MISSION)
    assert len(day) == 12
    for minute in range(23 * 60):
        instant = at("2026-03-08T05:00") + timedelta(minutes=minute)
        assert [window.holds(instant) for window in taken].count(True) == 1
        assert [window.holds(instant) for window in day].count(True) == 1


def test_new_york_fall_back_2026_11_01_collects_02_to_04_utc_once() -> None:
    """Known flaw 15: 02:00 to 04:00 UTC was collected twice. Each instant of the day is collected once."""
    taken = taken_by_mission_runs("2026-11-01")
    assert {"01 02:00 01 04:00", "01 04:00 01 07:00", "01 07:00 01 09:00"} <= set(shown(taken))
    assert all(earlier.end == later.start for earlier, later in pairwise(taken))
    day = tiles(at("2026-11-01T04:00"), at("2026-11-02T05:00"), MISSION)
    assert len(day) == 12
    for minute in range(25 * 60):
        instant = at("2026-11-01T04:00") + timedelta(minutes=minute)
        assert [window.holds(instant) for window in taken].count(True) == 1
        assert [window.holds(instant) for window in day].count(True) == 1


@pytest.mark.parametrize(
    ("expression", "spring", "fall"),
    [("cron(0 * * * ? *)", 23, 25), ("cron(0 0/4 * * ? *)", 6, 6), ("cron(0 0 * * ? *)", 1, 1)],
)
def test_new_york_days_of_23_and_25_hours(expression: str, spring: int, fall: int) -> None:
    """A short day has 23 hourly windows and a long one 25; longer windows are shorter or longer by the hour."""
    schedule = make_schedule(expression)
    assert len(tiles(at("2026-03-08T05:00"), at("2026-03-09T04:00"), schedule)) == spring
    assert len(tiles(at("2026-11-01T04:00"), at("2026-11-02T05:00"), schedule)) == fall


def test_labels_of_a_repeated_hour_differ() -> None:
    """Known flaw 18: each of the 25 hours has a label of its own, and each names its window."""
    windows = tiles(at("2026-11-01T04:00"), at("2026-11-02T05:00"), make_schedule("cron(0 * * * ? *)"))
    labels = [label(window, NEW_YORK) for window in windows]
    assert labels[:4] == [
        "2026-11-01 00:00 to 01:00 -04:00",
        "2026-11-01 01:00 -04:00 to 01:00 -05:00",
        "2026-11-01 01:00 to 02:00 -05:00",
        "2026-11-01 02:00 to 03:00 -05:00",
    ]
    assert labels[-1] == "2026-11-01 23:00 to 2026-11-02 00:00 -05:00"
    assert len(set(labels)) == 25


def test_labels_show_seconds_only_where_there_are_some() -> None:
    """A window that begins at a watermark between two minutes, and an offset of sun time, are shown in full."""
    window = Window(at("2026-07-01T00:00:05.250"), at("2026-07-01T02:00"))
    assert label(window, ZoneInfo("UTC")) == "2026-07-01 00:00:05.250000 to 02:00:00 +00:00"
    sun = Window(at("1880-01-01T00:00"), at("1880-01-01T01:00"))
    assert label(sun, NEW_YORK) == "1879-12-31 19:03:58 to 20:03:58 -04:56:02"


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        ("2026-01-15 02:40", ("2026-01-15 05:00", "2026-01-15 07:00", "2026-01-15 00:00 to 02:00 -05:00")),
        ("2026-01-15 00:40", ("2026-01-15 03:00", "2026-01-15 05:00", "2026-01-14 22:00 to 2026-01-15 00:00 -05:00")),
        ("2026-01-15 01:40", ("2026-01-15 03:00", "2026-01-15 05:00", "2026-01-14 22:00 to 2026-01-15 00:00 -05:00")),
        ("2026-01-15 02:00", ("2026-01-15 05:00", "2026-01-15 07:00", "2026-01-15 00:00 to 02:00 -05:00")),
        ("2026-03-08 03:40", ("2026-03-08 05:00", "2026-03-08 07:00", "2026-03-08 00:00 -05:00 to 03:00 -04:00")),
        ("2026-11-01 02:40", ("2026-11-01 04:00", "2026-11-01 07:00", "2026-11-01 00:00 -04:00 to 02:00 -05:00")),
    ],
)
def test_the_previous_window_at_any_minute(now: str, expected: tuple[str, str, str]) -> None:
    """The last two local hours that have ended, also after midnight, at an odd hour and when clocks change."""
    now_ny = datetime.fromisoformat(now).replace(tzinfo=NEW_YORK)
    window = previous_window(now_ny, make_schedule())
    assert (f"{window.start:%Y-%m-%d %H:%M}", f"{window.end:%Y-%m-%d %H:%M}", label(window, NEW_YORK)) == expected
    assert window.start.tzinfo is UTC
    assert previous_window(now_ny.astimezone(UTC), make_schedule()) == window


def test_an_outage_is_caught_up_in_bounded_runs() -> None:
    """Ten days are taken oldest first, a few windows a run, then no more than is due."""
    watermark, now, taken = at("2026-03-01T05:00"), at("2026-03-11T05:41"), []
    counts = []
    while due := windows_since(watermark, now, MISSION, limit=50):
        counts.append(len(due))
        taken += due
        watermark = due[-1].end
    assert counts == [50, 50, 20]
    assert merge_adjacent(taken) == (Window(at("2026-03-01T05:00"), at("2026-03-11T04:00")),)


@pytest.mark.parametrize(
    ("now", "count"), [("06:38:59", 0), ("06:39:00", 1), ("06:40:59", 1), ("08:38:59", 1), ("08:39:30", 2)]
)
def test_a_window_is_due_its_delay_after_its_end(now: str, count: int) -> None:
    """The delay lets contacts complete; a run whose clock is a minute behind still takes its window."""
    assert len(windows_since(at("2026-07-01T04:00"), at(f"2026-07-01T{now}"), MISSION)) == count


def test_no_window_ends_in_the_future() -> None:
    """The minute of grace never takes a window that has not ended, and a watermark ahead of the clock takes none."""
    hourly = make_schedule("cron(0 * * * ? *)")
    assert windows_since(at("2026-07-01T04:00"), at("2026-07-01T04:59:59.999999"), hourly) == ()
    assert len(windows_since(at("2026-07-01T04:00"), at("2026-07-01T05:00"), hourly)) == 1
    assert windows_since(at("2026-07-01T04:00"), at("2026-06-30T00:00"), hourly) == ()


def test_a_changed_schedule_begins_where_the_old_one_ended() -> None:
    """The first window begins at the watermark, whatever that is, and ends at the new schedule's next bound."""
    due = windows_since(at("2026-07-01T04:13:07"), at("2026-07-01T09:00"), MISSION)
    assert shown(due) == ["01 04:13 01 06:00", "01 06:00 01 08:00"]
    assert due[0].start == at("2026-07-01T04:13:07")


def test_windows_are_read_again_until_settled() -> None:
    """Every window is read when due and once after each age, however unevenly runs come, and never without need."""
    lateness, begun = (6 * HOUR, DAY), at("2026-10-31T04:00")
    watermark = last_run = begun
    visits: dict[Window, list[datetime]] = {}
    for hours in (3, 5, 5.5, 12, 13, 20, 50, 50.1, 52, 60, 75, 90, 120):
        now = begun + hours * HOUR
        again = windows_again(watermark, last_run, now, MISSION, lateness, since=begun)
        fresh = windows_since(watermark, now, MISSION, limit=8)
        for window in (*again, *fresh):
            visits.setdefault(window, []).append(now)
        watermark, last_run = fresh[-1].end if fresh else watermark, now
    settled = [window for window in visits if window.end + DAY < begun + 90 * HOUR]
    assert len(settled) > 25
    for window in settled:
        ages = [now - window.end for now in visits[window]]
        assert ages[-1] >= DAY, window
        assert 1 <= len(ages) <= 3
        # No visit is between two ages that an earlier one had passed already.
        passed = [sum(age >= limit for limit in lateness) for age in ages]
        assert passed == sorted(set(passed)), window


def test_windows_again_stay_between_beginning_and_watermark() -> None:
    """What was never taken is not read again: neither before collecting began nor after the watermark."""
    begun, watermark = at("2026-07-01T05:00"), at("2026-07-01T09:00")
    again = windows_again(watermark, begun, at("2026-07-03"), MISSION, [HOUR], since=begun)
    assert shown(again) == ["01 05:00 01 06:00", "01 06:00 01 08:00", "01 08:00 01 09:00"]
    assert windows_again(watermark, begun, at("2026-07-03"), MISSION, [], since=begun) == ()
    assert windows_again(watermark, at("2026-07-03"), at("2026-07-03"), MISSION, [HOUR], since=begun) == ()


def test_a_window_that_was_cut_is_read_again_whole_or_cut() -> None:
    """One window, part of it before the beginning: the part is read again, once."""
    begun = at("2026-07-01T05:00")
    again = windows_again(at("2026-07-01T05:30"), begun, at("2026-07-03"), MISSION, [HOUR], since=begun)
    assert shown(again) == ["01 05:00 01 05:30"]


instants = st.datetimes(datetime(2024, 1, 1), datetime(2027, 1, 1), timezones=st.just(UTC))
lengths = st.timedeltas(timedelta(milliseconds=1), timedelta(days=60))


@given(instants, lengths, st.integers(1, 200))
def test_parts_tile_their_window(start: datetime, length: timedelta, parts: int) -> None:
    """Parts follow each other from start to end and differ by a millisecond at most, more only the last one's rest."""
    window = Window(start, start + length)
    if parts > length // timedelta(milliseconds=1):
        with pytest.raises(UsageError, match="cannot be split"):
            split(window, parts)
        return
    tiles = split(window, parts)
    assert len(tiles) == parts
    assert merge_adjacent(reversed(tiles)) == (window,)
    assert all(earlier.end == later.start for earlier, later in pairwise(tiles))
    sizes = [tile.end - tile.start for tile in tiles]
    assert max(sizes) - min(sizes) < timedelta(milliseconds=2)


@given(instants, lengths, st.timedeltas(timedelta(hours=1), timedelta(days=56)))
def test_parts_are_no_longer_than_asked(start: datetime, length: timedelta, longest: timedelta) -> None:
    """Eight weeks, for instance, are the most that one search takes; no more parts than that needs, but one."""
    tiles = split_longer(Window(start, start + length), longest)
    assert max(tile.end - tile.start for tile in tiles) <= longest
    assert merge_adjacent(tiles) == (Window(start, start + length),)
    assert len(tiles) <= length // longest + 2


def test_merge_leaves_gaps_and_swallows_overlaps() -> None:
    """Only windows that touch or overlap become one."""
    hours = [
        Window(at("2026-07-01") + i * HOUR, at("2026-07-01") + j * HOUR) for i, j in ((5, 6), (0, 3), (1, 2), (3, 4))
    ]
    assert shown(merge_adjacent(hours)) == ["01 00:00 01 04:00", "01 05:00 01 06:00"]
    assert merge_adjacent([]) == ()


@given(instants, st.sampled_from(["rate(7 minutes)", "rate(2 hours)", "rate(5 days)"]))
def test_a_rate_tiles_elapsed_time(instant: datetime, expression: str) -> None:
    """Windows of a rate are equally long in every zone, and begin at multiples since 1970 UTC."""
    schedule = make_schedule(expression, "Australia/Lord_Howe")
    window = window_at(instant, schedule)
    assert window.holds(instant)
    assert window.end - window.start == schedule.expression.every
    assert (window.start - datetime(1970, 1, 1, tzinfo=UTC)) % schedule.expression.every == timedelta(0)


def test_sparse_schedules_have_windows_too() -> None:
    """Months, and the eight years without a 29 February; beyond an expression's years there is no window."""
    monthly = window_at(at("2026-02-10"), make_schedule("cron(0 6 L * ? *)", "UTC"))
    assert (monthly.start, monthly.end) == (at("2026-01-31T06:00"), at("2026-02-28T06:00"))
    leap = window_at(at("2101-01-01"), make_schedule("cron(0 0 29 2 ? *)", "UTC"))
    assert (leap.start, leap.end) == (at("2096-02-29"), at("2104-02-29"))
    with pytest.raises(UsageError, match="has no window that holds 2026"):
        window_at(at("2026-01-01"), make_schedule("cron(0 6 * * ? 2020)"))


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Window(at("2026-01-01"), at("2026-01-01")), "is empty"),
        (
            lambda: Window(datetime(2026, 1, 1), at("2026-01-02")),
            "The window's start is 2026-01-01 00:00:00, which has no zone",
        ),
        (lambda: make_schedule(zone="America/NewYork"), "'America/NewYork', which is not an IANA time zone"),
        (lambda: make_schedule(delay=-HOUR), "0 or more"),
        (lambda: windows_since(at("2026-01-01"), at("2026-01-02"), MISSION, limit=0), "takes at least 1"),
        (lambda: windows_since(at("2026-01-01"), datetime(2026, 1, 2), MISSION), "Now is 2026-01-02"),
        (lambda: split(Window(at("2026-01-01"), at("2026-01-02")), 0), "cannot be split into 0 parts"),
        (lambda: split_longer(Window(at("2026-01-01"), at("2026-01-02")), timedelta(0)), "at least a millisecond"),
        (
            lambda: windows_again(
                at("2026-01-02"), at("2026-01-01"), at("2026-01-03"), MISSION, [HOUR * 0], since=at("2026-01-01")
            ),
            "every age must be above 0",
        ),
    ],
)
def test_invalid_arguments_are_refused_with_what_is_valid(make, words: str) -> None:
    """What cannot be meant is refused with the value seen."""
    with pytest.raises(UsageError) as caught:
        make()
    assert words in str(caught.value)
