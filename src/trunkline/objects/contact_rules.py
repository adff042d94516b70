"""Conditions and times of one contact record, which the statistics view and the metrics share.

Each is an expression in portable SQL over the columns of `connect_datalake.contact_record`. A condition may be NULL
where a column is NULL, and only true counts.
Durations are BIGINT milliseconds. Source of the rules: the "Calculation logic" of Amazon Connect's page on metric
definitions, and the analytics data lake's page on contact_statistic_record.
"""

from __future__ import annotations

from typing import Final

QUEUED: Final = '"queue_enqueue_timestamp" IS NOT NULL'
HANDLED: Final = '"agent_connected_to_agent_timestamp" IS NOT NULL'
NOT_HANDLED: Final = '"agent_connected_to_agent_timestamp" IS NULL'
CONNECTED: Final = '"connected_to_system_timestamp" IS NOT NULL'

# Amazon also tests PreDisconnectState == IN_QUEUE beside TransferCompletedTimestamp; the export has no such field.
ABANDONED: Final = (
    f'{QUEUED} AND {NOT_HANDLED} AND "next_contact_id" IS NULL AND "transfer_completed_timestamp" IS NULL'
)
ABANDONED_APPROXIMATION: Final = (
    "The export lacks PreDisconnectState. Amazon leaves out contacts that were transferred while in queue; here every "
    "contact with a transfer time is left out, also one that was transferred out of a flow and queued afterwards."
)

INCOMING: Final = "\"initiation_method\" IN ('INBOUND', 'TRANSFER', 'QUEUE_TRANSFER')"
OUTBOUND: Final = "\"initiation_method\" = 'OUTBOUND'"
CALLBACK: Final = "\"initiation_method\" = 'CALLBACK'"
API: Final = "\"initiation_method\" = 'API'"
TRANSFERRED_IN: Final = "\"initiation_method\" IN ('TRANSFER', 'QUEUE_TRANSFER')"

TRANSFERRED_OUT: Final = '"transfer_completed_timestamp" IS NOT NULL'
_OUTSIDE: Final = "\"transferred_endpoint_type\" = 'TELEPHONE_NUMBER'"
_NOT_OUTSIDE: Final = '("transferred_endpoint_type" IS NULL OR "transferred_endpoint_type" <> \'TELEPHONE_NUMBER\')'
TRANSFERRED_OUT_EXTERNAL: Final = f"{TRANSFERRED_OUT} AND {_OUTSIDE}"
TRANSFERRED_OUT_INTERNAL: Final = f"{TRANSFERRED_OUT} AND {_NOT_OUTSIDE}"
EXTERNAL_APPROXIMATION: Final = (
    "Amazon means a transfer to an outside number; here the transferred-to endpoint is of type TELEPHONE_NUMBER, and a "
    "transfer whose endpoint is missing counts as internal."
)

AGENT_HUNG_UP_FIRST: Final = f"{HANDLED} AND \"disconnect_reason\" = 'AGENT_DISCONNECT'"
PUT_ON_HOLD: Final = '"agent_number_of_holds" > 0'

QUEUE_ANSWER_MS: Final = f'CASE WHEN {HANDLED} AND {QUEUED} THEN "queue_duration_ms" END'
QUEUE_TIME_MS: Final = f'CASE WHEN {QUEUED} THEN "queue_duration_ms" END'
ABANDON_MS: Final = f'CASE WHEN {ABANDONED} THEN "queue_duration_ms" END'
INTERACTION_MS: Final = f'CASE WHEN {HANDLED} THEN "agent_interaction_duration_ms" END'

AFTER_CONTACT_WORK_MS: Final = f'COALESCE("agent_after_contact_work_duration_ms", CASE WHEN {HANDLED} THEN 0 END)'

# From the system's answer to the queue, else to the transfer, else to the end; Amazon floors it at zero.
CONTACT_FLOW_MS: Final = (
    "CASE WHEN \"initiation_method\" NOT IN ('INBOUND', 'TRANSFER', 'QUEUE_TRANSFER', 'API') THEN NULL"
    ' WHEN "initiation_method" IS NULL THEN NULL'
    ' WHEN "connected_to_system_timestamp" IS NULL THEN 0'
    ' WHEN COALESCE("queue_enqueue_timestamp", "transfer_completed_timestamp", "disconnect_timestamp")'
    ' < "connected_to_system_timestamp" THEN 0'
    ' WHEN "queue_enqueue_timestamp" IS NOT NULL'
    ' THEN MS_BETWEEN("connected_to_system_timestamp", "queue_enqueue_timestamp")'
    ' WHEN "transfer_completed_timestamp" IS NOT NULL'
    ' THEN MS_BETWEEN("connected_to_system_timestamp", "transfer_completed_timestamp")'
    ' ELSE MS_BETWEEN("connected_to_system_timestamp", "disconnect_timestamp") END'
)


def sum_of(*columns: str) -> str:
    """The sum of columns with NULL as 0, NULL only when all of them are."""
    present = " OR ".join(f'"{name}" IS NOT NULL' for name in columns)
    terms = " + ".join(f'COALESCE("{name}", 0)' for name in columns)
    return f"CASE WHEN {present} THEN {terms} END"


HANDLE_MS: Final = sum_of(
    "agent_interaction_duration_ms",
    "agent_customer_hold_duration_ms",
    "agent_after_contact_work_duration_ms",
    "agent_pause_duration_ms",
)
