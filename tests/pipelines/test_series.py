"""What `serve` writes to the live store: the points of the board, again and again, whatever the store answers."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from live_events import QUEUE, after, agent_event, contact_event, folded, snapshot, stamp
from series_servers import line_server

from trunkline.live.points import board_points
from trunkline.live.stores.influx import InfluxStore
from trunkline.pipelines.live.series import store_of, write_series
from trunkline.serve.wallboard.board import Board, BoardClock
from trunkline.settings.installation import Settings


def board_at(folder: Path, at_s: float) -> Board:
    queue = {"queueArn": QUEUE, "enqueueTimestamp": stamp(after(0))}
    state = folded(contact_event("QUEUED", "c-1", queueInfo=queue), agent_event(1, snapshot()))
    return Board(state, folder / "wallboard.json", BoardClock(lambda: after(at_s)))


async def written(board: Board, netloc: str, enough: int) -> None:
    """Write until so many points have been accepted or lost."""
    task = asyncio.create_task(write_series(board, InfluxStore(f"influx+http://{netloc}/live"), 0.01))
    while board.counts["points"] + board.counts["points_lost"] < enough:
        assert not task.done()
        await asyncio.sleep(0.01)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


def test_the_store_has_the_boards_points(tmp_path: Path) -> None:
    """Every series of now, those of queues with the numbers that no Lambda function knows."""
    board = board_at(tmp_path, 60)
    expected = board_points(board.state, after(60))
    with line_server() as (netloc, server):
        asyncio.run(written(board, netloc, 2 * len(expected)))
    assert {(point.series, point.tags) for point in expected} == server.held.keys()
    (queue,) = [times for (name, _), times in server.held.items() if name == "trunkline_queue"]
    (fields,) = queue.values()
    assert (fields["waiting"], fields["without_record"], fields["is_open"]) == (1, 0, 1)
    assert board.counts["points_lost"] == 0


def test_a_store_that_fails_stops_nothing(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """What it does not take is counted and logged with the reason; the next points are written."""
    board = board_at(tmp_path, 60)
    count = len(board_points(board.state, after(60)))
    with line_server() as (netloc, server):
        server.answers += [401]
        asyncio.run(written(board, netloc, 3 * count))
    assert board.counts["points_lost"] == count
    assert board.counts["points"] >= 2 * count
    assert "points were not written" in caplog.text


def test_only_a_server_is_written_to(tmp_path: Path) -> None:
    """The default store and Prometheus are the board's own; a server of the settings is opened."""
    for url in ("", "memory:", "prometheus:"):
        assert store_of(Settings.load(tmp_path, {"TRUNKLINE_LIVE_STORE": url})) is None
    store = store_of(Settings.load(tmp_path, {"TRUNKLINE_LIVE_STORE": "influx+http://127.0.0.1:8086/live"}))
    assert store is not None
    assert store.name == "influx"
