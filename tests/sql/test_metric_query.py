"""Grouping, intervals, bounds and refusals of metric queries, and the SQL of every engine as golden files."""

from __future__ import annotations

import math
import random
import zoneinfo
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import duckdb
import pytest
from contacts import database, handled, measure, queued
from golden_files import Golden

from trunkline.engines.catalogue import ENGINES, find
from trunkline.errors import UsageError
from trunkline.metrics.catalogue import select
from trunkline.metrics.question import INTERVALS, Grouping, Threshold
from trunkline.schedules.schedule import offset_changes
from trunkline.sql.metric_query import MetricQuery, compile_metrics

ZONES = ("UTC", "America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe", "America/St_Johns", "Europe/Berlin")


def ended(*moments: str) -> duckdb.DuckDBPyConnection:
    """Contacts that disconnected at these UTC times."""
    return database([{"disconnect_timestamp": datetime.fromisoformat(time)} for time in moments])


def keys(moments: tuple[str, ...], interval: str, zone: str) -> list[tuple[Any, ...]]:
    """(interval_start, CONTACTS_CREATED) of contacts that disconnected at these times."""
    return measure(ended(*moments), "CONTACTS_CREATED", interval=interval, zone=zone)


def expected_key(moment: datetime, interval: str, zone: str) -> datetime | date:
    """The interval's key by Python's own time zones."""
    local = moment.replace(tzinfo=UTC).astimezone(ZoneInfo(zone)).replace(tzinfo=None)
    width = INTERVALS[interval]
    if width is None:
        return local.date()
    since_midnight = local - local.replace(hour=0, minute=0, second=0, microsecond=0)
    start = moment - since_midnight % timedelta(seconds=width)
    # An interval is of one offset: it begins with a change of the clock at the earliest.
    minute = moment.replace(second=0, microsecond=0)
    while minute > start:
        if offset(minute, zone) != offset(minute - timedelta(minutes=1), zone):
            return minute
        minute -= timedelta(minutes=1)
    return start


def offset(moment: datetime, zone: str) -> timedelta | None:
    """Wall clock minus UTC at a UTC time."""
    return moment.replace(tzinfo=UTC).astimezone(ZoneInfo(zone)).utcoffset()


def query(engine: str, *names: str, **more: Any) -> MetricQuery:
    """The compiled query of these metrics."""
    arguments = {"grouping": Grouping(), "x": Threshold(20), "since": None, "until": None, **more}
    return compile_metrics(select(names), engine=find(engine), **arguments)


def test_hours_of_both_daylight_saving_days_in_new_york() -> None:
    """The hour that happens twice is two intervals, the hour that never happens is none."""
    fall = ("2026-11-01 05:30:00", "2026-11-01 06:30:00", "2026-11-01 06:59:59.999")
    assert keys(fall, "hour", "America/New_York") == [(datetime(2026, 11, 1, 5), 1), (datetime(2026, 11, 1, 6), 2)]
    spring = ("2026-03-08 06:59:59", "2026-03-08 07:00:00")
    assert keys(spring, "hour", "America/New_York") == [(datetime(2026, 3, 8, 6), 1), (datetime(2026, 3, 8, 7), 1)]


def test_days_are_local_dates_of_23_and_25_hours() -> None:
    """A day in New York begins at local midnight on both daylight-saving days."""
    fall = ("2026-11-01 03:59:59", "2026-11-01 04:00:00", "2026-11-02 04:59:59", "2026-11-02 05:00:00")
    assert keys(fall, "day", "America/New_York") == [
        (date(2026, 10, 31), 1),
        (date(2026, 11, 1), 2),
        (date(2026, 11, 2), 1),
    ]
    spring = ("2026-03-08 05:00:00", "2026-03-09 03:59:59", "2026-03-09 04:00:00")
    assert keys(spring, "day", "America/New_York") == [(date(2026, 3, 8), 2), (date(2026, 3, 9), 1)]


def test_kathmandu_is_45_minutes_off() -> None:
    """Hours and half hours follow the wall clock of UTC+05:45."""
    noon = ("2026-06-09 12:00:00",)
    assert keys(noon, "hour", "Asia/Kathmandu") == [(datetime(2026, 6, 9, 11, 15), 1)]
    assert keys(noon, "30min", "Asia/Kathmandu") == [(datetime(2026, 6, 9, 11, 45), 1)]
    assert keys(noon, "15min", "Asia/Kathmandu") == [(datetime(2026, 6, 9, 12, 0), 1)]


