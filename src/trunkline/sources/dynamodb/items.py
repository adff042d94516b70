"""Items of DynamoDB tables as the JSON texts that flatten reads, and the one order of an item's versions.

Most items lose their type tags together, many at a time; an item that this cannot read is read value by value. What an
object's items need beyond that (times with an offset, ids as texts, skills without columns) is its `Shape`. Derived
members have keys that begin with `trunkline:`, so that they cannot collide with an attribute.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache, lru_cache
from itertools import repeat
from typing import Any, Final, Literal, NamedTuple
from zoneinfo import ZoneInfo

import msgspec
from msgspec import UNSET, UnsetType

from trunkline.errors import RecordError
from trunkline.limits import EVENT_YEAR_MIN, VERSION_AHEAD_S_MAX
from trunkline.objects.model import Object
from trunkline.objects.post_call.scorecard import SKILLS
from trunkline.sources.dynamodb.values import (
    Attribute,
    Item,
    Path,
    number,
    object_text,
    quote,
    remove_tags,
    text_of,
    upper_tags,
    with_member,
)
from trunkline.sql.flatten.values import tree_of

CALL_TIME, DELETED_BY, OTHER_SCORES, OTHER_EVIDENCE, UNUSABLE = (
    f"trunkline:{name}" for name in ("callTimestampUTC", "deletedBy", "otherScores", "otherEvidence", "unusable")
)
RANK_MISSING, RANK_SCAN, RANK_EXPORT, RANK_STREAM = range(4)
"""Which of two versions with the same effective time is newer: a stream has every change, the others have states."""
READ_BEFORE: Final = timedelta(minutes=1)
"""A scan or an export may show what was true this long before, and clocks may differ as much."""
STREAM_AFTER: Final = timedelta(seconds=1)
"""A stream gives the second in which a change was made, rounded down."""
_BLOCK_ITEMS: Final = 256
"""Items that lose their tags together: few enough to stay in the processor's cache."""

Deletes = Literal["all", "users", "none"]


@dataclass(frozen=True, slots=True)
class Rules:
    """What the user has decided for items: which removals delete rows, and the zone of a scorecard's `datetime`."""

    deletes: Deletes = "all"
    scorecard_zone: str = "UTC"


Shaped = tuple[Item, list[str]]
"""An item as flatten reads it, and derived members as JSON."""
Check = Callable[[Any, bytes, Rules, datetime], bytes | None]


class Shape(NamedTuple):
    """How an object's items become what flatten reads.

    `check` gets what `decoder` reads of a plain text, and returns the finished text, or None where `shape` must be
    applied to the item. Both get the rules, and when the item arrived (naive UTC).
    """

    decoder: msgspec.json.Decoder[Any]
    check: Check
    shape: Callable[[Item, Rules, datetime], Shaped]


def version_text(effective: datetime, rank: int, sequence: int = 0) -> str:
    """The version of an item as text that sorts: effective time (naive UTC), rank of the source, sequence number."""
    return f"{_time_text(effective)}/{rank}/{sequence:040d}"


@lru_cache(1_024)
def _time_text(effective: datetime) -> str:
    # The rows of a page, an export or one second of a stream share it.
    return effective.isoformat(" ", "microseconds")


_ITEM: Final = msgspec.json.Decoder(Item)


def texts_of(
    obj: Object, items: Sequence[bytes], arrived: Sequence[datetime], rules: Rules, deleted_by: Mapping[int, str]
) -> list[bytes | RecordError]:
    """The text of each item, or why there is none. `items` are typed items as JSON, which arrived then (naive UTC).

    `deleted_by` says for some items, by index, who removed them.
    """
    items = [msgspec.json.format(item, indent=-1) if b"\n" in item else item for item in items]
    texts: list[bytes | RecordError] = []
    for start in range(0, len(items), _BLOCK_ITEMS):
        block, times = items[start : start + _BLOCK_ITEMS], arrived[start : start + _BLOCK_ITEMS]
        quick = _read_quickly(obj, block, times, rules) or [None] * len(block)
        texts += [text or read_item(obj, typed, at, rules) for typed, at, text in zip(block, times, quick, strict=True)]
    if (DELETED_BY,) in _exact_paths(obj):
        for index, who in deleted_by.items():
            text = texts[index]
            if isinstance(text, bytes):
                texts[index] = with_member(text, f'"{DELETED_BY}":"{who}"')
    return texts


def _read_quickly(
    obj: Object, items: Sequence[bytes], arrived: Sequence[datetime], rules: Rules
) -> Sequence[bytes | None] | None:
    """The texts of plain items; None for those that must be read value by value."""
    joined = remove_tags(b"\n".join(items))
    if joined is None:
        # One item prevents it for the whole block.
        pairs = zip(items, arrived, strict=True) if len(items) > 1 else ()
        return [(_read_quickly(obj, [item], [at], rules) or [None])[0] for item, at in pairs] or None
    texts = joined.split(b"\n")
    if obj.name not in SHAPES:
        return texts
    decoder, check, _ = SHAPES[obj.name]
    try:
        decoded = decoder.decode_lines(joined)
    except msgspec.DecodeError:
        return [_check_one(decoder, check, text, rules, at) for text, at in zip(texts, arrived, strict=True)]
    return [check(fields, text, rules, at) for fields, text, at in zip(decoded, texts, arrived, strict=True)]


