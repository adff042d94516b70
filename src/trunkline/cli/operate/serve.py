"""`trunkline serve`: the wallboard of a home; the live day of `demo --serve`; `alert-rules` and `dashboards`."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from trunkline.aws.secrets import reveal
from trunkline.cli import output
from trunkline.cli.shared import Home, by_totals, progress
from trunkline.errors import UsageError
from trunkline.settings.installation import Settings
from trunkline.settings.secrets import edit_token, serve_token

if TYPE_CHECKING:
    from trunkline.pipelines.live.live_streams import LiveStream
    from trunkline.simulator.events.day import Arrival

_OPENS = time(9, 30)


def serve(
    home: Home = None,
    host: Annotated[
        str, typer.Option("--host", help="Address to serve on. Another than loopback needs TRUNKLINE_SERVE_TOKEN.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="Port; 0 takes a free one.")] = 8080,
    sources: Annotated[
        list[str] | None,
        typer.Option(
            "--from",
            help="kinesis://STREAM or sqs://QUEUE (both may end in ?region=R), repeatable. Default: the setting "
            "serve_streams.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Serve the wallboard until Ctrl-C: queues, agents, alerts, history, a JSON API and metrics for Prometheus.

    The present comes from the streams: agent events and contact records from Kinesis, contact events from a queue that
    nobody else reads. The contacts of today and yesterday that the home has loaded are shown too, and again as loads go
    on; without streams they are all that is shown.

    Example: trunkline serve --from kinesis://connect-ctr-stream --from sqs://wallboard-contact-events
    """
    _check_installed()
    from trunkline.pipelines.live.serving import serve_home
    from trunkline.serve.wallboard.access import Access

    settings = Settings.load(home)
    given, given_edit = serve_token(), edit_token()
    token = reveal(given, "TRUNKLINE_SERVE_TOKEN") if given else None
    access = Access(
        token, settings.serve_session_hours, reveal(given_edit, "TRUNKLINE_SERVE_EDIT_TOKEN") if given_edit else None
    )
    streams = [_live_stream(source) for source in sources or settings.serve_streams]
    serve_home(settings, host, port, access, streams, _announce)
    output.note("The wallboard has stopped.")


def alert_rules(
    for_system: Annotated[
        Literal["prometheus", "grafana"], typer.Option("--for", help="The system that the rules are for.")
    ] = "prometheus",
    home: Home = None,
) -> None:
    """Print alert rules with the wallboard's thresholds, for Prometheus or for Grafana's provisioning.

    Both read the metrics that `serve` exports at /metrics. Thresholds are those of the wallboard's page, by queue.

    Example: trunkline alert-rules --for prometheus > trunkline.rules.yml
    """
    from trunkline.serve.grafana.alerts import grafana_rules, prometheus_rules
    from trunkline.serve.wallboard.options import FILE_NAME, load_options

    options = load_options(Settings.load(home).home / FILE_NAME)
    output.text((prometheus_rules if for_system == "prometheus" else grafana_rules)(options).rstrip("\n"))


def dashboards(
    out: Annotated[Path, typer.Option("--out", help="Folder to write to; made if missing.")],
    stores: Annotated[
        Literal["athena-timestream", "athena-influxdb", "postgres"],
        typer.Option("--for", help="The stores that they read: of history, and of now."),
    ] = "athena-influxdb",
    home: Home = None,
) -> None:
    """Write Grafana's dashboards with this home's service level: targets by channel and queue, and the goal.

    Targets of channels and the goal are variables of the dashboards, whose defaults these are. Targets of single queues
    are written into the queries, those of the wallboard's page included.

    Example: trunkline dashboards --for athena-influxdb --out /etc/grafana/dashboards/athena-influxdb
    """
    _check_installed("grafana_foundation_sdk", "the dashboards need", "grafana")
    from trunkline.serve.grafana.build import dashboard_files, service_level
    from trunkline.serve.grafana.model import STACKS
    from trunkline.serve.wallboard.options import FILE_NAME, load_options

    settings = Settings.load(home)
    targets = {name: float(target_s) for name, target_s in load_options(settings.home / FILE_NAME).targets_s.items()}
    level = service_level(settings, targets)
    out.mkdir(parents=True, exist_ok=True)
    for stack in STACKS:
        for name, text in dashboard_files(stack, level) if stack.name == stores else ():
            (out / name).write_text(text)
            output.text(str(out / name))


def _live_stream(source: str) -> LiveStream:
    from trunkline.cli.ingest.stream import parse_stream, stream_client
    from trunkline.pipelines.live.live_streams import LiveStream

    kind, name, region = parse_stream(source)
    if kind not in ("kinesis", "sqs"):
        raise UsageError(f"--from is {source!r}; the wallboard reads kinesis://STREAM and sqs://QUEUE")
    return LiveStream(kind, name, stream_client(kind, region))


def _check_installed(module: str = "nicegui", what: str = "the wallboard needs", extra: str = "serve") -> None:
    """Raises UsageError where a library of an extra is missing."""
    from importlib.util import find_spec

    if find_spec(module) is None:
        package = module.replace("_", "-")
        raise UsageError(f"{what} the package {package}; install it with: pip install 'trunkline[{extra}]'")


def _announce(url: str) -> None:
    output.text(f"Wallboard: {url}")
    output.flush()
    output.note("Stop with Ctrl-C.")


def serve_demo_day(home: Path, contacts: int, seed: int, speed: float, port: int) -> None:
    """Load the same weekday of the week before, then play a day live into the wallboard until Ctrl-C."""
    _check_installed()
    from trunkline.pipelines.home import open_home
    from trunkline.pipelines.jobs.load import load
    from trunkline.pipelines.live.live_demo import DemoDay, serve_demo
    from trunkline.schedules.schedule import zone_named
    from trunkline.simulator.events.day import EventKind, arrivals, simulate_day
    from trunkline.simulator.run import simulate
    from trunkline.simulator.spec import CENTRE_ZONE, DEFAULT_DATE, Spec

    (home / "trunkline.toml").write_text(f'zone = "{CENTRE_ZONE}"\n')
    settings = Settings.load(home.absolute())
    before = Spec(contacts=contacts, seed=seed + 1, date=DEFAULT_DATE - timedelta(days=7), zone=CENTRE_ZONE)
    with open_home(settings) as opened:
        folder = settings.home / "firehose" / "before"
        with progress("Simulating the week before", None, "records") as advance:
            simulated = simulate(before, folder, by_totals(advance))
        with progress("Loading it", simulated.expected.bytes, "bytes") as advance:
            load(opened, opened.objects["contact_record"], [str(simulated.folder)], advance)
        output.note("Simulating the day")
        day = simulate_day(Spec(contacts=contacts, seed=seed, date=DEFAULT_DATE, zone=CENTRE_ZONE))
        opens_at = datetime.combine(DEFAULT_DATE, _OPENS, zone_named(CENTRE_ZONE)).astimezone(UTC)
        serve_demo(
            opened, DemoDay(_encoded(arrivals(day, kinds=frozenset(EventKind))), opens_at, speed), port, _announce
        )
    output.note("The wallboard has stopped.")


def _encoded(arrivals: Iterator[Arrival]) -> Iterator[tuple[float, bytes, bool]]:
    """Arrivals as JSON texts; whether each is a contact record."""
    from msgspec.json import encode

    for arrival in arrivals:
        yield arrival.at_s, encode(arrival.event), arrival.kind.value == "contact_record"
