"""`trunkline dashboards`: Grafana's dashboards with the service level of a home."""

from __future__ import annotations

import json
from pathlib import Path

from typer.testing import CliRunner

from trunkline.cli.main import build
from trunkline.serve.wallboard.options import BoardOptions, save_options

ROOT = Path(__file__).parents[2]


def test_a_home_without_settings_gets_the_committed_ones(tmp_path: Path) -> None:
    """The same files as `dashboards/` has, each named on standard output."""
    command = ["dashboards", "--for", "postgres", "--out", str(tmp_path / "out"), "--home", str(tmp_path / "home")]
    result = CliRunner().invoke(build(), command)
    assert result.exit_code == 0, result.output
    committed = {path.name: path.read_text() for path in (ROOT / "dashboards" / "postgres").iterdir()}
    assert {path.name: path.read_text() for path in (tmp_path / "out").iterdir()} == committed
    assert sorted(Path(line).name for line in result.stdout.splitlines()) == sorted(committed)


def test_settings_are_the_defaults(tmp_path: Path) -> None:
    """Targets of channels and the goal as variables; those of queues, also from the board's page, in the queries."""
    home = tmp_path / "home"
    home.mkdir()
    (home / "trunkline.toml").write_text(
        "service_level_s = 30\nservice_level_goal = 85.5\nservice_level_channel_s = { CHAT = 45, EMAIL = 3600 }\n"
        "service_level_queue_s = { Sales = 15 }\n"
    )
    save_options(home / "wallboard.json", BoardOptions(targets_s={"VIP": 5}))
    command = ["dashboards", "--out", str(tmp_path / "out"), "--home", str(home)]
    assert CliRunner().invoke(build(), command).exit_code == 0
    board = json.loads((tmp_path / "out" / "operations.json").read_text())
    variables = {variable["name"]: variable for variable in board["templating"]["list"]}
    texts = {name: variable["query"] for name, variable in variables.items() if variable["type"] == "textbox"}
    assert texts == {"x": "30", "x_chat": "45", "x_task": "30", "x_email": "3600", "goal": "85.5"}
    panel = next(panel for panel in board["panels"] if panel["title"] == "Service level")
    query = panel["targets"][0]["rawSQL"]
    assert "WHEN 'Sales' THEN 15000" in query
    assert "WHEN 'VIP' THEN 5000" in query
    assert "WHEN 'EMAIL' THEN (${x_email} * 1000)" in query
    assert 'CAST(${goal} AS DOUBLE) AS "goal"' in query
