"""Grafana's dashboards as JSON for a pair of stores, with its provisioning files.

The dashboards are built with Grafana's own SDK, so that they have its model of version 11.6. Targets and the goal of
the service level are variables of the dashboard; their defaults are those of the settings.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from grafana_foundation_sdk.builders import dashboard, stat, table, timeseries
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models import dashboard as models

from trunkline.metrics.catalogue import METRICS
from trunkline.metrics.question import Threshold
from trunkline.serve.grafana.boards import boards
from trunkline.serve.grafana.model import FOLDED_FIELDS, Dashboard, HistoryQuery, LiveQuery, Panel, StorePair
from trunkline.serve.grafana.queries import X_VARIABLES, query_text, queue_ids, queue_names, variable_threshold
from trunkline.serve.grafana.sources import data_sources, provider
from trunkline.settings.options import Options

_UNITS: Final = {"count": "short", "seconds": "s", "percent": "percent"}
_TYPES: Final = {
    "athena": "grafana-athena-datasource",
    "postgres": "grafana-postgresql-datasource",
    "timestream": "grafana-timestream-datasource",
    "influxdb": "influxdb",
}
_PANELS: Final[dict[str, Any]] = {"stat": stat.Panel, "timeseries": timeseries.Panel, "table": table.Panel}
_REUSE_MINUTES: Final = 15
"""How long Athena's answer to the same query is used again: history changes little in that time, and costs nothing."""
_COLUMNS: Final = 24
_FOLDED: Final = (
    "Only a process that folds the events writes it: `trunkline serve` with the setting `live_store`. It stays empty "
    "where the Lambda functions alone write."
)
_OPEN_WORDS: Final = [{"type": "value", "options": {"0": {"text": "closed"}, "1": {"text": "open"}}}]
_GOAL_LINE: Final = [
    models.DynamicConfigValue(id_val="displayName", value="Goal"),
    models.DynamicConfigValue(id_val="custom.lineStyle", value={"fill": "dash", "dash": [8, 8]}),
    models.DynamicConfigValue(id_val="color", value={"mode": "fixed", "fixedColor": "text"}),
]
_OPEN_DAYS: Final = "7,1,14,30,90"


@dataclass(frozen=True, slots=True)
class ServiceLevel:
    """The targets of the service level and its goal in percent, as the dashboards have them by default."""

    x: Threshold
    goal: float


def service_level(options: Options, targets_s: Mapping[str, float] | None = None) -> ServiceLevel:
    """Of settings. `targets_s` are targets of queues that replace those of the settings."""
    by_queue = {**options.service_level_queue_s, **(targets_s or {})}
    by_channel = dict(options.service_level_channel_s.items())
    x = Threshold(options.service_level_s, by_queue, {str(name): float(x_s) for name, x_s in by_channel.items()})
    return ServiceLevel(variable_threshold(x), options.service_level_goal)


def dashboard_files(stack: StorePair, level: ServiceLevel) -> Iterator[tuple[str, str]]:
    """`<board>.json` of each dashboard, `datasources.yml` and `provider.yml`, with their texts."""
    for board in boards():
        yield f"{board.name}.json", dashboard_json(board, stack, level)
    yield "datasources.yml", data_sources(stack)
    yield "provider.yml", provider(stack)


def dashboard_json(board: Dashboard, stack: StorePair, level: ServiceLevel) -> str:
    """One dashboard as Grafana imports it."""
    builder = (
        dashboard.Dashboard(f"Contact centre: {board.title}")
        .uid(_uid(f"{stack.name}/{board.name}"))
        .description(board.description)
        .tags(["trunkline", stack.name])
        .time("now-24h" if stack.engine == "postgres" else "now-2d", "now")
        .refresh("30s")
        .timezone("browser")
        .readonly()
        .tooltip(models.DashboardCursorSync.CROSSHAIR)
    )
    for variable in (*_variables(board, stack), *_level_variables(board, level)):
        builder = builder.with_variable(variable)
    y = number = 0
    for title, panels in (("Now", board.now), ("Over the time range", board.history)):
        number += 1
        row = dashboard.Row(title).id(number).grid_pos(models.GridPos(h=1, w=_COLUMNS, x=0, y=y))
        builder = builder.with_row(row)
        y += 1
        x_at = row_height = 0
        for panel in panels:
            if x_at + panel.width > _COLUMNS:
                y, x_at, row_height = y + row_height, 0, 0
            place = models.GridPos(h=panel.height, w=panel.width, x=x_at, y=y)
            number += 1
            builder = builder.with_panel(_panel(panel, board, stack, level.x, place).id(number))
            x_at, row_height = x_at + panel.width, max(row_height, panel.height)
        y += row_height
    built = json.loads(JSONEncoder(sort_keys=True).encode(builder.build()))
    return json.dumps(built, indent=2, sort_keys=True) + "\n"


def _uid(name: str) -> str:
    return f"trunkline-{hashlib.blake2b(name.encode(), digest_size=8).hexdigest()}"


def _source(stack: StorePair, is_live: bool) -> models.DataSourceRef:
    return models.DataSourceRef(
        type_val=_TYPES[stack.live if is_live else stack.engine], uid="${live}" if is_live else "${history}"
    )


