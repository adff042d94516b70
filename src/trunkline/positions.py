"""Where records come from: ranges of a source, the plan of a batch, and how far a file was read. No I/O.

A range is what one batch covers of one place in a source. Each kind of source has its own type, and all of them have
the same four properties: `identity` (what the batch id is made of), `place` (the text of a position before its offset),
`first` (the first position) and `arrived_at` (naive UTC). In the lake they are a union tagged by `kind`.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeAlias

import msgspec

API_SOURCE = "connect_api"
"""Source of batches that the Connect API gave. Their plans cannot be read again; the collector asks anew."""
REPLAY_SOURCE = "dead_letter"
"""Source of batches that run dead letters again."""
REFUSED_SOURCE = "refused"
"""Source of batches that merge rows again which the warehouse refused."""


class FileRange(msgspec.Struct, frozen=True, tag_field="kind", tag="file"):
    """A half-open span of decoded bytes of one version of one file. A record's offset is that of its first byte.

    `version` changes whenever the file's content may have (ETag and version id, or size and modification time).
    `is_last` means that `end` is the end of the file. `arrived_at` is the file's arrival.
    """

    uri: str
    version: str
    start: int
    end: int
    is_last: bool
    arrived_at: datetime

    @property
    def identity(self) -> list[object]:
        """What the batch id is made of."""
        return [self.uri, self.version, self.start, self.end]

    @property
    def place(self) -> str:
        """The text of a position before its offset."""
        return f"{self.uri}@{self.version}:"

    @property
    def first(self) -> str:
        """The first position."""
        return f"{self.place}{self.start}"


class StreamRange(msgspec.Struct, frozen=True, tag_field="kind", tag="stream"):
    """Records of one shard of a stream, both ends included. A record's offset is its sequence number.

    `uri` names the stream, and the shard where it is known. Sequence numbers are whole, as decimal text: they have up
    to 40 digits. `arrived_at` is the arrival of the newest record.
    """

    uri: str
    first_sequence: str
    last_sequence: str
    arrived_at: datetime

    @property
    def identity(self) -> list[object]:
        """What the batch id is made of."""
        return [self.uri, self.first_sequence, self.last_sequence]

    @property
    def place(self) -> str:
        """The text of a position before its offset."""
        return f"{self.uri}:"

    @property
    def first(self) -> str:
        """The first position."""
        return f"{self.place}{self.first_sequence}"


class ApiWindow(msgspec.Struct, frozen=True, tag_field="kind", tag="window"):
    """A half-open span of time that an API was asked for. A record's offset is the second that it is filed under.

    `version` is a fingerprint of the answer: the same answer is the same batch. `start` and `end` are naive UTC, whole
    seconds.
    """

    uri: str
    version: str
    start: datetime
    end: datetime
    arrived_at: datetime

    @property
    def identity(self) -> list[object]:
        """What the batch id is made of."""
        return [self.uri, self.version, _seconds(self.start), _seconds(self.end)]

    @property
    def place(self) -> str:
        """The text of a position before its offset."""
        # Without the version: a record that is listed again, beside others, keeps its position.
        return f"{self.uri}:"

    @property
    def first(self) -> str:
        """The first position."""
        return f"{self.place}{_seconds(self.start)}"


class Snapshot(msgspec.Struct, frozen=True, tag_field="kind", tag="snapshot"):
    """A page of one reading of a table. A record's offset is its index, from `start` up to `end`, not included.

    `part` and `page` name the page within the reading `uri`. `arrived_at` is when the page was read: a page that is
    read again is another range. `next_key` is what the next page of the part is asked by (JSON text; None: no more).
    """

    uri: str
    part: str
    page: int
    start: int
    end: int
    arrived_at: datetime
    next_key: str | None = None

    @property
    def version(self) -> str:
        """Which page it is, and which reading of it."""
        return f"{self.part}/{self.page}@{self.arrived_at.isoformat()}"

    @property
    def identity(self) -> list[object]:
        """What the batch id is made of."""
        return [self.uri, self.version, self.start, self.end]

    @property
    def place(self) -> str:
        """The text of a position before its offset."""
        return f"{self.uri}@{self.version}:"

    @property
    def first(self) -> str:
        """The first position."""
        return f"{self.place}{self.start}"


class Delivery(msgspec.Struct, frozen=True, tag_field="kind", tag="delivery"):
    """Records that were handed over together and have no position of their own. A record's offset is its index.

    `digest` is a hash of what identifies the records, so that the same delivery again is the same range. `is_retried`:
    the sender repeats the delivery until a function has accounted for it, so the function alone finishes the batch.
    """

    uri: str
    digest: str
    count: int
    arrived_at: datetime
    is_retried: bool = False

    @property
    def identity(self) -> list[object]:
        """What the batch id is made of."""
        return [self.uri, self.digest, 0, self.count]

    @property
    def place(self) -> str:
        """The text of a position before its offset."""
        return f"{self.uri}@{self.digest}:"

    @property
    def first(self) -> str:
        """The first position."""
        return f"{self.place}0"


class LetterRange(msgspec.Struct, frozen=True, tag_field="kind", tag="dead_letter"):
    """One dead letter, or one row that a warehouse refused, that is run again. Its record keeps its position.

    `attempt` counts the replays before this one, so that each is a batch of its own. `length` is in bytes.
    """

    position: str
    payload_hash: str
    attempt: int
    length: int
    arrived_at: datetime

    @property
    def identity(self) -> list[object]:
        """What the batch id is made of."""
        return [self.position, f"{self.payload_hash}#{self.attempt}", 0, self.length]

    @property
    def place(self) -> str:
        """The text of the position before its offset."""
        return self.position[: self.position.rindex(":") + 1]

    @property
    def offset(self) -> int:
        """The offset in the position."""
        return int(self.position[len(self.place) :])

    @property
    def first(self) -> str:
        """The position."""
        return self.position


Range: TypeAlias = FileRange | StreamRange | ApiWindow | Snapshot | Delivery | LetterRange


@dataclass(frozen=True, slots=True)
class Plan:
    """What one batch covers. Recorded before the batch's first put; a retry re-uses it.

    `batch_id` is a function of object, source and ranges alone, never of the clock, so that a retry overwrites
    what the first try put.
    """

    object_name: str
    source: str
    ranges: tuple[Range, ...]

    @property
    def batch_id(self) -> str:
        """32 hexadecimal digits."""
        text = json.dumps(
            [self.object_name, self.source, [span.identity for span in self.ranges]],
            separators=(",", ":"),
        )
        return hashlib.sha256(text.encode()).hexdigest()[:32]


@dataclass(frozen=True, slots=True, order=True)
class Progress:
    """How far one version of one file has been read: everything before `offset` is planned or done. More is greater."""

    offset: int = 0
    is_complete: bool = False


def _seconds(at: datetime) -> int:
    """Whole seconds since 1970 of a naive UTC time."""
    return int(at.replace(tzinfo=UTC).timestamp())
