"""An SQS queue: messages received by long polling, hidden from other readers while they are worked on, then deleted.

Source: SQS developer guide. A message is delivered at least once. It becomes visible again when its visibility timeout
is over, and goes to the queue's dead-letter queue after the number of deliveries in its redrive policy.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from trunkline.aws.errors import translate_errors
from trunkline.errors import TrunklineError, UsageError
from trunkline.limits import SQS_HIDDEN_S, SQS_MESSAGES_PER_CALL_MAX

_RENEWALS: int = 3
"""Renewals of a visibility timeout before it would end."""


@dataclass(frozen=True, slots=True)
class QueueMessage:
    """One delivery of a message. `handle` deletes it; `deliveries` counts this one; `sent_at` is naive UTC."""

    message_id: str
    handle: str
    body: bytes
    sent_at: datetime
    deliveries: int


class MessageQueue:
    """One queue. Thread-safe."""

    def __init__(self, client: Any, url: str, hidden_s: int = SQS_HIDDEN_S) -> None:
        self._client, self.url, self._hidden_s = client, url, hidden_s
        self._handles: dict[str, str] = {}
        self._lock = threading.Lock()

    @classmethod
    def named(cls, client: Any, name: str, hidden_s: int = SQS_HIDDEN_S) -> MessageQueue:
        """The queue of a name. Raises UsageError where it does not exist."""
        with translate_errors("sqs", f"the SQS queue {name}", UsageError):
            return cls(client, client.get_queue_url(QueueName=name)["QueueUrl"], hidden_s)

    def receive(self, wait_s: int) -> list[QueueMessage]:
        """Up to ten messages, waiting so long for the first one. They stay hidden until they are deleted."""
        with translate_errors("sqs", self.url, UsageError):
            answer = self._client.receive_message(
                QueueUrl=self.url,
                MaxNumberOfMessages=SQS_MESSAGES_PER_CALL_MAX,
                WaitTimeSeconds=wait_s,
                VisibilityTimeout=self._hidden_s,
                AttributeNames=["SentTimestamp", "ApproximateReceiveCount"],
            )
        messages = [_message(entry) for entry in answer.get("Messages", [])]
        with self._lock:
            self._handles.update({message.message_id: message.handle for message in messages})
        return messages

    def delete(self, message_ids: Sequence[str]) -> set[str]:
        """Delete messages that this process received; returns those that SQS did not delete, or that it never had."""
        with self._lock:
            handles = {message_id: self._handles.pop(message_id, None) for message_id in message_ids}
        known = [(message_id, handle) for message_id, handle in handles.items() if handle is not None]
        failed = {message_id for message_id, handle in handles.items() if handle is None}
        for start in range(0, len(known), SQS_MESSAGES_PER_CALL_MAX):
            part = known[start : start + SQS_MESSAGES_PER_CALL_MAX]
            entries = [{"Id": str(index), "ReceiptHandle": handle} for index, (_, handle) in enumerate(part)]
            with translate_errors("sqs", self.url, UsageError):
                answer = self._client.delete_message_batch(QueueUrl=self.url, Entries=entries)
            failed |= {part[int(entry["Id"])][0] for entry in answer.get("Failed", [])}
        return failed

    @contextmanager
    def kept_hidden(self) -> Iterator[None]:
        """Renew the visibility timeout of every message that is not deleted yet, while the block runs."""
        is_over = threading.Event()
        thread = threading.Thread(target=self._renew, args=(is_over,), name="sqs-visibility", daemon=True)
        thread.start()
        try:
            yield
        finally:
            is_over.set()
            thread.join()

    def release(self) -> None:
        """Let other readers have the messages that are not deleted."""
        self._change_visibility(0)
        with self._lock:
            self._handles.clear()

    def _renew(self, is_over: threading.Event) -> None:
        while not is_over.wait(self._hidden_s / _RENEWALS):
            self._change_visibility(self._hidden_s)

    def _change_visibility(self, seconds: int) -> None:
        """Without an error where that fails: then a message comes again, and is known."""
        with self._lock:
            handles = list(self._handles.values())
        for start in range(0, len(handles), SQS_MESSAGES_PER_CALL_MAX):
            entries = [
                {"Id": str(index), "ReceiptHandle": handle, "VisibilityTimeout": seconds}
                for index, handle in enumerate(handles[start : start + SQS_MESSAGES_PER_CALL_MAX])
            ]
            try:
                with translate_errors("sqs", self.url):
                    self._client.change_message_visibility_batch(QueueUrl=self.url, Entries=entries)
            except TrunklineError:
                return


def _message(entry: dict[str, Any]) -> QueueMessage:
    attributes = entry.get("Attributes", {})
    sent_at = datetime.fromtimestamp(int(attributes.get("SentTimestamp", 0)) / 1000, UTC).replace(tzinfo=None)
    deliveries = int(attributes.get("ApproximateReceiveCount", 1))
    return QueueMessage(entry["MessageId"], entry["ReceiptHandle"], entry["Body"].encode(), sent_at, deliveries)
