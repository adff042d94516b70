"""What earlier versions of Trunkline stored in a lake is still read: ranges had no kind, one form for all sources."""

from __future__ import annotations

import json
from datetime import datetime

import pytest

from trunkline.errors import TerminalError
from trunkline.ledger.records import decode_batch, decode_plan, encode
from trunkline.positions import (
    ApiWindow,
    Delivery,
    FileRange,
    LetterRange,
    Plan,
    Range,
    Snapshot,
    StreamRange,
)

AT = datetime(2026, 3, 8, 12, 30, 15, 250_000)

OLD_FILE_PLAN = b"""{
 "object_name": "contact_record",
 "source": "s3_files",
 "ranges": [
  {"uri": "s3://lake/\\u00e9.json", "version": "etag", "start": 0, "end": 1200, "is_last": false,
   "arrived_at": "2026-03-08T12:30:15.250000"},
  {"uri": "/in/b.json", "version": "12-99", "start": 0, "end": 12, "is_last": true, "arrived_at": "2026-03-08T12:30:15"}
 ]
}"""
OLD_REPLAY_PLAN = b"""{
 "object_name": "contact_record",
 "source": "dead_letter",
 "ranges": [
  {"uri": "/in/a:b.json@12-99:4021", "version": "0123456789abcdef0123456789abcdef#2", "start": 0, "end": 77,
   "is_last": true, "arrived_at": "2026-03-08T12:30:15.250000"}
 ]
}"""
OLD_BATCH = b"""{
 "batch_id": "%s",
 "plan": %s,
 "read": 3, "filtered": 0, "dead_letter": 1, "accepted": 2, "bytes_read": 1212,
 "puts": [{"key": "connect/contact_record/year=2026/month=03/day=08/x.parquet", "rows": 2,
           "partition_date": "2026-03-08"}],
 "letters": [{"position": "/in/b.json@12-99:0", "payload_hash": "ab", "reason": "truncated", "detail": "cut",
              "length": 5, "arrived_at": "2026-03-08T12:30:15"}],
 "drift": {"records": 2, "keys": {"kind": 2}, "unknown": {}, "case_clash": {}, "type_changes": {}},
 "loaded_at": "2026-03-08T12:31:00", "code_version": "0.3.0", "undoes": null
}"""
# As version 0.3 computed them.
FILE_BATCH_ID = "c97a2e5f58c0e590e0bd99a7bb8f4b17"
REPLAY_BATCH_ID = "d044095c48cdc3cd89524231862d6096"


def test_the_id_of_a_file_batch_is_what_it_was() -> None:
    """A retry across the upgrade overwrites what the first attempt put."""
    plan = decode_plan(OLD_FILE_PLAN)
    assert plan.ranges == (
        FileRange("s3://lake/é.json", "etag", 0, 1200, False, AT),
        FileRange("/in/b.json", "12-99", 0, 12, True, AT.replace(microsecond=0)),
    )
    assert plan.batch_id == FILE_BATCH_ID


def test_a_replay_planned_by_an_earlier_version_is_finished() -> None:
    """It names the same dead letter, attempt and batch."""
    plan = decode_plan(OLD_REPLAY_PLAN)
    assert plan.ranges == (LetterRange("/in/a:b.json@12-99:4021", "0123456789abcdef0123456789abcdef", 2, 77, AT),)
    assert (plan.ranges[0].place, plan.ranges[0].first) == ("/in/a:b.json@12-99:", "/in/a:b.json@12-99:4021")
    assert plan.batch_id == REPLAY_BATCH_ID


@pytest.mark.parametrize("source", ["dynamodb_stream", "dynamodb_scan", "connect_api", "transcripts"])
def test_plans_of_other_sources_keep_their_ids(source: str) -> None:
    """They are dropped or merged, for which the id is what matters."""
    old = json.loads(OLD_FILE_PLAN) | {"source": source}
    plan = decode_plan(json.dumps(old).encode())
    assert plan == Plan("contact_record", source, decode_plan(OLD_FILE_PLAN).ranges)


def test_the_accounting_of_a_batch_is_read() -> None:
    """Also where a record had a key that is called as the tag of ranges is."""
    record = decode_batch(OLD_BATCH % (FILE_BATCH_ID.encode(), OLD_FILE_PLAN))
    assert record.batch_id == record.plan.batch_id
    assert (record.read, record.accepted, record.drift.keys) == (3, 2, {"kind": 2})
    assert decode_batch(encode(record)) == record


@pytest.mark.parametrize(
    "span",
    [
        FileRange("f", "v", 1, 2, True, AT),
        StreamRange("arn/shard", "9" * 39, "9" * 40, AT),
        ApiWindow("connect://i/contacts", "v", AT.replace(microsecond=0), datetime(2026, 3, 9), AT),
        Snapshot("dynamodb://t/scan/1", "0of4", 3, 0, 25, AT, '{"id":{"S":"a"}}'),
        Delivery("arn#events", "ab" * 16, 3, AT),
        LetterRange("arn/shard:" + "9" * 40, "cd" * 16, 0, 5, AT),
    ],
    ids=lambda span: type(span).__name__,
)
def test_each_kind_of_range_is_stored_and_read(span: Range) -> None:
    """As it was, with the same batch id; numbers of 40 digits are whole."""
    plan = Plan("o", "s", (span,))
    assert decode_plan(encode(plan)) == plan
    assert decode_plan(encode(plan)).batch_id == plan.batch_id
    assert span.first.startswith(span.place)


@pytest.mark.parametrize("data", [b"{}", b"[]", b"x", OLD_FILE_PLAN.replace(b'"start": 0, ', b"")])
def test_what_is_no_record_is_named(data: bytes) -> None:
    """A damaged object is an error that says what it should be."""
    with pytest.raises(TerminalError, match="Plan"):
        decode_plan(data)
