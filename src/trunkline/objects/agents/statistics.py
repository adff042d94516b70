"""Amazon's statistics of agents, and of agents and queues, by quarter of an hour, from agents' events."""

from __future__ import annotations

from typing import Final

from trunkline.objects.agents.activity import (
    DATABASE,
    IS_ON_CONTACT,
    LEVELS,
    OURS,
    SHARED,
    arn_id,
    col,
    listed,
)
from trunkline.objects.agents.agent_event import AGENT_EVENT
from trunkline.objects.contact_record import CONTACT_RECORD
from trunkline.objects.model import Dimension, Pool
from trunkline.objects.view import View, ViewColumn

ASR: Final = "Amazon Connect analytics data lake, agent_statistic_record"
AQSR: Final = "Amazon Connect analytics data lake, agent_queue_statistic_record"
_NEXT_INTERVAL: Final = "\"interval_start_time\" + INTERVAL '15' MINUTE"
_LAST_OF_INTERVAL: Final = (
    'OVER (PARTITION BY "agent_arn", "interval_start_time" ORDER BY "begin_timestamp", "event_id" '
    "ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING)"
)
_PROFILE_AND_LEVELS: Final = (
    "agent_username",
    "agent_routing_profile_arn",
    "agent_routing_profile_name",
    *(f"agent_hierarchy_level_{level}_arn" for level in LEVELS),
)
_CURRENT: Final = ("agent_status_arn", "agent_status_name", *_PROFILE_AND_LEVELS)
# A key as text: the agent and the milliseconds of the interval, since engines write times differently.
_EPOCH: Final = "TIMESTAMP '1970-01-01 00:00:00' AS \"epoch_timestamp\""
_INTERVAL_MS: Final = 'CAST(MS_BETWEEN("epoch_timestamp", "interval_start_time") AS VARCHAR(20))'

_ASR_SOURCE: Final = f"""(
  SELECT summed.*, {_EPOCH}
  FROM (
    SELECT {listed(SHARED)}, "user_id", "interval_start_time",
      {", ".join(f'MAX("last_{name}") AS "{name}"' for name in _CURRENT)},
      SUM("online_ms") AS "online_ms", SUM("non_productive_ms") AS "non_productive_ms", SUM("error_ms") AS "error_ms",
      SUM("on_contact_ms") AS "on_contact_ms", SUM("idle_ms") AS "idle_ms", SUM("offered_ms") AS "offered_ms",
      SUM(CASE WHEN "agent_status_arn" = "last_agent_status_arn" THEN "duration_ms" ELSE 0 END) AS "status_ms"
    FROM (
      SELECT a.*,
        {", ".join(f'LAST_VALUE("{name}") {_LAST_OF_INTERVAL} AS "last_{name}"' for name in _CURRENT)}
      FROM {{agent_activity}} AS a
    ) AS ended
    GROUP BY {listed(SHARED)}, "user_id", "interval_start_time"
    HAVING SUM("online_ms") > 0
  ) AS summed
) AS intervals"""


def _intervals(source: str) -> tuple[ViewColumn, ...]:
    return (
        col("interval_start_time", "timestamp", "Begin of the quarter of an hour, UTC.", source),
        col("interval_end_time", "timestamp", "Its end, UTC.", source, _NEXT_INTERVAL),
        col("published_date", "timestamp", "The interval's end, UTC: Amazon does not say what it is.", source,
             _NEXT_INTERVAL),
    )  # fmt: skip


def _levels(source: str) -> tuple[ViewColumn, ...]:
    result: list[ViewColumn] = []
    for level in LEVELS:
        arn = f"agent_hierarchy_level_{level}_arn"
        meaning = f"Hierarchy group of level {level}: its"
        result.append(
            col(f"agent_hierarchy_level_{level}_id", "string", f"{meaning} id. NULL without one.", source, arn_id(arn))
        )
        result.append(col(arn, "string", f"{meaning} ARN. NULL without one.", source))
    return tuple(result)


def _big(name: str, sql: str, meaning: str, source: str, note: str = "") -> ViewColumn:
    return col(name, "bigint", meaning, source, f"CAST({sql} AS BIGINT)", note)


