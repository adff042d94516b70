"""Agents' views equal an independent computation from the raw events, on every engine that runs here."""

from __future__ import annotations

import json
import random
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest
from homes import Record, load_into, opened, settings_of

from trunkline.engines.athena import ATHENA
from trunkline.objects.catalogue import VIEWS
from trunkline.pipelines.home import Home
from trunkline.pipelines.reading import open_reader, query
from trunkline.simulator.events.day import EventKind, arrivals, simulate_day
from trunkline.simulator.oracle.agent_statistics import AgentStatistics, agent_statistics
from trunkline.simulator.spec import Spec, StreamFaults
from trunkline.sql.trino.translate import SETTINGS, to_duckdb
from trunkline.sql.views import select_view

AGENT_COLUMNS = (
    "user_arn", "interval_start_time", "online_time", "non_productive_time", "error_time", "agent_on_contact_time",
    "agent_idle_time", "agent_offered_time", "agent_status_name", "agent_status_time_ms",
)  # fmt: skip
METHODS = ("incoming", "outbound", "callback", "api")
QUEUE_COLUMNS = (
    "user_arn", "queue_arn", "channel", "interval_start_time", "contacts_offered", "contacts_accepted",
    "contacts_handled", "agent_non_response", "agent_non_response_without_customer_abandons", "handle_time",
    "contact_time_ms", *(f"agent_{name}_connecting_time" for name in METHODS),
    *(f"{name}_connecting_attempts" for name in METHODS),
)  # fmt: skip
FAULTS = StreamFaults(loss=0.03, duplication=0.05, delay=0.02, reordering=0.05)


def _events(spec: Spec, faults: StreamFaults) -> tuple[list[Record], list[Record]]:
    """Agent events as they arrive, and contact records."""
    day = simulate_day(spec)
    events = [a.event for a in arrivals(day, faults, frozenset((EventKind.AGENT_EVENT,)))]
    return events, [a.event for a in arrivals(day, kinds=frozenset((EventKind.CONTACT_RECORD,)))]


def _oracle(events: list[Record], records: list[Record]) -> AgentStatistics:
    disconnects = {
        record["ContactId"]: round(datetime.fromisoformat(record["DisconnectTimestamp"]).timestamp())
        for record in records
    }
    return agent_statistics(events, disconnects)


def _write(path: Path, records: list[Record]) -> Path:
    path.write_text("".join(json.dumps(record) for record in records))
    return path


def _time(ms: int) -> datetime:
    return datetime(1970, 1, 1) + timedelta(milliseconds=ms)


def agents_of(statistics: AgentStatistics) -> list[tuple[Any, ...]]:
    """Expected rows of agent_statistic_record."""
    return sorted(
        (arn, _time(at), q.online, q.non_productive, q.error, q.on_contact, q.idle, q.offered, q.status,
         q.by_status[q.status])
        for (arn, at), q in statistics.agents.items()
    )  # fmt: skip


def queues_of(statistics: AgentStatistics) -> list[tuple[Any, ...]]:
    """Expected rows of agent_queue_statistic_record."""
    return sorted(
        (arn, queue, channel, _time(at), q.offered, q.accepted, q.handled, q.non_response,
         q.non_response_without_abandons, q.handle, q.contact, *(q.connecting[name] for name in METHODS),
         *(q.attempts[name] for name in METHODS))
        for (arn, queue, channel, at), q in statistics.queues.items()
    )  # fmt: skip


def _select(columns: tuple[str, ...], relation: str) -> str:
    return f"SELECT {', '.join(columns)} FROM {relation}"


def _check(rows_of: Any, statistics: AgentStatistics, schema: str = "connect_datalake") -> None:
    found = sorted(tuple(row) for row in rows_of(_select(AGENT_COLUMNS, f"{schema}.agent_statistic_record")))
    assert found == agents_of(statistics)
    found = sorted(tuple(row) for row in rows_of(_select(QUEUE_COLUMNS, f"{schema}.agent_queue_statistic_record")))
    assert found == queues_of(statistics)


def _loaded(home: Home, folder: Path, events: list[Record], records: list[Record]) -> None:
    for name, found in (("agent_event", events), ("contact_record", records)):
        load_into(home, _write(folder / f"{name}.json", found), obj=home.objects[name])


