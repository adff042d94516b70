"""One typed pass over a batch, in C: a list of values for each leaf, and proof of what the lists do not show.

The proof: encoded again, a record takes as many bytes as its source. Nothing decoded takes more bytes than its source
(of numbers only whole ones are decoded, texts lose escapes, a repeated or unknown key is lost), so as many bytes mean
that every key is known and stands once, and every number is written the only way it can be. A record that takes fewer
bytes (white space, escapes, or a key that is unknown or repeated) has its keys compared with the catalogue.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from itertools import chain
from typing import Annotated, Any

import msgspec
from msgspec import UNSET, UnsetType

from trunkline.objects.model import TIME_UNITS, Object
from trunkline.sql.flatten.values import BIGINT_DIGITS, INTEGER_DIGITS, SECONDS_DIGITS, Leaf, leaves_by_path, tree_of

Path = tuple[str, ...]
Values = list[Any]
"""A leaf's values, one per record; None: absent or null. A text, a whole number or a boolean if the leaf is such a
scalar (or something that `columns.py` converts to one), else the bytes of its JSON text."""

_encode = msgspec.json.Encoder().encode
_encode_lines = msgspec.json.Encoder().encode_lines
_astuple = msgspec.structs.astuple
# A chunk's objects fit the processor's cache: thousands at once take about twice the time.
_CHUNK_ROWS = 256
_DECODED = {"text", "timestamp", "date", "bigint", "integer", "boolean"}
# A whole number that is not spelled as its value is.
_MINUS_ZERO = re.compile(rb"-0[ \t\r\n,}]")


@dataclass(slots=True)
class Decoded:
    """The values of a batch by leaf number; a leaf without any value is not in `values`.

    `refused`: rows that do not fit the types; they have no values. `unproven`: rows whose keys must be compared with
    the catalogue. `keys` counts the known keys of all rows but the refused ones, by dotted path.
    """

    values: dict[int, Values] = field(default_factory=dict)
    refused: set[int] = field(default_factory=set)
    unproven: list[int] = field(default_factory=list)
    keys: Counter[str] = field(default_factory=Counter)


class RecordDecoder:
    """Decodes the records of one object. A value that is not an object where the catalogue expects one is refused."""

    def __init__(self, obj: Object) -> None:
        self._kinds = _kinds(obj)
        self._members = {path: _members(obj, path) for path in self._kinds}
        self._decoder = msgspec.json.Decoder(self._kinds[()])

    def decode(self, records: Sequence[bytes]) -> Decoded:
        """The values of records that are strict JSON objects."""
        decoded = Decoded()
        for first in range(0, len(records), _CHUNK_ROWS):
            self._chunk(records[first : first + _CHUNK_ROWS], first, decoded)
        return decoded

    def _chunk(self, records: Sequence[bytes], first: int, decoded: Decoded) -> None:
        refused: set[int] = set()
        rows = self._rows(records, refused)
        unproven = self._unproven(records, rows, refused)
        decoded.refused.update(first + row for row in refused)
        decoded.unproven.extend(first + row for row in unproven)
        self._gather(rows, (), len(rows) - len(refused), first, decoded)
        for values in decoded.values.values():
            if len(values) == first:
                values.extend([None] * len(rows))

    def _rows(self, records: Sequence[bytes], refused: set[int]) -> list[Any]:
        try:
            return self._decoder.decode_lines(b"".join(records))
        except (msgspec.DecodeError, RecursionError):
            return [self._row(row, record, refused) for row, record in enumerate(records)]

    def _row(self, row: int, record: bytes, refused: set[int]) -> Any:
        try:
            return self._decoder.decode(record)
        except (msgspec.DecodeError, RecursionError):
            refused.add(row)
            return _null(self._kinds[()])

    def _unproven(self, records: Sequence[bytes], rows: list[Any], refused: set[int]) -> list[int]:
        # All at once first: as none takes more, as many bytes in all mean as many in each.
        if not refused and len(_encode_lines(rows)) == sum(map(len, records)) + len(records):
            return []
        unproven = []
        for row, (known, record) in enumerate(zip(rows, records, strict=True)):
            if row not in refused and len(_encode(known)) != len(record):
                unproven.append(row)
                if _MINUS_ZERO.search(record):
                    refused.add(row)
                    rows[row] = _null(self._kinds[()])
        return unproven

    def _gather(self, holders: list[Any], path: Path, real: int, first: int, decoded: Decoded) -> None:
        """Collect the members of one known object from all records; `real` of the holders are not fillers."""
        members = self._members[path]
        flat = list(chain.from_iterable(map(_astuple, holders)))
        for at, member in enumerate(members):
            values = flat[at :: len(members)]
            if absent := values.count(UNSET):
                values = [None if value is UNSET else value for value in values]
            if absent < real:
                decoded.keys[member.name] += real - absent
            if not any(values) and values.count(None) == len(values):
                continue
            if member.leaf is None:
                missing = values.count(None)
                if missing:
                    filler = _null(self._kinds[member.path])
                    values = [value or filler for value in values]
                self._gather(values, member.path, len(values) - missing, first, decoded)
            else:
                if member.is_raw:
                    values = [None if raw is None else bytes(raw) for raw in values]
                decoded.values.setdefault(member.leaf, [None] * first).extend(values)


@cache
def _null(kind: Any) -> Any:
    """A record or object whose members are all null."""
    return kind(**dict.fromkeys(kind.__struct_fields__))


@dataclass(frozen=True, slots=True)
class _Member:
    """A member of a known object: a leaf by its number, or (None) a known object again."""

    path: Path
    name: str
    leaf: int | None
    is_raw: bool


def _members(obj: Object, path: Path) -> list[_Member]:
    """The members of a known object, in the order of its type's fields."""
    tree = tree_of(obj)
    leaves = {leaf.path: (n, leaf.type not in _DECODED) for n, leaf in enumerate(tree.leaves)}
    paths = [(*path, key) for key in sorted(tree.known_keys(path))]
    return [_Member(known, ".".join(known), *leaves.get(known, (None, False))) for known in paths]


