"""The source `contact_events`: events of an EventBridge rule, from an SQS queue or as Lambda delivers them.

A message has no position that can be read again. Its id is its position, and stays the same when SQS delivers it again:
a message whose batch is durable and that was not deleted, since the process ended between the two, is not counted
again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import msgspec

from trunkline import clock
from trunkline.limits import (
    BATCH_BYTES_MAX,
    SQS_BATCH_MESSAGES_MAX,
    SQS_DELIVERIES_MAX,
    SQS_KEPT_S_MAX,
    SQS_POLL_S_MAX,
)
from trunkline.positions import Delivery, Plan
from trunkline.records import Framed, KeptLetter, Mark, ReceivedRecord
from trunkline.sources.contact_events.queue import MessageQueue, QueueMessage
from trunkline.sources.files import reader
from trunkline.sources.kinesis.framing import frame_received
from trunkline.sources.kinesis.lambda_events import event_of_body
from trunkline.sources.kinesis.shards import Watch, no_watch
from trunkline.sources.model import DurableBatch, FilesRead, SourceContext

NAME: Final = "contact_events"
_STATE: Final = "sqs"
_DURABLE: Final = msgspec.json.Decoder(dict[str, datetime])


@dataclass(frozen=True, slots=True)
class QueueFollowing:
    """What a queue is followed with.

    `until_idle` ends when a poll finds nothing. Messages are collected for `gather_s` seconds, or up to `gather_max`,
    before they become a batch. `watch` gets every record at once. `is_over` is called before each poll.
    """

    queue: MessageQueue
    until_idle: bool = False
    gather_s: float = 0.0
    gather_max: int = SQS_BATCH_MESSAGES_MAX
    poll_s: int = SQS_POLL_S_MAX
    watch: Watch = no_watch
    is_over: Callable[[], bool] = lambda: False


@dataclass(frozen=True, slots=True)
class EventDelivery:
    """The events of one Lambda event."""

    records: Sequence[ReceivedRecord]


class ContactEventSource:
    """Messages of a queue, each of which is one event. What is received is durable before it is deleted."""

    name = NAME

    def __init__(
        self,
        context: SourceContext,
        following: QueueFollowing | None = None,
        delivered: EventDelivery | None = None,
    ) -> None:
        self._context, self._following, self._delivered = context, following, delivered

    def read(self, done: FilesRead) -> Iterator[Framed | None]:
        """The events in the queue. Raises UsageError where it does not exist."""
        if self._delivered is not None:
            yield self._framed(self._delivered.records, is_retried=True)
        if self._following is not None:
            with self._following.queue.kept_hidden():
                try:
                    yield from self._rounds(self._following)
                finally:
                    self._following.queue.release()

    def _rounds(self, following: QueueFollowing) -> Iterator[Framed | None]:
        while not following.is_over():
            messages = self._gather(following)
            new = self._without_durable(following, messages)
            # A message that comes again and again may be what ends the process: it must not hold up others.
            suspects = [message for message in new if message.deliveries > SQS_DELIVERIES_MAX]
            others = [message for message in new if message.deliveries <= SQS_DELIVERIES_MAX]
            for group in [others, *([suspect] for suspect in suspects)]:
                if group:
                    yield self._framed([_record(following.queue.url, message) for message in group])
                    yield None
            if not messages:
                yield None
                if following.until_idle:
                    return

    def _gather(self, following: QueueFollowing) -> list[QueueMessage]:
        """Messages of several polls, each once."""
        by_id: dict[str, QueueMessage] = {}
        until_s = 0.0
        while True:
            polled = following.queue.receive(0 if by_id else following.poll_s)
            new = [message for message in polled if message.message_id not in by_id]
            if new:
                until_s = until_s or clock.monotonic_s() + following.gather_s
                following.watch([_record(following.queue.url, message) for message in new])
            by_id |= {message.message_id: message for message in polled}
            size = sum(len(message.body) for message in by_id.values())
            is_full = len(by_id) >= following.gather_max or size >= BATCH_BYTES_MAX
            is_enough = is_full or clock.monotonic_s() >= until_s
            if not polled or is_enough or following.is_over():
                return list(by_id.values())

    def _without_durable(self, following: QueueFollowing, messages: Sequence[QueueMessage]) -> list[QueueMessage]:
        """The messages that are not in a durable batch yet; the others are deleted."""
        durable = self._durable(following.queue.url)
        again = [message.message_id for message in messages if message.message_id in durable]
        if again:
            failed = following.queue.delete(again)
            oldest = clock.now_naive() - timedelta(seconds=SQS_KEPT_S_MAX)
            rest = {key: at for key, at in durable.items() if (key not in again or key in failed) and at >= oldest}
            self._save(following.queue.url, rest)
        return [message for message in messages if message.message_id not in durable]

    def reread(self, plan: Plan) -> Framed | None:
        """None: messages that were not deleted are delivered again."""
        return None

    def after_durable(self, batches: Sequence[DurableBatch]) -> None:
        """Delete the messages of these batches, and note those that cannot be deleted."""
        by_url: dict[str, list[Delivery]] = {}
        for batch in batches:
            for span in batch.plan.ranges:
                if isinstance(span, Delivery) and not span.is_retried:
                    by_url.setdefault(span.uri, []).append(span)
        for url, spans in by_url.items():
            ids = [span.digest for span in spans]
            queue = self._following.queue if self._following is not None else None
            left = queue.delete(ids) if queue is not None and queue.url == url else set(ids)
            if left:
                noted = {span.digest: span.arrived_at for span in spans if span.digest in left}
                self._save(url, {**self._durable(url), **noted})

    def revive(self, letter: KeptLetter) -> tuple[str, Mark] | None:
        """The event in the letter, where its bytes are exactly one."""
        return reader.revive(letter)

    def _framed(self, records: Sequence[ReceivedRecord], is_retried: bool = False) -> Framed:
        """One batch, with a range for each message."""
        ranges = tuple(
            Delivery(record.uri, record.sequence, 1, record.arrived_at, is_retried=is_retried) for record in records
        )
        spots = ((index, 0, record) for index, record in enumerate(records))
        return frame_received(self._context.obj, NAME, ranges, spots)

    def _durable(self, url: str) -> dict[str, datetime]:
        """The ids of messages whose batches are durable and that may come again, and when they were sent."""
        data = self._context.state.get(_STATE, self._context.obj.name, url)
        return _DURABLE.decode(data) if data is not None else {}

    def _save(self, url: str, durable: Mapping[str, datetime]) -> None:
        self._context.state.put(msgspec.json.encode(dict(durable)), _STATE, self._context.obj.name, url)


def _record(url: str, message: QueueMessage) -> ReceivedRecord:
    return ReceivedRecord(url, message.message_id, event_of_body(message.body), message.sent_at)
