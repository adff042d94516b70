"""Growth: the cost of merging one batch, in warehouses of 100 thousand to 5 million contacts.

Bound: 1.5 times the cost in the smallest. CPU seconds of one thread; the median of merges that each add their batch.
"""

from __future__ import annotations

import statistics
import time

from measure import Line, scratch, show
from warehouses import batch_file, filled

from trunkline.objects.contact_record import CONTACT_RECORD
from trunkline.warehouse.duckdb import merge as warehouse


def run(is_quick: bool) -> None:
    sizes = (1_000, 10_000) if is_quick else (1_000, 10_000, 100_000)
    tables = (100_000, 400_000) if is_quick else (100_000, 1_000_000, 5_000_000)
    cost: dict[tuple[int, int], float] = {}
    for rows in tables:
        with scratch() as folder, filled(folder / "warehouse.duckdb", rows) as con:
            for size in sizes:
                seconds = []
                for version in range(1, 4 if size == sizes[-1] else 6):
                    path = batch_file(con, folder, rows, size, version)
                    started = time.process_time()
                    warehouse.merge(con, CONTACT_RECORD, [path], lambda _: None)
                    seconds.append(time.process_time() - started)
                cost[rows, size] = statistics.median(seconds)
    for size in sizes:
        show(
            f"growth: merge of a batch of {size:,} (half new, half new versions)",
            [
                Line(f"into {rows:,} contacts", cost[rows, size] * 1e3, "ms", cost[rows, size] / cost[tables[0], size],
                     "1.5x at most" if rows == tables[-1] else "")
                for rows in tables
            ],
        )  # fmt: skip
