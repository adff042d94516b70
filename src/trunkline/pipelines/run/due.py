"""When an object's runs are due: its schedule, the windows since its last run, and the order of objects.

A run covers all windows that are due since the last run that succeeded, so that missed firings are caught up and a
firing that comes twice finds nothing left. Firings themselves have no meaning: any number of them, at any time, gives
the same windows.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from trunkline.errors import UsageError
from trunkline.limits import RUN_SCHEDULE
from trunkline.objects.agents.instance_data import LISTING_SOURCE
from trunkline.objects.model import Object
from trunkline.positions import API_SOURCE
from trunkline.schedules.schedule import Schedule, bounds, make_schedule
from trunkline.schedules.windows import Window, previous_window, windows_since
from trunkline.settings.installation import Settings

# How far ahead to look for the next firing; 29 February can be eight years away.
_LOOK = tuple(timedelta(days=days) for days in (2, 64, 512, 4096))


@dataclass(frozen=True, slots=True)
class DueSpan:
    """What a run covers: `windows` windows of the schedule, one after another. 0: the time up to now, between two."""

    window: Window
    windows: int


def is_collected(settings: Settings, obj: Object) -> bool:
    """Whether the object is collected from the Connect API, which has positions and late windows of its own."""
    is_scheduled = obj.scheduled_source == API_SOURCE and obj.origin is None
    return is_scheduled and obj.name not in settings.run_sources


def is_listed(settings: Settings, obj: Object) -> bool:
    """Whether the object is read by listing Connect instances."""
    return obj.scheduled_source == LISTING_SOURCE and obj.name not in settings.run_sources


def schedule_of(settings: Settings, obj: Object) -> Schedule:
    """The object's schedule. Raises UsageError for an expression or a zone that is not valid."""
    if is_collected(settings, obj):
        return make_schedule(settings.collect_schedule, settings.collect_zone)
    return make_schedule(settings.run_schedules.get(obj.name, RUN_SCHEDULE), settings.run_zone)


def due_span(schedule: Schedule, watermark: datetime | None, now: datetime) -> DueSpan | None:
    """What is due now: all windows since the watermark (aware UTC), or the last one before a first run; else None."""
    start = watermark or previous_window(now - schedule.delay, schedule).start
    windows = windows_since(start, now, schedule)
    return DueSpan(Window(windows[0].start, windows[-1].end), len(windows)) if windows else None


def span_until(schedule: Schedule, watermark: datetime | None, now: datetime) -> DueSpan:
    """What a run covers that someone asked for: what is due, and where nothing is, the time up to now."""
    due = due_span(schedule, watermark, now)
    if due is not None:
        return due
    start = watermark or previous_window(now, schedule).start
    return DueSpan(Window(min(start, now - timedelta(seconds=1)), now), 0)


def next_firing(schedule: Schedule, after: datetime) -> datetime:
    """The first time after `after` at which a window becomes due. Raises UsageError where the schedule has ended."""
    ended = after - schedule.delay
    for look in _LOOK:
        end = next(bounds(schedule, ended + timedelta.resolution, ended + look), None)
        if end is not None:
            return end + schedule.delay
    raise UsageError(
        f"the schedule {schedule.expression.text!r} has no time after {after:%F %T} UTC; correct its years"
    )


def is_dimension(obj: Object) -> bool:
    """Whether the object is a dimension, which facts refer to: its table's name begins with `d_`."""
    return obj.warehouse_table.rpartition(".")[2].startswith("d_")


def in_dependency_order(objects: Iterable[Object]) -> list[Object]:
    """Dimensions before facts, each in the order of the catalogue."""
    return sorted(objects, key=lambda obj: not is_dimension(obj))
