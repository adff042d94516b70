"""Batches of the lake into the warehouse: rows, ledger and tombstones together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace

from trunkline import clock
from trunkline.batch import Counts
from trunkline.lake import layout
from trunkline.lake.writer import write_tombstones
from trunkline.ledger import index
from trunkline.ledger.records import BatchRecord, MergeRecord, encode
from trunkline.objects.model import Object
from trunkline.pipelines.home import Home
from trunkline.warehouse import duckdb_merge as warehouse

# Batches merged in one transaction: each writes the table's last row group anew, and plans an INSERT of every column.
# 48 of them take 31 us a row, 16 take 40; 32 need 300 MB, 48 some 340.
MERGE_BATCHES_MAX = 32
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
