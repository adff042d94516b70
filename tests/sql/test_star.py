"""Star schema, contact families and grants: in DuckDB, in PostgreSQL, and Redshift's text in PostgreSQL."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import redshift_on_postgres as on_postgres
from warehouses import REQUIRED, empty_warehouse

from trunkline.engines.catalogue import find
from trunkline.engines.duckdb import DUCKDB
from trunkline.errors import UsageError
from trunkline.objects.catalogue import CONTACT_VIEWS, OBJECTS
from trunkline.objects.contact_record import CONTACT_RECORD
from trunkline.sql.ddl import warehouse_statements
from trunkline.sql.family import RELATIONS, family_statements
from trunkline.sql.grants import ANALYST, ANALYST_PII, grant_statements, role_statements
from trunkline.sql.star import analysis_statements, personal_columns, star_statements

T0 = datetime(2026, 3, 8, 23, 59, 58)
ZONE = "America/New_York"
Query = Callable[[str], list[tuple[Any, ...]]]


def at(second: float) -> datetime:
    return T0 + timedelta(seconds=second)


def leg(contact: str, second: int, **more: Any) -> dict[str, Any]:
    row = {
        "contact_id": contact,
        "channel": "VOICE",
        "initiation_method": "INBOUND",
        "initiation_timestamp": at(second),
    }
    return {**row, **REQUIRED, **more}


def child(contact: str, of: str, second: int, **more: Any) -> dict[str, Any]:
    more = {"initiation_method": "TRANSFER", "initial_contact_id": "root", "previous_contact_id": of, **more}
    return leg(contact, second, **more)


AGENT = {"agent_id": "a1", "agent_connected_to_agent_timestamp": at(5), "agent_interaction_duration_ms": 60_000}
ROWS = [
    leg("root", 0, queue_id="q1", queue_name="Old name", queue_enqueue_timestamp=at(1), disconnect_timestamp=at(90),
        agent_username="ann", agent_after_contact_work_start_timestamp=at(90), agent_customer_hold_duration_ms=9_000,
        transfer_completed_timestamp=at(80), customer_endpoint_address="hashed", attributes_k="v", **AGENT),
    child("transfer", "root", 70, agent_after_contact_work_start_timestamp=at(200), disconnect_timestamp=at(200),
          agent_id="a2", agent_interaction_duration_ms=9_000, agent_connected_to_agent_timestamp=at(80),
          queue_id="q1", queue_name="New name"),
    child("consult", "root", 20, agent_after_contact_work_start_timestamp=at(30), agent_interaction_duration_ms=2_000,
          disconnect_timestamp=at(30)),
    child("conference", "root", 40, agent_after_contact_work_start_timestamp=at(60), disconnect_timestamp=at(60),
          agent_interaction_duration_ms=2_001),
    child("outside consult", "root", 41, initiation_method="EXTERNAL_OUTBOUND", disconnect_timestamp=at(50),
          external_third_party_interaction_duration_ms=9_000),
    child("outside conference", "root", 42, initiation_method="EXTERNAL_OUTBOUND", disconnect_timestamp=at(51),
          external_third_party_interaction_duration_ms=9_001),
    child("outside transfer", "root", 43, initiation_method="EXTERNAL_OUTBOUND", disconnect_timestamp=at(400)),
    child("queue transfer", "root", 44, initiation_method="QUEUE_TRANSFER", disconnect_timestamp=at(45)),
    child("callback", "root", 45, initiation_method="CALLBACK", disconnect_timestamp=at(46)),
    child("listening", "root", 46, initiation_method="MONITOR", disconnect_timestamp=at(47)),
    child("after", "root", 201, initiation_method="DISCONNECT", disconnect_timestamp=at(202)),
    child("orphan", "not here", 50, disconnect_timestamp=at(51)),
    leg("alone", 3),
    leg("named", 4, queue_id="q2", queue_name="Sales", queue_arn="arn:early", agent_id="a3", agent_username="zoe",
        agent_arn="arn:a3"),
    leg("unnamed", 5, queue_id="q2", queue_arn="arn:late", agent_id="a3"),
    leg("long ago", 0) | {"initiation_timestamp": datetime(1999, 1, 1, 7, 5)},
    leg("deleted", 0, queue_id="q9") | {"record_is_deleted": True},
]  # fmt: skip


LISTED = [
    ("d_queues", {"queue_id": "q1", "queue_name": "New name", "queue_status": "ENABLED", "max_contacts": 9}),
    ("d_queues", {"queue_id": "q7", "queue_name": "Closed", "queue_arn": "arn:q7", "record_is_deleted": True}),
    ("d_agents", {"agent_id": "a1", "agent_username": "ann", "first_name": "Ann", "agent_routing_profile_id": "p1",
                  "agent_hierarchy_group_id": "g1"}),
    ("d_agents", {"agent_id": "a7", "agent_username": "old", "agent_routing_profile_id": "p9", "record_is_deleted": True}),
    ("d_routing_profiles", {"agent_routing_profile_id": "p1", "routing_profile_name": "Voice"}),
    ("d_agent_hierarchy_groups", {"agent_hierarchy_group_id": "g1", "level_1_name": "EMEA"}),
]  # fmt: skip
"""What a listing of the instance has, of queues and agents with contacts and without."""


def filled(execute: Callable[[str, list[Any]], Any], place: str) -> None:
    for table, row in [*(("f_calls", row) for row in ROWS), *((table, REQUIRED | row) for table, row in LISTED)]:
        names = [name for name in row if name != "attributes_k"]
        marks = ", ".join([place] * len(names))
        execute(f"INSERT INTO connect.{table} ({', '.join(names)}) VALUES ({marks})", [row[name] for name in names])


def postgres(uri: str, engine: str) -> Any:
    import psycopg

    db: Any = psycopg.connect(uri, autocommit=True)
    db.execute("SET client_min_messages = error")
    for schema in ("connect", "connect_datalake", "post_call_analytics"):
        db.execute(f"DROP SCHEMA IF EXISTS {schema} CASCADE")
    for function in on_postgres.FUNCTIONS:
        db.execute(function)
    found = find(engine)
    tables = [sql for obj in OBJECTS.values() for sql in warehouse_statements(obj, found)]
    for sql in (*tables, *analysis_statements(OBJECTS.values(), found, zone=ZONE) * 2):
        db.execute(on_postgres.translated(sql) if engine == "redshift" else sql)
    filled(db.execute, "%s")
    return db


@pytest.fixture(scope="module", params=["duckdb", "postgres", "redshift"])
def query(request: pytest.FixtureRequest) -> Iterator[Query]:
    if request.param == "duckdb":
        db: Any = empty_warehouse().local
        for sql in star_statements(OBJECTS.values(), DUCKDB, ZONE):
            db.execute(sql)
        filled(db.execute, "?")
    else:
        db = postgres(request.getfixturevalue("postgres_uri"), request.param)
    yield lambda sql: db.execute(sql).fetchall()
    db.close()


def test_every_contact_joins_every_dimension(query: Query) -> None:
    """Inner joins with all dimensions keep each contact once, unknown or not; deleted rows are left out."""
    joined = query(
        "SELECT f.contact_id, q.queue_name, a.agent_username, d.calendar_year, t.half_hour, e.date_key "
        "FROM connect.v_fact_call AS f JOIN connect.d_queue AS q ON q.queue_key = f.queue_key "
        "JOIN connect.d_agent AS a ON a.agent_key = f.agent_key "
        "JOIN connect.d_date AS d ON d.date_key = f.initiation_date_key "
        "JOIN connect.d_time AS t ON t.time_key = f.initiation_time_key "
        "JOIN connect.d_date AS e ON e.date_key = f.disconnect_date_key"
    )
    rows = {row[0]: row[1:] for row in joined}
    assert len(joined) == len(rows) == len(ROWS) - 1
    assert rows["root"] == ("New name", "ann", 2026, "23:30", 20260309)
    assert rows["transfer"][:2] == ("New name", "a2"), "without a name the id stands in"
    assert rows["alone"] == ("unknown", "unknown", 2026, "00:00", -1)
    assert rows["long ago"] == ("unknown", "unknown", None, "07:00", -1), "a day that d_date does not have"


def test_keys_of_dimensions_are_unique(query: Query) -> None:
    """Each dimension has one row per key, one of them unknown, so that a join doubles nothing."""
    for table, key, unknown in (
        ("d_agent", "agent_key", "unknown"), ("d_queue", "queue_key", "unknown"),
        ("d_date", "date_key", -1), ("d_time", "time_key", -1),
    ):  # fmt: skip
        keys = [row[0] for row in query(f"SELECT {key} FROM connect.{table}")]
        assert len(keys) == len(set(keys))
        assert None not in keys
        assert keys.count(unknown) == 1
    assert query("SELECT count(*) FROM connect.d_time") == [(1441,)]


def test_days_are_those_of_the_calendar(query: Query) -> None:
    """Every day from 2010 to 2039 with the year, ISO week and weekday that Python gives it."""
    days = query(
        "SELECT date_key, calendar_date, calendar_year, calendar_quarter, month_number, month_name, day_of_month, "
        "iso_week, iso_weekday, weekday_name, is_weekend, iso_year FROM connect.d_date WHERE date_key <> -1 ORDER BY date_key"
    )
    first = datetime(2010, 1, 1).date()
    assert len(days) == 10_957
    for number, row in enumerate(days):
        day = first + timedelta(days=number)
        iso = day.isocalendar()
        assert row == (
            day.year * 10_000 + day.month * 100 + day.day, day, day.year, (day.month + 2) // 3, day.month,
            day.strftime("%B"), day.day, iso.week, iso.weekday, day.strftime("%A"), int(iso.weekday > 5),
            iso.year,
        )  # fmt: skip


def test_local_keys_are_of_the_zone(query: Query) -> None:
    """Day and minute of the zone's wall clock, also on the day of a clock change; UTC keys beside them; -1 without."""
    rows = {row[0]: row[1:] for row in query(
        "SELECT contact_id, initiation_date_key, initiation_time_key, initiation_local_date_key, "
        "initiation_local_time_key, disconnect_local_date_key, disconnect_local_time_key FROM connect.v_fact_call"
    )}  # fmt: skip
    assert len(rows) == len(ROWS) - 1
    for row in ROWS:
        if row.get("record_is_deleted"):
            continue
        times = [row.get("initiation_timestamp"), row.get("disconnect_timestamp")]
        walls = [time and time.replace(tzinfo=UTC).astimezone(ZoneInfo(ZONE)) for time in times]
        expected = [part for wall in (times[0], *walls) for part in keys_of(wall)]
        assert rows[row["contact_id"]] == tuple(expected), row["contact_id"]
    joined = query(
        "SELECT f.contact_id, d.calendar_date, t.half_hour FROM connect.v_fact_call AS f "
        "JOIN connect.d_date AS d ON d.date_key = f.initiation_local_date_key "
        "JOIN connect.d_time AS t ON t.time_key = f.initiation_local_time_key"
    )
    assert len(joined) == len(ROWS) - 1


