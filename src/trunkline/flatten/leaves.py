"""Leaves that Python reads, for a whole batch: found by one typed pass over the bytes, read once per distinct text."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Any

import msgspec

from trunkline.compile.flatten import by_hand
from trunkline.compile.tree import Leaf, tree_of
from trunkline.errors import RecordError
from trunkline.flatten.canonical import exact
from trunkline.flatten.careful import Findings, Hiding, read_leaf, read_map
from trunkline.flatten.pii import PiiRule, has_pii
from trunkline.flatten.typed import quick_reader
from trunkline.limits import LEAF_MEMO_MAX
from trunkline.objects.model import Object

Texts = list[bytes | None]
Read = tuple[bytes | None, bytes | None]
"""A leaf's text, and what is hashed in its place."""

_NULL = msgspec.Raw(b"null")
_NONE: Read = (None, None)
_ODD = b""
"""In the memo: the leaf's record needs the careful reading."""


@dataclass(slots=True)
class HandLeaves:
    """The leaves of one batch: by leaf number a text per record, and the records that need the careful reading.

    `safe`: what is hashed in place of a text, None where that is the text itself.
    """

    texts: dict[int, Texts] = field(default_factory=dict)
    safe: dict[int, Texts] = field(default_factory=dict)
    careful: set[int] = field(default_factory=set)


class LeafReader:
    """Reads the leaves of one object's records; remembers what it read.

    A record with another value where the catalogue knows an object needs the careful reading too.
    """

    def __init__(self, obj: Object, rule: PiiRule) -> None:
        self._leaves = by_hand(obj)
        self._hiding = Hiding(rule)
        root: dict[str, Any] = {}
        # All known objects: the pass finds another value in their place, which DuckDB would make NULL.
        for path in (*tree_of(obj).objects[1:], *(leaf.path for _, leaf in self._leaves)):
            node = root
            for key in path[:-1]:
                node = node.setdefault(key, {})
            node[path[-1]] = {} if path in tree_of(obj).objects else None
        self._kind = _struct(root, "Record")
        self._decoder = msgspec.json.Decoder(self._kind)
        self._quick = {n: quick_reader(leaf) for n, leaf in self._leaves}
        self._memo: dict[int, dict[bytes, Read]] = {n: {b"null": _NONE} for n, _ in self._leaves}

    def read(self, records: Sequence[bytes]) -> HandLeaves:
        """The leaves of records that are strict JSON objects."""
        found = HandLeaves()
        decoded = self._decoded(records, found)
        for n, leaf in self._leaves:
            holders, kind = decoded, self._kind
            for key in leaf.path[:-1]:
                kind = kind.inner[key]  # type: ignore[attr-defined]
                nothing = kind()
                holders = [held or nothing for held in map(attrgetter(_attribute(key)), holders)]
            raws = map(attrgetter(_attribute(leaf.path[-1])), holders)
            self._column(n, leaf, raws, found)
        return found

    def _decoded(self, records: Sequence[bytes], found: HandLeaves) -> list[Any]:
        try:
            return self._decoder.decode_lines(b"".join(records))
        except msgspec.DecodeError:
            return [self._one(row, record, found) for row, record in enumerate(records)]

    def _one(self, row: int, record: bytes, found: HandLeaves) -> Any:
        try:
            return self._decoder.decode(record)
        except msgspec.DecodeError:
            found.careful.add(row)
            return self._decoder.decode(b"{}")

    def _column(self, n: int, leaf: Leaf, raws: Iterable[msgspec.Raw], found: HandLeaves) -> None:
        memo = self._memo[n]
        if len(memo) > LEAF_MEMO_MAX:
            memo.clear()
            memo[b"null"] = _NONE
        keys = list(map(bytes, raws))
        distinct = set(keys)
        for key in distinct.difference(memo):
            memo[key] = self._read(n, leaf, key)
        if distinct == {b"null"}:
            return
        found.texts[n] = [memo[key][0] for key in keys]
        if any(memo[key][1] is not None for key in distinct):
            found.safe[n] = [memo[key][1] for key in keys]
        if any(memo[key][0] == _ODD for key in distinct):
            odd = [row for row, text in enumerate(found.texts[n]) if text == _ODD]
            found.careful.update(odd)
            for row in odd:
                found.texts[n][row] = None

    def _read(self, n: int, leaf: Leaf, raw: bytes) -> Read:
        """The leaf's text for the statement and for the hash; `_ODD` where that depends on the rest of its record."""
        quick = self._quick[n](raw)
        if quick is None:
            return self._exactly(leaf, raw)
        text, texts = quick
        column = leaf.columns[0]
        if column.pii != "indirect" or not has_pii(text.decode()):
            return text, None
        if texts is None:
            return _ODD, None
        shown, safe = read_map(column, texts, self._hiding)
        return shown.encode(), None if safe is None else safe.encode()

    def _exactly(self, leaf: Leaf, raw: bytes) -> Read:
        findings = Findings()
        try:
            shown, safe = read_leaf(leaf, exact(raw.decode()), self._hiding, findings)
        except RecordError:
            return _ODD, None
        if findings.unknown or findings.bad:
            return _ODD, None
        return shown.encode(), None if safe is None else safe.encode()


def _attribute(key: str) -> str:
    """A name that any key of a record may have as an attribute."""
    return "k" + key.encode().hex()


def _struct(tree: dict[str, Any], name: str) -> type[msgspec.Struct]:
    """A type that takes the raw text of the leaves in `tree`; `inner` has the types of the objects they are in."""
    fields: list[tuple[str, Any, Any]] = []
    inner: dict[str, type[msgspec.Struct]] = {}
    for key, below in tree.items():
        if isinstance(below, dict):
            inner[key] = _struct(below, f"{name}_{_attribute(key)}")
            fields.append((_attribute(key), inner[key] | None, None))
        else:
            fields.append((_attribute(key), msgspec.Raw, _NULL))
    names = {_attribute(key): key for key in tree}
    return msgspec.defstruct(name, fields, rename=names, namespace={"inner": inner}, frozen=True, gc=False)
