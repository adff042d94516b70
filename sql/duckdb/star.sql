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
    CASE WHEN "initiation_method" NOT IN ('INBOUND', 'TRANSFER', 'QUEUE_TRANSFER', 'API') THEN NULL WHEN "initiation_method" IS NULL THEN NULL WHEN "connected_to_system_timestamp" IS NULL THEN 0 WHEN COALESCE("queue_enqueue_timestamp", "transfer_completed_timestamp", "disconnect_timestamp") < "connected_to_system_timestamp" THEN 0 WHEN "queue_enqueue_timestamp" IS NOT NULL THEN date_sub('millisecond', "connected_to_system_timestamp", "queue_enqueue_timestamp") WHEN "transfer_completed_timestamp" IS NOT NULL THEN date_sub('millisecond', "connected_to_system_timestamp", "transfer_completed_timestamp") ELSE date_sub('millisecond', "connected_to_system_timestamp", "disconnect_timestamp") END AS "contact_flow_time_ms",
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
    CAST(NULL AS VARCHAR) AS "version",
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
    u."item"."turn_number" AS "turn_number", u."item"."turn_id" AS "turn_id", u."item"."kind" AS "kind", u."item"."participant" AS "participant", u."item"."participant_id" AS "participant_id", u."item"."begin_offset_ms" AS "begin_offset_ms", u."item"."end_offset_ms" AS "end_offset_ms", u."item"."occurred_at" AS "occurred_at", u."item"."content_type" AS "content_type", u."item"."content" AS "content", u."item"."sentiment" AS "sentiment", u."item"."details" AS "details"
  FROM "post_call_analytics"."transcript" AS t , UNNEST(t."turns") AS u("item")
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
    COALESCE(CAST(("duration_ms" - "duration_ms" % 1000) / 1000 AS BIGINT), CAST((date_sub('millisecond', "agent_connected_to_agent_timestamp", "disconnect_timestamp") - date_sub('millisecond', "agent_connected_to_agent_timestamp", "disconnect_timestamp") % 1000) / 1000 AS BIGINT)) AS "call_duration_seconds",
    CASE WHEN "answering_machine_detection_status" IN ('HUMAN_ANSWERED') THEN 'Human' WHEN "answering_machine_detection_status" IN ('VOICEMAIL_BEEP', 'VOICEMAIL_NO_BEEP') THEN 'Voicemail' WHEN "answering_machine_detection_status" IN ('AMD_UNANSWERED', 'SIT_TONE_BUSY', 'SIT_TONE_INVALID_NUMBER', 'SIT_TONE_DETECTED') THEN 'NoAnswer' WHEN "answering_machine_detection_status" IN ('FAX_MACHINE_DETECTED') THEN 'Unknown' WHEN "participant_kind" IN ('role', 'channel') AND "participant_count" >= 2 THEN CASE WHEN ("change_count" >= 2 OR "first_participant" = 'AGENT' OR LOWER(COALESCE("direction", '')) LIKE 'in%') THEN 'Human' ELSE 'Voicemail' END WHEN CAST(("duration_ms" - "duration_ms" % 1000) / 1000 AS BIGINT) = 0 THEN 'Unknown' WHEN CAST(("duration_ms" - "duration_ms" % 1000) / 1000 AS BIGINT) < 10 THEN 'NoAnswer' WHEN "participant_count" >= 2 THEN 'Human' WHEN "participant_count" = 1 THEN 'Voicemail' ELSE 'Unknown' END AS "answer_type",
    "transcript_s3_key",
    LPAD(CAST(CAST(EXTRACT(YEAR FROM COALESCE("call_timestamp_utc", TIMESTAMP '1970-01-01 00:00:00')) AS INTEGER) AS VARCHAR(4)), 4, '0') AS "year",
    LPAD(CAST(CAST(EXTRACT(MONTH FROM COALESCE("call_timestamp_utc", TIMESTAMP '1970-01-01 00:00:00')) AS INTEGER) AS VARCHAR(4)), 2, '0') AS "month",
    LPAD(CAST(CAST(EXTRACT(DAY FROM COALESCE("call_timestamp_utc", TIMESTAMP '1970-01-01 00:00:00')) AS INTEGER) AS VARCHAR(4)), 2, '0') AS "day",
    CASE WHEN "answering_machine_detection_status" IN ('HUMAN_ANSWERED', 'VOICEMAIL_BEEP', 'VOICEMAIL_NO_BEEP', 'AMD_UNANSWERED', 'SIT_TONE_BUSY', 'SIT_TONE_INVALID_NUMBER', 'SIT_TONE_DETECTED', 'FAX_MACHINE_DETECTED') THEN 'answering_machine_status' WHEN "participant_kind" IN ('role', 'channel') AND "participant_count" >= 2 THEN 'participants' WHEN CAST(("duration_ms" - "duration_ms" % 1000) / 1000 AS BIGINT) BETWEEN 1 AND 9 OR ("participant_count" >= 1 AND COALESCE(CAST(("duration_ms" - "duration_ms" % 1000) / 1000 AS BIGINT), 1) <> 0) THEN 'duration_and_speakers' END AS "answer_type_rule",
    CASE WHEN CAST(("duration_ms" - "duration_ms" % 1000) / 1000 AS BIGINT) = 0 THEN 'Unknown' WHEN CAST(("duration_ms" - "duration_ms" % 1000) / 1000 AS BIGINT) < 10 THEN 'NoAnswer' WHEN "participant_count" >= 2 THEN 'Human' WHEN "participant_count" = 1 THEN 'Voicemail' ELSE 'Unknown' END AS "answer_type_by_duration",
    CASE WHEN "duration_ms" IS NOT NULL THEN "duration_rule" WHEN date_sub('millisecond', "agent_connected_to_agent_timestamp", "disconnect_timestamp") IS NOT NULL THEN 'contact_record' END AS "call_duration_rule",
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

