"""The flatten statements of an object, for DuckDB: from raw JSON text to the row as it is stored.

Two forms with one meaning. The plain form reads a record as it came. Where a record holds anything that DuckDB would
turn into NULL, round or reorder without a word, the plain form marks it odd; `flatten/careful.py` rewrites it so that
every such value is a string, and the normalized form reads that.

The statements read no table: DuckDB plans a prepared statement anew at each execution when it does, and at this width
planning takes 280 ms against 20 ms for all else that a batch costs. Records come in as lists, by named parameters.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

from trunkline.compile.flatten_checks import bad_columns, implausible, nested_checks, odd
from trunkline.compile.maps import map_entries, map_safe, map_value
from trunkline.compile.scalars import grouped_scalars
from trunkline.compile.tree import Tree, json_kind, pointer, tree_of
from trunkline.compile.values import has_pii, hidden, nested, structure
from trunkline.engines.duckdb import DUCKDB
from trunkline.engines.model import text_literal
from trunkline.objects.model import Column, Json, MapOf, Object, Type

UNDATED = "1970-01-01"
"""Partition date of rows whose partition column is NULL."""

PARAMETERS = {
    "texts": "VARCHAR[]", "row_ids": "INTEGER[]", "range_indexes": "INTEGER[]", "starts": "BIGINT[]",
    "unmapped": "VARCHAR[]", "unmapped_safe": "VARCHAR[]",
    "fidelities": "VARCHAR[]", "versions": "VARCHAR[]", "deleted": "BOOLEAN[]",
    "places": "VARCHAR[]", "arrived": "TIMESTAMP[]", "loaded_at": "TIMESTAMP",
    "json_sources": "VARCHAR[]", "json_texts": "VARCHAR[]",
    "pii_mode": "VARCHAR", "pii_keep_keys": "VARCHAR[]", "pii_inner": "BLOB", "pii_outer": "BLOB",
}  # fmt: skip
"""The session variables that the statements take as parameters, with their types.

