"""The flatten statements of an object, for DuckDB: from raw JSON text to the row as it is stored.

Two forms with one meaning. The plain form reads a record as it came. Where a record holds anything that DuckDB would
turn into NULL, round or reorder without a word, the plain form marks it odd; `flatten/careful.py` rewrites it so that
every such value is a string, and the normalized form reads that.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

from trunkline.compile.maps import map_is_odd, map_safe, map_value
from trunkline.compile.tree import Leaf, Tree, json_kind, pointer, tree_of
from trunkline.compile.values import has_pii, hidden, nested, nested_bad, scalar, structure
from trunkline.engines.duckdb import DUCKDB
from trunkline.engines.model import text_literal
from trunkline.limits import EVENT_AHEAD_DAYS_MAX, EVENT_YEAR_MIN, VERSION_AHEAD_S_MAX
from trunkline.objects.model import Column, Json, ListOf, MapOf, Object, Struct, Type
from trunkline.objects.record_columns import FIDELITY_STREAM

UNDATED = "1970-01-01"
"""Partition date of rows whose partition column is NULL."""


@dataclass(frozen=True, slots=True)
class FlattenSql:
    """Statements over the tables that flatten fills into the table `flat`.

    `raw` has the records, `source_range` the places they come from, `extra` what the catalogue does not know of a
    record, `canonical` the canonical text of JSON values seen; `json_texts` lists values that `canonical` lacks.

    `shapes` groups records by their known objects' keys (`key_paths`) and their containers' types (`type_paths`).
    `plain` and `normalized` insert into `flat`; `flat` has the stored columns, then `row_id`, `partition_date`,
    `is_odd`, `is_missing_key`, `bad_columns` and `is_implausible`.
    """

    tables: tuple[str, ...]
    shapes: str
    key_paths: tuple[tuple[str, ...], ...]
    type_paths: tuple[tuple[str, ...], ...]
    plain: str
    normalized: str
    json_texts: str | None
    stored: tuple[str, ...]


def flatten_sql(obj: Object) -> FlattenSql:
    """All flatten statements of an object. Pure; the same text for the same catalogue."""
    tree = tree_of(obj)
    type_paths = tuple(tree.objects[1:]) + tuple(leaf.path for leaf in tree.complex_leaves)
    stored = tuple(column.name for column in obj.columns)
    return FlattenSql(
        tables=_tables(obj),
        shapes=_shapes(tree.objects, type_paths),
        key_paths=tree.objects,
        type_paths=type_paths,
        plain=_insert(obj, tree, is_normalized=False),
        normalized=_insert(obj, tree, is_normalized=True),
        json_texts=_json_texts(tree),
        stored=stored,
    )


def _q(name: str) -> str:
    return DUCKDB.quote(name)


def _list(texts: tuple[str, ...]) -> str:
    return "[" + ", ".join(text_literal(text) for text in texts) + "]"


def _tables(obj: Object) -> tuple[str, ...]:
    columns = ", ".join(f"{_q(c.name)} {DUCKDB.type_of(c)}" for c in obj.columns)
    return (
        "CREATE OR REPLACE TEMP TABLE raw (row_id INTEGER, text VARCHAR, range_index INTEGER, start BIGINT)",
        "CREATE OR REPLACE TEMP TABLE extra (row_id INTEGER, unmapped VARCHAR, unmapped_safe VARCHAR)",
        "CREATE OR REPLACE TEMP TABLE canonical (source VARCHAR, text VARCHAR)",
        (
            "CREATE OR REPLACE TEMP TABLE source_range (range_index INTEGER, place VARCHAR, arrived_at TIMESTAMP, "
            "loaded_at TIMESTAMP)"
        ),
        (
            f"CREATE OR REPLACE TEMP TABLE flat ({columns}, row_id INTEGER, partition_date DATE, is_odd BOOLEAN, "
            "is_missing_key BOOLEAN, bad_columns VARCHAR, is_implausible BOOLEAN)"
        ),
    )


def _shapes(key_paths: tuple[tuple[str, ...], ...], type_paths: tuple[tuple[str, ...], ...]) -> str:
    keys = _list(tuple(pointer(path) for path in key_paths))
    types = _list(tuple(pointer(path) for path in type_paths))
    return (
        f"SELECT json_keys(text, {keys}) AS keys, json_type(text, {types}) AS types, count(*) AS n, "
        "list(row_id) AS row_ids FROM raw GROUP BY 1, 2"
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


def _json_texts(tree: Tree) -> str | None:
    """Distinct JSON values that are not in `canonical` yet; None when no column holds JSON."""
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
        f"SELECT DISTINCT CAST(found AS VARCHAR) AS source FROM (SELECT unnest([{values}]) AS found FROM "
        f"(SELECT from_json(text, {text_literal(json.dumps(root, ensure_ascii=False))}) AS r FROM raw)) "
        "WHERE found IS NOT NULL AND NOT EXISTS (FROM canonical WHERE source = CAST(found AS VARCHAR))"
    )


def _insert(obj: Object, tree: Tree, is_normalized: bool) -> str:
    """INSERT INTO flat: parse, then type, then add what depends on the typed row."""
    names = {leaf.path: f"l{i}" for i, leaf in enumerate(tree.leaves)}
    places = "row_id, range_index, start"
    sql = f"SELECT {places}, from_json(text, {_structure(tree, is_normalized)}) AS r FROM raw"
    parsed = ", ".join(f"r.{'.'.join(_q(key) for key in leaf.path)} AS {names[leaf.path]}" for leaf in tree.leaves)
    sql = f"SELECT {places}, {parsed} FROM ({sql})"
    if not is_normalized:
        sql = _with_canonical(sql, [names[leaf.path] for leaf in tree.leaves if isinstance(leaf.type, Json)])
    sql = f"SELECT *, {_own_numbers(obj, names)} AS own FROM ({sql})"
    sql = f"SELECT *, {', '.join(_typed(obj, tree, names, is_normalized))} FROM ({sql})"
    return (
        f"INSERT INTO flat SELECT {', '.join(_final(obj, names))} FROM ({sql}) "
        "JOIN source_range USING (range_index) LEFT JOIN extra USING (row_id)"
    )


def _with_canonical(sql: str, names: list[str]) -> str:
    """Add a column `c_<leaf>` with the canonical text of each JSON leaf; NULL where it is not known."""
    if not names:
        return sql
    columns = ", ".join(f"j_{name}.text AS c_{name}" for name in names)
    joins = " ".join(f"LEFT JOIN canonical AS j_{name} ON j_{name}.source = CAST({name} AS VARCHAR)" for name in names)
    return f"SELECT leaves.*, {columns} FROM ({sql}) AS leaves {joins}"


def _own_numbers(obj: Object, names: dict[tuple[str, ...], str]) -> str:
    found = [names[c.path] for c in obj.direct_pii if c.path is not None and c.type == "text"]
    if not found:
        return "CAST([] AS VARCHAR[])"
    texts = ", ".join(f"ltrim({name}, '+')" for name in found)
    return f"list_filter([{texts}], lambda o: length(o) >= 7)"


def _typed(obj: Object, tree: Tree, names: dict[tuple[str, ...], str], is_normalized: bool) -> list[str]:
    result: list[str] = []
    for column in obj.data_columns:
        if column.path is None:
            result.append(f"CAST(NULL AS {DUCKDB.type_of(column)}) AS {_q(column.name)}")
            continue
        leaf = names[column.path]
        result.append(f"{_value(column, leaf, is_normalized)} AS {_q(column.name)}")
        safe = _safe(column, leaf, is_normalized)
        if safe:
            result.append(f"{safe} AS {_q('safe ' + column.name)}")
    odd = [found for leaf_ in tree.leaves if (found := _odd(leaf_, names[leaf_.path]))]
    result.append("false AS is_odd" if is_normalized or not odd else f"({' OR '.join(odd)}) AS is_odd")
    return result


def _value(column: Column, leaf: str, is_normalized: bool) -> str:
    match column.type:
        case MapOf("text"):
            return map_value(leaf, column, is_normalized)
        case Json():
            text = leaf if is_normalized else f"c_{leaf}"
            return hidden(text) if column.pii == "direct" else text
        case str():
            typed = scalar(column.type, leaf, column.transform)
            return hidden(typed) if column.pii == "direct" else typed
        case _:
            return nested(column.type, _parse_nested(column.type, leaf), mask=column.pii == "indirect")


def _parse_nested(type_: Type, leaf: str) -> str:
    return f"from_json({leaf}, {text_literal(json.dumps(structure(type_), ensure_ascii=False))})"


def _safe(column: Column, leaf: str, is_normalized: bool) -> str | None:
    """What stands for the column in the hash where it holds personal data; NULL where it does not."""
    if column.pii != "indirect" or isinstance(column.type, str):
        return None
    if column.type == MapOf("text"):
        return map_safe(leaf, column, is_normalized)
    return f"CASE WHEN {has_pii(leaf)} THEN '~' END"


def _odd(leaf: Leaf, name: str) -> str | None:
    match leaf.type:
        case str():
            return None
        case Json():
            return f"({name} IS NOT NULL AND c_{name} IS NULL)"
        case MapOf("text"):
            return map_is_odd(name, leaf.columns[0])
        case _:
            return _nested_odd(leaf.type, name)


def _nested_odd(type_: Type, name: str) -> str:
    """True when a nested value has keys the catalogue does not know, a key twice, or members that are no objects."""
    checks: list[str] = []

    def visit(inner: Type, path: str) -> None:
        match inner:
            case Json():
                checks.append("true")
            case ListOf(item):
                visit(item, f"{path}[*]")
            case MapOf(value):
                visit(value, f"{path}.*")
            case Struct(fields):
                keys, kinds = f"json_keys({name}, '{path}')", f"json_type({name}, '{path}')"
                if "*" not in path:
                    keys, kinds = f"[{keys}]", f"[{kinds}]"
                known = _list(tuple(f.key for f in fields))
                checks.append(f"len(list_filter({kinds}, lambda t: t NOT IN ('OBJECT', 'NULL'))) > 0")
                checks.append(
                    f"len(list_filter({keys}, lambda k: NOT list_has_all({known}, k) "
                    f"OR len(list_distinct(k)) <> len(k))) > 0"
                )
                for f in fields:
                    if not isinstance(f.type, str):
                        visit(f.type, f'{path}."{f.key}"')

    visit(type_, "$")
    found = "true" if "true" in checks else " OR ".join(checks)
    return f"({name} IS NOT NULL AND {name} NOT IN ('[]', '{{}}') AND ({found or 'false'}))"


def _final(obj: Object, names: dict[tuple[str, ...], str]) -> list[str]:
    record = {
        "record_version": f"CAST({_q(obj.version)} AS VARCHAR)",
        "record_fidelity": text_literal(FIDELITY_STREAM),
        "record_is_redacted": _redacted(obj),
        "record_catalogue_version": str(obj.catalogue_version),
        "record_hash": _hash(obj),
        "record_position": "place || start",
        "record_arrived_at": "arrived_at",
        "record_loaded_at": "loaded_at",
        "record_unmapped": "unmapped",
        "record_is_deleted": "false",
    }
    columns = [f"{record.get(c.name, _q(c.name))} AS {_q(c.name)}" for c in obj.columns]
    missing = " OR ".join(f"COALESCE({_q(key)}, '') = ''" for key in obj.key)
    return [
        *columns,
        "row_id",
        f"COALESCE(CAST({_q(obj.partition)} AS DATE), DATE '{UNDATED}') AS partition_date",
        "COALESCE(is_odd, false) AS is_odd",
        f"({missing}) AS is_missing_key",
        f"{_bad_columns(obj, names)} AS bad_columns",
        f"{_implausible(obj)} AS is_implausible",
    ]


def _redacted(obj: Object) -> str:
    if obj.redaction is None:
        return "false"
    column, key = obj.redaction
    return f"COALESCE({_q(column)}[{text_literal(key)}] IS NOT NULL, false)"


def _hash(obj: Object) -> str:
    """MD5 of the stored row, each value behind its column's number so that no two rows read the same."""
    parts: list[str] = []
    for number, column in enumerate(obj.data_columns):
        if column.path is None or column.pii == "direct":
            continue
        value = _q(column.name)
        if not isinstance(column.type, str | Json):
            value = f"CAST(to_json({value}) AS VARCHAR)"
            if column.pii == "indirect":
                value = f"COALESCE({_q('safe ' + column.name)}, {value})"
        parts.append(f"'{number}=' || {value}")
    return f"md5(concat_ws(chr(31), {', '.join(parts)}, 'unmapped=' || unmapped_safe))"


