"""`trunkline demo`: a simulated day, loaded, counted and reported, without any setup."""

from __future__ import annotations

import os
import shutil
import sys
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from trunkline.cli import output
from trunkline.cli.output import Format
from trunkline.cli.shared import Output, by_totals, progress
from trunkline.errors import UsageError
from trunkline.settings import Settings

if TYPE_CHECKING:
    from trunkline.accounting import Counts
    from trunkline.pipelines.home import Home
    from trunkline.serve.report.headline import Headline
    from trunkline.simulator.spec import Spec

MARK = ".trunkline-demo"
_FAULT_SHARE = 0.002
_YESTERDAY_SHARE = 0.94


def demo(
    contacts: Annotated[int, typer.Option("--contacts", min=1, help="Contacts of the day.")] = 10_000,
    seed: Annotated[int, typer.Option("--seed", help="Same seed, same day.")] = 1,
    home: Annotated[Path, typer.Option("--home", help="The demo's own home; emptied first.")] = Path("trunkline-demo"),
    output_format: Output = Format.TABLE,
) -> None:
    """Simulate a contact centre's day with every kind of fault, load it, print a summary and write the report.

    The day before is simulated and loaded first, so that there is something to compare with.

    Example: trunkline demo --contacts 2000 --seed 7
    """
    from trunkline.pipelines.home import open_home
    from trunkline.simulator.spec import DEFAULT_DATE, Faults, Spec

    _empty(home)
    settings = Settings.load(home.absolute())
    faults = Faults.every(_FAULT_SHARE)
    today = Spec(contacts=contacts, seed=seed, date=DEFAULT_DATE, faults=faults)
    before = Spec(
        contacts=max(round(contacts * _YESTERDAY_SHARE), 1), seed=seed + 1, date=DEFAULT_DATE - timedelta(days=1)
    )
    with open_home(settings) as opened:
        yesterday = _simulated_load(opened, before, "yesterday")
        counts = _simulated_load(opened, today, "today")
    report = home / "report.html"
    headlines = _report(settings, today, report)
    if output_format is Format.TABLE:
        output.text(f"A simulated day, {DEFAULT_DATE:%A %d %B %Y}, New York time\n")
        rows = [(headline.label, headline.value, headline.change, headline.tone) for headline in headlines]
        output.rows(["", "the day", "against the day before", ""], rows)
        output.text(f"\nReport: {report}")
        query = "SELECT channel, count(*) AS contacts FROM contact_record GROUP BY channel"
        output.text(f'Query it: {_command()} sql --home {home} "{query}"')
        output.text(f"The day before: {yesterday.sentence()}\n")
        output.text(counts.sentence())
    else:
        fields: dict[str, object] = {"object": "contact_record", **asdict(counts), "report": str(report)}
        output.record(fields, output_format)


def _command() -> str:
    """How to run this program: its name where it is on the path, else the path it was started by."""
    return "trunkline" if shutil.which("trunkline") else os.path.relpath(sys.argv[0])


def _empty(home: Path) -> None:
    """Empty the demo's home. Raises UsageError for a folder that the demo did not create."""
    if home.exists() and any(home.iterdir()):
        if not (home / MARK).exists():
            raise UsageError(f"{home} is not empty and was not created by the demo; choose another folder with --home")
        shutil.rmtree(home)
    home.mkdir(parents=True, exist_ok=True)
    (home / MARK).write_text("Created by `trunkline demo`, which empties this folder when it runs again.\n")


def _simulated_load(opened: Home, spec: Spec, name: str) -> Counts:
    """Simulate a day and load it as a centre would: first what arrived on the day, then what arrived late."""
    from trunkline.accounting import total
    from trunkline.pipelines.jobs.load import load
    from trunkline.simulator.run import simulate

    folder = opened.settings.home / "firehose" / name
    with progress(f"Simulating {name}", None, "records") as advance:
        simulated = simulate(spec, folder, by_totals(advance))
    on_the_day = simulated.folder / f"{spec.date:%Y/%m/%d}"
    contact_record = opened.objects["contact_record"]
    with progress(f"Loading {name}", simulated.expected.bytes, "bytes") as advance:
        rounds = [path for path in (on_the_day, simulated.folder) if path.exists()]
        return total(load(opened, contact_record, [str(path)], advance).counts for path in rounds)


def _report(settings: Settings, spec: Spec, path: Path) -> list[Headline]:
    from trunkline.pipelines.jobs.measuring import write_report
    from trunkline.pipelines.reading import open_reader
    from trunkline.serve.report.period import day_period
    from trunkline.simulator.spec import CENTRE_ZONE

    with open_reader(settings) as reader:
        return write_report(reader, day_period(spec.date, CENTRE_ZONE), path).headlines
