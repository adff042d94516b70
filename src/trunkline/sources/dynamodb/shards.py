"""The streams of a DynamoDB table, followed shard by shard through the Streams API.

Source: DynamoDB Streams API reference and developer guide: a parent is read to its end before its children, records
are kept for 24 hours, an iterator is valid for 15 minutes, a closed shard ends without a next iterator. A table whose
stream was enabled again has a new stream, and the old one can be read for 24 hours.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec

from trunkline import clock
from trunkline.aws.errors import translate_errors
from trunkline.errors import TerminalError, UsageError
from trunkline.limits import GET_RECORDS_MAX
from trunkline.positions import Plan, StreamRange
from trunkline.records import Framed, KeptLetter, Mark
from trunkline.sources.dynamodb import stream
from trunkline.sources.dynamodb.tables import rules_of, table_name
from trunkline.sources.files import reader
from trunkline.sources.model import DurableBatch, FilesRead, SourceContext

_IDLE_S: Final = 1.0
"""Between two looks at shards that had nothing. A shard allows five reads a second."""
_LIST_S: Final = 30.0
"""Between two listings of shards."""
_EMPTY_MAX: Final = 3
"""Empty answers in a row after which an open shard counts as read, with `until_idle`. One alone proves nothing."""
_IMAGES: Final = frozenset({"NEW_AND_OLD_IMAGES", "NEW_IMAGE"})


@dataclass(frozen=True, slots=True)
class Shard:
    """One shard of one stream. `parent` is the shard that must be read first, None where it no longer exists."""

    stream: str
    shard_id: str
    parent: str | None

    @property
    def uri(self) -> str:
        """The address that its positions refer to."""
        return f"{self.stream}/{self.shard_id}"


class TrimmedError(TerminalError):
    """Records were not read in the 24 hours for which DynamoDB keeps them."""


@dataclass(frozen=True, slots=True)
class Records:
    """The answer to one call: records as JSON, and the next iterator (None at the end of a closed shard)."""

    records: list[bytes]
    iterator: str | None


def streams_of(client: Any, table: str) -> list[str]:
    """ARNs of the table's streams, the oldest first. Raises UsageError where it has none."""
    arns: list[str] = []
    more: dict[str, str] = {}
    with translate_errors("dynamodb", f"the DynamoDB table {table}", UsageError):
        while True:
            answer = client.list_streams(TableName=table, **more)
            arns += [entry["StreamArn"] for entry in answer.get("Streams", [])]
            if not answer.get("LastEvaluatedStreamArn"):
                break
            more = {"ExclusiveStartStreamArn": answer["LastEvaluatedStreamArn"]}
    if not arns:
        raise UsageError(f"the table {table} has no stream; run: trunkline enable-stream {table}")
    return sorted(arns)


def shards_of(client: Any, stream_arn: str) -> list[Shard]:
    """The shards of a stream, in the order that DynamoDB lists them. Raises UsageError for one without new images."""
    listed: list[tuple[str, str | None]] = []
    more: dict[str, str] = {}
    with translate_errors("dynamodbstreams", f"the DynamoDB stream {stream_arn}", UsageError):
        while True:
            answer = client.describe_stream(StreamArn=stream_arn, **more)["StreamDescription"]
            if answer.get("StreamViewType") not in _IMAGES:
                raise UsageError(
                    f"{stream_arn} is of type {answer.get('StreamViewType')}, which has no new images; disable the "
                    f"stream and run: trunkline enable-stream {answer.get('TableName', 'TABLE')}"
                )
            listed += [(entry["ShardId"], entry.get("ParentShardId")) for entry in answer.get("Shards", [])]
            if not answer.get("LastEvaluatedShardId"):
                break
            more = {"ExclusiveStartShardId": answer["LastEvaluatedShardId"]}
    existing = {shard_id for shard_id, _ in listed}
    return [Shard(stream_arn, shard_id, parent if parent in existing else None) for shard_id, parent in listed]


def open_shard(client: Any, shard: Shard, after: int | None) -> str:
    """An iterator that begins after a sequence number, or at the oldest record.

    Raises TrimmedError where the records after that number no longer exist.
    """
    start = (
        {"ShardIteratorType": "AFTER_SEQUENCE_NUMBER", "SequenceNumber": str(after)}
        if after is not None
        else {"ShardIteratorType": "TRIM_HORIZON"}
    )
    answer = _call(client.get_shard_iterator, shard, StreamArn=shard.stream, ShardId=shard.shard_id, **start)
    return str(answer["ShardIterator"])


