"""Transcripts: every shape is read as its document says, whatever the file is called, and what is none is set aside."""

from __future__ import annotations

import copy
import gzip
import json
import re
import shutil
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from s3 import bucket
from transcript_files import (
    DIALOGUE,
    GREETING,
    SAMPLES,
    TALK,
    VOICEMAIL,
    call_analytics,
    chat,
    items_of,
    lens,
    on_channels,
    put,
    transcribe,
)  # fmt: skip

from trunkline import limits
from trunkline.errors import RecordError, SourceChangedError, UsageError
from trunkline.objects.post_call.transcript import FORMATS
from trunkline.positions import Progress
from trunkline.records import Framed
from trunkline.settings.options import Options
from trunkline.sources.files.listing import list_files
from trunkline.sources.transcripts import files as transcripts
from trunkline.sources.transcripts.names import check_patterns, is_transcript, read_name

KEYS = Options().transcript_keys


def framed(path: Path, **more: Any) -> list[Framed]:
    return list(transcripts.read_batches(transcripts.list_transcripts([str(path)]), {}, "transcript", KEYS, **more))


def read(path: Path) -> dict[str, Any]:
    """The one record of a file."""
    (batch,) = framed(path)
    assert (batch.broken, batch.read) == ([], 1)
    record: dict[str, Any] = json.loads(batch.texts[0])
    return record


def refused(path: Path) -> tuple[str, str]:
    """Reason and detail of a file that is set aside."""
    (batch,) = framed(path)
    (span,) = batch.broken
    assert batch.texts == []
    assert batch.read == 1
    return span.reason, span.detail


def said(record: dict[str, Any]) -> list[tuple[str | None, str | None, int | None, int | None]]:
    return [(t.get("participant"), t.get("content"), t.get("beginMs"), t.get("endMs")) for t in record["turns"]]


def test_a_plain_transcript_ends_with_its_last_word(tmp_path: Path) -> None:
    """No field says how long the audio is; nobody is told apart; punctuation has no time and joins its word."""
    record = read(
        put(tmp_path, "transcripts/c-1.json", transcribe([(None, "Welcome to Amazon Transcribe.", 0.64, 2.56)]))
    )
    assert (record["durationMs"], record["durationRule"]) == (2560, "last_word")
    assert (record["participants"], record["participantCount"], record.get("participantKind")) == ([], 0, None)
    assert said(record) == [(None, "Welcome to Amazon Transcribe.", 640, 2560)]
    assert (record["callId"], record["format"], record["output"], record["channel"]) == (
        "c-1", "transcribe", "raw", "VOICE",
    )  # fmt: skip


@pytest.mark.parametrize(("segments", "is_old"), [(False, False), (True, False), (False, True)])
@pytest.mark.parametrize(("by", "labels"), [("speaker", ["spk_0", "spk_1"]), ("channel", ["ch_0", "ch_1"])])
def test_speakers_and_channels_are_distinguished(
    tmp_path: Path, by: str, labels: list[str], is_old: bool, segments: bool
) -> None:
    """Newer and older files, with and without audio segments, give the same turns."""
    record = read(put(tmp_path, "transcripts/c.json", transcribe(TALK, by, segments, is_old)))
    first, second = labels
    assert said(record) == [
        (first, "Hello?", 500, 1000),
        (second, "Hello this is the shop.", 1500, 4000),
        (first, "Good that you call.", 4500, 40_000),
    ]
    assert (record["participantKind"], record["participants"], record["changeCount"]) == (by, labels, 2)
    assert record["durationMs"] == 40_000
    assert record["talkTimeMs"] == {first: 36_000, second: 2500}


def test_simultaneous_speech_on_two_channels_keeps_its_sentences(tmp_path: Path) -> None:
    """Words interleave in the file; on channels each has its turns, and a pause ends a turn."""
    both = [("far", "one two three four", 0.0, 4.0), ("near", "wait please", 1.0, 3.0), ("far", "five", 7.0, 7.5)]
    document = transcribe(both, "channel")
    document["results"]["items"].sort(key=lambda item: float(item["start_time"]))
    assert [turn[:2] for turn in said(read(put(tmp_path, "transcripts/c.json", document)))] == [
        ("ch_0", "one two three four"), ("ch_1", "wait please"), ("ch_0", "five"),
    ]  # fmt: skip


