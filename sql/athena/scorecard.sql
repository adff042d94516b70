-- Generated from the catalogue by `make golden`. Do not edit.
-- The lake is s3://trunkline-lake here: put the URL of yours in its place. Run one statement at a time.

CREATE SCHEMA IF NOT EXISTS `post_call_analytics`;

CREATE EXTERNAL TABLE IF NOT EXISTS `post_call_analytics`.`scorecards_files` (
  `guid` string,
  `datetime` string,
  `call_timestamp_utc` timestamp,
  `agent` string,
  `call_type` string,
  `ingested_at` timestamp,
  `notes` string,
  `outcome` string,
  `overall_score` decimal(38,20),
  `primary_intent` string,
  `resolution_reason` string,
  `summary` string,
  `secondary_intent` string,
  `score_ask_for_payment` decimal(38,20),
  `score_confirm_location` decimal(38,20),
  `score_features_advantages` decimal(38,20),
  `score_handle_objections` decimal(38,20),
  `score_size_recommendation` decimal(38,20),
  `score_urgency` decimal(38,20),
  `evidence_ask_for_payment` string,
  `evidence_confirm_location` string,
  `evidence_features_advantages` string,
  `evidence_handle_objections` string,
  `evidence_size_recommendation` string,
  `evidence_urgency` string,
  `other_scores` map<string,decimal(38,20)>,
  `other_evidence` map<string,string>,
  `deleted_by` string,
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
LOCATION 's3://trunkline-lake/scorecards/'
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
  'storage.location.template' = 's3://trunkline-lake/scorecards/year=${year}/month=${month}/day=${day}/'
);

CREATE OR REPLACE VIEW "post_call_analytics"."scorecards_versions" AS
SELECT
  "guid",
  "datetime",
  "call_timestamp_utc",
  "agent",
  "call_type",
  "ingested_at",
  "notes",
  "outcome",
  "overall_score",
  "primary_intent",
  "resolution_reason",
  "summary",
  "secondary_intent",
  "score_ask_for_payment",
  "score_confirm_location",
  "score_features_advantages",
  "score_handle_objections",
  "score_size_recommendation",
  "score_urgency",
  "evidence_ask_for_payment",
  "evidence_confirm_location",
  "evidence_features_advantages",
  "evidence_handle_objections",
  "evidence_size_recommendation",
  "evidence_urgency",
  "other_scores",
  "other_evidence",
  "deleted_by",
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
    PARTITION BY "year", "month", "day", "guid", "record_version", "record_hash"
    ORDER BY COALESCE("record_fidelity", '') DESC, COALESCE("record_version", '') DESC, CASE WHEN "record_is_redacted" THEN 1 ELSE 0 END DESC, COALESCE("record_catalogue_version", 0) DESC, COALESCE("record_hash", '') DESC, COALESCE(JSON_FORMAT(CAST("other_evidence" AS JSON)), '') DESC, COALESCE(CAST("record_unmapped" AS VARCHAR), '') DESC, "record_arrived_at", "record_position", "record_loaded_at"
  ) AS "record_rank"
  FROM "post_call_analytics"."scorecards_files"
  WHERE "record_moved_to" IS NULL
) AS ranked
WHERE "record_rank" = 1;

CREATE OR REPLACE VIEW "post_call_analytics"."scorecards" AS
SELECT
  "guid",
  "datetime",
  "call_timestamp_utc",
  "agent",
  "call_type",
  "ingested_at",
  "notes",
  "outcome",
  "overall_score",
  "primary_intent",
  "resolution_reason",
  "summary",
  "secondary_intent",
  "score_ask_for_payment",
  "score_confirm_location",
  "score_features_advantages",
  "score_handle_objections",
  "score_size_recommendation",
  "score_urgency",
  "evidence_ask_for_payment",
  "evidence_confirm_location",
  "evidence_features_advantages",
  "evidence_handle_objections",
  "evidence_size_recommendation",
  "evidence_urgency",
  "other_scores",
  "other_evidence",
  "deleted_by",
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
    PARTITION BY "year", "month", "day", "guid"
    ORDER BY COALESCE("record_fidelity", '') DESC, COALESCE("record_version", '') DESC, CASE WHEN "record_is_redacted" THEN 1 ELSE 0 END DESC, COALESCE("record_catalogue_version", 0) DESC, COALESCE("record_hash", '') DESC, COALESCE(JSON_FORMAT(CAST("other_evidence" AS JSON)), '') DESC, COALESCE(CAST("record_unmapped" AS VARCHAR), '') DESC
  ) AS "record_rank"
  FROM "post_call_analytics"."scorecards_files"
) AS ranked
WHERE "record_rank" = 1
  AND "record_moved_to" IS NULL
  AND NOT "record_is_deleted";

CREATE OR REPLACE VIEW "post_call_analytics"."scorecards_plain" AS
SELECT
  "guid",
  "datetime",
  "call_timestamp_utc",
  "agent",
  "call_type",
  "ingested_at",
  "outcome",
  "overall_score",
  "primary_intent",
  "secondary_intent",
  "score_ask_for_payment",
  "score_confirm_location",
  "score_features_advantages",
  "score_handle_objections",
  "score_size_recommendation",
  "score_urgency",
  "other_scores",
  "deleted_by",
  "year",
  "month",
  "day"
FROM (
  SELECT *, ROW_NUMBER() OVER (
    PARTITION BY "year", "month", "day", "guid"
    ORDER BY COALESCE("record_fidelity", '') DESC, COALESCE("record_version", '') DESC, CASE WHEN "record_is_redacted" THEN 1 ELSE 0 END DESC, COALESCE("record_catalogue_version", 0) DESC, COALESCE("record_hash", '') DESC
  ) AS "record_rank"
  FROM "post_call_analytics"."scorecards_files"
) AS ranked
WHERE "record_rank" = 1
  AND "record_moved_to" IS NULL
  AND NOT "record_is_deleted";