def read_shard(client: Any, shard: Shard, iterator: str) -> Records | None:
    """The next records, up to 1,000 or 1 MB; None where the iterator has expired and a new one is needed."""
    answer = _call(client.get_records, shard, ShardIterator=iterator, Limit=GET_RECORDS_MAX)
    if answer is None:
        return None
    return Records([stream.as_json(record) for record in answer["Records"]], answer.get("NextShardIterator"))


def _call(call: Callable[..., Any], shard: Shard, **arguments: Any) -> Any:
    from botocore.exceptions import ClientError

    with translate_errors("dynamodbstreams", shard.uri, UsageError):
        try:
            return call(**arguments)
        except ClientError as error:
            code = error.response.get("Error", {}).get("Code")
            if code == "ExpiredIteratorException":
                return None
            if code == "TrimmedDataAccessException":
                raise TrimmedError(f"{shard.uri}: the records after the last one read no longer exist") from error
            raise


@dataclass(frozen=True, slots=True)
class Following:
    """What a stream is followed with.

    `until_idle` ends when nothing is left to read; `accept_gap` continues where records were lost unread; `is_over` is
    asked before each round of reads.
    """

    table: str
    client: Any
    until_idle: bool = False
    accept_gap: bool = False
    sleep: Callable[[float], None] = time.sleep
    is_over: Callable[[], bool] = lambda: False


@dataclass(frozen=True, slots=True)
class Delivered:
    """The records of one Lambda event that are of one stream, as JSON."""

    stream: str
    records: Sequence[bytes]


class FollowState(msgspec.Struct):
    """How far a table's shards are read: those seen, those read to their end, the last durable sequence numbers."""

    seen: set[str] = msgspec.field(default_factory=set)
    done: set[str] = msgspec.field(default_factory=set)
    last: dict[str, str] = msgspec.field(default_factory=dict)


@dataclass(slots=True)
class _Reader:
    """One shard while it is read. `empties` counts empty answers in a row."""

    shard: Shard
    iterator: str | None = None
    empties: int = 0
    is_ended: bool = False


class StreamSource:
    """Changes of one table: those of its shards, or those that a function was given.

    What is read is durable before the next round of reads, so that a stop repeats at most one round. A plan is not
    read again: the shard is read anew after what is durable, and a function's event is delivered anew.
    """

    name = stream.NAME

    def __init__(
        self, context: SourceContext, following: Following | None = None, delivered: Delivered | None = None
    ) -> None:
        self._context, self._following, self._delivered = context, following, delivered
        self._rules = rules_of(context.settings)
        self._follower: _Follower | None = None

    @property
    def shards_seen(self) -> int:
        """How many shards of the table were seen so far, in this run and before."""
        return len(self._follower.state.seen) if self._follower else 0

    def read(self, done: FilesRead) -> Iterator[Framed | None]:
        """The changes after those that are durable.

        Raises TerminalError where DynamoDB no longer has records that were not read, UsageError for a table without a
        stream of new images.
        """
        if self._delivered is not None:
            yield stream.frame_event(self._context.obj, self._delivered.stream, self._delivered.records, self._rules)
        if self._following is not None:
            state = self._load(self._following.table)
            self._follower = follower = _Follower(self._following, state, _previous_positions(done), self._save)
            for shard, records in follower.rounds():
                yield stream.frame_shard(self._context.obj, shard.uri, records, self._rules) if shard else None

    def reread(self, plan: Plan) -> Framed | None:
        """None: see the class."""
        return None

    def after_durable(self, batches: Sequence[DurableBatch]) -> None:
        """Move the shards' last sequence numbers on, never back."""
        spans = [span for batch in batches for span in batch.plan.ranges if isinstance(span, StreamRange)]
        by_table: dict[str, list[StreamRange]] = {}
        for span in spans:
            if "/" in span.uri.partition("/stream/")[2]:  # a function does not know its shard
                by_table.setdefault(table_name(span.uri), []).append(span)
        for table, moved in by_table.items():
            is_open = self._follower is not None and self._following is not None and self._following.table == table
            state = self._follower.state if is_open and self._follower else self._load(table)
            for span in moved:
                state.last[span.uri] = max(state.last.get(span.uri, "0"), span.last_sequence, key=int)
            self._save(table, state)

    def revive(self, letter: KeptLetter) -> tuple[str, Mark] | None:
        """The change in a stream record; where the letter is a row already, that row."""
        change = stream.read_dead_letter(self._context.obj, letter.payload, self._rules)
        return change or reader.revive(letter)

    def _load(self, table: str) -> FollowState:
        data = self._context.state.get("stream", self._context.obj.name, table)
        return msgspec.json.decode(data, type=FollowState) if data is not None else FollowState()

    def _save(self, table: str, state: FollowState) -> None:
        self._context.state.put(msgspec.json.encode(state), "stream", self._context.obj.name, table)


