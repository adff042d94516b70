"""The dashboards as Grafana imports them: whole, readable by Grafana's model, and up to the rules of its linter.

The rules are those of grafana/dashboard-linter that concern dashboards of SQL and InfluxQL: data sources are variables
that every panel uses, panels have titles, descriptions, units and targets, nothing can be edited. The linter itself is
not in any registry that is used here, and no JSON schema of a dashboard is published with Grafana's SDK.
"""

from __future__ import annotations

import itertools
import json
from typing import Any

import pytest
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.plugins import register_default_plugins
from grafana_foundation_sdk.models.dashboard import Dashboard

from tools.dashboards import dashboards
from trunkline.live.points import SERIES
from trunkline.metrics.catalogue import METRICS
from trunkline.serve.grafana.boards import boards
from trunkline.serve.grafana.model import STACKS, HistoryQuery, LiveQuery

FILES = dict(dashboards())
BOARDS = {path: json.loads(text) for path, text in FILES.items() if path.endswith(".json")}
each = pytest.mark.parametrize("path", BOARDS)


def panels(path: str) -> list[dict[str, Any]]:
    return [panel for panel in BOARDS[path]["panels"] if panel["type"] != "row"]


def test_every_audience_has_a_dashboard_for_every_pair() -> None:
    """Four audiences, three pairs of stores, and the provisioning files of each pair."""
    names = {"operations", "team-lead", "queue", "data-quality"}
    assert {f"dashboards/{stack.name}/{name}.json" for stack in STACKS for name in names} == set(BOARDS)
    assert len({board["uid"] for board in BOARDS.values()}) == len(BOARDS)
    assert all(len(board["uid"]) <= 40 for board in BOARDS.values())


@each
def test_grafanas_model_reads_every_field(path: str) -> None:
    """Read by the SDK's own model and written again, no field is lost; a plugin's defaults may come in addition."""
    register_default_plugins()
    again = json.loads(JSONEncoder(sort_keys=True).encode(Dashboard.from_json(BOARDS[path])))
    assert lost(BOARDS[path], again) == []


def lost(before: Any, after: Any, where: str = "") -> list[str]:
    """Places of what is in the one and not in the other. Queries are their plugins' own, not of the dashboard's model."""
    if isinstance(before, dict) and isinstance(after, dict):
        names = before.keys() - {"targets"}
        return [place for name in names for place in lost(before[name], after.get(name), f"{where}/{name}")]
    if isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        pairs = enumerate(zip(before, after, strict=True))
        return [place for n, (x, y) in pairs for place in lost(x, y, f"{where}/{n}")]
    return [] if before == after else [where]


@each
def test_it_has_now_above_history(path: str) -> None:
    """One dashboard has both, in that order."""
    rows = [panel["title"] for panel in BOARDS[path]["panels"] if panel["type"] == "row"]
    assert rows == ["Now", "Over the time range"]


@each
def test_the_linters_rules_hold(path: str) -> None:
    """Titles, descriptions, units and targets; data sources by variable; nothing can be edited."""
    board = BOARDS[path]
    assert board["editable"] is False
    sources = {v["name"]: v["query"] for v in board["templating"]["list"] if v["type"] == "datasource"}
    assert sources.keys() == {"history", "live"}
    for variable in board["templating"]["list"]:
        assert variable["label"]
        if variable["type"] == "query":
            assert variable["refresh"] == 2, "on change of the time range"
    for panel in panels(path):
        assert panel["title"]
        assert len(panel["description"]) > 20
        assert panel["fieldConfig"]["defaults"]["unit"] in ("short", "s", "percent")
        assert [target["refId"] for target in panel["targets"]] == ["A"]
        name = panel["datasource"]["uid"].strip("${}")
        assert sources[name] == panel["datasource"]["type"] == panel["targets"][0]["datasource"]["type"]


@each
def test_panels_are_side_by_side(path: str) -> None:
    """Ids are unique, no panel lies over another or outside the page."""
    board = BOARDS[path]
    ids = [panel["id"] for panel in board["panels"]]
    assert len(ids) == len(set(ids))
    assert 0 not in ids
    places = [panel["gridPos"] for panel in board["panels"]]
    assert all(place["x"] + place["w"] <= 24 for place in places)
    for one, other in itertools.combinations(places, 2):
        apart_x = one["x"] + one["w"] <= other["x"] or other["x"] + other["w"] <= one["x"]
        apart_y = one["y"] + one["h"] <= other["y"] or other["y"] + other["h"] <= one["y"]
        assert apart_x or apart_y


@each
def test_athenas_results_are_used_again(path: str) -> None:
    """Every query of Athena reuses a result, so that a board on ten screens is paid once."""
    for panel in panels(path):
        if panel["datasource"]["type"] == "grafana-athena-datasource":
            arguments = panel["targets"][0]["connectionArgs"]
            assert arguments["resultReuseEnabled"] is True
            assert arguments["resultReuseMaxAgeInMinutes"] >= 5


def test_panels_ask_for_what_there_is() -> None:
    """Metrics and fields are those of the catalogue and of the series; a panel's meaning is theirs."""
    for board in boards():
        for panel in board.panels:
            if isinstance(panel.query, HistoryQuery):
                assert set(panel.query.metrics) <= METRICS.keys()
                assert METRICS[panel.query.metrics[0]].description in panel.meaning
            if isinstance(panel.query, LiveQuery):
                assert set(panel.query.fields) <= SERIES[panel.query.series].fields.keys()


def test_provisioning_files_name_plugins_and_hold_no_secret() -> None:
    """Data sources have the plugins that the dashboards' variables look for; secrets come from the environment."""
    for stack in STACKS:
        text = FILES[f"dashboards/{stack.name}/datasources.yml"]
        types = {line.split()[-1] for line in text.splitlines() if line.startswith("    type:")}
        wanted = {
            v["query"]
            for v in BOARDS[f"dashboards/{stack.name}/queue.json"]["templating"]["list"]
            if v["type"] == "datasource"
        }
        assert types == wanted
        secrets = [line for line in text.splitlines() if "password:" in line or "Value1:" in line]
        assert all("$TRUNKLINE_" in line for line in secrets)
