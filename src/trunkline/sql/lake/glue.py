"""The lake's entries in Glue's Data Catalog, as data: databases, tables over files, views. Pure.

A view in the catalogue is a table of type VIRTUAL_VIEW whose text is Trino's own record of a view; Athena reads and
writes the same when it runs CREATE VIEW (source: ConnectorViewDefinition, and ViewReaderUtil of the Hive
connector). Written so, it needs no query, no output bucket and no wait.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from trunkline.engines.athena import ATHENA, hive_type, trino_type
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

Json = dict[str, Any]

PARQUET_INPUT = "org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat"
PARQUET_OUTPUT = "org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat"
PARQUET_SERDE = "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe"
MADE_BY = {"trunkline.catalogue": "1"}
"""A parameter that marks the tables Trunkline made."""

VIEW_TYPES: dict[ColumnType, Type] = {
    "string": "text",
    "timestamp": "timestamp",
    "bigint": "bigint",
    "double": "double",
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
        {"Name": column.name, "Type": hive_type(column.type), "Comment": _comment(column.meaning)} for column in columns
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


def _view_type(type_: Type) -> str:
    # Athena reads a Hive timestamp with milliseconds, and a view's types are compared with those of its query.
    return trino_type(type_).replace("timestamp(6)", "timestamp(3)")


def _view(database: str, name: str, sql: str, columns: Sequence[tuple[str, Type, str]], about: str) -> CatalogueTable:
    definition = {
        "originalSql": sql,
        "catalog": "awsdatacatalog",
        "schema": database,
        "columns": [{"name": column, "type": _view_type(type_)} for column, type_, _ in columns],
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
            "Columns": [
                {"Name": column, "Type": hive_type(type_), "Comment": _comment(meaning)}
                for column, type_, meaning in columns
            ],
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
        columns: list[tuple[str, Type, str]] = [(column.name, column.type, column.meaning) for column in shown]
        columns += [(key, "text", "From the file's path.") for key in PARTITION_KEYS]
        tables.append(_view(obj.database, name.rpartition(".")[2], body, columns, about[name]))
    return tables


def view_table(view: View) -> CatalogueTable:
    """A view of the catalogue on another's columns."""
    columns = [(column.name, VIEW_TYPES[column.type], column.meaning) for column in view.columns]
    return _view(view.database, view.name, select_view(view, ATHENA), columns, view.grain)
