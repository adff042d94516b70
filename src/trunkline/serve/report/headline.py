"""Metrics read from the warehouse, and the headline numbers with their change, for the report and the command line."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Literal

from trunkline.engines.model import Engine, quote_double
from trunkline.metrics.catalogue import METRICS, select
from trunkline.objects.contact_record import CONTACT_RECORD
from trunkline.serve.report import wording
from trunkline.serve.report.period import Period
from trunkline.sql.metric_query import Grouping, Threshold, compile_metrics
from trunkline.sql.session import Session
from trunkline.sql.views import render

TABLE: Final = ".".join(quote_double(part) for part in CONTACT_RECORD.public_view.split("."))
CONTACTS: Final = f"SELECT * FROM {TABLE}"
_CHANCE: Final = timedelta(hours=1)

Row = dict[str, Any]


def measure(
    db: Session,
    metrics: Sequence[str],
    period: Period,
    x: Threshold,
    grouping: Grouping | None = None,
    contacts: str = CONTACTS,
    values: Sequence[object] = (),
) -> list[Row]:
    """Rows of metrics over the contacts that disconnected in the period: groups and metrics by column name.

    `contacts` narrows the contacts to a SELECT with the same columns; it binds `values` as $3, $4 and so on.
    """
    source = TABLE if contacts == CONTACTS else f"({contacts}) AS contact_record"
    query = compile_metrics(
        select(metrics), grouping or Grouping(zone=period.zone), x, period.since, period.until, db.engine, source
    )
    rows = db.query(query.numbered, [*query.params, *values])
    return [dict(zip(query.columns, row, strict=True)) for row in rows]


def marks(first: int, count: int) -> str:
    """`$3, $4, ...`: placeholders for `count` bound values, numbered from `first`."""
    return ", ".join(f"${number}" for number in range(first, first + count))


def value_sql(metric: str, engine: Engine) -> str:
    """A metric's value per contact, as an expression over contact_record: milliseconds, NULL to exclude the contact."""
    return render(METRICS[metric].value, engine)


def condition_sql(metric: str, engine: Engine) -> str:
    """The condition for a contact to count in a metric, as an expression over contact_record."""
    return render(METRICS[metric].condition, engine)


Tone = Literal["better", "worse", ""]


@dataclass(frozen=True, slots=True)
class Headline:
    """One number: its label, value, and change from the period before (empty without a comparison).

    `tone` says whether the change is good or bad, empty where it is neither. `metric` is the metric's name.
    """

    label: str
    value: str
    change: str
    tone: Tone
    metric: str
    meaning: str


@dataclass(frozen=True, slots=True)
class _Kind:
    show: Callable[[wording.Value], str]
    change: Callable[[wording.Value, wording.Value], str]


_COUNT: Final = _Kind(wording.count, wording.count_change)
_RATE: Final = _Kind(wording.percentage, wording.percentage_change)
_TIME: Final = _Kind(wording.duration, wording.duration_change)
_KINDS: Final = {"count": _COUNT, "percent": _RATE, "seconds": _TIME}

# Label, metric, and which direction is good: 1 up, -1 down, 0 neither. Most important first.
_ORDER: Final[tuple[tuple[str, str, int], ...]] = (
    ("Service level", "SERVICE_LEVEL", 1),
    ("Contacts queued", "CONTACTS_QUEUED", 0),
    ("Abandonment rate", "ABANDONMENT_RATE", -1),
    ("Average speed of answer", "AVG_QUEUE_ANSWER_TIME", -1),
    ("Contacts ended", "CONTACTS_CREATED", 0),
    ("Handled", "CONTACTS_HANDLED", 0),
    ("Abandoned", "CONTACTS_ABANDONED", -1),
    ("9 of 10 waited at most", "QUEUE_WAIT_TIME_P90", -1),
    ("Longest wait", "MAX_QUEUED_TIME", -1),
    ("Average handle time", "AVG_HANDLE_TIME", 0),
    ("Average after contact work", "AVG_AFTER_CONTACT_WORK_TIME", 0),
    ("Transferred out", "CONTACTS_TRANSFERRED_OUT", 0),
)
HEADLINE_METRICS: Final = tuple(metric for _, metric, _ in _ORDER)


def headline(db: Session, period: Period, x: Threshold) -> list[Headline]:
    """The headline of a period. Without contacts, counts are 0 and times a dash.

    Raises UsageError for an invalid threshold.
    """
    before = totals(db, period.previous, x) if is_comparable(db, period) else None
    return lines(totals(db, period, x), before, x)


def is_comparable(db: Session, period: Period) -> bool:
    """Whether the warehouse seems to have the whole period before, so that a comparison is fair.

    It does if a contact ended before that period. If the data start within that period, they must start at most an
    hour later in it, by local time, than the first contact of this period.
    """
    previous = period.previous
    first, first_now, first_before = db.query(
        'SELECT min("disconnect_timestamp"), '
        'min(CASE WHEN "disconnect_timestamp" >= $1 AND "disconnect_timestamp" < $2 THEN "disconnect_timestamp" END), '
        'min(CASE WHEN "disconnect_timestamp" >= $3 AND "disconnect_timestamp" < $4 THEN "disconnect_timestamp" END) '
        f"FROM {TABLE}",
        [period.since, period.until, previous.since, previous.until],
    )[0]
    if first_before is None:
        return False
    if first < previous.since or first_now is None:
        return True
    return _wall_offset(previous, first_before) <= _wall_offset(period, first_now) + _CHANCE


def _wall_offset(period: Period, at: datetime) -> timedelta:
    """The local time elapsed since the start of the period."""
    return period.local(at).replace(tzinfo=None) - period.local(period.since).replace(tzinfo=None)


def totals(db: Session, period: Period, x: Threshold) -> Row:
    """Every headline metric of a period by its column name."""
    return measure(db, HEADLINE_METRICS, period, x)[0]


def lines(now: Mapping[str, Any], before: Mapping[str, Any] | None, x: Threshold) -> list[Headline]:
    """The headline from two rows of `totals`. `before` is None without a comparison."""
    headlines: list[Headline] = []
    for label, name, direction in _ORDER:
        metric = METRICS[name]
        kind = _KINDS[metric.unit]
        value, earlier = now[metric.column], before[metric.column] if before is not None else None
        change = kind.change(value, earlier)
        tone: Tone = ""
        if direction and change not in ("", "unchanged"):
            tone = "better" if (value > earlier) == (direction > 0) else "worse"
        shown = f"{label} {threshold_text(x)}" if metric.takes_x else label
        headlines.append(Headline(shown, kind.show(value), change, tone, name, metric.description))
    return headlines


def threshold_text(x: Threshold) -> str:
    """`20 s`, or `20 s*` where some queues have a different X."""
    return f"{x.default:g} s" + ("*" if x.by_queue else "")
