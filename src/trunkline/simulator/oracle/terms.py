"""Each metric's terms over one contact, as Amazon defines them. Times are whole seconds; None excludes a contact.

The input is a contact's winning record, plus the state that Amazon knows but does not export.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import Enum, auto
from typing import Any


@dataclass(frozen=True, slots=True)
class TrueContact:
    """One contact. Times are Unix seconds, durations whole seconds; None where the record has null or no key.

    Ids are the last segment of ARNs, as in Amazon's analytics data lake.
    """

    contact_id: str
    channel: str | None
    initiation_method: str | None
    disconnect_reason: str | None
    next_contact_id: str | None
    initiated_at: int | None
    system_at: int | None
    disconnected_at: int | None
    transfer_completed_at: int | None
    transferred_to_type: str | None
    queue_id: str | None
    queue_name: str | None
    is_agent_queue: bool
    enqueued_at: int | None
    queue_s: int | None
    agent_id: str | None
    routing_profile_id: str | None
    agent_at: int | None
    interaction_s: int | None
    hold_s: int | None
    holds: int | None
    pause_s: int | None
    acw_s: int | None
    acw_end_at: int | None
    pre_disconnect_state: str | None

    @classmethod
    def from_record(cls, record: Mapping[str, Any], pre_disconnect_state: str | None = None) -> TrueContact:
        """Read an exported contact record; absent keys count as null."""
        queue: Mapping[str, Any] = record.get("Queue") or {}
        agent: Mapping[str, Any] = record.get("Agent") or {}
        profile: Mapping[str, Any] = agent.get("RoutingProfile") or {}
        target: Mapping[str, Any] = record.get("TransferredToEndpoint") or {}
        return cls(
            contact_id=record["ContactId"],
            channel=record.get("Channel"),
            initiation_method=record.get("InitiationMethod"),
            disconnect_reason=record.get("DisconnectReason"),
            next_contact_id=record.get("NextContactId"),
            initiated_at=_second(record.get("InitiationTimestamp")),
            system_at=_second(record.get("ConnectedToSystemTimestamp")),
            disconnected_at=_second(record.get("DisconnectTimestamp")),
            transfer_completed_at=_second(record.get("TransferCompletedTimestamp")),
            transferred_to_type=target.get("Type"),
            queue_id=_last(queue.get("ARN")),
            queue_name=queue.get("Name"),
            is_agent_queue="/queue/agent/" in (queue.get("ARN") or ""),
            enqueued_at=_second(queue.get("EnqueueTimestamp")),
            queue_s=queue.get("Duration"),
            agent_id=_last(agent.get("ARN")),
            routing_profile_id=_last(profile.get("ARN")),
            agent_at=_second(agent.get("ConnectedToAgentTimestamp")),
            interaction_s=agent.get("AgentInteractionDuration"),
            hold_s=agent.get("CustomerHoldDuration"),
            holds=agent.get("NumberOfHolds"),
            pause_s=agent.get("AgentPauseDuration"),
            acw_s=agent.get("AfterContactWorkDuration"),
            acw_end_at=_second(agent.get("AfterContactWorkEndTimestamp")),
            pre_disconnect_state=pre_disconnect_state,
        )


def _second(text: str | None) -> int | None:
    return None if text is None else int(datetime.fromisoformat(text).timestamp())


def _last(arn: str | None) -> str | None:
    return None if arn is None else arn.rsplit("/", 1)[-1]


_INCOMING = ("INBOUND", "TRANSFER", "QUEUE_TRANSFER")
_FLOW_METHODS = (*_INCOMING, "API")


@dataclass(frozen=True, slots=True)
class OracleOptions:
    """Options of a calculation: the true or the exported result, and the threshold X (seconds) of a contact."""

    truth: bool
    x_s: Callable[[TrueContact], float]


class Aggregate(Enum):
    """How the terms of a group are aggregated."""

    COUNT = auto()
    RATE = auto()
    AVERAGE = auto()
    AVERAGE_TIME = auto()
    SUM_TIME = auto()
    MAX_TIME = auto()
    PERCENTILE = auto()


Term = Callable[[TrueContact, OracleOptions], int | None]


@dataclass(frozen=True, slots=True)
class OracleTerm:
    """`value` is a test (0 or 1) for COUNT and RATE, seconds or a number otherwise; `base` is RATE's denominator."""

    how: Aggregate
    value: Term
    base: Term | None = None
    percent: int = 0


# --- tests: 0 or 1 ---


def _created(c: TrueContact, options: OracleOptions) -> int:
    return 1


def _queued(c: TrueContact, options: OracleOptions) -> int:
    return int(c.enqueued_at is not None)