def keys_of(wall: datetime | None) -> tuple[int, int]:
    """Date and time key of a wall clock; a day before 2010 is none of `d_date`."""
    if wall is None:
        return -1, -1
    date_key = wall.year * 10_000 + wall.month * 100 + wall.day if wall.year >= 2010 else -1
    return date_key, wall.hour * 60 + wall.minute


def test_a_name_is_the_latest_that_is_known(query: Query) -> None:
    """The latest contact of `q2` has no queue name, nor that of `a3` an agent name: an earlier one gives it."""
    assert query("SELECT queue_name, queue_arn FROM connect.d_queue WHERE queue_key = 'q2'") == [("Sales", "arn:late")]
    assert query("SELECT agent_username, agent_arn FROM connect.d_agent WHERE agent_key = 'a3'") == [("zoe", None)]


def test_what_a_listing_has_is_in_the_dimensions(query: Query) -> None:
    """Queues and agents without contacts too, what was deleted marked; names of profiles and groups looked up."""
    queues = query(
        "SELECT queue_key, queue_name, queue_status, max_contacts, is_deleted FROM connect.d_queue ORDER BY 1"
    )
    assert queues == [
        ("q1", "New name", "ENABLED", 9, 0), ("q2", "Sales", None, None, 0), ("q7", "Closed", None, None, 1),
        ("unknown", "unknown", None, None, 0),
    ]  # fmt: skip
    agents = query(
        "SELECT agent_key, agent_username, first_name, agent_routing_profile_name, "
        "agent_hierarchy_groups_level_1_name, is_deleted FROM connect.d_agent ORDER BY 1"
    )
    assert agents == [
        ("a1", "ann", "Ann", "Voice", "EMEA", 0), ("a2", "a2", None, None, None, 0),
        ("a3", "zoe", None, None, None, 0), ("a7", "old", None, None, None, 1),
        ("unknown", "unknown", None, None, None, 0),
    ]  # fmt: skip


