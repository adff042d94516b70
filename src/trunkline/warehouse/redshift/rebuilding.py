"""A table filled again from the lake: folded here, group of partitions by group, then replaced in one transaction."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from trunkline.aws.redshift_once import Attempt, Work
from trunkline.engines.duckdb import DUCKDB
from trunkline.engines.redshift import REDSHIFT
from trunkline.objects.model import Object
from trunkline.sql.session import Session
from trunkline.warehouse import staging
from trunkline.warehouse.redshift.request import Collected, Fill, rebuild_request

if TYPE_CHECKING:
    from trunkline.warehouse.redshift.warehouse import RedshiftWarehouse

_ROWS: Final = "all_folded"
# The rows come with no batch; the column has to hold something.
_NO_BATCH: Final = "0" * 32


def rebuild(
    warehouse: RedshiftWarehouse,
    obj: Object,
    groups: Sequence[Sequence[Path]],
    before_commit: Callable[[Session, int], None],
) -> int:
    """As Warehouse has it. The fold is the local engine's, which spills to disk; Redshift sees only its result."""
    try:
        rows = _fold(warehouse, obj, groups)
        ledger = Collected()
        before_commit(ledger, rows)
        # A rebuild leaves the same rows however often it runs, so that each one is a work of its own.
        key = warehouse.key_of("rebuild", obj, [uuid.uuid4().hex])

        def made(fill: Fill) -> Attempt:
            return rebuild_request(warehouse.local, obj, _ROWS, ledger, fill, bool(rows))

        def request(number: int) -> Attempt:
            return warehouse.filled(obj, _ROWS, key, number, made)

        warehouse.perform(Work(key, request, lambda: False, warehouse.address.timeout_s, warehouse.said))
    finally:
        for table in (_ROWS, "folded"):
            warehouse.local.execute(f"DROP TABLE IF EXISTS temp.{table}")
    return rows


def _fold(warehouse: RedshiftWarehouse, obj: Object, groups: Sequence[Sequence[Path]]) -> int:
    con = warehouse.local
    declared = ", ".join(f"{DUCKDB.quote(c.name)} {DUCKDB.type_of(c)}" for c in obj.columns)
    con.execute(f"CREATE OR REPLACE TEMP TABLE {_ROWS} ({declared}, batch_id VARCHAR)")
    for paths in groups:
        staging.fold(con, obj, REDSHIFT, paths)
        con.execute(f"INSERT INTO {_ROWS} SELECT *, '{_NO_BATCH}' FROM folded")
    count: int = con.execute(f"SELECT count(*) FROM {_ROWS}").fetchall()[0][0]
    return count
