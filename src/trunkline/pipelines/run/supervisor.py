"""`trunkline up`: the programs of one machine, started, restarted and stopped as one process group.

Only one process can own a home. So the programs that write take turns: a scheduled run is due at its firings, and a
stream is followed for half a minute at a time. Programs that only read, such as the wallboard, run all the time. Each
is a process of its own, and may be killed at any point: what it had begun is finished by the next.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from trunkline.limits import UP_BACK_OFF_S, UP_BACK_OFF_S_MAX, UP_STEADY_S
from trunkline.pipelines.run.due import next_firing
from trunkline.schedules.schedule import Schedule


class Child(Protocol):
    """A running program."""

    def poll(self) -> int | None:
        """Its exit code; None while it runs."""


@dataclass(frozen=True, slots=True)
class Program:
    """A program of this machine. `words` are the command's. `writes`: it needs the home, so it takes turns.

    With a `schedule` it is run at each of its firings, and once at the beginning; without one it is run all the time.
    """

    name: str
    words: tuple[str, ...]
    writes: bool = False
    schedule: Schedule | None = None


@dataclass(slots=True)
class _State:
    """What is known of a program: when it may start next (seconds of a monotonic clock), and its failures."""

    program: Program
    child: Child | None = None
    may_start_s: float = 0.0
    started_s: float = 0.0
    next_at: datetime | None = None
    is_wanted: bool = True
    failures: int = 0


@dataclass(frozen=True, slots=True)
class Clocks:
    """The present, aware UTC, and seconds on a clock that never goes back."""

    now: Callable[[], datetime]
    monotonic_s: Callable[[], float]


@dataclass(slots=True)
class Supervisor:
    """Starts programs by `start`, and says by `notify` what happens. `tick` is called a few times a second."""

    programs: Sequence[Program]
    start: Callable[[Program], Child]
    notify: Callable[[str], None]
    clocks: Clocks
    _states: list[_State] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._states = [_State(program) for program in self.programs]

    def tick(self) -> None:
        """Take note of programs that ended, and start those whose time has come."""
        now, now_s = self.clocks.now(), self.clocks.monotonic_s()
        for state in self._states:
            self._reap(state, now_s)
            self._fire(state, now)
        for state in self._states:
            if not state.program.writes and self._is_ready(state, now_s):
                self._begin(state, now_s)
        if not any(state.child for state in self._states if state.program.writes):
            ready = [state for state in self._states if state.program.writes and self._is_ready(state, now_s)]
            if ready:
                # Scheduled runs first, then whoever has waited longest since its last turn.
                self._begin(min(ready, key=lambda state: (state.program.schedule is None, state.started_s)), now_s)

    @property
    def running(self) -> list[tuple[Program, Child]]:
        """The programs that run now."""
        return [(state.program, state.child) for state in self._states if state.child is not None]

    def _is_ready(self, state: _State, now_s: float) -> bool:
        return state.child is None and state.is_wanted and now_s >= state.may_start_s

    def _begin(self, state: _State, now_s: float) -> None:
        state.child, state.started_s = self.start(state.program), now_s
        state.is_wanted = state.program.schedule is None

    def _fire(self, state: _State, now: datetime) -> None:
        """Want a scheduled program where its time has come: once, however many firings were missed meanwhile."""
        schedule = state.program.schedule
        if schedule is None:
            return
        if state.next_at is not None and now >= state.next_at:
            state.is_wanted = True
        if state.next_at is None or now >= state.next_at:
            state.next_at = next_firing(schedule, now)

    def _reap(self, state: _State, now_s: float) -> None:
        code = state.child.poll() if state.child is not None else None
        if code is None:
            return
        ran_s = now_s - state.started_s
        state.child = None
        is_turn = state.program.writes and code == 0
        if is_turn or ran_s >= UP_STEADY_S:
            state.failures = 0
        if is_turn:
            return
        state.failures += 1
        delay_s = min(UP_BACK_OFF_S_MAX, UP_BACK_OFF_S * 2 ** (state.failures - 1))
        state.may_start_s, state.is_wanted = now_s + delay_s, True
        self.notify(f"{state.program.name} ended with code {code} after {ran_s:,.0f} s; again in {delay_s:,.0f} s.")
