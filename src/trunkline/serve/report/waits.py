"""Distributions of waiting and handle times, with abandoned contacts per range."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from typing import Final

from trunkline.metrics.question import Threshold
from trunkline.serve.report.measures import TABLE, condition_sql, measure, value_sql
from trunkline.serve.report.period import Period
from trunkline.sql.session import Session

_WAIT_EDGES_S: Final = (5, 10, 20, 30, 60, 120, 300, 600)
_WIDTHS_S: Final = (1, 5, 10, 15, 30, 60, 120, 300, 600, 1800, 3600, 7200, 14_400, 28_800, 86_400)
_BINS_MAX: Final = 12


@dataclass(frozen=True, slots=True)
class Bin:
    """Contacts with a time in [low_s, high_s) (None: unbounded), and how many of them were abandoned."""

    low_s: float
    high_s: float | None
    contacts: int
    abandoned: int

    @property
    def label(self) -> str:
        """`under 5 s`, `20–30 s`, `5–10 min`, `10 min or more`."""
        if self.high_s is None:
            return f"{_edge(self.low_s)} or more"
        if self.low_s == 0:
            return f"under {_edge(self.high_s)}"
        low, high = _edge(self.low_s), _edge(self.high_s)
        if low.split()[1] == high.split()[1]:
            low = low.split()[0]
        return f"{low}\u2013{high}"

    @property
    def axis(self) -> str:
        """The range's lower end, short: `0`, `20 s`, `5 m`."""
        return _edge(self.low_s).replace(" min", " m") if self.low_s else "0"


@dataclass(frozen=True, slots=True)
class Distribution:
    """Contacts by range of a time, with its percentiles in seconds (None without contacts), and the totals.

    `contacts` have a time. `abandoned` are all abandoned contacts, and `untimed` those of them without one.
    """

    bins: tuple[Bin, ...]
    p50_s: float | None
    p90_s: float | None
    p95_s: float | None
    contacts: int
    abandoned: int
    untimed: int


def waits(db: Session, period: Period, x: Threshold) -> Distribution:
    """Time in queue of all queued contacts. The default X is one of the edges of the ranges."""
    edges = sorted({*_WAIT_EDGES_S, x.default} - {0})
    return _distribution(db, period, x, "QUEUE_WAIT_TIME", edges)


def handle_times(db: Session, period: Period, x: Threshold) -> Distribution:
    """Handle time of all contacts that have one: equal ranges up to the 95th percentile, then one for the longest."""
    return _distribution(db, period, x, "HANDLE_TIME", None)


def _distribution(db: Session, period: Period, x: Threshold, prefix: str, edges: list[float] | None) -> Distribution:
    names = [f"{prefix}_P{percent}" for percent in (50, 90, 95)]
    row = measure(db, names, period, x)[0]
    p50, p90, p95 = (row[name.lower()] for name in names)
    if edges is None:
        width = next((width_s for width_s in _WIDTHS_S if (p95 or 0) / width_s <= _BINS_MAX), _WIDTHS_S[-1])
        edges = [float(width * n) for n in range(1, max(2, int((p95 or 0) // width) + 2))]
    bins = [[0, 0] for _ in range(len(edges) + 1)]
    untimed = 0
    for value_ms, contacts, abandoned in _counted(db, period, names[0]):
        if value_ms is None:
            untimed += abandoned
            continue
        bin_counts = bins[bisect_right(edges, value_ms / 1000)]
        bin_counts[0] += contacts
        bin_counts[1] += abandoned
    lows, highs = [0.0, *edges], [*edges, None]
    return Distribution(
        tuple(
            Bin(low, high, contacts, abandoned)
            for low, high, (contacts, abandoned) in zip(lows, highs, bins, strict=True)
        ),
        p50,
        p90,
        p95,
        sum(contacts for contacts, _ in bins),
        sum(abandoned for _, abandoned in bins) + untimed,
        untimed,
    )


def _counted(db: Session, period: Period, metric: str) -> list[tuple[int | None, int, int]]:
    """(milliseconds or None, contacts, abandoned) per distinct value of the metric."""
    engine = db.engine
    is_abandoned = condition_sql("CONTACTS_ABANDONED", engine)
    return db.query(
        f"SELECT value_ms, COUNT(*), COUNT(CASE WHEN is_abandoned THEN 1 END) FROM ("
        f"SELECT {value_sql(metric, engine)} AS value_ms, {is_abandoned} AS is_abandoned FROM {TABLE} "
        'WHERE "disconnect_timestamp" >= CAST($1 AS TIMESTAMP) '
        'AND "disconnect_timestamp" < CAST($2 AS TIMESTAMP)) AS contacts '
        "GROUP BY value_ms",
        [period.since, period.until],
    )


def _edge(seconds: float) -> str:
    for size, unit in ((86_400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size and seconds % size == 0:
            return f"{seconds / size:g} {unit}"
    return f"{seconds / 60:g} min" if seconds > 120 and seconds % 30 == 0 else f"{seconds:g} s"
