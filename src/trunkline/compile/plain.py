"""What a plain value looks like: texts and numbers that DuckDB types without losing, rounding or reordering anything.

A record of plain values alone is read by the flatten statement as it came. Any other is first made plain, or refused,
by `flatten/careful.py`. A value that is no match here costs time, never a digit.
"""

from __future__ import annotations

from typing import Final

from trunkline.objects.model import Scalar

BIGINT_DIGITS: Final = 18
INTEGER_DIGITS: Final = 9
SECONDS_DIGITS: Final = 15
"""A duration in seconds that stays a bigint in milliseconds."""

TIME: Final = "0000-00-00T00:00:00Z"
"""What a time of whole seconds looks like with every digit a zero."""
DATE: Final = "0000-00-00"

PATTERNS: Final[dict[Scalar, str]] = {
    # UTC to the microsecond. An offset would be dropped by a cast to TIMESTAMP, more digits rounded.
    "timestamp": "[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}([.][0-9]{1,6})?Z",
    "date": "[0-9]{4}-[0-9]{2}-[0-9]{2}",
    "bigint": f"-?[0-9]{{1,{BIGINT_DIGITS}}}",
    "integer": f"-?[0-9]{{1,{INTEGER_DIGITS}}}",
    # A cast takes 'inf' and 'nan' too; JSON has neither.
    "double": "-?[0-9]{1,15}([.][0-9]{1,15})?",
    "decimal": "-?[0-9]{1,9}([.][0-9]{1,6})?",
    "boolean": "true|false",
}
"""Patterns of texts of a type, where they come as texts."""

OWN_LENGTH_MIN: Final = 7
"""A shorter number of the record's own says nothing about a text that holds it."""
