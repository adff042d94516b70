"""What a Trino function is here: the type of its result, and the DuckDB expression that a call of it becomes."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar, Final, NoReturn

from sqlglot import exp
from sqlglot.dialects.duckdb import DuckDB
from sqlglot.parsers.duckdb import DuckDBParser

from trunkline.errors import UsageError
from trunkline.sql.trino.types import Type


class PlainDuckDB(DuckDB):
    """DuckDB's dialect with every function left as it is written."""

    class Parser(DuckDBParser):
        """A parser that knows casts and no other function."""

        FUNCTIONS: ClassVar[dict[str, Callable[..., exp.Expr]]] = {}
        FUNCTION_PARSERS: ClassVar = {name: DuckDBParser.FUNCTION_PARSERS[name] for name in ("CAST", "TRY_CAST")}


_MARK: Final = re.compile(r"_\d")


def build(template: str, *arguments: exp.Expr) -> exp.Expr:
    """An expression from DuckDB SQL in which `_1`, `_2`, ... stand for the arguments."""
    tree = exp.Paren(this=PlainDuckDB().parse(template)[0])
    for mark in [column for column in tree.find_all(exp.Column) if _MARK.fullmatch(column.name)]:
        argument = arguments[int(mark.name[1:]) - 1].copy()
        mark.replace(exp.Paren(this=argument) if isinstance(argument, exp.Binary | exp.Unary) else argument)
    inner = tree.this
    return inner.pop() if isinstance(inner, exp.Anonymous | exp.Cast | exp.Case) else tree


def unit_of(interval: exp.Interval) -> str:
    """The unit of an interval, in lower case."""
    unit = interval.args.get("unit")
    return unit.name.lower() if isinstance(unit, exp.Expr) else ""


@dataclass(frozen=True, slots=True)
class FunctionCall:
    """A call of a Trino function: its arguments in DuckDB's terms with their types, and the type of its result."""

    name: str
    arguments: Sequence[exp.Expr]
    types: Sequence[Type | None]
    type: Type | None

    def literal(self, position: int) -> exp.Literal | None:
        """An argument that the statement spells out."""
        argument = self.arguments[position] if position < len(self.arguments) else None
        return argument if isinstance(argument, exp.Literal) else None

    def text(self, position: int, what: str) -> str:
        """The text of an argument that must be spelled out. Raises UsageError where it is not."""
        literal = self.literal(position)
        if literal is None or not literal.is_string:
            self.refuse(f"{what} is not a literal, so its meaning cannot be kept; valid: {what} in quotes")
        return literal.name

    def of(self, position: int) -> Type | None:
        """The type of an argument, None where it is unknown or there is none."""
        return self.types[position] if position < len(self.types) else None

    def refuse(self, why: str) -> NoReturn:
        """Say why the call is not supported. Raises UsageError."""
        raise UsageError(f"Trino function {self.name}: {why}.")


Maker = Callable[[FunctionCall], exp.Expr]
Result = Type | None | Callable[[Sequence[Type | None]], Type | None]


@dataclass(frozen=True, slots=True)
class Function:
    """How a function is written in DuckDB, and its result's type. `after` goes around an aggregate with its OVER."""

    make: Maker
    result: Result
    after: str | None = None


def result_of(result: Result, types: Sequence[Type | None]) -> Type | None:
    """The type of a call with arguments of these types."""
    return result(types) if callable(result) else result


def first(types: Sequence[Type | None]) -> Type | None:
    """The type of the first argument."""
    return types[0] if types else None


def last(types: Sequence[Type | None]) -> Type | None:
    """The type of the last argument."""
    return types[-1] if types else None


def renamed(target: str, result: Result) -> Function:
    """A function that has another name in DuckDB, and the same meaning."""
    return Function(lambda call: exp.Anonymous(this=target, expressions=list(call.arguments)), result)


def same(names: str, result: Result) -> dict[str, Function]:
    """Functions that have the same name and meaning in both engines."""
    return {name: renamed(name, result) for name in names.split()}


def written(result: Result, *templates: str) -> Function:
    """A function written as a template for each number of arguments, which is the highest `_n` in it."""
    by_count = {max((int(n) for n in re.findall(r"\b_(\d)", text)), default=0): text for text in templates}

    def make(call: FunctionCall) -> exp.Expr:
        if len(call.arguments) not in by_count:
            valid = " or ".join(map(str, sorted(by_count)))
            call.refuse(f"it was called with {len(call.arguments)} arguments; valid: {valid} arguments")
        return build(by_count[len(call.arguments)], *call.arguments)

    return Function(make, result)


def refused(names: str, why: str) -> dict[str, Function]:
    """Functions whose meaning cannot be kept, each with the reason."""
    return {name: Function(lambda call: call.refuse(why), None) for name in names.split()}
