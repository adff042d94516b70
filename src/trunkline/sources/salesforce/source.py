"""The source `salesforce`: records that changed, by REST or by the Bulk API, and those that were deleted.

A reading has a fixed upper bound by Salesforce's clock, and begins some minutes before the bound of the last one:
records of long transactions appear late. Deleted, merged and archived records come with the others (queryAll); what was
deleted for good is listed apart.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import msgspec

from trunkline import clock
from trunkline.errors import TerminalError
from trunkline.limits import SALESFORCE_DELETED_DAYS_MAX, SALESFORCE_REST_RECORDS_MAX
from trunkline.objects.model import Object
from trunkline.objects.origins import SalesforceOrigin
from trunkline.records import KeptLetter, Mark
from trunkline.settings.installation import Settings
from trunkline.sources.paged import CursorLostError, PagedReading, PagedSource, epoch_s
from trunkline.sources.pages import PagedRecord, PagedRows, RecordPage
from trunkline.sources.salesforce.bulk import read_page, revive_row
from trunkline.sources.salesforce.client import SalesforceClient, SalesforceGoneError
from trunkline.sources.salesforce.records import (
    STAMP,
    SalesforceShape,
    deleted_record,
    query,
    rest_record,
    shape_of,
)

NAME: Final = "salesforce"
_QUERY_CHARACTERS_MAX: Final = 12_000
"""Of a query in an address; a longer one goes to the Bulk API."""


class SalesforceCursor(msgspec.Struct, omit_defaults=True):
    """What is asked next: behind a stamp and an id, a page of a Bulk job, or what was deleted."""

    stamp: str = ""
    id: str = ""
    job: str = ""
    locator: str = ""
    is_deleted: bool = False


class SalesforceSource(PagedSource):
    """Records of a Salesforce object."""

    name = NAME

    def revive(self, letter: KeptLetter) -> tuple[str, Mark] | None:
        """The record in the letter, where its bytes are exactly one JSON object, or a header row and one row."""
        return PagedSource.revive(self, letter) or revive_row(letter, self._context.obj)


class SalesforcePages:
    """The pages of one Salesforce object for one object of ours."""

    def __init__(
        self, obj: Object, origin: SalesforceOrigin, settings: Settings, client: SalesforceClient | None = None
    ) -> None:
        self._obj, self._origin, self._client = obj, origin, client or SalesforceClient(origin)

    @property
    def uri(self) -> str:
        """The organisation and its object."""
        return f"{self._origin.instance}/{self._origin.sobject}"

    @property
    def identity(self) -> Sequence[object]:
        """Which records are asked for, without how."""
        how = ("credentials", "api", "overlap_s", "api_percent_max")
        return [value for name, value in asdict(self._origin).items() if name not in how]

    def begin(self, reading: PagedReading) -> None:
        """Fix the upper bound: what changes while the reading goes on is the next one's."""
        self._client.describe()
        server_at = self._client.server_at or clock.now_naive()
        reading.until = float(int(epoch_s(server_at)))
        reading.overlap_s = float(self._origin.overlap_s)

    def pages(self, reading: PagedReading) -> Iterator[RecordPage]:
        """The pages from the reading's cursor on.

        Raises CursorLostError for a Bulk job that is gone, TerminalError for what cannot be read as declared, and what
        requests raise.
        """
        shape = shape_of(self._obj, self._origin, self._client.describe())
        cursor = msgspec.json.decode(reading.cursor or "{}", type=SalesforceCursor)
        if not cursor.is_deleted:
            yield from self._records(shape, reading, cursor)
        if self._has_deleted(shape, reading):
            yield self._deleted(reading)

    def _records(self, shape: SalesforceShape, reading: PagedReading, cursor: SalesforceCursor) -> Iterator[RecordPage]:
        if cursor.job:
            yield from self._bulk(shape, reading, cursor)
            return
        soql = self._soql(shape, reading, cursor, is_ordered=True)
        if self._origin.api == "bulk" or (len(soql) > _QUERY_CHARACTERS_MAX and self._origin.api == "auto"):
            yield from self._bulk(shape, reading, cursor)
            return
        answer = self._client.query(soql)
        is_many = answer["totalSize"] > SALESFORCE_REST_RECORDS_MAX and not shape.has_compound
        if is_many and self._origin.api == "auto":
            yield from self._bulk(shape, reading, cursor)
        else:
            yield from self._rest(shape, reading, answer)

    def _soql(self, shape: SalesforceShape, reading: PagedReading, cursor: SalesforceCursor, is_ordered: bool) -> str:
        after = (cursor.stamp, cursor.id) if cursor.stamp else None
        return query(shape, self._origin, reading.since, self._until(reading), after, is_ordered)

    def _rest(self, shape: SalesforceShape, reading: PagedReading, answer: Mapping[str, Any]) -> Iterator[RecordPage]:
        while not answer["done"]:
            # Not by the server's own cursor, which ends after two days.
            last = answer["records"][-1]
            following = SalesforceCursor(stamp=str(last[STAMP]).replace("+0000", "Z"), id=str(last["Id"]))
            yield self._page(shape, reading, [rest_record(shape, record) for record in answer["records"]], following)
            answer = self._client.query_more(answer["nextRecordsUrl"])
        yield self._page(shape, reading, [rest_record(shape, record) for record in answer["records"]], None)

    def _bulk(self, shape: SalesforceShape, reading: PagedReading, cursor: SalesforceCursor) -> Iterator[RecordPage]:
        if shape.has_compound:
            raise TerminalError(
                f"Salesforce's Bulk API does not give the addresses and locations of {self._origin.sobject}: name "
                'their parts (MailingCity) in source.fields, or set source.api = "rest".'
            )
        job = cursor.job or self._client.begin_job(self._soql(shape, reading, cursor, is_ordered=False))
        locator = cursor.locator or None
        compared = reading.compared_versions
        try:
            self._client.wait_for_job(job)
            while True:
                page, following = self._client.job_results(job, locator)
                records, table = read_page(self._obj, shape, page, compared)
                following_cursor = None if following is None else SalesforceCursor(job=job, locator=following)
                yield self._page(shape, reading, records, following_cursor, table)
                if following is None:
                    break
                locator = following
        except SalesforceGoneError as error:
            raise CursorLostError from error
        self._client.remove_job(job)

    def _page(
        self,
        shape: SalesforceShape,
        reading: PagedReading,
        records: Sequence[PagedRecord],
        following: SalesforceCursor | None,
        table: PagedRows | None = None,
    ) -> RecordPage:
        """A page; after the last one of the query comes what was deleted."""
        if following is None and self._has_deleted(shape, reading):
            following = SalesforceCursor(is_deleted=True)
        cursor = None if following is None else msgspec.json.encode(following).decode()
        return RecordPage(records, cursor, clock.now_naive(), table)

    def _has_deleted(self, shape: SalesforceShape, reading: PagedReading) -> bool:
        """Whether deletions are listed: not before anything was read, and only what spans more than a minute."""
        since = reading.since
        return shape.can_list_deleted and since is not None and self._until(reading) - since > 60

    def _deleted(self, reading: PagedReading) -> RecordPage:
        since, until = (
            datetime.fromtimestamp(at_s, UTC).replace(tzinfo=None)
            for at_s in (reading.since or 0.0, self._until(reading))
        )
        start = max(since, until - timedelta(days=SALESFORCE_DELETED_DAYS_MAX) + timedelta(minutes=1))
        answer = self._client.deleted(start, until)
        records = [
            deleted_record(self._obj, str(entry["id"]), str(entry["deletedDate"])) for entry in answer["deletedRecords"]
        ]
        return RecordPage(records, None, clock.now_naive())

    @staticmethod
    def _until(reading: PagedReading) -> float:
        assert reading.until is not None
        return reading.until
