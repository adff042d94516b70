"""Users' own objects, declared in a TOML file: `[object.NAME]` with `[object.NAME.columns]`, no code.

What is wrong in a file is a UsageError that names the file, the object, the key, the value and what is valid.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

from trunkline.errors import UsageError
from trunkline.limits import POSTGRES_NAME_BYTES_MAX, TEXT_BYTES_MAX
from trunkline.objects.ledger import LEDGER_SCHEMA
from trunkline.objects.model import (
    RECORD_COLUMNS,
    Column,
    Json,
    ListOf,
    MapOf,
    Object,
    Pii,
    Scalar,
    Transform,
    Type,
    check,
)

SCALARS: tuple[str, ...] = get_args(Scalar)
PII: tuple[str, ...] = get_args(Pii)
TRANSFORMS: tuple[str, ...] = get_args(Transform)

OBJECT_KEYS = (
    "grain", "database", "warehouse_table", "key", "version", "event_time", "partition", "delete_rule", "source",
    "anchor", "catalogue_version", "columns",
)  # fmt: skip
COLUMN_KEYS = ("type", "path", "meaning", "unit", "pii", "transform", "source", "length_max")

KEY_TYPES = ("text",)
"""Ids are text, whatever the source writes them as: a number may lose digits, or its sign of being an id."""

VERSION_TYPES = ("timestamp",)
"""A version is stored as text that sorts like it, and one in the future is set aside: both need a time."""

NAME_CHARACTERS_MAX = 40
"""With `_staging`, `_versions` or `insert_new_` around it a name stays under PostgreSQL's 63 bytes."""
DEFAULT_DATABASE = "own"
DEFAULT_SCHEMA = "connect"
RESERVED_SCHEMAS = frozenset({
    LEDGER_SCHEMA, "lake", "information_schema", "pg_catalog", "catalog_history", "main", "memory", "system", "temp",
})  # fmt: skip
"""The ledger's, the lake's in queries, and those that an engine keeps for itself; all that begin with pg_ besides."""

PARTITION_KEYS = ("year", "month", "day")
ENGINE_COLUMNS = frozenset({
    "ctid", "cmin", "cmax", "xmin", "xmax", "tableoid", "oid",  # PostgreSQL and Redshift
    "rowid", "file_row_number",  # DuckDB
})  # fmt: skip
"""Columns that an engine gives every table or file of its own, so that none can be declared."""

_SECTION = re.compile(r"\s*\[([^\[\]]+)\]\s*(?:#.*)?\Z")
_ASSIGNMENT = re.compile(r"""\s*((?:[\w.-]|"[^"]*"|'[^']*'|\s)+?)\s*=""")
_IDENTIFIER = re.compile(r"[a-z][a-z0-9_]*\Z")
_NOT_IN_KEYS = frozenset({'"', "\\", *map(chr, range(32))})
"""Characters that JSON writes as escapes: a record's keys are found as they stand in its text."""
_NESTED = re.compile(r"(list|map)<\s*(\w+)\s*>\Z")
VALID_TYPES = f"{', '.join(SCALARS)}, json, map, list<text>, map<bigint> and other lists and maps of plain types"


@dataclass(frozen=True, slots=True)
class _Place:
    """A table of the file: the prefix of every message, and checks of single values. `text` is the whole file."""

    file: str
    table: str
    text: str = ""

    def error(self, key: str, value: object, valid: str) -> UsageError:
        return UsageError(f"{self.at(key)}: [{self.table}] {key} = {value!r} is not valid; {valid}")

    def missing(self, key: str, do: str) -> UsageError:
        return UsageError(f"{self.at()}: [{self.table}] has no {key}; {do}")

    def at(self, key: str = "") -> str:
        """The file, and the line of the key or of the table where it can be told."""
        line = line_of(self.text, self.table, key)
        return f"{self.file}, line {line}" if line else self.file

    def only(self, table: dict[str, Any], allowed: tuple[str, ...]) -> None:
        """Raises UsageError for a key that is not allowed."""
        for name in table:
            if name not in allowed:
                at = self.at(name)
                raise UsageError(f"{at}: [{self.table}] has an unknown key {name!r}; keys are {', '.join(allowed)}")

    def string(self, table: dict[str, Any], key: str, default: str) -> str:
        value = table.get(key, default)
        if not isinstance(value, str) or (key in table and not value.strip()):
            raise self.error(key, value, "it must be a text that is not empty")
        return value

    def integer(self, table: dict[str, Any], key: str, low: int, high: int) -> int | None:
        value = table.get(key)
        if value is not None and (not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high):
            raise self.error(key, value, f"it must be a whole number from {low} to {high}")
        return value

    def choice(self, table: dict[str, Any], key: str, default: str, valid: tuple[str, ...]) -> Any:
        value = table.get(key, default)
        if value not in valid:
            raise self.error(key, value, f"valid are {', '.join(valid)}")
        return value

    def identifier(self, key: str, value: object, characters_max: int) -> str:
        if not isinstance(value, str) or not _IDENTIFIER.match(value) or len(value) > characters_max:
            raise self.error(
                key,
                value,
                f"a name has lower-case letters, digits and _, begins with a letter and is "
                f"at most {characters_max} characters long",
            )
        return value


