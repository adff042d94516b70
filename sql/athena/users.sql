-- Generated from the catalogue by `make golden`. Do not edit.
-- The lake is s3://trunkline-lake here: put the URL of yours in its place. Run one statement at a time.

CREATE SCHEMA IF NOT EXISTS `connect_datalake`;

CREATE EXTERNAL TABLE IF NOT EXISTS `connect_datalake`.`users_files` (
  `user_id` string,
  `user_arn` string,
  `directory_user_id` string,
  `agent_hierarchy_group_id` string,
  `agent_hierarchy_group_arn` string,
  `agent_hierarchy_group_level_1_id` string,
  `agent_hierarchy_group_level_2_id` string,
  `agent_hierarchy_group_level_3_id` string,
  `agent_hierarchy_group_level_4_id` string,
  `agent_hierarchy_group_level_5_id` string,
  `agent_email` string,
  `agent_secondary_email` string,
  `mobile` string,
  `first_name` string,
  `last_name` string,
  `agent_username` string,
  `instance_id` string,
  `instance_arn` string,
  `agent_routing_profile_id` string,
  `agent_routing_profile_arn` string,
  `agent_security_profile_ids` array<string>,
  `agent_security_profile_arns` string,
  `after_contact_work_time_limit` int,
  `auto_accept` boolean,
  `desk_phone_number` string,
  `persistent_connection` boolean,
  `phone_type` string,
  `agent_voice_enhancement_mode` string,
  `user_tags` string,
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
LOCATION 's3://trunkline-lake/connect_datalake/users/'
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
  'storage.location.template' = 's3://trunkline-lake/connect_datalake/users/year=${year}/month=${month}/day=${day}/'
);

CREATE OR REPLACE VIEW "connect_datalake"."users_versions" AS
SELECT
  "user_id",
  "user_arn",
  "directory_user_id",
  "agent_hierarchy_group_id",
  "agent_hierarchy_group_arn",
  "agent_hierarchy_group_level_1_id",
  "agent_hierarchy_group_level_2_id",
  "agent_hierarchy_group_level_3_id",
  "agent_hierarchy_group_level_4_id",
  "agent_hierarchy_group_level_5_id",
  "agent_email",
  "agent_secondary_email",
  "mobile",
  "first_name",
  "last_name",
  "agent_username",
  "instance_id",
  "instance_arn",
  "agent_routing_profile_id",
  "agent_routing_profile_arn",
  "agent_security_profile_ids",
  "agent_security_profile_arns",
  "after_contact_work_time_limit",
  "auto_accept",
  "desk_phone_number",
  "persistent_connection",
  "phone_type",
  "agent_voice_enhancement_mode",
  "user_tags",
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
    PARTITION BY "year", "month", "day", "user_id", "record_version", "record_hash"
    ORDER BY COALESCE("record_fidelity", '') DESC, COALESCE("record_version", '') DESC, CASE WHEN "record_is_redacted" THEN 1 ELSE 0 END DESC, COALESCE("record_catalogue_version", 0) DESC, COALESCE("record_hash", '') DESC, COALESCE("agent_email", '') DESC, COALESCE("agent_secondary_email", '') DESC, COALESCE("mobile", '') DESC, COALESCE("desk_phone_number", '') DESC, COALESCE(CAST("record_unmapped" AS VARCHAR), '') DESC, "record_arrived_at", "record_position", "record_loaded_at"
  ) AS "record_rank"
  FROM "connect_datalake"."users_files"
  WHERE "record_moved_to" IS NULL
) AS ranked
WHERE "record_rank" = 1;

CREATE OR REPLACE VIEW "connect_datalake"."users" AS
SELECT
  "user_id",
  "user_arn",
  "directory_user_id",
  "agent_hierarchy_group_id",
  "agent_hierarchy_group_arn",
  "agent_hierarchy_group_level_1_id",
  "agent_hierarchy_group_level_2_id",
  "agent_hierarchy_group_level_3_id",
  "agent_hierarchy_group_level_4_id",
  "agent_hierarchy_group_level_5_id",
  "agent_email",
  "agent_secondary_email",
  "mobile",
  "first_name",
  "last_name",
  "agent_username",
  "instance_id",
  "instance_arn",
  "agent_routing_profile_id",
  "agent_routing_profile_arn",
  "agent_security_profile_ids",
  "agent_security_profile_arns",
  "after_contact_work_time_limit",
  "auto_accept",
  "desk_phone_number",
  "persistent_connection",
  "phone_type",
  "agent_voice_enhancement_mode",
  "user_tags",
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
    PARTITION BY "year", "month", "day", "user_id"
    ORDER BY COALESCE("record_fidelity", '') DESC, COALESCE("record_version", '') DESC, CASE WHEN "record_is_redacted" THEN 1 ELSE 0 END DESC, COALESCE("record_catalogue_version", 0) DESC, COALESCE("record_hash", '') DESC, COALESCE("agent_email", '') DESC, COALESCE("agent_secondary_email", '') DESC, COALESCE("mobile", '') DESC, COALESCE("desk_phone_number", '') DESC, COALESCE(CAST("record_unmapped" AS VARCHAR), '') DESC
  ) AS "record_rank"
  FROM "connect_datalake"."users_files"
) AS ranked
WHERE "record_rank" = 1
  AND "record_moved_to" IS NULL
  AND NOT "record_is_deleted";

CREATE OR REPLACE VIEW "connect_datalake"."users_plain" AS
SELECT
  "user_id",
  "user_arn",
  "directory_user_id",
  "agent_hierarchy_group_id",
  "agent_hierarchy_group_arn",
  "agent_hierarchy_group_level_1_id",
  "agent_hierarchy_group_level_2_id",
  "agent_hierarchy_group_level_3_id",
  "agent_hierarchy_group_level_4_id",
  "agent_hierarchy_group_level_5_id",
  "instance_id",
  "instance_arn",
  "agent_routing_profile_id",
  "agent_routing_profile_arn",
  "agent_security_profile_ids",
  "agent_security_profile_arns",
  "after_contact_work_time_limit",
  "auto_accept",
  "persistent_connection",
  "phone_type",
  "agent_voice_enhancement_mode",
  "user_tags",
  "data_lake_last_processed_timestamp",
  "last_modified_timestamp",
  "last_modified_region",
  "is_active",
  "year",
  "month",
  "day"
FROM (
  SELECT *, ROW_NUMBER() OVER (
    PARTITION BY "year", "month", "day", "user_id"
    ORDER BY COALESCE("record_fidelity", '') DESC, COALESCE("record_version", '') DESC, CASE WHEN "record_is_redacted" THEN 1 ELSE 0 END DESC, COALESCE("record_catalogue_version", 0) DESC, COALESCE("record_hash", '') DESC
  ) AS "record_rank"
  FROM "connect_datalake"."users_files"
) AS ranked
WHERE "record_rank" = 1
  AND "record_moved_to" IS NULL
  AND NOT "record_is_deleted";
