"""`trunkline backfill`: all items of a DynamoDB table, from an export or by a scan."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from trunkline.cli.load import show
from trunkline.cli.open import declared, owned
from trunkline.cli.options import Home, Output
from trunkline.cli.output import Format
from trunkline.cli.progress import progress
from trunkline.cli.stream import table_of
from trunkline.errors import UsageError

if TYPE_CHECKING:
    from trunkline.objects.model import Object
    from trunkline.pipelines.backfill import ScanOptions
    from trunkline.pipelines.home import Home as OpenHome
    from trunkline.pipelines.load import LoadResult


def backfill(
    object_name: Annotated[str, typer.Argument(metavar="OBJECT", help="What the table holds: call, scorecard, ...")],
    source: Annotated[
        str, typer.Option("--from", help="dynamodb://TABLE to scan it, or the folder of an export, local or s3://.")
    ],
    segments: Annotated[int, typer.Option(min=1, max=64, help="Parallel segments of a scan.")] = 4,
    share: Annotated[
        float, typer.Option(min=0.01, max=1.0, help="Part of the table's provisioned read capacity that a scan takes.")
    ] = 0.5,
    units: Annotated[
        float | None, typer.Option(min=0.5, help="Read capacity units a second instead, also for a table on demand.")
    ] = None,
    delete_missing: Annotated[
        bool, typer.Option("--delete-missing", help="Delete rows that the finished scan did not find.")
    ] = False,
    restart: Annotated[bool, typer.Option("--restart", help="Begin a stopped scan again from its start.")] = False,
    home: Home = None,
    output_format: Output = Format.TABLE,
    strict: Annotated[bool, typer.Option("--strict", help="Exit 1 when an item was set aside.")] = False,
) -> None:
    """Load all items of a DynamoDB table into the lake and the warehouse.

    Before, during or after following the table's stream: newer changes win, and nothing deleted comes back. For a large
    table export it to S3 first, which takes none of its capacity, and name the export's folder
    (.../AWSDynamoDB/EXPORT-ID); full and incremental exports can be read. Stopped at any point, the same command goes
    on where it was.

    Example: trunkline backfill call --from s3://exports/AWSDynamoDB/01693685827463-2d8752fd --home ./my-centre
    """
    from trunkline.objects.catalogue import find
    from trunkline.pipelines.backfill import ScanOptions

    is_scan = source.startswith("dynamodb:")
    if not is_scan and (delete_missing or restart):
        raise UsageError("--delete-missing and --restart are for a scan, --from dynamodb://TABLE")
    if is_scan:
        table_of(source, f"trunkline backfill {object_name}")
    find(object_name, declared(home))
    options = ScanOptions(segments, share, units, delete_missing, restart)
    with owned(home) as opened:
        obj = find(object_name, opened.objects)
        result = _scan(opened, obj, source, options) if is_scan else _export(opened, obj, source)
    show(result, output_format)
    if strict and result.counts.dead_letter:
        raise typer.Exit(1)


def _scan(home: OpenHome, obj: Object, source: str, options: ScanOptions) -> LoadResult:
    from trunkline.aws.clients import make_client
    from trunkline.pipelines.backfill import backfill_scan
    from trunkline.sources.dynamodb.tables import describe_table, object_of

    table = table_of(source, f"trunkline backfill {obj.name}")
    found = object_of(table, home.settings, home.objects)
    if found != obj:
        raise UsageError(f"the table {table} holds {found.name} by setting dynamodb_tables, not {obj.name}")
    client = make_client("dynamodb", connections=options.segments + 1)
    # DynamoDB counts a table's items every six hours, so the bar may end early or late.
    with progress(f"Scanning {table}", describe_table(client, table).get("ItemCount") or None, "items") as advance:
        return backfill_scan(home, obj, table, client, options, advance)


def _export(home: OpenHome, obj: Object, place: str) -> LoadResult:
    from trunkline.pipelines.backfill import backfill_export

    with progress(f"Loading {place}", None, "bytes") as advance:
        return backfill_export(home, obj, place, advance)
