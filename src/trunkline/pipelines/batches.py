"""One batch from framed records to rows in the lake: plan, flatten, put, account. Safe to repeat at any point."""

from __future__ import annotations

import shutil
from pathlib import Path

from trunkline import clock
from trunkline.flatten.flattener import Flattener
from trunkline.lake import layout
from trunkline.lake.store import Store
from trunkline.lake.writer import publish, write_files
from trunkline.ledger.records import BatchRecord, KeptBytes, Letter, Put, encode, encode_bytes
from trunkline.positions import REPLAY_SOURCE, Plan
from trunkline.records import DeadLetter, Framed, Mark
from trunkline.version import __version__


def record_plan(store: Store, plan: Plan) -> None:
    """Record what a batch covers, before its first put, so that a retry covers the same."""
    store.put_bytes(encode(plan), layout.plan_key(plan.object_name, plan.batch_id))


def put(store: Store, scratch: Path, flattener: Flattener, framed: Framed) -> BatchRecord:
    """Flatten a planned batch and put all of it into the lake. Durable when this returns; the same when repeated."""
    obj, batch_id = flattener.obj, framed.plan.batch_id
    loaded_at = clock.now_naive()
    done = flattener.flatten(framed, loaded_at)
    letters = _distinct(done.dead_letters)
    folder = scratch / batch_id
    files = write_files(flattener.con, obj, done.rows, done.days, folder) if done.accepted else []
    written = publish(obj, files, batch_id, store)
    shutil.rmtree(folder, ignore_errors=True)
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
    places = [span.place for span in framed.plan.ranges]
    spots = zip(framed.range_indexes, framed.offsets, framed.marks or (), strict=False)
    return {f"{places[index]}{offset}": mark for index, offset, mark in spots}


def _distinct(letters: list[DeadLetter]) -> list[DeadLetter]:
    return list({(one.position, one.payload_hash): one for one in letters}.values())


def _indexed(letter: DeadLetter) -> Letter:
    return Letter(letter.position, letter.payload_hash, letter.reason, letter.detail, letter.length, letter.arrived_at)
