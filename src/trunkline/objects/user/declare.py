"""Users' own objects, declared in a TOML file: `[object.NAME]` with `[object.NAME.columns]`, no code.

What is wrong in a file is a UsageError that names the file, the line, the key, the value and what is valid.
"""

from __future__ import annotations

import codecs
from pathlib import Path
from typing import Any, get_args

from trunkline.errors import UsageError
from trunkline.objects.hook import Hook, check_hook
from trunkline.objects.ledger import LEDGER_SCHEMA
from trunkline.objects.model import (
    KEY_TYPES,
    RECORD_COLUMNS,
    TIME_TYPES,
    VERSION_TYPES,
    Column,
    FileFormat,
    FileKind,
    Object,
    check,
)
from trunkline.objects.origins import Origin
from trunkline.objects.user.columns import Defaults, read_columns
from trunkline.objects.user.origin_tables import origin_from_table
from trunkline.objects.user.place import Place, read_document

OBJECT_KEYS = (
    "grain", "database", "warehouse_table", "key", "version", "event_time", "partition", "deleted", "records", "zone",
    "decimal_comma", "format", "csv", "excel", "delete_rule", "source", "anchor", "catalogue_version", "columns",
    "example", "hook",
)  # fmt: skip

FILE_KINDS: tuple[str, ...] = tuple(kind for kind in get_args(FileKind) if kind)

NAME_CHARACTERS_MAX = 40
"""With `_staging`, `_versions` or `insert_new_` around it a name stays under PostgreSQL's 63 bytes."""
DEFAULT_DATABASE = "own"
DEFAULT_SCHEMA = "connect"
RESERVED_SCHEMAS = frozenset({
    LEDGER_SCHEMA, "lake", "information_schema", "pg_catalog", "catalog_history", "main", "memory", "system", "temp",
})  # fmt: skip
"""The ledger's, the lake's in queries, and those that an engine keeps for itself; all that begin with pg_ besides."""


def read_objects(path: Path) -> tuple[Object, ...]:
    """The objects of one file, in its order. Raises UsageError if the file is missing, is not TOML, or is not valid."""
    text, document = read_document(path)
    file = str(path)
    place = Place(file, "top level", text)
    place.only(document, ("object",))
    tables = document.get("object", {})
    if not isinstance(tables, dict) or not tables:
        raise place.missing("object", "declare at least one as [object.NAME]")
    return tuple(_object(Place(file, f"object.{name}", text), name, table) for name, table in tables.items())


def place_of(path: Path, name: str, key: str = "") -> str:
    """The file and line where an object of it sets a key, for messages."""
    return Place(str(path), f"object.{name}", path.read_text(encoding="utf-8-sig")).at(key)


def _object(place: Place, name: str, table: object) -> Object:
    if not isinstance(table, dict):
        raise place.error("object", table, f"declare it as a table, [object.{name}]")
    place.identifier("name", name, NAME_CHARACTERS_MAX)
    place.only(table, OBJECT_KEYS)
    key = _key(place, table)
    defaults = Defaults(place.zone(table, ""), place.boolean(table, "decimal_comma", False))
    columns = read_columns(place, table, key, defaults)
    by_name = {column.name: column for column in columns}
    event_time, partition, version = _times(place, table, by_name)
    for part in key:
        _declared(place, "key", part, by_name, KEY_TYPES)
    for role, named in [("version", version), ("partition", partition), *(("key", part) for part in key)]:
        if by_name[named].rule:
            raise place.error(role, named, "a column with a rule (sql) cannot be one; clean it where it is written")
    deleted = table.get("deleted", "")
    if "deleted" in table:
        _declared(place, "deleted", deleted, by_name, ("boolean",))
    obj = Object(
        name=name,
        database=_database(place, table),
        warehouse_table=_warehouse_table(place, table, name),
        grain=place.string(table, "grain", f"One row per {', '.join(key)}, the latest version."),
        key=key,
        version=version,
        event_time=event_time,
        partition=partition,
        delete_rule=place.string(table, "delete_rule", _delete_rule(deleted)),
        columns=columns + RECORD_COLUMNS,
        anchor=place.string(table, "anchor", (by_name[key[0]].path or key)[0]),
        catalogue_version=place.integer(table, "catalogue_version", 1, 2**31 - 1) or 1,
        deleted=deleted,
        format=_format(place, table),
        records=place.keys("records", table["records"]) if "records" in table else (),
        source=_source(place, table),
        origin=_origin(place, table),
        hook=_hook(place, table),
    )
    if obj.lake_table == obj.warehouse_table:
        raise place.error("warehouse_table", obj.warehouse_table, "the view of the lake has this name; choose another")
    try:
        check(obj)
    except ValueError as error:
        raise UsageError(f"{place.at()}: [{place.table}] {error}") from error
    return obj


def _source(place: Place, table: dict[str, Any]) -> str:
    """The sentence that says where the definition comes from; a table of this name is an origin."""
    is_sentence = "source" in table and not isinstance(table["source"], dict)
    return place.string(table if is_sentence else {}, "source", f"declared in {Path(place.file).name}")


def _origin(place: Place, table: dict[str, Any]) -> Origin | None:
    source = table.get("source")
    return origin_from_table(source, place.inner("source").where) if isinstance(source, dict) else None


