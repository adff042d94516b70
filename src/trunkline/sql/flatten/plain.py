"""What a plain value looks like: texts and numbers that DuckDB types without losing, rounding or reordering anything.

A record of plain values alone is read by the flatten statement as it came. Any other is first made plain, or refused,
by `flatten/careful.py`. A value that is no match here costs time, never a digit.
"""

from __future__ import annotations

from typing import Final

BIGINT_DIGITS: Final = 18
INTEGER_DIGITS: Final = 9
SECONDS_DIGITS: Final = 15
"""A duration in seconds that stays a bigint in milliseconds."""

TIMES: Final = ("0000-00-00T00:00:00Z", "0000-00-00T00:00:00.000Z")
"""What times look like with every digit a zero: whole seconds and milliseconds. A cast drops another offset than Z."""
DATES: Final = ("0000-00-00",)

OWN_LENGTH_MIN: Final = 7
"""A shorter number of the record's own says nothing about a text that holds it."""
