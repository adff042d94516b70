"""Trino (Athena) SQL on DuckDB, with Trino's meaning.

Supported is one statement: SELECT or WITH, SHOW TABLES, SHOW DATABASES (or SCHEMAS), SHOW COLUMNS, DESCRIBE.
`inference.py` finds the types of expressions, `rewrite.py` gives their DuckDB form, `functions/` has the functions,
`casts.py` and `zones.py` what is said of texts and of time zones, `macros.py` what a session needs.

A function or form whose meaning cannot be kept is refused with its name. What real Trino answers is recorded in
`tests/golden/trino`; `docs/how-to/ask-athena-sql.md` names the differences that remain.
"""

from __future__ import annotations

import difflib
import logging
import re
from collections.abc import Callable, Mapping, Sequence
from typing import ClassVar, Final

from sqlglot import exp
from sqlglot.dialects.trino import Trino
from sqlglot.errors import ErrorLevel, SqlglotError, UnsupportedError
from sqlglot.parsers.trino import TrinoParser

from trunkline.errors import UsageError
from trunkline.sql.trino import zones
from trunkline.sql.trino.functions.json import PARSED
from trunkline.sql.trino.inference import Columns, Inference, Tables
from trunkline.sql.trino.macros import MACROS
from trunkline.sql.trino.rewrite import Rewriter
from trunkline.sql.trino.types import UTC, has_zoned, is_zoned

# Settings that the session needs: text without an offset that is cast to an instant is UTC. (NULLs sort last by
# DuckDB's own default. That setting belongs to the whole database, so it is not set here.)
SETTINGS: Final = ("SET TimeZone = 'UTC'", *MACROS)
CATALOG: Final = "awsdatacatalog"
Relations = Mapping[str, tuple[str, str, str]]
"""Where a table is in the engine: catalog, schema and name by `database.table`."""
VALID: Final = "one SELECT or WITH query, SHOW TABLES, SHOW DATABASES, SHOW COLUMNS FROM table, DESCRIBE table"


def _marked_cast(name: str) -> Callable[[TrinoParser], exp.Expr]:
    """The parser of a cast, which says that it is no literal such as TIMESTAMP '2026-01-01 00:00:00'."""

    def parse(parser: TrinoParser) -> exp.Expr:
        node: exp.Expr = TrinoParser.FUNCTION_PARSERS[name](parser)
        node.meta["is_cast"] = True
        return node

    return parse


class PlainTrino(Trino):
    """Trino's dialect with functions and subscripts as they are written, so that sqlglot translates none silently."""

    INDEX_OFFSET = 0

    class Parser(TrinoParser):
        """A parser that knows only the functions with special syntax."""

        FUNCTIONS: ClassVar[dict[str, Callable[..., exp.Expr]]] = {}
        FUNCTION_PARSERS: ClassVar = {
            name: TrinoParser.FUNCTION_PARSERS[name] for name in ("EXTRACT", "POSITION", "SUBSTRING", "TRIM")
        } | {name: _marked_cast(name) for name in ("CAST", "TRY_CAST")}


_SHOW: Final = re.compile(
    r"^\s*(?:(?P<what>tables|databases|schemas|columns)(?:\s+(?:from|in)\s+(?P<of>[\w.\"]+))?)"
    r"(?:\s+(?:like\s+)?'(?P<like>[^']*)')?\s*$",
    re.IGNORECASE,
)


def to_duckdb(sql: str, tables: Tables, database: str = "connect_datalake", relations: Relations | None = None) -> str:
    """The DuckDB SQL of one Trino statement; a trailing semicolon is allowed.

    `tables` maps `database.table` to its columns and their types (DuckDB's or Trino's words); a name that is neither
    in it nor defined by the statement is refused, except `information_schema`. Unqualified names are looked up in
    `database` first, then in every database. `relations` says where tables are; a name that it lacks stays as it is.
    Run the result with `SETTINGS`. Raises UsageError, which says what is valid, for anything that is not supported.
    """
    tree = _parsed(sql)
    if isinstance(tree, exp.Command):
        return _show(tree.expression.name, tables, database) if tree.name.upper() == "SHOW" else _refuse(tree.name)
    if isinstance(tree, exp.Describe):
        return _columns(_qualified(tree.find(exp.Table) or exp.Table(), tables, database), tables)
    writing = tree if not isinstance(tree, exp.Query) else tree.find(exp.Into, exp.DML, exp.DDL)
    if writing is not None or not isinstance(tree, exp.Query):
        return _refuse((writing or tree).key)
    _resolve_tables(tree, tables, database)
    inference = Inference(tables)
    columns = inference.query(tree)
    Rewriter(inference.types).rewrite(tree)
    _place_tables(tree, relations or {})
    tree = _shown(tree, columns)
    try:
        return tree.sql(dialect="duckdb", unsupported_level=ErrorLevel.RAISE)
    except UnsupportedError as error:
        raise UsageError(f"a part of the query is not supported here: {error}; valid: {VALID}.") from error


