"""Lake views and Athena's DDL: which rows are shown, which days are read, and what files must not contain."""

from __future__ import annotations

import itertools
import re
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trunkline.engines.catalogue import find
from trunkline.objects.contact_record import CONTACT_RECORD
from trunkline.objects.model import Object
from trunkline.sql.ddl import column_lines
from trunkline.sql.lake.athena import athena_statements, create_external_table, lake_location, projection
from trunkline.sql.lake.views import (
    PARTITION_KEYS,
    best_body,
    create_lake_views,
    has_plain,
    lake_columns,
    plain_body,
    plain_columns,
    versions_body,
)
from trunkline.sql.order import compared_columns

DUCKDB, ATHENA = find("duckdb"), find("athena")
AT = datetime(2026, 3, 8, 12)
V1, V2, V3 = "2026-03-08T01:00:00", "2026-03-08T02:00:00", "2026-03-08T03:00:00"


def _row(version: str | None, day: str, **more: Any) -> dict[str, Any]:
    row = {
        "contact_id": "a", "record_version": version, "record_fidelity": "stream", "record_is_redacted": False,
        "record_catalogue_version": 1, "record_hash": f"hash of {version}", "record_position": "p",
        "record_arrived_at": AT, "record_loaded_at": AT, "record_is_deleted": False, "record_moved_to": None,
        "year": "2026", "month": "03", "day": day,
    }  # fmt: skip
    return row | more


def _lake(db: duckdb.DuckDBPyConnection, rows: list[dict[str, Any]]) -> None:
    lines = [*column_lines(lake_columns(CONTACT_RECORD), DUCKDB, ()), *(f"{key} VARCHAR" for key in PARTITION_KEYS)]
    db.execute(f"CREATE OR REPLACE TABLE files ({', '.join(lines)})")
    for row in rows:
        names, marks = ", ".join(f'"{name}"' for name in row), ", ".join("?" * len(row))
        db.execute(f"INSERT INTO files ({names}) VALUES ({marks})", list(row.values()))


def _best(db: duckdb.DuckDBPyConnection) -> list[tuple[Any, ...]]:
    body = best_body(CONTACT_RECORD, DUCKDB, "files")
    return db.sql(f"SELECT contact_id, record_version, day FROM ({body}) ORDER BY ALL").fetchall()


def _versions(db: duckdb.DuckDBPyConnection) -> list[tuple[Any, ...]]:
    body = versions_body(CONTACT_RECORD, DUCKDB, "files")
    return db.sql(f"SELECT record_version, day, record_position FROM ({body}) ORDER BY ALL").fetchall()


def test_the_best_row_is_shown_in_any_order() -> None:
    """The greatest version of a key wins whatever order the files came in; an API row never beats an exported one."""
    rows = [_row(V1, "08"), _row(V2, "08"), _row(V3, "08", record_fidelity="api"), _row(None, "08")]
    with duckdb.connect() as db:
        for order in itertools.permutations(rows):
            _lake(db, list(order))
            assert _best(db) == [("a", V2, "08")]


def test_a_moved_row_is_shown_once() -> None:
    """A tombstone with the better version's order hides the older partition's rows, and is not shown itself."""
    tombstone = _row(V2, "07", record_hash=f"hash of {V2}", record_moved_to="2026-03-08")
    with duckdb.connect() as db:
        _lake(db, [_row(V1, "07"), tombstone, _row(V2, "08")])
        assert _best(db) == [("a", V2, "08")]
        assert _versions(db) == [(V1, "07", "p"), (V2, "08", "p")]


def test_a_row_that_moves_back_is_shown_again() -> None:
    """A later version in the first partition beats the tombstone there; the second partition gets one of its own."""
    there = _row(V2, "07", record_moved_to="2026-03-08")
    back = _row(V3, "08", record_moved_to="2026-03-07")
    with duckdb.connect() as db:
        _lake(db, [_row(V1, "07"), there, _row(V2, "08"), back, _row(V3, "07")])
        assert _best(db) == [("a", V3, "07")]


def test_a_deleted_row_is_a_version_but_not_a_row() -> None:
    """A deletion hides the older versions, and stays among the versions."""
    with duckdb.connect() as db:
        _lake(db, [_row(V1, "08"), _row(V2, "08", record_is_deleted=True)])
        assert _best(db) == []
        assert [version for version, _, _ in _versions(db)] == [V1, V2]


