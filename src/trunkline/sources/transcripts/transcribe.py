"""The output of an Amazon Transcribe batch job: plain, with speakers, with channels, redacted.

Times are texts of seconds, punctuation has none, and no documented output says how long the audio is: its length is
the end of the last word, or `audio_duration` where a pipeline adds one. Only newer files have `audio_segments`.
Source: Transcribe developer guide, how it works, diarization, channel identification, redaction.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

import msgspec
from msgspec import UNSET, UnsetType

from trunkline.errors import RecordError
from trunkline.sources.transcripts.optional import Misfits, Node, node_of, scalar, unknown_fields
from trunkline.sources.transcripts.turns import Turn, Word, conversation_fields, last_end_ms, talk_times, turns_of_words

Seconds = str | int | float | None
_MS_MAX: Final = 2**53
_KNOWN_TOP: Final = frozenset({"jobName", "accountId", "status", "isRedacted", "results"})
_OPENING: Final = frozenset("¿¡([{«“‘„「『（【《〈")
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
    id: msgspec.Raw | UnsetType = UNSET
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


class _Results(msgspec.Struct):
    items: list[_Item] | None = None
    audio_segments: list[_AudioSegment] | None = None
    speaker_labels: _Speakers | None = None
    channel_labels: _Channels | None = None


_RESULTS = msgspec.json.Decoder(_Results)
_MEMBERS = msgspec.json.Decoder(dict[str, msgspec.Raw])
_IS_REDACTED = msgspec.json.Decoder(bool | None)


def read(top: Mapping[str, msgspec.Raw], misfits: Misfits) -> dict[str, Any]:
    """The record of a job's output, without what the file's name says. `top` is the document with undecoded values.

    What does not fit is NULL and goes to `misfits`, but for what decides which record it is and who said what when.
    Raises RecordError or msgspec.ValidationError where such a value has the wrong type.
    """
    results, members = _RESULTS.decode(top["results"]), _MEMBERS.decode(top["results"])

    def optional(key: str) -> Node:
        return node_of(members.get(key), misfits, "results", key)

    texts = [text.at("transcript").text() for text in optional("transcripts").elements()]
    kind, turns = _turns(results, [text for text in texts if text], misfits)
    given_ms, last_ms = _given_ms(optional("audio_duration")), last_end_ms(turns)
    duration = (given_ms, "audio_duration") if given_ms else (last_ms, "last_word") if last_ms is not None else None
    unknown = {key: raw for key, raw in members.items() if key not in _KNOWN_RESULTS}
    is_redacted = _IS_REDACTED.decode(top["isRedacted"]) if "isRedacted" in top else None
    record = {
        "format": "transcribe",
        "output": "redacted" if is_redacted else "raw",
        "jobName": scalar(top, "jobName", misfits),
        "jobStatus": scalar(top, "status", misfits),
        "accountId": scalar(top, "accountId", misfits),
        "channel": "VOICE",
        "language": optional("language_code").text() or _longest_language(optional("language_codes")),
        "durationMs": duration and duration[0],
        "durationRule": duration and duration[1],
        "talkTimeMs": talk_times(turns) or None,
        **conversation_fields(turns, kind),
        **unknown_fields(top, _KNOWN_TOP),
    }
    return record | ({"results": unknown} if unknown else {})


def _given_ms(node: Node) -> int | None:
    if isinstance(node.value, str | int | float) and not isinstance(node.value, bool):
        try:
            return milliseconds(node.value, "results.audio_duration")
        except RecordError:
            pass
    if node.value is not None:
        node.misfits.add(*node.path)
    return None


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


def _turns(results: _Results, texts: Sequence[str], misfits: Misfits) -> tuple[str | None, list[Turn]]:
    """What distinguishes participants (channel, speaker or nothing), and the turns."""
    items = results.items or []
    channels = (results.channel_labels.channels or []) if results.channel_labels else []
    is_by_channel = bool(channels) or any(item.channel_label for item in items)
    is_labelled = any(item.speaker_label for item in items)
    by_time = {} if is_labelled else _speakers_by_time(results.speaker_labels)
    is_by_speaker = is_labelled or bool(by_time)
    kind = "channel" if is_by_channel else "speaker" if is_by_speaker else None
    if is_by_channel and not any(item.channel_label for item in items):
        tokens = [token for channel in channels for token in _tokens(channel.items or [], {}, channel.channel_label)]
    else:
        tokens = _tokens(items, by_time)
    # A segment of one channel may contain a pause in which the other one speaks, so words decide there.
    if results.audio_segments and not (is_by_channel and tokens):
        turns = [_segment_turn(number, segment, misfits) for number, segment in enumerate(results.audio_segments)]
        return kind, sorted(turns, key=lambda turn: turn.begin_ms or 0)
    return kind, turns_of_words(_words(tokens, texts), is_by_channel)


def _segment_turn(number: int, segment: _AudioSegment, misfits: Misfits) -> Turn:
    path = "results.audio_segments[{}]"
    id_ = node_of(segment.id or None, misfits, "results", "audio_segments", number, "id")
    return Turn(
        content=segment.transcript,
        participant=segment.channel_label or segment.speaker_label,
        begin_ms=milliseconds(segment.start_time, path, number),
        end_ms=milliseconds(segment.end_time, path, number),
        id=str(id_.value) if type(id_.value) is int else id_.text(),
    )


def _speakers_by_time(labels: _Speakers | None) -> dict[Seconds, str | None]:
    """The speaker of each word by the word's begin, the only place where older files name it."""
    segments = (labels.segments or []) if labels else []
    return {item.start_time: item.speaker_label for segment in segments for item in segment.items or []}


