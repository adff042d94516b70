"""S3 telling that an object came: notifications through SQS, through EventBridge, or straight to a function.

A notification's keys are URL-encoded, EventBridge's are not. Events other than creations are left out. Source: S3 user
guide, event message structure and using EventBridge; the sample envelopes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote_plus

import msgspec


@dataclass(frozen=True, slots=True)
class Message:
    """What one delivery names: `s3://` URLs of created objects. `id` is the SQS message's, None without a queue.

    `is_read`: whether it could be understood; a message that could not is left to the queue's own dead-letter queue.
    """

    id: str | None
    urls: tuple[str, ...]
    is_read: bool = True


def messages(event: Any) -> list[Message]:
    """The deliveries of a function's event, in order."""
    records = event.get("Records") if isinstance(event, Mapping) else None
    if not isinstance(records, list):
        return [_message(None, event)]
    if any("body" in one for one in records if isinstance(one, Mapping)):
        return [_of_queue(one) for one in records]
    return [_message(None, event)]


def _of_queue(record: Mapping[str, Any]) -> Message:
    id_ = str(record.get("messageId"))
    try:
        body = msgspec.json.decode(str(record.get("body")))
    except msgspec.DecodeError:
        return Message(id_, (), is_read=False)
    if isinstance(body, Mapping) and isinstance(body.get("Message"), str):  # SNS stands between bucket and queue
        try:
            body = msgspec.json.decode(body["Message"])
        except msgspec.DecodeError:
            return Message(id_, (), is_read=False)
    return _message(id_, body)


def _message(id_: str | None, body: Any) -> Message:
    try:
        return Message(id_, tuple(_urls(body)))
    except (AttributeError, KeyError, TypeError):
        return Message(id_, (), is_read=False)


def _urls(body: Mapping[str, Any]) -> list[str]:
    if body.get("source") == "aws.s3":
        if body.get("detail-type") != "Object Created":
            return []
        detail = body["detail"]
        return [f"s3://{detail['bucket']['name']}/{detail['object']['key']}"]
    if body.get("Event") == "s3:TestEvent":
        return []
    return [
        f"s3://{one['s3']['bucket']['name']}/{unquote_plus(one['s3']['object']['key'])}"
        for one in body["Records"]
        if str(one["eventName"]).startswith("ObjectCreated:")
    ]
