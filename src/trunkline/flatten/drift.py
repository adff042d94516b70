"""Keys that the catalogue does not know: which records have them, what they hold, and how the source drifts.

Drift is what the keys of a batch say about the catalogue: unknown keys, keys that differ in case alone, and values of
another JSON type than expected.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import msgspec

from trunkline.accounting import Drift
from trunkline.errors import RecordError
from trunkline.flatten.careful import expected_types, own_numbers_of
from trunkline.flatten.exact import json_type, parse_exact
from trunkline.flatten.privacy import Hiding, PiiRule, hide_unmapped
from trunkline.objects.model import Object
from trunkline.sql.flatten.statement import FlattenSql
from trunkline.sql.flatten.values import leaves_by_path, tree_of

Path = tuple[str, ...]
Layout = tuple[list[list[str] | None], int, list[int]]
"""Keys by object path, number of records, their rows."""

_open = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode


@dataclass(slots=True)
class KeyReport:
    """What the keys of a batch say.

    `unknown`: rows by the unknown paths they have. `careful`: rows with a repeated key. The counts are in records:
    known keys, unknown keys, keys that differ from another in case alone, values of another JSON type than expected
    (each by dotted path).
    """

    unknown: dict[tuple[Path, ...], list[int]] = field(default_factory=dict)
    careful: list[int] = field(default_factory=list)
    keys: Counter[str] = field(default_factory=Counter)
    unknown_counts: Counter[str] = field(default_factory=Counter)
    case_clash: Counter[str] = field(default_factory=Counter)
    type_changes: Counter[str] = field(default_factory=Counter)

    def count(self, obj: Object, text: str, is_decoded: bool) -> None:
        """Count the types of a record's scalars, and its known keys unless it was decoded, which counts them."""
        with suppress(RecordError):
            _count(obj, parse_exact(text), (), self, is_decoded)

    def count_changes(self, changes: Sequence[tuple[str, str]]) -> None:
        """Count what a source found in one record: values that do not fit, at keys that the catalogue does not know."""
        for key, _ in changes:
            if self.unknown_counts[key] <= 1:
                del self.unknown_counts[key]
            else:
                self.unknown_counts[key] -= 1
        self.type_changes.update({change for _, change in changes})

    def drift(self, records: int) -> Drift:
        """The batch's drift, as the ledger keeps it."""
        return Drift(
            records=records,
            keys=dict(self.keys),
            unknown=dict(self.unknown_counts),
            case_clash=dict(self.case_clash),
            type_changes=dict(self.type_changes),
        )


def read_layouts(obj: Object, sql: FlattenSql, layouts: Sequence[Layout], report: KeyReport) -> None:
    """Judge each distinct layout once; records that share a layout share the verdict."""
    tree = tree_of(obj)
    known = {path: tree.known_keys(path) for path in sql.key_paths}
    for keys_by_path, count, rows in layouts:
        unknown: list[Path] = []
        is_careful = False
        for path, keys in zip(sql.key_paths, keys_by_path, strict=True):
            if not keys:
                continue
            is_careful = is_careful or len(set(keys)) != len(keys)
            unknown += [(*path, key) for key in keys if key not in known[path]]
            _count_clashes(report, path, set(keys), count)
        for path in unknown:
            report.unknown_counts[".".join(path)] += count
        if is_careful:
            report.careful.extend(rows)
        elif unknown:
            report.unknown.setdefault(tuple(sorted(set(unknown))), []).extend(rows)


def _count_clashes(report: KeyReport, path: Path, keys: set[str], count: int) -> None:
    folded = Counter(key.casefold() for key in keys)
    if len(folded) != len(keys):
        for key in keys:
            if folded[key.casefold()] > 1:
                report.case_clash[".".join((*path, key))] += count


def _count(obj: Object, value: dict[str, Any], path: Path, report: KeyReport, is_decoded: bool) -> None:
    leaves, objects = leaves_by_path(obj), tree_of(obj).objects
    for key, member in value.items():
        member_path = (*path, key)
        if not is_decoded and (member_path in leaves or member_path in objects):
            report.keys[".".join(member_path)] += 1
        if member_path in objects and isinstance(member, dict):
            _count(obj, member, member_path, report, is_decoded)
        elif member_path in leaves and isinstance(leaves[member_path].type, str):
            seen = json_type(member)
            if seen != "NULL" and seen not in expected_types(leaves[member_path].columns[0]):
                report.type_changes[f"{'.'.join(member_path)} is {seen}"] += 1


def cut_unknown(obj: Object, record: bytes, paths: Sequence[Path], rule: PiiRule) -> tuple[str, str] | None:
    """The unknown fields of a record that is otherwise plain, at paths that are known to be there.

    The texts of `PlainRecord.unmapped` and `unmapped_safe`, None if all the values are null. Raises RecordError on a
    repeated key.
    """
    opened: dict[Path, dict[str, msgspec.Raw]] = {(): _open(record)}
    unknown = {".".join(path): value for path in paths if (value := _value_at(opened, path)) is not None}
    if not unknown:
        return None
    own = {c.path: value for c in obj.direct_pii if c.path and (value := _value_at(opened, c.path)) is not None}
    return hide_unmapped(unknown, Hiding(rule, own_numbers_of(obj, own)))


def _value_at(opened: dict[Path, dict[str, msgspec.Raw]], path: Path) -> Any:
    """The value at a path, None if there is none. Only the objects on the way to it are opened, and each once."""
    for depth in range(1, len(path)):
        if path[:depth] not in opened:
            raw = bytes(opened[path[: depth - 1]].get(path[depth - 1], b""))
            opened[path[:depth]] = _open(raw) if raw.startswith(b"{") else {}
    raw = bytes(opened[path[:-1]].get(path[-1], b""))
    return parse_exact(raw.decode()) if raw else None
