"""The report's data: equal to the oracle, days of every length, the default day, groups and ranges."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest
from warehouses import call, empty_warehouse, made

from trunkline.errors import UsageError
from trunkline.metrics.catalogue import METRICS
from trunkline.serve.report.agents import AGENT_METRICS, AGENTS_MAX
from trunkline.serve.report.data import QUEUE_METRICS, QUEUES_MAX, read
from trunkline.serve.report.headline import HEADLINE_METRICS, headline, totals
from trunkline.serve.report.period import day_period, default_day, span_period
from trunkline.simulator.oracle.oracle import answer
from trunkline.sql.metric_query import Threshold

ZONE = "America/New_York"
X = Threshold(20, {"Sales": 30, "Chat": 45})
X_ORACLE = {"default": 20, "Sales": 30, "Chat": 45}
NOON = datetime(2026, 3, 3, 12, 0)
DAY = day_period(date(2026, 3, 3), "UTC")


def by_oracle(centre, metric, period, by=(), interval=None):
    return answer(centre.contacts, metric, by, interval, ZONE, X_ORACLE, since=period.since, until=period.until)


def test_headline_equals_the_oracle_on_both_days(centre) -> None:
    """Every headline number of the day and of the day before equals the oracle's exactly."""
    day = day_period(centre.day, ZONE)
    for period in (day, day.previous):
        values = totals(centre.con, period, X)
        assert values == {METRICS[metric].column: by_oracle(centre, metric, period)[()] for metric in HEADLINE_METRICS}
        assert values["contacts_queued"] > 50


def test_queues_agents_and_half_hours_equal_the_oracle(centre) -> None:
    """Each row of the tables, and each half hour, equals the oracle's result for that group."""
    period = day_period(centre.day, ZONE)
    data = read(centre.con, period, X)
    queues = [row for row in data.queues if row.queue_id]
    assert len(queues) > 3
    for metric in QUEUE_METRICS:
        oracle = by_oracle(centre, metric, period, ("single_queue",))
        assert {row.queue_id: row.values[metric.lower()] for row in queues} == {
            row.queue_id: oracle[(row.queue_id,)] for row in queues
        }
    for metric in AGENT_METRICS:
        oracle = by_oracle(centre, metric, period, ("agent",))
        assert [row.values[metric.lower()] for row in data.agents] == [oracle[(row.agent_id,)] for row in data.agents]
    levels = by_oracle(centre, "SERVICE_LEVEL", period, (), "30min")
    at_wall = {f"{period.local(at):%H:%M}": level for (at,), level in levels.items() if level is not None}
    assert {slot.label: slot.service_level for slot in data.slots if slot.queued} == at_wall


def test_rows_of_several_add_up_to_all(centre) -> None:
    """The rows of queues add up to every queued contact, the rows of agents to every handled one."""
    data = read(centre.con, day_period(centre.day, ZONE), X)
    assert sum(row.values["contacts_queued"] for row in data.queues) == data.total["contacts_queued"]
    handled = sum(row.values["contacts_handled"] for row in data.agents)
    handled += data.agents_not_shown.values["contacts_handled"] if data.agents_not_shown else 0
    assert handled == data.total["contacts_handled"]
    assert data.never_queued + data.total["contacts_queued"] == data.contacts


def test_distributions_count_every_contact_once(centre) -> None:
    """Waits count all queued contacts, handle times all contacts that have one, abandoned as in the headline."""
    data = read(centre.con, day_period(centre.day, ZONE), X)
    assert data.waits.contacts == data.total["contacts_queued"]
    assert data.waits.abandoned == data.total["contacts_abandoned"]
    assert data.handle_times.contacts == data.total["contacts_handled"]
    assert data.waits.p90_s == data.total["queue_wait_time_p90"]


