"""The numbers of a home: metrics of any period and grouping, and the report of a day or a span as one HTML file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path

from trunkline import clock
from trunkline.completeness.period_records import load_records
from trunkline.engines.model import Engine
from trunkline.errors import TerminalError
from trunkline.lake.store import open_store
from trunkline.ledger import index
from trunkline.metrics.catalogue import select
from trunkline.metrics.model import Metric
from trunkline.metrics.question import Grouping, Threshold, population
from trunkline.pipelines.jobs.doctor import drift_lines
from trunkline.pipelines.reading import Reader
from trunkline.schedules.times import parse_time
from trunkline.serve.report import wording
from trunkline.serve.report.data import Completeness
from trunkline.serve.report.headline import Headline, headline
from trunkline.serve.report.page import report
from trunkline.serve.report.period import Period, day_period, default_day
from trunkline.serve.report.wording import contacts_by_fidelity, fidelity_note
from trunkline.settings.installation import Settings
from trunkline.sql.metric_query import MetricQuery, compile_metrics
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
        return replace(query, sql=query.sql + end, numbered=query.numbered + end, literal=query.literal + end)


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
    threshold = Threshold(x) if x is not None else threshold_of(settings)
    start = parse_time(since, grouping.zone, f"{prefix}since")
    end = parse_time(until, grouping.zone, f"{prefix}until")
    return MetricQuestion(metrics, grouping, threshold, start, end, limit)


def threshold_of(settings: Settings) -> Threshold:
    """X as the settings have it, by queue and by channel."""
    return Threshold(
        settings.service_level_s, settings.service_level_queue_s, dict(settings.service_level_channel_s.items())
    )


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
    if population(question.metrics).obj.name != OBJECT:
        return None
    note = fidelity_note(contacts_by_fidelity(reader.warehouse, question.since, question.until))
    return f"This is {note}." if note else None


OBJECT = "contact_record"


@dataclass(frozen=True, slots=True)
class Written:
    """A report that was written: what it covers, and its headline numbers."""

    period: Period
    headlines: list[Headline]


def write_report(reader: Reader, period_or_zone: Period | str, path: Path) -> Written:
    """Write the report of a period; of a zone's last full day with contacts where only the zone is given.

    Raises TerminalError when the file cannot be written.
    """
    settings = reader.settings
    period = _newest_day(reader, period_or_zone) if isinstance(period_or_zone, str) else period_or_zone
    x = threshold_of(settings)
    page = report(reader.warehouse, period, x, completeness(reader, period), settings.service_level_goal)
    try:
        path.write_text(page, encoding="utf-8")
    except OSError as error:
        raise TerminalError(
            f"the report cannot be written to {path}: {error.strerror}; name another file with --out"
        ) from error
    return Written(period, list(headline(reader.warehouse, period, x)))


def _newest_day(reader: Reader, zone: str) -> Period:
    day = default_day(reader.warehouse, zone, clock.now_naive()) or clock.now().date()
    return day_period(day, zone)


def completeness(reader: Reader, period: Period) -> Completeness:
    """What became of every contact record that was ever loaded, and what is certified of the period's days."""
    counts = index.totals(reader.warehouse, OBJECT)
    letters = index.dead_letters(reader.warehouse, OBJECT)
    reasons: dict[str, int] = {}
    for letter in letters:
        reasons[letter.reason] = reasons.get(letter.reason, 0) + 1
    return Completeness(
        counts=counts,
        dead_letters=reasons,
        late_versions=counts.updated + counts.superseded,
        drift=drift_lines(reader, OBJECT),
        files=index.files_read(reader.warehouse, OBJECT),
        certified=_certified(reader, period),
    )


def _certified(reader: Reader, period: Period) -> list[str]:
    """A local day lies in one UTC day, or in two."""
    since, until = period.since.replace(tzinfo=UTC), period.until.replace(tzinfo=UTC)
    records = load_records(open_store(reader.settings.lake), OBJECT)
    return [wording.certificate_sentence(record) for record in records if record.start < until and record.end > since]