class _Token(NamedTuple):
    """An item of the file: a word, or a punctuation mark, which has the time of the word before it."""

    text: str
    label: str | None
    begin_ms: int
    end_ms: int | None
    is_word: bool


def _tokens(items: list[_Item], by_time: Mapping[Seconds, str | None], channel: str | None = None) -> list[_Token]:
    tokens: list[_Token] = []
    label: str | None = None
    last_ms = 0
    for number, item in enumerate(items):
        begin_ms = milliseconds(item.start_time, "results.items[{}].start_time", number)
        end_ms = milliseconds(item.end_time, "results.items[{}].end_time", number)
        own = item.channel_label or channel or item.speaker_label
        is_word = begin_ms is not None or item.type == "pronunciation"
        if begin_ms is not None:
            label = own or by_time.get(item.start_time)
            last_ms = begin_ms
        text = (item.alternatives[0].content if item.alternatives else None) or ""
        if text or is_word:
            tokens.append(_Token(text, own or label, last_ms, end_ms, is_word))
    return tokens


def _words(tokens: Sequence[_Token], texts: Sequence[str]) -> list[Word]:
    """Words with their punctuation, in the order of the text that has them, else in the order of the file."""
    by_time = sorted(tokens, key=lambda token: token.begin_ms)
    for ordered in (tokens, by_time):
        for text in texts:
            separators = _separators(ordered, text)
            if separators is not None:
                return list(_with_punctuation(ordered, separators))
    words: list[Word] = []
    for label in dict.fromkeys(token.label for token in tokens):
        # Each channel may have a text of its own.
        own = [token for token in tokens if token.label == label]
        aligned = (separators for text in texts if (separators := _separators(own, text)) is not None)
        words += _with_punctuation(own, next(aligned, [None] * len(own)))
    return sorted(words, key=lambda word: word.begin_ms)


def _separators(tokens: Sequence[_Token], text: str) -> list[str | None] | None:
    """What the text has before each token; None where it does not have them all, one after the other."""
    separators: list[str | None] = []
    end = 0
    for token in tokens:
        begin = end
        while begin < len(text) and text[begin].isspace():
            begin += 1
        if not text.startswith(token.text, begin):
            return None
        separators.append(text[end:begin])
        end = begin + len(token.text)
    return separators


def _with_punctuation(tokens: Sequence[_Token], separators: Sequence[str | None]) -> Iterator[Word]:
    """The words of tokens. Opening marks belong to the next word, and others to the one before it."""
    words: list[Word] = []
    last_by_label: dict[str | None, int] = {}
    opening: list[tuple[str, str | None]] = []
    for token, separator in zip(tokens, separators, strict=True):
        last = last_by_label.get(token.label)
        if token.is_word:
            text = "".join(mark for mark, _ in opening) + token.text
            before = opening[0][1] if opening else separator
            last_by_label[token.label] = len(words)
            words.append(Word(text, token.label, token.begin_ms, token.end_ms, len(words), before))
            opening = []
        elif last is None or token.text in _OPENING:
            opening.append((token.text, separator))
        else:
            words[last] = words[last]._replace(text=words[last].text + (separator or "") + token.text)
    if words:
        rest = "".join(mark for mark, _ in opening)
        words[-1] = words[-1]._replace(text=words[-1].text + rest)
    yield from words


def _longest_language(languages: Node) -> str | None:
    """The language that was spoken longest. The list is kept whole in any case."""
    if not isinstance(languages.value, list):
        return None
    lengths: dict[str, float] = {}
    for language in languages.value:
        entry = language if isinstance(language, dict) else {}
        code, length_s = entry.get("language_code"), entry.get("duration_in_seconds", 0)
        if not isinstance(code, str) or not isinstance(length_s, int | float):
            return None
        lengths.setdefault(code, length_s)
    return max(lengths, key=lambda code: lengths[code]) if lengths else None
