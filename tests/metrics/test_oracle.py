"""Every metric equals the simulator's as-exported oracle, bit for bit, through files, load, warehouse and SQL."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import combinations, pairwise, product
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from loaded import Ask, by_oracle, by_sql, differences, on, simulated_home

from trunkline.metrics.adherence import ADHERENCE_METRICS
from trunkline.metrics.catalogue import METRICS
from trunkline.pipelines.reading import Reader, open_reader, query
from trunkline.simulator.oracle import terms as oracle_terms
from trunkline.simulator.oracle.agent_metrics import AGENT_TERMS
from trunkline.simulator.oracle.oracle import DIMENSIONS, INTERVALS_S
from trunkline.simulator.run import Result
from trunkline.simulator.spec import Faults, Spec

ZONES = (
    "UTC", "America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe", "America/St_Johns", "Pacific/Apia",
)  # fmt: skip
# The clock changes on 2026-03-08 and 2026-11-01 in New York and St. John's, on 2026-04-05 by half an hour on Lord Howe.
CENTRES = {
    "spring": Spec(contacts=1_500, seed=3, date=on("2026-03-09"), days=3),
    "fall": Spec(contacts=1_500, seed=4, date=on("2026-11-02"), days=2),
    "lord howe, faults": Spec(contacts=1_500, seed=5, date=on("2026-04-05"), days=2, faults=Faults.every(0.03)),
}
EVERY_RUN = "lord howe, faults"
"""The centre that is compared by default: its clock changes by half an hour, and its records have every fault."""
GROUPINGS = [
    *(
        tuple(names)
        for size in (0, 1, 2, 3)
        for names in combinations(sorted(DIMENSIONS.keys() - {"single_queue"}), size)
    ),
    ("single_queue",),
    ("single_queue", "agent"),
]


@dataclass(frozen=True)
class Centre:
    """A loaded home, open for queries, and its simulated contacts."""

    name: str
    reader: Reader
    simulated: Result

    def differences(self, ask: Ask) -> list[str]:
        """Where SQL and oracle differ."""
        sql = by_sql(self.reader, ask)
        assert sql
        return differences(sql, by_oracle(self.simulated, ask))

    def waits(self) -> list[int]:
        """All waits, shortest first."""
        return sorted(contact.queue_s for contact in self.simulated.contacts if contact.queue_s is not None)


@pytest.fixture(
    scope="module",
    params=[name if name == EVERY_RUN else pytest.param(name, marks=pytest.mark.soak) for name in CENTRES],
)
def centre(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Centre]:
    """Each of the centres, loaded once; all but one in the long run alone."""
    folder: Path = tmp_path_factory.mktemp("centre")
    settings, simulated = simulated_home(folder, CENTRES[request.param])
    with open_reader(settings) as reader:
        yield Centre(request.param, reader, simulated)


def test_both_sides_know_the_same_metrics() -> None:
    """No metric is without an oracle, and none of the oracle's is missing.

    The simulator has no schedules: `tests/pipelines/test_adherence.py` computes the metrics of adherence.
    """
    adherence = {metric.name for metric in ADHERENCE_METRICS}
    assert set(METRICS) == set(oracle_terms.METRICS) | set(AGENT_TERMS) | adherence
    assert not set(oracle_terms.METRICS) & set(AGENT_TERMS)


def test_the_comparison_sees_one_bit() -> None:
    """A float's last bit, an integer that came as a float, NULL for 0, and a missing group are differences."""
    names = ("CONTACTS_QUEUED",)
    right = {("q",): (0.1 + 0.2,)}
    assert differences(right, dict(right), names) == []
    for wrong in (0.3, 0, None):
        assert len(differences({("q",): (wrong,)}, right, names)) == 1
    assert len(differences({}, right, names)) == 1
    assert len(differences({("q",): (1,)}, {("q",): (1.0,)}, names)) == 1


def test_no_metric_is_empty(centre: Centre) -> None:
    """Each has a value above zero, so that agreement means something."""
    (values,) = by_oracle(centre.simulated, Ask()).values()
    assert [name for name, value in zip(oracle_terms.METRICS, values, strict=True) if not value] == []


def test_every_grouping(centre: Centre) -> None:
    """None, one, two and three dimensions together."""
    for by in GROUPINGS:
        assert centre.differences(Ask(by)) == [], by


