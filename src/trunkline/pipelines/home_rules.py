"""What a lake and a warehouse record about their home, checked when it opens: the rule for personal data, and the lake.

Values that were stored by another rule or key do not join with new ones. A warehouse is a fold of one lake, and
another lake's home is refused: the ledger could not say which rows came from where.
"""

from __future__ import annotations

import hashlib
import hmac
import uuid

import msgspec

from trunkline import clock
from trunkline.aws.secrets import pii_key
from trunkline.engines.model import quote_qualified
from trunkline.errors import TerminalError
from trunkline.flatten.privacy import PiiRule
from trunkline.lake import layout
from trunkline.lake.store import Store
from trunkline.objects.ledger import BATCH, LAKE
from trunkline.objects.model import Object
from trunkline.settings.installation import Settings
from trunkline.sql.session import Session
from trunkline.urls import public_url

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


class LakeName(msgspec.Struct, frozen=True):
    """The content of `_ledger/lake.json`: what tells this lake from every other one, wherever it is moved."""

    lake_id: str


def check_lake(settings: Settings, store: Store, warehouse: Session) -> None:
    """Record the lake in a warehouse without one, or without batches.

    Raises TerminalError where the warehouse is the fold of another lake: files that only the other one has would count
    as loaded here, and neither lake could rebuild the tables.
    """
    lake_id, table = _lake_id(store), quote_qualified(warehouse.engine, LAKE.name)
    question = f"SELECT lake_id, place, first_used_at FROM {table} ORDER BY first_used_at, lake_id"
    rows = warehouse.query(question)
    if rows and rows[0][0] != lake_id and not _has_batches(warehouse):
        warehouse.run(f"DELETE FROM {table}")
        rows = []
    if not rows:
        place = public_url(settings.lake)
        warehouse.put(LAKE, [{"lake_id": lake_id, "place": place, "first_used_at": clock.now_naive()}])
        rows = warehouse.query(question)  # two homes may have come at the same time
    first_id, first_place, first_used_at = rows[0]
    if first_id != lake_id:
        raise TerminalError(
            f"the warehouse {public_url(settings.warehouse)} belongs to the lake {first_place}, since "
            f"{first_used_at:%Y-%m-%d %H:%M} UTC, and this home's lake is {public_url(settings.lake)}. Set the same "
            "lake in both homes, or another warehouse in one of them. Where the earlier lake is gone for good, run "
            f"DELETE FROM {LAKE.name} in the database, then: trunkline warehouse rebuild --home {settings.home}"
        )


def has_ledger(warehouse: Session) -> bool:
    """Whether the table that names the lake is installed."""
    schema, table = LAKE.name.split(".")
    tables = "SELECT 1 FROM information_schema.tables WHERE table_schema = $1 AND table_name = $2"
    return bool(warehouse.query(tables, [schema, table]))


def _lake_id(store: Store) -> str:
    data = store.get_bytes(layout.LAKE_KEY)
    if data is not None:
        return msgspec.json.decode(data, type=LakeName).lake_id
    name = LakeName(uuid.uuid4().hex)
    store.put_bytes(msgspec.json.encode(name), layout.LAKE_KEY)
    return name.lake_id


def _has_batches(warehouse: Session) -> bool:
    return bool(warehouse.query(f"SELECT 1 FROM {quote_qualified(warehouse.engine, BATCH.name)} LIMIT 1"))
