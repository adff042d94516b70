"""Metrics to one SELECT for an engine: one scan, one GROUP BY, for any metrics and groups.

The metrics of one statement are about one population: an object's rows, selected by one event time. One row per group
that has such a row; without groups exactly one row. Columns: the groups in the order of the question (a key is
followed by its label), `interval_start`, then the metrics by their lower-case names. Groups with more rows come first,
those with equally many by their keys, NULLs last; a group's intervals follow each other in time. A NULL group is a
group of its own.
"""

from __future__ import annotations

import re
import zoneinfo
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Final

from trunkline.engines.model import Engine, numbered_placeholder, quote_double, quote_qualified, text_literal
from trunkline.errors import UsageError
from trunkline.limits import EVENT_YEAR_MAX, EVENT_YEAR_MIN, THRESHOLD_S_MAX
from trunkline.metrics.model import Metric, Population
from trunkline.objects.model import Dimension
from trunkline.schedules.schedule import offset_changes, zone_names
from trunkline.sql.views import render

# Seconds; a day is a local date, whose length varies.
INTERVALS: Final[dict[str, int | None]] = {"15min": 900, "30min": 1800, "hour": 3600, "day": None}

# The years of plausible event times.
_YEARS: Final = datetime(EVENT_YEAR_MIN, 1, 1), datetime(EVENT_YEAR_MAX + 1, 1, 1)

_COLUMN: Final = re.compile(r'"(\w+)"')
_X_GROUPS: Final = ("channel", "queue")
"""The dimensions whose groups may have thresholds of their own; a later one wins."""


class TemplateNumber(float):
    """Seconds that another program fills in before the statement runs, such as Grafana's `${x}`; the value by default.

    `text` is written into the statement as it is.
    """

    text: str

    @classmethod
    def named(cls, text: str, default: float) -> TemplateNumber:
        """The number that is written as `text`."""
        number = cls(default)
        number.text = text
        return number


@dataclass(frozen=True, slots=True)
class Threshold:
    """X of the metrics "in X" and the service level, in seconds: a default, and other values for some.

    `by_queue` is keyed by queue id or queue name; where both match, the id wins. `by_channel` is keyed by Amazon's
    names of channels; a queue's value wins over its channel's.
    """

    default: float
    by_queue: Mapping[str, float] = field(default_factory=dict)
    by_channel: Mapping[str, float] = field(default_factory=dict)

    @property
    def varies(self) -> bool:
        """Whether some contacts have another X than the default."""
        return bool(self.by_queue or self.by_channel)

    def of(self, queue_id: str | None, queue_name: str | None, channel: str | None) -> float:
        """X of a contact."""
        for name in (queue_id, queue_name):
            if name is not None and name in self.by_queue:
                return self.by_queue[name]
        return self.by_channel.get(channel or "", self.default)


@dataclass(frozen=True, slots=True)
class MetricQuery:
    """What to run, with the values to bind in order (naive UTC) and their names, and the result's columns.

    `sql` has the engine's own placeholders; `numbered` is the same statement with `$1` and `$2`, as a session takes it;
    `literal` has the values written in, for people to paste.
    """

    sql: str
    numbered: str
    literal: str
    params: tuple[datetime, ...]
    param_names: tuple[str, ...]
    columns: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Grouping:
    """How to group: names of dimensions, an interval of `INTERVALS` or None, and the zone its wall clock is in."""

    by: tuple[str, ...] = ()
    interval: str | None = None
    zone: str = "UTC"

    def dimensions(self, of: Population) -> tuple[Dimension, ...]:
        """The dimensions to group by. Raises UsageError when a name, interval or zone is unknown or repeated."""
        known = {dimension.name: dimension for dimension in of.obj.dimensions}
        for name in self.by:
            if name not in known:
                valid = ", ".join(known) or "none"
                raise UsageError(f"group {name!r} is not known; valid: {valid} ({of.obj.name}).")
        if len(set(self.by)) < len(self.by):
            raise UsageError(f"groups {', '.join(self.by)} repeat a name; name each group once.")
        if self.interval is not None and self.interval not in INTERVALS:
            raise UsageError(f"interval {self.interval!r} is not known; valid: {', '.join(INTERVALS)}.")
        # Membership also makes the name safe to write into SQL.
        if self.zone not in zone_names():
            raise UsageError(f"time zone {self.zone!r} is not known; valid: IANA names such as Europe/Berlin or UTC.")
        chosen = tuple(known[name] for name in self.by)
        keys = [dimension.key for dimension in chosen]
        if len(set(keys)) < len(keys):
            raise UsageError(f"groups {', '.join(self.by)} group by one column twice; choose one of them.")
        return chosen