@pytest.mark.parametrize("zone", ZONES)
def test_every_interval_in_every_zone(centre: Centre, zone: str) -> None:
    """The clock changes, the zones of 45 and 30 minutes, and the one 13 hours ahead included."""
    for interval in INTERVALS_S:
        assert centre.differences(Ask((), interval, zone)) == [], interval


@pytest.mark.parametrize("step", [9, pytest.param(3, marks=pytest.mark.soak)])
def test_dimensions_and_intervals_together(centre: Centre, step: int) -> None:
    """One, two and three dimensions with each interval, the zones in turn; each centre takes one pair of `step`."""
    share = CENTRES[centre.name].seed % 3
    for place, (by, interval) in enumerate(product([by for by in GROUPINGS if by], INTERVALS_S)):
        if len(by) == 1 or place % step == share:
            zone = ZONES[place // 4 % len(ZONES)]
            assert centre.differences(Ask(by, interval, zone)) == [], (by, interval, zone)


def test_every_x(centre: Centre) -> None:
    """Whole and part seconds, nothing, a week, waits that contacts have to the second, and X per queue."""
    waits = centre.waits()
    tie = waits[len(waits) // 2]
    assert waits.count(tie) > 1
    queues = sorted(
        {(contact.queue_id, contact.queue_name) for contact in centre.simulated.contacts if contact.queue_name}
    )
    (first_id, first_name), (_, second_name), (third_id, _) = queues[:3]
    # The first queue is named twice: its id wins.
    per_queue = {first_id: 5, first_name: 300, second_name: tie, third_id: 0.5, "default": waits[-1]}
    for x in (20, 0.5, 0, 604_800, tie, tie + 0.001, tie - 0.001, waits[-1], per_queue, {second_name: 45}):
        for by in ((), ("queue",), ("agent", "channel")):
            assert centre.differences(Ask(by, x=x)) == [], (x, by)
    assert centre.differences(Ask(("queue",), "30min", "America/St_Johns", x=per_queue)) == []


def test_bounds_on_local_days(centre: Centre) -> None:
    """Since and until on local midnights, also of days of 23 and 25 hours, and bounds that select nothing."""
    days = sorted({key[0] for key in by_oracle(centre.simulated, Ask((), "day", "America/New_York"))})
    for zone in ("America/New_York", "Australia/Lord_Howe"):
        for first, last in pairwise(days):
            since, until = (datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(zone)) for day in (first, last))
            for ask in (
                Ask(("queue",), "hour", zone, since=since, until=until),
                Ask(since=since),
                Ask(("channel",), "day", zone, until=until),
            ):
                sql = by_sql(centre.reader, ask)
                assert differences(sql, by_oracle(centre.simulated, ask)) == [], ask
    nothing = Ask(since=datetime(2030, 1, 1))
    assert differences(by_sql(centre.reader, nothing), by_oracle(centre.simulated, nothing)) == []


# Sums over the statistics view, and the metrics they must equal.
STATISTICS = {
    "sum(is_queued)": "CONTACTS_QUEUED",
    "sum(is_handled)": "CONTACTS_HANDLED",
    "sum(is_handled_incoming)": "CONTACTS_HANDLED_INCOMING",
    "sum(is_handled_outbound)": "CONTACTS_HANDLED_OUTBOUND",
    "sum(is_callback_handled)": "CALLBACK_CONTACTS_HANDLED",
    "sum(is_api_handled)": "API_CONTACTS_HANDLED",
    "sum(is_abandoned)": "CONTACTS_ABANDONED",
    "sum(is_transferred_in)": "CONTACTS_TRANSFERRED_IN",
    "sum(is_transferred_out)": "CONTACTS_TRANSFERRED_OUT",
    "sum(is_transferred_out_internal)": "CONTACTS_TRANSFERRED_OUT_INTERNAL",
    "sum(is_transferred_out_external)": "CONTACTS_TRANSFERRED_OUT_EXTERNAL",
    "sum(is_put_on_hold)": "CONTACTS_PUT_ON_HOLD",
    "sum(is_agent_hung_up_first)": "CONTACTS_AGENT_HUNG_UP_FIRST",
    "count(CASE WHEN is_abandoned = 1 AND queue_time_ms < 20000 THEN 1 END)": "SUM_CONTACTS_ABANDONED_IN_X",
    "count(CASE WHEN queue_answer_time_ms < 20000 THEN 1 END)": "SUM_CONTACTS_ANSWERED_IN_X",
    "CAST(sum(queue_answer_time_ms) AS DOUBLE) / (count(queue_answer_time_ms) * 1000.0e0)": "AVG_QUEUE_ANSWER_TIME",
    "CAST(sum(abandon_time_ms) AS DOUBLE) / (count(abandon_time_ms) * 1000.0e0)": "AVG_ABANDON_TIME",
    "CAST(sum(after_contact_work_time_ms) AS DOUBLE) / 1000": "SUM_AFTER_CONTACT_WORK_TIME",
    "CAST(sum(contact_flow_time_ms) AS DOUBLE) / 1000": "SUM_CONTACT_FLOW_TIME",
    "CAST(sum(CASE WHEN is_handled = 1 THEN agent_interaction_time_ms END) AS DOUBLE) / 1000": "SUM_INTERACTION_TIME",
    "CAST(max(queue_time_ms) AS DOUBLE) / 1000": "MAX_QUEUED_TIME",
}


@pytest.mark.parametrize("by", ["single_queue", "agent"])
def test_the_statistics_view_agrees(centre: Centre, by: str) -> None:
    """Amazon's statistics table gives the same numbers for the same contacts."""
    names = tuple(STATISTICS.values())
    sql = f"SELECT {by.removeprefix('single_')}_id, {', '.join(STATISTICS)} FROM connect_datalake.contact_statistic_record "
    rows = centre.reader.con.execute(sql + "WHERE disconnect_timestamp IS NOT NULL GROUP BY 1").fetchall()
    seen = {(row[0],): row[1:] for row in rows}
    asked = Ask((by,))
    assert differences(seen, by_oracle(centre.simulated, asked, names), names) == []
    assert differences(seen, by_sql(centre.reader, asked, names), names) == []


# Queries of the shapes that Amazon publishes for its lake, and per column the metric and what it is divided by.
SERVICE_LEVEL_SQL = (
    'CAST(SUM(CASE WHEN "is_handled" = 1 AND "queue_answer_time_ms" <= 20000 THEN 1 ELSE 0 END) AS DOUBLE)'
    ' / NULLIF(SUM("is_queued"), 0) * 100.0'
)
SHAPES: list[tuple[str, str, str, list[str]]] = [
    (
        "single_queue", "contact_statistic_record",
        'CAST(SUM("is_abandoned") AS DOUBLE) / NULLIF(SUM("is_queued"), 0) * 100.0, ' + SERVICE_LEVEL_SQL,
        ["ABANDONMENT_RATE", "SERVICE_LEVEL_ANSWERED"],
    ),
    (
        "single_queue", "contact_statistic_record",
        ('SUM("is_queued"), SUM("is_handled"), SUM("is_transferred_in"), SUM("is_transferred_out"), '
        'SUM("is_transferred_out_internal"), SUM("is_transferred_out_external")'),
        ["CONTACTS_QUEUED", "CONTACTS_HANDLED", "CONTACTS_TRANSFERRED_IN", "CONTACTS_TRANSFERRED_OUT",
         "CONTACTS_TRANSFERRED_OUT_INTERNAL", "CONTACTS_TRANSFERRED_OUT_EXTERNAL"],
    ),
    (
        "single_queue", "contact_statistic_record",
        ('SUM(CASE WHEN "is_abandoned" = 1 AND "queue_time_ms" < 20000 THEN 1 ELSE 0 END), '
        'AVG(CASE WHEN "is_abandoned" = 1 THEN "abandon_time_ms" END) / 1000.0, '
        'AVG(CASE WHEN "is_handled" = 1 THEN "queue_answer_time_ms" END) / 1000.0'),
        ["SUM_CONTACTS_ABANDONED_IN_X", "AVG_ABANDON_TIME", "AVG_QUEUE_ANSWER_TIME"],
    ),
    (
        "single_queue", "contact_record",
        ('MAX("queue_duration_ms") / 1000, '
        "AVG(date_diff('millisecond', \"initiation_timestamp\", \"disconnect_timestamp\")) / 1000.0"),
        ["MAX_QUEUED_TIME", "AVG_CONTACT_DURATION"],
    ),
    (
        "agent", "contact_statistic_record",
        'SUM("after_contact_work_time_ms") / 1000, SUM("is_handled") / 2, -SUM("is_handled") / 2',
        ["SUM_AFTER_CONTACT_WORK_TIME", "CONTACTS_HANDLED//2", "-(CONTACTS_HANDLED//2)"],
    ),
]  # fmt: skip


@pytest.mark.parametrize(("by", "table", "columns", "names"), SHAPES)
def test_queries_written_for_athena(centre: Centre, by: str, table: str, columns: str, names: list[str]) -> None:
    """One day, one instance, grouped: Trino SQL with the database's name gives the oracle's numbers."""
    column = f"{by.removeprefix('single_')}_id"
    day = CENTRES[centre.name].date
    ((instance,),) = query(centre.reader, "SELECT DISTINCT instance_id FROM contact_record").rows
    sql = (
        f'SELECT "{column}", {columns} FROM "AwsDataCatalog"."connect_datalake"."{table}" '
        f"WHERE \"disconnect_timestamp\" >= TIMESTAMP '{day} 00:00:00' "
        f"AND \"disconnect_timestamp\" < TIMESTAMP '{day}' + INTERVAL '1' DAY "
        f'AND "instance_id" = \'{instance}\' GROUP BY "{column}" ORDER BY "{column}";'
    )
    answer = query(centre.reader, sql, "athena")
    since = datetime(day.year, day.month, day.day)
    plain = [name.strip("-()").removesuffix("//2") for name in names]
    right = by_oracle(centre.simulated, Ask((by,), since=since, until=since + timedelta(days=1)), tuple(plain))
    assert [row[0] for row in answer.rows] == [*sorted((key for (key,) in right if key), key=str), None]
    for key, *values in answer.rows:
        for name, ours, wanted in zip(names, values, right[key,], strict=True):
            if name.endswith(("//2", "//2)")):
                # Integers divide whole, towards zero.
                assert (type(ours), ours) == (int, (wanted // 2) * (-1 if name.startswith("-") else 1))
            elif wanted is None or isinstance(wanted, int):
                assert ours == wanted, (name, key)
            else:
                # These queries divide twice; that may cost the last bit.
                assert abs(ours - wanted) <= math.ulp(wanted), (name, key)


def test_the_hourly_trend_written_for_athena(centre: Centre) -> None:
    """By hour and queue, with date_trunc, on the whole home."""
    sql = (
        'SELECT date_trunc(\'hour\', "disconnect_timestamp") AS "hour", "queue_id", SUM("is_queued"), '
        'SUM("is_handled"), CAST(SUM("is_abandoned") AS DOUBLE) / NULLIF(SUM("is_queued"), 0) * 100.0 '
        "FROM contact_statistic_record WHERE disconnect_timestamp IS NOT NULL "
        'GROUP BY date_trunc(\'hour\', "disconnect_timestamp"), "queue_id" ORDER BY 1, 2'
    )
    rows = query(centre.reader, sql, "athena").rows
    names = ("CONTACTS_QUEUED", "CONTACTS_HANDLED", "ABANDONMENT_RATE")
    right = by_oracle(centre.simulated, Ask(("single_queue",), "hour"), names)
    assert {(queue, hour) for hour, queue, *_ in rows} == set(right)
    for hour, queue, queued, handled, rate in rows:
        assert (queued, handled) == right[queue, hour][:2]
        wanted = right[queue, hour][2]
        assert rate == wanted if wanted is None else abs(rate - wanted) <= math.ulp(wanted)


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(101, 106))
def test_many_seeds(seed: int, tmp_path: Path) -> None:
    """10,000 contacts, every grouping with every interval in two zones, every X."""
    last = on(("2026-03-09", "2026-11-02", "2026-04-06", "2026-10-05", "2026-12-31")[seed % 5])
    spec = Spec(contacts=10_000, seed=seed, date=last, days=3, faults=Faults.every(0.01 * (seed % 2)))
    settings, simulated = simulated_home(tmp_path, spec)
    with open_reader(settings) as reader:
        centre = Centre(str(seed), reader, simulated)
        for place, (by, interval) in enumerate(product(GROUPINGS, (None, *INTERVALS_S))):
            for zone in (ZONES[place % len(ZONES)], ZONES[(place + seed) % len(ZONES)]):
                x = (20, 0.5, centre.waits()[place * 7 % len(centre.waits())])[place % 3]
                assert centre.differences(Ask(by, interval, zone, x)) == [], (by, interval, zone, x)
