"""Metrics to one SELECT for an engine: one scan, one GROUP BY, whatever the metrics and groups.

One row per group that has a contact; without groups exactly one row. Columns: the groups in the order asked (an id is
followed by its name), `interval_start`, then the metrics by their lower-case names. Rows are sorted by the groups,
NULLs last; a NULL group is a group of its own.
"""

from __future__ import annotations

import re
import zoneinfo
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Final

from trunkline.errors import UsageError
from trunkline.metrics.model import Metric
from trunkline.sql.percentiles import percentile_sql, rank_columns
from trunkline.sql.portable import Spelling, render, spelling

TABLE: Final = '"connect_datalake"."contact_record"'
EVENT_TIME: Final = '"disconnect_timestamp"'

# Group -> its key column and the column of its name, if it has one.
GROUPS: Final[dict[str, tuple[str, str | None]]] = {
    "queue": ("queue_id", "queue_name"),
    "agent": ("agent_id", "agent_username"),
    "routing_profile": ("agent_routing_profile_id", "agent_routing_profile_name"),
    "channel": ("channel", None),
    "initiation_method": ("initiation_method", None),
}
# Seconds; a day is a local date, whose length varies.
INTERVALS: Final[dict[str, int | None]] = {"15min": 900, "30min": 1800, "hour": 3600, "day": None}
# Amazon takes 1 to 604,800 (seven days, the longest a contact can last); zero and parts of a second are harmless.
X_SECONDS_MAX: Final = 604_800

_COLUMN: Final = re.compile(r'"(\w+)"')


@dataclass(frozen=True, slots=True)
class Threshold:
    """X of the metrics "in X" and the service level, in seconds: one number, and others for some queues.

    `by_queue` is keyed by queue id or queue name; where both match, the id wins.
    """

    default: float
    by_queue: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class MetricQuery:
    """What to run: the statement, the values to bind in order (naive UTC) with their names, the result's columns."""

    sql: str
    params: tuple[datetime, ...]
    param_names: tuple[str, ...]
    columns: tuple[str, ...]

    @property
    def numbered(self) -> str:
        """The statement with `$1` and `$2` where its engine binds by name."""
        numbers = {f":{name}": f"${number}" for number, name in enumerate(self.param_names, 1)}
        return re.sub(r":(?:since|until)\b", lambda found: numbers[found[0]], self.sql)


@dataclass(frozen=True, slots=True)
class Grouping:
    """How to group: names of `GROUPS`, an interval of `INTERVALS` or None, and the zone its wall clock is in."""

    by: tuple[str, ...] = ()
    interval: str | None = None
    zone: str = "UTC"

    def checked(self) -> Grouping:
        """Itself; UsageError when a name is unknown or repeated."""
        for name in self.by:
            if name not in GROUPS:
                raise UsageError(f"group {name!r} is not known; valid: {', '.join(GROUPS)}.")
        if len(set(self.by)) < len(self.by):
            raise UsageError(f"groups {', '.join(self.by)} name one twice; name each once.")
        if self.interval is not None and self.interval not in INTERVALS:
            raise UsageError(f"interval {self.interval!r} is not known; valid: {', '.join(INTERVALS)}.")
        # Membership also makes the name safe to write into SQL.
        # `localtime` is the machine's, which a few systems list.
        if self.zone not in zoneinfo.available_timezones() - {"localtime"}:
            raise UsageError(f"time zone {self.zone!r} is not known; valid: IANA names such as Europe/Berlin or UTC.")
        return self


def compile_metrics(
    metrics: Sequence[Metric],
    grouping: Grouping,
    x: Threshold,
    since: datetime | None,
    until: datetime | None,
    engine: str,
    contacts: str = TABLE,
) -> MetricQuery:
    """The query of these metrics over contacts that disconnected in [since, until).

    A bound that is None is absent; an aware one is taken as its instant, a naive one as UTC. `x` is used only by
    metrics that take it. `contacts` is a FROM item with the columns of contact_record, generated, never from outside.
    UsageError for no metrics, unknown names, a bad threshold or bounds in the wrong order.
    """
    if not metrics:
        raise UsageError("no metric was named; name at least one, see `trunkline metric list`.")
    dialect = spelling(engine)
    grouping = grouping.checked()
    bounds = {name: _naive_utc(one) for name, one in (("since", since), ("until", until)) if one is not None}
    if len(bounds) == 2 and bounds["since"] > bounds["until"]:
        raise UsageError(f"since {bounds['since']} is after until {bounds['until']}; give the earlier one first.")
    keys = [GROUPS[name][0] for name in grouping.by] + (["interval_start"] if grouping.interval else [])
    shown = _shown(grouping, dialect)
    for one in metrics:
        shown.append((one.column, _aggregate(one, dialect)))
    lines = ",\n    ".join(_aliased(sql, name) for name, sql in shown)
    source = _source(metrics, grouping, x, since, until, dialect, keys, contacts)
    sql = f"SELECT\n    {lines}\nFROM (\n{source}\n) AS contacts"
    if keys:
        key_list = ", ".join(f'"{key}"' for key in keys)
        order = ", ".join(_sort_key(key, dialect) for key in keys)
        sql += f"\nGROUP BY {key_list}\nORDER BY {order}"
    return MetricQuery(sql, tuple(bounds.values()), tuple(bounds), tuple(name for name, _ in shown))


def _naive_utc(moment: datetime) -> datetime:
    return moment if moment.tzinfo is None else moment.astimezone(UTC).replace(tzinfo=None)


