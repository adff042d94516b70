"""`trunkline lake`, `trunkline warehouse` and `trunkline doctor`: upkeep of both stores, and whether all agrees."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Annotated

import typer

from trunkline.cli import output
from trunkline.cli.output import Format
from trunkline.cli.shared import Home, Output, Wait, load_objects, object_names, open_to_read, open_to_write, progress
from trunkline.errors import UsageError
from trunkline.limits import LOCK_WAIT_S
from trunkline.schedules.times import parse_date
from trunkline.settings.installation import Settings

warehouse_app = typer.Typer(
    help="The warehouse: install, inspect, rebuild.", no_args_is_help=True, rich_markup_mode=None
)


@warehouse_app.command()
def install(home: Home = None, wait_s: Wait = LOCK_WAIT_S) -> None:
    """Create missing tables and views, and add columns that the catalogue has gained. Idempotent.

    Example: trunkline warehouse install
    """
    from trunkline.objects.catalogue import warehouse_views

    with open_to_write(home, wait_s, is_install=True) as opened:
        objects, views = list(opened.objects.values()), warehouse_views(opened.settings.contact_link)
        for change in opened.warehouse.install(objects, views, opened.settings.zone):
            output.text(change)
        for obj in opened.objects.values():
            output.text(f"{obj.warehouse_table} is in place, with view {obj.public_view}")


@warehouse_app.command()
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


@warehouse_app.command()
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


def doctor(
    home: Home = None,
    wait_s: Wait = LOCK_WAIT_S,
    aws: Annotated[
        Path | None, typer.Option(help="Check the installation on AWS of this configuration (deploy init) instead.")
    ] = None,
    output_format: Output = Format.TABLE,
) -> None:
    """Check that a home is consistent, or with --aws, that an installation is as its configuration says.

    Does the accounting add up? Is work unfinished? Is any key duplicated? Do lake and warehouse agree? Which records
    are set aside? Which days are certified, or lack contacts that Connect lists? Which fields are unknown, have
    disappeared, changed their type, or differ only in case?

    `failed` means that accounting, keys, or lake and warehouse are wrong, or a certified contact is gone; only then
    the exit code is 1. `look` marks what a person should see: missing contacts (`trunkline reconcile`), drift, records
    set aside, work that the next load finishes.

    On AWS it reads whether instances send to the streams, keys and secrets can be used, functions and schedules are
    on, and tables have every column. It changes nothing.

    Example: trunkline doctor --home ./my-centre
    """
    from trunkline.deploy.check import check_installation
    from trunkline.deploy.config_file import read_config
    from trunkline.pipelines.jobs.doctor import examine

    if aws is not None:
        findings = check_installation(read_config(aws))
    else:
        with open_to_read(home, wait_s) as opened:
            findings = examine(opened)
    rows = [(finding.state, finding.check, finding.detail) for finding in findings]
    output.rows(["state", "check", "detail"], rows, output_format)
    if any(finding.state == "failed" for finding in findings):
        raise typer.Exit(1)


lake_app = typer.Typer(
    help="The lake: compact its files, register it for Athena.", no_args_is_help=True, rich_markup_mode=None
)


@lake_app.command()
def compact(
    home: Home = None,
    wait_s: Wait = LOCK_WAIT_S,
    output_format: Output = Format.TABLE,
    grace_minutes: Annotated[
        int, typer.Option("--grace-minutes", min=0, help="Keep replaced files this long, for queries still running.")
    ] = 60,
) -> None:
    """Rewrite each day of the lake as one sorted file, and remove files replaced longer ago than the grace time.

    Readers see every row exactly once meanwhile. Where a contact was redacted, its older versions are redacted too.
    The bytes of dead letters older than dead_letter_retention_days are deleted; their reasons and positions are kept.

    Example: trunkline lake compact --grace-minutes 0
    """
    from trunkline.pipelines.jobs.upkeep import compact as run

    with open_to_write(home, wait_s) as opened:
        rows = []
        for name, obj in opened.objects.items():
            with progress(f"Compacting {name}", None, "days") as advance:
                done = run(opened, obj, timedelta(minutes=grace_minutes), advance)
            rows.append(
                (name, done.partitions, done.files_replaced, done.files_removed, done.scrubbed, done.bytes_dropped)
            )
    columns = [
        "object",
        "days_compacted",
        "files_replaced",
        "files_removed",
        "versions_scrubbed",
        "dead_letter_files_dropped",
    ]
    output.rows(columns, rows, output_format)


@lake_app.command()
def register(
    home: Home = None,
    output_format: Output = Format.TABLE,
    only: Annotated[
        list[str] | None,
        typer.Option("--object", help="Only this object and its views, repeatable.", autocompletion=object_names),
    ] = None,
    is_dry: Annotated[bool, typer.Option("--dry-run", help="Print the DDL and change nothing.")] = False,
    is_projected: Annotated[
        bool, typer.Option("--projection/--no-projection", help="Project partitions, or register each existing one.")
    ] = True,
    named_queries: Annotated[
        bool, typer.Option("--named-queries", help="Save the lake's queries in Athena too.")
    ] = False,
    workgroup: Annotated[str, typer.Option("--workgroup", help="Athena's workgroup for them.")] = "primary",
    crawler_role: Annotated[
        str | None, typer.Option("--crawler-role", help="Create an hourly crawler for each table, with this IAM role.")
    ] = None,
) -> None:
    """Create or update the lake's databases, tables and views in Glue, so that Athena can query it.

    Run it again after an upgrade or a change of objects.toml: existing tables stay, columns are added and widened, and
    a change that would narrow a column is refused before anything is changed. Partitions are projected, so that new
    days show at once.

    Example: trunkline lake register --dry-run
    """
    from trunkline.objects.catalogue import find
    from trunkline.pipelines.jobs import upkeep

    lake = Settings.load(home).lake
    upkeep.check_lake(lake)
    objects = load_objects(home)
    if only:
        objects = {name: find(name, objects) for name in only}
    if is_dry:
        output.text("\n\n".join(f"{statement};" for statement in upkeep.ddl_of(objects, lake, is_projected)))
        return
    options = upkeep.RegisterOptions(is_projected, workgroup if named_queries else None, crawler_role)
    changes = upkeep.register_lake(objects, lake, options)
    output.rows(
        ["name", "action", "what"],
        [(change.name, change.action, change.detail or None) for change in changes],
        output_format,
    )
    for view, lacking in upkeep.views_left_out(objects).items():
        output.note(f"The view {view} was left as it is: it needs {' and '.join(lacking)} too; run without --object.")


@lake_app.command()
def query(
    name: Annotated[
        str | None, typer.Argument(metavar="[NAME]", help="The query's name; without one, all are listed.")
    ] = None,
    home: Home = None,
    output_format: Output = Format.TABLE,
    day: Annotated[str | None, typer.Option("--day", help="The day it is about, YYYY-MM-DD.")] = None,
) -> None:
    """List the lake's queries for Athena, or print one: DDL, partition repair, analysis.

    Example: trunkline lake query calls_by_direction_and_answer_type --day 2026-02-11
    """
    from trunkline.sql.lake.athena import EXAMPLE_DAY, named_queries

    chosen_day = parse_date(day, "--day") if day is not None else EXAMPLE_DAY
    queries = {
        query.name: query for query in named_queries(load_objects(home).values(), Settings.load(home).lake, chosen_day)
    }
    if name is None:
        rows = [(query.name, query.database, query.about) for query in queries.values()]
        output.rows(["query", "database", "about"], rows, output_format)
    elif name in queries:
        output.text(f"{queries[name].sql};")
    else:
        import difflib

        near = difflib.get_close_matches(name, queries, n=1)
        guess = f"; did you mean {near[0]!r}?" if near else ";"
        raise UsageError(f"there is no query {name!r}{guess} `trunkline lake query` lists them")
