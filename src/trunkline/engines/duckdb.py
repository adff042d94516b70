"""DuckDB: the embedded engine of flatten, lake and warehouse.

Traps, each measured and each a test: a cast of text to TIMESTAMP drops the offset; `infinity` and `epoch` are
timestamps; a JSON document with NaN or a trailing comma counts as valid; a repeated key of a map makes the map NULL.
"""

from __future__ import annotations

from trunkline.engines.model import Engine, quote_double
from trunkline.objects.model import DECIMAL_DIGITS, DECIMAL_SCALE, Column, Json, ListOf, MapOf, Struct, Type

SCALARS = {
    "text": "VARCHAR",
    "bigint": "BIGINT",
    "integer": "INTEGER",
    "double": "DOUBLE",
    "decimal": f"DECIMAL({DECIMAL_DIGITS},{DECIMAL_SCALE})",
    "boolean": "BOOLEAN",
    "timestamp": "TIMESTAMP",
    "date": "DATE",
}


def type_name(type_: Type) -> str:
    """DuckDB's name of a type; JSON is kept as VARCHAR so that its numbers are never parsed again."""
    match type_:
        case str():
            return SCALARS[type_]
        case Json():
            return "VARCHAR"
        case ListOf(item):
            return f"{type_name(item)}[]"
        case MapOf(value):
            return f"MAP(VARCHAR, {type_name(value)})"
        case Struct(fields):
            return "STRUCT(" + ", ".join(f"{quote_double(f.name)} {type_name(f.type)}" for f in fields) + ")"


def _type_of(column: Column) -> str:
    return type_name(column.type)


DUCKDB = Engine(name="duckdb", sqlglot="duckdb", type_of=_type_of, quote=quote_double)
