"""The census of a period: which ids are in the API's listing, in the lake and in the warehouse, set against each other.

Sets are DuckDB tables that spill to disk, never Python's, so that ten million ids need no more memory than ten. A
connection holds one period at a time:

- `listed(id, began, ended)`: the listing's latest word on each contact that it says ended in the period.
- `stored(id, began, ended, is_live, fidelity)`: the warehouse's rows of the period, and of listed ids.
- `kept(id, began, ended, is_live, fidelity, in_stream, moved_to)`: the best row per id of the lake's partitions.
- `matched(id, began, ended, listed_ended, verdict, fidelity, in_stream)`: one row per id of the period.

Times are whole seconds, as exported records have them: an API that adds milliseconds says nothing else by it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Final

import duckdb

from trunkline.engines.duckdb import DUCKDB
from trunkline.objects.model import Object
from trunkline.schedules.windows import Window
from trunkline.sql.order import day_of, order_terms

Scope = tuple[str, str] | None
"""Column and value of the rows that one source answers for, such as one Connect instance's; None: all rows."""

# Terms of the order of versions before personal data: versions that tie on them have one hash, so one time of end.
_ORDER_TERMS: Final = 5
_STORED: Final = "id VARCHAR, began TIMESTAMP, ended TIMESTAMP, is_live BOOLEAN, fidelity VARCHAR"
PARQUET: Final = "FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1"
_UNDATED: Final = date(1970, 1, 1)


@dataclass(frozen=True, slots=True)
class Counts:
    """What a period's census found, in ids.

    `listed`: in the API's listing. `stream`: held from a stream file. `lake`, `warehouse`: held there with their end in
    the period. `missing`: listed, and not held whole. `dropped`: listed, and left out by a rule (a later version says
    deleted). `only_in_stream`: held and not listed. `moved`: listed in this period and held with its end in another.
    `at_api_fidelity`: held, and rebuilt from the API. `differing`: held by one of lake and warehouse, or not alike.
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
        """Everything listed is held, and lake and warehouse hold the same."""
        return not self.missing and not self.differing


def connect(scratch: Path, memory_mb: int, threads: int) -> duckdb.DuckDBPyConnection:
    """An engine of its own for a census. What does not fit into memory goes to `scratch`, which must be there.

    Not a file: nothing of it need outlast the process, and each statement would wait for the disk.
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


def fill_listed(con: duckdb.DuckDBPyConnection, parts: Sequence[Path], period: Window) -> None:
    """`listed` from the listing's parts; an id that several name counts as the last of them says."""
    source = _files(parts, "*", "id VARCHAR, began TIMESTAMP, ended TIMESTAMP, asked_at TIMESTAMP")
    con.execute(
        "CREATE OR REPLACE TABLE listed AS SELECT id, arg_max(began, asked_at) AS began, "
        f"date_trunc('second', arg_max(ended, asked_at)) AS ended FROM {source} GROUP BY id "
        f"HAVING {_within('arg_max(ended, asked_at)', period)}"
    )


def fill_stored(con: duckdb.DuckDBPyConnection, files: Sequence[Path]) -> None:
    """`stored` from Parquet files of the warehouse's rows, each id once in all of them; they stay where they lie."""
    source = _files(files, "*", _STORED)
    con.execute(f"CREATE OR REPLACE VIEW stored AS SELECT * FROM {source}")


def write_stored(con: duckdb.DuckDBPyConnection, chunks: Iterable[Sequence[tuple[object, ...]]], path: Path) -> None:
    """A Parquet file for `fill_stored` from rows of a server, chunk by chunk: id, began, ended, is_live, fidelity."""
    con.execute(f"CREATE OR REPLACE TABLE arriving ({_STORED})")
    for rows in chunks:
        if rows:
            con.execute(
                "INSERT INTO arriving SELECT unnest($1::VARCHAR[]), unnest($2::TIMESTAMP[]), unnest($3::TIMESTAMP[]), "
                "unnest($4::BOOLEAN[]), unnest($5::VARCHAR[])",
                [list(column) for column in zip(*rows, strict=True)],
            )
    con.execute(f"COPY arriving TO {_text(str(path))} ({PARQUET})")
    con.execute("DROP TABLE arriving")


def write_not_stored(con: duckdb.DuckDBPyConnection, path: Path) -> int:
    """Write the listed ids that `stored` lacks: they may be held with another time. The number of them."""
    con.execute("CREATE OR REPLACE TABLE elsewhere AS SELECT id FROM listed ANTI JOIN stored USING (id)")
    ids: int = con.execute("SELECT count(*) FROM elsewhere").fetchall()[0][0]
    if ids:
        con.execute(f"COPY elsewhere TO {_text(str(path))} (FORMAT parquet)")
    con.execute("DROP TABLE elsewhere")
    return ids