def line_of(text: str, table: str, key: str = "") -> int | None:
    """The line of a TOML text that sets a key of a table, else the line of the table, else None."""
    wanted = table.split(".")
    header: list[str] = []
    found = None
    for number, line in enumerate(text.splitlines(), 1):
        if section := _SECTION.match(line):
            header = [part.strip(" \t\"'") for part in section[1].split(".")]
            found = number if header == wanted and found is None else found
        elif assignment := _ASSIGNMENT.match(line):
            path = [*header, *(part.strip(" \t\"'") for part in assignment[1].split("."))]
            if path == [*wanted, key]:
                return number
            found = number if path == wanted and found is None else found
    return found


def read_objects(path: Path) -> tuple[Object, ...]:
    """The objects of one file, in its order. Raises UsageError if the file is missing, is not TOML, or is not valid."""
    import tomllib  # not imported where there is no such file

    file = str(path)
    try:
        text = path.read_bytes().decode("utf-8-sig")
        document = tomllib.loads(text)
    except OSError as error:
        raise UsageError(f"{file}: cannot be read ({error.strerror}); name a TOML file of objects") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{file}: is not UTF-8 at byte {error.start}; save it as UTF-8") from error
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"{file}: is not TOML: {error}") from error
    place = _Place(file, "top level", text)
    place.only(document, ("object",))
    tables = document.get("object", {})
    if not isinstance(tables, dict) or not tables:
        raise place.missing("object", "declare at least one as [object.NAME]")
    return tuple(_object(_Place(file, f"object.{name}", text), name, table) for name, table in tables.items())


def place_of(path: Path, name: str, key: str = "") -> str:
    """The file and line where an object of it sets a key, for messages."""
    return _Place(str(path), f"object.{name}", path.read_text(encoding="utf-8-sig")).at(key)


def _object(place: _Place, name: str, table: object) -> Object:
    if not isinstance(table, dict):
        raise place.error("object", table, f"declare it as a table, [object.{name}]")
    place.identifier("name", name, NAME_CHARACTERS_MAX)
    place.only(table, OBJECT_KEYS)
    key = _key(place, table)
    columns = _columns(place, table, key)
    by_name = {column.name: column for column in columns}
    event_time, partition, version = _times(place, table, by_name)
    for part in key:
        _declared(place, "key", part, by_name, KEY_TYPES)
    obj = Object(
        name=name,
        database=_database(place, table),
        warehouse_table=_warehouse_table(place, table, name),
        grain=place.string(table, "grain", f"One row per {', '.join(key)}, the latest version."),
        key=key,
        version=version,
        event_time=event_time,
        partition=partition,
        delete_rule=place.string(table, "delete_rule", "Never deleted: the source sends no deletions."),
        columns=columns + RECORD_COLUMNS,
        anchor=place.string(table, "anchor", (by_name[key[0]].path or key)[0]),
        catalogue_version=place.integer(table, "catalogue_version", 1, 2**31 - 1) or 1,
        source=place.string(table, "source", f"declared in {Path(place.file).name}"),
    )
    if obj.lake_table == obj.warehouse_table:
        raise place.error("warehouse_table", obj.warehouse_table, "the view of the lake has this name; choose another")
    try:
        check(obj)
    except ValueError as error:
        raise UsageError(f"{place.at()}: [{place.table}] {error}") from error
    return obj


def _key(place: _Place, table: dict[str, Any]) -> tuple[str, ...]:
    if "key" not in table:
        raise place.missing("key", 'name the columns that identify a row, such as key = ["survey_id"]')
    value = [table["key"]] if isinstance(table["key"], str) else table["key"]
    if not isinstance(value, list) or not value or not all(isinstance(part, str) for part in value):
        raise place.error("key", table["key"], "it must be a list of column names")
    if len(set(value)) < len(value):
        raise place.error("key", value, "it names a column twice")
    return tuple(value)


def _warehouse_table(place: _Place, table: dict[str, Any], name: str) -> str:
    value = table.get("warehouse_table", f"{DEFAULT_SCHEMA}.{name}")
    parts = value.split(".") if isinstance(value, str) else []
    if len(parts) != 2:
        raise place.error("warehouse_table", value, "it must be schema.table")
    for part in parts:
        place.identifier("warehouse_table", part, NAME_CHARACTERS_MAX)
    _not_reserved(place, "warehouse_table", value, parts[0])
    return f"{parts[0]}.{parts[1]}"


def _database(place: _Place, table: dict[str, Any]) -> str:
    name = place.identifier("database", table.get("database", DEFAULT_DATABASE), NAME_CHARACTERS_MAX)
    _not_reserved(place, "database", name, name)
    return name


