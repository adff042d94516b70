-- Generated from the catalogue by `make golden`. Do not edit.

GRANT "trunkline_analyst" TO "trunkline_analyst_pii";

GRANT USAGE ON SCHEMA "connect_datalake" TO "trunkline_analyst";

GRANT USAGE ON SCHEMA "post_call_analytics" TO "trunkline_analyst";

GRANT USAGE ON SCHEMA "salesforce" TO "trunkline_analyst";

GRANT USAGE ON SCHEMA "connect" TO "trunkline_analyst";

GRANT SELECT ON "post_call_analytics"."call" TO "trunkline_analyst";

GRANT SELECT ON "connect_datalake"."agent_event" TO "trunkline_analyst";

GRANT SELECT ON "connect_datalake"."routing_profiles" TO "trunkline_analyst";

GRANT SELECT ON "connect_datalake"."agent_hierarchy_groups" TO "trunkline_analyst";

GRANT SELECT ON "connect_datalake"."queue" TO "trunkline_analyst";

GRANT SELECT ON "salesforce"."matter" TO "trunkline_analyst";

GRANT SELECT ON "salesforce"."task" TO "trunkline_analyst";

GRANT SELECT ON "connect_datalake"."staff_shifts" TO "trunkline_analyst";

GRANT SELECT ON "connect_datalake"."staff_shift_activities" TO "trunkline_analyst";

GRANT SELECT ON "connect_datalake"."shift_activities" TO "trunkline_analyst";

GRANT SELECT ON "connect_datalake"."contact_statistic_record" TO "trunkline_analyst";

GRANT SELECT ON "connect_datalake"."contact_lens_conversational_analytics" TO "trunkline_analyst";

GRANT SELECT ON "post_call_analytics"."calls" TO "trunkline_analyst";

GRANT SELECT ON "connect_datalake"."agent_event_contact" TO "trunkline_analyst";

GRANT SELECT ON "connect_datalake"."agent_activity" TO "trunkline_analyst";

GRANT SELECT ON "connect_datalake"."agent_statistic_record" TO "trunkline_analyst";

GRANT SELECT ON "connect_datalake"."agent_contact_state" TO "trunkline_analyst";

GRANT SELECT ON "connect_datalake"."agent_queue_statistic_record" TO "trunkline_analyst";

GRANT SELECT ON "connect_datalake"."contact_evaluation_record" TO "trunkline_analyst";

GRANT SELECT ON "connect_datalake"."agent_adherence" TO "trunkline_analyst";

GRANT SELECT ON "connect"."d_user" TO "trunkline_analyst";

GRANT SELECT ON "connect"."d_customer_contact" TO "trunkline_analyst";

GRANT SELECT ON "connect"."d_matter" TO "trunkline_analyst";

GRANT SELECT ON "connect"."d_case" TO "trunkline_analyst";

GRANT SELECT ON "connect"."v_fact_task" TO "trunkline_analyst";

GRANT SELECT ON "connect"."v_fact_case" TO "trunkline_analyst";

GRANT SELECT ON "connect"."bridge_contact_case" TO "trunkline_analyst";

GRANT SELECT ON "connect"."v_fact_call" TO "trunkline_analyst";

GRANT SELECT ON "connect"."d_agent" TO "trunkline_analyst";

GRANT SELECT ON "connect"."d_queue" TO "trunkline_analyst";

GRANT SELECT ON "connect"."d_date" TO "trunkline_analyst";

GRANT SELECT ON "connect"."d_time" TO "trunkline_analyst";

GRANT SELECT ON "connect"."v_contact_leg" TO "trunkline_analyst";

GRANT SELECT ON "connect"."v_contact_family" TO "trunkline_analyst";

