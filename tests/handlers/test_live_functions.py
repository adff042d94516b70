"""The functions of streams and rules: what they answer, what they import, and that nothing a record says is lost."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import duckdb
import pytest
from connect import emulator, simulated
from homes import contact, letters, opened
from kinesis_fake import ARN, FIRST_SEQUENCE, shard_id
from moto import mock_aws
from s3 import bucket
from virtual_clock import VirtualClock

from trunkline.errors import TransientError, UsageError
from trunkline.handlers import (
    event_processor,
    firehose_framing,
    persist_agent_event,
    persist_contact_event,
    persist_instance_data,
)
from trunkline.lake.store import FolderStore
from trunkline.live.stores.memory import MemoryStore
from trunkline.pipelines.jobs.load import load
from trunkline.simulator.centre.centre import INSTANCE_ARN
from trunkline.simulator.connect_api.http import served

FUNCTIONS = (persist_agent_event, persist_contact_event, persist_instance_data)
AGENT = {
    "AgentARN": "arn:x/agent/a-1", "EventType": "LOGIN", "EventId": "e-1", "EventTimestamp": "2026-03-03T10:00:00.000Z",
    "InstanceARN": "arn:x:instance/i-1", "CurrentAgentSnapshot": {"AgentStatus": {"Name": "Available"}},
}  # fmt: skip
EVENT = {
    "version": "0", "id": "v-1", "detail-type": "Amazon Connect Contact Event", "source": "aws.connect",
    "time": "2026-03-03T10:00:00Z",
    "detail": {"eventType": "INITIATED", "contactId": "c-1", "initiationTimestamp": "2026-03-03T10:00:00.123Z"},
}  # fmt: skip
CONTACT = contact("c-1") | {"AWSContactTraceRecordFormatVersion": "2017-03-10"}


def delivery(*payloads: Any) -> dict[str, Any]:
    return {"Records": [
        {
            "kinesis": {
                "sequenceNumber": str(FIRST_SEQUENCE + place), "approximateArrivalTimestamp": 1772539200.5,
                "data": base64.b64encode(json.dumps(payload).encode()).decode(),
            },
            "eventID": f"{shard_id(0)}:{FIRST_SEQUENCE + place}", "eventSourceARN": ARN,
        }
        for place, payload in enumerate(payloads)
    ]}  # fmt: skip


def messages(*bodies: str) -> dict[str, Any]:
    return {"Records": [
        {"messageId": f"m-{place}", "body": body, "eventSourceARN": "arn:q",
         "attributes": {"SentTimestamp": "1772539200500"}}
        for place, body in enumerate(bodies)
    ]}  # fmt: skip


@pytest.fixture(autouse=True)
def _cold() -> Iterator[None]:
    yield
    for function in FUNCTIONS:
        function._function.cache_clear()
    event_processor._receiver.cache_clear()
    firehose_framing._kept_object.cache_clear()


@pytest.mark.parametrize("name", [*(function.__name__ for function in FUNCTIONS), firehose_framing.__name__])
def test_no_engine_is_imported(name: str) -> None:
    """A function without a lake starts fast: neither DuckDB nor, before a client is needed, boto3."""
    program = f"import sys, {name}; print(*{{m.partition('.')[0] for m in sys.modules}})"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert not {"duckdb", "boto3", "botocore", "pyarrow"} & set(done.stdout.split())


def test_persist_agent_event(monkeypatch: pytest.MonkeyPatch) -> None:
    """Points are written; what cannot be used is in the queue for letters, and never delivered again."""
    with mock_aws():
        sqs = boto3.client("sqs")
        monkeypatch.setenv("TRUNKLINE_LETTER_QUEUE", sqs.create_queue(QueueName="letters")["QueueUrl"])
        answer = persist_agent_event.handler(delivery(AGENT, CONTACT, AGENT | {"EventTimestamp": 5}), None)
        assert answer == {"written": 1, "ignored": 1, "set_aside": 1, "batchItemFailures": []}
        (letter,) = sqs.receive_message(QueueUrl=persist_agent_event._function().settings.letter_queue)["Messages"]
        assert json.loads(letter["Body"])["position"] == f"{ARN}/{shard_id(0)}:{FIRST_SEQUENCE + 2}"
        store = persist_agent_event._function().store
        assert isinstance(store, MemoryStore)
        (point,) = store.read("trunkline_agent")
        assert dict(point.tags) == {"agent": "a-1", "instance": "i-1"}


def test_a_store_that_does_not_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    """Kinesis repeats from the first record, SQS each message, EventBridge what was raised."""
    monkeypatch.setenv("TRUNKLINE_LIVE_STORE", "influx+http://127.0.0.1:9/db")
    answer = persist_agent_event.handler(delivery(AGENT, AGENT), None)
    assert answer["batchItemFailures"] == [{"itemIdentifier": str(FIRST_SEQUENCE)}]
    answer = persist_contact_event.handler(messages(json.dumps(EVENT), json.dumps(EVENT)), None)
    assert answer["batchItemFailures"] == [{"itemIdentifier": "m-0"}, {"itemIdentifier": "m-1"}]
    with pytest.raises(TransientError, match="was not written"):
        persist_contact_event.handler(EVENT, None)


def test_persist_contact_event(caplog: pytest.LogCaptureFixture) -> None:
    """Without a queue for letters the log says where the record is, and nothing of what it holds."""
    answer = persist_contact_event.handler(messages(json.dumps(EVENT), "no event +15535550143"), None)
    assert answer == {"written": 1, "ignored": 0, "set_aside": 1, "batchItemFailures": []}
    assert "arn:q:m-1" in caplog.text
    assert "5550143" not in caplog.text
    assert persist_contact_event.handler(EVENT, None)["written"] == 1


class Context:
    """What Lambda gives a function."""

    @staticmethod
    def get_remaining_time_in_millis() -> int:
        return 60_000


def test_persist_instance_data(monkeypatch: pytest.MonkeyPatch) -> None:
    """Over HTTP, as boto3 calls the service."""
    clock = VirtualClock(1772557200.0)
    api = emulator(simulated(), clock)
    api.quotas.limits |= dict.fromkeys(
        ("ListQueues", "ListUsers", "ListRoutingProfiles", "GetCurrentUserData"), (99, 99)
    )
    with served(api) as url:
        monkeypatch.setenv("TRUNKLINE_CONNECT_INSTANCES", INSTANCE_ARN)
        monkeypatch.setenv("TRUNKLINE_CONNECT_ENDPOINT", url)
        monkeypatch.setenv("TRUNKLINE_CONNECT_SHARE", "1")
        operations = ("ListQueues", "ListUsers", "ListRoutingProfiles", "GetCurrentUserData", "GetCurrentMetricData")
        monkeypatch.setenv("TRUNKLINE_CONNECT_QUOTA", ",".join(f"{name}=1000" for name in operations))
        answer = persist_instance_data.handler({}, Context)
    assert answer["written"] > len(simulated().users)
    assert (answer["refused"], answer["unfinished"]) == (0, [])
    assert answer["calls"].keys() == set(operations)


def test_an_invalid_setting_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """With what is valid."""
    monkeypatch.setenv("TRUNKLINE_LETTER_QUEUE", "letters")
    with pytest.raises(UsageError, match="letter_queue is 'letters'; valid is the URL of an SQS queue"):
        persist_agent_event.handler(delivery(AGENT), None)
    monkeypatch.setenv("TRUNKLINE_LIVE_STORE", "mysql://x")
    with pytest.raises(UsageError, match="no kind of live store"):
        persist_contact_event.handler(EVENT, None)


def test_event_processor_puts_each_record_into_the_lake(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Of a stream that carries both, of a queue, and of a rule; delivered twice is one batch, and the next load merges."""
    monkeypatch.setenv("ANALYTICS_BUCKET", "lake")
    with bucket("lake"):
        for _ in range(2):
            answer = event_processor.handler(delivery(CONTACT, AGENT, {"nobody": "knows"}), None)
            assert answer == {"processed": 2, "set_aside": 1, "batchItemFailures": []}
        assert event_processor.handler(messages(json.dumps(EVENT), "{"), None)["processed"] == 1
        assert event_processor.handler(EVENT | {"id": "v-2"}, None)["processed"] == 1
        with opened(tmp_path, lake="s3://lake", pii="drop") as home:
            for name, count in (("contact_record", 1), ("agent_event", 1), ("contact_event", 2)):
                load(home, home.objects[name], [])
                assert home.warehouse.query(f"SELECT count(*) FROM {home.objects[name].warehouse_table}") == [(count,)]
            assert len(letters(home, home.objects["contact_record"])) == 1
            assert len(letters(home, home.objects["contact_event"])) == 1


