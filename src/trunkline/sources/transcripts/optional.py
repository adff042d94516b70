"""Optional values of a transcript file: one that does not fit its column is NULL there, kept by its path, counted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from trunkline.objects.post_call.transcript import TRANSCRIPT

_INTEGER_MAX: Final = 2**53
_RECORD_KEYS: Final = frozenset(column.path[0] for column in TRANSCRIPT.columns if column.path)
_ANY = msgspec.json.Decoder()
_MEMBERS = msgspec.json.Decoder(dict[str, msgspec.Raw])
_ELEMENTS = msgspec.json.Decoder(list[msgspec.Raw])

Path = tuple[str | int, ...]


class FreeKey(str):
    """A key that differs from file to file, such as a participant's id."""

    __slots__ = ()


class Misfits:
    """The places of values that do not fit, in a file whose keys are `top`."""

    def __init__(self, top: Mapping[str, msgspec.Raw]) -> None:
        self._top = top
        self._paths: dict[Path, None] = {}

    def add(self, *path: str | int) -> None:
        """Keep the value at a path of keys and indexes."""
        self._paths[path] = None

    def kept(self) -> dict[str, msgspec.Raw]:
        """The values by their paths, as they are written in the file."""
        return {_name(path): self._raw(path) for path in self._paths}

    def changes(self) -> tuple[tuple[str, str], ...]:
        """For each value its path, and what the drift says of it."""
        return tuple((_name(path), f"{_pattern(path)} is {_json_type(self._raw(path))}") for path in self._paths)

    def _raw(self, path: Path) -> msgspec.Raw:
        raw = self._top[str(path[0])]
        for key in path[1:]:
            raw = _ELEMENTS.decode(raw)[key] if isinstance(key, int) else _MEMBERS.decode(raw)[key]
        return raw


@dataclass(frozen=True, slots=True)
class Node:
    """A decoded value at a path of a file. What is absent, null, or does not fit reads as None or as empty."""

    value: Any
    path: Path
    misfits: Misfits

    def at(self, *keys: str) -> Node:
        """The member of an object at a path of keys."""
        node = self
        for key in keys:
            members = node.object()
            node = Node(members.get(key), (*node.path, key), self.misfits)
        return node

    def object(self) -> dict[str, Any]:
        """The members of an object."""
        if isinstance(self.value, dict):
            return self.value
        self._reject()
        return {}

    def entries(self) -> Iterator[tuple[str, Node]]:
        """The members of an object with free keys, those that are null left out."""
        for key, value in self.object().items():
            if value is not None:
                yield key, Node(value, (*self.path, FreeKey(key)), self.misfits)

    def elements(self) -> list[Node]:
        """The elements of an array."""
        if isinstance(self.value, list):
            return [Node(value, (*self.path, n), self.misfits) for n, value in enumerate(self.value)]
        self._reject()
        return []

    def text(self) -> str | None:
        """A text."""
        if isinstance(self.value, str):
            return self.value
        self._reject()
        return None

    def number(self) -> int | float | None:
        """A number."""
        is_number = isinstance(self.value, int | float) and not isinstance(self.value, bool)
        if is_number and abs(self.value) <= _INTEGER_MAX:
            number: int | float = self.value
            return number
        self._reject()
        return None

    def ms(self) -> int | None:
        """A number, rounded to a whole one."""
        number = self.number()
        return None if number is None else round(number)

    def _reject(self) -> None:
        if self.value is not None:
            self.misfits.add(*self.path)


def node_of(raw: msgspec.Raw | None, misfits: Misfits, *path: str | int) -> Node:
    """The value in a text of JSON. A number beyond every type makes the whole value one that does not fit."""
    try:
        value = None if raw is None else _ANY.decode(raw)
    except msgspec.ValidationError:
        misfits.add(*path)
        value = None
    return Node(value, path, misfits)


def scalar(top: Mapping[str, msgspec.Raw], key: str, misfits: Misfits) -> msgspec.Raw | None:
    """A text, number or boolean at the top of a file as it is written, for a column of text."""
    raw = top.get(key)
    if raw is not None and bytes(raw).lstrip()[:1] in (b"{", b"["):
        misfits.add(key)
        return None
    return raw


def unknown_fields(top: Mapping[str, msgspec.Raw], known: frozenset[str]) -> dict[str, msgspec.Raw]:
    """What a file has beside the known keys. A name that is one of the record's own gets `file.` before it."""
    return {f"file.{key}" if key in _RECORD_KEYS else key: raw for key, raw in top.items() if key not in known}


def _name(path: Path) -> str:
    return "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in path)[1:]


def _pattern(path: Path) -> str:
    """The path without what differs from file to file."""
    parts = ("[]" if isinstance(key, int) else ".*" if isinstance(key, FreeKey) else f".{key}" for key in path)
    return "".join(parts)[1:]


def _json_type(raw: msgspec.Raw) -> str:
    """The type of a value, named as in the drift of other objects."""
    text = bytes(raw).strip()
    types = {b"{": "OBJECT", b"[": "ARRAY", b'"': "VARCHAR", b"t": "BOOLEAN", b"f": "BOOLEAN"}
    if text[:1] in types:
        return types[text[:1]]
    if set(b".eE") & set(text):
        return "DOUBLE"
    return "BIGINT" if text.startswith(b"-") else "UBIGINT"
