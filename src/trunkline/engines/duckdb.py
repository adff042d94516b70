"""DuckDB: the embedded engine of flatten, lake and warehouse.

Traps, each measured and each a test: a cast of text to TIMESTAMP drops the offset; `infinity` and `epoch` are
timestamps; a JSON document with NaN or a trailing comma counts as valid; a repeated key of a map makes the map NULL.
"""

from __future__ import annotations

from trunkline.engines.model import Engine, Spelling, TableRules, Unnested, fraction, numbered_placeholder, quote_double
from trunkline.objects.model import DECIMAL_DIGITS, DECIMAL_SCALE, Column, Json, ListOf, MapOf, Struct, Type
from trunkline.objects.view import Members

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
    if column.type == "decimal":
        return f"DECIMAL({DECIMAL_DIGITS},{column.decimal_scale})"
    return type_name(column.type)


def _bucket(instant: str, local: str, width_s: int) -> str:
    return f"{instant} - to_microseconds(epoch_us({local}) % {width_s * 1_000_000})"


def _unnest(members: Members, column: str) -> Unnested:
    fields = ((".".join(quote_double(name) for name in leaf.path), quote_double(leaf.name)) for leaf in members.leaves)
    return Unnested(tuple(f'u."item".{path} AS {name}' for path, name in fields), f', UNNEST({column}) AS u("item")')


DUCKDB = Engine(
    name="duckdb",
    type_of=_type_of,
    quote=quote_double,
    tables=TableRules(),
    spelling=Spelling(
        types={
            "string": "VARCHAR",
            "timestamp": "TIMESTAMP",
            "date": "DATE",
            "decimal": f"DECIMAL({DECIMAL_DIGITS},{DECIMAL_SCALE})",
            "bigint": "BIGINT",
            "double": "DOUBLE",
            "boolean": "BOOLEAN",
            "array(string)": "VARCHAR[]",
        },
        ms_between=lambda start, end: f"date_sub('millisecond', {start}, {end})",
        local=lambda instant, zone: f"timezone('{zone}', timezone('UTC', {instant}))",
        utc=lambda local, zone: f"timezone('UTC', timezone('{zone}', {local}))",
        bucket=_bucket,
        md5=lambda text: f"md5({text})",
        by_code_point=lambda text: text,
        placeholder=numbered_placeholder,
        percentile=lambda value, percent, rank, count: f"quantile_disc({value}, {fraction(percent)})",
        nested_as_text=lambda type_, value: f"CAST({value} AS VARCHAR)",
        unnest=_unnest,
        map_value=lambda map_, key: f"map_extract_value({map_}, {key})",
    ),
)
