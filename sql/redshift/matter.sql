-- Generated from the catalogue by `make golden`. Do not edit.

CREATE SCHEMA IF NOT EXISTS "connect";

CREATE SCHEMA IF NOT EXISTS "salesforce";

CREATE TABLE IF NOT EXISTS "connect"."d_matters" (
  "matter_id" VARCHAR(18) NOT NULL,
  "matter_name" VARCHAR(1024),
  "display_name" VARCHAR(1024),
  "status" VARCHAR(256),
  "case_type_id" VARCHAR(18),
  "practice_area" VARCHAR(65535),
  "client_id" VARCHAR(18),
  "principal_attorney_id" VARCHAR(18),
  "originating_attorney_id" VARCHAR(18),
  "owner_id" VARCHAR(18),
  "open_date" DATE,
  "close_date" DATE,
  "closed_reason" VARCHAR(256),
  "incident_date" DATE,
  "matter_state" VARCHAR(65535),
  "statute_of_limitations" DATE,
  "gross_recovery" DECIMAL(38,8),
  "net_recovery" DECIMAL(38,8),
  "matter_source" VARCHAR(65535),
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
DISTKEY ("matter_id")
SORTKEY ("created_date");

CREATE TABLE IF NOT EXISTS "connect"."d_matters_staging" (
  "matter_id" VARCHAR(18) NOT NULL,
  "matter_name" VARCHAR(1024),
  "display_name" VARCHAR(1024),
  "status" VARCHAR(256),
  "case_type_id" VARCHAR(18),
  "practice_area" VARCHAR(65535),
  "client_id" VARCHAR(18),
  "principal_attorney_id" VARCHAR(18),
  "originating_attorney_id" VARCHAR(18),
  "owner_id" VARCHAR(18),
  "open_date" DATE,
  "close_date" DATE,
  "closed_reason" VARCHAR(256),
  "incident_date" DATE,
  "matter_state" VARCHAR(65535),
  "statute_of_limitations" DATE,
  "gross_recovery" DECIMAL(38,8),
  "net_recovery" DECIMAL(38,8),
  "matter_source" VARCHAR(65535),
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
DISTKEY ("matter_id")
SORTKEY ("created_date");

CREATE OR REPLACE VIEW "salesforce"."matter" AS
SELECT
  "matter_id",
  "matter_name",
  "display_name",
  "status",
  "case_type_id",
  "practice_area",
  "client_id",
  "principal_attorney_id",
  "originating_attorney_id",
  "owner_id",
  "open_date",
  "close_date",
  "closed_reason",
  "incident_date",
  "matter_state",
  "statute_of_limitations",
  "gross_recovery",
  "net_recovery",
  "matter_source",
  "created_by_id",
  "created_date",
  "last_modified_date",
  "system_modstamp",
  "is_deleted",
  "salesforce_type",
  "salesforce_url"
FROM "connect"."d_matters"
WHERE NOT "record_is_deleted"
WITH NO SCHEMA BINDING;
