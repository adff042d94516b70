"""Items of DynamoDB in plain files: what the AWS CLI prints, what Kinesis and Java write."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from dynamo_tables import CREATED, FIRST_SEQUENCE, call, change, scorecard
from homes import assert_adds_up, letters, load_into, opened, table, totals
from hypothesis import given, settings
from hypothesis import strategies as st

from trunkline.objects.post_call.call import CALL
from trunkline.pipelines.home import Home
from trunkline.pipelines.jobs.load import replay
from trunkline.pipelines.runner import Runner
from trunkline.records import KeptLetter
from trunkline.sources.dynamodb.values import upper_tags
from trunkline.sources.files.reader import FileSource

JAVA_TAGS = {
    "S": "s",
    "N": "n",
    "B": "b",
    "M": "m",
    "L": "l",
    "SS": "sS",
    "NS": "nS",
    "BS": "bS",
    "BOOL": "bOOL",
    "NULL": "nULLValue",
}


def java(item: Any, with_nulls: bool = False) -> Any:
    """An item as Java's libraries write it, with the members that are not set as null where wanted."""

    def value(typed: Any) -> Any:
        ((tag, inner),) = typed.items()
        if tag == "M":
            inner = {name: value(member) for name, member in inner.items()}
        if tag == "L":
            inner = [value(member) for member in inner]
        return (dict.fromkeys(JAVA_TAGS.values()) if with_nulls else {}) | {JAVA_TAGS[tag]: inner}

    return {name: value(typed) for name, typed in item.items()}


def kinesis(number: int, name: str = "INSERT", **images: Any) -> dict[str, Any]:
    """A change as Kinesis Data Streams for DynamoDB delivers it: milliseconds, no sequence number."""
    return {
        "awsRegion": "us-east-1", "eventID": f"e-{number}", "eventName": name, "userIdentity": None,
        "recordFormat": "application/json", "tableName": "calls", "eventSource": "aws:dynamodb",
        "dynamodb": {"ApproximateCreationDateTime": CREATED * 1000 + number, "SizeBytes": 100, **images},
    }  # fmt: skip


def loaded(home: Home, path: Path, *documents: Any, indent: int | None = None) -> None:
    path.write_text("".join(json.dumps(document, indent=indent) + "\n" for document in documents))
    os.utime(path, (CREATED, CREATED))
    result = load_into(home, path, obj=home.objects["call"])
    assert_adds_up(result.counts)


def kept_letter(home: Home, letter: Any, payload: bytes) -> KeptLetter:
    """A dead letter with other bytes."""
    return KeptLetter(
        letter.position, letter.payload_hash, payload, len(payload), letter.reason, letter.detail, letter.arrived_at,
        "s3_files",
    )  # fmt: skip


def live(home: Home) -> dict[str, Any]:
    return {row["call_id"]: row for row in table(home, home.objects["call"]) if not row["record_is_deleted"]}


@pytest.mark.parametrize("indent", [None, 4], ids=["compact", "as printed"])
def test_the_output_of_a_scan_is_its_items(tmp_path: Path, indent: int | None) -> None:
    """Each item is a record with the offset of its first byte, of a minute before the file; a second page follows."""
    first = {
        "Items": [call("a"), call("b", queueId={"N": "12345678901234567890"})],
        "Count": 2,
        "ScannedCount": 2,
        "ConsumedCapacity": None,
    }
    with opened(tmp_path / "home") as home:
        loaded(home, tmp_path / "scan.json", first, {"Items": [call("c")], "Count": 1}, {"Items": []}, indent=indent)
        found = live(home)
        assert found.keys() == {"a", "b", "c"}
        assert (found["b"]["queue_id"], found["b"]["agent_name"]) == ("12345678901234567890", "Ann")
        assert found["a"]["record_version"].startswith("2026-02-11 14:33:19.000000/1/")
        text = (tmp_path / "scan.json").read_text()
        positions = home.con.execute("SELECT call_id, record_position FROM post_call_analytics.f_call").fetchall()
        offsets = {name: int(position.rpartition(":")[2]) for name, position in positions}
        assert all(
            json.JSONDecoder().raw_decode(text, offset)[0]["callId"]["S"] == name for name, offset in offsets.items()
        )


def test_items_alone_and_of_one_key_are_items(tmp_path: Path) -> None:
    """`get-item` prints one, and tools write a typed item a line; a plain record among them stays what it is."""
    plain = {"callId": "p", "callTimestampUTC": "2026-02-11T10:00:00Z", "payload": {"direction": "inbound"}}
    with opened(tmp_path / "home") as home:
        loaded(home, tmp_path / "items.json", {"Item": call("a")}, call("b"), plain)
        assert {name: row["direction"] for name, row in live(home).items()} == {
            "a": "outbound", "b": "outbound", "p": "inbound",
        }  # fmt: skip


