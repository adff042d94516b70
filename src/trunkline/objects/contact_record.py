"""`contact_record`: one row per contact, filled from the exported contact record.

Names, types and units are those of the Amazon Connect analytics data lake; where the export names a duration in
seconds the column is in milliseconds, as Amazon's is. Columns that the export cannot give are NULL and say so.
"""

from __future__ import annotations

from trunkline.objects.model import (
    RECORD_COLUMNS,
    Column,
    Dimension,
    Field,
    Json,
    ListOf,
    MapOf,
    Object,
    Pii,
    Pool,
    Scalar,
    Struct,
    Transform,
    Type,
)

OURS = "exported contact record (no column in Amazon's data lake)"


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


def _col(name: str, path: str | None, meaning: str, type_: Type = "text", pii: Pii = "none",
         transform: Transform = "plain", unit: str | None = None, ours: bool = False,
         nullable: bool = True) -> Column:  # fmt: skip
    keys = tuple(path.split(".")) if path else None
    source = OURS if ours else "Amazon Connect data lake, contact_record"
    return Column(name, type_, keys, meaning, unit, nullable, transform, pii, not ours, source)


def _text(name: str, path: str | None, meaning: str, pii: Pii = "none") -> Column:
    return _col(name, path, meaning, pii=pii)


def _time(name: str, path: str | None, meaning: str) -> Column:
    return _col(name, path, meaning, "timestamp", unit="UTC")


def _seconds(name: str, path: str, meaning: str) -> Column:
    return _col(name, path, meaning, "bigint", transform="seconds_to_ms", unit="ms")


def _count(name: str, path: str | None, meaning: str, unit: str = "count") -> Column:
    return _col(name, path, meaning, "bigint", unit=unit)


def _id(name: str, path: str, meaning: str) -> Column:
    return _col(name, path, meaning, transform="last_arn_segment")


def _arn_group(prefix: str, path: str, name_key: str, what: str) -> tuple[Column, ...]:
    return (
        _text(f"{prefix}_name", f"{path}.{name_key}", f"Name of the {what}. NULL without one."),
        _text(f"{prefix}_arn", f"{path}.ARN", f"ARN of the {what}. NULL without one."),
        _id(f"{prefix}_id", f"{path}.ARN", f"Id of the {what}, the last segment of its ARN. NULL without one."),
    )


def _endpoint(prefix: str, key: str, what: str, unset: str) -> tuple[Column, ...]:
    return (
        _text(f"{prefix}_endpoint_type", f"{key}.Type", f"Kind of the {what}. NULL {unset}."),
        _text(f"{prefix}_endpoint_address", f"{key}.Address", f"Address of the {what}, E.164 for phones. NULL {unset}.",
              pii="direct"),
    )  # fmt: skip


def _device(prefix: str, path: str, whose: str) -> tuple[Column, ...]:
    return tuple(
        _text(f"{prefix}_device_{name}", f"{path}.DeviceInfo.{key}", f"{title} of the {whose}'s device. NULL unknown.")
        for name, key, title in [
            ("platform_name", "PlatformName", "Platform"),
            ("platform_version", "PlatformVersion", "Platform version"),
            ("operating_system", "OperatingSystem", "Operating system"),
        ]
    )


def _chat_side(who: str, key: str) -> tuple[Column, ...]:
    base, name = f"ChatMetrics.{key}", f"chat_{who}_metrics"
    return (
        _text(f"{name}_participant_id", f"{base}.ParticipantId", f"Participant id of the {who}. NULL off chat."),
        _text(f"{name}_participant_type", f"{base}.ParticipantType", "Kind of participant. NULL off chat."),
        _col(f"{name}_conversation_abandon", f"{base}.ConversationAbandon",
             f"Whether the {who} let the chat lapse. NULL off chat.", "boolean"),
        _count(f"{name}_messages_sent", f"{base}.MessagesSent", f"Messages the {who} sent. NULL off chat."),
        _count(f"{name}_num_responses", f"{base}.NumResponses", f"Responses of the {who}. NULL off chat."),
        _count(f"{name}_message_length_in_chars", f"{base}.MessageLengthInChars",
               f"Length of the {who}'s messages. NULL off chat.", "characters"),
        _count(f"{name}_total_response_time_ms", f"{base}.TotalResponseTimeInMillis",
               f"Sum of the {who}'s response times. NULL off chat.", "ms"),
        _count(f"{name}_max_response_time_ms", f"{base}.MaxResponseTimeInMillis",
               f"Longest response time of the {who}. NULL off chat.", "ms"),
        _time(f"{name}_last_message_timestamp", f"{base}.LastMessageTimestamp",
              f"When the {who} last wrote. NULL off chat."),
    )  # fmt: skip


