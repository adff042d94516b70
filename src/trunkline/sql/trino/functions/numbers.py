"""Trino's functions of numbers, and those of any type that choose one of their arguments."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from sqlglot import exp

from trunkline.sql.trino.functions.model import Function, FunctionCall, build, first, refused, renamed, same, written
from trunkline.sql.trino.types import (
    BIGINT,
    BOOLEAN,
    DOUBLE,
    REAL,
    VARCHAR,
    Type,
    combined,
    decimal,
    render,
)


def _rounding(types: Sequence[Type | None]) -> Type | None:
    type_ = first(types)
    if type_ is not None and type_.kind == "decimal":
        whole = (type_.precision or 0) - type_.scale
        return decimal((type_.precision or 0) + 1, type_.scale) if len(types) == 2 else decimal(whole + 1, 0)
    return type_


def _rounded(target: str) -> Function:
    def make(call: FunctionCall) -> exp.Expr:
        type_ = call.of(0)
        if type_ is None:
            return exp.Anonymous(this=target, expressions=list(call.arguments))
        if type_.is_integer and len(call.arguments) == 1:
            return call.arguments[0].copy()
        value = exp.Anonymous(this=target, expressions=list(call.arguments))
        if type_.kind == "decimal":
            scale = type_.scale if len(call.arguments) == 2 else 0
            return build(f"CAST(_1 AS DECIMAL(38, {scale}))", value)
        return build("CAST(_1 AS REAL)", value) if type_ == REAL else value

    return Function(make, _rounding)


def _sign(call: FunctionCall) -> exp.Expr:
    kind = {"double": "DOUBLE", "real": "REAL", "decimal": "DECIMAL(1, 0)"}
    type_ = call.of(0)
    return build(f"CAST(sign(_1) AS {kind.get(type_.kind if type_ else '', 'INTEGER')})", *call.arguments)


def _extreme(target: str) -> Function:
    def make(call: FunctionCall) -> exp.Expr:
        if len(call.arguments) > 9:
            call.refuse(f"{len(call.arguments)} arguments are too many; valid: 1 to 9")
        names = [f"_{n}" for n in range(1, len(call.arguments) + 1)]
        any_null = " OR ".join(f"{name} IS NULL" for name in names)
        return build(f"CASE WHEN {any_null} THEN NULL ELSE {target}({', '.join(names)}) END", *call.arguments)

    return Function(make, combined)


def _mod(types: Sequence[Type | None]) -> Type | None:
    return combined(types)


def _typeof(call: FunctionCall) -> exp.Expr:
    name = render(call.of(0))
    if name is None:
        call.refuse("the exact type is not known here; valid: a column, a literal or a CAST")
    return exp.Literal.string(name)


def _width_bucket(call: FunctionCall) -> exp.Expr:
    if len(call.arguments) != 4:
        call.refuse("valid: a value, the two bounds and the number of buckets")
    inside = "CAST(floor((CAST(_1 AS DOUBLE) - _2) * _4 / (CAST(_3 AS DOUBLE) - _2)) AS BIGINT) + 1"
    return build(
        "CASE WHEN _1 IS NULL OR _2 IS NULL OR _3 IS NULL OR _4 IS NULL THEN NULL "
        "WHEN _2 = _3 THEN CAST('width_bucket: the bounds are equal: ' || _2 AS BIGINT) "
        "WHEN (_2 < _3 AND _1 < _2) OR (_2 > _3 AND _1 > _2) THEN 0 "
        f"WHEN (_2 < _3 AND _1 >= _3) OR (_2 > _3 AND _1 <= _3) THEN CAST(_4 AS BIGINT) + 1 ELSE {inside} END",
        *call.arguments,
    )


def _bits(sign: str) -> Function:
    return written(BIGINT, f"CAST(_1 AS BIGINT) {sign} CAST(_2 AS BIGINT)")


def _nullif(call: FunctionCall) -> exp.Expr:
    return build("nullif(_1, _2)", *call.arguments)


def _doubled(names: str) -> dict[str, Function]:
    return {name: written(DOUBLE, f"{name}(CAST(_1 AS DOUBLE))") for name in names.split()}


FUNCTIONS: Final[dict[str, Function]] = {
    **same("abs", first),
    "mod": written(_mod, "_1 % _2"),
    "round": _rounded("round"),
    "ceil": _rounded("ceil"),
    "ceiling": _rounded("ceil"),
    "floor": _rounded("floor"),
    "truncate": _rounded("trunc"),
    "sign": Function(
        _sign, lambda types: decimal(1, 0) if (type_ := first(types)) is not None and type_.kind == "decimal" else type_
    ),
    **_doubled("cbrt exp radians degrees sin cos tan asin acos atan"),
    # Trino gives NaN where DuckDB fails.
    "sqrt": written(DOUBLE, "CASE WHEN _1 < 0 THEN CAST('nan' AS DOUBLE) ELSE sqrt(_1) END"),
    **{
        name: written(
            DOUBLE,
            f"CASE WHEN _1 < 0 THEN CAST('nan' AS DOUBLE) WHEN _1 = 0 THEN CAST('-inf' AS DOUBLE) ELSE {name}(_1) END",
        )
        for name in ("ln", "log2", "log10")
    },
    "log": written(DOUBLE, "ln(_2) / ln(_1)"),
    "atan2": written(DOUBLE, "atan2(_1, _2)"),
    "power": written(DOUBLE, "pow(CAST(_1 AS DOUBLE), _2)"),
    "pow": written(DOUBLE, "pow(CAST(_1 AS DOUBLE), _2)"),
    **same("pi", DOUBLE),
    "random": renamed("random", DOUBLE),
    "rand": renamed("random", DOUBLE),
    "e": written(DOUBLE, "exp(CAST(1 AS DOUBLE))"),
    "infinity": written(DOUBLE, "CAST('inf' AS DOUBLE)"),
    "is_nan": renamed("isnan", BOOLEAN),
    "is_finite": renamed("isfinite", BOOLEAN),
    "is_infinite": renamed("isinf", BOOLEAN),
    "greatest": _extreme("greatest"),
    "least": _extreme("least"),
    "width_bucket": Function(_width_bucket, BIGINT),
    "bitwise_and": _bits("&"),
    "bitwise_or": _bits("|"),
    "bitwise_xor": written(BIGINT, "xor(CAST(_1 AS BIGINT), CAST(_2 AS BIGINT))"),
    "bitwise_not": written(BIGINT, "-1 - CAST(_1 AS BIGINT)"),
    "coalesce": renamed("coalesce", combined),
    "nullif": Function(_nullif, first),
    "try": written(first, "try(_1)"),
    "typeof": Function(_typeof, VARCHAR),
    **refused("nan", "NaN equals itself and is the greatest here, and neither in Trino; valid: is_nan(x), NULL"),
    **refused(
        "bitwise_left_shift bitwise_right_shift bit_count",
        "bits have other widths here; valid: bitwise_and, bitwise_or, bitwise_xor, bitwise_not",
    ),
}