def _handled(c: TrueContact, options: OracleOptions) -> int:
    return int(c.agent_at is not None)


def _handled_by(*methods: str) -> Term:
    def test(c: TrueContact, options: OracleOptions) -> int:
        return int(c.agent_at is not None and c.initiation_method in methods)

    return test


def _abandoned(c: TrueContact, options: OracleOptions) -> int:
    """Amazon excludes transferred contacts with PreDisconnectState IN_QUEUE; the export allows only to exclude all."""
    if c.enqueued_at is None or c.agent_at is not None or c.next_contact_id is not None:
        return 0
    if c.transfer_completed_at is None:
        return 1
    return int(options.truth and c.pre_disconnect_state != "IN_QUEUE")


def _within(c: TrueContact, options: OracleOptions) -> int:
    return int(c.queue_s is not None and c.queue_s < options.x_s(c))


def _abandoned_within(c: TrueContact, options: OracleOptions) -> int:
    return int(_abandoned(c, options) and _within(c, options))


def _answered_within(c: TrueContact, options: OracleOptions) -> int:
    wait_s = _answer_s(c, options)
    return int(wait_s is not None and wait_s < options.x_s(c))


def _answered_by(c: TrueContact, options: OracleOptions) -> int:
    """As in the reference query: at most X, whereas Amazon's metric uses less than X."""
    wait_s = _answer_s(c, options)
    return int(wait_s is not None and wait_s <= options.x_s(c))


def _transferred_in(c: TrueContact, options: OracleOptions) -> int:
    return int(c.initiation_method in ("TRANSFER", "QUEUE_TRANSFER"))


def _transferred_out(c: TrueContact, options: OracleOptions) -> int:
    return int(c.transfer_completed_at is not None)


def _transferred_external(c: TrueContact, options: OracleOptions) -> int:
    return int(c.transfer_completed_at is not None and c.transferred_to_type == "TELEPHONE_NUMBER")


def _transferred_internal(c: TrueContact, options: OracleOptions) -> int:
    return int(c.transfer_completed_at is not None and c.transferred_to_type != "TELEPHONE_NUMBER")


def _put_on_hold(c: TrueContact, options: OracleOptions) -> int:
    return int(c.holds is not None and c.holds > 0)


def _agent_hung_up(c: TrueContact, options: OracleOptions) -> int:
    return int(c.agent_at is not None and c.disconnect_reason == "AGENT_DISCONNECT")


# --- seconds (or numbers), None where the contact does not count ---


def _answer_s(c: TrueContact, options: OracleOptions) -> int | None:
    return c.queue_s if c.agent_at is not None and c.enqueued_at is not None else None


def _abandon_s(c: TrueContact, options: OracleOptions) -> int | None:
    return c.queue_s if _abandoned(c, options) else None


def _queue_s(c: TrueContact, options: OracleOptions) -> int | None:
    return c.queue_s


def _queued_s(c: TrueContact, options: OracleOptions) -> int | None:
    return c.queue_s if c.enqueued_at is not None else None


def _handle_s(c: TrueContact, options: OracleOptions) -> int | None:
    """Talk, hold, after contact work and pause. A null counts as 0 unless all four are null."""
    parts = [part for part in (c.interaction_s, c.hold_s, c.acw_s, c.pause_s) if part is not None]
    return sum(parts) if parts else None


def _talk_s(c: TrueContact, options: OracleOptions) -> int | None:
    return c.interaction_s if c.agent_at is not None else None


def _hold_s(c: TrueContact, options: OracleOptions) -> int | None:
    return c.hold_s if c.agent_at is not None else None


def _holds(c: TrueContact, options: OracleOptions) -> int | None:
    return c.holds or 0


def _acw_s(c: TrueContact, options: OracleOptions) -> int | None:
    if c.acw_s is not None:
        return c.acw_s
    return 0 if c.agent_at is not None else None


def _duration_s(c: TrueContact, options: OracleOptions) -> int | None:
    if c.disconnected_at is None or c.initiated_at is None:
        return None
    return c.disconnected_at - c.initiated_at


def _resolution_s(c: TrueContact, options: OracleOptions) -> int | None:
    if c.disconnected_at is None or c.initiated_at is None:
        return None
    end = c.disconnected_at if c.acw_end_at is None else max(c.acw_end_at, c.disconnected_at)
    return max(0, end - c.initiated_at)


def _flow_s(c: TrueContact, options: OracleOptions) -> int | None:
    """From the system's connection to the queue, else to the transfer, else to the end; 0 if never connected."""
    if c.initiation_method not in _FLOW_METHODS:
        return None
    if c.system_at is None:
        return 0
    ends = (c.enqueued_at, c.transfer_completed_at, c.disconnected_at)
    end = next((at for at in ends if at is not None), None)
    return None if end is None else max(0, end - c.system_at)


