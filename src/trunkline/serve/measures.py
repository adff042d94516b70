"""Metrics asked of the warehouse: every number that has a metric comes from `compile.metric_query`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import duckdb

from trunkline.compile.metric_query import TABLE, Grouping, Threshold, compile_metrics
from trunkline.compile.portable import render, spelling
from trunkline.metrics.catalogue import METRICS, select
from trunkline.serve.period import Period

ENGINE: Final = "duckdb"
CONTACTS: Final = f"SELECT * FROM {TABLE}"

Row = dict[str, Any]


def measure(
    con: duckdb.DuckDBPyConnection,
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
        select(metrics), grouping or Grouping(zone=period.zone), x, period.since, period.until, ENGINE, source
    )
    rows = con.execute(query.sql, [*query.params, *values]).fetchall()
    return [dict(zip(query.columns, row, strict=True)) for row in rows]


def value_sql(metric: str) -> str:
    """A contact's own value in a metric, an expression over contact_record: milliseconds, NULL to leave it out."""
    return render(METRICS[metric].value, spelling(ENGINE))


def condition_sql(metric: str) -> str:
    """The condition that a contact must meet to count in a metric, an expression over contact_record."""
    return render(METRICS[metric].condition, spelling(ENGINE))
