"""Live points of events and of the Connect API's present: equal to what happened, twice is once, nothing is lost."""

from __future__ import annotations

import base64
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest
from connect import emulator, invoke_of, simulated
from kinesis_fake import ARN, FIRST_SEQUENCE, shard_id
from moto import mock_aws
from virtual_clock import VirtualClock

from trunkline.errors import TerminalError, TransientError, UsageError
from trunkline.limits import PERSIST_POINTS_MAX, SQS_SEND_BYTES_MAX
from trunkline.live.agents import Activity
from trunkline.live.events import decode
from trunkline.live.points import Point, agent_event_point
from trunkline.live.stores.memory import MemoryStore
from trunkline.live.stores.model import PointsWritten, RefusedPoint
from trunkline.live.wire import AgentEvent
from trunkline.pipelines.live.instance_data import InstanceData, persist_instances
from trunkline.pipelines.live.persist import (
    LetterQueue,
    LiveLetter,
    persist_agent_events,
    persist_contact_events,
)
from trunkline.records import ReceivedRecord
from trunkline.settings.installation import Settings
from trunkline.simulator.centre.centre import INSTANCE_ARN
from trunkline.simulator.connect_api.current import CurrentState
from trunkline.simulator.events.day import EventKind, arrivals, simulate_day
from trunkline.simulator.events.timeline import millisecond
from trunkline.simulator.spec import Spec
from trunkline.sources.connect_api.quota import CallClock

SPEC = Spec(contacts=60, seed=1, date=date(2026, 3, 3))
NOW = datetime(2026, 3, 5, tzinfo=UTC)
INSTANCE = simulated(300)


def delivery(*payloads: Any) -> dict[str, Any]:
    """Records of one shard as Lambda delivers them."""
    return {"Records": [
        {
            "kinesis": {
                "sequenceNumber": str(FIRST_SEQUENCE + place), "approximateArrivalTimestamp": 1772539200.5,
                "data": base64.b64encode(payload if isinstance(payload, bytes) else json.dumps(payload).encode()).decode(),
            },
            "eventID": f"{shard_id(0)}:{FIRST_SEQUENCE + place}", "eventSourceARN": ARN,
        }
        for place, payload in enumerate(payloads)
    ]}  # fmt: skip


def messages(*payloads: Any) -> dict[str, Any]:
    """Messages of a queue as Lambda delivers them."""
    return {"Records": [
        {"messageId": f"m-{place}", "body": json.dumps(payload), "eventSourceARN": "arn:q",
         "attributes": {"SentTimestamp": "1772539200500"}}
        for place, payload in enumerate(payloads)
    ]}  # fmt: skip


def events(*kinds: EventKind) -> list[dict[str, Any]]:
    return [arrival.event for arrival in arrivals(simulate_day(SPEC), kinds=frozenset(kinds))]


class Letters:
    """Takes letters, and fails where it is told to."""

    def __init__(self) -> None:
        self.letters: list[LiveLetter] = []

    def __call__(self, letters: Sequence[LiveLetter]) -> None:
        self.letters += letters

    @property
    def reasons(self) -> list[str]:
        return [letter.reason for letter in self.letters]


class FailingStore(MemoryStore):
    """Cannot be reached from the nth write on, or refuses points."""

    def __init__(self, fails_at: int = 0, refuses: bool = False) -> None:
        super().__init__()
        self.writes, self.fails_at, self.refuses = 0, fails_at, refuses

    def write(self, points: Sequence[Point], now: datetime) -> PointsWritten:
        self.writes += 1
        if self.fails_at and self.writes >= self.fails_at:
            raise TransientError("no answer")
        if self.refuses:
            return PointsWritten(len(points) - 1, 0, (RefusedPoint(points[-1], "field type conflict"),))
        return super().write(points, now)


def test_each_agent_event_is_a_point() -> None:
    """Contact records that share the stream are ignored; a second delivery changes nothing."""
    day = events(EventKind.AGENT_EVENT, EventKind.CONTACT_RECORD)[:400]
    agents = [event for event in day if "AgentARN" in event]
    assert 0 < len(agents) < 400
    store, letters = MemoryStore(), Letters()
    for _ in range(2):
        done = persist_agent_events(delivery(*day), store, letters, NOW)
        assert (done.written, done.ignored, done.set_aside, done.failed) == (len(agents), 400 - len(agents), 0, [])
    decoded = [decode(json.dumps(event).encode()) for event in agents]
    expected = [agent_event_point(event) for event in decoded if isinstance(event, AgentEvent)]
    points = store.read("trunkline_agent")
    by_time = {(point.tags, point.time_ns): point for point in expected}
    assert {(point.tags, point.time_ns): point for point in points} == by_time


