"""The quotas of Connect's API: how often one process calls each operation, and until when.

A quota belongs to an account in a Region, and is shared by all its instances and programs. We use a share of it, halve
our rate when the service throttles a call, and speed up again slowly.
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
    "SearchContacts",
    "DescribeContact",
    "GetContactAttributes",
    "ListQueues",
    "ListUsers",
    "ListUserHierarchyGroups",
    "ListRoutingProfiles",
    "GetCurrentMetricData",
    "GetCurrentUserData",
    "DescribeQueue",
    "DescribeUser",
    "DescribeRoutingProfile",
    "DescribeUserHierarchyGroup",
)
# Halved at most five times: the slowest search is then every two minutes at half the quota.
_SLOWEST: Final = 1 / 32
# Calls in a row that must succeed before the rate is back from one halving.
_CALLS_TO_RECOVER: Final = 30


class DeadlineError(Exception):
    """The next call cannot be made before the deadline. Not a failure: the next run continues."""


@dataclass(frozen=True, slots=True)
class CallClock:
    """The clock that paces calls: the machine's, or a test's. `now_s` and `deadline_s` are Unix seconds."""

    now_s: Callable[[], float] = lambda: clock.now().timestamp()
    sleep: Callable[[float], None] = time.sleep
    deadline_s: float | None = None


@dataclass(slots=True)
class TokenBucket:
    """Admits calls of one operation at a rate, with a burst; safe to use from several threads.

    It starts empty, because a process that ended just now may have used the tokens.
    """

    full_rate: float
    burst: float
    pace: CallClock
    rate: float = 0.0
    waited_s: float = 0.0
    throttled: int = 0
    _tokens: float = 0.0
    _since_s: float = 0.0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self.rate, self._since_s = self.full_rate, self.pace.now_s()

    def take(self) -> None:
        """Wait until a call is allowed. Raises DeadlineError, without waiting, when that is after the deadline."""
        with self._lock:
            now = self.pace.now_s()
            # A clock that was set back adds nothing and removes nothing.
            self._tokens = min(self.burst, self._tokens + max(0.0, now - self._since_s) * self.rate)
            self._since_s = now
            wait_s = max(0.0, (1 - self._tokens) / self.rate)
            if self.pace.deadline_s is not None and now + wait_s >= self.pace.deadline_s:
                raise DeadlineError
            if wait_s > 0:
                self.pace.sleep(wait_s)
                self.waited_s += wait_s
                self._tokens, self._since_s = 1.0, self.pace.now_s()
            self._tokens -= 1

    def is_ready(self, within_s: float) -> bool:
        """Whether `take` would wait no longer than that."""
        with self._lock:
            gained = max(0.0, self.pace.now_s() - self._since_s) * self.rate
            return (1 - self._tokens - gained) / self.rate <= within_s

    def was_throttled(self) -> None:
        """The service throttled a call: halve the rate and drop saved tokens."""
        with self._lock:
            self.throttled += 1
            self.rate = max(self.rate / 2, self.full_rate * _SLOWEST)
            self._tokens, self._since_s = 0.0, self.pace.now_s()

    def was_answered(self) -> None:
        """The service answered a call: speed up a little, up to our share."""
        with self._lock:
            self.rate = min(self.full_rate, self.rate + self.full_rate / (2 * _CALLS_TO_RECOVER))


class TokenBuckets:
    """One bucket per account, Region and operation, for all instances that one process calls."""

    def __init__(self, share: float, pace: CallClock, quotas: Mapping[str, float] | None = None) -> None:
        self._share, self._quotas, self.pace = share, quotas or {}, pace
        if unknown := sorted(set(self._quotas) - set(OPERATIONS)):
            raise UsageError(f"connect_quota names {', '.join(unknown)}; valid are {', '.join(OPERATIONS)}.")
        self._buckets: dict[tuple[str, str, str], TokenBucket] = {}
        self._lock = threading.Lock()

    def of(self, account: str, region: str, operation: str) -> TokenBucket:
        """The bucket that calls of this operation go through."""
        with self._lock:
            key = (account, region, operation)
            if key not in self._buckets:
                self._buckets[key] = TokenBucket(self.rate(operation), self._burst(operation), self.pace)
            return self._buckets[key]

    def rate(self, operation: str) -> float:
        """Calls a second at our share of the quota."""
        return self._quotas.get(operation, CONNECT_QUOTAS.get(operation, CONNECT_QUOTA_DEFAULT)[0]) * self._share

    def waits(self) -> tuple[float, int]:
        """Seconds waited and calls throttled so far, over all buckets."""
        buckets = list(self._buckets.values())
        return sum(bucket.waited_s for bucket in buckets), sum(bucket.throttled for bucket in buckets)

    def _burst(self, operation: str) -> float:
        # Calls in flight may arrive together, late: the service's burst must still admit them.
        burst = CONNECT_QUOTAS.get(operation, CONNECT_QUOTA_DEFAULT)[1] * self._share
        return max(1.0, burst - CONNECT_CALLS_AT_ONCE)
