"""Contacts through the Connect API: listed by window, described where that adds something, in batches for the lake.

`reason_to_describe` decides what adds something. A batch covers whole seconds, so that the next one can begin where it
ended, even in another process.
"""

from __future__ import annotations

import hashlib
from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any, Literal

import msgspec

from trunkline.limits import CONNECT_BATCH_CONTACTS, CONNECT_CALLS_AT_ONCE
from trunkline.objects.model import FIDELITY_API, FIDELITY_STREAM
from trunkline.positions import API_SOURCE, ApiWindow, Plan
from trunkline.records import Framed, Mark
from trunkline.schedules.windows import Window
from trunkline.sources.connect_api.client import ConnectClient, NotFoundError
from trunkline.sources.connect_api.quota import DeadlineError
from trunkline.sources.connect_api.record import ResourceNames, record
from trunkline.sources.connect_api.search import ContactQuery, ListedContact, ReadAhead, pages

Describe = Literal["missing", "all", "never"]


@dataclass(frozen=True, slots=True)
class HeldContact:
    """A contact's row in the warehouse: its fidelity, and whether it is settled, so that the API cannot add to it."""

    fidelity: str
    is_settled: bool


FindHeld = Callable[[Sequence[str]], Mapping[str, HeldContact]]


@dataclass(slots=True)
class CollectTally:
    """Numbers of contacts: listed; skipped because they are held; described, and attributes fetched, by reason.

    `gone` were listed and could no longer be described.
    """

    listed: int = 0
    held: int = 0
    gone: int = 0
    described: Counter[str] = field(default_factory=Counter)
    attributes: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True, slots=True)
class ContactPart:
    """A part of a window: `framed` has its contacts (None where there are none), and `through` is its end.

    `listed` are all contacts that the API lists in it, held or not.
    """

    framed: Framed | None
    through: datetime
    listed: tuple[ListedContact, ...]


@dataclass(frozen=True, slots=True)
class _Row:
    """A listed contact with its record's text, None where a rule skips it."""

    listed: ListedContact
    text: str | None


def reason_to_describe(held: HeldContact | None, describe: Describe) -> str | None:
    """Why DescribeContact would add something to what is held; None where it would not, or must not be called.

    An exported record has all that the API has and more. A row from the API can only gain when after-contact work was
    open at the time it was described.
    """
    if describe == "never":
        return None
    if describe == "all":
        return "all were requested"
    if held is None:
        return "not held"
    if held.fidelity != FIDELITY_STREAM and not held.is_settled:
        return "after-contact work was open"
    return None


