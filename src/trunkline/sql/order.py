"""The one order of versions, for every engine, and the date that says which partition a version belongs to.

A table is a fold over all versions of a key: the greatest wins. The order is
(fidelity, version, redacted, catalogue version, hash, stored personal data), and no term is ever NULL: missing sorts
lowest. Nothing else in the project compares two versions.
"""

from __future__ import annotations

from typing import Final

from trunkline.engines.model import Engine
from trunkline.objects.model import Column, Json, Object

ORDER_COLUMNS: Final = (
    "record_fidelity",
    "record_version",
    "record_is_redacted",
    "record_catalogue_version",
    "record_hash",
)
"""The columns that the order compares first, most significant first; `compared_columns` come after them."""

UNDATED: Final = "1970-01-01"
"""Partition date of rows whose partition column is NULL."""


def partition_date(obj: Object, engine: Engine, alias: str = "") -> str:
    """The UTC date that a row's partition is named by: an SQL expression that is never NULL."""
    return f"COALESCE(CAST({_ref(engine, alias, obj.partition)} AS DATE), DATE '{UNDATED}')"


def _ref(engine: Engine, alias: str, name: str) -> str:
    return f"{alias}.{engine.quote(name)}" if alias else engine.quote(name)


def _collate(engine: Engine) -> str:
    return ' COLLATE "C"' if engine.name == "postgres" else ""


def compared_columns(obj: Object) -> tuple[Column, ...]:
    """The stored columns that the order compares by value, because the hash leaves them out or has a mark for them."""
    return tuple(
        column
        for column in obj.columns
        # Unknown fields may hold personal data too, and the hash has a mark in its place.
        if column.name == "record_unmapped"
        or (
            column.path is not None
            and column.pii != "none"
            and not (column.pii == "indirect" and isinstance(column.type, str))
        )
    )


def order_terms(obj: Object, engine: Engine, alias: str = "") -> list[str]:
    """The terms of the order, most significant first, each an SQL expression that is never NULL."""
    return hashed_terms(obj, engine, alias) + tail_terms(obj, engine, alias)


def hashed_terms(obj: Object, engine: Engine, alias: str = "") -> list[str]:
    """The first terms of the order, down to the hash."""
    return [_hashed_term(obj.by_name[name], engine, alias) for name in ORDER_COLUMNS]


def _hashed_term(column: Column, engine: Engine, alias: str) -> str:
    value = _ref(engine, alias, column.name)
    match column.type:
        case "boolean":
            return f"CASE WHEN {value} THEN 1 ELSE 0 END"
        case "integer":
            return f"COALESCE({value}, 0)"
        case _:
            return f"COALESCE({value}, ''){_collate(engine)}"


def tail_terms(obj: Object, engine: Engine, alias: str = "") -> list[str]:
    """The last terms: the stored columns whose personal data the hash leaves out.

    Two copies that tie on everything else differ only there, and one of them must still win everywhere.
    """
    collate = _collate(engine)
    text = "TEXT" if engine.name == "postgres" else "VARCHAR"
    terms = []
    for column in compared_columns(obj):
        value = _ref(engine, alias, column.name)
        if engine.name == "athena" and not isinstance(column.type, str | Json):
            value = f"JSON_FORMAT(CAST({value} AS JSON))"  # Trino casts no map, array or row to text
        elif not isinstance(column.type, str):
            value = f"JSON_SERIALIZE({value})" if engine.name == "redshift" else f"CAST({value} AS {text})"
        terms.append(f"COALESCE({value}, ''){collate}")
    return terms


def order_by(obj: Object, engine: Engine, alias: str = "") -> str:
    """`ORDER BY` list that puts the best version first."""
    return ", ".join(f"{term} DESC" for term in order_terms(obj, engine, alias))


def same_key(obj: Object, engine: Engine, left: str, right: str) -> str:
    """Join condition on the key."""
    return " AND ".join(f"{_ref(engine, left, k)} = {_ref(engine, right, k)}" for k in obj.key)


def comparison(obj: Object, engine: Engine, left: str, right: str) -> list[str]:
    """The arms of a CASE, two for each term: 1 where `left` beats `right`, -1 where it loses; none where they tie."""
    pairs = zip(order_terms(obj, engine, left), order_terms(obj, engine, right), strict=True)
    return [arm for mine, other in pairs for arm in (f"WHEN {mine} > {other} THEN 1", f"WHEN {mine} < {other} THEN -1")]
