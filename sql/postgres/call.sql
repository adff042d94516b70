-- Generated from the catalogue by `make golden`. Do not edit.

CREATE SCHEMA IF NOT EXISTS "post_call_analytics";

CREATE TABLE IF NOT EXISTS "post_call_analytics"."f_call" (
  "call_id" text NOT NULL,
  "call_timestamp_utc" timestamp,
  "agent_id" text,
  "agent_name" text,
  "allocation" text,
  "direction" text,
  "file_name" text,
  "first_or_follow_up" text,
  "medium" text,
  "program" text,
  "queue_id" text,
  "queue_name" text,
  "session_id" text,
  "site_id" bigint,
  "site_name" text,
  "tenant_id" bigint,
  "s3_bucket" text,
  "deleted_by" text,
  "record_version" text,
  "record_fidelity" text NOT NULL,
  "record_is_redacted" boolean NOT NULL,
  "record_catalogue_version" integer NOT NULL,
  "record_hash" text NOT NULL,
  "record_position" text NOT NULL,
  "record_arrived_at" timestamp NOT NULL,
  "record_loaded_at" timestamp NOT NULL,
  "record_unmapped" jsonb,
  "record_is_deleted" boolean NOT NULL,
  PRIMARY KEY ("call_id")
);

CREATE TABLE IF NOT EXISTS "post_call_analytics"."f_call_staging" (
  "call_id" text NOT NULL,
  "call_timestamp_utc" timestamp,
  "agent_id" text,
  "agent_name" text,
  "allocation" text,
  "direction" text,
  "file_name" text,
  "first_or_follow_up" text,
  "medium" text,
  "program" text,
  "queue_id" text,
  "queue_name" text,
  "session_id" text,
  "site_id" bigint,
  "site_name" text,
  "tenant_id" bigint,
  "s3_bucket" text,
  "deleted_by" text,
  "record_version" text,
  "record_fidelity" text,
  "record_is_redacted" boolean,
  "record_catalogue_version" integer,
  "record_hash" text,
  "record_position" text,
  "record_arrived_at" timestamp,
  "record_loaded_at" timestamp,
  "record_unmapped" jsonb,
  "record_is_deleted" boolean
);

CREATE INDEX IF NOT EXISTS "f_call_call_timestamp_utc_idx" ON "post_call_analytics"."f_call" ("call_timestamp_utc");

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
