"""What a question says beside its metrics: groups, an interval, a time zone, and X. Names are checked here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from trunkline.errors import UsageError
from trunkline.metrics.model import Metric, Population
from trunkline.objects.model import Dimension
from trunkline.schedules.schedule import zone_names

# Seconds; a day is a local date, whose length varies.
INTERVALS: Final[dict[str, int | None]] = {"15min": 900, "30min": 1800, "hour": 3600, "day": None}


class TemplateNumber(float):
    """Seconds that another program fills in before the statement runs, such as Grafana's `${x}`; the value by default.

    `text` is written into the statement as it is.
    """

    text: str

    @classmethod
    def named(cls, text: str, default: float) -> TemplateNumber:
        """The number that is written as `text`."""
        number = cls(default)
        number.text = text
        return number


@dataclass(frozen=True, slots=True)
class Threshold:
    """X of the metrics "in X" and the service level, in seconds: a default, and other values for some.

    `by_queue` is keyed by queue id or queue name; where both match, the id wins. `by_channel` is keyed by Amazon's
    names of channels; a queue's value wins over its channel's.
    """

    default: float
    by_queue: Mapping[str, float] = field(default_factory=dict)
    by_channel: Mapping[str, float] = field(default_factory=dict)

    @property
    def varies(self) -> bool:
        """Whether some contacts have another X than the default."""
        return bool(self.by_queue or self.by_channel)

    def of(self, queue_id: str | None, queue_name: str | None, channel: str | None) -> float:
        """X of a contact."""
        for name in (queue_id, queue_name):
            if name is not None and name in self.by_queue:
                return self.by_queue[name]
        return self.by_channel.get(channel or "", self.default)


@dataclass(frozen=True, slots=True)
class Grouping:
    """How to group: names of dimensions, an interval of `INTERVALS` or None, and the zone its wall clock is in."""

    by: tuple[str, ...] = ()
    interval: str | None = None
    zone: str = "UTC"

    def dimensions(self, of: Population) -> tuple[Dimension, ...]:
        """The dimensions to group by. Raises UsageError when a name, interval or zone is unknown or repeated."""
        known = {dimension.name: dimension for dimension in of.obj.dimensions}
        for name in self.by:
            if name not in known:
                valid = ", ".join(known) or "none"
                raise UsageError(f"group {name!r} is not known; valid: {valid} ({of.obj.name}).")
        if len(set(self.by)) < len(self.by):
            raise UsageError(f"groups {', '.join(self.by)} repeat a name; name each group once.")
        if self.interval is not None and self.interval not in INTERVALS:
            raise UsageError(f"interval {self.interval!r} is not known; valid: {', '.join(INTERVALS)}.")
        # Membership also makes the name safe to write into SQL.
        if self.zone not in zone_names():
            raise UsageError(f"time zone {self.zone!r} is not known; valid: IANA names such as Europe/Berlin or UTC.")
        chosen = tuple(known[name] for name in self.by)
        keys = [dimension.key for dimension in chosen]
        if len(set(keys)) < len(keys):
            raise UsageError(f"groups {', '.join(self.by)} group by one column twice; choose one of them.")
        return chosen


def population(metrics: Sequence[Metric]) -> Population:
    """What these metrics are about. Raises UsageError when there are none, or when they are about different rows."""
    if not metrics:
        raise UsageError("no metric was named; name at least one, see `trunkline metric list`.")
    of = metrics[0].of
    for metric in metrics:
        if metric.of != of:
            raise UsageError(
                f"{metrics[0].name} is about {of.grain} and {metric.name} about {metric.grain}, which share no "
                "groups and no period; query them one after the other."
            )
    return of
