"""A contact from the API as the exported contact record has it, so that one catalogue entry reads both.

Keys that the API cannot fill (talk and hold time, dequeue and queue duration, attempts, next contact, transfers,
routing profile, references, the legacy `Recording`) are absent, which is NULL in every table; none is made up.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

Part = dict[str, Any]

# The same name and meaning in `Contact` and in the export (administrator guide, contact record data model).
_SAME: Final = (
    "InitialContactId", "PreviousContactId", "RelatedContactId", "ContactAssociationId", "InitiationMethod", "Channel",
    "CustomerId", "CustomerEndpoint", "SystemEndpoint", "AdditionalEmailRecipients", "AnsweringMachineDetectionStatus",
    "Campaign", "Customer", "ContactDetails", "ContactLens", "DisconnectDetails", "DisconnectReason",
    "GlobalResiliencyMetadata", "OutboundStrategy", "QualityMetrics", "QueuePriority", "QueueTimeAdjustmentSeconds",
    "SegmentAttributes", "Tags", "TaskTemplateInfo", "TotalPauseCount", "TotalPauseDurationInSeconds",
)  # fmt: skip
_TIMES: Final = (
    "InitiationTimestamp", "DisconnectTimestamp", "LastUpdateTimestamp", "LastPausedTimestamp",
    "LastResumedTimestamp", "ScheduledTimestamp", "ConnectedToSystemTimestamp", "RingStartTimestamp",
)  # fmt: skip
_AGENT_SAME: Final = ("AfterContactWorkDuration", "AgentInitiatedHoldDuration", "DeviceInfo", "Capabilities",
                      "VoiceEnhancementMode", "ActiveRegion")  # fmt: skip
_AGENT_TIMES: Final = (
    "ConnectedToAgentTimestamp", "AfterContactWorkStartTimestamp", "AfterContactWorkEndTimestamp",
    "AcceptedByAgentTimestamp", "PreviewEndTimestamp",
)  # fmt: skip


def record(
    summary: Mapping[str, Any],
    contact: Mapping[str, Any] | None,
    attributes: Mapping[str, str] | None,
    instance_arn: str,
    names: Mapping[tuple[str, str], str],
) -> Part:
    """The exported record's shape from a SearchContacts summary and, where it was asked for, DescribeContact's contact.

    `contact` is fuller and newer than `summary` and wins; `attributes` are those of GetContactAttributes. `names` maps
    (`queue`, `user` or `group`, id) to a name.
    """
    known: Mapping[str, Any] = {**summary, **(contact or {})}
    made: Part = {
        "ContactId": known["Id"],
        "InstanceARN": instance_arn,
        "AWSAccountId": instance_arn.split(":")[4],
        **{name: known.get(name) for name in _SAME},
        **{name: _whole_second(known.get(name)) for name in _TIMES},
        "Queue": _queue(known.get("QueueInfo"), instance_arn, names),
        "Agent": _agent(known.get("AgentInfo"), instance_arn, names),
        "Attributes": attributes if attributes is not None else known.get("Attributes"),
        "ChatMetrics": _chat(known.get("ChatMetrics")),
        "ContactEvaluations": _each(known.get("ContactEvaluations")),
        "CustomerVoiceActivity": known.get("CustomerVoiceActivity"),
        "Recordings": [_seconds(one) for one in known.get("Recordings") or ()],
        "RoutingCriteria": _routing(known.get("RoutingCriteria")),
        "WisdomInfo": {"SessionArn": (known.get("WisdomInfo") or {}).get("SessionArn")},
    }
    found = {key: value for key, one in made.items() if (value := _present(one)) is not None}
    # No attributes is something known, where the API was asked for them; not known is absent.
    return found | ({"Attributes": {}} if made["Attributes"] == {} else {})


def _queue(queue: Part | None, instance_arn: str, names: Mapping[tuple[str, str], str]) -> Part | None:
    if not queue or not queue.get("Id"):
        return None
    return {
        "ARN": f"{instance_arn}/queue/{queue['Id']}",
        "Name": names.get(("queue", queue["Id"])),
        "EnqueueTimestamp": _whole_second(queue.get("EnqueueTimestamp")),
    }


def _agent(agent: Part | None, instance_arn: str, names: Mapping[tuple[str, str], str]) -> Part | None:
    if not agent or not agent.get("Id"):
        return None
    groups = agent.get("HierarchyGroups") or {}
    return {
        "ARN": f"{instance_arn}/agent/{agent['Id']}",
        "Username": names.get(("user", agent["Id"])),
        "AgentPauseDuration": agent.get("AgentPauseDurationInSeconds"),
        **{name: agent.get(name) for name in _AGENT_SAME},
        **{name: _whole_second(agent.get(name)) for name in _AGENT_TIMES},
        "HierarchyGroups": {
            level: {"ARN": arn, "GroupName": names.get(("group", arn.rpartition("/")[2]))}
            for level, group in groups.items()
            if (arn := (group or {}).get("Arn"))
        },
        "StateTransitions": [
            {
                "state": one.get("State"),
                "stateStartTimestamp": _whole_second(one.get("StateStartTimestamp")),
                "stateEndTimestamp": _whole_second(one.get("StateEndTimestamp")),
            }
            for one in agent.get("StateTransitions") or ()
        ],
    }


def _chat(chat: Part | None) -> Part | None:
    if not chat:
        return None
    named = {"ChatContactMetrics": "ContactMetrics"}
    return {named.get(key, key): _seconds(part) for key, part in chat.items()}


def _routing(criteria: Part | None) -> list[Part] | None:
    """The latest criteria alone, all that the API has; the export lists the last three."""
    if not criteria:
        return None
    steps = [{**step, "Expiry": _seconds(step.get("Expiry"))} for step in criteria.get("Steps") or ()]
    return [{**_seconds(criteria), "Steps": steps}]


def _each(parts: Mapping[str, Part] | None) -> Part | None:
    return None if parts is None else {key: _seconds(part) for key, part in parts.items()}


def _seconds(part: Part | None) -> Part:
    """A part with its times in whole seconds, as the export has them."""
    return {key: _whole_second(one) if key.endswith("Timestamp") else one for key, one in (part or {}).items()}


def _whole_second(time: str | None) -> str | None:
    """The export has whole seconds; what the API has beyond is cut, so that both name the same second."""
    return None if time is None else time[:19] + "Z"


def _present(value: Any) -> Any:
    """The value without null members; None for an object or a list that has nothing in it."""
    if isinstance(value, dict):
        kept = {key: there for key, item in value.items() if (there := _present(item)) is not None}
        return kept or None
    if isinstance(value, list):
        return [_present(item) for item in value] or None
    return value
