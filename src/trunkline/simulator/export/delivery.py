"""The versions of a contact's record that Connect writes, when each reaches the stream, and the files of Firehose.

Firehose writes records back to back with no separator, by default under `YYYY/MM/DD/HH/` of the UTC arrival of the
oldest record in its buffer (https://docs.aws.amazon.com/firehose/latest/dev/basic-deliver.html).

Faults are broken copies of records, and valid records with unexpected fields. Every broken piece is one span for a
reader that resumes at the next record: no piece contains a newline or a nested object with its own ContactId.
"""

from __future__ import annotations

import copy
import gzip
import os
import random
import time
import zlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import msgspec

from trunkline.simulator.centre.centre import Contact, uuid_of
from trunkline.simulator.spec import DAY_S, Faults, Spec

_PROVISIONAL = 0.012
_NO_QUEUE_TIME = 0.002  # Amazon warns that Queue.Duration can be missing although EnqueueTimestamp is there
_NIGHTLY_S = 2 * 3600 + 600  # the CRM writes attributes back every night at 02:10 UTC
_REVIEW_S = 15 * 3600  # evaluators work from 15:00 UTC
_REDACTION_S = 3 * DAY_S + 3 * 3600


@dataclass(frozen=True, slots=True)
class Version:
    """One state of a record. `level` counts the versions of a contact from 0; attributes depend on it.

    `updated_at` is LastUpdateTimestamp, `written_at` when Connect puts the record on the stream. A version that
    lacks after contact work is always followed by a complete one; a version that lacks queue time usually is.
    """

    level: int
    updated_at: int
    written_at: int
    has_evaluation: bool = False
    has_crm: bool = False
    is_recording_ready: bool = False
    is_redacted: bool = False
    lacks_after_contact_work: bool = False
    lacks_queue_time: bool = False

    @property
    def rank(self) -> tuple[int, bool]:
        """The greatest rank wins. Versions that tie differ only in attributes, which no metric reads."""
        return self.updated_at, self.is_redacted


def versions(contact: Contact, spec: Spec, rng: random.Random) -> list[Version]:
    """All versions of a contact's record, at least one, in the order Connect writes them."""
    assert contact.completed_at is not None
    done_at = contact.completed_at + rng.randrange(35, 95)
    first = Version(0, done_at, done_at, lacks_queue_time=rng.random() < _NO_QUEUE_TIME)
    result = [first]
    if rng.random() < _PROVISIONAL and contact.agent is not None:
        lacks_queue = contact.enqueued_at is not None and rng.random() < 0.5
        lacking = {"lacks_queue_time": True} if lacks_queue else {"lacks_after_contact_work": True}
        result[0] = replace(first, **lacking)
        _append(result, _later(first, done_at + rng.randrange(60, 600)))
    if rng.random() < spec.redelivered:
        _append(result, _redelivery(contact, result[-1], rng))
    if rng.random() < spec.same_second:
        _append(result, result[-1])
    if rng.random() < spec.redacted and contact.channel in ("VOICE", "EMAIL") and contact.subtype != "connect:WebRTC":
        # Half of the redactions have the timestamp of the version they redact: only the missing fields differ.
        last = result[-1]
        written_at = max(last.written_at, _midnight(contact) + _REDACTION_S + rng.randrange(240))
        updated_at = last.updated_at if rng.random() < 0.5 else written_at
        _append(result, replace(last, updated_at=updated_at, written_at=written_at, is_redacted=True))
    return result


def _redelivery(contact: Contact, last: Version, rng: random.Random) -> Version:
    """A later version: recording ready, attributes changed (soon or by the nightly job), or contact evaluated."""
    kind = rng.random()
    if kind < 0.45 and contact.agent is not None:
        return _later(last, last.updated_at + rng.randrange(60, 1800), is_recording_ready=True)
    if kind < 0.65:
        return _later(last, last.updated_at + rng.randrange(120, 7200), has_crm=True)
    if kind < 0.85 or contact.agent is None:
        return _later(last, _midnight(contact) + DAY_S + _NIGHTLY_S + rng.randrange(240), has_crm=True)
    review = _midnight(contact) + rng.choice((1, 2)) * DAY_S + _REVIEW_S + rng.randrange(7200)
    return _later(last, review, has_evaluation=True, is_recording_ready=True)


