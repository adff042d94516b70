"""Files of Transcribe Call Analytics and of Contact Lens, voice and chat: one format with small differences.

Times are whole ms. Call Analytics names the role of a turn; Contact Lens names its participant, whose role is in
`Participants`, and keys its measures by either. Chat has times of day instead of offsets. Sources: Transcribe developer
guide, Call Analytics output; Connect administrator guide, example output files of Contact Lens, and the data lake table
`contact_lens_conversational_analytics`; the sample files.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import msgspec

from trunkline.errors import RecordError
from trunkline.sources.transcripts.turns import Turn, conversation_fields, last_end_ms, set_chat_offsets, talk_times

_TURN_KEYS: Final = frozenset({
    "Id", "Content", "ParticipantRole", "ParticipantId", "BeginOffsetMillis", "EndOffsetMillis", "Sentiment", "Type",
    "ContentType", "AbsoluteTime",
})  # fmt: skip
# Word timings would double the size of the row, and a display name is personal data.
_LEFT_OUT: Final = frozenset({"Items", "DisplayName"})
_KNOWN_TOP: Final = frozenset({
    "JobStatus", "JobName", "AccountId", "LanguageCode", "Channel", "Version", "ContentMetadata", "Participants",
    "Transcript", "Categories", "ConversationCharacteristics", "ContactSummary", "CustomerMetadata", "CustomModels",
    "ChatTranscriptVersion",
})  # fmt: skip
_CONTACT_LENS_ONLY: Final = frozenset({"ContentMetadata", "ChatTranscriptVersion", "CustomerMetadata", "Version"})
_SIDES: Final = (("AGENT", "Agent"), ("CUSTOMER", "Customer"))
_CUSTOMER_BY_INTERACTION: Final = (
    "Sentiment", "OverallSentiment", "DetailsByInteraction", "DetailsByParticipantRole", "CUSTOMER",
)  # fmt: skip


class _Item(msgspec.Struct):
    Id: str | None = None


class _Group(msgspec.Struct):
    Sentiment: str | None = None
    TranscriptItems: list[_Item] | None = None


class _Interruption(msgspec.Struct):
    DurationMillis: int | float | None = None


class _Period(msgspec.Struct):
    Score: int | float | None = None


_TURNS = msgspec.json.Decoder(list[dict[str, msgspec.Raw]] | None)
_TEXT = msgspec.json.Decoder(str | None)
_MILLIS = msgspec.json.Decoder(int | float | None)
_ANY = msgspec.json.Decoder()


def read(top: Mapping[str, msgspec.Raw]) -> dict[str, Any]:
    """The record of a file, without what the file's name says. `top` is the document with its values not yet decoded.

    Raises RecordError or msgspec.ValidationError for a value of the wrong type.
    """
    given = {key: _ANY.decode(raw) for key, raw in top.items() if key in _KNOWN_TOP and key != "Transcript"}
    roles = _roles(given.get("Participants"))
    turns = [_turn(number, turn, roles) for number, turn in enumerate(_TURNS.decode(top["Transcript"]) or [])]
    characteristics = _object(given, "ConversationCharacteristics")
    is_contact_lens = bool(_CONTACT_LENS_ONLY & top.keys()) or any(turn.participant_id for turn in turns)
    channel = given.get("Channel") or ("CHAT" if any(turn.occurred_at for turn in turns) else "VOICE")
    set_chat_offsets(turns)
    if all(turn.begin_ms is not None for turn in turns):
        turns.sort(key=lambda turn: turn.begin_ms or 0)
    _set_sentiments(turns, characteristics)
    measures, talk_by_role = read_measures(characteristics, roles)
    metadata, customer = _object(given, "ContentMetadata"), _object(given, "CustomerMetadata")
    conversation_ms = measures.get("conversation")
    return {
        "contactId": customer.get("ContactId"),
        "format": "contact_lens" if is_contact_lens else "call_analytics",
        "output": "redacted" if metadata.get("Output") in ("Redacted", "redacted") else "raw",
        "jobName": given.get("JobName"),
        "jobStatus": given.get("JobStatus"),
        "accountId": given.get("AccountId"),
        "instanceId": customer.get("InstanceId"),
        "channel": channel,
        "language": given.get("LanguageCode"),
        "schemaVersion": given.get("Version"),
        **_duration(turns, conversation_ms, channel),
        "talkTimeMs": None if channel == "CHAT" else talk_by_role or talk_times(turns) or None,
        "categories": _object(given, "Categories").get("MatchedCategories"),
        "measures": measures or None,
        "analysis": _analysis(given, characteristics),
        **conversation_fields(turns, "role"),
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
    listed = [entry for entry in participants if isinstance(entry, dict)] if isinstance(participants, list) else []
    pairs = ((entry.get("ParticipantId"), entry.get("ParticipantRole")) for entry in listed)
    return {id_: role for id_, role in pairs if isinstance(id_, str) and isinstance(role, str)}


def _turn(number: int, raw: Mapping[str, msgspec.Raw], roles: Mapping[str, str]) -> Turn:
    def text(key: str) -> str | None:
        value: str | None = _decode_member(_TEXT, raw, key, number)
        return value

    def millis(key: str) -> int | None:
        value = _decode_member(_MILLIS, raw, key, number)
        return None if value is None else round(value)

    participant_id = text("ParticipantId")
    role = text("ParticipantRole") or roles.get(participant_id or "") or participant_id
    rest = {key: _ANY.decode(value) for key, value in raw.items() if key not in _TURN_KEYS | _LEFT_OUT}
    return Turn(
        text("Content"), role, millis("BeginOffsetMillis"), millis("EndOffsetMillis"), text("Type") or "TURN",
        text("Id"), participant_id, text("AbsoluteTime"), text("ContentType"), text("Sentiment"),
        _json(rest) if rest else None,
    )  # fmt: skip


def _decode_member(decoder: msgspec.json.Decoder[Any], raw: Mapping[str, msgspec.Raw], key: str, number: int) -> Any:
    try:
        return decoder.decode(raw[key]) if key in raw else None
    except msgspec.ValidationError as error:
        raise RecordError("wrong_type", f"Transcript[{number}].{key}: {error}") from error


def _json(value: object) -> str:
    return msgspec.json.encode(value, order="sorted").decode()


def _set_sentiments(turns: Sequence[Turn], characteristics: Mapping[str, Any]) -> None:
    """Chat lists the sentiment of turns separately, by the turn's id."""
    details = _object(characteristics, "Sentiment").get("DetailsByTranscriptItemGroup")
    groups = msgspec.convert(details, list[_Group] | None) or []
    by_id = {item.Id: group.Sentiment for group in groups for item in group.TranscriptItems or []}
    for turn in turns:
        if turn.sentiment is None and turn.id is not None:
            turn.sentiment = by_id.get(turn.id)