def dates(con: duckdb.DuckDBPyConnection) -> set[date]:
    """The lake partitions that may hold an id of `listed` or `stored`."""
    rows = con.execute(
        f"SELECT DISTINCT {day_of('began')} FROM (SELECT began FROM listed UNION ALL SELECT began FROM stored)"
    ).fetchall()
    return {day for (day,) in rows}


def fill_kept(con: duckdb.DuckDBPyConnection, obj: Object, files: Sequence[Path], scope: Scope) -> set[date]:
    """`kept` from lake files: the best row per id. Gives the partitions that ids have moved to from those read."""
    rows = _lake_rows(obj, files, scope)
    # Most ids come once. Only those that come more often are put in order, which costs more than everything else.
    con.execute(
        "CREATE OR REPLACE TABLE once AS SELECT id, count(*) AS copies, any_value(began) AS began, "
        "any_value(ended) AS ended, bool_and(NOT is_deleted) AS is_live, any_value(fidelity) AS fidelity, "
        f"bool_or(fidelity = 'stream' AND moved_to IS NULL) AS in_stream, any_value(moved_to) AS moved_to FROM {rows} "
        "GROUP BY id"
    )
    order = ", ".join(f"term_{number} DESC" for number in range(_ORDER_TERMS))
    con.execute(
        "CREATE OR REPLACE TABLE kept AS SELECT id, began, ended, is_live AND moved_to IS NULL AS is_live, fidelity, "
        "in_stream, moved_to FROM once WHERE copies = 1 UNION ALL "
        "SELECT id, r.began, r.ended, NOT r.is_deleted AND r.moved_to IS NULL, r.fidelity, o.in_stream, r.moved_to "
        f"FROM {rows} AS r JOIN once AS o USING (id) WHERE o.copies > 1 "
        # A tombstone ties with the row it points to, which says more.
        f"QUALIFY row_number() OVER (PARTITION BY id ORDER BY {order}, r.moved_to NULLS FIRST) = 1"
    )
    con.execute("DROP TABLE once")
    moved = con.execute("SELECT DISTINCT CAST(moved_to AS DATE) FROM kept WHERE moved_to IS NOT NULL").fetchall()
    return {day for (day,) in moved}


def _lake_rows(obj: Object, files: Sequence[Path], scope: Scope) -> str:
    """A FROM item: the narrow columns of lake files, with the terms of the order of versions."""
    names = [obj.key[0], obj.partition, obj.event_time, "record_is_deleted", "record_moved_to", *(scope or ())[:1]]
    names += ["record_fidelity", "record_version", "record_is_redacted", "record_catalogue_version", "record_hash"]
    listed = ", ".join(dict.fromkeys(DUCKDB.quote(name) for name in names))
    types = ", ".join(f"{DUCKDB.quote(n)} {_type(obj, n)}" for n in dict.fromkeys(names))
    terms = ", ".join(f"{term} AS term_{n}" for n, term in enumerate(order_terms(obj, DUCKDB)[:_ORDER_TERMS]))
    where = f" WHERE {DUCKDB.quote(scope[0])} = {_text(scope[1])}" if scope else ""
    return (
        f"(SELECT {DUCKDB.quote(obj.key[0])} AS id, {DUCKDB.quote(obj.partition)} AS began, "
        f"date_trunc('second', {DUCKDB.quote(obj.event_time)}) AS ended, record_is_deleted AS is_deleted, "
        f"record_moved_to AS moved_to, record_fidelity AS fidelity, {terms} FROM {_files(files, listed, types)}{where})"
    )


def _type(obj: Object, name: str) -> str:
    return DUCKDB.type_of(obj.by_name[name]) if name in obj.by_name else "VARCHAR"


def _files(paths: Sequence[Path], names: str, types: str) -> str:
    """A FROM item of these columns from Parquet files, or from none."""
    if not paths:
        empty = ", ".join(
            f"CAST(NULL AS {type_}) AS {name}" for name, _, type_ in (one.rpartition(" ") for one in types.split(", "))
        )
        return f"(SELECT {empty} WHERE false)"
    listed = ", ".join(_text(str(path)) for path in paths)
    return f"(SELECT {names} FROM read_parquet([{listed}], union_by_name = true, hive_partitioning = false))"


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def _within(column: str, period: Window) -> str:
    start, end = (at.replace(tzinfo=None).isoformat(" ") for at in (period.start, period.end))
    return f"({column} >= TIMESTAMP '{start}' AND {column} < TIMESTAMP '{end}')"


