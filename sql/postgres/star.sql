-- Generated from the catalogue by `make golden`. Do not edit.

CREATE OR REPLACE VIEW "connect_datalake"."contact_statistic_record" AS
SELECT
    "instance_id",
    "contact_id",
    "aws_account_id",
    "channel",
    "queue_id",
    "agent_id",
    "initiation_method",
    "initiation_timestamp",
    "disconnect_timestamp",
    "queue_enqueue_timestamp" AS "enqueue_timestamp",
    CASE WHEN "initiation_method" NOT IN ('INBOUND', 'TRANSFER', 'QUEUE_TRANSFER', 'API') THEN NULL WHEN "initiation_method" IS NULL THEN NULL WHEN "connected_to_system_timestamp" IS NULL THEN 0 WHEN COALESCE("queue_enqueue_timestamp", "transfer_completed_timestamp", "disconnect_timestamp") < "connected_to_system_timestamp" THEN 0 WHEN "queue_enqueue_timestamp" IS NOT NULL THEN CAST(TRUNC(EXTRACT(EPOCH FROM ("queue_enqueue_timestamp" - "connected_to_system_timestamp")) * 1000) AS BIGINT) WHEN "transfer_completed_timestamp" IS NOT NULL THEN CAST(TRUNC(EXTRACT(EPOCH FROM ("transfer_completed_timestamp" - "connected_to_system_timestamp")) * 1000) AS BIGINT) ELSE CAST(TRUNC(EXTRACT(EPOCH FROM ("disconnect_timestamp" - "connected_to_system_timestamp")) * 1000) AS BIGINT) END AS "contact_flow_time_ms",
    CASE WHEN "queue_enqueue_timestamp" IS NOT NULL THEN "queue_duration_ms" END AS "queue_time_ms",
    CASE WHEN "queue_enqueue_timestamp" IS NOT NULL AND "agent_connected_to_agent_timestamp" IS NULL AND "next_contact_id" IS NULL AND "transfer_completed_timestamp" IS NULL THEN "queue_duration_ms" END AS "abandon_time_ms",
    CASE WHEN "agent_connected_to_agent_timestamp" IS NOT NULL AND "queue_enqueue_timestamp" IS NOT NULL THEN "queue_duration_ms" END AS "queue_answer_time_ms",
    CASE WHEN "agent_interaction_duration_ms" IS NOT NULL OR "agent_customer_hold_duration_ms" IS NOT NULL OR "agent_after_contact_work_duration_ms" IS NOT NULL THEN COALESCE("agent_interaction_duration_ms", 0) + COALESCE("agent_customer_hold_duration_ms", 0) + COALESCE("agent_after_contact_work_duration_ms", 0) END AS "handle_time_ms",
    "agent_customer_hold_duration_ms" AS "customer_hold_time_ms",
    "agent_interaction_duration_ms" AS "agent_interaction_time_ms",
    CASE WHEN "initiation_method" = 'OUTBOUND' THEN "agent_interaction_duration_ms" END AS "agent_interaction_outbound_time_ms",
    CASE WHEN "agent_interaction_duration_ms" IS NOT NULL OR "agent_customer_hold_duration_ms" IS NOT NULL THEN COALESCE("agent_interaction_duration_ms", 0) + COALESCE("agent_customer_hold_duration_ms", 0) END AS "agent_interaction_and_hold_time_ms",
    COALESCE("agent_after_contact_work_duration_ms", CASE WHEN "agent_connected_to_agent_timestamp" IS NOT NULL THEN 0 END) AS "after_contact_work_time_ms",
    CASE WHEN "initiation_method" = 'OUTBOUND' THEN COALESCE("agent_after_contact_work_duration_ms", CASE WHEN "agent_connected_to_agent_timestamp" IS NOT NULL THEN 0 END) END AS "after_contact_work_outbound_time_ms",
    CAST(CASE WHEN "connected_to_system_timestamp" IS NOT NULL THEN 1 ELSE 0 END AS BIGINT) AS "is_connected",
    CAST(CASE WHEN "agent_connected_to_agent_timestamp" IS NOT NULL THEN 1 ELSE 0 END AS BIGINT) AS "is_handled",
    CAST(CASE WHEN "queue_enqueue_timestamp" IS NOT NULL THEN 1 ELSE 0 END AS BIGINT) AS "is_queued",
    CAST(CASE WHEN "queue_enqueue_timestamp" IS NOT NULL AND "agent_connected_to_agent_timestamp" IS NOT NULL THEN 1 ELSE 0 END AS BIGINT) AS "is_queued_and_handled",
    CAST(CASE WHEN "queue_enqueue_timestamp" IS NOT NULL AND "agent_connected_to_agent_timestamp" IS NULL AND "next_contact_id" IS NULL AND "transfer_completed_timestamp" IS NULL THEN 1 ELSE 0 END AS BIGINT) AS "is_abandoned",
    CAST(CASE WHEN "agent_connected_to_agent_timestamp" IS NOT NULL AND "disconnect_reason" = 'AGENT_DISCONNECT' THEN 1 ELSE 0 END AS BIGINT) AS "is_agent_hung_up_first",
    CAST(CASE WHEN "agent_connected_to_agent_timestamp" IS NOT NULL AND "initiation_method" IN ('INBOUND', 'TRANSFER', 'QUEUE_TRANSFER') THEN 1 ELSE 0 END AS BIGINT) AS "is_handled_incoming",
    CAST(CASE WHEN "agent_connected_to_agent_timestamp" IS NOT NULL AND "initiation_method" = 'OUTBOUND' THEN 1 ELSE 0 END AS BIGINT) AS "is_handled_outbound",
    CAST(CASE WHEN "agent_connected_to_agent_timestamp" IS NOT NULL AND "initiation_method" = 'CALLBACK' THEN 1 ELSE 0 END AS BIGINT) AS "is_callback_handled",
    CAST(CASE WHEN "agent_connected_to_agent_timestamp" IS NOT NULL AND "initiation_method" = 'API' THEN 1 ELSE 0 END AS BIGINT) AS "is_api_handled",
    CAST(CASE WHEN "initiation_method" IN ('INBOUND', 'TRANSFER', 'QUEUE_TRANSFER') THEN 1 ELSE 0 END AS BIGINT) AS "is_incoming",
    CAST(CASE WHEN "initiation_method" = 'CALLBACK' THEN 1 ELSE 0 END AS BIGINT) AS "is_callback_contact",
    CAST(CASE WHEN "initiation_method" = 'API' THEN 1 ELSE 0 END AS BIGINT) AS "is_api_contact",
    CAST(CASE WHEN "agent_number_of_holds" > 0 THEN 1 ELSE 0 END AS BIGINT) AS "is_put_on_hold",
    CAST(NULL AS BIGINT) AS "is_hold_disconnect",
    CAST(NULL AS BIGINT) AS "is_hold_agent_disconnect",
    CAST(NULL AS BIGINT) AS "is_hold_customer_disconnect",
    CAST(CASE WHEN "initiation_method" IN ('TRANSFER', 'QUEUE_TRANSFER') THEN 1 ELSE 0 END AS BIGINT) AS "is_transferred_in",
    CAST(CASE WHEN "initiation_method" = 'TRANSFER' THEN 1 ELSE 0 END AS BIGINT) AS "is_transferred_in_from_handled",
    CAST(CASE WHEN "initiation_method" = 'QUEUE_TRANSFER' THEN 1 ELSE 0 END AS BIGINT) AS "is_transferred_in_from_queued",
    CAST(CASE WHEN "transfer_completed_timestamp" IS NOT NULL THEN 1 ELSE 0 END AS BIGINT) AS "is_transferred_out",
    CAST(CASE WHEN "transfer_completed_timestamp" IS NOT NULL AND "agent_connected_to_agent_timestamp" IS NOT NULL THEN 1 ELSE 0 END AS BIGINT) AS "is_transferred_out_from_handled",
    CAST(CASE WHEN "transfer_completed_timestamp" IS NOT NULL AND "queue_enqueue_timestamp" IS NOT NULL AND "agent_connected_to_agent_timestamp" IS NULL THEN 1 ELSE 0 END AS BIGINT) AS "is_transferred_out_from_queued",
    CAST(CASE WHEN "transfer_completed_timestamp" IS NOT NULL AND ("transferred_endpoint_type" IS NULL OR "transferred_endpoint_type" <> 'TELEPHONE_NUMBER') THEN 1 ELSE 0 END AS BIGINT) AS "is_transferred_out_internal",
    CAST(CASE WHEN "transfer_completed_timestamp" IS NOT NULL AND "transferred_endpoint_type" = 'TELEPHONE_NUMBER' THEN 1 ELSE 0 END AS BIGINT) AS "is_transferred_out_external",
    CAST(CASE WHEN "transfer_completed_timestamp" IS NOT NULL AND "transferred_endpoint_type" = 'TELEPHONE_NUMBER' AND "agent_connected_to_agent_timestamp" IS NULL THEN 1 ELSE 0 END AS BIGINT) AS "is_transferred_out_external_from_contact_flow",
    CAST(NULL AS TIMESTAMP) AS "data_lake_last_processed_timestamp"
FROM "connect_datalake"."contact_record";

CREATE OR REPLACE VIEW "connect_datalake"."contact_lens_conversational_analytics" AS
SELECT
    "aws_account_id",
    CAST(NULL AS TEXT) AS "version",
    COALESCE("record_instance_id", "instance_id") AS "instance_id",
    "call_id" AS "contact_id",
    "instance_arn",
    "channel",
    "language_locale",
    'contact_lens_conversational_analytics' AS "feature",
    "categories",
    "disconnect_timestamp",
    "greeting_time_agent_ms",
    "non_talk_time_total_ms",
    "talk_time_total_ms",
    "talk_time_agent_ms",
    "talk_time_customer_ms",
    "total_conversation_duration_ms",
    "talk_speed_agent_wpm",
    "talk_speed_customer_wpm",
    "interruptions_time_total_ms",
    "interruptions_time_agent_ms",
    "interruptions_time_customer_ms",
    "interruptions_total_count",
    "interruptions_agent_count",
    "interruptions_customer_count",
    "sentiment_overall_score_agent",
    "sentiment_overall_score_customer",
    "sentiment_interaction_score_customer_with_agent",
    "sentiment_interaction_score_customer_without_agent",
    "sentiment_end_score_agent",
    "sentiment_end_score_customer",
    "response_time_average_agent_ms",
    "response_time_average_customer_ms",
    "response_time_maximum_agent_ms",
    "response_time_maximum_customer_ms",
    CAST(NULL AS TIMESTAMP) AS "data_lake_last_processed_timestamp"
FROM (
  SELECT t."call_id", t."instance_id", t."aws_account_id", t."channel", t."language_locale", t."categories", t."greeting_time_agent_ms", t."non_talk_time_total_ms", t."talk_time_total_ms", t."talk_time_agent_ms", t."talk_time_customer_ms", t."total_conversation_duration_ms", t."talk_speed_agent_wpm", t."talk_speed_customer_wpm", t."interruptions_time_total_ms", t."interruptions_time_agent_ms", t."interruptions_time_customer_ms", t."interruptions_total_count", t."interruptions_agent_count", t."interruptions_customer_count", t."sentiment_overall_score_agent", t."sentiment_overall_score_customer", t."sentiment_interaction_score_customer_with_agent", t."sentiment_interaction_score_customer_without_agent", t."sentiment_end_score_agent", t."sentiment_end_score_customer", t."response_time_average_agent_ms", t."response_time_average_customer_ms", t."response_time_maximum_agent_ms", t."response_time_maximum_customer_ms",
    r."instance_id" AS "record_instance_id", r."instance_arn", r."disconnect_timestamp",
    ROW_NUMBER() OVER (PARTITION BY t."call_id" ORDER BY t."output") AS "place"
  FROM "post_call_analytics"."transcript" AS t
  LEFT JOIN "connect_datalake"."contact_record" AS r ON r."contact_id" = t."call_id"
  WHERE t."format" = 'contact_lens'
) AS lens
WHERE "place" = 1;

CREATE OR REPLACE VIEW "post_call_analytics"."transcript_turn" AS
SELECT
    "call_id",
    "format",
    "output",
    "turn_number",
    "turn_id",
    "kind",
    "participant",
    "participant_id",
    "begin_offset_ms",
    "end_offset_ms",
    "occurred_at",
    "content_type",
    "content",
    "sentiment",
    "details",
    "channel",
    "written_at",
    "transcript_s3_key"
FROM (
  SELECT t."call_id", t."format", t."output", t."channel", t."written_at", t."transcript_s3_key",
    CAST(u."item" ->> 'turn_number' AS bigint) AS "turn_number", CAST(u."item" ->> 'turn_id' AS text) AS "turn_id", CAST(u."item" ->> 'kind' AS text) AS "kind", CAST(u."item" ->> 'participant' AS text) AS "participant", CAST(u."item" ->> 'participant_id' AS text) AS "participant_id", CAST(u."item" ->> 'begin_offset_ms' AS bigint) AS "begin_offset_ms", CAST(u."item" ->> 'end_offset_ms' AS bigint) AS "end_offset_ms", CAST(u."item" ->> 'occurred_at' AS timestamp) AS "occurred_at", CAST(u."item" ->> 'content_type' AS text) AS "content_type", CAST(u."item" ->> 'content' AS text) AS "content", CAST(u."item" ->> 'sentiment' AS text) AS "sentiment", CAST(u."item" ->> 'details' AS text) AS "details"
  FROM "post_call_analytics"."transcript" AS t CROSS JOIN LATERAL jsonb_array_elements(t."turns") AS u("item")
) AS members;

CREATE OR REPLACE VIEW "post_call_analytics"."calls" AS
SELECT
    "call_id",
    "call_timestamp_utc",
    "agent_id",
    "agent_name",
    "allocation",
    "direction",
    "file_name",
    "first_or_follow_up",
    "medium",
    "program",
    "queue_id",
    "queue_name",
    "session_id",
    "site_id",
    "site_name",
    "tenant_id",
    "s3_bucket",
    COALESCE(CAST(("duration_ms" - "duration_ms" % 1000) / 1000 AS BIGINT), CAST((CAST(TRUNC(EXTRACT(EPOCH FROM ("disconnect_timestamp" - "agent_connected_to_agent_timestamp")) * 1000) AS BIGINT) - CAST(TRUNC(EXTRACT(EPOCH FROM ("disconnect_timestamp" - "agent_connected_to_agent_timestamp")) * 1000) AS BIGINT) % 1000) / 1000 AS BIGINT)) AS "call_duration_seconds",
    CASE WHEN "answering_machine_detection_status" IN ('HUMAN_ANSWERED') THEN 'Human' WHEN "answering_machine_detection_status" IN ('VOICEMAIL_BEEP', 'VOICEMAIL_NO_BEEP') THEN 'Voicemail' WHEN "answering_machine_detection_status" IN ('AMD_UNANSWERED', 'SIT_TONE_BUSY', 'SIT_TONE_INVALID_NUMBER', 'SIT_TONE_DETECTED') THEN 'NoAnswer' WHEN "answering_machine_detection_status" IN ('FAX_MACHINE_DETECTED') THEN 'Unknown' WHEN "participant_kind" IN ('role', 'channel') AND "participant_count" >= 2 THEN CASE WHEN ("change_count" >= 2 OR "first_participant" = 'AGENT' OR LOWER(COALESCE("direction", '')) LIKE 'in%') THEN 'Human' ELSE 'Voicemail' END WHEN CAST(("duration_ms" - "duration_ms" % 1000) / 1000 AS BIGINT) = 0 THEN 'Unknown' WHEN CAST(("duration_ms" - "duration_ms" % 1000) / 1000 AS BIGINT) < 10 THEN 'NoAnswer' WHEN "participant_count" >= 2 THEN 'Human' WHEN "participant_count" = 1 THEN 'Voicemail' ELSE 'Unknown' END AS "answer_type",
    "transcript_s3_key",
    LPAD(CAST(CAST(EXTRACT(YEAR FROM COALESCE("call_timestamp_utc", TIMESTAMP '1970-01-01 00:00:00')) AS INTEGER) AS VARCHAR(4)), 4, '0') AS "year",
    LPAD(CAST(CAST(EXTRACT(MONTH FROM COALESCE("call_timestamp_utc", TIMESTAMP '1970-01-01 00:00:00')) AS INTEGER) AS VARCHAR(4)), 2, '0') AS "month",
    LPAD(CAST(CAST(EXTRACT(DAY FROM COALESCE("call_timestamp_utc", TIMESTAMP '1970-01-01 00:00:00')) AS INTEGER) AS VARCHAR(4)), 2, '0') AS "day",
    CASE WHEN "answering_machine_detection_status" IN ('HUMAN_ANSWERED', 'VOICEMAIL_BEEP', 'VOICEMAIL_NO_BEEP', 'AMD_UNANSWERED', 'SIT_TONE_BUSY', 'SIT_TONE_INVALID_NUMBER', 'SIT_TONE_DETECTED', 'FAX_MACHINE_DETECTED') THEN 'answering_machine_status' WHEN "participant_kind" IN ('role', 'channel') AND "participant_count" >= 2 THEN 'participants' WHEN CAST(("duration_ms" - "duration_ms" % 1000) / 1000 AS BIGINT) BETWEEN 1 AND 9 OR ("participant_count" >= 1 AND COALESCE(CAST(("duration_ms" - "duration_ms" % 1000) / 1000 AS BIGINT), 1) <> 0) THEN 'duration_and_speakers' END AS "answer_type_rule",
    CASE WHEN CAST(("duration_ms" - "duration_ms" % 1000) / 1000 AS BIGINT) = 0 THEN 'Unknown' WHEN CAST(("duration_ms" - "duration_ms" % 1000) / 1000 AS BIGINT) < 10 THEN 'NoAnswer' WHEN "participant_count" >= 2 THEN 'Human' WHEN "participant_count" = 1 THEN 'Voicemail' ELSE 'Unknown' END AS "answer_type_by_duration",
    CASE WHEN "duration_ms" IS NOT NULL THEN "duration_rule" WHEN CAST(TRUNC(EXTRACT(EPOCH FROM ("disconnect_timestamp" - "agent_connected_to_agent_timestamp")) * 1000) AS BIGINT) IS NOT NULL THEN 'contact_record' END AS "call_duration_rule",
    "transcript_bucket",
    "transcript_format"
