"""The census of a period: the ids in the API's listing, in the lake and in the warehouse, compared with each other.

Sets are DuckDB tables that spill to disk, never Python's, so ten million ids need no more memory than ten. Each
function makes a relation from others; a connection holds one period at a time.

Times are whole seconds, as exported records have them. The API's milliseconds are cut off.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Final

import duckdb

from trunkline.engines.duckdb import DUCKDB
from trunkline.engines.model import text_literal
from trunkline.objects.model import Object
from trunkline.schedules.windows import Window
from trunkline.sql.order import day_of, hashed_terms
from trunkline.sql.relation import Relation, relation

Scope = tuple[str, str] | None
"""Column and value of the rows that one source answers for, such as one Connect instance's; None: all rows."""

PARQUET: Final = "FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1"
INCOMPLETE: Final = ("held open", "not merged", "not in the lake", "absent")
"""Verdicts of listed contacts that lake and warehouse do not both hold in their final state."""

_HELD: Final = {
    "id": "VARCHAR",
    "began": "TIMESTAMP",
    "ended": "TIMESTAMP",
    "is_live": "BOOLEAN",
    "fidelity": "VARCHAR",
}
_LISTED: Final = {"id": "VARCHAR", "began": "TIMESTAMP", "ended": "TIMESTAMP", "asked_at": "TIMESTAMP"}
_LAKE: Final = (*_HELD, "in_stream", "moved_to")
_MATCHED: Final = (
    "id",
    "began",
    "ended",
    "listed_ended",
    "verdict",
    "fidelity",
    "in_stream",
    "is_in_lake",
    "is_in_warehouse",
)


@dataclass(frozen=True, slots=True)
class CensusCounts:
    """What a period's census found, in ids.

    `listed`: in the API's listing. `stream`: held from a stream file. `lake`, `warehouse`: held there with their end in
    the period. `missing`: listed, and not completely held. `dropped`: listed, and left out by a rule (a later version
    is a deletion). `only_in_stream`: held and not listed. `moved`: listed in this period and held with its end in
    another. `at_api_fidelity`: held, and rebuilt from the API. `differing`: held by the lake or the warehouse alone, or
    with different ends.
    """

    stream: int = 0
    listed: int = 0
    lake: int = 0
    warehouse: int = 0
    missing: int = 0
    dropped: int = 0
    only_in_stream: int = 0
    moved: int = 0
    at_api_fidelity: int = 0
    differing: int = 0

    @property
    def is_complete(self) -> bool:
        """Everything listed is held, and lake and warehouse agree."""
        return not self.missing and not self.differing


def connect(scratch: Path, memory_mb: int, threads: int) -> duckdb.DuckDBPyConnection:
    """A separate in-memory engine for a census. It spills to `scratch`, which must exist.

    It is not a file: nothing of it must outlive the process, and each statement would wait for the disk.
    """
    con = duckdb.connect(
        config={
            "threads": threads,
            "memory_limit": f"{memory_mb}MB",
            "temp_directory": str(scratch / "census-spill"),
            "autoinstall_known_extensions": False,
            "preserve_insertion_order": False,
        },
    )
    con.execute("SET TimeZone = 'UTC'; SET enable_progress_bar = false")
    return con


def load_listed(con: duckdb.DuckDBPyConnection, parts: Sequence[Path], period: Window) -> Relation:
    """Contacts that the listing says ended in the period: id, began, ended. The latest listing of an id wins."""
    listed = relation("listed", ("id", "began", "ended"))
    con.execute(
        f"CREATE OR REPLACE TABLE {listed.sql} AS SELECT id, arg_max(began, asked_at) AS began, "
        f"date_trunc('second', arg_max(ended, asked_at)) AS ended FROM {_files(parts, _LISTED)} GROUP BY id "
        f"HAVING {_within('arg_max(ended, asked_at)', period)}"
    )
    return listed