def _later(last: Version, when: int, **changes: bool) -> Version:
    return replace(last, updated_at=when, written_at=when, **changes)


def _midnight(contact: Contact) -> int:
    """The start of the UTC day on which the contact was completed."""
    assert contact.completed_at is not None
    return contact.completed_at - contact.completed_at % DAY_S


def _append(result: list[Version], version: Version) -> None:
    result.append(replace(version, level=len(result)))


def winner(versions_of_contact: list[Version]) -> Version:
    """The version that a table must contain in the end (any of those that tie)."""
    return max(versions_of_contact, key=lambda version: version.rank)


@dataclass(frozen=True, slots=True)
class DeliveredRecord:
    """One record on the stream. `is_copy`: the same bytes were delivered before. `is_winner`: the winning version."""

    arrives_at: int
    contact: Contact
    version: Version
    is_copy: bool
    is_winner: bool


def schedule(contacts: list[Contact], spec: Spec) -> list[DeliveredRecord]:
    """All deliveries in the order in which they reach the stream. A copy may overtake a newer version."""
    rng = random.Random(f"delivery {spec.seed}")
    reorder = spec.faults.reorder
    result: list[DeliveredRecord] = []
    for contact in contacts:
        versions_of_contact = versions(contact, spec, rng)
        best = winner(versions_of_contact)
        arrives_at = 0
        for version in versions_of_contact:
            arrives_at = max(arrives_at, version.written_at + rng.randrange(5, 45))
            late_s = rng.randrange(60, 3600) if rng.random() < reorder else 0
            result.append(DeliveredRecord(arrives_at + late_s, contact, version, False, version is best))
            if rng.random() < spec.duplicated:
                again_s = rng.randrange(1, 120) if rng.random() < 0.7 else rng.randrange(120, 10_800)
                result.append(DeliveredRecord(arrives_at + late_s + again_s, contact, version, True, False))
    # Stable: what arrives in the same second keeps its order.
    result.sort(key=lambda delivery: delivery.arrives_at)
    _swap(result, reorder, rng)
    return result


def _swap(deliveries: list[DeliveredRecord], rate: float, rng: random.Random) -> None:
    """Swap neighbours at that rate; they usually stay in one file."""
    if rate:
        for position in range(len(deliveries) - 1):
            if rng.random() < rate:
                pair = deliveries[position : position + 2]
                deliveries[position : position + 2] = pair[::-1]


class Firehose:
    """Buffers records and writes a file when the size or age limit is reached, whichever comes first."""

    def __init__(self, folder: Path, spec: Spec) -> None:
        self.files: list[Path] = []
        self.bytes_out = 0
        self._folder = folder
        self._spec = spec
        self._rng = random.Random(f"firehose {spec.seed}")
        self._parts: list[bytes] = []
        self._size = 0
        self._opened_at = 0
        self._clock = 0

    def put(self, second: int, text: bytes) -> None:
        """Add a record (or a broken piece) that arrives at that Unix second."""
        self._clock = max(self._clock, second)
        if self._parts and self._clock >= self._opened_at + self._spec.file_age_s_max:
            self._flush(self._opened_at + self._spec.file_age_s_max)
        if not self._parts:
            self._opened_at = self._clock
        self._parts.append(text)
        self._size += len(text)
        if self._size >= self._spec.file_bytes_max:
            self._flush(self._clock)

    def close(self) -> None:
        """Write the remaining records."""
        if self._parts:
            self._flush(self._opened_at + self._spec.file_age_s_max)

    def _flush(self, second: int) -> None:
        """Write the buffer to a file with the modification time `second`."""
        text = b"".join(self._parts)
        self._parts, self._size = [], 0
        opened = time.gmtime(self._opened_at)
        name = f"{self._spec.stream}-1-{time.strftime('%Y-%m-%d-%H-%M-%S', opened)}-{uuid_of(self._rng)}"
        folder = self._folder / time.strftime("%Y/%m/%d/%H", opened)
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / (name + ".gz" if self._spec.is_gzip else name)
        # No time in the gzip header: the same spec gives the same bytes.
        path.write_bytes(gzip.compress(text, 6, mtime=0) if self._spec.is_gzip else text)
        os.utime(path, (second, second))
        self.files.append(path)
        self.bytes_out += len(text)


