"""`trunkline warehouse` and `trunkline doctor`: the tables that the lake is folded into, and whether all agrees."""

from __future__ import annotations

import typer

from trunkline.cli import output
from trunkline.cli.output import Format
from trunkline.cli.shared import Home, Output, Wait, open_to_read, open_to_write, progress
from trunkline.limits import LOCK_WAIT_S

app = typer.Typer(help="The warehouse: install, inspect, rebuild.", no_args_is_help=True, rich_markup_mode=None)


@app.command()
def install(home: Home = None, wait_s: Wait = LOCK_WAIT_S) -> None:
    """Create missing tables and views, and add columns that the catalogue has gained. Idempotent.

    Example: trunkline warehouse install
    """
    from trunkline.objects.catalogue import VIEWS

    with open_to_write(home, wait_s, is_install=True) as opened:
        objects, views = list(opened.objects.values()), list(VIEWS.values())
        for change in opened.warehouse.install(objects, views, opened.settings.zone):
            output.text(change)
        for obj in opened.objects.values():
            output.text(f"{obj.warehouse_table} is in place, with view {obj.public_view}")


@app.command()
def status(home: Home = None, wait_s: Wait = LOCK_WAIT_S, output_format: Output = Format.TABLE) -> None:
    """Show each table's rows, time range, last load, how much is set aside, and which version installed it.

    Processes that hold a lock on a server's tables, or wait for one, are listed on standard error.

    Example: trunkline warehouse status
    """
    from trunkline.pipelines.jobs.doctor import table_states

    with open_to_read(home, wait_s) as opened:
        states, locks = table_states(opened), opened.warehouse.locks()
    rows = [
        (s.object_name, s.table, s.rows, s.first, s.last, s.batches, s.last_load, s.set_aside, s.installed)
        for s in states
    ]
    columns = ["object", "table", "rows", "first_event", "last_event", "batches", "last_load", "set_aside", "installed"]
    output.rows(columns, rows, output_format)
    for lock in locks:
        since = f" since {lock.since:%Y-%m-%d %H:%M:%S} UTC" if lock.since else ""
        output.note(f"{lock.holder} {'holds' if lock.is_granted else 'waits for'} {lock.table}{since}")


@app.command()
def rebuild(home: Home = None, wait_s: Wait = LOCK_WAIT_S, output_format: Output = Format.TABLE) -> None:
    """Rebuild the warehouse from the lake alone: the same rows, whatever happened to the warehouse.

    Example: trunkline warehouse rebuild
    """
    from trunkline.pipelines.jobs.upkeep import rebuild as run

    with open_to_write(home, wait_s) as opened:
        rows = []
        for name, obj in opened.objects.items():
            with progress(f"Rebuilding {name}", None, "files") as advance:
                rows.append((name, obj.warehouse_table, run(opened, obj, advance)))
    output.rows(["object", "table", "rows"], rows, output_format)


def doctor(home: Home = None, wait_s: Wait = LOCK_WAIT_S, output_format: Output = Format.TABLE) -> None:
    """Check that a home is consistent.

    Does the accounting add up? Is work unfinished? Is any key duplicated? Do lake and warehouse agree? Which records
    are set aside? Which days are certified, or lack contacts that Connect lists? Which fields are unknown, have
    disappeared, changed their type, or differ only in case?

    `failed` means that accounting, keys, or lake and warehouse are wrong, or a certified contact is gone; only then
    the exit code is 1. `look` marks what a person should see: missing contacts (`trunkline reconcile`), drift, records
    set aside, work that the next load finishes.

    Example: trunkline doctor --home ./my-centre
    """
    from trunkline.pipelines.jobs.doctor import examine

    with open_to_read(home, wait_s) as opened:
        findings = examine(opened)
    rows = [(finding.state, finding.check, finding.detail) for finding in findings]
    output.rows(["state", "check", "detail"], rows, output_format)
    if any(finding.state == "failed" for finding in findings):
        raise typer.Exit(1)
