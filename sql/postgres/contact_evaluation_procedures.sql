-- Generated from the catalogue by `make golden`. Do not edit.
-- Call connect.insert_new_f_contact_evaluation() or connect.insert_new_f_contact_evaluation(staging, batch_id).

CREATE OR REPLACE PROCEDURE "connect"."merge_f_contact_evaluation" (
  record_staging IN TEXT,
  record_batch_id IN TEXT,
  record_n_inserted INOUT BIGINT,
  record_n_updated INOUT BIGINT,
  record_n_deleted INOUT BIGINT,
  record_n_superseded INOUT BIGINT,
  record_n_duplicate INOUT BIGINT
) AS $$
DECLARE
  record_source TEXT;
  record_n_staged BIGINT;
  record_n_keys BIGINT;
  record_n_beaten BIGINT;
  record_n_merged BIGINT;
  record_n_better BIGINT;
  record_n_revived BIGINT;
  record_n_replaced BIGINT;
  record_n_ended BIGINT;
  record_n_late BIGINT;
BEGIN
  -- Overwrites connect.f_contact_evaluation by key: of all versions of a key, in the table and staged, the best stays.
  -- Best is: record_fidelity (stream above api), then record_version, redacted over not, the newer catalogue,
  -- record_hash, and last the personal columns that the hash leaves out. So late and repeated versions change nothing.
  -- No COMMIT and no TRUNCATE: the caller's transaction holds the merge and the ledger's row together.

  -- The lock first, before anything is read. Readers go on; a second loader waits here.
  LOCK TABLE "connect"."f_contact_evaluation" IN SHARE ROW EXCLUSIVE MODE;

  -- The one name that the caller gives: schema.table, or a table's name alone.
  record_source := quote_ident(SPLIT_PART(record_staging, '.', 1));
  IF SPLIT_PART(record_staging, '.', 2) <> '' THEN
    record_source := record_source || '.' || quote_ident(SPLIT_PART(record_staging, '.', 2));
  END IF;
  IF record_staging IS NULL OR SPLIT_PART(record_staging, '.', 1) = '' OR SPLIT_PART(record_staging, '.', 3) <> '' THEN
    RAISE EXCEPTION 'merge_f_contact_evaluation: staging is %, but must be schema.table or table', record_staging;
  END IF;
  IF record_staging IN ('connect.f_contact_evaluation', 'f_contact_evaluation') THEN
    RAISE EXCEPTION 'merge_f_contact_evaluation: staging is the target %, name a staging table', record_staging;
  END IF;

  -- What an earlier call in the same session may have left.
  DROP TABLE IF EXISTS pg_temp."trunkline_f_contact_evaluation_elsewhere";
  DROP TABLE IF EXISTS pg_temp."trunkline_f_contact_evaluation_verdict";
  DROP TABLE IF EXISTS pg_temp."trunkline_f_contact_evaluation_beaten";
  DROP VIEW IF EXISTS pg_temp."trunkline_f_contact_evaluation_source";

  -- The staged rows under a fixed name, so that what follows is plain SQL. record_row is a row's address.
  EXECUTE 'CREATE TEMP VIEW "trunkline_f_contact_evaluation_source" AS
    SELECT s.ctid AS "record_row",
      s."evaluation_id",
      s."aws_account_id",
      s."instance_id",
      s."contact_id",
      s."user_id",
      s."form_id",
      s."form_title",
      s."form_version",
      s."evaluator",
      s."creator",
      s."evaluation_start_timestamp",
      s."evaluation_submitted_timestamp",
      s."score",
      s."automatic_fail",
      s."score_not_applicable",
      s."evaluation_source",
      s."evaluation_type",
      s."auto_evaluated",
      s."resubmitted",
      s."calibration_session_id",
      s."acknowledger_id",
      s."acknowledger_username",
      s."acknowledger_comment",
      s."evaluation_acknowledged_timestamp",
      s."evaluated_participant_role",
      s."evaluated_participant_id",
      s."schema_version",
      s."items",
      s."record_version",
      s."record_fidelity",
      s."record_is_redacted",
      s."record_catalogue_version",
      s."record_hash",
      s."record_position",
      s."record_arrived_at",
      s."record_loaded_at",
      s."record_unmapped",
      s."record_is_deleted"
    FROM ' || record_source || ' AS s';

  -- Of the rows of one key, all but the best are beaten. Most keys come once and need no ranking, which hashes tell
  -- faster than keys. Two keys of one hash only mean that rows are ranked for nothing.
  SELECT INTO record_n_staged, record_n_keys COUNT(*), COUNT(DISTINCT hashtextextended(CAST(s."evaluation_id" AS TEXT), 0))
  FROM "trunkline_f_contact_evaluation_source" AS s;
  CREATE TEMP TABLE "trunkline_f_contact_evaluation_beaten" ("record_row" tid);
  IF record_n_keys < record_n_staged THEN
    INSERT INTO "trunkline_f_contact_evaluation_beaten"
    SELECT r."record_row"
    FROM (
      SELECT s."record_row", ROW_NUMBER() OVER (
        PARTITION BY s."evaluation_id"
        ORDER BY
          COALESCE(s."record_fidelity", '') COLLATE "C" DESC,
          COALESCE(s."record_version", '') COLLATE "C" DESC,
          CASE WHEN s."record_is_redacted" THEN 1 ELSE 0 END DESC,
          COALESCE(s."record_catalogue_version", 0) DESC,
          COALESCE(s."record_hash", '') COLLATE "C" DESC,
          COALESCE(CAST(s."items" AS TEXT), '') COLLATE "C" DESC,
          COALESCE(CAST(s."record_unmapped" AS TEXT), '') COLLATE "C" DESC
      ) AS "record_place"
      FROM "trunkline_f_contact_evaluation_source" AS s
      WHERE (s."evaluation_id") IN (SELECT m."evaluation_id" FROM "trunkline_f_contact_evaluation_source" AS m GROUP BY m."evaluation_id" HAVING COUNT(*) > 1)
    ) AS r
    WHERE r."record_place" > 1;
    GET DIAGNOSTICS record_n_beaten = ROW_COUNT;
    record_n_keys := record_n_staged - record_n_beaten;
  END IF;

  -- The best staged row of each key goes in, over the table's row where it is better: the first difference decides.
  -- A row that was there before has a number in xmax, a new one has 0. A row of the table that says deleted or lies at
  -- another date is left for later: when its successor is in, nobody can see that any more.
  WITH merged AS (
    INSERT INTO "connect"."f_contact_evaluation" AS t (
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
      "record_is_deleted"
    )
    SELECT
      s."evaluation_id",
      s."aws_account_id",
      s."instance_id",
      s."contact_id",
      s."user_id",
      s."form_id",
      s."form_title",
      s."form_version",
      s."evaluator",
      s."creator",
      s."evaluation_start_timestamp",
      s."evaluation_submitted_timestamp",
      s."score",
      s."automatic_fail",
      s."score_not_applicable",
      s."evaluation_source",
      s."evaluation_type",
      s."auto_evaluated",
      s."resubmitted",
      s."calibration_session_id",
      s."acknowledger_id",
      s."acknowledger_username",
      s."acknowledger_comment",
      s."evaluation_acknowledged_timestamp",
      s."evaluated_participant_role",
      s."evaluated_participant_id",
      s."schema_version",
      s."items",
      s."record_version",
      s."record_fidelity",
      s."record_is_redacted",
      s."record_catalogue_version",
      s."record_hash",
      s."record_position",
      s."record_arrived_at",
      s."record_loaded_at",
      s."record_unmapped",
      s."record_is_deleted"
    FROM "trunkline_f_contact_evaluation_source" AS s
    WHERE s."record_row" NOT IN (SELECT b."record_row" FROM "trunkline_f_contact_evaluation_beaten" AS b)
    ON CONFLICT ("evaluation_id") DO UPDATE SET
      "aws_account_id" = EXCLUDED."aws_account_id",
      "instance_id" = EXCLUDED."instance_id",
      "contact_id" = EXCLUDED."contact_id",
      "user_id" = EXCLUDED."user_id",
      "form_id" = EXCLUDED."form_id",
      "form_title" = EXCLUDED."form_title",
      "form_version" = EXCLUDED."form_version",
      "evaluator" = EXCLUDED."evaluator",
      "creator" = EXCLUDED."creator",
      "evaluation_start_timestamp" = EXCLUDED."evaluation_start_timestamp",
      "evaluation_submitted_timestamp" = EXCLUDED."evaluation_submitted_timestamp",
      "score" = EXCLUDED."score",
      "automatic_fail" = EXCLUDED."automatic_fail",
      "score_not_applicable" = EXCLUDED."score_not_applicable",
      "evaluation_source" = EXCLUDED."evaluation_source",
      "evaluation_type" = EXCLUDED."evaluation_type",
      "auto_evaluated" = EXCLUDED."auto_evaluated",
      "resubmitted" = EXCLUDED."resubmitted",
      "calibration_session_id" = EXCLUDED."calibration_session_id",
      "acknowledger_id" = EXCLUDED."acknowledger_id",
      "acknowledger_username" = EXCLUDED."acknowledger_username",
      "acknowledger_comment" = EXCLUDED."acknowledger_comment",
      "evaluation_acknowledged_timestamp" = EXCLUDED."evaluation_acknowledged_timestamp",
      "evaluated_participant_role" = EXCLUDED."evaluated_participant_role",
      "evaluated_participant_id" = EXCLUDED."evaluated_participant_id",
      "schema_version" = EXCLUDED."schema_version",
      "items" = EXCLUDED."items",
      "record_version" = EXCLUDED."record_version",
      "record_fidelity" = EXCLUDED."record_fidelity",
      "record_is_redacted" = EXCLUDED."record_is_redacted",
      "record_catalogue_version" = EXCLUDED."record_catalogue_version",
      "record_hash" = EXCLUDED."record_hash",
      "record_position" = EXCLUDED."record_position",
      "record_arrived_at" = EXCLUDED."record_arrived_at",
      "record_loaded_at" = EXCLUDED."record_loaded_at",
      "record_unmapped" = EXCLUDED."record_unmapped",
      "record_is_deleted" = EXCLUDED."record_is_deleted"
    WHERE NOT t."record_is_deleted"
      AND COALESCE(CAST(EXCLUDED."evaluation_submitted_timestamp" AS DATE), DATE '1970-01-01') = COALESCE(CAST(t."evaluation_submitted_timestamp" AS DATE), DATE '1970-01-01')
      AND CASE
        WHEN COALESCE(EXCLUDED."record_fidelity", '') COLLATE "C" > COALESCE(t."record_fidelity", '') COLLATE "C" THEN 1
        WHEN COALESCE(EXCLUDED."record_fidelity", '') COLLATE "C" < COALESCE(t."record_fidelity", '') COLLATE "C" THEN -1
        WHEN COALESCE(EXCLUDED."record_version", '') COLLATE "C" > COALESCE(t."record_version", '') COLLATE "C" THEN 1
        WHEN COALESCE(EXCLUDED."record_version", '') COLLATE "C" < COALESCE(t."record_version", '') COLLATE "C" THEN -1
        WHEN CASE WHEN EXCLUDED."record_is_redacted" THEN 1 ELSE 0 END > CASE WHEN t."record_is_redacted" THEN 1 ELSE 0 END THEN 1
        WHEN CASE WHEN EXCLUDED."record_is_redacted" THEN 1 ELSE 0 END < CASE WHEN t."record_is_redacted" THEN 1 ELSE 0 END THEN -1
        WHEN COALESCE(EXCLUDED."record_catalogue_version", 0) > COALESCE(t."record_catalogue_version", 0) THEN 1
        WHEN COALESCE(EXCLUDED."record_catalogue_version", 0) < COALESCE(t."record_catalogue_version", 0) THEN -1
        WHEN COALESCE(EXCLUDED."record_hash", '') COLLATE "C" > COALESCE(t."record_hash", '') COLLATE "C" THEN 1
        WHEN COALESCE(EXCLUDED."record_hash", '') COLLATE "C" < COALESCE(t."record_hash", '') COLLATE "C" THEN -1
        WHEN COALESCE(CAST(EXCLUDED."items" AS TEXT), '') COLLATE "C" > COALESCE(CAST(t."items" AS TEXT), '') COLLATE "C" THEN 1
        WHEN COALESCE(CAST(EXCLUDED."items" AS TEXT), '') COLLATE "C" < COALESCE(CAST(t."items" AS TEXT), '') COLLATE "C" THEN -1
        WHEN COALESCE(CAST(EXCLUDED."record_unmapped" AS TEXT), '') COLLATE "C" > COALESCE(CAST(t."record_unmapped" AS TEXT), '') COLLATE "C" THEN 1
        WHEN COALESCE(CAST(EXCLUDED."record_unmapped" AS TEXT), '') COLLATE "C" < COALESCE(CAST(t."record_unmapped" AS TEXT), '') COLLATE "C" THEN -1
        ELSE 0
      END = 1
    RETURNING t.xmax = 0 AS "record_is_new", t."record_is_deleted" AS "record_is_ended"
  )
  SELECT INTO record_n_merged, record_n_inserted, record_n_updated, record_n_deleted
    COUNT(*),
    COUNT(*) FILTER (WHERE m."record_is_new" AND NOT m."record_is_ended"),
    COUNT(*) FILTER (WHERE NOT m."record_is_new" AND NOT m."record_is_ended"),
    COUNT(*) FILTER (WHERE NOT m."record_is_new" AND m."record_is_ended")
  FROM merged AS m;

  -- What is left over is a copy of the table's row (0), or late (-1), or better (1) than a row that says deleted or
  -- lies at another date. Rows that went in equal the table's by now, as copies do.
  record_n_late := 0;
  IF record_n_merged < record_n_keys THEN
    CREATE TEMP TABLE "trunkline_f_contact_evaluation_verdict" AS
    SELECT r.*
    FROM (
      SELECT s."evaluation_id", s."record_row", s."record_is_deleted" AS "record_is_ended",
        t."record_is_deleted" AS "record_is_held_deleted",
        COALESCE(CAST(s."evaluation_submitted_timestamp" AS DATE), DATE '1970-01-01') <> COALESCE(CAST(t."evaluation_submitted_timestamp" AS DATE), DATE '1970-01-01') AS "record_is_moved",
        CASE
          WHEN COALESCE(s."record_fidelity", '') COLLATE "C" > COALESCE(t."record_fidelity", '') COLLATE "C" THEN 1
          WHEN COALESCE(s."record_fidelity", '') COLLATE "C" < COALESCE(t."record_fidelity", '') COLLATE "C" THEN -1
          WHEN COALESCE(s."record_version", '') COLLATE "C" > COALESCE(t."record_version", '') COLLATE "C" THEN 1
          WHEN COALESCE(s."record_version", '') COLLATE "C" < COALESCE(t."record_version", '') COLLATE "C" THEN -1
          WHEN CASE WHEN s."record_is_redacted" THEN 1 ELSE 0 END > CASE WHEN t."record_is_redacted" THEN 1 ELSE 0 END THEN 1
          WHEN CASE WHEN s."record_is_redacted" THEN 1 ELSE 0 END < CASE WHEN t."record_is_redacted" THEN 1 ELSE 0 END THEN -1
          WHEN COALESCE(s."record_catalogue_version", 0) > COALESCE(t."record_catalogue_version", 0) THEN 1
          WHEN COALESCE(s."record_catalogue_version", 0) < COALESCE(t."record_catalogue_version", 0) THEN -1
          WHEN COALESCE(s."record_hash", '') COLLATE "C" > COALESCE(t."record_hash", '') COLLATE "C" THEN 1
          WHEN COALESCE(s."record_hash", '') COLLATE "C" < COALESCE(t."record_hash", '') COLLATE "C" THEN -1
          WHEN COALESCE(CAST(s."items" AS TEXT), '') COLLATE "C" > COALESCE(CAST(t."items" AS TEXT), '') COLLATE "C" THEN 1
          WHEN COALESCE(CAST(s."items" AS TEXT), '') COLLATE "C" < COALESCE(CAST(t."items" AS TEXT), '') COLLATE "C" THEN -1
          WHEN COALESCE(CAST(s."record_unmapped" AS TEXT), '') COLLATE "C" > COALESCE(CAST(t."record_unmapped" AS TEXT), '') COLLATE "C" THEN 1
          WHEN COALESCE(CAST(s."record_unmapped" AS TEXT), '') COLLATE "C" < COALESCE(CAST(t."record_unmapped" AS TEXT), '') COLLATE "C" THEN -1
          ELSE 0
        END AS "record_comparison"
      FROM "trunkline_f_contact_evaluation_source" AS s
      JOIN "connect"."f_contact_evaluation" AS t ON t."evaluation_id" = s."evaluation_id"
      WHERE s."record_row" NOT IN (SELECT b."record_row" FROM "trunkline_f_contact_evaluation_beaten" AS b)
    ) AS r
    WHERE r."record_comparison" <> 0 OR r."record_is_moved";

    -- For who keeps a lake beside the table: its rows that lie at another date than a staged row of their key.
    CREATE TEMP TABLE "trunkline_f_contact_evaluation_elsewhere" ON COMMIT DROP AS
    SELECT
      t."evaluation_id",
      COALESCE(CAST(t."evaluation_submitted_timestamp" AS DATE), DATE '1970-01-01') AS record_held_date,
      t."record_fidelity",
      t."record_version",
      t."record_is_redacted",
      t."record_catalogue_version",
      t."record_hash",
      t."record_position",
      t."record_arrived_at",
      t."record_loaded_at"
    FROM "trunkline_f_contact_evaluation_verdict" AS v
    JOIN "connect"."f_contact_evaluation" AS t ON t."evaluation_id" = v."evaluation_id"
    WHERE EXISTS (
      SELECT 1 FROM "trunkline_f_contact_evaluation_source" AS s
      WHERE s."evaluation_id" = v."evaluation_id"
        AND COALESCE(CAST(s."evaluation_submitted_timestamp" AS DATE), DATE '1970-01-01') <> COALESCE(CAST(t."evaluation_submitted_timestamp" AS DATE), DATE '1970-01-01')
    );

    -- What comes over a row that says deleted is a new row.
    SELECT INTO record_n_better, record_n_revived, record_n_replaced, record_n_ended, record_n_late
      COUNT(*) FILTER (WHERE v."record_comparison" = 1),
      COUNT(*) FILTER (WHERE v."record_comparison" = 1 AND v."record_is_held_deleted" AND NOT v."record_is_ended"),
      COUNT(*) FILTER (WHERE v."record_comparison" = 1 AND NOT v."record_is_held_deleted" AND NOT v."record_is_ended"),
      COUNT(*) FILTER (WHERE v."record_comparison" = 1 AND NOT v."record_is_held_deleted" AND v."record_is_ended"),
      COUNT(*) FILTER (WHERE v."record_comparison" = -1)
    FROM "trunkline_f_contact_evaluation_verdict" AS v;
    record_n_inserted := record_n_inserted + record_n_revived;
    record_n_updated := record_n_updated + record_n_replaced;
    record_n_deleted := record_n_deleted + record_n_ended;
    IF record_n_better > 0 THEN
      DELETE FROM "connect"."f_contact_evaluation" AS t
      USING "trunkline_f_contact_evaluation_verdict" AS v
      WHERE t."evaluation_id" = v."evaluation_id" AND v."record_comparison" = 1;
      INSERT INTO "connect"."f_contact_evaluation" (
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
        "record_is_deleted"
      )
      SELECT
        s."evaluation_id",
        s."aws_account_id",
        s."instance_id",
        s."contact_id",
        s."user_id",
        s."form_id",
        s."form_title",
        s."form_version",
        s."evaluator",
        s."creator",
        s."evaluation_start_timestamp",
        s."evaluation_submitted_timestamp",
        s."score",
        s."automatic_fail",
        s."score_not_applicable",
        s."evaluation_source",
        s."evaluation_type",
        s."auto_evaluated",
        s."resubmitted",
        s."calibration_session_id",
        s."acknowledger_id",
        s."acknowledger_username",
        s."acknowledger_comment",
        s."evaluation_acknowledged_timestamp",
        s."evaluated_participant_role",
        s."evaluated_participant_id",
        s."schema_version",
        s."items",
        s."record_version",
        s."record_fidelity",
        s."record_is_redacted",
        s."record_catalogue_version",
        s."record_hash",
        s."record_position",
        s."record_arrived_at",
        s."record_loaded_at",
        s."record_unmapped",
        s."record_is_deleted"
      FROM "trunkline_f_contact_evaluation_verdict" AS v
      JOIN "trunkline_f_contact_evaluation_source" AS s ON s."record_row" = v."record_row"
      WHERE v."record_comparison" = 1;
    END IF;
    DROP TABLE "trunkline_f_contact_evaluation_verdict";
  END IF;

  -- Of the beaten rows, those that equal the row that is in the table now are copies, and the others are superseded.
  record_n_superseded := record_n_late;
  IF record_n_keys < record_n_staged THEN
    SELECT INTO record_n_superseded record_n_late + COUNT(*)
    FROM "trunkline_f_contact_evaluation_beaten" AS b
    JOIN "trunkline_f_contact_evaluation_source" AS s ON s."record_row" = b."record_row"
    JOIN "connect"."f_contact_evaluation" AS t ON t."evaluation_id" = s."evaluation_id"
    WHERE (
        COALESCE(s."record_fidelity", '') COLLATE "C",
        COALESCE(s."record_version", '') COLLATE "C",
        CASE WHEN s."record_is_redacted" THEN 1 ELSE 0 END,
        COALESCE(s."record_catalogue_version", 0),
        COALESCE(s."record_hash", '') COLLATE "C",
        COALESCE(CAST(s."items" AS TEXT), '') COLLATE "C",
        COALESCE(CAST(s."record_unmapped" AS TEXT), '') COLLATE "C"
      ) <> (
        COALESCE(t."record_fidelity", '') COLLATE "C",
        COALESCE(t."record_version", '') COLLATE "C",
        CASE WHEN t."record_is_redacted" THEN 1 ELSE 0 END,
        COALESCE(t."record_catalogue_version", 0),
        COALESCE(t."record_hash", '') COLLATE "C",
        COALESCE(CAST(t."items" AS TEXT), '') COLLATE "C",
        COALESCE(CAST(t."record_unmapped" AS TEXT), '') COLLATE "C"
      );
  END IF;

  -- Each staged row is counted once, so that the rest are duplicates. A row that says deleted stays,
  -- so that no late version brings its key back, and counts as no row: live rows are inserted minus deleted. A deletion
  -- of what is not there says nothing new, and is a duplicate too.
  record_n_duplicate := record_n_staged - record_n_inserted - record_n_updated - record_n_deleted - record_n_superseded;
  RAISE INFO 'merge_f_contact_evaluation: batch %, inserted %, updated %, deleted %, superseded %, duplicate %', record_batch_id, record_n_inserted, record_n_updated, record_n_deleted, record_n_superseded, record_n_duplicate;

  DROP TABLE "trunkline_f_contact_evaluation_beaten";
  DROP VIEW "trunkline_f_contact_evaluation_source";
