"""What is now, written to the live store every few seconds by the process that folds: the series of the dashboards."""

from __future__ import annotations

import asyncio
import logging
from typing import Final

from trunkline import clock
from trunkline.aws.secrets import live_token
from trunkline.errors import TrunklineError
from trunkline.limits import LIVE_WRITE_S
from trunkline.live.points import board_points
from trunkline.live.stores.model import SeriesStore
from trunkline.live.stores.registry import open_store
from trunkline.serve.wallboard.board import Board
from trunkline.settings.installation import Settings

_LOG: Final = logging.getLogger("trunkline.series")
_OWN: Final = ("memory", "prometheus")
"""Stores that the board itself is: its page and its /metrics."""


def store_of(settings: Settings) -> SeriesStore | None:
    """The server that points are written to; None where the setting `live_store` names none.

    Raises UsageError for a URL that is not valid, and what reading its token from its place raises.
    """
    store = open_store(settings.live_store, live_token(settings))
    return None if store.name in _OWN else store


async def write_series(board: Board, store: SeriesStore, every_s: float = LIVE_WRITE_S) -> None:
    """Write a point of every series again and again until cancelled.

    A store that does not take them stops nothing: the next points follow, and the board counts those that are lost.
    """
    try:
        while True:
            started_s = clock.monotonic_s()
            await asyncio.to_thread(_write, board, store)
            await asyncio.sleep(max(0.0, every_s - (clock.monotonic_s() - started_s)))
    finally:
        store.close()


def _write(board: Board, store: SeriesStore) -> None:
    now = board.clock.now()
    points = board.read_with(lambda state: board_points(state, now))
    try:
        refused = len(store.write(points, now).refused)
    except TrunklineError as error:
        refused = len(points)
        _LOG.warning("%d points were not written: %s", refused, error)
    board.counts["points"] += len(points) - refused
    board.counts["points_lost"] += refused