_COUNT, _RATE, _AVG = Aggregate.COUNT, Aggregate.RATE, Aggregate.AVERAGE_TIME
_SUM, _PCT = Aggregate.SUM_TIME, Aggregate.PERCENTILE

METRICS: dict[str, OracleTerm] = {
    "CONTACTS_CREATED": OracleTerm(_COUNT, _created),
    "CONTACTS_QUEUED": OracleTerm(_COUNT, _queued),
    "CONTACTS_HANDLED": OracleTerm(_COUNT, _handled),
    "CONTACTS_HANDLED_INCOMING": OracleTerm(_COUNT, _handled_by(*_INCOMING)),
    "CONTACTS_HANDLED_OUTBOUND": OracleTerm(_COUNT, _handled_by("OUTBOUND")),
    "CALLBACK_CONTACTS_HANDLED": OracleTerm(_COUNT, _handled_by("CALLBACK")),
    "API_CONTACTS_HANDLED": OracleTerm(_COUNT, _handled_by("API")),
    "CONTACTS_ABANDONED": OracleTerm(_COUNT, _abandoned),
    "SUM_CONTACTS_ABANDONED_IN_X": OracleTerm(_COUNT, _abandoned_within),
    "ABANDONMENT_RATE": OracleTerm(_RATE, _abandoned, _queued),
    "SUM_CONTACTS_ANSWERED_IN_X": OracleTerm(_COUNT, _answered_within),
    "CONTACTS_REMOVED_FROM_QUEUE_IN_X": OracleTerm(_COUNT, _within),
    "SERVICE_LEVEL": OracleTerm(_RATE, _within, _queued),
    "SERVICE_LEVEL_ANSWERED": OracleTerm(_RATE, _answered_by, _queued),
    "AVG_QUEUE_ANSWER_TIME": OracleTerm(_AVG, _answer_s),
    "AVG_ABANDON_TIME": OracleTerm(_AVG, _abandon_s),
    "MAX_QUEUED_TIME": OracleTerm(Aggregate.MAX_TIME, _queue_s),
    "CONTACTS_TRANSFERRED_IN": OracleTerm(_COUNT, _transferred_in),
    "CONTACTS_TRANSFERRED_OUT": OracleTerm(_COUNT, _transferred_out),
    "CONTACTS_TRANSFERRED_OUT_INTERNAL": OracleTerm(_COUNT, _transferred_internal),
    "CONTACTS_TRANSFERRED_OUT_EXTERNAL": OracleTerm(_COUNT, _transferred_external),
    "AVG_HANDLE_TIME": OracleTerm(_AVG, _handle_s),
    "SUM_HANDLE_TIME": OracleTerm(_SUM, _handle_s),
    "AVG_INTERACTION_TIME": OracleTerm(_AVG, _talk_s),
    "SUM_INTERACTION_TIME": OracleTerm(_SUM, _talk_s),
    "AVG_HOLD_TIME": OracleTerm(_AVG, _hold_s),
    "AVG_HOLD_TIME_ALL_CONTACTS": OracleTerm(_AVG, _hold_s),
    "AVG_HOLDS": OracleTerm(Aggregate.AVERAGE, _holds),
    "CONTACTS_PUT_ON_HOLD": OracleTerm(_COUNT, _put_on_hold),
    "AVG_AFTER_CONTACT_WORK_TIME": OracleTerm(_AVG, _acw_s),
    "SUM_AFTER_CONTACT_WORK_TIME": OracleTerm(_SUM, _acw_s),
    "AVG_CONTACT_DURATION": OracleTerm(_AVG, _duration_s),
    "SUM_CONTACT_FLOW_TIME": OracleTerm(_SUM, _flow_s),
    "AVG_RESOLUTION_TIME": OracleTerm(_AVG, _resolution_s),
    "CONTACTS_AGENT_HUNG_UP_FIRST": OracleTerm(_COUNT, _agent_hung_up),
    "QUEUE_WAIT_TIME_P50": OracleTerm(_PCT, _queued_s, percent=50),
    "QUEUE_WAIT_TIME_P90": OracleTerm(_PCT, _queued_s, percent=90),
    "QUEUE_WAIT_TIME_P95": OracleTerm(_PCT, _queued_s, percent=95),
    "HANDLE_TIME_P50": OracleTerm(_PCT, _handle_s, percent=50),
    "HANDLE_TIME_P90": OracleTerm(_PCT, _handle_s, percent=90),
    "HANDLE_TIME_P95": OracleTerm(_PCT, _handle_s, percent=95),
}
