"""Batches of the lake in the warehouse: merged, found unmerged, or restored from the lake as a whole."""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path

from trunkline import clock
from trunkline.accounting import Counts, total
from trunkline.errors import TerminalError
from trunkline.lake import layout
from trunkline.lake.writer import write_tombstones
from trunkline.ledger import index
from trunkline.ledger.records import BatchRecord, MergeRecord, decode_batch, decode_merge, encode
from trunkline.limits import MERGE_ROWS_MAX
from trunkline.objects.model import Object
from trunkline.pipelines.batches import whole_path
from trunkline.pipelines.home import Home
from trunkline.records import Refused
from trunkline.sql.relation import Relation
from trunkline.sql.session import Session
from trunkline.warehouse.model import CommitHooks, Staged
from trunkline.warehouse.targets import target_of

_FETCHED = "fetched"


def merge_batches(
    home: Home,
    obj: Object,
    records: Sequence[BatchRecord],
    after: Callable[[Sequence[BatchRecord]], None] = lambda _: None,
) -> list[Counts]:
    """Merge batches whose rows are in the lake, in one transaction; nothing is counted twice when this is repeated.

    `after` is called when they are merged, and before their plans are removed. Raises TransientError when another
    loader holds the table for too long.
    """
    staged = [Staged(record.batch_id, _local_files(home, record)) for record in records]
    merged_at = clock.now_naive()

    def tombstones(moved: Relation, batch_ids: Sequence[str]) -> None:
        write_tombstones(home.con, obj, moved, batch_ids, home.store, home.scratch)

    def ledger(session: Session, counts: Mapping[str, Counts], refused: Sequence[Refused]) -> None:
        for record in records:
            merged = _account(record, counts.get(record.batch_id, Counts()), record.batch_id in counts)
            index.add_batch(session, record, merged, merged_at, refused)

    counts = home.warehouse.merge(obj, staged, CommitHooks(tombstones, ledger))
    accounts = [_account(record, counts.get(record.batch_id, Counts())) for record in records]
    after(records)
    for record, account in zip(records, accounts, strict=True):
        note_merge(home, obj, MergeRecord(record.batch_id, account, merged_at))
        whole_path(home.scratch, record.batch_id).unlink(missing_ok=True)
    shutil.rmtree(home.scratch / _FETCHED, ignore_errors=True)
    return accounts


def _local_files(home: Home, record: BatchRecord) -> tuple[Path, ...]:
    """The rows of a batch: in one file where it was flattened just now, else as the lake has them."""
    whole = whole_path(home.scratch, record.batch_id)
    if whole.exists():
        return (whole,)
    return tuple(home.store.fetch(put.key, home.scratch / _FETCHED) for put in record.puts)


def _account(record: BatchRecord, merged: Counts, is_known: bool = True) -> Counts:
    """A batch's whole account. Raises AssertionError where the merge's terms are known and leave a record out."""
    account = replace(merged, read=record.read, filtered=record.filtered, dead_letter=record.dead_letter)
    if is_known and not account.is_balanced:
        raise AssertionError(f"batch {record.batch_id} does not add up: {asdict(account)}")
    return account


def note_merge(home: Home, obj: Object, record: MergeRecord) -> None:
    """Write down in the lake that a batch is merged, and remove its plan.

    The plan is removed last: while it exists, the next run looks whether the batch is done.
    """
    home.store.put_bytes(encode(record), layout.merge_key(obj.name, record.batch_id))
    home.store.remove(layout.plan_key(obj.name, record.batch_id))


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


def unmerged(home: Home, obj: Object) -> list[BatchRecord]:
    """Batches in the lake that this warehouse lacks, oldest first."""
    merged = index.merged_batches(home.warehouse, obj.name)
    keys = [key for key in home.store.list(layout.batch_prefix(obj.name)) if layout.id_of(key) not in merged]
    records = [decode_batch(home.store.require_bytes(key)) for key in keys]
    return sorted(records, key=lambda record: (record.loaded_at, record.batch_id))


def merge_record(home: Home, obj: Object, batch_id: str) -> MergeRecord | None:
    """What a warehouse made of a batch, by the lake's own records; None where it was never merged."""
    data = home.store.get_bytes(layout.merge_key(obj.name, batch_id))
    return decode_merge(data) if data is not None else None


def restore(
    home: Home,
    obj: Object,
    lost: Sequence[tuple[BatchRecord, MergeRecord]],
    waiting: Collection[str],
    advance: Callable[[int], None],
) -> None:
    """Fill the warehouse table from the lake, without the batches that wait for their first merge.

    `lost` are batches that were merged once and that this warehouse lacks: their ledger rows are written again.
    `advance` is called with 1 for each file. Raises TerminalError where lake and accounting disagree.
    """
    known = index.totals(home.warehouse, obj.name)
    again = total(merged.counts for _, merged in lost)
    # A row that marks its key as deleted is in the table and does not count as a row.
    expected = known.inserted + again.inserted - known.deleted - again.deleted

    def before_commit(session: Session, rows: int) -> None:
        for record, merged in lost:
            index.add_batch(session, record, merged.counts, merged.merged_at)
        if rows != expected:
            raise TerminalError(
                f"the lake {home.settings.lake} gives {rows:,} rows of {obj.name} and its accounting says "
                f"{expected:,}: files of it are missing or were changed. Restore them from a backup; the warehouse is "
                "unchanged"
            )

    home.warehouse.rebuild(obj, _fetch_months(home, obj, waiting, advance), before_commit)


def _fetch_months(
    home: Home, obj: Object, without: Collection[str], advance: Callable[[int], None]
) -> list[list[Path]]:
    """Local paths of rows, grouped by month of partition so that memory stays bounded."""
    groups: list[list[Path]] = []
    keys = [key for key in home.store.list(layout.table_prefix(obj)) if key.endswith(".parquet")]
    wanted = [key for key in keys if layout.batch_of(key) not in without]
    for _, month in itertools.groupby(wanted, key=lambda key: key.partition("/day=")[0]):
        paths = []
        for key in month:
            paths.append(home.store.fetch(key, home.scratch / "rebuild"))
            advance(1)
        groups.append(paths)
    return groups
