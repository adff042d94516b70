"""Numbers as people read them: durations, percentages, counts and how they changed. NULL is a dash, never 0."""

from __future__ import annotations

from typing import Final

Value = int | float | None

NOTHING: Final = "\u2013"
_MINUS: Final = "\u2212"


def count(value: Value) -> str:
    """`12,431`; a dash for None."""
    return NOTHING if value is None else f"{round(value):,}"


def percentage(value: Value) -> str:
    """A number from 0 to 100 as `88.3%`; a dash for None. Rounding alone never makes it 0.0% or 100.0%."""
    if value is None:
        return NOTHING
    if 0 < value < 0.05:
        return "<0.1%"
    if 99.95 <= value < 100:
        return ">99.9%"
    return f"{value:.1f}%"


def duration(seconds: Value) -> str:
    """Seconds in words: `8.4 s`, `42 s`, `6 min 12 s`, `2 h 05 min`, `3 d 4 h`; a dash for None."""
    if seconds is None:
        return NOTHING
    if seconds < 0:
        return _MINUS + duration(-seconds)
    if seconds < 9.95:
        return f"{seconds:.0f} s" if seconds == round(seconds) else f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    minutes = round(seconds / 60)
    if minutes < 48 * 60:
        return f"{minutes // 60} h {minutes % 60:02d} min"
    hours = round(seconds / 3600)
    return f"{hours // 24} d {hours % 24} h"


def clock(seconds: Value) -> str:
    """Seconds for a table's column: `0:08`, `6:12`, `1:02:05`; a dash for None."""
    if seconds is None:
        return NOTHING
    if seconds < 0:
        return _MINUS + clock(-seconds)
    whole = round(seconds)
    if whole < 3600:
        return f"{whole // 60}:{whole % 60:02d}"
    return f"{whole // 3600}:{whole % 3600 // 60:02d}:{whole % 60:02d}"


def count_change(now: Value, before: Value) -> str:
    """`+341 (+5.3%)`, `unchanged`, or empty when there is nothing to compare with."""
    if now is None or before is None:
        return ""
    difference = round(now) - round(before)
    if difference == 0:
        return "unchanged"
    share = f" ({_signed(difference * 100 / before, '.1f')}%)" if before else ""
    return f"{_signed(difference, ',.0f')}{share}"


def percentage_change(now: Value, before: Value) -> str:
    """`+2.3 points`, `unchanged`, or empty."""
    if now is None or before is None:
        return ""
    difference = round(now - before, 1)
    if difference == 0:
        return "unchanged"
    return f"{_signed(difference, '.1f')} point{'' if abs(difference) == 1 else 's'}"


def duration_change(now: Value, before: Value) -> str:
    """`+12 s`, `−1 min 03 s`, `unchanged`, or empty."""
    if now is None or before is None:
        return ""
    shown = duration(abs(now - before))
    if shown in ("0 s", "0.0 s"):
        return "unchanged"
    return f"{'+' if now > before else _MINUS}{shown}"


def plural(number: int, one: str, many: str = "") -> str:
    """`1 contact`, `2,000 contacts`."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def _signed(value: float, form: str) -> str:
    return f"{'+' if value > 0 else _MINUS}{format(abs(value), form)}"
