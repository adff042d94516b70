"""Zones: from an instant to a zone's wall clock and back, as Trino does it.

Which of two instants with one wall clock is taken depends on the zone, as in Trino (`macros.py`). One that a zone skips
is moved forward by the gap. In a literal the earlier instant is taken, and one that is skipped is an error.
"""

from __future__ import annotations

import re
from datetime import UTC as PYTHON_UTC
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from sqlglot import exp

from trunkline.errors import UsageError
from trunkline.sql.trino.functions.model import build, unit_of
from trunkline.sql.trino.types import UTC, Type, is_zoned, zoned

ZONED: Final = re.compile(
    r"^\s*(?P<clock>[+-]?\d{4,}-\d{1,2}-\d{1,2}(?:[ T]\d{1,2}(?::\d{1,2}(?::\d{1,2}(?:\.(?P<fraction>\d+))?)?)?)?)"
    r"\s*(?P<zone>Z|[+-]\d\d:?\d\d|[A-Za-z][\w+-]*(?:/[\w+-]+)*)?\s*$"
)
_OFFSET: Final = re.compile(r"([+-])(\d\d):?(\d\d)")
_UTC_NAMES: Final = ("utc", "z", "gmt", "+00:00", "-00:00", "+0000", "-0000", "etc/utc", "zulu", "uct")


def canonical(zone: str) -> str:
    """A zone as Trino names it. Raises UsageError for an unknown one."""
    if zone.lower() in _UTC_NAMES:
        return UTC
    match = _OFFSET.fullmatch(zone)
    if match:
        return f"{match[1]}{match[2]}:{match[3]}"
    try:
        ZoneInfo(zone)
    except (KeyError, ValueError, OSError):
        raise UsageError(
            f"time zone {zone!r} is not known; valid: a name such as Europe/Berlin, or an offset such as +05:45."
        ) from None
    return zone


def zone_of_node(node: exp.Expr) -> str | None:
    """The zone that an expression spells out: a text, or an interval of hours or minutes; None for anything else."""
    if isinstance(node, exp.Literal) and node.is_string:
        return canonical(node.name)
    if isinstance(node, exp.Interval) and unit_of(node) in ("hour", "minute"):
        minutes = int(node.this.name) * (60 if unit_of(node) == "hour" else 1)
        return canonical(f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02}:{abs(minutes) % 60:02}")
    return None


def _minutes(zone: str) -> int | None:
    match = _OFFSET.fullmatch(zone)
    return (int(match[2]) * 60 + int(match[3])) * (-1 if match[1] == "-" else 1) if match else None


def spelled_zone(type_: Type, what: str) -> str:
    """The zone of a type, for what depends on it. Raises UsageError where the statement does not spell it out."""
    if type_.zone is None:
        raise UsageError(
            f"{what}: the time zone of its value is not a literal, or differs from row to row, which is not supported "
            "here; valid: a value moved to one zone first, as in x AT TIME ZONE 'UTC'."
        )
    return type_.zone


def local(instant: exp.Expr, type_: Type | None, what: str) -> exp.Expr:
    """The wall clock of a value in its zone; the value itself where it has none. `what` is named in the error."""
    if type_ is None or not is_zoned(type_):
        return instant
    zone = spelled_zone(type_, what)
    minutes = _minutes(zone)
    if zone == UTC:
        return instant
    if minutes is not None:
        return build(f"_1 + to_minutes({minutes})", instant)
    return build("timezone(_2, timezone('UTC', CAST(_1 AS TIMESTAMP)))", instant, exp.Literal.string(zone))


def instant_of(wall_clock: exp.Expr, zone: str) -> exp.Expr:
    """The instant at which a zone's wall clock shows this."""
    minutes = _minutes(zone)
    if zone == UTC:
        return build("CAST(_1 AS TIMESTAMP)", wall_clock)
    if minutes is not None:
        return build(f"CAST(_1 AS TIMESTAMP) - to_minutes({minutes})", wall_clock)
    return build("trino_instant(CAST(_1 AS TIMESTAMP), _2)", wall_clock, exp.Literal.string(zone))


def moved(wall_clock: exp.Expr, zone: str, instant: exp.Expr) -> exp.Expr:
    """The instant of a wall clock that was computed from another instant's. It keeps that one's offset where it can."""
    if zone == UTC or _minutes(zone) is not None:
        return instant_of(wall_clock, zone)
    text = exp.Literal.string(zone)
    return build("trino_moved(CAST(_1 AS TIMESTAMP), _2, CAST(_3 AS TIMESTAMP))", wall_clock, text, instant)


def literal_type(node: exp.Cast, target: Type) -> Type:
    """The type of a literal or of a cast text. A zone makes a literal an instant; a cast to timestamp ignores it."""
    match = ZONED.match(node.this.name)
    if match is None or target.kind not in ("timestamp", "timestamp with time zone"):
        return target
    zone = canonical(match["zone"]) if match["zone"] else None
    if is_cast(node):
        return zoned(zone or UTC, target.precision) if is_zoned(target) else target
    digits = min(len(match["fraction"] or ""), 12)
    return zoned(zone, digits) if zone is not None else Type("timestamp", digits)


def is_cast(node: exp.Cast) -> bool:
    """Whether a statement has a CAST here, not a literal such as TIMESTAMP '2026-01-01 00:00:00'."""
    return bool(node.meta.get("is_cast"))


def literal_instant(node: exp.Cast) -> exp.Expr:
    """The UTC timestamp of a literal that has a zone. Raises UsageError where its wall clock does not exist."""
    text = node.this.name
    match = ZONED.match(text)
    try:
        clock = datetime.fromisoformat(_padded(match["clock"])) if match else None
    except ValueError:
        clock = None
    if match is None or clock is None:
        raise UsageError(f"{text!r} is not a timestamp; valid: a literal such as TIMESTAMP '2026-03-01 09:00:00 UTC'.")
    zone = canonical(match["zone"] or UTC)
    minutes = _minutes(zone)
    if minutes is not None:
        instant = clock - timedelta(minutes=minutes)
    else:
        instant = clock.replace(tzinfo=ZoneInfo(zone)).astimezone(PYTHON_UTC).replace(tzinfo=None)
        shown = instant.replace(tzinfo=PYTHON_UTC).astimezone(ZoneInfo(zone)).replace(tzinfo=None)
        if shown != clock:
            raise UsageError(f"{text!r} does not exist: the clock of {zone} skips it; valid: an hour that it shows.")
    return exp.cast(exp.Literal.string(instant.isoformat(" ")), "timestamp", dialect="duckdb")


def _padded(clock: str) -> str:
    day, _, time = clock.strip().replace("T", " ").partition(" ")
    year, month, number = day.rsplit("-", 2)
    parts = [part.zfill(2) for part in time.partition(".")[0].split(":") if part]
    fraction = time.partition(".")[2]
    parts += ["00"] * (3 - len(parts)) if parts else []
    text = f"{year}-{month.zfill(2)}-{number.zfill(2)}"
    return f"{text} {':'.join(parts)}" + (f".{fraction[:6].ljust(6, '0')}" if fraction else "") if parts else text
