"""Metrics of a home: names, groups and a period, compiled for the warehouse's engine and computed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

from trunkline.engines.model import Engine
from trunkline.metrics.catalogue import select
from trunkline.metrics.model import Metric
from trunkline.pipelines.reading import Reader
from trunkline.schedules.times import parse_time
from trunkline.serve.report.wording import contacts_by_fidelity, fidelity_note
from trunkline.settings import Settings
from trunkline.sql.metric_query import Grouping, MetricQuery, Threshold, compile_metrics, population
from trunkline.table import Table, table_of
from trunkline.warehouse.duckdb.warehouse import DuckDBWarehouse


@dataclass(frozen=True, slots=True)
class MetricQuestion:
    """Which metrics, grouped how, over contacts that ended in [since, until), aware UTC; at most `limit` rows."""

    metrics: tuple[Metric, ...]
    grouping: Grouping
    threshold: Threshold
    since: datetime | None
    until: datetime | None
    limit: int | None = None

    def compiled(self, engine: Engine) -> MetricQuery:
        """The query in an engine's SQL."""
        query = compile_metrics(self.metrics, self.grouping, self.threshold, self.since, self.until, engine)
        if self.limit is None:
            return query
        end = f"\nLIMIT {self.limit}"
        return replace(query, sql=query.sql + end, numbered=query.numbered + end)


def question_of(
    settings: Settings,
    names: Sequence[str],
    by: Sequence[str] = (),
    interval: str | None = None,
    zone: str | None = None,
    x: float | None = None,
    since: str | date | None = None,
    until: str | date | None = None,
    limit: int | None = None,
    prefix: str = "",
) -> MetricQuestion:
    """A question as a person asks it; times without an offset are local to `zone`, by default that of the settings.

    Raises UsageError for an unknown metric, group, interval, zone or time; `prefix` is how options are written.
    """
    grouping, metrics = Grouping(tuple(by), interval, zone or settings.zone), tuple(select(names))
    grouping.dimensions(population(metrics))
    threshold = Threshold(x) if x is not None else Threshold(settings.service_level_s, settings.service_level_queue_s)
    start = parse_time(since, grouping.zone, f"{prefix}since")
    end = parse_time(until, grouping.zone, f"{prefix}until")
    return MetricQuestion(metrics, grouping, threshold, start, end, limit)


def measure(reader: Reader, question: MetricQuestion) -> Table:
    """The metrics as an Arrow table; `interval_start` is naive UTC."""
    compiled = question.compiled(reader.warehouse.engine)
    if isinstance(reader.warehouse, DuckDBWarehouse):
        return reader.warehouse.table(compiled.numbered, compiled.params)
    return table_of(compiled.columns, reader.warehouse.query(compiled.numbered, compiled.params))


def measure_rows(reader: Reader, question: MetricQuestion) -> tuple[list[str], list[tuple[object, ...]]]:
    """The metrics as columns and rows; `interval_start` is naive UTC."""
    compiled = question.compiled(reader.warehouse.engine)
    return list(compiled.columns), reader.warehouse.query(compiled.numbered, compiled.params)


def caveat(reader: Reader, question: MetricQuestion) -> str | None:
    """A sentence for numbers that include rows rebuilt from the API, which lack some times; else None."""
    note = fidelity_note(contacts_by_fidelity(reader.warehouse, question.since, question.until))
    return f"This is {note}." if note else None
