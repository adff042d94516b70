"""The emulator's SearchContacts: which contacts a query returns, in what order, and its pages."""

from __future__ import annotations

import base64
import json
from bisect import bisect_left, bisect_right
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from trunkline.limits import SEARCH_LOOK_BACK_DAYS_MAX, SEARCH_RANGE_DAYS_MAX, SEARCH_RESULTS_MAX
from trunkline.simulator.connect_api.answers import ApiError, summary
from trunkline.simulator.connect_api.contacts import TIME_TYPES, ApiContact, SimulatedInstance
from trunkline.simulator.spec import DAY_S

Answer = dict[str, Any]
_QUERIES_MAX = 16  # whose pages are kept
_CRITERIA = ("Channels", "InitiationMethods", "AgentIds", "QueueIds")


@dataclass(frozen=True, slots=True)
class Assumptions:
    """What Amazon does not document, and what the emulator does. Tests run the collector with other values too.

    `index_lag_s`: how long until a contact can be found (a number, or a function of the contact).
    `lists_after_contact_work`: an ended contact is found by its disconnect time while after contact work lasts.
    `includes_start`, `includes_end`: whether a range includes its bounds.
    `token_life_s`: a NextToken is refused after that; `keeps_pages`: pages are of the moment of the first one, else of
    the moment they are requested. `results_max`: results of one query, beyond which there is no NextToken.
    `total_max`: TotalCount is at most this (None: no limit). `sorts`: Sort is honoured.
    `gives_attributes`: DescribeContact has attributes, else only GetContactAttributes.
    """

    index_lag_s: float | Callable[[ApiContact], float] = 60.0
    lists_after_contact_work: bool = False
    includes_start: bool = True
    includes_end: bool = True
    token_life_s: float = 300.0
    keeps_pages: bool = True
    results_max: int = SEARCH_RESULTS_MAX
    total_max: int | None = None
    sorts: bool = True
    gives_attributes: bool = True

    def lag_s(self, contact: ApiContact) -> float:
        """Seconds until this contact can be found."""
        return self.index_lag_s(contact) if callable(self.index_lag_s) else self.index_lag_s