@pytest.mark.parametrize(
    "each_target", ["duckdb", "postgresql", pytest.param("redshift", marks=pytest.mark.soak)], indirect=True
)
def test_statistics_equal_the_oracle(tmp_path: Path, each_target: str) -> None:
    """Every value of both statistics, with lost, repeated and late events: in the warehouse, and in the lake's views."""
    events, records = _events(Spec(contacts=120, seed=11), FAULTS)
    statistics = _oracle(events, records)
    with opened(tmp_path / "home") as home:
        _loaded(home, tmp_path, events, records)
        _check(home.warehouse.query, statistics)
        keys = home.warehouse.query(
            "SELECT COUNT(*), COUNT(DISTINCT aqsr_statistic_id), COUNT(DISTINCT user_id) "
            "FROM connect_datalake.agent_queue_statistic_record"
        )
        ((count, ids, users),) = keys
        assert count == ids == len(statistics.queues)
        assert users == len({key[0] for key in statistics.queues})
        settings = home.settings
    if each_target == "duckdb":
        with open_reader(settings) as reader:
            _check(lambda sql: reader.con_with_lake().execute(sql).fetchall(), statistics, "lake")


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, AgentStatistics]:
    folder = tmp_path_factory.mktemp("agents")
    events, records = _events(Spec(contacts=150, seed=12), StreamFaults())
    with opened(folder / "home") as home:
        _loaded(home, folder, events, records)
    return folder / "home" / "warehouse.duckdb", _oracle(events, records)


@pytest.mark.parametrize(
    "name",
    [
        "agent_event_contact",
        "agent_activity",
        "agent_contact_state",
        "agent_statistic_record",
        "agent_queue_statistic_record",
    ],
)
def test_athenas_views_mean_the_same(loaded: tuple[Path, AgentStatistics], name: str) -> None:
    """Athena's SELECT, read as Trino's SQL over the warehouse's tables, gives the warehouse's rows."""
    path, _ = loaded
    view = VIEWS[name]
    with duckdb.connect(path, read_only=True) as con:
        for setting in SETTINGS:
            con.execute(setting)
        columns = "SELECT schema_name || '.' || table_name, column_name, data_type FROM duckdb_columns()"
        tables: dict[str, dict[str, str]] = {}
        for table, column, type_ in con.execute(columns).fetchall():
            tables.setdefault(table.removesuffix("_plain"), {})[column] = type_
        sql = select_view(view, ATHENA).replace("contact_record_plain", "contact_record")
        # Functions over bytes are not read here; an id is compared by what it is the MD5 of.
        sql = sql.replace('lower(to_hex(md5(to_utf8("statistic_key"))))', '"statistic_key"')
        theirs = con.execute(to_duckdb(sql, tables)).fetchall()
        ours = con.execute(f"SELECT * FROM connect_datalake.{name}").fetchall()
        if name.endswith("_statistic_record"):
            theirs = [(con.execute("SELECT md5(?)", [key]).fetchall()[0][0], *row) for key, *row in theirs]
    assert ours
    assert sorted(map(repr, theirs)) == sorted(map(repr, ours))


def _small(rng: random.Random, contacts: int = 4) -> list[Record]:
    """Events of one agent drawn at random: states in any order, gaps, the same milliseconds, two zones' midnights."""
    states = (
        "INCOMING",
        "CONNECTING",
        "CONNECTED",
        "CONNECTED_ONHOLD",
        "PAUSED",
        "ENDED",
        "MISSED",
        "REJECTED",
        "ERROR",
    )
    methods = ("INBOUND", "TRANSFER", "OUTBOUND", "CALLBACK", "API", "AGENT_REPLY")
    instance = "arn:aws:connect:us-east-1:111122223333:instance/i1"
    at = datetime(2026, 3, 8, 4, 40, tzinfo=UTC)
    events, current = [], {}
    fixed = {n: (rng.choice(methods), rng.choice(("VOICE", "CHAT", "TASKS"))) for n in range(contacts)}
    for number in range(60):
        at += timedelta(milliseconds=rng.choice((0, 1, 700, 5_000, 119_000, 200_000, 1_000_000, 3_000_000)))
        stamp = f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03d}Z"
        for contact in rng.sample(range(contacts), rng.randrange(3)):
            if rng.random() < 0.4:
                current.pop(contact, None)
            else:
                current[contact] = (rng.choice(states), stamp)
        name, kind = rng.choice((("Available", "ROUTABLE"),) * 4 + (("Break", "CUSTOM"), ("Offline", "OFFLINE")))
        snapshot = {
            "AgentStatus": {"ARN": f"{instance}/agent-state/{name}", "Name": name, "StartTimestamp": stamp, "Type": kind},
            "Configuration": {"RoutingProfile": {"ARN": f"{instance}/routing-profile/p{rng.randrange(2)}", "Name": "P"}},
            "Contacts": [
                {
                    "ContactId": f"c{contact}", "State": state, "StateStartTimestamp": since,
                    "InitiationMethod": fixed[contact][0], "Channel": fixed[contact][1],
                    "Queue": {"ARN": f"{instance}/queue/q{contact % 2}", "Name": "Q"} if contact else None,
                }
                for contact, (state, since) in current.items()
            ],
        }  # fmt: skip
        events.append(
            {
                "AWSAccountId": "111122223333", "AgentARN": f"{instance}/agent/a{number % 2}", "EventId": f"e{number:03}",
                "EventTimestamp": stamp, "EventType": "STATE_CHANGE", "InstanceARN": instance,
                "CurrentAgentSnapshot": snapshot, "PreviousAgentSnapshot": None, "Version": "2019-05-25",
            }
        )  # fmt: skip
    return events