@pytest.mark.parametrize("has_segments", [False, True])
@pytest.mark.parametrize("is_old", [False, True])
def test_on_channels_the_other_sides_speech_ends_a_turn(tmp_path: Path, is_old: bool, has_segments: bool) -> None:
    """A conversation without long pauses has a turn for each change of speaker, whatever form the channels have."""
    document = on_channels(DIALOGUE, is_old, has_segments)
    record = read(put(tmp_path, "transcripts/c.json", document))
    assert [turn[:2] for turn in said(record)] == [(channel, text) for channel, text, _, _ in DIALOGUE]
    assert (record["turnCount"], record["changeCount"], record["firstParticipant"]) == (7, 6, "ch_1")
    assert record["participantKind"] == "channel"


@pytest.mark.parametrize(
    ("items", "turns"),
    [
        pytest.param(  # the second speaker begins before the first has ended
            [("ch_0", "one", 0.0, 2.0), ("ch_1", "two", 1.8, 3.0), ("ch_0", "three", 2.9, 4.0)],
            [("ch_0", "one"), ("ch_1", "two"), ("ch_0", "three")],
            id="overlapping_turns",
        ),
        pytest.param(  # a listener's word while the other continues to speak
            [
                ("ch_0", "one", 0.0, 1.0),
                ("ch_0", "two", 1.05, 2.0),
                ("ch_1", "mhm", 0.9, 1.3),
                ("ch_0", "three", 2.0, 3.0),
            ],
            [("ch_0", "one two three"), ("ch_1", "mhm")],
            id="listeners_word",
        ),
        pytest.param(  # the words of each channel listed apart, as some tools merge files
            [("ch_0", "one", 0.0, 1.0), ("ch_0", "three", 2.0, 3.0), ("ch_1", "two", 1.1, 1.9)],
            [("ch_0", "one"), ("ch_1", "two"), ("ch_0", "three")],
            id="listed_by_channel",
        ),
        pytest.param(
            [
                ("ch_0", "one", 0.0, 1.0),
                ("ch_1", "two", 1.0, 1.5),
                ("ch_2", "three", 1.5, 2.0),
                ("ch_0", "four", 2.0, 3.0),
            ],
            [("ch_0", "one"), ("ch_1", "two"), ("ch_2", "three"), ("ch_0", "four")],
            id="three_channels",
        ),
        pytest.param(  # a long word of the other side, most of it while this side is silent
            [("ch_0", "one", 0.0, 1.0), ("ch_1", "a whole sentence", 0.9, 6.0), ("ch_0", "two", 2.5, 3.0)],
            [("ch_0", "one"), ("ch_1", "a whole sentence"), ("ch_0", "two")],
            id="long_item",
        ),
    ],
)
def test_turns_of_channels(tmp_path: Path, items: list[Any], turns: list[Any]) -> None:
    """Speech in the other side's silence ends its turn; speech during its words does not."""
    record = read(put(tmp_path, "transcripts/c.json", on_channels(items)))
    assert [turn[:2] for turn in said(record)] == turns


def test_audio_segments_are_turns_in_order_of_time(tmp_path: Path) -> None:
    """However the file lists them, changes of speaker are counted in order of time."""
    document = transcribe(TALK, "speaker", segments=True)
    document["results"]["audio_segments"].reverse()
    record = read(put(tmp_path, "transcripts/c.json", document))
    assert [turn[1] for turn in said(record)] == ["Hello?", "Hello this is the shop.", "Good that you call."]


def test_turns_of_contact_lens_are_in_order_of_time(tmp_path: Path) -> None:
    """However a file lists them."""
    document = lens(TALK)
    document["Transcript"].reverse()
    record = read(put(tmp_path, "Analysis/Voice/2026/02/11/c_analysis_2026-02-11T10:00:00Z.json", document))
    assert [turn[1] for turn in said(record)] == ["Hello?", "Hello this is the shop.", "Good that you call."]
    assert record["changeCount"] == 2


@pytest.mark.parametrize(
    ("contents", "text"),
    [
        (["私", "の", "Amazon", "Connect", "が", "動きません", "。"], "私のAmazon Connectが動きません。"),
        (["สวัสดี", "ครับ", "สบายดี", "ไหม"], "สวัสดีครับ สบายดีไหม"),
        (["¿", "Qué", "tal", "?", "Bien", ",", "gracias", "."], "¿Qué tal? Bien, gracias."),
        (["Bonjour", ",", "ça", "va", "?"], "Bonjour, ça va ?"),
        (["안녕하세요", "고객님"], "안녕하세요 고객님"),
    ],
)
def test_the_text_of_a_turn_is_the_transcripts_own(tmp_path: Path, contents: list[str], text: str) -> None:
    """Spaces are where the transcript has them, in every language, and none is where it has none."""
    document = {"results": {"transcripts": [{"transcript": text}], "items": items_of(*contents)}}
    assert [turn[1] for turn in said(read(put(tmp_path, "transcripts/c.json", document)))] == [text]


