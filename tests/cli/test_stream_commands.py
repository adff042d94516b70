"""`trunkline stream` of Kinesis and SQS as people type it, over moto's transport."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from homes import contact
from moto import mock_aws

from trunkline.cli.main import run

CONTACT = contact("c-1") | {"AWSContactTraceRecordFormatVersion": "2017-03-10"}
AGENT = {
    "AgentARN": "arn:x/agent/a-1", "EventType": "LOGIN", "EventId": "e-1", "EventTimestamp": "2026-03-03T10:00:00.000Z",
    "InstanceARN": "arn:x:instance/i-1",
}  # fmt: skip
EVENT = {
    "version": "0", "id": "v-1", "detail-type": "Amazon Connect Contact Event", "source": "aws.connect",
    "time": "2026-03-03T10:00:00Z", "detail": {"eventType": "INITIATED", "contactId": "c-1"},
}  # fmt: skip


@pytest.fixture(autouse=True)
def _aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.delenv("AWS_DEFAULT_REGION", raising=False)
    with mock_aws():
        yield


def put(stream: Any, *records: object) -> None:
    entries = [
        {"Data": json.dumps(record).encode(), "PartitionKey": str(place)} for place, record in enumerate(records)
    ]
    assert stream.put_records(StreamName="connect-ctr-stream", Records=entries)["FailedRecordCount"] == 0


def test_the_documents_stream_needs_no_name(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """connect-ctr-stream in eu-west-2: contact records and agent events, split while it is followed, each row once."""
    kinesis = boto3.client("kinesis", region_name="eu-west-2")
    kinesis.create_stream(StreamName="connect-ctr-stream", ShardCount=2)
    put(kinesis, CONTACT, AGENT, EVENT)
    words = ["stream", "contact_record", "agent_event", "--until-idle", "--gather", "0", "--home", str(tmp_path)]
    assert run(words) == 0
    assert capsys.readouterr().out == "3 records read = 1 inserted + 2 filtered\n" * 2
    first = kinesis.list_shards(StreamName="connect-ctr-stream")["Shards"][0]
    middle = str(int(first["HashKeyRange"]["EndingHashKey"]) // 2)
    kinesis.split_shard(StreamName="connect-ctr-stream", ShardToSplit=first["ShardId"], NewStartingHashKey=middle)
    put(kinesis, *(contact(f"d-{number}") for number in range(20)))
    assert run([*words, "--output", "json"]) == 0
    contacts, agents = map(json.loads, capsys.readouterr().out.splitlines())
    assert (contacts["inserted"], contacts["filtered"], agents["read"], agents["inserted"]) == (20, 0, 20, 0)
    assert run([*words, "--for", "0"]) == 0
    assert capsys.readouterr().out == "0 records read = 0 inserted\n" * 2


def test_a_region_can_be_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """In the URL, or in the stream's ARN."""
    boto3.client("kinesis", region_name="us-west-2").create_stream(StreamName="s", ShardCount=1)
    arn = "arn:aws:kinesis:us-west-2:123456789012:stream/s"
    for place in ("s?region=us-west-2", arn):
        words = ["stream", "agent_event", "--from", f"kinesis://{place}", "--until-idle", "--home", str(tmp_path)]
        assert run(words) == 0
    assert run(["stream", "agent_event", "--from", "kinesis://s", "--home", str(tmp_path)]) == 2
    assert "the Kinesis stream s does not exist" in capsys.readouterr().err


def test_a_queue_of_contact_events(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A message is deleted when its row is durable; what is no event is set aside, not delivered for ever."""
    sqs = boto3.client("sqs", region_name="eu-west-2")
    url = sqs.create_queue(QueueName="events")["QueueUrl"]
    for body in (json.dumps(EVENT), json.dumps(EVENT | {"id": "v-2"}), json.dumps(EVENT), "no event"):
        sqs.send_message(QueueUrl=url, MessageBody=body)
    words = ["stream", "contact_event", "--from", "sqs://events", "--until-idle", "--gather", "0"]
    assert run([*words, "--home", str(tmp_path)]) == 0
    assert capsys.readouterr().out == "4 records read = 2 inserted + 1 duplicate + 1 set aside\n"
    left = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    assert left["ApproximateNumberOfMessages"] == left["ApproximateNumberOfMessagesNotVisible"] == "0"
    assert run([*words, "--home", str(tmp_path)]) == 0
    assert capsys.readouterr().out == "0 records read = 0 inserted\n"
    assert run(["dead-letter", "list", "--output", "json", "--home", str(tmp_path)]) == 0
    assert [letter["reason"] for letter in json.loads(capsys.readouterr().out)] == ["invalid_json"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            ["--from", "kinesis://"],
            "--from is 'kinesis://'; name a stream, such as --from kinesis://connect-ctr-stream",
        ),
        (["--from", "kinesis://s?shard=1"], "which has the unknown part 'shard'"),
        (["agent_event", "--from", "sqs://q"], "holds one object, and 2 are named: contact_event, agent_event"),
        (["--from", "sqs://q"], "the SQS queue q does not exist"),
        (["--gather", "-1"], "--gather"),
        (["--from", "sqs://q", "--fan-out", "x"], "--fan-out is for a Kinesis stream, and --from is sqs://q"),
        ([], "--from is missing, and contact_event has no usual stream"),
    ],
)
def test_wrong_usage_says_what_is_right(
    words: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit 2 and one sentence."""
    assert run(["stream", "contact_event", *words, "--home", str(tmp_path)]) == 2
    assert message in capsys.readouterr().err
