"""Metrics of agents: time by state, occupancy, and offers accepted or missed. Source: Amazon's metric definitions.

They are over quarters of an hour, so that a period or an interval has whole ones.
"""

from __future__ import annotations

from typing import Final

from trunkline.metrics.model import Metric, Population, share, time, total
from trunkline.objects.agents.statistics import AGENT_QUEUE_STATISTIC_RECORD, AGENT_STATISTIC_RECORD

AGENT_INTERVALS: Final = Population(
    AGENT_STATISTIC_RECORD,
    "interval_start_time",
    "interval",
    "quarters of an hour in which an agent was online, by their begin",
)
AGENT_QUEUE_INTERVALS: Final = Population(
    AGENT_QUEUE_STATISTIC_RECORD,
    "interval_start_time",
    "interval",
    "quarters of an hour in which an agent had a contact of a queue and channel, by their begin",
)

_IDLE_MS: Final = '"agent_idle_time" + "agent_offered_time"'
_IDLE: Final = "Available without a contact, or with one that is offered, missed, rejected or failed"
_RINGING: Final = (
    "Amazon's column agent_idle_time leaves out the time in which a contact is offered, and so do its reference "
    "queries; this follows the metric's definition, which includes it."
)
_CONNECTING: Final = " + ".join(
    f'"agent_{name}_connecting_time"' for name in ("incoming", "outbound", "callback", "api")
)
_OF_ONLINE: Final = (
    "Amazon defines this percentage in its console; its API has no name for it, so that the name is ours."
)
_NON_RESPONSE: Final = "Offers that an agent did not accept, also when the customer hung up first."

AGENT_METRICS: Final[tuple[Metric, ...]] = (
    time(
        AGENT_INTERVALS,
        "sum",
        "SUM_ONLINE_TIME_AGENT",
        "Online time",
        "Time in another status than Offline.",
        '"online_time"',
    ),
    time(
        AGENT_INTERVALS,
        "sum",
        "SUM_CONTACT_TIME_AGENT",
        "Agent on contact time",
        "Time on at least one contact, on hold and in after contact work too, not in a custom status or Offline.",
        '"agent_on_contact_time"',
    ),
    time(AGENT_INTERVALS, "sum", "SUM_IDLE_TIME_AGENT", "Agent idle time", f"Time {_IDLE}.", _IDLE_MS, _RINGING),
    time(
        AGENT_INTERVALS,
        "sum",
        "SUM_NON_PRODUCTIVE_TIME_AGENT",
        "Non-productive time",
        "Time in custom statuses, on a contact or not.",
        '"non_productive_time"',
    ),
    time(
        AGENT_INTERVALS,
        "sum",
        "SUM_ERROR_STATUS_TIME_AGENT",
        "Error status time",
        "Time with a contact that was missed, rejected or failed.",
        '"error_time"',
    ),
    share(
        AGENT_INTERVALS,
        "AGENT_OCCUPANCY",
        "Occupancy",
        f"Time on contact as a share of it and of idle time ({_IDLE}).",
        '"agent_on_contact_time"',
        f'"agent_on_contact_time" + {_IDLE_MS}',
        _RINGING,
    ),
    share(
        AGENT_INTERVALS,
        "PERCENT_CONTACT_TIME_AGENT",
        "Percent agent on contact time",
        "Time on contact as a share of online time.",
        '"agent_on_contact_time"',
        '"online_time"',
        _OF_ONLINE,
    ),
    share(
        AGENT_INTERVALS,
        "PERCENT_IDLE_TIME_AGENT",
        "Percent agent idle time",
        f"Idle time ({_IDLE}) as a share of online time.",
        _IDLE_MS,
        '"online_time"',
        _OF_ONLINE,
    ),
    share(
        AGENT_INTERVALS,
        "PERCENT_NON_PRODUCTIVE_TIME_AGENT",
        "Percent non-productive time",
        "Time in custom statuses as a share of online time.",
        '"non_productive_time"',
        '"online_time"',
        _OF_ONLINE,
    ),
    total(
        AGENT_QUEUE_INTERVALS,
        "AGENT_NON_RESPONSE",
        "Agent non-response",
        f"{_NON_RESPONSE} A contact counts once per offer.",
        '"agent_non_response"',
    ),
    total(
        AGENT_QUEUE_INTERVALS,
        "AGENT_NON_RESPONSE_WITHOUT_CUSTOMER_ABANDONS",
        "Agent non-response without customer abandons",
        "The same for calls, without offers during which the customer hung up.",
        '"agent_non_response_without_customer_abandons"',
        "An offer and a call that end within one second count as hung up by the customer.",
    ),
    total(
        AGENT_QUEUE_INTERVALS,
        "CONTACTS_MISSED",
        "Contacts missed",
        f"{_NON_RESPONSE} Amazon's earlier name of AGENT_NON_RESPONSE.",
        '"agent_non_response"',
    ),
    share(
        AGENT_QUEUE_INTERVALS,
        "AGENT_ANSWER_RATE",
        "Agent answer rate",
        "Offers that agents accepted, of all offers that ended.",
        '"contacts_accepted"',
        '"contacts_accepted" + "agent_non_response"',
        "Amazon's reference query divides contacts_handled by contacts_offered, so that a callback whose customer does "
        "not answer lowers it; here the agent's part counts.",
    ),
    time(
        AGENT_QUEUE_INTERVALS,
        "sum",
        "SUM_CONNECTING_TIME_AGENT",
        "Agent connecting time",
        "Time of contacts in the state CONNECTING: ringing at the agent, or of outbound calls and callbacks at the "
        "customer.",
        _CONNECTING,
    ),
)
