"""What another service has wrapped is read as the records in it, each with a position of its own."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest
from homes import NARROW, jsonl, letters, load_into, narrow, opened, table, totals
from hypothesis import given
from hypothesis import strategies as st

from trunkline.sources.files import listing
from trunkline.sources.files.envelopes import unwrap
from trunkline.sources.files.reader import read_batches, reread

AT = {"arrivalTimestamp": 1772532000000, "attemptEndingTimestamp": 1772532060000}


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def firehose(*records: bytes) -> dict[str, Any]:
    return {
        "attemptsMade": 4,
        **AT,
        "errorCode": "DataFormatConversion.InvalidSchema",
        "rawData": b64(b"".join(records)),
    }


def logs(*records: bytes) -> dict[str, Any]:
    events = [
        {"id": str(number), "timestamp": 1772532000000, "message": text.decode()} for number, text in enumerate(records)
    ]
    return {"messageType": "DATA_MESSAGE", "owner": "1", "logGroup": "g", "logStream": "s", "logEvents": events}


def event(*records: bytes) -> dict[str, Any]:
    return {
        "version": "0",
        "id": "e",
        "detail-type": "Contact",
        "source": "aws.connect",
        "detail": json.loads(records[0]),
    }


def sqs(*records: bytes) -> dict[str, Any]:
    return {"Records": [{"messageId": "m", "body": text.decode(), "eventSource": "aws:sqs"} for text in records]}


def received(*records: bytes) -> dict[str, Any]:
    return {"Messages": [{"MessageId": "m", "ReceiptHandle": "h", "Body": text.decode()} for text in records]}


def sns(*records: bytes) -> dict[str, Any]:
    return {"Type": "Notification", "MessageId": "m", "TopicArn": "arn:t", "Message": records[0].decode()}


def kinesis(*records: bytes) -> dict[str, Any]:
    return {
        "Records": [
            {"kinesis": {"data": b64(text), "sequenceNumber": "1"}, "eventSource": "aws:kinesis"} for text in records
        ]
    }


MANY = {"firehose": firehose, "logs": logs, "sqs": sqs, "received": received, "kinesis": kinesis}
ONE = {"event": event, "sns": sns}


def bytes_of(envelope: dict[str, Any]) -> bytes:
    return json.dumps(envelope).encode()


@pytest.mark.parametrize("name", [*MANY, *ONE])
def test_records_are_taken_out(name: str, tmp_path: Path) -> None:
    """Through lake and warehouse: no dead letter, and a second load finds nothing new."""
    pairs = [(narrow("a"), narrow("b")), (narrow("c"), narrow("d"))]
    count = 2 if name in MANY else 1
    wrap = (MANY | ONE)[name]
    text = b"\n".join(bytes_of(wrap(*(jsonl([record]) for record in pair[:count]))) for pair in pairs)
    (tmp_path / "in.json").write_bytes(jsonl([narrow("plain")]) + text)
    with opened(tmp_path / "home", NARROW) as home:
        result = load_into(home, tmp_path / "in.json", obj=NARROW)
        expected = ["a", "b", "c", "d"] if count == 2 else ["a", "c"]
        assert [row["id"] for row in table(home, NARROW)] == [*expected, "plain"]
        assert result.counts.read == result.counts.inserted == len(expected) + 1
        assert letters(home, NARROW) == []
        assert load_into(home, tmp_path / "in.json", obj=NARROW).batches == 0
        assert totals(home, NARROW).read == len(expected) + 1


def test_each_record_has_its_own_position_and_a_plan_is_read_again(tmp_path: Path) -> None:
    """The offset of the envelope and the index in it; the batch of a plan is the same again."""
    inner = [jsonl([narrow(f"k{number}")]) for number in range(3)]
    (tmp_path / "in.json").write_bytes(bytes_of(logs(*inner)) + bytes_of(sqs(*inner[:2])))
    files = listing.list_files([str(tmp_path / "in.json")])
    (framed,) = read_batches(files, {}, "narrow")
    start = len(bytes_of(logs(*inner)))
    assert list(framed.offsets) == [0, 1, 2, start, start + 1]
    again = reread(framed.plan)
    assert (list(again.texts), list(again.offsets)) == (list(framed.texts), list(framed.offsets))


@given(names=st.lists(st.sampled_from(sorted(MANY | ONE)), min_size=1, max_size=3))
def test_envelopes_within_envelopes(names: list[str]) -> None:
    """In any order, up to the depth that is undone."""
    text = jsonl([narrow("deep")])
    for name in names:
        text = bytes_of((MANY | ONE)[name](text))
    assert unwrap(text, "ContactId") == [jsonl([narrow("deep")])] or json.loads(unwrap(text, "ContactId")[0]) == narrow(
        "deep"
    )


@pytest.mark.parametrize(
    "text",
    [
        {"version": 1, "id": "x"}, {"detail": {"ContactId": "a"}}, {"Records": "no list"}, {"Records": [{"s3": {}}]},
        {"rawData": "!!!"}, {"rawData": 5}, {"logEvents": [{"message": 5}]}, {"Message": "of no topic"},
        firehose(b"{broken"), logs(b"START RequestId: 1"), {"ContactId": "a", "Records": [{"body": "{}"}]},
        {"id": "a", "ContactId": "b", "detail-type": "x", "detail": {}},
    ],
)  # fmt: skip
def test_what_is_no_envelope_stays_as_it_is(text: dict[str, Any]) -> None:
    """Also a record that has such a key, and an envelope of something else: it is set aside whole."""
    assert unwrap(bytes_of(text), "ContactId") is None


def test_a_control_message_holds_nothing() -> None:
    """CloudWatch sends one to see whether the destination is there."""
    text = bytes_of({"messageType": "CONTROL_MESSAGE", "logEvents": [{"id": "", "message": "CWL CONTROL MESSAGE"}]})
    assert unwrap(text, "ContactId") == []
