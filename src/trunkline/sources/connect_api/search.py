"""Every contact of a window through SearchContacts: each once, oldest first, in as few calls as its pages take.

One query gives at most 10,000 results. Where results can be sorted by the time that is searched for, a window is read
in order and the next query begins at the second where the last one ended: no call is spent on finding out where to cut.
Where they cannot (or come in another order than asked for), a window whose total is too large is split until it fits.
Whether Amazon counts a range's bounds to it is not documented: a second more is asked for at the start, and what lies
outside the half-open window is dropped.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any, Final

from trunkline.errors import TerminalError, UsageError
from trunkline.limits import SEARCH_PAGE_MAX, SEARCH_RANGE_DAYS_MAX, SEARCH_RESULTS_MAX
from trunkline.schedules.windows import Window, split, split_longer
from trunkline.sources.connect_api.client import Answer, Api, BadRequestError, NotFoundError

# Time type, and where a summary has that time. The last cannot be sorted by (API reference, SortableFieldName).
TIME_TYPES: Final[Mapping[str, tuple[str, ...]]] = {
    "DISCONNECT_TIMESTAMP": ("DisconnectTimestamp",),
    "INITIATION_TIMESTAMP": ("InitiationTimestamp",),
    "SCHEDULED_TIMESTAMP": ("ScheduledTimestamp",),
    "CONNECTED_TO_AGENT_TIMESTAMP": ("AgentInfo", "ConnectedToAgentTimestamp"),
    "ENQUEUE_TIMESTAMP": ("QueueInfo", "EnqueueTimestamp"),
}
_UNSORTABLE: Final = ("ENQUEUE_TIMESTAMP",)
_SECOND: Final = timedelta(seconds=1)
_LONGEST: Final = timedelta(days=SEARCH_RANGE_DAYS_MAX) - 2 * _SECOND
# A part of a split window should fit although contacts do not come evenly.
_FILL: Final = 0.8


@dataclass(frozen=True, slots=True)
class Listed:
    """A contact as a search lists it. `at` is its time of the type searched for, UTC, whole seconds."""

    contact_id: str
    at: datetime
    summary: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Query:
    """What is searched for: a time type of `TIME_TYPES`, and criteria as the API has them (`Channels`, ...)."""

    time_type: str = "DISCONNECT_TIMESTAMP"
    criteria: Mapping[str, Any] | None = None

    def __post_init__(self) -> None:
        if self.time_type not in TIME_TYPES:
            raise UsageError(f"the time type is {self.time_type!r}; valid are {', '.join(TIME_TYPES)}.")


@dataclass(frozen=True, slots=True)
class _Page:
    """One answer: its contacts that have the time, how many it had, the query's total, and whether it is the last."""

    listed: list[Listed]
    count: int
    total: int
    is_last: bool


class _UnorderedError(Exception):
    """Results did not come in the order asked for."""


class _TokenRefusedError(Exception):
    """A page's token was refused: it has expired, as far as anybody can tell."""


def pages(api: Api, window: Window, query: Query) -> Iterator[list[Listed]]:
    """The contacts of a window, in lists of up to a page, ascending by second; no list is empty.

    Where the service turns out not to sort, what was given before comes again. Raises TerminalError where one second
    has more contacts than a query can give.
    """
    for part in _from_the_end(window):
        if query.time_type not in _UNSORTABLE:
            try:
                yield from _in_order(api, part, query)
                continue
            except _UnorderedError:
                pass
        yield from _by_total(api, part, query)


def _from_the_end(window: Window) -> list[Window]:
    """Parts that a search may ask for. Cut from the end: a run that goes on later in the window has the same cuts."""
    cuts = [window.end]
    while cuts[-1] - window.start > _LONGEST:
        cuts.append(cuts[-1] - _LONGEST)
    return [Window(start, end) for start, end in pairwise([window.start, *reversed(cuts)])]


def total(api: Api, window: Window, query: Query) -> int:
    """How many contacts a search would list, by TotalCount: one call, two beyond eight weeks, and so on."""
    parts = split_longer(window, _LONGEST)
    return sum(int(_search(api, part.start, part.end, query, {}, 1).get("TotalCount", 0)) for part in parts)


