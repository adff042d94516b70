"""The same numbers from other engines: PostgreSQL, Redshift's SQL run on PostgreSQL, Athena's SQL read as Trino's."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest
from contacts import COLUMNS, database, random_contacts

from trunkline.engines.catalogue import ENGINES
from trunkline.metrics.catalogue import metrics_of
from trunkline.metrics.contact import CONTACTS as OF_CONTACTS
from trunkline.metrics.question import Grouping, Threshold
from trunkline.objects.contact_statistic_record import CONTACT_STATISTIC_RECORD
from trunkline.sql.metric_query import MetricQuery, compile_metrics
from trunkline.sql.views import create_view

CONTACTS = random_contacts(1, 400, datetime(2026, 10, 31, 18), 2 * 86_400)
X = Threshold(20, {"q-1": 10, "sales": 30}, {"CHAT": 45, "TASK": 0.5})
GROUPINGS = [
    Grouping(),
    Grouping(("queue", "agent", "routing_profile")),
    Grouping(("queue",), "15min", "Asia/Kathmandu"),
    Grouping((), "30min", "Australia/Lord_Howe"),
    Grouping(("channel",), "hour", "America/New_York"),
    Grouping(("initiation_method", "queue"), "day", "America/New_York"),
]
BOUNDS = (datetime(2026, 10, 31, 20), datetime(2026, 11, 2, 10))

# Redshift's own functions, as AWS documents them, where PostgreSQL has none of that name.
REDSHIFT_FUNCTIONS = """
CREATE FUNCTION convert_timezone(source text, target text, moment timestamp) RETURNS timestamp LANGUAGE sql
AS 'SELECT timezone(target, timezone(source, moment))';
CREATE FUNCTION datediff(part text, a timestamp, b timestamp) RETURNS bigint LANGUAGE sql
AS 'SELECT CAST(TRUNC(EXTRACT(EPOCH FROM (date_trunc(part, b) - date_trunc(part, a)))
    * CASE part WHEN ''millisecond'' THEN 1000 ELSE 1 END) AS BIGINT)';
CREATE FUNCTION dateadd(part text, number bigint, moment timestamp) RETURNS timestamp LANGUAGE sql
AS 'SELECT moment + CAST(number || '' '' || part AS INTERVAL)';
"""


def compiled(grouping: Grouping, engine: str) -> MetricQuery:
    """Every metric by this grouping."""
    return compile_metrics(list(metrics_of(OF_CONTACTS)), grouping, X, *BOUNDS, ENGINES[engine])


def on_duckdb(grouping: Grouping) -> list[tuple[Any, ...]]:
    """The rows DuckDB gives."""
    query = compiled(grouping, "duckdb")
    return database(CONTACTS).execute(query.sql, list(query.params)).fetchall()


@pytest.fixture(scope="module")
def postgres(postgres_uri: str) -> Iterator[Any]:
    """A connection to a database of a real PostgreSQL with the contacts and nothing else."""
    psycopg = pytest.importorskip("psycopg", reason="needs psycopg")
    from psycopg.conninfo import make_conninfo

    with psycopg.connect(postgres_uri, autocommit=True) as server:
        server.execute("CREATE DATABASE metric_engines TEMPLATE template0")
    own_uri = make_conninfo(postgres_uri, dbname="metric_engines")
    plain = [name for name in COLUMNS if not COLUMNS[name].startswith(("MAP", "STRUCT"))]
    with psycopg.connect(own_uri) as connection, psycopg.RawCursor(connection) as cursor:
        cursor.execute("CREATE SCHEMA connect_datalake")
        types = ", ".join(f'"{name}" {COLUMNS[name].replace("VARCHAR", "TEXT")}' for name in plain)
        cursor.execute(f"CREATE TABLE connect_datalake.contact_record ({types})")
        with cursor.copy("COPY connect_datalake.contact_record FROM STDIN") as copy:
            for contact in CONTACTS:
                copy.write_row([contact.get(name) for name in plain])
        for statement in REDSHIFT_FUNCTIONS.split(";\n"):
            if statement.strip():
                cursor.execute(statement)
        yield cursor
        connection.rollback()


@pytest.mark.parametrize("grouping", GROUPINGS, ids=str)
def test_postgresql_agrees_to_the_bit(postgres: Any, grouping: Grouping) -> None:
    """Every metric, by every kind of group and zone, is the same in PostgreSQL: values, types and order of rows."""
    query = compiled(grouping, "postgres")
    postgres.execute(query.sql, list(query.params))
    rows = postgres.fetchall()
    assert [tuple(map(type, row)) for row in rows] == [tuple(map(type, row)) for row in on_duckdb(grouping)]
    assert rows == on_duckdb(grouping)


@pytest.mark.parametrize("grouping", GROUPINGS, ids=str)
def test_redshifts_sql_agrees_on_postgresql(postgres: Any, grouping: Grouping) -> None:
    """Redshift's SQL, with stand-ins for its own functions, gives the same rows; ranks replace PERCENTILE_DISC there."""
    query = compiled(grouping, "redshift")
    sql = query.sql.replace(":since", "$1").replace(":until", "$2")
    sql = re.sub(r"(DATEDIFF|DATEADD)\((\w+),", r"\1('\2',", sql)
    postgres.execute(sql, list(query.params))
    assert sorted(map(repr, postgres.fetchall())) == sorted(map(repr, on_duckdb(grouping)))


def test_the_statistics_view_agrees_on_postgresql(postgres: Any) -> None:
    """Every column of the view has the same value in PostgreSQL."""
    names = ", ".join(f'"{column.name}"' for column in CONTACT_STATISTIC_RECORD.columns if column.name != "instance_id")
    select = f"SELECT {names} FROM connect_datalake.contact_statistic_record ORDER BY contact_id"
    wanted = database(CONTACTS).execute(select).fetchall()
    postgres.execute(create_view(CONTACT_STATISTIC_RECORD, ENGINES["postgres"]))
    postgres.execute(select.replace("ORDER BY contact_id", 'ORDER BY contact_id COLLATE "C"'))
    assert postgres.fetchall() == wanted
