"""The stored procedures that overwrite a warehouse table by key (SCD type 1), for PostgreSQL and Redshift.

Three for each object: `insert_new_<table>()` empties the staging table that people fill by hand,
`insert_new_<table>(staging, batch_id)` reads a run's own, and both hand over to `merge_<table>`, which holds the plan.
What PostgreSQL calls an INOUT argument with a default, Redshift calls OUT, and lets no inner procedure have one; so a
call looks the same in both.
"""

from __future__ import annotations

from trunkline.engines.model import Engine, quote_qualified, text_literal
from trunkline.errors import UsageError
from trunkline.objects.model import Object
from trunkline.sql.ddl import staging_table
from trunkline.sql.merge.by_hand import filled_values
from trunkline.sql.merge.procedure_plan import merge_procedure
from trunkline.sql.merge.procedure_text import (
    BY_HAND,
    COUNTS,
    column_list,
    counted,
    create_procedure,
    indented,
    lock_statement,
    table_name,
    temporary,
    temporary_name,
    text_type,
)


def procedure_name(obj: Object) -> str:
    """`schema.insert_new_<table>`: what loaders and people call."""
    schema, table = obj.warehouse_table.split(".")
    return f"{schema}.insert_new_{table}"


def procedure_statements(obj: Object, engine: Engine) -> tuple[str, ...]:
    """CREATE OR REPLACE of the object's procedures, inner one first. UsageError for an engine without procedures."""
    if engine.name not in ("postgres", "redshift"):
        raise UsageError(f"{engine.name} has no stored procedures; use postgres or redshift")
    return merge_procedure(obj, engine), _from_staging(obj, engine), _from_hand(obj, engine)


def _results(engine: Engine) -> list[str]:
    return counted("", "INOUT BIGINT DEFAULT NULL" if engine.name == "postgres" else "OUT BIGINT")


def _hand_over(obj: Object, engine: Engine, staging: str, batch_id: str) -> str:
    zeros = "".join(f"  {name} := 0;\n" for name in COUNTS)
    merge = quote_qualified(engine, f"{obj.warehouse_table.split('.')[0]}.merge_{table_name(obj)}")
    return f"{zeros}  CALL {merge}({staging}, {batch_id}, {', '.join(COUNTS)});\n"


def _from_staging(obj: Object, engine: Engine) -> str:
    body = f"""\
  -- Merges a staging table of a run's own into {obj.warehouse_table} and leaves it as it is.
  -- staging is schema.table with the columns of {staging_table(obj)}, its record_* columns all filled.
  -- batch_id says in the server's log which batch this was; whoever calls records the batch.
{_hand_over(obj, engine, "staging", "batch_id")}"""
    arguments = [f"staging IN {text_type(engine)}", f"batch_id IN {text_type(engine)}", *_results(engine)]
    return create_procedure(procedure_name(obj), engine, arguments, "", body)


def _from_hand(obj: Object, engine: Engine) -> str:
    staging, by_hand = quote_qualified(engine, staging_table(obj)), temporary(obj, engine, BY_HAND)
    values = indented(filled_values(obj, engine, "s"), 4)
    if engine.name == "postgres":
        # One statement takes the rows out and copies them, so that a row staged meanwhile stays for the next call.
        rows = f"FROM taken AS s;\n\n  ANALYZE {by_hand};\n"
        take, empty = f"  WITH taken AS (DELETE FROM {staging} RETURNING *)\n", ""
    else:
        rows, take = f"FROM {staging} AS s;\n", ""
        empty = f"""
  -- DELETE and not TRUNCATE, which would commit. The transaction sees one snapshot throughout, so a row that somebody
  -- stages meanwhile is neither merged here nor deleted.
  DELETE FROM {staging};
"""
    body = f"""\
  -- Merges what is in {staging_table(obj)}, however it came there, and empties it.
  -- A record_* column that is NULL gets its value here:
  --   record_version            {obj.version} as text; NULL, which sorts lowest, without one
  --   record_fidelity           'stream', as if it came from an export
  --   record_is_redacted        FALSE
  --   record_catalogue_version  0, so that a row which Trunkline loaded wins over a filled one of the same version
  --   record_hash               MD5 over the row, so that of two rows with one version the same always wins
  --   record_position           the staging table's name
  --   record_arrived_at         now, UTC
  --   record_loaded_at          now, UTC
  --   record_is_deleted         FALSE
  -- Staging the same rows again therefore changes nothing.
  -- The lock comes before the first query, see merge_{table_name(obj)}.
  {lock_statement(obj, engine)};

  DROP TABLE IF EXISTS {by_hand};
  CREATE TEMP TABLE {by_hand} (LIKE {staging});
{take}  INSERT INTO {by_hand} (
    {column_list(obj, engine, "", 4)}
  )
  SELECT
    {values}
  {rows}{empty}
{_hand_over(obj, engine, text_literal(temporary_name(obj, BY_HAND)), "'by hand'")}  DROP TABLE {by_hand};
"""
    return create_procedure(procedure_name(obj), engine, _results(engine), "", body)
