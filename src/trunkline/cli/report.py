"""`trunkline report`: a day, or any span up to a month, as one HTML file."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from trunkline.cli import output
from trunkline.cli.moments import moment
from trunkline.cli.open import read
from trunkline.cli.options import Home
from trunkline.errors import UsageError

if TYPE_CHECKING:
    from trunkline.serve.report.period import Period


def report(
    out: Annotated[Path, typer.Option("--out", help="File to write.")] = Path("report.html"),
    home: Home = None,
    since: Annotated[
        str | None,
        typer.Option("--since", help="The day; with --until the first moment (default: the last full day)."),
    ] = None,
    until: Annotated[
        str | None, typer.Option("--until", help="First moment after, up to 31 days later (default: one day).")
    ] = None,
    zone: Annotated[
        str | None, typer.Option("--zone", help="IANA zone the day is counted in (default: setting).")
    ] = None,
) -> None:
    """Write a day's report as one self-contained HTML file: numbers, charts, queues, agents, and what is missing.

    Example: trunkline report --since 2026-03-03 --zone America/New_York --out tuesday.html
    """
    from trunkline.pipelines.reporting import write_report

    with read(home) as opened:
        written = write_report(opened, _period(since, until, zone or opened.settings.zone), out)
    output.text(f"Report: {out}")
    output.note(f"It shows {written.period.title}, {written.period.zone}.")


def _period(since: str | None, until: str | None, zone: str) -> Period | str:
    """The local day or the span that was asked for; the zone where the newest day is meant."""
    from trunkline.serve.report.period import day_period, span_period

    if until is None:
        return zone if since is None else day_period(_day(since), zone)
    first, last = moment(since, zone, "--since"), moment(until, zone, "--until")
    if first is None or last is None:
        raise UsageError("--until needs --since: give both moments, or --since alone for a day")
    return span_period(first, last, zone)


def _day(text: str) -> date:
    try:
        day = date.fromisoformat(text)
        # The first and the last days that Python knows have no day before or after, or no UTC time.
        if not 1900 <= day.year <= 9000:
            raise ValueError(text)
        return day
    except ValueError:
        raise UsageError(f"--since {text!r} is no date; write YYYY-MM-DD, or give --until for a span") from None
