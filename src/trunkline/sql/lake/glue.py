"""The lake's entries in Glue's Data Catalog, as data: databases, tables over files, views, Hive types. Pure.

A view in the catalogue is a table of type VIRTUAL_VIEW whose text is Trino's own record of a view; Athena reads and
writes the same when it runs CREATE VIEW (source: ConnectorViewDefinition, and ViewReaderUtil of the Hive
connector). Written so, it needs no query, no output bucket and no wait.

A column's type may change where every file stays readable. Source of the widening rules: Athena user guide, "Change a
column data type": a column of an integer type may be read as a wider one, and float as double; a decimal of more
digits on both sides of the point holds every value of one with fewer (Trino reads it so). Arrays, maps and structs
widen where their items do; a struct may gain fields, since Parquet's are found by name.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from trunkline.engines.athena import ATHENA, trino_type
from trunkline.engines.model import quote_qualified
from trunkline.limits import EVENT_YEAR_MAX, GLUE_COMMENT_CHARS_MAX
from trunkline.objects.model import Column, ListOf, Object, Type
from trunkline.objects.view import ColumnType, View
from trunkline.sql.lake.athena import lake_location, projection
from trunkline.sql.lake.views import (
    FILES_SUFFIX,
    PARTITION_KEYS,
    VERSIONS_SUFFIX,
    lake_columns,
    lake_views,
    plain_columns,
)
from trunkline.sql.views import select_view

_TOKEN = re.compile(r"\s*([a-z_][\w]*(?:\(\s*\d+\s*(?:,\s*\d+\s*)?\))?|[<>:,]|`[^`]+`)", re.IGNORECASE)
_WHOLE = {name: place for place, name in enumerate(("tinyint", "smallint", "int", "bigint"))}
_OTHER_NAMES = {"integer": "int", "byte": "tinyint", "short": "smallint", "long": "bigint"}
_DECIMAL = re.compile(r"decimal\((\d+)(?:,(\d+))?\)")


@dataclass(frozen=True, slots=True)
class HiveType:
    """A type: its name in lower case, with precision and scale; `fields` of an array, map or struct by name."""

    name: str
    fields: tuple[tuple[str, HiveType], ...] = ()


def parse_hive_type(text: str) -> HiveType:
    """The type of this name. Raises ValueError for text that is not a Hive type name."""
    tokens: list[str] = []
    at = 0
    while at < len(text.rstrip()):
        token = _TOKEN.match(text, at)
        if token is None:
            raise ValueError(f"{text!r} is not a Hive type: {text[at:]!r} cannot be read")
        tokens.append(token[1])
        at = token.end()
    type_, rest = _read(tokens, text)
    if rest:
        raise ValueError(f"{text!r} is not a Hive type: {''.join(rest)!r} is left over")
    return type_


def _read(tokens: list[str], text: str) -> tuple[HiveType, list[str]]:
    if not tokens or tokens[0] in "<>:,":
        raise ValueError(f"{text!r} is not a Hive type: a type is missing")
    name, rest = re.sub(r"\s", "", tokens[0].lower()), tokens[1:]
    name = _OTHER_NAMES.get(name, name)
    if rest[:1] != ["<"]:
        return HiveType(name), rest
    fields: list[tuple[str, HiveType]] = []
    while rest[0] != ">":
        rest = rest[1:]
        field = str(len(fields))
        if name == "struct":
            if rest[1:2] != [":"]:
                raise ValueError(f"{text!r} is not a Hive type: a field of struct has no type")
            field, rest = rest[0].strip("`").lower(), rest[2:]
        type_, rest = _read(rest, text)
        fields.append((field, type_))
        if rest[:1] not in ([","], [">"]):
            raise ValueError(f"{text!r} is not a Hive type: a bracket is not closed")
    return HiveType(name, tuple(fields)), rest[1:]


def is_same(first: str, second: str) -> bool:
    """Whether two names stand for the same type."""
    return parse_hive_type(first) == parse_hive_type(second)


def is_widening(current: str, wanted: str) -> bool:
    """Whether files written with type `current` read correctly as `wanted`, a wider type. False for the same type."""
    return not is_same(current, wanted) and _holds(parse_hive_type(wanted), parse_hive_type(current))


def _holds(wide: HiveType, narrow: HiveType) -> bool:
    if wide == narrow:
        return True
    if wide.fields or narrow.fields:
        narrow_fields = dict(narrow.fields)
        wide_fields = dict(wide.fields)
        grows = wide.name == "struct" or narrow_fields.keys() == wide_fields.keys()
        return (
            wide.name == narrow.name
            and grows
            and all(name in wide_fields and _holds(wide_fields[name], type_) for name, type_ in narrow_fields.items())
        )
    if wide.name in _WHOLE and narrow.name in _WHOLE:
        return _WHOLE[wide.name] >= _WHOLE[narrow.name]
    decimals = _DECIMAL.fullmatch(wide.name), _DECIMAL.fullmatch(narrow.name)
    if decimals[0] and decimals[1]:
        (digits, scale), (fewer, less) = ((int(match[1]), int(match[2] or 0)) for match in decimals if match)
        return scale >= less and digits - scale >= fewer - less
    return (narrow.name, wide.name) == ("float", "double")


Json = dict[str, Any]

PARQUET_INPUT = "org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat"
PARQUET_OUTPUT = "org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat"
PARQUET_SERDE = "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe"
MADE_BY = {"trunkline.catalogue": "1"}
"""A parameter that marks the tables Trunkline made."""

VIEW_TYPES: dict[ColumnType, Type] = {
    "string": "text",
    "timestamp": "timestamp",
    "date": "date",
    "bigint": "bigint",
    "double": "double",
    "decimal": "decimal",
    "boolean": "boolean",
    "array(string)": ListOf("text"),
}


@dataclass(frozen=True, slots=True)
class CatalogueTable:
    """One entry of a Glue database: `input` is Glue's TableInput. `is_view`: it has no data and may be replaced."""

    database: str
    name: str
    input: Json
    is_view: bool

    @property
    def full_name(self) -> str:
        """`database.table`."""
        return f"{self.database}.{self.name}"


