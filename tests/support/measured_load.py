"""Loads files into a home in a process of its own and prints what it cost. For tests alone.

Usage: measured_load.py HOME SOURCE [OPTIONS]. Prints JSON: peak resident size in MB of this process and those it starts,
seconds, bytes, and the account.
"""

from __future__ import annotations

import json
import os
import sys
import threading
from dataclasses import asdict
from pathlib import Path
from typing import Self

from trunkline.pipelines.home import open_home
from trunkline.pipelines.jobs.load import load
from trunkline.settings.installation import Settings

SAMPLE_S = 0.05


class PeakMemory:
    """The greatest resident size seen of this process and its children, pages that they share counted once."""

    def __init__(self) -> None:
        self.kb = 0
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._is_over.wait(SAMPLE_S):
            self.kb = max(self.kb, sum(map(_resident_kb, [os.getpid(), *_children()])))


def _children() -> list[int]:
    tasks = Path(f"/proc/{os.getpid()}/task").iterdir()
    return [int(pid) for task in tasks for pid in _text(task / "children").split()]


def _resident_kb(pid: int) -> int:
    lines = _text(Path(f"/proc/{pid}/smaps_rollup")).splitlines()
    return sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))


def _text(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:  # it has ended
        return ""


def main(home: str, source: str, options: str = "{}") -> None:
    """Load and report."""
    given = {f"TRUNKLINE_{name.upper()}": str(value) for name, value in json.loads(options).items()}
    with PeakMemory() as peak, open_home(Settings.load(Path(home), given)) as it:
        result = load(it, it.objects["contact_record"], [source])
    report = {
        "peak_mb": peak.kb / 1024,
        "seconds": result.seconds,
        "bytes": result.bytes_read,
        "batches": result.batches,
    }
    sys.stdout.write(json.dumps(report | asdict(result.counts)))


if __name__ == "__main__":
    main(*sys.argv[1:])
