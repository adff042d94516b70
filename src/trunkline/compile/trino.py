"""Trino (Athena) SQL on DuckDB, with Trino's meaning.

One statement: SELECT or WITH, SHOW TABLES, SHOW DATABASES (or SCHEMAS), SHOW COLUMNS, DESCRIBE. What it means:
integers divide whole, towards zero; a decimal's quotient is rounded half up to the larger scale of the two
(`1234567 / 1000.0` is 1234.6); NULLs sort last in both directions; differences of times are whole units passed;
the session's zone is UTC. A timestamp with time zone is the UTC timestamp of its instant, and `AT TIME ZONE` gives the
zone's wall clock.

Not Trino's: a missing key of a map gives NULL, where Trino fails for `m['k']`; approximate functions are exact;
a DOUBLE cast to VARCHAR is written plainly; the result of AT TIME ZONE is not compared as an instant.
"""

from __future__ import annotations

import difflib
import logging
import re
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from typing import ClassVar, Final

from sqlglot import exp
from sqlglot.dialects.trino import Trino
from sqlglot.errors import SqlglotError
from sqlglot.parsers.trino import TrinoParser

from trunkline.compile.trino_functions import FUNCTIONS, at_time_zone, build, call
from trunkline.compile.trino_types import DATE, DOUBLE, INTEGER, TIMESTAMP, Type, Types, from_data_type
from trunkline.errors import UsageError

# What DuckDB must be set to beside: text without an offset that is cast to an instant is UTC.
SETTINGS: Final = ("SET TimeZone = 'UTC'", "SET default_null_order = 'nulls_last'")
CATALOG: Final = "awsdatacatalog"
VALID: Final = "one SELECT or WITH query, SHOW TABLES, SHOW DATABASES, SHOW COLUMNS FROM table, DESCRIBE table"

Tables = Mapping[str, Mapping[str, str]]


class PlainTrino(Trino):
    """Trino's dialect with every function left as it is written, so that none is changed unseen."""

    class Parser(TrinoParser):
        """A parser that knows only functions with a grammar of their own."""

        FUNCTIONS: ClassVar[dict[str, Callable[..., exp.Expr]]] = {}
        FUNCTION_PARSERS: ClassVar = {
            name: TrinoParser.FUNCTION_PARSERS[name]
            for name in ("CAST", "TRY_CAST", "EXTRACT", "POSITION", "SUBSTRING", "TRIM")
        }


# Functions with a grammar of their own, and what sqlglot counts among functions.
_KNOWN_NODES: Final = (
    exp.Anonymous, exp.Cast, exp.TryCast, exp.Extract, exp.StrPosition, exp.Substring, exp.Trim, exp.If, exp.Case,
    exp.Exists, exp.And, exp.Or, exp.Array, exp.Unnest, exp.CurrentTimestamp, exp.CurrentDate, exp.Localtimestamp,
)  # fmt: skip

_SHOW: Final = re.compile(
    r"^\s*(?:(?P<what>tables|databases|schemas|columns)(?:\s+(?:from|in)\s+(?P<of>[\w.\"]+))?)"
    r"(?:\s+(?:like\s+)?'(?P<like>[^']*)')?\s*$",
    re.IGNORECASE,
)
_ZONED_LITERAL: Final = re.compile(r"\d\s*(?:[+-]\d\d:?\d\d|Z|[A-Za-z]+(?:/[\w+-]+)*)$")


