"""`backfill`: all items of a DynamoDB table into lake and warehouse, from an export or by a parallel scan.

Before, during or after the stream is the same: each row carries its version, and a row read from a table or an export
counts as a minute old, so that no change the stream has seen is undone.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from trunkline.accounting import Counts, total
from trunkline.errors import TerminalError, UsageError
from trunkline.ledger import index
from trunkline.objects.model import Object
from trunkline.pipelines.home import Home
from trunkline.pipelines.post_call.missing import missing_rows
from trunkline.pipelines.runner import Advance, LoadResult, Runner, no_advance
from trunkline.sources.dynamodb.export import ExportSource, read_manifest
from trunkline.sources.dynamodb.scan import Pace, Scan, Scanning, ScanSource
from trunkline.sources.dynamodb.tables import describe_table, object_of
from trunkline.sources.files import listing

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
    home: Home, obj: Object, table: str, client: Any, options: ScanOptions, advance: Advance = no_advance,
    sleep: Callable[[float], None] = time.sleep,
) -> LoadResult:  # fmt: skip
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
