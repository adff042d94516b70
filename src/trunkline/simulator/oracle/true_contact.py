"""The oracle's input: a contact's winning record, plus the state that Amazon knows but does not export."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
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
