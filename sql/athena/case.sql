-- Generated from the catalogue by `make golden`. Do not edit.
-- The lake is s3://trunkline-lake here: put the URL of yours in its place. Run one statement at a time.

CREATE SCHEMA IF NOT EXISTS `salesforce`;

CREATE EXTERNAL TABLE IF NOT EXISTS `salesforce`.`case_files` (
  `case_id` string,
  `case_number` string,
  `account_id` string,
  `customer_contact_id` string,
  `owner_id` string,
  `parent_id` string,
  `subject` string,
  `status` string,
  `origin` string,
  `reason` string,
  `type` string,
  `priority` string,
  `is_closed` boolean,
  `is_escalated` boolean,
  `closed_date` timestamp,
  `supplied_email` string,
  `supplied_phone` string,
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
LOCATION 's3://trunkline-lake/salesforce/case/'
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
  'storage.location.template' = 's3://trunkline-lake/salesforce/case/year=${year}/month=${month}/day=${day}/'
);

CREATE OR REPLACE VIEW "salesforce"."case_versions" AS
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
    PARTITION BY "year", "month", "day", "case_id", "record_version", "record_hash"
    ORDER BY COALESCE("record_fidelity", '') DESC, COALESCE("record_version", '') DESC, CASE WHEN "record_is_redacted" THEN 1 ELSE 0 END DESC, COALESCE("record_catalogue_version", 0) DESC, COALESCE("record_hash", '') DESC, COALESCE("supplied_email", '') DESC, COALESCE("supplied_phone", '') DESC, COALESCE(CAST("record_unmapped" AS VARCHAR), '') DESC, "record_arrived_at", "record_position", "record_loaded_at"
  ) AS "record_rank"
  FROM "salesforce"."case_files"
  WHERE "record_moved_to" IS NULL
) AS ranked
WHERE "record_rank" = 1;

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
    PARTITION BY "year", "month", "day", "case_id"
    ORDER BY COALESCE("record_fidelity", '') DESC, COALESCE("record_version", '') DESC, CASE WHEN "record_is_redacted" THEN 1 ELSE 0 END DESC, COALESCE("record_catalogue_version", 0) DESC, COALESCE("record_hash", '') DESC, COALESCE("supplied_email", '') DESC, COALESCE("supplied_phone", '') DESC, COALESCE(CAST("record_unmapped" AS VARCHAR), '') DESC
  ) AS "record_rank"
  FROM "salesforce"."case_files"
) AS ranked
WHERE "record_rank" = 1
  AND "record_moved_to" IS NULL
  AND NOT "record_is_deleted";

CREATE OR REPLACE VIEW "salesforce"."case_plain" AS
SELECT
  "case_id",
  "case_number",
  "account_id",
  "customer_contact_id",
  "owner_id",
  "parent_id",
  "status",
  "origin",
  "reason",
  "type",
  "priority",
  "is_closed",
  "is_escalated",
  "closed_date",
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
    PARTITION BY "year", "month", "day", "case_id"
    ORDER BY COALESCE("record_fidelity", '') DESC, COALESCE("record_version", '') DESC, CASE WHEN "record_is_redacted" THEN 1 ELSE 0 END DESC, COALESCE("record_catalogue_version", 0) DESC, COALESCE("record_hash", '') DESC
  ) AS "record_rank"
  FROM "salesforce"."case_files"
) AS ranked
WHERE "record_rank" = 1
  AND "record_moved_to" IS NULL
  AND NOT "record_is_deleted";
