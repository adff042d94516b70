"""The table `records` that the flatten statement reads: a batch's decoded leaves, and what is known beside them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from trunkline.flatten import records as arrow
from trunkline.flatten.careful import Made
from trunkline.flatten.columns import Look, no_column, plain_column, scalar_column
from trunkline.flatten.decode import Decoded, Values
from trunkline.flatten.leaves import HandLeaves
from trunkline.flatten.letters import place
from trunkline.flatten.pii import PiiRule
from trunkline.objects.model import Object
from trunkline.positions import Plan
from trunkline.records import Framed, Mark, Texts
from trunkline.sql.flatten.statement import leaf_names, safe_name
from trunkline.sql.flatten.tree import tree_of

_MARK = Mark()
# An own number with an escape in it would not be found in JSON text.
_ESCAPED = re.compile(r'["\\\x00-\x1f]')


class Batch:
    """What is known of a batch beside its texts, row by row."""

    def __init__(self, framed: Framed, loaded_at: datetime) -> None:
        self.framed = framed
        texts = framed.texts
        self.records = texts.records if isinstance(texts, Texts) else [text.encode() for text in texts]
        self._loaded_us = _microseconds(loaded_at)
        self._places = [place(framed, index) for index in range(len(framed.plan.ranges))]
        self._arrived_us = [_microseconds(one.arrived_at) for one in framed.plan.ranges]

    def arrived_at(self, row: int) -> datetime:
        """When the record arrived."""
        return self.framed.plan.ranges[self.framed.range_indexes[row]].arrived_at

    def columns(self, rows: Sequence[int]) -> dict[str, arrow.Column]:
        """The columns of these rows that do not depend on what is in the records."""
        places = [(self.framed.range_indexes[row], self.framed.offsets[row]) for row in rows]
        return {
            "record_row": arrow.integers(rows),
            "record_position": arrow.strings([f"{self._places[index]}{offset}" for index, offset in places]),
            "record_arrived_at": arrow.times([self._arrived_us[index] for index, _ in places]),
            "record_loaded_at": arrow.times([self._loaded_us] * len(rows)),
            **self._marks(rows),
        }

    def _marks(self, rows: Sequence[int]) -> dict[str, arrow.Column]:
        marks = self.framed.marks
        chosen = [_MARK] * len(rows) if marks is None else [marks[row] for row in rows]
        return {
            "record_fidelity": arrow.strings([mark.fidelity for mark in chosen]),
            "record_version": arrow.strings([mark.version for mark in chosen]),
            "record_is_deleted": arrow.booleans([mark.is_deleted for mark in chosen]),
        }


class Rows:
    """Fills the table of one object's flatten statement, under one rule for personal data."""

    def __init__(self, obj: Object, rule: PiiRule) -> None:
        self.records = arrow.Records()
        self._pads = rule.pads
        leaves = [(n, leaf_names(obj)[n], leaf) for n, leaf in enumerate(tree_of(obj).leaves)]
        self._scalars = [one for one in leaves if isinstance(one[2].type, str)]
        self._hand = [one for one in leaves if not isinstance(one[2].type, str)]
        self.set_made(Batch(Framed(Plan("", "", ()), [], [], [], [], 0), datetime(1970, 1, 1)), {})

    def clear(self) -> None:
        """Let the table hold no rows."""
        self.records.clear()

    def set_plain(
        self, batch: Batch, decoded: Decoded, leaves: HandLeaves, left: set[int],
        extra: Mapping[int, tuple[str, str]], is_strict: bool = False,
    ) -> Counter[str]:  # fmt: skip
        """Let the table hold a whole batch as it was decoded; rows in `left` and those that are not plain are marked.

        Returns how many values have another JSON type than the catalogue expects, by path and type. `is_strict`: see
        `columns.Look`.
        """
        count, look = len(batch.records), Look(is_strict)
        values: dict[str, arrow.Column] = {}
        for n, name, leaf in self._scalars:
            found = decoded.values.get(n)
            values[name] = no_column(leaf, count) if found is None else scalar_column(leaf, found, look)
            if leaf.columns[0].pii == "direct" and found is not None:
                look.odd.update(_escaped(found))
        for n, name, _ in self._hand:
            values[name], values[safe_name(name)] = (_texts(of.get(n), count) for of in (leaves.texts, leaves.safe))
        marked = look.odd | left
        is_left = [row in marked for row in range(count)] if marked else [False] * count
        self._set(batch, range(count), values, extra, is_left, is_made=False)
        return look.types

    def set_made(self, batch: Batch, made: Mapping[int, Made]) -> None:
        """Let the table hold these rows, as they were made plain."""
        rows, count = list(made), len(made)
        values: dict[str, arrow.Column] = {}
        for n, name, leaf in self._scalars:
            values[name] = plain_column(leaf, [one.scalars.get(n) for one in made.values()])
        for n, name, _ in self._hand:
            pairs = [one.leaves.get(n, (None, None)) for one in made.values()]
            values[name] = arrow.strings([text for text, _ in pairs])
            values[safe_name(name)] = arrow.strings([safe for _, safe in pairs])
        extra = {row: (one.unmapped, one.unmapped_safe) for row, one in made.items()}
        self._set(batch, rows, values, extra, [False] * count, is_made=True)

    def _set(
        self, batch: Batch, rows: Sequence[int], values: Mapping[str, arrow.Column],
        extra: Mapping[int, tuple[str | None, str | None]], is_left: Sequence[bool], is_made: bool,
    ) -> None:  # fmt: skip
        count = len(rows)
        unmapped = [extra.get(row, (None, None)) for row in rows]
        inner, outer = (arrow.same_bytes(pad, count) for pad in self._pads)
        self.records.set(
            count,
            {
                **batch.columns(rows),
                **values,
                "record_unmapped": arrow.strings([one for one, _ in unmapped]),
                "record_unmapped_safe": arrow.strings([one for _, one in unmapped]),
                "record_is_left": arrow.booleans(is_left),
                "record_is_made": arrow.booleans([is_made] * count),
                "record_ms": arrow.integers([1 if is_made else 1000] * count),
                "record_inner_pad": inner,
                "record_outer_pad": outer,
            },
        )


def _escaped(values: Values) -> Iterable[int]:
    """The rows whose text is written with an escape."""
    texts = (text for text in values if isinstance(text, str))
    if not _ESCAPED.search("".join(texts)):
        return ()
    return (row for row, text in enumerate(values) if _ESCAPED.search(str(text)))


def _texts(texts: Sequence[bytes | None] | None, count: int) -> arrow.Column:
    return arrow.no_texts(count) if texts is None else arrow.texts(texts)


def _microseconds(at: datetime) -> int:
    since = at - datetime(1970, 1, 1)
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds
