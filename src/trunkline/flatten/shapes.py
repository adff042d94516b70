"""What the keys of a batch say: which records need care, and how the source drifts from the catalogue."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from trunkline.accounting import Drift
from trunkline.errors import RecordError
from trunkline.flatten.canonical import exact, json_type
from trunkline.objects.model import Object
from trunkline.sql.flatten.statement import FlattenSql
from trunkline.sql.flatten.tree import leaves_by_path, tree_of

_EXPECTED = {
    "text": {"VARCHAR"},
    "timestamp": {"VARCHAR"},
    "date": {"VARCHAR"},
    "bigint": {"UBIGINT", "BIGINT"},
    "integer": {"UBIGINT", "BIGINT"},
    "double": {"DOUBLE", "UBIGINT", "BIGINT"},
    "decimal": {"DOUBLE", "UBIGINT", "BIGINT"},
    "boolean": {"BOOLEAN"},
}

Path = tuple[str, ...]
Layout = tuple[list[list[str] | None], int, list[int]]
"""Keys by object path, number of records, their row ids."""


@dataclass(slots=True)
class ShapeReport:
    """What was seen. `unknown`: row ids by the unknown paths they have; `careful`: rows with a repeated key.

    The counts are in records: known keys, unknown keys, keys that differ from another only in case, values of another
    JSON type than the catalogue expects (each by dotted path).
    """

    unknown: dict[tuple[Path, ...], list[int]] = field(default_factory=dict)
    careful: list[int] = field(default_factory=list)
    keys: Counter[str] = field(default_factory=Counter)
    unknown_counts: Counter[str] = field(default_factory=Counter)
    case_clash: Counter[str] = field(default_factory=Counter)
    type_changes: Counter[str] = field(default_factory=Counter)

    def count(self, obj: Object, text: str) -> None:
        """Count the known keys of a record that was not decoded, and the types of its scalars."""
        with suppress(RecordError):
            _count(obj, exact(text), (), self)


def read_layouts(obj: Object, sql: FlattenSql, layouts: Sequence[Layout], report: ShapeReport) -> None:
    """Judge each distinct layout once; records that share a layout share the verdict."""
    tree = tree_of(obj)
    known = {path: tree.known_keys(path) for path in sql.key_paths}
    for keys, count, row_ids in layouts:
        unknown: list[Path] = []
        is_careful = False
        for path, found in zip(sql.key_paths, keys, strict=True):
            if not found:
                continue
            is_careful = is_careful or len(set(found)) != len(found)
            unknown += [(*path, key) for key in found if key not in known[path]]
            _count_clashes(report, path, found, count)
        for path in unknown:
            report.unknown_counts[".".join(path)] += count
        if is_careful:
            report.careful.extend(row_ids)
        elif unknown:
            report.unknown.setdefault(tuple(sorted(set(unknown))), []).extend(row_ids)


def _count_clashes(report: ShapeReport, path: Path, found: list[str], count: int) -> None:
    folded = Counter(key.casefold() for key in set(found))
    if len(folded) != len(set(found)):
        for key in set(found):
            if folded[key.casefold()] > 1:
                report.case_clash[".".join((*path, key))] += count


def _count(obj: Object, value: dict[str, Any], path: Path, report: ShapeReport) -> None:
    leaves, objects = leaves_by_path(obj), tree_of(obj).objects
    for key, one in value.items():
        here = (*path, key)
        if here in leaves or here in objects:
            report.keys[".".join(here)] += 1
        if here in objects and isinstance(one, dict):
            _count(obj, one, here, report)
        elif here in leaves and isinstance(leaves[here].type, str):
            seen = json_type(one)
            if seen != "NULL" and seen not in _EXPECTED[str(leaves[here].type)]:
                report.type_changes[f"{'.'.join(here)} is {seen}"] += 1


def drift_of(report: ShapeReport, records: int) -> Drift:
    """The batch's drift, as the ledger keeps it."""
    return Drift(
        records=records,
        keys=dict(report.keys),
        unknown=dict(report.unknown_counts),
        case_clash=dict(report.case_clash),
        type_changes=dict(report.type_changes),
    )
