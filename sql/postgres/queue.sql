-- Generated from the catalogue by `make golden`. Do not edit.

CREATE SCHEMA IF NOT EXISTS "connect";

CREATE SCHEMA IF NOT EXISTS "connect_datalake";

CREATE TABLE IF NOT EXISTS "connect"."d_queues" (
  "queue_id" text NOT NULL,
  "queue_arn" text,
  "queue_name" text,
  "queue_description" text,
  "queue_status" text,
  "max_contacts" integer,
  "hours_of_operation_id" text,
  "outbound_caller_id_name" text,
  "outbound_caller_id_number_id" text,
  "outbound_flow_id" text,
  "outbound_email_address_id" text,
  "queue_tags" jsonb,
  "last_modified_timestamp" timestamp,
  "last_modified_region" text,
  "instance_id" text,
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
  PRIMARY KEY ("queue_id")
);

CREATE TABLE IF NOT EXISTS "connect"."d_queues_staging" (
  "queue_id" text NOT NULL,
  "queue_arn" text,
  "queue_name" text,
  "queue_description" text,
  "queue_status" text,
  "max_contacts" integer,
  "hours_of_operation_id" text,
  "outbound_caller_id_name" text,
  "outbound_caller_id_number_id" text,
  "outbound_flow_id" text,
  "outbound_email_address_id" text,
  "queue_tags" jsonb,
  "last_modified_timestamp" timestamp,
  "last_modified_region" text,
  "instance_id" text,
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

CREATE INDEX IF NOT EXISTS "d_queues_last_modified_timestamp_idx" ON "connect"."d_queues" ("last_modified_timestamp");

CREATE OR REPLACE VIEW "connect_datalake"."queue" AS
SELECT
  "queue_id",
  "queue_arn",
  "queue_name",
  "queue_description",
  "queue_status",
  "max_contacts",
  "hours_of_operation_id",
  "outbound_caller_id_name",
  "outbound_caller_id_number_id",
  "outbound_flow_id",
  "outbound_email_address_id",
  "queue_tags",
  "last_modified_timestamp",
  "last_modified_region",
  "instance_id"
FROM "connect"."d_queues"
WHERE NOT "record_is_deleted";
