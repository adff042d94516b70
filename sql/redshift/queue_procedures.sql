-- Generated from the catalogue by `make golden`. Do not edit.
-- Call connect.insert_new_d_queues() or connect.insert_new_d_queues(staging, batch_id).

CREATE OR REPLACE PROCEDURE "connect"."merge_d_queues" (
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
  -- Overwrites connect.d_queues by key: of all versions of a key, in the table and staged, the best stays.
  -- Best is: record_fidelity (stream above api), then record_version, redacted over not, the newer catalogue,
  -- record_hash, and last the personal columns that the hash leaves out. So late and repeated versions change nothing.
  -- No COMMIT and no TRUNCATE: the caller's transaction holds the merge and the ledger's row together.

  -- The lock first, before anything is read. Under snapshot isolation two loaders would both
  -- insert a new key. A transaction that reads or copies before this call must lock before that.
  LOCK TABLE "connect"."d_queues";

  -- The one name that the caller gives: schema.table, or a table's name alone.
  record_source := quote_ident(SPLIT_PART(record_staging, '.', 1));
  IF SPLIT_PART(record_staging, '.', 2) <> '' THEN
    record_source := record_source || '.' || quote_ident(SPLIT_PART(record_staging, '.', 2));
  END IF;
  IF record_staging IS NULL OR SPLIT_PART(record_staging, '.', 1) = '' OR SPLIT_PART(record_staging, '.', 3) <> '' THEN
    RAISE EXCEPTION 'merge_d_queues: staging is %, but must be schema.table or table', record_staging;
  END IF;
  IF record_staging IN ('connect.d_queues', 'd_queues') THEN
    RAISE EXCEPTION 'merge_d_queues: staging is the target %, name a staging table', record_staging;
  END IF;

  -- What an earlier call in the same session may have left.
  DROP TABLE IF EXISTS "trunkline_d_queues_verdict";
  DROP TABLE IF EXISTS "trunkline_d_queues_held";
  DROP TABLE IF EXISTS "trunkline_d_queues_incoming";
  DROP TABLE IF EXISTS "trunkline_d_queues_source";

  -- The staged rows under a fixed name, so that what follows is plain SQL. record_row only tells rows apart.
  CREATE TEMP TABLE "trunkline_d_queues_source" (LIKE "connect"."d_queues_staging", "record_row" BIGINT IDENTITY(1, 1));
  EXECUTE 'INSERT INTO "trunkline_d_queues_source" (
      "queue_id",
      "queue_arn",
      "queue_name",
      "queue_description",
      "queue_status",
      "max_contacts",
      "hours_of_operation_id",
      "outbound_caller_id_name",
      "outbound_caller_id_number_id",
      "outbound_flow_id",
      "outbound_email_address_id",
      "queue_tags",
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
      "record_is_deleted"
    )
    SELECT
      s."queue_id",
      s."queue_arn",
      s."queue_name",
      s."queue_description",
      s."queue_status",
      s."max_contacts",
      s."hours_of_operation_id",
      s."outbound_caller_id_name",
      s."outbound_caller_id_number_id",
      s."outbound_flow_id",
      s."outbound_email_address_id",
      s."queue_tags",
      s."last_modified_timestamp",
      s."last_modified_region",
      s."instance_id",
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
  CREATE TEMP TABLE "trunkline_d_queues_incoming" (
    "queue_id" VARCHAR(512), "record_row" BIGINT, "record_place" BIGINT, "record_standing" BIGINT
  ) DISTKEY ("queue_id");
  INSERT INTO "trunkline_d_queues_incoming"
  SELECT s."queue_id", MIN(s."record_row"), 1, 1
  FROM "trunkline_d_queues_source" AS s
  GROUP BY s."queue_id"
  HAVING COUNT(*) = 1;
  INSERT INTO "trunkline_d_queues_incoming"
  SELECT s."queue_id", s."record_row",
    ROW_NUMBER() OVER (
      PARTITION BY s."queue_id"
      ORDER BY
        COALESCE(s."record_fidelity", '') DESC,
        COALESCE(s."record_version", '') DESC,
        CASE WHEN s."record_is_redacted" THEN 1 ELSE 0 END DESC,
        COALESCE(s."record_catalogue_version", 0) DESC,
        COALESCE(s."record_hash", '') DESC,
        COALESCE(JSON_SERIALIZE(s."record_unmapped"), '') DESC
    ),
    RANK() OVER (
      PARTITION BY s."queue_id"
      ORDER BY
        COALESCE(s."record_fidelity", '') DESC,
        COALESCE(s."record_version", '') DESC,
        CASE WHEN s."record_is_redacted" THEN 1 ELSE 0 END DESC,
        COALESCE(s."record_catalogue_version", 0) DESC,
        COALESCE(s."record_hash", '') DESC,
        COALESCE(JSON_SERIALIZE(s."record_unmapped"), '') DESC
    )
  FROM "trunkline_d_queues_source" AS s
  JOIN (SELECT "queue_id" FROM "trunkline_d_queues_source" GROUP BY "queue_id" HAVING COUNT(*) > 1) AS m
    ON m."queue_id" = s."queue_id";

  -- The rows that the table holds of the staged keys. First only those within the staged dates, written as literals so
  -- that Redshift skips the other blocks; then, for keys still not found, the rest: a contact whose date moved.
  CREATE TEMP TABLE "trunkline_d_queues_held" (
    "queue_id" VARCHAR(512),
    "record_fidelity" VARCHAR(16),
    "record_version" VARCHAR(128),
    "record_is_redacted" BOOLEAN,
    "record_catalogue_version" INTEGER,
    "record_hash" VARCHAR(32),
    "record_is_deleted" BOOLEAN,
    "record_unmapped" SUPER,
    "record_is_moved" BOOLEAN
  ) DISTKEY ("queue_id");
  SELECT INTO record_first_date, record_last_date
    MIN(CAST(s."last_modified_timestamp" AS DATE)), MAX(CAST(s."last_modified_timestamp" AS DATE))
  FROM "trunkline_d_queues_source" AS s;
  IF record_first_date IS NOT NULL THEN
    EXECUTE 'INSERT INTO "trunkline_d_queues_held"
    SELECT
      t."queue_id",
      t."record_fidelity",
      t."record_version",
      t."record_is_redacted",
      t."record_catalogue_version",
      t."record_hash",
      t."record_is_deleted",
      t."record_unmapped",
      FALSE
    FROM "connect"."d_queues" AS t
    JOIN "trunkline_d_queues_incoming" AS i ON i."queue_id" = t."queue_id"
    WHERE i."record_place" = 1
      AND t."last_modified_timestamp" >= ' || quote_literal(TO_CHAR(record_first_date, 'YYYY-MM-DD')) || '
      AND t."last_modified_timestamp" < ' || quote_literal(TO_CHAR(record_last_date + 1, 'YYYY-MM-DD'));
  END IF;
  INSERT INTO "trunkline_d_queues_held"
    SELECT
      t."queue_id",
      t."record_fidelity",
      t."record_version",
      t."record_is_redacted",
      t."record_catalogue_version",
      t."record_hash",
      t."record_is_deleted",
      t."record_unmapped",
      TRUE
    FROM "connect"."d_queues" AS t
    JOIN "trunkline_d_queues_incoming" AS i ON i."queue_id" = t."queue_id"
    LEFT JOIN "trunkline_d_queues_held" AS h ON h."queue_id" = t."queue_id"
    WHERE i."record_place" = 1 AND h."queue_id" IS NULL;

  -- The best staged row of each key that the table has: better than the table's (1), equal to it (0), or worse (-1).
  -- The first difference decides.
  CREATE TEMP TABLE "trunkline_d_queues_verdict" DISTKEY ("queue_id") AS
  SELECT s."queue_id", t."record_is_moved", t."record_is_deleted" AS "record_is_held_deleted",
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
  FROM "trunkline_d_queues_incoming" AS i
  JOIN "trunkline_d_queues_source" AS s ON s."queue_id" = i."queue_id" AND s."record_row" = i."record_row"
  JOIN "trunkline_d_queues_held" AS t ON t."queue_id" = i."queue_id"
  WHERE i."record_place" = 1;

  -- Each staged row is counted once. A row that says deleted stays, so that no late version brings its
  -- key back, and counts as no row: live rows are inserted minus deleted. A deletion of what is not there says nothing
  -- new, and is a duplicate.
  SELECT INTO record_n_inserted, record_n_updated, record_n_deleted, record_n_superseded, record_n_duplicate
    COALESCE(SUM(CASE WHEN i."record_place" = 1 AND (v."queue_id" IS NULL OR (v."record_comparison" = 1 AND v."record_is_held_deleted")) AND NOT COALESCE(s."record_is_deleted", FALSE) THEN 1 ELSE 0 END), 0),
    COALESCE(SUM(CASE WHEN i."record_place" = 1 AND (v."record_comparison" = 1 AND NOT v."record_is_held_deleted") AND NOT COALESCE(s."record_is_deleted", FALSE) THEN 1 ELSE 0 END), 0),
    COALESCE(SUM(CASE WHEN i."record_place" = 1 AND (v."record_comparison" = 1 AND NOT v."record_is_held_deleted") AND COALESCE(s."record_is_deleted", FALSE) THEN 1 ELSE 0 END), 0),
    COALESCE(SUM(CASE WHEN i."record_standing" > 1 OR v."record_comparison" = -1 THEN 1 ELSE 0 END), 0),
    COALESCE(SUM(CASE WHEN i."record_standing" = 1 AND (v."record_comparison" = 0 OR (i."record_place" > 1 AND (v."queue_id" IS NULL OR v."record_comparison" = 1))
      OR (i."record_place" = 1 AND (v."queue_id" IS NULL OR (v."record_comparison" = 1 AND v."record_is_held_deleted")) AND COALESCE(s."record_is_deleted", FALSE))) THEN 1 ELSE 0 END), 0)
  FROM "trunkline_d_queues_incoming" AS i
  JOIN "trunkline_d_queues_source" AS s ON s."queue_id" = i."queue_id" AND s."record_row" = i."record_row"
  LEFT JOIN "trunkline_d_queues_verdict" AS v ON v."queue_id" = i."queue_id";
  RAISE INFO 'merge_d_queues: batch %, inserted %, updated %, deleted %, superseded %, duplicate %', record_batch_id, record_n_inserted, record_n_updated, record_n_deleted, record_n_superseded, record_n_duplicate;

  -- The counts stay in a table of the session, for a batch of statements that writes them into the ledger.
  CREATE TEMP TABLE IF NOT EXISTS "trunkline_d_queues_counted" ("batch" VARCHAR(512), "inserted" BIGINT, "updated" BIGINT, "deleted" BIGINT, "superseded" BIGINT, "duplicate" BIGINT);
  INSERT INTO "trunkline_d_queues_counted" SELECT record_batch_id, record_n_inserted, record_n_updated, record_n_deleted, record_n_superseded, record_n_duplicate;

  -- Again within the staged dates, and the few whose date moved apart.
  IF record_first_date IS NOT NULL THEN
    EXECUTE 'DELETE FROM "connect"."d_queues"
    USING "trunkline_d_queues_verdict" AS v
    WHERE v."queue_id" = "connect"."d_queues"."queue_id" AND v."record_comparison" = 1 AND NOT v."record_is_moved"
      AND "connect"."d_queues"."last_modified_timestamp" >= ' || quote_literal(TO_CHAR(record_first_date, 'YYYY-MM-DD')) || '
      AND "connect"."d_queues"."last_modified_timestamp" < ' || quote_literal(TO_CHAR(record_last_date + 1, 'YYYY-MM-DD'));
  END IF;
  SELECT INTO record_n_moved COUNT(*) FROM "trunkline_d_queues_verdict" AS v WHERE v."record_is_moved" AND v."record_comparison" = 1;
  IF record_n_moved > 0 THEN
    DELETE FROM "connect"."d_queues"
    USING "trunkline_d_queues_verdict" AS v
    WHERE v."queue_id" = "connect"."d_queues"."queue_id" AND v."record_comparison" = 1 AND v."record_is_moved";
  END IF;

  INSERT INTO "connect"."d_queues" (
    "queue_id",
    "queue_arn",
    "queue_name",
    "queue_description",
    "queue_status",
    "max_contacts",
    "hours_of_operation_id",
    "outbound_caller_id_name",
    "outbound_caller_id_number_id",
    "outbound_flow_id",
    "outbound_email_address_id",
    "queue_tags",
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
    "record_is_deleted"
  )
  SELECT
    s."queue_id",
    s."queue_arn",
    s."queue_name",
    s."queue_description",
    s."queue_status",
    s."max_contacts",
    s."hours_of_operation_id",
    s."outbound_caller_id_name",
    s."outbound_caller_id_number_id",
    s."outbound_flow_id",
    s."outbound_email_address_id",
    s."queue_tags",
    s."last_modified_timestamp",
    s."last_modified_region",
    s."instance_id",
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
  FROM "trunkline_d_queues_incoming" AS i
  JOIN "trunkline_d_queues_source" AS s ON s."queue_id" = i."queue_id" AND s."record_row" = i."record_row"
  LEFT JOIN "trunkline_d_queues_verdict" AS v ON v."queue_id" = i."queue_id"
  WHERE i."record_place" = 1 AND (v."queue_id" IS NULL OR v."record_comparison" = 1);

  DROP TABLE "trunkline_d_queues_verdict";
  DROP TABLE "trunkline_d_queues_held";
  DROP TABLE "trunkline_d_queues_incoming";
  DROP TABLE "trunkline_d_queues_source";
