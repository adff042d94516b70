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
from trunkline.sql.merge.staged import staging_sql
from trunkline.sql.order import UNDATED, same_key
from trunkline.sql.session import Session

_TERMS: Final = ("record_fidelity", "record_version", "record_is_redacted", "record_catalogue_version", "record_hash")
_MARKS: Final = ("record_position", "record_arrived_at", "record_loaded_at")
# A key takes some 50 bytes in the statement and as many as a value.
_KEYS_MAX: Final = 1_000


def find_moved(db: Session, con: duckdb.DuckDBPyConnection, obj: Object) -> None:
    """Make table `moved` of the local engine from its tables `stage` and `best` and from what the warehouse holds."""
    names = [*obj.key, *_TERMS, *_MARKS]
    declared = ", ".join(f"{DUCKDB.quote(name)} {DUCKDB.type_of(obj.by_name[name])}" for name in names)
    con.execute(f"CREATE OR REPLACE TEMP TABLE held_rows ({declared}, held_date DATE)")
    marks = ", ".join(f"${number}" for number in range(1, len(names) + 2))
    for keys in _asked(con, obj):
        for row in _elsewhere(db, obj, names, keys):
            con.execute(f"INSERT INTO held_rows VALUES ({marks})", list(row))
    held = ", ".join(f"h.{name} AS {name.replace('record_', 'held_')}" for name in (*_TERMS, *_MARKS))
    staged, there = (f"ROW({', '.join(_term(name, alias) for name in _TERMS)})" for alias in ("s", "h"))
    con.execute(
        f"CREATE OR REPLACE TEMP TABLE held AS SELECT b.stage_row, h.held_date, {staged} > {there} AS is_beaten, "
        f"{held} FROM held_rows AS h JOIN best AS b ON {same_key(obj, DUCKDB, 'h', 'b')} "
        "JOIN stage AS s ON s.rowid = b.stage_row"
    )
    con.execute(staging_sql(obj).moved)


def _term(name: str, alias: str) -> str:
    empty = {"record_is_redacted": "false", "record_catalogue_version": "0"}.get(name, "''")
    return f"COALESCE({alias}.{name}, {empty})"


def _asked(con: duckdb.DuckDBPyConnection, obj: Object) -> Iterator[list[tuple[Any, ...]]]:
    """Every staged key with the date of its best row, or NULL where its staged rows have several."""
    keys = ", ".join(f"s.{DUCKDB.quote(key)}" for key in obj.key)
    rows = con.execute(
        f"SELECT {keys}, CASE WHEN min(s.partition_date) = max(s.partition_date) THEN min(s.partition_date) END AS day "
        f"FROM stage AS s GROUP BY {keys} ORDER BY day, {keys}"
    ).fetchall()
    for start in range(0, len(rows), _KEYS_MAX):
        yield rows[start : start + _KEYS_MAX]


def _elsewhere(
    db: Session, obj: Object, names: Sequence[str], keys: Sequence[tuple[Any, ...]]
) -> list[tuple[Any, ...]]:
    quote = REDSHIFT.quote
    date = f"COALESCE(CAST({quote(obj.partition)} AS DATE), CAST('{UNDATED}' AS DATE))"
    values: list[object] = []

    def mark(value: object) -> str:
        values.append(value)
        return f"${len(values)}"

    arms = []
    for day in dict.fromkeys(row[-1] for row in keys):
        of_day = [row[:-1] for row in keys if row[-1] == day]
        if len(obj.key) == 1:
            where = f"{quote(obj.key[0])} IN ({', '.join(mark(row[0]) for row in of_day)})"
        else:
            where = " OR ".join(
                "(" + " AND ".join(f"{quote(k)} = {mark(v)}" for k, v in zip(obj.key, row, strict=True)) + ")"
                for row in of_day
            )
        arms.append(f"(({where})" + (f" AND {date} <> CAST('{day}' AS DATE))" if day is not None else ")"))
    listed = ", ".join(quote(name) for name in names)
    return db.query(
        f"SELECT {listed}, {date} FROM {quote_qualified(REDSHIFT, obj.warehouse_table)} WHERE {' OR '.join(arms)}",
        values,
    )