@pytest.mark.parametrize(
    ("contents", "text"),
    [
        (["私", "の", "Amazon", "Connect", "が", "動きません", "。"], "私のAmazon Connectが動きません。"),
        (["请", "重启", "Amazon", "Connect", "."], "请重启Amazon Connect."),
        (["Hello", ",", "this", "is", "the", "shop", "."], "Hello, this is the shop."),
        (["¿", "Qué", "tal", "?"], "¿Qué tal?"),
        (["안녕하세요", "고객님"], "안녕하세요 고객님"),
    ],
)
@pytest.mark.parametrize("transcripts", [None, [{"transcript": "something else"}]])
def test_words_without_the_transcripts_text_are_joined_by_their_scripts(
    tmp_path: Path, contents: list[str], text: str, transcripts: Any
) -> None:
    """The scripts of two neighbouring words decide, not the language of the file."""
    document = {"results": {"transcripts": transcripts, "items": items_of(*contents)}}
    assert [turn[1] for turn in said(read(put(tmp_path, "transcripts/c.json", document)))] == [text]


def test_an_english_phrase_does_not_space_a_japanese_turn(tmp_path: Path) -> None:
    """Each turn is joined as its own words are written, also where the two channels' words alternate in the text."""
    english = items_of("Good", "morning", ".", channel_label="ch_1")
    japanese = items_of("はい", "お", "電話", "ありがとう", channel_label="ch_0")
    for number, item in enumerate(japanese):
        item |= {"start_time": str(2 + number), "end_time": str(3 + number)}
    document = {
        "results": {"transcripts": [{"transcript": "Good morning. はい お電話ありがとう"}], "items": english + japanese}
    }
    turns = said(read(put(tmp_path, "transcripts/c.json", document)))
    assert [turn[:2] for turn in turns] == [("ch_1", "Good morning."), ("ch_0", "はい お電話ありがとう")]
    del document["results"]["transcripts"]
    turns = said(read(put(tmp_path, "transcripts/d.json", document)))
    assert [turn[:2] for turn in turns] == [("ch_1", "Good morning."), ("ch_0", "はいお電話ありがとう")]


@pytest.mark.parametrize(
    ("languages", "language"),
    [
        (
            [
                {"language_code": "en-US", "duration_in_seconds": 3.5},
                {"language_code": "ja-JP", "duration_in_seconds": 61},
            ],
            "ja-JP",
        ),
        ([{"language_code": "es-US"}], "es-US"),
        ([], None),
        ("ja-JP", None),
    ],
)
def test_a_call_in_several_languages_has_the_longest_one(tmp_path: Path, languages: Any, language: str | None) -> None:
    """The list stays in the record as the file has it, so that the others are known too."""
    document = {"results": {"items": items_of("Hello"), "language_codes": languages}}
    record = read(put(tmp_path, "transcripts/c.json", document))
    assert record.get("language") == language
    assert record["results"] == {"language_codes": languages}


def test_languages_without_spaces_are_joined_without(tmp_path: Path) -> None:
    """The transcript as a whole shows how its words are joined."""
    document = transcribe([(None, "こ ん に ち は", 0.0, 1.0)])
    document["results"]["transcripts"] = [{"transcript": "こんにちは"}]
    assert read(put(tmp_path, "transcripts/c.json", document))["turns"][0]["content"] == "こんにちは"


@pytest.mark.parametrize(("given", "ms", "rule"), [
    ("61.25", 61_250, "audio_duration"), (61.25, 61_250, "audio_duration"), (0, 40_000, "last_word"),
    ("", 40_000, "last_word"), (None, 40_000, "last_word"),
])  # fmt: skip
def test_an_added_audio_duration_is_used(tmp_path: Path, given: object, ms: int, rule: str) -> None:
    """`audio_duration` is in no documented output, yet a pipeline may put it; 0 is not taken for a length."""
    record = read(put(tmp_path, "transcripts/c.json", transcribe(TALK, "speaker", audio_duration=given)))
    assert (record["durationMs"], record["durationRule"]) == (ms, rule)


def test_call_analytics_has_roles_and_measures(tmp_path: Path) -> None:
    """Turns name roles, times are whole ms; word timings are not stored."""
    record = read(put(tmp_path, "analytics/c.json", call_analytics(TALK)))
    assert (record["callId"], record["format"], record["participants"]) == (
        "c",
        "call_analytics",
        ["AGENT", "CUSTOMER"],
    )
    assert (record["durationMs"], record["durationRule"]) == (40_000, "conversation")
    assert record["measures"] == MEASURES
    assert record["turns"][0]["sentiment"] == "NEUTRAL"
    assert json.loads(record["turns"][0]["details"]) == {"LoudnessScore": [79.27, None]}


