"""`trunkline object`: the catalogue of tables."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from trunkline.cli import output
from trunkline.cli.output import Format
from trunkline.cli.shared import Home, Output, engine_option, load_objects, table_names

if TYPE_CHECKING:
    from trunkline.objects.user.propose import Sample

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
def new(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The new object's name, such as crm_task.")],
    sample: Annotated[
        str,
        typer.Option(
            "--from",
            metavar="SAMPLE",
            help="JSON, NDJSON, CSV, Parquet, Excel, a Salesforce describe, or a tab: sheet:ID!TAB.",
        ),
    ],
    credentials: Annotated[
        str,
        typer.Option("--credentials", metavar="PLACE", help="Where the key for a Google Sheet is: file:PATH, ..."),
    ] = "",
    out: Annotated[
        Path | None, typer.Option("--out", help="File to write (default: objects/NAME.toml in the home).")
    ] = None,
    home: Home = None,
) -> None:
    """Propose an object from a sample: columns with types, key, version, and what may be personal data.

    Writes a TOML file to edit, with a comment at each guess; it holds no value of the sample. A file that is there is
    not overwritten. The sample is a file, or a tab of a Google Sheet: sheet:ID!TAB in single quotes, where ID may be
    the sheet's address, with --credentials.

    Example: trunkline object new crm_task --from tasks.csv
    """
    from trunkline.errors import UsageError
    from trunkline.objects.user.declare import read_objects
    from trunkline.objects.user.propose import propose
    from trunkline.settings.installation import Settings

    if name in load_objects(home):
        raise UsageError(f"there is an object {name} already; choose another name, such as my_{name}")
    path = out or Settings.load(home).own_objects / "objects" / f"{name}.toml"
    if path.exists():
        raise UsageError(f"{path} exists and is not overwritten; name another file with --out, or move it away")
    text = propose(name, _read_sample(sample, credentials, Settings.load(home).sheets_endpoint))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    try:
        (obj,) = read_objects(path)
    except UsageError:
        path.unlink()
        raise
    guesses = text.count("# guess")
    output.text(f"Wrote {path}: {len(obj.data_columns)} columns, {guesses} guesses to look at (lines with # guess).")
    output.text(f"Then: trunkline object check {path}")


def _read_sample(sample: str, credentials: str, endpoint: str) -> Sample:
    from trunkline.errors import UsageError
    from trunkline.sources.files.tables.sample import read_sample
    from trunkline.sources.sheets.sample import is_sheet, read_tab

    if is_sheet(sample):
        return read_tab(sample, credentials, endpoint)
    if credentials:
        raise UsageError("--credentials is for a Google Sheet, and --from names a file; leave it out")
    return read_sample(Path(sample))


@app.command()
def check(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A TOML file of objects.")],
) -> None:
    """Check a file of objects: is it valid, and do its examples give the rows that they say.

    An example is written as [[object.NAME.example]]: a record, and the values of the row or the error that it gives.

    Example: trunkline object check trunkline-data/objects/crm_task.toml
    """
    from trunkline.objects.user.declare import read_objects
    from trunkline.objects.user.examples import read_examples
    from trunkline.pipelines.jobs.examples import failures

    is_failed = False
    examples = read_examples(file)
    for obj in read_objects(file):
        problems = failures(obj, examples.get(obj.name, []))
        count = len(examples.get(obj.name, []))
        output.text(f"{obj.name}: {len(obj.data_columns)} columns, {count} examples, {len(problems)} problems")
        for problem in problems:
            output.text(f"  {problem}")
        is_failed = is_failed or bool(problems)
    if is_failed:
        raise typer.Exit(1)


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
