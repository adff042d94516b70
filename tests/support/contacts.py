"""Contacts for tests: an in-memory DuckDB with `connect.f_calls` and the `connect_datalake` views, from dicts."""

from __future__ import annotations

import json
import random
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

import duckdb

from trunkline.engines.duckdb import DUCKDB
from trunkline.metrics.catalogue import select
from trunkline.metrics.question import Grouping, Threshold
from trunkline.objects.contact_statistic_record import CONTACT_STATISTIC_RECORD
from trunkline.sql.metric_query import compile_metrics
from trunkline.sql.views import create_view

# The columns of contact_record that metrics, the statistics view and the reference queries read.
COLUMNS = {
    "instance_id": "VARCHAR",
    "aws_account_id": "VARCHAR",
    "contact_id": "VARCHAR",
    "next_contact_id": "VARCHAR",
    "channel": "VARCHAR",
    "initiation_method": "VARCHAR",
    "initiation_timestamp": "TIMESTAMP",
    "connected_to_system_timestamp": "TIMESTAMP",
    "transfer_completed_timestamp": "TIMESTAMP",
    "disconnect_timestamp": "TIMESTAMP",
    "disconnect_reason": "VARCHAR",
    "queue_duration_ms": "BIGINT",
    "queue_enqueue_timestamp": "TIMESTAMP",
    "queue_name": "VARCHAR",
    "queue_arn": "VARCHAR",
    "queue_id": "VARCHAR",
    "agent_connected_to_agent_timestamp": "TIMESTAMP",
    "agent_interaction_duration_ms": "BIGINT",
    "agent_customer_hold_duration_ms": "BIGINT",
    "agent_number_of_holds": "BIGINT",
    "agent_after_contact_work_duration_ms": "BIGINT",
    "agent_after_contact_work_end_timestamp": "TIMESTAMP",
    "agent_pause_duration_ms": "BIGINT",
    "agent_username": "VARCHAR",
    "agent_id": "VARCHAR",
    "agent_routing_profile_name": "VARCHAR",
    "agent_routing_profile_id": "VARCHAR",
    "transferred_endpoint_type": "VARCHAR",
    "campaign_id": "VARCHAR",
    "answering_machine_detection_status": "VARCHAR",
    "attributes": "MAP(VARCHAR, VARCHAR)",
    "segment_attributes": "MAP(VARCHAR, VARCHAR)",
    "agent_state_transitions": "STRUCT(state_start_timestamp TIMESTAMP, state VARCHAR)[]",
    "routing_criteria": "STRUCT(activation_timestamp TIMESTAMP, index BIGINT, steps STRUCT(status VARCHAR, expression"
    " VARCHAR)[])[]",
    "chat_contact_metrics_agent_first_response_time_ms": "BIGINT",
    "chat_contact_metrics_total_messages": "BIGINT",
    "chat_agent_metrics_total_response_time_ms": "BIGINT",
    "chat_agent_metrics_num_responses": "BIGINT",
    "chat_agent_metrics_conversation_abandon": "BOOLEAN",
    "chat_customer_metrics_conversation_abandon": "BOOLEAN",
}

T0 = datetime(2026, 6, 9, 12, 0, 0)


def at(seconds: float) -> datetime:
    """T0 plus seconds."""
    return T0 + timedelta(seconds=seconds)


def database(contacts: Iterable[Mapping[str, Any]]) -> duckdb.DuckDBPyConnection:
    """A database with these contacts; a column that a contact does not name is NULL, but contact_id and times.

    A contact is a call of instance `i-1` that began at T0 and disconnected 100 s later, unless it says otherwise.
    """
    connection = duckdb.connect()
    connection.execute("CREATE SCHEMA connect; CREATE SCHEMA connect_datalake")
    columns = ", ".join(f'"{name}" {type_}' for name, type_ in COLUMNS.items())
    connection.execute(f"CREATE TABLE connect.f_calls ({columns})")
    connection.execute("CREATE VIEW connect_datalake.contact_record AS SELECT * FROM connect.f_calls")
    connection.execute(create_view(CONTACT_STATISTIC_RECORD, DUCKDB))
    completed = [
        {
            "instance_id": "i-1",
            "contact_id": f"c-{number}",
            "channel": "VOICE",
            "initiation_method": "INBOUND",
            "initiation_timestamp": T0,
            "disconnect_timestamp": at(100),
            **contact,
        }
        for number, contact in enumerate(contacts)
    ]
    named = [name for name in COLUMNS if any(name in contact for contact in completed)]
    if completed:
        # One list a column: a statement a row is a hundred times slower.
        lists = [[_plain(contact.get(name)) for contact in completed] for name in named]
        values = ", ".join(
            f"CAST(CAST(unnest(CAST(${n} AS VARCHAR[])) AS JSON) AS {COLUMNS[name]})"
            if COLUMNS[name].startswith(("MAP", "STRUCT"))
            else f"unnest(CAST(${n} AS {COLUMNS[name]}[]))"
            for n, name in enumerate(named, start=1)
        )
        connection.execute(f"INSERT INTO connect.f_calls ({', '.join(named)}) SELECT {values}", lists)
    return connection