MEASURES = {
    "conversation": 40_000, "nonTalkTotal": 120, "talkTotal": 28_698, "talkAgent": 15_079, "talkCustomer": 13_619,
    "speedAgent": 239, "speedCustomer": 163, "interruptionsTotal": 2, "interruptionsTimeTotal": 350,
    "interruptionsAgent": 2, "interruptionsTimeAgent": 350, "interruptionsCustomer": 0, "interruptionsTimeCustomer": 0,
    "sentimentAgent": 0, "sentimentCustomer": 3.1, "sentimentEndCustomer": 5,
}  # fmt: skip


def test_contact_lens_voice_looks_up_the_roles_of_participants(tmp_path: Path) -> None:
    """Measures and turns are keyed by participant id; the time in the name says which analysis is the newer."""
    name = "Analysis/Voice/2026/02/11/11111111-2222_analysis_2026-02-11T21:14:16Z.json"
    record = read(put(tmp_path, name, lens(TALK)))
    assert (record["callId"], record["format"], record["output"]) == ("11111111-2222", "contact_lens", "raw")
    assert (record["writtenAt"], record["schemaVersion"]) == ("2026-02-11T21:14:16Z", "VOICE-2022-11-30")
    assert record["measures"] == MEASURES
    assert record["talkTimeMs"] == {"AGENT": 15_079, "CUSTOMER": 13_619}
    assert [turn["participant"] for turn in record["turns"]] == ["CUSTOMER", "AGENT", "CUSTOMER"]
    assert (record["categories"], record["firstParticipant"], record["changeCount"]) == (["greeting"], "CUSTOMER", 2)


def test_contact_lens_chat_has_times_of_day_and_a_separate_sentiment(tmp_path: Path) -> None:
    """Events and the system take no part in the conversation; nobody's display name is kept; the file names its contact."""
    record = read(put(tmp_path, "some/where.json", chat([
        ("CUSTOMER", "", "03:31:50.735"), ("SYSTEM", "Please wait.", "03:31:53"), ("CUSTOMER", "Hi", "03:32:00"),
        ("AGENT", "Hello", "03:32:10.735"),
    ])))  # fmt: skip
    assert (record["callId"], record["instanceId"], record["channel"]) == ("contact-1", "instance-1", "CHAT")
    assert (record["durationMs"], record["durationRule"], record.get("talkTimeMs")) == (20_000, "first_to_last", None)
    assert [turn["kind"] for turn in record["turns"]] == ["EVENT", "MESSAGE", "MESSAGE", "MESSAGE"]
    assert (record["participants"], record["firstParticipant"], record["changeCount"]) == (
        ["AGENT", "CUSTOMER"], "CUSTOMER", 1,
    )  # fmt: skip
    assert [turn.get("sentiment") for turn in record["turns"]] == [None, None, "NEGATIVE", None]
    assert record["measures"] == {
        "greetingAgent": 2511, "responseAverageAgent": 5575, "responseMaximumAgent": 7309, "sentimentAgent": 1.25,
        "sentimentCustomer": 0, "sentimentWithAgent": 0.5, "sentimentEndAgent": 2.5,
    }  # fmt: skip
    assert "Secret Name" not in json.dumps(record)


@pytest.mark.parametrize("document", [transcribe([]), lens([]), call_analytics([]), chat([])])
def test_an_empty_conversation_is_a_record(tmp_path: Path, document: dict[str, Any]) -> None:
    """Nobody said anything: no turn, no duration that anybody measured, and no error (PCA issue 234)."""
    record = read(put(tmp_path, "transcripts/c.json", document))
    assert (record["turns"], record["participants"], record["participantCount"], record["turnCount"]) == ([], [], 0, 0)
    assert record.get("durationMs") in (None, 0)


