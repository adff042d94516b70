"""No gap and no overlap: every zone of the machine, hourly to daily, 1990 to 2037, at every change of its clocks.

Why this is complete. A window is a pair of neighbouring bounds, and `bounds` reads a zone only through its offset. (1) The
changes of offset are known without fail: no two are nearer than two days (six since 1990), so that asking each day (each
third) finds all, and the zones' files agree. (2) Around every change, two days to either side, the bounds are those that the definition gives, whatever
instant reading begins at. (3) Elsewhere the offset is constant, and the bounds are the expression's wall-clock times less
the offset; those are every multiple of the width from 1990 to 2037, read whole. Two days are more than any shift of a
clock (one day), so (2) and (3) meet. The soak run counts through every window instead of reasoning.
"""

from __future__ import annotations

import zoneinfo
from bisect import bisect_right
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from zone_files import DAY, SINCE, UNTIL, Change, changes_in_file, file_of, tables

from trunkline.schedules.cron import times
from trunkline.schedules.schedule import SHIFT_MAX, Schedule, bounds, make_schedule
from trunkline.schedules.windows import Window, window_at, windows_since

HOUR = 3600
# Width in seconds -> expression. The two hours are the mission's, with their run at minute 40.
EXPRESSIONS = {
    HOUR: "cron(0 * * * ? *)",
    2 * HOUR: "cron(40 0/2 * * ? *)",
    4 * HOUR: "cron(0 0/4 * * ? *)",
    DAY: "cron(0 0 * * ? *)",
}
NEAR = 2 * DAY
every_width = pytest.mark.parametrize("width", EXPRESSIONS, ids=["hourly", "2-hourly", "4-hourly", "daily"])
# The two hours are the mission's; the others are read the same way.
often = pytest.mark.parametrize(
    "width",
    [2 * HOUR, DAY, pytest.param(HOUR, marks=pytest.mark.soak), pytest.param(4 * HOUR, marks=pytest.mark.soak)],
    ids=["2-hourly", "daily", "hourly", "4-hourly"],
)


