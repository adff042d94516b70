"""The one place that reads the wall clock, so that tests and the simulator can stand in for it."""

from __future__ import annotations

import time
from datetime import UTC, datetime


def now() -> datetime:
    """The present instant, timezone-aware, UTC, microseconds."""
    return datetime.now(UTC)


def now_naive() -> datetime:
    """The present instant as tables store it: UTC without zone, microseconds."""
    return now().replace(tzinfo=None)


def monotonic_s() -> float:
    """Seconds on a clock that never goes back, for durations only."""
    return time.monotonic()