def _check_one(
    decoder: msgspec.json.Decoder[Any], check: Check, text: bytes, rules: Rules, arrived_at: datetime
) -> bytes | None:
    try:
        return check(decoder.decode(text), text, rules, arrived_at)
    except msgspec.DecodeError:
        return None


def read_item(obj: Object, typed: bytes, arrived_at: datetime, rules: Rules) -> bytes | RecordError:
    """The text of one typed item, read value by value, or why there is none."""
    members: list[str] = []
    try:
        item = _decode_item(typed)
        if obj.name in SHAPES:
            item, members = SHAPES[obj.name].shape(item, rules, arrived_at)
        text = object_text(item, _exact_paths(obj)).encode()
    except RecordError as error:
        return error
    except (msgspec.DecodeError, RecursionError):
        return RecordError("wrong_type", "the item is not in DynamoDB's typed JSON")
    for member in members:
        text = with_member(text, member)
    return text


def _decode_item(typed: bytes) -> Item:
    try:
        return _ITEM.decode(typed)
    except msgspec.ValidationError as error:
        try:
            return _ITEM.decode(upper_tags(typed))
        except RecordError:
            raise error from None


@cache
def _exact_paths(obj: Object) -> Mapping[Path, bool]:
    """The paths of scalar columns, and whether a number there is an id or another text."""
    return {leaf.path: leaf.type == "text" for leaf in tree_of(obj).leaves if isinstance(leaf.type, str)}


_TIME: Final = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})T([0-9]{2})[-:]([0-9]{2})[-:]([0-9]{2})\Z")
_FULL_TIME: Final = re.compile(rb'"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:[.][0-9]{1,9})?Z"\Z')
_AHEAD_MAX: Final = timedelta(seconds=VERSION_AHEAD_S_MAX)


def _with_usable_time(item: Item, key: str, arrived_at: datetime) -> Item:
    """The item with an offset in the time at `key`; a time without one is UTC.

    What is not a time, or not a plausible one, moves to `UNUSABLE`, so that the row has none and nothing is lost.
    """
    given = item.get(key)
    if given is None or given.NULL is not UNSET or (given.S is not UNSET and _is_usable(given.S, arrived_at)):
        return item
    try:
        at = datetime.fromisoformat(msgspec.json.decode(given.S, type=str)) if given.S is not UNSET else None
        at = at and at.replace(tzinfo=at.tzinfo or UTC)
        is_usable = at is not None and _is_plausible(at.astimezone(UTC).replace(tzinfo=None), arrived_at)
    except (ValueError, OverflowError):
        at, is_usable = None, False
    if at is not None and is_usable:
        return {**item, key: Attribute(S=msgspec.Raw(quote(at.isoformat()).encode()))}
    others = item.get(UNUSABLE)
    moved = {**(others.M if others is not None and others.M is not UNSET else {}), key: given}
    return {name: value for name, value in item.items() if name != key} | {UNUSABLE: Attribute(M=moved)}


def _is_usable(time: msgspec.Raw, arrived_at: datetime) -> bool:
    """Whether a JSON text is a plausible time in UTC as flatten reads it."""
    text = bytes(time)
    if not _FULL_TIME.match(text):
        return False
    try:
        return _is_plausible(datetime.fromisoformat(text[1:-2].decode()), arrived_at)
    except ValueError:
        return False


def _is_plausible(at: datetime, arrived_at: datetime) -> bool:
    return at.year >= EVENT_YEAR_MIN and at <= arrived_at + _AHEAD_MAX


class _Payload(msgspec.Struct, gc=False, rename="camel"):
    queue_id: msgspec.Raw | UnsetType = UNSET


class _PlainCall(msgspec.Struct, gc=False):
    """The members that decide whether the plain text of a call needs a change."""

    at: msgspec.Raw | UnsetType = msgspec.field(name="callTimestampUTC", default=UNSET)
    payload: _Payload | UnsetType = UNSET


def _check_call(call: _PlainCall, text: bytes, rules: Rules, arrived_at: datetime) -> bytes | None:
    if call.at is not UNSET and not _is_usable(call.at, arrived_at):
        return None
    if call.payload is UNSET or call.payload.queue_id is UNSET:
        return text
    queue = bytes(call.payload.queue_id)
    if queue[:1] not in _NUMBERS:
        return text
    # The id of a queue is a number in some items and a text in others; the column is a text.
    quoted = text.replace(_QUEUE + queue, _QUEUE + b'"' + queue + b'"')
    return quoted if len(quoted) == len(text) + 2 and text.count(_QUEUE) == 1 else None


_QUEUE: Final = b'"queueId":'
_NUMBERS: Final = frozenset(bytes([digit]) for digit in b"-0123456789")


