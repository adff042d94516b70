"""Every contact of a window through SearchContacts: each once, oldest first, in as few calls as its pages take.

One query returns at most 10,000 results. Where results can be sorted by the time that is searched for, a window is read
in order and the next query begins at the second where the last one ended, so no call is spent on finding where to cut.
Where they cannot (or arrive in another order than requested), a window whose total is too large is split until it fits.
Whether a range includes its bounds is not documented by Amazon: a second more is requested at the start, and contacts
outside the half-open window are dropped.

Pages are read ahead while their contacts are described, because each operation has a quota of its own.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any, Final

from trunkline.errors import TerminalError, UsageError
from trunkline.limits import CONNECT_PAGES_AHEAD, SEARCH_PAGE_MAX, SEARCH_RANGE_DAYS_MAX, SEARCH_RESULTS_MAX
from trunkline.schedules.windows import Window, split, split_longer
from trunkline.sources.connect_api.client import Answer, BadRequestError, ConnectClient, NotFoundError
from trunkline.sources.connect_api.quota import DeadlineError, TokenBucket

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
class ListedContact:
    """A contact as a search lists it. `at` is its time of the requested type, UTC, whole seconds."""

    contact_id: str
    at: datetime
    summary: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ContactQuery:
    """What is searched for: a time type of `TIME_TYPES`, and criteria as the API has them (`Channels`, ...)."""

    time_type: str = "DISCONNECT_TIMESTAMP"
    criteria: Mapping[str, Any] | None = None

    def __post_init__(self) -> None:
        if self.time_type not in TIME_TYPES:
            raise UsageError(f"the time type is {self.time_type!r}; valid are {', '.join(TIME_TYPES)}.")


@dataclass(frozen=True, slots=True)
class _Page:
    """One page: its contacts that have the time, how many it had, the query's total, and whether it is the last."""

    listed: list[ListedContact]
    count: int
    total: int
    is_last: bool


class _UnorderedError(Exception):
    """Results did not arrive in the requested order."""


class _TokenRefusedError(Exception):
    """A page's token was refused, probably because it has expired."""


