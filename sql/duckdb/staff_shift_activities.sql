-- Generated from the catalogue by `make golden`. Do not edit.

CREATE SCHEMA IF NOT EXISTS "connect";

CREATE SCHEMA IF NOT EXISTS "connect_datalake";

CREATE TABLE IF NOT EXISTS "connect"."f_staff_shift_activities" (
  "instance_id" VARCHAR NOT NULL,
  "shift_id" VARCHAR NOT NULL,
  "shift_version" BIGINT NOT NULL,
  "activity_id" VARCHAR NOT NULL,
  "activity_start_timestamp" TIMESTAMP,
  "activity_end_timestamp" TIMESTAMP,
  "shift_activity_arn" VARCHAR,
  "activity_status" VARCHAR,
  "is_overtime" BOOLEAN,
  "instance_arn" VARCHAR,
  "is_deleted" BOOLEAN,
  "last_updated_timestamp" TIMESTAMP,
  "data_lake_last_processed_timestamp" TIMESTAMP,
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

CREATE TABLE IF NOT EXISTS "connect"."f_staff_shift_activities_staging" (
  "instance_id" VARCHAR NOT NULL,
  "shift_id" VARCHAR NOT NULL,
  "shift_version" BIGINT NOT NULL,
  "activity_id" VARCHAR NOT NULL,
  "activity_start_timestamp" TIMESTAMP,
  "activity_end_timestamp" TIMESTAMP,
  "shift_activity_arn" VARCHAR,
  "activity_status" VARCHAR,
  "is_overtime" BOOLEAN,
  "instance_arn" VARCHAR,
  "is_deleted" BOOLEAN,
  "last_updated_timestamp" TIMESTAMP,
  "data_lake_last_processed_timestamp" TIMESTAMP,
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
