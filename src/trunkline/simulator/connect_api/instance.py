"""The emulated Amazon Connect API: the operations that Trunkline uses, within quotas, on any clock.

`ConnectApi.call` has boto3's parameters and answers; `http.served` serves it on a port. It does not depend on boto3: a
caller that has the service's model passes a check of every request and every answer.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from trunkline.limits import LIST_PAGE_MAX
from trunkline.simulator.connect_api.answers import ApiError, Quotas, contact
from trunkline.simulator.connect_api.contacts import SimulatedInstance
from trunkline.simulator.connect_api.current import CurrentState, current_metrics, current_users
from trunkline.simulator.connect_api.search import Assumptions, ContactIndex

Answer = dict[str, Any]
Check = Callable[[str, str, Mapping[str, Any]], list[str]]
"""(operation, "request" or "answer", parameters) to the faults in the parameters, empty where they are valid."""


@dataclass(frozen=True, slots=True)
class Call:
    """One received call: its time (Unix seconds) and its outcome: `ok`, an error's code, or `broken`."""

    operation: str
    request: Mapping[str, Any]
    at_s: float
    outcome: str


class ConnectApi:
    """The service. `calls` has every call in order; `failures` injects errors.

    `failures(operation, request)` is called for every call: it returns None, or an error to raise instead of an answer
    (a ConnectionError breaks the connection).
    """

    def __init__(
        self,
        instances: list[SimulatedInstance],
        now_s: Callable[[], float],
        assumed: Assumptions | None = None,
        quotas: Quotas | None = None,
        check: Check = lambda operation, side, values: [],
    ) -> None:
        self.assumed = assumed or Assumptions()
        self.quotas = quotas or Quotas(now_s)
        self.calls: list[Call] = []
        self.failures: Callable[[str, Mapping[str, Any]], Exception | None] = lambda operation, request: None
        self._now_s, self._check = now_s, check
        self._instances = {instance.instance_id: instance for instance in instances}
        self._searches = {instance.instance_id: ContactIndex(instance, self.assumed, now_s) for instance in instances}
        self._lock = threading.Lock()

    def call(self, operation: str, request: Answer) -> Answer:
        """One call. Raises ApiError, or what `failures` returns."""
        outcome = "broken"
        try:
            answer = self._call(operation, request)
            outcome = "ok"
            return answer
        except ApiError as error:
            outcome = error.code
            raise
        finally:
            self.calls.append(Call(operation, request, self._now_s(), outcome))

    def count(self, outcome: str = "ok") -> Counter[str]:
        """Calls by operation."""
        return Counter(call.operation for call in self.calls if call.outcome == outcome)

    def _call(self, operation: str, request: Answer) -> Answer:
        if operation not in OPERATIONS:
            raise ApiError("UnknownOperationException", f"{operation} is not emulated")
        if wrong := self._check(operation, "request", request):
            raise ApiError("InvalidRequestException", "; ".join(wrong))
        if not self.quotas.admits(operation):
            raise ApiError("ThrottlingException", "Rate exceeded")
        failure = self.failures(operation, request)
        if failure is not None:
            raise failure
        instance = self._instances.get(request["InstanceId"].rpartition("/")[2])
        if instance is None:
            raise ApiError("ResourceNotFoundException", "Instance not found")
        with self._lock:
            answer = OPERATIONS[operation](self, instance, request)
        if wrong := self._check(operation, "answer", answer):
            raise AssertionError(f"the emulator answers {operation} wrongly: {wrong}")
        return answer

    def _search_contacts(self, instance: SimulatedInstance, request: Answer) -> Answer:
        return self._searches[instance.instance_id].search(request)

    def _describe_contact(self, instance: SimulatedInstance, request: Answer) -> Answer:
        record = self._record(instance, request["ContactId"])
        return {"Contact": contact(record, self.assumed.gives_attributes)}

    def _get_contact_attributes(self, instance: SimulatedInstance, request: Answer) -> Answer:
        return {"Attributes": dict(self._record(instance, request["InitialContactId"]).get("Attributes") or {})}

    def _record(self, instance: SimulatedInstance, contact_id: str) -> Answer:
        known = instance.contacts.get(contact_id)
        now = self._now_s()
        if known is None or (known.times[0] or 0) > now:
            raise ApiError("ResourceNotFoundException", "Contact not found")
        return known.record_at(now)

    def _list_queues(self, instance: SimulatedInstance, request: Answer) -> Answer:
        kinds = request.get("QueueTypes") or ["STANDARD", "AGENT"]
        standard = [{"Id": i, "Arn": a, "Name": n, "QueueType": "STANDARD"} for i, a, n in instance.queues]
        # Each user has an agent queue, without a name.
        agents = [
            {"Id": i, "Arn": f"{instance.instance_arn}/queue/agent/{i}", "QueueType": "AGENT"}
            for i, _, _ in instance.users
        ]
        listed = [queue for queue in (*standard, *agents) if queue["QueueType"] in kinds]
        return _page(listed, "QueueSummaryList", request)

    def _list_users(self, instance: SimulatedInstance, request: Answer) -> Answer:
        listed = [{"Id": i, "Arn": a, "Username": n} for i, a, n in instance.users]
        return _page(listed, "UserSummaryList", request)

    def _list_routing_profiles(self, instance: SimulatedInstance, request: Answer) -> Answer:
        listed = [{"Id": i, "Arn": a, "Name": n} for i, a, n in instance.profiles]
        return _page(listed, "RoutingProfileSummaryList", request)

    def _list_user_hierarchy_groups(self, instance: SimulatedInstance, request: Answer) -> Answer:
        listed = [{"Id": i, "Arn": a, "Name": n} for i, a, n in instance.groups]
        return _page(listed, "UserHierarchyGroupSummaryList", request)

    def _get_current_metric_data(self, instance: SimulatedInstance, request: Answer) -> Answer:
        return current_metrics(self._current(instance), request, self._now_s())

    def _get_current_user_data(self, instance: SimulatedInstance, request: Answer) -> Answer:
        return current_users(self._current(instance), request, self._now_s())

    def _current(self, instance: SimulatedInstance) -> CurrentState:
        if instance.current is None:
            raise ApiError("ResourceNotFoundException", "This instance has no agents")
        return instance.current()

    def _describe_user(self, instance: SimulatedInstance, request: Answer) -> Answer:
        for user_id, arn, name in instance.users:
            if user_id == request["UserId"]:
                user = {
                    "Id": user_id,
                    "Arn": arn,
                    "Username": name,
                    "RoutingProfileId": instance.profile_of[user_id],
                    "HierarchyGroupId": instance.group_of.get(user_id),
                }
                return {"User": {key: value for key, value in user.items() if value is not None}}
        raise ApiError("ResourceNotFoundException", "User not found")


