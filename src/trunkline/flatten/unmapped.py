"""What the catalogue does not know of a record, kept as JSON text with personal data hidden by value."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from trunkline.flatten.canonical import Number, canonical, exact, members, quote, scalar_text
from trunkline.flatten.pii import Hide, Hiding, PiiRule, mark, own_numbers
from trunkline.objects.model import Object

Path = tuple[str, ...]

_opened = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode


def cut_unknown(obj: Object, record: bytes, paths: Sequence[Path], rule: PiiRule) -> tuple[str, str] | None:
    """What the catalogue does not know of a record that is otherwise plain, at paths that are known to be there.

    The texts of `Made.unmapped` and `unmapped_safe`, or None when all the values are null. Raises RecordError on a
    repeated key.
    """
    opened: dict[Path, dict[str, msgspec.Raw]] = {(): _opened(record)}
    unknown = {".".join(path): value for path in paths if (value := _at(opened, path)) is not None}
    own = {c.path: value for c in obj.direct_pii if c.path and (value := _at(opened, c.path)) is not None}
    shown, safe = unmapped_texts(unknown, Hiding(rule, own_numbers_of(obj, own)))
    return None if shown is None or safe is None else (shown, safe)


def _at(opened: dict[Path, dict[str, msgspec.Raw]], path: Path) -> Any:
    """The value at a path, None where there is none. Only the objects on the way to it are opened, and each once."""
    for depth in range(1, len(path)):
        if path[:depth] not in opened:
            raw = bytes(opened[path[: depth - 1]].get(path[depth - 1], b""))
            opened[path[:depth]] = _opened(raw) if raw.startswith(b"{") else {}
    raw = bytes(opened[path[:-1]].get(path[-1], b""))
    return exact(raw.decode()) if raw else None


def own_numbers_of(obj: Object, values: Mapping[Path, Any]) -> list[str]:
    """The record's own numbers and addresses, as a text would hold them."""
    paths = dict.fromkeys(c.path for c in obj.direct_pii if c.path is not None and c.type == "text")
    return own_numbers([scalar_text(values[path]) for path in paths if path in values])


def unmapped_texts(unknown: Mapping[str, Any], hiding: Hiding) -> tuple[str | None, str | None]:
    """The texts of `record_unmapped` and of what is hashed in its place, by dotted path; None without any."""
    if not unknown:
        return None, None
    return _unmapped(unknown, hiding, hiding.rule.hide), _unmapped(unknown, hiding, mark)


def _unmapped(unknown: Mapping[str, Any], hiding: Hiding, hide: Hide) -> str:
    return "{" + ",".join(f"{quote(path)}:{_hidden(unknown[path], hiding, hide)}" for path in sorted(unknown)) + "}"


def _hidden(value: Any, hiding: Hiding, hide: Hide) -> str:
    match value:
        case dict():
            inner = members(value)
            return "{" + ",".join(f"{quote(key)}:{_hidden(inner[key], hiding, hide)}" for key in sorted(inner)) + "}"
        case list():
            return "[" + ",".join(_hidden(one, hiding, hide) for one in value) + "]"
        case Number():
            shown = hiding.value(str(value), hide)
            return str(value) if shown == value else ("null" if shown is None else quote(shown))
        case str():
            shown = hiding.value(value, hide)
            return "null" if shown is None else quote(shown)
        case _:
            return canonical(value)
