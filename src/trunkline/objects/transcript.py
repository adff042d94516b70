"""`transcript`: one row per call, kind of transcript and output, with its turns inside.

A transcript is replaced as a whole: a file that is written again with fewer turns leaves no old ones. Tables with a
row per turn, or with columns of the contact record, are views: `transcript_turn`,
`contact_lens_conversational_analytics` and `calls`. Columns that Amazon's data lake has for Contact Lens have its
names here.
"""

from __future__ import annotations

from trunkline.objects.call import DATABASE
from trunkline.objects.model import RECORD_COLUMNS, Column, Field, ListOf, MapOf, Object, Struct, Type
from trunkline.objects.model import own_column as _col

TRANSCRIBE = "Amazon Transcribe, output of batch jobs"
CONTACT_LENS = "Amazon Connect data lake, contact_lens_conversational_analytics; read from the Contact Lens file"

FORMATS = ("contact_lens", "call_analytics", "transcribe")
"""Kinds of transcript, the one with the most information first."""

TURN = Struct(
    (
        Field("turn_number", "number", "bigint"),
        Field("turn_id", "id", "text"),
        Field("kind", "kind", "text"),
        Field("participant", "participant", "text"),
        Field("participant_id", "participantId", "text"),
        Field("begin_offset_ms", "beginMs", "bigint"),
        Field("end_offset_ms", "endMs", "bigint"),
        Field("occurred_at", "occurredAt", "timestamp"),
        Field("content_type", "contentType", "text"),
        Field("content", "content", "text"),
        Field("sentiment", "sentiment", "text"),
        Field("details", "details", "text"),
    )
)
ANALYSIS = Struct(
    (
        Field("summary", "summary", "text"),
        Field("characteristics", "characteristics", "text"),
        Field("category_details", "categoryDetails", "text"),
    )
)


def _lens(name: str, key: str, meaning: str, type_: Type = "bigint", unit: str | None = "ms") -> Column:
    return _col(name, f"measures.{key}", f"{meaning} NULL where the file does not say.", type_, unit,
                source=CONTACT_LENS)  # fmt: skip


def _sides(name: str, key: str, meaning: str, unit: str, type_: Type = "bigint", total: bool = False
           ) -> tuple[Column, ...]:  # fmt: skip
    """Columns of one measure for the agent and the customer, and in all where `total`."""
    stem, _, suffix = name.partition("*")
    parts = (("total", "Total", "Of both."),) if total else ()
    return tuple(
        _lens(f"{stem}{side}{suffix}", f"{key}{word}", f"{meaning} {of}", type_, unit)
        for side, word, of in (
            *parts,
            ("agent", "Agent", "Of the agent."),
            ("customer", "Customer", "Of the customer."),
        )
    )


_IDENTITY = (
    _col("call_id", "callId", "The call, or the contact: from the file's name, else the contact id in the file.",
         nullable=False),
    _col("format", "format", f"Kind of transcript: {', '.join(FORMATS)}.", nullable=False),
    _col("output", "output", "raw: unchanged; redacted: personal data was removed.", nullable=False),
    _col("written_at", "writtenAt",
         "When the analysis was written: the time in a Contact Lens file's name, else when the file came.",
         "timestamp", "UTC"),
    _col("transcript_bucket", "bucket", "Bucket of the file. NULL for a local file."),
    _col("transcript_s3_key", "key", "Key of the file in its bucket; the path of a local file. Never NULL."),
    _col("job_name", "jobName", "Name of the Transcribe job. NULL for Contact Lens.", source=TRANSCRIBE),
    _col("job_status", "jobStatus", "Status as the file has it, such as COMPLETED. NULL where it has none."),
    _col("aws_account_id", "accountId", "AWS account of the job. NULL where the file has none."),
    _col("instance_id", "instanceId", "Connect instance, where a Contact Lens file names it. NULL where it does not."),
    _col("channel", "channel", "VOICE or CHAT; Transcribe's are VOICE. NULL where Contact Lens names none."),
    _col("language_locale", "language",
         "Language, such as en-US; of several the one spoken longest. NULL where the file names none."),
    _col("schema_version", "schemaVersion", "Version of the file's format, as VOICE-2022-11-30. NULL without one."),
)  # fmt: skip

