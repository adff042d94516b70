"""Records of objects whose source is careless: keys in any letter case, and 1970 for a time that is not set.

Amazon's samples of contact events have `agentInfo` and `AgentInfo`, and `1970-01-01T00:00:00.001Z` for a time that is
not set. Such records are rewritten before they are decoded: with the catalogue's keys, and null for that time.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Final

import msgspec

from trunkline.objects.model import Object
from trunkline.sql.flatten.values import tree_of

_TOP: Final = msgspec.json.Decoder(dict[str, msgspec.Raw])
_KEY: Final = re.compile(rb'"([A-Za-z-]+)"\s*:')
_NEVER: Final = re.compile(rb':\s*"1970-01-01T00:00:00(?:\.\d+)?(?:Z|\+00:00)"')


def tidy_records(obj: Object, records: Sequence[bytes]) -> list[bytes]:
    """The records with the catalogue's keys; those that have them, and those that are no JSON objects, as they are."""
    known, right = _known_keys(obj), set[bytes]()
    return [_tidy_record(obj, record, known, right) for record in records]


def _tidy_record(obj: Object, record: bytes, known: Mapping[bytes, bytes], right: set[bytes]) -> bytes:
    """`right` remembers keys that need no renaming, those of the catalogue and unknown ones."""
    if b'"1970-01-01T00:00:00' in record:
        record = _NEVER.sub(b":null", record)
    keys = _KEY.findall(record)
    if right.issuperset(keys):
        return record
    new = set(keys) - right
    if all(known.get(key.lower(), key) == key for key in new):
        right |= new
        return record
    try:
        return _renamed(record, (), _names_by_path(obj))
    except msgspec.DecodeError:
        return record


def _renamed(text: bytes, path: tuple[str, ...], names: Mapping[tuple[str, ...], Mapping[str, str]]) -> bytes:
    """An object with the catalogue's names for its keys and for those of the known objects in it."""
    members = _TOP.decode(text)
    result: dict[str, msgspec.Raw] = {}
    for key, value in members.items():
        name = names[path].get(key.lower(), key)
        if name != key and name in members:
            name = key  # both are there: the other spelling stays an unknown field
        inner = (*path, name)
        is_object = inner in names and bytes(value).lstrip().startswith(b"{")
        result[name] = msgspec.Raw(_renamed(bytes(value), inner, names)) if is_object else value
    return msgspec.json.encode(result)


@cache
def _names_by_path(obj: Object) -> Mapping[tuple[str, ...], Mapping[str, str]]:
    tree = tree_of(obj)
    return {path: {name.lower(): name for name in tree.known_keys(path)} for path in tree.objects}


@cache
def _known_keys(obj: Object) -> Mapping[bytes, bytes]:
    """Every known key by its lower case; a key that is not spelled like this may need to be renamed."""
    return {name.lower().encode(): name.encode() for names in _names_by_path(obj).values() for name in names.values()}
