"""Parquet of Firehose's format conversion gives the rows that the JSON records give."""

from __future__ import annotations

import json
from pathlib import Path

import duckdb
from homes import NARROW, Row, contact, load_into, narrow, opened, table, write

from trunkline.pipelines.batches import record_plan
from trunkline.pipelines.runner import Runner
from trunkline.sources.registry import file_source, list_files


def convert(source: Path, target: Path) -> None:
    """As the conversion does it: one column a key, all keys in lower case."""
    con = duckdb.connect()
    con.execute(f"CREATE TABLE records AS SELECT * FROM read_json('{source}', format = 'newline_delimited')")
    names = [
        name
        for (name,) in con.execute("SELECT column_name FROM duckdb_columns() WHERE table_name = 'records'").fetchall()
    ]
    listed = ", ".join(f'"{name}" AS "{name.lower()}"' for name in names)
    con.execute(f"COPY (SELECT {listed} FROM records) TO '{target}' (FORMAT parquet, COMPRESSION snappy)")


def without_spelling(rows: list[Row]) -> list[Row]:
    """Rows without what tells how a record was written: hashes of unmapped keys do."""
    return [
        {name: value for name, value in row.items() if name not in ("record_hash", "record_unmapped")} for row in rows
    ]


def test_rows_are_those_of_the_json_records(tmp_path: Path) -> None:
    """Nested keys are spelled as the catalogue does, times are times, a text that looks like one stays a text."""
    records = [
        narrow("a", Score=3, Labels={"at": "2026-03-03 10:00:00"}),
        narrow("b", Phone=...),
        narrow("c", Items=[]),
    ]
    lines = tmp_path / "lines"
    lines.write_text("\n".join(map(json.dumps, records)))
    convert(lines, tmp_path / "part-0.parquet")
    found = []
    for source in (lines, tmp_path / "part-0.parquet"):
        with opened(tmp_path / f"home-{source.name}", NARROW, batch_bytes=1) as home:
            result = load_into(home, source, obj=NARROW)
            assert (result.counts.inserted, result.refused) == (3, ())
            assert load_into(home, source, obj=NARROW).batches == 0
            found.append(without_spelling(table(home, NARROW)))
    assert found[0] == found[1]


def test_a_contact_record_is_read_by_its_lower_case_keys(tmp_path: Path) -> None:
    """Agent, queue and endpoints are found."""
    write(tmp_path / "one", contact("a"))
    convert(tmp_path / "one", tmp_path / "two.parquet")
    with opened(tmp_path / "home") as home:
        assert load_into(home, tmp_path / "two.parquet").counts.inserted == 1
        (row,) = table(home)
        assert (row["contact_id"], row["queue_name"], row["agent_username"]) == ("a", "Support", "ann")


def test_a_plan_is_read_again(tmp_path: Path) -> None:
    """A load that was killed is finished over the same rows."""
    write(tmp_path / "one", narrow("a"), narrow("b"))
    (tmp_path / "one").write_bytes((tmp_path / "one").read_bytes().replace(b"}{", b"}\n{"))
    convert(tmp_path / "one", tmp_path / "two")
    with opened(tmp_path / "home", NARROW) as home:
        runner = Runner(home, NARROW)
        (framed,) = file_source(runner.context, list_files(NARROW, [str(tmp_path / "two")])).read({})
        assert framed is not None
        record_plan(home.store, framed.plan)
        assert runner.recover() == 1
        assert [row["id"] for row in table(home, NARROW)] == ["a", "b"]


def test_a_damaged_file_says_so(tmp_path: Path) -> None:
    """Nothing of it is a row, and it is one dead letter."""
    write(tmp_path / "one", narrow("a"))
    convert(tmp_path / "one", tmp_path / "two")
    (tmp_path / "two").write_bytes((tmp_path / "two").read_bytes()[:-9])
    with opened(tmp_path / "home", NARROW) as home:
        result = load_into(home, tmp_path / "two", obj=NARROW)
        assert [code for code, _ in result.reasons] == ["corrupt_compression"]
        assert result.is_useless
