"""What a stream carries, decoded: agent events, contact events and contact records, told apart by shape.

Only the fields that the folds use are decoded (`wire.py`).
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from operator import attrgetter
from typing import Annotated, Any, Final, TypeAlias

import msgspec

from trunkline.errors import RecordError
from trunkline.limits import EVENT_AHEAD_DAYS_MAX, EVENT_YEAR_MIN, VERSION_AHEAD_S_MAX
from trunkline.live.wire import (
    AgentEvent,
    AgentInfo,
    ContactEvent,
    ContactRecord,
    Envelope,
    QueueInfo,
    QueuesOfAgent,
    Wire,
)

_EARLIEST: Final = datetime(EVENT_YEAR_MIN, 1, 1, tzinfo=UTC)
_SENTINELS_BEFORE: Final = datetime(2000, 1, 1, tzinfo=UTC)
"""Times before it stand for an unset one; later ones, up to EVENT_YEAR_MIN, are implausible."""


Event: TypeAlias = AgentEvent | ContactEvent | ContactRecord

_agent: Final = msgspec.json.Decoder(AgentEvent).decode
# No JSON value has this type.
_Refused: TypeAlias = Annotated[int, msgspec.Meta(gt=1, lt=0)]


def _strict(part: type[Wire], **members: Any) -> Any:
    """The same struct, but its keys in another case are errors: contact events mix `agentInfo` and `AgentInfo`."""
    names = [field.encode_name for field in msgspec.structs.fields(part)]
    others = {spelled for name in names for spelled in (name[0].upper() + name[1:], name.casefold())} - {*names}
    refused = [(name.replace("-", "_") + "_refused", _Refused, msgspec.field(default=0, name=name)) for name in others]
    replaced = [(name, member | None, None) for name, member in members.items()]
    return msgspec.defstruct(f"Strict{part.__name__}", [*replaced, *refused], bases=(part,), frozen=True, gc=False)


_StrictEvent: Final = _strict(ContactEvent, queue_info=_strict(QueueInfo), agent_info=_strict(AgentInfo))
_StrictEnvelope: Any = msgspec.defstruct(
    "StrictEnvelope", [("detail", _StrictEvent)], bases=(Envelope,), frozen=True, gc=False
)
_envelope: Final = msgspec.json.Decoder(_StrictEnvelope).decode
_queues: Final = msgspec.json.Decoder(QueuesOfAgent).decode
_record: Final = msgspec.json.Decoder(ContactRecord).decode
_HEAD_BYTES: Final = 256
_FORMAT: Final = b'"AWSContactTraceRecordFormatVersion"'
_TIMES: Final = tuple(name for name in ContactRecord.__struct_fields__ if name.endswith("_timestamp"))


def decode(text: bytes) -> Event | None:
    """The event of one JSON text, or None for one of another kind, which is no error.

    An agent event has AgentARN and EventType, a contact record ContactId and its format's version, a contact event
    contactId and eventType, in any case, with or without EventBridge's envelope. Raises RecordError: `invalid_json`,
    `not_an_object`, `wrong_type`, `missing_key`.
    """
    find = text.find
    try:
        # What the head suggests is proved by the decoder, which wants the keys at the top.
        if find(b'"AgentARN"', 0, _HEAD_BYTES) >= 0:
            return _agent(text)
        if find(b'"detail-type"', 0, _HEAD_BYTES) >= 0:
            envelope = _envelope(text)
            return _with_times(envelope.detail) if _is_contact_event(envelope.source, envelope.kind) else None
        if find(_FORMAT, 0, _HEAD_BYTES) >= 0:
            return _record(text)
    except msgspec.ValidationError:
        pass
    except msgspec.DecodeError as error:
        raise RecordError("invalid_json", f"the event is not JSON: {error}") from None
    return _decode_carefully(text)


def queue_names(text: bytes) -> list[tuple[str, str]]:
    """ARN and name of the queues in the routing profile of an agent event; agents' own queues have no name."""
    try:
        profile = _queues(text).current.configuration.profile
    except msgspec.DecodeError:
        return []
    return [(queue.arn, queue.name) for queue in profile.queues or () if queue.arn and queue.name]


def _decode_carefully(text: bytes) -> Event | None:
    """By the keys at the top, for what the quick ways refuse."""
    try:
        raw = msgspec.json.decode(text)
    except msgspec.DecodeError as error:
        raise RecordError("invalid_json", f"the event is not JSON: {error}") from None
    if not isinstance(raw, dict):
        raise RecordError("not_an_object", f"the event is JSON of type {type(raw).__name__}, not an object")
    try:
        if "AgentARN" in raw and "EventType" in raw:
            return msgspec.convert(raw, AgentEvent)
        if "ContactId" in raw and "AWSContactTraceRecordFormatVersion" in raw:
            return msgspec.convert(raw, ContactRecord)
        folded = _folded(raw)
        if "detail-type" in folded and isinstance(folded.get("detail"), dict):
            if not _is_contact_event(folded.get("source"), folded["detail-type"]):
                return None
            folded = folded["detail"]
            if not {"contactid", "eventtype"} <= folded.keys():
                raise RecordError("missing_key", "the contact event has no contactId, or no eventType")
        if "contactid" in folded and "eventtype" in folded:
            return _without_sentinels(msgspec.convert(_respelled(folded), ContactEvent))
    except msgspec.ValidationError as error:
        # msgspec names the path and the types, never the value.
        raise RecordError("wrong_type", f"the event has a value of a wrong type: {error}") from None
    return None