_SPOKEN = (
    _col("duration_ms", "durationMs",
         "How long the conversation took, by the rule in duration_rule. NULL where nobody spoke.",
         "bigint", "ms"),
    _col("duration_rule", "durationRule",
         "How the duration is known: audio_duration (the file says), conversation (so Contact Lens, Call Analytics), "
         "last_word (end of the last word: silence after it is not counted), first_to_last (chat). NULL without one."),
    _col("participant_kind", "participantKind",
         "What distinguishes participants: role (AGENT, CUSTOMER), channel (ch_0), speaker (spk_0). NULL: "
         "nothing does."),
    _col("participants", "participants",
         "Who said or wrote something, sorted; systems and bots left out. Empty where nothing distinguishes them.",
         ListOf("text")),
    _col("participant_count", "participantCount", "How many they are.", "bigint", "count"),
    _col("first_participant", "firstParticipant", "Who spoke first. NULL as participants is empty."),
    _col("change_count", "changeCount",
         "How often the word went from one participant to another: a greeting and a message have 1, a dialogue more.",
         "bigint", "count"),
    _col("turn_count", "turnCount", "Number of turns.", "bigint", "count"),
    _col("talk_time_ms", "talkTimeMs",
         "Talk time by participant: as the file says, else the sum of turns. NULL for chat.", MapOf("bigint"), "ms"),
    _col("categories", "categories", "Contact Lens or Call Analytics categories that matched. NULL for Transcribe.",
         ListOf("text"), source=CONTACT_LENS),
)  # fmt: skip

_MEASURES = (
    _lens("greeting_time_agent_ms", "greetingAgent", "Chat: time until the agent's first message."),
    _lens("non_talk_time_total_ms", "nonTalkTotal", "Hold, and silence longer than 3 s."),
    *_sides("talk_time_*_ms", "talk", "Talk time.", "ms", total=True),
    _lens("total_conversation_duration_ms", "conversation", "The analysed conversation, without flow, queue and ACW."),
    *_sides("talk_speed_*_wpm", "speed", "Words per minute.", "words/min", "double"),
    *_sides("interruptions_time_*_ms", "interruptionsTime", "Time of interruptions by them.", "ms", total=True),
    *_sides("interruptions_*_count", "interruptions", "Interruptions by them.", "count", total=True),
    *_sides("sentiment_overall_score_*", "sentiment", "Sentiment from -5 to 5.", "score", "double"),
    _lens("sentiment_interaction_score_customer_with_agent", "sentimentWithAgent",
          "Chat: sentiment of the customer while an agent was there.", "double", "score"),
    _lens("sentiment_interaction_score_customer_without_agent", "sentimentWithoutAgent",
          "Chat: sentiment of the customer while no agent was there.", "double", "score"),
    *_sides("sentiment_end_score_*", "sentimentEnd", "Sentiment at the end; of calls that of the last quarter.",
            "score", "double"),
    *_sides("response_time_average_*_ms", "responseAverage", "Chat: average response time.", "ms"),
    *_sides("response_time_maximum_*_ms", "responseMaximum", "Chat: longest response time.", "ms"),
)  # fmt: skip

TRANSCRIPT = Object(
    name="transcript",
    database=DATABASE,
    warehouse_table=f"{DATABASE}.f_transcript",
    grain="One row per call, kind of transcript and output, the latest version of its file.",
    key=("call_id", "format", "output"),
    version="written_at",
    event_time="written_at",
    partition="written_at",
    delete_rule="Never: a file that is removed from its bucket leaves its row.",
    columns=(
        *_IDENTITY,
        *_SPOKEN,
        *_MEASURES,
        _col("turns", "turns",
             "What was said, in order of begin: see transcript_turn. Word timings and display names stay in the file.",
             ListOf(TURN), pii="indirect"),
        _col("analysis", "analysis",
             "What else the analysis says, as JSON text: generated summary, conversation characteristics, points of "
             "interest of categories. NULL for Transcribe.", ANALYSIS, pii="indirect", source=CONTACT_LENS),
        *RECORD_COLUMNS,
    ),
    anchor="callId",
    file_source="transcripts",
    catalogue_version=2,
    source="Transcript files of Amazon Transcribe, Transcribe Call Analytics and Contact Lens",
)  # fmt: skip
