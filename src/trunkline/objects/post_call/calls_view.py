"""`post_call_analytics.calls`: a call with what its transcript and its contact record say, in the application's names.

A view, because it reads other objects: the order in which the call, its transcript and its contact record arrive does
not matter, and a transcript that arrives later enriches the call.

`answer_type` is decided by the first rule that can:
1. the contact record's answering-machine status;
2. who spoke, where roles or channels distinguish the sides: a greeting and a message are not a conversation;
3. the application's own rule: the seconds of the transcript and the number of speakers.
"""

from __future__ import annotations

from typing import Final

from trunkline.objects.contact_record import CONTACT_RECORD
from trunkline.objects.post_call.call import CALL
from trunkline.objects.post_call.transcript import FORMATS, TRANSCRIPT
from trunkline.objects.view import ColumnType, View, ViewColumn

OURS: Final = "Trunkline"
APPLICATION: Final = "Post-call analytics application, stream processor"
STATUSES: Final = {
    "Human": ("HUMAN_ANSWERED",),
    "Voicemail": ("VOICEMAIL_BEEP", "VOICEMAIL_NO_BEEP"),
    "NoAnswer": ("AMD_UNANSWERED", "SIT_TONE_BUSY", "SIT_TONE_INVALID_NUMBER", "SIT_TONE_DETECTED"),
    "Unknown": ("FAX_MACHINE_DETECTED",),
}
"""What Connect's answering-machine detection decides. Every other status decides nothing."""
NO_ANSWER_BELOW_S: Final = 10


def _listed(values: tuple[str, ...]) -> str:
    return ", ".join(f"'{value}'" for value in values)


def _seconds(ms: str) -> str:
    # Not by a division with a fraction: Athena's decimals would round it up.
    return f"CAST(({ms} - {ms} % 1000) / 1000 AS BIGINT)"


_FORMAT_PLACE = " ".join(f"WHEN '{name}' THEN {place}" for place, name in enumerate(FORMATS))
_TRANSCRIPT_COLUMNS = (
    "transcript_s3_key",
    "transcript_bucket",
    "duration_ms",
    "duration_rule",
    "participant_kind",
    "participant_count",
    "first_participant",
    "change_count",
)
_SOURCE: Final = f"""(
  SELECT c.*,
    {", ".join(f't."{name}"' for name in _TRANSCRIPT_COLUMNS)},
    t."format" AS "transcript_format",
    r."answering_machine_detection_status",
    r."agent_connected_to_agent_timestamp", r."disconnect_timestamp"
  FROM {{call}} AS c
  LEFT JOIN (
    SELECT "call_id", "format", {", ".join(f'"{name}"' for name in _TRANSCRIPT_COLUMNS)},
      ROW_NUMBER() OVER (
        PARTITION BY "call_id"
        ORDER BY CASE WHEN "duration_ms" IS NULL THEN 1 ELSE 0 END, CASE "format" {_FORMAT_PLACE} END, "output"
      ) AS "place"
    FROM {{transcript}}
  ) AS t ON t."call_id" = c."call_id" AND t."place" = 1
  LEFT JOIN {{contact_record}} AS r ON r."contact_id" = c."call_id"
) AS joined"""

_BY_STATUS = " ".join(
    f"WHEN \"answering_machine_detection_status\" IN ({_listed(values)}) THEN '{answer}'"
    for answer, values in STATUSES.items()
)
_ALL_STATUSES = _listed(tuple(value for values in STATUSES.values() for value in values))
_HAS_SIDES = "\"participant_kind\" IN ('role', 'channel') AND \"participant_count\" >= 2"
# One change of sides is a greeting and the message left after it, unless the customer called or the agent spoke first.
_IS_CONVERSATION = (
    "(\"change_count\" >= 2 OR \"first_participant\" = 'AGENT' OR LOWER(COALESCE(\"direction\", '')) LIKE 'in%')"
)
_DURATION_S = _seconds('"duration_ms"')
_CONNECTED_MS = 'MS_BETWEEN("agent_connected_to_agent_timestamp", "disconnect_timestamp")'
_BY_DURATION = (
    f"WHEN {_DURATION_S} = 0 THEN 'Unknown' WHEN {_DURATION_S} < {NO_ANSWER_BELOW_S} THEN 'NoAnswer' "
    "WHEN \"participant_count\" >= 2 THEN 'Human' WHEN \"participant_count\" = 1 THEN 'Voicemail' ELSE 'Unknown'"
)


