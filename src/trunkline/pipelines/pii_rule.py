"""The rule and key by which a lake stores personal data. Values stored by another one do not join with these."""

from __future__ import annotations

import hashlib
import hmac

import msgspec

from trunkline.errors import TerminalError
from trunkline.flatten.privacy import PiiRule
from trunkline.lake import layout
from trunkline.lake.store import Store
from trunkline.objects.model import Object
from trunkline.settings import Settings, pii_key

_CONSTANT = b"trunkline: which key is this?"


class StoredRule(msgspec.Struct, frozen=True):
    """The content of `_ledger/pii.json`: the mode, a fingerprint of the key, attributes that are stored unchanged."""

    mode: str
    key_fingerprint: str
    exceptions: list[str]


def rule_of(settings: Settings) -> PiiRule:
    """The rule for personal data in these settings. Makes the home's key when it is first needed."""
    key = pii_key(settings) if settings.pii == "hash" else b""
    return PiiRule(settings.pii, key, frozenset(settings.pii_exceptions))


def check_rule(settings: Settings, store: Store, objects: list[Object]) -> None:
    """Record the rule in a lake without one, or without rows. Raises TerminalError where the lake has another rule."""
    data = store.get_bytes(layout.PII_KEY)
    stored = msgspec.json.decode(data, type=StoredRule) if data is not None else None
    # Without its key, a lake of hashes must not be given a new one.
    is_key_lost = settings.pii_key_given is None and not (settings.home / "pii.key").exists()
    if stored is not None and stored.mode == settings.pii == "hash" and is_key_lost and _has_rows(store, objects):
        raise TerminalError(_message(settings, "its key is not here"))
    rule = rule_of(settings)
    fingerprint = hmac.new(rule.key, _CONSTANT, hashlib.sha256).hexdigest()[:32] if rule.key else ""
    ours = StoredRule(settings.pii, fingerprint, sorted(rule.keep_keys))
    if ours == stored:
        return
    if stored is not None and _has_rows(store, objects):
        if stored.mode != ours.mode:
            how = f"it was written with pii = {stored.mode}, and pii is {ours.mode} now"
        elif stored.key_fingerprint != ours.key_fingerprint:
            how = "it was written with another key"
        else:
            how = f"it was written with pii_exceptions = {stored.exceptions}, and they are {ours.exceptions} now"
        raise TerminalError(_message(settings, how))
    store.put_bytes(msgspec.json.format(msgspec.json.encode(ours), indent=1), layout.PII_KEY)


def _has_rows(store: Store, objects: list[Object]) -> bool:
    """Whether any batch was planned or put."""
    prefixes = [prefix(obj.name) for obj in objects for prefix in (layout.batch_prefix, layout.plan_prefix)]
    return any(next(iter(store.list(prefix)), None) is not None for prefix in prefixes)


def _message(settings: Settings, how: str) -> str:
    return (
        f"the lake {settings.lake} stores personal data by another rule: {how}. Stored and new values would not "
        "join, so a new rule or key means rewriting the lake, which no command does yet. Restore the old one "
        f"(pii and pii_exceptions in {settings.home}/trunkline.toml or TRUNKLINE_PII*, the key in TRUNKLINE_PII_KEY or "
        f"{settings.home}/pii.key), or load the files again into a new home"
    )
