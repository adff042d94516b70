"""What a plain value looks like: patterns of texts that DuckDB types without losing, rounding or reordering anything.

A record of plain values alone is read by the flatten statement as it came. Any other is first made plain, or refused,
by `flatten/careful.py`. A value that is no match here costs time, never a digit.
"""

from __future__ import annotations

from trunkline.objects.model import Scalar, Transform

TIME = "[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}([.][0-9]{1,6})?Z"
"""UTC to the microsecond. An offset would be dropped by a cast to TIMESTAMP, more digits rounded."""

_SCALARS: dict[str, str] = {
    "timestamp": TIME,
    "date": "[0-9]{4}-[0-9]{2}-[0-9]{2}",
    "bigint": "-?[0-9]{1,18}",
    "integer": "-?[0-9]{1,9}",
    # A cast takes 'inf' and 'nan' too; JSON has neither.
    "double": "-?[0-9]{1,15}([.][0-9]{1,15})?",
    # DuckDB has read a longer number as a double by the time its text is seen.
    "decimal": "-?[0-9]{1,9}([.][0-9]{1,6})?",
    "boolean": "true|false",
}
SECONDS = "-?[0-9]{1,15}"
"""A duration in seconds that stays a bigint in milliseconds."""
SEPARATOR = ","
"""Stands between values that are matched together; in no plain value but text."""

REWRITTEN = r'"(-?[0-9]+[.eE][-+.0-9eE]*"|[{\[])'
"""In a JSON list of texts: one that may have been a number that DuckDB wrote anew (1.50 as 1.5), or no scalar."""

ESCAPE = r"\\"
"""In a JSON list of texts: one that is written with an escape."""

OWN_LENGTH_MIN = 7
"""A shorter number of the record's own says nothing about a text that holds it."""


def many(type_: Scalar, transform: Transform = "plain") -> str:
    """Pattern of any number of values of one type, separated."""
    one = SECONDS if transform == "seconds_to_ms" else _SCALARS[type_]
    return f"(({one})({SEPARATOR}({one}))*)?"
