"""Files of Transcribe Call Analytics and of Contact Lens, voice and chat: one format with small differences.

Times are whole ms. Call Analytics names the role of a turn; Contact Lens names its participant, whose role is in
`Participants`, and keys its measures by either. Chat has times of day instead of offsets. Sources: Transcribe developer
guide, Call Analytics output; Connect administrator guide, example output files of Contact Lens, and the data lake table
`contact_lens_conversational_analytics`; the sample files.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import msgspec

from trunkline.errors import RecordError
from trunkline.sources.transcripts.optional import Misfits, Node, node_of, scalar, unknown_fields
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
_CHARACTERISTICS: Final = "ConversationCharacteristics"
_CUSTOMER_BY_INTERACTION: Final = (
    "Sentiment", "OverallSentiment", "DetailsByInteraction", "DetailsByParticipantRole", "CUSTOMER",
)  # fmt: skip


class _Metadata(msgspec.Struct):
    Output: str | None = None


_METADATA = msgspec.json.Decoder(_Metadata | None)
_TURNS = msgspec.json.Decoder(list[dict[str, msgspec.Raw]] | None)
_TEXT = msgspec.json.Decoder(str | None)
_MILLIS = msgspec.json.Decoder(int | float | None)


def read(top: Mapping[str, msgspec.Raw], misfits: Misfits) -> dict[str, Any]:
    """The record of a file, without what the file's name says. `top` is the document with its values not yet decoded.

    What does not fit is NULL and goes to `misfits`, but for what decides which record it is and who said what when.
    Raises RecordError or msgspec.ValidationError where such a value has the wrong type.
    """
    roles = _roles(node_of(top.get("Participants"), misfits, "Participants"))
    turns = [_turn(number, turn, roles, misfits) for number, turn in enumerate(_TURNS.decode(top["Transcript"]) or [])]
    characteristics = node_of(top.get(_CHARACTERISTICS), misfits, _CHARACTERISTICS)
    categories = node_of(top.get("Categories"), misfits, "Categories")
    customer = node_of(top.get("CustomerMetadata"), misfits, "CustomerMetadata")
    is_contact_lens = bool(_CONTACT_LENS_ONLY & top.keys()) or any(turn.participant_id for turn in turns)
    channel = node_of(top.get("Channel"), misfits, "Channel").text() or _channel(turns)
    set_chat_offsets(turns)
    if all(turn.begin_ms is not None for turn in turns):
        turns.sort(key=lambda turn: turn.begin_ms or 0)
    _set_sentiments(turns, characteristics)
    measures, talk_by_role = read_measures(characteristics, roles)
    return {
        "contactId": customer.at("ContactId").text(),
        "format": "contact_lens" if is_contact_lens else "call_analytics",
        "output": _output(top),
        "jobName": scalar(top, "JobName", misfits),
        "jobStatus": scalar(top, "JobStatus", misfits),
        "accountId": scalar(top, "AccountId", misfits),
        "instanceId": customer.at("InstanceId").text(),
        "channel": channel,
        "language": scalar(top, "LanguageCode", misfits),
        "schemaVersion": scalar(top, "Version", misfits),
        **_duration(turns, measures.get("conversation"), channel),
        "talkTimeMs": None if channel == "CHAT" else talk_by_role or talk_times(turns) or None,
        "categories": _matched(categories),
        "measures": measures or None,
        "analysis": _analysis(top, characteristics, categories, misfits),
        **conversation_fields(turns, "role"),
        **unknown_fields(top, _KNOWN_TOP),
    }


def _output(top: Mapping[str, msgspec.Raw]) -> str:
    """Raw or redacted, by which two records of one contact differ."""
    metadata = _METADATA.decode(top["ContentMetadata"]) if "ContentMetadata" in top else None
    return "redacted" if metadata and metadata.Output in ("Redacted", "redacted") else "raw"


def _channel(turns: Sequence[Turn]) -> str:
    return "CHAT" if any(turn.occurred_at for turn in turns) else "VOICE"


def _matched(categories: Node) -> list[str | None] | None:
    matched = categories.at("MatchedCategories")
    names = [name.text() for name in matched.elements()]
    return names if isinstance(matched.value, list) else None


def _roles(participants: Node) -> dict[str, str]:
    """Role by participant id."""
    pairs = (
        (entry.at("ParticipantId").text(), entry.at("ParticipantRole").text()) for entry in participants.elements()
    )
    return {id_: role for id_, role in pairs if id_ is not None and role is not None}


def _turn(number: int, raw: Mapping[str, msgspec.Raw], roles: Mapping[str, str], misfits: Misfits) -> Turn:
    def mandatory(key: str) -> str | None:
        value: str | None = _decode_member(_TEXT, raw, key, number)
        return value

    def optional(key: str) -> Node:
        return node_of(raw.get(key), misfits, "Transcript", number, key)

    def millis(key: str) -> int | None:
        value = _decode_member(_MILLIS, raw, key, number)
        return None if value is None else round(value)

    participant_id = mandatory("ParticipantId")
    role = mandatory("ParticipantRole") or roles.get(participant_id or "") or participant_id
    rest = {key: optional(key).value for key in raw if key not in _TURN_KEYS | _LEFT_OUT}
    return Turn(
        mandatory("Content"), role, millis("BeginOffsetMillis"), millis("EndOffsetMillis"), mandatory("Type") or "TURN",
        optional("Id").text(), participant_id, optional("AbsoluteTime").text(), optional("ContentType").text(),
        optional("Sentiment").text(), _json(rest) if rest else None,
    )  # fmt: skip


def _decode_member(decoder: msgspec.json.Decoder[Any], raw: Mapping[str, msgspec.Raw], key: str, number: int) -> Any:
    try:
        return decoder.decode(raw[key]) if key in raw else None
    except msgspec.ValidationError as error:
        raise RecordError("wrong_type", f"Transcript[{number}].{key}: {error}") from error


def _json(value: object) -> str:
    return msgspec.json.encode(value, order="sorted").decode()


def _set_sentiments(turns: Sequence[Turn], characteristics: Node) -> None:
    """Chat lists the sentiment of turns separately, by the turn's id."""
    by_id: dict[str | None, str | None] = {}
    for group in characteristics.at("Sentiment", "DetailsByTranscriptItemGroup").elements():
        sentiment = group.at("Sentiment").text()
        by_id |= {item.at("Id").text(): sentiment for item in group.at("TranscriptItems").elements()}
    for turn in turns:
        if turn.sentiment is None and turn.id is not None:
            turn.sentiment = by_id.get(turn.id)


