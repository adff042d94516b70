"""The contact family: what a customer experiences as one call: legs, each with a contact id of its own.

`v_contact_leg` has one row per leg and its relation to the previous leg; `v_contact_family` one row per family.
Both are views: whether a leg is a transfer depends on another row, so a stored value would depend on the order of
arrival.
Source of the rules: Amazon Connect administrator guide, identify conferences and transfers by using contact records.
"""

from __future__ import annotations

from collections.abc import Iterable

from trunkline.engines.model import Engine
from trunkline.objects.contact_record import CONTACT_RECORD
from trunkline.objects.model import Object
from trunkline.sql.views import CONTACTS, create_beside_contacts

LEG, FAMILY = "v_contact_leg", "v_contact_family"

CONSULT_MS_MAX = 2_000
"""An agent who spoke for at most this long was consulted; the limit of Amazon's sample queries."""

_PARENT_LATER = 'p."agent_after_contact_work_start_timestamp" > c."agent_after_contact_work_start_timestamp"'
_PARENT_EARLIER = 'p."agent_after_contact_work_start_timestamp" < c."agent_after_contact_work_start_timestamp"'
_EXTERNAL = "c.\"initiation_method\" = 'EXTERNAL_OUTBOUND'"
_OUTLIVED = f'{_EXTERNAL} AND p."agent_after_contact_work_start_timestamp" > c."disconnect_timestamp"'
_OUTSIDE_MS = 'COALESCE(c."external_third_party_interaction_duration_ms", 0)'

RELATIONS: tuple[tuple[str, str], ...] = (
    ("root", 'c."initial_contact_id" IS NULL AND c."previous_contact_id" IS NULL'),
    ("external_transfer", f'{_EXTERNAL} AND c."disconnect_timestamp" > p."transfer_completed_timestamp"'),
    # The guide says "greater" and "less". A customer on hold for the whole third-party interaction took no part in it.
    ("external_consult", f'{_OUTLIVED} AND p."agent_customer_hold_duration_ms" >= {_OUTSIDE_MS}'),
    ("external_conference", f'{_OUTLIVED} AND p."agent_customer_hold_duration_ms" < {_OUTSIDE_MS}'),
    ("callback", "c.\"initiation_method\" = 'CALLBACK'"),
    ("queue_transfer", "c.\"initiation_method\" = 'QUEUE_TRANSFER'"),
    ("monitor", "c.\"initiation_method\" = 'MONITOR'"),
    ("disconnect_flow", "c.\"initiation_method\" = 'DISCONNECT'"),
    ("transfer", f'{_PARENT_EARLIER} AND p."transfer_completed_timestamp" IS NOT NULL'),
    ("consult", f'{_PARENT_LATER} AND c."agent_interaction_duration_ms" <= {CONSULT_MS_MAX}'),
    ("conference", f'{_PARENT_LATER} AND c."agent_interaction_duration_ms" > {CONSULT_MS_MAX}'),
)
"""A leg's relation and its condition over the leg `c` and its parent `p`; the first that is true. NULL when none is."""

_COUNTED = (
    ("transfer_count", ("transfer", "external_transfer", "queue_transfer")),
    ("consult_count", ("consult", "external_consult")),
    ("conference_count", ("conference", "external_conference")),
    ("callback_count", ("callback",)),
)


def family_statements(objects: Iterable[Object], engine: Engine) -> tuple[str, ...]:
    """CREATE OR REPLACE VIEW of legs and families; none where `objects` lacks the contact record."""
    if CONTACT_RECORD not in tuple(objects):
        return ()
    return create_beside_contacts(engine, LEG, _legs()), create_beside_contacts(engine, FAMILY, _families())


def _legs() -> str:
    # A parent's NextContactId names only one of its children, so parents are looked up from the children.
    arms = "\n    ".join(f"WHEN {condition} THEN '{name}'" for name, condition in RELATIONS)
    columns = (
        "contact_id",
        "initial_contact_id",
        "previous_contact_id",
        "channel",
        "initiation_method",
        "queue_id",
        "agent_id",
        "initiation_timestamp",
        "disconnect_timestamp",
        "agent_interaction_duration_ms",
        "agent_customer_hold_duration_ms",
        "disconnect_reason",
    )
    listed = ",\n  ".join(f'c."{name}"' for name in columns)
    return f"""\
SELECT COALESCE(c."initial_contact_id", c."contact_id") AS "family_id",
  ROW_NUMBER() OVER (
    PARTITION BY COALESCE(c."initial_contact_id", c."contact_id")
    ORDER BY CASE WHEN c."initial_contact_id" IS NULL THEN 0 ELSE 1 END,
      COALESCE(c."initiation_timestamp", TIMESTAMP '9999-12-31 00:00:00'), c."contact_id"
  ) AS "leg_number",
  CASE
    {arms}
  END AS "relation",
  CASE WHEN c."agent_connected_to_agent_timestamp" IS NOT NULL THEN 1 ELSE 0 END AS "is_handled",
  {listed}
FROM {CONTACTS} AS c
LEFT JOIN {CONTACTS} AS p
  ON p."contact_id" = c."previous_contact_id" AND NOT p."record_is_deleted"
WHERE NOT c."record_is_deleted\""""


def _families() -> str:
    counts = ",\n  ".join(
        f'CAST(SUM(CASE WHEN "relation" IN ({", ".join(repr(name) for name in names)}) THEN 1 ELSE 0 END) AS BIGINT) '
        f'AS "{column}"'
        for column, names in _COUNTED
    )
    schema, leg = CONTACTS.split(".")[0], f'"{LEG}"'
    return f"""\
SELECT "family_id",
  MAX(CASE WHEN "relation" = 'root' THEN "contact_id" END) AS "root_contact_id",
  MAX(CASE WHEN "leg_number" = 1 THEN "channel" END) AS "channel",
  MAX(CASE WHEN "leg_number" = 1 THEN "initiation_method" END) AS "initiation_method",
  COUNT(*) AS "leg_count",
  {counts},
  CAST(SUM("is_handled") AS BIGINT) AS "handled_leg_count",
  COUNT(DISTINCT "agent_id") AS "agent_count",
  COUNT(DISTINCT "queue_id") AS "queue_count",
  MIN("initiation_timestamp") AS "first_initiation_timestamp",
  CASE WHEN COUNT(*) = COUNT("disconnect_timestamp") THEN MAX("disconnect_timestamp") END
    AS "last_disconnect_timestamp",
  CAST(SUM("agent_interaction_duration_ms") AS BIGINT) AS "agent_interaction_duration_ms",
  CAST(SUM("agent_customer_hold_duration_ms") AS BIGINT) AS "agent_customer_hold_duration_ms"
FROM {schema}.{leg}
GROUP BY "family_id\""""
