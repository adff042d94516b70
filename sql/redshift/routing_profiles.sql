-- Generated from the catalogue by `make golden`. Do not edit.

CREATE SCHEMA IF NOT EXISTS "connect";

CREATE SCHEMA IF NOT EXISTS "connect_datalake";

CREATE TABLE IF NOT EXISTS "connect"."d_routing_profiles" (
  "agent_routing_profile_id" VARCHAR(512) NOT NULL,
  "agent_routing_profile_arn" VARCHAR(2048),
  "routing_profile_name" VARCHAR(1024),
  "instance_id" VARCHAR(512),
  "instance_arn" VARCHAR(2048),
  "agent_availability_timer" VARCHAR(65535),
  "routing_profile_description" VARCHAR(65535),
  "default_outbound_queue_id" VARCHAR(512),
  "media_concurrencies" SUPER,
  "is_default" BOOLEAN,
  "associated_queue_ids" SUPER,
  "number_of_associated_queues" BIGINT,
  "number_of_associated_users" BIGINT,
  "routing_profile_tags" SUPER,
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
DISTKEY ("agent_routing_profile_id")
SORTKEY ("last_modified_timestamp");

CREATE TABLE IF NOT EXISTS "connect"."d_routing_profiles_staging" (
  "agent_routing_profile_id" VARCHAR(512) NOT NULL,
  "agent_routing_profile_arn" VARCHAR(2048),
  "routing_profile_name" VARCHAR(1024),
  "instance_id" VARCHAR(512),
  "instance_arn" VARCHAR(2048),
  "agent_availability_timer" VARCHAR(65535),
  "routing_profile_description" VARCHAR(65535),
  "default_outbound_queue_id" VARCHAR(512),
  "media_concurrencies" SUPER,
  "is_default" BOOLEAN,
  "associated_queue_ids" SUPER,
  "number_of_associated_queues" BIGINT,
  "number_of_associated_users" BIGINT,
  "routing_profile_tags" SUPER,
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
DISTKEY ("agent_routing_profile_id")
SORTKEY ("last_modified_timestamp");

CREATE OR REPLACE VIEW "connect_datalake"."routing_profiles" AS
SELECT
  "agent_routing_profile_id",
  "agent_routing_profile_arn",
  "routing_profile_name",
  "instance_id",
  "instance_arn",
  "agent_availability_timer",
  "routing_profile_description",
  "default_outbound_queue_id",
  "data_lake_last_processed_timestamp",
  "last_modified_timestamp",
  "last_modified_region",
  "is_active"
FROM "connect"."d_routing_profiles"
WHERE NOT "record_is_deleted"
WITH NO SCHEMA BINDING;
