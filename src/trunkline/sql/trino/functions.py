"""Trino's functions on DuckDB: what each becomes, so that NULLs, missing matches and units mean what Trino's do.

A function that is not listed here is refused: a function with the same name in both engines can differ in meaning.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import ClassVar, Final

from sqlglot import exp
from sqlglot.dialects.duckdb import DuckDB
from sqlglot.parsers.duckdb import DuckDBParser

from trunkline.errors import UsageError


class PlainDuckDB(DuckDB):
    """DuckDB's dialect with every function left as it is written."""

    class Parser(DuckDBParser):
        """A parser that knows casts and no other function."""

        FUNCTIONS: ClassVar[dict[str, Callable[..., exp.Expr]]] = {}
        FUNCTION_PARSERS: ClassVar = {name: DuckDBParser.FUNCTION_PARSERS[name] for name in ("CAST", "TRY_CAST")}


def build(template: str, *arguments: exp.Expr) -> exp.Expr:
    """An expression from DuckDB SQL in which `_1`, `_2`, ... stand for the arguments."""
    tree = PlainDuckDB().parse(template)[0]
    assert isinstance(tree, exp.Expr)
    tree = exp.Paren(this=tree)
    for mark in [column for column in tree.find_all(exp.Column) if _MARK.fullmatch(column.name)]:
        argument = arguments[int(mark.name[1:]) - 1].copy()
        mark.replace(exp.Paren(this=argument) if isinstance(argument, exp.Binary) else argument)
    inner = tree.this
    assert isinstance(inner, exp.Expr)
    return inner.pop() if isinstance(inner, exp.Anonymous | exp.Cast | exp.Case) else tree


_MARK: Final = re.compile(r"_\d")

Arguments = Sequence[exp.Expr]
Maker = Callable[[str, Arguments], exp.Expr]


def _wrong(name: str, valid: str) -> UsageError:
    return UsageError(f"Trino function {name} is called in a way that is not supported; valid: {valid}.")


def _call(target: str) -> Maker:
    return lambda name, arguments: exp.Anonymous(this=target, expressions=list(arguments))


def _template(*by_count: str) -> Maker:
    """Templates by number of arguments, which is the highest `_n` in a template."""
    by_number = {max((int(n) for n in re.findall(r"\b_(\d)", template)), default=0): template for template in by_count}

    def make(name: str, arguments: Arguments) -> exp.Expr:
        if len(arguments) not in by_number:
            raise _wrong(name, f"{' or '.join(map(str, sorted(by_number)))} arguments, seen {len(arguments)}")
        return build(by_number[len(arguments)], *arguments)

    return make


def _null_if_any_null(target: str) -> Maker:
    def make(name: str, arguments: Arguments) -> exp.Expr:
        call = exp.Anonymous(this=target, expressions=[argument.copy() for argument in arguments])
        if len(arguments) == 1:
            return call
        any_null = " OR ".join(f"_{n} IS NULL" for n in range(1, len(arguments) + 1))
        return build(f"CASE WHEN {any_null} THEN NULL ELSE _{len(arguments) + 1} END", *arguments, call)

    return make


def _concat(name: str, arguments: Arguments) -> exp.Expr:
    return build(" || ".join(f"_{n}" for n in range(1, len(arguments) + 1)), *arguments)


def _extremum_by(target: str) -> Maker:
    # Trino gives the value even where it is NULL; DuckDB's arg_max would skip that row.
    return lambda name, arguments: exp.Anonymous(
        this=f"{target}_null" if len(arguments) == 2 else target, expressions=list(arguments)
    )


UNITS: Final = ("millisecond", "second", "minute", "hour", "day", "week", "month", "quarter", "year")


def _unit(name: str, arguments: Arguments, count: int) -> str:
    first = arguments[0] if arguments else exp.Null()
    unit = first.name.lower() if isinstance(first, exp.Literal) and first.is_string else ""
    if len(arguments) != count or unit not in UNITS:
        raise _wrong(name, f"a unit as a literal ({', '.join(UNITS)}) and {count - 1} more arguments")
    return unit


def _date_trunc(name: str, arguments: Arguments) -> exp.Expr:
    return build(f"date_trunc('{_unit(name, arguments, 2)}', _1)", arguments[1])


def _date_diff(name: str, arguments: Arguments) -> exp.Expr:
    # Trino counts whole units passed, as DuckDB's date_sub does; DuckDB's date_diff counts boundaries.
    return build(f"date_sub('{_unit(name, arguments, 3)}', _1, _2)", *arguments[1:])


def _date_add(name: str, arguments: Arguments) -> exp.Expr:
    unit = _unit(name, arguments, 3)
    scale, maker = {"week": (7, "day"), "quarter": (3, "month")}.get(unit, (1, unit))
    number = "_1" if scale == 1 else f"_1 * {scale}"
    if maker in ("day", "month", "year"):
        number = f"CAST({number} AS INTEGER)"
    return build(f"_2 + to_{maker}s({number})", arguments[1], arguments[2])


