"""What a dashboard is made of: panels that show metrics of contacts, live series, or the state of the data."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final, Literal

from trunkline.live.points import SERIES
from trunkline.metrics.catalogue import METRICS

Kind = Literal["stat", "timeseries", "table"]
Unit = Literal["count", "seconds", "percent"]
Interval = Literal["30min", "hour"]
Check = Literal["arrival", "fidelity", "partitions"]


@dataclass(frozen=True, slots=True)
class StorePair:
    """A pair of stores that one dashboard reads: which engine has the history, and which store what is now."""

    name: str
    title: str
    engine: Literal["athena", "postgres"]
    live: Literal["timestream", "influxdb", "postgres"]


@dataclass(frozen=True, slots=True)
class HistoryQuery:
    """Metrics of the contacts that ended in the dashboard's time range, by groups and by interval of UTC."""

    metrics: tuple[str, ...]
    by: tuple[str, ...] = ()
    interval: Interval | None = None


@dataclass(frozen=True, slots=True)
class LiveQuery:
    """Fields of a live series: at the end of the time range, or over it where `over_time`.

    A count is summed over the series of a group and a time is the longest of them. `by` are tags.
    """

    series: str
    fields: tuple[str, ...]
    by: tuple[str, ...] = ()
    over_time: bool = False

    def known_in(self, stack: StorePair) -> LiveQuery:
        """The query without the fields that a pair of stores does not have."""
        if stack.live != "postgres":
            return self
        return replace(self, fields=tuple(name for name in self.fields if name not in NOT_IN_POSTGRES))


@dataclass(frozen=True, slots=True)
class QualityQuery:
    """A check of the data themselves: `arrival` of records after the contact's end, their `fidelity`, and how many
    records each day's `partitions` hold.
    """

    check: Check


FOLDED_FIELDS: Final = ("without_record",)
"""Live fields of the dashboards that no Lambda function knows, since they depend on more than the present."""
NOT_IN_POSTGRES: Final = ("longest_open_wait_s", "is_open")
"""Live fields that depend on opening hours, which the events in a warehouse do not have."""
PanelQuery = HistoryQuery | LiveQuery | QualityQuery


@dataclass(frozen=True, slots=True)
class Panel:
    """One panel. `width` is in Grafana's 24 columns, `height` in its rows. `has_goal` draws the goal as a line."""

    title: str
    kind: Kind
    query: PanelQuery
    width: int = 12
    height: int = 8
    description: str = ""
    has_goal: bool = False

    @property
    def meaning(self) -> str:
        """What the panel shows, for its info mark: its own description, or those of its metrics and fields."""
        if self.description:
            return self.description
        match self.query:
            case HistoryQuery(metrics):
                return " ".join(f"{METRICS[name].title}: {METRICS[name].description}" for name in metrics)
            case LiveQuery(series, fields):
                return " ".join(SERIES[series].fields[field][1] for field in fields)
            case QualityQuery(check):
                return QUALITY[check][0]

    @property
    def units(self) -> dict[str, Unit]:
        """The unit of each number by its column."""
        match self.query:
            case HistoryQuery(metrics):
                return {METRICS[name].column: METRICS[name].unit for name in metrics}
            case LiveQuery(series, fields):
                units = {field: SERIES[series].fields[field][0] for field in fields}
                return {field: unit if unit in ("seconds", "percent") else "count" for field, unit in units.items()}
            case QualityQuery(check):
                return dict(QUALITY[check][1])


QUALITY: Final[dict[Check, tuple[str, dict[str, Unit]]]] = {
    "arrival": (
        "Contacts by the hour in which they ended, and how long after their end their record arrived.",
        {"contacts": "count", "arrived_after_avg": "seconds", "arrived_after_max": "seconds"},
    ),
    "fidelity": (
        (
            "Contacts by source of their row: exported records, or rows rebuilt from the API, which lack some times. "
            "Redacted ones had fields removed later."
        ),
        {"contacts": "count", "redacted": "count"},
    ),
    "partitions": (
        "Contacts by the UTC day on which they began, and the newest arrival: a day with few stands out.",
        {"contacts": "count"},
    ),
}


@dataclass(frozen=True, slots=True)
class Dashboard:
    """A dashboard for one audience: what is now above what was. `of_queue` boards show the queue that is chosen."""

    name: str
    title: str
    description: str
    now: tuple[Panel, ...]
    history: tuple[Panel, ...]
    of_queue: bool = False

    @property
    def panels(self) -> tuple[Panel, ...]:
        """All panels, in the order of the page."""
        return (*self.now, *self.history)


STACKS: Final[tuple[StorePair, ...]] = (
    StorePair("athena-timestream", "Athena and Timestream", "athena", "timestream"),
    StorePair("athena-influxdb", "Athena and InfluxDB", "athena", "influxdb"),
    StorePair("postgres", "PostgreSQL", "postgres", "postgres"),
)
