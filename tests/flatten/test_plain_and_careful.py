"""The plain and the careful reading say the same of every record: which one a record gets must not show in the tables."""

from __future__ import annotations

import itertools
import json
import random
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from flat_rows import flat_rows
from homes import NARROW, Record, contact, narrow

from trunkline.flatten.flattener import Flattener
from trunkline.flatten.privacy import PiiRule
from trunkline.objects import catalogue
from trunkline.objects.model import Object
from trunkline.positions import FileRange, Plan
from trunkline.records import Framed
from trunkline.simulator.run import simulate
from trunkline.simulator.spec import Faults, Spec
from trunkline.sources.files import listing
from trunkline.sources.files import reader as s3_files
from trunkline.sql.flatten.values import tree_of

AT = datetime(2026, 3, 8, 12)
CONTACT = catalogue.load([])["contact_record"]
Read = tuple[list[dict[str, Any]], list[tuple[str, str, str]]]


class AllCareful(Flattener):
    """Reads every record with care."""

    def _insert_plain(self, work: object) -> None:
        """Leave all records."""


def read(flattener: Flattener, framed: Framed) -> Read:
    """Rows in order, and position, hash and reason of what is set aside."""
    result = flattener.flatten(framed, AT)
    rows = flat_rows(flattener, result)
    return rows, sorted((one.position, one.payload_hash, one.reason) for one in result.dead_letters)


@cache
def flattener_of(kind: type[Flattener], obj: Object, pii: str) -> Flattener:
    """One flattener for all tests: making one costs more than using it."""
    return kind(obj, PiiRule(pii, b"key", frozenset({"Kept"})))


def assert_same(obj: Object, framed: Framed, pii: str = "hash") -> None:
    """Both readings give equal rows and set the same records aside for the same reasons."""
    plain = read(flattener_of(Flattener, obj, pii), framed)
    careful = read(flattener_of(AllCareful, obj, pii), framed)
    assert plain[1] == careful[1]
    assert len(plain[0]) == len(careful[0])
    for row, other in zip(plain[0], careful[0], strict=True):
        differing = [name for name, value in row.items() if value != other[name]]
        assert differing == [], framed.texts[row["record_row"]][:200]


def framed_texts(obj: Object, texts: list[str]) -> Framed:
    """A batch of these texts."""
    plan = Plan(obj.name, "test", (FileRange("file", "1", 0, 100, True, AT),))
    return Framed(plan, texts, [0] * len(texts), list(range(len(texts))), [], 100)


def test_simulated_records(tmp_path: Path) -> None:
    """A simulated day with every fault."""
    simulate(Spec(contacts=120, seed=11, faults=Faults.every(0.1), redacted=0.1), tmp_path)
    files = listing.list_files([str(tmp_path / "contact-records")])
    (framed,) = s3_files.read_batches(files, {}, CONTACT.name)
    assert len(framed.texts) > 150
    assert_same(CONTACT, framed)


