"""`trunkline metric`: what each number means, and the numbers."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Literal

import typer

from trunkline.cli import output
from trunkline.cli.moments import moment
from trunkline.cli.open import read
from trunkline.cli.options import Home, Output, engine_option
from trunkline.cli.output import Format

app = typer.Typer(help="Metrics of contacts, as Amazon defines them.", no_args_is_help=True, rich_markup_mode=None)
Names = Annotated[list[str], typer.Argument(metavar="METRIC", help="Amazon's names, in any case: service_level ...")]
By = Annotated[
    str, typer.Option("--by", help="queue, agent, routing_profile, channel, initiation_method; a,b for two.")
]
Interval = Annotated[
    Literal["15min", "30min", "hour", "day"] | None, typer.Option("--interval", help="Group by time of disconnect.")
]
Zone = Annotated[str | None, typer.Option("--zone", help="IANA zone of intervals, since and until (default: setting).")]
X = Annotated[float | None, typer.Option("--x", help="X of `in X` metrics, seconds (default: settings, by queue).")]
Since = Annotated[str | None, typer.Option("--since", help="First moment, local: 2026-03-02 or 2026-03-02T08:00.")]
Until = Annotated[str | None, typer.Option("--until", help="First moment after.")]


@app.command("list")
def list_metrics(output_format: Output = Format.TABLE) -> None:
    """List all metrics.

    Example: trunkline metric list
    """
    from trunkline.metrics.catalogue import METRICS

    def told(is_so: bool) -> bool | str:
        """A column of true and false is hard to read; other formats are for programs."""
        return ("yes" if is_so else "") if output_format is Format.TABLE else is_so

    rows = [(m.name, m.unit, m.title, told(m.takes_x), told(bool(m.approximation))) for m in METRICS.values()]
    output.rows(["metric", "unit", "title", "takes_x", "approximation"], rows, output_format)


@app.command()
def show(names: Names, output_format: Output = Format.TABLE) -> None:
    """Show the definition of metrics: meaning, unit, what NULL means, what is approximate and why.

    Example: trunkline metric show service_level
    """
    from trunkline.metrics.catalogue import select

    for metric in select(names):
        fields = {
            "metric": metric.name, "title": metric.title, "description": metric.description, "unit": metric.unit,
            "grain": metric.grain, "null": metric.null_rule, "approximation": metric.approximation or None,
            "condition": metric.condition or None, "base": metric.base or None, "value": metric.value or None,
            "source": metric.source,
        }  # fmt: skip
        output.record(fields, output_format)


@app.command()
def query(
    names: Names,
    home: Home = None,
    output_format: Output = Format.TABLE,
    by: By = "",
    interval: Interval = None,
    zone: Zone = None,
    x: X = None,
    since: Since = None,
    until: Until = None,
    engine: Annotated[
        str | None,
        engine_option("--sql", "Write the SQL for this engine instead of running it"),
    ] = None,
) -> None:
    """Compute metrics, grouped as you like, in any time zone.

    Example: trunkline metric query contacts_queued service_level --by queue --interval 30min --zone America/New_York
    """
    from trunkline.engines.catalogue import find
    from trunkline.metrics.catalogue import select
    from trunkline.serve.report.wording import contacts_by_fidelity, rests_on
    from trunkline.settings import Settings
    from trunkline.sql.metric_query import Grouping, Threshold, compile_metrics, population

    settings = Settings.load(home)
    place = zone or settings.zone
    grouping = Grouping(tuple(part.strip() for part in by.split(",") if part.strip()), interval, place)
    threshold = Threshold(x) if x is not None else Threshold(settings.service_level_s, settings.service_level_queue_s)
    chosen = select(names)
    grouping.dimensions(population(chosen))  # refuse a wrong name before anything is opened
    period = (moment(since, place, "--since"), moment(until, place, "--until"))
    if engine:
        output.text(compile_metrics(chosen, grouping, threshold, *period, find(engine)).sql + ";")
        return
    with read(home) as opened:
        compiled = compile_metrics(chosen, grouping, threshold, *period, opened.warehouse.engine)
        rows = opened.warehouse.query(compiled.numbered, compiled.params)
        rests = rests_on(contacts_by_fidelity(opened.warehouse, *period))
    if rests:
        output.note(f"This {rests}.")
    output.rows(list(compiled.columns), _in_zone(rows, list(compiled.columns), place), output_format)


def _in_zone(rows: list[tuple[object, ...]], columns: list[str], zone: str) -> list[tuple[object, ...]]:
    """Interval starts as the wall clock of the zone shows them, with its offset, so that no hour is there twice."""
    from zoneinfo import ZoneInfo

    if zone == "UTC" or "interval_start" not in columns:
        return rows
    place, local = columns.index("interval_start"), ZoneInfo(zone)

    def told(value: object) -> object:
        return value.replace(tzinfo=UTC).astimezone(local) if isinstance(value, datetime) else value

    return [(*row[:place], told(row[place]), *row[place + 1 :]) for row in rows]
