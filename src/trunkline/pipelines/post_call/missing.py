"""Rows whose items a finished scan did not find: a row that it found has the scan's version or a newer one."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from trunkline.engines.model import quote_qualified
from trunkline.objects.model import Object
from trunkline.pipelines.home import Home
from trunkline.positions import Plan, Snapshot
from trunkline.records import Framed, Mark
from trunkline.sources.dynamodb import scan as dynamodb_scan
from trunkline.sources.dynamodb.items import DELETED_BY, RANK_MISSING, READ_BEFORE, version_text
from trunkline.sources.dynamodb.scan import Scan

_ROWS_MAX = 10_000


def missing_rows(home: Home, obj: Object, scan: Scan) -> Iterator[Framed]:
    """Deletions of the live rows that are older than the scan's start, in batches; not of rows with a newer one."""
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
    for start in range(0, len(rows), _ROWS_MAX):
        texts = [_text(obj, dict(zip(names, row, strict=True))) for row in rows[start : start + _ROWS_MAX]]
        uri = f"dynamodb://{scan.table}/scan/{scan.scan_id}"
        span = Snapshot(uri, "missing", 0, start, start + len(texts), scan.started_at)
        marks = [Mark(version=version, is_deleted=True)] * len(texts)
        plan = Plan(obj.name, dynamodb_scan.NAME, (span,))
        yield Framed(plan, texts, [0] * len(texts), [start + n for n in range(len(texts))], [], 0, marks)


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
