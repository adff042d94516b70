"""The calls that read a Kinesis stream: what there is of shards, and their records by polling or enhanced fan-out.

Source: Kinesis Data Streams API reference, GetRecords and SubscribeToShard, and developer guide, "Developing enhanced
fan-out consumers". A subscription lasts up to five minutes and gives each shard's consumer 2 MB a second of its own.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Collection
from contextlib import closing, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final, Protocol

from trunkline.aws.errors import translate_errors
from trunkline.errors import TerminalError, TransientError, UsageError
from trunkline.limits import KINESIS_GET_RECORDS_MAX
from trunkline.records import ReceivedRecord

_PAGES_AHEAD: Final = 2
"""Events of a subscription that wait to be read; more are held back at the service."""
_CONSUMER_TRIES: Final = 60
_CONSUMER_WAIT_S: Final = 1.0
_END_WAIT_S: Final = 2.0
_UNKNOWN_MS: Final = 1
"""How far behind a shard is of which nothing was read yet: not idle."""


@dataclass(frozen=True, slots=True)
class KinesisShard:
    """One shard. `parents` are the shards that must be read first; those that no longer exist are left out."""

    shard_id: str
    parents: tuple[str, ...] = ()
    is_closed: bool = False


@dataclass(frozen=True, slots=True)
class KinesisStream:
    """A stream as it was described. `arn` names Region and account; `created_at` tells it from one of the same name."""

    arn: str
    created_at: str

    def uri(self, shard_id: str) -> str:
        """The address that a shard's positions refer to."""
        return f"{self.arn}/{shard_id}"


@dataclass(frozen=True, slots=True)
class ShardPage:
    """Records of one shard, in order. `is_end`: it is closed, and these are its last ones."""

    records: list[ReceivedRecord]
    is_end: bool
    behind_ms: int


def describe_stream(client: Any, name: str) -> KinesisStream:
    """The stream of a name, or of an ARN. Raises UsageError where it does not exist."""
    with translate_errors("kinesis", f"the Kinesis stream {name}", UsageError):
        summary = client.describe_stream_summary(**_stream_argument(name))["StreamDescriptionSummary"]
    created_at = summary.get("StreamCreationTimestamp")
    text = created_at.astimezone(UTC).isoformat() if isinstance(created_at, datetime) else ""
    return KinesisStream(summary["StreamARN"], text)


def list_shards(client: Any, stream: KinesisStream) -> list[KinesisShard]:
    """All shards that still have records, parents before their children."""
    listed: list[dict[str, Any]] = []
    more: dict[str, Any] = {"StreamARN": stream.arn}
    with translate_errors("kinesis", f"the Kinesis stream {stream.arn}", UsageError):
        while True:
            answer = client.list_shards(**more)
            listed += answer["Shards"]
            if not answer.get("NextToken"):
                break
            more = {"NextToken": answer["NextToken"]}
    existing = {entry["ShardId"] for entry in listed}
    return [_shard(entry, existing) for entry in sorted(listed, key=lambda entry: str(entry["ShardId"]))]


def _shard(entry: dict[str, Any], existing: Collection[str]) -> KinesisShard:
    parents = (str(entry.get(name)) for name in ("ParentShardId", "AdjacentParentShardId"))
    is_closed = "EndingSequenceNumber" in entry.get("SequenceNumberRange", {})
    return KinesisShard(entry["ShardId"], tuple(known for known in parents if known and known in existing), is_closed)


class ShardFeed(Protocol):
    """Where a stream's records come from, shard by shard."""

    def open(self, shard_id: str, last: str | None) -> None:
        """Begin a shard at a sequence number, whose record comes once more, or at the oldest record."""

    def next(self, shard_id: str) -> ShardPage | None:
        """What there is now, also nothing; None where the shard must be opened again. Raises TransientError."""

    def close(self, shard_id: str | None = None) -> None:
        """Let go of a shard, or of all."""


class PollingFeed:
    """Asks each shard for its next records. All pollers of a shard share five calls and 2 MB a second."""

    def __init__(self, client: Any, stream: KinesisStream) -> None:
        self._client, self._stream = client, stream
        self._iterators: dict[str, str] = {}

    def open(self, shard_id: str, last: str | None) -> None:
        """See ShardFeed."""
        start = _start("StartingSequenceNumber", last, "ShardIteratorType")
        with translate_errors("kinesis", self._stream.uri(shard_id), UsageError):
            answer = self._client.get_shard_iterator(StreamARN=self._stream.arn, ShardId=shard_id, **start)
        self._iterators[shard_id] = answer["ShardIterator"]

    def next(self, shard_id: str) -> ShardPage | None:
        """See ShardFeed. None where the iterator has expired."""
        from botocore.exceptions import ClientError

        uri, arn = self._stream.uri(shard_id), self._stream.arn
        with translate_errors("kinesis", uri, UsageError):
            try:
                answer = self._client.get_records(
                    ShardIterator=self._iterators[shard_id], Limit=KINESIS_GET_RECORDS_MAX, StreamARN=arn
                )
            except ClientError as error:
                if error.response.get("Error", {}).get("Code") == "ExpiredIteratorException":
                    return None
                raise
        iterator = answer.get("NextShardIterator")
        if iterator is not None:
            self._iterators[shard_id] = iterator
        return _page(uri, answer, is_end=iterator is None)

    def close(self, shard_id: str | None = None) -> None:
        """Nothing to let go of."""


