"""How complete the rows are that numbers rest on: exported records, or rows rebuilt from the API."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import duckdb

from trunkline.engines.duckdb import DUCKDB
from trunkline.engines.model import quote_qualified
from trunkline.objects.contact_record import CONTACT_RECORD
from trunkline.objects.record_columns import FIDELITY_API, FIDELITY_STREAM


def contacts_by_fidelity(
    con: duckdb.DuckDBPyConnection, since: datetime | None, until: datetime | None
) -> dict[str, int]:
    """Contacts that ended in [since, until) (UTC; None: no bound), by fidelity of their row."""
    bounds = [None if at is None else at.replace(tzinfo=None) for at in (since, until)]
    rows = con.execute(
        f"SELECT record_fidelity, count(*) FROM {quote_qualified(DUCKDB, CONTACT_RECORD.warehouse_table)} "
        "WHERE disconnect_timestamp >= coalesce($1::TIMESTAMP, disconnect_timestamp) "
        "AND ($2::TIMESTAMP IS NULL OR disconnect_timestamp < $2::TIMESTAMP) GROUP BY 1",
        bounds,
    ).fetchall()
    return {FIDELITY_STREAM: 0, FIDELITY_API: 0} | dict(rows)


def rests_on(counts: Mapping[str, int]) -> str:
    """What numbers rest on, as part of a sentence; empty where all of it is exported records."""
    if not counts.get(FIDELITY_API):
        return ""
    return (
        f"rests on {counts.get(FIDELITY_STREAM, 0):,} exported records and {counts[FIDELITY_API]:,} rows from the API, "
        "which lack talk, hold and queue times"
    )