def test_an_object_that_cannot_be_put_is_delivered_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """From its first record on; where nothing can be put, the error is raised."""
    monkeypatch.setenv("ANALYTICS_BUCKET", "lake")
    with bucket("lake"):
        receiver = event_processor._receiver()
        store = receiver._lake.store
        put = type(store).put_bytes

        def fail(self: Any, data: bytes, key: str, **more: Any) -> None:
            if "agent_event" in key:
                raise TransientError("no answer")
            put(self, data, key, **more)

        monkeypatch.setattr(type(store), "put_bytes", fail)
        answer = event_processor.handler(delivery(CONTACT, AGENT, CONTACT), None)
        assert answer["batchItemFailures"] == [{"itemIdentifier": str(FIRST_SEQUENCE + 1)}]
        with pytest.raises(TransientError):
            event_processor.handler(delivery(AGENT), None)
    assert not isinstance(store, FolderStore)


def firehose(*payloads: bytes) -> dict[str, Any]:
    """An event of Firehose's transformation (developer guide, "Transform source data")."""
    return {"invocationId": "i", "deliveryStreamArn": "arn:f", "region": "eu-west-2", "records": [
        {"recordId": str(place), "approximateArrivalTimestamp": 1772539200500, "data": base64.b64encode(payload).decode()}
        for place, payload in enumerate(payloads)
    ]}  # fmt: skip


