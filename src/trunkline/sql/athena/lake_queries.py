"""Questions and upkeep of the lake that people keep by name: in a shell, or as Athena's named queries. Pure.

The statements of the post-call analytics application are here with its table names. `MSCK REPAIR TABLE` is for tables
registered without projection; it is the table over the files that has partitions, not the view.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from trunkline.engines.athena import ATHENA
from trunkline.objects.calls_view import CALLS_VIEW
from trunkline.objects.catalogue import VIEWS
from trunkline.objects.model import Object
from trunkline.sql.lake_views import FILES_SUFFIX, athena_statements, has_plain
from trunkline.sql.views import create_view, views_on

EXAMPLE_DAY = date(2026, 2, 11)
CALLS = f"{CALLS_VIEW.database}.{CALLS_VIEW.name}"


@dataclass(frozen=True, slots=True)
class NamedQuery:
    """One statement: a name that is unique, the database it runs in, what it is for, and its text."""

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
    """All of them, in the order in which they would be run: DDL, upkeep, questions."""
    quote = ATHENA.ddl_quote or ATHENA.quote
    made: list[NamedQuery] = []
    known = tuple(objects)
    for obj in known:
        steps = ("database", "files", "versions", "view", *(["plain_view"] if has_plain(obj) else []))
        for step, sql in zip(steps, athena_statements(obj, lake), strict=True):
            about = f"Creates the {step} of {obj.lake_table}; once is enough."
            made.append(NamedQuery(f"create_{obj.table_name}_{step}", obj.database, about, sql))
        table = ".".join(quote(part) for part in (obj.database, obj.table_name + FILES_SUFFIX))
        made.append(
            NamedQuery(f"repair_{obj.table_name}", obj.database,
                       f"Finds new partitions of {obj.lake_table}, where it is registered without projection.",
                       f"MSCK REPAIR TABLE {table}")
        )  # fmt: skip
    for view in views_on(known, VIEWS.values()):
        about = f"Creates the view {view.database}.{view.name}; once is enough."
        made.append(NamedQuery(f"create_{view.name}", view.database, about, create_view(view, ATHENA.name)))
    if views_on(known, [CALLS_VIEW]):
        made.append(
            NamedQuery("calls_by_direction_and_answer_type", CALLS_VIEW.database,
                       "Calls of a day by direction and answer type: how many, how long, how many over a minute.",
                       by_direction_and_answer_type(day))
        )  # fmt: skip
    return made
