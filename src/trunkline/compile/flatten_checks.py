"""What is wrong with a record, as SQL: odd (to be read with care), bad (a value does not fit), implausible (a time)."""

from __future__ import annotations

from trunkline.compile.maps import map_is_odd
from trunkline.compile.scalars import grouped_scalars
from trunkline.compile.tree import Leaf
from trunkline.compile.values import nested_bad
from trunkline.engines.duckdb import DUCKDB
from trunkline.engines.model import text_literal
from trunkline.limits import EVENT_AHEAD_DAYS_MAX, EVENT_YEAR_MIN, VERSION_AHEAD_S_MAX
from trunkline.objects.model import Json, ListOf, MapOf, Object, Struct, Type


def _q(name: str) -> str:
    return DUCKDB.quote(name)


def odd(leaf: Leaf, name: str) -> str | None:
    """True when the plain statement would lose something of the leaf in column `name`; None when it cannot."""
    match leaf.type:
        case str():
            return None
        case Json():
            return f"({name} IS NOT NULL AND c_{name} IS NULL)"
        case MapOf("text"):
            return f"{_is_no_container(leaf.type, name)} OR {map_is_odd(name, leaf.columns[0])}"
        case _:
            return f"{_is_no_container(leaf.type, name)} OR {_nested_odd(leaf.type, name)}"


def _is_no_container(type_: Type, name: str) -> str:
    first = "[" if isinstance(type_, ListOf) else "{"
    return f"NOT COALESCE(starts_with({name}, '{first}'), true)"


def _nested_odd(type_: Type, name: str) -> str:
    """True when a nested value has keys the catalogue does not know, a key twice, or members that are no objects."""
    checks: list[str] = []

    def each(function: str, path: str) -> str:
        return f"{function}({name}, '{path}')" if "*" in path else f"[{function}({name}, '{path}')]"

    def visit(inner: Type, path: str) -> None:
        if path != "$" and isinstance(inner, ListOf | MapOf):
            kind = "ARRAY" if isinstance(inner, ListOf) else "OBJECT"
            checks.append(f"NOT list_has_all(['{kind}', 'NULL'], {each('json_type', path)})")
        match inner:
            case Json():
                checks.append("true")
            case ListOf(item):
                visit(item, f"{path}[*]")
            case MapOf(value):
                visit(value, f"{path}.*")
            case Struct(fields):
                keys, kinds = each("json_keys", path), each("json_type", path)
                known = "[" + ", ".join(text_literal(f.key) for f in fields) + "]"
                # Over all members at once where it can be: a lambda costs five times as much.
                checks.append(f"NOT list_has_all(['OBJECT', 'NULL'], {kinds})")
                checks.append(f"NOT list_has_all({known}, flatten({keys}))")
                checks.append(f"len(list_filter({keys}, lambda k: list_unique(k) <> len(k))) > 0")
                for f in fields:
                    if not isinstance(f.type, str):
                        visit(f.type, f'{path}."{f.key}"')

    visit(type_, "$")
    found = "true" if "true" in checks else " OR ".join(checks)
    return f"({name} IS NOT NULL AND {name} NOT IN ('[]', '{{}}') AND ({found or 'false'}))"


def bad_columns(obj: Object, names: dict[tuple[str, ...], str]) -> str:
    """Names of the columns whose source value does not fit, NULL when all fit; names only when something is wrong."""
    groups = [group for group in grouped_scalars(obj) if group.is_checked]
    checks = [group.is_bad for group in groups]
    named = [group.bad_names for group in groups]
    for column in obj.data_columns:
        if column.path is None or isinstance(column.type, str | Json) or column.type == MapOf("text"):
            continue
        leaf = names[column.path]
        bad = nested_bad(column.type, f"n_{leaf}")
        if bad:
            checks.append(f"b_{leaf}")
            named.append(f"CASE WHEN b_{leaf} THEN {text_literal(column.name)} END")
    if not checks:
        return "CAST(NULL AS VARCHAR)"
    return f"CASE WHEN {' OR '.join(checks)} THEN concat_ws(', ', {', '.join(named)}) END"


def nested_checks(obj: Object, names: dict[tuple[str, ...], str]) -> list[str]:
    """`b_<leaf>`: whether a scalar inside a nested value does not fit."""
    result: dict[str, str] = {}
    for column in obj.data_columns:
        if column.path is None or isinstance(column.type, str | Json) or column.type == MapOf("text"):
            continue
        leaf = names[column.path]
        bad = nested_bad(column.type, f"n_{leaf}")
        if bad:
            result[leaf] = f"({leaf} IS NOT NULL AND {leaf} NOT IN ('[]', '{{}}') AND {bad}) AS b_{leaf}"
    return list(result.values())


def implausible(obj: Object) -> str:
    """True when a time of the row cannot be, seen from the record's arrival."""
    times = next(f"t_{group.name}" for group in grouped_scalars(obj) if group.columns[0].type == "timestamp")
    return (
        f"COALESCE(list_min({times}) < TIMESTAMP '{EVENT_YEAR_MIN}-01-01' "
        f"OR list_max({times}) >= arrived_at + INTERVAL {EVENT_AHEAD_DAYS_MAX} DAY "
        f"OR {_q(obj.version)} > arrived_at + INTERVAL {VERSION_AHEAD_S_MAX} SECOND, false)"
    )
