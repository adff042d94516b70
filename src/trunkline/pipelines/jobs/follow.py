"""`stream`: one stream into lake and warehouse, for one object or several, while it is read only once.

History and the present come from the same reading: `watch` of what is followed gets each record as it is read, and the
batches get it when they become durable.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from trunkline.objects.model import Object
from trunkline.pipelines.home import Home
from trunkline.pipelines.runner import Advance, LoadResult, Runner, RunTally, no_advance
from trunkline.sources.contact_events.source import ContactEventSource, QueueFollowing
from trunkline.sources.kinesis.feeds import describe_stream
from trunkline.sources.kinesis.shards import KinesisFollowing, StreamReader
from trunkline.sources.kinesis.source import KinesisSource


@dataclass(frozen=True, slots=True)
class _Consumer:
    """One object that the stream is read for."""

    runner: Runner
    source: KinesisSource
    tally: RunTally


def follow_kinesis(
    home: Home, objs: Sequence[Object], following: KinesisFollowing, advance: Advance = no_advance
) -> list[LoadResult]:
    """Read a Kinesis stream into lake and warehouse, each record for the object whose shape it has.

    A record of no known shape is of the first object, which sets it aside if it cannot be used. `advance` is called
    with the number of records that are durable. The results are in the order of the objects; `files` counts shards.
    Raises UsageError for a stream that does not exist, TerminalError where records have expired unread, TransientError
    where the stream cannot be read for minutes.
    """
    stream = describe_stream(following.client, following.name)
    consumers = [_consumer(home, obj, is_first=obj is objs[0]) for obj in objs]
    progress = [consumer.source.open(stream) for consumer in consumers]
    with home.warehouse.shared():
        for round_ in StreamReader(following, stream, progress).rounds():
            for consumer in consumers:
                consumer.runner.take(consumer.source.batches(round_), consumer.source, consumer.tally)
                consumer.source.end_round(round_)
            advance(len(round_.records))
    return [consumer.tally.result(len(position.seen)) for consumer, position in zip(consumers, progress, strict=True)]


def follow_queue(home: Home, obj: Object, following: QueueFollowing, advance: Advance = no_advance) -> LoadResult:
    """Read an SQS queue of events into lake and warehouse. `advance` is called with the messages that are in the lake.

    A message is deleted once its row is durable. Raises UsageError where the queue no longer exists.
    """
    runner = Runner(home, obj)
    source = ContactEventSource(runner.context, following)
    return runner.run(source, on_put=lambda record: advance(record.read))


def _consumer(home: Home, obj: Object, is_first: bool) -> _Consumer:
    runner, tally = Runner(home, obj), RunTally(obj)
    tally.recovered = runner.recover()
    return _Consumer(runner, KinesisSource(runner.context, takes_unknown=is_first), tally)
