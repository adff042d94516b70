"""A Kinesis stream: lineage of shards, what fails on the way, records told apart by shape, Lambda's event."""

from __future__ import annotations

import base64
import json
import time
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from homes import NARROW, contact, letters, narrow, opened, table, totals
from kinesis_fake import ARN, FIRST_SEQUENCE, FakeFanOut, FakeKinesis, FakeShard, one_shard, shard_id

from trunkline.errors import RecordError, TerminalError, TransientError, UsageError
from trunkline.objects.agents.agent_event import AGENT_EVENT
from trunkline.objects.contact_event import CONTACT_EVENT
from trunkline.objects.contact_record import CONTACT_RECORD
from trunkline.pipelines.home import Home
from trunkline.pipelines.jobs.follow import follow_kinesis
from trunkline.pipelines.runner import LoadResult, Runner
from trunkline.records import ReceivedRecord
from trunkline.sources.kinesis.framing import is_of, one_object, shape_of, split_by_bytes
from trunkline.sources.kinesis.lambda_events import received_of_event
from trunkline.sources.kinesis.shards import KinesisFollowing
from trunkline.sources.kinesis.source import KinesisDelivery, KinesisSource

FIRST, SECOND, THIRD, FOURTH = map(shard_id, range(4))
AGENT: dict[str, Any] = {
    "AgentARN": "arn:x/agent/a-1", "EventType": "LOGIN", "EventId": "e-1", "EventTimestamp": "2026-03-03T10:00:00.000Z",
    "InstanceARN": "arn:x:instance/i-1", "Version": "2017-10-01", "AWSAccountId": "111122223333",
    "CurrentAgentSnapshot": None, "PreviousAgentSnapshot": None,
}  # fmt: skip
EVENT: dict[str, Any] = {
    "version": "0", "id": "v-1", "detail-type": "Amazon Connect Contact Event", "source": "aws.connect",
    "time": "2026-03-03T10:00:00Z", "detail": {"eventType": "INITIATED", "contactId": "c-1"},
}  # fmt: skip
CONTACT = contact("c-1") | {"AWSContactTraceRecordFormatVersion": "2017-03-10"}


def follow(home: Home, client: FakeKinesis, **options: Any) -> LoadResult:
    following = KinesisFollowing("calls", client, until_idle=True, sleep=lambda _: None, **options)
    (result,) = follow_kinesis(home, [NARROW], following)
    return result


def ids(home: Home) -> list[str]:
    return [row["id"] for row in table(home, NARROW)]


def resharded() -> FakeKinesis:
    """Two shards that were merged, and the merged one split again in the middle of the day; all but two are closed."""
    return FakeKinesis({
        FIRST: FakeShard(is_closed=True),
        SECOND: FakeShard(is_closed=True),
        THIRD: FakeShard(parents=(FIRST, SECOND), is_closed=True),
        FOURTH: FakeShard(parents=(THIRD,)),
        shard_id(4): FakeShard(parents=(THIRD,)),
    })  # fmt: skip


def test_parents_are_read_before_their_children(tmp_path: Path) -> None:
    """However the shards are listed: both parents of a merge, then the merged shard, then what it was split into."""
    client = resharded()
    for number, shard in enumerate((FIRST, SECOND, THIRD, FOURTH, shard_id(4))):
        client.put(shard, *(narrow(f"{number}-{place}") for place in range(5)))
    with opened(tmp_path, NARROW) as home:
        result = follow(home, client)
        assert (result.counts.inserted, result.files) == (25, 5)
        assert len(ids(home)) == 25
    first = {shard: client.reads.index(shard) for shard in client.shards}
    last = {shard: len(client.reads) - client.reads[::-1].index(shard) for shard in client.shards}
    assert max(last[FIRST], last[SECOND]) <= first[THIRD]
    assert last[THIRD] <= min(first[FOURTH], first[shard_id(4)])


