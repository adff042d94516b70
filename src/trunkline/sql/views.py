"""The catalogue's views, in every engine's SQL, and the portable SQL that views and metrics are written in.

Portable SQL is what DuckDB, PostgreSQL, Redshift and Athena (Trino) read alike, with names in double quotes and texts
in single ones, and five functions of our own: `MS_BETWEEN("a", "b")`, the whole milliseconds from timestamp column a
to timestamp column b, NULL when either is NULL; `QUARTER_HOUR("a")`, the last full quarter of an hour UTC;
`MD5_OF("a")` of a text column; `MAP_VALUE("a", 'key')` of a column that is a map of texts; and `WALL_CLOCK("a")`, the
timestamp that a clock in the installation's zone shows at a. What else differs is an engine's `Spelling`
(`engines/model.py`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Final

from trunkline.engines.model import Engine, quote_double, quote_qualified
from trunkline.objects.contact_record import CONTACT_RECORD
from trunkline.objects.model import Object
from trunkline.objects.view import Members, View, ViewColumn
from trunkline.sql.ddl import table_rules

_TOKEN: Final = re.compile(
    r"""MS_BETWEEN\(("\w+"), ("\w+")\)|QUARTER_HOUR\(("\w+")\)|MD5_OF\(("\w+")\)|WALL_CLOCK\(("\w+")\)"""
    r"""|MAP_VALUE\((?P<map>"\w+"), (?P<key>'(?:[^']|'')*')\)|'(?:[^']|'')*'|"(?P<name>(?:[^"]|"")*)\""""
)


QUARTER_HOUR_S: Final = 900


def render(portable: str, engine: Engine, zone: str = "UTC") -> str:
    """A portable expression or statement in the engine's own SQL: our functions spelled, names quoted its way.

    `zone` is the IANA zone of wall clocks.
    """

    def rendered(token: re.Match[str]) -> str:
        if token[1]:
            return engine.spelling.ms_between(render(token[1], engine), render(token[2], engine))
        if token[3]:
            instant = render(token[3], engine)
            return engine.spelling.bucket(instant, instant, QUARTER_HOUR_S)
        if token[4]:
            return engine.spelling.md5(render(token[4], engine))
        if token[5]:
            instant = render(token[5], engine)
            return instant if zone == "UTC" else engine.spelling.local(instant, zone)
        if token["map"]:
            return engine.spelling.map_value(render(token["map"], engine), token["key"])
        return token[0] if token["name"] is None else engine.quote(token["name"].replace('""', '"'))

    return _TOKEN.sub(rendered, portable)


RelationNames = Callable[[str], str]
"""How the relation that a view calls `database.view` is written in a FROM."""


def views_on(objects: Iterable[Object], views: Iterable[View]) -> tuple[View, ...]:
    """The views whose tables are among these objects'."""
    names = {obj.name for obj in objects}
    return tuple(view for view in views if names.issuperset(view.needs))


def column_sql(column: ViewColumn, engine: Engine, is_lake: bool = False) -> str:
    """One column of a view's SELECT with its name, in portable SQL with the engine's type names."""
    type_, name = engine.spelling.types[column.type], quote_double(column.name)
    if column.sql is None:
        return f"CAST(NULL AS {type_}) AS {name}"
    sql = column.lake_sql if is_lake and column.lake_sql else column.sql
    if column.is_condition:
        return f"CAST(CASE WHEN {sql} THEN 1 ELSE 0 END AS {type_}) AS {name}"
    return sql if sql == name else f"{sql} AS {name}"


def select_view(
    view: View, engine: Engine, names: RelationNames | None = None, is_lake: bool = False, zone: str = "UTC"
) -> str:
    """The view's defining SELECT, columns in catalogue order. `zone` is the IANA zone of wall clocks.

    `names` says how relations are written, by default as `"database"."view"`. `is_lake`: they are the lake's, with the
    partition keys as columns, as they always are in an engine that stores no rows.
    """
    is_lake = is_lake or engine.tables is None
    names = names or (lambda name: quote_qualified(engine, name))
    columns = ",\n    ".join(column_sql(column, engine, is_lake) for column in view.columns)
    return f"SELECT\n    {render(columns, engine, zone)}\nFROM {_source(view, engine, names, is_lake)}"


def create_view(view: View, engine: Engine, zone: str = "UTC") -> str:
    """`CREATE OR REPLACE VIEW` of the view, without a trailing semicolon. `zone` is the IANA zone of wall clocks."""
    tail = engine.tables.view_tail if engine.tables else ""
    name = quote_qualified(engine, f"{view.database}.{view.name}")
    return f"CREATE OR REPLACE VIEW {name} AS\n{select_view(view, engine, zone=zone)}{tail}"


def view_name(name: str) -> str:
    """`schema.name` of a view beside the contact table."""
    return f"{CONTACT_RECORD.warehouse_table.split('.')[0]}.{name}"


def create_beside_contacts(engine: Engine, name: str, portable: str) -> str:
    """`CREATE OR REPLACE VIEW` beside the contact table, from a SELECT in portable SQL.

    Raises UsageError for an engine that stores no rows.
    """
    tail = table_rules(engine).view_tail
    return f"CREATE OR REPLACE VIEW {quote_qualified(engine, view_name(name))} AS\n{render(portable, engine)}{tail}"


def portable_table(obj: Object) -> str:
    """The name of an object's warehouse table in portable SQL."""
    return ".".join(quote_double(part) for part in obj.warehouse_table.split("."))


CONTACTS = portable_table(CONTACT_RECORD)
"""The contact table's name in portable SQL."""


def _source(view: View, engine: Engine, names: RelationNames, is_lake: bool) -> str:
    if view.source:
        tables = {**view.tables, **(view.lake_tables if is_lake else {})}
        return render(view.source, engine).format(**{name: names(table) for name, table in tables.items()})
    table = f"{view.database}.{view.base}"
    base = names(view.lake_tables.get(view.base, table) if is_lake else table)
    return base if view.members is None else _unnested(view, view.members, base, engine)


def _unnested(view: View, members: Members, base: str, engine: Engine) -> str:
    """The base table's columns that the view reads, beside those of each member of its list."""
    inner = {leaf.name for leaf in members.leaves}
    outer = ", ".join(f"t.{engine.quote(column.name)}" for column in view.columns if column.name not in inner)
    unnested = engine.spelling.unnest(members, f"t.{engine.quote(members.column)}")
    fields = ", ".join(unnested.fields)
    return f"(\n  SELECT {outer},\n    {fields}\n  FROM {base} AS t {unnested.join}\n) AS members"
