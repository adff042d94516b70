"""A million items, killed ten times (must hold 5). What it takes seconds to show is in test_backfill.py."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest
from homes import assert_adds_up, opened, totals
from killed_backfill import PAGE, SEGMENTS

SUPPORT = Path(__file__).parents[1] / "support"
ITEMS, KILLS = 1_000_000, 10


def begin(folder: Path) -> subprocess.Popen[bytes]:
    paths = os.pathsep.join([str(SUPPORT.parents[1] / "src"), str(SUPPORT)])
    return subprocess.Popen(
        [sys.executable, str(SUPPORT / "killed_backfill.py"), str(folder / "home"), str(folder / "log"), str(ITEMS)],
        env={**os.environ, "PYTHONPATH": paths},
    )


def pages(folder: Path) -> Counter[str]:
    log = folder / "log"
    return Counter(log.read_text().splitlines()) if log.exists() else Counter()


@pytest.mark.soak
def test_a_million_items_killed_ten_times(tmp_path: Path) -> None:
    """Complete at the end, and at most one page a kill and segment is read twice."""
    chance = random.Random(5)
    kills, total = 0, ITEMS // PAGE
    while kills < KILLS:
        before = sum(pages(tmp_path).values())
        process = begin(tmp_path)
        wanted = before + chance.randrange(5, total // (KILLS + 2))
        while sum(pages(tmp_path).values()) < wanted and process.poll() is None:
            time.sleep(0.02)
        time.sleep(chance.random())
        assert process.poll() is None, "it ended before it was killed"
        process.kill()
        process.wait()
        kills += 1
    assert begin(tmp_path).wait() == 0
    read = pages(tmp_path)
    assert len(read) == total
    assert sum(read.values()) <= total + KILLS * SEGMENTS
    with opened(tmp_path / "home") as home:
        obj = home.objects["call"]
        assert_adds_up(totals(home, obj))
        held = home.con.execute("SELECT count(*), count(DISTINCT call_id) FROM post_call_analytics.f_call").fetchall()
        assert held == [(ITEMS, ITEMS)]
        assert totals(home, obj).inserted == ITEMS
