"""What the keys of a batch say: which records need care, and how the source drifts from the catalogue."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from trunkline.batch import Drift
from trunkline.compile.flatten import FlattenSql
from trunkline.compile.tree import tree_of
from trunkline.objects.model import Object

Path = tuple[str, ...]
Layout = tuple[list[list[str] | None], int, list[int]]
"""Keys by object path, number of records, their row ids."""


@dataclass(frozen=True, slots=True)
class ShapeReport:
    """`unknown`: row ids by the unknown paths they have; `careful`: rows with a repeated key."""

    unknown: dict[tuple[Path, ...], list[int]]
    careful: list[int]
    keys: Counter[str]
    unknown_counts: Counter[str]
    case_clash: Counter[str]
    type_changes: Counter[str]


def read_layouts(obj: Object, sql: FlattenSql, layouts: Sequence[Layout]) -> ShapeReport:
    """Judge each distinct layout once; records that share a layout share the verdict."""
    tree = tree_of(obj)
    known = {path: tree.known_keys(path) for path in sql.key_paths}
    report = ShapeReport({}, [], Counter(), Counter(), Counter(), Counter())
    for keys, count, row_ids in layouts:
        unknown: list[Path] = []
        is_careful = False
        for path, found in zip(sql.key_paths, keys, strict=True):
            if not found:
                continue
            is_careful = is_careful or len(set(found)) != len(found)
            for key in found:
                if key in known[path]:
                    report.keys[".".join((*path, key))] += count
                else:
                    unknown.append((*path, key))
            _count_clashes(report, path, found, count)
        for path in unknown:
            report.unknown_counts[".".join(path)] += count
        if is_careful:
            report.careful.extend(row_ids)
        elif unknown:
            report.unknown.setdefault(tuple(sorted(set(unknown))), []).extend(row_ids)
    return report


def _count_clashes(report: ShapeReport, path: Path, found: list[str], count: int) -> None:
    folded = Counter(key.casefold() for key in set(found))
    if len(folded) != len(set(found)):
        for key in set(found):
            if folded[key.casefold()] > 1:
                report.case_clash[".".join((*path, key))] += count


def drift_of(report: ShapeReport, records: int, sampled_types: Counter[str], sampled: int) -> Drift:
    """The batch's drift, as the ledger keeps it."""
    return Drift(
        records=records,
        keys=dict(report.keys),
        unknown=dict(report.unknown_counts),
        case_clash=dict(report.case_clash),
        type_changes=dict(report.type_changes + sampled_types),
        sampled=sampled,
    )