def test_a_stream_is_resharded_while_it_is_followed(tmp_path: Path) -> None:
    """Between two runs and within one: a shard ends, its children are found at once, and nothing is read twice."""
    client = one_shard()
    client.put(FIRST, narrow("a"), narrow("b"))
    with opened(tmp_path, NARROW) as home:
        assert follow(home, client).counts.read == 2
        client.put(FIRST, narrow("c"))
        client.shards[FIRST].is_closed = True
        client.shards |= {SECOND: FakeShard(parents=(FIRST,)), THIRD: FakeShard(parents=(FIRST,))}
        client.put(SECOND, narrow("d"))
        client.put(THIRD, narrow("e"))

        def split_again(records: Any) -> None:
            if any(b'"e"' in record.data for record in records) and FOURTH not in client.shards:
                client.shards[THIRD].is_closed = True
                client.shards[FOURTH] = FakeShard(parents=(THIRD,))
                client.put(FOURTH, narrow("f"))

        assert follow(home, client, watch=split_again).counts.read == 4
        assert ids(home) == ["a", "b", "c", "d", "e", "f"]
        client.reads.clear()
        assert follow(home, client).counts.read == 0
        assert set(client.reads) == {SECOND, FOURTH}


def test_a_closed_shard_that_never_ends_is_left(tmp_path: Path) -> None:
    """Emulators give a next iterator for ever: a closed shard that is read to the tip is over all the same."""

    class Endless(FakeKinesis):
        def get_records(self, **arguments: Any) -> Any:
            answer = super().get_records(**arguments)
            return {"NextShardIterator": arguments["ShardIterator"].partition("|")[0] + "|9", **answer}

    client = Endless({FIRST: FakeShard(is_closed=True), SECOND: FakeShard(parents=(FIRST,))})
    client.put(FIRST, narrow("a"))
    client.put(SECOND, narrow("b"))
    with opened(tmp_path, NARROW) as home:
        follow(home, client)
        assert ids(home) == ["a", "b"]


def test_an_iterator_expires_and_reads_are_throttled(tmp_path: Path) -> None:
    """A shard is opened again after what was read; a throttled one waits longer each time, and the others go on."""
    client = FakeKinesis({FIRST: FakeShard(), SECOND: FakeShard()}, expire=2, throttle=3)
    for shard in (FIRST, SECOND):
        client.put(shard, *(narrow(f"{shard[-1]}{number}") for number in range(5)))
    with opened(tmp_path, NARROW) as home:
        assert follow(home, client).counts.inserted == 10
        client.throttle = 1_000
        client.put(FIRST, narrow("z"))
        with pytest.raises(TransientError, match="ProvisionedThroughputExceededException to Operation"):
            follow(home, client)
        client.throttle = 0
        assert follow(home, client).counts.read == 1


def test_records_that_expired_unread_are_reported(tmp_path: Path) -> None:
    """A shard whose last read record is no longer there, and one that is no longer listed: with --accept-gap it goes on."""
    client = one_shard()
    client.put(FIRST, *map(narrow, "abcde"))
    with opened(tmp_path, NARROW) as home:
        follow(home, client)
        client.put(FIRST, *map(narrow, "fgh"))
        client.shards[FIRST].trimmed = 6
        for _ in range(2):
            with pytest.raises(TerminalError, match="expired before they were read.*--accept-gap"):
                follow(home, client)
        assert follow(home, client, accept_gap=True).counts.read == 2
        assert ids(home) == [*"abcdegh"]
        assert follow(home, client).counts.read == 0
        del client.shards[FIRST]
        client.shards[SECOND] = FakeShard()
        client.put(SECOND, narrow("i"))
        with pytest.raises(TerminalError, match=FIRST):
            follow(home, client)
        assert follow(home, client, accept_gap=True).counts.read == 1
        assert follow(home, client).counts.read == 0


def test_a_stream_that_was_made_anew_is_read_from_its_beginning(tmp_path: Path) -> None:
    """The same name and shard ids; old positions do not apply."""
    client = one_shard()
    client.put(FIRST, narrow("a"), narrow("b"), narrow("c"))
    with opened(tmp_path, NARROW) as home:
        follow(home, client)
        again = one_shard()
        again.created_at = datetime.fromisoformat("2026-04-01T00:00:00+00:00")
        again.put(FIRST, narrow("d"))
        assert follow(home, again).counts.inserted == 1