def test_lord_howe_moves_by_half_an_hour() -> None:
    """Where daylight saving is 30 minutes, half hours stay whole, and an hour begins with the change of the clock."""
    autumn = ("2026-04-04 14:50:00", "2026-04-04 15:15:00", "2026-04-04 15:29:59", "2026-04-04 15:30:00")
    assert keys(autumn, "30min", "Australia/Lord_Howe") == [
        (datetime(2026, 4, 4, 14, 30), 1),
        (datetime(2026, 4, 4, 15, 0), 2),
        (datetime(2026, 4, 4, 15, 30), 1),
    ]
    assert keys(autumn, "hour", "Australia/Lord_Howe") == [
        (datetime(2026, 4, 4, 14, 0), 1),
        (datetime(2026, 4, 4, 15, 0), 2),  # 01:30+10:30, not 01:30+11:00
        (datetime(2026, 4, 4, 15, 30), 1),
    ]
    spring = ("2026-10-03 15:20:00", "2026-10-03 15:30:00", "2026-10-03 15:59:00", "2026-10-03 16:00:00")
    assert keys(spring, "hour", "Australia/Lord_Howe") == [
        (datetime(2026, 10, 3, 14, 30), 1),
        (datetime(2026, 10, 3, 15, 30), 2),  # 02:30+11:00
        (datetime(2026, 10, 3, 16, 0), 1),
    ]


def test_a_clock_change_may_be_at_any_minute() -> None:
    """Gaza changed its clocks at one minute past midnight: the hour of 01:01 begins with the change."""
    assert keys(("2011-03-31 21:59:00", "2011-03-31 22:30:00"), "hour", "Asia/Gaza") == [
        (datetime(2011, 3, 31, 21, 0), 1),
        (datetime(2011, 3, 31, 22, 1), 1),
    ]


def _history(zone: str) -> tuple[tuple[datetime, timedelta | None], ...]:
    """The zone's clock changes from 2010 to 2039, naive UTC, each with the offset from then on."""
    first, end = (datetime(year, 1, 1, tzinfo=UTC) for year in (2010, 2040))
    changes = [first, *offset_changes(ZoneInfo(zone), first, end)]
    return tuple((change.replace(tzinfo=None), offset(change.replace(tzinfo=None), zone)) for change in changes)


UNEVEN = ("Australia/Lord_Howe", "Asia/Gaza", "America/St_Johns", "Asia/Pyongyang", "America/Caracas", "Pacific/Apia")
"""Zones that changed their clocks by half an hour, or at another minute than the full hour, or by a day."""


@pytest.mark.parametrize(
    "zones",
    [UNEVEN, pytest.param(sorted(zoneinfo.available_timezones() - {"localtime", "Factory"}), marks=pytest.mark.soak)],
    ids=["uneven", "all"],
)
@pytest.mark.timeout(900)
def test_hours_agree_with_python_in_every_zone(zones: Sequence[str]) -> None:
    """Around each clock change of thirty years; zones with one history are tried once."""
    steps = [timedelta(minutes=minutes) for minutes in (-61, -31, -1, 0, 14, 29, 31, 59, 61)]
    for history, zone in {_history(zone): zone for zone in zones}.items():
        times = sorted({change + step for change, _ in history for step in steps})
        connection = database([{"disconnect_timestamp": time} for time in times])
        rows = measure(connection, "CONTACTS_CREATED", interval="hour", zone=zone)
        assert rows == sorted(Counter(expected_key(time, "hour", zone) for time in times).items()), zone


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("interval", INTERVALS)
def test_interval_keys_agree_with_python(zone: str, interval: str) -> None:
    """Over random instants of a year, also near every clock change, the keys are those of zoneinfo."""
    rng = random.Random(7)
    moments = [datetime(2026, 1, 1) + timedelta(milliseconds=rng.randrange(365 * 86_400_000)) for _ in range(150)]
    for change in ("2026-03-08 07:00", "2026-11-01 06:00", "2026-04-04 15:00", "2026-10-03 15:30", "2026-03-29 01:00"):
        moments += [datetime.fromisoformat(change) + timedelta(minutes=m) for m in range(-90, 91, 7)]
    connection = database([{"disconnect_timestamp": time} for time in moments])
    rows = measure(connection, "CONTACTS_CREATED", interval=interval, zone=zone)
    wanted: dict[datetime | date, int] = {}
    for time in moments:
        key = expected_key(time, interval, zone)
        wanted[key] = wanted.get(key, 0) + 1
    assert rows == sorted(wanted.items())


