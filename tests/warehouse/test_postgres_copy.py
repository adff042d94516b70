"""Rows on their way from lake files to a PostgreSQL staging table: none lost, none shifted, nothing sent for nothing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import adbc_driver_manager as adbc
import duckdb
import pytest
from homes import NARROW, lake_best, load_into, narrow, opened, table, write
from servers import Databases

from trunkline import limits
from trunkline.engines.duckdb import DUCKDB
from trunkline.engines.postgres import POSTGRES
from trunkline.errors import TransientError
from trunkline.sql.lake.views import MOVED_TO
from trunkline.warehouse import staging


@pytest.fixture
def url(postgres_databases: Databases) -> Iterator[str]:
    """An installed, empty warehouse."""
    found = postgres_databases.new()
    yield found
    postgres_databases.release(found)


@pytest.mark.parametrize("piece_rows", [1, 7, 30, 4_096])
def test_every_row_arrives_whole(url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, piece_rows: int) -> None:
    """Cut into pieces anywhere and sent over two connections, each value stays in its row, and NULL stays NULL."""
    monkeypatch.setattr(limits, "POSTGRES_COPY_ROWS", piece_rows)
    records = [
        narrow(
            f"k{n:03}",
            Score=n if n % 3 else ...,
            Labels={"n": str(n)} if n % 5 else ...,
            Items=[{"N": n}] * (n % 4),
            Anything={"n": n, "text": "ü" * (n % 11)} if n % 2 else ...,
        )
        for n in range(60)
    ]
    with opened(tmp_path / "home", NARROW, warehouse=url) as home:
        load_into(home, write(tmp_path / "in" / "a", *records), obj=NARROW)
        rows = table(home, NARROW)
        assert rows == lake_best(home, NARROW)
    assert [row["id"] for row in rows] == [f"k{n:03}" for n in range(60)]
    assert [row["score"] for row in rows] == [n if n % 3 else None for n in range(60)]


def test_a_connection_that_ends(url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the server cuts one of the connections off, the load fails and says so; the next one has all rows."""
    import psycopg

    monkeypatch.setattr(limits, "POSTGRES_COPY_ROWS", 7)
    path = write(tmp_path / "in" / "a", *(narrow(f"k{n:03}") for n in range(30)))
    statement = adbc.AdbcStatement

    def cut_off(con: adbc.AdbcConnection) -> adbc.AdbcStatement:
        with psycopg.connect(url, autocommit=True, application_name="other") as other:
            other.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() "
                "AND application_name = '' AND pid <> pg_backend_pid()"
            )
        return statement(con)

    with opened(tmp_path / "home", NARROW, warehouse=url) as home:
        with monkeypatch.context() as patch:
            patch.setattr(adbc, "AdbcStatement", cut_off)
            with pytest.raises(TransientError, match="nothing is lost"):
                load_into(home, path, obj=NARROW)
        assert table(home, NARROW) == []
        load_into(home, path, obj=NARROW)
        assert [row["id"] for row in table(home, NARROW)] == [f"k{n:03}" for n in range(30)]


def test_columns_without_a_value_are_not_staged(tmp_path: Path) -> None:
    """Left out where no row of any file has one. An empty list is a value, though a footer counts it like NULL."""
    filled = {"id": "'k'", "record_hash": "'h'", "items": "[]", "labels": "MAP {}"}
    paths = []
    with duckdb.connect() as con:
        for number, more in enumerate(({"score": "1"}, {"anything": "'{}'"})):
            values = filled | more
            listed = ", ".join(
                f"CAST({values.get(c.name, 'NULL')} AS {DUCKDB.type_of(c)}) AS {c.name}"
                for c in (*NARROW.columns, MOVED_TO)
            )
            paths.append(tmp_path / f"{number:032x}.parquet")
            con.execute(f"COPY (SELECT {listed} FROM range(9)) TO '{paths[-1]}' (FORMAT parquet)")
        staged = staging.stage(con, NARROW, POSTGRES, paths)
        missing = {column.name for column in NARROW.columns} - {column.name for column in staged.obj.columns}
        assert missing == {"phone", "marks"}
        assert con.execute(
            f"SELECT count(score), count(anything), count(items), count(labels) FROM {staged.rows.sql}"
        ).fetchall() == [(9, 9, 18, 18)]