FROM (
  SELECT c.*,
    t."transcript_s3_key", t."transcript_bucket", t."duration_ms", t."duration_rule", t."participant_kind", t."participant_count", t."first_participant", t."change_count",
    t."format" AS "transcript_format",
    r."answering_machine_detection_status",
    r."agent_connected_to_agent_timestamp", r."disconnect_timestamp"
  FROM "post_call_analytics"."call" AS c
  LEFT JOIN (
    SELECT "call_id", "format", "transcript_s3_key", "transcript_bucket", "duration_ms", "duration_rule", "participant_kind", "participant_count", "first_participant", "change_count",
      ROW_NUMBER() OVER (
        PARTITION BY "call_id"
        ORDER BY CASE WHEN "duration_ms" IS NULL THEN 1 ELSE 0 END, CASE "format" WHEN 'contact_lens' THEN 0 WHEN 'call_analytics' THEN 1 WHEN 'transcribe' THEN 2 END, "output"
      ) AS "place"
    FROM "post_call_analytics"."transcript"
  ) AS t ON t."call_id" = c."call_id" AND t."place" = 1
  LEFT JOIN "connect_datalake"."contact_record" AS r ON r."contact_id" = c."call_id"
) AS joined;

CREATE OR REPLACE VIEW "connect_datalake"."agent_event_contact" AS
SELECT
    "event_id",
    "agent_arn",
    "event_timestamp",
    "contact_id",
    "initial_contact_id",
    CASE WHEN "channel" = 'TASKS' THEN 'TASK' ELSE "channel" END AS "channel",
    "initiation_method",
    "state",
    "state_start_timestamp",
    "connected_to_agent_timestamp",
    "queue_timestamp",
    "queue_arn",
    "queue_name"
FROM (
  SELECT t."event_id", t."agent_arn", t."event_timestamp",
    CAST(u."item" ->> 'contact_id' AS text) AS "contact_id", CAST(u."item" ->> 'initial_contact_id' AS text) AS "initial_contact_id", CAST(u."item" ->> 'channel' AS text) AS "channel", CAST(u."item" ->> 'initiation_method' AS text) AS "initiation_method", CAST(u."item" ->> 'state' AS text) AS "state", CAST(u."item" ->> 'state_start_timestamp' AS timestamp) AS "state_start_timestamp", CAST(u."item" ->> 'connected_to_agent_timestamp' AS timestamp) AS "connected_to_agent_timestamp", CAST(u."item" ->> 'queue_timestamp' AS timestamp) AS "queue_timestamp", CAST(u."item" -> 'queue' ->> 'arn' AS text) AS "queue_arn", CAST(u."item" -> 'queue' ->> 'name' AS text) AS "queue_name"
  FROM "connect_datalake"."agent_event" AS t CROSS JOIN LATERAL jsonb_array_elements(t."current_contacts") AS u("item")
) AS members;

CREATE OR REPLACE VIEW "connect_datalake"."agent_activity" AS
SELECT
    "event_id",
    "instance_id",
    "aws_account_id",
    "instance_arn",
    "agent_arn",
    COALESCE(NULLIF(SPLIT_PART("agent_arn", '/', 5), ''), NULLIF(SPLIT_PART("agent_arn", '/', 4), '')) AS "user_id",
    "interval_start_time",
    "part_begin" AS "begin_timestamp",
    "part_end" AS "end_timestamp",
    "is_last",
    CAST(TRUNC(EXTRACT(EPOCH FROM ("part_end" - "part_begin")) * 1000) AS BIGINT) AS "duration_ms",
    "agent_status_arn",
    "agent_status_name",
    "agent_status_type",
    CASE WHEN "agent_status_type" <> 'OFFLINE' THEN CAST(TRUNC(EXTRACT(EPOCH FROM ("part_end" - "part_begin")) * 1000) AS BIGINT) ELSE 0 END AS "online_ms",
    CASE WHEN "agent_status_type" = 'CUSTOM' THEN CAST(TRUNC(EXTRACT(EPOCH FROM ("part_end" - "part_begin")) * 1000) AS BIGINT) ELSE 0 END AS "non_productive_ms",
    CASE WHEN COALESCE("is_error", 0) = 1 THEN CAST(TRUNC(EXTRACT(EPOCH FROM ("part_end" - "part_begin")) * 1000) AS BIGINT) ELSE 0 END AS "error_ms",
    CASE WHEN "agent_status_type" = 'ROUTABLE' AND COALESCE("is_on_contact", 0) = 1 THEN CAST(TRUNC(EXTRACT(EPOCH FROM ("part_end" - "part_begin")) * 1000) AS BIGINT) ELSE 0 END AS "on_contact_ms",
    CASE WHEN "agent_status_type" = 'ROUTABLE' AND COALESCE("is_on_contact", 0) = 0 AND (COALESCE("is_error", 0) = 1 OR COALESCE("is_offered", 0) = 0) THEN CAST(TRUNC(EXTRACT(EPOCH FROM ("part_end" - "part_begin")) * 1000) AS BIGINT) ELSE 0 END AS "idle_ms",
    CASE WHEN "agent_status_type" = 'ROUTABLE' AND COALESCE("is_on_contact", 0) = 0 AND NOT ("agent_status_type" = 'ROUTABLE' AND COALESCE("is_on_contact", 0) = 0 AND (COALESCE("is_error", 0) = 1 OR COALESCE("is_offered", 0) = 0)) THEN CAST(TRUNC(EXTRACT(EPOCH FROM ("part_end" - "part_begin")) * 1000) AS BIGINT) ELSE 0 END AS "offered_ms",
    "agent_username",
    "agent_routing_profile_arn",
    "agent_routing_profile_name",
    "agent_hierarchy_level_1_arn",
    "agent_hierarchy_level_2_arn",
    "agent_hierarchy_level_3_arn",
    "agent_hierarchy_level_4_arn",
    "agent_hierarchy_level_5_arn"
FROM (
  SELECT "instance_id", "aws_account_id", "instance_arn", "agent_arn", "event_id", "begin_timestamp", "end_timestamp", "quarter_timestamp", "is_last", "agent_status_arn", "agent_status_name", "agent_status_type", "agent_username", "agent_routing_profile_arn", "agent_routing_profile_name", "agent_hierarchy_level_1_arn", "agent_hierarchy_level_2_arn", "agent_hierarchy_level_3_arn", "agent_hierarchy_level_4_arn", "agent_hierarchy_level_5_arn",
    CASE WHEN "part" = 0 THEN "quarter_timestamp" ELSE "quarter_timestamp" + INTERVAL '15' MINUTE END AS "interval_start_time",
    CASE WHEN "part" = 0 THEN "begin_timestamp" ELSE "quarter_timestamp" + INTERVAL '15' MINUTE END AS "part_begin",
    CASE WHEN "part" = 1 THEN "end_timestamp" ELSE LEAST("end_timestamp", "quarter_timestamp" + INTERVAL '15' MINUTE) END AS "part_end"
  FROM (
    SELECT "instance_id", "aws_account_id", "instance_arn", "agent_arn", "event_id", "event_timestamp" AS "begin_timestamp",
      LEAST(COALESCE("next_timestamp", "event_timestamp"), "event_timestamp" + INTERVAL '15' MINUTE) AS "end_timestamp",
      "event_timestamp" - ("event_timestamp" - date_bin(INTERVAL '900 seconds', "event_timestamp", TIMESTAMP '2000-01-01 00:00:00')) AS "quarter_timestamp",
      CASE WHEN "next_timestamp" IS NULL THEN 1 ELSE 0 END AS "is_last",
      "current_agent_status_arn" AS "agent_status_arn", "current_agent_status_name" AS "agent_status_name",
      COALESCE("current_agent_status_type", CASE "current_agent_status_name" WHEN 'Available' THEN 'ROUTABLE' WHEN 'Offline' THEN 'OFFLINE' ELSE 'CUSTOM' END) AS "agent_status_type", "current_configuration_username" AS "agent_username",
      "current_routing_profile_arn" AS "agent_routing_profile_arn",
      "current_routing_profile_name" AS "agent_routing_profile_name",
      "current_agent_hierarchy_groups_level_1_arn" AS "agent_hierarchy_level_1_arn", "current_agent_hierarchy_groups_level_2_arn" AS "agent_hierarchy_level_2_arn", "current_agent_hierarchy_groups_level_3_arn" AS "agent_hierarchy_level_3_arn", "current_agent_hierarchy_groups_level_4_arn" AS "agent_hierarchy_level_4_arn", "current_agent_hierarchy_groups_level_5_arn" AS "agent_hierarchy_level_5_arn"
    FROM (
      SELECT e.*,
        LEAD("event_timestamp") OVER (PARTITION BY "agent_arn" ORDER BY "event_timestamp", "event_id")
          AS "next_timestamp"
      FROM "connect_datalake"."agent_event" AS e
    ) AS followed
  ) AS spans
  CROSS JOIN (SELECT 0 AS "part" UNION ALL SELECT 1 AS "part") AS parts
  WHERE "part" = 0 OR "end_timestamp" > "quarter_timestamp" + INTERVAL '15' MINUTE
) AS s
LEFT JOIN (
  SELECT "event_id" AS "contact_event_id", MAX(CASE WHEN ("state" IN ('CONNECTED', 'CONNECTED_ONHOLD', 'PAUSED', 'ENDED') OR ("state" = 'CONNECTING' AND "initiation_method" IN ('OUTBOUND', 'CALLBACK'))) THEN 1 ELSE 0 END) AS "is_on_contact", MAX(CASE WHEN ("state" IN ('INCOMING', 'PENDING') OR ("state" = 'CONNECTING' AND NOT "initiation_method" IN ('OUTBOUND', 'CALLBACK'))) THEN 1 ELSE 0 END) AS "is_offered",
    MAX(CASE WHEN "state" IN ('MISSED', 'REJECTED', 'ERROR') THEN 1 ELSE 0 END) AS "is_error"
  FROM "connect_datalake"."agent_event_contact"
  GROUP BY "event_id"
) AS c ON c."contact_event_id" = s."event_id";

CREATE OR REPLACE VIEW "connect_datalake"."agent_statistic_record" AS
SELECT
    md5("statistic_key") AS "asr_statistic_id",
    "instance_id",
    "user_id",
    COALESCE(NULLIF(SPLIT_PART("agent_routing_profile_arn", '/', 5), ''), NULLIF(SPLIT_PART("agent_routing_profile_arn", '/', 4), '')) AS "routing_profile_id",
    COALESCE(NULLIF(SPLIT_PART("agent_hierarchy_level_1_arn", '/', 5), ''), NULLIF(SPLIT_PART("agent_hierarchy_level_1_arn", '/', 4), '')) AS "agent_hierarchy_level_1_id",
    "agent_hierarchy_level_1_arn",
    COALESCE(NULLIF(SPLIT_PART("agent_hierarchy_level_2_arn", '/', 5), ''), NULLIF(SPLIT_PART("agent_hierarchy_level_2_arn", '/', 4), '')) AS "agent_hierarchy_level_2_id",
    "agent_hierarchy_level_2_arn",
    COALESCE(NULLIF(SPLIT_PART("agent_hierarchy_level_3_arn", '/', 5), ''), NULLIF(SPLIT_PART("agent_hierarchy_level_3_arn", '/', 4), '')) AS "agent_hierarchy_level_3_id",
    "agent_hierarchy_level_3_arn",
    COALESCE(NULLIF(SPLIT_PART("agent_hierarchy_level_4_arn", '/', 5), ''), NULLIF(SPLIT_PART("agent_hierarchy_level_4_arn", '/', 4), '')) AS "agent_hierarchy_level_4_id",
    "agent_hierarchy_level_4_arn",
    COALESCE(NULLIF(SPLIT_PART("agent_hierarchy_level_5_arn", '/', 5), ''), NULLIF(SPLIT_PART("agent_hierarchy_level_5_arn", '/', 4), '')) AS "agent_hierarchy_level_5_id",
    "agent_hierarchy_level_5_arn",
    "interval_start_time",
    "interval_start_time" + INTERVAL '15' MINUTE AS "interval_end_time",
    "interval_start_time" + INTERVAL '15' MINUTE AS "published_date",
    "aws_account_id",
    CAST("online_ms" AS BIGINT) AS "online_time",
    CAST("error_ms" AS BIGINT) AS "error_time",
    CAST("non_productive_ms" AS BIGINT) AS "non_productive_time",
    CAST("idle_ms" AS BIGINT) AS "agent_idle_time",
    CAST("on_contact_ms" AS BIGINT) AS "agent_on_contact_time",
    CAST(NULL AS BIGINT) AS "custom_state_time_01",
    CAST(NULL AS BIGINT) AS "custom_state_time_02",
    CAST(NULL AS BIGINT) AS "custom_state_time_03",
    CAST(NULL AS BIGINT) AS "custom_state_time_04",
    CAST(NULL AS BIGINT) AS "custom_state_time_05",
    CAST(NULL AS BIGINT) AS "custom_state_time_06",
    CAST(NULL AS BIGINT) AS "custom_state_time_07",
    CAST(NULL AS BIGINT) AS "custom_state_time_08",
    CAST(NULL AS BIGINT) AS "custom_state_time_09",
    CAST(NULL AS BIGINT) AS "custom_state_time_10",
    CAST(NULL AS BIGINT) AS "custom_state_time_11",
    CAST(NULL AS BIGINT) AS "custom_state_time_12",
    CAST(NULL AS BIGINT) AS "custom_state_time_13",
    CAST(NULL AS BIGINT) AS "custom_state_time_14",
    CAST(NULL AS BIGINT) AS "custom_state_time_15",
    CAST(NULL AS BIGINT) AS "custom_state_time_16",
    CAST(NULL AS BIGINT) AS "custom_state_time_17",
    CAST(NULL AS BIGINT) AS "custom_state_time_18",
    CAST(NULL AS BIGINT) AS "custom_state_time_19",
    CAST(NULL AS BIGINT) AS "custom_state_time_20",
    CAST(NULL AS BIGINT) AS "custom_state_time_21",
    CAST(NULL AS BIGINT) AS "custom_state_time_22",
    CAST(NULL AS BIGINT) AS "custom_state_time_23",
    CAST(NULL AS BIGINT) AS "custom_state_time_24",
    CAST(NULL AS BIGINT) AS "custom_state_time_25",
    CAST(NULL AS BIGINT) AS "custom_state_time_26",
    CAST(NULL AS BIGINT) AS "custom_state_time_27",
    CAST(NULL AS BIGINT) AS "custom_state_time_28",
    CAST(NULL AS BIGINT) AS "custom_state_time_29",
    CAST(NULL AS BIGINT) AS "custom_state_time_30",
    CAST(NULL AS BIGINT) AS "custom_state_time_31",
    CAST(NULL AS BIGINT) AS "custom_state_time_32",
    CAST(NULL AS BIGINT) AS "custom_state_time_33",
    CAST(NULL AS BIGINT) AS "custom_state_time_34",
    CAST(NULL AS BIGINT) AS "custom_state_time_35",
    CAST(NULL AS BIGINT) AS "custom_state_time_36",
    CAST(NULL AS BIGINT) AS "custom_state_time_37",
    CAST(NULL AS BIGINT) AS "custom_state_time_38",
    CAST(NULL AS BIGINT) AS "custom_state_time_39",
    CAST(NULL AS BIGINT) AS "custom_state_time_40",
    CAST(NULL AS BIGINT) AS "custom_state_time_41",
    CAST(NULL AS BIGINT) AS "custom_state_time_42",
    CAST(NULL AS BIGINT) AS "custom_state_time_43",
    CAST(NULL AS BIGINT) AS "custom_state_time_44",
    CAST(NULL AS BIGINT) AS "custom_state_time_45",
    CAST(NULL AS BIGINT) AS "custom_state_time_46",
    CAST(NULL AS BIGINT) AS "custom_state_time_47",
    CAST(NULL AS BIGINT) AS "custom_state_time_48",
    CAST(NULL AS BIGINT) AS "custom_state_time_49",
    CAST(NULL AS BIGINT) AS "custom_state_time_50",
    "agent_status_arn",
    "agent_status_name",
    CAST("status_ms" AS BIGINT) AS "agent_status_time_ms",
    "instance_arn",
    "agent_arn" AS "user_arn",
    "agent_routing_profile_arn",
    CAST(NULL AS TIMESTAMP) AS "data_lake_last_processed_timestamp",
    CAST("offered_ms" AS BIGINT) AS "agent_offered_time",
    "agent_username",
    "agent_routing_profile_name"
