"""A source whose system answers in pages: readings that can be continued after any page, each record once.

A reading is one pass over what is new. Its pages become batches that are durable before more is asked for, and its
state in the lake says by what the next page is asked. Systems are asked for a time before the last record again, since
records may appear late; what a reading has given is remembered, so that it is not given twice.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final, Protocol
from uuid import uuid4

import msgspec

from trunkline import clock
from trunkline.errors import TerminalError
from trunkline.limits import API_BATCH_PAGES_MAX, API_PAGES_MAX, API_SEEN_MAX
from trunkline.objects.model import Object
from trunkline.positions import Plan, Snapshot
from trunkline.records import Framed, KeptLetter, Mark
from trunkline.sources.files import reader
from trunkline.sources.model import DurableBatch, FilesRead, SourceContext
from trunkline.sources.pages import PagedRecord, RecordPage, frame_pages

_STATE: Final = "pull"


class SeenRecord(msgspec.Struct, array_like=True, frozen=True):
    """What is remembered of a durable record: its digest, and its version (Unix seconds).

    Where the version is not known, it is when the reading began.
    """

    digest: str
    at: float
    is_known: bool = True


class PagedReading(msgspec.Struct):
    """One reading of a system. Times are naive UTC, versions Unix seconds.

    It asks for records from `since` (None: all) up to `until` (None: no bound). `page` and `cursor` are what is asked
    next (None: the first page). `seen` has the durable record of each key; `pending` those of pages that are given and
    not known to be durable. With `overlap_s` the next reading begins so long before `newest`, and
    only what is as new is remembered; without it all is.
    """

    reading_id: str
    started_at: datetime
    since: float | None = None
    until: float | None = None
    overlap_s: float | None = None
    newest: float | None = None
    page: int = 0
    cursor: str | None = None
    records: int = 0
    seen: dict[str, SeenRecord] = {}
    pending: dict[str, dict[str, SeenRecord]] = {}
    is_finished: bool = False

    @property
    def next_since(self) -> float | None:
        """Where the next reading begins; None: it reads everything."""
        if self.overlap_s is None or self.newest is None:
            return None
        return self.newest - self.overlap_s

    def may_come_again(self, record: SeenRecord) -> bool:
        """Whether the next reading may be given this record again."""
        end = self.newest if self.until is None else self.until
        return self.overlap_s is None or end is None or record.at >= end - self.overlap_s

    @property
    def compared_versions(self) -> Sequence[tuple[float, float]]:
        """The versions, as spans with both ends, of records that are remembered or may come again."""
        if self.until is None or self.overlap_s is None:
            return [(-math.inf, math.inf)]
        again = self.until - self.overlap_s
        before = [record.at for record in self.seen.values() if record.at < again]
        return [(again, math.inf), *([(min(before), max(before))] if before else [])]

    def forget_old(self) -> None:
        """Remember only what may come again, and no more than the newest of many."""
        kept = {key: record for key, record in self.seen.items() if self.may_come_again(record)}
        if len(kept) > API_SEEN_MAX:
            kept = dict(sorted(kept.items(), key=lambda entry: entry[1].at)[-API_SEEN_MAX:])
        self.seen = kept


class CursorLostError(Exception):
    """The system does not know the cursor of a reading that was stopped any more."""


class PageReader(Protocol):
    """How one system is read."""

    @property
    def uri(self) -> str:
        """The address of what is read, without a secret."""

    @property
    def identity(self) -> Sequence[object]:
        """What a reading depends on: another identity is read from the beginning."""

    def begin(self, reading: PagedReading) -> None:
        """Complete a new reading (`since` is filled in) before it is recorded."""

    def pages(self, reading: PagedReading) -> Iterator[RecordPage]:
        """The pages from the reading's cursor on. Raises CursorLostError where the system has forgotten it."""


