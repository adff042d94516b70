"""`trunkline lake register` and `lake query`: the lake made known to Glue and Athena."""

from __future__ import annotations

from datetime import date
from typing import Annotated

import typer

from trunkline.cli import output
from trunkline.cli.open import declared
from trunkline.cli.options import Home, Output
from trunkline.cli.output import Format
from trunkline.errors import UsageError
from trunkline.settings import Settings


def register(
    home: Home = None,
    output_format: Output = Format.TABLE,
    only: Annotated[
        list[str] | None, typer.Option("--object", help="Only this object and its views; may be given again.")
    ] = None,
    is_dry: Annotated[bool, typer.Option("--dry-run", help="Print the DDL, ask and change nothing.")] = False,
    is_projected: Annotated[
        bool, typer.Option("--projection/--no-projection", help="Compute partitions, or register each that is there.")
    ] = True,
    named_queries: Annotated[
        bool, typer.Option("--named-queries", help="Keep the lake's queries in Athena too.")
    ] = False,
    workgroup: Annotated[str, typer.Option("--workgroup", help="Athena's workgroup for them.")] = "primary",
    crawler_role: Annotated[
        str | None, typer.Option("--crawler-role", help="Make an hourly crawler of each table, with this IAM role.")
    ] = None,
) -> None:
    """Create or update the lake's databases, tables and views in Glue, so that Athena can ask it.

    Run it again after an upgrade or a change of objects.toml: what is there stays, columns are added and widened, and
    what would narrow a column is refused before anything is changed. Partitions are projected: new days show at once.

    Example: trunkline lake register --dry-run
    """
    from trunkline.objects.catalogue import find
    from trunkline.pipelines import registering

    lake = Settings.load(home).lake
    registering.check_lake(lake)
    objects = declared(home)
    if only:
        objects = {name: find(name, objects) for name in only}
    if is_dry:
        output.text("\n\n".join(f"{one};" for one in registering.ddl_of(objects, lake, is_projected)))
        return
    wanted = registering.Wanted(is_projected, workgroup if named_queries else None, crawler_role)
    done = registering.register_lake(objects, lake, wanted)
    output.rows(["name", "action", "what"], [(one.name, one.action, one.detail or None) for one in done], output_format)


def query(
    name: Annotated[str | None, typer.Argument(metavar="[NAME]", help="Its name; without one all are listed.")] = None,
    home: Home = None,
    output_format: Output = Format.TABLE,
    day: Annotated[str | None, typer.Option("--day", help="The day it asks about, YYYY-MM-DD.")] = None,
) -> None:
    """List the lake's queries for Athena, or print one: DDL, partition repair, questions.

    Example: trunkline lake query calls_by_direction_and_answer_type --day 2026-02-11
    """
    from trunkline.sql.lake.athena import EXAMPLE_DAY, named_queries

    made = named_queries(declared(home).values(), Settings.load(home).lake, _day(day) or EXAMPLE_DAY)
    found = {one.name: one for one in made}
    if name is None:
        output.rows(
            ["query", "database", "about"], [(one.name, one.database, one.about) for one in made], output_format
        )
    elif name in found:
        output.text(f"{found[name].sql};")
    else:
        import difflib

        near = difflib.get_close_matches(name, found, n=1)
        guess = f"; did you mean {near[0]!r}?" if near else ";"
        raise UsageError(f"there is no query {name!r}{guess} `trunkline lake query` lists them")


def _day(text: str | None) -> date | None:
    if text is None:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise UsageError(f"--day is {text!r}, which is no date; write it as 2026-02-11") from None
