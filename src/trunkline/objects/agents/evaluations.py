"""Contact evaluations: `contact_evaluation`, one row per evaluation, and Amazon's `contact_evaluation_record` on it.

Connect writes an evaluation to S3 when it is submitted, one JSON file each (administrator guide, "Agent evaluation form
output"). `sources/files/evaluations.py` puts the form, its sections and its questions into one list. An evaluation that
is submitted again replaces the earlier one as a whole, so that no answer of it stays.

Not verified, since Amazon publishes no example: the spelling of item types other than Form, the reference id of the
form's row, and how the answer of a MULTISELECT or DATETIME question is written.
"""

from __future__ import annotations

from typing import Final

from trunkline.objects.agents.instance_data import USERS
from trunkline.objects.contact_record import CONTACT_RECORD
from trunkline.objects.model import RECORD_COLUMNS, Column, Field, ListOf, Object, Pii, Struct, Type, own_column
from trunkline.objects.view import ColumnType, Members, View, ViewColumn

DATABASE: Final = "connect_datalake"
EXPORT: Final = "Amazon Connect, evaluation export"
LAKE: Final = "Amazon Connect analytics data lake, contact_evaluation_record"

ITEM: Final = Struct(
    (
        Field("item_reference_id", "referenceId", "text"),
        Field("item_type", "type", "text"),
        Field("parent_reference_id", "parentReferenceId", "text"),
        Field("item_title", "title", "text"),
        Field("score", "score", "double"),
        Field("automatic_fail", "automaticFail", "boolean"),
        Field("not_applicable", "notApplicable", "boolean"),
        Field("question_type", "questionType", "text"),
        Field("text_answer", "textAnswer", "text"),
        Field("numeric_answer", "numericAnswer", "double"),
        Field("date_time_answer", "dateTimeAnswer", "timestamp"),
        Field("answer_reference_id", "answerReferenceId", "text"),
        Field("multi_select_answer_reference_ids", "answerReferenceIds", ListOf("text")),
        Field("automation_status", "automationStatus", "text"),
        Field("automation_gen_ai_text_answer", "suggestedAnswer", "text"),
        Field("notes", "notes", "text"),
    )
)
FORM, SECTION, SUBSECTION, QUESTION = "Form", "Section", "Subsection", "Question"
"""Item types. Amazon's reference queries have `Form`; the others are our spelling."""


def _col(name: str, key: str, meaning: str, type_: Type = "text", *, unit: str | None = None, pii: Pii = "none",
         nullable: bool = True) -> Column:  # fmt: skip
    unit = unit or ("UTC" if type_ == "timestamp" else None)
    return own_column(name, key, meaning, type_, unit, pii, nullable, source=EXPORT)


