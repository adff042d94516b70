"""The stored procedures that overwrite a warehouse table by key (SCD type 1).

Four for each object. `insert_new_<table>()` merges and empties the staging table that people fill by hand;
`take_<table>_staging()` is the part of it that reads that table. `insert_new_<table>(staging, batch_id)` reads a run's
own. Both hand over to `merge_<table>`, which holds the plan. What PostgreSQL calls an INOUT argument with a default,
Redshift calls OUT, and lets no inner procedure have one; so a call looks the same in both.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from trunkline.engines.model import Engine, quote_qualified, text_literal
from trunkline.objects.model import FIDELITY_STREAM, Column, Object
from trunkline.sql.ddl import staging_table
from trunkline.sql.merge.delete_insert import delete_insert_procedure
from trunkline.sql.merge.plpgsql import (
    BY_HAND,
    COUNTS,
    column_list,
    create_procedure,
    drop_if_exists,
    indented,
    key_list,
    lock_statement,
    merge_procedure_name,
    procedures_of,
    table_name,
    temporary,
    temporary_name,
)
from trunkline.sql.merge.upsert import upsert_procedure
from trunkline.sql.order import compared_columns, same_key, tail_terms, version_text

BY_HAND_VERSION: Final = 1_000_000
"""The catalogue version of the first row that a person stages of a key: above every catalogue's."""
_TIMESTAMP_TEXT: Final = "'YYYY-MM-DD HH24:MI:SS.US'"


def procedure_name(obj: Object) -> str:
    """`schema.insert_new_<table>`: what loaders and people call."""
    schema, table = obj.warehouse_table.split(".")
    return f"{schema}.insert_new_{table}"


def procedure_statements(obj: Object, engine: Engine, unknown: Sequence[str] = ()) -> tuple[str, ...]:
    """CREATE OR REPLACE of the object's procedures, inner ones first.

    `unknown` are columns of the table that the object lacks; they are empty in rows that are merged. Raises UsageError
    for an engine without procedures.
    """
    has_upsert = procedures_of(engine).has_upsert
    merge = upsert_procedure(obj, engine, unknown) if has_upsert else delete_insert_procedure(obj, engine)
    return merge, _take_staging(obj, engine), _from_staging(obj, engine), _from_hand(obj, engine)


def _take_name(obj: Object) -> str:
    schema, table = obj.warehouse_table.split(".")
    return f"{schema}.take_{table}_staging"


def _results(engine: Engine) -> list[str]:
    return [f"{name} {procedures_of(engine).result}" for name in COUNTS]


def _hand_over(obj: Object, engine: Engine, staging: str, batch_id: str) -> str:
    zeros = "".join(f"  {name} := 0;\n" for name in COUNTS)
    merge = quote_qualified(engine, merge_procedure_name(obj))
    return f"{zeros}  CALL {merge}({staging}, {batch_id}, {', '.join(COUNTS)});\n"


def _from_staging(obj: Object, engine: Engine) -> str:
    body = f"""\
  -- Merges a staging table of a run's own into {obj.warehouse_table} and leaves it as it is.
  -- staging is schema.table with the columns of {staging_table(obj)}, its record_* columns all filled.
  -- batch_id says in the server's log which batch this was; whoever calls records the batch.
{_hand_over(obj, engine, "staging", "batch_id")}"""
    text = procedures_of(engine).text_type
    arguments = [f"staging IN {text}", f"batch_id IN {text}", *_results(engine)]
    return create_procedure(procedure_name(obj), engine, arguments, "", body)


def _from_hand(obj: Object, engine: Engine) -> str:
    by_hand = temporary(obj, engine, BY_HAND)
    body = f"""\
  -- Merges what is in {staging_table(obj)}, whoever staged it, and empties it. See take_{table_name(obj)}_staging.
  CALL {quote_qualified(engine, _take_name(obj))}();
{_hand_over(obj, engine, text_literal(temporary_name(obj, BY_HAND)), "'by hand'")}  DROP TABLE {by_hand};
"""
    return create_procedure(procedure_name(obj), engine, _results(engine), "", body)


def _take_staging(obj: Object, engine: Engine) -> str:
    staging, by_hand = quote_qualified(engine, staging_table(obj)), temporary(obj, engine, BY_HAND)
    values = indented(filled_values(obj, engine), 4)
    if procedures_of(engine).has_upsert:
        # One statement takes the rows out and copies them, so that a row staged meanwhile stays for the next call.
        source, analyze = "taken", f"\n  ANALYZE {by_hand};\n"
        take, empty = f"  WITH taken AS (DELETE FROM {staging} RETURNING *)\n", ""
    else:
        source, take, analyze = staging, "", ""
        empty = f"""
  -- DELETE and not TRUNCATE, which would commit. The transaction sees one snapshot throughout, so a row that somebody
  -- stages meanwhile is neither merged nor deleted.
  DELETE FROM {staging};
"""
    body = f"""\
  -- Moves the rows of {staging_table(obj)} into the temporary table {temporary_name(obj, BY_HAND)}.
  -- A record_* column that is NULL gets its value here:
  --   record_version            {obj.version} as text; without one, the version of the row that the table has
  --   record_fidelity           'stream', as if it came from an export
  --   record_is_redacted        as the row that the table has, else FALSE
  --   record_catalogue_version  {BY_HAND_VERSION:,}, or one more than the table's row has, unless the two are equal:
  --                             so a row that differs wins where the versions are equal
  --   record_hash               MD5 over the row, so that of two staged rows with one version the same always wins
  --   record_position           the staging table's name
  --   record_arrived_at         now, UTC
  --   record_loaded_at          now, UTC
  --   record_is_deleted         FALSE
  -- So a row of an equal or missing version overwrites, one of a lower version is superseded, and staging the same rows
  -- again changes nothing.
  -- The lock comes before the first query, see merge_{table_name(obj)}.
  {lock_statement(obj, engine)};

  {drop_if_exists(obj, engine, BY_HAND)};
  CREATE TEMP TABLE {by_hand} (LIKE {staging});
{take}  INSERT INTO {by_hand} (
    {column_list(obj, engine, "", 4)}
  )
  SELECT
    {values}
  FROM (
    SELECT s.*, {_hash(obj, engine, "s")} AS "record_new_hash"
    FROM {source} AS s
  ) AS s
  LEFT JOIN {quote_qualified(engine, obj.warehouse_table)} AS t ON {same_key(obj, engine, "t", "s")};
{analyze}{empty}"""
    return create_procedure(_take_name(obj), engine, (), "", body)