def population(metrics: Sequence[Metric]) -> Population:
    """What these metrics are about. Raises UsageError when there are none, or when they are about different rows."""
    if not metrics:
        raise UsageError("no metric was named; name at least one, see `trunkline metric list`.")
    of = metrics[0].of
    for metric in metrics:
        if metric.of != of:
            raise UsageError(
                f"{metrics[0].name} is about {of.grain} and {metric.name} about {metric.grain}, which share no "
                "groups and no period; query them one after the other."
            )
    return of


@dataclass(frozen=True, slots=True)
class _Question:
    """A checked question in portable SQL: everything but the engine and how it writes bound values."""

    of: Population
    metrics: Sequence[Metric]
    dimensions: tuple[Dimension, ...]
    grouping: Grouping
    x: Threshold
    bounds: Mapping[str, datetime]
    source: str

    @property
    def event_time(self) -> str:
        return quote_double(self.of.event_time)

    @property
    def keys(self) -> list[str]:
        """The columns of the groups."""
        return [d.key for d in self.dimensions] + (["interval_start"] if self.grouping.interval else [])


def compile_metrics(
    metrics: Sequence[Metric],
    grouping: Grouping,
    x: Threshold,
    since: datetime | None,
    until: datetime | None,
    engine: Engine,
    source: str | None = None,
) -> MetricQuery:
    """The query of these metrics over the rows whose event time is in [since, until).

    A bound that is None is absent; an aware one is taken as its instant, a naive one as UTC. `x` is used only by
    metrics that take it. `source` is a FROM item with the columns of the object's public view, generated, never from
    outside; by default the view. Raises UsageError for no metrics, metrics about different rows, unknown names, a bad
    threshold or bounds in the wrong order.
    """
    of = population(metrics)
    bounds = {name: _naive_utc(bound) for name, bound in (("since", since), ("until", until)) if bound is not None}
    if len(bounds) == 2 and bounds["since"] > bounds["until"]:
        raise UsageError(f"since {bounds['since']} is after until {bounds['until']}; give the earlier one first.")
    source = source or quote_qualified(engine, of.obj.public_view)
    question = _Question(of, metrics, grouping.dimensions(of), grouping, x, bounds, source)
    shown = _shown(question, engine)
    return MetricQuery(
        _statement(question, shown, engine, engine.spelling.placeholder),
        _statement(question, shown, engine, numbered_placeholder),
        _statement(question, shown, engine, lambda number, name: text_literal(bounds[name].isoformat(" "))),
        tuple(bounds.values()),
        tuple(bounds),
        tuple(name for name, _ in shown),
    )


def _naive_utc(bound: datetime) -> datetime:
    return bound if bound.tzinfo is None else bound.astimezone(UTC).replace(tzinfo=None)


def _statement(
    question: _Question, shown: Sequence[tuple[str, str]], engine: Engine, placeholder: Callable[[int, str], str]
) -> str:
    lines = ",\n    ".join(_aliased(sql, name) for name, sql in shown)
    sql = f"SELECT\n    {lines}\nFROM (\n{_rows(question, engine, placeholder)}\n) AS measured"
    if question.keys:
        keys = ", ".join(quote_double(key) for key in question.keys)
        order = ", ".join([*_volume(question), *(_sort_key(key, engine) for key in question.keys)])
        sql += f"\nGROUP BY {keys}\nORDER BY {order}"
    return render(sql, engine)


def _volume(question: _Question) -> list[str]:
    """The sort key of a group's number of rows, in all its intervals together."""
    if not question.dimensions:
        return []
    if question.grouping.interval is None:
        return ["COUNT(*) DESC"]
    groups = ", ".join(quote_double(dimension.key) for dimension in question.dimensions)
    return [f"SUM(COUNT(*)) OVER (PARTITION BY {groups}) DESC"]


def _aliased(sql: str, name: str) -> str:
    return sql if sql == quote_double(name) else f"{sql} AS {quote_double(name)}"


def _sort_key(key: str, engine: Engine) -> str:
    column = quote_double(key)
    return f"{column if key == 'interval_start' else engine.spelling.by_code_point(column)} NULLS LAST"


