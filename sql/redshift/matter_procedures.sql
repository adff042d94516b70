-- Generated from the catalogue by `make golden`. Do not edit.
-- Call connect.insert_new_d_matters() or connect.insert_new_d_matters(staging, batch_id).

CREATE OR REPLACE PROCEDURE "connect"."merge_d_matters" (
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
  -- Overwrites connect.d_matters by key: of all versions of a key, in the table and staged, the best stays.
  -- Best is: record_fidelity (stream above api), then record_version, redacted over not, the newer catalogue,
  -- record_hash, and last the personal columns that the hash leaves out. So late and repeated versions change nothing.
  -- No COMMIT and no TRUNCATE: the caller's transaction holds the merge and the ledger's row together.

  -- The lock first, before anything is read. Under snapshot isolation two loaders would both
  -- insert a new key. A transaction that reads or copies before this call must lock before that.
  LOCK TABLE "connect"."d_matters";

  -- The one name that the caller gives: schema.table, or a table's name alone.
  record_source := quote_ident(SPLIT_PART(record_staging, '.', 1));
  IF SPLIT_PART(record_staging, '.', 2) <> '' THEN
    record_source := record_source || '.' || quote_ident(SPLIT_PART(record_staging, '.', 2));
  END IF;
  IF record_staging IS NULL OR SPLIT_PART(record_staging, '.', 1) = '' OR SPLIT_PART(record_staging, '.', 3) <> '' THEN
    RAISE EXCEPTION 'merge_d_matters: staging is %, but must be schema.table or table', record_staging;
  END IF;
  IF record_staging IN ('connect.d_matters', 'd_matters') THEN
    RAISE EXCEPTION 'merge_d_matters: staging is the target %, name a staging table', record_staging;
  END IF;

  -- What an earlier call in the same session may have left.
  DROP TABLE IF EXISTS "trunkline_d_matters_verdict";
  DROP TABLE IF EXISTS "trunkline_d_matters_held";
  DROP TABLE IF EXISTS "trunkline_d_matters_incoming";
  DROP TABLE IF EXISTS "trunkline_d_matters_source";

  -- The staged rows under a fixed name, so that what follows is plain SQL. record_row only tells rows apart.
  CREATE TEMP TABLE "trunkline_d_matters_source" (LIKE "connect"."d_matters_staging", "record_row" BIGINT IDENTITY(1, 1));
  EXECUTE 'INSERT INTO "trunkline_d_matters_source" (
      "matter_id",
      "matter_name",
      "display_name",
      "status",
      "case_type_id",
      "practice_area",
      "client_id",
      "principal_attorney_id",
      "originating_attorney_id",
      "owner_id",
      "open_date",
      "close_date",
      "closed_reason",
      "incident_date",
      "matter_state",
      "statute_of_limitations",
      "gross_recovery",
      "net_recovery",
      "matter_source",
      "created_by_id",
      "created_date",
      "last_modified_date",
      "system_modstamp",
      "is_deleted",
      "salesforce_type",
      "salesforce_url",
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
      s."matter_id",
      s."matter_name",
      s."display_name",
      s."status",
      s."case_type_id",
      s."practice_area",
      s."client_id",
      s."principal_attorney_id",
      s."originating_attorney_id",
      s."owner_id",
      s."open_date",
      s."close_date",
      s."closed_reason",
      s."incident_date",
      s."matter_state",
      s."statute_of_limitations",
      s."gross_recovery",
      s."net_recovery",
      s."matter_source",
      s."created_by_id",
      s."created_date",
      s."last_modified_date",
      s."system_modstamp",
      s."is_deleted",
      s."salesforce_type",
      s."salesforce_url",
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
  CREATE TEMP TABLE "trunkline_d_matters_incoming" (
    "matter_id" VARCHAR(18), "record_row" BIGINT, "record_place" BIGINT, "record_standing" BIGINT
  ) DISTKEY ("matter_id");
  INSERT INTO "trunkline_d_matters_incoming"
  SELECT s."matter_id", MIN(s."record_row"), 1, 1
  FROM "trunkline_d_matters_source" AS s
  GROUP BY s."matter_id"
  HAVING COUNT(*) = 1;
  INSERT INTO "trunkline_d_matters_incoming"
  SELECT s."matter_id", s."record_row",
    ROW_NUMBER() OVER (
      PARTITION BY s."matter_id"
      ORDER BY
        COALESCE(s."record_fidelity", '') DESC,
        COALESCE(s."record_version", '') DESC,
        CASE WHEN s."record_is_redacted" THEN 1 ELSE 0 END DESC,
        COALESCE(s."record_catalogue_version", 0) DESC,
        COALESCE(s."record_hash", '') DESC,
        COALESCE(JSON_SERIALIZE(s."record_unmapped"), '') DESC
    ),
    RANK() OVER (
      PARTITION BY s."matter_id"
      ORDER BY
        COALESCE(s."record_fidelity", '') DESC,
        COALESCE(s."record_version", '') DESC,
        CASE WHEN s."record_is_redacted" THEN 1 ELSE 0 END DESC,
        COALESCE(s."record_catalogue_version", 0) DESC,
        COALESCE(s."record_hash", '') DESC,
        COALESCE(JSON_SERIALIZE(s."record_unmapped"), '') DESC
    )
  FROM "trunkline_d_matters_source" AS s
  JOIN (SELECT "matter_id" FROM "trunkline_d_matters_source" GROUP BY "matter_id" HAVING COUNT(*) > 1) AS m
    ON m."matter_id" = s."matter_id";

  -- The rows that the table holds of the staged keys. First only those within the staged dates, written as literals so
  -- that Redshift skips the other blocks; then, for keys still not found, the rest: a contact whose date moved.
  CREATE TEMP TABLE "trunkline_d_matters_held" (
    "matter_id" VARCHAR(18),
    "record_fidelity" VARCHAR(16),
    "record_version" VARCHAR(128),
    "record_is_redacted" BOOLEAN,
    "record_catalogue_version" INTEGER,
    "record_hash" VARCHAR(32),
    "record_is_deleted" BOOLEAN,
    "record_unmapped" SUPER,
    "record_is_moved" BOOLEAN
  ) DISTKEY ("matter_id");
  SELECT INTO record_first_date, record_last_date
    MIN(CAST(s."created_date" AS DATE)), MAX(CAST(s."created_date" AS DATE))
  FROM "trunkline_d_matters_source" AS s;
  IF record_first_date IS NOT NULL THEN
    EXECUTE 'INSERT INTO "trunkline_d_matters_held"
    SELECT
      t."matter_id",
      t."record_fidelity",
      t."record_version",
      t."record_is_redacted",
      t."record_catalogue_version",
      t."record_hash",
      t."record_is_deleted",
      t."record_unmapped",
      FALSE
    FROM "connect"."d_matters" AS t
    JOIN "trunkline_d_matters_incoming" AS i ON i."matter_id" = t."matter_id"
    WHERE i."record_place" = 1
      AND t."created_date" >= ' || quote_literal(TO_CHAR(record_first_date, 'YYYY-MM-DD')) || '
      AND t."created_date" < ' || quote_literal(TO_CHAR(record_last_date + 1, 'YYYY-MM-DD'));
  END IF;
  INSERT INTO "trunkline_d_matters_held"
    SELECT
      t."matter_id",
      t."record_fidelity",
      t."record_version",
      t."record_is_redacted",
      t."record_catalogue_version",
      t."record_hash",
      t."record_is_deleted",
      t."record_unmapped",
      TRUE
    FROM "connect"."d_matters" AS t
    JOIN "trunkline_d_matters_incoming" AS i ON i."matter_id" = t."matter_id"
    LEFT JOIN "trunkline_d_matters_held" AS h ON h."matter_id" = t."matter_id"
    WHERE i."record_place" = 1 AND h."matter_id" IS NULL;

  -- The best staged row of each key that the table has: better than the table's (1), equal to it (0), or worse (-1).
  -- The first difference decides.
  CREATE TEMP TABLE "trunkline_d_matters_verdict" DISTKEY ("matter_id") AS
  SELECT s."matter_id", t."record_is_moved", t."record_is_deleted" AS "record_is_held_deleted",
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
  FROM "trunkline_d_matters_incoming" AS i
  JOIN "trunkline_d_matters_source" AS s ON s."matter_id" = i."matter_id" AND s."record_row" = i."record_row"
  JOIN "trunkline_d_matters_held" AS t ON t."matter_id" = i."matter_id"
  WHERE i."record_place" = 1;

  -- Each staged row is counted once. A row that says deleted stays, so that no late version brings its
  -- key back, and counts as no row: live rows are inserted minus deleted. A deletion of what is not there says nothing
  -- new, and is a duplicate.
  SELECT INTO record_n_inserted, record_n_updated, record_n_deleted, record_n_superseded, record_n_duplicate
    COALESCE(SUM(CASE WHEN i."record_place" = 1 AND (v."matter_id" IS NULL OR (v."record_comparison" = 1 AND v."record_is_held_deleted")) AND NOT COALESCE(s."record_is_deleted", FALSE) THEN 1 ELSE 0 END), 0),
    COALESCE(SUM(CASE WHEN i."record_place" = 1 AND (v."record_comparison" = 1 AND NOT v."record_is_held_deleted") AND NOT COALESCE(s."record_is_deleted", FALSE) THEN 1 ELSE 0 END), 0),
    COALESCE(SUM(CASE WHEN i."record_place" = 1 AND (v."record_comparison" = 1 AND NOT v."record_is_held_deleted") AND COALESCE(s."record_is_deleted", FALSE) THEN 1 ELSE 0 END), 0),
    COALESCE(SUM(CASE WHEN i."record_standing" > 1 OR v."record_comparison" = -1 THEN 1 ELSE 0 END), 0),
    COALESCE(SUM(CASE WHEN i."record_standing" = 1 AND (v."record_comparison" = 0 OR (i."record_place" > 1 AND (v."matter_id" IS NULL OR v."record_comparison" = 1))
      OR (i."record_place" = 1 AND (v."matter_id" IS NULL OR (v."record_comparison" = 1 AND v."record_is_held_deleted")) AND COALESCE(s."record_is_deleted", FALSE))) THEN 1 ELSE 0 END), 0)
  FROM "trunkline_d_matters_incoming" AS i
  JOIN "trunkline_d_matters_source" AS s ON s."matter_id" = i."matter_id" AND s."record_row" = i."record_row"
  LEFT JOIN "trunkline_d_matters_verdict" AS v ON v."matter_id" = i."matter_id";
  RAISE INFO 'merge_d_matters: batch %, inserted %, updated %, deleted %, superseded %, duplicate %', record_batch_id, record_n_inserted, record_n_updated, record_n_deleted, record_n_superseded, record_n_duplicate;

  -- The counts stay in a table of the session, for a batch of statements that writes them into the ledger.
  CREATE TEMP TABLE IF NOT EXISTS "trunkline_d_matters_counted" ("batch" VARCHAR(512), "inserted" BIGINT, "updated" BIGINT, "deleted" BIGINT, "superseded" BIGINT, "duplicate" BIGINT);
  INSERT INTO "trunkline_d_matters_counted" SELECT record_batch_id, record_n_inserted, record_n_updated, record_n_deleted, record_n_superseded, record_n_duplicate;

  -- Again within the staged dates, and the few whose date moved apart.
  IF record_first_date IS NOT NULL THEN
    EXECUTE 'DELETE FROM "connect"."d_matters"
    USING "trunkline_d_matters_verdict" AS v
    WHERE v."matter_id" = "connect"."d_matters"."matter_id" AND v."record_comparison" = 1 AND NOT v."record_is_moved"
      AND "connect"."d_matters"."created_date" >= ' || quote_literal(TO_CHAR(record_first_date, 'YYYY-MM-DD')) || '
      AND "connect"."d_matters"."created_date" < ' || quote_literal(TO_CHAR(record_last_date + 1, 'YYYY-MM-DD'));
  END IF;
  SELECT INTO record_n_moved COUNT(*) FROM "trunkline_d_matters_verdict" AS v WHERE v."record_is_moved" AND v."record_comparison" = 1;
  IF record_n_moved > 0 THEN
    DELETE FROM "connect"."d_matters"
    USING "trunkline_d_matters_verdict" AS v
    WHERE v."matter_id" = "connect"."d_matters"."matter_id" AND v."record_comparison" = 1 AND v."record_is_moved";
  END IF;

  INSERT INTO "connect"."d_matters" (
    "matter_id",
    "matter_name",
    "display_name",
    "status",
    "case_type_id",
    "practice_area",
    "client_id",
    "principal_attorney_id",
    "originating_attorney_id",
    "owner_id",
    "open_date",
    "close_date",
    "closed_reason",
    "incident_date",
    "matter_state",
    "statute_of_limitations",
    "gross_recovery",
    "net_recovery",
    "matter_source",
    "created_by_id",
    "created_date",
    "last_modified_date",
    "system_modstamp",
    "is_deleted",
    "salesforce_type",
    "salesforce_url",
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
    s."matter_id",
    s."matter_name",
    s."display_name",
    s."status",
    s."case_type_id",
    s."practice_area",
    s."client_id",
    s."principal_attorney_id",
    s."originating_attorney_id",
    s."owner_id",
    s."open_date",
    s."close_date",
    s."closed_reason",
    s."incident_date",
    s."matter_state",
    s."statute_of_limitations",
    s."gross_recovery",
    s."net_recovery",
    s."matter_source",
    s."created_by_id",
    s."created_date",
    s."last_modified_date",
    s."system_modstamp",
    s."is_deleted",
    s."salesforce_type",
    s."salesforce_url",
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
  FROM "trunkline_d_matters_incoming" AS i
  JOIN "trunkline_d_matters_source" AS s ON s."matter_id" = i."matter_id" AND s."record_row" = i."record_row"
  LEFT JOIN "trunkline_d_matters_verdict" AS v ON v."matter_id" = i."matter_id"
  WHERE i."record_place" = 1 AND (v."matter_id" IS NULL OR v."record_comparison" = 1);

  DROP TABLE "trunkline_d_matters_verdict";
  DROP TABLE "trunkline_d_matters_held";
  DROP TABLE "trunkline_d_matters_incoming";
  DROP TABLE "trunkline_d_matters_source";
END;
$$ LANGUAGE plpgsql;

CREATE OR REPLACE PROCEDURE "connect"."take_d_matters_staging" (

) AS $$
BEGIN
  -- Moves the rows of connect.d_matters_staging into the temporary table trunkline_d_matters_by_hand.
  -- A record_* column that is NULL gets its value here:
  --   record_version            system_modstamp as text; without one, the version of the row that the table has
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
  -- The lock comes before the first query, see merge_d_matters.
  LOCK TABLE "connect"."d_matters";

  DROP TABLE IF EXISTS "trunkline_d_matters_by_hand";
  CREATE TEMP TABLE "trunkline_d_matters_by_hand" (LIKE "connect"."d_matters_staging");
  INSERT INTO "trunkline_d_matters_by_hand" (
    "matter_id",
    "matter_name",
    "display_name",
    "status",
    "case_type_id",
    "practice_area",
    "client_id",
    "principal_attorney_id",
    "originating_attorney_id",
    "owner_id",
    "open_date",
    "close_date",
    "closed_reason",
    "incident_date",
    "matter_state",
    "statute_of_limitations",
    "gross_recovery",
    "net_recovery",
    "matter_source",
    "created_by_id",
    "created_date",
    "last_modified_date",
    "system_modstamp",
    "is_deleted",
    "salesforce_type",
    "salesforce_url",
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
    s."matter_id",
    s."matter_name",
    s."display_name",
    s."status",
    s."case_type_id",
    s."practice_area",
    s."client_id",
    s."principal_attorney_id",
    s."originating_attorney_id",
    s."owner_id",
    s."open_date",
    s."close_date",
    s."closed_reason",
    s."incident_date",
    s."matter_state",
    s."statute_of_limitations",
    s."gross_recovery",
    s."net_recovery",
    s."matter_source",
    s."created_by_id",
    s."created_date",
    s."last_modified_date",
    s."system_modstamp",
    s."is_deleted",
    s."salesforce_type",
    s."salesforce_url",
    COALESCE(s."record_version", COALESCE(RTRIM(RTRIM(TO_CHAR(s."system_modstamp", 'YYYY-MM-DD HH24:MI:SS.US'), '0'), '.'), t."record_version")),
    COALESCE(s."record_fidelity", 'stream'),
    COALESCE(s."record_is_redacted", COALESCE(t."record_is_redacted", FALSE)),
    COALESCE(s."record_catalogue_version", CASE
      WHEN RANK() OVER (PARTITION BY s."matter_id" ORDER BY COALESCE(s."record_fidelity", 'stream') DESC, COALESCE(s."record_version", RTRIM(RTRIM(TO_CHAR(s."system_modstamp", 'YYYY-MM-DD HH24:MI:SS.US'), '0'), '.'), t."record_version", '') DESC, CASE WHEN COALESCE(s."record_is_redacted", t."record_is_redacted") THEN 1 ELSE 0 END DESC, COALESCE(s."record_hash", s."record_new_hash") DESC, COALESCE(JSON_SERIALIZE(s."record_unmapped"), '') DESC) > 1 THEN 0
      WHEN t."record_hash" IS NULL THEN 1000000
      WHEN COALESCE(s."record_hash", s."record_new_hash") = t."record_hash" AND COALESCE(JSON_SERIALIZE(s."record_unmapped"), '') = COALESCE(JSON_SERIALIZE(t."record_unmapped"), '')
        THEN t."record_catalogue_version"
      WHEN t."record_catalogue_version" < 999999 THEN 1000000
      ELSE t."record_catalogue_version" + 1
    END),
    COALESCE(s."record_hash", s."record_new_hash"),
    COALESCE(s."record_position", 'connect.d_matters_staging'),
    COALESCE(s."record_arrived_at", GETDATE()),
    COALESCE(s."record_loaded_at", GETDATE()),
    s."record_unmapped",
    COALESCE(s."record_is_deleted", COALESCE(s."is_deleted", FALSE))
  FROM (
    SELECT s.*, MD5(
      COALESCE(MD5(s."matter_id"), '-')
      || COALESCE(MD5(s."matter_name"), '-')
      || COALESCE(MD5(s."display_name"), '-')
      || COALESCE(MD5(s."status"), '-')
      || COALESCE(MD5(s."case_type_id"), '-')
      || COALESCE(MD5(s."practice_area"), '-')
      || COALESCE(MD5(s."client_id"), '-')
      || COALESCE(MD5(s."principal_attorney_id"), '-')
      || COALESCE(MD5(s."originating_attorney_id"), '-')
      || COALESCE(MD5(s."owner_id"), '-')
      || COALESCE(MD5(TO_CHAR(s."open_date", 'YYYY-MM-DD')), '-')
      || COALESCE(MD5(TO_CHAR(s."close_date", 'YYYY-MM-DD')), '-')
      || COALESCE(MD5(s."closed_reason"), '-')
      || COALESCE(MD5(TO_CHAR(s."incident_date", 'YYYY-MM-DD')), '-')
      || COALESCE(MD5(s."matter_state"), '-')
      || COALESCE(MD5(TO_CHAR(s."statute_of_limitations", 'YYYY-MM-DD')), '-')
      || COALESCE(MD5(CAST(s."gross_recovery" AS VARCHAR(64))), '-')
      || COALESCE(MD5(CAST(s."net_recovery" AS VARCHAR(64))), '-')
      || COALESCE(MD5(s."matter_source"), '-')
      || COALESCE(MD5(s."created_by_id"), '-')
      || COALESCE(MD5(TO_CHAR(s."created_date", 'YYYY-MM-DD HH24:MI:SS.US')), '-')
      || COALESCE(MD5(TO_CHAR(s."last_modified_date", 'YYYY-MM-DD HH24:MI:SS.US')), '-')
      || COALESCE(MD5(TO_CHAR(s."system_modstamp", 'YYYY-MM-DD HH24:MI:SS.US')), '-')
      || COALESCE(MD5(CASE WHEN s."is_deleted" THEN 'true' WHEN NOT s."is_deleted" THEN 'false' END), '-')
      || COALESCE(MD5(s."salesforce_type"), '-')
      || COALESCE(MD5(s."salesforce_url"), '-')
    ) AS "record_new_hash"
    FROM "connect"."d_matters_staging" AS s
  ) AS s
  LEFT JOIN "connect"."d_matters" AS t ON t."matter_id" = s."matter_id";

  -- DELETE and not TRUNCATE, which would commit. The transaction sees one snapshot throughout, so a row that somebody
  -- stages meanwhile is neither merged nor deleted.
  DELETE FROM "connect"."d_matters_staging";
END;
$$ LANGUAGE plpgsql;

CREATE OR REPLACE PROCEDURE "connect"."insert_new_d_matters" (
  staging IN VARCHAR(512),
  batch_id IN VARCHAR(512),
  inserted OUT BIGINT,
  updated OUT BIGINT,
  deleted OUT BIGINT,
  superseded OUT BIGINT,
  duplicate OUT BIGINT
) AS $$
BEGIN
  -- Merges a staging table of a run's own into connect.d_matters and leaves it as it is.
  -- staging is schema.table with the columns of connect.d_matters_staging, its record_* columns all filled.
  -- batch_id says in the server's log which batch this was; whoever calls records the batch.
  inserted := 0;
  updated := 0;
  deleted := 0;
  superseded := 0;
  duplicate := 0;
  CALL "connect"."merge_d_matters"(staging, batch_id, inserted, updated, deleted, superseded, duplicate);
END;
$$ LANGUAGE plpgsql;

CREATE OR REPLACE PROCEDURE "connect"."insert_new_d_matters" (
  inserted OUT BIGINT,
  updated OUT BIGINT,
  deleted OUT BIGINT,
  superseded OUT BIGINT,
  duplicate OUT BIGINT
) AS $$
BEGIN
  -- Merges what is in connect.d_matters_staging, whoever staged it, and empties it. See take_d_matters_staging.
  CALL "connect"."take_d_matters_staging"();
  inserted := 0;
  updated := 0;
  deleted := 0;
  superseded := 0;
  duplicate := 0;
  CALL "connect"."merge_d_matters"('trunkline_d_matters_by_hand', 'by hand', inserted, updated, deleted, superseded, duplicate);
  DROP TABLE "trunkline_d_matters_by_hand";
END;
$$ LANGUAGE plpgsql;