def filled_values(obj: Object, engine: Engine) -> Iterator[str]:
    """An SQL expression for each column of the object, in order: over a row staged by hand, `s`, with the hash that it
    would get, and the row that the table has of its key, `t`.
    """
    now = procedures_of(engine).utc_now
    hash_ = 'COALESCE(s."record_hash", s."record_new_hash")'
    tails = zip(tail_terms(obj, engine, "s"), tail_terms(obj, engine, "t"), strict=True)
    same = " AND ".join([f'{hash_} = t."record_hash"', *(f"{mine} = {other}" for mine, other in tails)])
    version = f'COALESCE(s."record_version", {_version(obj, engine, "s")}, t."record_version", \'\')'
    text = engine.spelling.by_code_point
    order = (
        text(f'COALESCE(s."record_fidelity", {text_literal(FIDELITY_STREAM)})'),
        text(version),
        'CASE WHEN COALESCE(s."record_is_redacted", t."record_is_redacted") THEN 1 ELSE 0 END',
        text(hash_),
        *tail_terms(obj, engine, "s"),
    )
    # Of several staged rows of a key only the best may come before the table's: the others would win at the next call.
    best_first = ", ".join(f"{term} DESC" for term in order)
    place = f"RANK() OVER (PARTITION BY {key_list(obj, engine, 's')} ORDER BY {best_first})"
    defaults = {
        "record_version": f'COALESCE({_version(obj, engine, "s")}, t."record_version")',
        "record_fidelity": text_literal(FIDELITY_STREAM),
        "record_is_redacted": 'COALESCE(t."record_is_redacted", FALSE)',
        "record_catalogue_version": (
            f"CASE\n      WHEN {place} > 1 THEN 0\n"
            f'      WHEN t."record_hash" IS NULL THEN {BY_HAND_VERSION}\n'
            f'      WHEN {same}\n        THEN t."record_catalogue_version"\n'
            f'      WHEN t."record_catalogue_version" < {BY_HAND_VERSION - 1} THEN {BY_HAND_VERSION}\n'
            f'      ELSE t."record_catalogue_version" + 1\n    END'
        ),
        "record_hash": 's."record_new_hash"',
        "record_position": text_literal(staging_table(obj)),
        "record_arrived_at": now,
        "record_loaded_at": now,
        "record_is_deleted": f"COALESCE(s.{engine.quote(obj.deleted)}, FALSE)" if obj.deleted else "FALSE",
    }
    for column in obj.columns:
        value = f"s.{engine.quote(column.name)}"
        if column.name in defaults:
            value = f"COALESCE({value}, {defaults[column.name]})"
        yield value


def _version(obj: Object, engine: Engine, alias: str) -> str:
    if obj.by_name[obj.version].type == "timestamp":
        # As loads write it: microseconds without trailing zeros.
        value = f"{alias}.{engine.quote(obj.version)}"
        return f"RTRIM(RTRIM(TO_CHAR({value}, {_TIMESTAMP_TEXT}), '0'), '.')"
    if obj.by_name[obj.version].type in ("bigint", "integer"):
        return version_text(obj, engine, f"{alias}.{engine.quote(obj.version)}")
    return as_text(obj.by_name[obj.version], engine, alias)


def as_text(column: Column, engine: Engine, alias: str) -> str:
    """A column's value as text that does not depend on a session's settings; NULL for NULL."""
    value = f"{alias}.{engine.quote(column.name)}"
    match column.type:
        case "text":
            return value
        case "boolean":  # Redshift casts no boolean to text
            return f"CASE WHEN {value} THEN 'true' WHEN NOT {value} THEN 'false' END"
        case "timestamp":
            return f"TO_CHAR({value}, {_TIMESTAMP_TEXT})"
        case "date":
            return f"TO_CHAR({value}, 'YYYY-MM-DD')"
        case str():
            return f"CAST({value} AS VARCHAR(64))"
        case _:
            return engine.spelling.nested_as_text(column.type, value)


def _hash(obj: Object, engine: Engine, alias: str) -> str:
    """MD5 over the MD5 of each column that the fold order does not compare by value, so without personal data.

    Column by column, because one text of the whole row could be longer than Redshift's 65,535 bytes.
    """
    left_out = {column.name for column in compared_columns(obj)}
    parts = (
        f"COALESCE(MD5({as_text(column, engine, alias)}), '-')"
        for column in obj.data_columns
        if column.name not in left_out
    )
    joined = "\n      || ".join(parts)
    return f"MD5(\n      {joined}\n    )"
