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
from trunkline.sql.relation import BATCH_ID, Relation, object_rows
from trunkline.sql.session import Session
from trunkline.warehouse import staging
from trunkline.warehouse.redshift.request import Collected, Fill, rebuild_request

if TYPE_CHECKING:
    from trunkline.warehouse.redshift.warehouse import RedshiftWarehouse

# The rows come with no batch; the column has to hold something.
_NO_BATCH: Final = "0" * 32


def rebuild(
    warehouse: RedshiftWarehouse,
    obj: Object,
    groups: Sequence[Sequence[Path]],
    before_commit: Callable[[Session, int], None],
) -> int:
    """As Warehouse has it. The fold is the local engine's, which spills to disk; Redshift sees only its result."""
    folded = object_rows(obj, "all_folded", [BATCH_ID])
    try:
        rows = _fold(warehouse, obj, folded, groups)
        ledger = Collected()
        before_commit(ledger, rows)
        # A rebuild leaves the same rows however often it runs, so that each one is a work of its own.
        key = warehouse.key_of("rebuild", obj, [uuid.uuid4().hex])

        def made(fill: Fill) -> Attempt:
            return rebuild_request(warehouse.local, obj, folded, ledger, fill, bool(rows))

        def request(number: int) -> Attempt:
            return warehouse.filled(obj, folded, key, number, made)

        warehouse.perform(Work(key, request, lambda: False, warehouse.address.timeout_s, warehouse.said))
    finally:
        warehouse.local.execute(f"DROP TABLE IF EXISTS temp.{folded.sql}")
    return rows


def _fold(warehouse: RedshiftWarehouse, obj: Object, folded: Relation, groups: Sequence[Sequence[Path]]) -> int:
    con = warehouse.local
    declared = ", ".join(f"{DUCKDB.quote(c.name)} {DUCKDB.type_of(c)}" for c in obj.columns)
    con.execute(f"CREATE OR REPLACE TEMP TABLE {folded.sql} ({declared}, {BATCH_ID} VARCHAR)")
    for paths in groups:
        part = staging.fold(con, obj, REDSHIFT, paths)
        con.execute(f"INSERT INTO {folded.sql} SELECT *, '{_NO_BATCH}' FROM {part.sql}")
        con.execute(f"DROP TABLE {part.sql}")
    count: int = con.execute(f"SELECT count(*) FROM {folded.sql}").fetchall()[0][0]
    return count