def to_duckdb(sql: str, tables: Tables, database: str = "connect_datalake") -> str:
    """The DuckDB SQL of one Trino statement; a trailing semicolon is allowed.

    `tables` maps `database.table` to its columns and their types (DuckDB's or Trino's words); names outside it and
    its queries' own are refused, except `information_schema`. `database` is where unqualified names are looked up
    first, then in every database. UsageError for anything that is not understood, saying what is valid. Run it with
    `SETTINGS`.
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
    _innermost_instants(tree)
    types = _types(tree, tables)
    unnests = [(one, [types.of(array) for array in one.expressions]) for one in tree.find_all(exp.Unnest)]
    _rewrite(tree, types)
    for unnest, shapes in unnests:
        _unnest(unnest, shapes)
    return tree.sql(dialect="duckdb")


def _refuse(statement: str) -> str:
    raise UsageError(f"{statement.upper()} is not supported here; valid: {VALID}.")


def _parsed(sql: str) -> exp.Expr:
    # sqlglot warns through its logger that SHOW is kept as text, which is meant here.
    logger = logging.getLogger("sqlglot")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        statements = [one for one in PlainTrino().parse(sql) if one is not None]
    except SqlglotError as error:
        message = re.sub(r"\x1b\[\d+m", "", str(error)).split("\n")[0]
        raise UsageError(f"the statement is not Trino SQL: {message} Valid: {VALID}.") from error
    finally:
        logger.setLevel(level)
    statements = [one for one in statements if not isinstance(one, exp.Semicolon)]
    if len(statements) != 1 or not isinstance(statements[0], exp.Expr):
        raise UsageError(f"{len(statements)} statements were given; valid: {VALID}.")
    return statements[0]


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def _show(text: str, tables: Tables, database: str) -> str:
    found = _SHOW.match(text)
    what = found["what"].lower() if found else ""
    if found is None or (what == "columns") == (found["of"] is None) and what != "tables":
        return _refuse(f"SHOW {text}")
    of = (found["of"] or database).replace('"', "").lower().removeprefix(f"{CATALOG}.")
    if what == "columns":
        return _columns(_qualified(exp.to_table(of), tables, database))
    column = "table_name" if what == "tables" else "table_schema"
    conditions = ["table_catalog = current_database()", "table_schema <> 'information_schema'"]
    if what == "tables":
        conditions.append(f"table_schema = {_text(of)}")
    if found["like"] is not None:
        conditions.append(f"{column} LIKE {_text(found['like'].replace('*', '%'))}")
    return f"SELECT DISTINCT {column} FROM information_schema.tables WHERE {' AND '.join(conditions)} ORDER BY 1"


def _columns(table: tuple[str, str]) -> str:
    return (
        "SELECT column_name, data_type FROM information_schema.columns WHERE table_catalog = current_database()"
        f" AND table_schema = {_text(table[0])} AND table_name = {_text(table[1])} ORDER BY ordinal_position"
    )


def _qualified(table: exp.Table, tables: Tables, database: str) -> tuple[str, str]:
    """The database and name of a table; UsageError for one that is not there."""
    catalog, schema, name = (part.lower() for part in (table.catalog, table.db, table.name))
    if catalog not in ("", CATALOG):
        raise UsageError(f"catalog {catalog!r} is not known; valid: {CATALOG} or none.")
    if schema == "information_schema":
        return schema, name
    candidates = [schema] if schema else [database, *(one.partition(".")[0] for one in tables)]
    for one in candidates:
        if f"{one}.{name}" in tables:
            return one, name
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
        # Checked also because DuckDB reads a file where a name is no table.
        schema, name = _qualified(table, tables, database)
        table.set("catalog", None)
        table.set("db", exp.to_identifier(schema, quoted=True))
        table.set("this", exp.to_identifier(name, quoted=True))


def _is_of_query(table: exp.Table) -> bool:
    """Whether a WITH around the table defines its name."""
    node: exp.Expr | None = table
    while node is not None:
        with_ = node.args.get("with_") or (node if isinstance(node, exp.With) else None)
        if with_ is not None and any(one.alias.lower() == table.name.lower() for one in with_.expressions):
            return True
        node = node.parent
    return False


def _types(tree: exp.Query, tables: Tables) -> Types:
    types = Types({})
    for table in tree.find_all(exp.Table):
        for column, type_ in tables.get(f"{table.db}.{table.name}", {}).items():
            types.add_name(column, from_data_type(exp.DataType.build(type_, dialect="duckdb", udt=True)))
    for alias in tree.find_all(exp.TableAlias):
        for column in alias.columns:
            types.add_name(column.name, None)
    selects = list(tree.find_all(exp.Select))
    # A query may use another's names, which stands before or within it: inner and earlier ones first, then again.
    for _ in range(2):
        for select in reversed(selects):
            for projection in select.expressions:
                if isinstance(projection, exp.Alias):
                    types.add_name(projection.alias, types.of(projection.this))
    return types


def _unnest(unnest: exp.Unnest, shapes: list[Type | None]) -> None:
    """UNNEST gives a column per array, two per map and one per field of rows; DuckDB gives one per array."""
    alias = unnest.args.get("alias")
    columns = list(alias.columns) if isinstance(alias, exp.TableAlias) else []
    values: list[exp.Expr] = []
    arrays = list(unnest.expressions)
    for position, (array, shape) in enumerate(zip(unnest.expressions, shapes, strict=True)):
        # A map that is not told is one where a single operand has two names.
        if shape.kind == "map" if shape else len(shapes) == 1 and len(columns) == 2:
            arrays[position] = build("map_keys(_1)", array)
            values += [build("unnest(map_keys(_1))", array), build("unnest(map_values(_1))", array)]
        elif shape is not None and shape.fields:
            values += [build(f"unnest(list_transform(_1, lambda r: r.{_field(one)}))", array) for one in shape.fields]
        else:
            values.append(build("unnest(_1)", array))
    offset = unnest.args.get("offset")
    if offset:
        longest = "greatest(" + ", ".join(f"len(_{n})" for n in range(1, len(arrays) + 1)) + ")"
        values.append(build(f"unnest(range(1, {longest} + 1))", *arrays))
        columns += [offset.copy()] if isinstance(offset, exp.Identifier) else []
    if columns and len(columns) != len(values):
        raise UsageError(f"UNNEST gives {len(values)} columns, its alias names {len(columns)}; name each or none.")
    name = alias.this if isinstance(alias, exp.TableAlias) else None
    query = exp.Subquery(this=exp.Select(expressions=values))
    unnest.replace(exp.Lateral(this=query, alias=exp.TableAlias(this=name, columns=columns)))


def _field(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _innermost_instants(tree: exp.Query) -> None:
    """`x AT TIME ZONE a AT TIME ZONE b` is x in zone b: a zone changes what is shown, never the instant."""
    for outer in list(tree.find_all(exp.AtTimeZone)):
        while isinstance(outer.this.unnest(), exp.AtTimeZone):
            outer.set("this", outer.this.unnest().this)


def _bottom_up(tree: exp.Expr) -> Iterator[exp.Expr]:
    yield from reversed(list(tree.walk(bfs=True)))


def _rewrite(tree: exp.Query, types: Types) -> None:
    """Every node to DuckDB's, operands before operators. Types are told first, while all is Trino's."""
    told: dict[int, tuple[Type | None, Type | None, Type | None]] = {}
    nodes = list(_bottom_up(tree))
    for node in nodes:
        if isinstance(node, exp.Binary):
            told[id(node)] = (types.of(node), types.of(node.left), types.of(node.right))
        elif isinstance(node, exp.Cast | exp.Anonymous):
            first = node.this if isinstance(node, exp.Cast) else next(iter(node.expressions), None)
            told[id(node)] = (types.of(node), types.of(first), None)
    for node in nodes:
        if isinstance(node, exp.Func) and not isinstance(node, _KNOWN_NODES):
            raise UsageError(f"Trino's {node.sql_name()} is not supported here; valid: {', '.join(sorted(FUNCTIONS))}.")
        new = _duckdb(node, told.get(id(node), (None, None, None)))
        if new is not node:
            node.replace(new)


def _duckdb(node: exp.Expr, told: tuple[Type | None, Type | None, Type | None]) -> exp.Expr:
    whole, left, right = told
    if isinstance(node, exp.Div):
        return _division(node.left, node.right, left, right)
    if isinstance(node, exp.Add | exp.Sub) and whole == DATE:
        return build("CAST(_1 AS DATE)", node)
    if isinstance(node, exp.Cast):
        return _cast(node, left)
    if isinstance(node, exp.Anonymous):
        return _function(node, whole)
    if isinstance(node, exp.AtTimeZone):
        return at_time_zone(node.this, node.args["zone"])
    if isinstance(node, exp.CurrentTimestamp | exp.Localtimestamp):
        return build("timezone('UTC', now())")
    if isinstance(node, exp.CurrentDate):
        return build("CAST(timezone('UTC', now()) AS DATE)")
    if isinstance(node, exp.Extract) and node.name.upper() in ("DOW", "DAY_OF_WEEK"):
        return build("isodow(_1)", node.expression)
    if isinstance(node, exp.Ordered) and node.args.get("nulls_first") is None:
        node.set("nulls_first", False)
    return node


def _function(node: exp.Anonymous, whole: Type | None) -> exp.Expr:
    new = call(node.name, node.expressions)
    name = node.name.lower()
    if whole == DATE and name in ("date_add", "date_trunc"):
        return build("CAST(_1 AS DATE)", new)
    if name == "avg" and whole is not None and whole.kind == "decimal" and not isinstance(node.parent, exp.Window):
        return build(f"CAST(_1 AS DECIMAL(38, {whole.scale}))", new)
    return new


def _cast(node: exp.Cast, source: Type | None) -> exp.Expr:
    target = node.to
    of = exp.DataType.Type
    value = node.this
    is_zoned = isinstance(value, exp.Literal) and value.is_string and _ZONED_LITERAL.search(value.name)
    if target.is_type(of.TIMESTAMPTZ) or (target.is_type(of.TIMESTAMP) and is_zoned):
        return build("timezone('UTC', CAST(_1 AS TIMESTAMPTZ))", value)
    if target.is_type(of.TIMESTAMP, of.TIME):
        # DuckDB's own precision is microseconds; Trino's default of milliseconds is not cut to.
        target.set("expressions", [])
    elif target.is_type(*exp.DataType.TEXT_TYPES):
        target.replace(exp.DataType.build("varchar"))
        if source == TIMESTAMP and not isinstance(value, exp.Literal):
            return build("strftime(_1, '%Y-%m-%d %H:%M:%S.%g')", value)
    elif target.is_type(*exp.DataType.INTEGER_TYPES) and source == DOUBLE:
        # Trino rounds halves away from zero, DuckDB to even.
        node.set("this", build("round(_1)", value))
    return node


def _division(left: exp.Expr, right: exp.Expr, left_type: Type | None, right_type: Type | None) -> exp.Expr:
    """DuckDB's `//` divides integers whole towards zero and floats as they are; decimals are divided in integers."""
    if DOUBLE in (left_type, right_type):
        return build("_1 / _2", left, right)
    known = left_type is not None and right_type is not None
    if not known or left_type == right_type == INTEGER:
        return build("_1 // _2", left, right)
    assert left_type is not None
    assert right_type is not None
    if not {left_type.kind, right_type.kind} <= {"integer", "decimal"}:
        return build("_1 // _2", left, right)
    scale = max(left_type.scale, right_type.scale)
    dividend = _unscaled(left, left_type.scale, scale + right_type.scale - left_type.scale)
    divisor = _unscaled(right, right_type.scale, 0)
    if isinstance(divisor, exp.Literal):
        half_up = f"((2 * abs(_1) + {divisor.name}) // {2 * int(divisor.name)}) * sign(_1)"
    else:
        half_up = "((2 * abs(_1) + abs(_2)) // (2 * abs(_2))) * sign(_1) * sign(_2)"
    unit = "1" if scale == 0 else f"0.{'0' * (scale - 1)}1"
    return build(f"CAST(_1 AS DECIMAL({38 - scale - 1}, 0)) * {unit}", build(half_up, dividend, divisor))


def _unscaled(value: exp.Expr, scale: int, more: int) -> exp.Expr:
    """The digits of a decimal as a HUGEINT, `more` zeros appended; those of a literal as a literal."""
    if isinstance(value, exp.Literal):
        return exp.Literal.number(int(Decimal(value.name).scaleb(scale + more)))
    digits = f"_1 * {10**scale}" if scale else "_1"
    return build(f"CAST({digits} AS HUGEINT) * {10**more}" if more else f"CAST({digits} AS HUGEINT)", value)
