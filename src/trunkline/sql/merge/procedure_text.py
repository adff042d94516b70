"""What the procedures of a table are written with: names, lists of columns, the lock."""

from __future__ import annotations

from collections.abc import Iterable

from trunkline.engines.model import Engine, quote_qualified
from trunkline.objects.model import Object

COUNTS = ("inserted", "updated", "deleted", "superseded", "duplicate")
"""What a call returns, one BIGINT each; their sum is the number of staged rows."""

SOURCE, INCOMING, HELD, VERDICT, BEATEN, ELSEWHERE, BY_HAND, COUNTED = (
    "_source", "_incoming", "_held", "_verdict", "_beaten", "_elsewhere", "_by_hand", "_counted",
)  # fmt: skip
"""What the procedures call their temporary tables, after `trunkline_` and the table's own name."""


def lock_statement(obj: Object, engine: Engine) -> str:
    """The lock that a merge begins with.

    On Redshift a transaction sees the tables as they were at its first query, so a loader that copies before it calls
    the procedure sends this before the copy: else two loaders could both insert a key that neither sees.
    """
    table = quote_qualified(engine, obj.warehouse_table)
    # Readers go on in PostgreSQL. Redshift knows one mode, and in it readers wait.
    return f"LOCK TABLE {table} IN SHARE ROW EXCLUSIVE MODE" if engine.name == "postgres" else f"LOCK TABLE {table}"


def table_name(obj: Object) -> str:
    """The table's name without its schema."""
    return obj.warehouse_table.split(".")[1]


def temporary_name(obj: Object, suffix: str) -> str:
    """A temporary table's name. It is dropped before it is made, so no table of anybody's may be called so."""
    return f"trunkline_{table_name(obj)}{suffix}"


def temporary(obj: Object, engine: Engine, suffix: str) -> str:
    """A temporary table's name, quoted."""
    return engine.quote(temporary_name(obj, suffix))


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


def text_type(engine: Engine) -> str:
    """The type of a text argument."""
    return "TEXT" if engine.name == "postgres" else "VARCHAR(512)"


def counted(prefix: str, mode: str) -> list[str]:
    """An argument for each count."""
    return [f"{prefix}{name} {mode}" for name in COUNTS]
