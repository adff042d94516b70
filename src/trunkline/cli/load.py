"""`trunkline load`: files into lake and warehouse."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from trunkline.cli import output
from trunkline.cli.open import declared, owned
from trunkline.cli.options import Home, Output
from trunkline.cli.output import Format
from trunkline.cli.progress import progress

if TYPE_CHECKING:
    from trunkline.pipelines.runner import LoadResult

_COUNTS = ("filtered", "dead_letter", "inserted", "updated", "deleted", "superseded", "duplicate", "rejected")


def load(
    object_name: Annotated[str, typer.Argument(metavar="OBJECT", help="What the files hold: contact_record, ...")],
    paths: Annotated[list[str], typer.Argument(metavar="PATH", help="Files, folders, globs or s3:// URLs.")],
    home: Home = None,
    output_format: Output = Format.TABLE,
    strict: Annotated[bool, typer.Option("--strict", help="Exit 1 when a record was set aside.")] = False,
) -> None:
    """Load what is new in these files into the lake and the warehouse.

    Reads Firehose files (objects back to back), NDJSON, pretty-printed JSON and arrays, plain, gzip or zstd; for
    `transcript` the files of Transcribe, Call Analytics and Contact Lens, each of which is one record.
    A record that cannot be used is set aside (`trunkline dead-letter list`), never dropped, and never stops the load.
    Stopped at any point, the same command goes on where it was; files already loaded are not read again.

    `trunkline load undo BATCH` takes a batch back: lake and warehouse are as if it had not been loaded. Its files count
    as read, so that the next load does not bring it back. Batch ids are in ledger.batch.

    Example: trunkline load contact_record firehose/2026/03/ --home ./my-centre
    """
    if object_name == "undo":
        _undo(paths, home, output_format)
        return
    from trunkline.objects.catalogue import find
    from trunkline.pipelines.load import load as run
    from trunkline.sources.registry import list_files

    # Before the home is opened: a mistake in the command leaves nothing behind.
    list_files(find(object_name, declared(home)), paths)
    with owned(home) as opened:
        obj = find(object_name, opened.objects)
        size = sum(file.size_bytes for file in list_files(obj, paths))
        with progress(f"Loading {obj.name}", size, "bytes") as advance:
            result = run(opened, obj, paths, advance)
    show(result, output_format)
    if strict and result.counts.dead_letter:
        raise typer.Exit(1)


def _undo(batches: list[str], home: Path | None, output_format: Format) -> None:
    from trunkline.pipelines.undo import undo

    with owned(home) as opened:
        done = [undo(opened, opened.objects.values(), batch) for batch in batches]
    rows = [(one.object_name, one.batch_id, one.records, one.rows) for one in done]
    output.rows(["object", "batch", "records_taken_back", "rows_changed"], rows, output_format)


def show(result: LoadResult, output_format: Format) -> None:
    """What a load did: one JSON object or CSV line, or for people the accounting line and what was remarkable."""
    if output_format is not Format.TABLE:
        fields: dict[str, object] = {"object": result.object_name, "read": result.counts.read}
        fields |= {name: getattr(result.counts, name) for name in _COUNTS}
        fields |= {"batches": result.batches, "bytes": result.bytes_read, "seconds": round(result.seconds, 3)}
        output.record(fields, output_format)
        return
    if not result.counts.read and not result.recovered:
        output.note(_nothing_new(result))
    if result.recovered:
        output.note(f"Finished {result.recovered:,} batches that an earlier run had begun.")
    output.text(result.counts.sentence())
    for line in drift_lines(result):
        output.note(line)
    if result.counts.dead_letter:
        output.note("See what was set aside: trunkline dead-letter list")


def _nothing_new(result: LoadResult) -> str:
    if not result.files:
        return "There is no file in what was named."
    return (
        f"Nothing is new: all {result.files:,} files were loaded before." if not result.batches else "No record in it."
    )


def drift_lines(result: LoadResult) -> list[str]:
    """How the records differ from the catalogue, for people; empty when they do not."""
    from trunkline.ledger.drift import findings

    return findings(result.drifts, [])
