"""Rewrites the nodes of a Trino query for DuckDB: arithmetic, comparisons, casts, zones, UNNEST, and functions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Final

from sqlglot import exp

from trunkline.errors import UsageError
from trunkline.sql.trino import casts, zones
from trunkline.sql.trino.functions import lists, times
from trunkline.sql.trino.functions.catalogue import FUNCTIONS, call
from trunkline.sql.trino.functions.model import build, unit_of
from trunkline.sql.trino.functions.text import concat
from trunkline.sql.trino.types import (
    DATE,
    DAYS,
    DOUBLE,
    MONTHS,
    UTC,
    Type,
    as_decimal,
    is_zoned,
)

Known = Mapping[int, Type | None]

# Functions with special syntax, and nodes that sqlglot derives from its function class.
_KNOWN_NODES: Final = (
    exp.Anonymous,
    exp.Cast,
    exp.TryCast,
    exp.Extract,
    exp.StrPosition,
    exp.Substring,
    exp.Trim,
    exp.If,
    exp.Case,
    exp.Exists,
    exp.And,
    exp.Or,
    exp.Array,
    exp.Unnest,
    exp.CurrentTimestamp,
    exp.CurrentDate,
    exp.Localtimestamp,
)
_AROUND_AGGREGATES: Final = (exp.Window, exp.Filter, exp.WithinGroup, exp.IgnoreNulls, exp.RespectNulls)
_COMPARISONS: Final = (
    exp.EQ,
    exp.NEQ,
    exp.LT,
    exp.LTE,
    exp.GT,
    exp.GTE,
    exp.NullSafeEQ,
    exp.NullSafeNEQ,
    exp.Between,
    exp.In,
)


class Rewriter:
    """One query's rewriting. `types` are those of its nodes while they are Trino's."""

    def __init__(self, types: Known) -> None:
        self._given = types
        self._types: dict[int, list[Type | None]] = {}
        self._after: dict[int, Callable[[exp.Expr], exp.Expr]] = {}

    def rewrite(self, tree: exp.Query) -> None:
        """Rewrite every node, operands before operators. Raises UsageError for what is not supported."""
        nodes = list(reversed(list(tree.walk(bfs=True))))
        for node in nodes:
            operands = node.expressions if isinstance(node, exp.Anonymous) else list(node.iter_expressions())
            self._types[id(node)] = [self._given.get(id(operand)) for operand in operands]
        unnests = [(unnest, self._types[id(unnest)]) for unnest in tree.find_all(exp.Unnest)]
        for node in nodes:
            self._node(node)
        for unnest, shapes in unnests:
            _unnest(unnest, shapes)

    def _node(self, node: exp.Expr) -> None:
        if isinstance(node, exp.Func) and not isinstance(node, _KNOWN_NODES):
            raise UsageError(f"Trino's {node.sql_name()} is not supported here; valid: {', '.join(sorted(FUNCTIONS))}.")
        new = self._duckdb(node)
        after = self._after.pop(id(node), None)
        if after is not None:
            new = after(new.copy())
        if new is not node:
            node.replace(new)

    def _type(self, node: exp.Expr) -> Type | None:
        return self._given.get(id(node))

    def _duckdb(self, node: exp.Expr) -> exp.Expr:
        for classes, rule in _RULES:
            if isinstance(node, classes):
                return rule(self, node)
        return node

    def arithmetic(self, node: exp.Expr) -> exp.Expr:
        """Sums, differences, products and quotients. Raises UsageError for hours that are added to a date."""
        whole = self._type(node)
        left, right = self._types[id(node)][:2]
        sides: tuple[exp.Expr, exp.Expr] = (node.args["this"], node.args["expression"])
        if isinstance(node, exp.Div):
            return _division(*sides, left, right)
        if not isinstance(node, exp.Add | exp.Sub) or whole is None:
            return node
        if left == right == DATE and whole == DAYS:
            return build("to_days(CAST(_1 - _2 AS INTEGER))", *sides)
        interval = next((side for side in sides if isinstance(side, exp.Interval)), None)
        if whole == DATE:
            if interval is not None and unit_of(interval) in times.CLOCK_UNITS:
                raise UsageError(
                    f"a date has no {unit_of(interval)}s to add; valid: CAST(x AS timestamp), or INTERVAL '1' DAY."
                )
            return build("CAST(_1 AS DATE)", node)
        if is_zoned(whole) and MONTHS in (left, right):
            return self._months_later(node, whole)
        return node

    def _months_later(self, node: exp.Expr, whole: Type) -> exp.Expr:
        zone = zones.spelled_zone(whole, "a sum of months")
        position = "this" if is_zoned(self._types[id(node)][0]) else "expression"
        instant = node.args[position].copy()
        node.set(position, zones.local(instant, whole, "a sum of months"))
        return zones.moved(node, zone, instant) if zone != UTC else node

    def comparison(self, node: exp.Expr) -> exp.Expr:
        """Raises UsageError where one side alone is text: DuckDB would read it as the other side's type."""
        kinds = {type_.kind for type_ in self._types[id(node)] if type_ is not None} - {"unknown"}
        if len(kinds) > 1 and "varchar" in kinds and kinds != {"varchar", "char"}:
            other = min(kinds - {"varchar"})
            raise UsageError(
                f"Trino does not compare {other} with varchar: {node.sql()[:80]}; valid: CAST one of them."
            )
        return node

    def concatenation(self, node: exp.Expr) -> exp.Expr:
        """`||` of texts or lists."""
        left, right = self._types[id(node)][:2]
        return concat((node.args["this"], left), (node.args["expression"], right))

    def cast(self, node: exp.Expr) -> exp.Expr:
        """CAST, TRY_CAST, and literals of times."""
        if not isinstance(node, exp.Cast):
            return node
        target = self._type(node)
        return casts.cast(node, self._types[id(node)][0], target) if target is not None else node

    def extract(self, node: exp.Expr) -> exp.Expr:
        """EXTRACT of a field, which is the function of that name. Raises UsageError for an unknown field."""
        field = node.name.lower()
        if field not in times.PARTS and field not in ("timezone_hour", "timezone_minute"):
            raise UsageError(f"EXTRACT of {field} is not supported here; valid: {', '.join(sorted(times.PARTS))}.")
        return call(field, [node.args["expression"]], [self._types[id(node)][-1]], self._type(node))

    def subscript(self, node: exp.Expr) -> exp.Expr:
        """`x[i]`, which fails where there is nothing."""
        return lists.subscript(node.args["this"], self._types[id(node)][0], node.expressions[0])

    def function(self, node: exp.Expr) -> exp.Expr:
        """A call of a function, and what is around an aggregate."""
        if not isinstance(node, exp.Anonymous):
            return node
        name, types = node.name.lower(), self._types[id(node)]
        if isinstance(node.parent, exp.IgnoreNulls) and name in _SKIPPING_NULLS:
            return _SKIPPING_NULLS[name].from_arg_list(node.expressions)
        top: exp.Expr = node
        while isinstance(top.parent, _AROUND_AGGREGATES) and top.parent.this is top:
            top = top.parent
        mean = types[0] if name == "avg" and types else None
        if mean is not None and mean.kind == "decimal":
            self._after[id(top)] = _average(mean)
        after = FUNCTIONS[name].after if name in FUNCTIONS else None
        if after is not None:
            self._after[id(top)] = lambda whole: build(after, whole)
        return call(node.name, node.expressions, types, self._type(node))

    def special(self, node: exp.Expr) -> exp.Expr:
        """Functions with a syntax of their own, as the plain ones."""
        types = self._types[id(node)]
        if isinstance(node, exp.Substring):
            arguments = [node.this, node.args["start"], *([node.args["length"]] if node.args.get("length") else [])]
            return call("substring", arguments, types, None)
        if isinstance(node, exp.Trim) and node.args.get("expression") is None and not node.args.get("position"):
            return call("trim", [node.this], types, None)
        return node


