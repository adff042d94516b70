"""Batches of the lake into the warehouse: rows, ledger and tombstones together."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace

from trunkline import clock
from trunkline.accounting import Counts
from trunkline.lake import layout
from trunkline.lake.writer import write_tombstones
from trunkline.ledger import index
from trunkline.ledger.records import BatchRecord, MergeRecord, encode
from trunkline.objects.model import Object
from trunkline.pipelines.home import Home
from trunkline.records import Refused
from trunkline.sql.relation import Relation
from trunkline.sql.session import Session
from trunkline.warehouse.model import CommitHooks, Staged
from trunkline.warehouse.targets import target_of

MERGE_ROWS_MAX = 100_000


def merge_batches(
    home: Home,
    obj: Object,
    records: Sequence[BatchRecord],
    after: Callable[[Sequence[BatchRecord]], None] = lambda _: None,
) -> list[Counts]:
    """Merge batches whose rows are in the lake; nothing is counted twice when this is repeated.

    `after` is called when they are merged, and before their plans are forgotten.
    """
    fetched = home.scratch / "fetched"
    staged = [
        Staged(record.batch_id, tuple(home.store.fetch(put.key, fetched) for put in record.puts)) for record in records
    ]
    merged_at = clock.now_naive()

    def tombstones(moved: Relation, batch_ids: Sequence[str]) -> None:
        write_tombstones(home.con, obj, moved, batch_ids, home.store, home.scratch)

    def ledger(session: Session, counts: Mapping[str, Counts], refused: Sequence[Refused]) -> None:
        for record in records:
            merged = _account(record, counts.get(record.batch_id, Counts()), record.batch_id in counts)
            index.add_batch(session, record, merged, merged_at, refused)

    counted = home.warehouse.merge(obj, staged, CommitHooks(tombstones, ledger))
    full = {record.batch_id: _account(record, counted.get(record.batch_id, Counts())) for record in records}
    after(records)
    for record in records:
        # The plan goes last: while it is there, the next run looks whether this batch is done.
        merge_record = MergeRecord(record.batch_id, full[record.batch_id], merged_at)
        home.store.put_bytes(encode(merge_record), layout.merge_key(obj.name, record.batch_id))
        home.store.remove(layout.plan_key(obj.name, record.batch_id))
    _forget_fetched(home)
    return [full[record.batch_id] for record in records]


def _account(record: BatchRecord, merged: Counts, is_known: bool = True) -> Counts:
    """A batch's whole account. Raises AssertionError where the merge's terms are known and leave a record out."""
    full = replace(merged, read=record.read, filtered=record.filtered, dead_letter=record.dead_letter)
    if is_known and not full.is_balanced:
        raise AssertionError(f"batch {record.batch_id} does not add up: {asdict(full)}")
    return full


def _forget_fetched(home: Home) -> None:
    folder = home.scratch / "fetched"
    if folder.exists():
        for path in folder.iterdir():
            path.unlink()


def batches_max(home: Home) -> int:
    """How many batches the home's warehouse merges in one transaction."""
    return target_of(home.settings.warehouse).merge_batches_max


def grouped(home: Home, records: Sequence[BatchRecord]) -> list[list[BatchRecord]]:
    """Batches in groups that are merged together."""
    most = batches_max(home)
    groups: list[list[BatchRecord]] = []
    rows = 0
    for record in records:
        if not groups or len(groups[-1]) >= most or rows + record.accepted > MERGE_ROWS_MAX:
            groups.append([])
            rows = 0
        groups[-1].append(record)
        rows += record.accepted
    return groups
