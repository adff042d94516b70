"""Listings: the contacts that a system of record lists, kept in the lake window by window, so none is listed twice."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol

import duckdb

from trunkline.completeness.census import PARQUET, Scope
from trunkline.completeness.periods import ListedWindow, period_name
from trunkline.engines.model import text_literal
from trunkline.errors import UsageError
from trunkline.lake import layout
from trunkline.lake.store import Store
from trunkline.objects.model import Object
from trunkline.schedules.windows import Window
from trunkline.sql.relation import relation

Sighting = tuple[str, datetime | None, datetime | None]
"""A contact as a listing names it: id, began, ended; naive UTC."""


@dataclass(frozen=True, slots=True)
class Listing:
    """A window that was listed completely, and the contacts that had ended in it at `as_of` (aware UTC).

    `as_of` is before the first call for it. Contacts outside the window are ignored; none inside may be left out.
    """

    window: Window
    as_of: datetime
    contacts: Sequence[Sighting]


class SystemOfRecord(Protocol):
    """The system that knows which contacts there are, and can give each of them: a Connect instance through its API.

    `source` names it in the lake (letters, digits, `.`, `_`, `-`). `scope` says which rows are its own.
    """

    @property
    def source(self) -> str:
        """The name."""

    @property
    def scope(self) -> Scope:
        """Column and value of its rows; None when all rows are."""

    def list_window(self, window: Window) -> Iterator[Listing]:
        """List a window, in listings that tile it in order, each small enough for memory."""

    def fetch(self, ids: Mapping[str, datetime], advance: Callable[[int], None]) -> list[str]:
        """Load these contacts (with their ends, naive UTC) into lake and warehouse; returns those it does not know.

        Contacts are durable when `advance` receives their number; a run that was stopped fetches the rest.
        """

    def estimate(self, contacts: int, fetched: int, windows: int) -> tuple[int, float]:
        """About how many calls it takes to list `contacts` in so many windows and to fetch `fetched`, and seconds."""


def check_source(source: str) -> None:
    """Raises UsageError for a name that cannot be part of the lake's keys."""
    if not source or not all(sign.isascii() and (sign.isalnum() or sign in "._-") for sign in source):
        raise UsageError(f"the source {source!r} is not a valid name; valid are letters, digits, '.', '_' and '-'")


def stored_listings(store: Store, obj: Object, source: str, period: Window) -> list[tuple[str, ListedWindow]]:
    """The listings of a period in the lake: key, window and instant of each."""
    listings = []
    for key in store.list(layout.sighting_prefix(obj.name, source, period_name(period))):
        start, end, as_of = layout.sighting_times(key)
        listings.append((key, ListedWindow(Window(start, end), as_of)))
    return listings


def store_listing(
    store: Store, scratch: Path, obj: Object, con: duckdb.DuckDBPyConnection, source: str, listing: Listing
) -> None:
    """Write a listing, whose window lies in one period, to the lake; durable when this returns."""
    path = scratch / "listing.parquet"
    start, end = listing.window.start.replace(tzinfo=None), listing.window.end.replace(tzinfo=None)
    inside = [contact for contact in listing.contacts if contact[2] is not None and start <= contact[2] < end]
    _write(con, path, inside, listing.as_of)
    key = layout.sighting_key(
        obj.name, source, period_name(listing.window), listing.window.start, listing.window.end, listing.as_of
    )
    store.put_file(path, key)


def _write(con: duckdb.DuckDBPyConnection, path: Path, contacts: Sequence[Sighting], as_of: datetime) -> None:
    rows = relation("sightings", ("id", "began", "ended", "asked_at"))
    columns = [list(column) for column in zip(*contacts, strict=True)] or [[], [], []]
    con.execute(
        f"CREATE OR REPLACE TEMP TABLE {rows.sql} AS SELECT DISTINCT unnest($1::VARCHAR[]) AS id, "
        "unnest($2::TIMESTAMP[]) AS began, unnest($3::TIMESTAMP[]) AS ended, $4::TIMESTAMP AS asked_at",
        [*columns, as_of.replace(tzinfo=None)],
    )
    con.execute(f"COPY (SELECT * FROM {rows.sql} ORDER BY id) TO {text_literal(str(path))} ({PARQUET})")
    con.execute(f"DROP TABLE {rows.sql}")
