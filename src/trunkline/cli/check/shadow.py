"""`trunkline shadow`: an existing table against what Trunkline makes of the same contacts."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from trunkline.cli import output
from trunkline.cli.output import Format
from trunkline.cli.shared import Home, Output, Wait, load_objects, progress
from trunkline.limits import LOCK_WAIT_S
from trunkline.schedules.times import parse_time
from trunkline.settings.installation import Settings

if TYPE_CHECKING:
    from trunkline.objects.adopted import AdoptedTable
    from trunkline.pipelines.adopt.shadow import Difference


def shadow(
    mapping: Annotated[
        Path, typer.Argument(metavar="MAPPING", help="TOML file: the existing table, and which column is which.")
    ],
    paths: Annotated[
        list[str] | None,
        typer.Argument(metavar="[PATH]...", help="Files to load beside it first, as `load` takes them."),
    ] = None,
    since: Annotated[str | None, typer.Option("--since", help="First day to compare (default: all).")] = None,
    until: Annotated[str | None, typer.Option("--until", help="Last day, exclusive.")] = None,
    by: Annotated[Literal["column", "row"], typer.Option("--by", help="Show columns, or the first rows.")] = "column",
    again: Annotated[bool, typer.Option("--again", help="Compare days that were compared before, too.")] = False,
    strict: Annotated[bool, typer.Option("--strict", help="Exit 1 when the tables differ.")] = False,
    home: Home = None,
    wait_s: Wait = LOCK_WAIT_S,
    output_format: Output = Format.TABLE,
) -> None:
    """Load beside an existing table of the warehouse, and show how the two differ, by column and by row.

    The existing table, such as the connect.f_calls of your own pipeline, is only read. Files are loaded into a schema
    of their own (`trunkline_shadow`). Both are compared by UTC day and key; examples are ids, never values. It can be
    stopped at any time: the same command resumes it, and compares only days whose rows have changed.

    Example: trunkline shadow f_calls.toml firehose/2026/03/ --since 2026-03-01
    """
    from trunkline.objects.adopted import read_mapping
    from trunkline.pipelines.adopt.shadow import compare, load_beside, shadow_home
    from trunkline.pipelines.waiting import waiting_to_write
    from trunkline.sources.registry import list_files

    settings = Settings.load(home)
    table = read_mapping(mapping, load_objects(home), settings.pii)
    start, end = parse_time(since, settings.zone, "--since"), parse_time(until, settings.zone, "--until")
    with waiting_to_write(lambda: shadow_home(settings, table, output.note), wait_s, output.note) as opened:
        if paths:
            size = sum(file.size_bytes for file in list_files(table.obj, paths))
            with progress(f"Loading {table.obj.name}", size, "bytes") as advance:
                result = load_beside(opened, table, paths, advance)
            output.note(f"{table.obj.warehouse_table}: {result.counts.sentence()}")
        with progress("Comparing", None, "days") as advance:
            difference = compare(opened, table, start, end, again, advance)
    _show(difference, table, by, output_format)
    if strict and not difference.is_none:
        raise typer.Exit(1)


def _show(difference: Difference, table: AdoptedTable, by: str, output_format: Format) -> None:
    key = table.key.ours.name
    if by == "row":
        output.rows([key, "difference"], _by_row(difference), output_format)
    else:
        columns = ["column", "compared", "different", "only_ours", "only_theirs", "examples"]
        # Ids are long: two of them leave a terminal's line readable.
        shown = 2 if output_format is Format.TABLE else None
        rows = [
            (name, difference.both, c.different, c.only_ours, c.only_theirs, ", ".join(c.examples[:shown]) or None)
            for name, c in difference.columns.items()
        ]
        output.rows(columns, rows, output_format)
    output.note(
        f"{table.name} has {difference.theirs:,} rows, {table.obj.warehouse_table} {difference.ours:,}; "
        f"{difference.both:,} are in both."
    )
    for count, examples, what in (
        (difference.missing_theirs, difference.missing_theirs_examples, f"are not in {table.name}"),
        (difference.missing_ours, difference.missing_ours_examples, f"are not in {table.obj.warehouse_table}"),
        (difference.doubled, difference.doubled_examples, f"are more than one row of a {key} in {table.name}"),
    ):
        if count:
            output.note(f"{count:,} {what}: {', '.join(examples)}" + (", ..." if count > len(examples) else ""))


def _by_row(difference: Difference) -> list[tuple[str, str]]:
    """The example rows, each with the columns that differ."""
    rows: dict[str, list[str]] = {}
    for name, column in difference.columns.items():
        for key in column.examples:
            rows.setdefault(key, []).append(name)
    for key in difference.missing_theirs_examples:
        rows.setdefault(key, []).append("missing in theirs")
    for key in difference.missing_ours_examples:
        rows.setdefault(key, []).append("missing in ours")
    for key in difference.doubled_examples:
        rows.setdefault(key, []).append("doubled in theirs")
    return [(key, ", ".join(names)) for key, names in sorted(rows.items())]
