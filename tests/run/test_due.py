"""What a run covers: missed, doubled and overlapping firings, across the days on which clocks change."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from homes import settings_of

from trunkline.errors import UsageError
from trunkline.objects.catalogue import OBJECTS
from trunkline.pipelines.run.due import (
    due_span,
    in_dependency_order,
    is_dimension,
    next_firing,
    schedule_of,
    span_until,
)
from trunkline.schedules.schedule import Schedule, make_schedule

CRON = "cron(40 0/2 * * ? *)"
ZONES = ("America/New_York", "Europe/London", "Australia/Lord_Howe", "Asia/Kolkata")
# Spring forward and fall back, for each hemisphere, in one span of time.
CHANGES = (datetime(2026, 3, 7, tzinfo=UTC), datetime(2026, 3, 28, tzinfo=UTC), datetime(2026, 4, 4, tzinfo=UTC),
           datetime(2026, 10, 3, tzinfo=UTC), datetime(2026, 10, 24, tzinfo=UTC), datetime(2026, 10, 31, tzinfo=UTC))  # fmt: skip


def firings(schedule: Schedule, start: datetime, end: datetime) -> list[datetime]:
    found = [next_firing(schedule, start)]
    while found[-1] < end:
        found.append(next_firing(schedule, found[-1]))
    return found[:-1]


def run_at(schedule: Schedule, times: list[datetime], begin: datetime) -> list[tuple[datetime, datetime]]:
    """What runs at these times cover when each succeeds."""
    watermark, covered = begin, []
    for at in times:
        span = due_span(schedule, watermark, at)
        if span is not None:
            covered.append((span.window.start, span.window.end))
            watermark = span.window.end
    return covered


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("change", CHANGES, ids=lambda at: f"{at:%m-%d}")
def test_any_firings_cover_the_time_once(zone: str, change: datetime) -> None:
    """Firings that are lost, doubled, late or early leave no gap and no overlap, also where clocks change."""
    schedule = make_schedule(CRON, zone)
    begin, end = change - timedelta(days=1), change + timedelta(days=3)
    begin = firings(schedule, begin, end)[0] - schedule.delay
    all_firings = firings(schedule, begin, end)
    regular = run_at(schedule, all_firings, begin)
    chance = random.Random(f"{zone} {change}")
    irregular = sorted(
        at + timedelta(seconds=chance.choice((0, 0, 5, 50, 1_800, 9_000)))
        for at in all_firings
        if chance.random() < 0.6
        for _ in range(chance.choice((1, 1, 2, 3)))
    )
    irregular = [at for at in irregular if at < all_firings[-1]] + [all_firings[-1] + timedelta(minutes=1)]
    disturbed = run_at(schedule, irregular, begin)
    for covered in (regular, disturbed):
        assert covered[0][0] == begin
        assert all(earlier[1] == later[0] for earlier, later in pairwise(covered))
    assert regular[-1][1] == disturbed[-1][1]
    assert len(disturbed) < len(regular) == len(all_firings) - 1  # the first is where counting begins


def test_the_spring_hours_that_the_script_lost_are_covered() -> None:
    """2026-03-08 in New York: the mission's script never collected 05:00 to 07:00 UTC."""
    schedule = make_schedule(CRON, "America/New_York")
    begin = datetime(2026, 3, 8, 3, tzinfo=UTC)
    covered = run_at(schedule, firings(schedule, begin, datetime(2026, 3, 8, 16, tzinfo=UTC)), begin)
    assert any(start <= datetime(2026, 3, 8, 6, tzinfo=UTC) < end for start, end in covered)
    assert sum((end - start for start, end in covered), timedelta()) == covered[-1][1] - begin


def test_missed_windows_are_one_run() -> None:
    """After an outage of a day the next run covers twelve windows; the one after it has nothing to do."""
    schedule = make_schedule(CRON, "UTC")
    done = datetime(2026, 3, 2, 10, tzinfo=UTC)
    now = done + timedelta(days=1, minutes=45)
    span = due_span(schedule, done, now)
    assert span is not None
    assert (span.windows, span.window.start, span.window.end) == (12, done, done + timedelta(days=1))
    assert due_span(schedule, span.window.end, now) is None


def test_a_first_run_covers_the_window_before() -> None:
    """Without a run before, a run covers the last window that has ended."""
    span = due_span(make_schedule(CRON, "UTC"), None, datetime(2026, 3, 2, 10, 41, tzinfo=UTC))
    assert span is not None
    assert span.windows == 1
    assert span.window.end == datetime(2026, 3, 2, 10, tzinfo=UTC)


def test_a_forced_run_between_two_windows_ends_now_and_leaves_the_rest_to_the_next() -> None:
    """No time is covered twice, and none is left out."""
    schedule = make_schedule("cron(0 * * * ? *)", "UTC")
    done = datetime(2026, 3, 2, 10, tzinfo=UTC)
    forced = span_until(schedule, done, done + timedelta(minutes=20))
    assert (forced.windows, forced.window.start, forced.window.end) == (0, done, done + timedelta(minutes=20))
    after = due_span(schedule, forced.window.end, done + timedelta(hours=1))
    assert after is not None
    assert after.window.start == forced.window.end


def test_the_schedule_of_an_object() -> None:
    """The collector's for contacts, the settings' own for others, hourly without one; a wrong one names what is valid."""
    contact, call = OBJECTS["contact_record"], OBJECTS["call"]
    settings = settings_of_schedules(call="cron(15 6 * * ? *)")
    assert schedule_of(settings, contact) == make_schedule(CRON, "America/New_York")
    assert schedule_of(settings, call) == make_schedule("cron(15 6 * * ? *)", "Europe/Berlin")
    assert schedule_of(settings, OBJECTS["scorecard"]) == make_schedule("rate(1 hour)", "Europe/Berlin")
    with pytest.raises(UsageError, match="cron"):
        schedule_of(settings_of_schedules(call="every day"), call)


def test_a_schedule_that_has_ended_says_so() -> None:
    """Years in the past."""
    with pytest.raises(UsageError, match="has no time after"):
        next_firing(make_schedule("cron(0 6 * * ? 2020)", "UTC"), datetime(2026, 3, 2, tzinfo=UTC))


def test_dimensions_come_before_facts() -> None:
    """What facts refer to is there when they are loaded."""
    ordered = in_dependency_order(OBJECTS.values())
    kinds = [is_dimension(obj) for obj in ordered]
    assert kinds == sorted(kinds, reverse=True)
    assert {obj.name for obj in ordered} == set(OBJECTS)
    assert True in kinds
    assert False in kinds


def settings_of_schedules(**schedules: str):
    from pathlib import Path

    text = ",".join(f"{name}={expression}" for name, expression in schedules.items())
    return settings_of(Path("/nowhere"), run_schedules=text, run_zone="Europe/Berlin")
