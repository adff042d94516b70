"""Items of DynamoDB in files of records: output of `aws dynamodb scan` and `get-item`, and changes of streams.

Kinesis Data Streams for DynamoDB and the Streams API write the same change, but Kinesis has no sequence number and more
exact times. Source: DynamoDB developer guide, Kinesis Data Streams for DynamoDB; AWS CLI reference, dynamodb scan.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final, NamedTuple

import msgspec

from trunkline.errors import RecordError
from trunkline.limits import DEAD_LETTER_BYTES_MAX
from trunkline.objects.model import Object
from trunkline.records import Broken, Framed, KeptLetter, Mark, Texts
from trunkline.sources.dynamodb.items import RANK_SCAN, READ_BEFORE, Rules, texts_of, version_text
from trunkline.sources.dynamodb.stream import is_filtered, read_change, read_kinesis_change
from trunkline.sources.dynamodb.values import is_typed

_TOP: Final = msgspec.json.Decoder(dict[str, msgspec.Raw])
_LIST: Final = msgspec.json.Decoder(list[msgspec.Raw])


class _Inner(NamedTuple):
    """An item in a record of a file: its typed JSON or why there is none, where it begins, and its version."""

    item: bytes | RecordError
    begin: int
    raw: bytes
    arrived_at: datetime
    mark: Mark
    deleted_by: str | None = None


def unwrap(obj: Object, framed: Framed, rules: Rules) -> Framed:
    """The batch with the items of such records in their place; the batch itself where there is no such record.

    A position is the offset of the item's first byte. A removal that the rules leave out counts as filtered.
    """
    records = framed.texts.records if isinstance(framed.texts, Texts) else [text.encode() for text in framed.texts]
    inner = [
        list(_inner_items(obj, record, framed.plan.ranges[span].arrived_at)) if _may_be_typed(record) else []
        for record, span in zip(records, framed.range_indexes, strict=True)
    ]
    if not any(inner):
        return framed
    texts: list[bytes] = []
    spots: list[tuple[int, int]] = []
    marks: list[Mark] = []
    broken = list(framed.broken)
    filtered = framed.filtered
    for number, items in enumerate(inner):
        span, offset = framed.range_indexes[number], framed.offsets[number]
        if not items:
            texts.append(records[number])
            spots.append((span, offset))
            marks.append(framed.marks[number] if framed.marks is not None else Mark())
        for item, text in zip(items, _texts(obj, items, rules), strict=True):
            if isinstance(text, RecordError):
                raw = item.raw[:DEAD_LETTER_BYTES_MAX]
                broken.append(Broken(span, offset + item.begin, raw, len(item.raw), text.code, str(text)))
            elif is_filtered(item.deleted_by, rules):
                filtered += 1
            else:
                texts.append(text)
                spots.append((span, offset + item.begin))
                marks.append(item.mark)
    return replace(
        framed,
        texts=Texts(texts),
        range_indexes=[span for span, _ in spots],
        offsets=[offset for _, offset in spots],
        broken=broken,
        marks=marks,
        filtered=filtered,
    )


def _may_be_typed(record: bytes) -> bool:
    return b'"dynamodb"' in record or b'"Item' in record or is_typed(record)


def _texts(obj: Object, items: Sequence[_Inner], rules: Rules) -> Iterator[bytes | RecordError]:
    usable = [item for item in items if isinstance(item.item, bytes)]
    typed, times = [bytes(item.item) for item in usable], [item.arrived_at for item in usable]  # type: ignore[arg-type]
    deleted_by = {index: item.deleted_by for index, item in enumerate(usable) if item.deleted_by}
    texts = iter(texts_of(obj, typed, times, rules, deleted_by))
    for item in items:
        yield item.item if isinstance(item.item, RecordError) else next(texts)


def _inner_items(obj: Object, record: bytes, arrived_at: datetime) -> Iterator[_Inner]:
    """The items in a record; none where it is a plain record."""
    try:
        top = _TOP.decode(record)
    except msgspec.DecodeError:
        return
    if "dynamodb" in top and "eventName" in top:
        yield _changed_item(record, top["dynamodb"], arrived_at)
        return
    mark = Mark(version=version_text(arrived_at - READ_BEFORE, RANK_SCAN))
    if "Items" in top:
        try:
            listed = _LIST.decode(top["Items"])
        except msgspec.DecodeError:
            return
        end = 0
        for raw in map(bytes, listed):
            begin = record.index(raw, end)
            end = begin + len(raw)
            yield _Inner(raw, begin, raw, arrived_at, mark)
    elif "Item" in top:
        raw = bytes(top["Item"])
        yield _Inner(raw, record.index(raw), raw, arrived_at, mark)
    elif (key := top.get((obj.by_name[obj.key[0]].path or ("",))[0])) is not None and is_typed(b":" + bytes(key)):
        yield _Inner(record, 0, record, arrived_at, mark)


def _changed_item(record: bytes, change: msgspec.Raw, arrived_at: datetime) -> _Inner:
    """The item of a change, in the Streams API's form or in that of Kinesis Data Streams for DynamoDB."""
    try:
        read = read_change if b'"SequenceNumber"' in bytes(change) else read_kinesis_change
        changed = read(record)
    except RecordError as error:
        return _Inner(error, 0, record, arrived_at, Mark())
    item = changed.refused or changed.item or RecordError("missing_image", "a change without an image")
    return _Inner(item, 0, record, changed.created_at, changed.mark, changed.deleted_by)


def unwrap_letter(obj: Object, letter: KeptLetter, rules: Rules) -> tuple[str, Mark] | None:
    """The record and its mark in the bytes of such an item that was set aside; None where there is none."""
    for item in _inner_items(obj, letter.payload, letter.arrived_at):
        (text,) = _texts(obj, [item], rules)
        return None if isinstance(text, RecordError) else (text.decode(), letter.mark or item.mark)
    return None
