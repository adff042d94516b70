"""A run of an object: what is due, done once, recorded with rows, bytes, seconds and the error of its failed step."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from homes import NARROW, narrow, opened, table, write

from trunkline import clock
from trunkline.errors import LockedError, TerminalError, TransientError, UsageError
from trunkline.lake import layout
from trunkline.ledger import runs
from trunkline.ledger.runs import decode_run, find_run, in_step, watermark
from trunkline.objects.model import Object
from trunkline.pipelines.flattening import FlattenPool
from trunkline.pipelines.home import Home
from trunkline.pipelines.run.history import RunRequest, begin_run
from trunkline.pipelines.run.inputs import InputOptions, InputRead, read_input
from trunkline.pipelines.run.job import RunOutcome, check_accounts, retry_run, run_object
from trunkline.pipelines.runner import Runner
from trunkline.sources.registry import file_source, list_files

NOON = datetime(2026, 3, 4, 12, 5)


class Wall:
    """A wall clock that tests move."""

    def __init__(self) -> None:
        self.at = NOON

    def pass_time(self, **parts: float) -> None:
        self.at += timedelta(**parts)


@pytest.fixture
def wall(monkeypatch: pytest.MonkeyPatch) -> Wall:
    from datetime import UTC

    moved = Wall()
    monkeypatch.setattr(clock, "now", lambda: moved.at.replace(tzinfo=UTC))
    return moved


@pytest.fixture
def narrow_home(tmp_path: Path, wall: Wall, each_target: object) -> Iterator[Home]:
    """A home that reads the narrow object from a folder, in turn on every target."""
    folder = tmp_path / "arriving"
    folder.mkdir()
    with opened(tmp_path / "home", NARROW, run_sources=f"narrow={folder}") as home:
        yield home


@pytest.fixture
def home(tmp_path: Path, wall: Wall) -> Iterator[Home]:
    """The same on the embedded warehouse alone."""
    folder = tmp_path / "arriving"
    folder.mkdir()
    with opened(tmp_path / "home", NARROW, run_sources=f"narrow={folder}") as opened_home:
        yield opened_home


def arrive(home: Home, name: str, *ids: str, **changes: Any) -> None:
    write(Path(home.settings.run_sources["narrow"]) / name, *(narrow(id_, **changes) for id_ in ids))


def run_due(home: Home, read: Callable[..., InputRead] = read_input, **request: Any) -> RunOutcome | None:
    return run_object(home, NARROW, RunRequest(**request), InputOptions(), read=read)


def failing(error: BaseException, step: str = "extract") -> Callable[..., InputRead]:
    def read(home: Home, obj: Object, options: InputOptions) -> InputRead:
        with in_step(step):
            raise error

    return read


def test_a_run_loads_what_is_new_and_is_recorded(narrow_home: Home, wall: Wall) -> None:
    """On every target: rows, bytes, seconds and steps are in the ledger's tables, and in the lake."""
    arrive(narrow_home, "a.json", "1", "2")
    outcome = run_due(narrow_home)
    assert outcome is not None
    found = find_run(narrow_home.warehouse, outcome.record.run_id)
    assert found == outcome.record
    assert (found.state, found.rows_read, found.rows_changed, found.dead_letter) == ("succeeded", 2, 2, 0)
    assert found.bytes_read > 100
    assert found.window_end == NOON.replace(minute=0)
    assert found.run_id == "narrow-20260304T120000Z-1"
    assert [(step.step, step.step_rows) for step in found.steps] == [
        ("extract", 2), ("stage", 2), ("merge", 2), ("verify", 2)
    ]  # fmt: skip
    key = layout.run_key("narrow", found.run_id, found.started_at)
    assert decode_run(narrow_home.store.require_bytes(key)) == found
    assert len(table(narrow_home, NARROW)) == 2


