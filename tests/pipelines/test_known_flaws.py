"""Faults that public systems of this field have, each shown to be none of ours, from a file to the table."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from dynamo_fake import FakeShard, FakeStreams
from dynamo_tables import arn, call, change
from homes import assert_adds_up, contact, contacts, letters, load_into, opened, settings_of, table, write
from servers import Databases

from trunkline.errors import UsageError
from trunkline.objects.user.declare import read_objects
from trunkline.pipelines.home import Home, open_home
from trunkline.pipelines.jobs.load import follow
from trunkline.sources.dynamodb.shards import Following


def loaded(home: Home, folder: Path, *records: dict[str, Any]) -> list[dict[str, Any]]:
    """What the table has after these records."""
    result = load_into(home, write(folder / "in" / f"{len(list(folder.glob('in/*')))}", *records))
    assert_adds_up(result.counts)
    assert letters(home) == []
    return table(home, contacts(home))


def test_a_record_without_agent_queue_channel_or_reason_is_a_row(tmp_path: Path) -> None:
    """Systems that take `record["Agent"]` for granted lose who abandoned. Left out or null: the row has NULL."""
    with opened(tmp_path / "home") as home:
        rows = loaded(
            home, tmp_path,
            contact("left-out", Agent=..., Queue=..., Channel=..., CustomerEndpoint=..., Attributes=...),
            contact("null", Agent=None, Queue=None, Channel=None, CustomerEndpoint=None, DisconnectReason=None),
            contact("filled", DisconnectReason="CUSTOMER_DISCONNECT"),
        )  # fmt: skip
    found = {row["contact_id"]: row for row in rows}
    for name in ("left-out", "null"):
        row = found[name]
        names = ("agent_id", "agent_username", "queue_id", "queue_duration_ms", "channel", "disconnect_reason")
        assert {row[column] for column in names} == {None}
    assert (found["filled"]["agent_username"], found["filled"]["queue_duration_ms"]) == ("ann", 5_000)
    assert found["filled"]["disconnect_reason"] == "CUSTOMER_DISCONNECT"


def test_times_with_fractions_offsets_or_nothing_cost_no_record(tmp_path: Path) -> None:
    """A pattern of whole seconds with Z sends fractional and missing times into an error folder without a replay."""
    with opened(tmp_path / "home") as home:
        rows = loaded(
            home, tmp_path,
            contact("fraction", InitiationTimestamp="2026-03-03T10:00:00.123Z"),
            contact("offset", InitiationTimestamp="2026-03-03T05:00:00-05:00"),
            contact("open", DisconnectTimestamp=None),
        )  # fmt: skip
    found = {row["contact_id"]: row for row in rows}
    assert found["fraction"]["initiation_timestamp"].isoformat() == "2026-03-03T10:00:00.123000"
    assert found["offset"]["initiation_timestamp"].isoformat() == "2026-03-03T10:00:00"
    assert found["open"]["disconnect_timestamp"] is None


def test_references_are_records_and_not_texts(tmp_path: Path) -> None:
    """A column fixed as a list of texts cannot hold what is there: objects, none, or nothing."""
    task = {"Name": "Case", "Type": "URL", "Value": "https://example.com/7", "Status": None, "Arn": None}
    with opened(tmp_path / "home") as home:
        rows = loaded(
            home, tmp_path, contact("task", References=[task]), contact("none", References=[]),
            contact("null", References=None),
        )  # fmt: skip
    found = {row["contact_id"]: row["references"] for row in rows}
    assert found["task"][0]["value"] == "https://example.com/7"
    assert (found["none"], found["null"]) == ([], None)


def test_a_changed_record_is_the_same_row_with_attributes_that_nobody_foresaw(tmp_path: Path) -> None:
    """By a hash of bytes a changed record is a second row; with columns per attribute a new attribute is lost."""
    later = {"Tier": "gold", "solved_by_article": "kb-4711"}
    with opened(tmp_path / "home") as home:
        loaded(home, tmp_path, contact("a"))
        (row,) = loaded(home, tmp_path, contact("a", Attributes=later, LastUpdateTimestamp="2026-03-09T10:06:00Z"))
        (again,) = loaded(home, tmp_path, contact("a"))
    assert row["attributes"]["solved_by_article"] == "kb-4711"
    assert again == row


def test_a_record_without_a_version_arrives_and_the_next_one_wins(tmp_path: Path) -> None:
    """Loaders that ask for what is newer than the last time stamp never see rows that have none."""
    with opened(tmp_path / "home") as home:
        (first,) = loaded(home, tmp_path, contact("a", LastUpdateTimestamp=None, Channel="CHAT"))
        assert (first["channel"], first["record_version"]) == ("CHAT", None)
        (second,) = loaded(home, tmp_path, contact("a"))
        assert second["channel"] == "VOICE"
        assert loaded(home, tmp_path, contact("a", LastUpdateTimestamp=None, Channel="TASK")) == [second]


WORDS = """
[object.order]
database = "case"
warehouse_table = "connect.f_order"
key = ["select"]
event_time = "timestamp"
[object.order.columns]
select = { type = "text", path = "Id" }
timestamp = { type = "timestamp", path = "At" }
order = { type = "bigint" }
group = { type = "text" }
references = { type = "text" }
user = { type = "text" }
"""
RECORDS = [
    {"Id": "1", "At": "2026-03-03T10:00:00Z", "order": 123, "group": "a", "references": "b", "user": "c"},
    {"Id": "2", "At": "2026-03-03T10:00:00Z", "order": None, "group": "", "references": "%s; --", "user": None},
]


@pytest.fixture(params=["duckdb", "postgresql"])
def worded(request: pytest.FixtureRequest, tmp_path: Path, postgres_databases: Databases) -> Iterator[Home]:
    """A home with an object all of whose names are reserved words."""
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "objects.toml").write_text(WORDS)
    place = {} if request.param == "duckdb" else {"warehouse": postgres_databases.bare()}
    with open_home(settings_of(tmp_path / "home", **place), is_install=True) as home:
        home.warehouse.install(list(home.objects.values()), [])
        yield home


def test_reserved_words_are_names_like_others(worded: Home, tmp_path: Path) -> None:
    """Table `order` with columns `group`, `select`, `user`: loaded twice, a row each; whole numbers beside NULL stay whole."""
    obj = worded.objects["order"]
    for number in range(2):
        load_into(worded, write(tmp_path / "in" / f"{number}", *RECORDS), obj=obj)
    rows = worded.warehouse.query(
        'SELECT "select", "order", "group", "references", "user" FROM connect.f_order ORDER BY 1'
    )
    assert rows == [("1", 123, "a", "b", "c"), ("2", None, "", "%s; --", None)]
    assert type(rows[0][1]) is int
    assert worded.warehouse.query('SELECT count(*) FROM "case"."order"') == [(2,)]


def test_a_hyphen_in_a_name_is_refused_with_what_is_valid(tmp_path: Path) -> None:
    """It would need quotes in every query that a person writes; the source's own key may have one."""
    path = tmp_path / "objects.toml"
    path.write_text(WORDS.replace("[object.order", '[object."user-list"', 1))
    with pytest.raises(UsageError, match="user-list"):
        read_objects(path)
    path.write_text(WORDS.replace('group = { type = "text" }', 'group = { type = "text", path = "user-group" }'))
    (obj,) = read_objects(path)
    assert obj.by_name["group"].path == ("user-group",)


def test_what_is_no_json_number_is_set_aside_and_not_zero(tmp_path: Path) -> None:
    """What pandas writes as NaN it takes back; in JSON it is nothing, and the record beside it lands."""
    text = json.dumps(contact("a")) + json.dumps(contact("b")).replace('"QualityScore": 4.43', '"QualityScore": NaN')
    (tmp_path / "in").write_text(text)
    with opened(tmp_path / "home") as home:
        counts = load_into(home, tmp_path / "in").counts
        assert (counts.inserted, counts.dead_letter) == (1, 1)
        assert [one.reason for one in letters(home)] == ["invalid_json"]


def test_two_homes_follow_one_stream_and_neither_takes_the_others_place(tmp_path: Path) -> None:
    """Checkpoints by stream and shard alone make two readers share one place; each of ours reads all."""
    changes = [change(n, new=call(f"c{n}")) for n in range(6)]
    client = FakeStreams(arn(), {"shard-1": FakeShard(changes, is_closed=False)})
    for name in ("one", "two"):
        with opened(tmp_path / name) as home:
            obj = home.objects["call"]
            following = Following("calls", client, until_idle=True, sleep=lambda _: None)
            assert follow(home, obj, following).counts.inserted == 6
            assert len(table(home, obj)) == 6
