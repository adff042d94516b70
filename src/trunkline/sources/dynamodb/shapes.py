"""What the items of `calls` and `scorecards` need before flatten reads them: times with an offset, ids as texts, skills
that nobody foresaw apart.

What is derived here has keys that begin with `trunkline:`, so that it can take no attribute's place.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import repeat
from typing import Any, Final, Literal, NamedTuple
from zoneinfo import ZoneInfo

import msgspec
from msgspec import UNSET, UnsetType

from trunkline.objects.scorecard import SKILLS
from trunkline.sources.dynamodb.values import Attribute, Item, number, quote, text_of, with_member

CALL_TIME, OTHER_SCORES, OTHER_EVIDENCE = (
    f"trunkline:{name}" for name in ("callTimestampUTC", "otherScores", "otherEvidence")
)

Deletes = Literal["all", "users", "none"]


@dataclass(frozen=True, slots=True)
class Rules:
    """What a person decides of items: which removals delete rows, and the zone of a scorecard's `datetime`."""

    deletes: Deletes = "all"
    scorecard_zone: str = "UTC"


Shaped = tuple[Item, list[str]]
"""An item as flatten reads it, and members that are derived."""
Look = Callable[[Any, bytes, Rules], bytes | None]


class Shape(NamedTuple):
    """How an object's items become what flatten reads.

    `look` gets what `kind` reads of a plain text and gives the text, or None where the item is to be shaped.
    """

    kind: msgspec.json.Decoder[Any]
    look: Look
    shape: Callable[[Item, Rules], Shaped]


_TIME: Final = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})T([0-9]{2})[-:]([0-9]{2})[-:]([0-9]{2})\Z")
_FULL_TIME: Final = re.compile(rb'"[0-9T:.-]{19,29}Z"\Z')


def _with_zone(item: Item, key: str) -> Item:
    """The item with the time at `key` in a form that has an offset; one without is UTC. What is no time is left."""
    given = item.get(key)
    if given is None or given.S is UNSET or _is_full(given.S):
        return item
    try:
        at = datetime.fromisoformat(msgspec.json.decode(given.S, type=str))
    except ValueError:
        return item
    changed = at.replace(tzinfo=at.tzinfo or UTC).isoformat()
    return {**item, key: Attribute(S=msgspec.Raw(quote(changed).encode()))}


def _is_full(time: msgspec.Raw) -> bool:
    return _FULL_TIME.match(bytes(time)) is not None


class _Payload(msgspec.Struct, gc=False, rename="camel"):
    queue_id: msgspec.Raw | UnsetType = UNSET


class _PlainCall(msgspec.Struct, gc=False):
    """What decides whether a call's plain text is ready."""

    at: msgspec.Raw | UnsetType = msgspec.field(name="callTimestampUTC", default=UNSET)
    payload: _Payload | UnsetType = UNSET


def _look_at_call(call: _PlainCall, text: bytes, rules: Rules) -> bytes | None:
    if call.at is not UNSET and not _is_full(call.at):
        return None
    if call.payload is UNSET or call.payload.queue_id is UNSET:
        return text
    queue = bytes(call.payload.queue_id)
    if queue[:1] not in _NUMBERS:
        return text
    # A queue's id is a number in some items and a text in others; the column is a text.
    found = text.replace(_QUEUE + queue, _QUEUE + b'"' + queue + b'"')
    return found if len(found) == len(text) + 2 and text.count(_QUEUE) == 1 else None


_QUEUE: Final = b'"queueId":'
_NUMBERS: Final = frozenset(bytes([one]) for one in b"-0123456789")


def _shape_call(item: Item, rules: Rules) -> Shaped:
    payload = item.get("payload")
    queue = payload.M.get("queueId") if payload is not None and payload.M is not UNSET else None
    if payload is not None and payload.M is not UNSET and queue is not None and queue.N is not UNSET:
        text = Attribute(S=msgspec.Raw(quote(number(queue.N, ("payload", "queueId"))).encode()))
        item = {**item, "payload": Attribute(M={**payload.M, "queueId": text})}
    return _with_zone(item, "callTimestampUTC"), []


class _PlainCard(msgspec.Struct, gc=False, rename="camel"):
    """What decides whether a scorecard's plain text is ready."""

    ingested_at: msgspec.Raw | UnsetType = UNSET
    datetime: msgspec.Raw | UnsetType = UNSET
    scores: dict[str, msgspec.Raw] | UnsetType = UNSET


def _look_at_card(card: _PlainCard, text: bytes, rules: Rules) -> bytes | None:
    if card.ingested_at is not UNSET and not _is_full(card.ingested_at):
        return None
    if card.scores is not UNSET and not _is_foreseen(card.scores):
        return None
    if card.datetime is UNSET:
        return text
    at = bytes(card.datetime)
    return with_member(text, _scored(card.datetime, rules)) if at.startswith(b'"') else None


def _is_foreseen(skills: Mapping[str, msgspec.Raw]) -> bool:
    if not skills.keys() <= _SKILL_KEYS:
        return False
    texts = list(map(bytes, skills.values()))
    # Nearly always they are objects.
    return all(map(bytes.startswith, texts, repeat(b"{"))) or all(text[:1] not in _NUMBERS for text in texts)


_SKILL_KEYS: Final = frozenset(SKILLS.values())


def _shape_card(item: Item, rules: Rules) -> Shaped:
    item = _with_zone(item, "ingestedAt")
    members: list[str] = []
    scores = item.get("scores")
    if scores is not None and scores.M is not UNSET:
        item, members = _with_other_skills(item, scores.M)
    given = item.get("datetime")
    if given is not None and given.S is not UNSET:
        members.append(_scored(given.S, rules))
    return item, members


def _scored(given: msgspec.Raw, rules: Rules) -> str:
    return f'"{CALL_TIME}":{quote(_scored_at(msgspec.json.decode(given, type=str), rules))}'


def _scored_at(text: str, rules: Rules) -> str:
    """A scorecard's time in UTC. In an hour that comes twice the first is meant. What is no time is left as it is."""
    found = _TIME.match(text)
    iso = f"{found[1]}T{found[2]}:{found[3]}:{found[4]}" if found else text
    if found and rules.scorecard_zone == "UTC":
        return iso + "Z"
    try:
        at = datetime.fromisoformat(iso)
    except ValueError:
        return text
    return at.replace(tzinfo=at.tzinfo or ZoneInfo(rules.scorecard_zone)).astimezone(UTC).isoformat()


def _with_other_skills(item: Item, skills: Item) -> Shaped:
    """Skills without columns go to the two maps; what else such a skill holds stays where it is.

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
        score, said = parts.pop("score", None), parts.pop("evidence", None)
        if score is not None and score.NULL is UNSET:
            path = ("scores", name, "score")
            value = f'"{number(score.N, path)}"' if score.N is not UNSET else text_of(score, path=path)
            scores.append(f"{quote(name)}:{value}")
        if said is not None and said.NULL is UNSET:
            evidence.append(f"{quote(name)}:{text_of(said, path=('scores', name, 'evidence'))}")
        if parts:
            kept[name] = Attribute(M=parts)
    found = ((OTHER_SCORES, scores), (OTHER_EVIDENCE, evidence))
    members = [f'"{key}":{{{",".join(members)}}}' for key, members in found if members]
    return {**item, "scores": Attribute(M=kept)}, members


SHAPES: Final[Mapping[str, Shape]] = {
    "call": Shape(msgspec.json.Decoder(_PlainCall), _look_at_call, _shape_call),
    "scorecard": Shape(msgspec.json.Decoder(_PlainCard), _look_at_card, _shape_card),
}
