"""`trunkline sql` and `trunkline metric`: queries in SQL, and metrics with their definitions."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from typing import Annotated, Literal

import typer

from trunkline.cli import output
from trunkline.cli.output import Format
from trunkline.cli.shared import Home, Output, engine_option, open_to_read, parse_time

app = typer.Typer(help="Metrics of contacts, as Amazon defines them.", no_args_is_help=True, rich_markup_mode=None)
Names = Annotated[list[str], typer.Argument(metavar="METRIC", help="Amazon's names, in any case: service_level ...")]
By = Annotated[
    str, typer.Option("--by", help="queue, agent, routing_profile, channel, initiation_method; a,b for two.")
]
Interval = Annotated[
    Literal["15min", "30min", "hour", "day"] | None, typer.Option("--interval", help="Group by time of disconnect.")
]
Zone = Annotated[str | None, typer.Option("--zone", help="IANA zone of intervals, since and until (default: setting).")]
X = Annotated[float | None, typer.Option("--x", help="X of the metrics `in X`, seconds (default: settings).")]
Since = Annotated[str | None, typer.Option("--since", help="Start, local time: 2026-03-02 or 2026-03-02T08:00.")]
Until = Annotated[str | None, typer.Option("--until", help="End, local time, exclusive.")]


def sql(
    statement: Annotated[str, typer.Argument(metavar="SQL", help="One SELECT, or - for standard input.")],
    home: Home = None,
    output_format: Output = Format.TABLE,
    dialect: Annotated[
        Literal["duckdb", "athena", "postgres", "redshift"] | None,
        typer.Option("--dialect", help="SQL dialect (default: the warehouse's); athena follows Trino."),
    ] = None,
) -> None:
    """Run a query on the warehouse or the lake.

    Tables have the names of Amazon's data lake, connect_datalake.contact_record and contact_statistic_record, and of
    the post-call application, post_call_analytics.calls; the database may be left out. The lake's files are
    lake.contact_record and lake.contact_record_versions. Queries cannot change anything. With --dialect athena a query
    written for Athena runs unchanged, integer division included.

    A server warehouse runs its own SQL; --dialect duckdb and athena are run on the lake.

    Example: trunkline sql "SELECT channel, count(*) AS contacts FROM contact_record GROUP BY channel"
    """
    from trunkline.pipelines.reading import query

    with open_to_read(home) as opened:
        answer = query(opened, sys.stdin.read() if statement == "-" else statement, dialect)
    output.rows(answer.columns, answer.rows, output_format)


@app.command("list")
def list_metrics(output_format: Output = Format.TABLE) -> None:
    """List all metrics.

    Example: trunkline metric list
    """
    from trunkline.metrics.catalogue import METRICS

    def flag(is_true: bool) -> bool | str:
        """`yes` or nothing for people; other formats are for programs."""
        return ("yes" if is_true else "") if output_format is Format.TABLE else is_true

    rows = [(m.name, m.unit, m.title, flag(m.takes_x), flag(bool(m.approximation))) for m in METRICS.values()]
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
    """Compute metrics, in total or by group and interval, in any time zone.

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
    period = (parse_time(since, place, "--since"), parse_time(until, place, "--until"))
    if engine:
        output.text(compile_metrics(chosen, grouping, threshold, *period, find(engine)).sql + ";")
        return
    with open_to_read(home) as opened:
        compiled = compile_metrics(chosen, grouping, threshold, *period, opened.warehouse.engine)
        rows = opened.warehouse.query(compiled.numbered, compiled.params)
        rests = rests_on(contacts_by_fidelity(opened.warehouse, *period))
    if rests:
        output.note(f"This {rests}.")
    output.rows(list(compiled.columns), _in_zone(rows, list(compiled.columns), place), output_format)


def _in_zone(rows: list[tuple[object, ...]], columns: list[str], zone: str) -> list[tuple[object, ...]]:
    """Interval starts as local times with their offset, so that a repeated hour can be told apart."""
    from zoneinfo import ZoneInfo

    if zone == "UTC" or "interval_start" not in columns:
        return rows
    at, local_zone = columns.index("interval_start"), ZoneInfo(zone)

    def local(value: object) -> object:
        return value.replace(tzinfo=UTC).astimezone(local_zone) if isinstance(value, datetime) else value

    return [(*row[:at], local(row[at]), *row[at + 1 :]) for row in rows]
