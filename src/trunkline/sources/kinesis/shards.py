"""The shards of a Kinesis stream, read in rounds: parents before their children, each from where it was read before.

Source: Kinesis Data Streams developer guide and API reference. A parent is read to its end before its children, since
records of one partition key are in both. A closed shard ends without a next iterator. An iterator is valid for five
minutes. A shard allows five reads and 2 MB a second for all of its polling readers together. Records are kept for the
stream's retention period, a day unless changed.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec

from trunkline import clock
from trunkline.errors import TerminalError, TransientError
from trunkline.limits import BATCH_BYTES_MAX
from trunkline.records import ReceivedRecord
from trunkline.sources.kinesis.feeds import (
    FanOutFeed,
    KinesisShard,
    KinesisStream,
    PollingFeed,
    ShardFeed,
    ShardPage,
    list_shards,
    register_consumer,
)

_PACE_S: Final = 0.25
"""Between two reads of one shard, which allows five a second."""
_IDLE_S: Final = 1.0
"""Between two reads of shards that had nothing."""
_LIST_S: Final = 60.0
"""Between two listings of shards. The end of a shard lists them at once."""
_FAILURES_MAX: Final = 10
"""Failed reads of one shard in a row, after which the error is raised. Each doubles the wait before the next."""
_WAIT_READS_MAX: Final = 32


class StreamProgress(msgspec.Struct):
    """How far a consumer has read a stream: shards seen, shards read to their end, last durable sequence numbers.

    Shards are named by their ids; the progress of an earlier stream of the same name does not apply to this one.
    """

    created_at: str = ""
    seen: set[str] = msgspec.field(default_factory=set)
    done: set[str] = msgspec.field(default_factory=set)
    last: dict[str, str] = msgspec.field(default_factory=dict)


Watch = Callable[[Sequence[ReceivedRecord]], None]
"""Called with records as they are read, before they are durable anywhere. It keeps positions of its own."""


def no_watch(_: Sequence[ReceivedRecord]) -> None:
    """For who only keeps history."""


@dataclass(frozen=True, slots=True)
class KinesisFollowing:
    """What a stream is followed with.

    `fan_out` names a consumer to have records pushed to; empty: they are polled.
    `until_idle` ends when nothing is left to read; `accept_gap` goes on where records expired unread. Records are
    collected for `gather_s` seconds, or up to `gather_bytes`, before they become a batch. `watch` gets every record at
    once; `watched` are the last sequence numbers that it has, by shard's address. `is_over` is called before each read,
    `notify_lag` after it with how far behind the slowest shard is, in milliseconds.
    """

    name: str
    client: Any
    until_idle: bool = False
    accept_gap: bool = False
    gather_s: float = 0.0
    gather_bytes: int = BATCH_BYTES_MAX
    watch: Watch = no_watch
    watched: Mapping[str, str] = field(default_factory=dict)
    sleep: Callable[[float], None] = time.sleep
    is_over: Callable[[], bool] = lambda: False
    notify_lag: Callable[[int], None] = lambda _: None
    fan_out: str = ""


@dataclass(slots=True)
class _ShardReader:
    """One shard while it is read. `last` is the sequence number read last, `wait` counts reads to leave out."""

    shard: KinesisShard
    last: str | None
    is_open: bool = False
    is_expected: bool = False
    is_idle: bool = False
    is_ended: bool = False
    behind_ms: int = 0
    failures: int = 0
    wait: int = 0


@dataclass(frozen=True, slots=True)
class Round:
    """Records that become durable together, each shard's in order, the shards seen, and those that end with them."""

    records: list[ReceivedRecord]
    seen: frozenset[str]
    ended: frozenset[str]


def _feed_of(following: KinesisFollowing, stream: KinesisStream) -> ShardFeed:
    if not following.fan_out:
        return PollingFeed(following.client, stream)
    consumer = register_consumer(following.client, stream, following.fan_out, following.sleep)
    return FanOutFeed(following.client, stream, consumer)