def _hook(place: Place, table: dict[str, Any]) -> Hook | None:
    """The object's hook, in the folder `hooks` beside `objects.toml` or the folder `objects`, or in a package."""
    if "hook" not in table:
        return None
    folder = Path(place.file).resolve().parent
    beside = folder.parent if folder.name == "objects" else folder
    hook = Hook(place.string(table, "hook", ""), str(beside / "hooks"))
    try:
        check_hook(hook)
    except ValueError as error:
        raise place.error("hook", hook.name, str(error)) from error
    return hook


def _format(place: Place, table: dict[str, Any]) -> FileFormat:
    """How the object's files are written: `format`, and what `[csv]` or `[excel]` says of them."""
    of = [name for name in ("csv", "excel") if name in table]
    kind: FileKind = place.choice(table, "format", of[0] if of else "", ("", *FILE_KINDS))
    for name in of:
        if not isinstance(table[name], dict):
            raise place.error(name, table[name], f"declare it as a table, [{place.table}.{name}]")
        if name != kind:
            raise place.error("format", kind, f"there is a table [{place.table}.{name}]; leave one of them out")
    if kind == "excel":
        inner, sheet = place.inner("excel"), table.get("excel", {})
        inner.only(sheet, ("sheet",))
        return FileFormat(kind, sheet=inner.string(sheet, "sheet", ""))
    return _csv(place.inner("csv"), table.get("csv", {})) if kind == "csv" else FileFormat(kind)


def _csv(place: Place, table: dict[str, Any]) -> FileFormat:
    place.only(table, ("separator", "quote", "encoding", "header"))
    separator, quote = table.get("separator", ""), table.get("quote", '"')
    if not isinstance(separator, str) or len(separator) > 1 or not (separator or ",").isascii():
        raise place.error("separator", separator, r'it must be one character such as ";" or "\t"')
    if not isinstance(quote, str) or len(quote) > 1 or not (quote or '"').isascii() or (quote and quote == separator):
        raise place.error("quote", quote, 'it must be one character, or "" where no value is quoted')
    encoding = place.string(table, "encoding", "")
    try:
        codecs.lookup(encoding or "utf-8")
    except LookupError as error:
        raise place.error("encoding", encoding, "it must be an encoding such as utf-8, utf-16 or cp1252") from error
    header = table.get("header", [])
    if not isinstance(header, list) or not all(isinstance(name, str) and name for name in header):
        raise place.error("header", header, "it must be a list of the names of all columns, in order")
    return FileFormat("csv", separator, quote, encoding, tuple(header))


def _delete_rule(deleted: str) -> str:
    return f"Where {deleted} is true." if deleted else "Never deleted: the source sends no deletions."


def _key(place: Place, table: dict[str, Any]) -> tuple[str, ...]:
    if "key" not in table:
        raise place.missing("key", 'name the columns that identify a row, such as key = ["survey_id"]')
    value = [table["key"]] if isinstance(table["key"], str) else table["key"]
    if not isinstance(value, list) or not value or not all(isinstance(part, str) for part in value):
        raise place.error("key", table["key"], "it must be a list of column names")
    if len(set(value)) < len(value):
        raise place.error("key", value, "it names a column twice")
    return tuple(value)


def _warehouse_table(place: Place, table: dict[str, Any], name: str) -> str:
    value = table.get("warehouse_table", f"{DEFAULT_SCHEMA}.{name}")
    parts = value.split(".") if isinstance(value, str) else []
    if len(parts) != 2:
        raise place.error("warehouse_table", value, "it must be schema.table")
    for part in parts:
        place.identifier("warehouse_table", part, NAME_CHARACTERS_MAX)
    _not_reserved(place, "warehouse_table", value, parts[0])
    return f"{parts[0]}.{parts[1]}"


def _database(place: Place, table: dict[str, Any]) -> str:
    name = place.identifier("database", table.get("database", DEFAULT_DATABASE), NAME_CHARACTERS_MAX)
    _not_reserved(place, "database", name, name)
    return name


def _not_reserved(place: Place, key: str, value: object, schema: str) -> None:
    if schema in RESERVED_SCHEMAS or schema.startswith("pg_"):
        raise place.error(key, value, f"schema {schema} belongs to Trunkline or to an engine; choose another")


def _times(place: Place, table: dict[str, Any], by_name: dict[str, Column]) -> tuple[str, str, str]:
    event_time = table.get("event_time", table.get("partition"))
    if event_time is None:
        raise place.missing("event_time", "name the column, a timestamp or a date, that says when a row happened")
    partition, version = table.get("partition", event_time), table.get("version", event_time)
    _declared(place, "event_time", event_time, by_name, TIME_TYPES)
    _declared(place, "partition", partition, by_name, TIME_TYPES)
    _declared(place, "version", version, by_name, VERSION_TYPES)
    return event_time, partition, version


def _declared(place: Place, key: str, value: object, by_name: dict[str, Column], types: tuple[str, ...]) -> None:
    valid = [column.name for column in by_name.values() if column.type in types]
    if value not in valid:
        raise place.error(
            key, value, f"it must name a column of type {' or '.join(types)}; declared are {', '.join(valid) or 'none'}"
        )