def as_listed(con: duckdb.DuckDBPyConnection, certified: Relation) -> Relation:
    """Certified contacts in the place of a listing."""
    listed = relation("listed", ("id", "began", "ended"))
    con.execute(f"CREATE OR REPLACE TABLE {listed.sql} AS SELECT id, began, ended FROM {certified.sql}")
    return listed


def load_warehouse_rows(con: duckdb.DuckDBPyConnection, files: Sequence[Path]) -> Relation:
    """A view of Parquet files with rows of the warehouse, which must stay; each id occurs once in all of them."""
    rows = relation("warehouse", _HELD)
    con.execute(f"CREATE OR REPLACE VIEW {rows.sql} AS SELECT * FROM {_files(files, _HELD)}")
    return rows


def write_server_rows(
    con: duckdb.DuckDBPyConnection, chunks: Iterable[Sequence[tuple[object, ...]]], path: Path
) -> None:
    """Write a file for `load_warehouse_rows` from chunks of a server's rows: id, began, ended, is_live, fidelity."""
    rows = relation("server_rows", _HELD)
    columns = ", ".join(f"{name} {type_}" for name, type_ in _HELD.items())
    con.execute(f"CREATE OR REPLACE TABLE {rows.sql} ({columns})")
    values = ", ".join(f"unnest(${place}::{type_}[])" for place, type_ in enumerate(_HELD.values(), 1))
    for chunk in chunks:
        if chunk:
            con.execute(
                f"INSERT INTO {rows.sql} SELECT {values}", [list(column) for column in zip(*chunk, strict=True)]
            )
    con.execute(f"COPY {rows.sql} TO {text_literal(str(path))} ({PARQUET})")
    con.execute(f"DROP TABLE {rows.sql}")


def write_ids_not_in_warehouse(
    con: duckdb.DuckDBPyConnection, listed: Relation, warehouse: Relation, path: Path
) -> int:
    """Write the listed ids that the warehouse's rows of the period lack, and return how many there are.

    The warehouse may hold them with another end. No file is written when there are none.
    """
    others = relation("not_in_warehouse", ("id",))
    con.execute(
        f"CREATE OR REPLACE TABLE {others.sql} AS SELECT id FROM {listed.sql} ANTI JOIN {warehouse.sql} USING (id)"
    )
    count = _count(con, others.sql)
    if count:
        con.execute(f"COPY {others.sql} TO {text_literal(str(path))} (FORMAT parquet)")
    con.execute(f"DROP TABLE {others.sql}")
    return count


def partition_dates(con: duckdb.DuckDBPyConnection, listed: Relation, warehouse: Relation) -> set[date]:
    """The lake partitions that may hold a listed id or one of the warehouse's."""
    rows = con.execute(
        f"SELECT DISTINCT {day_of('began')} FROM "
        f"(SELECT began FROM {listed.sql} UNION ALL SELECT began FROM {warehouse.sql})"
    ).fetchall()
    return {day for (day,) in rows}


def load_lake_rows(
    con: duckdb.DuckDBPyConnection, obj: Object, files: Sequence[Path], scope: Scope
) -> tuple[Relation, set[date]]:
    """The best row per id of lake files, and the dates of the partitions that ids have moved to."""
    versions = _versions(obj, files, scope)
    once, best = relation("once", (*_LAKE, "copies")), relation("lake", _LAKE)
    # Most ids occur once. Only those that occur more often are put in order, which costs more than everything else.
    con.execute(
        f"CREATE OR REPLACE TABLE {once.sql} AS SELECT id, count(*) AS copies, any_value(began) AS began, "
        "any_value(ended) AS ended, bool_and(NOT is_deleted) AS is_live, any_value(fidelity) AS fidelity, "
        "bool_or(fidelity = 'stream' AND moved_to IS NULL) AS in_stream, any_value(moved_to) AS moved_to "
        f"FROM {versions} GROUP BY id"
    )
    order = ", ".join(f"term_{number} DESC" for number in range(len(hashed_terms(obj, DUCKDB))))
    con.execute(
        f"CREATE OR REPLACE TABLE {best.sql} AS SELECT id, began, ended, is_live AND moved_to IS NULL AS is_live, "
        f"fidelity, in_stream, moved_to FROM {once.sql} WHERE copies = 1 UNION ALL "
        "SELECT id, v.began, v.ended, NOT v.is_deleted AND v.moved_to IS NULL, v.fidelity, o.in_stream, v.moved_to "
        f"FROM {versions} AS v JOIN {once.sql} AS o USING (id) WHERE o.copies > 1 "
        # A tombstone ties with the row that it points to, which says more.
        f"QUALIFY row_number() OVER (PARTITION BY id ORDER BY {order}, v.moved_to NULLS FIRST) = 1"
    )
    con.execute(f"DROP TABLE {once.sql}")
    moved = con.execute(f"SELECT DISTINCT CAST(moved_to AS DATE) FROM {best.sql} WHERE moved_to IS NOT NULL").fetchall()
    return best, {day for (day,) in moved}


