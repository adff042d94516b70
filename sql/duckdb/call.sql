-- Generated from the catalogue by `make golden`. Do not edit.

CREATE SCHEMA IF NOT EXISTS "post_call_analytics";

CREATE TABLE IF NOT EXISTS "post_call_analytics"."f_call" (
  "call_id" VARCHAR NOT NULL,
  "call_timestamp_utc" TIMESTAMP,
  "agent_id" VARCHAR,
  "agent_name" VARCHAR,
  "allocation" VARCHAR,
  "direction" VARCHAR,
  "file_name" VARCHAR,
  "first_or_follow_up" VARCHAR,
  "medium" VARCHAR,
  "program" VARCHAR,
  "queue_id" VARCHAR,
  "queue_name" VARCHAR,
  "session_id" VARCHAR,
  "site_id" BIGINT,
  "site_name" VARCHAR,
  "tenant_id" BIGINT,
  "s3_bucket" VARCHAR,
  "deleted_by" VARCHAR,
  "record_version" VARCHAR,
  "record_fidelity" VARCHAR NOT NULL,
  "record_is_redacted" BOOLEAN NOT NULL,
  "record_catalogue_version" INTEGER NOT NULL,
  "record_hash" VARCHAR NOT NULL,
  "record_position" VARCHAR NOT NULL,
  "record_arrived_at" TIMESTAMP NOT NULL,
  "record_loaded_at" TIMESTAMP NOT NULL,
  "record_unmapped" VARCHAR,
  "record_is_deleted" BOOLEAN NOT NULL
);

CREATE TABLE IF NOT EXISTS "post_call_analytics"."f_call_staging" (
  "call_id" VARCHAR NOT NULL,
  "call_timestamp_utc" TIMESTAMP,
  "agent_id" VARCHAR,
  "agent_name" VARCHAR,
  "allocation" VARCHAR,
  "direction" VARCHAR,
  "file_name" VARCHAR,
  "first_or_follow_up" VARCHAR,
  "medium" VARCHAR,
  "program" VARCHAR,
  "queue_id" VARCHAR,
  "queue_name" VARCHAR,
  "session_id" VARCHAR,
  "site_id" BIGINT,
  "site_name" VARCHAR,
  "tenant_id" BIGINT,
  "s3_bucket" VARCHAR,
  "deleted_by" VARCHAR,
  "record_version" VARCHAR,
  "record_fidelity" VARCHAR,
  "record_is_redacted" BOOLEAN,
  "record_catalogue_version" INTEGER,
  "record_hash" VARCHAR,
  "record_position" VARCHAR,
  "record_arrived_at" TIMESTAMP,
  "record_loaded_at" TIMESTAMP,
  "record_unmapped" VARCHAR,
  "record_is_deleted" BOOLEAN
);

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
WHERE NOT "record_is_deleted";
