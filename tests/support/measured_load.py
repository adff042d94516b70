"""Loads files into a home in a process of its own and prints what it cost. For tests alone.

Usage: measured_load.py HOME SOURCE [OPTIONS]. Prints JSON: peak resident size in MB, seconds, bytes, and the account.
"""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path

from trunkline.pipelines.home import open_home
from trunkline.pipelines.jobs.load import load
from trunkline.settings import Settings


def main(home: str, source: str, options: str = "{}") -> None:
    """Load and report."""
    given = {f"TRUNKLINE_{name.upper()}": str(value) for name, value in json.loads(options).items()}
    with open_home(Settings.load(Path(home), given)) as it:
        result = load(it, it.objects["contact_record"], [source])
    # Not of getrusage: that still counts the process that started this one.
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    peak_mb = int(status["VmHWM"].split()[0]) / 1024
    report = {"peak_mb": peak_mb, "seconds": result.seconds, "bytes": result.bytes_read, "batches": result.batches}
    sys.stdout.write(json.dumps(report | asdict(result.counts)))


if __name__ == "__main__":
    main(*sys.argv[1:])
