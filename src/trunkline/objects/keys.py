"""Keys of the star schema's dimensions, in portable SQL. They are never NULL: what is not known has the unknown key."""

from __future__ import annotations

from typing import Final

from trunkline.limits import EVENT_YEAR_MAX, EVENT_YEAR_MIN

UNKNOWN_KEY: Final = "unknown"
"""Key of the unknown row of a dimension whose keys are texts."""
UNKNOWN_NUMBER: Final = -1
"""Key of the unknown date and the unknown time."""


def date_key(time: str) -> str:
    """The key of a timestamp expression's day in `d_date`, -1 for NULL and for a day that `d_date` does not have."""
    parts = " + ".join(
        f"CAST(EXTRACT({part} FROM {time}) AS INTEGER) * {factor}"
        for part, factor in (("YEAR", 10000), ("MONTH", 100), ("DAY", 1))
    )
    first, end = (f"TIMESTAMP '{year}-01-01 00:00:00'" for year in (EVENT_YEAR_MIN, EVENT_YEAR_MAX + 1))
    within = f"{time} >= {first} AND {time} < {end}"
    return f"CASE WHEN {within} THEN {parts} ELSE {UNKNOWN_NUMBER} END"


def time_key(time: str) -> str:
    """The key of a timestamp expression's minute in `d_time`, -1 for NULL."""
    hour, minute = (f"CAST(EXTRACT({part} FROM {time}) AS INTEGER)" for part in ("HOUR", "MINUTE"))
    return f"COALESCE({hour} * 60 + {minute}, {UNKNOWN_NUMBER})"
