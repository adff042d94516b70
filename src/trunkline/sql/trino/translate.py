"""Trino (Athena) SQL on DuckDB, with Trino's meaning.

Supported is one statement: SELECT or WITH, SHOW TABLES, SHOW DATABASES (or SCHEMAS), SHOW COLUMNS, DESCRIBE.
Trino's rules hold: integer division truncates towards zero; a decimal's quotient is rounded half up to the larger
scale of the two (`1234567 / 1000.0` is 1234.6); NULLs sort last in both directions; `date_diff` counts whole units; the
session's zone is UTC. A timestamp with time zone is the UTC timestamp of its instant, and `AT TIME ZONE` gives the
zone's wall clock.

Differences from Trino: a missing key of a map gives NULL, where Trino fails for `m['k']`; approximate functions are
exact; a DOUBLE cast to VARCHAR has no exponent; the result of AT TIME ZONE is not compared as an instant; where a type
is unknown (`types.py`), a decimal's quotient is a DOUBLE, and a DOUBLE divided by 0 fails and is not Infinity.
"""

from __future__ import annotations

import difflib
import logging
import re
from collections.abc import Callable, Mapping
from typing import ClassVar, Final

from sqlglot import exp
from sqlglot.dialects.trino import Trino
from sqlglot.errors import ErrorLevel, SqlglotError, UnsupportedError
from sqlglot.parsers.trino import TrinoParser

from trunkline.errors import UsageError
from trunkline.sql.trino.rewrite import rewrite
from trunkline.sql.trino.types import Type, Types, combined, from_data_type

# Settings that the session needs: text without an offset that is cast to an instant is UTC. (NULLs sort last by
# DuckDB's own default. That setting belongs to the whole database, so it is not set here.)
SETTINGS: Final = ("SET TimeZone = 'UTC'",)
CATALOG: Final = "awsdatacatalog"
VALID: Final = "one SELECT or WITH query, SHOW TABLES, SHOW DATABASES, SHOW COLUMNS FROM table, DESCRIBE table"

Tables = Mapping[str, Mapping[str, str]]


class PlainTrino(Trino):
    """Trino's dialect with every function left as it is written, so that sqlglot translates none silently."""

    class Parser(TrinoParser):
        """A parser that knows only the functions with special syntax."""

        FUNCTIONS: ClassVar[dict[str, Callable[..., exp.Expr]]] = {}
        FUNCTION_PARSERS: ClassVar = {
            name: TrinoParser.FUNCTION_PARSERS[name]
            for name in ("CAST", "TRY_CAST", "EXTRACT", "POSITION", "SUBSTRING", "TRIM")
        }


_SHOW: Final = re.compile(
    r"^\s*(?:(?P<what>tables|databases|schemas|columns)(?:\s+(?:from|in)\s+(?P<of>[\w.\"]+))?)"
    r"(?:\s+(?:like\s+)?'(?P<like>[^']*)')?\s*$",
    re.IGNORECASE,
)


def to_duckdb(sql: str, tables: Tables, database: str = "connect_datalake") -> str:
    """The DuckDB SQL of one Trino statement; a trailing semicolon is allowed.

    `tables` maps `database.table` to its columns and their types (DuckDB's or Trino's words); a name that is neither
    in it nor defined by the statement is refused, except `information_schema`. Unqualified names are looked
    up in `database` first, then in every database. Run the result with `SETTINGS`. Raises UsageError, which says what
    is valid, for anything that is not supported.
    """
    tree = _parsed(sql)
    if isinstance(tree, exp.Command):
        return _show(tree.expression.name, tables, database) if tree.name.upper() == "SHOW" else _refuse(tree.name)
    if isinstance(tree, exp.Describe):
        return _columns(_qualified(tree.find(exp.Table) or exp.Table(), tables, database))
    writing = tree if not isinstance(tree, exp.Query) else tree.find(exp.Into, exp.DML, exp.DDL)
    if writing is not None or not isinstance(tree, exp.Query):
        return _refuse((writing or tree).key)
    _resolve_tables(tree, tables, database)
    types = _types(tree, tables)
    rewrite(tree, types)
    try:
        return tree.sql(dialect="duckdb", unsupported_level=ErrorLevel.RAISE)
    except UnsupportedError as error:
        raise UsageError(f"a part of the query is not supported here: {error}; valid: {VALID}.") from error


def _refuse(statement: str) -> str:
    raise UsageError(f"{statement.upper()} is not supported here; valid: {VALID}.")


