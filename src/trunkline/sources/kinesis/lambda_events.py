"""The records in the events that Lambda functions are called with: of Kinesis, of SQS, and of EventBridge.

Source: Lambda developer guide, "Using Lambda to process records from Kinesis", "Using Lambda with Amazon SQS". Nothing
is imported here that a function without a lake does not need.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec

from trunkline import clock
from trunkline.errors import UsageError
from trunkline.records import ReceivedRecord
from trunkline.sources.files.envelopes import unwrap


def received_of_event(event: Mapping[str, Any]) -> list[ReceivedRecord]:
    """The records of a Lambda event of Kinesis, in its order. Raises UsageError for any other event."""
    records = event.get("Records")
    if not isinstance(records, list):
        raise UsageError("the event is not of a Kinesis stream: it has no Records")
    return [_received(record) for record in records]


def _received(record: Any) -> ReceivedRecord:
    try:
        kinesis = record["kinesis"]
        # eventID is the shard's id, a colon, and the sequence number.
        uri = f"{record['eventSourceARN']}/{record['eventID'].partition(':')[0]}"
        sequence, text = kinesis["sequenceNumber"], kinesis["data"]
        arrived_at = datetime.fromtimestamp(kinesis["approximateArrivalTimestamp"], UTC).replace(tzinfo=None)
        int(sequence)
    except (KeyError, TypeError, AttributeError, ValueError, OverflowError) as error:
        raise UsageError(
            f"the event is not of a Kinesis stream: a record is without a part that all have ({type(error).__name__})"
        ) from None
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        data = str(text).encode()  # set aside as what it is
    return ReceivedRecord(uri, sequence, data, arrived_at)


def event_of_body(body: bytes) -> bytes:
    """The event in a message's body: the body itself, or what SNS has wrapped."""
    try:
        inner = unwrap(body, "detail-type")
    except msgspec.DecodeError:
        return body
    return inner[0] if inner is not None and len(inner) == 1 else body


def events_of_lambda(event: Mapping[str, Any]) -> list[ReceivedRecord]:
    """The events of a Lambda event: one of EventBridge, or messages of SQS that hold one each.

    Raises UsageError for any other event.
    """
    if "detail-type" in event:
        data = json.dumps(event, ensure_ascii=False).encode("utf-8", "surrogatepass")
        at = _event_time(event.get("time"))
        return [ReceivedRecord("eventbridge", str(event.get("id")), data, at)]
    records = event.get("Records")
    if not isinstance(records, list):
        raise UsageError(
            "the event is neither one of EventBridge nor messages of SQS: it has no detail-type or Records"
        )
    return [_of_lambda(record) for record in records]


def _event_time(text: object) -> datetime:
    """When EventBridge published the event; now where it does not say."""
    try:
        return datetime.fromisoformat(str(text)).astimezone(UTC).replace(tzinfo=None)
    except (ValueError, OverflowError):
        return clock.now_naive()


def _of_lambda(record: Any) -> ReceivedRecord:
    try:
        sent_at = datetime.fromtimestamp(int(record["attributes"]["SentTimestamp"]) / 1000, UTC).replace(tzinfo=None)
        body = str(record["body"]).encode("utf-8", "surrogatepass")
        return ReceivedRecord(str(record["eventSourceARN"]), str(record["messageId"]), event_of_body(body), sent_at)
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise UsageError(
            f"the event holds no messages of SQS: a record is without a part that all have ({type(error).__name__})"
        ) from None
