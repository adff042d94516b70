"""How the procedures of a table are written in PL/pgSQL: names, lists of columns, the lock, the beginning of a merge.

Variables and internal columns begin with `record_`, as no column of an object may: PL/pgSQL would take a variable for a
column of its name, or refuse the statement.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from trunkline.engines.catalogue import ENGINES
from trunkline.engines.model import Engine, Procedures, quote_qualified
from trunkline.errors import UsageError
from trunkline.objects.model import Object
from trunkline.sql.ddl import listed

COUNTS: Final = ("inserted", "updated", "deleted", "superseded", "duplicate")
"""What a call returns, one BIGINT each; their sum is the number of staged rows."""

COUNTERS: Final = tuple(f"record_n_{name}" for name in COUNTS)
"""The variables of a merge that hold the counts."""

SOURCE, INCOMING, HELD, VERDICT, BEATEN, ELSEWHERE, BY_HAND, COUNTED = (
    "_source",
    "_incoming",
    "_held",
    "_verdict",
    "_beaten",
    "_elsewhere",
    "_by_hand",
    "_counted",
)
"""What the procedures call their temporary tables, after `trunkline_` and the table's own name."""


def procedures_of(engine: Engine) -> Procedures:
    """How the engine writes procedures. Raises UsageError for an engine that has none."""
    if engine.procedures is None:
        names = [known.name for known in ENGINES.values() if known.procedures]
        raise UsageError(f"{engine.name} has no stored procedures; use {listed(names)}")
    return engine.procedures


def lock_statement(obj: Object, engine: Engine) -> str:
    """The lock that a merge begins with.

    On Redshift a transaction sees the tables as they were at its first query, so a loader that copies before it calls
    the procedure sends this before the copy: else two loaders could both insert a key that neither sees.
    """
    return f"LOCK TABLE {quote_qualified(engine, obj.warehouse_table)}{procedures_of(engine).lock_mode}"


def table_name(obj: Object) -> str:
    """The table's name without its schema."""
    return obj.warehouse_table.split(".")[1]


def temporary_name(obj: Object, suffix: str) -> str:
    """A temporary table's name."""
    return f"trunkline_{table_name(obj)}{suffix}"


def temporary(obj: Object, engine: Engine, suffix: str) -> str:
    """A temporary table's name, quoted."""
    return engine.quote(temporary_name(obj, suffix))


def drop_if_exists(obj: Object, engine: Engine, suffix: str, is_view: bool = False) -> str:
    """DROP of what an earlier call in the same session may have left."""
    kind = "VIEW" if is_view else "TABLE"
    return f"DROP {kind} IF EXISTS {procedures_of(engine).temporary_schema}{temporary(obj, engine, suffix)}"


def create_procedure(
    name: str, engine: Engine, arguments: Iterable[str], declared: str, body: str, settings: str = ""
) -> str:
    """CREATE OR REPLACE PROCEDURE around a body. `settings` are SET clauses, in force while it runs."""
    listed = ",\n".join(f"  {argument}" for argument in arguments)
    head = f"CREATE OR REPLACE PROCEDURE {quote_qualified(engine, name)} (\n{listed}\n)"
    tail = f"$$ LANGUAGE plpgsql\n{settings}".rstrip()
    return f"{head} AS $$\n{declared}BEGIN\n{body.rstrip()}\nEND;\n{tail}"


def indented(items: Iterable[str], spaces: int) -> str:
    """Items one below the other."""
    return (",\n" + " " * spaces).join(items)


def column_list(obj: Object, engine: Engine, alias: str, spaces: int) -> str:
    """All columns, one below the other; `alias` may be empty."""
    prefix = f"{alias}." if alias else ""
    return indented((f"{prefix}{engine.quote(column.name)}" for column in obj.columns), spaces)


def key_list(obj: Object, engine: Engine, alias: str) -> str:
    """The key's columns in one line."""
    return ", ".join(f"{alias}.{engine.quote(key)}" for key in obj.key)


def merge_procedure_name(obj: Object) -> str:
    """`schema.merge_<table>`: the procedure that holds the plan."""
    return f"{obj.warehouse_table.split('.')[0]}.merge_{table_name(obj)}"


def begin_merge(obj: Object, engine: Engine, temporaries: Iterable[tuple[str, bool]]) -> str:
    """The first step of a merge: lock, check the staging table's name, drop what an earlier call left.

    `temporaries` are suffixes of temporary tables in the order in which they can be dropped; true for a view.
    """
    table, dialect = table_name(obj), procedures_of(engine)
    dropped = "".join(f"  {drop_if_exists(obj, engine, suffix, is_view)};\n" for suffix, is_view in temporaries)
    return f"""\
  -- Overwrites {obj.warehouse_table} by key: of all versions of a key, in the table and staged, the best stays.
  -- Best is: record_fidelity (stream above api), then record_version, redacted over not, the newer catalogue,
  -- record_hash, and last the personal columns that the hash leaves out. So late and repeated versions change nothing.
  -- No COMMIT and no TRUNCATE: the caller's transaction holds the merge and the ledger's row together.

  -- The lock first, before anything is read. {dialect.lock_note}
  {lock_statement(obj, engine)};

  -- The one name that the caller gives: schema.table, or a table's name alone.
  record_source := quote_ident(SPLIT_PART(record_staging, '.', 1));
  IF SPLIT_PART(record_staging, '.', 2) <> '' THEN
    record_source := record_source || '.' || quote_ident(SPLIT_PART(record_staging, '.', 2));
  END IF;
  IF record_staging IS NULL OR SPLIT_PART(record_staging, '.', 1) = '' OR SPLIT_PART(record_staging, '.', 3) <> '' THEN
    RAISE EXCEPTION 'merge_{table}: staging is %, but must be schema.table or table', record_staging;
  END IF;
  IF record_staging IN ('{obj.warehouse_table}', '{table}') THEN
    RAISE EXCEPTION 'merge_{table}: staging is the target %, name a staging table', record_staging;
  END IF;

  -- What an earlier call in the same session may have left.
{dropped}"""


def report_counts(obj: Object) -> str:
    """The line in the server's log that says what a merge did."""
    marks = ", ".join(f"{name} %" for name in COUNTS)
    return f"RAISE INFO 'merge_{table_name(obj)}: batch %, {marks}', record_batch_id, {', '.join(COUNTERS)}"
