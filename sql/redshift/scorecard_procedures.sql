-- Generated from the catalogue by `make golden`. Do not edit.
-- Call post_call_analytics.insert_new_f_scorecard() or post_call_analytics.insert_new_f_scorecard(staging, batch_id).

CREATE OR REPLACE PROCEDURE "post_call_analytics"."merge_f_scorecard" (
  record_staging IN VARCHAR(512),
  record_batch_id IN VARCHAR(512),
  record_n_inserted INOUT BIGINT,
  record_n_updated INOUT BIGINT,
  record_n_deleted INOUT BIGINT,
  record_n_superseded INOUT BIGINT,
  record_n_duplicate INOUT BIGINT
) AS $$
DECLARE
  record_source VARCHAR(512);
  record_first_date DATE;
  record_last_date DATE;
  record_n_moved BIGINT;
BEGIN
  -- Overwrites post_call_analytics.f_scorecard by key: of all versions of a key, in the table and staged, the best stays.
  -- Best is: record_fidelity (stream above api), then record_version, redacted over not, the newer catalogue,
  -- record_hash, and last the personal columns that the hash leaves out. So late and repeated versions change nothing.
  -- No COMMIT and no TRUNCATE: the caller's transaction holds the merge and the ledger's row together.

  -- The lock first, before anything is read. Under snapshot isolation two loaders would both
  -- insert a new key. A transaction that reads or copies before this call must lock before that.
  LOCK TABLE "post_call_analytics"."f_scorecard";

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
  DROP TABLE IF EXISTS "trunkline_f_scorecard_verdict";
  DROP TABLE IF EXISTS "trunkline_f_scorecard_held";
  DROP TABLE IF EXISTS "trunkline_f_scorecard_incoming";
  DROP TABLE IF EXISTS "trunkline_f_scorecard_source";

  -- The staged rows under a fixed name, so that what follows is plain SQL. record_row only tells rows apart.
  CREATE TEMP TABLE "trunkline_f_scorecard_source" (LIKE "post_call_analytics"."f_scorecard_staging", "record_row" BIGINT IDENTITY(1, 1));
  EXECUTE 'INSERT INTO "trunkline_f_scorecard_source" (
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
    FROM ' || record_source || ' AS s';

  -- Every staged row with its place among the rows of its key: place 1 is the best one, and rows that equal the best
  -- one in everything share standing 1. Most keys come once and need no ranking.
  CREATE TEMP TABLE "trunkline_f_scorecard_incoming" (
    "guid" VARCHAR(65535), "record_row" BIGINT, "record_place" BIGINT, "record_standing" BIGINT
  ) DISTKEY ("guid");
  INSERT INTO "trunkline_f_scorecard_incoming"
  SELECT s."guid", MIN(s."record_row"), 1, 1
  FROM "trunkline_f_scorecard_source" AS s
  GROUP BY s."guid"
  HAVING COUNT(*) = 1;
  INSERT INTO "trunkline_f_scorecard_incoming"
  SELECT s."guid", s."record_row",
    ROW_NUMBER() OVER (
      PARTITION BY s."guid"
      ORDER BY
        COALESCE(s."record_fidelity", '') DESC,
        COALESCE(s."record_version", '') DESC,
        CASE WHEN s."record_is_redacted" THEN 1 ELSE 0 END DESC,
        COALESCE(s."record_catalogue_version", 0) DESC,
        COALESCE(s."record_hash", '') DESC,
        COALESCE(JSON_SERIALIZE(s."other_evidence"), '') DESC,
        COALESCE(JSON_SERIALIZE(s."record_unmapped"), '') DESC
    ),
    RANK() OVER (
      PARTITION BY s."guid"
      ORDER BY
        COALESCE(s."record_fidelity", '') DESC,
        COALESCE(s."record_version", '') DESC,
        CASE WHEN s."record_is_redacted" THEN 1 ELSE 0 END DESC,
        COALESCE(s."record_catalogue_version", 0) DESC,
        COALESCE(s."record_hash", '') DESC,
        COALESCE(JSON_SERIALIZE(s."other_evidence"), '') DESC,
        COALESCE(JSON_SERIALIZE(s."record_unmapped"), '') DESC
    )
  FROM "trunkline_f_scorecard_source" AS s
  JOIN (SELECT "guid" FROM "trunkline_f_scorecard_source" GROUP BY "guid" HAVING COUNT(*) > 1) AS m
    ON m."guid" = s."guid";

  -- The rows that the table holds of the staged keys. First only those within the staged dates, written as literals so
  -- that Redshift skips the other blocks; then, for keys still not found, the rest: a contact whose date moved.
  CREATE TEMP TABLE "trunkline_f_scorecard_held" (
    "guid" VARCHAR(65535),
    "record_fidelity" VARCHAR(16),
    "record_version" VARCHAR(128),
    "record_is_redacted" BOOLEAN,
    "record_catalogue_version" INTEGER,
    "record_hash" VARCHAR(32),
    "record_is_deleted" BOOLEAN,
    "other_evidence" SUPER,
    "record_unmapped" SUPER,
    "record_is_moved" BOOLEAN
  ) DISTKEY ("guid");
  SELECT INTO record_first_date, record_last_date
    MIN(CAST(s."call_timestamp_utc" AS DATE)), MAX(CAST(s."call_timestamp_utc" AS DATE))
  FROM "trunkline_f_scorecard_source" AS s;
  IF record_first_date IS NOT NULL THEN
    EXECUTE 'INSERT INTO "trunkline_f_scorecard_held"
    SELECT
      t."guid",
      t."record_fidelity",
      t."record_version",
      t."record_is_redacted",
      t."record_catalogue_version",
      t."record_hash",
      t."record_is_deleted",
      t."other_evidence",
      t."record_unmapped",
      FALSE
    FROM "post_call_analytics"."f_scorecard" AS t
    JOIN "trunkline_f_scorecard_incoming" AS i ON i."guid" = t."guid"
    WHERE i."record_place" = 1
      AND t."call_timestamp_utc" >= ' || quote_literal(TO_CHAR(record_first_date, 'YYYY-MM-DD')) || '
      AND t."call_timestamp_utc" < ' || quote_literal(TO_CHAR(record_last_date + 1, 'YYYY-MM-DD'));
  END IF;
  INSERT INTO "trunkline_f_scorecard_held"
    SELECT
      t."guid",
      t."record_fidelity",
      t."record_version",
      t."record_is_redacted",
      t."record_catalogue_version",
      t."record_hash",
      t."record_is_deleted",
      t."other_evidence",
      t."record_unmapped",
      TRUE
    FROM "post_call_analytics"."f_scorecard" AS t
    JOIN "trunkline_f_scorecard_incoming" AS i ON i."guid" = t."guid"
    LEFT JOIN "trunkline_f_scorecard_held" AS h ON h."guid" = t."guid"
    WHERE i."record_place" = 1 AND h."guid" IS NULL;

  -- The best staged row of each key that the table has: better than the table's (1), equal to it (0), or worse (-1).
  -- The first difference decides.
  CREATE TEMP TABLE "trunkline_f_scorecard_verdict" DISTKEY ("guid") AS
  SELECT s."guid", t."record_is_moved", t."record_is_deleted" AS "record_is_held_deleted",
    CASE
      WHEN COALESCE(s."record_fidelity", '') > COALESCE(t."record_fidelity", '') THEN 1
      WHEN COALESCE(s."record_fidelity", '') < COALESCE(t."record_fidelity", '') THEN -1
      WHEN COALESCE(s."record_version", '') > COALESCE(t."record_version", '') THEN 1
      WHEN COALESCE(s."record_version", '') < COALESCE(t."record_version", '') THEN -1
      WHEN CASE WHEN s."record_is_redacted" THEN 1 ELSE 0 END > CASE WHEN t."record_is_redacted" THEN 1 ELSE 0 END THEN 1
      WHEN CASE WHEN s."record_is_redacted" THEN 1 ELSE 0 END < CASE WHEN t."record_is_redacted" THEN 1 ELSE 0 END THEN -1
      WHEN COALESCE(s."record_catalogue_version", 0) > COALESCE(t."record_catalogue_version", 0) THEN 1
      WHEN COALESCE(s."record_catalogue_version", 0) < COALESCE(t."record_catalogue_version", 0) THEN -1
      WHEN COALESCE(s."record_hash", '') > COALESCE(t."record_hash", '') THEN 1
      WHEN COALESCE(s."record_hash", '') < COALESCE(t."record_hash", '') THEN -1
      WHEN COALESCE(JSON_SERIALIZE(s."other_evidence"), '') > COALESCE(JSON_SERIALIZE(t."other_evidence"), '') THEN 1
      WHEN COALESCE(JSON_SERIALIZE(s."other_evidence"), '') < COALESCE(JSON_SERIALIZE(t."other_evidence"), '') THEN -1
      WHEN COALESCE(JSON_SERIALIZE(s."record_unmapped"), '') > COALESCE(JSON_SERIALIZE(t."record_unmapped"), '') THEN 1
      WHEN COALESCE(JSON_SERIALIZE(s."record_unmapped"), '') < COALESCE(JSON_SERIALIZE(t."record_unmapped"), '') THEN -1
      ELSE 0
    END AS "record_comparison"
  FROM "trunkline_f_scorecard_incoming" AS i
  JOIN "trunkline_f_scorecard_source" AS s ON s."guid" = i."guid" AND s."record_row" = i."record_row"
  JOIN "trunkline_f_scorecard_held" AS t ON t."guid" = i."guid"
  WHERE i."record_place" = 1;

  -- Each staged row is counted once. A row that says deleted stays, so that no late version brings its
  -- key back, and counts as no row: live rows are inserted minus deleted. A deletion of what is not there says nothing
  -- new, and is a duplicate.
  SELECT INTO record_n_inserted, record_n_updated, record_n_deleted, record_n_superseded, record_n_duplicate
    COALESCE(SUM(CASE WHEN i."record_place" = 1 AND (v."guid" IS NULL OR (v."record_comparison" = 1 AND v."record_is_held_deleted")) AND NOT COALESCE(s."record_is_deleted", FALSE) THEN 1 ELSE 0 END), 0),
    COALESCE(SUM(CASE WHEN i."record_place" = 1 AND (v."record_comparison" = 1 AND NOT v."record_is_held_deleted") AND NOT COALESCE(s."record_is_deleted", FALSE) THEN 1 ELSE 0 END), 0),
    COALESCE(SUM(CASE WHEN i."record_place" = 1 AND (v."record_comparison" = 1 AND NOT v."record_is_held_deleted") AND COALESCE(s."record_is_deleted", FALSE) THEN 1 ELSE 0 END), 0),
    COALESCE(SUM(CASE WHEN i."record_standing" > 1 OR v."record_comparison" = -1 THEN 1 ELSE 0 END), 0),
    COALESCE(SUM(CASE WHEN i."record_standing" = 1 AND (v."record_comparison" = 0 OR (i."record_place" > 1 AND (v."guid" IS NULL OR v."record_comparison" = 1))
      OR (i."record_place" = 1 AND (v."guid" IS NULL OR (v."record_comparison" = 1 AND v."record_is_held_deleted")) AND COALESCE(s."record_is_deleted", FALSE))) THEN 1 ELSE 0 END), 0)
  FROM "trunkline_f_scorecard_incoming" AS i
  JOIN "trunkline_f_scorecard_source" AS s ON s."guid" = i."guid" AND s."record_row" = i."record_row"
  LEFT JOIN "trunkline_f_scorecard_verdict" AS v ON v."guid" = i."guid";
  RAISE INFO 'merge_f_scorecard: batch %, inserted %, updated %, deleted %, superseded %, duplicate %', record_batch_id, record_n_inserted, record_n_updated, record_n_deleted, record_n_superseded, record_n_duplicate;

  -- The counts stay in a table of the session, for a batch of statements that writes them into the ledger.
  CREATE TEMP TABLE IF NOT EXISTS "trunkline_f_scorecard_counted" ("batch" VARCHAR(512), "inserted" BIGINT, "updated" BIGINT, "deleted" BIGINT, "superseded" BIGINT, "duplicate" BIGINT);
  INSERT INTO "trunkline_f_scorecard_counted" SELECT record_batch_id, record_n_inserted, record_n_updated, record_n_deleted, record_n_superseded, record_n_duplicate;

  -- Again within the staged dates, and the few whose date moved apart.
  IF record_first_date IS NOT NULL THEN
    EXECUTE 'DELETE FROM "post_call_analytics"."f_scorecard"
    USING "trunkline_f_scorecard_verdict" AS v
    WHERE v."guid" = "post_call_analytics"."f_scorecard"."guid" AND v."record_comparison" = 1 AND NOT v."record_is_moved"
      AND "post_call_analytics"."f_scorecard"."call_timestamp_utc" >= ' || quote_literal(TO_CHAR(record_first_date, 'YYYY-MM-DD')) || '
      AND "post_call_analytics"."f_scorecard"."call_timestamp_utc" < ' || quote_literal(TO_CHAR(record_last_date + 1, 'YYYY-MM-DD'));
  END IF;
  SELECT INTO record_n_moved COUNT(*) FROM "trunkline_f_scorecard_verdict" AS v WHERE v."record_is_moved" AND v."record_comparison" = 1;
  IF record_n_moved > 0 THEN
    DELETE FROM "post_call_analytics"."f_scorecard"
    USING "trunkline_f_scorecard_verdict" AS v
    WHERE v."guid" = "post_call_analytics"."f_scorecard"."guid" AND v."record_comparison" = 1 AND v."record_is_moved";
  END IF;

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
  FROM "trunkline_f_scorecard_incoming" AS i
  JOIN "trunkline_f_scorecard_source" AS s ON s."guid" = i."guid" AND s."record_row" = i."record_row"
  LEFT JOIN "trunkline_f_scorecard_verdict" AS v ON v."guid" = i."guid"
  WHERE i."record_place" = 1 AND (v."guid" IS NULL OR v."record_comparison" = 1);

  DROP TABLE "trunkline_f_scorecard_verdict";
  DROP TABLE "trunkline_f_scorecard_held";
  DROP TABLE "trunkline_f_scorecard_incoming";
  DROP TABLE "trunkline_f_scorecard_source";
