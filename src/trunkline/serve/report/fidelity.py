"""How complete the rows are that numbers rest on: exported records, or rows rebuilt from the API."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from trunkline.engines.model import quote_qualified
from trunkline.objects.contact_record import CONTACT_RECORD
from trunkline.objects.model import FIDELITY_API, FIDELITY_STREAM
from trunkline.sql.session import Session


def contacts_by_fidelity(db: Session, since: datetime | None, until: datetime | None) -> dict[str, int]:
    """Contacts that ended in [since, until) (UTC; None: no bound), by fidelity of their row."""
    bounds = [(sign, at.replace(tzinfo=None)) for sign, at in ((">=", since), ("<", until)) if at is not None]
    where = "".join(f" AND disconnect_timestamp {sign} ${n}" for n, (sign, _) in enumerate(bounds, 1))
    rows = db.query(
        f"SELECT record_fidelity, count(*) FROM {quote_qualified(db.engine, CONTACT_RECORD.warehouse_table)} "
        f"WHERE disconnect_timestamp IS NOT NULL{where} GROUP BY record_fidelity",
        [at for _, at in bounds],
    )
    return {FIDELITY_STREAM: 0, FIDELITY_API: 0} | {str(fidelity): int(count) for fidelity, count in rows}


def rests_on(counts: Mapping[str, int]) -> str:
    """What numbers rest on, as part of a sentence; empty where all of it is exported records."""
    if not counts.get(FIDELITY_API):
        return ""
    return (
        f"rests on {counts.get(FIDELITY_STREAM, 0):,} exported records and {counts[FIDELITY_API]:,} rows from the API, "
        "which lack talk, hold and queue times"
    )
