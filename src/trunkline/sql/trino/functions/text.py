"""Trino's functions of texts and of regular expressions."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from sqlglot import exp

from trunkline.sql.trino.functions.model import Function, FunctionCall, build, first, refused, renamed, same, written
from trunkline.sql.trino.types import (
    BIGINT,
    BOOLEAN,
    INTEGER,
    SIZED_VARCHAR,
    VARCHAR,
    Type,
    array,
    combined,
    map_of,
)

_SPACES: Final = (
    "[\\t\\n\\x0b\\f\\r\\x1c-\\x1f \\x{1680}\\x{2000}-\\x{2006}\\x{2008}-\\x{200a}\\x{2028}\\x{2029}\\x{205f}\\x{3000}]"
)
"""White space as Trino trims it."""


def _trimmed(pattern: str) -> str:
    return f"regexp_replace(_1, '{pattern}', '', 'g')"


def _of_text(types: Sequence[Type | None]) -> Type | None:
    is_list = bool(types) and types[0] is not None and types[0].kind == "array"
    return combined(types) if is_list else SIZED_VARCHAR


def _concat(call: FunctionCall) -> exp.Expr:
    if len(call.arguments) < 2:
        call.refuse("it was called with fewer than 2 arguments; valid: 2 or more")
    is_list = any(type_ is not None and type_.kind == "array" for type_ in call.types)
    if not is_list and any(
        type_ is not None and type_.kind not in ("varchar", "char", "unknown") for type_ in call.types
    ):
        call.refuse("it joins texts; valid: CAST(x AS varchar) for each other value")
    parts = [
        build("[_1]", argument)
        if is_list and type_ is not None and type_.kind not in ("array", "unknown")
        else argument
        for argument, type_ in zip(call.arguments, call.types, strict=True)
    ]
    return build(" || ".join(f"_{n}" for n in range(1, len(parts) + 1)), *parts)


def concat(*parts: tuple[exp.Expr, Type | None]) -> exp.Expr:
    """Trino's `||` of texts or lists, an element beside a list included."""
    return _concat(FunctionCall("||", [part for part, _ in parts], [type_ for _, type_ in parts], None))


def _concat_ws(call: FunctionCall) -> exp.Expr:
    separator, *rest = call.arguments
    listed = call.of(1)
    values = rest[0] if listed is not None and listed.kind == "array" else exp.Array(expressions=rest)
    return build("CASE WHEN _1 IS NOT NULL THEN array_to_string(_2, _1) END", separator, values)


def _reverse(call: FunctionCall) -> exp.Expr:
    of = call.of(0)
    return build("list_reverse(_1)" if of is not None and of.kind == "array" else "reverse(_1)", *call.arguments)


def _length(call: FunctionCall) -> exp.Expr:
    return build("length(_1)", *call.arguments)


def _strpos(call: FunctionCall) -> exp.Expr:
    if len(call.arguments) != 2:
        call.refuse("an occurrence is not supported; valid: a text and what to look for")
    return build("strpos(_1, _2)", *call.arguments)


def _replace(call: FunctionCall) -> exp.Expr:
    searched = call.text(1, "the searched text")
    if not searched:
        call.refuse("the searched text is empty; valid: at least one character")
    new = call.arguments[2] if len(call.arguments) == 3 else exp.Literal.string("")
    return build("replace(_1, _2, _3)", call.arguments[0], call.arguments[1], new)


def _split(call: FunctionCall) -> exp.Expr:
    if len(call.arguments) != 2:
        call.refuse("a limit is not supported; valid: a text and a separator")
    if not call.text(1, "the separator"):
        call.refuse("the separator is empty; valid: at least one character")
    return build("string_split(_1, _2)", *call.arguments)


_FORMAT: Final = re.compile(r"%(?P<flags>[-0,]*)(?P<width>\d*)(?:\.(?P<places>\d+))?(?P<kind>[a-zA-Z%])")


def _format(call: FunctionCall) -> exp.Expr:
    """`%s` of texts and whole numbers, `%d` plain or padded with zeros: the rest is Java's own."""
    pattern, position, at = call.text(0, "the format"), 1, 0
    parts: list[exp.Expr] = []
    for match in _FORMAT.finditer(pattern):
        parts.append(exp.Literal.string(pattern[at : match.start()]))
        at = match.end()
        if match["kind"] == "%":
            parts.append(exp.Literal.string("%"))
            continue
        parts.append(_formatted(call, match, position))
        position += 1
    parts.append(exp.Literal.string(pattern[at:]))
    if position != len(call.arguments) or "%" in re.sub(_FORMAT, "", pattern):
        call.refuse(
            f"the format {pattern!r} does not fit {len(call.arguments) - 1} values; valid: one %s or %d a value"
        )
    return build(" || ".join(f"_{n}" for n in range(1, len(parts) + 1)), *parts) if len(parts) < 10 else _long(parts)


