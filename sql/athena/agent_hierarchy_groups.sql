-- Generated from the catalogue by `make golden`. Do not edit.
-- The lake is s3://trunkline-lake here: put the URL of yours in its place. Run one statement at a time.

CREATE SCHEMA IF NOT EXISTS `connect_datalake`;

CREATE EXTERNAL TABLE IF NOT EXISTS `connect_datalake`.`agent_hierarchy_groups_files` (
  `agent_hierarchy_group_id` string,
  `instance_id` string,
  `instance_arn` string,
  `aws_account_id` string,
  `agent_hierarchy_group_arn` string,
  `agent_hierarchy_group_name` string,
  `level_id` string,
  `level_1_id` string,
  `level_1_arn` string,
  `level_1_name` string,
  `level_2_id` string,
  `level_2_arn` string,
  `level_2_name` string,
  `level_3_id` string,
  `level_3_arn` string,
  `level_3_name` string,
  `level_4_id` string,
  `level_4_arn` string,
  `level_4_name` string,
  `level_5_id` string,
  `level_5_arn` string,
  `level_5_name` string,
  `hierarchy_group_tags` string,
  `data_lake_last_processed_timestamp` timestamp,
  `last_modified_timestamp` timestamp,
  `last_modified_region` string,
  `is_active` boolean,
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
LOCATION 's3://trunkline-lake/connect_datalake/agent_hierarchy_groups/'
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
  'storage.location.template' = 's3://trunkline-lake/connect_datalake/agent_hierarchy_groups/year=${year}/month=${month}/day=${day}/'
);

CREATE OR REPLACE VIEW "connect_datalake"."agent_hierarchy_groups_versions" AS
SELECT
  "agent_hierarchy_group_id",
  "instance_id",
  "instance_arn",
  "aws_account_id",
  "agent_hierarchy_group_arn",
  "agent_hierarchy_group_name",
  "level_id",
  "level_1_id",
  "level_1_arn",
  "level_1_name",
  "level_2_id",
  "level_2_arn",
  "level_2_name",
  "level_3_id",
  "level_3_arn",
  "level_3_name",
  "level_4_id",
  "level_4_arn",
  "level_4_name",
  "level_5_id",
  "level_5_arn",
  "level_5_name",
  "hierarchy_group_tags",
  "data_lake_last_processed_timestamp",
  "last_modified_timestamp",
  "last_modified_region",
  "is_active",
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
    PARTITION BY "year", "month", "day", "agent_hierarchy_group_id", "record_version", "record_hash"
    ORDER BY COALESCE("record_fidelity", '') DESC, COALESCE("record_version", '') DESC, CASE WHEN "record_is_redacted" THEN 1 ELSE 0 END DESC, COALESCE("record_catalogue_version", 0) DESC, COALESCE("record_hash", '') DESC, COALESCE(CAST("record_unmapped" AS VARCHAR), '') DESC, "record_arrived_at", "record_position", "record_loaded_at"
  ) AS "record_rank"
  FROM "connect_datalake"."agent_hierarchy_groups_files"
  WHERE "record_moved_to" IS NULL
) AS ranked
WHERE "record_rank" = 1;

CREATE OR REPLACE VIEW "connect_datalake"."agent_hierarchy_groups" AS
SELECT
  "agent_hierarchy_group_id",
  "instance_id",
  "instance_arn",
  "aws_account_id",
  "agent_hierarchy_group_arn",
  "agent_hierarchy_group_name",
  "level_id",
  "level_1_id",
  "level_1_arn",
  "level_1_name",
  "level_2_id",
  "level_2_arn",
  "level_2_name",
  "level_3_id",
  "level_3_arn",
  "level_3_name",
  "level_4_id",
  "level_4_arn",
  "level_4_name",
  "level_5_id",
  "level_5_arn",
  "level_5_name",
  "hierarchy_group_tags",
  "data_lake_last_processed_timestamp",
  "last_modified_timestamp",
  "last_modified_region",
  "is_active",
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
    PARTITION BY "year", "month", "day", "agent_hierarchy_group_id"
    ORDER BY COALESCE("record_fidelity", '') DESC, COALESCE("record_version", '') DESC, CASE WHEN "record_is_redacted" THEN 1 ELSE 0 END DESC, COALESCE("record_catalogue_version", 0) DESC, COALESCE("record_hash", '') DESC, COALESCE(CAST("record_unmapped" AS VARCHAR), '') DESC
  ) AS "record_rank"
  FROM "connect_datalake"."agent_hierarchy_groups_files"
) AS ranked
WHERE "record_rank" = 1
  AND "record_moved_to" IS NULL
  AND NOT "record_is_deleted";
