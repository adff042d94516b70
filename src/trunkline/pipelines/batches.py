"""Batches in the lake: planned, flattened side by side, put, accounted for. Safe to repeat at any point.

`FlattenPool` is the one place that decides how many cores a load uses.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Collection, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

from trunkline import clock
from trunkline.flatten.letters import place
from trunkline.flatten.run import Flattener
from trunkline.lake import layout
from trunkline.lake.store import Store
from trunkline.lake.writer import write_rows
from trunkline.ledger.records import BatchRecord, KeptBytes, Letter, Put, decode_plan, encode, encode_bytes
from trunkline.limits import FLATTEN_WORKERS_MAX
from trunkline.objects.model import Object
from trunkline.pipelines.home import LakeHome
from trunkline.positions import REPLAY_SOURCE, Plan
from trunkline.records import DeadLetter, Framed, Mark
from trunkline.version import __version__


def record_plan(store: Store, plan: Plan) -> None:
    """Record what a batch covers, before its first put, so that a retry covers the same."""
    store.put_bytes(encode(plan), layout.plan_key(plan.object_name, plan.batch_id))


def open_plans(store: Store, obj: Object) -> list[Plan]:
    """Plans of batches that are not merged yet, or whose merge the lake does not know of."""
    return [decode_plan(store.require_bytes(key)) for key in list(store.list(layout.plan_prefix(obj.name)))]


def remove_rows(store: Store, obj: Object, batch_ids: Collection[str]) -> None:
    """Remove what batches without accounting have put: a second attempt may put other files, or none."""
    for key in list(store.list(layout.table_prefix(obj))):
        if layout.batch_of(key) in batch_ids:
            store.remove(key)
    for batch_id in batch_ids:
        store.remove(layout.bytes_key(obj.name, batch_id))


def put(store: Store, scratch: Path, flattener: Flattener, framed: Framed) -> BatchRecord:
    """Flatten a planned batch and put all of it into the lake. Durable when this returns; the same when repeated."""
    obj, batch_id = flattener.obj, framed.plan.batch_id
    loaded_at = clock.now_naive()
    done = flattener.flatten(framed, loaded_at)
    letters = _distinct(done.dead_letters)
    written = write_rows(flattener.con, obj, flattener.flat, batch_id, store, scratch) if done.accepted else []
    if letters and framed.plan.source != REPLAY_SOURCE:  # what is run again has its bytes kept already
        marks = _marks(framed)
        kept = [
            KeptBytes(one.position, one.payload_hash, one.payload, one.length, marks.get(one.position))
            for one in letters
        ]
        store.put_bytes(encode_bytes(kept), layout.bytes_key(obj.name, batch_id), is_private=True)
    record = BatchRecord(
        batch_id=batch_id,
        plan=framed.plan,
        read=framed.read,
        filtered=framed.filtered,
        dead_letter=len(done.dead_letters),
        accepted=done.accepted,
        bytes_read=framed.bytes_read,
        puts=[Put(one.key, one.rows, one.day) for one in written],
        letters=[_indexed(one) for one in letters],
        drift=done.drift,
        loaded_at=loaded_at,
        code_version=__version__,
    )
    if record.read != record.accepted + record.filtered + record.dead_letter:
        raise AssertionError(f"batch {batch_id}: {record.read} read, {record.accepted} + {record.dead_letter} kept")
    store.put_bytes(encode(record), layout.batch_key(obj.name, batch_id))
    return record


def _marks(framed: Framed) -> dict[str, Mark]:
    """What the source knew of each record, by position: a replay is of the version that the record was."""
    places = [place(framed, index) for index in range(len(framed.plan.ranges))]
    spots = zip(framed.range_indexes, framed.offsets, framed.marks or (), strict=False)
    return {f"{places[index]}{offset}": mark for index, offset, mark in spots}


def _distinct(letters: list[DeadLetter]) -> list[DeadLetter]:
    return list({(one.position, one.payload_hash): one for one in letters}.values())


def _indexed(letter: DeadLetter) -> Letter:
    return Letter(letter.position, letter.payload_hash, letter.reason, letter.detail, letter.length, letter.arrived_at)


class FlattenPool:
    """Flattens batches of one object and puts them into the lake. Each thread has a flattener of its own.

    A replacement must keep three rules: records come in the order of the batches, few batches are in memory at once,
    and a batch that had not begun when the pool was stopped is not put.
    """

    def __init__(self, lake: LakeHome, obj: Object) -> None:
        self._lake, self._obj, self._rule = lake, obj, lake.rule
        self._local = threading.local()

    def put(self, framed: Framed) -> BatchRecord:
        """Flatten and put one planned batch on this thread; durable when this returns."""
        flattener: Flattener | None = getattr(self._local, "flattener", None)
        if flattener is None:
            spill = self._lake.scratch / "spill-flatten"
            flattener = self._local.flattener = Flattener(self._obj, self._rule, spill=spill)
        return put(self._lake.store, self._lake.scratch, flattener, framed)

    def put_all(self, planned: Iterator[Framed | None]) -> Iterator[BatchRecord | None]:
        """Put planned batches on as many threads as there are cores, in order, with few batches in flight.

        At a None, everything before it is put before the None is passed on and more is asked for.
        """
        workers = min(self._lake.settings.threads, FLATTEN_WORKERS_MAX)
        with ThreadPoolExecutor(workers, thread_name_prefix="flatten") as pool:
            waiting: deque[Future[BatchRecord]] = deque()
            try:
                for framed in planned:
                    if framed is not None:
                        waiting.append(pool.submit(self.put, framed))
                    while len(waiting) > workers or (waiting and (framed is None or waiting[0].done())):
                        yield waiting.popleft().result()
                    if framed is None:
                        yield None
                while waiting:
                    yield waiting.popleft().result()
            finally:
                # Stopped by Ctrl-C or an error: batches that have not begun stay planned, the next run does them.
                pool.shutdown(cancel_futures=True)