def _long(parts: Sequence[exp.Expr]) -> exp.Expr:
    whole = parts[0]
    for part in parts[1:]:
        whole = build("_1 || _2", whole, part)
    return whole


def _formatted(call: FunctionCall, match: re.Match[str], position: int) -> exp.Expr:
    type_ = call.of(position)
    if type_ is not None and not match["places"] and position < len(call.arguments):
        argument = call.arguments[position]
        if (
            match["kind"] == "s"
            and not match["flags"]
            and not match["width"]
            and (type_.is_exact or type_.kind == "varchar")
        ):
            return build("coalesce(CAST(_1 AS VARCHAR), 'null')", argument)
        if match["kind"] == "d" and match["flags"] in ("", "0") and type_.is_integer:
            pad = match["width"] if match["flags"] else ""
            return build(f"coalesce(printf('%{'0' if pad else ''}{pad}lld', CAST(_1 AS BIGINT)), 'null')", argument)
    return call.refuse(
        f"{match[0]!r} of this value follows rules of Java's; valid: %s of a text, a whole number or a "
        "decimal, %d and %05d of a whole number"
    )


# Regular expressions. DuckDB's are RE2: no lookaround, no back-references, and a word boundary knows ASCII alone.

_FOREIGN: Final = re.compile(r"\\[bBzZAGkK1-9XRhHvV]|\(\?(?:[=!>]|<[=!]|<\w+>)|[*+?}]\+|&&")


def _pattern(call: FunctionCall, position: int = 1) -> str | None:
    """A pattern that means the same in both engines; None where it is not a literal: DuckDB refuses what it lacks."""
    literal = call.literal(position)
    if literal is None:
        return None
    match = _FOREIGN.search(literal.name.replace("\\\\", ""))
    if match:
        call.refuse(
            f"{match[0]!r} in a pattern is not supported; valid: patterns without lookaround, word boundaries, "
            "back-references, named groups, possessive quantifiers"
        )
    return literal.name


def _groups(pattern: str) -> list[tuple[int, int]]:
    """Where each capturing group begins and ends, in order."""
    spans: list[list[int]] = []
    stack: list[int | None] = []
    position, in_class = 0, False
    while position < len(pattern):
        sign = pattern[position]
        if sign == "\\":
            position += 1
        elif in_class:
            in_class = sign != "]"
        elif sign == "[":
            in_class = True
            position += 1  # a `]` at the beginning is a member
        elif sign == "(":
            is_capturing = pattern[position + 1 : position + 2] != "?"
            stack.append(len(spans) if is_capturing else None)
            if is_capturing:
                spans.append([position, len(pattern)])
        elif sign == ")" and stack:
            group = stack.pop()
            if group is not None:
                spans[group][1] = position
        position += 1
    return [(start, end) for start, end in spans]


def _group(call: FunctionCall) -> tuple[int, bool]:
    """The number of a call's group, and whether an empty text means that the group did not match."""
    literal = call.literal(2)
    number = int(literal.name) if literal is not None and not literal.is_string else None
    pattern = _pattern(call)
    if number is None or pattern is None:
        call.refuse(
            "a group is asked of a pattern that is not spelled out; valid: the pattern and the group as literals"
        )
    spans = _groups(pattern)
    if number == 0:
        return 0, False
    if number > len(spans):
        call.refuse(f"the pattern has no group {number}; valid: 0 to {len(spans)}")
    start, end = spans[number - 1]
    if "|" not in pattern and not re.search(r"[)\]][?*{]", pattern[end:] + " "):
        return number, False
    if _may_be_empty(pattern[start + 1 : end]):
        call.refuse(
            f"group {number} may match an empty text or nothing, which look the same here; valid: a group that "
            "matches at least one character, or a pattern without alternatives"
        )
    return number, True


def _may_be_empty(pattern: str) -> bool:
    try:
        return re.fullmatch(pattern, "") is not None
    except re.error:
        return True


def _regexp_extract(call: FunctionCall) -> exp.Expr:
    where_matched = "CASE WHEN regexp_matches(_1, _2) THEN {} END"
    if len(call.arguments) == 2:
        _pattern(call)
        return build(where_matched.format("regexp_extract(_1, _2)"), *call.arguments)
    number, is_empty_absent = _group(call)
    value = f"regexp_extract(_1, _2, {number})"
    return build(where_matched.format(f"nullif({value}, '')" if is_empty_absent else value), *call.arguments[:2])


