"""The merge as a procedure for an engine without upserts, as Redshift: rank, look up, compare, delete, insert.

There is no row address, so the staged rows are copied beside a number; there is no index, so the table's rows are
looked up within the staged dates first.
"""

from __future__ import annotations

from typing import Final

from trunkline.engines.model import Engine, quote_qualified
from trunkline.objects.model import Object
from trunkline.sql.ddl import staging_table
from trunkline.sql.merge.plpgsql import (
    COUNTED,
    COUNTERS,
    COUNTS,
    HELD,
    INCOMING,
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
from trunkline.sql.order import ORDER_COLUMNS, compared_columns, comparison, order_terms, same_key

_TEMPORARIES: Final = ((VERDICT, False), (HELD, False), (INCOMING, False), (SOURCE, False))


def delete_insert_procedure(obj: Object, engine: Engine) -> str:
    """The plan: lock, best staged row per key, compare with the table, delete what is beaten, insert."""
    text = procedures_of(engine).text_type
    declared = f"DECLARE\n  record_source {text};\n"
    declared += "  record_first_date DATE;\n  record_last_date DATE;\n  record_n_moved BIGINT;\n"
    steps = (
        begin_merge(obj, engine, _TEMPORARIES),
        _read_source(obj, engine),
        _rank(obj, engine),
        _look_up(obj, engine),
        _compare(obj, engine),
        _count(obj, engine),
        _leave_counts(obj, engine),
        _delete(obj, engine),
        _insert(obj, engine),
    )
    arguments = [f"record_staging IN {text}", f"record_batch_id IN {text}"]
    arguments += [f"{name} INOUT BIGINT" for name in COUNTERS]
    return create_procedure(merge_procedure_name(obj), engine, arguments, declared, "\n".join(steps))


def _same_row(obj: Object, engine: Engine) -> str:
    # Redshift joins on one slice where the distribution key takes part.
    return f'{same_key(obj, engine, "s", "i")} AND s."record_row" = i."record_row"'


def _spread(obj: Object, engine: Engine) -> str:
    return f" DISTKEY ({engine.quote(obj.key[0])})"


def _read_source(obj: Object, engine: Engine) -> str:
    source, staging = temporary(obj, engine, SOURCE), quote_qualified(engine, staging_table(obj))
    return f"""\
  -- The staged rows under a fixed name, so that what follows is plain SQL. record_row only tells rows apart.
  CREATE TEMP TABLE {source} (LIKE {staging}, "record_row" BIGINT IDENTITY(1, 1));
  EXECUTE 'INSERT INTO {source} (
      {column_list(obj, engine, "", 6)}
    )
    SELECT
      {column_list(obj, engine, "s", 6)}
    FROM ' || record_source || ' AS s';
"""


def _rank(obj: Object, engine: Engine) -> str:
    source, incoming = temporary(obj, engine, SOURCE), temporary(obj, engine, INCOMING)
    keys = key_list(obj, engine, "s")
    names = ", ".join(engine.quote(key) for key in obj.key)
    order = indented((f"{term} DESC" for term in order_terms(obj, engine, "s")), 8)
    declared = ", ".join(f"{engine.quote(key)} {engine.type_of(obj.by_name[key])}" for key in obj.key)
    return f"""\
  -- Every staged row with its place among the rows of its key: place 1 is the best one, and rows that equal the best
  -- one in everything share standing 1. Most keys come once and need no ranking.
  CREATE TEMP TABLE {incoming} (
    {declared}, "record_row" BIGINT, "record_place" BIGINT, "record_standing" BIGINT
  ){_spread(obj, engine)};
  INSERT INTO {incoming}
  SELECT {keys}, MIN(s."record_row"), 1, 1
  FROM {source} AS s
  GROUP BY {keys}
  HAVING COUNT(*) = 1;
  INSERT INTO {incoming}
  SELECT {keys}, s."record_row",
    ROW_NUMBER() OVER (
      PARTITION BY {keys}
      ORDER BY
        {order}
    ),
    RANK() OVER (
      PARTITION BY {keys}
      ORDER BY
        {order}
    )
  FROM {source} AS s
  JOIN (SELECT {names} FROM {source} GROUP BY {names} HAVING COUNT(*) > 1) AS m
    ON {same_key(obj, engine, "m", "s")};
"""


def _look_up(obj: Object, engine: Engine) -> str:
    """The table's rows of the staged keys, read where they are expected before anywhere else."""
    source, incoming, held = (temporary(obj, engine, suffix) for suffix in (SOURCE, INCOMING, HELD))
    table, partition = quote_qualified(engine, obj.warehouse_table), engine.quote(obj.partition)
    more = ("record_is_deleted", *(column.name for column in compared_columns(obj)))
    names = list(dict.fromkeys([*obj.key, *ORDER_COLUMNS, *more]))
    columns = indented((f"t.{engine.quote(name)}" for name in names), 6)
    declared = indented((f"{engine.quote(name)} {engine.type_of(obj.by_name[name])}" for name in names), 4)
    found = f"""FROM {table} AS t
    JOIN {incoming} AS i ON {same_key(obj, engine, "i", "t")}"""
    return f"""\
  -- The rows that the table holds of the staged keys. First only those within the staged dates, written as literals so
  -- that Redshift skips the other blocks; then, for keys still not found, the rest: a contact whose date moved.
  CREATE TEMP TABLE {held} (
    {declared},
    "record_is_moved" BOOLEAN
  ){_spread(obj, engine)};
  SELECT INTO record_first_date, record_last_date
    MIN(CAST(s.{partition} AS DATE)), MAX(CAST(s.{partition} AS DATE))
  FROM {source} AS s;
  IF record_first_date IS NOT NULL THEN
    EXECUTE 'INSERT INTO {held}
    SELECT
      {columns},
      FALSE
    {found}
    WHERE i."record_place" = 1
      AND t.{partition} >= ' || quote_literal(TO_CHAR(record_first_date, 'YYYY-MM-DD')) || '
      AND t.{partition} < ' || quote_literal(TO_CHAR(record_last_date + 1, 'YYYY-MM-DD'));
  END IF;
  INSERT INTO {held}
    SELECT
      {columns},
      TRUE
    {found}
    LEFT JOIN {held} AS h ON {same_key(obj, engine, "h", "t")}
    WHERE i."record_place" = 1 AND h.{engine.quote(obj.key[0])} IS NULL;
"""


def _compare(obj: Object, engine: Engine) -> str:
    source, incoming, verdict = (temporary(obj, engine, suffix) for suffix in (SOURCE, INCOMING, VERDICT))
    arms = "\n      ".join(comparison(obj, engine, "s", "t"))
    table = temporary(obj, engine, HELD)
    return f"""\
  -- The best staged row of each key that the table has: better than the table's (1), equal to it (0), or worse (-1).
  -- The first difference decides.
  CREATE TEMP TABLE {verdict}{_spread(obj, engine)} AS
  SELECT {key_list(obj, engine, "s")}, t."record_is_moved", t."record_is_deleted" AS "record_is_held_deleted",
    CASE
      {arms}
      ELSE 0
    END AS "record_comparison"
  FROM {incoming} AS i
  JOIN {source} AS s ON {_same_row(obj, engine)}
  JOIN {table} AS t ON {same_key(obj, engine, "t", "i")}
  WHERE i."record_place" = 1;
"""


def _count(obj: Object, engine: Engine) -> str:
    source, incoming, verdict = (temporary(obj, engine, suffix) for suffix in (SOURCE, INCOMING, VERDICT))
    is_new = f"v.{engine.quote(obj.key[0])} IS NULL"
    wins = f'({is_new} OR v."record_comparison" = 1)'
    appears = f'({is_new} OR (v."record_comparison" = 1 AND v."record_is_held_deleted"))'
    replaces = '(v."record_comparison" = 1 AND NOT v."record_is_held_deleted")'
    deleted = 'COALESCE(s."record_is_deleted", FALSE)'
    return f"""\
  -- Each staged row is counted once. A row that says deleted stays, so that no late version brings its
  -- key back, and counts as no row: live rows are inserted minus deleted. A deletion of what is not there says nothing
  -- new, and is a duplicate.
  SELECT INTO {", ".join(COUNTERS)}
    COALESCE(SUM(CASE WHEN i."record_place" = 1 AND {appears} AND NOT {deleted} THEN 1 ELSE 0 END), 0),
    COALESCE(SUM(CASE WHEN i."record_place" = 1 AND {replaces} AND NOT {deleted} THEN 1 ELSE 0 END), 0),
    COALESCE(SUM(CASE WHEN i."record_place" = 1 AND {replaces} AND {deleted} THEN 1 ELSE 0 END), 0),
    COALESCE(SUM(CASE WHEN i."record_standing" > 1 OR v."record_comparison" = -1 THEN 1 ELSE 0 END), 0),
    COALESCE(SUM(CASE WHEN i."record_standing" = 1 AND (v."record_comparison" = 0 OR (i."record_place" > 1 AND {wins})
      OR (i."record_place" = 1 AND {appears} AND {deleted})) THEN 1 ELSE 0 END), 0)
  FROM {incoming} AS i
  JOIN {source} AS s ON {_same_row(obj, engine)}
  LEFT JOIN {verdict} AS v ON {same_key(obj, engine, "v", "i")};
  {report_counts(obj)};
"""


def _leave_counts(obj: Object, engine: Engine) -> str:
    """In a batch of statements nobody reads what a call returns before the next one runs."""
    counts = temporary(obj, engine, COUNTED)
    declared = ", ".join(f'"{name}" BIGINT' for name in COUNTS)
    text = procedures_of(engine).text_type
    return f"""\
  -- The counts stay in a table of the session, for a batch of statements that writes them into the ledger.
  CREATE TEMP TABLE IF NOT EXISTS {counts} ("batch" {text}, {declared});
  INSERT INTO {counts} SELECT record_batch_id, {", ".join(COUNTERS)};
"""


def _delete(obj: Object, engine: Engine) -> str:
    verdict, table = temporary(obj, engine, VERDICT), quote_qualified(engine, obj.warehouse_table)
    partition = engine.quote(obj.partition)
    beaten = f'{same_key(obj, engine, "v", table)} AND v."record_comparison" = 1'
    return f"""\
  -- Again within the staged dates, and the few whose date moved apart.
  IF record_first_date IS NOT NULL THEN
    EXECUTE 'DELETE FROM {table}
    USING {verdict} AS v
    WHERE {beaten} AND NOT v."record_is_moved"
      AND {table}.{partition} >= ' || quote_literal(TO_CHAR(record_first_date, 'YYYY-MM-DD')) || '
      AND {table}.{partition} < ' || quote_literal(TO_CHAR(record_last_date + 1, 'YYYY-MM-DD'));
  END IF;
  SELECT INTO record_n_moved COUNT(*) FROM {verdict} AS v WHERE v."record_is_moved" AND v."record_comparison" = 1;
  IF record_n_moved > 0 THEN
    DELETE FROM {table}
    USING {verdict} AS v
    WHERE {beaten} AND v."record_is_moved";
  END IF;
"""


def _insert(obj: Object, engine: Engine) -> str:
    source, incoming, verdict = (temporary(obj, engine, suffix) for suffix in (SOURCE, INCOMING, VERDICT))
    dropped = "".join(f"  DROP TABLE {temporary(obj, engine, suffix)};\n" for suffix, _ in _TEMPORARIES)
    return f"""\
  INSERT INTO {quote_qualified(engine, obj.warehouse_table)} (
    {column_list(obj, engine, "", 4)}
  )
  SELECT
    {column_list(obj, engine, "s", 4)}
  FROM {incoming} AS i
  JOIN {source} AS s ON {_same_row(obj, engine)}
  LEFT JOIN {verdict} AS v ON {same_key(obj, engine, "v", "i")}
  WHERE i."record_place" = 1 AND (v.{engine.quote(obj.key[0])} IS NULL OR v."record_comparison" = 1);

{dropped}"""