def _shown(question: _Question, engine: Engine) -> list[tuple[str, str]]:
    """Name and expression of each column of the result."""
    shown: list[tuple[str, str]] = []
    for dimension in question.dimensions:
        shown.append((dimension.key, quote_double(dimension.key)))
        if dimension.label is not None:
            # A key keeps its group when it is renamed; the greatest of its labels is shown, the same in every engine.
            shown.append((dimension.label, f"MAX({engine.spelling.by_code_point(quote_double(dimension.label))})"))
    if question.grouping.interval is not None:
        shown.append(("interval_start", quote_double("interval_start")))
    return shown + [(metric.column, _aggregate(metric, engine)) for metric in question.metrics]


def _aggregate(metric: Metric, engine: Engine) -> str:
    """The aggregate of a metric; whole numbers until the last division, so that every engine agrees to the bit."""
    double = engine.spelling.types["double"]
    count = f"COUNT(CASE WHEN {metric.condition} THEN 1 END)"
    if metric.shape == "count":
        return count
    if metric.shape == "rate":
        base = f"COUNT(CASE WHEN {metric.base} THEN 1 END)"
        return f"CAST({count} AS {double}) * 100 / NULLIF({base}, 0)"
    value = quote_double(metric.value_column)
    if metric.shape == "total":
        return f"CAST(COALESCE(SUM({value}), 0) AS {engine.spelling.types['bigint']})"
    if metric.shape == "share":
        base = f"NULLIF(SUM({quote_double(_base_column(metric))}), 0)"
        return f"CAST(SUM({value}) AS {double}) * 100 / CAST({base} AS {double})"
    if metric.shape == "average":
        scale = " * 1000" if metric.unit == "seconds" else ""
        return f"CAST(SUM({value}) AS {double}) / (CAST(NULLIF(COUNT({value}), 0) AS {double}){scale})"
    if metric.shape == "percentile":
        rank, count = _rank_columns(metric.value_column)
        inner = engine.spelling.percentile(value, metric.percent, quote_double(rank), quote_double(count))
    else:
        inner = f"{'SUM' if metric.shape == 'sum' else 'MAX'}({value})"
    return f"CAST({inner} AS {double}) / 1000"


def _base_column(metric: Metric) -> str:
    return f"base_of_{metric.column}"


def _rows(question: _Question, engine: Engine, placeholder: Callable[[int, str], str]) -> str:
    """The subquery: columns and values in use, the interval's key and X, each computed once per row."""
    metrics = question.metrics
    used = {
        column
        for metric in metrics
        if not metric.value
        for text in (metric.condition, metric.base)
        for column in _COLUMN.findall(text)
    }
    groups = {name: sql for dimension in question.dimensions for name, sql in _group_columns(dimension)}
    columns = [groups.get(name, quote_double(name)) for name in sorted((used | groups.keys()) - {"x_ms"})]
    values = {metric.value_column: metric.value for metric in metrics if metric.value}
    values |= {_base_column(metric): metric.base for metric in metrics if metric.shape == "share"}
    columns += [f"{value} AS {quote_double(name)}" for name, value in values.items()]
    if question.grouping.interval is not None:
        columns.append(f'{_interval_key(question, engine)} AS "interval_start"')
    if any(metric.takes_x for metric in metrics):
        columns.append(f'{_x_ms(question.x, question.of)} AS "x_ms"')
    conditions = [f"{question.event_time} IS NOT NULL"]
    for number, name in enumerate(question.bounds, 1):
        comparison = ">=" if name == "since" else "<"
        conditions.append(f"{question.event_time} {comparison} CAST({placeholder(number, name)} AS TIMESTAMP)")
    body = "    SELECT\n        {}\n    FROM {}\n    WHERE {}".format(
        ",\n        ".join(columns), question.source, "\n        AND ".join(conditions)
    )
    ranked = [metric.value_column for metric in metrics if metric.shape == "percentile"]
    return _ranked(body, ranked, question.keys) if ranked and engine.spelling.percentile_needs_rank else body


def _group_columns(dimension: Dimension) -> list[tuple[str, str]]:
    """Key and label of a dimension as columns of the subquery."""
    key, pool = quote_double(dimension.key), dimension.pool
    label = quote_double(dimension.label) if dimension.label else None
    columns = [(dimension.key, key)]
    if pool and pool.key:
        columns = [(dimension.key, f"CASE WHEN {pool.condition} THEN {text_literal(pool.key)} ELSE {key} END AS {key}")]
    if dimension.label and label:
        name = text_literal(pool.label) if pool else ""
        name = name if pool and pool.key else f"COALESCE({label}, {name})"
        sql = f"CASE WHEN {pool.condition} THEN {name} ELSE {label} END AS {label}" if pool else label
        columns.append((dimension.label, sql))
    return columns


