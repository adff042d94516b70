"""`trunkline enrich`: transcripts that came later than their calls."""

from __future__ import annotations

from typing import Annotated

import typer

from trunkline.cli import output
from trunkline.cli.moments import moment
from trunkline.cli.open import owned
from trunkline.cli.options import Home, Output
from trunkline.cli.output import Format
from trunkline.cli.progress import progress


def enrich(
    since: Annotated[
        str, typer.Option("--since", help="Calls from this time on: a date, or a time with or without Z.")
    ],
    until: Annotated[str | None, typer.Option("--until", help="Calls before this time (default: now).")] = None,
    home: Home = None,
    output_format: Output = Format.TABLE,
    again: Annotated[
        bool, typer.Option("--again", help="Also look for calls that were looked for a short while ago, or for long.")
    ] = False,
    strict: Annotated[bool, typer.Option("--strict", help="Exit 1 when a transcript was set aside.")] = False,
) -> None:
    """Look for the transcripts of calls that have none, and load those that are there.

    Looks under `transcript_keys` in the place that the setting `transcripts` names. Each transcript is read once. A
    call without one is looked for again 15 minutes later, then less and less often, and no more a month after it.

    Example: TRUNKLINE_TRANSCRIPTS=s3://your-transcribe-bucket trunkline enrich --since 2026-02-11
    """
    from trunkline import clock
    from trunkline.pipelines.enrich import due_calls, place_of
    from trunkline.pipelines.enrich import enrich as run
    from trunkline.settings import Settings

    settings = Settings.load(home)
    first, last = moment(since, settings.zone, "--since"), moment(until, settings.zone, "--until")
    assert first is not None
    last = last or clock.now()
    place_of(settings)  # before the home is opened: a mistake in the command leaves nothing behind
    with owned(home) as opened:
        due, without = due_calls(opened, first.replace(tzinfo=None), last.replace(tzinfo=None), again)
        with progress("Looking for transcripts", len(due), "calls") as advance:
            result = run(opened, due, without, advance)
    if output_format is Format.TABLE:
        calls = "call" if result.without == 1 else "calls"
        output.text(
            f"{result.without:,} {calls} without a transcript, {result.looked_for:,} looked for, {result.found:,} found"
        )
        output.text(result.counts.sentence())
    else:
        fields = {"without": result.without, "looked_for": result.looked_for, "found": result.found}
        counts = {"read": result.counts.read, "dead_letter": result.counts.dead_letter}
        output.record(fields | counts, output_format)
    if strict and result.counts.dead_letter:
        raise typer.Exit(1)
