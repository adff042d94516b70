"""Trino's aggregate and window functions."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Final

from sqlglot import exp

from trunkline.sql.trino.functions.model import Function, FunctionCall, build, first, refused, renamed, same, written
from trunkline.sql.trino.types import (
    BIGINT,
    BOOLEAN,
    DOUBLE,
    NUMBERS,
    REAL,
    VARCHAR,
    Type,
    array,
    decimal,
    map_of,
)


def _sum(types: Sequence[Type | None]) -> Type | None:
    type_ = first(types)
    if type_ is None:
        return None
    if type_.kind == "decimal":
        return decimal(38, type_.scale)
    return BIGINT if type_.is_integer else type_


def _avg(types: Sequence[Type | None]) -> Type | None:
    type_ = first(types)
    return DOUBLE if type_ is not None and type_.is_integer else type_


def _extreme_by(target: str) -> Function:
    def make(call: FunctionCall) -> exp.Expr:
        # Trino gives the value even where it is NULL; DuckDB's arg_max would skip that row.
        name = f"{target}_null" if len(call.arguments) == 2 else target
        return exp.Anonymous(this=name, expressions=list(call.arguments))

    return Function(make, lambda types: array(first(types)) if len(types) == 3 else first(types))


def _extreme(name: str) -> Function:
    return renamed(name, lambda types: array(first(types)) if len(types) == 2 else first(types))


def _percentile(call: FunctionCall) -> exp.Expr:
    """The element at floor(p * n), counted from 0: Trino's answer where its sketch is exact."""
    if len(call.arguments) != 2:
        call.refuse(f"weights are not supported; valid: 2 arguments, seen {len(call.arguments)}")
    share = call.arguments[1]
    if isinstance(share, exp.Array):
        numbers = [_share(call, item) for item in share.expressions]
        if 0 in numbers:
            call.refuse("1 in a list of percentiles is not supported; valid: max(x)")
        return build("quantile_disc(_1, _2)", call.arguments[0], exp.Array(expressions=[_negative(n) for n in numbers]))
    number = _share(call, share)
    return (
        build("max(_1)", call.arguments[0])
        if number == 0
        else build("quantile_disc(_1, _2)", call.arguments[0], _negative(number))
    )


def _share(call: FunctionCall, node: exp.Expr) -> Decimal:
    if not isinstance(node, exp.Literal) or node.is_string or not 0 <= Decimal(node.name) <= 1:
        call.refuse("the percentile is not a literal from 0 to 1; valid: 0.9")
    return 1 - Decimal(node.name)


def _negative(number: Decimal) -> exp.Expr:
    # DuckDB counts a negative quantile from the greatest value down.
    return exp.Neg(this=exp.Literal.number(f"{number:f}"))


def _of_two(name: str) -> Function:
    def result(types: Sequence[Type | None]) -> Type | None:
        kinds = {type_.kind if type_ is not None else "" for type_ in types}
        return DOUBLE if "double" in kinds else REAL if kinds <= set(NUMBERS) else None

    def make(call: FunctionCall) -> exp.Expr:
        if result(call.types) != DOUBLE:
            call.refuse(
                "numbers that are not double are single precision in Trino; valid: CAST(x AS double) for an argument"
            )
        return exp.Anonymous(this=name, expressions=list(call.arguments))

    return Function(make, result)


def _map_of(types: Sequence[Type | None]) -> Type | None:
    return map_of(*types) if len(types) == 2 else None


FUNCTIONS: Final[dict[str, Function]] = {
    **same("count count_if row_number rank dense_rank ntile grouping", BIGINT),
    "sum": renamed("sum", _sum),
    "avg": renamed("avg", _avg),
    "min": _extreme("min"),
    "max": _extreme("max"),
    **same("bool_and bool_or", BOOLEAN),
    "every": renamed("bool_and", BOOLEAN),
    **same("stddev stddev_pop stddev_samp variance var_pop var_samp percent_rank cume_dist", DOUBLE),
    **{name: _of_two(name) for name in ("corr", "covar_pop", "covar_samp", "regr_slope", "regr_intercept")},
    **same("first_value last_value nth_value lag lead any_value", first),
    "arbitrary": renamed("any_value", first),
    "array_agg": renamed("array_agg", lambda types: array(first(types))),
    "histogram": renamed("histogram", lambda types: map_of(first(types), BIGINT)),
    "listagg": renamed("string_agg", VARCHAR),
    "max_by": _extreme_by("arg_max"),
    "min_by": _extreme_by("arg_min"),
    # Exact where Trino may be off by its error bound.
    "approx_distinct": written(BIGINT, "count(DISTINCT _1)"),
    "approx_percentile": Function(
        _percentile,
        lambda types: (
            array(first(types))
            if len(types) > 1 and types[1] is not None and types[1].kind == "array"
            else first(types)
        ),
    ),
    "map_agg": Function(written(None, "list(struct_pack(k := _1, v := _2))").make, _map_of, "trino_map(_1)"),
    "geometric_mean": Function(written(None, "avg(ln(CAST(_1 AS DOUBLE)))").make, DOUBLE, "exp(_1)"),
    **refused("skewness kurtosis", "it is of the population in Trino and of the sample here; valid: stddev_pop"),
}
