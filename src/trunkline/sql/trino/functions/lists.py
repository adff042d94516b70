"""Trino's functions of arrays, maps and rows, and what their lambdas are given."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from sqlglot import exp

from trunkline.sql.trino.functions.model import (
    Function,
    FunctionCall,
    build,
    first,
    refused,
    renamed,
    same,
    unit_of,
    written,
)
from trunkline.sql.trino.types import (
    BIGINT,
    BOOLEAN,
    DATE,
    DAYS,
    DOUBLE,
    MONTHS,
    REAL,
    SIZED_VARCHAR,
    Type,
    array,
    combined,
    is_zoned,
    map_of,
)


def parameter_types(name: str, types: Sequence[Type | None], count: int) -> list[Type | None]:
    """The types of a lambda's parameters, by the function it is given to and that function's other arguments."""
    of = first(types)
    if name == "reduce":
        return [types[1] if len(types) > 1 else None, of.element if of else None][:count]
    if name == "zip_with":
        second = types[1] if len(types) > 1 else None
        return [of.element if of else None, second.element if second else None][:count]
    if of is not None and of.kind == "map" and count == 2:
        return list(of.parts)
    element = of.element if of is not None else None
    return [element] * count


def _element(types: Sequence[Type | None]) -> Type | None:
    type_ = first(types)
    return type_.element if type_ is not None else None


def _of_last(types: Sequence[Type | None]) -> Type | None:
    return array(types[-1]) if types else None


def _common(types: Sequence[Type | None]) -> Type | None:
    return combined(types)


def subscript(value: exp.Expr, of: Type | None, index: exp.Expr) -> exp.Expr:
    """Trino's `value[index]`, which fails where there is nothing. An index into an array counts from 1."""
    if of is None:
        return exp.Bracket(this=value.copy(), expressions=[index.copy()], offset=1)
    return build("trino_value(_1, _2)" if of.kind == "map" else "trino_item(_1, _2)", value, index)


def _element_at(call: FunctionCall) -> exp.Expr:
    of = call.of(0)
    if of is not None and of.kind == "array":
        return build("trino_element(_1, _2)", *call.arguments)
    # The offset says that the index counts from 1 already, or the generator would add one.
    return exp.Bracket(this=call.arguments[0], expressions=[call.arguments[1]], offset=1)


def _cardinality(call: FunctionCall) -> exp.Expr:
    of = call.of(0)
    return build("cardinality(_1)" if of is not None and of.kind == "map" else "len(_1)", call.arguments[0])


def _extreme(target: str) -> Function:
    return written(_element, f"trino_extreme(_1, {target}(_1))")


def _array_sort(call: FunctionCall) -> exp.Expr:
    if len(call.arguments) != 1:
        call.refuse("a comparison of its own is not supported; valid: one list")
    return build("list_sort(_1, 'ASC', 'NULLS LAST')", call.arguments[0])


def _array_join(call: FunctionCall) -> exp.Expr:
    of = call.of(0)
    if of is not None and of.element is not None and of.element.kind in ("double", "real", "timestamp", "decimal"):
        call.refuse(f"a list of {of.element.kind} has another text in Trino; valid: a list of texts or whole numbers")
    if len(call.arguments) == 3:
        return build(
            "array_to_string(list_transform(_1, lambda x: coalesce(CAST(x AS VARCHAR), _3)), _2)", *call.arguments
        )
    return build("array_to_string(_1, _2)", *call.arguments)


def _sequence(call: FunctionCall) -> exp.Expr:
    low, high, *step = call.arguments
    types = call.types
    if types[0] == DATE and types[1] == DATE:
        return _dates(call, low, high, step)
    if all(type_ is not None and type_.is_integer for type_ in types):
        steps = step or [build("CASE WHEN _2 < _1 THEN -1 ELSE 1 END", low, high)]
        return build("trino_sequence(CAST(_1 AS BIGINT), CAST(_2 AS BIGINT), CAST(_3 AS BIGINT))", low, high, *steps)
    if step and types[0] is not None and types[0].kind == "timestamp" and types[2] == DAYS and not is_zoned(types[1]):
        return build("generate_series(CAST(_1 AS TIMESTAMP), CAST(_2 AS TIMESTAMP), _3)", low, high, *step)
    return call.refuse("valid: whole numbers, dates with a step of days, timestamps with a step of days or shorter")


def _dates(call: FunctionCall, low: exp.Expr, high: exp.Expr, step: Sequence[exp.Expr]) -> exp.Expr:
    if not step:
        return build("trino_dates(_1, _2, CASE WHEN _2 < _1 THEN -1 ELSE 1 END)", low, high)
    interval = step[0]
    if call.of(2) == MONTHS or not isinstance(interval, exp.Interval) or unit_of(interval) != "day":
        call.refuse("the step of dates is not a number of days as a literal; valid: INTERVAL '7' DAY")
    return build(f"trino_dates(_1, _2, {int(interval.this.name)})", low, high)


def _sequence_type(types: Sequence[Type | None]) -> Type:
    low = first(types)
    return array(BIGINT if low is not None and low.is_integer else low)


