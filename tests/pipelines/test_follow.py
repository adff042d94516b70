"""A stream followed on one machine: lineage, checkpoints, iterators that age, records that were lost unread."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import boto3
import pytest
from dynamo_fake import FakeShard, FakeStreams
from dynamo_tables import FIRST_SEQUENCE, arn, call, change
from homes import assert_adds_up, letters, opened, table, totals
from moto import mock_aws

from trunkline.errors import TerminalError, UsageError
from trunkline.objects.ledger import POSITION
from trunkline.pipelines.home import Home
from trunkline.pipelines.jobs import load as pipeline
from trunkline.pipelines.runner import LoadResult
from trunkline.sources.dynamodb.shards import Following
from trunkline.sources.dynamodb.tables import enable_stream


def follow(home: Home, client: Any, **options: Any) -> LoadResult:
    following = Following("calls", client, until_idle=True, sleep=lambda _: None, **options)
    result = pipeline.follow(home, home.objects["call"], following)
    assert_adds_up(result.counts)
    return result


def names(home: Home) -> dict[str, str]:
    return {
        row["call_id"]: row["agent_name"] for row in table(home, home.objects["call"]) if not row["record_is_deleted"]
    }


def record(number: int, call_id: str, name: str = "x") -> Any:
    return change(number, "MODIFY", new=call(call_id, agentName={"S": name}))


def family() -> FakeStreams:
    """A closed parent with two children, one closed and one open, and a grandchild."""
    return FakeStreams(arn(), {
        "shard-9-parent": FakeShard([record(n, f"c{n}") for n in range(5)]),
        "shard-1-child": FakeShard([record(10, "c0", "child")], parent="shard-9-parent", is_closed=False),
        "shard-2-child": FakeShard([record(11, "c1", "child")], parent="shard-9-parent"),
        "shard-0-grandchild": FakeShard([record(12, "c1", "grandchild")], parent="shard-2-child", is_closed=False),
    })  # fmt: skip


def test_parents_are_read_to_their_end_before_their_children(tmp_path: Path) -> None:
    """Whatever their names sort like."""
    client = family()
    with opened(tmp_path) as home:
        assert follow(home, client).counts.read == 8
        first = {shard: client.reads.index(shard) for shard in client.shards}
        assert first["shard-9-parent"] < first["shard-2-child"] < first["shard-0-grandchild"]
        assert names(home) == {"c0": "child", "c1": "grandchild", "c2": "x", "c3": "x", "c4": "x"}


def test_a_second_run_continues_where_the_first_ended(tmp_path: Path) -> None:
    """In another process, nothing is read twice; what came meanwhile is read, in a shard opened meanwhile too."""
    client = family()
    with opened(tmp_path) as home:
        follow(home, client)
    client.shards["shard-1-child"].records.append(record(20, "c2", "later"))
    client.shards["shard-1-child"].is_closed = True
    client.shards["shard-3"] = FakeShard([record(21, "c2", "last")], parent="shard-1-child", is_closed=False)
    with opened(tmp_path) as home:
        assert follow(home, client).counts.read == 2
        assert names(home)["c2"] == "last"
        assert follow(home, client).counts.read == 0
        assert totals(home, home.objects["call"]).duplicate == 0


def test_a_run_continues_from_the_positions_of_an_earlier_version(tmp_path: Path) -> None:
    """They are in the ledger, split at 15 digits, and the state has none."""
    client = FakeStreams(arn(), {"shard-1": FakeShard([record(n, f"c{n}") for n in range(5)], is_closed=False)})
    high, low = divmod(FIRST_SEQUENCE + 2, 10**15)
    with opened(tmp_path) as home:
        home.store.put_bytes(b'{"seen":["%s/shard-1"],"done":[]}' % arn().encode(), "_ledger/stream/call/calls.json")
        position = {
            "object": "call", "uri": f"{arn()}/shard-1", "version": str(high), "next_offset": low + 1, "is_complete": False,
        }  # fmt: skip
        home.warehouse.put(POSITION, [position])
        assert follow(home, client).counts.read == 2
        assert names(home).keys() == {"c3", "c4"}


def test_an_expired_iterator_is_renewed(tmp_path: Path) -> None:
    """After what is durable, so that nothing is read twice."""
    client = family()
    client.expire = 3
    with opened(tmp_path) as home:
        assert follow(home, client).counts.read == 8


@pytest.mark.parametrize("is_gone", [False, True], ids=["records trimmed", "shard gone"])
def test_records_lost_unread_are_reported(tmp_path: Path, is_gone: bool) -> None:
    """After more than 24 hours: an error that says what to do, and only with consent it goes on with what is there."""
    client = FakeStreams(arn(), {"shard-1": FakeShard([record(n, f"c{n}") for n in range(3)], is_closed=False)})
    with opened(tmp_path) as home:
        follow(home, client)
        client.shards["shard-1"].records += [record(n, f"c{n}") for n in range(3, 8)]
        client.shards["shard-1"].trimmed = 6
        if is_gone:
            client.shards = {"shard-2": FakeShard([record(20, "c20")], parent="shard-1", is_closed=False)}
        with pytest.raises(TerminalError, match="keeps a stream for 24 hours.*Run a backfill.*--accept-gap"):
            follow(home, client)
        assert follow(home, client, accept_gap=True).counts.read == (1 if is_gone else 2)
        client.shards["shard-2" if is_gone else "shard-1"].records.append(record(30, "c30"))
        assert follow(home, client).counts.read == 1, "a gap that was accepted is not told again"


def test_a_poison_record_does_not_block_its_shard(tmp_path: Path) -> None:
    """It is set aside with its bytes, and what follows it in its shard is read."""
    bad = change(1, new={"callId": {"S": "bad"}, "amount": {"N": "five"}})
    client = FakeStreams(arn(), {"shard-1": FakeShard([record(0, "c0"), bad, record(2, "c2")])})
    with opened(tmp_path) as home:
        assert follow(home, client).counts.dead_letter == 1
        assert set(names(home)) == {"c0", "c2"}
        (letter,) = letters(home, home.objects["call"])
        assert letter.position.startswith(f"{arn()}/shard-1:{FIRST_SEQUENCE + 1}")


def test_a_stream_without_new_images_is_refused(tmp_path: Path) -> None:
    """All its records would be set aside."""
    client = FakeStreams(arn(), {}, view_type="KEYS_ONLY")
    with opened(tmp_path) as home, pytest.raises(UsageError, match="is of type KEYS_ONLY.*enable-stream calls"):
        follow(home, client)


def test_a_real_table_from_enable_to_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Against moto: the stream is switched on once, and inserts, changes and removals come through the real client."""
    monkeypatch.setenv("AWS_ACCOUNT_ID_ENDPOINT_MODE", "disabled")  # moto knows no account's own endpoint of streams
    with mock_aws(), opened(tmp_path) as home:
        client, streams = boto3.client("dynamodb"), boto3.client("dynamodbstreams")
        client.create_table(
            TableName="calls", BillingMode="PAY_PER_REQUEST", KeySchema=[{"AttributeName": "callId", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "callId", "AttributeType": "S"}],
        )  # fmt: skip
        with pytest.raises(UsageError, match="has no stream; run: trunkline enable-stream calls"):
            follow(home, streams)
        stream, was_off = enable_stream(client, "calls", lambda _: None)
        assert was_off
        assert enable_stream(client, "calls", lambda _: None) == (stream, False)
        for number in range(3):
            client.put_item(TableName="calls", Item=call(f"c{number}"))
        client.put_item(TableName="calls", Item=call("c1", agentName={"S": "Bob"}))
        client.delete_item(TableName="calls", Key={"callId": {"S": "c2"}})
        follow(home, streams)
        assert names(home) == {"c0": "Ann", "c1": "Bob"}
        with pytest.raises(UsageError, match="the DynamoDB table nothing does not exist"):
            enable_stream(client, "nothing", lambda _: None)


def test_a_stream_of_another_type_is_not_changed_silently() -> None:
    """DynamoDB cannot change a stream's type; switching it off would stop its readers, so a person decides."""
    with mock_aws():
        client = boto3.client("dynamodb")
        client.create_table(
            TableName="calls", BillingMode="PAY_PER_REQUEST", KeySchema=[{"AttributeName": "callId", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "callId", "AttributeType": "S"}],
            StreamSpecification={"StreamEnabled": True, "StreamViewType": "KEYS_ONLY"},
        )  # fmt: skip
        with pytest.raises(UsageError, match="is on with KEYS_ONLY; NEW_AND_OLD_IMAGES is needed"):
            enable_stream(client, "calls", lambda _: None)
