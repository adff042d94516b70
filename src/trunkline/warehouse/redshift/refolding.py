"""Rows of some keys replaced in one transaction with the ledger: what taking a load back asks for."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from trunkline.aws.redshift_once import Attempt, Work
from trunkline.engines.duckdb import DUCKDB
from trunkline.engines.model import quote_qualified
from trunkline.engines.redshift import REDSHIFT
from trunkline.objects.ledger import BATCH
from trunkline.objects.model import Object
from trunkline.sql.relation import BATCH_ID, Relation, object_rows
from trunkline.sql.session import Session
from trunkline.warehouse.redshift.request import Collected, Fill, ledger_request, refold_request

if TYPE_CHECKING:
    from trunkline.warehouse.redshift.warehouse import RedshiftWarehouse

_GONE, _NEW = "f" * 32, "0" * 32
_KEYS_MAX: Final = 1_000


def refold(
    warehouse: RedshiftWarehouse,
    obj: Object,
    touched: Relation,
    winners: Relation,
    before_commit: Callable[[Session, int], None],
) -> None:
    """As Warehouse has it. How many rows go is asked before: let nobody else load this table meanwhile."""
    con = warehouse.local
    keys, columns = (", ".join(map(DUCKDB.quote, names)) for names in (obj.key, (c.name for c in obj.columns)))
    both = object_rows(obj, "refolding", [BATCH_ID])
    try:
        con.execute(
            f"CREATE OR REPLACE TEMP TABLE {both.sql} AS SELECT {columns}, '{_NEW}' AS {BATCH_ID} FROM {winners.sql} "
            f"UNION ALL BY NAME SELECT {keys}, '{_GONE}' AS {BATCH_ID} FROM {touched.sql}"
        )
        rows: int = con.execute(f"SELECT count(*) FROM {both.sql}").fetchall()[0][0]
        ledger = Collected()
        before_commit(ledger, _difference(warehouse, obj, touched, winners))
        batch_ids = [row["batch_id"] for row in ledger.puts[BATCH.name][2]]
        key = warehouse.key_of("refold", obj, batch_ids)

        def made(fill: Fill) -> Attempt:
            return refold_request(con, obj, both, (_GONE, _NEW), ledger, fill) if rows else ledger_request(ledger, fill)

        def request(number: int) -> Attempt:
            return warehouse.filled(obj, both if rows else None, key, number, made)

        warehouse.perform(Work(key, request, lambda: warehouse.holds(batch_ids), warehouse.address.timeout_s))
    finally:
        con.execute(f"DROP TABLE IF EXISTS temp.{both.sql}")


def _difference(warehouse: RedshiftWarehouse, obj: Object, touched: Relation, winners: Relation) -> int:
    """Winners without the rows that are there of the touched keys."""
    quote, con = REDSHIFT.quote, warehouse.local
    count: int = con.execute(f"SELECT count(*) FROM {winners.sql}").fetchall()[0][0]
    keys = con.execute(f"SELECT {', '.join(DUCKDB.quote(key) for key in obj.key)} FROM {touched.sql}").fetchall()
    for start in range(0, len(keys), _KEYS_MAX):
        values: list[object] = []
        arms = []
        for row in keys[start : start + _KEYS_MAX]:
            values += row
            marks = range(len(values) - len(row) + 1, len(values) + 1)
            same = (f"{quote(key)} = ${mark}" for key, mark in zip(obj.key, marks, strict=True))
            arms.append(f"({' AND '.join(same)})")
        table = quote_qualified(REDSHIFT, obj.warehouse_table)
        count -= int(warehouse.query(f"SELECT COUNT(*) FROM {table} WHERE {' OR '.join(arms)}", values)[0][0])
    return count