def _page(listed: list[Answer], name: str, request: Answer) -> Answer:
    """One page of a listing. A token is an index into it."""
    token = request.get("NextToken", "0")
    if not (token.isascii() and token.isdigit()):
        raise ApiError("InvalidParameterException", "The next token is invalid")
    start, size = int(token), request.get("MaxResults", min(100, LIST_PAGE_MAX))
    answer: Answer = {name: listed[start : start + size]}
    if start + size < len(listed):
        answer["NextToken"] = str(start + size)
    return answer


OPERATIONS: Mapping[str, Callable[[ConnectApi, SimulatedInstance, Answer], Answer]] = {
    "SearchContacts": ConnectApi._search_contacts,  # noqa: SLF001 - a table of the class's own methods
    "DescribeContact": ConnectApi._describe_contact,  # noqa: SLF001
    "GetContactAttributes": ConnectApi._get_contact_attributes,  # noqa: SLF001
    "ListQueues": ConnectApi._list_queues,  # noqa: SLF001
    "ListUsers": ConnectApi._list_users,  # noqa: SLF001
    "ListRoutingProfiles": ConnectApi._list_routing_profiles,  # noqa: SLF001
    "ListUserHierarchyGroups": ConnectApi._list_user_hierarchy_groups,  # noqa: SLF001
    "GetCurrentMetricData": ConnectApi._get_current_metric_data,  # noqa: SLF001
    "GetCurrentUserData": ConnectApi._get_current_user_data,  # noqa: SLF001
    "DescribeUser": ConnectApi._describe_user,  # noqa: SLF001
}
