"""Rows of a server's table that a staged batch meets at another partition date: what tombstones are written from."""

from __future__ import annotations

from trunkline.engines.duckdb import DUCKDB
from trunkline.engines.model import Engine, quote_qualified
from trunkline.objects.model import Object
from trunkline.sql.merge.procedure_text import indented
from trunkline.sql.order import partition_date, same_key

_HELD = (
    "record_fidelity", "record_version", "record_is_redacted", "record_catalogue_version", "record_hash",
    "record_position", "record_arrived_at", "record_loaded_at",
)  # fmt: skip


def elsewhere_sql(obj: Object, engine: Engine, verdict: str, staged: str) -> str:
    """SELECT of the table's rows whose key is staged with another partition date.

    Columns: the key's, the row's date, whether a staged row beats it, then its place in the order. `verdict` has the
    keys to look at with their `comparison`.
    """
    names = [*obj.key, *_HELD]
    columns = [f"t.{engine.quote(name)}" for name in names]
    columns[len(obj.key) : len(obj.key)] = [
        f'{partition_date(obj, engine, "t")} AS "held_date"',
        'v."comparison" = 1 AS "is_beaten"',
    ]
    return f"""\
SELECT
      {indented(columns, 6)}
    FROM {verdict} AS v
    JOIN {quote_qualified(engine, obj.warehouse_table)} AS t ON {same_key(obj, engine, "t", "v")}
    WHERE EXISTS (
      SELECT 1 FROM {staged} AS s
      WHERE {same_key(obj, engine, "s", "v")}
        AND {partition_date(obj, engine, "s")} <> {partition_date(obj, engine, "t")}
    )"""


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
