"""Which lake a warehouse is a fold of. Another lake's home is refused: the ledger could not say what lies where."""

from __future__ import annotations

import uuid

import msgspec

from trunkline import clock
from trunkline.engines.model import quote_qualified
from trunkline.errors import TerminalError
from trunkline.lake import layout
from trunkline.lake.store import Store
from trunkline.objects.ledger import BATCH, LAKE
from trunkline.settings import Settings
from trunkline.sql.session import Session
from trunkline.urls import public_url


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
