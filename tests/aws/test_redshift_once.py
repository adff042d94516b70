"""One load, one effect: a crash after any call, answers that never came, statements that outlive their poll, conflicts."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from homes import NARROW
from redshift_data_emulator import Fault
from redshift_home import URL, Died, Redshift, make_database, redshift_of
from redshift_merges import batch_id, counted, hooks, row_of, warehouse_of, write_batch

from trunkline.accounting import Counts
from trunkline.aws.redshift_data import DataApi, RedshiftTarget, SqlError, StatementTimeoutError
from trunkline.aws.redshift_once import Attempt, Work, perform
from trunkline.errors import TransientError
from trunkline.warehouse.redshift import request

FIRST = [row_of("a", second=1, score=1), row_of("b", second=1, score=1), row_of("b", second=2, score=2)]
SECOND = [row_of("a", second=0, score=9), row_of("b", second=3, score=3), row_of("c", score=3)]
IDS = {batch_id("1"): 3, batch_id("2"): 3}
LOCK = re.compile('LOCK TABLE "connect"."f_narrow"')
TRUTH = [("a", 1), ("b", 3), ("c", 3)]


@pytest.fixture(scope="module")
def server(postgres_uri: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Redshift]:
    with redshift_of(make_database(postgres_uri, "redshift_once")) as redshift:
        with warehouse_of(redshift, tmp_path_factory.mktemp("install")) as warehouse:
            warehouse.install([NARROW], [])
        yield redshift


@pytest.fixture
def redshift(server: Redshift) -> Redshift:
    for table in ("connect.f_narrow", "ledger.batch"):
        server.query(f"DELETE FROM {table} RETURNING 1")
    server.emulator.forget()
    return server


def rows(redshift: Redshift) -> list[tuple[Any, ...]]:
    return redshift.query("SELECT id, score FROM connect.f_narrow ORDER BY id")


def loads(redshift: Redshift) -> list[Any]:
    """The transactions with a merge in them that were committed."""
    return [one for one in redshift.emulator.committed if any("CALL" in sub.sql for sub in one.subs)]


def load(redshift: Redshift, folder: Path, url: str = URL, **options: Any) -> dict[str, Counts]:
    batches = [write_batch(folder, "1", FIRST), write_batch(folder, "2", SECOND)]
    with warehouse_of(redshift, folder / "scratch", url, **options) as warehouse:
        return warehouse.merge(NARROW, batches, hooks(NARROW, IDS))


@pytest.mark.parametrize("way", ["values", *(pytest.param(way, marks=pytest.mark.soak) for way in ("files", "json"))])
def test_a_crash_after_any_call_and_a_second_run_have_one_effect(
    redshift: Redshift, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    """Whichever call was answered last: the same table, one ledger row a batch, one merge, no file left."""
    if way != "values":
        monkeypatch.setattr(request, "INSERT_ROWS_MAX", 0)
    url = URL + ("&format=json" if way == "json" else "")
    steps: list[str] = []
    load(redshift, tmp_path / "whole", url, steps=steps)
    assert "batch_execute_statement" in steps
    for at in range(len(steps)):
        for table in ("connect.f_narrow", "ledger.batch"):
            redshift.query(f"DELETE FROM {table} RETURNING 1")
        redshift.emulator.forget()
        with pytest.raises(Died):
            load(redshift, tmp_path / f"{at}", url, steps=[], at=at)
        counts = load(redshift, tmp_path / f"{at}", url)
        assert rows(redshift) == TRUTH, f"after {steps[at]} ({at})"
        assert counts == {
            batch_id("1"): Counts(inserted=2, superseded=1),
            batch_id("2"): Counts(inserted=1, updated=1, superseded=1),
        }
        assert len(loads(redshift)) == 1, f"after {steps[at]} ({at})"
        assert redshift.query("SELECT COUNT(*) FROM ledger.batch") == [(2,)]
        assert redshift.staged() == []


@contextmanager
def locked(redshift: Redshift) -> Iterator[psycopg.Connection[Any]]:
    """A load's transaction waits at its first statement until the connection is rolled back."""

    def waiting(connection: psycopg.Connection[Any], _: Any) -> int:
        connection.execute("SELECT pg_advisory_xact_lock(7)")
        connection.execute('LOCK TABLE "connect"."f_narrow"')
        return -1

    command = (LOCK, waiting)
    redshift.emulator.commands.append(command)
    with psycopg.connect(redshift.uri) as other:
        other.execute("SELECT pg_advisory_xact_lock(7)")
        try:
            yield other
        finally:
            other.rollback()
            redshift.emulator.settle()
            redshift.emulator.commands.remove(command)