def test_a_listing_is_newer_than_contacts() -> None:
    """A queue and an agent that were renamed have their new names, also for contacts of before."""
    db = empty_warehouse().local
    contact_of = leg("c", 0, queue_id="q1", queue_name="Old", agent_id="a1", agent_username="old")
    listed = {
        "d_queues": {"queue_id": "q1", "queue_name": "New"},
        "d_agents": {"agent_id": "a1", "agent_username": "new"},
    }
    for table, row in (("f_calls", contact_of), *((table, REQUIRED | row) for table, row in listed.items())):
        marks = ", ".join("?" * len(row))
        db.execute(f"INSERT INTO connect.{table} ({', '.join(row)}) VALUES ({marks})", [*row.values()])
    assert db.execute("SELECT queue_name FROM connect.d_queue WHERE queue_key = 'q1'").fetchall() == [("New",)]
    assert db.execute("SELECT agent_username FROM connect.d_agent WHERE agent_key = 'a1'").fetchall() == [("new",)]


def test_facts_have_the_statistics(query: Query) -> None:
    """Flags and times are those of `contact_statistic_record`, contact by contact."""
    names = "contact_id, is_queued, is_handled, is_abandoned, handle_time_ms, queue_time_ms, contact_flow_time_ms"
    facts = query(f"SELECT {names} FROM connect.v_fact_call ORDER BY contact_id")
    assert facts == query(f"SELECT {names} FROM connect_datalake.contact_statistic_record ORDER BY contact_id")
    assert {row[0]: row[1:3] for row in facts}["root"] == (1, 1)


