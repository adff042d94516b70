"""Athena over the lake: the DDL of the files and views, and queries that people keep by name.

The statements of the post-call analytics application are here with its table names. `MSCK REPAIR TABLE` is for tables
registered without projection; it acts on the table over the files, which has the partitions, not on the view.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from trunkline.engines.athena import ATHENA
from trunkline.engines.model import Engine, quote_qualified, text_literal
from trunkline.limits import EVENT_YEAR_MAX, EVENT_YEAR_MIN
from trunkline.objects.catalogue import VIEWS
from trunkline.objects.model import Object
from trunkline.objects.post_call.calls_view import CALLS_VIEW
from trunkline.sql.ddl import column_lines, create_schema, warehouse_statements
from trunkline.sql.lake.views import (
    FILES_SUFFIX,
    PARTITION_KEYS,
    create_lake_views,
    has_plain,
    lake_columns,
)
from trunkline.sql.order import UNDATED_YEAR
from trunkline.sql.views import create_view, views_on

EXAMPLE_LAKE = "s3://trunkline-lake"
EXAMPLE_DAY = date(2026, 2, 11)
CALLS = f"{CALLS_VIEW.database}.{CALLS_VIEW.name}"


def lake_location(obj: Object, lake: str) -> str:
    """The folder of an object's files, with a slash at its end."""
    return f"{lake.rstrip('/')}/{obj.lake_folder}/"


def projection(obj: Object, lake: str, last_year: int = EVENT_YEAR_MAX) -> dict[str, str]:
    """Athena's table properties: partitions are computed from the query, no crawler and no listing of partitions.

    Source: Athena user guide, partition projection: types, digits, storage.location.template. Years are an `enum`,
    because 1970 and 2010 on are two ranges; files of years after `last_year` are not found.
    """
    years = [UNDATED_YEAR, *range(EVENT_YEAR_MIN, last_year + 1)]
    return {
        "projection.enabled": "true",
        "projection.year.type": "enum",
        "projection.year.values": ",".join(str(year) for year in years),
        "projection.month.type": "integer",
        "projection.month.range": "1,12",
        "projection.month.digits": "2",
        "projection.day.type": "integer",
        "projection.day.range": "1,31",
        "projection.day.digits": "2",
        "storage.location.template": lake_location(obj, lake) + "year=${year}/month=${month}/day=${day}/",
    }


def create_external_table(obj: Object, lake: str, last_year: int = EVENT_YEAR_MAX, is_projected: bool = True) -> str:
    """Athena's table over the files, `<table>_files`. Read the views instead: files hold versions and tombstones.

    Without projection `MSCK REPAIR TABLE` finds the partitions.
    """
    quote = ATHENA.ddl_quote or ATHENA.quote
    name = ".".join(quote(part) for part in (obj.database, obj.table_name + FILES_SUFFIX))
    columns = ",\n".join(f"  {line}" for line in column_lines(lake_columns(obj), ATHENA, ()))
    keys = ", ".join(f"{quote(key)} string" for key in PARTITION_KEYS)
    values = projection(obj, lake, last_year) if is_projected else {"classification": "parquet"}
    properties = ",\n".join(f"  {text_literal(key)} = {text_literal(value)}" for key, value in values.items())
    return (
        f"CREATE EXTERNAL TABLE IF NOT EXISTS {name} (\n{columns}\n)\nPARTITIONED BY ({keys})\nSTORED AS PARQUET\n"
        f"LOCATION {text_literal(lake_location(obj, lake))}\nTBLPROPERTIES (\n{properties}\n)"
    )


def athena_statements(
    obj: Object, lake: str = EXAMPLE_LAKE, last_year: int = EVENT_YEAR_MAX, is_projected: bool = True
) -> tuple[str, ...]:
    """Everything Athena needs to read this object from a lake, in order. Each is a query of its own in Athena."""
    files = quote_qualified(ATHENA, obj.lake_table + FILES_SUFFIX)
    return (
        create_schema(ATHENA, obj.database),
        create_external_table(obj, lake, last_year, is_projected),
        *create_lake_views(obj, ATHENA, files),
    )


def object_statements(obj: Object, engine: Engine, lake: str) -> tuple[str, ...]:
    """Everything an engine needs for this object, in order: to store it, or to read it from a lake."""
    return athena_statements(obj, lake) if engine.tables is None else warehouse_statements(obj, engine)


@dataclass(frozen=True, slots=True)
class NamedQuery:
    """One statement: a unique name, the database it runs in, a description and its text."""

    name: str
    database: str
    about: str
    sql: str


def by_direction_and_answer_type(day: date = EXAMPLE_DAY) -> str:
    """The application's own test query, for any day."""
    return (
        "SELECT\n    direction,\n    answer_type,\n    COUNT(*) as call_count,\n"
        "    AVG(call_duration_seconds) as avg_duration_seconds,\n"
        "    SUM(CASE WHEN call_duration_seconds > 60 THEN 1 ELSE 0 END) as calls_over_one_minute\n"
        f"FROM {CALLS}\nWHERE year = '{day:%Y}' AND month = '{day:%m}' AND day = '{day:%d}'\n"
        "GROUP BY direction, answer_type\nORDER BY direction, answer_type"
    )


def named_queries(objects: Iterable[Object], lake: str, day: date = EXAMPLE_DAY) -> list[NamedQuery]:
    """All named queries in the order to run them: DDL, upkeep, questions."""
    quote = ATHENA.ddl_quote or ATHENA.quote
    queries: list[NamedQuery] = []
    known = tuple(objects)
    for obj in known:
        steps = ("database", "files", "versions", "view", *(["plain_view"] if has_plain(obj) else []))
        for step, sql in zip(steps, athena_statements(obj, lake), strict=True):
            about = f"Creates the {step} of {obj.lake_table}; once is enough."
            queries.append(NamedQuery(f"create_{obj.table_name}_{step}", obj.database, about, sql))
        table = ".".join(quote(part) for part in (obj.database, obj.table_name + FILES_SUFFIX))
        queries.append(
            NamedQuery(
                f"repair_{obj.table_name}",
                obj.database,
                f"Finds new partitions of {obj.lake_table} if it is registered without projection.",
                f"MSCK REPAIR TABLE {table}",
            )
        )
    for view in views_on(known, VIEWS.values()):
        about = f"Creates the view {view.database}.{view.name}; once is enough."
        queries.append(NamedQuery(f"create_{view.name}", view.database, about, create_view(view, ATHENA)))
    if views_on(known, [CALLS_VIEW]):
        queries.append(
            NamedQuery(
                "calls_by_direction_and_answer_type",
                CALLS_VIEW.database,
                "Calls of a day by direction and answer type: how many, how long, how many over a minute.",
                by_direction_and_answer_type(day),
            )
        )
    return queries
