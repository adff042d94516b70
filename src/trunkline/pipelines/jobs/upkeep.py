"""Upkeep: rebuild the warehouse from the lake, compact the lake, remove bytes whose retention is over."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta

from trunkline import clock
from trunkline.lake import layout
from trunkline.lake.compaction import compact_day
from trunkline.ledger.records import Compaction, decode_batch, decode_compaction, encode
from trunkline.objects.model import Object
from trunkline.pipelines.home import Home
from trunkline.pipelines.runner import Runner

Advance = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Compacted:
    """What a compaction did: partitions rewritten, files replaced, files removed, old versions scrubbed.

    `bytes_dropped` counts files of dead letters' bytes whose retention was over.
    """

    partitions: int
    files_replaced: int
    files_removed: int
    scrubbed: int
    bytes_dropped: int


def rebuild(home: Home, obj: Object, advance: Advance = lambda _: None) -> int:
    """Rebuild the warehouse table from the lake; returns its rows. The old rows stay until the new ones are there."""
    Runner(home, obj).recover(is_rebuild=True, advance=advance)
    return home.warehouse.count(obj)


def compact(home: Home, obj: Object, grace: timedelta, advance: Advance = lambda _: None) -> Compacted:
    """Make each partition one sorted file, and remove files replaced longer ago than `grace`.

    Readers miss nothing and see nothing twice. Batches that are not merged are merged first. A partition that is one
    compacted file already is left alone; one file of one batch is not, since it may have versions that a redaction must
    scrub. `advance` is called with 1 for each partition.
    """
    Runner(home, obj).recover()
    replaced_keys = _replaced_keys(home, obj)
    partitions = replaced = scrubbed = 0
    keys = [key for key in home.store.list(layout.table_prefix(obj)) if key.endswith(".parquet")]
    for day, group in itertools.groupby(keys, key=layout.day_of):
        current = [key for key in group if key not in replaced_keys]
        if day is None or not any(layout.batch_of(key) for key in current):
            continue
        done = compact_day(home.con, obj, day, current, home.store, home.scratch)
        record = Compaction(done.key, current, clock.now_naive(), done.scrubbed, done.rows)
        home.store.put_bytes(encode(record), layout.compaction_key(obj.name, done.fingerprint))
        partitions, replaced, scrubbed = partitions + 1, replaced + len(current), scrubbed + done.scrubbed
        advance(1)
    oldest = clock.now().date() - timedelta(days=home.settings.dead_letter_retention_days)
    dropped = drop_old_bytes(home, obj, oldest)
    return Compacted(partitions, replaced, _remove_replaced(home, obj, grace), scrubbed, dropped)


def _replaced_keys(home: Home, obj: Object) -> set[str]:
    return {key for record in _compactions(home, obj).values() for key in record.replaced}


def _compactions(home: Home, obj: Object) -> dict[str, Compaction]:
    keys = home.store.list(layout.compaction_prefix(obj.name))
    return {key: decode_compaction(home.store.require_bytes(key)) for key in keys}


def _remove_replaced(home: Home, obj: Object, grace: timedelta) -> int:
    removed = 0
    for key, record in _compactions(home, obj).items():
        if clock.now_naive() - record.compacted_at >= grace:
            for old in record.replaced:
                home.store.remove(old)
                removed += 1
            home.store.remove(key)
    return removed


def drop_old_bytes(home: Home, obj: Object, before: date) -> int:
    """Remove the bytes of dead letters whose batch was written before a date; the index stays."""
    removed = 0
    for key in home.store.list(layout.bytes_prefix(obj.name)):
        batch_id = layout.id_of(key)
        data = home.store.get_bytes(layout.batch_key(obj.name, batch_id))
        if data is not None and decode_batch(data).loaded_at.date() < before:
            home.store.remove(key)
            removed += 1
    return removed