END;
$$ LANGUAGE plpgsql;

CREATE OR REPLACE PROCEDURE "connect"."take_d_queues_staging" (

) AS $$
BEGIN
  -- Moves the rows of connect.d_queues_staging into the temporary table trunkline_d_queues_by_hand.
  -- A record_* column that is NULL gets its value here:
  --   record_version            last_modified_timestamp as text; without one, the version of the row that the table has
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
  -- The lock comes before the first query, see merge_d_queues.
  LOCK TABLE "connect"."d_queues";

  DROP TABLE IF EXISTS "trunkline_d_queues_by_hand";
  CREATE TEMP TABLE "trunkline_d_queues_by_hand" (LIKE "connect"."d_queues_staging");
  INSERT INTO "trunkline_d_queues_by_hand" (
    "queue_id",
    "queue_arn",
    "queue_name",
    "queue_description",
    "queue_status",
    "max_contacts",
    "hours_of_operation_id",
    "outbound_caller_id_name",
    "outbound_caller_id_number_id",
    "outbound_flow_id",
    "outbound_email_address_id",
    "queue_tags",
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
    "record_is_deleted"
  )
  SELECT
    s."queue_id",
    s."queue_arn",
    s."queue_name",
    s."queue_description",
    s."queue_status",
    s."max_contacts",
    s."hours_of_operation_id",
    s."outbound_caller_id_name",
    s."outbound_caller_id_number_id",
    s."outbound_flow_id",
    s."outbound_email_address_id",
    s."queue_tags",
    s."last_modified_timestamp",
    s."last_modified_region",
    s."instance_id",
    COALESCE(s."record_version", COALESCE(RTRIM(RTRIM(TO_CHAR(s."last_modified_timestamp", 'YYYY-MM-DD HH24:MI:SS.US'), '0'), '.'), t."record_version")),
    COALESCE(s."record_fidelity", 'stream'),
    COALESCE(s."record_is_redacted", COALESCE(t."record_is_redacted", FALSE)),
    COALESCE(s."record_catalogue_version", CASE
      WHEN RANK() OVER (PARTITION BY s."queue_id" ORDER BY COALESCE(s."record_fidelity", 'stream') DESC, COALESCE(s."record_version", RTRIM(RTRIM(TO_CHAR(s."last_modified_timestamp", 'YYYY-MM-DD HH24:MI:SS.US'), '0'), '.'), t."record_version", '') DESC, CASE WHEN COALESCE(s."record_is_redacted", t."record_is_redacted") THEN 1 ELSE 0 END DESC, COALESCE(s."record_hash", s."record_new_hash") DESC, COALESCE(JSON_SERIALIZE(s."record_unmapped"), '') DESC) > 1 THEN 0
      WHEN t."record_hash" IS NULL THEN 1000000
      WHEN COALESCE(s."record_hash", s."record_new_hash") = t."record_hash" AND COALESCE(JSON_SERIALIZE(s."record_unmapped"), '') = COALESCE(JSON_SERIALIZE(t."record_unmapped"), '')
        THEN t."record_catalogue_version"
      WHEN t."record_catalogue_version" < 999999 THEN 1000000
      ELSE t."record_catalogue_version" + 1
    END),
    COALESCE(s."record_hash", s."record_new_hash"),
    COALESCE(s."record_position", 'connect.d_queues_staging'),
    COALESCE(s."record_arrived_at", GETDATE()),
    COALESCE(s."record_loaded_at", GETDATE()),
    s."record_unmapped",
    COALESCE(s."record_is_deleted", FALSE)
  FROM (
    SELECT s.*, MD5(
      COALESCE(MD5(s."queue_id"), '-')
      || COALESCE(MD5(s."queue_arn"), '-')
      || COALESCE(MD5(s."queue_name"), '-')
      || COALESCE(MD5(s."queue_description"), '-')
      || COALESCE(MD5(s."queue_status"), '-')
      || COALESCE(MD5(CAST(s."max_contacts" AS VARCHAR(64))), '-')
      || COALESCE(MD5(s."hours_of_operation_id"), '-')
      || COALESCE(MD5(s."outbound_caller_id_name"), '-')
      || COALESCE(MD5(s."outbound_caller_id_number_id"), '-')
      || COALESCE(MD5(s."outbound_flow_id"), '-')
      || COALESCE(MD5(s."outbound_email_address_id"), '-')
      || COALESCE(MD5(JSON_SERIALIZE(s."queue_tags")), '-')
      || COALESCE(MD5(TO_CHAR(s."last_modified_timestamp", 'YYYY-MM-DD HH24:MI:SS.US')), '-')
      || COALESCE(MD5(s."last_modified_region"), '-')
      || COALESCE(MD5(s."instance_id"), '-')
    ) AS "record_new_hash"
    FROM "connect"."d_queues_staging" AS s
  ) AS s
  LEFT JOIN "connect"."d_queues" AS t ON t."queue_id" = s."queue_id";

  -- DELETE and not TRUNCATE, which would commit. The transaction sees one snapshot throughout, so a row that somebody
  -- stages meanwhile is neither merged nor deleted.
  DELETE FROM "connect"."d_queues_staging";
