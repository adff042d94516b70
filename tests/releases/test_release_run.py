"""Running a release against the emulator: each procedure once, whatever breaks, and the mission's result object."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("psycopg", reason="psycopg is not installed")

from redshift_data_emulator import Fault

import trunkline
from releases import BUCKET, RAN, TARGET, THREE, Crash, Dying, names, statuses
from trunkline import clock
from trunkline.aws.errors import RefusedError
from trunkline.aws.redshift_data import DataApi
from trunkline.errors import SourceChangedError, TransientError
from trunkline.pipelines.jobs.release import plan, run_planned
from trunkline.releases.interface import body_of, response
from trunkline.releases.parser import parse
from trunkline.releases.run import RunOptions, run
from trunkline.releases.state import DiskStateStore, NoStateStore, RunState, S3StateStore

STILL_SLOW = """
SELECT count(*) FROM pg_stat_activity
WHERE state = 'active' AND query LIKE '%slow%' AND pid <> pg_backend_pid()
"""


def release_of(text: str) -> Any:
    return parse(text, "Rel1.txt")


def test_procedures_run_in_order_each_once(api, query) -> None:
    """Values arrive as written, converted by the database."""
    outcome = run(api, release_of(THREE), NoStateStore(), RunOptions())
    assert outcome.is_finished
    assert outcome.error is None
    assert statuses(outcome) == ["FINISHED"] * 3
    assert names(query) == RAN
    assert query("SELECT arguments FROM done WHERE name = 'load_facts'") == [(["2026-03-01", "7", "true", "it's"],)]


def test_every_kind_of_value_arrives(api, query) -> None:
    """NULL and the empty text, which the Data API cannot bind, and the word null, which is a text."""
    run(
        api,
        release_of("echo('', NULL, 'null', 'TRUE', -1.50, ' ', 'é😀', ':a1', '%s $1 ?')"),
        NoStateStore(),
        RunOptions(),
    )
    assert query("SELECT arguments FROM done") == [(["", None, "null", "TRUE", "-1.50", " ", "é😀", ":a1", "%s $1 ?"],)]


@pytest.mark.parametrize(("on_failure", "ran"), [("continue", ["load_dims", "load_last"]), ("stop", ["load_dims"])])
def test_a_failure_and_what_follows(on_failure, ran, api, query) -> None:
    """The database's own message; a call that was not run says so; a failure ends a call, so the next run is a
    new one.
    """
    release = release_of("connect.load_dims\nconnect.broken\nconnect.load_last\nconnect.gone")
    outcome = run(api, release, NoStateStore(), RunOptions(on_failure=on_failure))
    assert names(query) == ran
    assert outcome.is_finished
    assert outcome.calls[1].error == 'ERROR: column "x" does not exist'
    if on_failure == "stop":
        assert statuses(outcome) == ["FINISHED", "FAILED", "NOT_RUN", "NOT_RUN"]
    else:
        assert statuses(outcome) == ["FINISHED", "FAILED", "FINISHED", "FAILED"]
        assert "connect.gone() does not exist" in str(outcome.calls[3].error)


def test_a_procedure_that_takes_too_long_is_cancelled(api, query) -> None:
    """It ends in the database without an effect, and the next one runs after it."""
    outcome = run(api, release_of("connect.slow(60)\nconnect.load_last"), NoStateStore(), RunOptions(call_s=0.6))
    assert statuses(outcome) == ["ABORTED", "FINISHED"]
    assert outcome.calls[0].error == "took longer than 0.6 s and was cancelled"
    assert names(query) == ["load_last"]
    assert query(STILL_SLOW) == [(0,)]


def test_the_runs_own_deadline_leaves_the_statement_to_the_next_run(api, query, tmp_path) -> None:
    """A function that has to answer does so; the next one waits for the same statement and continues."""
    path = tmp_path / "Rel1.txt"
    path.write_text("connect.slow(1.5)\nconnect.load_last")
    found, release = plan(str(path))
    first = run_planned(api, found, release, RunOptions(until_s=clock.monotonic_s() + 0.5))
    assert not first.is_finished
    assert statuses(first) == ["STARTED", "NOT_RUN"]
    assert "Run again" in str(first.error)
    second = run_planned(api, found, release, RunOptions())
    assert statuses(second) == ["FINISHED", "FINISHED"]
    assert second.calls[0].query_id == first.calls[0].query_id
    assert "resuming" in second.warnings[0]
    assert names(query) == ["slow", "load_last"]
    third = run_planned(api, found, release, RunOptions(until_s=clock.monotonic_s() - 1))
    assert statuses(third) == ["NOT_RUN", "NOT_RUN"]
    assert "time ended before call 1" in str(third.error)


def test_a_denied_save_is_not_taken_for_a_lost_statement(api, query, monkeypatch) -> None:
    """The call runs on and the next run finds it; only the message is about the permission."""

    class Denied(NoStateStore):
        def save(self, state: RunState) -> None:
            if state.calls[0].status == "STARTED":
                raise RefusedError("AWS denied PutObject of s3://bucket/Rel1.txt.state.json", "AccessDenied")

    release = release_of("connect.slow(1.5)")
    outcome = run(api, release, Denied(), RunOptions(until_s=clock.monotonic_s() + 0.5))
    assert outcome.error == "AWS denied PutObject of s3://bucket/Rel1.txt.state.json"
    assert statuses(outcome) == ["STARTED"]


def test_a_resumed_statement_that_exceeds_its_time_is_cancelled(api, query, tmp_path, monkeypatch) -> None:
    """The time counts from the first request, not from the start of the next run."""
    store = DiskStateStore(str(tmp_path / "Rel1.txt"))
    release = release_of("connect.slow(30)")
    assert not run(api, release, store, RunOptions(until_s=clock.monotonic_s() + 0.4)).is_finished
    real = clock.now
    monkeypatch.setattr(clock, "now", lambda: real() + timedelta(minutes=6))
    begun = time.monotonic()
    outcome = run(api, release, store, RunOptions())
    assert time.monotonic() - begun < 15
    assert statuses(outcome) == ["ABORTED"]
    assert outcome.calls[0].error == "took longer than 300 s and was cancelled"
    assert names(query) == []


@pytest.mark.parametrize("is_after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("place", ["disk", "s3"])
def test_a_crash_at_any_step_and_a_new_run(place, is_after, redshift, query, tmp_path, s3) -> None:
    """Whatever the process did last: after the next run each procedure has run once.

    In S3 the event's id comes again, as Lambda's own retries do it, so that even a run that ended is not repeated.
    """
    release, at = release_of(THREE), 0
    while True:
        query("DELETE FROM done RETURNING 1")
        steps: list[str] = []
        name = f"{tmp_path}/Rel{at}.txt" if place == "disk" else f"s3://{BUCKET}/Rel{at}{is_after}.txt"
        request = None if place == "disk" else f"event-{at}-{is_after}"
        options = RunOptions(request_id=request)

        def store(name: str = name) -> Any:
            return DiskStateStore(name) if place == "disk" else S3StateStore(s3, name)

        client, dying_store = (Dying(one, steps, at, is_after) for one in (redshift.in_process(), store()))
        try:
            run(DataApi(client, TARGET), release, dying_store, options)
            break
        except Crash:
            held = store().load()
        is_new = place == "disk" and held is not None and held.is_finished
        outcome = run(DataApi(redshift.in_process(), TARGET), release, store(), options)
        assert names(query) == (RAN * 2 if is_new else RAN), (at, steps)
        assert statuses(outcome) == ["FINISHED"] * 3
        assert outcome.is_finished
        at += 1
    assert at >= 17  # begin; ask, execute, keep, describe, keep for each of three; finish
    assert names(query) == RAN


def test_two_crashes_and_a_third_run(redshift, query, tmp_path) -> None:
    """The resuming run may die as well."""
    release = release_of(THREE)
    for first in (2, 5, 9):
        for second in (1, 3, 6):
            query("DELETE FROM done RETURNING 1")
            path = str(tmp_path / f"Rel{first}-{second}.txt")
            for at in (first, second):
                steps: list[str] = []
                with pytest.raises(Crash):
                    run(
                        DataApi(Dying(redshift.in_process(), steps, at), TARGET),
                        release,
                        Dying(DiskStateStore(path), steps, at),
                        RunOptions(),
                    )
            run(DataApi(redshift.in_process(), TARGET), release, DiskStateStore(path), RunOptions())
            assert names(query) == RAN


@pytest.mark.parametrize(("hours", "ran", "status"), [(7, 1, "FINISHED"), (9, 1, "FINISHED"), (25, 1, "FAILED")])
@pytest.mark.parametrize("is_after", [True, False], ids=["asked", "not_asked"])
def test_tokens_that_have_expired(hours, ran, status, is_after, redshift, query, tmp_path, monkeypatch) -> None:
    """After 8 hours the statement is found by name; after 24 it is unknown whether it ran, so it is not run again."""
    steps: list[str] = []
    release = release_of("connect.load_dims")
    path = str(tmp_path / "Rel1.txt")
    with pytest.raises(Crash):
        run(
            DataApi(Dying(redshift.in_process(), steps, 2, is_after), TARGET),
            release,
            Dying(DiskStateStore(path), steps, 2, is_after),
            RunOptions(),
        )
    assert steps[-1] == "execute_statement"
    while any(one.status != "FINISHED" for one in redshift.statements()):
        time.sleep(0.01)
    redshift.skew = timedelta(hours=hours)
    real = clock.now
    monkeypatch.setattr(clock, "now", lambda: real() + timedelta(hours=hours))
    outcome = run(DataApi(redshift.in_process(), TARGET), release, DiskStateStore(path), RunOptions())
    assert statuses(outcome) == [status]
    assert len(names(query)) == (ran if is_after or hours < 24 else 0)
    if status == "FAILED":
        assert "whether it ran is unknown" in str(outcome.calls[0].error)


def test_finished_calls_need_no_request(redshift, query, tmp_path) -> None:
    """A day later Redshift no longer knows the first calls; the state does."""
    path, steps = str(tmp_path / "Rel1.txt"), []
    with pytest.raises(Crash):
        run(
            DataApi(redshift.in_process(), TARGET),
            release_of(THREE),
            Dying(DiskStateStore(path), steps, 7),
            RunOptions(),
        )
    redshift.skew = timedelta(hours=25)
    outcome = run(DataApi(redshift.in_process(), TARGET), release_of(THREE), DiskStateStore(path), RunOptions())
    assert statuses(outcome) == ["FINISHED"] * 3
    assert names(query) == RAN


def test_another_release_or_target_starts_over_and_cancels_what_runs(redshift, query, tmp_path) -> None:
    """Nothing of an abandoned run runs beside the new one."""
    api, store = DataApi(redshift.in_process(), TARGET), DiskStateStore(str(tmp_path / "Rel1.txt"))
    slow = release_of("connect.slow(60)")
    for other, options in (
        (release_of("connect.load_dims"), RunOptions()),
        (slow, RunOptions(restart=True, call_s=0.2)),
    ):
        assert not run(api, slow, store, RunOptions(until_s=clock.monotonic_s() + 0.4, restart=True)).is_finished
        outcome = run(api, other, store, options)
        assert outcome.is_finished
        assert "abandoned" in outcome.warnings[0]
    assert names(query) == ["load_dims"]
    assert query(STILL_SLOW) == [(0,)]
    steps: list[str] = []  # killed before the statement's id was written down
    with pytest.raises(Crash):
        run(
            DataApi(Dying(redshift.in_process(), steps, 2, True), TARGET),
            slow,
            Dying(store, steps, 2, True),
            RunOptions(),
        )
    assert run(api, release_of("connect.load_last"), store, RunOptions()).is_finished
    assert query(STILL_SLOW) == [(0,)]


def test_a_finished_release_runs_again_but_not_for_the_same_request(redshift, query, tmp_path) -> None:
    """A nightly schedule runs every night; Lambda's second delivery of one night's event does not."""
    api, store = DataApi(redshift.in_process(), TARGET), DiskStateStore(str(tmp_path / "Rel1.txt"))
    release = release_of("connect.load_dims")
    for request in ("monday", "monday", "tuesday", None, None):
        outcome = run(api, release, store, RunOptions(request_id=request))
        assert statuses(outcome) == ["FINISHED"]
    assert names(query) == ["load_dims"] * 4
    ids = {run(api, release, NoStateStore(), RunOptions(request_id="x")).calls[0].query_id for _ in range(3)}
    assert len(ids) == 1
    assert names(query) == ["load_dims"] * 5


def test_a_repeated_request_after_its_token_expired(redshift, query, tmp_path) -> None:
    """The state has the request of the last finished run."""
    api, store = DataApi(redshift.in_process(), TARGET), DiskStateStore(str(tmp_path / "Rel1.txt"))
    for hours in (0, 9, 30):
        redshift.skew = timedelta(hours=hours)
        assert statuses(run(api, release_of("connect.load_dims"), store, RunOptions(request_id="monday"))) == [
            "FINISHED"
        ]
    assert names(query) == ["load_dims"]


def test_the_same_procedure_twice_in_a_file_runs_twice(api, query) -> None:
    """A call is identified by its place."""
    run(api, release_of("connect.load_dims\n" * 3), NoStateStore(), RunOptions(request_id="x"))
    assert names(query) == ["load_dims"] * 3


def test_of_two_runs_at_once_one_fails(redshift, query, tmp_path, s3) -> None:
    """In S3 the second writer is refused, on disk the second process does not start; each procedure ran once."""
    release = release_of(THREE)
    first, second = S3StateStore(s3, f"s3://{BUCKET}/Rel1.txt"), S3StateStore(s3, f"s3://{BUCKET}/Rel1.txt")
    assert second.load() is None
    api = DataApi(redshift.in_process(), TARGET)
    outcome = run(api, release, first, RunOptions())
    with pytest.raises(SourceChangedError, match="another run"):
        second.save(RunState(run_id="x", digest="", target="", started_at="", calls=()))
    (tmp_path / "Rel1.txt").write_text(THREE)
    found, release = plan(str(tmp_path / "Rel1.txt"))

    def meanwhile(_: Any) -> None:
        with pytest.raises(TransientError, match="another process"):
            run_planned(api, found, release, RunOptions())

    assert run_planned(api, found, release, RunOptions(), on_end=meanwhile).is_finished
    assert statuses(outcome) == ["FINISHED"] * 3
    assert names(query) == RAN * 2


class Shared:
    """A state in memory with S3's rule: a put after another run's put is refused."""

    def __init__(self, held: list[RunState], lock: threading.Lock) -> None:
        self._held, self._lock, self._seen = held, lock, 0

    def load(self) -> RunState | None:
        with self._lock:
            self._seen = len(self._held)
            return self._held[-1] if self._held else None

    def save(self, state: RunState) -> None:
        with self._lock:
            if len(self._held) != self._seen:
                raise SourceChangedError("another run")
            self._held.append(state)
            self._seen += 1


@pytest.mark.parametrize("seed", range(6))
def test_concurrent_runs(seed, redshift, query) -> None:
    """Several functions start together, some later: every procedure runs once, and at least one finishes."""
    held: list[RunState] = []
    lock = threading.Lock()
    redshift.submitted_delay_s = 0.02 * (seed % 3)

    def one(place: int) -> Any:
        time.sleep(0.015 * place * seed)
        return run(
            DataApi(redshift.in_process(), TARGET),
            release_of(THREE),
            Shared(held, lock),
            RunOptions(request_id="event"),
        )

    with ThreadPoolExecutor(4) as pool:
        outcomes = list(pool.map(one, range(4)))
    assert names(query) == RAN
    assert any(outcome.is_finished for outcome in outcomes)
    assert [outcome.error for outcome in outcomes if not outcome.is_finished and outcome.error != "another run"] == []


@pytest.mark.parametrize("kind", ["throttle", "error", "drop", "lose"])
@pytest.mark.parametrize("operation", ["ExecuteStatement", "DescribeStatement", "ListStatements"])
def test_network_failures_change_nothing(kind, operation, api, endpoint, query) -> None:
    """More failures than boto3 retries: repeated under the same token."""
    waits: list[float] = []
    endpoint.faults = [Fault(operation, kind, times=4)]
    outcome = run(DataApi(api.client, TARGET, waits.append), release_of(THREE), NoStateStore(), RunOptions())
    assert statuses(outcome) == ["FINISHED"] * 3
    assert names(query) == RAN


def test_a_call_that_is_refused_was_not_run(api, endpoint, query) -> None:
    """It failed, has no query id, and the others run."""
    endpoint.faults = [Fault("ExecuteStatement", "refuse", skip=1)]
    outcome = run(api, release_of(THREE), NoStateStore(), RunOptions())
    assert statuses(outcome) == ["FINISHED", "FAILED", "FINISHED"]
    assert outcome.calls[1].query_id is None
    assert "AccessDenied" in str(outcome.calls[1].error)
    assert names(query) == ["load_dims", "load_last"]


def test_a_state_that_cannot_be_saved_stops_the_run_before_anything_runs(api, endpoint, tmp_path) -> None:
    """Without it a crash could run a procedure twice."""
    for store in (DiskStateStore(str(tmp_path / "no" / "Rel1.txt")), DiskStateStore(str(tmp_path / "bad"))):
        (tmp_path / "bad.state.json").write_text("{}")
        outcome = run(api, release_of(THREE), store, RunOptions())
        assert not outcome.is_finished
        assert outcome.error
        assert statuses(outcome) == ["NOT_RUN"] * 3
        assert response(body_of(outcome))["statusCode"] == 500
    assert endpoint.requests == []


def test_the_next_command_resumes_a_killed_one(endpoint, query, tmp_path) -> None:
    """`kill -9` while a procedure runs: the next command waits for the same statement."""
    (tmp_path / "Rel1.txt").write_text("connect.load_dims\nconnect.slow(2)\nconnect.load_last")
    command = [sys.executable, "-m", "trunkline.cli", "release", "run", str(tmp_path), "--output", "json",
               "--target", "redshift+data://analytics/dev?db_user=loader"]  # fmt: skip
    program = "import sys; from trunkline.cli.main import run; sys.exit(run(sys.argv[1:]))"
    command[1:3] = ["-c", program]
    environment = {**os.environ, "PYTHONPATH": str(Path(trunkline.__file__).parents[1])}
    with subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as child:
        deadline = time.monotonic() + 30
        while len(endpoint.executed()) < 2 and time.monotonic() < deadline:
            time.sleep(0.02)
        child.send_signal(signal.SIGKILL)
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "resuming the run" in done.stderr
    assert json.loads(done.stdout)["body"]["successful_procedures"] == 3
    assert names(query) == ["load_dims", "slow", "load_last"]
