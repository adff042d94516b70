"""Rules of columns: SQL expressions over the value in the record, or over other columns of the row.

A rule is one expression of DuckDB's SQL with functions that depend on their arguments alone: no query, no table, no
aggregate, no file, no clock. It is parsed by DuckDB itself, whose tree says what it names and calls.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    import duckdb

VALUE: Final = "value"
"""What a rule calls the text that the record has at the column's path."""
_CLASSES: Final = frozenset({
    "COLUMN_REF", "CONSTANT", "FUNCTION", "OPERATOR", "COMPARISON", "CONJUNCTION", "CASE", "CAST", "BETWEEN", "TYPE",
    "COLLATE",
})  # fmt: skip
_MACROS: Final = frozenset({"nullif", "split_part", "round_even", "fmod", "fdiv"})


@dataclass(frozen=True, slots=True)
class Rule:
    """A parsed expression. `names` are the columns that it reads, VALUE among them where it reads that."""

    tree: str
    names: tuple[str, ...]

    def sql(self, value: str = "") -> str:
        """The expression for a statement; `value` is the name of the column that has VALUE there, unquoted."""
        tree = json.loads(self.tree)
        for node in _nodes(tree):
            if node.get("class") == "COLUMN_REF" and value and node["column_names"] == [VALUE]:
                node["column_names"] = [value]
        ((text,),) = _engine().execute("SELECT json_deserialize_sql($1::JSON)", [json.dumps(tree)]).fetchall()
        return f"({str(text).removeprefix('SELECT ').rstrip(';')})"


@lru_cache(512)
def parse_rule(expression: str) -> Rule:
    """The rule in a text. Raises ValueError with a sentence where it is none."""
    ((text,),) = _engine().execute("SELECT json_serialize_sql($1)", [f"SELECT (\n{expression}\n)"]).fetchall()
    tree = json.loads(text)
    if tree.get("error"):
        message = str(tree.get("error_message", "")).partition("\n")[0]
        raise ValueError(f"it is not an expression of SQL: {message}")
    if len(tree["statements"]) != 1 or len(tree["statements"][0]["node"].get("select_list", [])) != 1:
        raise ValueError("it must be one expression")
    select = tree["statements"][0]["node"]
    if select.get("type") != "SELECT_NODE" or (select.get("from_table") or {}).get("type", "EMPTY") != "EMPTY":
        raise ValueError("it must be one expression without FROM")
    names: dict[str, None] = {}
    for node in _nodes(select["select_list"]):
        _check(node, names)
    return Rule(text, tuple(names))


def check_type(rule: Rule, types: dict[str, str], type_: str) -> None:
    """Raises ValueError with a sentence where the rule does not fit columns of these SQL types, or its own type."""
    import duckdb

    unknown = [name for name in rule.names if name not in types]
    if unknown:
        raise ValueError(f"it names {', '.join(unknown)}; a rule may name {', '.join(types)}")
    columns = ", ".join(f'CAST(NULL AS {sql}) AS "{name}"' for name, sql in types.items())
    try:
        _engine().execute(f"DESCRIBE SELECT CAST({rule.sql()} AS {type_}) FROM (SELECT {columns})")
    except duckdb.Error as error:
        raise ValueError(str(error).partition("\n")[0]) from None


def _nodes(tree: Any) -> Iterator[dict[str, Any]]:
    if isinstance(tree, dict):
        yield tree
        for inner in tree.values():
            yield from _nodes(inner)
    elif isinstance(tree, list):
        for inner in tree:
            yield from _nodes(inner)


def _check(node: dict[str, Any], names: dict[str, None]) -> None:
    kind = node.get("class")
    if kind is None:
        return
    if kind not in _CLASSES:
        raise ValueError(f"a {str(kind).lower().replace('_', ' ')} is not allowed in a rule")
    if kind == "COLUMN_REF":
        if len(node["column_names"]) != 1:
            raise ValueError(f"{'.'.join(node['column_names'])} is no column")
        names[node["column_names"][0]] = None
    elif kind == "FUNCTION" and node["function_name"] not in _functions():
        raise ValueError(
            f"the function {node['function_name']} is not there, or depends on more than its arguments; a rule may not "
            "read files, the clock or other rows"
        )


@lru_cache(1)
def _engine() -> duckdb.DuckDBPyConnection:
    import duckdb

    con = duckdb.connect(config={"threads": 1, "enable_external_access": False})
    con.execute("SET autoinstall_known_extensions = false; SET autoload_known_extensions = false")
    return con


@lru_cache(1)
def _functions() -> frozenset[str]:
    """Functions that depend on their arguments alone."""
    rows = _engine().execute(
        "SELECT DISTINCT function_name FROM duckdb_functions() "
        "WHERE function_type = 'scalar' AND stability = 'CONSISTENT'"
    )
    return frozenset(name for (name,) in rows.fetchall()) | _MACROS