CONTACT_EVALUATION: Final = Object(
    name="contact_evaluation",
    database=DATABASE,
    warehouse_table="connect.f_contact_evaluation",
    grain="One row per evaluation of a contact, as it was submitted last.",
    key=("evaluation_id",),
    version="evaluation_submitted_timestamp",
    event_time="evaluation_submitted_timestamp",
    partition="evaluation_submitted_timestamp",
    delete_rule="Never: an evaluation that is deleted in Connect keeps its file, and its row stays.",
    columns=(
        _col("evaluation_id", "evaluationId", "The evaluation; the key.", nullable=False),
        _col("aws_account_id", "metadata.accountId", "The AWS account of the instance."),
        _col("instance_id", "metadata.instanceId", "The Connect instance."),
        _col("contact_id", "metadata.contactId", "The contact that was evaluated."),
        _col("user_id", "metadata.agentId", "The agent who had the contact."),
        _col("form_id", "metadata.evaluationDefinitionId", "The evaluation form."),
        _col("form_title", "metadata.evaluationDefinitionTitle", "The form's title."),
        _col("form_version", "metadata.evaluationDefinitionVersion", "The form's version, from 1.", "bigint"),
        _col("evaluator", "metadata.evaluator", "User name of who submitted the evaluation last.", pii="indirect"),
        _col("creator", "metadata.creator", "User name of who began it, or the ARN of who called the API. NULL in "
             "older files.", pii="indirect"),
        _col("evaluation_start_timestamp", "metadata.evaluationStartTimestamp", "When it was begun.", "timestamp"),
        _col("evaluation_submitted_timestamp", "metadata.evaluationSubmitTimestamp", "When it was submitted; the "
             "version.", "timestamp"),
        _col("score", "metadata.score.percentage", "The form's score, 0 to 100. NULL where nothing was scored.",
             "double", unit="percent"),
        _col("automatic_fail", "metadata.score.automaticFail", "Whether an answer failed the whole form. NULL where "
             "the file does not say.", "boolean"),
        _col("score_not_applicable", "metadata.score.notApplicable", "Whether the form is not scored. NULL where the "
             "file does not say.", "boolean"),
        _col("evaluation_source", "metadata.evaluationSource", "MANUAL, ASSISTED_BY_AUTOMATION or AUTOMATED. NULL in "
             "older files."),
        _col("evaluation_type", "metadata.evaluationType", "CONTACT_EVALUATION, or a calibration. NULL in older "
             "files."),
        _col("auto_evaluated", "metadata.autoEvaluated", "Whether it was submitted without a person. NULL in older "
             "files.", "boolean"),
        _col("resubmitted", "metadata.resubmitted", "Whether it was submitted before and changed. NULL in older "
             "files.", "boolean"),
        _col("calibration_session_id", "metadata.calibrationSessionId", "The calibration session. NULL without one."),
        _col("acknowledger_id", "metadata.evaluationAcknowledgedByUserId", "The user who acknowledged it. NULL: "
             "nobody has."),
        _col("acknowledger_username", "metadata.evaluationAcknowledgedByUserName", "That user's name.",
             pii="indirect"),
        _col("acknowledger_comment", "metadata.evaluationAcknowledgerComment", "What that user wrote. NULL without.",
             pii="indirect"),
        _col("evaluation_acknowledged_timestamp", "metadata.evaluationAcknowledgedTimestamp",
             "When it was acknowledged. NULL: nobody has.", "timestamp"),
        _col("evaluated_participant_role", "metadata.evaluatedParticipantRole", "Role of who was evaluated. NULL in "
             "older files."),
        _col("evaluated_participant_id", "metadata.evaluatedParticipantId", "Who was evaluated. NULL in older files."),
        _col("schema_version", "schemaVersion", "Version of the file's format, such as 3.1."),
        _col("items", "items", "The form, its sections and its questions with scores and answers: see "
             "contact_evaluation_record. What the file says of options that were not selected is left out.",
             ListOf(ITEM), pii="indirect"),
        *RECORD_COLUMNS,
    ),
    anchor="evaluationId",
    source="Amazon Connect administrator guide: agent evaluation form output; analytics data lake tables",
)  # fmt: skip


def _same(name: str, type_: ColumnType, meaning: str, source: str = LAKE, sql: str = "", note: str = "") -> ViewColumn:
    return ViewColumn(name, type_, sql or f'"{name}"', meaning, source, note)


def _absent(name: str, type_: ColumnType, meaning: str) -> ViewColumn:
    return ViewColumn(name, type_, None, f"Always NULL: {meaning}", LAKE)


_OURS: Final = "Trunkline"
_ITEM_TYPES: Final[dict[str, ColumnType]] = {
    "text": "string", "double": "double", "boolean": "boolean", "timestamp": "timestamp",
}  # fmt: skip
_FORM_COLUMNS: Final = (
    "aws_account_id", "instance_id", "contact_id", "user_id", "form_id", "evaluator", "evaluation_source",
    "evaluation_type", "calibration_session_id", "acknowledger_id", "acknowledger_comment",
    "evaluated_participant_role", "evaluated_participant_id",
)  # fmt: skip
_FORM_TIMES: Final = ("evaluation_submitted_timestamp", "evaluation_acknowledged_timestamp")
_ITEM_MEANINGS: Final = {
    "item_reference_id": "The item's id in the form; of the form's own item the form's id.",
    "item_type": "Form, Section, Subsection or Question.",
    "parent_reference_id": "The section that the item is in. NULL for the form and its sections.",
    "item_title": "Title of the form or section, text of the question.",
    "score": "The item's score, 0 to 100. NULL where it is not scored.",
    "automatic_fail": "Whether the item fails the whole form. NULL where the file does not say.",
    "not_applicable": "Whether the item is not scored. NULL where the file does not say.",
    "question_type": "TEXT, SINGLESELECT, MULTISELECT, NUMERIC or DATETIME. NULL where the item is no question.",
    "text_answer": "Answer of a TEXT question; of a selection the texts of the selected options. NULL for others.",
    "numeric_answer": "Answer of a NUMERIC question. NULL for others, and without an answer.",
    "date_time_answer": "Answer of a DATETIME question, UTC. NULL for others.",
    "answer_reference_id": "The selected option of a SINGLESELECT question. NULL for others.",
    "multi_select_answer_reference_ids": "The selected options of a MULTISELECT question. NULL for others.",
    "automation_status": "UNAVAILABLE, SYSTEM_ANSWER or OVERRIDDEN_ANSWER. NULL without automation.",
    "automation_gen_ai_text_answer": "The answer that was suggested. NULL without a suggestion.",
    "notes": "The evaluator's notes. NULL without.",
}

