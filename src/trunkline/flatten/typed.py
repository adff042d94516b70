"""The quick reading of a leaf: a typed decode and encode in C, taken only when it gives the source's bytes back.

Then every key is known and stands once, every value fits, and the text is the one that the careful reading would make.
Where it does not the careful reading decides, so that this file can be wrong about nothing but speed.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any

import msgspec

from trunkline.objects.model import Json, ListOf, MapOf, Struct, Type
from trunkline.sql.flatten.tree import Leaf

Texts = dict[str, str | None]
Quick = Callable[[bytes], tuple[bytes, Texts | None] | None]
"""From a leaf's bytes to its text and, of a map of texts, the map; None: not for this way."""

_encode = msgspec.json.Encoder(order="deterministic").encode

_SCALARS: dict[str, Any] = {
    "text": str,
    "timestamp": Annotated[datetime, msgspec.Meta(tz=True)],
    "bigint": Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)],
    "integer": Annotated[int, msgspec.Meta(ge=-(2**31), le=2**31 - 1)],
    "double": float,
    "boolean": bool,
}


class _Union(msgspec.Struct, forbid_unknown_fields=True):
    """The one kind of tagged union that is read quickly."""

    ValueString: str


def quick_reader(leaf: Leaf) -> Quick:
    """How the leaf is read quickly."""
    if leaf.type == MapOf("text"):
        return _union_map if leaf.columns[0].transform == "union_to_text" else _text_map
    kind = _type_of(leaf.type)
    if kind is None:
        return lambda _: None
    decode = msgspec.json.Decoder(kind).decode
    is_map = isinstance(leaf.type, MapOf)

    def read(raw: bytes) -> tuple[bytes, None] | None:
        try:
            text = _encode(decode(raw))
        except msgspec.DecodeError:
            return None
        # A map's keys may stand in any order; sorted they take as many bytes.
        return (text, None) if text == raw or (is_map and len(text) == len(raw)) else None

    return read


_text_map_of = msgspec.json.Decoder(dict[str, str | None]).decode
_union_map_of = msgspec.json.Decoder(dict[str, _Union]).decode


def _text_map(raw: bytes) -> tuple[bytes, Texts] | None:
    try:
        found = _text_map_of(raw)
    except msgspec.DecodeError:
        return None
    text = _encode(found)
    return (text, found) if len(text) == len(raw) else None


def _union_map(raw: bytes) -> tuple[bytes, Texts] | None:
    try:
        found = _union_map_of(raw)
    except msgspec.DecodeError:
        return None
    if len(_encode(found)) != len(raw):
        return None
    texts: Texts = {key: one.ValueString for key, one in found.items()}
    return _encode(texts), texts


def _type_of(type_: Type) -> Any:
    """The type that takes plain values alone; None where a value's text depends on how it was written."""
    match type_:
        case ListOf(item):
            inner = _type_of(item)
            return None if inner is None else list[inner | None]  # type: ignore[valid-type]
        case MapOf(item):
            inner = _type_of(item)
            return None if inner is None else dict[str, inner | None]  # type: ignore[valid-type]
        case Struct(fields):
            kinds = [(field.key, _type_of(field.type)) for field in sorted(fields, key=lambda field: field.key)]
            if any(kind is None or not key.isidentifier() for key, kind in kinds):
                return None
            members = [(key, kind | None, None) for key, kind in kinds]
            return msgspec.defstruct("Nested", members, forbid_unknown_fields=True, frozen=True, gc=False)
        case Json():
            return None
        case _:
            return _SCALARS.get(type_)
