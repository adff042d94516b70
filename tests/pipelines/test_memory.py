"""Memory is bounded (must hold 6): by the batch, not by the input."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from trunkline.simulator.run import simulate
from trunkline.simulator.spec import Faults, Spec

MEASURE = Path(__file__).parents[1] / "support" / "measured_load.py"
SOAK_BYTES = 2_000_000_000
SOAK_CONTACTS = 400_000


def measured(home: Path, source: Path, **options: object) -> dict[str, float]:
    """Load in a process of its own; what it cost."""
    command = [sys.executable, str(MEASURE), str(home), str(source), json.dumps(options)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 0, done.stderr
    found: dict[str, float] = json.loads(done.stdout)
    return found


@pytest.mark.timeout(300)
def test_four_times_the_input_needs_the_same_memory(tmp_path: Path) -> None:
    """With small batches, twelve files of 1.5 MB take hardly more memory than three."""
    simulate(
        Spec(contacts=300, seed=3, faults=Faults.every(0.01), file_bytes_max=10**9, file_age_s_max=10**6), tmp_path
    )
    (data,) = (path for path in (tmp_path / "contact-records").rglob("*") if path.is_file())
    for name, copies in (("few", 3), ("many", 12)):
        (tmp_path / name).mkdir()
        for number in range(copies):
            shutil.copy(data, tmp_path / name / f"{number:02}")
    options = {"batch_bytes": 1_000_000, "threads": 1, "memory_mb": 100}
    few = measured(tmp_path / "home-few", tmp_path / "few", **options)
    many = measured(tmp_path / "home-many", tmp_path / "many", **options)
    assert many["bytes"] == 4 * few["bytes"] > 4_000_000
    assert many["peak_mb"] < few["peak_mb"] + 100


@pytest.mark.soak
@pytest.mark.timeout(7200)
def test_two_gigabytes_in_800_megabytes(tmp_path: Path) -> None:
    """2 GB of contact records load with the default settings under 800 MB peak resident size."""
    simulate(Spec(contacts=SOAK_CONTACTS, seed=1, days=7, faults=Faults.every(0.002)), tmp_path)
    found = measured(tmp_path / "home", tmp_path / "contact-records")
    assert found["bytes"] >= SOAK_BYTES
    assert found["peak_mb"] < 800, found
