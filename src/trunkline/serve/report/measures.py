"""Metrics read from the warehouse: of a period, grouped, over all contacts or some."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from trunkline.engines.model import Engine, quote_double
from trunkline.metrics.catalogue import METRICS, select
from trunkline.metrics.question import Grouping, Threshold
from trunkline.objects.contact_record import CONTACT_RECORD
from trunkline.serve.report.period import Period
from trunkline.sql.metric_query import compile_metrics
from trunkline.sql.session import Session
from trunkline.sql.views import render

TABLE: Final = ".".join(quote_double(part) for part in CONTACT_RECORD.public_view.split("."))
CONTACTS: Final = f"SELECT * FROM {TABLE}"

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


def occupancies(db: Session, period: Period) -> dict[str, float]:
    """Occupancy in percent by agent id, from agent events; agents without any are left out."""
    of = select(["AGENT_OCCUPANCY"])
    query = compile_metrics(of, Grouping(("agent",)), Threshold(0), period.since, period.until, db.engine)
    at = query.columns.index(of[0].column)
    return {row[0]: row[at] for row in db.query(query.numbered, query.params) if row[at] is not None}


def marks(first: int, count: int) -> str:
    """`$3, $4, ...`: placeholders for `count` bound values, numbered from `first`."""
    return ", ".join(f"${number}" for number in range(first, first + count))


def value_sql(metric: str, engine: Engine) -> str:
    """A metric's value per contact, as an expression over contact_record: milliseconds, NULL to exclude the contact."""
    return render(METRICS[metric].value, engine)


def condition_sql(metric: str, engine: Engine) -> str:
    """The condition for a contact to count in a metric, as an expression over contact_record."""
    return render(METRICS[metric].condition, engine)


def channels_of(db: Session, period: Period) -> list[str]:
    """The channels of the contacts that ended in the period or the one before."""
    rows = db.query(
        f'SELECT DISTINCT "channel" FROM {TABLE} WHERE "channel" IS NOT NULL '
        'AND "disconnect_timestamp" >= CAST($1 AS TIMESTAMP) AND "disconnect_timestamp" < CAST($2 AS TIMESTAMP)',
        [period.previous.since, period.until],
    )
    return sorted(channel for (channel,) in rows)


def narrowed(db: Session, period: Period, x: Threshold) -> Threshold:
    """The threshold without channels that have no contact, so that the page names only those that matter."""
    if not x.by_channel:
        return x
    channels = channels_of(db, period)
    return Threshold(x.default, x.by_queue, {name: s for name, s in x.by_channel.items() if name in channels})
