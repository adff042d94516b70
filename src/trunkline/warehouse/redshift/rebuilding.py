"""A table filled again from the lake: folded here, group of partitions by group, then replaced in one transaction."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from trunkline.compile.fold import order_by
from trunkline.compile.lake_views import lake_rows
from trunkline.engines.duckdb import DUCKDB
from trunkline.engines.session import Session
from trunkline.objects.model import Object
from trunkline.warehouse.redshift.once import Request, Work
from trunkline.warehouse.redshift.request import (
    Collected,
    Fill,
    TooLongError,
    format_for,
    is_for_insert,
    rebuild_request,
)

if TYPE_CHECKING:
    from trunkline.warehouse.redshift.warehouse import RedshiftWarehouse

_FOLDED = "folded"
# The rows come with no batch; the column has to hold something.
_NO_BATCH = "0" * 32


def rebuild(
    warehouse: RedshiftWarehouse,
    obj: Object,
    groups: Sequence[Sequence[Path]],
    before_commit: Callable[[Session, int], None],
) -> int:
    """As Warehouse has it. The fold is the local engine's, which spills to disk; Redshift sees only its result."""
    rows = _fold(warehouse, obj, groups)
    ledger = Collected()
    before_commit(ledger, rows)
    # A rebuild leaves the same rows however often it runs, so that each one is a work of its own.
    key = warehouse.key_of("rebuild", obj, [uuid.uuid4().hex])

    def made(fill: Fill) -> Request:
        return rebuild_request(warehouse.local, obj, _FOLDED, ledger, fill, bool(rows))

    def request(number: int) -> Request:
        if is_for_insert(warehouse.local, _FOLDED):
            try:
                return made(Fill(None, "parquet", warehouse.scratch))
            except TooLongError:
                pass
        format_ = format_for(warehouse.local, obj, _FOLDED, warehouse.address.format)
        return made(Fill(warehouse.folder(key, number), format_, warehouse.scratch))

    try:
        warehouse.perform(Work(key, request, lambda: False, warehouse.address.timeout_s, warehouse.said))
    finally:
        warehouse.local.execute(f"DROP TABLE IF EXISTS temp.{_FOLDED}")
    return rows


def _fold(warehouse: RedshiftWarehouse, obj: Object, groups: Sequence[Sequence[Path]]) -> int:
    con = warehouse.local
    declared = ", ".join(f"{DUCKDB.quote(c.name)} {DUCKDB.type_of(c)}" for c in obj.columns)
    con.execute(f"CREATE OR REPLACE TEMP TABLE {_FOLDED} ({declared}, batch_id VARCHAR)")
    columns = ", ".join(f"TRY_CAST({DUCKDB.quote(c.name)} AS {DUCKDB.type_of(c)})" for c in obj.columns)
    keys = ", ".join(DUCKDB.quote(key) for key in obj.key)
    source = lake_rows(
        obj,
        "read_parquet($1, filename = true, file_row_number = true, union_by_name = true, hive_partitioning = false)",
        [("filename", "VARCHAR"), ("file_row_number", "BIGINT")],
    )
    for paths in groups:
        con.execute(
            f"INSERT INTO {_FOLDED} SELECT {columns}, '{_NO_BATCH}' FROM (SELECT *, row_number() OVER (PARTITION BY "
            f"{keys} ORDER BY {order_by(obj, DUCKDB)}, record_moved_to NULLS LAST, filename, file_row_number) AS place "
            f"FROM {source}) WHERE place = 1 AND record_moved_to IS NULL",
            [[str(path) for path in paths]],
        )
    count: int = con.execute(f"SELECT count(*) FROM {_FOLDED}").fetchall()[0][0]
    return count