def _aliased(sql: str, name: str) -> str:
    return sql if sql == f'"{name}"' else f'{sql} AS "{name}"'


def _sort_key(key: str, dialect: Spelling) -> str:
    column = f'"{key}"' if key == "interval_start" else dialect.text(f'"{key}"')
    return f"{column} NULLS LAST"


def _shown(grouping: Grouping, dialect: Spelling) -> list[tuple[str, str]]:
    shown: list[tuple[str, str]] = []
    for name in grouping.by:
        key, label = GROUPS[name]
        shown.append((key, f'"{key}"'))
        if label is not None:
            # An id keeps its group when it is renamed; the greatest of its names stands for it, in every engine.
            column = dialect.text(f'"{label}"')
            shown.append((label, f"MAX({column})"))
    if grouping.interval is not None:
        shown.append(("interval_start", '"interval_start"'))
    return shown


def _aggregate(metric: Metric, dialect: Spelling) -> str:
    """The aggregate of a metric; whole numbers until the last division, so that every engine agrees to the bit."""
    count = f"COUNT(CASE WHEN {render(metric.condition, dialect)} THEN 1 END)"
    if metric.shape == "count":
        return count
    if metric.shape == "rate":
        base = f"COUNT(CASE WHEN {render(metric.base, dialect)} THEN 1 END)"
        return f"CAST({count} AS {dialect.double}) * 100 / NULLIF({base}, 0)"
    value = f'"{metric.value_column}"'
    if metric.shape == "average":
        scale = " * 1000" if metric.unit == "seconds" else ""
        return f"CAST(SUM({value}) AS {dialect.double}) / (CAST(NULLIF(COUNT({value}), 0) AS {dialect.double}){scale})"
    if metric.shape == "percentile":
        inner = percentile_sql(metric.value_column, metric.percent, dialect)
    else:
        inner = f"{'SUM' if metric.shape == 'sum' else 'MAX'}({value})"
    return f"CAST({inner} AS {dialect.double}) / 1000"


def _source(
    metrics: Sequence[Metric],
    grouping: Grouping,
    x: Threshold,
    since: datetime | None,
    until: datetime | None,
    dialect: Spelling,
    keys: Sequence[str],
    contacts: str,
) -> str:
    """The subquery: columns and values in use, the interval's key and X, each computed once per contact."""
    used = {column for one in metrics for text in (one.condition, one.base) for column in _COLUMN.findall(text)}
    for name in grouping.by:
        key, label = GROUPS[name]
        used |= {key} if label is None else {key, label}
    columns = [f'"{name}"' for name in sorted(used - {"x_ms"})]
    values = {one.value_column: render(one.value, dialect) for one in metrics if one.value}
    columns += [f'{value} AS "{name}"' for name, value in values.items()]
    if grouping.interval is not None:
        columns.append(f'{_interval_key(grouping, dialect)} AS "interval_start"')
    if any(one.takes_x for one in metrics):
        columns.append(f'{_x_ms(x)} AS "x_ms"')
    since_mark, until_mark = dialect.placeholders
    conditions = [f"{EVENT_TIME} IS NOT NULL"]
    if since is not None:
        conditions.append(f"{EVENT_TIME} >= CAST({since_mark} AS TIMESTAMP)")
    if until is not None:
        # With one value to bind, it is the first.
        mark = since_mark if since is None and until_mark == "$2" else until_mark
        conditions.append(f"{EVENT_TIME} < CAST({mark} AS TIMESTAMP)")
    body = "    SELECT\n        {}\n    FROM {}\n    WHERE {}".format(
        ",\n        ".join(columns), contacts, "\n        AND ".join(conditions)
    )
    ranked = [one.value_column for one in metrics if one.shape == "percentile"]
    return rank_columns(body, ranked, keys, dialect)


def _interval_key(grouping: Grouping, dialect: Spelling) -> str:
    local = EVENT_TIME if grouping.zone == "UTC" else dialect.local(EVENT_TIME, grouping.zone)
    width_s = INTERVALS[grouping.interval or "day"]
    return f"CAST({local} AS DATE)" if width_s is None else dialect.bucket(EVENT_TIME, local, width_s)


def _milliseconds(seconds: object, what: str) -> str:
    # bool is an int to Python, and NaN compares false with everything: both are refused.
    if isinstance(seconds, bool) or not isinstance(seconds, (int, float)) or not 0 <= seconds <= X_SECONDS_MAX:
        raise UsageError(f"threshold of {what} is {seconds!r}; valid: seconds from 0 to {X_SECONDS_MAX}.")
    text = format(Decimal(str(seconds)) * 1000, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def _x_ms(x: Threshold) -> str:
    default = _milliseconds(x.default, "the default")
    if not x.by_queue:
        return default
    arms = {_literal(queue): _milliseconds(seconds, f"queue {queue!r}") for queue, seconds in x.by_queue.items()}
    whens = " ".join(f"WHEN {queue} THEN {ms}" for queue, ms in arms.items())
    return f'CASE "queue_id" {whens} ELSE CASE "queue_name" {whens} ELSE {default} END END'


def _literal(text: str) -> str:
    """A text as a literal. A backslash or control character is refused: Redshift reads backslashes as escapes."""
    if "\\" in text or any(ord(character) < 32 for character in text):
        raise UsageError(f"queue {text!r} has a backslash or control character; name the queue by its id instead.")
    return "'" + text.replace("'", "''") + "'"
