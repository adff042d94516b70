"""What the emulated API says of the present: GetCurrentMetricData and GetCurrentUserData, from the agents' timelines.

Source: Amazon Connect API reference and administrator guide, "Metrics definitions". Assumed, since nothing says it: a
queue and channel has data while a contact waits in it or an agent can take one from it; a user is listed until ten
minutes after the log-off; all groups of one answer are of one instant.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from trunkline.limits import CURRENT_FILTER_MAX, CURRENT_PAGE_MAX
from trunkline.simulator.centre.centre import Contact
from trunkline.simulator.centre.journal import AVAILABLE, OFFLINE
from trunkline.simulator.centre.play import Played
from trunkline.simulator.connect_api.answers import ApiError
from trunkline.simulator.events.agent_events import status_arn
from trunkline.simulator.events.timeline import AgentState, AgentTimeline, millisecond, offers, timelines

Answer = dict[str, Any]
_LISTED_MS: Final = 600_000
_FAILED: Final = frozenset(("MISSED", "REJECTED", "ERROR"))
_ON_CONTACT: Final = frozenset(("CONNECTED", "CONNECTED_ONHOLD", "PAUSED", "ENDED"))
_UNITS: Final = {"OLDEST_CONTACT_AGE": "SECONDS"}


@dataclass(frozen=True, slots=True)
class CurrentState:
    """Who was where at any instant: the agents' timelines, and when each contact was offered to an agent."""

    lines: Sequence[AgentTimeline]
    contacts: Sequence[Contact]
    offered: Mapping[int, list[tuple[int, int]]]

    def agents(self, at_ms: int) -> Iterator[tuple[AgentTimeline, AgentState]]:
        """The agents who are logged in, or were until a few minutes ago."""
        for line in self.lines:
            state = line.at(at_ms)
            if state is not None and (
                state.status != OFFLINE or state.contacts or at_ms - state.status_ms < _LISTED_MS
            ):
                yield line, state

    def waiting(self, at_ms: int) -> Iterator[Contact]:
        """The contacts in a queue that are not offered to an agent at that time."""
        for contact in self.contacts:
            if contact.queue is None or contact.enqueued_at is None:
                continue
            ends = [end for end in (contact.dequeued_at, contact.disconnected_at) if end is not None]
            left_ms = min((millisecond(contact, end) for end in ends), default=at_ms + 1)
            is_in_queue = millisecond(contact, contact.enqueued_at) <= at_ms < left_ms
            if is_in_queue and not any(begin <= at_ms < end for begin, end in self.offered.get(contact.number, ())):
                yield contact


def current_state(played: Played) -> CurrentState:
    """The state of a centre's days at any instant."""
    lines = timelines(played)
    return CurrentState(lines, played.contacts, offers(lines))


