"""`load`: files to lake to warehouse. Reading, flattening and merging overlap; the end state does not depend on it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

from trunkline import clock
from trunkline.accounting import Counts, Drift, total
from trunkline.errors import SourceChangedError
from trunkline.flatten.flattener import Flattener
from trunkline.lake import layout
from trunkline.ledger import index
from trunkline.ledger.records import BatchRecord
from trunkline.limits import FLATTEN_WORKERS_MAX
from trunkline.objects.model import Object
from trunkline.pipelines import batches
from trunkline.pipelines.files import list_of, read_batches, reread
from trunkline.pipelines.home import Home
from trunkline.pipelines.letters import reread_letters
from trunkline.pipelines.merging import MERGE_ROWS_MAX, batches_max, merge_batches
from trunkline.pipelines.recovery import recover
from trunkline.pipelines.refused import put_again
from trunkline.pipelines.tables import rules_of
from trunkline.positions import API_SOURCE, REFUSED_SOURCE, REPLAY_SOURCE, Plan, Progress
from trunkline.records import Framed
from trunkline.sources.dynamodb import export as dynamodb_export
from trunkline.sources.dynamodb import scan as dynamodb_scan
from trunkline.sources.dynamodb import stream as dynamodb_stream
from trunkline.sources.files.listing import SourceFile

Advance = Callable[[int], None]
Read = Callable[[Mapping[tuple[str, str], Progress]], Iterator[Framed]]
"""A source: from how far each version of each file is read to the batches that follow."""

_READ_ON = (API_SOURCE, dynamodb_scan.NAME, dynamodb_stream.NAME)
"""Sources that go on from what is durable, one batch at a time: what was planned and not done is read anew."""


@dataclass(frozen=True, slots=True)
class LoadResult:
    """What a load did. `recovered` counts batches of an earlier run that were finished first."""

    object_name: str
    counts: Counts
    batches: int
    bytes_read: int
    seconds: float
    files: int
    recovered: int
    drifts: tuple[Drift, ...]


class Flatteners:
    """One flattener per worker thread, made when the thread first needs it."""

    def __init__(self, home: Home, obj: Object) -> None:
        self._home, self.obj, self._rule = home, obj, home.rule
        self._local = threading.local()

    def put(self, framed: Framed) -> BatchRecord:
        """Flatten and put one planned batch on this thread."""
        flattener: Flattener | None = getattr(self._local, "flattener", None)
        if flattener is None:
            spill = self._home.scratch / "spill-flatten"
            flattener = self._local.flattener = Flattener(self.obj, self._rule, spill=spill)
        return batches.put(self._home.store, self._home.scratch, flattener, framed)


def load(home: Home, obj: Object, paths: Sequence[str], advance: Advance = lambda _: None) -> LoadResult:
    """Load what is new in these files. `advance` is told the bytes of source files as they are read.

    Raises UsageError for paths that cannot be, TerminalError for files that cannot be read. A record that cannot be
    used is set aside and never stops the load. Stopping at any point loses nothing: the next load goes on.
    """
    return load_files(home, obj, list_of(obj, paths), advance)


def load_files(
    home: Home, obj: Object, files: Sequence[SourceFile], advance: Advance = lambda _: None, client: Any = None
) -> LoadResult:
    """The same for files that are listed already."""
    return load_batches(
        home, obj, lambda done: read_batches(home.settings, obj, files, done, client), len(files), advance
    )


def load_batches(home: Home, obj: Object, read: Read, files: int, advance: Advance) -> LoadResult:
    """Load what a source gives beyond what was read before, after finishing what an earlier run began."""
    started = clock.monotonic_s()
    flatteners = Flatteners(home, obj)
    recovered = recover(home, obj, lambda plan: redo(home, flatteners, plan))
    done = index.positions(home.warehouse, obj.name)
    counts: list[Counts] = []
    drifts: list[Drift] = []
    bytes_read = 0
    for group in _merge_groups(_flattened(home, flatteners, read(done), advance), batches_max(home)):
        counts += merge_batches(home, obj, group)
        drifts += [record.drift for record in group if record.drift.records]
        bytes_read += sum(record.bytes_read for record in group)
    seconds = clock.monotonic_s() - started
    return LoadResult(obj.name, total(counts), len(counts), bytes_read, seconds, files, recovered, tuple(drifts))


def redo(home: Home, flatteners: Flatteners, plan: Plan) -> None:
    """Do a planned batch again. What has changed since is dropped from it: the new version is read anew.

    The other files of such a batch become batches of their own, since what follows in them may be read already.
    """
    if plan.source == REFUSED_SOURCE:
        put_again(home, flatteners.obj, plan)
        return
    if plan.source in _READ_ON:
        home.store.remove(layout.plan_key(plan.object_name, plan.batch_id))
        return
    try:
        framed = _reread(home, plan)
    except SourceChangedError:
        parts = [replace(plan, ranges=(one,)) for one in plan.ranges] if len(plan.ranges) > 1 else []
        for part in parts:
            batches.record_plan(home.store, part)
        home.store.remove(layout.plan_key(plan.object_name, plan.batch_id))
        for part in parts:
            redo(home, flatteners, part)
        return
    flatteners.put(framed)


def _reread(home: Home, plan: Plan) -> Framed:
    if plan.source == REPLAY_SOURCE:
        return reread_letters(home, plan)
    if plan.source == dynamodb_export.NAME:
        return dynamodb_export.reread(home.objects[plan.object_name], plan, rules_of(home.settings))
    return reread(home.settings, plan)


def _flattened(home: Home, flatteners: Flatteners, source: Iterator[Framed], advance: Advance) -> Iterator[BatchRecord]:
    """Flatten on as many threads as there are cores, in order, with few batches in flight."""
    workers = min(home.settings.threads, FLATTEN_WORKERS_MAX)
    with ThreadPoolExecutor(workers, thread_name_prefix="flatten") as pool:
        waiting: list[tuple[Future[BatchRecord], int]] = []
        try:
            for framed in source:
                batches.record_plan(home.store, framed.plan)
                waiting.append((pool.submit(flatteners.put, framed), framed.bytes_read))
                while len(waiting) > workers or (waiting and waiting[0][0].done()):
                    yield _first(waiting, advance)
            while waiting:
                yield _first(waiting, advance)
        finally:
            # Stopped by Ctrl-C or an error: batches that have not begun stay planned, the next run does them.
            pool.shutdown(cancel_futures=True)


def _first(waiting: list[tuple[Future[BatchRecord], int]], advance: Advance) -> BatchRecord:
    future, size = waiting.pop(0)
    record = future.result()
    advance(size)
    return record


def _merge_groups(records: Iterator[BatchRecord], most: int) -> Iterator[list[BatchRecord]]:
    group: list[BatchRecord] = []
    for record in records:
        group.append(record)
        if len(group) >= most or sum(one.accepted for one in group) >= MERGE_ROWS_MAX:
            yield group
            group = []
    if group:
        yield group
