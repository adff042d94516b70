"""The steps of a merge that PostgreSQL does in its own way: one INSERT that overwrites, by the key's index.

Rows that it neither inserts nor overwrites lost to the table's, and only these are looked at again to tell copies from
older versions. (Compared before, every staged row would be joined with the table twice.)
"""

from __future__ import annotations

from trunkline.compile.fold import comparison, order_terms, same_key
from trunkline.compile.procedure_text import (
    COUNTS,
    HELD,
    INCOMING,
    SOURCE,
    VERDICT,
    column_list,
    indented,
    key_list,
    table_name,
    temporary,
)
from trunkline.engines.model import Engine, quote_qualified
from trunkline.objects.model import Object


def steps(obj: Object, engine: Engine) -> tuple[str, ...]:
    """What follows once the staged rows have their fixed name."""
    return _rank(obj, engine), _upsert(obj, engine), _count(obj, engine)


def _rank(obj: Object, engine: Engine) -> str:
    """Places of the staged rows; one pass over them where every key comes once."""
    source, incoming = temporary(obj, engine, SOURCE), temporary(obj, engine, INCOMING)
    keys, names = key_list(obj, engine, "s"), ", ".join(engine.quote(key) for key in obj.key)
    order = indented((f"{term} DESC" for term in order_terms(obj, engine, "s")), 10)
    return f"""\
  -- Every staged row with its place among the rows of its key: place 1 is the best one, and rows that equal the best
  -- one in everything share standing 1. Most keys come once and need no ranking.
  CREATE TEMP TABLE {incoming} AS
  SELECT {keys}, MIN(s."staged_row") AS "staged_row", 1::bigint AS "place", 1::bigint AS "standing",
    COUNT(*) AS "copies"
  FROM {source} AS s
  GROUP BY {keys};
  IF EXISTS (SELECT 1 FROM {incoming} WHERE "copies" > 1) THEN
    WITH several AS (DELETE FROM {incoming} WHERE "copies" > 1 RETURNING {names})
    INSERT INTO {incoming}
    SELECT {keys}, s."staged_row",
      ROW_NUMBER() OVER (
        PARTITION BY {keys}
        ORDER BY
          {order}
      ),
      RANK() OVER (
        PARTITION BY {keys}
        ORDER BY
          {order}
      ),
      1
    FROM {source} AS s
    JOIN several AS m ON {same_key(obj, engine, "m", "s")};
  END IF;
  ANALYZE {incoming} ("place");
"""


def _upsert(obj: Object, engine: Engine) -> str:
    """Insert or overwrite, and remember which; then look at the rows that lost."""
    source, incoming, verdict, held = (temporary(obj, engine, suffix) for suffix in (SOURCE, INCOMING, VERDICT, HELD))
    table, keys = quote_qualified(engine, obj.warehouse_table), ", ".join(engine.quote(key) for key in obj.key)
    assigned = indented(
        (f"{engine.quote(c.name)} = EXCLUDED.{engine.quote(c.name)}" for c in obj.columns if c.name not in obj.key), 4
    )
    better = "\n      ".join(comparison(obj, engine, "EXCLUDED", "t"))
    lost = "\n      ".join(comparison(obj, engine, "s", "t"))
    returned = ", ".join(f"t.{engine.quote(key)}" for key in obj.key)
    return f"""\
  -- The best staged row of each key goes in, over the table's row where it is better: the first difference decides.
  -- A row that was there before has a number in xmax, a new one has 0. Over one that says deleted it is a new one too.
  CREATE TEMP TABLE {held} AS
  SELECT {returned} FROM {table} AS t
  WHERE t."record_is_deleted" AND EXISTS (SELECT 1 FROM {incoming} AS i WHERE {same_key(obj, engine, "i", "t")});
  CREATE TEMP TABLE {verdict} AS
  SELECT {keys}, 1 AS "comparison", FALSE AS "is_deleted" FROM {incoming} LIMIT 0;
  WITH merged AS (
    INSERT INTO {table} AS t (
      {column_list(obj, engine, "", 6)}
    )
    SELECT
      {column_list(obj, engine, "s", 6)}
    FROM {incoming} AS i
    JOIN {source} AS s ON s."staged_row" = i."staged_row"
    WHERE i."place" = 1
    ON CONFLICT ({keys}) DO UPDATE SET
    {assigned}
    WHERE CASE
      {better}
      ELSE 0
    END = 1
    RETURNING {returned}, CASE WHEN t.xmax = 0 THEN 2 ELSE 1 END, COALESCE(t."record_is_deleted", FALSE)
  )
  INSERT INTO {verdict} SELECT * FROM merged;
  UPDATE {verdict} AS v SET "comparison" = 2
  FROM {held} AS h WHERE {same_key(obj, engine, "h", "v")};

  -- What lost: equal to the table's row (0), or worse (-1).
  IF (SELECT COUNT(*) FROM {verdict}) < (SELECT COUNT(*) FROM {incoming} WHERE "place" = 1) THEN
    INSERT INTO {verdict}
    SELECT {key_list(obj, engine, "s")},
      CASE
      {lost}
      ELSE 0
      END,
      FALSE
    FROM {incoming} AS i
    JOIN {source} AS s ON s."staged_row" = i."staged_row"
    JOIN {table} AS t ON {same_key(obj, engine, "t", "i")}
    WHERE i."place" = 1
      AND NOT EXISTS (SELECT 1 FROM {verdict} AS v WHERE {same_key(obj, engine, "v", "i")});
  END IF;
"""


def _count(obj: Object, engine: Engine) -> str:
    """One of five things becomes of every staged row; then the temporary relations go."""
    n_counts = ", ".join(f"n_{name}" for name in COUNTS)
    marks = ", ".join(f"{name} %" for name in COUNTS)
    source, incoming, verdict, held = (temporary(obj, engine, suffix) for suffix in (SOURCE, INCOMING, VERDICT, HELD))
    return f"""\
  -- One of five things becomes of every staged row. The best row of its key went in as new (2) or over another (1), or
  -- is there already (0), or lost (-1). A row that says deleted stays, so that no late version brings its key back, and
  -- counts as no row: live rows are inserted minus deleted. A deletion of what is not there says nothing new, and is a
  -- duplicate.
  SELECT INTO {n_counts}
    COUNT(*) FILTER (WHERE i."place" = 1 AND v."comparison" = 2 AND NOT v."is_deleted"),
    COUNT(*) FILTER (WHERE i."place" = 1 AND v."comparison" = 1 AND NOT v."is_deleted"),
    COUNT(*) FILTER (WHERE i."place" = 1 AND v."comparison" = 1 AND v."is_deleted"),
    COUNT(*) FILTER (WHERE i."standing" > 1 OR v."comparison" = -1),
    COUNT(*) FILTER (WHERE i."standing" = 1 AND (v."comparison" = 0 OR (i."place" > 1 AND v."comparison" > 0)
      OR (i."place" = 1 AND v."comparison" = 2 AND v."is_deleted")))
  FROM {incoming} AS i
  JOIN {verdict} AS v ON {same_key(obj, engine, "v", "i")};
  RAISE INFO 'merge_{table_name(obj)}: batch %, {marks}', batch_id, {n_counts};

  DROP TABLE {verdict};
  DROP TABLE {held};
  DROP TABLE {incoming};
  DROP VIEW {source};
"""
