"""CAST and TRY_CAST with Trino's rules: which texts are numbers or times, and how a value is written as text."""

from __future__ import annotations

from typing import Final

from sqlglot import exp

from trunkline.errors import UsageError
from trunkline.sql.trino import zones
from trunkline.sql.trino.functions.model import build
from trunkline.sql.trino.functions.times import rounded, shown
from trunkline.sql.trino.types import DATE, DOUBLE, INTEGERS, NULL, REAL, UTC, Type, is_zoned, render

_NUMBER: Final = r"([0-9]+[.]?[0-9]*|[.][0-9]+)([eE][+-]?[0-9]+)?"
_CLOCK: Final = r"([01]?[0-9]|2[0-3]):[0-9]{1,2}(:[0-9]{1,2}([.][0-9]+)?)?"
_OFFSET: Final = r"(\s*(Z|UTC|[+-](0[0-9]|1[0-3]):[0-5][0-9]|[+-]14:00))"
_NAMED: Final = r"\s+[A-Za-z]+(/[A-Za-z_+-]+[0-9]*)+"
_DAY: Final = r"\s*[+-]?[0-9]{4,}-[0-9]{1,2}-[0-9]{1,2}"
_TEXTS: Final = {
    **dict.fromkeys(["tinyint", "smallint", "integer", "bigint"], r"[+-]?[0-9]+"),
    **dict.fromkeys(["double", "real"], rf"\s*[+-]?(NaN|Infinity|{_NUMBER}[dDfF]?)\s*"),
    "decimal": rf"[+-]?{_NUMBER}",
    "boolean": "(?i)(true|t|1|false|f|0)",
    "date": rf"{_DAY}\s*",
    "timestamp": rf"{_DAY}( {_CLOCK}({_OFFSET})?)?\s*",
    "time": rf"{_CLOCK}",
}
"""The texts that Trino casts, by the type that they become."""
_READ: Final = {
    "double": r"regexp_replace(_1, '([0-9.])[dDfF]\s*$', '\1')",
    "real": r"regexp_replace(_1, '([0-9.])[dDfF]\s*$', '\1')",
    "date": "ltrim(trim(_1), '+')",
    "timestamp": rf"ltrim(regexp_extract(_1, '^({_DAY}( {_CLOCK})?)', 1), ' +')",
}
"""What DuckDB reads of such a text; all of it where nothing is said."""

_INTEGER_CHARS_MAX: Final = 20  # the sign and 19 digits

_DUCKDB: Final = {
    "varchar": "VARCHAR",
    "timestamp": "TIMESTAMP",
    "timestamp with time zone": "TIMESTAMP",
    "real": "REAL",
}


def cast(node: exp.Cast, source: Type | None, target: Type) -> exp.Expr:
    """A cast, or a literal such as DATE '2026-01-01', whose operand is in DuckDB's terms already."""
    is_try = isinstance(node, exp.TryCast)
    if isinstance(node.this, exp.Literal) and node.this.is_string and is_zoned(target) and not is_try:
        return zones.literal_instant(node)
    if source is None and target.kind in ("timestamp with time zone", "varchar"):
        _refuse("unknown", target, "its operand's type is not known here; valid: a column, or a CAST of it first")
    if source is None or source == NULL or (source == target and target.kind != "varchar"):
        node.set("to", exp.DataType.build(_name(target), dialect="duckdb"))
        return node
    return convert(node.this, source, target, is_try)


def _name(type_: Type) -> str:
    if type_.kind == "decimal":
        return f"DECIMAL({type_.precision}, {type_.scale})"
    if type_.kind == "row":
        fields = ", ".join(f'"{name}" {_name(part or NULL)}' for name, part in type_.fields)
        return f"STRUCT({fields})"
    if type_.kind == "array":
        return f"{_name(type_.parts[0] or NULL)}[]"
    if type_.kind == "map":
        return f"MAP({_name(type_.parts[0] or NULL)}, {_name(type_.parts[1] or NULL)})"
    return _DUCKDB.get(type_.kind, type_.kind)


def _refuse(source: str, target: Type, why: str) -> None:
    raise UsageError(f"CAST of {source} to {target.kind} is not supported here: {why}.")


def convert(value: exp.Expr, source: Type, target: Type, is_try: bool) -> exp.Expr:
    """A value of one type as another."""
    plain = build(f"{'TRY_CAST' if is_try else 'CAST'}(_1 AS {_name(target)})", value)
    if target.kind == "char":
        _refuse(source.kind, target, "char has its own rules of comparison; valid: varchar")
    if source.kind == "varchar" and target.kind == "timestamp with time zone":
        return _instant(value, is_try)
    if source.kind == "varchar" and target.kind in _TEXTS:
        return _from_text(value, target, is_try)
    if target.kind == "varchar":
        return _to_text(value, source, target)
    if target.kind == "json":
        return _to_json(value, source)
    if source.kind == "json":
        return _from_json(value, target, is_try)
    if source.kind.startswith("timestamp") or source == DATE:
        return _from_time(value, source, target, plain)
    if source in (DOUBLE, REAL) and target.is_integer:
        # Trino rounds halves away from zero, DuckDB to even.
        return build(f"{'TRY_CAST' if is_try else 'CAST'}(round(_1) AS {_name(target)})", value)
    if source in (DOUBLE, REAL) and target.kind == "decimal":
        return build(f"{'TRY_CAST' if is_try else 'CAST'}(CAST(_1 AS VARCHAR) AS {_name(target)})", value)
    if source.kind == target.kind == "array" and source.element is not None and target.element is not None:
        item = exp.to_identifier("item")
        inner = convert(item, source.element, target.element, is_try)
        return build("list_transform(_1, lambda item: _2)", value, inner)
    return plain


