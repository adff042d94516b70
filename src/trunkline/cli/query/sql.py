"""`trunkline sql`, `metric` and `report`: queries in SQL, metrics by their definitions, and a day as one HTML file."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Literal

import typer

from trunkline.cli import output
from trunkline.cli.output import Format
from trunkline.cli.shared import Home, Output, Wait, engine_option, group_names, metric_names, open_to_read
from trunkline.limits import LOCK_WAIT_S

app = typer.Typer(help="Metrics of contacts, as Amazon defines them.", no_args_is_help=True, rich_markup_mode=None)
Names = Annotated[
    list[str],
    typer.Argument(
        metavar="METRIC", help="Amazon's names, in any case: service_level ...", autocompletion=metric_names
    ),
]
By = Annotated[
    str,
    typer.Option(
        "--by",
        help="queue, single_queue, agent, routing_profile, channel, initiation_method; a,b for two.",
        autocompletion=group_names,
    ),
]
Interval = Annotated[
    Literal["15min", "30min", "hour", "day"] | None, typer.Option("--interval", help="Group by time of disconnect.")
]
Zone = Annotated[str | None, typer.Option("--zone", help="IANA zone of intervals, since and until (default: setting).")]
X = Annotated[float | None, typer.Option("--x", help="X of the metrics `in X`, seconds (default: settings).")]
Since = Annotated[str | None, typer.Option("--since", help="Start, local: 2026-03-02, 2026-03-02T08:00, 7d.")]
Limit = Annotated[int | None, typer.Option("--limit", min=1, help="At most this many rows.")]
Until = Annotated[str | None, typer.Option("--until", help="End, local time, exclusive.")]


def sql(
    statement: Annotated[str, typer.Argument(metavar="SQL", help="One SELECT, or - for standard input.")],
    home: Home = None,
    wait_s: Wait = LOCK_WAIT_S,
    output_format: Output = Format.TABLE,
    dialect: Annotated[
        str | None,
        engine_option("--dialect", "SQL dialect (default: the warehouse's; athena follows Trino)"),
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

    with open_to_read(home, wait_s) as opened:
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
            "metric": metric.name,
            "title": metric.title,
            "description": metric.description,
            "unit": metric.unit,
            "grain": metric.grain,
            "null": metric.null_rule,
            "approximation": metric.approximation or None,
            "condition": metric.condition or None,
            "base": metric.base or None,
            "value": metric.value or None,
            "source": metric.source,
        }
        output.record(fields, output_format)


@app.command()
def query(
    names: Names,
    home: Home = None,
    wait_s: Wait = LOCK_WAIT_S,
    output_format: Output = Format.TABLE,
    by: By = "",
    interval: Interval = None,
    zone: Zone = None,
    x: X = None,
    since: Since = None,
    until: Until = None,
    limit: Limit = None,
    engine: Annotated[
        str | None,
        engine_option("--sql", "Write the SQL for this engine instead of running it"),
    ] = None,
) -> None:
    """Compute metrics, in total or by group and interval, in any time zone.

    Example: trunkline metric query contacts_queued service_level --by queue --interval 30min --zone America/New_York
    """
    from trunkline.engines.catalogue import find
    from trunkline.pipelines.jobs.measuring import caveat, measure_rows, question_of
    from trunkline.settings.installation import Settings

    settings = Settings.load(home)
    groups = [part.strip() for part in by.split(",") if part.strip()]
    question = question_of(settings, names, groups, interval, zone, x, since, until, limit, prefix="--")
    if engine:
        output.text(question.compiled(find(engine)).literal + ";")
        return
    with open_to_read(home, wait_s) as opened:
        columns, rows = measure_rows(opened, question)
        warning = caveat(opened, question)
    if warning:
        output.note(warning)
    output.rows(columns, _in_zone(rows, columns, question.grouping.zone), output_format)


def _in_zone(rows: list[tuple[object, ...]], columns: list[str], zone: str) -> list[tuple[object, ...]]:
    """Interval starts as local times with their offset, so that a repeated hour can be told apart."""
    from zoneinfo import ZoneInfo

    if zone == "UTC" or "interval_start" not in columns:
        return rows
    at, local_zone = columns.index("interval_start"), ZoneInfo(zone)

    def local(value: object) -> object:
        return value.replace(tzinfo=UTC).astimezone(local_zone) if isinstance(value, datetime) else value

    return [(*row[:at], local(row[at]), *row[at + 1 :]) for row in rows]


def report(
    out: Annotated[Path, typer.Option("--out", help="File to write.")] = Path("report.html"),
    home: Home = None,
    wait_s: Wait = LOCK_WAIT_S,
    since: Annotated[
        str | None,
        typer.Option("--since", help="The day, or yesterday; with --until the start (default: the last full day)."),
    ] = None,
    until: Annotated[
        str | None, typer.Option("--until", help="End, exclusive, up to 31 days later (default: one day).")
    ] = None,
    zone: Annotated[str | None, typer.Option("--zone", help="IANA time zone of the day (default: setting).")] = None,
) -> None:
    """Write a day's report as one self-contained HTML file: numbers, charts, queues, agents, and what is missing.

    Example: trunkline report --since 2026-03-03 --zone America/New_York --out tuesday.html
    """
    from trunkline.pipelines.jobs.measuring import write_report
    from trunkline.serve.report.period import period_of

    with open_to_read(home, wait_s) as opened:
        written = write_report(opened, period_of(since, until, zone or opened.settings.zone, "--"), out)
    output.text(f"Report: {out}")
    output.note(f"It shows {written.period.title}, {written.period.zone}.")
