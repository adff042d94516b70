-- Generated from the catalogue by `make golden`. Do not edit.

CREATE SCHEMA IF NOT EXISTS "connect";

CREATE SCHEMA IF NOT EXISTS "connect_datalake";

CREATE TABLE IF NOT EXISTS "connect"."d_agents" (
  "agent_id" VARCHAR(512) NOT NULL,
  "agent_arn" VARCHAR(2048),
  "agent_username" VARCHAR(1024),
  "first_name" VARCHAR(1024),
  "last_name" VARCHAR(1024),
  "agent_email" VARCHAR(65535),
  "agent_secondary_email" VARCHAR(65535),
  "mobile" VARCHAR(65535),
  "directory_user_id" VARCHAR(512),
  "agent_routing_profile_id" VARCHAR(512),
  "agent_hierarchy_group_id" VARCHAR(512),
  "agent_security_profile_ids" SUPER,
  "phone_type" VARCHAR(256),
  "desk_phone_number" VARCHAR(65535),
  "auto_accept" BOOLEAN,
  "after_contact_work_time_limit" INTEGER,
  "persistent_connection" BOOLEAN,
  "auto_accept_configs" SUPER,
  "after_contact_work_configs" SUPER,
  "phone_number_configs" SUPER,
  "persistent_connection_configs" SUPER,
  "voice_enhancement_configs" SUPER,
  "agent_tags" SUPER,
  "last_modified_timestamp" TIMESTAMP,
  "last_modified_region" VARCHAR(256),
  "instance_id" VARCHAR(512),
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
DISTKEY ("agent_id")
SORTKEY ("last_modified_timestamp");

CREATE TABLE IF NOT EXISTS "connect"."d_agents_staging" (
  "agent_id" VARCHAR(512) NOT NULL,
  "agent_arn" VARCHAR(2048),
  "agent_username" VARCHAR(1024),
  "first_name" VARCHAR(1024),
  "last_name" VARCHAR(1024),
  "agent_email" VARCHAR(65535),
  "agent_secondary_email" VARCHAR(65535),
  "mobile" VARCHAR(65535),
  "directory_user_id" VARCHAR(512),
  "agent_routing_profile_id" VARCHAR(512),
  "agent_hierarchy_group_id" VARCHAR(512),
  "agent_security_profile_ids" SUPER,
  "phone_type" VARCHAR(256),
  "desk_phone_number" VARCHAR(65535),
  "auto_accept" BOOLEAN,
  "after_contact_work_time_limit" INTEGER,
  "persistent_connection" BOOLEAN,
  "auto_accept_configs" SUPER,
  "after_contact_work_configs" SUPER,
  "phone_number_configs" SUPER,
  "persistent_connection_configs" SUPER,
  "voice_enhancement_configs" SUPER,
  "agent_tags" SUPER,
  "last_modified_timestamp" TIMESTAMP,
  "last_modified_region" VARCHAR(256),
  "instance_id" VARCHAR(512),
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
DISTKEY ("agent_id")
SORTKEY ("last_modified_timestamp");

CREATE OR REPLACE VIEW "connect_datalake"."agent" AS
SELECT
  "agent_id",
  "agent_arn",
  "agent_username",
  "first_name",
  "last_name",
  "agent_email",
  "agent_secondary_email",
  "mobile",
  "directory_user_id",
  "agent_routing_profile_id",
  "agent_hierarchy_group_id",
  "agent_security_profile_ids",
  "phone_type",
  "desk_phone_number",
  "auto_accept",
  "after_contact_work_time_limit",
  "persistent_connection",
  "auto_accept_configs",
  "after_contact_work_configs",
  "phone_number_configs",
  "persistent_connection_configs",
  "voice_enhancement_configs",
  "agent_tags",
  "last_modified_timestamp",
  "last_modified_region",
  "instance_id"
FROM "connect"."d_agents"
WHERE NOT "record_is_deleted"
WITH NO SCHEMA BINDING;
