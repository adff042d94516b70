"""A metric of another object: one record names its rows and event time, and no module of sql/ changes."""

from __future__ import annotations

from datetime import date, datetime

import duckdb
import pytest

from trunkline.engines.catalogue import ENGINES
from trunkline.engines.duckdb import DUCKDB
from trunkline.errors import UsageError
from trunkline.metrics.catalogue import METRICS
from trunkline.metrics.model import Population, count, percentiles, rate, time
from trunkline.metrics.question import Grouping, Threshold
from trunkline.objects.model import RECORD_COLUMNS, Dimension, Object, own_column
from trunkline.sql.ddl import warehouse_statements
from trunkline.sql.metric_query import compile_metrics

SHIFT = Object(
    name="agent_shift",
    database="own",
    warehouse_table="workforce.f_agent_shift",
    grain="One row per agent and shift.",
    key=("shift_id",),
    version="ended_at",
    event_time="ended_at",
    partition="began_at",
    delete_rule="Never deleted.",
    columns=(
        own_column("shift_id", "id", "Key.", nullable=False),
        own_column("agent_id", "agent.id", "The agent."),
        own_column("agent_name", "agent.name", "Name of the agent."),
        own_column("site", "site", "Where the agent works."),
        own_column("began_at", "began", "Start.", "timestamp", "UTC"),
        own_column("ended_at", "ended", "End.", "timestamp", "UTC"),
        own_column("idle_ms", "idle", "Time without a contact.", "bigint", "ms"),
        *RECORD_COLUMNS,
    ),
    anchor="id",
    dimensions=(Dimension("agent", "agent_id", "agent_name"), Dimension("site", "site")),
)
SHIFTS = Population(SHIFT, "ended_at", "shift", "agents' shifts by the time they ended")
SHIFT_METRICS = (
    count(SHIFTS, "SHIFTS_WORKED", "Shifts worked", "Shifts.", '"shift_id" IS NOT NULL'),
    time(SHIFTS, "average", "AVG_SHIFT_TIME", "Average shift", "Length.", 'MS_BETWEEN("began_at", "ended_at")'),
    rate(SHIFTS, "IDLE_SHIFT_RATE", "Idle shifts", "Idle.", '"idle_ms" > 0', '"shift_id" IS NOT NULL'),
    *percentiles(SHIFTS, "IDLE_TIME", "Idle time", "Idle time.", '"idle_ms"'),
)


@pytest.fixture(scope="module")
def shifts() -> duckdb.DuckDBPyConnection:
    con = duckdb.connect()
    for statement in warehouse_statements(SHIFT, DUCKDB):
        con.execute(statement)
    names = "shift_id, agent_id, agent_name, site, began_at, ended_at, idle_ms"
    record = [column.name for column in RECORD_COLUMNS if not column.nullable]
    values = ", ".join("TIMESTAMP '2026-03-02'" if name.endswith("_at") else "'0'" for name in record)
    con.execute(
        f"INSERT INTO workforce.f_agent_shift ({names}, {', '.join(record)}) SELECT *, {values} FROM (VALUES "
        "('s1', 'a1', 'Ann', 'Oslo', TIMESTAMP '2026-03-01 22:00', TIMESTAMP '2026-03-02 06:00', 1000), "
        "('s2', 'a1', 'Ann', 'Oslo', TIMESTAMP '2026-03-02 22:00', TIMESTAMP '2026-03-03 04:00', 0), "
        "('s3', 'a2', 'Bob', NULL, TIMESTAMP '2026-03-02 08:00', TIMESTAMP '2026-03-02 10:00', 3000), "
        "('s4', 'a2', 'Bob', NULL, TIMESTAMP '2026-03-03 08:00', NULL, 9000))"
    )
    return con


def test_a_metric_of_another_object_is_computed(shifts: duckdb.DuckDBPyConnection) -> None:
    """Its own groups, event time and values; a row without the event time is not counted."""
    query = compile_metrics(SHIFT_METRICS, Grouping(("agent",)), Threshold(20, {"Sales": 5}), None, None, DUCKDB)
    assert query.columns[:3] == ("agent_id", "agent_name", "shifts_worked")
    assert shifts.execute(query.sql).fetchall() == [
        ("a1", "Ann", 2, 25200.0, 50.0, 0.0, 1.0, 1.0),
        ("a2", "Bob", 1, 7200.0, 100.0, 3.0, 3.0, 3.0),
    ]


def test_its_period_and_intervals_are_by_its_event_time(shifts: duckdb.DuckDBPyConnection) -> None:
    """A shift that began in the period and ended after it is not in it."""
    bounds = datetime(2026, 3, 2), datetime(2026, 3, 3)
    query = compile_metrics(SHIFT_METRICS[:1], Grouping((), "day"), Threshold(20), *bounds, DUCKDB)
    assert shifts.execute(query.sql, list(query.params)).fetchall() == [(date(2026, 3, 2), 2)]


@pytest.mark.parametrize("engine", ENGINES.values(), ids=lambda engine: engine.name)
def test_it_compiles_for_every_engine(engine) -> None:
    """It reads the object's public view and nothing of contacts."""
    query = compile_metrics(SHIFT_METRICS, Grouping(("site",), "hour"), Threshold(20), None, None, engine)
    assert '"own"."agent_shift"' in query.sql
    assert "contact" not in query.sql


def test_a_group_of_another_object_is_refused() -> None:
    """The groups are those that the object declares."""
    with pytest.raises(UsageError, match=r"group 'queue' is not known; valid: agent, site \(agent_shift\)"):
        compile_metrics(SHIFT_METRICS, Grouping(("queue",)), Threshold(20), None, None, DUCKDB)


def test_metrics_about_different_rows_are_refused_together() -> None:
    """One statement answers about one kind of row; the message says what each metric is about."""
    both = (SHIFT_METRICS[0], METRICS["CONTACTS_QUEUED"])
    with pytest.raises(UsageError, match="SHIFTS_WORKED is about agents' shifts .* one after the other"):
        compile_metrics(both, Grouping(), Threshold(20), None, None, DUCKDB)
