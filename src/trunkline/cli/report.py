"""`trunkline report`: a day, or any span up to a month, as one HTML file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from trunkline.cli import output
from trunkline.cli.shared import Home, Wait, open_to_read
from trunkline.limits import LOCK_WAIT_S


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
