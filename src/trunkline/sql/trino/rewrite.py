"""Rewrites the nodes of a Trino query for DuckDB: division, casts, zones, UNNEST, and functions (`functions.py`)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Final

from sqlglot import exp

from trunkline.errors import UsageError
from trunkline.sql.trino.functions import FUNCTIONS, at_time_zone, build, call
from trunkline.sql.trino.types import DATE, DOUBLE, INTEGER, TIMESTAMP, Type, Types

# Functions with special syntax, and nodes that sqlglot derives from its function class.
_KNOWN_NODES: Final = (
    exp.Anonymous, exp.Cast, exp.TryCast, exp.Extract, exp.StrPosition, exp.Substring, exp.Trim, exp.If, exp.Case,
    exp.Exists, exp.And, exp.Or, exp.Array, exp.Unnest, exp.CurrentTimestamp, exp.CurrentDate, exp.Localtimestamp,
)  # fmt: skip

_ZONED_LITERAL: Final = re.compile(r"\d\s*(?:[+-]\d\d:?\d\d|Z|[A-Za-z]+(?:/[\w+-]+)*)$")


def _unnest(unnest: exp.Unnest, shapes: list[Type | None]) -> None:
    """UNNEST gives a column per array, two per map and one per field of rows; DuckDB gives one per array."""
    alias = unnest.args.get("alias")
    columns = list(alias.columns) if isinstance(alias, exp.TableAlias) else []
    values: list[exp.Expr] = []
    arrays = list(unnest.expressions)
    for position, (array, shape) in enumerate(zip(unnest.expressions, shapes, strict=True)):
        # An operand of unknown type is a map if it is the only one and has two column names.
        if shape.kind == "map" if shape else len(shapes) == 1 and len(columns) == 2:
            arrays[position] = build("map_keys(_1)", array)
            values += [build("unnest(map_keys(_1))", array), build("unnest(map_values(_1))", array)]
        elif shape is not None and shape.unnested[0][0]:
            fields = [_field(name) for name, _ in shape.unnested]
            values += [build(f"unnest(list_transform(_1, lambda r: r.{field}))", array) for field in fields]
        else:
            values.append(build("unnest(_1)", array))
    offset = unnest.args.get("offset")
    if offset:
        longest = "greatest(" + ", ".join(f"len(_{n})" for n in range(1, len(arrays) + 1)) + ")"
        values.append(build(f"unnest(range(1, {longest} + 1))", *arrays))
        columns += [offset.copy()] if isinstance(offset, exp.Identifier) else []
    if columns and len(columns) != len(values):
        raise UsageError(f"UNNEST gives {len(values)} columns, its alias names {len(columns)}; name each or none.")
    name = alias.this if isinstance(alias, exp.TableAlias) else None
    query = exp.Subquery(this=exp.Select(expressions=values))
    unnest.replace(exp.Lateral(this=query, alias=exp.TableAlias(this=name, columns=columns)))


def _field(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _innermost_instants(tree: exp.Query) -> None:
    """`x AT TIME ZONE a AT TIME ZONE b` is x in zone b: a zone changes the display, never the instant."""
    for outer in list(tree.find_all(exp.AtTimeZone)):
        while isinstance(outer.this.unnest(), exp.AtTimeZone):
            outer.set("this", outer.this.unnest().this)


def _bottom_up(tree: exp.Expr) -> Iterator[exp.Expr]:
    yield from reversed(list(tree.walk(bfs=True)))


def rewrite(tree: exp.Query, types: Types) -> None:
    """Rewrite every node of a Trino query for DuckDB, in place. Raises UsageError for an unsupported function."""
    _innermost_instants(tree)
    unnests = [(unnest, [types.of(array) for array in unnest.expressions]) for unnest in tree.find_all(exp.Unnest)]
    _rewrite_nodes(tree, types)
    for unnest, shapes in unnests:
        _unnest(unnest, shapes)


def _rewrite_nodes(tree: exp.Query, types: Types) -> None:
    """Operands before operators. Types are determined first, while every node is still Trino's."""
    types_of_node: dict[int, tuple[Type | None, Type | None, Type | None]] = {}
    nodes = list(_bottom_up(tree))
    for node in nodes:
        if isinstance(node, exp.Binary):
            types_of_node[id(node)] = (types.of(node), types.of(node.left), types.of(node.right))
        elif isinstance(node, exp.Cast | exp.Anonymous):
            first = node.this if isinstance(node, exp.Cast) else next(iter(node.expressions), None)
            types_of_node[id(node)] = (types.of(node), types.of(first), None)
    for node in nodes:
        if isinstance(node, exp.Func) and not isinstance(node, _KNOWN_NODES):
            raise UsageError(f"Trino's {node.sql_name()} is not supported here; valid: {', '.join(sorted(FUNCTIONS))}.")
        new = _duckdb(node, types_of_node.get(id(node), (None, None, None)))
        if new is not node:
            node.replace(new)