CONTACT_EVALUATION_ITEM: Final = View(
    database=DATABASE,
    name="contact_evaluation_item",
    base=CONTACT_EVALUATION.view_name,
    grain="one row per evaluation and item of its form: the form itself, each section, each question",
    columns=(
        _same("evaluation_id", "string", "The evaluation.", EXPORT),
        *(
            _same(member.name, "array(string)" if isinstance(member.type, ListOf) else _ITEM_TYPES[str(member.type)],
                  _ITEM_MEANINGS[member.name], EXPORT)
            for member in ITEM.fields
        ),
        *(_same(name, "string", CONTACT_EVALUATION.by_name[name].meaning, EXPORT) for name in _FORM_COLUMNS),
        *(_same(name, "timestamp", CONTACT_EVALUATION.by_name[name].meaning, EXPORT) for name in _FORM_TIMES),
        _same("form_version", "bigint", "The form's version.", EXPORT),
        _same("resubmitted", "boolean", CONTACT_EVALUATION.by_name["resubmitted"].meaning, EXPORT),
    ),
    key=("evaluation_id", "item_reference_id"),
    needs=(CONTACT_EVALUATION.name,),
    members=Members("items", ITEM),
    is_personal=True,
)  # fmt: skip

_OF_ITEM: Final = tuple(
    column.name for column in CONTACT_EVALUATION_ITEM.columns if column.name not in ("text_answer", "notes")
)
_ON_STATUS: Final = (
    'CASE WHEN "disconnect_timestamp" IS NULL THEN NULL '
    'WHEN "disconnect_timestamp" <= "evaluation_submitted_timestamp" '
    "THEN 'disconnected' ELSE 'notDisconnected' END"
)
CONTACT_EVALUATION_RECORD: Final = View(
    database=DATABASE,
    name="contact_evaluation_record",
    base=CONTACT_EVALUATION.view_name,
    grain="one row per evaluation and item of its form: the form itself, each section, each question",
    columns=(
        _same("aws_account_id", "string", "The AWS account."),
        _same("instance_id", "string", "The Connect instance."),
        _same("evaluation_id", "string", "The evaluation."),
        _same("item_reference_id", "string", _ITEM_MEANINGS["item_reference_id"], note="Amazon does not say what the "
              "form's row has."),
        _same("item_type", "string", _ITEM_MEANINGS["item_type"], note="Amazon's queries have Form; the spelling of "
              "the others is not published."),
        _same("contact_id", "string", "The contact that was evaluated."),
        _same("evaluation_submitted_timestamp", "timestamp", "When the evaluation was submitted, UTC."),
        _same("score", "double", _ITEM_MEANINGS["score"]),
        _absent("weighted_score", "double", "weights are not exported."),
        _same("automatic_fail", "boolean", _ITEM_MEANINGS["automatic_fail"]),
        _same("evaluator_id", "string", "The user who submitted it. NULL until users has one of that user name."),
        _same("numeric_answer", "double", _ITEM_MEANINGS["numeric_answer"]),
        _same("answer_reference_id", "string", _ITEM_MEANINGS["answer_reference_id"]),
        _same("to_delete", "boolean", "Always false: what is exported was submitted.", sql="(1 = 0)",
              note="That an evaluation was deleted is known only from contact_evaluations of its contact record."),
        _same("disconnect_timestamp", "timestamp", "When the contact ended, UTC. NULL until its record is there."),
        _same("initiation_timestamp", "timestamp", "When the contact began, UTC. NULL until its record is there."),
        _same("user_id", "string", "The agent who had the contact."),
        _same("queue_id", "string", "The contact's queue. NULL until its record is there, and without one."),
        _same("channel", "string", "The contact's channel. NULL until its record is there."),
        _absent("contact_aggregation_timestamp", "timestamp", "Amazon publishes no definition."),
        _same("evaluated_contact_with_status", "string", "disconnected, or notDisconnected where the evaluation was "
              "submitted before the contact ended. NULL until its record is there.", sql=_ON_STATUS),
        _same("evaluation_source", "string", "MANUAL, ASSISTED_BY_AUTOMATION or AUTOMATED. NULL in older files."),
        _same("resubmitted", "boolean", "Whether it was submitted before and changed. NULL in older files."),
        _same("evaluation_type", "string", "CONTACT_EVALUATION, or a calibration. NULL in older files."),
        _same("calibration_session_id", "string", "The calibration session. NULL without one."),
        _same("item_title", "string", _ITEM_MEANINGS["item_title"]),
        _same("form_version", "string", "The form's version.", sql='CAST("form_version" AS VARCHAR(20))'),
        _same("acknowledgement_status", "string", "ACKNOWLEDGED or UNACKNOWLEDGED.", note="The values are ours: Amazon "
              "does not publish them.", sql='CASE WHEN "evaluation_acknowledged_timestamp" IS NULL THEN '
              "'UNACKNOWLEDGED' ELSE 'ACKNOWLEDGED' END"),
        _same("acknowledger_id", "string", "The user who acknowledged it. NULL: nobody has."),
        _same("evaluation_acknowledged_timestamp", "timestamp", "When it was acknowledged, UTC. NULL: nobody has."),
        _same("acknowledger_comment", "string", "What that user wrote. NULL without."),
        _absent("item_disabled", "boolean", "it is not exported."),
        _absent("data_lake_last_processed_timestamp", "timestamp", "internal to Amazon's lake."),
        _same("multi_select_answer_reference_ids", "array(string)",
              _ITEM_MEANINGS["multi_select_answer_reference_ids"]),
        _same("date_time_answer", "timestamp", _ITEM_MEANINGS["date_time_answer"]),
        _same("evaluated_participant_role", "string", "Role of who was evaluated. NULL in older files."),
        _same("evaluated_participant_id", "string", "Who was evaluated. NULL in older files."),
        _absent("is_sampled", "boolean", "it is not exported."),
        _absent("is_reviewed", "boolean", "it is not exported."),
        _same("automation_gen_ai_text_answer", "string", _ITEM_MEANINGS["automation_gen_ai_text_answer"]),
        _absent("automation_gen_ai_answer_reference_id", "string", "it is not exported."),
        _absent("automation_gen_ai_answer_justification", "string", "it is not exported."),
        _same("is_automation_answer_accepted", "boolean", "Whether the automatic answer stayed. NULL without one.",
              sql="CASE \"automation_status\" WHEN 'SYSTEM_ANSWER' THEN (1 = 1) WHEN 'OVERRIDDEN_ANSWER' THEN (1 = 0) "
              "END"),
        _absent("earned_points", "bigint", "it is not exported."),
        _absent("max_base_point", "bigint", "it is not exported."),
        _absent("performance_category", "string", "it is not exported."),
        _same("parent_reference_id", "string", _ITEM_MEANINGS["parent_reference_id"], _OURS),
        _same("question_type", "string", _ITEM_MEANINGS["question_type"], _OURS),
        _same("form_id", "string", "The evaluation form.", _OURS),
        _same("evaluator_username", "string", "User name of who submitted it.", _OURS, sql='"evaluator"'),
    ),
    key=("evaluation_id", "item_reference_id"),
    needs=(CONTACT_EVALUATION.name, CONTACT_RECORD.name, USERS.name),
    source=f"""(
  SELECT {", ".join(f'i."{name}"' for name in _OF_ITEM)}, evaluators."user_id" AS "evaluator_id",
    r."disconnect_timestamp", r."initiation_timestamp", r."queue_id", r."channel"
  FROM {{contact_evaluation_item}} AS i
  LEFT JOIN {{contact_record}} AS r ON r."contact_id" = i."contact_id"
  LEFT JOIN (
    SELECT "agent_username", MAX("user_id") AS "user_id" FROM {{users}} GROUP BY "agent_username" HAVING COUNT(*) = 1
  ) AS evaluators ON evaluators."agent_username" = i."evaluator"
) AS items""",
    tables={
        "contact_evaluation_item": CONTACT_EVALUATION_ITEM.public_view,
        "contact_record": CONTACT_RECORD.public_view,
        "users": USERS.public_view,
    },
    lake_tables={"contact_record": CONTACT_RECORD.plain_view},
)  # fmt: skip