CREATE OR REPLACE VIEW "connect"."d_agent" AS
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
SELECT 'unknown', NULL, 'unknown', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL;

CREATE OR REPLACE VIEW "connect"."d_queue" AS
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
SELECT 'unknown', NULL, 'unknown', NULL;

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
  CASE WHEN "initiation_method" NOT IN ('INBOUND', 'TRANSFER', 'QUEUE_TRANSFER', 'API') THEN NULL WHEN "initiation_method" IS NULL THEN NULL WHEN "connected_to_system_timestamp" IS NULL THEN 0 WHEN COALESCE("queue_enqueue_timestamp", "transfer_completed_timestamp", "disconnect_timestamp") < "connected_to_system_timestamp" THEN 0 WHEN "queue_enqueue_timestamp" IS NOT NULL THEN date_sub('millisecond', "connected_to_system_timestamp", "queue_enqueue_timestamp") WHEN "transfer_completed_timestamp" IS NOT NULL THEN date_sub('millisecond', "connected_to_system_timestamp", "transfer_completed_timestamp") ELSE date_sub('millisecond', "connected_to_system_timestamp", "disconnect_timestamp") END AS "contact_flow_time_ms",
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
  CASE WHEN "initiation_method" NOT IN ('INBOUND', 'TRANSFER', 'QUEUE_TRANSFER', 'API') THEN NULL WHEN "initiation_method" IS NULL THEN NULL WHEN "connected_to_system_timestamp" IS NULL THEN 0 WHEN COALESCE("queue_enqueue_timestamp", "transfer_completed_timestamp", "disconnect_timestamp") < "connected_to_system_timestamp" THEN 0 WHEN "queue_enqueue_timestamp" IS NOT NULL THEN date_sub('millisecond', "connected_to_system_timestamp", "queue_enqueue_timestamp") WHEN "transfer_completed_timestamp" IS NOT NULL THEN date_sub('millisecond', "connected_to_system_timestamp", "transfer_completed_timestamp") ELSE date_sub('millisecond', "connected_to_system_timestamp", "disconnect_timestamp") END AS "contact_flow_time_ms",
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
