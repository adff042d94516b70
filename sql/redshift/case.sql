-- Generated from the catalogue by `make golden`. Do not edit.

CREATE SCHEMA IF NOT EXISTS "connect";

CREATE SCHEMA IF NOT EXISTS "salesforce";

CREATE TABLE IF NOT EXISTS "connect"."f_cases" (
  "case_id" VARCHAR(18) NOT NULL,
  "case_number" VARCHAR(65535),
  "account_id" VARCHAR(18),
  "customer_contact_id" VARCHAR(18),
  "owner_id" VARCHAR(18),
  "parent_id" VARCHAR(18),
  "subject" VARCHAR(65535),
  "status" VARCHAR(256),
  "origin" VARCHAR(65535),
  "reason" VARCHAR(256),
  "type" VARCHAR(256),
  "priority" VARCHAR(65535),
  "is_closed" BOOLEAN,
  "is_escalated" BOOLEAN,
  "closed_date" TIMESTAMP,
  "supplied_email" VARCHAR(65535),
  "supplied_phone" VARCHAR(65535),
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
DISTKEY ("case_id")
SORTKEY ("created_date");

CREATE TABLE IF NOT EXISTS "connect"."f_cases_staging" (
  "case_id" VARCHAR(18) NOT NULL,
  "case_number" VARCHAR(65535),
  "account_id" VARCHAR(18),
  "customer_contact_id" VARCHAR(18),
  "owner_id" VARCHAR(18),
  "parent_id" VARCHAR(18),
  "subject" VARCHAR(65535),
  "status" VARCHAR(256),
  "origin" VARCHAR(65535),
  "reason" VARCHAR(256),
  "type" VARCHAR(256),
  "priority" VARCHAR(65535),
  "is_closed" BOOLEAN,
  "is_escalated" BOOLEAN,
  "closed_date" TIMESTAMP,
  "supplied_email" VARCHAR(65535),
  "supplied_phone" VARCHAR(65535),
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
DISTKEY ("case_id")
SORTKEY ("created_date");

CREATE OR REPLACE VIEW "salesforce"."case" AS
SELECT
  "case_id",
  "case_number",
  "account_id",
  "customer_contact_id",
  "owner_id",
  "parent_id",
  "subject",
  "status",
  "origin",
  "reason",
  "type",
  "priority",
  "is_closed",
  "is_escalated",
  "closed_date",
  "supplied_email",
  "supplied_phone",
  "created_by_id",
  "created_date",
  "last_modified_date",
  "system_modstamp",
  "is_deleted",
  "salesforce_type",
  "salesforce_url"
FROM "connect"."f_cases"
WHERE NOT "record_is_deleted"
WITH NO SCHEMA BINDING;
