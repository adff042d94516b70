"""What a source says there is: listed stretch by stretch, each kept in the lake, so that nothing is asked for twice."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

import duckdb

from trunkline.completeness import findings
from trunkline.completeness.census import Scope
from trunkline.completeness.findings import Sighted
from trunkline.completeness.periods import Listed, name_of
from trunkline.errors import UsageError
from trunkline.lake import layout
from trunkline.objects.model import Object
from trunkline.pipelines.home import Home
from trunkline.schedules.windows import Window


@dataclass(frozen=True, slots=True)
class Seen:
    """A stretch of time that was listed whole, and the contacts that had ended in it at `asked_at` (aware UTC).

    `asked_at` lies before the first call for it. Contacts outside the stretch do no harm; one inside must not lack.
    """

    window: Window
    asked_at: datetime
    contacts: Sequence[Sighted]


class Register(Protocol):
    """Who knows which contacts there are, and can give each of them: a Connect instance through its API.

    `source` names it in the lake (letters, digits, `.`, `_`, `-`). `scope` says which rows are its own.
    """

    @property
    def source(self) -> str:
        """The name."""

    @property
    def scope(self) -> Scope:
        """Column and value of its rows; None when all are."""

    def listed(self, window: Window) -> Iterator[Seen]:
        """List a window, in stretches that tile it in order, each small enough for memory."""

    def fetch(self, home: Home, obj: Object, ids: Mapping[str, datetime], advance: Callable[[int], None]) -> list[str]:
        """Put these contacts (with their ends, naive UTC) into lake and warehouse; gives those that it knows no more.

        What is fetched is durable when `advance` tells its number; a run that was stopped fetches the rest.
        """

    def calls(self, contacts: int, fetched: int) -> tuple[int, float]:
        """About how many calls listing and fetching so many contacts takes, and seconds within the quota."""


def check_source(source: str) -> None:
    """Raises UsageError for a name that cannot be part of the lake's keys."""
    if not source or not all(sign.isascii() and (sign.isalnum() or sign in "._-") for sign in source):
        raise UsageError(
            f"the source {source!r} cannot be a name in the lake; valid are letters, digits, '.', '_', '-'"
        )


def listings(home: Home, obj: Object, source: str, period: Window) -> list[tuple[str, Listed]]:
    """What was listed of a period so far: keys in the lake, with stretch and instant."""
    found = []
    for key in home.store.list(layout.sighting_prefix(obj.name, source, name_of(period))):
        start, end, asked_at = layout.sighting_times(key)
        found.append((key, Listed(Window(start, end), asked_at)))
    return found


def list_window(
    home: Home,
    obj: Object,
    con: duckdb.DuckDBPyConnection,
    register: Register,
    window: Window,
    advance: Callable[[int], None],
) -> None:
    """List a window of one period into the lake. `advance` is told seconds of the window, when they are durable."""
    for seen in register.listed(window):
        keep(home, obj, con, register.source, seen)
        advance(round((seen.window.end - seen.window.start).total_seconds()))


def keep(home: Home, obj: Object, con: duckdb.DuckDBPyConnection, source: str, seen: Seen) -> None:
    """Write what was listed of a stretch, which lies in one period, into the lake; durable when this returns."""
    path = home.scratch / "seen.parquet"
    inside = [one for one in seen.contacts if one[2] is not None and _holds(seen.window, one[2])]
    findings.write_sightings(con, path, inside, seen.asked_at)
    start, end = seen.window.start, seen.window.end
    period = start.date().isoformat()
    home.store.put_file(path, layout.sighting_key(obj.name, source, period, start, end, seen.asked_at))


def _holds(window: Window, ended: datetime) -> bool:
    return window.start.replace(tzinfo=None) <= ended < window.end.replace(tzinfo=None)