def test_what_others_put_into_the_lake_is_merged(tmp_path: Path, wall: Wall, each_target: object) -> None:
    """A function of a stream has put batches into the lake: the run merges and counts them, and the next finds nothing."""
    arriving = write(tmp_path / "arriving" / "a.json", narrow("1"), narrow("2"))
    with opened(tmp_path / "home", NARROW, run_sources="narrow=lake://") as home:
        source = file_source(Runner(home, NARROW).context, list_files(NARROW, [str(arriving)]))
        put = [*FlattenPool(home.lake, NARROW).put_all(source.read({}))]
        assert len(put) == 1
        assert table(home, NARROW) == []
        first = run_due(home)
        assert first is not None
        assert (first.record.state, first.record.rows_read, first.record.rows_changed) == ("succeeded", 2, 2)
        assert len(table(home, NARROW)) == 2
        second = run_due(home, is_forced=True)
        assert second is not None
        assert (second.record.state, second.record.rows_read, second.record.rows_changed) == ("succeeded", 0, 0)


def test_a_window_done_twice_is_once(narrow_home: Home, wall: Wall) -> None:
    """A firing that comes again finds nothing due; what arrived meanwhile waits for the next window, or for --now."""
    arrive(narrow_home, "a.json", "1")
    assert run_due(narrow_home) is not None
    arrive(narrow_home, "b.json", "2")
    assert run_due(narrow_home) is None
    assert len(table(narrow_home, NARROW)) == 1
    forced = run_due(narrow_home, is_forced=True)
    assert forced is not None
    assert (forced.record.windows, forced.record.rows_changed) == (0, 1)
    wall.pass_time(hours=5)
    later = run_due(narrow_home)
    assert later is not None
    assert (later.record.windows, later.record.rows_changed) == (5, 0)
    assert later.record.window_start == forced.record.window_end


def test_two_runs_of_one_object_exclude_each_other(narrow_home: Home, wall: Wall) -> None:
    """On a server the second is refused, naming the first, until the first has not renewed its lock for 15 minutes."""
    first = begin_run(narrow_home, NARROW, RunRequest(holder="process 1 on machine a"))
    assert first is not None
    if narrow_home.warehouse.engine.name == "duckdb":
        return  # one process owns an embedded home: whoever had the lock has ended
    with pytest.raises(LockedError, match="process 1 on machine a, whose lock expires at 2026-03-04 12:20:00 UTC"):
        begin_run(narrow_home, NARROW, RunRequest(holder="process 2"))
    wall.pass_time(minutes=14)
    runs.lock(narrow_home.warehouse, "narrow", first.owner, first.holder, clock.now_naive())
    wall.pass_time(minutes=14)
    with pytest.raises(LockedError):
        run_due(narrow_home)
    wall.pass_time(minutes=2)
    arrive(narrow_home, "a.json", "1")
    second = run_due(narrow_home)
    assert second is not None
    assert second.record.rows_changed == 1
    third = begin_run(narrow_home, NARROW, RunRequest(is_forced=True))
    assert third is not None
    with pytest.raises(LockedError):  # the first has lost its lock, and learns it when it renews
        runs.lock(narrow_home.warehouse, "narrow", first.owner, first.holder, clock.now_naive())


def test_a_crashed_run_is_marked_and_its_work_done(narrow_home: Home, wall: Wall) -> None:
    """The next run takes over; the record of the crashed one says that it ended without saying how."""
    arrive(narrow_home, "a.json", "1", "2")
    crashed = begin_run(narrow_home, NARROW, RunRequest(holder="the killed one"))
    assert crashed is not None
    wall.pass_time(minutes=16)
    outcome = run_due(narrow_home)
    assert outcome is not None
    assert outcome.record.run_id == "narrow-20260304T120000Z-2"
    old = find_run(narrow_home.warehouse, crashed.record.run_id)
    assert (old.state, old.failed_step) == ("interrupted", None)
    assert "killed" in (old.error or "")
    assert watermark(narrow_home.warehouse, "narrow") == NOON.replace(minute=0)
    assert len(table(narrow_home, NARROW)) == 2


