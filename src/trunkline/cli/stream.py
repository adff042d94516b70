"""`trunkline stream`: follow a table's changes, or switch them on."""

from __future__ import annotations

from typing import Annotated

import typer

from trunkline.cli import output
from trunkline.cli.load import show
from trunkline.cli.open import declared, owned
from trunkline.cli.options import Home, Output
from trunkline.cli.output import Format
from trunkline.cli.progress import progress
from trunkline.errors import UsageError

_SCHEME = "dynamodb://"


def stream(
    object_name: Annotated[
        str, typer.Argument(metavar="OBJECT", help="What the table holds: call, scorecard, ...; or the word enable.")
    ],
    table: Annotated[str | None, typer.Argument(metavar="[TABLE]", help="After enable: the table's name.")] = None,
    source: Annotated[str | None, typer.Option("--from", help="The table to follow: dynamodb://TABLE.")] = None,
    until_idle: Annotated[bool, typer.Option("--until-idle", help="End when nothing is left to read.")] = False,
    accept_gap: Annotated[
        bool, typer.Option("--accept-gap", help="Go on where changes went unread after 24 hours.")
    ] = False,
    home: Home = None,
    output_format: Output = Format.TABLE,
) -> None:
    """Follow a DynamoDB table's changes into the lake and the warehouse, or switch its stream on.

    `stream enable TABLE` enables the stream with new and old images, as these pipelines need it, and checks that it is.
    `stream OBJECT --from dynamodb://TABLE` reads from the oldest change that DynamoDB keeps (24 hours), or from where
    the last run ended, until Ctrl-C. Stopped at any point, nothing is lost and no row is there twice.

    Example: trunkline stream call --from dynamodb://calls --home ./my-centre
    """
    if object_name == "enable":
        _enable(table, output_format)
        return
    if table is not None:
        raise UsageError(f"{table!r} is one word too many; a table is named by --from dynamodb://{table}")
    name = table_of(source, f"trunkline stream {object_name}")
    from trunkline.aws.clients import make_client
    from trunkline.objects.catalogue import find
    from trunkline.pipelines.follow import Follower, FollowOptions
    from trunkline.sources.dynamodb.tables import object_of

    find(object_name, declared(home))
    with owned(home) as opened:
        obj = object_of(name, opened.settings, opened.objects)
        if obj.name != object_name:
            raise UsageError(f"the table {name} holds {obj.name} by setting dynamodb_tables, not {object_name}")
        follower = Follower(opened, obj, name, make_client("dynamodbstreams"), FollowOptions(until_idle, accept_gap))
        with progress(f"Following {name}", None, "changes") as advance:
            result = follower.run(advance)
    show(result, output_format)


def table_of(source: str | None, command: str) -> str:
    """The table in `dynamodb://TABLE`. Raises UsageError for anything else."""
    name = (source or "").removeprefix(_SCHEME)
    if source is None or not source.startswith(_SCHEME) or not name:
        seen = "--from is missing" if source is None else f"--from is {source!r}"
        raise UsageError(f"{seen}; name a table: {command} --from dynamodb://TABLE")
    return name


def _enable(table: str | None, output_format: Format) -> None:
    if table is None:
        raise UsageError("which table? trunkline stream enable TABLE")
    import time

    from trunkline.aws.clients import make_client
    from trunkline.sources.dynamodb.tables import enable_stream

    arn, was_off = enable_stream(make_client("dynamodb"), table.removeprefix(_SCHEME), time.sleep)
    if output_format is not Format.TABLE:
        output.record({"table": table, "stream": arn, "was_enabled": not was_off}, output_format)
        return
    output.text(f"The stream of {table} {'is on now' if was_off else 'was on'}, with new and old images.")
    output.note(arn)
