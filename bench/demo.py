"""The second run of `trunkline demo`: wall seconds of the command, 10,000 contacts and the day before."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

from measure import Line, scratch, show


def run(is_quick: bool) -> None:
    with scratch() as folder:
        command = [sys.executable, "-c", "from trunkline.cli.main import main; main()", "demo"]
        command += ["--contacts", "1000"] if is_quick else []
        environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1] / "src")}
        for _ in range(2):
            started = time.monotonic()
            subprocess.run(command, cwd=folder, env=environment, check=True, capture_output=True)
            seconds = time.monotonic() - started
        show("demo: its second run", [Line("wall", seconds, "s", None, "15 s")])
