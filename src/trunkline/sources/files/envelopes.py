"""Records within the envelopes of other services: Firehose's errors, CloudWatch Logs, EventBridge, SQS, SNS, Kinesis.

Source: Firehose developer guide, data format of failed records; CloudWatch Logs user guide, subscription filters;
Lambda developer guide, events of EventBridge, SQS, SNS and Kinesis.
"""

from __future__ import annotations

import base64
import binascii
import io
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final

import msgspec

from trunkline import limits
from trunkline.sources.files import framing
from trunkline.sources.files.json_text import Anchor, without_lone_surrogates

Top = Mapping[str, msgspec.Raw]

_TOP: Final = msgspec.json.Decoder(dict[str, msgspec.Raw])
_TEXT: Final = msgspec.json.Decoder(str)
_ARRAY: Final = msgspec.json.Decoder(list[msgspec.Raw])
_OBJECTS: Final = msgspec.json.Decoder(list[dict[str, msgspec.Raw]])
# The keys that an envelope may begin with. No record of Connect does, so that its records cost one comparison.
_BEGINS: Final = re.compile(
    rb'\{\s*"(?:attemptsMade|arrivalTimestamp|errorCode|errorMessage|attemptEndingTimestamp|rawData|lambdaArn|EsDocumentId'
    rb"|messageType|owner|logGroup|logStream|subscriptionFilters|logEvents|version|id|detail-type|detail|source|account"
    rb'|Records|Messages|MessageId|ReceiptHandle|Body|body|messageId|receiptHandle|Type|TopicArn|Message|Sns|kinesis)"'
)


def is_perhaps_wrapped(record: bytes) -> bool:
    """Whether a JSON object begins as an envelope does. False proves that it is none."""
    return _BEGINS.match(record) is not None


def unwrap(record: bytes, anchor: Anchor, depth: int = 0) -> list[bytes] | None:
    """The records in an envelope, in order; None where the text is no envelope, or one of other things.

    An object with the key `anchor` is a record whatever else it has. Envelopes within envelopes are undone.
    """
    if depth > limits.ENVELOPE_DEPTH_MAX or not is_perhaps_wrapped(record):
        return None
    top = _TOP.decode(without_lone_surrogates(record) or record)
    if not top.keys().isdisjoint((anchor,) if isinstance(anchor, str) else anchor):
        return None
    for opener in _OPENERS:
        try:
            inner = opener(top)
        except (msgspec.DecodeError, binascii.Error, ValueError):
            continue
        if inner is not None:
            return _records(inner, anchor, depth)
    return None


def records_in(document: bytes, path: Sequence[str]) -> list[bytes] | None:
    """The records in the array at a key path of a document; None where there is none, or not of objects alone."""
    value = document
    try:
        for key in path:
            value = bytes(_TOP.decode(value)[key])
        records = [bytes(record) for record in _ARRAY.decode(value)]
    except (msgspec.DecodeError, KeyError):
        return None
    return records if all(record.startswith(b"{") for record in records) else None


def _records(texts: Iterator[bytes], anchor: Anchor, depth: int) -> list[bytes] | None:
    """Every record in the texts; None where one of them is not JSON: then the envelope is set aside as it is."""
    records: list[bytes] = []
    for text in texts:
        for block in framing.frame(io.BytesIO(text).read, anchor=anchor):
            if block.broken:
                return None
            for record in block.texts.records:
                records += unwrap(record, anchor, depth + 1) or [record]
    return records


def _firehose_error(top: Top) -> Iterator[bytes] | None:
    """`processing-failed/` and `format-conversion-failed/`: the whole record in base64."""
    return iter([base64.b64decode(_TEXT.decode(top["rawData"]), validate=True)]) if "rawData" in top else None


def _log_events(top: Top) -> Iterator[bytes] | None:
    """A subscription of CloudWatch Logs. Its control messages hold nothing."""
    if "logEvents" not in top:
        return None
    events = _OBJECTS.decode(top["logEvents"])
    if _TEXT.decode(top.get("messageType", msgspec.Raw(b'""'))) == "CONTROL_MESSAGE":
        return iter(())
    return iter([_TEXT.decode(event["message"]).encode() for event in events if "message" in event])


def _event(top: Top) -> Iterator[bytes] | None:
    """An event of EventBridge."""
    return iter([bytes(top["detail"])]) if {"detail", "detail-type"} <= top.keys() else None


def _message(top: Top) -> Iterator[bytes] | None:
    """A message of SQS or SNS, an event of Lambda's that holds some, or what `aws sqs receive-message` prints."""
    for key in ("Records", "Messages"):
        if key in top:
            bodies = [_body(message) for message in _OBJECTS.decode(top[key])]
            return iter([body for body in bodies if body is not None]) if None not in bodies else None
    body = _body(top)
    return None if body is None else iter([body])


def _body(message: Top) -> bytes | None:
    if "kinesis" in message:
        return base64.b64decode(_TEXT.decode(_TOP.decode(message["kinesis"])["data"]), validate=True)
    if "Sns" in message:
        return _TEXT.decode(_TOP.decode(message["Sns"])["Message"]).encode()
    is_sns = "TopicArn" in message
    for key in ("body", "Body", *(["Message"] if is_sns else [])):
        if key in message:
            return _TEXT.decode(message[key]).encode()
    return None


_OPENERS: Final[tuple[Callable[[Top], Iterator[bytes] | None], ...]] = (_firehose_error, _log_events, _event, _message)