FROM (
  SELECT keyed.*, "agent_arn" || '|' || CAST(CAST(TRUNC(EXTRACT(EPOCH FROM ("interval_start_time" - "epoch_timestamp")) * 1000) AS BIGINT) AS VARCHAR(20)) AS "statistic_key"
  FROM (
  SELECT summed.*, TIMESTAMP '1970-01-01 00:00:00' AS "epoch_timestamp"
  FROM (
    SELECT "instance_id", "aws_account_id", "instance_arn", "agent_arn", "user_id", "interval_start_time",
      MAX("last_agent_status_arn") AS "agent_status_arn", MAX("last_agent_status_name") AS "agent_status_name", MAX("last_agent_username") AS "agent_username", MAX("last_agent_routing_profile_arn") AS "agent_routing_profile_arn", MAX("last_agent_routing_profile_name") AS "agent_routing_profile_name", MAX("last_agent_hierarchy_level_1_arn") AS "agent_hierarchy_level_1_arn", MAX("last_agent_hierarchy_level_2_arn") AS "agent_hierarchy_level_2_arn", MAX("last_agent_hierarchy_level_3_arn") AS "agent_hierarchy_level_3_arn", MAX("last_agent_hierarchy_level_4_arn") AS "agent_hierarchy_level_4_arn", MAX("last_agent_hierarchy_level_5_arn") AS "agent_hierarchy_level_5_arn",
      SUM("online_ms") AS "online_ms", SUM("non_productive_ms") AS "non_productive_ms", SUM("error_ms") AS "error_ms",
      SUM("on_contact_ms") AS "on_contact_ms", SUM("idle_ms") AS "idle_ms", SUM("offered_ms") AS "offered_ms",
      SUM(CASE WHEN "agent_status_arn" = "last_agent_status_arn" THEN "duration_ms" ELSE 0 END) AS "status_ms"
    FROM (
      SELECT a.*,
        LAST_VALUE("agent_status_arn") OVER (PARTITION BY "agent_arn", "interval_start_time" ORDER BY "begin_timestamp", "event_id" ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING) AS "last_agent_status_arn", LAST_VALUE("agent_status_name") OVER (PARTITION BY "agent_arn", "interval_start_time" ORDER BY "begin_timestamp", "event_id" ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING) AS "last_agent_status_name", LAST_VALUE("agent_username") OVER (PARTITION BY "agent_arn", "interval_start_time" ORDER BY "begin_timestamp", "event_id" ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING) AS "last_agent_username", LAST_VALUE("agent_routing_profile_arn") OVER (PARTITION BY "agent_arn", "interval_start_time" ORDER BY "begin_timestamp", "event_id" ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING) AS "last_agent_routing_profile_arn", LAST_VALUE("agent_routing_profile_name") OVER (PARTITION BY "agent_arn", "interval_start_time" ORDER BY "begin_timestamp", "event_id" ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING) AS "last_agent_routing_profile_name", LAST_VALUE("agent_hierarchy_level_1_arn") OVER (PARTITION BY "agent_arn", "interval_start_time" ORDER BY "begin_timestamp", "event_id" ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING) AS "last_agent_hierarchy_level_1_arn", LAST_VALUE("agent_hierarchy_level_2_arn") OVER (PARTITION BY "agent_arn", "interval_start_time" ORDER BY "begin_timestamp", "event_id" ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING) AS "last_agent_hierarchy_level_2_arn", LAST_VALUE("agent_hierarchy_level_3_arn") OVER (PARTITION BY "agent_arn", "interval_start_time" ORDER BY "begin_timestamp", "event_id" ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING) AS "last_agent_hierarchy_level_3_arn", LAST_VALUE("agent_hierarchy_level_4_arn") OVER (PARTITION BY "agent_arn", "interval_start_time" ORDER BY "begin_timestamp", "event_id" ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING) AS "last_agent_hierarchy_level_4_arn", LAST_VALUE("agent_hierarchy_level_5_arn") OVER (PARTITION BY "agent_arn", "interval_start_time" ORDER BY "begin_timestamp", "event_id" ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING) AS "last_agent_hierarchy_level_5_arn"
      FROM "connect_datalake"."agent_activity" AS a
    ) AS ended
    GROUP BY "instance_id", "aws_account_id", "instance_arn", "agent_arn", "user_id", "interval_start_time"
    HAVING SUM("online_ms") > 0
  ) AS summed
) AS keyed
) AS intervals;

CREATE OR REPLACE VIEW "connect_datalake"."agent_contact_state" AS
SELECT
    "instance_id",
    "agent_arn",
    "contact_id",
    "channel",
    "initiation_method",
    "queue_arn",
    "state",
    "state_start_timestamp",
    "state_end_timestamp",
    "next_state",
    "is_last",
    CASE WHEN ("state" IN ('INCOMING', 'PENDING') OR ("state" = 'CONNECTING' AND NOT "initiation_method" IN ('OUTBOUND', 'CALLBACK'))) THEN 1 ELSE 0 END AS "is_offer",
    CASE WHEN NOT ("state" IN ('INCOMING', 'PENDING') OR ("state" = 'CONNECTING' AND NOT "initiation_method" IN ('OUTBOUND', 'CALLBACK'))) THEN NULL WHEN "next_state" IN ('CONNECTED', 'CONNECTED_ONHOLD', 'PAUSED', 'ENDED') THEN 1 WHEN "initiation_method" = 'CALLBACK' AND "next_state" = 'CONNECTING' THEN 1 WHEN "next_state" IS NULL AND "is_last" = 1 THEN NULL ELSE 0 END AS "is_accepted",
    CASE WHEN "state" IN ('INCOMING', 'PENDING', 'CONNECTING') AND "next_state" IN ('CONNECTED', 'CONNECTED_ONHOLD', 'PAUSED', 'ENDED') THEN 1 ELSE 0 END AS "is_answered"
FROM (
  SELECT grouped.*, LEAD("state") OVER (
    PARTITION BY "agent_arn", "contact_id" ORDER BY "state_start_timestamp", "state_end_timestamp", "state"
  ) AS "next_state"
  FROM (
    SELECT a."instance_id", c."agent_arn", c."contact_id", c."channel", c."initiation_method", c."queue_arn", c."state", c."state_start_timestamp",
      MAX(a."end_timestamp") AS "state_end_timestamp", MAX(a."is_last") AS "is_last"
    FROM "connect_datalake"."agent_event_contact" AS c
    JOIN "connect_datalake"."agent_activity" AS a ON a."event_id" = c."event_id"
    GROUP BY a."instance_id", c."agent_arn", c."contact_id", c."channel", c."initiation_method", c."queue_arn", c."state", c."state_start_timestamp"
  ) AS grouped
) AS states;

CREATE OR REPLACE VIEW "connect_datalake"."agent_queue_statistic_record" AS
SELECT
    md5("statistic_key") AS "aqsr_statistic_id",
    "instance_id",
    COALESCE(NULLIF(SPLIT_PART("agent_arn", '/', 5), ''), NULLIF(SPLIT_PART("agent_arn", '/', 4), '')) AS "user_id",
    COALESCE(NULLIF(SPLIT_PART("agent_routing_profile_arn", '/', 5), ''), NULLIF(SPLIT_PART("agent_routing_profile_arn", '/', 4), '')) AS "routing_profile_id",
    COALESCE(NULLIF(SPLIT_PART("agent_hierarchy_level_1_arn", '/', 5), ''), NULLIF(SPLIT_PART("agent_hierarchy_level_1_arn", '/', 4), '')) AS "agent_hierarchy_level_1_id",
    "agent_hierarchy_level_1_arn",
    COALESCE(NULLIF(SPLIT_PART("agent_hierarchy_level_2_arn", '/', 5), ''), NULLIF(SPLIT_PART("agent_hierarchy_level_2_arn", '/', 4), '')) AS "agent_hierarchy_level_2_id",
    "agent_hierarchy_level_2_arn",
    COALESCE(NULLIF(SPLIT_PART("agent_hierarchy_level_3_arn", '/', 5), ''), NULLIF(SPLIT_PART("agent_hierarchy_level_3_arn", '/', 4), '')) AS "agent_hierarchy_level_3_id",
    "agent_hierarchy_level_3_arn",
    COALESCE(NULLIF(SPLIT_PART("agent_hierarchy_level_4_arn", '/', 5), ''), NULLIF(SPLIT_PART("agent_hierarchy_level_4_arn", '/', 4), '')) AS "agent_hierarchy_level_4_id",
    "agent_hierarchy_level_4_arn",
    COALESCE(NULLIF(SPLIT_PART("agent_hierarchy_level_5_arn", '/', 5), ''), NULLIF(SPLIT_PART("agent_hierarchy_level_5_arn", '/', 4), '')) AS "agent_hierarchy_level_5_id",
    "agent_hierarchy_level_5_arn",
    "interval_start_time",
    "interval_start_time" + INTERVAL '15' MINUTE AS "interval_end_time",
    "interval_start_time" + INTERVAL '15' MINUTE AS "published_date",
    "aws_account_id",
    COALESCE(NULLIF(SPLIT_PART("queue_arn", '/', 5), ''), NULLIF(SPLIT_PART("queue_arn", '/', 4), '')) AS "queue_id",
    "queue_arn",
    "channel",
    CASE WHEN SPLIT_PART("queue_arn", '/', 4) = 'agent' THEN 'AGENT' ELSE 'STANDARD' END AS "queue_type",
    CAST("non_response" AS BIGINT) AS "agent_non_response",
    CAST("offered" AS BIGINT) AS "contacts_offered",
    CAST("handled" AS BIGINT) AS "contacts_handled",
    CAST("handle_ms" AS BIGINT) AS "handle_time",
    CAST("incoming_connecting_ms" AS BIGINT) AS "agent_incoming_connecting_time",
    CAST("outbound_connecting_ms" AS BIGINT) AS "agent_outbound_connecting_time",
    CAST("callback_connecting_ms" AS BIGINT) AS "agent_callback_connecting_time",
    CAST("api_connecting_ms" AS BIGINT) AS "agent_api_connecting_time",
    CAST("incoming_attempts" AS BIGINT) AS "incoming_connecting_attempts",
    CAST("outbound_attempts" AS BIGINT) AS "outbound_connecting_attempts",
    CAST("callback_attempts" AS BIGINT) AS "callback_connecting_attempts",
    CAST("api_attempts" AS BIGINT) AS "api_connecting_attempts",
    CAST("contact_ms" AS BIGINT) AS "contact_time_ms",
    CAST("unabandoned" AS BIGINT) AS "agent_non_response_without_customer_abandons",
    "instance_arn",
    "agent_arn" AS "user_arn",
    "agent_routing_profile_arn",
    CAST(NULL AS TIMESTAMP) AS "data_lake_last_processed_timestamp",
    CAST("accepted" AS BIGINT) AS "contacts_accepted",
    "queue_name",
    "agent_username",
    "agent_routing_profile_name"
