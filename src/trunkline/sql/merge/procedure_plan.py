"""The plan of a merge as PL/pgSQL, step by step: one text for PostgreSQL and Redshift wherever the two agree.

Redshift has no row address, so it copies the staged rows beside a number; it has no index, so it looks rows up within
the staged dates first.
"""

from __future__ import annotations

from trunkline.engines.model import Engine, quote_qualified
from trunkline.objects.model import Object
from trunkline.sql.ddl import staging_table
from trunkline.sql.merge import procedure_upsert
from trunkline.sql.merge.procedure_text import (
    BEATEN,
    COUNTED,
    COUNTS,
    ELSEWHERE,
    HELD,
    INCOMING,
    SOURCE,
    VERDICT,
    column_list,
    counted,
    create_procedure,
    indented,
    key_list,
    lock_statement,
    table_name,
    temporary,
    text_type,
)
from trunkline.sql.order import compared_columns, comparison, order_by, order_terms, same_key

RECORD_TERMS = (
    "record_fidelity", "record_version", "record_is_redacted", "record_catalogue_version", "record_hash",
)  # fmt: skip
"""The columns that the fold order compares before any other."""


def merge_procedure(obj: Object, engine: Engine) -> str:
    """The plan: lock, best staged row per key, compare with the table, delete what is beaten, insert."""
    is_postgres = engine.name == "postgres"
    text = text_type(engine)
    declared = f"DECLARE\n  source_name {text};\n"
    if is_postgres:
        declared += "".join(f"  {name} BIGINT;\n" for name in procedure_upsert.DECLARED)
    else:
        declared += "  first_date DATE;\n  last_date DATE;\n  moved_count BIGINT;\n"
    begun = (_lock_and_name(obj, engine), _read_source(obj, engine))
    steps: tuple[str, ...]
    if is_postgres:
        steps = (*begun, *procedure_upsert.steps(obj, engine))
    else:
        steps = (
            *begun, _rank(obj, engine), _look_up(obj, engine), _compare(obj, engine), _count(obj, engine),
            _leave_counts(obj, engine), _delete(obj, engine), _insert(obj, engine),
        )  # fmt: skip
    arguments = [f"staging IN {text}", f"batch_id IN {text}", *counted("n_", "INOUT BIGINT")]
    schema, table = obj.warehouse_table.split(".")
    settings = procedure_upsert.SETTINGS if is_postgres else ""
    return create_procedure(f"{schema}.merge_{table}", engine, arguments, declared, "\n".join(steps), settings)


def _temporaries(engine: Engine) -> tuple[tuple[str, bool], ...]:
    """The merge's temporary relations in the order in which they can be dropped, and which of them are views."""
    if engine.name == "postgres":
        return (ELSEWHERE, False), (VERDICT, False), (BEATEN, False), (SOURCE, True)
    return (VERDICT, False), (HELD, False), (INCOMING, False), (SOURCE, False)


def _same_row(obj: Object, engine: Engine) -> str:
    # Redshift joins on one slice where the distribution key takes part.
    return f'{same_key(obj, engine, "s", "i")} AND s."staged_row" = i."staged_row"'


def _spread(obj: Object, engine: Engine) -> str:
    return f" DISTKEY ({engine.quote(obj.key[0])})"