def test_one_reading_serves_every_object(tmp_path: Path) -> None:
    """Contact records, agent events and contact events in one stream: each to its object, and what is none set aside."""
    client = one_shard(page=100)
    client.put(FIRST, CONTACT, AGENT, EVENT, {"nobody": "knows"}, b"{broken")
    objs = [CONTACT_RECORD, AGENT_EVENT]
    seen: list[ReceivedRecord] = []
    with opened(tmp_path, *objs) as home:
        following = KinesisFollowing("s", client, until_idle=True, sleep=lambda _: None, watch=seen.extend)
        contacts, agents = follow_kinesis(home, objs, following)
        assert len(client.reads) == 2
        assert (contacts.counts.inserted, contacts.counts.filtered, contacts.counts.dead_letter) == (1, 2, 2)
        assert (agents.counts.inserted, agents.counts.filtered, agents.counts.dead_letter) == (1, 4, 0)
        assert [row["event_id"] for row in table(home, AGENT_EVENT)] == ["e-1"]
        assert {letter.reason for letter in letters(home, CONTACT_RECORD)} == {"missing_key", "invalid_json"}
        assert letters(home, AGENT_EVENT) == []
    assert [(record.uri, int(record.sequence)) for record in seen] == [
        (f"{ARN}/{FIRST}", FIRST_SEQUENCE + number) for number in range(5)
    ]


def test_an_object_that_joins_later_reads_what_it_lacks(tmp_path: Path) -> None:
    """The stream is read from the oldest position of all; those who are further ahead count nothing twice."""
    client = one_shard()
    client.put(FIRST, CONTACT, AGENT, AGENT | {"EventId": "e-2"})
    objs = [CONTACT_RECORD, AGENT_EVENT]
    with opened(tmp_path, *objs) as home:
        following = KinesisFollowing("s", client, until_idle=True, sleep=lambda _: None)
        follow_kinesis(home, objs[:1], following)
        contacts, agents = follow_kinesis(home, objs, following)
        assert (contacts.counts.read, agents.counts.read, agents.counts.inserted) == (0, 3, 2)


def test_the_live_state_gets_what_it_has_not_seen(tmp_path: Path) -> None:
    """Its positions may be behind those of the lake: the stream is read from there, and the lake counts nothing twice."""
    client = one_shard()
    client.put(FIRST, *map(narrow, "abc"))
    seen: list[ReceivedRecord] = []
    with opened(tmp_path, NARROW) as home:
        follow(home, client)
        behind = {f"{ARN}/{FIRST}": str(FIRST_SEQUENCE)}
        assert follow(home, client, watch=seen.extend, watched=behind).counts.read == 0
    assert [json.loads(record.data)["ContactId"] for record in seen] == ["b", "c"]


def test_records_are_pushed_to_a_consumer(tmp_path: Path) -> None:
    """Enhanced fan-out: subscriptions end and break off, a shard ends and has children; each record once, in order."""
    client = FakeFanOut({FIRST: FakeShard(is_closed=True), SECOND: FakeShard(parents=(FIRST,))}, break_off=2)
    client.put(FIRST, *(narrow(f"a{number}") for number in range(9)))
    client.put(SECOND, *(narrow(f"b{number}") for number in range(9)))
    seen: list[str] = []
    with opened(tmp_path, NARROW) as home:
        for _ in range(2):
            following = KinesisFollowing(
                "s", client, fan_out="ours", until_idle=True, sleep=lambda _: time.sleep(0.01),
                watch=lambda records: seen.extend(json.loads(record.data)["ContactId"] for record in records),
            )  # fmt: skip
            follow_kinesis(home, [NARROW], following)
        counts = totals(home, NARROW)
        assert (counts.read, counts.inserted) == (18, 18)
        assert seen == sorted(seen)
        client.put(SECOND, *(narrow(f"b{number}") for number in range(9, 12)))
        client.shards[SECOND].trimmed = 10
        with pytest.raises(TerminalError, match="expired before they were read"):
            follow_kinesis(home, [NARROW], following)
    assert client.consumers == {"ours": "ACTIVE"}


