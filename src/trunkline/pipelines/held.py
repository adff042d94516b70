"""What the warehouse has of contacts, as far as the collector must know it to ask for no more than is missing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from trunkline.engines.model import quote_qualified
from trunkline.objects.model import FIDELITY_STREAM, Object
from trunkline.sources.connect_api.contacts import HeldContact
from trunkline.sql.session import Session

_SETTLED = "(agent_connected_to_agent_timestamp IS NULL OR agent_after_contact_work_end_timestamp IS NOT NULL)"


def held_contacts(db: Session, obj: Object, contact_ids: Sequence[str]) -> Mapping[str, HeldContact]:
    """Fidelity of the rows of these contacts, and whether after contact work had ended; what is not there is absent."""
    if not contact_ids:
        return {}
    marks = ", ".join(f"${number}" for number in range(1, len(contact_ids) + 1))
    rows = db.query(
        f"SELECT contact_id, record_fidelity, {_SETTLED} "
        f"FROM {quote_qualified(db.engine, obj.warehouse_table)} WHERE contact_id IN ({marks})",
        list(contact_ids),
    )
    return {contact_id: HeldContact(fidelity, bool(is_settled)) for contact_id, fidelity, is_settled in rows}


def settled_contacts(db: Session, obj: Object, instance_id: str, since: datetime, until: datetime) -> int:
    """How many rows that ended in [since, until) the API could add nothing to: exported ones, and settled ones."""
    rows = db.query(
        f"SELECT count(*) FROM {quote_qualified(db.engine, obj.warehouse_table)} WHERE instance_id = $1 "
        f"AND disconnect_timestamp >= $2 AND disconnect_timestamp < $3 AND (record_fidelity = $4 OR {_SETTLED})",
        [instance_id, since.replace(tzinfo=None), until.replace(tzinfo=None), FIDELITY_STREAM],
    )
    return int(rows[0][0])