def _variables(board: Dashboard, stack: StorePair) -> Iterator[Any]:
    yield dashboard.DatasourceVariable("history").label("History").type(_TYPES[stack.engine])
    yield dashboard.DatasourceVariable("live").label("Now").type(_TYPES[stack.live])
    if stack.engine == "athena":
        days = dashboard.CustomVariable("open_days").label("Contacts open at most").values(_OPEN_DAYS)
        yield days.description(
            "Days that a contact may have been open: partitions of so many earlier days are read. Tasks and e-mail: 90."
        ).current(models.VariableOption(text="7", value="7", selected=True))
    if board.of_queue:
        for name, label, text in (("queue", "Queue", queue_names(stack)), ("queue_id", "Queue id", queue_ids(stack))):
            variable = (
                dashboard.QueryVariable(name)
                .label(label)
                .datasource(_source(stack, is_live=False))
                .query(_variable_query(text, stack))
                .refresh(models.VariableRefresh.ON_TIME_RANGE_CHANGED)
                .sort(models.VariableSort.ALPHABETICAL_ASC)
            )
            yield variable.hide(models.VariableHide.HIDE_VARIABLE) if name == "queue_id" else variable


def _level_variables(board: Dashboard, level: ServiceLevel) -> Iterator[Any]:
    """Targets by channel and the goal, where a panel depends on them."""
    queries = [panel.query for panel in board.history if isinstance(panel.query, HistoryQuery)]
    if not any(METRICS[name].takes_x for query in queries for name in query.metrics):
        return
    labels = {"": "calls", "CHAT": "chats", "TASK": "tasks", "EMAIL": "e-mails"}
    for channel, name in X_VARIABLES.items():
        x_s = level.x.by_channel[channel] if channel else level.x.default
        text = f"The service level counts {labels[channel]} that an agent answered within so many seconds."
        yield _text_variable(name, f"Target of {labels[channel]} (s)", f"{float(x_s):g}", text)
    yield _text_variable(
        "goal", "Goal (%)", f"{level.goal:g}", "The service level that is wanted: a line in the chart."
    )


def _text_variable(name: str, label: str, value: str, description: str) -> Any:
    variable = dashboard.TextBoxVariable(name).label(label).description(description).default_value(value)
    return variable.current(models.VariableOption(text=value, value=value, selected=True))


def _variable_query(text: str, stack: StorePair) -> Any:
    return text if stack.engine == "postgres" else {"rawSQL": text, "connectionArgs": _connection(), "format": 1}


def _connection() -> dict[str, Any]:
    """Athena's own settings of the data source, and results used again."""
    return {
        "catalog": "__default",
        "database": "__default",
        "region": "__default",
        "resultReuseEnabled": True,
        "resultReuseMaxAgeInMinutes": _REUSE_MINUTES,
    }


class _Target:
    """A query of a panel as its data source's plugin writes it; the SDK has no builder for most of them."""

    def __init__(self, fields: dict[str, Any]) -> None:
        self._fields = fields

    def build(self) -> Any:
        return self._fields


def _target(panel: Panel, board: Dashboard, stack: StorePair, x: Threshold) -> _Target:
    is_live = _is_live(panel)
    text = query_text(panel, stack, x, board.of_queue)
    source = _source(stack, is_live)
    fields: dict[str, Any] = {"refId": "A", "datasource": {"type": source.type_val, "uid": source.uid}}
    is_series = panel.kind == "timeseries"
    match stack.live if is_live else stack.engine:
        case "athena":
            fields |= {"rawSQL": text, "format": 0 if is_series else 1, "connectionArgs": _connection()}
        case "postgres":
            fields |= {"rawSql": text, "rawQuery": True, "editorMode": "code", "format": _format(is_series)}
        case "timestream":
            fields |= {"rawQuery": text, "waitForResult": True}
        case _:
            fields |= {"query": text, "rawQuery": True, "resultFormat": _format(is_series)}
    return _Target(fields)


def _is_folded(panel: Panel, stack: StorePair) -> bool:
    """Whether a panel stays empty where the Lambda functions alone write to the store."""
    return (
        isinstance(panel.query, LiveQuery)
        and stack.live != "postgres"
        and not {*FOLDED_FIELDS}.isdisjoint(panel.query.fields)
    )


def _format(is_series: bool) -> str:
    return "time_series" if is_series else "table"


def _is_live(panel: Panel) -> bool:
    return isinstance(panel.query, LiveQuery)


def _panel(panel: Panel, board: Dashboard, stack: StorePair, x: Threshold, place: models.GridPos) -> Any:
    builder = _PANELS[panel.kind]()
    units = (
        replace(panel, query=panel.query.known_in(stack)).units if isinstance(panel.query, LiveQuery) else panel.units
    )
    builder = (
        builder.title(panel.title)
        .description(panel.meaning)
        .datasource(_source(stack, _is_live(panel)))
        .grid_pos(place)
        .with_target(_target(panel, board, stack, x))
        .unit(_UNITS[next(iter(units.values()))])
    )
    for column, unit in units.items():
        properties = [models.DynamicConfigValue(id_val="unit", value=_UNITS[unit])]
        if column == "is_open":
            properties = [models.DynamicConfigValue(id_val="mappings", value=_OPEN_WORDS)]
        builder = builder.override_by_name(column, properties)
    if panel.has_goal:
        builder = builder.min(0).max(100).override_by_name("goal", _GOAL_LINE)
    if _is_folded(panel, stack):
        builder = builder.no_value("Needs trunkline serve").description(f"{panel.meaning} {_FOLDED}")
    if panel.kind == "timeseries" and isinstance(panel.query, HistoryQuery):
        builder = builder.interval("30m" if panel.query.interval == "30min" else "1h")
    return builder
