"""Batches in the lake: planned, flattened, put, accounted for. Safe to repeat at any point."""

from __future__ import annotations

import shutil
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from trunkline import clock, limits
from trunkline.accounting import Drift
from trunkline.flatten.flattener import Flattener
from trunkline.lake import layout
from trunkline.lake.store import Store
from trunkline.lake.writer import LocalFile, publish, write_files, write_whole
from trunkline.ledger.records import BatchRecord, KeptBytes, Letter, Put, decode_plan, encode, encode_bytes
from trunkline.objects.model import Object
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


@dataclass(frozen=True, slots=True)
class WrittenBatch:
    """A flattened batch whose files wait in a folder to be published."""

    files: list[LocalFile]
    dead_letters: list[DeadLetter]
    drift: Drift
    loaded_at: datetime


def whole_path(scratch: Path, batch_id: str) -> Path:
    """The file of all rows of a batch, from when it is flattened until it is merged. Most batches have none."""
    return scratch / "whole" / f"{batch_id}.parquet"


def put(store: Store, scratch: Path, flattener: Flattener, framed: Framed) -> BatchRecord:
    """Flatten a planned batch and put all of it into the lake. Durable when this returns; the same when repeated."""
    return put_written(store, flattener.obj, framed, write(scratch, flattener, framed))


def write(scratch: Path, flattener: Flattener, framed: Framed, is_merged_here: bool = False) -> WrittenBatch:
    """Flatten a batch, and write its files to a folder of the batch's own in `scratch`.

    `is_merged_here`: many small files are written once more as one, at `whole_path`. To read a small file costs five
    times what its rows do, and in a bucket two requests.
    """
    loaded_at = clock.now_naive()
    done = flattener.flatten(framed, loaded_at)
    folder = scratch / framed.plan.batch_id
    files = write_files(flattener.con, flattener.obj, done.rows, done.days, folder) if done.accepted else []
    if is_merged_here and len(files) > 1 and done.accepted < limits.SMALL_FILE_ROWS * len(files):
        write_whole(flattener.con, flattener.obj, done.rows, whole_path(scratch, framed.plan.batch_id))
    return WrittenBatch(files, done.dead_letters, done.drift, loaded_at)


def put_written(store: Store, obj: Object, framed: Framed, written: WrittenBatch) -> BatchRecord:
    """Put a written batch into the lake: its files, the bytes of its dead letters, and last its accounting."""
    batch_id = framed.plan.batch_id
    letters = _distinct(written.dead_letters)
    published = publish(obj, written.files, batch_id, store)
    for folder in {file.folder for file in written.files}:
        shutil.rmtree(folder, ignore_errors=True)
    if letters and framed.plan.source != REPLAY_SOURCE:  # the bytes of what is run again are kept already
        marks = _marks(framed)
        kept = [
            KeptBytes(letter.position, letter.payload_hash, letter.payload, letter.length, marks.get(letter.position))
            for letter in letters
        ]
        store.put_bytes(encode_bytes(kept), layout.bytes_key(obj.name, batch_id), is_private=True)
    record = BatchRecord(
        batch_id=batch_id,
        plan=framed.plan,
        read=framed.read,
        filtered=framed.filtered,
        dead_letter=len(written.dead_letters),
        accepted=sum(file.rows for file in written.files),
        bytes_read=framed.bytes_read,
        puts=[Put(file.key, file.rows, file.day) for file in published],
        letters=[_indexed(letter) for letter in letters],
        drift=written.drift,
        loaded_at=written.loaded_at,
        code_version=__version__,
    )
    if record.read != record.accepted + record.filtered + record.dead_letter:
        raise AssertionError(f"batch {batch_id}: {record.read} read, {record.accepted} + {record.dead_letter} kept")
    store.put_bytes(encode(record), layout.batch_key(obj.name, batch_id))
    return record


def _marks(framed: Framed) -> dict[str, Mark]:
    """What the source knew of each record, by position: a replay is of the version that the record was."""
    places = [span.place for span in framed.plan.ranges]
    spots = zip(framed.range_indexes, framed.offsets, framed.marks or (), strict=False)
    return {f"{places[index]}{offset}": mark for index, offset, mark in spots}


def _distinct(letters: list[DeadLetter]) -> list[DeadLetter]:
    return list({(letter.position, letter.payload_hash): letter for letter in letters}.values())


def _indexed(letter: DeadLetter) -> Letter:
    return Letter(letter.position, letter.payload_hash, letter.reason, letter.detail, letter.length, letter.arrived_at)
