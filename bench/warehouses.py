"""Warehouses and batches made with SQL: contacts over two years, every kind of column filled as the export fills it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from trunkline.engines.duckdb import DUCKDB
from trunkline.engines.model import quote_qualified
from trunkline.objects.catalogue import OBJECTS, schemas
from trunkline.objects.contact_record import CONTACT_RECORD
from trunkline.warehouse.duckdb import install as installing
from trunkline.warehouse.duckdb.warehouse import open_warehouse
from trunkline.warehouse.model import Opening

TABLE = quote_qualified(DUCKDB, CONTACT_RECORD.warehouse_table)
_BEGAN = "TIMESTAMP '2024-03-01' + INTERVAL (n * {seconds}) SECOND"


@contextmanager
def filled(path: Path, rows: int, threads: int = 1) -> Iterator[duckdb.DuckDBPyConnection]:
    """A warehouse of so many contacts, in order of their dates."""
    opening = Opening(
        f"duckdb://{path}", 2_000, threads, path.parent / "scratch", path.parent, schemas(OBJECTS.values())
    )
    with open_warehouse(opening) as warehouse:
        con = warehouse.local
        installing.install(con, [CONTACT_RECORD], [], "UTC")
        con.execute(f"INSERT INTO {TABLE} {select(f'range({rows}) AS r(n)', rows)}")
        con.execute("CHECKPOINT")
        yield con


def select(numbers: str, rows: int, version: int = 0) -> str:
    """SELECT of the contacts whose numbers come from `numbers`; number `rows` begins where two years end."""
    began = _BEGAN.format(seconds=round(730 * 86_400 / rows, 3))
    fixed = {
        "contact_id": "CAST(md5(CAST(n AS VARCHAR)) AS UUID)::VARCHAR",
        "instance_id": "'9f3c1e52-6d0a-4b7e-8a41-2c5d7e90b1aa'",
        "channel": "CASE n % 5 WHEN 0 THEN 'CHAT' ELSE 'VOICE' END",
        "initiation_method": "'INBOUND'",
        "initiation_timestamp": began,
        "connected_to_system_timestamp": f"{began} + INTERVAL 1 SECOND",
        "disconnect_timestamp": f"{began} + INTERVAL 300 SECOND",
        "last_update_timestamp": f"{began} + INTERVAL {400 + version} SECOND",
        "queue_duration_ms": "1000 * (n % 90)",
        "queue_name": "'Queue ' || n % 12",
        "queue_id": "md5('queue' || n % 12)",
        "agent_username": "'agent' || n % 300",
        "agent_id": "md5('agent' || n % 300)",
        "agent_interaction_duration_ms": "1000 * (n % 600)",
        "customer_endpoint_address": "left(md5('caller' || n % 60000), 32)",
        "recording_location": "'bucket/connect/recordings/' || md5('r' || n) || '.wav'",
        "attributes": "MAP {'Intent': 'Refund', 'Tier': 'Gold', 'account': CAST(n AS VARCHAR), 'v': '"
        + str(version)
        + "'}",
        "record_version": f"CAST({began} + INTERVAL {400 + version} SECOND AS VARCHAR)",
        "record_fidelity": "'stream'",
        "record_is_redacted": "false",
        "record_catalogue_version": "1",
        "record_hash": f"md5(n || ' {version}')",
        "record_position": "'s3://bucket/file@1:' || n",
        "record_arrived_at": f"{began} + INTERVAL 500 SECOND",
        "record_loaded_at": "TIMESTAMP '2026-03-01'",
        "record_is_deleted": "false",
    }
    columns = (
        f"{fixed.get(c.name, f'CAST(NULL AS {DUCKDB.type_of(c)})')} AS {DUCKDB.quote(c.name)}"
        for c in CONTACT_RECORD.columns
    )
    return f"SELECT {', '.join(columns)} FROM {numbers}"


def batch_file(
    con: duckdb.DuckDBPyConnection, folder: Path, rows: int, size: int, version: int, spread: int | None = None
) -> Path:
    """A lake file of one batch: half of it new contacts, half new versions of the latest of `rows`.

    `spread`: how many contacts two years have, where that is not `rows`.
    """
    half = size // 2
    numbers = f"range({rows - half}, {rows + size - half}) AS r(n)"
    path = folder / f"{version:032x}.parquet"
    con.execute(
        f"COPY (SELECT *, CAST(NULL AS VARCHAR) AS record_moved_to FROM ({select(numbers, spread or rows, version)})) "
        f"TO '{path}' (FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1)"
    )
    return path
