"""What stages hand to each other: positions, plans, framed records and the counts of a batch. Leaves, no I/O."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import overload

API_SOURCE = "connect_api"
"""Source of batches that the Connect API gave. A plan of it cannot be read again; the collector asks anew."""
REPLAY_SOURCE = "dead_letter"
"""Source of batches that run dead letters again. The `uri` of their ranges is the dead letter's position."""
REFUSED_SOURCE = "refused"
"""Source of batches that merge rows again which the warehouse refused; their ranges are written alike."""


@dataclass(frozen=True, slots=True)
class Range:
    """A half-open span of decoded bytes of one version of one file.

    `version` changes whenever the file's content may have (ETag and version id, or size and modification time).
    `is_last` means that `end` is the end of the file. `arrived_at` is the file's arrival (naive UTC).
    """

    uri: str
    version: str
    start: int
    end: int
    is_last: bool
    arrived_at: datetime


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
            [self.object_name, self.source, [[r.uri, r.version, r.start, r.end] for r in self.ranges]],
            separators=(",", ":"),
        )
        return hashlib.sha256(text.encode()).hexdigest()[:32]


@dataclass(frozen=True, slots=True)
class Broken:
    """A span of source bytes that no record can be made of.

    `payload` is the span's first MiB, `length` its whole length in bytes, `reason` one of
    `limits.DEAD_LETTER_REASONS`, `detail` a sentence for people without any value of the record.
    """

    range_index: int
    offset: int
    payload: bytes
    length: int
    reason: str
    detail: str


@dataclass(frozen=True, slots=True)
class Mark:
    """What a source knows of a record beside its text.

    `fidelity` is one of those in `objects/record_columns.py`. `version` is text that sorts like the versions of the
    record's key; None: the text of the object's version column. `is_deleted`: the record says that its key is gone;
    its text then holds the key, and what else is known of the last row.
    """

    fidelity: str = "stream"
    version: str | None = None
    is_deleted: bool = False


class Texts(Sequence[str]):
    """Texts held as the UTF-8 bytes they came in; each is decoded when it is looked at."""

    __slots__ = ("records",)

    def __init__(self, records: Iterable[bytes] = ()) -> None:
        self.records = list(records)

    def __len__(self) -> int:
        return len(self.records)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Texts) and self.records == other.records

    __hash__ = None  # type: ignore[assignment]

    @overload
    def __getitem__(self, index: int) -> str: ...
    @overload
    def __getitem__(self, index: slice) -> Texts: ...
    def __getitem__(self, index: int | slice) -> str | Texts:
        return Texts(self.records[index]) if isinstance(index, slice) else self.records[index].decode()


@dataclass(frozen=True, slots=True)
class Framed:
    """One batch as a source hands it to flatten: well-formed JSON objects with positions, and broken spans.

    `texts[i]` is strict JSON (RFC 8259), an object, valid UTF-8, found at byte `offsets[i]` of
    `plan.ranges[range_indexes[i]]`. `bytes_read` counts decoded bytes. `marks[i]` belongs to `texts[i]`; None: every
    record has the default mark. `filtered` counts records that a stated rule left out; they have no text.
    """

    plan: Plan
    texts: Sequence[str]
    range_indexes: Sequence[int]
    offsets: Sequence[int]
    broken: Sequence[Broken]
    bytes_read: int
    marks: Sequence[Mark] | None = None
    filtered: int = 0

    @property
    def read(self) -> int:
        """Source records in this batch: objects, broken spans and what a rule left out."""
        return len(self.texts) + len(self.broken) + self.filtered


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A record set aside whole: where it was, why, and its bytes (first MiB). Identity is (position, payload hash).

    `detail` is for people and holds no value of the record. `length` is the whole length in bytes.
    """

    object_name: str
    position: str
    payload_hash: str
    reason: str
    detail: str
    payload: bytes
    length: int
    arrived_at: datetime


@dataclass(frozen=True, slots=True)
class Refused:
    """A row of the lake that a target refuses: a dead letter of that target alone. The lake keeps the row.

    `position` is where its source bytes are, `row_hash` its `record_hash`; `detail` names the column and the limit,
    never the value; `length` is that of the value in bytes.
    """

    batch_id: str
    position: str
    row_hash: str
    reason: str
    detail: str
    length: int
    arrived_at: datetime


@dataclass(frozen=True, slots=True)
class Drift:
    """How the records of a batch differ from what the catalogue expects. Counts are in records.

    `keys` counts known keys by dotted path; `unknown` keys the catalogue lacks; `case_clash` unknown keys that
    differ from another only in case; `type_changes` values of another JSON type, by path and the type seen.
    """

    records: int = 0
    keys: Mapping[str, int] = field(default_factory=dict)
    unknown: Mapping[str, int] = field(default_factory=dict)
    case_clash: Mapping[str, int] = field(default_factory=dict)
    type_changes: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Counts:
    """The accounting of a batch, in source records.

    read = accepted + filtered + dead_letter, and for a target
    accepted = inserted + updated + deleted + superseded + duplicate + rejected.
    """

    read: int = 0
    filtered: int = 0
    dead_letter: int = 0
    inserted: int = 0
    updated: int = 0
    deleted: int = 0
    superseded: int = 0
    duplicate: int = 0
    rejected: int = 0

    def __add__(self, other: Counts) -> Counts:
        mine, theirs = asdict(self), asdict(other)
        return Counts(**{name: mine[name] + theirs[name] for name in mine})

    @property
    def accepted(self) -> int:
        """Records that reached the lake."""
        return self.read - self.filtered - self.dead_letter

    @property
    def is_balanced(self) -> bool:
        """Whether every record is accounted for."""
        return self.accepted == (
            self.inserted + self.updated + self.deleted + self.superseded + self.duplicate + self.rejected
        )

    def sentence(self) -> str:
        """The accounting line: `12,431 records read = 10,000 inserted + 1,902 updated + ...`.

        Inserted is always named; other terms only when above zero.
        """
        shown = [
            (self.inserted, "inserted"),
            (self.updated, "updated"),
            (self.deleted, "deleted"),
            (self.duplicate, "duplicate" if self.duplicate == 1 else "duplicates"),
            (self.superseded, "superseded"),
            (self.rejected, "rejected"),
            (self.filtered, "filtered"),
            (self.dead_letter, "set aside"),
        ]
        terms = [f"{n:,} {word}" for n, word in shown if n or word == "inserted"]
        noun = "record" if self.read == 1 else "records"
        return f"{self.read:,} {noun} read = " + " + ".join(terms)


def total(counts: Iterable[Counts]) -> Counts:
    """The sum of many batches' counts."""
    result = Counts()
    for one in counts:
        result = result + one
    return result


@dataclass(frozen=True, slots=True, order=True)
class Progress:
    """How far one version of one file has been read: everything before `offset` is planned or done. More is greater."""

    offset: int = 0
    is_complete: bool = False