def _regexp_extract_all(call: FunctionCall) -> exp.Expr:
    if len(call.arguments) == 2:
        _pattern(call)
        return build("regexp_extract_all(_1, _2)", *call.arguments)
    number, is_empty_absent = _group(call)
    every = f"regexp_extract_all(_1, _2, {number})"
    template = f"list_transform({every}, lambda found: nullif(found, ''))" if is_empty_absent else every
    return build(template, *call.arguments[:2])


def _regexp_replace(call: FunctionCall) -> exp.Expr:
    if len(call.arguments) not in (2, 3) or isinstance(call.arguments[-1], exp.Lambda):
        call.refuse("it was called in a way that is not supported; valid: a text, a pattern and a replacement")
    _pattern(call)
    replacement = call.text(2, "the replacement") if len(call.arguments) == 3 else ""
    if "${" in replacement:
        call.refuse("a named group in the replacement has no equal here; valid: $1 to $9")
    pieces = re.sub(r"\\(.)|\$(\d)", _piece, replacement, flags=re.DOTALL)
    return build("regexp_replace(_1, _2, _3, 'g')", *call.arguments[:2], exp.Literal.string(pieces))


def _piece(match: re.Match[str]) -> str:
    if match[2] is not None:
        return f"\\{match[2]}"
    return "\\\\" if match[1] == "\\" else str(match[1])


def _regexp(template: str) -> Function:
    def make(call: FunctionCall) -> exp.Expr:
        _pattern(call)
        return build(template, *call.arguments)

    return Function(make, None)


FUNCTIONS: Final[dict[str, Function]] = {
    **same("lower rpad lpad", SIZED_VARCHAR),
    "upper": written(SIZED_VARCHAR, "trino_upper(_1)"),
    "reverse": Function(_reverse, first),
    "trim": written(SIZED_VARCHAR, _trimmed(f"^{_SPACES}+|{_SPACES}+$"), "trim(_1, _2)"),
    "ltrim": written(SIZED_VARCHAR, _trimmed(f"^{_SPACES}+"), "ltrim(_1, _2)"),
    "rtrim": written(SIZED_VARCHAR, _trimmed(f"{_SPACES}+$"), "rtrim(_1, _2)"),
    "length": Function(_length, BIGINT),
    "substr": written(SIZED_VARCHAR, "trino_substr(_1, _2, 2147483647)", "trino_substr(_1, _2, _3)"),
    "substring": written(SIZED_VARCHAR, "trino_substr(_1, _2, 2147483647)", "trino_substr(_1, _2, _3)"),
    "strpos": Function(_strpos, BIGINT),
    "position": written(BIGINT, "strpos(_2, _1)"),
    **same("starts_with", BOOLEAN),
    **same("translate", SIZED_VARCHAR),
    "chr": written(Type("varchar", 1), "chr(CAST(_1 AS INTEGER))"),
    "codepoint": renamed("unicode", INTEGER),
    "levenshtein_distance": renamed("levenshtein", BIGINT),
    "concat": Function(_concat, _of_text),
    "concat_ws": Function(_concat_ws, VARCHAR),
    "replace": Function(_replace, SIZED_VARCHAR),
    "split": Function(_split, array(SIZED_VARCHAR)),
    "split_part": written(SIZED_VARCHAR, "trino_split_part(_1, _2, _3)"),
    "split_to_map": written(map_of(VARCHAR, VARCHAR), "trino_split_to_map(_1, _2, _3)"),
    "format": Function(_format, VARCHAR),
    "url_encode": written(SIZED_VARCHAR, "trino_url_encode(_1)"),
    "url_decode": written(SIZED_VARCHAR, "url_decode(replace(_1, '+', ' '))"),
    "regexp_like": Function(_regexp("regexp_matches(_1, _2)").make, BOOLEAN),
    "regexp_split": Function(_regexp("regexp_split_to_array(_1, _2)").make, array(SIZED_VARCHAR)),
    "regexp_count": Function(_regexp("len(regexp_extract_all(_1, _2))").make, BIGINT),
    "regexp_extract": Function(_regexp_extract, SIZED_VARCHAR),
    "regexp_extract_all": Function(_regexp_extract_all, array(SIZED_VARCHAR)),
    "regexp_replace": Function(_regexp_replace, SIZED_VARCHAR),
    "uuid": written(Type("uuid"), "CAST(uuid() AS VARCHAR)"),
    **refused("normalize soundex", "it has no equal here; valid: lower, upper, trim, translate, replace"),
}
