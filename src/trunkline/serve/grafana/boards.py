"""The dashboards, one for each audience: operations, team leads, one queue, and the quality of the data."""

from __future__ import annotations

from typing import Final

from trunkline.serve.grafana.model import Dashboard, HistoryQuery, LiveQuery, Panel, QualityQuery

_QUEUE: Final = "trunkline_queue"
_AGENTS: Final = "trunkline_agents"


def _number(title: str, series: str, field: str) -> Panel:
    return Panel(title, "stat", LiveQuery(series, (field,)), width=4, height=4)


_WAITING: Final = (
    _number("Waiting", _QUEUE, "waiting"),
    _number("Longest wait", _QUEUE, "longest_wait_s"),
    _number("With agents", _QUEUE, "in_progress"),
)
_PRESENCE: Final = (
    _number("Agents online", _AGENTS, "online"),
    _number("Agents available or on contacts", _AGENTS, "staffed"),
    _number("Agents in other statuses", _AGENTS, "non_productive"),
)
_SERVICE: Final = ("CONTACTS_QUEUED", "SERVICE_LEVEL", "CONTACTS_ABANDONED", "ABANDONMENT_RATE")
_TIMES: Final = ("AVG_QUEUE_ANSWER_TIME", "QUEUE_WAIT_TIME_P90", "MAX_QUEUED_TIME")
_HANDLING: Final = ("CONTACTS_HANDLED", "AVG_HANDLE_TIME", "AVG_INTERACTION_TIME", "AVG_HOLD_TIME_ALL_CONTACTS")
_WORK: Final = "AVG_AFTER_CONTACT_WORK_TIME"


def boards() -> tuple[Dashboard, ...]:
    """All dashboards."""
    return (_operations(), _team_lead(), _queue(), _data_quality())


def _operations() -> Dashboard:
    return Dashboard(
        "operations",
        "Operations",
        "How the centre is doing now, and how it did over the time range.",
        (
            *_WAITING,
            *_PRESENCE,
            Panel(
                "Waiting by queue",
                "table",
                LiveQuery(
                    _QUEUE, ("waiting", "longest_wait_s", "longest_open_wait_s", "in_progress", "is_open"), ("queue",)
                ),
            ),
            Panel("Waiting over time", "timeseries", LiveQuery(_QUEUE, ("waiting",), over_time=True)),
        ),
        (
            Panel("Service level", "timeseries", HistoryQuery(("SERVICE_LEVEL",), interval="30min"), has_goal=True),
            Panel(
                "Contacts",
                "timeseries",
                HistoryQuery(("CONTACTS_QUEUED", "CONTACTS_HANDLED", "CONTACTS_ABANDONED"), interval="30min"),
            ),
            Panel("Waiting times", "timeseries", HistoryQuery(_TIMES, interval="30min")),
            Panel("Channels", "table", HistoryQuery((*_SERVICE, *_TIMES, "CONTACTS_HANDLED"), ("channel",))),
            Panel("Queues", "table", HistoryQuery((*_SERVICE, *_TIMES, "CONTACTS_HANDLED"), ("queue",)), width=24),
        ),
    )


def _team_lead() -> Dashboard:
    return Dashboard(
        "team-lead",
        "Team lead",
        "The team now, and how its agents handled their contacts.",
        (
            *_PRESENCE,
            Panel(
                "Agents by routing profile",
                "table",
                LiveQuery(_AGENTS, ("online", "staffed", "non_productive"), ("profile",)),
            ),
        ),
        (
            Panel("Handling", "timeseries", HistoryQuery(("AVG_HANDLE_TIME", _WORK), interval="hour")),
            Panel("Contacts handled", "timeseries", HistoryQuery(("CONTACTS_HANDLED",), interval="hour")),
            Panel(
                "Agents", "table", HistoryQuery((*_HANDLING, _WORK, "CONTACTS_TRANSFERRED_OUT"), ("agent",)), width=24
            ),
        ),
    )


def _queue() -> Dashboard:
    return Dashboard(
        "queue",
        "Queue",
        "One queue: now, and over the time range.",
        _WAITING,
        (
            Panel("Service level", "timeseries", HistoryQuery(("SERVICE_LEVEL",), interval="30min"), has_goal=True),
            Panel("Contacts", "timeseries", HistoryQuery(("CONTACTS_QUEUED", "CONTACTS_ABANDONED"), interval="30min")),
            Panel("Waiting times", "timeseries", HistoryQuery(_TIMES, interval="30min")),
            Panel("Handling", "timeseries", HistoryQuery(("AVG_HANDLE_TIME", _WORK), interval="hour")),
            Panel("How contacts came", "table", HistoryQuery((*_SERVICE, "CONTACTS_HANDLED"), ("initiation_method",))),
            Panel("Agents", "table", HistoryQuery((*_HANDLING, _WORK), ("agent",))),
        ),
        of_queue=True,
    )


def _data_quality() -> Dashboard:
    return Dashboard(
        "data-quality",
        "Data quality",
        "Whether the numbers can be trusted: how late records arrive, where they come from, and which days are thin.",
        (_number("Contacts waiting for their record", _QUEUE, "without_record"),),
        (
            Panel("Arrival of records", "timeseries", QualityQuery("arrival")),
            Panel("Source of the rows", "table", QualityQuery("fidelity")),
            Panel("Contacts by day of the lake", "table", QualityQuery("partitions")),
        ),
    )
