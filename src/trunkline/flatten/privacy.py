"""Personal data: the rule for it, and where it is found and hidden. Nothing else in the package hides a value.

Columns of class `direct` are hidden whole. Free values (class `indirect`, and fields that the catalogue does not know)
are hidden where they contain a phone number (E.164), an e-mail address or one of the record's own numbers.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from trunkline.flatten.exact import Number, canonical, encode_texts, members, quote
from trunkline.objects.model import Column, Json

SAFE_MARK = "~"
"""Stands for a hidden value in the text that is hashed, so that every installation computes the same hash."""
OWN_LENGTH_MIN = 7
"""A shorter number of the record's own says nothing about a text that contains it."""
_PHONE = re.compile(r"\+[1-9][0-9]{6,14}")
_GAPS = " \t\n\f\r@"
_DOMAIN = re.compile(r"[^ \t\n\f\r@]{3,}")

Hide = Callable[[str], str | None]


@dataclass(frozen=True, slots=True)
class PiiRule:
    """What happens to personal data: `mode` is hash, drop or keep; `keep_keys` are map keys whose values stay."""

    mode: str
    key: bytes
    keep_keys: frozenset[str] = frozenset()

    def hide(self, text: str) -> str | None:
        """The text under this rule. Hashed: HMAC-SHA-256, first 128 bits, hexadecimal.

        Half of a digest is enough to join on, and cannot be turned back into a number without the key.
        """
        if self.mode == "keep":
            return text
        if self.mode == "drop":
            return None
        return hmac.digest(self.key, text.encode(), "sha256").hex()[:32]

    def stored(self, column: Column, text: str) -> str | None:
        """The value of a `direct` column as it is stored. A hash in a JSON column is a JSON string."""
        shown = self.hide(text)
        return f'"{shown}"' if isinstance(column.type, Json) and self.mode == "hash" else shown


@dataclass(frozen=True, slots=True)
class Hiding:
    """How free values of one record are hidden: the rule, and the record's own numbers and addresses."""

    rule: PiiRule
    own: Sequence[str] = ()

    def value(self, text: str, hide: Hide) -> str | None:
        """The text, hidden if it contains personal data."""
        return hide(text) if has_pii(text, self.own) else text


def has_pii(text: str, own: Sequence[str] = ()) -> bool:
    """Whether a text contains a phone number (E.164), an e-mail address or one of the record's own numbers."""
    if "+" in text and _PHONE.search(text):
        return True
    return _has_email(text) or any(number in text for number in own)


def _has_email(text: str) -> bool:
    # From one @ to the next: a search for what may precede an @ takes time that grows with the square of the text.
    at = text.find("@")
    while at >= 0:
        domain = _DOMAIN.match(text, at + 1) if at and text[at - 1] not in _GAPS else None
        if domain and "." in domain[0][1:-1]:
            return True
        at = text.find("@", at + 1)
    return False


def own_numbers(texts: Sequence[str]) -> list[str]:
    """A record's own numbers and addresses as other texts would contain them; short ones are left out."""
    return [number for text in texts if len(number := text.lstrip("+")) >= OWN_LENGTH_MIN]


def hide_map(column: Column, texts: Mapping[str, str | None], hiding: Hiding) -> tuple[str, str | None]:
    """JSON text of a map of texts, hidden value by value, and the text that is hashed, None if it is the same."""
    shown = encode_texts(texts)
    if column.pii == "none" or not has_pii(shown, hiding.own):
        return shown, None
    hidden_keys = [
        key
        for key, text in texts.items()
        if text is not None and key not in hiding.rule.keep_keys and has_pii(text, hiding.own)
    ]
    if not hidden_keys:
        return shown, None
    hidden = {**texts, **{key: hiding.rule.hide(texts[key] or "") for key in hidden_keys}}
    return encode_texts(hidden), encode_texts({**texts, **dict.fromkeys(hidden_keys, SAFE_MARK)})


def hide_unmapped(unknown: Mapping[str, Any], hiding: Hiding, direct: Collection[str] = ()) -> tuple[str, str]:
    """Canonical JSON of what has no column, by dotted path, hidden value by value; whole at the paths in `direct`.

    The second text is what is hashed: it has a mark for every hidden value. Raises RecordError on a repeated key.
    """
    hide = hiding.rule.hide
    hidden = {} if hiding.rule.mode == "keep" else {path: hide(canonical(unknown[path])) for path in direct}
    shown, safe = {**unknown, **hidden}, {**unknown, **dict.fromkeys(direct, SAFE_MARK)}
    return _fields(shown, hiding, hiding.rule.hide), _fields(safe, hiding, _mark)


def _mark(_: str) -> str | None:
    return SAFE_MARK


def _fields(fields: Mapping[str, Any], hiding: Hiding, hide: Hide) -> str:
    return "{" + ",".join(f"{quote(key)}:{_hidden(fields[key], hiding, hide)}" for key in sorted(fields)) + "}"


def _hidden(value: Any, hiding: Hiding, hide: Hide) -> str:
    match value:
        case dict():
            return _fields(members(value), hiding, hide)
        case list():
            return "[" + ",".join(_hidden(item, hiding, hide) for item in value) + "]"
        case Number():
            shown = hiding.value(str(value), hide)
            return str(value) if shown == value else _nullable(shown)
        case str():
            return _nullable(hiding.value(value, hide))
        case _:
            return canonical(value)


def _nullable(text: str | None) -> str:
    return "null" if text is None else quote(text)