class ContactIndex:
    """The searchable contacts of one instance, and the pages of open queries."""

    def __init__(self, instance: SimulatedInstance, assumed: Assumptions, now_s: Callable[[], float]) -> None:
        self._instance, self._assumed, self._now_s = instance, assumed, now_s
        self._sorted: dict[str, tuple[list[int], list[ApiContact]]] = {}
        self._found: dict[str, list[ApiContact]] = {}

    def search(self, request: Answer) -> Answer:
        """One page. Raises ApiError as the service does."""
        token = request.get("NextToken")
        requested = {key: request[key] for key in request if key not in ("NextToken", "MaxResults")}
        query = json.dumps(requested, default=str)
        start = self._start_of(token, query) if token is not None else 0
        results = self._found.get(query) if start and self._assumed.keeps_pages else None
        if results is None:
            results = self._found[query] = self._matches(request)
            while len(self._found) > _QUERIES_MAX:
                del self._found[next(iter(self._found))]
        reachable = min(len(results), self._assumed.results_max)
        end = min(reachable, start + request.get("MaxResults", 10))
        now = self._now_s()
        total = len(results) if self._assumed.total_max is None else min(len(results), self._assumed.total_max)
        answer: Answer = {
            "Contacts": [summary(contact.record_at(now)) for contact in results[start:end]],
            "TotalCount": total,
        }
        if end < reachable:
            answer["NextToken"] = self._token(end, query)
        return answer

    def _token(self, start: int, query: str) -> str:
        return base64.b64encode(json.dumps([start, query, self._now_s()]).encode()).decode()

    def _start_of(self, token: str, query: str) -> int:
        try:
            start, requested, issued_at = json.loads(base64.b64decode(token))
        except ValueError:
            raise ApiError("InvalidParameterException", "The next token is invalid") from None
        if requested != query:
            raise ApiError("InvalidParameterException", "The next token belongs to another request")
        if self._now_s() - issued_at > self._assumed.token_life_s:
            raise ApiError("InvalidParameterException", "The next token has expired")
        return int(start)

    def _matches(self, request: Answer) -> list[ApiContact]:
        kind, start, end = self._range(request["TimeRange"])
        matches = _filter(request.get("SearchCriteria") or {})
        seconds, ordered = self._by_time(kind)
        low = bisect_left(seconds, start) if self._assumed.includes_start else bisect_right(seconds, start)
        high = bisect_right(seconds, end) if self._assumed.includes_end else bisect_left(seconds, end)
        now = self._now_s()
        results = [
            contact for contact in ordered[low:high] if self._found_from(contact, kind) <= now and matches(contact, now)
        ]
        sort = request.get("Sort")
        if sort is None or not self._assumed.sorts:
            return sorted(results, key=lambda contact: contact.contact_id)
        return self._in_order(results, sort)

    def _in_order(self, results: list[ApiContact], sort: Answer) -> list[ApiContact]:
        field = sort["FieldName"]
        if field not in TIME_TYPES:
            raise ApiError("InvalidRequestException", f"sorting by {field} is not emulated")
        place = TIME_TYPES.index(field)
        return sorted(
            results,
            key=lambda contact: (-1 if (at := contact.times[place]) is None else at, contact.contact_id),
            reverse=sort["Order"] == "DESCENDING",
        )

    def _range(self, requested: Answer) -> tuple[str, float, float]:
        start, end = (_seconds(requested[name]) for name in ("StartTime", "EndTime"))
        if start >= end:
            raise ApiError("InvalidParameterException", "StartTime must be before EndTime")
        if end - start > SEARCH_RANGE_DAYS_MAX * DAY_S:
            raise ApiError("InvalidParameterException", f"The time range is longer than {SEARCH_RANGE_DAYS_MAX} days")
        if start < self._now_s() - SEARCH_LOOK_BACK_DAYS_MAX * DAY_S:
            raise ApiError("InvalidParameterException", "StartTime is more than two years ago")
        return requested["Type"], start, end

    def _by_time(self, kind: str) -> tuple[list[int], list[ApiContact]]:
        if kind not in self._sorted:
            place = TIME_TYPES.index(kind)
            timed = [
                (at, contact)
                for contact in self._instance.contacts.values()
                if (at := contact.times[place]) is not None
            ]
            timed.sort(key=lambda pair: (pair[0], pair[1].contact_id))
            self._sorted[kind] = ([at for at, _ in timed], [contact for _, contact in timed])
        return self._sorted[kind]

    def _found_from(self, contact: ApiContact, kind: str) -> float:
        at = contact.times[TIME_TYPES.index(kind)]
        assert at is not None, "only contacts with this time are searched"
        known_at = contact.begins_at
        if kind == "DISCONNECT_TIMESTAMP":
            known_at = at if self._assumed.lists_after_contact_work else contact.completed_at
        return max(at, known_at) + self._assumed.lag_s(contact)


def _filter(criteria: Answer) -> Callable[[ApiContact, float], bool]:
    """The emulated filters: a contact matches any value of each given kind."""
    if unknown := [name for name in criteria if name not in _CRITERIA]:
        raise ApiError("InvalidRequestException", f"{', '.join(unknown)} is not emulated")
    named = {name: set(values) for name, values in criteria.items() if values}

    def holds(contact: ApiContact, now: float) -> bool:
        if not named:
            return True
        shown = summary(contact.record_at(now))
        seen = {
            "Channels": shown.get("Channel"),
            "InitiationMethods": shown.get("InitiationMethod"),
            "AgentIds": shown.get("AgentInfo", {}).get("Id"),
            "QueueIds": shown.get("QueueInfo", {}).get("Id"),
        }
        return all(seen[name] in values for name, values in named.items())

    return holds


def _seconds(value: datetime) -> float:
    return value.timestamp()