def _lock_and_name(obj: Object, engine: Engine) -> str:
    table = table_name(obj)
    dropped = "".join(
        f"  DROP {'VIEW' if is_view else 'TABLE'} IF EXISTS {temporary(obj, engine, suffix)};\n"
        for suffix, is_view in _temporaries(engine)
    )
    waiting = (
        "Readers go on; a second loader waits here."
        if engine.name == "postgres"
        else "Under snapshot isolation two loaders would both\n"
        "  -- insert a new key. A transaction that reads or copies before this call must lock before that."
    )
    return f"""\
  -- Overwrites {obj.warehouse_table} by key: of all versions of a key, in the table and staged, the best stays.
  -- Best is: record_fidelity (stream above api), then record_version, redacted over not, the newer catalogue,
  -- record_hash, and last the personal columns that the hash leaves out. So late and repeated versions change nothing.
  -- No COMMIT and no TRUNCATE: the caller's transaction holds the merge and the ledger's row together.

  -- The lock first, before anything is read. {waiting}
  {lock_statement(obj, engine)};

  -- The one name that comes from outside: schema.table, or a table's name alone.
  source_name := quote_ident(SPLIT_PART(staging, '.', 1));
  IF SPLIT_PART(staging, '.', 2) <> '' THEN
    source_name := source_name || '.' || quote_ident(SPLIT_PART(staging, '.', 2));
  END IF;
  IF staging IS NULL OR SPLIT_PART(staging, '.', 1) = '' OR SPLIT_PART(staging, '.', 3) <> '' THEN
    RAISE EXCEPTION 'merge_{table}: staging is %, but must be schema.table or table', staging;
  END IF;
  IF staging IN ('{obj.warehouse_table}', '{table}') THEN
    RAISE EXCEPTION 'merge_{table}: staging is the target %, name a staging table', staging;
  END IF;

  -- What a call before this one in the same session may have left behind.
{dropped}"""


def _read_source(obj: Object, engine: Engine) -> str:
    source, staging = temporary(obj, engine, SOURCE), quote_qualified(engine, staging_table(obj))
    if engine.name == "postgres":
        return f"""\
  -- The staged rows under a fixed name, so that what follows is plain SQL. staged_row is a row's address.
  EXECUTE 'CREATE TEMP VIEW {source} AS
    SELECT s.ctid AS "staged_row",
      {column_list(obj, engine, "s", 6)}
    FROM ' || source_name || ' AS s';
"""
    return f"""\
  -- The staged rows under a fixed name, so that what follows is plain SQL. staged_row only tells rows apart.
  CREATE TEMP TABLE {source} (LIKE {staging}, "staged_row" BIGINT IDENTITY(1, 1));
  EXECUTE 'INSERT INTO {source} (
      {column_list(obj, engine, "", 6)}
    )
    SELECT
      {column_list(obj, engine, "s", 6)}
    FROM ' || source_name || ' AS s';
"""


def _rank(obj: Object, engine: Engine) -> str:
    source, incoming = temporary(obj, engine, SOURCE), temporary(obj, engine, INCOMING)
    keys = key_list(obj, engine, "s")
    names = ", ".join(engine.quote(key) for key in obj.key)
    order = indented((f"{term} DESC" for term in order_terms(obj, engine, "s")), 8)
    assert order.replace(",\n        ", ", ") == order_by(obj, engine, "s")
    declared = ", ".join(f"{engine.quote(key)} {engine.type_of(obj.by_name[key])}" for key in obj.key)
    return f"""\
  -- Every staged row with its place among the rows of its key: place 1 is the best one, and rows that equal the best
  -- one in everything share standing 1. Most keys come once and need no ranking.
  CREATE TEMP TABLE {incoming} (
    {declared}, "staged_row" BIGINT, "place" BIGINT, "standing" BIGINT
  ){_spread(obj, engine)};
  INSERT INTO {incoming}
  SELECT {keys}, MIN(s."staged_row"), 1, 1
  FROM {source} AS s
  GROUP BY {keys}
  HAVING COUNT(*) = 1;
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
    )
  FROM {source} AS s
  JOIN (SELECT {names} FROM {source} GROUP BY {names} HAVING COUNT(*) > 1) AS m
    ON {same_key(obj, engine, "m", "s")};
"""