class ContactReader:
    """Reads one instance's contacts. `find_held` looks up, page by page, what the warehouse has of them."""

    def __init__(
        self,
        api: ConnectClient,
        names: ResourceNames,
        find_held: FindHeld,
        *,
        object_name: str = "contact_record",
        query: ContactQuery = ContactQuery(),  # noqa: B008 - frozen
        describe: Describe = "missing",
        batch_contacts: int = CONNECT_BATCH_CONTACTS,
    ) -> None:
        self.api, self.names, self.tally = api, names, CollectTally()
        self._find_held, self._query, self._describe = find_held, query, describe
        self._object_name, self._batch_contacts = object_name, batch_contacts
        self._gives_attributes = False
        self._uri = contacts_uri(api.instance.instance_id)
        if query != ContactQuery():
            self._uri += f"/{query.time_type.lower()}"

    def read(self, window: Window) -> Iterator[ContactPart]:
        """The contacts of a window, in parts that tile it from its start on.

        The last part's `through` is the window's end, or an earlier second if the deadline was reached.
        """
        start, buffer, cut = window.start, dict[str, _Row](), window.start
        listing = ReadAhead(pages(self.api, window, self._query), self.api.bucket("SearchContacts"))
        with ThreadPoolExecutor(CONNECT_CALLS_AT_ONCE, thread_name_prefix="connect") as pool:
            try:
                for page in listing:
                    for row in self._rows(
                        [contact for contact in page if contact.at >= start], pool, listing.list_ready
                    ):
                        buffer[row.listed.contact_id] = row
                        cut = row.listed.at
                    if len(buffer) >= self._batch_contacts and cut > start:
                        yield self._part(start, cut, buffer)
                        start = cut
            except DeadlineError:
                # The last contact's second may have more contacts than were read.
                if cut > start:
                    yield self._part(start, cut, buffer)
                return
            finally:
                pool.shutdown(cancel_futures=True)
        yield self._part(start, window.end, buffer)

    def fetch(self, wanted: Mapping[str, datetime]) -> Iterator[ContactPart]:
        """Contacts by id (with the time that they are filed under), each described, to heal a gap.

        A contact that the API no longer knows is in no part, and counted in `tally.gone`. Ends early at the deadline.
        """
        ordered = sorted(wanted.items(), key=lambda item: (item[1], item[0]))
        with ThreadPoolExecutor(CONNECT_CALLS_AT_ONCE, thread_name_prefix="connect") as pool:
            for first in range(0, len(ordered), self._batch_contacts):
                requested = [
                    (ListedContact(contact_id, at, {}), "missing")
                    for contact_id, at in ordered[first:][: self._batch_contacts]
                ]
                rows: list[_Row] = []
                is_over = False
                try:
                    rows.extend(self._described(requested, pool))
                except DeadlineError:
                    is_over = True
                known = [row for row in rows if row.text is not None]
                if known:
                    end = requested[-1][0].at + timedelta(seconds=1)
                    yield self._framed(requested[0][0].at, end, known, f"{self._uri}/by-id")
                if is_over:
                    pool.shutdown(cancel_futures=True)
                    return

    def _rows(
        self, page: Sequence[ListedContact], pool: ThreadPoolExecutor, meanwhile: Callable[[], None]
    ) -> Iterator[_Row]:
        """A page's contacts with their texts, in order. Raises DeadlineError after the last one that could be read."""
        held = self._find_held([contact.contact_id for contact in page])
        reasons = [reason_to_describe(held.get(contact.contact_id), self._describe) for contact in page]
        requested = [(contact, reason) for contact, reason in zip(page, reasons, strict=True) if reason is not None]
        described = self._described(requested, pool, meanwhile)
        for contact, reason in zip(page, reasons, strict=True):
            self.tally.listed += 1
            if reason is not None:
                yield next(described)
            elif contact.contact_id in held:
                self.tally.held += 1
                yield _Row(contact, None)
            else:
                yield _Row(contact, self._text(contact, None, None))

    def _described(
        self,
        requested: Sequence[tuple[ListedContact, str]],
        pool: ThreadPoolExecutor,
        meanwhile: Callable[[], None] = lambda: None,
    ) -> Iterator[_Row]:
        """Contacts from DescribeContact, in order, with several calls at once; `meanwhile` is called between them."""
        waiting = iter(requested)
        sent: deque[tuple[ListedContact, str, Future[dict[str, Any] | None]]] = deque()
        try:
            while True:
                for listed, reason in islice(waiting, CONNECT_CALLS_AT_ONCE - len(sent)):
                    sent.append((listed, reason, pool.submit(self._contact, listed.contact_id)))
                if not sent:
                    return
                meanwhile()
                listed, reason, answer = sent.popleft()
                contact = answer.result()
                if contact is None:
                    self.tally.gone += 1
                    yield _Row(listed, self._text(listed, None, None) if listed.summary else None)
                    continue
                self.tally.described[reason] += 1
                yield _Row(listed, self._text(listed, contact, self._attributes(listed.contact_id, contact)))
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
        """Attributes from their own operation, only if DescribeContact has not returned any so far."""
        if "Attributes" in contact:
            self._gives_attributes = True
        if self._gives_attributes:
            return None
        for initial_id in dict.fromkeys((contact_id, contact.get("InitialContactId") or contact_id)):
            try:
                answer = self.api.call("GetContactAttributes", InitialContactId=initial_id)
            except NotFoundError:
                continue
            self.tally.attributes["DescribeContact gives none"] += 1
            return answer.get("Attributes") or {}
        return None

    def _text(
        self, listed: ListedContact, contact: Mapping[str, Any] | None, attributes: Mapping[str, str] | None
    ) -> str:
        known = {**listed.summary, **(contact or {})}
        self.names.learn(_named(known))
        made = record(listed.summary, contact, attributes, self.api.instance.arn, self.names)
        return msgspec.json.encode(made).decode()

    def _part(self, start: datetime, end: datetime, buffer: dict[str, _Row]) -> ContactPart:
        """Remove what is before `end` from the buffer, as a part."""
        rows = sorted(
            (row for row in buffer.values() if row.listed.at < end),
            key=lambda row: (row.listed.at, row.listed.contact_id),
        )
        for row in rows:
            del buffer[row.listed.contact_id]
        return self._framed(start, end, rows, self._uri)

    def _framed(self, start: datetime, end: datetime, rows: Sequence[_Row], uri: str) -> ContactPart:
        listed = tuple(row.listed for row in rows)
        if not rows:
            return ContactPart(None, end, listed)
        with_text = [(row.listed, row.text) for row in rows if row.text is not None]
        texts = [text for _, text in with_text]
        # Like a file's ETag: the same contacts with the same content are the same batch, anything else is another one.
        answer = msgspec.json.encode([[contact.contact_id for contact in listed], texts])
        version = hashlib.sha256(answer).hexdigest()[:32]
        arrived_at = datetime.fromtimestamp(self.api.buckets.pace.now_s(), UTC).replace(tzinfo=None)
        covered = ApiWindow(uri, version, _naive(start), _naive(end), arrived_at)
        framed = Framed(
            plan=Plan(self._object_name, API_SOURCE, (covered,)),
            texts=texts,
            range_indexes=[0] * len(texts),
            offsets=[_second(contact.at) for contact, _ in with_text],
            broken=(),
            bytes_read=sum(map(len, texts)),
            marks=[Mark(FIDELITY_API)] * len(texts),
            filtered=len(rows) - len(texts),
        )
        return ContactPart(framed, end, listed)


def contacts_uri(instance_id: str) -> str:
    """The `uri` of windows that hold every contact by time of disconnect; others begin with it."""
    return f"connect://{instance_id}/contacts"


def _named(known: Mapping[str, Any]) -> set[tuple[str, str]]:
    """The names that a contact needs: (kind, id)."""
    agent, queue = known.get("AgentInfo") or {}, known.get("QueueInfo") or {}
    groups = (agent.get("HierarchyGroups") or {}).values()
    needed = {("group", arn.rpartition("/")[2]) for group in groups if (arn := (group or {}).get("Arn"))}
    return needed | {(kind, part["Id"]) for kind, part in (("queue", queue), ("user", agent)) if part.get("Id")}


def _naive(at: datetime) -> datetime:
    """Whole seconds, UTC without zone."""
    return at.astimezone(UTC).replace(tzinfo=None, microsecond=0)


def _second(at: datetime) -> int:
    return int(at.timestamp())