def _duration(turns: Sequence[Turn], conversation_ms: int | None, channel: object) -> dict[str, Any]:
    last_ms = last_end_ms(turns)
    if conversation_ms is not None:
        return {"durationMs": conversation_ms, "durationRule": "conversation"}
    if last_ms is None:
        return {}
    return {"durationMs": last_ms, "durationRule": "first_to_last" if channel == "CHAT" else "last_word"}


def _analysis(given: Mapping[str, Any], characteristics: Mapping[str, Any]) -> dict[str, str] | None:
    summary = given.get("ContactSummary") or characteristics.get("ContactSummary")
    rest = {key: value for key, value in characteristics.items() if key != "ContactSummary"}
    details = _object(given, "Categories").get("MatchedDetails")
    texts = {
        "summary": _json(summary) if summary else None,
        "characteristics": _json(rest) if rest else None,
        "categoryDetails": _json(details) if details else None,
    }
    return {key: value for key, value in texts.items() if value is not None} or None


def read_measures(
    characteristics: Mapping[str, Any], roles: Mapping[str, str]
) -> tuple[dict[str, Any], dict[str, int | None]]:
    """The measures by the record's keys, without those that the file does not have; and talk time in ms by role.

    `conversation` is the length of the whole conversation in ms. Raises RecordError, or msgspec.ValidationError, for a
    value of the wrong type.
    """
    at = _Measures(characteristics, roles)
    talk_by_role = at.by_role(
        at.get("TalkTime", "DetailsByParticipant"), lambda details: _ms(details.get("TotalTimeMillis"))
    )
    measures: dict[str, Any] = {
        "conversation": at.ms("TotalConversationDurationMillis"),
        "nonTalkTotal": at.ms("NonTalkTime", "TotalTimeMillis"),
        "talkTotal": at.ms("TalkTime", "TotalTimeMillis"),
        "greetingAgent": at.ms("ResponseTime", "AgentGreetingTimeMillis"),
        "interruptionsTimeTotal": at.ms("Interruptions", "TotalTimeMillis"),
        "interruptionsTotal": at.ms("Interruptions", "TotalCount"),
        "sentimentWithAgent": at.number(*_CUSTOMER_BY_INTERACTION, "WithAgent"),
        "sentimentWithoutAgent": at.number(*_CUSTOMER_BY_INTERACTION, "WithoutAgent"),
        **_measures_by_side(at, talk_by_role),
    }
    return {key: value for key, value in measures.items() if value is not None}, talk_by_role