END;
$$ LANGUAGE plpgsql;

CREATE OR REPLACE PROCEDURE "connect"."insert_new_d_queues" (
  staging IN VARCHAR(512),
  batch_id IN VARCHAR(512),
  inserted OUT BIGINT,
  updated OUT BIGINT,
  deleted OUT BIGINT,
  superseded OUT BIGINT,
  duplicate OUT BIGINT
) AS $$
BEGIN
  -- Merges a staging table of a run's own into connect.d_queues and leaves it as it is.
  -- staging is schema.table with the columns of connect.d_queues_staging, its record_* columns all filled.
  -- batch_id says in the server's log which batch this was; whoever calls records the batch.
  inserted := 0;
  updated := 0;
  deleted := 0;
  superseded := 0;
  duplicate := 0;
  CALL "connect"."merge_d_queues"(staging, batch_id, inserted, updated, deleted, superseded, duplicate);
END;
$$ LANGUAGE plpgsql;

CREATE OR REPLACE PROCEDURE "connect"."insert_new_d_queues" (
  inserted OUT BIGINT,
  updated OUT BIGINT,
  deleted OUT BIGINT,
  superseded OUT BIGINT,
  duplicate OUT BIGINT
) AS $$
BEGIN
  -- Merges what is in connect.d_queues_staging, whoever staged it, and empties it. See take_d_queues_staging.
  CALL "connect"."take_d_queues_staging"();
  inserted := 0;
  updated := 0;
  deleted := 0;
  superseded := 0;
  duplicate := 0;
  CALL "connect"."merge_d_queues"('trunkline_d_queues_by_hand', 'by hand', inserted, updated, deleted, superseded, duplicate);
  DROP TABLE "trunkline_d_queues_by_hand";
END;
$$ LANGUAGE plpgsql;