def _voice_id() -> tuple[Column, ...]:
    # Voice ID ended on 2026-05-20 and the shape of its result is not published: Amazon's columns stay, NULL.
    names: list[tuple[str, Scalar | ListOf]] = [
        ("authentication_result", "text"), ("fraud_detection_watch_list_id", "text"), ("speaker_id", "text"),
        ("fraud_detection_result", "text"), ("fraud_detection_fraudster_id", "text"),
        ("authentication_minimum_speech_ms", "bigint"), ("authentication_score", "bigint"),
        ("authentication_score_threshold", "bigint"), ("fraud_detection_risk_score_known_fraudster", "bigint"),
        ("fraud_detection_risk_score_synthetic_speech", "bigint"),
        ("fraud_detection_risk_score_voice_spoofing", "bigint"), ("fraud_detection_score_threshold", "bigint"),
        ("speaker_enrolled", "boolean"), ("speaker_opted_out", "boolean"),
        ("fraud_detection_reasons_items", ListOf("text")),
    ]  # fmt: skip
    return tuple(_col(f"voice_id_result_{name}", None, "Always NULL: Voice ID has ended.", t) for name, t in names)


AMAZON_COLUMNS: tuple[Column, ...] = (
    _id("instance_id", "InstanceARN", "Id of the Connect instance, the last segment of its ARN."),
    _text("aws_account_id", "AWSAccountId", "AWS account of the instance."),
    _col("contact_id", "ContactId", "The contact: one interaction leg. Never NULL.", nullable=False),
    _text("initial_contact_id", "InitialContactId", "First contact of the customer's call. NULL on the first leg."),
    _text("previous_contact_id", "PreviousContactId", "The leg before this one. NULL on the first leg."),
    _text("related_contact_id", "RelatedContactId", "Contact this one is linked to. NULL unless linked."),
    _text("next_contact_id", "NextContactId", "The leg that followed; of several consults the last. NULL if none."),
    _text("channel", "Channel", "VOICE, CHAT, TASK or EMAIL."),
    _text("initiation_method", "InitiationMethod", "How the contact began; an open list of values."),
    _time("initiation_timestamp", "InitiationTimestamp", "When the contact began; a callback when it was requested."),
    _time("connected_to_system_timestamp", "ConnectedToSystemTimestamp",
          "When the customer's end connected to Connect. NULL if it never did."),
    _time("last_update_timestamp", "LastUpdateTimestamp", "When Connect last changed the record: its version."),
    _time("scheduled_timestamp", "ScheduledTimestamp", "When a task was due to start. NULL off scheduled tasks."),
    _time("transfer_completed_timestamp", "TransferCompletedTimestamp",
          "When the first agent left before the next joined. NULL for warm transfers and without transfer."),
    _time("disconnect_timestamp", "DisconnectTimestamp", "When the customer left this leg. NULL while it is open."),
    _text("disconnect_reason", "DisconnectReason", "Who or what ended the leg; an open list. NULL for many."),
    _seconds("queue_duration_ms", "Queue.Duration", "Time in queue. NULL if never queued, or missing in the export."),
    _time("queue_dequeue_timestamp", "Queue.DequeueTimestamp", "When it left the queue. NULL if never queued."),
    _time("queue_enqueue_timestamp", "Queue.EnqueueTimestamp", "When it entered the queue. NULL if never queued."),
    *_arn_group("queue", "Queue", "Name", "queue"),
    _count("agent_connection_attempts", "AgentConnectionAttempts", "Offers made to agents."),
    _time("agent_connected_to_agent_timestamp", "Agent.ConnectedToAgentTimestamp",
          "When an agent was connected. NULL if none was."),
    _seconds("agent_interaction_duration_ms", "Agent.AgentInteractionDuration",
             "Talk time without hold, pause and after contact work. NULL without an agent."),
    _seconds("agent_customer_hold_duration_ms", "Agent.CustomerHoldDuration", "Hold time. NULL without an agent."),
    _count("agent_number_of_holds", "Agent.NumberOfHolds", "Times on hold. NULL without an agent."),
    _seconds("agent_longest_hold_duration_ms", "Agent.LongestHoldDuration", "Longest hold. NULL without an agent."),
    _time("agent_after_contact_work_start_timestamp", "Agent.AfterContactWorkStartTimestamp",
          "Start of after contact work. NULL without it."),
    _time("agent_after_contact_work_end_timestamp", "Agent.AfterContactWorkEndTimestamp",
          "End of after contact work. NULL without it."),
    _seconds("agent_after_contact_work_duration_ms", "Agent.AfterContactWorkDuration",
             "After contact work. NULL without it."),
    _col("attributes", "Attributes", "Attributes that flows and agents set. NULL or empty without any.",
         MapOf("text"), pii="indirect"),
    _text("agent_username", "Agent.Username", "User name of the agent. NULL without an agent.", pii="indirect"),
    _text("agent_arn", "Agent.ARN", "ARN of the agent. NULL without an agent."),
    _id("agent_id", "Agent.ARN", "Id of the agent, the last segment of its ARN. NULL without an agent."),
    _text("instance_arn", "InstanceARN", "ARN of the Connect instance."),
    *(c for n in range(1, 6) for c in _arn_group(f"agent_hierarchy_groups_level_{n}", f"Agent.HierarchyGroups.Level{n}",
                                                "GroupName", f"agent's hierarchy group at level {n}")),
    *_arn_group("agent_routing_profile", "Agent.RoutingProfile", "Name", "agent's routing profile"),
    _text("agent_voice_enhancement_mode", "Agent.VoiceEnhancementMode", "Voice enhancement. NULL never set."),
    _text("aws_contact_trace_record_format_version", "AWSContactTraceRecordFormatVersion", "Format of the export."),
    _text("campaign_id", "Campaign.CampaignId", "Outbound campaign. NULL off campaigns."),
    *_endpoint("customer", "CustomerEndpoint", "customer's end", "when anonymous or redacted"),
    *_endpoint("transferred", "TransferredToEndpoint", "outside target of a transfer", "without one"),
    *_endpoint("system", "SystemEndpoint", "number dialled or caller id used", "without one"),
    _text("recording_deletion_reason", "Recording.DeletionReason", "Why it was deleted. NULL if it was not."),
    _text("recording_location", "Recording.Location", "Bucket and key of the recording. NULL without one."),
    _text("recording_status", "Recording.Status", "AVAILABLE or DELETED. NULL without a recording."),
    _text("recording_type", "Recording.Type", "Kind of recording. NULL without one."),
    _text("answering_machine_detection_status", "AnsweringMachineDetectionStatus",
          "What answered a campaign call. NULL without detection."),
    *_voice_id(),
    _seconds("external_third_party_interaction_duration_ms", "ExternalThirdParty.ExternalThirdPartyInteractionDuration",
             "Time an outside party was on the call. NULL without one."),
    _seconds("agent_pause_duration_ms", "Agent.AgentPauseDuration", "Time an agent had a task paused. NULL off tasks."),
    _col("media_streams_items", "MediaStreams", "Kinds of media used.", ListOf(MEDIA_STREAM)),
    _col("tags_references_items", "Tags", "Tags of the contact (not its references).", MapOf("text"), pii="indirect"),
    _col("contact_details", "ContactDetails", "Details of a task. NULL or empty off tasks.", MapOf("text"),
         pii="indirect"),
    _col("contact_evaluations", "ContactEvaluations", "Evaluations by form id; they come with later copies.",
         MapOf(EVALUATION)),
    _col("references", "References", "References of a task or chat.", ListOf(REFERENCE), pii="indirect"),
    _col("email_recipients", None, "Always NULL: not in the export.", Json()),
    _col("additional_email_recipients", "AdditionalEmailRecipients",
         "Further recipients of an e-mail, as JSON: the export's shape is not published.", Json(), pii="direct"),
    _col("agent_state_transitions", "Agent.StateTransitions", "Supervisor monitoring and barging.",
         ListOf(STATE_TRANSITION)),
    _col("recordings", "Recordings", "All recordings. NULL when there are none.", ListOf(RECORDING)),
    *_device("agent", "Agent", "agent"),
    *_device("customer", "Customer", "customer"),
    _text("disconnect_details_potential_disconnect_issue", "DisconnectDetails.PotentialDisconnectIssue",
          "Technical trouble suspected at the end. NULL without any."),
    _time("last_resumed_timestamp", "LastResumedTimestamp", "When a task was last resumed. NULL if never."),
    _time("last_paused_timestamp", "LastPausedTimestamp", "When a task was last paused. NULL if never."),
    _time("customer_voice_activity_greeting_start_timestamp", "CustomerVoiceActivity.GreetingStartTimestamp",
          "Start of the customer's greeting, milliseconds. NULL without answering machine detection."),
    _time("customer_voice_activity_greeting_end_timestamp", "CustomerVoiceActivity.GreetingEndTimestamp",
          "End of the customer's greeting, milliseconds. NULL without answering machine detection."),
    _seconds("total_pause_duration_ms", "TotalPauseDurationInSeconds", "Time a task was paused. NULL off tasks."),
    _count("total_pause_count", "TotalPauseCount", "Times a task was paused. NULL off tasks."),
    _col("quality_metrics_agent_audio", "QualityMetrics.Agent.Audio", "Audio quality, agent. NULL off voice.", QUALITY),
    _col("quality_metrics_customer_audio", "QualityMetrics.Customer.Audio",
         "Audio quality, customer. NULL off in-app calls.", QUALITY),
    _col("segment_attributes", "SegmentAttributes", "Connect's own attributes of the leg, each as text.",
         MapOf("text"), pii="indirect", transform="union_to_text"),
    _time("data_lake_last_processed_timestamp", None, "Always NULL: internal to Amazon's lake."),
    _count("chat_contact_metrics_total_messages", "ChatMetrics.ContactMetrics.TotalMessages",
           "Messages. NULL off chat."),
    _count("chat_contact_metrics_conversation_close_time_ms",
           "ChatMetrics.ContactMetrics.ConversationCloseTimeInMillis",
           "From the customer's last message to the end. NULL off chat.", "ms"),
    _count("chat_contact_metrics_conversation_turn_count", "ChatMetrics.ContactMetrics.ConversationTurnCount",
           "Turns between customer and agent. NULL off chat."),
    _time("chat_contact_metrics_agent_first_response_timestamp",
          "ChatMetrics.ContactMetrics.AgentFirstResponseTimestamp", "First response of an agent. NULL off chat."),
    _count("chat_contact_metrics_agent_first_response_time_ms",
           "ChatMetrics.ContactMetrics.AgentFirstResponseTimeInMillis", "Time to it. NULL off chat.", "ms"),
    _count("chat_contact_metrics_total_bot_messages", "ChatMetrics.ContactMetrics.TotalBotMessages",
           "Messages of bots. NULL off chat."),
    _count("chat_contact_metrics_total_bot_message_length_in_chars",
           "ChatMetrics.ContactMetrics.TotalBotMessageLengthInChars", "Length of them. NULL off chat.", "characters"),
    _col("chat_contact_metrics_multi_party", "ChatMetrics.ContactMetrics.MultiParty",
         "Whether more than two took part. NULL off chat.", "boolean"),
    *_chat_side("agent", "AgentMetrics"),
    *_chat_side("customer", "CustomerMetrics"),
    _text("q_in_connect_session_arn", "WisdomInfo.SessionArn", "Session of the agent's assistant. NULL without one."),
    _col("ai_agents", None, "Always NULL: not in the export.", Json()),
    _text("customer_phone_number_prefix", None, "Always NULL: its length is not published, and it is personal data."),
    _text("agent_capabilities_video", "Agent.Capabilities.Video", "SEND when the agent can send video. NULL if not."),
    _text("customer_capabilities_video", "Customer.Capabilities.Video", "SEND when the customer can. NULL if not."),
    _text("contact_association_id", "ContactAssociationId", "First contact of a linked thread. NULL without one."),
    _count("contact_routing_queue_priority", "QueuePriority", "Priority in queue, lower first. NULL if not exported."),
    _seconds("contact_routing_queue_time_adjustment_ms", "QueueTimeAdjustmentSeconds",
             "Time added to the contact's age in queue. NULL if not exported."),
    _text("customer_endpoint_display_name", "CustomerEndpoint.DisplayName", "Name shown. NULL without one.", "direct"),
    _text("system_endpoint_display_name", "SystemEndpoint.DisplayName", "Name shown. NULL without one."),
    _text("transferred_endpoint_display_name", "TransferredToEndpoint.DisplayName", "Name shown. NULL without one.",
          "direct"),
    _text("disconnect_details_telemetry_inferred_reason", None, "Always NULL: not in the export."),
    _text("quality_metrics_agent_reported_issue", None, "Always NULL: not in the export."),
    _text("task_template_arn", "TaskTemplateInfo.Arn", "Template of a task. NULL without one."),
    _text("task_template_name", "TaskTemplateInfo.Name", "Name of that template. NULL without one."),
    _col("routing_criteria", "RoutingCriteria", "The last three routing criteria.", ListOf(ROUTING_CRITERION)),
)  # fmt: skip

