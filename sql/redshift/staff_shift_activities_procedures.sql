-- Generated from the catalogue by `make golden`. Do not edit.
-- Call connect.insert_new_f_staff_shift_activities() or connect.insert_new_f_staff_shift_activities(staging, batch_id).

CREATE OR REPLACE PROCEDURE "connect"."merge_f_staff_shift_activities" (
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
  -- Overwrites connect.f_staff_shift_activities by key: of all versions of a key, in the table and staged, the best stays.
  -- Best is: record_fidelity (stream above api), then record_version, redacted over not, the newer catalogue,
  -- record_hash, and last the personal columns that the hash leaves out. So late and repeated versions change nothing.
  -- No COMMIT and no TRUNCATE: the caller's transaction holds the merge and the ledger's row together.

  -- The lock first, before anything is read. Under snapshot isolation two loaders would both
  -- insert a new key. A transaction that reads or copies before this call must lock before that.
  LOCK TABLE "connect"."f_staff_shift_activities";

  -- The one name that the caller gives: schema.table, or a table's name alone.
  record_source := quote_ident(SPLIT_PART(record_staging, '.', 1));
  IF SPLIT_PART(record_staging, '.', 2) <> '' THEN
    record_source := record_source || '.' || quote_ident(SPLIT_PART(record_staging, '.', 2));
  END IF;
  IF record_staging IS NULL OR SPLIT_PART(record_staging, '.', 1) = '' OR SPLIT_PART(record_staging, '.', 3) <> '' THEN
    RAISE EXCEPTION 'merge_f_staff_shift_activities: staging is %, but must be schema.table or table', record_staging;
  END IF;
  IF record_staging IN ('connect.f_staff_shift_activities', 'f_staff_shift_activities') THEN
    RAISE EXCEPTION 'merge_f_staff_shift_activities: staging is the target %, name a staging table', record_staging;
  END IF;

  -- What an earlier call in the same session may have left.
  DROP TABLE IF EXISTS "trunkline_f_staff_shift_activities_verdict";
  DROP TABLE IF EXISTS "trunkline_f_staff_shift_activities_held";
  DROP TABLE IF EXISTS "trunkline_f_staff_shift_activities_incoming";
  DROP TABLE IF EXISTS "trunkline_f_staff_shift_activities_source";

  -- The staged rows under a fixed name, so that what follows is plain SQL. record_row only tells rows apart.
  CREATE TEMP TABLE "trunkline_f_staff_shift_activities_source" (LIKE "connect"."f_staff_shift_activities_staging", "record_row" BIGINT IDENTITY(1, 1));
  EXECUTE 'INSERT INTO "trunkline_f_staff_shift_activities_source" (
      "instance_id",
      "shift_id",
      "shift_version",
      "activity_id",
      "activity_start_timestamp",
      "activity_end_timestamp",
      "shift_activity_arn",
      "activity_status",
      "is_overtime",
      "instance_arn",
      "is_deleted",
      "last_updated_timestamp",
      "data_lake_last_processed_timestamp",
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
      s."instance_id",
      s."shift_id",
      s."shift_version",
      s."activity_id",
      s."activity_start_timestamp",
      s."activity_end_timestamp",
      s."shift_activity_arn",
      s."activity_status",
      s."is_overtime",
      s."instance_arn",
      s."is_deleted",
      s."last_updated_timestamp",
      s."data_lake_last_processed_timestamp",
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
  CREATE TEMP TABLE "trunkline_f_staff_shift_activities_incoming" (
    "instance_id" VARCHAR(512), "shift_id" VARCHAR(512), "shift_version" BIGINT, "activity_id" VARCHAR(512), "record_row" BIGINT, "record_place" BIGINT, "record_standing" BIGINT
  ) DISTKEY ("instance_id");
  INSERT INTO "trunkline_f_staff_shift_activities_incoming"
  SELECT s."instance_id", s."shift_id", s."shift_version", s."activity_id", MIN(s."record_row"), 1, 1
  FROM "trunkline_f_staff_shift_activities_source" AS s
  GROUP BY s."instance_id", s."shift_id", s."shift_version", s."activity_id"
  HAVING COUNT(*) = 1;
  INSERT INTO "trunkline_f_staff_shift_activities_incoming"
  SELECT s."instance_id", s."shift_id", s."shift_version", s."activity_id", s."record_row",
    ROW_NUMBER() OVER (
      PARTITION BY s."instance_id", s."shift_id", s."shift_version", s."activity_id"
      ORDER BY
        COALESCE(s."record_fidelity", '') DESC,
        COALESCE(s."record_version", '') DESC,
        CASE WHEN s."record_is_redacted" THEN 1 ELSE 0 END DESC,
        COALESCE(s."record_catalogue_version", 0) DESC,
        COALESCE(s."record_hash", '') DESC,
        COALESCE(JSON_SERIALIZE(s."record_unmapped"), '') DESC
    ),
    RANK() OVER (
      PARTITION BY s."instance_id", s."shift_id", s."shift_version", s."activity_id"
      ORDER BY
        COALESCE(s."record_fidelity", '') DESC,
        COALESCE(s."record_version", '') DESC,
        CASE WHEN s."record_is_redacted" THEN 1 ELSE 0 END DESC,
        COALESCE(s."record_catalogue_version", 0) DESC,
        COALESCE(s."record_hash", '') DESC,
        COALESCE(JSON_SERIALIZE(s."record_unmapped"), '') DESC
    )
  FROM "trunkline_f_staff_shift_activities_source" AS s
  JOIN (SELECT "instance_id", "shift_id", "shift_version", "activity_id" FROM "trunkline_f_staff_shift_activities_source" GROUP BY "instance_id", "shift_id", "shift_version", "activity_id" HAVING COUNT(*) > 1) AS m
    ON m."instance_id" = s."instance_id" AND m."shift_id" = s."shift_id" AND m."shift_version" = s."shift_version" AND m."activity_id" = s."activity_id";

  -- The rows that the table holds of the staged keys. First only those within the staged dates, written as literals so
  -- that Redshift skips the other blocks; then, for keys still not found, the rest: a contact whose date moved.
  CREATE TEMP TABLE "trunkline_f_staff_shift_activities_held" (
    "instance_id" VARCHAR(512),
    "shift_id" VARCHAR(512),
    "shift_version" BIGINT,
    "activity_id" VARCHAR(512),
    "record_fidelity" VARCHAR(16),
    "record_version" VARCHAR(128),
    "record_is_redacted" BOOLEAN,
    "record_catalogue_version" INTEGER,
    "record_hash" VARCHAR(32),
    "record_is_deleted" BOOLEAN,
    "record_unmapped" SUPER,
    "record_is_moved" BOOLEAN
  ) DISTKEY ("instance_id");
  SELECT INTO record_first_date, record_last_date
    MIN(CAST(s."last_updated_timestamp" AS DATE)), MAX(CAST(s."last_updated_timestamp" AS DATE))
  FROM "trunkline_f_staff_shift_activities_source" AS s;
  IF record_first_date IS NOT NULL THEN
    EXECUTE 'INSERT INTO "trunkline_f_staff_shift_activities_held"
    SELECT
      t."instance_id",
      t."shift_id",
      t."shift_version",
      t."activity_id",
      t."record_fidelity",
      t."record_version",
      t."record_is_redacted",
      t."record_catalogue_version",
      t."record_hash",
      t."record_is_deleted",
      t."record_unmapped",
      FALSE
    FROM "connect"."f_staff_shift_activities" AS t
    JOIN "trunkline_f_staff_shift_activities_incoming" AS i ON i."instance_id" = t."instance_id" AND i."shift_id" = t."shift_id" AND i."shift_version" = t."shift_version" AND i."activity_id" = t."activity_id"
    WHERE i."record_place" = 1
      AND t."last_updated_timestamp" >= ' || quote_literal(TO_CHAR(record_first_date, 'YYYY-MM-DD')) || '
      AND t."last_updated_timestamp" < ' || quote_literal(TO_CHAR(record_last_date + 1, 'YYYY-MM-DD'));
  END IF;
  INSERT INTO "trunkline_f_staff_shift_activities_held"
    SELECT
      t."instance_id",
      t."shift_id",
      t."shift_version",
      t."activity_id",
      t."record_fidelity",
      t."record_version",
      t."record_is_redacted",
      t."record_catalogue_version",
      t."record_hash",
      t."record_is_deleted",
      t."record_unmapped",
      TRUE
    FROM "connect"."f_staff_shift_activities" AS t
    JOIN "trunkline_f_staff_shift_activities_incoming" AS i ON i."instance_id" = t."instance_id" AND i."shift_id" = t."shift_id" AND i."shift_version" = t."shift_version" AND i."activity_id" = t."activity_id"
    LEFT JOIN "trunkline_f_staff_shift_activities_held" AS h ON h."instance_id" = t."instance_id" AND h."shift_id" = t."shift_id" AND h."shift_version" = t."shift_version" AND h."activity_id" = t."activity_id"
    WHERE i."record_place" = 1 AND h."instance_id" IS NULL;

  -- The best staged row of each key that the table has: better than the table's (1), equal to it (0), or worse (-1).
  -- The first difference decides.
  CREATE TEMP TABLE "trunkline_f_staff_shift_activities_verdict" DISTKEY ("instance_id") AS
  SELECT s."instance_id", s."shift_id", s."shift_version", s."activity_id", t."record_is_moved", t."record_is_deleted" AS "record_is_held_deleted",
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
      WHEN COALESCE(JSON_SERIALIZE(s."record_unmapped"), '') > COALESCE(JSON_SERIALIZE(t."record_unmapped"), '') THEN 1
      WHEN COALESCE(JSON_SERIALIZE(s."record_unmapped"), '') < COALESCE(JSON_SERIALIZE(t."record_unmapped"), '') THEN -1
      ELSE 0
    END AS "record_comparison"
  FROM "trunkline_f_staff_shift_activities_incoming" AS i
  JOIN "trunkline_f_staff_shift_activities_source" AS s ON s."instance_id" = i."instance_id" AND s."shift_id" = i."shift_id" AND s."shift_version" = i."shift_version" AND s."activity_id" = i."activity_id" AND s."record_row" = i."record_row"
  JOIN "trunkline_f_staff_shift_activities_held" AS t ON t."instance_id" = i."instance_id" AND t."shift_id" = i."shift_id" AND t."shift_version" = i."shift_version" AND t."activity_id" = i."activity_id"
  WHERE i."record_place" = 1;

  -- Each staged row is counted once. A row that says deleted stays, so that no late version brings its
  -- key back, and counts as no row: live rows are inserted minus deleted. A deletion of what is not there says nothing
  -- new, and is a duplicate.
  SELECT INTO record_n_inserted, record_n_updated, record_n_deleted, record_n_superseded, record_n_duplicate
    COALESCE(SUM(CASE WHEN i."record_place" = 1 AND (v."instance_id" IS NULL OR (v."record_comparison" = 1 AND v."record_is_held_deleted")) AND NOT COALESCE(s."record_is_deleted", FALSE) THEN 1 ELSE 0 END), 0),
    COALESCE(SUM(CASE WHEN i."record_place" = 1 AND (v."record_comparison" = 1 AND NOT v."record_is_held_deleted") AND NOT COALESCE(s."record_is_deleted", FALSE) THEN 1 ELSE 0 END), 0),
    COALESCE(SUM(CASE WHEN i."record_place" = 1 AND (v."record_comparison" = 1 AND NOT v."record_is_held_deleted") AND COALESCE(s."record_is_deleted", FALSE) THEN 1 ELSE 0 END), 0),
    COALESCE(SUM(CASE WHEN i."record_standing" > 1 OR v."record_comparison" = -1 THEN 1 ELSE 0 END), 0),
    COALESCE(SUM(CASE WHEN i."record_standing" = 1 AND (v."record_comparison" = 0 OR (i."record_place" > 1 AND (v."instance_id" IS NULL OR v."record_comparison" = 1))
      OR (i."record_place" = 1 AND (v."instance_id" IS NULL OR (v."record_comparison" = 1 AND v."record_is_held_deleted")) AND COALESCE(s."record_is_deleted", FALSE))) THEN 1 ELSE 0 END), 0)
  FROM "trunkline_f_staff_shift_activities_incoming" AS i
  JOIN "trunkline_f_staff_shift_activities_source" AS s ON s."instance_id" = i."instance_id" AND s."shift_id" = i."shift_id" AND s."shift_version" = i."shift_version" AND s."activity_id" = i."activity_id" AND s."record_row" = i."record_row"
  LEFT JOIN "trunkline_f_staff_shift_activities_verdict" AS v ON v."instance_id" = i."instance_id" AND v."shift_id" = i."shift_id" AND v."shift_version" = i."shift_version" AND v."activity_id" = i."activity_id";
  RAISE INFO 'merge_f_staff_shift_activities: batch %, inserted %, updated %, deleted %, superseded %, duplicate %', record_batch_id, record_n_inserted, record_n_updated, record_n_deleted, record_n_superseded, record_n_duplicate;

  -- The counts stay in a table of the session, for a batch of statements that writes them into the ledger.
  CREATE TEMP TABLE IF NOT EXISTS "trunkline_f_staff_shift_activities_counted" ("batch" VARCHAR(512), "inserted" BIGINT, "updated" BIGINT, "deleted" BIGINT, "superseded" BIGINT, "duplicate" BIGINT);
  INSERT INTO "trunkline_f_staff_shift_activities_counted" SELECT record_batch_id, record_n_inserted, record_n_updated, record_n_deleted, record_n_superseded, record_n_duplicate;

  -- Again within the staged dates, and the few whose date moved apart.
  IF record_first_date IS NOT NULL THEN
    EXECUTE 'DELETE FROM "connect"."f_staff_shift_activities"
    USING "trunkline_f_staff_shift_activities_verdict" AS v
    WHERE v."instance_id" = "connect"."f_staff_shift_activities"."instance_id" AND v."shift_id" = "connect"."f_staff_shift_activities"."shift_id" AND v."shift_version" = "connect"."f_staff_shift_activities"."shift_version" AND v."activity_id" = "connect"."f_staff_shift_activities"."activity_id" AND v."record_comparison" = 1 AND NOT v."record_is_moved"
      AND "connect"."f_staff_shift_activities"."last_updated_timestamp" >= ' || quote_literal(TO_CHAR(record_first_date, 'YYYY-MM-DD')) || '
      AND "connect"."f_staff_shift_activities"."last_updated_timestamp" < ' || quote_literal(TO_CHAR(record_last_date + 1, 'YYYY-MM-DD'));
  END IF;
  SELECT INTO record_n_moved COUNT(*) FROM "trunkline_f_staff_shift_activities_verdict" AS v WHERE v."record_is_moved" AND v."record_comparison" = 1;
  IF record_n_moved > 0 THEN
    DELETE FROM "connect"."f_staff_shift_activities"
    USING "trunkline_f_staff_shift_activities_verdict" AS v
    WHERE v."instance_id" = "connect"."f_staff_shift_activities"."instance_id" AND v."shift_id" = "connect"."f_staff_shift_activities"."shift_id" AND v."shift_version" = "connect"."f_staff_shift_activities"."shift_version" AND v."activity_id" = "connect"."f_staff_shift_activities"."activity_id" AND v."record_comparison" = 1 AND v."record_is_moved";
  END IF;

  INSERT INTO "connect"."f_staff_shift_activities" (
    "instance_id",
    "shift_id",
    "shift_version",
    "activity_id",
    "activity_start_timestamp",
    "activity_end_timestamp",
    "shift_activity_arn",
    "activity_status",
    "is_overtime",
    "instance_arn",
    "is_deleted",
    "last_updated_timestamp",
    "data_lake_last_processed_timestamp",
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
    s."instance_id",
    s."shift_id",
    s."shift_version",
    s."activity_id",
    s."activity_start_timestamp",
    s."activity_end_timestamp",
    s."shift_activity_arn",
    s."activity_status",
    s."is_overtime",
    s."instance_arn",
    s."is_deleted",
    s."last_updated_timestamp",
    s."data_lake_last_processed_timestamp",
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
  FROM "trunkline_f_staff_shift_activities_incoming" AS i
  JOIN "trunkline_f_staff_shift_activities_source" AS s ON s."instance_id" = i."instance_id" AND s."shift_id" = i."shift_id" AND s."shift_version" = i."shift_version" AND s."activity_id" = i."activity_id" AND s."record_row" = i."record_row"
  LEFT JOIN "trunkline_f_staff_shift_activities_verdict" AS v ON v."instance_id" = i."instance_id" AND v."shift_id" = i."shift_id" AND v."shift_version" = i."shift_version" AND v."activity_id" = i."activity_id"
  WHERE i."record_place" = 1 AND (v."instance_id" IS NULL OR v."record_comparison" = 1);

  DROP TABLE "trunkline_f_staff_shift_activities_verdict";
  DROP TABLE "trunkline_f_staff_shift_activities_held";
  DROP TABLE "trunkline_f_staff_shift_activities_incoming";
  DROP TABLE "trunkline_f_staff_shift_activities_source";
END;
$$ LANGUAGE plpgsql;

CREATE OR REPLACE PROCEDURE "connect"."take_f_staff_shift_activities_staging" (

) AS $$
BEGIN
  -- Moves the rows of connect.f_staff_shift_activities_staging into the temporary table trunkline_f_staff_shift_activities_by_hand.
  -- A record_* column that is NULL gets its value here:
  --   record_version            last_updated_timestamp as text; without one, the version of the row that the table has
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
  -- The lock comes before the first query, see merge_f_staff_shift_activities.
  LOCK TABLE "connect"."f_staff_shift_activities";

  DROP TABLE IF EXISTS "trunkline_f_staff_shift_activities_by_hand";
  CREATE TEMP TABLE "trunkline_f_staff_shift_activities_by_hand" (LIKE "connect"."f_staff_shift_activities_staging");
  INSERT INTO "trunkline_f_staff_shift_activities_by_hand" (
    "instance_id",
    "shift_id",
    "shift_version",
    "activity_id",
    "activity_start_timestamp",
    "activity_end_timestamp",
    "shift_activity_arn",
    "activity_status",
    "is_overtime",
    "instance_arn",
    "is_deleted",
    "last_updated_timestamp",
    "data_lake_last_processed_timestamp",
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
    s."instance_id",
    s."shift_id",
    s."shift_version",
    s."activity_id",
    s."activity_start_timestamp",
    s."activity_end_timestamp",
    s."shift_activity_arn",
    s."activity_status",
    s."is_overtime",
    s."instance_arn",
    s."is_deleted",
    s."last_updated_timestamp",
    s."data_lake_last_processed_timestamp",
    COALESCE(s."record_version", COALESCE(RTRIM(RTRIM(TO_CHAR(s."last_updated_timestamp", 'YYYY-MM-DD HH24:MI:SS.US'), '0'), '.'), t."record_version")),
    COALESCE(s."record_fidelity", 'stream'),
    COALESCE(s."record_is_redacted", COALESCE(t."record_is_redacted", FALSE)),
    COALESCE(s."record_catalogue_version", CASE
      WHEN RANK() OVER (PARTITION BY s."instance_id", s."shift_id", s."shift_version", s."activity_id" ORDER BY COALESCE(s."record_fidelity", 'stream') DESC, COALESCE(s."record_version", RTRIM(RTRIM(TO_CHAR(s."last_updated_timestamp", 'YYYY-MM-DD HH24:MI:SS.US'), '0'), '.'), t."record_version", '') DESC, CASE WHEN COALESCE(s."record_is_redacted", t."record_is_redacted") THEN 1 ELSE 0 END DESC, COALESCE(s."record_hash", s."record_new_hash") DESC, COALESCE(JSON_SERIALIZE(s."record_unmapped"), '') DESC) > 1 THEN 0
      WHEN t."record_hash" IS NULL THEN 1000000
      WHEN COALESCE(s."record_hash", s."record_new_hash") = t."record_hash" AND COALESCE(JSON_SERIALIZE(s."record_unmapped"), '') = COALESCE(JSON_SERIALIZE(t."record_unmapped"), '')
        THEN t."record_catalogue_version"
      WHEN t."record_catalogue_version" < 999999 THEN 1000000
      ELSE t."record_catalogue_version" + 1
    END),
    COALESCE(s."record_hash", s."record_new_hash"),
    COALESCE(s."record_position", 'connect.f_staff_shift_activities_staging'),
    COALESCE(s."record_arrived_at", GETDATE()),
    COALESCE(s."record_loaded_at", GETDATE()),
    s."record_unmapped",
    COALESCE(s."record_is_deleted", FALSE)
  FROM (
    SELECT s.*, MD5(
      COALESCE(MD5(s."instance_id"), '-')
      || COALESCE(MD5(s."shift_id"), '-')
      || COALESCE(MD5(CAST(s."shift_version" AS VARCHAR(64))), '-')
      || COALESCE(MD5(s."activity_id"), '-')
      || COALESCE(MD5(TO_CHAR(s."activity_start_timestamp", 'YYYY-MM-DD HH24:MI:SS.US')), '-')
      || COALESCE(MD5(TO_CHAR(s."activity_end_timestamp", 'YYYY-MM-DD HH24:MI:SS.US')), '-')
      || COALESCE(MD5(s."shift_activity_arn"), '-')
      || COALESCE(MD5(s."activity_status"), '-')
      || COALESCE(MD5(CASE WHEN s."is_overtime" THEN 'true' WHEN NOT s."is_overtime" THEN 'false' END), '-')
      || COALESCE(MD5(s."instance_arn"), '-')
      || COALESCE(MD5(CASE WHEN s."is_deleted" THEN 'true' WHEN NOT s."is_deleted" THEN 'false' END), '-')
      || COALESCE(MD5(TO_CHAR(s."last_updated_timestamp", 'YYYY-MM-DD HH24:MI:SS.US')), '-')
      || COALESCE(MD5(TO_CHAR(s."data_lake_last_processed_timestamp", 'YYYY-MM-DD HH24:MI:SS.US')), '-')
    ) AS "record_new_hash"
    FROM "connect"."f_staff_shift_activities_staging" AS s
  ) AS s
  LEFT JOIN "connect"."f_staff_shift_activities" AS t ON t."instance_id" = s."instance_id" AND t."shift_id" = s."shift_id" AND t."shift_version" = s."shift_version" AND t."activity_id" = s."activity_id";

  -- DELETE and not TRUNCATE, which would commit. The transaction sees one snapshot throughout, so a row that somebody
  -- stages meanwhile is neither merged nor deleted.
  DELETE FROM "connect"."f_staff_shift_activities_staging";
END;
$$ LANGUAGE plpgsql;

CREATE OR REPLACE PROCEDURE "connect"."insert_new_f_staff_shift_activities" (
  staging IN VARCHAR(512),
  batch_id IN VARCHAR(512),
  inserted OUT BIGINT,
  updated OUT BIGINT,
  deleted OUT BIGINT,
  superseded OUT BIGINT,
  duplicate OUT BIGINT
) AS $$
BEGIN
  -- Merges a staging table of a run's own into connect.f_staff_shift_activities and leaves it as it is.
  -- staging is schema.table with the columns of connect.f_staff_shift_activities_staging, its record_* columns all filled.
  -- batch_id says in the server's log which batch this was; whoever calls records the batch.
  inserted := 0;
  updated := 0;
  deleted := 0;
  superseded := 0;
  duplicate := 0;
  CALL "connect"."merge_f_staff_shift_activities"(staging, batch_id, inserted, updated, deleted, superseded, duplicate);
END;
$$ LANGUAGE plpgsql;

CREATE OR REPLACE PROCEDURE "connect"."insert_new_f_staff_shift_activities" (
  inserted OUT BIGINT,
  updated OUT BIGINT,
  deleted OUT BIGINT,
  superseded OUT BIGINT,
  duplicate OUT BIGINT
) AS $$
BEGIN
  -- Merges what is in connect.f_staff_shift_activities_staging, whoever staged it, and empties it. See take_f_staff_shift_activities_staging.
  CALL "connect"."take_f_staff_shift_activities_staging"();
  inserted := 0;
  updated := 0;
  deleted := 0;
  superseded := 0;
  duplicate := 0;
  CALL "connect"."merge_f_staff_shift_activities"('trunkline_f_staff_shift_activities_by_hand', 'by hand', inserted, updated, deleted, superseded, duplicate);
  DROP TABLE "trunkline_f_staff_shift_activities_by_hand";
END;
$$ LANGUAGE plpgsql;
