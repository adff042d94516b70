"""`backfill`: all items of a DynamoDB table into lake and warehouse, from an export or by a parallel scan.

Before, during or after the stream is the same: each row carries its version, and a row read from a table or an export
counts as a minute old, so that no change the stream has seen is undone.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, replace
from typing import Any
from uuid import uuid4

import msgspec

from trunkline import clock
from trunkline.accounting import Counts, Drift, total
from trunkline.errors import TerminalError, UsageError
from trunkline.lake import layout
from trunkline.ledger import index
from trunkline.objects.model import Object
from trunkline.pipelines.home import Home
from trunkline.pipelines.missing import missing_rows
from trunkline.pipelines.runner import Advance, LoadResult, Runner
from trunkline.sources.dynamodb import export as dynamodb_export
from trunkline.sources.dynamodb import scan as dynamodb_scan
from trunkline.sources.dynamodb.scan import Pace, Page, Scan, Segment
from trunkline.sources.dynamodb.tables import describe_table, object_of, rules_of
from trunkline.sources.files import listing
from trunkline.sources.registry import open_source

SEGMENTS_DEFAULT = 4
SHARE_DEFAULT = 0.5
_PAGES_MAX = 8
"""Pages of one batch: each has up to 1 MB."""


@dataclass(frozen=True, slots=True)
class ScanOptions:
    """How a table is scanned.

    `share` is the part of the table's provisioned read capacity that may be used; `units_per_s` says the units instead,
    and is the one limit a table on demand can have. `delete_missing` deletes rows whose items the finished scan did not
    find; `restart` forgets a scan that was stopped.
    """

    segments: int = SEGMENTS_DEFAULT
    share: float = SHARE_DEFAULT
    units_per_s: float | None = None
    delete_missing: bool = False
    restart: bool = False


def backfill_export(home: Home, obj: Object, place: str, advance: Advance = lambda _: None) -> LoadResult:
    """Load an export, full or incremental, following its manifest. `advance` is told the bytes read.

    Raises UsageError for a place without an export, or one of a table that is another object; TerminalError where
    the files hold fewer items than the manifest says.
    """
    export = dynamodb_export.read_manifest(place)
    if export.table_arn:
        found = object_of(export.table_arn, home.settings, home.objects)
        if found != obj:
            raise UsageError(f"{place} is of {export.table_arn}, which holds {found.name}, not {obj.name}")
    files = listing.list_files(export.files) if export.files else []
    runner = Runner(home, obj)
    recovered = runner.recover()
    done = index.positions(home.warehouse, obj.name)
    is_first = not any((file.uri, file.version) in done for file in files)
    source = open_source(dynamodb_export.NAME, runner.context, export=export, files=files)
    result = runner.run(source, len(files), lambda record: advance(record.bytes_read))
    result = replace(result, recovered=recovered)
    if is_first and export.items is not None and result.counts.read < export.items:
        raise TerminalError(
            f"{place}: the manifest says {export.items:,} items and the files hold {result.counts.read:,}; files were "
            "changed or cut short. What they hold is loaded; export the table again"
        )
    return result


def backfill_scan(
    home: Home, obj: Object, table: str, client: Any, options: ScanOptions, advance: Advance = lambda _: None,
    sleep: Callable[[float], None] = time.sleep,
) -> LoadResult:  # fmt: skip
    """Scan a whole table, or go on with a scan that was stopped. `advance` is told the items read.

    A page counts as read once its rows are in lake and warehouse, and a segment fetches no page before its last one
    does: a kill at any point repeats one page a segment at most.
    """
    started = clock.monotonic_s()
    runner = Runner(home, obj)
    recovered = runner.recover()
    description = describe_table(client, table)
    scan = _scan(home, obj, table, options)
    advance(scan.items)
    pace = Pace(_units(description, options), sleep)
    counts: list[Counts] = []
    drifts: list[Drift] = []
    size = 0
    for pages in _pages(client, scan, pace):
        framed = dynamodb_scan.frame_pages(obj, scan, pages, rules_of(home.settings))
        record = runner.put(framed)
        counts += runner.merge([record])
        drifts += [record.drift] if record.drift.records else []
        size += record.bytes_read
        dynamodb_scan.advance(scan, pages, record.dead_letter)
        _save(home, obj, scan)
        advance(sum(len(page.items) for page in pages))
    if options.delete_missing:
        counts += _delete_missing(runner, scan)
    scan.is_finished = True
    _save(home, obj, scan)
    seconds = clock.monotonic_s() - started
    return LoadResult(obj.name, total(counts), len(counts), size, seconds, len(scan.segments), recovered, tuple(drifts))


def _scan(home: Home, obj: Object, table: str, options: ScanOptions) -> Scan:
    """The scan that was stopped, or a new one, noted before its first page."""
    data = home.store.get_bytes(layout.scan_key(obj.name, table))
    held = msgspec.json.decode(data, type=Scan) if data is not None else None
    if held is not None and not held.is_finished and not options.restart:
        if options.delete_missing and not held.is_consistent:
            raise UsageError(
                f"the scan of {table} that was stopped did not read consistently, so that --delete-missing could "
                "delete what is there; end it without that option, or begin again with --restart"
            )
        return held
    segments = [Segment() for _ in range(options.segments)]
    scan = Scan(uuid4().hex, table, clock.now_naive(), segments, is_consistent=options.delete_missing)
    _save(home, obj, scan)
    return scan


def _save(home: Home, obj: Object, scan: Scan) -> None:
    text = msgspec.json.format(msgspec.json.encode(scan), indent=1)
    home.store.put_bytes(text, layout.scan_key(obj.name, scan.table))


def _units(description: dict[str, Any], options: ScanOptions) -> float | None:
    if options.units_per_s is not None:
        return options.units_per_s
    provisioned = description.get("ProvisionedThroughput", {}).get("ReadCapacityUnits", 0)
    return provisioned * options.share if provisioned else None


def _pages(client: Any, scan: Scan, pace: Pace) -> Iterator[list[Page]]:
    """Pages as they come, some at once; a segment reads on when the caller asks for more, and so has kept its page."""
    todo = [number for number, one in enumerate(scan.segments) if not one.is_done]
    if not todo:
        return
    with ThreadPoolExecutor(len(todo), thread_name_prefix="scan") as pool:
        waiting: set[Future[Page]] = {pool.submit(dynamodb_scan.read_page, client, scan, one, pace) for one in todo}
        try:
            while waiting:
                done, waiting = wait(waiting, return_when=FIRST_COMPLETED)
                taken = sorted((one.result() for one in done), key=lambda page: page.segment)
                for start in range(0, len(taken), _PAGES_MAX):
                    yield taken[start : start + _PAGES_MAX]
                for page in taken:
                    if page.key is not None:
                        waiting.add(pool.submit(dynamodb_scan.read_page, client, scan, page.segment, pace))
        finally:
            pool.shutdown(cancel_futures=True)


def _delete_missing(runner: Runner, scan: Scan) -> list[Counts]:
    if scan.set_aside:
        raise TerminalError(
            f"{scan.set_aside:,} items of {scan.table} were set aside, so that rows could be deleted whose items are "
            "there: nothing is deleted. See trunkline dead-letter list, then scan again"
        )
    counts: list[Counts] = []
    for framed in missing_rows(runner.home, runner.obj, scan):
        counts += runner.merge([runner.put(framed)])
    return counts
