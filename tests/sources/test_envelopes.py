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

from trunkline.objects.contact_record import CONTACT_RECORD
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


ITEM = {"callId": {"S": "a"}, "queueId": {"N": "1"}}
CHANGE = {"eventName": "INSERT", "dynamodb": {"NewImage": ITEM, "Keys": {"callId": {"S": "a"}}}}
NAMED: list[tuple[dict[str, Any], str]] = [
    ({"Items": [ITEM], "Count": 1}, "items of a DynamoDB table, as a scan or an export writes them: `trunkline load call FILE`"),
    ({"Item": {"x": {"S": "a"}}}, "`trunkline load OBJECT FILE` reads it, with the object that the setting dynamodb_tables"),
    (ITEM, "an item of a DynamoDB table in DynamoDB's own form: `trunkline load call FILE`"),
    (CHANGE, "a change of a DynamoDB table: `trunkline load call FILE`"),
    (kinesis(json.dumps(CHANGE).encode()), "a change of a DynamoDB table: `trunkline load call FILE`"),
    (event(b'{"contactId":"c","eventType":"INITIATED"}'), "a contact event: `trunkline load contact_event FILE` reads it"),
    ({"detail-type": "Scheduled Event", "detail": "{}"}, "an event of EventBridge (Scheduled Event), whose detail is not a"),
    ({"detail-type": "+15550100", "detail": "{}"}, "an event of EventBridge, whose detail is not a record of contact_record"),
    (logs(b"START RequestId: 1"), "a subscription of CloudWatch Logs, whose messages are not records of contact_record"),
    ({"rawData": "!!!", "errorCode": "Lambda.Failed"}, "Firehose's error output, whose rawData is not JSON"),
    (firehose(b'{"AgentARN":"a","EventType":"LOGIN"}'), "a record of agent_event: `trunkline load contact_record,agent_event FILE` reads files that hold both"),
    ({"Records": [{"eventSource": "aws:s3", "s3": {}}]}, "`trunkline load contact_record s3://BUCKET/KEY` reads the file that it"),
    (sqs(b"plain text"), "a message of SQS, SNS or Kinesis, whose body is not a record of contact_record"),
    (sns(b'{"jobName":"j","results":{"items":[]}}'), "a transcript: `trunkline load transcript FILE` reads it"),
    (sqs(b'{"guid":"g","score":1}'), "a record of scorecard: `trunkline load scorecard FILE` reads it"),
]  # fmt: skip


def test_what_is_not_the_objects_is_named_with_the_command_that_reads_it(tmp_path: Path) -> None:
    """Envelopes of other things, and other objects' records within envelopes; a plain record without a key is not."""
    documents = [*(document for document, _ in NAMED), {"Channel": "VOICE"}]
    (tmp_path / "in.json").write_bytes(b"\n".join(map(bytes_of, documents)))
    with opened(tmp_path / "home", CONTACT_RECORD) as home:
        result = load_into(home, tmp_path / "in.json", obj=CONTACT_RECORD)
        kept = sorted(letters(home, CONTACT_RECORD), key=lambda letter: int(letter.position.rpartition(":")[2]))
        details = [letter.detail for letter in kept]
    assert result.is_useless
    assert sum(result.reasons.values()) == len(documents)
    beginning = "no value for the key contact_id"
    assert details.count(beginning) == 1
    for (_, sentence), detail in zip(NAMED, details, strict=False):
        assert detail.startswith(f"{beginning}; the record is ")
        assert sentence in detail
        assert "+1555" not in detail


def test_half_of_a_character_in_what_may_be_an_envelope() -> None:
    """It is U+FFFD in the record within, and no reason to stop a load where the record is no envelope."""
    text = jsonl([narrow("a")])[:-1] + b',"Note":"Zoe \\ud83d"}'
    (record,) = unwrap(b'{"detail-type":"x","detail":' + text + b"}", "ContactId") or []
    assert json.loads(record)["Note"] == "Zoe \ufffd"
    assert unwrap(b'{"id":"Zoe \\ud83d"}', "ContactId") is None


def test_a_control_message_holds_nothing() -> None:
    """CloudWatch sends one to see whether the destination is there."""
    text = bytes_of({"messageType": "CONTROL_MESSAGE", "logEvents": [{"id": "", "message": "CWL CONTROL MESSAGE"}]})
    assert unwrap(text, "ContactId") == []
