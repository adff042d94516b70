"""Streams into the live state of a board: read for the present alone, beside whoever loads them for history.

The state and the positions up to which it has folded are saved together, so that a restart goes on where it was. A
Kinesis stream can have several readers. A queue has one: the board needs a queue of its own, whose messages are deleted
once a saved state has them.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Coroutine, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from trunkline import clock
from trunkline.errors import TransientError
from trunkline.live.fold import LiveState
from trunkline.live.saved import save_state
from trunkline.records import ReceivedRecord
from trunkline.serve.wallboard.board import Board
from trunkline.sources.contact_events.queue import MessageQueue
from trunkline.sources.kinesis.feeds import describe_stream
from trunkline.sources.kinesis.lambda_events import event_of_body
from trunkline.sources.kinesis.shards import KinesisFollowing, StreamProgress, StreamReader

_SAVE_S: Final = 10.0
_POLL_S: Final = 2
_RETRY_S: Final = 5.0


@dataclass(frozen=True, slots=True)
class LiveStream:
    """A stream to read: `kind` is `kinesis` or `sqs`, `client` the service's."""

    kind: str
    name: str
    client: Any


class LiveStreams:
    """The streams of one board, and the file of its state. `positions` are the last sequence numbers by shard."""

    def __init__(self, board: Board, path: Path, positions: Mapping[str, str], streams: Sequence[LiveStream]) -> None:
        self._board, self._path, self._streams = board, path, streams
        self._positions = dict(positions)
        self._queues = {
            stream.name: MessageQueue.named(stream.client, stream.name) for stream in streams if _is_queue(stream)
        }
        self._folded: dict[str, list[str]] = {name: [] for name in self._queues}

    def jobs(self) -> list[Coroutine[Any, Any, None]]:
        """What reads each stream, and what saves the state."""
        return [*(self._follow(stream) for stream in self._streams), self._save_regularly()]

    async def _follow(self, stream: LiveStream) -> None:
        """Read a stream until the board is closed; where it cannot be read for a while, its lag grows."""
        while not self._board.is_closed:
            started_s = clock.monotonic_s()
            try:
                await asyncio.to_thread(self._read_queue if _is_queue(stream) else self._read_kinesis, stream)
            except TransientError:
                await asyncio.sleep(_RETRY_S)
                lag_s = self._board.lag_s.get(stream.name, 0.0)
                self._board.set_lag(stream.name, lag_s + clock.monotonic_s() - started_s)

    def _read_kinesis(self, stream: LiveStream) -> None:
        described = describe_stream(stream.client, stream.name)
        prefix = described.uri("")
        last = {uri.removeprefix(prefix): seq for uri, seq in self._positions.items() if uri.startswith(prefix)}
        following = KinesisFollowing(
            stream.name,
            stream.client,
            accept_gap=True,
            sleep=lambda pause_s: time.sleep(min(pause_s, _POLL_S)),
            watch=self._fold_records,
            is_over=lambda: self._board.is_closed,
            notify_lag=lambda lag_ms: self._board.set_lag(stream.name, lag_ms / 1000),
        )
        for _ in StreamReader(following, described, [StreamProgress(described.created_at, last=last)]).rounds():
            pass  # `watch` has folded the records already

    def _fold_records(self, records: Sequence[ReceivedRecord]) -> None:
        moved = {record.uri: record.sequence for record in records}
        self._board.apply([record.data for record in records], then=lambda: self._positions.update(moved))

    def _read_queue(self, stream: LiveStream) -> None:
        queue = self._queues[stream.name]
        with queue.kept_hidden():
            while not self._board.is_closed:
                messages = queue.receive(_POLL_S)
                self._board.set_lag(stream.name, _oldest_s(messages))
                ids = [message.message_id for message in messages]
                texts = [event_of_body(message.body) for message in messages]
                if texts:
                    self._board.apply(texts, then=lambda ids=ids: self._folded[stream.name].extend(ids))  # type: ignore[misc]

    async def _save_regularly(self) -> None:
        while not self._board.is_closed:
            started_s = clock.monotonic_s()
            await asyncio.to_thread(self.save)
            await asyncio.sleep(max(_SAVE_S, 20 * (clock.monotonic_s() - started_s)))

    def save(self) -> None:
        """Save the state with its positions, and delete the messages that are in it."""

        def write(state: LiveState) -> dict[str, list[str]]:
            save_state(self._path, state, self._positions)
            folded, self._folded = self._folded, {name: [] for name in self._queues}
            return folded

        for name, ids in self._board.read_with(write).items():
            self._queues[name].delete(ids)


def _is_queue(stream: LiveStream) -> bool:
    return stream.kind == "sqs"


def _oldest_s(messages: Sequence[Any]) -> float:
    """How long ago the oldest of these messages was sent; 0 without any."""
    sent = min((message.sent_at for message in messages), default=None)
    return 0.0 if sent is None else max(0.0, (clock.now_naive() - sent).total_seconds())
