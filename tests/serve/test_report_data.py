"""The report's data: equal to the oracle, days of every length, the default day, groups and ranges."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest
from warehouses import call, empty_warehouse, made

from trunkline.errors import UsageError
from trunkline.metrics.catalogue import METRICS
from trunkline.metrics.question import Threshold
from trunkline.serve.report.agents import AGENT_METRICS, AGENTS_MAX
from trunkline.serve.report.data import QUEUE_METRICS, QUEUES_MAX, read
from trunkline.serve.report.headline import HEADLINE_METRICS, headline, totals
from trunkline.serve.report.period import day_period, default_day, span_period
from trunkline.simulator.oracle.oracle import answer

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


def test_channels_have_times_of_their_own(centre) -> None:
    """E-mail and tasks are judged by their own X, a queue's X wins over its channel's; both as the oracle has it."""
    x = Threshold(20, {"Sales": 30}, {"EMAIL": 14_400, "TASK": 3_600})
    period = day_period(centre.day, ZONE)
    mapping = {"default": 20, "Sales": 30, "EMAIL": 14_400, "TASK": 3_600}
    data = read(centre.con, period, x)
    for row in data.channels:
        oracle = answer(
            centre.contacts, "SERVICE_LEVEL", ("channel",), None, ZONE, mapping, False, period.since, period.until
        )
        assert row.values["service_level"] == oracle[(row.channel,)]
    total = answer(centre.contacts, "SERVICE_LEVEL", (), None, ZONE, mapping, False, period.since, period.until)
    assert data.total["service_level"] == total[()]
    assert total != by_oracle(centre, "SERVICE_LEVEL", period)
    rows = {row.name: row for row in data.queues}
    assert set(rows["Back office"].channels) == {"TASK", "EMAIL"}
    assert (rows["Back office"].x_s, rows["Sales"].x_s, rows["Chat"].x_s) == (None, 30, 20)


def test_only_channels_that_have_contacts_matter() -> None:
    """A centre of calls alone has one X, whatever is set for other channels."""
    data = read(made([call(NOON)]), DAY, Threshold(20, {}, {"EMAIL": 14_400}))
    assert data.x == Threshold(20)
    assert [row.channel for row in data.channels] == ["VOICE"]
    assert data.headline[0].label == "Service level 20 s"


def test_card_and_chart_count_abandoned_contacts_alike() -> None:
    """An abandoned contact without a recorded wait is in both, and apart in the chart."""
    rows = [call(NOON, wait_s=50, talk_s=None) for _ in range(3)] + [call(NOON, talk_s=None, queue_duration_ms=None)]
    data = read(made([*rows, call(NOON)]), DAY, X)
    assert data.total["contacts_abandoned"] == data.waits.abandoned == 4
    assert data.waits.untimed == 1
    assert sum(wait_bin.abandoned for wait_bin in data.waits.bins) == 3


MONDAY = datetime(2026, 3, 2)
WEEK = span_period(MONDAY, MONDAY + timedelta(days=7), "UTC")


def every_hour(since: datetime, hours: int, per_hour: int = 10) -> list[dict]:
    return [
        call(since + timedelta(hours=hour, minutes=n), wait_s=5, talk_s=10)
        for hour in range(hours)
        for n in range(per_hour)
    ]


def test_a_week_is_compared_hour_by_hour_with_the_week_before() -> None:
    """Each hour has the same hour of the same weekday of the week before."""
    before = every_hour(MONDAY - timedelta(days=7), 168, 10)
    data = read(made([*before, *every_hour(MONDAY, 168, 12)]), WEEK, X)
    assert (data.has_before, data.slot_minutes, len(data.slots)) == (True, 60, 168)
    assert {(slot.arrivals, slot.arrivals_before) for slot in data.slots} == {(12, 10)}
    assert (data.slots[0].label, data.slots[-1].label) == ("Mon 2 00:00", "Sun 8 23:00")


def test_weeks_across_a_clock_change_are_local_weeks() -> None:
    """The week in which clocks change has 167 hours and is compared with a whole local week of 168."""
    since, until = datetime(2026, 3, 2, 5), datetime(2026, 3, 9, 4)
    week = span_period(since, until, ZONE)
    assert (week.days, week.hours, week.previous.hours) == (7, 167, 168)
    assert week.previous.name == "Monday 23 February 2026" or week.name == "the 7 days before"
    assert week.title == "Monday 2 March 2026 to Sunday 8 March 2026"
    after = span_period(until, until + timedelta(days=7), ZONE)
    assert (after.hours, after.previous.since) == (168, since)


def test_a_month_is_shown_by_day() -> None:
    """Over ten days a slot is a local day, with the day before at its side."""
    span = span_period(MONDAY, MONDAY + timedelta(days=28), "UTC")
    con = made([*every_hour(MONDAY - timedelta(days=28), 24 * 28, 1), *every_hour(MONDAY, 24 * 28, 2)])
    data = read(con, span, X)
    assert (data.slot_minutes, len(data.slots)) == (1440, 28)
    assert {(slot.arrivals, slot.arrivals_before) for slot in data.slots} == {(48, 24)}
    assert data.slots[0].label == "Mon 2 March"


@pytest.mark.parametrize(
    ("before", "fault"),
    [
        # Some stray contacts are earlier, as of a test: without the rule the change would be thousands of percent.
        ([call(MONDAY - timedelta(days=n)) for n in range(1, 20)], "busy hours"),
        (every_hour(MONDAY - timedelta(days=7), 24 * 5), "no contact ended on Saturday 28 February 2026"),
        (every_hour(MONDAY - timedelta(days=3), 24 * 3), "the data start on 27 February 2026 00:00"),
        ([], "no contact ended in the 7 days before"),
    ],
)
def test_a_week_before_with_a_hole_is_not_compared(before: list[dict], fault: str) -> None:
    """Only a week that the warehouse has as a whole is compared, and the page says what is missing."""
    data = read(made([*before, *every_hour(MONDAY, 168)]), WEEK, X)
    assert data.no_comparison is not None
    assert fault in data.no_comparison
    assert {line.change for line in data.headline} == {""}


def test_a_day_before_with_few_of_its_hours_is_not_compared() -> None:
    """A day of which only some hours were loaded is not compared, although data are older than it."""
    rows = [
        *every_hour(DAY.since, 24),
        call(DAY.since - timedelta(days=3)),
        *every_hour(DAY.since - timedelta(hours=6), 6),
    ]
    assert read(made(rows), DAY, X).no_comparison == "Monday 2 March 2026 has contacts in 6 of the 24 busy hours"


def test_every_agent_is_listed() -> None:
    """Agents beyond those with time lines follow, each with numbers of its own, which add up to their common row."""
    data = read(made([call(NOON + timedelta(seconds=n), agent=n % 60) for n in range(180)]), DAY, X)
    assert (len(data.agents), len(data.agents_more), data.agent_count) == (AGENTS_MAX, 60 - AGENTS_MAX, 60)
    assert len({row.agent_id for row in (*data.agents, *data.agents_more)}) == 60
    assert data.agents_not_shown is not None
    together = sum(row.values["contacts_handled"] for row in data.agents_more)
    assert data.agents_not_shown.values["contacts_handled"] == together
