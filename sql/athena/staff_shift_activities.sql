-- Generated from the catalogue by `make golden`. Do not edit.
-- The lake is s3://trunkline-lake here: put the URL of yours in its place. Run one statement at a time.

CREATE SCHEMA IF NOT EXISTS `connect_datalake`;

CREATE EXTERNAL TABLE IF NOT EXISTS `connect_datalake`.`staff_shift_activities_files` (
  `instance_id` string,
  `shift_id` string,
  `shift_version` bigint,
  `activity_id` string,
  `activity_start_timestamp` timestamp,
  `activity_end_timestamp` timestamp,
  `shift_activity_arn` string,
  `activity_status` string,
  `is_overtime` boolean,
  `instance_arn` string,
  `is_deleted` boolean,
  `last_updated_timestamp` timestamp,
  `data_lake_last_processed_timestamp` timestamp,
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
LOCATION 's3://trunkline-lake/connect_datalake/staff_shift_activities/'
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
  'storage.location.template' = 's3://trunkline-lake/connect_datalake/staff_shift_activities/year=${year}/month=${month}/day=${day}/'
);

CREATE OR REPLACE VIEW "connect_datalake"."staff_shift_activities_versions" AS
SELECT
  "instance_id",
  "shift_id",
  "shift_version",
  "activity_id",
  "activity_start_timestamp",
  "activity_end_timestamp",
  "shift_activity_arn",
  "activity_status",
  "is_overtime",
  "instance_arn",
  "is_deleted",
  "last_updated_timestamp",
  "data_lake_last_processed_timestamp",
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
    PARTITION BY "year", "month", "day", "instance_id", "shift_id", "shift_version", "activity_id", "record_version", "record_hash"
    ORDER BY COALESCE("record_fidelity", '') DESC, COALESCE("record_version", '') DESC, CASE WHEN "record_is_redacted" THEN 1 ELSE 0 END DESC, COALESCE("record_catalogue_version", 0) DESC, COALESCE("record_hash", '') DESC, COALESCE(CAST("record_unmapped" AS VARCHAR), '') DESC, "record_arrived_at", "record_position", "record_loaded_at"
  ) AS "record_rank"
  FROM "connect_datalake"."staff_shift_activities_files"
  WHERE "record_moved_to" IS NULL
) AS ranked
WHERE "record_rank" = 1;

CREATE OR REPLACE VIEW "connect_datalake"."staff_shift_activities" AS
SELECT
  "instance_id",
  "shift_id",
  "shift_version",
  "activity_id",
  "activity_start_timestamp",
  "activity_end_timestamp",
  "shift_activity_arn",
  "activity_status",
  "is_overtime",
  "instance_arn",
  "is_deleted",
  "last_updated_timestamp",
  "data_lake_last_processed_timestamp",
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
    PARTITION BY "year", "month", "day", "instance_id", "shift_id", "shift_version", "activity_id"
    ORDER BY COALESCE("record_fidelity", '') DESC, COALESCE("record_version", '') DESC, CASE WHEN "record_is_redacted" THEN 1 ELSE 0 END DESC, COALESCE("record_catalogue_version", 0) DESC, COALESCE("record_hash", '') DESC, COALESCE(CAST("record_unmapped" AS VARCHAR), '') DESC
  ) AS "record_rank"
  FROM "connect_datalake"."staff_shift_activities_files"
) AS ranked
WHERE "record_rank" = 1
  AND "record_moved_to" IS NULL
  AND NOT "record_is_deleted";
