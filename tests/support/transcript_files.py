"""Transcripts as AWS writes them, made from who said what when. Shapes as in the documents' own sample files."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

Said = tuple[str | None, str, float, float]
"""Who, words, begin and end in seconds; each word has an equal part."""

GREETING: list[Said] = [("far", "You have reached Ann please leave a message.", 1.0, 6.0)]
VOICEMAIL: list[Said] = [*GREETING, ("near", "Hello this is the shop calling back.", 8.0, 40.0)]
TALK: list[Said] = [
    ("far", "Hello?", 0.5, 1.0), ("near", "Hello this is the shop.", 1.5, 4.0), ("far", "Good that you call.", 4.5, 40.0),
]  # fmt: skip
SAMPLES = next((one / "shared/samples" for one in Path(__file__).parents if (one / "shared/samples").is_dir()), None)


def transcribe(
    said: Sequence[Said], by: str | None = None, segments: bool = False, is_old: bool = False, **results: Any
) -> dict[str, Any]:
    """A Transcribe job's output. `by`: speaker, channel or None. `segments`: newer files. `is_old`: labels apart only."""
    labels = {
        who: f"{'spk' if by == 'speaker' else 'ch'}_{n}" for n, who in enumerate(dict.fromkeys(s[0] for s in said))
    }
    key = {"speaker": "speaker_label", "channel": "channel_label"}.get(by or "")
    items: list[dict[str, Any]] = []
    for who, text, begin, end in said:
        words = text.rstrip(".?").split()
        for n, word in enumerate(words):
            step = (end - begin) / len(words)
            items.append(
                {
                    **({key: labels[who]} if key else {}),
                    "type": "pronunciation",
                    "start_time": _s(begin + n * step),
                    "end_time": _s(begin + (n + 1) * step),
                    "alternatives": [{"confidence": "0.99", "content": word}],
                }
            )
        if text[-1] in ".?":
            sign = {"type": "punctuation", "alternatives": [{"confidence": "0.0", "content": text[-1]}]}
            items.append(({key: labels[who]} if key else {}) | sign)
    found: dict[str, Any] = {"transcripts": [{"transcript": " ".join(one[1] for one in said)}], "items": items}
    if by == "speaker":
        spoken = [item for item in items if "start_time" in item]
        parts = [{name: item[name] for name in ("start_time", "end_time", "speaker_label")} for item in spoken]
        whole = [{"speaker_label": part["speaker_label"], "items": [part]} for part in parts]
        found["speaker_labels"] = {"channel_label": "ch_0", "speakers": len(labels), "segments": whole}
    if by == "channel":
        channels = [
            {"channel_label": one, "items": [dict(item) for item in items if item["channel_label"] == one]}
            for one in labels.values()
        ]
        found["channel_labels"] = {"channels": channels, "number_of_channels": len(channels)}
    if segments:
        found["audio_segments"] = [
            {
                "id": n,
                "transcript": text,
                "start_time": _s(begin),
                "end_time": _s(end),
                **({key: labels[who]} if key else {}),
            }
            for n, (who, text, begin, end) in enumerate(said)
        ]
    if is_old and key:
        for item in items:
            del item[key]
    return {"jobName": "job", "accountId": "111122223333", "status": "COMPLETED", "results": found | results}


Spoken = tuple[str, str, float, float]
"""Channel, the text of one item, begin and end in seconds."""

DIALOGUE: list[Spoken] = [
    ("ch_1", "Hello?", 0.5, 1.0), ("ch_0", "This is the shop.", 1.2, 2.4), ("ch_1", "Who?", 2.5, 2.8),
    ("ch_0", "The shop, about your order.", 3.0, 4.6), ("ch_1", "Oh yes.", 4.7, 5.2),
    ("ch_0", "Is Friday fine?", 5.4, 6.6), ("ch_1", "Yes, fine.", 6.7, 7.4),
]  # fmt: skip
"""A conversation whose turns follow each other closely."""


