"""The rows of a flattened batch as plain Python values."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from trunkline.engines.duckdb import DUCKDB
from trunkline.flatten.flattener import Flattened, Flattener
from trunkline.sql.relation import PARTITION_DATE


def flat_rows(
    flattener: Flattener, flattened: Flattened, names: Iterable[str] = (), is_text: bool = False
) -> list[dict[str, Any]]:
    """The rows in the order of the batch: the named columns, or all of the object's and the partition date.

    A column that the relation leaves out is NULL. `is_text`: values as the engine writes them as text.
    """
    chosen = list(names) or [*(column.name for column in flattener.obj.columns), PARTITION_DATE, "record_row"]
    values = [DUCKDB.quote(name) if name in flattened.rows.columns else "NULL" for name in chosen]
    shown = [f"CAST({value} AS VARCHAR)" for value in values] if is_text else values
    query = f"SELECT {', '.join(shown)} FROM {flattened.rows.sql} AS r ORDER BY r.record_row"
    return [dict(zip(chosen, row, strict=True)) for row in flattener.con.execute(query).fetchall()]
