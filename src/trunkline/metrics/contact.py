"""Metrics of contacts: counts by method and transfer, durations, talk, hold and after-contact work.

Source: Amazon's metric definitions.
"""

from __future__ import annotations

from typing import Final

from trunkline.metrics.model import Metric, Population, count, percentiles, time
from trunkline.objects.contact_record import CONTACT_RECORD
from trunkline.objects.contact_statistic_record import (
    AFTER_CONTACT_WORK_MS,
    AGENT_HUNG_UP_FIRST,
    API,
    CALLBACK,
    CONTACT_FLOW_MS,
    EXTERNAL_APPROXIMATION,
    HANDLE_MS,
    HANDLED,
    INCOMING,
    INTERACTION_MS,
    OUTBOUND,
    PUT_ON_HOLD,
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


_HANDLE: Final = "Interaction, hold, after contact work and agent pause; a contact without any of the four is left out."
_INTERACTION: Final = "Time agent and customer spoke, of contacts that an agent was connected to."
_WORK: Final = (
    "After contact work where it is recorded, with or without an agent, else 0 for a contact that an agent was "
    "connected to; a contact with neither is left out."
)

HANDLE_METRICS: Final[tuple[Metric, ...]] = (
    time(CONTACTS, "average", "AVG_HANDLE_TIME", "Average handle time", f"{_HANDLE} Averaged.", HANDLE_MS),
    time(CONTACTS, "sum", "SUM_HANDLE_TIME", "Contact handle time", f"{_HANDLE} Summed.", HANDLE_MS),
    time(CONTACTS, "average", "AVG_INTERACTION_TIME", "Average agent interaction time", _INTERACTION, INTERACTION_MS),
    time(CONTACTS, "sum", "SUM_INTERACTION_TIME", "Agent interaction time", _INTERACTION, INTERACTION_MS),
    time(
        CONTACTS,
        "average",
        "AVG_HOLD_TIME",
        "Average customer hold time",
        "Time on hold of contacts that an agent was connected to and that have a hold time, including zero.",
        f'CASE WHEN {HANDLED} THEN "agent_customer_hold_duration_ms" END',
    ),
    time(
        CONTACTS,
        "average",
        "AVG_HOLD_TIME_ALL_CONTACTS",
        "Average customer hold time, all contacts",
        "Time on hold of contacts that an agent was connected to, including those never put on hold. A contact "
        "without a hold time is left out, as in Amazon's calculation.",
        f'CASE WHEN {HANDLED} THEN "agent_customer_hold_duration_ms" END',
        "Amazon's text says all handled contacts, and its calculation skips those without a hold time, as that of "
        "AVG_HOLD_TIME does; this follows the calculation, so that the two are equal.",
    ),
    Metric(
        CONTACTS,
        "AVG_HOLDS",
        "Average holds",
        "Number of holds divided by all contacts, handled or not; a missing number is 0.",
        "count",
        "average",
        value='COALESCE("agent_number_of_holds", 0)',
        approximation="Amazon's text speaks of voice contacts, and its calculation divides by all contact records of "
        "any channel; this follows the calculation.",
    ),
    count(
        CONTACTS,
        "CONTACTS_PUT_ON_HOLD",
        "Contacts put on hold",
        "Contacts that were on hold at least once.",
        PUT_ON_HOLD,
        "Amazon's text counts a contact whose number of holds is present, 0 too; here it must be above 0.",
    ),
    time(
        CONTACTS,
        "average",
        "AVG_AFTER_CONTACT_WORK_TIME",
        "Average after contact work time",
        _WORK,
        AFTER_CONTACT_WORK_MS,
    ),
    time(CONTACTS, "sum", "SUM_AFTER_CONTACT_WORK_TIME", "After contact work time", _WORK, AFTER_CONTACT_WORK_MS),
    count(
        CONTACTS,
        "CONTACTS_AGENT_HUNG_UP_FIRST",
        "Agent hung up first",
        "Handled contacts that the agent disconnected before the customer did.",
        AGENT_HUNG_UP_FIRST,
    ),
)

HANDLE_PERCENTILES: Final = percentiles(CONTACTS, "HANDLE_TIME", "Handle time", _HANDLE, HANDLE_MS)
