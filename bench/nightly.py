"""Nightly sets: 7 objects, each with changed rows in files, run one after another, against the same loads alone.

Two sets: events in JSON, which are nested and are read record by record, and Salesforce's tables in CSV.

What a run adds is the lock, the record and its steps, and the verification. `loads` are the same files by `trunkline
load`; `merges` are those batches merged into an empty warehouse, with reading and flattening left out. CPU of this
process and of those it starts, in turns. The target is 1.5 times the merges at most; what reads and flattens is measured beside it.
"""

from __future__ import annotations

import json
import resource
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
    name: str, objects: Sequence[Object], write: Callable[[Path, Sequence[Object], int], None], rows: int
) -> None:
    before = catalogue.load
    catalogue.load = lambda _=(): {obj.name: obj for obj in objects}  # type: ignore[assignment]
    views, catalogue.VIEWS = catalogue.VIEWS, {}
    try:
        with scratch() as folder:
            write(folder / "in", objects, rows)
            # In turns, and the better of two: a busy machine slows all of them.
            turns = [
                (_timed(folder / f"loads{turn}", folder / "in", objects, _load),
                 _timed(folder / f"runs{turn}", folder / "in", objects, _run),
                 _merges(folder / f"loads{turn}", objects))
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


def _write_events(folder: Path, objects: Sequence[Object], rows: int) -> None:
    for obj in objects:
        (folder / obj.name).mkdir(parents=True)
        with (folder / obj.name / "rows.json").open("w") as file:
            for row in range(rows):
                detail = {
                    "eventType": "DISCONNECTED", "contactId": f"c-{row}", "channel": "VOICE",
                    "instanceArn": "arn:aws:connect:us-east-1:111122223333:instance/i-1", "initiationMethod": "INBOUND",
                }  # fmt: skip
                file.write(json.dumps({**RECORD, "id": f"e-{row}", "detail": detail}) + "\n")


def _write_tables(folder: Path, objects: Sequence[Object], rows: int) -> None:
    for obj in objects:
        (folder / obj.name).mkdir(parents=True)
        write_rows(folder / obj.name / "rows.csv", rows)


def _cpu_s() -> float:
    usage = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(use.ru_utime + use.ru_stime for use in usage)


def _timed(home: Path, folder: Path, objects: Sequence[Object], work: object) -> float:
    sources = {obj.name: str(folder / obj.name) for obj in objects}
    home.mkdir()
    (home / "trunkline.toml").write_text(f"run_sources = {json.dumps(sources).replace(':', ' =')}\n")
    with open_home(Settings.load(home, {"TRUNKLINE_PII": "keep"})) as opened:
        started_s = _cpu_s()
        for obj in objects:
            work(opened, obj, folder / obj.name)  # type: ignore[operator]
        return _cpu_s() - started_s


def _load(home: Home, obj: Object, folder: Path) -> None:
    assert load(home, obj, [str(folder)]).counts.inserted


def _run(home: Home, obj: Object, folder: Path) -> None:
    outcome = run_object(home, obj, RunRequest(), InputOptions())
    assert outcome is not None
    assert outcome.error is None, outcome.error


def _merges(home: Path, objects: Sequence[Object]) -> float:
    """The batches of a home's lake into a new warehouse: what is left when reading and flattening are done."""
    settings = Settings.load(home, {"TRUNKLINE_PII": "keep", "TRUNKLINE_WAREHOUSE": f"duckdb://{home}/again.duckdb"})
    with open_home(settings) as opened:
        for key in list(opened.store.list("_ledger/merge/")):
            opened.store.remove(key)
        started_s = _cpu_s()
        for obj in objects:
            assert Runner(opened, obj).recover()
        return _cpu_s() - started_s
