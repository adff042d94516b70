"""`trunkline simulate` writes the files of a simulated centre; `trunkline demo` loads, counts and reports them."""

from __future__ import annotations

import os
import shutil
import sys
import threading
from collections.abc import Sequence
from dataclasses import asdict
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
from trunkline.settings.installation import Settings

if TYPE_CHECKING:
    from trunkline.accounting import Counts
    from trunkline.pipelines.home import Home
    from trunkline.serve.report.headline import Headline
    from trunkline.simulator.spec import Spec

EVENT_FAULTS = "loss duplication delay reordering"
FAULTS = "poison truncation implausible_time missing_contact_id wrong_type unknown_fields case_clash reorder"

Salesforce = Annotated[
    bool, typer.Option("--salesforce", help="Write the users, customers, cases, matters and tasks of a Salesforce.")
]
Quota = Annotated[
    list[str] | None, typer.Option("--quota", help="OPERATION=CALLS_A_SECOND, repeatable; else Amazon's quotas.")
]


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
        bool,
        typer.Option(
            "--events/--no-events", help="Write agent events, contact events, evaluations, users and so on too."
        ),
    ] = True,
    event_fault: Annotated[
        list[str] | None,
        typer.Option("--event-fault", help=f"NAME=SHARE or all=SHARE, repeatable. Names: {EVENT_FAULTS}."),
    ] = None,
    salesforce: Salesforce = False,
    gzip: Annotated[bool, typer.Option("--gzip", help="Compress files, as Firehose can.")] = False,
    serve_connect: Annotated[
        bool, typer.Option("--serve-connect", help="Serve the same centre's Connect API on this machine until Ctrl-C.")
    ] = False,
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="Its port; 0 takes a free one.")] = 0,
    quota: Quota = None,
    output_format: Output = Format.TABLE,
) -> None:
    """Write contact records as Amazon Connect delivers them through Firehose: concatenated, late, duplicated, changed.

    The agent events, contact events and evaluations of the same contacts are in folders beside them, and so are users,
    routing profiles and hierarchy groups. The same options give the same bytes. _expected.json beside the data says
    what a loader must find. The API serves the same contacts; without --date, those of yesterday, since Amazon keeps
    contacts for two years only.

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
        salesforce=salesforce,
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
    from trunkline.simulator.run import FOLDERS
    from trunkline.simulator.run import simulate as run
    from trunkline.simulator.salesforce import FOLDER

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
    for name, counts in expected.others.items():
        output.note(f"{counts.read:,} of {name} in {out / FOLDERS[name]}")
    for name, records in expected.salesforce.items():
        output.note(f"{records.read:,} of {name} in {out / FOLDER / name}")


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
    from trunkline.simulator.connect_api.answers import Quotas
    from trunkline.simulator.connect_api.contacts import simulate_instance
    from trunkline.simulator.connect_api.http import served
    from trunkline.simulator.connect_api.instance import ConnectApi

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


MARK = ".trunkline-demo"
_FAULT_SHARE = 0.002
_YESTERDAY_SHARE = 0.94
_DEMO_OTHERS = {
    "agent_event": "agent events",
    "contact_evaluation": "evaluations",
    "users": "users",
    "routing_profiles": "routing profiles",
    "agent_hierarchy_groups": "hierarchy groups",
}
"""What the demo loads beside contact records, in words."""


def demo(
    contacts: Annotated[int, typer.Option("--contacts", min=1, help="Contacts of the day.")] = 10_000,
    seed: Annotated[int, typer.Option("--seed", help="Same seed, same day.")] = 1,
    home: Annotated[Path, typer.Option("--home", help="The demo's own home; emptied first.")] = Path("trunkline-demo"),
    serve: Annotated[
        bool, typer.Option("--serve", help="Play the day live into the wallboard instead, until Ctrl-C.")
    ] = False,
    speed: Annotated[float, typer.Option("--speed", min=1, max=600, help="With --serve: how fast the day runs.")] = 30,
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="With --serve: the board's port.")] = 8080,
    events: Annotated[
        bool, typer.Option("--events/--no-events", help="Load what agents did, users and evaluations too.")
    ] = True,
    output_format: Output = Format.TABLE,
) -> None:
    """Simulate a contact centre's day with every kind of fault, load it, print a summary and write the report.

    The day before is simulated and loaded first, so that there is something to compare with. Of the day itself agent
    events, users, routing profiles, hierarchy groups and evaluations are loaded too. With --serve the day is
    live: events and records reach the wallboard and the home as they would in a real centre, many times as fast.

    Example: trunkline demo --contacts 2000 --seed 7
    """
    from trunkline.pipelines.home import open_home
    from trunkline.simulator.spec import CENTRE_ZONE, DEFAULT_DATE, Faults, Spec, StreamFaults

    _empty(home)
    if serve:
        from trunkline.cli.operate.serve import serve_demo_day

        serve_demo_day(home, contacts, seed, speed, port)
        return
    settings = Settings.load(home.absolute())
    faults = Faults.every(_FAULT_SHARE)
    today = Spec(
        contacts=contacts,
        seed=seed,
        date=DEFAULT_DATE,
        zone=CENTRE_ZONE,
        faults=faults,
        events=StreamFaults(duplication=_FAULT_SHARE, reordering=_FAULT_SHARE) if events else None,
    )
    before = Spec(
        contacts=max(round(contacts * _YESTERDAY_SHARE), 1),
        seed=seed + 1,
        date=DEFAULT_DATE - timedelta(days=1),
        zone=CENTRE_ZONE,
    )
    with open_home(settings) as opened:
        yesterday = _simulated_load(opened, before, "yesterday")["contact_record"]
        others = _simulated_load(opened, today, "today")
    counts = others.pop("contact_record")
    report = home / "report.html"
    headlines = _report(settings, today, report)
    if output_format is Format.TABLE:
        _print_day(headlines, others, settings, report)
        output.text(f"The day before: {yesterday.sentence()}\n")
        output.text(counts.sentence())
    else:
        fields: dict[str, object] = {"object": "contact_record", **asdict(counts), "report": str(report)}
        output.record(fields, output_format)


def _print_day(headlines: Sequence[Headline], others: dict[str, Counts], settings: Settings, report: Path) -> None:
    """The day's numbers, what was loaded beside the contacts, and where to go on."""
    from trunkline.pipelines.jobs.measuring import threshold_of
    from trunkline.serve.report.headline import threshold_note
    from trunkline.simulator.spec import DEFAULT_DATE

    output.text(f"A simulated day, {DEFAULT_DATE:%A %d %B %Y}, New York time\n")
    rows = [(headline.label, headline.value, headline.change, headline.tone) for headline in headlines]
    output.rows(["", "the day", "against the day before", ""], rows)
    if any(label.endswith("*") for label, *_ in rows):
        output.text(f"* {threshold_note(threshold_of(settings))}")
    if others:
        read = ", ".join(f"{counted.inserted:,} {_DEMO_OTHERS[name]}" for name, counted in others.items())
        output.text(f"\nBeside the contacts: {read}")
    output.text(f"\nReport: {report}")
    query = "SELECT channel, count(*) AS contacts FROM contact_record GROUP BY channel"
    output.text(f'Query it: {_command()} sql --home {report.parent} "{query}"')