def _average(type_: Type) -> Callable[[exp.Expr], exp.Expr]:
    """The mean of decimals is a decimal, rounded half up: the quotient of sum and count, each with its OVER."""

    def quotient(whole: exp.Expr) -> exp.Expr:
        total, count = exp.Paren(this=whole.copy()), exp.Paren(this=whole.copy())
        for tree, name in ((total, "sum"), (count, "count")):
            mean = next(part for part in tree.find_all(exp.Anonymous) if part.name.lower() == "avg")
            mean.set("this", name)
        divided = _division(total.this, count.this, Type("decimal", 38, type_.scale), Type("bigint"))
        return build("CASE WHEN _1 > 0 THEN _2 END", count.this, divided)

    return quotient


# sqlglot writes IGNORE NULLS only for functions that it knows as window functions.
_SKIPPING_NULLS: Final[dict[str, type[exp.Func]]] = {
    "first_value": exp.FirstValue,
    "last_value": exp.LastValue,
    "nth_value": exp.NthValue,
    "lag": exp.Lag,
    "lead": exp.Lead,
}


def _nulls_last(rewriter: Rewriter, node: exp.Expr) -> exp.Expr:
    if node.args.get("nulls_first") is None:
        node.set("nulls_first", False)
    return node


Rule = Callable[[Rewriter, exp.Expr], exp.Expr]
_RULES: Final[tuple[tuple[type[exp.Expr] | tuple[type[exp.Expr], ...], Rule], ...]] = (
    ((exp.Add, exp.Sub, exp.Mul, exp.Div), Rewriter.arithmetic),
    (_COMPARISONS, Rewriter.comparison),
    (exp.DPipe, Rewriter.concatenation),
    (exp.Cast, Rewriter.cast),
    (exp.Extract, Rewriter.extract),
    (exp.Bracket, Rewriter.subscript),
    (exp.Anonymous, Rewriter.function),
    ((exp.Substring, exp.Trim), Rewriter.special),
    # The zone is in the type; the instant stays.
    (exp.AtTimeZone, lambda rewriter, node: build("CAST(_1 AS TIMESTAMP)", node.this)),
    ((exp.CurrentTimestamp, exp.Localtimestamp), lambda rewriter, node: build("timezone('UTC', now())")),
    (exp.CurrentDate, lambda rewriter, node: build("CAST(timezone('UTC', now()) AS DATE)")),
    (exp.Ordered, _nulls_last),
)


