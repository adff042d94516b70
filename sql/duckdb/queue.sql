-- Generated from the catalogue by `make golden`. Do not edit.

CREATE SCHEMA IF NOT EXISTS "connect";

CREATE SCHEMA IF NOT EXISTS "connect_datalake";

CREATE TABLE IF NOT EXISTS "connect"."d_queues" (
  "queue_id" VARCHAR NOT NULL,
  "queue_arn" VARCHAR,
  "queue_name" VARCHAR,
  "queue_description" VARCHAR,
  "queue_status" VARCHAR,
  "max_contacts" INTEGER,
  "hours_of_operation_id" VARCHAR,
  "outbound_caller_id_name" VARCHAR,
  "outbound_caller_id_number_id" VARCHAR,
  "outbound_flow_id" VARCHAR,
  "outbound_email_address_id" VARCHAR,
  "queue_tags" VARCHAR,
  "last_modified_timestamp" TIMESTAMP,
  "last_modified_region" VARCHAR,
  "instance_id" VARCHAR,
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

CREATE TABLE IF NOT EXISTS "connect"."d_queues_staging" (
  "queue_id" VARCHAR NOT NULL,
  "queue_arn" VARCHAR,
  "queue_name" VARCHAR,
  "queue_description" VARCHAR,
  "queue_status" VARCHAR,
  "max_contacts" INTEGER,
  "hours_of_operation_id" VARCHAR,
  "outbound_caller_id_name" VARCHAR,
  "outbound_caller_id_number_id" VARCHAR,
  "outbound_flow_id" VARCHAR,
  "outbound_email_address_id" VARCHAR,
  "queue_tags" VARCHAR,
  "last_modified_timestamp" TIMESTAMP,
  "last_modified_region" VARCHAR,
  "instance_id" VARCHAR,
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
