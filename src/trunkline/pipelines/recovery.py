"""What a run that ended early left behind: plans without accounting, batches not merged, merges not recorded."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Collection, Sequence
from pathlib import Path

from trunkline.accounting import total
from trunkline.errors import TerminalError
from trunkline.lake import layout
from trunkline.ledger import index
from trunkline.ledger.records import BatchRecord, MergeRecord, decode_batch, decode_merge, decode_plan
from trunkline.objects.model import Object
from trunkline.pipelines.home import Home
from trunkline.positions import Plan
from trunkline.sql.session import Session

Advance = Callable[[int], None]


def remove_rows(home: Home, obj: Object, batch_ids: Collection[str]) -> None:
    """Remove what batches without accounting have put: done again, they may put elsewhere or not at all."""
    for key in list(home.store.list(layout.table_prefix(obj))):
        if layout.batch_of(key) in batch_ids:
            home.store.remove(key)
    for batch_id in batch_ids:
        home.store.remove(layout.bytes_key(obj.name, batch_id))


def restore(
    home: Home,
    obj: Object,
    lost: Sequence[tuple[BatchRecord, MergeRecord]],
    waiting: Collection[str],
    advance: Advance,
) -> None:
    """Fill the warehouse table from the lake, without batches that wait for their first merge."""
    held = index.totals(home.warehouse, obj.name)
    again = total(merged.counts for _, merged in lost)
    # A row that says deleted stays in the table and is no row: live rows are inserted minus deleted.
    wanted = held.inserted + again.inserted - held.deleted - again.deleted

    def before_commit(session: Session, rows: int) -> None:
        for record, merged in lost:
            index.add_batch(session, record, merged.counts, merged.merged_at)
        if rows != wanted:
            raise TerminalError(
                f"the lake {home.settings.lake} gives {rows:,} rows of {obj.name} where its accounting has {wanted:,}: "
                "files of it are gone or were changed. Put them back from a backup; the warehouse is left as it was"
            )

    home.warehouse.rebuild(obj, _fetched_months(home, obj, waiting, advance), before_commit)


def _fetched_months(home: Home, obj: Object, without: Collection[str], advance: Advance) -> list[list[Path]]:
    """Local paths of rows, grouped by month of partition so that memory stays bounded."""
    groups: list[list[Path]] = []
    keys = [key for key in home.store.list(layout.table_prefix(obj)) if key.endswith(".parquet")]
    kept = [key for key in keys if layout.batch_of(key) not in without]
    for _, month in itertools.groupby(kept, key=lambda key: key.partition("/day=")[0]):
        paths = []
        for key in month:
            paths.append(home.store.fetch(key, home.scratch / "rebuild"))
            advance(1)
        groups.append(paths)
    return groups


def unmerged(home: Home, obj: Object) -> list[BatchRecord]:
    """Batches in the lake that this warehouse does not hold, oldest first."""
    held = index.merged_batches(home.warehouse, obj.name)
    found: list[BatchRecord] = []
    for key in home.store.list(layout.batch_prefix(obj.name)):
        if layout.id_of(key) not in held:
            data = home.store.get_bytes(key)
            assert data is not None, f"{key} is listed and not there"
            found.append(decode_batch(data))
    return sorted(found, key=lambda record: (record.loaded_at, record.batch_id))


def open_plans(home: Home, obj: Object) -> list[Plan]:
    """Plans of batches that did not come to their end."""
    found: list[Plan] = []
    for key in list(home.store.list(layout.plan_prefix(obj.name))):
        data = home.store.get_bytes(key)
        assert data is not None, f"{key} is listed and not there"
        found.append(decode_plan(data))
    return found


def merge_record(home: Home, obj: Object, batch_id: str) -> MergeRecord | None:
    """What some warehouse made of a batch, as the lake says; None where none ever merged it."""
    data = home.store.get_bytes(layout.merge_key(obj.name, batch_id))
    return decode_merge(data) if data is not None else None
