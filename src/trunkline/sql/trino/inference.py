"""The Trino type of every expression of a query, by the scopes of its names.

A function's type comes from its entry among the functions. An unknown type is None: division then follows the operands'
types on DuckDB.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from sqlglot import exp

from trunkline.sql.trino.functions.catalogue import result_type
from trunkline.sql.trino.functions.lists import parameter_types
from trunkline.sql.trino.types import (
    BIGINT,
    BOOLEAN,
    DATE,
    DAYS,
    DOUBLE,
    INTEGER,
    MONTHS,
    NULL,
    SIZED_VARCHAR,
    TIMESTAMP,
    UTC,
    Type,
    array,
    as_decimal,
    combined,
    decimal,
    from_data_type,
    is_zoned,
    zoned,
)
from trunkline.sql.trino.zones import literal_type, zone_of_node

Columns = list[tuple[str, Type | None]]
Tables = Mapping[str, Mapping[str, str]]


@dataclass(frozen=True)
class Scope:
    """The names that a query sees: its sources by alias, its output in ORDER BY, WITH queries, the query around it."""

    sources: dict[str, Columns] = field(default_factory=dict)
    outputs: dict[str, Type | None] = field(default_factory=dict)
    ctes: dict[str, Columns] = field(default_factory=dict)
    parent: Scope | None = None

    def cte(self, name: str) -> Columns | None:
        """The columns of a WITH query that is visible here."""
        return self.ctes.get(name) or (self.parent.cte(name) if self.parent else None)

    def column(self, table: str, name: str) -> Type | None:
        """The type of a column, from the innermost query that has it."""
        for alias, columns in self.sources.items():
            for column, type_ in columns:
                if column == name and table in ("", alias):
                    return type_
        if not table and name in self.outputs:
            return self.outputs[name]
        return self.parent.column(table, name) if self.parent else None


class Inference:
    """The types of a statement's nodes; `types` holds them by the node's id."""

    def __init__(self, tables: Tables) -> None:
        self.types: dict[int, Type | None] = {}
        self._tables = tables

    def query(self, node: exp.Expr, parent: Scope | None = None) -> Columns:
        """The columns that a query gives, with the type of every node within it noted."""
        scope = Scope(parent=parent)
        with_ = node.args.get("with_")
        is_recursive = with_ is not None and bool(with_.args.get("recursive"))
        for cte in with_.expressions if with_ is not None else ():
            if is_recursive and isinstance(cte.this, exp.SetOperation):
                scope.ctes[cte.alias.lower()] = _renamed(self.query(cte.this.left, scope), cte.args.get("alias"))
            scope.ctes[cte.alias.lower()] = _renamed(self.query(cte.this, scope), cte.args.get("alias"))
        if isinstance(node, exp.Subquery):
            columns = self.query(node.this, scope)
            self._order(node, scope, columns)
            return columns
        if isinstance(node, exp.SetOperation):
            left, right = self.query(node.left, scope), self.query(node.right, scope)
            pairs = zip(left, right, strict=False)
            columns = [(name, combined([type_, other])) for (name, type_), (_, other) in pairs]
            self._order(node, scope, columns)
            return columns
        if isinstance(node, exp.Values):
            rows = [list(row.expressions) if isinstance(row, exp.Tuple) else [row] for row in node.expressions]
            return [("", combined([self.of(value, scope) for value in values])) for values in zip(*rows, strict=False)]
        return self._select(node, scope) if isinstance(node, exp.Select) else []

    def _select(self, select: exp.Select, scope: Scope) -> Columns:
        source = select.args.get("from_")
        items = [source.this] if source is not None else []
        items += [join.this for join in select.args.get("joins") or ()]
        for item in [*items, *(select.args.get("laterals") or ())]:
            self._source(item, scope)
        for key in ("joins", "where", "group", "having", "windows", "qualify"):
            part = select.args.get(key)
            for clause in part if isinstance(part, list) else [part] if part is not None else []:
                self._clause(clause, scope)
        columns: Columns = []
        for item in select.expressions:
            columns += self._output(item, scope)
        self._order(select, scope, columns)
        return columns

    def _output(self, item: exp.Expr, scope: Scope) -> Columns:
        if item.is_star:
            table = item.table.lower() if isinstance(item, exp.Column) else ""
            sources = [columns for alias, columns in scope.sources.items() if table in ("", alias)]
            return [column for columns in sources for column in columns]
        return [(item.alias_or_name.lower(), self.of(item.unalias(), scope))]

    def _order(self, node: exp.Expr, scope: Scope, columns: Columns) -> None:
        inner = Scope({}, dict(columns), {}, scope)
        for key in ("order", "limit", "offset", "distinct"):
            if isinstance(node.args.get(key), exp.Expr):
                self._clause(node.args[key], inner)

    def _clause(self, node: exp.Expr, scope: Scope) -> None:
        """Every expression of a clause. A join's source is a source, not an expression."""
        for child in node.iter_expressions():
            if not isinstance(child, exp.Table | exp.Subquery | exp.Unnest | exp.Lateral | exp.Values) or (
                isinstance(child, exp.Subquery) and not isinstance(node, exp.Join | exp.From)
            ):
                self.of(child, scope)

    def _source(self, item: exp.Expr, scope: Scope) -> None:
        alias = item.args.get("alias")
        name = item.alias_or_name.lower() or f"#{len(scope.sources)}"
        if isinstance(item, exp.Table):
            columns = (scope.cte(item.name.lower()) if not item.db else None) or self._table(item)
        elif isinstance(item, exp.Unnest):
            shapes = [self.of(value, scope) for value in item.expressions]
            columns = [pair for shape in shapes for pair in (shape.unnested if shape is not None else [("", None)])]
            columns += [("", BIGINT)] if item.args.get("offset") else []
        elif isinstance(item, exp.Lateral):
            columns = self.query(item.this, scope)
        else:
            columns = self.query(item, scope)
        scope.sources[name] = _renamed(columns, alias)
        if isinstance(item, exp.Unnest) and isinstance(item.args.get("offset"), exp.Identifier):
            scope.sources[name][-1] = (item.args["offset"].name.lower(), BIGINT)
        for join in item.args.get("joins") or ():
            self._source(join.this, scope)
            self._clause(join, scope)

    def _table(self, table: exp.Table) -> Columns:
        columns = self._tables.get(f"{table.db}.{table.name}", {})
        return [(name.lower(), _stored(type_)) for name, type_ in columns.items()]

    def of(self, node: exp.Expr, scope: Scope) -> Type | None:
        """The type of an expression, noted for it and for everything within."""
        type_ = self._of(node, scope)
        self.types[id(node)] = type_
        return type_

    def _of(self, node: exp.Expr, scope: Scope) -> Type | None:
        if isinstance(node, exp.Anonymous):
            return self._function(node, scope)
        if isinstance(node, exp.Query):
            columns = self.query(node, scope)
            return columns[0][1] if len(columns) == 1 else None
        if isinstance(node, exp.Column):
            return self._column(node, scope)
        if isinstance(node, exp.Identifier):
            return scope.column("", node.name.lower())
        types = [self.of(child, scope) for child in node.iter_expressions() if not isinstance(child, exp.DataType)]
        for classes, rule in _RULES:
            if isinstance(node, classes):
                return rule(node, types, self.types)
        return None

    def _column(self, node: exp.Column, scope: Scope) -> Type | None:
        table, name = node.table.lower(), node.name.lower()
        type_ = scope.column(table, name)
        if type_ is None and table:
            row = scope.column("", table)
            return dict(row.fields).get(name) if row is not None else None
        return type_

    def _function(self, node: exp.Anonymous, scope: Scope) -> Type | None:
        lambdas = [position for position, item in enumerate(node.expressions) if isinstance(item, exp.Lambda)]
        types: list[Type | None] = [
            None if position in lambdas else self.of(item, scope) for position, item in enumerate(node.expressions)
        ]
        for position in lambdas:
            item = node.expressions[position]
            names = [parameter.name.lower() for parameter in item.expressions]
            given = parameter_types(node.name.lower(), types, len(names))
            inner = Scope({"": list(zip(names, given, strict=True))}, parent=scope)
            types[position] = self.of(item.this, inner)
            self.types[id(item)] = types[position]
        return result_type(node, types)


