"""The one order of versions, for every engine, and the lake partition that a version belongs to.

A table is a fold over all versions of a key: the greatest wins. The order is
(fidelity, version, redacted, catalogue version, hash, stored personal data), and no term is ever NULL: a missing value
sorts lowest. No other module compares two versions.
"""

from __future__ import annotations

from typing import Final

from trunkline.engines.model import Engine
from trunkline.objects.model import Column, Object

ORDER_COLUMNS: Final = (
    "record_fidelity",
    "record_version",
    "record_is_redacted",
    "record_catalogue_version",
    "record_hash",
)
"""The columns of the first terms, most significant first; `compared_columns` are those of the last."""

UNDATED_YEAR: Final = 1970
UNDATED: Final = f"{UNDATED_YEAR}-01-01"
"""The partition of versions whose partition column is NULL."""


def _ref(engine: Engine, alias: str, name: str) -> str:
    return f"{alias}.{engine.quote(name)}" if alias else engine.quote(name)


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
    """The first terms of the order, down to the hash: one for each of `ORDER_COLUMNS`."""
    fidelity, version, redacted, catalogue, hashed = (_ref(engine, alias, name) for name in ORDER_COLUMNS)
    text = engine.spelling.by_code_point
    return [
        text(f"COALESCE({fidelity}, '')"),
        text(f"COALESCE({version}, '')"),
        f"CASE WHEN {redacted} THEN 1 ELSE 0 END",
        f"COALESCE({catalogue}, 0)",
        text(f"COALESCE({hashed}, '')"),
    ]


def tail_terms(obj: Object, engine: Engine, alias: str = "") -> list[str]:
    """The last terms: the stored columns whose personal data the hash leaves out.

    Two copies that tie on everything else differ only there, and one of them must still win everywhere.
    """
    terms = []
    for column in compared_columns(obj):
        value = _ref(engine, alias, column.name)
        if not isinstance(column.type, str):
            value = engine.spelling.nested_as_text(column.type, value)
        terms.append(engine.spelling.by_code_point(f"COALESCE({value}, '')"))
    return terms


def version_text(obj: Object, engine: Engine, value: str) -> str:
    """The text of `record_version` from the SQL of a version column that is a text, a date or a whole number in any
    engine, or a timestamp in the embedded one: it sorts by code point as the values do.

    Whole numbers get 19 digits, and those below zero a minus sign, which sorts first, and their distance to the least.
    """
    if obj.by_name[obj.version].type not in ("bigint", "integer"):
        return f"CAST({value} AS VARCHAR)"
    whole = f"CAST({value} AS BIGINT)"
    below = f"'-' || LPAD(CAST({whole} + 9223372036854775807 AS VARCHAR), 19, '0')"
    return f"CASE WHEN {value} < 0 THEN {below} ELSE LPAD(CAST({whole} AS VARCHAR), 19, '0') END"


def order_by(obj: Object, engine: Engine, alias: str = "") -> str:
    """`ORDER BY` list that puts the best version first."""
    return ", ".join(f"{term} DESC" for term in order_terms(obj, engine, alias))


def same_key(obj: Object, engine: Engine, left: str, right: str) -> str:
    """Join condition on the key."""
    return " AND ".join(f"{_ref(engine, left, name)} = {_ref(engine, right, name)}" for name in obj.key)


def comparison(obj: Object, engine: Engine, left: str, right: str) -> list[str]:
    """The arms of a CASE, two for each term: 1 where `left` beats `right`, -1 where it loses; none where they tie."""
    pairs = zip(order_terms(obj, engine, left), order_terms(obj, engine, right), strict=True)
    return [arm for mine, other in pairs for arm in (f"WHEN {mine} > {other} THEN 1", f"WHEN {mine} < {other} THEN -1")]


def day_of(timestamp: str) -> str:
    """The UTC date of a timestamp expression, the undated partition's where it is NULL; never NULL."""
    return f"COALESCE(CAST({timestamp} AS DATE), DATE '{UNDATED}')"


def partition_date(obj: Object, engine: Engine, alias: str = "") -> str:
    """The date of the lake partition that a version belongs to; never NULL."""
    return day_of(_ref(engine, alias, obj.partition))
