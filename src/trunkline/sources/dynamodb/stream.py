"""Changes of a DynamoDB table as a batch: the records that Lambda delivers, and those that the Streams API returns.

A record's position is the stream (and the shard, where it is known) and its sequence number, however Lambda splits a
batch.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Final, NamedTuple

import msgspec
from msgspec import UNSET, Raw, UnsetType

from trunkline.errors import RecordError
from trunkline.limits import DEAD_LETTER_BYTES_MAX, EVENT_YEAR_MIN
from trunkline.objects.model import Object
from trunkline.positions import Delivery, Plan, Range, StreamRange
from trunkline.records import Broken, Framed, Mark, Texts
from trunkline.sources.dynamodb.items import RANK_STREAM, STREAM_AFTER, Rules, texts_of, version_text

NAME: Final = "dynamodb_stream"
TTL_PRINCIPAL: Final = "dynamodb.amazonaws.com"
_SEQUENCE_DIGITS_MAX: Final = 40


class _Identity(msgspec.Struct, rename={"of_lambda": "principalId", "of_api": "PrincipalId"}):
    of_lambda: str | None = None
    of_api: str | None = None


class _Change(msgspec.Struct):
    SequenceNumber: str = ""
    ApproximateCreationDateTime: float | None = None
    ApproximateCreationDateTimePrecision: str = "MILLISECOND"
    Keys: Raw | UnsetType = UNSET
    NewImage: Raw | UnsetType = UNSET
    OldImage: Raw | UnsetType = UNSET


_NAMES: Final = {"event_name": "eventName", "event_id": "eventID", "user_identity": "userIdentity"}


class StreamRecord(msgspec.Struct, rename=_NAMES):
    """One record of a stream."""

    dynamodb: _Change
    event_name: str
    event_id: str = ""
    user_identity: _Identity | None = None


class Change(NamedTuple):
    """What one record says: the item as typed JSON (None without one), its version, and who removed it.

    `raw` is the record's JSON. `refused` says why it cannot be used.
    """

    raw: bytes
    sequence: int
    created_at: datetime
    event_id: str
    item: bytes | None
    deleted_by: str | None
    refused: RecordError | None = None

    @property
    def mark(self) -> Mark:
        """The version of its row."""
        version = version_text(self.created_at + STREAM_AFTER, RANK_STREAM, self.sequence)
        return Mark(version=version, is_deleted=self.deleted_by is not None)


_RECORD: Final = msgspec.json.Decoder(StreamRecord)


def as_json(record: Any) -> bytes:
    """A record from Lambda or boto3 as JSON: times are seconds since 1970, bytes are base64."""
    if not isinstance(record, dict) or not isinstance(record.get("dynamodb"), dict):
        return msgspec.json.encode(record)
    created = record["dynamodb"].get("ApproximateCreationDateTime")
    if isinstance(created, datetime):
        seconds = created.replace(tzinfo=created.tzinfo or UTC).timestamp()
        record = {**record, "dynamodb": {**record["dynamodb"], "ApproximateCreationDateTime": seconds}}
    return msgspec.json.encode(record)


def read_change(raw: bytes, before: datetime | None = None) -> Change:
    """One record. Raises RecordError where it is not a record of a stream: then even its position is unknown.

    A record without a creation time gets `before`, the time of the record before it in its shard.
    """
    try:
        record = _RECORD.decode(raw)
        seconds = record.dynamodb.ApproximateCreationDateTime
        created_at = before if seconds is None else _second(int(seconds // 1))
    except (msgspec.DecodeError, ValueError, OverflowError, OSError):
        raise RecordError("wrong_type", "it is not a record of a DynamoDB stream") from None
    digits = record.dynamodb.SequenceNumber
    if not (digits.isascii() and digits.isdigit() and len(digits) <= _SEQUENCE_DIGITS_MAX):
        raise RecordError("wrong_type", f"SequenceNumber must be a number of up to {_SEQUENCE_DIGITS_MAX} digits")
    if created_at is None:
        raise RecordError("implausible_time", "it has no ApproximateCreationDateTime, so its version is unknown")
    item, deleted_by, refused = _item_of(record)
    if created_at.year < EVENT_YEAR_MIN:
        refused = RecordError("implausible_time", f"it was created before {EVENT_YEAR_MIN}")
    return Change(raw, int(digits), created_at, record.event_id, None if refused else item, deleted_by, refused)


def read_kinesis_change(raw: bytes) -> Change:
    """A change that Kinesis Data Streams for DynamoDB delivered. Raises RecordError where it is not one.

    It has no sequence number, and its time is in milliseconds or microseconds, which order the changes of a second.
    """
    try:
        record = _RECORD.decode(raw)
        units = 1_000_000 if record.dynamodb.ApproximateCreationDateTimePrecision == "MICROSECOND" else 1_000
        seconds, rest = divmod(record.dynamodb.ApproximateCreationDateTime or 0, units)
        created_at = _second(int(seconds))
    except (msgspec.DecodeError, ValueError, OverflowError, OSError):
        raise RecordError("wrong_type", "it is not a change of a DynamoDB table") from None
    item, deleted_by, refused = _item_of(record)
    if created_at.year < EVENT_YEAR_MIN:
        refused = RecordError("implausible_time", f"it was created before {EVENT_YEAR_MIN}, or has no creation time")
    sequence = int(rest * 1_000_000 / units)
    return Change(raw, sequence, created_at, record.event_id, None if refused else item, deleted_by, refused)


@lru_cache(1_024)
def _second(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC).replace(tzinfo=None)


def _item_of(record: StreamRecord) -> tuple[bytes | None, str | None, RecordError | None]:
    """The item in typed JSON, who removed it, or why the record cannot be used."""
    new, old, keys = record.dynamodb.NewImage, record.dynamodb.OldImage, record.dynamodb.Keys
    if record.event_name == "REMOVE":
        # The old image has the row's day; a stream without old images has the key alone.
        image = old if old is not UNSET else keys
        if image is UNSET:
            return None, None, RecordError("missing_image", "a REMOVE without keys")
        return bytes(image), "ttl" if _is_ttl(record) else "user", None
    if record.event_name not in ("INSERT", "MODIFY"):
        return None, None, RecordError("wrong_type", "eventName must be INSERT, MODIFY or REMOVE")
    if new is UNSET:
        detail = f"{record.event_name} without NewImage: the stream's view type must be NEW_AND_OLD_IMAGES or NEW_IMAGE"
        return None, None, RecordError("missing_image", detail)
    return bytes(new), None, None


def _is_ttl(record: StreamRecord) -> bool:
    identity = record.user_identity
    return identity is not None and TTL_PRINCIPAL in (identity.of_lambda, identity.of_api)


def frame_event(obj: Object, stream: str, records: Sequence[bytes], rules: Rules) -> Framed:
    """One batch of a Lambda event: the records of one object, in the event's order.

    Two shards may in theory use the same numbers, and a batch must not replace another: the plan names the events too.
    """
    changes, unread = _read(records)
    events = hashlib.sha256("\n".join(change.event_id for change in changes).encode()).hexdigest()[:32]
    delivery = Delivery(f"{stream}#events", events, len(records), _newest(changes), is_retried=True)
    return _framed(
        obj, (*_ranges(stream, changes, records if unread else ()), delivery), changes, unread, records, rules
    )


def frame_shard(obj: Object, shard: str, records: Sequence[bytes], rules: Rules) -> Framed:
    """One batch of one shard in sequence order. `shard` is the stream's ARN and the shard's id."""
    changes, unread = _read(records)
    return _framed(obj, _ranges(shard, changes, records if unread else ()), changes, unread, records, rules)


def _read(records: Sequence[bytes]) -> tuple[list[Change], list[tuple[int, RecordError]]]:
    changes: list[Change] = []
    unread: list[tuple[int, RecordError]] = []
    for index, raw in enumerate(records):
        try:
            changes.append(read_change(raw, changes[-1].created_at if changes else None))
        except RecordError as error:
            unread.append((index, error))
    return changes, unread


def _ranges(uri: str, changes: Sequence[Change], records: Sequence[bytes]) -> tuple[Range, ...]:
    """The range of the changes, and one of `records` where some have no position."""
    ranges: list[Range] = []
    if changes:
        numbers = [change.sequence for change in changes]
        ranges.append(StreamRange(uri, str(min(numbers)), str(max(numbers)), _newest(changes)))
    if records:
        digest = hashlib.sha256(b"\n".join(records)).hexdigest()[:32]
        ranges.append(Delivery(f"{uri}#unread", digest, len(records), _newest(changes)))
    return tuple(ranges)


def _newest(changes: Sequence[Change]) -> datetime:
    return max((change.created_at for change in changes), default=datetime(1970, 1, 1))


def _framed(
    obj: Object,
    ranges: tuple[Range, ...],
    changes: Sequence[Change],
    unread: Sequence[tuple[int, RecordError]],
    records: Sequence[bytes],
    rules: Rules,
) -> Framed:
    broken = [_broken(1 if changes else 0, index, records[index], error) for index, error in unread]
    kept = [change for change in changes if not is_filtered(change.deleted_by, rules)]
    good: list[tuple[bytes, Change]] = []
    for change, text in zip(kept, _texts(obj, kept, rules), strict=True):
        if isinstance(text, RecordError):
            broken.append(_broken(0, change.sequence, change.raw, text))
        else:
            good.append((text, change))
    return Framed(
        plan=Plan(obj.name, NAME, ranges),
        texts=Texts(text for text, _ in good),
        range_indexes=[0] * len(good),
        offsets=[change.sequence for _, change in good],
        broken=broken,
        bytes_read=sum(map(len, records)),
        marks=[change.mark for _, change in good],
        filtered=len(changes) - len(kept),
    )


def _texts(obj: Object, changes: Sequence[Change], rules: Rules) -> Iterator[bytes | RecordError]:
    """The text of each change, or why there is none."""
    usable = [change for change in changes if change.item is not None]
    items, times = [change.item or b"" for change in usable], [change.created_at for change in usable]
    deleted_by = {index: change.deleted_by for index, change in enumerate(usable) if change.deleted_by}
    texts = iter(texts_of(obj, items, times, rules, deleted_by))
    for change in changes:
        yield change.refused or next(texts)


def is_filtered(deleted_by: str | None, rules: Rules) -> bool:
    """Whether the setting `dynamodb_deletes` leaves a removal out: all of them, or those by time to live."""
    if deleted_by is None:
        return False
    return rules.deletes == "none" or (rules.deletes == "users" and deleted_by == "ttl")


def _broken(index: int, offset: int, raw: bytes, error: RecordError) -> Broken:
    return Broken(index, offset, raw[:DEAD_LETTER_BYTES_MAX], len(raw), error.code, str(error))


def read_dead_letter(obj: Object, payload: bytes, rules: Rules) -> tuple[str, Mark] | None:
    """The text and mark of a stream record that was set aside; None where it is not one, or still cannot be used."""
    try:
        change = read_change(payload)
    except RecordError:
        return None
    if change.refused is not None or change.item is None:
        return None
    (text,) = _texts(obj, [change], rules)
    return None if isinstance(text, RecordError) else (text.decode(), change.mark)