END;
$$ LANGUAGE plpgsql;

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
  LOCK TABLE "post_call_analytics"."f_scorecard";

  DROP TABLE IF EXISTS "trunkline_f_scorecard_by_hand";
  CREATE TEMP TABLE "trunkline_f_scorecard_by_hand" (LIKE "post_call_analytics"."f_scorecard_staging");
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
      WHEN RANK() OVER (PARTITION BY s."guid" ORDER BY COALESCE(s."record_fidelity", 'stream') DESC, COALESCE(s."record_version", RTRIM(RTRIM(TO_CHAR(s."ingested_at", 'YYYY-MM-DD HH24:MI:SS.US'), '0'), '.'), t."record_version", '') DESC, CASE WHEN COALESCE(s."record_is_redacted", t."record_is_redacted") THEN 1 ELSE 0 END DESC, COALESCE(s."record_hash", s."record_new_hash") DESC, COALESCE(JSON_SERIALIZE(s."other_evidence"), '') DESC, COALESCE(JSON_SERIALIZE(s."record_unmapped"), '') DESC) > 1 THEN 0
      WHEN t."record_hash" IS NULL THEN 1000000
      WHEN COALESCE(s."record_hash", s."record_new_hash") = t."record_hash" AND COALESCE(JSON_SERIALIZE(s."other_evidence"), '') = COALESCE(JSON_SERIALIZE(t."other_evidence"), '') AND COALESCE(JSON_SERIALIZE(s."record_unmapped"), '') = COALESCE(JSON_SERIALIZE(t."record_unmapped"), '')
        THEN t."record_catalogue_version"
      WHEN t."record_catalogue_version" < 999999 THEN 1000000
      ELSE t."record_catalogue_version" + 1
    END),
    COALESCE(s."record_hash", s."record_new_hash"),
    COALESCE(s."record_position", 'post_call_analytics.f_scorecard_staging'),
    COALESCE(s."record_arrived_at", GETDATE()),
    COALESCE(s."record_loaded_at", GETDATE()),
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
      || COALESCE(MD5(JSON_SERIALIZE(s."other_scores")), '-')
      || COALESCE(MD5(s."deleted_by"), '-')
    ) AS "record_new_hash"
    FROM "post_call_analytics"."f_scorecard_staging" AS s
  ) AS s
  LEFT JOIN "post_call_analytics"."f_scorecard" AS t ON t."guid" = s."guid";

  -- DELETE and not TRUNCATE, which would commit. The transaction sees one snapshot throughout, so a row that somebody
  -- stages meanwhile is neither merged nor deleted.
  DELETE FROM "post_call_analytics"."f_scorecard_staging";
END;
$$ LANGUAGE plpgsql;

CREATE OR REPLACE PROCEDURE "post_call_analytics"."insert_new_f_scorecard" (
  staging IN VARCHAR(512),
  batch_id IN VARCHAR(512),
  inserted OUT BIGINT,
  updated OUT BIGINT,
  deleted OUT BIGINT,
  superseded OUT BIGINT,
  duplicate OUT BIGINT
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
  inserted OUT BIGINT,
  updated OUT BIGINT,
  deleted OUT BIGINT,
  superseded OUT BIGINT,
  duplicate OUT BIGINT
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
