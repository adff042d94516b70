"""The functions of Trino that are supported: those of every family in one table.

A function that is not listed is refused: a function with the same name in both engines can differ in meaning.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from sqlglot import exp
from sqlglot.errors import ParseError

from trunkline.errors import UsageError
from trunkline.sql.trino.functions import aggregates, json, lists, numbers, text, times
from trunkline.sql.trino.functions.model import Function, FunctionCall, result_of
from trunkline.sql.trino.types import Type, combined

FUNCTIONS: Final[dict[str, Function]] = {
    **numbers.FUNCTIONS,
    **text.FUNCTIONS,
    **times.FUNCTIONS,
    **lists.FUNCTIONS,
    **json.FUNCTIONS,
    **aggregates.FUNCTIONS,
}


def result_type(node: exp.Anonymous, types: Sequence[Type | None]) -> Type | None:
    """The type of a call, from its arguments' types; a zone comes from an argument itself."""
    name = node.name.lower()
    if name in times.ZONED_RESULTS:
        return times.ZONED_RESULTS[name](node, types)
    if name == "if":
        return combined(types[1:])
    function = FUNCTIONS.get(name)
    return result_of(function.result, types) if function is not None and types else _without_arguments(function)


def _without_arguments(function: Function | None) -> Type | None:
    return function.result if function is not None and isinstance(function.result, Type) else None


def call(name: str, arguments: Sequence[exp.Expr], types: Sequence[Type | None], type_: Type | None) -> exp.Expr:
    """A Trino function on DuckDB. Raises UsageError for an unknown function, or for a call that is not supported."""
    function = FUNCTIONS.get(name.lower())
    if function is None:
        valid = ", ".join(sorted(FUNCTIONS))
        raise UsageError(f"Trino function {name} is not supported here; valid: {valid}.")
    try:
        return function.make(FunctionCall(name.lower(), arguments, types, type_))
    except (IndexError, ValueError, ParseError):
        seen = f"{len(arguments)} argument{'' if len(arguments) == 1 else 's'}"
        raise UsageError(f"Trino function {name} does not take {seen} like these; see Trino's manual.") from None
