"""What a metric of contacts is: Amazon's name and meaning, and SQL pieces over `connect_datalake.contact_record`.

A metric states conditions and values per contact; `sql.metric_query` makes the aggregate of its shape from them,
the same in every engine, so that many metrics share one scan and one GROUP BY. Expressions are in the portable form
of `objects.view`, and those of a metric that takes X may use `"x_ms"`, the threshold in milliseconds.

Population of every metric: contacts with a disconnect_timestamp, filed under it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Literal

Shape = Literal["count", "sum", "average", "maximum", "rate", "percentile"]
Unit = Literal["count", "seconds", "percent"]

GRAIN: Final = "contacts by the time they disconnected"
COUNT_NULL: Final = "0 when no contact counts, never NULL."
AVERAGE_NULL: Final = "NULL when no contact has a value."
RATE_NULL: Final = "NULL when the denominator is 0."
_SHAPE: Final = re.compile(r"^(avg|sum|max)_|_p\d\d$")
DEFINITIONS: Final = "https://docs.aws.amazon.com/connect/latest/adminguide/metrics-definitions.html"


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric.

    `condition` is the condition a contact must meet to count (count), or the numerator's (rate); `base` is the
    denominator's condition (rate). `value` is the contact's value, NULL to leave it out: milliseconds where the unit
    is seconds, else a plain number (sum, average, maximum, percentile). `percent` is the percentile, 1 to 99.
    `approximation` says what the number gives up where the export lacks a field, empty when nothing.
    """

    name: str
    title: str
    description: str
    unit: Unit
    shape: Shape
    null_rule: str
    source: str = DEFINITIONS
    grain: str = GRAIN
    condition: str = ""
    base: str = ""
    value: str = ""
    percent: int = 0
    takes_x: bool = False
    approximation: str = ""

    @property
    def column(self) -> str:
        """The name of the result's column."""
        return self.name.lower()

    @property
    def value_column(self) -> str:
        """The name of its value per contact, shared by every metric over the same value: handle_time_ms."""
        stem = _SHAPE.sub("", self.column)
        return f"{stem}_ms" if self.unit == "seconds" else stem


def count(
    name: str, title: str, description: str, condition: str, approximation: str = "", takes_x: bool = False
) -> Metric:
    """A number of contacts that meet a condition."""
    return Metric(
        name,
        title,
        description,
        "count",
        "count",
        COUNT_NULL,
        condition=condition,
        approximation=approximation,
        takes_x=takes_x,
    )


def rate(
    name: str, title: str, description: str, condition: str, base: str, approximation: str = "", takes_x: bool = False
) -> Metric:
    """A percentage, 0 to 100: contacts that meet a condition of those that meet the base."""
    return Metric(
        name,
        title,
        description,
        "percent",
        "rate",
        RATE_NULL,
        condition=condition,
        base=base,
        approximation=approximation,
        takes_x=takes_x,
    )


def time(shape: Shape, name: str, title: str, description: str, value: str, approximation: str = "") -> Metric:
    """Seconds, summed, averaged or the largest, of the contacts that have a value in milliseconds."""
    return Metric(name, title, description, "seconds", shape, AVERAGE_NULL, value=value, approximation=approximation)
