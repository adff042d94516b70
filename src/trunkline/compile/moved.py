"""Rows of a server's table that a staged batch meets at another partition date: what tombstones are written from."""

from __future__ import annotations

from trunkline.compile.flatten import UNDATED
from trunkline.compile.fold import comparison, same_key
from trunkline.engines.duckdb import DUCKDB
from trunkline.engines.model import Engine, quote_qualified
from trunkline.objects.model import Object

_HELD = (
    "record_fidelity", "record_version", "record_is_redacted", "record_catalogue_version", "record_hash",
    "record_position", "record_arrived_at", "record_loaded_at",
)  # fmt: skip


def elsewhere_sql(obj: Object, engine: Engine, staging: str) -> str:
    """SELECT of the table's rows whose key is staged with another partition date; `staging` is a FROM item's name.

    Columns: the key's, the row's date, whether a staged row beats it, then its place in the order.
    """
    keys = [f"t.{engine.quote(key)}" for key in obj.key]
    held = [f"t.{engine.quote(name)}" for name in _HELD]
    dates = [f"COALESCE(CAST({a}.{engine.quote(obj.partition)} AS DATE), DATE '{UNDATED}')" for a in ("t", "s")]
    arms = " ".join(comparison(obj, engine, "s", "t"))
    columns = ", ".join([*keys, dates[0], *held])
    return (
        f"SELECT {', '.join(keys)}, {dates[0]}, MAX(CASE {arms} ELSE 0 END) = 1, {', '.join(held)} "
        f"FROM {staging} AS s JOIN {quote_qualified(engine, obj.warehouse_table)} AS t "
        f"ON {same_key(obj, engine, 't', 's')} GROUP BY {columns} "
        f"HAVING MAX(CASE WHEN {dates[0]} <> {dates[1]} THEN 1 ELSE 0 END) = 1"
    )


def local_held(obj: Object) -> tuple[str, str]:
    """CREATE of the embedded engine's table `held`, and INSERT of one row that `elsewhere_sql` gave, values bound.

    With tables `stage` and `best` it is what `staging_sql(obj).moved` reads.
    """
    names = [name.replace("record_", "held_") for name in _HELD]
    types = [DUCKDB.type_of(obj.by_name[name]) for name in _HELD]
    declared = ", ".join(f"{name} {type_}" for name, type_ in zip(names, types, strict=True))
    create = f"CREATE OR REPLACE TEMP TABLE held (stage_row BIGINT, held_date DATE, is_beaten BOOLEAN, {declared})"
    first = len(obj.key) + 1
    marks = ", ".join(f"${number}" for number in range(first, first + 2 + len(names)))
    where = " AND ".join(f"b.{DUCKDB.quote(key)} = ${number}" for number, key in enumerate(obj.key, 1))
    return create, f"INSERT INTO held SELECT b.stage_row, {marks} FROM best AS b WHERE {where}"