def _duckdb(node: exp.Expr, node_types: tuple[Type | None, Type | None, Type | None]) -> exp.Expr:
    whole, left, right = node_types
    if isinstance(node, exp.Div):
        return _division(node.left, node.right, left, right)
    if isinstance(node, exp.Add | exp.Sub) and whole == DATE:
        return build("CAST(_1 AS DATE)", node)
    if isinstance(node, exp.Cast):
        return _cast(node, left)
    if isinstance(node, exp.Anonymous):
        return _function(node, whole)
    if isinstance(node, exp.AtTimeZone):
        return at_time_zone(node.this, node.args["zone"])
    if isinstance(node, exp.CurrentTimestamp | exp.Localtimestamp):
        return build("timezone('UTC', now())")
    if isinstance(node, exp.CurrentDate):
        return build("CAST(timezone('UTC', now()) AS DATE)")
    if isinstance(node, exp.Extract) and node.name.upper() in ("DOW", "DAY_OF_WEEK"):
        return build("isodow(_1)", node.expression)
    if isinstance(node, exp.Ordered) and node.args.get("nulls_first") is None:
        node.set("nulls_first", False)
    return node


# sqlglot writes IGNORE NULLS only for functions that it knows as window functions.
_SKIPPING_NULLS: Final[dict[str, type[exp.Func]]] = {
    "first_value": exp.FirstValue, "last_value": exp.LastValue, "nth_value": exp.NthValue, "lag": exp.Lag,
    "lead": exp.Lead,
}  # fmt: skip


def _function(node: exp.Anonymous, whole: Type | None) -> exp.Expr:
    if isinstance(node.parent, exp.IgnoreNulls) and node.name.lower() in _SKIPPING_NULLS:
        return _SKIPPING_NULLS[node.name.lower()].from_arg_list(node.expressions)
    new = call(node.name, node.expressions)
    name = node.name.lower()
    if whole == DATE and name in ("date_add", "date_trunc"):
        return build("CAST(_1 AS DATE)", new)
    if name == "avg" and whole is not None and whole.kind == "decimal" and not isinstance(node.parent, exp.Window):
        return build(f"CAST(_1 AS DECIMAL(38, {whole.scale}))", new)
    return new


def _cast(node: exp.Cast, source: Type | None) -> exp.Expr:
    target = node.to
    of = exp.DataType.Type
    value = node.this
    is_zoned = isinstance(value, exp.Literal) and value.is_string and _ZONED_LITERAL.search(value.name)
    if target.is_type(of.TIMESTAMPTZ) or (target.is_type(of.TIMESTAMP) and is_zoned):
        if isinstance(value, exp.Literal) and value.is_string:
            # Trino allows a space before the offset, DuckDB does not.
            value = exp.Literal.string(re.sub(r"\s+(?=[+-]\d)", "", value.name))
        return build("timezone('UTC', CAST(_1 AS TIMESTAMPTZ))", value)
    if target.is_type(of.TIMESTAMP, of.TIME):
        # DuckDB's precision is microseconds. Values are not truncated to Trino's default of milliseconds.
        target.set("expressions", [])
    elif target.is_type(*exp.DataType.TEXT_TYPES):
        target.replace(exp.DataType.build("varchar"))
        is_literal = isinstance(value, exp.Cast) and isinstance(value.this, exp.Literal)
        if source == TIMESTAMP and not is_literal:
            return build("strftime(_1, '%Y-%m-%d %H:%M:%S.%g')", value)
    elif target.is_type(*exp.DataType.INTEGER_TYPES) and source == DOUBLE:
        # Trino rounds halves away from zero, DuckDB to even.
        node.set("this", build("round(_1)", value))
    return node


def _division(left: exp.Expr, right: exp.Expr, left_type: Type | None, right_type: Type | None) -> exp.Expr:
    """DuckDB's `//` truncates integers towards zero and divides floats; decimals are divided as integers."""
    if DOUBLE in (left_type, right_type):
        return build("_1 / _2", left, right)
    known = left_type is not None and right_type is not None
    if not known or left_type == right_type == INTEGER:
        return build("_1 // _2", left, right)
    assert left_type is not None
    assert right_type is not None
    if not {left_type.kind, right_type.kind} <= {"integer", "decimal"}:
        return build("_1 // _2", left, right)
    scale = max(left_type.scale, right_type.scale)
    dividend = _unscaled(left, left_type.scale, scale + right_type.scale - left_type.scale)
    divisor = _unscaled(right, right_type.scale, 0)
    if isinstance(divisor, exp.Literal):
        half_up = f"((2 * abs(_1) + {divisor.name}) // {2 * int(divisor.name)}) * sign(_1)"
    else:
        half_up = "((2 * abs(_1) + abs(_2)) // (2 * abs(_2))) * sign(_1) * sign(_2)"
    unit = "1" if scale == 0 else f"0.{'0' * (scale - 1)}1"
    return build(f"CAST(_1 AS DECIMAL({38 - scale - 1}, 0)) * {unit}", build(half_up, dividend, divisor))


def _unscaled(value: exp.Expr, scale: int, more: int) -> exp.Expr:
    """The digits of a decimal as a HUGEINT, with `more` zeros appended. A literal stays a literal."""
    if isinstance(value, exp.Literal):
        return exp.Literal.number(int(Decimal(value.name).scaleb(scale + more)))
    digits = f"_1 * {10**scale}" if scale else "_1"
    return build(f"CAST({digits} AS HUGEINT) * {10**more}" if more else f"CAST({digits} AS HUGEINT)", value)