_VERDICT: Final = """CASE
  WHEN l.id IS NOT NULL AND is_held AND k.ended IS NULL AND k.fidelity = 'api' THEN 'held open'
  WHEN l.id IS NOT NULL AND is_held AND NOT is_inside THEN 'moved'
  WHEN l.id IS NOT NULL AND is_held THEN 'held'
  WHEN is_held AND is_asked THEN 'only in stream'
  WHEN is_held THEN 'held'
  WHEN l.id IS NOT NULL AND NOT k.is_live AND k.moved_to IS NULL THEN 'dropped by rule'
  WHEN k.is_live AND NOT is_held THEN 'not merged'
  WHEN s.is_live THEN 'not in the lake'
  ELSE 'absent' END"""


def match(con: duckdb.DuckDBPyConnection, period: Window, listed_until: datetime | None) -> None:
    """`matched`: every id that is listed in the period, or held with its end in it, and what became of it.

    What ended after `listed_until` (aware; None: before all) was not asked for: that it is not listed says nothing.
    """
    inside = f"COALESCE({_within('k.ended', period)}, false)"
    stored_inside = f"COALESCE(s.is_live AND {_within('s.ended', period)}, false)"
    held = "COALESCE(k.is_live AND s.is_live AND k.ended IS NOT DISTINCT FROM s.ended, false)"
    asked = f"k.ended < TIMESTAMP '{listed_until.replace(tzinfo=None)}'" if listed_until is not None else "false"
    verdict = _VERDICT.replace("is_held", held).replace("is_inside", inside).replace("is_asked", asked)
    con.execute(
        "CREATE OR REPLACE TABLE matched AS SELECT COALESCE(l.id, k.id, s.id) AS id, "
        "COALESCE(k.began, s.began, l.began) AS began, COALESCE(k.ended, s.ended) AS ended, l.ended AS listed_ended, "
        f"{verdict} AS verdict, COALESCE(k.fidelity, s.fidelity) AS fidelity, "
        f"COALESCE(k.in_stream, false) AS in_stream, "
        f"COALESCE(k.is_live, false) AND {inside} AS is_kept, {stored_inside} AS is_stored "
        "FROM listed AS l FULL JOIN kept AS k ON k.id = l.id FULL JOIN stored AS s ON s.id = COALESCE(l.id, k.id) "
        f"WHERE l.id IS NOT NULL OR (k.is_live AND {inside}) OR {stored_inside}"
    )


def listed_elsewhere(con: duckdb.DuckDBPyConnection, parts: Sequence[Path]) -> None:
    """What is held here and listed in another period is not seen in the stream alone. `parts` are of neighbours."""
    if parts and con.execute("SELECT count(*) FROM matched WHERE verdict = 'only in stream'").fetchall()[0][0]:
        con.execute(
            "UPDATE matched SET verdict = 'held' WHERE verdict = 'only in stream' AND id IN "
            f"(SELECT id FROM {_files(parts, 'id', 'id VARCHAR')})"
        )


MISSING: Final = ("held open", "not merged", "not in the lake", "absent")
"""Verdicts of what is not held whole."""


def count(con: duckdb.DuckDBPyConnection) -> Counts:
    """The counts of `matched`."""
    missing = ", ".join(_text(one) for one in MISSING)
    row = con.execute(
        "SELECT count(*) FILTER (is_kept AND in_stream), count(listed_ended), count(*) FILTER (is_kept), "
        f"count(*) FILTER (is_stored), count(*) FILTER (listed_ended IS NOT NULL AND verdict IN ({missing})), "
        f"count(*) FILTER (verdict = 'dropped by rule'), count(*) FILTER (verdict = 'only in stream'), "
        "count(*) FILTER (verdict = 'moved'), count(*) FILTER (is_kept AND fidelity = 'api'), "
        "count(*) FILTER (listed_ended IS NULL AND verdict IN ('not merged', 'not in the lake')) FROM matched"
    ).fetchall()[0]
    return Counts(*row)


def write_pairs(con: duckdb.DuckDBPyConnection, path: Path) -> int:
    """Write (id, ended, began) of what lake and warehouse both hold in the period, sorted by id's bytes; the number."""
    con.execute(
        f"COPY (SELECT id, ended, began FROM matched WHERE is_kept AND is_stored ORDER BY id) "
        f"TO {_text(str(path))} ({PARQUET})"
    )
    pairs: int = con.execute("SELECT count(*) FROM matched WHERE is_kept AND is_stored").fetchall()[0][0]
    return pairs
