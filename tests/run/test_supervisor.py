"""`trunkline up`: turns, back-off, missed and doubled firings, and the real processes under Ctrl-C."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from homes import jsonl, narrow

from trunkline.pipelines.run.supervisor import Clocks, Program, Supervisor
from trunkline.schedules.schedule import make_schedule

HOURLY = make_schedule("cron(0 * * * ? *)", "UTC")


@dataclass
class FakeChild:
    program: Program
    code: int | None = None

    def poll(self) -> int | None:
        return self.code


@dataclass
class Machine:
    """A supervisor on clocks that tests move."""

    programs: list[Program]
    at: datetime = datetime(2026, 3, 4, 12, 5, tzinfo=UTC)
    began: datetime = datetime(2026, 3, 4, 12, 5, tzinfo=UTC)
    started: list[FakeChild] = field(default_factory=list)
    said: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        clocks = Clocks(lambda: self.at, lambda: (self.at - self.began).total_seconds())
        self.supervisor = Supervisor(self.programs, self._start, self.said.append, clocks)

    def _start(self, program: Program) -> FakeChild:
        self.started.append(FakeChild(program))
        return self.started[-1]

    def tick(self, seconds: float = 0) -> list[str]:
        """Names of the programs that were started by one tick."""
        self.at += timedelta(seconds=seconds)
        before = len(self.started)
        self.supervisor.tick()
        return [child.program.name for child in self.started[before:]]

    def end(self, name: str, code: int = 0) -> None:
        next(child for child in self.started if child.program.name == name and child.code is None).code = code


def test_writers_take_turns_and_readers_run_all_the_time() -> None:
    """One process has the home at any time; scheduled runs come before streams; the wallboard is always there."""
    machine = Machine([
        Program("stream", (), writes=True), Program("run a", (), True, HOURLY), Program("run b", (), True, HOURLY),
        Program("board", ()),
    ])  # fmt: skip
    assert machine.tick() == ["board", "run a"]
    assert machine.tick(5) == []
    machine.end("run a")
    assert machine.tick(1) == ["run b"]
    machine.end("run b")
    assert machine.tick(1) == ["stream"]
    machine.end("stream")
    assert machine.tick(30) == ["stream"]
    machine.at = datetime(2026, 3, 4, 13, 0, tzinfo=UTC)
    machine.end("stream")
    assert machine.tick() == ["run a"]


def test_a_program_that_fails_starts_again_later_and_later() -> None:
    """And stops nothing else; after a minute of running its failures are forgotten."""
    machine = Machine([Program("board", ()), Program("run a", (), True, HOURLY)])
    assert machine.tick() == ["board", "run a"]
    machine.end("run a")
    waits = []
    for _ in range(5):
        machine.end("board", 1)
        waited = 0
        while "board" not in machine.tick(1):
            waited += 1
        waits.append(waited)
    assert waits == [1, 2, 4, 8, 16]
    assert "board ended with code 1 after 1 s; again in 16 s." in machine.said
    machine.tick(90)
    machine.end("board", -9)
    assert machine.tick() == []
    assert machine.tick(1) == ["board"]
    # A schedule's failure is tried again before its next firing, and the others keep theirs.
    machine.at = datetime(2026, 3, 4, 13, 0, tzinfo=UTC)
    assert machine.tick() == ["run a"]
    machine.end("run a", 1)
    assert machine.tick() == []
    assert machine.tick(2) == ["run a"]


def test_missed_doubled_and_overlapping_firings_are_one_start() -> None:
    """A machine that slept runs once for all it missed; a run that outlasts its next firing is started once after it."""
    machine = Machine([Program("run a", (), True, HOURLY)])
    assert machine.tick() == ["run a"]  # what was missed before `up`
    machine.end("run a")
    assert machine.tick(60) == []
    assert machine.tick(7 * 3600) == ["run a"]
    assert machine.tick(2 * 3600) == []
    machine.end("run a")
    assert machine.tick(1) == ["run a"]
    machine.end("run a")
    assert machine.tick(1) == []


@pytest.mark.parametrize(("day", "hours"), [(8, 23), (1, 25)], ids=["spring", "autumn"])
def test_days_on_which_clocks_change(day: int, hours: int) -> None:
    """Each hour that there is in New York is fired once."""
    month = 3 if day == 8 else 11
    hourly = make_schedule("cron(0 * * * ? *)", "America/New_York")
    begin = datetime(2026, month, day, 4 if month == 11 else 5, tzinfo=UTC)
    machine = Machine(
        [Program("run a", (), True, hourly)], at=begin - timedelta(minutes=1), began=begin - timedelta(hours=1)
    )
    machine.tick()
    machine.end("run a")
    starts = 0
    for _ in range(hours * 60):
        if machine.tick(60):
            starts += 1
            machine.end("run a")
    assert starts == hours


@pytest.mark.parametrize("number", [signal.SIGINT, pytest.param(signal.SIGTERM, marks=pytest.mark.soak)])
def test_the_real_thing(tmp_path: Path, number: signal.Signals) -> None:
    """A schedule that fails does not stop the other; the end leaves nothing running and a home that can be used."""
    home, arriving = tmp_path / "home", tmp_path / "arriving"
    home.mkdir()
    arriving.mkdir()
    (arriving / "a.json").write_bytes(jsonl([narrow("1"), narrow("2")]))
    (home / "objects.toml").write_text(
        '[object.narrow]\ngrain = "One row per id."\nkey = ["id"]\nversion = "changed_at"\nevent_time = "changed_at"\n'
        'partition = "changed_at"\n[object.narrow.columns]\n'
        'id = { type = "text", path = "ContactId" }\nchanged_at = { type = "timestamp", path = "Changed" }\n'
    )
    (home / "trunkline.toml").write_text(
        f'run_sources = {{ narrow = "{arriving}", call = "{tmp_path}/nowhere/*.json" }}\npii = "keep"\n'
    )
    program = (sys.executable, "-c", "from trunkline.cli.main import main; main()")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    process = subprocess.Popen(
        [*program, "up", "--no-wallboard", "--home", str(home)], stderr=subprocess.PIPE, stdout=subprocess.PIPE,
        env=environment, start_new_session=True, text=True,
    )  # fmt: skip
    try:
        deadline = time.monotonic() + 100
        listed = ""
        while "succeeded" not in listed and time.monotonic() < deadline:
            time.sleep(1)
            asked = [*program, "runs", "list", "--home", str(home), "--output", "csv", "--wait", "20"]
            listed = subprocess.run(asked, env=environment, capture_output=True, text=True, check=False).stdout
        process.send_signal(number)
        _, said = process.communicate(timeout=60)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
    assert process.returncode == 0, said
    assert "narrow-" in listed
    assert "run call ended with code" in said
    assert "Everything has stopped" in said
    with pytest.raises(ProcessLookupError):
        os.killpg(process.pid, 0)  # no child is left
    ran = subprocess.run(
        [*program, "sql", "SELECT count(*) FROM own.narrow", "--home", str(home), "--output", "csv"],
        env=environment, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert ran.stdout.split() == ["count_star()", "2"]
