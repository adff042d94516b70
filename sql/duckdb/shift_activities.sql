-- Generated from the catalogue by `make golden`. Do not edit.

CREATE SCHEMA IF NOT EXISTS "connect";

CREATE SCHEMA IF NOT EXISTS "connect_datalake";

CREATE TABLE IF NOT EXISTS "connect"."d_shift_activities" (
  "instance_id" VARCHAR NOT NULL,
  "shift_activity_arn" VARCHAR NOT NULL,
  "shift_activity_version" BIGINT NOT NULL,
  "shift_activity_name" VARCHAR,
  "type" VARCHAR,
  "sub_type" VARCHAR,
  "is_adherence_tracked" BOOLEAN,
  "is_paid" BOOLEAN,
  "last_updated_by" VARCHAR,
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

CREATE TABLE IF NOT EXISTS "connect"."d_shift_activities_staging" (
  "instance_id" VARCHAR NOT NULL,
  "shift_activity_arn" VARCHAR NOT NULL,
  "shift_activity_version" BIGINT NOT NULL,
  "shift_activity_name" VARCHAR,
  "type" VARCHAR,
  "sub_type" VARCHAR,
  "is_adherence_tracked" BOOLEAN,
  "is_paid" BOOLEAN,
  "last_updated_by" VARCHAR,
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

CREATE OR REPLACE VIEW "connect_datalake"."shift_activities" AS
SELECT
  "instance_id",
  "shift_activity_arn",
  "shift_activity_version",
  "shift_activity_name",
  "type",
  "sub_type",
  "is_adherence_tracked",
  "is_paid",
  "last_updated_by",
  "instance_arn",
  "is_deleted",
  "last_updated_timestamp",
  "data_lake_last_processed_timestamp"
FROM "connect"."d_shift_activities"
WHERE NOT "record_is_deleted";