class StreamReader:
    """Reads a stream for one or several consumers, from the oldest position that one of them has."""

    def __init__(self, following: KinesisFollowing, stream: KinesisStream, consumers: Sequence[StreamProgress]) -> None:
        self._following, self._stream, self._consumers = following, stream, consumers
        self._feed = _feed_of(following, stream)
        self._done: set[str] = set.intersection(*(set(progress.done) for progress in consumers))
        self._seen: set[str] = set().union(*(progress.seen for progress in consumers))
        self._expired: set[str] = set()
        self._readers: dict[str, _ShardReader] = {}
        self._listed_at: float | None = None

    def rounds(self) -> Iterator[Round]:
        """Rounds of records. What a round holds must be durable before the next one is requested.

        Raises TerminalError where records have expired unread, TransientError where reads fail again and again.
        """
        try:
            yield from self._rounds()
        finally:
            self._feed.close()

    def _rounds(self) -> Iterator[Round]:
        while not self._following.is_over():
            records = self._gather()
            ended = frozenset(shard_id for shard_id, reader in self._readers.items() if reader.is_ended)
            yield Round(records, frozenset(self._seen), ended | self._expired)
            self._expired.clear()
            if ended:
                self._done |= ended
                for shard_id in ended:
                    self._feed.close(shard_id)
                self._readers = {key: reader for key, reader in self._readers.items() if key not in ended}
                self._listed_at = None
            elif self._following.until_idle and not records and self._is_idle():
                return

    def _is_idle(self) -> bool:
        return all(reader.is_idle for reader in self._readers.values())

    def _gather(self) -> list[ReceivedRecord]:
        """Reads until there is enough, until time is over, or until a shard ends."""
        records: list[ReceivedRecord] = []
        size, until_s = 0, 0.0
        while True:
            self._list_shards()
            new = self._pass(self._following.gather_bytes - size)
            self._following.notify_lag(max((reader.behind_ms for reader in self._readers.values()), default=0))
            if new:
                self._following.watch(new)
                until_s = until_s or clock.monotonic_s() + self._following.gather_s
            records += new
            size += sum(len(record.data) for record in new)
            is_enough = size >= self._following.gather_bytes or (records and clock.monotonic_s() >= until_s)
            is_ended = any(reader.is_ended for reader in self._readers.values())
            is_done = self._following.is_over() or (self._following.until_idle and self._is_idle())
            if is_enough or is_ended or is_done:
                return records
            self._following.sleep(_PACE_S if new else _IDLE_S)
            if not records:
                return records

    def _pass(self, bytes_max: int) -> list[ReceivedRecord]:
        """One read of each shard, or of as many as fill a round; the next pass begins with those that were left."""
        records: list[ReceivedRecord] = []
        size = 0
        for shard_id in list(self._readers):
            reader = self._readers.pop(shard_id)
            self._readers[shard_id] = reader
            new = self._read(reader)
            records += new
            size += sum(len(record.data) for record in new)
            if size >= bytes_max:
                break
        return records

    def _list_shards(self) -> None:
        """Open readers of the shards whose parents are read to their end."""
        if self._listed_at is not None and clock.monotonic_s() - self._listed_at < _LIST_S:
            return
        shards = list_shards(self._following.client, self._stream)
        existing = {shard.shard_id for shard in shards}
        self._check_gap(self._seen - self._done - existing)
        for shard in shards:
            if shard.shard_id in self._readers:
                self._readers[shard.shard_id].shard = shard
            elif shard.shard_id not in self._done and self._done.issuperset(shard.parents):
                self._readers[shard.shard_id] = _ShardReader(shard, self._start_of(shard.shard_id))
        self._seen = existing
        self._listed_at = clock.monotonic_s()

    def _start_of(self, shard_id: str) -> str | None:
        """The lowest position of those who have not read the shard to its end; None where one has none."""
        last = [progress.last.get(shard_id) for progress in self._consumers if shard_id not in progress.done]
        watched = self._following.watched.get(self._stream.uri(shard_id))
        positions = [*last, watched] if watched is not None else last
        known = [position for position in positions if position is not None]
        return min(known, key=int) if len(known) == len(positions) else None

    def _read(self, reader: _ShardReader) -> list[ReceivedRecord]:
        """The records of one read; none where the shard is to wait, or has failed once more."""
        if reader.is_ended:
            return []
        if reader.wait:
            reader.wait -= 1
            return []
        try:
            page = self._page(reader)
        except TransientError:
            reader.failures += 1
            if reader.failures >= _FAILURES_MAX:
                raise
            reader.is_idle, reader.wait = False, min(2**reader.failures, _WAIT_READS_MAX)
            return []
        reader.failures = 0
        return self._new_records(reader, page) if page is not None else []

    def _page(self, reader: _ShardReader) -> ShardPage | None:
        shard_id = reader.shard.shard_id
        if not reader.is_open:
            self._feed.open(shard_id, reader.last)
            reader.is_open, reader.is_expected = True, reader.last is not None
        page = self._feed.next(shard_id)
        reader.is_open = page is not None
        return page

    def _new_records(self, reader: _ShardReader, page: ShardPage) -> list[ReceivedRecord]:
        """The records of a page after those that were read before, and the reader moved past them."""
        records = page.records
        if records and reader.is_expected and reader.last is not None:
            reader.is_expected = False
            if int(records[0].sequence) > int(reader.last):  # the record at that number has expired
                self._check_gap({reader.shard.shard_id})
        last = int(reader.last) if reader.last is not None else -1
        records = [record for record in records if int(record.sequence) > last]
        if records:
            reader.last = records[-1].sequence
        reader.behind_ms = page.behind_ms
        reader.is_idle = not page.records and page.behind_ms == 0
        # A closed shard that is read up to the tip has no more to come, with or without a next iterator.
        reader.is_ended = page.is_end or (reader.shard.is_closed and reader.is_idle)
        return records

    def _check_gap(self, lost: Collection[str]) -> None:
        """Raise TerminalError where records of these shards have expired before they were read."""
        if not lost:
            return
        if not self._following.accept_gap:
            more = f" and of {len(lost) - 1:,} others" if len(lost) > 1 else ""
            raise TerminalError(
                f"{self._stream.arn}: records of the shard {min(lost)}{more} expired before they were "
                "read, so some may be missing. Compare with `trunkline reconcile`, then follow the stream again with "
                "--accept-gap; a longer retention period of the stream leaves more time"
            )
        expired = set(lost) - set(self._readers)
        self._done |= expired
        self._expired |= expired
