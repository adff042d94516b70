"""`trunkline enable-stream` and `backfill`: DynamoDB tables, ready to be followed or read whole."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final

import typer

from trunkline.cli import output
from trunkline.cli.ingest.load import show
from trunkline.cli.output import Format
from trunkline.cli.shared import Home, Output, Strict, Wait, load_objects, object_names, open_to_write, progress
from trunkline.errors import UsageError
from trunkline.limits import LOCK_WAIT_S

if TYPE_CHECKING:
    from trunkline.objects.model import Object
    from trunkline.pipelines.home import Home as OpenHome
    from trunkline.pipelines.post_call.backfill import ScanOptions
    from trunkline.pipelines.runner import LoadResult

_SCHEME: Final = "dynamodb://"
ObjectName = Annotated[
    str,
    typer.Argument(metavar="OBJECT", help="What the table holds: call, scorecard, ...", autocompletion=object_names),
]


def enable_stream(
    table: Annotated[str, typer.Argument(metavar="TABLE", help="The table's name.")],
    output_format: Output = Format.TABLE,
) -> None:
    """Enable a DynamoDB table's stream with new and old images, as `stream` needs it, and check that it is enabled.

    Example: trunkline enable-stream calls
    """
    import time

    from trunkline.aws.clients import make_client
    from trunkline.sources.dynamodb.tables import enable_stream

    arn, is_new = enable_stream(make_client("dynamodb"), table.removeprefix(_SCHEME), time.sleep)
    if output_format is not Format.TABLE:
        output.record({"table": table, "stream": arn, "was_enabled": not is_new}, output_format)
        return
    state = "is now enabled" if is_new else "was already enabled"
    output.text(f"The stream of {table} {state}, with new and old images.")
    output.note(arn)


def backfill(
    object_name: ObjectName,
    source: Annotated[
        str, typer.Option("--from", help="dynamodb://TABLE to scan it, or the folder of an export, local or s3://.")
    ],
    segments: Annotated[int, typer.Option(min=1, max=64, help="Parallel segments of a scan.")] = 4,
    share: Annotated[
        float, typer.Option(min=0.01, max=1.0, help="Share of the table's provisioned read capacity for a scan.")
    ] = 0.5,
    units: Annotated[
        float | None, typer.Option(min=0.5, help="Read capacity units a second instead, also for a table on demand.")
    ] = None,
    delete_missing: Annotated[
        bool, typer.Option("--delete-missing", help="Delete rows that the finished scan did not find.")
    ] = False,
    restart: Annotated[bool, typer.Option("--restart", help="Restart an interrupted scan from the beginning.")] = False,
    home: Home = None,
    wait_s: Wait = LOCK_WAIT_S,
    output_format: Output = Format.TABLE,
    strict: Strict = False,
) -> None:
    """Load all items of a DynamoDB table into the lake and the warehouse.

    Run it before, during or after following the table's stream: newer changes win, and nothing deleted comes back. For
    a large table export it to S3 first, which uses none of its capacity, and name the export's folder
    (.../AWSDynamoDB/EXPORT-ID). Full and incremental exports can be read. A backfill can be stopped at any time: the
    same command resumes it.

    Example: trunkline backfill call --from s3://exports/AWSDynamoDB/01693685827463-2d8752fd --home ./my-centre
    """
    from trunkline.objects.catalogue import find
    from trunkline.pipelines.post_call.backfill import ScanOptions

    is_scan = source.startswith("dynamodb:")
    if not is_scan and (delete_missing or restart):
        raise UsageError("--delete-missing and --restart are for a scan, --from dynamodb://TABLE")
    if is_scan:
        _table_in(source, f"trunkline backfill {object_name}")
    find(object_name, load_objects(home))
    options = ScanOptions(segments, share, units, delete_missing, restart)
    with open_to_write(home, wait_s) as opened:
        obj = find(object_name, opened.objects)
        result = _scan(opened, obj, source, options) if is_scan else _read_export(opened, obj, source)
    show(result, output_format)
    if strict and result.counts.dead_letter:
        raise typer.Exit(1)


def _scan(home: OpenHome, obj: Object, source: str, options: ScanOptions) -> LoadResult:
    from trunkline.aws.clients import make_client
    from trunkline.pipelines.post_call.backfill import backfill_scan
    from trunkline.sources.dynamodb.tables import describe_table

    table = _table_in(source, f"trunkline backfill {obj.name}")
    object_of_table(home, table, obj.name)
    client = make_client("dynamodb", connections=options.segments + 1)
    # DynamoDB updates a table's item count every six hours, so the bar may end early or late.
    with progress(f"Scanning {table}", describe_table(client, table).get("ItemCount") or None, "items") as advance:
        return backfill_scan(home, obj, table, client, options, advance)


def _read_export(home: OpenHome, obj: Object, place: str) -> LoadResult:
    from trunkline.pipelines.post_call.backfill import backfill_export

    with progress(f"Loading {place}", None, "bytes") as advance:
        return backfill_export(home, obj, place, advance)


def _table_in(source: str, command: str) -> str:
    """The table in `dynamodb://TABLE`. Raises UsageError for anything else."""
    table = source.removeprefix(_SCHEME)
    if not source.startswith(_SCHEME) or not table:
        raise UsageError(f"--from is {source!r}; name a table: {command} --from dynamodb://TABLE")
    return table


def object_of_table(home: OpenHome, table: str, object_name: str) -> Object:
    """The object that the table holds. Raises UsageError where the settings say that it holds another."""
    from trunkline.sources.dynamodb.tables import object_of

    obj = object_of(table, home.settings, home.objects)
    if obj.name != object_name:
        raise UsageError(f"the table {table} holds {obj.name} by setting dynamodb_tables, not {object_name}")
    return obj
