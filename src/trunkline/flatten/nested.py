"""Nested values (maps, lists, structs, JSON) of a batch as JSON texts that the flatten statement reads.

The quick way is a typed decode and encode in C. It is taken only where it proves that the result is what the careful
reading would give: every key is known and stands once, every value fits its type. Otherwise the careful reading
decides, so that the quick way can be wrong about nothing but speed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Raw, UnsetType

from trunkline.errors import RecordError
from trunkline.flatten.careful import Findings, read_nested
from trunkline.flatten.exact import canonical, parse_exact
from trunkline.flatten.privacy import Hiding, PiiRule, has_pii, hide_map
from trunkline.limits import LEAF_MEMO_MAX
from trunkline.objects.model import Json, ListOf, MapOf, Object, Struct, Type
from trunkline.sql.flatten.statement import nested_leaves
from trunkline.sql.flatten.values import Leaf

Texts = list[bytes | None]
Read = tuple[bytes | None, bytes | None]
"""A leaf's text, and the text that is hashed, None if it is the same."""
TextMap = dict[str, str | None]
Quick = Callable[[bytes], tuple[bytes, TextMap | None] | None]
"""From a leaf's bytes to its text and, of a map of texts, the map; None: not for the quick way."""

_NULLS = {None, b"null"}
_ODD = b""
"""In the memo: the leaf's record needs the careful reading."""

_encode = msgspec.json.Encoder().encode
_encode_sorted = msgspec.json.Encoder(order="deterministic").encode


@dataclass(slots=True)
class NestedColumns:
    """Nested leaves of one batch: by leaf number a text per record, and the rows that need the careful reading.

    `safe` has the texts that are hashed, for leaves where one differs; None: as in `texts`.
    """

    texts: dict[int, Texts] = field(default_factory=dict)
    safe: dict[int, Texts] = field(default_factory=dict)
    careful: set[int] = field(default_factory=set)


class NestedReader:
    """Reads the nested leaves of one object's records. Remembers what it read where texts repeat."""

    def __init__(self, obj: Object, rule: PiiRule) -> None:
        self._leaves = nested_leaves(obj)
        self._hiding = Hiding(rule)
        self._quick = {n: _quick_reader(leaf) for n, leaf in self._leaves}
        self._memo: dict[int, dict[bytes | None, Read]] = {n: {} for n, _ in self._leaves}

    def read(self, values: Mapping[int, Texts]) -> NestedColumns:
        """Read the leaves whose JSON texts are given by number."""
        columns = NestedColumns()
        for n, leaf in self._leaves:
            if n in values:
                self._column(n, leaf, values[n], columns)
        return columns

    def _column(self, n: int, leaf: Leaf, raws: Texts, columns: NestedColumns) -> None:
        distinct = set(raws)
        if distinct <= _NULLS:
            return
        if 2 * len(distinct) > len(raws):  # nearly every text is new: to remember them costs more than it saves
            reads = [self._read(n, leaf, raw) for raw in raws]
        else:
            memo = self._remembered(n, leaf, distinct)
            reads = [memo[raw] for raw in raws]
        texts, safes = [text for text, _ in reads], [safe for _, safe in reads]
        odd = [row for row, text in enumerate(texts) if text == _ODD] if _ODD in texts else []
        for row in odd:
            texts[row] = None
        columns.careful.update(odd)
        columns.texts[n] = texts
        if safes.count(None) != len(safes):
            columns.safe[n] = safes

    def _remembered(self, n: int, leaf: Leaf, distinct: set[bytes | None]) -> dict[bytes | None, Read]:
        memo = self._memo[n]
        if len(memo) > LEAF_MEMO_MAX:
            memo.clear()
        for raw in distinct.difference(memo):
            memo[raw] = self._read(n, leaf, raw)
        return memo

    def _read(self, n: int, leaf: Leaf, raw: bytes | None) -> Read:
        """The leaf's texts; `_ODD` where they depend on the rest of its record."""
        if raw is None or raw in _NULLS:
            return None, None
        quick = self._quick[n](raw)
        if quick is None:
            return self._exactly(leaf, raw)
        text, texts = quick
        column = leaf.columns[0]
        if column.pii != "indirect" or not ((b"+" in text or b"@" in text) and has_pii(text.decode())):
            return text, None
        if texts is None:
            return _ODD, None
        shown, safe = hide_map(column, texts, self._hiding)
        return shown.encode(), None if safe is None else safe.encode()

    def _exactly(self, leaf: Leaf, raw: bytes) -> Read:
        findings = Findings()
        try:
            texts = read_nested(leaf, parse_exact(raw.decode()), self._hiding, findings)
        except RecordError:
            return _ODD, None
        if texts is None or findings.unmapped:
            return _ODD, None
        shown, safe = texts
        return shown.encode(), None if safe is None else safe.encode()


