"""`trunkline ledger`: how complete each day is, its certificate, and whether that still holds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from trunkline.cli import output
from trunkline.cli.check.reconcile import show_records
from trunkline.cli.output import Format
from trunkline.cli.shared import Home, Output, Wait, open_to_write, progress
from trunkline.errors import UsageError
from trunkline.limits import LOCK_WAIT_S

if TYPE_CHECKING:
    from trunkline.completeness.certificates import Chain
    from trunkline.completeness.certifying import Verdict

app = typer.Typer(help="How complete each day is, and its certificates.", no_args_is_help=True, rich_markup_mode=None)
OBJECT = "contact_record"
Period = Annotated[str | None, typer.Argument(metavar="[DAY]", help="A UTC day, such as 2026-03-03 (default: all).")]


@app.command()
def show(
    day: Period = None, home: Home = None, wait_s: Wait = LOCK_WAIT_S, output_format: Output = Format.TABLE
) -> None:
    """List the days that were reconciled, with their state and counts; of one day, its certificate and amendments too.

    open: the day has not ended. settling: late contacts may come, or one is missing. closed: certified.

    Example: trunkline ledger show 2026-03-03
    """
    from datetime import date

    from trunkline.completeness.certifying import chain_of
    from trunkline.completeness.period_records import load_records
    from trunkline.completeness.periods import period_of

    with open_to_write(home, wait_s) as opened:
        records = [record for record in load_records(opened.store, OBJECT) if day in (None, record.name)]
        if day is not None and not records:
            raise UsageError(f"{day!r} is no day that was reconciled; trunkline ledger show lists them")
        show_records(opened, records, output_format)
        if day is None or output_format is not Format.TABLE:
            return
        for record in records:
            chain = chain_of(
                opened.store, opened.objects[OBJECT], record.source, period_of(date.fromisoformat(record.name))
            )
            if chain is not None:
                _show_chain(chain)


def _show_chain(chain: Chain) -> None:
    certificate = chain.certificate
    output.text("")
    output.record(
        {
            "certificate of": certificate.source,
            "closed_at": certificate.closed_at,
            "listed_as_of": certificate.listed_as_of,
            "settle_hours": ", ".join(f"{hours:g}" for hours in certificate.settle_hours),
            "pairs": certificate.pairs,
            "sha256": certificate.sha256,
        }
    )
    entries = [
        (amendment.number, entry.id, entry.change, entry.before, entry.after, amendment.appended_at)
        for amendment in chain.amendments
        for entry in amendment.entries
    ]
    if entries:
        output.text("")
        output.rows(["amendment", "contact", "change", "ended_before", "ended_after", "appended_at"], entries)
        output.text("")
        output.record({"pairs now": chain.last.pairs, "sha256 now": chain.last.sha256})


@app.command()
def verify(
    day: Period = None, home: Home = None, wait_s: Wait = LOCK_WAIT_S, output_format: Output = Format.TABLE
) -> None:
    """Check certificates: the documents are as written, and lake and warehouse still hold every certified contact.

    Exits 1 when one does not hold. Contacts that changed since are counted; the next reconcile amends them.

    Example: trunkline ledger verify 2026-03-03
    """
    from trunkline.pipelines.connect.verify import certified_periods, verify_all

    with open_to_write(home, wait_s) as opened:
        obj = opened.objects[OBJECT]
        total = sum(1 for _, name in certified_periods(opened, OBJECT) if day in (None, name))
        with progress("Verifying", total, "days") as advance:
            verdicts = list(verify_all(opened, obj, day, advance))
    _show_verdicts(verdicts, output_format)
    if any(not verdict.holds for verdict in verdicts):
        raise typer.Exit(1)


def _show_verdicts(verdicts: list[Verdict], output_format: Format) -> None:
    columns = ["period", "source", "verdict", "pairs", "amendments", "changed_since", "sha256", "faults"]
    rows = [
        (
            verdict.name,
            verdict.source,
            "holds" if verdict.holds else "broken",
            verdict.pairs,
            verdict.amendments,
            verdict.changed,
            verdict.sha256,
            list(verdict.faults) if output_format is not Format.TABLE else "; ".join(verdict.faults),
        )
        for verdict in verdicts
    ]
    if not rows and output_format is Format.TABLE:
        output.note("No day is closed yet: trunkline reconcile closes those that have settled.")
        return
    output.rows(columns, rows, output_format)