def _plain(value: Any) -> Any:
    """A value to bind; maps and lists as JSON text, because their keys differ from row to row."""
    return json.dumps(value, default=str) if isinstance(value, dict | list) else value


def measure(
    connection: duckdb.DuckDBPyConnection,
    *metrics: str,
    by: tuple[str, ...] = (),
    interval: str | None = None,
    zone: str = "UTC",
    x: float | Threshold = 20,
    since: datetime | None = None,
    until: datetime | None = None,
) -> list[tuple[Any, ...]]:
    """The rows of these metrics on DuckDB."""
    threshold = x if isinstance(x, Threshold) else Threshold(x)
    query = compile_metrics(select(metrics), Grouping(by, interval, zone), threshold, since, until, DUCKDB)
    result = connection.execute(query.sql, list(query.params))
    assert tuple(column[0] for column in result.description or ()) == query.columns
    return result.fetchall()


def queued(wait_s: float | None, **more: Any) -> dict[str, Any]:
    """A contact that was queued for so many seconds and not handled."""
    wait_ms = None if wait_s is None else round(wait_s * 1000)
    return {
        "queue_id": "q-1",
        "queue_name": "Sales",
        "queue_enqueue_timestamp": at(1),
        "queue_duration_ms": wait_ms,
        **more,
    }


def handled(wait_s: float | None = None, **more: Any) -> dict[str, Any]:
    """A contact that an agent was connected to, queued before it when a wait is given."""
    before = {} if wait_s is None else queued(wait_s)
    return {**before, "agent_id": "a-1", "agent_username": "ann", "agent_connected_to_agent_timestamp": at(30), **more}


def random_contacts(seed: int, number: int, start: datetime = T0, span_s: int = 86_400) -> list[dict[str, Any]]:
    """Contacts with every combination of present and absent fields, values often equal, some impossible in life."""
    rng = random.Random(seed)

    def maybe(value: Any, share: float = 0.7) -> Any:
        return value if rng.random() < share else None

    contacts = []
    for serial in range(number):
        began = start + timedelta(seconds=rng.randrange(span_s))
        ended = maybe(began + timedelta(seconds=rng.randrange(-5, 900)), 0.95)
        queue, agent = rng.randrange(3), rng.randrange(4)
        contacts.append(
            {
                "contact_id": f"c-{seed}-{serial}",
                "next_contact_id": maybe("c-next", 0.2),
                "channel": maybe(rng.choice(["VOICE", "CHAT", "TASK"])),
                "initiation_method": maybe(
                    rng.choice(["INBOUND", "OUTBOUND", "TRANSFER", "QUEUE_TRANSFER", "CALLBACK", "API"]), 0.95
                ),
                "initiation_timestamp": maybe(began, 0.95),
                "connected_to_system_timestamp": maybe(began + timedelta(seconds=rng.randrange(20)), 0.9),
                "transfer_completed_timestamp": maybe(began + timedelta(seconds=rng.randrange(300)), 0.2),
                "disconnect_timestamp": ended,
                "disconnect_reason": maybe(rng.choice(["AGENT_DISCONNECT", "CUSTOMER_DISCONNECT"])),
                "queue_duration_ms": maybe(rng.randrange(40) * 1000),
                "queue_enqueue_timestamp": maybe(began + timedelta(seconds=rng.randrange(30))),
                "queue_id": maybe(f"q-{queue}"),
                "queue_name": maybe(rng.choice(["Sales", "sales", "Überraschung"])),
                "agent_connected_to_agent_timestamp": maybe(began + timedelta(seconds=rng.randrange(90))),
                "agent_interaction_duration_ms": maybe(rng.randrange(600) * 1000),
                "agent_customer_hold_duration_ms": maybe(rng.randrange(60) * 1000),
                "agent_number_of_holds": maybe(rng.randrange(3)),
                "agent_after_contact_work_duration_ms": maybe(rng.randrange(60) * 1000),
                "agent_after_contact_work_end_timestamp": maybe(began + timedelta(seconds=rng.randrange(-9, 1200))),
                "agent_pause_duration_ms": maybe(rng.randrange(10) * 1000, 0.2),
                "agent_username": maybe(f"agent{agent}"),
                "agent_id": maybe(f"a-{agent}"),
                "agent_routing_profile_name": maybe(f"profile {agent % 2}"),
                "agent_routing_profile_id": maybe(f"r-{agent % 2}"),
                "transferred_endpoint_type": maybe(rng.choice(["TELEPHONE_NUMBER", "VOIP"]), 0.3),
            }
        )
    return contacts
