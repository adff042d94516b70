"""Files of Transcribe Call Analytics and of Contact Lens, voice and chat: one shape, with small differences.

Times are whole ms. Call Analytics names a turn's role; Contact Lens names its participant, whose role is in
`Participants`, and keys its measures by either. Chat has times of day instead of offsets. Sources: Transcribe developer
guide, Call Analytics output; Connect administrator guide, example output files of Contact Lens; the sample files.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from trunkline.errors import RecordError
from trunkline.sources.transcripts.lens_measures import measures
from trunkline.sources.transcripts.turns import Turn, last_end_ms, offsets_from_times, talk_times, told

_TURN_KEYS: Final = frozenset({
    "Id", "Content", "ParticipantRole", "ParticipantId", "BeginOffsetMillis", "EndOffsetMillis", "Sentiment", "Type",
    "ContentType", "AbsoluteTime",
})  # fmt: skip
# Word timings would double the row, and a display name is a person's.
_LEFT_OUT: Final = frozenset({"Items", "DisplayName"})
_KNOWN_TOP: Final = frozenset({
    "JobStatus", "JobName", "AccountId", "LanguageCode", "Channel", "Version", "ContentMetadata", "Participants",
    "Transcript", "Categories", "ConversationCharacteristics", "ContactSummary", "CustomerMetadata", "CustomModels",
    "ChatTranscriptVersion",
})  # fmt: skip
_LENS_ONLY: Final = frozenset({"ContentMetadata", "ChatTranscriptVersion", "CustomerMetadata", "Version"})


class _Item(msgspec.Struct):
    Id: str | None = None


class _Group(msgspec.Struct):
    Sentiment: str | None = None
    TranscriptItems: list[_Item] | None = None


_TURNS = msgspec.json.Decoder(list[dict[str, msgspec.Raw]] | None)
_TEXT = msgspec.json.Decoder(str | None)
_MILLIS = msgspec.json.Decoder(int | float | None)
_ANY = msgspec.json.Decoder()


def read(top: Mapping[str, msgspec.Raw]) -> dict[str, Any]:
    """The record of a file, without what its name tells. RecordError where a value cannot be."""
    given = {key: _ANY.decode(raw) for key, raw in top.items() if key in _KNOWN_TOP and key != "Transcript"}
    roles = _roles(given.get("Participants"))
    turns = [_turn(number, one, roles) for number, one in enumerate(_TURNS.decode(top["Transcript"]) or [])]
    characteristics = _object(given, "ConversationCharacteristics")
    is_lens = bool(_LENS_ONLY & top.keys()) or any(turn.participant_id for turn in turns)
    channel = given.get("Channel") or ("CHAT" if any(turn.occurred_at for turn in turns) else "VOICE")
    offsets_from_times(turns)
    _sentiments(turns, characteristics)
    found = measures(characteristics, roles)
    metadata, customer = _object(given, "ContentMetadata"), _object(given, "CustomerMetadata")
    return {
        "contactId": customer.get("ContactId"),
        "format": "contact_lens" if is_lens else "call_analytics",
        "output": "redacted" if metadata.get("Output") in ("Redacted", "redacted") else "raw",
        "jobName": given.get("JobName"),
        "jobStatus": given.get("JobStatus"),
        "accountId": given.get("AccountId"),
        "instanceId": customer.get("InstanceId"),
        "channel": channel,
        "language": given.get("LanguageCode"),
        "schemaVersion": given.get("Version"),
        **_duration(turns, found, channel),
        "talkTimeMs": None if channel == "CHAT" else found.pop("talkTimes") or talk_times(turns) or None,
        "categories": _object(given, "Categories").get("MatchedCategories"),
        "measures": {key: value for key, value in found.items() if value is not None and key != "talkTimes"} or None,
        "analysis": _analysis(given, characteristics),
        **told(turns, "role"),
        **{key: raw for key, raw in top.items() if key not in _KNOWN_TOP},
    }


def _object(given: Mapping[str, Any], key: str) -> dict[str, Any]:
    value = given.get(key)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise RecordError("wrong_type", f"{key} must be an object or null")
    return value


def _roles(participants: object) -> dict[str, str]:
    """Role by participant id."""
    listed = participants if isinstance(participants, list) else []
    pairs = ((one.get("ParticipantId"), one.get("ParticipantRole")) for one in listed if isinstance(one, dict))
    return {id_: role for id_, role in pairs if isinstance(id_, str) and isinstance(role, str)}


def _turn(number: int, raw: Mapping[str, msgspec.Raw], roles: Mapping[str, str]) -> Turn:
    def text(key: str) -> str | None:
        found: str | None = _decoded(_TEXT, raw, key, number)
        return found

    def millis(key: str) -> int | None:
        value = _decoded(_MILLIS, raw, key, number)
        return None if value is None else round(value)

    participant_id = text("ParticipantId")
    role = text("ParticipantRole") or roles.get(participant_id or "") or participant_id
    rest = {key: _ANY.decode(value) for key, value in raw.items() if key not in _TURN_KEYS | _LEFT_OUT}
    return Turn(
        text("Content"), role, millis("BeginOffsetMillis"), millis("EndOffsetMillis"), text("Type") or "TURN",
        text("Id"), participant_id, text("AbsoluteTime"), text("ContentType"), text("Sentiment"),
        _json(rest) if rest else None,
    )  # fmt: skip


def _decoded(decoder: msgspec.json.Decoder[Any], raw: Mapping[str, msgspec.Raw], key: str, number: int) -> Any:
    try:
        return decoder.decode(raw[key]) if key in raw else None
    except msgspec.ValidationError as error:
        raise RecordError("wrong_type", f"Transcript[{number}].{key}: {error}") from error


def _json(value: object) -> str:
    return msgspec.json.encode(value, order="sorted").decode()


def _sentiments(turns: Sequence[Turn], characteristics: Mapping[str, Any]) -> None:
    """Chat has a turn's sentiment apart, by the turn's id."""
    found = _object(characteristics, "Sentiment").get("DetailsByTranscriptItemGroup")
    groups = msgspec.convert(found, list[_Group] | None) or []
    by_id = {item.Id: group.Sentiment for group in groups for item in group.TranscriptItems or []}
    for turn in turns:
        if turn.sentiment is None and turn.id is not None:
            turn.sentiment = by_id.get(turn.id)


def _duration(turns: Sequence[Turn], found: Mapping[str, Any], channel: object) -> dict[str, Any]:
    conversation, last = found.get("conversation"), last_end_ms(turns)
    if conversation is not None:
        return {"durationMs": conversation, "durationRule": "conversation"}
    if last is None:
        return {}
    return {"durationMs": last, "durationRule": "first_to_last" if channel == "CHAT" else "last_word"}


def _analysis(given: Mapping[str, Any], characteristics: Mapping[str, Any]) -> dict[str, str] | None:
    summary = given.get("ContactSummary") or characteristics.get("ContactSummary")
    rest = {key: value for key, value in characteristics.items() if key != "ContactSummary"}
    details = _object(given, "Categories").get("MatchedDetails")
    written = {
        "summary": _json(summary) if summary else None,
        "characteristics": _json(rest) if rest else None,
        "categoryDetails": _json(details) if details else None,
    }
    return {key: value for key, value in written.items() if value is not None} or None
