"""The merge as a procedure for an engine with upserts: one INSERT that overwrites, by the key's index.

That INSERT takes what is plain: new keys, and better versions of rows that are not deleted and stay at their date. It
counts what it did and keeps nothing, so that it costs little more than itself. What it leaves over, and only where it
leaves something, is compared row by row before the table's rows are replaced.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from trunkline.engines.model import Engine, quote_qualified
from trunkline.objects.model import Object
from trunkline.sql.merge.plpgsql import (
    BEATEN,
    COUNTERS,
    ELSEWHERE,
    SOURCE,
    VERDICT,
    begin_merge,
    column_list,
    create_procedure,
    indented,
    key_list,
    merge_procedure_name,
    procedures_of,
    report_counts,
    temporary,
)
from trunkline.sql.merge.staged import elsewhere_columns
from trunkline.sql.order import comparison, order_terms, partition_date, same_key

_COUNTED: Final = ("staged", "keys", "beaten", "merged", "better", "revived", "replaced", "ended", "late")
_TEMPORARIES: Final = ((ELSEWHERE, False), (VERDICT, False), (BEATEN, False), (SOURCE, True))


def upsert_procedure(obj: Object, engine: Engine, unknown: Sequence[str] = ()) -> str:
    """The plan: lock, find the best staged row per key, insert or overwrite, compare what is left over, count.

    `unknown` are columns of the table that the object lacks, such as a newer version's. A row that is overwritten has
    no value in them: the old row's would belong to another version of the record.
    """
    dialect = procedures_of(engine)
    declared = f"DECLARE\n  record_source {dialect.text_type};\n"
    declared += "".join(f"  record_n_{name} BIGINT;\n" for name in _COUNTED)
    steps = (
        begin_merge(obj, engine, _TEMPORARIES),
        _read_source(obj, engine),
        _rank(obj, engine),
        _upsert(obj, engine, unknown),
        _left_over(obj, engine),
        _count(obj, engine),
    )
    arguments = (f"record_staging IN {dialect.text_type}", f"record_batch_id IN {dialect.text_type}")
    counters = (f"{name} INOUT BIGINT" for name in COUNTERS)
    name = merge_procedure_name(obj)
    return create_procedure(name, engine, (*arguments, *counters), declared, "\n".join(steps), dialect.settings)


def _read_source(obj: Object, engine: Engine) -> str:
    return f"""\
  -- The staged rows under a fixed name, so that what follows is plain SQL. record_row is a row's address.
  EXECUTE 'CREATE TEMP VIEW {temporary(obj, engine, SOURCE)} AS
    SELECT s.ctid AS "record_row",
      {column_list(obj, engine, "s", 6)}
    FROM ' || record_source || ' AS s';
"""


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
  SELECT INTO record_n_staged, record_n_keys COUNT(*), COUNT(DISTINCT {hashed})
  FROM {source} AS s;
  CREATE TEMP TABLE {beaten} ("record_row" tid);
  IF record_n_keys < record_n_staged THEN
    INSERT INTO {beaten}
    SELECT r."record_row"
    FROM (
      SELECT s."record_row", ROW_NUMBER() OVER (
        PARTITION BY {keys}
        ORDER BY
          {order}
      ) AS "record_place"
      FROM {source} AS s
      WHERE ({keys}) IN (SELECT {again} FROM {source} AS m GROUP BY {again} HAVING COUNT(*) > 1)
    ) AS r
    WHERE r."record_place" > 1;
    GET DIAGNOSTICS record_n_beaten = ROW_COUNT;
    record_n_keys := record_n_staged - record_n_beaten;
  END IF;
"""


def _not_beaten(obj: Object, engine: Engine) -> str:
    # NOT IN and not NOT EXISTS: it is checked while the rows are read, where a join would copy all their columns.
    return f's."record_row" NOT IN (SELECT b."record_row" FROM {temporary(obj, engine, BEATEN)} AS b)'


