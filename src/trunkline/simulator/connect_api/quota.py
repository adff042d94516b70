"""How the emulated service refuses a call: its errors, and the quotas that all programs of an account share."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import Final

from trunkline.limits import CONNECT_QUOTA_DEFAULT, CONNECT_QUOTAS

STATUS: Final = {
    "InvalidRequestException": 400,
    "InvalidParameterException": 400,
    "AccessDeniedException": 403,
    "ResourceNotFoundException": 404,
    "UnknownOperationException": 404,
    "ThrottlingException": 429,
    "InternalServiceException": 500,
}


class ApiError(Exception):
    """An error with the service's own code; `status` is its HTTP status."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code, self.message, self.status = code, message, STATUS[code]


class Quotas:
    """Calls a second and burst by operation, of one account in one Region.

    `others(operation)` is how many calls of it per second the account's other programs make.
    """

    def __init__(self, now_s: Callable[[], float], changed: Mapping[str, tuple[float, float]] | None = None) -> None:
        self.limits: dict[str, tuple[float, float]] = {**CONNECT_QUOTAS, **(changed or {})}
        self.others: Callable[[str], float] = lambda operation: 0.0
        self._now_s = now_s
        self._left: dict[str, tuple[float, float]] = {}
        self._lock = threading.Lock()

    def admits(self, operation: str) -> bool:
        """Whether one more call is within the quota; a refused call uses none of it."""
        rate, burst = self.limits.get(operation, CONNECT_QUOTA_DEFAULT)
        with self._lock:
            now = self._now_s()
            tokens, since = self._left.get(operation, (burst, now))
            refill = max(0.0, rate - self.others(operation)) * max(0.0, now - since)
            # A billionth more: a caller that waits exactly 1 / rate is on time despite rounding.
            tokens = min(burst, tokens + refill) + 1e-9
            is_admitted = tokens >= 1
            self._left[operation] = (tokens - 1 if is_admitted else tokens, max(now, since))
            return is_admitted
