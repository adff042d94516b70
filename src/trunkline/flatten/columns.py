"""A batch as the Arrow columns that the flatten statement reads: its decoded leaves, and what is known beside them.

A scalar leaf goes the quick way first, which takes a whole column at once; value by value only where that fails.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from types import NoneType
from typing import Any

import msgspec

from trunkline.flatten import arrow
from trunkline.flatten.careful import PlainRecord
from trunkline.flatten.decode import Decoded, Values
from trunkline.flatten.exact import Number, json_type, plain_scalar
from trunkline.flatten.nested import NestedColumns, Texts
from trunkline.flatten.notations import read_scalar
from trunkline.flatten.privacy import OWN_LENGTH_MIN, PiiRule
from trunkline.limits import LEAF_MEMO_MAX
from trunkline.objects.model import AS_USUAL, DECIMAL_DIGITS, Column, Json, Object
from trunkline.sql.flatten.statement import is_hidden, is_read, leaf_names, safe_name, stored_name
from trunkline.sql.flatten.values import DATES, SECONDS_DIGITS, TIMES, Leaf, tree_of

_ZEROS = {ord(digit): "0" for digit in "123456789"}
_SHAPES = {"timestamp": TIMES, "date": DATES}
_NULL = b"null"
_NUMBER_BEGINS = b"-0123456789"
# A number of the record's own with an escape in it would not be found in JSON text.
_ESCAPED = re.compile(r'["\\\x00-\x1f]')


@dataclass(slots=True)
class ColumnFindings:
    """What making columns found: rows that need the careful reading, and rows with a value of another JSON type.

    `is_strict`: every time is read here too, since DuckDB refused one (30 February) and does not say which. `row` is
    the row that is being read. `is_text`: the source has nothing but texts, so that a text in place of a number says
    nothing.
    """

    is_strict: bool = False
    is_text: bool = False
    odd: set[int] = field(default_factory=set)
    types: list[tuple[int, str]] = field(default_factory=list)
    row: int = 0


class BatchTable:
    """Fills the table that the flatten statement reads, of one object's records with values at certain leaves."""

    def __init__(self, obj: Object, rule: PiiRule, leaves: frozenset[int]) -> None:
        self.arrow = arrow.ArrowTable()
        self._obj, self._rule = obj, rule
        names = leaf_names(obj)
        chosen = [(n, names[n], leaf) for n, leaf in enumerate(tree_of(obj).leaves) if n in leaves]
        self._scalars = [item for item in chosen if isinstance(item[2].type, str)]
        self._nested = [item for item in chosen if not isinstance(item[2].type, str)]
        self._hidden: dict[bool, dict[str | None, str | None]] = {False: {}, True: {}}

    def set_plain(
        self,
        batch: arrow.Batch,
        decoded: Decoded,
        nested: NestedColumns,
        left: set[int],
        unmapped: Mapping[int, tuple[str, str]],
        is_strict: bool = False,
    ) -> list[tuple[int, str]]:
        """Let the table contain a whole batch as it was decoded; rows in `left` and odd ones are marked.

        Returns row, path and type of the values that have another JSON type than the catalogue expects. `is_strict`:
        see `ColumnFindings`.
        """
        values, marked, types = self._plain(batch, decoded, nested, left, is_strict)
        is_left = [row in marked for row in range(batch.count)] if marked else [False] * batch.count
        self._set(batch, range(batch.count), values, unmapped, is_left, is_made=False)
        return types

    def set_beside(
        self, batch: arrow.Batch, decoded: Decoded, left: set[int], unmapped: Mapping[int, tuple[str, str]]
    ) -> tuple[list[str], list[tuple[int, str]]]:
        """Let the table contain what a batch of rows has beside the cells of the engine, which have the other leaves.

        Returns the names of its columns that are the records', and what `set_plain` returns.
        """
        count = batch.count
        values, marked, types = self._plain(batch, decoded, NestedColumns(), left, is_strict=False)
        pairs = [unmapped.get(row, (None, None)) for row in range(count)] if unmapped else []
        values["record_unmapped"] = arrow.strings([shown for shown, _ in pairs]) if pairs else arrow.no_texts(count)
        values["record_unmapped_safe"] = arrow.strings([safe for _, safe in pairs]) if pairs else arrow.no_texts(count)
        values["record_is_left"] = arrow.booleans([row in marked for row in range(count)])
        if batch.framed.marks is not None:
            values |= batch.marks(range(count))
        self.arrow.set(count, {**batch.places(), **values})
        return list(values), types

    def _plain(
        self, batch: arrow.Batch, decoded: Decoded, nested: NestedColumns, left: set[int], is_strict: bool
    ) -> tuple[dict[str, arrow.Column], set[int], list[tuple[int, str]]]:
        """The columns of the leaves of a batch as it was decoded, the rows that are odd or left, and other types."""
        count = batch.count
        findings = ColumnFindings(is_strict, is_text=batch.framed.layout is not None)
        values: dict[str, arrow.Column] = {}
        own: list[Sequence[str | None]] = []
        for n, name, leaf in self._scalars:
            decoded_values = decoded.values.get(n)
            if decoded_values is None:
                values |= self._no_scalar(name, leaf, count)
            elif leaf.type == "text" and any(column.pii == "direct" for column in leaf.columns):
                texts = _direct_texts(leaf, decoded_values, findings)
                values |= self._text_columns(name, leaf, texts)
                own.append(texts)
            else:
                values[name] = _scalar_column(leaf, decoded_values, findings)
        for n, name, leaf in self._nested:
            values |= self._nested_columns(name, leaf, nested.texts.get(n), nested.safe.get(n), count)
        free = [
            nested.texts[n] for n, _, leaf in self._nested if leaf.columns[0].pii == "indirect" and n in nested.texts
        ]
        marked = findings.odd | left | _rows_with_own(own, free)
        return values, marked, findings.types

    def set_made(self, batch: arrow.Batch, made: Mapping[int, PlainRecord]) -> None:
        """Let the table contain these rows, as they were made plain."""
        rows, records = list(made), list(made.values())
        values: dict[str, arrow.Column] = {}
        for n, name, leaf in self._scalars:
            scalars = [record.scalars.get(n) for record in records]
            if leaf.type == "text":
                values |= self._text_columns(name, leaf, scalars)
            else:
                values[name] = _plain_column(leaf, scalars)
        for n, name, leaf in self._nested:
            pairs = [record.nested.get(n, (None, None)) for record in records]
            texts = [None if text is None else text.encode() for text, _ in pairs]
            safes = [None if safe is None else safe.encode() for _, safe in pairs]
            values |= self._nested_columns(name, leaf, texts, safes, len(rows))
        unmapped = {row: (record.unmapped, record.unmapped_safe) for row, record in made.items()}
        self._set(batch, rows, values, unmapped, [False] * len(rows), is_made=True)

    def _set(
        self,
        batch: arrow.Batch,
        rows: Sequence[int],
        values: Mapping[str, arrow.Column],
        unmapped: Mapping[int, tuple[str | None, str | None]],
        is_left: Sequence[bool],
        is_made: bool,
    ) -> None:
        count = len(rows)
        pairs = [unmapped.get(row, (None, None)) for row in rows]
        self.arrow.set(
            count,
            {
                **batch.columns(rows),
                **values,
                "record_unmapped": arrow.strings([shown for shown, _ in pairs]),
                "record_unmapped_safe": arrow.strings([safe for _, safe in pairs]),
                "record_is_left": arrow.booleans(is_left),
                "record_is_made": arrow.booleans([is_made] * count),
                "record_ms": arrow.integers([1 if is_made else 1000] * count),
            },
        )

    def _no_scalar(self, name: str, leaf: Leaf, count: int) -> dict[str, arrow.Column]:
        if leaf.type == "text":
            names = [stored_name(column) for column in leaf.columns if is_hidden(column)]
            return dict.fromkeys([name, *names] if is_read(self._obj, leaf) else names, arrow.no_texts(count))
        make = _MAKE.get(leaf.type)
        return {name: arrow.no_texts(count) if make is None else arrow.no_values(make, count)}

    def _text_columns(self, name: str, leaf: Leaf, texts: Sequence[Any]) -> dict[str, arrow.Column]:
        """The columns of a leaf of texts: itself, and what is stored of it where that is hidden."""
        columns = {name: arrow.strings(texts)} if is_read(self._obj, leaf) else {}
        for column in leaf.columns:
            if is_hidden(column):
                columns[stored_name(column)] = arrow.strings(self._stored(column, texts))
        return columns

    def _nested_columns(
        self, name: str, leaf: Leaf, texts: Texts | None, safes: Texts | None, count: int
    ) -> dict[str, arrow.Column]:
        column = leaf.columns[0]
        columns: dict[str, arrow.Column] = {}
        if is_read(self._obj, leaf):
            columns[name] = arrow.no_texts(count) if texts is None else arrow.texts(texts)
        if column.pii == "indirect":
            columns[safe_name(name)] = arrow.no_texts(count) if safes is None else arrow.texts(safes)
        if is_hidden(column):
            shown = [None if text is None else text.decode() for text in texts or ()]
            stored = self._stored(column, shown)
            columns[stored_name(column)] = arrow.strings(stored) if texts else arrow.no_texts(count)
        return columns

    def _stored(self, column: Column, texts: Sequence[str | None]) -> list[str | None]:
        """What is stored of a column's texts. Hashes are remembered, since the endpoints of a centre repeat."""
        if column.transform == "last_arn_segment":
            texts = [None if text is None else text.rpartition("/")[2] for text in texts]
        hidden = self._hidden[isinstance(column.type, Json)]
        if len(hidden) > LEAF_MEMO_MAX:
            hidden.clear()
        for text in set(texts).difference(hidden):
            hidden[text] = None if text is None else self._rule.stored(column, text)
        return [hidden[text] for text in texts]