@pytest.mark.parametrize("seed", range(3))
def test_any_events_equal_the_oracle(tmp_path: Path, seed: int) -> None:
    """States that no agent has, in any order, with gaps of hours: the rules hold for them too."""
    _any_events(tmp_path, range(seed * 4, seed * 4 + 4))


@pytest.mark.soak
def test_many_events_equal_the_oracle(tmp_path: Path) -> None:
    """The same for many seeds."""
    _any_events(tmp_path, range(100, 300))


def _any_events(folder: Path, seeds: range) -> None:
    with opened(folder / "home") as home:
        events: list[Record] = []
        for seed in seeds:
            for event in _small(random.Random(seed)):
                text = json.dumps(event).replace('"e', f'"s{seed}e').replace("/agent/", f"/agent/s{seed}")
                events.append(json.loads(text.replace('"ContactId": "c', f'"ContactId": "s{seed}c')))
        _loaded(home, folder, events, [])
        _check(home.warehouse.query, agent_statistics(events, {}))


def _event(agent: str, at: datetime, *contacts: tuple[str, str, datetime]) -> Record:
    """An event of an agent who is available; contacts are (id, state, begin of the state)."""
    instance = "arn:aws:connect:us-east-1:111122223333:instance/i1"
    stamp = f"{at:%Y-%m-%dT%H:%M:%S}.000Z"
    snapshot = {
        "AgentStatus": {
            "ARN": f"{instance}/agent-state/1", "Name": "Available", "StartTimestamp": stamp, "Type": "ROUTABLE",
        },
        "Configuration": {"RoutingProfile": {"ARN": f"{instance}/routing-profile/p1", "Name": "P"}},
        "Contacts": [
            {
                "ContactId": contact, "State": state, "StateStartTimestamp": f"{begin:%Y-%m-%dT%H:%M:%S}.000Z",
                "InitiationMethod": "INBOUND", "Channel": "VOICE", "Queue": {"ARN": f"{instance}/queue/q1", "Name": "Q"},
            }
            for contact, state, begin in contacts
        ],
    }  # fmt: skip
    return {
        "AWSAccountId": "111122223333", "AgentARN": f"{instance}/agent/{agent}", "EventId": f"{agent}-{stamp}",
        "EventTimestamp": stamp, "EventType": "STATE_CHANGE", "InstanceARN": instance,
        "CurrentAgentSnapshot": snapshot, "PreviousAgentSnapshot": None, "Version": "2019-05-25",
    }  # fmt: skip


def test_events_change_intervals_of_any_earlier_day(tmp_path: Path) -> None:
    """A query about one day needs later events: the last event's time, an offer's outcome, a begin seen late.

    Reading only the days around the interval would give the first answers for ever.
    """
    first, later = datetime(2026, 3, 3, 10), datetime(2026, 3, 24, 10)
    after = first + timedelta(seconds=20)
    events = [
        _event("last", first),
        _event("offer", first, ("c1", "CONNECTING", first)), _event("offer", after),
        _event("late", first), _event("late", after),
    ]  # fmt: skip
    much_later = [
        _event("last", later),
        _event("offer", later, ("c1", "CONNECTED", later)),
        _event("late", later, ("c2", "CONNECTING", first)),
    ]
    day = f"WHERE interval_start_time < TIMESTAMP '{first:%Y-%m-%d} 23:00:00'"
    answers = []
    for number, arrived in enumerate((events, events + much_later)):
        with opened(tmp_path / f"home{number}") as home:
            _loaded(home, tmp_path, arrived, [])
            settings = home.settings
        statistics = agent_statistics(arrived, {})
        with open_reader(settings) as reader:
            agents, queues = (
                sorted(query(reader, f"{_select(columns, f'lake.{view}')} {day}", "duckdb").rows)
                for columns, view in (
                    (AGENT_COLUMNS, "agent_statistic_record"),
                    (QUEUE_COLUMNS, "agent_queue_statistic_record"),
                )
            )
        assert agents == [row for row in agents_of(statistics) if row[1].date() == first.date()]
        assert queues == [row for row in queues_of(statistics) if row[3].date() == first.date()]
        online = {row[0].rpartition("/")[2]: row[2] for row in agents}
        counts = {row[0].rpartition("/")[2]: row[4:8] for row in queues}
        answers.append((online.get("last"), counts.get("offer"), counts.get("late")))
    assert answers == [(None, (1, 0, 0, 1), None), (900_000, (1, 1, 1, 0), (1, 0, 0, 0))]


