"""Scalars made plain: the text of a source value as one that the flatten statement types without loss, or a refusal."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta, timezone

import msgspec

from trunkline.objects.model import DECIMAL_DIGITS, DECIMAL_SCALE, Scalar, Transform

_TIME = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})[T ]([0-9]{2}):([0-9]{2}):([0-9]{2})(?:[.]([0-9]{1,9}))?"
    r"(?:Z|([+-])([0-9]{2})(?::?([0-9]{2}))?)"
)
_INTEGER = re.compile(r"-?[0-9]{1,19}")
_FRACTION = re.compile(r"(-?)([0-9]{1,15})[.]([0-9]{1,9})")
_DOUBLE = re.compile(r"-?[0-9][0-9.eE+-]*")
_DECIMAL = re.compile(rf"-?[0-9]{{1,{DECIMAL_DIGITS - DECIMAL_SCALE}}}(?:[.][0-9]{{1,{DECIMAL_SCALE}}})?")
_DATE = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})")
_INTEGER_MAX, _BIGINT_MAX = 2**31 - 1, 2**63 - 1


def plain(type_: Scalar, text: str, transform: Transform = "plain") -> str | None:
    """The plain text of a value; None when `text` does not fit the type. Durations in seconds come out in ms."""
    match type_:
        case "text":
            return text
        case "timestamp":
            found = instant(text)
            return None if found is None else found.isoformat() + "Z"
        case "bigint":
            return _whole(text, 1000 if transform == "seconds_to_ms" else 1)
        case "integer":
            whole = _whole(text, 1)
            return whole if whole is not None and -_INTEGER_MAX - 1 <= int(whole) <= _INTEGER_MAX else None
        case "double":
            return _double(text)
        case "decimal":
            return _exact(text)
        case "boolean":
            return text if text in ("true", "false") else None
        case "date":
            return _day(text)


def instant(text: str) -> datetime | None:
    """The naive UTC time of ISO 8601 text with an offset, cut to the microsecond; None for anything else."""
    found = _TIME.fullmatch(text)
    if found is None:
        return None
    *parts, fraction, sign, hours, minutes = found.groups()
    year, month, day, hour, minute, second = map(int, parts)
    is_end_of_day = (hour, minute, second) == (24, 0, 0)  # ISO 8601 has it, and so has DuckDB
    try:
        micros = int((fraction or "0")[:6].ljust(6, "0"))
        local = datetime(year, month, day, 0 if is_end_of_day else hour, minute, second, micros)
        local += timedelta(days=is_end_of_day)
        offset = timedelta(hours=int(hours or 0), minutes=int(minutes or 0))
        zone = timezone(-offset if sign == "-" else offset)
        return local.replace(tzinfo=zone).astimezone(UTC).replace(tzinfo=None)
    except (ValueError, OverflowError):
        return None


def _whole(text: str, factor: int) -> str | None:
    if _INTEGER.fullmatch(text):
        scaled = int(text) * factor
    elif found := _FRACTION.fullmatch(text):
        sign, whole, fraction = found.groups()
        scaled, rest = divmod(int(whole + fraction) * factor, 10 ** len(fraction))
        if rest:
            return None
        scaled = -scaled if sign else scaled
    else:
        return None
    return str(scaled) if -_BIGINT_MAX - 1 <= scaled <= _BIGINT_MAX else None


def _double(text: str) -> str | None:
    if not _DOUBLE.fullmatch(text):
        return None
    try:
        value = float(text)
    except ValueError:
        return None
    return msgspec.json.encode(value).decode() if abs(value) != float("inf") else None


def _exact(text: str) -> str | None:
    """The digits without zeros that say nothing, so that 4.50 and 4.5 are one text."""
    if not _DECIMAL.fullmatch(text):
        return None
    whole, _, fraction = text.partition(".")
    sign, digits = ("-", whole[1:]) if whole.startswith("-") else ("", whole)
    shown = digits.lstrip("0") or "0"
    shown += "." + fraction.rstrip("0") if fraction.strip("0") else ""
    return shown if shown == "0" else sign + shown


def _day(text: str) -> str | None:
    found = _DATE.fullmatch(text)
    if found is None:
        return None
    try:
        return date(*map(int, found.groups())).isoformat()
    except ValueError:
        return None
