-- Generated from the catalogue by `make golden`. Do not edit.
-- Call connect.insert_new_f_calls() or connect.insert_new_f_calls(staging, batch_id).

CREATE OR REPLACE PROCEDURE "connect"."merge_f_calls" (
  record_staging IN VARCHAR(512),
  record_batch_id IN VARCHAR(512),
  record_n_inserted INOUT BIGINT,
  record_n_updated INOUT BIGINT,
  record_n_deleted INOUT BIGINT,
  record_n_superseded INOUT BIGINT,
  record_n_duplicate INOUT BIGINT
) AS $$
DECLARE
  record_source VARCHAR(512);
  record_first_date DATE;
  record_last_date DATE;
  record_n_moved BIGINT;
BEGIN
  -- Overwrites connect.f_calls by key: of all versions of a key, in the table and staged, the best stays.
  -- Best is: record_fidelity (stream above api), then record_version, redacted over not, the newer catalogue,
  -- record_hash, and last the personal columns that the hash leaves out. So late and repeated versions change nothing.
  -- No COMMIT and no TRUNCATE: the caller's transaction holds the merge and the ledger's row together.

  -- The lock first, before anything is read. Under snapshot isolation two loaders would both
  -- insert a new key. A transaction that reads or copies before this call must lock before that.
  LOCK TABLE "connect"."f_calls";

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
  DROP TABLE IF EXISTS "trunkline_f_calls_verdict";
  DROP TABLE IF EXISTS "trunkline_f_calls_held";
  DROP TABLE IF EXISTS "trunkline_f_calls_incoming";
  DROP TABLE IF EXISTS "trunkline_f_calls_source";

  -- The staged rows under a fixed name, so that what follows is plain SQL. record_row only tells rows apart.
  CREATE TEMP TABLE "trunkline_f_calls_source" (LIKE "connect"."f_calls_staging", "record_row" BIGINT IDENTITY(1, 1));
  EXECUTE 'INSERT INTO "trunkline_f_calls_source" (
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
    FROM ' || record_source || ' AS s';

  -- Every staged row with its place among the rows of its key: place 1 is the best one, and rows that equal the best
  -- one in everything share standing 1. Most keys come once and need no ranking.
  CREATE TEMP TABLE "trunkline_f_calls_incoming" (
    "contact_id" VARCHAR(512), "record_row" BIGINT, "record_place" BIGINT, "record_standing" BIGINT
  ) DISTKEY ("contact_id");
  INSERT INTO "trunkline_f_calls_incoming"
  SELECT s."contact_id", MIN(s."record_row"), 1, 1
  FROM "trunkline_f_calls_source" AS s
  GROUP BY s."contact_id"
  HAVING COUNT(*) = 1;
  INSERT INTO "trunkline_f_calls_incoming"
  SELECT s."contact_id", s."record_row",
    ROW_NUMBER() OVER (
      PARTITION BY s."contact_id"
      ORDER BY
        COALESCE(s."record_fidelity", '') DESC,
        COALESCE(s."record_version", '') DESC,
        CASE WHEN s."record_is_redacted" THEN 1 ELSE 0 END DESC,
        COALESCE(s."record_catalogue_version", 0) DESC,
        COALESCE(s."record_hash", '') DESC,
        COALESCE(JSON_SERIALIZE(s."attributes"), '') DESC,
        COALESCE(s."customer_endpoint_address", '') DESC,
        COALESCE(s."transferred_endpoint_address", '') DESC,
        COALESCE(s."system_endpoint_address", '') DESC,
        COALESCE(JSON_SERIALIZE(s."tags_references_items"), '') DESC,
        COALESCE(JSON_SERIALIZE(s."contact_details"), '') DESC,
        COALESCE(JSON_SERIALIZE(s."references"), '') DESC,
        COALESCE(JSON_SERIALIZE(s."additional_email_recipients"), '') DESC,
        COALESCE(JSON_SERIALIZE(s."segment_attributes"), '') DESC,
        COALESCE(s."customer_endpoint_display_name", '') DESC,
        COALESCE(s."transferred_endpoint_display_name", '') DESC,
        COALESCE(s."customer_id", '') DESC,
        COALESCE(JSON_SERIALIZE(s."record_unmapped"), '') DESC
    ),
    RANK() OVER (
      PARTITION BY s."contact_id"
      ORDER BY
        COALESCE(s."record_fidelity", '') DESC,
        COALESCE(s."record_version", '') DESC,
        CASE WHEN s."record_is_redacted" THEN 1 ELSE 0 END DESC,
        COALESCE(s."record_catalogue_version", 0) DESC,
        COALESCE(s."record_hash", '') DESC,
        COALESCE(JSON_SERIALIZE(s."attributes"), '') DESC,
        COALESCE(s."customer_endpoint_address", '') DESC,
        COALESCE(s."transferred_endpoint_address", '') DESC,
        COALESCE(s."system_endpoint_address", '') DESC,
        COALESCE(JSON_SERIALIZE(s."tags_references_items"), '') DESC,
        COALESCE(JSON_SERIALIZE(s."contact_details"), '') DESC,
        COALESCE(JSON_SERIALIZE(s."references"), '') DESC,
        COALESCE(JSON_SERIALIZE(s."additional_email_recipients"), '') DESC,
        COALESCE(JSON_SERIALIZE(s."segment_attributes"), '') DESC,
        COALESCE(s."customer_endpoint_display_name", '') DESC,
        COALESCE(s."transferred_endpoint_display_name", '') DESC,
        COALESCE(s."customer_id", '') DESC,
        COALESCE(JSON_SERIALIZE(s."record_unmapped"), '') DESC
    )
  FROM "trunkline_f_calls_source" AS s
  JOIN (SELECT "contact_id" FROM "trunkline_f_calls_source" GROUP BY "contact_id" HAVING COUNT(*) > 1) AS m
    ON m."contact_id" = s."contact_id";

  -- The rows that the table holds of the staged keys. First only those within the staged dates, written as literals so
  -- that Redshift skips the other blocks; then, for keys still not found, the rest: a contact whose date moved.
  CREATE TEMP TABLE "trunkline_f_calls_held" (
    "contact_id" VARCHAR(512),
    "record_fidelity" VARCHAR(16),
    "record_version" VARCHAR(128),
    "record_is_redacted" BOOLEAN,
    "record_catalogue_version" INTEGER,
    "record_hash" VARCHAR(32),
    "record_is_deleted" BOOLEAN,
    "attributes" SUPER,
    "customer_endpoint_address" VARCHAR(1024),
    "transferred_endpoint_address" VARCHAR(1024),
    "system_endpoint_address" VARCHAR(1024),
    "tags_references_items" SUPER,
    "contact_details" SUPER,
    "references" SUPER,
    "additional_email_recipients" SUPER,
    "segment_attributes" SUPER,
    "customer_endpoint_display_name" VARCHAR(1024),
    "transferred_endpoint_display_name" VARCHAR(1024),
    "customer_id" VARCHAR(512),
    "record_unmapped" SUPER,
    "record_is_moved" BOOLEAN
  ) DISTKEY ("contact_id");
  SELECT INTO record_first_date, record_last_date
    MIN(CAST(s."initiation_timestamp" AS DATE)), MAX(CAST(s."initiation_timestamp" AS DATE))
  FROM "trunkline_f_calls_source" AS s;
  IF record_first_date IS NOT NULL THEN
    EXECUTE 'INSERT INTO "trunkline_f_calls_held"
    SELECT
      t."contact_id",
      t."record_fidelity",
      t."record_version",
      t."record_is_redacted",
      t."record_catalogue_version",
      t."record_hash",
      t."record_is_deleted",
      t."attributes",
      t."customer_endpoint_address",
      t."transferred_endpoint_address",
      t."system_endpoint_address",
      t."tags_references_items",
      t."contact_details",
      t."references",
      t."additional_email_recipients",
      t."segment_attributes",
      t."customer_endpoint_display_name",
      t."transferred_endpoint_display_name",
      t."customer_id",
      t."record_unmapped",
      FALSE
    FROM "connect"."f_calls" AS t
    JOIN "trunkline_f_calls_incoming" AS i ON i."contact_id" = t."contact_id"
    WHERE i."record_place" = 1
      AND t."initiation_timestamp" >= ' || quote_literal(TO_CHAR(record_first_date, 'YYYY-MM-DD')) || '
      AND t."initiation_timestamp" < ' || quote_literal(TO_CHAR(record_last_date + 1, 'YYYY-MM-DD'));
  END IF;
  INSERT INTO "trunkline_f_calls_held"
    SELECT
      t."contact_id",
      t."record_fidelity",
      t."record_version",
      t."record_is_redacted",
      t."record_catalogue_version",
      t."record_hash",
      t."record_is_deleted",
      t."attributes",
      t."customer_endpoint_address",
      t."transferred_endpoint_address",
      t."system_endpoint_address",
      t."tags_references_items",
      t."contact_details",
      t."references",
      t."additional_email_recipients",
      t."segment_attributes",
      t."customer_endpoint_display_name",
      t."transferred_endpoint_display_name",
      t."customer_id",
      t."record_unmapped",
      TRUE
    FROM "connect"."f_calls" AS t
    JOIN "trunkline_f_calls_incoming" AS i ON i."contact_id" = t."contact_id"
    LEFT JOIN "trunkline_f_calls_held" AS h ON h."contact_id" = t."contact_id"
    WHERE i."record_place" = 1 AND h."contact_id" IS NULL;

  -- The best staged row of each key that the table has: better than the table's (1), equal to it (0), or worse (-1).
  -- The first difference decides.
  CREATE TEMP TABLE "trunkline_f_calls_verdict" DISTKEY ("contact_id") AS
  SELECT s."contact_id", t."record_is_moved", t."record_is_deleted" AS "record_is_held_deleted",
    CASE
      WHEN COALESCE(s."record_fidelity", '') > COALESCE(t."record_fidelity", '') THEN 1
      WHEN COALESCE(s."record_fidelity", '') < COALESCE(t."record_fidelity", '') THEN -1
      WHEN COALESCE(s."record_version", '') > COALESCE(t."record_version", '') THEN 1
      WHEN COALESCE(s."record_version", '') < COALESCE(t."record_version", '') THEN -1
      WHEN CASE WHEN s."record_is_redacted" THEN 1 ELSE 0 END > CASE WHEN t."record_is_redacted" THEN 1 ELSE 0 END THEN 1
      WHEN CASE WHEN s."record_is_redacted" THEN 1 ELSE 0 END < CASE WHEN t."record_is_redacted" THEN 1 ELSE 0 END THEN -1
      WHEN COALESCE(s."record_catalogue_version", 0) > COALESCE(t."record_catalogue_version", 0) THEN 1
      WHEN COALESCE(s."record_catalogue_version", 0) < COALESCE(t."record_catalogue_version", 0) THEN -1
      WHEN COALESCE(s."record_hash", '') > COALESCE(t."record_hash", '') THEN 1
      WHEN COALESCE(s."record_hash", '') < COALESCE(t."record_hash", '') THEN -1
      WHEN COALESCE(JSON_SERIALIZE(s."attributes"), '') > COALESCE(JSON_SERIALIZE(t."attributes"), '') THEN 1
      WHEN COALESCE(JSON_SERIALIZE(s."attributes"), '') < COALESCE(JSON_SERIALIZE(t."attributes"), '') THEN -1
      WHEN COALESCE(s."customer_endpoint_address", '') > COALESCE(t."customer_endpoint_address", '') THEN 1
      WHEN COALESCE(s."customer_endpoint_address", '') < COALESCE(t."customer_endpoint_address", '') THEN -1
      WHEN COALESCE(s."transferred_endpoint_address", '') > COALESCE(t."transferred_endpoint_address", '') THEN 1
      WHEN COALESCE(s."transferred_endpoint_address", '') < COALESCE(t."transferred_endpoint_address", '') THEN -1
      WHEN COALESCE(s."system_endpoint_address", '') > COALESCE(t."system_endpoint_address", '') THEN 1
      WHEN COALESCE(s."system_endpoint_address", '') < COALESCE(t."system_endpoint_address", '') THEN -1
      WHEN COALESCE(JSON_SERIALIZE(s."tags_references_items"), '') > COALESCE(JSON_SERIALIZE(t."tags_references_items"), '') THEN 1
      WHEN COALESCE(JSON_SERIALIZE(s."tags_references_items"), '') < COALESCE(JSON_SERIALIZE(t."tags_references_items"), '') THEN -1
      WHEN COALESCE(JSON_SERIALIZE(s."contact_details"), '') > COALESCE(JSON_SERIALIZE(t."contact_details"), '') THEN 1
      WHEN COALESCE(JSON_SERIALIZE(s."contact_details"), '') < COALESCE(JSON_SERIALIZE(t."contact_details"), '') THEN -1
      WHEN COALESCE(JSON_SERIALIZE(s."references"), '') > COALESCE(JSON_SERIALIZE(t."references"), '') THEN 1
      WHEN COALESCE(JSON_SERIALIZE(s."references"), '') < COALESCE(JSON_SERIALIZE(t."references"), '') THEN -1
      WHEN COALESCE(JSON_SERIALIZE(s."additional_email_recipients"), '') > COALESCE(JSON_SERIALIZE(t."additional_email_recipients"), '') THEN 1
      WHEN COALESCE(JSON_SERIALIZE(s."additional_email_recipients"), '') < COALESCE(JSON_SERIALIZE(t."additional_email_recipients"), '') THEN -1
      WHEN COALESCE(JSON_SERIALIZE(s."segment_attributes"), '') > COALESCE(JSON_SERIALIZE(t."segment_attributes"), '') THEN 1
      WHEN COALESCE(JSON_SERIALIZE(s."segment_attributes"), '') < COALESCE(JSON_SERIALIZE(t."segment_attributes"), '') THEN -1
      WHEN COALESCE(s."customer_endpoint_display_name", '') > COALESCE(t."customer_endpoint_display_name", '') THEN 1
      WHEN COALESCE(s."customer_endpoint_display_name", '') < COALESCE(t."customer_endpoint_display_name", '') THEN -1
      WHEN COALESCE(s."transferred_endpoint_display_name", '') > COALESCE(t."transferred_endpoint_display_name", '') THEN 1
      WHEN COALESCE(s."transferred_endpoint_display_name", '') < COALESCE(t."transferred_endpoint_display_name", '') THEN -1
      WHEN COALESCE(s."customer_id", '') > COALESCE(t."customer_id", '') THEN 1
      WHEN COALESCE(s."customer_id", '') < COALESCE(t."customer_id", '') THEN -1
      WHEN COALESCE(JSON_SERIALIZE(s."record_unmapped"), '') > COALESCE(JSON_SERIALIZE(t."record_unmapped"), '') THEN 1
      WHEN COALESCE(JSON_SERIALIZE(s."record_unmapped"), '') < COALESCE(JSON_SERIALIZE(t."record_unmapped"), '') THEN -1
      ELSE 0
    END AS "record_comparison"
  FROM "trunkline_f_calls_incoming" AS i
  JOIN "trunkline_f_calls_source" AS s ON s."contact_id" = i."contact_id" AND s."record_row" = i."record_row"
  JOIN "trunkline_f_calls_held" AS t ON t."contact_id" = i."contact_id"
  WHERE i."record_place" = 1;

  -- Each staged row is counted once. A row that says deleted stays, so that no late version brings its
  -- key back, and counts as no row: live rows are inserted minus deleted. A deletion of what is not there says nothing
  -- new, and is a duplicate.
  SELECT INTO record_n_inserted, record_n_updated, record_n_deleted, record_n_superseded, record_n_duplicate
    COALESCE(SUM(CASE WHEN i."record_place" = 1 AND (v."contact_id" IS NULL OR (v."record_comparison" = 1 AND v."record_is_held_deleted")) AND NOT COALESCE(s."record_is_deleted", FALSE) THEN 1 ELSE 0 END), 0),
    COALESCE(SUM(CASE WHEN i."record_place" = 1 AND (v."record_comparison" = 1 AND NOT v."record_is_held_deleted") AND NOT COALESCE(s."record_is_deleted", FALSE) THEN 1 ELSE 0 END), 0),
    COALESCE(SUM(CASE WHEN i."record_place" = 1 AND (v."record_comparison" = 1 AND NOT v."record_is_held_deleted") AND COALESCE(s."record_is_deleted", FALSE) THEN 1 ELSE 0 END), 0),
    COALESCE(SUM(CASE WHEN i."record_standing" > 1 OR v."record_comparison" = -1 THEN 1 ELSE 0 END), 0),
    COALESCE(SUM(CASE WHEN i."record_standing" = 1 AND (v."record_comparison" = 0 OR (i."record_place" > 1 AND (v."contact_id" IS NULL OR v."record_comparison" = 1))
      OR (i."record_place" = 1 AND (v."contact_id" IS NULL OR (v."record_comparison" = 1 AND v."record_is_held_deleted")) AND COALESCE(s."record_is_deleted", FALSE))) THEN 1 ELSE 0 END), 0)
  FROM "trunkline_f_calls_incoming" AS i
  JOIN "trunkline_f_calls_source" AS s ON s."contact_id" = i."contact_id" AND s."record_row" = i."record_row"
  LEFT JOIN "trunkline_f_calls_verdict" AS v ON v."contact_id" = i."contact_id";
  RAISE INFO 'merge_f_calls: batch %, inserted %, updated %, deleted %, superseded %, duplicate %', record_batch_id, record_n_inserted, record_n_updated, record_n_deleted, record_n_superseded, record_n_duplicate;

  -- The counts stay in a table of the session, for a batch of statements that writes them into the ledger.
  CREATE TEMP TABLE IF NOT EXISTS "trunkline_f_calls_counted" ("batch" VARCHAR(512), "inserted" BIGINT, "updated" BIGINT, "deleted" BIGINT, "superseded" BIGINT, "duplicate" BIGINT);
  INSERT INTO "trunkline_f_calls_counted" SELECT record_batch_id, record_n_inserted, record_n_updated, record_n_deleted, record_n_superseded, record_n_duplicate;

  -- Again within the staged dates, and the few whose date moved apart.
  IF record_first_date IS NOT NULL THEN
    EXECUTE 'DELETE FROM "connect"."f_calls"
    USING "trunkline_f_calls_verdict" AS v
    WHERE v."contact_id" = "connect"."f_calls"."contact_id" AND v."record_comparison" = 1 AND NOT v."record_is_moved"
      AND "connect"."f_calls"."initiation_timestamp" >= ' || quote_literal(TO_CHAR(record_first_date, 'YYYY-MM-DD')) || '
      AND "connect"."f_calls"."initiation_timestamp" < ' || quote_literal(TO_CHAR(record_last_date + 1, 'YYYY-MM-DD'));
  END IF;
  SELECT INTO record_n_moved COUNT(*) FROM "trunkline_f_calls_verdict" AS v WHERE v."record_is_moved" AND v."record_comparison" = 1;
  IF record_n_moved > 0 THEN
    DELETE FROM "connect"."f_calls"
    USING "trunkline_f_calls_verdict" AS v
    WHERE v."contact_id" = "connect"."f_calls"."contact_id" AND v."record_comparison" = 1 AND v."record_is_moved";
  END IF;

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
  FROM "trunkline_f_calls_incoming" AS i
  JOIN "trunkline_f_calls_source" AS s ON s."contact_id" = i."contact_id" AND s."record_row" = i."record_row"
  LEFT JOIN "trunkline_f_calls_verdict" AS v ON v."contact_id" = i."contact_id"
  WHERE i."record_place" = 1 AND (v."contact_id" IS NULL OR v."record_comparison" = 1);

  DROP TABLE "trunkline_f_calls_verdict";
  DROP TABLE "trunkline_f_calls_held";
  DROP TABLE "trunkline_f_calls_incoming";
  DROP TABLE "trunkline_f_calls_source";
