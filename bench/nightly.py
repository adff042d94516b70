"""Nightly sets: 7 objects, each with changed rows in files, run one after another, against the same merges alone.

Two sets: Salesforce's tables in CSV, of which every row has changed since it was loaded first; and events in JSON, which
never change: there the night's are new, beside as many of the day before.

What a run adds is the lock, the record and its steps, and the verification. `loads` are the same files by `trunkline
load`; `merges` are those batches merged into the warehouse as it was before them, with reading and flattening left out.
CPU of this process and of those it starts, in turns. The target is 1.5 times the merges at most.
"""

from __future__ import annotations

import json
import resource
import shutil
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from measure import Line, scratch, show
from table_files import TOML, write_rows

from trunkline.objects import catalogue
from trunkline.objects.contact_event import CONTACT_EVENT
from trunkline.objects.model import Object
from trunkline.objects.user.declare import read_objects
from trunkline.pipelines.home import Home, open_home
from trunkline.pipelines.jobs.load import load
from trunkline.pipelines.run.history import RunRequest
from trunkline.pipelines.run.inputs import InputOptions
from trunkline.pipelines.run.job import run_object
from trunkline.pipelines.runner import Runner
from trunkline.settings.installation import Settings

OBJECTS = 7
RECORD = {
    "version": "0", "detail-type": "Amazon Connect Contact Event", "source": "aws.connect", "account": "111122223333",
    "time": "2026-03-03T10:00:00Z", "region": "us-east-1", "resources": [],
}  # fmt: skip


def run(quick: bool) -> None:
    rows = 20_000 if quick else 100_000
    with scratch() as folder:
        (folder / "objects.toml").write_text(TOML)
        (table,) = read_objects(folder / "objects.toml")
    _measure("events in JSON", [_renamed(CONTACT_EVENT, number) for number in range(OBJECTS)], _write_events, rows)
    _measure("tables in CSV", [_renamed(table, number) for number in range(OBJECTS)], _write_tables, rows)


def _measure(
    name: str, objects: Sequence[Object], write: Callable[[Path, Sequence[Object], int, int], None], rows: int
) -> None:
    before = catalogue.load
    catalogue.load = lambda _=(): {obj.name: obj for obj in objects}  # type: ignore[assignment]
    views, catalogue.VIEWS = catalogue.VIEWS, {}
    try:
        with scratch() as folder:
            for days_later, files in enumerate(("first", "changed")):
                write(folder / files, objects, rows, days_later)
            _load_all(folder / "before", folder / "first", objects)
            # In turns, and the better of two: a busy machine slows all of them.
            turns = [
                (_timed(folder, f"loads{turn}", objects, _load),
                 _timed(folder, f"runs{turn}", objects, _run),
                 _merges(folder, f"loads{turn}", objects))
                for turn in range(2)
            ]  # fmt: skip
            loads, runs, merges = (min(times) for times in zip(*turns, strict=True))
            show(
                f"nightly: {OBJECTS} objects, {rows:,} rows each, {name}",
                [
                    Line("merges alone", merges, "s", 1.0),
                    Line("loads alone", loads, "s", loads / merges),
                    Line("runs: lock, record, verification", runs, "s", runs / merges, "1.5 at most"),
                    Line("runs, against the loads", runs, "s", runs / loads),
                ],
            )
    finally:
        catalogue.load, catalogue.VIEWS = before, views


def _renamed(obj: Object, number: int) -> Object:
    name = f"nightly_{number}"
    return replace(obj, name=name, table=name, folder="", view="", warehouse_table=f"connect.f_{name}")


def _write_events(folder: Path, objects: Sequence[Object], rows: int, days_later: int) -> None:
    for obj in objects:
        (folder / obj.name).mkdir(parents=True)
        with (folder / obj.name / f"{days_later}.json").open("w") as file:
            for row in range(rows):
                detail = {
                    "eventType": "DISCONNECTED", "contactId": f"c-{days_later}-{row}", "channel": "VOICE",
                    "instanceArn": "arn:aws:connect:us-east-1:111122223333:instance/i-1", "initiationMethod": "INBOUND",
                }  # fmt: skip
                file.write(json.dumps({**RECORD, "id": f"e-{days_later}-{row}", "detail": detail}) + "\n")


def _write_tables(folder: Path, objects: Sequence[Object], rows: int, days_later: int) -> None:
    for obj in objects:
        (folder / obj.name).mkdir(parents=True)
        write_rows(folder / obj.name / f"{days_later}.csv", rows, days_later)


def _cpu_s() -> float:
    usage = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(use.ru_utime + use.ru_stime for use in usage)


def _settings(home: Path, warehouse: Path | None = None) -> Settings:
    variables = {"TRUNKLINE_PII": "keep"}
    return Settings.load(home, variables | ({"TRUNKLINE_WAREHOUSE": f"duckdb://{warehouse}"} if warehouse else {}))


def _load_all(home: Path, files: Path, objects: Sequence[Object]) -> None:
    """A home with the rows as they were before the night."""
    with open_home(_settings(home)) as opened:
        for obj in objects:
            _load(opened, obj, files / obj.name)


def _timed(folder: Path, name: str, objects: Sequence[Object], work: Callable[[Home, Object, Path], None]) -> float:
    """CPU seconds of the changed rows of all objects, into a copy of the home before them."""
    home, files = folder / name, folder / "changed"
    shutil.copytree(folder / "before", home)
    sources = {obj.name: str(files / obj.name) for obj in objects}
    (home / "trunkline.toml").write_text(f"run_sources = {json.dumps(sources).replace(':', ' =')}\n")
    with open_home(_settings(home)) as opened:
        started_s = _cpu_s()
        for obj in objects:
            work(opened, obj, files / obj.name)
        return _cpu_s() - started_s


def _load(home: Home, obj: Object, folder: Path) -> None:
    counts = load(home, obj, [str(folder)]).counts
    assert counts.inserted + counts.updated


def _run(home: Home, obj: Object, folder: Path) -> None:
    outcome = run_object(home, obj, RunRequest(), InputOptions())
    assert outcome is not None
    assert outcome.error is None, outcome.error


def _merges(folder: Path, name: str, objects: Sequence[Object]) -> float:
    """The night's batches of a home's lake into the warehouse before them: reading and flattening are done."""
    again = folder / name / "again.duckdb"
    shutil.copyfile(folder / "before" / "warehouse.duckdb", again)
    with open_home(_settings(folder / name, again)) as opened:
        for key in list(opened.store.list("_ledger/merge/")):
            opened.store.remove(key)
        started_s = _cpu_s()
        for obj in objects:
            assert Runner(opened, obj).recover()
        return _cpu_s() - started_s
