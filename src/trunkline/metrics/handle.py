"""Metrics of handling: talk, hold and after contact work. Source: Amazon's metric definitions."""

from __future__ import annotations

from typing import Final

from trunkline.metrics.contact import CONTACTS
from trunkline.metrics.model import Metric, count, percentiles, time
from trunkline.objects.contact_rules import (
    AFTER_CONTACT_WORK_MS,
    AGENT_HUNG_UP_FIRST,
    HANDLE_MS,
    HANDLED,
    INTERACTION_MS,
    PUT_ON_HOLD,
)

_HANDLE: Final = "Interaction, hold, after contact work and agent pause; a contact without any of the four is left out."
_INTERACTION: Final = "Time agent and customer spoke, of contacts that an agent was connected to."
_WORK: Final = "After contact work; 0 for a contact with an agent and none recorded, left out without an agent."

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
        "Time on hold of contacts that an agent was connected to and that have a hold time, zero included.",
        f'CASE WHEN {HANDLED} THEN "agent_customer_hold_duration_ms" END',
    ),
    time(
        CONTACTS,
        "average",
        "AVG_HOLD_TIME_ALL_CONTACTS",
        "Average customer hold time, all contacts",
        "Time on hold over all handled contacts, those without a hold time as 0.",
        f'CASE WHEN {HANDLED} THEN COALESCE("agent_customer_hold_duration_ms", 0) END',
    ),
    Metric(
        CONTACTS,
        "AVG_HOLDS",
        "Average holds",
        "How often a handled contact was put on hold, those without a number as 0.",
        "count",
        "average",
        value=f'CASE WHEN {HANDLED} THEN COALESCE("agent_number_of_holds", 0) END',
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
