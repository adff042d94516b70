"""Runs one action on a home and kills its own process, as `kill -9` does, before the n-th step. For tests alone.

Usage: killed_run.py HOME SOURCE OPTIONS ACTION STEP. A step is anything that leaves a trace: an fsync, a rename, a
removal, a statement to any database. Its kind says what it does to what (`put _ledger/plan`, `COMMIT`). STEP is
`n KIND`, the n-th of a kind or with no kind of all; `0` is none. Prints the kinds of all steps, in order, when it gets
to its end.
"""

from __future__ import annotations

import json
import os
import re
import signal
import sys
import threading
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import duckdb
from homes import NARROW, letters, opened

from trunkline.pipelines.jobs.load import load, replay
from trunkline.pipelines.jobs.upkeep import compact, rebuild


class Steps:
    """Notes the kinds of steps, and dies before the chosen one."""

    def __init__(self, fatal: str) -> None:
        number, _, self.kind = fatal.partition(" ")
        self.left, self.kinds, self._lock = int(number), [], threading.Lock()

    def take(self, kind: str) -> None:
        """One step."""
        with self._lock:
            self.kinds.append(kind)
            if self.kind in ("", kind):
                self.left -= 1
                if self.left == 0:
                    os.kill(os.getpid(), signal.SIGKILL)

    def before(self, kind: Callable[..., str], function: Callable[..., Any]) -> Callable[..., Any]:
        """The function, with a step before it, whose kind its arguments tell."""

        def counted(*args: Any, **kwargs: Any) -> Any:
            self.take(kind(*args))
            return function(*args, **kwargs)

        return counted


def statement_kind(sql: object, *_: object) -> str:
    """The first words of a statement, as far as they are no names."""
    return " ".join(re.findall(r"[A-Z]+(?= |$)", str(sql)[:60])[:4])


def file_kind(path: Path | str) -> str:
    """What lies there: the first folders of a lake key, else the name's ending."""
    parts = Path(path).parts
    if "lake" in parts:
        key = parts[parts.index("lake") + 1 :]
        return "/".join(key[:2]) + (" " + key[-1].partition(".")[2] if not key[0].startswith("_") else "")
    return Path(path).suffix


def watch_servers(steps: Steps) -> None:
    """Statements to PostgreSQL are steps too."""
    import psycopg
    from adbc_driver_manager import AdbcStatement

    from trunkline.warehouse.postgres import connection as postgres_copy

    class Statement(AdbcStatement):  # type: ignore[misc]
        """A statement of the driver's, whose execution is a step."""

        def execute_update(self) -> int:
            """Run it."""
            steps.take("COPY")
            return int(super().execute_update())

    postgres_copy.adbc.AdbcStatement = Statement
    psycopg.Connection.execute = steps.before(lambda _, sql, *__: statement_kind(sql), psycopg.Connection.execute)  # type: ignore[method-assign]


def watch_aws(steps: Steps) -> None:
    """Calls of AWS are steps too."""
    from botocore.client import BaseClient

    BaseClient._make_api_call = steps.before(lambda _, name, __: name, BaseClient._make_api_call)  # type: ignore[method-assign]


def speak_redshift() -> None:
    """Connections over Redshift's own protocol take its dialect. COPY has no S3 here: what is loaded goes without."""
    from typing import cast

    import psycopg
    from redshift_copy import Copier
    from redshift_home import Spelled

    from trunkline.warehouse.redshift import wire

    def connect(connection_string: str, place: str) -> Any:
        con: Any = psycopg.connect(connection_string, autocommit=True, cursor_factory=psycopg.RawCursor)
        return Spelled(con, cast("Copier", None))

    wire.connect = connect


class Watched:
    """A DuckDB connection whose statements are steps."""

    def __init__(self, con: duckdb.DuckDBPyConnection, steps: Steps) -> None:
        self._con, self.execute = con, steps.before(statement_kind, con.execute)

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
    steps = Steps(fatal)
    connect = duckdb.connect
    duckdb.connect = lambda *args, **kwargs: Watched(connect(*args, **kwargs), steps)  # type: ignore[assignment]
    os.fsync = steps.before(lambda _: "fsync", os.fsync)
    Path.replace = steps.before(lambda _, to: f"put {file_kind(to)}", Path.replace)  # type: ignore[method-assign]
    Path.unlink = steps.before(lambda path, *_: f"remove {file_kind(path)}", Path.unlink)  # type: ignore[method-assign]
    warehouse = json.loads(options).get("warehouse", "")
    if warehouse.startswith("redshift+data:"):
        watch_aws(steps)
    elif warehouse:
        watch_servers(steps)
    if warehouse.startswith("redshift:"):
        speak_redshift()
    with opened(Path(home), NARROW, **json.loads(options)) as it:
        ACTIONS[action](it, source)
    sys.stdout.write(json.dumps(steps.kinds))


if __name__ == "__main__":
    main(*sys.argv[1:])
