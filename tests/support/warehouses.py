"""Warehouses made by hand: the real tables and views, filled from dicts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

import duckdb

from trunkline.engines.duckdb import DUCKDB
from trunkline.objects.agents.agent_event import AGENT_EVENT
from trunkline.objects.agents.instance_data import AGENT_HIERARCHY_GROUPS, ROUTING_PROFILES, USERS
from trunkline.objects.business.instance import AGENT, QUEUE
from trunkline.objects.catalogue import warehouse_views
from trunkline.objects.contact_record import CONTACT_RECORD
from trunkline.warehouse.duckdb.warehouse import DuckDBWarehouse

LISTED = (QUEUE, AGENT, ROUTING_PROFILES, AGENT_HIERARCHY_GROUPS)
"""What the star's dimensions of agents and queues read beside the contacts."""
LOADED = datetime(2026, 12, 1)
REQUIRED: dict[str, Any] = {
    "record_fidelity": "stream",
    "record_is_redacted": False,
    "record_catalogue_version": 1,
    "record_hash": "0" * 32,
    "record_position": "hand:0",
    "record_arrived_at": LOADED,
    "record_loaded_at": LOADED,
    "record_is_deleted": False,
}


def empty_warehouse() -> DuckDBWarehouse:
    con = duckdb.connect(config={"threads": 1})
    con.execute("SET TimeZone = 'UTC'")
    warehouse = DuckDBWarehouse(con)
    warehouse.install([CONTACT_RECORD, AGENT_EVENT, USERS, *LISTED], warehouse_views())
    return warehouse


def made(rows: Iterable[Mapping[str, Any]]) -> DuckDBWarehouse:
    warehouse = empty_warehouse()
    con = warehouse.local
    completed = [{"contact_id": f"c-{n}", "channel": "VOICE", **REQUIRED, **row} for n, row in enumerate(rows)]
    names = sorted({name for row in completed for name in row})
    types = {column.name: DUCKDB.type_of(column) for column in CONTACT_RECORD.columns}
    if completed:
        lists = [[row.get(name) for row in completed] for name in names]
        values = ", ".join(f"unnest(CAST(${n} AS {types[name]}[]))" for n, name in enumerate(names, start=1))
        con.execute(f"INSERT INTO connect.f_calls ({', '.join(names)}) SELECT {values}", lists)
    return warehouse


def call(at: datetime, wait_s: int = 8, talk_s: int | None = 120, queue: int = 1, agent: int = 1, **more: Any) -> dict:
    """A call that began at `at` (naive UTC): queued, then handled for `talk_s`, or abandoned when that is None."""
    answered = at + timedelta(seconds=wait_s)
    row = {
        "initiation_method": "INBOUND",
        "initiation_timestamp": at,
        "connected_to_system_timestamp": at,
        "queue_id": f"q-{queue}",
        "queue_name": f"Queue {queue}",
        "queue_arn": f"arn:aws:connect:eu-central-1:1:instance/i/queue/q-{queue}",
        "queue_enqueue_timestamp": at,
        "queue_duration_ms": wait_s * 1000,
        "disconnect_timestamp": answered + timedelta(seconds=talk_s or 0),
    }
    if talk_s is not None:
        row |= {
            "agent_id": f"a-{agent}",
            "agent_username": f"agent{agent}",
            "agent_connected_to_agent_timestamp": answered,
            "agent_interaction_duration_ms": talk_s * 1000,
            "agent_customer_hold_duration_ms": 0,
            "agent_after_contact_work_duration_ms": 30_000,
            "agent_after_contact_work_start_timestamp": answered + timedelta(seconds=talk_s),
            "agent_after_contact_work_end_timestamp": answered + timedelta(seconds=talk_s + 30),
        }
    return row | more
