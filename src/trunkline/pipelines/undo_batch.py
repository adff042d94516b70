"""The steps that undo a batch: lake and warehouse as if it had never been loaded, and a negative entry in the ledger.

First an intent is recorded, then the warehouse changes together with its ledger, then the lake. After a crash the next
run resumes from the intent. The files of the batch still count as read: a load of the same folder must not bring it
back.
"""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass, replace

from trunkline import clock
from trunkline.accounting import Counts, Drift
from trunkline.engines.duckdb import DUCKDB
from trunkline.errors import TerminalError
from trunkline.lake import layout
from trunkline.lake.writer import write_tombstones
from trunkline.ledger import index
from trunkline.ledger.records import BatchRecord, MergeRecord, decode_batch, encode
from trunkline.objects.model import Object
from trunkline.pipelines.home import Home
from trunkline.sql.lake.views import MOVED_TO, lake_rows
from trunkline.sql.order import order_by, partition_date, same_key
from trunkline.sql.relation import (
    BATCH_ID,
    LOST_DATE,
    PARTITION_DATE,
    WINNER,
    WON_DATE,
    Relation,
    object_rows,
    tombstone_rows,
)
from trunkline.sql.session import Session
from trunkline.urls import public_url
from trunkline.version import __version__
from trunkline.warehouse import staging


@dataclass(frozen=True, slots=True)
class _Versions:
    """Tables of the embedded engine: the batch's rows, all other versions of their keys, the best of these."""

    touched: Relation
    candidates: Relation
    winners: Relation


def _versions_of(obj: Object) -> _Versions:
    more = (MOVED_TO.name, "record_file", BATCH_ID, PARTITION_DATE)
    return _Versions(
        object_rows(obj, "touched", more[:1]),
        object_rows(obj, "candidates", more),
        object_rows(obj, "winners", more),
    )


def undo_id(batch_id: str) -> str:
    """The id of the batch that undoes another: a function of that one's id, so that a retry is the same batch."""
    return hashlib.sha256(f"undo {batch_id}".encode()).hexdigest()[:32]


def begun_undos(home: Home, obj: Object) -> list[str]:
    """Batches whose undo was begun and is not finished."""
    return [layout.id_of(key) for key in home.store.list(layout.undo_prefix(obj.name))]


def undo_batch(home: Home, obj: Object, batch_id: str) -> Counts:
    """Undo a batch whose intent is recorded, or resume its undo; returns its entry in the ledger. Safe to repeat.

    Raises TerminalError where the batch's accounting is missing.
    """
    record = decode_batch(home.store.require_bytes(layout.batch_key(obj.name, batch_id)))
    own = [key for key in home.store.list(layout.table_prefix(obj)) if _is_file_of(key, batch_id)]
    merged = index.merged_batch(home.warehouse, undo_id(batch_id))
    at = merged[1] if merged else clock.now_naive()
    undone = BatchRecord(
        undo_id(batch_id), record.plan, -record.read, -record.filtered, -record.dead_letter, -record.accepted,
        -record.bytes_read, [], [], Drift(), at, __version__, batch_id,
    )  # fmt: skip
    has_rows = _find_versions(home, obj, own)
    counts = merged[0] if merged else _change_warehouse(home, obj, record, undone, has_rows)
    if has_rows:
        _rewrite_tombstones(home, obj, batch_id)
    for key in own:
        home.store.remove(key)
    home.store.remove(layout.bytes_key(obj.name, batch_id))
    home.store.put_bytes(encode(undone), layout.batch_key(obj.name, undone.batch_id))
    record_of_merge = MergeRecord(undone.batch_id, counts, undone.loaded_at)
    home.store.put_bytes(encode(record_of_merge), layout.merge_key(obj.name, undone.batch_id))
    home.store.remove(layout.undo_key(obj.name, batch_id))
    return counts


def _is_file_of(key: str, batch_id: str) -> bool:
    return key.endswith((f"/{batch_id}.parquet", f"/{batch_id}.moved.parquet"))


def _fetched(home: Home, keys: list[str]) -> list[str]:
    return [str(home.store.fetch(key, home.scratch / "undo")) for key in keys]


def _find_versions(home: Home, obj: Object, own: list[str]) -> bool:
    """Fill the tables of `_versions_of`; returns whether the batch has rows."""
    rows = [key for key in own if ".moved." not in key]
    if not rows:
        return False
    keys = ", ".join(DUCKDB.quote(key) for key in obj.key)
    versions = _versions_of(obj)
    touched, candidates, winners = versions.touched, versions.candidates, versions.winners
    plain = "read_parquet($1, union_by_name = true, hive_partitioning = false)"
    home.con.execute(
        f"CREATE OR REPLACE TEMP TABLE {touched.sql} AS SELECT * FROM {lake_rows(obj, plain)}", [_fetched(home, rows)]
    )
    others = [key for key in home.store.list(layout.table_prefix(obj)) if key.endswith(".parquet") and key not in own]
    files = "read_parquet($1, filename = 'record_file', union_by_name = true, hive_partitioning = false)"
    source = lake_rows(obj, files, [("record_file", "VARCHAR")])
    if others:
        home.con.execute(
            f"CREATE OR REPLACE TEMP TABLE {candidates.sql} AS SELECT *, '' AS {BATCH_ID}, "
            f"{partition_date(obj, DUCKDB)} AS {PARTITION_DATE} FROM {source} WHERE record_moved_to IS NULL "
            f"AND ({keys}) IN (SELECT ({keys}) FROM {touched.sql})",
            [_fetched(home, others)],
        )
    else:
        home.con.execute(
            f"CREATE OR REPLACE TEMP TABLE {candidates.sql} AS SELECT *, '' AS record_file, '' AS {BATCH_ID}, "
            f"CAST(NULL AS DATE) AS {PARTITION_DATE} FROM {touched.sql} WHERE false"
        )
    staging.refuse(home.con, obj, home.warehouse.engine, candidates)
    home.con.execute(
        f"CREATE OR REPLACE TEMP TABLE {winners.sql} AS SELECT * FROM {candidates.sql} QUALIFY row_number() OVER "
        f"(PARTITION BY {keys} ORDER BY {order_by(obj, DUCKDB)}, record_file) = 1"
    )
    return True