def released_after(other: psycopg.Connection[Any], seconds: float) -> threading.Timer:
    timer = threading.Timer(seconds, other.rollback)
    timer.start()
    return timer


@pytest.mark.parametrize("kind", ["drop", "lose", "throttle", "error"])
@pytest.mark.parametrize("operation", ["BatchExecuteStatement", "DescribeStatement"])
def test_a_request_without_an_answer_is_repeated(redshift: Redshift, tmp_path: Path, kind: str, operation: str) -> None:
    """The same token finds the same statement; a failed poll says nothing about it."""
    redshift.emulator.faults.append(Fault(operation, kind, times=2))
    load(redshift, tmp_path)
    assert rows(redshift) == TRUTH
    assert len(loads(redshift)) == 1


def test_a_service_that_does_not_answer_is_a_transient_error(redshift: Redshift, tmp_path: Path) -> None:
    """The next run completes the work."""
    redshift.emulator.faults.append(Fault("BatchExecuteStatement", "throttle", times=99))
    with pytest.raises(TransientError, match="ThrottlingException"):
        load(redshift, tmp_path)
    assert rows(redshift) == []
    redshift.emulator.faults.clear()
    load(redshift, tmp_path)
    assert (rows(redshift), len(loads(redshift))) == (TRUTH, 1)


@pytest.mark.parametrize("hours", [1, 9, 25])
def test_long_after_a_crash_the_ledger_decides(redshift: Redshift, tmp_path: Path, hours: int) -> None:
    """Tokens last 8 hours and names 24; a ledger row remains."""
    steps: list[str] = []
    load(redshift, tmp_path, steps=steps)
    redshift.emulator.forget()
    for table in ("connect.f_narrow", "ledger.batch"):
        redshift.query(f"DELETE FROM {table} RETURNING 1")
    with pytest.raises(Died):
        load(redshift, tmp_path, at=steps.index("batch_execute_statement"))
    redshift.emulator.settle()
    redshift.emulator.skew = timedelta(hours=hours)
    counts = load(redshift, tmp_path)
    assert (rows(redshift), len(loads(redshift))) == (TRUTH, 1)
    assert counts[batch_id("2")] == Counts(inserted=1, updated=1, superseded=1)
    assert counted(redshift) == Counts(read=6, inserted=3, updated=1, superseded=2)


def test_a_statement_that_still_runs_is_adopted(redshift: Redshift, tmp_path: Path) -> None:
    """A process died while its statement waited for a lock; the next process waits for that statement."""
    steps: list[str] = []
    load(redshift, tmp_path, steps=steps)
    redshift.emulator.forget()
    for table in ("connect.f_narrow", "ledger.batch"):
        redshift.query(f"DELETE FROM {table} RETURNING 1")
    with locked(redshift) as other:
        with pytest.raises(Died):
            load(redshift, tmp_path, at=steps.index("batch_execute_statement"))
        timer = released_after(other, 0.4)
        load(redshift, tmp_path)
        timer.join()
    assert (rows(redshift), len(loads(redshift))) == (TRUTH, 1)
    batches = [one for one in redshift.emulator.statements() if one.is_batch]
    assert [one.status for one in batches] == ["FINISHED"]