def test_amazons_columns_are_all_there() -> None:
    """80 and 40 columns as Amazon lists them, then ours."""
    names = [column.name for column in VIEWS["agent_statistic_record"].columns]
    assert names[:4] == ["asr_statistic_id", "instance_id", "user_id", "routing_profile_id"]
    assert names[-3:] == ["agent_offered_time", "agent_username", "agent_routing_profile_name"]
    assert len(names) == 80 + 3
    names = [column.name for column in VIEWS["agent_queue_statistic_record"].columns]
    assert names[-4:] == ["contacts_accepted", "queue_name", "agent_username", "agent_routing_profile_name"]
    assert len(names) == 40 + 4


_WHERE = (
    "WHERE \"published_date\" >= TIMESTAMP '2026-03-03 00:00:00' AND \"published_date\" < TIMESTAMP '2026-03-04 00:00:00' "
    "AND \"instance_id\" = '9f3c1e52-6d0a-4b7e-8a41-2c5d7e90b1aa'"
)
_ASR, _AQSR = (f'FROM "connect_datalake"."agent_{name}statistic_record" {_WHERE}' for name in ("", "queue_"))
QUERIES = {
    "16 agent idle time": f'SELECT "user_id", CAST(SUM("agent_idle_time") AS DOUBLE) / 1000 {_ASR} GROUP BY "user_id"',
    "17 occupancy": 'SELECT "user_id", CAST(SUM("agent_on_contact_time") AS DOUBLE) / '
    f'NULLIF(SUM("agent_on_contact_time") + SUM("agent_idle_time"), 0) * 100.0 {_ASR} GROUP BY "user_id"',
    "18 agent non-response": f'SELECT "user_id", "queue_id", SUM("agent_non_response") {_AQSR} GROUP BY "user_id", "queue_id"',
    "19 agent answer rate": 'SELECT "user_id", CAST(SUM("contacts_handled") AS DOUBLE) / '
    f'NULLIF(SUM("contacts_offered"), 0) * 100.0 {_AQSR} GROUP BY "user_id"',
    "20 online time": f'SELECT "user_id", CAST(SUM("online_time") AS DOUBLE) / 1000 {_ASR} GROUP BY "user_id"',
}  # fmt: skip
"""Amazon's reference queries over these tables, by their number in the list of the administrator guide."""


def test_amazons_queries_answer_what_the_oracle_does(loaded: tuple[Path, AgentStatistics]) -> None:
    """Agent idle time, occupancy, non-response, answer rate and online time of a published day."""
    path, statistics = loaded
    day = range(1_772_496_000_000 - 900_000, 1_772_582_400_000 - 900_000)  # intervals that end on 2026-03-03
    idle, busy, online = ({} for _ in range(3))
    for (arn, at), quarter in statistics.agents.items():
        if at in day:
            user = arn.rpartition("/")[2]
            for sums, value in ((idle, quarter.idle), (busy, quarter.on_contact), (online, quarter.online)):
                sums[user] = sums.get(user, 0) + value
    missed, handled, offered = ({} for _ in range(3))
    for (arn, queue, _, at), quarter in statistics.queues.items():
        if at in day:
            user = arn.rpartition("/")[2]
            missed[user, queue.rpartition("/")[2]] = (
                missed.get((user, queue.rpartition("/")[2]), 0) + quarter.non_response
            )
            handled[user] = handled.get(user, 0) + quarter.handled
            offered[user] = offered.get(user, 0) + quarter.offered
    with open_reader(settings_of(path.parent)) as reader:
        answers = {name: sorted(query(reader, sql, "athena").rows) for name, sql in QUERIES.items()}
    assert answers["16 agent idle time"] == sorted((user, ms / 1000) for user, ms in idle.items())
    assert answers["20 online time"] == sorted((user, ms / 1000) for user, ms in online.items())
    assert answers["17 occupancy"] == sorted(
        (user, busy[user] / (busy[user] + ms) * 100.0) for user, ms in idle.items() if busy[user] + ms
    )
    assert answers["18 agent non-response"] == sorted((*key, count) for key, count in missed.items())
    assert dict(answers["19 agent answer rate"]) == {
        user: handled[user] / count * 100.0 if count else None for user, count in offered.items()
    }
    assert sum(missed.values()) > 0
