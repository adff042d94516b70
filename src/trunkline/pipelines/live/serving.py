"""The wallboard of a home: the live state from what is loaded and from streams, and the reports of loaded days."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import Any, Final

from trunkline import clock
from trunkline.errors import TrunklineError
from trunkline.live.fold import LiveState
from trunkline.live.rules import live_rules
from trunkline.live.saved import load_state
from trunkline.live.terms import ContactRow
from trunkline.live.wire import ContactRecord
from trunkline.pipelines.jobs.measuring import completeness, threshold_of
from trunkline.pipelines.live.live_streams import LiveStream, LiveStreams
from trunkline.pipelines.live.series import store_of, write_series
from trunkline.pipelines.live.stored import aware, record_of
from trunkline.pipelines.reading import open_reader
from trunkline.schedules.schedule import zone_named
from trunkline.serve.report.page import report
from trunkline.serve.report.period import day_period, default_day
from trunkline.serve.wallboard.access import Access
from trunkline.serve.wallboard.board import Board
from trunkline.serve.wallboard.editor import History
from trunkline.serve.wallboard.options import FILE_NAME
from trunkline.serve.wallboard.server import listen, serve_board, url_of
from trunkline.serve.wallboard.snapshot import HALF_HOURS
from trunkline.settings.installation import Settings
from trunkline.sql.session import Session

STATE_FILE: Final = "live.state"
_REFRESH_S: Final = 30.0
_RECORDS_AT_ONCE: Final = 500
_TABLE: Final = '"connect_datalake"."contact_record"'
_COLUMNS: Final = (*ContactRow.__struct_fields__, "instance_arn", "last_update_timestamp")


# --- a home: what is loaded ---


def recent_records(db: Session, since: datetime) -> list[ContactRecord]:
    """The loaded records of contacts that ended from `since` (naive UTC) on."""
    columns = ", ".join(f'"{name}"' for name in _COLUMNS)
    rows = db.query(f'SELECT {columns} FROM {_TABLE} WHERE "disconnect_timestamp" >= CAST($1 AS TIMESTAMP)', [since])
    return [record_of({name: aware(value) for name, value in zip(_COLUMNS, row, strict=True)}) for row in rows]


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
            x = threshold_of(self._settings)
            x = replace(x, by_queue={**x.by_queue, **board.options.targets_s})
            period = day_period(day, self._settings.zone)
            with self._open() as reader:
                goal = self._settings.service_level_goal
                return report(reader.warehouse, period, x, completeness(reader, period), goal)

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


def serve_home(
    settings: Settings,
    host: str,
    port: int,
    access: Access,
    streams: Sequence[LiveStream],
    announce: Callable[[str], None],
) -> None:
    """Serve the board of a home until a signal. `announce` is called with the URL once it can be opened.

    Without streams the board shows loaded contacts alone. With `live_store` what is now is written there too. Raises
    UsageError for an address or token that is not safe, a store that is not valid, or a stream that does not exist;
    TerminalError for a port that cannot be opened.
    """
    access.check(host)
    rules, store = live_rules(settings), store_of(settings)
    state, positions = load_state(settings.home / STATE_FILE, rules) or (LiveState(rules), {})
    board = Board(state, settings.home / FILE_NAME, is_connected=bool(streams))
    days = LoadedDays(settings, lambda: open_reader(settings))
    board.arrivals_before = days.arrivals_before
    following = LiveStreams(board, settings.home / STATE_FILE, positions, streams)
    opened = listen(host, port)
    announce(url_of(opened))
    jobs = [days.follow(board), *(following.jobs() if streams else ())]
    jobs += [write_series(board, store)] if store is not None else []
    run_server(serve_board(board, access, days.history(board), opened, *jobs))
    if streams:
        following.save()


def run_server(server: Coroutine[Any, Any, None]) -> None:
    """Run the server until a signal; Ctrl-C is how a person ends it, and no error."""
    with suppress(KeyboardInterrupt):
        asyncio.run(server)
