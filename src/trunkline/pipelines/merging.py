"""Batches of the lake into the warehouse: rows, ledger and tombstones together, and what a dead run left behind."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace

from trunkline import clock
from trunkline.batch import Counts, Plan
from trunkline.lake import layout
from trunkline.lake.writer import write_tombstones
from trunkline.ledger import index
from trunkline.ledger.records import BatchRecord, MergeRecord, decode_batch, decode_plan, encode
from trunkline.objects.model import Object
from trunkline.pipelines.home import Home
from trunkline.warehouse import duckdb as warehouse

# Batches merged in one transaction: each merge plans a dozen statements over every column of the table.
MERGE_BATCHES_MAX = 16
MERGE_ROWS_MAX = 100_000


def merge_batches(home: Home, obj: Object, records: Sequence[BatchRecord]) -> list[Counts]:
    """Merge batches whose rows are in the lake; nothing is counted twice when this is repeated."""
    files = [home.store.fetch(put.key, home.scratch / "fetched") for record in records for put in record.puts]
    merged_at = clock.now_naive()
    full: dict[str, Counts] = {}

    def before_commit(counts: Mapping[str, Counts]) -> None:
        if counts:
            write_tombstones(home.con, obj, list(counts), home.store, home.scratch)
        for record in records:
            merged = replace(
                counts.get(record.batch_id, Counts()),
                read=record.read, filtered=record.filtered, dead_letter=record.dead_letter,
            )  # fmt: skip
            if not merged.is_balanced:
                raise AssertionError(f"batch {record.batch_id} does not add up: {asdict(merged)}")
            full[record.batch_id] = merged
            index.add_batch(home.con, record, merged, merged_at)

    warehouse.merge(home.con, obj, files, before_commit)
    for record in records:
        # The plan goes last: while it is there, the next run looks whether this batch is done.
        merge_record = MergeRecord(record.batch_id, full[record.batch_id], merged_at)
        home.store.put_bytes(encode(merge_record), layout.merge_key(obj.name, record.batch_id))
        home.store.remove(layout.plan_key(obj.name, record.batch_id))
    _forget_fetched(home)
    return [full[record.batch_id] for record in records]


def _forget_fetched(home: Home) -> None:
    folder = home.scratch / "fetched"
    if folder.exists():
        for path in folder.iterdir():
            path.unlink()


def unmerged(home: Home, obj: Object) -> list[BatchRecord]:
    """Batches in the lake that this warehouse does not hold, oldest first."""
    held = index.merged_batches(home.con, obj.name)
    found: list[BatchRecord] = []
    for key in home.store.list(layout.batch_key(obj.name, "").removesuffix(".json")):
        if key.removesuffix(".json").rpartition("/")[2] not in held:
            data = home.store.get_bytes(key)
            assert data is not None, f"{key} is listed and not there"
            found.append(decode_batch(data))
    return sorted(found, key=lambda record: (record.loaded_at, record.batch_id))


def open_plans(home: Home, obj: Object) -> list[Plan]:
    """Plans of batches that did not come to their end."""
    found: list[Plan] = []
    for key in home.store.list(layout.plan_key(obj.name, "").removesuffix(".json")):
        data = home.store.get_bytes(key)
        assert data is not None, f"{key} is listed and not there"
        found.append(decode_plan(data))
    return found


def recover(home: Home, obj: Object, redo: Callable[[Plan], None]) -> int:
    """Finish what an earlier run began; returns the number of batches finished.

    A plan without accounting is done again over the same ranges (`redo`), so that its files replace what the first
    try put; a batch in the lake that the warehouse lacks is merged.
    """
    finished = 0
    held = index.merged_batches(home.con, obj.name)
    for plan in open_plans(home, obj):
        finished += 1
        if home.store.get_bytes(layout.batch_key(obj.name, plan.batch_id)) is None:
            redo(plan)
        elif plan.batch_id in held:
            home.store.remove(layout.plan_key(obj.name, plan.batch_id))
    waiting = unmerged(home, obj)
    for group in grouped(waiting):
        merge_batches(home, obj, group)
    return max(finished, len(waiting))


def grouped(records: Sequence[BatchRecord]) -> list[list[BatchRecord]]:
    """Batches in groups that are merged together."""
    groups: list[list[BatchRecord]] = []
    rows = 0
    for record in records:
        if not groups or len(groups[-1]) >= MERGE_BATCHES_MAX or rows + record.accepted > MERGE_ROWS_MAX:
            groups.append([])
            rows = 0
        groups[-1].append(record)
        rows += record.accepted
    return groups
