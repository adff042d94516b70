"""The careful reading of one record: exact where DuckDB's would be silent.

It rewrites a record so that every value the flatten statement could round, reorder or lose is a string, takes out what
the catalogue does not know, and refuses what cannot be read without loss. Slower than the statement by an order of
magnitude, so it sees only the records that the statement marks odd.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Callable
from dataclasses import dataclass

from trunkline.compile.tree import tree_of
from trunkline.compile.values import PII_PATTERN
from trunkline.errors import RecordError
from trunkline.flatten.canonical import canonical, elements, kind, members, quote, text_of
from trunkline.objects.model import Json, ListOf, MapOf, Object, Struct, Type

_PII = re.compile(PII_PATTERN)
SAFE_MARK = "~"


@dataclass(frozen=True, slots=True)
class PiiRule:
    """What happens to personal data: `mode` is hash, drop or keep; `key` is the secret of the keyed hash."""

    mode: str
    key: bytes
    keep_keys: frozenset[str] = frozenset()

    def hide(self, text: str) -> str | None:
        """The text under this rule; the same as the SQL of `compile.values.hidden`."""
        if self.mode == "keep":
            return text
        if self.mode == "drop":
            return None
        return hmac.new(self.key, text.encode(), hashlib.sha256).hexdigest()[:32]


@dataclass(frozen=True, slots=True)
class Normalized:
    """A record ready for the normalized statement.

    `unmapped` is canonical JSON of the fields the catalogue does not know, by dotted path, None without any;
    `unmapped_safe` is the same with a mark for every hidden value, for the hash.
    """

    text: str
    unmapped: str | None
    unmapped_safe: str | None


def normalize(obj: Object, text: str, rule: PiiRule) -> Normalized:
    """Read one record with care. Raises RecordError: duplicate_key or wrong_type, naming the path."""
    tree = tree_of(obj)
    leaves = {leaf.path: leaf for leaf in tree.leaves}
    unknown: dict[str, bytes] = {}

    def walk(raw: bytes, path: tuple[str, ...]) -> str:
        parts: list[str] = []
        for key, value in members(raw, ".".join(path)).items():
            here = (*path, key)
            if kind(value) == "null":
                continue
            if here in leaves:
                leaf = leaves[here]
                is_union = leaf.columns[0].transform == "union_to_text"
                parts.append(f"{quote(key)}:{_leaf(leaf.type, value, here, unknown, is_union)}")
            elif here in tree.objects:
                _expect(value, "object", here)
                parts.append(f"{quote(key)}:{walk(value, here)}")
            else:
                unknown[".".join(here)] = value
        return "{" + ",".join(parts) + "}"

    rewritten = walk(text.encode(), ())
    if not unknown:
        return Normalized(rewritten, None, None)
    return Normalized(rewritten, *_unmapped_texts(obj, text, unknown, rule))


def cut_unknown(obj: Object, text: str, paths: tuple[tuple[str, ...], ...], rule: PiiRule) -> tuple[str, str] | None:
    """What the catalogue does not know of a record that is otherwise plain, at paths that are known to be there.

    The two texts of `Normalized.unmapped` and `unmapped_safe`, or None when all the values are null.
    Raises RecordError on a repeated key.
    """
    unknown: dict[str, bytes] = {}
    cache: dict[tuple[str, ...], dict[str, bytes]] = {(): members(text.encode())}
    for path in paths:
        for depth in range(1, len(path)):
            if path[:depth] not in cache:
                cache[path[:depth]] = members(cache[path[: depth - 1]][path[depth - 1]], ".".join(path[:depth]))
        value = cache[path[:-1]][path[-1]]
        if kind(value) != "null":
            unknown[".".join(path)] = value
    return _unmapped_texts(obj, text, unknown, rule) if unknown else None


def _unmapped_texts(obj: Object, text: str, unknown: dict[str, bytes], rule: PiiRule) -> tuple[str, str]:
    own = _own_numbers(obj, text)
    return (
        _unmapped(unknown, lambda t: _hide(t, own, rule.hide)),
        _unmapped(unknown, lambda t: _hide(t, own, lambda _: SAFE_MARK)),
    )


def _leaf(type_: Type, raw: bytes, path: tuple[str, ...], unknown: dict[str, bytes], is_union: bool = False) -> str:
    match type_:
        case str():
            return _scalar(raw)
        case Json(lower_camel):
            return quote(canonical(raw, lower_camel))
        case ListOf(item):
            _expect(raw, "array", path)
            inner = [
                _leaf(item, one, (*path[:-1], f"{path[-1]}[{n}]"), unknown) if kind(one) != "null" else "null"
                for n, one in enumerate(elements(raw))
            ]
            return "[" + ",".join(inner) + "]"
        case MapOf(value):
            _expect(raw, "object", path)
            return _map(value, raw, path, unknown, is_union)
        case Struct():
            _expect(raw, "object", path)
            return _struct(type_, raw, path, unknown)


def _scalar(raw: bytes) -> str:
    # A text stays as it is written; a number keeps its digits, an object where text belongs is its canonical text.
    return raw.decode() if kind(raw) == "string" else quote(canonical(raw))


def _map(value: Type, raw: bytes, path: tuple[str, ...], unknown: dict[str, bytes], is_union: bool) -> str:
    parts: list[str] = []
    for key, one in members(raw, ".".join(path)).items():
        if kind(one) == "null":
            parts.append(f"{quote(key)}:null")
        elif value == "text":
            parts.append(f"{quote(key)}:{_union(one) if is_union else _scalar(one)}")
        else:
            parts.append(f"{quote(key)}:{_leaf(value, one, (*path, key), unknown)}")
    return "{" + ",".join(parts) + "}"


def _union(raw: bytes) -> str:
    """A tagged union as the text of its one value; anything else as it is."""
    if kind(raw) == "object":
        inner = members(raw)
        if len(inner) == 1 and next(iter(inner)).startswith("Value"):
            value = next(iter(inner.values()))
            return "null" if kind(value) == "null" else _scalar(value)
    return _scalar(raw)


def _struct(type_: Struct, raw: bytes, path: tuple[str, ...], unknown: dict[str, bytes]) -> str:
    known = {f.key: f.type for f in type_.fields}
    parts: list[str] = []
    for key, one in members(raw, ".".join(path)).items():
        if kind(one) == "null":
            continue
        if key in known:
            parts.append(f"{quote(key)}:{_leaf(known[key], one, (*path, key), unknown)}")
        else:
            unknown[".".join((*path, key))] = one
    return "{" + ",".join(parts) + "}"


def _expect(raw: bytes, wanted: str, path: tuple[str, ...]) -> None:
    if kind(raw) != wanted:
        raise RecordError("wrong_type", f"{'.'.join(path)} is a JSON {kind(raw)}, it must be an {wanted} or null")


def _own_numbers(obj: Object, record: str) -> list[str]:
    found: list[str] = []
    for column in obj.direct_pii:
        if column.path is None or column.type != "text":
            continue
        node: bytes | None = record.encode()
        for key in column.path:
            node = members(node).get(key) if node is not None and kind(node) == "object" else None
        if node is not None and kind(node) == "string":
            found.append(text_of(node).lstrip("+"))
    return [number for number in found if len(number) >= 7]


def _hide(text: str, own: list[str], replace: Callable[[str], str | None]) -> str | None:
    return replace(text) if _PII.search(text) or any(number in text for number in own) else text


def _unmapped(unknown: dict[str, bytes], hide: Callable[[str], str | None]) -> str:
    return "{" + ",".join(f"{quote(path)}:{_hidden(unknown[path], hide)}" for path in sorted(unknown)) + "}"


def _hidden(raw: bytes, hide: Callable[[str], str | None]) -> str:
    match kind(raw):
        case "object":
            inner = members(raw)
            return "{" + ",".join(f"{quote(key)}:{_hidden(inner[key], hide)}" for key in sorted(inner)) + "}"
        case "array":
            return "[" + ",".join(_hidden(one, hide) for one in elements(raw)) + "]"
        case "string":
            text = hide(text_of(raw))
            return "null" if text is None else quote(text)
        case _:
            digits = canonical(raw)
            shown = hide(digits)
            return digits if shown == digits else ("null" if shown is None else quote(shown))
