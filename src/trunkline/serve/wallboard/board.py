"""The board as a running thing: the live state, what was last sent, and the browsers that read.

Events come from threads that read streams; the loop that serves pages makes a frame when something has changed. A frame
is encoded once and is the same bytes for every browser, so that a second board costs a write and no more.
"""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

import msgspec

from trunkline import clock
from trunkline.limits import BOARD_FRAME_S_MIN, BOARD_READER_FRAMES_MAX, BOARD_READERS_MAX, LIVE_SWEEP_S
from trunkline.live.agents import total_agents
from trunkline.live.fold import LiveState
from trunkline.live.views import open_since, queue_views
from trunkline.serve.report.markup import Html
from trunkline.serve.wallboard.alerts import AlertLog, BoardAlert, StreamHealth, find_alerts
from trunkline.serve.wallboard.fragments import Parts, parts_of
from trunkline.serve.wallboard.options import BoardOptions, load_options, save_options
from trunkline.serve.wallboard.pages import page_version
from trunkline.serve.wallboard.snapshot import AgentViews, BoardSnapshot, Level, arrivals_of, is_queue, take_snapshot

_encode: Final = msgspec.json.Encoder(enc_hook=str).encode
"""Markup is encoded as the text that it is."""
_IDLE_S: Final = 1.0  # without events, alerts and waits that pass a threshold show within this time
_ARRIVALS_S: Final = 0.5
_BEAT_S: Final = 2.0


@dataclass(frozen=True, slots=True)
class BoardClock:
    """The board's time: the wall clock, or a simulated one that runs `speed` times as fast."""

    now: Callable[[], datetime] = clock.now
    speed: float = 1.0


class BoardReader:
    """A browser's queue of frames. One that does not keep up loses its queue and gets the whole board instead."""

    def __init__(self) -> None:
        self.frames: deque[bytes] = deque()
        self.needs_all = True
        self.wake = asyncio.Event()

    def put(self, frame: bytes) -> None:
        """Add a frame."""
        if len(self.frames) >= BOARD_READER_FRAMES_MAX:
            self.frames.clear()
            self.needs_all = True
        if not self.needs_all:
            self.frames.append(frame)
        self.wake.set()


