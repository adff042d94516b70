-- Generated from the catalogue by `make golden`. Do not edit.

CREATE SCHEMA IF NOT EXISTS "connect";

CREATE SCHEMA IF NOT EXISTS "connect_datalake";

CREATE TABLE IF NOT EXISTS "connect"."f_contact_evaluation" (
  "evaluation_id" VARCHAR(512) NOT NULL,
  "aws_account_id" VARCHAR(512),
  "instance_id" VARCHAR(512),
  "contact_id" VARCHAR(512),
  "user_id" VARCHAR(512),
  "form_id" VARCHAR(512),
  "form_title" VARCHAR(65535),
  "form_version" BIGINT,
  "evaluator" VARCHAR(65535),
  "creator" VARCHAR(65535),
  "evaluation_start_timestamp" TIMESTAMP,
  "evaluation_submitted_timestamp" TIMESTAMP,
  "score" DOUBLE PRECISION,
  "automatic_fail" BOOLEAN,
  "score_not_applicable" BOOLEAN,
  "evaluation_source" VARCHAR(65535),
  "evaluation_type" VARCHAR(256),
  "auto_evaluated" BOOLEAN,
  "resubmitted" BOOLEAN,
  "calibration_session_id" VARCHAR(512),
  "acknowledger_id" VARCHAR(512),
  "acknowledger_username" VARCHAR(1024),
  "acknowledger_comment" VARCHAR(65535),
  "evaluation_acknowledged_timestamp" TIMESTAMP,
  "evaluated_participant_role" VARCHAR(65535),
  "evaluated_participant_id" VARCHAR(512),
  "schema_version" VARCHAR(256),
  "items" SUPER,
  "record_version" VARCHAR(128),
  "record_fidelity" VARCHAR(16) NOT NULL,
  "record_is_redacted" BOOLEAN NOT NULL,
  "record_catalogue_version" INTEGER NOT NULL,
  "record_hash" VARCHAR(32) NOT NULL,
  "record_position" VARCHAR(4096) NOT NULL,
  "record_arrived_at" TIMESTAMP NOT NULL,
  "record_loaded_at" TIMESTAMP NOT NULL,
  "record_unmapped" SUPER,
  "record_is_deleted" BOOLEAN NOT NULL
)
DISTSTYLE KEY
DISTKEY ("evaluation_id")
SORTKEY ("evaluation_submitted_timestamp");

CREATE TABLE IF NOT EXISTS "connect"."f_contact_evaluation_staging" (
  "evaluation_id" VARCHAR(512) NOT NULL,
  "aws_account_id" VARCHAR(512),
  "instance_id" VARCHAR(512),
  "contact_id" VARCHAR(512),
  "user_id" VARCHAR(512),
  "form_id" VARCHAR(512),
  "form_title" VARCHAR(65535),
  "form_version" BIGINT,
  "evaluator" VARCHAR(65535),
  "creator" VARCHAR(65535),
  "evaluation_start_timestamp" TIMESTAMP,
  "evaluation_submitted_timestamp" TIMESTAMP,
  "score" DOUBLE PRECISION,
  "automatic_fail" BOOLEAN,
  "score_not_applicable" BOOLEAN,
  "evaluation_source" VARCHAR(65535),
  "evaluation_type" VARCHAR(256),
  "auto_evaluated" BOOLEAN,
  "resubmitted" BOOLEAN,
  "calibration_session_id" VARCHAR(512),
  "acknowledger_id" VARCHAR(512),
  "acknowledger_username" VARCHAR(1024),
  "acknowledger_comment" VARCHAR(65535),
  "evaluation_acknowledged_timestamp" TIMESTAMP,
  "evaluated_participant_role" VARCHAR(65535),
  "evaluated_participant_id" VARCHAR(512),
  "schema_version" VARCHAR(256),
  "items" SUPER,
  "record_version" VARCHAR(128),
  "record_fidelity" VARCHAR(16),
  "record_is_redacted" BOOLEAN,
  "record_catalogue_version" INTEGER,
  "record_hash" VARCHAR(32),
  "record_position" VARCHAR(4096),
  "record_arrived_at" TIMESTAMP,
  "record_loaded_at" TIMESTAMP,
  "record_unmapped" SUPER,
  "record_is_deleted" BOOLEAN
)
DISTSTYLE KEY
DISTKEY ("evaluation_id")
SORTKEY ("evaluation_submitted_timestamp");

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
  "items"
FROM "connect"."f_contact_evaluation"
WHERE NOT "record_is_deleted"
WITH NO SCHEMA BINDING;