def test_a_statement_that_exceeds_its_time_is_cancelled(redshift: Redshift, tmp_path: Path) -> None:
    """It has no effect then, even if the process that started it has died; a later run has the whole effect."""
    url = URL + "&timeout_s=5"
    with locked(redshift):
        with pytest.raises(StatementTimeoutError, match="took longer than 5 s; it is ABORTED"):
            load(redshift, tmp_path, url)
        assert [one.status for one in redshift.emulator.statements() if one.is_batch] == ["ABORTED"]
        with pytest.raises(StatementTimeoutError):
            load(redshift, tmp_path, url)
    load(redshift, tmp_path, url)
    assert (rows(redshift), len(loads(redshift))) == (TRUTH, 1)


def test_a_statement_of_an_earlier_run_is_cancelled_when_its_time_is_over(redshift: Redshift, tmp_path: Path) -> None:
    """A new try starts after the old one has ended, not beside it."""
    steps: list[str] = []
    load(redshift, tmp_path, steps=steps)
    redshift.emulator.forget()
    for table in ("connect.f_narrow", "ledger.batch"):
        redshift.query(f"DELETE FROM {table} RETURNING 1")
    with locked(redshift) as other:
        with pytest.raises(Died):
            load(redshift, tmp_path, at=steps.index("batch_execute_statement"))
        url = URL + "&timeout_s=5"
        timer = released_after(other, 6)
        load(redshift, tmp_path, url)
        timer.join()
    assert (rows(redshift), len(loads(redshift))) == (TRUTH, 1)
    assert sorted(one.status for one in redshift.emulator.statements() if one.is_batch) == ["ABORTED", "FINISHED"]


CONFLICTS = [
    "1023 DETAIL: Serializable isolation violation on table - 100, transactions forming the cycle are: 1, 2",
    "could not serialize access due to concurrent update",
    "deadlock detected",
]


@pytest.mark.parametrize("text", CONFLICTS)
def test_a_conflict_with_another_transaction_is_tried_again(redshift: Redshift, tmp_path: Path, text: str) -> None:
    """With growing pauses, under a new token each time."""
    left = [1, 1]

    def conflict(connection: Any, _: Any) -> int:
        if left:
            left.pop()
            raise psycopg.errors.InternalError_(text)
        connection.execute('LOCK TABLE "connect"."f_narrow"')
        return -1

    command = (LOCK, conflict)
    redshift.emulator.commands.append(command)
    slept: list[float] = []
    try:
        load(redshift, tmp_path, sleeps=slept)
    finally:
        redshift.emulator.commands.remove(command)
    assert (rows(redshift), len(loads(redshift))) == (TRUTH, 1)
    assert [pause for pause in slept if pause >= 1] == [2.0, 4.0]
    batches = [asked for name, asked in redshift.emulator.requests if name == "BatchExecuteStatement"]
    assert len({one["ClientToken"] for one in batches}) == len(batches) == 3
    assert [one["StatementName"].rpartition("-")[2] for one in batches] == ["1", "2", "3"]


def test_tries_after_conflicts_are_bounded(redshift: Redshift, tmp_path: Path) -> None:
    """After the last try the error says what to do."""
    work = Work("0" * 32, lambda _: Attempt(["SELECT 1/0"]), lambda: False, 10)
    api = DataApi(redshift.emulator.in_process(), RedshiftTarget("dev", "analytics"), lambda _: None)
    with pytest.raises(SqlError, match="division by zero"):
        perform(api, work)
    assert len(redshift.emulator.executed()) == 1, "what is no conflict is not tried again"
    failing = Work("1" * 32, lambda _: Attempt(["DO $$ BEGIN RAISE 'deadlock detected'; END $$"]), lambda: False, 10)
    with pytest.raises(TransientError, match="5 tries lost against other transactions"):
        perform(api, failing)
