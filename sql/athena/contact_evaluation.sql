-- Generated from the catalogue by `make golden`. Do not edit.
-- The lake is s3://trunkline-lake here: put the URL of yours in its place. Run one statement at a time.

CREATE SCHEMA IF NOT EXISTS `connect_datalake`;

CREATE EXTERNAL TABLE IF NOT EXISTS `connect_datalake`.`contact_evaluation_files` (
  `evaluation_id` string,
  `aws_account_id` string,
  `instance_id` string,
  `contact_id` string,
  `user_id` string,
  `form_id` string,
  `form_title` string,
  `form_version` bigint,
  `evaluator` string,
  `creator` string,
  `evaluation_start_timestamp` timestamp,
  `evaluation_submitted_timestamp` timestamp,
  `score` double,
  `automatic_fail` boolean,
  `score_not_applicable` boolean,
  `evaluation_source` string,
  `evaluation_type` string,
  `auto_evaluated` boolean,
  `resubmitted` boolean,
  `calibration_session_id` string,
  `acknowledger_id` string,
  `acknowledger_username` string,
  `acknowledger_comment` string,
  `evaluation_acknowledged_timestamp` timestamp,
  `evaluated_participant_role` string,
  `evaluated_participant_id` string,
  `schema_version` string,
  `items` array<struct<item_reference_id:string,item_type:string,parent_reference_id:string,item_title:string,score:double,automatic_fail:boolean,not_applicable:boolean,question_type:string,text_answer:string,numeric_answer:double,date_time_answer:timestamp,answer_reference_id:string,multi_select_answer_reference_ids:array<string>,automation_status:string,automation_gen_ai_text_answer:string,notes:string>>,
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
LOCATION 's3://trunkline-lake/connect_datalake/contact_evaluation/'
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
  'storage.location.template' = 's3://trunkline-lake/connect_datalake/contact_evaluation/year=${year}/month=${month}/day=${day}/'
);

CREATE OR REPLACE VIEW "connect_datalake"."contact_evaluation_versions" AS
SELECT
  "evaluation_id",
  "aws_account_id",
  "instance_id",
  "contact_id",
  "user_id",
  "form_id",
  "form_title",
  "form_version",
  "evaluator",
  "creator",
  "evaluation_start_timestamp",
  "evaluation_submitted_timestamp",
  "score",
  "automatic_fail",
  "score_not_applicable",
  "evaluation_source",
  "evaluation_type",
  "auto_evaluated",
  "resubmitted",
  "calibration_session_id",
  "acknowledger_id",
  "acknowledger_username",
  "acknowledger_comment",
  "evaluation_acknowledged_timestamp",
  "evaluated_participant_role",
  "evaluated_participant_id",
  "schema_version",
  "items",
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
    PARTITION BY "year", "month", "day", "evaluation_id", "record_version", "record_hash"
    ORDER BY COALESCE("record_fidelity", '') DESC, COALESCE("record_version", '') DESC, CASE WHEN "record_is_redacted" THEN 1 ELSE 0 END DESC, COALESCE("record_catalogue_version", 0) DESC, COALESCE("record_hash", '') DESC, COALESCE(JSON_FORMAT(CAST("items" AS JSON)), '') DESC, COALESCE(CAST("record_unmapped" AS VARCHAR), '') DESC, "record_arrived_at", "record_position", "record_loaded_at"
  ) AS "record_rank"
  FROM "connect_datalake"."contact_evaluation_files"
  WHERE "record_moved_to" IS NULL
) AS ranked
WHERE "record_rank" = 1;

CREATE OR REPLACE VIEW "connect_datalake"."contact_evaluation" AS
SELECT
  "evaluation_id",
  "aws_account_id",
  "instance_id",
  "contact_id",
  "user_id",
  "form_id",
  "form_title",
  "form_version",
  "evaluator",
  "creator",
  "evaluation_start_timestamp",
  "evaluation_submitted_timestamp",
  "score",
  "automatic_fail",
  "score_not_applicable",
  "evaluation_source",
  "evaluation_type",
  "auto_evaluated",
  "resubmitted",
  "calibration_session_id",
  "acknowledger_id",
  "acknowledger_username",
  "acknowledger_comment",
  "evaluation_acknowledged_timestamp",
  "evaluated_participant_role",
  "evaluated_participant_id",
  "schema_version",
  "items",
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
    PARTITION BY "year", "month", "day", "evaluation_id"
    ORDER BY COALESCE("record_fidelity", '') DESC, COALESCE("record_version", '') DESC, CASE WHEN "record_is_redacted" THEN 1 ELSE 0 END DESC, COALESCE("record_catalogue_version", 0) DESC, COALESCE("record_hash", '') DESC, COALESCE(JSON_FORMAT(CAST("items" AS JSON)), '') DESC, COALESCE(CAST("record_unmapped" AS VARCHAR), '') DESC
  ) AS "record_rank"
  FROM "connect_datalake"."contact_evaluation_files"
) AS ranked
WHERE "record_rank" = 1
  AND "record_moved_to" IS NULL
  AND NOT "record_is_deleted";

CREATE OR REPLACE VIEW "connect_datalake"."contact_evaluation_plain" AS
SELECT
  "evaluation_id",
  "aws_account_id",
  "instance_id",
  "contact_id",
  "user_id",
  "form_id",
  "form_title",
  "form_version",
  "evaluation_start_timestamp",
  "evaluation_submitted_timestamp",
  "score",
  "automatic_fail",
  "score_not_applicable",
  "evaluation_source",
  "evaluation_type",
  "auto_evaluated",
  "resubmitted",
  "calibration_session_id",
  "acknowledger_id",
  "evaluation_acknowledged_timestamp",
  "evaluated_participant_role",
  "evaluated_participant_id",
  "schema_version",
  "year",
  "month",
  "day"
FROM (
  SELECT *, ROW_NUMBER() OVER (
    PARTITION BY "year", "month", "day", "evaluation_id"
    ORDER BY COALESCE("record_fidelity", '') DESC, COALESCE("record_version", '') DESC, CASE WHEN "record_is_redacted" THEN 1 ELSE 0 END DESC, COALESCE("record_catalogue_version", 0) DESC, COALESCE("record_hash", '') DESC
  ) AS "record_rank"
  FROM "connect_datalake"."contact_evaluation_files"
) AS ranked
WHERE "record_rank" = 1
  AND "record_moved_to" IS NULL
  AND NOT "record_is_deleted";