class PagedSource:
    """Records of a system that answers in pages. A subclass has the name; without a reader it only moves on."""

    name = ""

    def __init__(self, context: SourceContext, pages: PageReader | None = None) -> None:
        self._context, self._pages = context, pages
        self._reading: PagedReading | None = None

    def read(self, done: FilesRead) -> Iterator[Framed | None]:
        """What the system has beyond what is durable. A reading that was stopped is finished first.

        Raises TerminalError where pages do not end, and what asking for them raises.
        """
        if self._pages is None:
            return
        stopped = self._load(self._scope)
        if stopped is not None and not stopped.is_finished:
            self._reading = stopped
            try:
                yield from self._batches(self._pages, stopped)
            except CursorLostError:
                if stopped.page == 0:
                    raise TerminalError(f"{self._pages.uri} refused the first page of a new reading.") from None
        last = self._reading or stopped
        self._reading = self._new(self._pages, last)
        yield from self._batches(self._pages, self._reading)

    def _new(self, pages: PageReader, last: PagedReading | None) -> PagedReading:
        """A new reading. What an unfinished one has given stays known, and its span is read from its beginning."""
        reading = PagedReading(uuid4().hex, clock.now_naive())
        if last is not None:
            reading.since = last.next_since if last.is_finished else last.since
            reading.seen, reading.newest = dict(last.seen), last.newest
        pages.begin(reading)
        self._save(self._scope, reading)
        return reading

    def _batches(self, pages: PageReader, reading: PagedReading) -> Iterator[Framed | None]:
        known = {key: record.digest for key, record in reading.seen.items()}
        number, size = reading.page, 0
        group: list[tuple[int, RecordPage]] = []
        for page in pages.pages(reading):
            if number >= API_PAGES_MAX:
                raise TerminalError(
                    f"{pages.uri} has more than {API_PAGES_MAX:,} pages, which looks endless: check how it is paged."
                )
            if group and group[-1][1].layout != page.layout:
                yield from self._given(pages, reading, group)
                group, size = [], 0
            new = page.without(_known_numbers(page, known))
            group.append((number, new))
            size, number = size + new.size, number + 1
            if size >= self._context.settings.batch_bytes or len(group) >= API_BATCH_PAGES_MAX:
                yield from self._given(pages, reading, group)
                group, size = [], 0
        yield from self._given(pages, reading, group)
        self._finish(reading)
        self._save(self._scope, reading)

    def _given(
        self, pages: PageReader, reading: PagedReading, group: Sequence[tuple[int, RecordPage]]
    ) -> Iterator[Framed | None]:
        """A batch of these pages, durable when this ends. Pages without new records are not worth one."""
        if not any(page.count for _, page in group):
            return
        for number, page in group:
            seen = {record.identity: _seen(reading, record) for _, record in page.compared()}
            # Without an upper bound it shows only at the end which records are the newest.
            is_bound = reading.until is not None
            reading.pending[str(number)] = {
                key: record for key, record in seen.items() if not is_bound or reading.may_come_again(record)
            }
        self._save(self._scope, reading)
        uri = f"{pages.uri}/reading/{self._scope}-{reading.reading_id}"
        yield frame_pages(self._context.obj, self.name, uri, group)
        yield None

    def reread(self, plan: Plan) -> Framed | None:
        """None: the pages are asked for again."""
        return None

    def after_durable(self, batches: Sequence[DurableBatch]) -> None:
        """Move the reading on past the pages of these batches."""
        for batch in batches:
            spans = [span for span in batch.plan.ranges if isinstance(span, Snapshot)]
            scope, _, reading_id = spans[0].uri.rpartition("/")[2].partition("-") if spans else ("", "", "")
            mine = self._reading if self._reading is not None and self._reading.reading_id == reading_id else None
            reading = mine or self._load(scope)
            if reading is not None and reading.reading_id == reading_id and _advance(reading, spans):
                if reading.cursor is None:
                    self._finish(reading)
                self._save(scope, reading)

    def revive(self, letter: KeptLetter) -> tuple[str, Mark] | None:
        """The record in the letter, where its bytes are exactly one JSON object."""
        return reader.revive(letter)

    @staticmethod
    def _finish(reading: PagedReading) -> None:
        """The reading is at its end: remember what the next one may be given again."""
        reading.is_finished, reading.pending = True, {}
        reading.newest = reading.until if reading.until is not None else reading.newest
        reading.forget_old()

    @property
    def _scope(self) -> str:
        """The name of the state of what is read now."""
        assert self._pages is not None
        return fingerprint([self.name, *self._pages.identity, *shape_of_columns(self._context.obj)])

    def _load(self, scope: str) -> PagedReading | None:
        data = self._context.state.get(_STATE, self._context.obj.name, scope)
        return msgspec.json.decode(data, type=PagedReading) if data is not None else None

    def _save(self, scope: str, reading: PagedReading) -> None:
        self._context.state.put(msgspec.json.encode(reading), _STATE, self._context.obj.name, scope, is_private=True)


def _seen(reading: PagedReading, record: PagedRecord) -> SeenRecord:
    """A version in the future counts as that of the reading's begin: it must not move the next one on."""
    begun = reading.until if reading.until is not None else epoch_s(reading.started_at)
    at = begun if record.version is None else min(record.version, begun)
    return SeenRecord(record.digest, at, record.version is not None)


def _advance(reading: PagedReading, spans: Sequence[Snapshot]) -> bool:
    """Record that these pages are durable; whether that is new."""
    is_new = False
    for span in spans:
        if span.page < reading.page:
            continue
        given = reading.pending.pop(str(span.page), {})
        reading.seen.update(given)
        newest = [record.at for record in given.values() if record.is_known]
        reading.newest = max([*newest, *([] if reading.newest is None else [reading.newest])], default=None)
        reading.page, reading.cursor, reading.records = span.page + 1, span.next_key, reading.records + span.end
        is_new = True
    reading.forget_old()
    return is_new


def fingerprint(values: Sequence[object]) -> str:
    """16 hexadecimal digits that tell values apart by how they are written."""
    return hashlib.sha256("\n".join(map(repr, values)).encode()).hexdigest()[:16]


def shape_of_columns(obj: Object) -> list[object]:
    """What the columns take from a record: with another shape, records are read again to fill them."""
    hook = [obj.hook.name] if obj.hook else []
    return [obj.catalogue_version, *hook, *((column.name, column.path, column.type) for column in obj.data_columns)]


def _known_numbers(page: RecordPage, known: dict[str, str]) -> set[int]:
    """The records of a page that are known as they are; the others become known while these are not too many."""
    numbers = set()
    for number, record in page.compared():
        identity, digest = record.identity, record.digest
        if known.get(identity) == digest:
            numbers.add(number)
        elif identity in known or len(known) < API_SEEN_MAX:
            known[identity] = digest
    return numbers


def epoch_s(at: datetime) -> float:
    """Unix seconds of a naive UTC time."""
    return at.replace(tzinfo=UTC).timestamp()


def member(value: Any, path: Sequence[str]) -> Any:
    """The value at a path of a decoded JSON object; None where there is none."""
    for key in path:
        value = value.get(key) if isinstance(value, Mapping) else None
    return value
