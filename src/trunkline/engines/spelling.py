"""How engines spell the few expressions that differ: types, time zones, intervals, percentiles, lists as rows.

Everything else in views and metrics is written once, in portable SQL (`sql/portable.py`), which DuckDB, PostgreSQL,
Redshift and Athena read alike. All timestamps are UTC without zone. Arguments are SQL that the caller has quoted.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from trunkline.objects.model import Type
from trunkline.objects.view import ColumnType, Members


@dataclass(frozen=True, slots=True)
class Unnested:
    """A list of structs as rows: `fields` are its members with their names, `join` follows `FROM base AS t`."""

    fields: tuple[str, ...]
    join: str


@dataclass(frozen=True, slots=True)
class Spelling:
    """One engine's expressions.

    `types`: names of the types that views cast to.
    `ms_between(a, b)`: whole milliseconds from timestamp a to timestamp b, BIGINT.
    `local(instant, zone)`: the wall clock of an IANA zone at a UTC timestamp, without zone.
    `bucket(instant, local, width_s)`: the instant less what the wall clock is past the last multiple of the width.
    `by_code_point(text)`: a text that is compared and sorted by code point, whatever the database's collation.
    `placeholder(number, name)`: a bound value: its place among the values, from 1, and its name.
    `percentile(value, percent, rank, count)`: nearest-rank percentile of a column, NULLs left out: the aggregate.
    `percentile_needs_rank`: it reads the row's `rank` among the non-NULL values of its group, and their `count`.
    `nested_as_text(type, value)`: a value that is no scalar as a text of one form, to compare copies by.
    `unnest(members, column)`: the members of a list of structs as rows.
    """

    types: Mapping[ColumnType, str]
    ms_between: Callable[[str, str], str]
    local: Callable[[str, str], str]
    bucket: Callable[[str, str, int], str]
    by_code_point: Callable[[str], str]
    placeholder: Callable[[int, str], str]
    percentile: Callable[[str, int, str, str], str]
    nested_as_text: Callable[[Type, str], str]
    unnest: Callable[[Members, str], Unnested]
    percentile_needs_rank: bool = False


def numbered_placeholder(number: int, name: str) -> str:
    """`$1`, `$2`: bound by place."""
    return f"${number}"


def fraction(percent: int) -> str:
    """A percentage from 1 to 99 as a decimal literal: 0.05, 0.95."""
    return f"0.{percent:02d}"