Per record: the text, its number, its range, its byte in it, what the catalogue does not know of it (NULL: nothing), and
its mark (`batch.Mark`; a NULL version is that of the version column).
Per range: the place and its arrival. Per batch: the time of loading, JSON values with their canonical texts.
"""


@dataclass(frozen=True, slots=True)
class FlattenSql:
    """Statements to prepare once; `execute` runs them over the session variables of `PARAMETERS`.

    `table` makes `flat`, which `plain` and `normalized` insert into: the stored columns, then `row_id`,
    `partition_date`, `is_odd`, `is_missing_key`, `bad_columns` and `is_implausible`.
    `shapes` groups records by the keys and JSON types of their known objects (`key_paths`, of which the first is the
    record itself, without a type): keys, types, number of records, their row ids.
    `types` gives row id and JSON types of all other containers (`type_paths`).
    `json_values` gives the distinct JSON values; None when no column holds JSON.
    """

    table: str
    shapes: str
    key_paths: tuple[tuple[str, ...], ...]
    types: str
    type_paths: tuple[tuple[str, ...], ...]
    plain: str
    normalized: str
    json_values: str | None


def flatten_sql(obj: Object) -> FlattenSql:
    """All flatten statements of an object. Pure; the same text for the same catalogue."""
    tree = tree_of(obj)
    type_paths = tuple(leaf.path for leaf in tree.complex_leaves)
    return FlattenSql(
        table=_table(obj),
        shapes=_shapes(tree.objects),
        key_paths=tree.objects,
        types=(
            f"SELECT row_id, json_type(text, {_list(tuple(pointer(path) for path in type_paths))}) "
            "FROM (SELECT unnest($row_ids) AS row_id, unnest($texts) AS text)"
        ),
        type_paths=type_paths,
        plain=_insert(obj, tree, is_normalized=False),
        normalized=_insert(obj, tree, is_normalized=True),
        json_values=_json_values(tree),
    )


def prepare(name: str, sql: str) -> str:
    """PREPARE of a statement, with the types of its parameters."""
    for parameter in _parameters(sql):
        sql = re.sub(rf"\${parameter}\b", f"CAST(${parameter} AS {PARAMETERS[parameter]})", sql)
    return f"PREPARE {name} AS {sql}"


def execute(name: str, sql: str) -> str:
    """EXECUTE of a prepared statement over the session variables. DuckDB takes no bound parameters here."""
    values = (f"{p} := CAST(getvariable('{p}') AS {PARAMETERS[p]})" for p in _parameters(sql))
    return f"EXECUTE {name}({', '.join(values)})"


def _parameters(sql: str) -> list[str]:
    return [name for name in PARAMETERS if re.search(rf"\${name}\b", sql)]


def _q(name: str) -> str:
    return DUCKDB.quote(name)


def _list(texts: tuple[str, ...]) -> str:
    return "[" + ", ".join(text_literal(text) for text in texts) + "]"


def _table(obj: Object) -> str:
    columns = ", ".join(f"{_q(c.name)} {DUCKDB.type_of(c)}" for c in obj.columns)
    return (
        f"CREATE OR REPLACE TEMP TABLE flat ({columns}, row_id INTEGER, partition_date DATE, is_odd BOOLEAN, "
        "is_missing_key BOOLEAN, bad_columns VARCHAR, is_implausible BOOLEAN)"
    )


def _shapes(key_paths: tuple[tuple[str, ...], ...]) -> str:
    keys = _list(tuple(pointer(path) for path in key_paths))
    types = _list(tuple(pointer(path) for path in key_paths[1:]))
    # Grouped by their texts: half the cost of grouping by lists of lists.
    return (
        "SELECT any_value(keys), any_value(types), count(*), list(row_id) FROM "
        f"(SELECT row_id, json_keys(text, {keys}) AS keys, json_type(text, {types}) AS types FROM "
        "(SELECT unnest($row_ids) AS row_id, unnest($texts) AS text)) "
        "GROUP BY CAST(keys AS VARCHAR), CAST(types AS VARCHAR)"
    )


def _structure(tree: Tree, is_normalized: bool) -> str:
    root: dict[str, object] = {}
    for leaf in tree.leaves:
        node = root
        for key in leaf.path[:-1]:
            child = node.setdefault(key, {})
            assert isinstance(child, dict)
            node = child
        is_text = isinstance(leaf.type, str) or (is_normalized and isinstance(leaf.type, Json))
        node[leaf.path[-1]] = "VARCHAR" if is_text else "JSON"
    return text_literal(json.dumps(root, ensure_ascii=False))


def _json_values(tree: Tree) -> str | None:
    paths = [leaf.path for leaf in tree.leaves if isinstance(leaf.type, Json)]
    if not paths:
        return None
    root: dict[str, object] = {}
    for path in paths:
        node = root
        for key in path[:-1]:
            node = node.setdefault(key, {})  # type: ignore[assignment]
        node[path[-1]] = "JSON"
    values = ", ".join("r." + ".".join(_q(key) for key in path) for path in paths)
    return (
        f"SELECT DISTINCT CAST(found AS VARCHAR) FROM (SELECT unnest([{values}]) AS found FROM (SELECT "
        f"from_json(text, {text_literal(json.dumps(root, ensure_ascii=False))}) AS r FROM "
        "(SELECT unnest($texts) AS text))) WHERE found IS NOT NULL"
    )


def _insert(obj: Object, tree: Tree, is_normalized: bool) -> str:
    """INSERT INTO flat: parse, take apart, type, then add what depends on the typed row; a SELECT inside a SELECT each.

    What several columns need is a column of an inner SELECT, because DuckDB computes an expression inside a CASE as
    often as it is written.
    """
    names = {leaf.path: f"l{i}" for i, leaf in enumerate(tree.leaves)}
    # Each parameter stands here and nowhere else: DuckDB keeps no plan in which one stands twice.
    sql = (
        "SELECT unnest($row_ids) AS row_id, unnest($range_indexes) AS range_index, unnest($starts) AS start, "
        "unnest($unmapped) AS unmapped, unnest($unmapped_safe) AS unmapped_safe, unnest($texts) AS text, "
        "unnest($fidelities) AS mark_fidelity, unnest($versions) AS mark_version, unnest($deleted) AS mark_deleted, "
        "$places AS places, $arrived AS arrived, $loaded_at AS loaded_at, "
        "$pii_mode AS pii_mode, $pii_keep_keys AS pii_keep_keys, $pii_inner AS pii_inner, $pii_outer AS pii_outer"
    )
    sql = (
        "SELECT * EXCLUDE (text, places, arrived), places[range_index + 1] AS place, "
        f"arrived[range_index + 1] AS arrived_at, from_json(text, {_structure(tree, is_normalized)}) AS r FROM ({sql})"
    )
    parsed = ", ".join(f"r.{'.'.join(_q(key) for key in leaf.path)} AS {names[leaf.path]}" for leaf in tree.leaves)
    sql = f"SELECT * EXCLUDE (r), {parsed} FROM ({sql})"
    if not is_normalized:
        sql = _with_canonical(sql, [names[leaf.path] for leaf in tree.leaves if isinstance(leaf.type, Json)])
    sql = f"SELECT *, {', '.join(_apart(obj, names, is_normalized))} FROM ({sql})"
    groups = grouped_scalars(obj)
    together = [f"{group.typed} AS t_{group.name}" for group in groups]
    hiding = [f"{has_pii(names[c.path])} AS p_{names[c.path]}" for c in _hiding(obj) if c.path]
    sql = f"SELECT {', '.join(['*', *hiding, *together, *nested_checks(obj, names)])} FROM ({sql})"
    sql = f"SELECT *, {', '.join(_typed(obj, tree, names, is_normalized))} FROM ({sql})"
    return f"INSERT INTO flat SELECT {', '.join(_final(obj, names))} FROM ({sql})"


def _with_canonical(sql: str, names: list[str]) -> str:
    """Add a column `c_<leaf>` with the canonical text of each JSON leaf; NULL where it is not known."""
    if not names:
        return sql
    known = "WITH known AS MATERIALIZED (SELECT unnest($json_sources) AS source, unnest($json_texts) AS text)"
    columns = ", ".join(f"j_{name}.text AS c_{name}" for name in names)
    joins = " ".join(f"LEFT JOIN known AS j_{name} ON j_{name}.source = CAST({name} AS VARCHAR)" for name in names)
    return f"{known} SELECT leaves.*, {columns} FROM ({sql}) AS leaves {joins}"


def _hiding(obj: Object) -> list[Column]:
    """Columns of more than one value that are hidden by value."""
    return [c for c in obj.data_columns if c.path and c.pii == "indirect" and not isinstance(c.type, str)]


def _apart(obj: Object, names: dict[tuple[str, ...], str], is_normalized: bool) -> list[str]:
    """Columns that several others read, made once.

    `own`: the record's own numbers; `r_<group>`: the texts of scalars of one kind; `n_<leaf>`: the sorted entries of a
    map with text values, or the parsed form of a nested value.
    """
    result = {"own": f"{_own_numbers(obj, names)} AS own"}
    for group in grouped_scalars(obj):
        result[group.name] = f"[{', '.join(names[c.path] for c in group.columns if c.path)}] AS r_{group.name}"
    for column in obj.data_columns:
        if column.path is None or isinstance(column.type, str | Json):
            continue
        leaf = names[column.path]
        is_map = column.type == MapOf("text")
        apart = map_entries(leaf, column, is_normalized) if is_map else _parse_nested(column.type, leaf)
        result[leaf] = f"{apart} AS n_{leaf}"
    return list(result.values())


def _own_numbers(obj: Object, names: dict[tuple[str, ...], str]) -> str:
    found = [names[c.path] for c in obj.direct_pii if c.path is not None and c.type == "text"]
    if not found:
        return "CAST([] AS VARCHAR[])"
    texts = ", ".join(f"ltrim({name}, '+')" for name in found)
    return f"list_filter([{texts}], lambda o: length(o) >= 7)"


def _typed(obj: Object, tree: Tree, names: dict[tuple[str, ...], str], is_normalized: bool) -> list[str]:
    result: list[str] = []
    places = {c.name: f"t_{group.name}[{i}]" for group in grouped_scalars(obj) for i, c in enumerate(group.columns, 1)}
    for column in obj.data_columns:
        if column.name in places:
            result.append(f"{places[column.name]} AS {_q(column.name)}")
            continue
        if column.path is None:
            result.append(f"CAST(NULL AS {DUCKDB.type_of(column)}) AS {_q(column.name)}")
            continue
        leaf = names[column.path]
        result.append(f"{_value(column, leaf, is_normalized)} AS {_q(column.name)}")
        safe = _safe(column, leaf)
        if safe:
            result.append(f"{safe} AS {_q('safe ' + column.name)}")
    checks = [] if is_normalized else [found for leaf_ in tree.leaves if (found := odd(leaf_, names[leaf_.path]))]
    result.append(f"({' OR '.join(checks) or 'false'}) AS is_odd")
    return result


def _value(column: Column, leaf: str, is_normalized: bool) -> str:
    match column.type:
        case MapOf("text"):
            return map_value(leaf, column)
        case Json():
            text = leaf if is_normalized else f"c_{leaf}"
            return hidden(text) if column.pii == "direct" else text
        case str():
            return leaf
        case _:
            return nested(column.type, f"n_{leaf}", mask=column.pii == "indirect")


def _parse_nested(type_: Type, leaf: str) -> str:
    return f"from_json({leaf}, {text_literal(json.dumps(structure(type_), ensure_ascii=False))})"


def _safe(column: Column, leaf: str) -> str | None:
    """What stands for the column in the hash where it holds personal data; NULL where it does not."""
    if column.pii != "indirect" or isinstance(column.type, str):
        return None
    if column.type == MapOf("text"):
        return map_safe(leaf)
    return f"CASE WHEN p_{leaf} THEN '~' END"


def _final(obj: Object, names: dict[tuple[str, ...], str]) -> list[str]:
    record = {
        "record_version": f"COALESCE(mark_version, CAST({_q(obj.version)} AS VARCHAR))",
        "record_fidelity": "mark_fidelity",
        "record_is_redacted": _redacted(obj),
        "record_catalogue_version": str(obj.catalogue_version),
        "record_hash": record_hash(obj),
        "record_position": "place || start",
        "record_arrived_at": "arrived_at",
        "record_loaded_at": "loaded_at",
        "record_unmapped": "unmapped",
        "record_is_deleted": "mark_deleted",
    }
    columns = [f"{record.get(c.name, _q(c.name))} AS {_q(c.name)}" for c in obj.columns]
    missing = " OR ".join(f"COALESCE({_q(key)}, '') = ''" for key in obj.key)
    return [
        *columns,
        "row_id",
        f"COALESCE(CAST({_q(obj.partition)} AS DATE), DATE '{UNDATED}') AS partition_date",
        "COALESCE(is_odd, false) AS is_odd",
        f"({missing}) AS is_missing_key",
        f"{bad_columns(obj, names)} AS bad_columns",
        f"{implausible(obj)} AS is_implausible",
    ]


def _redacted(obj: Object) -> str:
    if obj.redaction is None:
        return "false"
    column, key = obj.redaction
    return f"COALESCE({_q(column)}[{text_literal(key)}] IS NOT NULL, false)"


def record_hash(obj: Object) -> str:
    """MD5 of the stored row, each value behind its column's number so that no two rows read the same."""
    values: list[str] = []
    numbers: list[str] = []
    for number, column in enumerate(obj.data_columns):
        if column.path is None or column.pii == "direct":
            continue
        value = _q(column.name)
        if isinstance(column.type, str | Json):
            value = value if column.type == "text" or isinstance(column.type, Json) else f"CAST({value} AS VARCHAR)"
        else:
            value = f"CAST(to_json({value}) AS VARCHAR)"
            if column.pii == "indirect":
                value = f"COALESCE({_q('safe ' + column.name)}, {value})"
        values.append(value)
        numbers.append(f"'{number}='")
    # Over a list, not column by column: an expression costs its set-up at every batch.
    names = f"[{', '.join(numbers)}, 'unmapped=']"
    numbered = f"list_transform([{', '.join(values)}, unmapped_safe], lambda v, i: {names}[i] || v)"
    return f"md5(list_aggregate({numbered}, 'string_agg', chr(31)))"


def container_kinds(obj: Object) -> dict[tuple[str, ...], frozenset[str]]:
    """What `json_type` may say of each container path; anything else is a value of the wrong type."""
    tree = tree_of(obj)
    kinds = {path: frozenset({"OBJECT", "NULL"}) for path in tree.objects[1:]}
    return kinds | {leaf.path: json_kind(leaf.type) for leaf in tree.complex_leaves}