FROM (
  SELECT keyed.*, "agent_arn" || '|' || "queue_arn" || '|' || "channel" || '|' || CAST(CAST(TRUNC(EXTRACT(EPOCH FROM ("interval_start_time" - "epoch_timestamp")) * 1000) AS BIGINT) AS VARCHAR(20)) AS "statistic_key"
  FROM (
    SELECT summed.*, TIMESTAMP '1970-01-01 00:00:00' AS "epoch_timestamp"
    FROM (
      SELECT "instance_id", "agent_arn", "queue_arn", "channel", "interval_start_time", MAX("aws_account_id") AS "aws_account_id", MAX("instance_arn") AS "instance_arn", MAX("agent_username") AS "agent_username", MAX("agent_routing_profile_arn") AS "agent_routing_profile_arn", MAX("agent_routing_profile_name") AS "agent_routing_profile_name", MAX("agent_hierarchy_level_1_arn") AS "agent_hierarchy_level_1_arn", MAX("agent_hierarchy_level_2_arn") AS "agent_hierarchy_level_2_arn", MAX("agent_hierarchy_level_3_arn") AS "agent_hierarchy_level_3_arn", MAX("agent_hierarchy_level_4_arn") AS "agent_hierarchy_level_4_arn", MAX("agent_hierarchy_level_5_arn") AS "agent_hierarchy_level_5_arn", MAX("queue_name") AS "queue_name",
        SUM("non_response") AS "non_response", SUM("offered") AS "offered", SUM("handled") AS "handled", SUM("accepted") AS "accepted", SUM("unabandoned") AS "unabandoned", SUM("incoming_attempts") AS "incoming_attempts", SUM("outbound_attempts") AS "outbound_attempts", SUM("callback_attempts") AS "callback_attempts", SUM("api_attempts") AS "api_attempts", SUM("handle_ms") AS "handle_ms", SUM("incoming_connecting_ms") AS "incoming_connecting_ms", SUM("outbound_connecting_ms") AS "outbound_connecting_ms", SUM("callback_connecting_ms") AS "callback_connecting_ms", SUM("api_connecting_ms") AS "api_connecting_ms", SUM("contact_ms") AS "contact_ms"
      FROM (
    SELECT a."instance_id", a."agent_arn", c."queue_arn", c."channel", a."interval_start_time",
      MAX(a."aws_account_id") AS "aws_account_id", MAX(a."instance_arn") AS "instance_arn", MAX(a."agent_username") AS "agent_username", MAX(a."agent_routing_profile_arn") AS "agent_routing_profile_arn", MAX(a."agent_routing_profile_name") AS "agent_routing_profile_name", MAX(a."agent_hierarchy_level_1_arn") AS "agent_hierarchy_level_1_arn", MAX(a."agent_hierarchy_level_2_arn") AS "agent_hierarchy_level_2_arn", MAX(a."agent_hierarchy_level_3_arn") AS "agent_hierarchy_level_3_arn", MAX(a."agent_hierarchy_level_4_arn") AS "agent_hierarchy_level_4_arn", MAX(a."agent_hierarchy_level_5_arn") AS "agent_hierarchy_level_5_arn", MAX(c."queue_name") AS "queue_name",
      0 AS "non_response", 0 AS "offered", 0 AS "handled", 0 AS "accepted", 0 AS "unabandoned", 0 AS "incoming_attempts", 0 AS "outbound_attempts", 0 AS "callback_attempts", 0 AS "api_attempts",
      SUM(CASE WHEN ("state" IN ('CONNECTED', 'CONNECTED_ONHOLD', 'PAUSED', 'ENDED') OR ("state" = 'CONNECTING' AND "initiation_method" IN ('OUTBOUND', 'CALLBACK'))) THEN a."duration_ms" ELSE 0 END) AS "handle_ms", SUM(CASE WHEN "state" = 'CONNECTING' AND "initiation_method" IN ('INBOUND', 'TRANSFER', 'QUEUE_TRANSFER') THEN a."duration_ms" ELSE 0 END) AS "incoming_connecting_ms", SUM(CASE WHEN "state" = 'CONNECTING' AND "initiation_method" = 'OUTBOUND' THEN a."duration_ms" ELSE 0 END) AS "outbound_connecting_ms", SUM(CASE WHEN "state" = 'CONNECTING' AND "initiation_method" = 'CALLBACK' THEN a."duration_ms" ELSE 0 END) AS "callback_connecting_ms", SUM(CASE WHEN "state" = 'CONNECTING' AND "initiation_method" = 'API' THEN a."duration_ms" ELSE 0 END) AS "api_connecting_ms",
      MAX(CASE WHEN ("state" IN ('CONNECTED', 'CONNECTED_ONHOLD', 'PAUSED', 'ENDED') OR ("state" = 'CONNECTING' AND "initiation_method" IN ('OUTBOUND', 'CALLBACK'))) AND "agent_status_type" = 'ROUTABLE' THEN a."duration_ms" ELSE 0 END)
        AS "contact_ms"
    FROM "connect_datalake"."agent_event_contact" AS c
    JOIN "connect_datalake"."agent_activity" AS a ON a."event_id" = c."event_id"
    WHERE c."queue_arn" IS NOT NULL
    GROUP BY a."event_id", a."instance_id", a."agent_arn", c."queue_arn", c."channel", a."interval_start_time"
    UNION ALL
    SELECT t."instance_id", t."agent_arn", t."queue_arn", t."channel", "state_start_timestamp" - ("state_start_timestamp" - date_bin(INTERVAL '900 seconds', "state_start_timestamp", TIMESTAMP '2000-01-01 00:00:00')) AS "interval_start_time", NULL AS "aws_account_id", NULL AS "instance_arn", NULL AS "agent_username", NULL AS "agent_routing_profile_arn", NULL AS "agent_routing_profile_name", NULL AS "agent_hierarchy_level_1_arn", NULL AS "agent_hierarchy_level_2_arn", NULL AS "agent_hierarchy_level_3_arn", NULL AS "agent_hierarchy_level_4_arn", NULL AS "agent_hierarchy_level_5_arn", NULL AS "queue_name", 0 AS "non_response", "is_offer" AS "offered", 0 AS "handled", 0 AS "accepted", 0 AS "unabandoned", CASE WHEN "state" = 'CONNECTING' AND "initiation_method" IN ('INBOUND', 'TRANSFER', 'QUEUE_TRANSFER') THEN 1 ELSE 0 END AS "incoming_attempts", CASE WHEN "state" = 'CONNECTING' AND "initiation_method" = 'OUTBOUND' THEN 1 ELSE 0 END AS "outbound_attempts", CASE WHEN "state" = 'CONNECTING' AND "initiation_method" = 'CALLBACK' THEN 1 ELSE 0 END AS "callback_attempts", CASE WHEN "state" = 'CONNECTING' AND "initiation_method" = 'API' THEN 1 ELSE 0 END AS "api_attempts",
      0 AS "handle_ms", 0 AS "incoming_connecting_ms", 0 AS "outbound_connecting_ms", 0 AS "callback_connecting_ms", 0 AS "api_connecting_ms", 0 AS "contact_ms"
    FROM (
      SELECT s.*, r."disconnect_timestamp"
      FROM "connect_datalake"."agent_contact_state" AS s
      LEFT JOIN "connect_datalake"."contact_record" AS r ON r."contact_id" = s."contact_id"
    ) AS t
    WHERE t."queue_arn" IS NOT NULL
    UNION ALL
    SELECT t."instance_id", t."agent_arn", t."queue_arn", t."channel", "state_end_timestamp" - ("state_end_timestamp" - date_bin(INTERVAL '900 seconds', "state_end_timestamp", TIMESTAMP '2000-01-01 00:00:00')) AS "interval_start_time", NULL AS "aws_account_id", NULL AS "instance_arn", NULL AS "agent_username", NULL AS "agent_routing_profile_arn", NULL AS "agent_routing_profile_name", NULL AS "agent_hierarchy_level_1_arn", NULL AS "agent_hierarchy_level_2_arn", NULL AS "agent_hierarchy_level_3_arn", NULL AS "agent_hierarchy_level_4_arn", NULL AS "agent_hierarchy_level_5_arn", NULL AS "queue_name", CASE WHEN "is_accepted" = 0 THEN 1 ELSE 0 END AS "non_response", 0 AS "offered", CASE WHEN "is_answered" = 1 AND "initiation_method" <> 'OUTBOUND' THEN 1 ELSE 0 END AS "handled", COALESCE("is_accepted", 0) AS "accepted", CASE WHEN "is_accepted" = 0 AND "channel" = 'VOICE' AND ("disconnect_timestamp" IS NULL OR "disconnect_timestamp" > "state_end_timestamp") THEN 1 ELSE 0 END AS "unabandoned", 0 AS "incoming_attempts", 0 AS "outbound_attempts", 0 AS "callback_attempts", 0 AS "api_attempts",
      0 AS "handle_ms", 0 AS "incoming_connecting_ms", 0 AS "outbound_connecting_ms", 0 AS "callback_connecting_ms", 0 AS "api_connecting_ms", 0 AS "contact_ms"
    FROM (
      SELECT s.*, r."disconnect_timestamp"
      FROM "connect_datalake"."agent_contact_state" AS s
      LEFT JOIN "connect_datalake"."contact_record" AS r ON r."contact_id" = s."contact_id"
    ) AS t
    WHERE t."queue_arn" IS NOT NULL
      ) AS pieces
      GROUP BY "instance_id", "agent_arn", "queue_arn", "channel", "interval_start_time"
    ) AS summed
  ) AS keyed
) AS intervals;

CREATE OR REPLACE VIEW "connect_datalake"."contact_evaluation_item" AS
SELECT
    "evaluation_id",
    "item_reference_id",
    "item_type",
    "parent_reference_id",
    "item_title",
    "score",
    "automatic_fail",
    "not_applicable",
    "question_type",
    "text_answer",
    "numeric_answer",
    "date_time_answer",
    "answer_reference_id",
    "multi_select_answer_reference_ids",
    "automation_status",
    "automation_gen_ai_text_answer",
    "notes",
    "aws_account_id",
    "instance_id",
    "contact_id",
    "user_id",
    "form_id",
    "evaluator",
    "evaluation_source",
    "evaluation_type",
    "calibration_session_id",
    "acknowledger_id",
    "acknowledger_comment",
    "evaluated_participant_role",
    "evaluated_participant_id",
    "evaluation_submitted_timestamp",
    "evaluation_acknowledged_timestamp",
    "form_version",
    "resubmitted"
FROM (
  SELECT t."evaluation_id", t."aws_account_id", t."instance_id", t."contact_id", t."user_id", t."form_id", t."evaluator", t."evaluation_source", t."evaluation_type", t."calibration_session_id", t."acknowledger_id", t."acknowledger_comment", t."evaluated_participant_role", t."evaluated_participant_id", t."evaluation_submitted_timestamp", t."evaluation_acknowledged_timestamp", t."form_version", t."resubmitted",
    CAST(u."item" ->> 'item_reference_id' AS text) AS "item_reference_id", CAST(u."item" ->> 'item_type' AS text) AS "item_type", CAST(u."item" ->> 'parent_reference_id' AS text) AS "parent_reference_id", CAST(u."item" ->> 'item_title' AS text) AS "item_title", CAST(u."item" ->> 'score' AS double precision) AS "score", CAST(u."item" ->> 'automatic_fail' AS boolean) AS "automatic_fail", CAST(u."item" ->> 'not_applicable' AS boolean) AS "not_applicable", CAST(u."item" ->> 'question_type' AS text) AS "question_type", CAST(u."item" ->> 'text_answer' AS text) AS "text_answer", CAST(u."item" ->> 'numeric_answer' AS double precision) AS "numeric_answer", CAST(u."item" ->> 'date_time_answer' AS timestamp) AS "date_time_answer", CAST(u."item" ->> 'answer_reference_id' AS text) AS "answer_reference_id", u."item" -> 'multi_select_answer_reference_ids' AS "multi_select_answer_reference_ids", CAST(u."item" ->> 'automation_status' AS text) AS "automation_status", CAST(u."item" ->> 'automation_gen_ai_text_answer' AS text) AS "automation_gen_ai_text_answer", CAST(u."item" ->> 'notes' AS text) AS "notes"
  FROM "connect_datalake"."contact_evaluation" AS t CROSS JOIN LATERAL jsonb_array_elements(t."items") AS u("item")
) AS members;

CREATE OR REPLACE VIEW "connect_datalake"."contact_evaluation_record" AS
SELECT
    "aws_account_id",
    "instance_id",
    "evaluation_id",
    "item_reference_id",
    "item_type",
    "contact_id",
    "evaluation_submitted_timestamp",
    "score",
    CAST(NULL AS DOUBLE PRECISION) AS "weighted_score",
    "automatic_fail",
    "evaluator_id",
    "numeric_answer",
    "answer_reference_id",
    (1 = 0) AS "to_delete",
    "disconnect_timestamp",
    "initiation_timestamp",
    "user_id",
    "queue_id",
    "channel",
    CAST(NULL AS TIMESTAMP) AS "contact_aggregation_timestamp",
    CASE WHEN "disconnect_timestamp" IS NULL THEN NULL WHEN "disconnect_timestamp" <= "evaluation_submitted_timestamp" THEN 'disconnected' ELSE 'notDisconnected' END AS "evaluated_contact_with_status",
    "evaluation_source",
    "resubmitted",
    "evaluation_type",
    "calibration_session_id",
    "item_title",
    CAST("form_version" AS VARCHAR(20)) AS "form_version",
    CASE WHEN "evaluation_acknowledged_timestamp" IS NULL THEN 'UNACKNOWLEDGED' ELSE 'ACKNOWLEDGED' END AS "acknowledgement_status",
    "acknowledger_id",
    "evaluation_acknowledged_timestamp",
    "acknowledger_comment",
    CAST(NULL AS BOOLEAN) AS "item_disabled",
    CAST(NULL AS TIMESTAMP) AS "data_lake_last_processed_timestamp",
    "multi_select_answer_reference_ids",
    "date_time_answer",
    "evaluated_participant_role",
    "evaluated_participant_id",
    CAST(NULL AS BOOLEAN) AS "is_sampled",
    CAST(NULL AS BOOLEAN) AS "is_reviewed",
    "automation_gen_ai_text_answer",
    CAST(NULL AS TEXT) AS "automation_gen_ai_answer_reference_id",
    CAST(NULL AS TEXT) AS "automation_gen_ai_answer_justification",
    CASE "automation_status" WHEN 'SYSTEM_ANSWER' THEN (1 = 1) WHEN 'OVERRIDDEN_ANSWER' THEN (1 = 0) END AS "is_automation_answer_accepted",
    CAST(NULL AS BIGINT) AS "earned_points",
    CAST(NULL AS BIGINT) AS "max_base_point",
    CAST(NULL AS TEXT) AS "performance_category",
    "parent_reference_id",
    "question_type",
    "form_id",
    "evaluator" AS "evaluator_username"
FROM (
  SELECT i."evaluation_id", i."item_reference_id", i."item_type", i."parent_reference_id", i."item_title", i."score", i."automatic_fail", i."not_applicable", i."question_type", i."numeric_answer", i."date_time_answer", i."answer_reference_id", i."multi_select_answer_reference_ids", i."automation_status", i."automation_gen_ai_text_answer", i."aws_account_id", i."instance_id", i."contact_id", i."user_id", i."form_id", i."evaluator", i."evaluation_source", i."evaluation_type", i."calibration_session_id", i."acknowledger_id", i."acknowledger_comment", i."evaluated_participant_role", i."evaluated_participant_id", i."evaluation_submitted_timestamp", i."evaluation_acknowledged_timestamp", i."form_version", i."resubmitted", evaluators."user_id" AS "evaluator_id",
    r."disconnect_timestamp", r."initiation_timestamp", r."queue_id", r."channel"
  FROM "connect_datalake"."contact_evaluation_item" AS i
  LEFT JOIN "connect_datalake"."contact_record" AS r ON r."contact_id" = i."contact_id"
  LEFT JOIN (
    SELECT "agent_username", MAX("user_id") AS "user_id" FROM "connect_datalake"."users" GROUP BY "agent_username" HAVING COUNT(*) = 1
  ) AS evaluators ON evaluators."agent_username" = i."evaluator"
) AS items;

CREATE OR REPLACE VIEW "connect_datalake"."agent_adherence" AS
SELECT
    "instance_id",
    COALESCE(NULLIF(SPLIT_PART("agent_arn", '/', 5), ''), NULLIF(SPLIT_PART("agent_arn", '/', 4), '')) AS "user_id",
    "agent_arn",
    "agent_username",
    "shift_id",
    "activity_id",
    "shift_activity_arn",
    "shift_activity_name",
    "activity_type",
    "interval_start_time",
    "piece_begin" AS "begin_timestamp",
    "piece_end" AS "end_timestamp",
    CAST("available_ms" AS BIGINT) AS "available_ms",
    CAST(CASE WHEN "is_tracked" = 1 AND "activity_type" IN ('PRODUCTIVE', 'NON_PRODUCTIVE') THEN CAST(TRUNC(EXTRACT(EPOCH FROM ("piece_end" - "piece_begin")) * 1000) AS BIGINT) ELSE NULL END AS BIGINT) AS "scheduled_ms",
    CAST(CASE WHEN "is_tracked" = 1 AND "activity_type" IN ('PRODUCTIVE', 'NON_PRODUCTIVE') THEN CASE WHEN "activity_type" = 'PRODUCTIVE' THEN "available_ms" ELSE CAST(TRUNC(EXTRACT(EPOCH FROM ("piece_end" - "piece_begin")) * 1000) AS BIGINT) - "available_ms" END ELSE NULL END AS BIGINT) AS "adherent_ms",
    CAST(CASE WHEN "is_tracked" = 1 AND "activity_type" IN ('PRODUCTIVE', 'NON_PRODUCTIVE') THEN CASE WHEN "activity_type" = 'PRODUCTIVE' THEN CAST(TRUNC(EXTRACT(EPOCH FROM ("piece_end" - "piece_begin")) * 1000) AS BIGINT) - "available_ms" ELSE "available_ms" END ELSE NULL END AS BIGINT) AS "non_adherent_ms"