def _measures_by_side(at: _Measures, talk_by_role: Mapping[str, int | None]) -> dict[str, Any]:
    interruptions = at.get("Interruptions", "InterruptionsByInterrupter")
    interruptions_by_role = at.by_role(interruptions, lambda listed: msgspec.convert(listed, list[_Interruption]))
    speeds = at.by_role(at.get("TalkSpeed", "DetailsByParticipant"), lambda side: side.get("AverageWordsPerMinute"))
    overall = at.by_role(at.get("Sentiment", "OverallSentiment"), lambda score: score, has_other_keys=True)
    overall |= at.by_role(at.get("Sentiment", "OverallSentiment", "DetailsByParticipantRole"), lambda score: score)
    shifts = at.by_role(
        at.get("Sentiment", "SentimentShift", "DetailsByParticipantRole"), lambda shift: shift.get("EndScore")
    )
    quarters = at.by_role(at.get("Sentiment", "SentimentByPeriod", "QUARTER"), _last_score)
    responses = at.by_role(at.get("ResponseTime", "DetailsByParticipantRole"), lambda side: msgspec.convert(side, dict))
    measures: dict[str, Any] = {}
    for role, side in _SIDES:
        measures[f"talk{side}"] = talk_by_role.get(role)
        measures[f"speed{side}"] = _number(speeds.get(role))
        # The file lists those who interrupted; a role that is absent did not.
        mine = interruptions_by_role.get(role, [] if interruptions is not None else None)
        if mine is not None:
            measures[f"interruptions{side}"] = len(mine)
            measures[f"interruptionsTime{side}"] = sum(round(each.DurationMillis or 0) for each in mine)
        measures[f"sentiment{side}"] = _number(overall.get(role))
        measures[f"sentimentEnd{side}"] = _number(shifts.get(role, quarters.get(role)))
        response = _Measures(responses.get(role, {}), at.roles)
        measures[f"responseAverage{side}"] = response.ms("Average", "ValueMillis")
        measures[f"responseMaximum{side}"] = response.ms("Maximum", "ValueMillis")
    return measures


class _Measures:
    """Typed values at paths of one object."""

    def __init__(self, node: Mapping[str, Any], roles: Mapping[str, str]) -> None:
        self.node, self.roles = node, roles

    def get(self, *path: str) -> Any:
        """The value at a path; None where it, or an object on the way to it, is absent."""
        node: Any = self.node
        for depth, key in enumerate(path):
            if node is None:
                return None
            if not isinstance(node, dict):
                raise RecordError("wrong_type", f"{'.'.join(path[:depth])} must be an object or null")
            node = node.get(key)
        return node

    def ms(self, *path: str) -> int | None:
        """The number at a path, rounded to a whole one."""
        return _ms(self.get(*path))

    def number(self, *path: str) -> float | None:
        """The number at a path."""
        return _number(self.get(*path))

    def by_role(self, node: Any, read_value: Callable[[Any], Any], has_other_keys: bool = False) -> dict[str, Any]:
        """Values by role. With `has_other_keys`, members that are objects are other details and are skipped."""
        if node is None:
            return {}
        if not isinstance(node, dict):
            raise RecordError("wrong_type", "a measure by participant must be an object or null")
        values: dict[str, Any] = {}
        for key, value in node.items():
            role = self.roles.get(key, key)
            if value is not None and not (has_other_keys and isinstance(value, dict)):
                try:
                    values[role] = read_value(value)
                except (AttributeError, TypeError) as error:
                    raise RecordError("wrong_type", f"a measure of {role} has an unexpected type") from error
        return values


def _last_score(periods: Any) -> float | None:
    scores = msgspec.convert(periods, list[_Period])
    return scores[-1].Score if scores else None


def _ms(value: Any) -> int | None:
    number = _number(value)
    return None if number is None else round(number)


def _number(value: Any) -> float | None:
    if value is None or (isinstance(value, int | float) and not isinstance(value, bool)):
        return value
    raise RecordError("wrong_type", "a measure must be a number or null")
