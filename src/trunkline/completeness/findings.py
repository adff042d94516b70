"""Findings: the contacts of a period that one place has seen and another has not, why, and when that was settled."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

import duckdb

from trunkline.completeness.census import MISSING, PARQUET

_CHUNK: Final = 10_000

Sighted = tuple[str, datetime | None, datetime | None]
"""A contact as a listing names it: id, began, ended; naive UTC."""

WHY: Final = {
    "never seen": "no stream file that was read, and no dead letter, has its record",
    "late": "it ended so recently that its record may still come",
    "dead letter": "its record was set aside: trunkline dead-letter list",
    "dropped by rule": "a later version of it says deleted",
    "not merged": "the lake has it and the warehouse has not, or with another end",
    "not in the lake": "the warehouse has it and the lake has not",
    "held open": "it is held as it was before it ended",
    "gone from the API": "the listing names it, and asked for it the API knows it no more",
    "only in stream": "it is held and the listing does not name it: reported, no gap",
}
"""Why a contact is believed missing or seen by one place alone, and what that means."""

MENDED_BY_API: Final = ("never seen", "late", "dead letter", "not in the lake", "held open", "gone from the API")
"""What fetching the contact can mend."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One contact. Times are naive UTC; `settled_at` is None while it is so."""

    id: str
    began_at: datetime | None
    ended_at: datetime | None
    why: str
    detail: str | None
    found_at: datetime
    settled_at: datetime | None


def prepare(con: duckdb.DuckDBPyConnection) -> None:
    """Tables `lettered(id, detail)`, ids in dead letters, and `unknown(id)`, ids that the API knows no more; empty."""
    con.execute("CREATE OR REPLACE TABLE lettered (id VARCHAR, detail VARCHAR)")
    con.execute("CREATE OR REPLACE TABLE unknown (id VARCHAR)")


def add_lettered(con: duckdb.DuckDBPyConnection, found: list[tuple[str, str]]) -> None:
    """Ids that were found in dead letters, each with what is said of the letter."""
    if found:
        con.execute(
            "INSERT INTO lettered SELECT unnest($1::VARCHAR[]), unnest($2::VARCHAR[])",
            [[id_ for id_, _ in found], [detail for _, detail in found]],
        )


def add_unknown(con: duckdb.DuckDBPyConnection, ids: list[str]) -> None:
    """Ids that the API said it does not know."""
    if ids:
        con.execute("INSERT INTO unknown SELECT unnest($1::VARCHAR[])", [ids])


def lettered_absent(con: duckdb.DuckDBPyConnection) -> int:
    """How many of `matched`'s absent ids are in a dead letter: the stream had them."""
    count: int = con.execute(
        "SELECT count(*) FROM matched WHERE verdict = 'absent' AND id IN (SELECT id FROM lettered)"
    ).fetchall()[0][0]
    return count


def write(con: duckdb.DuckDBPyConnection, before: Path | None, path: Path, now: datetime, late: timedelta) -> bool:
    """Write `matched`'s findings, carrying over since when they are known from the file before; False when none.

    A finding of before that is one no more keeps its row, with the time that it was settled. `now` is naive UTC;
    what ended less than `late` before it may still come.
    """
    verdicts = ", ".join(f"'{one}'" for one in (*MISSING, "dropped by rule", "only in stream"))
    old = (
        f"read_parquet('{_quoted(before)}')" if before is not None else
        "(SELECT NULL::VARCHAR AS id, NULL::TIMESTAMP AS began_at, NULL::TIMESTAMP AS ended_at, NULL::VARCHAR AS why, "
        "NULL::VARCHAR AS detail, NULL::TIMESTAMP AS found_at, NULL::TIMESTAMP AS settled_at WHERE false)"
    )  # fmt: skip
    con.execute(
        "CREATE OR REPLACE TABLE findings AS WITH letters AS "
        "(SELECT id, any_value(detail) AS detail FROM lettered GROUP BY id), fresh AS (SELECT m.id, m.began, "
        "COALESCE(m.listed_ended, m.ended) AS ended, CASE WHEN m.verdict <> 'absent' THEN m.verdict "
        "WHEN m.id IN (SELECT id FROM unknown) THEN 'gone from the API' "
        "WHEN l.id IS NOT NULL THEN 'dead letter' "
        f"WHEN m.listed_ended > TIMESTAMP '{now - late}' THEN 'late' ELSE 'never seen' END AS why, "
        "CASE WHEN m.verdict = 'absent' THEN l.detail END AS detail FROM matched AS m "
        f"LEFT JOIN letters AS l USING (id) WHERE m.verdict IN ({verdicts})) "
        "SELECT COALESCE(n.id, o.id) AS id, COALESCE(n.began, o.began_at) AS began_at, "
        "COALESCE(n.ended, o.ended_at) AS ended_at, COALESCE(n.why, o.why) AS why, "
        "CASE WHEN n.id IS NULL THEN o.detail ELSE n.detail END AS detail, "
        f"COALESCE(o.found_at, TIMESTAMP '{now}') AS found_at, "
        f"CASE WHEN n.id IS NULL THEN COALESCE(o.settled_at, TIMESTAMP '{now}') END AS settled_at "
        f"FROM fresh AS n FULL JOIN {old} AS o USING (id)"
    )
    rows: int = con.execute("SELECT count(*) FROM findings").fetchall()[0][0]
    if rows:
        con.execute(f"COPY (SELECT * FROM findings ORDER BY id) TO '{_quoted(path)}' ({PARQUET})")
    con.execute("DROP TABLE findings")
    return rows > 0


def read(path: Path, why: tuple[str, ...] | None = None, is_open: bool = True) -> Iterator[list[Finding]]:
    """Findings of a file in order of id, in chunks; with `is_open` those that are not settled."""
    named = "true" if why is None else f"why IN ({', '.join(chr(39) + one + chr(39) for one in why)})"
    with duckdb.connect() as con:
        con.execute("SET TimeZone = 'UTC'; SET threads = 1")
        con.execute(
            "SELECT id, began_at, ended_at, why, detail, found_at, settled_at FROM read_parquet($1) "
            f"WHERE {named} AND (NOT $2 OR settled_at IS NULL) ORDER BY id",
            [str(path), is_open],
        )
        while rows := con.fetchmany(_CHUNK):
            yield [Finding(*row) for row in rows]


def tally(path: Path) -> dict[str, int]:
    """Open findings by why."""
    with duckdb.connect() as con:
        rows = con.execute(
            "SELECT why, count(*) FROM read_parquet($1) WHERE settled_at IS NULL GROUP BY why ORDER BY why", [str(path)]
        ).fetchall()
    return dict(rows)


def _quoted(path: Path) -> str:
    return str(path).replace("'", "''")


def write_sightings(con: duckdb.DuckDBPyConnection, path: Path, seen: Sequence[Sighted], asked_at: datetime) -> None:
    """Write what a source listed: id, began, ended, and when it was asked for (aware)."""
    columns = [list(column) for column in zip(*seen, strict=True)] or [[], [], []]
    con.execute(
        "CREATE OR REPLACE TEMP TABLE seen AS SELECT DISTINCT unnest($1::VARCHAR[]) AS id, "
        "unnest($2::TIMESTAMP[]) AS began, unnest($3::TIMESTAMP[]) AS ended, $4::TIMESTAMP AS asked_at",
        [*columns, asked_at.replace(tzinfo=None)],
    )
    con.execute(f"COPY (SELECT * FROM seen ORDER BY id) TO '{_quoted(path)}' ({PARQUET})")
    con.execute("DROP TABLE seen")