class Board:
    """The live state with its settings, alerts and readers.

    `apply`, `fold_with` and `set_lag` may be called from any thread; everything else in the loop that runs `run`.
    """

    def __init__(
        self,
        state: LiveState,
        options_file: Path,
        board_clock: BoardClock | None = None,
        is_connected: bool = False,
    ) -> None:
        self.state = state
        self.clock = board_clock or BoardClock()
        self.options_file = options_file
        self.options: BoardOptions = load_options(options_file)
        self.version = page_version()
        self.is_connected = is_connected
        self.alerts = AlertLog()
        self.on_alerts: Callable[[list[BoardAlert]], None] = lambda news: None
        self.arrivals_before: Callable[[Any], Sequence[int] | None] = lambda day: None
        self.readers: set[BoardReader] = set()
        self.is_closed = False
        self.counts: dict[str, int] = {"events": 0, "refused": 0, "frames": 0, "points": 0, "points_lost": 0}
        self.lag_s: dict[str, float] = {}
        self.last_frame_s = 0.0
        self.home_rules = state.rules
        self._lock = threading.RLock()
        self._views = AgentViews()
        self._arrivals: tuple[float, list[int], Sequence[int] | None] | None = None
        self._parts: Parts = {}
        self._snapshot: BoardSnapshot | None = None
        self._sequence = 0
        self._sent_s = 0.0
        self._swept_s = clock.monotonic_s()
        self._is_dirty = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._wake: asyncio.Event | None = None
        self._use_targets()

    # --- events, from any thread ---

    def apply(
        self, texts: Sequence[bytes], now: datetime | None = None, then: Callable[[], object] = lambda: None
    ) -> int:
        """Fold JSON texts in; how many could not be used. `then` is called before anybody else sees the state."""
        at = now or self.clock.now()
        with self._lock:
            refused = len(self.state.apply_all(texts, at))
            then()
        self.counts["events"] += len(texts)
        self.counts["refused"] += refused
        self.mark_changed()
        return refused

    def fold_with(self, change: Callable[[LiveState], None]) -> None:
        """Change the state by a function, alone."""
        with self._lock:
            change(self.state)
        self.mark_changed()

    def read_with(self, read: Callable[[LiveState], Any]) -> Any:
        """The result of a function of the state, while nobody changes it."""
        with self._lock:
            return read(self.state)

    def set_lag(self, stream: str, lag_s: float) -> None:
        """How far a stream is read behind."""
        self.lag_s[stream] = lag_s

    def mark_changed(self) -> None:
        """Have the next frame made."""
        if not self._is_dirty.is_set():
            self._is_dirty.set()
            if self._loop is not None and self._wake is not None and not self._loop.is_closed():
                self._loop.call_soon_threadsafe(self._wake.set)

    def close(self) -> None:
        """End the streams of open boards; to be called in the loop or by a signal."""
        self.is_closed = True
        for reader in [*self.readers]:
            reader.wake.set()

    # --- settings ---

    def change_options(self, options: BoardOptions) -> None:
        """Save settings and show them. Raises UsageError for invalid ones, and changes nothing."""
        save_options(self.options_file, options)
        self.options = options
        with self._lock:
            self._use_targets()
        self.mark_changed()

    def _use_targets(self) -> None:
        rules = self.options.apply_to(self.home_rules)
        if rules != self.state.rules:
            self.state.set_rules(rules)

    # --- frames, in the loop ---

    def snapshot(self) -> BoardSnapshot:
        """The board as it is now."""
        now = self.clock.now()
        with self._lock:
            arrivals, before = self._today_arrivals(now)
            agents = self._views.at(self.state, now)
            return take_snapshot(self.state, now, self.options, agents, total_agents(agents), arrivals, before)

    def _today_arrivals(self, now: datetime) -> tuple[list[int], Sequence[int] | None]:
        """Today's arrivals, which take a look at every contact, as they were within the last seconds."""
        started_s = clock.monotonic_s()
        if self._arrivals is None or started_s >= self._arrivals[0]:
            day = self.state.rules.day_of(now)
            arrivals, before = arrivals_of(self.state, day), self.arrivals_before(day - timedelta(days=7))
            ended_s = clock.monotonic_s()
            self._arrivals = ended_s + max(_ARRIVALS_S, 20 * (ended_s - started_s)), arrivals, before
        return self._arrivals[1:]

    def quiet_s(self) -> float:
        """Seconds since the newest event, of those since the first queue opened; 0 while every queue is closed."""
        now, newest = self.clock.now(), max(self.state.newest.values(), default=None)
        with self._lock:
            since = open_since(self.state, now, [view for view in queue_views(self.state, now) if is_queue(view)])
        return 0.0 if newest is None or since is None else max(0.0, (now - max(newest, since)).total_seconds())

    def health(self) -> StreamHealth:
        """How events come in."""
        return StreamHealth(dict(self.state.newest), dict(self.lag_s), self.is_connected)

    def tick(self) -> None:
        """Make a frame of what has changed, and give it to every reader."""
        started_s = clock.monotonic_s()
        self._is_dirty.clear()
        snapshot = self.snapshot()
        news = self.alerts.update(find_alerts(snapshot, self.health(), self.options), snapshot.at)
        if news:
            self.on_alerts(news)
        parts = parts_of(snapshot, self.alerts.open, self.state.rules.zone)
        previous, self._parts, self._snapshot = self._parts, parts, snapshot
        frame = self._difference(previous, parts)
        if frame is not None or started_s - self._sent_s >= _BEAT_S:
            self._send(frame or {})
        self.last_frame_s = clock.monotonic_s() - started_s

    def _difference(self, previous: Parts, parts: Parts) -> dict[str, Any] | None:
        changed = {name: part for name, part in parts.items() if previous.get(name) != part}
        removed = [name for name in previous if name not in parts]
        if not changed and not removed and [*previous] == [*parts]:
            return None
        before, order = _order(previous), _order(parts)
        moved = {section: names for section, names in order.items() if before.get(section) != names}
        return {"parts": changed, "removed": removed, "order": moved, "title": self._title()}

    def _title(self) -> str:
        alarms = sum(alert.level is Level.ALARM for alert in self.alerts.open)
        return f"({alarms}) Wallboard" if alarms else "Wallboard"

    def _send(self, content: dict[str, Any]) -> None:
        self._sequence += 1
        self._sent_s = clock.monotonic_s()
        self.counts["frames"] += 1
        frame = self._encode(content)
        for reader in self.readers:
            reader.put(frame)

    def _encode(self, content: dict[str, Any]) -> bytes:
        stamp = {"now": self.clock.now().timestamp() * 1000, "speed": self.clock.speed, "sequence": self._sequence}
        return b"event: frame\ndata: " + _encode({**stamp, **content}) + b"\n\n"

    def whole(self) -> bytes:
        """The frame that shows the board from nothing."""
        content = {"full": True, "parts": self._parts, "order": _order(self._parts), "title": self._title()}
        return self._encode({**content, "version": self.version})

    async def run(self) -> None:
        """Make frames until cancelled: at once when something happens, yet not more often than they can be made."""
        self._loop, self._wake = asyncio.get_running_loop(), asyncio.Event()
        late_s = 0.0
        while True:
            self._wake.clear()
            self.tick()
            if clock.monotonic_s() - self._swept_s >= LIVE_SWEEP_S:
                self._swept_s = clock.monotonic_s()
                self.fold_with(lambda state: state.sweep(self.clock.now()))
            # Where boards or streams take their time, frames become fewer: what the loop was late by is waited again.
            pause_s = max(BOARD_FRAME_S_MIN, self.last_frame_s / 2, late_s)
            slept_s = clock.monotonic_s()
            await asyncio.sleep(pause_s)
            late_s = clock.monotonic_s() - slept_s - pause_s
            if not self._is_dirty.is_set():
                try:
                    await asyncio.wait_for(self._wake.wait(), _IDLE_S)
                except TimeoutError:
                    continue

    async def frames(self, is_valid: Callable[[], bool]) -> AsyncIterator[bytes]:
        """The frames for one browser, until its session ends. Too many readers at once get nothing."""
        if len(self.readers) >= BOARD_READERS_MAX:
            return
        reader = BoardReader()
        self.readers.add(reader)
        try:
            yield b"retry: 1000\n\n"
            while (is_allowed := is_valid()) and not self.is_closed:
                if reader.needs_all:
                    reader.needs_all = False
                    reader.frames.clear()
                    yield self.whole()
                while reader.frames:
                    yield reader.frames.popleft()
                reader.wake.clear()
                if reader.needs_all:
                    continue
                await reader.wake.wait()
            if not is_allowed:
                yield b"event: login\ndata: {}\n\n"
        finally:
            self.readers.discard(reader)


def _order(parts: dict[str, Html]) -> dict[str, list[str]]:
    """The ids of each section's parts."""
    order: dict[str, list[str]] = {}
    for name in parts:
        order.setdefault(name.partition("-")[0], []).append(name)
    return order
