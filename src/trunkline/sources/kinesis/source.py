"""The source `kinesis`: a stream that is followed on one machine, or the records that Lambda delivers."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import msgspec

from trunkline.positions import Delivery, Plan, Range, StreamRange
from trunkline.records import Framed, KeptLetter, Mark, ReceivedRecord
from trunkline.sources.files import reader
from trunkline.sources.kinesis.feeds import KinesisStream, describe_stream
from trunkline.sources.kinesis.framing import frame_received, split_by_bytes
from trunkline.sources.kinesis.shards import (
    KinesisFollowing,
    Round,
    StreamProgress,
    StreamReader,
)
from trunkline.sources.model import DurableBatch, FilesRead, SourceContext

NAME: Final = "kinesis"
_STATE: Final = "kinesis"


@dataclass(frozen=True, slots=True)
class KinesisDelivery:
    """The records of one Lambda event."""

    records: Sequence[ReceivedRecord]


class KinesisSource:
    """Records of one object in a stream.

    A round's records are durable before the next round is read, so that a stop repeats at most one round. A plan is not
    read again: the shards are read anew after what is durable, and a function's event is delivered anew.

    `takes_unknown`: whether a record of no known shape belongs to this object. Of several objects that one stream is
    read for, one does.
    """

    name = NAME

    def __init__(
        self,
        context: SourceContext,
        following: KinesisFollowing | None = None,
        delivered: KinesisDelivery | None = None,
        takes_unknown: bool = True,
    ) -> None:
        self._context, self._following, self._delivered = context, following, delivered
        self._takes_unknown = takes_unknown
        self._stream: KinesisStream | None = None
        self._progress: StreamProgress | None = None

    def read(self, done: FilesRead) -> Iterator[Framed | None]:
        """The records after those that are durable.

        Raises TerminalError where records have expired unread, UsageError for a stream that does not exist.
        """
        if self._delivered is not None:
            yield self._framed(self._delivered.records, is_delivered=True)
        if self._following is not None:
            stream = describe_stream(self._following.client, self._following.name)
            for round_ in StreamReader(self._following, stream, [self.open(stream)]).rounds():
                yield from self.batches(round_)
                yield None
                self.end_round(round_)

    def open(self, stream: KinesisStream) -> StreamProgress:
        """How far this object has read the stream. To be called before `batches`."""
        self._stream = stream
        self._progress = self._load(stream.arn)
        if self._progress.created_at != stream.created_at:
            self._progress = StreamProgress(stream.created_at)
            self._save(stream.arn, self._progress)
        return self._progress

    def batches(self, round_: Round) -> Iterator[Framed]:
        """The records of a round that this object has not read yet, as batches."""
        new = [record for record in round_.records if self._is_new(record)]
        for records in split_by_bytes(new, self._context.settings.batch_bytes):
            yield self._framed(records)

    def end_round(self, round_: Round) -> None:
        """Note the shards that are read to their end. To be called once the round's batches are durable."""
        if self._progress is None or self._stream is None:
            return
        progress = self._progress
        before = (progress.seen, progress.done)
        # Shards that are no longer listed are forgotten: there may be thousands in a year.
        progress.seen = set(round_.seen)
        progress.done = (progress.done | round_.ended) & progress.seen
        progress.last = {shard_id: last for shard_id, last in progress.last.items() if shard_id in progress.seen}
        if before != (progress.seen, progress.done):
            self._save(self._stream.arn, progress)

    def reread(self, plan: Plan) -> Framed | None:
        """None: see the class."""
        return None

    def after_durable(self, batches: Sequence[DurableBatch]) -> None:
        """Move the last sequence numbers on, never back. What Lambda delivered moves nothing: it may have gaps."""
        moved: dict[str, dict[str, str]] = {}
        for batch in batches:
            if any(isinstance(span, Delivery) for span in batch.plan.ranges):
                continue
            for span in batch.plan.ranges:
                if isinstance(span, StreamRange):
                    arn, _, shard_id = span.uri.rpartition("/")
                    last = moved.setdefault(arn, {})
                    last[shard_id] = max(last.get(shard_id, "0"), span.last_sequence, key=int)
        for arn, last in moved.items():
            is_open = self._stream is not None and self._stream.arn == arn
            progress = self._progress if is_open and self._progress is not None else self._load(arn)
            for shard_id, sequence in last.items():
                progress.last[shard_id] = max(progress.last.get(shard_id, "0"), sequence, key=int)
            self._save(arn, progress)

    def revive(self, letter: KeptLetter) -> tuple[str, Mark] | None:
        """The record in the letter, where its bytes are exactly one."""
        return reader.revive(letter)

    def _is_new(self, record: ReceivedRecord) -> bool:
        shard_id = record.uri.rpartition("/")[2]
        if self._progress is None or shard_id in self._progress.done:
            return self._progress is None
        last = self._progress.last.get(shard_id)
        return last is None or int(record.sequence) > int(last)

    def _framed(self, records: Sequence[ReceivedRecord], is_delivered: bool = False) -> Framed:
        """One batch, with a range for each shard."""
        by_shard: dict[str, list[ReceivedRecord]] = {}
        for record in records:
            by_shard.setdefault(record.uri, []).append(record)
        ranges: list[Range] = [_range(uri, shard) for uri, shard in by_shard.items()]
        indexes = {uri: index for index, uri in enumerate(by_shard)}
        if is_delivered:
            ranges.append(_delivery(records))
        spots = ((indexes[record.uri], int(record.sequence), record) for record in records)
        return frame_received(self._context.obj, NAME, tuple(ranges), spots, self._takes_unknown)

    def _load(self, arn: str) -> StreamProgress:
        data = self._context.state.get(_STATE, self._context.obj.name, arn)
        return msgspec.json.decode(data, type=StreamProgress) if data is not None else StreamProgress()

    def _save(self, arn: str, progress: StreamProgress) -> None:
        self._context.state.put(msgspec.json.encode(progress), _STATE, self._context.obj.name, arn)


def _range(uri: str, records: Sequence[ReceivedRecord]) -> StreamRange:
    sequences = [record.sequence for record in records]
    newest = max(record.arrived_at for record in records)
    return StreamRange(uri, min(sequences, key=int), max(sequences, key=int), newest)


def _delivery(records: Sequence[ReceivedRecord]) -> Delivery:
    """The mark of a Lambda delivery, whose function alone finishes the batch: Lambda repeats it until then."""
    places = "\n".join(f"{record.uri}:{record.sequence}" for record in records)
    digest = hashlib.sha256(places.encode()).hexdigest()[:32]
    newest = max((record.arrived_at for record in records), default=datetime(1970, 1, 1))
    stream = records[0].uri.rpartition("/")[0] if records else NAME
    return Delivery(f"{stream}#events", digest, len(records), newest, is_retried=True)