def test_many_shards_share_a_round(tmp_path: Path) -> None:
    """A round holds no more than it gathers and one read; every shard has its turn, and expired ones are forgotten."""
    client = FakeKinesis({shard_id(number): FakeShard() for number in range(6)})
    for number in range(6):
        client.put(shard_id(number), *(narrow(f"{number}{place}") for place in range(6)))
    size = len(client.shards[FIRST].records[0][1])
    with opened(tmp_path, NARROW) as home:
        assert follow(home, client, gather_bytes=4 * size).counts.inserted == 36
        assert client.reads[:6] == [shard_id(number) for number in range(6)]
        assert follow(home, client).files == 6
        for number in range(3):
            client.shards[shard_id(number)].is_closed = True
        follow(home, client)
        for number in range(3):
            del client.shards[shard_id(number)]
        assert follow(home, client).files == 3


def test_the_lag_is_reported(tmp_path: Path) -> None:
    """From how far behind the first read is, down to nothing."""
    client = one_shard()
    client.put(FIRST, *map(narrow, "abcde"))
    lags: list[int] = []
    with opened(tmp_path, NARROW) as home:
        follow(home, client, notify_lag=lags.append)
    assert lags == sorted(lags, reverse=True)
    assert (lags[0], lags[-1]) == (3000, 0)


def test_it_ends_when_time_is_over(tmp_path: Path) -> None:
    """An open stream without `until_idle`: what was gathered is durable at the end."""
    client = one_shard()
    client.put(FIRST, *map(narrow, "abcde"))
    with opened(tmp_path, NARROW) as home:
        following = KinesisFollowing(
            "s", client, gather_s=3600, sleep=lambda _: None, is_over=lambda: len(client.reads) > 4
        )
        (result,) = follow_kinesis(home, [NARROW], following)
        assert (result.counts.inserted, result.batches) == (5, 1)


def test_ctrl_c_at_any_read_leaves_a_consistent_state(tmp_path: Path) -> None:
    """Stopped while records are gathered: none of them is stored, and the next run reads each once."""
    client = one_shard()
    client.put(FIRST, *(narrow(f"{number:02}") for number in range(40)))
    size = len(client.shards[FIRST].records[0][1])
    with opened(tmp_path, NARROW) as home:
        for stop_at in range(1, 6):
            reads = 0

            def stop(records: Any, last: int = stop_at) -> None:
                nonlocal reads
                reads += 1
                if reads == last:
                    raise KeyboardInterrupt

            with pytest.raises(KeyboardInterrupt):
                follow(home, client, gather_s=3600, gather_bytes=4 * size, watch=stop)
            assert ids(home) == [f"{number:02}" for number in range(len(ids(home)))]
        assert ids(home)
        follow(home, client)
        counts = totals(home, NARROW)
        assert (counts.read, counts.inserted, len(ids(home))) == (40, 40, 40)


def test_what_is_gathered_is_bounded(tmp_path: Path) -> None:
    """A batch holds no more than the setting's bytes, and a round no more than what it gathers plus one read."""
    client = one_shard()
    client.put(FIRST, *map(narrow, "abcdefgh"))
    size = len(client.shards[FIRST].records[0][1])
    with opened(tmp_path, NARROW, batch_bytes=3 * size) as home:
        result = follow(home, client, gather_s=3600, gather_bytes=4 * size)
        assert (result.counts.inserted, result.batches) == (8, 4)
    records = [ReceivedRecord("s", str(number), b"x" * 10, datetime(2026, 3, 3)) for number in range(5)]
    assert [len(part) for part in split_by_bytes(records, 25)] == [2, 2, 1]
    assert [len(part) for part in split_by_bytes(records, 1)] == [1] * 5


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "invalid_json"), (b" \n", "invalid_json"), (b"[1]", "not_an_object"), (b'"x"', "not_an_object"),
        (b"17", "not_an_object"), (b"{}{}", "invalid_json"), (b'{"a": NaN}', "invalid_json"), (b'{"a": 1', "truncated"),
        (b'{"a": "\xff"}', "invalid_utf8"), (b'{"a":' * 300 + b"1" + b"}" * 300, "too_deep"), (b"\x1f\x8b", "invalid_json"),
    ],
)  # fmt: skip
def test_what_is_no_object_says_why(data: bytes, code: str) -> None:
    """One record is one JSON object."""
    with pytest.raises(RecordError) as caught:
        one_object(data)
    assert caught.value.code == code


