"""`enrich`: look for the transcripts of calls that have none, and load those that are there.

A transcript is read once: its row is what makes the call rich, in views. What is missing is remembered in the lake.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from trunkline import clock, limits
from trunkline.accounting import Counts, total
from trunkline.aws.clients import make_client
from trunkline.engines.model import quote_qualified
from trunkline.errors import UsageError
from trunkline.lake import layout
from trunkline.ledger import asked
from trunkline.objects.call import CALL
from trunkline.objects.transcript import TRANSCRIPT
from trunkline.pipelines.home import Home
from trunkline.pipelines.jobs.load import load_files
from trunkline.settings import Settings
from trunkline.sources.files import listing
from trunkline.sources.files.listing import SourceFile
from trunkline.sources.transcripts.names import keys_of
from trunkline.urls import path_of

Advance = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class EnrichResult:
    """What a run did: calls without a transcript, of those looked for, found, and the counts of what was loaded."""

    without: int
    looked_for: int
    found: int
    counts: Counts


@dataclass(frozen=True, slots=True)
class _Call:
    call_id: str
    at: datetime | None

    @property
    def day(self) -> date | None:
        """The UTC date that what is known of the call is kept by."""
        return self.at.date() if self.at else None


def due_calls(home: Home, since: datetime, until: datetime, is_again: bool) -> tuple[list[_Call], int]:
    """The calls to look for, in order of time, and how many of the period are without a transcript at all."""
    engine = home.warehouse.engine
    calls, transcripts = (quote_qualified(engine, obj.warehouse_table) for obj in (CALL, TRANSCRIPT))
    rows = home.warehouse.query(
        f"SELECT c.call_id, c.call_timestamp_utc FROM {calls} AS c WHERE NOT c.record_is_deleted "
        f"AND c.call_timestamp_utc >= $1 AND c.call_timestamp_utc < $2 "
        f"AND NOT EXISTS (SELECT 1 FROM {transcripts} AS t WHERE t.call_id = c.call_id) ORDER BY 2, 1",
        [since, until],
    )
    calls_found = [_Call(*row) for row in rows]
    now = clock.now_naive()
    known: dict[date | None, dict[str, asked.Asked]] = {}
    due: list[_Call] = []
    for one in calls_found:
        if one.day not in known:
            known[one.day] = asked.decode(home.store.get_bytes(layout.asked_key(one.day)))
        if is_again or asked.is_due(known[one.day].get(one.call_id), one.at, now):
            due.append(one)
    return due, len(rows)


def enrich(
    home: Home, due: Sequence[_Call], without: int, advance: Advance = lambda _: None, client: Any = None
) -> EnrichResult:
    """Look for these calls' transcripts and load what is there. `advance` is told the calls looked for.

    Raises UsageError where the setting `transcripts` names no place. Stopped, the next run goes on: what was loaded is
    loaded, and at most `limits.ASK_CALLS` are looked for again.
    """
    place = place_of(home.settings)
    if due and place.startswith("s3://"):
        client = client or make_client("s3")
    found = 0
    counts: list[Counts] = []
    with ThreadPoolExecutor(limits.ASK_WORKERS, thread_name_prefix="enrich") as pool:
        for start in range(0, len(due), limits.ASK_CALLS):
            some = due[start : start + limits.ASK_CALLS]
            looked = list(pool.map(lambda one: _look(home, place, one.call_id, client), some))
            files = [file for one in looked for file in one]
            loaded = load_files(home, TRANSCRIPT, files, client=client).counts
            # A file that cannot be read, now or in an earlier run, leaves its call without transcript: as good as none.
            is_all_read = loaded.accepted == len(files)
            _remember(home, [one for one, there in zip(some, looked, strict=True) if not (there and is_all_read)])
            counts.append(loaded)
            found += sum(1 for one in looked if one)
            advance(len(some))
    return EnrichResult(without, len(due), found, total(counts))


def place_of(settings: Settings) -> str:
    """The address or folder that transcripts are looked for in. Raises UsageError where none is set."""
    place = settings.transcripts
    if not place:
        raise UsageError(
            'no place to look for transcripts is set: put transcripts = "s3://your-transcribe-bucket" into '
            f"{settings.home}/trunkline.toml, or set TRUNKLINE_TRANSCRIPTS"
        )
    return place.rstrip("/") if place.startswith("s3://") else str(path_of(place))


def _look(home: Home, place: str, call_id: str, client: Any) -> list[SourceFile]:
    """The files of a call that are there."""
    if "/" in call_id or call_id.startswith("."):
        return []  # no pattern matches such a name, and it must not lead out of the folder
    keys = keys_of(call_id, home.settings.transcript_keys)
    urls = [f"{place}/{key}" if place.startswith("s3://") else os.path.join(place, key) for key in keys]
    return [file for url in urls if (file := listing.find(url, client)) is not None]


def _remember(home: Home, calls: Sequence[_Call]) -> None:
    """Write down who was looked for in vain."""
    now = clock.now_naive()
    by_day: dict[date | None, list[str]] = {}
    for one in calls:
        by_day.setdefault(one.day, []).append(one.call_id)
    for day, call_ids in by_day.items():
        key = layout.asked_key(day)
        known = asked.decode(home.store.get_bytes(key))
        known |= {call_id: asked.missed(known.get(call_id), now) for call_id in call_ids}
        home.store.put_bytes(asked.encode(known), key)
