-- Generated from the catalogue by `make golden`. Do not edit.
-- Call connect.insert_new_f_staff_shift_activities() or connect.insert_new_f_staff_shift_activities(staging, batch_id).

CREATE OR REPLACE PROCEDURE "connect"."merge_f_staff_shift_activities" (
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
  -- Overwrites connect.f_staff_shift_activities by key: of all versions of a key, in the table and staged, the best stays.
  -- Best is: record_fidelity (stream above api), then record_version, redacted over not, the newer catalogue,
  -- record_hash, and last the personal columns that the hash leaves out. So late and repeated versions change nothing.
  -- No COMMIT and no TRUNCATE: the caller's transaction holds the merge and the ledger's row together.

  -- The lock first, before anything is read. Readers go on; a second loader waits here.
  LOCK TABLE "connect"."f_staff_shift_activities" IN SHARE ROW EXCLUSIVE MODE;

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
  DROP TABLE IF EXISTS pg_temp."trunkline_f_staff_shift_activities_elsewhere";
  DROP TABLE IF EXISTS pg_temp."trunkline_f_staff_shift_activities_verdict";
  DROP TABLE IF EXISTS pg_temp."trunkline_f_staff_shift_activities_beaten";
  DROP VIEW IF EXISTS pg_temp."trunkline_f_staff_shift_activities_source";

  -- The staged rows under a fixed name, so that what follows is plain SQL. record_row is a row's address.
  EXECUTE 'CREATE TEMP VIEW "trunkline_f_staff_shift_activities_source" AS
    SELECT s.ctid AS "record_row",
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

  -- Of the rows of one key, all but the best are beaten. Most keys come once and need no ranking, which hashes tell
  -- faster than keys. Two keys of one hash only mean that rows are ranked for nothing.
  SELECT INTO record_n_staged, record_n_keys COUNT(*), COUNT(DISTINCT hashtextextended(CAST(s."activity_id" AS TEXT), hashtextextended(CAST(s."shift_version" AS TEXT), hashtextextended(CAST(s."shift_id" AS TEXT), hashtextextended(CAST(s."instance_id" AS TEXT), 0)))))
  FROM "trunkline_f_staff_shift_activities_source" AS s;
  CREATE TEMP TABLE "trunkline_f_staff_shift_activities_beaten" ("record_row" tid);
  IF record_n_keys < record_n_staged THEN
    INSERT INTO "trunkline_f_staff_shift_activities_beaten"
    SELECT r."record_row"
    FROM (
      SELECT s."record_row", ROW_NUMBER() OVER (
        PARTITION BY s."instance_id", s."shift_id", s."shift_version", s."activity_id"
        ORDER BY
          COALESCE(s."record_fidelity", '') COLLATE "C" DESC,
          COALESCE(s."record_version", '') COLLATE "C" DESC,
          CASE WHEN s."record_is_redacted" THEN 1 ELSE 0 END DESC,
          COALESCE(s."record_catalogue_version", 0) DESC,
          COALESCE(s."record_hash", '') COLLATE "C" DESC,
          COALESCE(CAST(s."record_unmapped" AS TEXT), '') COLLATE "C" DESC
      ) AS "record_place"
      FROM "trunkline_f_staff_shift_activities_source" AS s
      WHERE (s."instance_id", s."shift_id", s."shift_version", s."activity_id") IN (SELECT m."instance_id", m."shift_id", m."shift_version", m."activity_id" FROM "trunkline_f_staff_shift_activities_source" AS m GROUP BY m."instance_id", m."shift_id", m."shift_version", m."activity_id" HAVING COUNT(*) > 1)
    ) AS r
    WHERE r."record_place" > 1;
    GET DIAGNOSTICS record_n_beaten = ROW_COUNT;
    record_n_keys := record_n_staged - record_n_beaten;
  END IF;

  -- The best staged row of each key goes in, over the table's row where it is better: the first difference decides.
  -- A row that was there before has a number in xmax, a new one has 0. A row of the table that says deleted or lies at
  -- another date is left for later: when its successor is in, nobody can see that any more.
  WITH merged AS (
    INSERT INTO "connect"."f_staff_shift_activities" AS t (
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
    FROM "trunkline_f_staff_shift_activities_source" AS s
    WHERE s."record_row" NOT IN (SELECT b."record_row" FROM "trunkline_f_staff_shift_activities_beaten" AS b)
    ON CONFLICT ("instance_id", "shift_id", "shift_version", "activity_id") DO UPDATE SET
      "activity_start_timestamp" = EXCLUDED."activity_start_timestamp",
      "activity_end_timestamp" = EXCLUDED."activity_end_timestamp",
      "shift_activity_arn" = EXCLUDED."shift_activity_arn",
      "activity_status" = EXCLUDED."activity_status",
      "is_overtime" = EXCLUDED."is_overtime",
      "instance_arn" = EXCLUDED."instance_arn",
      "is_deleted" = EXCLUDED."is_deleted",
      "last_updated_timestamp" = EXCLUDED."last_updated_timestamp",
      "data_lake_last_processed_timestamp" = EXCLUDED."data_lake_last_processed_timestamp",
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
      AND COALESCE(CAST(EXCLUDED."last_updated_timestamp" AS DATE), DATE '1970-01-01') = COALESCE(CAST(t."last_updated_timestamp" AS DATE), DATE '1970-01-01')
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
    CREATE TEMP TABLE "trunkline_f_staff_shift_activities_verdict" AS
    SELECT r.*
    FROM (
      SELECT s."instance_id", s."shift_id", s."shift_version", s."activity_id", s."record_row", s."record_is_deleted" AS "record_is_ended",
        t."record_is_deleted" AS "record_is_held_deleted",
        COALESCE(CAST(s."last_updated_timestamp" AS DATE), DATE '1970-01-01') <> COALESCE(CAST(t."last_updated_timestamp" AS DATE), DATE '1970-01-01') AS "record_is_moved",
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
          WHEN COALESCE(CAST(s."record_unmapped" AS TEXT), '') COLLATE "C" > COALESCE(CAST(t."record_unmapped" AS TEXT), '') COLLATE "C" THEN 1
          WHEN COALESCE(CAST(s."record_unmapped" AS TEXT), '') COLLATE "C" < COALESCE(CAST(t."record_unmapped" AS TEXT), '') COLLATE "C" THEN -1
          ELSE 0
        END AS "record_comparison"
      FROM "trunkline_f_staff_shift_activities_source" AS s
      JOIN "connect"."f_staff_shift_activities" AS t ON t."instance_id" = s."instance_id" AND t."shift_id" = s."shift_id" AND t."shift_version" = s."shift_version" AND t."activity_id" = s."activity_id"
      WHERE s."record_row" NOT IN (SELECT b."record_row" FROM "trunkline_f_staff_shift_activities_beaten" AS b)
    ) AS r
    WHERE r."record_comparison" <> 0 OR r."record_is_moved";

    -- For who keeps a lake beside the table: its rows that lie at another date than a staged row of their key.
    CREATE TEMP TABLE "trunkline_f_staff_shift_activities_elsewhere" ON COMMIT DROP AS
    SELECT
      t."instance_id",
      t."shift_id",
      t."shift_version",
      t."activity_id",
      COALESCE(CAST(t."last_updated_timestamp" AS DATE), DATE '1970-01-01') AS record_held_date,
      t."record_fidelity",
      t."record_version",
      t."record_is_redacted",
      t."record_catalogue_version",
      t."record_hash",
      t."record_position",
      t."record_arrived_at",
      t."record_loaded_at"
    FROM "trunkline_f_staff_shift_activities_verdict" AS v
    JOIN "connect"."f_staff_shift_activities" AS t ON t."instance_id" = v."instance_id" AND t."shift_id" = v."shift_id" AND t."shift_version" = v."shift_version" AND t."activity_id" = v."activity_id"
    WHERE EXISTS (
      SELECT 1 FROM "trunkline_f_staff_shift_activities_source" AS s
      WHERE s."instance_id" = v."instance_id" AND s."shift_id" = v."shift_id" AND s."shift_version" = v."shift_version" AND s."activity_id" = v."activity_id"
        AND COALESCE(CAST(s."last_updated_timestamp" AS DATE), DATE '1970-01-01') <> COALESCE(CAST(t."last_updated_timestamp" AS DATE), DATE '1970-01-01')
    );

    -- What comes over a row that says deleted is a new row.
    SELECT INTO record_n_better, record_n_revived, record_n_replaced, record_n_ended, record_n_late
      COUNT(*) FILTER (WHERE v."record_comparison" = 1),
      COUNT(*) FILTER (WHERE v."record_comparison" = 1 AND v."record_is_held_deleted" AND NOT v."record_is_ended"),
      COUNT(*) FILTER (WHERE v."record_comparison" = 1 AND NOT v."record_is_held_deleted" AND NOT v."record_is_ended"),
      COUNT(*) FILTER (WHERE v."record_comparison" = 1 AND NOT v."record_is_held_deleted" AND v."record_is_ended"),
      COUNT(*) FILTER (WHERE v."record_comparison" = -1)
    FROM "trunkline_f_staff_shift_activities_verdict" AS v;
    record_n_inserted := record_n_inserted + record_n_revived;
    record_n_updated := record_n_updated + record_n_replaced;
    record_n_deleted := record_n_deleted + record_n_ended;
    IF record_n_better > 0 THEN
      DELETE FROM "connect"."f_staff_shift_activities" AS t
      USING "trunkline_f_staff_shift_activities_verdict" AS v
      WHERE t."instance_id" = v."instance_id" AND t."shift_id" = v."shift_id" AND t."shift_version" = v."shift_version" AND t."activity_id" = v."activity_id" AND v."record_comparison" = 1;
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
      FROM "trunkline_f_staff_shift_activities_verdict" AS v
      JOIN "trunkline_f_staff_shift_activities_source" AS s ON s."record_row" = v."record_row"
      WHERE v."record_comparison" = 1;
    END IF;
    DROP TABLE "trunkline_f_staff_shift_activities_verdict";
  END IF;

  -- Of the beaten rows, those that equal the row that is in the table now are copies, and the others are superseded.
  record_n_superseded := record_n_late;
  IF record_n_keys < record_n_staged THEN
    SELECT INTO record_n_superseded record_n_late + COUNT(*)
    FROM "trunkline_f_staff_shift_activities_beaten" AS b
    JOIN "trunkline_f_staff_shift_activities_source" AS s ON s."record_row" = b."record_row"
    JOIN "connect"."f_staff_shift_activities" AS t ON t."instance_id" = s."instance_id" AND t."shift_id" = s."shift_id" AND t."shift_version" = s."shift_version" AND t."activity_id" = s."activity_id"
    WHERE (
        COALESCE(s."record_fidelity", '') COLLATE "C",
        COALESCE(s."record_version", '') COLLATE "C",
        CASE WHEN s."record_is_redacted" THEN 1 ELSE 0 END,
        COALESCE(s."record_catalogue_version", 0),
        COALESCE(s."record_hash", '') COLLATE "C",
        COALESCE(CAST(s."record_unmapped" AS TEXT), '') COLLATE "C"
      ) <> (
        COALESCE(t."record_fidelity", '') COLLATE "C",
        COALESCE(t."record_version", '') COLLATE "C",
        CASE WHEN t."record_is_redacted" THEN 1 ELSE 0 END,
        COALESCE(t."record_catalogue_version", 0),
        COALESCE(t."record_hash", '') COLLATE "C",
        COALESCE(CAST(t."record_unmapped" AS TEXT), '') COLLATE "C"
      );
  END IF;

  -- Each staged row is counted once, so that the rest are duplicates. A row that says deleted stays,
  -- so that no late version brings its key back, and counts as no row: live rows are inserted minus deleted. A deletion
  -- of what is not there says nothing new, and is a duplicate too.
  record_n_duplicate := record_n_staged - record_n_inserted - record_n_updated - record_n_deleted - record_n_superseded;
  RAISE INFO 'merge_f_staff_shift_activities: batch %, inserted %, updated %, deleted %, superseded %, duplicate %', record_batch_id, record_n_inserted, record_n_updated, record_n_deleted, record_n_superseded, record_n_duplicate;

  DROP TABLE "trunkline_f_staff_shift_activities_beaten";
  DROP VIEW "trunkline_f_staff_shift_activities_source";
END;
$$ LANGUAGE plpgsql
SET work_mem = '64MB'
SET jit = off;

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
  LOCK TABLE "connect"."f_staff_shift_activities" IN SHARE ROW EXCLUSIVE MODE;

  DROP TABLE IF EXISTS pg_temp."trunkline_f_staff_shift_activities_by_hand";
  CREATE TEMP TABLE "trunkline_f_staff_shift_activities_by_hand" (LIKE "connect"."f_staff_shift_activities_staging");
  WITH taken AS (DELETE FROM "connect"."f_staff_shift_activities_staging" RETURNING *)
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
      WHEN RANK() OVER (PARTITION BY s."instance_id", s."shift_id", s."shift_version", s."activity_id" ORDER BY COALESCE(s."record_fidelity", 'stream') COLLATE "C" DESC, COALESCE(s."record_version", RTRIM(RTRIM(TO_CHAR(s."last_updated_timestamp", 'YYYY-MM-DD HH24:MI:SS.US'), '0'), '.'), t."record_version", '') COLLATE "C" DESC, CASE WHEN COALESCE(s."record_is_redacted", t."record_is_redacted") THEN 1 ELSE 0 END DESC, COALESCE(s."record_hash", s."record_new_hash") COLLATE "C" DESC, COALESCE(CAST(s."record_unmapped" AS TEXT), '') COLLATE "C" DESC) > 1 THEN 0
      WHEN t."record_hash" IS NULL THEN 1000000
      WHEN COALESCE(s."record_hash", s."record_new_hash") = t."record_hash" AND COALESCE(CAST(s."record_unmapped" AS TEXT), '') COLLATE "C" = COALESCE(CAST(t."record_unmapped" AS TEXT), '') COLLATE "C"
        THEN t."record_catalogue_version"
      WHEN t."record_catalogue_version" < 999999 THEN 1000000
      ELSE t."record_catalogue_version" + 1
    END),
    COALESCE(s."record_hash", s."record_new_hash"),
    COALESCE(s."record_position", 'connect.f_staff_shift_activities_staging'),
    COALESCE(s."record_arrived_at", TIMEZONE('UTC', NOW())),
    COALESCE(s."record_loaded_at", TIMEZONE('UTC', NOW())),
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
    FROM taken AS s
  ) AS s
  LEFT JOIN "connect"."f_staff_shift_activities" AS t ON t."instance_id" = s."instance_id" AND t."shift_id" = s."shift_id" AND t."shift_version" = s."shift_version" AND t."activity_id" = s."activity_id";

  ANALYZE "trunkline_f_staff_shift_activities_by_hand";
END;
$$ LANGUAGE plpgsql;

CREATE OR REPLACE PROCEDURE "connect"."insert_new_f_staff_shift_activities" (
  staging IN TEXT,
  batch_id IN TEXT,
  inserted INOUT BIGINT DEFAULT NULL,
  updated INOUT BIGINT DEFAULT NULL,
  deleted INOUT BIGINT DEFAULT NULL,
  superseded INOUT BIGINT DEFAULT NULL,
  duplicate INOUT BIGINT DEFAULT NULL
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
  inserted INOUT BIGINT DEFAULT NULL,
  updated INOUT BIGINT DEFAULT NULL,
  deleted INOUT BIGINT DEFAULT NULL,
  superseded INOUT BIGINT DEFAULT NULL,
  duplicate INOUT BIGINT DEFAULT NULL
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
