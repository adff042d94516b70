"""What a metric is: Amazon's name and meaning, the rows it is about, and SQL pieces over their columns.

A metric states conditions and values per row; `sql.metric_query` makes the aggregate of its shape from them, the same
in every engine, so that many metrics share one scan and one GROUP BY. Expressions are in portable SQL
(`sql.portable`), and those of a metric that takes X may use `"x_ms"`, the threshold in milliseconds.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Literal

from trunkline.objects.model import Object
from trunkline.objects.view import View

Shape = Literal["count", "sum", "average", "maximum", "rate", "percentile", "total", "share"]
Unit = Literal["count", "seconds", "percent"]

RATE_NULL: Final = "NULL when the denominator is 0."
_SHAPE: Final = re.compile(r"^(avg|sum|max)_|_p\d\d$")
DEFINITIONS: Final = "https://docs.aws.amazon.com/connect/latest/adminguide/metrics-definitions.html"


@dataclass(frozen=True, slots=True)
class Population:
    """The rows that metrics are about: those of an object's public view, or of a view, that have an `event_time`.

    A period selects rows by that column, and intervals are of it. Its dimensions are the groups. `row` is the
    word for one row; `grain` says which rows a period selects.
    """

    obj: Object | View
    event_time: str
    row: str
    grain: str

    @property
    def null_rules(self) -> dict[Shape, str]:
        """What NULL means in the result, by shape."""
        average = f"NULL when no {self.row} has a value."
        return {
            "count": f"0 when no {self.row} counts, never NULL.",
            "rate": RATE_NULL,
            "sum": average,
            "average": average,
            "maximum": average,
            "percentile": average,
            "total": f"0 without a {self.row}, never NULL.",
            "share": RATE_NULL,
        }


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric.

    `condition` is the condition a row must meet to count (count), or the numerator's (rate); `base` is the
    denominator's condition (rate), or its value (share). A total adds up whole numbers; a share is a percentage of two
    sums. `value` is the row's value, NULL to leave it out: milliseconds where the unit
    is seconds, else a plain number (sum, average, maximum, percentile). `percent` is the percentile, 1 to 99.
    `approximation` says how the number differs from Amazon's where the export lacks a field, empty when it does not.
    """

    of: Population
    name: str
    title: str
    description: str
    unit: Unit
    shape: Shape
    source: str = DEFINITIONS
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
        """The name of its value per row, shared by every metric over the same value: handle_time_ms."""
        stem = _SHAPE.sub("", self.column)
        return f"{stem}_ms" if self.unit == "seconds" else stem

    @property
    def grain(self) -> str:
        """Which rows a period selects, in words."""
        return self.of.grain

    @property
    def null_rule(self) -> str:
        """What NULL means in the result."""
        return self.of.null_rules[self.shape]


def count(
    of: Population,
    name: str,
    title: str,
    description: str,
    condition: str,
    approximation: str = "",
    takes_x: bool = False,
) -> Metric:
    """A number of rows that meet a condition."""
    return Metric(
        of,
        name,
        title,
        description,
        "count",
        "count",
        condition=condition,
        approximation=approximation,
        takes_x=takes_x,
    )


def rate(
    of: Population,
    name: str,
    title: str,
    description: str,
    condition: str,
    base: str,
    approximation: str = "",
    takes_x: bool = False,
) -> Metric:
    """A percentage, 0 to 100: the rows that meet a condition of those that meet the base."""
    return Metric(
        of,
        name,
        title,
        description,
        "percent",
        "rate",
        condition=condition,
        base=base,
        approximation=approximation,
        takes_x=takes_x,
    )


def time(
    of: Population, shape: Shape, name: str, title: str, description: str, value: str, approximation: str = ""
) -> Metric:
    """Seconds, summed, averaged or the largest, of the rows that have a value in milliseconds."""
    return Metric(of, name, title, description, "seconds", shape, value=value, approximation=approximation)


def total(of: Population, name: str, title: str, description: str, value: str, approximation: str = "") -> Metric:
    """A whole number: the sum of a number per row."""
    return Metric(of, name, title, description, "count", "total", value=value, approximation=approximation)


def share(
    of: Population, name: str, title: str, description: str, value: str, base: str, approximation: str = ""
) -> Metric:
    """A percentage, 0 to 100: a sum of what another sum is of."""
    return Metric(of, name, title, description, "percent", "share", value=value, base=base, approximation=approximation)


def percentiles(of: Population, prefix: str, title: str, description: str, value: str) -> tuple[Metric, ...]:
    """The 50th, 90th and 95th percentile of a value, in seconds. Ours: Amazon gives none.

    Nearest rank, discrete: of n values the ceil(p * n)-th smallest, so always a value that some row had.
    """
    return tuple(
        Metric(
            of,
            f"{prefix}_P{percent}",
            f"{title}, {percent}th percentile",
            f"The time that {percent} % of {of.row}s did not exceed. {description}",
            "seconds",
            "percentile",
            source="Trunkline; nearest-rank percentile of the value that Amazon's average is over",
            value=value,
            percent=percent,
        )
        for percent in (50, 90, 95)
    )
