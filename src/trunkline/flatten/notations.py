"""Values as a source writes them, in the one spelling that the flatten statement reads: `plain_scalar` of a column.

ISO times with an offset, true, false and numbers with a decimal point are read by `exact.py`. What is declared beside
that (`objects.model.Notation`) is read here: times as numbers, by a pattern or in a zone, decimal commas, other words
for true and false.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

from trunkline.flatten.exact import Number, parse_instant, plain_scalar, round_decimal
from trunkline.objects.model import AS_USUAL, TIME_UNITS, Column, Notation

_EPOCH: Final = datetime(1970, 1, 1)
_DATE: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_LOCAL: Final = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})[T ]([0-9]{2}:[0-9]{2})(:[0-9]{2}(?:[.][0-9]{1,9})?)?")
_COMMA: Final = re.compile(r"(-?)([0-9]{1,3}(?:[.][0-9]{3})+|[0-9]+)(?:,([0-9]+))?")
_NUMBER: Final = re.compile(r"-?[0-9]{1,20}(?:[.][0-9]{1,20})?(?:[eE][+-]?[0-9]{1,2})?")


def read_scalar(column: Column, text: str) -> str | None:
    """The plain spelling of a value of a column; None where the text does not fit. A JSON number is a `Number`."""
    if column.rule:
        return text
    notation = column.notation
    assert isinstance(column.type, str)
    if column.type == "boolean" and notation.format:
        return _boolean(notation.format, text)
    if column.type == "timestamp" and notation != AS_USUAL:
        at = read_time(notation, text)
        return None if at is None else at.isoformat() + "Z"
    if column.type == "date" and notation.format:
        at = _by_pattern(notation.format, text)
        return None if at is None else at.date().isoformat()
    if column.type == "decimal" and column.scale is not None:
        rounded = read_decimal(column, text)
        return None if rounded is None or rounded[1] else rounded[0]
    point = _with_point(notation, text)
    return None if point is None else plain_scalar(column.type, point, column.transform)


def read_decimal(column: Column, text: str) -> tuple[str, bool] | None:
    """The plain text of a decimal, and whether it was rounded to the column's places; None where it does not fit."""
    point = _with_point(column.notation, text)
    return None if point is None else round_decimal(point, column.decimal_scale)


@lru_cache(8_192)
def read_time(notation: Notation, text: str) -> datetime | None:
    """The naive UTC time of a text under a notation; None for anything else."""
    if notation.format in TIME_UNITS:
        return _since_epoch(text, TIME_UNITS[notation.format])
    if notation.format:
        at = _by_pattern(notation.format, text)
        return None if at is None else _in_utc(at, notation.zone)
    return parse_instant(text) or _local(text, notation.zone)


def _since_epoch(text: str, units: int) -> datetime | None:
    if not _NUMBER.fullmatch(text):
        return None
    try:
        return _EPOCH + timedelta(microseconds=int(Decimal(text) * 1_000_000 / units))
    except (OverflowError, InvalidOperation):
        return None


def _by_pattern(pattern: str, text: str) -> datetime | None:
    try:
        return datetime.strptime(text.strip(), pattern)  # noqa: DTZ007 - the caller adds the zone
    except ValueError:
        return None


def _local(text: str, zone: str) -> datetime | None:
    """ISO 8601 without an offset: a date and a time, or a date alone."""
    if _DATE.fullmatch(text):
        text += "T00:00:00"
    match = _LOCAL.fullmatch(text)
    if match is None or not zone:
        return None
    at = parse_instant(f"{match[1]}T{match[2]}{match[3] or ':00'}Z")
    return None if at is None else _in_utc(at, zone)


def _in_utc(at: datetime, zone: str) -> datetime | None:
    """A time on the wall clock of a zone as naive UTC. Of two that the clock shows twice, the earlier one."""
    try:
        aware = at if at.tzinfo is not None else at.replace(tzinfo=ZoneInfo(zone or "UTC"))
        return aware.astimezone(UTC).replace(tzinfo=None)
    except OverflowError:
        return None


def _with_point(notation: Notation, text: str) -> str | None:
    """A number with a decimal point, where it may have a comma; None where it is none. A JSON number has no comma."""
    if not notation.decimal_comma or isinstance(text, Number):
        return text
    match = _COMMA.fullmatch(text.strip())
    if match is None:
        return None
    sign, whole, fraction = match.groups()
    return f"{sign}{whole.replace('.', '')}" + (f".{fraction}" if fraction else "")


def _boolean(words: str, text: str) -> str | None:
    true, _, false = words.lower().partition("/")
    return {true: "true", false: "false"}.get(text.lower())
