-- Generated from the catalogue by `make golden`. Do not edit.

CREATE SCHEMA IF NOT EXISTS "post_call_analytics";

CREATE TABLE IF NOT EXISTS "post_call_analytics"."f_call" (
  "call_id" VARCHAR(512) NOT NULL,
  "call_timestamp_utc" TIMESTAMP,
  "agent_id" VARCHAR(512),
  "agent_name" VARCHAR(1024),
  "allocation" VARCHAR(65535),
  "direction" VARCHAR(65535),
  "file_name" VARCHAR(1024),
  "first_or_follow_up" VARCHAR(65535),
  "medium" VARCHAR(65535),
  "program" VARCHAR(65535),
  "queue_id" VARCHAR(512),
  "queue_name" VARCHAR(1024),
  "session_id" VARCHAR(512),
  "site_id" BIGINT,
  "site_name" VARCHAR(1024),
  "tenant_id" BIGINT,
  "s3_bucket" VARCHAR(65535),
  "deleted_by" VARCHAR(65535),
  "record_version" VARCHAR(128),
  "record_fidelity" VARCHAR(16) NOT NULL,
  "record_is_redacted" BOOLEAN NOT NULL,
  "record_catalogue_version" INTEGER NOT NULL,
  "record_hash" VARCHAR(32) NOT NULL,
  "record_position" VARCHAR(4096) NOT NULL,
  "record_arrived_at" TIMESTAMP NOT NULL,
  "record_loaded_at" TIMESTAMP NOT NULL,
  "record_unmapped" SUPER,
  "record_is_deleted" BOOLEAN NOT NULL
)
DISTSTYLE KEY
DISTKEY ("call_id")
SORTKEY ("call_timestamp_utc");

CREATE TABLE IF NOT EXISTS "post_call_analytics"."f_call_staging" (
  "call_id" VARCHAR(512) NOT NULL,
  "call_timestamp_utc" TIMESTAMP,
  "agent_id" VARCHAR(512),
  "agent_name" VARCHAR(1024),
  "allocation" VARCHAR(65535),
  "direction" VARCHAR(65535),
  "file_name" VARCHAR(1024),
  "first_or_follow_up" VARCHAR(65535),
  "medium" VARCHAR(65535),
  "program" VARCHAR(65535),
  "queue_id" VARCHAR(512),
  "queue_name" VARCHAR(1024),
  "session_id" VARCHAR(512),
  "site_id" BIGINT,
  "site_name" VARCHAR(1024),
  "tenant_id" BIGINT,
  "s3_bucket" VARCHAR(65535),
  "deleted_by" VARCHAR(65535),
  "record_version" VARCHAR(128),
  "record_fidelity" VARCHAR(16),
  "record_is_redacted" BOOLEAN,
  "record_catalogue_version" INTEGER,
  "record_hash" VARCHAR(32),
  "record_position" VARCHAR(4096),
  "record_arrived_at" TIMESTAMP,
  "record_loaded_at" TIMESTAMP,
  "record_unmapped" SUPER,
  "record_is_deleted" BOOLEAN
)
DISTSTYLE KEY
DISTKEY ("call_id")
SORTKEY ("call_timestamp_utc");

CREATE OR REPLACE VIEW "post_call_analytics"."call" AS
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
  "deleted_by"
FROM "post_call_analytics"."f_call"
WHERE NOT "record_is_deleted"
WITH NO SCHEMA BINDING;
