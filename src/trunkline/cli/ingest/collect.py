"""`trunkline collect`: contacts through the Connect API."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from trunkline.cli import output
from trunkline.cli.output import Format
from trunkline.cli.shared import Home, Output, Wait, open_to_write, progress, shows_progress
from trunkline.errors import TrunklineError
from trunkline.limits import LOCK_WAIT_S
from trunkline.schedules.times import parse_time

if TYPE_CHECKING:
    from trunkline.pipelines.connect.collect import CollectEstimate, CollectResult

Chosen = Annotated[
    list[str] | None,
    typer.Option("--instance", help="ARN of a Connect instance, repeatable (default: setting connect_instances)."),
]
Endpoint = Annotated[str | None, typer.Option("--endpoint", help="URL of the API, such as the emulator's.")]
TimeType = Literal["disconnect", "initiation", "connected_to_agent", "scheduled", "enqueue"]


def collect(
    since: Annotated[str, typer.Option("--since", help="Start, local: 2026-03-02, 2026-03-02T08:00, 7d.")],
    until: Annotated[str | None, typer.Option("--until", help="End, exclusive (default: now).")] = None,
    instance: Chosen = None,
    endpoint: Endpoint = None,
    by: Annotated[TimeType, typer.Option("--by", help="The time by which contacts are selected.")] = "disconnect",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only estimate the calls and the time needed.")] = False,
    home: Home = None,
    wait_s: Wait = LOCK_WAIT_S,
    output_format: Output = Format.TABLE,
) -> None:
    """Fetch contacts through the Connect API and load those that are missing, for periods without the stream.

    A contact that the stream delivered is left unchanged. Rows from the API lack talk, hold and queue times (NULL)
    until the exported record arrives and replaces them. It can be stopped at any time: the same command resumes it.

    Example: trunkline collect --since 2026-03-02 --until 2026-03-03 --dry-run
    """
    from trunkline import clock
    from trunkline.pipelines.connect.collect import Collector, chosen_instances, collected_object, for_each_instance
    from trunkline.settings.installation import Settings
    from trunkline.sources.connect_api.search import ContactQuery

    settings = Settings.load(home)
    chosen = chosen_instances(settings, instance or (), endpoint)
    start, end = parse_time(since, settings.zone, "--since"), parse_time(until, settings.zone, "--until")
    end = end or clock.now().replace(microsecond=0)
    assert start is not None
    query = ContactQuery(f"{by.upper()}_TIMESTAMP")
    with open_to_write(home, wait_s) as opened:
        obj = collected_object(opened.objects)
        planned = []
        if dry_run or shows_progress():
            collector = Collector(opened, obj, query=query)
            planned = [collector.estimate(instance, start, end) for instance in chosen]
        if dry_run:
            _show_plan(planned, output_format)
            return
        count = sum(estimate.contacts for estimate in planned) or None
        with progress("Collecting", count, "contacts") as advance:
            collector = Collector(opened, obj, advance=advance, query=query)
            outcomes = list(for_each_instance(chosen, lambda arn: collector.collect(arn, start, end)))
    show_collected(outcomes, output_format)


def _show_plan(planned: Sequence[CollectEstimate], output_format: Format) -> None:
    columns = ["instance", "contacts", "held", "search_calls", "describe_calls", "minutes"]
    rows = [
        (
            estimate.instance.instance_id,
            estimate.contacts,
            estimate.held,
            estimate.search_calls,
            estimate.describe_calls,
            round(estimate.minutes, 1),
        )
        for estimate in planned
    ]
    output.rows(columns, rows, output_format)
    seconds = 60 * sum(estimate.minutes for estimate in planned)
    output.note(
        f"Collecting would take {spell_duration(seconds)} at our share of the account's quota (connect_share). The API "
        "is free of charge. This estimate took one call of SearchContacts per instance and eight weeks. Nothing was "
        "written."
    )


def spell_duration(seconds: float) -> str:
    """A duration for people, rounded up to minutes.

    >>> [spell_duration(seconds) for seconds in (2, 61, 600, 3600, 9_990)]
    ['less than a minute', 'about 2 minutes', 'about 10 minutes', 'about 1 hour', 'about 2 hours 47 minutes']
    """
    if seconds < 60:
        return "less than a minute"
    hours, minutes = divmod(-(-round(seconds) // 60), 60)
    parts = [f"{count} {unit}" + "s" * (count != 1) for count, unit in ((hours, "hour"), (minutes, "minute")) if count]
    return "about " + " ".join(parts)


def show_collected(outcomes: Sequence[CollectResult | TrunklineError], output_format: Format) -> None:
    """What each instance gave; exit 1 where one failed, after the others had their turn."""
    done = [outcome for outcome in outcomes if not isinstance(outcome, TrunklineError)]
    if output_format is Format.TABLE:
        for result in done:
            _describe(result)
    elif done:
        rows = [_fields(result) for result in done]
        output.rows(list(rows[0]), [list(row.values()) for row in rows], output_format)
    failed = [outcome for outcome in outcomes if isinstance(outcome, TrunklineError)]
    for error in failed:
        output.failure(str(error))
    if failed:
        raise typer.Exit(1)


def _describe(result: CollectResult) -> None:
    output.text(f"{result.instance.instance_id}: {result.counts.sentence()}")
    calls = ", ".join(f"{count:,} {name}" for name, count in sorted(result.calls.items()))
    output.note(
        f"Through {result.through:%F %T} UTC. Calls: {calls or 'none'}; waited {result.waited_s:,.0f} s for the quota."
    )
    if result.tally.described:
        reasons = ", ".join(f"{count:,} {reason}" for reason, count in sorted(result.tally.described.items()))
        output.note(f"Described: {reasons}.")
    if result.tally.gone:
        output.note(f"{result.tally.gone:,} contacts were listed but could no longer be described.")
    if result.throttled:
        output.note(f"The service throttled {result.throttled:,} calls: other programs use the account's quota too.")


def _fields(result: CollectResult) -> dict[str, object]:
    counts = ("read", "filtered", "dead_letter", "inserted", "updated", "superseded", "duplicate", "rejected")
    return {
        "instance": result.instance.instance_id,
        "through": result.through.isoformat(),
        "listed": result.tally.listed,
        "described": sum(result.tally.described.values()),
        **{name: getattr(result.counts, name) for name in counts},
        "calls": sum(result.calls.values()),
        "throttled": result.throttled,
        "waited_s": round(result.waited_s, 3),
        "seconds": round(result.seconds, 3),
    }
