-- Generated from the catalogue by `make golden`. Do not edit.

CREATE SCHEMA IF NOT EXISTS "connect";

CREATE SCHEMA IF NOT EXISTS "salesforce";

CREATE TABLE IF NOT EXISTS "connect"."f_tasks" (
  "task_id" VARCHAR(18) NOT NULL,
  "who_id" VARCHAR(18),
  "what_id" VARCHAR(18),
  "owner_id" VARCHAR(18),
  "account_id" VARCHAR(18),
  "subject" VARCHAR(65535),
  "status" VARCHAR(256),
  "priority" VARCHAR(65535),
  "type" VARCHAR(256),
  "task_subtype" VARCHAR(65535),
  "activity_date" DATE,
  "is_closed" BOOLEAN,
  "is_archived" BOOLEAN,
  "completed_date_time" TIMESTAMP,
  "call_type" VARCHAR(256),
  "call_duration_s" BIGINT,
  "call_disposition" VARCHAR(65535),
  "call_object" VARCHAR(65535),
  "created_by_id" VARCHAR(18),
  "created_date" TIMESTAMP,
  "last_modified_date" TIMESTAMP,
  "system_modstamp" TIMESTAMP,
  "is_deleted" BOOLEAN,
  "salesforce_type" VARCHAR(256),
  "salesforce_url" VARCHAR(65535),
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
DISTKEY ("task_id")
SORTKEY ("created_date");

CREATE TABLE IF NOT EXISTS "connect"."f_tasks_staging" (
  "task_id" VARCHAR(18) NOT NULL,
  "who_id" VARCHAR(18),
  "what_id" VARCHAR(18),
  "owner_id" VARCHAR(18),
  "account_id" VARCHAR(18),
  "subject" VARCHAR(65535),
  "status" VARCHAR(256),
  "priority" VARCHAR(65535),
  "type" VARCHAR(256),
  "task_subtype" VARCHAR(65535),
  "activity_date" DATE,
  "is_closed" BOOLEAN,
  "is_archived" BOOLEAN,
  "completed_date_time" TIMESTAMP,
  "call_type" VARCHAR(256),
  "call_duration_s" BIGINT,
  "call_disposition" VARCHAR(65535),
  "call_object" VARCHAR(65535),
  "created_by_id" VARCHAR(18),
  "created_date" TIMESTAMP,
  "last_modified_date" TIMESTAMP,
  "system_modstamp" TIMESTAMP,
  "is_deleted" BOOLEAN,
  "salesforce_type" VARCHAR(256),
  "salesforce_url" VARCHAR(65535),
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
DISTKEY ("task_id")
SORTKEY ("created_date");

CREATE OR REPLACE VIEW "salesforce"."task" AS
SELECT
  "task_id",
  "who_id",
  "what_id",
  "owner_id",
  "account_id",
  "subject",
  "status",
  "priority",
  "type",
  "task_subtype",
  "activity_date",
  "is_closed",
  "is_archived",
  "completed_date_time",
  "call_type",
  "call_duration_s",
  "call_disposition",
  "call_object",
  "created_by_id",
  "created_date",
  "last_modified_date",
  "system_modstamp",
  "is_deleted",
  "salesforce_type",
  "salesforce_url"
FROM "connect"."f_tasks"
WHERE NOT "record_is_deleted"
WITH NO SCHEMA BINDING;