def _is_contact_event(source: object, kind: object) -> bool:
    # The documentation shows the title with the product's old and its new name.
    return source == "aws.connect" and (
        kind == "Amazon Connect Contact Event" or (isinstance(kind, str) and kind.endswith("Contact Event"))
    )


_EVENT_TIMES: Final = tuple(name for name in ContactEvent.__struct_fields__ if name.endswith("_timestamp"))
_QUEUE_TIMES: Final = ("enqueue_timestamp",)
_AGENT_TIMES: Final = tuple(name for name in AgentInfo.__struct_fields__ if name.endswith("_timestamp"))
_TIMES_OF: Final = attrgetter(*_EVENT_TIMES)
_TIMES_OF_AGENT: Final = attrgetter(*_AGENT_TIMES)


def _with_times(event: ContactEvent) -> ContactEvent:
    """The event without sentinels, which hardly any has: to compare its times is cheaper than to search its text."""
    queue, agent = event.queue_info, event.agent_info
    times = _TIMES_OF(event) if agent is None else _TIMES_OF(event) + _TIMES_OF_AGENT(agent)
    for at in times:
        if at is not None and at < _SENTINELS_BEFORE:
            return _without_sentinels(event)
    if queue is not None and queue.enqueue_timestamp is not None and queue.enqueue_timestamp < _SENTINELS_BEFORE:
        return _without_sentinels(event)
    return event


_SPELLINGS: Final = {
    field.encode_name.casefold(): field.encode_name
    for part in (ContactEvent, QueueInfo, AgentInfo)
    for field in msgspec.structs.fields(part)
}


def _folded(value: Any) -> Any:
    """The same with keys in lower case; of two that differ only in case, the one whose value is not null."""
    if not isinstance(value, dict):
        return value
    folded: dict[str, Any] = {}
    for key, member in value.items():
        name = key.casefold()
        if member is not None or name not in folded:
            folded[name] = _folded(member)
    return folded


def _respelled(value: Any) -> Any:
    """The same with the keys that are known spelled as ContactEvent has them."""
    if not isinstance(value, dict):
        return value
    return {_SPELLINGS.get(key, key): _respelled(member) for key, member in value.items()}


def _without_sentinels(event: ContactEvent) -> ContactEvent:
    """The event with None for each time that is unset: published samples show 1970-01-01T00:00:00.001Z."""
    unset = _unset(event, _EVENT_TIMES)
    queue, agent = event.queue_info, event.agent_info
    if queue is not None and (changed := _unset(queue, _QUEUE_TIMES)):
        unset["queue_info"] = msgspec.structs.replace(queue, **changed)
    if agent is not None and (changed := _unset(agent, _AGENT_TIMES)):
        unset["agent_info"] = msgspec.structs.replace(agent, **changed)
    return msgspec.structs.replace(event, **unset) if unset else event


def _unset(part: Wire, names: tuple[str, ...]) -> dict[str, Any]:
    return {name: None for name in names if (at := getattr(part, name)) is not None and at < _EARLIEST}


def check_times(event: Event, now: datetime) -> None:
    """Raises RecordError `implausible_time` for an event that would outrank every later one, or a time before 2010."""
    latest = now + _AHEAD
    if isinstance(event, AgentEvent):
        if not _EARLIEST <= event.at <= latest:
            raise _implausible("EventTimestamp", event.at, latest)
    elif isinstance(event, ContactRecord):
        if (version := event.last_update_timestamp) is not None and not _EARLIEST <= version <= latest:
            raise _implausible("LastUpdateTimestamp", version, latest)
        _check_each(event, _TIMES, now + _FAR_AHEAD)
    else:
        _check_contact_event(event, latest)


_AHEAD: Final = timedelta(seconds=VERSION_AHEAD_S_MAX)
_FAR_AHEAD: Final = timedelta(days=EVENT_AHEAD_DAYS_MAX)


def _check_contact_event(event: ContactEvent, latest: datetime) -> None:
    """All times but the scheduled one, which is in the future."""
    queue, agent = event.queue_info, event.agent_info
    for at in (
        event.initiation_timestamp,
        event.connected_to_system_timestamp,
        event.disconnect_timestamp,
        queue.enqueue_timestamp if queue is not None else None,
        agent.connected_to_agent_timestamp if agent is not None else None,
        agent.after_contact_work_end_timestamp if agent is not None else None,
    ):
        if at is not None and not _EARLIEST <= at <= latest:
            raise _implausible("a time of the contact event", at, latest)


def _check_each(event: ContactRecord, names: tuple[str, ...], latest: datetime) -> None:
    for name in names:
        at = getattr(event, name)
        if at is not None and not _EARLIEST <= at <= latest:
            raise _implausible(name, at, latest)


def _implausible(name: str, at: datetime, latest: datetime) -> RecordError:
    valid = f"{EVENT_YEAR_MIN} to {latest.isoformat()}"
    return RecordError("implausible_time", f"{name} is {at.isoformat()}; valid is {valid}")
