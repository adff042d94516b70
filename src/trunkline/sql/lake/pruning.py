"""Partition pruning: a query over the lake's views reads only the partitions that its dates select.

The views keep a contact's versions by the UTC date of the partition column. A condition on that column does not reach
the folder names by itself, so the same bounds are added on year, month and day.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from trunkline.objects.model import Object

_DAY = "year || '-' || month || '-' || day"
_LOWER = (exp.GT, exp.GTE)
_UPPER = (exp.LT, exp.LTE)


def prune(sql: str, objects: Mapping[str, Object]) -> str:
    """The statement with partition bounds added where they follow from its own; unchanged where nothing follows."""
    try:
        tree = sqlglot.parse_one(sql, read="duckdb")
    except SqlglotError:
        return sql  # the engine reports the syntax error
    is_changed = False
    for select in tree.find_all(exp.Select):
        bounds = list(_bounds(select, objects))
        for bound in bounds:
            select.where(bound, copy=False, dialect="duckdb")
        is_changed = is_changed or bool(bounds)
    return tree.sql(dialect="duckdb") if is_changed else sql


def _bounds(select: exp.Select, objects: Mapping[str, Object]) -> Iterator[str]:
    source = select.args.get("from_") or select.args.get("from")
    where = select.args.get("where")
    if source is None or where is None or select.args.get("joins") or not isinstance(source.this, exp.Table):
        return
    table: exp.Table = source.this
    name = table.name.removesuffix("_versions").removesuffix("_plain")
    obj = next((obj for obj in objects.values() if name in (obj.table_name, obj.view_name)), None)
    if obj is None or "lake" not in (table.db, table.catalog):
        return
    for condition in _conjuncts(where.this):
        yield from _bound(condition, obj.partition)


def _conjuncts(condition: exp.Expr) -> Iterator[exp.Expr]:
    if isinstance(condition, exp.Paren):
        yield from _conjuncts(condition.this)
    elif isinstance(condition, exp.And):
        yield from _conjuncts(condition.left)
        yield from _conjuncts(condition.right)
    else:
        yield condition


def _bound(condition: exp.Expr, partition: str) -> Iterator[str]:
    if isinstance(condition, exp.Between) and _is(condition.this, partition):
        low, high = _day(condition.args["low"]), _day(condition.args["high"])
        if low:
            yield f"{_DAY} >= '{low}'"
        if high:
            yield f"{_DAY} <= '{high}'"
    if not isinstance(condition, (*_LOWER, *_UPPER, exp.EQ)):
        return
    left, right = condition.left, condition.right
    is_lower, is_upper = isinstance(condition, _LOWER), isinstance(condition, _UPPER)
    if _is(right, partition):
        left, right, is_lower, is_upper = right, left, is_upper, is_lower
    day = _day(right) if _is(left, partition) else None
    if day and (is_lower or isinstance(condition, exp.EQ)):
        yield f"{_DAY} >= '{day}'"
    if day and (is_upper or isinstance(condition, exp.EQ)):
        yield f"{_DAY} <= '{day}'"


def _is(node: exp.Expr, name: str) -> bool:
    return isinstance(node, exp.Column) and node.name.lower() == name


def _day(node: exp.Expr) -> str | None:
    """The date that a literal begins with, without zone; None for anything but a plain literal."""
    if isinstance(node, exp.Cast):
        node = node.this
    text = node.name if isinstance(node, exp.Literal) and node.is_string else ""
    head, tail = text[:10], text[10:]
    is_date = len(head) == 10 and head[4] == head[7] == "-" and head.replace("-", "").isdigit()
    # An offset could move the instant to another date.
    return head if is_date and not any(sign in tail for sign in "+-Zz") else None
