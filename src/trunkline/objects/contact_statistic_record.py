"""`connect_datalake.contact_statistic_record`: Amazon's per-contact statistics, as a view over contact_record.

One row per contact (contact_id), open contacts included with a NULL disconnect_timestamp. Flags are BIGINT 0 or 1,
never NULL, so that SUM counts them; the exceptions, which the export cannot give, are NULL throughout.

Amazon's lake counts manager-assist contacts (channel CHAT, method API, segment attribute `connect:Subtype` =
`connect:Assistant`) and its console does not: to match the console, join contact_record and drop them, keeping a
NULL subtype.

The view shares the conditions and times of one contact record with the metrics. Each is an expression in portable SQL
over the columns of `connect_datalake.contact_record`. A condition may be NULL where a column is NULL, and only true
counts. Durations are BIGINT milliseconds. Source of the rules: the "Calculation logic" of Amazon Connect's page on
metric definitions, and the analytics data lake's page on contact_statistic_record.
"""

from __future__ import annotations

from typing import Final

from trunkline.objects.contact_record import CONTACT_RECORD
from trunkline.objects.view import ColumnType, View, ViewColumn

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


LAKE: Final = "Amazon Connect analytics data lake, contact_statistic_record"
METRICS: Final = "Amazon Connect, metric definitions, calculation logic"
NOT_EXPORTED: Final = "Not derivable: the exported contact record lacks PreDisconnectState. Always NULL."


def _same(name: str, type_: ColumnType, meaning: str, source_column: str = "") -> ViewColumn:
    return ViewColumn(name, type_, f'"{source_column or name}"', meaning, LAKE)


def _ms(name: str, sql: str, meaning: str, approximation: str = "") -> ViewColumn:
    return ViewColumn(name, "bigint", sql, f"{meaning} Milliseconds.", METRICS, approximation)


def _flag(name: str, condition: str, meaning: str, approximation: str = "") -> ViewColumn:
    return ViewColumn(name, "bigint", condition, f"1 when {meaning}, else 0.", METRICS, approximation, True)


def _absent(name: str, type_: ColumnType, meaning: str) -> ViewColumn:
    return ViewColumn(name, type_, None, meaning, LAKE)


_IDENTITY: Final = (
    _same("instance_id", "string", "The Connect instance."),
    _same("contact_id", "string", "The contact; the key."),
    _same("aws_account_id", "string", "The AWS account that owns the contact."),
    _same("channel", "string", "How the customer came: VOICE, CHAT, TASK, EMAIL; an open list."),
    _same("queue_id", "string", "The queue, NULL when the contact was never queued."),
    _same("agent_id", "string", "The agent, NULL when no agent was connected."),
    _same("initiation_method", "string", "How the contact began; an open list."),
    _same("initiation_timestamp", "timestamp", "When the contact began, UTC."),
    _same("disconnect_timestamp", "timestamp", "When the contact ended, UTC; NULL while it is open."),
    _same("enqueue_timestamp", "timestamp", "When the contact entered its queue, UTC.", "queue_enqueue_timestamp"),
)

_TIMES: Final = (
    _ms(
        "contact_flow_time_ms",
        CONTACT_FLOW_MS,
        "Time in a flow before queue, transfer or end; NULL for methods Amazon leaves out, 0 if never answered.",
    ),
    _ms("queue_time_ms", QUEUE_TIME_MS, "Time in queue, NULL when not queued."),
    _ms(
        "abandon_time_ms",
        ABANDON_MS,
        "Time in queue before abandoning, NULL when not abandoned.",
        ABANDONED_APPROXIMATION,
    ),
    _ms(
        "queue_answer_time_ms",
        QUEUE_ANSWER_MS,
        "Time in queue before an agent answered, whispers included; NULL unless queued and handled.",
    ),
    _ms(
        "handle_time_ms",
        sum_of(
            "agent_interaction_duration_ms", "agent_customer_hold_duration_ms", "agent_after_contact_work_duration_ms"
        ),
        "Interaction, hold and after contact work; NULL when all three are. The metric AVG_HANDLE_TIME adds pauses.",
    ),
    _ms("customer_hold_time_ms", '"agent_customer_hold_duration_ms"', "Time the customer was on hold."),
    _ms("agent_interaction_time_ms", '"agent_interaction_duration_ms"', "Time agent and customer spoke."),
    _ms(
        "agent_interaction_outbound_time_ms",
        f'CASE WHEN {OUTBOUND} THEN "agent_interaction_duration_ms" END',
        "The same for outbound contacts, NULL for others.",
    ),
    _ms(
        "agent_interaction_and_hold_time_ms",
        sum_of("agent_interaction_duration_ms", "agent_customer_hold_duration_ms"),
        "Interaction and hold; NULL when both are.",
    ),
    _ms(
        "after_contact_work_time_ms",
        AFTER_CONTACT_WORK_MS,
        "After contact work; 0 when an agent was connected and none is recorded, else NULL.",
        "Whether Amazon's lake has 0 or NULL there is not published.",
    ),
    _ms(
        "after_contact_work_outbound_time_ms",
        f"CASE WHEN {OUTBOUND} THEN {AFTER_CONTACT_WORK_MS} END",
        "The same for outbound contacts, NULL for others.",
    ),
)

