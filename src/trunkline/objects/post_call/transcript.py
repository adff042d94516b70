"""`transcript`: one row per call, kind of transcript and output, with its turns inside; and the views on it.

A transcript is replaced as a whole: a file that is written again with fewer turns leaves no old ones. Tables with a
row per turn, or with columns of the contact record, are views: `transcript_turn`,
`contact_lens_conversational_analytics` and `calls` (`calls_view.py`). Columns that Amazon's data lake has for Contact
Lens have its names here.
"""

from __future__ import annotations

from typing import Final

from trunkline.objects.contact_record import CONTACT_RECORD
from trunkline.objects.model import RECORD_COLUMNS, Column, Field, ListOf, MapOf, Object, Struct, Type
from trunkline.objects.model import own_column as _col
from trunkline.objects.post_call.call import DATABASE
from trunkline.objects.view import ColumnType, Members, View, ViewColumn

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
    return _col(
        name, f"measures.{key}", f"{meaning} NULL where the file does not say.", type_, unit, source=CONTACT_LENS
    )


def _sides(
    name: str, key: str, meaning: str, unit: str, type_: Type = "bigint", total: bool = False
) -> tuple[Column, ...]:
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


OURS: Final = "Trunkline"
LAKE: Final = "Amazon Connect analytics data lake, contact_lens_conversational_analytics"
_TYPES: Final[dict[str, ColumnType]] = {
    "text": "string",
    "bigint": "bigint",
    "timestamp": "timestamp",
    "double": "double",
}


def _same(name: str, type_: ColumnType, meaning: str, source: str = OURS, sql: str = "") -> ViewColumn:
    return ViewColumn(name, type_, sql or f'"{name}"', meaning, source)


_TURN_MEANINGS: Final = {
    "turn_number": "Place of the turn in its transcript, from 1.",
    "turn_id": "The turn's id in the file. NULL where it has none.",
    "kind": "TURN for speech; for chat MESSAGE, EVENT or ATTACHMENT.",
    "participant": "Role, else channel, else speaker label. NULL where nothing distinguishes participants.",
    "participant_id": "Contact Lens's participant id. NULL elsewhere.",
    "begin_offset_ms": "Begin in ms: of speech in the audio, of chat after its first event.",
    "end_offset_ms": "End in ms. NULL for chat.",
    "occurred_at": "When a chat's turn took place, UTC. NULL for speech.",
    "content_type": "A chat's content type. NULL for speech.",
    "content": "What was said or written. A turn that contains a phone number or an e-mail address is hidden whole by "
    "the rule for personal data. NULL for events.",
    "sentiment": "POSITIVE, NEGATIVE, NEUTRAL or MIXED. NULL where the file does not say.",
    "details": "What else the file says of the turn, as JSON text: loudness, issues, outcomes, redactions. NULL: none.",
}

TRANSCRIPT_TURN: Final = View(
    database=TRANSCRIPT.database,
    name="transcript_turn",
    base=TRANSCRIPT.view_name,
    grain="one row per turn of a transcript's latest version",
    columns=(
        _same("call_id", "string", "The call, or the contact."),
        _same("format", "string", "Kind of transcript."),
        _same("output", "string", "raw or redacted."),
        *(_same(one.name, _TYPES[str(one.type)], _TURN_MEANINGS[one.name]) for one in TURN.fields),
        _same("channel", "string", "VOICE or CHAT."),
        _same("written_at", "timestamp", "When the analysis was written, UTC."),
        _same("transcript_s3_key", "string", "Key of the file."),
    ),
    key=(*TRANSCRIPT.key, "turn_number"),
    needs=(TRANSCRIPT.name,),
    members=Members("turns", TURN),
    is_personal=True,
)


def _measure(name: str) -> ViewColumn:
    column = TRANSCRIPT.by_name[name]
    return _same(name, _TYPES[str(column.type)], column.meaning, LAKE)


_ABSENT: Final = "Always NULL: Amazon publishes no definition that a file could fill."
_CONTACT_LENS_COLUMNS: Final = tuple(
    name
    for name, column in TRANSCRIPT.by_name.items()
    if column.source == CONTACT_LENS and name not in ("categories", "analysis")
)
_READ: Final = ("instance_id", "aws_account_id", "channel", "language_locale", "categories", *_CONTACT_LENS_COLUMNS)

CONTACT_LENS_VIEW: Final = View(
    database="connect_datalake",
    name="contact_lens_conversational_analytics",
    base=TRANSCRIPT.view_name,
    grain="one row per contact that Contact Lens has analysed",
    columns=(
        _same("aws_account_id", "string", "The AWS account.", LAKE),
        ViewColumn("version", "string", None, _ABSENT, LAKE),
        _same("instance_id", "string", "The Connect instance: of the contact record, else of the file. NULL until one "
              "says it.", LAKE, 'COALESCE("record_instance_id", "instance_id")'),
        _same("contact_id", "string", "The contact; the key.", LAKE, '"call_id"'),
        _same("instance_arn", "string", "The instance's ARN. NULL until the contact record is there.", LAKE),
        _same("channel", "string", "VOICE or CHAT.", LAKE),
        _same("language_locale", "string", "Language of the conversation, such as en-US.", LAKE),
        _same("feature", "string", "The table's name.", LAKE, "'contact_lens_conversational_analytics'"),
        _same("categories", "array(string)", "Categories that matched.", LAKE),
        _same("disconnect_timestamp", "timestamp", "When the contact ended, UTC. NULL until its contact record is "
              "there.", LAKE),
        *(_measure(name) for name in _CONTACT_LENS_COLUMNS),
        ViewColumn("data_lake_last_processed_timestamp", "timestamp", None, "Internal to Amazon's lake. Always NULL.",
                   LAKE),
    ),
    needs=(TRANSCRIPT.name, "contact_record"),
    source=f"""(
  SELECT t."call_id", {", ".join(f't."{name}"' for name in _READ)},
    r."instance_id" AS "record_instance_id", r."instance_arn", r."disconnect_timestamp",
    ROW_NUMBER() OVER (PARTITION BY t."call_id" ORDER BY t."output") AS "place"
  FROM {{transcript}} AS t
  LEFT JOIN {{contact_record}} AS r ON r."contact_id" = t."call_id"
  WHERE t."format" = 'contact_lens'
) AS lens
WHERE "place" = 1""",
    tables={"transcript": TRANSCRIPT.public_view, "contact_record": CONTACT_RECORD.public_view},
    lake_tables={"transcript": TRANSCRIPT.plain_view, "contact_record": CONTACT_RECORD.plain_view},
)  # fmt: skip