def current_metrics(state: CurrentState, request: Answer, now_s: float) -> Answer:
    """The answer to GetCurrentMetricData. Raises ApiError for filters that the service refuses."""
    at_ms = int(now_s * 1000)
    groupings = request.get("Groupings") or []
    filters = request["Filters"]
    if ("Queues" in filters) == ("RoutingProfiles" in filters):
        raise ApiError("InvalidRequestException", "Filters must have queues or routing profiles, not both")
    groups = _by_profile(state, filters, at_ms) if "RoutingProfiles" in filters else _by_queue(state, filters, at_ms)
    if not groupings:
        groups = [({}, _summed([values for _, values in groups]))]
    results = [
        {
            **({"Dimensions": dimensions} if dimensions else {}),
            "Collections": [
                {"Metric": dict(metric), "Value": _value(values, metric["Name"], is_grouped=bool(groupings))}
                for metric in request["CurrentMetrics"]
            ],
        }
        for dimensions, values in groups
    ]
    answer = _paged(results, "MetricResults", request)
    return answer | {"DataSnapshotTime": datetime.fromtimestamp(at_ms // 1000, UTC)}


def _value(values: Mapping[str, float], name: str, is_grouped: bool) -> float:
    # The unit is SECONDS in the answer whatever it is: milliseconds without groupings.
    scale = 1000 if name == "OLDEST_CONTACT_AGE" and not is_grouped else 1
    return float(values.get(name, 0)) * scale


def _summed(groups: Sequence[Mapping[str, float]]) -> dict[str, float]:
    total: Counter[str] = Counter()
    for values in groups:
        total.update(values)
    oldest = max((values.get("OLDEST_CONTACT_AGE", 0) for values in groups), default=0)
    return {**total, "OLDEST_CONTACT_AGE": oldest}


def _by_queue(state: CurrentState, filters: Answer, at_ms: int) -> list[tuple[Answer, dict[str, float]]]:
    ids = _filter(filters["Queues"])
    values: dict[tuple[str, str, str], dict[str, float]] = {}
    for contact in state.waiting(at_ms):
        queue = contact.queue
        if queue is None or contact.personal_queue_of is not None or queue.queue_id not in ids:
            continue
        if contact.channel in filters.get("Channels", [contact.channel]):
            group = values.setdefault((queue.queue_id, queue.arn, contact.channel), {})
            age_s = (at_ms - millisecond(contact, contact.enqueued_at or 0)) // 1000
            group["CONTACTS_IN_QUEUE"] = group.get("CONTACTS_IN_QUEUE", 0) + 1
            group["OLDEST_CONTACT_AGE"] = max(group.get("OLDEST_CONTACT_AGE", 0), age_s)
    return [
        ({"Queue": {"Id": queue_id, "Arn": arn}, "Channel": channel}, group)
        for (queue_id, arn, channel), group in sorted(values.items())
    ]


def _by_profile(state: CurrentState, filters: Answer, at_ms: int) -> list[tuple[Answer, dict[str, float]]]:
    ids = _filter(filters["RoutingProfiles"])
    values: dict[str, Counter[str]] = {}
    for line, agent in state.agents(at_ms):
        arn = line.agent.profile.arn
        if arn.rpartition("/")[2] in ids:
            values.setdefault(arn, Counter()).update(_agent_metrics(agent))
    return [
        ({"RoutingProfile": {"Id": arn.rpartition("/")[2], "Arn": arn}}, dict(group))
        for arn, group in sorted(values.items())
    ]


def _agent_metrics(agent: AgentState) -> dict[str, int]:
    """What one agent adds to each metric, by "Metrics definitions"."""
    states = [item.state for item in agent.contacts]
    is_dialing = any(
        item.state == "CONNECTING" and item.contact.method in ("OUTBOUND", "CALLBACK") for item in agent.contacts
    )
    return {
        "AGENTS_ONLINE": agent.status != OFFLINE,
        "AGENTS_STAFFED": agent.status == AVAILABLE,
        "AGENTS_AVAILABLE": agent.status == AVAILABLE and not states,
        "AGENTS_ON_CONTACT": is_dialing or any(state in _ON_CONTACT for state in states),
        "AGENTS_AFTER_CONTACT_WORK": states.count("ENDED"),
        "AGENTS_ERROR": any(state in _FAILED for state in states),
        "AGENTS_NON_PRODUCTIVE": agent.status not in (AVAILABLE, OFFLINE),
    }


def current_users(state: CurrentState, request: Answer, now_s: float) -> Answer:
    """The answer to GetCurrentUserData. Raises ApiError for filters that the service refuses."""
    at_ms = int(now_s * 1000)
    filters = request["Filters"]
    named = [name for name in ("Queues", "RoutingProfiles", "Agents", "UserHierarchyGroups") if name in filters]
    if named != ["RoutingProfiles"]:
        raise ApiError("InvalidRequestException", f"one filter is allowed; emulated is RoutingProfiles, not {named}")
    ids = _filter(filters["RoutingProfiles"])
    users = [
        _user(line, agent) for line, agent in state.agents(at_ms) if line.agent.profile.arn.rpartition("/")[2] in ids
    ]
    return _paged(users, "UserDataList", request)


def _user(line: AgentTimeline, state: AgentState) -> Answer:
    agent = line.agent
    profile = agent.profile.arn
    user: Answer = {
        "User": {"Id": agent.agent_id, "Arn": agent.arn},
        "RoutingProfile": {"Id": profile.rpartition("/")[2], "Arn": profile},
        "Status": {
            "StatusStartTimestamp": _at(state.status_ms),
            "StatusArn": status_arn(state.status),
            "StatusName": state.status,
        },
        "Contacts": [_contact(item) for item in state.contacts],
    }
    return user | ({"NextStatus": state.next_status[0]} if state.next_status else {})


def _contact(item: Any) -> Answer:
    contact = item.contact
    # The model has no PAUSED, and says that a hold keeps the time of the connection.
    is_on_hold = item.state in ("CONNECTED_ONHOLD", "PAUSED") and item.connected_ms is not None
    result: Answer = {
        "ContactId": contact.contact_id,
        "Channel": contact.channel,
        "InitiationMethod": contact.method,
        "AgentContactState": "CONNECTED" if item.state == "PAUSED" else item.state,
        "StateStartTimestamp": _at(item.connected_ms if is_on_hold else item.since_ms),
    }
    if item.connected_ms is not None:
        result["ConnectedToAgentTimestamp"] = _at(item.connected_ms)
    if contact.queue is not None:
        result["Queue"] = {"Id": contact.queue.queue_id, "Arn": contact.queue.arn}
    return result


def _filter(ids: Sequence[str]) -> set[str]:
    if not 1 <= len(ids) <= CURRENT_FILTER_MAX:
        raise ApiError("InvalidParameterException", f"a filter has 1 to {CURRENT_FILTER_MAX} ids, not {len(ids)}")
    return {each.rpartition("/")[2] for each in ids}


def _paged(results: list[Answer], name: str, request: Answer) -> Answer:
    start, size = int(request.get("NextToken") or 0), request.get("MaxResults", CURRENT_PAGE_MAX)
    answer: Answer = {name: results[start : start + size], "ApproximateTotalCount": len(results)}
    if start + size < len(results):
        answer["NextToken"] = str(start + size)
    return answer


def _at(at_ms: int) -> datetime:
    return datetime.fromtimestamp(at_ms / 1000, UTC)
