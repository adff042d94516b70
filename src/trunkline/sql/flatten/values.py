"""What the catalogue expects of a source record, and how its values become typed columns.

A tree says which keys are known where, and what kind of value each holds. For each kind there is one DuckDB
expression, and a rule for which values are plain: a text or a number that DuckDB types without losing, rounding or
reordering anything. A record of plain values alone is read by the flatten statement as it came; any other is first
made plain, or refused, by `flatten/careful.py`. A plain value that these patterns miss costs time, never a digit.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from typing import Final

from trunkline.engines.duckdb import DUCKDB, type_name
from trunkline.engines.model import text_literal
from trunkline.objects.model import Column, Json, ListOf, MapOf, Object, Struct, Type
from trunkline.objects.user.rules import parse_rule


@dataclass(frozen=True, slots=True)
class Leaf:
    """A path of the source record that feeds one or more columns; `type` is what the value must be."""

    path: tuple[str, ...]
    type: Type
    columns: tuple[Column, ...]

    @property
    def pointer(self) -> str:
        """JSON pointer (RFC 6901) of the path."""
        return pointer(self.path)


@dataclass(frozen=True, slots=True)
class Tree:
    """All known paths. `objects` are the paths that must be JSON objects (the root is the empty path)."""

    leaves: tuple[Leaf, ...]
    objects: tuple[tuple[str, ...], ...]

    def known_keys(self, path: tuple[str, ...]) -> frozenset[str]:
        """The keys the catalogue knows in the object at this path."""
        depth = len(path)
        below = [leaf.path for leaf in self.leaves if len(leaf.path) > depth and leaf.path[:depth] == path]
        return frozenset(path[depth] for path in below)


def pointer(path: tuple[str, ...]) -> str:
    """JSON pointer (RFC 6901) of a key path."""
    return "".join("/" + key.replace("~", "~0").replace("/", "~1") for key in path)


def _leaf_type(columns: list[Column]) -> Type:
    # Two columns may read one path (an ARN and the id in it); they agree that it is plain.
    return "text" if columns[0].rule else columns[0].type


@cache
def leaves_by_path(obj: Object) -> dict[tuple[str, ...], Leaf]:
    """The leaves of an object's tree by their paths."""
    return {leaf.path: leaf for leaf in tree_of(obj).leaves}


@cache
def tree_of(obj: Object) -> Tree:
    """The tree of an object's paths, in catalogue order. Raises ValueError if one path is both value and object."""
    by_path: dict[tuple[str, ...], list[Column]] = {}
    for column in obj.columns:
        if column.path is not None:
            by_path.setdefault(column.path, []).append(column)
    objects: dict[tuple[str, ...], None] = {(): None}
    for path in by_path:
        for depth in range(1, len(path)):
            objects[path[:depth]] = None
    both = set(by_path) & set(objects)
    if both:
        raise ValueError(f"{obj.name}: {sorted(both)} are read both as a value and as an object")
    leaves = tuple(Leaf(path, _leaf_type(columns), tuple(columns)) for path, columns in by_path.items())
    return Tree(leaves, tuple(objects))


BIGINT_DIGITS: Final = 18
INTEGER_DIGITS: Final = 9
SECONDS_DIGITS: Final = 15
"""A duration in seconds that stays a bigint in milliseconds."""

TIMES: Final = ("0000-00-00T00:00:00Z", "0000-00-00T00:00:00.000Z")
"""What times look like with every digit a zero: whole seconds and milliseconds. A cast drops another offset than Z."""
DATES: Final = ("0000-00-00",)


def scalar(column: Column, name: str) -> str:
    """SQL of the typed value of a plain leaf, the column `name` of the records: a text, or a whole number or boolean
    where it is one.

    Column `record_ms` is what turns a duration into milliseconds: one that was made plain comes in them.
    """
    if column.rule:
        rule = parse_rule(column.rule).sql(name)
        # A missing value stays NULL: a leaf that no record of a batch has is not among the columns.
        return f"CASE WHEN {DUCKDB.quote(name)} IS NOT NULL THEN CAST({rule} AS {DUCKDB.type_of(column)}) END"
    leaf = DUCKDB.quote(name)
    match column.type, column.transform:
        case "text", "last_arn_segment":
            return f"split_part({leaf}, '/', -1)"
        case "bigint", "seconds_to_ms":
            return f"{leaf} * record_ms"
        case "text" | "bigint" | "integer" | "boolean", _:
            return leaf
        case _:
            return f"CAST({leaf} AS {DUCKDB.type_of(column)})"


def parse(text: str, type_: Type) -> str:
    """SQL of the nested value in JSON `text`, typed, its members still by the source's keys."""
    return f"from_json({text}, {text_literal(json.dumps(_structure(type_), ensure_ascii=False))})"


def _structure(type_: Type) -> object:
    match type_:
        case Json():
            return "VARCHAR"
        case str():
            return type_name(type_)
        case ListOf(item):
            return [_structure(item)]
        case Struct(fields):
            return {field.key: _structure(field.type) for field in fields}
        case MapOf(value):
            return f"MAP(VARCHAR, {_type_by_key(value)})"


def _type_by_key(type_: Type) -> str:
    """DuckDB's name of the type before its members are renamed."""
    match type_:
        case ListOf(item):
            return f"{_type_by_key(item)}[]"
        case MapOf(value):
            return f"MAP(VARCHAR, {_type_by_key(value)})"
        case Struct(fields):
            members = (f"{DUCKDB.quote(field.key)} {_type_by_key(field.type)}" for field in fields)
            return f"STRUCT({', '.join(members)})"
        case _:
            return type_name(type_)


def renamed(type_: Type, value: str, depth: int = 0) -> str:
    """SQL that gives the members of a parsed value the catalogue's names."""
    x = f"x{depth}"
    match type_:
        case ListOf(item):
            inner = renamed(item, x, depth + 1)
            return value if inner == x else f"list_transform({value}, lambda {x}: {inner})"
        case MapOf(item):
            inner = renamed(item, f"{x}.value", depth + 1)
            if inner == f"{x}.value":
                return value
            pairs = f"list_transform(map_entries({value}), lambda {x}: {{'key': {x}.key, 'value': {inner}}})"
            return f"map_from_entries({pairs})"
        case Struct(fields):
            members = (
                f"{DUCKDB.quote(f.name)} := {renamed(f.type, f'{value}.{DUCKDB.quote(f.key)}', depth)}" for f in fields
            )
            return f"CASE WHEN {value} IS NOT NULL THEN struct_pack({', '.join(members)}) END"
        case _:
            return value
