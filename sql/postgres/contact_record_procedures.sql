-- Generated from the catalogue by `make golden`. Do not edit.
-- Call connect.insert_new_f_calls() or connect.insert_new_f_calls(staging, batch_id).

CREATE OR REPLACE PROCEDURE "connect"."merge_f_calls" (
  record_staging IN TEXT,
  record_batch_id IN TEXT,
  record_n_inserted INOUT BIGINT,
  record_n_updated INOUT BIGINT,
  record_n_deleted INOUT BIGINT,
  record_n_superseded INOUT BIGINT,
  record_n_duplicate INOUT BIGINT
) AS $$
DECLARE
  record_source TEXT;
  record_n_staged BIGINT;
  record_n_keys BIGINT;
  record_n_beaten BIGINT;
  record_n_merged BIGINT;
  record_n_better BIGINT;
  record_n_revived BIGINT;
  record_n_replaced BIGINT;
  record_n_ended BIGINT;
  record_n_late BIGINT;
BEGIN
  -- Overwrites connect.f_calls by key: of all versions of a key, in the table and staged, the best stays.
  -- Best is: record_fidelity (stream above api), then record_version, redacted over not, the newer catalogue,
  -- record_hash, and last the personal columns that the hash leaves out. So late and repeated versions change nothing.
  -- No COMMIT and no TRUNCATE: the caller's transaction holds the merge and the ledger's row together.

  -- The lock first, before anything is read. Readers go on; a second loader waits here.
  LOCK TABLE "connect"."f_calls" IN SHARE ROW EXCLUSIVE MODE;

  -- The one name that the caller gives: schema.table, or a table's name alone.
  record_source := quote_ident(SPLIT_PART(record_staging, '.', 1));
  IF SPLIT_PART(record_staging, '.', 2) <> '' THEN
    record_source := record_source || '.' || quote_ident(SPLIT_PART(record_staging, '.', 2));
  END IF;
  IF record_staging IS NULL OR SPLIT_PART(record_staging, '.', 1) = '' OR SPLIT_PART(record_staging, '.', 3) <> '' THEN
    RAISE EXCEPTION 'merge_f_calls: staging is %, but must be schema.table or table', record_staging;
  END IF;
  IF record_staging IN ('connect.f_calls', 'f_calls') THEN
    RAISE EXCEPTION 'merge_f_calls: staging is the target %, name a staging table', record_staging;
  END IF;

  -- What an earlier call in the same session may have left.
  DROP TABLE IF EXISTS pg_temp."trunkline_f_calls_elsewhere";
  DROP TABLE IF EXISTS pg_temp."trunkline_f_calls_verdict";
  DROP TABLE IF EXISTS pg_temp."trunkline_f_calls_beaten";
  DROP VIEW IF EXISTS pg_temp."trunkline_f_calls_source";

  -- The staged rows under a fixed name, so that what follows is plain SQL. record_row is a row's address.
  EXECUTE 'CREATE TEMP VIEW "trunkline_f_calls_source" AS
    SELECT s.ctid AS "record_row",
      s."instance_id",
      s."aws_account_id",
      s."contact_id",
      s."initial_contact_id",
      s."previous_contact_id",
      s."related_contact_id",
      s."next_contact_id",
      s."channel",
      s."initiation_method",
      s."initiation_timestamp",
      s."connected_to_system_timestamp",
      s."last_update_timestamp",
      s."scheduled_timestamp",
      s."transfer_completed_timestamp",
      s."disconnect_timestamp",
      s."disconnect_reason",
      s."queue_duration_ms",
      s."queue_dequeue_timestamp",
      s."queue_enqueue_timestamp",
      s."queue_name",
      s."queue_arn",
      s."queue_id",
      s."agent_connection_attempts",
      s."agent_connected_to_agent_timestamp",
      s."agent_interaction_duration_ms",
      s."agent_customer_hold_duration_ms",
      s."agent_number_of_holds",
      s."agent_longest_hold_duration_ms",
      s."agent_after_contact_work_start_timestamp",
      s."agent_after_contact_work_end_timestamp",
      s."agent_after_contact_work_duration_ms",
      s."attributes",
      s."agent_username",
      s."agent_arn",
      s."agent_id",
      s."instance_arn",
      s."agent_hierarchy_groups_level_1_name",
      s."agent_hierarchy_groups_level_1_arn",
      s."agent_hierarchy_groups_level_1_id",
      s."agent_hierarchy_groups_level_2_name",
      s."agent_hierarchy_groups_level_2_arn",
      s."agent_hierarchy_groups_level_2_id",
      s."agent_hierarchy_groups_level_3_name",
      s."agent_hierarchy_groups_level_3_arn",
      s."agent_hierarchy_groups_level_3_id",
      s."agent_hierarchy_groups_level_4_name",
      s."agent_hierarchy_groups_level_4_arn",
      s."agent_hierarchy_groups_level_4_id",
      s."agent_hierarchy_groups_level_5_name",
      s."agent_hierarchy_groups_level_5_arn",
      s."agent_hierarchy_groups_level_5_id",
      s."agent_routing_profile_name",
      s."agent_routing_profile_arn",
      s."agent_routing_profile_id",
      s."agent_voice_enhancement_mode",
      s."aws_contact_trace_record_format_version",
      s."campaign_id",
      s."customer_endpoint_type",
      s."customer_endpoint_address",
      s."transferred_endpoint_type",
      s."transferred_endpoint_address",
      s."system_endpoint_type",
      s."system_endpoint_address",
      s."recording_deletion_reason",
      s."recording_location",
      s."recording_status",
      s."recording_type",
      s."answering_machine_detection_status",
      s."voice_id_result_authentication_result",
      s."voice_id_result_fraud_detection_watch_list_id",
      s."voice_id_result_speaker_id",
      s."voice_id_result_fraud_detection_result",
      s."voice_id_result_fraud_detection_fraudster_id",
      s."voice_id_result_authentication_minimum_speech_ms",
      s."voice_id_result_authentication_score",
      s."voice_id_result_authentication_score_threshold",
      s."voice_id_result_fraud_detection_risk_score_known_fraudster",
      s."voice_id_result_fraud_detection_risk_score_synthetic_speech",
      s."voice_id_result_fraud_detection_risk_score_voice_spoofing",
      s."voice_id_result_fraud_detection_score_threshold",
      s."voice_id_result_speaker_enrolled",
      s."voice_id_result_speaker_opted_out",
      s."voice_id_result_fraud_detection_reasons_items",
      s."external_third_party_interaction_duration_ms",
      s."agent_pause_duration_ms",
      s."media_streams_items",
      s."tags_references_items",
      s."contact_details",
      s."contact_evaluations",
      s."references",
      s."email_recipients",
      s."additional_email_recipients",
      s."agent_state_transitions",
      s."recordings",
      s."agent_device_platform_name",
      s."agent_device_platform_version",
      s."agent_device_operating_system",
      s."customer_device_platform_name",
      s."customer_device_platform_version",
      s."customer_device_operating_system",
      s."disconnect_details_potential_disconnect_issue",
      s."last_resumed_timestamp",
      s."last_paused_timestamp",
      s."customer_voice_activity_greeting_start_timestamp",
      s."customer_voice_activity_greeting_end_timestamp",
      s."total_pause_duration_ms",
      s."total_pause_count",
      s."quality_metrics_agent_audio",
      s."quality_metrics_customer_audio",
      s."segment_attributes",
      s."data_lake_last_processed_timestamp",
      s."chat_contact_metrics_total_messages",
      s."chat_contact_metrics_conversation_close_time_ms",
      s."chat_contact_metrics_conversation_turn_count",
      s."chat_contact_metrics_agent_first_response_timestamp",
      s."chat_contact_metrics_agent_first_response_time_ms",
      s."chat_contact_metrics_total_bot_messages",
      s."chat_contact_metrics_total_bot_message_length_in_chars",
      s."chat_contact_metrics_multi_party",
      s."chat_agent_metrics_participant_id",
      s."chat_agent_metrics_participant_type",
      s."chat_agent_metrics_conversation_abandon",
      s."chat_agent_metrics_messages_sent",
      s."chat_agent_metrics_num_responses",
      s."chat_agent_metrics_message_length_in_chars",
      s."chat_agent_metrics_total_response_time_ms",
      s."chat_agent_metrics_max_response_time_ms",
      s."chat_agent_metrics_last_message_timestamp",
      s."chat_customer_metrics_participant_id",
      s."chat_customer_metrics_participant_type",
      s."chat_customer_metrics_conversation_abandon",
      s."chat_customer_metrics_messages_sent",
      s."chat_customer_metrics_num_responses",
      s."chat_customer_metrics_message_length_in_chars",
      s."chat_customer_metrics_total_response_time_ms",
      s."chat_customer_metrics_max_response_time_ms",
      s."chat_customer_metrics_last_message_timestamp",
      s."q_in_connect_session_arn",
      s."ai_agents",
      s."customer_phone_number_prefix",
      s."agent_capabilities_video",
      s."customer_capabilities_video",
      s."contact_association_id",
      s."contact_routing_queue_priority",
      s."contact_routing_queue_time_adjustment_ms",
      s."customer_endpoint_display_name",
      s."system_endpoint_display_name",
      s."transferred_endpoint_display_name",
      s."disconnect_details_telemetry_inferred_reason",
      s."quality_metrics_agent_reported_issue",
      s."task_template_arn",
      s."task_template_name",
      s."routing_criteria",
      s."agent_initiated_hold_duration_ms",
      s."agent_accepted_by_agent_timestamp",
      s."agent_preview_end_timestamp",
      s."agent_capabilities_screen_share",
      s."agent_active_region",
      s."customer_id",
      s."ring_start_timestamp",
      s."contact_lens",
      s."outbound_strategy",
      s."global_resiliency_metadata",
      s."voice_id_result",
      s."record_version",
      s."record_fidelity",
      s."record_is_redacted",
      s."record_catalogue_version",
      s."record_hash",
      s."record_position",
      s."record_arrived_at",
      s."record_loaded_at",
      s."record_unmapped",
      s."record_is_deleted"
    FROM ' || record_source || ' AS s';

  -- Of the rows of one key, all but the best are beaten. Most keys come once and need no ranking, which hashes tell
  -- faster than keys. Two keys of one hash only mean that rows are ranked for nothing.
  SELECT INTO record_n_staged, record_n_keys COUNT(*), COUNT(DISTINCT hashtextextended(CAST(s."contact_id" AS TEXT), 0))
  FROM "trunkline_f_calls_source" AS s;
  CREATE TEMP TABLE "trunkline_f_calls_beaten" ("record_row" tid);
  IF record_n_keys < record_n_staged THEN
    INSERT INTO "trunkline_f_calls_beaten"
    SELECT r."record_row"
    FROM (
      SELECT s."record_row", ROW_NUMBER() OVER (
        PARTITION BY s."contact_id"
        ORDER BY
          COALESCE(s."record_fidelity", '') COLLATE "C" DESC,
          COALESCE(s."record_version", '') COLLATE "C" DESC,
          CASE WHEN s."record_is_redacted" THEN 1 ELSE 0 END DESC,
          COALESCE(s."record_catalogue_version", 0) DESC,
          COALESCE(s."record_hash", '') COLLATE "C" DESC,
          COALESCE(CAST(s."attributes" AS TEXT), '') COLLATE "C" DESC,
          COALESCE(s."customer_endpoint_address", '') COLLATE "C" DESC,
          COALESCE(s."transferred_endpoint_address", '') COLLATE "C" DESC,
          COALESCE(s."system_endpoint_address", '') COLLATE "C" DESC,
          COALESCE(CAST(s."tags_references_items" AS TEXT), '') COLLATE "C" DESC,
          COALESCE(CAST(s."contact_details" AS TEXT), '') COLLATE "C" DESC,
          COALESCE(CAST(s."references" AS TEXT), '') COLLATE "C" DESC,
          COALESCE(CAST(s."additional_email_recipients" AS TEXT), '') COLLATE "C" DESC,
          COALESCE(CAST(s."segment_attributes" AS TEXT), '') COLLATE "C" DESC,
          COALESCE(s."customer_endpoint_display_name", '') COLLATE "C" DESC,
          COALESCE(s."transferred_endpoint_display_name", '') COLLATE "C" DESC,
          COALESCE(s."customer_id", '') COLLATE "C" DESC,
          COALESCE(CAST(s."record_unmapped" AS TEXT), '') COLLATE "C" DESC
      ) AS "record_place"
      FROM "trunkline_f_calls_source" AS s
      WHERE (s."contact_id") IN (SELECT m."contact_id" FROM "trunkline_f_calls_source" AS m GROUP BY m."contact_id" HAVING COUNT(*) > 1)
    ) AS r
    WHERE r."record_place" > 1;
    GET DIAGNOSTICS record_n_beaten = ROW_COUNT;
    record_n_keys := record_n_staged - record_n_beaten;
  END IF;

  -- The best staged row of each key goes in, over the table's row where it is better: the first difference decides.
  -- A row that was there before has a number in xmax, a new one has 0. A row of the table that says deleted or lies at
  -- another date is left for later: when its successor is in, nobody can see that any more.
  WITH merged AS (
    INSERT INTO "connect"."f_calls" AS t (
      "instance_id",
      "aws_account_id",
      "contact_id",
      "initial_contact_id",
      "previous_contact_id",
      "related_contact_id",
      "next_contact_id",
      "channel",
      "initiation_method",
      "initiation_timestamp",
      "connected_to_system_timestamp",
      "last_update_timestamp",
      "scheduled_timestamp",
      "transfer_completed_timestamp",
      "disconnect_timestamp",
      "disconnect_reason",
      "queue_duration_ms",
      "queue_dequeue_timestamp",
      "queue_enqueue_timestamp",
      "queue_name",
      "queue_arn",
      "queue_id",
      "agent_connection_attempts",
      "agent_connected_to_agent_timestamp",
      "agent_interaction_duration_ms",
      "agent_customer_hold_duration_ms",
      "agent_number_of_holds",
      "agent_longest_hold_duration_ms",
      "agent_after_contact_work_start_timestamp",
      "agent_after_contact_work_end_timestamp",
      "agent_after_contact_work_duration_ms",
      "attributes",
      "agent_username",
      "agent_arn",
      "agent_id",
      "instance_arn",
      "agent_hierarchy_groups_level_1_name",
      "agent_hierarchy_groups_level_1_arn",
      "agent_hierarchy_groups_level_1_id",
      "agent_hierarchy_groups_level_2_name",
      "agent_hierarchy_groups_level_2_arn",
      "agent_hierarchy_groups_level_2_id",
      "agent_hierarchy_groups_level_3_name",
      "agent_hierarchy_groups_level_3_arn",
      "agent_hierarchy_groups_level_3_id",
      "agent_hierarchy_groups_level_4_name",
      "agent_hierarchy_groups_level_4_arn",
      "agent_hierarchy_groups_level_4_id",
      "agent_hierarchy_groups_level_5_name",
      "agent_hierarchy_groups_level_5_arn",
      "agent_hierarchy_groups_level_5_id",
      "agent_routing_profile_name",
      "agent_routing_profile_arn",
      "agent_routing_profile_id",
      "agent_voice_enhancement_mode",
      "aws_contact_trace_record_format_version",
      "campaign_id",
      "customer_endpoint_type",
      "customer_endpoint_address",
      "transferred_endpoint_type",
      "transferred_endpoint_address",
      "system_endpoint_type",
      "system_endpoint_address",
      "recording_deletion_reason",
      "recording_location",
      "recording_status",
      "recording_type",
      "answering_machine_detection_status",
      "voice_id_result_authentication_result",
      "voice_id_result_fraud_detection_watch_list_id",
      "voice_id_result_speaker_id",
      "voice_id_result_fraud_detection_result",
      "voice_id_result_fraud_detection_fraudster_id",
      "voice_id_result_authentication_minimum_speech_ms",
      "voice_id_result_authentication_score",
      "voice_id_result_authentication_score_threshold",
      "voice_id_result_fraud_detection_risk_score_known_fraudster",
      "voice_id_result_fraud_detection_risk_score_synthetic_speech",
      "voice_id_result_fraud_detection_risk_score_voice_spoofing",
      "voice_id_result_fraud_detection_score_threshold",
      "voice_id_result_speaker_enrolled",
      "voice_id_result_speaker_opted_out",
      "voice_id_result_fraud_detection_reasons_items",
      "external_third_party_interaction_duration_ms",
      "agent_pause_duration_ms",
      "media_streams_items",
      "tags_references_items",
      "contact_details",
      "contact_evaluations",
      "references",
      "email_recipients",
      "additional_email_recipients",
      "agent_state_transitions",
      "recordings",
      "agent_device_platform_name",
      "agent_device_platform_version",
      "agent_device_operating_system",
      "customer_device_platform_name",
      "customer_device_platform_version",
      "customer_device_operating_system",
      "disconnect_details_potential_disconnect_issue",
      "last_resumed_timestamp",
      "last_paused_timestamp",
      "customer_voice_activity_greeting_start_timestamp",
      "customer_voice_activity_greeting_end_timestamp",
      "total_pause_duration_ms",
      "total_pause_count",
      "quality_metrics_agent_audio",
      "quality_metrics_customer_audio",
      "segment_attributes",
      "data_lake_last_processed_timestamp",
      "chat_contact_metrics_total_messages",
      "chat_contact_metrics_conversation_close_time_ms",
      "chat_contact_metrics_conversation_turn_count",
      "chat_contact_metrics_agent_first_response_timestamp",
      "chat_contact_metrics_agent_first_response_time_ms",
      "chat_contact_metrics_total_bot_messages",
      "chat_contact_metrics_total_bot_message_length_in_chars",
      "chat_contact_metrics_multi_party",
      "chat_agent_metrics_participant_id",
      "chat_agent_metrics_participant_type",
      "chat_agent_metrics_conversation_abandon",
      "chat_agent_metrics_messages_sent",
      "chat_agent_metrics_num_responses",
      "chat_agent_metrics_message_length_in_chars",
      "chat_agent_metrics_total_response_time_ms",
      "chat_agent_metrics_max_response_time_ms",
      "chat_agent_metrics_last_message_timestamp",
      "chat_customer_metrics_participant_id",
      "chat_customer_metrics_participant_type",
      "chat_customer_metrics_conversation_abandon",
      "chat_customer_metrics_messages_sent",
      "chat_customer_metrics_num_responses",
      "chat_customer_metrics_message_length_in_chars",
      "chat_customer_metrics_total_response_time_ms",
      "chat_customer_metrics_max_response_time_ms",
      "chat_customer_metrics_last_message_timestamp",
      "q_in_connect_session_arn",
      "ai_agents",
      "customer_phone_number_prefix",
      "agent_capabilities_video",
      "customer_capabilities_video",
      "contact_association_id",
      "contact_routing_queue_priority",
      "contact_routing_queue_time_adjustment_ms",
      "customer_endpoint_display_name",
      "system_endpoint_display_name",
      "transferred_endpoint_display_name",
      "disconnect_details_telemetry_inferred_reason",
      "quality_metrics_agent_reported_issue",
      "task_template_arn",
      "task_template_name",
      "routing_criteria",
      "agent_initiated_hold_duration_ms",
      "agent_accepted_by_agent_timestamp",
      "agent_preview_end_timestamp",
      "agent_capabilities_screen_share",
      "agent_active_region",
      "customer_id",
      "ring_start_timestamp",
      "contact_lens",
      "outbound_strategy",
      "global_resiliency_metadata",
      "voice_id_result",
      "record_version",
      "record_fidelity",
      "record_is_redacted",
      "record_catalogue_version",
      "record_hash",
      "record_position",
      "record_arrived_at",
      "record_loaded_at",
      "record_unmapped",
      "record_is_deleted"
    )
    SELECT
      s."instance_id",
      s."aws_account_id",
      s."contact_id",
      s."initial_contact_id",
      s."previous_contact_id",
      s."related_contact_id",
      s."next_contact_id",
      s."channel",
      s."initiation_method",
      s."initiation_timestamp",
      s."connected_to_system_timestamp",
      s."last_update_timestamp",
      s."scheduled_timestamp",
      s."transfer_completed_timestamp",
      s."disconnect_timestamp",
      s."disconnect_reason",
      s."queue_duration_ms",
      s."queue_dequeue_timestamp",
      s."queue_enqueue_timestamp",
      s."queue_name",
      s."queue_arn",
      s."queue_id",
      s."agent_connection_attempts",
      s."agent_connected_to_agent_timestamp",
      s."agent_interaction_duration_ms",
      s."agent_customer_hold_duration_ms",
      s."agent_number_of_holds",
      s."agent_longest_hold_duration_ms",
      s."agent_after_contact_work_start_timestamp",
      s."agent_after_contact_work_end_timestamp",
      s."agent_after_contact_work_duration_ms",
      s."attributes",
      s."agent_username",
      s."agent_arn",
      s."agent_id",
      s."instance_arn",
      s."agent_hierarchy_groups_level_1_name",
      s."agent_hierarchy_groups_level_1_arn",
      s."agent_hierarchy_groups_level_1_id",
      s."agent_hierarchy_groups_level_2_name",
      s."agent_hierarchy_groups_level_2_arn",
      s."agent_hierarchy_groups_level_2_id",
      s."agent_hierarchy_groups_level_3_name",
      s."agent_hierarchy_groups_level_3_arn",
      s."agent_hierarchy_groups_level_3_id",
      s."agent_hierarchy_groups_level_4_name",
      s."agent_hierarchy_groups_level_4_arn",
      s."agent_hierarchy_groups_level_4_id",
      s."agent_hierarchy_groups_level_5_name",
      s."agent_hierarchy_groups_level_5_arn",
      s."agent_hierarchy_groups_level_5_id",
      s."agent_routing_profile_name",
      s."agent_routing_profile_arn",
      s."agent_routing_profile_id",
      s."agent_voice_enhancement_mode",
      s."aws_contact_trace_record_format_version",
      s."campaign_id",
      s."customer_endpoint_type",
      s."customer_endpoint_address",
      s."transferred_endpoint_type",
      s."transferred_endpoint_address",
      s."system_endpoint_type",
      s."system_endpoint_address",
      s."recording_deletion_reason",
      s."recording_location",
      s."recording_status",
      s."recording_type",
      s."answering_machine_detection_status",
      s."voice_id_result_authentication_result",
      s."voice_id_result_fraud_detection_watch_list_id",
      s."voice_id_result_speaker_id",
      s."voice_id_result_fraud_detection_result",
      s."voice_id_result_fraud_detection_fraudster_id",
      s."voice_id_result_authentication_minimum_speech_ms",
      s."voice_id_result_authentication_score",
      s."voice_id_result_authentication_score_threshold",
      s."voice_id_result_fraud_detection_risk_score_known_fraudster",
      s."voice_id_result_fraud_detection_risk_score_synthetic_speech",
      s."voice_id_result_fraud_detection_risk_score_voice_spoofing",
      s."voice_id_result_fraud_detection_score_threshold",
      s."voice_id_result_speaker_enrolled",
      s."voice_id_result_speaker_opted_out",
      s."voice_id_result_fraud_detection_reasons_items",
      s."external_third_party_interaction_duration_ms",
      s."agent_pause_duration_ms",
      s."media_streams_items",
      s."tags_references_items",
      s."contact_details",
      s."contact_evaluations",
      s."references",
      s."email_recipients",
      s."additional_email_recipients",
      s."agent_state_transitions",
      s."recordings",
      s."agent_device_platform_name",
      s."agent_device_platform_version",
      s."agent_device_operating_system",
      s."customer_device_platform_name",
      s."customer_device_platform_version",
      s."customer_device_operating_system",
      s."disconnect_details_potential_disconnect_issue",
      s."last_resumed_timestamp",
      s."last_paused_timestamp",
      s."customer_voice_activity_greeting_start_timestamp",
      s."customer_voice_activity_greeting_end_timestamp",
      s."total_pause_duration_ms",
      s."total_pause_count",
      s."quality_metrics_agent_audio",
      s."quality_metrics_customer_audio",
      s."segment_attributes",
      s."data_lake_last_processed_timestamp",
      s."chat_contact_metrics_total_messages",
      s."chat_contact_metrics_conversation_close_time_ms",
      s."chat_contact_metrics_conversation_turn_count",
      s."chat_contact_metrics_agent_first_response_timestamp",
      s."chat_contact_metrics_agent_first_response_time_ms",
      s."chat_contact_metrics_total_bot_messages",
      s."chat_contact_metrics_total_bot_message_length_in_chars",
      s."chat_contact_metrics_multi_party",
      s."chat_agent_metrics_participant_id",
      s."chat_agent_metrics_participant_type",
      s."chat_agent_metrics_conversation_abandon",
      s."chat_agent_metrics_messages_sent",
      s."chat_agent_metrics_num_responses",
      s."chat_agent_metrics_message_length_in_chars",
      s."chat_agent_metrics_total_response_time_ms",
      s."chat_agent_metrics_max_response_time_ms",
      s."chat_agent_metrics_last_message_timestamp",
      s."chat_customer_metrics_participant_id",
      s."chat_customer_metrics_participant_type",
      s."chat_customer_metrics_conversation_abandon",
      s."chat_customer_metrics_messages_sent",
      s."chat_customer_metrics_num_responses",
      s."chat_customer_metrics_message_length_in_chars",
      s."chat_customer_metrics_total_response_time_ms",
      s."chat_customer_metrics_max_response_time_ms",
      s."chat_customer_metrics_last_message_timestamp",
      s."q_in_connect_session_arn",
      s."ai_agents",
      s."customer_phone_number_prefix",
      s."agent_capabilities_video",
      s."customer_capabilities_video",
      s."contact_association_id",
      s."contact_routing_queue_priority",
      s."contact_routing_queue_time_adjustment_ms",
      s."customer_endpoint_display_name",
      s."system_endpoint_display_name",
      s."transferred_endpoint_display_name",
      s."disconnect_details_telemetry_inferred_reason",
      s."quality_metrics_agent_reported_issue",
      s."task_template_arn",
      s."task_template_name",
      s."routing_criteria",
      s."agent_initiated_hold_duration_ms",
      s."agent_accepted_by_agent_timestamp",
      s."agent_preview_end_timestamp",
      s."agent_capabilities_screen_share",
      s."agent_active_region",
      s."customer_id",
      s."ring_start_timestamp",
      s."contact_lens",
      s."outbound_strategy",
      s."global_resiliency_metadata",
      s."voice_id_result",
      s."record_version",
      s."record_fidelity",
      s."record_is_redacted",
      s."record_catalogue_version",
      s."record_hash",
      s."record_position",
      s."record_arrived_at",
      s."record_loaded_at",
      s."record_unmapped",
      s."record_is_deleted"
    FROM "trunkline_f_calls_source" AS s
    WHERE s."record_row" NOT IN (SELECT b."record_row" FROM "trunkline_f_calls_beaten" AS b)
    ON CONFLICT ("contact_id") DO UPDATE SET
      "instance_id" = EXCLUDED."instance_id",
      "aws_account_id" = EXCLUDED."aws_account_id",
      "initial_contact_id" = EXCLUDED."initial_contact_id",
      "previous_contact_id" = EXCLUDED."previous_contact_id",
      "related_contact_id" = EXCLUDED."related_contact_id",
      "next_contact_id" = EXCLUDED."next_contact_id",
      "channel" = EXCLUDED."channel",
      "initiation_method" = EXCLUDED."initiation_method",
      "initiation_timestamp" = EXCLUDED."initiation_timestamp",
      "connected_to_system_timestamp" = EXCLUDED."connected_to_system_timestamp",
      "last_update_timestamp" = EXCLUDED."last_update_timestamp",
      "scheduled_timestamp" = EXCLUDED."scheduled_timestamp",
      "transfer_completed_timestamp" = EXCLUDED."transfer_completed_timestamp",
      "disconnect_timestamp" = EXCLUDED."disconnect_timestamp",
      "disconnect_reason" = EXCLUDED."disconnect_reason",
      "queue_duration_ms" = EXCLUDED."queue_duration_ms",
      "queue_dequeue_timestamp" = EXCLUDED."queue_dequeue_timestamp",
      "queue_enqueue_timestamp" = EXCLUDED."queue_enqueue_timestamp",
      "queue_name" = EXCLUDED."queue_name",
      "queue_arn" = EXCLUDED."queue_arn",
      "queue_id" = EXCLUDED."queue_id",
      "agent_connection_attempts" = EXCLUDED."agent_connection_attempts",
      "agent_connected_to_agent_timestamp" = EXCLUDED."agent_connected_to_agent_timestamp",
      "agent_interaction_duration_ms" = EXCLUDED."agent_interaction_duration_ms",
      "agent_customer_hold_duration_ms" = EXCLUDED."agent_customer_hold_duration_ms",
      "agent_number_of_holds" = EXCLUDED."agent_number_of_holds",
      "agent_longest_hold_duration_ms" = EXCLUDED."agent_longest_hold_duration_ms",
      "agent_after_contact_work_start_timestamp" = EXCLUDED."agent_after_contact_work_start_timestamp",
      "agent_after_contact_work_end_timestamp" = EXCLUDED."agent_after_contact_work_end_timestamp",
      "agent_after_contact_work_duration_ms" = EXCLUDED."agent_after_contact_work_duration_ms",
      "attributes" = EXCLUDED."attributes",
      "agent_username" = EXCLUDED."agent_username",
      "agent_arn" = EXCLUDED."agent_arn",
      "agent_id" = EXCLUDED."agent_id",
      "instance_arn" = EXCLUDED."instance_arn",
      "agent_hierarchy_groups_level_1_name" = EXCLUDED."agent_hierarchy_groups_level_1_name",
      "agent_hierarchy_groups_level_1_arn" = EXCLUDED."agent_hierarchy_groups_level_1_arn",
      "agent_hierarchy_groups_level_1_id" = EXCLUDED."agent_hierarchy_groups_level_1_id",
      "agent_hierarchy_groups_level_2_name" = EXCLUDED."agent_hierarchy_groups_level_2_name",
      "agent_hierarchy_groups_level_2_arn" = EXCLUDED."agent_hierarchy_groups_level_2_arn",
      "agent_hierarchy_groups_level_2_id" = EXCLUDED."agent_hierarchy_groups_level_2_id",
      "agent_hierarchy_groups_level_3_name" = EXCLUDED."agent_hierarchy_groups_level_3_name",
      "agent_hierarchy_groups_level_3_arn" = EXCLUDED."agent_hierarchy_groups_level_3_arn",
      "agent_hierarchy_groups_level_3_id" = EXCLUDED."agent_hierarchy_groups_level_3_id",
      "agent_hierarchy_groups_level_4_name" = EXCLUDED."agent_hierarchy_groups_level_4_name",
      "agent_hierarchy_groups_level_4_arn" = EXCLUDED."agent_hierarchy_groups_level_4_arn",
      "agent_hierarchy_groups_level_4_id" = EXCLUDED."agent_hierarchy_groups_level_4_id",
      "agent_hierarchy_groups_level_5_name" = EXCLUDED."agent_hierarchy_groups_level_5_name",
      "agent_hierarchy_groups_level_5_arn" = EXCLUDED."agent_hierarchy_groups_level_5_arn",
      "agent_hierarchy_groups_level_5_id" = EXCLUDED."agent_hierarchy_groups_level_5_id",
      "agent_routing_profile_name" = EXCLUDED."agent_routing_profile_name",
      "agent_routing_profile_arn" = EXCLUDED."agent_routing_profile_arn",
      "agent_routing_profile_id" = EXCLUDED."agent_routing_profile_id",
      "agent_voice_enhancement_mode" = EXCLUDED."agent_voice_enhancement_mode",
      "aws_contact_trace_record_format_version" = EXCLUDED."aws_contact_trace_record_format_version",
      "campaign_id" = EXCLUDED."campaign_id",
      "customer_endpoint_type" = EXCLUDED."customer_endpoint_type",
      "customer_endpoint_address" = EXCLUDED."customer_endpoint_address",
      "transferred_endpoint_type" = EXCLUDED."transferred_endpoint_type",
      "transferred_endpoint_address" = EXCLUDED."transferred_endpoint_address",
      "system_endpoint_type" = EXCLUDED."system_endpoint_type",
      "system_endpoint_address" = EXCLUDED."system_endpoint_address",
      "recording_deletion_reason" = EXCLUDED."recording_deletion_reason",
      "recording_location" = EXCLUDED."recording_location",
      "recording_status" = EXCLUDED."recording_status",
      "recording_type" = EXCLUDED."recording_type",
      "answering_machine_detection_status" = EXCLUDED."answering_machine_detection_status",
      "voice_id_result_authentication_result" = EXCLUDED."voice_id_result_authentication_result",
      "voice_id_result_fraud_detection_watch_list_id" = EXCLUDED."voice_id_result_fraud_detection_watch_list_id",
      "voice_id_result_speaker_id" = EXCLUDED."voice_id_result_speaker_id",
      "voice_id_result_fraud_detection_result" = EXCLUDED."voice_id_result_fraud_detection_result",
      "voice_id_result_fraud_detection_fraudster_id" = EXCLUDED."voice_id_result_fraud_detection_fraudster_id",
      "voice_id_result_authentication_minimum_speech_ms" = EXCLUDED."voice_id_result_authentication_minimum_speech_ms",
      "voice_id_result_authentication_score" = EXCLUDED."voice_id_result_authentication_score",
      "voice_id_result_authentication_score_threshold" = EXCLUDED."voice_id_result_authentication_score_threshold",
      "voice_id_result_fraud_detection_risk_score_known_fraudster" = EXCLUDED."voice_id_result_fraud_detection_risk_score_known_fraudster",
      "voice_id_result_fraud_detection_risk_score_synthetic_speech" = EXCLUDED."voice_id_result_fraud_detection_risk_score_synthetic_speech",
      "voice_id_result_fraud_detection_risk_score_voice_spoofing" = EXCLUDED."voice_id_result_fraud_detection_risk_score_voice_spoofing",
      "voice_id_result_fraud_detection_score_threshold" = EXCLUDED."voice_id_result_fraud_detection_score_threshold",
      "voice_id_result_speaker_enrolled" = EXCLUDED."voice_id_result_speaker_enrolled",
      "voice_id_result_speaker_opted_out" = EXCLUDED."voice_id_result_speaker_opted_out",
      "voice_id_result_fraud_detection_reasons_items" = EXCLUDED."voice_id_result_fraud_detection_reasons_items",
      "external_third_party_interaction_duration_ms" = EXCLUDED."external_third_party_interaction_duration_ms",
      "agent_pause_duration_ms" = EXCLUDED."agent_pause_duration_ms",
      "media_streams_items" = EXCLUDED."media_streams_items",
      "tags_references_items" = EXCLUDED."tags_references_items",
      "contact_details" = EXCLUDED."contact_details",
      "contact_evaluations" = EXCLUDED."contact_evaluations",
      "references" = EXCLUDED."references",
      "email_recipients" = EXCLUDED."email_recipients",
      "additional_email_recipients" = EXCLUDED."additional_email_recipients",
      "agent_state_transitions" = EXCLUDED."agent_state_transitions",
      "recordings" = EXCLUDED."recordings",
      "agent_device_platform_name" = EXCLUDED."agent_device_platform_name",
      "agent_device_platform_version" = EXCLUDED."agent_device_platform_version",
      "agent_device_operating_system" = EXCLUDED."agent_device_operating_system",
      "customer_device_platform_name" = EXCLUDED."customer_device_platform_name",
      "customer_device_platform_version" = EXCLUDED."customer_device_platform_version",
      "customer_device_operating_system" = EXCLUDED."customer_device_operating_system",
      "disconnect_details_potential_disconnect_issue" = EXCLUDED."disconnect_details_potential_disconnect_issue",
      "last_resumed_timestamp" = EXCLUDED."last_resumed_timestamp",
      "last_paused_timestamp" = EXCLUDED."last_paused_timestamp",
      "customer_voice_activity_greeting_start_timestamp" = EXCLUDED."customer_voice_activity_greeting_start_timestamp",
      "customer_voice_activity_greeting_end_timestamp" = EXCLUDED."customer_voice_activity_greeting_end_timestamp",
      "total_pause_duration_ms" = EXCLUDED."total_pause_duration_ms",
      "total_pause_count" = EXCLUDED."total_pause_count",
      "quality_metrics_agent_audio" = EXCLUDED."quality_metrics_agent_audio",
      "quality_metrics_customer_audio" = EXCLUDED."quality_metrics_customer_audio",
      "segment_attributes" = EXCLUDED."segment_attributes",
      "data_lake_last_processed_timestamp" = EXCLUDED."data_lake_last_processed_timestamp",
      "chat_contact_metrics_total_messages" = EXCLUDED."chat_contact_metrics_total_messages",
      "chat_contact_metrics_conversation_close_time_ms" = EXCLUDED."chat_contact_metrics_conversation_close_time_ms",
      "chat_contact_metrics_conversation_turn_count" = EXCLUDED."chat_contact_metrics_conversation_turn_count",
      "chat_contact_metrics_agent_first_response_timestamp" = EXCLUDED."chat_contact_metrics_agent_first_response_timestamp",
      "chat_contact_metrics_agent_first_response_time_ms" = EXCLUDED."chat_contact_metrics_agent_first_response_time_ms",
      "chat_contact_metrics_total_bot_messages" = EXCLUDED."chat_contact_metrics_total_bot_messages",
      "chat_contact_metrics_total_bot_message_length_in_chars" = EXCLUDED."chat_contact_metrics_total_bot_message_length_in_chars",
      "chat_contact_metrics_multi_party" = EXCLUDED."chat_contact_metrics_multi_party",
      "chat_agent_metrics_participant_id" = EXCLUDED."chat_agent_metrics_participant_id",
      "chat_agent_metrics_participant_type" = EXCLUDED."chat_agent_metrics_participant_type",
      "chat_agent_metrics_conversation_abandon" = EXCLUDED."chat_agent_metrics_conversation_abandon",
      "chat_agent_metrics_messages_sent" = EXCLUDED."chat_agent_metrics_messages_sent",
      "chat_agent_metrics_num_responses" = EXCLUDED."chat_agent_metrics_num_responses",
      "chat_agent_metrics_message_length_in_chars" = EXCLUDED."chat_agent_metrics_message_length_in_chars",
      "chat_agent_metrics_total_response_time_ms" = EXCLUDED."chat_agent_metrics_total_response_time_ms",
      "chat_agent_metrics_max_response_time_ms" = EXCLUDED."chat_agent_metrics_max_response_time_ms",
      "chat_agent_metrics_last_message_timestamp" = EXCLUDED."chat_agent_metrics_last_message_timestamp",
      "chat_customer_metrics_participant_id" = EXCLUDED."chat_customer_metrics_participant_id",
      "chat_customer_metrics_participant_type" = EXCLUDED."chat_customer_metrics_participant_type",
      "chat_customer_metrics_conversation_abandon" = EXCLUDED."chat_customer_metrics_conversation_abandon",
      "chat_customer_metrics_messages_sent" = EXCLUDED."chat_customer_metrics_messages_sent",
      "chat_customer_metrics_num_responses" = EXCLUDED."chat_customer_metrics_num_responses",
      "chat_customer_metrics_message_length_in_chars" = EXCLUDED."chat_customer_metrics_message_length_in_chars",
      "chat_customer_metrics_total_response_time_ms" = EXCLUDED."chat_customer_metrics_total_response_time_ms",
      "chat_customer_metrics_max_response_time_ms" = EXCLUDED."chat_customer_metrics_max_response_time_ms",
      "chat_customer_metrics_last_message_timestamp" = EXCLUDED."chat_customer_metrics_last_message_timestamp",
      "q_in_connect_session_arn" = EXCLUDED."q_in_connect_session_arn",
      "ai_agents" = EXCLUDED."ai_agents",
      "customer_phone_number_prefix" = EXCLUDED."customer_phone_number_prefix",
      "agent_capabilities_video" = EXCLUDED."agent_capabilities_video",
      "customer_capabilities_video" = EXCLUDED."customer_capabilities_video",
      "contact_association_id" = EXCLUDED."contact_association_id",
      "contact_routing_queue_priority" = EXCLUDED."contact_routing_queue_priority",
      "contact_routing_queue_time_adjustment_ms" = EXCLUDED."contact_routing_queue_time_adjustment_ms",
      "customer_endpoint_display_name" = EXCLUDED."customer_endpoint_display_name",
      "system_endpoint_display_name" = EXCLUDED."system_endpoint_display_name",
      "transferred_endpoint_display_name" = EXCLUDED."transferred_endpoint_display_name",
      "disconnect_details_telemetry_inferred_reason" = EXCLUDED."disconnect_details_telemetry_inferred_reason",
      "quality_metrics_agent_reported_issue" = EXCLUDED."quality_metrics_agent_reported_issue",
      "task_template_arn" = EXCLUDED."task_template_arn",
      "task_template_name" = EXCLUDED."task_template_name",
      "routing_criteria" = EXCLUDED."routing_criteria",
      "agent_initiated_hold_duration_ms" = EXCLUDED."agent_initiated_hold_duration_ms",
      "agent_accepted_by_agent_timestamp" = EXCLUDED."agent_accepted_by_agent_timestamp",
      "agent_preview_end_timestamp" = EXCLUDED."agent_preview_end_timestamp",
      "agent_capabilities_screen_share" = EXCLUDED."agent_capabilities_screen_share",
      "agent_active_region" = EXCLUDED."agent_active_region",
      "customer_id" = EXCLUDED."customer_id",
      "ring_start_timestamp" = EXCLUDED."ring_start_timestamp",
      "contact_lens" = EXCLUDED."contact_lens",
      "outbound_strategy" = EXCLUDED."outbound_strategy",
      "global_resiliency_metadata" = EXCLUDED."global_resiliency_metadata",
      "voice_id_result" = EXCLUDED."voice_id_result",
      "record_version" = EXCLUDED."record_version",
      "record_fidelity" = EXCLUDED."record_fidelity",
      "record_is_redacted" = EXCLUDED."record_is_redacted",
      "record_catalogue_version" = EXCLUDED."record_catalogue_version",
      "record_hash" = EXCLUDED."record_hash",
      "record_position" = EXCLUDED."record_position",
      "record_arrived_at" = EXCLUDED."record_arrived_at",
      "record_loaded_at" = EXCLUDED."record_loaded_at",
      "record_unmapped" = EXCLUDED."record_unmapped",
      "record_is_deleted" = EXCLUDED."record_is_deleted"
    WHERE NOT t."record_is_deleted"
      AND COALESCE(CAST(EXCLUDED."initiation_timestamp" AS DATE), DATE '1970-01-01') = COALESCE(CAST(t."initiation_timestamp" AS DATE), DATE '1970-01-01')
      AND CASE
        WHEN COALESCE(EXCLUDED."record_fidelity", '') COLLATE "C" > COALESCE(t."record_fidelity", '') COLLATE "C" THEN 1
        WHEN COALESCE(EXCLUDED."record_fidelity", '') COLLATE "C" < COALESCE(t."record_fidelity", '') COLLATE "C" THEN -1
        WHEN COALESCE(EXCLUDED."record_version", '') COLLATE "C" > COALESCE(t."record_version", '') COLLATE "C" THEN 1
        WHEN COALESCE(EXCLUDED."record_version", '') COLLATE "C" < COALESCE(t."record_version", '') COLLATE "C" THEN -1
        WHEN CASE WHEN EXCLUDED."record_is_redacted" THEN 1 ELSE 0 END > CASE WHEN t."record_is_redacted" THEN 1 ELSE 0 END THEN 1
        WHEN CASE WHEN EXCLUDED."record_is_redacted" THEN 1 ELSE 0 END < CASE WHEN t."record_is_redacted" THEN 1 ELSE 0 END THEN -1
        WHEN COALESCE(EXCLUDED."record_catalogue_version", 0) > COALESCE(t."record_catalogue_version", 0) THEN 1
        WHEN COALESCE(EXCLUDED."record_catalogue_version", 0) < COALESCE(t."record_catalogue_version", 0) THEN -1
        WHEN COALESCE(EXCLUDED."record_hash", '') COLLATE "C" > COALESCE(t."record_hash", '') COLLATE "C" THEN 1
        WHEN COALESCE(EXCLUDED."record_hash", '') COLLATE "C" < COALESCE(t."record_hash", '') COLLATE "C" THEN -1
        WHEN COALESCE(CAST(EXCLUDED."attributes" AS TEXT), '') COLLATE "C" > COALESCE(CAST(t."attributes" AS TEXT), '') COLLATE "C" THEN 1
        WHEN COALESCE(CAST(EXCLUDED."attributes" AS TEXT), '') COLLATE "C" < COALESCE(CAST(t."attributes" AS TEXT), '') COLLATE "C" THEN -1
        WHEN COALESCE(EXCLUDED."customer_endpoint_address", '') COLLATE "C" > COALESCE(t."customer_endpoint_address", '') COLLATE "C" THEN 1
        WHEN COALESCE(EXCLUDED."customer_endpoint_address", '') COLLATE "C" < COALESCE(t."customer_endpoint_address", '') COLLATE "C" THEN -1
        WHEN COALESCE(EXCLUDED."transferred_endpoint_address", '') COLLATE "C" > COALESCE(t."transferred_endpoint_address", '') COLLATE "C" THEN 1
        WHEN COALESCE(EXCLUDED."transferred_endpoint_address", '') COLLATE "C" < COALESCE(t."transferred_endpoint_address", '') COLLATE "C" THEN -1
        WHEN COALESCE(EXCLUDED."system_endpoint_address", '') COLLATE "C" > COALESCE(t."system_endpoint_address", '') COLLATE "C" THEN 1
        WHEN COALESCE(EXCLUDED."system_endpoint_address", '') COLLATE "C" < COALESCE(t."system_endpoint_address", '') COLLATE "C" THEN -1
        WHEN COALESCE(CAST(EXCLUDED."tags_references_items" AS TEXT), '') COLLATE "C" > COALESCE(CAST(t."tags_references_items" AS TEXT), '') COLLATE "C" THEN 1
        WHEN COALESCE(CAST(EXCLUDED."tags_references_items" AS TEXT), '') COLLATE "C" < COALESCE(CAST(t."tags_references_items" AS TEXT), '') COLLATE "C" THEN -1
        WHEN COALESCE(CAST(EXCLUDED."contact_details" AS TEXT), '') COLLATE "C" > COALESCE(CAST(t."contact_details" AS TEXT), '') COLLATE "C" THEN 1
        WHEN COALESCE(CAST(EXCLUDED."contact_details" AS TEXT), '') COLLATE "C" < COALESCE(CAST(t."contact_details" AS TEXT), '') COLLATE "C" THEN -1
        WHEN COALESCE(CAST(EXCLUDED."references" AS TEXT), '') COLLATE "C" > COALESCE(CAST(t."references" AS TEXT), '') COLLATE "C" THEN 1
        WHEN COALESCE(CAST(EXCLUDED."references" AS TEXT), '') COLLATE "C" < COALESCE(CAST(t."references" AS TEXT), '') COLLATE "C" THEN -1
        WHEN COALESCE(CAST(EXCLUDED."additional_email_recipients" AS TEXT), '') COLLATE "C" > COALESCE(CAST(t."additional_email_recipients" AS TEXT), '') COLLATE "C" THEN 1
        WHEN COALESCE(CAST(EXCLUDED."additional_email_recipients" AS TEXT), '') COLLATE "C" < COALESCE(CAST(t."additional_email_recipients" AS TEXT), '') COLLATE "C" THEN -1
        WHEN COALESCE(CAST(EXCLUDED."segment_attributes" AS TEXT), '') COLLATE "C" > COALESCE(CAST(t."segment_attributes" AS TEXT), '') COLLATE "C" THEN 1
        WHEN COALESCE(CAST(EXCLUDED."segment_attributes" AS TEXT), '') COLLATE "C" < COALESCE(CAST(t."segment_attributes" AS TEXT), '') COLLATE "C" THEN -1
        WHEN COALESCE(EXCLUDED."customer_endpoint_display_name", '') COLLATE "C" > COALESCE(t."customer_endpoint_display_name", '') COLLATE "C" THEN 1
        WHEN COALESCE(EXCLUDED."customer_endpoint_display_name", '') COLLATE "C" < COALESCE(t."customer_endpoint_display_name", '') COLLATE "C" THEN -1
        WHEN COALESCE(EXCLUDED."transferred_endpoint_display_name", '') COLLATE "C" > COALESCE(t."transferred_endpoint_display_name", '') COLLATE "C" THEN 1
        WHEN COALESCE(EXCLUDED."transferred_endpoint_display_name", '') COLLATE "C" < COALESCE(t."transferred_endpoint_display_name", '') COLLATE "C" THEN -1
        WHEN COALESCE(EXCLUDED."customer_id", '') COLLATE "C" > COALESCE(t."customer_id", '') COLLATE "C" THEN 1
        WHEN COALESCE(EXCLUDED."customer_id", '') COLLATE "C" < COALESCE(t."customer_id", '') COLLATE "C" THEN -1
        WHEN COALESCE(CAST(EXCLUDED."record_unmapped" AS TEXT), '') COLLATE "C" > COALESCE(CAST(t."record_unmapped" AS TEXT), '') COLLATE "C" THEN 1
        WHEN COALESCE(CAST(EXCLUDED."record_unmapped" AS TEXT), '') COLLATE "C" < COALESCE(CAST(t."record_unmapped" AS TEXT), '') COLLATE "C" THEN -1
        ELSE 0
      END = 1
    RETURNING t.xmax = 0 AS "record_is_new", t."record_is_deleted" AS "record_is_ended"
  )
  SELECT INTO record_n_merged, record_n_inserted, record_n_updated, record_n_deleted
    COUNT(*),
    COUNT(*) FILTER (WHERE m."record_is_new" AND NOT m."record_is_ended"),
    COUNT(*) FILTER (WHERE NOT m."record_is_new" AND NOT m."record_is_ended"),
    COUNT(*) FILTER (WHERE NOT m."record_is_new" AND m."record_is_ended")
  FROM merged AS m;

  -- What is left over is a copy of the table's row (0), or late (-1), or better (1) than a row that says deleted or
  -- lies at another date. Rows that went in equal the table's by now, as copies do.
  record_n_late := 0;
  IF record_n_merged < record_n_keys THEN
    CREATE TEMP TABLE "trunkline_f_calls_verdict" AS
    SELECT r.*
    FROM (
      SELECT s."contact_id", s."record_row", s."record_is_deleted" AS "record_is_ended",
        t."record_is_deleted" AS "record_is_held_deleted",
        COALESCE(CAST(s."initiation_timestamp" AS DATE), DATE '1970-01-01') <> COALESCE(CAST(t."initiation_timestamp" AS DATE), DATE '1970-01-01') AS "record_is_moved",
        CASE
          WHEN COALESCE(s."record_fidelity", '') COLLATE "C" > COALESCE(t."record_fidelity", '') COLLATE "C" THEN 1
          WHEN COALESCE(s."record_fidelity", '') COLLATE "C" < COALESCE(t."record_fidelity", '') COLLATE "C" THEN -1
          WHEN COALESCE(s."record_version", '') COLLATE "C" > COALESCE(t."record_version", '') COLLATE "C" THEN 1
          WHEN COALESCE(s."record_version", '') COLLATE "C" < COALESCE(t."record_version", '') COLLATE "C" THEN -1
          WHEN CASE WHEN s."record_is_redacted" THEN 1 ELSE 0 END > CASE WHEN t."record_is_redacted" THEN 1 ELSE 0 END THEN 1
          WHEN CASE WHEN s."record_is_redacted" THEN 1 ELSE 0 END < CASE WHEN t."record_is_redacted" THEN 1 ELSE 0 END THEN -1
          WHEN COALESCE(s."record_catalogue_version", 0) > COALESCE(t."record_catalogue_version", 0) THEN 1
          WHEN COALESCE(s."record_catalogue_version", 0) < COALESCE(t."record_catalogue_version", 0) THEN -1
          WHEN COALESCE(s."record_hash", '') COLLATE "C" > COALESCE(t."record_hash", '') COLLATE "C" THEN 1
          WHEN COALESCE(s."record_hash", '') COLLATE "C" < COALESCE(t."record_hash", '') COLLATE "C" THEN -1
          WHEN COALESCE(CAST(s."attributes" AS TEXT), '') COLLATE "C" > COALESCE(CAST(t."attributes" AS TEXT), '') COLLATE "C" THEN 1
          WHEN COALESCE(CAST(s."attributes" AS TEXT), '') COLLATE "C" < COALESCE(CAST(t."attributes" AS TEXT), '') COLLATE "C" THEN -1
          WHEN COALESCE(s."customer_endpoint_address", '') COLLATE "C" > COALESCE(t."customer_endpoint_address", '') COLLATE "C" THEN 1
          WHEN COALESCE(s."customer_endpoint_address", '') COLLATE "C" < COALESCE(t."customer_endpoint_address", '') COLLATE "C" THEN -1
          WHEN COALESCE(s."transferred_endpoint_address", '') COLLATE "C" > COALESCE(t."transferred_endpoint_address", '') COLLATE "C" THEN 1
          WHEN COALESCE(s."transferred_endpoint_address", '') COLLATE "C" < COALESCE(t."transferred_endpoint_address", '') COLLATE "C" THEN -1
          WHEN COALESCE(s."system_endpoint_address", '') COLLATE "C" > COALESCE(t."system_endpoint_address", '') COLLATE "C" THEN 1
          WHEN COALESCE(s."system_endpoint_address", '') COLLATE "C" < COALESCE(t."system_endpoint_address", '') COLLATE "C" THEN -1
          WHEN COALESCE(CAST(s."tags_references_items" AS TEXT), '') COLLATE "C" > COALESCE(CAST(t."tags_references_items" AS TEXT), '') COLLATE "C" THEN 1
          WHEN COALESCE(CAST(s."tags_references_items" AS TEXT), '') COLLATE "C" < COALESCE(CAST(t."tags_references_items" AS TEXT), '') COLLATE "C" THEN -1
          WHEN COALESCE(CAST(s."contact_details" AS TEXT), '') COLLATE "C" > COALESCE(CAST(t."contact_details" AS TEXT), '') COLLATE "C" THEN 1
          WHEN COALESCE(CAST(s."contact_details" AS TEXT), '') COLLATE "C" < COALESCE(CAST(t."contact_details" AS TEXT), '') COLLATE "C" THEN -1
          WHEN COALESCE(CAST(s."references" AS TEXT), '') COLLATE "C" > COALESCE(CAST(t."references" AS TEXT), '') COLLATE "C" THEN 1
          WHEN COALESCE(CAST(s."references" AS TEXT), '') COLLATE "C" < COALESCE(CAST(t."references" AS TEXT), '') COLLATE "C" THEN -1
          WHEN COALESCE(CAST(s."additional_email_recipients" AS TEXT), '') COLLATE "C" > COALESCE(CAST(t."additional_email_recipients" AS TEXT), '') COLLATE "C" THEN 1
          WHEN COALESCE(CAST(s."additional_email_recipients" AS TEXT), '') COLLATE "C" < COALESCE(CAST(t."additional_email_recipients" AS TEXT), '') COLLATE "C" THEN -1
          WHEN COALESCE(CAST(s."segment_attributes" AS TEXT), '') COLLATE "C" > COALESCE(CAST(t."segment_attributes" AS TEXT), '') COLLATE "C" THEN 1
          WHEN COALESCE(CAST(s."segment_attributes" AS TEXT), '') COLLATE "C" < COALESCE(CAST(t."segment_attributes" AS TEXT), '') COLLATE "C" THEN -1
          WHEN COALESCE(s."customer_endpoint_display_name", '') COLLATE "C" > COALESCE(t."customer_endpoint_display_name", '') COLLATE "C" THEN 1
          WHEN COALESCE(s."customer_endpoint_display_name", '') COLLATE "C" < COALESCE(t."customer_endpoint_display_name", '') COLLATE "C" THEN -1
          WHEN COALESCE(s."transferred_endpoint_display_name", '') COLLATE "C" > COALESCE(t."transferred_endpoint_display_name", '') COLLATE "C" THEN 1
          WHEN COALESCE(s."transferred_endpoint_display_name", '') COLLATE "C" < COALESCE(t."transferred_endpoint_display_name", '') COLLATE "C" THEN -1
          WHEN COALESCE(s."customer_id", '') COLLATE "C" > COALESCE(t."customer_id", '') COLLATE "C" THEN 1
          WHEN COALESCE(s."customer_id", '') COLLATE "C" < COALESCE(t."customer_id", '') COLLATE "C" THEN -1
          WHEN COALESCE(CAST(s."record_unmapped" AS TEXT), '') COLLATE "C" > COALESCE(CAST(t."record_unmapped" AS TEXT), '') COLLATE "C" THEN 1
          WHEN COALESCE(CAST(s."record_unmapped" AS TEXT), '') COLLATE "C" < COALESCE(CAST(t."record_unmapped" AS TEXT), '') COLLATE "C" THEN -1
          ELSE 0
        END AS "record_comparison"
      FROM "trunkline_f_calls_source" AS s
      JOIN "connect"."f_calls" AS t ON t."contact_id" = s."contact_id"
      WHERE s."record_row" NOT IN (SELECT b."record_row" FROM "trunkline_f_calls_beaten" AS b)
    ) AS r
    WHERE r."record_comparison" <> 0 OR r."record_is_moved";

    -- For who keeps a lake beside the table: its rows that lie at another date than a staged row of their key.
    CREATE TEMP TABLE "trunkline_f_calls_elsewhere" ON COMMIT DROP AS
    SELECT
      t."contact_id",
      COALESCE(CAST(t."initiation_timestamp" AS DATE), DATE '1970-01-01') AS record_held_date,
      t."record_fidelity",
      t."record_version",
      t."record_is_redacted",
      t."record_catalogue_version",
      t."record_hash",
      t."record_position",
      t."record_arrived_at",
      t."record_loaded_at"
    FROM "trunkline_f_calls_verdict" AS v
    JOIN "connect"."f_calls" AS t ON t."contact_id" = v."contact_id"
    WHERE EXISTS (
      SELECT 1 FROM "trunkline_f_calls_source" AS s
      WHERE s."contact_id" = v."contact_id"
        AND COALESCE(CAST(s."initiation_timestamp" AS DATE), DATE '1970-01-01') <> COALESCE(CAST(t."initiation_timestamp" AS DATE), DATE '1970-01-01')
    );

    -- What comes over a row that says deleted is a new row.
    SELECT INTO record_n_better, record_n_revived, record_n_replaced, record_n_ended, record_n_late
      COUNT(*) FILTER (WHERE v."record_comparison" = 1),
      COUNT(*) FILTER (WHERE v."record_comparison" = 1 AND v."record_is_held_deleted" AND NOT v."record_is_ended"),
      COUNT(*) FILTER (WHERE v."record_comparison" = 1 AND NOT v."record_is_held_deleted" AND NOT v."record_is_ended"),
      COUNT(*) FILTER (WHERE v."record_comparison" = 1 AND NOT v."record_is_held_deleted" AND v."record_is_ended"),
      COUNT(*) FILTER (WHERE v."record_comparison" = -1)
    FROM "trunkline_f_calls_verdict" AS v;
    record_n_inserted := record_n_inserted + record_n_revived;
    record_n_updated := record_n_updated + record_n_replaced;
    record_n_deleted := record_n_deleted + record_n_ended;
    IF record_n_better > 0 THEN
      DELETE FROM "connect"."f_calls" AS t
      USING "trunkline_f_calls_verdict" AS v
      WHERE t."contact_id" = v."contact_id" AND v."record_comparison" = 1;
      INSERT INTO "connect"."f_calls" (
        "instance_id",
        "aws_account_id",
        "contact_id",
        "initial_contact_id",
        "previous_contact_id",
        "related_contact_id",
        "next_contact_id",
        "channel",
        "initiation_method",
        "initiation_timestamp",
        "connected_to_system_timestamp",
        "last_update_timestamp",
        "scheduled_timestamp",
        "transfer_completed_timestamp",
        "disconnect_timestamp",
        "disconnect_reason",
        "queue_duration_ms",
        "queue_dequeue_timestamp",
        "queue_enqueue_timestamp",
        "queue_name",
        "queue_arn",
        "queue_id",
        "agent_connection_attempts",
        "agent_connected_to_agent_timestamp",
        "agent_interaction_duration_ms",
        "agent_customer_hold_duration_ms",
        "agent_number_of_holds",
        "agent_longest_hold_duration_ms",
        "agent_after_contact_work_start_timestamp",
        "agent_after_contact_work_end_timestamp",
        "agent_after_contact_work_duration_ms",
        "attributes",
        "agent_username",
        "agent_arn",
        "agent_id",
        "instance_arn",
        "agent_hierarchy_groups_level_1_name",
        "agent_hierarchy_groups_level_1_arn",
        "agent_hierarchy_groups_level_1_id",
        "agent_hierarchy_groups_level_2_name",
        "agent_hierarchy_groups_level_2_arn",
        "agent_hierarchy_groups_level_2_id",
        "agent_hierarchy_groups_level_3_name",
        "agent_hierarchy_groups_level_3_arn",
        "agent_hierarchy_groups_level_3_id",
        "agent_hierarchy_groups_level_4_name",
        "agent_hierarchy_groups_level_4_arn",
        "agent_hierarchy_groups_level_4_id",
        "agent_hierarchy_groups_level_5_name",
        "agent_hierarchy_groups_level_5_arn",
        "agent_hierarchy_groups_level_5_id",
        "agent_routing_profile_name",
        "agent_routing_profile_arn",
        "agent_routing_profile_id",
        "agent_voice_enhancement_mode",
        "aws_contact_trace_record_format_version",
        "campaign_id",
        "customer_endpoint_type",
        "customer_endpoint_address",
        "transferred_endpoint_type",
        "transferred_endpoint_address",
        "system_endpoint_type",
        "system_endpoint_address",
        "recording_deletion_reason",
        "recording_location",
        "recording_status",
        "recording_type",
        "answering_machine_detection_status",
        "voice_id_result_authentication_result",
        "voice_id_result_fraud_detection_watch_list_id",
        "voice_id_result_speaker_id",
        "voice_id_result_fraud_detection_result",
        "voice_id_result_fraud_detection_fraudster_id",
        "voice_id_result_authentication_minimum_speech_ms",
        "voice_id_result_authentication_score",
        "voice_id_result_authentication_score_threshold",
        "voice_id_result_fraud_detection_risk_score_known_fraudster",
        "voice_id_result_fraud_detection_risk_score_synthetic_speech",
        "voice_id_result_fraud_detection_risk_score_voice_spoofing",
        "voice_id_result_fraud_detection_score_threshold",
        "voice_id_result_speaker_enrolled",
        "voice_id_result_speaker_opted_out",
        "voice_id_result_fraud_detection_reasons_items",
        "external_third_party_interaction_duration_ms",
        "agent_pause_duration_ms",
        "media_streams_items",
        "tags_references_items",
        "contact_details",
        "contact_evaluations",
        "references",
        "email_recipients",
        "additional_email_recipients",
        "agent_state_transitions",
        "recordings",
        "agent_device_platform_name",
        "agent_device_platform_version",
        "agent_device_operating_system",
        "customer_device_platform_name",
        "customer_device_platform_version",
        "customer_device_operating_system",
        "disconnect_details_potential_disconnect_issue",
        "last_resumed_timestamp",
        "last_paused_timestamp",
        "customer_voice_activity_greeting_start_timestamp",
        "customer_voice_activity_greeting_end_timestamp",
        "total_pause_duration_ms",
        "total_pause_count",
        "quality_metrics_agent_audio",
        "quality_metrics_customer_audio",
        "segment_attributes",
        "data_lake_last_processed_timestamp",
        "chat_contact_metrics_total_messages",
        "chat_contact_metrics_conversation_close_time_ms",
        "chat_contact_metrics_conversation_turn_count",
        "chat_contact_metrics_agent_first_response_timestamp",
        "chat_contact_metrics_agent_first_response_time_ms",
        "chat_contact_metrics_total_bot_messages",
        "chat_contact_metrics_total_bot_message_length_in_chars",
        "chat_contact_metrics_multi_party",
        "chat_agent_metrics_participant_id",
        "chat_agent_metrics_participant_type",
        "chat_agent_metrics_conversation_abandon",
        "chat_agent_metrics_messages_sent",
        "chat_agent_metrics_num_responses",
        "chat_agent_metrics_message_length_in_chars",
        "chat_agent_metrics_total_response_time_ms",
        "chat_agent_metrics_max_response_time_ms",
        "chat_agent_metrics_last_message_timestamp",
        "chat_customer_metrics_participant_id",
        "chat_customer_metrics_participant_type",
        "chat_customer_metrics_conversation_abandon",
        "chat_customer_metrics_messages_sent",
        "chat_customer_metrics_num_responses",
        "chat_customer_metrics_message_length_in_chars",
        "chat_customer_metrics_total_response_time_ms",
        "chat_customer_metrics_max_response_time_ms",
        "chat_customer_metrics_last_message_timestamp",
        "q_in_connect_session_arn",
        "ai_agents",
        "customer_phone_number_prefix",
        "agent_capabilities_video",
        "customer_capabilities_video",
        "contact_association_id",
        "contact_routing_queue_priority",
        "contact_routing_queue_time_adjustment_ms",
        "customer_endpoint_display_name",
        "system_endpoint_display_name",
        "transferred_endpoint_display_name",
        "disconnect_details_telemetry_inferred_reason",
        "quality_metrics_agent_reported_issue",
        "task_template_arn",
        "task_template_name",
        "routing_criteria",
        "agent_initiated_hold_duration_ms",
        "agent_accepted_by_agent_timestamp",
        "agent_preview_end_timestamp",
        "agent_capabilities_screen_share",
        "agent_active_region",
        "customer_id",
        "ring_start_timestamp",
        "contact_lens",
        "outbound_strategy",
        "global_resiliency_metadata",
        "voice_id_result",
        "record_version",
        "record_fidelity",
        "record_is_redacted",
        "record_catalogue_version",
        "record_hash",
        "record_position",
        "record_arrived_at",
        "record_loaded_at",
        "record_unmapped",
        "record_is_deleted"
      )
      SELECT
        s."instance_id",
        s."aws_account_id",
        s."contact_id",
        s."initial_contact_id",
        s."previous_contact_id",
        s."related_contact_id",
        s."next_contact_id",
        s."channel",
        s."initiation_method",
        s."initiation_timestamp",
        s."connected_to_system_timestamp",
        s."last_update_timestamp",
        s."scheduled_timestamp",
        s."transfer_completed_timestamp",
        s."disconnect_timestamp",
        s."disconnect_reason",
        s."queue_duration_ms",
        s."queue_dequeue_timestamp",
        s."queue_enqueue_timestamp",
        s."queue_name",
        s."queue_arn",
        s."queue_id",
        s."agent_connection_attempts",
        s."agent_connected_to_agent_timestamp",
        s."agent_interaction_duration_ms",
        s."agent_customer_hold_duration_ms",
        s."agent_number_of_holds",
        s."agent_longest_hold_duration_ms",
        s."agent_after_contact_work_start_timestamp",
        s."agent_after_contact_work_end_timestamp",
        s."agent_after_contact_work_duration_ms",
        s."attributes",
        s."agent_username",
        s."agent_arn",
        s."agent_id",
        s."instance_arn",
        s."agent_hierarchy_groups_level_1_name",
        s."agent_hierarchy_groups_level_1_arn",
        s."agent_hierarchy_groups_level_1_id",
        s."agent_hierarchy_groups_level_2_name",
        s."agent_hierarchy_groups_level_2_arn",
        s."agent_hierarchy_groups_level_2_id",
        s."agent_hierarchy_groups_level_3_name",
        s."agent_hierarchy_groups_level_3_arn",
        s."agent_hierarchy_groups_level_3_id",
        s."agent_hierarchy_groups_level_4_name",
        s."agent_hierarchy_groups_level_4_arn",
        s."agent_hierarchy_groups_level_4_id",
        s."agent_hierarchy_groups_level_5_name",
        s."agent_hierarchy_groups_level_5_arn",
        s."agent_hierarchy_groups_level_5_id",
        s."agent_routing_profile_name",
        s."agent_routing_profile_arn",
        s."agent_routing_profile_id",
        s."agent_voice_enhancement_mode",
        s."aws_contact_trace_record_format_version",
        s."campaign_id",
        s."customer_endpoint_type",
        s."customer_endpoint_address",
        s."transferred_endpoint_type",
        s."transferred_endpoint_address",
        s."system_endpoint_type",
        s."system_endpoint_address",
        s."recording_deletion_reason",
        s."recording_location",
        s."recording_status",
        s."recording_type",
        s."answering_machine_detection_status",
        s."voice_id_result_authentication_result",
        s."voice_id_result_fraud_detection_watch_list_id",
        s."voice_id_result_speaker_id",
        s."voice_id_result_fraud_detection_result",
        s."voice_id_result_fraud_detection_fraudster_id",
        s."voice_id_result_authentication_minimum_speech_ms",
        s."voice_id_result_authentication_score",
        s."voice_id_result_authentication_score_threshold",
        s."voice_id_result_fraud_detection_risk_score_known_fraudster",
        s."voice_id_result_fraud_detection_risk_score_synthetic_speech",
        s."voice_id_result_fraud_detection_risk_score_voice_spoofing",
        s."voice_id_result_fraud_detection_score_threshold",
        s."voice_id_result_speaker_enrolled",
        s."voice_id_result_speaker_opted_out",
        s."voice_id_result_fraud_detection_reasons_items",
        s."external_third_party_interaction_duration_ms",
        s."agent_pause_duration_ms",
        s."media_streams_items",
        s."tags_references_items",
        s."contact_details",
        s."contact_evaluations",
        s."references",
        s."email_recipients",
        s."additional_email_recipients",
        s."agent_state_transitions",
        s."recordings",
        s."agent_device_platform_name",
        s."agent_device_platform_version",
        s."agent_device_operating_system",
        s."customer_device_platform_name",
        s."customer_device_platform_version",
        s."customer_device_operating_system",
        s."disconnect_details_potential_disconnect_issue",
        s."last_resumed_timestamp",
        s."last_paused_timestamp",
        s."customer_voice_activity_greeting_start_timestamp",
        s."customer_voice_activity_greeting_end_timestamp",
        s."total_pause_duration_ms",
        s."total_pause_count",
        s."quality_metrics_agent_audio",
        s."quality_metrics_customer_audio",
        s."segment_attributes",
        s."data_lake_last_processed_timestamp",
        s."chat_contact_metrics_total_messages",
        s."chat_contact_metrics_conversation_close_time_ms",
        s."chat_contact_metrics_conversation_turn_count",
        s."chat_contact_metrics_agent_first_response_timestamp",
        s."chat_contact_metrics_agent_first_response_time_ms",
        s."chat_contact_metrics_total_bot_messages",
        s."chat_contact_metrics_total_bot_message_length_in_chars",
        s."chat_contact_metrics_multi_party",
        s."chat_agent_metrics_participant_id",
        s."chat_agent_metrics_participant_type",
        s."chat_agent_metrics_conversation_abandon",
        s."chat_agent_metrics_messages_sent",
        s."chat_agent_metrics_num_responses",
        s."chat_agent_metrics_message_length_in_chars",
        s."chat_agent_metrics_total_response_time_ms",
        s."chat_agent_metrics_max_response_time_ms",
        s."chat_agent_metrics_last_message_timestamp",
        s."chat_customer_metrics_participant_id",
        s."chat_customer_metrics_participant_type",
        s."chat_customer_metrics_conversation_abandon",
        s."chat_customer_metrics_messages_sent",
        s."chat_customer_metrics_num_responses",
        s."chat_customer_metrics_message_length_in_chars",
        s."chat_customer_metrics_total_response_time_ms",
        s."chat_customer_metrics_max_response_time_ms",
        s."chat_customer_metrics_last_message_timestamp",
        s."q_in_connect_session_arn",
        s."ai_agents",
        s."customer_phone_number_prefix",
        s."agent_capabilities_video",
        s."customer_capabilities_video",
        s."contact_association_id",
        s."contact_routing_queue_priority",
        s."contact_routing_queue_time_adjustment_ms",
        s."customer_endpoint_display_name",
        s."system_endpoint_display_name",
        s."transferred_endpoint_display_name",
        s."disconnect_details_telemetry_inferred_reason",
        s."quality_metrics_agent_reported_issue",
        s."task_template_arn",
        s."task_template_name",
        s."routing_criteria",
        s."agent_initiated_hold_duration_ms",
        s."agent_accepted_by_agent_timestamp",
        s."agent_preview_end_timestamp",
        s."agent_capabilities_screen_share",
        s."agent_active_region",
        s."customer_id",
        s."ring_start_timestamp",
        s."contact_lens",
        s."outbound_strategy",
        s."global_resiliency_metadata",
        s."voice_id_result",
        s."record_version",
        s."record_fidelity",
        s."record_is_redacted",
        s."record_catalogue_version",
        s."record_hash",
        s."record_position",
        s."record_arrived_at",
        s."record_loaded_at",
        s."record_unmapped",
        s."record_is_deleted"
      FROM "trunkline_f_calls_verdict" AS v
      JOIN "trunkline_f_calls_source" AS s ON s."record_row" = v."record_row"
      WHERE v."record_comparison" = 1;
    END IF;
    DROP TABLE "trunkline_f_calls_verdict";
  END IF;

  -- Of the beaten rows, those that equal the row that is in the table now are copies, and the others are superseded.
  record_n_superseded := record_n_late;
  IF record_n_keys < record_n_staged THEN
    SELECT INTO record_n_superseded record_n_late + COUNT(*)
    FROM "trunkline_f_calls_beaten" AS b
    JOIN "trunkline_f_calls_source" AS s ON s."record_row" = b."record_row"
    JOIN "connect"."f_calls" AS t ON t."contact_id" = s."contact_id"
    WHERE (
        COALESCE(s."record_fidelity", '') COLLATE "C",
        COALESCE(s."record_version", '') COLLATE "C",
        CASE WHEN s."record_is_redacted" THEN 1 ELSE 0 END,
        COALESCE(s."record_catalogue_version", 0),
        COALESCE(s."record_hash", '') COLLATE "C",
        COALESCE(CAST(s."attributes" AS TEXT), '') COLLATE "C",
        COALESCE(s."customer_endpoint_address", '') COLLATE "C",
        COALESCE(s."transferred_endpoint_address", '') COLLATE "C",
        COALESCE(s."system_endpoint_address", '') COLLATE "C",
        COALESCE(CAST(s."tags_references_items" AS TEXT), '') COLLATE "C",
        COALESCE(CAST(s."contact_details" AS TEXT), '') COLLATE "C",
        COALESCE(CAST(s."references" AS TEXT), '') COLLATE "C",
        COALESCE(CAST(s."additional_email_recipients" AS TEXT), '') COLLATE "C",
        COALESCE(CAST(s."segment_attributes" AS TEXT), '') COLLATE "C",
        COALESCE(s."customer_endpoint_display_name", '') COLLATE "C",
        COALESCE(s."transferred_endpoint_display_name", '') COLLATE "C",
        COALESCE(s."customer_id", '') COLLATE "C",
        COALESCE(CAST(s."record_unmapped" AS TEXT), '') COLLATE "C"
      ) <> (
        COALESCE(t."record_fidelity", '') COLLATE "C",
        COALESCE(t."record_version", '') COLLATE "C",
        CASE WHEN t."record_is_redacted" THEN 1 ELSE 0 END,
        COALESCE(t."record_catalogue_version", 0),
        COALESCE(t."record_hash", '') COLLATE "C",
        COALESCE(CAST(t."attributes" AS TEXT), '') COLLATE "C",
        COALESCE(t."customer_endpoint_address", '') COLLATE "C",
        COALESCE(t."transferred_endpoint_address", '') COLLATE "C",
        COALESCE(t."system_endpoint_address", '') COLLATE "C",
        COALESCE(CAST(t."tags_references_items" AS TEXT), '') COLLATE "C",
        COALESCE(CAST(t."contact_details" AS TEXT), '') COLLATE "C",
        COALESCE(CAST(t."references" AS TEXT), '') COLLATE "C",
        COALESCE(CAST(t."additional_email_recipients" AS TEXT), '') COLLATE "C",
        COALESCE(CAST(t."segment_attributes" AS TEXT), '') COLLATE "C",
        COALESCE(t."customer_endpoint_display_name", '') COLLATE "C",
        COALESCE(t."transferred_endpoint_display_name", '') COLLATE "C",
        COALESCE(t."customer_id", '') COLLATE "C",
        COALESCE(CAST(t."record_unmapped" AS TEXT), '') COLLATE "C"
      );
  END IF;

  -- Each staged row is counted once, so that the rest are duplicates. A row that says deleted stays,
  -- so that no late version brings its key back, and counts as no row: live rows are inserted minus deleted. A deletion
  -- of what is not there says nothing new, and is a duplicate too.
  record_n_duplicate := record_n_staged - record_n_inserted - record_n_updated - record_n_deleted - record_n_superseded;
  RAISE INFO 'merge_f_calls: batch %, inserted %, updated %, deleted %, superseded %, duplicate %', record_batch_id, record_n_inserted, record_n_updated, record_n_deleted, record_n_superseded, record_n_duplicate;

  DROP TABLE "trunkline_f_calls_beaten";
  DROP VIEW "trunkline_f_calls_source";
