"""`backfill`: all items of a DynamoDB table into lake and warehouse, from an export or by a parallel scan.

Before, during or after the stream is the same: each row carries its version, and a row read from a table or an export
counts as a minute old, so that no change the stream has seen is undone.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import msgspec

from trunkline.accounting import Counts, total
from trunkline.engines.model import quote_qualified
from trunkline.errors import RecordError, TerminalError, UsageError
from trunkline.ledger import index
from trunkline.objects.model import Object
from trunkline.pipelines.home import Home
from trunkline.pipelines.runner import Advance, LoadResult, Runner, no_advance
from trunkline.pipelines.set_aside import kept_bytes
from trunkline.positions import Plan, Snapshot
from trunkline.records import Framed, Mark
from trunkline.sources.dynamodb import scan as dynamodb_scan
from trunkline.sources.dynamodb.export import ExportSource, read_manifest
from trunkline.sources.dynamodb.items import DELETED_BY, RANK_MISSING, READ_BEFORE, version_text
from trunkline.sources.dynamodb.scan import Pace, Scan, Scanning, ScanSource, scan_uri
from trunkline.sources.dynamodb.tables import describe_table, object_of
from trunkline.sources.dynamodb.values import number as number_text
from trunkline.sources.files import listing

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


SEGMENTS_DEFAULT = 4
SHARE_DEFAULT = 0.5


@dataclass(frozen=True, slots=True)
class ScanOptions:
    """How a table is scanned.

    `share` is the part of the table's provisioned read capacity that may be used; `units_per_s` says the units instead,
    and is the one limit a table on demand can have. `delete_missing` deletes rows whose items the finished scan did not
    find; `restart` drops a scan that was stopped.
    """

    segments: int = SEGMENTS_DEFAULT
    share: float = SHARE_DEFAULT
    units_per_s: float | None = None
    delete_missing: bool = False
    restart: bool = False


def backfill_export(home: Home, obj: Object, place: str, advance: Advance = no_advance) -> LoadResult:
    """Load an export, full or incremental, following its manifest. `advance` is called with the bytes in the lake.

    Raises UsageError for a place without an export, or one of a table that is another object; TerminalError where
    the files hold fewer items than the manifest says.
    """
    export = read_manifest(place)
    if export.table_arn:
        other = object_of(export.table_arn, home.settings, home.objects)
        if other != obj:
            raise UsageError(f"{place} is of {export.table_arn}, which holds {other.name}, not {obj.name}")
    files = listing.list_files(export.files) if export.files else []
    runner = Runner(home, obj)
    recovered = runner.recover()
    done = index.positions(home.warehouse, obj.name)
    is_first = not any((file.uri, file.version) in done for file in files)
    source = ExportSource(runner.context, export, files)
    result = runner.run(source, len(files), lambda record: advance(record.bytes_read))
    if is_first and export.items is not None and result.counts.read < export.items:
        raise TerminalError(
            f"{place}: the manifest says {export.items:,} items and the files hold {result.counts.read:,}; files were "
            "changed or cut short. What they hold is loaded; export the table again"
        )
    return replace(result, recovered=recovered)


def backfill_scan(
    home: Home,
    obj: Object,
    table: str,
    client: Any,
    options: ScanOptions,
    advance: Advance = no_advance,
    sleep: Callable[[float], None] = time.sleep,
) -> LoadResult:
    """Scan a whole table, or continue a scan that was stopped. `advance` is called with the number of items read.

    Raises UsageError for a table that does not exist, or a stopped scan that cannot be continued with these options;
    TerminalError where this machine's clock is wrong, or where nothing can be deleted since an item that was set aside
    has no usable key.
    """
    runner = Runner(home, obj)
    recovered = runner.recover()
    pace = Pace(_units(describe_table(client, table), options), sleep)
    scanning = Scanning(table, client, options.segments, pace, options.delete_missing, options.restart)
    source = ScanSource(runner.context, scanning)
    scan = source.begin()
    advance(scan.items)
    result = runner.run(source, len(scan.segments), lambda record: advance(record.read))
    if options.delete_missing:
        try:
            counts = _delete_missing(runner, scan)
        except TerminalError:
            source.finish()  # what it found is loaded; the same command begins a new scan
            raise
        result = replace(result, counts=total([result.counts, *counts]), batches=result.batches + len(counts))
        source.finish()
    return replace(result, recovered=recovered)


def _units(description: dict[str, Any], options: ScanOptions) -> float | None:
    if options.units_per_s is not None:
        return options.units_per_s
    provisioned = description.get("ProvisionedThroughput", {}).get("ReadCapacityUnits", 0)
    return provisioned * options.share if provisioned else None


def _delete_missing(runner: Runner, scan: Scan) -> list[Counts]:
    counts: list[Counts] = []
    for framed in missing_rows(runner.home, runner.obj, scan):
        counts += runner.merge([runner.put(framed)])
    return counts