def test_ranges_are_half_open_and_x_is_an_edge() -> None:
    """A wait of exactly X is not below X, as in the service level; labels name the edges."""
    con = made([call(NOON, wait_s=wait) for wait in (0, 24, 25, 26, 700)])
    bins = read(con, DAY, Threshold(25)).waits.bins
    assert {wait_bin.label: wait_bin.contacts for wait_bin in bins if wait_bin.contacts} == {
        "under 5 s": 1,
        "20\u201325 s": 1,
        "25\u201330 s": 2,
        "10 min or more": 1,
    }


@pytest.mark.parametrize(("day", "hours"), [(date(2026, 3, 8), 23), (date(2026, 11, 1), 25), (date(2026, 3, 3), 24)])
def test_days_are_as_long_as_clocks_make_them(day: date, hours: int) -> None:
    """A call every quarter of an hour gives two arrivals per half hour; a repeated hour is shown twice."""
    period = day_period(day, ZONE)
    assert period.hours == hours
    con = made([call(period.since + n * timedelta(minutes=15), talk_s=60) for n in range(hours * 4)])
    slots = read(con, period, X).slots
    assert [slot.arrivals for slot in slots] == [2] * hours * 2
    labels = [slot.label for slot in slots]
    assert labels.count("01:30") == (2 if hours == 25 else 1)
    assert labels.count("02:30") == (0 if hours == 23 else 1)


def test_days_tile_where_midnight_is_skipped() -> None:
    """In a zone whose clocks change at midnight, each day starts where the day before ends."""
    zone = "America/Havana"
    for n in range(366):
        day = date(2026, 1, 1) + timedelta(days=n)
        assert day_period(day, zone).until == day_period(day + timedelta(days=1), zone).since


def test_the_day_before_is_compared_at_the_same_wall_clock() -> None:
    """A half hour is compared with the same local time of the day before, also across a clock change."""
    day = day_period(date(2026, 3, 8), ZONE)
    before = day.previous
    con = made(
        [
            call(before.since + timedelta(hours=9), wait_s=50),
            call(before.since + timedelta(hours=9, minutes=5), wait_s=5),
            call(day.since + timedelta(hours=8)),
        ]
    )
    (slot,) = read(con, day, X).slots
    assert (slot.label, slot.arrivals, slot.arrivals_before, slot.service_level_before) == ("09:00", 1, 2, 50.0)


def test_default_day_is_the_last_that_is_over() -> None:
    """The last complete day; a transfer after midnight does not count; else today; None without contacts."""
    late = datetime(2026, 3, 4, 0, 10)
    rows = [
        call(NOON),
        call(late, initial_contact_id="c-0", initiation_method="TRANSFER"),
        call(datetime(2026, 3, 5, 9, 0)),
    ]
    con = made(rows)
    assert default_day(con, "UTC", datetime(2026, 3, 5, 10, 0)) == date(2026, 3, 3)
    assert default_day(con, "UTC", datetime(2026, 3, 6, 0, 0)) == date(2026, 3, 5)
    assert default_day(con, "Asia/Tokyo", datetime(2026, 3, 5, 15, 0)) == date(2026, 3, 5)
    assert default_day(made([call(NOON)]), "UTC", NOON) == date(2026, 3, 3)
    assert default_day(empty_warehouse(), "UTC", NOON) is None


@pytest.mark.parametrize(
    ("hours_before", "is_compared"),
    [
        ((-5,), False),  # the day before has data from 19:00 on, this one from 1:00
        ((-23,), True),  # from 1:00
        ((-5, -30), True),  # and a contact ended before that day
        ((-22.5,), True),  # within the tolerance of an hour
        ((-30,), False),  # no contact on the day before
        ((), False),
    ],
)
def test_a_partial_day_before_is_not_compared(hours_before: tuple[float, ...], is_compared: bool) -> None:
    """A comparison with a few hours of a day would give changes of thousands of percent."""
    midnight = DAY.since
    contacts = [call(midnight + timedelta(hours=1)), call(NOON)]
    con = made([*contacts, *(call(midnight + timedelta(hours=hours)) for hours in hours_before)])
    assert read(con, DAY, X).has_before is is_compared
    assert any(line.change for line in headline(con, DAY, X)) is is_compared


