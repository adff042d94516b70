"""What the shell completes: names that exist in the home, looked up while the person types.

Completion never fails and never waits: where a home cannot be opened, nothing is offered.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

import typer

Complete = Callable[[typer.Context, str], list[str]]


def _quiet(names: Callable[[Path | None], Iterable[str]]) -> Complete:
    """A completion of the names that begin as typed, in any case; of none where they cannot be found."""

    def complete(ctx: typer.Context, incomplete: str) -> list[str]:  # typer knows the arguments by these names
        try:
            listed = list(names(ctx.params.get("home")))
        except Exception:  # noqa: BLE001 - a shell that completes cannot show an error
            return []
        return [name for name in listed if name.lower().startswith(incomplete.lower())]

    return complete


@_quiet
def object_names(home: Path | None) -> Iterable[str]:
    """Objects, the home's own included."""
    from trunkline.cli.shared import load_objects

    return load_objects(home)


@_quiet
def table_names(home: Path | None) -> Iterable[str]:
    """Objects and views."""
    from trunkline.cli.shared import load_objects
    from trunkline.objects.catalogue import VIEWS

    return [*load_objects(home), *VIEWS]


@_quiet
def metric_names(home: Path | None) -> Iterable[str]:
    """Metrics, in the case in which people type them."""
    from trunkline.metrics.catalogue import METRICS

    return [name.lower() for name in METRICS]


@_quiet
def group_names(home: Path | None) -> Iterable[str]:
    """What metrics of any object can be grouped by."""
    from trunkline.metrics.catalogue import METRICS

    return dict.fromkeys(dimension.name for metric in METRICS.values() for dimension in metric.of.obj.dimensions)


@_quiet
def reasons(home: Path | None) -> Iterable[str]:
    """Reasons for dead letters."""
    from trunkline.limits import DEAD_LETTER_REASONS

    return DEAD_LETTER_REASONS


@_quiet
def dead_letter_ids(home: Path | None) -> Iterable[str]:
    """The ids that `dead-letter list` shows."""
    from trunkline.cli.shared import open_to_read
    from trunkline.ledger.index import dead_letters

    with open_to_read(home, 0) as opened:
        return dict.fromkeys(letter.payload_hash[:12] for letter in dead_letters(opened.warehouse))


@_quiet
def batch_ids(home: Path | None) -> Iterable[str]:
    """The batches in the ledger, latest first."""
    from trunkline.cli.shared import open_to_read

    with open_to_read(home, 0) as opened:
        rows = opened.warehouse.query("SELECT batch_id FROM ledger.batch ORDER BY merged_at DESC LIMIT 100")
        return [str(batch) for (batch,) in rows]