def _shape_call(item: Item, rules: Rules, arrived_at: datetime) -> Shaped:
    payload = item.get("payload")
    queue = payload.M.get("queueId") if payload is not None and payload.M is not UNSET else None
    if payload is not None and payload.M is not UNSET and queue is not None and queue.N is not UNSET:
        text = Attribute(S=msgspec.Raw(quote(number(queue.N, ("payload", "queueId"))).encode()))
        item = {**item, "payload": Attribute(M={**payload.M, "queueId": text})}
    return _with_usable_time(item, "callTimestampUTC", arrived_at), []


class _PlainScorecard(msgspec.Struct, gc=False, rename="camel"):
    """The members that decide whether the plain text of a scorecard needs a change."""

    ingested_at: msgspec.Raw | UnsetType = UNSET
    datetime: msgspec.Raw | UnsetType = UNSET
    scores: dict[str, msgspec.Raw] | UnsetType = UNSET


def _check_scorecard(scorecard: _PlainScorecard, text: bytes, rules: Rules, arrived_at: datetime) -> bytes | None:
    if scorecard.ingested_at is not UNSET and not _is_usable(scorecard.ingested_at, arrived_at):
        return None
    if scorecard.scores is not UNSET and not _has_known_skills(scorecard.scores):
        return None
    if scorecard.datetime is UNSET:
        return text
    if not bytes(scorecard.datetime).startswith(b'"'):
        return None
    member = _call_time_member(scorecard.datetime, rules, arrived_at)
    return with_member(text, member) if member else text


def _has_known_skills(skills: Mapping[str, msgspec.Raw]) -> bool:
    if not skills.keys() <= _SKILL_KEYS:
        return False
    texts = list(map(bytes, skills.values()))
    # They are nearly always objects.
    return all(map(bytes.startswith, texts, repeat(b"{"))) or all(text[:1] not in _NUMBERS for text in texts)


_SKILL_KEYS: Final = frozenset(SKILLS.values())


def _shape_scorecard(item: Item, rules: Rules, arrived_at: datetime) -> Shaped:
    item = _with_usable_time(item, "ingestedAt", arrived_at)
    members: list[str] = []
    scores = item.get("scores")
    if scores is not None and scores.M is not UNSET:
        item, members = _with_other_skills(item, scores.M)
    given = item.get("datetime")
    if given is not None and given.S is not UNSET:
        member = _call_time_member(given.S, rules, arrived_at)
        members += [member] if member else []
    return item, members


def _call_time_member(given: msgspec.Raw, rules: Rules, arrived_at: datetime) -> str | None:
    """A scorecard's time in UTC, as a member; None for what is not a plausible time, which `datetime` keeps as text."""
    text = msgspec.json.decode(given, type=str)
    match = _TIME.match(text)
    iso = f"{match[1]}T{match[2]}:{match[3]}:{match[4]}" if match else text
    try:
        at = datetime.fromisoformat(iso)
        if at.tzinfo is not None or rules.scorecard_zone != "UTC":
            # In a repeated hour it is the first one.
            at = at.replace(tzinfo=at.tzinfo or ZoneInfo(rules.scorecard_zone)).astimezone(UTC).replace(tzinfo=None)
    except (ValueError, OverflowError):
        return None
    return f'"{CALL_TIME}":"{at.isoformat()}Z"' if _is_plausible(at, arrived_at) else None


def _with_other_skills(item: Item, skills: Item) -> Shaped:
    """Skills without columns go to the two maps; their other members stay where they are.

    A skill that is a bare number is its score.
    """
    kept: Item = {}
    scores: list[str] = []
    evidence: list[str] = []
    for name, skill in skills.items():
        parts = dict(skill.M) if skill.M is not UNSET else {"score": skill} if skill.N is not UNSET else None
        if parts is None or name in _SKILL_KEYS:
            kept[name] = skill if parts is None else Attribute(M=parts)
            continue
        score, reason = parts.pop("score", None), parts.pop("evidence", None)
        if score is not None and score.NULL is UNSET:
            path = ("scores", name, "score")
            value = f'"{number(score.N, path)}"' if score.N is not UNSET else text_of(score, path=path)
            scores.append(f"{quote(name)}:{value}")
        if reason is not None and reason.NULL is UNSET:
            evidence.append(f"{quote(name)}:{text_of(reason, path=('scores', name, 'evidence'))}")
        if parts:
            kept[name] = Attribute(M=parts)
    derived = ((OTHER_SCORES, scores), (OTHER_EVIDENCE, evidence))
    members = [f'"{key}":{{{",".join(pairs)}}}' for key, pairs in derived if pairs]
    return {**item, "scores": Attribute(M=kept)}, members


SHAPES: Final[Mapping[str, Shape]] = {
    "call": Shape(msgspec.json.Decoder(_PlainCall), _check_call, _shape_call),
    "scorecard": Shape(msgspec.json.Decoder(_PlainScorecard), _check_scorecard, _shape_scorecard),
}