def _division(left: exp.Expr, right: exp.Expr, left_type: Type | None, right_type: Type | None) -> exp.Expr:
    """DuckDB's `//` truncates integers towards zero and divides floats; decimals are divided as integers."""
    if DOUBLE in (left_type, right_type):
        return build("_1 / _2", left, right)
    if left_type is None or right_type is None or not (left_type.is_exact and right_type.is_exact):
        return build("_1 // _2", left, right)
    if left_type.is_integer and right_type.is_integer:
        return build("_1 // _2", left, right)
    first, second = as_decimal(left_type), as_decimal(right_type)
    scale = max(first.scale, second.scale)
    dividend = _unscaled(left, first.scale, scale + second.scale - first.scale)
    divisor = _unscaled(right, second.scale, 0)
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


def _unnest(unnest: exp.Unnest, shapes: list[Type | None]) -> None:
    """UNNEST gives a column per array, two per map and one per field of rows; DuckDB gives one per array."""
    alias = unnest.args.get("alias")
    columns = list(alias.columns) if isinstance(alias, exp.TableAlias) else []
    values: list[exp.Expr] = []
    arrays = list(unnest.expressions)
    for position, (array, shape) in enumerate(zip(unnest.expressions, shapes, strict=False)):
        # An operand of unknown type is a map if it is the only one and has two column names.
        if shape.kind == "map" if shape else len(arrays) == 1 and len(columns) == 2:
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