def _parsed(sql: str) -> exp.Expr:
    # sqlglot logs a warning that SHOW is kept as text, which is intended here.
    logger = logging.getLogger("sqlglot")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        statements = [statement for statement in PlainTrino().parse(sql) if statement is not None]
    except SqlglotError as error:
        message = re.sub(r"\x1b\[\d+m", "", str(error)).split("\n")[0]
        raise UsageError(f"the statement is not Trino SQL: {message} Valid: {VALID}.") from error
    finally:
        logger.setLevel(level)
    statements = [statement for statement in statements if not isinstance(statement, exp.Semicolon)]
    if len(statements) != 1 or not isinstance(statements[0], exp.Expr):
        raise UsageError(f"{len(statements)} statements were given; valid: {VALID}.")
    return statements[0]


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def _show(text: str, tables: Tables, database: str) -> str:
    match = _SHOW.match(text)
    what = match["what"].lower() if match else ""
    if match is None or (what != "tables" and (what == "columns") == (match["of"] is None)):
        return _refuse(f"SHOW {text}")
    of = (match["of"] or database).replace('"', "").lower().removeprefix(f"{CATALOG}.")
    if what == "columns":
        return _columns(_qualified(exp.to_table(of), tables, database))
    column = "table_name" if what == "tables" else "table_schema"
    conditions = ["table_catalog = current_database()", "table_schema <> 'information_schema'"]
    if what == "tables":
        conditions.append(f"table_schema = {_text(of)}")
    if match["like"] is not None:
        conditions.append(f"{column} LIKE {_text(match['like'].replace('*', '%'))}")
    return f"SELECT DISTINCT {column} FROM information_schema.tables WHERE {' AND '.join(conditions)} ORDER BY 1"


def _columns(table: tuple[str, str]) -> str:
    return (
        "SELECT column_name, data_type FROM information_schema.columns WHERE table_catalog = current_database()"
        f" AND table_schema = {_text(table[0])} AND table_name = {_text(table[1])} ORDER BY ordinal_position"
    )


def _qualified(table: exp.Table, tables: Tables, database: str) -> tuple[str, str]:
    """The database and name of a table. Raises UsageError where it does not exist."""
    catalog, schema, name = (part.lower() for part in (table.catalog, table.db, table.name))
    if catalog not in ("", CATALOG):
        raise UsageError(f"catalog {catalog!r} is not known; valid: {CATALOG} or none.")
    if schema == "information_schema":
        return schema, name
    candidates = [schema] if schema else [database, *(known.partition(".")[0] for known in tables)]
    for candidate in candidates:
        if f"{candidate}.{name}" in tables:
            return candidate, name
    seen = f"{schema}.{name}" if schema else name
    near = difflib.get_close_matches(seen, tables, n=1, cutoff=0.5)
    hint = f" Did you mean {near[0]}?" if near else ""
    raise UsageError(f"table {seen!r} is not known; valid: {', '.join(tables)}.{hint}")


def _resolve_tables(tree: exp.Query, tables: Tables, database: str) -> None:
    for table in list(tree.find_all(exp.Table)):
        if isinstance(table.this, exp.Func):
            raise UsageError(
                f"table function {table.this.name or table.this.key} is not supported here; valid: tables."
            )
        if not table.db and _is_of_query(table):
            continue
        # Also a safety check: DuckDB reads a file where a name is not a table.
        schema, name = _qualified(table, tables, database)
        table.set("catalog", None)
        table.set("db", exp.to_identifier(schema, quoted=True))
        table.set("this", exp.to_identifier(name, quoted=True))


def _is_of_query(table: exp.Table) -> bool:
    """Whether a WITH around the table defines its name."""
    node: exp.Expr | None = table
    while node is not None:
        with_ = node.args.get("with_") or (node if isinstance(node, exp.With) else None)
        if with_ is not None and any(cte.alias.lower() == table.name.lower() for cte in with_.expressions):
            return True
        node = node.parent
    return False


def _renamed_types(source: exp.Expr | None, types: Types) -> list[Type | None]:
    """The types of the columns that an alias renames; empty where they are unknown."""
    if isinstance(source, exp.CTE | exp.Subquery) and isinstance(source.this, exp.Query):
        selects = source.this.selects
        return [] if any(item.is_star for item in selects) else [types.of(item.unalias()) for item in selects]
    if isinstance(source, exp.Unnest):
        shapes = [types.of(array) for array in source.expressions]
        return [] if None in shapes else [type_ for shape in shapes if shape for _, type_ in shape.unnested]
    if not isinstance(source, exp.Values):
        return []
    rows = [list(row.expressions) if isinstance(row, exp.Tuple) else [row] for row in source.expressions]
    return [combined([types.of(value) for value in column]) for column in zip(*rows, strict=False)]


def _types(tree: exp.Query, tables: Tables) -> Types:
    types = Types({})
    for table in tree.find_all(exp.Table):
        for column, type_ in tables.get(f"{table.db}.{table.name}", {}).items():
            types.add_name(column, from_data_type(exp.DataType.build(type_, dialect="duckdb", udt=True)))
    for alias in tree.find_all(exp.TableAlias):
        renamed = _renamed_types(alias.parent, types)
        for position, column in enumerate(alias.columns):
            types.add_name(column.name, renamed[position] if position < len(renamed) else None)
    selects = list(tree.find_all(exp.Select))
    # A query may use the names of a query before or within it: inner and earlier queries first, then once more.
    for _ in range(2):
        for select in reversed(selects):
            for projection in select.expressions:
                if isinstance(projection, exp.Alias):
                    types.add_name(projection.alias, types.of(projection.this))
    return types
