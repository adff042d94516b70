"""`trunkline reconcile`: which contacts are missing, why, and how to fetch them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from trunkline.cli import output
from trunkline.cli.check.reconcile_live import show_live_day
from trunkline.cli.ingest.collect import Chosen, Endpoint, spell_duration
from trunkline.cli.output import Format
from trunkline.cli.shared import Home, Output, Wait, open_to_write, progress, shows_progress
from trunkline.limits import LOCK_WAIT_S
from trunkline.schedules.times import parse_time

if TYPE_CHECKING:
    from trunkline.completeness.findings import ContactFinding
    from trunkline.completeness.period_records import PeriodRecord
    from trunkline.objects.model import Object
    from trunkline.pipelines.connect.reconcile import ReconcilePlan, ReconcileResult
    from trunkline.pipelines.connect.system_of_record import ConnectSystemOfRecord
    from trunkline.pipelines.home import Home as OpenHome
    from trunkline.sources.connect_api.client import ConnectInstance

COLUMNS = (
    "period",
    "source",
    "state",
    "stream",
    "listed",
    "lake",
    "warehouse",
    "missing",
    "dropped",
    "only_in_stream",
    "at_api_fidelity",
    "amendments",
)
_SHOWN = 20


def reconcile(
    since: Annotated[
        str | None,
        typer.Option("--since", help="List days again from this UTC day on (default: every day not closed)."),
    ] = None,
    heal: Annotated[bool, typer.Option("--heal", help="Fetch what is missing through the API and load it.")] = False,
    instance: Chosen = None,
    endpoint: Endpoint = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only estimate the calls and the time needed.")] = False,
    live: Annotated[
        str | None,
        typer.Option("--live", metavar="DAY", help="Instead, how a local day's live numbers differed from the final."),
    ] = None,
    home: Home = None,
    wait_s: Wait = LOCK_WAIT_S,
    output_format: Output = Format.TABLE,
) -> None:
    """Compare what Connect lists with what lake and warehouse hold, day by day: counts, missing contacts, and why.

    A day is listed again until late contacts have settled (`settle_hours`), then closed with a certificate. Later
    changes in a closed day are appended to its certificate. Load what the stream delivered first. It can be stopped at
    any time: the same command resumes it.

    Exits 1 while a contact is missing, or a certified one is gone.

    With --live nothing is listed: the stored agent events and contact events of a day are folded as a live board folds
    them, and compared with the day's contact records, contact by contact, with the reason of each difference.

    Example: trunkline reconcile --heal --home ./my-centre
    """
    if live is not None:
        show_live_day(home, wait_s, live, output_format)
        return
    from trunkline import clock
    from trunkline.completeness.periods import settle_rule
    from trunkline.pipelines.connect import reconcile as job
    from trunkline.pipelines.connect.collect import chosen_instances, collected_object
    from trunkline.settings.installation import Settings

    settings = Settings.load(home)
    chosen = chosen_instances(settings, instance or (), endpoint)
    day = parse_time(since, "UTC", "--since")
    request = job.ReconcileRequest(
        clock.now().replace(microsecond=0), settle_rule(settings.settle_hours), day.date() if day else None, heal
    )
    with open_to_write(home, wait_s) as opened:
        obj = collected_object(opened.objects)
        systems = _systems(opened, obj, chosen)
        if dry_run:
            _show_plans([(system.source, job.plan(opened, obj, system, request)) for system in systems], output_format)
            return
        outcomes = []
        for system in systems:
            _announce(job.plan(opened, obj, system, request), heal)
            outcomes.append(job.reconcile(opened, obj, system, request, _show_progress))
        show_records(opened, [record for outcome in outcomes for record in outcome.records], output_format)
    for outcome in outcomes if output_format is Format.TABLE else ():
        _describe(outcome, heal)
    if not all(outcome.is_complete for outcome in outcomes):
        raise typer.Exit(1)


def _systems(home: OpenHome, obj: Object, instances: Sequence[ConnectInstance]) -> list[ConnectSystemOfRecord]:
    """The instances as systems of record, which share one collector and so one quota."""
    from trunkline.pipelines.connect.collect import Collector
    from trunkline.pipelines.connect.system_of_record import ConnectSystemOfRecord

    collector = Collector(home, obj)
    return [ConnectSystemOfRecord(collector, instance) for instance in instances]


def _announce(plan: ReconcilePlan, is_healing: bool) -> None:
    """Say what takes time before it starts."""
    if plan.windows:
        listed = len({window.start.date() for window in plan.windows})
        days = "1 day" if listed == 1 else f"{listed:,} days"
        calls = "1 call" if plan.calls == 1 else f"{plan.calls:,} calls"
        fetching = " and fetching what is missing" if is_healing else ""
        output.note(
            f"Listing contacts of {days}{fetching}, at least {calls} of the Connect API: "
            f"{spell_duration(plan.seconds)} at our share of the account's quota (connect_share)."
        )


@contextmanager
def _show_progress(description: str, total: int | None, unit: str) -> Iterator[Callable[[int], None]]:
    """A progress bar; without a terminal, a line for what waits for the quota contact by contact."""
    if unit == "contacts" and total and not shows_progress():
        output.note(f"{description}: {total:,} {unit}, one call each.")
    with progress(description, total, unit) as advance:
        yield advance


def show_records(home: OpenHome, records: Sequence[PeriodRecord], output_format: Format) -> None:
    """Periods with their counts, and what is missing in them: JSON and CSV have all of it, a table the first lines."""
    if output_format is not Format.TABLE:
        rows = ((*row_of(record), [_finding(finding) for finding in _findings(home, [record])]) for record in records)
        output.rows([*COLUMNS, "findings"], rows, output_format)
        return
    if not records:
        output.note("There is no period yet.")
        return
    # A source's name is long, and most homes have a single source.
    sources = {record.source for record in records}
    shown_at = [n for n, name in enumerate(COLUMNS) if name != "source" or len(sources) > 1]
    values = [row_of(record) for record in records]
    output.rows([COLUMNS[n] for n in shown_at], [[row[n] for n in shown_at] for row in values], output_format)
    shown: list[tuple[object, ...]] = []
    total = sum(sum(record.why.values()) for record in records)
    for finding in _findings(home, records):
        if len(shown) == _SHOWN:
            break
        shown.append((finding.id, finding.ended_at, finding.why, finding.detail))
    if shown:
        output.text("")
        output.rows(["contact", "ended_at", "why", "detail"], shown, output_format)
    if total > len(shown):
        output.note(f"{total - len(shown):,} more: --output json has all, and so has ledger.sighting in the warehouse.")


def row_of(record: PeriodRecord) -> tuple[object, ...]:
    """A period in the order of `COLUMNS`."""
    counts = record.counts
    return (
        record.name,
        record.source,
        record.state,
        counts.stream,
        counts.listed,
        counts.lake,
        counts.warehouse,
        counts.missing,
        counts.dropped,
        counts.only_in_stream,
        counts.at_api_fidelity,
        record.amendments,
    )


def _findings(home: OpenHome, records: Sequence[PeriodRecord]) -> Iterator[ContactFinding]:
    from trunkline.completeness.period_records import open_findings

    for record in records:
        yield from open_findings(home.store, record, home.scratch / "findings")


def _finding(finding: ContactFinding) -> dict[str, object]:
    return {
        "id": finding.id,
        "began_at": finding.began_at,
        "ended_at": finding.ended_at,
        "why": finding.why,
        "detail": finding.detail,
        "found_at": finding.found_at,
    }


def _describe(outcome: ReconcileResult, is_healing: bool) -> None:
    from trunkline.completeness.findings import WHY

    if outcome.recovered:
        output.note(f"Finished {outcome.recovered:,} batches that an earlier run had begun.")
    if outcome.healed:
        output.note(f"Fetched {outcome.healed:,} contacts through the API.")
    for name in outcome.amended:
        output.note(f"{name} changed since it was closed: trunkline ledger show {name}")
    if outcome.open_rows:
        output.note(f"{outcome.open_rows:,} contacts have not ended: they belong to no day yet.")
    reasons = sorted({why for record in outcome.records for why in record.why})
    for why in reasons:
        output.note(f"{why}: {WHY[why]}.")
    gone = sum(record.gone for record in outcome.records)
    if gone:
        output.note(f"{gone:,} certified contacts are gone: trunkline ledger verify names them.")
    for line in _advice(outcome, is_healing):
        output.note(line)
    if outcome.is_complete:
        output.note("Nothing is missing.")


def _advice(outcome: ReconcileResult, is_healing: bool) -> Iterator[str]:
    """What to do about the contacts that are missing: healing fetches from the API, and merges nothing else."""
    from trunkline.completeness.findings import HEALED_BY_API

    why = Counter[str]()
    for record in outcome.records:
        why.update(record.why)
    healable = sum(why[reason] for reason in HEALED_BY_API)
    if healable and not is_healing:
        yield f"{_contacts(healable)} missing: trunkline reconcile --heal fetches them."
    elif healable:
        yield f"{_contacts(healable)} still missing: the API did not return them. The findings say why."
    if why["not merged"]:
        yield (
            f"{_contacts(why['not merged'])} in the lake, but not in the warehouse, or there with another end. --heal "
            "does not fetch them, since the lake has them: trunkline warehouse rebuild merges them."
        )


def _contacts(count: int) -> str:
    return "1 contact is" if count == 1 else f"{count:,} contacts are"


def _show_plans(planned: Sequence[tuple[str, ReconcilePlan]], output_format: Format) -> None:
    columns = ["source", "periods", "windows", "contacts", "missing", "calls", "minutes"]
    rows = [
        (source, plan.periods, len(plan.windows), plan.contacts, plan.missing, plan.calls, round(plan.seconds / 60, 1))
        for source, plan in planned
    ]
    output.rows(columns, rows, output_format)
    output.note(
        "Contacts are those that the warehouse has for these days; missing ones take more calls. No call was made and "
        "nothing was written."
    )
