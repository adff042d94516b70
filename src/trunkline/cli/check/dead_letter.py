"""`trunkline dead-letter`: records set aside, with reason and bytes, and their replay."""

from __future__ import annotations

from collections import Counter
from typing import Annotated

import typer

from trunkline.cli import output
from trunkline.cli.ingest.load import show as show_load
from trunkline.cli.output import Format
from trunkline.cli.shared import Home, Output, Wait, dead_letter_ids, object_names, open_to_read, open_to_write, reasons
from trunkline.limits import LOCK_WAIT_S

app = typer.Typer(help="Records that were set aside.", no_args_is_help=True, rich_markup_mode=None)
ObjectName = Annotated[
    str | None, typer.Option("--object", help="Only those loaded as this object.", autocompletion=object_names)
]
Reason = Annotated[
    str | None,
    typer.Option("--reason", help="Only those with this reason, as `list` shows it.", autocompletion=reasons),
]


@app.command("list")
def list_letters(
    home: Home = None,
    wait_s: Wait = LOCK_WAIT_S,
    output_format: Output = Format.TABLE,
    object_name: ObjectName = None,
    reason: Reason = None,
    landed: Annotated[bool, typer.Option("--landed", help="Also those that a replay has loaded.")] = False,
) -> None:
    """List records set aside, one line per distinct record: the same bad record delivered twice is one line, times 2.

    Example: trunkline dead-letter list --reason truncated
    """
    from trunkline.ledger.index import dead_letters
    from trunkline.objects.catalogue import find

    _check_reason(reason)
    with open_to_read(home, wait_s) as opened:
        if object_name is not None:
            find(object_name, opened.objects)
        letters = dead_letters(opened.warehouse, object_name, is_open=not landed)
    copies = Counter((letter.object_name, letter.payload_hash) for letter in letters)
    distinct = {(letter.object_name, letter.payload_hash): letter for letter in reversed(letters)}
    rows = []
    for key in copies:
        letter = distinct[key]
        if reason in (None, letter.reason):
            position = _short(letter.position) if output_format is Format.TABLE else letter.position
            rows.append(
                (
                    letter.payload_hash[:12],
                    copies[key],
                    letter.object_name,
                    letter.reason,
                    letter.length,
                    letter.arrived_at,
                    letter.detail,
                    position,
                )
            )
    columns = ["id", "times", "object", "reason", "length", "arrived_at", "detail", "position"]
    output.rows(columns, rows, output_format)


def _short(position: str) -> str:
    """A position in short: the file's name and the offset."""
    place, _, offset = position.rpartition(":")
    return f"{place.rpartition('@')[0].rpartition('/')[2]}:{offset}"


@app.command()
def show(
    letter_id: Annotated[
        str,
        typer.Argument(
            metavar="ID", help="As `list` shows it; the first characters suffice.", autocompletion=dead_letter_ids
        ),
    ],
    home: Home = None,
    wait_s: Wait = LOCK_WAIT_S,
) -> None:
    """Write the bytes of a record that was set aside (its first MiB). They may hold personal data.

    For a row that the warehouse refused, the row as it is in the lake, as JSON.

    Example: trunkline dead-letter show 3f2a9c
    """
    import sys

    from trunkline.errors import UsageError
    from trunkline.ledger.index import dead_letters
    from trunkline.pipelines.set_aside import is_refused, kept_bytes, row_text

    with open_to_write(home, wait_s) as opened:
        matching = [
            letter
            for letter in dead_letters(opened.warehouse, is_open=False)
            if letter.payload_hash.startswith(letter_id)
        ]
        ids = {letter.payload_hash for letter in matching}
        if len(ids) != 1:
            seen = f"{len(ids):,} records set aside have" if ids else "no record set aside has"
            raise UsageError(
                f"{seen} an id that begins with {letter_id!r}; name one id as trunkline dead-letter list shows it"
            )
        first = matching[0]
        if is_refused(first):
            payload = row_text(opened, opened.objects[first.object_name], first)
        else:
            payload = kept_bytes(opened, first).payload
    output.note(f"{first.reason}: {first.detail}; {first.length:,} bytes at {first.position}")
    sys.stdout.buffer.write(payload)
    sys.stdout.buffer.flush()


@app.command()
def replay(
    home: Home = None,
    wait_s: Wait = LOCK_WAIT_S,
    output_format: Output = Format.TABLE,
    object_name: ObjectName = None,
    reason: Reason = None,
) -> None:
    """Load records that were set aside again, after a fix. What still cannot be used stays set aside.

    Example: trunkline dead-letter replay --reason wrong_type
    """
    from trunkline.ledger.index import dead_letters
    from trunkline.objects.catalogue import find
    from trunkline.pipelines.jobs.load import replay as run

    _check_reason(reason)
    with open_to_write(home, wait_s) as opened:
        names = [find(object_name, opened.objects).name] if object_name else list(opened.objects)
        results = []
        for name in names:
            letters = [letter for letter in dead_letters(opened.warehouse, name) if reason in (None, letter.reason)]
            if letters:
                results.append(run(opened, opened.objects[name], letters))
    for result in results:
        show_load(result, output_format)
    if not results:
        output.note("Nothing is set aside.")


def _check_reason(reason: str | None) -> None:
    from trunkline.errors import UsageError
    from trunkline.limits import DEAD_LETTER_REASONS

    if reason is not None and reason not in DEAD_LETTER_REASONS:
        raise UsageError(f"there is no reason {reason!r}; reasons are {', '.join(DEAD_LETTER_REASONS)}")
