"""`trunkline simulate`: a simulated contact centre's files, and its Connect API."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from datetime import date as date_type
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from trunkline.cli import output
from trunkline.cli.output import Format
from trunkline.cli.shared import Output, by_totals, progress
from trunkline.errors import TerminalError, UsageError
from trunkline.schedules.times import parse_date

if TYPE_CHECKING:
    from trunkline.simulator.spec import Spec

EVENT_FAULTS = "loss duplication delay reordering"
FAULTS = "poison truncation implausible_time missing_contact_id wrong_type unknown_fields case_clash reorder"


def simulate(
    out: Annotated[
        Path | None, typer.Option("--out", help="Folder to write to; its data folder must be empty.")
    ] = None,
    contacts: Annotated[int, typer.Option("--contacts", min=0, help="Contacts, all legs and days together.")] = 10_000,
    seed: Annotated[int, typer.Option("--seed", help="Same seed, same bytes.")] = 1,
    date: Annotated[str | None, typer.Option("--date", help="Last day, YYYY-MM-DD.")] = None,
    days: Annotated[int, typer.Option("--days", min=1, max=366, help="Days that end with --date.")] = 1,
    fault: Annotated[
        list[str] | None, typer.Option("--fault", help=f"NAME=SHARE or all=SHARE, repeatable. Names: {FAULTS}.")
    ] = None,
    events: Annotated[
        bool, typer.Option("--events/--no-events", help="Write agent events and contact events too.")
    ] = True,
    event_fault: Annotated[
        list[str] | None,
        typer.Option("--event-fault", help=f"NAME=SHARE or all=SHARE, repeatable. Names: {EVENT_FAULTS}."),
    ] = None,
    gzip: Annotated[bool, typer.Option("--gzip", help="Compress files, as Firehose can.")] = False,
    serve_connect: Annotated[
        bool, typer.Option("--serve-connect", help="Serve the same centre's Connect API on this machine until Ctrl-C.")
    ] = False,
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="Its port; 0 takes a free one.")] = 0,
    quota: Annotated[
        list[str] | None, typer.Option("--quota", help="OPERATION=CALLS_A_SECOND, repeatable; else Amazon's quotas.")
    ] = None,
    output_format: Output = Format.TABLE,
) -> None:
    """Write contact records as Amazon Connect delivers them through Firehose: concatenated, late, duplicated, changed.

    The agent events and contact events of the same contacts are in folders beside them. The same options give the same
    bytes. _expected.json beside the data says what a loader must find. The API serves the same contacts; without
    --date, those of yesterday, since Amazon keeps contacts for two years only.

    Example: trunkline simulate --contacts 5000 --days 2 --fault all=0.01 --out ./simulated
    """
    from trunkline.simulator.spec import Faults, Spec, StreamFaults

    if out is None and not serve_connect:
        raise UsageError("nothing to do: write files with --out FOLDER, serve the API with --serve-connect, or both")
    day = _day(date, serve_connect and out is None)
    faults = Faults(**_shares(fault or [], "--fault", FAULTS))
    stream_faults = StreamFaults(**_shares(event_fault or [], "--event-fault", EVENT_FAULTS))
    spec = Spec(
        contacts=contacts,
        seed=seed,
        date=day,
        days=days,
        faults=faults,
        events=stream_faults if events else None,
        is_gzip=gzip,
    )
    if out is not None:
        _write(spec, out, output_format)
    if serve_connect:
        _serve(spec, port, quota or [], output_format)


def _day(text: str | None, is_recent: bool) -> date_type:
    """The last simulated day: `text`, else yesterday where it must be recent, else a fixed day."""
    from trunkline import clock
    from trunkline.simulator.spec import DEFAULT_DATE

    if text is None:
        return clock.now().date() - timedelta(days=1) if is_recent else DEFAULT_DATE
    return parse_date(text, "--date")


def _write(spec: Spec, out: Path, output_format: Format) -> None:
    from trunkline.simulator.run import EVENT_FOLDERS
    from trunkline.simulator.run import simulate as run

    with progress("Simulating", None, "records") as advance:
        result = run(spec, out, by_totals(advance))
    expected = result.expected
    fields = {
        "folder": str(result.folder),
        "files": expected.files,
        "bytes": expected.bytes,
        "contacts": expected.contacts,
        "deliveries": expected.deliveries,
        "broken": expected.broken,
    }
    output.record(fields, output_format)
    for name, counts in expected.events.items():
        output.note(f"{counts.read:,} of {name} in {out / EVENT_FOLDERS[name]}")


def _shares(given: list[str], option: str, names: str) -> dict[str, float]:
    """`loss=0.01` by name. Raises UsageError for an unknown name or no number."""
    known, shares = names.split(), dict[str, float]()
    for text in given:
        name, _, share = text.partition("=")
        chosen = known if name == "all" else [name]
        if chosen[0] not in known:
            raise UsageError(f"{option} {text!r}: there is no fault {name!r}; faults are all, {', '.join(known)}")
        try:
            shares |= dict.fromkeys(chosen, float(share))
        except ValueError:
            raise UsageError(f"{option} {text!r}: {share!r} is not a share; write {name}=0.01") from None
    return shares


def _serve(spec: Spec, port: int, quotas: Sequence[str], output_format: Format) -> None:
    """Serve the API of the simulated centre on a loopback port until Ctrl-C."""
    from trunkline import clock
    from trunkline.aws.service_model import checker
    from trunkline.simulator.centre.centre import INSTANCE_ARN, stamp
    from trunkline.simulator.connect_api.contacts import simulate_instance
    from trunkline.simulator.connect_api.http import served
    from trunkline.simulator.connect_api.instance import ConnectApi
    from trunkline.simulator.connect_api.quota import Quotas

    def now_s() -> float:
        return clock.now().timestamp()

    rates = _rates(quotas)
    instance = simulate_instance(spec, INSTANCE_ARN)
    api = ConnectApi([instance], now_s, quotas=Quotas(now_s, rates), check=checker("connect"))
    try:
        with served(api, port) as url:
            fields = {
                "endpoint": url,
                "instance": INSTANCE_ARN,
                "contacts": len(instance.contacts),
                "since": stamp(spec.start_s),
                "until": stamp(spec.end_s),
            }
            output.record(fields, output_format)
            output.flush()
            output.note("Serving the Connect API; stop with Ctrl-C.")
            threading.Event().wait()
    except KeyboardInterrupt:
        output.note("")
        for operation, count in sorted(api.count().items()):
            output.note(f"{operation}: {count:,} calls answered")
    except OSError as error:
        raise TerminalError(f"port {port} cannot be opened: {error.strerror}; choose another with --port") from error


def _rates(given: Sequence[str]) -> dict[str, tuple[float, float]]:
    """`SearchContacts=5` as (calls a second, burst), the burst as large as the rate. Raises UsageError."""
    from trunkline.simulator.connect_api.instance import OPERATIONS

    rates: dict[str, tuple[float, float]] = {}
    for option in given:
        name, _, rate = option.partition("=")
        try:
            value = float(rate)
        except ValueError:
            value = 0.0
        if name not in OPERATIONS or not 0 < value <= 100_000:
            raise UsageError(
                f"--quota is {option!r}; valid is OPERATION=CALLS_A_SECOND, such as SearchContacts=5, with one of "
                f"{', '.join(OPERATIONS)}"
            )
        rates[name] = (value, max(1.0, value))
    return rates
