-- Generated from the catalogue by `make golden`. Do not edit.

CREATE SCHEMA IF NOT EXISTS "connect";

CREATE SCHEMA IF NOT EXISTS "salesforce";

CREATE TABLE IF NOT EXISTS "connect"."d_salesforce_users" (
  "user_id" VARCHAR(18) NOT NULL,
  "username" VARCHAR(1024),
  "name" VARCHAR(1024),
  "first_name" VARCHAR(1024),
  "last_name" VARCHAR(1024),
  "alias" VARCHAR(65535),
  "email" VARCHAR(65535),
  "is_active" BOOLEAN,
  "user_type" VARCHAR(256),
  "profile_id" VARCHAR(18),
  "user_role_id" VARCHAR(18),
  "manager_id" VARCHAR(18),
  "employee_number" VARCHAR(65535),
  "federation_identifier" VARCHAR(65535),
  "title" VARCHAR(65535),
  "department" VARCHAR(65535),
  "division" VARCHAR(65535),
  "time_zone" VARCHAR(65535),
  "last_login_date" TIMESTAMP,
  "created_by_id" VARCHAR(18),
  "created_date" TIMESTAMP,
  "last_modified_date" TIMESTAMP,
  "system_modstamp" TIMESTAMP,
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
DISTKEY ("user_id")
SORTKEY ("created_date");

CREATE TABLE IF NOT EXISTS "connect"."d_salesforce_users_staging" (
  "user_id" VARCHAR(18) NOT NULL,
  "username" VARCHAR(1024),
  "name" VARCHAR(1024),
  "first_name" VARCHAR(1024),
  "last_name" VARCHAR(1024),
  "alias" VARCHAR(65535),
  "email" VARCHAR(65535),
  "is_active" BOOLEAN,
  "user_type" VARCHAR(256),
  "profile_id" VARCHAR(18),
  "user_role_id" VARCHAR(18),
  "manager_id" VARCHAR(18),
  "employee_number" VARCHAR(65535),
  "federation_identifier" VARCHAR(65535),
  "title" VARCHAR(65535),
  "department" VARCHAR(65535),
  "division" VARCHAR(65535),
  "time_zone" VARCHAR(65535),
  "last_login_date" TIMESTAMP,
  "created_by_id" VARCHAR(18),
  "created_date" TIMESTAMP,
  "last_modified_date" TIMESTAMP,
  "system_modstamp" TIMESTAMP,
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
DISTKEY ("user_id")
SORTKEY ("created_date");

CREATE OR REPLACE VIEW "salesforce"."user" AS
SELECT
  "user_id",
  "username",
  "name",
  "first_name",
  "last_name",
  "alias",
  "email",
  "is_active",
  "user_type",
  "profile_id",
  "user_role_id",
  "manager_id",
  "employee_number",
  "federation_identifier",
  "title",
  "department",
  "division",
  "time_zone",
  "last_login_date",
  "created_by_id",
  "created_date",
  "last_modified_date",
  "system_modstamp",
  "salesforce_type",
  "salesforce_url"
FROM "connect"."d_salesforce_users"
WHERE NOT "record_is_deleted"
WITH NO SCHEMA BINDING;
