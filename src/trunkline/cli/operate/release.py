"""`trunkline release`: plan and run a file of procedure calls."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from trunkline.cli import output
from trunkline.cli.output import Format
from trunkline.cli.shared import Output

if TYPE_CHECKING:
    from trunkline.releases.plan import Release
    from trunkline.releases.state import CallState

app = typer.Typer(
    help="Files of procedure calls, run on Redshift in order.", no_args_is_help=True, rich_markup_mode=None
)


class Choice(StrEnum):
    """Which file runs where several match."""

    FIRST = "first"
    LATEST = "latest"


class Failure(StrEnum):
    """What happens after a failed procedure."""

    CONTINUE = "continue"
    STOP = "stop"


Place = Annotated[
    str | None,
    typer.Argument(
        metavar="PLACE",
        help="A file, a folder with Rel*.txt, or s3://bucket/Redshift/Rel (default: RELEASE_BUCKET, RELEASE_PREFIX).",
        show_default=False,
    ),
]
Picked = Annotated[
    Choice, typer.Option("--pick", help="Where several match: the first by key, or the latest (Rel10 after Rel9).")
]


@app.command()
def plan(place: Place = None, pick: Picked = Choice.FIRST, output_format: Output = Format.TABLE) -> None:
    """Show what a release would run: each statement, and the values bound to it. Nothing is run.

    Example: trunkline release plan s3://bucket/Redshift/Rel
    """
    place = _place(place)
    _show_plan(_planned(place, pick, _s3(place))[1], output_format)


@app.command()
def run(
    place: Place = None,
    pick: Picked = Choice.FIRST,
    output_format: Output = Format.TABLE,
    target: Annotated[
        str | None,
        typer.Option(
            "--target",
            help="redshift+data://cluster/database?db_user=loader (default: CLUSTER_ID, DATABASE, DB_USER).",
            show_default=False,
        ),
    ] = None,
    on_failure: Annotated[Failure, typer.Option("--on-failure", help="After a failed procedure.")] = Failure.CONTINUE,
    timeout_s: Annotated[float, typer.Option("--timeout", help="Seconds until a procedure is cancelled.", min=1)] = 300,
    restart: Annotated[
        bool, typer.Option("--restart", help="Start over instead of resuming an unfinished run.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what would run, as `plan` does.")] = False,
) -> None:
    """Run a release's procedures in order, one at a time, each once. Exit 1 unless every one succeeded.

    Progress is kept in a file beside the release (Rel7.txt.state.json). A run can be stopped at any time: the same
    command resumes it, and a procedure that has run is not run again. A finished release runs again from the start.

    Example: trunkline release run ./Redshift/ --target "redshift+data://analytics/dev?db_user=loader"
    """
    from trunkline.aws.clients import make_client
    from trunkline.aws.redshift_data import DataApi
    from trunkline.pipelines.jobs.release import run_planned, target_from
    from trunkline.releases.interface import body_of, response
    from trunkline.releases.run import RunOptions
    from trunkline.settings.release import ReleaseSettings
    from trunkline.warehouse.redshift.address import address_of

    variables = ReleaseSettings.load()
    place = _place(place)
    s3 = _s3(place)
    file, release = _planned(place, pick, s3)
    if dry_run:
        _show_plan(release, output_format)
        return
    address = address_of(target).target if target else target_from(variables)
    api = DataApi(make_client("redshift-data", address.region), address)
    options = RunOptions(on_failure=on_failure.value, call_s=timeout_s, restart=restart)

    def report(call: CallState) -> None:
        name = release.calls[call.number - 1].display_name
        output.note(f"{call.number} of {len(release.calls)} {call.status}: {name}")

    outcome = run_planned(api, file, release, options, s3, report)
    for warning in outcome.warnings:
        output.note(warning)
    _show_outcome(response(body_of(outcome)), outcome.error, output_format)


def _show_outcome(result: dict[str, Any], error: str | None, output_format: Format) -> None:
    """Each procedure's result; exit 1 unless every one succeeded."""
    if output_format is Format.JSON:
        output.record(result, output_format)
    else:
        _show_results(result["body"], output_format)
    if error:
        output.failure(error)
    if result["statusCode"] != 200:
        raise typer.Exit(1)


def _s3(place: str) -> Any:
    """A client of S3 where the release is there, else None."""
    from trunkline.aws.clients import QUICK, make_client
    from trunkline.settings.release import ReleaseSettings

    return make_client("s3", ReleaseSettings.load().region, policy=QUICK) if place.startswith("s3://") else None


def _place(place: str | None) -> str:
    """The place that is named, else that of the environment."""
    from trunkline.pipelines.jobs.release import place_from
    from trunkline.settings.release import ReleaseSettings

    return place or place_from(ReleaseSettings.load())


def _planned(place: str, pick: Choice, s3: Any) -> Any:
    from trunkline.pipelines.jobs.release import plan as find_and_parse

    return find_and_parse(place, pick.value, s3, output.note)


def _show_plan(release: Release, output_format: Format) -> None:
    if output_format is Format.TABLE:
        output.note(f"{release.source}: {len(release.calls):,} calls")
    rows = [(call.number, call.line, call.display_name, call.sql, call.parameters) for call in release.calls]
    output.rows(["number", "line", "procedure", "sql", "values"], rows, output_format)


def _show_results(body: dict[str, Any], output_format: Format) -> None:
    columns = ["procedure_number", "procedure_name", "status", "duration_ms", "query_id", "error"]
    output.rows(columns, [[call[name] for name in columns] for call in body["execution_results"]], output_format)
    output.note(f"{body['message']} ({body['successful_procedures']} of {body['total_procedures']}).")
