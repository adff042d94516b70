"""What the warehouse has of contacts, as far as the collector must know it to ask for no more than is missing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from trunkline.engines.duckdb import DUCKDB
from trunkline.engines.model import quote_qualified
from trunkline.objects.model import Object
from trunkline.pipelines.home import Home
from trunkline.sources.connect_api import Held


def held_contacts(home: Home, obj: Object, contact_ids: Sequence[str]) -> Mapping[str, Held]:
    """Fidelity of the rows of these contacts, and whether after contact work had ended; what is not there is absent."""
    rows = home.con.execute(
        "SELECT contact_id, record_fidelity, agent_connected_to_agent_timestamp IS NULL "
        "OR agent_after_contact_work_end_timestamp IS NOT NULL "
        f"FROM {quote_qualified(DUCKDB, obj.warehouse_table)} WHERE contact_id IN (SELECT unnest($1::VARCHAR[]))",
        [list(contact_ids)],
    ).fetchall()
    return {contact_id: Held(fidelity, is_settled) for contact_id, fidelity, is_settled in rows}
