"""`agent_adherence`: what agents were scheduled for, and whether they did it, by quarter of an hour.

Amazon's default rule: an agent adheres to a productive activity in a routable status (Available), and to a
non-productive one in a custom status or Offline. Where no event says anything, the agent counts as Offline: an agent
who does not come sends no events. That holds only between the instance's first and last agent event; before and after
nothing is known, and there are no rows.
"""

from __future__ import annotations

from typing import Final

from trunkline.objects.agents.activity import DATABASE, arn_id, col, listed
from trunkline.objects.agents.agent_event import AGENT_EVENT
from trunkline.objects.agents.scheduling import SHIFT_ACTIVITIES, STAFF_SHIFT_ACTIVITIES, STAFF_SHIFTS
from trunkline.objects.model import Dimension
from trunkline.objects.view import View

_GUIDE: Final = "Amazon Connect administrator guide, schedule adherence"
_WORK: Final = "Work"
_QUARTER_MIN, _HOUR_MIN, _SIX_HOURS_MIN = 15, 60, 360
_STEPS: Final = ((_SIX_HOURS_MIN, 28), (_HOUR_MIN, 6), (_QUARTER_MIN, 4))
"""Steps in minutes, and how many: all quarters of an hour of a week."""

# The newest version decides, also where it says that the shift is deleted.
_SHIFTS: Final = """(
    SELECT "instance_id", "shift_id", "shift_version", "agent_arn", "is_deleted",
      ROW_NUMBER() OVER (PARTITION BY "instance_id", "shift_id" ORDER BY "shift_version" DESC) AS "recency"
    FROM {staff_shifts}
  )"""
_TYPES: Final = """(
    SELECT "instance_id", "shift_activity_arn", "shift_activity_name", "type", "is_adherence_tracked",
      ROW_NUMBER() OVER (
        PARTITION BY "instance_id", "shift_activity_arn" ORDER BY "shift_activity_version" DESC
      ) AS "recency"
    FROM {shift_activities}
  )"""
_IS_WORK: Final = 'b."shift_activity_arn" IS NULL'
_SCHEDULED: Final = f"""(
  SELECT b."instance_id", s."agent_arn", b."shift_id", b."activity_id", b."shift_activity_arn",
    CASE WHEN {_IS_WORK} THEN '{_WORK}' ELSE t."shift_activity_name" END AS "shift_activity_name",
    CASE WHEN {_IS_WORK} THEN 'PRODUCTIVE' ELSE t."type" END AS "activity_type",
    CASE WHEN {_IS_WORK} OR t."is_adherence_tracked" THEN 1 ELSE 0 END AS "is_tracked",
    GREATEST(b."activity_start_timestamp", k."known_from") AS "begin_timestamp",
    LEAST(b."activity_end_timestamp", k."known_until") AS "end_timestamp"
  FROM {{staff_shift_activities}} AS b
  JOIN {_SHIFTS} AS s
    ON s."instance_id" = b."instance_id" AND s."shift_id" = b."shift_id" AND s."shift_version" = b."shift_version"
  JOIN (
    SELECT "instance_id", MIN("event_timestamp") AS "known_from", MAX("event_timestamp") AS "known_until"
    FROM {{agent_event}}
    GROUP BY "instance_id"
  ) AS k ON k."instance_id" = b."instance_id"
  LEFT JOIN {_TYPES} AS t
    ON t."instance_id" = b."instance_id" AND t."shift_activity_arn" = b."shift_activity_arn" AND t."recency" = 1
  WHERE s."recency" = 1 AND COALESCE(s."is_deleted", FALSE) = FALSE AND COALESCE(b."is_deleted", FALSE) = FALSE
    AND COALESCE(b."activity_status", '') <> 'INACTIVE'
    AND b."activity_start_timestamp" IS NOT NULL AND b."activity_end_timestamp" IS NOT NULL
)"""

_OF_ACTIVITY: Final = (
    "instance_id", "agent_arn", "shift_id", "activity_id", "shift_activity_arn", "shift_activity_name", "activity_type",
    "is_tracked", "begin_timestamp", "end_timestamp",
)  # fmt: skip


def _each_step(source: str, minutes: int, count: int) -> str:
    """The rows of `source` once per step from their `interval_start_time` that begins before their end."""
    steps = " UNION ALL ".join(f'SELECT {n} AS "step"' for n in range(count))
    times = " ".join(
        f"WHEN {n} THEN \"interval_start_time\" + INTERVAL '{n * minutes}' MINUTE" for n in range(1, count)
    )
    return f"""(
  SELECT {listed(_OF_ACTIVITY)}, "interval_start_time"
  FROM (
    SELECT {listed(_OF_ACTIVITY)}, CASE "step" {times} ELSE "interval_start_time" END AS "interval_start_time"
    FROM {source} AS stepped
    CROSS JOIN ({steps}) AS steps
  ) AS begun
  WHERE "interval_start_time" < "end_timestamp"
)"""


def _quarters() -> str:
    """The scheduled activities once per quarter of an hour that they touch."""
    source = f"""(
  SELECT {listed(_OF_ACTIVITY)}, QUARTER_HOUR("begin_timestamp") AS "interval_start_time"
  FROM {_SCHEDULED} AS scheduled
  WHERE "begin_timestamp" < "end_timestamp"
)"""
    for minutes, count in _STEPS:
        source = _each_step(source, minutes, count)
    return source


