-- Generated from the catalogue by `make golden`. Do not edit.
-- Call post_call_analytics.insert_new_f_scorecard() or post_call_analytics.insert_new_f_scorecard(staging, batch_id).

CREATE OR REPLACE PROCEDURE "post_call_analytics"."merge_f_scorecard" (
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
  -- Overwrites post_call_analytics.f_scorecard by key: of all versions of a key, in the table and staged, the best stays.
  -- Best is: record_fidelity (stream above api), then record_version, redacted over not, the newer catalogue,
  -- record_hash, and last the personal columns that the hash leaves out. So late and repeated versions change nothing.
  -- No COMMIT and no TRUNCATE: the caller's transaction holds the merge and the ledger's row together.

  -- The lock first, before anything is read. Readers go on; a second loader waits here.
  LOCK TABLE "post_call_analytics"."f_scorecard" IN SHARE ROW EXCLUSIVE MODE;

  -- The one name that the caller gives: schema.table, or a table's name alone.
  record_source := quote_ident(SPLIT_PART(record_staging, '.', 1));
  IF SPLIT_PART(record_staging, '.', 2) <> '' THEN
    record_source := record_source || '.' || quote_ident(SPLIT_PART(record_staging, '.', 2));
  END IF;
  IF record_staging IS NULL OR SPLIT_PART(record_staging, '.', 1) = '' OR SPLIT_PART(record_staging, '.', 3) <> '' THEN
    RAISE EXCEPTION 'merge_f_scorecard: staging is %, but must be schema.table or table', record_staging;
  END IF;
  IF record_staging IN ('post_call_analytics.f_scorecard', 'f_scorecard') THEN
    RAISE EXCEPTION 'merge_f_scorecard: staging is the target %, name a staging table', record_staging;
  END IF;

  -- What an earlier call in the same session may have left.
  DROP TABLE IF EXISTS pg_temp."trunkline_f_scorecard_elsewhere";
  DROP TABLE IF EXISTS pg_temp."trunkline_f_scorecard_verdict";
  DROP TABLE IF EXISTS pg_temp."trunkline_f_scorecard_beaten";
  DROP VIEW IF EXISTS pg_temp."trunkline_f_scorecard_source";

  -- The staged rows under a fixed name, so that what follows is plain SQL. record_row is a row's address.
  EXECUTE 'CREATE TEMP VIEW "trunkline_f_scorecard_source" AS
    SELECT s.ctid AS "record_row",
      s."guid",
      s."datetime",
      s."call_timestamp_utc",
      s."agent",
      s."call_type",
      s."ingested_at",
      s."notes",
      s."outcome",
      s."overall_score",
      s."primary_intent",
      s."resolution_reason",
      s."summary",
      s."secondary_intent",
      s."score_ask_for_payment",
      s."score_confirm_location",
      s."score_features_advantages",
      s."score_handle_objections",
      s."score_size_recommendation",
      s."score_urgency",
      s."evidence_ask_for_payment",
      s."evidence_confirm_location",
      s."evidence_features_advantages",
      s."evidence_handle_objections",
      s."evidence_size_recommendation",
      s."evidence_urgency",
      s."other_scores",
      s."other_evidence",
      s."deleted_by",
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
  SELECT INTO record_n_staged, record_n_keys COUNT(*), COUNT(DISTINCT hashtextextended(CAST(s."guid" AS TEXT), 0))
  FROM "trunkline_f_scorecard_source" AS s;
  CREATE TEMP TABLE "trunkline_f_scorecard_beaten" ("record_row" tid);
  IF record_n_keys < record_n_staged THEN
    INSERT INTO "trunkline_f_scorecard_beaten"
    SELECT r."record_row"
    FROM (
      SELECT s."record_row", ROW_NUMBER() OVER (
        PARTITION BY s."guid"
        ORDER BY
          COALESCE(s."record_fidelity", '') COLLATE "C" DESC,
          COALESCE(s."record_version", '') COLLATE "C" DESC,
          CASE WHEN s."record_is_redacted" THEN 1 ELSE 0 END DESC,
          COALESCE(s."record_catalogue_version", 0) DESC,
          COALESCE(s."record_hash", '') COLLATE "C" DESC,
          COALESCE(CAST(s."other_evidence" AS TEXT), '') COLLATE "C" DESC,
          COALESCE(CAST(s."record_unmapped" AS TEXT), '') COLLATE "C" DESC
      ) AS "record_place"
      FROM "trunkline_f_scorecard_source" AS s
      WHERE (s."guid") IN (SELECT m."guid" FROM "trunkline_f_scorecard_source" AS m GROUP BY m."guid" HAVING COUNT(*) > 1)
    ) AS r
    WHERE r."record_place" > 1;
    GET DIAGNOSTICS record_n_beaten = ROW_COUNT;
    record_n_keys := record_n_staged - record_n_beaten;
  END IF;

  -- The best staged row of each key goes in, over the table's row where it is better: the first difference decides.
  -- A row that was there before has a number in xmax, a new one has 0. A row of the table that says deleted or lies at
  -- another date is left for later: when its successor is in, nobody can see that any more.
  WITH merged AS (
    INSERT INTO "post_call_analytics"."f_scorecard" AS t (
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
      "record_is_deleted"
    )
    SELECT
      s."guid",
      s."datetime",
      s."call_timestamp_utc",
      s."agent",
      s."call_type",
      s."ingested_at",
      s."notes",
      s."outcome",
      s."overall_score",
      s."primary_intent",
      s."resolution_reason",
      s."summary",
      s."secondary_intent",
      s."score_ask_for_payment",
      s."score_confirm_location",
      s."score_features_advantages",
      s."score_handle_objections",
      s."score_size_recommendation",
      s."score_urgency",
      s."evidence_ask_for_payment",
      s."evidence_confirm_location",
      s."evidence_features_advantages",
      s."evidence_handle_objections",
      s."evidence_size_recommendation",
      s."evidence_urgency",
      s."other_scores",
      s."other_evidence",
      s."deleted_by",
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
    FROM "trunkline_f_scorecard_source" AS s
    WHERE s."record_row" NOT IN (SELECT b."record_row" FROM "trunkline_f_scorecard_beaten" AS b)
    ON CONFLICT ("guid") DO UPDATE SET
      "datetime" = EXCLUDED."datetime",
      "call_timestamp_utc" = EXCLUDED."call_timestamp_utc",
      "agent" = EXCLUDED."agent",
      "call_type" = EXCLUDED."call_type",
      "ingested_at" = EXCLUDED."ingested_at",
      "notes" = EXCLUDED."notes",
      "outcome" = EXCLUDED."outcome",
      "overall_score" = EXCLUDED."overall_score",
      "primary_intent" = EXCLUDED."primary_intent",
      "resolution_reason" = EXCLUDED."resolution_reason",
      "summary" = EXCLUDED."summary",
      "secondary_intent" = EXCLUDED."secondary_intent",
      "score_ask_for_payment" = EXCLUDED."score_ask_for_payment",
      "score_confirm_location" = EXCLUDED."score_confirm_location",
      "score_features_advantages" = EXCLUDED."score_features_advantages",
      "score_handle_objections" = EXCLUDED."score_handle_objections",
      "score_size_recommendation" = EXCLUDED."score_size_recommendation",
      "score_urgency" = EXCLUDED."score_urgency",
      "evidence_ask_for_payment" = EXCLUDED."evidence_ask_for_payment",
      "evidence_confirm_location" = EXCLUDED."evidence_confirm_location",
      "evidence_features_advantages" = EXCLUDED."evidence_features_advantages",
      "evidence_handle_objections" = EXCLUDED."evidence_handle_objections",
      "evidence_size_recommendation" = EXCLUDED."evidence_size_recommendation",
      "evidence_urgency" = EXCLUDED."evidence_urgency",
      "other_scores" = EXCLUDED."other_scores",
      "other_evidence" = EXCLUDED."other_evidence",
      "deleted_by" = EXCLUDED."deleted_by",
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
      AND COALESCE(CAST(EXCLUDED."call_timestamp_utc" AS DATE), DATE '1970-01-01') = COALESCE(CAST(t."call_timestamp_utc" AS DATE), DATE '1970-01-01')
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
        WHEN COALESCE(CAST(EXCLUDED."other_evidence" AS TEXT), '') COLLATE "C" > COALESCE(CAST(t."other_evidence" AS TEXT), '') COLLATE "C" THEN 1
        WHEN COALESCE(CAST(EXCLUDED."other_evidence" AS TEXT), '') COLLATE "C" < COALESCE(CAST(t."other_evidence" AS TEXT), '') COLLATE "C" THEN -1
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
    CREATE TEMP TABLE "trunkline_f_scorecard_verdict" AS
    SELECT r.*
    FROM (
      SELECT s."guid", s."record_row", s."record_is_deleted" AS "record_is_ended",
        t."record_is_deleted" AS "record_is_held_deleted",
        COALESCE(CAST(s."call_timestamp_utc" AS DATE), DATE '1970-01-01') <> COALESCE(CAST(t."call_timestamp_utc" AS DATE), DATE '1970-01-01') AS "record_is_moved",
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
          WHEN COALESCE(CAST(s."other_evidence" AS TEXT), '') COLLATE "C" > COALESCE(CAST(t."other_evidence" AS TEXT), '') COLLATE "C" THEN 1
          WHEN COALESCE(CAST(s."other_evidence" AS TEXT), '') COLLATE "C" < COALESCE(CAST(t."other_evidence" AS TEXT), '') COLLATE "C" THEN -1
          WHEN COALESCE(CAST(s."record_unmapped" AS TEXT), '') COLLATE "C" > COALESCE(CAST(t."record_unmapped" AS TEXT), '') COLLATE "C" THEN 1
          WHEN COALESCE(CAST(s."record_unmapped" AS TEXT), '') COLLATE "C" < COALESCE(CAST(t."record_unmapped" AS TEXT), '') COLLATE "C" THEN -1
          ELSE 0
        END AS "record_comparison"
      FROM "trunkline_f_scorecard_source" AS s
      JOIN "post_call_analytics"."f_scorecard" AS t ON t."guid" = s."guid"
      WHERE s."record_row" NOT IN (SELECT b."record_row" FROM "trunkline_f_scorecard_beaten" AS b)
    ) AS r
    WHERE r."record_comparison" <> 0 OR r."record_is_moved";

    -- For who keeps a lake beside the table: its rows that lie at another date than a staged row of their key.
    CREATE TEMP TABLE "trunkline_f_scorecard_elsewhere" ON COMMIT DROP AS
    SELECT
      t."guid",
      COALESCE(CAST(t."call_timestamp_utc" AS DATE), DATE '1970-01-01') AS record_held_date,
      t."record_fidelity",
      t."record_version",
      t."record_is_redacted",
      t."record_catalogue_version",
      t."record_hash",
      t."record_position",
      t."record_arrived_at",
      t."record_loaded_at"
    FROM "trunkline_f_scorecard_verdict" AS v
    JOIN "post_call_analytics"."f_scorecard" AS t ON t."guid" = v."guid"
    WHERE EXISTS (
      SELECT 1 FROM "trunkline_f_scorecard_source" AS s
      WHERE s."guid" = v."guid"
        AND COALESCE(CAST(s."call_timestamp_utc" AS DATE), DATE '1970-01-01') <> COALESCE(CAST(t."call_timestamp_utc" AS DATE), DATE '1970-01-01')
    );

    -- What comes over a row that says deleted is a new row.
    SELECT INTO record_n_better, record_n_revived, record_n_replaced, record_n_ended, record_n_late
      COUNT(*) FILTER (WHERE v."record_comparison" = 1),
      COUNT(*) FILTER (WHERE v."record_comparison" = 1 AND v."record_is_held_deleted" AND NOT v."record_is_ended"),
      COUNT(*) FILTER (WHERE v."record_comparison" = 1 AND NOT v."record_is_held_deleted" AND NOT v."record_is_ended"),
      COUNT(*) FILTER (WHERE v."record_comparison" = 1 AND NOT v."record_is_held_deleted" AND v."record_is_ended"),
      COUNT(*) FILTER (WHERE v."record_comparison" = -1)
    FROM "trunkline_f_scorecard_verdict" AS v;
    record_n_inserted := record_n_inserted + record_n_revived;
    record_n_updated := record_n_updated + record_n_replaced;
    record_n_deleted := record_n_deleted + record_n_ended;
    IF record_n_better > 0 THEN
      DELETE FROM "post_call_analytics"."f_scorecard" AS t
      USING "trunkline_f_scorecard_verdict" AS v
      WHERE t."guid" = v."guid" AND v."record_comparison" = 1;
      INSERT INTO "post_call_analytics"."f_scorecard" (
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
        "record_is_deleted"
      )
      SELECT
        s."guid",
        s."datetime",
        s."call_timestamp_utc",
        s."agent",
        s."call_type",
        s."ingested_at",
        s."notes",
        s."outcome",
        s."overall_score",
        s."primary_intent",
        s."resolution_reason",
        s."summary",
        s."secondary_intent",
        s."score_ask_for_payment",
        s."score_confirm_location",
        s."score_features_advantages",
        s."score_handle_objections",
        s."score_size_recommendation",
        s."score_urgency",
        s."evidence_ask_for_payment",
        s."evidence_confirm_location",
        s."evidence_features_advantages",
        s."evidence_handle_objections",
        s."evidence_size_recommendation",
        s."evidence_urgency",
        s."other_scores",
        s."other_evidence",
        s."deleted_by",
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
      FROM "trunkline_f_scorecard_verdict" AS v
      JOIN "trunkline_f_scorecard_source" AS s ON s."record_row" = v."record_row"
      WHERE v."record_comparison" = 1;
    END IF;
    DROP TABLE "trunkline_f_scorecard_verdict";
  END IF;

  -- Of the beaten rows, those that equal the row that is in the table now are copies, and the others are superseded.
  record_n_superseded := record_n_late;
  IF record_n_keys < record_n_staged THEN
    SELECT INTO record_n_superseded record_n_late + COUNT(*)
    FROM "trunkline_f_scorecard_beaten" AS b
    JOIN "trunkline_f_scorecard_source" AS s ON s."record_row" = b."record_row"
    JOIN "post_call_analytics"."f_scorecard" AS t ON t."guid" = s."guid"
    WHERE (
        COALESCE(s."record_fidelity", '') COLLATE "C",
        COALESCE(s."record_version", '') COLLATE "C",
        CASE WHEN s."record_is_redacted" THEN 1 ELSE 0 END,
        COALESCE(s."record_catalogue_version", 0),
        COALESCE(s."record_hash", '') COLLATE "C",
        COALESCE(CAST(s."other_evidence" AS TEXT), '') COLLATE "C",
        COALESCE(CAST(s."record_unmapped" AS TEXT), '') COLLATE "C"
      ) <> (
        COALESCE(t."record_fidelity", '') COLLATE "C",
        COALESCE(t."record_version", '') COLLATE "C",
        CASE WHEN t."record_is_redacted" THEN 1 ELSE 0 END,
        COALESCE(t."record_catalogue_version", 0),
        COALESCE(t."record_hash", '') COLLATE "C",
        COALESCE(CAST(t."other_evidence" AS TEXT), '') COLLATE "C",
        COALESCE(CAST(t."record_unmapped" AS TEXT), '') COLLATE "C"
      );
  END IF;

  -- Each staged row is counted once, so that the rest are duplicates. A row that says deleted stays,
  -- so that no late version brings its key back, and counts as no row: live rows are inserted minus deleted. A deletion
  -- of what is not there says nothing new, and is a duplicate too.
  record_n_duplicate := record_n_staged - record_n_inserted - record_n_updated - record_n_deleted - record_n_superseded;
  RAISE INFO 'merge_f_scorecard: batch %, inserted %, updated %, deleted %, superseded %, duplicate %', record_batch_id, record_n_inserted, record_n_updated, record_n_deleted, record_n_superseded, record_n_duplicate;

  DROP TABLE "trunkline_f_scorecard_beaten";
  DROP VIEW "trunkline_f_scorecard_source";
END;
$$ LANGUAGE plpgsql
SET work_mem = '64MB'
SET jit = off;

CREATE OR REPLACE PROCEDURE "post_call_analytics"."take_f_scorecard_staging" (

) AS $$
BEGIN
  -- Moves the rows of post_call_analytics.f_scorecard_staging into the temporary table trunkline_f_scorecard_by_hand.
  -- A record_* column that is NULL gets its value here:
  --   record_version            ingested_at as text; without one, the version of the row that the table has
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
  -- The lock comes before the first query, see merge_f_scorecard.
  LOCK TABLE "post_call_analytics"."f_scorecard" IN SHARE ROW EXCLUSIVE MODE;

  DROP TABLE IF EXISTS pg_temp."trunkline_f_scorecard_by_hand";
  CREATE TEMP TABLE "trunkline_f_scorecard_by_hand" (LIKE "post_call_analytics"."f_scorecard_staging");
  WITH taken AS (DELETE FROM "post_call_analytics"."f_scorecard_staging" RETURNING *)
  INSERT INTO "trunkline_f_scorecard_by_hand" (
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
    "record_is_deleted"
  )
  SELECT
    s."guid",
    s."datetime",
    s."call_timestamp_utc",
    s."agent",
    s."call_type",
    s."ingested_at",
    s."notes",
    s."outcome",
    s."overall_score",
    s."primary_intent",
    s."resolution_reason",
    s."summary",
    s."secondary_intent",
    s."score_ask_for_payment",
    s."score_confirm_location",
    s."score_features_advantages",
    s."score_handle_objections",
    s."score_size_recommendation",
    s."score_urgency",
    s."evidence_ask_for_payment",
    s."evidence_confirm_location",
    s."evidence_features_advantages",
    s."evidence_handle_objections",
    s."evidence_size_recommendation",
    s."evidence_urgency",
    s."other_scores",
    s."other_evidence",
    s."deleted_by",
    COALESCE(s."record_version", COALESCE(RTRIM(RTRIM(TO_CHAR(s."ingested_at", 'YYYY-MM-DD HH24:MI:SS.US'), '0'), '.'), t."record_version")),
    COALESCE(s."record_fidelity", 'stream'),
    COALESCE(s."record_is_redacted", COALESCE(t."record_is_redacted", FALSE)),
    COALESCE(s."record_catalogue_version", CASE
      WHEN RANK() OVER (PARTITION BY s."guid" ORDER BY COALESCE(s."record_fidelity", 'stream') COLLATE "C" DESC, COALESCE(s."record_version", RTRIM(RTRIM(TO_CHAR(s."ingested_at", 'YYYY-MM-DD HH24:MI:SS.US'), '0'), '.'), t."record_version", '') COLLATE "C" DESC, CASE WHEN COALESCE(s."record_is_redacted", t."record_is_redacted") THEN 1 ELSE 0 END DESC, COALESCE(s."record_hash", s."record_new_hash") COLLATE "C" DESC, COALESCE(CAST(s."other_evidence" AS TEXT), '') COLLATE "C" DESC, COALESCE(CAST(s."record_unmapped" AS TEXT), '') COLLATE "C" DESC) > 1 THEN 0
      WHEN t."record_hash" IS NULL THEN 1000000
      WHEN COALESCE(s."record_hash", s."record_new_hash") = t."record_hash" AND COALESCE(CAST(s."other_evidence" AS TEXT), '') COLLATE "C" = COALESCE(CAST(t."other_evidence" AS TEXT), '') COLLATE "C" AND COALESCE(CAST(s."record_unmapped" AS TEXT), '') COLLATE "C" = COALESCE(CAST(t."record_unmapped" AS TEXT), '') COLLATE "C"
        THEN t."record_catalogue_version"
      WHEN t."record_catalogue_version" < 999999 THEN 1000000
      ELSE t."record_catalogue_version" + 1
    END),
    COALESCE(s."record_hash", s."record_new_hash"),
    COALESCE(s."record_position", 'post_call_analytics.f_scorecard_staging'),
    COALESCE(s."record_arrived_at", TIMEZONE('UTC', NOW())),
    COALESCE(s."record_loaded_at", TIMEZONE('UTC', NOW())),
    s."record_unmapped",
    COALESCE(s."record_is_deleted", FALSE)
  FROM (
    SELECT s.*, MD5(
      COALESCE(MD5(s."guid"), '-')
      || COALESCE(MD5(s."datetime"), '-')
      || COALESCE(MD5(TO_CHAR(s."call_timestamp_utc", 'YYYY-MM-DD HH24:MI:SS.US')), '-')
      || COALESCE(MD5(s."agent"), '-')
      || COALESCE(MD5(s."call_type"), '-')
      || COALESCE(MD5(TO_CHAR(s."ingested_at", 'YYYY-MM-DD HH24:MI:SS.US')), '-')
      || COALESCE(MD5(s."notes"), '-')
      || COALESCE(MD5(s."outcome"), '-')
      || COALESCE(MD5(CAST(s."overall_score" AS VARCHAR(64))), '-')
      || COALESCE(MD5(s."primary_intent"), '-')
      || COALESCE(MD5(s."resolution_reason"), '-')
      || COALESCE(MD5(s."summary"), '-')
      || COALESCE(MD5(s."secondary_intent"), '-')
      || COALESCE(MD5(CAST(s."score_ask_for_payment" AS VARCHAR(64))), '-')
      || COALESCE(MD5(CAST(s."score_confirm_location" AS VARCHAR(64))), '-')
      || COALESCE(MD5(CAST(s."score_features_advantages" AS VARCHAR(64))), '-')
      || COALESCE(MD5(CAST(s."score_handle_objections" AS VARCHAR(64))), '-')
      || COALESCE(MD5(CAST(s."score_size_recommendation" AS VARCHAR(64))), '-')
      || COALESCE(MD5(CAST(s."score_urgency" AS VARCHAR(64))), '-')
      || COALESCE(MD5(s."evidence_ask_for_payment"), '-')
      || COALESCE(MD5(s."evidence_confirm_location"), '-')
      || COALESCE(MD5(s."evidence_features_advantages"), '-')
      || COALESCE(MD5(s."evidence_handle_objections"), '-')
      || COALESCE(MD5(s."evidence_size_recommendation"), '-')
      || COALESCE(MD5(s."evidence_urgency"), '-')
      || COALESCE(MD5(CAST(s."other_scores" AS TEXT)), '-')
      || COALESCE(MD5(s."deleted_by"), '-')
    ) AS "record_new_hash"
    FROM taken AS s
  ) AS s
  LEFT JOIN "post_call_analytics"."f_scorecard" AS t ON t."guid" = s."guid";

  ANALYZE "trunkline_f_scorecard_by_hand";
END;
$$ LANGUAGE plpgsql;

CREATE OR REPLACE PROCEDURE "post_call_analytics"."insert_new_f_scorecard" (
  staging IN TEXT,
  batch_id IN TEXT,
  inserted INOUT BIGINT DEFAULT NULL,
  updated INOUT BIGINT DEFAULT NULL,
  deleted INOUT BIGINT DEFAULT NULL,
  superseded INOUT BIGINT DEFAULT NULL,
  duplicate INOUT BIGINT DEFAULT NULL
) AS $$
BEGIN
  -- Merges a staging table of a run's own into post_call_analytics.f_scorecard and leaves it as it is.
  -- staging is schema.table with the columns of post_call_analytics.f_scorecard_staging, its record_* columns all filled.
  -- batch_id says in the server's log which batch this was; whoever calls records the batch.
  inserted := 0;
  updated := 0;
  deleted := 0;
  superseded := 0;
  duplicate := 0;
  CALL "post_call_analytics"."merge_f_scorecard"(staging, batch_id, inserted, updated, deleted, superseded, duplicate);
END;
$$ LANGUAGE plpgsql;

CREATE OR REPLACE PROCEDURE "post_call_analytics"."insert_new_f_scorecard" (
  inserted INOUT BIGINT DEFAULT NULL,
  updated INOUT BIGINT DEFAULT NULL,
  deleted INOUT BIGINT DEFAULT NULL,
  superseded INOUT BIGINT DEFAULT NULL,
  duplicate INOUT BIGINT DEFAULT NULL
) AS $$
BEGIN
  -- Merges what is in post_call_analytics.f_scorecard_staging, whoever staged it, and empties it. See take_f_scorecard_staging.
  CALL "post_call_analytics"."take_f_scorecard_staging"();
  inserted := 0;
  updated := 0;
  deleted := 0;
  superseded := 0;
  duplicate := 0;
  CALL "post_call_analytics"."merge_f_scorecard"('trunkline_f_scorecard_by_hand', 'by hand', inserted, updated, deleted, superseded, duplicate);
  DROP TABLE "trunkline_f_scorecard_by_hand";
END;
$$ LANGUAGE plpgsql;