@cache
def _kinds(obj: Object) -> dict[Path, Any]:
    """By path the type of each known object; its fields are the sorted keys, numbered."""
    tree, leaves = tree_of(obj), leaves_by_path(obj)
    kinds: dict[Path, Any] = {}
    # The innermost first.
    for path in sorted(tree.objects, key=len, reverse=True):
        keys = sorted(tree.known_keys(path))
        members = [leaves.get((*path, key)) or kinds[*path, key] for key in keys]
        # A key may be no identifier, so fields are numbered.
        fields = [(f"f{n}", _type_of(member), UNSET) for n, member in enumerate(members)]
        kinds[path] = msgspec.defstruct(
            "Known", fields, rename={f"f{n}": key for n, key in enumerate(keys)}, frozen=True, gc=False
        )
    return kinds


def _type_of(member: Any) -> Any:
    """The type of a leaf, or of a known object given by its own type.

    Exporters write numbers for texts, and texts for numbers and booleans: that does not need the careful reading.
    """
    if not isinstance(member, Leaf):
        return member | None | UnsetType
    is_seconds = any(column.transform == "seconds_to_ms" for column in member.columns)
    match member.type:  # those of `_DECODED`
        case "text":
            return str | bool | _whole(BIGINT_DIGITS) | None | UnsetType
        case "timestamp" if member.columns[0].notation.format in TIME_UNITS:
            return str | _whole(BIGINT_DIGITS) | None | UnsetType
        case "timestamp" | "date":
            return str | None | UnsetType
        case "bigint":
            return str | _whole(SECONDS_DIGITS if is_seconds else BIGINT_DIGITS) | None | UnsetType
        case "integer":
            return str | _whole(INTEGER_DIGITS) | None | UnsetType
        case "boolean":
            return str | bool | None | UnsetType
        case _:
            return msgspec.Raw | UnsetType


def _whole(digits: int) -> Any:
    return Annotated[int, msgspec.Meta(gt=-(10**digits), lt=10**digits)]