OWN_COLUMNS: tuple[Column, ...] = (
    _col("agent_initiated_hold_duration_ms", "Agent.AgentInitiatedHoldDuration",
         "Hold time that this agent began. NULL without an agent.", "bigint", transform="seconds_to_ms", unit="ms",
         ours=True),
    _col("agent_accepted_by_agent_timestamp", "Agent.AcceptedByAgentTimestamp",
         "When the agent accepted a campaign preview. NULL off previews.", "timestamp", unit="UTC", ours=True),
    _col("agent_preview_end_timestamp", "Agent.PreviewEndTimestamp", "End of a campaign preview. NULL off previews.",
         "timestamp", unit="UTC", ours=True),
    _col("agent_capabilities_screen_share", "Agent.Capabilities.ScreenShare", "SEND when the agent can share a screen.",
         ours=True),
    _col("agent_active_region", "Agent.ActiveRegion", "Region the agent worked in. NULL without global resiliency.",
         ours=True),
    _col("customer_id", "CustomerId", "The customer as flows identified them. NULL unless set.",
         pii="direct", ours=True),
    _col("ring_start_timestamp", "RingStartTimestamp", "When ringing began. NULL if not exported.", "timestamp",
         unit="UTC", ours=True),
    _col("contact_lens", "ContactLens", "Conversational analytics settings, JSON. NULL when off.", Json(), ours=True),
    _col("outbound_strategy", "OutboundStrategy", "Outbound strategy, JSON. NULL off campaigns.", Json(), ours=True),
    _col("global_resiliency_metadata", "GlobalResiliencyMetadata", "Regions, JSON. NULL without.", Json(), ours=True),
    _col("voice_id_result", "VoiceIdResult", "Voice ID's result as JSON, as old exports have it. NULL since it ended.",
         Json(), ours=True),
)  # fmt: skip