def test_headline_says_which_change_is_good() -> None:
    """More waiting is worse, a higher service level is better, more contacts neither; no change without a day before."""
    con = made([call(NOON, wait_s=5), call(NOON, wait_s=41), call(NOON - timedelta(days=1), wait_s=10)])
    lines = {line.metric: line for line in headline(con, DAY, Threshold(20))}
    level = lines["SERVICE_LEVEL"]
    assert (level.label, level.value, level.change, level.tone) == (
        "Service level 20 s",
        "50.0%",
        "\u221250.0 points",
        "worse",
    )
    wait = lines["AVG_QUEUE_ANSWER_TIME"]
    assert (wait.value, wait.change, wait.tone) == ("23 s", "+13 s", "worse")
    queued = lines["CONTACTS_QUEUED"]
    assert (queued.value, queued.change, queued.tone) == ("2", "+1 (+100.0%)", "")
    assert {line.change for line in headline(con, DAY.previous, Threshold(20))} == {""}


def test_remaining_queues_and_agents_share_a_row() -> None:
    """Beyond the busiest ones, one row has the metrics over the contacts of all remaining ones."""
    rows = [
        call(NOON + timedelta(seconds=n), wait_s=5 if n % 2 else 50, queue=n % 60, agent=n % 800) for n in range(2400)
    ]
    data = read(made(rows), DAY, Threshold(20))
    assert len(data.queues) == QUEUES_MAX + 1
    rest = data.queues[-1]
    assert (rest.name, rest.is_group) == (f"{60 - QUEUES_MAX} other queues", True)
    assert rest.values["contacts_queued"] == 40 * (60 - QUEUES_MAX)
    assert len(data.agents) == AGENTS_MAX
    assert data.agent_count == 800
    assert data.agents_not_shown is not None
    assert data.agents_not_shown.values["contacts_handled"] == 2400 - 3 * AGENTS_MAX
    assert all(row.segments for row in data.agents)


def test_agents_own_queues_are_one_row() -> None:
    """Agents' own queues, which have no name and few contacts, share one row."""
    own = "arn:aws:connect:eu-central-1:1:instance/i/queue/agent/"
    rows = [call(NOON, queue=n, queue_arn=f"{own}{n}", queue_name=None) for n in range(5)]
    data = read(made([*rows, call(NOON, queue=9)]), DAY, X)
    assert [(row.name, row.values["contacts_queued"]) for row in data.queues] == [
        ("Queue 9", 1),
        ("Agents' own queues", 5),
    ]


def test_time_lines_are_cut_to_the_day_and_lose_no_contact() -> None:
    """A contact over midnight is cut to the day; a hold is within its contact; after contact work follows it."""
    since = DAY.since
    con = made(
        [
            call(since - timedelta(minutes=10), wait_s=0, talk_s=1200),
            call(NOON, wait_s=10, talk_s=300, agent_customer_hold_duration_ms=60_000),
        ]
    )
    (agent,) = read(con, DAY, X).agents
    spans = [
        (segment.kind, (segment.since - since).total_seconds(), (segment.until - since).total_seconds())
        for segment in agent.segments
    ]
    noon = 43_200
    assert spans == [
        ("contact", 0, 600),
        ("work", 600, 630),
        ("contact", noon + 10, noon + 310),
        ("hold", noon + 130, noon + 190),
        ("work", noon + 310, noon + 340),
    ]


def test_spans_have_bounds() -> None:
    """A span must not be empty, reversed or longer than a month; its zone must exist."""
    for since, until in ((NOON, NOON), (NOON, NOON - timedelta(1)), (NOON, NOON + timedelta(32))):
        with pytest.raises(UsageError, match="at most|within"):
            span_period(since, until, "UTC")
    with pytest.raises(UsageError, match="'Mars/Base', which is not an IANA time zone"):
        day_period(date(2026, 3, 3), "Mars/Base")
