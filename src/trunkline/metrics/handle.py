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
