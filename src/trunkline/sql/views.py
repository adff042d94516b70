"""The SELECT of a catalogue view for every engine."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from trunkline.engines.duckdb import DUCKDB
from trunkline.engines.model import Engine, quote_double, quote_qualified
from trunkline.engines.postgres import SCALARS as POSTGRES_SCALARS
from trunkline.engines.redshift import SCALARS as REDSHIFT_SCALARS
from trunkline.objects.contact_record import CONTACT_RECORD
from trunkline.objects.model import Object
from trunkline.objects.view import Members, View, ViewColumn
from trunkline.sql.portable import Spelling, render, spelling

Named = Callable[[str], str]
"""How the relation that a view names `database.view` is written in a FROM."""


def views_on(objects: Iterable[Object], views: Iterable[View]) -> tuple[View, ...]:
    """The views whose tables are all there."""
    names = {obj.name for obj in objects}
    return tuple(view for view in views if names.issuperset(view.needs))


def column_sql(one: ViewColumn, engine: Spelling, is_lake: bool = False) -> str:
    """One column of a view's SELECT, with its name."""
    type_ = engine.types[one.type]
    if one.sql is None:
        return f'CAST(NULL AS {type_}) AS "{one.name}"'
    sql = render(one.lake_sql if is_lake and one.lake_sql else one.sql, engine)
    if one.is_condition:
        return f'CAST(CASE WHEN {sql} THEN 1 ELSE 0 END AS {type_}) AS "{one.name}"'
    if sql == f'"{one.name}"':
        return sql
    return f'{sql} AS "{one.name}"'


def select_view(view: View, engine: str, named: Named | None = None, is_lake: bool = False) -> str:
    """The view's defining SELECT, columns in catalogue order. UsageError for an unknown engine.

    `named` says how relations are written, by default as `"database"."view"`. `is_lake`: they are the lake's, as
    Athena's always are, with the partition keys as columns.
    """
    dialect = spelling(engine)
    is_lake = is_lake or engine == "athena"
    named = named or (lambda name: quote_qualified(DUCKDB, name))
    columns = ",\n    ".join(column_sql(one, dialect, is_lake) for one in view.columns)
    return f"SELECT\n    {columns}\nFROM {_source(view, dialect, named, is_lake)}"


def create_view(view: View, engine: str) -> str:
    """`CREATE OR REPLACE VIEW` of the view, without a trailing semicolon. UsageError for an unknown engine."""
    # Redshift: a bound view would keep the table's columns from being widened.
    tail = "\nWITH NO SCHEMA BINDING" if engine == "redshift" else ""
    return f'CREATE OR REPLACE VIEW "{view.database}"."{view.name}" AS\n{select_view(view, engine)}{tail}'


def view_name(name: str) -> str:
    """`schema.name` of a star view: beside the contact table."""
    return f"{CONTACT_RECORD.warehouse_table.split('.')[0]}.{name}"


def create(engine: Engine, name: str, body: str) -> str:
    """`CREATE OR REPLACE VIEW` beside the contact table."""
    # Redshift refuses to widen a VARCHAR that a bound view reads.
    tail = "\nWITH NO SCHEMA BINDING" if engine.name == "redshift" else ""
    return f"CREATE OR REPLACE VIEW {quote_qualified(engine, view_name(name))} AS\n{body}{tail}"


def contacts(engine: Engine) -> str:
    """The contact table as a FROM item's name."""
    return quote_qualified(engine, CONTACT_RECORD.warehouse_table)


def _source(view: View, engine: Spelling, named: Named, is_lake: bool) -> str:
    if view.source:
        tables = {**view.tables, **(view.lake_tables if is_lake else {})}
        return view.source.format(**{name: named(table) for name, table in tables.items()})
    table = f"{view.database}.{view.base}"
    base = named(view.lake_tables.get(view.base, table) if is_lake else table)
    return base if view.members is None else _unnested(view, view.members, base, engine)


def _unnested(view: View, members: Members, base: str, engine: Spelling) -> str:
    """The base table's columns that the view reads, beside those of each member of its list."""
    inner = {one.name for one in members.item.fields}
    outer = ", ".join(f"t.{quote_double(one.name)}" for one in view.columns if one.name not in inner)
    column = f"t.{quote_double(members.column)}"
    names = [quote_double(one.name) for one in members.item.fields]
    match engine.name:
        case "athena":  # UNNEST of an array of rows gives a column per field
            fields = [f"u.{name}" for name in names]
            joined = f"CROSS JOIN UNNEST({column}) AS u({', '.join(names)})"
        case "postgres":
            fields = [
                f'CAST(u."item" ->> {_literal(one.name)} AS {POSTGRES_SCALARS[str(one.type)]}) AS {name}'
                for one, name in zip(members.item.fields, names, strict=True)
            ]
            joined = f'CROSS JOIN LATERAL jsonb_array_elements({column}) AS u("item")'
        case "redshift":
            types = REDSHIFT_SCALARS | {"text": "VARCHAR(65535)"}
            fields = [
                f"CAST(u.{name} AS {types[str(one.type)]}) AS {name}"
                for one, name in zip(members.item.fields, names, strict=True)
            ]
            joined = f", {column} AS u"
        case _:
            fields = [f'u."item".{name} AS {name}' for name in names]
            joined = f', UNNEST({column}) AS u("item")'
    return f"(\n  SELECT {outer},\n    {', '.join(fields)}\n  FROM {base} AS t {joined}\n) AS members"


def _literal(text: str) -> str:
    return f"'{text}'"
