"""What every benchmark shares: data from the simulator, CPU time in turns, and how a result is told."""

from __future__ import annotations

import os
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from trunkline.simulator.run import simulate
from trunkline.simulator.spec import Spec


@dataclass(frozen=True, slots=True)
class Line:
    """One measured thing: what it cost (see `unit`), and against its rival, which is the line with ratio 1."""

    name: str
    cost: float
    unit: str
    ratio: float | None = None
    target: str = ""


@contextmanager
def scratch() -> Iterator[Path]:
    """A folder that is gone afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="trunkline-bench-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def simulated(folder: Path, contacts: int, seed: int = 1, days: int = 1) -> Path:
    """Files as Firehose writes them: 4 KB records, late versions and copies among them."""
    return simulate(Spec(contacts=contacts, seed=seed, days=days), folder).folder


def cpu_in_turns(jobs: Mapping[str, Callable[[], object]], repeats: int) -> dict[str, float]:
    """Median CPU seconds of each job. They take turns, so that a busy machine slows all of them alike."""
    seconds: dict[str, list[float]] = {name: [] for name in jobs}
    for job in jobs.values():
        job()
    for _ in range(repeats):
        for name, job in jobs.items():
            started = time.process_time()
            job()
            seconds[name].append(time.process_time() - started)
    return {name: statistics.median(found) for name, found in seconds.items()}


def cpu_of(pid: int) -> float:
    """CPU seconds of a process so far (Linux)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def show(title: str, lines: Sequence[Line]) -> None:
    print(f"\n{title}")
    for line in lines:
        ratio = "" if line.ratio is None else f"{line.ratio:6.2f}x"
        target = f"  (target {line.target})" if line.target else ""
        print(f"  {line.name:<58}{line.cost:>12,.1f} {line.unit:<12}{ratio}{target}")