def test_white_space_and_half_a_surrogate_pair_are_no_reason() -> None:
    """The newline of a producer is left out; what the flattener can read is passed on."""
    assert one_object(b' {"a": 1}\r\n') == b'{"a": 1}'
    assert one_object(rb'{"a": "\ud83d"}') == rb'{"a": "\ud83d"}'


def test_shapes() -> None:
    """By the keys that every record of an object has; the anchor alone decides for what is none of Amazon's objects."""
    records = {name: json.dumps(record).encode() for name, record in (("c", CONTACT), ("a", AGENT), ("e", EVENT))}
    assert {name: shape_of(record) for name, record in records.items()} == {
        "c": "contact_record", "a": "agent_event", "e": "contact_event",
    }  # fmt: skip
    assert shape_of(b"{}") is None
    for obj, mine in ((CONTACT_RECORD, "c"), (AGENT_EVENT, "a"), (CONTACT_EVENT, "e"), (NARROW, "c")):
        assert {name for name, record in records.items() if is_of(obj, record)} == {mine}
    assert is_of(CONTACT_RECORD, b"{}")
    assert not is_of(CONTACT_RECORD, b"{}", takes_unknown=False)


def event(*payloads: Any, first: int = 0) -> dict[str, Any]:
    """An event as Lambda delivers it (developer guide, "Using Lambda to process records from Kinesis")."""
    return {"Records": [
        {
            "kinesis": {
                "kinesisSchemaVersion": "1.0", "partitionKey": "1", "sequenceNumber": str(FIRST_SEQUENCE + first + place),
                "data": base64.b64encode(json.dumps(payload).encode()).decode(),
                "approximateArrivalTimestamp": 1772539200.987,
            },
            "eventSource": "aws:kinesis", "eventVersion": "1.0",
            "eventID": f"{FIRST}:{FIRST_SEQUENCE + first + place}", "eventName": "aws:kinesis:record",
            "invokeIdentityArn": "arn:aws:iam::1:role/r", "awsRegion": "eu-west-2", "eventSourceARN": ARN,
        }
        for place, payload in enumerate(payloads)
    ]}  # fmt: skip


def test_lambda_delivers_the_records_of_the_shard(tmp_path: Path) -> None:
    """The same positions as when the shard is read, so that a record that comes by both ways is a duplicate."""
    client = one_shard()
    client.put(FIRST, narrow("a"), narrow("b"))
    with opened(tmp_path, NARROW) as home:
        runner = Runner(home, NARROW)
        delivered = KinesisDelivery(received_of_event(event(narrow("a"), narrow("b"))))
        assert runner.run(KinesisSource(runner.context, delivered=delivered)).counts.inserted == 2
        question = "SELECT record_position, record_arrived_at FROM connect.f_narrow ORDER BY id LIMIT 1"
        assert home.warehouse.query(question) == [
            (f"{ARN}/{FIRST}:{FIRST_SEQUENCE}", datetime(2026, 3, 3, 12, 0, 0, 987000))
        ]
        # What Lambda delivered moves nobody's position on: there may be gaps.
        assert follow(home, client).counts.duplicate == 2
        counts = totals(home, NARROW)
        assert (counts.read, counts.inserted, counts.duplicate) == (4, 2, 2)


def test_the_same_delivery_is_the_same_batch() -> None:
    """And another split of it is another batch over the same positions."""
    context: Any = type("Context", (), {"obj": NARROW})
    whole = [KinesisSource(context, delivered=KinesisDelivery(received_of_event(event(*map(narrow, "ab")))))] * 2
    plans = [framed.plan for source in whole for framed in source.read({}) if framed]
    assert plans[0] == plans[1]
    half = KinesisSource(context, delivered=KinesisDelivery(received_of_event(event(narrow("b"), first=1))))
    (framed,) = half.read({})
    assert framed is not None
    assert framed.plan.batch_id != plans[0].batch_id
    assert framed.offsets == [FIRST_SEQUENCE + 1]


@pytest.mark.parametrize("wrong", [{}, {"Records": [{}]}, {"Records": [{"body": "x"}]}, {"detail": {}}])
def test_another_event_is_refused(wrong: dict[str, Any]) -> None:
    """A function that is attached to something else says so."""
    with pytest.raises(UsageError, match="not of a Kinesis stream"):
        received_of_event(wrong)
