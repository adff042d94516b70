"""Maps with text values (attributes, tags): from the JSON text of the source to a sorted map, by value where it hides.

A map is built from its keys and values and sorted by key, so that key order in the source does not matter. DuckDB
raises on a repeated key here, which is what we want: `from_json` would turn the whole map into NULL.
"""

from __future__ import annotations

from trunkline.compile.values import has_pii, hidden
from trunkline.objects.model import Column

REDACTED_MARK = "'~'"
"""What stands for a hidden value in the hashed text, so that every installation gets the same hash."""


def entries(leaf: str, column: Column, is_normalized: bool) -> str:
    """Key and value of every entry of a JSON object in text `leaf`, values as text."""
    values = f"json_extract_string({leaf}, '$.*')"
    if column.transform == "union_to_text" and not is_normalized:
        values = f"list_transform({values}, lambda v: json_extract_string(v, '$.*')[1])"
    return f"list_zip(json_keys({leaf}), {values})"


def _replaced(leaf: str, column: Column, is_normalized: bool, replacement: str) -> str:
    keep = "list_contains(getvariable('pii_keep_keys'), e[1])"
    value = f"CASE WHEN NOT {keep} AND {has_pii('e[2]')} THEN {replacement} ELSE e[2] END"
    return f"list_transform({entries(leaf, column, is_normalized)}, lambda e: ROW(e[1], {value}))"


def map_value(leaf: str, column: Column, is_normalized: bool) -> str:
    """The stored map. NULL when the source has none; `{}` stays an empty map."""
    plain = f"map_from_entries(list_sort({entries(leaf, column, is_normalized)}))"
    if column.pii == "none":
        return f"CASE WHEN {leaf} IS NOT NULL THEN {plain} END"
    replaced = _replaced(leaf, column, is_normalized, hidden("e[2]"))
    return (
        f"CASE WHEN {leaf} IS NULL THEN NULL "
        f"WHEN {has_pii(leaf)} THEN map_from_entries(list_sort({replaced})) ELSE {plain} END"
    )


def map_safe(leaf: str, column: Column, is_normalized: bool) -> str:
    """JSON text of the map with a mark in place of hidden values; NULL when nothing in it hides."""
    replaced = _replaced(leaf, column, is_normalized, REDACTED_MARK)
    return f"CASE WHEN {has_pii(leaf)} THEN CAST(to_json(list_sort({replaced})) AS VARCHAR) END"


def map_is_odd(leaf: str, column: Column) -> str:
    """True when a value is no plain text, or for a tagged union when it is not one `Value...` of plain text."""
    if column.transform == "union_to_text":
        tags = f"""(len({leaf}) - len(replace({leaf}, '{{"Value', ''))) // 7"""
        return (
            f"""({leaf} IS NOT NULL AND ({tags} <> len(json_keys({leaf})) OR contains({leaf}, '","') """
            f"""OR regexp_matches({leaf}, 'Value(Map|List)|Value[A-Za-z]+":[^"]')))"""
        )
    return f"""({leaf} IS NOT NULL AND regexp_matches({leaf}, '":[^"n]'))"""