def _rows_with_own(own: Sequence[Sequence[str | None]], free: Sequence[Texts]) -> set[int]:
    """Rows that have a number of their own in a free value: what is hidden there depends on the record."""
    if not own or not free:
        return set()
    joined = [b" ".join(text for text in texts if text) for texts in zip(*free, strict=True)]
    rows: set[int] = set()
    for numbers in own:
        for row, number in enumerate(numbers):
            digits = "" if number is None else number.lstrip("+")
            if len(digits) >= OWN_LENGTH_MIN and digits.encode() in joined[row]:
                rows.add(row)
    return rows


def _direct_texts(leaf: Leaf, values: Values, findings: ColumnFindings) -> list[str | None]:
    """The texts of a leaf of direct personal data. Those that are written with an escape are odd."""
    if not {str, NoneType}.issuperset(map(type, values)):
        values = _each(leaf, values, findings, _as_text)
    texts = (text for text in values if text is not None)
    if _ESCAPED.search("".join(texts)):
        findings.odd.update(row for row, text in enumerate(values) if text is not None and _ESCAPED.search(text))
    return values


def _scalar_column(leaf: Leaf, values: Values, findings: ColumnFindings) -> arrow.Column:
    """The column of a scalar leaf as it was decoded; NULL in the rows that are odd by it."""
    read = _READERS.get(leaf.type)
    if leaf.type in _SHAPES:
        is_pattern = findings.is_strict or leaf.columns[0].notation.format
        if is_pattern or not any(_all_shaped(values, shape) for shape in _SHAPES[leaf.type]):
            values = _each(leaf, values, findings, _as_time)
    elif read is None:
        values = _numbers(leaf, values, findings)
    try:
        return _plain_column(leaf, values)
    except ValueError:  # of nanoarrow: a value of another type
        return _plain_column(leaf, _each(leaf, values, findings, _READERS[leaf.type]))


