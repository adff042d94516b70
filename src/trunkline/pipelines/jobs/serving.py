"""The wallboard of a home: the live state from what is loaded, and the simulated live day of the demo."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import Any, Final

from trunkline import clock
from trunkline.errors import TrunklineError
from trunkline.live.fold import LiveState
from trunkline.live.rules import LiveRules
from trunkline.live.saved import load_state
from trunkline.live.terms import ContactRow
from trunkline.live.wire import ContactRecord, RecordAgent, RecordEndpoint, RecordQueue
from trunkline.pipelines.home import Home
from trunkline.pipelines.jobs.load import load
from trunkline.pipelines.jobs.measuring import completeness
from trunkline.pipelines.reading import Reader, open_reader
from trunkline.schedules.schedule import zone_named
from trunkline.serve.report.page import report
from trunkline.serve.report.period import day_period, default_day
from trunkline.serve.wallboard.access import Access
from trunkline.serve.wallboard.board import Board, BoardClock
from trunkline.serve.wallboard.editor import History
from trunkline.serve.wallboard.options import FILE_NAME
from trunkline.serve.wallboard.server import listen, serve_board, url_of
from trunkline.serve.wallboard.snapshot import HALF_HOURS
from trunkline.settings import Settings
from trunkline.sql.metric_query import Threshold
from trunkline.sql.session import Session

STATE_FILE: Final = "live.state"
_REFRESH_S: Final = 30.0
_DEMO_LOAD_S: Final = 5.0
_DEMO_STEP_S: Final = 0.05
_STEP_EVENTS: Final = 500
_RECORDS_AT_ONCE: Final = 500
_TABLE: Final = '"connect_datalake"."contact_record"'
_COLUMNS: Final = (*ContactRow.__struct_fields__, "instance_arn", "last_update_timestamp")


def rules_of(settings: Settings) -> LiveRules:
    """The rules of the folds that a home's settings name."""
    return LiveRules(zone_named(settings.zone), settings.service_level_s, settings.service_level_queue_s)


# --- a home: what is loaded ---


def recent_records(db: Session, since: datetime) -> list[ContactRecord]:
    """The loaded records of contacts that ended from `since` (naive UTC) on."""
    columns = ", ".join(f'"{name}"' for name in _COLUMNS)
    rows = db.query(f'SELECT {columns} FROM {_TABLE} WHERE "disconnect_timestamp" >= CAST($1 AS TIMESTAMP)', [since])
    return [_record_of(dict(zip(_COLUMNS, row, strict=True))) for row in rows]


def _record_of(row: dict[str, Any]) -> ContactRecord:
    """A row as the record that it was made of, in so far as the live state reads it."""
    values = {name: _aware(value) for name, value in row.items()}
    queue = RecordQueue(
        arn=values["queue_arn"],
        name=values["queue_name"],
        enqueue_timestamp=values["queue_enqueue_timestamp"],
        duration=_seconds(values["queue_duration_ms"]),
    )
    agent = RecordAgent(
        arn=values["agent_arn"],
        connected_to_agent_timestamp=values["agent_connected_to_agent_timestamp"],
        agent_interaction_duration=_seconds(values["agent_interaction_duration_ms"]),
        customer_hold_duration=_seconds(values["agent_customer_hold_duration_ms"]),
        number_of_holds=values["agent_number_of_holds"],
        agent_pause_duration=_seconds(values["agent_pause_duration_ms"]),
        after_contact_work_duration=_seconds(values["agent_after_contact_work_duration_ms"]),
        after_contact_work_end_timestamp=values["agent_after_contact_work_end_timestamp"],
    )
    own = {name: values[name] for name in ContactRecord.__struct_fields__ if name in values}
    endpoint = values["transferred_endpoint_type"]
    target = None if endpoint is None else RecordEndpoint(type=endpoint)
    return ContactRecord(**own, queue=queue, agent=agent, transferred_to_endpoint=target)


def _aware(value: Any) -> Any:
    return value.replace(tzinfo=UTC) if isinstance(value, datetime) and value.tzinfo is None else value


def _seconds(milliseconds: int | None) -> int | None:
    return None if milliseconds is None else round(milliseconds / 1000)


def arrivals_on(db: Session, day: date, zone: str) -> list[int] | None:
    """Contacts that entered a queue on a local day, by half hour of its wall clock; None where none is loaded."""
    period, local = day_period(day, zone), zone_named(zone)
    rows = db.query(
        f"SELECT date_trunc('minute', \"queue_enqueue_timestamp\") AS minute, count(*) FROM {_TABLE} WHERE "
        '"queue_enqueue_timestamp" >= CAST($1 AS TIMESTAMP) AND "queue_enqueue_timestamp" < CAST($2 AS TIMESTAMP) '
        "GROUP BY 1",
        [period.since, period.until],
    )
    counts = [0] * HALF_HOURS
    for minute, count in rows:
        at = minute.replace(tzinfo=UTC).astimezone(local)
        counts[at.hour * 2 + at.minute // 30] += count
    return counts if any(counts) else None


class LoadedDays:
    """What a home has loaded, for the board: reports, earlier arrivals, and the records of today and yesterday.

    `open_session` opens it for one use. Raises nothing where there is no data yet or a load has it locked: the board
    goes on with what it has, and asks again later.
    """

    def __init__(self, settings: Settings, open_session: Callable[[], Any]) -> None:
        self._settings = settings
        self._open = open_session
        self._arrivals: dict[date, list[int] | None] = {}
        self._wanted: set[date] = set()

    def history(self, board: Board) -> History:
        """The reports of loaded days, with the targets that the board has."""

        def page(day: date) -> str:
            x_by_queue = {**self._settings.service_level_queue_s, **board.options.targets_s}
            period = day_period(day, self._settings.zone)
            with self._open() as reader:
                x = Threshold(self._settings.service_level_s, x_by_queue)
                return report(reader.warehouse, period, x, completeness(reader, period))

        def newest() -> date | None:
            try:
                with self._open() as reader:
                    return default_day(reader.warehouse, self._settings.zone, _naive(board.clock.now()))
            except TrunklineError:
                return None

        return History(page, newest)

    def arrivals_before(self, day: date) -> Sequence[int] | None:
        """Arrivals of an earlier day. None until `refresh` has read them, or where there are none."""
        self._wanted.add(day)
        return self._arrivals.get(day)

    def refresh(self, board: Board) -> None:
        """Read what was loaded since: records into the state, and the arrivals of the days that the board shows."""
        rules = board.state.rules
        first_day = rules.day_of(board.clock.now()) - timedelta(days=1)
        try:
            with self._open() as reader:
                records = recent_records(reader.warehouse, day_period(first_day, str(rules.zone)).since)
                for day in self._wanted - self._arrivals.keys():
                    self._arrivals[day] = arrivals_on(reader.warehouse, day, str(rules.zone))
        except TrunklineError:
            return
        for part in range(0, len(records), _RECORDS_AT_ONCE):
            board.fold_with(partial(_fold_records, records[part : part + _RECORDS_AT_ONCE]))

    async def follow(self, board: Board) -> None:
        """Refresh again and again, the less often the longer it takes."""
        while True:
            started_s = clock.monotonic_s()
            await asyncio.to_thread(self.refresh, board)
            took_s = clock.monotonic_s() - started_s
            await asyncio.sleep(max(_REFRESH_S, 20 * took_s))


def _fold_records(records: Sequence[ContactRecord], state: LiveState) -> None:
    for record in records:
        state.fold(record)


def _naive(at: datetime) -> datetime:
    return at.astimezone(UTC).replace(tzinfo=None)


def serve_home(settings: Settings, host: str, port: int, access: Access, announce: Callable[[str], None]) -> None:
    """Serve the board of a home until a signal. `announce` is called with the URL once it can be opened.

    Raises UsageError for an address or token that is not safe, TerminalError for a port that cannot be opened.
    """
    access.check(host)
    rules = rules_of(settings)
    saved = load_state(settings.home / STATE_FILE, rules)
    state = saved[0] if saved is not None else LiveState(rules)
    board = Board(state, settings.home / FILE_NAME)
    days = LoadedDays(settings, lambda: open_reader(settings))
    board.arrivals_before = days.arrivals_before
    opened = listen(host, port)
    announce(url_of(opened))
    _run(serve_board(board, access, days.history(board), opened, days.follow(board)))


def _run(server: Coroutine[Any, Any, None]) -> None:
    """Run the server until a signal; Ctrl-C is how a person ends it, and no error."""
    with suppress(KeyboardInterrupt):
        asyncio.run(server)


# --- the demo: a simulated day, live ---


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
                await asyncio.sleep(_DEMO_STEP_S)
            await asyncio.sleep(0)
            if clock.monotonic_s() - loaded_s >= _DEMO_LOAD_S:
                await asyncio.to_thread(self.load_records)
                loaded_s = clock.monotonic_s()
        await asyncio.to_thread(self.load_records)


def serve_demo(home: Home, day: DemoDay, port: int, announce: Callable[[str], None]) -> None:
    """Serve a simulated day live until a signal. Raises TerminalError for a port that cannot be opened."""
    feed = DemoFeed(home, day)
    settings = home.settings
    board_clock = BoardClock(feed.now, day.speed)
    board = Board(LiveState(rules_of(settings)), settings.home / FILE_NAME, board_clock, is_connected=True)
    days = LoadedDays(settings, feed.reader)
    board.arrivals_before = days.arrivals_before
    days.arrivals_before(board.state.rules.day_of(feed.now()) - timedelta(days=7))
    opened = listen("127.0.0.1", port)
    feed.catch_up(board)
    days.refresh(board)
    announce(url_of(opened))
    _run(serve_board(board, Access(), days.history(board), opened, feed.play(board)))