@pytest.mark.parametrize("step", ["extract", "stage", "merge", "verify"])
def test_the_error_of_a_failed_step_is_recorded(home: Home, wall: Wall, step: str) -> None:
    """The window stays due, and the next run does it."""
    arrive(home, "a.json", "1")
    outcome = run_due(home, failing(TransientError("no answer from the service; try again"), step))
    assert outcome is not None
    assert isinstance(outcome.error, TransientError)
    found = find_run(home.warehouse, outcome.record.run_id)
    assert (found.state, found.failed_step, found.error) == ("failed", step, "no answer from the service; try again")
    assert [(record.step, record.error) for record in found.steps] == [(step, found.error)]
    assert watermark(home.warehouse, "narrow") == found.window_start
    wall.pass_time(hours=1)
    again = run_due(home)
    assert again is not None
    assert (again.record.state, again.record.rows_changed) == ("succeeded", 1)
    assert again.record.window_start == found.window_start


def test_the_step_in_which_the_real_pipeline_fails_is_known(home: Home, wall: Wall, monkeypatch: Any) -> None:
    """Reading, putting and merging: each error carries its step, through threads and generators."""
    from trunkline.lake.store import FolderStore
    from trunkline.sources.files.reader import FileSource
    from trunkline.warehouse.duckdb.warehouse import DuckDBWarehouse

    arrive(home, "a.json", "1")
    for owner, method, step in (
        (FileSource, "read", "extract"), (FolderStore, "put_file", "stage"), (DuckDBWarehouse, "merge", "merge")
    ):  # fmt: skip
        with monkeypatch.context() as patch:

            def broken(*_: Any, **__: Any) -> Any:
                raise TerminalError("it is broken")

            patch.setattr(owner, method, broken)
            outcome = run_due(home)
        assert outcome is not None
        assert (outcome.record.failed_step, outcome.record.error) == (step, "it is broken")
    assert run_due(home) is not None
    assert len(table(home, NARROW)) == 1