END;
$$ LANGUAGE plpgsql
SET work_mem = '64MB'
SET jit = off;

CREATE OR REPLACE PROCEDURE "connect"."take_f_calls_staging" (

) AS $$
BEGIN
  -- Moves the rows of connect.f_calls_staging into the temporary table trunkline_f_calls_by_hand.
  -- A record_* column that is NULL gets its value here:
  --   record_version            last_update_timestamp as text; without one, the version of the row that the table has
  --   record_fidelity           'stream', as if it came from an export
  --   record_is_redacted        as the row that the table has, else FALSE
  --   record_catalogue_version  1,000,000, or one more than the table's row has, unless the two are equal:
  --                             so a row that differs wins where the versions are equal
  --   record_hash               MD5 over the row, so that of two staged rows with one version the same always wins
  --   record_position           the staging table's name
  --   record_arrived_at         now, UTC
  --   record_loaded_at          now, UTC
  --   record_is_deleted         FALSE
  -- So a row of an equal or missing version overwrites, one of a lower version is superseded, and staging the same rows
  -- again changes nothing.
  -- The lock comes before the first query, see merge_f_calls.
  LOCK TABLE "connect"."f_calls" IN SHARE ROW EXCLUSIVE MODE;

  DROP TABLE IF EXISTS pg_temp."trunkline_f_calls_by_hand";
  CREATE TEMP TABLE "trunkline_f_calls_by_hand" (LIKE "connect"."f_calls_staging");
  WITH taken AS (DELETE FROM "connect"."f_calls_staging" RETURNING *)
  INSERT INTO "trunkline_f_calls_by_hand" (
    "instance_id",
    "aws_account_id",
    "contact_id",
    "initial_contact_id",
    "previous_contact_id",
    "related_contact_id",
    "next_contact_id",
    "channel",
    "initiation_method",
    "initiation_timestamp",
    "connected_to_system_timestamp",
    "last_update_timestamp",
    "scheduled_timestamp",
    "transfer_completed_timestamp",
    "disconnect_timestamp",
    "disconnect_reason",
    "queue_duration_ms",
    "queue_dequeue_timestamp",
    "queue_enqueue_timestamp",
    "queue_name",
    "queue_arn",
    "queue_id",
    "agent_connection_attempts",
    "agent_connected_to_agent_timestamp",
    "agent_interaction_duration_ms",
    "agent_customer_hold_duration_ms",
    "agent_number_of_holds",
    "agent_longest_hold_duration_ms",
    "agent_after_contact_work_start_timestamp",
    "agent_after_contact_work_end_timestamp",
    "agent_after_contact_work_duration_ms",
    "attributes",
    "agent_username",
    "agent_arn",
    "agent_id",
    "instance_arn",
    "agent_hierarchy_groups_level_1_name",
    "agent_hierarchy_groups_level_1_arn",
    "agent_hierarchy_groups_level_1_id",
    "agent_hierarchy_groups_level_2_name",
    "agent_hierarchy_groups_level_2_arn",
    "agent_hierarchy_groups_level_2_id",
    "agent_hierarchy_groups_level_3_name",
    "agent_hierarchy_groups_level_3_arn",
    "agent_hierarchy_groups_level_3_id",
    "agent_hierarchy_groups_level_4_name",
    "agent_hierarchy_groups_level_4_arn",
    "agent_hierarchy_groups_level_4_id",
    "agent_hierarchy_groups_level_5_name",
    "agent_hierarchy_groups_level_5_arn",
    "agent_hierarchy_groups_level_5_id",
    "agent_routing_profile_name",
    "agent_routing_profile_arn",
    "agent_routing_profile_id",
    "agent_voice_enhancement_mode",
    "aws_contact_trace_record_format_version",
    "campaign_id",
    "customer_endpoint_type",
    "customer_endpoint_address",
    "transferred_endpoint_type",
    "transferred_endpoint_address",
    "system_endpoint_type",
    "system_endpoint_address",
    "recording_deletion_reason",
    "recording_location",
    "recording_status",
    "recording_type",
    "answering_machine_detection_status",
    "voice_id_result_authentication_result",
    "voice_id_result_fraud_detection_watch_list_id",
    "voice_id_result_speaker_id",
    "voice_id_result_fraud_detection_result",
    "voice_id_result_fraud_detection_fraudster_id",
    "voice_id_result_authentication_minimum_speech_ms",
    "voice_id_result_authentication_score",
    "voice_id_result_authentication_score_threshold",
    "voice_id_result_fraud_detection_risk_score_known_fraudster",
    "voice_id_result_fraud_detection_risk_score_synthetic_speech",
    "voice_id_result_fraud_detection_risk_score_voice_spoofing",
    "voice_id_result_fraud_detection_score_threshold",
    "voice_id_result_speaker_enrolled",
    "voice_id_result_speaker_opted_out",
    "voice_id_result_fraud_detection_reasons_items",
    "external_third_party_interaction_duration_ms",
    "agent_pause_duration_ms",
    "media_streams_items",
    "tags_references_items",
    "contact_details",
    "contact_evaluations",
    "references",
    "email_recipients",
    "additional_email_recipients",
    "agent_state_transitions",
    "recordings",
    "agent_device_platform_name",
    "agent_device_platform_version",
    "agent_device_operating_system",
    "customer_device_platform_name",
    "customer_device_platform_version",
    "customer_device_operating_system",
    "disconnect_details_potential_disconnect_issue",
    "last_resumed_timestamp",
    "last_paused_timestamp",
    "customer_voice_activity_greeting_start_timestamp",
    "customer_voice_activity_greeting_end_timestamp",
    "total_pause_duration_ms",
    "total_pause_count",
    "quality_metrics_agent_audio",
    "quality_metrics_customer_audio",
    "segment_attributes",
    "data_lake_last_processed_timestamp",
    "chat_contact_metrics_total_messages",
    "chat_contact_metrics_conversation_close_time_ms",
    "chat_contact_metrics_conversation_turn_count",
    "chat_contact_metrics_agent_first_response_timestamp",
    "chat_contact_metrics_agent_first_response_time_ms",
    "chat_contact_metrics_total_bot_messages",
    "chat_contact_metrics_total_bot_message_length_in_chars",
    "chat_contact_metrics_multi_party",
    "chat_agent_metrics_participant_id",
    "chat_agent_metrics_participant_type",
    "chat_agent_metrics_conversation_abandon",
    "chat_agent_metrics_messages_sent",
    "chat_agent_metrics_num_responses",
    "chat_agent_metrics_message_length_in_chars",
    "chat_agent_metrics_total_response_time_ms",
    "chat_agent_metrics_max_response_time_ms",
    "chat_agent_metrics_last_message_timestamp",
    "chat_customer_metrics_participant_id",
    "chat_customer_metrics_participant_type",
    "chat_customer_metrics_conversation_abandon",
    "chat_customer_metrics_messages_sent",
    "chat_customer_metrics_num_responses",
    "chat_customer_metrics_message_length_in_chars",
    "chat_customer_metrics_total_response_time_ms",
    "chat_customer_metrics_max_response_time_ms",
    "chat_customer_metrics_last_message_timestamp",
    "q_in_connect_session_arn",
    "ai_agents",
    "customer_phone_number_prefix",
    "agent_capabilities_video",
    "customer_capabilities_video",
    "contact_association_id",
    "contact_routing_queue_priority",
    "contact_routing_queue_time_adjustment_ms",
    "customer_endpoint_display_name",
    "system_endpoint_display_name",
    "transferred_endpoint_display_name",
    "disconnect_details_telemetry_inferred_reason",
    "quality_metrics_agent_reported_issue",
    "task_template_arn",
    "task_template_name",
    "routing_criteria",
    "agent_initiated_hold_duration_ms",
    "agent_accepted_by_agent_timestamp",
    "agent_preview_end_timestamp",
    "agent_capabilities_screen_share",
    "agent_active_region",
    "customer_id",
    "ring_start_timestamp",
    "contact_lens",
    "outbound_strategy",
    "global_resiliency_metadata",
    "voice_id_result",
    "record_version",
    "record_fidelity",
    "record_is_redacted",
    "record_catalogue_version",
    "record_hash",
    "record_position",
    "record_arrived_at",
    "record_loaded_at",
    "record_unmapped",
    "record_is_deleted"
  )
  SELECT
    s."instance_id",
    s."aws_account_id",
    s."contact_id",
    s."initial_contact_id",
    s."previous_contact_id",
    s."related_contact_id",
    s."next_contact_id",
    s."channel",
    s."initiation_method",
    s."initiation_timestamp",
    s."connected_to_system_timestamp",
    s."last_update_timestamp",
    s."scheduled_timestamp",
    s."transfer_completed_timestamp",
    s."disconnect_timestamp",
    s."disconnect_reason",
    s."queue_duration_ms",
    s."queue_dequeue_timestamp",
    s."queue_enqueue_timestamp",
    s."queue_name",
    s."queue_arn",
    s."queue_id",
    s."agent_connection_attempts",
    s."agent_connected_to_agent_timestamp",
    s."agent_interaction_duration_ms",
    s."agent_customer_hold_duration_ms",
    s."agent_number_of_holds",
    s."agent_longest_hold_duration_ms",
    s."agent_after_contact_work_start_timestamp",
    s."agent_after_contact_work_end_timestamp",
    s."agent_after_contact_work_duration_ms",
    s."attributes",
    s."agent_username",
    s."agent_arn",
    s."agent_id",
    s."instance_arn",
    s."agent_hierarchy_groups_level_1_name",
    s."agent_hierarchy_groups_level_1_arn",
    s."agent_hierarchy_groups_level_1_id",
    s."agent_hierarchy_groups_level_2_name",
    s."agent_hierarchy_groups_level_2_arn",
    s."agent_hierarchy_groups_level_2_id",
    s."agent_hierarchy_groups_level_3_name",
    s."agent_hierarchy_groups_level_3_arn",
    s."agent_hierarchy_groups_level_3_id",
    s."agent_hierarchy_groups_level_4_name",
    s."agent_hierarchy_groups_level_4_arn",
    s."agent_hierarchy_groups_level_4_id",
    s."agent_hierarchy_groups_level_5_name",
    s."agent_hierarchy_groups_level_5_arn",
    s."agent_hierarchy_groups_level_5_id",
    s."agent_routing_profile_name",
    s."agent_routing_profile_arn",
    s."agent_routing_profile_id",
    s."agent_voice_enhancement_mode",
    s."aws_contact_trace_record_format_version",
    s."campaign_id",
    s."customer_endpoint_type",
    s."customer_endpoint_address",
    s."transferred_endpoint_type",
    s."transferred_endpoint_address",
    s."system_endpoint_type",
    s."system_endpoint_address",
    s."recording_deletion_reason",
    s."recording_location",
    s."recording_status",
    s."recording_type",
    s."answering_machine_detection_status",
    s."voice_id_result_authentication_result",
    s."voice_id_result_fraud_detection_watch_list_id",
    s."voice_id_result_speaker_id",
    s."voice_id_result_fraud_detection_result",
    s."voice_id_result_fraud_detection_fraudster_id",
    s."voice_id_result_authentication_minimum_speech_ms",
    s."voice_id_result_authentication_score",
    s."voice_id_result_authentication_score_threshold",
    s."voice_id_result_fraud_detection_risk_score_known_fraudster",
    s."voice_id_result_fraud_detection_risk_score_synthetic_speech",
    s."voice_id_result_fraud_detection_risk_score_voice_spoofing",
    s."voice_id_result_fraud_detection_score_threshold",
    s."voice_id_result_speaker_enrolled",
    s."voice_id_result_speaker_opted_out",
    s."voice_id_result_fraud_detection_reasons_items",
    s."external_third_party_interaction_duration_ms",
    s."agent_pause_duration_ms",
    s."media_streams_items",
    s."tags_references_items",
    s."contact_details",
    s."contact_evaluations",
    s."references",
    s."email_recipients",
    s."additional_email_recipients",
    s."agent_state_transitions",
    s."recordings",
    s."agent_device_platform_name",
    s."agent_device_platform_version",
    s."agent_device_operating_system",
    s."customer_device_platform_name",
    s."customer_device_platform_version",
    s."customer_device_operating_system",
    s."disconnect_details_potential_disconnect_issue",
    s."last_resumed_timestamp",
    s."last_paused_timestamp",
    s."customer_voice_activity_greeting_start_timestamp",
    s."customer_voice_activity_greeting_end_timestamp",
    s."total_pause_duration_ms",
    s."total_pause_count",
    s."quality_metrics_agent_audio",
    s."quality_metrics_customer_audio",
    s."segment_attributes",
    s."data_lake_last_processed_timestamp",
    s."chat_contact_metrics_total_messages",
    s."chat_contact_metrics_conversation_close_time_ms",
    s."chat_contact_metrics_conversation_turn_count",
    s."chat_contact_metrics_agent_first_response_timestamp",
    s."chat_contact_metrics_agent_first_response_time_ms",
    s."chat_contact_metrics_total_bot_messages",
    s."chat_contact_metrics_total_bot_message_length_in_chars",
    s."chat_contact_metrics_multi_party",
    s."chat_agent_metrics_participant_id",
    s."chat_agent_metrics_participant_type",
    s."chat_agent_metrics_conversation_abandon",
    s."chat_agent_metrics_messages_sent",
    s."chat_agent_metrics_num_responses",
    s."chat_agent_metrics_message_length_in_chars",
    s."chat_agent_metrics_total_response_time_ms",
    s."chat_agent_metrics_max_response_time_ms",
    s."chat_agent_metrics_last_message_timestamp",
    s."chat_customer_metrics_participant_id",
    s."chat_customer_metrics_participant_type",
    s."chat_customer_metrics_conversation_abandon",
    s."chat_customer_metrics_messages_sent",
    s."chat_customer_metrics_num_responses",
    s."chat_customer_metrics_message_length_in_chars",
    s."chat_customer_metrics_total_response_time_ms",
    s."chat_customer_metrics_max_response_time_ms",
    s."chat_customer_metrics_last_message_timestamp",
    s."q_in_connect_session_arn",
    s."ai_agents",
    s."customer_phone_number_prefix",
    s."agent_capabilities_video",
    s."customer_capabilities_video",
    s."contact_association_id",
    s."contact_routing_queue_priority",
    s."contact_routing_queue_time_adjustment_ms",
    s."customer_endpoint_display_name",
    s."system_endpoint_display_name",
    s."transferred_endpoint_display_name",
    s."disconnect_details_telemetry_inferred_reason",
    s."quality_metrics_agent_reported_issue",
    s."task_template_arn",
    s."task_template_name",
    s."routing_criteria",
    s."agent_initiated_hold_duration_ms",
    s."agent_accepted_by_agent_timestamp",
    s."agent_preview_end_timestamp",
    s."agent_capabilities_screen_share",
    s."agent_active_region",
    s."customer_id",
    s."ring_start_timestamp",
    s."contact_lens",
    s."outbound_strategy",
    s."global_resiliency_metadata",
    s."voice_id_result",
    COALESCE(s."record_version", COALESCE(RTRIM(RTRIM(TO_CHAR(s."last_update_timestamp", 'YYYY-MM-DD HH24:MI:SS.US'), '0'), '.'), t."record_version")),
    COALESCE(s."record_fidelity", 'stream'),
    COALESCE(s."record_is_redacted", COALESCE(t."record_is_redacted", FALSE)),
    COALESCE(s."record_catalogue_version", CASE
      WHEN RANK() OVER (PARTITION BY s."contact_id" ORDER BY COALESCE(s."record_fidelity", 'stream') COLLATE "C" DESC, COALESCE(s."record_version", RTRIM(RTRIM(TO_CHAR(s."last_update_timestamp", 'YYYY-MM-DD HH24:MI:SS.US'), '0'), '.'), t."record_version", '') COLLATE "C" DESC, CASE WHEN COALESCE(s."record_is_redacted", t."record_is_redacted") THEN 1 ELSE 0 END DESC, COALESCE(s."record_hash", s."record_new_hash") COLLATE "C" DESC, COALESCE(CAST(s."attributes" AS TEXT), '') COLLATE "C" DESC, COALESCE(s."customer_endpoint_address", '') COLLATE "C" DESC, COALESCE(s."transferred_endpoint_address", '') COLLATE "C" DESC, COALESCE(s."system_endpoint_address", '') COLLATE "C" DESC, COALESCE(CAST(s."tags_references_items" AS TEXT), '') COLLATE "C" DESC, COALESCE(CAST(s."contact_details" AS TEXT), '') COLLATE "C" DESC, COALESCE(CAST(s."references" AS TEXT), '') COLLATE "C" DESC, COALESCE(CAST(s."additional_email_recipients" AS TEXT), '') COLLATE "C" DESC, COALESCE(CAST(s."segment_attributes" AS TEXT), '') COLLATE "C" DESC, COALESCE(s."customer_endpoint_display_name", '') COLLATE "C" DESC, COALESCE(s."transferred_endpoint_display_name", '') COLLATE "C" DESC, COALESCE(s."customer_id", '') COLLATE "C" DESC, COALESCE(CAST(s."record_unmapped" AS TEXT), '') COLLATE "C" DESC) > 1 THEN 0
      WHEN t."record_hash" IS NULL THEN 1000000
      WHEN COALESCE(s."record_hash", s."record_new_hash") = t."record_hash" AND COALESCE(CAST(s."attributes" AS TEXT), '') COLLATE "C" = COALESCE(CAST(t."attributes" AS TEXT), '') COLLATE "C" AND COALESCE(s."customer_endpoint_address", '') COLLATE "C" = COALESCE(t."customer_endpoint_address", '') COLLATE "C" AND COALESCE(s."transferred_endpoint_address", '') COLLATE "C" = COALESCE(t."transferred_endpoint_address", '') COLLATE "C" AND COALESCE(s."system_endpoint_address", '') COLLATE "C" = COALESCE(t."system_endpoint_address", '') COLLATE "C" AND COALESCE(CAST(s."tags_references_items" AS TEXT), '') COLLATE "C" = COALESCE(CAST(t."tags_references_items" AS TEXT), '') COLLATE "C" AND COALESCE(CAST(s."contact_details" AS TEXT), '') COLLATE "C" = COALESCE(CAST(t."contact_details" AS TEXT), '') COLLATE "C" AND COALESCE(CAST(s."references" AS TEXT), '') COLLATE "C" = COALESCE(CAST(t."references" AS TEXT), '') COLLATE "C" AND COALESCE(CAST(s."additional_email_recipients" AS TEXT), '') COLLATE "C" = COALESCE(CAST(t."additional_email_recipients" AS TEXT), '') COLLATE "C" AND COALESCE(CAST(s."segment_attributes" AS TEXT), '') COLLATE "C" = COALESCE(CAST(t."segment_attributes" AS TEXT), '') COLLATE "C" AND COALESCE(s."customer_endpoint_display_name", '') COLLATE "C" = COALESCE(t."customer_endpoint_display_name", '') COLLATE "C" AND COALESCE(s."transferred_endpoint_display_name", '') COLLATE "C" = COALESCE(t."transferred_endpoint_display_name", '') COLLATE "C" AND COALESCE(s."customer_id", '') COLLATE "C" = COALESCE(t."customer_id", '') COLLATE "C" AND COALESCE(CAST(s."record_unmapped" AS TEXT), '') COLLATE "C" = COALESCE(CAST(t."record_unmapped" AS TEXT), '') COLLATE "C"
        THEN t."record_catalogue_version"
      WHEN t."record_catalogue_version" < 999999 THEN 1000000
      ELSE t."record_catalogue_version" + 1
    END),
    COALESCE(s."record_hash", s."record_new_hash"),
    COALESCE(s."record_position", 'connect.f_calls_staging'),
    COALESCE(s."record_arrived_at", TIMEZONE('UTC', NOW())),
    COALESCE(s."record_loaded_at", TIMEZONE('UTC', NOW())),
    s."record_unmapped",
    COALESCE(s."record_is_deleted", FALSE)
  FROM (
    SELECT s.*, MD5(
      COALESCE(MD5(s."instance_id"), '-')
      || COALESCE(MD5(s."aws_account_id"), '-')
      || COALESCE(MD5(s."contact_id"), '-')
      || COALESCE(MD5(s."initial_contact_id"), '-')
      || COALESCE(MD5(s."previous_contact_id"), '-')
      || COALESCE(MD5(s."related_contact_id"), '-')
      || COALESCE(MD5(s."next_contact_id"), '-')
      || COALESCE(MD5(s."channel"), '-')
      || COALESCE(MD5(s."initiation_method"), '-')
      || COALESCE(MD5(TO_CHAR(s."initiation_timestamp", 'YYYY-MM-DD HH24:MI:SS.US')), '-')
      || COALESCE(MD5(TO_CHAR(s."connected_to_system_timestamp", 'YYYY-MM-DD HH24:MI:SS.US')), '-')
      || COALESCE(MD5(TO_CHAR(s."last_update_timestamp", 'YYYY-MM-DD HH24:MI:SS.US')), '-')
      || COALESCE(MD5(TO_CHAR(s."scheduled_timestamp", 'YYYY-MM-DD HH24:MI:SS.US')), '-')
      || COALESCE(MD5(TO_CHAR(s."transfer_completed_timestamp", 'YYYY-MM-DD HH24:MI:SS.US')), '-')
      || COALESCE(MD5(TO_CHAR(s."disconnect_timestamp", 'YYYY-MM-DD HH24:MI:SS.US')), '-')
      || COALESCE(MD5(s."disconnect_reason"), '-')
      || COALESCE(MD5(CAST(s."queue_duration_ms" AS VARCHAR(64))), '-')
      || COALESCE(MD5(TO_CHAR(s."queue_dequeue_timestamp", 'YYYY-MM-DD HH24:MI:SS.US')), '-')
      || COALESCE(MD5(TO_CHAR(s."queue_enqueue_timestamp", 'YYYY-MM-DD HH24:MI:SS.US')), '-')
      || COALESCE(MD5(s."queue_name"), '-')
      || COALESCE(MD5(s."queue_arn"), '-')
      || COALESCE(MD5(s."queue_id"), '-')
      || COALESCE(MD5(CAST(s."agent_connection_attempts" AS VARCHAR(64))), '-')
      || COALESCE(MD5(TO_CHAR(s."agent_connected_to_agent_timestamp", 'YYYY-MM-DD HH24:MI:SS.US')), '-')
      || COALESCE(MD5(CAST(s."agent_interaction_duration_ms" AS VARCHAR(64))), '-')
      || COALESCE(MD5(CAST(s."agent_customer_hold_duration_ms" AS VARCHAR(64))), '-')
      || COALESCE(MD5(CAST(s."agent_number_of_holds" AS VARCHAR(64))), '-')
      || COALESCE(MD5(CAST(s."agent_longest_hold_duration_ms" AS VARCHAR(64))), '-')
      || COALESCE(MD5(TO_CHAR(s."agent_after_contact_work_start_timestamp", 'YYYY-MM-DD HH24:MI:SS.US')), '-')
      || COALESCE(MD5(TO_CHAR(s."agent_after_contact_work_end_timestamp", 'YYYY-MM-DD HH24:MI:SS.US')), '-')
      || COALESCE(MD5(CAST(s."agent_after_contact_work_duration_ms" AS VARCHAR(64))), '-')
      || COALESCE(MD5(s."agent_username"), '-')
      || COALESCE(MD5(s."agent_arn"), '-')
      || COALESCE(MD5(s."agent_id"), '-')
      || COALESCE(MD5(s."instance_arn"), '-')
      || COALESCE(MD5(s."agent_hierarchy_groups_level_1_name"), '-')
      || COALESCE(MD5(s."agent_hierarchy_groups_level_1_arn"), '-')
      || COALESCE(MD5(s."agent_hierarchy_groups_level_1_id"), '-')
      || COALESCE(MD5(s."agent_hierarchy_groups_level_2_name"), '-')
      || COALESCE(MD5(s."agent_hierarchy_groups_level_2_arn"), '-')
      || COALESCE(MD5(s."agent_hierarchy_groups_level_2_id"), '-')
      || COALESCE(MD5(s."agent_hierarchy_groups_level_3_name"), '-')
      || COALESCE(MD5(s."agent_hierarchy_groups_level_3_arn"), '-')
      || COALESCE(MD5(s."agent_hierarchy_groups_level_3_id"), '-')
      || COALESCE(MD5(s."agent_hierarchy_groups_level_4_name"), '-')
      || COALESCE(MD5(s."agent_hierarchy_groups_level_4_arn"), '-')
      || COALESCE(MD5(s."agent_hierarchy_groups_level_4_id"), '-')
      || COALESCE(MD5(s."agent_hierarchy_groups_level_5_name"), '-')
      || COALESCE(MD5(s."agent_hierarchy_groups_level_5_arn"), '-')
      || COALESCE(MD5(s."agent_hierarchy_groups_level_5_id"), '-')
      || COALESCE(MD5(s."agent_routing_profile_name"), '-')
      || COALESCE(MD5(s."agent_routing_profile_arn"), '-')
      || COALESCE(MD5(s."agent_routing_profile_id"), '-')
      || COALESCE(MD5(s."agent_voice_enhancement_mode"), '-')
      || COALESCE(MD5(s."aws_contact_trace_record_format_version"), '-')
      || COALESCE(MD5(s."campaign_id"), '-')
      || COALESCE(MD5(s."customer_endpoint_type"), '-')
      || COALESCE(MD5(s."transferred_endpoint_type"), '-')
      || COALESCE(MD5(s."system_endpoint_type"), '-')
      || COALESCE(MD5(s."recording_deletion_reason"), '-')
      || COALESCE(MD5(s."recording_location"), '-')
      || COALESCE(MD5(s."recording_status"), '-')
      || COALESCE(MD5(s."recording_type"), '-')
      || COALESCE(MD5(s."answering_machine_detection_status"), '-')
      || COALESCE(MD5(s."voice_id_result_authentication_result"), '-')
      || COALESCE(MD5(s."voice_id_result_fraud_detection_watch_list_id"), '-')
      || COALESCE(MD5(s."voice_id_result_speaker_id"), '-')
      || COALESCE(MD5(s."voice_id_result_fraud_detection_result"), '-')
      || COALESCE(MD5(s."voice_id_result_fraud_detection_fraudster_id"), '-')
      || COALESCE(MD5(CAST(s."voice_id_result_authentication_minimum_speech_ms" AS VARCHAR(64))), '-')
      || COALESCE(MD5(CAST(s."voice_id_result_authentication_score" AS VARCHAR(64))), '-')
      || COALESCE(MD5(CAST(s."voice_id_result_authentication_score_threshold" AS VARCHAR(64))), '-')
      || COALESCE(MD5(CAST(s."voice_id_result_fraud_detection_risk_score_known_fraudster" AS VARCHAR(64))), '-')
      || COALESCE(MD5(CAST(s."voice_id_result_fraud_detection_risk_score_synthetic_speech" AS VARCHAR(64))), '-')
      || COALESCE(MD5(CAST(s."voice_id_result_fraud_detection_risk_score_voice_spoofing" AS VARCHAR(64))), '-')
      || COALESCE(MD5(CAST(s."voice_id_result_fraud_detection_score_threshold" AS VARCHAR(64))), '-')
      || COALESCE(MD5(CASE WHEN s."voice_id_result_speaker_enrolled" THEN 'true' WHEN NOT s."voice_id_result_speaker_enrolled" THEN 'false' END), '-')
      || COALESCE(MD5(CASE WHEN s."voice_id_result_speaker_opted_out" THEN 'true' WHEN NOT s."voice_id_result_speaker_opted_out" THEN 'false' END), '-')
      || COALESCE(MD5(CAST(s."voice_id_result_fraud_detection_reasons_items" AS TEXT)), '-')
      || COALESCE(MD5(CAST(s."external_third_party_interaction_duration_ms" AS VARCHAR(64))), '-')
      || COALESCE(MD5(CAST(s."agent_pause_duration_ms" AS VARCHAR(64))), '-')
      || COALESCE(MD5(CAST(s."media_streams_items" AS TEXT)), '-')
      || COALESCE(MD5(CAST(s."contact_evaluations" AS TEXT)), '-')
      || COALESCE(MD5(CAST(s."email_recipients" AS TEXT)), '-')
      || COALESCE(MD5(CAST(s."agent_state_transitions" AS TEXT)), '-')
      || COALESCE(MD5(CAST(s."recordings" AS TEXT)), '-')
      || COALESCE(MD5(s."agent_device_platform_name"), '-')
      || COALESCE(MD5(s."agent_device_platform_version"), '-')
      || COALESCE(MD5(s."agent_device_operating_system"), '-')
      || COALESCE(MD5(s."customer_device_platform_name"), '-')
      || COALESCE(MD5(s."customer_device_platform_version"), '-')
      || COALESCE(MD5(s."customer_device_operating_system"), '-')
      || COALESCE(MD5(s."disconnect_details_potential_disconnect_issue"), '-')
      || COALESCE(MD5(TO_CHAR(s."last_resumed_timestamp", 'YYYY-MM-DD HH24:MI:SS.US')), '-')
      || COALESCE(MD5(TO_CHAR(s."last_paused_timestamp", 'YYYY-MM-DD HH24:MI:SS.US')), '-')
      || COALESCE(MD5(TO_CHAR(s."customer_voice_activity_greeting_start_timestamp", 'YYYY-MM-DD HH24:MI:SS.US')), '-')
      || COALESCE(MD5(TO_CHAR(s."customer_voice_activity_greeting_end_timestamp", 'YYYY-MM-DD HH24:MI:SS.US')), '-')
      || COALESCE(MD5(CAST(s."total_pause_duration_ms" AS VARCHAR(64))), '-')
      || COALESCE(MD5(CAST(s."total_pause_count" AS VARCHAR(64))), '-')
      || COALESCE(MD5(CAST(s."quality_metrics_agent_audio" AS TEXT)), '-')
      || COALESCE(MD5(CAST(s."quality_metrics_customer_audio" AS TEXT)), '-')
      || COALESCE(MD5(TO_CHAR(s."data_lake_last_processed_timestamp", 'YYYY-MM-DD HH24:MI:SS.US')), '-')
      || COALESCE(MD5(CAST(s."chat_contact_metrics_total_messages" AS VARCHAR(64))), '-')
      || COALESCE(MD5(CAST(s."chat_contact_metrics_conversation_close_time_ms" AS VARCHAR(64))), '-')
      || COALESCE(MD5(CAST(s."chat_contact_metrics_conversation_turn_count" AS VARCHAR(64))), '-')
      || COALESCE(MD5(TO_CHAR(s."chat_contact_metrics_agent_first_response_timestamp", 'YYYY-MM-DD HH24:MI:SS.US')), '-')
      || COALESCE(MD5(CAST(s."chat_contact_metrics_agent_first_response_time_ms" AS VARCHAR(64))), '-')
      || COALESCE(MD5(CAST(s."chat_contact_metrics_total_bot_messages" AS VARCHAR(64))), '-')
      || COALESCE(MD5(CAST(s."chat_contact_metrics_total_bot_message_length_in_chars" AS VARCHAR(64))), '-')
      || COALESCE(MD5(CASE WHEN s."chat_contact_metrics_multi_party" THEN 'true' WHEN NOT s."chat_contact_metrics_multi_party" THEN 'false' END), '-')
      || COALESCE(MD5(s."chat_agent_metrics_participant_id"), '-')
      || COALESCE(MD5(s."chat_agent_metrics_participant_type"), '-')
      || COALESCE(MD5(CASE WHEN s."chat_agent_metrics_conversation_abandon" THEN 'true' WHEN NOT s."chat_agent_metrics_conversation_abandon" THEN 'false' END), '-')
      || COALESCE(MD5(CAST(s."chat_agent_metrics_messages_sent" AS VARCHAR(64))), '-')
      || COALESCE(MD5(CAST(s."chat_agent_metrics_num_responses" AS VARCHAR(64))), '-')
      || COALESCE(MD5(CAST(s."chat_agent_metrics_message_length_in_chars" AS VARCHAR(64))), '-')
      || COALESCE(MD5(CAST(s."chat_agent_metrics_total_response_time_ms" AS VARCHAR(64))), '-')
      || COALESCE(MD5(CAST(s."chat_agent_metrics_max_response_time_ms" AS VARCHAR(64))), '-')
      || COALESCE(MD5(TO_CHAR(s."chat_agent_metrics_last_message_timestamp", 'YYYY-MM-DD HH24:MI:SS.US')), '-')
      || COALESCE(MD5(s."chat_customer_metrics_participant_id"), '-')
      || COALESCE(MD5(s."chat_customer_metrics_participant_type"), '-')
      || COALESCE(MD5(CASE WHEN s."chat_customer_metrics_conversation_abandon" THEN 'true' WHEN NOT s."chat_customer_metrics_conversation_abandon" THEN 'false' END), '-')
      || COALESCE(MD5(CAST(s."chat_customer_metrics_messages_sent" AS VARCHAR(64))), '-')
      || COALESCE(MD5(CAST(s."chat_customer_metrics_num_responses" AS VARCHAR(64))), '-')
      || COALESCE(MD5(CAST(s."chat_customer_metrics_message_length_in_chars" AS VARCHAR(64))), '-')
      || COALESCE(MD5(CAST(s."chat_customer_metrics_total_response_time_ms" AS VARCHAR(64))), '-')
      || COALESCE(MD5(CAST(s."chat_customer_metrics_max_response_time_ms" AS VARCHAR(64))), '-')
      || COALESCE(MD5(TO_CHAR(s."chat_customer_metrics_last_message_timestamp", 'YYYY-MM-DD HH24:MI:SS.US')), '-')
      || COALESCE(MD5(s."q_in_connect_session_arn"), '-')
      || COALESCE(MD5(CAST(s."ai_agents" AS TEXT)), '-')
      || COALESCE(MD5(s."customer_phone_number_prefix"), '-')
      || COALESCE(MD5(s."agent_capabilities_video"), '-')
      || COALESCE(MD5(s."customer_capabilities_video"), '-')
      || COALESCE(MD5(s."contact_association_id"), '-')
      || COALESCE(MD5(CAST(s."contact_routing_queue_priority" AS VARCHAR(64))), '-')
      || COALESCE(MD5(CAST(s."contact_routing_queue_time_adjustment_ms" AS VARCHAR(64))), '-')
      || COALESCE(MD5(s."system_endpoint_display_name"), '-')
      || COALESCE(MD5(s."disconnect_details_telemetry_inferred_reason"), '-')
      || COALESCE(MD5(s."quality_metrics_agent_reported_issue"), '-')
      || COALESCE(MD5(s."task_template_arn"), '-')
      || COALESCE(MD5(s."task_template_name"), '-')
      || COALESCE(MD5(CAST(s."routing_criteria" AS TEXT)), '-')
      || COALESCE(MD5(CAST(s."agent_initiated_hold_duration_ms" AS VARCHAR(64))), '-')
      || COALESCE(MD5(TO_CHAR(s."agent_accepted_by_agent_timestamp", 'YYYY-MM-DD HH24:MI:SS.US')), '-')
      || COALESCE(MD5(TO_CHAR(s."agent_preview_end_timestamp", 'YYYY-MM-DD HH24:MI:SS.US')), '-')
      || COALESCE(MD5(s."agent_capabilities_screen_share"), '-')
      || COALESCE(MD5(s."agent_active_region"), '-')
      || COALESCE(MD5(TO_CHAR(s."ring_start_timestamp", 'YYYY-MM-DD HH24:MI:SS.US')), '-')
      || COALESCE(MD5(CAST(s."contact_lens" AS TEXT)), '-')
      || COALESCE(MD5(CAST(s."outbound_strategy" AS TEXT)), '-')
      || COALESCE(MD5(CAST(s."global_resiliency_metadata" AS TEXT)), '-')
      || COALESCE(MD5(CAST(s."voice_id_result" AS TEXT)), '-')
    ) AS "record_new_hash"
    FROM taken AS s
  ) AS s
  LEFT JOIN "connect"."f_calls" AS t ON t."contact_id" = s."contact_id";

  ANALYZE "trunkline_f_calls_by_hand";