@pytest.mark.parametrize(("key", "call_id", "is_redacted", "at"), [
    ("transcripts/c-1.json", "c-1", False, None),
    ("transcripts/redacted-c-1.json", "c-1", True, None),
    ("any/prefix/transcripts/c-1.json.gz", "c-1", False, None),
    ("analytics/c-1.json", "c-1", False, None),
    ("redacted-analytics/c-1.json", "c-1", True, None),
    ("Analysis/Voice/2020/02/04/c-1_analysis_2020-02-04T21:14:16Z.json", "c-1", False, "2020-02-04T21:14:16Z"),
    ("connect/alias/Analysis/Voice/Redacted/2020/02/04/c-1_analysis_redacted_2020-02-04T21:14:16Z.json", "c-1", True,
     "2020-02-04T21:14:16Z"),
    ("p/Analysis/Chat/2020/02/04/c-1_analysis_2020-02-04T21:14:16Z.json", "c-1", False, "2020-02-04T21:14:16Z"),
    ("Analysis/Chat/Redacted/2020/02/04/c-1_analysis_redacted_2020-02-04T21:14:16Z.json", "c-1", True,
     "2020-02-04T21:14:16Z"),
    ("Analysis/Email/2026/03/10/c-1_analysis_20260310T22:35_UTC.json", "c-1", False, "2026-03-10T22:35:00Z"),
    ("copied/c-1_analysis_2020-02-04T21_14_16Z.json", "c-1", False, "2020-02-04T21:14:16Z"),
])  # fmt: skip
def test_prefixes_chat_and_redacted_folders_are_read(key: str, call_id: str, is_redacted: bool, at: str | None) -> None:
    """DAS's expression began at the bucket's root, knew voice alone and no redacted folder."""
    found = read_name(f"s3://bucket/{key}", KEYS)
    assert found is not None
    assert (found.call_id, found.is_redacted, found.written_at) == (call_id, is_redacted, at)


def test_other_files_are_not_transcripts() -> None:
    """Recordings lie in the same folders; other names tell no call; a pattern must hold the call's id."""
    assert not is_transcript(
        "s3://b/Analysis/Voice/Redacted/2020/02/04/c_call_recording_redacted_2020-02-04T21:14:16Z.wav"
    )
    assert read_name("s3://b/other/c-1.json", KEYS) is None
    assert read_name("s3://b/recordings-transcripts/c-1.json", KEYS) is None
    with pytest.raises(UsageError, match=r"transcript_keys has 'a/b.json'; valid is a key with \{call_id\}"):
        check_patterns(["a/b.json"])


LENS = "Analysis/Voice/2026/02/11/c_analysis_2026-02-11T21:14:16Z.json"
SECRET = "my-secret-words"


@pytest.mark.parametrize(("name", "body", "reason"), [
    ("transcripts/c.json", b"", "truncated"),
    ("transcripts/c.json", b'{"results":{"items":[', "truncated"),
    ("transcripts/c.json", b'{"results":{"items":[}}', "invalid_json"),
    ("transcripts/c.json", b'[{"results":{}}]', "not_an_object"),
    ("transcripts/c.json", b'{"jobName":"\xff","results":{}}', "invalid_utf8"),
    ("transcripts/c.json", json.dumps({"TranscriptResultStream": SECRET}).encode(), "unknown_shape"),
    ("transcripts/c.json", json.dumps({"results": {"items": SECRET}}).encode(), "wrong_type"),
    ("transcripts/c.json", json.dumps({"results": {"items": [{"start_time": SECRET}]}}).encode(), "wrong_type"),
    ("transcripts/c.json", json.dumps({"results": {"items": [{"start_time": "-1"}]}}).encode(), "wrong_type"),
    ("transcripts/c.json", json.dumps({"Transcript": [{"Content": {"a": SECRET}}]}).encode(), "wrong_type"),
    ("transcripts/c.json", json.dumps({"Transcript": SECRET, "Categories": []}).encode(), "wrong_type"),
    ("transcripts/c.json", json.dumps({"Transcript": [], "ContentMetadata": SECRET}).encode(), "wrong_type"),
    ("transcripts/c.json", json.dumps({"results": {}, "isRedacted": SECRET}).encode(), "wrong_type"),
    ("transcripts/c.json", b'{"a":' + b"[" * 100_000, "too_deep"),
    ("elsewhere/c.json", json.dumps(transcribe([(None, SECRET, 0.0, 1.0)])).encode(), "missing_key"),
])  # fmt: skip
def test_an_unreadable_transcript_is_set_aside_and_not_quoted(
    tmp_path: Path, name: str, body: bytes, reason: str
) -> None:
    """One file is one record also where it cannot be read; its detail holds nothing that was said."""
    found, detail = refused(put(tmp_path, name, body))
    assert found == reason
    assert SECRET not in detail
    assert detail


def test_damaged_and_compressed_files(tmp_path: Path) -> None:
    """A compressed transcript is read; a cut one is set aside whole, for half a conversation is none."""
    body = gzip.compress(json.dumps(transcribe(TALK, "speaker")).encode())
    assert read(put(tmp_path, "a/transcripts/c.json.gz", body))["durationMs"] == 40_000
    assert refused(put(tmp_path, "b/transcripts/c.json", body[:-20]))[0] == "corrupt_compression"


