"""`dashboards/`: Grafana's dashboards for each pair of stores, with the defaults of the settings."""

from __future__ import annotations

from collections.abc import Iterator

from trunkline.serve.grafana.build import dashboard_files, service_level
from trunkline.serve.grafana.model import STACKS
from trunkline.settings.options import Options


def dashboards() -> Iterator[tuple[str, str]]:
    """`dashboards/<stores>/<file>` of each pair of stores, with their texts."""
    level = service_level(Options())
    for stack in STACKS:
        yield from ((f"dashboards/{stack.name}/{name}", text) for name, text in dashboard_files(stack, level))