FROM (
  SELECT "instance_id", "agent_arn", "shift_id", "activity_id", "shift_activity_arn", "shift_activity_name", "activity_type", "is_tracked", "interval_start_time", "piece_begin", "piece_end", MAX("agent_username") AS "agent_username",
    SUM(CASE WHEN "agent_status_type" = 'ROUTABLE' THEN CAST(TRUNC(EXTRACT(EPOCH FROM ("shared_end" - "shared_begin")) * 1000) AS BIGINT) ELSE 0 END)
      AS "available_ms"
  FROM (
    SELECT p."instance_id", p."agent_arn", p."shift_id", p."activity_id", p."shift_activity_arn", p."shift_activity_name", p."activity_type", p."is_tracked", p."interval_start_time", p."piece_begin", p."piece_end", a."agent_username", a."agent_status_type",
      GREATEST(p."piece_begin", a."begin_timestamp") AS "shared_begin",
      LEAST(p."piece_end", a."end_timestamp") AS "shared_end"
    FROM (
  SELECT "instance_id", "agent_arn", "shift_id", "activity_id", "shift_activity_arn", "shift_activity_name", "activity_type", "is_tracked", "begin_timestamp", "end_timestamp", "interval_start_time",
    GREATEST("begin_timestamp", "interval_start_time") AS "piece_begin",
    LEAST("end_timestamp", "interval_start_time" + INTERVAL '15' MINUTE) AS "piece_end"
  FROM (
  SELECT "instance_id", "agent_arn", "shift_id", "activity_id", "shift_activity_arn", "shift_activity_name", "activity_type", "is_tracked", "begin_timestamp", "end_timestamp", "interval_start_time"
  FROM (
    SELECT "instance_id", "agent_arn", "shift_id", "activity_id", "shift_activity_arn", "shift_activity_name", "activity_type", "is_tracked", "begin_timestamp", "end_timestamp", CASE "step" WHEN 1 THEN "interval_start_time" + INTERVAL '15' MINUTE WHEN 2 THEN "interval_start_time" + INTERVAL '30' MINUTE WHEN 3 THEN "interval_start_time" + INTERVAL '45' MINUTE ELSE "interval_start_time" END AS "interval_start_time"
    FROM (
  SELECT "instance_id", "agent_arn", "shift_id", "activity_id", "shift_activity_arn", "shift_activity_name", "activity_type", "is_tracked", "begin_timestamp", "end_timestamp", "interval_start_time"
  FROM (
    SELECT "instance_id", "agent_arn", "shift_id", "activity_id", "shift_activity_arn", "shift_activity_name", "activity_type", "is_tracked", "begin_timestamp", "end_timestamp", CASE "step" WHEN 1 THEN "interval_start_time" + INTERVAL '60' MINUTE WHEN 2 THEN "interval_start_time" + INTERVAL '120' MINUTE WHEN 3 THEN "interval_start_time" + INTERVAL '180' MINUTE WHEN 4 THEN "interval_start_time" + INTERVAL '240' MINUTE WHEN 5 THEN "interval_start_time" + INTERVAL '300' MINUTE ELSE "interval_start_time" END AS "interval_start_time"
    FROM (
  SELECT "instance_id", "agent_arn", "shift_id", "activity_id", "shift_activity_arn", "shift_activity_name", "activity_type", "is_tracked", "begin_timestamp", "end_timestamp", "interval_start_time"
  FROM (
    SELECT "instance_id", "agent_arn", "shift_id", "activity_id", "shift_activity_arn", "shift_activity_name", "activity_type", "is_tracked", "begin_timestamp", "end_timestamp", CASE "step" WHEN 1 THEN "interval_start_time" + INTERVAL '360' MINUTE WHEN 2 THEN "interval_start_time" + INTERVAL '720' MINUTE WHEN 3 THEN "interval_start_time" + INTERVAL '1080' MINUTE WHEN 4 THEN "interval_start_time" + INTERVAL '1440' MINUTE WHEN 5 THEN "interval_start_time" + INTERVAL '1800' MINUTE WHEN 6 THEN "interval_start_time" + INTERVAL '2160' MINUTE WHEN 7 THEN "interval_start_time" + INTERVAL '2520' MINUTE WHEN 8 THEN "interval_start_time" + INTERVAL '2880' MINUTE WHEN 9 THEN "interval_start_time" + INTERVAL '3240' MINUTE WHEN 10 THEN "interval_start_time" + INTERVAL '3600' MINUTE WHEN 11 THEN "interval_start_time" + INTERVAL '3960' MINUTE WHEN 12 THEN "interval_start_time" + INTERVAL '4320' MINUTE WHEN 13 THEN "interval_start_time" + INTERVAL '4680' MINUTE WHEN 14 THEN "interval_start_time" + INTERVAL '5040' MINUTE WHEN 15 THEN "interval_start_time" + INTERVAL '5400' MINUTE WHEN 16 THEN "interval_start_time" + INTERVAL '5760' MINUTE WHEN 17 THEN "interval_start_time" + INTERVAL '6120' MINUTE WHEN 18 THEN "interval_start_time" + INTERVAL '6480' MINUTE WHEN 19 THEN "interval_start_time" + INTERVAL '6840' MINUTE WHEN 20 THEN "interval_start_time" + INTERVAL '7200' MINUTE WHEN 21 THEN "interval_start_time" + INTERVAL '7560' MINUTE WHEN 22 THEN "interval_start_time" + INTERVAL '7920' MINUTE WHEN 23 THEN "interval_start_time" + INTERVAL '8280' MINUTE WHEN 24 THEN "interval_start_time" + INTERVAL '8640' MINUTE WHEN 25 THEN "interval_start_time" + INTERVAL '9000' MINUTE WHEN 26 THEN "interval_start_time" + INTERVAL '9360' MINUTE WHEN 27 THEN "interval_start_time" + INTERVAL '9720' MINUTE ELSE "interval_start_time" END AS "interval_start_time"
    FROM (
  SELECT "instance_id", "agent_arn", "shift_id", "activity_id", "shift_activity_arn", "shift_activity_name", "activity_type", "is_tracked", "begin_timestamp", "end_timestamp", "begin_timestamp" - ("begin_timestamp" - date_bin(INTERVAL '900 seconds', "begin_timestamp", TIMESTAMP '2000-01-01 00:00:00')) AS "interval_start_time"
  FROM (
  SELECT b."instance_id", s."agent_arn", b."shift_id", b."activity_id", b."shift_activity_arn",
    CASE WHEN b."shift_activity_arn" IS NULL THEN 'Work' ELSE t."shift_activity_name" END AS "shift_activity_name",
    CASE WHEN b."shift_activity_arn" IS NULL THEN 'PRODUCTIVE' ELSE t."type" END AS "activity_type",
    CASE WHEN b."shift_activity_arn" IS NULL OR t."is_adherence_tracked" THEN 1 ELSE 0 END AS "is_tracked",
    GREATEST(b."activity_start_timestamp", k."known_from") AS "begin_timestamp",
    LEAST(b."activity_end_timestamp", k."known_until") AS "end_timestamp"
  FROM "connect_datalake"."staff_shift_activities" AS b
  JOIN (
    SELECT "instance_id", "shift_id", "shift_version", "agent_arn", "is_deleted",
      ROW_NUMBER() OVER (PARTITION BY "instance_id", "shift_id" ORDER BY "shift_version" DESC) AS "recency"
    FROM "connect_datalake"."staff_shifts"
  ) AS s
    ON s."instance_id" = b."instance_id" AND s."shift_id" = b."shift_id" AND s."shift_version" = b."shift_version"
  JOIN (
    SELECT "instance_id", MIN("event_timestamp") AS "known_from", MAX("event_timestamp") AS "known_until"
    FROM "connect_datalake"."agent_event"
    GROUP BY "instance_id"
  ) AS k ON k."instance_id" = b."instance_id"
  LEFT JOIN (
    SELECT "instance_id", "shift_activity_arn", "shift_activity_name", "type", "is_adherence_tracked",
      ROW_NUMBER() OVER (
        PARTITION BY "instance_id", "shift_activity_arn" ORDER BY "shift_activity_version" DESC
      ) AS "recency"
    FROM "connect_datalake"."shift_activities"
  ) AS t
    ON t."instance_id" = b."instance_id" AND t."shift_activity_arn" = b."shift_activity_arn" AND t."recency" = 1
  WHERE s."recency" = 1 AND COALESCE(s."is_deleted", FALSE) = FALSE AND COALESCE(b."is_deleted", FALSE) = FALSE
    AND COALESCE(b."activity_status", '') <> 'INACTIVE'
    AND b."activity_start_timestamp" IS NOT NULL AND b."activity_end_timestamp" IS NOT NULL
) AS scheduled
  WHERE "begin_timestamp" < "end_timestamp"
) AS stepped
    CROSS JOIN (SELECT 0 AS "step" UNION ALL SELECT 1 AS "step" UNION ALL SELECT 2 AS "step" UNION ALL SELECT 3 AS "step" UNION ALL SELECT 4 AS "step" UNION ALL SELECT 5 AS "step" UNION ALL SELECT 6 AS "step" UNION ALL SELECT 7 AS "step" UNION ALL SELECT 8 AS "step" UNION ALL SELECT 9 AS "step" UNION ALL SELECT 10 AS "step" UNION ALL SELECT 11 AS "step" UNION ALL SELECT 12 AS "step" UNION ALL SELECT 13 AS "step" UNION ALL SELECT 14 AS "step" UNION ALL SELECT 15 AS "step" UNION ALL SELECT 16 AS "step" UNION ALL SELECT 17 AS "step" UNION ALL SELECT 18 AS "step" UNION ALL SELECT 19 AS "step" UNION ALL SELECT 20 AS "step" UNION ALL SELECT 21 AS "step" UNION ALL SELECT 22 AS "step" UNION ALL SELECT 23 AS "step" UNION ALL SELECT 24 AS "step" UNION ALL SELECT 25 AS "step" UNION ALL SELECT 26 AS "step" UNION ALL SELECT 27 AS "step") AS steps
  ) AS begun
  WHERE "interval_start_time" < "end_timestamp"
) AS stepped
    CROSS JOIN (SELECT 0 AS "step" UNION ALL SELECT 1 AS "step" UNION ALL SELECT 2 AS "step" UNION ALL SELECT 3 AS "step" UNION ALL SELECT 4 AS "step" UNION ALL SELECT 5 AS "step") AS steps
  ) AS begun
  WHERE "interval_start_time" < "end_timestamp"
) AS stepped
    CROSS JOIN (SELECT 0 AS "step" UNION ALL SELECT 1 AS "step" UNION ALL SELECT 2 AS "step" UNION ALL SELECT 3 AS "step") AS steps
  ) AS begun
  WHERE "interval_start_time" < "end_timestamp"
) AS quarters
) AS p
    LEFT JOIN "connect_datalake"."agent_activity" AS a ON a."agent_arn" = p."agent_arn"
      AND a."interval_start_time" = p."interval_start_time"
      AND a."begin_timestamp" < p."piece_end" AND a."end_timestamp" > p."piece_begin"
  ) AS shared
  GROUP BY "instance_id", "agent_arn", "shift_id", "activity_id", "shift_activity_arn", "shift_activity_name", "activity_type", "is_tracked", "interval_start_time", "piece_begin", "piece_end"
) AS pieces;

CREATE OR REPLACE VIEW "connect"."d_user" AS
SELECT
    "user_key",
    "user_id",
    "username",
    "name",
    "first_name",
    "last_name",
    "alias",
    "is_active",
    "user_type",
    "profile_id",
    "user_role_id",
    "manager_id",
    "employee_number",
    "federation_identifier",
    "title",
    "department",
    "division",
    "time_zone",
    "last_login_date",
    "created_by_id",
    "created_date",
    "last_modified_date",
    "system_modstamp",
    "is_deleted"
FROM (
  SELECT "user_id" AS "user_key", "user_id", "username", "name", "first_name", "last_name", "alias", CASE WHEN "is_active" THEN 1 WHEN NOT "is_active" THEN 0 END AS "is_active", "user_type", "profile_id", "user_role_id", "manager_id", "employee_number", "federation_identifier", "title", "department", "division", "time_zone", "last_login_date", "created_by_id", "created_date", "last_modified_date", "system_modstamp", CASE WHEN "record_is_deleted" THEN 1 WHEN NOT "record_is_deleted" THEN 0 END AS "is_deleted"
  FROM "connect"."d_salesforce_users"
  UNION ALL
  SELECT 'unknown', NULL, NULL, 'unknown', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 0
) AS members;

CREATE OR REPLACE VIEW "connect"."d_customer_contact" AS
SELECT
    "customer_contact_key",
    "customer_contact_id",
    "account_id",
    "owner_id",
    "reports_to_id",
    "master_record_id",
    "title",
    "department",
    "lead_source",
    "mailing_city",
    "mailing_state",
    "mailing_postal_code",
    "mailing_country",
    "last_activity_date",
    "created_by_id",
    "created_date",
    "last_modified_date",
    "system_modstamp",
    "is_deleted"
FROM (
  SELECT "customer_contact_id" AS "customer_contact_key", "customer_contact_id", "account_id", "owner_id", "reports_to_id", "master_record_id", "title", "department", "lead_source", "mailing_city", "mailing_state", "mailing_postal_code", "mailing_country", "last_activity_date", "created_by_id", "created_date", "last_modified_date", "system_modstamp", CASE WHEN "record_is_deleted" THEN 1 WHEN NOT "record_is_deleted" THEN 0 END AS "is_deleted"
  FROM "connect"."d_customer_contacts"
  UNION ALL
  SELECT 'unknown', NULL, NULL, NULL, NULL, NULL, 'unknown', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 0
) AS members;

CREATE OR REPLACE VIEW "connect"."d_matter" AS
SELECT
    "matter_key",
    "matter_id",
    "matter_name",
    "display_name",
    "status",
    "case_type_id",
    "practice_area",
    "client_id",
    "principal_attorney_id",
    "originating_attorney_id",
    "owner_id",
    "open_date",
    "close_date",
    "closed_reason",
    "incident_date",
    "matter_state",
    "statute_of_limitations",
    "gross_recovery",
    "net_recovery",
    "matter_source",
    "created_by_id",
    "created_date",
    "last_modified_date",
    "system_modstamp",
    "is_deleted"
FROM (
  SELECT "matter_id" AS "matter_key", "matter_id", "matter_name", "display_name", "status", "case_type_id", "practice_area", "client_id", "principal_attorney_id", "originating_attorney_id", "owner_id", "open_date", "close_date", "closed_reason", "incident_date", "matter_state", "statute_of_limitations", "gross_recovery", "net_recovery", "matter_source", "created_by_id", "created_date", "last_modified_date", "system_modstamp", CASE WHEN "record_is_deleted" THEN 1 WHEN NOT "record_is_deleted" THEN 0 END AS "is_deleted"
  FROM "connect"."d_matters"
  UNION ALL
  SELECT 'unknown', NULL, 'unknown', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 0
) AS members;

CREATE OR REPLACE VIEW "connect"."d_case" AS
SELECT
    "case_key",
    "case_id",
    "case_number",
    "account_id",
    "customer_contact_id",
    "owner_id",
    "parent_id",
    "status",
    "origin",
    "reason",
    "type",
    "priority",
    "is_closed",
    "is_escalated",
    "closed_date",
    "created_by_id",
    "created_date",
    "last_modified_date",
    "system_modstamp",
    "is_deleted"
FROM (
  SELECT "case_id" AS "case_key", "case_id", "case_number", "account_id", "customer_contact_id", "owner_id", "parent_id", "status", "origin", "reason", "type", "priority", CASE WHEN "is_closed" THEN 1 WHEN NOT "is_closed" THEN 0 END AS "is_closed", CASE WHEN "is_escalated" THEN 1 WHEN NOT "is_escalated" THEN 0 END AS "is_escalated", "closed_date", "created_by_id", "created_date", "last_modified_date", "system_modstamp", CASE WHEN "record_is_deleted" THEN 1 WHEN NOT "record_is_deleted" THEN 0 END AS "is_deleted"
  FROM "connect"."f_cases"
  UNION ALL
  SELECT 'unknown', NULL, 'unknown', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 0
) AS members;

CREATE OR REPLACE VIEW "connect"."v_fact_task" AS
SELECT
    "task_id",
    "user_key",
    "created_by_user_key",
    "case_key",
    "matter_key",
    "customer_contact_key",
    "call_object" AS "contact_id",
    CASE WHEN "created_date" >= TIMESTAMP '2010-01-01 00:00:00' AND "created_date" < TIMESTAMP '2040-01-01 00:00:00' THEN CAST(EXTRACT(YEAR FROM "created_date") AS INTEGER) * 10000 + CAST(EXTRACT(MONTH FROM "created_date") AS INTEGER) * 100 + CAST(EXTRACT(DAY FROM "created_date") AS INTEGER) * 1 ELSE -1 END AS "created_date_key",
    COALESCE(CAST(EXTRACT(HOUR FROM "created_date") AS INTEGER) * 60 + CAST(EXTRACT(MINUTE FROM "created_date") AS INTEGER), -1) AS "created_time_key",
    CASE WHEN "activity_date" >= TIMESTAMP '2010-01-01 00:00:00' AND "activity_date" < TIMESTAMP '2040-01-01 00:00:00' THEN CAST(EXTRACT(YEAR FROM "activity_date") AS INTEGER) * 10000 + CAST(EXTRACT(MONTH FROM "activity_date") AS INTEGER) * 100 + CAST(EXTRACT(DAY FROM "activity_date") AS INTEGER) * 1 ELSE -1 END AS "activity_date_key",
    CASE WHEN "completed_date_time" >= TIMESTAMP '2010-01-01 00:00:00' AND "completed_date_time" < TIMESTAMP '2040-01-01 00:00:00' THEN CAST(EXTRACT(YEAR FROM "completed_date_time") AS INTEGER) * 10000 + CAST(EXTRACT(MONTH FROM "completed_date_time") AS INTEGER) * 100 + CAST(EXTRACT(DAY FROM "completed_date_time") AS INTEGER) * 1 ELSE -1 END AS "completed_date_key",
    "account_id",
    "status",
    "priority",
    "type",
    "task_subtype",
    "activity_date",
    CASE WHEN "is_closed" THEN 1 WHEN NOT "is_closed" THEN 0 END AS "is_closed",
    CASE WHEN "is_archived" THEN 1 WHEN NOT "is_archived" THEN 0 END AS "is_archived",
    "completed_date_time",
    "call_type",
    "call_duration_s",
    "call_disposition",
    "call_object",
    "created_date",
    "last_modified_date",
    CAST(TRUNC(EXTRACT(EPOCH FROM ("completed_date_time" - "created_date")) * 1000) AS BIGINT) AS "completion_time_ms",
    CASE WHEN "created_date" >= TIMESTAMP '2010-01-01 00:00:00' AND "created_date" < TIMESTAMP '2040-01-01 00:00:00' THEN CAST(EXTRACT(YEAR FROM "created_date") AS INTEGER) * 10000 + CAST(EXTRACT(MONTH FROM "created_date") AS INTEGER) * 100 + CAST(EXTRACT(DAY FROM "created_date") AS INTEGER) * 1 ELSE -1 END AS "created_local_date_key",
    COALESCE(CAST(EXTRACT(HOUR FROM "created_date") AS INTEGER) * 60 + CAST(EXTRACT(MINUTE FROM "created_date") AS INTEGER), -1) AS "created_local_time_key",
    CASE WHEN "completed_date_time" >= TIMESTAMP '2010-01-01 00:00:00' AND "completed_date_time" < TIMESTAMP '2040-01-01 00:00:00' THEN CAST(EXTRACT(YEAR FROM "completed_date_time") AS INTEGER) * 10000 + CAST(EXTRACT(MONTH FROM "completed_date_time") AS INTEGER) * 100 + CAST(EXTRACT(DAY FROM "completed_date_time") AS INTEGER) * 1 ELSE -1 END AS "completed_local_date_key",
    COALESCE(CAST(EXTRACT(HOUR FROM "completed_date_time") AS INTEGER) * 60 + CAST(EXTRACT(MINUTE FROM "completed_date_time") AS INTEGER), -1) AS "completed_local_time_key"
