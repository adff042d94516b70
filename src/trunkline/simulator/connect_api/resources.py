"""Queues, users, routing profiles and hierarchy groups of the emulated instance: listed in pages, and described.

Shapes: botocore's model of Amazon Connect. What is deleted is neither listed nor described: take it out of the
`SimulatedInstance`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from trunkline.limits import LIST_PAGE_MAX
from trunkline.simulator.connect_api.answers import ApiError
from trunkline.simulator.connect_api.contacts import SimulatedInstance

Answer = dict[str, Any]
Named = tuple[str, str, str]
"""Id, ARN and name."""

LISTINGS: Final[Mapping[str, tuple[str, str]]] = {
    "ListQueues": ("QueueSummaryList", "Name"),
    "ListUsers": ("UserSummaryList", "Username"),
    "ListRoutingProfiles": ("RoutingProfileSummaryList", "Name"),
    "ListUserHierarchyGroups": ("UserHierarchyGroupSummaryList", "Name"),
}
"""The member of the answer by operation, and the member of an entry that has the name."""


@dataclass(frozen=True, slots=True)
class _Description:
    """`parameter` has the id in the request; the others are members of the answer."""

    listing: str
    parameter: str
    root: str
    id: str
    arn: str


DESCRIPTIONS: Final[Mapping[str, _Description]] = {
    "DescribeQueue": _Description("ListQueues", "QueueId", "Queue", "QueueId", "QueueArn"),
    "DescribeUser": _Description("ListUsers", "UserId", "User", "Id", "Arn"),
    "DescribeRoutingProfile": _Description(
        "ListRoutingProfiles", "RoutingProfileId", "RoutingProfile", "RoutingProfileId", "RoutingProfileArn"
    ),
    "DescribeUserHierarchyGroup": _Description(
        "ListUserHierarchyGroups", "HierarchyGroupId", "HierarchyGroup", "Id", "Arn"
    ),
}


def list_resources(operation: str, instance: SimulatedInstance, request: Answer) -> Answer:
    """One page. A token is an index into the listing. Raises ApiError for a token that is none."""
    member, name = LISTINGS[operation]
    listed = [
        {"Id": i, "Arn": arn, name: text, **instance.modified(i)} for i, arn, text in _resources(operation, instance)
    ]
    if operation == "ListQueues":
        kinds = request.get("QueueTypes") or ["STANDARD", "AGENT"]
        listed = [
            queue
            for queue in (*(entry | {"QueueType": "STANDARD"} for entry in listed), *_agent_queues(instance))
            if queue["QueueType"] in kinds
        ]
    token = request.get("NextToken", "0")
    if not (token.isascii() and token.isdigit()):
        raise ApiError("InvalidParameterException", "The next token is invalid")
    start, size = int(token), request.get("MaxResults", min(100, LIST_PAGE_MAX))
    answer: Answer = {member: listed[start : start + size]}
    if start + size < len(listed):
        answer["NextToken"] = str(start + size)
    return answer


def _agent_queues(instance: SimulatedInstance) -> list[Answer]:
    """Each user has an agent queue, without a name."""
    return [
        {"Id": i, "Arn": f"{instance.instance_arn}/queue/agent/{i}", "QueueType": "AGENT"} for i, _, _ in instance.users
    ]


def describe(operation: str, instance: SimulatedInstance, request: Answer) -> Answer:
    """The description of one of them. Raises ApiError where the instance has none of that id."""
    shape = DESCRIPTIONS[operation]
    for i, arn, name in _resources(shape.listing, instance):
        if i == request[shape.parameter]:
            described = {
                shape.id: i,
                shape.arn: arn,
                LISTINGS[shape.listing][1]: name,
                **instance.modified(i),
                **_MEMBERS[operation](instance, i, name),
                **instance.details.get(i, {}),
            }
            return {shape.root: {key: value for key, value in described.items() if value is not None}}
    raise ApiError("ResourceNotFoundException", f"{shape.root} not found")


def _resources(listing: str, instance: SimulatedInstance) -> tuple[Named, ...]:
    return {
        "ListQueues": instance.queues,
        "ListUsers": instance.users,
        "ListRoutingProfiles": instance.profiles,
        "ListUserHierarchyGroups": instance.groups,
    }[listing]


def _queue(instance: SimulatedInstance, queue_id: str, name: str) -> Answer:
    return {"Description": f"Contacts for {name}", "Status": "ENABLED", "HoursOfOperationId": _id(queue_id, "hours")}


def _user(instance: SimulatedInstance, user_id: str, name: str) -> Answer:
    first, _, last = name.partition(".")
    return {
        "IdentityInfo": {
            "FirstName": first.title(),
            "LastName": last.rstrip("0123456789").title(),
            "Email": f"{name}@example.com",
        },
        "PhoneConfig": {"PhoneType": "SOFT_PHONE", "AutoAccept": False, "AfterContactWorkTimeLimit": 120},
        "RoutingProfileId": instance.profile_of[user_id],
        "HierarchyGroupId": instance.group_of.get(user_id),
        "SecurityProfileIds": [_id(instance.instance_id, "agents")],
    }


def _profile(instance: SimulatedInstance, profile_id: str, name: str) -> Answer:
    users = sum(1 for profile in instance.profile_of.values() if profile == profile_id)
    return {"InstanceId": instance.instance_id, "Description": f"Agents of {name}", "NumberOfAssociatedUsers": users}


def _group(instance: SimulatedInstance, group_id: str, name: str) -> Answer:
    return {}


_MEMBERS: Final = {
    "DescribeQueue": _queue,
    "DescribeUser": _user,
    "DescribeRoutingProfile": _profile,
    "DescribeUserHierarchyGroup": _group,
}


def _id(seed: str, what: str) -> str:
    """An id that depends on the arguments alone."""
    from uuid import NAMESPACE_OID, uuid5

    return str(uuid5(NAMESPACE_OID, f"{seed} {what}"))
