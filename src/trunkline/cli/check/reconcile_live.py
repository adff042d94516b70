"""`trunkline reconcile --live`: a day's live numbers against those of its contact records, contact by contact."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from trunkline.cli import output
from trunkline.cli.output import Format
from trunkline.cli.shared import open_to_read
from trunkline.schedules.times import parse_date

if TYPE_CHECKING:
    from trunkline.live.convergence import LiveReconciliation

COLUMNS = ("contact", "metric", "live", "final", "reason")
_SHOWN = 20


def show_live_day(home: Path | None, wait_s: float, day: str, output_format: Format) -> None:
    """Compare a local day and show it: a table of the numbers that differ, or every difference as JSON or CSV.

    Raises UsageError for a day that is none, or of which no event is stored.
    """
    from trunkline.pipelines.live.reconcile_live import reconcile_live_day

    with open_to_read(home, wait_s) as reader:
        zone = reader.settings.zone
        result = reconcile_live_day(reader, parse_date(day, "--live", zone), zone)
    differences = ((d.contact_id, d.metric, d.early, d.final, d.reason) for d in result.differences)
    if output_format is not Format.TABLE:
        output.rows(COLUMNS, differences, output_format)
        return
    changed = [(name, early, final) for name, (early, final) in result.numbers.items() if early != final]
    output.rows(["metric", "live", "final"], changed)
    output.text("")
    output.rows(["reason", "contacts"], result.reasons.items())
    if result.differences:
        # The rarest reasons first: what no event can say concerns many contacts.
        by_reason = sorted(differences, key=lambda row: (result.reasons[row[-1]], row[0], row[1]))
        output.text("")
        output.rows(COLUMNS, by_reason[:_SHOWN])
    _describe(result)


def _describe(result: LiveReconciliation) -> None:
    output.note(
        f"{result.compared:,} contacts ended on {result.day} and have a record; {result.equal:,} were right in every "
        f"metric before it came. {result.pending:,} more ended by their events, and have no record."
    )
    if len(result.differences) > _SHOWN:
        output.note(f"{len(result.differences) - _SHOWN:,} more differences: --output json has all.")
