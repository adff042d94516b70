-- Generated from the catalogue by `make golden`. Do not edit.
-- The lake is s3://trunkline-lake here: put the URL of yours in its place. Run one statement at a time.

CREATE SCHEMA IF NOT EXISTS `connect_datalake`;

CREATE EXTERNAL TABLE IF NOT EXISTS `connect_datalake`.`agent_files` (
  `agent_id` string,
  `agent_arn` string,
  `agent_username` string,
  `first_name` string,
  `last_name` string,
  `agent_email` string,
  `agent_secondary_email` string,
  `mobile` string,
  `directory_user_id` string,
  `agent_routing_profile_id` string,
  `agent_hierarchy_group_id` string,
  `agent_security_profile_ids` array<string>,
  `phone_type` string,
  `desk_phone_number` string,
  `auto_accept` boolean,
  `after_contact_work_time_limit` int,
  `persistent_connection` boolean,
  `auto_accept_configs` string,
  `after_contact_work_configs` string,
  `phone_number_configs` string,
  `persistent_connection_configs` string,
  `voice_enhancement_configs` string,
  `agent_tags` string,
  `last_modified_timestamp` timestamp,
  `last_modified_region` string,
  `instance_id` string,
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
LOCATION 's3://trunkline-lake/connect_datalake/agent/'
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
  'storage.location.template' = 's3://trunkline-lake/connect_datalake/agent/year=${year}/month=${month}/day=${day}/'
);

CREATE OR REPLACE VIEW "connect_datalake"."agent_versions" AS
SELECT
  "agent_id",
  "agent_arn",
  "agent_username",
  "first_name",
  "last_name",
  "agent_email",
  "agent_secondary_email",
  "mobile",
  "directory_user_id",
  "agent_routing_profile_id",
  "agent_hierarchy_group_id",
  "agent_security_profile_ids",
  "phone_type",
  "desk_phone_number",
  "auto_accept",
  "after_contact_work_time_limit",
  "persistent_connection",
  "auto_accept_configs",
  "after_contact_work_configs",
  "phone_number_configs",
  "persistent_connection_configs",
  "voice_enhancement_configs",
  "agent_tags",
  "last_modified_timestamp",
  "last_modified_region",
  "instance_id",
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
    PARTITION BY "year", "month", "day", "agent_id", "record_version", "record_hash"
    ORDER BY COALESCE("record_fidelity", '') DESC, COALESCE("record_version", '') DESC, CASE WHEN "record_is_redacted" THEN 1 ELSE 0 END DESC, COALESCE("record_catalogue_version", 0) DESC, COALESCE("record_hash", '') DESC, COALESCE("agent_email", '') DESC, COALESCE("agent_secondary_email", '') DESC, COALESCE("mobile", '') DESC, COALESCE("desk_phone_number", '') DESC, COALESCE(CAST("phone_number_configs" AS VARCHAR), '') DESC, COALESCE(CAST("record_unmapped" AS VARCHAR), '') DESC, "record_arrived_at", "record_position", "record_loaded_at"
  ) AS "record_rank"
  FROM "connect_datalake"."agent_files"
  WHERE "record_moved_to" IS NULL
) AS ranked
WHERE "record_rank" = 1;

CREATE OR REPLACE VIEW "connect_datalake"."agent" AS
SELECT
  "agent_id",
  "agent_arn",
  "agent_username",
  "first_name",
  "last_name",
  "agent_email",
  "agent_secondary_email",
  "mobile",
  "directory_user_id",
  "agent_routing_profile_id",
  "agent_hierarchy_group_id",
  "agent_security_profile_ids",
  "phone_type",
  "desk_phone_number",
  "auto_accept",
  "after_contact_work_time_limit",
  "persistent_connection",
  "auto_accept_configs",
  "after_contact_work_configs",
  "phone_number_configs",
  "persistent_connection_configs",
  "voice_enhancement_configs",
  "agent_tags",
  "last_modified_timestamp",
  "last_modified_region",
  "instance_id",
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
    PARTITION BY "year", "month", "day", "agent_id"
    ORDER BY COALESCE("record_fidelity", '') DESC, COALESCE("record_version", '') DESC, CASE WHEN "record_is_redacted" THEN 1 ELSE 0 END DESC, COALESCE("record_catalogue_version", 0) DESC, COALESCE("record_hash", '') DESC, COALESCE("agent_email", '') DESC, COALESCE("agent_secondary_email", '') DESC, COALESCE("mobile", '') DESC, COALESCE("desk_phone_number", '') DESC, COALESCE(CAST("phone_number_configs" AS VARCHAR), '') DESC, COALESCE(CAST("record_unmapped" AS VARCHAR), '') DESC
  ) AS "record_rank"
  FROM "connect_datalake"."agent_files"
) AS ranked
WHERE "record_rank" = 1
  AND "record_moved_to" IS NULL
  AND NOT "record_is_deleted";

CREATE OR REPLACE VIEW "connect_datalake"."agent_plain" AS
SELECT
  "agent_id",
  "agent_arn",
  "directory_user_id",
  "agent_routing_profile_id",
  "agent_hierarchy_group_id",
  "agent_security_profile_ids",
  "phone_type",
  "auto_accept",
  "after_contact_work_time_limit",
  "persistent_connection",
  "auto_accept_configs",
  "after_contact_work_configs",
  "persistent_connection_configs",
  "voice_enhancement_configs",
  "agent_tags",
  "last_modified_timestamp",
  "last_modified_region",
  "instance_id",
  "year",
  "month",
  "day"
FROM (
  SELECT *, ROW_NUMBER() OVER (
    PARTITION BY "year", "month", "day", "agent_id"
    ORDER BY COALESCE("record_fidelity", '') DESC, COALESCE("record_version", '') DESC, CASE WHEN "record_is_redacted" THEN 1 ELSE 0 END DESC, COALESCE("record_catalogue_version", 0) DESC, COALESCE("record_hash", '') DESC
  ) AS "record_rank"
  FROM "connect_datalake"."agent_files"
) AS ranked
WHERE "record_rank" = 1
  AND "record_moved_to" IS NULL
  AND NOT "record_is_deleted";
