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

from trunkline.simulator.connect_api.answers import ApiError, Quotas, contact
from trunkline.simulator.connect_api.contacts import SimulatedInstance
from trunkline.simulator.connect_api.current import CurrentState, current_metrics, current_users
from trunkline.simulator.connect_api.resources import DESCRIPTIONS, LISTINGS, describe, list_resources
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

    def _get_current_metric_data(self, instance: SimulatedInstance, request: Answer) -> Answer:
        return current_metrics(self._current(instance), request, self._now_s())

    def _get_current_user_data(self, instance: SimulatedInstance, request: Answer) -> Answer:
        return current_users(self._current(instance), request, self._now_s())

    def _current(self, instance: SimulatedInstance) -> CurrentState:
        if instance.current is None:
            raise ApiError("ResourceNotFoundException", "This instance has no agents")
        return instance.current()


Operation = Callable[[ConnectApi, SimulatedInstance, Answer], Answer]


def _listing(name: str) -> Operation:
    return lambda api, instance, request: list_resources(name, instance, request)


def _description(name: str) -> Operation:
    return lambda api, instance, request: describe(name, instance, request)


OPERATIONS: Mapping[str, Operation] = {
    "SearchContacts": ConnectApi._search_contacts,  # noqa: SLF001 - a table of the class's own methods
    "DescribeContact": ConnectApi._describe_contact,  # noqa: SLF001
    "GetContactAttributes": ConnectApi._get_contact_attributes,  # noqa: SLF001
    "GetCurrentMetricData": ConnectApi._get_current_metric_data,  # noqa: SLF001
    "GetCurrentUserData": ConnectApi._get_current_user_data,  # noqa: SLF001
    **{name: _listing(name) for name in LISTINGS},
    **{name: _description(name) for name in DESCRIPTIONS},
}
