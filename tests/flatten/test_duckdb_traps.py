"""DuckDB's traps and implausible times (must hold 11): each named by what DuckDB would do without a word.

Every test first shows the trap in DuckDB itself, so that it tells when the trap is gone, and then what we store.
"""

from __future__ import annotations

import json
import re
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest
from flat_rows import flat_rows
from homes import NARROW, Record, contact, narrow

from trunkline.flatten.flattener import Flattener
from trunkline.flatten.privacy import PiiRule
from trunkline.objects import catalogue
from trunkline.objects.model import Object
from trunkline.positions import FileRange, Plan
from trunkline.records import Framed

AT = datetime(2026, 3, 8, 12)
RULE = PiiRule("hash", b"key")


@pytest.fixture(scope="module")
def narrow_flattener() -> Flattener:
    """For records of the narrow object."""
    return Flattener(NARROW, RULE)


@pytest.fixture(scope="module")
def contact_flattener() -> Flattener:
    """For contact records."""
    return Flattener(catalogue.load([])["contact_record"], RULE)


def flat(flattener: Flattener, *texts: str) -> tuple[list[dict[str, Any]], list[tuple[str, str]]]:
    """Rows by column, and reason and detail of what was set aside."""
    obj: Object = flattener.obj
    plan = Plan(obj.name, "test", (FileRange("file", "1", 0, 100, True, AT),))
    framed = Framed(plan, texts, [0] * len(texts), list(range(len(texts))), [], 100)
    result = flattener.flatten(framed, AT)
    names = [column.name for column in obj.columns]
    rows = flat_rows(flattener, result, names)
    return (
        rows,
        [(one.reason, one.detail) for one in result.dead_letters],
    )


def began(flattener: Flattener, text: str) -> datetime | str:
    """What becomes of a time: the stored one, or the reason it is set aside for."""
    rows, letters = flat(flattener, json.dumps(narrow("a", Began=text)))
    return rows[0]["began_at"] if rows else letters[0][0]


def test_an_offset_is_not_dropped(narrow_flattener: Flattener) -> None:
    """A cast to TIMESTAMP drops the offset; stored is the instant in UTC."""
    trap = duckdb.execute("SELECT try_cast('2026-03-08T10:00:00+05:00' AS TIMESTAMP)").fetchall()
    assert trap in ([(datetime(2026, 3, 8, 10),)], [(datetime(2026, 3, 8, 5),)])
    for text, hour, minute in [
        ("2026-03-08T10:00:00+05:00", 5, 0), ("2026-03-08T10:00:00-05:30", 15, 30), ("2026-03-08T10:00:00Z", 10, 0),
        ("2026-03-08 10:00:00+00", 10, 0), ("2026-03-08T10:00:00+0530", 4, 30),
    ]:  # fmt: skip
        assert began(narrow_flattener, text) == datetime(2026, 3, 8, hour, minute), text


@pytest.mark.parametrize("text", ["infinity", "-infinity", "epoch", "now", "today", "2026-03-08", "10:00:00",
                                  "2026-03-08T10:00:00", "2026-03-08T10:00:00 Europe/Berlin", "2026-13-01T00:00:00Z",
                                  "2026-02-29T00:00:00Z", "2026-03-08T25:00:00Z", "2026-03-08T10:00:61Z",
                                  "1772964000", "", " ", "290309-12-22 (BC) 00:00:00Z", "20260308T100000Z"])  # fmt: skip
def test_words_and_half_times_are_no_times(narrow_flattener: Flattener, text: str) -> None:
    """DuckDB takes 'infinity' and 'epoch' for times, and times without zone; we take neither."""
    assert duckdb.execute("SELECT try_cast('infinity' AS TIMESTAMP)::VARCHAR").fetchall() == [("infinity",)]
    assert began(narrow_flattener, text) == "wrong_type"


@pytest.mark.parametrize("text", ["10000-01-01T00:00:00Z", "+10000-01-01T00:00:00Z", "-0001-01-01T00:00:00Z"])
def test_years_beyond_four_digits_are_no_times(narrow_flattener: Flattener, text: str) -> None:
    """DuckDB takes the year 10000; ISO 8601 has four digits."""
    assert duckdb.execute("SELECT try_cast('10000-01-01' AS TIMESTAMP) IS NOT NULL").fetchall() == [(True,)]
    assert began(narrow_flattener, text) == "wrong_type"


def test_fractions_of_a_second(narrow_flattener: Flattener) -> None:
    """Microseconds are kept; what is finer is cut, a comma is a point."""
    assert began(narrow_flattener, "2026-03-08T10:00:00.123456Z") == datetime(2026, 3, 8, 10, 0, 0, 123456)
    assert began(narrow_flattener, "2026-03-08T10:00:00.5Z") == datetime(2026, 3, 8, 10, 0, 0, 500_000)