def _plain_column(leaf: Leaf, values: Values) -> arrow.Column:
    """The column of a scalar leaf from plain values. Raises ValueError where one is of another type."""
    return _MAKE.get(leaf.type, arrow.strings)(values)


def _each(
    leaf: Leaf, values: Values, findings: ColumnFindings, read: Callable[[Leaf, Any, ColumnFindings], Any]
) -> Values:
    """The values one by one; what `read` cannot take raises ValueError and is odd."""
    result: Values = [None] * len(values)
    for row, value in enumerate(values):
        if value is not None:
            try:
                findings.row = row
                result[row] = read(leaf, value, findings)
            except ValueError:
                findings.odd.add(row)
    return result


def _numbers(leaf: Leaf, values: Values, findings: ColumnFindings) -> Values:
    """Texts of numbers, each distinct one read once, unless all are decimals as their column has them."""
    if leaf.type == "decimal":
        joined = b",".join(value for value in values if value is not None)
        if not joined or _decimals(leaf.columns[0].decimal_scale).fullmatch(joined + b","):
            return [None if value is None else value.decode() for value in values]
    distinct, seen = list(set(values)), ColumnFindings(is_text=findings.is_text)
    made = dict(zip(distinct, _each(leaf, distinct, seen, _as_number), strict=True))
    if seen.odd or seen.types:  # then the rows matter
        return _each(leaf, values, findings, _as_number)
    return [made[value] for value in values]


