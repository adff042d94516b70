-- Generated from the catalogue by `make golden`. Do not edit.

CREATE SCHEMA IF NOT EXISTS "connect";

CREATE SCHEMA IF NOT EXISTS "connect_datalake";

CREATE TABLE IF NOT EXISTS "connect"."f_staff_shift_activities" (
  "instance_id" VARCHAR(512) NOT NULL,
  "shift_id" VARCHAR(512) NOT NULL,
  "shift_version" BIGINT NOT NULL,
  "activity_id" VARCHAR(512) NOT NULL,
  "activity_start_timestamp" TIMESTAMP,
  "activity_end_timestamp" TIMESTAMP,
  "shift_activity_arn" VARCHAR(2048),
  "activity_status" VARCHAR(256),
  "is_overtime" BOOLEAN,
  "instance_arn" VARCHAR(2048),
  "is_deleted" BOOLEAN,
  "last_updated_timestamp" TIMESTAMP,
  "data_lake_last_processed_timestamp" TIMESTAMP,
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
DISTKEY ("instance_id")
SORTKEY ("last_updated_timestamp");

CREATE TABLE IF NOT EXISTS "connect"."f_staff_shift_activities_staging" (
  "instance_id" VARCHAR(512) NOT NULL,
  "shift_id" VARCHAR(512) NOT NULL,
  "shift_version" BIGINT NOT NULL,
  "activity_id" VARCHAR(512) NOT NULL,
  "activity_start_timestamp" TIMESTAMP,
  "activity_end_timestamp" TIMESTAMP,
  "shift_activity_arn" VARCHAR(2048),
  "activity_status" VARCHAR(256),
  "is_overtime" BOOLEAN,
  "instance_arn" VARCHAR(2048),
  "is_deleted" BOOLEAN,
  "last_updated_timestamp" TIMESTAMP,
  "data_lake_last_processed_timestamp" TIMESTAMP,
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
DISTKEY ("instance_id")
SORTKEY ("last_updated_timestamp");

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
WHERE NOT "record_is_deleted"
WITH NO SCHEMA BINDING;
