-- Generated from the catalogue by `make golden`. Do not edit.

CREATE SCHEMA IF NOT EXISTS "connect";

CREATE SCHEMA IF NOT EXISTS "connect_datalake";

CREATE TABLE IF NOT EXISTS "connect"."d_routing_profiles" (
  "agent_routing_profile_id" VARCHAR NOT NULL,
  "agent_routing_profile_arn" VARCHAR,
  "routing_profile_name" VARCHAR,
  "instance_id" VARCHAR,
  "instance_arn" VARCHAR,
  "agent_availability_timer" VARCHAR,
  "routing_profile_description" VARCHAR,
  "default_outbound_queue_id" VARCHAR,
  "media_concurrencies" VARCHAR,
  "is_default" BOOLEAN,
  "associated_queue_ids" VARCHAR[],
  "number_of_associated_queues" BIGINT,
  "number_of_associated_users" BIGINT,
  "routing_profile_tags" VARCHAR,
  "data_lake_last_processed_timestamp" TIMESTAMP,
  "last_modified_timestamp" TIMESTAMP,
  "last_modified_region" VARCHAR,
  "is_active" BOOLEAN,
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

CREATE TABLE IF NOT EXISTS "connect"."d_routing_profiles_staging" (
  "agent_routing_profile_id" VARCHAR NOT NULL,
  "agent_routing_profile_arn" VARCHAR,
  "routing_profile_name" VARCHAR,
  "instance_id" VARCHAR,
  "instance_arn" VARCHAR,
  "agent_availability_timer" VARCHAR,
  "routing_profile_description" VARCHAR,
  "default_outbound_queue_id" VARCHAR,
  "media_concurrencies" VARCHAR,
  "is_default" BOOLEAN,
  "associated_queue_ids" VARCHAR[],
  "number_of_associated_queues" BIGINT,
  "number_of_associated_users" BIGINT,
  "routing_profile_tags" VARCHAR,
  "data_lake_last_processed_timestamp" TIMESTAMP,
  "last_modified_timestamp" TIMESTAMP,
  "last_modified_region" VARCHAR,
  "is_active" BOOLEAN,
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
WHERE NOT "record_is_deleted";