def _look_up(obj: Object, engine: Engine) -> str:
    """Redshift's alone: the table's rows of the staged keys, read where they are expected before anywhere else."""
    source, incoming, held = (temporary(obj, engine, suffix) for suffix in (SOURCE, INCOMING, HELD))
    table, partition = quote_qualified(engine, obj.warehouse_table), engine.quote(obj.partition)
    more = ("record_is_deleted", *(column.name for column in compared_columns(obj)))
    names = list(dict.fromkeys([*obj.key, *RECORD_TERMS, *more]))
    columns = indented((f"t.{engine.quote(name)}" for name in names), 6)
    declared = indented((f"{engine.quote(name)} {engine.type_of(obj.by_name[name])}" for name in names), 4)
    found = f"""FROM {table} AS t
    JOIN {incoming} AS i ON {same_key(obj, engine, "i", "t")}"""
    return f"""\
  -- The rows that the table holds of the staged keys. First only those within the staged dates, written as literals so
  -- that Redshift skips the other blocks; then, for keys still not found, the rest: a contact whose date moved.
  CREATE TEMP TABLE {held} (
    {declared},
    "is_moved" BOOLEAN
  ){_spread(obj, engine)};
  SELECT INTO first_date, last_date
    MIN(CAST(s.{partition} AS DATE)), MAX(CAST(s.{partition} AS DATE))
  FROM {source} AS s;
  IF first_date IS NOT NULL THEN
    EXECUTE 'INSERT INTO {held}
    SELECT
      {columns},
      FALSE
    {found}
    WHERE i."place" = 1
      AND t.{partition} >= ' || quote_literal(TO_CHAR(first_date, 'YYYY-MM-DD')) || '
      AND t.{partition} < ' || quote_literal(TO_CHAR(last_date + 1, 'YYYY-MM-DD'));
  END IF;
  INSERT INTO {held}
    SELECT
      {columns},
      TRUE
    {found}
    LEFT JOIN {held} AS h ON {same_key(obj, engine, "h", "t")}
    WHERE i."place" = 1 AND h.{engine.quote(obj.key[0])} IS NULL;
"""


def _compare(obj: Object, engine: Engine) -> str:
    source, incoming, verdict = (temporary(obj, engine, suffix) for suffix in (SOURCE, INCOMING, VERDICT))
    arms = "\n      ".join(comparison(obj, engine, "s", "t"))
    table = temporary(obj, engine, HELD)
    return f"""\
  -- The best staged row of each key that the table has: better than the table's (1), equal to it (0), or worse (-1).
  -- The first difference decides.
  CREATE TEMP TABLE {verdict}{_spread(obj, engine)} AS
  SELECT {key_list(obj, engine, "s")}, t."is_moved", t."record_is_deleted" AS "is_held_deleted",
    CASE
      {arms}
      ELSE 0
    END AS "comparison"
  FROM {incoming} AS i
  JOIN {source} AS s ON {_same_row(obj, engine)}
  JOIN {table} AS t ON {same_key(obj, engine, "t", "i")}
  WHERE i."place" = 1;
"""


