-- Generated from the catalogue by `make golden`. Do not edit.

CREATE SCHEMA IF NOT EXISTS "connect";

CREATE SCHEMA IF NOT EXISTS "connect_datalake";

CREATE TABLE IF NOT EXISTS "connect"."d_agent_hierarchy_groups" (
  "agent_hierarchy_group_id" VARCHAR(512) NOT NULL,
  "instance_id" VARCHAR(512),
  "instance_arn" VARCHAR(2048),
  "aws_account_id" VARCHAR(512),
  "agent_hierarchy_group_arn" VARCHAR(2048),
  "agent_hierarchy_group_name" VARCHAR(1024),
  "level_id" VARCHAR(512),
  "level_1_id" VARCHAR(512),
  "level_1_arn" VARCHAR(2048),
  "level_1_name" VARCHAR(1024),
  "level_2_id" VARCHAR(512),
  "level_2_arn" VARCHAR(2048),
  "level_2_name" VARCHAR(1024),
  "level_3_id" VARCHAR(512),
  "level_3_arn" VARCHAR(2048),
  "level_3_name" VARCHAR(1024),
  "level_4_id" VARCHAR(512),
  "level_4_arn" VARCHAR(2048),
  "level_4_name" VARCHAR(1024),
  "level_5_id" VARCHAR(512),
  "level_5_arn" VARCHAR(2048),
  "level_5_name" VARCHAR(1024),
  "hierarchy_group_tags" SUPER,
  "data_lake_last_processed_timestamp" TIMESTAMP,
  "last_modified_timestamp" TIMESTAMP,
  "last_modified_region" VARCHAR(256),
  "is_active" BOOLEAN,
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
DISTKEY ("agent_hierarchy_group_id")
SORTKEY ("last_modified_timestamp");

CREATE TABLE IF NOT EXISTS "connect"."d_agent_hierarchy_groups_staging" (
  "agent_hierarchy_group_id" VARCHAR(512) NOT NULL,
  "instance_id" VARCHAR(512),
  "instance_arn" VARCHAR(2048),
  "aws_account_id" VARCHAR(512),
  "agent_hierarchy_group_arn" VARCHAR(2048),
  "agent_hierarchy_group_name" VARCHAR(1024),
  "level_id" VARCHAR(512),
  "level_1_id" VARCHAR(512),
  "level_1_arn" VARCHAR(2048),
  "level_1_name" VARCHAR(1024),
  "level_2_id" VARCHAR(512),
  "level_2_arn" VARCHAR(2048),
  "level_2_name" VARCHAR(1024),
  "level_3_id" VARCHAR(512),
  "level_3_arn" VARCHAR(2048),
  "level_3_name" VARCHAR(1024),
  "level_4_id" VARCHAR(512),
  "level_4_arn" VARCHAR(2048),
  "level_4_name" VARCHAR(1024),
  "level_5_id" VARCHAR(512),
  "level_5_arn" VARCHAR(2048),
  "level_5_name" VARCHAR(1024),
  "hierarchy_group_tags" SUPER,
  "data_lake_last_processed_timestamp" TIMESTAMP,
  "last_modified_timestamp" TIMESTAMP,
  "last_modified_region" VARCHAR(256),
  "is_active" BOOLEAN,
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
DISTKEY ("agent_hierarchy_group_id")
SORTKEY ("last_modified_timestamp");

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
WHERE NOT "record_is_deleted"
WITH NO SCHEMA BINDING;
