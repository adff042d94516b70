"""`persist_instance_data`: queues, agents and routing profiles as points, by the Connect API.

The same series as those that a process writes which folds events. What the API does not say is not written.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from trunkline import clock
from trunkline.errors import TrunklineError, UsageError
from trunkline.live.agents import Activity, contact_activity
from trunkline.live.points import Point, agent_event_point, make_point
from trunkline.live.rules import LiveRules, live_rules
from trunkline.live.stores.model import SeriesStore
from trunkline.live.wire import AgentEvent, AgentSnapshot, AgentStatus, Named, NextStatus, OfferedContact
from trunkline.settings.installation import Settings
from trunkline.sources.connect_api import client as connect_client
from trunkline.sources.connect_api.client import ConnectClient, ConnectInstance, Invoke, parse_instance
from trunkline.sources.connect_api.current import InstanceNow, MetricGroup, UserNow, read_instance
from trunkline.sources.connect_api.quota import CallClock, DeadlineError, TokenBuckets

_CONTACT_FIELDS: Final = {
    Activity.ON_CONTACT: "in_progress",
    Activity.INCOMING: "offered",
    Activity.AFTER_CONTACT_WORK: "after_contact_work",
}
"""What a contact that an agent has is in its queue, by what it makes the agent do."""
_PROFILE_FIELDS: Final = {
    "AGENTS_ONLINE": "online",
    "AGENTS_STAFFED": "staffed",
    "AGENTS_AVAILABLE": "available",
    "AGENTS_ON_CONTACT": "on_contact",
    "AGENTS_AFTER_CONTACT_WORK": "after_contact_work",
    "AGENTS_ERROR": "error",
    "AGENTS_NON_PRODUCTIVE": "non_productive",
}


@dataclass(slots=True)
class InstanceData:
    """The account of an invocation: points, calls by operation, and the instances that there was no time for."""

    written: int = 0
    refused: int = 0
    calls: Counter[str] = field(default_factory=Counter)
    unfinished: list[str] = field(default_factory=list)


def persist_instances(
    settings: Settings,
    store: SeriesStore,
    deadline_s: float | None = None,
    pace: CallClock | None = None,
    connect: Any = connect_client.connect,
) -> InstanceData:
    """Read every instance of the settings within our share of the quota, and write what is there now.

    Raises UsageError where the settings name no instance, and the first error of an instance after all had their turn.
    """
    if not settings.connect_instances:
        raise UsageError(
            "no Connect instance is named: set TRUNKLINE_CONNECT_INSTANCES to an ARN such as "
            "arn:aws:connect:eu-west-2:111122223333:instance/ID"
        )
    pace = pace or CallClock(deadline_s=deadline_s)
    buckets = TokenBuckets(settings.connect_share, pace, settings.connect_quota)
    done, first_error = InstanceData(), None
    for arn in settings.connect_instances:
        instance = parse_instance(arn, settings.connect_roles, settings.connect_endpoint)
        try:
            _persist(instance, connect(instance), buckets, store, live_rules(settings), done)
        except DeadlineError:
            done.unfinished.append(arn)
        except TrunklineError as error:
            first_error = first_error or error
    if first_error is not None:
        raise first_error
    return done


def _persist(
    instance: ConnectInstance,
    invoke: Invoke,
    buckets: TokenBuckets,
    store: SeriesStore,
    rules: LiveRules,
    done: InstanceData,
) -> None:
    client = ConnectClient(instance, invoke, buckets)
    try:
        present = read_instance(client)
    finally:
        done.calls += client.calls
    now = clock.now()
    written = store.write(list(instance_points(instance, present, now, rules)), now)
    done.written += written.accepted + written.superseded
    done.refused += len(written.refused)


def instance_points(
    instance: ConnectInstance, present: InstanceNow, now: datetime, rules: LiveRules
) -> Iterator[Point]:
    """A point of each queue and channel with a contact, each queue's name, each routing profile and each user.

    A user whom the API does not name is offline. The API leaves out queues and channels in which nobody waits. What
    depends on more than the present is not known here: today's numbers, contacts without their record.
    """
    yield from _queue_points(instance, present, now, rules)
    for queue_id, name in present.queues.items():
        yield make_point("trunkline_queue_info", {"queue": queue_id, "name": name}, {"info": 1}, now)
    for group in present.profile_metrics:
        profile = present.profiles.get(group.resource_id) or group.resource_id
        yield make_point("trunkline_agents", {"profile": profile}, _fields(group, _PROFILE_FIELDS), group.at)
    active = {user.user_id: user for user in present.active}
    for user_id, arn in present.users.items():
        user = active.get(user_id) or UserNow(user_id, arn, None, "Offline", None, None, ())
        yield agent_event_point(_as_event(instance, user, now))


def _queue_points(instance: ConnectInstance, present: InstanceNow, now: datetime, rules: LiveRules) -> Iterator[Point]:
    """Contacts that wait, by the queue's metrics; those that ring or are with an agent, by the users' contacts."""
    waiting = {(group.resource_id, group.channel): group for group in present.queue_metrics}
    contacts: dict[tuple[str, str | None], Counter[str]] = {}
    for contact in {item["ContactId"]: item for user in present.active for item in user.contacts}.values():
        name = _CONTACT_FIELDS.get(contact_activity(_contact(contact)))
        queue_id = contact.get("Queue", {}).get("Id")
        if name is not None and queue_id in present.queues:
            contacts.setdefault((queue_id, contact.get("Channel")), Counter())[name] += 1
    for key in dict.fromkeys((*waiting, *contacts)):
        queue_id, channel = key
        group = waiting.get(key)
        at, wait_s = (group.at, group.values.get("OLDEST_CONTACT_AGE")) if group is not None else (now, None)
        hours = rules.hours_of(queue_id, present.queues.get(queue_id))
        open_wait_s = wait_s if wait_s is None or hours is None else hours.open_s(at - timedelta(seconds=wait_s), at)
        fields = {
            "waiting": group.values.get("CONTACTS_IN_QUEUE") if group is not None else None,
            "longest_wait_s": wait_s,
            "longest_open_wait_s": open_wait_s,
            "target_s": rules.target_s(queue_id, present.queues.get(queue_id), channel),
            "is_open": hours is None or hours.is_open(at),
            **{name: contacts.get(key, Counter())[name] for name in _CONTACT_FIELDS.values()},
        }
        yield make_point(
            "trunkline_queue", {"instance": instance.instance_id, "queue": queue_id, "channel": channel}, fields, at
        )


def _fields(group: MetricGroup, names: Mapping[str, str]) -> dict[str, float | None]:
    return {field_name: group.values.get(metric) for metric, field_name in names.items()}


def _as_event(instance: ConnectInstance, user: UserNow, now: datetime) -> AgentEvent:
    """The user as an event of the agent event stream would have it, so that both are measured alike."""
    kinds = {"Available": "ROUTABLE", "Offline": "OFFLINE"}
    status = AgentStatus(name=user.status, kind=kinds.get(user.status or "", "CUSTOM"), since=user.status_since)
    next_status = NextStatus(name=user.next_status) if user.next_status is not None else None
    contacts = tuple(map(_contact, user.contacts))
    snapshot = AgentSnapshot(status=status, next_status=next_status, contacts=contacts)
    return AgentEvent(
        agent_arn=user.arn, event_id="", at=now, kind="STATE_CHANGE", instance_arn=instance.arn, current=snapshot
    )


def _contact(contact: Mapping[str, Any]) -> OfferedContact:
    def time(name: str) -> datetime | None:
        text = contact.get(name)
        return None if text is None else datetime.fromisoformat(text)

    queue = contact.get("Queue")
    return OfferedContact(
        contact_id=contact["ContactId"],
        channel=contact.get("Channel"),
        method=contact.get("InitiationMethod"),
        state=contact.get("AgentContactState"),
        since=time("StateStartTimestamp"),
        connected_at=time("ConnectedToAgentTimestamp"),
        queue=Named(arn=queue.get("Arn")) if queue else None,
    )