_RINGING: Final = (
    "The column's text leaves out time in which a contact is offered, and the metric Agent idle time of 2026 includes "
    "it; it is in agent_offered_time."
)
AGENT_STATISTIC_RECORD: Final = View(
    database=DATABASE,
    name="agent_statistic_record",
    base=AGENT_EVENT.view_name,
    grain="one row per agent and quarter of an hour in which the agent was online",
    columns=(
        col("asr_statistic_id", "string", "MD5 of agent and interval; the key.", ASR, 'MD5_OF("statistic_key")'),
        col("instance_id", "string", "The Connect instance.", ASR),
        col("user_id", "string", "The agent.", ASR),
        col("routing_profile_id", "string", "The routing profile at the end of the interval.", ASR,
             arn_id("agent_routing_profile_arn")),
        *_levels(ASR),
        *_intervals(ASR),
        col("aws_account_id", "string", "The AWS account.", ASR),
        _big("online_time", '"online_ms"', "Time in another status than Offline. Milliseconds.", ASR),
        _big("error_time", '"error_ms"', "Time with a contact in MISSED, REJECTED or ERROR. Milliseconds.", ASR),
        _big("non_productive_time", '"non_productive_ms"', "Time in custom statuses. Milliseconds.", ASR),
        _big("agent_idle_time", '"idle_ms"', "Time in a routable status without a contact, or with only one that was "
             "missed, rejected or failed. Milliseconds.", ASR, _RINGING),
        _big("agent_on_contact_time", '"on_contact_ms"', "Time on at least one contact, on hold and in after contact "
             "work too, without time in custom statuses and Offline. Milliseconds.", ASR),
        *(ViewColumn(f"custom_state_time_{n:02}", "bigint", None, "Always NULL: Amazon does not publish which status "
                     "it is of. By status: agent_activity.", ASR) for n in range(1, 51)),
        col("agent_status_arn", "string", "The status at the end of the interval: its ARN.", ASR),
        col("agent_status_name", "string", "Its name.", ASR),
        _big("agent_status_time_ms", '"status_ms"', "Time in that status within the interval. Milliseconds.", ASR,
             "Amazon's text is ambiguous: it may mean the online time."),
        col("instance_arn", "string", "The instance's ARN.", ASR),
        col("user_arn", "string", "The agent's ARN.", ASR, '"agent_arn"'),
        col("agent_routing_profile_arn", "string", "The routing profile's ARN.", ASR),
        ViewColumn("data_lake_last_processed_timestamp", "timestamp", None, "Internal to Amazon's lake. Always NULL.",
                   ASR),
        _big("agent_offered_time", '"offered_ms"', "Time in a routable status in which a contact waited to be accepted "
             "by this agent, and nothing else. With idle and on-contact time it is all time in a routable status. "
             "Milliseconds.", OURS),
        col("agent_username", "string", "The agent's user name at the end of the interval.", OURS),
        col("agent_routing_profile_name", "string", "The routing profile's name.", OURS),
    ),
    key=("asr_statistic_id",),
    dimensions=(
        Dimension("agent", "user_id", "agent_username"),
        Dimension("routing_profile", "routing_profile_id", "agent_routing_profile_name"),
    ),
    needs=(AGENT_EVENT.name,),
    source=f"""(
  SELECT keyed.*, "agent_arn" || '|' || {_INTERVAL_MS} AS "statistic_key"
  FROM {_ASR_SOURCE.replace(") AS intervals", ") AS keyed")}
) AS intervals""",
    tables={"agent_activity": f"{DATABASE}.agent_activity"},
)  # fmt: skip

_INCOMING: Final = "'INBOUND', 'TRANSFER', 'QUEUE_TRANSFER'"
_METHODS: Final = {
    "incoming": f'"initiation_method" IN ({_INCOMING})',
    "outbound": "\"initiation_method\" = 'OUTBOUND'",
    "callback": "\"initiation_method\" = 'CALLBACK'",
    "api": "\"initiation_method\" = 'API'",
}
_GRAIN: Final = ("instance_id", "agent_arn", "queue_arn", "channel", "interval_start_time")
_COUNTS: Final = (
    "non_response", "offered", "handled", "accepted", "unabandoned", *(f"{name}_attempts" for name in _METHODS)
)  # fmt: skip
_TIMES: Final = ("handle_ms", *(f"{name}_connecting_ms" for name in _METHODS), "contact_ms")
_ABOUT_AGENT: Final = ("aws_account_id", "instance_arn", *_PROFILE_AND_LEVELS)
_ABOUT: Final = (*_ABOUT_AGENT, "queue_name")
_OWN_QUEUE: Final = "\"queue_type\" = 'AGENT'"


def _zeros(names: tuple[str, ...]) -> str:
    return ", ".join(f'0 AS "{name}"' for name in names)