def instant(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def seconds(found) -> list[int]:
    return [int(bound.timestamp()) for bound in found]


def distinct_changes() -> dict[Change, str]:
    """Every change of every zone, with one of the zones that make it: nothing else changes there near it."""
    return {change: keys[0] for table, keys in tables().items() for change in table.changes}


def expected_bounds(change: Change, width: int, near: int = NEAR) -> list[int]:
    """The definition, in whole numbers: multiples of the width on the clock before and on the clock after a change."""
    at, before, after = change

    def shown(low: int, high: int, offset: int) -> set[int]:
        first = -(-(low + offset) // width) * width
        return {wall - offset for wall in range(first, high + offset, width)}

    early, late = shown(at - near, at, before), shown(at, at + near, after)
    if -(-(at + before) // width) * width < at + after:
        late.add(at)
    if before > after and before - after < width:
        late = {bound for bound in late if bound + after >= at + before}
    return sorted(early | late)


def test_every_zone_is_read() -> None:
    """Each name in the system's database has a table, and the tables hold what is known of three zones."""
    named = {key: table for table, keys in tables().items() for key in keys}
    assert named.keys() == zoneinfo.available_timezones()
    assert len(named) > 400
    assert named["UTC"].changes == ()
    assert (int(datetime(2026, 11, 1, 6, tzinfo=UTC).timestamp()), -4 * HOUR, -5 * HOUR) in named[
        "America/New_York"
    ].changes
    assert (int(datetime(2011, 12, 30, 10, tzinfo=UTC).timestamp()), -10 * HOUR, 14 * HOUR) in named[
        "Pacific/Apia"
    ].changes


def test_files_and_zones_agree_and_no_change_is_missed() -> None:
    """Over all of a zone's history no two changes are within two days, and no shift is longer than a day."""
    for table, keys in tables().items():
        for key in keys:
            listed = changes_in_file(file_of(key))
            assert all(later[0] - earlier[0] > 2 * DAY for earlier, later in pairwise(listed)), key
            assert all(abs(after - before) <= SHIFT_MAX.total_seconds() for _, before, after in listed), key
            upto = max([SINCE, *(at for at, _, _ in listed)])
            asked = [change for change in table.changes if change[0] <= upto]
            assert asked == [change for change in listed if SINCE < change[0] <= UNTIL], key
        assert all(later[0] - earlier[0] > NEAR + 3 * DAY for earlier, later in pairwise(table.changes)), keys


@every_width
def test_wall_clock_times_are_every_multiple(width: int) -> None:
    """What an expression names is regular from the first day to the last, so that equal offsets mean equal windows."""
    schedule = make_schedule(EXPRESSIONS[width], "UTC")
    start, end = datetime(1989, 12, 30), datetime(2038, 1, 3)
    found = [time - schedule.delay for time in times(schedule.expression, start + schedule.delay, end + schedule.delay)]
    step = timedelta(seconds=width)
    assert found[0] == start
    assert found[-1] == end - step
    assert len(found) == (end - start) // step
    assert all(later - earlier == step for earlier, later in pairwise(found))


@often
def test_bounds_are_as_defined_around_every_change(width: int) -> None:
    """Two days to either side of every change of every zone, read from there or from the change itself or within it."""
    for change, key in distinct_changes().items():
        schedule = make_schedule(EXPRESSIONS[width], key)
        at, before, after = change
        expected = expected_bounds(change, width)
        assert seconds(bounds(schedule, instant(at - NEAR), instant(at + NEAR))) == expected, (key, instant(at))
        # Reading may begin amid the hours that come twice.
        start, end = at + abs(after - before) // 2, at + abs(after - before) + HOUR
        rest = [bound for bound in expected if start <= bound < end]
        assert seconds(bounds(schedule, instant(start), instant(end))) == rest, (key, instant(at))


@often
def test_each_instant_near_a_change_is_in_one_window(width: int) -> None:
    """The window found for an instant is the one that the others leave for it: none is in two, none in none."""
    for change, key in distinct_changes().items():
        schedule = make_schedule(EXPRESSIONS[width], key)
        at, _, _ = change
        expected = expected_bounds(change, width, 3 * DAY)
        for probe in (at - 1, at):
            i = bisect_right(expected, probe)
            assert window_at(instant(probe), schedule) == Window(instant(expected[i - 1]), instant(expected[i])), key


def test_runs_take_every_instant_once_around_every_change() -> None:
    """Runs at uneven times that take a few windows each leave nothing between them and take nothing twice."""
    schedules = {key: make_schedule(zone=key) for key in distinct_changes().values()}
    for change, key in distinct_changes().items():
        at, start = change[0], instant(change[0] - DAY // 2 - 1234)
        watermark, taken = start, []
        for now in (at - HOUR, at + HOUR, at + DAY, at + DAY):
            taken += windows_since(watermark, instant(now), schedules[key], limit=9)
            watermark = taken[-1].end
        assert taken[0].start == start
        assert all(earlier.end == later.start for earlier, later in pairwise(taken)), (key, instant(at))
        assert seconds(window.end for window in taken) == [
            bound for bound in expected_bounds(change, 2 * HOUR) if start.timestamp() < bound <= watermark.timestamp()
        ]
        assert watermark > instant(at + DAY - 4 * HOUR)


@pytest.mark.soak
@pytest.mark.timeout(3600)
@every_width
def test_every_window_of_every_zone_follows_the_one_before(width: int) -> None:
    """All windows of all zones from 1990 to 2037, counted: nothing between them, nothing twice, none without sense."""
    for table, keys in tables().items():
        schedule = make_schedule(EXPRESSIONS[width], keys[0])
        edge, counted = instant(SINCE), 0
        for window in windows_since(edge, instant(UNTIL) + schedule.delay, schedule, limit=1_000_000):
            assert window.start == edge, keys
            assert window.end - window.start < timedelta(seconds=width) + SHIFT_MAX
            edge, counted = window.end, counted + 1
        # The window that holds the end is not due yet.
        assert instant(UNTIL) - timedelta(seconds=width) - SHIFT_MAX < edge <= instant(UNTIL) + timedelta(minutes=1)
        shifts = len(table.changes)
        assert abs(counted - (UNTIL - SINCE) // width) <= 1 + shifts * DAY // width


def test_a_broken_definition_would_be_seen() -> None:
    """The check tells local multiples from what the known flaw did: even hours of UTC in a zone at an odd offset."""
    change = next(change for change in distinct_changes() if change == (1793512800, -4 * HOUR, -5 * HOUR))
    wrong = Schedule(make_schedule().expression, ZoneInfo("UTC"), make_schedule().delay)
    found = seconds(bounds(wrong, instant(change[0] - NEAR), instant(change[0] + NEAR)))
    assert found != expected_bounds(change, 2 * HOUR)
