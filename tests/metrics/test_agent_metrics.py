"""Metrics of agents equal the oracle, bit for bit, by every grouping, interval and zone."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import product

import pytest
from homes import load_into, opened

from trunkline.engines.duckdb import DUCKDB
from trunkline.errors import UsageError
from trunkline.metrics.agent import AGENT_INTERVALS, AGENT_METRICS, AGENT_QUEUE_INTERVALS
from trunkline.metrics.catalogue import metrics_of, select
from trunkline.metrics.contact import CONTACTS
from trunkline.metrics.model import Population
from trunkline.metrics.question import Grouping, Threshold
from trunkline.pipelines.home import Home
from trunkline.simulator.events.day import EventKind, arrivals, simulate_day
from trunkline.simulator.oracle.agent_metrics import agent_answers
from trunkline.simulator.oracle.agent_statistics import AgentStatistics, agent_statistics
from trunkline.simulator.spec import Spec, StreamFaults
from trunkline.sql.metric_query import compile_metrics

# The clocks of New York and of Lord Howe change on or beside these days.
SPEC = Spec(contacts=150, seed=21, date=datetime(2026, 3, 8).date())
INTERVALS = (("15min", "UTC"), ("hour", "America/New_York"), ("day", "Asia/Kathmandu"))
GROUPS = {AGENT_INTERVALS: [(), ("agent",)], AGENT_QUEUE_INTERVALS: [(), ("queue",), ("agent", "channel")]}


@pytest.fixture(scope="module", params=["duckdb", "postgresql"])
def loaded(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Home, AgentStatistics]]:
    folder = tmp_path_factory.mktemp("metrics")
    day = simulate_day(SPEC)
    events = [a.event for a in arrivals(day, StreamFaults(duplication=0.1), frozenset((EventKind.AGENT_EVENT,)))]
    records = [a.event for a in arrivals(day, kinds=frozenset((EventKind.CONTACT_RECORD,)))]
    options = {} if request.param == "duckdb" else {"warehouse": request.getfixturevalue("postgres_databases").new()}
    with opened(folder / "home", **options) as home:
        for name, delivered in (("agent_event", events), ("contact_record", records)):
            path = folder / name
            path.write_text("".join(json.dumps(record) for record in delivered))
            load_into(home, path, obj=home.objects[name])
        yield home, agent_statistics(events, {c.contact_id: c.disconnected_at for c in day.played.contacts})


@pytest.mark.parametrize("of", GROUPS, ids=["agents", "agents and queues"])
def test_every_metric_equals_the_oracle(loaded: tuple[Home, AgentStatistics], of: Population) -> None:
    """All groupings, with and without intervals in zones with odd hours; values and types to the bit."""
    home, statistics = loaded
    since, until = datetime(2026, 3, 8, 6, tzinfo=UTC), datetime(2026, 3, 8, 23, 15, tzinfo=UTC)
    asked = [(by, None, "UTC") for by in GROUPS[of]]
    asked += [(by, *kind) for by, kind in product(GROUPS[of][:2], INTERVALS)]
    compared = 0
    for by, interval, zone in asked:
        grouping = Grouping(by, interval, zone)
        query = compile_metrics(metrics_of(of), grouping, Threshold(20), since, until, home.warehouse.engine)
        rows = home.warehouse.query(query.numbered, query.params)
        keys = [query.columns.index(d.key) for d in grouping.dimensions(of)]
        keys += [query.columns.index("interval_start")] if interval else []
        for metric in metrics_of(of):
            place = query.columns.index(metric.column)
            found = {tuple(row[at] for at in keys): row[place] for row in rows}
            bounds = (int(since.timestamp()) * 1000, int(until.timestamp()) * 1000)
            expected = agent_answers(statistics, metric.name, by, interval, zone, *bounds)
            assert {key: repr(value) for key, value in found.items()} == {k: repr(v) for k, v in expected.items()}
            compared += len(expected)
    assert compared > 300


def test_every_metric_says_something(loaded: tuple[Home, AgentStatistics]) -> None:
    """None is zero or NULL over the day."""
    _, statistics = loaded
    assert all(agent_answers(statistics, metric.name)[()] for metric in AGENT_METRICS)


def test_groups_have_names(loaded: tuple[Home, AgentStatistics]) -> None:
    """Agents, queues and routing profiles by name beside their ids."""
    home, _ = loaded
    for name, by in (
        ("agent_occupancy", "agent"),
        ("agent_occupancy", "routing_profile"),
        ("agent_non_response", "queue"),
    ):
        query = compile_metrics(select([name]), Grouping((by,)), Threshold(20), None, None, home.warehouse.engine)
        rows = home.warehouse.query(query.numbered, query.params)
        assert rows
        assert all(row[1] for row in rows)


def test_metrics_of_other_rows_are_not_mixed() -> None:
    """Occupancy and a metric of contacts have no rows in common."""
    with pytest.raises(UsageError, match="query them one after the other"):
        compile_metrics(select(["agent_occupancy", "contacts_handled"]), Grouping(), Threshold(20), None, None, DUCKDB)
    assert {metric.of.obj.name for metric in (*metrics_of(CONTACTS), *AGENT_METRICS)} == {
        "contact_record", "agent_statistic_record", "agent_queue_statistic_record",
    }  # fmt: skip