def _rank_columns(column: str) -> tuple[str, str]:
    return f"rank_of_{column}", f"count_of_{column}"


def _ranked(body: str, ranked: Sequence[str], keys: Sequence[str]) -> str:
    """The subquery `body` with the rank and number per group of the columns that percentiles are over."""
    partition = "PARTITION BY " + ", ".join(quote_double(key) for key in keys) if keys else ""
    columns = ["valued.*"]
    for column in dict.fromkeys(ranked):
        (rank, count), value = _rank_columns(column), quote_double(column)
        order = f"{partition} ORDER BY {value} NULLS LAST".strip()
        columns.append(f"ROW_NUMBER() OVER ({order}) AS {quote_double(rank)}")
        columns.append(f"COUNT({value}) OVER ({partition}) AS {quote_double(count)}")
    return "    SELECT\n        {}\n    FROM (\n{}\n    ) AS valued".format(",\n        ".join(columns), body)


def _interval_key(question: _Question, engine: Engine) -> str:
    """A local date, or the instant at which the interval of the wall clock begins.

    Where the clock changes inside such an interval, by half an hour say, another interval begins with the change.
    """
    instant, zone = question.event_time, question.grouping.zone
    local = instant if zone == "UTC" else engine.spelling.local(instant, zone)
    width_s = INTERVALS[question.grouping.interval or "day"]
    if width_s is None:
        return f"CAST({local} AS DATE)"
    bucket = engine.spelling.bucket(instant, local, width_s)
    first, last = question.bounds.get("since", _YEARS[0]), question.bounds.get("until", _YEARS[1])
    arms = [
        f"WHEN {instant} >= TIMESTAMP '{start}' AND {instant} < TIMESTAMP '{end}' THEN TIMESTAMP '{start}'"
        for start, end in _uneven_intervals(zone, width_s, first - timedelta(days=1), last)
    ]
    return f"CASE {' '.join(arms)} ELSE {bucket} END" if arms else bucket


@lru_cache(maxsize=64)
def _uneven_intervals(
    zone: str, width_s: int, since: datetime, until: datetime
) -> tuple[tuple[datetime, datetime], ...]:
    """Intervals (naive UTC) that begin with a clock change, where the wall clock shows no multiple of the width."""
    intervals = []
    local_zone = zoneinfo.ZoneInfo(zone)
    for change in offset_changes(local_zone, since.replace(tzinfo=UTC), until.replace(tzinfo=UTC)):
        wall = change.astimezone(local_zone)
        past_s = (wall.hour * 3600 + wall.minute * 60 + wall.second) % width_s
        if past_s:
            start = change.replace(tzinfo=None)
            intervals.append((start, start + timedelta(seconds=width_s - past_s)))
    return tuple(intervals)


def _milliseconds(seconds: object, what: str) -> str:
    # bool is an int to Python, and NaN compares false with everything: both are refused.
    if isinstance(seconds, bool) or not isinstance(seconds, (int, float)) or not 0 <= seconds <= THRESHOLD_S_MAX:
        raise UsageError(f"threshold of {what} is {seconds!r}; valid: seconds from 0 to {THRESHOLD_S_MAX}.")
    if isinstance(seconds, TemplateNumber):
        return f"({seconds.text} * 1000)"
    text = format(Decimal(str(seconds)) * 1000, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def _x_ms(x: Threshold, of: Population) -> str:
    sql = _milliseconds(x.default, "the default")
    dimensions = {dimension.name: dimension for dimension in of.obj.dimensions}
    for group, seconds_by_name in zip(_X_GROUPS, (x.by_channel, x.by_queue), strict=True):
        dimension = dimensions.get(group)
        if dimension is None or not seconds_by_name:
            continue
        arms = {_literal(name): _milliseconds(s, f"{group} {name!r}") for name, s in seconds_by_name.items()}
        whens = " ".join(f"WHEN {name} THEN {ms}" for name, ms in arms.items())
        for column in (dimension.label, dimension.key):
            if column is not None:
                sql = f"CASE {quote_double(column)} {whens} ELSE {sql} END"
    return sql


def _literal(text: str) -> str:
    """A text as a literal. A backslash or control character is refused: Redshift reads backslashes as escapes."""
    if "\\" in text or any(ord(character) < 32 for character in text):
        raise UsageError(f"{text!r} has a backslash or control character; name the queue by its id instead.")
    return "'" + text.replace("'", "''") + "'"
