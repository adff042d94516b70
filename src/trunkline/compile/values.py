"""From the text of a source value to a typed column value: one SQL expression per type, and one that says "bad".

All expressions are DuckDB's. Every scalar arrives as text, so that a value of the wrong kind is seen and not turned
into NULL; a value is bad when its text is there and its typed form is not.
"""

from __future__ import annotations

from trunkline.engines.duckdb import DUCKDB, type_name
from trunkline.engines.model import text_literal
from trunkline.objects.model import Field, Json, ListOf, MapOf, Scalar, Struct, Transform, Type

# A phone number (E.164) or an e-mail address inside free text.
PII_PATTERN = r"\+[1-9][0-9]{6,14}|[^\s@]+@[^\s@]+\.[^\s@]+"


def scalar(type_: Scalar, text: str, transform: Transform = "plain") -> str:
    """SQL of the typed value of `text` (an SQL expression of VARCHAR); NULL when it does not fit the type."""
    match type_:
        case "text":
            if transform == "last_arn_segment":
                return f"regexp_extract({text}, '[^/]*$')"
            return text
        case "timestamp":
            return timestamp(text)
        case "bigint" if transform == "seconds_to_ms":
            return _integer(text, "BIGINT", 1000)
        case "bigint":
            return _integer(text, "BIGINT")
        case "integer":
            return _integer(text, "INTEGER")
        case "double":
            # DuckDB casts 'inf' and 'nan' too; JSON has neither.
            return f"CASE WHEN regexp_full_match({text}, '-?[0-9][0-9.eE+-]*') THEN TRY_CAST({text} AS DOUBLE) END"
        case "decimal":
            return (
                f"CASE WHEN regexp_full_match({text}, '-?[0-9]{{1,18}}([.][0-9]{{1,20}})?') "
                f"THEN TRY_CAST({text} AS {type_name('decimal')}) END"
            )
        case "boolean":
            return f"CASE {text} WHEN 'true' THEN true WHEN 'false' THEN false END"
        case "date":
            return (
                f"CASE WHEN regexp_full_match({text}, '[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}') "
                f"THEN TRY_CAST({text} AS DATE) END"
            )


def _integer(text: str, name: str, factor: int = 1) -> str:
    # TRY_CAST('33.7' AS BIGINT) rounds to 34, so fractions go through DECIMAL and must come out whole.
    exact = f"TRY_CAST({text} AS DECIMAL(28, 9)) * {factor}"
    scaled = f"TRY_CAST({text} AS {name}) * {factor}" if factor != 1 else f"TRY_CAST({text} AS {name})"
    return (
        f"CASE WHEN regexp_full_match({text}, '-?[0-9]{{1,15}}') THEN {scaled} "
        f"WHEN regexp_full_match({text}, '-?[0-9]{{1,15}}[.][0-9]{{1,9}}') AND {exact} = floor({exact}) "
        f"THEN TRY_CAST({exact} AS {name}) END"
    )


def timestamp(text: str) -> str:
    """UTC timestamp of strict ISO 8601 text with an offset; NULL for anything else.

    TRY_CAST to TIMESTAMP would drop the offset and take 'infinity' and 'epoch', hence the shape test and TIMESTAMPTZ.
    """
    shape = r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}:[0-9]{2}([.,][0-9]{1,9})?(Z|[+-][0-9]{2}(:?[0-9]{2})?)"
    return (
        f"CASE WHEN length({text}) = 20 AND {text}[20] = 'Z' AND {text}[11] = 'T' AND {text}[1] <= '9' "
        f"THEN TRY_CAST({text} AS TIMESTAMP) "
        f"WHEN regexp_full_match({text}, '{shape}') THEN "
        f"CAST(TRY_CAST({text} AS TIMESTAMPTZ) AS TIMESTAMP) END"
    )