def _stored(text: str) -> Type | None:
    type_ = from_data_type(exp.DataType.build(text, dialect="duckdb", udt=True))
    return _as_in_athena(type_)


def _as_in_athena(type_: Type | None) -> Type | None:
    """Columns of JSON are text in Athena; times have milliseconds there."""
    if type_ is None:
        return None
    if type_.kind == "json":
        return Type("varchar")
    if type_.kind == "timestamp with time zone":
        return zoned(UTC)
    if type_.parts:
        return Type(type_.kind, parts=tuple(map(_as_in_athena, type_.parts)), names=type_.names)
    return type_


def _renamed(columns: Columns, alias: exp.Expr | None) -> Columns:
    names = [column.name.lower() for column in alias.columns] if isinstance(alias, exp.TableAlias) else []
    return [
        (names[position] if position < len(names) else name, type_) for position, (name, type_) in enumerate(columns)
    ]


Types = list[Type | None]
Known = Mapping[int, Type | None]
Rule = Callable[[exp.Expr, Types, Known], Type | None]


def _literal(node: exp.Expr, types: Types, known: Known) -> Type | None:
    assert isinstance(node, exp.Literal)
    if node.is_string:
        return Type("varchar", len(node.name))
    if "e" in node.name.lower():
        return DOUBLE
    whole, dot, fraction = node.name.partition(".")
    if dot:
        return decimal(len(whole.lstrip("0")) + len(fraction), len(fraction))
    return INTEGER if int(node.name) < 2**31 else BIGINT


