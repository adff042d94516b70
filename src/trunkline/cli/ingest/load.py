"""`trunkline load`, `undo` and `enrich`: files into lake and warehouse, and out of them again."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from trunkline.cli import output
from trunkline.cli.output import Format
from trunkline.cli.shared import (
    Home,
    Output,
    Strict,
    Wait,
    batch_ids,
    load_objects,
    object_names,
    open_to_write,
    progress,
)
from trunkline.errors import UsageError
from trunkline.limits import LOCK_WAIT_S
from trunkline.schedules.times import parse_time

if TYPE_CHECKING:
    from trunkline.objects.model import Object
    from trunkline.pipelines.runner import LoadResult

COUNTS = ("filtered", "dead_letter", "inserted", "updated", "deleted", "superseded", "duplicate", "rejected")


def load(
    object_name: Annotated[
        str,
        typer.Argument(
            metavar="OBJECT",
            help="What the files hold: contact_record, ... Several with commas between: contact_record,agent_event.",
            autocompletion=object_names,
        ),
    ],
    paths: Annotated[
        list[str], typer.Argument(metavar="PATH", help="Files, folders, globs, s3:// URLs, or - for standard input.")
    ],
    home: Home = None,
    wait_s: Wait = LOCK_WAIT_S,
    output_format: Output = Format.TABLE,
    strict: Strict = False,
) -> None:
    """Load what is new in these files into the lake and the warehouse.

    Reads Firehose files (objects back to back), NDJSON, pretty-printed JSON and arrays, CSV, Parquet and Excel,
    uncompressed or as gzip, zstd, ZIP or Snappy; `-` is standard input. A file of another format is refused by its
    name, and the others are loaded.
    Files of a stream that carries several objects are read once for all that are named, contact_record, agent_event
    and contact_event: each record goes to the object whose shape it has, those of objects that are not named are
    counted as filtered, and what has no known shape is of the first. For `transcript`, reads the files of Transcribe,
    Call Analytics and Contact Lens, each of which is one record.
    A record that cannot be used is set aside (`trunkline dead-letter list`), never dropped, and never stops the load.
    A load can be stopped at any time: the same command resumes it. Files already loaded are not read again.

    `trunkline undo BATCH` undoes a load.

    Example: trunkline load contact_record firehose/2026/03/ --home ./my-centre
    """
    from trunkline.pipelines.jobs.load import load as run
    from trunkline.pipelines.jobs.load import load_stream
    from trunkline.pipelines.jobs.load_mixed import load_mixed
    from trunkline.sources.registry import list_files

    is_stream = paths == ["-"]
    objects = _objects_to_load(object_name, is_stream, home)
    if not is_stream:
        list_files(objects[0], paths)  # before the home is opened: a mistake in the command leaves nothing behind
    with open_to_write(home, wait_s) as opened:
        objs = [opened.objects[obj.name] for obj in objects]
        size = None if is_stream else sum(file.size_bytes for file in list_files(objs[0], paths))
        with progress(f"Loading {', '.join(obj.name for obj in objs)}", size, "bytes") as advance:
            if len(objs) > 1:
                results = load_mixed(opened, objs, paths, advance)
            elif is_stream:
                results = [load_stream(opened, objs[0], sys.stdin.buffer, advance)]
            else:
                results = [run(opened, objs[0], paths, advance)]
    for result in results:
        if len(results) > 1 and output_format is Format.TABLE:
            output.text(f"{result.object_name}:")
        show(result, output_format)
    if any(result.is_useless or (strict and result.counts.dead_letter) for result in results):
        raise typer.Exit(1)


def _objects_to_load(names: str, is_stream: bool, home: Path | None) -> list[Object]:
    """The objects named with commas between. Raises UsageError where they cannot be read together."""
    from trunkline.objects.catalogue import find
    from trunkline.pipelines.jobs.load_mixed import check_mixed

    objects = [find(name.strip(), load_objects(home)) for name in names.split(",")]
    if len(objects) > 1:
        check_mixed(objects)
        if is_stream:
            raise UsageError(f"standard input is read for one object, and {len(objects)} are named: {names}")
    return objects


def undo(
    batches: Annotated[
        list[str],
        typer.Argument(
            metavar="BATCH", help="Ids as in ledger.batch; the first characters suffice.", autocompletion=batch_ids
        ),
    ],
    home: Home = None,
    wait_s: Wait = LOCK_WAIT_S,
    output_format: Output = Format.TABLE,
) -> None:
    """Undo loads, batch by batch: lake and warehouse are as if these batches had never been loaded.

    Their files still count as read, so that the next load does not bring them back. Batch ids are in the table
    ledger.batch.

    Example: trunkline undo 3f2a9c1e --home ./my-centre
    """
    from trunkline.pipelines.jobs.undo import undo as run

    with open_to_write(home, wait_s) as opened:
        undone = [run(opened, opened.objects.values(), batch) for batch in batches]
    rows = [(batch.object_name, batch.batch_id, batch.records, batch.rows) for batch in undone]
    output.rows(["object", "batch", "records_undone", "rows_changed"], rows, output_format)


def enrich(
    since: Annotated[str, typer.Option("--since", help="Calls from this time on: a date or time, yesterday, 7d.")],
    until: Annotated[str | None, typer.Option("--until", help="Calls before this time (default: now).")] = None,
    home: Home = None,
    wait_s: Wait = LOCK_WAIT_S,
    output_format: Output = Format.TABLE,
    again: Annotated[
        bool, typer.Option("--again", help="Also look for calls that were tried recently or given up.")
    ] = False,
    strict: Strict = False,
) -> None:
    """Look for the transcripts of calls that have none, and load those that are there.

    Looks under `transcript_keys` in the place that the setting `transcripts` names. Each transcript is read once. A
    call without one is tried again 15 minutes later, then less and less often, and given up a month after it.

    Example: TRUNKLINE_TRANSCRIPTS=s3://your-transcribe-bucket trunkline enrich --since 2026-02-11
    """
    from trunkline import clock
    from trunkline.pipelines.post_call.enrich import due_calls, place_of
    from trunkline.pipelines.post_call.enrich import enrich as run
    from trunkline.settings.installation import Settings

    settings = Settings.load(home)
    first, last = parse_time(since, settings.zone, "--since"), parse_time(until, settings.zone, "--until")
    assert first is not None
    last = last or clock.now()
    place_of(settings)  # before the home is opened: a mistake in the command leaves nothing behind
    with open_to_write(home, wait_s) as opened:
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


def show(result: LoadResult, output_format: Format, nothing_new: str | None = None) -> None:
    """What a load did: one JSON object or CSV row, or for people the accounting line and what was remarkable."""
    from trunkline.accounting import findings

    if output_format is not Format.TABLE:
        fields: dict[str, object] = {"object": result.object_name, "read": result.counts.read}
        fields |= {name: getattr(result.counts, name) for name in COUNTS}
        fields |= {"batches": result.batches, "bytes": result.bytes_read, "seconds": round(result.seconds, 3)}
        output.record(fields, output_format)
        return
    if not result.counts.read and not result.recovered:
        output.note(nothing_new or _nothing_new(result))
    if result.recovered:
        output.note(f"Finished {result.recovered:,} batches of an earlier run.")
    output.text(result.counts.sentence())
    for line in findings(result.drifts):
        output.note(line)
    for sentence in result.refused:
        output.note(sentence)
    for (reason, meaning), count in result.reasons.items() if result.is_useless else ():
        output.note(f"Set aside: {count:,} x {reason} ({meaning})")
    if result.counts.dead_letter:
        output.note("See what was set aside: trunkline dead-letter list")


def _nothing_new(result: LoadResult) -> str:
    if not result.files:
        return "No files were found there."
    if result.batches:
        return "The files hold no records."
    return f"Nothing new: all {result.files:,} files were loaded before."
