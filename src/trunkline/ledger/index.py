"""The ledger in a DuckDB warehouse: its tables, what is written with a merge, and the questions asked of it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

import duckdb
import msgspec

from trunkline.batch import API_SOURCE, REPLAY_SOURCE, Counts, Drift, Progress
from trunkline.engines.duckdb import DUCKDB
from trunkline.engines.model import quote_qualified
from trunkline.ledger.records import BatchRecord
from trunkline.objects.ledger import BATCH, DEAD_LETTER, LEDGER_TABLES, POSITION, LedgerTable


def install(con: duckdb.DuckDBPyConnection) -> None:
    """Create the ledger's tables where they are not there."""
    con.execute("CREATE SCHEMA IF NOT EXISTS ledger")
    for table in LEDGER_TABLES:
        columns = ", ".join(
            f"{DUCKDB.quote(c.name)} {DUCKDB.type_of(c)}{'' if c.nullable else ' NOT NULL'}" for c in table.columns
        )
        con.execute(f"CREATE TABLE IF NOT EXISTS {quote_qualified(DUCKDB, table.name)} ({columns})")


def merged_batches(con: duckdb.DuckDBPyConnection, object_name: str) -> set[str]:
    """Ids of the batches this warehouse holds."""
    rows = con.execute("SELECT batch_id FROM ledger.batch WHERE object = $1", [object_name]).fetchall()
    return {batch_id for (batch_id,) in rows}


def positions(con: duckdb.DuckDBPyConnection, object_name: str) -> dict[tuple[str, str], Progress]:
    """How far each version of each file is read."""
    rows = con.execute(
        "SELECT uri, version, next_offset, is_complete FROM ledger.position WHERE object = $1", [object_name]
    ).fetchall()
    return {(uri, version): Progress(offset, complete) for uri, version, offset, complete in rows}


def add_batch(con: duckdb.DuckDBPyConnection, record: BatchRecord, counts: Counts, merged_at: datetime) -> None:
    """Write a batch's row, positions and dead letters; nothing when the batch is there. Call inside the merge."""
    plan = record.plan
    there = con.execute("SELECT count(*) FROM ledger.batch WHERE batch_id = $1", [record.batch_id]).fetchall()[0][0]
    if there:
        return
    first = plan.ranges[0]
    row: dict[str, Any] = asdict(counts) | {
        "batch_id": record.batch_id,
        "object": plan.object_name,
        "source": plan.source,
        "first_position": f"{first.uri}@{first.version}:{first.start}",
        "bytes_read": record.bytes_read,
        "drift": msgspec.json.encode(record.drift).decode() if record.drift.records else None,
        "loaded_at": record.loaded_at,
        "merged_at": merged_at,
        "code_version": record.code_version,
    }
    _insert(con, BATCH, [row])
    if plan.source == REPLAY_SOURCE:
        _replayed(con, record)
    else:
        _positions(con, record)
        _letters(con, record)


def merged_batch(con: duckdb.DuckDBPyConnection, batch_id: str) -> tuple[Counts, datetime] | None:
    """What this warehouse made of a batch, and when; None when it does not hold it."""
    names = ", ".join(asdict(Counts()))
    rows = con.execute(f"SELECT {names}, merged_at FROM ledger.batch WHERE batch_id = $1", [batch_id]).fetchall()
    return (Counts(*rows[0][:-1]), rows[0][-1]) if rows else None


def _positions(con: duckdb.DuckDBPyConnection, record: BatchRecord) -> None:
    """Move the positions on. Never back: batches of one file may be merged in another order than it was read."""
    held = positions(con, record.plan.object_name)
    ranges = [
        one
        for one in record.plan.ranges
        if Progress(one.end, one.is_last) >= held.get((one.uri, one.version), Progress())
    ]
    for found in ranges:
        con.execute(
            "DELETE FROM ledger.position WHERE object = $1 AND uri = $2 AND version = $3",
            [record.plan.object_name, found.uri, found.version],
        )
    _insert(
        con,
        POSITION,
        [
            {
                "object": record.plan.object_name,
                "uri": found.uri,
                "version": found.version,
                "next_offset": found.end,
                "is_complete": found.is_last,
            }
            for found in ranges
        ],
    )


