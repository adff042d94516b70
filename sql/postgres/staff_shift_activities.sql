-- Generated from the catalogue by `make golden`. Do not edit.

CREATE SCHEMA IF NOT EXISTS "connect";

CREATE SCHEMA IF NOT EXISTS "connect_datalake";

CREATE TABLE IF NOT EXISTS "connect"."f_staff_shift_activities" (
  "instance_id" text NOT NULL,
  "shift_id" text NOT NULL,
  "shift_version" bigint NOT NULL,
  "activity_id" text NOT NULL,
  "activity_start_timestamp" timestamp,
  "activity_end_timestamp" timestamp,
  "shift_activity_arn" text,
  "activity_status" text,
  "is_overtime" boolean,
  "instance_arn" text,
  "is_deleted" boolean,
  "last_updated_timestamp" timestamp,
  "data_lake_last_processed_timestamp" timestamp,
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
  PRIMARY KEY ("instance_id", "shift_id", "shift_version", "activity_id")
);

CREATE TABLE IF NOT EXISTS "connect"."f_staff_shift_activities_staging" (
  "instance_id" text NOT NULL,
  "shift_id" text NOT NULL,
  "shift_version" bigint NOT NULL,
  "activity_id" text NOT NULL,
  "activity_start_timestamp" timestamp,
  "activity_end_timestamp" timestamp,
  "shift_activity_arn" text,
  "activity_status" text,
  "is_overtime" boolean,
  "instance_arn" text,
  "is_deleted" boolean,
  "last_updated_timestamp" timestamp,
  "data_lake_last_processed_timestamp" timestamp,
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

CREATE INDEX IF NOT EXISTS "f_staff_shift_activities_last_updated_timestamp_idx" ON "connect"."f_staff_shift_activities" ("last_updated_timestamp");

CREATE OR REPLACE VIEW "connect_datalake"."staff_shift_activities" AS
SELECT
  "instance_id",
  "shift_id",
  "shift_version",
  "activity_id",
  "activity_start_timestamp",
  "activity_end_timestamp",
  "shift_activity_arn",
  "activity_status",
  "is_overtime",
  "instance_arn",
  "is_deleted",
  "last_updated_timestamp",
  "data_lake_last_processed_timestamp"
FROM "connect"."f_staff_shift_activities"
WHERE NOT "record_is_deleted";
