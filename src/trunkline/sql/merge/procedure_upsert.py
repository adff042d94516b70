"""The steps of a merge that PostgreSQL does in its own way: one INSERT that overwrites, by the key's index.

That INSERT takes what is plain: new keys, and better versions of rows that are not deleted and stay at their date. It
counts what it did and keeps nothing, so that it costs little more than itself. Whatever it leaves over, and only where
it leaves something, is looked at row by row before the table's rows are gone.
"""

from __future__ import annotations

from trunkline.engines.model import Engine, quote_qualified
from trunkline.objects.model import Object
from trunkline.sql.merge.moved import elsewhere_sql
from trunkline.sql.merge.procedure_text import (
    BEATEN,
    COUNTS,
    ELSEWHERE,
    SOURCE,
    VERDICT,
    column_list,
    indented,
    key_list,
    table_name,
    temporary,
)
from trunkline.sql.order import comparison, order_terms, partition_date, same_key

DECLARED = ("n_staged", "n_keys", "n_beaten", "n_merged", "n_better", "n_revived", "n_replaced", "n_ended", "n_late")
"""The variables that the steps count in, one BIGINT each."""

SETTINGS = "SET work_mem = '64MB'\nSET jit = off"
"""In force in the procedure alone: a batch's keys are counted in memory, and 170 columns take long to compile."""


def steps(obj: Object, engine: Engine) -> tuple[str, ...]:
    """What follows once the staged rows have their fixed name."""
    return _rank(obj, engine), _upsert(obj, engine), _left_over(obj, engine), _count(obj, engine)


def _rank(obj: Object, engine: Engine) -> str:
    """Find the rows that another staged row beats; one pass over hashes of the keys where every key comes once."""
    source, beaten = temporary(obj, engine, SOURCE), temporary(obj, engine, BEATEN)
    keys, again = key_list(obj, engine, "s"), key_list(obj, engine, "m")
    order = indented((f"{term} DESC" for term in order_terms(obj, engine, "s")), 10)
    hashed = "0"
    for key in obj.key:
        hashed = f"hashtextextended(CAST(s.{engine.quote(key)} AS TEXT), {hashed})"
    return f"""\
  -- Of the rows of one key, all but the best are beaten. Most keys come once and need no ranking, which hashes tell
  -- faster than keys. Two keys of one hash only mean that rows are ranked for nothing.
  SELECT INTO n_staged, n_keys COUNT(*), COUNT(DISTINCT {hashed})
  FROM {source} AS s;
  CREATE TEMP TABLE {beaten} ("staged_row" tid);
  IF n_keys < n_staged THEN
    INSERT INTO {beaten}
    SELECT r."staged_row"
    FROM (
      SELECT s."staged_row", ROW_NUMBER() OVER (
        PARTITION BY {keys}
        ORDER BY
          {order}
      ) AS "place"
      FROM {source} AS s
      WHERE ({keys}) IN (SELECT {again} FROM {source} AS m GROUP BY {again} HAVING COUNT(*) > 1)
    ) AS r
    WHERE r."place" > 1;
    GET DIAGNOSTICS n_beaten = ROW_COUNT;
    n_keys := n_staged - n_beaten;
  END IF;
"""


def _not_beaten(obj: Object, engine: Engine) -> str:
    # NOT IN and not NOT EXISTS: it is checked while the rows are read, where a join would copy all their columns.
    return f's."staged_row" NOT IN (SELECT b."staged_row" FROM {temporary(obj, engine, BEATEN)} AS b)'


def _upsert(obj: Object, engine: Engine) -> str:
    """Insert or overwrite what is plain, and count it."""
    source = temporary(obj, engine, SOURCE)
    table, keys = quote_qualified(engine, obj.warehouse_table), ", ".join(engine.quote(key) for key in obj.key)
    assigned = indented(
        (f"{engine.quote(c.name)} = EXCLUDED.{engine.quote(c.name)}" for c in obj.columns if c.name not in obj.key), 6
    )
    better = "\n        ".join(comparison(obj, engine, "EXCLUDED", "t"))
    return f"""\
  -- The best staged row of each key goes in, over the table's row where it is better: the first difference decides.
  -- A row that was there before has a number in xmax, a new one has 0. A row of the table that says deleted or lies at
  -- another date is left for later: when its successor is in, nobody can see that any more.
  WITH merged AS (
    INSERT INTO {table} AS t (
      {column_list(obj, engine, "", 6)}
    )
    SELECT
      {column_list(obj, engine, "s", 6)}
    FROM {source} AS s
    WHERE {_not_beaten(obj, engine)}
    ON CONFLICT ({keys}) DO UPDATE SET
      {assigned}
    WHERE NOT t."record_is_deleted"
      AND {partition_date(obj, engine, "EXCLUDED")} = {partition_date(obj, engine, "t")}
      AND CASE
        {better}
        ELSE 0
      END = 1
    RETURNING t.xmax = 0 AS "is_new", t."record_is_deleted" AS "is_deleted"
  )
  SELECT INTO n_merged, n_inserted, n_updated, n_deleted
    COUNT(*),
    COUNT(*) FILTER (WHERE m."is_new" AND NOT m."is_deleted"),
    COUNT(*) FILTER (WHERE NOT m."is_new" AND NOT m."is_deleted"),
    COUNT(*) FILTER (WHERE NOT m."is_new" AND m."is_deleted")
  FROM merged AS m;
"""