class _Union(msgspec.Struct, forbid_unknown_fields=True):
    """The usual member of Connect's tagged union; any other is read exactly."""

    ValueString: str


_text_map_of = msgspec.json.Decoder(dict[str, str | None]).decode
_union_map_of = msgspec.json.Decoder(dict[str, _Union]).decode


def _quick_reader(leaf: Leaf) -> Quick:
    if leaf.type == MapOf("text"):
        return _union_map if leaf.columns[0].transform == "union_to_text" else _text_map
    if isinstance(leaf.type, Json):
        return lambda _: None
    return _TypedReader(leaf.type).read


def _text_map(raw: bytes) -> tuple[bytes, TextMap] | None:
    try:
        texts = _text_map_of(raw)
    except msgspec.DecodeError:
        return None
    # A repeated key or white space makes the encoding shorter, and nothing makes it longer.
    text = _encode_sorted(texts)
    return (text, texts) if len(text) == len(raw) else None


def _union_map(raw: bytes) -> tuple[bytes, TextMap] | None:
    try:
        unions = _union_map_of(raw)
    except msgspec.DecodeError:
        return None
    if len(_encode(unions)) != len(raw):
        return None
    texts: TextMap = {key: union.ValueString for key, union in unions.items()}
    return _encode_sorted(texts), texts


_PLAIN_TIMES = re.compile(rb'"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}(?:[.][0-9]{3}(?:[0-9]{3})?)?Z"')
_OFFSETS = re.compile(rb':[0-9]{2}"')
_TYPES: dict[str, Any] = {
    "text": str,
    "timestamp": Annotated[datetime, msgspec.Meta(tz=True)],
    "bigint": Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)],
    "integer": Annotated[int, msgspec.Meta(ge=-(2**31), le=2**31 - 1)],
    "double": float,
    "boolean": bool,
}
_PROOF_TYPES = _TYPES | {"timestamp": str, "double": Raw}
"""Types whose encoding is never longer than the source, or is the source itself."""


