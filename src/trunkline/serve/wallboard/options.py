"""What people set on the board: thresholds and targets by queue, the layout, and where alerts go.

One JSON file in the home, `wallboard.json`, which the page writes. A service level target there replaces that of
`trunkline.toml` on the board and on its history page.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Final, Literal
from urllib.parse import urlsplit

import msgspec

from trunkline.errors import UsageError
from trunkline.limits import THRESHOLD_S_MAX
from trunkline.live.rules import LiveRules
from trunkline.opening_hours import EXAMPLE

FILE_NAME: Final = "wallboard.json"
Section = Literal["alerts", "today", "queues", "waiting", "agents"]
SECTIONS: Final[tuple[Section, ...]] = ("alerts", "today", "queues", "waiting", "agents")
Number = Annotated[float, msgspec.Meta(ge=0, le=THRESHOLD_S_MAX)]
Percent = Annotated[float, msgspec.Meta(ge=0, le=100)]
Minutes = Annotated[int, msgspec.Meta(ge=1, le=1_440)]
ALARM_TARGETS: Final = 2
"""A wait is an alarm after so many times the target, if not later."""
DEFERRED_TARGET_S: Final = 600
"""Contacts with a longer target are worked off, and are not answered at once."""


class Thresholds(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """When a queue's numbers are called watch or alarm; None is never.

    `waiting` contacts and `wait_s` seconds of the longest wait are too many from here on; a service level in percent is
    too low below it. A service level is judged from `contacts_min` queued contacts on.
    """

    waiting_watch: Number | None = 3
    waiting_alarm: Number | None = 8
    wait_s_watch: Number | None = 60
    wait_s_alarm: Number | None = 180
    service_level_watch: Percent | None = 80
    service_level_alarm: Percent | None = 60
    contacts_min: Number = 10

    def for_target(self, target_s: float) -> Thresholds:
        """The same, with a longest wait that is not judged before the target has passed."""
        return msgspec.structs.replace(
            self,
            wait_s_watch=None if self.wait_s_watch is None else max(self.wait_s_watch, target_s),
            wait_s_alarm=None if self.wait_s_alarm is None else max(self.wait_s_alarm, ALARM_TARGETS * target_s),
        )

    def check(self, queue: str) -> None:
        """Raises UsageError where watch would come after alarm."""
        pairs = (
            ("waiting contacts", self.waiting_watch, self.waiting_alarm, 1),
            ("longest wait", self.wait_s_watch, self.wait_s_alarm, 1),
            ("service level", self.service_level_watch, self.service_level_alarm, -1),
        )
        for name, watch, alarm, sign in pairs:
            if watch is not None and alarm is not None and (alarm - watch) * sign < 0:
                order = "at or above" if sign > 0 else "at or below"
                raise UsageError(
                    f"{queue}: alarm for {name} is {alarm:g}, watch is {watch:g}; set alarm {order} watch."
                )


@dataclass(frozen=True, slots=True)
class Bounds:
    """What a queue and channel is judged by. `counts_late`: late contacts are counted, not all that wait."""

    thresholds: Thresholds
    counts_late: bool


class BoardOptions(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The board's settings. Queues are named by id or name; the id wins.

    `sections` are shown in this order, `queue_order` come first among the tiles, `hidden_queues` are not shown.
    `targets_s` are service level targets (X) in seconds. `opening_hours`, `queue_hours` and `holidays` are written as
    in `trunkline.toml` and replace what it says; what is empty does not. An alarm is raised when nothing has arrived
    for `quiet_minutes` while a queue is open, or when a stream lags by `lag_s_max`. `webhook` gets each alert as JSON.
    """

    thresholds: Thresholds = Thresholds()
    queue_thresholds: dict[str, Thresholds] = {}
    targets_s: dict[str, Annotated[int, msgspec.Meta(ge=1, le=THRESHOLD_S_MAX)]] = {}
    opening_hours: str = ""
    queue_hours: dict[str, str] = {}
    holidays: tuple[str, ...] = ()
    sections: tuple[Section, ...] = SECTIONS
    queue_order: tuple[str, ...] = ()
    hidden_queues: tuple[str, ...] = ()
    quiet_minutes: Minutes = 5
    lag_s_max: Number = 60
    webhook: str = ""

    def bounds_of(self, queue_id: str | None, name: str | None, target_s: float) -> Bounds:
        """What a queue is judged by whose service level target is so long.

        Thresholds of its own hold as they are. Those of all queues fit a call: a wait is watched from the target on,
        and is an alarm at twice the target, where these are later; and of a queue whose target is over ten minutes,
        which is worked off rather than answered at once, late contacts are counted.
        """
        own = _named(self.queue_thresholds, queue_id, name)
        if own is not None:
            return Bounds(own, counts_late=False)
        return Bounds(self.thresholds.for_target(target_s), counts_late=target_s > DEFERRED_TARGET_S)

    def apply_to(self, rules: LiveRules) -> LiveRules:
        """The rules of the home with what is set here. Raises UsageError for opening hours that are not valid."""
        targets = {**rules.x_by_queue, **self.targets_s}
        hours = rules.with_hours(self.opening_hours, self.queue_hours, self.holidays)
        return replace(hours, x_by_queue=targets)

    def is_hidden(self, queue_id: str | None, name: str | None) -> bool:
        """Whether a queue has no tile."""
        return queue_id in self.hidden_queues or name in self.hidden_queues

    def place(self, queue_id: str | None, name: str | None) -> int:
        """Where a queue's tile is among the others."""
        places = [self.queue_order.index(key) for key in (queue_id, name) if key in self.queue_order]
        return min(places, default=len(self.queue_order))

    def check(self) -> None:
        """Raises UsageError for thresholds out of order, bad opening hours, a section twice, or a bad webhook."""
        self.apply_to(LiveRules())
        self.thresholds.check("all queues")
        for queue, thresholds in self.queue_thresholds.items():
            thresholds.check(queue)
        if len({*self.sections}) < len(self.sections):
            raise UsageError(f"sections is {', '.join(self.sections)}; name each section once.")
        if self.webhook and (
            urlsplit(self.webhook).scheme not in ("http", "https") or not urlsplit(self.webhook).netloc
        ):
            raise UsageError("webhook is not an http:// or https:// URL.")