END;
$$ LANGUAGE plpgsql;

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
  LOCK TABLE "connect"."f_calls";

  DROP TABLE IF EXISTS "trunkline_f_calls_by_hand";
  CREATE TEMP TABLE "trunkline_f_calls_by_hand" (LIKE "connect"."f_calls_staging");
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
      WHEN RANK() OVER (PARTITION BY s."contact_id" ORDER BY COALESCE(s."record_fidelity", 'stream') DESC, COALESCE(s."record_version", RTRIM(RTRIM(TO_CHAR(s."last_update_timestamp", 'YYYY-MM-DD HH24:MI:SS.US'), '0'), '.'), t."record_version", '') DESC, CASE WHEN COALESCE(s."record_is_redacted", t."record_is_redacted") THEN 1 ELSE 0 END DESC, COALESCE(s."record_hash", s."record_new_hash") DESC, COALESCE(JSON_SERIALIZE(s."attributes"), '') DESC, COALESCE(s."customer_endpoint_address", '') DESC, COALESCE(s."transferred_endpoint_address", '') DESC, COALESCE(s."system_endpoint_address", '') DESC, COALESCE(JSON_SERIALIZE(s."tags_references_items"), '') DESC, COALESCE(JSON_SERIALIZE(s."contact_details"), '') DESC, COALESCE(JSON_SERIALIZE(s."references"), '') DESC, COALESCE(JSON_SERIALIZE(s."additional_email_recipients"), '') DESC, COALESCE(JSON_SERIALIZE(s."segment_attributes"), '') DESC, COALESCE(s."customer_endpoint_display_name", '') DESC, COALESCE(s."transferred_endpoint_display_name", '') DESC, COALESCE(s."customer_id", '') DESC, COALESCE(JSON_SERIALIZE(s."record_unmapped"), '') DESC) > 1 THEN 0
      WHEN t."record_hash" IS NULL THEN 1000000
      WHEN COALESCE(s."record_hash", s."record_new_hash") = t."record_hash" AND COALESCE(JSON_SERIALIZE(s."attributes"), '') = COALESCE(JSON_SERIALIZE(t."attributes"), '') AND COALESCE(s."customer_endpoint_address", '') = COALESCE(t."customer_endpoint_address", '') AND COALESCE(s."transferred_endpoint_address", '') = COALESCE(t."transferred_endpoint_address", '') AND COALESCE(s."system_endpoint_address", '') = COALESCE(t."system_endpoint_address", '') AND COALESCE(JSON_SERIALIZE(s."tags_references_items"), '') = COALESCE(JSON_SERIALIZE(t."tags_references_items"), '') AND COALESCE(JSON_SERIALIZE(s."contact_details"), '') = COALESCE(JSON_SERIALIZE(t."contact_details"), '') AND COALESCE(JSON_SERIALIZE(s."references"), '') = COALESCE(JSON_SERIALIZE(t."references"), '') AND COALESCE(JSON_SERIALIZE(s."additional_email_recipients"), '') = COALESCE(JSON_SERIALIZE(t."additional_email_recipients"), '') AND COALESCE(JSON_SERIALIZE(s."segment_attributes"), '') = COALESCE(JSON_SERIALIZE(t."segment_attributes"), '') AND COALESCE(s."customer_endpoint_display_name", '') = COALESCE(t."customer_endpoint_display_name", '') AND COALESCE(s."transferred_endpoint_display_name", '') = COALESCE(t."transferred_endpoint_display_name", '') AND COALESCE(s."customer_id", '') = COALESCE(t."customer_id", '') AND COALESCE(JSON_SERIALIZE(s."record_unmapped"), '') = COALESCE(JSON_SERIALIZE(t."record_unmapped"), '')
        THEN t."record_catalogue_version"
      WHEN t."record_catalogue_version" < 999999 THEN 1000000
      ELSE t."record_catalogue_version" + 1
    END),
    COALESCE(s."record_hash", s."record_new_hash"),
    COALESCE(s."record_position", 'connect.f_calls_staging'),
    COALESCE(s."record_arrived_at", GETDATE()),
    COALESCE(s."record_loaded_at", GETDATE()),
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
      || COALESCE(MD5(JSON_SERIALIZE(s."voice_id_result_fraud_detection_reasons_items")), '-')
      || COALESCE(MD5(CAST(s."external_third_party_interaction_duration_ms" AS VARCHAR(64))), '-')
      || COALESCE(MD5(CAST(s."agent_pause_duration_ms" AS VARCHAR(64))), '-')
      || COALESCE(MD5(JSON_SERIALIZE(s."media_streams_items")), '-')
      || COALESCE(MD5(JSON_SERIALIZE(s."contact_evaluations")), '-')
      || COALESCE(MD5(JSON_SERIALIZE(s."email_recipients")), '-')
      || COALESCE(MD5(JSON_SERIALIZE(s."agent_state_transitions")), '-')
      || COALESCE(MD5(JSON_SERIALIZE(s."recordings")), '-')
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
      || COALESCE(MD5(JSON_SERIALIZE(s."quality_metrics_agent_audio")), '-')
      || COALESCE(MD5(JSON_SERIALIZE(s."quality_metrics_customer_audio")), '-')
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
      || COALESCE(MD5(JSON_SERIALIZE(s."ai_agents")), '-')
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
      || COALESCE(MD5(JSON_SERIALIZE(s."routing_criteria")), '-')
      || COALESCE(MD5(CAST(s."agent_initiated_hold_duration_ms" AS VARCHAR(64))), '-')
      || COALESCE(MD5(TO_CHAR(s."agent_accepted_by_agent_timestamp", 'YYYY-MM-DD HH24:MI:SS.US')), '-')
      || COALESCE(MD5(TO_CHAR(s."agent_preview_end_timestamp", 'YYYY-MM-DD HH24:MI:SS.US')), '-')
      || COALESCE(MD5(s."agent_capabilities_screen_share"), '-')
      || COALESCE(MD5(s."agent_active_region"), '-')
      || COALESCE(MD5(TO_CHAR(s."ring_start_timestamp", 'YYYY-MM-DD HH24:MI:SS.US')), '-')
      || COALESCE(MD5(JSON_SERIALIZE(s."contact_lens")), '-')
      || COALESCE(MD5(JSON_SERIALIZE(s."outbound_strategy")), '-')
      || COALESCE(MD5(JSON_SERIALIZE(s."global_resiliency_metadata")), '-')
      || COALESCE(MD5(JSON_SERIALIZE(s."voice_id_result")), '-')
    ) AS "record_new_hash"
    FROM "connect"."f_calls_staging" AS s
  ) AS s
  LEFT JOIN "connect"."f_calls" AS t ON t."contact_id" = s."contact_id";

  -- DELETE and not TRUNCATE, which would commit. The transaction sees one snapshot throughout, so a row that somebody
  -- stages meanwhile is neither merged nor deleted.
  DELETE FROM "connect"."f_calls_staging";
END;
$$ LANGUAGE plpgsql;

CREATE OR REPLACE PROCEDURE "connect"."insert_new_f_calls" (
  staging IN VARCHAR(512),
  batch_id IN VARCHAR(512),
  inserted OUT BIGINT,
  updated OUT BIGINT,
  deleted OUT BIGINT,
  superseded OUT BIGINT,
  duplicate OUT BIGINT
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
  inserted OUT BIGINT,
  updated OUT BIGINT,
  deleted OUT BIGINT,
  superseded OUT BIGINT,
  duplicate OUT BIGINT
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
