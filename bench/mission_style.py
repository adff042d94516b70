"""The rival of `flatten`: contact records to a typed table as the mission's own samples write it.

`json.loads`, one dictionary per record, one helper per kind of value, then pyarrow makes the table. Same columns,
types and units as the catalogue; no hash, no canonical text, no check for unknown fields or bad values: what does not
fit raises. Times by `datetime.fromisoformat`, as the samples have it.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa

from trunkline.objects.model import Json, ListOf, MapOf, Object, Struct, Type


def timestamp(text: str | None) -> datetime | None:
    if not text:
        return None
    # As the samples write it; Python 3.11 would take the Z as it is.
    return datetime.fromisoformat(text.replace("Z", "+00:00")).astimezone(UTC).replace(tzinfo=None)  # noqa: FURB162


def millis(seconds: float | None) -> int | None:
    return None if seconds is None else int(seconds * 1000)


def last_segment(arn: str | None) -> str | None:
    return arn.split("/")[-1] if arn else None


def json_text(value: Any) -> str | None:
    return None if value is None else json.dumps(value, sort_keys=True)


def text_map(value: dict[str, str] | None) -> list[tuple[str, str]] | None:
    return None if value is None else sorted(value.items())


def segment_attributes(value: dict[str, dict[str, Any]] | None) -> list[tuple[str, str]] | None:
    if value is None:
        return None
    return sorted((name, str(next(iter(one.values()), None))) for name, one in value.items())


def media_streams_items(value: list[dict[str, Any]] | None) -> list[dict[str, Any]] | None:
    return None if value is None else [{"type": one.get("Type")} for one in value]


def contact_evaluations(value: dict[str, dict[str, Any]] | None) -> list[tuple[str, dict[str, Any]]] | None:
    if value is None:
        return None
    return [
        (
            form,
            {
                "form_id": one.get("FormId"),
                "evaluation_arn": one.get("EvaluationArn"),
                "status": one.get("Status"),
                "start_timestamp": timestamp(one.get("StartTimestamp")),
                "end_timestamp": timestamp(one.get("EndTimestamp")),
                "delete_timestamp": timestamp(one.get("DeleteTimestamp")),
                "export_location": one.get("ExportLocation"),
            },
        )
        for form, one in sorted(value.items())
    ]


def references(value: list[dict[str, Any]] | None) -> list[dict[str, Any]] | None:
    if value is None:
        return None
    return [
        {
            "name": one.get("Name"),
            "type": one.get("Type"),
            "value": one.get("Value"),
            "status": one.get("Status"),
            "arn": one.get("Arn"),
        }
        for one in value
    ]


def agent_state_transitions(value: list[dict[str, Any]] | None) -> list[dict[str, Any]] | None:
    if value is None:
        return None
    return [
        {
            "state_start_timestamp": timestamp(one.get("stateStartTimestamp")),
            "state_end_timestamp": timestamp(one.get("stateEndTimestamp")),
            "state": one.get("state"),
        }
        for one in value
    ]


def recordings(value: list[dict[str, Any]] | None) -> list[dict[str, Any]] | None:
    if value is None:
        return None
    return [
        {
            "storage_type": one.get("StorageType"),
            "location": one.get("Location"),
            "media_stream_type": one.get("MediaStreamType"),
            "participant_type": one.get("ParticipantType"),
            "fragment_start_number": one.get("FragmentStartNumber"),
            "fragment_stop_number": one.get("FragmentStopNumber"),
            "start_timestamp": timestamp(one.get("StartTimestamp")),
            "stop_timestamp": timestamp(one.get("StopTimestamp")),
            "status": one.get("Status"),
            "deletion_reason": one.get("DeletionReason"),
        }
        for one in value
    ]


def audio_quality(value: dict[str, Any] | None) -> dict[str, Any] | None:
    if value is None:
        return None
    return {
        "quality_score": value.get("QualityScore"),
        "potential_quality_issues": value.get("PotentialQualityIssues"),
    }


def routing_criteria(value: list[dict[str, Any]] | None) -> list[dict[str, Any]] | None:
    if value is None:
        return None
    return [
        {
            "activation_timestamp": timestamp(one.get("ActivationTimestamp")),
            "index": one.get("Index"),
            "steps": [
                {
                    "status": step.get("Status"),
                    "expiry": step.get("Expiry")
                    and {
                        "expiry_duration_in_seconds": step["Expiry"].get("DurationInSeconds"),
                        "expiry_timestamp": timestamp(step["Expiry"].get("ExpiryTimestamp")),
                    },
                    "expression": json_text(step.get("Expression")),
                }
                for step in one.get("Steps") or []
            ],
        }
        for one in value
    ]


def contact(record: dict[str, Any]) -> dict[str, Any]:
    """One record as one row: every column of the catalogue."""
    queue = record.get("Queue") or {}
    agent = record.get("Agent") or {}
    agent_hierarchy_groups = agent.get("HierarchyGroups") or {}
    agent_hierarchy_groups_level1 = agent_hierarchy_groups.get("Level1") or {}
    agent_hierarchy_groups_level2 = agent_hierarchy_groups.get("Level2") or {}
    agent_hierarchy_groups_level3 = agent_hierarchy_groups.get("Level3") or {}
    agent_hierarchy_groups_level4 = agent_hierarchy_groups.get("Level4") or {}
    agent_hierarchy_groups_level5 = agent_hierarchy_groups.get("Level5") or {}
    agent_routing_profile = agent.get("RoutingProfile") or {}
    campaign = record.get("Campaign") or {}
    customer_endpoint = record.get("CustomerEndpoint") or {}
    transferred_to_endpoint = record.get("TransferredToEndpoint") or {}
    system_endpoint = record.get("SystemEndpoint") or {}
    recording = record.get("Recording") or {}
    external_third_party = record.get("ExternalThirdParty") or {}
    agent_device_info = agent.get("DeviceInfo") or {}
    customer = record.get("Customer") or {}
    customer_device_info = customer.get("DeviceInfo") or {}
    disconnect_details = record.get("DisconnectDetails") or {}
    customer_voice_activity = record.get("CustomerVoiceActivity") or {}
    quality_metrics = record.get("QualityMetrics") or {}
    quality_metrics_agent = quality_metrics.get("Agent") or {}
    quality_metrics_customer = quality_metrics.get("Customer") or {}
    chat_metrics = record.get("ChatMetrics") or {}
    chat_metrics_contact_metrics = chat_metrics.get("ContactMetrics") or {}
    chat_metrics_agent_metrics = chat_metrics.get("AgentMetrics") or {}
    chat_metrics_customer_metrics = chat_metrics.get("CustomerMetrics") or {}
    wisdom_info = record.get("WisdomInfo") or {}
    agent_capabilities = agent.get("Capabilities") or {}
    customer_capabilities = customer.get("Capabilities") or {}
    task_template_info = record.get("TaskTemplateInfo") or {}
    return {
        "instance_id": last_segment(record.get("InstanceARN")),
        "aws_account_id": record.get("AWSAccountId"),
        "contact_id": record.get("ContactId"),
        "initial_contact_id": record.get("InitialContactId"),
        "previous_contact_id": record.get("PreviousContactId"),
        "related_contact_id": record.get("RelatedContactId"),
        "next_contact_id": record.get("NextContactId"),
        "channel": record.get("Channel"),
        "initiation_method": record.get("InitiationMethod"),
        "initiation_timestamp": timestamp(record.get("InitiationTimestamp")),
        "connected_to_system_timestamp": timestamp(record.get("ConnectedToSystemTimestamp")),
        "last_update_timestamp": timestamp(record.get("LastUpdateTimestamp")),
        "scheduled_timestamp": timestamp(record.get("ScheduledTimestamp")),
        "transfer_completed_timestamp": timestamp(record.get("TransferCompletedTimestamp")),
        "disconnect_timestamp": timestamp(record.get("DisconnectTimestamp")),
        "disconnect_reason": record.get("DisconnectReason"),
        "queue_duration_ms": millis(queue.get("Duration")),
        "queue_dequeue_timestamp": timestamp(queue.get("DequeueTimestamp")),
        "queue_enqueue_timestamp": timestamp(queue.get("EnqueueTimestamp")),
        "queue_name": queue.get("Name"),
        "queue_arn": queue.get("ARN"),
        "queue_id": last_segment(queue.get("ARN")),
        "agent_connection_attempts": record.get("AgentConnectionAttempts"),
        "agent_connected_to_agent_timestamp": timestamp(agent.get("ConnectedToAgentTimestamp")),
        "agent_interaction_duration_ms": millis(agent.get("AgentInteractionDuration")),
        "agent_customer_hold_duration_ms": millis(agent.get("CustomerHoldDuration")),
        "agent_number_of_holds": agent.get("NumberOfHolds"),
        "agent_longest_hold_duration_ms": millis(agent.get("LongestHoldDuration")),
        "agent_after_contact_work_start_timestamp": timestamp(agent.get("AfterContactWorkStartTimestamp")),
        "agent_after_contact_work_end_timestamp": timestamp(agent.get("AfterContactWorkEndTimestamp")),
        "agent_after_contact_work_duration_ms": millis(agent.get("AfterContactWorkDuration")),
        "attributes": text_map(record.get("Attributes")),
        "agent_username": agent.get("Username"),
        "agent_arn": agent.get("ARN"),
        "agent_id": last_segment(agent.get("ARN")),
        "instance_arn": record.get("InstanceARN"),
        "agent_hierarchy_groups_level_1_name": agent_hierarchy_groups_level1.get("GroupName"),
        "agent_hierarchy_groups_level_1_arn": agent_hierarchy_groups_level1.get("ARN"),
        "agent_hierarchy_groups_level_1_id": last_segment(agent_hierarchy_groups_level1.get("ARN")),
        "agent_hierarchy_groups_level_2_name": agent_hierarchy_groups_level2.get("GroupName"),
        "agent_hierarchy_groups_level_2_arn": agent_hierarchy_groups_level2.get("ARN"),
        "agent_hierarchy_groups_level_2_id": last_segment(agent_hierarchy_groups_level2.get("ARN")),
        "agent_hierarchy_groups_level_3_name": agent_hierarchy_groups_level3.get("GroupName"),
        "agent_hierarchy_groups_level_3_arn": agent_hierarchy_groups_level3.get("ARN"),
        "agent_hierarchy_groups_level_3_id": last_segment(agent_hierarchy_groups_level3.get("ARN")),
        "agent_hierarchy_groups_level_4_name": agent_hierarchy_groups_level4.get("GroupName"),
        "agent_hierarchy_groups_level_4_arn": agent_hierarchy_groups_level4.get("ARN"),
        "agent_hierarchy_groups_level_4_id": last_segment(agent_hierarchy_groups_level4.get("ARN")),
        "agent_hierarchy_groups_level_5_name": agent_hierarchy_groups_level5.get("GroupName"),
        "agent_hierarchy_groups_level_5_arn": agent_hierarchy_groups_level5.get("ARN"),
        "agent_hierarchy_groups_level_5_id": last_segment(agent_hierarchy_groups_level5.get("ARN")),
        "agent_routing_profile_name": agent_routing_profile.get("Name"),
        "agent_routing_profile_arn": agent_routing_profile.get("ARN"),
        "agent_routing_profile_id": last_segment(agent_routing_profile.get("ARN")),
        "agent_voice_enhancement_mode": agent.get("VoiceEnhancementMode"),
        "aws_contact_trace_record_format_version": record.get("AWSContactTraceRecordFormatVersion"),
        "campaign_id": campaign.get("CampaignId"),
        "customer_endpoint_type": customer_endpoint.get("Type"),
        "customer_endpoint_address": customer_endpoint.get("Address"),
        "transferred_endpoint_type": transferred_to_endpoint.get("Type"),
        "transferred_endpoint_address": transferred_to_endpoint.get("Address"),
        "system_endpoint_type": system_endpoint.get("Type"),
        "system_endpoint_address": system_endpoint.get("Address"),
        "recording_deletion_reason": recording.get("DeletionReason"),
        "recording_location": recording.get("Location"),
        "recording_status": recording.get("Status"),
        "recording_type": recording.get("Type"),
        "answering_machine_detection_status": record.get("AnsweringMachineDetectionStatus"),
        "voice_id_result_authentication_result": None,
        "voice_id_result_fraud_detection_watch_list_id": None,
        "voice_id_result_speaker_id": None,
        "voice_id_result_fraud_detection_result": None,
        "voice_id_result_fraud_detection_fraudster_id": None,
        "voice_id_result_authentication_minimum_speech_ms": None,
        "voice_id_result_authentication_score": None,
        "voice_id_result_authentication_score_threshold": None,
        "voice_id_result_fraud_detection_risk_score_known_fraudster": None,
        "voice_id_result_fraud_detection_risk_score_synthetic_speech": None,
        "voice_id_result_fraud_detection_risk_score_voice_spoofing": None,
        "voice_id_result_fraud_detection_score_threshold": None,
        "voice_id_result_speaker_enrolled": None,
        "voice_id_result_speaker_opted_out": None,
        "voice_id_result_fraud_detection_reasons_items": None,
        "external_third_party_interaction_duration_ms": millis(
            external_third_party.get("ExternalThirdPartyInteractionDuration")
        ),
        "agent_pause_duration_ms": millis(agent.get("AgentPauseDuration")),
        "media_streams_items": media_streams_items(record.get("MediaStreams")),
        "tags_references_items": text_map(record.get("Tags")),
        "contact_details": text_map(record.get("ContactDetails")),
        "contact_evaluations": contact_evaluations(record.get("ContactEvaluations")),
        "references": references(record.get("References")),
        "email_recipients": None,
        "additional_email_recipients": json_text(record.get("AdditionalEmailRecipients")),
        "agent_state_transitions": agent_state_transitions(agent.get("StateTransitions")),
        "recordings": recordings(record.get("Recordings")),
        "agent_device_platform_name": agent_device_info.get("PlatformName"),
        "agent_device_platform_version": agent_device_info.get("PlatformVersion"),
        "agent_device_operating_system": agent_device_info.get("OperatingSystem"),
        "customer_device_platform_name": customer_device_info.get("PlatformName"),
        "customer_device_platform_version": customer_device_info.get("PlatformVersion"),
        "customer_device_operating_system": customer_device_info.get("OperatingSystem"),
        "disconnect_details_potential_disconnect_issue": disconnect_details.get("PotentialDisconnectIssue"),
        "last_resumed_timestamp": timestamp(record.get("LastResumedTimestamp")),
        "last_paused_timestamp": timestamp(record.get("LastPausedTimestamp")),
        "customer_voice_activity_greeting_start_timestamp": timestamp(
            customer_voice_activity.get("GreetingStartTimestamp")
        ),
        "customer_voice_activity_greeting_end_timestamp": timestamp(
            customer_voice_activity.get("GreetingEndTimestamp")
        ),
        "total_pause_duration_ms": millis(record.get("TotalPauseDurationInSeconds")),
        "total_pause_count": record.get("TotalPauseCount"),
        "quality_metrics_agent_audio": audio_quality(quality_metrics_agent.get("Audio")),
        "quality_metrics_customer_audio": audio_quality(quality_metrics_customer.get("Audio")),
        "segment_attributes": segment_attributes(record.get("SegmentAttributes")),
        "data_lake_last_processed_timestamp": None,
        "chat_contact_metrics_total_messages": chat_metrics_contact_metrics.get("TotalMessages"),
        "chat_contact_metrics_conversation_close_time_ms": chat_metrics_contact_metrics.get(
            "ConversationCloseTimeInMillis"
        ),
        "chat_contact_metrics_conversation_turn_count": chat_metrics_contact_metrics.get("ConversationTurnCount"),
        "chat_contact_metrics_agent_first_response_timestamp": timestamp(
            chat_metrics_contact_metrics.get("AgentFirstResponseTimestamp")
        ),
        "chat_contact_metrics_agent_first_response_time_ms": chat_metrics_contact_metrics.get(
            "AgentFirstResponseTimeInMillis"
        ),
        "chat_contact_metrics_total_bot_messages": chat_metrics_contact_metrics.get("TotalBotMessages"),
        "chat_contact_metrics_total_bot_message_length_in_chars": chat_metrics_contact_metrics.get(
            "TotalBotMessageLengthInChars"
        ),
        "chat_contact_metrics_multi_party": chat_metrics_contact_metrics.get("MultiParty"),
        "chat_agent_metrics_participant_id": chat_metrics_agent_metrics.get("ParticipantId"),
        "chat_agent_metrics_participant_type": chat_metrics_agent_metrics.get("ParticipantType"),
        "chat_agent_metrics_conversation_abandon": chat_metrics_agent_metrics.get("ConversationAbandon"),
        "chat_agent_metrics_messages_sent": chat_metrics_agent_metrics.get("MessagesSent"),
        "chat_agent_metrics_num_responses": chat_metrics_agent_metrics.get("NumResponses"),
        "chat_agent_metrics_message_length_in_chars": chat_metrics_agent_metrics.get("MessageLengthInChars"),
        "chat_agent_metrics_total_response_time_ms": chat_metrics_agent_metrics.get("TotalResponseTimeInMillis"),
        "chat_agent_metrics_max_response_time_ms": chat_metrics_agent_metrics.get("MaxResponseTimeInMillis"),
        "chat_agent_metrics_last_message_timestamp": timestamp(chat_metrics_agent_metrics.get("LastMessageTimestamp")),
        "chat_customer_metrics_participant_id": chat_metrics_customer_metrics.get("ParticipantId"),
        "chat_customer_metrics_participant_type": chat_metrics_customer_metrics.get("ParticipantType"),
        "chat_customer_metrics_conversation_abandon": chat_metrics_customer_metrics.get("ConversationAbandon"),
        "chat_customer_metrics_messages_sent": chat_metrics_customer_metrics.get("MessagesSent"),
        "chat_customer_metrics_num_responses": chat_metrics_customer_metrics.get("NumResponses"),
        "chat_customer_metrics_message_length_in_chars": chat_metrics_customer_metrics.get("MessageLengthInChars"),
        "chat_customer_metrics_total_response_time_ms": chat_metrics_customer_metrics.get("TotalResponseTimeInMillis"),
        "chat_customer_metrics_max_response_time_ms": chat_metrics_customer_metrics.get("MaxResponseTimeInMillis"),
        "chat_customer_metrics_last_message_timestamp": timestamp(
            chat_metrics_customer_metrics.get("LastMessageTimestamp")
        ),
        "q_in_connect_session_arn": wisdom_info.get("SessionArn"),
        "ai_agents": None,
        "customer_phone_number_prefix": None,
        "agent_capabilities_video": agent_capabilities.get("Video"),
        "customer_capabilities_video": customer_capabilities.get("Video"),
        "contact_association_id": record.get("ContactAssociationId"),
        "contact_routing_queue_priority": record.get("QueuePriority"),
        "contact_routing_queue_time_adjustment_ms": millis(record.get("QueueTimeAdjustmentSeconds")),
        "customer_endpoint_display_name": customer_endpoint.get("DisplayName"),
        "system_endpoint_display_name": system_endpoint.get("DisplayName"),
        "transferred_endpoint_display_name": transferred_to_endpoint.get("DisplayName"),
        "disconnect_details_telemetry_inferred_reason": None,
        "quality_metrics_agent_reported_issue": None,
        "task_template_arn": task_template_info.get("Arn"),
        "task_template_name": task_template_info.get("Name"),
        "routing_criteria": routing_criteria(record.get("RoutingCriteria")),
        "agent_initiated_hold_duration_ms": millis(agent.get("AgentInitiatedHoldDuration")),
        "agent_accepted_by_agent_timestamp": timestamp(agent.get("AcceptedByAgentTimestamp")),
        "agent_preview_end_timestamp": timestamp(agent.get("PreviewEndTimestamp")),
        "agent_capabilities_screen_share": agent_capabilities.get("ScreenShare"),
        "agent_active_region": agent.get("ActiveRegion"),
        "customer_id": record.get("CustomerId"),
        "ring_start_timestamp": timestamp(record.get("RingStartTimestamp")),
        "contact_lens": json_text(record.get("ContactLens")),
        "outbound_strategy": json_text(record.get("OutboundStrategy")),
        "global_resiliency_metadata": json_text(record.get("GlobalResiliencyMetadata")),
        "voice_id_result": json_text(record.get("VoiceIdResult")),
    }


def schema(obj: Object) -> pa.Schema:
    """The table's schema, full width."""
    return pa.schema([(column.name, _arrow(column.type)) for column in obj.data_columns])


def _arrow(type_: Type) -> pa.DataType:
    match type_:
        case str():
            return {
                "text": pa.string(), "bigint": pa.int64(), "integer": pa.int32(), "double": pa.float64(),
                "boolean": pa.bool_(), "timestamp": pa.timestamp("us"), "date": pa.date32(),
            }[type_]  # fmt: skip
        case Json():
            return pa.string()
        case ListOf(item):
            return pa.list_(_arrow(item))
        case MapOf(value):
            return pa.map_(pa.string(), _arrow(value))
        case Struct(fields):
            return pa.struct([(one.name, _arrow(one.type)) for one in fields])


def flatten(texts: list[str], schema: pa.Schema) -> pa.Table:
    """A table of these records."""
    return pa.Table.from_pylist([contact(json.loads(text)) for text in texts], schema=schema)
