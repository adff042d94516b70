"""The ledger in a warehouse: written once per batch, positions that only go forward."""

from __future__ import annotations

from datetime import datetime

import duckdb

from trunkline.accounting import Counts, Drift
from trunkline.ledger import index
from trunkline.ledger.records import BatchRecord
from trunkline.positions import FileRange, Plan, Progress
from trunkline.warehouse.duckdb.warehouse import DuckDBWarehouse

AT = datetime(2026, 3, 8)


def record(start: int, end: int, is_last: bool = False) -> BatchRecord:
    """A batch over one range of one file."""
    plan = Plan("o", "s3_files", (FileRange("file", "v", start, end, is_last, AT),))
    return BatchRecord(plan.batch_id, plan, 1, 0, 0, 1, end - start, [], [], Drift(), AT, "0")


def ledger() -> DuckDBWarehouse:
    """An empty one."""
    warehouse = DuckDBWarehouse(duckdb.connect())
    warehouse.install([], [])
    return warehouse


def test_positions_never_go_back() -> None:
    """Batches of one file merged in the wrong order leave the file read to its end."""
    con = ledger()
    for one in (record(10, 20, is_last=True), record(0, 10)):
        index.add_batch(con, one, Counts(read=1, inserted=1), AT)
    assert index.positions(con, "o") == {("file", "v"): Progress(20, True)}


def test_an_empty_range_completes_a_file() -> None:
    """What ends a file may hold nothing; the file counts as read all the same."""
    con = ledger()
    for one in (record(0, 10), record(10, 10, is_last=True)):
        index.add_batch(con, one, Counts(read=1, inserted=1), AT)
    assert index.positions(con, "o") == {("file", "v"): Progress(10, True)}
    con = ledger()
    for one in (record(10, 10, is_last=True), record(0, 10)):
        index.add_batch(con, one, Counts(read=1, inserted=1), AT)
    assert index.positions(con, "o") == {("file", "v"): Progress(10, True)}


def test_a_batch_is_written_once() -> None:
    """A second merge of a batch changes no count."""
    con = ledger()
    for counts in (Counts(read=1, inserted=1), Counts(read=1, duplicate=1)):
        index.add_batch(con, record(0, 10), counts, AT)
    assert index.totals(con, "o") == Counts(read=1, inserted=1)
    merged = index.merged_batch(con, record(0, 10).batch_id)
    assert merged == (Counts(read=1, inserted=1), AT)
    assert index.merged_batch(con, "none") is None
