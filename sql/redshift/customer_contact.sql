-- Generated from the catalogue by `make golden`. Do not edit.

CREATE SCHEMA IF NOT EXISTS "connect";

CREATE SCHEMA IF NOT EXISTS "salesforce";

CREATE TABLE IF NOT EXISTS "connect"."d_customer_contacts" (
  "customer_contact_id" VARCHAR(18) NOT NULL,
  "account_id" VARCHAR(18),
  "owner_id" VARCHAR(18),
  "reports_to_id" VARCHAR(18),
  "master_record_id" VARCHAR(18),
  "name" VARCHAR(1024),
  "first_name" VARCHAR(1024),
  "last_name" VARCHAR(1024),
  "email" VARCHAR(65535),
  "phone" VARCHAR(65535),
  "mobile_phone" VARCHAR(65535),
  "home_phone" VARCHAR(65535),
  "other_phone" VARCHAR(65535),
  "birthdate" DATE,
  "title" VARCHAR(65535),
  "department" VARCHAR(65535),
  "lead_source" VARCHAR(65535),
  "mailing_city" VARCHAR(65535),
  "mailing_state" VARCHAR(65535),
  "mailing_postal_code" VARCHAR(65535),
  "mailing_country" VARCHAR(65535),
  "last_activity_date" DATE,
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
DISTKEY ("customer_contact_id")
SORTKEY ("created_date");

CREATE TABLE IF NOT EXISTS "connect"."d_customer_contacts_staging" (
  "customer_contact_id" VARCHAR(18) NOT NULL,
  "account_id" VARCHAR(18),
  "owner_id" VARCHAR(18),
  "reports_to_id" VARCHAR(18),
  "master_record_id" VARCHAR(18),
  "name" VARCHAR(1024),
  "first_name" VARCHAR(1024),
  "last_name" VARCHAR(1024),
  "email" VARCHAR(65535),
  "phone" VARCHAR(65535),
  "mobile_phone" VARCHAR(65535),
  "home_phone" VARCHAR(65535),
  "other_phone" VARCHAR(65535),
  "birthdate" DATE,
  "title" VARCHAR(65535),
  "department" VARCHAR(65535),
  "lead_source" VARCHAR(65535),
  "mailing_city" VARCHAR(65535),
  "mailing_state" VARCHAR(65535),
  "mailing_postal_code" VARCHAR(65535),
  "mailing_country" VARCHAR(65535),
  "last_activity_date" DATE,
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
DISTKEY ("customer_contact_id")
SORTKEY ("created_date");

CREATE OR REPLACE VIEW "salesforce"."customer_contact" AS
SELECT
  "customer_contact_id",
  "account_id",
  "owner_id",
  "reports_to_id",
  "master_record_id",
  "name",
  "first_name",
  "last_name",
  "email",
  "phone",
  "mobile_phone",
  "home_phone",
  "other_phone",
  "birthdate",
  "title",
  "department",
  "lead_source",
  "mailing_city",
  "mailing_state",
  "mailing_postal_code",
  "mailing_country",
  "last_activity_date",
  "created_by_id",
  "created_date",
  "last_modified_date",
  "system_modstamp",
  "is_deleted",
  "salesforce_type",
  "salesforce_url"
FROM "connect"."d_customer_contacts"
WHERE NOT "record_is_deleted"
WITH NO SCHEMA BINDING;
