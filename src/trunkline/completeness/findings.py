"""Findings: the contacts of a period that are not held everywhere, why, since when, and when that was settled."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

import duckdb

from trunkline.completeness.census import INCOMPLETE, PARQUET
from trunkline.engines.model import text_literal
from trunkline.sql.relation import Relation, relation

_CHUNK: Final = 10_000

WHY: Final = {
    "never seen": "its record is in no stream file that was loaded, and in no dead letter",
    "late": "it ended so recently that its record may still arrive",
    "dead letter": "its record was set aside: trunkline dead-letter list",
    "dropped by rule": "a later version of it is a deletion",
    "not merged": "the lake has it; the warehouse does not, or with another end",
    "not in the lake": "the warehouse has it and the lake does not",
    "held open": "lake and warehouse have it as it was before it ended",
    "gone from the API": "the listing names it, but the API no longer knows it",
    "only in stream": "it is held and the listing does not name it; reported, not counted as missing",
}
"""Why a contact is believed missing, or is known to one place only, and what that means."""

HEALED_BY_API: Final = ("never seen", "late", "dead letter", "not in the lake", "held open", "gone from the API")
"""The findings that fetching the contact can resolve."""


@dataclass(frozen=True, slots=True)
class ContactFinding:
    """One contact. Times are naive UTC; `settled_at` is None while the finding is open."""

    id: str
    began_at: datetime | None
    ended_at: datetime | None
    why: str
    detail: str | None
    found_at: datetime
    settled_at: datetime | None


_COLUMNS: Final = {
    "id": "VARCHAR",
    "began_at": "TIMESTAMP",
    "ended_at": "TIMESTAMP",
    "why": "VARCHAR",
    "detail": "VARCHAR",
    "found_at": "TIMESTAMP",
    "settled_at": "TIMESTAMP",
}


@dataclass(frozen=True, slots=True)
class Causes:
    """What is known about contacts that are not held: ids in dead letters, and ids that the API no longer knows."""

    dead_lettered: Relation
    unknown: Relation


def prepare(con: duckdb.DuckDBPyConnection) -> Causes:
    """Empty relations for causes."""
    causes = Causes(relation("dead_lettered", ("id", "detail")), relation("unknown", ("id",)))
    con.execute(f"CREATE OR REPLACE TABLE {causes.dead_lettered.sql} (id VARCHAR, detail VARCHAR)")
    con.execute(f"CREATE OR REPLACE TABLE {causes.unknown.sql} (id VARCHAR)")
    return causes


def add_dead_lettered(con: duckdb.DuckDBPyConnection, causes: Causes, named: list[tuple[str, str]]) -> None:
    """Add ids that occur in dead letters, each with a description of its letter."""
    if named:
        con.execute(
            f"INSERT INTO {causes.dead_lettered.sql} SELECT unnest($1::VARCHAR[]), unnest($2::VARCHAR[])",
            [[id_ for id_, _ in named], [detail for _, detail in named]],
        )


def add_unknown(con: duckdb.DuckDBPyConnection, causes: Causes, ids: list[str]) -> None:
    """Add ids that the API no longer knows."""
    if ids:
        con.execute(f"INSERT INTO {causes.unknown.sql} SELECT unnest($1::VARCHAR[])", [ids])


def has_dead_letters(con: duckdb.DuckDBPyConnection, causes: Causes) -> bool:
    """Whether any id was added from a dead letter."""
    return bool(con.execute(f"SELECT 1 FROM {causes.dead_lettered.sql} LIMIT 1").fetchall())


def count_dead_lettered(con: duckdb.DuckDBPyConnection, causes: Causes, matched: Relation) -> int:
    """The number of absent ids that are in a dead letter: the stream had them."""
    count: int = con.execute(
        f"SELECT count(*) FROM {matched.sql} WHERE verdict = 'absent' AND id IN "
        f"(SELECT id FROM {causes.dead_lettered.sql})"
    ).fetchall()[0][0]
    return count


def write(
    con: duckdb.DuckDBPyConnection,
    matched: Relation,
    causes: Causes,
    before: Path | None,
    path: Path,
    now: datetime,
    late: timedelta,
) -> bool:
    """Write a census's findings to `path`, with the time they were first found from the file `before`; False: none.

    A finding of `before` that no longer holds keeps its row, with the time it was settled. `now` is naive UTC. The
    record of a contact that ended less than `late` before it may still arrive.
    """
    rows = relation("findings", _COLUMNS)
    con.execute(
        f"CREATE OR REPLACE TABLE {rows.sql} AS WITH letters AS "
        f"(SELECT id, any_value(detail) AS detail FROM {causes.dead_lettered.sql} GROUP BY id), "
        f"fresh AS ({_fresh(matched, causes, now - late)}) "
        "SELECT COALESCE(n.id, o.id) AS id, COALESCE(n.began, o.began_at) AS began_at, "
        "COALESCE(n.ended, o.ended_at) AS ended_at, COALESCE(n.why, o.why) AS why, "
        "CASE WHEN n.id IS NULL THEN o.detail ELSE n.detail END AS detail, "
        f"COALESCE(o.found_at, TIMESTAMP '{now}') AS found_at, "
        f"CASE WHEN n.id IS NULL THEN COALESCE(o.settled_at, TIMESTAMP '{now}') END AS settled_at "
        f"FROM fresh AS n FULL JOIN {_earlier(before)} AS o USING (id)"
    )
    count: int = con.execute(f"SELECT count(*) FROM {rows.sql}").fetchall()[0][0]
    if count:
        con.execute(f"COPY (SELECT * FROM {rows.sql} ORDER BY id) TO {text_literal(str(path))} ({PARQUET})")
    con.execute(f"DROP TABLE {rows.sql}")
    return count > 0


def _fresh(matched: Relation, causes: Causes, recent: datetime) -> str:
    """A query of a census's findings: id, began, ended, why, detail. It reads `letters`: id, detail."""
    verdicts = ", ".join(map(text_literal, (*INCOMPLETE, "dropped by rule", "only in stream")))
    return (
        "SELECT m.id, m.began, COALESCE(m.listed_ended, m.ended) AS ended, "
        "CASE WHEN m.verdict <> 'absent' THEN m.verdict "
        f"WHEN m.id IN (SELECT id FROM {causes.unknown.sql}) THEN 'gone from the API' "
        "WHEN l.id IS NOT NULL THEN 'dead letter' "
        f"WHEN m.listed_ended > TIMESTAMP '{recent}' THEN 'late' ELSE 'never seen' END AS why, "
        f"CASE WHEN m.verdict = 'absent' THEN l.detail END AS detail FROM {matched.sql} AS m "
        f"LEFT JOIN letters AS l USING (id) WHERE m.verdict IN ({verdicts})"
    )


