"""Loads into Redshift from end to end: counts and ledger, what COPY refuses by row, rows staged by hand, many batches."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
from homes import NARROW, assert_adds_up, load_into, narrow, settings_of, write
from redshift_data_emulator import Fault
from redshift_home import ROLE, URL, Redshift, make_database, redshift_of
from redshift_merges import batch_id, hooks, row_of, warehouse_of, write_batch

from trunkline.aws.redshift_data import SqlError
from trunkline.errors import TerminalError
from trunkline.ledger import index
from trunkline.pipelines.home import Home, open_home
from trunkline.warehouse.redshift import request
from trunkline.warehouse.redshift.files import LoadError


@pytest.fixture(scope="module")
def server(postgres_uri: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Redshift]:
    with redshift_of(make_database(postgres_uri, "redshift_load")) as redshift:
        with warehouse_of(redshift, tmp_path_factory.mktemp("install")) as warehouse:
            warehouse.install([NARROW], [])
        yield redshift


@pytest.fixture
def redshift(server: Redshift) -> Redshift:
    """The tables of the narrow object, empty."""
    for table in ("connect.f_narrow", "ledger.batch", "ledger.position", "ledger.dead_letter"):
        server.query(f"DELETE FROM {table} RETURNING 1")
    server.emulator.forget()
    return server


@contextmanager
def opened(path: Path, url: str = URL) -> Iterator[Home]:
    with open_home(settings_of(path, warehouse=url), is_install=True) as home:
        yield home


def held(redshift: Redshift) -> list[tuple[Any, ...]]:
    return redshift.query("SELECT id, score FROM connect.f_narrow ORDER BY id")


def test_a_load_merges_and_counts(redshift: Redshift, tmp_path: Path) -> None:
    """New, newer and equal versions, over plain boto3 and HTTP."""
    with opened(tmp_path / "home") as home:
        write(tmp_path / "in/1.json", narrow("a", Score=1), narrow("b", Score=2))
        first = load_into(home, tmp_path / "in", obj=NARROW)
        assert (first.counts.inserted, first.counts.updated) == (2, 0)
        write(tmp_path / "in/2.json", narrow("a", Score=5, Changed="2026-03-03T12:00:00Z"), narrow("b", Score=2))
        second = load_into(home, tmp_path / "in", obj=NARROW)
        assert (second.counts.updated, second.counts.duplicate) == (1, 1)
        assert held(redshift) == [("a", 5), ("b", 2)]
        assert_adds_up(index.totals(home.warehouse, NARROW.name))
        assert load_into(home, tmp_path / "in", obj=NARROW).counts.read == 0


@pytest.mark.parametrize("way", ["values", "files"])
def test_two_loaders_at_once(redshift: Redshift, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, way: str) -> None:
    """Known flaw 17: two homes with one lake load versions of the same keys at the same time: each key once, the best version, all
    accounted for.
    """
    if way == "files":
        monkeypatch.setattr(request, "INSERT_ROWS_MAX", 0)
    results: dict[int, Any] = {}
    start = threading.Barrier(2)

    def work(number: int, home: Home) -> None:
        times = [f"2026-03-05T10:00:{(n + number) % 60:02}Z" for n in range(60)]
        versions = [narrow(f"k{n}", Changed=time, Score=number) for n, time in enumerate(times)]
        path = write(tmp_path / f"in{number}/1.json", *versions)
        start.wait()
        results[number] = load_into(home, path, obj=NARROW).counts

    with ExitStack() as stack:
        settings = [
            settings_of(
                tmp_path / f"home{n}", warehouse=URL, batch_bytes=2_000, lake=f"file://{tmp_path}/lake", pii="keep"
            )
            for n in (0, 1)
        ]
        homes = [stack.enter_context(open_home(one, is_install=True)) for one in settings]
        threads = [threading.Thread(target=work, args=(number, home)) for number, home in enumerate(homes)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    for counts in results.values():
        assert_adds_up(counts)
    assert results[0].inserted + results[1].inserted == 60
    # Second 59 plus one is second 0: there the first loader's version is the better one.
    assert redshift.query("SELECT id, score FROM connect.f_narrow WHERE score = 0") == [("k59", 0)]
    assert redshift.query("SELECT count(*), count(DISTINCT id) FROM connect.f_narrow") == [(60, 60)]
    assert redshift.query("SELECT sum(read), sum(inserted) FROM ledger.batch") == [(120, 60)]
    staging = "SELECT tablename FROM pg_tables WHERE tablename LIKE '%run%' AND schemaname <> 'ledger'"
    assert redshift.query(staging) == []
    assert redshift.staged() == []


@pytest.mark.parametrize("way", ["values", "files"])
def test_many_batches_in_one_load(
    redshift: Redshift, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    """As many as one transaction takes, which is far from forty statements each; then the next transaction."""
    if way == "files":
        monkeypatch.setattr(request, "INSERT_ROWS_MAX", 0)
    with opened(tmp_path / "home") as home:
        for number in range(20):
            write(
                tmp_path / f"in/{number:02}.json",
                narrow(f"k{number % 7}", Score=number, Note="x" * 300),
                narrow(f"n{number}"),
            )
    with open_home(settings_of(tmp_path / "home", warehouse=URL, batch_bytes=800), is_install=True) as home:
        result = load_into(home, tmp_path / "in", obj=NARROW)
    assert result.batches >= 12
    assert len(held(redshift)) == 27
    sizes = [len(one.subs) for one in redshift.emulator.committed if any("CALL" in sub.sql for sub in one.subs)]
    assert len(sizes) > 1
    assert max(sizes) <= 40
    assert redshift.staged() == []


def test_what_copy_refuses_is_shown_by_row(redshift: Redshift, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """File, line, column and reason, as Redshift's error view has them; no value; nothing is loaded."""
    monkeypatch.setattr(request, "INSERT_ROWS_MAX", 0)
    monkeypatch.setattr("trunkline.warehouse.staging.refuse", lambda *_: [])  # what it finds never gets there
    bad = row_of("bad", record_version="+15535550143" * 20)
    part = write_batch(tmp_path, "bad", [row_of("good"), bad, row_of("other")])
    with warehouse_of(redshift, tmp_path / "scratch") as warehouse, pytest.raises(LoadError) as caught:
        warehouse.merge(NARROW, [part], hooks(NARROW, {batch_id("bad"): 3}))
    text = str(caught.value)
    assert "line 2 of rows.parquet: column record_version varchar(128): String length exceeds DDL length" in text
    assert "(code 1204)" in text
    assert "155" not in text
    assert [row.line for row in caught.value.rows] == [2]
    assert held(redshift) == []


