"""The rule for personal data in Python: the same as the SQL of `sql/flatten/values.py`, for what is read by hand."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from trunkline.sql.flatten.values import OWN_LENGTH_MIN

SAFE_MARK = "~"
"""What stands for a hidden value in the hashed text, so that every installation gets the same hash."""
_PHONE = re.compile(r"\+[1-9][0-9]{6,14}")
_GAPS = " \t\n\f\r@"
_DOMAIN = re.compile(r"[^ \t\n\f\r@]{3,}")

Hide = Callable[[str], str | None]


@dataclass(frozen=True, slots=True)
class PiiRule:
    """What happens to personal data: `mode` is hash, drop or keep; `keep_keys` are map keys left as they are."""

    mode: str
    key: bytes
    keep_keys: frozenset[str] = frozenset()

    def hide(self, text: str) -> str | None:
        """The text under this rule; the same as the SQL of `sql.flatten.values.hidden`."""
        if self.mode == "keep":
            return text
        if self.mode == "drop":
            return None
        return hmac.digest(self.key, text.encode(), "sha256").hex()[:32]

    @property
    def pads(self) -> tuple[bytes, bytes]:
        """The inner and the outer key of HMAC (RFC 2104), so that SQL and Python hide a number the same way."""
        key = self.key if len(self.key) <= 64 else hashlib.sha256(self.key).digest()
        inner, outer = (bytes(b ^ pad for b in key.ljust(64, b"\0")) for pad in (0x36, 0x5C))
        return inner, outer


@dataclass(frozen=True, slots=True)
class Hiding:
    """How personal data is hidden by value: under a rule, knowing the record's own numbers."""

    rule: PiiRule
    own: Sequence[str] = ()

    def value(self, text: str, hide: Hide) -> str | None:
        """The text, hidden where it holds personal data."""
        return hide(text) if has_pii(text, self.own) else text


def mark(_: str) -> str:
    """What the hashed text has in place of a hidden value."""
    return SAFE_MARK


def has_pii(text: str, own: Sequence[str] = ()) -> bool:
    """Whether a text holds a phone number (E.164), an e-mail address or one of the record's own numbers."""
    if "+" in text and _PHONE.search(text):
        return True
    return _has_email(text) or any(number in text for number in own)


def _has_email(text: str) -> bool:
    # From @ to @: a search for what may stand before one would take a time that grows with the square of the text.
    at = text.find("@")
    while at >= 0:
        domain = _DOMAIN.match(text, at + 1) if at and text[at - 1] not in _GAPS else None
        if domain and "." in domain[0][1:-1]:
            return True
        at = text.find("@", at + 1)
    return False


def own_numbers(texts: Sequence[str]) -> list[str]:
    """The record's own numbers and addresses as other texts would hold them; short ones say nothing."""
    return [text for text in (one.lstrip("+") for one in texts) if len(text) >= OWN_LENGTH_MIN]