END;
$$ LANGUAGE plpgsql;

CREATE OR REPLACE PROCEDURE "connect"."insert_new_f_calls" (
  staging IN TEXT,
  batch_id IN TEXT,
  inserted INOUT BIGINT DEFAULT NULL,
  updated INOUT BIGINT DEFAULT NULL,
  deleted INOUT BIGINT DEFAULT NULL,
  superseded INOUT BIGINT DEFAULT NULL,
  duplicate INOUT BIGINT DEFAULT NULL
) AS $$
BEGIN
  -- Merges a staging table of a run's own into connect.f_calls and leaves it as it is.
  -- staging is schema.table with the columns of connect.f_calls_staging, its record_* columns all filled.
  -- batch_id says in the server's log which batch this was; whoever calls records the batch.
  inserted := 0;
  updated := 0;
  deleted := 0;
  superseded := 0;
  duplicate := 0;
  CALL "connect"."merge_f_calls"(staging, batch_id, inserted, updated, deleted, superseded, duplicate);
END;
$$ LANGUAGE plpgsql;

CREATE OR REPLACE PROCEDURE "connect"."insert_new_f_calls" (
  inserted INOUT BIGINT DEFAULT NULL,
  updated INOUT BIGINT DEFAULT NULL,
  deleted INOUT BIGINT DEFAULT NULL,
  superseded INOUT BIGINT DEFAULT NULL,
  duplicate INOUT BIGINT DEFAULT NULL
) AS $$
BEGIN
  -- Merges what is in connect.f_calls_staging, whoever staged it, and empties it. See take_f_calls_staging.
  CALL "connect"."take_f_calls_staging"();
  inserted := 0;
  updated := 0;
  deleted := 0;
  superseded := 0;
  duplicate := 0;
  CALL "connect"."merge_f_calls"('trunkline_f_calls_by_hand', 'by hand', inserted, updated, deleted, superseded, duplicate);
  DROP TABLE "trunkline_f_calls_by_hand";
END;
$$ LANGUAGE plpgsql;
