"""Trino's functions of dates, timestamps and zones."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from sqlglot import exp

from trunkline.sql.trino import zones
from trunkline.sql.trino.functions.model import Function, FunctionCall, Maker, build, last, written
from trunkline.sql.trino.types import (
    BIGINT,
    DATE,
    DOUBLE,
    NUMBERS,
    SIZED_VARCHAR,
    TIMESTAMP,
    UTC,
    VARCHAR,
    Type,
    is_zoned,
    zoned,
)

CLOCK_UNITS: Final = ("millisecond", "second", "minute", "hour")
UNITS: Final = (*CLOCK_UNITS, "day", "week", "month", "quarter", "year")

_ISO: Final = r"\d{4}-\d\d-\d\d(T(\d\d(:\d\d(:\d\d([.,]\d+)?)?)?)?(Z|[+-]\d\d(:?\d\d)?)?)?"


def _unit(call: FunctionCall, count: int) -> str:
    unit = call.text(0, "the unit").lower()
    if len(call.arguments) != count or unit not in UNITS:
        call.refuse(
            f"the unit is {unit!r}; valid: a unit as a literal ({', '.join(UNITS)}) and {count - 1} more arguments"
        )
    return unit


def _check_time(call: FunctionCall, position: int) -> None:
    if (type_ := call.of(position)) is not None and type_.kind in ("varchar", *NUMBERS):
        call.refuse(f"its argument is a {type_.kind}; valid: a date or a timestamp, as of CAST(x AS timestamp)")


def _check_date_unit(call: FunctionCall, position: int, unit: str) -> None:
    _check_time(call, position)
    if call.of(position) == DATE and unit in CLOCK_UNITS:
        call.refuse(f"a date has no {unit}; valid: CAST(x AS timestamp) first, or day and longer units")


def _zone_of(call: FunctionCall, position: int) -> str:
    type_ = call.of(position)
    return zones.spelled_zone(type_, f"Trino function {call.name}") if type_ is not None and is_zoned(type_) else UTC


def _clock(call: FunctionCall, position: int) -> exp.Expr:
    _check_time(call, position)
    return zones.local(call.arguments[position], call.of(position), f"Trino function {call.name}")


def _date_trunc(call: FunctionCall) -> exp.Expr:
    unit = _unit(call, 2)
    _check_date_unit(call, 1, unit)
    zone, value = _zone_of(call, 1), call.arguments[1]
    if zone == UTC:
        truncated = build(f"date_trunc('{unit}', _1)", value)
        return build("CAST(_1 AS DATE)", truncated) if call.of(1) == DATE else truncated
    clock = _clock(call, 1)
    if unit in CLOCK_UNITS:
        # What is cut off is the same on the wall clock and in the instant, also in an hour that comes twice.
        return build(f"_1 - (_2 - date_trunc('{unit}', _2))", value, clock)
    return zones.moved(build(f"date_trunc('{unit}', _1)", clock), zone, value)


def _date_diff(call: FunctionCall) -> exp.Expr:
    # Trino counts whole units passed, as DuckDB's date_sub does; DuckDB's date_diff counts boundaries.
    unit = _unit(call, 3)
    for position in (1, 2):
        _check_date_unit(call, position, unit)
    start, end = call.arguments[1:]
    if unit not in CLOCK_UNITS and (is_zoned(call.of(1)) or is_zoned(call.of(2))):
        # Days and longer units are counted on the wall clock of the first value's zone.
        zone = zoned(_zone_of(call, 1))
        start, end = (zones.local(value, zone, f"Trino function {call.name}") for value in (start, end))
    return build(f"date_sub('{unit}', _1, _2)", start, end)


def _date_add(call: FunctionCall) -> exp.Expr:
    unit = _unit(call, 3)
    _check_date_unit(call, 2, unit)
    number, value, type_ = call.arguments[1], call.arguments[2], call.of(2)
    zone = _zone_of(call, 2) if unit not in CLOCK_UNITS else UTC
    clock = _clock(call, 2) if zone != UTC else value
    scale, maker = {"week": (7, "day"), "quarter": (3, "month")}.get(unit, (1, unit))
    count = "_1" if scale == 1 else f"_1 * {scale}"
    if maker in ("day", "month", "year"):
        count = f"CAST({count} AS INTEGER)"
    added = build(f"_2 + to_{maker}s({count})", number, clock)
    if type_ == DATE:
        return build("CAST(_1 AS DATE)", added)
    if unit == "millisecond" and type_ is not None and (type_.precision or 0) < 3:
        return rounded(added, type_.precision or 0)
    return zones.moved(added, zone, value) if zone != UTC else added


def rounded(value: exp.Expr, digits: int) -> exp.Expr:
    """A timestamp rounded half up to so many digits of a second."""
    if digits >= 6:
        return value
    unit = 10 ** (6 - digits)
    return build(f"make_timestamp((epoch_us(CAST(_1 AS TIMESTAMP)) + {unit // 2}) // {unit} * {unit})", value)


# MySQL's date codes, which Trino's date_format and date_parse have, as strftime's.
_CODES: Final = {
    "a": "%a", "b": "%b", "c": "%-m", "d": "%d", "e": "%-d", "f": "%f", "H": "%H", "h": "%I", "I": "%I", "i": "%M",
    "j": "%j", "k": "%-H", "l": "%-I", "M": "%B", "m": "%m", "p": "%p", "r": "%I:%M:%S %p", "S": "%S", "s": "%S",
    "T": "%H:%M:%S", "v": "%V", "W": "%A", "x": "%G", "Y": "%Y", "y": "%y", "%": "%%",
}  # fmt: skip


def _codes(call: FunctionCall) -> exp.Literal:
    pattern = call.text(1, "the format")
    unknown = {code for code in re.findall(r"%(.)", pattern) if code not in _CODES}
    if unknown:
        seen = ", %".join(sorted(unknown))
        call.refuse(f"the format codes %{seen} are not supported; valid: format codes %{', %'.join(_CODES)}")
    return exp.Literal.string(re.sub(r"%(.)", lambda match: _CODES[match[1]], pattern))


# Joda's pattern letters, which Trino's format_datetime has.
_LETTERS: Final = {
    "yyyy": "%Y", "y": "%Y", "YYYY": "%Y", "yy": "%y", "MM": "%m", "M": "%-m", "MMM": "%b", "MMMM": "%B", "dd": "%d",
    "d": "%-d", "HH": "%H", "H": "%-H", "hh": "%I", "h": "%-I", "mm": "%M", "m": "%-M", "ss": "%S", "s": "%-S",
    "SSS": "%g", "SSSSSS": "%g000", "a": "%p", "E": "%a", "EEE": "%a", "EEEE": "%A", "D": "%-j", "DDD": "%j",
    "xxxx": "%G", "x": "%G", "ww": "%V", "e": "%u",
}  # fmt: skip


def _letters(call: FunctionCall) -> exp.Literal:
    pieces = []
    for match in re.finditer(r"'((?:[^']|'')*)'|([A-Za-z])\2*|[^A-Za-z']+", call.text(1, "the pattern")):
        if match[1] is not None:
            pieces.append((match[1].replace("''", "'") or "'").replace("%", "%%"))
        elif match[2] is not None and match[0] not in _LETTERS:
            call.refuse(f"the pattern letters {match[0]} are not supported; valid: {', '.join(_LETTERS)}")
        else:
            pieces.append(_LETTERS.get(match[0]) or match[0].replace("%", "%%"))
    return exp.Literal.string("".join(pieces))


def _formatted(codes: Callable[[FunctionCall], exp.Literal]) -> Maker:
    return lambda call: build("strftime(_1, _2)", _clock(call, 0), codes(call))


def shown(clock: exp.Expr, type_: Type, between: str) -> exp.Expr:
    """A timestamp's wall clock as text, with the digits that its type has."""
    digits = type_.precision or 0
    whole = f"strftime(_1, '%Y-%m-%d{between}%H:%M:%S')"
    return build(f"{whole} || '.' || left(strftime(_1, '%f'), {digits})" if digits else whole, clock)