FROM (
  SELECT f.*, COALESCE(k0."user_id", 'unknown') AS "user_key", COALESCE(k1."user_id", 'unknown') AS "created_by_user_key", COALESCE(k2."case_id", 'unknown') AS "case_key", COALESCE(k3."matter_id", 'unknown') AS "matter_key", COALESCE(k4."customer_contact_id", 'unknown') AS "customer_contact_key"
  FROM "connect"."f_tasks" AS f
  LEFT JOIN "connect"."d_salesforce_users" AS k0 ON k0."user_id" = f."owner_id"
  LEFT JOIN "connect"."d_salesforce_users" AS k1 ON k1."user_id" = f."created_by_id"
  LEFT JOIN "connect"."f_cases" AS k2 ON k2."case_id" = f."what_id"
  LEFT JOIN "connect"."d_matters" AS k3 ON k3."matter_id" = f."what_id"
  LEFT JOIN "connect"."d_customer_contacts" AS k4 ON k4."customer_contact_id" = f."who_id"
  WHERE NOT f."record_is_deleted"
) AS facts;

CREATE OR REPLACE VIEW "connect"."v_fact_case" AS
SELECT
    "case_id",
    "user_key",
    "created_by_user_key",
    "customer_contact_key",
    "parent_case_key",
    CASE WHEN "created_date" >= TIMESTAMP '2010-01-01 00:00:00' AND "created_date" < TIMESTAMP '2040-01-01 00:00:00' THEN CAST(EXTRACT(YEAR FROM "created_date") AS INTEGER) * 10000 + CAST(EXTRACT(MONTH FROM "created_date") AS INTEGER) * 100 + CAST(EXTRACT(DAY FROM "created_date") AS INTEGER) * 1 ELSE -1 END AS "created_date_key",
    COALESCE(CAST(EXTRACT(HOUR FROM "created_date") AS INTEGER) * 60 + CAST(EXTRACT(MINUTE FROM "created_date") AS INTEGER), -1) AS "created_time_key",
    CASE WHEN "closed_date" >= TIMESTAMP '2010-01-01 00:00:00' AND "closed_date" < TIMESTAMP '2040-01-01 00:00:00' THEN CAST(EXTRACT(YEAR FROM "closed_date") AS INTEGER) * 10000 + CAST(EXTRACT(MONTH FROM "closed_date") AS INTEGER) * 100 + CAST(EXTRACT(DAY FROM "closed_date") AS INTEGER) * 1 ELSE -1 END AS "closed_date_key",
    "case_number",
    "account_id",
    "status",
    "origin",
    "reason",
    "type",
    "priority",
    CASE WHEN "is_closed" THEN 1 WHEN NOT "is_closed" THEN 0 END AS "is_closed",
    CASE WHEN "is_escalated" THEN 1 WHEN NOT "is_escalated" THEN 0 END AS "is_escalated",
    "closed_date",
    "created_date",
    "last_modified_date",
    CAST(TRUNC(EXTRACT(EPOCH FROM ("closed_date" - "created_date")) * 1000) AS BIGINT) AS "open_time_ms",
    CASE WHEN "created_date" >= TIMESTAMP '2010-01-01 00:00:00' AND "created_date" < TIMESTAMP '2040-01-01 00:00:00' THEN CAST(EXTRACT(YEAR FROM "created_date") AS INTEGER) * 10000 + CAST(EXTRACT(MONTH FROM "created_date") AS INTEGER) * 100 + CAST(EXTRACT(DAY FROM "created_date") AS INTEGER) * 1 ELSE -1 END AS "created_local_date_key",
    COALESCE(CAST(EXTRACT(HOUR FROM "created_date") AS INTEGER) * 60 + CAST(EXTRACT(MINUTE FROM "created_date") AS INTEGER), -1) AS "created_local_time_key",
    CASE WHEN "closed_date" >= TIMESTAMP '2010-01-01 00:00:00' AND "closed_date" < TIMESTAMP '2040-01-01 00:00:00' THEN CAST(EXTRACT(YEAR FROM "closed_date") AS INTEGER) * 10000 + CAST(EXTRACT(MONTH FROM "closed_date") AS INTEGER) * 100 + CAST(EXTRACT(DAY FROM "closed_date") AS INTEGER) * 1 ELSE -1 END AS "closed_local_date_key",
    COALESCE(CAST(EXTRACT(HOUR FROM "closed_date") AS INTEGER) * 60 + CAST(EXTRACT(MINUTE FROM "closed_date") AS INTEGER), -1) AS "closed_local_time_key"
FROM (
  SELECT f.*, COALESCE(k0."user_id", 'unknown') AS "user_key", COALESCE(k1."user_id", 'unknown') AS "created_by_user_key", COALESCE(k2."customer_contact_id", 'unknown') AS "customer_contact_key", COALESCE(k3."case_id", 'unknown') AS "parent_case_key"
  FROM "connect"."f_cases" AS f
  LEFT JOIN "connect"."d_salesforce_users" AS k0 ON k0."user_id" = f."owner_id"
  LEFT JOIN "connect"."d_salesforce_users" AS k1 ON k1."user_id" = f."created_by_id"
  LEFT JOIN "connect"."d_customer_contacts" AS k2 ON k2."customer_contact_id" = f."customer_contact_id"
  LEFT JOIN "connect"."f_cases" AS k3 ON k3."case_id" = f."parent_id"
  WHERE NOT f."record_is_deleted"
) AS facts;

CREATE OR REPLACE VIEW "connect"."bridge_contact_case" AS
SELECT
    "contact_id",
    COALESCE("case_id", 'unknown') AS "case_key",
    CASE WHEN "by_attribute" = 1 AND "by_task" = 1 THEN 'both' WHEN "by_attribute" = 1 THEN 'attribute' WHEN "by_task" = 1 THEN 'task' END AS "link",
    COUNT("case_id") OVER (PARTITION BY "contact_id") AS "case_count"
FROM (
  SELECT c."contact_id", p."case_id", p."by_attribute", p."by_task"
  FROM "connect"."f_calls" AS c
  LEFT JOIN (
    SELECT "contact_id", "case_id", MAX("by_attribute") AS "by_attribute", MAX("by_task") AS "by_task"
    FROM (
      SELECT a."contact_id", k."case_id", 1 AS "by_attribute", 0 AS "by_task" FROM (SELECT "contact_id", ("attributes" ->> 'crmCaseId') AS "value" FROM "connect"."f_calls" WHERE NOT "record_is_deleted") AS a JOIN "connect"."f_cases" AS k ON k."case_id" = a."value"
      UNION ALL SELECT a."contact_id", k."case_id", 1 AS "by_attribute", 0 AS "by_task" FROM (SELECT "contact_id", ("attributes" ->> 'crmCaseId') AS "value" FROM "connect"."f_calls" WHERE NOT "record_is_deleted") AS a JOIN "connect"."f_cases" AS k ON SUBSTRING(k."case_id", 1, 15) = a."value"
      UNION ALL SELECT a."contact_id", k."case_id", 1 AS "by_attribute", 0 AS "by_task" FROM (SELECT "contact_id", ("attributes" ->> 'crmCaseId') AS "value" FROM "connect"."f_calls" WHERE NOT "record_is_deleted") AS a JOIN "connect"."f_cases" AS k ON k."case_number" = a."value"
      UNION ALL SELECT t."call_object" AS "contact_id", k."case_id", 0 AS "by_attribute", 1 AS "by_task" FROM "connect"."f_tasks" AS t JOIN "connect"."f_cases" AS k ON k."case_id" = t."what_id" WHERE NOT t."record_is_deleted"
    ) AS links
    GROUP BY "contact_id", "case_id"
  ) AS p ON p."contact_id" = c."contact_id"
  WHERE NOT c."record_is_deleted"
) AS pairs;

CREATE OR REPLACE VIEW "connect"."d_agent" AS
SELECT COALESCE(l."agent_id", s."agent_key") AS "agent_key",
  COALESCE(l."agent_id", s."agent_id") AS "agent_id",
  COALESCE(l."agent_username", s."agent_username") AS "agent_username",
  COALESCE(l."agent_arn", s."agent_arn") AS "agent_arn",
  COALESCE(l."agent_routing_profile_id", s."agent_routing_profile_id") AS "agent_routing_profile_id",
  COALESCE(p."routing_profile_name", CASE WHEN COALESCE(l."agent_routing_profile_id" = s."agent_routing_profile_id", l."agent_id" IS NULL) THEN s."agent_routing_profile_name" END) AS "agent_routing_profile_name",
  CASE WHEN g."agent_hierarchy_group_id" IS NULL THEN s."agent_hierarchy_groups_level_1_name" ELSE g."level_1_name" END AS "agent_hierarchy_groups_level_1_name",
  CASE WHEN g."agent_hierarchy_group_id" IS NULL THEN s."agent_hierarchy_groups_level_2_name" ELSE g."level_2_name" END AS "agent_hierarchy_groups_level_2_name",
  CASE WHEN g."agent_hierarchy_group_id" IS NULL THEN s."agent_hierarchy_groups_level_3_name" ELSE g."level_3_name" END AS "agent_hierarchy_groups_level_3_name",
  CASE WHEN g."agent_hierarchy_group_id" IS NULL THEN s."agent_hierarchy_groups_level_4_name" ELSE g."level_4_name" END AS "agent_hierarchy_groups_level_4_name",
  CASE WHEN g."agent_hierarchy_group_id" IS NULL THEN s."agent_hierarchy_groups_level_5_name" ELSE g."level_5_name" END AS "agent_hierarchy_groups_level_5_name",
  l."first_name",
  l."last_name",
  CASE WHEN l."record_is_deleted" THEN 1 ELSE 0 END AS "is_deleted"
FROM (
SELECT "agent_id" AS "agent_key", "agent_id",
  COALESCE(MAX(CASE WHEN "name_place" = 1 THEN "agent_username" END), "agent_id") AS "agent_username",
  MAX(CASE WHEN "place" = 1 THEN "agent_arn" END) AS "agent_arn",
  MAX(CASE WHEN "place" = 1 THEN "agent_routing_profile_id" END) AS "agent_routing_profile_id",
  MAX(CASE WHEN "place" = 1 THEN "agent_routing_profile_name" END) AS "agent_routing_profile_name",
  MAX(CASE WHEN "place" = 1 THEN "agent_hierarchy_groups_level_1_name" END) AS "agent_hierarchy_groups_level_1_name",
  MAX(CASE WHEN "place" = 1 THEN "agent_hierarchy_groups_level_2_name" END) AS "agent_hierarchy_groups_level_2_name",
  MAX(CASE WHEN "place" = 1 THEN "agent_hierarchy_groups_level_3_name" END) AS "agent_hierarchy_groups_level_3_name",
  MAX(CASE WHEN "place" = 1 THEN "agent_hierarchy_groups_level_4_name" END) AS "agent_hierarchy_groups_level_4_name",
  MAX(CASE WHEN "place" = 1 THEN "agent_hierarchy_groups_level_5_name" END) AS "agent_hierarchy_groups_level_5_name"
FROM (
  SELECT "agent_id", "agent_username", "agent_arn", "agent_routing_profile_id", "agent_routing_profile_name", "agent_hierarchy_groups_level_1_name", "agent_hierarchy_groups_level_2_name", "agent_hierarchy_groups_level_3_name", "agent_hierarchy_groups_level_4_name", "agent_hierarchy_groups_level_5_name",
    ROW_NUMBER() OVER (
      PARTITION BY "agent_id"
      ORDER BY COALESCE("initiation_timestamp", TIMESTAMP '1970-01-01 00:00:00') DESC, "contact_id" DESC
    ) AS "place",
    ROW_NUMBER() OVER (
      PARTITION BY "agent_id"
      ORDER BY CASE WHEN "agent_username" IS NULL THEN 1 ELSE 0 END, COALESCE("initiation_timestamp", TIMESTAMP '1970-01-01 00:00:00') DESC, "contact_id" DESC
    ) AS "name_place"
  FROM "connect"."f_calls"
  WHERE "agent_id" IS NOT NULL AND NOT "record_is_deleted"
) AS latest
GROUP BY "agent_id"
UNION ALL
SELECT 'unknown', NULL, 'unknown', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL
) AS s
FULL JOIN "connect"."d_agents" AS l ON l."agent_id" = s."agent_key"
LEFT JOIN "connect"."d_routing_profiles" AS p ON p."agent_routing_profile_id" = l."agent_routing_profile_id"
LEFT JOIN "connect"."d_agent_hierarchy_groups" AS g ON g."agent_hierarchy_group_id" = l."agent_hierarchy_group_id";

CREATE OR REPLACE VIEW "connect"."d_queue" AS
SELECT COALESCE(l."queue_id", s."queue_key") AS "queue_key",
  COALESCE(l."queue_id", s."queue_id") AS "queue_id",
  COALESCE(l."queue_name", s."queue_name") AS "queue_name",
  COALESCE(l."queue_arn", s."queue_arn") AS "queue_arn",
  l."queue_description",
  l."queue_status",
  l."max_contacts",
  l."hours_of_operation_id",
  CASE WHEN l."record_is_deleted" THEN 1 ELSE 0 END AS "is_deleted"
FROM (
SELECT "queue_id" AS "queue_key", "queue_id",
  COALESCE(MAX(CASE WHEN "name_place" = 1 THEN "queue_name" END), "queue_id") AS "queue_name",
  MAX(CASE WHEN "place" = 1 THEN "queue_arn" END) AS "queue_arn"
FROM (
  SELECT "queue_id", "queue_name", "queue_arn",
    ROW_NUMBER() OVER (
      PARTITION BY "queue_id"
      ORDER BY COALESCE("initiation_timestamp", TIMESTAMP '1970-01-01 00:00:00') DESC, "contact_id" DESC
    ) AS "place",
    ROW_NUMBER() OVER (
      PARTITION BY "queue_id"
      ORDER BY CASE WHEN "queue_name" IS NULL THEN 1 ELSE 0 END, COALESCE("initiation_timestamp", TIMESTAMP '1970-01-01 00:00:00') DESC, "contact_id" DESC
    ) AS "name_place"
  FROM "connect"."f_calls"
  WHERE "queue_id" IS NOT NULL AND NOT "record_is_deleted"
) AS latest
GROUP BY "queue_id"
UNION ALL
SELECT 'unknown', NULL, 'unknown', NULL
) AS s
FULL JOIN "connect"."d_queues" AS l ON l."queue_id" = s."queue_key";

CREATE OR REPLACE VIEW "connect"."d_date" AS
WITH digits AS (
  SELECT 0 AS "d" UNION ALL SELECT 1 UNION ALL SELECT 2 UNION ALL SELECT 3 UNION ALL SELECT 4 UNION ALL SELECT 5 UNION ALL SELECT 6 UNION ALL SELECT 7 UNION ALL SELECT 8 UNION ALL SELECT 9
), numbers AS (
  SELECT 1 * p0."d" + 10 * p1."d" + 100 * p2."d" + 1000 * p3."d" + 10000 * p4."d" AS "n"
    FROM digits AS p0
    CROSS JOIN digits AS p1
    CROSS JOIN digits AS p2
    CROSS JOIN digits AS p3
    CROSS JOIN digits AS p4
), days AS (
  SELECT DATE '2010-01-01' + CAST("n" AS INTEGER) AS "day" FROM numbers WHERE DATE '2010-01-01' + CAST("n" AS INTEGER) <= DATE '2039-12-31'
)
SELECT CAST(EXTRACT(YEAR FROM "day") AS INTEGER) * 10000 + CAST(EXTRACT(MONTH FROM "day") AS INTEGER) * 100 + CAST(EXTRACT(DAY FROM "day") AS INTEGER) AS "date_key",
  "day" AS "calendar_date",
  CAST(EXTRACT(YEAR FROM "day") AS INTEGER) AS "calendar_year",
  CAST(EXTRACT(QUARTER FROM "day") AS INTEGER) AS "calendar_quarter",
  CAST(EXTRACT(MONTH FROM "day") AS INTEGER) AS "month_number",
  CASE CAST(EXTRACT(MONTH FROM "day") AS INTEGER) WHEN 1 THEN 'January' WHEN 2 THEN 'February' WHEN 3 THEN 'March' WHEN 4 THEN 'April' WHEN 5 THEN 'May' WHEN 6 THEN 'June' WHEN 7 THEN 'July' WHEN 8 THEN 'August' WHEN 9 THEN 'September' WHEN 10 THEN 'October' WHEN 11 THEN 'November' WHEN 12 THEN 'December' END AS "month_name",
  CAST(EXTRACT(DAY FROM "day") AS INTEGER) AS "day_of_month",
  CAST(EXTRACT(WEEK FROM "day") AS INTEGER) AS "iso_week",
  CASE CAST(EXTRACT(DOW FROM "day") AS INTEGER) WHEN 0 THEN 7 ELSE CAST(EXTRACT(DOW FROM "day") AS INTEGER) END AS "iso_weekday",
  CASE CASE CAST(EXTRACT(DOW FROM "day") AS INTEGER) WHEN 0 THEN 7 ELSE CAST(EXTRACT(DOW FROM "day") AS INTEGER) END WHEN 1 THEN 'Monday' WHEN 2 THEN 'Tuesday' WHEN 3 THEN 'Wednesday' WHEN 4 THEN 'Thursday' WHEN 5 THEN 'Friday' WHEN 6 THEN 'Saturday' WHEN 7 THEN 'Sunday' END AS "weekday_name",
  CASE WHEN CAST(EXTRACT(DOW FROM "day") AS INTEGER) IN (0, 6) THEN 1 ELSE 0 END AS "is_weekend",
  CAST(EXTRACT(YEAR FROM "day" + (4 - (CASE CAST(EXTRACT(DOW FROM "day") AS INTEGER) WHEN 0 THEN 7 ELSE CAST(EXTRACT(DOW FROM "day") AS INTEGER) END))) AS INTEGER) AS "iso_year"
