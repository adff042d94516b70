"""Metrics asked of the warehouse: every number that has a metric comes from `sql.metric_query`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from trunkline.metrics.catalogue import METRICS, select
from trunkline.serve.report.period import Period
from trunkline.sql.metric_query import TABLE, Grouping, Threshold, compile_metrics
from trunkline.sql.portable import render, spelling
from trunkline.sql.session import Session

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
    engine = db.engine.name
    source = TABLE if contacts == CONTACTS else f"({contacts}) AS contact_record"
    query = compile_metrics(
        select(metrics), grouping or Grouping(zone=period.zone), x, period.since, period.until, engine, source
    )
    rows = db.query(query.numbered, [*query.params, *values])
    return [dict(zip(query.columns, row, strict=True)) for row in rows]


def marks(first: int, count: int) -> str:
    """`$3, $4, ...`: so many values to bind from a number on."""
    return ", ".join(f"${number}" for number in range(first, first + count))


def value_sql(metric: str, engine: str) -> str:
    """A contact's own value in a metric, an expression over contact_record: milliseconds, NULL to leave it out."""
    return render(METRICS[metric].value, spelling(engine))


def condition_sql(metric: str, engine: str) -> str:
    """The condition that a contact must meet to count in a metric, an expression over contact_record."""
    return render(METRICS[metric].condition, spelling(engine))