def test_personal_data_is_in_one_view(query: Query) -> None:
    """The personal columns are in `v_fact_call_pii` and nowhere else among the views of the star."""
    columns = "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = 'connect'"
    found = {(table, column) for table, column in query(columns) if table.startswith(("v_", "d_"))}
    personal = set(personal_columns(CONTACT_RECORD))
    assert {"customer_endpoint_address", "attributes", "customer_id"} <= personal
    assert {table for table, column in found if column in personal} == {"v_fact_call_pii"}
    assert personal <= {column for table, column in found if table == "v_fact_call_pii"}


def test_relations_of_legs(query: Query) -> None:
    """Each kind of leg by Amazon's rules; NULL where the parent is missing."""
    legs = dict(query("SELECT contact_id, relation FROM connect.v_contact_leg"))
    assert legs == {
        "root": "root", "alone": "root", "long ago": "root", "named": "root", "unnamed": "root", "transfer": "transfer", "consult": "consult",
        "conference": "conference", "outside consult": "external_consult", "outside conference": "external_conference",
        "outside transfer": "external_transfer", "queue transfer": "queue_transfer", "callback": "callback",
        "listening": "monitor", "after": "disconnect_flow", "orphan": None,
    }  # fmt: skip
    assert {name for name in legs.values() if name} == {name for name, _ in RELATIONS}


def test_a_family_is_one_row(query: Query) -> None:
    """One customer call: its root, how many legs of which kind, who took part, from when to when."""
    families = query(
        "SELECT family_id, root_contact_id, channel, initiation_method, leg_count, transfer_count, consult_count, "
        "conference_count, callback_count, handled_leg_count, agent_count, queue_count, first_initiation_timestamp, "
        "last_disconnect_timestamp, agent_interaction_duration_ms FROM connect.v_contact_family ORDER BY family_id"
    )
    assert families == [
        ("alone", "alone", "VOICE", "INBOUND", 1, 0, 0, 0, 0, 0, 0, 0, at(3), None, None),
        ("long ago", "long ago", "VOICE", "INBOUND", 1, 0, 0, 0, 0, 0, 0, 0, datetime(1999, 1, 1, 7, 5), None, None),
        ("named", "named", "VOICE", "INBOUND", 1, 0, 0, 0, 0, 0, 1, 1, at(4), None, None),
        ("root", "root", "VOICE", "INBOUND", 12, 3, 2, 2, 1, 2, 2, 1, at(0), at(400), 73_001),
        ("unnamed", "unnamed", "VOICE", "INBOUND", 1, 0, 0, 0, 0, 0, 1, 1, at(5), None, None),
    ]
    assert query("SELECT contact_id FROM connect.v_contact_leg WHERE leg_number = 1 ORDER BY 1") == [
        ("alone",), ("long ago",), ("named",), ("root",), ("unnamed",)
    ]  # fmt: skip


