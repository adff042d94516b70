"""The ledger's small lake objects: what a batch covers, what became of it, what the warehouse made of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, TypeVar

import msgspec

from trunkline.accounting import Counts, Drift
from trunkline.errors import TerminalError
from trunkline.positions import REFUSED_SOURCE, REPLAY_SOURCE, Plan
from trunkline.records import Mark

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Letter:
    """A dead letter's index entry: everything but the bytes, which are stored separately."""

    position: str
    payload_hash: str
    reason: str
    detail: str
    length: int
    arrived_at: datetime


@dataclass(frozen=True, slots=True)
class Put:
    """One lake file of a batch."""

    key: str
    rows: int
    partition_date: date


@dataclass(frozen=True, slots=True)
class BatchRecord:
    """A batch whose rows are all in the lake. Its presence is the durability point of the batch.

    `undoes` names the batch that this one undoes; its counts are then negative, and it has no rows.
    """

    batch_id: str
    plan: Plan
    read: int
    filtered: int
    dead_letter: int
    accepted: int
    bytes_read: int
    puts: list[Put]
    letters: list[Letter]
    drift: Drift
    loaded_at: datetime
    code_version: str
    undoes: str | None = None


@dataclass(frozen=True, slots=True)
class MergeRecord:
    """What one warehouse made of a batch."""

    batch_id: str
    counts: Counts
    merged_at: datetime


@dataclass(frozen=True, slots=True)
class KeptBytes:
    """The bytes of one dead letter (first MiB), found again by position and hash, and what its source knew of it."""

    position: str
    payload_hash: str
    payload: bytes
    length: int
    mark: Mark | None = None


@dataclass(frozen=True, slots=True)
class Compaction:
    """A compacted partition file and the files it replaced, which go after a grace time."""

    key: str
    replaced: list[str]
    compacted_at: datetime
    scrubbed: int = 0
    rows: int = field(default=0)


_json = msgspec.json.Encoder(enc_hook=dict)


def encode(record: BatchRecord | MergeRecord | Compaction | Plan) -> bytes:
    """JSON text that people can read."""
    return msgspec.json.format(_json.encode(record), indent=1)


def _decoded(data: bytes, type_: type[T]) -> T:
    try:
        return msgspec.json.decode(data, type=type_)
    except msgspec.DecodeError as error:
        # The text of the error alone does not say where.
        raise TerminalError(
            f"the lake's ledger has an object of {len(data):,} bytes that is no {type_.__name__} ({error}): look below "
            "_ledger/ for what was changed or cut short, and put it back from a backup"
        ) from error


def _decoded_with_ranges(data: bytes, type_: type[T], plan_of: Callable[[Any], Any]) -> T:
    try:
        return msgspec.json.decode(data, type=type_)
    except msgspec.DecodeError:
        pass
    try:
        record = msgspec.json.decode(data)
        plan = plan_of(record)
        plan["ranges"] = [_with_kind(plan["source"], span) for span in plan["ranges"]]
        return msgspec.convert(record, type_)
    except (msgspec.DecodeError, KeyError, TypeError, ValueError):
        return _decoded(data, type_)


def _with_kind(source: str, span: dict[str, Any]) -> dict[str, Any]:
    """A range as versions before kinds wrote it: one form for all sources, the one that files have today.

    Only those that are read again need their own kind. As a file's, another one keeps its batch id and its position.
    """
    if "kind" in span or source not in (REPLAY_SOURCE, REFUSED_SOURCE):
        return {"kind": "file", **span}
    payload_hash, _, attempt = span["version"].partition("#")
    return {
        "kind": "dead_letter",
        "position": span["uri"],
        "payload_hash": payload_hash,
        "attempt": int(attempt),
        "length": span["end"],
        "arrived_at": span["arrived_at"],
    }


def decode_plan(data: bytes) -> Plan:
    """A recorded plan, also one of a version whose ranges had no kind."""
    return _decoded_with_ranges(data, Plan, lambda record: record)


def decode_batch(data: bytes) -> BatchRecord:
    """A batch's accounting, also one of a version whose ranges had no kind."""
    return _decoded_with_ranges(data, BatchRecord, lambda record: record["plan"])


def decode_merge(data: bytes) -> MergeRecord:
    """A merge's accounting."""
    return _decoded(data, MergeRecord)


def decode_compaction(data: bytes) -> Compaction:
    """A compaction."""
    return _decoded(data, Compaction)


def encode_bytes(letters: list[KeptBytes]) -> bytes:
    """Dead letters' bytes, one JSON object a line, the payload in base64."""
    return b"".join(_json.encode(letter) + b"\n" for letter in letters)


def decode_bytes(data: bytes) -> list[KeptBytes]:
    """The inverse of `encode_bytes`."""
    return [_decoded(line, KeptBytes) for line in data.splitlines() if line]