def _in_order(api: Api, window: Window, query: Query) -> Iterator[list[Listed]]:
    """Query after query, each from the second where the last one ended: at its limit, or at a refused token.

    The first is the one that a killed run was reading there, so that what it listed is recalled.
    """
    begun = api.memory.searched_from(_question(window.start, window.end, query))
    whole = window if begun is None else Window(begun + _SECOND, window.end)
    start, edge = whole.start, set[str]()
    while True:
        last, seen, count = start, set(edge), 0
        try:
            for page in _of_query(api, start, window.end, query):
                ats = [last, *(one.at for one in page.listed if one.at >= start)]
                if any(late < early for early, late in pairwise(ats)):
                    raise _UnorderedError
                fresh = [
                    one for one in page.listed if one.at >= start and whole.holds(one.at) and one.contact_id not in seen
                ]
                for one in fresh:
                    edge = edge if one.at == last else set()
                    last = one.at
                    edge.add(one.contact_id)
                    seen.add(one.contact_id)
                count += page.count
                if wanted := [one for one in fresh if one.at >= window.start]:
                    yield wanted
        except _TokenRefusedError as error:
            if last == start and len(seen) == len(edge):
                raise error.__cause__ or error from None
        else:
            if count < SEARCH_RESULTS_MAX:
                return
            if last == start:
                raise _too_many(api, start, query)
        start = max(last, window.start)


def _by_total(api: Api, window: Window, query: Query) -> Iterator[list[Listed]]:
    """A window whose total fits, gathered and sorted here; else its parts. At a refused token its halves.

    The same questions again would be answered from memory, with the same token.
    """
    gathered: dict[str, Listed] = {}
    try:
        for page in _of_query(api, window.start, window.end, query):
            if max(page.total, len(gathered)) >= SEARCH_RESULTS_MAX:
                for part in _parts(api, window, page.total, query):
                    yield from _by_total(api, part, query)
                return
            gathered |= {one.contact_id: one for one in page.listed if window.holds(one.at)}
    except _TokenRefusedError as error:
        if window.end - window.start <= _SECOND:
            raise error.__cause__ or error from None
        for part in split(window, 2):
            yield from _by_total(api, part, query)
        return
    ordered = sorted(gathered.values(), key=lambda one: (one.at, one.contact_id))
    for first in range(0, len(ordered), SEARCH_PAGE_MAX):
        yield ordered[first : first + SEARCH_PAGE_MAX]


def _parts(api: Api, window: Window, count: int, query: Query) -> tuple[Window, ...]:
    seconds = (window.end - window.start) // _SECOND
    if seconds < 2:
        raise _too_many(api, window.start, query)
    return split(window, min(seconds, max(2, math.ceil(count / (SEARCH_RESULTS_MAX * _FILL)))))


def _too_many(api: Api, second: datetime, query: Query) -> TerminalError:
    return TerminalError(
        f"{api.instance.arn} has more than {SEARCH_RESULTS_MAX:,} contacts whose {query.time_type} is {second:%F %T} "
        "UTC, and a search gives no more. Collect them by another time type, or by channel"
    )


def _of_query(api: Api, start: datetime, end: datetime, query: Query) -> Iterator[_Page]:
    """The pages of one query, up to the most that a query gives."""
    token: dict[str, Any] = {}
    count = 0
    while True:
        try:
            answer = _search(api, start - _SECOND, end, query, token)
        except BadRequestError as error:
            if not token:
                raise TerminalError(str(error)) from error
            raise _TokenRefusedError from error
        contacts = answer["Contacts"]
        count += len(contacts)
        following = answer.get("NextToken")
        is_last = not following or count >= SEARCH_RESULTS_MAX
        yield _Page(_listed(contacts, query), len(contacts), int(answer.get("TotalCount") or 0), is_last)
        if is_last:
            return
        token = {"NextToken": following}


def _listed(contacts: list[Answer], query: Query) -> list[Listed]:
    found: list[Listed] = []
    for one in contacts:
        at: Any = one
        for key in TIME_TYPES[query.time_type]:
            at = (at or {}).get(key)
        if at:  # a contact without that time belongs to no window of it
            found.append(Listed(one["Id"], datetime.fromisoformat(at[:19] + "+00:00"), one))
    return found


def _question(start: datetime, end: datetime, query: Query, size: int = SEARCH_PAGE_MAX) -> dict[str, Any]:
    asked: dict[str, Any] = {
        "TimeRange": {"Type": query.time_type, "StartTime": start, "EndTime": end},
        "MaxResults": size,
    }
    if query.criteria:
        asked["SearchCriteria"] = dict(query.criteria)
    if query.time_type not in _UNSORTABLE:
        asked["Sort"] = {"FieldName": query.time_type, "Order": "ASCENDING"}
    return asked


def _search(
    api: Api, start: datetime, end: datetime, query: Query, token: Mapping[str, str], size: int = SEARCH_PAGE_MAX
) -> Answer:
    try:
        return api.ask("SearchContacts", **_question(start, end, query, size), **token)
    except NotFoundError as error:
        raise TerminalError(
            f"{api.instance.arn} does not exist in that account and Region: take the ARN from the console's account "
            "overview"
        ) from error
