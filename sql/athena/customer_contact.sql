-- Generated from the catalogue by `make golden`. Do not edit.
-- The lake is s3://trunkline-lake here: put the URL of yours in its place. Run one statement at a time.

CREATE SCHEMA IF NOT EXISTS `salesforce`;

CREATE EXTERNAL TABLE IF NOT EXISTS `salesforce`.`customer_contact_files` (
  `customer_contact_id` string,
  `account_id` string,
  `owner_id` string,
  `reports_to_id` string,
  `master_record_id` string,
  `name` string,
  `first_name` string,
  `last_name` string,
  `email` string,
  `phone` string,
  `mobile_phone` string,
  `home_phone` string,
  `other_phone` string,
  `birthdate` date,
  `title` string,
  `department` string,
  `lead_source` string,
  `mailing_city` string,
  `mailing_state` string,
  `mailing_postal_code` string,
  `mailing_country` string,
  `last_activity_date` date,
  `created_by_id` string,
  `created_date` timestamp,
  `last_modified_date` timestamp,
  `system_modstamp` timestamp,
  `is_deleted` boolean,
  `salesforce_type` string,
  `salesforce_url` string,
  `record_version` string,
  `record_fidelity` string,
  `record_is_redacted` boolean,
  `record_catalogue_version` int,
  `record_hash` string,
  `record_position` string,
  `record_arrived_at` timestamp,
  `record_loaded_at` timestamp,
  `record_unmapped` string,
  `record_is_deleted` boolean,
  `record_moved_to` string
)
PARTITIONED BY (`year` string, `month` string, `day` string)
STORED AS PARQUET
LOCATION 's3://trunkline-lake/salesforce/customer_contact/'
TBLPROPERTIES (
  'projection.enabled' = 'true',
  'projection.year.type' = 'enum',
  'projection.year.values' = '1970,2010,2011,2012,2013,2014,2015,2016,2017,2018,2019,2020,2021,2022,2023,2024,2025,2026,2027,2028,2029,2030,2031,2032,2033,2034,2035,2036,2037,2038,2039',
  'projection.month.type' = 'integer',
  'projection.month.range' = '1,12',
  'projection.month.digits' = '2',
  'projection.day.type' = 'integer',
  'projection.day.range' = '1,31',
  'projection.day.digits' = '2',
  'storage.location.template' = 's3://trunkline-lake/salesforce/customer_contact/year=${year}/month=${month}/day=${day}/'
);

CREATE OR REPLACE VIEW "salesforce"."customer_contact_versions" AS
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
  "salesforce_url",
  "record_version",
  "record_fidelity",
  "record_is_redacted",
  "record_catalogue_version",
  "record_hash",
  "record_position",
  "record_arrived_at",
  "record_loaded_at",
  "record_unmapped",
  "record_is_deleted",
  "year",
  "month",
  "day"
FROM (
  SELECT *, ROW_NUMBER() OVER (
    PARTITION BY "year", "month", "day", "customer_contact_id", "record_version", "record_hash"
    ORDER BY COALESCE("record_fidelity", '') DESC, COALESCE("record_version", '') DESC, CASE WHEN "record_is_redacted" THEN 1 ELSE 0 END DESC, COALESCE("record_catalogue_version", 0) DESC, COALESCE("record_hash", '') DESC, COALESCE("name", '') DESC, COALESCE("first_name", '') DESC, COALESCE("last_name", '') DESC, COALESCE("email", '') DESC, COALESCE("phone", '') DESC, COALESCE("mobile_phone", '') DESC, COALESCE("home_phone", '') DESC, COALESCE("other_phone", '') DESC, COALESCE(CAST("record_unmapped" AS VARCHAR), '') DESC, "record_arrived_at", "record_position", "record_loaded_at"
  ) AS "record_rank"
  FROM "salesforce"."customer_contact_files"
  WHERE "record_moved_to" IS NULL
) AS ranked
WHERE "record_rank" = 1;

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
  "salesforce_url",
  "record_version",
  "record_fidelity",
  "record_is_redacted",
  "record_catalogue_version",
  "record_hash",
  "record_position",
  "record_arrived_at",
  "record_loaded_at",
  "record_unmapped",
  "record_is_deleted",
  "year",
  "month",
  "day"
FROM (
  SELECT *, ROW_NUMBER() OVER (
    PARTITION BY "year", "month", "day", "customer_contact_id"
    ORDER BY COALESCE("record_fidelity", '') DESC, COALESCE("record_version", '') DESC, CASE WHEN "record_is_redacted" THEN 1 ELSE 0 END DESC, COALESCE("record_catalogue_version", 0) DESC, COALESCE("record_hash", '') DESC, COALESCE("name", '') DESC, COALESCE("first_name", '') DESC, COALESCE("last_name", '') DESC, COALESCE("email", '') DESC, COALESCE("phone", '') DESC, COALESCE("mobile_phone", '') DESC, COALESCE("home_phone", '') DESC, COALESCE("other_phone", '') DESC, COALESCE(CAST("record_unmapped" AS VARCHAR), '') DESC
  ) AS "record_rank"
  FROM "salesforce"."customer_contact_files"
) AS ranked
WHERE "record_rank" = 1
  AND "record_moved_to" IS NULL
  AND NOT "record_is_deleted";

CREATE OR REPLACE VIEW "salesforce"."customer_contact_plain" AS
SELECT
  "customer_contact_id",
  "account_id",
  "owner_id",
  "reports_to_id",
  "master_record_id",
  "title",
  "department",
  "lead_source",
  "mailing_state",
  "mailing_country",
  "last_activity_date",
  "created_by_id",
  "created_date",
  "last_modified_date",
  "system_modstamp",
  "is_deleted",
  "salesforce_type",
  "salesforce_url",
  "year",
  "month",
  "day"
FROM (
  SELECT *, ROW_NUMBER() OVER (
    PARTITION BY "year", "month", "day", "customer_contact_id"
    ORDER BY COALESCE("record_fidelity", '') DESC, COALESCE("record_version", '') DESC, CASE WHEN "record_is_redacted" THEN 1 ELSE 0 END DESC, COALESCE("record_catalogue_version", 0) DESC, COALESCE("record_hash", '') DESC
  ) AS "record_rank"
  FROM "salesforce"."customer_contact_files"
) AS ranked
WHERE "record_rank" = 1
  AND "record_moved_to" IS NULL
  AND NOT "record_is_deleted";