_FLAGS: Final = (
    _flag("is_connected", CONNECTED, "the customer reached the system (not: an agent)"),
    _flag("is_handled", HANDLED, "an agent was connected, by any method"),
    _flag("is_queued", QUEUED, "the contact was placed in a queue"),
    _flag("is_queued_and_handled", f"{QUEUED} AND {HANDLED}", "it was queued and handled"),
    _flag(
        "is_abandoned",
        ABANDONED,
        "it ended in queue without an agent, a callback or a transfer",
        ABANDONED_APPROXIMATION,
    ),
    _flag("is_agent_hung_up_first", AGENT_HUNG_UP_FIRST, "it was handled and the agent disconnected first"),
    _flag(
        "is_handled_incoming",
        f"{HANDLED} AND {INCOMING}",
        "it was handled and came by INBOUND, TRANSFER or QUEUE_TRANSFER (new chats are API)",
    ),
    _flag("is_handled_outbound", f"{HANDLED} AND {OUTBOUND}", "it was handled and outbound"),
    _flag("is_callback_handled", f"{HANDLED} AND {CALLBACK}", "it was handled and a callback"),
    _flag("is_api_handled", f"{HANDLED} AND {API}", "it was handled and begun by the API"),
    _flag("is_incoming", INCOMING, "it came by INBOUND, TRANSFER or QUEUE_TRANSFER, handled or not"),
    _flag("is_callback_contact", CALLBACK, "it is a callback, handled or not"),
    _flag("is_api_contact", API, "it was begun by the API, handled or not"),
    _flag(
        "is_put_on_hold",
        PUT_ON_HOLD,
        "it was on hold at least once",
        "Amazon's text counts a present number of holds, 0 too.",
    ),
    _absent("is_hold_disconnect", "bigint", NOT_EXPORTED),
    _absent("is_hold_agent_disconnect", "bigint", NOT_EXPORTED),
    _absent("is_hold_customer_disconnect", "bigint", NOT_EXPORTED),
    _flag("is_transferred_in", TRANSFERRED_IN, "it came by TRANSFER or QUEUE_TRANSFER"),
    _flag(
        "is_transferred_in_from_handled",
        "\"initiation_method\" = 'TRANSFER'",
        "it was transferred by an agent",
        "Amazon asks whether the previous contact was handled, which is another row; here the method is TRANSFER.",
    ),
    _flag(
        "is_transferred_in_from_queued", "\"initiation_method\" = 'QUEUE_TRANSFER'", "it was transferred from a queue"
    ),
    _flag("is_transferred_out", TRANSFERRED_OUT, "it was transferred out (cold transfers only have the time)"),
    _flag(
        "is_transferred_out_from_handled",
        f"{TRANSFERRED_OUT} AND {HANDLED}",
        "it was transferred out after an agent",
    ),
    _flag(
        "is_transferred_out_from_queued",
        f"{TRANSFERRED_OUT} AND {QUEUED} AND {NOT_HANDLED}",
        "it was transferred out of a queue without an agent",
        "Amazon tests PreDisconnectState, which is not exported.",
    ),
    _flag(
        "is_transferred_out_internal",
        TRANSFERRED_OUT_INTERNAL,
        "it was transferred out, not to an outside number",
        EXTERNAL_APPROXIMATION,
    ),
    _flag(
        "is_transferred_out_external",
        TRANSFERRED_OUT_EXTERNAL,
        "it was transferred to an outside number",
        EXTERNAL_APPROXIMATION,
    ),
    _flag(
        "is_transferred_out_external_from_contact_flow",
        f"{TRANSFERRED_OUT_EXTERNAL} AND {NOT_HANDLED}",
        "a flow transferred it to an outside number",
        "Not handled stands for: by a flow.",
    ),
    _absent("data_lake_last_processed_timestamp", "timestamp", "Internal to Amazon's lake. Always NULL."),
)

CONTACT_STATISTIC_RECORD: Final = View(
    database="connect_datalake",
    name="contact_statistic_record",
    base="contact_record",
    grain="one row per contact",
    columns=_IDENTITY + _TIMES + _FLAGS,
    lake_tables={"contact_record": CONTACT_RECORD.plain_view},
)
