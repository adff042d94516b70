"""`undo`: a wrong load is undone, batch by batch."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from trunkline.engines.duckdb import DUCKDB
from trunkline.errors import UsageError
from trunkline.lake import layout
from trunkline.ledger import index
from trunkline.ledger.records import BatchRecord, decode_batch
from trunkline.objects.model import Object
from trunkline.pipelines.home import Home
from trunkline.pipelines.runner import Runner
from trunkline.pipelines.undo_batch import undo_batch, undo_id

_HOW = (
    "batches are listed by: trunkline sql 'SELECT batch_id, object, first_position, read, merged_at FROM ledger.batch'"
)


@dataclass(frozen=True, slots=True)
class Undone:
    """A batch that was undone: its source records, and how the table's rows changed (never above zero)."""

    object_name: str
    batch_id: str
    records: int
    rows: int


def undo(home: Home, objects: Iterable[Object], batch: str) -> Undone:
    """Undo the batch of one of these objects whose id begins with `batch`.

    Raises UsageError, and changes nothing, where that is impossible: its lake files were compacted with others, a
    replay that is not undone itself has loaded dead letters of it, or it was undone before.
    """
    obj, batch_id = _find(home, objects, batch)
    Runner(home, obj).recover()
    record = _checked(home, obj, batch_id)
    home.store.put_bytes(b"{}\n", layout.undo_key(obj.name, batch_id))
    counts = undo_batch(home, obj, batch_id)
    return Undone(obj.name, batch_id, record.read, counts.inserted)


def _find(home: Home, objects: Iterable[Object], batch: str) -> tuple[Object, str]:
    matches = [
        (obj, batch_id)
        for obj in objects
        for batch_id in index.merged_batches(home.warehouse, obj.name)
        if batch_id.startswith(batch)
    ]
    if len(matches) != 1 or not batch:
        seen = f"{len(matches):,} batches have" if matches else "no batch has"
        raise UsageError(f"{seen} an id that begins with {batch!r}; {_HOW}")
    return matches[0]


def _checked(home: Home, obj: Object, batch_id: str) -> BatchRecord:
    data = home.store.get_bytes(layout.batch_key(obj.name, batch_id))
    if data is None:
        raise UsageError(
            f"batch {batch_id} is not in the lake {home.settings.lake}: another lake's load; undo it there"
        )
    record = decode_batch(data)
    if record.undoes is not None:
        raise UsageError(f"batch {batch_id} itself undid {record.undoes}; load the files again instead")
    if index.merged_batch(home.warehouse, undo_id(batch_id)) is not None:
        raise UsageError(f"batch {batch_id} was undone before")
    letters = index.dead_letters(home.warehouse, obj.name, is_open=False)
    landed = sorted(
        {letter.replayed_in for letter in letters if letter.batch_id == batch_id and letter.replayed_in is not None}
    )
    if landed:
        raise UsageError(f"dead letters of batch {batch_id} were loaded by {', '.join(landed)}: undo that first")
    there = set(home.store.list(layout.table_prefix(obj)))
    if any(put.key not in there for put in record.puts) or _is_compacted(home, obj, record, there):
        raise UsageError(
            f"batch {batch_id} was compacted together with others, so its rows cannot be separated any more: undo a "
            "load before the next `trunkline lake compact`"
        )
    return record


def _is_compacted(home: Home, obj: Object, record: BatchRecord, there: set[str]) -> bool:
    """Whether a compacted file has a row of the batch, or a tombstone that names one."""
    compacted = sorted(key for key in there if "/compacted-" in key)
    if not compacted or not record.puts:
        return False
    paths, own = (
        [str(home.store.fetch(key, home.scratch / "undo")) for key in keys]
        for keys in (compacted, [put.key for put in record.puts])
    )
    source = "read_parquet({}, union_by_name = true, hive_partitioning = false)"
    column = DUCKDB.quote("record_position")
    rows = home.con.execute(
        f"SELECT 1 FROM {source.format('$1')} WHERE {column} IN (SELECT {column} FROM {source.format('$2')}) LIMIT 1",
        [paths, own],
    ).fetchall()
    return bool(rows)
