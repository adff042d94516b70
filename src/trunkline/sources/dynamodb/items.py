"""Items of DynamoDB tables as the JSON texts that flatten reads, and the one order of an item's versions.

What is derived here has keys that begin with `trunkline:`, so that it can take no attribute's place.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from functools import cache, lru_cache
from typing import Any, Final

import msgspec

from trunkline.errors import RecordError
from trunkline.objects.model import Object
from trunkline.sources.dynamodb.shapes import SHAPES, Look, Rules
from trunkline.sources.dynamodb.values import Item, Path, object_text, untagged, with_member
from trunkline.sql.flatten.tree import tree_of

DELETED_BY: Final = "trunkline:deletedBy"
RANK_MISSING, RANK_SCAN, RANK_EXPORT, RANK_STREAM = range(4)
"""Which of two rows with one effective time is newer: a stream names every change, the others a state."""
READ_BEFORE: Final = timedelta(minutes=1)
"""A scan or an export may show what was true this long before, and clocks may differ as much."""
STREAM_AFTER: Final = timedelta(seconds=1)
"""A stream gives the second in which a change was made, rounded down."""


def version_text(effective: datetime, rank: int, sequence: int = 0) -> str:
    """The version of an item as text that sorts: effective time (naive UTC), rank of the source, sequence number."""
    return f"{_time_text(effective)}/{rank}/{sequence:040d}"


@lru_cache(1_024)
def _time_text(effective: datetime) -> str:
    # The rows of a page, an export or a second of a stream share it.
    return effective.isoformat(" ", "microseconds")


_ITEM: Final = msgspec.json.Decoder(Item)


def texts_of(
    obj: Object, items: Sequence[bytes], rules: Rules, deleted_by: Mapping[int, str]
) -> list[bytes | RecordError]:
    """The text of each item, or why there is none. `items` are typed items as JSON.

    `deleted_by` says of some items, by their place, who removed them.
    """
    items = [msgspec.json.format(one, indent=-1) if b"\n" in one else one for one in items]
    found: list[bytes | RecordError] = []
    for start in range(0, len(items), _AT_ONCE):
        some = items[start : start + _AT_ONCE]
        quick = _quick(obj, some, rules) or [None] * len(some)
        found += [text or _carefully(obj, typed, rules) for typed, text in zip(some, quick, strict=True)]
    if (DELETED_BY,) in _exact_paths(obj):
        for place, who in deleted_by.items():
            text = found[place]
            if isinstance(text, bytes):
                found[place] = with_member(text, f'"{DELETED_BY}":"{who}"')
    return found


_AT_ONCE: Final = 256
"""Items that lose their tags together: few enough to stay in the processor's cache."""


def _quick(obj: Object, items: Sequence[bytes], rules: Rules) -> Sequence[bytes | None] | None:
    """The texts of plain items, None for those that are to be read value by value."""
    joined = untagged(b"\n".join(items))
    if joined is None:
        # One item hinders its neighbours.
        return [(_quick(obj, [one], rules) or [None])[0] for one in items] if len(items) > 1 else None
    texts = joined.split(b"\n")
    if obj.name not in SHAPES:
        return texts
    kind, look, _ = SHAPES[obj.name]
    try:
        looked = kind.decode_lines(joined)
    except msgspec.DecodeError:
        return [_quick_one(kind, look, text, rules) for text in texts]
    return [look(one, text, rules) for one, text in zip(looked, texts, strict=True)]


def _quick_one(kind: msgspec.json.Decoder[Any], look: Look, text: bytes, rules: Rules) -> bytes | None:
    try:
        return look(kind.decode(text), text, rules)
    except msgspec.DecodeError:
        return None


def _carefully(obj: Object, typed: bytes, rules: Rules) -> bytes | RecordError:
    """The text of one item, value by value, or why there is none."""
    members: list[str] = []
    try:
        item = _ITEM.decode(typed)
        if obj.name in SHAPES:
            item, members = SHAPES[obj.name].shape(item, rules)
        text = object_text(item, _exact_paths(obj)).encode()
    except RecordError as error:
        return error
    except (msgspec.DecodeError, RecursionError):
        return RecordError("wrong_type", "the item is not in DynamoDB's typed JSON")
    for member in members:
        text = with_member(text, member)
    return text


@cache
def _exact_paths(obj: Object) -> Mapping[Path, bool]:
    """The scalar columns' paths, and whether a number there is an id or another text."""
    return {leaf.path: leaf.type == "text" for leaf in tree_of(obj).leaves if isinstance(leaf.type, str)}
