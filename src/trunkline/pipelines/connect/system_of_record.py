"""A Connect instance as the system of record: its contacts by time of disconnect, and each by id."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from datetime import UTC, datetime
from typing import Final

from trunkline.completeness.census import Scope
from trunkline.completeness.listings import Listing, Sighting
from trunkline.limits import SEARCH_PAGE_MAX
from trunkline.pipelines.connect.collect import Collector
from trunkline.pipelines.connect.connect_ledger import sighting_of, source_of
from trunkline.schedules.windows import Window
from trunkline.sources.connect_api.client import ConnectInstance, NoCache
from trunkline.sources.connect_api.search import ContactQuery, ListedContact, pages
from trunkline.sources.connect_api.source import LISTING_CONTACTS

_JOB: Final = "reconcile"


class ConnectSystemOfRecord:
    """One instance, called through the collector's client and within its share of the quota."""

    def __init__(self, collector: Collector, instance: ConnectInstance) -> None:
        self._collector, self._instance = collector, instance

    @property
    def source(self) -> str:
        """The instance's name in the ledger."""
        return source_of(self._instance)

    @property
    def scope(self) -> Scope:
        """The rows of that instance."""
        return ("instance_id", self._instance.instance_id)

    def list_window(self, window: Window) -> Iterator[Listing]:
        """List a window by time of disconnect, in listings that end between two seconds."""
        # Not from the journal: a killed run's answers are older, and a certificate may rely on this listing.
        client = self._collector.client(self._instance, NoCache())
        start, as_of = window.start, self._collector.now
        buffer: dict[str, ListedContact] = {}
        for page in pages(client, window, ContactQuery()):
            buffer |= {contact.contact_id: contact for contact in page if contact.at >= start}
            cut = max((contact.at for contact in page), default=start)
            if len(buffer) >= LISTING_CONTACTS and cut > start:
                yield Listing(Window(start, cut), as_of, _take_before(buffer, cut))
                start = cut
        yield Listing(Window(start, window.end), as_of, _take_before(buffer, window.end))

    def fetch(self, ids: Mapping[str, datetime], advance: Callable[[int], None]) -> list[str]:
        """Describe these contacts and load them, at API fidelity; returns those that the service does not know."""
        contacts, journal = self._collector.reader(self._instance, _JOB)
        unknown = dict(ids)
        with closing(journal):
            for part in contacts.fetch({id_: ended.replace(tzinfo=UTC) for id_, ended in ids.items()}):
                self._collector.load(part)
                fetched = {contact.contact_id for contact in part.listed}
                unknown = {id_: ended for id_, ended in unknown.items() if id_ not in fetched}
                # Not before: a run that is killed earlier finds these answers.
                journal.forget(fetched, part.through)
        advance(len(ids))
        return list(unknown)

    def estimate(self, contacts: int, fetched: int, windows: int) -> tuple[int, float]:
        """Pages to search and contacts to describe, and the time that they take at our share of the quota."""
        searches = max(-(-contacts // SEARCH_PAGE_MAX), windows)
        rate = self._collector.buckets.rate
        return searches + fetched, searches / rate("SearchContacts") + fetched / rate("DescribeContact")


def _take_before(buffer: dict[str, ListedContact], cut: datetime) -> list[Sighting]:
    """Remove the contacts that ended before an instant."""
    before = [contact for contact in buffer.values() if contact.at < cut]
    for contact in before:
        del buffer[contact.contact_id]
    return [sighting_of(contact) for contact in before]
