"""A simulated centre taken through the real pipeline: files, load, warehouse; and the oracle's contacts beside it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

from trunkline.engines.duckdb import DUCKDB
from trunkline.metrics.catalogue import select
from trunkline.metrics.contact import CONTACTS
from trunkline.metrics.question import Grouping, Threshold
from trunkline.pipelines.home import open_home
from trunkline.pipelines.jobs.load import load
from trunkline.pipelines.reading import Reader
from trunkline.settings.installation import Settings
from trunkline.simulator.oracle.oracle import DEFAULT_X, answers
from trunkline.simulator.oracle.terms import METRICS
from trunkline.simulator.run import Result, simulate
from trunkline.simulator.spec import Spec
from trunkline.sql.metric_query import compile_metrics

Table = dict[tuple[Any, ...], tuple[Any, ...]]


@dataclass(frozen=True)
class Ask:
    """One question, the same for SQL and oracle. `x` is seconds, or seconds by queue id or name with `default`."""

    by: tuple[str, ...] = ()
    interval: str | None = None
    zone: str = "UTC"
    x: float | Mapping[str, float] = 20
    since: datetime | None = None
    until: datetime | None = None


def simulated_home(folder: Path, spec: Spec) -> tuple[Settings, Result]:
    """Simulate, and load what was delivered into a home of its own."""
    simulated = simulate(spec, folder / "sim")
    settings = Settings.load(folder / "home", {})
    with open_home(settings) as home:
        loaded = load(home, home.objects["contact_record"], [str(simulated.folder)])
    assert loaded.counts.read == simulated.expected.read
    assert loaded.counts.inserted == simulated.expected.contacts
    return settings, simulated


def by_sql(reader: Reader, ask: Ask, names: tuple[str, ...] = tuple(METRICS)) -> Table:
    """Metrics by the warehouse: group key to one value per name."""
    if isinstance(ask.x, Mapping):
        others = {queue: seconds for queue, seconds in ask.x.items() if queue != DEFAULT_X}
        x = Threshold(ask.x.get(DEFAULT_X, 20), others)
    else:
        x = Threshold(ask.x)
    grouping = Grouping(ask.by, ask.interval, ask.zone)
    query = compile_metrics(select(names), grouping, x, ask.since, ask.until, DUCKDB)
    keys = [query.columns.index(dimension.key) for dimension in grouping.dimensions(CONTACTS)]
    keys += [query.columns.index("interval_start")] if ask.interval else []
    values = [query.columns.index(name.lower()) for name in names]
    rows = reader.warehouse.query(query.numbered, query.params)
    table = {tuple(row[at] for at in keys): tuple(row[at] for at in values) for row in rows}
    assert len(table) == len(rows), "a group comes twice"
    return table


def by_oracle(simulated: Result, ask: Ask, names: tuple[str, ...] = tuple(METRICS)) -> Table:
    """The same by the simulator's as-exported oracle."""
    return answers(simulated.contacts, names, ask.by, ask.interval, ask.zone, ask.x, since=ask.since, until=ask.until)


def differences(sql: Table, oracle: Table, names: tuple[str, ...] = tuple(METRICS)) -> list[str]:
    """Where they differ in any bit or type, one line each."""
    lines = [f"group {key} only in SQL" for key in sql.keys() - oracle.keys()]
    lines += [f"group {key} only in the oracle" for key in oracle.keys() - sql.keys()]
    for key in sql.keys() & oracle.keys():
        for name, ours, right in zip(names, sql[key], oracle[key], strict=True):
            # repr tells every bit of a float, and an integer from a float.
            if repr(ours) != repr(right):
                lines.append(f"{name} of {key}: {ours!r} by SQL, {right!r} by the oracle")
    return lines


def on(text: str) -> date:
    """A date."""
    return date.fromisoformat(text)
