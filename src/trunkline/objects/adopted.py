"""A table that exists already, as it relates to an object: a mapping file in TOML, for `trunkline shadow`.

`[table]` names the table and what it holds, `[columns]` which of its columns is which of the object's. What is wrong in
a file is a UsageError that names file, line, key, value and what is valid. No I/O but reading the file.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from trunkline.errors import UsageError
from trunkline.objects.model import Column, Object
from trunkline.objects.user.place import Place

TABLE_KEYS: Final = ("name", "object", "shadow_schema", "zone", "where")
COLUMN_KEYS: Final = ("column", "zone", "factor", "tolerance")
SHADOW_SCHEMA: Final = "trunkline_shadow"
_NAME_CHARACTERS_MAX: Final = 63
_NUMBERS: Final = ("bigint", "integer", "double", "decimal")
_FACTOR_MAX: Final = 1_000_000_000


@dataclass(frozen=True, slots=True)
class AdoptedColumn:
    """A column of the table (`theirs`) that holds what `ours` does.

    `zone` is the IANA zone of its times, which have no offset. A number of theirs times `factor` is one of ours, and
    may differ by `tolerance`.
    """

    ours: Column
    theirs: str
    zone: str = "UTC"
    factor: int = 1
    tolerance: int = 0


@dataclass(frozen=True, slots=True)
class AdoptedTable:
    """The table `name` (`schema.table`) beside `obj`, which is loaded into a schema of its own.

    `columns` has the key first, and second the time by whose days rows are compared, which is that of the lake. `text`
    is that of the file: another text is another run.
    """

    name: str
    obj: Object
    columns: tuple[AdoptedColumn, ...]
    text: str

    @property
    def key(self) -> AdoptedColumn:
        """The column that names a row."""
        return self.columns[0]

    @property
    def day_time(self) -> AdoptedColumn:
        """The column by whose days the tables are compared."""
        return self.columns[1]

    @property
    def compared(self) -> tuple[AdoptedColumn, ...]:
        """The columns whose values are compared."""
        return self.columns[1:]


def shadow_of(obj: Object, schema: str) -> Object:
    """The same object under a name, a folder and a schema of its own, so that nothing of the real one is touched."""
    name = f"shadow_{obj.name}"
    table = f"{schema}.{obj.warehouse_table.partition('.')[2]}"
    return replace(
        obj, name=name, database=schema, warehouse_table=table, table=name, view="", folder="", dimensions=()
    )


def read_mapping(path: Path, objects: Mapping[str, Object], pii: str) -> AdoptedTable:
    """The table of a mapping file. `pii` is the setting: personal data is only comparable where it is kept.

    Raises UsageError where the file is missing, is not TOML, or is not valid.
    """
    import tomllib

    try:
        text = path.read_bytes().decode("utf-8-sig")
        document = tomllib.loads(text)
    except OSError as error:
        raise UsageError(f"{path}: cannot be read ({error.strerror}); name a mapping file in TOML") from error
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise UsageError(f"{path}: is not TOML: {error}") from error
    Place(str(path), "top level", text).only(document, ("table", "columns"))
    place = Place(str(path), "table", text)
    table = document.get("table")
    if not isinstance(table, dict) or "name" not in table:
        raise place.missing("name", 'write [table] with the existing table, such as name = "connect.f_calls"')
    place.only(table, TABLE_KEYS)
    name = _table_name(place, table["name"])
    obj = objects[place.choice(table, "object", "contact_record", tuple(objects))]
    schema = place.identifier("shadow_schema", table.get("shadow_schema", SHADOW_SCHEMA), _NAME_CHARACTERS_MAX)
    if schema == name.partition(".")[0]:
        raise place.error("shadow_schema", schema, "the existing table is in it; name a schema that is not used yet")
    columns = _columns(Place(str(path), "columns", text), document.get("columns"), obj, place.zone(table, "UTC"), pii)
    return AdoptedTable(name, shadow_of(obj, schema), columns, text)


def _table_name(place: Place, value: object) -> str:
    parts = value.split(".") if isinstance(value, str) else []
    if len(parts) != 2 or not all(parts):
        raise place.error("name", value, "it must be schema.table")
    return f"{parts[0]}.{parts[1]}"


def _columns(place: Place, table: object, obj: Object, zone: str, pii: str) -> tuple[AdoptedColumn, ...]:
    if not isinstance(table, dict) or not table:
        raise place.missing("columns", f'name their columns by ours, such as {obj.key[0]} = "call_id"')
    ours = {column.name: column for column in obj.data_columns if isinstance(column.type, str)}
    place.only(table, tuple(ours))
    read = {name: _column(place, ours[name], value, zone, pii) for name, value in table.items()}
    first = (*obj.key, obj.partition)
    for name in first:
        if name not in read:
            raise place.missing(name, f"the tables are compared by {' and '.join(first)}: say which columns have them")
    return tuple(read[name] for name in (*first, *(name for name in read if name not in first)))


def _column(place: Place, ours: Column, value: object, zone: str, pii: str) -> AdoptedColumn:
    if ours.pii == "direct" and pii != "keep":
        raise place.error(
            ours.name, value, f"it holds personal data, which is not comparable under pii = {pii}; leave it out"
        )
    given: dict[str, Any] = value if isinstance(value, dict) else {"column": value}
    inner = place.inner(ours.name)
    inner.only(given, COLUMN_KEYS)
    theirs = given.get("column")
    if not isinstance(theirs, str) or not theirs or len(theirs) > _NAME_CHARACTERS_MAX:
        raise place.error(
            ours.name, value, 'it must be their column, "call_id" or { column = "talk_s", factor = 1000 }'
        )
    if "zone" in given and ours.type != "timestamp":
        raise place.error(ours.name, value, "only a column of timestamps has a zone")
    if ("factor" in given or "tolerance" in given) and ours.type not in _NUMBERS:
        raise place.error(ours.name, value, "only a column of numbers has a factor or a tolerance")
    return AdoptedColumn(
        ours,
        theirs,
        inner.zone(given, zone) if ours.type == "timestamp" else "UTC",
        inner.integer(given, "factor", 1, _FACTOR_MAX) or 1,
        inner.integer(given, "tolerance", 0, _FACTOR_MAX) or 0,
    )
