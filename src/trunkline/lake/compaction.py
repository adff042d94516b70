"""Compaction: all files of one partition become one, sorted by time, each distinct version once.

By time and not by key: ids are mostly random, and the times of a row stand in several of its columns, so that 5 to 7 %
of the bytes go; and a question about an hour reads some of the row groups.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import duckdb

from trunkline.engines.duckdb import DUCKDB
from trunkline.lake.layout import compacted_key
from trunkline.lake.store import Store
from trunkline.lake.writer import MOVED_TO, PARQUET, lake_columns
from trunkline.objects.model import Object
from trunkline.sql.lake.views import lake_rows
from trunkline.sql.order import order_by


@dataclass(frozen=True, slots=True)
class CompactedDay:
    """The new file, the fingerprint of what it replaces, its rows, and how many old versions were scrubbed."""

    key: str
    fingerprint: str
    rows: int
    scrubbed: int


def compact_day(
    con: duckdb.DuckDBPyConnection, obj: Object, day: date, keys: Sequence[str], store: Store, scratch: Path
) -> CompactedDay:
    """Publish the compacted file of one partition. The files it replaces stay for the caller to remove.

    Of equal versions the first to arrive stays; of tombstones the best per key. Where the best version of a key is
    redacted, its older versions lose the personal data it no longer has.
    """
    scratch.mkdir(parents=True, exist_ok=True)
    paths = [str(store.fetch(key, scratch / "compact")) for key in keys]
    fingerprint = hashlib.sha256("\n".join(sorted(keys)).encode()).hexdigest()[:32]
    by_key = ", ".join(DUCKDB.quote(key) for key in obj.key)
    distinct = f"{by_key}, record_version, record_hash, {MOVED_TO} IS NOT NULL"
    # Files lack columns that have no value in them.
    rows = lake_rows(obj, "read_parquet($1, union_by_name = true, hive_partitioning = false)")
    con.execute(
        f"CREATE OR REPLACE TEMP TABLE compacting AS SELECT * FROM (SELECT *, first_value(record_is_redacted) OVER "
        f"(PARTITION BY {by_key} ORDER BY {order_by(obj, DUCKDB)}) AS is_scrubbed FROM {rows}) "
        f"QUALIFY row_number() OVER (PARTITION BY {distinct} "
        f"ORDER BY {order_by(obj, DUCKDB)}, record_arrived_at, record_position) = 1",
        [paths],
    )
    rows, scrubbed = con.execute(
        "SELECT count(*), count(*) FILTER (is_scrubbed AND NOT record_is_redacted) FROM compacting"
    ).fetchall()[0]
    selected = ", ".join(_scrubbed(obj, name) for name in lake_columns(obj))
    path = scratch / f"compacted-{fingerprint}.parquet"
    target = str(path).replace("'", "''")
    order = f"{DUCKDB.quote(obj.partition)}, {by_key}, record_version"
    con.execute(f"COPY (SELECT {selected} FROM compacting ORDER BY {order}) TO '{target}' ({PARQUET})")
    con.execute("DROP TABLE compacting")
    key = compacted_key(obj, day, fingerprint)
    store.put_file(path, key)
    return CompactedDay(key, fingerprint, rows, scrubbed)


def _scrubbed(obj: Object, name: str) -> str:
    quoted = DUCKDB.quote(name)
    if name == MOVED_TO or obj.by_name[name].pii != "direct":
        return quoted
    return f"CASE WHEN is_scrubbed AND NOT record_is_redacted THEN NULL ELSE {quoted} END AS {quoted}"
