"""Items and stream events of the tables `calls` and `scorecards`, ours and the document's function run on them."""

from __future__ import annotations

import types
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from homes import Row, opened, table

from trunkline.handlers import stream_processor
from trunkline.pipelines.jobs.load import load

QUOTED = Path(__file__).parent / "mission_002"
ANALYTICS, TRANSCRIPTS = "analytics", "transcripts"
CREATED = 1_770_820_459
"""2026-02-11 14:34:19 UTC."""
FIRST_SEQUENCE = 111_000_000_000_000_499_659_000

Item = dict[str, Any]


def arn(name: str = "calls", label: str = "2026-02-11T00:00:00.000") -> str:
    return f"arn:aws:dynamodb:us-east-1:111122223333:table/{name}/stream/{label}"


def call(call_id: str, at: str = "2026-02-11T14:34:19Z", **payload: Any) -> Item:
    """A call; `payload` values are typed, `...` takes one out."""
    base = {
        "agentId": {"S": "a-1"}, "agentName": {"S": "Ann"}, "direction": {"S": "outbound"}, "file_name": {"S": "a.wav"},
        "queueId": {"N": "7"}, "queueName": {"S": "Sales"}, "siteId": {"N": "12"}, "tenantId": {"N": "3"},
    }  # fmt: skip
    typed = {key: value for key, value in (base | payload).items() if value is not ...}
    return {"callId": {"S": call_id}, "callTimestampUTC": {"S": at}, "payload": {"M": typed}}


def scorecard(guid: str, at: str = "2025-10-08T14-34-19", **attributes: Any) -> Item:
    """A scorecard; typed attributes, `...` takes one out."""
    base = {
        "guid": {"S": guid}, "datetime": {"S": at}, "agent": {"S": "Ann"}, "ingestedAt": {"S": "2025-10-08T15:00:00Z"},
        "overallScore": {"N": "7.5"},
        "scores": {"M": {"urgency": {"M": {"score": {"N": "3"}, "evidence": {"S": "she said {now}"}}}}},
    }  # fmt: skip
    return {key: value for key, value in (base | attributes).items() if value is not ...}


def change(
    number: int, name: str = "INSERT", new: Item | None = None, old: Item | None = None, keys: Item | None = None,
    stream: str | None = None, at: float = CREATED, **more: Any,
) -> dict[str, Any]:  # fmt: skip
    """One record of a stream, its sequence number and event id from `number`."""
    dynamodb = {
        "ApproximateCreationDateTime": at, "Keys": keys or {}, "SequenceNumber": str(FIRST_SEQUENCE + number),
        "SizeBytes": 100, "StreamViewType": "NEW_AND_OLD_IMAGES",
    }  # fmt: skip
    images = {"NewImage": new, "OldImage": old}
    dynamodb |= {key: image for key, image in images.items() if image is not None}
    record = {
        "eventID": f"e-{number}", "eventName": name, "eventVersion": "1.1", "eventSource": "aws:dynamodb",
        "awsRegion": "us-east-1", "dynamodb": dynamodb, "eventSourceARN": stream or arn(),
    }  # fmt: skip
    return record | more


def event(*records: dict[str, Any]) -> dict[str, Any]:
    return {"Records": list(records)}


@contextmanager
def ours(folder: Path, **variables: str) -> Iterator[Any]:
    """Our function, with its lake in a folder. `variables` are its environment."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ANALYTICS_BUCKET", ANALYTICS)
        patch.setenv("TRANSCRIBE_BUCKET", TRANSCRIPTS)
        patch.setenv("TRUNKLINE_LAKE", "file://" + quote(str(folder / "lake")))
        patch.setenv("TRUNKLINE_TRANSCRIPTS", "file://" + quote(str(folder / "recordings")))
        for name, value in variables.items():
            patch.setenv(name, value)
        stream_processor._processor.cache_clear()
        yield lambda given: stream_processor.handler(given, None)
        stream_processor._processor.cache_clear()


def rows(folder: Path, name: str = "call") -> list[Row]:
    """The live rows of the warehouse that the lake in this folder gives."""
    with opened(folder, pii="drop") as home:
        obj = home.objects[name]
        load(home, obj, [])
        return [row for row in table(home, obj) if not row["record_is_deleted"]]


def the_documents(handler: str = "handler.py.txt") -> types.ModuleType:
    """The document's module. Call inside a stand-in for S3 and with its environment set."""
    module = types.ModuleType("handler")
    exec(compile((QUOTED / handler).read_text(), handler, "exec"), module.__dict__)
    return module


def objects_in(client: Any, bucket: str, prefix: str) -> dict[str, bytes]:
    """All objects of a bucket below a prefix."""
    listed = client.list_objects_v2(Bucket=bucket, Prefix=prefix).get("Contents", [])
    return {one["Key"]: client.get_object(Bucket=bucket, Key=one["Key"])["Body"].read() for one in listed}


def numbers(found: Sequence[Row], name: str) -> list[Decimal | None]:
    return [row[name] for row in found]