def _col(
    name: str, type_: ColumnType, sql: str, meaning: str, source: str = OURS, lake_sql: str | None = None
) -> ViewColumn:
    return ViewColumn(name, type_, sql, meaning, source, lake_sql=lake_sql)


def _date_part(name: str, part: str, digits: int) -> ViewColumn:
    day = "COALESCE(\"call_timestamp_utc\", TIMESTAMP '1970-01-01 00:00:00')"
    number = f"CAST(CAST(EXTRACT({part} FROM {day}) AS INTEGER) AS VARCHAR(4))"
    sql = f"LPAD({number}, {digits}, '0')"
    return _col(
        name,
        "string",
        sql,
        f"The {name} of call_timestamp_utc, {digits} digits; the lake's partition.",
        APPLICATION,
        f'"{name}"',
    )


_PLAIN_TYPES: Final[dict[str, ColumnType]] = {"text": "string", "bigint": "bigint", "timestamp": "timestamp"}

CALLS_VIEW: Final = View(
    database=CALL.database,
    name=CALL.table_name,
    base=CALL.view_name,
    grain="one row per call, with its transcript and its contact record where they are there",
    columns=(
        *(
            _col(one.name, _PLAIN_TYPES[str(one.type)], f'"{one.name}"', one.meaning, one.source)
            for one in CALL.data_columns
            if one.name != "deleted_by"
        ),
        _col("call_duration_seconds", "bigint", f"COALESCE({_DURATION_S}, {_seconds(_CONNECTED_MS)})",
             "Whole seconds of the conversation, by the rule in call_duration_rule. NULL where it is unknown.",
             APPLICATION),
        _col("answer_type", "string",
             f"CASE {_BY_STATUS} WHEN {_HAS_SIDES} THEN CASE WHEN {_IS_CONVERSATION} THEN 'Human' ELSE 'Voicemail' END "
             f"{_BY_DURATION} END",
             "Human, Voicemail, NoAnswer or Unknown, by the rule in answer_type_rule. Never NULL.", APPLICATION),
        _col("transcript_s3_key", "string", '"transcript_s3_key"',
             "Key of the transcript that the call is read with. NULL while there is none.", APPLICATION),
        _date_part("year", "YEAR", 4),
        _date_part("month", "MONTH", 2),
        _date_part("day", "DAY", 2),
        _col("answer_type_rule", "string",
             f'CASE WHEN "answering_machine_detection_status" IN ({_ALL_STATUSES}) THEN \'answering_machine_status\' '
             f"WHEN {_HAS_SIDES} THEN 'participants' "
             f"WHEN {_DURATION_S} BETWEEN 1 AND {NO_ANSWER_BELOW_S - 1} "
             f'OR ("participant_count" >= 1 AND COALESCE({_DURATION_S}, 1) <> 0) '
             "THEN 'duration_and_speakers' END",
             "The rule that decided answer_type: answering_machine_status, participants, or duration_and_speakers, the "
             "application's own. NULL where none could: Unknown."),
        _col("answer_type_by_duration", "string", f"CASE {_BY_DURATION} END",
             "answer_type by the application's own rule alone: below 10 s NoAnswer, else 2 speakers Human, 1 "
             "Voicemail. Never NULL.", APPLICATION),
        _col("call_duration_rule", "string",
             f'CASE WHEN "duration_ms" IS NOT NULL THEN "duration_rule" '
             f"WHEN {_CONNECTED_MS} IS NOT NULL THEN 'contact_record' END",
             "How call_duration_seconds is known: the transcript's duration_rule, or contact_record: from the agent's "
             "connection to the end. NULL where it is unknown."),
        _col("transcript_bucket", "string", '"transcript_bucket"', "Bucket of the transcript. NULL without one."),
        _col("transcript_format", "string", '"transcript_format"', "Kind of the transcript. NULL without one."),
    ),
    key=CALL.key,
    needs=("call", "transcript", "contact_record"),
    source=_SOURCE,
    tables={
        "call": CALL.public_view,
        "transcript": TRANSCRIPT.public_view,
        "contact_record": CONTACT_RECORD.public_view,
    },
    lake_tables={"transcript": TRANSCRIPT.plain_view, "contact_record": CONTACT_RECORD.plain_view},
)  # fmt: skip