_NEXT_QUARTER: Final = f"\"interval_start_time\" + INTERVAL '{_QUARTER_MIN}' MINUTE"
_OF_PIECE: Final = (*_OF_ACTIVITY[:8], "interval_start_time", "piece_begin", "piece_end")
_PIECES: Final = f"""(
  SELECT {listed(_OF_ACTIVITY)}, "interval_start_time",
    GREATEST("begin_timestamp", "interval_start_time") AS "piece_begin",
    LEAST("end_timestamp", {_NEXT_QUARTER}) AS "piece_end"
  FROM {_quarters()} AS quarters
)"""
# A state joins the piece that it overlaps; a piece without one stays, with no time in a routable status.
_SOURCE: Final = f"""(
  SELECT {listed(_OF_PIECE)}, MAX("agent_username") AS "agent_username",
    SUM(CASE WHEN "agent_status_type" = 'ROUTABLE' THEN MS_BETWEEN("shared_begin", "shared_end") ELSE 0 END)
      AS "available_ms"
  FROM (
    SELECT {listed(_OF_PIECE, "p.")}, a."agent_username", a."agent_status_type",
      GREATEST(p."piece_begin", a."begin_timestamp") AS "shared_begin",
      LEAST(p."piece_end", a."end_timestamp") AS "shared_end"
    FROM {_PIECES} AS p
    LEFT JOIN {{agent_activity}} AS a ON a."agent_arn" = p."agent_arn"
      AND a."interval_start_time" = p."interval_start_time"
      AND a."begin_timestamp" < p."piece_end" AND a."end_timestamp" > p."piece_begin"
  ) AS shared
  GROUP BY {listed(_OF_PIECE)}
) AS pieces"""

_SCHEDULED_MS: Final = 'MS_BETWEEN("piece_begin", "piece_end")'
_IS_COUNTED: Final = "\"is_tracked\" = 1 AND \"activity_type\" IN ('PRODUCTIVE', 'NON_PRODUCTIVE')"
_NOT_COUNTED: Final = "NULL where adherence to the activity is not tracked, for leave, and for an unknown activity."
_DEFAULT_RULE: Final = (
    "Where no event says anything, the agent counts as Offline. Statuses that are mapped to activities in Connect are "
    "not exported, so that its default rule holds for all."
)


_AWAY_MS: Final = f'{_SCHEDULED_MS} - "available_ms"'


def _counted(value: str) -> str:
    return f"CAST(CASE WHEN {_IS_COUNTED} THEN {value} ELSE NULL END AS BIGINT)"


def _by_type(productive: str, other: str) -> str:
    return f"CASE WHEN \"activity_type\" = 'PRODUCTIVE' THEN {productive} ELSE {other} END"


AGENT_ADHERENCE: Final = View(
    database=DATABASE,
    name="agent_adherence",
    base=STAFF_SHIFT_ACTIVITIES.view_name,
    grain="one row per agent, scheduled activity and quarter of an hour, between the first and last agent event",
    columns=(
        col("instance_id", "string", "The Connect instance."),
        col("user_id", "string", "The agent.", sql=arn_id("agent_arn")),
        col("agent_arn", "string", "The agent's ARN."),
        col("agent_username", "string", "The agent's user name. NULL where no event says anything."),
        col("shift_id", "string", "The shift; its newest version counts."),
        col("activity_id", "string", "The scheduled activity."),
        col("shift_activity_arn", "string", "What is scheduled. NULL for work."),
        col("shift_activity_name", "string", f"Its name; {_WORK} for work. NULL where shift_activities lacks it."),
        col("activity_type", "string", "PRODUCTIVE (as work), NON_PRODUCTIVE or LEAVE. NULL where shift_activities "
             "lacks it."),
        col("interval_start_time", "timestamp", "The quarter of an hour, UTC."),
        col("begin_timestamp", "timestamp", "Begin of the activity within it, UTC.", sql='"piece_begin"'),
        col("end_timestamp", "timestamp", "Its end, UTC.", sql='"piece_end"'),
        col("available_ms", "bigint", "Time from begin to end in a routable status. Milliseconds.",
             sql='CAST("available_ms" AS BIGINT)'),
        col("scheduled_ms", "bigint", f"Time from begin to end. Milliseconds. {_NOT_COUNTED}", _GUIDE,
             _counted(_SCHEDULED_MS)),
        col("adherent_ms", "bigint", "Of it, time in a routable status, or for a NON_PRODUCTIVE activity in another. "
             f"Milliseconds. {_NOT_COUNTED}", _GUIDE, _counted(_by_type('"available_ms"', _AWAY_MS)), _DEFAULT_RULE),
        col("non_adherent_ms", "bigint", f"The rest of it. Milliseconds. {_NOT_COUNTED}", _GUIDE,
             _counted(_by_type(_AWAY_MS, '"available_ms"')), _DEFAULT_RULE),
    ),
    key=("shift_id", "activity_id", "interval_start_time"),
    dimensions=(
        Dimension("agent", "user_id", "agent_username"),
        Dimension("activity", "shift_activity_name"),
    ),
    needs=(AGENT_EVENT.name, STAFF_SHIFTS.name, STAFF_SHIFT_ACTIVITIES.name, SHIFT_ACTIVITIES.name),
    source=_SOURCE,
    tables={
        "agent_event": AGENT_EVENT.public_view,
        "agent_activity": f"{DATABASE}.agent_activity",
        "staff_shifts": STAFF_SHIFTS.public_view,
        "staff_shift_activities": STAFF_SHIFT_ACTIVITIES.public_view,
        "shift_activities": SHIFT_ACTIVITIES.public_view,
    },
)  # fmt: skip