def test_a_role_that_may_not_read_is_named(redshift: Redshift, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The database's own words come through."""
    monkeypatch.setattr(request, "INSERT_ROWS_MAX", 0)
    url = URL.replace(ROLE, ROLE + "Other")
    with (
        warehouse_of(redshift, tmp_path / "scratch", url) as warehouse,
        pytest.raises(SqlError, match="assume IAM Role"),
    ):
        warehouse.merge(NARROW, [write_batch(tmp_path, "1", [row_of("a")])], hooks(NARROW, {batch_id("1"): 1}))


def test_a_load_without_a_place_for_files_is_small_or_refused(redshift: Redshift, tmp_path: Path) -> None:
    """Values alone carry a hundred rows; for more the message says what to add to the setting."""
    url = "redshift+data://analytics/dev?db_user=loader"
    with warehouse_of(redshift, tmp_path / "scratch", url) as warehouse:
        few = write_batch(tmp_path, "few", [row_of(f"k{n}") for n in range(50)])
        warehouse.merge(NARROW, [few], hooks(NARROW, {batch_id("few"): 50}))
        assert len(held(redshift)) == 50
        many = write_batch(tmp_path, "many", [row_of(f"m{n}") for n in range(101)])
        with pytest.raises(TerminalError, match="no place for files is set: add &staging=s3://bucket/prefix"):
            warehouse.merge(NARROW, [many], hooks(NARROW, {batch_id("many"): 101}))


def test_rows_staged_by_hand_are_merged_by_hand(redshift: Redshift, tmp_path: Path) -> None:
    """`CALL connect.insert_new_f_narrow()` reads and empties the staging table; record_* columns may be NULL."""
    with warehouse_of(redshift, tmp_path / "scratch") as warehouse:
        for score in (1, 2):
            warehouse.run(
                "INSERT INTO connect.f_narrow_staging (id, began_at, changed_at, score) VALUES ($1, $2, $2, $3), ($4, $2, $5, $3)",
                ["a", row_of("a")["began_at"], score, "b", None],
            )
            warehouse.run("CALL connect.insert_new_f_narrow()")
        assert warehouse.query("SELECT COUNT(*) FROM connect.f_narrow_staging") == [(0,)]
        rows = warehouse.query("SELECT id, record_fidelity, record_position FROM connect.f_narrow ORDER BY id")
    assert rows == [("a", "stream", "connect.f_narrow_staging"), ("b", "stream", "connect.f_narrow_staging")]


def test_answers_come_page_by_page_and_typed(redshift: Redshift, tmp_path: Path) -> None:
    """Every row, times and decimals as Python has them, NULL as None, values bound whatever they hold."""
    from datetime import date, datetime
    from decimal import Decimal

    redshift.emulator.page_rows = 3
    redshift.emulator.faults.append(Fault("GetStatementResult", "throttle", times=0))
    with warehouse_of(redshift, tmp_path / "scratch") as warehouse:
        rows = warehouse.query(
            "SELECT n, CAST($1 AS VARCHAR(100)), CAST($2 AS TIMESTAMP), CAST('2026-03-08' AS DATE), CAST(1.50 AS DECIMAL(9, 2)), "
            "NULL, $3 FROM generate_series(1, 10) AS n",
            ["it's :p1 $1", datetime(2026, 3, 8, 7, 59, 59, 5), True],
        )
    redshift.emulator.page_rows = 100
    assert [row[0] for row in rows] == list(range(1, 11))
    assert rows[0][1:] == (
        "it's :p1 $1",
        datetime(2026, 3, 8, 7, 59, 59, 5),
        date(2026, 3, 8),
        Decimal("1.50"),
        None,
        True,
    )
