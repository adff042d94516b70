"""A contact from the API as the exported contact record has it, so that one catalogue entry reads both.

Keys that the API cannot fill (talk and hold time, dequeue and queue duration, attempts, next contact, transfers,
routing profile, references, the legacy `Recording`) are absent, which is NULL in every table; no value is invented.

The API's contacts name only ids. ResourceNames of queues, users and hierarchy groups come from listings that are rarely
repeated. A listing has what exists now; what was deleted keeps the name that it had when it was last listed, so every
name ever seen is kept. Routing profiles are not among them: the API does not say which one an agent had during a
contact, and the one that the agent has today would be a guess.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import msgspec

from trunkline.limits import LIST_PAGE_MAX
from trunkline.sources.connect_api.client import BadRequestError, ConnectClient

MAX_AGE: Final = timedelta(hours=24)
# Kind, operation, its list, the member that is the name, further parameters.
_LISTINGS: Final[tuple[tuple[str, str, str, str, dict[str, Any]], ...]] = (
    ("queue", "ListQueues", "QueueSummaryList", "Name", {"QueueTypes": ["STANDARD"]}),
    ("user", "ListUsers", "UserSummaryList", "Username", {}),
    ("group", "ListUserHierarchyGroups", "UserHierarchyGroupSummaryList", "Name", {}),
)


class KnownNames(msgspec.Struct, frozen=True):
    """What is stored between runs: names by kind and id, and when they were listed (UTC)."""

    listed_at: datetime
    names: dict[str, dict[str, str]]


class ResourceNames(Mapping[tuple[str, str], str]):
    """Names by (kind, id). Lists them when the stored ones are older than a day, and once for an unknown id.

    `stored` is what an earlier run encoded (`ResourceNames.encode`), None without one.
    """

    def __init__(self, api: ConnectClient, stored: bytes | None = None) -> None:
        self._api = api
        self._is_fresh = False
        self._known = KnownNames(datetime(2000, 1, 1, tzinfo=UTC), {})
        if stored is not None:
            self._known = msgspec.json.decode(stored, type=KnownNames)
        self._stored_at = self._known.listed_at

    def learn(self, wanted: set[tuple[str, str]]) -> bool:
        """Look up these (kind, id) as far as listings have them; whether anything was listed."""
        age = self._now() - self._known.listed_at
        # A clock that was once ahead must not keep an old listing for ever.
        is_old = not timedelta(0) <= age <= MAX_AGE
        if self._is_fresh or not (is_old or any(key not in self for key in wanted)):
            return False
        names = {kind: dict(ids) for kind, ids in self._known.names.items()}
        for kind, operation, listed, name, more in _LISTINGS:
            for entry in _pages(self._api, operation, listed, more):
                if entry.get(name):
                    names.setdefault(kind, {})[entry["Id"]] = entry[name]
        self._known, self._is_fresh = KnownNames(self._now(), names), True
        return True

    @property
    def is_new(self) -> bool:
        """Whether names were listed since the last `encode`."""
        return self._known.listed_at != self._stored_at

    def encode(self) -> bytes:
        """What to store for the next run."""
        self._stored_at = self._known.listed_at
        return msgspec.json.encode(self._known)

    def __getitem__(self, key: tuple[str, str]) -> str:
        return self._known.names.get(key[0], {})[key[1]]

    def __iter__(self) -> Iterator[tuple[str, str]]:
        return ((kind, id_) for kind, ids in self._known.names.items() for id_ in ids)

    def __len__(self) -> int:
        return sum(map(len, self._known.names.values()))

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._api.buckets.pace.now_s(), UTC)


def _pages(api: ConnectClient, operation: str, listed: str, more: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Every entry of a listing; read again from its beginning if a token is refused."""
    for is_last_try in (False, True):
        entries: list[dict[str, Any]] = []
        token: dict[str, str] = {}
        try:
            while True:
                answer = api.call(operation, MaxResults=LIST_PAGE_MAX, **more, **token)
                entries += answer[listed]
                if not answer.get("NextToken"):
                    yield from entries
                    return
                token = {"NextToken": answer["NextToken"]}
        except BadRequestError:
            if is_last_try or not token:
                raise


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
    "InitiationTimestamp",
    "DisconnectTimestamp",
    "LastUpdateTimestamp",
    "LastPausedTimestamp",
    "LastResumedTimestamp",
    "ScheduledTimestamp",
    "ConnectedToSystemTimestamp",
    "RingStartTimestamp",
)
_AGENT_SAME: Final = (
    "AfterContactWorkDuration",
    "AgentInitiatedHoldDuration",
    "DeviceInfo",
    "Capabilities",
    "VoiceEnhancementMode",
    "ActiveRegion",
)
_AGENT_TIMES: Final = (
    "ConnectedToAgentTimestamp",
    "AfterContactWorkStartTimestamp",
    "AfterContactWorkEndTimestamp",
    "AcceptedByAgentTimestamp",
    "PreviewEndTimestamp",
)


def record(
    summary: Mapping[str, Any],
    contact: Mapping[str, Any] | None,
    attributes: Mapping[str, str] | None,
    instance_arn: str,
    names: Mapping[tuple[str, str], str],
) -> Part:
    """The exported record's shape from a SearchContacts summary and, where it was called, DescribeContact's contact.

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
        "Recordings": [_seconds(recording) for recording in known.get("Recordings") or ()],
        "RoutingCriteria": _routing(known.get("RoutingCriteria")),
        "WisdomInfo": {"SessionArn": (known.get("WisdomInfo") or {}).get("SessionArn")},
    }
    present = {key: value for key, item in made.items() if (value := _present(item)) is not None}
    # Attributes that were fetched may be empty, which is known; unknown ones are absent.
    return present | ({"Attributes": {}} if made["Attributes"] == {} else {})


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
                "state": transition.get("State"),
                "stateStartTimestamp": _whole_second(transition.get("StateStartTimestamp")),
                "stateEndTimestamp": _whole_second(transition.get("StateEndTimestamp")),
            }
            for transition in agent.get("StateTransitions") or ()
        ],
    }


def _chat(chat: Part | None) -> Part | None:
    if not chat:
        return None
    named = {"ChatContactMetrics": "ContactMetrics"}
    return {named.get(key, key): _seconds(part) for key, part in chat.items()}


def _routing(criteria: Part | None) -> list[Part] | None:
    """The latest criteria, which is all that the API has; the export lists the last three."""
    if not criteria:
        return None
    steps = [{**step, "Expiry": _seconds(step.get("Expiry"))} for step in criteria.get("Steps") or ()]
    return [{**_seconds(criteria), "Steps": steps}]


def _each(parts: Mapping[str, Part] | None) -> Part | None:
    return None if parts is None else {key: _seconds(part) for key, part in parts.items()}


def _seconds(part: Part | None) -> Part:
    """A part with its times in whole seconds, as the export has them."""
    return {key: _whole_second(value) if key.endswith("Timestamp") else value for key, value in (part or {}).items()}


def _whole_second(time: str | None) -> str | None:
    """The export has whole seconds; the API's fractions are cut off, so that both have the same second."""
    return None if time is None else time[:19] + "Z"


def _present(value: Any) -> Any:
    """The value without null members; None for an empty object or list."""
    if isinstance(value, dict):
        kept = {key: there for key, item in value.items() if (there := _present(item)) is not None}
        return kept or None
    if isinstance(value, list):
        return [_present(item) for item in value] or None
    return value
