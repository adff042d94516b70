"""DDL of the warehouse: schema, table, staging table, indexes and Amazon's view, for the engines that hold rows.

Every statement is idempotent. Pure: text in, text out.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from trunkline.engines.catalogue import ENGINES
from trunkline.engines.model import Engine, TableRules, quote_qualified
from trunkline.errors import UsageError
from trunkline.objects.ledger import LedgerTable
from trunkline.objects.model import Column, Object

STAGING_SUFFIX = "_staging"
GENERATED = "-- Generated from the catalogue by `make golden`. Do not edit.\n"


def script(statements: Iterable[str], note: str = "") -> str:
    """Statements as one file, each ended by a semicolon. `note` is a comment of one or more lines."""
    comment = "".join(f"-- {line}\n" for line in note.splitlines())
    return GENERATED + comment + "\n" + "\n\n".join(f"{statement};" for statement in statements) + "\n"


def staging_table(obj: Object) -> str:
    """`schema.table` of the staging table that may be filled by hand."""
    return obj.warehouse_table + STAGING_SUFFIX


def view_columns(obj: Object) -> tuple[Column, ...]:
    """The columns of the object's public view: Amazon's in Amazon's order; all data columns of a user's own object."""
    amazon = tuple(column for column in obj.columns if column.is_amazon)
    return amazon or obj.data_columns


def create_schema(engine: Engine, name: str, catalog: str = "") -> str:
    """CREATE SCHEMA of a schema, or of the schema of a `schema.table`; in a catalog where one is given."""
    quote = engine.ddl_quote or engine.quote
    place = [*([catalog] if catalog else []), name.split(".", maxsplit=1)[0]]
    return f"CREATE SCHEMA IF NOT EXISTS {'.'.join(map(quote, place))}"


def column_lines(columns: Iterable[Column], engine: Engine, required: Iterable[str]) -> list[str]:
    """`name type [NOT NULL]` of each column; `required` names the ones that are NOT NULL."""
    quote, names = engine.ddl_quote or engine.quote, frozenset(required)
    return [
        f"{quote(column.name)} {engine.type_of(column)}" + (" NOT NULL" if column.name in names else "")
        for column in columns
    ]


def _create(table: str, lines: list[str], engine: Engine, tail: str = "") -> str:
    body = ",\n".join(f"  {line}" for line in lines)
    return f"CREATE TABLE IF NOT EXISTS {quote_qualified(engine, table)} (\n{body}\n){tail}"


def listed(names: Sequence[str]) -> str:
    """Names as a choice in a sentence: `duckdb, postgres or redshift`."""
    return " or ".join(filter(None, [", ".join(names[:-1]), names[-1]]))


def table_rules(engine: Engine) -> TableRules:
    """What the engine's DDL may say. Raises UsageError for an engine that stores no rows."""
    if engine.tables is None:
        names = [known.name for known in ENGINES.values() if known.tables]
        raise UsageError(f"{engine.name} reads the lake and stores no tables; use {listed(names)}")
    return engine.tables


def _storage(obj: Object, engine: Engine) -> str:
    storage = table_rules(engine).storage
    return storage(engine.quote(obj.key[0]), engine.quote(obj.partition)) if storage else ""


def create_table(obj: Object, engine: Engine) -> str:
    """The table: one row per key.

    The key is a primary key where the engine's rules say so. Not in DuckDB, where the index makes a merge more than
    twice as slow; not in Redshift, which would not enforce it and whose planner would rely on it.
    """
    rules = table_rules(engine)
    lines = column_lines(obj.columns, engine, (column.name for column in obj.columns if not column.nullable))
    if rules.has_primary_keys:
        lines.append(f"PRIMARY KEY ({', '.join(engine.quote(name) for name in obj.key)})")
    return _create(obj.warehouse_table, lines, engine, _storage(obj, engine))


def create_staging(obj: Object, engine: Engine, table: str | None = None) -> str:
    """The staging table: any number of versions per key, same columns in the same order.

    Only the key is NOT NULL, so that it can be filled by hand without the `record_*` columns. `table` names another
    `schema.table`, such as one of a single run.
    """
    lines = column_lines(obj.columns, engine, obj.key)
    return _create(table or staging_table(obj), lines, engine, _storage(obj, engine))


def ledger_statements(tables: Iterable[LedgerTable], engine: Engine) -> tuple[str, ...]:
    """The ledger's tables. Writers keep keys unique; short keys are declared too where the engine has primary keys.

    A file name may be too long for a B-tree index, so that tables with one get a hash index where there are indexes.
    """
    rules = table_rules(engine)
    statements: list[str] = []
    for table in tables:
        lines = column_lines(table.columns, engine, (column.name for column in table.columns if not column.nullable))
        is_short = all((table.by_name[name].length_max or 0) <= 128 for name in table.key)
        if rules.has_primary_keys and is_short:
            lines.append(f"PRIMARY KEY ({', '.join(engine.quote(name) for name in table.key)})")
        statements += [create_schema(engine, table.name), _create(table.name, lines, engine)]
        if rules.has_indexes and not is_short:
            name, column = table.name.split(".")[1], table.key[1]
            index, place = engine.quote(f"{name}_{column}_idx"), quote_qualified(engine, table.name)
            statements.append(f"CREATE INDEX IF NOT EXISTS {index} ON {place} USING hash ({engine.quote(column)})")
    return tuple(dict.fromkeys(statements))


def create_indexes(obj: Object, engine: Engine) -> tuple[str, ...]:
    """Indexes beside the key, where the engine has some: on the event time, by which metrics select their interval."""
    if not table_rules(engine).has_indexes or obj.event_time in obj.key:
        return ()
    name = f"{obj.warehouse_table.split('.')[1]}_{obj.event_time}_idx"[: engine.identifier_bytes_max]
    table, column = quote_qualified(engine, obj.warehouse_table), engine.quote(obj.event_time)
    return (f"CREATE INDEX IF NOT EXISTS {engine.quote(name)} ON {table} ({column})",)


def create_view(obj: Object, engine: Engine) -> str:
    """The view under Amazon's name, with Amazon's columns alone, so that SQL written for Amazon's data lake runs.

    A deletion stays in the table as a row, or an older version would restore the row; the view leaves it out.
    """
    columns = ",\n".join(f"  {engine.quote(column.name)}" for column in view_columns(obj))
    tail = table_rules(engine).view_tail
    return (
        f"CREATE OR REPLACE VIEW {quote_qualified(engine, obj.public_view)} AS\nSELECT\n{columns}\n"
        f"FROM {quote_qualified(engine, obj.warehouse_table)}\nWHERE NOT {engine.quote('record_is_deleted')}{tail}"
    )


def warehouse_statements(obj: Object, engine: Engine) -> tuple[str, ...]:
    """Everything an empty database needs for this object, in order. Idempotent."""
    schemas = dict.fromkeys([obj.warehouse_table.split(".")[0], obj.database])
    return (
        *(create_schema(engine, schema) for schema in schemas),
        create_table(obj, engine),
        create_staging(obj, engine),
        *create_indexes(obj, engine),
        create_view(obj, engine),
    )