def test_each_contact_event_is_a_point() -> None:
    """Direct from the rule, and through a queue: the same points, so an event that comes both ways counts once."""
    day = events(EventKind.CONTACT_EVENT)[:200]
    store, letters = MemoryStore(), Letters()
    done = persist_contact_events(messages(*day), store, letters, NOW)
    assert (done.written, done.ignored, done.set_aside) == (200, 0, 0)
    count = sum(point.fields["events"] for point in store.read("trunkline_contact_event"))
    for event in day[:20]:
        assert persist_contact_events(event, store, letters, NOW).written == 1
    points = store.read("trunkline_contact_event")
    assert sum(point.fields["events"] for point in points) == count == 200
    assert {dict(point.tags)["event_type"] for point in points} >= {"INITIATED", "QUEUED", "CONNECTED_TO_AGENT"}


def test_what_cannot_be_used_is_set_aside_and_stops_nobody() -> None:
    """Not JSON, a wrong type, an implausible time, a point that the store refuses: each a letter, the rest are points."""
    good = events(EventKind.AGENT_EVENT)[:3]
    bad = [b"{broken", good[0] | {"EventTimestamp": 5}, good[0] | {"EventTimestamp": "2099-01-01T00:00:00.000Z"}]
    letters = Letters()
    done = persist_agent_events(delivery(*good, *bad), FailingStore(refuses=True), letters, NOW)
    assert (done.written, done.set_aside, done.failed) == (2, 4, [])
    assert letters.reasons == ["invalid_json", "wrong_type", "implausible_time", "refused_point"]
    assert letters.letters[-1].record.sequence == str(FIRST_SEQUENCE + 2)
    assert letters.letters[0].record.data == b"{broken"


def test_a_store_that_fails_half_way_gets_the_rest_again() -> None:
    """From the first record of the part that was not written; what was written is not."""
    day = events(EventKind.AGENT_EVENT)[: 2 * PERSIST_POINTS_MAX + 1]
    done = persist_agent_events(delivery(*day), FailingStore(fails_at=2), Letters(), NOW)
    assert done.written == PERSIST_POINTS_MAX
    assert done.failed[0].sequence == str(FIRST_SEQUENCE + PERSIST_POINTS_MAX)
    assert len(done.failed) == PERSIST_POINTS_MAX + 1


def test_letters_that_cannot_be_stored_are_delivered_again() -> None:
    """A record is not forgotten because the queue for letters fails."""

    def fail(letters: Sequence[LiveLetter]) -> None:
        raise TransientError("no queue")

    done = persist_agent_events(delivery(b"{"), MemoryStore(), fail, NOW)
    assert (done.set_aside, len(done.failed)) == (0, 1)


@pytest.mark.parametrize("persist", [persist_agent_events, persist_contact_events])
def test_an_event_of_another_kind_is_refused(persist: Any) -> None:
    """A function that is attached to something else says so."""
    with pytest.raises(UsageError):
        persist({"detail": {}}, MemoryStore(), Letters(), NOW)


def test_letters_in_a_queue() -> None:
    """Position, reason and the bytes, as many messages in a call as fit; a payload that is too large is cut."""
    with mock_aws():
        sqs = boto3.client("sqs", region_name="eu-west-2")
        url = sqs.create_queue(QueueName="letters")["QueueUrl"]
        at = datetime(2026, 3, 3, 12)
        records = [ReceivedRecord("s/shard", str(number), b"x" * 10, at) for number in range(25)]
        large = [ReceivedRecord("s/shard", f"9{number}", b"y" * SQS_SEND_BYTES_MAX, at) for number in range(3)]
        letters = [LiveLetter(record, "invalid_json", "no JSON") for record in [*records, *large]]
        LetterQueue(sqs, url)(letters)
        bodies: list[dict[str, Any]] = []
        while found := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
            bodies += [json.loads(message["Body"]) for message in found]
    by_position = {body["position"]: body for body in bodies}
    assert by_position.keys() == {f"s/shard:{letter.record.sequence}" for letter in letters}
    small, cut = by_position["s/shard:7"], by_position["s/shard:91"]
    assert (small["reason"], small["length"], base64.b64decode(small["payload"])) == ("invalid_json", 10, b"x" * 10)
    assert (cut["length"], set(base64.b64decode(cut["payload"]))) == (SQS_SEND_BYTES_MAX, {ord("y")})
    assert small["arrived_at"] == "2026-03-03T12:00:00"


def settings(path: Path, **more: str) -> Settings:
    return Settings.load(path, {"TRUNKLINE_CONNECT_INSTANCES": INSTANCE_ARN, "TRUNKLINE_CONNECT_SHARE": "1", **more})


