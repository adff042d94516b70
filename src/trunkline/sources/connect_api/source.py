"""Contacts of a Connect instance as a source: a job's windows, one part at a time.

A part is durable before the place where a run continues moves past it. The answers that a run received are in a journal
in the home, so that the run after a kill repeats none of its calls.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final
from urllib.parse import urlsplit

from trunkline.positions import API_SOURCE, ApiWindow, Plan
from trunkline.records import Framed, KeptLetter, Mark
from trunkline.schedules.windows import Window
from trunkline.sources.connect_api.contacts import ContactPart, ContactReader, contacts_uri
from trunkline.sources.connect_api.journal import CallJournal
from trunkline.sources.connect_api.progress import Checkpoint, CollectJob, pass_window, save_names
from trunkline.sources.connect_api.search import ListedContact
from trunkline.sources.files import reader as files
from trunkline.sources.model import DurableBatch, FilesRead, SourceContext

LISTING_CONTACTS: Final = 5_000
"""Contacts of one listing: about 100 s of searches, which are repeated if a run was killed before it is stored."""


@dataclass(frozen=True, slots=True)
class Collection:
    """What to read: a job's windows, by a reader whose calls are journaled.

    `on_listed(window, as_of, contacts)` receives what was listed, after the contacts are durable: a window that was
    listed completely, when, and all contacts in it, whether they were held or not. `advance` counts contacts.
    """

    job: CollectJob
    contacts: ContactReader
    journal: CallJournal
    on_listed: Callable[[Window, datetime, Sequence[ListedContact]], None] = lambda window, as_of, contacts: None
    advance: Callable[[int], None] = lambda contacts: None
    listing_contacts: int = LISTING_CONTACTS


@dataclass(slots=True)
class _Reading:
    """A window that is being read: how far, and what was listed since the last listing was passed on."""

    window: Window
    checkpoint: Checkpoint
    as_of: datetime
    through: datetime
    listed_through: datetime
    listed: list[ListedContact] = field(default_factory=list)


class ContactSource:
    """What the API lists and describes. Opened without a collection, it reads nothing.

    `is_done`: all of the job's windows were read to their ends. They were not when the deadline was reached first.
    """

    name = API_SOURCE

    def __init__(self, context: SourceContext, collection: Collection | None = None) -> None:
        self.is_done = False
        self._state, self._collection = context.state, collection
        self._parts: dict[str, tuple[_Reading, ContactPart]] = {}

    def read(self, done: FilesRead) -> Iterator[Framed | None]:
        """The job's windows, part by part, each durable before the next one is read."""
        if self._collection is not None:
            with closing(self._collection.journal):
                yield from self._read(self._collection)

    def _read(self, collection: Collection) -> Iterator[Framed | None]:
        for window, checkpoint in collection.job.windows():
            reading = _Reading(window, checkpoint, self._as_of(collection), window.start, window.start)
            for part in collection.contacts.read(window):
                if part.framed is None:
                    self._move_on(collection, reading, part)
                else:
                    self._parts[part.framed.plan.batch_id] = (reading, part)
                    yield part.framed
                    yield None
            self._pass_on(collection, reading)
            if reading.through < window.end:
                return
        collection.job.finish()
        collection.journal.clear()
        self.is_done = True

    def reread(self, plan: Plan) -> Framed | None:
        """None: the API may answer differently now, so the window is read again."""
        return None

    def after_durable(self, batches: Sequence[DurableBatch]) -> None:
        """Move the job's state past these batches.

        After a crash, a plan says how far the schedule's watermark moves. A range that a user requested is read
        again instead, which skips the contacts that are held.
        """
        for batch in batches:
            reading_and_part = self._parts.pop(batch.plan.batch_id, None)
            if self._collection is None:
                self._pass(batch.plan)
            elif reading_and_part is not None:
                self._move_on(self._collection, *reading_and_part)

    def revive(self, letter: KeptLetter) -> tuple[str, Mark] | None:
        """The record in the letter, which is at API fidelity."""
        return files.revive(letter)

    def _pass(self, plan: Plan) -> None:
        for span in plan.ranges:
            if isinstance(span, ApiWindow):
                instance_id = urlsplit(span.uri).netloc
                if span.uri == contacts_uri(instance_id):
                    window = Window(span.start.replace(tzinfo=UTC), span.end.replace(tzinfo=UTC))
                    pass_window(self._state, instance_id, window)

    def _as_of(self, collection: Collection) -> datetime:
        """When the answers of a window that is read now are from: some may be from a run that was killed."""
        now = datetime.fromtimestamp(collection.contacts.api.buckets.pace.now_s(), UTC)
        return min(now, collection.journal.searched_since() or now)

    def _move_on(self, collection: Collection, reading: _Reading, part: ContactPart) -> None:
        contacts = collection.contacts
        if contacts.names.is_new:
            save_names(self._state, contacts.api.instance.instance_id, contacts.names.encode())
        reading.checkpoint(part.through)
        # Not before: a run that was killed earlier starts where this part did, and finds its answers.
        collection.journal.forget({contact.contact_id for contact in part.listed}, part.through)
        reading.through = part.through
        collection.advance(len(part.listed))
        reading.listed += part.listed
        if len(reading.listed) >= collection.listing_contacts:
            self._pass_on(collection, reading)

    def _pass_on(self, collection: Collection, reading: _Reading) -> None:
        """Last, and for many parts at once: a listing that is lost with a process is made again by reconcile."""
        if reading.listed_through < reading.through:
            window = Window(reading.listed_through, reading.through)
            collection.on_listed(window, reading.as_of, reading.listed)
            reading.listed_through, reading.listed = reading.through, []
