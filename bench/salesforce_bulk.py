"""A Bulk API 2.0 job's results to typed rows: Task-shaped pages of 10,000 rows, CPU per row on one core.

Rival: the same pages as JSON records, which is how REST gives them, and how all of Bulk's were read once. Bound: the same
rows in a CSV file. Requests, the lake and the merge are not in it.

Run: python bench/run.py --only salesforce_bulk
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

from measure import Line, cpu_in_turns, scratch, show
from table_files import NAMES, TOML, write_rows

from trunkline.flatten.flattener import Flattener
from trunkline.flatten.privacy import PiiRule
from trunkline.objects.model import Object
from trunkline.objects.origins import SalesforceOrigin
from trunkline.objects.user.declare import read_objects
from trunkline.settings.installation import Settings
from trunkline.settings.secrets import SecretName
from trunkline.sources.files import reader
from trunkline.sources.model import SourceContext
from trunkline.sources.salesforce.source import SalesforcePages, SalesforceSource

AT = datetime(2026, 4, 2)
PAGE_ROWS = 10_000
TYPES = {"ActivityDate": "date", "IsClosed": "boolean", "IsDeleted": "boolean", "CallDurationInSeconds": "int",
         "Amount__c": "currency", "CreatedDate": "datetime", "LastModifiedDate": "datetime", "SystemModstamp": "datetime"}  # fmt: skip


class Job:
    """Pages of a job that is complete, in place of the client; the organisation's clock is after all of them."""

    server_at = datetime(2026, 4, 1)

    def __init__(self, pages: list[bytes]) -> None:
        self._pages = pages

    def describe(self) -> dict[str, Any]:
        fields = [{"name": name, "type": TYPES.get(name, "string")} for name in NAMES.split(",")]
        return {"fields": fields, "replicateable": True}

    def begin_job(self, _: str) -> str:
        return "750"

    def wait_for_job(self, _: str) -> None: ...

    def remove_job(self, _: str) -> None: ...

    def job_results(self, _: str, locator: str | None) -> tuple[bytes, str | None]:
        number = int(locator or 0)
        return self._pages[number], str(number + 1) if number + 1 < len(self._pages) else None


class NoState:
    """The state of a reading that never began."""

    def get(self, *_: object) -> None: ...

    def put(self, *_: object, **__: object) -> None: ...


def pages_of(file: Path) -> list[bytes]:
    """The rows of a file as pages, each with the header row."""
    header, *rows = file.read_bytes().splitlines(keepends=True)
    return [b"".join([header, *rows[n : n + PAGE_ROWS]]) for n in range(0, len(rows), PAGE_ROWS)]


def as_job(obj: Object, pages: list[bytes], home: Path) -> Callable[[], int]:
    """Reads and flattens the results of a job; returns the number of rows."""
    settings = Settings.load(home, {})
    origin = SalesforceOrigin("https://org.example", "Task", SecretName("env", "SF"), api="bulk")
    flattener = Flattener(obj, PiiRule("hash", b"bench"))

    def job() -> int:
        client: Any = Job(pages)
        context = SourceContext(settings, obj, NoState(), lambda plan: ())  # type: ignore[arg-type]
        source = SalesforceSource(context, SalesforcePages(obj, origin, settings, client))
        return sum(flattener.flatten(framed, AT).accepted for framed in source.read({}) if framed is not None)

    return job


def as_file(obj: Object, path: Path) -> Callable[[], int]:
    """Reads and flattens the same rows from a file; returns their number."""
    flattener, files = Flattener(obj, PiiRule("hash", b"bench")), reader.list_files([str(path)])
    return lambda: sum(
        flattener.flatten(framed, AT).accepted for framed in reader.read_batches(files, {}, obj.name, obj=obj)
    )


def run(is_quick: bool) -> None:
    count, repeats = (10_000, 3) if is_quick else (50_000, 5)
    with scratch() as folder:
        path, declared = folder / "tasks.csv", folder / "objects.toml"
        write_rows(path, count)
        declared.write_text(TOML)
        (obj,) = read_objects(declared)
        # A rule that changes nothing. It is over a value as JSON has it, so that pages are read as records.
        columns = [replace(column, rule="value") if column.name == "priority" else column for column in obj.columns]
        ruled, pages = replace(obj, columns=tuple(columns)), pages_of(path)
        jobs = {
            "pages as JSON records": as_job(ruled, pages, folder),
            "pages as rows of a table": as_job(obj, pages, folder),
            "a CSV file of the same rows": as_file(obj, path),
        }
        for name, job in jobs.items():
            assert job() > 0.999 * count, name  # a record that is deleted twice comes once
        seconds = cpu_in_turns(jobs, repeats)
    rival = seconds["pages as JSON records"]
    lines = [Line(name, cost / count * 1e6, "us a row", rival / cost) for name, cost in seconds.items()]
    show(f"{count:,} rows of a Bulk job to typed rows, CPU", lines)