def test_a_version_delivered_twice_is_one() -> None:
    """The same version from two files, as during compaction, is shown once: the delivery that arrived first."""
    later = AT.replace(hour=13)
    rows = [_row(V1, "08", record_position="second", record_arrived_at=later), _row(V1, "08", record_position="first")]
    with duckdb.connect() as db:
        for order in itertools.permutations([*rows, _row(V1, "08", record_hash="other", record_position="changed")]):
            _lake(db, list(order))
            assert _versions(db) == [(V1, "08", "changed"), (V1, "08", "first")]


@settings(max_examples=15)
@given(st.lists(st.builds(
    _row, st.sampled_from([None, V1, V2]), st.sampled_from(["07", "08"]), contact_id=st.sampled_from("ab"),
    channel=st.sampled_from(["VOICE", "CHAT"]), customer_endpoint_address=st.sampled_from([None, "1", "2"]),
    record_fidelity=st.sampled_from(["api", "stream"]), record_is_deleted=st.booleans(),
    record_moved_to=st.sampled_from([None, None, "2026-03-08"]),
), max_size=8))  # fmt: skip
def test_the_plain_view_shows_the_best_rows(rows: list[dict[str, Any]]) -> None:
    """Without personal data in the order, and the same rows: those that tie before it show the same without it."""
    for row in rows:  # as the hash is: over all that is no direct personal data
        row["record_hash"] = f"hash of {row['channel']}, {row['record_is_deleted']}, {row['record_moved_to']}"
    names = ", ".join(f'"{column.name}"' for column in plain_columns(CONTACT_RECORD))
    with duckdb.connect() as db:
        _lake(db, rows)
        best, plain = (body(CONTACT_RECORD, DUCKDB, "files") for body in (best_body, plain_body))
        shown = db.sql(f"SELECT {names}, day FROM ({best}) ORDER BY contact_id, day").fetchall()
        assert db.sql(f"SELECT * EXCLUDE (year, month) FROM ({plain}) ORDER BY contact_id, day").fetchall() == shown


def test_the_plain_view_needs_no_personal_data(obj: Object) -> None:
    """Neither in what it shows nor in what it reads, so that a query about a call does not read its transcript."""
    body = plain_body(obj, ATHENA, "files")
    personal = {column.name for column in obj.columns if column.pii != "none"} | {"record_unmapped"}
    assert not personal & set(re.findall(r'"(\w+)"', body))


def test_the_hash_is_over_all_that_the_plain_view_shows(obj: Object) -> None:
    """What the order compares by value because the hash leaves it out is not among it."""
    assert not set(plain_columns(obj)) & set(compared_columns(obj))
    assert has_plain(obj) or not any(column.pii == "direct" for column in obj.columns)


def test_a_one_day_query_reads_one_days_files(tmp_path: Path) -> None:
    """A condition on year, month and day goes through the view to the files: other days are not opened."""
    with duckdb.connect() as db:
        _lake(db, [_row(V1, "07"), _row(V1, "08", contact_id="b")])
        keys = ", ".join(PARTITION_KEYS)
        db.execute(f"COPY files TO '{tmp_path}' (FORMAT parquet, PARTITION_BY ({keys}))")
        types = ", ".join(f"'{key}': VARCHAR" for key in PARTITION_KEYS)
        source = f"read_parquet('{tmp_path}/**/*.parquet', hive_partitioning=true, hive_types={{{types}}})"
        db.execute("CREATE SCHEMA connect_datalake")
        for sql in create_lake_views(CONTACT_RECORD, DUCKDB, source):
            db.execute(sql)
        for view in ("contact_record", "contact_record_versions"):
            query = (
                f"SELECT contact_id FROM connect_datalake.{view} WHERE year = '2026' AND month = '03' AND day = '08'"
            )
            assert db.execute(query).fetchall() == [("b",)]
            plan = str(db.execute(f"EXPLAIN ANALYZE {query}").fetchall())
            assert re.search(r"Total Files Read:\s*1\b|Scanning Files:\s*1/2", plan), plan


