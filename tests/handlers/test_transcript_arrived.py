"""The function that S3 tells of transcripts: every envelope, repeated and broken ones, and the call that becomes rich."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote_plus

import pytest
from homes import load_into, opened, write
from s3 import bucket
from transcript_files import SAMPLES, TALK, transcribe

from trunkline.aws import s3
from trunkline.errors import TransientError, TrunklineError
from trunkline.handlers import transcript_arrived
from trunkline.lake import layout
from trunkline.lake.store import open_store
from trunkline.objects.post_call.transcript import TRANSCRIPT
from trunkline.sources.files.listing import messages

BODY = json.dumps(transcribe(TALK, "channel")).encode()


@pytest.fixture
def function(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """The function over a bucket and a lake in a folder; `.s3` is the bucket's client."""
    monkeypatch.setenv("TRUNKLINE_LAKE", f"file://{tmp_path / 'home' / 'lake'}")
    monkeypatch.setenv("TRUNKLINE_PII_KEY", "a key for tests")
    with bucket("recordings") as s3:
        transcript_arrived._receiver.cache_clear()

        def call(event: Any) -> dict[str, Any]:
            return transcript_arrived.handler(event, None)

        call.s3 = s3  # type: ignore[attr-defined]
        yield call
    transcript_arrived._receiver.cache_clear()


def notification(*keys: str, name: str = "ObjectCreated:Put") -> dict[str, Any]:
    return {"Records": [
        {"eventSource": "aws:s3", "eventName": name,
         "s3": {"bucket": {"name": "recordings"}, "object": {"key": quote_plus(key), "eTag": "x"}}}
        for key in keys
    ]}  # fmt: skip


def queued(**bodies: Any) -> dict[str, Any]:
    return {"Records": [
        {"messageId": id_, "eventSource": "aws:sqs", "body": body if isinstance(body, str) else json.dumps(body)}
        for id_, body in bodies.items()
    ]}  # fmt: skip


def bridge(key: str) -> dict[str, Any]:
    return {"source": "aws.s3", "detail-type": "Object Created",
            "detail": {"bucket": {"name": "recordings"}, "object": {"key": key}}}  # fmt: skip


def lake_rows(tmp_path: Path) -> list[str]:
    store = open_store(f"file://{tmp_path / 'home' / 'lake'}")
    return [key for key in store.list(layout.table_prefix(TRANSCRIPT)) if key.endswith(".parquet")]


def test_every_envelope_puts_the_transcript_into_the_lake(function: Any, tmp_path: Path) -> None:
    """Straight, through SQS, through SNS and SQS, through EventBridge; told five times, it is put once."""
    key = "transcripts/call 1+é.json"
    function.s3.put_object(Bucket="recordings", Key=key, Body=BODY)
    sns = {"Type": "Notification", "Message": json.dumps(notification(key))}
    for event in (notification(key), queued(a=notification(key), b=bridge(key)), queued(c=sns), bridge(key)):
        answer = function(event)
        assert (answer["statusCode"], answer["batchItemFailures"]) == (200, [])
        assert answer["processed"] == len(event.get("Records", [1]))
    assert len(lake_rows(tmp_path)) == 1


def test_a_message_fails_alone(function: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What cannot be read comes again; what is no notification goes to the queue's own dead letters; the rest is done."""
    function.s3.put_object(Bucket="recordings", Key="transcripts/a.json", Body=BODY)
    function.s3.put_object(Bucket="recordings", Key="transcripts/b.json", Body=BODY)
    head = s3.head

    def throttled(client: Any, url: str) -> Any:
        if url.endswith("b.json"):
            raise TransientError("S3 answers SlowDown")
        return head(client, url)

    monkeypatch.setattr(s3, "head", throttled)
    event = queued(
        ok=notification("transcripts/a.json"), slow=notification("transcripts/b.json"), bad="no json", odd={"a": 1}
    )
    answer = function(event)
    assert answer["processed"] == 1
    assert [one["itemIdentifier"] for one in answer["batchItemFailures"]] == ["slow", "bad", "odd"]
    with pytest.raises(TrunklineError, match="SlowDown"):
        function(bridge("transcripts/b.json"))


def test_other_objects_are_filtered(function: Any, tmp_path: Path) -> None:
    """Recordings, tests of the notification, removals, and objects that are gone by now."""
    assert function(notification("a.wav", "b.pdf"))["filtered"] == 2
    assert function({"Service": "Amazon S3", "Event": "s3:TestEvent"})["processed"] == 0
    assert function(notification("transcripts/a.json", name="ObjectRemoved:Delete"))["processed"] == 0
    assert function(notification("transcripts/gone.json"))["processed"] == 0
    assert lake_rows(tmp_path) == []


def test_the_next_load_merges_the_transcript_and_enriches_the_call(function: Any, tmp_path: Path) -> None:
    """The lake's batch is merged by whoever opens the home next; a load of the same bucket reads nothing again."""
    function.s3.put_object(Bucket="recordings", Key="transcripts/c.json", Body=BODY)
    function.s3.put_object(Bucket="recordings", Key="transcripts/bad.json", Body=b"{")
    assert function(queued(a=notification("transcripts/c.json", "transcripts/bad.json")))["processed"] == 2
    with opened(tmp_path / "home") as home:
        call = {"callId": "c", "callTimestampUTC": "2026-02-11T12:00:00Z", "payload": {"direction": "outbound"}}
        load_into(home, write(tmp_path / "calls.json", call), obj=home.objects["call"])
        from trunkline.pipelines.jobs.load import load

        result = load(home, TRANSCRIPT, ["s3://recordings/transcripts/"])
        assert (result.recovered, result.counts.read) == (1, 0)
        rows = home.con.execute(
            "SELECT answer_type, transcript_s3_key, transcript_bucket FROM post_call_analytics.calls"
        )
        assert rows.fetchall() == [("Human", "transcripts/c.json", "recordings")]


@pytest.mark.skipif(SAMPLES is None, reason="the documents' sample files are not here")
def test_the_sample_envelopes_are_read() -> None:
    """A PDF in a queue's message and a picture through EventBridge: read, named, no transcript."""
    assert SAMPLES is not None
    folder = SAMPLES / "aws-powertools_powertools-lambda-python"
    (one,) = messages(json.loads((folder / "s3SqsEvent.json").read_text()))
    assert (one.id, one.urls) == ("ca3e7a89-c358-40e5-8aa0-5da01403c267", ("s3://xxx/test.pdf",))
    (two,) = messages(json.loads((folder / "s3EventBridgeNotificationObjectCreatedEvent.json").read_text()))
    assert two.urls == ("s3://example-bucket/IMG_m7fzo3.jpg",)
