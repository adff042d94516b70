-- Generated from the catalogue by `make golden`. Do not edit.

CREATE SCHEMA IF NOT EXISTS "connect";

CREATE SCHEMA IF NOT EXISTS "connect_datalake";

CREATE TABLE IF NOT EXISTS "connect"."f_staff_shifts" (
  "instance_id" VARCHAR NOT NULL,
  "shift_id" VARCHAR NOT NULL,
  "shift_version" BIGINT NOT NULL,
  "agent_arn" VARCHAR,
  "shift_start_timestamp" TIMESTAMP,
  "shift_end_timestamp" TIMESTAMP,
  "created_timestamp" TIMESTAMP,
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

CREATE TABLE IF NOT EXISTS "connect"."f_staff_shifts_staging" (
  "instance_id" VARCHAR NOT NULL,
  "shift_id" VARCHAR NOT NULL,
  "shift_version" BIGINT NOT NULL,
  "agent_arn" VARCHAR,
  "shift_start_timestamp" TIMESTAMP,
  "shift_end_timestamp" TIMESTAMP,
  "created_timestamp" TIMESTAMP,
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

CREATE OR REPLACE VIEW "connect_datalake"."staff_shifts" AS
SELECT
  "instance_id",
  "shift_id",
  "shift_version",
  "agent_arn",
  "shift_start_timestamp",
  "shift_end_timestamp",
  "created_timestamp",
  "instance_arn",
  "is_deleted",
  "last_updated_timestamp",
  "data_lake_last_processed_timestamp"
FROM "connect"."f_staff_shifts"
WHERE NOT "record_is_deleted";
