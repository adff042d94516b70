"""Reconcile: ten million listed ids against ten million held, in one period, five of each unknown to the other side.

Bound: twice two plain anti-joins of the same ids in DuckDB, and 1 GB of memory. Each measurement is a process of its own,
so that its peak memory is its own. Told apart: ids against ids (what the bound is about), and a whole period with what
comes before and after it: the lake's versions folded, the warehouse's rows copied out, pairs sorted, the certificate's hash.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import duckdb
from measure import Line, scratch, show

from trunkline.completeness import census, certificates
from trunkline.objects.contact_record import CONTACT_RECORD
from trunkline.schedules.windows import Window

PERIOD = Window(datetime(2026, 3, 3, tzinfo=UTC), datetime(2026, 3, 4, tzinfo=UTC))
MEMORY_MB = 400
_COPY = "FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1"


def run(is_quick: bool) -> None:
    ids = 1_000_000 if is_quick else 10_000_000
    with scratch() as folder:
        _make(folder, ids)
        cost = {job: _measured(job, folder) for job in JOBS}
    bound = cost["anti-joins"][0]
    show(
        f"reconcile: {ids:,} listed ids against {ids:,} held, one period, engine's memory {MEMORY_MB} MB",
        [
            Line(f"{job} (peak {memory:,.0f} MB)", seconds, "s CPU", seconds / bound, target)
            for (job, (seconds, memory)), target in zip(cost.items(), ("", "", "2x, 1,000 MB", ""), strict=True)
        ],
    )


def _make(folder: Path, ids: int) -> None:
    """A listing, the lake's rows and the warehouse's: the same ids but for five at each end."""
    con = duckdb.connect(
        config={"memory_limit": "2GB", "preserve_insertion_order": False, "temp_directory": str(folder)}
    )

    def rows(start: int) -> str:
        ended = "TIMESTAMP '2026-03-03' + to_seconds((i * 86400 // $n)::BIGINT)".replace("$n", str(ids + 5))
        return f"(SELECT CAST(md5(i::VARCHAR)::UUID AS VARCHAR) AS id, {ended} AS ended FROM range({start}, {start + ids}) AS r(i))"

    began = "ended - INTERVAL 5 MINUTE"
    listed = f"SELECT id, {began} AS began, ended, TIMESTAMP '2026-03-06' AS asked_at FROM {rows(0)}"
    stored = f"SELECT id, {began} AS began, ended, true AS is_live, 'stream' AS fidelity FROM {rows(5)}"
    lake = (
        f"SELECT id AS contact_id, {began} AS initiation_timestamp, ended AS disconnect_timestamp, 'stream' AS "
        "record_fidelity, strftime(ended, '%Y-%m-%d %H:%M:%S') AS record_version, false AS record_is_redacted, "
        "1::INTEGER AS record_catalogue_version, md5(id) AS record_hash, false AS record_is_deleted, "
        f"NULL::VARCHAR AS record_moved_to FROM {rows(5)}"
    )
    for name, select in (("listed", listed), ("stored", stored), ("lake", lake)):
        con.execute(f"COPY ({select}) TO '{folder / name}.parquet' ({_COPY})")
    con.close()


def _measured(job: str, folder: Path) -> tuple[float, float]:
    done = subprocess.run([sys.executable, __file__, job, str(folder)], capture_output=True, text=True, check=True)
    seconds, memory = json.loads(done.stdout)
    return seconds, memory


def _anti_joins(folder: Path, memory: str) -> None:
    con = duckdb.connect(
        config={"memory_limit": memory, "preserve_insertion_order": False, "temp_directory": str(folder)}
    )
    one, other = (f"read_parquet('{folder / name}.parquet')" for name in ("listed", "stored"))
    for left, right in ((one, other), (other, one)):
        found = con.execute(f"SELECT count(*) FROM {left} AS l ANTI JOIN {right} AS r USING (id)").fetchall()
        assert found == [(5,)], found


def _ids(con: duckdb.DuckDBPyConnection, folder: Path) -> None:
    """What is listed and not held, and the reverse: every id of both, by the census's own statements."""
    listed = census.load_listed(con, [folder / "listed.parquet"], PERIOD)
    stored = census.load_warehouse_rows(con, [folder / "stored.parquet"])
    lake, _ = census.load_lake_rows(con, CONTACT_RECORD, [], None)
    census.match(con, PERIOD, listed, lake, stored, PERIOD.end)


def _whole(con: duckdb.DuckDBPyConnection, folder: Path) -> None:
    listed = census.load_listed(con, [folder / "listed.parquet"], PERIOD)
    stored = census.load_warehouse_rows(con, [folder / "stored.parquet"])
    lake, _ = census.load_lake_rows(con, CONTACT_RECORD, [folder / "lake.parquet"], None)
    matched = census.match(con, PERIOD, listed, lake, stored, PERIOD.end)
    counts = census.count(con, matched)
    assert (counts.missing, counts.only_in_stream) == (5, 5), counts
    census.write_pairs(con, matched, folder / "pairs.parquet")
    certificates.hash_pairs(con, certificates.pairs_in(folder / "pairs.parquet"))


def _ours(job: Callable[[duckdb.DuckDBPyConnection, Path], None], folder: Path) -> None:
    con = census.connect(folder, MEMORY_MB, 2)
    job(con, folder)
    con.close()


JOBS = {
    "anti-joins": lambda folder: _anti_joins(folder, "8GB"),
    "anti-joins, same memory": lambda folder: _anti_joins(folder, f"{MEMORY_MB}MB"),
    "ids against ids": lambda folder: _ours(_ids, folder),
    "a whole period with its certificate": lambda folder: _ours(_whole, folder),
}

if __name__ == "__main__":
    started = time.process_time()
    JOBS[sys.argv[1]](Path(sys.argv[2]))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    sys.stdout.write(json.dumps([time.process_time() - started, peak]))
