-- Generated from the catalogue by `make golden`. Do not edit.
-- The lake is s3://trunkline-lake here: put the URL of yours in its place. Run one statement at a time.

CREATE SCHEMA IF NOT EXISTS `salesforce`;

CREATE EXTERNAL TABLE IF NOT EXISTS `salesforce`.`matter_files` (
  `matter_id` string,
  `matter_name` string,
  `display_name` string,
  `status` string,
  `case_type_id` string,
  `practice_area` string,
  `client_id` string,
  `principal_attorney_id` string,
  `originating_attorney_id` string,
  `owner_id` string,
  `open_date` date,
  `close_date` date,
  `closed_reason` string,
  `incident_date` date,
  `matter_state` string,
  `statute_of_limitations` date,
  `gross_recovery` decimal(38,8),
  `net_recovery` decimal(38,8),
  `matter_source` string,
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
LOCATION 's3://trunkline-lake/salesforce/matter/'
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
  'storage.location.template' = 's3://trunkline-lake/salesforce/matter/year=${year}/month=${month}/day=${day}/'
);

CREATE OR REPLACE VIEW "salesforce"."matter_versions" AS
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
    PARTITION BY "year", "month", "day", "matter_id", "record_version", "record_hash"
    ORDER BY COALESCE("record_fidelity", '') DESC, COALESCE("record_version", '') DESC, CASE WHEN "record_is_redacted" THEN 1 ELSE 0 END DESC, COALESCE("record_catalogue_version", 0) DESC, COALESCE("record_hash", '') DESC, COALESCE(CAST("record_unmapped" AS VARCHAR), '') DESC, "record_arrived_at", "record_position", "record_loaded_at"
  ) AS "record_rank"
  FROM "salesforce"."matter_files"
  WHERE "record_moved_to" IS NULL
) AS ranked
WHERE "record_rank" = 1;

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
    PARTITION BY "year", "month", "day", "matter_id"
    ORDER BY COALESCE("record_fidelity", '') DESC, COALESCE("record_version", '') DESC, CASE WHEN "record_is_redacted" THEN 1 ELSE 0 END DESC, COALESCE("record_catalogue_version", 0) DESC, COALESCE("record_hash", '') DESC, COALESCE(CAST("record_unmapped" AS VARCHAR), '') DESC
  ) AS "record_rank"
  FROM "salesforce"."matter_files"
) AS ranked
WHERE "record_rank" = 1
  AND "record_moved_to" IS NULL
  AND NOT "record_is_deleted";
