"""Rows of a table, such as CSV has, column by column: the values of a batch without a JSON text for each record.

A row is made a JSON record, and read with care, only where a value of it does not have the usual form of its column.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from trunkline.flatten.cells import Cells
from trunkline.flatten.decode import Decoded, Values
from trunkline.flatten.exact import encode_texts
from trunkline.flatten.privacy import Hiding, PiiRule, has_pii, hide_unmapped, own_numbers
from trunkline.objects.model import READ_AT, Object
from trunkline.objects.table_rows import RowTexts, paths_of
from trunkline.records import RowLayout
from trunkline.sql.flatten.values import Leaf, tree_of

_WHOLE: Final = re.compile(r"(?:-?(?:0|[1-9][0-9]{0,17}),)*+")
_SMALL: Final = re.compile(r"(?:-?(?:0|[1-9][0-9]{0,8}),)*+")
_BOOLEANS: Final[dict[str, bool | None]] = {"true": True, "false": False, "": None}
_NUMBER: Final = re.compile(r"-?(?:0|[1-9][0-9]*)(?:[.][0-9]+)?")


@dataclass(frozen=True, slots=True)
class RowValues:
    """A batch of rows. `careful` are those that have to be read with care, from `texts`, their records as JSON, each
    made where needed. `unmapped` is by row what the object does not have; `unknown` counts the rows with a value by
    column that it does not have. `in_engine`: the leaves whose values the engine has, each with its column's number.
    """

    decoded: Decoded
    careful: set[int]
    texts: RowTexts
    unmapped: dict[int, tuple[str, str]]
    unknown: Counter[str]
    in_engine: dict[int, int]


class RowReader:
    """Reads the rows of one object's tables."""

    def __init__(self, obj: Object, rule: PiiRule) -> None:
        self._obj, self._rule = obj, rule
        self._leaves = {leaf.path: (n, leaf) for n, leaf in enumerate(tree_of(obj).leaves)}
        self._direct = [column.path for column in obj.direct_pii if column.type == "text"]

    def leaves(self, layout: RowLayout) -> list[Leaf | None]:
        """The leaf that each column of a table fills; None where that is none, or is filled from elsewhere too."""
        paths = paths_of(self._obj, layout.names)
        return [None if path is None or path == (READ_AT,) else self._leaves[path][1] for path in paths]

    def read(self, layout: RowLayout, cells: Cells) -> RowValues:
        """The values of a batch. What is no row is refused, and its text raises the reason."""
        decoded, careful = Decoded(), set(cells.refused)
        in_engine: dict[int, int] = {}
        unknown: dict[str, int] = {}
        for column, (name, path) in enumerate(zip(layout.names, paths_of(self._obj, layout.names), strict=True)):
            count = 0 if name in layout.left_out else cells.count(column)
            if not count:
                continue
            if path is None:
                unknown[name] = column
                continue
            decoded.keys[".".join(path)] += count
            number, leaf = self._leaves[path]
            if cells.is_plain(column):
                in_engine[number] = column
                continue
            texts = cells.texts(column)
            values = _values(leaf, texts)
            if values is not None:
                decoded.values[number] = values
            else:
                careful.update(row for row, value in enumerate(texts) if value)
        counts = Counter({name: cells.count(column) for name, column in unknown.items()})
        unmapped = self._unmapped({name: cells.texts(column) for name, column in unknown.items()}, decoded)
        return RowValues(decoded, careful, RowTexts(self._obj, layout, cells.rows), unmapped, counts, in_engine)

    def _unmapped(self, unknown: dict[str, Sequence[str]], decoded: Decoded) -> dict[int, tuple[str, str]]:
        if not unknown:
            return {}
        numbers = [self._leaves[path][0] for path in self._direct if path in self._leaves]
        direct = [decoded.values[n] for n in numbers if n in decoded.values]
        names, result = sorted(unknown), {}
        for row, values in enumerate(zip(*(unknown[name] for name in names), strict=True)):
            if any(values):
                fields = {name: value for name, value in zip(names, values, strict=True) if value}
                own = own_numbers([text for column in direct if (text := column[row])])
                shown = encode_texts(fields)
                is_hidden = has_pii(shown, own)
                result[row] = hide_unmapped(fields, Hiding(self._rule, own)) if is_hidden else (shown, shown)
        return result


def _values(leaf: Leaf, column: Sequence[str]) -> Values | None:
    """The values of a leaf as `decode.py` gives them; None where each row has to be read with care."""
    notation = leaf.columns[0].notation
    match leaf.type:
        case "bigint" | "integer" if not notation.decimal_comma:
            whole = _WHOLE if leaf.type == "bigint" else _SMALL
            if whole.fullmatch("".join(f"{value}," for value in column if value)):
                return [int(value) if value else None for value in column]
            return [value or None for value in column]
        case "boolean" if not notation.format:
            try:
                return [_BOOLEANS[value] for value in column]
            except KeyError:
                return [_BOOLEANS.get(value.lower(), value) for value in column]
        case "double" | "decimal":
            raw = {value: _raw(value, notation.decimal_comma) for value in set(column)}
            return [raw[value] for value in column]
        case str():
            return [value or None for value in column]
        case _:
            return None


def _raw(value: str, has_comma: bool) -> Any:
    if not value:
        return None
    is_number = not has_comma and _NUMBER.fullmatch(value)
    return value.encode() if is_number else msgspec.json.encode(value)