Record = dict[str, Any]
_encode = msgspec.json.encode


def pick_fault(faults: Faults, rng: random.Random) -> str | None:
    """The kind of broken copy that follows a delivery, or None."""
    point = rng.random()
    for kind, rate in faults.broken.items():
        point -= rate
        if point < 0.0:
            return kind
    return None


def break_record(kind: str, record: Record, rng: random.Random) -> bytes:
    """Bytes made from `record` that no reader can parse into a contact."""
    return _KINDS[kind](copy.deepcopy(record), rng)


def _poison(record: Record, rng: random.Random) -> bytes:
    text = _encode(record)
    # Different for every version, so that no two pieces are equal.
    name = f"{record['ContactId']}/{zlib.crc32(text):08x}"
    pieces: tuple[Callable[[], bytes], ...] = (
        lambda: text[:-1] + b",}",
        lambda: text[:-1] + b',"Score":NaN}',
        lambda: text[:-1] + b',"Note":"\xff\xfe"}',
        lambda: text[:-1] + b',"Channel":"VOICE"}',
        lambda: text[:-1] + b',"Deep":' + b"[" * 300 + b"]" * 300 + b"}",
        lambda: text.replace(b'"ContactId":', b"'ContactId':", 1),
        f"<html>502 Bad Gateway, request {name}</html>".encode,
        lambda: b"\x00\x00\x00" + name.encode() + b"\x00",
        f'"record {name} was too large"'.encode,
    )
    return pieces[rng.randrange(len(pieces))]()


def _truncation(record: Record, rng: random.Random) -> bytes:
    """Cut the record anywhere: in a string, between tokens, or within a multi-byte character."""
    text = _encode(record)
    return text[: rng.randrange(60, len(text) - 2)]


def _implausible_time(record: Record, rng: random.Random) -> bytes:
    name, value = rng.choice(
        (
            ("LastUpdateTimestamp", "9999-12-31T23:59:59Z"),
            ("LastUpdateTimestamp", "2031-01-01T00:00:00Z"),
            ("InitiationTimestamp", "0001-01-01T00:00:00Z"),
            ("InitiationTimestamp", "1970-01-01T00:00:00Z"),
            ("InitiationTimestamp", "2038-01-19T03:14:08Z"),
        )
    )
    record[name] = value
    return _encode(record)


def _missing_contact_id(record: Record, rng: random.Random) -> bytes:
    if rng.random() < 0.5:
        del record["ContactId"]
    else:
        record["ContactId"] = None
    return _encode(record)


def _wrong_type(record: Record, rng: random.Random) -> bytes:
    name, value = rng.choice(
        (
            ("LastUpdateTimestamp", 17),
            ("LastUpdateTimestamp", "just now"),
            ("LastUpdateTimestamp", ["2026"]),
            ("InitiationTimestamp", "yesterday"),
            ("InitiationTimestamp", {"Seconds": 1}),
            ("InitiationTimestamp", False),
        )
    )
    record[name] = value
    return _encode(record)


_KINDS: dict[str, Callable[[Record, random.Random], bytes]] = {
    "poison": _poison,
    "truncation": _truncation,
    "implausible_time": _implausible_time,
    "missing_contact_id": _missing_contact_id,
    "wrong_type": _wrong_type,
}


def add_drift(record: Record, faults: Faults, rng: random.Random) -> list[str]:
    """Add unexpected fields to a record that stays valid. Returns the kinds applied.

    The same version must get an `rng` of the same state.
    """
    applied = []
    if rng.random() < faults.unknown_fields:
        applied.append("unknown_fields")
        if rng.random() < 0.5:
            record["ConversationSummary"] = {"Text": "Neues Feld", "Tokens": [1, 2.5, None]}
        else:
            record["ForecastGroup"] = "north"
        for name in ("Agent", "Queue"):
            if record[name] is not None:
                record[name]["WorkloadScore"] = 3
    if rng.random() < faults.case_clash:
        applied.append("case_clash")
        record["channel"] = "voice"
        record["Attributes"]["customertier"] = "other"
        if record["Queue"] is not None:
            record["Queue"]["name"] = "shadow"
    return applied