def test_large_files_are_read_and_larger_ones_are_set_aside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file beyond what one record may have elsewhere is read; PCA's vanished without a line in a log (issue 285)."""
    body = json.dumps(transcribe(TALK, "speaker")).encode()
    path = put(tmp_path, "transcripts/c.json", body[:-1] + b" " * (limits.RECORD_BYTES_MAX + 1) + b"}")
    assert read(path)["durationMs"] == 40_000
    monkeypatch.setattr(limits, "TRANSCRIPT_BYTES_MAX", 1_000_000)
    reason, detail = refused(path)
    assert (reason, f"{path.stat().st_size:,} bytes" in detail) == ("too_long", True)
    (batch,) = framed(path)
    assert (len(batch.broken[0].payload), batch.broken[0].length) == (limits.DEAD_LETTER_BYTES_MAX, path.stat().st_size)


def test_unknown_keys_are_kept(tmp_path: Path) -> None:
    """New keys, at the top and in the results, stay in the record, which flatten keeps as unmapped."""
    record = read(
        put(tmp_path, "transcripts/c.json", transcribe(GREETING, toxicity=[{"score": 0.1}]) | {"New": {"a": 1.50}})
    )
    assert (record["New"], record["results"]) == ({"a": 1.5}, {"toxicity": [{"score": 0.1}]})


def test_values_that_do_not_fit_are_kept_exactly(tmp_path: Path) -> None:
    """As they are written, at the places where the file has them; what else the file says is read."""
    document = lens(TALK) | {"Categories": "none", "JobStatus": ["DONE"]}
    document["Transcript"][1]["Sentiment"] = 5
    body = json.dumps(document).replace('"Sentiment": 5', '"Sentiment": 1.50e400')
    (batch,) = framed(put(tmp_path, LENS, body.encode()))
    record = json.loads(batch.texts[0], parse_float=str)
    assert (record["Categories"], record["JobStatus"]) == ("none", ["DONE"])
    assert record["Transcript[1].Sentiment"] == "1.50e400"
    assert record["turns"][1]["content"] == "Hello this is the shop."
    assert batch.marks is not None
    assert sorted(batch.marks[0].changes) == [
        ("Categories", "Categories is VARCHAR"), ("JobStatus", "JobStatus is ARRAY"),
        ("Transcript[1].Sentiment", "Transcript[].Sentiment is DOUBLE"),
    ]  # fmt: skip


def test_half_of_a_character_becomes_the_replacement_character(tmp_path: Path) -> None:
    """Cut by a program that counts UTF-16 units; whole pairs, and a backslash before the letters, are left alone."""
    body = json.dumps(transcribe([(None, "Zoe @.", 0.0, 1.0)])).replace("@", r"\ud83d \ud83d\ude00 \\ud83d")
    (batch,) = framed(put(tmp_path, "transcripts/c.json", body.encode()))
    content = json.loads(batch.texts[0])["turns"][0]["content"]
    assert content == "Zoe \ufffd \U0001f600 \\ud83d."
    assert batch.marks is not None
    assert [change for _, change in batch.marks[0].changes] == ["a text is VARCHAR with half of a surrogate pair"]


def test_a_files_own_key_does_not_take_the_place_of_a_columns(tmp_path: Path) -> None:
    """A key that nobody foresaw may have the name of a key of ours."""
    record = read(put(tmp_path, "transcripts/c.json", transcribe(TALK) | {"turns": 1, "callId": "x", "writtenAt": 5}))
    assert (record["callId"], record["turnCount"]) == ("c", 1)
    assert (record["file.turns"], record["file.callId"], record["file.writtenAt"]) == (1, "x", 5)


def test_batches_are_reproducible_and_resumable(tmp_path: Path) -> None:
    """Many files share a batch; a plan gives its batch again; what is done is not read; a changed file is told."""
    for n in range(12):
        put(tmp_path, f"transcripts/c-{n:02}.json", transcribe(VOICEMAIL, "speaker"))
    batches = framed(tmp_path, batch_bytes=2000)
    assert len(batches) > 2
    assert sum(one.read for one in batches) == 12
    for one in batches:
        assert transcripts.reread(one.plan, KEYS) == one
    done = {(r.uri, r.version): Progress(r.end, r.is_last) for r in batches[0].plan.ranges}
    files = transcripts.list_transcripts([str(tmp_path)])
    rest = list(transcripts.read_batches(files, done, "transcript", KEYS, 2000))
    assert [text for one in rest for text in one.texts] == [text for one in batches[1:] for text in one.texts]
    put(tmp_path, "transcripts/c-00.json", transcribe(TALK, "speaker"), at=1_771_000_500)
    with pytest.raises(SourceChangedError):
        transcripts.reread(batches[0].plan, KEYS)


