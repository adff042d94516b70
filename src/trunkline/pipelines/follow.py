"""`stream`: a DynamoDB table's streams followed on one machine, straight through the Streams API.

What is read is in lake and warehouse before its position counts, so a stop at any point repeats at most what was not
yet there. Which shards were read to their end is kept in the lake, so that records which DynamoDB let go unread are a
gap that is told, not a silence.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import msgspec

from trunkline import clock
from trunkline.accounting import Counts, total
from trunkline.errors import TerminalError
from trunkline.lake import layout
from trunkline.ledger import index
from trunkline.ledger.records import BatchRecord
from trunkline.objects.model import Object
from trunkline.pipelines.home import Home
from trunkline.pipelines.runner import LoadResult, Runner
from trunkline.positions import FileRange
from trunkline.sources.dynamodb import shards as dynamodb_shards
from trunkline.sources.dynamodb.shards import Shard, TrimmedError
from trunkline.sources.dynamodb.stream import SEQUENCE_SPLIT, frame_shard
from trunkline.sources.dynamodb.tables import rules_of

IDLE_S = 1.0
"""Between two looks at shards that had nothing; a shard takes five reads a second."""
LISTED_S = 30.0
"""Between two listings of shards."""
EMPTY_MAX = 3
"""Empty answers in a row after which an open shard counts as read, with `until_idle`: one alone proves nothing."""


class Known(msgspec.Struct):
    """What is known of a table's shards: those seen, and those read to their end."""

    seen: set[str] = msgspec.field(default_factory=set)
    done: set[str] = msgspec.field(default_factory=set)


@dataclass(slots=True)
class _Reader:
    """One shard while it is read. `empties` counts empty answers in a row."""

    shard: Shard
    last: int | None
    iterator: str | None = None
    empties: int = 0


@dataclass(frozen=True, slots=True)
class FollowOptions:
    """`until_idle` ends when nothing is left to read; `accept_gap` goes on where records were lost unread."""

    until_idle: bool = False
    accept_gap: bool = False


class Follower:
    """Follows one table into one object."""

    def __init__(self, home: Home, obj: Object, table: str, client: Any, options: FollowOptions) -> None:
        self.home, self.obj, self.table, self.client, self.options = home, obj, table, client, options
        self._runner = Runner(home, obj)
        self._readers: dict[str, _Reader] = {}
        self._known = self._load_known()
        self._listed_at: float | None = None

    def run(
        self,
        advance: Callable[[int], None],
        sleep: Callable[[float], None] = time.sleep,
        is_over: Callable[[], bool] = lambda: False,
    ) -> LoadResult:
        """Read on until `is_over`, or with `until_idle` until nothing is left. `advance` is told the records.

        Raises TerminalError where DynamoDB has let records go that were not read.
        """
        started = clock.monotonic_s()
        recovered = self._runner.recover()
        counts: list[Counts] = []
        size = 0
        while not is_over():
            self._list_shards()
            records = self._round()
            if records:
                counts += self._runner.merge(records)
                size += sum(one.bytes_read for one in records)
                advance(sum(one.read for one in records))
            is_new = self._note_ends()
            if records or is_new:
                continue
            if self.options.until_idle and all(one.empties >= EMPTY_MAX for one in self._readers.values()):
                break
            sleep(IDLE_S)
        seconds = clock.monotonic_s() - started
        return LoadResult(
            self.obj.name, total(counts), len(counts), size, seconds, len(self._known.seen), recovered, ()
        )

    def _list_shards(self) -> None:
        """Open readers of the shards whose parent is read to its end."""
        if self._listed_at is not None and clock.monotonic_s() - self._listed_at < LISTED_S:
            return
        streams = dynamodb_shards.streams_of(self.client, self.table)
        shards = [shard for stream in streams for shard in dynamodb_shards.shards_of(self.client, stream)]
        there = {shard.uri for shard in shards}
        self._check_gap(self._known.seen - self._known.done - there)
        positions = index.positions(self.home.warehouse, self.obj.name)
        for shard in shards:
            parent = f"{shard.stream}/{shard.parent}" if shard.parent else None
            is_ready = parent is None or parent in self._known.done
            if is_ready and shard.uri not in self._known.done and shard.uri not in self._readers:
                self._readers[shard.uri] = _Reader(shard, dynamodb_shards.last_sequence(shard, positions))
        new = there - self._known.seen
        if new:
            self._known.seen |= new
            self._save_known()
        self._listed_at = clock.monotonic_s()

    def _round(self) -> list[BatchRecord]:
        """One read of each open shard, put into the lake."""
        done: list[BatchRecord] = []
        for reader in self._readers.values():
            if reader.iterator is None:
                reader.iterator = self._opened(reader)
            answer = dynamodb_shards.read_shard(self.client, reader.shard, reader.iterator)
            if answer is None:  # too old: opened again next time, after what is durable
                reader.iterator = None
                continue
            reader.empties = 0 if answer.records else reader.empties + 1
            if answer.records:
                framed = frame_shard(self.obj, reader.shard.uri, answer.records, rules_of(self.home.settings))
                done.append(self._runner.put(framed))
                reader.last = _last(framed.plan.ranges, reader.last)
            reader.iterator = answer.iterator
            if answer.iterator is None:
                reader.empties = -1
        return done

    def _opened(self, reader: _Reader) -> str:
        try:
            return dynamodb_shards.open_shard(self.client, reader.shard, reader.last)
        except TrimmedError:
            self._check_gap({reader.shard.uri})
            return dynamodb_shards.open_shard(self.client, reader.shard, None)

    def _note_ends(self) -> bool:
        """Note the shards that were read to their end, after what they held is merged; whether there are any."""
        ended = {uri for uri, reader in self._readers.items() if reader.empties < 0}
        if not ended:
            return False
        self._known.done |= ended
        self._readers = {uri: reader for uri, reader in self._readers.items() if uri not in ended}
        self._save_known()
        self._listed_at = None
        return True

    def _check_gap(self, lost: Iterable[str]) -> None:
        """Stop where shards went before they were read to their end; once accepted, they are not told again."""
        gone = sorted(lost)
        if not gone:
            return
        if not self.options.accept_gap:
            raise TerminalError(
                f"{self.table}: DynamoDB keeps a stream for 24 hours, and {len(gone):,} shards went before they were "
                f"read to their end (such as {gone[0]}), so changes may be missing. Run a backfill of the table, then "
                "follow it again with --accept-gap"
            )
        self._known.done |= set(gone) - set(self._readers)
        self._save_known()

    def _load_known(self) -> Known:
        data = self.home.store.get_bytes(layout.stream_key(self.obj.name, self.table))
        return msgspec.json.decode(data, type=Known) if data is not None else Known()

    def _save_known(self) -> None:
        self.home.store.put_bytes(msgspec.json.encode(self._known), layout.stream_key(self.obj.name, self.table))


def _last(ranges: Iterable[Any], before: int | None) -> int | None:
    spans = [span for span in ranges if isinstance(span, FileRange) and span.version.isdigit()]
    ends = [int(span.version) * SEQUENCE_SPLIT + span.end - 1 for span in spans]
    return max([*ends, *([] if before is None else [before])], default=None)