FROM days
UNION ALL
SELECT -1, NULL, NULL, NULL, NULL, 'unknown', NULL, NULL, NULL, 'unknown', NULL, NULL;

CREATE OR REPLACE VIEW "connect"."d_time" AS
WITH digits AS (
  SELECT 0 AS "d" UNION ALL SELECT 1 UNION ALL SELECT 2 UNION ALL SELECT 3 UNION ALL SELECT 4 UNION ALL SELECT 5 UNION ALL SELECT 6 UNION ALL SELECT 7 UNION ALL SELECT 8 UNION ALL SELECT 9
), numbers AS (
  SELECT 1 * p0."d" + 10 * p1."d" + 100 * p2."d" + 1000 * p3."d" AS "n"
    FROM digits AS p0
    CROSS JOIN digits AS p1
    CROSS JOIN digits AS p2
    CROSS JOIN digits AS p3
)
SELECT CAST("n" AS INTEGER) AS "time_key",
  CAST(FLOOR("n" / 60.0) AS INTEGER) AS "hour_of_day",
  CAST("n" % 60 AS INTEGER) AS "minute_of_hour",
  LPAD(CAST(CAST(FLOOR("n" / 60.0) AS INTEGER) AS VARCHAR(2)), 2, '0') || ':' || LPAD(CAST(CAST("n" % 60 AS INTEGER) AS VARCHAR(2)), 2, '0') AS "time_of_day",
  LPAD(CAST(CAST(FLOOR("n" / 60.0) AS INTEGER) AS VARCHAR(2)), 2, '0') || ':' || LPAD(CAST(CAST(FLOOR((CAST("n" % 60 AS INTEGER)) / 15.0) AS INTEGER) * 15 AS VARCHAR(2)), 2, '0') AS "quarter_hour",
  LPAD(CAST(CAST(FLOOR("n" / 60.0) AS INTEGER) AS VARCHAR(2)), 2, '0') || ':' || LPAD(CAST(CAST(FLOOR((CAST("n" % 60 AS INTEGER)) / 30.0) AS INTEGER) * 30 AS VARCHAR(2)), 2, '0') AS "half_hour"
FROM numbers
WHERE "n" < 1440
UNION ALL
SELECT -1, NULL, NULL, 'unknown', 'unknown', 'unknown';

CREATE OR REPLACE VIEW "connect"."v_fact_call" AS
SELECT
  "instance_id",
  "aws_account_id",
  "contact_id",
  "initial_contact_id",
  "previous_contact_id",
  "related_contact_id",
  "next_contact_id",
  "contact_association_id",
  "channel",
  "initiation_method",
  "disconnect_reason",
  "campaign_id",
  "initiation_timestamp",
  "connected_to_system_timestamp",
  "queue_enqueue_timestamp",
  "agent_connected_to_agent_timestamp",
  "transfer_completed_timestamp",
  "disconnect_timestamp",
  "last_update_timestamp",
  "agent_number_of_holds",
  "agent_longest_hold_duration_ms",
  "agent_pause_duration_ms",
  COALESCE("queue_id", 'unknown') AS "queue_key",
  COALESCE("agent_id", 'unknown') AS "agent_key",
  CASE WHEN "initiation_timestamp" >= TIMESTAMP '2010-01-01 00:00:00' AND "initiation_timestamp" < TIMESTAMP '2040-01-01 00:00:00' THEN CAST(EXTRACT(YEAR FROM "initiation_timestamp") AS INTEGER) * 10000 + CAST(EXTRACT(MONTH FROM "initiation_timestamp") AS INTEGER) * 100 + CAST(EXTRACT(DAY FROM "initiation_timestamp") AS INTEGER) * 1 ELSE -1 END AS "initiation_date_key",
  COALESCE(CAST(EXTRACT(HOUR FROM "initiation_timestamp") AS INTEGER) * 60 + CAST(EXTRACT(MINUTE FROM "initiation_timestamp") AS INTEGER), -1) AS "initiation_time_key",
  CASE WHEN "disconnect_timestamp" >= TIMESTAMP '2010-01-01 00:00:00' AND "disconnect_timestamp" < TIMESTAMP '2040-01-01 00:00:00' THEN CAST(EXTRACT(YEAR FROM "disconnect_timestamp") AS INTEGER) * 10000 + CAST(EXTRACT(MONTH FROM "disconnect_timestamp") AS INTEGER) * 100 + CAST(EXTRACT(DAY FROM "disconnect_timestamp") AS INTEGER) * 1 ELSE -1 END AS "disconnect_date_key",
  COALESCE(CAST(EXTRACT(HOUR FROM "disconnect_timestamp") AS INTEGER) * 60 + CAST(EXTRACT(MINUTE FROM "disconnect_timestamp") AS INTEGER), -1) AS "disconnect_time_key",
  CASE WHEN "initiation_method" NOT IN ('INBOUND', 'TRANSFER', 'QUEUE_TRANSFER', 'API') THEN NULL WHEN "initiation_method" IS NULL THEN NULL WHEN "connected_to_system_timestamp" IS NULL THEN 0 WHEN COALESCE("queue_enqueue_timestamp", "transfer_completed_timestamp", "disconnect_timestamp") < "connected_to_system_timestamp" THEN 0 WHEN "queue_enqueue_timestamp" IS NOT NULL THEN CAST(TRUNC(EXTRACT(EPOCH FROM ("queue_enqueue_timestamp" - "connected_to_system_timestamp")) * 1000) AS BIGINT) WHEN "transfer_completed_timestamp" IS NOT NULL THEN CAST(TRUNC(EXTRACT(EPOCH FROM ("transfer_completed_timestamp" - "connected_to_system_timestamp")) * 1000) AS BIGINT) ELSE CAST(TRUNC(EXTRACT(EPOCH FROM ("disconnect_timestamp" - "connected_to_system_timestamp")) * 1000) AS BIGINT) END AS "contact_flow_time_ms",
  CASE WHEN "queue_enqueue_timestamp" IS NOT NULL THEN "queue_duration_ms" END AS "queue_time_ms",
  CASE WHEN "queue_enqueue_timestamp" IS NOT NULL AND "agent_connected_to_agent_timestamp" IS NULL AND "next_contact_id" IS NULL AND "transfer_completed_timestamp" IS NULL THEN "queue_duration_ms" END AS "abandon_time_ms",
  CASE WHEN "agent_connected_to_agent_timestamp" IS NOT NULL AND "queue_enqueue_timestamp" IS NOT NULL THEN "queue_duration_ms" END AS "queue_answer_time_ms",
  CASE WHEN "agent_interaction_duration_ms" IS NOT NULL OR "agent_customer_hold_duration_ms" IS NOT NULL OR "agent_after_contact_work_duration_ms" IS NOT NULL THEN COALESCE("agent_interaction_duration_ms", 0) + COALESCE("agent_customer_hold_duration_ms", 0) + COALESCE("agent_after_contact_work_duration_ms", 0) END AS "handle_time_ms",
  "agent_customer_hold_duration_ms" AS "customer_hold_time_ms",
  "agent_interaction_duration_ms" AS "agent_interaction_time_ms",
  CASE WHEN "initiation_method" = 'OUTBOUND' THEN "agent_interaction_duration_ms" END AS "agent_interaction_outbound_time_ms",
  CASE WHEN "agent_interaction_duration_ms" IS NOT NULL OR "agent_customer_hold_duration_ms" IS NOT NULL THEN COALESCE("agent_interaction_duration_ms", 0) + COALESCE("agent_customer_hold_duration_ms", 0) END AS "agent_interaction_and_hold_time_ms",
  COALESCE("agent_after_contact_work_duration_ms", CASE WHEN "agent_connected_to_agent_timestamp" IS NOT NULL THEN 0 END) AS "after_contact_work_time_ms",
  CASE WHEN "initiation_method" = 'OUTBOUND' THEN COALESCE("agent_after_contact_work_duration_ms", CASE WHEN "agent_connected_to_agent_timestamp" IS NOT NULL THEN 0 END) END AS "after_contact_work_outbound_time_ms",
  CAST(CASE WHEN "connected_to_system_timestamp" IS NOT NULL THEN 1 ELSE 0 END AS BIGINT) AS "is_connected",
  CAST(CASE WHEN "agent_connected_to_agent_timestamp" IS NOT NULL THEN 1 ELSE 0 END AS BIGINT) AS "is_handled",
  CAST(CASE WHEN "queue_enqueue_timestamp" IS NOT NULL THEN 1 ELSE 0 END AS BIGINT) AS "is_queued",
  CAST(CASE WHEN "queue_enqueue_timestamp" IS NOT NULL AND "agent_connected_to_agent_timestamp" IS NOT NULL THEN 1 ELSE 0 END AS BIGINT) AS "is_queued_and_handled",
  CAST(CASE WHEN "queue_enqueue_timestamp" IS NOT NULL AND "agent_connected_to_agent_timestamp" IS NULL AND "next_contact_id" IS NULL AND "transfer_completed_timestamp" IS NULL THEN 1 ELSE 0 END AS BIGINT) AS "is_abandoned",
  CAST(CASE WHEN "agent_connected_to_agent_timestamp" IS NOT NULL AND "disconnect_reason" = 'AGENT_DISCONNECT' THEN 1 ELSE 0 END AS BIGINT) AS "is_agent_hung_up_first",
  CAST(CASE WHEN "agent_connected_to_agent_timestamp" IS NOT NULL AND "initiation_method" IN ('INBOUND', 'TRANSFER', 'QUEUE_TRANSFER') THEN 1 ELSE 0 END AS BIGINT) AS "is_handled_incoming",
  CAST(CASE WHEN "agent_connected_to_agent_timestamp" IS NOT NULL AND "initiation_method" = 'OUTBOUND' THEN 1 ELSE 0 END AS BIGINT) AS "is_handled_outbound",
  CAST(CASE WHEN "agent_connected_to_agent_timestamp" IS NOT NULL AND "initiation_method" = 'CALLBACK' THEN 1 ELSE 0 END AS BIGINT) AS "is_callback_handled",
  CAST(CASE WHEN "agent_connected_to_agent_timestamp" IS NOT NULL AND "initiation_method" = 'API' THEN 1 ELSE 0 END AS BIGINT) AS "is_api_handled",
  CAST(CASE WHEN "initiation_method" IN ('INBOUND', 'TRANSFER', 'QUEUE_TRANSFER') THEN 1 ELSE 0 END AS BIGINT) AS "is_incoming",
  CAST(CASE WHEN "initiation_method" = 'CALLBACK' THEN 1 ELSE 0 END AS BIGINT) AS "is_callback_contact",
  CAST(CASE WHEN "initiation_method" = 'API' THEN 1 ELSE 0 END AS BIGINT) AS "is_api_contact",
  CAST(CASE WHEN "agent_number_of_holds" > 0 THEN 1 ELSE 0 END AS BIGINT) AS "is_put_on_hold",
  CAST(CASE WHEN "initiation_method" IN ('TRANSFER', 'QUEUE_TRANSFER') THEN 1 ELSE 0 END AS BIGINT) AS "is_transferred_in",
  CAST(CASE WHEN "initiation_method" = 'TRANSFER' THEN 1 ELSE 0 END AS BIGINT) AS "is_transferred_in_from_handled",
  CAST(CASE WHEN "initiation_method" = 'QUEUE_TRANSFER' THEN 1 ELSE 0 END AS BIGINT) AS "is_transferred_in_from_queued",
  CAST(CASE WHEN "transfer_completed_timestamp" IS NOT NULL THEN 1 ELSE 0 END AS BIGINT) AS "is_transferred_out",
  CAST(CASE WHEN "transfer_completed_timestamp" IS NOT NULL AND "agent_connected_to_agent_timestamp" IS NOT NULL THEN 1 ELSE 0 END AS BIGINT) AS "is_transferred_out_from_handled",
  CAST(CASE WHEN "transfer_completed_timestamp" IS NOT NULL AND "queue_enqueue_timestamp" IS NOT NULL AND "agent_connected_to_agent_timestamp" IS NULL THEN 1 ELSE 0 END AS BIGINT) AS "is_transferred_out_from_queued",
  CAST(CASE WHEN "transfer_completed_timestamp" IS NOT NULL AND ("transferred_endpoint_type" IS NULL OR "transferred_endpoint_type" <> 'TELEPHONE_NUMBER') THEN 1 ELSE 0 END AS BIGINT) AS "is_transferred_out_internal",
  CAST(CASE WHEN "transfer_completed_timestamp" IS NOT NULL AND "transferred_endpoint_type" = 'TELEPHONE_NUMBER' THEN 1 ELSE 0 END AS BIGINT) AS "is_transferred_out_external",
  CAST(CASE WHEN "transfer_completed_timestamp" IS NOT NULL AND "transferred_endpoint_type" = 'TELEPHONE_NUMBER' AND "agent_connected_to_agent_timestamp" IS NULL THEN 1 ELSE 0 END AS BIGINT) AS "is_transferred_out_external_from_contact_flow",
  CASE WHEN "initiation_timestamp" >= TIMESTAMP '2010-01-01 00:00:00' AND "initiation_timestamp" < TIMESTAMP '2040-01-01 00:00:00' THEN CAST(EXTRACT(YEAR FROM "initiation_timestamp") AS INTEGER) * 10000 + CAST(EXTRACT(MONTH FROM "initiation_timestamp") AS INTEGER) * 100 + CAST(EXTRACT(DAY FROM "initiation_timestamp") AS INTEGER) * 1 ELSE -1 END AS "initiation_local_date_key",
  COALESCE(CAST(EXTRACT(HOUR FROM "initiation_timestamp") AS INTEGER) * 60 + CAST(EXTRACT(MINUTE FROM "initiation_timestamp") AS INTEGER), -1) AS "initiation_local_time_key",
  CASE WHEN "disconnect_timestamp" >= TIMESTAMP '2010-01-01 00:00:00' AND "disconnect_timestamp" < TIMESTAMP '2040-01-01 00:00:00' THEN CAST(EXTRACT(YEAR FROM "disconnect_timestamp") AS INTEGER) * 10000 + CAST(EXTRACT(MONTH FROM "disconnect_timestamp") AS INTEGER) * 100 + CAST(EXTRACT(DAY FROM "disconnect_timestamp") AS INTEGER) * 1 ELSE -1 END AS "disconnect_local_date_key",
  COALESCE(CAST(EXTRACT(HOUR FROM "disconnect_timestamp") AS INTEGER) * 60 + CAST(EXTRACT(MINUTE FROM "disconnect_timestamp") AS INTEGER), -1) AS "disconnect_local_time_key"
FROM "connect"."f_calls"
WHERE NOT "record_is_deleted";

