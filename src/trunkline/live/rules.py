"""What a centre has decided: service level targets, opening hours and holidays by queue, and where its day begins."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Final
from zoneinfo import ZoneInfo

from trunkline.opening_hours import ALWAYS, OpeningHours, parse_holidays, parse_hours, parse_queue_hours
from trunkline.settings.options import Options

_UTC: Final = ZoneInfo("UTC")


@dataclass(frozen=True, slots=True)
class LiveRules:
    """Settings of the folds. A service level target is X in seconds, whose default is `x_s`.

    A queue is named by its id or its name; the id wins. A queue's target wins over its channel's. `hours` are those of
    queues that have none of their own; None is always open. `zone` is where a day begins.
    """

    zone: ZoneInfo = _UTC
    x_s: float = 20
    x_by_queue: Mapping[str, float] = field(default_factory=dict)
    x_by_channel: Mapping[str, float] = field(default_factory=dict)
    hours: OpeningHours | None = None
    hours_by_queue: Mapping[str, OpeningHours] = field(default_factory=dict)

    def target_s(self, queue_id: str | None, queue_name: str | None, channel: str | None) -> float:
        """X of a contact, seconds."""
        for name in (queue_id, queue_name):
            if name is not None and name in self.x_by_queue:
                return self.x_by_queue[name]
        return self.x_by_channel.get(channel or "", self.x_s)

    def hours_of(self, queue_id: str | None, queue_name: str | None) -> OpeningHours | None:
        """The opening hours of a queue; None is always open."""
        for name in (queue_id, queue_name):
            if name is not None and name in self.hours_by_queue:
                return self.hours_by_queue[name]
        return self.hours

    def with_hours(self, default: str, by_queue: Mapping[str, str], holidays: Sequence[str]) -> LiveRules:
        """These rules with opening hours as they are written in settings; what is empty stays as it is here.

        A holiday closes also queues that are otherwise always open. Raises UsageError for a text that is not valid.
        """
        zone, dates = self.zone, parse_holidays(holidays)
        hours = self.hours or (parse_hours(ALWAYS, zone) if dates else None)
        return replace(
            self,
            hours=parse_hours(default, zone, dates) if default else hours and hours.with_holidays(dates),
            hours_by_queue={
                **{queue: known.with_holidays(dates) for queue, known in self.hours_by_queue.items()},
                **parse_queue_hours(by_queue, zone, dates),
            },
        )

    @property
    def targets(self) -> str:
        """What the sums of a day depend on: zone and targets, as a text that is equal for equal ones."""
        return f"{self.zone} {self.x_s} {sorted(self.x_by_queue.items())} {sorted(self.x_by_channel.items())}"

    def day_of(self, at: datetime) -> date:
        """The local date of an instant."""
        return at.astimezone(self.zone).date()


def live_rules(settings: Options) -> LiveRules:
    """The rules that a home's settings name, the same for the board, streams, functions and `reconcile --live`."""
    rules = LiveRules(
        ZoneInfo(settings.zone),
        settings.service_level_s,
        settings.service_level_queue_s,
        {channel: float(target_s) for channel, target_s in settings.service_level_channel_s.items()},
    )
    return rules.with_hours(settings.opening_hours, settings.opening_hours_queue, settings.holidays)