def _arithmetic(node: exp.Expr, types: Types, known: Known) -> Type | None:
    left, right = (known.get(id(side)) for side in (node.args["this"], node.args["expression"]))
    if left is None or right is None:
        return DOUBLE if DOUBLE in (left, right) else None
    if NULL in (left, right):
        return right if left == NULL else left
    times = ("date", "timestamp", "timestamp with time zone")
    if left.kind in times and right.kind in times:
        return DAYS
    if left.kind in times:
        return _shifted(left, right)
    if right.kind in times:
        return _shifted(right, left)
    if DAYS in (left, right) or MONTHS in (left, right):
        return DAYS if DAYS in (left, right) else MONTHS
    if not (left.is_exact and right.is_exact) or (left.is_integer and right.is_integer):
        return combined([left, right])
    return _decimal(node, as_decimal(left), as_decimal(right))


def _shifted(time: Type, interval: Type) -> Type:
    if time == DATE or interval != DAYS:
        return time
    return Type(time.kind, max(3, time.precision or 0), zone=time.zone)


def _decimal(node: exp.Expr, left: Type, right: Type) -> Type:
    p1, p2, s1, s2 = left.precision or 0, right.precision or 0, left.scale, right.scale
    scale = max(s1, s2)
    if isinstance(node, exp.Mul):
        return decimal(p1 + p2, s1 + s2)
    if isinstance(node, exp.Div):
        return decimal(p1 + s2 + max(0, s2 - s1), scale)
    if isinstance(node, exp.Mod):
        return decimal(min(p1 - s1, p2 - s2) + scale, scale)
    return decimal(1 + scale + max(p1 - s1, p2 - s2), scale)


def _case(node: exp.Expr, types: Types, known: Known) -> Type | None:
    branches = [branch.args.get("true") for branch in (node.args.get("ifs") or [node])]
    default = node.args.get("default") or node.args.get("false")
    return combined([known.get(id(branch)) for branch in [*branches, *([default] if default is not None else [])]])


def _cast(node: exp.Expr, types: Types, known: Known) -> Type | None:
    assert isinstance(node, exp.Cast)
    target = from_data_type(node.to)
    if isinstance(node.this, exp.Literal) and node.this.is_string:
        return literal_type(node, target)
    source = known.get(id(node.this))
    if is_zoned(target):
        return zoned(
            source.zone if source is not None and is_zoned(source) else None if _is_text(source) else UTC,
            target.precision,
        )
    return target


def _is_text(type_: Type | None) -> bool:
    return type_ is None or type_.kind in ("varchar", "char")


def _interval(node: exp.Expr, types: Types, known: Known) -> Type | None:
    unit = node.args.get("unit")
    return MONTHS if unit is not None and unit.name.upper() in ("MONTH", "YEAR") else DAYS


def _bracket(node: exp.Expr, types: Types, known: Known) -> Type | None:
    of = known.get(id(node.this))
    return of.element if of is not None else None


def _dot(node: exp.Expr, types: Types, known: Known) -> Type | None:
    of = known.get(id(node.this))
    return dict(of.fields).get(node.args["expression"].name.lower()) if of is not None else None


def _at_zone(node: exp.Expr, types: Types, known: Known) -> Type | None:
    of = known.get(id(node.this))
    return zoned(zone_of_node(node.args["zone"]), of.precision if of is not None else 3)


def _first(node: exp.Expr, types: Types, known: Known) -> Type | None:
    return types[0] if types else None


def _always(type_: Type) -> Rule:
    return lambda node, types, known: type_


_RULES: Final[Sequence[tuple[type[exp.Expr] | tuple[type[exp.Expr], ...], Rule]]] = (
    (exp.Literal, _literal),
    (exp.Null, _always(NULL)),
    (exp.Boolean, _always(BOOLEAN)),
    (exp.Cast, _cast),
    ((exp.Add, exp.Sub, exp.Mul, exp.Div, exp.Mod), _arithmetic),
    ((exp.Case, exp.If), _case),
    (exp.AtTimeZone, _at_zone),
    (exp.CurrentTimestamp, _always(zoned(UTC))),
    (exp.Localtimestamp, _always(TIMESTAMP)),
    (exp.CurrentDate, _always(DATE)),
    ((exp.DPipe, exp.Trim, exp.Substring), lambda node, types, known: (
        combined(types) if types and types[0] is not None and types[0].kind == "array" else SIZED_VARCHAR)),
    ((exp.Extract, exp.StrPosition), _always(BIGINT)),
    (exp.Interval, _interval),
    (exp.Array, lambda node, types, known: array(combined(types))),
    (exp.Bracket, _bracket),
    (exp.Dot, _dot),
    ((exp.Predicate, exp.Connector, exp.Not), _always(BOOLEAN)),
    ((exp.Paren, exp.Neg, exp.Window, exp.Filter, exp.IgnoreNulls, exp.RespectNulls, exp.WithinGroup, exp.Distinct,
      exp.Order, exp.Ordered, exp.Alias), _first),
)  # fmt: skip
