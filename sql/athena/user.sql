-- Generated from the catalogue by `make golden`. Do not edit.
-- The lake is s3://trunkline-lake here: put the URL of yours in its place. Run one statement at a time.

CREATE SCHEMA IF NOT EXISTS `salesforce`;

CREATE EXTERNAL TABLE IF NOT EXISTS `salesforce`.`user_files` (
  `user_id` string,
  `username` string,
  `name` string,
  `first_name` string,
  `last_name` string,
  `alias` string,
  `email` string,
  `is_active` boolean,
  `user_type` string,
  `profile_id` string,
  `user_role_id` string,
  `manager_id` string,
  `employee_number` string,
  `federation_identifier` string,
  `title` string,
  `department` string,
  `division` string,
  `time_zone` string,
  `last_login_date` timestamp,
  `created_by_id` string,
  `created_date` timestamp,
  `last_modified_date` timestamp,
  `system_modstamp` timestamp,
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
LOCATION 's3://trunkline-lake/salesforce/user/'
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
  'storage.location.template' = 's3://trunkline-lake/salesforce/user/year=${year}/month=${month}/day=${day}/'
);

CREATE OR REPLACE VIEW "salesforce"."user_versions" AS
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
    PARTITION BY "year", "month", "day", "user_id", "record_version", "record_hash"
    ORDER BY COALESCE("record_fidelity", '') DESC, COALESCE("record_version", '') DESC, CASE WHEN "record_is_redacted" THEN 1 ELSE 0 END DESC, COALESCE("record_catalogue_version", 0) DESC, COALESCE("record_hash", '') DESC, COALESCE("email", '') DESC, COALESCE(CAST("record_unmapped" AS VARCHAR), '') DESC, "record_arrived_at", "record_position", "record_loaded_at"
  ) AS "record_rank"
  FROM "salesforce"."user_files"
  WHERE "record_moved_to" IS NULL
) AS ranked
WHERE "record_rank" = 1;

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
    PARTITION BY "year", "month", "day", "user_id"
    ORDER BY COALESCE("record_fidelity", '') DESC, COALESCE("record_version", '') DESC, CASE WHEN "record_is_redacted" THEN 1 ELSE 0 END DESC, COALESCE("record_catalogue_version", 0) DESC, COALESCE("record_hash", '') DESC, COALESCE("email", '') DESC, COALESCE(CAST("record_unmapped" AS VARCHAR), '') DESC
  ) AS "record_rank"
  FROM "salesforce"."user_files"
) AS ranked
WHERE "record_rank" = 1
  AND "record_moved_to" IS NULL
  AND NOT "record_is_deleted";

CREATE OR REPLACE VIEW "salesforce"."user_plain" AS
SELECT
  "user_id",
  "is_active",
  "user_type",
  "profile_id",
  "user_role_id",
  "manager_id",
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
  "salesforce_url",
  "year",
  "month",
  "day"
FROM (
  SELECT *, ROW_NUMBER() OVER (
    PARTITION BY "year", "month", "day", "user_id"
    ORDER BY COALESCE("record_fidelity", '') DESC, COALESCE("record_version", '') DESC, CASE WHEN "record_is_redacted" THEN 1 ELSE 0 END DESC, COALESCE("record_catalogue_version", 0) DESC, COALESCE("record_hash", '') DESC
  ) AS "record_rank"
  FROM "salesforce"."user_files"
) AS ranked
WHERE "record_rank" = 1
  AND "record_moved_to" IS NULL
  AND NOT "record_is_deleted";
