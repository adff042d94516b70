"""Queues, users, routing profiles and hierarchy groups of an instance: listed whole, described where they changed.

Source: Amazon Connect API reference. A listing has the id of everything that exists and, of most, when it was changed
last. So a run describes what is new or changed alone, at the quota of 2 calls a second. What is stored and no longer
listed is described once more: only where the service does not know it is it deleted. There is no place to continue
from: what a stopped run made durable is stored, and the next run lists again.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, Protocol

import msgspec

from trunkline.limits import LIST_PAGE_MAX
from trunkline.objects.agents.instance_data import LISTING_SOURCE
from trunkline.objects.model import Object
from trunkline.positions import Delivery, Plan
from trunkline.records import Framed, KeptLetter, Mark
from trunkline.sources.connect_api.client import ConnectClient, NotFoundError
from trunkline.sources.files import reader as files
from trunkline.sources.model import DurableBatch, FilesRead, SourceContext

BATCH_DESCRIPTIONS: Final = 100
"""Descriptions in one batch: under a minute of calls, which a run repeats if it was killed."""


@dataclass(frozen=True, slots=True)
class Resource:
    """How the resources of one object are listed and described.

    `listed` is the member of the listing's answer, `parameter` names the id in a description's request, `root` is the
    member of its answer.
    """

    listing: str
    listed: str
    describe: str
    parameter: str
    root: str
    filters: tuple[tuple[str, tuple[str, ...]], ...] = ()


RESOURCES: Final[Mapping[str, Resource]] = {
    # Every user has an agent queue besides, which has no name and is the user's.
    "queue": Resource(
        "ListQueues", "QueueSummaryList", "DescribeQueue", "QueueId", "Queue", (("QueueTypes", ("STANDARD",)),)
    ),
    "agent": Resource("ListUsers", "UserSummaryList", "DescribeUser", "UserId", "User"),
    "routing_profiles": Resource(
        "ListRoutingProfiles",
        "RoutingProfileSummaryList",
        "DescribeRoutingProfile",
        "RoutingProfileId",
        "RoutingProfile",
    ),
    "agent_hierarchy_groups": Resource(
        "ListUserHierarchyGroups",
        "UserHierarchyGroupSummaryList",
        "DescribeUserHierarchyGroup",
        "HierarchyGroupId",
        "HierarchyGroup",
    ),
}
"""By the object's name."""


class StoredResources(Protocol):
    """What the warehouse has of one object and instance."""

    def changed_at(self) -> Mapping[str, datetime | None]:
        """When each resource that is not marked as deleted was changed last (naive UTC), by id."""

    def last_record(self, resource_id: str) -> dict[str, Any]:
        """The record that gives the resource's row again, without direct personal data."""


@dataclass(slots=True)
class ListingTally:
    """What a listing found: how many are listed, described, unchanged, and deleted."""

    listed: int = 0
    described: int = 0
    unchanged: int = 0
    deleted: int = 0


@dataclass(frozen=True, slots=True)
class InstanceListing:
    """What to read: the resources of one object in an instance, by its client."""

    client: ConnectClient
    stored: StoredResources
    tally: ListingTally
    batch_descriptions: int = BATCH_DESCRIPTIONS


class ListingSource:
    """The resources of one object in one instance. Opened without a listing, it reads nothing.

    A record's version is the time at which it was described, so that a later reading replaces an earlier one.
    """

    name = LISTING_SOURCE

    def __init__(self, context: SourceContext, listing: InstanceListing | None = None) -> None:
        self._obj, self._state, self._listing = context.obj, context.state, listing

    def read(self, done: FilesRead) -> Iterator[Framed | None]:
        """What is new, changed or deleted, in batches, each durable before the next one is described."""
        if self._listing is None:
            return
        reading = _Reading(self._listing, self._obj, self._digests(self._listing))
        due = reading.due()
        size = self._listing.batch_descriptions
        for start in range(0, len(due), size):
            framed = reading.frame(due[start : start + size])
            if framed.texts:
                yield framed
                yield None

    def reread(self, plan: Plan) -> Framed | None:
        """None: the API may answer differently now, so it is read again."""
        return None

    def after_durable(self, batches: Sequence[DurableBatch]) -> None:
        """Record what was read of each resource, so that an equal description is not another version."""
        spans = [span for batch in batches for span in batch.plan.ranges if isinstance(span, Delivery)]
        for instance in dict.fromkeys(_parts(span.uri)[0] for span in spans):
            digests = _load(self._state.get("listing", instance, self._obj.name))
            digests |= {_parts(span.uri)[1]: span.digest for span in spans if _parts(span.uri)[0] == instance}
            self._state.put(msgspec.json.encode(digests, order="sorted"), "listing", instance, self._obj.name)

    def revive(self, letter: KeptLetter) -> tuple[str, Mark] | None:
        """The description in the letter."""
        return files.revive(letter)

    def _digests(self, listing: InstanceListing) -> dict[str, str]:
        return _load(self._state.get("listing", listing.client.instance.instance_id, self._obj.name))


