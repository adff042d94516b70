"""The service's side of a quota: a bucket that refills with time, one per operation, for all who use the account."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping

from trunkline.limits import CONNECT_QUOTA_DEFAULT, CONNECT_QUOTAS


class Quotas:
    """Calls a second and burst by operation; each instance of this is one account in one Region.

    `others(operation)` is how many calls a second the rest of the account makes of it just now.
    """

    def __init__(self, now_s: Callable[[], float], changed: Mapping[str, tuple[float, float]] | None = None) -> None:
        self.limits: dict[str, tuple[float, float]] = {**CONNECT_QUOTAS, **(changed or {})}
        self.others: Callable[[str], float] = lambda operation: 0.0
        self._now_s = now_s
        self._left: dict[str, tuple[float, float]] = {}
        self._lock = threading.Lock()

    def admits(self, operation: str) -> bool:
        """Whether one more call is within the quota; a call that is not takes nothing."""
        rate, burst = self.limits.get(operation, CONNECT_QUOTA_DEFAULT)
        with self._lock:
            now = self._now_s()
            tokens, since = self._left.get(operation, (burst, now))
            refill = max(0.0, rate - self.others(operation)) * max(0.0, now - since)
            # A billionth more: a caller that waits exactly 1 / rate is on time whatever floats make of it.
            tokens = min(burst, tokens + refill) + 1e-9
            is_admitted = tokens >= 1
            self._left[operation] = (tokens - 1 if is_admitted else tokens, max(now, since))
            return is_admitted
