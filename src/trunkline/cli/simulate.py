"""`trunkline simulate`: a contact centre's files, without a contact centre."""

from __future__ import annotations

from datetime import date as date_type
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from trunkline.cli import output
from trunkline.cli.options import Output
from trunkline.cli.output import Format
from trunkline.cli.progress import progress, steps
from trunkline.errors import UsageError

if TYPE_CHECKING:
    from trunkline.simulator.spec import Faults, Spec

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
    """Write contact records as Amazon Connect delivers them through Firehose: back to back, late, twice, changed.

    The same options give the same bytes. Beside the data, _expected.json says what a loader must find. The API serves
    the same contacts; without --date, those of yesterday, since Amazon forgets after two years.

    Example: trunkline simulate --contacts 5000 --days 2 --fault all=0.01 --out ./simulated
    """
    from trunkline.simulator.spec import Spec

    if out is None and not serve_connect:
        raise UsageError(
            "nothing is asked for: write files with --out FOLDER, serve the API with --serve-connect, or both"
        )
    day = _day(date, serve_connect and out is None)
    spec = Spec(contacts=contacts, seed=seed, date=day, days=days, faults=_faults(fault or []), is_gzip=gzip)
    if out is not None:
        _write(spec, out, output_format)
    if serve_connect:
        from trunkline.cli.serve_connect import serve

        serve(spec, port, quota or [], output_format)


def _day(text: str | None, is_recent: bool) -> date_type:
    """The last simulated day: the one given, else yesterday where it must be recent, else always the same."""
    from trunkline import clock
    from trunkline.simulator.spec import DEFAULT_DATE

    if text is None:
        return clock.now().date() - timedelta(days=1) if is_recent else DEFAULT_DATE
    try:
        return date_type.fromisoformat(text)
    except ValueError:
        raise UsageError(f"--date {text!r} is no date; write YYYY-MM-DD") from None


def _write(spec: Spec, out: Path, output_format: Format) -> None:
    from trunkline.simulator.run import simulate as run

    with progress("Simulating", None, "records") as advance:
        result = run(spec, out, steps(advance))
    expected = result.expected
    fields = {
        "folder": str(result.folder), "files": expected.files, "bytes": expected.bytes, "contacts": expected.contacts,
        "deliveries": expected.deliveries, "broken": expected.broken,
    }  # fmt: skip
    output.record(fields, output_format)


def _faults(given: list[str]) -> Faults:
    from trunkline.simulator.spec import Faults

    shares: dict[str, float] = {}
    for one in given:
        name, _, share = one.partition("=")
        names = FAULTS.split() if name == "all" else [name]
        if names[0] not in FAULTS.split():
            raise UsageError(
                f"--fault {one!r}: there is no fault {name!r}; faults are all, {', '.join(FAULTS.split())}"
            )
        try:
            shares |= dict.fromkeys(names, float(share))
        except ValueError:
            raise UsageError(f"--fault {one!r}: {share!r} is no share; write {name}=0.01") from None
    return Faults(**shares)
