"""Contacts through the Connect API: what a window lists, described where that adds something, in batches for the lake.

What adds something is said by `reason_to_describe`, and counted. A batch covers whole seconds, so that the next one can
begin where it ended whatever became of the process in between.
"""

from __future__ import annotations

import hashlib
from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any, Final, Literal

import msgspec

from trunkline.limits import CONNECT_BATCH_CONTACTS, CONNECT_CALLS_AT_ONCE
from trunkline.objects.model import FIDELITY_API, FIDELITY_STREAM
from trunkline.positions import API_SOURCE, FileRange, Plan
from trunkline.records import Framed, Mark
from trunkline.schedules.windows import Window
from trunkline.sources.connect_api.client import ConnectClient, DeadlineError, NotFoundError
from trunkline.sources.connect_api.record import ResourceNames, record
from trunkline.sources.connect_api.search import ContactQuery, ListedContact, ReadAhead, pages

Describe = Literal["missing", "all", "never"]
OBJECT: Final = "contact_record"


@dataclass(frozen=True, slots=True)
class HeldContact:
    """What the warehouse has of a contact: its row's fidelity, and whether the API could still add to it."""

    fidelity: str
    is_settled: bool


FindHeld = Callable[[Sequence[str]], Mapping[str, HeldContact]]


@dataclass(slots=True)
class CollectTally:
    """What was done, in contacts: listed; left out because they are held; described, asked for attributes (by reason).

    `gone` were listed and could not be described any more.
    """

    listed: int = 0
    held: int = 0
    gone: int = 0
    described: Counter[str] = field(default_factory=Counter)
    attributes: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True, slots=True)
class ContactPart:
    """A stretch of a window, read: `framed` holds its contacts (None where there are none), and `through` is its end.

    `listed` are all contacts that the API lists in it, held or not: what a ledger may take as seen.
    """

    framed: Framed | None
    through: datetime
    listed: tuple[ListedContact, ...]


@dataclass(frozen=True, slots=True)
class _Row:
    """A listed contact with its text, or None where a rule leaves it out."""

    listed: ListedContact
    text: str | None


def reason_to_describe(held: HeldContact | None, describe: Describe) -> str | None:
    """Why DescribeContact would add something to what is held; None where it would not, or must not be asked.

    An exported record has all that the API has and more. A row from the API can only gain while after contact work was
    open when it was described.
    """
    if describe == "never":
        return None
    if describe == "all":
        return "all were asked for"
    if held is None:
        return "not held"
    if held.fidelity != FIDELITY_STREAM and not held.is_settled:
        return "after contact work was open"
    return None


