"""Metrics of contacts: counts by method and transfer, and durations. Source: Amazon's definitions."""

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

_BY_AGENT: Final = "Amazon's text speaks of transfers by an agent; a transfer by a flow counts here too."

CONTACT_METRICS: Final[tuple[Metric, ...]] = (
    count(CONTACTS, "CONTACTS_CREATED", "Contacts created", "Contact records, each once.", '"contact_id" IS NOT NULL'),
    count(
        CONTACTS,
        "CONTACTS_HANDLED",
        "Contacts handled",
        "Contacts that an agent was connected to, by any method, including outbound.",
        HANDLED,
    ),
    count(
        CONTACTS,
        "CONTACTS_HANDLED_INCOMING",
        "Contacts handled incoming",
        "Handled contacts with the method INBOUND, TRANSFER or QUEUE_TRANSFER. New chats have the method API and "
        "do not count.",
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
        "Handled contacts with the method API, such as chats and tasks.",
        f"{HANDLED} AND {API}",
    ),
    count(
        CONTACTS,
        "CONTACTS_TRANSFERRED_IN",
        "Contacts transferred in",
        "Contacts with the method TRANSFER or QUEUE_TRANSFER.",
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
        "Contacts transferred out to anything but an outside number.",
        TRANSFERRED_OUT_INTERNAL,
        f"{EXTERNAL_APPROXIMATION} {_BY_AGENT}",
    ),
    count(
        CONTACTS,
        "CONTACTS_TRANSFERRED_OUT_EXTERNAL",
        "Contacts transferred out external",
        "Contacts transferred out to an outside number.",
        TRANSFERRED_OUT_EXTERNAL,
        f"{EXTERNAL_APPROXIMATION} {_BY_AGENT}",
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
        "From the system's answer to the queue, the transfer or the end, of contacts with the method INBOUND, "
        "TRANSFER, QUEUE_TRANSFER or API; 0 for a contact that the system never answered.",
        CONTACT_FLOW_MS,
    ),
)