GRANT SELECT ("instance_id", "aws_account_id", "contact_id", "initial_contact_id", "previous_contact_id", "related_contact_id", "next_contact_id", "channel", "initiation_method", "initiation_timestamp", "connected_to_system_timestamp", "last_update_timestamp", "scheduled_timestamp", "transfer_completed_timestamp", "disconnect_timestamp", "disconnect_reason", "queue_duration_ms", "queue_dequeue_timestamp", "queue_enqueue_timestamp", "queue_name", "queue_arn", "queue_id", "agent_connection_attempts", "agent_connected_to_agent_timestamp", "agent_interaction_duration_ms", "agent_customer_hold_duration_ms", "agent_number_of_holds", "agent_longest_hold_duration_ms", "agent_after_contact_work_start_timestamp", "agent_after_contact_work_end_timestamp", "agent_after_contact_work_duration_ms", "agent_username", "agent_arn", "agent_id", "instance_arn", "agent_hierarchy_groups_level_1_name", "agent_hierarchy_groups_level_1_arn", "agent_hierarchy_groups_level_1_id", "agent_hierarchy_groups_level_2_name", "agent_hierarchy_groups_level_2_arn", "agent_hierarchy_groups_level_2_id", "agent_hierarchy_groups_level_3_name", "agent_hierarchy_groups_level_3_arn", "agent_hierarchy_groups_level_3_id", "agent_hierarchy_groups_level_4_name", "agent_hierarchy_groups_level_4_arn", "agent_hierarchy_groups_level_4_id", "agent_hierarchy_groups_level_5_name", "agent_hierarchy_groups_level_5_arn", "agent_hierarchy_groups_level_5_id", "agent_routing_profile_name", "agent_routing_profile_arn", "agent_routing_profile_id", "agent_voice_enhancement_mode", "aws_contact_trace_record_format_version", "campaign_id", "customer_endpoint_type", "transferred_endpoint_type", "system_endpoint_type", "recording_deletion_reason", "recording_location", "recording_status", "recording_type", "answering_machine_detection_status", "voice_id_result_authentication_result", "voice_id_result_fraud_detection_watch_list_id", "voice_id_result_speaker_id", "voice_id_result_fraud_detection_result", "voice_id_result_fraud_detection_fraudster_id", "voice_id_result_authentication_minimum_speech_ms", "voice_id_result_authentication_score", "voice_id_result_authentication_score_threshold", "voice_id_result_fraud_detection_risk_score_known_fraudster", "voice_id_result_fraud_detection_risk_score_synthetic_speech", "voice_id_result_fraud_detection_risk_score_voice_spoofing", "voice_id_result_fraud_detection_score_threshold", "voice_id_result_speaker_enrolled", "voice_id_result_speaker_opted_out", "voice_id_result_fraud_detection_reasons_items", "external_third_party_interaction_duration_ms", "agent_pause_duration_ms", "media_streams_items", "contact_evaluations", "email_recipients", "agent_state_transitions", "recordings", "agent_device_platform_name", "agent_device_platform_version", "agent_device_operating_system", "customer_device_platform_name", "customer_device_platform_version", "customer_device_operating_system", "disconnect_details_potential_disconnect_issue", "last_resumed_timestamp", "last_paused_timestamp", "customer_voice_activity_greeting_start_timestamp", "customer_voice_activity_greeting_end_timestamp", "total_pause_duration_ms", "total_pause_count", "quality_metrics_agent_audio", "quality_metrics_customer_audio", "data_lake_last_processed_timestamp", "chat_contact_metrics_total_messages", "chat_contact_metrics_conversation_close_time_ms", "chat_contact_metrics_conversation_turn_count", "chat_contact_metrics_agent_first_response_timestamp", "chat_contact_metrics_agent_first_response_time_ms", "chat_contact_metrics_total_bot_messages", "chat_contact_metrics_total_bot_message_length_in_chars", "chat_contact_metrics_multi_party", "chat_agent_metrics_participant_id", "chat_agent_metrics_participant_type", "chat_agent_metrics_conversation_abandon", "chat_agent_metrics_messages_sent", "chat_agent_metrics_num_responses", "chat_agent_metrics_message_length_in_chars", "chat_agent_metrics_total_response_time_ms", "chat_agent_metrics_max_response_time_ms", "chat_agent_metrics_last_message_timestamp", "chat_customer_metrics_participant_id", "chat_customer_metrics_participant_type", "chat_customer_metrics_conversation_abandon", "chat_customer_metrics_messages_sent", "chat_customer_metrics_num_responses", "chat_customer_metrics_message_length_in_chars", "chat_customer_metrics_total_response_time_ms", "chat_customer_metrics_max_response_time_ms", "chat_customer_metrics_last_message_timestamp", "q_in_connect_session_arn", "ai_agents", "customer_phone_number_prefix", "agent_capabilities_video", "customer_capabilities_video", "contact_association_id", "contact_routing_queue_priority", "contact_routing_queue_time_adjustment_ms", "system_endpoint_display_name", "disconnect_details_telemetry_inferred_reason", "quality_metrics_agent_reported_issue", "task_template_arn", "task_template_name", "routing_criteria") ON "connect_datalake"."contact_record" TO "trunkline_analyst";