def _shown(tree: exp.Query, columns: Columns) -> exp.Query:
    """The query with each timestamp with time zone as the wall clock of its zone, which is what Trino shows of it."""
    if any(type_ == PARSED for _, type_ in columns):
        raise UsageError(
            "the text of json_parse is sorted and rewritten in Trino; valid: the text itself, or json_extract of it."
        )
    if not any(has_zoned(type_) for _, type_ in columns):
        return tree
    names = [name or f"_col{position}" for position, (name, _) in enumerate(columns)]
    shown: list[exp.Expr] = []
    for position, (name, (_, type_)) in enumerate(zip(names, columns, strict=True)):
        column = exp.column(f"c{position}", quoted=True)
        if has_zoned(type_) and not is_zoned(type_):
            raise UsageError(
                f"column {name!r} has timestamps with time zone within; valid: CAST(x AS timestamp) of each."
            )
        clock = zones.local(column, type_, f"column {name!r}")
        shown.append(exp.alias_(clock, name, quoted=True))
    if all(type_ is None or not is_zoned(type_) or type_.zone == UTC for _, type_ in columns):
        return tree
    alias = exp.TableAlias(
        this=exp.to_identifier("result"),
        columns=[exp.to_identifier(f"c{position}", quoted=True) for position in range(len(columns))],
    )
    return exp.Select(expressions=shown).from_(exp.Subquery(this=tree, alias=alias))


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
        return _columns(_qualified(exp.to_table(of), tables, database), tables)
    names = {name.partition(".")[2] for name in tables if name.partition(".")[0] == of}
    if what != "tables":
        names = {name.partition(".")[0] for name in tables}
    condition = "" if match["like"] is None else f" WHERE name LIKE {_text(match['like'].replace('*', '%'))}"
    return f"SELECT name FROM {_values([(name,) for name in names], 'name')}{condition} ORDER BY 1"


def _columns(table: tuple[str, str], tables: Tables) -> str:
    columns = [(name, type_, str(position)) for position, (name, type_) in enumerate(tables[".".join(table)].items())]
    listed = _values(columns, "column_name, data_type, position")
    return f"SELECT column_name, data_type FROM {listed} ORDER BY CAST(position AS INTEGER)"


def _values(rows: Sequence[Sequence[str]], names: str) -> str:
    """A FROM item of texts; one row of NULL that is left out where there are none."""
    listed = ", ".join(f"({', '.join(map(_text, row))})" for row in rows)
    if not listed:
        nulls = ", ".join("NULL" for _ in names.split(","))
        return f"(SELECT * FROM (VALUES ({nulls})) AS none WHERE false) AS listed({names})"
    return f"(VALUES {listed}) AS listed({names})"


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


def _place_tables(tree: exp.Query, relations: Relations) -> None:
    for table in tree.find_all(exp.Table):
        place = relations.get(f"{table.db}.{table.name}") if table.db else None
        if place is not None:
            for part, name in zip(("catalog", "db", "this"), place, strict=True):
                table.set(part, exp.to_identifier(name, quoted=True))


def _is_of_query(table: exp.Table) -> bool:
    """Whether a WITH around the table defines its name."""
    node: exp.Expr | None = table
    while node is not None:
        with_ = node.args.get("with_") or (node if isinstance(node, exp.With) else None)
        if with_ is not None and any(cte.alias.lower() == table.name.lower() for cte in with_.expressions):
            return True
        node = node.parent
    return False
