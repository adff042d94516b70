"""Names of queues, users and hierarchy groups by id, from listings that are asked for seldom.

The API's contacts name only ids. A listing has what exists now; what was deleted keeps the name that it had when it was
last listed, so names that were ever seen are kept. Routing profiles are not among them: no answer of the API says which
one an agent had during a contact, and the one the agent has today would be a guess.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import msgspec

from trunkline.limits import LIST_PAGE_MAX
from trunkline.sources.connect_api.client import Api, BadRequestError

MAX_AGE: Final = timedelta(hours=24)
# Kind, operation, its list, the member that is the name, further parameters.
_LISTINGS: Final[tuple[tuple[str, str, str, str, dict[str, Any]], ...]] = (
    ("queue", "ListQueues", "QueueSummaryList", "Name", {"QueueTypes": ["STANDARD"]}),
    ("user", "ListUsers", "UserSummaryList", "Username", {}),
    ("group", "ListUserHierarchyGroups", "UserHierarchyGroupSummaryList", "Name", {}),
)


class Known(msgspec.Struct, frozen=True):
    """What is kept between runs: names by kind and id, and when they were listed (UTC)."""

    listed_at: datetime
    names: dict[str, dict[str, str]]


class Names(Mapping[tuple[str, str], str]):
    """Names by (kind, id). Lists when the kept ones are older than a day, and once more for an id it does not know.

    `kept` is what an earlier run left (`Names.kept_as`), None where there is nothing.
    """

    def __init__(self, api: Api, kept: bytes | None = None) -> None:
        self._api = api
        self._is_fresh = False
        self._known = Known(datetime(2000, 1, 1, tzinfo=UTC), {})
        if kept is not None:
            self._known = msgspec.json.decode(kept, type=Known)
        self._kept_at = self._known.listed_at

    def learn(self, wanted: set[tuple[str, str]]) -> bool:
        """Make sure of these (kind, id) as far as listings have them; whether anything was listed."""
        age = self._now() - self._known.listed_at
        # A clock that was ahead once must not keep an old listing for ever.
        is_old = not timedelta(0) <= age <= MAX_AGE
        if self._is_fresh or not (is_old or any(one not in self for one in wanted)):
            return False
        names = {kind: dict(found) for kind, found in self._known.names.items()}
        for kind, operation, listed, name, more in _LISTINGS:
            for one in _pages(self._api, operation, listed, more):
                if one.get(name):
                    names.setdefault(kind, {})[one["Id"]] = one[name]
        self._known, self._is_fresh = Known(self._now(), names), True
        return True

    @property
    def is_new(self) -> bool:
        """Whether something was listed since `kept_as`."""
        return self._known.listed_at != self._kept_at

    def kept_as(self) -> bytes:
        """What to keep for the next run."""
        self._kept_at = self._known.listed_at
        return msgspec.json.encode(self._known)

    def __getitem__(self, key: tuple[str, str]) -> str:
        return self._known.names.get(key[0], {})[key[1]]

    def __iter__(self) -> Iterator[tuple[str, str]]:
        return ((kind, one) for kind, found in self._known.names.items() for one in found)

    def __len__(self) -> int:
        return sum(map(len, self._known.names.values()))

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._api.buckets.pace.now_s(), UTC)


def _pages(api: Api, operation: str, listed: str, more: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Every entry of a listing; from its beginning once more where a token is refused."""
    for is_last_try in (False, True):
        found: list[dict[str, Any]] = []
        token: dict[str, str] = {}
        try:
            while True:
                answer = api.ask(operation, MaxResults=LIST_PAGE_MAX, **more, **token)
                found += answer[listed]
                if not answer.get("NextToken"):
                    yield from found
                    return
                token = {"NextToken": answer["NextToken"]}
        except BadRequestError:
            if is_last_try or not token:
                raise
