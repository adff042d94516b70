"""A Connect instance as the ledger's register: its contacts by time of disconnect, and each by id."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from datetime import UTC, datetime

from trunkline.completeness.census import Scope
from trunkline.completeness.listings import Listing, Sighting
from trunkline.limits import SEARCH_PAGE_MAX
from trunkline.pipelines.collect import Collector
from trunkline.pipelines.connect_listing import STRETCH_CONTACTS, sighted, source_of
from trunkline.schedules.windows import Window
from trunkline.sources.connect_api.client import ConnectInstance, NoCache
from trunkline.sources.connect_api.search import ContactQuery, ListedContact, pages

_JOB = "reconcile"


class ConnectSystemOfRecord:
    """One instance, asked through the collector's client and within its share of the quota."""

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
        """List a window by time of disconnect, in stretches that end between two seconds."""
        # No journal: what a killed run was told is older than this question, and a certificate may rest on the answer.
        api = self._collector.api(self._instance, NoCache())
        start, asked_at = window.start, self._collector.now
        gathered: dict[str, ListedContact] = {}
        for page in pages(api, window, ContactQuery()):
            gathered |= {one.contact_id: one for one in page if one.at >= start}
            cut = max((one.at for one in page), default=start)
            if len(gathered) >= STRETCH_CONTACTS and cut > start:
                yield Listing(Window(start, cut), asked_at, _before(gathered, cut))
                start = cut
        yield Listing(Window(start, window.end), asked_at, _before(gathered, window.end))

    def fetch(self, ids: Mapping[str, datetime], advance: Callable[[int], None]) -> list[str]:
        """Describe these contacts and load them, at API fidelity; those that the service does not know are given."""
        source, journal = self._collector.source(self._instance, _JOB)
        unknown = dict(ids)
        with closing(journal):
            for part in source.fetch({id_: ended.replace(tzinfo=UTC) for id_, ended in ids.items()}):
                self._collector.load(part)
                for one in part.listed:
                    unknown.pop(one.contact_id, None)
                # Only now: killed before, the next run finds these answers.
                journal.forget({one.contact_id for one in part.listed}, part.through)
        advance(len(ids))
        return list(unknown)

    def estimate(self, contacts: int, fetched: int) -> tuple[int, float]:
        """Pages to search and contacts to describe, and the time that the quota makes of them."""
        searches = -(-contacts // SEARCH_PAGE_MAX)
        rate = self._collector.buckets.rate
        return searches + fetched, searches / rate("SearchContacts") + fetched / rate("DescribeContact")


def _before(gathered: dict[str, ListedContact], cut: datetime) -> list[Sighting]:
    """The contacts that ended before an instant, taken out."""
    found = [one for one in gathered.values() if one.at < cut]
    for one in found:
        del gathered[one.contact_id]
    return [sighted(one) for one in found]
