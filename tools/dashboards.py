"""`dashboards/`: Grafana's dashboards as JSON for each pair of stores, its data sources, and alert rules.

The dashboards are built with Grafana's own SDK, so that they have its model of version 11.6.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from typing import Any, Final

from grafana_foundation_sdk.builders import common, dashboard, stat, table, timeseries
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models import common as common_models
from grafana_foundation_sdk.models import dashboard as models

from trunkline.serve.grafana.boards import boards
from trunkline.serve.grafana.model import STACKS, Dashboard, HistoryQuery, LiveQuery, Panel, StorePair
from trunkline.serve.grafana.queries import query_text, queue_ids, queue_names
from trunkline.serve.grafana.sources import data_sources, provider
from trunkline.settings.options import Options
from trunkline.sql.metric_query import Threshold

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
_OPEN_DAYS: Final = "7,1,14,30,90"


def dashboards() -> Iterator[tuple[str, str]]:
    """`dashboards/<stores>/<board>.json`, `provisioning.yml` and `datasources.yml` of each pair of stores."""
    options = Options()
    x = Threshold(options.service_level_s, {}, dict(options.service_level_channel_s.items()))
    for stack in STACKS:
        for board in boards(options.service_level_goal):
            yield f"dashboards/{stack.name}/{board.name}.json", dashboard_json(board, stack, x)
        yield f"dashboards/{stack.name}/datasources.yml", data_sources(stack)
        yield f"dashboards/{stack.name}/provider.yml", provider(stack)


def dashboard_json(board: Dashboard, stack: StorePair, x: Threshold) -> str:
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
    for variable in _variables(board, stack):
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
            builder = builder.with_panel(_panel(panel, board, stack, x, place).id(number))
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


def _format(is_series: bool) -> str:
    return "time_series" if is_series else "table"


def _is_live(panel: Panel) -> bool:
    return isinstance(panel.query, LiveQuery)


def _panel(panel: Panel, board: Dashboard, stack: StorePair, x: Threshold, place: models.GridPos) -> Any:
    builder = _PANELS[panel.kind]()
    units = panel.units
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
        builder = builder.override_by_name(column, properties)
    if panel.goal is not None:
        steps = [models.Threshold(value=None, color="orange"), models.Threshold(value=panel.goal, color="green")]
        thresholds = dashboard.ThresholdsConfig().mode(models.ThresholdsMode.ABSOLUTE).steps(steps)
        builder = builder.thresholds(thresholds).min(0).max(100)
        style = common.GraphThresholdsStyleConfig().mode(common_models.GraphThresholdsStyleMode.LINE)
        builder = builder.thresholds_style(style)
    if panel.kind == "timeseries" and isinstance(panel.query, HistoryQuery):
        builder = builder.interval("30m" if panel.query.interval == "30min" else "1h")
    return builder