def _versions(obj: Object, files: Sequence[Path], scope: Scope) -> str:
    """A FROM item: the columns of lake files that a census needs, with the terms of the order of versions.

    Versions that tie on the terms down to the hash have the same end, so the terms after it are not needed.
    """
    names = [obj.key[0], obj.partition, obj.event_time, "record_is_deleted", "record_moved_to", *(scope or ())[:1]]
    names += ["record_fidelity", "record_version", "record_is_redacted", "record_catalogue_version", "record_hash"]
    types = {
        name: DUCKDB.type_of(obj.by_name[name]) if name in obj.by_name else "VARCHAR" for name in dict.fromkeys(names)
    }
    key, began, ended = (DUCKDB.quote(name) for name in (obj.key[0], obj.partition, obj.event_time))
    terms = ", ".join(f"{term} AS term_{number}" for number, term in enumerate(hashed_terms(obj, DUCKDB)))
    where = f" WHERE {DUCKDB.quote(scope[0])} = {text_literal(scope[1])}" if scope else ""
    return (
        f"(SELECT {key} AS id, {began} AS began, date_trunc('second', {ended}) AS ended, "
        "record_is_deleted AS is_deleted, record_moved_to AS moved_to, record_fidelity AS fidelity, "
        f"{terms} FROM {_files(files, types)}{where})"
    )


def _files(paths: Sequence[Path], columns: dict[str, str]) -> str:
    """A FROM item of these columns, with their types, from Parquet files, of which there may be none."""
    if not paths:
        empty = ", ".join(f"CAST(NULL AS {type_}) AS {DUCKDB.quote(name)}" for name, type_ in columns.items())
        return f"(SELECT {empty} WHERE false)"
    names = ", ".join(map(DUCKDB.quote, columns))
    files = ", ".join(text_literal(str(path)) for path in paths)
    return f"(SELECT {names} FROM read_parquet([{files}], union_by_name = true, hive_partitioning = false))"


def _within(column: str, period: Window) -> str:
    start, end = (at.replace(tzinfo=None).isoformat(" ") for at in (period.start, period.end))
    return f"({column} >= TIMESTAMP '{start}' AND {column} < TIMESTAMP '{end}')"


_VERDICT: Final = """CASE
  WHEN l.id IS NOT NULL AND {held} AND k.ended IS NULL AND k.fidelity = 'api' THEN 'held open'
  WHEN l.id IS NOT NULL AND {held} AND NOT {inside} THEN 'moved'
  WHEN l.id IS NOT NULL AND {held} THEN 'held'
  WHEN {held} AND {was_listable} THEN 'only in stream'
  WHEN {held} THEN 'held'
  WHEN l.id IS NOT NULL AND NOT k.is_live AND k.moved_to IS NULL THEN 'dropped by rule'
  WHEN k.is_live AND NOT {held} THEN 'not merged'
  WHEN s.is_live THEN 'not in the lake'
  ELSE 'absent' END"""