def _from_text(value: exp.Expr, target: Type, is_try: bool) -> exp.Expr:
    pattern = exp.Literal.string(_TEXTS[target.kind])
    read = build(_READ.get(target.kind, "_1"), value)
    verb = "TRY_CAST" if is_try else "CAST"
    result = build(f"{verb}(_1 AS {_name(target)})", read)
    if target.kind == "timestamp":
        named = build(
            f"CASE WHEN regexp_full_match(_1, '{_DAY} {_CLOCK}{_NAMED}\\s*') "
            "THEN CAST('the name of a time zone in a text is not supported here: ' || _1 AS TIMESTAMP) END",
            value,
        )
        result = build("coalesce(CAST(_1 AS TIMESTAMP), _2)", named, rounded(result, target.precision or 0))
        pattern = exp.Literal.string(rf"{_DAY}( {_CLOCK}({_OFFSET}|{_NAMED})?)?\s*")
    if is_try:
        return build("CASE WHEN regexp_full_match(_1, _2) THEN _3 END", value, pattern, result)
    # A cast that fails, since DuckDB's error() is refused within TRY.
    message = exp.Literal.string(f"Cannot cast to {render(target) or target.kind}: ")
    failing = f"CAST(_4 || _1 AS {_name(target)})"
    checked = f"CASE WHEN _1 IS NULL OR regexp_full_match(_1, _2) THEN _3 ELSE {failing} END"
    return build(checked, value, pattern, result, message)


def _instant(value: exp.Expr, is_try: bool) -> exp.Expr:
    """The instant of a text with an offset. A zone's name in a text would need its whole history per row."""
    pattern = exp.Literal.string(rf"{_DAY}( {_CLOCK}({_OFFSET})?)?\s*")
    text = r"regexp_replace(regexp_replace(trim(_1), '\s+([+-]|Z|UTC)', '\1'), 'UTC$', 'Z')"
    read = f"timezone('UTC', CAST({text} AS TIMESTAMPTZ))"
    other = "NULL" if is_try else "CAST('Cannot cast to timestamp with time zone: ' || _1 AS TIMESTAMP)"
    named = (
        f"WHEN regexp_full_match(_1, '{_DAY} {_CLOCK}{_NAMED}\\s*') "
        "THEN CAST('the name of a time zone in a text is not supported here: ' || _1 AS TIMESTAMP)"
    )
    return build(
        f"CASE WHEN _1 IS NULL OR regexp_full_match(_1, _2) THEN {read} {named} ELSE {other} END", value, pattern
    )


def _to_text(value: exp.Expr, source: Type, target: Type) -> exp.Expr:
    if source.kind == "varchar":
        whole = build("CAST(_1 AS VARCHAR)", value)
        return build(f"left(_1, {target.precision})", whole) if (target.precision or 0) > 0 else whole
    if (target.precision or 0) > 0 and not (source.kind in INTEGERS and (target.precision or 0) >= _INTEGER_CHARS_MAX):
        _refuse(source.kind, target, "a length is for texts; valid: CAST(x AS varchar)")
    if source.kind.startswith("timestamp"):
        text = shown(zones.local(value, source, "CAST to varchar"), source, " ")
        return build("_1 || _2", text, exp.Literal.string(f" {source.zone}")) if is_zoned(source) else text
    if source.kind == "double":
        return build("trino_double_text(_1)", value)
    if source.kind == "json":
        return build("trino_json_text(_1)", value)
    if source.kind in ("real", "char") or source.parts or source.kind.startswith("interval"):
        _refuse(
            source.kind,
            target,
            "its text in Trino has a form of its own; valid: numbers, texts, booleans, dates, timestamps",
        )
    return build("CAST(_1 AS VARCHAR)", value)


def _to_json(value: exp.Expr, source: Type) -> exp.Expr:
    if _has(source, ("double", "real", "timestamp", "timestamp with time zone", "time", "json")):
        why = "floats and times have other texts in Trino's JSON"
        _refuse(
            source.kind, Type("json"), f"{why}; valid: texts, whole numbers, booleans, dates, lists and maps of them"
        )
    if source.kind == "row" and "" in source.names:
        _refuse("row", Type("json"), "its fields have no names; valid: CAST(x AS row(name type)) first")
    return build("to_json(_1)", value)


def _has(type_: Type, kinds: tuple[str, ...]) -> bool:
    return type_.kind in kinds or any(part is None or _has(part, kinds) for part in type_.parts)


def _from_json(value: exp.Expr, target: Type, is_try: bool) -> exp.Expr:
    if target.kind in _TEXTS:
        _refuse(
            "json",
            target,
            f"a text within is read by other rules; valid: CAST(json_extract_scalar(x, path) AS {target.kind})",
        )
    return build(f"{'TRY_CAST' if is_try else 'CAST'}(_1 AS {_name(target)})", value)


def _from_time(value: exp.Expr, source: Type, target: Type, plain: exp.Expr) -> exp.Expr:
    if is_zoned(target):
        return build("CAST(_1 AS TIMESTAMP)", value)
    clock = zones.local(value, source, f"CAST to {target.kind}")
    if target.kind == "timestamp":
        digits = target.precision if target.precision is not None else 3
        result = build("CAST(_1 AS TIMESTAMP)", clock)
        return rounded(result, digits) if (source.precision or 0) > digits else result
    return build(f"CAST(_1 AS {_name(target)})", clock) if is_zoned(source) and source.zone != UTC else plain