def _reduce(call: FunctionCall) -> exp.Expr:
    values, start, step, final = call.arguments
    if not isinstance(step, exp.Lambda) or not isinstance(final, exp.Lambda) or final.this != final.expressions[0]:
        call.refuse("its last function must give the state as it is; valid: s -> s")
    kind = call.types[1]
    if kind is None or not (kind.is_integer or kind == DOUBLE):
        call.refuse("its first state is neither a whole number nor a double; valid: 0 or CAST(0 AS double)")
    target = "DOUBLE" if kind == DOUBLE else "BIGINT"
    # The state leads the list, so its elements take the state's type.
    return build(f"list_reduce(list_prepend(CAST(_2 AS {target}), _1), _3)", values, start, step)


def _map(call: FunctionCall) -> exp.Expr:
    return exp.Anonymous(this="map", expressions=[argument.copy() for argument in call.arguments])


def _match(template: str) -> Function:
    return written(BOOLEAN, template)


def _map_of(types: Sequence[Type | None]) -> Type | None:
    if len(types) < 2 or types[0] is None or types[1] is None:
        return map_of(None, None)
    return map_of(types[0].element, types[1].element)


def _as_rows(types: Sequence[Type | None]) -> Type | None:
    type_ = first(types)
    return array(Type("row", parts=type_.parts, names=("key", "value"))) if type_ is not None and type_.parts else None


def _part(types: Sequence[Type | None], position: int) -> Type | None:
    type_ = first(types)
    return array(type_.parts[position]) if type_ is not None and type_.parts else None


def _row(types: Sequence[Type | None]) -> Type:
    return Type("row", parts=tuple(types), names=("",) * len(types))


def _filtered(types: Sequence[Type | None]) -> Type | None:
    return first(types)


def _pairs(call: FunctionCall) -> exp.Expr:
    test = call.arguments[1]
    if not isinstance(test, exp.Lambda) or len(test.expressions) != 2:
        call.refuse("valid: a map and a function of a key and a value")
    key, value = (parameter.name for parameter in test.expressions)
    body = test.this.copy()
    body = exp.Paren(this=body)
    for name in list(body.find_all(exp.Identifier)):
        if name.name in (key, value) and not isinstance(name.parent, exp.Column | exp.Dot):
            field = "key" if name.name == key else "value"
            name.replace(exp.Dot(this=exp.to_identifier("entry"), expression=exp.to_identifier(field)))
    return build("map_from_entries(list_filter(map_entries(_1), lambda entry: _2))", call.arguments[0], body.this)


def _zip_with(call: FunctionCall) -> exp.Expr:
    step = call.arguments[2]
    if not isinstance(step, exp.Lambda) or len(step.expressions) != 2:
        call.refuse("valid: two lists and a function of one element of each")
    names = [parameter.name for parameter in step.expressions]
    body = exp.Paren(this=step.this.copy())
    for name in list(body.find_all(exp.Identifier)):
        if name.name in names and not isinstance(name.parent, exp.Column | exp.Dot):
            index = exp.Literal.number(names.index(name.name) + 1)
            name.replace(exp.Bracket(this=exp.to_identifier("pair"), expressions=[index], offset=1))
    return build("list_transform(list_zip(_1, _2), lambda pair: _3)", *call.arguments[:2], body.this)


FUNCTIONS: Final[dict[str, Function]] = {
    "element_at": Function(_element_at, _element),
    "cardinality": Function(_cardinality, BIGINT),
    "contains": written(BOOLEAN, "trino_contains(_1, _2)"),
    "array_distinct": written(first, "trino_distinct(_1)"),
    "array_intersect": written(_common, "list_filter(trino_distinct(_1), lambda x: trino_has(_2, x))"),
    "array_union": written(_common, "trino_distinct(list_concat(_1, _2))"),
    "array_except": written(first, "list_filter(trino_distinct(_1), lambda x: NOT trino_has(_2, x))"),
    "array_remove": written(
        first, "CASE WHEN _2 IS NOT NULL THEN list_filter(_1, lambda x: x IS DISTINCT FROM _2) END"
    ),
    "arrays_overlap": written(BOOLEAN, "trino_overlap(_1, _2)"),
    "array_max": _extreme("list_max"),
    "array_min": _extreme("list_min"),
    "array_sort": Function(_array_sort, first),
    "array_join": Function(_array_join, SIZED_VARCHAR),
    "array_position": written(BIGINT, "trino_position(_1, _2)"),
    "slice": written(first, "trino_slice(_1, _2, _3)"),
    "sequence": Function(_sequence, _sequence_type),
    "flatten": renamed("flatten", _element),
    "transform": written(_of_last, "list_transform(_1, _2)"),
    "filter": written(first, "list_filter(_1, _2)"),
    "reduce": Function(_reduce, lambda types: DOUBLE if len(types) > 1 and types[1] in (DOUBLE, REAL) else BIGINT),
    "zip_with": Function(_zip_with, _of_last),
    "any_match": _match("trino_any(list_transform(_1, _2))"),
    "all_match": _match("trino_all(list_transform(_1, _2))"),
    "none_match": _match("NOT trino_any(list_transform(_1, _2))"),
    "row": renamed("row", _row),
    "map": Function(_map, _map_of),
    "map_keys": renamed("map_keys", lambda types: _part(types, 0)),
    "map_values": renamed("map_values", lambda types: _part(types, 1)),
    "map_entries": renamed("map_entries", _as_rows),
    **same("map_concat", _common),
    "map_filter": Function(_pairs, _filtered),
    **refused(
        "transform_values transform_keys map_zip_with",
        "functions over maps other than map_filter are not supported; valid: map_filter, map_keys, or UNNEST",
    ),
}