def _letters(con: duckdb.DuckDBPyConnection, record: BatchRecord) -> None:
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
    _insert(con, DEAD_LETTER, rows)


def _replayed(con: duckdb.DuckDBPyConnection, record: BatchRecord) -> None:
    """A replay lands the letters it does not set aside again."""
    again = {(letter.position, letter.payload_hash) for letter in record.letters}
    for found in record.plan.ranges:
        position, payload_hash = found.uri, found.version.partition("#")[0]
        landed = None if (position, payload_hash) in again else record.batch_id
        con.execute(
            "UPDATE ledger.dead_letter SET replays = replays + 1, replayed_in = $1 "
            "WHERE object = $2 AND position = $3 AND payload_hash = $4",
            [landed, record.plan.object_name, position, payload_hash],
        )


def _insert(con: duckdb.DuckDBPyConnection, table: LedgerTable, rows: list[dict[str, Any]]) -> None:
    if not rows:
        return
    names = [column.name for column in table.columns]
    values = ", ".join(f"unnest(${n + 1}::{DUCKDB.type_of(c)}[])" for n, c in enumerate(table.columns))
    con.execute(
        f"INSERT INTO {quote_qualified(DUCKDB, table.name)} ({', '.join(DUCKDB.quote(n) for n in names)}) "
        f"SELECT {values}",
        [[row[name] for row in rows] for name in names],
    )


def totals(con: duckdb.DuckDBPyConnection, object_name: str) -> Counts:
    """The accounting of everything loaded so far.

    A replay's records were read before: they move from the dead letters to where they landed.
    """
    sums = ", ".join(f"COALESCE(sum({name}), 0)" for name in asdict(Counts()))
    query = f"SELECT {sums} FROM ledger.batch WHERE object = $1 AND (source = $2) = $3"
    first = Counts(*map(int, con.execute(query, [object_name, REPLAY_SOURCE, False]).fetchall()[0]))
    again = Counts(*map(int, con.execute(query, [object_name, REPLAY_SOURCE, True]).fetchall()[0]))
    moved = first + again
    return Counts(**(asdict(moved) | {"read": first.read, "dead_letter": moved.dead_letter - again.read}))


def files_read(con: duckdb.DuckDBPyConnection, object_name: str) -> int:
    """Versions of files that were read, in whole or in part."""
    count: int = con.execute(
        "SELECT count(*) FROM ledger.position WHERE object = $1 AND uri NOT LIKE 'connect://%'", [object_name]
    ).fetchall()[0][0]
    return count


def last_drifts(con: duckdb.DuckDBPyConnection, object_name: str, limit: int = 200) -> list[Drift]:
    """The drift of the latest batches, newest first."""
    rows = con.execute(
        "SELECT drift FROM ledger.batch WHERE object = $1 AND drift IS NOT NULL AND source NOT IN ($2, $3) "
        "ORDER BY loaded_at DESC, batch_id LIMIT $4",
        # Neither is what the stream sends: dead letters come again, and the API lacks fields.
        [object_name, REPLAY_SOURCE, API_SOURCE, limit],
    ).fetchall()
    return [msgspec.json.decode(text, type=Drift) for (text,) in rows]


@dataclass(frozen=True, slots=True)
class SetAside:
    """A dead letter as the index knows it."""

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


def dead_letters(
    con: duckdb.DuckDBPyConnection, object_name: str | None = None, is_open: bool = True
) -> list[SetAside]:
    """Records set aside, oldest first; with `is_open` only those that no replay has landed."""
    rows = con.execute(
        "SELECT object, position, payload_hash, batch_id, reason, detail, length_bytes, arrived_at, replays, "
        "replayed_in "
        "FROM ledger.dead_letter WHERE ($1 IS NULL OR object = $1) AND (NOT $2 OR replayed_in IS NULL) "
        "ORDER BY arrived_at, position",
        [object_name, is_open],
    ).fetchall()
    return [SetAside(*row) for row in rows]