def pages(api: ConnectClient, window: Window, query: ContactQuery) -> Iterator[list[ListedContact]]:
    """The contacts of a window, in lists of up to a page, ascending by second; no list is empty.

    Where the service turns out not to sort, contacts are returned again. Raises TerminalError where one second
    has more contacts than a query can return.
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
    """Parts that one search may cover. Cut from the end: a run that continues later in the window has the same cuts."""
    cuts = [window.end]
    while cuts[-1] - window.start > _LONGEST:
        cuts.append(cuts[-1] - _LONGEST)
    return [Window(start, end) for start, end in pairwise([window.start, *reversed(cuts)])]


def count_contacts(api: ConnectClient, window: Window, query: ContactQuery) -> int:
    """How many contacts a search would list, by TotalCount: one call, two beyond eight weeks, and so on."""
    parts = split_longer(window, _LONGEST)
    return sum(int(_search(api, part.start, part.end, query, {}, 1).get("TotalCount", 0)) for part in parts)


def _in_order(api: ConnectClient, window: Window, query: ContactQuery) -> Iterator[list[ListedContact]]:
    """ContactQuery after query, each from the second where the last one ended: at its limit, or at a refused token.

    The first is the query that a killed run was reading there, so that its pages are in the cache.
    """
    begun = api.cache.searched_from(_request(window.start, window.end, query))
    whole = window if begun is None else Window(begun + _SECOND, window.end)
    start, edge = whole.start, set[str]()
    while True:
        last, seen, count = start, set(edge), 0
        try:
            for page in _of_query(api, start, window.end, query):
                ats = [last, *(contact.at for contact in page.listed if contact.at >= start)]
                if any(late < early for early, late in pairwise(ats)):
                    raise _UnorderedError
                fresh = [
                    contact
                    for contact in page.listed
                    if contact.at >= start and whole.holds(contact.at) and contact.contact_id not in seen
                ]
                for contact in fresh:
                    edge = edge if contact.at == last else set()
                    last = contact.at
                    edge.add(contact.contact_id)
                    seen.add(contact.contact_id)
                count += page.count
                if wanted := [contact for contact in fresh if contact.at >= window.start]:
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


def _by_total(api: ConnectClient, window: Window, query: ContactQuery) -> Iterator[list[ListedContact]]:
    """A window whose total fits, collected and sorted here; else its parts. At a refused token its halves.

    The same requests would be answered from the cache, with the same token.
    """
    gathered: dict[str, ListedContact] = {}
    try:
        for page in _of_query(api, window.start, window.end, query):
            if max(page.total, len(gathered)) >= SEARCH_RESULTS_MAX:
                for part in _parts(api, window, page.total, query):
                    yield from _by_total(api, part, query)
                return
            gathered |= {contact.contact_id: contact for contact in page.listed if window.holds(contact.at)}
    except _TokenRefusedError as error:
        if window.end - window.start <= _SECOND:
            raise error.__cause__ or error from None
        for part in split(window, 2):
            yield from _by_total(api, part, query)
        return
    ordered = sorted(gathered.values(), key=lambda contact: (contact.at, contact.contact_id))
    for first in range(0, len(ordered), SEARCH_PAGE_MAX):
        yield ordered[first : first + SEARCH_PAGE_MAX]


def _parts(api: ConnectClient, window: Window, count: int, query: ContactQuery) -> tuple[Window, ...]:
    seconds = (window.end - window.start) // _SECOND
    if seconds < 2:
        raise _too_many(api, window.start, query)
    return split(window, min(seconds, max(2, math.ceil(count / (SEARCH_RESULTS_MAX * _FILL)))))


def _too_many(api: ConnectClient, second: datetime, query: ContactQuery) -> TerminalError:
    return TerminalError(
        f"{api.instance.arn} has more than {SEARCH_RESULTS_MAX:,} contacts whose {query.time_type} is {second:%F %T} "
        "UTC, and a search returns no more. Collect them by another time type, or by channel"
    )


def _of_query(api: ConnectClient, start: datetime, end: datetime, query: ContactQuery) -> Iterator[_Page]:
    """The pages of one query, up to the limit of a query."""
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
        yield _Page(_with_time(contacts, query), len(contacts), int(answer.get("TotalCount") or 0), is_last)
        if is_last:
            return
        token = {"NextToken": following}


def _with_time(contacts: list[Answer], query: ContactQuery) -> list[ListedContact]:
    listed: list[ListedContact] = []
    for contact in contacts:
        at: Any = contact
        for key in TIME_TYPES[query.time_type]:
            at = (at or {}).get(key)
        if at:  # a contact without that time belongs to no window
            listed.append(ListedContact(contact["Id"], datetime.fromisoformat(at[:19] + "+00:00"), contact))
    return listed


def _request(start: datetime, end: datetime, query: ContactQuery, size: int = SEARCH_PAGE_MAX) -> dict[str, Any]:
    request: dict[str, Any] = {
        "TimeRange": {"Type": query.time_type, "StartTime": start, "EndTime": end},
        "MaxResults": size,
    }
    if query.criteria:
        request["SearchCriteria"] = dict(query.criteria)
    if query.time_type not in _UNSORTABLE:
        request["Sort"] = {"FieldName": query.time_type, "Order": "ASCENDING"}
    return request


def _search(
    api: ConnectClient,
    start: datetime,
    end: datetime,
    query: ContactQuery,
    token: Mapping[str, str],
    size: int = SEARCH_PAGE_MAX,
) -> Answer:
    try:
        return api.call("SearchContacts", **_request(start, end, query, size), **token)
    except NotFoundError as error:
        raise TerminalError(
            f"{api.instance.arn} does not exist in that account and Region: take the ARN from the console's account "
            "overview"
        ) from error


# About as long as the calls in flight take at their quota: a search that waited for them would be late.
_SOON_S: Final = 0.4


class ReadAhead:
    """Iterates over the pages of a search, of which up to `most` are listed in advance. For one thread.

    It starts no thread: the caller calls `list_ready` from time to time while it waits for other calls, which lists a
    page when the quota allows one. Pages, their order and errors are the search's.
    """

    def __init__(
        self, search: Iterator[list[ListedContact]], bucket: TokenBucket, most: int = CONNECT_PAGES_AHEAD
    ) -> None:
        """`bucket` admits the calls of `search`."""
        self._search, self._bucket, self._most = search, bucket, most
        self._pages: deque[list[ListedContact]] = deque()
        self._end: Exception | None = None

    def __iter__(self) -> Iterator[list[ListedContact]]:
        """The pages in order, and then the error that ended the search, if there was one.

        Raises DeadlineError after the deadline, however many pages are left: the next run finds them in the cache.
        """
        while True:
            self.list_ready()
            if not self._pages and self._end is None:
                self._list()
            if self._pages:
                deadline_s = self._bucket.pace.deadline_s
                if deadline_s is not None and self._bucket.pace.now_s() >= deadline_s:
                    raise DeadlineError
                yield self._pages.popleft()
            elif isinstance(self._end, StopIteration):
                return
            elif self._end is not None:
                raise self._end

    def list_ready(self) -> None:
        """List a page, if there is room for it and the quota allows it almost at once."""
        if self._end is None and len(self._pages) < self._most and self._bucket.is_ready(_SOON_S):
            self._list()

    def _list(self) -> None:
        try:
            self._pages.append(next(self._search))
        except Exception as error:  # noqa: BLE001 - raised after the pages before it
            self._end = error
