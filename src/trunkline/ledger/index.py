"""The ledger in a warehouse, in SQL that every engine reads: what a merge writes, and queries of it.

What is written reads nothing, so that an engine may send it together with its merge, and has no effect a second time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any

import msgspec

from trunkline.accounting import Counts, Drift, total
from trunkline.ledger.records import BatchRecord
from trunkline.objects.ledger import BATCH, DEAD_LETTER, POSITION
from trunkline.positions import API_SOURCE, REFUSED_SOURCE, REPLAY_SOURCE, FileRange, LetterRange, Progress
from trunkline.records import Refused
from trunkline.sql.session import Session


def merged_batches(db: Session, object_name: str) -> set[str]:
    """Ids of the batches this warehouse holds."""
    rows = db.query("SELECT batch_id FROM ledger.batch WHERE object = $1", [object_name])
    return {batch_id for (batch_id,) in rows}


def positions(db: Session, object_name: str) -> dict[tuple[str, str], Progress]:
    """How far each version of each file is read."""
    rows = db.query(
        "SELECT uri, version, next_offset, is_complete FROM ledger.position WHERE object = $1", [object_name]
    )
    return {(uri, version): Progress(offset, complete) for uri, version, offset, complete in rows}


def add_batch(
    db: Session, record: BatchRecord, counts: Counts, merged_at: datetime, refused: Sequence[Refused] = ()
) -> None:
    """Write a batch's row, positions and dead letters; nothing when the batch is there. Call inside the merge.

    `refused` are rows that this warehouse refuses: its own dead letters, by position and hash of the row.
    """
    plan = record.plan
    first = plan.ranges[0]
    row: dict[str, Any] = asdict(counts) | {
        "batch_id": record.batch_id,
        "object": plan.object_name,
        "source": plan.source,
        "first_position": first.first,
        "bytes_read": record.bytes_read,
        "drift": msgspec.json.encode(record.drift).decode() if record.drift.records else None,
        "loaded_at": record.loaded_at,
        "merged_at": merged_at,
        "code_version": record.code_version,
    }
    db.put(BATCH, [row])
    if record.undoes is not None:
        _undone(db, record.undoes)
    elif plan.source in (REPLAY_SOURCE, REFUSED_SOURCE):
        _replayed(db, record, refused)
    else:
        _positions(db, record)
        _letters(db, record)
    _refused(db, record, merged_at, refused)


def merged_batch(db: Session, batch_id: str) -> tuple[Counts, datetime] | None:
    """What this warehouse made of a batch, and when; None when it does not hold it."""
    names = ", ".join(asdict(Counts()))
    rows = db.query(f"SELECT {names}, merged_at FROM ledger.batch WHERE batch_id = $1", [batch_id])
    return (Counts(*rows[0][:-1]), rows[0][-1]) if rows else None


def _positions(db: Session, record: BatchRecord) -> None:
    """Move the files' positions on. Never back: batches of one file may be merged in another order than it was read.

    Sources of other ranges keep how far they are themselves.
    """
    furthest: dict[tuple[str, str], Progress] = {}
    for span in record.plan.ranges:
        if isinstance(span, FileRange):
            place = (span.uri, span.version)
            furthest[place] = max(furthest.get(place, Progress()), Progress(span.end, span.is_last))
    rows = [
        {
            "object": record.plan.object_name,
            "uri": uri,
            "version": version,
            "next_offset": progress.offset,
            "is_complete": progress.is_complete,
        }
        for (uri, version), progress in furthest.items()
    ]
    db.put(POSITION, rows, better=("next_offset", "is_complete"))


def _letters(db: Session, record: BatchRecord) -> None:
    rows = [
        {
            "object": record.plan.object_name,
            "position": letter.position,
            "payload_hash": letter.payload_hash,
            "batch_id": record.batch_id,
            "reason": letter.reason,
            "detail": letter.detail,
            "length_bytes": letter.length,
            "arrived_at": letter.arrived_at,
            "set_aside_at": record.loaded_at,
            "replays": 0,
            "replayed_in": None,
        }
        for letter in record.letters
    ]
    db.put(DEAD_LETTER, rows)


def _refused(db: Session, record: BatchRecord, merged_at: datetime, refused: Sequence[Refused]) -> None:
    rows = [
        {
            "object": record.plan.object_name,
            "position": refusal.position,
            "payload_hash": refusal.row_hash,
            "batch_id": record.batch_id,
            "reason": refusal.reason,
            "detail": refusal.detail,
            "length_bytes": refusal.length,
            "arrived_at": refusal.arrived_at,
            "set_aside_at": merged_at,
            "replays": 0,
            "replayed_in": None,
        }
        for refusal in refused
        if refusal.batch_id == record.batch_id
    ]
    db.put(DEAD_LETTER, rows)


def _undone(db: Session, batch_id: str) -> None:
    """What a batch set aside goes with it; what it had landed is set aside again."""
    db.run("DELETE FROM ledger.dead_letter WHERE batch_id = $1", [batch_id])
    db.run("UPDATE ledger.dead_letter SET replayed_in = NULL WHERE replayed_in = $1", [batch_id])


def _replayed(db: Session, record: BatchRecord, refused: Sequence[Refused]) -> None:
    """A replay lands the letters it does not set aside again. Its plan says which try of a letter it is."""
    again = {(letter.position, letter.payload_hash) for letter in record.letters}
    if record.plan.source == REFUSED_SOURCE:
        again = {(refusal.position, refusal.row_hash) for refusal in refused}
    groups: dict[tuple[int, str | None], list[str]] = {}
    for span in record.plan.ranges:
        if isinstance(span, LetterRange):
            landed = None if (span.position, span.payload_hash) in again else record.batch_id
            groups.setdefault((span.attempt + 1, landed), []).append(f"{span.payload_hash} {span.position}")
    for (replays, landed), letters in groups.items():
        marks = ", ".join(f"${number}" for number in range(4, len(letters) + 4))
        db.run(
            "UPDATE ledger.dead_letter SET replays = $1, replayed_in = $2 "
            f"WHERE object = $3 AND replays < $1 AND payload_hash || ' ' || position IN ({marks})",
            [replays, landed, record.plan.object_name, *letters],
        )


def totals(db: Session, object_name: str) -> Counts:
    """The accounting of everything loaded so far.

    A replay's records were read before: they move from the dead letters, or from what was refused, to where they
    were loaded. An undone batch has a negative entry, so that it is in no sum.
    """
    sums = ", ".join(f"COALESCE(sum({name}), 0)" for name in asdict(Counts()))
    rows = db.query(f"SELECT source, {sums} FROM ledger.batch WHERE object = $1 GROUP BY source", [object_name])
    by_source = {source: Counts(*map(int, counts)) for source, *counts in rows}
    again, refused = (by_source.pop(source, Counts()) for source in (REPLAY_SOURCE, REFUSED_SOURCE))
    first = total(by_source.values())
    moved = first + again + refused
    return replace(
        moved, read=first.read, dead_letter=moved.dead_letter - again.read, rejected=moved.rejected - refused.read
    )


def files_read(db: Session, object_name: str) -> int:
    """Versions of files that were read, in whole or in part."""
    count: int = db.query(
        "SELECT count(*) FROM ledger.position WHERE object = $1 AND uri NOT LIKE $2", [object_name, "connect://%"]
    )[0][0]
    return count


def drifts(db: Session, object_name: str) -> list[Drift]:
    """The drift of every batch, newest first."""
    rows = db.query(
        "SELECT drift FROM ledger.batch WHERE object = $1 AND drift IS NOT NULL AND source NOT IN ($2, $3) "
        "ORDER BY loaded_at DESC, batch_id",
        # Neither is what the stream sends: dead letters are repeated, and the API lacks fields.
        [object_name, REPLAY_SOURCE, API_SOURCE],
    )
    return [msgspec.json.decode(text, type=Drift) for (text,) in rows]


@dataclass(frozen=True, slots=True)
class SetAside:
    """A dead letter as the index knows it. `source` is that of the batch which set it aside."""

    object_name: str
    position: str
    payload_hash: str
    batch_id: str
    reason: str
    detail: str
    length: int
    arrived_at: datetime
    replays: int
    replayed_in: str | None
    source: str


def dead_letters(db: Session, object_name: str | None = None, is_open: bool = True) -> list[SetAside]:
    """Records set aside, oldest first; with `is_open` only those that no replay has landed."""
    conditions = ["1 = 1"] + ["d.object = $1"] * (object_name is not None) + ["d.replayed_in IS NULL"] * is_open
    rows = db.query(
        "SELECT d.object, d.position, d.payload_hash, d.batch_id, d.reason, d.detail, d.length_bytes, d.arrived_at, "
        "d.replays, d.replayed_in, b.source FROM ledger.dead_letter AS d "
        f"JOIN ledger.batch AS b ON b.batch_id = d.batch_id WHERE {' AND '.join(conditions)}",
        [object_name] if object_name is not None else [],
    )
    # Not sorted by the engine: each sorts text in its own way.
    return sorted((SetAside(*row) for row in rows), key=lambda letter: (letter.arrived_at, letter.position))


@dataclass(frozen=True, slots=True)
class Loads:
    """What the ledger holds of an object: batches merged, the last merge (UTC, None before the first), set aside."""

    batches: int
    last_load: datetime | None
    set_aside: int


def loads(db: Session, object_name: str) -> Loads:
    """The state of an object's loads."""
    batches = db.query("SELECT count(*), max(merged_at) FROM ledger.batch WHERE object = $1", [object_name])
    aside = db.query("SELECT count(*) FROM ledger.dead_letter WHERE object = $1 AND replayed_in IS NULL", [object_name])
    return Loads(*batches[0], *aside[0])


def last_load_batches(db: Session, object_name: str) -> int:
    """How many batches with records the latest load merged; a load is what was merged in one go."""
    rows = db.query(
        "SELECT count(*) FROM ledger.batch WHERE object = $1 AND drift IS NOT NULL AND source <> $2 AND merged_at = "
        "(SELECT max(merged_at) FROM ledger.batch WHERE object = $1 AND drift IS NOT NULL AND source <> $2)",
        [object_name, API_SOURCE],
    )
    return int(rows[0][0])


def installed_versions(db: Session) -> dict[str, str]:
    """The version of Trunkline that installed each object's tables; empty for an embedded warehouse."""
    return dict(db.query("SELECT object, code_version FROM ledger.installation"))