def test_roles_read_what_they_are_granted(postgres_uri: str) -> None:
    """In PostgreSQL: the analyst reads views and no personal column, the second role reads those too, neither reads tables."""
    import psycopg

    db = postgres(postgres_uri, "postgres")
    engine = find("postgres")
    for sql in (*role_statements(engine), *grant_statements(OBJECTS.values(), engine)) * 2:
        db.execute(sql)
    open_to_both = [
        "SELECT count(*) FROM connect.v_fact_call", "SELECT count(*) FROM connect.d_agent",
        "SELECT count(*) FROM connect.d_queue", "SELECT count(*) FROM connect.d_date",
        "SELECT count(*) FROM connect.d_time", "SELECT count(*) FROM connect.v_contact_leg",
        "SELECT count(*) FROM connect.v_contact_family", "SELECT count(*) FROM connect_datalake.contact_statistic_record",
        "SELECT contact_id, queue_name FROM connect_datalake.contact_record",
    ]  # fmt: skip
    personal = [
        "SELECT customer_endpoint_address FROM connect_datalake.contact_record",
        "SELECT attributes FROM connect_datalake.contact_record",
        "SELECT * FROM connect_datalake.contact_record",
        "SELECT count(*) FROM connect.v_fact_call_pii",
    ]
    closed = [
        "SELECT count(*) FROM connect.f_calls", "SELECT count(*) FROM connect.f_calls_staging",
        "DELETE FROM connect.v_fact_call", "DELETE FROM connect_datalake.contact_record",
        "UPDATE connect_datalake.contact_record SET channel = 'VOICE'",
    ]  # fmt: skip
    for role, may, may_not in (
        (ANALYST, open_to_both, personal + closed),
        (ANALYST_PII, open_to_both + personal, closed),
    ):
        db.execute(f"SET ROLE {role}")
        for sql in may:
            db.execute(sql).fetchall()
        for sql in may_not:
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                db.execute(sql)
        db.execute("RESET ROLE")
    for role in (ANALYST_PII, ANALYST):
        db.execute(f"DROP OWNED BY {role}; DROP ROLE {role}")
    db.close()


def test_redshift_grants_views_to_roles() -> None:
    """Redshift names roles as roles, grants views alone, and gives personal columns to the second role only."""
    engine = find("redshift")
    statements = grant_statements(OBJECTS.values(), engine)
    assert statements[0] == f'GRANT ROLE "{ANALYST}" TO ROLE "{ANALYST_PII}"'
    assert f'GRANT SELECT ON "connect"."v_fact_call" TO ROLE "{ANALYST}"' in statements
    assert not [sql for sql in statements if "f_calls" in sql or "GRANT SELECT (" in sql]
    to_second = [sql for sql in statements if sql.endswith(f'TO ROLE "{ANALYST_PII}"')][1:]
    assert [sql.split(" ON ")[1].split(" TO ")[0] for sql in to_second] == [
        '"connect_datalake"."contact_record"', '"post_call_analytics"."scorecards"', '"post_call_analytics"."transcript"',
        '"connect_datalake"."contact_event"', '"connect_datalake"."users"', '"connect_datalake"."agent"', '"salesforce"."user"',
        '"salesforce"."customer_contact"', '"salesforce"."case"', '"connect_datalake"."contact_evaluation"',
        '"post_call_analytics"."transcript_turn"', '"connect_datalake"."contact_evaluation_item"', '"connect"."v_fact_call_pii"',
    ]  # fmt: skip


def test_a_missing_feature_is_a_usage_error() -> None:
    """Athena has no warehouse views, DuckDB and Athena no roles; without contacts there is no star."""
    for statements in (star_statements, family_statements):
        with pytest.raises(UsageError, match="use duckdb, postgres or redshift"):
            statements(OBJECTS.values(), find("athena"))
        assert statements([], find("duckdb")) == ()
    assert analysis_statements([], find("postgres")) == ()
    for name in ("duckdb", "athena"):
        for make in (lambda e: grant_statements(OBJECTS.values(), e), role_statements):
            with pytest.raises(UsageError, match="use postgres or redshift"):
                make(find(name))


def test_the_catalogue_knows_the_views_beside_contacts() -> None:
    """A user's object may take no name of theirs, which the catalogue must know without sql/."""
    created = [*star_statements(OBJECTS.values(), DUCKDB), *family_statements(OBJECTS.values(), DUCKDB)]
    names = {re.match(r'CREATE OR REPLACE VIEW "connect"\."(\w+)"', statement)[1] for statement in created}  # type: ignore[index]
    assert names == set(CONTACT_VIEWS)