def _left_over(obj: Object, engine: Engine) -> str:
    """What the INSERT did not take: late rows and copies, and better rows where the old one has more to say."""
    source, verdict, elsewhere = (temporary(obj, engine, suffix) for suffix in (SOURCE, VERDICT, ELSEWHERE))
    table = quote_qualified(engine, obj.warehouse_table)
    arms = "\n          ".join(comparison(obj, engine, "s", "t"))
    return f"""\
  -- What is left over is a copy of the table's row (0), or late (-1), or better (1) than a row that says deleted or
  -- lies at another date. Rows that went in equal the table's by now, as copies do.
  n_late := 0;
  IF n_merged < n_keys THEN
    CREATE TEMP TABLE {verdict} AS
    SELECT r.*
    FROM (
      SELECT {key_list(obj, engine, "s")}, s."staged_row", s."record_is_deleted" AS "is_deleted",
        t."record_is_deleted" AS "is_held_deleted",
        {partition_date(obj, engine, "s")} <> {partition_date(obj, engine, "t")} AS "is_moved",
        CASE
          {arms}
          ELSE 0
        END AS "comparison"
      FROM {source} AS s
      JOIN {table} AS t ON {same_key(obj, engine, "t", "s")}
      WHERE {_not_beaten(obj, engine)}
    ) AS r
    WHERE r."comparison" <> 0 OR r."is_moved";

    -- For who keeps a lake beside the table: its rows that lie at another date than a staged row of their key.
    CREATE TEMP TABLE {elsewhere} ON COMMIT DROP AS
    {elsewhere_sql(obj, engine, verdict, source)};

    -- What comes over a row that says deleted is a new row.
    SELECT INTO n_better, n_revived, n_replaced, n_ended, n_late
      COUNT(*) FILTER (WHERE v."comparison" = 1),
      COUNT(*) FILTER (WHERE v."comparison" = 1 AND v."is_held_deleted" AND NOT v."is_deleted"),
      COUNT(*) FILTER (WHERE v."comparison" = 1 AND NOT v."is_held_deleted" AND NOT v."is_deleted"),
      COUNT(*) FILTER (WHERE v."comparison" = 1 AND NOT v."is_held_deleted" AND v."is_deleted"),
      COUNT(*) FILTER (WHERE v."comparison" = -1)
    FROM {verdict} AS v;
    n_inserted := n_inserted + n_revived;
    n_updated := n_updated + n_replaced;
    n_deleted := n_deleted + n_ended;
{_overwrite(obj, engine)}    DROP TABLE {verdict};
  END IF;
"""


def _overwrite(obj: Object, engine: Engine) -> str:
    """Put in the better rows among those that were left over."""
    source, verdict = temporary(obj, engine, SOURCE), temporary(obj, engine, VERDICT)
    table = quote_qualified(engine, obj.warehouse_table)
    return f"""\
    IF n_better > 0 THEN
      DELETE FROM {table} AS t
      USING {verdict} AS v
      WHERE {same_key(obj, engine, "t", "v")} AND v."comparison" = 1;
      INSERT INTO {table} (
        {column_list(obj, engine, "", 8)}
      )
      SELECT
        {column_list(obj, engine, "s", 8)}
      FROM {verdict} AS v
      JOIN {source} AS s ON s."staged_row" = v."staged_row"
      WHERE v."comparison" = 1;
    END IF;
"""


def _count(obj: Object, engine: Engine) -> str:
    """One of five things becomes of every staged row; then the temporary relations go."""
    n_counts = ", ".join(f"n_{name}" for name in COUNTS)
    marks = ", ".join(f"{name} %" for name in COUNTS)
    source, beaten = temporary(obj, engine, SOURCE), temporary(obj, engine, BEATEN)
    table = quote_qualified(engine, obj.warehouse_table)
    mine, other = (indented(order_terms(obj, engine, alias), 8) for alias in ("s", "t"))
    return f"""\
  -- Of the beaten rows, those that equal the row that is in the table now are copies, and the others are superseded.
  n_superseded := n_late;
  IF n_keys < n_staged THEN
    SELECT INTO n_superseded n_late + COUNT(*)
    FROM {beaten} AS b
    JOIN {source} AS s ON s."staged_row" = b."staged_row"
    JOIN {table} AS t ON {same_key(obj, engine, "t", "s")}
    WHERE (
        {mine}
      ) <> (
        {other}
      );
  END IF;

  -- One of five things becomes of every staged row, so that what is left is a duplicate. A row that says deleted stays,
  -- so that no late version brings its key back, and counts as no row: live rows are inserted minus deleted. A deletion
  -- of what is not there says nothing new, and is a duplicate too.
  n_duplicate := n_staged - n_inserted - n_updated - n_deleted - n_superseded;
  RAISE INFO 'merge_{table_name(obj)}: batch %, {marks}', batch_id, {n_counts};

  DROP TABLE {beaten};
  DROP VIEW {source};
"""