# MySQL's date codes, which Trino's date_format and date_parse have, as strftime's.
_CODES: Final = {
    "a": "%a", "b": "%b", "c": "%-m", "d": "%d", "e": "%-d", "f": "%f", "H": "%H", "h": "%I", "I": "%I", "i": "%M",
    "j": "%j", "k": "%-H", "l": "%-I", "M": "%B", "m": "%m", "p": "%p", "r": "%I:%M:%S %p", "S": "%S", "s": "%S",
    "T": "%H:%M:%S", "v": "%V", "W": "%A", "x": "%G", "Y": "%Y", "y": "%y", "%": "%%",
}  # fmt: skip


def _date_codes(target: str) -> Maker:
    def make(name: str, arguments: Arguments) -> exp.Expr:
        pattern = arguments[1] if len(arguments) == 2 else exp.Null()
        if not isinstance(pattern, exp.Literal) or not pattern.is_string:
            raise _wrong(name, "a value and a format as a literal")
        unknown = {code for code in re.findall(r"%(.)", pattern.name) if code not in _CODES}
        if unknown:
            raise _wrong(name, f"format codes %{', %'.join(_CODES)}, seen %{', %'.join(sorted(unknown))}")
        codes = re.sub(r"%(.)", lambda match: _CODES[match[1]], pattern.name)
        return exp.Anonymous(this=target, expressions=[arguments[0], exp.Literal.string(codes)])

    return make


def _regexp_replace(name: str, arguments: Arguments) -> exp.Expr:
    if len(arguments) not in (2, 3) or isinstance(arguments[-1], exp.Lambda):
        raise _wrong(name, "a text, a pattern and a replacement")
    replacement = arguments[2] if len(arguments) == 3 else exp.Literal.string("")
    if isinstance(replacement, exp.Literal):
        replacement = exp.Literal.string(re.sub(r"\$(\d)", r"\\\1", replacement.name))
    return build("regexp_replace(_1, _2, _3, 'g')", arguments[0], arguments[1], replacement)


def _element_at(name: str, arguments: Arguments) -> exp.Expr:
    if len(arguments) != 2:
        raise _wrong(name, "a list or map and an index or key")
    # The offset says that the index counts from 1 already, or the generator would add one.
    return exp.Bracket(this=arguments[0], expressions=[arguments[1]], offset=1)


def _split_part(name: str, arguments: Arguments) -> exp.Expr:
    if len(arguments) != 3:
        raise _wrong(name, "a text, a separator and the part's number")
    return _element_at(name, (build("string_split(_1, _2)", *arguments[:2]), arguments[2]))


_SAME: Final = [
    "count",
    "sum",
    "min",
    "max",
    "avg",
    "abs",
    "ceil",
    "ceiling",
    "floor",
    "round",
    "sqrt",
    "cbrt",
    "exp",
    "ln",
    "log",
    "log2",
    "log10",
    "power",
    "pow",
    "sign",
    "pi",
    "random",
    "coalesce",
    "nullif",
    "lower",
    "upper",
    "trim",
    "ltrim",
    "rtrim",
    "length",
    "reverse",
    "lpad",
    "rpad",
    "substr",
    "strpos",
    "starts_with",
    "translate",
    "chr",
    "count_if",
    "bool_and",
    "bool_or",
    "stddev",
    "stddev_pop",
    "stddev_samp",
    "variance",
    "var_pop",
    "var_samp",
    "corr",
    "covar_pop",
    "covar_samp",
    "regr_slope",
    "regr_intercept",
    "skewness",
    "histogram",
    "array_agg",
    "any_value",
    "row_number",
    "rank",
    "dense_rank",
    "percent_rank",
    "cume_dist",
    "ntile",
    "lag",
    "lead",
    "first_value",
    "last_value",
    "nth_value",
    "grouping",
    "year",
    "quarter",
    "month",
    "day",
    "hour",
    "minute",
    "second",
    "row",
    "map",
    "map_keys",
    "map_values",
    "map_entries",
    "map_concat",
    "cardinality",
    "flatten",
    "json_array_length",
    "url_encode",
    "url_decode",
]
_AT_ZONE: Final = "timezone(_2, timezone('UTC', CAST(_1 AS TIMESTAMP)))"
_GROUP_OR_WHOLE: Final = "CASE WHEN regexp_matches(_1, _2) THEN regexp_extract(_1, _2{}) END"

