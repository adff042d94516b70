"""Decoded leaves as the Arrow columns that the flatten statement reads; says which rows hold what is not plain.

Each leaf goes the quick way first, which takes a whole column at once; value by value only where that fails.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from trunkline.flatten import records as arrow
from trunkline.flatten.canonical import Number, json_type
from trunkline.flatten.decode import Values
from trunkline.flatten.scalars import plain
from trunkline.sql.flatten.tree import Leaf
from trunkline.sql.flatten.values import DATES, SECONDS_DIGITS, TIMES

_ZEROS = {ord(digit): "0" for digit in "123456789"}
_SHAPES = {"timestamp": TIMES, "date": DATES}
_NULL = b"null"
_NUMBER_BEGINS = b"-0123456789"


@dataclass(slots=True)
class Look:
    """What making columns found: rows that need the careful reading, and values of another JSON type, counted by it.

    `is_strict`: every time is read here too, since DuckDB refused one (30 February) and does not say which.
    """

    is_strict: bool = False
    odd: set[int] = field(default_factory=set)
    types: Counter[str] = field(default_factory=Counter)


def scalar_column(leaf: Leaf, values: Values, look: Look) -> arrow.Column:
    """The column of a scalar leaf as it was decoded; NULL in the rows that are odd by it."""
    read = _READERS.get(leaf.type)
    if leaf.type in _SHAPES:
        if look.is_strict or not any(_all_shaped(values, shape) for shape in _SHAPES[leaf.type]):
            values = _each(leaf, values, look, _as_time)
    elif read is None:
        values = _numbers(leaf, values, look)
    try:
        return plain_column(leaf, values)
    except ValueError:  # of nanoarrow: a value of another type
        return plain_column(leaf, _each(leaf, values, look, _READERS[leaf.type]))


def plain_column(leaf: Leaf, values: Values) -> arrow.Column:
    """The column of a scalar leaf from plain values. Raises ValueError where one is of another type."""
    return _MAKE.get(leaf.type, arrow.strings)(values)


def no_column(leaf: Leaf, count: int) -> arrow.Column:
    """The column of a leaf that no record has a value for."""
    return arrow.no_values(_MAKE[leaf.type], count) if leaf.type in _MAKE else arrow.no_texts(count)


def _each(leaf: Leaf, values: Values, look: Look, read: Callable[[Leaf, Any, Look], Any]) -> Values:
    """The values one by one; what `read` cannot take raises ValueError and is odd."""
    result: Values = [None] * len(values)
    for row, value in enumerate(values):
        if value is not None:
            try:
                result[row] = read(leaf, value, look)
            except ValueError:
                look.odd.add(row)
    return result


def _numbers(leaf: Leaf, values: Values, look: Look) -> Values:
    """Texts of numbers, each distinct one read once."""
    distinct, seen = list(set(values)), Look()
    made = dict(zip(distinct, _each(leaf, distinct, seen, _as_number), strict=True))
    if seen.odd or seen.types:  # then the rows matter
        return _each(leaf, values, look, _as_number)
    return [made[value] for value in values]


def _as_text(leaf: Leaf, value: str | bool | int, look: Look) -> str:
    if isinstance(value, str):
        return value
    seen = json_type(value if isinstance(value, bool) else Number(value))
    look.types[f"{'.'.join(leaf.path)} is {seen}"] += 1
    return str(value).lower()


def _as_whole(leaf: Leaf, value: str | int, look: Look) -> int:
    if isinstance(value, int):
        return value
    text = _text_for(leaf, value, look)
    if len(text) > SECONDS_DIGITS and any(column.transform == "seconds_to_ms" for column in leaf.columns):
        raise ValueError  # too many for milliseconds
    return int(text)


def _as_boolean(leaf: Leaf, value: str | bool, look: Look) -> bool:
    return value if isinstance(value, bool) else _text_for(leaf, value, look) == "true"


def _as_time(leaf: Leaf, text: str, _: Look) -> str:
    return _made_plain(leaf, text)  # in UTC, to the microsecond


def _as_number(leaf: Leaf, raw: bytes, look: Look) -> str | None:
    if raw == _NULL:
        return None
    if raw.startswith(b'"'):
        return _text_for(leaf, msgspec.json.decode(raw, type=str), look)
    if raw[:1] not in _NUMBER_BEGINS:
        raise ValueError
    return _made_plain(leaf, raw.decode())


def _text_for(leaf: Leaf, text: str, look: Look) -> str:
    """A text that stands where another scalar belongs."""
    look.types[f"{'.'.join(leaf.path)} is VARCHAR"] += 1
    return _made_plain(leaf, text)


def _made_plain(leaf: Leaf, text: str) -> str:
    made = plain(leaf.type, text)  # type: ignore[arg-type]
    if made is None:
        raise ValueError
    return made


def _all_shaped(values: Sequence[str | None], shape: str) -> bool:
    """Whether every text has this shape, its digits aside.

    Between as many texts as there are commas in the end, none has a comma of its own, so that each stands alone.
    """
    texts = [text for text in values if text is not None]
    return ",".join(texts).translate(_ZEROS) == ",".join([shape] * len(texts))


_READERS: dict[Any, Callable[[Leaf, Any, Look], Any]] = {
    "text": _as_text, "bigint": _as_whole, "integer": _as_whole, "boolean": _as_boolean
}  # fmt: skip
_MAKE: dict[Any, Callable[[Values], arrow.Column]] = {
    "bigint": arrow.bigints, "integer": arrow.integers, "boolean": arrow.booleans
}  # fmt: skip
