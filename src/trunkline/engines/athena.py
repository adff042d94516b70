"""Amazon Athena: Hive's DDL over Parquet in the lake, Trino's SQL in queries and views.

Two dialects in one engine: CREATE EXTERNAL TABLE takes Hive's type names and backticks, queries and views take
Trino's and double quotes. Timestamps are read with milliseconds.
"""

from __future__ import annotations

from trunkline.engines.model import Engine, Refusal, Spelling, Unnested, quote_backtick, quote_double
from trunkline.objects.model import DECIMAL_DIGITS, DECIMAL_SCALE, Column, Json, ListOf, MapOf, Struct, Type
from trunkline.objects.view import Members

HIVE_SCALARS = {
    "text": "string",
    "bigint": "bigint",
    "integer": "int",
    "double": "double",
    "decimal": f"decimal({DECIMAL_DIGITS},{DECIMAL_SCALE})",
    "boolean": "boolean",
    "timestamp": "timestamp",
    "date": "date",
}
TRINO_SCALARS = HIVE_SCALARS | {"text": "varchar", "integer": "integer", "timestamp": "timestamp(6)"}

GUIDE = "Amazon Athena user guide"


def hive_type(type_: Type) -> str:
    """The type's name in a CREATE EXTERNAL TABLE; JSON is text."""
    match type_:
        case str():
            return HIVE_SCALARS[type_]
        case Json():
            return "string"
        case ListOf(item):
            return f"array<{hive_type(item)}>"
        case MapOf(value):
            return f"map<string,{hive_type(value)}>"
        case Struct(fields):
            return "struct<" + ",".join(f"{field.name}:{hive_type(field.type)}" for field in fields) + ">"


def trino_type(type_: Type) -> str:
    """The type's name in a query, as a CAST needs it."""
    match type_:
        case str():
            return TRINO_SCALARS[type_]
        case Json():
            return "varchar"
        case ListOf(item):
            return f"array({trino_type(item)})"
        case MapOf(value):
            return f"map(varchar, {trino_type(value)})"
        case Struct(fields):
            return "row(" + ", ".join(f"{quote_double(field.name)} {trino_type(field.type)}" for field in fields) + ")"


def _type_of(column: Column) -> str:
    if column.type == "decimal":
        return f"decimal({DECIMAL_DIGITS},{column.decimal_scale})"
    return hive_type(column.type)


def _bucket(instant: str, local: str, width_s: int) -> str:
    past = f"date_diff('second', date_trunc('day', {local}), {local}) % {width_s}"
    return f"date_add('second', -({past}), date_trunc('second', {instant}))"


def _percentile(value: str, percent: int, rank: str, count: str) -> str:
    place = f"(COUNT({value}) * {percent} + 99) / 100"
    return f"element_at(array_sort(array_agg({value}) FILTER (WHERE {value} IS NOT NULL)), {place})"


def _nested_as_text(type_: Type, value: str) -> str:
    # JSON is stored as text; Trino casts no map, array or row to text.
    return f"CAST({value} AS VARCHAR)" if isinstance(type_, Json) else f"JSON_FORMAT(CAST({value} AS JSON))"


def _unnest(members: Members, column: str) -> Unnested:
    # UNNEST of an array of rows gives a column per field.
    names = [quote_double(field.name) for field in members.item.fields]
    fields = [(".".join(quote_double(name) for name in leaf.path), quote_double(leaf.name)) for leaf in members.leaves]
    return Unnested(
        tuple(f"u.{path}" if path == name else f"u.{path} AS {name}" for path, name in fields),
        f"CROSS JOIN UNNEST({column}) AS u({', '.join(names)})",
    )


SPELLING = Spelling(
    types={
        "string": "VARCHAR",
        "timestamp": "TIMESTAMP",
        "date": "DATE",
        "bigint": "BIGINT",
        "decimal": f"DECIMAL({DECIMAL_DIGITS},{DECIMAL_SCALE})",
        "double": "DOUBLE",
        "boolean": "BOOLEAN",
        "array(string)": "ARRAY(VARCHAR)",
    },
    ms_between=lambda start, end: f"date_diff('millisecond', {start}, {end})",
    local=lambda instant, zone: f"CAST(with_timezone({instant}, 'UTC') AT TIME ZONE '{zone}' AS TIMESTAMP)",
    utc=lambda local, zone: f"CAST(with_timezone({local}, '{zone}') AT TIME ZONE 'UTC' AS TIMESTAMP)",
    bucket=_bucket,
    md5=lambda text: f"lower(to_hex(md5(to_utf8({text}))))",
    by_code_point=lambda text: text,
    placeholder=lambda number, name: "?",
    percentile=_percentile,
    nested_as_text=_nested_as_text,
    unnest=_unnest,
    map_value=lambda map_, key: f"element_at({map_}, {key})",
)

ATHENA = Engine(
    name="athena",
    type_of=_type_of,
    quote=quote_double,
    spelling=SPELLING,
    ddl_quote=quote_backtick,
    statement_bytes_max=262_144,  # user guide, service quotas: the longest query string
    identifier_bytes_max=255,  # user guide, names of databases, tables and columns
    refuses=(
        Refusal(
            "a partition column that is in the table's columns too",
            "year, month and day only in the path",
            f"{GUIDE}, partitioning",
        ),
        Refusal("names in upper case", "every name is lower case", f"{GUIDE}, names"),
        Refusal(
            "microseconds of a Hive timestamp",
            "milliseconds are read; `record_version` keeps all of them",
            f"{GUIDE}, data types",
        ),
        Refusal(
            "changing rows of an external table",
            "versions are added, views show the best",
            f"{GUIDE}, considerations for SQL queries",
        ),
    ),
)