AGENT_ARN = "arn:aws:connect:eu-west-1:111122223333:instance/i/queue/agent/"


def queues() -> duckdb.DuckDBPyConnection:
    """Two named queues, sixty agents' own without a name and one with, and contacts that were never queued."""
    own = [
        queued(5, queue_id=f"agent-{n:02}", queue_name=None, queue_arn=f"{AGENT_ARN}agent-{n:02}") for n in range(60)
    ]
    named = queued(5, queue_id="agent-60", queue_name="Ann's", queue_arn=f"{AGENT_ARN}agent-60")
    sales = [queued(5, queue_id="q-b", queue_name="Sales", queue_arn="arn:x:queue/q-b") for _ in range(100)]
    support = [queued(5, queue_id="q-a", queue_name="Support", queue_arn=None) for _ in range(7)]
    return database([*support, *own, named, *sales, *({"channel": "CHAT"} for _ in range(3))])


def test_agents_own_queues_are_one_group() -> None:
    """Grouped by queue they are one row with a name, and the queues with most contacts come first."""
    assert measure(queues(), "CONTACTS_CREATED", by=("queue",)) == [
        ("q-b", "Sales", 100), ("agent_queues", "Agents' own queues", 61), ("q-a", "Support", 7), (None, None, 3),
    ]  # fmt: skip


def test_a_single_queue_of_an_agent_has_a_name() -> None:
    """Each on its own where that is asked for; one without a name is called an agent's own queue."""
    rows = measure(queues(), "CONTACTS_CREATED", by=("single_queue",))
    assert len(rows) == 64
    assert rows[:4] == [("q-b", "Sales", 100), ("q-a", "Support", 7), (None, None, 3), ("agent-00", OWN, 1)]
    assert rows[-1] == ("agent-60", "Ann's", 1)
    with pytest.raises(UsageError, match="queue, single_queue group by one column twice"):
        measure(queues(), "CONTACTS_CREATED", by=("queue", "single_queue"))


OWN = "Agent's own queue"


def test_intervals_of_the_busiest_group_come_first() -> None:
    """Groups by their contacts in all intervals together, intervals in time, equal groups by key."""
    times = {"a": (1, 2), "b": (1, 1, 3), "c": (2, 2)}
    contacts = [
        {"channel": channel, "disconnect_timestamp": datetime(2026, 6, 9, hour)}
        for channel, hours in times.items() for hour in hours
    ]  # fmt: skip
    rows = measure(database(contacts), "CONTACTS_CREATED", by=("channel",), interval="hour")
    assert [(channel, start.hour, count) for channel, start, count in rows] == [
        ("b", 1, 2), ("b", 3, 1), ("a", 1, 1), ("a", 2, 1), ("c", 2, 2),
    ]  # fmt: skip


def test_quantile_disc_is_the_nearest_rank() -> None:
    """DuckDB's quantile_disc is the ceil(p * n)-th smallest value for every n, on which the metrics rely."""
    connection = duckdb.connect()
    for percent in (50, 90, 95):
        rows = connection.execute(
            f"SELECT n, quantile_disc(x, 0.{percent}) FROM range(1, 401) numbers(n), range(1, 401) x_values(x)"
            " WHERE x <= n GROUP BY n"
        ).fetchall()
        assert len(rows) == 400
        assert all(rank == math.ceil(percent * n / 100) for n, rank in rows)


