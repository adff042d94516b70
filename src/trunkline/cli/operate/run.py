"""`trunkline run` and `trunkline runs`: an object's whole pipeline as its schedule would run it, and what runs did."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from trunkline.cli import output
from trunkline.cli.ingest.collect import Chosen, Endpoint, show_collected
from trunkline.cli.ingest.load import show
from trunkline.cli.output import Format
from trunkline.cli.shared import Home, Output, Wait, load_objects, object_names, open_to_read, open_to_write, progress
from trunkline.limits import LOCK_WAIT_S

if TYPE_CHECKING:
    from trunkline.ledger.runs import RunRecord
    from trunkline.pipelines.home import Home as OpenHome
    from trunkline.pipelines.run.history import RunRequest
    from trunkline.pipelines.run.inputs import InputOptions
    from trunkline.pipelines.run.job import RunOutcome

app = typer.Typer(help="What runs did: their rows, times and errors; and a failed one again.", no_args_is_help=True)
RunId = Annotated[str, typer.Argument(metavar="RUN", help="A run's id, as `trunkline runs list` shows it.")]
StartedBy = Annotated[Literal["command", "schedule"], typer.Option("--started-by", hidden=True)]


def run(
    object_name: Annotated[
        str,
        typer.Argument(metavar="OBJECT", help="What to run: contact_record, call, ...", autocompletion=object_names),
    ],
    now: Annotated[bool, typer.Option("--now", help="Read what is new although no window is due.")] = False,
    instance: Chosen = None,
    endpoint: Endpoint = None,
    home: Home = None,
    wait_s: Wait = LOCK_WAIT_S,
    output_format: Output = Format.TABLE,
    started_by: StartedBy = "command",
) -> None:
    """Do what the object's schedule requires now: extract, stage, merge and verify what is due since the last run.

    contact_record is collected through the Connect API (`collect_schedule`, by default New York's two-hour windows at
    minute 40); other objects are read from where `run_sources` says, when `run_schedules` says, by default every hour.
    After an outage all missed windows are caught up, and a window is never done twice. Two runs of one object exclude
    each other. Idempotent: run it as often as you like. `trunkline runs list` shows what runs did.

    Example: trunkline run contact_record
    """
    from trunkline.objects.catalogue import find
    from trunkline.pipelines.run.inputs import InputOptions, check_input
    from trunkline.pipelines.run.job import run_object
    from trunkline.settings.installation import Settings

    options = InputOptions(tuple(instance or ()), endpoint)
    # Before the home is opened: a mistake in the command leaves nothing behind.
    check_input(Settings.load(home), find(object_name, load_objects(home)), options)
    with open_to_write(home, wait_s) as opened, progress(f"Running {object_name}", None, "steps") as advance:
        request = _request(started_by, is_forced=now)
        outcome = run_object(opened, opened.objects[object_name], request, _with(options, advance))
        if outcome is None:
            output.note(_nothing_due(opened, object_name))
            return
    _show(outcome, output_format)


@app.command("list")
def list_(
    object_name: Annotated[
        str | None, typer.Argument(metavar="[OBJECT]", help="Runs of this object.", autocompletion=object_names)
    ] = None,
    failed: Annotated[bool, typer.Option("--failed", help="Only runs that failed.")] = False,
    limit: Annotated[int, typer.Option("--limit", min=1, help="So many, newest first.")] = 20,
    home: Home = None,
    wait_s: Wait = LOCK_WAIT_S,
    output_format: Output = Format.TABLE,
) -> None:
    """List runs, newest first: what each covered, read and changed, and the step that failed.

    Example: trunkline runs list contact_record --failed
    """
    from trunkline.ledger.runs import runs
    from trunkline.objects.catalogue import find

    if object_name is not None:
        find(object_name, load_objects(home))
    with open_to_read(home, wait_s) as opened:
        listed = runs(opened.warehouse, object_name, "failed" if failed else None, limit)
    columns = ["run_id", "state", "started_at", "seconds", "windows", "read", "changed", "bytes", "failed_step"]
    rows = [
        (
            run.run_id,
            run.state,
            f"{run.started_at:%F %T}",
            None if run.seconds is None else round(run.seconds, 1),
            run.windows,
            run.rows_read,
            run.rows_changed,
            run.bytes_read,
            run.failed_step,
        )
        for run in listed
    ]
    output.rows(columns, rows, output_format)


@app.command("show")
def show_(run_id: RunId, home: Home = None, wait_s: Wait = LOCK_WAIT_S, output_format: Output = Format.TABLE) -> None:
    """Show a run: its window, its steps with rows, bytes and seconds, and the error of each failed step.

    Example: trunkline runs show contact_record-20260302T140000Z-1
    """
    from trunkline.ledger.runs import find_run

    with open_to_read(home, wait_s) as opened:
        record = find_run(opened.warehouse, run_id)
    if output_format is Format.TABLE:
        for line in _described(record):
            output.text(line)
    columns = ["step", "started_at", "seconds", "rows", "bytes", "detail", "error"]
    rows = [
        (
            step.step,
            f"{step.started_at:%F %T}",
            round(step.seconds, 3),
            step.step_rows,
            step.step_bytes,
            step.detail,
            step.error,
        )
        for step in record.steps
    ]
    output.rows(columns, rows, output_format)


@app.command("retry")
def retry(run_id: RunId, home: Home = None, wait_s: Wait = LOCK_WAIT_S, output_format: Output = Format.TABLE) -> None:
    """Run the object of a failed run again: what it left begun is finished, what it had done is not done again.

    Example: trunkline runs retry contact_record-20260302T140000Z-1
    """
    from trunkline.pipelines.run.inputs import InputOptions
    from trunkline.pipelines.run.job import retry_run

    with open_to_write(home, wait_s) as opened, progress("Running", None, "steps") as advance:
        outcome = retry_run(opened, run_id, _request("retry"), _with(InputOptions(), advance))
    if outcome is None:
        output.note(f"A later run has done the work of {run_id}.")
        return
    _show(outcome, output_format)


@app.command("state-machine")
def state_machine(
    object_name: Annotated[str, typer.Argument(metavar="OBJECT", autocompletion=object_names)], home: Home = None
) -> None:
    """Print the state machine that runs an object on AWS, also one of your own, in Amazon States Language.

    Example: trunkline runs state-machine contact_record > contact_record.asl.json
    """
    import json

    from trunkline.objects.catalogue import find
    from trunkline.orchestration.machine import object_machine

    output.text(json.dumps(object_machine(find(object_name, load_objects(home))), indent=2))


@app.command("state-machines")
def state_machines(
    out: Annotated[Path, typer.Option("--out", help="Folder to write to.", file_okay=False)], home: Home = None
) -> None:
    """Write the state machines of all objects, your own among them, with their schedules, into a folder.

    The files are those of state_machines/, with the home's schedules; the machine of all objects runs your own as well.
    Where an object of your own declares a source, extract_policy.json is what the role of the function `extract` needs
    to read it.

    Example: trunkline runs state-machines --out state_machines
    """
    import json

    from trunkline.deploy.own_objects import source_statements
    from trunkline.objects.catalogue import OBJECTS
    from trunkline.orchestration.firings import definitions
    from trunkline.settings.installation import Settings

    objects = load_objects(home)
    own = [obj for name, obj in objects.items() if name not in OBJECTS]
    files = dict(definitions(objects.values(), Settings.load(home)))
    if statements := source_statements(own):
        files["extract_policy.json"] = {"Version": "2012-10-17", "Statement": statements}
    out.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (out / name).write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    names = ", ".join(obj.name for obj in own) or "none"
    output.text(f"Wrote {len(files)} files to {out}. Objects of your own: {names}.")


def _request(started_by: str, is_forced: bool = False) -> RunRequest:
    from trunkline.pipelines.run.history import RunRequest

    return RunRequest(started_by, is_forced, f"process {os.getpid()}")


def _with(options: InputOptions, advance: object) -> InputOptions:
    from dataclasses import replace

    return replace(options, progress=advance)  # type: ignore[arg-type]


def _nothing_due(home: OpenHome, object_name: str) -> str:
    from trunkline import clock
    from trunkline.pipelines.run.due import next_firing, schedule_of

    at = next_firing(schedule_of(home.settings, home.objects[object_name]), clock.now())
    return f"No window is due; the next one is at {at:%F %T} UTC. Read what is new anyway: --now"


def _show(outcome: RunOutcome, output_format: Format) -> None:
    """What was read, the run's id, and what failed; exit 1 where something did."""
    read, record = outcome.read, outcome.record
    if read is not None and read.collected:
        # Names the error of each instance, and exits 1 where one failed.
        show_collected(read.collected, output_format)
    elif read is not None:
        for result in read.results:
            show(result, output_format, "Nothing new.")
    if output_format is Format.TABLE:
        seconds = f", {record.seconds:,.1f} s" if record.seconds is not None else ""
        output.note(f"Run {record.run_id} {record.state}{seconds}.")
    if outcome.error is not None:
        output.failure(f"{outcome.error}\nThe step {record.failed_step} failed: trunkline runs show {record.run_id}")
        raise typer.Exit(1)


def _described(run: RunRecord) -> list[str]:
    windows = f"{run.windows} window" + "s" * (run.windows != 1)
    lines = [
        f"{run.run_id}: {run.state}, started by {run.started_by} at {run.started_at:%F %T} UTC",
        f"Covers {run.window_start:%F %T} to {run.window_end:%F %T} UTC ({windows})",
        f"{run.rows_read:,} read, {run.rows_changed:,} changed, {run.dead_letter:,} set aside",
    ]
    if run.execution is not None:
        lines.append(f"Execution {run.execution}")
    if run.retry_of is not None:
        lines.append(f"Repeats {run.retry_of}")
    if run.error is not None:
        lines.append(f"Failed in {run.failed_step or 'an unknown step'}: {run.error}")
    return lines