def _named(values: Mapping[str, Thresholds], *names: str | None) -> Thresholds | None:
    return next((values[name] for name in names if name is not None and name in values), None)


def load_options(path: Path) -> BoardOptions:
    """The settings in a file; the defaults where there is none. Raises UsageError naming the file and the mistake."""
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return BoardOptions()
    try:
        options = msgspec.json.decode(data, type=BoardOptions)
        options.check()
    except (msgspec.DecodeError, UsageError) as error:
        raise UsageError(f"{path}: {error}. Correct it, or delete the file to have the defaults.") from error
    return options


def save_options(path: Path, options: BoardOptions) -> None:
    """Replace the file as a whole. Raises UsageError for settings that are not valid."""
    options = msgspec.convert(msgspec.to_builtins(options), BoardOptions)
    options.check()
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    path.parent.mkdir(parents=True, exist_ok=True)
    draft.write_bytes(msgspec.json.format(msgspec.json.encode(options), indent=2) + b"\n")
    draft.replace(path)


def numbers_of(text: str) -> dict[str, int]:
    """`Sales=30, Chat=60` as a mapping. Raises UsageError with the part that is wrong."""
    result: dict[str, int] = {}
    for part in _parts(text):
        name, equals, value = part.rpartition("=")
        if not (name.strip() and equals and value.strip().isdecimal()):
            raise UsageError(f"{part!r} is not QUEUE=SECONDS; write for example Sales=30, Chat=60.")
        result[name.strip()] = int(value)
    return result


def hours_of(text: str) -> dict[str, str]:
    """Lines such as `Sales = Mon-Fri 09:00-17:30` as a mapping. Raises UsageError with the line that is wrong."""
    result: dict[str, str] = {}
    for line in filter(None, (line.strip() for line in text.splitlines())):
        name, equals, hours = line.rpartition("=")
        if not (name.strip() and equals and hours.strip()):
            raise UsageError(f"{line!r} is not QUEUE = HOURS; write for example Sales = {EXAMPLE}.")
        result[name.strip()] = hours.strip()
    return result


def names_of(text: str) -> tuple[str, ...]:
    """`Sales, Chat` as names."""
    return tuple(_parts(text))


def _parts(text: str) -> Iterable[str]:
    return [part.strip() for part in text.split(",") if part.strip()]
