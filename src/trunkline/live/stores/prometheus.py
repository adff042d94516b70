"""The store that Prometheus scrapes: the newest point of each series as text. Prometheus adds the time itself.

Source: Prometheus, "Exposition formats", text format 0.0.4.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Final

from trunkline.limits import MEMORY_SERIES_MAX, SCRAPE_STALE_S
from trunkline.live.points import SERIES, Point, Series
from trunkline.live.stores.model import PointsWritten, RefusedPoint, sift

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"


class PrometheusStore:
    """The newest point of each series. A series without a point for five minutes is left out, as Prometheus does."""

    name = "prometheus"

    def __init__(self) -> None:
        self._newest: dict[tuple[str, tuple[tuple[str, str], ...]], Point] = {}

    def write(self, points: Sequence[Point], now: datetime) -> PointsWritten:
        """Keep the points that are the newest of their series."""
        good, refused = sift(points, now)
        accepted = superseded = 0
        for point in good:
            key = point.series, point.tags
            newest = self._newest.get(key)
            if newest is None and len(self._newest) >= MEMORY_SERIES_MAX:
                refused = (*refused, RefusedPoint(point, f"the store has {MEMORY_SERIES_MAX:,} series"))
            elif newest is not None and (newest.time_ns, newest.version) > (point.time_ns, point.version):
                superseded += 1
            else:
                self._newest[key] = point
                accepted += 1
        return PointsWritten(accepted, superseded, refused)

    def scrape(self, now: datetime) -> str:
        """The text that a scrape at `now` gets."""
        oldest = now - timedelta(seconds=SCRAPE_STALE_S)
        self._newest = {key: point for key, point in self._newest.items() if point.at >= oldest}
        points = [self._newest[key] for key in sorted(self._newest)]
        return "".join(line for series in SERIES.values() for line in _family(series, points))

    def close(self) -> None:
        """Nothing to let go of."""


def _family(series: Series, points: Sequence[Point]) -> Iterator[str]:
    of_series = [point for point in points if point.series == series.name]
    for name, (_, meaning) in series.fields.items():
        samples = [point for point in of_series if name in point.fields]
        if samples:
            yield f"# HELP {series.name}_{name} {_escaped(meaning)}\n# TYPE {series.name}_{name} gauge\n"
        for point in samples:
            labels = ",".join(f'{tag}="{_escaped(text, quote=True)}"' for tag, text in point.tags)
            yield f"{series.name}_{name}{{{labels}}} {point.fields[name]!r}\n"


def _escaped(text: str, *, quote: bool = False) -> str:
    text = text.replace("\\", "\\\\").replace("\n", "\\n")
    return text.replace('"', '\\"') if quote else text
