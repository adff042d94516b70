-- Generated from the catalogue by `make golden`. Do not edit.

CREATE SCHEMA IF NOT EXISTS "connect";

CREATE SCHEMA IF NOT EXISTS "connect_datalake";

CREATE TABLE IF NOT EXISTS "connect"."d_queues" (
  "queue_id" VARCHAR(512) NOT NULL,
  "queue_arn" VARCHAR(2048),
  "queue_name" VARCHAR(1024),
  "queue_description" VARCHAR(65535),
  "queue_status" VARCHAR(256),
  "max_contacts" INTEGER,
  "hours_of_operation_id" VARCHAR(512),
  "outbound_caller_id_name" VARCHAR(1024),
  "outbound_caller_id_number_id" VARCHAR(512),
  "outbound_flow_id" VARCHAR(512),
  "outbound_email_address_id" VARCHAR(512),
  "queue_tags" SUPER,
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
DISTKEY ("queue_id")
SORTKEY ("last_modified_timestamp");

CREATE TABLE IF NOT EXISTS "connect"."d_queues_staging" (
  "queue_id" VARCHAR(512) NOT NULL,
  "queue_arn" VARCHAR(2048),
  "queue_name" VARCHAR(1024),
  "queue_description" VARCHAR(65535),
  "queue_status" VARCHAR(256),
  "max_contacts" INTEGER,
  "hours_of_operation_id" VARCHAR(512),
  "outbound_caller_id_name" VARCHAR(1024),
  "outbound_caller_id_number_id" VARCHAR(512),
  "outbound_flow_id" VARCHAR(512),
  "outbound_email_address_id" VARCHAR(512),
  "queue_tags" SUPER,
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
DISTKEY ("queue_id")
SORTKEY ("last_modified_timestamp");

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
WHERE NOT "record_is_deleted"
WITH NO SCHEMA BINDING;