def nested(type_: Type, value: str, depth: int = 0, mask: bool = False) -> str:
    """SQL that turns a parsed nested value (all scalars text) into its typed form. `mask`: free text by value."""
    match type_:
        case str():
            typed = scalar(type_, value)
            return pii_text(typed) if mask and type_ == "text" else typed
        case Json():
            return value
        case ListOf(item):
            x = f"x{depth}"
            inner = nested(item, x, depth + 1, mask)
            return value if inner == x else f"list_transform({value}, lambda {x}: {inner})"
        case Struct(fields):
            return _struct(fields, value, depth, mask)
        case MapOf(inner_type):
            x = f"x{depth}"
            inner = nested(inner_type, f"{x}.value", depth + 1, mask)
            return (
                f"map_from_entries(list_sort(list_transform(map_entries({value}), "
                f"lambda {x}: {{'key': {x}.key, 'value': {inner}}})))"
            )


def _struct(fields: tuple[Field, ...], value: str, depth: int, mask: bool) -> str:
    members = ", ".join(
        f"{DUCKDB.quote(f.name)} := {nested(f.type, f'{value}.{DUCKDB.quote(f.key)}', depth, mask)}" for f in fields
    )
    return f"CASE WHEN {value} IS NOT NULL THEN struct_pack({members}) END"


def nested_bad(type_: Type, value: str, depth: int = 0) -> str | None:
    """SQL that is true when a scalar inside a nested value does not fit its type; None when none can be wrong."""
    match type_:
        case str():
            return None if type_ == "text" else f"({value} IS NOT NULL AND {scalar(type_, value)} IS NULL)"
        case Json():
            return None
        case ListOf(item):
            inner = nested_bad(item, f"x{depth}", depth + 1)
            return inner and f"COALESCE(len(list_filter({value}, lambda x{depth}: {inner})) > 0, false)"
        case Struct(fields):
            parts = [nested_bad(f.type, f"{value}.{DUCKDB.quote(f.key)}", depth) for f in fields]
            found = [part for part in parts if part]
            return f"({' OR '.join(found)})" if found else None
        case MapOf(inner_type):
            inner = nested_bad(inner_type, f"x{depth}", depth + 1)
            return inner and f"COALESCE(len(list_filter(map_values({value}), lambda x{depth}: {inner})) > 0, false)"


def structure(type_: Type) -> object:
    """The structure that DuckDB's from_json wants for a nested type, every scalar as text."""
    match type_:
        case str():
            return "VARCHAR"
        case Json():
            # JSON inside a nested value is always read with care, and then it is a string.
            return "VARCHAR"
        case ListOf(item):
            return [structure(item)]
        case Struct(fields):
            return {f.key: structure(f.type) for f in fields}
        case MapOf(value):
            return f"MAP(VARCHAR, {type_name(_as_text(value))})"


def _as_text(type_: Type) -> Type:
    match type_:
        case str() | Json():
            return "text"
        case ListOf(item):
            return ListOf(_as_text(item))
        case MapOf(value):
            return MapOf(_as_text(value))
        case Struct(fields):
            return Struct(tuple(Field(f.key, f.key, _as_text(f.type)) for f in fields))


def hmac(text: str) -> str:
    """Keyed hash (HMAC-SHA-256, first 128 bits, hexadecimal) of a text; the key's two pads are columns.

    One half of a digest is plenty to join on and cannot be turned back into a number without the key.
    """
    inner = f"sha256(pii_inner || encode({text}))"
    return f"left(sha256(pii_outer || unhex({inner})), 32)"


def hidden(text: str) -> str:
    """What a text with direct personal data becomes under the rule in force: hashed, dropped or kept."""
    return (
        f"CASE pii_mode WHEN 'keep' THEN {text} WHEN 'hash' THEN CASE WHEN {text} IS NOT NULL THEN {hmac(text)} END END"
    )


def has_pii(text: str) -> str:
    """SQL that is true when free text holds a phone number, an e-mail address or one of the record's own numbers."""
    pattern = text_literal(PII_PATTERN)
    return f"(regexp_matches({text}, {pattern}) OR len(list_filter(own, lambda o: contains({text}, o))) > 0)"


def pii_text(text: str) -> str:
    """Free text by value: hidden whole when it holds personal data, else as it is."""
    return f"CASE WHEN {has_pii(text)} THEN {hidden(text)} ELSE {text} END"