def test_secrets_never_get_into_a_run_record(home: Home, wall: Wall, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither those of the environment, nor what looks like one, nor a customer's number; an unknown error is its type."""
    monkeypatch.setenv("TRUNKLINE_LIVE_TOKEN", "hush-hush-4711")
    leaks = (
        "https://user:pa55word@host/?sig=1&api_key=k-123 Bearer abcdef123456 hush-hush-4711 +15535550143 a@b.example"
    )
    outcome = run_due(home, failing(TransientError(f"the service said: {leaks}")))
    assert outcome is not None
    with pytest.raises(ValueError, match="hush"):
        run_due(home, failing(ValueError(leaks)))
    stored = json.dumps([list(map(str, row)) for row in home.warehouse.query("SELECT * FROM ledger.run")])
    stored += json.dumps([list(map(str, row)) for row in home.warehouse.query("SELECT * FROM ledger.run_step")])
    stored += "".join(home.store.require_bytes(key).decode() for key in home.store.list("_ledger/run/"))
    assert stored.count("the service said") >= 4
    for secret in ("pa55word", "k-123", "abcdef123456", "hush-hush-4711", "15535550143", "a@b.example"):
        assert secret not in stored
    assert "unexpected ValueError" in stored


def test_a_warehouse_that_cannot_be_written_leaves_the_error_in_the_lake(
    home: Home, wall: Wall, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next run brings it to the table."""
    with monkeypatch.context() as patch:

        def unreachable(*_: Any, **__: Any) -> None:
            raise TransientError("the warehouse does not answer")

        def read(home: Home, obj: Object, options: InputOptions) -> InputRead:
            patch.setattr(type(home.warehouse), "put", unreachable)
            return failing(TransientError("the warehouse does not answer"), "merge")(home, obj, options)

        outcome = run_due(home, read)
    assert outcome is not None
    assert find_run(home.warehouse, outcome.record.run_id).state == "running"
    wall.pass_time(hours=1)
    assert run_due(home) is not None
    assert find_run(home.warehouse, outcome.record.run_id) == outcome.record


def test_retry(home: Home, wall: Wall) -> None:
    """A failed run is repeated under an id of its own; one that a later run has covered is not; others are refused."""
    arrive(home, "a.json", "1")
    failed = run_due(home, failing(TransientError("no answer")))
    assert failed is not None
    retried = retry_run(home, failed.record.run_id, RunRequest(), InputOptions())
    assert retried is not None
    record = find_run(home.warehouse, retried.record.run_id)
    assert (record.state, record.started_by, record.retry_of) == ("succeeded", "retry", failed.record.run_id)
    assert record.rows_changed == 1
    assert retry_run(home, failed.record.run_id, RunRequest(), InputOptions()) is None
    with pytest.raises(UsageError, match="is succeeded; those that failed"):
        retry_run(home, record.run_id, RunRequest(), InputOptions())
    with pytest.raises(UsageError, match="there is no run 'x'; the latest are: narrow-"):
        retry_run(home, "x", RunRequest(), InputOptions())


def test_messages_are_sent_for_failures_and_for_the_first_success_after_one(
    tmp_path: Path, wall: Wall, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A topic that does not answer fails nothing."""
    sent: list[tuple[str, str, str]] = []
    topic = "arn:aws:sns:eu-west-2:111122223333:runs"
    (tmp_path / "arriving").mkdir()
    with opened(tmp_path / "home", NARROW, run_sources=f"narrow={tmp_path / 'arriving'}", run_topic=topic) as home:

        def publish(*parts: str) -> None:
            sent.append(parts)  # type: ignore[arg-type]

        for read in (read_input, failing(TransientError("no answer")), read_input, read_input):
            wall.pass_time(hours=1)
            assert run_object(home, NARROW, RunRequest(), InputOptions(), publish, read) is not None
        assert [(at, subject) for at, subject, _ in sent] == [
            (topic, "Trunkline: narrow failed"), (topic, "Trunkline: narrow succeeded")
        ]  # fmt: skip
        assert json.loads(sent[0][2])["error"] == "no answer"

        def unreachable(*_: str) -> None:
            raise TransientError("the topic does not answer")

        wall.pass_time(hours=1)
        failed = run_object(home, NARROW, RunRequest(), InputOptions(), unreachable, failing(TransientError("no")))
        assert failed is not None
        assert failed.record.error == "no"


def test_verification_finds_a_table_that_another_program_changed(home: Home, wall: Wall) -> None:
    """Rows are counted against the ledger."""
    arrive(home, "a.json", "1", "2")
    assert run_due(home) is not None
    assert check_accounts(home, NARROW) == 2
    home.warehouse.run("DELETE FROM connect.f_narrow WHERE id = $1", ["1"])
    wall.pass_time(hours=1)
    outcome = run_due(home)
    assert outcome is not None
    assert outcome.record.failed_step == "verify"
    assert "has 1 rows and the ledger counts 2" in (outcome.record.error or "")


def test_what_has_no_source_says_which_setting_names_one(tmp_path: Path, wall: Wall) -> None:
    """And a place that is none is refused; nothing is recorded."""
    with opened(tmp_path / "home", NARROW) as home:
        with pytest.raises(UsageError, match="narrow has no source to run from: name one in the setting run_sources"):
            run_due(home)
        settings = replace_settings(home, run_sources={"narrow": "ftp://host/x"})
        with pytest.raises(UsageError, match="valid are a path, s3://bucket/prefix, dynamodb://TABLE, and lake://"):
            run_object(settings, NARROW, RunRequest(), InputOptions())
        assert runs.runs(home.warehouse) == []


def replace_settings(home: Home, **changes: Any) -> Home:
    import msgspec

    return replace(home, settings=msgspec.structs.replace(home.settings, **changes))
