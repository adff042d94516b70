"""Changes of a DynamoDB table as a batch: the records that Lambda delivers, and those that the Streams API returns.

A record's position is the stream, its sequence number without the last 15 digits, and these: sequence numbers have up
to 40 digits and a position's offset is an integer of 64 bits. It is the same however Lambda splits a batch.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Final, NamedTuple

import msgspec
from msgspec import UNSET, Raw, UnsetType

from trunkline.errors import RecordError
from trunkline.limits import DEAD_LETTER_BYTES_MAX, EVENT_YEAR_MIN
from trunkline.objects.model import Object
from trunkline.positions import FileRange, Plan
from trunkline.records import Broken, Framed, Mark, Texts
from trunkline.sources.dynamodb.items import RANK_STREAM, STREAM_AFTER, Rules, texts_of, version_text

NAME: Final = "dynamodb_stream"
SEQUENCE_SPLIT: Final = 10**15
TTL_PRINCIPAL: Final = "dynamodb.amazonaws.com"
_SEQUENCE_DIGITS_MAX: Final = 40


class _Identity(msgspec.Struct, rename={"of_lambda": "principalId", "of_api": "PrincipalId"}):
    of_lambda: str | None = None
    of_api: str | None = None


class _Change(msgspec.Struct):
    SequenceNumber: str
    ApproximateCreationDateTime: float | None = None
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
    plan = Plan(obj.name, NAME, _ranges(stream, changes, records if unread else ()))
    events = hashlib.sha256("\n".join(change.event_id for change in changes).encode()).hexdigest()[:32]
    arrived_at = plan.ranges[0].arrived_at
    identity = FileRange(f"{stream}#events", events, 0, len(records), True, arrived_at)
    return _framed(obj, replace(plan, ranges=(*plan.ranges, identity)), changes, unread, records, rules)


def frame_shard(obj: Object, shard: str, records: Sequence[bytes], rules: Rules) -> Framed:
    """One batch of one shard, `shard` being the stream and the shard's id; in sequence order."""
    changes, unread = _read(records)
    plan = Plan(obj.name, NAME, _ranges(shard, changes, records if unread else ()))
    return _framed(obj, plan, changes, unread, records, rules)


def _read(records: Sequence[bytes]) -> tuple[list[Change], list[tuple[int, RecordError]]]:
    changes: list[Change] = []
    unread: list[tuple[int, RecordError]] = []
    for index, raw in enumerate(records):
        try:
            changes.append(read_change(raw, changes[-1].created_at if changes else None))
        except RecordError as error:
            unread.append((index, error))
    return changes, unread


def _ranges(uri: str, changes: Sequence[Change], unread: Iterable[bytes]) -> tuple[FileRange, ...]:
    """A range for each run of 10^15 sequence numbers; records without a position have a range of their own."""
    runs: dict[int, list[int]] = {}
    arrived: dict[int, datetime] = {}
    for change in changes:
        high, low = divmod(change.sequence, SEQUENCE_SPLIT)
        runs.setdefault(high, []).append(low)
        arrived[high] = max(arrived.get(high, change.created_at), change.created_at)
    ranges = {
        str(high): FileRange(uri, str(high), min(lows), max(lows) + 1, False, arrived[high])
        for high, lows in runs.items()
    }
    listed = list(unread)
    if listed:
        digest = hashlib.sha256(b"\n".join(listed)).hexdigest()[:32]
        arrived_at = max((range_.arrived_at for range_ in ranges.values()), default=datetime(1970, 1, 1))
        ranges["unread"] = FileRange(f"{uri}#unread", digest, 0, len(listed), True, arrived_at)
    return tuple(ranges.values())


def _framed(
    obj: Object,
    plan: Plan,
    changes: Sequence[Change],
    unread: Sequence[tuple[int, RecordError]],
    records: Sequence[bytes],
    rules: Rules,
) -> Framed:
    spans = [span for span in plan.ranges if isinstance(span, FileRange)]
    indexes = {span.version: index for index, span in enumerate(spans)}
    unread_index = next((index for index, span in enumerate(spans) if span.uri.endswith("#unread")), 0)
    broken = [_broken(unread_index, offset, records[offset], error) for offset, error in unread]
    kept = [change for change in changes if not _is_filtered(change, rules)]
    usable = [change for change in kept if change.item is not None]
    deleted_by = {index: change.deleted_by for index, change in enumerate(usable) if change.deleted_by}
    texts = iter(
        texts_of(
            obj, [change.item or b"" for change in usable], [change.created_at for change in usable], rules, deleted_by
        )
    )
    good: list[tuple[bytes, Change]] = []
    for change in kept:
        text = change.refused or next(texts)
        if isinstance(text, RecordError):
            high, low = divmod(change.sequence, SEQUENCE_SPLIT)
            broken.append(_broken(indexes[str(high)], low, change.raw, text))
        else:
            good.append((text, change))
    return Framed(
        plan=plan,
        texts=Texts(text for text, _ in good),
        range_indexes=[indexes[str(change.sequence // SEQUENCE_SPLIT)] for _, change in good],
        offsets=[change.sequence % SEQUENCE_SPLIT for _, change in good],
        broken=broken,
        bytes_read=sum(map(len, records)),
        marks=[change.mark for _, change in good],
        filtered=len(changes) - len(kept),
    )


def _is_filtered(change: Change, rules: Rules) -> bool:
    """Whether the setting `dynamodb_deletes` leaves a removal out: all of them, or those by time to live."""
    if change.deleted_by is None:
        return False
    return rules.deletes == "none" or (rules.deletes == "users" and change.deleted_by == "ttl")


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
    (text,) = texts_of(
        obj, [change.item], [change.created_at], rules, {0: change.deleted_by} if change.deleted_by else {}
    )
    return None if isinstance(text, RecordError) else (text.decode(), change.mark)