def _comment(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= GLUE_COMMENT_CHARS_MAX else line[: GLUE_COMMENT_CHARS_MAX - 1] + "…"


def _columns(columns: Iterable[Column]) -> list[Json]:
    return [
        {"Name": column.name, "Type": ATHENA.type_of(column), "Comment": _comment(column.meaning)} for column in columns
    ]


def _keys() -> list[Json]:
    meanings = ("Year of the UTC date, YYYY", "Month, MM", "Day, DD")
    return [
        {"Name": name, "Type": "string", "Comment": meaning}
        for name, meaning in zip(PARTITION_KEYS, meanings, strict=True)
    ]


def parquet_storage(location: str, columns: Sequence[Json]) -> Json:
    """Glue's StorageDescriptor of Parquet files in a folder."""
    return {
        "Columns": list(columns),
        "Location": location,
        "InputFormat": PARQUET_INPUT,
        "OutputFormat": PARQUET_OUTPUT,
        "Compressed": False,
        "SerdeInfo": {"SerializationLibrary": PARQUET_SERDE, "Parameters": {"serialization.format": "1"}},
    }


def files_table(obj: Object, lake: str, last_year: int = EVENT_YEAR_MAX, is_projected: bool = True) -> CatalogueTable:
    """The table over an object's files. Without projection its partitions have to be registered individually."""
    parameters = {"EXTERNAL": "TRUE", "classification": "parquet", **MADE_BY}
    table_input: Json = {
        "Name": obj.table_name + FILES_SUFFIX,
        "Description": f"Files of {obj.lake_table}: versions and tombstones. Read the view {obj.public_view} instead.",
        "TableType": "EXTERNAL_TABLE",
        "Parameters": parameters | (projection(obj, lake, last_year) if is_projected else {}),
        "PartitionKeys": _keys(),
        "StorageDescriptor": parquet_storage(lake_location(obj, lake), _columns(lake_columns(obj))),
    }
    return CatalogueTable(obj.database, obj.table_name + FILES_SUFFIX, table_input, is_view=False)


def _view_type(column: Column) -> str:
    if column.type == "decimal":
        return ATHENA.type_of(column)
    # Athena reads a Hive timestamp with milliseconds, and a view's types are compared with those of its query.
    return trino_type(column.type).replace("timestamp(6)", "timestamp(3)")


def _view(database: str, name: str, sql: str, columns: Sequence[Column], about: str) -> CatalogueTable:
    definition = {
        "originalSql": sql,
        "catalog": "awsdatacatalog",
        "schema": database,
        "columns": [{"name": column.name, "type": _view_type(column)} for column in columns],
    }
    text = base64.b64encode(json.dumps(definition, separators=(",", ":")).encode()).decode()
    table_input: Json = {
        "Name": name,
        "Description": about,
        "TableType": "VIRTUAL_VIEW",
        "Parameters": {"presto_view": "true", "comment": "Presto View", **MADE_BY},
        "PartitionKeys": [],
        "ViewOriginalText": f"/* Presto View: {text} */",
        "ViewExpandedText": "/* Presto View */",
        "StorageDescriptor": {
            "Columns": _columns(columns),
            "Location": "",
            "SerdeInfo": {},
        },
    }
    return CatalogueTable(database, name, table_input, is_view=True)


def object_tables(
    obj: Object, lake: str, last_year: int = EVENT_YEAR_MAX, is_projected: bool = True
) -> list[CatalogueTable]:
    """An object's table over its files and the views on it, each after those it depends on."""
    files = quote_qualified(ATHENA, obj.lake_table + FILES_SUFFIX)
    about = {
        obj.lake_table + VERSIONS_SUFFIX: f"Every distinct version of {obj.lake_table}.",
        obj.public_view: obj.grain,
        obj.plain_view: f"{obj.grain} Without personal data, which it does not read.",
    }
    tables = [files_table(obj, lake, last_year, is_projected)]
    for name, body in lake_views(obj, ATHENA, files).items():
        shown = plain_columns(obj) if name == obj.plain_view else obj.columns
        keys = [Column(key, "text", None, "From the file's path.") for key in PARTITION_KEYS]
        tables.append(_view(obj.database, name.rpartition(".")[2], body, (*shown, *keys), about[name]))
    return tables


def view_table(view: View) -> CatalogueTable:
    """A view of the catalogue on another's columns."""
    columns = [Column(column.name, VIEW_TYPES[column.type], None, column.meaning) for column in view.columns]
    return _view(view.database, view.name, select_view(view, ATHENA), columns, view.grain)
