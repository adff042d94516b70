"""Records of a stream or a queue as a batch of one object: each record is one JSON object, of this object or another.

A stream may carry contact records and agent events together. They are told apart by shape (administrator guide, "Agent
event streams data model" and "Contact records data model"): what has the shape of another object is left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

import msgspec

from trunkline.errors import RecordError
from trunkline.limits import DEAD_LETTER_BYTES_MAX, DEAD_LETTER_REASONS
from trunkline.objects.model import Object
from trunkline.positions import Plan, Range
from trunkline.records import Broken, Framed, ReceivedRecord, Texts
from trunkline.sources.files.json_text import WHITE, Found, probe, utf8_of, without_lone_surrogates

SHAPES: Final = {
    "agent_event": ("AgentARN", "EventType"),
    "contact_record": ("ContactId", "AWSContactTraceRecordFormatVersion"),
    "contact_event": ("detail-type", "detail"),
}
"""Objects that streams carry, by the top-level keys that all of their records have."""
_TOP: Final = msgspec.json.Decoder(dict[str, msgspec.Raw])


def shape_of(record: bytes) -> str | None:
    """The object whose shape a JSON object has; None for any other, and for what is no JSON object."""
    keys = _keys(record)
    return next((name for name, needed in SHAPES.items() if keys.issuperset(needed)), None)


def is_of(obj: Object, record: bytes, takes_unknown: bool = True) -> bool:
    """Whether the record belongs to the object: it has the object's anchor, or no shape that is known.

    Without `takes_unknown` a record of no known shape belongs to another object, which sets it aside.
    """
    keys = _keys(record)
    if obj.anchor in keys and (obj.name not in SHAPES or keys.issuperset(SHAPES[obj.name])):
        return True
    is_known = any(keys.issuperset(needed) for needed in SHAPES.values())
    return takes_unknown and not is_known


def _keys(record: bytes) -> set[str]:
    try:
        return set(_TOP.decode(record))
    except (msgspec.DecodeError, RecursionError):
        repaired = without_lone_surrogates(record)
        return _keys(repaired) if repaired is not None else set()


def one_object(data: bytes) -> bytes:
    """The record's one JSON object, without white space around it. Raises RecordError for anything else."""
    record = data.strip(WHITE)
    if record[:1] != b"{":
        if not record:
            raise RecordError("invalid_json", "the record is empty")
        code = "not_an_object" if record[:1] in b'["' or record.isalnum() else "invalid_json"
        raise RecordError(code, DEAD_LETTER_REASONS[code])
    value = probe(memoryview(record), is_final=True, is_capped=False)
    if value.reason is not None:
        raise RecordError(value.reason, value.detail)
    if value.end < len(record):
        raise RecordError("invalid_json", f"the record goes on after its JSON object, at byte {value.end}")
    text = utf8_of(record)
    if isinstance(text, Found):
        raise RecordError(text.reason or "invalid_utf8", text.detail)
    return text


def frame_received(
    obj: Object,
    source: str,
    ranges: tuple[Range, ...],
    records: Iterable[tuple[int, int, ReceivedRecord]],
    takes_unknown: bool = True,
) -> Framed:
    """The batch of these records, each with the index of its range and its offset there."""
    texts, indexes, offsets, broken = Texts(), [], [], []
    size = filtered = 0
    for index, offset, record in records:
        size += len(record.data)
        try:
            text = one_object(record.data)
        except RecordError as error:
            if takes_unknown:
                broken.append(_broken(index, offset, record.data, error))
            else:
                filtered += 1
            continue
        if not is_of(obj, text, takes_unknown):
            filtered += 1
            continue
        texts.records.append(text)
        indexes.append(index)
        offsets.append(offset)
    return Framed(Plan(obj.name, source, ranges), texts, indexes, offsets, broken, size, filtered=filtered)


def split_by_bytes(records: Sequence[ReceivedRecord], bytes_max: int) -> Iterable[Sequence[ReceivedRecord]]:
    """The records in runs of at most so many bytes, in order; a longer record is a run of its own."""
    start = size = 0
    for index, record in enumerate(records):
        if index > start and size + len(record.data) > bytes_max:
            yield records[start:index]
            start, size = index, 0
        size += len(record.data)
    if start < len(records):
        yield records[start:]


def _broken(index: int, offset: int, data: bytes, error: RecordError) -> Broken:
    return Broken(index, offset, data[:DEAD_LETTER_BYTES_MAX], len(data), error.code, str(error))
