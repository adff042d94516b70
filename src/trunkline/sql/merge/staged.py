"""What the embedded engine does for a server's merge: whole rows in table `stage`, the best per key, the tombstones.

The embedded warehouse has a merge of its own, `narrow_merge`.
"""

from __future__ import annotations

from dataclasses import dataclass

from trunkline.engines.duckdb import DUCKDB
from trunkline.objects.model import Object
from trunkline.sql.lake.views import lake_rows
from trunkline.sql.order import order_by, partition_date, same_key

_BATCH_OF = "regexp_extract(filename, '([0-9a-f]{32})[.]parquet$', 1)"


@dataclass(frozen=True, slots=True)
class StagingSql:
    """The steps, in order. `stage` takes the list of files as its parameter.

    `moved` makes the table of tombstones to write; it reads table `held`.
    """

    stage: str
    best: str
    moved: str


def _q(name: str) -> str:
    return DUCKDB.quote(name)


def staging_sql(obj: Object) -> StagingSql:
    """What is done before rows go to a server. Pure; table `held` comes from the server."""
    columns = ", ".join(_q(column.name) for column in obj.columns)
    keys = ", ".join(_q(key) for key in obj.key)
    files = "read_parquet($1, filename = true, union_by_name = true, hive_partitioning = false)"
    stage = (
        f"CREATE OR REPLACE TEMP TABLE stage AS SELECT {columns}, {_BATCH_OF} AS batch_id, "
        f"{partition_date(obj, DUCKDB)} AS partition_date FROM {lake_rows(obj, files, [('filename', 'VARCHAR')])} "
        "WHERE record_moved_to IS NULL"
    )
    best = (
        f"CREATE OR REPLACE TEMP TABLE best AS SELECT rowid AS stage_row, {keys}, partition_date, batch_id FROM stage "
        f"QUALIFY row_number() OVER (PARTITION BY {keys} ORDER BY {order_by(obj, DUCKDB)}, batch_id, rowid) = 1"
    )
    return StagingSql(stage, best, _moved(obj))


def _moved(obj: Object) -> str:
    """Keys with a losing version in another partition than the winner's, with the winner's place in the order."""
    keys = ", ".join(f"w.{_q(key)}" for key in obj.key)
    order = ("record_fidelity", "record_version", "record_is_redacted", "record_catalogue_version", "record_hash",
             "record_position", "record_arrived_at", "record_loaded_at")  # fmt: skip
    held_wins = "h.stage_row IS NOT NULL AND NOT h.is_beaten"
    winner = ", ".join(
        f"CASE WHEN {held_wins} THEN h.{name.replace('record_', 'held_')} ELSE w.{name} END AS {name}" for name in order
    )
    won = f"CASE WHEN {held_wins} THEN h.held_date ELSE b.partition_date END"
    base = "FROM best AS b JOIN stage AS w ON w.rowid = b.stage_row LEFT JOIN held AS h ON h.stage_row = b.stage_row"
    lost_in_stage = (
        f"SELECT DISTINCT {keys}, {winner}, b.batch_id, s.partition_date AS lost_date, {won} AS won_date {base} "
        f"JOIN stage AS s ON {same_key(obj, DUCKDB, 's', 'b')} WHERE s.partition_date <> {won}"
    )
    lost_in_target = (
        f"SELECT {keys}, {winner}, b.batch_id, h.held_date AS lost_date, {won} AS won_date {base} "
        "WHERE h.is_beaten AND h.held_date <> b.partition_date"
    )
    return f"CREATE OR REPLACE TEMP TABLE moved AS {lost_in_stage} UNION {lost_in_target}"