def _to_iso8601(call: FunctionCall) -> exp.Expr:
    type_, value = call.of(0), call.arguments[0]
    if type_ is None or type_.kind not in ("date", "timestamp", "timestamp with time zone"):
        call.refuse("the type of its argument is not known to be a date or a timestamp; valid: CAST(x AS timestamp)")
    if type_ == DATE:
        return build("strftime(_1, '%Y-%m-%d')", value)
    clock = _clock(call, 0)
    text = shown(clock, type_, "T")
    if not is_zoned(type_):
        return text
    offset = "'Z'" if type_.zone == UTC else "trino_offset(_2, CAST(_3 AS TIMESTAMP))"
    return build(f"_1 || {offset}", text, clock, value)


def _to_unixtime(call: FunctionCall) -> exp.Expr:
    _check_time(call, 0)
    return build("epoch(CAST(_1 AS TIMESTAMP))", call.arguments[0])


def _from_unixtime(call: FunctionCall) -> exp.Expr:
    instant = build("make_timestamp(CAST(floor(CAST(_1 AS DOUBLE) * 1000 + 0.5) AS BIGINT) * 1000)", call.arguments[0])
    if len(call.arguments) > 3:
        call.refuse("valid: seconds, and a zone as a literal")
    return instant


def _from_iso8601(call: FunctionCall) -> exp.Expr:
    return build("trino_iso8601(_1)", call.arguments[0])


def _with_timezone(call: FunctionCall) -> exp.Expr:
    zone = call.literal(1)
    if is_zoned(call.of(0)):
        call.refuse("its value has a time zone already; valid: at_timezone, or x AT TIME ZONE")
    if zone is not None:
        return zones.instant_of(call.arguments[0], zones.canonical(zone.name))
    return build("trino_instant(CAST(_1 AS TIMESTAMP), _2)", *call.arguments)