HOSTILE: list[Record] = [
    {"Score": None}, {"Score": "12"}, {"Score": 12.0}, {"Score": 1e3}, {"Score": ""}, {"Score": "x"}, {"Score": []},
    {"Phone": 15535550143}, {"Phone": ""}, {"Phone": None}, {"Phone": {"a": 1}}, {"Phone": True}, {"Phone": ["+1553"]},
    {"Labels": None}, {"Labels": {}}, {"Labels": {"": ""}}, {"Labels": {"a": None, "b": 1, "c": True, "d": [1.50]}},
    {"Labels": {"Kept": "+15535550143", "x": "mail ann@example.com now"}}, {"Labels": {"q": 'a "b": n \\ c'}},
    {"Labels": {"e": "\u00e9\u2028\U0001f600\x01\t"}}, {"Labels": {'k"ey': "v", "k\\": "v", "k.e.y": "v"}},
    {"Labels": {"+15535550143": "x"}}, {"Labels": {"a": "null", "b": ":n", "c": '":n'}}, {"Labels": []},
    {"Labels": {"$": "a", "*": "b", "[0]": "c", "/": "d", "~": "e", "~1": "f"}},
    {"Marks": {"m": {"ValueString": None}}}, {"Marks": {"m": {}}}, {"Marks": {"m": "plain"}}, {"Marks": {"m": None}},
    {"Marks": {"m": {"ValueInteger": 12}}}, {"Marks": {"m": {"ValueMap": {"b": {"ValueString": "1"}, "a": 2.50}}}},
    {"Marks": {"m": {"ValueList": [{"ValueString": "1"}]}}}, {"Marks": {"m": {"ValueString": "a", "ValueX": "b"}}},
    {"Marks": {"m": {"Other": "a"}}}, {"Marks": {"m": {"ValueString": '{"Value'}}}, {"Marks": {"m": {"ValueString": '","'}}},
    {"Marks": {"m": {"ValueString": "a"}, "n": {"ValueString": ""}}}, {"Marks": {"m": ["a"]}}, {"Marks": {}},
    {"Marks": {"Redacted": {"ValueString": "x"}}}, {"Marks": {"Redacted": None}}, {"Marks": {'{"Value': "x"}},
    {"Items": None}, {"Items": []}, {"Items": [None]}, {"Items": [{}]}, {"Items": [{"N": None}]}, {"Items": [{"N": "5"}]},
    {"Items": [{"N": 1, "M": 2}]}, {"Items": [{"N": 1.5}]}, {"Items": [[{"N": 1}]]}, {"Items": [{"n": 1}]}, {"Items": "[]"},
    {"Items": [{"N": 1}, {"N": 2, "New": "+15535550143"}]}, {"Items": {}}, {"Items": [{"N": {"a": 1}}]},
    {"Anything": None}, {"Anything": 0}, {"Anything": ""}, {"Anything": False}, {"Anything": [[], {}, [None]]},
    {"Anything": 1.5}, {"Anything": -0.0}, {"Anything": 12345678901234567890}, {"Anything": 123456789.123456789},
    {"Anything": {"b": {"d": 1, "c": 2}, "a": "\u00e9\u2028"}}, {"Anything": 'text with "quotes" and \\'},
    {"Anything": {"a": 100000, "b": 1e22, "c": 0.1}}, {"Anything": {"\u00e9": 1, "e": 2, "Z": 3}},
    {"New": None}, {"New": {"a": None}}, {"New": [1.50, "+15535550143"]}, {"n.e.w": 1, "n": {"e": 2}}, {"": 1},
    {"score": 3}, {"labels": {}, "LABELS": 1}, {"New": 15535550143}, {"New": "call 15535550143"}, {"N\u00e9w": 1},
    {"Began": None}, {"Began": "2026-03-08T10:00:00+05:00"}, {"Began": "infinity"}, {"Began": {}}, {"Changed": None},
    {"Changed": "2026-03-08T10:00:00.123456789Z"}, {"ContactId": None}, {"ContactId": ""}, {"ContactId": 12},
    {"ContactId": {"a": 1}}, {"ContactId": " "}, {"ContactId": "a\u0000b"},
]  # fmt: skip


def spellings(record: Record) -> list[str]:
    """The record written in three ways."""
    return [
        json.dumps(record), json.dumps(record, ensure_ascii=False, separators=(",", ":")), json.dumps(record, indent=1),
    ]  # fmt: skip


@pytest.mark.parametrize("pii", ["hash", "drop", "keep"])
def test_hostile_records(pii: str) -> None:
    """Every value in every place where another one belongs."""
    texts = [text for n, change in enumerate(HOSTILE) for text in spellings(narrow(f"c{n}", **change))]
    assert_same(NARROW, framed_texts(NARROW, texts), pii)


def test_one_hostile_record_at_a_time() -> None:
    """A record is read the same in a batch of its own as among all others."""
    flattener = flattener_of(Flattener, NARROW, "hash")
    texts = [json.dumps(narrow(f"c{n}", **change)) for n, change in enumerate(HOSTILE)][::5]
    rows, _ = read(flattener, framed_texts(NARROW, texts))
    together = {row["record_row"]: row["record_hash"] for row in rows}
    alone = {}
    for n, text in enumerate(texts):
        rows, _ = read(flattener, framed_texts(NARROW, [text]))
        if rows:
            alone[n] = rows[0]["record_hash"]
    assert together == alone


def test_numbers_as_they_are_written() -> None:
    """Numbers that Python would not write itself."""
    texts = [
        json.dumps(narrow(f"c{n}")).replace("[1.5, null]", number).replace('"Score": 1', f'"Score": {score}')
        for n, (number, score) in enumerate(
            [("1.50", "1"), ("1e2", "1.0"), ("-0", "1e0"), ("1E+2", "-1"), ("-0.0", "1.000"), ("1e400", "10E-1"),
             ("123456789012345678901234567890", "9007199254740993"), ("0.10000000000000000001", "0.0"), ("[1.50,[2]]", "-0")]
        )
    ]  # fmt: skip
    assert_same(NARROW, framed_texts(NARROW, texts))


