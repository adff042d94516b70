"""How far the collector is with an instance: small objects in the lake, written only when what they say is durable."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import TypeVar

import msgspec

from trunkline.errors import TerminalError
from trunkline.lake import layout
from trunkline.lake.store import Store
from trunkline.schedules.schedule import Schedule
from trunkline.schedules.windows import Window, merge_adjacent, previous_window, windows_again

T = TypeVar("T")
SCHEDULE = "schedule"
NAMES = "names"


class State(msgspec.Struct, frozen=True):
    """The scheduled job: everything from `since` to `watermark` was read once and is durable.

    `last_run` is until when windows to be read again were taken down, into `pending`: stretches that wait, oldest
    first. All are aware, UTC.
    """

    since: datetime
    watermark: datetime
    last_run: datetime
    pending: tuple[tuple[datetime, datetime], ...] = ()

    @property
    def windows(self) -> list[Window]:
        """What waits to be read again."""
        return [Window(start, end) for start, end in self.pending]


class Through(msgspec.Struct, frozen=True):
    """A range that a person asked for: everything before `through` is durable."""

    through: datetime


def begun(now: datetime, schedule: Schedule) -> State:
    """Where a first run begins: at the start of the last window that has ended, which is one window of contacts."""
    start = previous_window(now - schedule.delay, schedule).start
    return State(start, start, start)


def noted(state: State, now: datetime, schedule: Schedule, ages: Sequence[timedelta]) -> State:
    """The state with what has become old enough to be read again; a clock that was set back takes nothing away."""
    again = windows_again(state.watermark, state.last_run, now, schedule, ages, since=state.since)
    pending = tuple((one.start, one.end) for one in merge_adjacent([*state.windows, *again]))
    return State(state.since, state.watermark, max(state.last_run, now), pending)


def not_before(earliest: datetime, state: State) -> State:
    """The state without what Connect no longer knows: after two years of standing still, what is older is lost."""
    moved = read_again(state, earliest)
    return State(moved.since, max(moved.watermark, earliest), moved.last_run, moved.pending)


def read_again(state: State, through: datetime) -> State:
    """The state when everything pending before `through` is durable."""
    left = tuple((max(start, through), end) for start, end in state.pending if end > through)
    return State(state.since, state.watermark, state.last_run, left)


def load_state(store: Store, instance_id: str) -> State | None:
    """The scheduled job's state; None before its first run."""
    return _load(store, layout.collect_key(instance_id, SCHEDULE), State)


def save_state(store: Store, instance_id: str, state: State) -> None:
    """Durable when this returns."""
    store.put_bytes(msgspec.json.encode(state), layout.collect_key(instance_id, SCHEDULE))


def range_name(since: datetime, until: datetime, what: str) -> str:
    """The name of a range's progress: the same question goes on where it was."""
    return f"range-{since:%Y%m%dT%H%M%S}-{until:%Y%m%dT%H%M%S}-{what.lower()}"


def load_through(store: Store, instance_id: str, name: str) -> datetime | None:
    """How far a range is; None where it was not begun, or is done."""
    found = _load(store, layout.collect_key(instance_id, name), Through)
    return None if found is None else found.through


def save_through(store: Store, instance_id: str, name: str) -> Callable[[datetime], None]:
    """Writes down how far a range is."""
    return lambda through: store.put_bytes(msgspec.json.encode(Through(through)), layout.collect_key(instance_id, name))


def forget_range(store: Store, instance_id: str, name: str) -> None:
    """The range is done: the same question again reads it again."""
    store.remove(layout.collect_key(instance_id, name))


def _load(store: Store, key: str, type_: type[T]) -> T | None:
    data = store.get_bytes(key)
    if data is None:
        return None
    try:
        return msgspec.json.decode(data, type=type_)
    except msgspec.DecodeError as error:
        raise TerminalError(
            f"{store.url}/{key} cannot be read ({error}): put it back from a backup, or remove it to begin anew; "
            "nothing is loaded twice by that"
        ) from error
