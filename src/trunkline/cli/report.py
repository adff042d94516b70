"""`trunkline report`: a day, or any span up to a month, as one HTML file."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from trunkline.cli import output
from trunkline.cli.shared import Home, open_to_read, parse_date, parse_time
from trunkline.errors import UsageError

if TYPE_CHECKING:
    from trunkline.serve.report.period import Period


def report(
    out: Annotated[Path, typer.Option("--out", help="File to write.")] = Path("report.html"),
    home: Home = None,
    since: Annotated[
        str | None,
        typer.Option("--since", help="The day; with --until the start (default: the last full day)."),
    ] = None,
    until: Annotated[
        str | None, typer.Option("--until", help="End, exclusive, up to 31 days later (default: one day).")
    ] = None,
    zone: Annotated[str | None, typer.Option("--zone", help="IANA time zone of the day (default: setting).")] = None,
) -> None:
    """Write a day's report as one self-contained HTML file: numbers, charts, queues, agents, and what is missing.

    Example: trunkline report --since 2026-03-03 --zone America/New_York --out tuesday.html
    """
    from trunkline.pipelines.reporting import write_report

    with open_to_read(home) as opened:
        written = write_report(opened, _period(since, until, zone or opened.settings.zone), out)
    output.text(f"Report: {out}")
    output.note(f"It shows {written.period.title}, {written.period.zone}.")


def _period(since: str | None, until: str | None, zone: str) -> Period | str:
    """The local day or the span; the zone alone stands for the newest day."""
    from trunkline.serve.report.period import day_period, span_period

    if until is None:
        return zone if since is None else day_period(_day(since), zone)
    first, last = parse_time(since, zone, "--since"), parse_time(until, zone, "--until")
    if first is None or last is None:
        raise UsageError("--until needs --since: give both, or --since alone for a day")
    return span_period(first, last, zone)


def _day(text: str) -> date:
    day = parse_date(text, "--since") if "T" not in text else None
    # The first and last days that Python knows have no neighbours, or no UTC time.
    if day is None or not 1900 <= day.year <= 9000:
        raise UsageError(f"--since {text!r} is not a valid date; write YYYY-MM-DD, or give --until for a span")
    return day
