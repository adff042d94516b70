"""The simulated live day of `trunkline demo --serve`: events and records into the board as they would arrive."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from trunkline import clock
from trunkline.live.fold import LiveState
from trunkline.live.rules import live_rules
from trunkline.pipelines.home import Home
from trunkline.pipelines.jobs.load import load
from trunkline.pipelines.live.serving import LoadedDays, run_server
from trunkline.pipelines.reading import Reader
from trunkline.serve.wallboard.access import Access
from trunkline.serve.wallboard.board import Board, BoardClock
from trunkline.serve.wallboard.options import FILE_NAME
from trunkline.serve.wallboard.server import listen, serve_board, url_of

_LOAD_S: Final = 5.0
_STEP_S: Final = 0.05
_STEP_EVENTS: Final = 500


@dataclass(frozen=True, slots=True)
class DemoDay:
    """The day of the demo: JSON texts with their arrival (Unix seconds), in order, and which are contact records.

    The board opens at `opens_at`; what arrived before is folded at once.
    """

    arrivals: Iterator[tuple[float, bytes, bool]]
    opens_at: datetime
    speed: float


class DemoFeed:
    """Plays a day: events and records into the board as they arrive, the records into the home every few seconds."""

    def __init__(self, home: Home, day: DemoDay) -> None:
        self._home = home
        self._day = day
        self._started_s: float | None = None
        self._next = next(day.arrivals, None)
        self._records: list[bytes] = []
        self._files = 0
        self.lock = threading.Lock()

    def now(self) -> datetime:
        """The simulated time."""
        elapsed_s = 0.0 if self._started_s is None else clock.monotonic_s() - self._started_s
        return self._day.opens_at + timedelta(seconds=elapsed_s * self._day.speed)

    @contextmanager
    def reader(self) -> Iterator[Reader]:
        """The home for questions, while nothing is loaded into it."""
        with self.lock:
            yield Reader(self._home.settings, self._home.objects, self._home.warehouse)

    def catch_up(self, board: Board) -> None:
        """Fold what arrived before the board opens, and load its records."""
        while self._step(board, _STEP_EVENTS):
            pass
        self.load_records()

    def _step(self, board: Board, most: int) -> int:
        """Fold what has arrived by now, at most so many events; how many there were."""
        now = self.now()
        texts: list[bytes] = []
        while self._next is not None and self._next[0] <= now.timestamp() and len(texts) < most:
            _, text, is_record = self._next
            texts.append(text)
            if is_record:
                self._records.append(text)
            self._next = next(self._day.arrivals, None)
        if texts:
            board.apply(texts, now)
        return len(texts)

    def load_records(self) -> None:
        """Load the records that have arrived since the last time, as a file that Firehose would deliver."""
        records, self._records = self._records, []
        if not records:
            return
        self._files += 1
        path = self._home.settings.home / "firehose" / "live" / f"{self._files:05d}"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"".join(records))
        with self.lock:
            load(self._home, self._home.objects["contact_record"], [str(path)])

    async def play(self, board: Board) -> None:
        """Play the day in its time, and then stay at its end."""
        self._started_s = loaded_s = clock.monotonic_s()
        while self._next is not None:
            if not self._step(board, _STEP_EVENTS):
                await asyncio.sleep(_STEP_S)
            await asyncio.sleep(0)
            if clock.monotonic_s() - loaded_s >= _LOAD_S:
                await asyncio.to_thread(self.load_records)
                loaded_s = clock.monotonic_s()
        await asyncio.to_thread(self.load_records)


def serve_demo(home: Home, day: DemoDay, port: int, announce: Callable[[str], None]) -> None:
    """Serve a simulated day live until a signal. Raises TerminalError for a port that cannot be opened."""
    feed = DemoFeed(home, day)
    settings = home.settings
    board_clock = BoardClock(feed.now, day.speed)
    board = Board(LiveState(live_rules(settings)), settings.home / FILE_NAME, board_clock, is_connected=True)
    days = LoadedDays(settings, feed.reader)
    board.arrivals_before = days.arrivals_before
    days.arrivals_before(board.state.rules.day_of(feed.now()) - timedelta(days=7))
    opened = listen("127.0.0.1", port)
    feed.catch_up(board)
    days.refresh(board)
    announce(url_of(opened))
    run_server(serve_board(board, Access(), days.history(board), opened, feed.play(board)))
