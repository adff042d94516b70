"""`trunkline warehouse`: the tables that the lake is folded into."""

from __future__ import annotations

import typer

from trunkline.cli import output
from trunkline.cli.open import owned, read
from trunkline.cli.options import Home, Output
from trunkline.cli.output import Format
from trunkline.cli.progress import progress

app = typer.Typer(help="The warehouse: create it, look at it, rebuild it.", no_args_is_help=True, rich_markup_mode=None)


@app.command()
def install(home: Home = None) -> None:
    """Create what is not there, and add columns the catalogue has gained; run it as often as you like.

    Example: trunkline warehouse install
    """
    from trunkline.objects.catalogue import VIEWS

    with owned(home, is_install=True) as opened:
        for change in opened.warehouse.install(list(opened.objects.values()), list(VIEWS.values())):
            output.text(change)
        for obj in opened.objects.values():
            output.text(f"{obj.warehouse_table} is in place, with view {obj.public_view}")


@app.command()
def status(home: Home = None, output_format: Output = Format.TABLE) -> None:
    """Show each table's rows, time range, last load, how much is set aside, and which version installed it.

    Who holds a lock on a server's tables just now, or waits for one, is told on standard error.

    Example: trunkline warehouse status
    """
    from trunkline.pipelines.state import table_states

    with read(home) as opened:
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
def rebuild(home: Home = None, output_format: Output = Format.TABLE) -> None:
    """Fill the warehouse again from the lake alone: the same rows, whatever became of the warehouse.

    Example: trunkline warehouse rebuild
    """
    from trunkline.pipelines.upkeep import rebuild as run

    with owned(home) as opened:
        rows = []
        for name, obj in opened.objects.items():
            with progress(f"Rebuilding {name}", None, "files") as advance:
                rows.append((name, obj.warehouse_table, run(opened, obj, advance)))
    output.rows(["object", "table", "rows"], rows, output_format)
