"""Trino's functions of JSON, which is text in the tables."""

from __future__ import annotations

import re
from typing import Final

from sqlglot import exp

from trunkline.sql.trino.functions.model import Function, FunctionCall, build, refused, written
from trunkline.sql.trino.types import BIGINT, JSON, SIZED_VARCHAR, VARCHAR, Type

PARSED: Final = Type("json", -1)
"""The result of json_parse, whose text Trino has sorted and rewritten."""


_KEY: Final = re.compile(
    r"""\.(?P<plain>[\w:$/@|#-]+)|\[(?P<index>\d+)\]|\["(?P<double>[^"\\]+)"\]|\['(?P<single>[^'\\]+)'\]"""
)


def _path(call: FunctionCall, position: int = 1) -> exp.Expr:
    """A path as DuckDB writes it. Raises UsageError for one that is not a literal, or names more than one value."""
    path = call.text(position, "the path")
    steps, at = [], 1
    while path.startswith("$") and (match := _KEY.match(path, at)) is not None:
        key = match["plain"] or match["double"] or match["single"]
        if key is not None and '"' in key:
            break
        steps.append(f"[{match['index']}]" if key is None else f'."{key}"')
        at = match.end()
    if not path.startswith("$") or at != len(path):
        call.refuse(f'the path {path!r} is not supported; valid: $ with keys and indexes, as in $.a[0] or $["a b"]')
    return exp.Literal.string("$" + "".join(steps))


def _check_text(call: FunctionCall) -> None:
    if call.of(0) == PARSED:
        call.refuse(
            "json_parse rewrites numbers and sorts keys in Trino, which is not done here; valid: the text itself"
        )


def _scalar(call: FunctionCall) -> exp.Expr:
    _check_text(call)
    return build("trino_scalar(CAST(_1 AS VARCHAR), _2)", call.arguments[0], _path(call))


def _extract(call: FunctionCall) -> exp.Expr:
    _check_text(call)
    return build("try(json_extract(CAST(_1 AS VARCHAR), _2))", call.arguments[0], _path(call))


def _format(call: FunctionCall) -> exp.Expr:
    _check_text(call)
    return build("CAST(_1 AS VARCHAR)", call.arguments[0])


_LENGTH: Final = (
    "CASE WHEN try(json_type(CAST(_1 AS VARCHAR))) = 'ARRAY' THEN CAST(json_array_length(_1) AS BIGINT) END"
)
_SIZE: Final = (
    "CASE try(json_type(CAST(_1 AS VARCHAR), _2)) WHEN 'OBJECT' THEN len(json_keys(_1, _2)) "
    "WHEN 'ARRAY' THEN CAST(json_array_length(_1, _2) AS BIGINT) "
    "ELSE CASE WHEN try(json_type(CAST(_1 AS VARCHAR), _2)) IS NOT NULL THEN 0 END END"
)
FUNCTIONS: Final[dict[str, Function]] = {
    "json_extract_scalar": Function(_scalar, SIZED_VARCHAR),
    "json_extract": Function(_extract, JSON),
    "json_parse": written(PARSED, "CAST(_1 AS JSON)"),
    "json_format": Function(_format, VARCHAR),
    "json_array_length": written(BIGINT, _LENGTH),
    "json_size": Function(lambda call: build(_SIZE, call.arguments[0], _path(call)), BIGINT),
    **refused(
        "json_array_contains json_array_get",
        "it has rules of its own for elements; valid: json_extract and CAST to an array",
    ),
    **refused(
        "json_value json_query json_exists is_json_scalar",
        "SQL's JSON paths are not supported; valid: json_extract_scalar and json_extract",
    ),
}