GRANT SELECT ("guid", "datetime", "call_timestamp_utc", "agent", "call_type", "ingested_at", "notes", "outcome", "overall_score", "primary_intent", "resolution_reason", "summary", "secondary_intent", "score_ask_for_payment", "score_confirm_location", "score_features_advantages", "score_handle_objections", "score_size_recommendation", "score_urgency", "evidence_ask_for_payment", "evidence_confirm_location", "evidence_features_advantages", "evidence_handle_objections", "evidence_size_recommendation", "evidence_urgency", "other_scores", "deleted_by") ON "post_call_analytics"."scorecards" TO "trunkline_analyst";

GRANT SELECT ("call_id", "format", "output", "written_at", "transcript_bucket", "transcript_s3_key", "job_name", "job_status", "aws_account_id", "instance_id", "channel", "language_locale", "schema_version", "duration_ms", "duration_rule", "participant_kind", "participants", "participant_count", "first_participant", "change_count", "turn_count", "talk_time_ms", "categories", "greeting_time_agent_ms", "non_talk_time_total_ms", "talk_time_total_ms", "talk_time_agent_ms", "talk_time_customer_ms", "total_conversation_duration_ms", "talk_speed_agent_wpm", "talk_speed_customer_wpm", "interruptions_time_total_ms", "interruptions_time_agent_ms", "interruptions_time_customer_ms", "interruptions_total_count", "interruptions_agent_count", "interruptions_customer_count", "sentiment_overall_score_agent", "sentiment_overall_score_customer", "sentiment_interaction_score_customer_with_agent", "sentiment_interaction_score_customer_without_agent", "sentiment_end_score_agent", "sentiment_end_score_customer", "response_time_average_agent_ms", "response_time_average_customer_ms", "response_time_maximum_agent_ms", "response_time_maximum_customer_ms") ON "post_call_analytics"."transcript" TO "trunkline_analyst";

GRANT SELECT ("event_id", "event_version", "event_timestamp", "event_detail_type", "event_source", "aws_account_id", "event_region", "event_resources", "event_type", "event_updated_properties", "instance_arn", "instance_id", "contact_id", "initial_contact_id", "previous_contact_id", "related_contact_id", "contact_association_id", "channel", "initiation_method", "initiation_timestamp", "connected_to_system_timestamp", "ring_start_timestamp", "scheduled_timestamp", "disconnect_timestamp", "disconnect_reason", "queue_enqueue_timestamp", "queue_arn", "queue_id", "queue_type", "agent_arn", "agent_id", "agent_connected_to_agent_timestamp", "agent_accepted_by_agent_timestamp", "agent_preview_end_timestamp", "agent_after_contact_work_start_timestamp", "agent_after_contact_work_end_timestamp", "agent_after_contact_work_duration_ms", "agent_initiated_hold_duration_ms", "agent_hierarchy_groups_level_1_arn", "agent_hierarchy_groups_level_2_arn", "agent_hierarchy_groups_level_3_arn", "agent_hierarchy_groups_level_4_arn", "agent_hierarchy_groups_level_5_arn", "agent_active_region", "customer_voice_activity_greeting_start_timestamp", "customer_voice_activity_greeting_end_timestamp", "answering_machine_detection_status", "campaign_id") ON "connect_datalake"."contact_event" TO "trunkline_analyst";