def _change_warehouse(home: Home, obj: Object, record: BatchRecord, undone: BatchRecord, has_rows: bool) -> Counts:
    merged = index.merged_batch(home.warehouse, record.batch_id)
    if merged is None:
        raise TerminalError(
            f"batch {record.batch_id} is to be undone and was never merged into "
            f"{public_url(home.settings.warehouse)}; load once, which merges it, then run the same command again"
        )
    totals = index.totals(home.warehouse, obj.name)
    entries: list[Counts] = []

    def before_commit(session: Session, change: int) -> None:
        entries.append(_entry(undone, merged[0], totals, change))
        index.add_batch(session, undone, entries[0], undone.loaded_at)

    versions = _versions_of(obj)
    if not has_rows:
        for table in (versions.touched, versions.winners):
            columns = ", ".join(f"CAST(NULL AS {DUCKDB.type_of(c)}) AS {DUCKDB.quote(c.name)}" for c in obj.columns)
            home.con.execute(f"CREATE OR REPLACE TEMP TABLE {table.sql} AS SELECT {columns} WHERE false")
    home.warehouse.refold(obj, versions.touched, versions.winners, before_commit)
    return entries[0]


def _entry(undone: BatchRecord, own: Counts, totals: Counts, change: int) -> Counts:
    """The terms of the entry, none above zero. `change` is how many rows the table gained.

    Where other batches have versions of the same keys, their records would be counted otherwise without this batch: an
    update may become the first version. So the terms are taken off where there are any, the batch's own first. The
    totals still add up: keys in the table, and records beyond them. Raises TerminalError where that is impossible.
    """
    entry = {"inserted": change, "rejected": -own.rejected}
    left = -undone.accepted + change - own.rejected
    names = ("duplicate", "superseded", "updated", "deleted")
    removed = dict.fromkeys(names, 0)
    for most in (asdict(own), asdict(totals)):
        for name in names:
            more = max(0, min(left, most[name] - removed[name]))
            removed[name] += more
            left -= more
    if left:
        raise TerminalError(
            f"batch {undone.undoes} cannot be taken out of the accounting: {left:,} records are left over, so the "
            "ledger does not add up. Run trunkline doctor; nothing was changed"
        )
    entry |= {name: -count for name, count in removed.items()}
    return replace(Counts(), read=undone.read, filtered=undone.filtered, dead_letter=undone.dead_letter, **entry)


def _rewrite_tombstones(home: Home, obj: Object, batch_id: str) -> None:
    """Remove tombstones that name the batch's versions, and write those that the remaining versions need."""
    versions, moved = _versions_of(obj), tombstone_rows(obj)
    for key in list(home.store.list(layout.table_prefix(obj))):
        if ".moved." in key and not _is_file_of(key, batch_id) and undo_id(batch_id) not in key:
            _drop_from_tombstones(home, versions.touched, key)
    keys = ", ".join(f"c.{DUCKDB.quote(key)}" for key in obj.key)
    winner = ", ".join(f"w.{name}" for name in WINNER)
    home.con.execute(
        f"CREATE OR REPLACE TEMP TABLE {moved.sql} AS SELECT DISTINCT {keys}, {winner}, $1 AS {BATCH_ID}, "
        f"c.{PARTITION_DATE} AS {LOST_DATE}, w.{PARTITION_DATE} AS {WON_DATE} FROM {versions.candidates.sql} AS c "
        f"JOIN {versions.winners.sql} AS w ON {same_key(obj, DUCKDB, 'c', 'w')} "
        f"WHERE c.{PARTITION_DATE} <> w.{PARTITION_DATE}",
        [undo_id(batch_id)],
    )
    write_tombstones(home.con, obj, moved, [undo_id(batch_id)], home.store, home.scratch)


def _drop_from_tombstones(home: Home, touched: Relation, key: str) -> None:
    """Rewrite a file of tombstones without those whose winner is undone; a tombstone has its winner's position."""
    path = str(home.store.fetch(key, home.scratch / "undo"))
    stale = f"record_position IN (SELECT record_position FROM {touched.sql})"
    source = "read_parquet($1, hive_partitioning = false)"
    ((all_rows, of_batch),) = home.con.execute(
        f"SELECT count(*), count(*) FILTER ({stale}) FROM {source}", [path]
    ).fetchall()
    if of_batch == all_rows:
        home.store.remove(key)
    elif of_batch:
        kept = home.scratch / "kept.parquet"
        rest = f"SELECT * FROM read_parquet('{_quoted(path)}', hive_partitioning = false) WHERE NOT {stale}"
        home.con.execute(f"COPY ({rest}) TO '{_quoted(str(kept))}' (FORMAT parquet, COMPRESSION zstd)")
        home.store.put_file(kept, key)


def _quoted(path: str) -> str:
    return path.replace("'", "''")