def test_changes_from_kinesis_end_in_the_last_state(tmp_path: Path) -> None:
    """Whatever their order, by the millisecond in which they were made; a removal removes."""
    changes = [
        kinesis(1, NewImage=call("a", agentName={"S": "first"})), kinesis(3, "MODIFY", NewImage=call("a", agentName={"S": "last"})),
        kinesis(2, "MODIFY", NewImage=call("a", agentName={"S": "second"})),
        kinesis(5, "REMOVE", OldImage=call("b"), Keys={"callId": {"S": "b"}}), kinesis(4, NewImage=call("b")),
    ]  # fmt: skip
    with opened(tmp_path / "home") as home:
        loaded(home, tmp_path / "kinesis.json", *changes)
        assert {name: row["agent_name"] for name, row in live(home).items()} == {"a": "last"}
        newest = change(9, "MODIFY", new=call("a", agentName={"S": "stream"}))
        loaded(home, tmp_path / "stream.json", newest, change(8, "MODIFY", new=call("c")))
        assert {name: row["agent_name"] for name, row in live(home).items()} == {"a": "stream", "c": "Ann"}
        assert live(home)["c"]["record_version"].endswith(f"/3/{FIRST_SEQUENCE + 8:040d}")


def test_removals_follow_the_setting_in_files_too(tmp_path: Path) -> None:
    """What `dynamodb_deletes` leaves out is counted as filtered."""
    with opened(tmp_path / "home", dynamodb_deletes="none") as home:
        loaded(home, tmp_path / "a.json", kinesis(1, NewImage=call("a")), kinesis(2, "REMOVE", OldImage=call("a")))
        assert live(home).keys() == {"a"}
        assert totals(home, home.objects["call"]).filtered == 1


@pytest.mark.parametrize("with_nulls", [False, True])
def test_the_tags_of_javas_libraries_are_read_everywhere(tmp_path: Path, with_nulls: bool) -> None:
    """In scans, in changes and alone, with and without the members that Java writes as null."""
    rich = call(
        "a",
        flags={"L": [{"BOOL": True}, {"NULL": True}, {"N": "1E2"}]},
        tags={"SS": ["y", "x"]},
        S={"M": {"s": {"S": "x"}}},
    )
    with opened(tmp_path / "home") as home:
        loaded(
            home, tmp_path / "java.json", {"Items": [java(rich, with_nulls)]}, java(call("b"), with_nulls),
            kinesis(1, NewImage=java(call("c"), with_nulls)),
        )  # fmt: skip
        found = live(home)
        assert {name: row["agent_name"] for name, row in found.items()} == {"a": "Ann", "b": "Ann", "c": "Ann"}
        assert json.loads(found["a"]["record_unmapped"]) == {
            "payload.flags": [True, None, 100], "payload.tags": {"SS": ["x", "y"]}, "payload.S": {"s": "x"},
        }  # fmt: skip


def test_an_item_that_cannot_be_used_is_set_aside_alone_and_can_be_replayed(tmp_path: Path) -> None:
    """With its own bytes and position; its neighbours load, and after a fix of its bytes it is a call."""
    bad = {**call("bad"), "amount": {"N": "five"}}
    with opened(tmp_path / "home") as home:
        loaded(home, tmp_path / "scan.json", {"Items": [call("a"), bad, call("c")]})
        assert live(home).keys() == {"a", "c"}
        (letter,) = letters(home, CALL)
        assert (letter.reason, letter.detail) == ("wrong_type", "attribute amount: N must be a number")
        assert letter.length == len(json.dumps(bad))
        assert replay(home, CALL, [letter]).counts.dead_letter == 1
        # What an older version could not read is read by a newer one from the same bytes.
        fixed = kept_letter(home, letter, json.dumps(call("bad")).encode())
        text, mark = FileSource(Runner(home, CALL).context).revive(fixed) or ("", None)
        assert json.loads(text)["payload"]["agentName"] == "Ann"
        assert mark is not None


def test_other_objects_do_not_look_for_items(tmp_path: Path) -> None:
    """A record of Connect with a key `Items` is one record."""
    with opened(tmp_path / "home") as home:
        path = tmp_path / "contacts.json"
        path.write_text(json.dumps({"Items": [call("a")]}) + "\n")
        assert load_into(home, path).counts.dead_letter == 1


typed_values = st.deferred(
    lambda: st.one_of(
        st.text(max_size=5).map(lambda text: {"S": text}), st.integers(0, 99).map(lambda number: {"N": str(number)}),
        st.booleans().map(lambda value: {"BOOL": value}), st.just({"NULL": True}), st.just({"SS": ["a"]}),
        st.lists(typed_values, max_size=2).map(lambda values: {"L": values}),
        st.dictionaries(st.sampled_from(["s", "S", "m", "x", "nULLValue"]), typed_values, max_size=2).map(lambda members: {"M": members}),
    )
)  # fmt: skip


@settings(max_examples=100)
@given(st.dictionaries(st.sampled_from(["s", "N", "callId"]), typed_values, max_size=3), st.booleans())
def test_upper_tags_restores_the_item(item: Any, with_nulls: bool) -> None:
    """Whatever the attributes are called, also like a tag."""
    assert json.loads(upper_tags(json.dumps(java(item, with_nulls)).encode())) == item
    assert json.loads(upper_tags(json.dumps(item).encode())) == item


def test_scorecards_have_their_shape_in_files_too(tmp_path: Path) -> None:
    """What the stream does to an item, a file's item gets too."""
    with opened(tmp_path / "home") as home:
        path = tmp_path / "cards.json"
        path.write_text(
            json.dumps({"Items": [scorecard("g", scores={"M": {"newSkill": {"M": {"score": {"N": "4"}}}}})]})
        )
        load_into(home, path, obj=home.objects["scorecard"])
        (row,) = table(home, home.objects["scorecard"])
        assert row["call_timestamp_utc"] is not None
        assert [key for key, _ in dict(row["other_scores"]).items()] == ["newSkill"]
