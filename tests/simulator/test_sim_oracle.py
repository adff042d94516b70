"""The oracle on hand-made records, whose results can be checked by hand, and on simulated records."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from trunkline.errors import UsageError
from trunkline.simulator.oracle.oracle import DIMENSIONS, INTERVALS_S, answer, interval_key
from trunkline.simulator.oracle.terms import METRICS, TrueContact
from trunkline.simulator.run import Result

ZONES = ("UTC", "America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe")


def _contact(
    contact_id: str,
    *,
    method: str = "INBOUND",
    end: str = "10:10:00",
    wait: int | None = None,
    queue: str | None = "q1",
    agent: Mapping[str, Any] | None = None,
    state: str | None = None,
    **top: Any,
) -> TrueContact:
    """A contact of 2026-03-03 that started at 10:00:00 and, if it waited, entered a queue at 10:01:00."""
    record: dict[str, Any] = {
        "ContactId": contact_id,
        "Channel": "VOICE",
        "InitiationMethod": method,
        "InitiationTimestamp": "2026-03-03T10:00:00Z",
        "ConnectedToSystemTimestamp": "2026-03-03T10:00:00Z",
        "DisconnectTimestamp": f"2026-03-03T{end}Z",
    }
    if wait is not None:
        record["Queue"] = {
            "ARN": f"arn:aws:connect:x:1:instance/i/queue/{queue}",
            "Name": f"Name of {queue}",
            "EnqueueTimestamp": "2026-03-03T10:01:00Z",
            "Duration": wait,
        }
    if agent is not None:
        record["Agent"] = {
            "ARN": "arn:aws:connect:x:1:instance/i/agent/a1",
            "RoutingProfile": {"ARN": "arn:aws:connect:x:1:instance/i/routing-profile/p1", "Name": "P"},
            "ConnectedToAgentTimestamp": "2026-03-03T10:02:00Z",
            **agent,
        }
    return TrueContact.from_record({**record, **top}, state)


TALKED = {
    "AgentInteractionDuration": 100,
    "CustomerHoldDuration": 30,
    "NumberOfHolds": 2,
    "AfterContactWorkDuration": 20,
    "AfterContactWorkEndTimestamp": "2026-03-03T10:10:20Z",
}
BRIEF = {"AgentInteractionDuration": 11, "CustomerHoldDuration": 0, "NumberOfHolds": 0}
TELEPHONE = {"Type": "TELEPHONE_NUMBER", "Address": "+15555550100"}
HAND_MADE = [
    _contact("answered late", wait=20, agent=TALKED, DisconnectReason="AGENT_DISCONNECT"),
    _contact("answered soon", wait=19, agent=BRIEF, method="TRANSFER", DisconnectReason="CUSTOMER_DISCONNECT"),
    _contact("abandoned", wait=5, state="IN_QUEUE", DisconnectReason="CUSTOMER_DISCONNECT"),
    _contact("abandoned late", wait=400, state="IN_QUEUE", queue="q2"),
    _contact("asked for a callback", wait=15, NextContactId="n"),
    _contact(
        "to a partner while ringing",
        wait=90,
        state="CONNECTING",
        TransferCompletedTimestamp="2026-03-03T10:02:30Z",
        TransferredToEndpoint=TELEPHONE,
    ),
    _contact("to another queue", wait=80, state="IN_QUEUE", TransferCompletedTimestamp="2026-03-03T10:02:20Z"),
    _contact("never queued", end="10:00:40"),
    _contact("dialled", method="OUTBOUND", agent={"AgentInteractionDuration": 50}, ConnectedToSystemTimestamp=None),
    _contact("still open", wait=3, DisconnectTimestamp=None),
    _contact("no duration", Queue={"EnqueueTimestamp": "2026-03-03T10:01:00Z"}),
]
# Metric -> exported result over HAND_MADE with X = 20 s, calculated by hand from Amazon's formulas.
BY_HAND: dict[str, float] = {
    "CONTACTS_CREATED": 10,
    "CONTACTS_QUEUED": 8,
    "CONTACTS_HANDLED": 3,
    "CONTACTS_HANDLED_INCOMING": 2,
    "CONTACTS_HANDLED_OUTBOUND": 1,
    "CALLBACK_CONTACTS_HANDLED": 0,
    "API_CONTACTS_HANDLED": 0,
    "CONTACTS_ABANDONED": 3,
    "SUM_CONTACTS_ABANDONED_IN_X": 1,
    "ABANDONMENT_RATE": 37.5,
    "SUM_CONTACTS_ANSWERED_IN_X": 1,
    "CONTACTS_REMOVED_FROM_QUEUE_IN_X": 3,
    "SERVICE_LEVEL": 37.5,
    "SERVICE_LEVEL_ANSWERED": 25.0,
    "AVG_QUEUE_ANSWER_TIME": 19.5,
    "AVG_ABANDON_TIME": 202.5,
    "MAX_QUEUED_TIME": 400.0,
    "CONTACTS_TRANSFERRED_IN": 1,
    "CONTACTS_TRANSFERRED_OUT": 2,
    "CONTACTS_TRANSFERRED_OUT_INTERNAL": 1,
    "CONTACTS_TRANSFERRED_OUT_EXTERNAL": 1,
    "AVG_HANDLE_TIME": (150 + 11 + 50) / 3,
    "SUM_HANDLE_TIME": 211.0,
    "AVG_INTERACTION_TIME": (100 + 11 + 50) / 3,
    "SUM_INTERACTION_TIME": 161.0,
    "AVG_HOLD_TIME": 15.0,
    "AVG_HOLD_TIME_ALL_CONTACTS": 15.0,
    "AVG_HOLDS": 2 / 10,
    "CONTACTS_PUT_ON_HOLD": 1,
    "AVG_AFTER_CONTACT_WORK_TIME": 20 / 3,
    "SUM_AFTER_CONTACT_WORK_TIME": 20.0,
    "AVG_CONTACT_DURATION": (9 * 600 + 40) / 10,
    "SUM_CONTACT_FLOW_TIME": 8 * 60 + 40,
    "AVG_RESOLUTION_TIME": (8 * 600 + 620 + 40) / 10,
    "CONTACTS_AGENT_HUNG_UP_FIRST": 1,
    "QUEUE_WAIT_TIME_P50": 20.0,
    "QUEUE_WAIT_TIME_P90": 400.0,
    "QUEUE_WAIT_TIME_P95": 400.0,
    "HANDLE_TIME_P50": 50.0,
    "HANDLE_TIME_P90": 150.0,
    "HANDLE_TIME_P95": 150.0,
}


@pytest.mark.parametrize("metric", sorted(METRICS))
def test_every_metric_is_right_on_contacts_made_by_hand(metric: str) -> None:
    """The exported result equals the one calculated by hand. A metric without such a result fails."""
    assert answer(HAND_MADE, metric) == {(): pytest.approx(BY_HAND[metric], abs=1e-12)}


def test_the_true_answer_reads_the_state_before_disconnect() -> None:
    """A contact transferred while ringing is abandoned for Amazon, not in the export; from the queue, in neither."""
    assert answer(HAND_MADE, "CONTACTS_ABANDONED", truth=True) == {(): 4}
    assert answer(HAND_MADE, "CONTACTS_ABANDONED") == {(): 3}
    assert answer(HAND_MADE, "AVG_ABANDON_TIME", truth=True) == {(): 165.0}


def test_metrics_without_contacts_are_none_or_zero() -> None:
    """Averages, rates, sums and percentiles of no contacts are None; counts are 0."""
    unqueued = [contact for contact in HAND_MADE if contact.contact_id == "never queued"]
    assert answer(unqueued, "SERVICE_LEVEL") == {(): None}
    assert answer(unqueued, "AVG_HANDLE_TIME") == {(): None}
    assert answer(unqueued, "QUEUE_WAIT_TIME_P90") == {(): None}
    assert answer(unqueued, "CONTACTS_ABANDONED") == {(): 0}
    assert answer([], "CONTACTS_CREATED") == {(): 0}
    assert answer([], "CONTACTS_CREATED", by=["queue"]) == {}


def test_group_keys_follow_by_and_end_with_the_interval() -> None:
    """Contacts without a queue are a separate group."""
    counts = answer(HAND_MADE, "CONTACTS_CREATED", by=["queue", "channel"], interval="30min")
    ten = datetime(2026, 3, 3, 10, 0)
    assert counts == {("q1", "VOICE", ten): 6, ("q2", "VOICE", ten): 1, (None, "VOICE", ten): 3}
    assert answer(HAND_MADE, "CONTACTS_HANDLED", by=["agent", "routing_profile"]) == {("a1", "p1"): 3, (None, None): 0}
    assert answer(HAND_MADE, "CONTACTS_CREATED", by=["initiation_method"]) == {
        ("INBOUND",): 8,
        ("TRANSFER",): 1,
        ("OUTBOUND",): 1,
    }


@pytest.mark.parametrize(
    ("x_s", "expected"),
    [
        (20, 3),
        (20.5, 4),
        (19, 2),
        ({"q1": 100, "default": 1000}, 7),
        ({"Name of q2": 401}, 4),
        ({"q2": 401, "default": 5}, 1),
    ],
)
def test_x_is_a_number_or_a_mapping_by_queue(x_s: float | dict[str, float], expected: int) -> None:
    """By queue id or name, with a default; always strictly less than X."""
    assert answer(HAND_MADE, "CONTACTS_REMOVED_FROM_QUEUE_IN_X", x_s=x_s) == {(): expected}


def test_since_and_until_are_half_open() -> None:
    """A contact that ends exactly at the limit belongs to the next period."""
    at = datetime(2026, 3, 3, 10, 10)
    assert answer(HAND_MADE, "CONTACTS_CREATED", since=at) == {(): 9}
    assert answer(HAND_MADE, "CONTACTS_CREATED", until=at) == {(): 1}
    eastern = at.replace(tzinfo=UTC).astimezone(ZoneInfo("America/New_York"))
    assert answer(HAND_MADE, "CONTACTS_CREATED", since=eastern) == {(): 9}


@pytest.mark.parametrize(
    ("at", "width_s", "zone", "expected"),
    [
        # New York's clocks go forward at 07:00 UTC and back at 06:00 UTC.
        ("2026-03-08T06:59:59", 3600, "America/New_York", datetime(2026, 3, 8, 6)),
        ("2026-03-08T07:00:00", 3600, "America/New_York", datetime(2026, 3, 8, 7)),
        ("2026-11-01T05:30:00", 3600, "America/New_York", datetime(2026, 11, 1, 5)),
        ("2026-11-01T06:30:00", 3600, "America/New_York", datetime(2026, 11, 1, 6)),
        ("2026-03-08T04:59:59", 86_400, "America/New_York", date(2026, 3, 7)),
        ("2026-03-09T03:59:59", 86_400, "America/New_York", date(2026, 3, 8)),
        ("2026-03-09T04:00:00", 86_400, "America/New_York", date(2026, 3, 9)),
        ("2026-11-02T04:59:59", 86_400, "America/New_York", date(2026, 11, 1)),
        # Kathmandu is 5:45 ahead: its hours begin at a quarter past.
        ("2026-03-03T10:14:59", 3600, "Asia/Kathmandu", datetime(2026, 3, 3, 9, 15)),
        ("2026-03-03T10:14:59", 900, "Asia/Kathmandu", datetime(2026, 3, 3, 10)),
        ("2026-03-03T10:29:59", 1800, "Asia/Kathmandu", datetime(2026, 3, 3, 10, 15)),
    ],
)
def test_interval_keys(at: str, width_s: int, zone: str, expected: date) -> None:
    """The UTC time at which the local interval starts, or the local date of a day; on both sides of clock changes."""
    second = int(datetime.fromisoformat(at).replace(tzinfo=UTC).timestamp())
    assert interval_key(second, width_s, zone) == expected


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("day", [datetime(2026, 3, 8), datetime(2026, 11, 1), datetime(2026, 4, 5)])
def test_interval_keys_follow_the_definition(zone: str, day: datetime) -> None:
    """`at` minus (local time modulo width), or a later clock change; every five minutes of days with clock changes."""

    def offset(instant: datetime) -> timedelta | None:
        return instant.replace(tzinfo=UTC).astimezone(ZoneInfo(zone)).utcoffset()

    quarters = [day + timedelta(minutes=15 * number) for number in range(-96, 192)]
    changed = [quarter for quarter in quarters if offset(quarter) != offset(quarter - timedelta(minutes=1))]
    for minute in range(0, 3 * 1440, 5):
        at = day - timedelta(days=1) + timedelta(minutes=minute, seconds=17)
        wall = at.replace(tzinfo=UTC).astimezone(ZoneInfo(zone))
        into_day = timedelta(hours=wall.hour, minutes=wall.minute, seconds=wall.second)
        second = int(at.replace(tzinfo=UTC).timestamp())
        for width_s in (900, 1800, 3600):
            expected = at - into_day % timedelta(seconds=width_s)
            expected = max([expected, *(quarter for quarter in changed if expected < quarter <= at)])
            assert interval_key(second, width_s, zone) == expected
        assert interval_key(second, 86_400, zone) == wall.date()


@pytest.mark.parametrize("truth", [False, True])
@pytest.mark.parametrize("by", [(), ("queue",), ("agent",), ("routing_profile", "channel"), ("initiation_method",)])
def test_groups_add_up_to_the_whole(plain: Result, by: Sequence[str], truth: bool) -> None:
    """Counts and sums over any grouping and interval add up to the ungrouped result."""
    for metric in ("CONTACTS_CREATED", "CONTACTS_QUEUED", "CONTACTS_ABANDONED", "SUM_HANDLE_TIME"):
        whole = answer(plain.contacts, metric, truth=truth)[()]
        for interval in (None, *INTERVALS_S):
            parts = answer(plain.contacts, metric, by, interval, "America/New_York", truth=truth)
            assert sum(value or 0 for value in parts.values()) == whole


def test_the_two_answers_differ_in_a_simulated_day(two_days: Result) -> None:
    """The true and exported results differ, so that the difference on a metric's page is tested."""
    exported = answer(two_days.contacts, "CONTACTS_ABANDONED")[()]
    true = answer(two_days.contacts, "CONTACTS_ABANDONED", truth=True)[()]
    assert exported is not None
    assert true is not None
    assert exported < true < exported * 1.1


def test_unknown_names_are_refused() -> None:
    """The message lists the valid names."""
    with pytest.raises(UsageError, match="AVG_HANDLE_TIME"):
        answer(HAND_MADE, "AHT")
    with pytest.raises(UsageError, match="routing_profile"):
        answer(HAND_MADE, "CONTACTS_CREATED", by=["skill"])
    with pytest.raises(UsageError, match="30min"):
        answer(HAND_MADE, "CONTACTS_CREATED", interval="5min")


def test_every_dimension_is_filled_in_a_simulated_day(plain: Result) -> None:
    """Each dimension has more than one value, so that grouping is tested."""
    for name in DIMENSIONS:
        assert len(answer(plain.contacts, "CONTACTS_CREATED", by=[name])) > 2