def _part(template: str) -> Function:
    def make(call: FunctionCall) -> exp.Expr:
        type_ = call.of(0)
        if type_ is not None and type_.kind.startswith("interval"):
            call.refuse("the part of an interval is not supported; valid: a date or a timestamp")
        return build(template, _clock(call, 0))

    return Function(make, BIGINT)


PARTS: Final[Mapping[str, str]] = {
    **{name: f"{name}(_1)" for name in ("year", "quarter", "month", "day", "hour", "minute", "second")},
    "millisecond": "millisecond(_1) % 1000",
    "day_of_month": "day(_1)",
    "day_of_week": "isodow(_1)",
    "dow": "isodow(_1)",
    "day_of_year": "dayofyear(_1)",
    "doy": "dayofyear(_1)",
    "week": "weekofyear(_1)",
    "week_of_year": "weekofyear(_1)",
    "year_of_week": "isoyear(_1)",
    "yow": "isoyear(_1)",
}
"""The parts of a date or timestamp, which are functions and fields of EXTRACT alike."""


def _offset(template: str) -> Function:
    def make(call: FunctionCall) -> exp.Expr:
        if not is_zoned(call.of(0)):
            call.refuse("its value has no time zone; valid: a timestamp with time zone")
        return build(template, _clock(call, 0), call.arguments[0])

    return Function(make, BIGINT)


_MINUTES: Final = "date_diff('minute', CAST(_2 AS TIMESTAMP), _1)"


def _on_clock(template: str, result: Type) -> Function:
    return Function(lambda call: build(template, _clock(call, 0)), result)


def _date(call: FunctionCall) -> exp.Expr:
    if (type_ := call.of(0)) is not None and type_.kind == "varchar":
        return build("trino_date(_1)", call.arguments[0])
    return build("CAST(_1 AS DATE)", _clock(call, 0))


FUNCTIONS: Final[dict[str, Function]] = {
    "date_trunc": Function(_date_trunc, last),
    "date_diff": Function(_date_diff, BIGINT),
    "date_add": Function(_date_add, last),
    "date_format": Function(_formatted(_codes), VARCHAR),
    "date_parse": Function(lambda call: build("strptime(_1, _2)", call.arguments[0], _codes(call)), TIMESTAMP),
    "format_datetime": Function(_formatted(_letters), VARCHAR),
    "to_iso8601": Function(_to_iso8601, SIZED_VARCHAR),
    "date": Function(_date, DATE),
    "now": written(zoned(UTC), "timezone('UTC', now())"),
    "current_timezone": written(VARCHAR, "'UTC'"),
    "last_day_of_month": _on_clock("last_day(_1)", DATE),
    **{name: _part(template) for name, template in PARTS.items()},
    "timezone_hour": _offset(f"{_MINUTES} // 60"),
    "timezone_minute": _offset(f"{_MINUTES} % 60"),
    "from_unixtime": Function(_from_unixtime, None),
    "to_unixtime": Function(_to_unixtime, DOUBLE),
    "from_iso8601_timestamp": Function(_from_iso8601, None),
    "from_iso8601_date": Function(lambda call: build("trino_date(_1)", *call.arguments), DATE),
    "at_timezone": Function(lambda call: build("CAST(_1 AS TIMESTAMP)", call.arguments[0]), None),
    "with_timezone": Function(_with_timezone, None),
}


def _literal_zone(node: exp.Anonymous, position: int) -> str | None:
    if len(node.expressions) <= position:
        return None
    return zones.zone_of_node(node.expressions[position])


def _unixtime_zone(node: exp.Anonymous, types: Sequence[Type | None]) -> Type:
    if len(node.expressions) == 3 and all(isinstance(part, exp.Literal) for part in node.expressions[1:]):
        hours, minutes = (int(part.name) for part in node.expressions[1:])
        return zoned(zones.canonical(f"+{hours:02}:{minutes:02}"))
    return zoned(UTC if len(node.expressions) == 1 else _literal_zone(node, 1))


def _iso8601_zone(node: exp.Anonymous, types: Sequence[Type | None]) -> Type:
    text = node.expressions[0] if node.expressions else None
    if not isinstance(text, exp.Literal):
        return zoned(None)
    match = re.search(r"T.*?(Z|[+-]\d\d(?::?\d\d)?)$", text.name)
    zone = match[1] if match else "Z"
    return zoned(zones.canonical(zone if len(zone) != 3 else zone + ":00"))


def _moved_zone(node: exp.Anonymous, types: Sequence[Type | None]) -> Type:
    first = types[0] if types else None
    return zoned(_literal_zone(node, 1), first.precision if first is not None and first != DATE else 0)


ZONED_RESULTS: Final[Mapping[str, Callable[[exp.Anonymous, Sequence[Type | None]], Type]]] = {
    "from_unixtime": _unixtime_zone,
    "from_iso8601_timestamp": _iso8601_zone,
    "at_timezone": _moved_zone,
    "with_timezone": _moved_zone,
}
"""Functions whose result has the zone that an argument spells out."""