def _duration(turns: Sequence[Turn], conversation_ms: float | None, channel: object) -> dict[str, Any]:
    last_ms = last_end_ms(turns)
    if conversation_ms is not None:
        return {"durationMs": conversation_ms, "durationRule": "conversation"}
    if last_ms is None:
        return {}
    return {"durationMs": last_ms, "durationRule": "first_to_last" if channel == "CHAT" else "last_word"}


def _analysis(
    top: Mapping[str, msgspec.Raw], characteristics: Node, categories: Node, misfits: Misfits
) -> dict[str, str] | None:
    summary = node_of(top.get("ContactSummary"), misfits, "ContactSummary").value
    summary = summary or characteristics.at("ContactSummary").value
    rest = {key: value for key, value in characteristics.object().items() if key != "ContactSummary"}
    details = categories.at("MatchedDetails").value
    texts = {
        "summary": _json(summary) if summary else None,
        "characteristics": _json(rest) if rest else None,
        "categoryDetails": _json(details) if details else None,
    }
    return {key: value for key, value in texts.items() if value is not None} or None


def read_measures(
    characteristics: Node, roles: Mapping[str, str]
) -> tuple[dict[str, int | float | None], dict[str, int | None]]:
    """The measures by the record's keys, without those that the file does not have; and talk time in ms by role.

    `conversation` is the length of the whole conversation in ms.
    """
    at = characteristics.at
    talk_by_role = {
        role: details.at("TotalTimeMillis").ms()
        for role, details in _by_role(at("TalkTime", "DetailsByParticipant"), roles)
    }
    interaction = at(*_CUSTOMER_BY_INTERACTION)
    measures: dict[str, int | float | None] = {
        "conversation": at("TotalConversationDurationMillis").ms(),
        "nonTalkTotal": at("NonTalkTime", "TotalTimeMillis").ms(),
        "talkTotal": at("TalkTime", "TotalTimeMillis").ms(),
        "greetingAgent": at("ResponseTime", "AgentGreetingTimeMillis").ms(),
        "interruptionsTimeTotal": at("Interruptions", "TotalTimeMillis").ms(),
        "interruptionsTotal": at("Interruptions", "TotalCount").ms(),
        "sentimentWithAgent": interaction.at("WithAgent").number(),
        "sentimentWithoutAgent": interaction.at("WithoutAgent").number(),
    }
    for by_role in (_interruptions(characteristics, roles), _sentiments(characteristics, roles)):
        measures |= by_role
    speeds = dict(_by_role(at("TalkSpeed", "DetailsByParticipant"), roles))
    responses = dict(_by_role(at("ResponseTime", "DetailsByParticipantRole"), roles))
    for role, side in _SIDES:
        measures[f"talk{side}"] = talk_by_role.get(role)
        if role in speeds:
            measures[f"speed{side}"] = speeds[role].at("AverageWordsPerMinute").number()
        if role in responses:
            measures[f"responseAverage{side}"] = responses[role].at("Average", "ValueMillis").ms()
            measures[f"responseMaximum{side}"] = responses[role].at("Maximum", "ValueMillis").ms()
    return {key: value for key, value in measures.items() if value is not None}, talk_by_role


