"""Metrics of queues: contacts queued, waiting, answered and abandoned. Source: Amazon's metric definitions."""

from __future__ import annotations

from typing import Final

from trunkline.metrics.contact import CONTACTS
from trunkline.metrics.model import Metric, count, percentiles, rate, time
from trunkline.objects.contact_statistic_record import (
    ABANDON_MS,
    ABANDONED,
    ABANDONED_APPROXIMATION,
    HANDLED,
    QUEUE_ANSWER_MS,
    QUEUE_TIME_MS,
    QUEUED,
)

REFERENCE_QUERIES: Final = "https://docs.aws.amazon.com/connect/latest/adminguide/data-lake-reference-queries.html"

# Neither the enqueue time nor the outcome is tested: Amazon's logic uses the duration alone.
REMOVED_IN_X: Final = '"queue_duration_ms" < "x_ms"'

QUEUE_METRICS: Final[tuple[Metric, ...]] = (
    count(CONTACTS, "CONTACTS_QUEUED", "Contacts queued", "Contacts that were placed in a queue.", QUEUED),
    count(
        CONTACTS,
        "CONTACTS_ABANDONED",
        "Contacts abandoned",
        "Contacts that ended in queue without an agent, a callback or a transfer. The reason does not "
        "matter, so a flow that hangs up counts too.",
        ABANDONED,
        ABANDONED_APPROXIMATION,
    ),
    count(
        CONTACTS,
        "SUM_CONTACTS_ABANDONED_IN_X",
        "Contacts abandoned in X",
        "Abandoned contacts that waited less than X seconds.",
        f"{ABANDONED} AND {REMOVED_IN_X}",
        ABANDONED_APPROXIMATION,
        takes_x=True,
    ),
    rate(
        CONTACTS,
        "ABANDONMENT_RATE",
        "Abandonment rate",
        "Abandoned contacts of all queued contacts. A contact has a routing profile only once an agent has it, so by "
        "routing profile all abandoned contacts are in the group without one, and the rate of the others is 0.",
        ABANDONED,
        QUEUED,
        ABANDONED_APPROXIMATION,
    ),
    count(
        CONTACTS,
        "SUM_CONTACTS_ANSWERED_IN_X",
        "Contacts answered in X",
        "Queued contacts that an agent answered after less than X seconds.",
        f"{HANDLED} AND {QUEUED} AND {REMOVED_IN_X}",
        takes_x=True,
    ),
    count(
        CONTACTS,
        "CONTACTS_REMOVED_FROM_QUEUE_IN_X",
        "Contacts removed from queue in X",
        "Contacts whose time in queue was less than X seconds, however it ended: answered, abandoned, callback "
        "requested or transferred.",
        REMOVED_IN_X,
        takes_x=True,
    ),
    rate(
        CONTACTS,
        "SERVICE_LEVEL",
        "Service level X",
        "Contacts removed from queue in less than X seconds of all queued contacts. Abandons and callback requests "
        "inside X count as within the service level, as in Amazon's console.",
        REMOVED_IN_X,
        QUEUED,
        takes_x=True,
    ),
    Metric(
        CONTACTS,
        "SERVICE_LEVEL_ANSWERED",
        "Service level X, answered only",
        "Queued contacts that an agent answered in X seconds or less of all queued contacts, as in Amazon's reference "
        "query for its data lake. Abandoned contacts never count as within it.",
        "percent",
        "rate",
        source=REFERENCE_QUERIES,
        condition=f'{HANDLED} AND {QUEUED} AND "queue_duration_ms" <= "x_ms"',
        base=QUEUED,
        takes_x=True,
    ),
    time(
        CONTACTS,
        "average",
        "AVG_QUEUE_ANSWER_TIME",
        "Average queue answer time",
        "Time in queue of contacts that an agent answered, including whispers, without flows before the queue.",
        QUEUE_ANSWER_MS,
    ),
    time(
        CONTACTS,
        "average",
        "AVG_ABANDON_TIME",
        "Average queue abandon time",
        "Time in queue of contacts that abandoned.",
        ABANDON_MS,
        ABANDONED_APPROXIMATION,
    ),
    time(
        CONTACTS,
        "maximum",
        "MAX_QUEUED_TIME",
        "Maximum queued time",
        "The longest time in queue of any contact, including abandoned ones.",
        '"queue_duration_ms"',
    ),
)

QUEUE_PERCENTILES: Final = percentiles(
    CONTACTS,
    "QUEUE_WAIT_TIME",
    "Queue wait time",
    "Time in queue of all queued contacts that have one, however the wait ended.",
    QUEUE_TIME_MS,
)
