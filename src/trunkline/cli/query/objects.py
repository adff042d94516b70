"""`trunkline object`: the catalogue of tables."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from trunkline.cli import output
from trunkline.cli.output import Format
from trunkline.cli.shared import Home, Output, engine_option, load_objects, table_names

app = typer.Typer(help="The tables: what a row is, columns, DDL.", no_args_is_help=True, rich_markup_mode=None)
EngineName = Annotated[str, engine_option("--engine", "Engine to write SQL for")]
Name = Annotated[
    str, typer.Argument(metavar="OBJECT", help="The object's name: contact_record, ...", autocompletion=table_names)
]


@app.command("list")
def list_objects(home: Home = None, output_format: Output = Format.TABLE) -> None:
    """List all objects: the built-in ones and those of objects.toml in the home.

    Example: trunkline object list
    """
    from trunkline.objects.catalogue import warehouse_views

    rows: list[tuple[object, ...]] = [
        (o.name, o.lake_table, o.warehouse_table, ", ".join(o.key), len(o.columns), o.grain)
        for o in load_objects(home).values()
    ]
    rows += [
        (v.name, None, f"{v.database}.{v.name}", ", ".join(v.key), len(v.columns), f"A view on {v.base}: {v.grain}.")
        for v in warehouse_views()
    ]
    output.rows(["object", "lake_table", "warehouse_table", "key", "columns", "grain"], rows, output_format)


@app.command()
def show(name: Name, home: Home = None, output_format: Output = Format.TABLE) -> None:
    """Show an object's columns: type, unit, where the value comes from, what NULL means.

    Example: trunkline object show contact_record
    """
    from trunkline.engines.duckdb import DUCKDB
    from trunkline.objects.catalogue import find, find_view

    if view := find_view(name):
        output.rows(
            ["column", "type", "meaning", "definition"],
            [(c.name, c.type, c.meaning, c.sql) for c in view.columns],
            output_format,
        )
        return
    obj = find(name, load_objects(home))
    rows = [
        (
            c.name,
            DUCKDB.type_of(c) if isinstance(c.type, str) else type(c.type).__name__.lower(),
            c.unit,
            ".".join(c.path) if c.path else None,
            c.pii,
            c.meaning,
        )
        for c in obj.columns
    ]
    output.rows(["column", "type", "unit", "path", "pii", "meaning"], rows, output_format)


@app.command()
def ddl(name: Name, engine: EngineName = "duckdb", home: Home = None) -> None:
    """Print the DDL of an object: schema, table, staging table and view. For athena, the lake's table and views.

    For a view, print its definition.

    Example: trunkline object ddl contact_record --engine redshift
    """
    from trunkline.engines.catalogue import find as find_engine
    from trunkline.objects.catalogue import find, find_view
    from trunkline.settings.installation import Settings
    from trunkline.sql.lake.athena import object_statements
    from trunkline.sql.views import create_view

    if view := find_view(name):
        output.text(create_view(view, find_engine(engine)) + ";")
        return
    statements = object_statements(find(name, load_objects(home)), find_engine(engine), Settings.load(home).lake)
    output.text("\n\n".join(f"{statement};" for statement in statements))


@app.command("sql")
def sql_(
    name: Name,
    step: Annotated[
        Literal["flatten", "merge", "order"], typer.Option("--step", help="Which statement to show.")
    ] = "flatten",
    home: Home = None,
) -> None:
    """Print the SQL that the embedded engine runs for an object: flatten, merge, or the order of versions.

    Example: trunkline object sql contact_record --step merge
    """
    from trunkline.engines.duckdb import DUCKDB
    from trunkline.objects.catalogue import find
    from trunkline.sql.flatten.statement import flatten_sql
    from trunkline.sql.merge.embedded import steps
    from trunkline.sql.order import order_by

    obj = find(name, load_objects(home))
    if step == "flatten":
        output.text(flatten_sql(obj).rows + ";")
    elif step == "order":
        output.text("ORDER BY " + order_by(obj, DUCKDB))
    else:
        output.text("\n\n".join(f"{part};" for part in steps(obj)))