CREATE OR REPLACE VIEW "connect"."v_fact_call_pii" AS
SELECT
  "instance_id",
  "aws_account_id",
  "contact_id",
  "initial_contact_id",
  "previous_contact_id",
  "related_contact_id",
  "next_contact_id",
  "contact_association_id",
  "channel",
  "initiation_method",
  "disconnect_reason",
  "campaign_id",
  "initiation_timestamp",
  "connected_to_system_timestamp",
  "queue_enqueue_timestamp",
  "agent_connected_to_agent_timestamp",
  "transfer_completed_timestamp",
  "disconnect_timestamp",
  "last_update_timestamp",
  "agent_number_of_holds",
  "agent_longest_hold_duration_ms",
  "agent_pause_duration_ms",
  COALESCE("queue_id", 'unknown') AS "queue_key",
  COALESCE("agent_id", 'unknown') AS "agent_key",
  CASE WHEN "initiation_timestamp" >= TIMESTAMP '2010-01-01 00:00:00' AND "initiation_timestamp" < TIMESTAMP '2040-01-01 00:00:00' THEN CAST(EXTRACT(YEAR FROM "initiation_timestamp") AS INTEGER) * 10000 + CAST(EXTRACT(MONTH FROM "initiation_timestamp") AS INTEGER) * 100 + CAST(EXTRACT(DAY FROM "initiation_timestamp") AS INTEGER) * 1 ELSE -1 END AS "initiation_date_key",
  COALESCE(CAST(EXTRACT(HOUR FROM "initiation_timestamp") AS INTEGER) * 60 + CAST(EXTRACT(MINUTE FROM "initiation_timestamp") AS INTEGER), -1) AS "initiation_time_key",
  CASE WHEN "disconnect_timestamp" >= TIMESTAMP '2010-01-01 00:00:00' AND "disconnect_timestamp" < TIMESTAMP '2040-01-01 00:00:00' THEN CAST(EXTRACT(YEAR FROM "disconnect_timestamp") AS INTEGER) * 10000 + CAST(EXTRACT(MONTH FROM "disconnect_timestamp") AS INTEGER) * 100 + CAST(EXTRACT(DAY FROM "disconnect_timestamp") AS INTEGER) * 1 ELSE -1 END AS "disconnect_date_key",
  COALESCE(CAST(EXTRACT(HOUR FROM "disconnect_timestamp") AS INTEGER) * 60 + CAST(EXTRACT(MINUTE FROM "disconnect_timestamp") AS INTEGER), -1) AS "disconnect_time_key",
  CASE WHEN "initiation_method" NOT IN ('INBOUND', 'TRANSFER', 'QUEUE_TRANSFER', 'API') THEN NULL WHEN "initiation_method" IS NULL THEN NULL WHEN "connected_to_system_timestamp" IS NULL THEN 0 WHEN COALESCE("queue_enqueue_timestamp", "transfer_completed_timestamp", "disconnect_timestamp") < "connected_to_system_timestamp" THEN 0 WHEN "queue_enqueue_timestamp" IS NOT NULL THEN CAST(TRUNC(EXTRACT(EPOCH FROM ("queue_enqueue_timestamp" - "connected_to_system_timestamp")) * 1000) AS BIGINT) WHEN "transfer_completed_timestamp" IS NOT NULL THEN CAST(TRUNC(EXTRACT(EPOCH FROM ("transfer_completed_timestamp" - "connected_to_system_timestamp")) * 1000) AS BIGINT) ELSE CAST(TRUNC(EXTRACT(EPOCH FROM ("disconnect_timestamp" - "connected_to_system_timestamp")) * 1000) AS BIGINT) END AS "contact_flow_time_ms",
  CASE WHEN "queue_enqueue_timestamp" IS NOT NULL THEN "queue_duration_ms" END AS "queue_time_ms",
  CASE WHEN "queue_enqueue_timestamp" IS NOT NULL AND "agent_connected_to_agent_timestamp" IS NULL AND "next_contact_id" IS NULL AND "transfer_completed_timestamp" IS NULL THEN "queue_duration_ms" END AS "abandon_time_ms",
  CASE WHEN "agent_connected_to_agent_timestamp" IS NOT NULL AND "queue_enqueue_timestamp" IS NOT NULL THEN "queue_duration_ms" END AS "queue_answer_time_ms",
  CASE WHEN "agent_interaction_duration_ms" IS NOT NULL OR "agent_customer_hold_duration_ms" IS NOT NULL OR "agent_after_contact_work_duration_ms" IS NOT NULL THEN COALESCE("agent_interaction_duration_ms", 0) + COALESCE("agent_customer_hold_duration_ms", 0) + COALESCE("agent_after_contact_work_duration_ms", 0) END AS "handle_time_ms",
  "agent_customer_hold_duration_ms" AS "customer_hold_time_ms",
  "agent_interaction_duration_ms" AS "agent_interaction_time_ms",
  CASE WHEN "initiation_method" = 'OUTBOUND' THEN "agent_interaction_duration_ms" END AS "agent_interaction_outbound_time_ms",
  CASE WHEN "agent_interaction_duration_ms" IS NOT NULL OR "agent_customer_hold_duration_ms" IS NOT NULL THEN COALESCE("agent_interaction_duration_ms", 0) + COALESCE("agent_customer_hold_duration_ms", 0) END AS "agent_interaction_and_hold_time_ms",
  COALESCE("agent_after_contact_work_duration_ms", CASE WHEN "agent_connected_to_agent_timestamp" IS NOT NULL THEN 0 END) AS "after_contact_work_time_ms",
  CASE WHEN "initiation_method" = 'OUTBOUND' THEN COALESCE("agent_after_contact_work_duration_ms", CASE WHEN "agent_connected_to_agent_timestamp" IS NOT NULL THEN 0 END) END AS "after_contact_work_outbound_time_ms",
  CAST(CASE WHEN "connected_to_system_timestamp" IS NOT NULL THEN 1 ELSE 0 END AS BIGINT) AS "is_connected",
  CAST(CASE WHEN "agent_connected_to_agent_timestamp" IS NOT NULL THEN 1 ELSE 0 END AS BIGINT) AS "is_handled",
  CAST(CASE WHEN "queue_enqueue_timestamp" IS NOT NULL THEN 1 ELSE 0 END AS BIGINT) AS "is_queued",
  CAST(CASE WHEN "queue_enqueue_timestamp" IS NOT NULL AND "agent_connected_to_agent_timestamp" IS NOT NULL THEN 1 ELSE 0 END AS BIGINT) AS "is_queued_and_handled",
  CAST(CASE WHEN "queue_enqueue_timestamp" IS NOT NULL AND "agent_connected_to_agent_timestamp" IS NULL AND "next_contact_id" IS NULL AND "transfer_completed_timestamp" IS NULL THEN 1 ELSE 0 END AS BIGINT) AS "is_abandoned",
  CAST(CASE WHEN "agent_connected_to_agent_timestamp" IS NOT NULL AND "disconnect_reason" = 'AGENT_DISCONNECT' THEN 1 ELSE 0 END AS BIGINT) AS "is_agent_hung_up_first",
  CAST(CASE WHEN "agent_connected_to_agent_timestamp" IS NOT NULL AND "initiation_method" IN ('INBOUND', 'TRANSFER', 'QUEUE_TRANSFER') THEN 1 ELSE 0 END AS BIGINT) AS "is_handled_incoming",
  CAST(CASE WHEN "agent_connected_to_agent_timestamp" IS NOT NULL AND "initiation_method" = 'OUTBOUND' THEN 1 ELSE 0 END AS BIGINT) AS "is_handled_outbound",
  CAST(CASE WHEN "agent_connected_to_agent_timestamp" IS NOT NULL AND "initiation_method" = 'CALLBACK' THEN 1 ELSE 0 END AS BIGINT) AS "is_callback_handled",
  CAST(CASE WHEN "agent_connected_to_agent_timestamp" IS NOT NULL AND "initiation_method" = 'API' THEN 1 ELSE 0 END AS BIGINT) AS "is_api_handled",
  CAST(CASE WHEN "initiation_method" IN ('INBOUND', 'TRANSFER', 'QUEUE_TRANSFER') THEN 1 ELSE 0 END AS BIGINT) AS "is_incoming",
  CAST(CASE WHEN "initiation_method" = 'CALLBACK' THEN 1 ELSE 0 END AS BIGINT) AS "is_callback_contact",
  CAST(CASE WHEN "initiation_method" = 'API' THEN 1 ELSE 0 END AS BIGINT) AS "is_api_contact",
  CAST(CASE WHEN "agent_number_of_holds" > 0 THEN 1 ELSE 0 END AS BIGINT) AS "is_put_on_hold",
  CAST(CASE WHEN "initiation_method" IN ('TRANSFER', 'QUEUE_TRANSFER') THEN 1 ELSE 0 END AS BIGINT) AS "is_transferred_in",
  CAST(CASE WHEN "initiation_method" = 'TRANSFER' THEN 1 ELSE 0 END AS BIGINT) AS "is_transferred_in_from_handled",
  CAST(CASE WHEN "initiation_method" = 'QUEUE_TRANSFER' THEN 1 ELSE 0 END AS BIGINT) AS "is_transferred_in_from_queued",
  CAST(CASE WHEN "transfer_completed_timestamp" IS NOT NULL THEN 1 ELSE 0 END AS BIGINT) AS "is_transferred_out",
  CAST(CASE WHEN "transfer_completed_timestamp" IS NOT NULL AND "agent_connected_to_agent_timestamp" IS NOT NULL THEN 1 ELSE 0 END AS BIGINT) AS "is_transferred_out_from_handled",
  CAST(CASE WHEN "transfer_completed_timestamp" IS NOT NULL AND "queue_enqueue_timestamp" IS NOT NULL AND "agent_connected_to_agent_timestamp" IS NULL THEN 1 ELSE 0 END AS BIGINT) AS "is_transferred_out_from_queued",
  CAST(CASE WHEN "transfer_completed_timestamp" IS NOT NULL AND ("transferred_endpoint_type" IS NULL OR "transferred_endpoint_type" <> 'TELEPHONE_NUMBER') THEN 1 ELSE 0 END AS BIGINT) AS "is_transferred_out_internal",
  CAST(CASE WHEN "transfer_completed_timestamp" IS NOT NULL AND "transferred_endpoint_type" = 'TELEPHONE_NUMBER' THEN 1 ELSE 0 END AS BIGINT) AS "is_transferred_out_external",
  CAST(CASE WHEN "transfer_completed_timestamp" IS NOT NULL AND "transferred_endpoint_type" = 'TELEPHONE_NUMBER' AND "agent_connected_to_agent_timestamp" IS NULL THEN 1 ELSE 0 END AS BIGINT) AS "is_transferred_out_external_from_contact_flow",
  "attributes",
  "customer_endpoint_address",
  "transferred_endpoint_address",
  "system_endpoint_address",
  "tags_references_items",
  "contact_details",
  "references",
  "additional_email_recipients",
  "segment_attributes",
  "customer_endpoint_display_name",
  "transferred_endpoint_display_name",
  "customer_id",
  CASE WHEN "initiation_timestamp" >= TIMESTAMP '2010-01-01 00:00:00' AND "initiation_timestamp" < TIMESTAMP '2040-01-01 00:00:00' THEN CAST(EXTRACT(YEAR FROM "initiation_timestamp") AS INTEGER) * 10000 + CAST(EXTRACT(MONTH FROM "initiation_timestamp") AS INTEGER) * 100 + CAST(EXTRACT(DAY FROM "initiation_timestamp") AS INTEGER) * 1 ELSE -1 END AS "initiation_local_date_key",
  COALESCE(CAST(EXTRACT(HOUR FROM "initiation_timestamp") AS INTEGER) * 60 + CAST(EXTRACT(MINUTE FROM "initiation_timestamp") AS INTEGER), -1) AS "initiation_local_time_key",
  CASE WHEN "disconnect_timestamp" >= TIMESTAMP '2010-01-01 00:00:00' AND "disconnect_timestamp" < TIMESTAMP '2040-01-01 00:00:00' THEN CAST(EXTRACT(YEAR FROM "disconnect_timestamp") AS INTEGER) * 10000 + CAST(EXTRACT(MONTH FROM "disconnect_timestamp") AS INTEGER) * 100 + CAST(EXTRACT(DAY FROM "disconnect_timestamp") AS INTEGER) * 1 ELSE -1 END AS "disconnect_local_date_key",
  COALESCE(CAST(EXTRACT(HOUR FROM "disconnect_timestamp") AS INTEGER) * 60 + CAST(EXTRACT(MINUTE FROM "disconnect_timestamp") AS INTEGER), -1) AS "disconnect_local_time_key"
FROM "connect"."f_calls"
WHERE NOT "record_is_deleted";

CREATE OR REPLACE VIEW "connect"."v_contact_leg" AS
SELECT COALESCE(c."initial_contact_id", c."contact_id") AS "family_id",
  ROW_NUMBER() OVER (
    PARTITION BY COALESCE(c."initial_contact_id", c."contact_id")
    ORDER BY CASE WHEN c."initial_contact_id" IS NULL THEN 0 ELSE 1 END,
      COALESCE(c."initiation_timestamp", TIMESTAMP '9999-12-31 00:00:00'), c."contact_id"
  ) AS "leg_number",
  CASE
    WHEN c."initial_contact_id" IS NULL AND c."previous_contact_id" IS NULL THEN 'root'
    WHEN c."initiation_method" = 'EXTERNAL_OUTBOUND' AND c."disconnect_timestamp" > p."transfer_completed_timestamp" THEN 'external_transfer'
    WHEN c."initiation_method" = 'EXTERNAL_OUTBOUND' AND p."agent_after_contact_work_start_timestamp" > c."disconnect_timestamp" AND p."agent_customer_hold_duration_ms" >= COALESCE(c."external_third_party_interaction_duration_ms", 0) THEN 'external_consult'
    WHEN c."initiation_method" = 'EXTERNAL_OUTBOUND' AND p."agent_after_contact_work_start_timestamp" > c."disconnect_timestamp" AND p."agent_customer_hold_duration_ms" < COALESCE(c."external_third_party_interaction_duration_ms", 0) THEN 'external_conference'
    WHEN c."initiation_method" = 'CALLBACK' THEN 'callback'
    WHEN c."initiation_method" = 'QUEUE_TRANSFER' THEN 'queue_transfer'
    WHEN c."initiation_method" = 'MONITOR' THEN 'monitor'
    WHEN c."initiation_method" = 'DISCONNECT' THEN 'disconnect_flow'
    WHEN p."agent_after_contact_work_start_timestamp" < c."agent_after_contact_work_start_timestamp" AND p."transfer_completed_timestamp" IS NOT NULL THEN 'transfer'
    WHEN p."agent_after_contact_work_start_timestamp" > c."agent_after_contact_work_start_timestamp" AND c."agent_interaction_duration_ms" <= 2000 THEN 'consult'
    WHEN p."agent_after_contact_work_start_timestamp" > c."agent_after_contact_work_start_timestamp" AND c."agent_interaction_duration_ms" > 2000 THEN 'conference'
  END AS "relation",
  CASE WHEN c."agent_connected_to_agent_timestamp" IS NOT NULL THEN 1 ELSE 0 END AS "is_handled",
  c."contact_id",
  c."initial_contact_id",
  c."previous_contact_id",
  c."channel",
  c."initiation_method",
  c."queue_id",
  c."agent_id",
  c."initiation_timestamp",
  c."disconnect_timestamp",
  c."agent_interaction_duration_ms",
  c."agent_customer_hold_duration_ms",
  c."disconnect_reason"
FROM "connect"."f_calls" AS c
LEFT JOIN "connect"."f_calls" AS p
  ON p."contact_id" = c."previous_contact_id" AND NOT p."record_is_deleted"
WHERE NOT c."record_is_deleted";

CREATE OR REPLACE VIEW "connect"."v_contact_family" AS
SELECT "family_id",
  MAX(CASE WHEN "relation" = 'root' THEN "contact_id" END) AS "root_contact_id",
  MAX(CASE WHEN "leg_number" = 1 THEN "channel" END) AS "channel",
  MAX(CASE WHEN "leg_number" = 1 THEN "initiation_method" END) AS "initiation_method",
  COUNT(*) AS "leg_count",
  CAST(SUM(CASE WHEN "relation" IN ('transfer', 'external_transfer', 'queue_transfer') THEN 1 ELSE 0 END) AS BIGINT) AS "transfer_count",
  CAST(SUM(CASE WHEN "relation" IN ('consult', 'external_consult') THEN 1 ELSE 0 END) AS BIGINT) AS "consult_count",
  CAST(SUM(CASE WHEN "relation" IN ('conference', 'external_conference') THEN 1 ELSE 0 END) AS BIGINT) AS "conference_count",
  CAST(SUM(CASE WHEN "relation" IN ('callback') THEN 1 ELSE 0 END) AS BIGINT) AS "callback_count",
  CAST(SUM("is_handled") AS BIGINT) AS "handled_leg_count",
  COUNT(DISTINCT "agent_id") AS "agent_count",
  COUNT(DISTINCT "queue_id") AS "queue_count",
  MIN("initiation_timestamp") AS "first_initiation_timestamp",
  CASE WHEN COUNT(*) = COUNT("disconnect_timestamp") THEN MAX("disconnect_timestamp") END
    AS "last_disconnect_timestamp",
  CAST(SUM("agent_interaction_duration_ms") AS BIGINT) AS "agent_interaction_duration_ms",
  CAST(SUM("agent_customer_hold_duration_ms") AS BIGINT) AS "agent_customer_hold_duration_ms"
FROM "connect"."v_contact_leg"
GROUP BY "family_id";