def _previous_positions(done: FilesRead) -> dict[str, int]:
    """The last sequence numbers by shard that a version before 0.2 has recorded, split at 15 digits."""
    last: dict[str, int] = {}
    for (uri, high), progress in done.items():
        if high.isdigit() and "/stream/" in uri:
            last[uri] = max(last.get(uri, 0), int(high) * 10**15 + progress.offset - 1)
    return last


@dataclass(slots=True)
class _Follower:
    """The rounds of reads over a table's shards."""

    options: Following
    state: FollowState
    previous: dict[str, int]
    save: Callable[[str, FollowState], None]
    readers: dict[str, _Reader] = field(default_factory=dict)
    listed_at: float | None = None

    def rounds(self) -> Iterator[tuple[Shard | None, list[bytes]]]:
        """Records by shard, and None after each round."""
        while not self.options.is_over():
            self._list_shards()
            is_read = False
            for shard_reader in list(self.readers.values()):
                records = self._read(shard_reader)
                if records:
                    is_read = True
                    yield shard_reader.shard, records
            yield None, []
            if self._note_ends() or is_read:
                continue
            if self.options.until_idle and all(each.empties >= _EMPTY_MAX for each in self.readers.values()):
                return
            self.options.sleep(_IDLE_S)

    def _list_shards(self) -> None:
        """Open readers of the shards whose parent is read to its end."""
        if self.listed_at is not None and clock.monotonic_s() - self.listed_at < _LIST_S:
            return
        arns = streams_of(self.options.client, self.options.table)
        shards = [shard for arn in arns for shard in shards_of(self.options.client, arn)]
        existing = {shard.uri for shard in shards}
        self._check_gap(self.state.seen - self.state.done - existing)
        for shard in shards:
            parent = f"{shard.stream}/{shard.parent}" if shard.parent else None
            is_ready = parent is None or parent in self.state.done
            if is_ready and shard.uri not in self.state.done and shard.uri not in self.readers:
                self.readers[shard.uri] = _Reader(shard)
        if existing - self.state.seen:
            self.state.seen |= existing
            self.save(self.options.table, self.state)
        self.listed_at = clock.monotonic_s()

    def _read(self, shard_reader: _Reader) -> list[bytes]:
        """The records of one read."""
        if shard_reader.iterator is None:
            shard_reader.iterator = self._open(shard_reader.shard)
        answer = read_shard(self.options.client, shard_reader.shard, shard_reader.iterator)
        if answer is None:  # expired: opened again in the next round, after what is durable
            shard_reader.iterator = None
            return []
        shard_reader.empties = 0 if answer.records else shard_reader.empties + 1
        shard_reader.iterator = answer.iterator
        shard_reader.is_ended = answer.iterator is None
        return answer.records

    def _open(self, shard: Shard) -> str:
        last = self.state.last.get(shard.uri)
        after = int(last) if last is not None else self.previous.get(shard.uri)
        try:
            return open_shard(self.options.client, shard, after)
        except TrimmedError:
            self._check_gap({shard.uri})
            return open_shard(self.options.client, shard, None)

    def _note_ends(self) -> bool:
        """Note the shards that were read to their end, whose records are durable now; whether there are any."""
        ended = {uri for uri, shard_reader in self.readers.items() if shard_reader.is_ended}
        if not ended:
            return False
        self.state.done |= ended
        self.readers = {uri: shard_reader for uri, shard_reader in self.readers.items() if uri not in ended}
        self.save(self.options.table, self.state)
        self.listed_at = None
        return True

    def _check_gap(self, lost: Collection[str]) -> None:
        """Raise TerminalError where shards expired before they were read to their end. An accepted gap is noted."""
        if not lost:
            return
        if not self.options.accept_gap:
            raise TerminalError(
                f"{self.options.table}: DynamoDB keeps a stream for 24 hours, and {len(lost):,} shards expired before "
                f"they were read to their end (such as {min(lost)}), so changes may be missing. Run a backfill of the "
                "table, then follow it again with --accept-gap"
            )
        self.state.done |= set(lost) - set(self.readers)
        self.save(self.options.table, self.state)