class _TypedReader:
    """Decodes a nested value by its type.

    Encoded again it is the source, or it takes as many bytes by types whose encoding is never longer than the source.
    Then no key is repeated or unknown; only their order, and keys that are left out, may differ.
    """

    def __init__(self, type_: Type) -> None:
        kind, proof = _decoded_type(type_, _TYPES, None), _decoded_type(type_, _PROOF_TYPES, UNSET)
        self._decode = None if kind is None else msgspec.json.Decoder(kind).decode
        self._decode_proof = None if proof is None else msgspec.json.Decoder(proof).decode
        self._json = _json_writer(type_)
        self._is_changed = self._json is not None or _has_map(type_)
        self._json_texts: dict[bytes, str] = {}

    def read(self, raw: bytes) -> tuple[bytes, None] | None:
        """The value's text, None where only the careful reading can tell."""
        if self._decode is None:
            return None
        try:
            value = self._decode(raw)
            text = _encode(value)
            if text != raw and not self._is_proven(raw, text):
                return None
        except (msgspec.DecodeError, RecursionError):
            return None
        if _OFFSETS.search(text):  # a time with an offset, which a cast of text to TIMESTAMP would drop
            return None
        if self._json is not None:
            try:
                self._json(value, self._json_text)
            except RecordError:
                return None
        return (_encode_sorted(value) if self._is_changed else text), None

    def _is_proven(self, raw: bytes, text: bytes) -> bool:
        assert self._decode_proof is not None
        is_as_long = len(_encode(self._decode_proof(raw))) == len(raw)
        return is_as_long and len(_PLAIN_TIMES.findall(raw)) == len(_PLAIN_TIMES.findall(text))

    def _json_text(self, raw: bytes, lower_camel: bool) -> str:
        """Canonical text of a JSON member, remembered by its source text."""
        text = self._json_texts.get(raw)
        if text is None:
            if len(self._json_texts) > LEAF_MEMO_MAX:
                self._json_texts.clear()
            text = self._json_texts[raw] = canonical(parse_exact(raw.decode()), lower_camel)
        return text


def _decoded_type(type_: Type, scalars: Mapping[str, Any], missing: Any) -> Any:
    """The type that takes plain values alone; None where a value's text depends on how it was written.

    `missing` is what a struct's member is that the source leaves out: None, or UNSET, which is not encoded again.
    """
    match type_:
        case ListOf(item):
            inner = _decoded_type(item, scalars, missing)
            if inner is None or isinstance(item, Json):
                return None
            return list[inner if inner is Raw else inner | None]  # type: ignore[misc]
        case MapOf(item):
            inner = _decoded_type(item, scalars, missing)
            if inner is None or isinstance(item, Json):
                return None
            return dict[str, inner if inner is Raw else inner | None]  # type: ignore[misc]
        case Struct(fields):
            kinds = [
                (member.key, _decoded_type(member.type, scalars, missing))
                for member in sorted(fields, key=lambda member: member.key)
            ]
            if any(kind is None or not key.isidentifier() for key, kind in kinds):
                return None
            nullable = [(key, kind if kind is Raw else kind | None) for key, kind in kinds]
            entries = [(key, kind if missing is None else kind | UnsetType, missing) for key, kind in nullable]
            return msgspec.defstruct("Nested", entries, forbid_unknown_fields=True, gc=False)
        case Json():
            return Raw
        case _:
            return scalars.get(type_)


def _has_map(type_: Type) -> bool:
    """Whether a map is in it, whose keys are sorted."""
    match type_:
        case MapOf():
            return True
        case ListOf(item):
            return _has_map(item)
        case Struct(fields):
            return any(_has_map(member.type) for member in fields)
        case _:
            return False


JsonText = Callable[[bytes, bool], str]
JsonWriter = Callable[[Any, JsonText], None]


def _json_writer(type_: Type) -> JsonWriter | None:
    """Replaces the JSON members inside a decoded value by their canonical texts; None: it has none."""
    match type_:
        case ListOf(item) | MapOf(item):
            write = _json_writer(item)
            return None if write is None else partial(_write_items, write)
        case Struct(fields):
            own = {member.key: member.type.lower_camel for member in fields if isinstance(member.type, Json)}
            below = {member.key: write for member in fields if (write := _json_writer(member.type)) is not None}
            return partial(_write_members, own, below) if own or below else None
        case _:
            return None


def _write_items(write: JsonWriter, value: Any, text: JsonText) -> None:
    for item in value.values() if isinstance(value, dict) else value or ():
        write(item, text)


def _write_members(own: Mapping[str, bool], below: Mapping[str, JsonWriter], value: Any, text: JsonText) -> None:
    if value is None:
        return
    for key, lower_camel in own.items():
        raw = getattr(value, key)
        if raw is not None:
            setattr(value, key, None if bytes(raw) == b"null" else text(bytes(raw), lower_camel))
    for key, write in below.items():
        write(getattr(value, key), text)
