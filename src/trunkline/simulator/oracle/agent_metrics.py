"""Reference results of the metrics of agents, from their statistics, written from Amazon's definitions."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from trunkline.simulator.oracle.agent_statistics import AgentQuarter, AgentQueueQuarter, AgentStatistics
from trunkline.simulator.oracle.oracle import INTERVALS_S, Answer, interval_key

_Quarter = AgentQuarter | AgentQueueQuarter


@dataclass(frozen=True, slots=True)
class AgentTerm:
    """One metric: a sum over quarters of an hour, of agents or of agents and queues.

    `is_time`: milliseconds that are shown as seconds. With `base` it is a percentage of another sum.
    """

    of_queues: bool
    value: Callable[[Any], int]
    is_time: bool = False
    base: Callable[[Any], int] | None = None


def _idle(quarter: AgentQuarter) -> int:
    """Idle time of the metric: a contact that is offered does not end it."""
    return quarter.idle + quarter.offered


AGENT_TERMS: dict[str, AgentTerm] = {
    "SUM_ONLINE_TIME_AGENT": AgentTerm(False, lambda q: q.online, True),
    "SUM_CONTACT_TIME_AGENT": AgentTerm(False, lambda q: q.on_contact, True),
    "SUM_IDLE_TIME_AGENT": AgentTerm(False, _idle, True),
    "SUM_NON_PRODUCTIVE_TIME_AGENT": AgentTerm(False, lambda q: q.non_productive, True),
    "SUM_ERROR_STATUS_TIME_AGENT": AgentTerm(False, lambda q: q.error, True),
    "AGENT_OCCUPANCY": AgentTerm(False, lambda q: q.on_contact, base=lambda q: q.on_contact + _idle(q)),
    "PERCENT_CONTACT_TIME_AGENT": AgentTerm(False, lambda q: q.on_contact, base=lambda q: q.online),
    "PERCENT_IDLE_TIME_AGENT": AgentTerm(False, _idle, base=lambda q: q.online),
    "PERCENT_NON_PRODUCTIVE_TIME_AGENT": AgentTerm(False, lambda q: q.non_productive, base=lambda q: q.online),
    "AGENT_NON_RESPONSE": AgentTerm(True, lambda q: q.non_response),
    "AGENT_NON_RESPONSE_WITHOUT_CUSTOMER_ABANDONS": AgentTerm(True, lambda q: q.non_response_without_abandons),
    "CONTACTS_MISSED": AgentTerm(True, lambda q: q.non_response),
    "AGENT_ANSWER_RATE": AgentTerm(True, lambda q: q.accepted, base=lambda q: q.accepted + q.non_response),
    "SUM_CONNECTING_TIME_AGENT": AgentTerm(True, lambda q: sum(q.connecting.values()), True),
}


def agent_answers(
    statistics: AgentStatistics,
    metric: str,
    by: Sequence[str] = (),
    interval: str | None = None,
    zone: str = "UTC",
    since_ms: int | None = None,
    until_ms: int | None = None,
) -> dict[tuple[Any, ...], Answer]:
    """One metric per group; `by` has agent, and for metrics of queues also queue and channel, all by id.

    A key has the values of `by` in order, then the interval as `oracle.interval_key` has it. Quarters that begin in
    [since, until) count. Seconds, percent or a whole number; None where a sum of times, or the base, has no rows.
    """
    term = AGENT_TERMS[metric]
    groups: dict[tuple[Any, ...], list[_Quarter]] = {} if by or interval else {(): []}
    for at_ms, names, quarter in _rows(statistics, of_queues=term.of_queues):
        if (since_ms is not None and at_ms < since_ms) or (until_ms is not None and at_ms >= until_ms):
            continue
        key: tuple[Any, ...] = tuple(names[name] for name in by)
        if interval is not None:
            key += (interval_key(at_ms // 1000, INTERVALS_S[interval], zone),)
        groups.setdefault(key, []).append(quarter)
    return {key: _evaluate(term, quarters) for key, quarters in groups.items()}


def _rows(statistics: AgentStatistics, *, of_queues: bool) -> Iterator[tuple[int, Mapping[str, str], _Quarter]]:
    if not of_queues:
        for (agent, at_ms), quarter in statistics.agents.items():
            yield at_ms, {"agent": _last(agent)}, quarter
        return
    for (agent, queue, channel, at_ms), of_queue in statistics.queues.items():
        is_own = "/queue/agent/" in queue
        name = "agent_queues" if is_own else _last(queue)
        yield at_ms, {"agent": _last(agent), "queue": name, "channel": channel}, of_queue


def _last(arn: str) -> str:
    return arn.rpartition("/")[2]


def _evaluate(term: AgentTerm, quarters: Sequence[_Quarter]) -> Answer:
    total = sum(term.value(quarter) for quarter in quarters)
    if term.base is not None:
        base = sum(term.base(quarter) for quarter in quarters)
        return float(total) * 100 / float(base) if base else None
    if not term.is_time:
        return total
    return float(total) / 1000 if quarters else None
