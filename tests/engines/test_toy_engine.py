"""A new engine is one record: its DDL, views, grants and metrics follow, and no module of sql/ knows its name."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import duckdb
import pytest
from contacts import handled, queued

from trunkline.engines.duckdb import DUCKDB
from trunkline.engines.model import (
    Engine,
    RoleRules,
    TableRules,
    Unnested,
    quote_backtick,
    quote_double,
    quote_qualified,
)
from trunkline.errors import UsageError
from trunkline.metrics.catalogue import metrics_of
from trunkline.metrics.contact import CONTACTS
from trunkline.metrics.question import Grouping, Threshold
from trunkline.objects.catalogue import OBJECTS, VIEWS
from trunkline.objects.contact_record import CONTACT_RECORD
from trunkline.objects.view import Members
from trunkline.sql.ddl import create_table, warehouse_statements
from trunkline.sql.grants import grant_statements, role_statements
from trunkline.sql.metric_query import compile_metrics
from trunkline.sql.order import comparison, order_by
from trunkline.sql.star import analysis_statements
from trunkline.sql.views import select_view

RESERVED = {"references"}


def quote_where_needed(identifier: str) -> str:
    """Quotes no name that is plain."""
    return quote_double(identifier) if identifier in RESERVED or not identifier.isidentifier() else identifier


def unnest(members: Members, column: str) -> Unnested:
    fields = tuple(f"u.item.{'.'.join(leaf.path)} AS {leaf.name}" for leaf in members.leaves)
    return Unnested(fields, f", UNNEST({column}) AS u(item)")


BARE = replace(
    DUCKDB,
    name="toy",
    quote=quote_where_needed,
    tables=TableRules(has_primary_keys=True, storage=lambda key, partition: ""),
    roles=RoleRules(create=lambda role: f"CREATE USER {role}"),
    spelling=replace(
        DUCKDB.spelling,
        ms_between=lambda start, end: f"datediff('microsecond', {start}, {end}) // 1000",
        percentile=lambda value, percent, rank, count: f"MIN({value}) FILTER ({rank} * 100 >= {count} * {percent})",
        percentile_needs_rank=True,
        unnest=unnest,
    ),
)
"""DuckDB's SQL under another name, with keys, ranked percentiles and names that are quoted only where they must be."""

BACKTICKS = replace(BARE, quote=quote_backtick, type_of=lambda column: DUCKDB.type_of(column).replace('"', "`"))

CONTACTS_IN_TEST = [
    queued(5),
    queued(12.5),
    handled(3, agent_customer_hold_duration_ms=1500, agent_number_of_holds=2),
    handled(40, agent_id="a-2", agent_username="zoe"),
    {"channel": "CHAT"},
]


def loaded(engine: Engine) -> duckdb.DuckDBPyConnection:
    """A database with all of the engine's tables and views, and a few contacts."""
    con = duckdb.connect()
    for obj in OBJECTS.values():
        for statement in warehouse_statements(obj, engine):
            con.execute(statement)
    for statement in analysis_statements(OBJECTS.values(), engine):
        con.execute(statement)
    required = {column.name: "2026-06-09" if column.type == "timestamp" else "0" for column in CONTACT_RECORD.columns
                if not column.nullable}  # fmt: skip
    for number, contact in enumerate(CONTACTS_IN_TEST):
        row = required | {"disconnect_timestamp": datetime(2026, 6, 9, 12, number), **contact}
        row["contact_id"] = f"c-{number}"
        names, marks = ", ".join(row), ", ".join(f"${place}" for place in range(1, len(row) + 1))
        con.execute(f"INSERT INTO connect.f_calls ({names}) VALUES ({marks})", list(row.values()))
    return con


@pytest.mark.parametrize(
    "grouping", [Grouping(), Grouping(("queue", "agent")), Grouping(("channel",), "30min", "Asia/Kathmandu")]
)
def test_metrics_of_a_new_engine_equal_those_of_duckdb(grouping: Grouping) -> None:
    """Every metric, computed by the new engine's own expressions over its own tables and views."""
    rows = []
    for engine in (DUCKDB, BARE):
        query = compile_metrics(
            list(metrics_of(CONTACTS)), grouping, Threshold(10, {"Sales": 4}), datetime(2026, 6, 9), None, engine
        )
        rows.append(loaded(engine).execute(query.sql, list(query.params)).fetchall())
    assert rows[0] == rows[1]
    assert rows[0]


def test_views_of_a_new_engine_equal_those_of_duckdb() -> None:
    """The catalogue's views and the star have the same columns and rows."""
    connections = [loaded(engine) for engine in (DUCKDB, BARE)]
    views = [f"{view.database}.{view.name}" for view in VIEWS.values()] + ["connect.v_fact_call", "connect.d_agent"]
    for view in views:
        ours, theirs = (con.execute(f"SELECT * FROM {view} ORDER BY ALL") for con in connections)
        assert [column[0] for column in ours.description or ()] == [column[0] for column in theirs.description or ()]
        assert ours.fetchall() == theirs.fetchall()


def test_every_name_is_quoted_as_the_engine_quotes() -> None:
    """No statement of an engine with backticks has a double quote, and its own rules are in the DDL and grants."""
    contacts = CONTACT_RECORD
    query = compile_metrics(
        list(metrics_of(CONTACTS)), Grouping(("queue",), "hour"), Threshold(10), None, None, BACKTICKS
    )
    statements = [
        *warehouse_statements(contacts, BACKTICKS),
        *analysis_statements([contacts], BACKTICKS),
        *grant_statements([contacts], BACKTICKS),
        *(select_view(view, BACKTICKS) for view in VIEWS.values() if not view.members),
        query.sql,
        order_by(contacts, BACKTICKS, "t"),
        *comparison(contacts, BACKTICKS, "s", "t"),
    ]
    assert [sql for sql in statements if '"' in sql] == []
    assert "PRIMARY KEY (`contact_id`)" in create_table(contacts, BACKTICKS)
    assert role_statements(BACKTICKS, "reader", "auditor") == ("CREATE USER reader", "CREATE USER auditor")
    assert quote_qualified(BACKTICKS, CONTACTS.obj.public_view) in query.sql


def test_an_engine_without_tables_or_roles_says_so() -> None:
    """What an engine does not have is an error in words, not a statement that fails there."""
    reader = replace(BARE, tables=None, roles=None)
    with pytest.raises(UsageError, match="toy reads the lake and stores no tables; use duckdb, postgres or redshift"):
        warehouse_statements(CONTACT_RECORD, reader)
    with pytest.raises(UsageError, match="toy has no roles that SQL grants to.*use postgres or redshift"):
        role_statements(reader)
