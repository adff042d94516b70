"""Runs one action on a home and kills its own process, as `kill -9` does, before the n-th step. For tests alone.

Usage: killed_run.py HOME SOURCE OPTIONS ACTION STEP (0: never). A step is anything that leaves a trace: an fsync, a
rename, a removal, a statement to any database. Prints the number of steps when it gets to its end.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import duckdb
from homes import NARROW, letters, opened

from trunkline.pipelines.load import load
from trunkline.pipelines.replay import replay
from trunkline.pipelines.upkeep import compact, rebuild


class Steps:
    """Counts steps and dies before the chosen one."""

    def __init__(self, fatal: int) -> None:
        self.fatal, self.count, self._lock = fatal, 0, threading.Lock()

    def take(self) -> None:
        """One step."""
        with self._lock:
            self.count += 1
            if self.count == self.fatal:
                os.kill(os.getpid(), signal.SIGKILL)

    def before(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """The function, with a step before it."""

        def counted(*args: Any, **kwargs: Any) -> Any:
            self.take()
            return function(*args, **kwargs)

        return counted


def watch_servers(steps: Steps) -> None:
    """Statements to PostgreSQL are steps too."""
    import psycopg
    from adbc_driver_manager import AdbcStatement

    from trunkline.warehouse import postgres_copy

    class Statement(AdbcStatement):  # type: ignore[misc]
        """A statement of the driver's, whose execution is a step."""

        def execute_update(self) -> int:
            """Run it."""
            steps.take()
            return int(super().execute_update())

    postgres_copy.adbc.AdbcStatement = Statement
    psycopg.Connection.execute = steps.before(psycopg.Connection.execute)  # type: ignore[method-assign]


class Watched:
    """A DuckDB connection whose statements are steps."""

    def __init__(self, con: duckdb.DuckDBPyConnection, steps: Steps) -> None:
        self._con, self.execute = con, steps.before(con.execute)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._con, name)


ACTIONS: dict[str, Callable[[Any, str], object]] = {
    "load": lambda home, source: load(home, NARROW, [source]),
    "replay": lambda home, _: replay(home, NARROW, letters(home, NARROW)),
    "compact": lambda home, _: compact(home, NARROW, timedelta(0)),
    "rebuild": lambda home, _: rebuild(home, NARROW),
}


def main(home: str, source: str, options: str, action: str, fatal: str) -> None:
    """Run one action."""
    steps = Steps(int(fatal))
    connect = duckdb.connect
    duckdb.connect = lambda *args, **kwargs: Watched(connect(*args, **kwargs), steps)  # type: ignore[assignment]
    os.fsync = steps.before(os.fsync)
    Path.replace = steps.before(Path.replace)  # type: ignore[method-assign]
    Path.unlink = steps.before(Path.unlink)  # type: ignore[method-assign]
    if json.loads(options).get("warehouse"):
        watch_servers(steps)
    with opened(Path(home), NARROW, **json.loads(options)) as it:
        ACTIONS[action](it, source)
    sys.stdout.write(str(steps.count))


if __name__ == "__main__":
    main(*sys.argv[1:])