def test_long_decimals_are_not_rounded(narrow_flattener: Flattener) -> None:
    """json() rounds a long decimal; in JSON columns and unknown fields the digits stay as they were written."""
    long = "0.12345678901234567890"
    trap = duckdb.execute(f"SELECT json('{{\"a\":{long}}}')::VARCHAR").fetchall()[0][0]
    assert long not in trap
    text = json.dumps(narrow("a")).replace('"z": 1', f'"z": {long}')[:-1] + f', "New": {long}, "Big": 1{"0" * 37}1}}'
    rows, _ = flat(narrow_flattener, text)
    assert rows[0]["anything"] == f'{{"a":[1.5,null],"z":{long}}}'
    assert rows[0]["record_unmapped"] == f'{{"Big":1{"0" * 37}1,"New":{long}}}'


def test_a_number_keeps_its_spelling(narrow_flattener: Flattener) -> None:
    """1.50 and 1.5 in a JSON column differ, as they do in the source; 1e2 is not made 100.0."""
    for spelled in ("1.50", "1e2", "-0.0", "12345678901234567890123"):
        rows, _ = flat(
            narrow_flattener, json.dumps(narrow("a", Anything=0)).replace('"Anything": 0', f'"Anything": {spelled}')
        )
        assert rows[0]["anything"] == spelled


def test_a_repeated_key_does_not_empty_a_map(narrow_flattener: Flattener) -> None:
    """from_json makes a map with a repeated key NULL; we set the record aside, at every depth."""
    trap = duckdb.execute('SELECT from_json(\'{"a":"1","a":"2"}\', \'"MAP(VARCHAR,VARCHAR)"\')').fetchall()
    assert trap == [(None,)]
    for old, new in [
        ('"Labels": {', '"Labels": {"b": "1", '), ('"Marks": {"m": {', '"Marks": {"m": {}, "m": {'),
        ('{"N": 1}', '{"N": 1, "N": 2}'), ('"z": 1', '"z": 1, "z": 1'), ('"Score": 1', '"Score": 1, "Score": 1'),
    ]:  # fmt: skip
        text = json.dumps(narrow("a"))
        assert old in text
        rows, letters = flat(narrow_flattener, text.replace(old, new), json.dumps(narrow("good")))
        assert [row["id"] for row in rows] == ["good"], new
        assert [reason for reason, _ in letters] == ["duplicate_key"], new


@pytest.mark.parametrize(
    ("change", "path"),
    [({"Score": "x"}, "Score"), ({"Score": 1.5}, "Score"), ({"Score": True}, "Score"), ({"Score": {}}, "Score"),
     ({"Score": 2**63}, "Score"), ({"Labels": []}, "Labels"), ({"Labels": "x"}, "Labels"), ({"Items": {}}, "Items"),
     ({"Items": [1]}, "Items[0]"), ({"Items": [{"N": "x"}]}, "Items[0].N"), ({"Items": [{"N": 2**31}]}, "Items[0].N")],
)  # fmt: skip
def test_a_wrong_type_is_null_and_kept(narrow_flattener: Flattener, change: Record, path: str) -> None:
    """from_json makes a value of the wrong type NULL and forgets it; we keep it under its path, and count it."""
    trap = duckdb.execute('SELECT from_json(\'{"a":"x"}\', \'{"a":"BIGINT"}\').a').fetchall()
    assert trap == [(None,)]
    rows, letters = flat(narrow_flattener, json.dumps(narrow("a", **change)), json.dumps(narrow("b", Score=None)))
    assert letters == []
    assert [row["id"] for row in rows] == ["a", "b"]
    ((name, value),) = change.items()
    for key in re.findall(r"\[(\d+)\]|[.](\w+)", path):
        value = value[int(key[0])] if key[0] else value[key[1]]
    assert json.loads(rows[0]["record_unmapped"]) == {path: value}
    expected = {"Items[0]": [None], "Items[0].N": [{"n": None}]}
    assert rows[0][name.lower()] == expected.get(path)


@pytest.mark.parametrize(
    "change", [{"Began": 5}, {"Began": "soon"}, {"Changed": {}}, {"Changed": "2026-02-30T10:00:00Z"}]
)
def test_a_row_needs_its_version_and_its_partition(narrow_flattener: Flattener, change: Record) -> None:
    """A record whose version or partition time cannot be read is set aside; its neighbour lands."""
    rows, letters = flat(narrow_flattener, json.dumps(narrow("a", **change)), json.dumps(narrow("b")))
    assert [row["id"] for row in rows] == ["b"]
    assert [reason for reason, _ in letters] == ["wrong_type"]


