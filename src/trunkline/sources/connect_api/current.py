"""An instance as it is now: its queues, users and routing profiles, and what the API measures of them.

Source: Amazon Connect API reference, GetCurrentMetricData and GetCurrentUserData: at most 100 queues or routing
profiles in a filter, groups without data are left out. Units: OLDEST_CONTACT_AGE is in seconds when it is grouped, and
in milliseconds when it is not, although the answer calls both SECONDS; here it is always grouped.
AGENTS_AFTER_CONTACT_WORK counts contacts.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from trunkline.limits import CURRENT_FILTER_MAX, CURRENT_PAGE_MAX, LIST_PAGE_MAX
from trunkline.sources.connect_api.client import ConnectClient

QUEUE_METRICS: Final = ("CONTACTS_IN_QUEUE", "OLDEST_CONTACT_AGE")
PROFILE_METRICS: Final = (
    "AGENTS_ONLINE",
    "AGENTS_STAFFED",
    "AGENTS_AVAILABLE",
    "AGENTS_ON_CONTACT",
    "AGENTS_AFTER_CONTACT_WORK",
    "AGENTS_ERROR",
    "AGENTS_NON_PRODUCTIVE",
)
_UNITS: Final = {"OLDEST_CONTACT_AGE": "SECONDS"}


@dataclass(frozen=True, slots=True)
class MetricGroup:
    """Metrics of one queue and channel, or of one routing profile (then `channel` is None), at `at`."""

    resource_id: str
    channel: str | None
    values: Mapping[str, float]
    at: datetime


@dataclass(frozen=True, slots=True)
class UserNow:
    """One user whom the API counts as active. `status_since` and the contacts' times are UTC."""

    user_id: str
    arn: str
    profile_id: str | None
    status: str | None
    status_since: datetime | None
    next_status: str | None
    contacts: Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class InstanceNow:
    """An instance at one reading. `queues` and `profiles` are names by id, `users` ARNs by id."""

    queues: Mapping[str, str]
    users: Mapping[str, str]
    profiles: Mapping[str, str]
    queue_metrics: Sequence[MetricGroup]
    profile_metrics: Sequence[MetricGroup]
    active: Sequence[UserNow]


def read_instance(client: ConnectClient) -> InstanceNow:
    """The instance by its listings and current data. Standard queues alone: every user has an agent queue besides.

    Raises DeadlineError where the calls do not fit into the time, TransientError, and what else the client raises.
    """
    queues = _names(client, "ListQueues", "QueueSummaryList", "Name", QueueTypes=["STANDARD"])
    users = _names(client, "ListUsers", "UserSummaryList", "Arn")
    profiles = _names(client, "ListRoutingProfiles", "RoutingProfileSummaryList", "Name")
    queue_metrics = [
        group
        for ids in _parts(queues)
        for group in _metrics(client, {"Queues": ids}, ["QUEUE", "CHANNEL"], QUEUE_METRICS)
    ]
    profile_metrics = [
        group
        for ids in _parts(profiles)
        for group in _metrics(client, {"RoutingProfiles": ids}, ["ROUTING_PROFILE"], PROFILE_METRICS)
    ]
    active = [user for ids in _parts(profiles) for user in _users(client, ids)]
    return InstanceNow(queues, users, profiles, queue_metrics, profile_metrics, active)


def _parts(ids: Mapping[str, str]) -> Iterator[list[str]]:
    listed = list(ids)
    for start in range(0, len(listed), CURRENT_FILTER_MAX):
        yield listed[start : start + CURRENT_FILTER_MAX]


def _pages(client: ConnectClient, operation: str, **parameters: Any) -> Iterator[Mapping[str, Any]]:
    more: dict[str, str] = {}
    while True:
        answer = client.call(operation, **parameters, **more)
        yield answer
        if not answer.get("NextToken"):
            return
        more = {"NextToken": answer["NextToken"]}


def _names(client: ConnectClient, operation: str, listed: str, name: str, **filters: Any) -> dict[str, str]:
    pages = _pages(client, operation, MaxResults=LIST_PAGE_MAX, **filters)
    return {entry["Id"]: entry.get(name, "") for page in pages for entry in page.get(listed, [])}


def _metrics(
    client: ConnectClient, filters: Mapping[str, Any], groupings: Sequence[str], names: Sequence[str]
) -> Iterator[MetricGroup]:
    metrics = [{"Name": name, "Unit": _UNITS.get(name, "COUNT")} for name in names]
    channels = {"Channels": ["VOICE", "CHAT", "TASK", "EMAIL"]} if "CHANNEL" in groupings else {}
    pages = _pages(
        client,
        "GetCurrentMetricData",
        Filters={**filters, **channels},
        Groupings=groupings,
        CurrentMetrics=metrics,
        MaxResults=CURRENT_PAGE_MAX,
    )
    for page in pages:
        at = _time(page.get("DataSnapshotTime"))
        for result in page.get("MetricResults", []):
            dimensions = result.get("Dimensions", {})
            resource = dimensions.get("Queue") or dimensions.get("RoutingProfile")
            values = {
                entry["Metric"]["Name"]: entry["Value"]
                for entry in result.get("Collections", [])
                if entry.get("Value") is not None
            }
            if resource is not None and at is not None:
                yield MetricGroup(resource["Id"], dimensions.get("Channel"), values, at)


def _users(client: ConnectClient, profile_ids: Sequence[str]) -> Iterator[UserNow]:
    filters = {"RoutingProfiles": list(profile_ids)}
    for page in _pages(client, "GetCurrentUserData", Filters=filters, MaxResults=CURRENT_PAGE_MAX):
        for entry in page.get("UserDataList", []):
            status = entry.get("Status", {})
            yield UserNow(
                entry["User"]["Id"],
                entry["User"]["Arn"],
                entry.get("RoutingProfile", {}).get("Id"),
                status.get("StatusName"),
                _time(status.get("StatusStartTimestamp")),
                entry.get("NextStatus"),
                entry.get("Contacts", []),
            )


def _time(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text).astimezone(UTC)
