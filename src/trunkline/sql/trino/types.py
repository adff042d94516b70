"""The Trino types of expressions, as far as division, casts and UNNEST need them; None where a type is unknown.

Names are looked up in one flat scope, because a name with two types is simply unknown: division then
still follows the operands' types on DuckDB (`//` divides integers whole and floats not), and only the rounding of a
decimal's quotient to its scale is lost.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final, Literal

from sqlglot import exp

Kind = Literal["integer", "decimal", "double", "varchar", "timestamp", "date", "map", "array", "row", "other", "null"]


@dataclass(frozen=True, slots=True)
class Type:
    """A type's kind, the scale of a decimal, the fields of a row, the type of an array's elements."""

    kind: Kind
    scale: int = 0
    fields: tuple[tuple[str, Type], ...] = ()
    element: Type | None = None

    @property
    def unnested(self) -> tuple[tuple[str, Type | None], ...]:
        """The columns that UNNEST gives, each with the name of its field where it comes from a row."""
        if self.kind == "map":
            return (("", None), ("", None))
        if self.element is not None and self.element.fields:
            return self.element.fields
        return (("", self.element),)


INTEGER: Final = Type("integer")
DOUBLE: Final = Type("double")
VARCHAR: Final = Type("varchar")
TIMESTAMP: Final = Type("timestamp")
DATE: Final = Type("date")

_NUMBERS: Final = ("integer", "decimal", "double")
_INTEGERS: Final = frozenset(
    [
        "count",
        "count_if",
        "approx_distinct",
        "row_number",
        "rank",
        "dense_rank",
        "ntile",
        "cardinality",
        "length",
        "strpos",
        "date_diff",
        "year",
        "quarter",
        "month",
        "week",
        "day",
        "hour",
        "minute",
        "second",
        "millisecond",
        "day_of_week",
        "day_of_month",
        "day_of_year",
        "week_of_year",
        "year_of_week",
        "dow",
        "doy",
        "yow",
        "grouping",
        "array_position",
        "json_array_length",
        "regexp_count",
        "levenshtein_distance",
    ]
)
_DOUBLES: Final = frozenset(
    [
        "sqrt",
        "cbrt",
        "power",
        "pow",
        "exp",
        "ln",
        "log",
        "log2",
        "log10",
        "percent_rank",
        "cume_dist",
        "stddev",
        "stddev_pop",
        "stddev_samp",
        "variance",
        "var_pop",
        "var_samp",
        "corr",
        "covar_pop",
        "covar_samp",
        "to_unixtime",
        "random",
        "rand",
        "pi",
    ]
)
_AS_FIRST: Final = frozenset(
    [
        "sum",
        "max",
        "min",
        "max_by",
        "min_by",
        "any_value",
        "arbitrary",
        "nullif",
        "first_value",
        "last_value",
        "nth_value",
        "lag",
        "lead",
        "abs",
        "mod",
        "avg",
        "approx_percentile",
        "date_trunc",
        "date_add",
        "try",
    ]
)
_TIMESTAMPS: Final = frozenset(
    ["from_iso8601_timestamp", "from_unixtime", "date_parse", "now", "at_timezone", "with_timezone"]
)


def from_data_type(data_type: exp.DataType) -> Type:
    """The type that a data type of either dialect is."""
    of = exp.DataType.Type
    if data_type.is_type(*exp.DataType.INTEGER_TYPES):
        return INTEGER
    if data_type.is_type(of.DECIMAL):
        scale = data_type.expressions[1].name if len(data_type.expressions) > 1 else "0"
        return Type("decimal", int(scale))
    if data_type.is_type(of.DOUBLE, of.FLOAT):
        return DOUBLE
    if data_type.is_type(*exp.DataType.TEXT_TYPES):
        return VARCHAR
    if data_type.this == of.DATE:
        return DATE
    if data_type.is_type(of.TIMESTAMP, of.TIMESTAMPTZ, of.TIMESTAMPNTZ):
        return TIMESTAMP
    if data_type.this == of.MAP:
        return Type("map")
    if data_type.this in (of.ARRAY, of.LIST) and data_type.expressions:
        return Type("array", element=from_data_type(data_type.expressions[0]))
    if data_type.this == of.STRUCT:
        fields = [field for field in data_type.expressions if isinstance(field, exp.ColumnDef)]
        return Type("row", fields=tuple((field.name, from_data_type(field.args["kind"])) for field in fields))
    return Type("other")


def combined(types: Iterable[Type | None]) -> Type | None:
    """The common type of branches or operands; None when one is unknown or they have no common type."""
    with_null_left_out = [type_ for type_ in types if type_ is None or type_.kind != "null"]
    if not with_null_left_out or None in with_null_left_out:
        return None
    known = [type_ for type_ in with_null_left_out if type_ is not None]
    if len(set(known)) == 1:
        return known[0]
    if any(type_.kind not in _NUMBERS for type_ in known):
        return None
    if any(type_.kind == "double" for type_ in known):
        return DOUBLE
    return Type("decimal", max(type_.scale for type_ in known))


def _arithmetic(node: exp.Binary, left: Type | None, right: Type | None) -> Type | None:
    if left is not None and left.kind == "date" and isinstance(node.expression, exp.Interval):
        return DATE
    if DOUBLE in (left, right):
        return DOUBLE
    if left is None or right is None or not {left.kind, right.kind} <= {"integer", "decimal"}:
        return None
    if left == right == INTEGER:
        return INTEGER
    return Type("decimal", left.scale + right.scale if isinstance(node, exp.Mul) else max(left.scale, right.scale))


def _function(name: str, arguments: list[Type | None]) -> Type | None:
    if name in _INTEGERS:
        return INTEGER
    if name in _DOUBLES:
        return DOUBLE
    if name in _TIMESTAMPS:
        return TIMESTAMP
    if name == "coalesce":
        return combined(arguments)
    if name == "avg":
        return DOUBLE if arguments[:1] == [INTEGER] else next(iter(arguments), None)
    if name in ("date_trunc", "date_add"):
        return arguments[-1] if arguments else None
    return arguments[0] if name in _AS_FIRST and arguments else None


def _literal(node: exp.Literal) -> Type:
    if node.is_string:
        return VARCHAR
    if "e" in node.name.lower():
        return DOUBLE
    _, dot, fraction = node.name.partition(".")
    return Type("decimal", len(fraction)) if dot else INTEGER


class Types:
    """The types of a statement's expressions, given the columns' types by name."""

    def __init__(self, columns: Mapping[str, Type | None]) -> None:
        self._columns = dict(columns)

    def add_name(self, name: str, type_: Type | None) -> None:
        """Add a name that the statement defines. A name that already has another type becomes unknown."""
        name = name.lower()
        self._columns[name] = type_ if self._columns.get(name, type_) == type_ else None

    def of(self, node: exp.Expr | None) -> Type | None:
        """The type of an expression, None when it is unknown."""
        if node is None:
            return None
        for classes, rule in _RULES:
            if isinstance(node, classes):
                return rule(self, node)
        return None

    def column(self, node: exp.Expr) -> Type | None:
        """The type of a column, by its name alone."""
        return self._columns.get(node.name.lower())

    def case(self, node: exp.Expr) -> Type | None:
        """The common type of the branches of CASE or IF."""
        branches = [branch.args.get("true") for branch in (node.args.get("ifs") or [node])]
        default = node.args.get("default") or node.args.get("false")
        return combined([self.of(branch) for branch in branches] + ([self.of(default)] if default else []))


_Rule = Callable[[Types, exp.Expr], Type | None]
_RULES: Final[tuple[tuple[type[exp.Expr] | tuple[type[exp.Expr], ...], _Rule], ...]] = (
    (exp.Literal, lambda types, node: _literal(node) if isinstance(node, exp.Literal) else None),
    (exp.Null, lambda types, node: Type("null")),
    (exp.Column, Types.column),
    (exp.Cast, lambda types, node: from_data_type(node.args["to"])),
    ((exp.Add, exp.Sub, exp.Mul, exp.Div, exp.Mod), lambda types, node: _arithmetic(
        _binary(node), types.of(_binary(node).left), types.of(_binary(node).right))),
    ((exp.Case, exp.If), Types.case),
    (exp.Anonymous, lambda types, node: _function(node.name.lower(), list(map(types.of, node.expressions)))),
    ((exp.CurrentTimestamp, exp.Localtimestamp, exp.AtTimeZone), lambda types, node: TIMESTAMP),
    (exp.CurrentDate, lambda types, node: DATE),
    (exp.DPipe, lambda types, node: VARCHAR),
    (exp.Distinct, lambda types, node: types.of(node.expressions[0]) if node.expressions else None),
    ((exp.Subquery, exp.Select), lambda types, node: _scalar(types, node)),  # noqa: PLW0108 - defined below
    ((exp.Paren, exp.Neg, exp.Window, exp.Filter, exp.IgnoreNulls, exp.Order), lambda types, node: types.of(node.this)),
)  # fmt: skip


def _binary(node: exp.Expr) -> exp.Binary:
    assert isinstance(node, exp.Binary)
    return node


def _scalar(types: Types, node: exp.Expr) -> Type | None:
    select = node.unnest() if isinstance(node, exp.Subquery) else node
    if isinstance(select, exp.Select) and len(select.expressions) == 1:
        return types.of(select.expressions[0].unalias())
    return None
