"""How the emulated service answers: contacts in the API's shapes, errors, and the quotas that refuse a call.

A contact is the exported record's values under the API's names, without what the API lacks. Shapes: botocore's model of
Amazon Connect, `ContactSearchSummary` and `Contact`. What the export has and these shapes do not (talk time, hold
times, queue time and dequeue, next contact, transfers, attempts, user names) is omitted, and so is a value that the
shape's enum lacks. All programs of an account share its quotas.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from trunkline.limits import CONNECT_QUOTA_DEFAULT, CONNECT_QUOTAS

STATUS: Final = {
    "InvalidRequestException": 400,
    "InvalidParameterException": 400,
    "AccessDeniedException": 403,
    "ResourceNotFoundException": 404,
    "UnknownOperationException": 404,
    "ThrottlingException": 429,
    "InternalServiceException": 500,
}


class ApiError(Exception):
    """An error with the service's own code; `status` is its HTTP status."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code, self.message, self.status = code, message, STATUS[code]


class Quotas:
    """Calls a second and burst by operation, of one account in one Region.

    `others(operation)` is how many calls of it per second the account's other programs make.
    """

    def __init__(self, now_s: Callable[[], float], changed: Mapping[str, tuple[float, float]] | None = None) -> None:
        self.limits: dict[str, tuple[float, float]] = {**CONNECT_QUOTAS, **(changed or {})}
        self.others: Callable[[str], float] = lambda operation: 0.0
        self._now_s = now_s
        self._left: dict[str, tuple[float, float]] = {}
        self._lock = threading.Lock()

    def admits(self, operation: str) -> bool:
        """Whether one more call is within the quota; a refused call uses none of it."""
        rate, burst = self.limits.get(operation, CONNECT_QUOTA_DEFAULT)
        with self._lock:
            now = self._now_s()
            tokens, since = self._left.get(operation, (burst, now))
            refill = max(0.0, rate - self.others(operation)) * max(0.0, now - since)
            # A billionth more: a caller that waits exactly 1 / rate is on time despite rounding.
            tokens = min(burst, tokens + refill) + 1e-9
            is_admitted = tokens >= 1
            self._left[operation] = (tokens - 1 if is_admitted else tokens, max(now, since))
            return is_admitted


Record = dict[str, Any]

_METHODS = frozenset((
    "INBOUND", "OUTBOUND", "TRANSFER", "QUEUE_TRANSFER", "CALLBACK", "API", "DISCONNECT", "MONITOR",
    "EXTERNAL_OUTBOUND", "WEBRTC_API", "AGENT_REPLY", "FLOW",
))  # fmt: skip
_AMD = frozenset((
    "ANSWERED", "UNDETECTED", "ERROR", "HUMAN_ANSWERED", "SIT_TONE_DETECTED", "SIT_TONE_BUSY",
    "SIT_TONE_INVALID_NUMBER", "FAX_MACHINE_DETECTED", "VOICEMAIL_BEEP", "VOICEMAIL_NO_BEEP", "AMD_UNRESOLVED",
    "AMD_UNANSWERED", "AMD_ERROR", "AMD_NOT_APPLICABLE",
))  # fmt: skip
_AS_THEY_ARE = (
    "ContactAssociationId", "RelatedContactId", "CustomerId", "DisconnectReason", "DisconnectDetails",
    "TotalPauseCount", "TotalPauseDurationInSeconds", "QueuePriority",
    "QueueTimeAdjustmentSeconds", "CustomerEndpoint", "SystemEndpoint", "SegmentAttributes", "ContactEvaluations",
    "ContactDetails", "ContactLens", "QualityMetrics", "Customer", "WisdomInfo",
)  # fmt: skip
_TIMES = (
    "InitiationTimestamp",
    "DisconnectTimestamp",
    "LastUpdateTimestamp",
    "LastPausedTimestamp",
    "LastResumedTimestamp",
    "ScheduledTimestamp",
    "ConnectedToSystemTimestamp",
    "RingStartTimestamp",
)


def summary(record: Record) -> Record:
    """The contact as SearchContacts lists it."""
    agent, queue = record["Agent"], record["Queue"]
    shown: Record = _present(
        _identity(record)
        | {
            "QueueInfo": _queue(queue),
            "AgentInfo": agent
            and {
                "Id": _last(agent["ARN"]),
                "ConnectedToAgentTimestamp": _time(agent["ConnectedToAgentTimestamp"]),
            },
            "InitiationTimestamp": _time(record["InitiationTimestamp"]),
            "DisconnectTimestamp": _time(record["DisconnectTimestamp"]),
            "ScheduledTimestamp": _time(record.get("ScheduledTimestamp")),
            "SegmentAttributes": {
                name: value for name, value in (record.get("SegmentAttributes") or {}).items() if "ValueString" in value
            },
        }
    )
    return shown