def _load(data: bytes | None) -> dict[str, str]:
    return {} if data is None else msgspec.json.decode(data, type=dict[str, str])


def _parts(uri: str) -> tuple[str, str]:
    """Instance and resource id of a position's address."""
    instance, _, resource = uri.removeprefix("connect://").partition("/")
    return instance, resource.partition("/")[2]


@dataclass(frozen=True, slots=True)
class _Described:
    resource_id: str
    text: str
    digest: str
    is_deleted: bool


class _Reading:
    """One run over one instance."""

    def __init__(self, listing: InstanceListing, obj: Object, digests: Mapping[str, str]) -> None:
        self._listing, self._resource, self._object_name = listing, RESOURCES[obj.name], obj.name
        self._names_instance = any(column.path == ("InstanceId",) for column in obj.columns)
        self._stored, self._digests = listing.stored.changed_at(), digests

    def due(self) -> list[str]:
        """Ids to describe: new, changed, without a time of change, or stored and no longer listed."""
        tally, listed = self._listing.tally, dict(self._summaries())
        changed = [i for i, at in listed.items() if i not in self._stored or at is None or at != self._stored[i]]
        missing = [i for i in self._stored if i not in listed]
        tally.listed, tally.unchanged = len(listed), len(listed) - len(changed)
        return changed + missing

    def _summaries(self) -> Iterator[tuple[str, datetime | None]]:
        resource = self._resource
        more: dict[str, str] = {}
        filters = {name: list(values) for name, values in resource.filters}
        while True:
            answer = self._listing.client.call(resource.listing, MaxResults=LIST_PAGE_MAX, **filters, **more)
            for entry in answer.get(resource.listed, ()):
                yield entry["Id"], _time(entry.get("LastModifiedTime"))
            if not answer.get("NextToken"):
                return
            more = {"NextToken": answer["NextToken"]}

    def frame(self, ids: Sequence[str]) -> Framed:
        """One batch: a range of its own for each resource, whose position does not depend on when it was read."""
        instance = self._listing.client.instance.instance_id
        now = datetime.fromtimestamp(self._listing.client.buckets.pace.now_s(), UTC).replace(tzinfo=None)
        described = [entry for i in ids if (entry := self._describe(i)) is not None]
        ranges = tuple(
            Delivery(f"connect://{instance}/{self._object_name}/{entry.resource_id}", entry.digest, 1, now)
            for entry in described
        )
        return Framed(
            Plan(self._object_name, LISTING_SOURCE, ranges),
            [entry.text for entry in described],
            range(len(described)),
            [0] * len(described),
            (),
            sum(len(entry.text) for entry in described),
            [Mark(version=_version(now), is_deleted=entry.is_deleted) for entry in described],
        )

    def _describe(self, resource_id: str) -> _Described | None:
        """The resource as a record; None where nothing is new, or it was deleted before it was stored."""
        client, resource, tally = self._listing.client, self._resource, self._listing.tally
        is_stored, before = resource_id in self._stored, self._digests.get(resource_id, "")
        try:
            answer = client.call(resource.describe, **{resource.parameter: resource_id})
        except NotFoundError:
            if not is_stored:
                return None
            tally.deleted += 1
            text = _text(self._listing.stored.last_record(resource_id))
            return _Described(resource_id, text, _digest(text, before, is_deleted=True), is_deleted=True)
        named = {"InstanceId": client.instance.instance_id} if self._names_instance else {}
        text = _text({resource.root: answer[resource.root], **named})
        digest = _digest(text, before, is_deleted=False)
        if is_stored and digest == before:
            tally.unchanged += 1
            return None
        tally.described += 1
        return _Described(resource_id, text, digest, is_deleted=False)


def _text(record: Mapping[str, Any]) -> str:
    return json.dumps(record, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def _digest(text: str, before: str, is_deleted: bool) -> str:
    """A hash of the description and how often the resource was deleted before, which makes it another batch then."""
    lives = int(before.partition("-")[0] or 0) + before.endswith("-deleted")
    text_hash = hashlib.sha256(text.encode()).hexdigest()[:32]
    return f"{lives}-{text_hash}" + ("-deleted" if is_deleted else "")


def _time(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text).astimezone(UTC).replace(tzinfo=None)


def _version(now: datetime) -> str:
    """The time as the text of a timestamp column, which versions of rows from files have."""
    return now.isoformat(" ").rstrip("0").rstrip(".") if now.microsecond else now.isoformat(" ")
