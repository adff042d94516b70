"""`trunkline lake`: upkeep of the lake's files."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

import typer

from trunkline.cli import lake_register, output
from trunkline.cli.open import owned
from trunkline.cli.options import Home, Output
from trunkline.cli.output import Format
from trunkline.cli.progress import progress

app = typer.Typer(
    help="The lake: one file a day instead of one a load, and known to Athena.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@app.callback()
def lake() -> None:
    """The lake: one file a day instead of one a load, and known to Athena."""


@app.command()
def compact(
    home: Home = None,
    output_format: Output = Format.TABLE,
    grace_minutes: Annotated[
        int, typer.Option("--grace-minutes", min=0, help="Keep replaced files this long, for readers at work.")
    ] = 60,
) -> None:
    """Make each day of the lake one sorted file, and remove files replaced longer ago than the grace time.

    Readers lose and double nothing meanwhile. Where a contact was redacted, its older versions lose the same data.
    Bytes of dead letters older than dead_letter_retention_days go; what is known of them stays.

    Example: trunkline lake compact --grace-minutes 0
    """
    from trunkline.pipelines.upkeep import compact as run

    with owned(home) as opened:
        rows = []
        for name, obj in opened.objects.items():
            with progress(f"Compacting {name}", None, "days") as advance:
                done = run(opened, obj, timedelta(minutes=grace_minutes), advance)
            rows.append(
                (name, done.partitions, done.files_replaced, done.files_removed, done.scrubbed, done.bytes_dropped)
            )
    output.rows(
        [
            "object",
            "days_compacted",
            "files_replaced",
            "files_removed",
            "versions_scrubbed",
            "dead_letter_files_dropped",
        ],
        rows,
        output_format,
    )


app.command("register")(lake_register.register)
app.command("query")(lake_register.query)
