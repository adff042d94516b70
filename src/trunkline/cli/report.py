"""`trunkline report`: a day as one HTML file."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Annotated

import typer

from trunkline.cli import output
from trunkline.cli.open import read
from trunkline.cli.options import Home
from trunkline.errors import UsageError


def report(
    out: Annotated[Path, typer.Option("--out", help="File to write.")] = Path("report.html"),
    home: Home = None,
    day: Annotated[
        str | None, typer.Option("--since", help="The day, YYYY-MM-DD (default: the last full day with contacts).")
    ] = None,
    zone: Annotated[
        str | None, typer.Option("--zone", help="IANA zone the day is counted in (default: setting).")
    ] = None,
) -> None:
    """Write a day's report as one self-contained HTML file: numbers, charts, queues, agents, and what is missing.

    Example: trunkline report --since 2026-03-03 --zone America/New_York --out monday.html
    """
    from trunkline.pipelines.reporting import write_report

    with read(home) as opened:
        written = write_report(opened, _day(day), zone or opened.settings.zone, out)
    output.text(f"Report: {out}")
    output.note(f"It shows {written.day:%A %d %B %Y}, {written.zone}.")


def _day(text: str | None) -> date | None:
    if text is None:
        return None
    try:
        day = date.fromisoformat(text)
        # The first and the last days that Python knows have no day before or after, or no UTC time.
        if not 1900 <= day.year <= 9000:
            raise ValueError(text)
        return day
    except ValueError:
        raise UsageError(f"--since {text!r} is no date; write YYYY-MM-DD") from None