GRANT SELECT ("user_id", "user_arn", "directory_user_id", "agent_hierarchy_group_id", "agent_hierarchy_group_arn", "agent_hierarchy_group_level_1_id", "agent_hierarchy_group_level_2_id", "agent_hierarchy_group_level_3_id", "agent_hierarchy_group_level_4_id", "agent_hierarchy_group_level_5_id", "first_name", "last_name", "agent_username", "instance_id", "instance_arn", "agent_routing_profile_id", "agent_routing_profile_arn", "agent_security_profile_ids", "agent_security_profile_arns", "after_contact_work_time_limit", "auto_accept", "phone_type", "agent_voice_enhancement_mode", "data_lake_last_processed_timestamp", "last_modified_timestamp", "last_modified_region", "is_active") ON "connect_datalake"."users" TO "trunkline_analyst";

GRANT SELECT ("agent_id", "agent_arn", "agent_username", "first_name", "last_name", "directory_user_id", "agent_routing_profile_id", "agent_hierarchy_group_id", "agent_security_profile_ids", "phone_type", "auto_accept", "after_contact_work_time_limit", "persistent_connection", "auto_accept_configs", "after_contact_work_configs", "persistent_connection_configs", "voice_enhancement_configs", "agent_tags", "last_modified_timestamp", "last_modified_region", "instance_id") ON "connect_datalake"."agent" TO "trunkline_analyst";

GRANT SELECT ("user_id", "username", "name", "first_name", "last_name", "alias", "is_active", "user_type", "profile_id", "user_role_id", "manager_id", "employee_number", "federation_identifier", "title", "department", "division", "time_zone", "last_login_date", "created_by_id", "created_date", "last_modified_date", "system_modstamp", "salesforce_type", "salesforce_url") ON "salesforce"."user" TO "trunkline_analyst";

GRANT SELECT ("customer_contact_id", "account_id", "owner_id", "reports_to_id", "master_record_id", "birthdate", "title", "department", "lead_source", "mailing_city", "mailing_state", "mailing_postal_code", "mailing_country", "last_activity_date", "created_by_id", "created_date", "last_modified_date", "system_modstamp", "is_deleted", "salesforce_type", "salesforce_url") ON "salesforce"."customer_contact" TO "trunkline_analyst";

GRANT SELECT ("case_id", "case_number", "account_id", "customer_contact_id", "owner_id", "parent_id", "subject", "status", "origin", "reason", "type", "priority", "is_closed", "is_escalated", "closed_date", "created_by_id", "created_date", "last_modified_date", "system_modstamp", "is_deleted", "salesforce_type", "salesforce_url") ON "salesforce"."case" TO "trunkline_analyst";

GRANT SELECT ("evaluation_id", "aws_account_id", "instance_id", "contact_id", "user_id", "form_id", "form_title", "form_version", "evaluator", "creator", "evaluation_start_timestamp", "evaluation_submitted_timestamp", "score", "automatic_fail", "score_not_applicable", "evaluation_source", "evaluation_type", "auto_evaluated", "resubmitted", "calibration_session_id", "acknowledger_id", "acknowledger_username", "acknowledger_comment", "evaluation_acknowledged_timestamp", "evaluated_participant_role", "evaluated_participant_id", "schema_version") ON "connect_datalake"."contact_evaluation" TO "trunkline_analyst";

GRANT SELECT ON "connect_datalake"."contact_record" TO "trunkline_analyst_pii";

GRANT SELECT ON "post_call_analytics"."scorecards" TO "trunkline_analyst_pii";

GRANT SELECT ON "post_call_analytics"."transcript" TO "trunkline_analyst_pii";

GRANT SELECT ON "connect_datalake"."contact_event" TO "trunkline_analyst_pii";

GRANT SELECT ON "connect_datalake"."users" TO "trunkline_analyst_pii";

GRANT SELECT ON "connect_datalake"."agent" TO "trunkline_analyst_pii";

GRANT SELECT ON "salesforce"."user" TO "trunkline_analyst_pii";

GRANT SELECT ON "salesforce"."customer_contact" TO "trunkline_analyst_pii";

GRANT SELECT ON "salesforce"."case" TO "trunkline_analyst_pii";

GRANT SELECT ON "connect_datalake"."contact_evaluation" TO "trunkline_analyst_pii";

GRANT SELECT ON "post_call_analytics"."transcript_turn" TO "trunkline_analyst_pii";

GRANT SELECT ON "connect_datalake"."contact_evaluation_item" TO "trunkline_analyst_pii";

GRANT SELECT ON "connect"."v_fact_call_pii" TO "trunkline_analyst_pii";
