"""Maps with text values (attributes, tags): from the JSON text of the source to a sorted map, by value where it hides.

A map is built from its keys and values and sorted by key, so that key order in the source does not matter. DuckDB
raises on a repeated key here, which is what we want: `from_json` would turn the whole map into NULL.
"""

from __future__ import annotations

from trunkline.compile.values import has_pii, hidden
from trunkline.objects.model import Column

REDACTED_MARK = "'~'"
"""What stands for a hidden value in the hashed text, so that every installation gets the same hash."""


def map_entries(leaf: str, column: Column, is_normalized: bool) -> str:
    """Key and value of every entry of a JSON object in text `leaf`, values as text, sorted; NULL where it is NULL."""
    values = f"json_extract_string({leaf}, '$.*')"
    if column.transform == "union_to_text" and not is_normalized:
        # Not from the extracted strings: a value that is no JSON text would fail its whole batch.
        values = f"list_transform(json_extract({leaf}, '$.*'), lambda v: json_extract_string(v, '$.*')[1])"
    return f"list_sort(list_zip(json_keys({leaf}), {values}))"


def _replaced(leaf: str, replacement: str) -> str:
    """The entries with what hides replaced; NULL where nothing in the map hides."""
    value = f"CASE WHEN NOT list_contains(pii_keep_keys, e[1]) AND {has_pii('e[2]')} THEN {replacement} ELSE e[2] END"
    # The CASE is around the list and not around the result: DuckDB copies every list it selects rows from.
    return f"list_transform(CASE WHEN p_{leaf} THEN n_{leaf} END, lambda e: ROW(e[1], {value}))"


def map_value(leaf: str, column: Column) -> str:
    """The stored map, from its entries `n_<leaf>`. NULL when the source has none; `{}` stays an empty map."""
    if column.pii == "none":
        return f"CASE WHEN {leaf} IS NOT NULL THEN map_from_entries(n_{leaf}) END"
    entries = f"COALESCE({_replaced(leaf, hidden('e[2]'))}, n_{leaf})"
    return f"CASE WHEN {leaf} IS NOT NULL THEN map_from_entries({entries}) END"


def map_safe(leaf: str) -> str:
    """JSON text of the map with a mark in place of hidden values; NULL when nothing in it hides."""
    return f"CAST(to_json({_replaced(leaf, REDACTED_MARK)}) AS VARCHAR)"


def map_is_odd(leaf: str, column: Column) -> str:
    """True when a value is no plain text, or for a tagged union when it is not one `Value...` of plain text."""
    if column.transform == "union_to_text":
        tags = f"""(len({leaf}) - len(replace({leaf}, '{{"Value', ''))) // 7"""
        return (
            f"""({leaf} IS NOT NULL AND ({tags} <> len(json_keys({leaf})) OR contains({leaf}, '","') """
            f"""OR regexp_matches({leaf}, 'Value(Map|List)|Value[A-Za-z]+":[^"]')))"""
        )
    return f"""({leaf} IS NOT NULL AND regexp_matches({leaf}, '":[^"n]'))"""
