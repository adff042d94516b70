"""What agents did, from their events: time by state, and the states of contacts at agents.

An event says an agent's state until the agent's next event, for 15 minutes at most: Connect sends a heartbeat every 2
minutes, so that after seven missing ones nothing is known. Nothing is known after an agent's last event either.
Intervals are quarters of an hour UTC, which tile the hours of every zone that is in use.

Each moment of an agent in a routable status is one of these, the first that applies: on contact; idle with an error (a
contact that was missed, rejected or failed is not cleared yet); idle without contacts; offered a contact.

The views read all events, whatever times a query asks for, because a later event, after any time, can change an earlier
interval. An agent's last event has no duration until the next event gives it up to 15 minutes, after a holiday too.
An offer that was not accepted becomes accepted when a later event has the contact connected at the same agent. A state
ends with the last event that has it: a paused task has one state for weeks. A state whose first events were lost counts
in the interval of its begin. Heartbeats bound how long a state lasts, not when the next event comes, so no bucket of
days around an interval is exact.
"""

from __future__ import annotations

from typing import Final

from trunkline.objects.agents.agent_event import AGENT_CONTACT, AGENT_EVENT
from trunkline.objects.view import ColumnType, Members, View, ViewColumn

OURS: Final = "Trunkline"
DATABASE: Final = AGENT_EVENT.database
LEVELS: Final = range(1, 6)

ERROR_STATES: Final = "'MISSED', 'REJECTED', 'ERROR'"
HANDLED_STATES: Final = "'CONNECTED', 'CONNECTED_ONHOLD', 'PAUSED', 'ENDED'"
_OWN_METHODS: Final = "\"initiation_method\" IN ('OUTBOUND', 'CALLBACK')"
# An agent's own call, or an accepted callback, rings at the customer: the agent is on contact meanwhile.
IS_ON_CONTACT: Final = f'("state" IN ({HANDLED_STATES}) OR ("state" = \'CONNECTING\' AND {_OWN_METHODS}))'
IS_OFFER: Final = f"(\"state\" IN ('INCOMING', 'PENDING') OR (\"state\" = 'CONNECTING' AND NOT {_OWN_METHODS}))"
_CHANNEL: Final = "CASE WHEN \"channel\" = 'TASKS' THEN 'TASK' ELSE \"channel\" END"


def arn_id(arn: str) -> str:
    """The last segment of an ARN within an instance; an agent's own queue has the agent's id."""
    return f"COALESCE(NULLIF(SPLIT_PART(\"{arn}\", '/', 5), ''), NULLIF(SPLIT_PART(\"{arn}\", '/', 4), ''))"


def _flag(condition: str) -> str:
    return f"MAX(CASE WHEN {condition} THEN 1 ELSE 0 END)"


def col(name: str, type_: ColumnType, meaning: str, source: str = OURS, sql: str = "", note: str = "") -> ViewColumn:
    """A column of a view; its expression is its name unless `sql` says another."""
    return ViewColumn(name, type_, sql or f'"{name}"', meaning, source, note)


AGENT_EVENT_CONTACT: Final = View(
    database=DATABASE,
    name="agent_event_contact",
    base=AGENT_EVENT.view_name,
    grain="one row per contact at the agent after an agent event",
    columns=(
        col("event_id", "string", "The event."),
        col("agent_arn", "string", "The agent's ARN."),
        col("event_timestamp", "timestamp", "When the event happened, UTC."),
        col("contact_id", "string", "The contact."),
        col("initial_contact_id", "string", "The contact's first leg. NULL on the first leg."),
        col("channel", "string", "VOICE, CHAT, EMAIL, TASK (Connect writes TASKS).", sql=_CHANNEL),
        col("initiation_method", "string", "How the contact began; an open list."),
        col("state", "string", "INCOMING, PENDING, CONNECTING, CONNECTED, CONNECTED_ONHOLD, PAUSED, MISSED, REJECTED, "
             "ERROR or ENDED (in after contact work)."),
        col("state_start_timestamp", "timestamp", "When this state began, UTC."),
        col("connected_to_agent_timestamp", "timestamp", "When the agent was connected, UTC. NULL before."),
        col("queue_timestamp", "timestamp", "When the contact was queued, UTC. NULL for outbound contacts."),
        col("queue_arn", "string", "The queue's ARN. NULL without a queue."),
        col("queue_name", "string", "The queue's name. NULL for an agent's own queue, and without a queue."),
    ),
    key=("event_id", "contact_id"),
    needs=(AGENT_EVENT.name,),
    members=Members("current_contacts", AGENT_CONTACT),
)  # fmt: skip

SHARED: Final = ("instance_id", "aws_account_id", "instance_arn", "agent_arn")
_ACTIVITY_OF_EVENT: Final = (
    *SHARED, "event_id", "begin_timestamp", "end_timestamp", "quarter_timestamp", "is_last", "agent_status_arn",
    "agent_status_name", "agent_status_type", "agent_username", "agent_routing_profile_arn",
    "agent_routing_profile_name",
    *(f"agent_hierarchy_level_{level}_arn" for level in LEVELS),
)  # fmt: skip
_STATUS_TYPE: Final = (
    "COALESCE(\"current_agent_status_type\", CASE \"current_agent_status_name\" WHEN 'Available' THEN 'ROUTABLE' "
    "WHEN 'Offline' THEN 'OFFLINE' ELSE 'CUSTOM' END)"
)


