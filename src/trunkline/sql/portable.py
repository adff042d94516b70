"""The few things that views and metrics need and that engines spell differently: types, time zones, intervals.

Everything else the catalogue's expressions use is read alike by DuckDB, PostgreSQL, Redshift and Athena (Trino).
All timestamps are UTC without zone. No function here takes text that was not checked by its caller.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal

from trunkline.errors import UsageError
from trunkline.objects.view import ColumnType

EngineName = Literal["duckdb", "postgres", "redshift", "athena"]

_MS_BETWEEN: Final = re.compile(r'MS_BETWEEN\(("\w+"), ("\w+")\)')


@dataclass(frozen=True, slots=True)
class Spelling:
    """How one engine spells what differs.

    `ms_between(a, b)`: whole milliseconds from a to b, BIGINT. `local(ts, zone)`: the wall clock of a zone at a UTC
    timestamp, itself without zone. `bucket(ts, local, width_s)`: the UTC instant ts less what its wall clock is past
    the last multiple of width_s since midnight. `text(expression)`: a text compared and sorted by code point, as the
    other engines do. `placeholders`: how the two bound timestamps are written.
    """

    name: EngineName
    double: str
    types: dict[ColumnType, str]
    ms_between: Callable[[str, str], str]
    local: Callable[[str, str], str]
    bucket: Callable[[str, str, int], str]
    text: Callable[[str], str]
    placeholders: tuple[str, str]


def _postgres_ms(start: str, end: str) -> str:
    return f"CAST(TRUNC(EXTRACT(EPOCH FROM ({end} - {start})) * 1000) AS BIGINT)"


def _duckdb_bucket(instant: str, local: str, width_s: int) -> str:
    return f"{instant} - to_microseconds(epoch_us({local}) % {width_s * 1_000_000})"


def _postgres_bucket(instant: str, local: str, width_s: int) -> str:
    # date_bin is exact, where intervals made from seconds go through a float.
    origin = "TIMESTAMP '2000-01-01 00:00:00'"
    return f"{instant} - ({local} - date_bin(INTERVAL '{width_s} seconds', {local}, {origin}))"


def _redshift_bucket(instant: str, local: str, width_s: int) -> str:
    # Every zone is whole seconds from UTC, so wall clock and instant have the same fraction of a second.
    past = f"DATEDIFF(second, DATE_TRUNC('day', {local}), {local}) % {width_s}"
    return f"DATEADD(second, -({past}), DATE_TRUNC('second', {instant}))"


def _athena_bucket(instant: str, local: str, width_s: int) -> str:
    past = f"date_diff('second', date_trunc('day', {local}), {local}) % {width_s}"
    return f"date_add('second', -({past}), date_trunc('second', {instant}))"


SPELLINGS: Final[dict[str, Spelling]] = {
    "duckdb": Spelling(
        name="duckdb",
        double="DOUBLE",
        types={
            "string": "VARCHAR",
            "timestamp": "TIMESTAMP",
            "bigint": "BIGINT",
            "double": "DOUBLE",
            "array(string)": "VARCHAR[]",
        },
        ms_between=lambda start, end: f"date_sub('millisecond', {start}, {end})",
        local=lambda instant, zone: f"timezone('{zone}', timezone('UTC', {instant}))",
        bucket=_duckdb_bucket,
        text=lambda expression: expression,
        placeholders=("$1", "$2"),
    ),
    "postgres": Spelling(
        name="postgres",
        double="DOUBLE PRECISION",
        types={
            "string": "TEXT",
            "timestamp": "TIMESTAMP",
            "bigint": "BIGINT",
            "double": "DOUBLE PRECISION",
            "array(string)": "JSONB",
        },
        ms_between=_postgres_ms,
        local=lambda instant, zone: f"timezone('{zone}', timezone('UTC', {instant}))",
        bucket=_postgres_bucket,
        text=lambda expression: f'{expression} COLLATE "C"',
        placeholders=("$1", "$2"),
    ),
    "redshift": Spelling(
        name="redshift",
        double="DOUBLE PRECISION",
        types={
            "string": "VARCHAR(65535)",
            "timestamp": "TIMESTAMP",
            "bigint": "BIGINT",
            "double": "DOUBLE PRECISION",
            "array(string)": "SUPER",
        },
        ms_between=lambda start, end: f"DATEDIFF(millisecond, {start}, {end})",
        local=lambda instant, zone: f"CONVERT_TIMEZONE('UTC', '{zone}', {instant})",
        bucket=_redshift_bucket,
        text=lambda expression: expression,
        placeholders=(":since", ":until"),
    ),
    "athena": Spelling(
        name="athena",
        double="DOUBLE",
        types={
            "string": "VARCHAR",
            "timestamp": "TIMESTAMP",
            "bigint": "BIGINT",
            "double": "DOUBLE",
            "array(string)": "ARRAY(VARCHAR)",
        },
        ms_between=lambda start, end: f"date_diff('millisecond', {start}, {end})",
        local=lambda instant, zone: f"CAST(with_timezone({instant}, 'UTC') AT TIME ZONE '{zone}' AS TIMESTAMP)",
        bucket=_athena_bucket,
        text=lambda expression: expression,
        placeholders=("?", "?"),
    ),
}


def spelling(engine: str) -> Spelling:
    """The spelling of an engine; UsageError for an unknown name."""
    found = SPELLINGS.get(engine)
    if found is None:
        raise UsageError(f"engine {engine!r} is not known; valid: {', '.join(SPELLINGS)}.")
    return found


def render(expression: str, engine: Spelling) -> str:
    """A catalogue expression in the engine's own SQL."""
    return _MS_BETWEEN.sub(lambda found: engine.ms_between(found[1], found[2]), expression)
