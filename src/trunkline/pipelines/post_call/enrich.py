"""`enrich`: look for the transcripts of calls that have none, and load those that exist.

A transcript is read once: its row is what enriches the call, in views. What is missing is recorded in the lake, so that
each run, and the function that reads a table's stream, looks only for calls that are due.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import msgspec

from trunkline import clock, limits
from trunkline.accounting import Counts, total
from trunkline.aws.clients import make_client
from trunkline.engines.model import quote_qualified
from trunkline.errors import UsageError
from trunkline.lake import layout
from trunkline.lake.store import Store
from trunkline.limits import LOOKUP_DAYS_MAX, LOOKUP_WAIT_S, LOOKUP_WAIT_S_MAX
from trunkline.objects.post_call.call import CALL
from trunkline.objects.post_call.transcript import TRANSCRIPT
from trunkline.pipelines.home import Home
from trunkline.pipelines.jobs.load import load_files
from trunkline.pipelines.runner import Advance, no_advance
from trunkline.settings.installation import Settings
from trunkline.sources.files import listing
from trunkline.sources.files.listing import SourceFile
from trunkline.sources.transcripts.names import keys_of
from trunkline.urls import path_of


class FailedLookups(msgspec.Struct, frozen=True):
    """How often a call's transcript was not found, and when last (naive UTC)."""

    tries: int
    at: datetime


@dataclass(frozen=True, slots=True)
class EnrichResult:
    """The account of a run: calls without a transcript, searched, found, and the counts of their files."""

    without: int
    looked_for: int
    found: int
    counts: Counts


@dataclass(frozen=True, slots=True)
class SearchedCall:
    """A call whose transcript is to be found. `at` is its time (naive UTC), None for an undated call."""

    call_id: str
    at: datetime | None

    @property
    def day(self) -> date | None:
        """The UTC date that the results of searches are recorded under."""
        return self.at.date() if self.at else None


def due_calls(home: Home, since: datetime, until: datetime, is_again: bool) -> tuple[list[SearchedCall], int]:
    """The calls to look for, in order of time, and the number of calls without a transcript in all.

    They are those of the period, and undated ones. `is_again` includes those that were searched lately.
    """
    engine = home.warehouse.engine
    calls, transcripts = (quote_qualified(engine, obj.warehouse_table) for obj in (CALL, TRANSCRIPT))
    rows = home.warehouse.query(
        f"SELECT c.call_id, c.call_timestamp_utc FROM {calls} AS c WHERE NOT c.record_is_deleted "
        "AND (c.call_timestamp_utc IS NULL OR (c.call_timestamp_utc >= $1 AND c.call_timestamp_utc < $2)) "
        f"AND NOT EXISTS (SELECT 1 FROM {transcripts} AS t WHERE t.call_id = c.call_id) ORDER BY 2, 1",
        [since, until],
    )
    without = [SearchedCall(*row) for row in rows]
    return (without if is_again else not_searched_lately(home.store, without)), len(without)


def enrich(
    home: Home, due: Sequence[SearchedCall], without: int, advance: Advance = no_advance, client: Any = None
) -> EnrichResult:
    """Look for these calls' transcripts and load those that exist. `advance` is called with the number searched.

    Raises UsageError where the setting `transcripts` is empty. A run that was stopped is continued by the next one,
    which looks for at most `limits.LOOKUP_CALLS` calls again.
    """
    place = place_of(home.settings)
    if due and place.startswith("s3://"):
        client = client or make_client("s3")
    found = 0
    counts: list[Counts] = []
    with ThreadPoolExecutor(limits.LOOKUP_WORKERS, thread_name_prefix="enrich") as pool:
        for start in range(0, len(due), limits.LOOKUP_CALLS):
            calls = due[start : start + limits.LOOKUP_CALLS]
            by_call = list(pool.map(lambda call: find_transcripts(home.settings, place, call.call_id, client), calls))
            files = [file for call_files in by_call for file in call_files]
            loaded = load_files(home, TRANSCRIPT, files, client=client).counts
            # A file that cannot be read, now or in an earlier run, leaves its call without a transcript.
            is_all_read = loaded.accepted == len(files)
            missing = [call for call, there in zip(calls, by_call, strict=True) if not (there and is_all_read)]
            record_missing(home.store, missing)
            counts.append(loaded)
            found += sum(1 for call_files in by_call if call_files)
            advance(len(calls))
    return EnrichResult(without, len(due), found, total(counts))


def place_of(settings: Settings) -> str:
    """The address or folder where transcripts are. Raises UsageError where the setting is empty."""
    place = settings.transcripts
    if not place:
        raise UsageError(
            'the setting transcripts is empty: put transcripts = "s3://your-transcribe-bucket" into '
            f"{settings.home}/trunkline.toml, or set TRUNKLINE_TRANSCRIPTS"
        )
    return place.rstrip("/") if place.startswith("s3://") else str(path_of(place))


def find_transcripts(settings: Settings, place: str, call_id: str, client: Any) -> list[SourceFile]:
    """The files of a call that exist. Raises TransientError or TerminalError where S3 fails."""
    if "/" in call_id or call_id.startswith("."):
        return []  # no pattern matches such a name, and it must not lead out of the folder
    keys = keys_of(call_id, settings.transcript_keys)
    urls = [f"{place}/{key}" if place.startswith("s3://") else os.path.join(place, key) for key in keys]
    return [file for url in urls if (file := listing.find(url, client)) is not None]


def not_searched_lately(store: Store, calls: Iterable[SearchedCall]) -> list[SearchedCall]:
    """The calls that were never searched, or not since their next search is due."""
    now = clock.now_naive()
    by_day: dict[date | None, dict[str, FailedLookups]] = {}
    due: list[SearchedCall] = []
    for call in calls:
        if call.day not in by_day:
            by_day[call.day] = _decode(store.get_bytes(layout.lookups_key(call.day)))
        if _is_due(by_day[call.day].get(call.call_id), call.at, now):
            due.append(call)
    return due


def record_missing(store: Store, calls: Iterable[SearchedCall]) -> None:
    """Record that no transcript of these calls exists now."""
    now = clock.now_naive()
    by_day: dict[date | None, list[str]] = {}
    for call in calls:
        by_day.setdefault(call.day, []).append(call.call_id)
    for day, call_ids in by_day.items():
        key = layout.lookups_key(day)
        known = _decode(store.get_bytes(key))
        known |= {call_id: _after_failure(known.get(call_id), now) for call_id in call_ids}
        store.put_bytes(_encode(known), key)


def _is_due(failed: FailedLookups | None, call_at: datetime | None, now: datetime) -> bool:
    """Whether to look up a call now: at once the first time, then less and less often, and finally not at all."""
    if failed is None:
        return True
    if call_at is not None and failed.at - call_at > timedelta(days=LOOKUP_DAYS_MAX):
        return False
    wait_s = min(LOOKUP_WAIT_S * 2 ** min(failed.tries - 1, 30), LOOKUP_WAIT_S_MAX)
    return now - failed.at >= timedelta(seconds=wait_s)


def _after_failure(failed: FailedLookups | None, now: datetime) -> FailedLookups:
    """The state after one more failed lookup."""
    return FailedLookups((failed.tries if failed else 0) + 1, now)


def _encode(failed: Mapping[str, FailedLookups]) -> bytes:
    """The calls of one day as they are stored."""
    return msgspec.json.encode(failed, order="sorted")


def _decode(data: bytes | None) -> dict[str, FailedLookups]:
    """The calls of one day; empty where nothing is stored."""
    return msgspec.json.decode(data, type=dict[str, FailedLookups]) if data else {}
