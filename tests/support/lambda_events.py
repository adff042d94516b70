"""Events as each trigger of a Lambda function delivers them."""

from __future__ import annotations

import base64
import json
from typing import Any
from urllib.parse import quote_plus

AGENT: dict[str, Any] = {
    "AgentARN": "arn:x/agent/a-1", "EventType": "LOGIN", "EventId": "e-1", "EventTimestamp": "2026-03-03T10:00:00.000Z",
    "InstanceARN": "arn:x:instance/i-1", "CurrentAgentSnapshot": {"AgentStatus": {"Name": "Available"}},
}  # fmt: skip
CONTACT_EVENT: dict[str, Any] = {
    "version": "0", "id": "v-1", "detail-type": "Amazon Connect Contact Event", "source": "aws.connect",
    "time": "2026-03-03T10:00:00Z",
    "detail": {"eventType": "INITIATED", "contactId": "c-1", "initiationTimestamp": "2026-03-03T10:00:00.123Z"},
}  # fmt: skip
STREAM = "arn:aws:kinesis:eu-west-2:111122223333:stream/connect-ctr-stream"


def from_kinesis(*payloads: Any) -> dict[str, Any]:
    return {"Records": [
        {
            "kinesis": {
                "sequenceNumber": str(10**55 + place), "approximateArrivalTimestamp": 1772539200.5,
                "data": base64.b64encode(json.dumps(payload).encode()).decode(),
            },
            "eventID": f"shardId-000000000000:{10**55 + place}", "eventSource": "aws:kinesis", "eventSourceARN": STREAM,
        }
        for place, payload in enumerate(payloads)
    ]}  # fmt: skip


def from_sqs(*bodies: str) -> dict[str, Any]:
    return {"Records": [
        {"messageId": f"m-{place}", "body": body, "eventSource": "aws:sqs",
         "eventSourceARN": "arn:aws:sqs:eu-west-2:111122223333:events",
         "attributes": {"SentTimestamp": "1772539200500"}}
        for place, body in enumerate(bodies)
    ]}  # fmt: skip


def from_eventbridge(number: int = 2) -> dict[str, Any]:
    return CONTACT_EVENT | {"id": f"v-{number}"}


def from_s3(bucket: str, key: str) -> dict[str, Any]:
    return {"Records": [
        {"eventSource": "aws:s3", "eventName": "ObjectCreated:Put",
         "s3": {"bucket": {"name": bucket}, "object": {"key": quote_plus(key), "eTag": "x"}}}
    ]}  # fmt: skip


def firehose(*payloads: bytes) -> dict[str, Any]:
    return {"invocationId": "i", "deliveryStreamArn": "arn:f", "region": "eu-west-2", "records": [
        {"recordId": str(place), "approximateArrivalTimestamp": 1772539200500, "data": base64.b64encode(payload).decode()}
        for place, payload in enumerate(payloads)
    ]}  # fmt: skip
