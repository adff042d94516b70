"""Leaves that are no scalars, for a whole batch: read once per distinct text."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from trunkline.errors import RecordError
from trunkline.flatten.canonical import exact
from trunkline.flatten.careful import Findings, read_leaf, read_map
from trunkline.flatten.pii import Hiding, PiiRule, has_pii
from trunkline.flatten.typed import quick_reader
from trunkline.limits import LEAF_MEMO_MAX
from trunkline.objects.model import Object
from trunkline.sql.flatten.statement import by_hand
from trunkline.sql.flatten.tree import Leaf

Texts = list[bytes | None]
Read = tuple[bytes | None, bytes | None]
"""A leaf's text, and what is hashed in its place."""

_NOTHING = {None, b"null"}
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
    """Reads the leaves of one object's records; remembers what it read."""

    def __init__(self, obj: Object, rule: PiiRule) -> None:
        self._leaves = by_hand(obj)
        self._hiding = Hiding(rule)
        self._quick = {n: quick_reader(leaf) for n, leaf in self._leaves}
        self._memo: dict[int, dict[bytes | None, Read]] = {n: {} for n, _ in self._leaves}

    def read(self, values: Mapping[int, Texts]) -> HandLeaves:
        """The leaves whose JSON texts are given by number."""
        found = HandLeaves()
        for n, leaf in self._leaves:
            if n in values:
                self._column(n, leaf, values[n], found)
        return found

    def _column(self, n: int, leaf: Leaf, raws: Texts, found: HandLeaves) -> None:
        memo = self._memo[n]
        if len(memo) > LEAF_MEMO_MAX:
            memo.clear()
        distinct = set(raws)
        for key in distinct.difference(memo):
            memo[key] = self._read(n, leaf, key)
        if distinct <= _NOTHING:
            return
        found.texts[n] = [memo[key][0] for key in raws]
        if any(memo[key][1] is not None for key in distinct):
            found.safe[n] = [memo[key][1] for key in raws]
        if any(memo[key][0] == _ODD for key in distinct):
            odd = [row for row, text in enumerate(found.texts[n]) if text == _ODD]
            found.careful.update(odd)
            for row in odd:
                found.texts[n][row] = None

    def _read(self, n: int, leaf: Leaf, raw: bytes | None) -> Read:
        """The leaf's text for the statement and for the hash; `_ODD` where that depends on the rest of its record."""
        if raw is None or raw in _NOTHING:
            return None, None
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