FUNCTIONS: Final[dict[str, Maker]] = {
    **{name: _call(name) for name in _SAME},
    "truncate": _call("trunc"),
    "rand": _call("random"),
    "mod": _template("_1 % _2"),
    "greatest": _null_if_any_null("greatest"),
    "least": _null_if_any_null("least"),
    "is_nan": _call("isnan"),
    "concat": _concat,
    "replace": _template("replace(_1, _2, '')", "replace(_1, _2, _3)"),
    "substring": _call("substr"),
    "split": _template("string_split(_1, _2)"),
    # Trino gives NULL beyond the last part, DuckDB's split_part an empty text.
    "split_part": _split_part,
    "codepoint": _call("unicode"),
    "levenshtein_distance": _call("levenshtein"),
    "regexp_like": _template("regexp_matches(_1, _2)"),
    # Trino gives NULL where nothing matches, DuckDB an empty text.
    "regexp_extract": _template(_GROUP_OR_WHOLE.format(""), _GROUP_OR_WHOLE.format(", _3")),
    "regexp_extract_all": _template("regexp_extract_all(_1, _2)", "regexp_extract_all(_1, _2, _3)"),
    "regexp_replace": _regexp_replace,
    "regexp_split": _template("regexp_split_to_array(_1, _2)"),
    "regexp_count": _template("len(regexp_extract_all(_1, _2))"),
    "arbitrary": _call("any_value"),
    "every": _call("bool_and"),
    "max_by": _extremum_by("arg_max"),
    "min_by": _extremum_by("arg_min"),
    # Exact where Trino may be off by its error bound.
    "approx_distinct": _template("count(DISTINCT _1)"),
    "approx_percentile": _template("quantile_disc(_1, _2)"),
    "date_trunc": _date_trunc,
    "date_diff": _date_diff,
    "date_add": _date_add,
    "date_format": _date_codes("strftime"),
    "date_parse": _date_codes("strptime"),
    "date": _template("CAST(_1 AS DATE)"),
    "now": _template("timezone('UTC', now())"),
    "last_day_of_month": _call("last_day"),
    "millisecond": _template("millisecond(_1) % 1000"),
    "day_of_month": _call("day"),
    "day_of_week": _call("isodow"),
    "dow": _call("isodow"),
    "day_of_year": _call("dayofyear"),
    "doy": _call("dayofyear"),
    "week": _call("weekofyear"),
    "week_of_year": _call("weekofyear"),
    "year_of_week": _call("isoyear"),
    "yow": _call("isoyear"),
    "from_unixtime": _template("make_timestamp(CAST(round(_1 * 1000000) AS BIGINT))"),
    "to_unixtime": _template("epoch(CAST(_1 AS TIMESTAMP))"),
    # An instant is a UTC timestamp here, whatever offset it was written with.
    "from_iso8601_timestamp": _template("timezone('UTC', CAST(_1 AS TIMESTAMPTZ))"),
    "from_iso8601_date": _template("CAST(_1 AS DATE)"),
    "at_timezone": _template(_AT_ZONE),
    "with_timezone": _template("timezone('UTC', timezone(_2, CAST(_1 AS TIMESTAMP)))"),
    "element_at": _element_at,
    "contains": _template("list_contains(_1, _2)"),
    "array_join": _template("array_to_string(_1, _2)"),
    "array_distinct": _call("list_distinct"),
    "array_intersect": _call("list_intersect"),
    "arrays_overlap": _call("list_has_any"),
    "array_max": _call("list_max"),
    "array_min": _call("list_min"),
    "array_sort": _template("list_sort(_1, 'ASC', 'NULLS LAST')"),
    "array_position": _template(
        "CASE WHEN _1 IS NOT NULL AND _2 IS NOT NULL THEN coalesce(list_position(_1, _2), 0) END"
    ),
    "slice": _template("list_slice(_1, _2, _2 + _3 - 1)"),
    "sequence": _template("generate_series(_1, _2)", "generate_series(_1, _2, _3)"),
    "transform": _template("list_transform(_1, _2)"),
    "filter": _template("list_filter(_1, _2)"),
    "any_match": _template("len(list_filter(_1, _2)) > 0"),
    "none_match": _template("len(list_filter(_1, _2)) = 0"),
    "json_parse": _template("CAST(_1 AS JSON)"),
    "json_format": _template("CAST(_1 AS VARCHAR)"),
    # Trino gives NULL for text that is not JSON, and for objects and arrays, which are not scalars.
    "json_extract_scalar": _template(
        "CASE WHEN try(json_type(_1, _2)) NOT IN ('OBJECT', 'ARRAY', 'NULL') THEN json_extract_string(_1, _2) END"
    ),
    "json_extract": _template("try(json_extract(_1, _2))"),
    "try": _template("try(_1)"),
    "listagg": _call("string_agg"),
    "uuid": _template("CAST(uuid() AS VARCHAR)"),
}


def at_time_zone(moment: exp.Expr, zone: exp.Expr) -> exp.Expr:
    """The wall clock of a zone at a UTC timestamp, which Trino's AT TIME ZONE shows."""
    return build(_AT_ZONE, moment, zone)


def call(name: str, arguments: Arguments) -> exp.Expr:
    """A Trino function on DuckDB; Raises UsageError for an unknown function, or for a call that is not supported."""
    maker = FUNCTIONS.get(name.lower())
    if maker is None:
        raise UsageError(f"Trino function {name} is not supported here; valid: {', '.join(sorted(FUNCTIONS))}.")
    return maker(name.lower(), arguments)