def contact(record: Record, has_attributes: bool) -> Record:
    """The contact as DescribeContact has it, with its attributes or, as older services, without."""
    shown = _identity(record) | {name: record.get(name) for name in _AS_THEY_ARE}
    shown |= {name: _time(record.get(name)) for name in _TIMES}
    shown |= {
        "AnsweringMachineDetectionStatus": _known(record.get("AnsweringMachineDetectionStatus"), _AMD),
        "QueueInfo": _queue(record["Queue"]),
        "AgentInfo": _agent(record["Agent"]),
        "Campaign": record["Campaign"] if (record.get("Campaign") or {}).get("CampaignId") else None,
        "ChatMetrics": _chat(record.get("ChatMetrics")),
        "CustomerVoiceActivity": _times_in(record.get("CustomerVoiceActivity")),
        "Recordings": [
            _times_in(recording)
            for recording in record.get("Recordings") or ()
            if recording["MediaStreamType"] == "AUDIO"
        ],
        "RoutingCriteria": _routing(record.get("RoutingCriteria")),
        "ContactEvaluations": {form: _times_in(one) for form, one in (record.get("ContactEvaluations") or {}).items()}
        or None,
    }
    known: Record = _present(shown)
    if has_attributes:
        known["Attributes"] = dict(record.get("Attributes") or {})
    return known


def _identity(record: Record) -> Record:
    return {
        "Arn": f"{record['InstanceARN']}/contact/{record['ContactId']}",
        "Id": record["ContactId"],
        "InitialContactId": record.get("InitialContactId"),
        "PreviousContactId": record.get("PreviousContactId"),
        "InitiationMethod": _known(record["InitiationMethod"], _METHODS),
        "Channel": record["Channel"],
    }


def _known(value: str | None, enum: frozenset[str]) -> str | None:
    return value if value in enum else None


def _queue(queue: Record | None) -> Record | None:
    return queue and {"Id": _last(queue["ARN"]), "EnqueueTimestamp": _time(queue["EnqueueTimestamp"])}


def _agent(agent: Record | None) -> Record | None:
    if agent is None:
        return None
    groups = agent.get("HierarchyGroups") or {}
    names = ("AfterContactWorkDuration", "AgentInitiatedHoldDuration", "DeviceInfo", "Capabilities")
    times = (
        "AcceptedByAgentTimestamp",
        "PreviewEndTimestamp",
        "ConnectedToAgentTimestamp",
        "AfterContactWorkStartTimestamp",
        "AfterContactWorkEndTimestamp",
    )
    return {
        "Id": _last(agent["ARN"]),
        "AgentPauseDurationInSeconds": agent.get("AgentPauseDuration"),
        "HierarchyGroups": {level: group and {"Arn": group["ARN"]} for level, group in groups.items()},
        **{name: agent.get(name) for name in names},
        **{name: _time(agent.get(name)) for name in times},
    }


def _chat(chat: Record | None) -> Record | None:
    if chat is None:
        return None
    return {
        "ChatContactMetrics": _times_in(chat.get("ContactMetrics")),
        "AgentMetrics": _times_in(chat.get("AgentMetrics")),
        "CustomerMetrics": _times_in(chat.get("CustomerMetrics")),
    }


def _routing(criteria: list[Record] | None) -> Record | None:
    """The latest criteria, an object; statuses that the model lacks are omitted."""
    if not criteria:
        return None
    latest = _times_in(criteria[-1])
    steps = [
        {**step, "Expiry": _times_in(step.get("Expiry"))}
        if step.get("Status") in ("ACTIVE", "INACTIVE", "JOINED", "EXPIRED")
        else {"Expression": step.get("Expression")}
        for step in criteria[-1].get("Steps") or ()
    ]
    return {**latest, "Steps": steps} if latest else None


def _times_in(part: Record | None) -> Record | None:
    """A part whose keys that end in Timestamp are times."""
    if part is None:
        return None
    return {key: _time(value) if key.endswith("Timestamp") else value for key, value in part.items()}


def _time(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text).astimezone(UTC)


def _last(arn: str) -> str:
    return arn.rpartition("/")[2]


def _present(value: Any) -> Any:
    """Without null members, and without objects and lists that are empty for lack of members."""
    if isinstance(value, dict):
        kept = {key: _present(item) for key, item in value.items() if item is not None}
        return {key: item for key, item in kept.items() if item not in ({}, [])}
    if isinstance(value, list):
        return [_present(item) for item in value]
    return value
