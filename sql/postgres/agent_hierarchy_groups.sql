-- Generated from the catalogue by `make golden`. Do not edit.

CREATE SCHEMA IF NOT EXISTS "connect";

CREATE SCHEMA IF NOT EXISTS "connect_datalake";

CREATE TABLE IF NOT EXISTS "connect"."d_agent_hierarchy_groups" (
  "agent_hierarchy_group_id" text NOT NULL,
  "instance_id" text,
  "instance_arn" text,
  "aws_account_id" text,
  "agent_hierarchy_group_arn" text,
  "agent_hierarchy_group_name" text,
  "level_id" text,
  "level_1_id" text,
  "level_1_arn" text,
  "level_1_name" text,
  "level_2_id" text,
  "level_2_arn" text,
  "level_2_name" text,
  "level_3_id" text,
  "level_3_arn" text,
  "level_3_name" text,
  "level_4_id" text,
  "level_4_arn" text,
  "level_4_name" text,
  "level_5_id" text,
  "level_5_arn" text,
  "level_5_name" text,
  "hierarchy_group_tags" jsonb,
  "data_lake_last_processed_timestamp" timestamp,
  "last_modified_timestamp" timestamp,
  "last_modified_region" text,
  "is_active" boolean,
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
  PRIMARY KEY ("agent_hierarchy_group_id")
);

CREATE TABLE IF NOT EXISTS "connect"."d_agent_hierarchy_groups_staging" (
  "agent_hierarchy_group_id" text NOT NULL,
  "instance_id" text,
  "instance_arn" text,
  "aws_account_id" text,
  "agent_hierarchy_group_arn" text,
  "agent_hierarchy_group_name" text,
  "level_id" text,
  "level_1_id" text,
  "level_1_arn" text,
  "level_1_name" text,
  "level_2_id" text,
  "level_2_arn" text,
  "level_2_name" text,
  "level_3_id" text,
  "level_3_arn" text,
  "level_3_name" text,
  "level_4_id" text,
  "level_4_arn" text,
  "level_4_name" text,
  "level_5_id" text,
  "level_5_arn" text,
  "level_5_name" text,
  "hierarchy_group_tags" jsonb,
  "data_lake_last_processed_timestamp" timestamp,
  "last_modified_timestamp" timestamp,
  "last_modified_region" text,
  "is_active" boolean,
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

CREATE INDEX IF NOT EXISTS "d_agent_hierarchy_groups_last_modified_timestamp_idx" ON "connect"."d_agent_hierarchy_groups" ("last_modified_timestamp");

CREATE OR REPLACE VIEW "connect_datalake"."agent_hierarchy_groups" AS
SELECT
  "agent_hierarchy_group_id",
  "instance_id",
  "instance_arn",
  "aws_account_id",
  "agent_hierarchy_group_arn",
  "agent_hierarchy_group_name",
  "data_lake_last_processed_timestamp",
  "last_modified_timestamp",
  "last_modified_region",
  "is_active"
FROM "connect"."d_agent_hierarchy_groups"
WHERE NOT "record_is_deleted";
