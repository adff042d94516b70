from __future__ import annotations

from datetime import date, datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest
from homes import NARROW

from trunkline.engines.duckdb import DUCKDB
from trunkline.sql.merge.embedded import merge_sql, merge_tables
from trunkline.sql.merge.staged import staging_sql
from trunkline.sql.order import ORDER_COLUMNS
from trunkline.sql.relation import Relation
from trunkline.warehouse.duckdb.warehouse import DuckDBWarehouse

AT = datetime(2026, 3, 8, 12)
ROW: dict[str, Any] = {
    "record_fidelity": "stream", "record_version": "2", "record_is_redacted": False, "record_catalogue_version": 1,
    "record_hash": "b" * 32, "record_position": "p", "record_arrived_at": AT, "record_loaded_at": AT,
    "record_is_deleted": False,
}  # fmt: skip
BETTER: dict[str, list[Any]] = {
    "record_fidelity": ["api", "stream"], "record_version": [None, "2"], "record_is_redacted": [False, True],
    "record_catalogue_version": [1, 2], "record_hash": ["a" * 32, "b" * 32],
}  # fmt: skip


def _staged(con: duckdb.DuckDBPyConnection, row: dict[str, Any]) -> None:
    sql = staging_sql(NARROW)
    columns = ", ".join(
        f"CAST(NULL AS {DUCKDB.type_of(c)}) AS {DUCKDB.quote(c.name)}" for c in NARROW.columns if c.name not in row
    )
    given = ", ".join(f"${n} AS {DUCKDB.quote(name)}" for n, name in enumerate(row, 1))
    con.execute(
        f"CREATE OR REPLACE TEMP TABLE {sql.rows.sql} AS SELECT {columns}, {given}, 'x' AS record_batch_id, "
        "DATE '2026-03-08' AS record_partition_date",
        list(row.values()),
    )
    con.execute(sql.best)
    con.execute(sql.held)


@pytest.mark.parametrize("name", ORDER_COLUMNS)
def test_a_row_of_the_server_is_compared_in_the_order_of_versions(name: str) -> None:
    """The staged row beats the server's by each of the terms alone, and not the other way round."""
    sql, (worse, better) = staging_sql(NARROW), BETTER[name]
    with duckdb.connect() as con:
        for staged, held, expected in ((better, worse, True), (worse, better, False)):
            _staged(con, {NARROW.key[0]: "k", **ROW, name: staged})
            there = ROW | {name: held}
            winner = [
                there[column] for column in sql.held_rows.columns if column.startswith("record_") and column in ROW
            ]
            con.execute(sql.add_held, ["k", date(2026, 3, 7), *winner])
            rows = con.execute(f"SELECT record_is_beaten, record_held_date FROM {sql.held_rows.sql}").fetchall()
            assert rows == [(expected, date(2026, 3, 7))], (staged, held)


def _columns(con: duckdb.DuckDBPyConnection, table: Relation) -> set[str]:
    con.execute(f"SELECT * FROM {table.sql} LIMIT 0")
    return {column[0] for column in con.description or []}


def test_relations_have_the_columns_that_they_declare(tmp_path: Path) -> None:
    """What a relation says of itself is what its statement makes."""
    sql, tables, day = staging_sql(NARROW), merge_tables(NARROW), date(2026, 3, 8)
    steps, path = merge_sql(NARROW, day, day), str(tmp_path / f"{'0' * 32}.parquet")
    with duckdb.connect() as con:
        DuckDBWarehouse(con).install([NARROW], [])
        columns = ", ".join(f"CAST(NULL AS {DUCKDB.type_of(c)}) AS {DUCKDB.quote(c.name)}" for c in NARROW.columns)
        con.execute(f"COPY (SELECT {columns}, CAST(NULL AS VARCHAR) AS record_moved_to) TO '{path}' (FORMAT parquet)")
        for statement in (steps.stage, steps.held, steps.ties, steps.places, steps.best, steps.moved):
            con.execute(statement, [[path]] if "$1" in statement else [])
        for table in tables.all():
            assert _columns(con, table) == set(table.columns), table.name
        for statement in (sql.stage, sql.best, sql.held, sql.moved):
            con.execute(statement, [[path]] if "$1" in statement else [])
        for table in (sql.rows, sql.best_rows, sql.held_rows, sql.tombstones):
            assert _columns(con, table) == set(table.columns), table.name
