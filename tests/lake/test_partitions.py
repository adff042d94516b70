"""The lake's partitions (must hold 7): their values are in the path alone, and a day's question reads a day's files."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path

import pytest
from homes import NARROW, lake_best, lake_files, lake_source, load_into, narrow, opened, table, write

from trunkline.engines.duckdb import DUCKDB
from trunkline.pipelines.home import Home
from trunkline.pipelines.jobs.upkeep import compact
from trunkline.sql.lake.views import best_body, versions_body


def five_days(home: Home, folder: Path) -> None:
    """Three files a day for five days."""
    for load in range(3):
        days = [narrow(f"c{day}-{load}", Began=f"2026-03-{day:02}T23:30:00Z") for day in range(1, 6)]
        load_into(home, write(folder / "in" / str(load), *days), obj=NARROW)


def test_partition_values_are_not_in_the_files(tmp_path: Path) -> None:
    """A file has the object's columns and `record_moved_to`; year, month and day are in its path, as text."""
    with opened(tmp_path / "home", NARROW) as home:
        five_days(home, tmp_path)
        keys = lake_files(home, NARROW)
        assert len(keys) == 15
        for key in keys:
            assert re.fullmatch(r"test/narrow/year=2026/month=03/day=0[1-5]/[0-9a-f]{32}[.]parquet", key)
            path = tmp_path / "home" / "lake" / key
            columns = [
                row[0]
                for row in home.con.execute(
                    f"DESCRIBE FROM read_parquet('{path}', hive_partitioning = false)"
                ).fetchall()
            ]
            assert columns == [*(column.name for column in NARROW.columns), "record_moved_to"]
        compact(home, NARROW, timedelta(0))
        (key, *_) = lake_files(home, NARROW)
        path = tmp_path / "home" / "lake" / key
        found = home.con.execute(f"DESCRIBE FROM read_parquet('{path}', hive_partitioning = false)").fetchall()
        assert [row[0] for row in found] == [*(column.name for column in NARROW.columns), "record_moved_to"]


def test_a_date_is_utc_and_without_date_is_1970(tmp_path: Path) -> None:
    """The partition is the UTC date of the time, whatever its offset."""
    with opened(tmp_path / "home", NARROW) as home:
        file = write(
            tmp_path / "in",
            narrow("a", Began="2026-03-08T23:30:00-05:00"),
            narrow("b", Began="2026-03-08T00:30:00+05:30"),
            narrow("c", Began=...),
        )
        load_into(home, file, obj=NARROW)
        days = [key.split("/")[2:5] for key in lake_files(home, NARROW)]
        assert days == [
            ["year=1970", "month=01", "day=01"], ["year=2026", "month=03", "day=07"], ["year=2026", "month=03", "day=09"],
        ]  # fmt: skip
        assert lake_best(home, NARROW) == table(home, NARROW)


@pytest.mark.parametrize("body", [best_body, versions_body])
def test_a_query_about_one_day_reads_its_files(tmp_path: Path, body: object) -> None:
    """A condition on year, month and day is pushed below the view's window, down to the list of files."""
    with opened(tmp_path / "home", NARROW) as home:
        five_days(home, tmp_path)
        home.con.execute(
            f"CREATE TEMP VIEW narrow_view AS {body(NARROW, DUCKDB, lake_source(home, NARROW))}"  # type: ignore[operator]
        )

        def files_read(where: str) -> int:
            text = home.con.execute(f"EXPLAIN ANALYZE SELECT id, score FROM narrow_view {where}").fetchall()[0][1]
            return int(re.findall(r"Total Files Read:\s+(\d+)", text)[0])

        assert files_read("") == 15
        assert files_read("WHERE year = '2026' AND month = '03' AND day = '04'") == 3
        ids = home.con.execute(
            "SELECT id FROM narrow_view WHERE year = '2026' AND month = '03' AND day = '04'"
        ).fetchall()
        assert sorted(ids) == [("c4-0",), ("c4-1",), ("c4-2",)]