def on_channels(items: Sequence[Spoken], is_old: bool = False, has_segments: bool = False) -> dict[str, Any]:
    """A job's output with channels: labels on the items, or in older files the items of each channel."""
    labelled = [
        {"channel_label": channel, "type": "pronunciation", "start_time": _s(begin), "end_time": _s(end),
         "alternatives": [{"content": text}]}
        for channel, text, begin, end in items
    ]  # fmt: skip
    results: dict[str, Any] = {"items": labelled}
    if is_old:
        channels = [
            {"channel_label": name, "items": [item for item in labelled if item["channel_label"] == name]}
            for name in ("ch_0", "ch_1")
        ]
        bare = [{key: value for key, value in item.items() if key != "channel_label"} for item in labelled]
        results = {"items": bare, "channel_labels": {"number_of_channels": 2, "channels": channels}}
    if has_segments:
        # Newer jobs close a segment at a pause of its own channel alone.
        results["audio_segments"] = [
            {"id": number, "transcript": " ".join(text for channel, text, _, _ in items if channel == name),
             "start_time": _s(min(item[2] for item in items if item[0] == name)),
             "end_time": _s(max(item[3] for item in items if item[0] == name)), "channel_label": name}
            for number, name in enumerate(("ch_0", "ch_1"))
        ]  # fmt: skip
    return {"jobName": "job", "status": "COMPLETED", "results": results}


def items_of(*contents: str, step: float = 0.3, **more: Any) -> list[dict[str, Any]]:
    """Items of a Transcribe file, one after the other; `,.?!。、¿` and the like are punctuation."""
    items: list[dict[str, Any]] = []
    for number, content in enumerate(contents):
        is_mark = len(content) == 1 and not content.isalnum()
        times = {} if is_mark else {"start_time": _s(number * step), "end_time": _s(number * step + step)}
        kind = "punctuation" if is_mark else "pronunciation"
        items.append({"type": kind, "alternatives": [{"content": content}], **times, **more})
    return items


def lens(said: Sequence[Said], is_redacted: bool = False, roles: tuple[str, str] = ("CUSTOMER", "AGENT"), **more: Any
         ) -> dict[str, Any]:  # fmt: skip
    """A Contact Lens voice file. `far` is the first role, `near` the second; participants have ids of their own."""
    ids = {"far": ("p-1", roles[0]), "near": ("p-2", roles[1])}
    end_ms = round(max((one[3] for one in said), default=0) * 1000)
    turns = [
        {"BeginOffsetMillis": round(begin * 1000), "EndOffsetMillis": round(end * 1000), "Content": text,
         "Id": f"t-{n}", "ParticipantId": ids[str(who)][0], "Sentiment": "NEUTRAL", "LoudnessScore": [79.27, None]}
        for n, (who, text, begin, end) in enumerate(said)
    ]  # fmt: skip
    return {
        "Version": "VOICE-2022-11-30", "AccountId": "111122223333", "Channel": "VOICE",
        "ContentMetadata": {"Output": "Redacted" if is_redacted else "Raw"}, "JobStatus": "COMPLETED",
        "LanguageCode": "en-US",
        "Participants": [{"ParticipantId": id_, "ParticipantRole": role} for id_, role in ids.values()],
        "Categories": {"MatchedCategories": ["greeting"], "MatchedDetails": {"greeting": {"PointsOfInterest": []}}},
        "ConversationCharacteristics": {
            "TotalConversationDurationMillis": end_ms,
            "Sentiment": {"OverallSentiment": {"p-1": 3.1, "p-2": 0},
                          "SentimentByPeriod": {"QUARTER": {"p-1": [{"Score": -2.5}, {"Score": 5}]}}},
            "Interruptions": {"InterruptionsByInterrupter": {"p-2": [{"DurationMillis": 300}, {"DurationMillis": 50}]},
                              "TotalCount": 2, "TotalTimeMillis": 350},
            "NonTalkTime": {"TotalTimeMillis": 120, "Instances": []},
            "TalkSpeed": {"DetailsByParticipant": {"p-1": {"AverageWordsPerMinute": 163},
                                                   "p-2": {"AverageWordsPerMinute": 239}}},
            "TalkTime": {"TotalTimeMillis": 28_698, "DetailsByParticipant": {"p-2": {"TotalTimeMillis": 15_079},
                                                                            "p-1": {"TotalTimeMillis": 13_619}}},
        },
        "CustomModels": [], "Transcript": turns, **more,
    }  # fmt: skip


