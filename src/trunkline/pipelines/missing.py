"""Rows whose items a finished scan did not find: every row it found has a version of the scan or a newer one."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from trunkline.engines.model import quote_qualified
from trunkline.objects.model import Object
from trunkline.pipelines.home import Home
from trunkline.positions import FileRange, Plan
from trunkline.records import Framed, Mark
from trunkline.sources.dynamodb import scan as dynamodb_scan
from trunkline.sources.dynamodb.items import DELETED_BY, RANK_MISSING, READ_BEFORE, version_text
from trunkline.sources.dynamodb.scan import Scan

_ROWS_MAX = 10_000


def missing_rows(home: Home, obj: Object, scan: Scan) -> Iterator[Framed]:
    """Deletions of the live rows that are older than the scan's start, in batches; none where a change came since."""
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
        spot = FileRange(uri, "missing", start, start + len(texts), True, scan.started_at)
        marks = [Mark(version=version, is_deleted=True)] * len(texts)
        plan = Plan(obj.name, dynamodb_scan.NAME, (spot,))
        yield Framed(plan, texts, [0] * len(texts), [start + n for n in range(len(texts))], [], 0, marks)


def _text(obj: Object, row: dict[str, Any]) -> str:
    """A record with the row's key and partition at their places, so that the deletion lies where the row does."""
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
