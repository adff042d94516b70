"""A load holds the warehouse file only while it merges: queries run in between, and wait during a merge."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
from homes import NARROW, assert_adds_up, load_into, narrow, opened, table, write

from trunkline.errors import LockedError
from trunkline.pipelines.jobs.load import load
from trunkline.warehouse.duckdb.attachment import Attachment
from trunkline.warehouse.duckdb.warehouse import DuckDBWarehouse
from trunkline.warehouse.targets import TARGETS

COUNT = "SELECT count(*) AS rows FROM test.narrow"
COMMAND = (sys.executable, "-c", "from trunkline.cli.main import main; main()")
READ = """
import duckdb, pathlib, sys, time
con = duckdb.connect()
con.execute(f"ATTACH '{sys.argv[1]}' AS w (READ_ONLY)")
pathlib.Path(sys.argv[2]).touch()
time.sleep(1)
"""
"""An analyst's tool that has the file open for a second."""


def ask(home: Path, *options: str) -> subprocess.Popen[str]:
    """A query of another process."""
    return subprocess.Popen(
        [*COMMAND, "sql", COUNT, "--home", str(home), "--output", "csv", *options],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def answer(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    out, err = process.communicate(timeout=60)
    return process.returncode, out, err


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Six files, each a batch, of which two are merged at once."""
    monkeypatch.setattr("trunkline.sources.files.reader.BATCH_FILES_MAX", 1)
    monkeypatch.setitem(TARGETS, "duckdb", replace(TARGETS["duckdb"], merge_batches_max=2))
    return [str(write(tmp_path / "in" / f"{n:03}.json", narrow(f"k{n}"))) for n in range(6)]


def test_queries_run_between_the_merges_of_a_load(tmp_path: Path, files: list[str]) -> None:
    """Without waiting; they see what is merged, and the load ends as it would alone."""
    seen: list[int] = []
    puts = 0

    def advance(_: int) -> None:
        nonlocal puts
        puts += 1
        if puts in (1, 5):
            code, out, err = answer(ask(tmp_path / "home", "--wait", "0"))
            assert code == 0, err
            seen.append(int(out.split()[1]))

    with opened(tmp_path / "home", NARROW) as home:
        result = load(home, NARROW, files, advance)
        assert_adds_up(result.counts)
        assert (result.counts.inserted, len(table(home, NARROW))) == (6, 6)
    assert seen == [0, 4]


def test_a_load_waits_for_a_reader_that_came_between(tmp_path: Path, files: list[str]) -> None:
    """However long `--wait` is; it names the process once, and merges when that has ended."""
    readers: list[subprocess.Popen[bytes]] = []
    notes: list[str] = []
    with opened(tmp_path / "home", NARROW) as home:
        assert isinstance(home.warehouse, DuckDBWarehouse)
        assert home.warehouse.attachment is not None
        home.warehouse.attachment.notify = notes.append

        def advance(_: int) -> None:
            if not readers:
                file, flag = home.warehouse.attachment.path, tmp_path / "open"
                readers.append(subprocess.Popen([sys.executable, "-c", READ, str(file), str(flag)]))
                while not flag.exists():
                    time.sleep(0.01)

        result = load(home, NARROW, files, advance)
        assert readers[0].wait(60) == 0
        assert result.counts.inserted == len(table(home, NARROW)) == 6
    assert len(notes) == 1
    assert f"warehouse.duckdb is in use by process {readers[0].pid}; the load goes on when it ends." in notes[0]


def test_a_query_waits_while_a_load_merges(tmp_path: Path) -> None:
    """It names the load's process; without waiting it fails and says so."""
    with opened(tmp_path / "home", NARROW) as home:
        load_into(home, write(tmp_path / "a", narrow("a")), obj=NARROW)
        with home.warehouse.shared():
            with home.warehouse.attachment.use():
                code, _, err = answer(ask(tmp_path / "home", "--wait", "0"))
                assert code == 1
                assert f"warehouse.duckdb is in use by process {os.getpid()}; wait for it to end" in err
                waiting = ask(tmp_path / "home")
                assert waiting.stderr is not None
                assert f"is in use by process {os.getpid()}; waiting up to 60 s." in waiting.stderr.readline()
            assert answer(waiting)[:2] == (0, "rows\n1\n")


def test_merges_without_a_pause_let_a_query_through(tmp_path: Path) -> None:
    """A load that merges all the time does not make queries wait for its end."""
    with opened(tmp_path / "home", NARROW) as home, home.warehouse.shared():
        process = ask(tmp_path / "home", "--wait", "30")
        until = time.monotonic() + 30
        while process.poll() is None and time.monotonic() < until:
            with home.warehouse.attachment.use():
                time.sleep(0.3)
        assert answer(process)[:2] == (0, "rows\n0\n")


def test_a_reader_that_does_not_end_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After an hour a load fails; nothing is lost, and the next one merges what is in the lake."""
    monkeypatch.setattr("trunkline.warehouse.duckdb.attachment.READER_WAIT_S_MAX", 0.1)
    path, flag = tmp_path / "home" / "warehouse.duckdb", tmp_path / "open"
    with opened(tmp_path / "home", NARROW) as home:
        attachment = home.warehouse.attachment
        assert isinstance(attachment, Attachment)
        with home.warehouse.shared():
            reader = subprocess.Popen([sys.executable, "-c", READ, str(path), str(flag)])
            while not flag.exists():
                time.sleep(0.01)
            with pytest.raises(LockedError, match=f"in use by process {reader.pid}"), attachment.use():
                pass
            assert reader.wait(60) == 0
        load_into(home, write(tmp_path / "a", narrow("a")), obj=NARROW)
        assert len(table(home, NARROW)) == 1
