"""Dead letters of a batch: broken spans and refused records, each with its position, its bytes and the reason."""

from __future__ import annotations

import hashlib

from trunkline.errors import RecordError
from trunkline.limits import DEAD_LETTER_BYTES_MAX
from trunkline.objects.model import Object
from trunkline.positions import REPLAY_SOURCE
from trunkline.records import Broken, DeadLetter, Framed


def broken_letter(obj: Object, framed: Framed, broken: Broken) -> DeadLetter:
    """The dead letter of a span that is not a record."""
    position = f"{place(framed, broken.range_index)}{broken.offset}"
    arrived_at = framed.plan.ranges[broken.range_index].arrived_at
    return DeadLetter(
        obj.name, position, _identity(framed, broken.range_index, broken.payload, broken.length),
        broken.reason, broken.detail, broken.payload, broken.length, arrived_at,
    )  # fmt: skip


def record_letter(obj: Object, framed: Framed, row: int, error: RecordError) -> DeadLetter:
    """The dead letter of a record that cannot be a row."""
    data = framed.texts[row].encode()
    index = framed.range_indexes[row]
    return DeadLetter(
        obj.name, f"{place(framed, index)}{framed.offsets[row]}",
        _identity(framed, index, data[:DEAD_LETTER_BYTES_MAX], len(data)), error.code, str(error),
        data[:DEAD_LETTER_BYTES_MAX], len(data), framed.plan.ranges[index].arrived_at,
    )  # fmt: skip


def place(framed: Framed, range_index: int) -> str:
    """The part of a position that names the file and its version; the offset follows it."""
    found = framed.plan.ranges[range_index]
    if framed.plan.source == REPLAY_SOURCE:
        # A dead letter keeps the position it had: what stands before its offset.
        return found.uri[: found.uri.rindex(":") + 1]
    return f"{found.uri}@{found.version}:"


def _identity(framed: Framed, range_index: int, payload: bytes, length: int) -> str:
    """A dead letter keeps the identity it was set aside with, also where only part of its bytes is a record."""
    if framed.plan.source == REPLAY_SOURCE:
        return framed.plan.ranges[range_index].version.partition("#")[0]
    return fingerprint(payload, length)


def fingerprint(payload: bytes, length: int) -> str:
    """Identity of a dead letter's bytes: 32 hexadecimal digits over its first MiB and its length."""
    return hashlib.sha256(payload + length.to_bytes(8, "big")).hexdigest()[:32]
