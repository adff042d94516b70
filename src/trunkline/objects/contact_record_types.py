"""The nested types inside `contact_record`, with Amazon's member names and the export's keys."""

from __future__ import annotations

from trunkline.objects.model import Field, Json, ListOf, Struct, Type


def _struct(*members: tuple[str, str] | tuple[str, str, Type]) -> Struct:
    return Struct(tuple(Field(m[0], m[1], m[2] if len(m) == 3 else "text") for m in members))


MEDIA_STREAM = _struct(("type", "Type"))

REFERENCE = _struct(("name", "Name"), ("type", "Type"), ("value", "Value"), ("status", "Status"), ("arn", "Arn"))

EVALUATION = _struct(
    ("form_id", "FormId"), ("evaluation_arn", "EvaluationArn"), ("status", "Status"),
    ("start_timestamp", "StartTimestamp", "timestamp"), ("end_timestamp", "EndTimestamp", "timestamp"),
    ("delete_timestamp", "DeleteTimestamp", "timestamp"), ("export_location", "ExportLocation"),
)  # fmt: skip

# The export's own keys begin in lower case here (administrator guide, contact record data model).
STATE_TRANSITION = _struct(
    ("state_start_timestamp", "stateStartTimestamp", "timestamp"),
    ("state_end_timestamp", "stateEndTimestamp", "timestamp"),
    ("state", "state"),
)

RECORDING = _struct(
    ("storage_type", "StorageType"), ("location", "Location"), ("media_stream_type", "MediaStreamType"),
    ("participant_type", "ParticipantType"), ("fragment_start_number", "FragmentStartNumber"),
    ("fragment_stop_number", "FragmentStopNumber"), ("start_timestamp", "StartTimestamp", "timestamp"),
    ("stop_timestamp", "StopTimestamp", "timestamp"), ("status", "Status"), ("deletion_reason", "DeletionReason"),
)  # fmt: skip

QUALITY = _struct(
    ("quality_score", "QualityScore", "double"), ("potential_quality_issues", "PotentialQualityIssues", ListOf("text"))
)

ROUTING_CRITERION = _struct(
    ("activation_timestamp", "ActivationTimestamp", "timestamp"),
    ("index", "Index", "integer"),
    ("steps", "Steps", ListOf(_struct(
        ("status", "Status"),
        ("expiry", "Expiry", _struct(
            ("expiry_duration_in_seconds", "DurationInSeconds", "bigint"),
            ("expiry_timestamp", "ExpiryTimestamp", "timestamp"),
        )),
        ("expression", "Expression", Json(lower_camel=True)),
    ))),
)  # fmt: skip