AGENT_QUEUE = "STRPOS(\"queue_arn\", '/queue/agent/') > 0"
"""Whether a contact's queue is an agent's own: there are as many as agents, with few contacts and without a name."""

CONTACT_RECORD = Object(
    name="contact_record",
    database="connect_datalake",
    warehouse_table="connect.f_calls",
    grain="One row per contact (one interaction leg), the best copy seen.",
    key=("contact_id",),
    version="last_update_timestamp",
    event_time="disconnect_timestamp",
    partition="initiation_timestamp",
    delete_rule="Never deleted: Connect redacts fields in a later copy, it sends no deletion.",
    columns=AMAZON_COLUMNS + OWN_COLUMNS + RECORD_COLUMNS,
    anchor="ContactId",
    catalogue_version=2,
    scheduled_source="connect_api",
    redaction=("segment_attributes", "connect:RedactedFields"),
    source="Amazon Connect administrator guide: contact record data model; analytics data lake tables",
    dimensions=(
        Dimension("queue", "queue_id", "queue_name", Pool(AGENT_QUEUE, "Agents' own queues", "agent_queues")),
        Dimension("agent", "agent_id", "agent_username"),
        Dimension("routing_profile", "agent_routing_profile_id", "agent_routing_profile_name"),
        Dimension("channel", "channel"),
        Dimension("initiation_method", "initiation_method"),
        Dimension("single_queue", "queue_id", "queue_name", Pool(AGENT_QUEUE, "Agent's own queue")),
    ),
)