def call_analytics(said: Sequence[Said]) -> dict[str, Any]:
    """A post-call Call Analytics file: roles at the turns, no participants."""
    whole = lens(said)
    for name in ("Version", "ContentMetadata", "Participants", "CustomModels", "AccountId", "Channel"):
        del whole[name]
    for turn in whole["Transcript"]:
        turn["ParticipantRole"] = {"p-1": "CUSTOMER", "p-2": "AGENT"}[turn.pop("ParticipantId")]
        turn["Items"] = [{"Content": "word", "Confidence": "0.9", "BeginOffsetMillis": 0, "EndOffsetMillis": 1}]
    text = json.dumps(whole).replace('"p-1"', '"CUSTOMER"').replace('"p-2"', '"AGENT"')
    return {"JobName": "job", "AccountId": "111122223333"} | json.loads(text)


def chat(messages: Sequence[tuple[str, str, str]]) -> dict[str, Any]:
    """A Contact Lens chat file from (role, text, time of day); an empty text is a participant that joins."""
    turns = [
        {"AbsoluteTime": f"2022-10-27T{at}Z", "Content": text, "ContentType": "text/plain", "DisplayName": "Secret Name",
         "Id": f"m-{n}", "ParticipantId": f"p-{role}", "ParticipantRole": role, "Type": "MESSAGE"}
        for n, (role, text, at) in enumerate(messages)
    ]  # fmt: skip
    for turn in turns:
        if not turn["Content"]:
            turn |= {"Type": "EVENT", "ContentType": "application/vnd.amazonaws.connect.event.participant.joined"}
            del turn["Content"]
    return {
        "AccountId": "111122223333", "Channel": "CHAT", "ChatTranscriptVersion": "2019-08-26",
        "ContentMetadata": {"Output": "Raw"}, "Version": "CHAT-2022-11-30", "LanguageCode": "en-US",
        "Categories": {"MatchedCategories": [], "MatchedDetails": {}},
        "CustomerMetadata": {"ContactId": "contact-1", "InstanceId": "instance-1"},
        "Participants": [{"ParticipantId": f"p-{one}", "ParticipantRole": one} for one in ("CUSTOMER", "AGENT", "SYSTEM")],
        "ConversationCharacteristics": {
            "ResponseTime": {"AgentGreetingTimeMillis": 2511, "DetailsByParticipantRole": {
                "AGENT": {"Average": {"ValueMillis": 5575}, "Maximum": {"ValueMillis": 7309}}}},
            "Sentiment": {
                "DetailsByTranscriptItemGroup": [{"ParticipantRole": "CUSTOMER", "Sentiment": "NEGATIVE",
                                                  "TranscriptItems": [{"Id": "m-2"}]}],
                "OverallSentiment": {"DetailsByParticipantRole": {"AGENT": 1.25, "CUSTOMER": 0},
                                     "DetailsByInteraction": {"DetailsByParticipantRole": {"CUSTOMER": {"WithAgent": 0.5}}}},
                "SentimentShift": {"DetailsByParticipantRole": {"AGENT": {"BeginScore": 0, "EndScore": 2.5}}},
            },
        },
        "Transcript": turns,
    }  # fmt: skip


def put(folder: Path, name: str, document: object, at: int = 1_771_000_000) -> Path:
    """A file of a transcript, last written at a second of the epoch (2026-02-13 by default)."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(document if isinstance(document, bytes) else json.dumps(document, indent=1).encode())
    os.utime(path, (at, at))
    return path


def _s(seconds: float) -> str:
    return f"{seconds:.3f}".rstrip("0").rstrip(".")