def listed(names: tuple[str, ...], prefix: str = "") -> str:
    """Columns' names with commas between."""
    return ", ".join(f'{prefix}"{name}"' for name in names)


_NEXT_QUARTER: Final = "\"quarter_timestamp\" + INTERVAL '15' MINUTE"
_SPANS: Final = f"""(
  SELECT {listed(_ACTIVITY_OF_EVENT)},
    CASE WHEN "part" = 0 THEN "quarter_timestamp" ELSE {_NEXT_QUARTER} END AS "interval_start_time",
    CASE WHEN "part" = 0 THEN "begin_timestamp" ELSE {_NEXT_QUARTER} END AS "part_begin",
    CASE WHEN "part" = 1 THEN "end_timestamp" ELSE LEAST("end_timestamp", {_NEXT_QUARTER}) END AS "part_end"
  FROM (
    SELECT {listed(SHARED)}, "event_id", "event_timestamp" AS "begin_timestamp",
      LEAST(COALESCE("next_timestamp", "event_timestamp"), "event_timestamp" + INTERVAL '15' MINUTE) AS "end_timestamp",
      QUARTER_HOUR("event_timestamp") AS "quarter_timestamp",
      CASE WHEN "next_timestamp" IS NULL THEN 1 ELSE 0 END AS "is_last",
      "current_agent_status_arn" AS "agent_status_arn", "current_agent_status_name" AS "agent_status_name",
      {_STATUS_TYPE} AS "agent_status_type", "current_configuration_username" AS "agent_username",
      "current_routing_profile_arn" AS "agent_routing_profile_arn",
      "current_routing_profile_name" AS "agent_routing_profile_name",
      {", ".join(f'"current_agent_hierarchy_groups_level_{n}_arn" AS "agent_hierarchy_level_{n}_arn"' for n in LEVELS)}
    FROM (
      SELECT e.*,
        LEAD("event_timestamp") OVER (PARTITION BY "agent_arn" ORDER BY "event_timestamp", "event_id")
          AS "next_timestamp"
      FROM {{agent_event}} AS e
    ) AS followed
  ) AS spans
  CROSS JOIN (SELECT 0 AS "part" UNION ALL SELECT 1 AS "part") AS parts
  WHERE "part" = 0 OR "end_timestamp" > {_NEXT_QUARTER}
) AS s
LEFT JOIN (
  SELECT "event_id" AS "contact_event_id", {_flag(IS_ON_CONTACT)} AS "is_on_contact", {_flag(IS_OFFER)} AS "is_offered",
    {_flag(f'"state" IN ({ERROR_STATES})')} AS "is_error"
  FROM {{agent_event_contact}}
  GROUP BY "event_id"
) AS c ON c."contact_event_id" = s."event_id\""""

_DURATION: Final = 'MS_BETWEEN("part_begin", "part_end")'
_IS_ROUTABLE: Final = "\"agent_status_type\" = 'ROUTABLE'"
_ON_CONTACT: Final = f'{_IS_ROUTABLE} AND COALESCE("is_on_contact", 0) = 1'
_IDLE: Final = (
    f'{_IS_ROUTABLE} AND COALESCE("is_on_contact", 0) = 0 '
    'AND (COALESCE("is_error", 0) = 1 OR COALESCE("is_offered", 0) = 0)'
)
_OFFERED: Final = f'{_IS_ROUTABLE} AND COALESCE("is_on_contact", 0) = 0 AND NOT ({_IDLE})'


def _activity(name: str, condition: str, meaning: str) -> ViewColumn:
    return col(
        name, "bigint", f"{meaning}: milliseconds, 0 else.", sql=f"CASE WHEN {condition} THEN {_DURATION} ELSE 0 END"
    )