def _command() -> str:
    """How to run this program: its name where it is on the path, else the path it was started by."""
    return "trunkline" if shutil.which("trunkline") else os.path.relpath(sys.argv[0])


def _empty(home: Path) -> None:
    """Empty the demo's home. Raises UsageError for a folder that the demo did not create."""
    if home.exists() and any(home.iterdir()):
        if not (home / MARK).exists():
            raise UsageError(f"{home} is not empty and was not created by the demo; choose another folder with --home")
        shutil.rmtree(home)
    home.mkdir(parents=True, exist_ok=True)
    (home / MARK).write_text("Created by `trunkline demo`, which empties this folder when it runs again.\n")


def _simulated_load(opened: Home, spec: Spec, name: str) -> dict[str, Counts]:
    """Simulate a day and load it as a centre would: first what arrived on the day, then what arrived late.

    Counts by object, the contact records' first.
    """
    from trunkline.accounting import total
    from trunkline.pipelines.jobs.load import load
    from trunkline.simulator.run import FOLDERS, simulate

    folder = opened.settings.home / "firehose" / name
    with progress(f"Simulating {name}", None, "records") as advance:
        simulated = simulate(spec, folder, by_totals(advance), _DEMO_OTHERS)
    on_the_day = simulated.folder / f"{spec.date:%Y/%m/%d}"
    contact_record = opened.objects["contact_record"]
    with progress(f"Loading {name}", simulated.expected.bytes, "bytes") as advance:
        rounds = [path for path in (on_the_day, simulated.folder) if path.exists()]
        counts = {"contact_record": total(load(opened, contact_record, [str(path)], advance).counts for path in rounds)}
    for other, expected in simulated.expected.others.items():
        with progress(f"Loading {other} of {name}", expected.bytes, "bytes") as advance:
            counts[other] = load(opened, opened.objects[other], [str(folder / FOLDERS[other])], advance).counts
    return counts


def _report(settings: Settings, spec: Spec, path: Path) -> list[Headline]:
    from trunkline.pipelines.jobs.measuring import write_report
    from trunkline.pipelines.reading import open_reader
    from trunkline.serve.report.period import day_period
    from trunkline.simulator.spec import CENTRE_ZONE

    with open_reader(settings) as reader:
        return write_report(reader, day_period(spec.date, CENTRE_ZONE), path).headlines
