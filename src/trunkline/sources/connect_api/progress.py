"""How far the collector is with an instance: small objects in the lake, written only when what they cover is durable.

A job names the windows to read, and moves its state on as their parts become durable.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Final, Protocol, TypeVar

import msgspec

from trunkline.errors import TerminalError
from trunkline.schedules.schedule import Schedule
from trunkline.schedules.windows import Window, merge_adjacent, previous_window, windows_again, windows_since
from trunkline.sources.model import SourceState

T = TypeVar("T")
Checkpoint = Callable[[datetime], None]
"""Records that everything up to an instant is durable."""
_KIND: Final = "collect"
_SCHEDULE: Final = "schedule"
_NAMES: Final = "names"


class CollectJob(Protocol):
    """Which windows to read, in order, and how far they were read."""

    @property
    def name(self) -> str:
        """Names the job's journal."""

    @property
    def through(self) -> datetime:
        """Everything before this was read and is durable; aware UTC."""

    def windows(self) -> Iterator[tuple[Window, Checkpoint]]:
        """The windows, each with what records its progress. Asked for the next one when the one before is durable."""

    def finish(self) -> None:
        """Every window was read to its end."""


class RangeJob:
    """A range that a user requested. The same range again continues where it was stopped."""

    def __init__(self, state: SourceState, instance_id: str, since: datetime, until: datetime, time_type: str) -> None:
        self.name = f"range-{since:%Y%m%dT%H%M%S}-{until:%Y%m%dT%H%M%S}-{time_type.lower()}"
        self._state, self._instance_id, self._until = state, instance_id, until
        progress = _load(state, instance_id, self.name, RangeProgress)
        self.through = since if progress is None else progress.through

    def windows(self) -> Iterator[tuple[Window, Checkpoint]]:
        """What is left of the range; nothing where a run was killed at its very end."""
        if self.through < self._until:
            yield Window(self.through, self._until), self._save

    def finish(self) -> None:
        """Forget the progress: the same range again is read again."""
        self._state.remove(_KIND, self._instance_id, self.name)

    def _save(self, through: datetime) -> None:
        self._state.put(msgspec.json.encode(RangeProgress(through)), _KIND, self._instance_id, self.name)
        self.through = through


class ScheduleJob:
    """What a schedule requires now: windows since the watermark, then those old enough to be read again."""

    name = _SCHEDULE

    def __init__(
        self,
        state: SourceState,
        instance_id: str,
        schedule: Schedule,
        now: datetime,
        earliest: datetime,
        ages: Sequence[timedelta],
    ) -> None:
        """`earliest` is how far back Connect lists; `ages` are when windows are read again."""
        self._store, self._instance_id, self._schedule, self._now = state, instance_id, schedule, now
        self._earliest, self._ages = earliest, ages
        self.state = begin(now, schedule)

    @property
    def through(self) -> datetime:
        """The watermark."""
        return self.state.watermark

    def windows(self) -> Iterator[tuple[Window, Checkpoint]]:
        """The windows that are due, then the pending ones. Writes down which are pending first."""
        # Loaded here and not earlier: finishing what an earlier run began may move the watermark.
        stored = load_schedule_state(self._store, self._instance_id) or self.state
        self._save(note_due(start_at(self._earliest, stored), self._now, self._schedule, self._ages))
        for window in windows_since(self.state.watermark, self._now, self._schedule):
            yield window, self._move_watermark
        for window in self.state.windows:
            yield window, self._drop_pending

    def finish(self) -> None:
        """Nothing: the state is kept for the next run."""

    def _move_watermark(self, through: datetime) -> None:
        self._save(move_watermark(self.state, through))

    def _drop_pending(self, through: datetime) -> None:
        self._save(drop_pending(self.state, through))

    def _save(self, state: ScheduleState) -> None:
        _save_schedule(self._store, self._instance_id, state)
        self.state = state


