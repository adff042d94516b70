"""Rows of the table that stand at another date than the staged row of their key, asked for before a merge.

The lake needs to know them: its older partition gets a tombstone. They are few, and asking does not wait for the
transaction, so that tombstones are published before it and none is lost when the process dies after it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

import duckdb

from trunkline.engines.duckdb import DUCKDB
from trunkline.engines.model import quote_qualified
from trunkline.engines.redshift import REDSHIFT
from trunkline.objects.model import Object
from trunkline.sql.merge.staged import elsewhere_columns
from trunkline.sql.order import partition_date
from trunkline.sql.relation import PARTITION_DATE, Relation
from trunkline.sql.session import Rows, Session

# A key takes some 50 bytes in the statement and as many as a value.
_KEYS_MAX: Final = 1_000


def find_elsewhere(db: Session, con: duckdb.DuckDBPyConnection, obj: Object, staged: Relation) -> Rows:
    """The table's rows at another partition date than the staged row of their key, as `add_held` takes them."""
    return [row for keys in _asked(con, obj, staged) for row in _elsewhere(db, obj, keys)]


def _asked(con: duckdb.DuckDBPyConnection, obj: Object, staged: Relation) -> Iterator[list[tuple[Any, ...]]]:
    """Every staged key with the date of its best row, or NULL where its staged rows have several."""
    keys = ", ".join(f"s.{DUCKDB.quote(key)}" for key in obj.key)
    rows = con.execute(
        f"SELECT {keys}, CASE WHEN min(s.{PARTITION_DATE}) = max(s.{PARTITION_DATE}) THEN min(s.{PARTITION_DATE}) END "
        f"AS record_day FROM {staged.sql} AS s GROUP BY {keys} ORDER BY record_day, {keys}"
    ).fetchall()
    for start in range(0, len(rows), _KEYS_MAX):
        yield rows[start : start + _KEYS_MAX]


def _elsewhere(db: Session, obj: Object, keys: Sequence[tuple[Any, ...]]) -> Rows:
    quote, date = REDSHIFT.quote, partition_date(obj, REDSHIFT, "t")
    values: list[object] = []

    def mark(value: object) -> str:
        values.append(value)
        return f"${len(values)}"

    arms = []
    for day in dict.fromkeys(row[-1] for row in keys):
        of_day = [row[:-1] for row in keys if row[-1] == day]
        if len(obj.key) == 1:
            where = f"t.{quote(obj.key[0])} IN ({', '.join(mark(row[0]) for row in of_day)})"
        else:
            where = " OR ".join(
                "(" + " AND ".join(f"t.{quote(k)} = {mark(v)}" for k, v in zip(obj.key, row, strict=True)) + ")"
                for row in of_day
            )
        arms.append(f"(({where})" + (f" AND {date} <> DATE '{day}')" if day is not None else ")"))
    listed, table = ", ".join(elsewhere_columns(obj, REDSHIFT, "t")), quote_qualified(REDSHIFT, obj.warehouse_table)
    return db.query(f"SELECT {listed} FROM {table} AS t WHERE {' OR '.join(arms)}", values)
