"""Framed records as a source hands them to flatten, and records that were set aside or refused. No I/O."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import overload

from trunkline.limits import DEAD_LETTER_BYTES_MAX
from trunkline.positions import Plan


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
    its text then holds the key, and what else is known of the last row. `changes`: keys of the text whose value does
    not fit its column, each with what the drift says of it; an empty key is of no value in particular.
    """

    fidelity: str = "stream"
    version: str | None = None
    is_deleted: bool = False
    changes: tuple[tuple[str, str], ...] = ()


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
class RowLayout:
    """How texts are rows of a table, as CSV has them. `names` are its columns, in order.

    `header` is the file's header row; empty where it has none and the names are declared. `quote` empty: no value is
    quoted. A quotation mark in a quoted value is written twice. Values of the columns `left_out` are no part of the
    record; those of `numbers` are JSON numbers where they can be.
    """

    names: tuple[str, ...]
    separator: str = ","
    quote: str = '"'
    header: bytes = b""
    left_out: frozenset[str] = frozenset()
    numbers: frozenset[str] = frozenset()

    def with_header(self, row: bytes) -> bytes:
        """A row after its header, so that it can be read without its file."""
        return self.header + b"\n" + row if self.header else row


@dataclass(frozen=True, slots=True)
class ReceivedRecord:
    """One record as a stream or a queue delivered it, before anything is known of its content.

    `uri` names the stream and the shard, or the queue. `sequence` is unique within it: a sequence number (decimal
    digits, compared as a number) or a message id. `arrived_at` is naive UTC.
    """

    uri: str
    sequence: str
    data: bytes
    arrived_at: datetime


@dataclass(frozen=True, slots=True)
class Framed:
    """One batch as a source hands it to flatten: well-formed JSON objects with positions, and broken spans.

    `texts[i]` is strict JSON (RFC 8259), an object, valid UTF-8, found at byte `offsets[i]` of
    `plan.ranges[range_indexes[i]]`. `bytes_read` counts decoded bytes. `marks[i]` belongs to `texts[i]`; None: every
    record has the default mark. `filtered` counts records that a stated rule left out; they have no text. With a
    `layout` the texts are no JSON but rows of a table, valid UTF-8 or not.
    """

    plan: Plan
    texts: Sequence[str]
    range_indexes: Sequence[int]
    offsets: Sequence[int]
    broken: Sequence[Broken]
    bytes_read: int
    marks: Sequence[Mark] | None = None
    filtered: int = 0
    layout: RowLayout | None = None

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
class KeptLetter:
    """A dead letter with its bytes (first MiB), what its source knew of it, and which source that was.

    `position` and `payload_hash` are its identity; `length` is the whole length in bytes.
    """

    position: str
    payload_hash: str
    payload: bytes
    length: int
    reason: str
    detail: str
    arrived_at: datetime
    source: str
    mark: Mark | None = None

    @property
    def is_whole(self) -> bool:
        """Whether all of its bytes were kept."""
        return self.length <= DEAD_LETTER_BYTES_MAX

    @property
    def uri(self) -> str:
        """Where its bytes came from: what stands before the version in its position."""
        return self.position.rpartition("@")[0]


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