def test_objects_of_s3_are_read_in_order_and_once() -> None:
    """Fetched a few at once, handed over in order; each is got with one request; recordings are not asked for."""
    with bucket("recordings") as client:
        for n in range(9):
            client.put_object(
                Bucket="recordings", Key=f"transcripts/c-{n}.json", Body=json.dumps(transcribe(TALK)).encode()
            )
        client.put_object(Bucket="recordings", Key="transcripts/c.wav", Body=b"RIFF")
        asked: list[str] = []
        client.meta.events.register(
            "provide-client-params.s3.GetObject", lambda params, **_: asked.append(params["Key"])
        )
        files = transcripts.list_transcripts(["s3://recordings"], client)
        (batch,) = transcripts.read_batches(files, {}, "transcript", KEYS, client=client)
    records = [json.loads(text) for text in batch.texts]
    assert [record["callId"] for record in records] == [f"c-{n}" for n in range(9)]
    assert (records[0]["bucket"], records[0]["key"]) == ("recordings", "transcripts/c-0.json")
    assert sorted(asked) == [f"transcripts/c-{n}.json" for n in range(9)]


@pytest.mark.skipif(SAMPLES is None, reason="the documents' sample files are not here")
def test_the_documents_own_samples(tmp_path: Path) -> None:
    """Amazon's published outputs: duration, participants and the first words."""
    assert SAMPLES is not None
    wanted = {
        "awsdocs_amazon-transcribe-developer-guide/how-input.1.json": (2560, [], "Welcome to Amazon Transcribe."),
        "awsdocs_amazon-transcribe-developer-guide/diarization-output-batch.1.json":
            (9240, ["spk_0", "spk_1"], "I've been on hold for an hour."),
        "awsdocs_amazon-transcribe-developer-guide/channel-id-output-batch.1.json":
            (9250, ["ch_0", "ch_1"], "I've been on hold for an hour."),
        "awsdocs_amazon-connect-admin-guide/contact-lens-example-output-files-chat.1.json":
            (172_457, ["AGENT", "CUSTOMER"], None),
        "awsdocs_amazon-connect-admin-guide/contact-lens-example-output-files-chat.2.json":
            (172_457, ["AGENT", "CUSTOMER"], None),
    }  # fmt: skip
    for name, (ms, participants, content) in wanted.items():
        path = tmp_path / "transcripts" / Path(name).name
        path.parent.mkdir(exist_ok=True)
        shutil.copy(SAMPLES / name, path)
        record = read(path)
        assert (record["durationMs"], record["participants"]) == (ms, participants), name
        assert record["turns"][0].get("content") == content, name
    for number, output in ((1, "raw"), (2, "redacted")):
        text = (
            SAMPLES / f"awsdocs_amazon-connect-admin-guide/contact-lens-example-output-files.{number}.json.txt"
        ).read_text()
        voice = text.split("// if you")[0] + text.split("[NAME]")[-1] if "// if you" in text else text
        whole = voice.rstrip().removesuffix("}").rstrip().removesuffix("}") + "}" if number == 1 else voice
        record = read(put(tmp_path, f"transcripts/voice-{number}.json", whole.encode()))
        assert (record["durationMs"], record["output"], len(record["turns"])) == (32_110, output, 10)
        assert record["measures"]["talkAgent"] == 15_079
        assert record["measures"]["sentimentEndCustomer"] == 5


def test_list_of_other_files_is_empty(tmp_path: Path) -> None:
    """A folder of recordings alone is no error, as an empty folder is none."""
    put(tmp_path, "a.wav", b"RIFF")
    assert transcripts.list_transcripts([str(tmp_path)]) == []
    assert len(list_files([str(tmp_path)])) == 1