def test_whole_numbers_written_otherwise_are_whole(narrow_flattener: Flattener) -> None:
    """A cast of '33.7' to BIGINT rounds; 33.0 is 33, 33.7 is not a whole number."""
    assert duckdb.execute("SELECT try_cast('33.7' AS BIGINT)").fetchall() == [(34,)]
    rows, letters = flat(narrow_flattener, *(json.dumps(narrow("a", Score=score)) for score in (33.0, "12", -5, 33.7)))
    assert [row["score"] for row in rows] == [33, 12, -5, None]
    assert [row["record_unmapped"] for row in rows] == [None, None, None, '{"Score":33.7}']
    assert letters == []


def test_halves_of_seconds_become_exact_milliseconds(contact_flattener: Flattener) -> None:
    """A duration of 2.345 s is 2345 ms, to the digit."""
    record = contact("a")
    record["Queue"]["Duration"] = 2.345
    rows, _ = flat(contact_flattener, json.dumps(record))
    assert rows[0]["queue_duration_ms"] == 2345


def test_numbers_that_are_none(narrow_flattener: Flattener, tmp_path: Path) -> None:
    """DuckDB's JSON takes NaN and trailing commas; the reading of files lets neither through to it."""
    from io import BytesIO

    from trunkline.sources.files import framing

    for text in (b'{"a":NaN}', b'{"a":Infinity}', b'{"a":1,}', b"{'a':1}", b'{"a":01}', b'{"a":+1}', b'{"a":1.}'):
        blocks = list(framing.frame(BytesIO(text).read, 0, lambda: None))
        assert [t for block in blocks for t in block.texts] == [], text
        assert sum(len(block.broken) for block in blocks) == 1, text


def test_keys_that_differ_only_in_case_are_both_kept(narrow_flattener: Flattener) -> None:
    """Struct fields of DuckDB ignore case; the other spelling is kept as unknown and does not win."""
    rows, _ = flat(narrow_flattener, json.dumps(narrow("a", score=7)), json.dumps({"score": 8, **narrow("b")}))
    assert [row["score"] for row in rows] == [1, 1]
    assert [json.loads(row["record_unmapped"]) for row in rows] == [{"score": 7}, {"score": 8}]


def test_partitions_are_text(tmp_path: Path) -> None:
    """A Hive partition year=2026 reads as BIGINT unless it is declared; Amazon's and ours are text."""
    (tmp_path / "year=2026").mkdir()
    duckdb.execute(f"COPY (SELECT 1 AS a) TO '{tmp_path}/year=2026/a.parquet'")
    source = f"'{tmp_path}/*/*.parquet', hive_partitioning = true"
    assert duckdb.execute(f"SELECT typeof(year) FROM read_parquet({source})").fetchall() == [("BIGINT",)]
    declared = f"read_parquet({source}, hive_types = {{'year': VARCHAR}})"
    assert duckdb.execute(f"SELECT typeof(year) FROM {declared}").fetchall() == [("VARCHAR",)]


@pytest.mark.parametrize(
    ("field", "text", "is_plausible"),
    [
        ("Began", "2009-12-31T23:59:59Z", False),
        ("Began", "2010-01-01T00:00:00Z", True),
        ("Began", "2027-04-12T11:59:59Z", True),
        ("Began", "2027-04-12T12:00:00Z", False),
        ("Changed", "2026-03-09T12:00:00Z", True),
        ("Changed", "2026-03-09T12:00:01Z", False),
        ("Changed", "9999-12-31T23:59:59Z", False),
        ("Changed", "2009-12-31T23:59:59Z", False),
    ],
)
def test_implausible_times(narrow_flattener: Flattener, field: str, text: str, is_plausible: bool) -> None:
    """Event times lie from 2010 to arrival + 400 days, versions at most a day after arrival; to the second."""
    assert datetime(2026, 3, 8, 12) + timedelta(days=400) == datetime(2027, 4, 12, 12)
    rows, letters = flat(narrow_flattener, json.dumps(narrow("a", **{field: text})))
    assert [reason for reason, _ in letters] == ([] if is_plausible else ["implausible_time"])
    assert len(rows) == int(is_plausible)


def test_an_implausible_version_does_not_win(narrow_flattener: Flattener) -> None:
    """A version of the year 2031 would win for ever; it is set aside, its neighbour lands."""
    rows, letters = flat(
        narrow_flattener, json.dumps(narrow("a", Changed="2031-01-01T00:00:00Z")), json.dumps(narrow("a", Score=3))
    )
    assert [row["score"] for row in rows] == [3]
    assert letters == [
        ("implausible_time", ("a time is before 2010 or more than 400 days after arrival, or changed_at is more than a "
         "day after arrival"))
    ]  # fmt: skip