def busiest_ms(state: CurrentState) -> int:
    """An instant at which many contacts wait."""
    times = [millisecond(contact, contact.enqueued_at) + 5_000 for contact in state.contacts if contact.enqueued_at]
    return max(times, key=lambda at_ms: sum(1 for _ in state.waiting(at_ms)))


def run(
    path: Path, at: datetime, store: MemoryStore, left_s: float = 600.0, **assumed: Any
) -> tuple[InstanceData, Any]:
    """One invocation at that time of the simulated day, on the emulator's virtual clock."""
    clock = VirtualClock(at.timestamp())
    api = emulator(INSTANCE, clock, **assumed)
    pace = CallClock(clock.now_s, clock.sleep, clock.now_s() + left_s)
    done = persist_instances(settings(path), store, pace=pace, connect=lambda instance: invoke_of(api))
    return done, api


def test_the_present_is_what_the_simulator_knows(tmp_path: Path) -> None:
    """At several times of the day: waiting and longest wait by queue, agents by profile, each agent's activity."""
    assert INSTANCE.current is not None
    state = INSTANCE.current()
    hours = [datetime(2026, 3, 3, hour, tzinfo=UTC) for hour in (0, 9, 14, 17, 22)]
    waited = handled = 0
    for at in [*hours, datetime.fromtimestamp(busiest_ms(state) // 1000 - 2, UTC)]:
        store = MemoryStore()
        done, api = run(tmp_path, at, store)
        assert done.refused == 0
        assert api.count("ok") == api.count() == done.calls
        # All calls are within seconds of `at`, and each answer is of its own instant.
        ended_at = api.calls[-1].at_s
        snapshots = {call.operation: call.at_s for call in api.calls}
        at_ms = int(snapshots["GetCurrentMetricData"] * 1000)
        assert ended_at - at.timestamp() < 10
        profiles = {dict(point.tags)["profile"]: point for point in store.read("trunkline_agents")}
        online = sum(agent.status != "Offline" for _, agent in state.agents(at_ms))
        assert sum(point.fields["online"] for point in profiles.values()) == online
        acw = sum(item.state == "ENDED" for _, agent in state.agents(at_ms) for item in agent.contacts)
        assert sum(point.fields["after_contact_work"] for point in profiles.values()) == acw
        agents = {dict(point.tags)["agent"]: point.fields for point in store.read("trunkline_agent")}
        assert agents.keys() == {user_id for user_id, _, _ in INSTANCE.users}
        users_ms = int(snapshots["GetCurrentUserData"] * 1000)
        present = {line.agent.agent_id: agent for line, agent in state.agents(users_ms)}
        for agent_id, fields in agents.items():
            agent = present.get(agent_id)
            is_online = agent is not None and agent.status != "Offline"
            assert fields["is_online"] == is_online
            assert fields["contacts"] == (len(agent.contacts) if agent is not None else 0)
            if agent is None:
                assert fields["activity"] == Activity.OFFLINE
        waiting = {
            (tags["queue"], tags["channel"]): point.fields
            for point in store.read("trunkline_queue")
            for tags in [dict(point.tags)]
            if "waiting" in point.fields
        }
        queue_ms = int(next(call.at_s for call in api.calls if call.operation == "GetCurrentMetricData") * 1000)
        expected: dict[tuple[str, str], list[int]] = {}
        for contact in state.waiting(queue_ms):
            if contact.queue is not None and contact.personal_queue_of is None and contact.enqueued_at is not None:
                wait_s = (queue_ms - millisecond(contact, contact.enqueued_at)) // 1000
                expected.setdefault((contact.queue.queue_id, contact.channel), []).append(wait_s)
        assert {key: (fields["waiting"], fields["longest_wait_s"]) for key, fields in waiting.items()} == {
            key: (len(waits), max(waits)) for key, waits in expected.items()
        }
        waited += len(waiting)
        states = {"CONNECTED": "in_progress", "CONNECTED_ONHOLD": "in_progress", "PAUSED": "in_progress",
                  "ENDED": "after_contact_work"}  # fmt: skip
        shared = {id_ for id_, _, name in _with_agents(state, users_ms, states)}
        by_queue = Counter((queue_id, name) for _, queue_id, name in _with_agents(state, users_ms, states))
        assert len(shared) == by_queue.total()
        found: Counter[tuple[str, str]] = Counter()
        for point in store.read("trunkline_queue"):
            for name in set(states.values()):
                found[dict(point.tags)["queue"], name] += int(point.fields[name])
            is_deferred = dict(point.tags)["channel"] in ("TASK", "EMAIL")
            assert (point.fields["is_open"], point.fields["target_s"]) == (1, 14_400 if is_deferred else 20)
        assert +found == by_queue
        handled += by_queue.total()
    assert waited > 0
    assert handled > 0


def _with_agents(state: CurrentState, at_ms: int, states: Mapping[str, str]) -> list[tuple[str, str, str]]:
    """Contact, queue and field of each contact of a standard queue that an agent has in one of the states."""
    return [
        (item.contact.contact_id, item.contact.queue.queue_id, states[item.state])
        for _, agent in state.agents(at_ms)
        for item in agent.contacts
        if item.state in states and item.contact.queue is not None and item.contact.personal_queue_of is None
    ]


def test_a_wait_of_the_night_is_no_open_wait(tmp_path: Path) -> None:
    """The functions know opening hours as the board does: a closed queue's wait does not grow."""
    assert INSTANCE.current is not None
    at = datetime.fromtimestamp(busiest_ms(INSTANCE.current()) // 1000 - 2, UTC)
    opened = at - timedelta(minutes=at.minute % 15 + 1, seconds=at.second)
    hours = f"Mon-Sun 00:00-{opened:%H:%M}"
    clock = VirtualClock(at.timestamp())
    api = emulator(INSTANCE, clock)
    store, pace = MemoryStore(), CallClock(clock.now_s, clock.sleep, clock.now_s() + 600)
    home = settings(tmp_path, TRUNKLINE_OPENING_HOURS=hours)
    persist_instances(home, store, pace=pace, connect=lambda instance: invoke_of(api))
    points = [point for point in store.read("trunkline_queue") if "waiting" in point.fields]
    assert points
    for point in points:
        since = point.at - timedelta(seconds=point.fields["longest_wait_s"])
        assert point.fields["is_open"] == 0
        assert point.fields["longest_open_wait_s"] == max(0.0, (opened - since).total_seconds())


def test_the_longest_wait_is_in_milliseconds_without_groupings() -> None:
    """The emulator has the service's trap: the unit is the same with and without groupings, and the value is not."""
    assert INSTANCE.current is not None
    state = INSTANCE.current()
    at_ms = busiest_ms(state)
    clock = VirtualClock(at_ms / 1000)
    api = emulator(INSTANCE, clock)
    request = {
        "InstanceId": INSTANCE.instance_id, "Filters": {"Queues": [queue[0] for queue in INSTANCE.queues]},
        "CurrentMetrics": [{"Name": "OLDEST_CONTACT_AGE", "Unit": "SECONDS"}, {"Name": "CONTACTS_IN_QUEUE", "Unit": "COUNT"}],
    }  # fmt: skip
    grouped = api.call("GetCurrentMetricData", {**request, "Groupings": ["QUEUE", "CHANNEL"]})["MetricResults"]
    clock.sleep(1)
    whole = api.call("GetCurrentMetricData", request)["MetricResults"]
    ages = [result["Collections"][0]["Value"] for result in grouped]
    assert whole[0]["Collections"][0]["Value"] == (max(ages) + 1) * 1000
    assert whole[0]["Collections"][0]["Metric"]["Unit"] == "SECONDS"


def test_the_quota_is_kept_and_time_is_not_exceeded(tmp_path: Path) -> None:
    """No call is throttled; where there is no time for all calls nothing is written, and the next run does it."""
    at = datetime(2026, 3, 3, 18, tzinfo=UTC)
    done, api = run(tmp_path, at, MemoryStore())
    assert api.count("ThrottlingException") == {}
    assert set(done.calls) == {
        "ListQueues", "ListUsers", "ListRoutingProfiles", "GetCurrentMetricData", "GetCurrentUserData",
    }  # fmt: skip
    store = MemoryStore()
    done, _ = run(tmp_path, at, store, left_s=1.0)
    assert done.unfinished == [INSTANCE_ARN]
    assert (done.written, store.read("trunkline_agent")) == (0, [])


def test_an_instance_that_fails_leaves_the_others(tmp_path: Path) -> None:
    """Its error is raised after all had their turn; without an instance the setting is named."""
    clock = VirtualClock(datetime(2026, 3, 3, 18, tzinfo=UTC).timestamp())
    api = emulator(INSTANCE, clock)

    def connect(instance: Any) -> Any:
        if instance.instance_id.endswith("0"):
            raise TerminalError("denied")
        return invoke_of(api)

    arns = f"{INSTANCE_ARN[:-1]}0,{INSTANCE_ARN}"
    store = MemoryStore()
    pace = CallClock(clock.now_s, clock.sleep)
    with pytest.raises(TerminalError, match="denied"):
        persist_instances(settings(tmp_path, TRUNKLINE_CONNECT_INSTANCES=arns), store, pace=pace, connect=connect)
    assert store.read("trunkline_agent")
    with pytest.raises(UsageError, match="TRUNKLINE_CONNECT_INSTANCES"):
        persist_instances(settings(tmp_path, TRUNKLINE_CONNECT_INSTANCES=""), store)