class ScheduleState(msgspec.Struct, frozen=True):
    """The scheduled job: everything from `since` to `watermark` was read once and is durable.

    `pending` are the windows to be read again, oldest first; they were determined at `last_run`. Aware UTC.
    """

    since: datetime
    watermark: datetime
    last_run: datetime
    pending: tuple[tuple[datetime, datetime], ...] = ()

    @property
    def windows(self) -> list[Window]:
        """The windows to be read again."""
        return [Window(start, end) for start, end in self.pending]


class RangeProgress(msgspec.Struct, frozen=True):
    """A range that a user requested: everything before `through` is durable."""

    through: datetime


def begin(now: datetime, schedule: Schedule) -> ScheduleState:
    """The state of a first run, which begins at the start of the last window that has ended."""
    start = previous_window(now - schedule.delay, schedule).start
    return ScheduleState(start, start, start)


def note_due(state: ScheduleState, now: datetime, schedule: Schedule, ages: Sequence[timedelta]) -> ScheduleState:
    """The state with the windows that are now due again; a clock that was set back removes none."""
    again = windows_again(state.watermark, state.last_run, now, schedule, ages, since=state.since)
    pending = tuple((window.start, window.end) for window in merge_adjacent([*state.windows, *again]))
    return ScheduleState(state.since, state.watermark, max(state.last_run, now), pending)


def start_at(earliest: datetime, state: ScheduleState) -> ScheduleState:
    """The state without what Connect no longer lists: after a pause of two years, older contacts are lost."""
    moved = drop_pending(state, earliest)
    return ScheduleState(moved.since, max(moved.watermark, earliest), moved.last_run, moved.pending)


def move_watermark(state: ScheduleState, through: datetime) -> ScheduleState:
    """The state when everything up to `through` is durable."""
    return ScheduleState(state.since, through, state.last_run, state.pending)


def drop_pending(state: ScheduleState, through: datetime) -> ScheduleState:
    """The state when everything pending before `through` is durable."""
    left = tuple((max(start, through), end) for start, end in state.pending if end > through)
    return ScheduleState(state.since, state.watermark, state.last_run, left)


def load_schedule_state(state: SourceState, instance_id: str) -> ScheduleState | None:
    """The scheduled job's state; None before its first run. Raises TerminalError for a damaged one."""
    return _load(state, instance_id, _SCHEDULE, ScheduleState)


def pass_window(state: SourceState, instance_id: str, window: Window) -> None:
    """Move the scheduled job past a durable window, if the job was about to read it."""
    stored = load_schedule_state(state, instance_id)
    if stored is None:
        return
    if stored.watermark == window.start:
        _save_schedule(state, instance_id, move_watermark(stored, window.end))
    elif stored.pending and stored.pending[0][0] == window.start:
        _save_schedule(state, instance_id, drop_pending(stored, window.end))


def _save_schedule(store: SourceState, instance_id: str, state: ScheduleState) -> None:
    store.put(msgspec.json.encode(state), _KIND, instance_id, _SCHEDULE)


def load_names(state: SourceState, instance_id: str) -> bytes | None:
    """The stored names of an instance's queues, users and groups; None before the first run."""
    return state.get(_KIND, instance_id, _NAMES)


def save_names(state: SourceState, instance_id: str, names: bytes) -> None:
    """Store names for the next run; readable by the owner alone."""
    state.put(names, _KIND, instance_id, _NAMES, is_private=True)


def _load(state: SourceState, instance_id: str, name: str, type_: type[T]) -> T | None:
    data = state.get(_KIND, instance_id, name)
    if data is None:
        return None
    try:
        return msgspec.json.decode(data, type=type_)
    except msgspec.DecodeError as error:
        raise TerminalError(
            f"the collector's state {name} of instance {instance_id} in the lake cannot be read ({error}): restore it "
            "from a backup, or remove it to start again; nothing is loaded twice by that"
        ) from error
