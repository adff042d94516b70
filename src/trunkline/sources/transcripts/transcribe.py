"""The output of an Amazon Transcribe batch job: plain, with speakers, with channels, redacted.

Times are texts of seconds, punctuation has none, and no documented output says how long the audio is: its length is
the end of the last word, or `audio_duration` where a pipeline adds one. Only newer files have `audio_segments`.
Source: Transcribe developer guide, how it works, diarization, channel identification, redaction.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from typing import Any, Final

import msgspec

from trunkline.errors import RecordError
from trunkline.sources.transcripts.turns import Turn, Word, conversation_fields, last_end_ms, talk_times, turns_of_words

Seconds = str | int | float | None
_MS_MAX: Final = 2**53
_KNOWN_TOP: Final = frozenset({"jobName", "accountId", "status", "isRedacted", "results"})
_TIMELESS: Final = frozenset({"transcripts", "items", "audio_segments", "speaker_labels", "channel_labels"})


class _Alternative(msgspec.Struct):
    content: str | None = None


class _Item(msgspec.Struct):
    type: str | None = None
    start_time: Seconds = None
    end_time: Seconds = None
    speaker_label: str | None = None
    channel_label: str | None = None
    alternatives: list[_Alternative] | None = None


class _AudioSegment(msgspec.Struct):
    id: int | str | None = None
    transcript: str | None = None
    start_time: Seconds = None
    end_time: Seconds = None
    speaker_label: str | None = None
    channel_label: str | None = None


class _SpeakerSegment(msgspec.Struct):
    start_time: Seconds = None
    end_time: Seconds = None
    speaker_label: str | None = None
    items: list[_SpeakerSegment] | None = None


class _Speakers(msgspec.Struct):
    segments: list[_SpeakerSegment] | None = None


class _Channel(msgspec.Struct):
    channel_label: str | None = None
    items: list[_Item] | None = None


class _Channels(msgspec.Struct):
    channels: list[_Channel] | None = None


class _Text(msgspec.Struct):
    transcript: str | None = None


class _Results(msgspec.Struct):
    transcripts: list[_Text] | None = None
    items: list[_Item] | None = None
    audio_segments: list[_AudioSegment] | None = None
    speaker_labels: _Speakers | None = None
    channel_labels: _Channels | None = None
    audio_duration: Seconds = None
    language_code: str | None = None


_TOP = msgspec.json.Decoder(dict[str, msgspec.Raw])
_RESULTS = msgspec.json.Decoder(_Results)
_ANY = msgspec.json.Decoder()


def read(top: Mapping[str, msgspec.Raw]) -> dict[str, Any]:
    """The record of a job's output, without what the file's name says. `top` is the document with undecoded values.

    Raises RecordError or msgspec.ValidationError for a value of the wrong type.
    """
    results = _RESULTS.decode(top["results"])
    kind, turns = _turns(results)
    known = {name: _ANY.decode(top[name]) for name in _KNOWN_TOP - {"results"} if name in top}
    given_ms = milliseconds(results.audio_duration, "results.audio_duration")
    last_ms = last_end_ms(turns)
    duration = (given_ms, "audio_duration") if given_ms else (last_ms, "last_word") if last_ms is not None else None
    unknown = {key: raw for key, raw in _TOP.decode(top["results"]).items() if key not in _KNOWN_RESULTS}
    record = {
        "format": "transcribe",
        "output": "redacted" if known.get("isRedacted") is True else "raw",
        "jobName": known.get("jobName"),
        "jobStatus": known.get("status"),
        "accountId": known.get("accountId"),
        "channel": "VOICE",
        "language": results.language_code,
        "durationMs": duration and duration[0],
        "durationRule": duration and duration[1],
        "talkTimeMs": talk_times(turns) or None,
        **conversation_fields(turns, kind),
        **{key: raw for key, raw in top.items() if key not in _KNOWN_TOP},
    }
    return record | ({"results": unknown} if unknown else {})


_KNOWN_RESULTS = _TIMELESS | {"audio_duration", "language_code"}


def milliseconds(value: Seconds, path: str, number: int = 0) -> int | None:
    """Whole milliseconds of seconds given as text or number; None where there is none.

    `path` is the value's place for messages, with `{}` for `number`. Raises RecordError for anything but a time.
    """
    if value is None or value == "":
        return None
    try:
        rounded = round(float(value) * 1000)
    except (ValueError, OverflowError):
        rounded = -1
    if not 0 <= rounded <= _MS_MAX:
        raise RecordError("wrong_type", f"{path.format(number)} must be a time in seconds")
    return rounded


def _turns(results: _Results) -> tuple[str | None, list[Turn]]:
    """What distinguishes participants (channel, speaker or nothing), and the turns."""
    items = results.items or []
    channels = (results.channel_labels.channels or []) if results.channel_labels else []
    is_by_channel = bool(channels) or any(item.channel_label for item in items)
    is_labelled = any(item.speaker_label for item in items)
    by_time = {} if is_labelled else _speakers_by_time(results.speaker_labels)
    is_by_speaker = is_labelled or bool(by_time)
    kind = "channel" if is_by_channel else "speaker" if is_by_speaker else None
    if results.audio_segments:
        return kind, [_segment_turn(number, segment) for number, segment in enumerate(results.audio_segments)]
    if is_by_channel and not any(item.channel_label for item in items):
        words: Iterator[Word] = itertools.chain.from_iterable(
            _words(channel.items or [], {}, channel.channel_label) for channel in channels
        )
    else:
        words = _words(items, by_time)
    return kind, turns_of_words(words, _joiner(results), is_by_channel)


def _segment_turn(number: int, segment: _AudioSegment) -> Turn:
    path = "results.audio_segments[{}]"
    return Turn(
        content=segment.transcript,
        participant=segment.channel_label or segment.speaker_label,
        begin_ms=milliseconds(segment.start_time, path, number),
        end_ms=milliseconds(segment.end_time, path, number),
        id=None if segment.id is None else str(segment.id),
    )


def _speakers_by_time(labels: _Speakers | None) -> dict[Seconds, str | None]:
    """The speaker of each word by the word's begin, the only place where older files name it."""
    segments = (labels.segments or []) if labels else []
    return {item.start_time: item.speaker_label for segment in segments for item in segment.items or []}


def _words(items: list[_Item], by_time: Mapping[Seconds, str | None], channel: str | None = None) -> Iterator[Word]:
    label: str | None = None
    for number, item in enumerate(items):
        begin = milliseconds(item.start_time, "results.items[{}].start_time", number)
        end = milliseconds(item.end_time, "results.items[{}].end_time", number)
        own = item.channel_label or channel or item.speaker_label
        if begin is not None:
            label = own or by_time.get(item.start_time)
        text = (item.alternatives[0].content if item.alternatives else None) or ""
        yield Word(text, own or label, begin, end)


def _joiner(results: _Results) -> str:
    """What separates words: nothing in languages that are written without spaces."""
    whole = (results.transcripts[0].transcript or "") if results.transcripts else ""
    return "" if whole and " " not in whole and len(results.items or []) > 2 else " "