def _earlier(before: Path | None) -> str:
    """A FROM item of the findings of an earlier census."""
    if before is not None:
        return f"read_parquet({text_literal(str(before))})"
    return "(SELECT " + ", ".join(f"NULL::{type_} AS {name}" for name, type_ in _COLUMNS.items()) + " WHERE false)"


def read(path: Path, why: tuple[str, ...] | None = None, is_open: bool = True) -> Iterator[list[ContactFinding]]:
    """Findings of a file in order of id, in chunks; with `is_open` only those that are not settled."""
    chosen = "true" if why is None else f"why IN ({', '.join(map(text_literal, why))})"
    with duckdb.connect() as con:
        con.execute("SET TimeZone = 'UTC'; SET threads = 1")
        con.execute(
            f"SELECT {', '.join(_COLUMNS)} FROM read_parquet($1) "
            f"WHERE {chosen} AND (NOT $2 OR settled_at IS NULL) ORDER BY id",
            [str(path), is_open],
        )
        while rows := con.fetchmany(_CHUNK):
            yield [ContactFinding(*row) for row in rows]


def tally(path: Path) -> dict[str, int]:
    """The number of open findings by `why`."""
    with duckdb.connect() as con:
        rows = con.execute(
            "SELECT why, count(*) FROM read_parquet($1) WHERE settled_at IS NULL GROUP BY why ORDER BY why", [str(path)]
        ).fetchall()
    return dict(rows)