def _counted(at: str, counts: dict[str, str]) -> str:
    """Counts of states by the interval of a time of theirs."""
    values = ", ".join(f'{counts.get(name, "0")} AS "{name}"' for name in _COUNTS)
    no_text = ", ".join(f'NULL AS "{name}"' for name in _ABOUT)
    return f"""
    SELECT {listed(_GRAIN[:-1], "t.")}, QUARTER_HOUR("{at}") AS "interval_start_time", {no_text}, {values},
      {_zeros(_TIMES)}
    FROM (
      SELECT s.*, r."disconnect_timestamp"
      FROM {{agent_contact_state}} AS s
      LEFT JOIN {{contact_record}} AS r ON r."contact_id" = s."contact_id"
    ) AS t
    WHERE t."queue_arn" IS NOT NULL"""


_NOT_ACCEPTED: Final = 'CASE WHEN "is_accepted" = 0 THEN 1 ELSE 0 END'
# The record's time has whole seconds: that of a customer who hangs up while it rings is before the end of the offer.
_UNABANDONED: Final = (
    'CASE WHEN "is_accepted" = 0 AND "channel" = \'VOICE\' AND ("disconnect_timestamp" IS NULL '
    'OR "disconnect_timestamp" > "state_end_timestamp") THEN 1 ELSE 0 END'
)
_IN_CONNECTING: Final = "\"state\" = 'CONNECTING'"
_CONNECTING: Final = ", ".join(
    f'SUM(CASE WHEN {_IN_CONNECTING} AND {condition} THEN a."duration_ms" ELSE 0 END) AS "{name}_connecting_ms"'
    for name, condition in _METHODS.items()
)
_HANDLING: Final = f'SUM(CASE WHEN {IS_ON_CONTACT} THEN a."duration_ms" ELSE 0 END) AS "handle_ms"'
_QUEUE_TIMES: Final = f"""
    SELECT a."instance_id", a."agent_arn", c."queue_arn", c."channel", a."interval_start_time",
      {", ".join(f'MAX(a."{name}") AS "{name}"' for name in _ABOUT_AGENT)}, MAX(c."queue_name") AS "queue_name",
      {_zeros(_COUNTS)},
      {_HANDLING}, {_CONNECTING},
      MAX(CASE WHEN {IS_ON_CONTACT} AND "agent_status_type" = 'ROUTABLE' THEN a."duration_ms" ELSE 0 END)
        AS "contact_ms"
    FROM {{agent_event_contact}} AS c
    JOIN {{agent_activity}} AS a ON a."event_id" = c."event_id"
    WHERE c."queue_arn" IS NOT NULL
    GROUP BY a."event_id", a."instance_id", a."agent_arn", c."queue_arn", c."channel", a."interval_start_time\""""
_ATTEMPTS: Final = {
    f"{name}_attempts": f"CASE WHEN {_IN_CONNECTING} AND {condition} THEN 1 ELSE 0 END"
    for name, condition in _METHODS.items()
}
_BEGUN: Final = {"offered": '"is_offer"', **_ATTEMPTS}
_ENDED: Final = {
    "handled": 'CASE WHEN "is_answered" = 1 AND "initiation_method" <> \'OUTBOUND\' THEN 1 ELSE 0 END',
    "accepted": 'COALESCE("is_accepted", 0)',
    "non_response": _NOT_ACCEPTED,
    "unabandoned": _UNABANDONED,
}
_AQSR_SOURCE: Final = f"""(
  SELECT keyed.*, "agent_arn" || '|' || "queue_arn" || '|' || "channel" || '|' || {_INTERVAL_MS} AS "statistic_key"
  FROM (
    SELECT summed.*, {_EPOCH}
    FROM (
      SELECT {listed(_GRAIN)}, {", ".join(f'MAX("{name}") AS "{name}"' for name in _ABOUT)},
        {", ".join(f'SUM("{name}") AS "{name}"' for name in (*_COUNTS, *_TIMES))}
      FROM ({_QUEUE_TIMES}
    UNION ALL{_counted("state_start_timestamp", _BEGUN)}
    UNION ALL{_counted("state_end_timestamp", _ENDED)}
      ) AS pieces
      GROUP BY {listed(_GRAIN)}
    ) AS summed
  ) AS keyed
) AS intervals"""  # fmt: skip

