"""Our side of a quota: how fast to call, so that whoever else uses the account can work too.

A quota belongs to an account in a Region, and to all its instances and programs together. We take a share of it, halve
our rate when the service says that there are too many calls, and come back slowly.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from trunkline import clock
from trunkline.errors import UsageError
from trunkline.limits import CONNECT_CALLS_AT_ONCE, CONNECT_QUOTA_DEFAULT, CONNECT_QUOTAS

OPERATIONS: Final = (
    "SearchContacts", "DescribeContact", "GetContactAttributes", "ListQueues", "ListUsers", "ListUserHierarchyGroups",
)  # fmt: skip
# Halved at most five times: the slowest search is then every two minutes at half the quota.
_SLOWEST: Final = 1 / 32
# Calls in a row that must succeed before the rate is back from one halving.
_CALLS_TO_RECOVER: Final = 30


class OutOfTimeError(Exception):
    """The next call may not be made before the deadline. Not an error of anybody's: the next run goes on."""


@dataclass(frozen=True, slots=True)
class Pace:
    """The clock that calls are paced by: the machine's, or a test's. `now_s` is Unix seconds; `deadline_s` too."""

    now_s: Callable[[], float] = lambda: clock.now().timestamp()
    sleep: Callable[[float], None] = time.sleep
    deadline_s: float | None = None


@dataclass(slots=True)
class Bucket:
    """Admits calls of one operation at a rate, with a burst; safe to use from several threads.

    It starts empty, since a process that ended just now may have used what there was.
    """

    full_rate: float
    burst: float
    pace: Pace
    rate: float = 0.0
    waited_s: float = 0.0
    throttled: int = 0
    _tokens: float = 0.0
    _since_s: float = 0.0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self.rate, self._since_s = self.full_rate, self.pace.now_s()

    def take(self) -> None:
        """Wait for one call's turn. Raises OutOfTimeError, without waiting, when that lies after the deadline."""
        with self._lock:
            now = self.pace.now_s()
            # A clock that was set back gives nothing, and takes nothing.
            self._tokens = min(self.burst, self._tokens + max(0.0, now - self._since_s) * self.rate)
            self._since_s = now
            wait_s = max(0.0, (1 - self._tokens) / self.rate)
            if self.pace.deadline_s is not None and now + wait_s >= self.pace.deadline_s:
                raise OutOfTimeError
            if wait_s > 0:
                self.pace.sleep(wait_s)
                self.waited_s += wait_s
                self._tokens, self._since_s = 1.0, self.pace.now_s()
            self._tokens -= 1

    def is_ready(self, within_s: float) -> bool:
        """Whether `take` would wait no longer than that now."""
        with self._lock:
            gained = max(0.0, self.pace.now_s() - self._since_s) * self.rate
            return (1 - self._tokens - gained) / self.rate <= within_s

    def was_throttled(self) -> None:
        """The service refused a call: half the rate, and nothing saved up."""
        with self._lock:
            self.throttled += 1
            self.rate = max(self.rate / 2, self.full_rate * _SLOWEST)
            self._tokens, self._since_s = 0.0, self.pace.now_s()

    def was_answered(self) -> None:
        """The service took a call: a little faster, up to our share."""
        with self._lock:
            self.rate = min(self.full_rate, self.rate + self.full_rate / (2 * _CALLS_TO_RECOVER))


class Buckets:
    """One bucket per account, Region and operation, for all instances that one process asks."""

    def __init__(self, share: float, pace: Pace, quotas: Mapping[str, float] | None = None) -> None:
        self._share, self._quotas, self.pace = share, quotas or {}, pace
        if unknown := sorted(set(self._quotas) - set(OPERATIONS)):
            raise UsageError(f"connect_quota names {', '.join(unknown)}; valid are {', '.join(OPERATIONS)}.")
        self._buckets: dict[tuple[str, str, str], Bucket] = {}
        self._lock = threading.Lock()

    def of(self, account: str, region: str, operation: str) -> Bucket:
        """The bucket that calls of this operation go through."""
        with self._lock:
            key = (account, region, operation)
            if key not in self._buckets:
                self._buckets[key] = Bucket(self.rate(operation), self._burst(operation), self.pace)
            return self._buckets[key]

    def rate(self, operation: str) -> float:
        """Calls a second that we allow ourselves."""
        return self._quotas.get(operation, CONNECT_QUOTAS.get(operation, CONNECT_QUOTA_DEFAULT)[0]) * self._share

    def waits(self) -> tuple[float, int]:
        """Seconds waited and calls refused so far, over all buckets."""
        buckets = list(self._buckets.values())
        return sum(one.waited_s for one in buckets), sum(one.throttled for one in buckets)

    def _burst(self, operation: str) -> float:
        # Calls that are on their way at once may arrive together, late: the service's burst must still hold them.
        burst = CONNECT_QUOTAS.get(operation, CONNECT_QUOTA_DEFAULT)[1] * self._share
        return max(1.0, burst - CONNECT_CALLS_AT_ONCE)
