"""Dead letters of a batch: broken spans and refused records, each with its position, its bytes and the reason."""

from __future__ import annotations

import hashlib

from trunkline.errors import RecordError
from trunkline.limits import DEAD_LETTER_BYTES_MAX
from trunkline.objects.model import Object
from trunkline.positions import LetterRange, Range
from trunkline.records import Broken, DeadLetter, Framed


def broken_letter(obj: Object, framed: Framed, broken: Broken) -> DeadLetter:
    """The dead letter of a span that is not a record."""
    span = framed.plan.ranges[broken.range_index]
    return DeadLetter(
        obj.name,
        f"{span.place}{broken.offset}",
        _identity(span, broken.payload, broken.length),
        broken.reason,
        broken.detail,
        broken.payload,
        broken.length,
        span.arrived_at,
    )


def record_letter(obj: Object, framed: Framed, row: int, error: RecordError) -> DeadLetter:
    """The dead letter of a record that cannot be a row."""
    data = framed.texts[row].encode()
    payload = data[:DEAD_LETTER_BYTES_MAX]
    span = framed.plan.ranges[framed.range_indexes[row]]
    return DeadLetter(
        obj.name,
        f"{span.place}{framed.offsets[row]}",
        _identity(span, payload, len(data)),
        error.code,
        str(error),
        payload,
        len(data),
        span.arrived_at,
    )


def _identity(span: Range, payload: bytes, length: int) -> str:
    """A replayed dead letter keeps the identity it was set aside with, even if only part of its bytes is a record."""
    return span.payload_hash if isinstance(span, LetterRange) else fingerprint(payload, length)


def fingerprint(payload: bytes, length: int) -> str:
    """Identity of a dead letter's bytes: 32 hexadecimal digits over its first MiB and its length."""
    return hashlib.sha256(payload + length.to_bytes(8, "big")).hexdigest()[:32]
