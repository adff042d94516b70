"""What a store of time series does, and what it accepts: the same points in every store."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Protocol

from trunkline.limits import SERIES_AHEAD_S_MAX
from trunkline.live.points import SERIES, TAG_CHARS_MAX, Point

_NAME: Final = re.compile(r"[a-z][a-z0-9_]*")


@dataclass(frozen=True, slots=True)
class RefusedPoint:
    """A point that is not in the store, and why: for people, without a value of the point."""

    point: Point
    reason: str


@dataclass(frozen=True, slots=True)
class PointsWritten:
    """What became of points: `accepted + superseded + len(refused)` is their number.

    `superseded` points are older versions of what the store has.
    """

    accepted: int = 0
    superseded: int = 0
    refused: tuple[RefusedPoint, ...] = ()

    def plus(self, other: PointsWritten) -> PointsWritten:
        """Both together."""
        return PointsWritten(
            self.accepted + other.accepted, self.superseded + other.superseded, (*self.refused, *other.refused)
        )


class SeriesStore(Protocol):
    """Where points go.

    `write` returns when the store has the points. Writing the same points again changes nothing, so a write whose
    outcome is not known is repeated. A point that the store cannot have is refused, and does not stop the others.
    Raises TransientError where a retry may help, TerminalError where a person must act, such as for a wrong token.
    """

    name: str

    def write(self, points: Sequence[Point], now: datetime) -> PointsWritten:
        """Store the points. `now` is the present, by which points of the future are refused."""
        ...

    def close(self) -> None:
        """Let go of connections."""
        ...


def sift(points: Sequence[Point], now: datetime) -> tuple[list[Point], tuple[RefusedPoint, ...]]:
    """Points that every store can have, and those that are refused. Stores do not say what they did not store."""
    good, refused = [], []
    for point in points:
        reason = _fault(point, now)
        if reason is None:
            good.append(point)
        else:
            refused.append(RefusedPoint(point, reason))
    return good, tuple(refused)


def _fault(point: Point, now: datetime) -> str | None:
    series = SERIES.get(point.series)
    if series is None:
        return f"there is no series {point.series!r}"
    if unknown := [name for name, _ in point.tags if name not in series.tags]:
        return f"{point.series} has no tag {unknown[0]!r}"
    if not point.fields:
        return "the point has no field"
    for name, number in point.fields.items():
        if name not in series.fields or not _NAME.fullmatch(name):
            return f"{point.series} has no field {name!r}"
        if not math.isfinite(number):
            return f"the field {name} is not a finite number"
    for name, text in point.tags:
        if not text or len(text) > TAG_CHARS_MAX or "\\" in text or not text.isprintable():
            return f"the tag {name} is empty, too long, or has a backslash or a control character"
    if point.at > now + timedelta(seconds=SERIES_AHEAD_S_MAX):
        return "the point is more than 15 minutes in the future"
    return None