def test_the_views_show_the_objects_columns_and_the_partition(obj: Object) -> None:
    """Both views: the object's columns in order, then year, month, day; `record_moved_to` is the files' alone."""
    expected = [*(column.name for column in obj.columns), *PARTITION_KEYS]
    with duckdb.connect() as db:
        lines = [*column_lines(lake_columns(obj), DUCKDB, ()), *(f"{key} VARCHAR" for key in PARTITION_KEYS)]
        db.execute(f"CREATE TABLE files ({', '.join(lines)})")
        for body in (best_body(obj, DUCKDB, "files"), versions_body(obj, DUCKDB, "files")):
            assert db.sql(body).columns == expected


def test_partition_keys_are_not_in_the_files(obj: Object) -> None:
    """Athena refuses a table that has a partition key among its columns; the tombstone's date is the last column."""
    names = [column.name for column in lake_columns(obj)]
    assert not set(names) & set(PARTITION_KEYS)
    assert names[-1] == "record_moved_to"
    assert names[:-1] == [column.name for column in obj.columns]
    body, _, rest = create_external_table(obj, "s3://b/lake").partition("PARTITIONED BY")
    assert re.findall(r"^  `(\w+)`", body, re.MULTILINE) == names
    assert rest.startswith(" (`year` string, `month` string, `day` string)\nSTORED AS PARQUET\n")


def test_athena_computes_the_partitions_of_the_layout() -> None:
    """Projection gives exactly the paths that the lake writes, for every year of plausible dates and for none."""
    properties = projection(CONTACT_RECORD, "s3://b/lake/")
    assert properties["projection.enabled"] == "true"
    template = properties["storage.location.template"]
    assert template.startswith(lake_location(CONTACT_RECORD, "s3://b/lake"))
    path = template.replace("${year}", "2026").replace("${month}", "03").replace("${day}", "08")
    assert path == "s3://b/lake/connect_datalake/contact_record/year=2026/month=03/day=08/"
    years = properties["projection.year.values"].split(",")
    assert years[0] == "1970"
    assert years[1] == "2010"
    assert years[-1] == "2039"
    assert len(set(years)) == len(years)
    for key, high in (("month", "12"), ("day", "31")):
        assert properties[f"projection.{key}.type"] == "integer"
        assert properties[f"projection.{key}.range"] == f"1,{high}"
        assert properties[f"projection.{key}.digits"] == "2"


def test_athena_reads_the_views_not_the_files(obj: Object) -> None:
    """The public names are views; the files' table has a name of its own; each statement fits a query."""
    schema, files, versions, best, *plain = athena_statements(obj, "s3://b/lake", last_year=2050)
    assert schema == f"CREATE SCHEMA IF NOT EXISTS `{obj.database}`"
    assert f"`{obj.database}`.`{obj.table_name}_files`" in files
    assert ",2050'" in files
    assert versions.startswith(f'CREATE OR REPLACE VIEW "{obj.database}"."{obj.table_name}_versions" AS')
    assert best.startswith(f'CREATE OR REPLACE VIEW "{obj.database}"."{obj.view_name}" AS')
    assert [statement.split(" AS\n")[0] for statement in plain] == (
        [f'CREATE OR REPLACE VIEW "{obj.database}"."{obj.view_name}_plain"'] if has_plain(obj) else []
    )
    assert all(f'FROM "{obj.database}"."{obj.table_name}_files"' in view for view in (versions, best, *plain))
    assert all(len(sql.encode()) < (ATHENA.statement_bytes_max or 0) for sql in (files, versions, best, *plain))


def test_athena_casts_no_map_to_text() -> None:
    """Trino casts a map, an array or a row to JSON and not to varchar: a plain cast would fail every query."""
    best = athena_statements(CONTACT_RECORD)[3]
    nested = [column.name for column in CONTACT_RECORD.columns if not isinstance(column.type, str)]
    casts = re.findall(r'CAST\("(\w+)" AS VARCHAR\)', best)
    json_columns = {column.name for column in CONTACT_RECORD.columns if ATHENA.type_of(column) == "string"}
    assert [name for name in casts if name in nested and name not in json_columns] == []


@pytest.mark.parametrize("body", [best_body, versions_body])
def test_no_tombstone_and_no_rank_leave_the_view(body: Any) -> None:
    """What the views need inside is not among what they give."""
    selected = body(CONTACT_RECORD, ATHENA, "files").split("FROM (")[0]
    assert "record_moved_to" not in selected
    assert "record_rank" not in selected
