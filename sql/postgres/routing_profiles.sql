-- Generated from the catalogue by `make golden`. Do not edit.

CREATE SCHEMA IF NOT EXISTS "connect";

CREATE SCHEMA IF NOT EXISTS "connect_datalake";

CREATE TABLE IF NOT EXISTS "connect"."d_routing_profiles" (
  "agent_routing_profile_id" text NOT NULL,
  "agent_routing_profile_arn" text,
  "routing_profile_name" text,
  "instance_id" text,
  "instance_arn" text,
  "agent_availability_timer" text,
  "routing_profile_description" text,
  "default_outbound_queue_id" text,
  "media_concurrencies" jsonb,
  "is_default" boolean,
  "associated_queue_ids" jsonb,
  "number_of_associated_queues" bigint,
  "number_of_associated_users" bigint,
  "routing_profile_tags" jsonb,
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
  PRIMARY KEY ("agent_routing_profile_id")
);

CREATE TABLE IF NOT EXISTS "connect"."d_routing_profiles_staging" (
  "agent_routing_profile_id" text NOT NULL,
  "agent_routing_profile_arn" text,
  "routing_profile_name" text,
  "instance_id" text,
  "instance_arn" text,
  "agent_availability_timer" text,
  "routing_profile_description" text,
  "default_outbound_queue_id" text,
  "media_concurrencies" jsonb,
  "is_default" boolean,
  "associated_queue_ids" jsonb,
  "number_of_associated_queues" bigint,
  "number_of_associated_users" bigint,
  "routing_profile_tags" jsonb,
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

CREATE INDEX IF NOT EXISTS "d_routing_profiles_last_modified_timestamp_idx" ON "connect"."d_routing_profiles" ("last_modified_timestamp");

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