def _paths(node: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    items = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, value in items:
        yield (*path, key)
        yield from _paths(value, (*path, key))


DOCUMENTS = (
    transcribe(TALK, "speaker", segments=True), transcribe(VOICEMAIL, "channel"), lens(TALK), call_analytics(TALK),
    chat([("CUSTOMER", "", "03:31:50"), ("AGENT", "Hi", "03:31:52"), ("CUSTOMER", "No", "03:32:00")]),
)  # fmt: skip
ODD = st.one_of(
    st.none(), st.booleans(), st.integers(-(2**70), 2**70), st.floats(allow_nan=False), st.text(max_size=5),
    st.lists(st.one_of(st.none(), st.integers(), st.text(max_size=3), st.lists(st.integers(), max_size=1)), max_size=2),
    st.dictionaries(st.text(max_size=3), st.one_of(st.none(), st.integers(), st.lists(st.none(), max_size=1)), max_size=2),
)  # fmt: skip


MANDATORY = re.compile(
    r"results|isRedacted|ContentMetadata(\.Output)?|results\.(items|speaker_labels|channel_labels|audio_segments)(?!.*\.id$).*"
    r"|Transcript(\[\])?|Transcript\[\]\.(ParticipantId|ParticipantRole|Content|Type|BeginOffsetMillis|EndOffsetMillis)"
)
"""What decides which record it is, and who said what when."""
FREE = r"[^.\[]+"
NUMBERS = re.compile(
    r"ConversationCharacteristics\.(TotalConversationDurationMillis|(NonTalkTime|Interruptions|TalkTime)\.TotalTimeMillis"
    rf"|TalkTime\.DetailsByParticipant\.{FREE}\.TotalTimeMillis|TalkSpeed\.DetailsByParticipant\.{FREE}\.AverageWordsPerMinute"
    r"|ResponseTime\.AgentGreetingTimeMillis|ResponseTime\.DetailsByParticipantRole\.AGENT\.(Average|Maximum)\.ValueMillis)"
)
TEXTS = re.compile(
    r"results\.(transcripts\[\]\.transcript|language_code)|Transcript\[\]\.(Sentiment|AbsoluteTime|ContentType|Id)"
    r"|Participants\[\]\.(ParticipantId|ParticipantRole)|Channel|CustomerMetadata\.(ContactId|InstanceId)"
    r"|Categories\.MatchedCategories\[\]"
)
OBJECTS = re.compile(
    r"Categories|CustomerMetadata|ConversationCharacteristics(\.(TalkTime|TalkSpeed|Interruptions|Sentiment|NonTalkTime))?"
    rf"|ConversationCharacteristics\.(TalkTime|TalkSpeed)\.DetailsByParticipant(\.{FREE})?"
    r"|ConversationCharacteristics\.Interruptions\.InterruptionsByInterrupter"
)
LISTS = re.compile(r"results\.transcripts|Participants|Categories\.MatchedCategories")
SCALARS = re.compile(r"jobName|status|accountId|JobName|JobStatus|AccountId|LanguageCode|Version")


def dotted(path: tuple[Any, ...]) -> str:
    return "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in path)[1:]


def fits(pattern: str, value: Any) -> bool | None:
    """Whether an optional value has the type that its place asks for; None where nothing is read."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= 2**53
    tests = (
        (NUMBERS, is_number), (TEXTS, isinstance(value, str)), (OBJECTS, isinstance(value, dict)),
        (LISTS, isinstance(value, list)), (SCALARS, not isinstance(value, dict | list)),
    )  # fmt: skip
    return next((value is None or fit for places, fit in tests if places.fullmatch(pattern)), None)


@settings(max_examples=400, deadline=None)
@given(st.data())
def test_any_optional_value_may_be_anything(data: st.DataObject) -> None:
    """A record in any case; a value that does not fit is kept under its path and named by the drift, and only it."""
    document = copy.deepcopy(data.draw(st.sampled_from(DOCUMENTS)))
    paths = [path for path in _paths(document) if not MANDATORY.fullmatch(re.sub(r"\[\d+\]", "[]", dotted(path)))]
    *way, last = path = data.draw(st.sampled_from(sorted(paths, key=str)))
    node = document
    for key in way:
        node = node[key]
    value = node[last] = data.draw(
        ODD.filter(lambda value: value == value and value not in (float("inf"), -float("inf")))
    )
    uri = "s3://b/transcripts/c.json"
    text, mark = transcripts.read_record(uri, json.dumps(document).encode(), datetime(2026, 3, 3), KEYS)
    record = json.loads(text)
    assert record["callId"] == "c"
    name, pattern = dotted(path), re.sub(r"\[\d+\]", "[]", dotted(path))
    changed = dict(mark.changes)
    match fits(pattern, value):
        case False:
            assert record[name] == value
            assert name in changed
        case True:
            assert name not in changed


@settings(max_examples=300)
@given(st.data())
def test_any_value_anywhere_gives_a_record_or_a_reason(data: st.DataObject) -> None:
    """Any value anywhere: never an error that would stop the batch, and what is a record has its whole shape."""
    document = copy.deepcopy(data.draw(st.sampled_from(DOCUMENTS)))
    for _ in range(data.draw(st.integers(1, 2))):
        *way, last = data.draw(st.sampled_from(sorted(_paths(document), key=str)))
        node = document
        for key in way:
            node = node[key]
        node[last] = data.draw(ODD)
    try:
        text, mark = transcripts.read_record(
            "s3://b/transcripts/c.json", json.dumps(document).encode(), datetime(2026, 3, 3), KEYS
        )
    except RecordError as error:
        found = error.code
        text, mark = "", None
    if mark is None:
        assert found in limits.DEAD_LETTER_REASONS
        return
    record = json.loads(text)
    assert record["callId"] == "c"
    assert len(record["turns"]) == record["turnCount"]
    assert record["format"] in FORMATS
    assert mark.version
