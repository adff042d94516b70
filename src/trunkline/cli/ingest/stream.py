"""`trunkline stream`: follow a Kinesis stream, an SQS queue or a DynamoDB table's changes on one machine."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Final
from urllib.parse import parse_qs, urlsplit

import typer

from trunkline import clock
from trunkline.cli import output
from trunkline.cli.ingest.load import show
from trunkline.cli.output import Format
from trunkline.cli.shared import Home, Output, Wait, load_objects, object_names, open_to_write, shows_progress
from trunkline.errors import UsageError
from trunkline.limits import LOCK_WAIT_S

if TYPE_CHECKING:
    from trunkline.pipelines.home import Home as OpenHome
    from trunkline.pipelines.runner import LoadResult

STREAM_DEFAULT: Final = "kinesis://connect-ctr-stream"
REGION_DEFAULT: Final = "eu-west-2"
_EXAMPLES: Final = {
    "kinesis": "kinesis://connect-ctr-stream?region=eu-west-2",
    "sqs": "sqs://connect-contact-events?region=eu-west-2",
    "dynamodb": "dynamodb://calls",
}
_VALID: Final = f"such as --from {', '.join(_EXAMPLES.values())}"


@dataclass(frozen=True, slots=True)
class _Options:
    """How long to follow, and how what is read becomes batches."""

    fan_out: str
    until_idle: bool
    accept_gap: bool
    gather_s: float
    is_over: Callable[[], bool]


def stream(
    names: Annotated[
        list[str],
        typer.Argument(
            metavar="OBJECT",
            help="What the stream holds: contact_record, agent_event, contact_event, call, ...",
            autocompletion=object_names,
        ),
    ],
    source: Annotated[
        str | None,
        typer.Option(
            "--from",
            help="kinesis://STREAM, sqs://QUEUE (both may end in ?region=R) or dynamodb://TABLE. Default for contact "
            f"records and agent events: {STREAM_DEFAULT}.",
            show_default=False,
        ),
    ] = None,
    until_idle: Annotated[bool, typer.Option("--until-idle", help="Stop when nothing is left to read.")] = False,
    for_s: Annotated[float | None, typer.Option("--for", min=0, help="Stop after so many seconds.")] = None,
    gather_s: Annotated[
        float, typer.Option("--gather", min=0, max=900, help="Seconds for which records are collected into one batch.")
    ] = 5.0,
    accept_gap: Annotated[
        bool, typer.Option("--accept-gap", help="Continue although records expired before they were read.")
    ] = False,
    fan_out: Annotated[
        str,
        typer.Option(
            "--fan-out",
            metavar="CONSUMER",
            help="Have a Kinesis stream pushed to a consumer of this name (enhanced fan-out, which AWS charges for).",
            show_default=False,
        ),
    ] = "",
    home: Home = None,
    wait_s: Wait = LOCK_WAIT_S,
    output_format: Output = Format.TABLE,
) -> None:
    """Follow a stream into the lake and the warehouse: Kinesis, an SQS queue, or a DynamoDB table's changes.

    Reads from the oldest record that the service keeps, or from where the last run ended, until Ctrl-C. It can be
    stopped at any time: nothing is lost and no row appears twice. A Kinesis stream may carry contact records and agent
    events together: name both objects, and the stream is read once for both. Records of objects that are not named are
    left out and counted as filtered. A DynamoDB table's stream must be enabled (`trunkline enable-stream TABLE`).

    Example: trunkline stream contact_record agent_event --from kinesis://connect-ctr-stream --home ./my-centre
    """
    source = source or _default_source(names)
    kind, name, region = parse_stream(source)
    _check(source, kind, names, fan_out, home)
    until_s = clock.monotonic_s() + for_s if for_s is not None else math.inf
    options = _Options(fan_out, until_idle, accept_gap, gather_s, lambda: clock.monotonic_s() >= until_s)
    with open_to_write(home, wait_s) as opened:
        results = _FOLLOW[kind](opened, list(dict.fromkeys(names)), name, region, options)
    for result in results:
        if len(results) > 1 and output_format is Format.TABLE:
            output.note(f"{result.object_name}:")
        show(result, output_format, "Nothing new in the stream.")


def _check(source: str, kind: str, names: list[str], fan_out: str, home: Home) -> None:
    """Raises UsageError for what a stream of this kind cannot be asked, and for an unknown object."""
    from trunkline.objects.catalogue import find

    if kind != "kinesis" and len(names) > 1:
        raise UsageError(f"--from {source} holds one object, and {len(names)} are named: {', '.join(names)}")
    if kind != "kinesis" and fan_out:
        raise UsageError(f"--fan-out is for a Kinesis stream, and --from is {source}")
    objects = load_objects(home)
    for object_name in names:
        find(object_name, objects)


def _default_source(names: list[str]) -> str:
    """The stream that Amazon Connect writes to. Raises UsageError for objects that it does not stream."""
    others = [name for name in names if name not in ("contact_record", "agent_event")]
    if others:
        raise UsageError(f"--from is missing, and {others[0]} has no usual stream; name one, {_VALID}")
    return STREAM_DEFAULT


def parse_stream(source: str) -> tuple[str, str, str | None]:
    """Kind, name and Region of a URL. Raises UsageError for any other."""
    valid = f"; name a stream, {_VALID}"
    parts = urlsplit(source)
    name = source.partition("://")[2].partition("?")[0]  # an ARN has colons, which are no port
    if parts.scheme not in _EXAMPLES or not name:
        raise UsageError(f"--from is {source!r}{valid}")
    query = parse_qs(parts.query)
    if unknown := query.keys() - {"region"}:
        raise UsageError(f"--from is {source!r}, which has the unknown part {min(unknown)!r}{valid}")
    region = query.get("region", [None])[0]
    if region is None and name.startswith("arn:"):
        region = name.split(":")[3]
    return parts.scheme, name, region


def stream_client(service: str, region: str | None) -> Any:
    """A client in the Region of the URL, else in the usual one, else in that of the default stream."""
    from trunkline.aws.clients import default_region, make_client

    return make_client(service, region or default_region() or REGION_DEFAULT)


def _follow_kinesis(
    home: OpenHome, names: list[str], name: str, region: str | None, options: _Options
) -> list[LoadResult]:
    from trunkline.pipelines.jobs.follow import follow_kinesis
    from trunkline.sources.kinesis.shards import KinesisFollowing

    with _lag_shown(f"Following {name}") as (advance, lag):
        following = KinesisFollowing(
            name,
            stream_client("kinesis", region),
            options.until_idle,
            options.accept_gap,
            options.gather_s,
            is_over=options.is_over,
            notify_lag=lag,
            fan_out=options.fan_out,
        )
        return follow_kinesis(home, [home.objects[object_name] for object_name in names], following, advance)


def _follow_queue(
    home: OpenHome, names: list[str], name: str, region: str | None, options: _Options
) -> list[LoadResult]:
    from trunkline.limits import SQS_POLL_S_MAX
    from trunkline.pipelines.jobs.follow import follow_queue
    from trunkline.sources.contact_events.queue import MessageQueue
    from trunkline.sources.contact_events.source import QueueFollowing

    with _lag_shown(f"Following {name}") as (advance, _):
        queue = MessageQueue.named(stream_client("sqs", region), name)
        poll_s = 1 if options.until_idle else SQS_POLL_S_MAX
        following = QueueFollowing(queue, options.until_idle, options.gather_s, poll_s=poll_s, is_over=options.is_over)
        return [follow_queue(home, home.objects[names[0]], following, advance)]


def _follow_table(
    home: OpenHome, names: list[str], name: str, region: str | None, options: _Options
) -> list[LoadResult]:
    from trunkline.aws.clients import make_client
    from trunkline.cli.ingest.dynamodb import object_of_table
    from trunkline.pipelines.jobs.load import follow
    from trunkline.sources.dynamodb.shards import Following

    obj = object_of_table(home, name, names[0])
    with _lag_shown(f"Following {name}") as (advance, _):
        client = make_client("dynamodbstreams", region)
        following = Following(name, client, options.until_idle, options.accept_gap, is_over=options.is_over)
        return [follow(home, obj, following, advance)]


_FOLLOW: Final = {"kinesis": _follow_kinesis, "sqs": _follow_queue, "dynamodb": _follow_table}


@contextmanager
def _lag_shown(description: str) -> Iterator[tuple[Callable[[int], None], Callable[[int], None]]]:
    """Shows how many records are durable, and how far behind the stream's newest record reading is (milliseconds).

    Nothing is written when standard error is not a terminal.
    """
    if not shows_progress():
        yield lambda count: None, lambda behind_ms: None
        return
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    bar = Progress(
        SpinnerColumn(),
        TextColumn("{task.description}", markup=False),
        TextColumn("{task.completed:,.0f} records, {task.fields[lag]}"),
        TimeElapsedColumn(),
        transient=True,
        console=Console(stderr=True),
    )
    with bar:
        task = bar.add_task(description, total=None, lag="connecting")

        def show_lag(behind_ms: int) -> None:
            bar.update(task, lag=f"{behind_ms / 1000:,.0f} s behind" if behind_ms >= 1000 else "up to date")

        yield lambda count: bar.advance(task, count), show_lag