END;
$$ LANGUAGE plpgsql
SET work_mem = '64MB'
SET jit = off;

CREATE OR REPLACE PROCEDURE "connect"."take_f_contact_evaluation_staging" (

) AS $$
BEGIN
  -- Moves the rows of connect.f_contact_evaluation_staging into the temporary table trunkline_f_contact_evaluation_by_hand.
  -- A record_* column that is NULL gets its value here:
  --   record_version            evaluation_submitted_timestamp as text; without one, the version of the row that the table has
  --   record_fidelity           'stream', as if it came from an export
  --   record_is_redacted        as the row that the table has, else FALSE
  --   record_catalogue_version  1,000,000, or one more than the table's row has, unless the two are equal:
  --                             so a row that differs wins where the versions are equal
  --   record_hash               MD5 over the row, so that of two staged rows with one version the same always wins
  --   record_position           the staging table's name
  --   record_arrived_at         now, UTC
  --   record_loaded_at          now, UTC
  --   record_is_deleted         FALSE
  -- So a row of an equal or missing version overwrites, one of a lower version is superseded, and staging the same rows
  -- again changes nothing.
  -- The lock comes before the first query, see merge_f_contact_evaluation.
  LOCK TABLE "connect"."f_contact_evaluation" IN SHARE ROW EXCLUSIVE MODE;

  DROP TABLE IF EXISTS pg_temp."trunkline_f_contact_evaluation_by_hand";
  CREATE TEMP TABLE "trunkline_f_contact_evaluation_by_hand" (LIKE "connect"."f_contact_evaluation_staging");
  WITH taken AS (DELETE FROM "connect"."f_contact_evaluation_staging" RETURNING *)
  INSERT INTO "trunkline_f_contact_evaluation_by_hand" (
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
    "record_is_deleted"
  )
  SELECT
    s."evaluation_id",
    s."aws_account_id",
    s."instance_id",
    s."contact_id",
    s."user_id",
    s."form_id",
    s."form_title",
    s."form_version",
    s."evaluator",
    s."creator",
    s."evaluation_start_timestamp",
    s."evaluation_submitted_timestamp",
    s."score",
    s."automatic_fail",
    s."score_not_applicable",
    s."evaluation_source",
    s."evaluation_type",
    s."auto_evaluated",
    s."resubmitted",
    s."calibration_session_id",
    s."acknowledger_id",
    s."acknowledger_username",
    s."acknowledger_comment",
    s."evaluation_acknowledged_timestamp",
    s."evaluated_participant_role",
    s."evaluated_participant_id",
    s."schema_version",
    s."items",
    COALESCE(s."record_version", COALESCE(RTRIM(RTRIM(TO_CHAR(s."evaluation_submitted_timestamp", 'YYYY-MM-DD HH24:MI:SS.US'), '0'), '.'), t."record_version")),
    COALESCE(s."record_fidelity", 'stream'),
    COALESCE(s."record_is_redacted", COALESCE(t."record_is_redacted", FALSE)),
    COALESCE(s."record_catalogue_version", CASE
      WHEN RANK() OVER (PARTITION BY s."evaluation_id" ORDER BY COALESCE(s."record_fidelity", 'stream') COLLATE "C" DESC, COALESCE(s."record_version", RTRIM(RTRIM(TO_CHAR(s."evaluation_submitted_timestamp", 'YYYY-MM-DD HH24:MI:SS.US'), '0'), '.'), t."record_version", '') COLLATE "C" DESC, CASE WHEN COALESCE(s."record_is_redacted", t."record_is_redacted") THEN 1 ELSE 0 END DESC, COALESCE(s."record_hash", s."record_new_hash") COLLATE "C" DESC, COALESCE(CAST(s."items" AS TEXT), '') COLLATE "C" DESC, COALESCE(CAST(s."record_unmapped" AS TEXT), '') COLLATE "C" DESC) > 1 THEN 0
      WHEN t."record_hash" IS NULL THEN 1000000
      WHEN COALESCE(s."record_hash", s."record_new_hash") = t."record_hash" AND COALESCE(CAST(s."items" AS TEXT), '') COLLATE "C" = COALESCE(CAST(t."items" AS TEXT), '') COLLATE "C" AND COALESCE(CAST(s."record_unmapped" AS TEXT), '') COLLATE "C" = COALESCE(CAST(t."record_unmapped" AS TEXT), '') COLLATE "C"
        THEN t."record_catalogue_version"
      WHEN t."record_catalogue_version" < 999999 THEN 1000000
      ELSE t."record_catalogue_version" + 1
    END),
    COALESCE(s."record_hash", s."record_new_hash"),
    COALESCE(s."record_position", 'connect.f_contact_evaluation_staging'),
    COALESCE(s."record_arrived_at", TIMEZONE('UTC', NOW())),
    COALESCE(s."record_loaded_at", TIMEZONE('UTC', NOW())),
    s."record_unmapped",
    COALESCE(s."record_is_deleted", FALSE)
  FROM (
    SELECT s.*, MD5(
      COALESCE(MD5(s."evaluation_id"), '-')
      || COALESCE(MD5(s."aws_account_id"), '-')
      || COALESCE(MD5(s."instance_id"), '-')
      || COALESCE(MD5(s."contact_id"), '-')
      || COALESCE(MD5(s."user_id"), '-')
      || COALESCE(MD5(s."form_id"), '-')
      || COALESCE(MD5(s."form_title"), '-')
      || COALESCE(MD5(CAST(s."form_version" AS VARCHAR(64))), '-')
      || COALESCE(MD5(s."evaluator"), '-')
      || COALESCE(MD5(s."creator"), '-')
      || COALESCE(MD5(TO_CHAR(s."evaluation_start_timestamp", 'YYYY-MM-DD HH24:MI:SS.US')), '-')
      || COALESCE(MD5(TO_CHAR(s."evaluation_submitted_timestamp", 'YYYY-MM-DD HH24:MI:SS.US')), '-')
      || COALESCE(MD5(CAST(s."score" AS VARCHAR(64))), '-')
      || COALESCE(MD5(CASE WHEN s."automatic_fail" THEN 'true' WHEN NOT s."automatic_fail" THEN 'false' END), '-')
      || COALESCE(MD5(CASE WHEN s."score_not_applicable" THEN 'true' WHEN NOT s."score_not_applicable" THEN 'false' END), '-')
      || COALESCE(MD5(s."evaluation_source"), '-')
      || COALESCE(MD5(s."evaluation_type"), '-')
      || COALESCE(MD5(CASE WHEN s."auto_evaluated" THEN 'true' WHEN NOT s."auto_evaluated" THEN 'false' END), '-')
      || COALESCE(MD5(CASE WHEN s."resubmitted" THEN 'true' WHEN NOT s."resubmitted" THEN 'false' END), '-')
      || COALESCE(MD5(s."calibration_session_id"), '-')
      || COALESCE(MD5(s."acknowledger_id"), '-')
      || COALESCE(MD5(s."acknowledger_username"), '-')
      || COALESCE(MD5(s."acknowledger_comment"), '-')
      || COALESCE(MD5(TO_CHAR(s."evaluation_acknowledged_timestamp", 'YYYY-MM-DD HH24:MI:SS.US')), '-')
      || COALESCE(MD5(s."evaluated_participant_role"), '-')
      || COALESCE(MD5(s."evaluated_participant_id"), '-')
      || COALESCE(MD5(s."schema_version"), '-')
    ) AS "record_new_hash"
    FROM taken AS s
  ) AS s
  LEFT JOIN "connect"."f_contact_evaluation" AS t ON t."evaluation_id" = s."evaluation_id";

  ANALYZE "trunkline_f_contact_evaluation_by_hand";
