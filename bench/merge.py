"""Merge alone: one table of typed rows into a warehouse that holds half of their contacts, CPU of one process.

Rivals: dlt's upsert from an Arrow table, and DuckDB's own MERGE with nothing around it (no count of what became of
each row, no tie-break, no tombstones), the bound. Ours reads a Parquet file as the lake holds it. For dlt nested
columns are text, which it takes faster than nested ones.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import duckdb
from measure import Line, scratch, show
from warehouses import TABLE, batch_file, filled

from trunkline.engines.duckdb import DUCKDB
from trunkline.objects.contact_record import CONTACT_RECORD
from trunkline.warehouse.duckdb import merge as warehouse

_FLAT = ", ".join(
    f"CAST({DUCKDB.quote(c.name)} AS {'VARCHAR' if not isinstance(c.type, str) else DUCKDB.type_of(c)}) AS "
    f"{DUCKDB.quote(c.name)}"
    for c in CONTACT_RECORD.columns
)


def run(is_quick: bool) -> None:
    rows, size = (20_000, 10_000) if is_quick else (100_000, 50_000)
    with scratch() as folder:
        with filled(folder / "ours.duckdb", rows, threads=2) as con:
            path = batch_file(con, folder, rows, size, 1)
            ours = _timed(lambda: warehouse.merge(con, CONTACT_RECORD, [path], lambda _: None))
        with filled(folder / "plain.duckdb", rows, threads=2) as con:
            plain = _timed(lambda: con.execute(_merge(path)))
        dlt = _with_dlt(folder, rows, path)
        show(
            f"merge: {size:,} rows, full width, into {rows:,} contacts, half of them new versions",
            [
                Line("dlt's upsert from Arrow", dlt / size * 1e6, "us/row", 1.0),
                Line("ours, from the lake's Parquet", ours / size * 1e6, "us/row", dlt / ours, "3x"),
                Line("DuckDB's MERGE alone (the bound)", plain / size * 1e6, "us/row", dlt / plain),
            ],
        )


def _timed(job: Any) -> float:
    started = time.process_time()
    job()
    return time.process_time() - started


def _merge(path: Path) -> str:
    columns = ", ".join(DUCKDB.quote(c.name) for c in CONTACT_RECORD.columns)
    return (
        f"MERGE INTO {TABLE} AS t USING (SELECT {columns} FROM read_parquet('{path}')) AS s "
        "ON t.contact_id = s.contact_id WHEN MATCHED AND s.record_version > t.record_version THEN UPDATE "
        "WHEN NOT MATCHED THEN INSERT"
    )


def _with_dlt(folder: Path, rows: int, path: Path) -> float:
    import dlt

    with filled(folder / "source.duckdb", rows) as con:
        first = con.execute(f"SELECT {_FLAT} FROM {TABLE}").to_arrow_table()
    second = duckdb.connect().execute(f"SELECT {_FLAT} FROM read_parquet('{path}')").to_arrow_table()
    pipeline = dlt.pipeline(
        "merge", destination=dlt.destinations.duckdb(str(folder / "dlt.duckdb")), dataset_name="connect",
        pipelines_dir=str(folder / "pipelines"),
    )  # fmt: skip

    def load(table: Any) -> None:
        upsert = {"disposition": "merge", "strategy": "upsert"}
        resource = dlt.resource([table], name="f_calls", primary_key="contact_id", write_disposition=upsert)
        pipeline.run(resource)

    load(first)
    return _timed(lambda: load(second))
