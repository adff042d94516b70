"""A real Trino as oracle: the server of `tests/trino/`, started on a loopback port, and a client of its HTTP protocol.

Maven fetches the classes that `tests/trino/pom.xml` names into `tests/trino/target`. The version is the last one for Java 17.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parents[1] / "trino"
_HEADERS = {
    "X-Trino-User": "oracle",
    "X-Trino-Catalog": "awsdatacatalog",
    "X-Trino-Schema": "connect_datalake",
    "X-Trino-Time-Zone": "UTC",
    "X-Trino-Client-Capabilities": "PARAMETRIC_DATETIME",
}


@dataclass(frozen=True)
class Answer:
    """What Trino gives: columns as (name, type) with rows in JSON's terms, or the name of its error and the message."""

    columns: tuple[tuple[str, str], ...]
    rows: tuple[tuple[Any, ...], ...]
    error: str | None
    message: str
    stats: Mapping[str, Any]


@dataclass(frozen=True)
class TrinoServer:
    """A running server. Files that tables read must be in `root`, as `local:///...`."""

    address: str
    root: Path

    def query(self, sql: str) -> Answer:
        """Run one statement to its end."""
        request = urllib.request.Request(f"{self.address}/v1/statement", sql.encode(), _HEADERS)
        columns: tuple[tuple[str, str], ...] = ()
        rows: list[tuple[Any, ...]] = []
        while True:
            with urllib.request.urlopen(request) as response:
                page = json.load(response, parse_float=_number)
            columns = tuple((column["name"], column["type"]) for column in page.get("columns", ())) or columns
            rows += [tuple(row) for row in page.get("data", ())]
            if "nextUri" not in page:
                error = page.get("error", {})
                return Answer(columns, tuple(rows), error.get("errorName"), error.get("message", ""), page["stats"])
            request = urllib.request.Request(page["nextUri"], headers=_HEADERS)

    def rows(self, sql: str) -> tuple[tuple[Any, ...], ...]:
        """The rows of one statement, which must not fail."""
        answer = self.query(sql)
        assert answer.error is None, f"{answer.error}: {answer.message}\n{sql}"
        return answer.rows


def _number(text: str) -> float:
    return float(text)


def why_not() -> str | None:
    """Why the server cannot run here, or None."""
    missing = [program for program in ("java", "mvn") if shutil.which(program) is None]
    return f"there is no {' and no '.join(missing)} on the PATH: Trino needs Java 17 and Maven" if missing else None


@contextmanager
def running_trino(root: Path) -> Iterator[TrinoServer]:
    """Fetch the classes where they are not there yet, and run a server whose files are in `root`."""
    if not (FOLDER / "target" / "hive").exists():
        subprocess.run(["mvn", "--batch-mode", "--quiet", "package"], cwd=FOLDER, check=True, timeout=900)
    (plugin,) = (FOLDER / "target" / "hive").iterdir()
    classes = f"{FOLDER / 'target' / 'jars'}/*:{plugin}/*"
    command = ["java", "-Xmx2g", "-cp", classes, str(FOLDER / "Oracle.java"), str(root)]
    with (root / "server.log").open("w") as log:
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True)
        try:
            assert process.stdout is not None
            address = process.stdout.readline().strip()
            assert address, f"Trino did not start:\n{(root / 'server.log').read_text()[-3000:]}"
            yield TrinoServer(address, root)
        finally:
            process.communicate()  # its standard input is closed, so it ends
