"""Parquet files as JSON texts: what Firehose's format conversion makes of records, and files of any other layout.

The conversion writes keys in lower case. The catalogue knows how Connect spells them; an unknown key stays as it is,
and so do the keys of free maps, such as a contact's attributes. A column whose name is a key path with dots is the
value at that path. Times in UTC get an offset, and times without a zone too unless the column declares one.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal
from functools import lru_cache
from typing import Any, Final

import duckdb
import msgspec

from trunkline import limits
from trunkline.engines.duckdb import DUCKDB
from trunkline.objects.model import ListOf, Object, Struct, Type
from trunkline.objects.table_rows import paths_of

PARQUET_MAGIC: Final = b"PAR1"
_ROWS: Final = 1_000
_ENCODER: Final = msgspec.json.Encoder(decimal_format="number")
_DECODER: Final = msgspec.json.Decoder(float_hook=Decimal)


_ANY: Final = "*"
"""Stands for every key that a tree does not name, which stays as it is."""
_TAGS: Final[dict[str, Any]] = {
    tag.lower(): (tag, {}) for tag in ("ValueString", "ValueInteger", "ValueArn", "ValueMap", "ValueList")
}
"""Connect's tagged union (botocore, SegmentAttributeValue), whose maps and lists hold such unions again."""
_TAGS["valuemap"][1][_ANY] = (_ANY, _TAGS)
_TAGS["valuelist"] = ("ValueList", _TAGS)


@lru_cache
def key_tree(obj: Object) -> dict[str, Any]:
    """Keys in lower case: how the catalogue spells each, and the keys below it."""
    tree: dict[str, Any] = {}
    for column in obj.columns:
        if column.path is not None:
            below = tree
            for key in column.path:
                below = below.setdefault(key.lower(), (key, {}))[1]
            _add_type(below, column.type)
            if column.transform == "union_to_text":
                below[_ANY] = (_ANY, _TAGS)
    return tree


def _add_type(tree: dict[str, Any], type_: Type) -> None:
    if isinstance(type_, ListOf):
        _add_type(tree, type_.item)
    elif isinstance(type_, Struct):
        for field in type_.fields:
            _add_type(tree.setdefault(field.key.lower(), (field.key, {}))[1], field.type)


class ParquetText:
    """The rows of a Parquet file as JSON objects, one a line, in the file's order."""

    def __init__(self, head: bytes, read: Callable[[int], bytes], obj: Object) -> None:
        self.damage: str | None = None
        self._lines = self._texts(head, read, obj)
        self._rest = b""

    def read(self, size: int, /) -> bytes:
        """The next bytes, b"" at the end."""
        while len(self._rest) < size:
            line = next(self._lines, None)
            if line is None:
                break
            self._rest += line
        data, self._rest = self._rest[:size], self._rest[size:]
        return data

    def _texts(self, head: bytes, read: Callable[[int], bytes], obj: Object) -> Iterator[bytes]:
        keys = key_tree(obj)
        with tempfile.NamedTemporaryFile(prefix="trunkline-", suffix=".parquet") as file:
            file.write(head)
            while data := read(limits.MIB):
                file.write(data)
            file.flush()
            with duckdb.connect(config={"threads": 1}) as con:
                try:
                    types = _types(con, file.name)
                    nested = _nested_names(list(types), obj)
                    rows = con.execute(_select(types, obj), [file.name])
                    while chunk := rows.fetchmany(_ROWS):
                        yield b"".join(_respelled(text, keys, nested) for (text,) in chunk)
                except duckdb.Error:
                    why = limits.DEAD_LETTER_REASONS["corrupt_compression"]
                    self.damage = f"{why}: the Parquet file is damaged or cut short"


def _types(con: duckdb.DuckDBPyConnection, path: str) -> dict[str, str]:
    """DuckDB's types of a file's columns by name."""
    con.execute("SET TimeZone = 'UTC'")
    return {name: type_ for name, type_, *_ in con.execute("DESCRIBE FROM read_parquet($1)", [path]).fetchall()}


def _select(types: Mapping[str, str], obj: Object) -> str:
    """Rows as JSON; times in the form that records have."""
    local = {".".join(c.path or ()).lower() for c in obj.columns if c.notation.zone not in ("", "UTC")}
    columns = []
    for name, type_ in types.items():
        quoted = DUCKDB.quote(name)
        is_time = type_.startswith("TIMESTAMP")
        offset = "" if name.lower() in local and type_ != "TIMESTAMP WITH TIME ZONE" else "Z"
        columns.append(f"strftime({quoted}, '%Y-%m-%dT%H:%M:%S.%f{offset}') AS {quoted}" if is_time else quoted)
    return f"SELECT to_json(record)::VARCHAR FROM (SELECT {', '.join(columns)} FROM read_parquet($1)) AS record"


def _respelled(text: str, keys: Mapping[str, Any], nested: Mapping[str, tuple[str, ...]]) -> bytes:
    record = _DECODER.decode(text)
    for name, path in nested.items():
        value, below = record.pop(name, None), record
        for key in path[:-1]:
            below = below.setdefault(key, {})
        below[path[-1]] = value
    return _ENCODER.encode(_value(record, keys)) + b"\n"


def _nested_names(names: Sequence[str], obj: Object) -> dict[str, tuple[str, ...]]:
    """The columns of a file whose names are paths of several keys, with these."""
    paths = zip(names, paths_of(obj, tuple(names)), strict=True)
    return {name: path for name, path in paths if path is not None and len(path) > 1}


def _value(value: Any, keys: Mapping[str, Any]) -> Any:
    if isinstance(value, dict):
        known = {key: keys.get(key.lower()) or (key, keys.get(_ANY, (key, {}))[1]) for key in value}
        return {known[key][0]: _value(inner, known[key][1]) for key, inner in value.items() if inner is not None}
    if isinstance(value, list):
        return [_value(inner, keys) for inner in value]
    return value
