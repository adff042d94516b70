"""A clock that stands still until somebody sleeps, so that hours of quota pass in no time."""

from __future__ import annotations

import threading


class VirtualClock:
    """Unix seconds that move only by `sleep` and `set`; several threads may sleep at once."""

    def __init__(self, now_s: float) -> None:
        self._now_s = now_s
        self._lock = threading.Lock()

    def now_s(self) -> float:
        """The present, Unix seconds."""
        return self._now_s

    def sleep(self, seconds: float) -> None:
        """Let time pass: for several who sleep at once it passes once for each, as if one after the other."""
        with self._lock:
            self._now_s += max(0.0, seconds)

    def set(self, now_s: float) -> None:
        """Go to another moment, which may lie in the past."""
        with self._lock:
            self._now_s = now_s
