"""Records of streams: real envelopes, positions, versions, removals and what cannot be used."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from dynamo_tables import CREATED, FIRST_SEQUENCE, arn, call, change

from trunkline.errors import RecordError
from trunkline.objects.post_call.call import CALL
from trunkline.records import Framed
from trunkline.sources.dynamodb.items import Rules, version_text
from trunkline.sources.dynamodb.stream import as_json, frame_event, frame_shard, read_change, read_dead_letter

SAMPLE = Path(__file__).parent.parent / "events" / "dynamodb_stream.json"


def raw(*records: dict[str, Any]) -> list[bytes]:
    return [as_json(one) for one in records]


def test_a_real_event_is_read() -> None:
    """An event as Lambda delivers it: insert and change of one item, the second with both images."""
    records = [as_json(one) for one in json.loads(SAMPLE.read_text())["Records"]]
    first, second = read_change(records[0]), read_change(records[1], datetime(2023, 9, 6, 10, 45, 55))
    assert (first.sequence, first.created_at, first.deleted_by) == (111, datetime(2023, 9, 6, 10, 45, 55), None)
    assert json.loads(first.item or "") == {"Message": {"S": "New item!"}, "Id": {"N": "101"}}
    assert json.loads(second.item or "") == {"Message": {"S": "This item has changed"}, "Id": {"N": "101"}}
    assert first.mark.version < second.mark.version  # type: ignore[operator]


def test_a_record_without_a_time_has_that_of_the_one_before() -> None:
    """The sample's second record says no time. In a shard it follows the first; alone, its version is unknown."""
    records = [as_json(one) for one in json.loads(SAMPLE.read_text())["Records"]]
    framed = frame_shard(CALL, "shard", records, Rules())
    assert framed.marks is not None
    assert [mark.version for mark in framed.marks] == [
        version_text(datetime(2023, 9, 6, 10, 45, 56), 3, sequence) for sequence in (111, 222)
    ]
    (broken,) = frame_shard(CALL, "shard", records[1:], Rules()).broken
    assert broken.reason == "implausible_time"


def test_versions_sort_as_the_changes_were_made() -> None:
    """By second, then by the number itself: 9 comes before 10, and 40 digits fit."""
    marks = [
        read_change(as_json(change(0, new=call("a"), at=at) | {"dynamodb": {
            "ApproximateCreationDateTime": at, "SequenceNumber": number, "NewImage": call("a")}})).mark.version
        for at, number in ((CREATED, "9"), (CREATED, "10"), (CREATED + 0.9, "11"), (CREATED + 1, "1"), (CREATED + 1, "9" * 40))
    ]  # fmt: skip
    assert marks == sorted(marks)  # type: ignore[type-var]
    assert marks[0] == version_text(datetime(2026, 2, 11, 14, 34, 20), 3, 9) == f"2026-02-11 14:34:20.000000/3/{9:040}"
    assert len(marks[0]) <= 128


def test_a_position_is_the_same_however_a_batch_is_cut() -> None:
    """Stream, sequence number, and nothing of the batch: a bisected record has one position in every batch."""
    records = raw(*(change(n, new=call(f"c{n}")) for n in range(4)))

    def positions(framed: Framed) -> list[str]:
        spans = framed.plan.ranges
        pairs = zip(framed.range_indexes, framed.offsets, strict=True)
        return [f"{spans[index].place}{offset}" for index, offset in pairs]

    whole = frame_event(CALL, arn(), records, Rules())
    halves = [frame_event(CALL, arn(), part, Rules()) for part in (records[:2], records[2:])]
    assert positions(whole) == [position for half in halves for position in positions(half)]
    assert positions(whole) == [f"{arn()}:{FIRST_SEQUENCE + n}" for n in range(4)]
    assert len({one.plan.batch_id for one in (whole, *halves)}) == 3
    assert frame_event(CALL, arn(), records, Rules()).plan == whole.plan


def test_removals_by_expiry_and_by_users_are_distinguished() -> None:
    """By time to live, by somebody, and with the key alone where the stream has no old images."""
    ttl = {"type": "Service", "principalId": "dynamodb.amazonaws.com"}
    api = {"Type": "Service", "PrincipalId": "dynamodb.amazonaws.com"}
    records = raw(
        change(1, "REMOVE", old=call("a"), userIdentity=ttl), change(2, "REMOVE", old=call("b"), userIdentity=api),
        change(3, "REMOVE", keys={"callId": {"S": "c"}}, userIdentity={"type": "Role", "principalId": "x"}),
    )  # fmt: skip
    framed = frame_shard(CALL, "shard", records, Rules())
    found = [json.loads(text) for text in framed.texts]
    assert [one["trunkline:deletedBy"] for one in found] == ["ttl", "ttl", "user"]
    assert found[2] == {"trunkline:deletedBy": "user", "callId": "c"}
    assert framed.marks is not None
    assert all(mark.is_deleted for mark in framed.marks)
    assert frame_shard(CALL, "shard", records, Rules("users")).filtered == 2
    none = frame_shard(CALL, "shard", records, Rules("none"))
    assert (none.filtered, list(none.texts), none.read) == (3, [], 3)


@pytest.mark.parametrize(
    ("record", "reason", "detail"),
    [
        (change(1, "INSERT"), "missing_image", "INSERT without NewImage: the stream's view type must be"),
        (change(1, "REMOVE") | {"dynamodb": {"ApproximateCreationDateTime": CREATED, "SequenceNumber": "7"}}, "missing_image", "without keys"),
        (change(1, "TRUNCATE", call("a")), "wrong_type", "eventName must be"),
        (change(1, new={"callId": {"Q": "a"}}), "wrong_type", "typed JSON"),
        (change(1, new=call("a"), at=12), "implausible_time", "before 2010"),
    ],
)  # fmt: skip
def test_an_unusable_record_is_set_aside_whole(record: dict[str, Any], reason: str, detail: str) -> None:
    """With its bytes, its position and a reason; the others of its batch go on."""
    framed = frame_event(CALL, arn(), raw(record, change(2, new=call("b"))), Rules())
    (broken,) = framed.broken
    assert (broken.reason, broken.payload) == (reason, as_json(record))
    assert detail in broken.detail
    assert len(framed.texts) == 1
    assert framed.read == 2


@pytest.mark.parametrize("sequence", ["", "12a", "١", "1" * 41, "-5"])
def test_a_record_without_a_position_is_set_aside_too(sequence: str) -> None:
    """It has a place of its own, so that it is neither lost nor an end of the batch."""
    record = change(1, new=call("a"))
    record["dynamodb"]["SequenceNumber"] = sequence
    with pytest.raises(RecordError):
        read_change(as_json(record))
    for framed in (frame_event(CALL, arn(), raw(record), Rules()), frame_shard(CALL, "s", raw(record), Rules())):
        (broken,) = framed.broken
        assert framed.plan.ranges[broken.range_index].uri.endswith("#unread")
        assert framed.read == 1


def test_a_dead_letter_can_be_read_again() -> None:
    """As the version that it was, once the code or the rule is mended; what is no record is left alone."""
    record = as_json(change(5, new=call("a")))
    found = read_dead_letter(CALL, record, Rules())
    assert found is not None
    assert json.loads(found[0])["callId"] == "a"
    assert found[1] == read_change(record).mark
    assert read_dead_letter(CALL, b'{"callId":"a"}', Rules()) is None
    assert read_dead_letter(CALL, as_json(change(5, "INSERT")), Rules()) is None