def test_groups_come_with_names_and_null_is_a_group() -> None:
    """Ids are keys, names their greatest; a missing group is a row of its own, sorted last."""
    connection = database(
        [
            queued(1, queue_id="q-1", queue_name="Old name"),
            queued(1, queue_id="q-1", queue_name="Support"),
            handled(1, queue_id="q-2", queue_name=None, agent_routing_profile_id="r", agent_routing_profile_name="All"),
            {"queue_id": None},
        ]
    )
    assert measure(connection, "CONTACTS_QUEUED", "CONTACTS_HANDLED", by=("queue", "agent", "routing_profile")) == [
        ("q-1", "Support", None, None, None, None, 2, 0),
        ("q-2", None, "a-1", "ann", "r", "All", 1, 1),
        (None, None, None, None, None, None, 0, 0),
    ]
    assert measure(connection, "CONTACTS_CREATED", by=("channel", "initiation_method")) == [("VOICE", "INBOUND", 4)]


def test_bounds_are_half_open_utc_instants() -> None:
    """Since is inside, until is outside; aware bounds mean their instant."""
    connection = ended("2026-06-09 00:00:00", "2026-06-09 23:59:59.999999", "2026-06-10 00:00:00")
    day = {"since": datetime(2026, 6, 9), "until": datetime(2026, 6, 10)}
    assert measure(connection, "CONTACTS_CREATED", **day) == [(2,)]
    assert measure(connection, "CONTACTS_CREATED", since=day["until"]) == [(1,)]
    assert measure(connection, "CONTACTS_CREATED", until=day["until"]) == [(2,)]
    berlin = {name: moment.replace(tzinfo=ZoneInfo("Europe/Berlin")) for name, moment in day.items()}
    assert measure(connection, "CONTACTS_CREATED", **berlin) == [(1,)]
    assert query("redshift", "CONTACTS_CREATED", until=day["until"]).param_names == ("until",)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"grouping": Grouping(by=("team",))}, "group 'team' is not known; valid: queue, agent"),
        ({"grouping": Grouping(by=("queue", "queue"))}, "name each group once"),
        ({"grouping": Grouping(interval="week")}, "interval 'week' is not known; valid: 15min"),
        ({"grouping": Grouping(interval="day", zone="UTC' OR 1=1 --")}, "time zone .* is not known"),
        ({"x": Threshold(-1)}, "threshold of the default is -1; valid: seconds from 0 to 604800"),
        ({"x": Threshold(float("nan"))}, "threshold of the default is nan"),
        ({"x": Threshold(20, {"q": float("inf")})}, "threshold of queue 'q' is inf"),
        ({"x": Threshold("20")}, "threshold of the default is '20'"),
        ({"x": Threshold(20, {"a\\": 5})}, "backslash"),
        ({"since": datetime(2026, 6, 10), "until": datetime(2026, 6, 9)}, "give the earlier one first"),
    ],
)
def test_what_cannot_be_is_refused(arguments: dict[str, Any], message: str) -> None:
    """Whatever would be written into the SQL unchecked is a usage error that says what is valid."""
    with pytest.raises(UsageError, match=message):
        query("duckdb", "SERVICE_LEVEL", **arguments)


def test_unknown_metrics_and_engines_are_refused() -> None:
    """Names are those of the catalogue."""
    with pytest.raises(UsageError, match="metric 'AHT' is not known; valid: CONTACTS_CREATED"):
        select(["AHT"])
    with pytest.raises(UsageError, match="named twice"):
        select(["SERVICE_LEVEL", "service_level"])
    with pytest.raises(UsageError, match="no engine 'oracle'; engines are duckdb"):
        query("oracle", "SERVICE_LEVEL")
    with pytest.raises(UsageError, match="no metric"):
        query("duckdb")


@pytest.mark.parametrize("engine", ENGINES)
def test_sql_of_every_engine_is_golden(engine: str, golden: Golden) -> None:
    """A query of groups, interval, zone and thresholds. `sql/<engine>/metrics.sql` has all metrics without groups."""
    bounds = {"since": datetime(2026, 6, 9), "until": datetime(2026, 6, 10)}
    for interval in ("30min", "day"):
        grouping = Grouping(("queue", "agent", "channel"), interval, "America/New_York")
        grouped = query(
            engine,
            *("CONTACTS_QUEUED", "SERVICE_LEVEL", "AVG_HANDLE_TIME", "QUEUE_WAIT_TIME_P90"),
            grouping=grouping,
            x=Threshold(20, {"Sales": 30, "O'Brien": 12.5}),
            **bounds,
        )
        golden.check(f"metrics/grouped_{interval}.{engine}.sql", grouped.sql)