def _by_role(node: Node, roles: Mapping[str, str]) -> Iterator[tuple[str, Node]]:
    """The members of an object that is keyed by role or by participant id, by role."""
    for key, value in node.entries():
        yield roles.get(key, key), value


def _interruptions(characteristics: Node, roles: Mapping[str, str]) -> dict[str, int | float | None]:
    """Number and time in ms by side. The file lists those who interrupted; a role that is absent did not."""
    listed = characteristics.at("Interruptions", "InterruptionsByInterrupter")
    by_role = dict(_by_role(listed, roles))
    measures: dict[str, int | float | None] = {}
    for role, side in _SIDES:
        interruptions = by_role.get(role)
        lengths = [each.at("DurationMillis") for each in interruptions.elements()] if interruptions else []
        if isinstance(listed.value, dict) and (interruptions is None or isinstance(interruptions.value, list)):
            times = [(length.ms(), length.value) for length in lengths]
            is_complete = all(ms is not None or value is None for ms, value in times)
            measures[f"interruptions{side}"] = len(times)
            measures[f"interruptionsTime{side}"] = sum(ms or 0 for ms, _ in times) if is_complete else None
    return measures


def _sentiments(characteristics: Node, roles: Mapping[str, str]) -> dict[str, int | float | None]:
    """Sentiment by side: of the whole conversation, and at its end."""
    sentiment = characteristics.at("Sentiment")
    # Of chats, other members are details.
    sides = dict(_SIDES)
    by_role = _by_role(sentiment.at("OverallSentiment"), roles)
    overall = {role: score.number() for role, score in by_role if role in sides}
    details = sentiment.at("OverallSentiment", "DetailsByParticipantRole")
    overall |= {role: score.number() for role, score in _by_role(details, roles)}
    ends = {
        role: periods.elements()[-1].at("Score").number() if periods.elements() else None
        for role, periods in _by_role(sentiment.at("SentimentByPeriod", "QUARTER"), roles)
    }
    shifts = sentiment.at("SentimentShift", "DetailsByParticipantRole")
    ends |= {role: shift.at("EndScore").number() for role, shift in _by_role(shifts, roles)}
    measures: dict[str, int | float | None] = {}
    for role, side in _SIDES:
        measures[f"sentiment{side}"] = overall.get(role)
        measures[f"sentimentEnd{side}"] = ends.get(role)
    return measures