def _count(obj: Object, engine: Engine) -> str:
    source, incoming, verdict = (temporary(obj, engine, suffix) for suffix in (SOURCE, INCOMING, VERDICT))
    is_new = f"v.{engine.quote(obj.key[0])} IS NULL"
    wins = f'({is_new} OR v."comparison" = 1)'
    appears = f'({is_new} OR (v."comparison" = 1 AND v."is_held_deleted"))'
    replaces = '(v."comparison" = 1 AND NOT v."is_held_deleted")'
    deleted = 'COALESCE(s."record_is_deleted", FALSE)'
    n_counts = ", ".join(f"n_{name}" for name in COUNTS)
    marks = ", ".join(f"{name} %" for name in COUNTS)
    return f"""\
  -- One of five things becomes of every staged row. A row that says deleted stays, so that no late version brings its
  -- key back, and counts as no row: live rows are inserted minus deleted. A deletion of what is not there says nothing
  -- new, and is a duplicate.
  SELECT INTO {n_counts}
    COALESCE(SUM(CASE WHEN i."place" = 1 AND {appears} AND NOT {deleted} THEN 1 ELSE 0 END), 0),
    COALESCE(SUM(CASE WHEN i."place" = 1 AND {replaces} AND NOT {deleted} THEN 1 ELSE 0 END), 0),
    COALESCE(SUM(CASE WHEN i."place" = 1 AND {replaces} AND {deleted} THEN 1 ELSE 0 END), 0),
    COALESCE(SUM(CASE WHEN i."standing" > 1 OR v."comparison" = -1 THEN 1 ELSE 0 END), 0),
    COALESCE(SUM(CASE WHEN i."standing" = 1 AND (v."comparison" = 0 OR (i."place" > 1 AND {wins})
      OR (i."place" = 1 AND {appears} AND {deleted})) THEN 1 ELSE 0 END), 0)
  FROM {incoming} AS i
  JOIN {source} AS s ON {_same_row(obj, engine)}
  LEFT JOIN {verdict} AS v ON {same_key(obj, engine, "v", "i")};
  RAISE INFO 'merge_{table_name(obj)}: batch %, {marks}', batch_id, {n_counts};
"""


def _leave_counts(obj: Object, engine: Engine) -> str:
    """Redshift's alone: in a batch of statements nobody reads what a call returns before the next one runs."""
    counted = temporary(obj, engine, COUNTED)
    declared = ", ".join(f'"{name}" BIGINT' for name in COUNTS)
    return f"""\
  -- The counts stay in a table of the session, for a batch of statements that writes them into the ledger.
  CREATE TEMP TABLE IF NOT EXISTS {counted} ("batch" {text_type(engine)}, {declared});
  INSERT INTO {counted} SELECT batch_id, {", ".join(f"n_{name}" for name in COUNTS)};
"""


def _delete(obj: Object, engine: Engine) -> str:
    verdict, table = temporary(obj, engine, VERDICT), quote_qualified(engine, obj.warehouse_table)
    partition = engine.quote(obj.partition)
    beaten = f'{same_key(obj, engine, "v", table)} AND v."comparison" = 1'
    return f"""\
  -- Again within the staged dates, and the few whose date moved apart.
  IF first_date IS NOT NULL THEN
    EXECUTE 'DELETE FROM {table}
    USING {verdict} AS v
    WHERE {beaten} AND NOT v."is_moved"
      AND {table}.{partition} >= ' || quote_literal(TO_CHAR(first_date, 'YYYY-MM-DD')) || '
      AND {table}.{partition} < ' || quote_literal(TO_CHAR(last_date + 1, 'YYYY-MM-DD'));
  END IF;
  SELECT INTO moved_count COUNT(*) FROM {verdict} AS v WHERE v."is_moved" AND v."comparison" = 1;
  IF moved_count > 0 THEN
    DELETE FROM {table}
    USING {verdict} AS v
    WHERE {beaten} AND v."is_moved";
  END IF;
"""


def _insert(obj: Object, engine: Engine) -> str:
    source, incoming, verdict = (temporary(obj, engine, suffix) for suffix in (SOURCE, INCOMING, VERDICT))
    dropped = "".join(
        f"  DROP {'VIEW' if is_view else 'TABLE'} {temporary(obj, engine, suffix)};\n"
        for suffix, is_view in _temporaries(engine)
    )
    return f"""\
  INSERT INTO {quote_qualified(engine, obj.warehouse_table)} (
    {column_list(obj, engine, "", 4)}
  )
  SELECT
    {column_list(obj, engine, "s", 4)}
  FROM {incoming} AS i
  JOIN {source} AS s ON {_same_row(obj, engine)}
  LEFT JOIN {verdict} AS v ON {same_key(obj, engine, "v", "i")}
  WHERE i."place" = 1 AND (v.{engine.quote(obj.key[0])} IS NULL OR v."comparison" = 1);

{dropped}"""
