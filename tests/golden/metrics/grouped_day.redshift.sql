SELECT
    "queue_id",
    MAX("queue_name") AS "queue_name",
    "agent_id",
    MAX("agent_username") AS "agent_username",
    "channel",
    "interval_start",
    COUNT(CASE WHEN "queue_enqueue_timestamp" IS NOT NULL THEN 1 END) AS "contacts_queued",
    CAST(COUNT(CASE WHEN "queue_duration_ms" < "x_ms" THEN 1 END) AS DOUBLE PRECISION) * 100 / NULLIF(COUNT(CASE WHEN "queue_enqueue_timestamp" IS NOT NULL THEN 1 END), 0) AS "service_level",
    CAST(SUM("handle_time_ms") AS DOUBLE PRECISION) / (CAST(NULLIF(COUNT("handle_time_ms"), 0) AS DOUBLE PRECISION) * 1000) AS "avg_handle_time",
    CAST(MIN(CASE WHEN "rank_of_queue_wait_time_ms" * 100 >= "count_of_queue_wait_time_ms" * 90 THEN "queue_wait_time_ms" END) AS DOUBLE PRECISION) / 1000 AS "queue_wait_time_p90"
FROM (
    SELECT
        valued.*,
        ROW_NUMBER() OVER (PARTITION BY "queue_id", "agent_id", "channel", "interval_start" ORDER BY "queue_wait_time_ms" NULLS LAST) AS "rank_of_queue_wait_time_ms",
        COUNT("queue_wait_time_ms") OVER (PARTITION BY "queue_id", "agent_id", "channel", "interval_start") AS "count_of_queue_wait_time_ms"
    FROM (
    SELECT
        "agent_id",
        "agent_username",
        "channel",
        "queue_duration_ms",
        "queue_enqueue_timestamp",
        CASE WHEN STRPOS("queue_arn", '/queue/agent/') > 0 THEN 'agent_queues' ELSE "queue_id" END AS "queue_id",
        CASE WHEN STRPOS("queue_arn", '/queue/agent/') > 0 THEN 'Agents'' own queues' ELSE "queue_name" END AS "queue_name",
        CASE WHEN "agent_interaction_duration_ms" IS NOT NULL OR "agent_customer_hold_duration_ms" IS NOT NULL OR "agent_after_contact_work_duration_ms" IS NOT NULL OR "agent_pause_duration_ms" IS NOT NULL THEN COALESCE("agent_interaction_duration_ms", 0) + COALESCE("agent_customer_hold_duration_ms", 0) + COALESCE("agent_after_contact_work_duration_ms", 0) + COALESCE("agent_pause_duration_ms", 0) END AS "handle_time_ms",
        CASE WHEN "queue_enqueue_timestamp" IS NOT NULL THEN "queue_duration_ms" END AS "queue_wait_time_ms",
        CAST(CONVERT_TIMEZONE('UTC', 'America/New_York', "disconnect_timestamp") AS DATE) AS "interval_start",
        CASE "queue_id" WHEN 'Sales' THEN 30000 WHEN 'O''Brien' THEN 12500 ELSE CASE "queue_name" WHEN 'Sales' THEN 30000 WHEN 'O''Brien' THEN 12500 ELSE 20000 END END AS "x_ms"
    FROM "connect_datalake"."contact_record"
    WHERE "disconnect_timestamp" IS NOT NULL
        AND "disconnect_timestamp" >= CAST(:since AS TIMESTAMP)
        AND "disconnect_timestamp" < CAST(:until AS TIMESTAMP)
    ) AS valued
) AS measured
GROUP BY "queue_id", "agent_id", "channel", "interval_start"
ORDER BY SUM(COUNT(*)) OVER (PARTITION BY "queue_id", "agent_id", "channel") DESC, "queue_id" NULLS LAST, "agent_id" NULLS LAST, "channel" NULLS LAST, "interval_start" NULLS LAST