def test_hostile_contact_records() -> None:
    """The nested columns of the contact record, with more, less and other than the catalogue knows."""
    texts = [
        text
        for n, change in enumerate(
            [{}, {"References": [{"Name": "n", "More": "+15535550143"}]}, {"References": None}, {"Recordings": []},
             {"QualityMetrics": {"Agent": {"Audio": {"QualityScore": "4.43", "PotentialQualityIssues": None}}}},
             {"QualityMetrics": {"Agent": {"Audio": {"QualityScore": 4, "PotentialQualityIssues": ["a", 1]}}}},
             {"QualityMetrics": {"Agent": {"Audio": {"QualityScore": "NaN"}}}}, {"QualityMetrics": {"Agent": []}},
             {"ContactEvaluations": {"f": {"FormId": "f", "StartTimestamp": "2026-03-03T10:00:00Z"}, "e": None}},
             {"ContactEvaluations": {"f": {"FormId": "f", "StartTimestamp": "never"}}}, {"RoutingCriteria": []},
             {"MediaStreams": [{"Type": None}, {}]}, {"AdditionalEmailRecipients": {"To": [{"a": 1.50}]}},
             {"Tags": {"b": "1", "a": None}}, {"Agent": {}}, {"Queue": {"Duration": 2.5, "ARN": "no slash"}}]
        )
        for text in spellings(contact(f"c{n}", **change))
    ]  # fmt: skip
    assert_same(CONTACT, framed_texts(CONTACT, texts))


@pytest.mark.parametrize("offset", ["Z", "+05:30", "-05:00", "+00:00", ".500Z", ".123456Z", "z"])
@pytest.mark.parametrize("is_sorted", [True, False])
def test_nested_times_keep_their_instant(offset: str, is_sorted: bool) -> None:
    """A time inside a list is read as its instant, whatever its offset, its fraction and the order of the keys."""
    members = {
        "state": "SILENT_MONITOR",
        "stateEndTimestamp": None,
        "stateStartTimestamp": f"2026-03-03T10:00:00{offset}",
    }
    if not is_sorted:
        members = dict(reversed(members.items()))
    text = json.dumps(contact("a") | {"Agent": {"StateTransitions": [members]}}, separators=(",", ":"))
    framed = framed_texts(CONTACT, [text])
    assert_same(CONTACT, framed)
    rows, letters = read(flattener_of(Flattener, CONTACT, "hash"), framed)
    assert letters == []
    if offset == "z":
        assert rows[0]["agent_state_transitions"][0]["state_start_timestamp"] is None
        assert json.loads(rows[0]["record_unmapped"]) == {
            "Agent.StateTransitions[0].stateStartTimestamp": "2026-03-03T10:00:00z"
        }
        return
    expected = datetime.fromisoformat(f"2026-03-03T10:00:00{offset}").astimezone(UTC).replace(tzinfo=None)
    assert rows[0]["agent_state_transitions"][0]["state_start_timestamp"] == expected