END;
$$ LANGUAGE plpgsql;

CREATE OR REPLACE PROCEDURE "connect"."insert_new_f_contact_evaluation" (
  staging IN TEXT,
  batch_id IN TEXT,
  inserted INOUT BIGINT DEFAULT NULL,
  updated INOUT BIGINT DEFAULT NULL,
  deleted INOUT BIGINT DEFAULT NULL,
  superseded INOUT BIGINT DEFAULT NULL,
  duplicate INOUT BIGINT DEFAULT NULL
) AS $$
BEGIN
  -- Merges a staging table of a run's own into connect.f_contact_evaluation and leaves it as it is.
  -- staging is schema.table with the columns of connect.f_contact_evaluation_staging, its record_* columns all filled.
  -- batch_id says in the server's log which batch this was; whoever calls records the batch.
  inserted := 0;
  updated := 0;
  deleted := 0;
  superseded := 0;
  duplicate := 0;
  CALL "connect"."merge_f_contact_evaluation"(staging, batch_id, inserted, updated, deleted, superseded, duplicate);
END;
$$ LANGUAGE plpgsql;

CREATE OR REPLACE PROCEDURE "connect"."insert_new_f_contact_evaluation" (
  inserted INOUT BIGINT DEFAULT NULL,
  updated INOUT BIGINT DEFAULT NULL,
  deleted INOUT BIGINT DEFAULT NULL,
  superseded INOUT BIGINT DEFAULT NULL,
  duplicate INOUT BIGINT DEFAULT NULL
) AS $$
BEGIN
  -- Merges what is in connect.f_contact_evaluation_staging, whoever staged it, and empties it. See take_f_contact_evaluation_staging.
  CALL "connect"."take_f_contact_evaluation_staging"();
  inserted := 0;
  updated := 0;
  deleted := 0;
  superseded := 0;
  duplicate := 0;
  CALL "connect"."merge_f_contact_evaluation"('trunkline_f_contact_evaluation_by_hand', 'by hand', inserted, updated, deleted, superseded, duplicate);
  DROP TABLE "trunkline_f_contact_evaluation_by_hand";
END;
$$ LANGUAGE plpgsql;
