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

from trunkline.errors import RecordError
from trunkline.flatten.decode import Decoded, Values
from trunkline.flatten.exact import encode_texts
from trunkline.flatten.privacy import Hiding, PiiRule, has_pii, hide_unmapped, own_numbers
from trunkline.limits import DEAD_LETTER_REASONS
from trunkline.objects.model import Object
from trunkline.objects.table_rows import RowTexts, paths_of, split_rows
from trunkline.records import Framed, RowLayout, Texts
from trunkline.sql.flatten.values import Leaf, tree_of

_WHOLE: Final = re.compile(r"(?:-?(?:0|[1-9][0-9]{0,17}),)*+")
_SMALL: Final = re.compile(r"(?:-?(?:0|[1-9][0-9]{0,8}),)*+")
_BOOLEANS: Final[dict[str, bool | None]] = {"true": True, "false": False, "": None}
_NUMBER: Final = re.compile(r"-?(?:0|[1-9][0-9]*)(?:[.][0-9]+)?")


@dataclass(frozen=True, slots=True)
class RowValues:
    """A batch of rows. `careful` are those that have to be read with care, from `texts`, their records as JSON, each
    made where needed. `unmapped` is by row what the object does not have; `unknown` counts the rows with a value by
    column that it does not have.
    """

    decoded: Decoded
    careful: set[int]
    texts: RowTexts
    unmapped: dict[int, tuple[str, str]]
    unknown: Counter[str]


class RowReader:
    """Reads the rows of one object's tables."""

    def __init__(self, obj: Object, rule: PiiRule) -> None:
        self._obj, self._rule = obj, rule
        self._leaves = {leaf.path: (n, leaf) for n, leaf in enumerate(tree_of(obj).leaves)}
        self._direct = [column.path for column in obj.direct_pii if column.type == "text"]

    def read(self, framed: Framed) -> RowValues:
        """The values of a batch that has a layout. What is no row is refused, and its text raises the reason."""
        layout = framed.layout
        assert layout is not None
        records = framed.texts.records if isinstance(framed.texts, Texts) else [text.encode() for text in framed.texts]
        rows = _split(records, layout)
        decoded, careful = Decoded(), {row for row, values in enumerate(rows) if isinstance(values, RecordError)}
        blank = [""] * len(layout.names)
        columns = list(zip(*(blank if isinstance(row, RecordError) else row for row in rows), strict=True))
        unknown: dict[str, Sequence[str]] = {}
        for name, path, column in zip(layout.names, paths_of(self._obj, layout.names), columns, strict=True):
            if not any(column):
                continue
            if path is None:
                unknown[name] = column
            else:
                number, leaf = self._leaves[path]
                values = _values(leaf, column)
                if values is not None:
                    decoded.values[number] = values
                else:
                    careful.update(row for row, value in enumerate(column) if value)
                decoded.keys[".".join(path)] += len(column) - column.count("")
        counts = Counter({name: len(column) - column.count("") for name, column in unknown.items()})
        texts, unmapped = RowTexts(self._obj, layout, rows), self._unmapped(unknown, decoded)
        return RowValues(decoded, careful, texts, unmapped, counts)

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


def _split(records: Sequence[bytes], layout: RowLayout) -> list[list[str] | RecordError]:
    """The values of each row, or why it is none."""
    try:
        return [*split_rows([record.decode() for record in records], layout)]
    except (UnicodeDecodeError, RecordError):
        return [_split_row(record, layout) for record in records]


def _split_row(record: bytes, layout: RowLayout) -> list[str] | RecordError:
    try:
        return split_rows([record.decode()], layout)[0]
    except UnicodeDecodeError:
        return RecordError("invalid_utf8", DEAD_LETTER_REASONS["invalid_utf8"])
    except RecordError as error:
        return error


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