def _bad_columns(obj: Object, names: dict[tuple[str, ...], str]) -> str:
    """Names of the columns whose source value does not fit, NULL when all fit; names only when something is wrong."""
    checks: list[tuple[str, str]] = []
    for column in obj.data_columns:
        if column.path is None or column.type == "text":
            continue
        leaf = names[column.path]
        if isinstance(column.type, str):
            checks.append((column.name, f"({leaf} IS NOT NULL AND {_q(column.name)} IS NULL)"))
        elif not isinstance(column.type, Json) and column.type != MapOf("text"):
            bad = nested_bad(column.type, _parse_nested(column.type, leaf))
            if bad:
                checks.append((column.name, f"({leaf} IS NOT NULL AND {leaf} NOT IN ('[]', '{{}}') AND {bad})"))
    if not checks:
        return "CAST(NULL AS VARCHAR)"
    named = ", ".join(f"CASE WHEN {check} THEN {text_literal(name)} END" for name, check in checks)
    anything = " OR ".join(check for _, check in checks)
    return f"CASE WHEN {anything} THEN concat_ws(', ', {named}) END"


def _implausible(obj: Object) -> str:
    times = ", ".join(_q(c.name) for c in obj.data_columns if c.type == "timestamp" and c.path is not None)
    return (
        f"COALESCE(least({times}) < TIMESTAMP '{EVENT_YEAR_MIN}-01-01' "
        f"OR greatest({times}) >= arrived_at + INTERVAL {EVENT_AHEAD_DAYS_MAX} DAY "
        f"OR {_q(obj.version)} > arrived_at + INTERVAL {VERSION_AHEAD_S_MAX} SECOND, false)"
    )


def container_kinds(obj: Object) -> dict[tuple[str, ...], frozenset[str]]:
    """What `json_type` may say of each container path; anything else is a value of the wrong type."""
    tree = tree_of(obj)
    kinds = {path: frozenset({"OBJECT", "NULL"}) for path in tree.objects[1:]}
    return kinds | {leaf.path: json_kind(leaf.type) for leaf in tree.complex_leaves}