def test_firehose_framing(monkeypatch: pytest.MonkeyPatch) -> None:
    """One object a line, each record answered once; other objects are dropped where one is named."""
    payloads = [json.dumps(each).encode() for each in (CONTACT, AGENT)] + [b'{\r\n "a": 1\n}\n', b"{broken", b"{}{}"]
    records = firehose_framing.handler(firehose(*payloads), None)["records"]
    assert [record["result"] for record in records] == ["Ok", "Ok", "Ok", "ProcessingFailed", "ProcessingFailed"]
    assert [record["recordId"] for record in records] == ["0", "1", "2", "3", "4"]
    lines = b"".join(base64.b64decode(record["data"]) for record in records[:3])
    assert list(map(json.loads, lines.splitlines())) == [CONTACT, AGENT, {"a": 1}]
    assert base64.b64decode(records[3]["data"]) == b"{broken"
    monkeypatch.setenv("TRUNKLINE_FIREHOSE_OBJECT", "contact_record")
    firehose_framing._kept_object.cache_clear()
    records = firehose_framing.handler(firehose(*payloads), None)["records"]
    assert [record["result"] for record in records[:3]] == ["Ok", "Dropped", "Ok"]


def test_firehose_framing_keeps_to_the_limit() -> None:
    """Of an answer's size: what does not fit fails, and Firehose writes it to its error prefix itself."""
    payloads = [json.dumps({"ContactId": str(number), "x": "y" * 400_000}).encode() for number in range(14)]
    answer = firehose_framing.handler(firehose(*payloads), None)
    assert len(json.dumps(answer)) < 6 * 1024 * 1024
    results = [record["result"] for record in answer["records"]]
    assert results == ["Ok"] * 11 + ["ProcessingFailed"] * 3


def test_rows_by_firehose_are_those_of_the_stream(tmp_path: Path) -> None:
    """Transformed and delivered as lines, or converted to Parquet: the rows of the stream.

    The conversion writes the keys of free maps, such as a contact's attributes, in lower case: nothing knows better.
    """
    objects = {
        "contact_record": [CONTACT, contact("c-2", Attributes={"Key": "v"})],
        "agent_event": [AGENT],
        "contact_event": [EVENT],
    }
    for name, records in objects.items():
        answer = firehose_framing.handler(firehose(*(json.dumps(record).encode() for record in records)), None)
        lines = tmp_path / f"{name}.lines"
        lines.write_bytes(b"".join(base64.b64decode(record["data"]) for record in answer["records"]))
        found = []
        for kind in ("lines", "parquet"):
            if kind == "parquet":
                _convert(lines, lines.with_suffix(".parquet"))
            with opened(tmp_path / f"home-{name}-{kind}") as home:
                obj = home.objects[name]
                assert load(home, obj, [str(lines.with_suffix(f".{kind}"))]).counts.inserted == len(records)
                columns = [f'"{column.name}"' for column in obj.columns if not column.name.startswith("record_")]
                found.append(
                    home.warehouse.query(f"SELECT {', '.join(columns)} FROM {obj.warehouse_table} ORDER BY ALL")
                )
        first, second = ([dict(zip(columns, map(_lowered, row), strict=True)) for row in rows] for rows in found)
        for ours, theirs in zip(first, second, strict=True):
            assert {name: (ours[name], theirs[name]) for name in columns if ours[name] != theirs[name]} == {}


def _lowered(value: Any) -> Any:
    """The value with the keys of free maps in lower case."""
    if isinstance(value, dict):
        return {key.lower(): _lowered(inner) for key, inner in value.items()}
    if isinstance(value, str) and value[:1] in ("{", "["):
        return _lowered(json.loads(value))
    return [_lowered(inner) for inner in value] if isinstance(value, list) else value


def _convert(lines: Path, target: Path) -> None:
    """As Firehose's format conversion: keys in lower case at every level, by the OpenX SerDe."""
    lowered = lines.with_suffix(".lower")
    lowered.write_text(
        "".join(json.dumps(_lowered(json.loads(line))) + "\n" for line in lines.read_text().splitlines())
    )
    duckdb.connect().execute(
        f"COPY (SELECT * FROM read_json('{lowered}', format = 'newline_delimited', convert_strings_to_integers = false, "
        f"dateformat = 'x', timestampformat = 'x')) TO '{target}' (FORMAT parquet)"
    )