def match(
    con: duckdb.DuckDBPyConnection,
    period: Window,
    listed: Relation,
    lake: Relation,
    warehouse: Relation,
    listed_until: datetime | None,
) -> Relation:
    """Every id that is listed in the period, or held with its end in it, with a verdict; one row per id.

    The listing covers ends before `listed_until` (aware; None: no ends). Later ends are unknown to it.
    """
    inside = f"COALESCE({_within('k.ended', period)}, false)"
    stored_inside = f"COALESCE(s.is_live AND {_within('s.ended', period)}, false)"
    verdict = _VERDICT.format(
        held="COALESCE(k.is_live AND s.is_live AND k.ended IS NOT DISTINCT FROM s.ended, false)",
        inside=inside,
        was_listable=f"k.ended < TIMESTAMP '{listed_until.replace(tzinfo=None)}'" if listed_until else "false",
    )
    matched = relation("matched", _MATCHED)
    con.execute(
        f"CREATE OR REPLACE TABLE {matched.sql} AS SELECT COALESCE(l.id, k.id, s.id) AS id, "
        "COALESCE(k.began, s.began, l.began) AS began, COALESCE(k.ended, s.ended) AS ended, l.ended AS listed_ended, "
        f"{verdict} AS verdict, COALESCE(k.fidelity, s.fidelity) AS fidelity, "
        "COALESCE(k.in_stream, false) AS in_stream, "
        f"COALESCE(k.is_live, false) AND {inside} AS is_in_lake, {stored_inside} AS is_in_warehouse "
        f"FROM {listed.sql} AS l FULL JOIN {lake.sql} AS k ON k.id = l.id "
        f"FULL JOIN {warehouse.sql} AS s ON s.id = COALESCE(l.id, k.id) "
        f"WHERE l.id IS NOT NULL OR (k.is_live AND {inside}) OR {stored_inside}"
    )
    return matched


def accept_listed_elsewhere(con: duckdb.DuckDBPyConnection, matched: Relation, parts: Sequence[Path]) -> None:
    """Count what is listed in a neighbouring period (`parts`) as held, not as seen in the stream only."""
    if parts and _count(con, matched.sql, "verdict = 'only in stream'"):
        con.execute(
            f"UPDATE {matched.sql} SET verdict = 'held' WHERE verdict = 'only in stream' AND id IN "
            f"(SELECT id FROM {_files(parts, {'id': 'VARCHAR'})})"
        )


def count(con: duckdb.DuckDBPyConnection, matched: Relation) -> CensusCounts:
    """The counts of a census."""
    missing = ", ".join(map(text_literal, INCOMPLETE))
    row = con.execute(
        "SELECT count(*) FILTER (is_in_lake AND in_stream), count(listed_ended), count(*) FILTER (is_in_lake), "
        f"count(*) FILTER (is_in_warehouse), count(*) FILTER (listed_ended IS NOT NULL AND verdict IN ({missing})), "
        "count(*) FILTER (verdict = 'dropped by rule'), count(*) FILTER (verdict = 'only in stream'), "
        "count(*) FILTER (verdict = 'moved'), count(*) FILTER (is_in_lake AND fidelity = 'api'), "
        "count(*) FILTER (listed_ended IS NULL AND verdict IN ('not merged', 'not in the lake')) "
        f"FROM {matched.sql}"
    ).fetchall()[0]
    return CensusCounts(*row)


def write_pairs(con: duckdb.DuckDBPyConnection, matched: Relation, path: Path) -> int:
    """Write (id, ended, began) of what lake and warehouse both hold in the period, by the id's bytes; the number."""
    con.execute(
        f"COPY (SELECT id, ended, began FROM {matched.sql} WHERE is_in_lake AND is_in_warehouse ORDER BY id) "
        f"TO {text_literal(str(path))} ({PARQUET})"
    )
    return _count(con, matched.sql, "is_in_lake AND is_in_warehouse")


def _count(con: duckdb.DuckDBPyConnection, source: str, where: str = "true") -> int:
    rows: int = con.execute(f"SELECT count(*) FROM {source} WHERE {where}").fetchall()[0][0]
    return rows
