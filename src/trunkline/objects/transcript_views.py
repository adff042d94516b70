"""Views on transcripts: one row per turn, and Amazon's table of conversational analytics."""

from __future__ import annotations

from typing import Final

from trunkline.objects.contact_record import CONTACT_RECORD
from trunkline.objects.transcript import CONTACT_LENS, TRANSCRIPT, TURN
from trunkline.objects.view import ColumnType, Members, View, ViewColumn

OURS: Final = "Trunkline"
LAKE: Final = "Amazon Connect analytics data lake, contact_lens_conversational_analytics"
_TYPES: Final[dict[str, ColumnType]] = {
    "text": "string", "bigint": "bigint", "timestamp": "timestamp", "double": "double",
}  # fmt: skip


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
_MEASURES: Final = tuple(
    name for name, column in TRANSCRIPT.by_name.items() if column.source == CONTACT_LENS and name not in
    ("categories", "analysis")
)  # fmt: skip
_READ: Final = ("instance_id", "aws_account_id", "channel", "language_locale", "categories", *_MEASURES)

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
        *(_measure(name) for name in _MEASURES),
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