def _not_reserved(place: _Place, key: str, value: object, schema: str) -> None:
    if schema in RESERVED_SCHEMAS or schema.startswith("pg_"):
        raise place.error(key, value, f"schema {schema} belongs to Trunkline or to an engine; choose another")


def _times(place: _Place, table: dict[str, Any], by_name: dict[str, Column]) -> tuple[str, str, str]:
    event_time = table.get("event_time", table.get("partition"))
    if event_time is None:
        raise place.missing("event_time", "name the timestamp column that says when a row happened")
    partition, version = table.get("partition", event_time), table.get("version", event_time)
    _declared(place, "event_time", event_time, by_name, ("timestamp",))
    _declared(place, "partition", partition, by_name, ("timestamp",))
    _declared(place, "version", version, by_name, VERSION_TYPES)
    return event_time, partition, version


def _declared(place: _Place, key: str, value: object, by_name: dict[str, Column], types: tuple[str, ...]) -> None:
    valid = [column.name for column in by_name.values() if column.type in types]
    if value not in valid:
        raise place.error(
            key, value, f"it must name a column of type {' or '.join(types)}; declared are {', '.join(valid) or 'none'}"
        )


def _columns(place: _Place, table: dict[str, Any], key: tuple[str, ...]) -> tuple[Column, ...]:
    declared = table.get("columns")
    if not isinstance(declared, dict) or not declared:
        raise place.missing("columns", f"declare them in [{place.table}.columns]")
    inner = _Place(place.file, f"{place.table}.columns", place.text)
    columns = tuple(_column(inner, column, value, column not in key) for column, value in declared.items())
    for column in columns:
        for other in columns:
            if column.path and other.path and other.path[: len(column.path)] == column.path != other.path:
                raise UsageError(
                    f"{inner.at(column.name)}: [{inner.table}] {column.name} takes all of {'.'.join(column.path)} and "
                    f"{other.name} a part of it; declare either the whole or its parts"
                )
    return columns


def _column(columns: _Place, name: str, value: object, nullable: bool) -> Column:
    place = _Place(columns.file, f"{columns.table}.{name}", columns.text)
    place.identifier("name", name, POSTGRES_NAME_BYTES_MAX)
    if name.startswith("record_") or name in PARTITION_KEYS or name in ENGINE_COLUMNS:
        taken = f"record_*, the lake's partition keys {', '.join(PARTITION_KEYS)} and the engines' own columns "
        taken += ", ".join(sorted(ENGINE_COLUMNS))
        raise place.error("name", name, f"these names are taken: {taken}; use another name and set path")
    if not isinstance(value, dict):
        raise place.error("column", value, 'write { type = "text", path = "..." }')
    place.only(value, COLUMN_KEYS)
    type_ = _type(place, value.get("type", "text"))
    transform: Transform = place.choice(value, "transform", "plain", TRANSFORMS)
    needed = {"seconds_to_ms": "bigint", "last_arn_segment": "text", "union_to_text": MapOf("text")}.get(transform)
    if needed is not None and type_ != needed:
        wanted = needed if isinstance(needed, str) else "map"
        raise place.error("transform", transform, f"it needs a column of type {wanted}")
    length_max = place.integer(value, "length_max", 1, TEXT_BYTES_MAX)
    if length_max is not None and type_ != "text":
        raise place.error("length_max", length_max, "only a column of type text has a length, in bytes")
    pii: Pii = place.choice(value, "pii", "none", PII)
    return Column(
        name=name,
        type=type_,
        path=_path(place, value.get("path", name)),
        meaning=place.string(value, "meaning", "Not described."),
        unit=place.string(value, "unit", "") or None,
        nullable=nullable,
        transform=transform,
        pii=pii,
        is_amazon=False,
        source=place.string(value, "source", Path(place.file).name),
        length_max=length_max,
    )


def _path(place: _Place, value: object) -> tuple[str, ...]:
    keys = value.split(".") if isinstance(value, str) else value
    if not isinstance(keys, list) or not keys or not all(isinstance(key, str) and key for key in keys):
        raise place.error("path", value, 'it must be "a.b", or ["a", "b.c"] where a key has a dot')
    if any(character in _NOT_IN_KEYS for key in keys for character in key):
        raise place.error("path", value, "a key may have no quotation mark, backslash or control character")
    return tuple(keys)


def _type(place: _Place, value: object) -> Type:
    if not isinstance(value, str):
        raise place.error("type", value, f"valid are {VALID_TYPES}")
    if value == "json":
        return Json()
    if value == "map":
        return MapOf("text")
    nested = _NESTED.match(value)
    plain = nested[2] if nested else value
    scalar: Scalar | None = next((known for known in get_args(Scalar) if known == plain), None)
    if scalar is None:
        raise place.error("type", value, f"valid are {VALID_TYPES}")
    if nested is None:
        return scalar
    return ListOf(scalar) if nested[1] == "list" else MapOf(scalar)