@dataclass(slots=True)
class _Subscription:
    """One shard's thread. `pages` has what was pushed, and an error where the subscription failed."""

    pages: queue.Queue[ShardPage | Exception] = field(default_factory=lambda: queue.Queue(_PAGES_AHEAD))
    is_over: threading.Event = field(default_factory=threading.Event)
    behind_ms: int = _UNKNOWN_MS
    events: Any = None
    thread: threading.Thread | None = None

    def end(self) -> None:
        """Wait for the thread, which ends with the next event; where none comes, close its connection."""
        if self.thread is not None:
            self.thread.join(_END_WAIT_S)
            if self.thread.is_alive() and self.events is not None:
                with suppress(Exception):  # the connection is given up, whatever state it is in
                    self.events.close()


class FanOutFeed:
    """Has records pushed to a consumer of its own, with a thread for each shard."""

    def __init__(self, client: Any, stream: KinesisStream, consumer_arn: str) -> None:
        self._client, self._stream, self._consumer = client, stream, consumer_arn
        self._subscriptions: dict[str, _Subscription] = {}

    def open(self, shard_id: str, last: str | None) -> None:
        """See ShardFeed."""
        self.close(shard_id)
        subscription = self._subscriptions[shard_id] = _Subscription()
        position = _start("SequenceNumber", last, "Type")
        thread = threading.Thread(
            target=self._follow, args=(shard_id, subscription, position), name=f"fan-out {shard_id}", daemon=True
        )
        subscription.thread = thread
        thread.start()

    def next(self, shard_id: str) -> ShardPage | None:
        """See ShardFeed. None after an error was raised: the subscription has ended."""
        subscription = self._subscriptions.get(shard_id)
        if subscription is None:
            return None
        try:
            page = subscription.pages.get_nowait()
        except queue.Empty:
            return ShardPage([], False, subscription.behind_ms)
        if isinstance(page, Exception):
            self.close(shard_id)
            raise page
        subscription.behind_ms = page.behind_ms
        return page

    def close(self, shard_id: str | None = None) -> None:
        """End the subscription of a shard, or of all."""
        names = [shard_id] if shard_id is not None else list(self._subscriptions)
        closed = [self._subscriptions.pop(name) for name in names if name in self._subscriptions]
        for subscription in closed:
            subscription.is_over.set()
        for subscription in closed:
            subscription.end()

    def _follow(self, shard_id: str, subscription: _Subscription, position: dict[str, str]) -> None:
        """Subscribe again and again, each time after what was pushed, until the shard ends."""
        uri = self._stream.uri(shard_id)
        try:
            while not subscription.is_over.is_set():
                with translate_errors("kinesis", uri, UsageError):
                    answer = self._client.subscribe_to_shard(
                        ConsumerARN=self._consumer, ShardId=shard_id, StartingPosition=position
                    )
                    subscription.events = answer["EventStream"]
                    with closing(subscription.events):
                        for event in subscription.events:
                            pushed = event["SubscribeToShardEvent"]
                            last = pushed.get("ContinuationSequenceNumber")
                            self._give(subscription, _page(uri, pushed, is_end=not last))
                            if not last or subscription.is_over.is_set():
                                return
                            position = {"Type": "AFTER_SEQUENCE_NUMBER", "SequenceNumber": last}
        except Exception as error:  # noqa: BLE001 - raised where the pages are read
            self._give(subscription, _subscription_error(uri, error))

    def _give(self, subscription: _Subscription, page: ShardPage | Exception) -> None:
        while not subscription.is_over.is_set():
            with suppress(queue.Full):
                subscription.pages.put(page, timeout=0.5)
                return


def _subscription_error(uri: str, error: Exception) -> Exception:
    """The error to raise: a stream of events that breaks off, in whatever way, may be opened again."""
    if isinstance(error, TransientError | TerminalError | UsageError):
        return error
    return TransientError(f"{uri}: the subscription ended ({type(error).__name__}): it is opened again.")


def register_consumer(
    client: Any, stream: KinesisStream, name: str, sleep: Callable[[float], None] = time.sleep
) -> str:
    """The ARN of the stream's consumer of this name, registered where there is none, once it is active.

    Raises TerminalError where it does not become active.
    """
    from botocore.exceptions import ClientError

    with translate_errors("kinesis", f"the consumer {name} of {stream.arn}", UsageError):
        try:
            client.register_stream_consumer(StreamARN=stream.arn, ConsumerName=name)
        except ClientError as error:
            if error.response.get("Error", {}).get("Code") != "ResourceInUseException":
                raise
        for _ in range(_CONSUMER_TRIES):
            consumer = client.describe_stream_consumer(StreamARN=stream.arn, ConsumerName=name)["ConsumerDescription"]
            if consumer["ConsumerStatus"] == "ACTIVE":
                return str(consumer["ConsumerARN"])
            sleep(_CONSUMER_WAIT_S)
    raise TerminalError(f"the consumer {name} of {stream.arn} is not active after {_CONSUMER_TRIES} s: try again later")


def _start(number: str, last: str | None, kind: str) -> dict[str, str]:
    return {kind: "AT_SEQUENCE_NUMBER", number: last} if last is not None else {kind: "TRIM_HORIZON"}


def _page(uri: str, answer: dict[str, Any], is_end: bool) -> ShardPage:
    records = [
        ReceivedRecord(uri, entry["SequenceNumber"], entry["Data"], _arrival(entry)) for entry in answer["Records"]
    ]
    return ShardPage(records, is_end, int(answer.get("MillisBehindLatest") or 0))


def _arrival(entry: dict[str, Any]) -> datetime:
    arrived_at: datetime = entry["ApproximateArrivalTimestamp"]
    return arrived_at.astimezone(UTC).replace(tzinfo=None)


def _stream_argument(name: str) -> dict[str, str]:
    return {"StreamARN": name} if name.startswith("arn:") else {"StreamName": name}