# What may come in place of a scalar, and of a list, a map or a struct.
SCALARS: list[Any] = [
    "", " ", "x", "null", "true", "True", "0", "-1", "33.7", "33.50", "1e3", "007", "12345678901234567890", "+15550100123",
    "me@example.com", "a +442071838750 b", "inf", "nan", "infinity", "epoch", "2026-03-03T10:00:00Z", "2026-03-03T10:00:00z",
    "2026-03-03 10:00:00Z", "2026-03-03T10:00:00", "2026-03-03T10:00:00.123456789Z", "2026-03-03T10:00:00,5+05:30",
    "2026-03-03T10:00:00-0330", "2026-03-03T10:00:00+01", "2026-02-30T10:00:00Z", "2026-03-03T24:00:00Z",
    "2026-03-03T10:00:60Z", "+026-03-03T10:00:0Z", "12026-03-03T10:00:00Z", "9999-12-31T23:59:59Z", "1999-01-01T00:00:00Z",
    "2026-03-03T10:00:00ZZ", "２０26-03-03T10:00:00Z", "2026-3-03T10:00:000Z", "arn:aws:connect:eu:1:instance/a/", "日本/語",
    "x" * 5000, 'a\nb\tc"d\\e', "\u0000", "}{", '{"ValueString":"x"}',
    0, -0, 7, -3, 33.7, 33.0, 33.5, 1e3, 1.5e-7, 999999999999999, 9999999999999999, 123456789012345678901234567890,
    0.1234567890123456789, True, False, None, [], {}, [1], {"a": 1}, [None], {"a": None},
]  # fmt: skip
CONTAINERS: list[Any] = [
    {"a": "b", "c": "d"}, {"c": "d", "a": "b"}, {"a": {"ValueString": "x"}, "b": {"ValueInteger": 5}}, {"a": ["x"]},
    {"a": {"ValueString": "x", "ValueInteger": 5}}, {"a": {"ValueMap": {"k": "v"}}}, {"a": {"ValueString": None}},
    {"a": {"ValueString": '","'}}, {"a": {"ValueString": "+15550100123"}}, {"connect:RedactedFields": {"ValueString": "x"}},
    {"a": "+15550100123"}, {"a": "me@example.com", "b": "plain"}, {"a": "null"}, {"n": None, "m": "x"}, {"": "x"}, {"a": ""},
    {"a": 'say ":5"'}, {"a": "15550100123 twice"}, {"+15550100123": "key"}, {"WrapUp": "+15550100123"}, {"é": "ü", "日": "本"},
    [{"Type": "AUDIO"}], [{"Type": "AUDIO", "More": 1}], [{}], [None, {"Type": "CHAT"}], [{"Type": 5}], ["AUDIO"],
    [{"Name": "me@example.com", "Type": "URL", "Value": "+15550100123", "Status": "APPROVED"}],
    [{"StartTimestamp": "2026-03-03T10:00:00Z", "Location": "l"}], [{"StartTimestamp": "soon"}],
    {"f": {"FormId": "f", "StartTimestamp": "2026-03-03T10:00:00Z"}}, {"f": {"FormId": "f", "StartTimestamp": "x"}},
    {"f": {"FormId": "f", "New": "x"}}, {"f": None}, {"QualityScore": 4.5, "PotentialQualityIssues": ["a", "b"]},
    {"QualityScore": "4.5"}, {"QualityScore": "bad"}, {"PotentialQualityIssues": "x"},
    [{"Index": 1, "ActivationTimestamp": "2026-03-03T10:00:00Z",
      "Steps": [{"Status": "ACTIVE", "Expiry": {"DurationInSeconds": 5}, "Expression": {"AndExpression": [{"B": 1, "A": 2}]}}]}],
    [{"Index": 1.5}], [{"stateStartTimestamp": "2026-03-03T10:00:00Z", "state": "SILENT_MONITOR"}],
]  # fmt: skip


def put(record: Record, path: tuple[str, ...], value: Any) -> None:
    """Set the value at a path of keys."""
    for key in path[:-1]:
        record = record.setdefault(key, {})
    record[path[-1]] = value


def hostile_texts() -> Iterator[str]:
    """One record for each path and value: anything may stand anywhere."""
    rng = random.Random(5)
    tree = tree_of(CONTACT)
    ids = itertools.count()

    def text(path: tuple[str, ...], value: Any) -> str:
        record: Record = {
            "ContactId": f"c{next(ids)}", "InitiationTimestamp": "2026-03-03T10:00:00Z",
            "LastUpdateTimestamp": "2026-03-03T11:00:00Z", "CustomerEndpoint": {"Address": "+15550100123"},
        }  # fmt: skip
        put(record, path, value)
        return json.dumps(record, ensure_ascii=rng.random() < 0.5)

    for leaf in tree.leaves:
        is_scalar = isinstance(leaf.type, str)
        chosen = rng.sample(SCALARS, 3 if leaf.type == "text" else 20)
        yield from (text(leaf.path, value) for value in [*chosen, *([] if is_scalar else CONTAINERS)])
    for path in tree.objects[1:]:
        yield from (text(path, value) for value in ("x", [], {"Unknown": 1}, None))
    yield from ('{"ContactId":"d","ContactId":"d"}', '{"ContactId":"d","Attributes":{"a":"1","a":"2"}}', "{}")


@pytest.mark.parametrize("pii", ["hash", "keep", pytest.param("drop", marks=pytest.mark.soak)])
def test_anything_anywhere(pii: str) -> None:
    """Every value in every place of a contact record gives one row, or one dead letter, whichever way it is read."""
    texts = list(hostile_texts())
    assert len(texts) > 1500
    # Small batches: a record that DuckDB refuses sends its whole batch to the careful reading.
    for first in range(0, len(texts), 300):
        assert_same(CONTACT, framed_texts(CONTACT, texts[first : first + 300]), pii)
