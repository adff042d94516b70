"""The store in memory: the last points of each series, for the wallboard's short charts and for tests."""

from __future__ import annotations

import bisect
from collections.abc import Sequence
from datetime import datetime

from trunkline.limits import MEMORY_POINTS_MAX, MEMORY_SERIES_MAX
from trunkline.live.points import Point
from trunkline.live.stores.model import PointsWritten, RefusedPoint, sift


class MemoryStore:
    """The newest points of each series, at most 1,440, a day of minutes; at most 100,000 series."""

    name = "memory"

    def __init__(self) -> None:
        self._series: dict[tuple[str, tuple[tuple[str, str], ...]], list[Point]] = {}

    def write(self, points: Sequence[Point], now: datetime) -> PointsWritten:
        """Store the points; of two with one time the higher version, of equal versions the later write."""
        good, refused = sift(points, now)
        accepted = superseded = 0
        for point in good:
            key = point.series, point.tags
            if key not in self._series and len(self._series) >= MEMORY_SERIES_MAX:
                refused = (*refused, RefusedPoint(point, f"the store has {MEMORY_SERIES_MAX:,} series"))
            elif _put(self._series.setdefault(key, []), point):
                accepted += 1
            else:
                superseded += 1
        return PointsWritten(accepted, superseded, refused)

    def read(self, series: str) -> list[Point]:
        """The points of the series of that name, by tags and time."""
        keys = sorted(key for key in self._series if key[0] == series)
        return [point for key in keys for point in self._series[key]]

    def close(self) -> None:
        """Nothing to let go of."""


def _put(points: list[Point], point: Point) -> bool:
    """Put a point into its place by time; False for an older version of one that is there."""
    place = bisect.bisect_left(points, point.time_ns, key=lambda other: other.time_ns)
    if place < len(points) and points[place].time_ns == point.time_ns:
        if points[place].version > point.version:
            return False
        points[place] = point
        return True
    points.insert(place, point)
    del points[: max(0, len(points) - MEMORY_POINTS_MAX)]
    return True
