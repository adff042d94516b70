"""Amazon Athena: Hive's DDL over Parquet in the lake, Trino's SQL in queries and views.

Two dialects in one engine: a CREATE EXTERNAL TABLE has Hive's type names and backticks, a query or a view has
Trino's and double quotes. Timestamps are read with milliseconds.
"""

from __future__ import annotations

from trunkline.engines.model import Engine, Refusal, quote_backtick, quote_double
from trunkline.objects.model import DECIMAL_DIGITS, DECIMAL_SCALE, Column, Json, ListOf, MapOf, Struct, Type

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
    return hive_type(column.type)


ATHENA = Engine(
    name="athena",
    sqlglot="athena",
    type_of=_type_of,
    quote=quote_double,
    ddl_quote=quote_backtick,
    statement_bytes_max=262_144,  # user guide, service quotas: the longest query string
    identifier_bytes_max=255,  # user guide, names of databases, tables and columns
    refuses=(
        Refusal("a partition column that is in the table's columns too", "year, month and day only in the path",
                f"{GUIDE}, partitioning"),
        Refusal("names in upper case", "every name is lower case", f"{GUIDE}, names"),
        Refusal("microseconds of a Hive timestamp", "milliseconds are read; `record_version` keeps all of them",
                f"{GUIDE}, data types"),
        Refusal("changing rows of an external table", "versions are added, views show the best",
                f"{GUIDE}, considerations for SQL queries"),
    ),
)  # fmt: skip
