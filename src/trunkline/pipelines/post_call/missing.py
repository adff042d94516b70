"""Rows whose items a finished scan did not find: a row that it found has the scan's version or a newer one."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

import msgspec

from trunkline.engines.model import quote_qualified
from trunkline.errors import RecordError, TerminalError
from trunkline.ledger import index
from trunkline.objects.model import Object
from trunkline.pipelines.home import Home
from trunkline.pipelines.set_aside import kept_bytes
from trunkline.positions import Plan, Snapshot
from trunkline.records import Framed, Mark
from trunkline.sources.dynamodb import scan as dynamodb_scan
from trunkline.sources.dynamodb.items import DELETED_BY, RANK_MISSING, READ_BEFORE, version_text
from trunkline.sources.dynamodb.scan import Scan, scan_uri
from trunkline.sources.dynamodb.values import number as number_text

_ROWS_MAX = 10_000


Key = tuple[str, ...]


def missing_rows(home: Home, obj: Object, scan: Scan) -> Iterator[Framed]:
    """Deletions of the live rows that are older than the scan's start, in batches.

    A row with a newer change stays, and so does that of an item that the scan found and set aside. Raises TerminalError
    where such an item has no usable key, so that its row is not known.
    """
    kept = _keys_set_aside(home, obj, scan)
    version = version_text(scan.started_at - READ_BEFORE, RANK_MISSING)
    names = [*obj.key, obj.partition]
    engine = home.warehouse.engine
    columns = ", ".join(engine.quote(name) for name in names)
    keys = ", ".join(engine.quote(name) for name in obj.key)
    rows = home.warehouse.query(
        f"SELECT {columns} FROM {quote_qualified(engine, obj.warehouse_table)} "
        f"WHERE NOT record_is_deleted AND (record_version IS NULL OR record_version < $1) ORDER BY {keys}",
        [version],
    )
    rows = [row for row in rows if tuple(map(str, row[: len(obj.key)])) not in kept]
    for start in range(0, len(rows), _ROWS_MAX):
        texts = [_text(obj, dict(zip(names, row, strict=True))) for row in rows[start : start + _ROWS_MAX]]
        span = Snapshot(scan_uri(scan), "missing", 0, start, start + len(texts), scan.started_at)
        marks = [Mark(version=version, is_deleted=True)] * len(texts)
        plan = Plan(obj.name, dynamodb_scan.NAME, (span,))
        yield Framed(plan, texts, [0] * len(texts), [start + n for n in range(len(texts))], [], 0, marks)


def _keys_set_aside(home: Home, obj: Object, scan: Scan) -> set[Key]:
    """The keys of the items that the scan set aside and that are still not rows."""
    prefix = f"{scan_uri(scan)}@"
    letters = [letter for letter in index.dead_letters(home.warehouse, obj.name) if letter.position.startswith(prefix)]
    keys = [_key(obj, kept_bytes(home, letter).payload) for letter in letters]
    if None in keys:
        raise TerminalError(
            f"{scan.table}: items that have no usable key were set aside ({keys.count(None):,}), so that rows could be "
            "deleted whose items exist: nothing is deleted. See trunkline dead-letter list, correct the items, then "
            "run the same command again: it begins a new scan"
        )
    return {key for key in keys if key is not None}


def _key(obj: Object, payload: bytes) -> Key | None:
    """The key of an item in typed JSON, or of a record; None where a part of it is absent or is not stored as it is."""
    try:
        record = msgspec.json.decode(payload)
        values = [_key_value(record, obj.by_name[name].path or ()) for name in obj.key]
    except (msgspec.DecodeError, RecordError, AttributeError, KeyError, TypeError):
        return None
    is_plain = all(obj.by_name[name].pii == "none" for name in obj.key)
    return tuple(values) if is_plain and all(values) else None


def _key_value(record: Any, path: Sequence[str]) -> str:
    value = record
    for number, name in enumerate(path):
        value = value["M"][name] if number and value.keys() == {"M"} else value[name]
    if isinstance(value, dict):
        return number_text(value["N"]) if "N" in value else str(value["S"])
    if isinstance(value, str | int) and not isinstance(value, bool):
        return str(value)
    raise TypeError


def _text(obj: Object, row: dict[str, Any]) -> str:
    """A record with the row's key and partition time, so that the deletion is in the same partition as the row."""
    record: dict[str, Any] = {DELETED_BY: "scan"}
    for name, value in row.items():
        path = obj.by_name[name].path
        if path is None or value is None:
            continue
        node = record
        for key in path[:-1]:
            node = node.setdefault(key, {})
        node[path[-1]] = value.isoformat() + "Z" if isinstance(value, datetime) else value
    return json.dumps(record, ensure_ascii=False)