class ContactReader:
    """One instance's contacts. `held` is asked page by page what the warehouse has of them."""

    def __init__(
        self,
        api: ConnectClient,
        names: ResourceNames,
        held: FindHeld,
        *,
        query: ContactQuery = ContactQuery(),  # noqa: B008 - frozen
        describe: Describe = "missing",
        batch_contacts: int = CONNECT_BATCH_CONTACTS,
    ) -> None:
        self.api, self.names, self.tally = api, names, CollectTally()
        self._held, self._query, self._describe, self._batch_contacts = held, query, describe, batch_contacts
        self._gives_attributes = False

    def read(self, window: Window) -> Iterator[ContactPart]:
        """The contacts of a window, in parts that tile it from its start on.

        The last part's `through` is the window's end, or an earlier second where the deadline came first.
        """
        start, buffer, cut = window.start, dict[str, _Row](), window.start
        listing = ReadAhead(pages(self.api, window, self._query), self.api.bucket("SearchContacts"))
        with ThreadPoolExecutor(CONNECT_CALLS_AT_ONCE, thread_name_prefix="connect") as pool:
            try:
                for page in listing:
                    for row in self._rows([one for one in page if one.at >= start], pool, listing.list_ready):
                        buffer[row.listed.contact_id] = row
                        cut = row.listed.at
                    if len(buffer) >= self._batch_contacts and cut > start:
                        yield self._part(start, cut, buffer)
                        start = cut
            except DeadlineError:
                # The second of the last contact may have more contacts than were read.
                if cut > start:
                    yield self._part(start, cut, buffer)
                return
            finally:
                pool.shutdown(cancel_futures=True)
        yield self._part(start, window.end, buffer)

    def fetch(self, wanted: Mapping[str, datetime]) -> Iterator[ContactPart]:
        """Contacts by id (with the time that they are filed under), each described: what heals a gap.

        One that the API does not know any more is in no part, and counted in `tally.gone`. Ends early at the deadline.
        """
        ordered = sorted(wanted.items(), key=lambda one: (one[1], one[0]))
        with ThreadPoolExecutor(CONNECT_CALLS_AT_ONCE, thread_name_prefix="connect") as pool:
            for first in range(0, len(ordered), self._batch_contacts):
                asked = [
                    (ListedContact(contact_id, at, {}), "missing")
                    for contact_id, at in ordered[first:][: self._batch_contacts]
                ]
                rows: list[_Row] = []
                is_over = False
                try:
                    rows.extend(self._described(asked, pool))
                except DeadlineError:
                    is_over = True
                found = [row for row in rows if row.text is not None]
                if found:
                    yield self._whole(asked[0][0].at, asked[-1][0].at + timedelta(seconds=1), found)
                if is_over:
                    pool.shutdown(cancel_futures=True)
                    return

    def _rows(
        self, page: Sequence[ListedContact], pool: ThreadPoolExecutor, meanwhile: Callable[[], None]
    ) -> Iterator[_Row]:
        """A page's contacts with their texts, in order. Raises DeadlineError behind the last that could be had."""
        held = self._held([one.contact_id for one in page])
        asked = [(one, reason_to_describe(held.get(one.contact_id), self._describe)) for one in page]
        described = self._described([(one, reason) for one, reason in asked if reason is not None], pool, meanwhile)
        for one, reason in asked:
            self.tally.listed += 1
            if reason is not None:
                yield next(described)
            elif one.contact_id in held:
                self.tally.held += 1
                yield _Row(one, None)
            else:
                yield _Row(one, self._text(one, None, None))

    def _described(
        self,
        asked: Sequence[tuple[ListedContact, str]],
        pool: ThreadPoolExecutor,
        meanwhile: Callable[[], None] = lambda: None,
    ) -> Iterator[_Row]:
        """Contacts as DescribeContact has them, in order, several calls at once; `meanwhile` is called between them."""
        waiting = iter(asked)
        sent: deque[tuple[ListedContact, str, Future[dict[str, Any] | None]]] = deque()
        try:
            while True:
                for one, reason in islice(waiting, CONNECT_CALLS_AT_ONCE - len(sent)):
                    sent.append((one, reason, pool.submit(self._contact, one.contact_id)))
                if not sent:
                    return
                meanwhile()
                one, reason, answer = sent.popleft()
                contact = answer.result()
                if contact is None:
                    self.tally.gone += 1
                    yield _Row(one, self._text(one, None, None) if one.summary else None)
                    continue
                self.tally.described[reason] += 1
                yield _Row(one, self._text(one, contact, self._attributes(one.contact_id, contact)))
        finally:
            for _, _, answer in sent:
                answer.cancel()

    def _contact(self, contact_id: str) -> dict[str, Any] | None:
        try:
            contact: dict[str, Any] = self.api.call("DescribeContact", ContactId=contact_id)["Contact"]
        except NotFoundError:
            return None
        return contact

    def _attributes(self, contact_id: str, contact: Mapping[str, Any]) -> dict[str, str] | None:
        """Attributes from their own operation, only where DescribeContact has never given any to us."""
        if "Attributes" in contact:
            self._gives_attributes = True
        if self._gives_attributes:
            return None
        for known_as in dict.fromkeys((contact_id, contact.get("InitialContactId") or contact_id)):
            try:
                answer = self.api.call("GetContactAttributes", InitialContactId=known_as)
            except NotFoundError:
                continue
            self.tally.attributes["DescribeContact gives none"] += 1
            return answer.get("Attributes") or {}
        return None

    def _text(self, one: ListedContact, contact: Mapping[str, Any] | None, attributes: Mapping[str, str] | None) -> str:
        known = {**one.summary, **(contact or {})}
        self.names.learn(_named(known))
        made = record(one.summary, contact, attributes, self.api.instance.arn, self.names)
        return msgspec.json.encode(made).decode()

    def _part(self, start: datetime, end: datetime, buffer: dict[str, _Row]) -> ContactPart:
        """What lies before `end`, taken out of the buffer."""
        rows = sorted(
            (row for row in buffer.values() if row.listed.at < end),
            key=lambda row: (row.listed.at, row.listed.contact_id),
        )
        for row in rows:
            del buffer[row.listed.contact_id]
        return self._whole(start, end, rows)

    def _whole(self, start: datetime, end: datetime, rows: Sequence[_Row]) -> ContactPart:
        listed = tuple(row.listed for row in rows)
        if not rows:
            return ContactPart(None, end, listed)
        with_text = [(row.listed, row.text) for row in rows if row.text is not None]
        texts = [text for _, text in with_text]
        # Like a file's ETag: what is listed and said again the same is the same batch, anything else another one.
        version = hashlib.sha256(msgspec.json.encode([[one.contact_id for one in listed], texts])).hexdigest()[:32]
        arrived_at = datetime.fromtimestamp(self.api.buckets.pace.now_s(), UTC).replace(tzinfo=None)
        uri = f"connect://{self.api.instance.instance_id}/contacts"
        covered = FileRange(uri, version, _second(start), _second(end), True, arrived_at)
        framed = Framed(
            plan=Plan(OBJECT, API_SOURCE, (covered,)),
            texts=texts,
            range_indexes=[0] * len(texts),
            offsets=[_second(one.at) for one, _ in with_text],
            broken=(),
            bytes_read=sum(map(len, texts)),
            marks=[Mark(FIDELITY_API)] * len(texts),
            filtered=len(rows) - len(texts),
        )
        return ContactPart(framed, end, listed)


def _named(known: Mapping[str, Any]) -> set[tuple[str, str]]:
    """Which names a contact needs: (kind, id)."""
    agent, queue = known.get("AgentInfo") or {}, known.get("QueueInfo") or {}
    groups = (agent.get("HierarchyGroups") or {}).values()
    wanted = {("group", arn.rpartition("/")[2]) for group in groups if (arn := (group or {}).get("Arn"))}
    return wanted | {(kind, part["Id"]) for kind, part in (("queue", queue), ("user", agent)) if part.get("Id")}


def _second(at: datetime) -> int:
    return int(at.timestamp())