_OFFERS: Final = "Offers are known from agents' events: one whose events were lost is not counted."
AGENT_QUEUE_STATISTIC_RECORD: Final = View(
    database=DATABASE,
    name="agent_queue_statistic_record",
    base=AGENT_EVENT.view_name,
    grain="one row per agent, queue, channel and quarter of an hour in which the agent had a contact of it",
    columns=(
        col("aqsr_statistic_id", "string", "MD5 of agent, queue, channel and interval; the key.", AQSR,
             'MD5_OF("statistic_key")'),
        col("instance_id", "string", "The Connect instance.", AQSR),
        col("user_id", "string", "The agent.", AQSR, arn_id("agent_arn")),
        col("routing_profile_id", "string", "A routing profile of the agent in the interval. NULL where the interval "
             "has only the end of an offer.", AQSR, arn_id("agent_routing_profile_arn")),
        *_levels(AQSR),
        *_intervals(AQSR),
        col("aws_account_id", "string", "The AWS account. NULL as routing_profile_id.", AQSR),
        col("queue_id", "string", "The queue; of an agent's own queue the agent's id.", AQSR, arn_id("queue_arn")),
        col("queue_arn", "string", "The queue's ARN.", AQSR),
        col("channel", "string", "VOICE, CHAT, TASK, EMAIL.", AQSR),
        col("queue_type", "string", "AGENT for an agent's own queue, else STANDARD.", AQSR,
             "CASE WHEN SPLIT_PART(\"queue_arn\", '/', 4) = 'agent' THEN 'AGENT' ELSE 'STANDARD' END"),
        _big("agent_non_response", '"non_response"', "Offers that ended in the interval and were not accepted, also "
             "when the customer hung up first.", AQSR, _OFFERS),
        _big("contacts_offered", '"offered"', "Offers that began in the interval.", AQSR, _OFFERS),
        _big("contacts_handled", '"handled"', "Contacts that were connected in the interval, without outbound ones.",
             AQSR, _OFFERS),
        _big("handle_time", '"handle_ms"', "Time of contacts connected, on hold, paused and in after contact work, and "
             "ringing at the customer, each contact for itself. Milliseconds.", AQSR,
             "Amazon's text describes an average; here it is the sum within the interval."),
        *(_big(f"agent_{name}_connecting_time", f'"{name}_connecting_ms"',
               f"Time of {name} contacts in the state CONNECTING. Milliseconds.", AQSR) for name in _METHODS),
        *(_big(f"{name}_connecting_attempts", f'"{name}_attempts"',
               f"Times that {name} contacts entered the state CONNECTING in the interval.", AQSR) for name in _METHODS),
        _big("contact_time_ms", '"contact_ms"', "Time on at least one contact of the queue and channel, without time "
             "in custom statuses and Offline. Milliseconds.", AQSR),
        _big("agent_non_response_without_customer_abandons", '"unabandoned"', "agent_non_response of calls without "
             "those in which the customer hung up first. 0 in other channels.", AQSR,
             "The record's disconnect time has whole seconds: an offer and a call that end in one second count as hung "
             "up by the customer."),
        col("instance_arn", "string", "The instance's ARN. NULL as routing_profile_id.", AQSR),
        col("user_arn", "string", "The agent's ARN.", AQSR, '"agent_arn"'),
        col("agent_routing_profile_arn", "string", "The routing profile's ARN.", AQSR),
        ViewColumn("data_lake_last_processed_timestamp", "timestamp", None, "Internal to Amazon's lake. Always NULL.",
                   AQSR),
        _big("contacts_accepted", '"accepted"', "Offers that ended in the interval and were accepted: those of "
             "callbacks too whose customer then did not answer.", OURS),
        col("queue_name", "string", "The queue's name. NULL for an agent's own queue.", OURS),
        col("agent_username", "string", "The agent's user name. NULL as routing_profile_id.", OURS),
        col("agent_routing_profile_name", "string", "The routing profile's name. NULL as routing_profile_id.", OURS),
    ),
    dimensions=(
        Dimension("queue", "queue_id", "queue_name", Pool(_OWN_QUEUE, "Agents' own queues", "agent_queues")),
        Dimension("agent", "user_id", "agent_username"),
        Dimension("routing_profile", "routing_profile_id", "agent_routing_profile_name"),
        Dimension("channel", "channel"),
    ),
    key=("aqsr_statistic_id",),
    needs=(AGENT_EVENT.name, CONTACT_RECORD.name),
    source=_AQSR_SOURCE,
    tables={
        "agent_event_contact": f"{DATABASE}.agent_event_contact",
        "agent_activity": f"{DATABASE}.agent_activity",
        "agent_contact_state": f"{DATABASE}.agent_contact_state",
        "contact_record": CONTACT_RECORD.public_view,
    },
    lake_tables={"contact_record": CONTACT_RECORD.plain_view},
)  # fmt: skip
