"""Metrics of contacts as such: how many, how they began, where they went, how long. Source: Amazon's definitions."""

from __future__ import annotations

from typing import Final

from trunkline.metrics.model import Metric, Population, count, time
from trunkline.objects.contact_record import CONTACT_RECORD
from trunkline.objects.contact_rules import (
    API,
    CALLBACK,
    CONTACT_FLOW_MS,
    EXTERNAL_APPROXIMATION,
    HANDLED,
    INCOMING,
    OUTBOUND,
    TRANSFERRED_IN,
    TRANSFERRED_OUT,
    TRANSFERRED_OUT_EXTERNAL,
    TRANSFERRED_OUT_INTERNAL,
)

CONTACTS: Final = Population(
    CONTACT_RECORD, "disconnect_timestamp", "contact", "contacts by the time they disconnected"
)

# To the end of after contact work or to the disconnect, whichever is later, never below zero.
_RESOLUTION_MS: Final = (
    'CASE WHEN "agent_after_contact_work_end_timestamp" > "disconnect_timestamp"'
    ' THEN CASE WHEN "agent_after_contact_work_end_timestamp" < "initiation_timestamp" THEN 0'
    ' ELSE MS_BETWEEN("initiation_timestamp", "agent_after_contact_work_end_timestamp") END'
    ' WHEN "disconnect_timestamp" < "initiation_timestamp" THEN 0'
    ' ELSE MS_BETWEEN("initiation_timestamp", "disconnect_timestamp") END'
)

CONTACT_METRICS: Final[tuple[Metric, ...]] = (
    count(CONTACTS, "CONTACTS_CREATED", "Contacts created", "Contact records, each once.", '"contact_id" IS NOT NULL'),
    count(
        CONTACTS,
        "CONTACTS_HANDLED",
        "Contacts handled",
        "Contacts that an agent was connected to, by any method, outbound included.",
        HANDLED,
    ),
    count(
        CONTACTS,
        "CONTACTS_HANDLED_INCOMING",
        "Contacts handled incoming",
        "Handled contacts that came by INBOUND, TRANSFER or QUEUE_TRANSFER. New chats are API and not counted.",
        f"{HANDLED} AND {INCOMING}",
    ),
    count(
        CONTACTS,
        "CONTACTS_HANDLED_OUTBOUND",
        "Contacts handled outbound",
        "Handled contacts that an agent placed.",
        f"{HANDLED} AND {OUTBOUND}",
    ),
    count(
        CONTACTS,
        "CALLBACK_CONTACTS_HANDLED",
        "Callback contacts handled",
        "Handled contacts that are queued callbacks.",
        f"{HANDLED} AND {CALLBACK}",
    ),
    count(
        CONTACTS,
        "API_CONTACTS_HANDLED",
        "API contacts handled",
        "Handled contacts that began by the API, such as chats and tasks.",
        f"{HANDLED} AND {API}",
    ),
    count(
        CONTACTS,
        "CONTACTS_TRANSFERRED_IN",
        "Contacts transferred in",
        "Contacts that began by TRANSFER or QUEUE_TRANSFER.",
        TRANSFERRED_IN,
    ),
    count(
        CONTACTS,
        "CONTACTS_TRANSFERRED_OUT",
        "Contacts transferred out",
        "Contacts with a transfer time. Only cold transfers have one, so warm transfers do not count.",
        TRANSFERRED_OUT,
    ),
    count(
        CONTACTS,
        "CONTACTS_TRANSFERRED_OUT_INTERNAL",
        "Contacts transferred out internal",
        "Contacts transferred out, not to an outside number.",
        TRANSFERRED_OUT_INTERNAL,
        EXTERNAL_APPROXIMATION,
    ),
    count(
        CONTACTS,
        "CONTACTS_TRANSFERRED_OUT_EXTERNAL",
        "Contacts transferred out external",
        "Contacts transferred out to an outside number.",
        TRANSFERRED_OUT_EXTERNAL,
        EXTERNAL_APPROXIMATION,
    ),
    time(
        CONTACTS,
        "average",
        "AVG_CONTACT_DURATION",
        "Average contact duration",
        "From initiation to disconnect, of contacts with both.",
        'MS_BETWEEN("initiation_timestamp", "disconnect_timestamp")',
    ),
    time(
        CONTACTS,
        "average",
        "AVG_RESOLUTION_TIME",
        "Average resolution time",
        "From initiation to the disconnect or the end of after contact work, whichever is later; never below 0.",
        _RESOLUTION_MS,
    ),
    time(
        CONTACTS,
        "sum",
        "SUM_CONTACT_FLOW_TIME",
        "Contact flow time",
        "From the system's answer to queue, transfer or end, of contacts by INBOUND, TRANSFER, QUEUE_TRANSFER and "
        "API; 0 for one the system never answered.",
        CONTACT_FLOW_MS,
    ),
)