def _upsert(obj: Object, engine: Engine, unknown: Sequence[str]) -> str:
    """Insert or overwrite what is plain, and count it."""
    source = temporary(obj, engine, SOURCE)
    table, keys = quote_qualified(engine, obj.warehouse_table), ", ".join(engine.quote(key) for key in obj.key)
    values = [f"{engine.quote(c.name)} = EXCLUDED.{engine.quote(c.name)}" for c in obj.columns if c.name not in obj.key]
    assigned = indented([*values, *(f"{engine.quote(name)} = DEFAULT" for name in unknown)], 6)
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
    RETURNING t.xmax = 0 AS "record_is_new", t."record_is_deleted" AS "record_is_ended"
  )
  SELECT INTO record_n_merged, record_n_inserted, record_n_updated, record_n_deleted
    COUNT(*),
    COUNT(*) FILTER (WHERE m."record_is_new" AND NOT m."record_is_ended"),
    COUNT(*) FILTER (WHERE NOT m."record_is_new" AND NOT m."record_is_ended"),
    COUNT(*) FILTER (WHERE NOT m."record_is_new" AND m."record_is_ended")
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
  record_n_late := 0;
  IF record_n_merged < record_n_keys THEN
    CREATE TEMP TABLE {verdict} AS
    SELECT r.*
    FROM (
      SELECT {key_list(obj, engine, "s")}, s."record_row", s."record_is_deleted" AS "record_is_ended",
        t."record_is_deleted" AS "record_is_held_deleted",
        {partition_date(obj, engine, "s")} <> {partition_date(obj, engine, "t")} AS "record_is_moved",
        CASE
          {arms}
          ELSE 0
        END AS "record_comparison"
      FROM {source} AS s
      JOIN {table} AS t ON {same_key(obj, engine, "t", "s")}
      WHERE {_not_beaten(obj, engine)}
    ) AS r
    WHERE r."record_comparison" <> 0 OR r."record_is_moved";

    -- For who keeps a lake beside the table: its rows that lie at another date than a staged row of their key.
    CREATE TEMP TABLE {elsewhere} ON COMMIT DROP AS
    {_elsewhere(obj, engine, verdict, source)};

    -- What comes over a row that says deleted is a new row.
    SELECT INTO record_n_better, record_n_revived, record_n_replaced, record_n_ended, record_n_late
      COUNT(*) FILTER (WHERE v."record_comparison" = 1),
      COUNT(*) FILTER (WHERE v."record_comparison" = 1 AND v."record_is_held_deleted" AND NOT v."record_is_ended"),
      COUNT(*) FILTER (WHERE v."record_comparison" = 1 AND NOT v."record_is_held_deleted" AND NOT v."record_is_ended"),
      COUNT(*) FILTER (WHERE v."record_comparison" = 1 AND NOT v."record_is_held_deleted" AND v."record_is_ended"),
      COUNT(*) FILTER (WHERE v."record_comparison" = -1)
    FROM {verdict} AS v;
    record_n_inserted := record_n_inserted + record_n_revived;
    record_n_updated := record_n_updated + record_n_replaced;
    record_n_deleted := record_n_deleted + record_n_ended;
{_overwrite(obj, engine)}    DROP TABLE {verdict};
  END IF;
"""


def _elsewhere(obj: Object, engine: Engine, verdict: str, staged: str) -> str:
    """SELECT of the table's rows whose key is staged with another partition date, for `StagingSql.add_held`."""
    return f"""\
SELECT
      {indented(elsewhere_columns(obj, engine, "t"), 6)}
    FROM {verdict} AS v
    JOIN {quote_qualified(engine, obj.warehouse_table)} AS t ON {same_key(obj, engine, "t", "v")}
    WHERE EXISTS (
      SELECT 1 FROM {staged} AS s
      WHERE {same_key(obj, engine, "s", "v")}
        AND {partition_date(obj, engine, "s")} <> {partition_date(obj, engine, "t")}
    )"""


def _overwrite(obj: Object, engine: Engine) -> str:
    """Put in the better rows among those that were left over."""
    source, verdict = temporary(obj, engine, SOURCE), temporary(obj, engine, VERDICT)
    table = quote_qualified(engine, obj.warehouse_table)
    return f"""\
    IF record_n_better > 0 THEN
      DELETE FROM {table} AS t
      USING {verdict} AS v
      WHERE {same_key(obj, engine, "t", "v")} AND v."record_comparison" = 1;
      INSERT INTO {table} (
        {column_list(obj, engine, "", 8)}
      )
      SELECT
        {column_list(obj, engine, "s", 8)}
      FROM {verdict} AS v
      JOIN {source} AS s ON s."record_row" = v."record_row"
      WHERE v."record_comparison" = 1;
    END IF;
"""


def _count(obj: Object, engine: Engine) -> str:
    """Each staged row ends in one of five counts; then the temporary relations are dropped."""
    source, beaten = temporary(obj, engine, SOURCE), temporary(obj, engine, BEATEN)
    table = quote_qualified(engine, obj.warehouse_table)
    mine, other = (indented(order_terms(obj, engine, alias), 8) for alias in ("s", "t"))
    return f"""\
  -- Of the beaten rows, those that equal the row that is in the table now are copies, and the others are superseded.
  record_n_superseded := record_n_late;
  IF record_n_keys < record_n_staged THEN
    SELECT INTO record_n_superseded record_n_late + COUNT(*)
    FROM {beaten} AS b
    JOIN {source} AS s ON s."record_row" = b."record_row"
    JOIN {table} AS t ON {same_key(obj, engine, "t", "s")}
    WHERE (
        {mine}
      ) <> (
        {other}
      );
  END IF;

  -- Each staged row is counted once, so that the rest are duplicates. A row that says deleted stays,
  -- so that no late version brings its key back, and counts as no row: live rows are inserted minus deleted. A deletion
  -- of what is not there says nothing new, and is a duplicate too.
  record_n_duplicate := record_n_staged - record_n_inserted - record_n_updated - record_n_deleted - record_n_superseded;
  {report_counts(obj)};

  DROP TABLE {beaten};
  DROP VIEW {source};
"""