@lru_cache(DECIMAL_DIGITS)
def _decimals(scale: int) -> re.Pattern[bytes]:
    """Matches numbers with a comma after each that a cast to a decimal of this scale does not round."""
    fraction = rb"(?:[.][0-9]{1,%d})?" % scale if scale else b""
    return re.compile(rb"(?:-?(?:0|[1-9][0-9]{0,%d})%s,)*+" % (DECIMAL_DIGITS - scale - 1, fraction))


def _as_text(leaf: Leaf, value: str | bool | int, findings: ColumnFindings) -> str:
    if isinstance(value, str):
        return value
    seen = json_type(value if isinstance(value, bool) else Number(value))
    findings.types.append((findings.row, f"{'.'.join(leaf.path)} is {seen}"))
    return str(value).lower()


def _as_whole(leaf: Leaf, value: str | int, findings: ColumnFindings) -> int:
    if isinstance(value, int):
        return value
    text = _text_for(leaf, value, findings)
    if len(text) > SECONDS_DIGITS and any(column.transform == "seconds_to_ms" for column in leaf.columns):
        raise ValueError  # too many for milliseconds
    return int(text)


def _as_boolean(leaf: Leaf, value: str | bool, findings: ColumnFindings) -> bool:
    return value if isinstance(value, bool) else _text_for(leaf, value, findings) == "true"


def _as_time(leaf: Leaf, value: str | int, _: ColumnFindings) -> str:
    return _made_plain(leaf, str(value))  # in UTC, to the microsecond


def _as_number(leaf: Leaf, raw: bytes, findings: ColumnFindings) -> str | None:
    if raw == _NULL:
        return None
    if raw.startswith(b'"'):
        return _text_for(leaf, msgspec.json.decode(raw, type=str), findings)
    if raw[:1] not in _NUMBER_BEGINS:
        raise ValueError
    return _made_plain(leaf, Number(raw.decode()))


def _text_for(leaf: Leaf, text: str, findings: ColumnFindings) -> str:
    """A text where another scalar belongs."""
    if leaf.type != "decimal" and leaf.columns[0].notation == AS_USUAL and not findings.is_text:
        # Exact numbers come as text.
        findings.types.append((findings.row, f"{'.'.join(leaf.path)} is VARCHAR"))
    return _made_plain(leaf, text)


def _made_plain(leaf: Leaf, text: str) -> str:
    column = leaf.columns[0]
    assert isinstance(leaf.type, str)
    if column.notation == AS_USUAL and column.scale is None:
        plain = plain_scalar(leaf.type, text)
    else:
        plain = read_scalar(column, text)
    if plain is None:
        raise ValueError
    return plain


def _all_shaped(values: Sequence[str | None], shape: str) -> bool:
    """Whether every text has this shape, its digits aside.

    If there are as many commas as between as many shapes, no text has a comma of its own, so that each stands alone.
    """
    texts = [text for text in values if text is not None]
    return ",".join(texts).translate(_ZEROS) == ",".join([shape] * len(texts))


_READERS: dict[Any, Callable[[Leaf, Any, ColumnFindings], Any]] = {
    "text": _as_text,
    "bigint": _as_whole,
    "integer": _as_whole,
    "boolean": _as_boolean,
}
_MAKE: dict[Any, Callable[[Values], arrow.Column]] = {
    "bigint": arrow.bigints,
    "integer": arrow.integers,
    "boolean": arrow.booleans,
}