AGENT_ACTIVITY: Final = View(
    database=DATABASE,
    name="agent_activity",
    base=AGENT_EVENT.view_name,
    grain="one row per agent event and quarter of an hour, for the time from it to the agent's next event",
    columns=(
        *(col(name, "string", meaning) for name, meaning in (
            ("event_id", "The event that the time begins with."),
            ("instance_id", "The Connect instance."),
            ("aws_account_id", "The AWS account."),
            ("instance_arn", "The instance's ARN."),
            ("agent_arn", "The agent's ARN."),
        )),
        col("user_id", "string", "The agent.", sql=arn_id("agent_arn")),
        col("interval_start_time", "timestamp", "The quarter of an hour, UTC."),
        col("begin_timestamp", "timestamp", "Begin of the time within it, UTC.", sql='"part_begin"'),
        col("end_timestamp", "timestamp", "Its end, UTC; the begin for an agent's last event.", sql='"part_end"'),
        col("is_last", "bigint", "1 for an agent's last event: it is not known how long its state lasts."),
        col("duration_ms", "bigint", "Milliseconds from begin to end.", sql=_DURATION),
        col("agent_status_arn", "string", "The agent's status: its ARN."),
        col("agent_status_name", "string", "Its name."),
        col("agent_status_type", "string", "ROUTABLE, CUSTOM or OFFLINE; where the event does not say, by the name."),
        _activity("online_ms", "\"agent_status_type\" <> 'OFFLINE'", "Time in another status than Offline"),
        _activity("non_productive_ms", "\"agent_status_type\" = 'CUSTOM'", "Time in a custom status"),
        _activity("error_ms", 'COALESCE("is_error", 0) = 1', "Time with a missed, rejected or failed contact"),
        _activity("on_contact_ms", _ON_CONTACT, "Time on a contact in a routable status"),
        _activity("idle_ms", _IDLE, "Time in a routable status without a contact, or with only one that failed"),
        _activity("offered_ms", _OFFERED, "Time in a routable status in which a contact waits to be accepted"),
        col("agent_username", "string", "The agent's user name. NULL if absent."),
        col("agent_routing_profile_arn", "string", "The agent's routing profile. NULL if absent."),
        col("agent_routing_profile_name", "string", "Its name. NULL if absent."),
        *(col(f"agent_hierarchy_level_{n}_arn", "string", f"Hierarchy group of level {n}. NULL without one.")
          for n in LEVELS),
    ),
    key=("event_id", "interval_start_time"),
    needs=(AGENT_EVENT.name,),
    source=_SPANS,
    tables={
        "agent_event": AGENT_EVENT.public_view,
        "agent_event_contact": f"{DATABASE}.agent_event_contact",
    },
)  # fmt: skip

_BEFORE: Final = "\"state\" IN ('INCOMING', 'PENDING', 'CONNECTING')"
_THEN_HANDLED: Final = f'"next_state" IN ({HANDLED_STATES})'
_OF_CONTACT: Final = ("agent_arn", "contact_id", "channel", "initiation_method", "queue_arn")
AGENT_CONTACT_STATE: Final = View(
    database=DATABASE,
    name="agent_contact_state",
    base=AGENT_EVENT.view_name,
    grain="one row per agent, contact and state that the contact had at the agent",
    columns=(
        *(col(name, "string", meaning) for name, meaning in (
            ("instance_id", "The Connect instance."),
            ("agent_arn", "The agent's ARN."),
            ("contact_id", "The contact."),
            ("channel", "VOICE, CHAT, TASK, EMAIL."),
            ("initiation_method", "How the contact began."),
            ("queue_arn", "The queue's ARN. NULL without a queue."),
            ("state", "The state; see agent_event_contact."),
        )),
        col("state_start_timestamp", "timestamp", "When it began, UTC."),
        col("state_end_timestamp", "timestamp", "When the agent's next event without it came, UTC."),
        col("next_state", "string", "The contact's next state at this agent. NULL when it left the agent."),
        col("is_last", "bigint", "1 where the agent's last event has this state: it may not have ended."),
        col("is_offer", "bigint", "1 where the contact waited for this agent to accept it, else 0.",
             sql=f"CASE WHEN {IS_OFFER} THEN 1 ELSE 0 END"),
        col("is_accepted", "bigint", "1 where the agent accepted the offer, 0 where not. NULL without an offer, "
             "and while it is not known.",
             sql=f'CASE WHEN NOT {IS_OFFER} THEN NULL WHEN "next_state" IN ({HANDLED_STATES}) THEN 1 '
             "WHEN \"initiation_method\" = 'CALLBACK' AND \"next_state\" = 'CONNECTING' THEN 1 "
             'WHEN "next_state" IS NULL AND "is_last" = 1 THEN NULL ELSE 0 END'),
        col("is_answered", "bigint", "1 where a state before the connection led to it, else 0.",
             sql=f"CASE WHEN {_BEFORE} AND {_THEN_HANDLED} THEN 1 ELSE 0 END"),
    ),
    key=("agent_arn", "contact_id", "state_start_timestamp", "state"),
    needs=(AGENT_EVENT.name,),
    source=f"""(
  SELECT grouped.*, LEAD("state") OVER (
    PARTITION BY "agent_arn", "contact_id" ORDER BY "state_start_timestamp", "state_end_timestamp", "state"
  ) AS "next_state"
  FROM (
    SELECT a."instance_id", {listed(_OF_CONTACT, "c.")}, c."state", c."state_start_timestamp",
      MAX(a."end_timestamp") AS "state_end_timestamp", MAX(a."is_last") AS "is_last"
    FROM {{agent_event_contact}} AS c
    JOIN {{agent_activity}} AS a ON a."event_id" = c."event_id"
    GROUP BY a."instance_id", {listed(_OF_CONTACT, "c.")}, c."state", c."state_start_timestamp"
  ) AS grouped
) AS states""",
    tables={
        "agent_event_contact": f"{DATABASE}.agent_event_contact",
        "agent_activity": f"{DATABASE}.agent_activity",
    },
)  # fmt: skip
