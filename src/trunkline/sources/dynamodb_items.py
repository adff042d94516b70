"""Items of DynamoDB tables as the JSON texts that flatten reads, and the one order of an item's versions.

What is derived here has keys that begin with `trunkline:`, so that it can take no attribute's place.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache, lru_cache
from typing import Final, Literal
from zoneinfo import ZoneInfo

import msgspec
from msgspec import UNSET

from trunkline.compile.tree import tree_of
from trunkline.errors import RecordError
from trunkline.objects.model import Object
from trunkline.objects.scorecard import SKILLS
from trunkline.sources.dynamodb_values import (
    Attribute,
    Item,
    Path,
    is_plain,
    number,
    object_text,
    quote,
    text_of,
    untagged,
)

DELETED_BY: Final = "trunkline:deletedBy"
CALL_TIME, OTHER_SCORES, OTHER_EVIDENCE = (
    f"trunkline:{name}" for name in ("callTimestampUTC", "otherScores", "otherEvidence")
)

RANK_MISSING, RANK_SCAN, RANK_EXPORT, RANK_STREAM = range(4)
"""Which of two rows with one effective time is newer: a stream names every change, the others a state."""
READ_BEFORE: Final = timedelta(minutes=1)
"""A scan or an export may show what was true this long before, and clocks may differ as much."""
STREAM_AFTER: Final = timedelta(seconds=1)
"""A stream gives the second in which a change was made, rounded down."""

Deletes = Literal["all", "users", "none"]


@dataclass(frozen=True, slots=True)
class Rules:
    """What a person decides of items: which removals delete rows, and the zone of a scorecard's `datetime`."""

    deletes: Deletes = "all"
    scorecard_zone: str = "UTC"


def version_text(effective: datetime, rank: int, sequence: int = 0) -> str:
    """The version of an item as text that sorts: effective time (naive UTC), rank of the source, sequence number."""
    return f"{_time_text(effective)}/{rank}/{sequence:040d}"


@lru_cache(1_024)
def _time_text(effective: datetime) -> str:
    # The rows of a page, an export or a second of a stream share it.
    return effective.isoformat(" ", "microseconds")


_ITEM: Final = msgspec.json.Decoder(Item)
_TIME: Final = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})T([0-9]{2})[-:]([0-9]{2})[-:]([0-9]{2})\Z")
_FULL_TIME: Final = re.compile(rb'"[0-9T:.-]{19,29}Z"\Z')


def texts_of(obj: Object, items: Sequence[str], rules: Rules, deleted_by: Mapping[int, str]) -> list[str | RecordError]:
    """The text of each item, or why there is none. `items` are typed items as compact JSON.

    `deleted_by` says of some items, by their place, who removed them.
    """
    items = [_compact(one) if "\n" in one else one for one in items]
    plain = [text for start in range(0, len(items), _AT_ONCE) for text in _untagged(items[start : start + _AT_ONCE])]
    shape = _SHAPES.get(obj.name, _as_it_is)
    is_told = (DELETED_BY,) in _exact_paths(obj)
    found: list[str | RecordError] = []
    for place, (typed, quick) in enumerate(zip(items, plain, strict=True)):
        try:
            item = _ITEM.decode(typed)
            text = shape(obj, item, quick if is_plain(quick) else object_text(item, _exact_paths(obj)), rules)
            if is_told and place in deleted_by:
                text = _with(text, f'"{DELETED_BY}":"{deleted_by[place]}"')
            found.append(text)
        except RecordError as error:
            found.append(error)
        except (msgspec.DecodeError, RecursionError):
            found.append(RecordError("wrong_type", "the item is not in DynamoDB's typed JSON"))
    return found


_AT_ONCE: Final = 256
"""Items that go through the patterns together: few enough to stay in the processor's cache."""


def _untagged(items: Sequence[str]) -> list[str]:
    return untagged("\n".join(items)).split("\n")


def _compact(text: str) -> str:
    return msgspec.json.format(text.encode(), indent=-1).decode()


@cache
def _exact_paths(obj: Object) -> Mapping[Path, bool]:
    """The scalar columns' paths, and whether a number there is an id or another text."""
    return {leaf.path: leaf.type == "text" for leaf in tree_of(obj).leaves if isinstance(leaf.type, str)}


def _with(text: str, member: str) -> str:
    return f"{{{member},{text[1:]}" if text != "{}" else f"{{{member}}}"


def _as_it_is(obj: Object, item: Item, text: str, rules: Rules) -> str:
    return text


def _call(obj: Object, item: Item, text: str, rules: Rules) -> str:
    payload = item.get("payload")
    queue = payload.M.get(_QUEUE) if payload is not None and payload.M is not UNSET else None
    if queue is not None and queue.N is not UNSET:
        # A queue's id is a number in some items and a text in others; the column is a text.
        before, key, after = text.partition(f'"{_QUEUE}":')
        if key in after or not after.startswith(queue.N):
            text = object_text(item, _exact_paths(obj))
        else:
            text = f'{before}{key}"{queue.N}"{after[len(queue.N) :]}'
    return _with_zone(obj, item, text, "callTimestampUTC")


_QUEUE: Final = "queueId"


def _with_zone(obj: Object, item: Item, text: str, key: str) -> str:
    """The text with the time at `key` in a form that has an offset; one without is UTC. What is no time is left."""
    given = item.get(key)
    if given is None or given.S is UNSET or _FULL_TIME.match(bytes(given.S)):
        return text
    try:
        at = datetime.fromisoformat(msgspec.json.decode(given.S, type=str))
    except ValueError:
        return text
    changed = at.replace(tzinfo=at.tzinfo or UTC).isoformat()
    return object_text({**item, key: Attribute(S=msgspec.Raw(quote(changed).encode()))}, _exact_paths(obj))


def _scorecard(obj: Object, item: Item, text: str, rules: Rules) -> str:
    text = _with_zone(obj, item, text, "ingestedAt")
    scores = item.get("scores")
    if scores is not None and scores.M is not UNSET and not _is_foreseen(scores.M):
        text = _with_other_skills(obj, item, scores.M)
    given = item.get("datetime")
    if given is None or given.S is UNSET:
        return text
    return _with(text, f'"{CALL_TIME}":{quote(_scored_at(msgspec.json.decode(given.S, type=str), rules))}')


def _is_foreseen(skills: Item) -> bool:
    return skills.keys() <= _SKILL_KEYS and all(value.N is UNSET for value in skills.values())


_SKILL_KEYS: Final = frozenset(SKILLS.values())


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


def _with_other_skills(obj: Object, item: Item, skills: Item) -> str:
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
    text = object_text({**item, "scores": Attribute(M=kept)}, _exact_paths(obj))
    for key, members in ((OTHER_SCORES, scores), (OTHER_EVIDENCE, evidence)):
        if members:
            text = _with(text, f'"{key}":{{{",".join(members)}}}')
    return text


_SHAPES: Final[Mapping[str, Callable[[Object, Item, str, Rules], str]]] = {"call": _call, "scorecard": _scorecard}
